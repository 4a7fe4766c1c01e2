"""Fault and failure rates by model, lot, owner and heading of goods, and what is fed back to owners.

Of the units of a group that were shipped in a period (received, where none was shipped): how many came back, came to
repair (failures), and were found faulty there (faults, "no fault found" left out).
"""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote
from zoneinfo import ZoneInfo

import asyncpg
import msgspec

from backend.access.rules import Kind, Viewer
from backend.core import clock, values
from backend.core.database import DB, blocks
from backend.core.errors import Fault, Invalid
from backend.core.listing import Clause, Column, Key, Listing, in_one_language, where
from backend.core.text import N_
from backend.messages import actions as messages
from backend.repairs import faultbook

SQL = blocks(Path(__file__).with_name("failures.sql"))
FILTERS = ("by", "from", "to", "warehouse", "owner", "item", "lot")
USUAL_DAYS = 365
LONGEST_DAYS = 3660
# From so many confirmed faults, and so many per hundred shipped within 90 days, an owner is told.
TELL_FROM_UNITS, TELL_FROM_PERCENT, TELL_OVER = 3, 3, timedelta(days=90)
_TELL = N_(
    "%(faulty)s of %(shipped)s shipped units of %(item)s were found faulty in the last 90 days. See which lots and faults."
)


class By(StrEnum):
    """What the rates are grouped by."""

    ITEM = "item"
    LOT = "lot"
    OWNER = "owner"
    HEADING = "class"


BY_NAMES: Mapping[By, str] = {
    By.ITEM: N_("Model"),
    By.LOT: N_("Lot"),
    By.OWNER: N_("Owner"),
    By.HEADING: N_("HS heading"),
}
# The columns of a group (owner, item, lot, heading) from a table with this alias.
_GROUPS: Mapping[By, str] = {
    By.ITEM: "{0}.owner_id, {0}.item_id, 0::bigint as lot_id, '' as heading",
    By.LOT: "{0}.owner_id, {0}.item_id, {0}.lot_id, '' as heading",
    By.OWNER: "{0}.owner_id, 0::bigint as item_id, 0::bigint as lot_id, '' as heading",
    By.HEADING: "0::bigint as owner_id, 0::bigint as item_id, 0::bigint as lot_id, coalesce(left(i.hs_code, 4), '') as heading",
}
_NUMBERS = ("received", "shipped", "returned", "repairs", "from_returns", "faulty", "given_up")
_RATES = ("return_rate", "failure_rate", "fault_rate")


class Asked(msgspec.Struct, frozen=True):
    """What the rates are asked for, in ids and instants; `since` and `until` are the first and last day as they were shown."""

    by: By
    since: date
    until: date
    begins: datetime
    ends: datetime
    warehouse_ids: tuple[int, ...] | None
    owner_id: int | None
    item_ids: tuple[int, ...] | None
    lot_ids: tuple[int, ...] | None


async def asked(viewer: Viewer, filters: Mapping[str, str]) -> Asked:
    """The filters by, from, to (days of the viewer's zone; the last year without them), warehouse, owner, item, lot (codes).

    Kept to what the viewer may see. A code that is unknown there finds nothing.
    """
    faults: list[Fault] = []
    by = filters.get("by") or By.ITEM
    if by not in list(By):
        faults.append(_fault("by", by, N_("“%(value)s” is not possible here. Choose one of the list.")))
    today = clock.business_day(clock.now(), viewer.time_zone)
    until = _day("to", filters.get("to", ""), faults) or today
    since = _day("from", filters.get("from", ""), faults) or until - timedelta(days=USUAL_DAYS - 1)
    if not faults and not 0 <= (until - since).days < LONGEST_DAYS:
        sentence = N_(
            "The period from %(value)s on ends before it begins, or is longer than ten years. Choose other days."
        )
        faults.append(_fault("from", since.isoformat(), sentence))
    if faults:
        raise Invalid(faults)
    zone = ZoneInfo(viewer.time_zone)
    warehouses: tuple[int, ...] | None = None
    own = viewer.organisation_id if viewer.kind is Kind.EXPORTER else None
    owner_id = own
    if viewer.kind is Kind.OPERATOR:
        warehouses = viewer.warehouse_ids
    codes = [values.code_of(filters.get(name, "")) for name in ("warehouse", "owner", "item", "lot")]
    found = await DB.row(SQL["filter_ids"], *codes, own)
    assert found is not None
    warehouse, owner, item, lot = codes
    if warehouse:
        wanted = found["warehouse"] or 0
        warehouses = (wanted,) if warehouses is None or wanted in warehouses else ()
    if owner and (own is None or found["owner"] != own):
        owner_id = found["owner"] or 0 if own is None else 0
    return Asked(
        By(by),
        since,
        until,
        datetime.combine(since, time(), zone),
        datetime.combine(until + timedelta(days=1), time(), zone),
        warehouses,
        owner_id,
        tuple(found["items"]) if item else None,
        tuple(found["lots"]) if lot else None,
    )


def rates(what: Asked) -> Listing:
    """The rates as a list, most confirmed faults first, for a page, a file and the interface for programs.

    A list takes no parameters before its conditions, so numbers and instants are written out.
    """
    group = _GROUPS[what.by]
    no_fault = ", ".join(f"'{code}'" for code in sorted(faultbook.book().no_fault))
    statement = SQL["rates"].format(
        flow_group=group.format("f"),
        flow_where=_conditions(what, "f", "f.occurred_at"),
        repair_group=group.format("r"),
        repair_where=_conditions(what, "r", "r.opened_at"),
        no_fault=f"array[{no_fault}]::text[]",
    )
    words = {
        By.ITEM: ("owner", "item", "item_names"),
        By.LOT: ("owner", "item", "item_names", "lot"),
        By.OWNER: ("owner", "owner_names"),
        By.HEADING: ("heading",),
    }[what.by]
    headings = {
        "owner": Column(N_("Owner"), "s.owner"),
        "owner_names": in_one_language(N_("Name"), "s.owner_names"),
        "item": Column(N_("Item"), "s.item"),
        "item_names": in_one_language(N_("Name"), "s.item_names"),
        "lot": Column(N_("Lot"), "s.lot"),
        "heading": Column(N_("HS heading"), "s.heading"),
    }
    return Listing(
        source=f"({statement}) s",
        fields={name: f"s.{name}" for name in (*words, *_NUMBERS, *_RATES)},
        key=(Key("s.faulty"), Key("s.repairs"), Key("s.place", "text")),
        descending=True,
        json=(*(name for name in words if not name.endswith("_names")), *_NUMBERS, *_RATES),
        columns=(
            *(headings[name] for name in words),
            Column(N_("Received"), "s.received"),
            Column(N_("Shipped"), "s.shipped"),
            Column(N_("Returned"), "s.returned"),
            Column(N_("Repairs"), "s.repairs"),
            Column(N_("Repairs from returns"), "s.from_returns"),
            Column(N_("Confirmed faults"), "s.faulty"),
            Column(N_("Given up"), "s.given_up"),
            Column(N_("Returns per 100"), "s.return_rate"),
            Column(N_("Failures per 100"), "s.failure_rate"),
            Column(N_("Faults per 100"), "s.fault_rate"),
        ),
    )


def nothing_beyond(what: Asked) -> list[Clause]:
    """The conditions of the list: all are in its statement; what is kept to no warehouse, item or lot has no rows."""
    return [where("false")] if () in (what.warehouse_ids, what.item_ids, what.lot_ids) else []


async def fault_codes(what: Asked) -> list[asyncpg.Record]:
    """The fault codes found in the period (code, units, given_up), the most frequent first; at most 30."""
    bounds = [None if ids is None else list(ids) for ids in (what.warehouse_ids, what.item_ids, what.lot_ids)]
    return await DB.fetch(SQL["codes"], what.begins, what.ends, bounds[0], what.owner_id, *bounds[1:])


async def tell_owners(now: datetime) -> int:
    """Tell every owner, once a month and item, of items with many confirmed faults; how many pieces of news there were."""
    no_fault = sorted(faultbook.book().no_fault)
    async with DB.transaction():
        rows = await DB.fetch(SQL["owners_to_tell"], now - TELL_OVER, no_fault, TELL_FROM_UNITS, TELL_FROM_PERCENT)
        await messages.notify_all(
            [
                messages.News(
                    organisation_id=row["owner_id"],
                    level="warn",
                    sentence=_TELL,
                    facts={name: row[name] for name in ("item", "faulty", "shipped")},
                    href=f"/repairs/faults?by=lot&item={quote(row['item'], safe='')}",
                    dedupe_key=f"faults:{row['item_id']}:{now:%Y-%m}",
                )
                for row in rows
            ]
        )
    return len(rows)


def _conditions(what: Asked, alias: str, instant: str) -> str:
    """The period and the scope as SQL of numbers and instants."""
    parts = [f"{instant} >= '{what.begins.isoformat()}'", f"{instant} < '{what.ends.isoformat()}'"]
    for name, ids in (("warehouse_id", what.warehouse_ids), ("item_id", what.item_ids), ("lot_id", what.lot_ids)):
        if ids:
            parts.append(f"{alias}.{name} in ({', '.join(f'{each:d}' for each in ids)})")
    if what.owner_id is not None:
        parts.append(f"{alias}.owner_id = {what.owner_id:d}")
    return " and ".join(parts)


def _day(field: str, text: str, faults: list[Fault]) -> date | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
        if not 1900 <= day.year <= 2999:
            raise ValueError
    except ValueError:
        faults.append(_fault(field, text, N_("“%(value)s” is not a day. Write it like 2026-11-23.")))
        return None
    return day


def _fault(field: str, value: str, sentence: str) -> Fault:
    return Fault(field, value, sentence, {"value": value})
