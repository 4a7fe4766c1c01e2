"""What may be asked of the ledger, always in the viewer's scope.

The committee sees the network, an operator the goods in its warehouses, an exporter its own goods everywhere.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg

from backend.access import rules as access_rules
from backend.access.rules import Kind, Viewer
from backend.core import values
from backend.core.database import DB, blocks
from backend.core.errors import Fault, Invalid
from backend.core.listing import Clause, Column, Key, Listing, where
from backend.core.text import N_
from backend.stock import rules
from backend.stock.rules import Condition, Place, Reason

SQL = blocks(Path(__file__).with_name("queries.sql"))


def _named(sql: str, names: Mapping[Any, Any]) -> str:
    """SQL that turns a small number into its name."""
    return f"case {sql} " + " ".join(f"when {int(value)} then '{value.name}'" for value in names) + " end"


CONDITION = _named("{}", dict.fromkeys(Condition))


def _place(place_id: str, location: str) -> str:
    return f"coalesce({location}.code, {_named(place_id, dict.fromkeys(Place))})"


BALANCES = Listing(
    source=(
        "balance b join warehouse w on w.id = b.warehouse_id join organisation o on o.id = b.owner_id "
        "join item i on i.id = b.item_id join location l on l.warehouse_id = b.warehouse_id and l.id = b.location_id "
        "left join lot t on t.id = b.lot_id"
    ),
    fields={
        "warehouse": "w.code",
        "owner": "o.code",
        "item": "i.code",
        "item_names": "i.names",
        "lot": "t.code",
        "location": "l.code",
        "condition": CONDITION.format("b.condition"),
        "on_hand": "b.on_hand",
        "held": "b.held",
        "allocated": "b.allocated",
        "free": "b.on_hand - b.held - b.allocated",
        "key": "concat_ws('-', b.warehouse_id, b.owner_id, b.item_id, b.lot_id, b.location_id, b.condition)",
    },
    key=(
        Key("b.warehouse_id"),
        Key("b.owner_id"),
        Key("b.item_id"),
        Key("b.lot_id"),
        Key("b.location_id"),
        Key("b.condition", "smallint"),
    ),
    json=("warehouse", "owner", "item", "lot", "location", "condition", "on_hand", "held", "allocated", "free"),
    columns=(
        Column(N_("Warehouse"), "w.code"),
        Column(N_("Owner"), "o.code"),
        Column(N_("Item"), "i.code"),
        Column(N_("Name"), "coalesce(i.names->>'en', i.names->>'zh', i.names->>'ar')", free_text=True),
        Column(N_("Lot"), "t.code"),
        Column(N_("Location"), "l.code"),
        Column(N_("Condition"), CONDITION.format("b.condition")),
        Column(N_("On hand"), "b.on_hand"),
        Column(N_("Held"), "b.held"),
        Column(N_("Allocated"), "b.allocated"),
        Column(N_("Free"), "b.on_hand - b.held - b.allocated"),
    ),
)

_MOVEMENT_SOURCE = (
    "movement m join document d on d.warehouse_id = m.warehouse_id and d.document_id = m.document_id "
    "join warehouse w on w.id = m.warehouse_id join organisation o on o.id = m.owner_id "
    "join item i on i.id = m.item_id left join lot t on t.id = m.lot_id "
    "left join location s on s.warehouse_id = m.warehouse_id and s.id = m.source_id "
    "left join location g on g.warehouse_id = m.warehouse_id and g.id = m.target_id"
)
_MOVEMENT_FIELDS = {
    "warehouse_id": "m.warehouse_id",
    "document": "m.document_id",
    "line": "m.line_no",
    "occurred_at": "m.occurred_at",
    "recorded_at": "d.recorded_at",
    "reason": _named("d.reason", dict.fromkeys(Reason)),
    "reference": "d.reference",
    "warehouse": "w.code",
    "owner": "o.code",
    "item": "i.code",
    "item_names": "i.names",
    "lot": "t.code",
    "source": _place("m.source_id", "s"),
    "target": _place("m.target_id", "g"),
    "condition": CONDITION.format("m.condition"),
    "target_condition": CONDITION.format("m.target_condition"),
    "quantity": "m.quantity",
    "time_zone": "w.time_zone",
}
MOVEMENTS = Listing(
    source=_MOVEMENT_SOURCE,
    fields=_MOVEMENT_FIELDS,
    key=(Key("m.occurred_at", "timestamptz"), Key("m.document_id", "uuid"), Key("m.line_no", "integer")),
    descending=True,
    json=(
        "document",
        "line",
        "occurred_at",
        "recorded_at",
        "reason",
        "reference",
        "warehouse",
        "owner",
        "item",
        "lot",
        "source",
        "target",
        "condition",
        "target_condition",
        "quantity",
    ),
    columns=(
        Column(N_("Occurred at"), "to_char(m.occurred_at at time zone w.time_zone, 'YYYY-MM-DD HH24:MI:SS')"),
        Column(N_("Time zone"), "w.time_zone"),
        Column(N_("Reason"), _named("d.reason", dict.fromkeys(Reason))),
        Column(N_("Reference"), "d.reference", free_text=True),
        Column(N_("Warehouse"), "w.code"),
        Column(N_("Owner"), "o.code"),
        Column(N_("Item"), "i.code"),
        Column(N_("Lot"), "t.code"),
        Column(N_("From"), _place("m.source_id", "s")),
        Column(N_("To"), _place("m.target_id", "g")),
        Column(N_("Condition"), CONDITION.format("m.condition")),
        Column(N_("New condition"), CONDITION.format("m.target_condition")),
        Column(N_("Quantity"), "m.quantity"),
        Column(N_("Document"), "m.document_id"),
        Column(N_("Line"), "m.line_no"),
    ),
)
_MOVEMENT_IDS = {
    "owner_id": "m.owner_id",
    "item_id": "m.item_id",
    "lot_id": "m.lot_id",
    "source_id": "m.source_id",
    "target_id": "m.target_id",
    "condition_id": "m.condition",
    "target_condition_id": "m.target_condition",
}
_MOVEMENT_FILTERS = (
    *("warehouse", "owner", "item", "lot", "location", "condition", "reason", "reference"),
    *("from", "to"),
)
_AFTER_ALL = (datetime(9999, 1, 1, tzinfo=UTC), uuid.UUID(int=2**128 - 1), 2**31 - 1)
LINES = Listing(
    source=_MOVEMENT_SOURCE, fields={**_MOVEMENT_FIELDS, **_MOVEMENT_IDS}, key=(Key("m.line_no", "integer"),)
)
CARD = Listing(
    source=_MOVEMENT_SOURCE + " left join user_account u on u.id = d.actor_id",
    fields={**_MOVEMENT_FIELDS, **_MOVEMENT_IDS, "actor": "u.name", "note": "d.note"},
    key=MOVEMENTS.key,
    descending=True,
)

_GOODS_SOURCE = " join warehouse w on w.id = h.warehouse_id join organisation o on o.id = h.owner_id join item i on i.id = h.item_id"
HOLDS = Listing(
    source="hold h" + _GOODS_SOURCE + " join location l on l.warehouse_id = h.warehouse_id and l.id = h.location_id "
    "left join lot t on t.id = h.lot_id left join user_account u on u.id = h.placed_by "
    "left join user_account v on v.id = h.released_by",
    fields={
        "id": "h.id",
        "warehouse": "w.code",
        "time_zone": "w.time_zone",
        "owner": "o.code",
        "item": "i.code",
        "item_names": "i.names",
        "lot": "t.code",
        "location": "l.code",
        "condition": CONDITION.format("h.condition"),
        "quantity": "h.quantity",
        "reason": "h.reason",
        "note": "h.note",
        "placed_by": "u.name",
        "placed_at": "h.placed_at",
        "released_by": "v.name",
        "released_at": "h.released_at",
        "release_note": "h.release_note",
        "organisation_id": "h.organisation_id",
        "warehouse_id": "h.warehouse_id",
        "owner_id": "h.owner_id",
        "item_id": "h.item_id",
        "lot_id": "h.lot_id",
        "location_id": "h.location_id",
        "condition_id": "h.condition",
    },
    key=(Key("h.placed_at", "timestamptz"), Key("h.id", "uuid")),
    descending=True,
    columns=(
        Column(N_("Placed at"), "to_char(h.placed_at at time zone w.time_zone, 'YYYY-MM-DD HH24:MI:SS')"),
        Column(N_("Placed by"), "u.name", free_text=True),
        Column(N_("Reason"), "h.reason"),
        Column(N_("Note"), "h.note", free_text=True),
        Column(N_("Warehouse"), "w.code"),
        Column(N_("Owner"), "o.code"),
        Column(N_("Item"), "i.code"),
        Column(N_("Lot"), "t.code"),
        Column(N_("Location"), "l.code"),
        Column(N_("Condition"), CONDITION.format("h.condition")),
        Column(N_("Quantity"), "h.quantity"),
        Column(N_("Released at"), "to_char(h.released_at at time zone w.time_zone, 'YYYY-MM-DD HH24:MI:SS')"),
        Column(N_("Released by"), "v.name", free_text=True),
        Column(N_("Release note"), "h.release_note", free_text=True),
    ),
)
_RESERVATION_STATE = (
    "case when h.ended_as is not null then h.ended_as when h.expires_at <= now() then 'expired' else 'live' end"
)
RESERVATIONS = Listing(
    source="reservation h" + _GOODS_SOURCE,
    fields={
        "id": "h.id",
        "warehouse": "w.code",
        "time_zone": "w.time_zone",
        "owner": "o.code",
        "item": "i.code",
        "item_names": "i.names",
        "condition": CONDITION.format("h.condition"),
        "quantity": "h.quantity",
        "source": "h.source",
        "created_at": "h.created_at",
        "expires_at": "h.expires_at",
        "ended_at": "h.ended_at",
        "state": _RESERVATION_STATE,
        "warehouse_id": "h.warehouse_id",
        "organisation_id": "h.organisation_id",
        "owner_id": "h.owner_id",
    },
    key=(Key("h.created_at", "timestamptz"), Key("h.id", "uuid")),
    descending=True,
    json=("id", "warehouse", "owner", "item", "condition", "quantity", "source", "created_at", "expires_at", "state"),
    columns=(
        Column(N_("Created at"), "to_char(h.created_at at time zone w.time_zone, 'YYYY-MM-DD HH24:MI:SS')"),
        Column(N_("Expires at"), "to_char(h.expires_at at time zone w.time_zone, 'YYYY-MM-DD HH24:MI:SS')"),
        Column(N_("State"), _RESERVATION_STATE),
        Column(N_("Source"), "h.source", free_text=True),
        Column(N_("Warehouse"), "w.code"),
        Column(N_("Owner"), "o.code"),
        Column(N_("Item"), "i.code"),
        Column(N_("Condition"), CONDITION.format("h.condition")),
        Column(N_("Quantity"), "h.quantity"),
    ),
)
LOTS = Listing(
    source="lot t join organisation o on o.id = t.owner_id join item i on i.id = t.item_id",
    fields={
        "id": "t.id",
        "owner": "o.code",
        "item": "i.code",
        "item_names": "i.names",
        "lot": "t.code",
        "declaration_no": "t.declaration_no",
        "declaration_line": "t.declaration_line",
        "supervision_code": "t.supervision_code",
        "exported_on": "t.exported_on",
        "expires_on": "t.expires_on",
        "created_at": "t.created_at",
    },
    key=(Key("t.id"),),
    descending=True,
    columns=(
        Column(N_("Owner"), "o.code"),
        Column(N_("Item"), "i.code"),
        Column(N_("Name"), "coalesce(i.names->>'en', i.names->>'zh', i.names->>'ar')", free_text=True),
        Column(N_("Lot"), "t.code"),
        Column(N_("Declaration number"), "t.declaration_no", free_text=True),
        Column(N_("Declaration line"), "t.declaration_line"),
        Column(N_("Supervision code"), "t.supervision_code"),
        Column(N_("Exported on"), "t.exported_on"),
        Column(N_("Expires on"), "t.expires_on"),
    ),
)


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
        clauses.append(where("l.code = ?", values.code_of(location)))
    if condition := filters.get("condition"):
        clauses.append(where("b.condition = ?::smallint", _member(Condition, "condition", condition)))
    clauses.append(where("b.on_hand > 0"))
    return clauses


async def movement_clauses(viewer: Viewer, filters: Mapping[str, str]) -> list[Clause]:
    """The scope and the filters of a movement list: goods, location, reason, reference, from and to (days, UTC)."""
    clauses = scope(viewer, "m") + await _goods(filters, "m")
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
    place = MOVEMENTS.key_of(after) if after else _AFTER_ALL
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
        clauses.append(where(f"({_RESERVATION_STATE}) = ?", state))
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
        clauses.append(where("t.code = ?", values.code_of(code)))
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
                    {"value": name, "choices": ", ".join(kind.__members__)},
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


async def stock_at(viewer: Viewer, warehouse_id: int, instant: datetime) -> list[asyncpg.Record]:
    """On hand in a warehouse at a past instant, every balance the viewer may see that was not zero then."""
    owner_id = None
    if not access_rules.sees_everything(viewer) and not access_rules.runs_warehouse(viewer, warehouse_id):
        owner_id = viewer.organisation_id
    return await DB.fetch(SQL["stock_at"], warehouse_id, instant, owner_id)


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
    condition = CONDITION.format("s.condition")
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
            Column(
                N_("Name"), "coalesce(s.item_names->>'en', s.item_names->>'zh', s.item_names->>'ar')", free_text=True
            ),
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
    page = await HOLDS.page(clauses, limit=1)
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
    clauses += await _goods({**filters, "warehouse": ""}, "t")
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
