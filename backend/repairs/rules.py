"""What may happen to a work order, a diagnosis, an answer and a test; the refusals. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from backend.core import values
from backend.core.errors import Conflict, Fault, Invalid, NotAllowed, NotFound
from backend.core.text import N_, Word
from backend.repairs import faultbook
from backend.stock.rules import SELLABLE, Condition


class Stage(StrEnum):
    """Where a work order stands."""

    REQUESTED = "requested"
    DIAGNOSING = "diagnosing"
    QUOTED = "quoted"
    REPAIRING = "repairing"
    TESTING = "testing"
    FINISHED = "finished"
    GIVEN_UP = "given_up"
    CANCELLED = "cancelled"


STAGE_NAMES: Mapping[Stage, str] = {
    Stage.REQUESTED: N_("To be brought to the workshop"),
    Stage.DIAGNOSING: N_("To be diagnosed"),
    Stage.QUOTED: N_("Quote to be answered"),
    Stage.REPAIRING: N_("Being repaired"),
    Stage.TESTING: N_("To be tested"),
    Stage.FINISHED: N_("Repaired"),
    Stage.GIVEN_UP: N_("Given up"),
    Stage.CANCELLED: N_("Cancelled"),
}
IN_WORKSHOP = frozenset({Stage.DIAGNOSING, Stage.QUOTED, Stage.REPAIRING, Stage.TESTING})
ENDED = frozenset({Stage.FINISHED, Stage.GIVEN_UP, Stage.CANCELLED})
# From where to where a work order goes. A refused, expired or withdrawn quote leads back to where the bench stands.
TRANSITIONS: frozenset[tuple[Stage, Stage]] = frozenset(
    {
        (Stage.REQUESTED, Stage.DIAGNOSING),
        (Stage.REQUESTED, Stage.CANCELLED),
        (Stage.DIAGNOSING, Stage.QUOTED),
        (Stage.QUOTED, Stage.DIAGNOSING),
        (Stage.QUOTED, Stage.REPAIRING),
        (Stage.REPAIRING, Stage.QUOTED),
        (Stage.REPAIRING, Stage.TESTING),
        (Stage.TESTING, Stage.REPAIRING),
        (Stage.TESTING, Stage.FINISHED),
        *((stage, Stage.GIVEN_UP) for stage in IN_WORKSHOP),
    }
)


class QuoteState(StrEnum):
    """How a quote stands."""

    OPEN = "open"
    APPROVED = "approved"
    REFUSED = "refused"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


QUOTE_STATE_NAMES: Mapping[QuoteState, str] = {
    QuoteState.OPEN: N_("Waits for its answer"),
    QuoteState.APPROVED: N_("Approved"),
    QuoteState.REFUSED: N_("Refused"),
    QuoteState.EXPIRED: N_("Expired"),
    QuoteState.WITHDRAWN: N_("Withdrawn"),
}


class Origin(StrEnum):
    """Where a unit comes from."""

    RETURN = "return"
    STOCK = "stock"


ORIGIN_NAMES: Mapping[Origin, str] = {Origin.RETURN: N_("From a return"), Origin.STOCK: N_("From stock")}
USABLE = SELLABLE
RECOVERED_AS = frozenset({Condition.SECOND, Condition.DAMAGED})
FINISHED_AS = frozenset({Condition.GOOD, Condition.SECOND})
WORKSHOP_CONDITIONS = frozenset({Condition.QUARANTINE, Condition.DAMAGED})

LONGEST_TEXT = 2000
LONGEST_NOTE = 500
LONGEST_SERIAL = 64
# A return names the unit behind its own key.
LONGEST_KEY = 300
MOST_MINUTES = 60_000
MOST_PARTS = 50
MOST_CODES = 10


class NoSuchOrder(NotFound):
    """There is no such work order, or it is not the viewer's to see."""

    sentence: ClassVar[str] = N_(
        "There is no such work order in your view. Check the number; it may belong to somebody else."
    )


class NoSuchGoods(NotFound):
    """Nothing lies where the unit was said to lie, or it is not the viewer's to see."""

    sentence: ClassVar[str] = N_(
        "No %(item)s lies at “%(location)s” in warehouse “%(warehouse)s” in your view. Check these codes, the owner, the lot "
        "and the condition; see Stock."
    )


class NoSuchQuote(NotFound):
    """The work order has no such quote."""

    sentence: ClassVar[str] = N_(
        "Work order %(number)s has no such quote. Load it again and answer the quote that is open."
    )


class NoSuchUse(NotFound):
    """The work order has no such use of parts."""

    sentence: ClassVar[str] = N_(
        "No such parts were used under work order %(number)s. Load it again and choose the step that is to be undone."
    )


class NotYourBench(NotAllowed):
    """Only the operator of the warehouse works on a unit."""

    sentence: ClassVar[str] = N_("Only the operator of warehouse %(warehouse)s works on repairs there.")


class NotYourUnit(NotAllowed):
    """Only the owner of a unit says what it may cost."""

    sentence: ClassVar[str] = N_("Only the owner of this unit may do this. Write to the owner in the thread below.")


class WrongStage(Conflict):
    """The work order has gone on, or is not so far yet."""

    sentence: ClassVar[str] = N_(
        "Work order %(number)s is in the stage “%(stage)s” now, where this is not possible. Load it again."
    )


class AlreadyInRepair(Conflict):
    """A unit is in one repair at a time."""

    sentence: ClassVar[str] = N_("This unit is in repair already, under work order %(number)s. Go on there.")


class QuoteExpired(Conflict):
    """A quote is answered before it expires."""

    sentence: ClassVar[str] = N_(
        "This quote expired at %(instant)s and cannot be answered any more. Ask the operator for a new one."
    )


class AlreadyAnswered(Conflict):
    """A quote is answered once."""

    sentence: ClassVar[str] = N_("This quote has been answered already: %(state)s. Load the work order again.")


class Untested(Conflict):
    """A unit leaves as repaired only after its last test was passed."""

    sentence: ClassVar[str] = N_("Work order %(number)s has no passed test. Test the unit first, then finish.")


class NotRepairable(Conflict):
    """What cannot be repaired is not quoted."""

    sentence: ClassVar[str] = N_(
        "The last diagnosis says that this unit cannot be repaired. Diagnose it again, or give it up."
    )


class NotDiagnosed(Conflict):
    """A quote stands on a diagnosis."""

    sentence: ClassVar[str] = N_("Work order %(number)s has no diagnosis yet. Diagnose the unit first, then quote.")


class NotAgreed(Invalid):
    """More parts than the approved quotes have."""

    sentence: ClassVar[str] = N_("The approved quotes do not cover these parts. Nothing was booked.")
    line: ClassVar[str] = N_(
        "The approved quotes leave %(left)s of %(item)s, %(wanted)s are wanted. Use fewer, or make a further quote first."
    )


class AlreadyUndone(Conflict):
    """A use of parts is undone once."""

    sentence: ClassVar[str] = N_("These parts have been put back already. Load the work order again.")


# --------------------------------------------------------------------------------------------------------- stages


def may_go(source: Stage, target: Stage) -> bool:
    """Whether a work order goes from one stage to the other."""
    return (source, target) in TRANSITIONS


def require_stage(order: Mapping[str, object], *allowed: Stage) -> Stage:
    """The stage of a work order, which is one of `allowed`; refuses every other."""
    stage = Stage(str(order["stage"]))
    if stage not in allowed:
        raise WrongStage(number=order["number"], stage=Word(STAGE_NAMES[stage]))
    return stage


def stage_after_quote(state: QuoteState, approved_before: bool) -> Stage:
    """Where a work order goes when its open quote ends: to the repair, or back to where the bench stands."""
    if state is QuoteState.APPROVED or approved_before:
        return Stage.REPAIRING
    return Stage.DIAGNOSING


def require_answerable(state: QuoteState, expires_at: datetime, now: datetime, shown_expiry: str) -> None:
    """Refuses an answer to a quote that was answered, withdrawn or is past its time."""
    if state is QuoteState.EXPIRED or (state is QuoteState.OPEN and now >= expires_at):
        raise QuoteExpired(instant=shown_expiry)
    if state is not QuoteState.OPEN:
        raise AlreadyAnswered(state=Word(QUOTE_STATE_NAMES[state]))


# ----------------------------------------------------------------------------------------------------------- texts


def text_of(field: str, text: str, faults: list[Fault], *, most: int = LONGEST_NOTE, needed: str = "") -> str:
    """A text without surrounding spaces and invisible signs, at most `most` characters; empty only if nothing is `needed`."""
    given = text.strip()
    if needed and not given:
        faults.append(Fault(field, text, needed))
    faults += values.text_faults(field, given, most)
    return given


def serial_of(text: str | None, faults: list[Fault]) -> str | None:
    """A serial in its one spelling, or None when the unit has none."""
    code = values.code_of(text or "")
    if len(code) > LONGEST_SERIAL or not code.isprintable():
        faults.append(
            Fault(
                "serial",
                (text or "")[:70],
                N_("A serial has at most %(most)s characters, none of them invisible."),
                {"most": LONGEST_SERIAL},
            )
        )
    return code or None


def key_faults(key: str) -> list[Fault]:
    """What is wrong with a request key."""
    if 0 < len(key) <= LONGEST_KEY and key.isprintable():
        return []
    return [
        Fault(
            "Idempotency-Key",
            key[:50],
            N_("Every write needs a request key of 1 to %(most)s printable characters, new for each new request."),
            {"most": LONGEST_KEY},
        )
    ]


# -------------------------------------------------------------------------------------------- diagnosis and test


def code_faults(item_class: str, codes: Sequence[str]) -> list[Fault]:
    """What is wrong with the fault codes of a diagnosis: at least one, all of the item's class, no fault alone."""
    book = faultbook.book()
    known = book.codes_of(item_class)
    faults = [
        Fault(
            "codes",
            code,
            N_("“%(value)s” is not a fault code of this class of items. Choose from its list."),
            {"value": code},
        )
        for code in codes
        if code not in known
    ]
    if not codes:
        faults.append(
            Fault("codes", "", N_("Choose at least one fault code; one of them says that no fault was found."))
        )
    if len(codes) > MOST_CODES:
        faults.append(
            Fault(
                "codes", len(codes), N_("Choose at most %(most)s fault codes, the real causes."), {"most": MOST_CODES}
            )
        )
    if book.no_fault.intersection(codes) and set(codes) - book.no_fault:
        faults.append(
            Fault("codes", "", N_("“No fault found” does not go together with a fault. Choose one or the other."))
        )
    return faults


ANSWERS = ("ok", "bad", "na")
ANSWER_NAMES: Mapping[str, str] = {"ok": N_("In order"), "bad": N_("Not in order"), "na": N_("Does not apply")}


def answer_faults(item_class: str, answers: Mapping[str, str]) -> list[Fault]:
    """What is wrong with the answers of a test: every check of the class is answered, no other is."""
    checks = faultbook.book().checks_of(item_class)
    faults = [
        Fault(f"answers.{name}", "", N_("Answer this check before the test counts."))
        for name in checks
        if answers.get(name, "") not in ANSWERS
    ]
    faults += [
        Fault(f"answers.{name}", value, N_("“%(value)s” is not a check of this class of items."), {"value": name})
        for name, value in answers.items()
        if name not in checks
    ]
    if not faults and "ok" not in answers.values():
        faults.append(Fault("answers", "", N_("At least one check must be in order or not; all cannot be left out.")))
    return faults


def is_passed(answers: Mapping[str, str]) -> bool:
    """Whether a test is passed: nothing is not in order, and something was looked at."""
    return "bad" not in answers.values() and "ok" in answers.values()
