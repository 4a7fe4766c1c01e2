"""What an owner may agree beforehand for the case that it does not decide in time. Pure."""

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from backend.core.errors import Conflict, Fault
from backend.core.text import N_, Word
from backend.returns import decisions
from backend.returns.rules import DISPOSITION_NAMES, Disposition, Grade

MOST_DAYS = 90
USUAL_DAYS = 14

# Relabelling is ordered with its instructions, so never by default.
NEVER_BY_DEFAULT = frozenset({Disposition.RELABEL})
# What each grade may become without a word of its owner, in the order in which it is offered.
POSSIBLE: Mapping[Grade, tuple[Disposition, ...]] = {
    grade: tuple(kind for kind in decisions.possible_kinds([grade]) if kind not in NEVER_BY_DEFAULT) for grade in Grade
}

_DAYS = N_("“%(value)s” is not a number of days. Give 1 to %(most)s.")
_NOT_FOR_GRADE = N_(
    "Goods of grade %(grade)s cannot become “%(disposition)s” by default. Choose one of the list, or wait for the owner."
)


class Agreement(msgspec.Struct, frozen=True):
    """Days to decide, and what becomes of each grade afterwards; a grade that is left out waits for its owner."""

    decide_days: int
    defaults: dict[Grade, Disposition]


class TermsChanged(Conflict):
    """Somebody else of the organisation agreed something in between."""

    sentence: ClassVar[str] = N_(
        "Somebody of your organisation agreed other terms in the meantime. See what holds now and send your change again."
    )


def agreement(days: str, defaults: Mapping[str, str], faults: list[Fault]) -> Agreement:
    """The terms as typed: days, and a disposition (or nothing) for each grade; everything impossible becomes a fault."""
    found: dict[Grade, Disposition] = {}
    given = days.strip()
    count = int(given) if given.isascii() and given.isdecimal() and len(given) <= 3 else 0
    if not 1 <= count <= MOST_DAYS:
        faults.append(Fault("decide_days", days, _DAYS, {"value": days, "most": MOST_DAYS}))
    for grade in Grade:
        name = defaults.get(grade, "")
        if not name:
            continue
        if name not in POSSIBLE[grade]:
            known = Word(DISPOSITION_NAMES[Disposition(name)]) if name in list(Disposition) else name
            faults.append(Fault(f"default_{grade}", name, _NOT_FOR_GRADE, {"grade": grade.value, "disposition": known}))
            continue
        found[grade] = Disposition(name)
    for name in defaults.keys() - set(Grade):
        sentence = N_("There is no grade “%(value)s”. The grades are A, B, C and D.")
        faults.append(Fault(f"default_{name}", name, sentence, {"value": name}))
    return Agreement(count, found)
