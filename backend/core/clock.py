"""What time it is. Instants are aware and in UTC; business days are taken in a warehouse's zone."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo, available_timezones


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


def business_day(instant: datetime, zone: str) -> date:
    """The day that `instant` falls on in the IANA time zone `zone`."""
    return instant.astimezone(ZoneInfo(zone)).date()


def zones() -> list[str]:
    """Every IANA time zone of a place, sorted."""
    return sorted(name for name in available_timezones() if "/" in name or name == "UTC")
