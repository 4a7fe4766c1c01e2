"""What the overview tells: stock and movements in the viewer's scope, counted as a whole.

Counting every balance and a month of movements costs up to a few hundred milliseconds on a million rows, so what was
counted is kept for 30 seconds in this process, once for each scope; whoever asks meanwhile waits for the same count.
"""

import asyncio
import time
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import msgspec

from backend.access import rules as access_rules
from backend.access.rules import Kind, Viewer
from backend.core import clock
from backend.core.database import DB, blocks

SQL = blocks(Path(__file__).with_name("figures.sql"))
KEPT_SECONDS = 30.0
MOST_KEPT = 512
DAYS = 30

Scope = tuple[list[int] | None, int | None]


class Warehouse(msgspec.Struct, frozen=True):
    """A warehouse in the scope, with the pieces of the scope that lie in it."""

    code: str
    names: dict[str, str]
    status: str
    pieces: int
    held: int


class Figures(msgspec.Struct, frozen=True):
    """One count: `movements` are numbers of lines by day, oldest first, today last."""

    counted_at: datetime
    warehouses: list[Warehouse]
    reservations: int
    movements: list[int]
    has_bins: bool
    has_items: bool
    has_documents: bool

    @property
    def pieces(self) -> int:
        """Pieces on hand."""
        return sum(warehouse.pieces for warehouse in self.warehouses)

    @property
    def held(self) -> int:
        """Pieces that may not move."""
        return sum(warehouse.held for warehouse in self.warehouses)


_kept: dict[object, tuple[float, "asyncio.Task[Figures]"]] = {}


async def figures(viewer: Viewer) -> Figures:
    """The figures of the viewer's scope, at most half a minute old."""
    scope = _scope(viewer)
    key = (str(DB.config), viewer.kind, viewer.organisation_id, viewer.warehouse_ids, viewer.time_zone)
    now = time.monotonic()
    kept = _kept.get(key)
    if kept is None or (kept[1].done() and (kept[0] < now or kept[1].exception() is not None)):
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        kept = _kept[key] = (now + KEPT_SECONDS, asyncio.create_task(_count(scope, viewer.time_zone)))
    return await asyncio.shield(kept[1])


async def latest_documents(viewer: Viewer, most: int = 8) -> list[asyncpg.Record]:
    """The documents booked last in the viewer's scope, each with the lines and pieces that the viewer may see."""
    if viewer.kind is Kind.EXPORTER:
        return await DB.fetch(SQL["latest_of_owner"], viewer.organisation_id, most)
    warehouse_ids = None if access_rules.sees_everything(viewer) else list(viewer.warehouse_ids)
    return await DB.fetch(SQL["latest_of_warehouses"], warehouse_ids, most)


def forget() -> None:
    """Count again when the next one asks."""
    _kept.clear()


def _scope(viewer: Viewer) -> Scope:
    """The warehouses and the owner that a count is confined to; None is no limit."""
    if access_rules.sees_everything(viewer):
        return None, None
    if viewer.kind is Kind.OPERATOR:
        return list(viewer.warehouse_ids), None
    return None, viewer.organisation_id


async def _count(scope: Scope, zone: str) -> Figures:
    now = clock.now()
    warehouses = await DB.fetch(SQL["warehouses"], *scope)
    facts = await DB.row(SQL["facts"], *scope)
    days = await DB.fetch(SQL["movements_by_day"], *scope, now - timedelta(days=DAYS), zone)
    assert facts is not None
    by_day = {row["day"]: row["lines"] for row in days}
    today = clock.business_day(now, zone)
    return Figures(
        counted_at=now,
        warehouses=[Warehouse(**row) for row in warehouses],
        movements=[by_day.get(today - timedelta(days=back), 0) for back in range(DAYS - 1, -1, -1)],
        **facts,
    )
