"""Clocks that run out over goods abroad: their owners are warned in time, once each, and find the goods in one list."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

import asyncpg
import msgspec

from backend.access import rules as access_rules
from backend.access.rules import Kind, Viewer
from backend.core import clock, values
from backend.core.database import DB, blocks
from backend.core.errors import Fault, Invalid
from backend.core.listing import Clause, Column, Key, Listing, in_one_language, where
from backend.core.text import N_
from backend.messages import actions as messages
from backend.messages.actions import News
from backend.regulations import queries as law
from backend.regulations import rules as law_rules
from backend.regulations.editions import Editions
from backend.regulations.rules import Clock, ClockState, LineFacts

SQL = blocks(Path(__file__).with_name("warnings.sql"))
# The clocks that end the ways home; the others are the tax office's.
WATCHED = ("tax_return", "customs_return")
MOST_AT_ONCE = 1000
OWNERS_AT_ONCE = 50

_ENDS = N_("%(goods)s is still abroad, pieces: %(pieces)s. %(clock)s ends on %(day)s, in %(days)s days.")
_SLOW = N_(
    "%(goods)s: %(pieces)s pieces are abroad since %(since)s and count as slow stock. Tax-free return ends on %(day)s."
)
_LAST_WARNING_DAYS = 7


class Until(StrEnum):
    """How goods abroad stand against the clock of the tax-free return, or of the customs route once that is over."""

    DAYS_7 = "7"
    DAYS_30 = "30"
    DAYS_60 = "60"
    SLOW = "slow"
    TAXED = "taxed"
    CLOSED = "closed"


UNTIL_NAMES: Mapping[Until, str] = {
    Until.DAYS_7: N_("Tax-free for 7 days at most"),
    Until.DAYS_30: N_("Tax-free for 30 days at most"),
    Until.DAYS_60: N_("Tax-free for 60 days at most"),
    Until.SLOW: N_("Slow stock"),
    Until.TAXED: N_("No longer tax-free"),
    Until.CLOSED: N_("Customs route closed"),
}

_FACTS = (
    *("coalesce(f.exported_on, t.exported_on)", "coalesce(f.supervision_code, t.supervision_code)"),
    *("f.released_on", "f.left_area_on"),
)
_KIND = f"format('%s|%s|%s|%s', {', '.join(_FACTS)})"

# Goods abroad by warehouse and lot, those exported first come first; lots without an export date come last.
ABROAD = Listing(
    source=(
        "(select warehouse_id, owner_id, item_id, lot_id, sum(on_hand)::bigint as on_hand, sum(free)::bigint as free "
        "from stock_on_hand where lot_id <> 0 group by 1, 2, 3, 4) s "
        "join lot t on t.id = s.lot_id join warehouse w on w.id = s.warehouse_id join organisation o on o.id = s.owner_id "
        "join item i on i.id = s.item_id "
        "left join declaration_fact f on f.owner_id = t.owner_id and f.declaration_no = t.declaration_no "
        "and f.declaration_line = t.declaration_line"
    ),
    fields={
        "warehouse_id": "s.warehouse_id",
        "warehouse": "w.code",
        "owner_id": "s.owner_id",
        "owner": "o.code",
        "item": "i.code",
        "item_names": "i.names",
        "lot_id": "s.lot_id",
        "lot": "t.code",
        "declaration_no": "t.declaration_no",
        "declaration_line": "t.declaration_line",
        "supervision_code": _FACTS[1],
        "exported_on": _FACTS[0],
        "on_hand": "s.on_hand",
        "free": "s.free",
    },
    key=(
        Key(f"coalesce({_FACTS[0]}::text, '9999')", "text"),
        Key("s.warehouse_id"),
        Key("s.lot_id"),
    ),
    json=(
        *("warehouse", "owner", "item", "lot", "declaration_no", "declaration_line", "supervision_code", "exported_on"),
        *("on_hand", "free"),
    ),
    columns=(
        Column(N_("Warehouse"), "w.code"),
        Column(N_("Exporter"), "o.code"),
        Column(N_("Item"), "i.code"),
        in_one_language(N_("Name"), "i.names"),
        Column(N_("Lot"), "t.code"),
        Column(N_("Declaration number"), "t.declaration_no", free_text=True),
        Column(N_("Declaration line"), "t.declaration_line"),
        Column(N_("Supervision code"), _FACTS[1]),
        Column(N_("Exported on"), _FACTS[0]),
        Column(N_("On hand"), "s.on_hand"),
        Column(N_("Free"), "s.free"),
    ),
)
FILTERS = ("until", "warehouse", "owner", "item", "declaration")


class Abroad(msgspec.Struct, frozen=True, kw_only=True):
    """Goods abroad under one declaration line (or of one lot without), as the nightly look finds them."""

    owner_id: int
    goods: str
    key: str
    item: str
    pieces: int
    facts: LineFacts
    declaration_no: str


# ---------------------------------------------------------------------------------------------------------- warnings


async def warn_of_clocks(now: datetime | None = None) -> int:
    """Tell owners of goods abroad whose clocks end soon (at 60, 30 and 7 days) or that became slow stock, once each.

    How many warnings stand on that day; those that were said before are not said again.
    """
    today = clock.business_day(now or clock.now(), law.LEGAL_ZONE)
    editions, said = await law.editions(), 0
    owners = [row["owner_id"] for row in await DB.fetch(SQL["owners"])]
    before = 0
    for start in range(0, len(owners), OWNERS_AT_ONCE):
        last = owners[min(start + OWNERS_AT_ONCE, len(owners)) - 1]
        news = _news(editions, await _abroad(before, last), today)
        before = last
        for first in range(0, len(news), MOST_AT_ONCE):
            async with DB.transaction():
                await messages.notify_all(news[first : first + MOST_AT_ONCE])
        said += len(news)
    return said


async def _abroad(after: int, last: int) -> list[Abroad]:
    rows = await DB.fetch(SQL["abroad"], after, last)
    lines = [(row["owner_id"], row["declaration_no"], row["declaration_line"]) for row in rows if row["declaration_no"]]
    known = await law.facts_of(lines)
    return [_one(row, known.get((row["owner_id"], row["declaration_no"], row["declaration_line"]))) for row in rows]


def _one(row: asyncpg.Record, facts: LineFacts | None) -> Abroad:
    number, line = row["declaration_no"], row["declaration_line"]
    return Abroad(
        owner_id=row["owner_id"],
        goods=f"{number} / {line}" if number else f"{row['item']} · {row['lot']}",
        key=f"{number}/{line}" if number else f"lot {row['lot_id']}",
        item=row["item"],
        pieces=row["pieces"],
        facts=facts or LineFacts(supervision_code=row["supervision_code"], exported_on=row["exported_on"]),
        declaration_no=number or "",
    )


def _news(editions: Editions, goods: Sequence[Abroad], today: date) -> list[News]:
    known: dict[bytes, list[Clock]] = {}
    news: list[News] = []
    for each in goods:
        digest = msgspec.json.encode(each.facts, order="deterministic")
        if digest not in known:
            known[digest] = [one for one in law_rules.clocks(editions, each.facts, today) if one.name in WATCHED]
        for found in known[digest]:
            if found.state is ClockState.WARNING and found.warning_days is not None:
                news.append(_ending(each, found, found.warning_days))
            if found.is_slow and found.state in (ClockState.RUNNING, ClockState.WARNING):
                news.append(_slow(each, found))
    return news


def _ending(goods: Abroad, found: Clock, warning_days: int) -> News:
    level: Literal["warn", "bad"] = "bad" if warning_days <= _LAST_WARNING_DAYS else "warn"
    return News(
        organisation_id=goods.owner_id,
        level=level,
        sentence=_ENDS,
        facts={
            "goods": goods.goods,
            "pieces": goods.pieces,
            "clock": messages.word(law_rules.CLOCK_NAMES[found.name]),
            "day": str(found.ends_on),
            "days": found.remaining_days,
        },
        href=_href(goods),
        dedupe_key=f"clock:{found.name}:{goods.key}:{found.ends_on}:{warning_days}",
    )


def _slow(goods: Abroad, found: Clock) -> News:
    facts = {
        "goods": goods.goods,
        "pieces": goods.pieces,
        "since": str(found.starts_on),
        "day": str(found.ends_on),
    }
    return News(
        organisation_id=goods.owner_id,
        level="warn",
        sentence=_SLOW,
        facts=facts,
        href=_href(goods),
        dedupe_key=f"slow:{goods.key}:{found.slow_on}",
    )


def _href(goods: Abroad) -> str:
    return f"/returns/clocks?declaration={goods.declaration_no}" if goods.declaration_no else "/returns/clocks"


# ------------------------------------------------------------------------------------------------------------ the list


async def clauses(viewer: Viewer, filters: Mapping[str, str]) -> list[Clause]:
    """The scope and the filters of the list of goods abroad: FILTERS (codes; `until` one of Until)."""
    found: list[Clause] = []
    if viewer.kind is Kind.OPERATOR:
        found.append(where("s.warehouse_id = any(?::bigint[])", list(viewer.warehouse_ids)))
    elif not access_rules.sees_everything(viewer):
        found.append(where("s.owner_id = ?", viewer.organisation_id))
    if value := filters.get("until"):
        if value not in list(Until):
            sentence = N_("“%(value)s” is not possible here. Choose one of the list.")
            raise Invalid([Fault("until", value, sentence, {"value": value})])
        found.append(where(f"{_KIND} = any(?::text[])", await _kinds(viewer, Until(value))))
    for name, column in (("warehouse", "w.code"), ("owner", "o.code"), ("item", "i.code")):
        if value := filters.get(name):
            found.append(where(f"{column} = ?", values.code_of(value)))
    if value := filters.get("declaration"):
        found.append(where("t.declaration_no = ?", value))
    return found


async def _kinds(viewer: Viewer, until: Until) -> list[str]:
    """Which kinds of lines in the viewer's scope stand like that today, as `_KIND` writes them."""
    own = viewer.organisation_id if viewer.kind is Kind.EXPORTER else None
    places = list(viewer.warehouse_ids) if viewer.kind is Kind.OPERATOR else None
    editions, today = await law.editions(), law.today()
    found = []
    for row in await DB.fetch(SQL["kinds_of_lines"], own, places):
        facts = LineFacts(**dict(row))
        if until in standing(editions, facts, today):
            found.append("|".join("" if value is None else str(value) for value in row.values()))
    return found


def standing(editions: Editions, facts: LineFacts, today: date) -> set[Until]:
    """How goods with these facts stand today."""
    found: set[Until] = set()
    by_name = {each.name: each for each in law_rules.clocks(editions, facts, today)}
    tax, customs = by_name["tax_return"], by_name["customs_return"]
    if tax.state is ClockState.OVER:
        found.add(Until.TAXED)
    elif tax.remaining_days is not None:
        found |= {each for each in (Until.DAYS_7, Until.DAYS_30, Until.DAYS_60) if tax.remaining_days <= int(each)}
        if tax.is_slow:
            found.add(Until.SLOW)
    if customs.state is ClockState.OVER:
        found.add(Until.CLOSED)
    return found


async def facts_of(rows: Sequence[Mapping[str, Any]]) -> list[LineFacts]:
    """What is known of the goods in rows of ABROAD."""
    lines = [(row["owner_id"], row["declaration_no"], row["declaration_line"]) for row in rows]
    known = await law.facts_of([line for line in lines if line[1]])
    return [
        known.get(line) or LineFacts(supervision_code=row["supervision_code"], exported_on=row["exported_on"])
        for line, row in zip(lines, rows, strict=True)
    ]
