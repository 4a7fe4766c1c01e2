"""What may be asked of the ledger, always in the viewer's scope.

The committee sees the network, an operator the goods in its warehouses, an exporter its own goods everywhere.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import asyncpg

from backend.access import rules as access_rules
from backend.access.rules import Kind, Viewer
from backend.core import values
from backend.core.database import DB, blocks
from backend.core.errors import Fault, Invalid
from backend.core.listing import Clause, Column, Key, Listing, in_one_language, where
from backend.core.text import N_
from backend.stock import listings, rules
from backend.stock.rules import Condition, Place, Reason

SQL = blocks(Path(__file__).with_name("queries.sql"))


_MOVEMENT_FILTERS = (
    *("warehouse", "owner", "item", "lot", "declaration", "location", "condition", "reason", "reference"),
    *("from", "to"),
)
_AFTER_ALL = (datetime(9999, 1, 1, tzinfo=UTC), uuid.UUID(int=2**128 - 1), 2**31 - 1)


def scope(viewer: Viewer, alias: str) -> list[Clause]:
    """The condition that keeps a list within what `viewer` may see; `alias` has warehouse_id and owner_id."""
    if access_rules.sees_everything(viewer):
        return []
    if viewer.kind is Kind.OPERATOR:
        if len(viewer.warehouse_ids) == 1:
            return [where(f"{alias}.warehouse_id = ?", viewer.warehouse_ids[0])]
        return [where(f"{alias}.warehouse_id = any(?::bigint[])", list(viewer.warehouse_ids))]
    return [where(f"{alias}.owner_id = ?", viewer.organisation_id)]


def sees(viewer: Viewer, warehouse_id: int, owner_id: int) -> bool:
    """Whether goods of this owner in this warehouse are the viewer's to see."""
    return (
        access_rules.sees_everything(viewer)
        or access_rules.runs_warehouse(viewer, warehouse_id)
        or access_rules.owns(viewer, owner_id)
    )


async def balance_clauses(viewer: Viewer, filters: Mapping[str, str]) -> list[Clause]:
    """The scope and the filters of a stock list: warehouse, owner, item, lot, location, condition (codes)."""
    clauses = scope(viewer, "b") + await _goods(filters, "b")
    if location := filters.get("location"):
        clauses.append(
            where("b.location_id = any(array(select id from location where code = ?))", values.code_of(location))
        )
    if condition := filters.get("condition"):
        clauses.append(where("b.condition = ?::smallint", _member(Condition, "condition", condition)))
    clauses.append(where("b.on_hand > 0"))
    return clauses


async def movement_clauses(viewer: Viewer, filters: Mapping[str, str]) -> list[Clause]:
    """The scope and the filters of a movement list: goods, declaration, location, reason, reference, from and to (days, UTC)."""
    clauses = scope(viewer, "m") + await _goods(filters, "m")
    if declaration := filters.get("declaration"):
        clauses.append(where("m.lot_id = any(array(select id from lot where declaration_no = ?))", declaration))
    if location := filters.get("location"):
        code = values.code_of(location)
        if code in Place.__members__:
            clauses.append(where("? in (m.source_id, m.target_id)", int(Place[code])))
        else:
            clauses.append(where("? in (s.code, g.code)", code))
    if condition := filters.get("condition"):
        chosen = _member(Condition, "condition", condition)
        clauses.append(where("?::smallint in (m.condition, m.target_condition)", chosen))
    if reason := filters.get("reason"):
        clauses.append(where("d.reason = ?::smallint", _member(Reason, "reason", reason)))
    if reference := filters.get("reference"):
        clauses.append(where("d.reference = ?", reference))
    zone = filters.get("time_zone") or viewer.time_zone
    if since := filters.get("from"):
        clauses.append(where("m.occurred_at >= ?", _midnight("from", since, zone)))
    if until := filters.get("to"):
        clauses.append(where("m.occurred_at < ?", _midnight("to", until, zone) + timedelta(days=1)))
    return clauses


async def latest_clauses(viewer: Viewer, filters: Mapping[str, str], after: str | None, rows: int) -> list[Clause]:
    """What every movement on the page of `rows` after the place `after` fulfils anyway, so that the page is found by index.

    An unfiltered list over several warehouses has no index in its order. But none of its first n rows is older than the
    n-th latest movement of any single warehouse, and those are read along the index. With a filter there is no such bound.
    """
    if any(filters.get(name) for name in _MOVEMENT_FILTERS):
        return []
    if viewer.kind is Kind.EXPORTER or (viewer.kind is Kind.OPERATOR and len(viewer.warehouse_ids) < 2):
        return []
    warehouse_ids = None if access_rules.sees_everything(viewer) else list(viewer.warehouse_ids)
    place = listings.MOVEMENTS.key_of(after) if after else _AFTER_ALL
    bound = await DB.value(SQL["latest_bound"], warehouse_ids, *place, rows)
    if bound is None:
        return []
    return [
        where("m.warehouse_id = any(coalesce(?::bigint[], array(select id from warehouse)))", warehouse_ids),
        where("m.occurred_at >= ?", bound),
    ]


async def hold_clauses(viewer: Viewer, filters: Mapping[str, str]) -> list[Clause]:
    """The scope and the filters of the list of holds; ``state`` is live or released."""
    clauses = scope(viewer, "h") + await _goods(filters, "h")
    if filters.get("state") == "live":
        clauses.append(where("h.released_at is null"))
    elif filters.get("state") == "released":
        clauses.append(where("h.released_at is not null"))
    if reason := filters.get("reason"):
        clauses.append(where("h.reason = ?", reason))
    return clauses


async def reservation_clauses(viewer: Viewer, filters: Mapping[str, str]) -> list[Clause]:
    """The scope and the filters of the list of reservations; ``state`` is live, expired or cancelled."""
    clauses = scope(viewer, "h") + await _goods({**filters, "lot": ""}, "h")
    if state := filters.get("state"):
        clauses.append(where(f"({listings.RESERVATION_STATE}) = ?", state))
    if source := filters.get("source"):
        clauses.append(where("h.source = ?", source))
    return clauses


async def _goods(filters: Mapping[str, str], alias: str) -> list[Clause]:
    """Filters by codes, resolved first so that the list is read along an index; an unknown code finds nothing."""
    clauses: list[Clause] = []
    owner_id: int | None = None
    if code := filters.get("warehouse"):
        found = await DB.value("select id from warehouse where code = $1", values.code_of(code))
        clauses.append(where(f"{alias}.warehouse_id = ?", found or 0))
    if code := filters.get("owner"):
        owner_id = await DB.value("select id from organisation where code = $1", values.code_of(code)) or 0
        clauses.append(where(f"{alias}.owner_id = ?", owner_id))
    if code := filters.get("item"):
        rows = await DB.fetch(
            "select id from item where code = $1 and ($2::bigint is null or owner_id = $2)",
            values.code_of(code),
            owner_id,
        )
        ids = [row["id"] for row in rows]
        clauses.append(
            where(f"{alias}.item_id = ?", ids[0])
            if len(ids) == 1
            else where(f"{alias}.item_id = any(?::bigint[])", ids)
        )
    if code := filters.get("lot"):
        clauses.append(where(f"{alias}.lot_id = any(array(select id from lot where code = ?))", values.code_of(code)))
    return clauses


def _member(kind: type[Condition] | type[Reason], field: str, name: str) -> int:
    member = kind.__members__.get(name)
    if member is None:
        raise Invalid(
            [
                Fault(
                    field,
                    name,
                    N_("“%(value)s” is not known here. Choose one of: %(choices)s."),
                    {"value": name, "choices": list(kind.__members__)},
                )
            ]
        )
    return int(member)


def _midnight(field: str, text: str, zone: str) -> datetime:
    try:
        day = date.fromisoformat(text)
        if not 1900 <= day.year <= 2999:
            raise ValueError
        return datetime.combine(day, time(), ZoneInfo(zone))
    except ValueError:
        raise Invalid(
            [Fault(field, text, N_("“%(value)s” is not a day. Write it like 2026-11-23."), {"value": text})]
        ) from None


BalanceAt = tuple[int, int, int, int, int, int]


async def balance(viewer: Viewer, key: BalanceAt) -> asyncpg.Record:
    """One balance with its words; key: warehouse, owner, item, lot, location, condition (ids)."""
    if not sees(viewer, key[0], key[1]):
        raise rules.NoSuchStock
    row = await DB.row(SQL["balance_at"], *key)
    if row is None:
        raise rules.NoSuchStock
    return row


def balance_movements(viewer: Viewer, key: BalanceAt) -> list[Clause]:
    """The condition of the movements that made a balance."""
    warehouse_id, _, item_id, lot_id, location_id, condition = key
    return [
        *scope(viewer, "m"),
        where("m.warehouse_id = ?", warehouse_id),
        where("m.item_id = ?", item_id),
        where("m.lot_id = ?", lot_id),
        where(
            "((m.source_id = ? and m.condition = ?::smallint) or (m.target_id = ? and m.target_condition = ?::smallint))",
            location_id,
            condition,
            location_id,
            condition,
        ),
    ]


async def document(viewer: Viewer, warehouse_id: int, document_id: uuid.UUID) -> asyncpg.Record:
    """The head of a document of which the viewer may see at least one line."""
    row = await DB.row(SQL["document_head"], document_id, warehouse_id)
    if row is None:
        raise rules.NoSuchStock
    if not access_rules.sees_everything(viewer) and not access_rules.runs_warehouse(viewer, warehouse_id):
        mine = await DB.value(
            "select true from movement where warehouse_id = $1 and document_id = $2 and owner_id = $3 limit 1",
            warehouse_id,
            document_id,
            viewer.organisation_id if viewer.kind is Kind.EXPORTER else 0,
        )
        if not mine:
            raise rules.NoSuchStock
    return row


async def document_postings(warehouse_id: int, document_id: uuid.UUID) -> list[rules.Posting]:
    """The lines of a document as they were handed to the ledger."""
    rows = await DB.fetch(SQL["document_postings"], warehouse_id, document_id)
    return [rules.Posting(*row) for row in rows]


async def on_hand_of(warehouse_id: int, location_id: int, item_ids: Sequence[int]) -> dict[int, int]:
    """Pieces on hand of each item at a place, over lots and conditions; items without any are left out."""
    rows = await DB.fetch(SQL["on_hand_of"], warehouse_id, location_id, list(item_ids))
    return {row["item_id"]: row["on_hand"] for row in rows}


async def free_of(keys: Sequence[BalanceAt]) -> dict[BalanceAt, int]:
    """What is free of each of these balances now; 0 where nothing lies. Callers have checked that the goods are theirs."""
    if not keys:
        return {}
    rows = await DB.fetch(SQL["free_of"], *(list(column) for column in zip(*keys, strict=True)))
    found = {tuple(row)[:6]: row["free"] for row in rows}
    return {key: found.get(key, 0) for key in keys}


async def stock_at(viewer: Viewer, warehouse_id: int, instant: datetime) -> list[asyncpg.Record]:
    """On hand in a warehouse at a past instant, every balance the viewer may see that was not zero then."""
    owner_id = None
    if not access_rules.sees_everything(viewer) and not access_rules.runs_warehouse(viewer, warehouse_id):
        owner_id = viewer.organisation_id
    return await DB.fetch(SQL["stock_at"], warehouse_id, instant, owner_id)


async def inventory_at(viewer: Viewer, warehouse_id: int, owner_id: int, instant: datetime) -> list[asyncpg.Record]:
    """What an owner had in a warehouse at an instant, by item, lot and condition: on_hand, of it held, of it pledged."""
    if not sees(viewer, warehouse_id, owner_id):
        raise rules.NoSuchStock
    return await DB.fetch(SQL["inventory_at"], warehouse_id, owner_id, instant)


async def last_document(viewer: Viewer, warehouse_id: int, owner_id: int, instant: datetime) -> uuid.UUID | None:
    """The last document that moved an owner's goods in a warehouse up to an instant, if there is one."""
    if not sees(viewer, warehouse_id, owner_id):
        raise rules.NoSuchStock
    found: uuid.UUID | None = await DB.value(SQL["last_document"], warehouse_id, owner_id, instant)
    return found


def stock_at_list(viewer: Viewer, warehouse_id: int, instant: datetime) -> Listing:
    """Stock in a warehouse at a past instant as a list, for a page and a file.

    A list takes no parameters before its conditions, so the three values (two numbers, an instant) are written out.
    """
    owner_id = "null"
    if not access_rules.sees_everything(viewer) and not access_rules.runs_warehouse(viewer, warehouse_id):
        owner_id = f"{viewer.organisation_id:d}"
    statement = (
        SQL["stock_at"]
        .replace("$1", f"{warehouse_id:d}::bigint")
        .replace("$2", f"'{instant.isoformat()}'::timestamptz")
        .replace("$3", owner_id)
    )
    fields = {name: f"s.{name}" for name in ("owner", "item", "item_names", "lot", "location", "on_hand")}
    condition = listings.CONDITION.format("s.condition")
    return Listing(
        source=f"({statement}) s",
        fields={**fields, "condition": condition},
        key=(
            *(Key(f"s.{name}", "text") for name in ("owner", "item", "lot", "location")),
            Key("s.condition", "smallint"),
        ),
        columns=(
            Column(N_("Owner"), "s.owner"),
            Column(N_("Item"), "s.item"),
            in_one_language(N_("Name"), "s.item_names"),
            Column(N_("Lot"), "s.lot"),
            Column(N_("Location"), "s.location"),
            Column(N_("Condition"), condition),
            Column(N_("On hand"), "s.on_hand"),
        ),
    )


async def on_hand_after(key: BalanceAt, occurred_at: datetime, document_id: uuid.UUID, line: int) -> int:
    """On hand of a balance just after one of its movements, in the order of the world."""
    found: int = await DB.value(SQL["on_hand_after"], *key, occurred_at, document_id, line)
    return found


async def hold(viewer: Viewer, warehouse_id: int, hold_id: uuid.UUID) -> asyncpg.Record:
    """One hold with its words."""
    clauses = [*scope(viewer, "h"), where("h.warehouse_id = ?", warehouse_id), where("h.id = ?", hold_id)]
    page = await listings.HOLDS.page(clauses, limit=1)
    if not page.rows:
        raise rules.NoSuchStock
    return page.rows[0]


def live_holds(viewer: Viewer, key: BalanceAt) -> list[Clause]:
    """The condition of the holds that lie on a balance now."""
    names = ("warehouse_id", "owner_id", "item_id", "lot_id", "location_id", "condition")
    return [
        *scope(viewer, "h"),
        *(where(f"h.{name} = ?", value) for name, value in zip(names, key, strict=True)),
        where("h.released_at is null"),
    ]


async def lot_clauses(viewer: Viewer, filters: Mapping[str, str]) -> list[Clause]:
    """An exporter's own lots, those that have been in an operator's warehouses, or all; filters owner, item, lot, declaration."""
    clauses: list[Clause] = []
    if viewer.kind is Kind.EXPORTER:
        clauses.append(where("t.owner_id = ?", viewer.organisation_id))
    elif viewer.kind is Kind.OPERATOR:
        clauses.append(
            where(
                "exists (select from balance b where b.warehouse_id = any(?::bigint[]) and b.owner_id = t.owner_id "
                "and b.item_id = t.item_id and b.lot_id = t.id)",
                list(viewer.warehouse_ids),
            )
        )
    clauses += await _goods({**filters, "warehouse": "", "lot": ""}, "t")
    if lot := filters.get("lot"):
        clauses.append(where("t.code = ?", values.code_of(lot)))
    if declaration := filters.get("declaration"):
        clauses.append(where("t.declaration_no = ?", declaration))
    return clauses


async def places_in(viewer: Viewer, warehouse: str, most: int = 200) -> list[str]:
    """The codes of places that hold goods in a warehouse the viewer runs, to choose from; only the first `most`."""
    rows = await DB.fetch(SQL["places_in"], values.code_of(warehouse), list(viewer.warehouse_ids), most)
    return [row["code"] for row in rows]


async def differences() -> list[asyncpg.Record]:
    """Every place where the book contradicts itself (the first thousand); empty when it is right."""
    async with DB.connection() as connection:
        return list(await connection.fetch(SQL["differences"], timeout=3600))


async def totals() -> asyncpg.Record:
    """How much the book holds: documents, movements, balances, pieces."""
    row = await DB.row(SQL["totals"])
    assert row is not None
    return row
