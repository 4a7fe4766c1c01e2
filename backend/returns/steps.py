"""The steps of returned goods: received, graded, decided, carried out, each only after the one before it. Pure.

Where a return stands, what may be graded and split. A refusal stands beside the rule that raises it and names the way
out. `arrivals` has the rules of receiving, `decisions` those of what becomes of goods.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import msgspec

from backend.core import values
from backend.core.errors import Conflict, Fault, Invalid, NotAllowed, NotFound
from backend.core.text import N_, Word
from backend.returns.rules import Grade, Stage, UnitState
from backend.stock.rules import Condition

LONGEST_NOTE = 1000

# ---------------------------------------------------------------------------------------------------- where it stands


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How far the goods of a return are: units by what they wait for, pieces to come, parcels on their way and unpacked not yet."""

    to_grade: int = 0
    to_decide: int = 0
    to_carry_out: int = 0
    done: int = 0
    outstanding: int = 0
    on_the_way: int = 0
    at_the_dock: int = 0
    unpacked: int = 0

    @property
    def units(self) -> int:
        """Units that are here or were."""
        return self.to_grade + self.to_decide + self.to_carry_out + self.done


def stage_of(standing: Standing) -> Stage:
    """Where a return stands: with the unit that is furthest behind.

    Pieces that are still to come hold it in receiving when nothing more is on its way, or a parcel waits at the dock;
    otherwise it follows what is here, and is on its way again when that is done.
    """
    arrived = standing.units or standing.at_the_dock or standing.unpacked
    if standing.outstanding and (standing.at_the_dock or (arrived and not standing.on_the_way)):
        return Stage.RECEIVING
    if standing.to_grade:
        return Stage.GRADING
    if standing.to_decide:
        return Stage.DECIDING
    if standing.to_carry_out:
        return Stage.WORKING
    return Stage.BOOKED if standing.outstanding else Stage.CLOSED


def waits_for(state: UnitState | str, regrade: str) -> str | None:
    """The field of a Standing in which a unit is counted; None for one whose receipt was reversed."""
    if state == UnitState.RECEIVED or (state == UnitState.GRADED and regrade == "asked"):
        return "to_grade"
    return {UnitState.GRADED: "to_decide", UnitState.DECIDED: "to_carry_out", UnitState.DISPOSED: "done"}.get(
        UnitState(state)
    )


# ------------------------------------------------------------------------------------------------------------ grading


class NoSuchUnit(NotFound):
    """There is no such unit, or it is not the viewer's to see."""

    sentence: ClassVar[str] = N_(
        "There is no returned unit “%(unit)s” in your view. Check its label; it may belong to somebody else."
    )


class NotToBeGraded(Conflict):
    """A grade is given after the receipt and before a decision."""

    sentence: ClassVar[str] = N_("Unit %(unit)s is “%(state)s”, so it is not graded now. A decision is revoked first.")


class SamePerson(NotAllowed):
    """A second look is another person's."""

    sentence: ClassVar[str] = N_(
        "You have graded unit %(unit)s yourself. A second look is another person's: ask a colleague to grade it."
    )


class ReceiptReversed(Conflict):
    """A unit whose receipt was reversed is no unit any more."""

    sentence: ClassVar[str] = N_("The receipt of unit %(unit)s was reversed. Receive the piece again.")


class NotAlike(Invalid):
    """Units are graded together when they are pieces of one item."""

    sentence: ClassVar[str] = N_("These units are of several items. Grade the units of each item by themselves.")


class NoRegrade(Conflict):
    """A second look may be asked for between the grade and the decision, once."""

    sentence: ClassVar[str] = N_(
        "A second look at unit %(unit)s cannot be asked for: it is asked for already, or the unit is not waiting for your decision."
    )


class NoRegradeAsked(Conflict):
    """Only what was asked for can be taken back."""

    sentence: ClassVar[str] = N_(
        "No second look at unit %(unit)s is being waited for. Load it again to see where it stands."
    )


WHY_CORRECT = N_("Unit %(unit)s is graded already. Say in the note why its grade is corrected.")
WHY_REGRADE = N_("Say what the second look should look at.")


def require_gradable(code: str, state: str, regrade: str, graders: Sequence[int], user_id: int) -> None:
    """The unit may be looked at now by this person: after its receipt, again before a decision, a second time by another."""
    if state == UnitState.REVERSED:
        raise ReceiptReversed(unit=code)
    if state not in (UnitState.RECEIVED, UnitState.GRADED):
        raise NotToBeGraded(unit=code, state=word_of(state))
    if regrade == "asked" and user_id in graders:
        raise SamePerson(unit=code)


def require_regradable(code: str, state: str, regrade: str) -> None:
    """A second look may be asked for, once: the unit is graded and not decided."""
    if state != UnitState.GRADED or regrade != "none":
        raise NoRegrade(unit=code)


def condition_of(grade: Grade) -> Condition:
    """The condition of graded goods until their owner has decided: never one that is sold."""
    return Condition.QUARANTINE if grade in (Grade.A, Grade.B) else Condition.DAMAGED


def word_of(state: str) -> Word:
    """What a unit waits for, in words."""
    return Word(UNIT_WORDS[UnitState(state)])


UNIT_WORDS: Mapping[UnitState, str] = {
    UnitState.RECEIVED: N_("waiting to be graded"),
    UnitState.GRADED: N_("waiting for its owner's decision"),
    UnitState.DECIDED: N_("decided, to be carried out"),
    UnitState.DISPOSED: N_("carried out"),
    UnitState.REVERSED: N_("reversed"),
}


class HeldBack(Conflict):
    """The ledger keeps pieces where they are: they are held (a pledge, customs, a dispute) or promised."""

    sentence: ClassVar[str] = N_(
        "Only %(free)s of %(item)s are free at %(location)s, %(wanted)s are to be moved: the others are held, promised or "
        "gone. Have the hold released (see Stock, Holds), or take only what is free, then repeat the step. Nothing was changed."
    )


_SPLIT_WRONG = N_("Unit %(unit)s has %(quantity)s pieces. Split off at least one and leave at least one.")


def split_wrong(code: str, quantity: int, wanted: int) -> Invalid:
    """The refusal of a split that would leave nothing on one side."""
    return Invalid([Fault("quantity", wanted, _SPLIT_WRONG, {"unit": code, "quantity": quantity})])


class SplitMeanwhile(Conflict):
    """Somebody else split it."""

    sentence: ClassVar[str] = N_("Unit %(unit)s has %(quantity)s pieces by now. Load it again and split it once more.")


class NotToBeSplit(Conflict):
    """Units are split before they are decided."""

    sentence: ClassVar[str] = N_("Unit %(unit)s is “%(state)s” and is not split any more. A decision is revoked first.")


# -------------------------------------------------------------------------------------------------- what is typed

WHY = N_("Say why.")


def why_fault(field: str, text: str, sentence: str = WHY, **facts: object) -> list[Fault]:
    """The fault of a reason that is missing, too long, or holds invisible signs."""
    if not text.strip():
        return [Fault(field, text, sentence, facts)]
    return length_faults(field, text)


def length_faults(field: str, text: str, most: int = LONGEST_NOTE) -> list[Fault]:
    """The fault of a text that is too long or holds invisible signs."""
    return values.text_faults(field, text, most)


def key_faults(key: str) -> list[Fault]:
    """The fault of a request key that is none."""
    if 0 < len(key) <= 150 and key.isprintable():
        return []
    sentence = N_("Every write needs a request key of 1 to %(most)s printable characters, new for each new request.")
    return [Fault("Idempotency-Key", key[:50], sentence, {"most": 150})]
