"""When the steps of a story of the demo network happen: on days that are over, each after the one before."""

from collections.abc import Awaitable, Sequence
from datetime import date, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from backend.core import clock

T = TypeVar("T")
_BREATH = timedelta(minutes=25)


class Pace:
    """The steps of a story that begins `ago` days before now, as `ago` says one by one; further ones follow each other closely.

    A whole number of days is some time in the working hours of that day in the `zone`, any other one exactly that instant.
    """

    def __init__(self, key: str, ago: Sequence[float], zone: str) -> None:
        self._ends = clock.now()
        self._ago = list(ago)
        self._zone = ZoneInfo(zone)
        self._minute = sum(map(ord, key)) * 37
        self._last: datetime | None = None

    def next(self) -> datetime:
        """The instant of the next step."""
        instant = self._last + _BREATH if self._last else self._ends
        if self._ago:
            instant = self._on(self._ago.pop(0))
            self._minute += 131
        if self._last:
            instant = max(instant, self._last + timedelta(minutes=1))
        self._last = min(instant, self._ends)
        return self._last

    def _on(self, days: float) -> datetime:
        if not days or days != int(days):
            return self._ends - timedelta(days=days)
        day = (self._ends.astimezone(self._zone) - timedelta(days=days)).date()
        opening = datetime(day.year, day.month, day.day, 8, tzinfo=self._zone)
        return (opening + timedelta(minutes=self._minute % 540)).astimezone(self._ends.tzinfo)

    @property
    def day(self) -> date:
        """The day of the step that happens now, in the zone."""
        return clock.now().astimezone(self._zone).date()

    async def then(self, step: Awaitable[T]) -> T:
        """Let the next step happen."""
        with clock.at(self.next()):
            return await step
