"""The arithmetic of legal periods: days, months with their month-end rule, and windows between two dates. Pure."""

import calendar
from datetime import date, timedelta
from typing import Literal

import msgspec

Day = date

ClockName = Literal["tax_return", "customs_return", "accounting", "evidence", "filing"]
CLOCKS: tuple[ClockName, ...] = ("tax_return", "customs_return", "accounting", "evidence", "filing")
LAST_DAY = date.max


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A period as a rule writes it: from the day of the fact `starts` on, so many months and days, or until a day of next year.

    `starts_for` names another fact for a supervision code; `or_later` a second fact that begins it if it lies later.
    With `next_month` it begins on the 1st of the month after. `until` is ``MM-DD`` of the next year. People are warned
    at each of `warn_days`; `slow_days` after the beginning the goods count as slow.
    """

    clock: ClockName
    starts: str
    starts_for: dict[str, str] = {}
    or_later: str = ""
    next_month: bool = False
    months: int = 0
    days: int = 0
    until: str = ""
    warn_days: tuple[int, ...] = (60, 30, 7)
    slow_days: int = 0


class Span(msgspec.Struct, frozen=True):
    """A window with its days, both included. `clamped_days` of a month that is too short are in doubt (month-end rule)."""

    starts_on: date
    ends_on: date
    clamped_days: int = 0

    def holds(self, day: date) -> bool:
        """Whether `day` lies inside."""
        return self.starts_on <= day <= self.ends_on

    def in_doubt(self, day: date) -> bool:
        """Whether another reading of the month-end rule would still let `day` in."""
        return self.ends_on < day <= self.ends_on + timedelta(days=self.clamped_days)


def months_after(day: date, months: int) -> tuple[date, int]:
    """The same day so many months later, or the last day of that month and by how many days it is earlier."""
    count = day.year * 12 + day.month - 1 + months
    year, month = divmod(count, 12)
    if year > LAST_DAY.year:
        return LAST_DAY, 0
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last)), max(0, day.day - last)


def days_after(day: date, days: int) -> date:
    """The day so many days later; the last day there is when that lies beyond it."""
    return day + timedelta(days=days) if (LAST_DAY - day).days > days else LAST_DAY


def span(window: Window, day: date) -> Span:
    """The days of `window` when it starts with `day`."""
    if window.until:
        month, last = (int(part) for part in window.until.split("-"))
        ends_on = date(min(day.year + 1, LAST_DAY.year), month, last)
        begins = months_after(day.replace(day=1), 1)[0] if window.next_month else day
        return Span(begins, ends_on)
    begins = months_after(day.replace(day=1), 1)[0] if window.next_month else day
    ends_on, clamped = months_after(begins, window.months)
    return Span(begins, days_after(ends_on, window.days), clamped)
