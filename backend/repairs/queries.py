"""What may be asked about repairs, always in the viewer's scope."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from backend.access import rules as access_rules
from backend.access.rules import Kind, Viewer
from backend.core import clock, values
from backend.core.database import DB, blocks
from backend.core.errors import Fault, Invalid
from backend.core.listing import Clause, Column, Key, Listing, in_one_language, on_the_clock, where
from backend.core.text import N_, P_
from backend.files import queries as files_queries
from backend.repairs import rules
from backend.repairs.rules import Stage
from backend.stages import rules as stages_rules
from backend.stages.rules import Standing
from backend.stock import listings as stock_listings
from backend.stock.queries import BalanceAt
from backend.stock.rules import Condition

SQL = blocks(Path(__file__).with_name("queries.sql"))
FIGURES_OVER = timedelta(days=90)

_OPEN_STAGE = (
    "left join stage s on s.warehouse_id = r.warehouse_id and s.subject = 'repair' and s.subject_id = r.id "
    "and s.left_at is null"
)
_JOINS = (
    "join warehouse w on w.id = r.warehouse_id join organisation o on o.id = r.owner_id join item i on i.id = r.item_id "
    "join location l on l.warehouse_id = r.warehouse_id and l.id = r.location_id left join lot t on t.id = r.lot_id "
    f"left join user_account u on u.id = r.technician_id {_OPEN_STAGE}"
)
_AGE_DAYS = "extract(epoch from coalesce(r.ended_at, now()) - r.opened_at) / 86400"
ORDERS = Listing(
    source="work_order r",
    joins=_JOINS,
    fields={
        "id": "r.id",
        "number": "r.number",
        "warehouse": "w.code",
        "time_zone": "w.time_zone",
        "owner": "o.code",
        "owner_names": "o.names",
        "item": "i.code",
        "item_names": "i.names",
        "lot": "t.code",
        "serial": "r.serial",
        "unit_code": "r.unit_code",
        "origin": "r.origin",
        "fault": "r.fault",
        "fault_codes": "r.fault_codes",
        "covered": "r.covered",
        "stage": "r.stage",
        "location": "l.code",
        "condition": stock_listings.CONDITION.format("r.condition"),
        "technician_id": "r.technician_id",
        "technician": "u.name",
        "opened_at": "r.opened_at",
        "due_at": "s.due_at",
        "ended_at": "r.ended_at",
        "turnaround_days": f"round(({_AGE_DAYS})::numeric, 2)",
    },
    key=(Key("r.opened_at", "timestamptz"), Key("r.id", "uuid")),
    json=(
        *("id", "number", "warehouse", "owner", "item", "lot", "serial", "unit_code", "origin", "fault", "fault_codes"),
        *("covered", "stage", "location", "condition", "technician", "opened_at", "due_at", "ended_at"),
        "turnaround_days",
    ),
    columns=(
        Column(N_("Number"), "r.number"),
        on_the_clock(N_("Opened"), "r.opened_at"),
        Column(N_("Warehouse"), "w.code"),
        Column(N_("Owner"), "o.code"),
        Column(N_("Item"), "i.code"),
        in_one_language(N_("Name"), "i.names"),
        Column(N_("Lot"), "t.code"),
        Column(N_("Serial"), "r.serial", free_text=True),
        Column(N_("Unit"), "r.unit_code"),
        Column(N_("Reported fault"), "r.fault", free_text=True),
        Column(N_("Fault codes"), "array_to_string(r.fault_codes, ' ')"),
        Column(N_("Warranty pays"), "r.covered"),
        Column(N_("Stage"), "r.stage"),
        Column(N_("Technician"), "u.name", free_text=True),
        on_the_clock(N_("Due"), "s.due_at"),
        on_the_clock(P_("time", "Ended"), "r.ended_at"),
        Column(N_("Days"), f"round(({_AGE_DAYS})::numeric, 2)"),
    ),
)
LATEST = replace(ORDERS, descending=True)
FILTERS = ("q", "state", "stage", "technician", "standing", "warehouse", "owner", "item")


def scope(viewer: Viewer) -> list[Clause]:
    """The work orders a viewer sees: the committee all, an operator its warehouses', an exporter its own."""
    if access_rules.sees_everything(viewer):
        return []
    if viewer.kind is Kind.OPERATOR:
        return [where("r.warehouse_id = any(?::bigint[])", list(viewer.warehouse_ids))]
    return [where("r.owner_id = ?", viewer.organisation_id)]


def order_clauses(viewer: Viewer, filters: Mapping[str, str]) -> list[Clause]:
    """The scope and the filters of the list: q (number, unit or serial), state (open, ended, all), stage, technician (me, none or
    an id), standing (overdue, soon, running), warehouse, owner and item (codes).
    """
    clauses = scope(viewer)
    faults: list[Fault] = []
    if q := values.code_of(filters.get("q", "")):
        clauses.append(where("? in (r.number, r.unit_code, r.serial)", q))
    if stage := filters.get("stage"):
        if stage not in list(Stage):
            faults.append(_unknown("stage", stage))
        clauses.append(where("r.stage = ?", stage))
    if state := filters.get("state"):
        standing = {"open": "r.ended_at is null", "ended": "r.ended_at is not null", "all": "true"}
        if state not in standing:
            faults.append(_unknown("state", state))
        clauses.append(where(standing.get(state, "false")))
    if technician := filters.get("technician"):
        if technician == "none":
            clauses.append(where("r.technician_id is null"))
        elif technician == "me":
            clauses.append(where("r.technician_id = ?", viewer.user_id))
        elif technician.isascii() and technician.isdecimal() and len(technician) < 19:
            clauses.append(where("r.technician_id = ?", int(technician)))
        else:
            faults.append(_unknown("technician", technician))
    clauses += _standing(filters.get("standing", ""), faults)
    for name, sql in (
        ("warehouse", "r.warehouse_id = (select id from warehouse where code = ?)"),
        ("owner", "r.owner_id = (select id from organisation where code = ?)"),
        ("item", "r.item_id = any(array(select id from item where code = ?))"),
    ):
        if code := filters.get(name):
            clauses.append(where(sql, values.code_of(code)))
    if faults:
        raise Invalid(faults)
    return clauses


def _standing(value: str, faults: list[Fault]) -> list[Clause]:
    if not value:
        return []
    now = clock.now()
    dues: Mapping[str, tuple[str, tuple[datetime, ...]]] = {
        Standing.OVERDUE: ("s.due_at < ?", (now,)),
        Standing.SOON: ("s.due_at between ? and ?", (now, now + stages_rules.SOON)),
        Standing.RUNNING: ("s.due_at > ?", (now + stages_rules.SOON,)),
    }
    if value not in dues:
        faults.append(_unknown("standing", value))
        return []
    sql, marks = dues[value]
    inner = f"select s.subject_id from stage s where s.subject = 'repair' and s.left_at is null and {sql}"
    return [where(f"r.id = any(array({inner}))", *marks)]


def _unknown(field: str, value: str) -> Fault:
    return Fault(field, value, N_("“%(value)s” is not possible here. Choose one of the list."), {"value": value})


async def order(viewer: Viewer, order_id: uuid.UUID) -> asyncpg.Record:
    """One work order with its words."""
    row = await DB.row(SQL["order"], order_id)
    if row is None or not files_queries.sees(viewer, row["warehouse_id"], row["owner_id"]):
        raise rules.NoSuchOrder
    return row


async def order_json(viewer: Viewer, order_id: uuid.UUID) -> bytes:
    """One work order with its diagnoses, quotes, parts, labour and tests, as JSON made by the database."""
    row = await DB.row(SQL["order_json"], order_id)
    if row is None or not files_queries.sees(viewer, row["warehouse_id"], row["owner_id"]):
        raise rules.NoSuchOrder
    return str(row["body"]).encode()


async def by_code(viewer: Viewer, code: str) -> uuid.UUID | None:
    """The work order that a scanned code names (its number, the label of its unit, a serial), if the viewer sees it."""
    found: uuid.UUID | None = await DB.value(SQL["by_code"], values.code_of(code), *_bounds(viewer))
    return found


class Bench(msgspec.Struct, frozen=True):
    """What happened to a work order: diagnoses, quotes and tests latest first, parts and labour in their order."""

    diagnoses: Sequence[asyncpg.Record]
    quotes: Sequence[asyncpg.Record]
    parts: Sequence[asyncpg.Record]
    labour: Sequence[asyncpg.Record]
    tests: Sequence[asyncpg.Record]


async def bench(order: Mapping[str, Any]) -> Bench:
    """Everything that happened to a work order that was found in the viewer's scope."""
    key = order["warehouse_id"], order["id"]
    names = ("diagnoses", "quotes", "part_uses", "labour", "tests")
    return Bench(*[await DB.fetch(SQL[name], *key) for name in names])


async def spare_parts(order: Mapping[str, Any]) -> list[asyncpg.Record]:
    """What approved quotes still have of each part, and where free pieces lie (a part without any has one row)."""
    return await DB.fetch(SQL["spare_parts"], order["warehouse_id"], order["id"])


async def labour_price(order: Mapping[str, Any]) -> tuple[Decimal, str] | None:
    """What an hour costs the owner of an order today by the price list (amount, currency)."""
    today = clock.business_day(clock.now(), order["time_zone"])
    row = await DB.row(SQL["labour_price"], order["warehouse_id"], order["owner_id"], today)
    return (row["amount"], row["currency"]) if row else None


async def parts_of_owner(order: Mapping[str, Any]) -> list[asyncpg.Record]:
    """The items that the unit's owner has free in the warehouse, as parts to choose from; the first 200."""
    return await DB.fetch(SQL["parts_of_owner"], order["warehouse_id"], order["owner_id"], order["item_id"])


async def technicians(viewer: Viewer) -> list[asyncpg.Record]:
    """The people of an operator, who may be given work orders; nobody for others."""
    if viewer.kind is not Kind.OPERATOR:
        return []
    return await DB.fetch(SQL["technicians"], viewer.organisation_id)


async def balance_key(
    viewer: Viewer, *, warehouse: str, owner: str, item: str, lot: str, location: str, condition: str
) -> BalanceAt:
    """The key of a balance given in codes, in the viewer's scope; an exporter's own without `owner`."""
    state = Condition.__members__.get(condition)
    if viewer.kind is Kind.EXPORTER and not owner:
        owner = viewer.organisation_code
    codes = [values.code_of(code) for code in (warehouse, owner, item, lot, location)]
    row = await DB.row(SQL["balance_by_codes"], *codes, int(state or 0))
    if row is None or not files_queries.sees(viewer, row["warehouse_id"], row["owner_id"]):
        raise rules.NoSuchGoods(item=item[:64], location=location[:64], warehouse=warehouse[:64])
    warehouse_id, owner_id, item_id, lot_id, location_id, condition_id = row
    return warehouse_id, owner_id, item_id, lot_id, location_id, condition_id


def _bounds(viewer: Viewer) -> tuple[list[int] | None, int | None]:
    """The warehouses and the owner that a viewer's figures are kept to; None is no bound."""
    if access_rules.sees_everything(viewer):
        return None, None
    if viewer.kind is Kind.OPERATOR:
        return list(viewer.warehouse_ids), None
    return None, viewer.organisation_id


async def figures(viewer: Viewer) -> asyncpg.Record:
    """The queue in numbers, and the turnaround of the last 90 days."""
    now = clock.now()
    row = await DB.row(SQL["figures"], *_bounds(viewer), now - FIGURES_OVER, now)
    assert row is not None
    return row


async def turnaround(viewer: Viewer, since: datetime, until: datetime) -> list[asyncpg.Record]:
    """Days from opening to end of the repairs that ended in a time, by warehouse: half and nine tenths of them took at most
    so long; the same without the owners' time to answer.
    """
    return await DB.fetch(SQL["turnaround"], *_bounds(viewer), since, until)


async def warranty_terms(viewer: Viewer) -> list[asyncpg.Record]:
    """The months an exporter warrants now, for all its items first."""
    return await DB.fetch(SQL["warranty_terms"], viewer.organisation_id)


async def own_item(viewer: Viewer, code: str) -> int | None:
    """The id of the viewer's own item of this code."""
    found: int | None = await DB.value(SQL["item_of"], viewer.organisation_id, values.code_of(code))
    return found
