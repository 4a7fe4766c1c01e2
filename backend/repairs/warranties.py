"""What a warranty is and whether it pays. Pure."""

import calendar
from collections.abc import Iterable
from datetime import date

import msgspec

from backend.core.errors import Fault
from backend.core.text import N_
from backend.repairs import faultbook

LONGEST_WARRANTY = 120


class Warranty(msgspec.Struct, frozen=True):
    """From which day a warranty runs, for how many months, its last day, and where the day is known from."""

    runs_from: date
    months: int
    ends_on: date
    source: str


def warranty_end(runs_from: date, months: int) -> date:
    """The last day of a warranty: the same day of the month, or the month's last when it has no such day."""
    year, month = divmod(runs_from.year * 12 + runs_from.month - 1 + months, 12)
    return date(year, month + 1, min(runs_from.day, calendar.monthrange(year, month + 1)[1]))


def warranty(runs_from: date, months: int, source: str) -> Warranty:
    """A warranty from its first day."""
    return Warranty(runs_from, months, warranty_end(runs_from, months), source)


def is_covered(ends_on: date | None, day: date, codes: Iterable[str]) -> bool:
    """Whether warranty pays: the order was opened by its last day, and no fault was caused by the unit's user."""
    return ends_on is not None and day <= ends_on and not faultbook.book().user_caused.intersection(codes)


def warranty_faults(runs_from: date | None, months: int | None, opened_on: date) -> list[Fault]:
    """What is wrong with the date and the months of a warranty as they were given."""
    faults: list[Fault] = []
    if (runs_from is None) != (months is None):
        field = "warranty_months" if months is None else "warranty_from"
        faults.append(
            Fault(field, "", N_("A warranty needs its first day and its months. Give both, or leave both empty."))
        )
    if runs_from is not None and not date(2000, 1, 1) <= runs_from <= opened_on:
        faults.append(
            Fault(
                "warranty_from",
                runs_from.isoformat(),
                N_("A warranty begins between the year 2000 and today; “%(value)s” does not."),
                {"value": runs_from.isoformat()},
            )
        )
    if months is not None and not 1 <= months <= LONGEST_WARRANTY:
        faults.append(
            Fault(
                "warranty_months",
                months,
                N_("“%(value)s” months of warranty are not possible. Give 1 to %(most)s."),
                {"value": months, "most": LONGEST_WARRANTY},
            )
        )
    return faults


def kept_warranty_fault(serial: str, kept: Warranty) -> Fault:
    """The fault of a warranty date for a serial that has one."""
    facts = {"serial": serial, "day": kept.runs_from.isoformat(), "months": kept.months}
    return Fault(
        "warranty_from",
        kept.runs_from.isoformat(),
        N_(
            "The warranty of %(serial)s runs from %(day)s for %(months)s months, and is never reset. Leave the fields empty."
        ),
        facts,
    )
