"""Goods that go home: the steps of a batch, what may join it, and what is counted into and out of it. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, ClassVar

import msgspec

from backend.core import values
from backend.core.errors import Conflict, Fault, Invalid, NotFound
from backend.core.text import N_, Word
from backend.regulations.rules import Standing
from backend.returns.eligibility import Cause, Eligibility, Plan

MOST_LINES = 2000
LONGEST_STATEMENT = 2000
LONGEST_NOTE = 500
LONGEST_PLAN = timedelta(days=730)


class Stage(StrEnum):
    """Where a batch stands."""

    OPEN = "open"
    READY = "ready"
    PACKED = "packed"
    SENT = "sent"
    ARRIVED = "arrived"
    CANCELLED = "cancelled"


STAGE_NAMES: Mapping[Stage, str] = {
    Stage.OPEN: N_("Being collected"),
    Stage.READY: N_("To be packed"),
    Stage.PACKED: N_("Packed"),
    Stage.SENT: N_("On the way home"),
    Stage.ARRIVED: N_("Arrived"),
    Stage.CANCELLED: N_("Cancelled"),
}


class Step(StrEnum):
    """What moves a batch on, or back."""

    READY = "ready"
    REOPEN = "reopen"
    PACK = "pack"
    UNPACK = "unpack"
    DISPATCH = "dispatch"
    UNDO_DISPATCH = "undo_dispatch"
    ARRIVE = "arrive"
    UNDO_ARRIVAL = "undo_arrival"
    CANCEL = "cancel"


STEPS: Mapping[Step, tuple[frozenset[Stage], Stage]] = {
    Step.READY: (frozenset({Stage.OPEN}), Stage.READY),
    Step.REOPEN: (frozenset({Stage.READY}), Stage.OPEN),
    Step.PACK: (frozenset({Stage.READY}), Stage.PACKED),
    Step.UNPACK: (frozenset({Stage.PACKED}), Stage.READY),
    Step.DISPATCH: (frozenset({Stage.PACKED}), Stage.SENT),
    Step.UNDO_DISPATCH: (frozenset({Stage.SENT}), Stage.PACKED),
    Step.ARRIVE: (frozenset({Stage.SENT}), Stage.ARRIVED),
    Step.UNDO_ARRIVAL: (frozenset({Stage.ARRIVED}), Stage.SENT),
    Step.CANCEL: (frozenset({Stage.OPEN, Stage.READY, Stage.PACKED}), Stage.CANCELLED),
}

CAUSES: tuple[Cause, ...] = ("unsold", "return")


class NoSuchBatch(NotFound):
    """There is no such batch, or it is not the viewer's to see."""

    sentence: ClassVar[str] = N_(
        "There is no such batch in your view. Check the number; it may belong to somebody else."
    )


class BatchChanged(Conflict):
    """Somebody changed the batch since the page was opened."""

    sentence: ClassVar[str] = N_(
        "Batch %(number)s was changed in the meantime. See how it stands now and repeat your change."
    )


class NotAtThisStage(Conflict):
    """A step that the stage of the batch does not allow."""

    sentence: ClassVar[str] = N_(
        "Batch %(number)s is at the stage “%(stage)s”, so this is not possible. See how it stands now."
    )


class NothingInIt(Conflict):
    """An empty batch goes nowhere."""

    sentence: ClassVar[str] = N_("Nothing is in batch %(number)s. Add goods first, or cancel it.")


class NotForHome(Invalid):
    """Goods that cannot join a batch, or cannot leave with it; `faults` says why, line by line."""

    sentence: ClassVar[str] = N_("Some of these goods cannot go home like this. Nothing was changed.")


def after(step: Step, stage: str, number: str) -> Stage:
    """The stage that a step leads to; refuses a step that the present one does not allow."""
    possible, target = STEPS[step]
    require_stage(stage, number, *possible)
    return target


def require_stage(stage: str, number: str, *possible: Stage) -> None:
    """Refuse what is not done at this stage."""
    if stage not in possible:
        raise NotAtThisStage(number=number, stage=Word(STAGE_NAMES[Stage(stage)]))


def possible_steps(stage: str) -> list[Step]:
    """The steps that a stage allows."""
    return [step for step, (possible, _) in STEPS.items() if stage in possible]


# ------------------------------------------------------------------------------------------------------------- the plan


def plan(given: Mapping[str, str], today: date, faults: list[Fault], cause: str | None = None) -> Plan | None:
    """The plan as typed (cause, home_area, planned_on, statement); None with a fault for everything wrong in it."""
    before = len(faults)
    why = given.get("cause", "") if cause is None else cause
    if why not in CAUSES:
        faults.append(Fault("cause", why, N_("Say why the goods go home: unsold, or returned by buyers.")))
    area = given.get("home_area", "").strip()
    if not (area.isascii() and area.isdecimal() and len(area) == 4):
        sentence = N_("“%(value)s” is not a customs district. It has four digits, e.g. 4602 for Luoyang.")
        faults.append(Fault("home_area", area, sentence, {"value": area}))
    typed = given.get("planned_on", "").strip()
    day: date | None = None
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        sentence = N_("Say when the goods are to arrive in China, like 2026-11-23.")
        faults.append(Fault("planned_on", typed, sentence))
    if day is not None and not today <= day <= today + LONGEST_PLAN:
        facts = {"value": typed, "first": today.isoformat(), "last": (today + LONGEST_PLAN).isoformat()}
        sentence = N_("The day %(value)s is not possible here. Give one from %(first)s to %(last)s.")
        faults.append(Fault("planned_on", typed, sentence, facts))
    statement = given.get("statement", "").strip()
    long_fault("statement", statement, LONGEST_STATEMENT, faults)
    if len(faults) > before or day is None:
        return None
    return Plan(cause="unsold" if why == "unsold" else "return", home_area=area, planned_on=day, statement=statement)


def long_fault(field: str, text: str, most: int, faults: list[Fault]) -> None:
    """A text that is longer than anybody reads, or holds invisible signs, becomes a fault."""
    faults += values.text_faults(field, text, most)


def require_why(note: str) -> None:
    """Refuse a correction without a reason."""
    faults: list[Fault] = []
    if not note.strip():
        faults.append(Fault("note", note, N_("Say why, so that others can follow it later.")))
    long_fault("note", note, LONGEST_NOTE, faults)
    if faults:
        raise Invalid(faults)


# ---------------------------------------------------------------------------------------------------------- may it join

_CLOSED = N_(
    "%(goods)s cannot come back by the customs route for returns: %(why)s "
    "Choose another day or district, or another fate for these goods."
)
_TAXED = N_(
    "Duty and tax would be due for %(goods)s: %(why)s Agree to a taxed return, or choose another fate for these goods."
)
_UNKNOWN_UNIT = N_("There is no unit “%(value)s” in your view. Check its code.")
_OTHER_PLACE = N_("Unit %(value)s lies in another warehouse. Open a batch there for it.")
_NOT_DECIDED = N_("Unit %(value)s is not decided to be sent home. Decide that first.")
_GONE = N_("Unit %(value)s was carried out already.")
_TWICE = N_("Unit %(value)s is in batch %(batch)s already. Take it out there first.")
_OTHER_CAUSE = N_("Unit %(value)s goes home for another cause than this batch. Open a batch for that cause.")
_NO_STOCK = N_("Goods from the shelf go home as unsold. Open a batch with the cause “unsold” for them.")
_TOO_FEW = N_(
    "Only %(free)s of %(goods)s are free to go home, %(wanted)s are wanted. Lower the quantity, release a hold or a "
    "reservation, or take them out of another batch."
)
_MANY = N_("A batch has at most %(most)s lines. Open another one for the rest.")


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """A returned unit as a batch looks at it; `batch` is the number of the live batch that it is in, `cause` the law's word."""

    id: Any
    code: str
    warehouse_id: int
    owner_id: int
    state: str
    disposition: str | None
    cause: str
    batch: str | None = None


def unit_fault(
    field: str, code: str, unit: Unit | None, *, warehouse_id: int, owner_id: int, cause: str
) -> Fault | None:
    """Why a unit may not join a batch; None when it may."""
    sentence = ""
    facts = {"value": code}
    if unit is None or unit.owner_id != owner_id:
        sentence = _UNKNOWN_UNIT
    elif unit.warehouse_id != warehouse_id:
        sentence = _OTHER_PLACE
    elif unit.batch is not None:
        sentence, facts = _TWICE, {**facts, "batch": unit.batch}
    elif unit.state == "disposed":
        sentence = _GONE
    elif unit.state != "decided" or unit.disposition != "SEND_HOME":
        sentence = _NOT_DECIDED
    elif unit.cause != cause:
        sentence = _OTHER_CAUSE
    return Fault(field, code, sentence, facts) if sentence else None


def stock_fault(field: str, cause: str) -> Fault | None:
    """Why pieces from the shelf may not join a batch of this cause."""
    return Fault(field, cause, _NO_STOCK) if cause != "unsold" else None


def few_fault(field: str, goods: str, wanted: int, free: int) -> Fault:
    """The fault of more pieces than are free to go home."""
    return Fault(field, wanted, _TOO_FEW, {"goods": goods, "wanted": wanted, "free": max(free, 0)})


def many_fault(count: int) -> Fault | None:
    """Why a batch cannot take so many lines."""
    return Fault("", count, _MANY, {"most": MOST_LINES}) if count > MOST_LINES else None


def law_fault(field: str, goods: str, found: Eligibility, *, taxed_agreed: bool) -> Fault | None:
    """Why the law keeps a line out: the customs route is closed, or tax is due and nobody has agreed to pay it."""
    if found.customs is Standing.REFUSED:
        return Fault(field, goods, _CLOSED, {"goods": goods, "why": _why(found, "refused")})
    if found.tax is Standing.TAXED and not taxed_agreed:
        return Fault(field, goods, _TAXED, {"goods": goods, "why": _why(found, "taxed")})
    return None


def _why(found: Eligibility, effect: str) -> object:
    """What the first reason for this effect says; it is spoken when the refusal is."""
    return next((reason.said for reason in found.reasons if reason.effect == effect), "")


# ------------------------------------------------------------------------------------------------- packing and arriving


class Packed(msgspec.Struct, frozen=True, kw_only=True):
    """What was put in of one line, and where it was taken from (empty: where it was planned)."""

    line_no: int
    quantity: int
    location: str = ""


_NOT_SAID = N_("Say how many pieces of line %(line)s there are; 0 if none.")
_NO_LINE = N_("This batch has no line %(line)s.")
_ONCE = N_("Line %(line)s is named twice.")
_BETWEEN = N_("“%(value)s” is not possible for line %(line)s. Give whole pieces from 0 to %(most)s.")
_WHOLE_UNIT = N_("The unit of line %(line)s goes as a whole or not at all. Give %(most)s or 0.")


def counted_faults(
    expected: Mapping[int, tuple[int, bool]], given: Sequence[tuple[int, int]], *, whole_units: bool
) -> list[Fault]:
    """Everything wrong with pieces counted line by line: `expected` says how many at most, and whether it is one unit."""
    faults: list[Fault] = []
    seen: set[int] = set()
    for line_no, quantity in given:
        field, facts = f"lines.{line_no}.quantity", {"line": line_no, "value": quantity}
        if line_no not in expected:
            faults.append(Fault(field, line_no, _NO_LINE, facts))
            continue
        if line_no in seen:
            faults.append(Fault(field, line_no, _ONCE, facts))
        seen.add(line_no)
        most, is_unit = expected[line_no]
        if not 0 <= quantity <= most:
            faults.append(Fault(field, quantity, _BETWEEN, {**facts, "most": most}))
        elif whole_units and is_unit and quantity not in (0, most):
            faults.append(Fault(field, quantity, _WHOLE_UNIT, {**facts, "most": most}))
    faults += [
        Fault(f"lines.{line_no}.quantity", "", _NOT_SAID, {"line": line_no}) for line_no in expected.keys() - seen
    ]
    return faults
