"""What may become of graded goods, and when: the owner's decision, its default, its carrying out. Pure."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from backend.core.errors import Conflict, Fault
from backend.core.text import N_, Word
from backend.returns.rules import DISPOSITION_NAMES, Disposition, Grade, UnitState
from backend.returns.steps import ReceiptReversed

_ANY = frozenset(Disposition) - {Disposition.RESTOCK, Disposition.SECOND}
# What may become of each grade: only goods like new are good again, only those and goods with small flaws are sold at all.
KINDS_OF: Mapping[Grade, frozenset[Disposition]] = {
    Grade.A: frozenset(Disposition),
    Grade.B: _ANY | {Disposition.SECOND},
    Grade.C: _ANY,
    Grade.D: _ANY,
}


def may_become(grade: Grade | str, kind: Disposition | str) -> bool:
    """Whether goods of this grade may become that."""
    return kind in KINDS_OF[Grade(grade)]


def possible_kinds(grades: Sequence[str]) -> list[Disposition]:
    """What may become of goods of all these grades, in the order in which it is offered."""
    return [kind for kind in Disposition if all(may_become(grade, kind) for grade in grades)]


_NOT_FOR_GRADE = N_(
    "Unit %(unit)s has grade %(grade)s, so “%(kind)s” is not possible. Choose another way, or ask for a second look."
)
_ONE_PIECE = N_("Unit %(unit)s has %(quantity)s pieces, and a repair is of one. Split the pieces off first.")
_NO_KIND = N_("“%(value)s” is not a disposition. Choose one of: %(choices)s.")


def kind_of(text: str, faults: list[Fault], field: str = "kind") -> Disposition | None:
    """What becomes of goods; anything else becomes a fault."""
    if text in list(Disposition):
        return Disposition(text)
    faults.append(Fault(field, text[:20], _NO_KIND, {"value": text[:20], "choices": list(Disposition)}))
    return None


def kind_faults(code: str, grade: str, quantity: int, kind: Disposition, field: str = "units") -> list[Fault]:
    """Why a unit of this grade and size cannot become that."""
    if not may_become(grade, kind):
        facts = {"unit": code, "grade": grade, "kind": Word(DISPOSITION_NAMES[kind])}
        return [Fault(field, code, _NOT_FOR_GRADE, facts)]
    if kind is Disposition.REPAIR and quantity > 1:
        return [Fault(field, code, _ONE_PIECE, {"unit": code, "quantity": quantity})]
    return []


class NotGradedYet(Conflict):
    """A decision follows a grade."""

    sentence: ClassVar[str] = N_("Unit %(unit)s is not graded yet. Wait for its grade, then decide.")


class RegradePending(Conflict):
    """A decision follows the second look that was asked for."""

    sentence: ClassVar[str] = N_(
        "A second look at unit %(unit)s is being waited for. Decide after it, or take your wish for it back first."
    )


class UnderInvestigation(Conflict):
    """Goods that have only the buyer's word are decided after the investigation."""

    sentence: ClassVar[str] = N_(
        "Unit %(unit)s belongs to a line that is being investigated. Settle the investigation on the page of the return first."
    )


class AlreadyDecided(Conflict):
    """A unit is decided once; whoever comes second is told."""

    sentence: ClassVar[str] = N_(
        "Unit %(unit)s was decided already: “%(kind)s”. If that is not carried out yet, revoke it first."
    )


class DefaultApplied(Conflict):
    """The time was over, and what had been agreed was applied."""

    sentence: ClassVar[str] = N_(
        "The time to decide on unit %(unit)s was over, so “%(kind)s” was applied as agreed. If that is not carried out yet, "
        "revoke it first."
    )


class AlreadyCarriedOut(Conflict):
    """What was carried out is not decided again."""

    sentence: ClassVar[str] = N_(
        "“%(kind)s” was carried out for unit %(unit)s already. Load it again to see where it stands."
    )


class NotDecided(Conflict):
    """There is no decision to revoke or to carry out."""

    sentence: ClassVar[str] = N_("Nothing is decided for unit %(unit)s. Its owner decides first.")


class InBatch(Conflict):
    """A unit that is collected for the way home stays decided."""

    sentence: ClassVar[str] = N_("Unit %(unit)s is collected in batch %(batch)s. Take it out of the batch first.")


def require_undecided(code: str, state: str, regrade: str, kind: str | None, decided_as: str | None) -> None:
    """The unit's owner may decide now."""
    if state == UnitState.REVERSED:
        raise ReceiptReversed(unit=code)
    if state == UnitState.RECEIVED:
        raise NotGradedYet(unit=code)
    word = Word(DISPOSITION_NAMES[Disposition(kind)]) if kind else ""
    if state == UnitState.DISPOSED:
        raise AlreadyCarriedOut(unit=code, kind=word)
    if state == UnitState.DECIDED:
        raise (DefaultApplied if decided_as == "default" else AlreadyDecided)(unit=code, kind=word)
    if regrade == "asked":
        raise RegradePending(unit=code)


def require_decided(code: str, state: str, kind: str | None) -> Disposition:
    """What was decided for the unit and is still to be carried out."""
    if state == UnitState.REVERSED:
        raise ReceiptReversed(unit=code)
    if state == UnitState.DISPOSED and kind:
        raise AlreadyCarriedOut(unit=code, kind=Word(DISPOSITION_NAMES[Disposition(kind)]))
    if state != UnitState.DECIDED or kind is None:
        raise NotDecided(unit=code)
    return Disposition(kind)


def require_carried_out(code: str, state: str, kind: str | None) -> Disposition:
    """What was carried out for the unit."""
    if state != UnitState.DISPOSED or kind is None:
        raise NotCarriedOut(unit=code)
    return Disposition(kind)


class NotCarriedOut(Conflict):
    """Only what was carried out is undone."""

    sentence: ClassVar[str] = N_("Nothing was carried out for unit %(unit)s that could be undone. Load it again.")


class GoesWithBatch(Conflict):
    """Goods go home with a batch and its papers."""

    sentence: ClassVar[str] = N_("Unit %(unit)s goes home with a batch. Put it into one and send that.")


class GoesOn(Conflict):
    """A repair or service that began is not undone from here."""

    sentence: ClassVar[str] = N_("What was begun for unit %(unit)s as %(number)s goes on there. Cancel it there first.")


SEVERAL_WAYS = N_("These units were decided differently. Carry out one kind at a time.")
SEVERAL_PLACES = N_("These units lie in several warehouses. Carry out those of one warehouse at a time.")


class Refunded(Conflict):
    """Money was given back for goods that were dealt with; that is undone first."""

    sentence: ClassVar[str] = N_("A refund was recorded for unit %(unit)s. Reverse the refund first.")


BINS_ONLY = frozenset({Disposition.RESTOCK, Disposition.SECOND})
DESTROYED = frozenset({Disposition.SCRAP, Disposition.DONATE})
WORKED_ON = frozenset({Disposition.RELABEL, Disposition.REPAIR})
