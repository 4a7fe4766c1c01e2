"""What time it is. Instants are aware and in UTC; business days are taken in a warehouse's zone."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo, available_timezones

_told: ContextVar[datetime | None] = ContextVar("told", default=None)


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return _told.get() or datetime.now(UTC)


def told() -> datetime | None:
    """The instant that is told of inside `at`; None in the present."""
    return _told.get()


@contextmanager
def at(instant: datetime) -> Iterator[None]:
    """Let what this task does inside happen at another instant: so the demo network tells of days that are over."""
    token = _told.set(instant)
    try:
        yield
    finally:
        _told.reset(token)


def business_day(instant: datetime, zone: str) -> date:
    """The day that `instant` falls on in the IANA time zone `zone`."""
    return instant.astimezone(ZoneInfo(zone)).date()


def zones() -> list[str]:
    """Every IANA time zone of a place, sorted."""
    return sorted(name for name in available_timezones() if "/" in name or name == "UTC")
