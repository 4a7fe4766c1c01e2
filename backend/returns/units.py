"""What may be asked about returned units, always in the viewer's scope: worklists, one unit with its history, how graders agree."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

import asyncpg

from backend.access import rules as access_rules
from backend.access.rules import Kind, Viewer
from backend.core import values
from backend.core.database import DB, blocks
from backend.core.errors import Fault, Invalid
from backend.core.listing import Clause, Column, Key, Listing, in_one_language, on_the_clock, where
from backend.core.text import N_, P_
from backend.files.queries import sees
from backend.returns import steps
from backend.returns.rules import Disposition, Grade

SQL = blocks(Path(__file__).with_name("units.sql"))
MOST_SHOWN = 500


class Queue(StrEnum):
    """What units wait for."""

    GRADE = "grade"
    DECIDE = "decide"
    CARRY_OUT = "carry-out"


_QUEUES: Mapping[Queue, str] = {
    Queue.GRADE: "(u.state = 'received' or (u.state = 'graded' and u.regrade = 'asked'))",
    Queue.DECIDE: "u.state = 'graded' and u.regrade <> 'asked'",
    Queue.CARRY_OUT: "u.state = 'decided'",
}

UNITS = Listing(
    source="return_unit u",
    joins=(
        "join rma r on r.warehouse_id = u.warehouse_id and r.id = u.rma_id join warehouse w on w.id = u.warehouse_id "
        "join organisation o on o.id = u.owner_id join item i on i.id = u.item_id left join lot t on t.id = u.lot_id "
        "left join location p on p.warehouse_id = u.warehouse_id and p.id = u.location_id "
        "left join inspection x on x.warehouse_id = u.warehouse_id and x.id = u.inspection_id "
        "left join user_account g on g.id = x.user_id "
        "left join disposition d on d.warehouse_id = u.warehouse_id and d.id = u.disposition_id "
        "left join stage s on s.warehouse_id = u.warehouse_id and s.subject = 'return' and s.subject_id = u.rma_id "
        "and s.left_at is null"
    ),
    fields={
        "code": "u.code",
        "id": "u.id",
        "warehouse_id": "u.warehouse_id",
        "number": "r.number",
        "rma_id": "u.rma_id",
        "kind": "r.kind",
        "reason": "r.reason",
        "warehouse": "w.code",
        "time_zone": "w.time_zone",
        "owner": "o.code",
        "owner_id": "u.owner_id",
        "owner_names": "o.names",
        "item": "i.code",
        "item_id": "u.item_id",
        "item_names": "i.names",
        "hs_code": "i.hs_code",
        "lot": "t.code",
        "lot_id": "u.lot_id",
        "home_area": "r.home_area",
        "serial": "u.serial",
        "quantity": "u.quantity",
        "state": "u.state",
        "grade": "u.grade",
        "regrade": "u.regrade",
        "regrade_note": "u.regrade_note",
        "altered": "u.altered",
        "disposition": "u.disposition",
        "decided_as": "d.decided_as",
        "decision_note": "d.note",
        "location": "p.code",
        "condition": "u.condition",
        "received_at": "u.received_at",
        "inspection_id": "u.inspection_id",
        "answers": "x.answers",
        "item_class": "x.item_class",
        "look_note": "x.note",
        "graded_at": "x.graded_at",
        "grader": "g.name",
        "due_at": "s.due_at",
    },
    key=(Key("u.received_at", "timestamptz"), Key("u.id", "uuid")),
    json=(
        *(
            "code",
            "number",
            "rma_id",
            "warehouse",
            "owner",
            "item",
            "lot",
            "serial",
            "quantity",
            "state",
            "grade",
            "regrade",
        ),
        *(
            "disposition",
            "decided_as",
            "location",
            "received_at",
            "item_class",
            "answers",
            "look_note",
            "graded_at",
            "due_at",
        ),
    ),
    columns=(
        Column(N_("Unit"), "u.code"),
        Column(N_("Return"), "r.number"),
        Column(N_("Warehouse"), "w.code"),
        Column(N_("Owner"), "o.code"),
        Column(N_("Item"), "i.code"),
        in_one_language(N_("Name"), "i.names"),
        Column(N_("Lot"), "t.code"),
        Column(N_("Serial number"), "u.serial", free_text=True),
        Column(N_("Quantity"), "u.quantity"),
        Column(N_("State"), "u.state"),
        Column(N_("Grade"), "u.grade"),
        Column(N_("Second look"), "u.regrade"),
        Column(N_("Disposition"), "u.disposition"),
        Column(N_("Location"), "p.code"),
        on_the_clock(P_("time", "Received"), "u.received_at"),
        on_the_clock(P_("time", "Graded"), "x.graded_at"),
        Column(N_("Grader"), "g.name", free_text=True),
        on_the_clock(N_("Due"), "s.due_at"),
    ),
)

# Returns that are expected or being received, those first whose time is over first.
EXPECTED = Listing(
    source="stage s",
    joins=(
        "join rma r on r.warehouse_id = s.warehouse_id and r.id = s.subject_id join warehouse w on w.id = s.warehouse_id "
        "join organisation o on o.id = s.owner_id "
        "cross join lateral (select sum(l.quantity)::bigint as quantity, sum(l.received)::bigint as received, "
        "min(i.code) as item, count(distinct l.item_id) as items from rma_line l join item i on i.id = l.item_id "
        "where l.warehouse_id = r.warehouse_id and l.rma_id = r.id) l "
        "cross join lateral (select count(*) as parcels, count(p.arrived_at) as arrived, min(p.arrived_at) as arrived_at "
        "from rma_parcel p where p.warehouse_id = r.warehouse_id and p.rma_id = r.id) p"
    ),
    fields={
        "id": "r.id",
        "number": "r.number",
        "stage": "s.stage",
        "kind": "r.kind",
        "reason": "r.reason",
        "reference": "r.reference",
        "warehouse": "w.code",
        "time_zone": "w.time_zone",
        "owner": "o.code",
        "owner_names": "o.names",
        "item": "l.item",
        "items": "l.items",
        "quantity": "l.quantity",
        "received": "l.received",
        "parcels": "p.parcels",
        "arrived": "p.arrived",
        "arrived_at": "p.arrived_at",
        "due_at": "s.due_at",
    },
    key=(Key("s.due_at", "timestamptz"), Key("s.id", "uuid")),
    json=(
        *("id", "number", "stage", "kind", "reason", "reference", "warehouse", "owner", "item", "items", "quantity"),
        *("received", "parcels", "arrived", "due_at"),
    ),
    columns=(
        Column(N_("Return"), "r.number"),
        Column(N_("Stage"), "s.stage"),
        Column(N_("Kind"), "r.kind"),
        Column(N_("Reason"), "r.reason"),
        Column(N_("Reference"), "r.reference", free_text=True),
        Column(N_("Warehouse"), "w.code"),
        Column(N_("Owner"), "o.code"),
        Column(N_("Pieces"), "l.quantity"),
        Column(N_("Received"), "l.received"),
        Column(N_("Parcels"), "p.parcels"),
        Column(N_("Arrived"), "p.arrived"),
        on_the_clock(N_("Due"), "s.due_at"),
    ),
)

_PAIRS = """(
  select a.warehouse_id, case when grouping(a.user_id) = 1 then 0 else a.user_id end as user_id, count(*) as looks,
         count(*) filter (where a.grade = b.grade) as same,
         round(avg(case when a.grade = b.grade then 1 else 0 end), 4) as share,
         round(avg(abs(ascii(a.grade) - ascii(b.grade))), 4) as distance,
         count(*) filter (where b.grade < a.grade) as better, count(*) filter (where b.grade > a.grade) as worse
  from inspection b join inspection a on a.warehouse_id = b.warehouse_id and a.id = b.previous_id and a.user_id <> b.user_id
  where b.previous_id is not null and b.graded_at >= '{since}'::timestamptz and b.graded_at < '{until}'::timestamptz
  group by grouping sets ((a.warehouse_id, a.user_id), (a.warehouse_id))
)"""
AGREEMENT = Listing(
    source=_PAIRS + " g join warehouse w on w.id = g.warehouse_id left join user_account u on u.id = g.user_id",
    fields={
        "warehouse": "w.code",
        "warehouse_names": "w.names",
        "grader": "u.name",
        "looks": "g.looks",
        "same": "g.same",
        "share": "g.share",
        "distance": "g.distance",
        "better": "g.better",
        "worse": "g.worse",
    },
    key=(Key("g.warehouse_id"), Key("g.user_id")),
    json=("warehouse", "grader", "looks", "same", "share", "distance", "better", "worse"),
    columns=(
        Column(N_("Warehouse"), "w.code"),
        Column(N_("Grader"), "u.name", free_text=True),
        Column(N_("Looked at again"), "g.looks"),
        Column(N_("Same grade"), "g.same"),
        Column(N_("Share of same grades"), "g.share"),
        Column(N_("Mean distance in grades"), "g.distance"),
        Column(N_("Second grade better"), "g.better"),
        Column(N_("Second grade worse"), "g.worse"),
    ),
)
UNIT_FILTERS = ("warehouse", "owner", "item", "grade", "disposition", "search")
EXPECTED_FILTERS = ("stage", "warehouse", "owner", "kind", "search")


def _scope(viewer: Viewer, alias: str) -> list[Clause]:
    if access_rules.sees_everything(viewer):
        return []
    if viewer.kind is Kind.OPERATOR:
        if len(viewer.warehouse_ids) == 1:
            return [where(f"{alias}.warehouse_id = ?", viewer.warehouse_ids[0])]
        return [where(f"{alias}.warehouse_id = any(?::bigint[])", list(viewer.warehouse_ids))]
    return [where(f"{alias}.owner_id = ?", viewer.organisation_id)]


async def unit_clauses(viewer: Viewer, queue: Queue, filters: Mapping[str, str]) -> list[Clause]:
    """The scope, the queue and the filters warehouse, owner, item (codes), grade, disposition, search (unit, return,
    serial number); for UNITS.
    """
    found = [where("u.state in ('received', 'graded', 'decided')"), *_scope(viewer, "u"), where(_QUEUES[queue])]
    faults: list[Fault] = []
    owner_id: int | None = None
    if code := filters.get("warehouse"):
        row_id = await DB.value("select id from warehouse where code = $1", values.code_of(code))
        found.append(where("u.warehouse_id = ?", row_id or 0))
    if code := filters.get("owner"):
        owner_id = await DB.value("select id from organisation where code = $1", values.code_of(code)) or 0
        found.append(where("u.owner_id = ?", owner_id))
    if code := filters.get("item"):
        found.append(where("u.item_id = any(array(select id from item where code = ?))", values.code_of(code)))
    for name, choices in (("grade", list(Grade)), ("disposition", list(Disposition))):
        if value := filters.get(name):
            if value not in choices:
                faults.append(_unknown(name, value))
            found.append(where(f"u.{name} = ?", value))
    if search := filters.get("search"):
        code = values.code_of(search)
        found.append(
            where(
                "(u.code = ? or u.serial = ? or u.rma_id = (select id from rma where number = split_part(?, 'U', 1)))",
                *(code, code, code),
            )
        )
    if faults:
        raise Invalid(faults)
    return found


async def expected_clauses(viewer: Viewer, filters: Mapping[str, str]) -> list[Clause]:
    """The scope and the filters stage (booked, receiving), warehouse, owner (codes), kind, search; for EXPECTED."""
    found = [
        where("s.subject = 'return'"),
        where("s.stage in ('booked', 'receiving')"),
        where("s.left_at is null"),
        *_scope(viewer, "s"),
    ]
    faults: list[Fault] = []
    if stage := filters.get("stage"):
        if stage not in ("booked", "receiving"):
            faults.append(_unknown("stage", stage))
        found.append(where("s.stage = ?", stage))
    if code := filters.get("warehouse"):
        row_id = await DB.value("select id from warehouse where code = $1", values.code_of(code))
        found.append(where("s.warehouse_id = ?", row_id or 0))
    if code := filters.get("owner"):
        row_id = await DB.value("select id from organisation where code = $1", values.code_of(code))
        found.append(where("s.owner_id = ?", row_id or 0))
    if kind := filters.get("kind"):
        found.append(where("exists (select from rma r where r.id = s.subject_id and r.kind = ?)", kind))
    if search := filters.get("search"):
        code = values.code_of(search)
        found.append(
            where(
                "exists (select from rma r where r.id = s.subject_id and (r.number = ? or upper(r.reference) = ? "
                "or exists (select from rma_parcel p where p.warehouse_id = r.warehouse_id and p.rma_id = r.id "
                "and p.tracking_no = ?) or exists (select from rma_line l join item i on i.id = l.item_id "
                "where l.warehouse_id = r.warehouse_id and l.rma_id = r.id and (i.code = ? or l.serials && array[?]))))",
                *(code, code, code, code, code),
            )
        )
    if faults:
        raise Invalid(faults)
    return found


def agreement(since: date, until: date, zone: str) -> Listing:
    """How graders agree, from a day to a day: a row for each grader of a warehouse and, without a grader, for all of them.

    A look that another person made after somebody's counts as one; `distance` is how many grades they lie apart on average.
    """
    beginning = datetime.combine(since, time(), ZoneInfo(zone))
    end = datetime.combine(until + timedelta(days=1), time(), ZoneInfo(zone))
    source = AGREEMENT.source.replace("{since}", beginning.isoformat()).replace("{until}", end.isoformat())
    return Listing(
        source=source, fields=AGREEMENT.fields, key=AGREEMENT.key, json=AGREEMENT.json, columns=AGREEMENT.columns
    )


def agreement_clauses(viewer: Viewer, filters: Mapping[str, str]) -> list[Clause]:
    """The scope (an operator's warehouses with their graders; exporters see warehouses as a whole) and the filter warehouse."""
    found: list[Clause] = []
    if viewer.kind is Kind.OPERATOR:
        found.append(where("g.warehouse_id = any(?::bigint[])", list(viewer.warehouse_ids)))
    elif not access_rules.sees_everything(viewer):
        found.append(where("g.user_id = 0"))
    if code := filters.get("warehouse"):
        found.append(where("w.code = ?", values.code_of(code)))
    return found


async def unit(viewer: Viewer, code: str) -> asyncpg.Record:
    """One unit with its words, if the viewer may see its goods."""
    return (await several(viewer, [code]))[0]


async def several(viewer: Viewer, codes: Sequence[str]) -> list[asyncpg.Record]:
    """Units with their words, all of them in the viewer's sight."""
    wanted = list(dict.fromkeys(values.code_of(code) for code in codes))
    rows = await DB.fetch(SQL["unit"], wanted)
    seen = {row["code"]: row for row in rows if sees(viewer, row["warehouse_id"], row["owner_id"])}
    for code in wanted:
        if code not in seen:
            raise steps.NoSuchUnit(unit=code[:64])
    return list(seen.values())


async def inspections(rows: Sequence[Mapping[str, object]]) -> list[asyncpg.Record]:
    """Every look at units of one warehouse that `several` has found, the latest first."""
    if not rows:
        return []
    ids = [row["id"] for row in rows]
    latest = [row["inspection_id"] for row in rows if row["inspection_id"]]
    return await DB.fetch(SQL["inspections"], rows[0]["warehouse_id"], ids, latest)


async def decisions(row: Mapping[str, object]) -> list[asyncpg.Record]:
    """Every decision on a unit that `unit` has found, the latest first."""
    return await DB.fetch(SQL["decisions"], row["warehouse_id"], row["id"])


async def of_return(warehouse_id: int, rma_id: uuid.UUID) -> list[asyncpg.Record]:
    """The units of a return that the caller has found in the viewer's scope, in their order, the first 500."""
    return await DB.fetch(SQL["of_return"], warehouse_id, rma_id, MOST_SHOWN)


async def counts(viewer: Viewer) -> dict[str, int]:
    """How much waits for each step in the viewer's scope, each counted up to 1000."""
    warehouses = list(viewer.warehouse_ids) if viewer.kind is Kind.OPERATOR else None
    owner_id = viewer.organisation_id if viewer.kind is Kind.EXPORTER else None
    row = await DB.row(SQL["counts"], warehouses, owner_id)
    return dict(row) if row else {}


async def bins_for(warehouse_id: int, item_ids: Sequence[int]) -> list[str]:
    """Bins in which items lie for sale already, else the first bins of the warehouse."""
    rows = await DB.fetch(SQL["bins_of"], warehouse_id, list(set(item_ids)))
    found = list(dict.fromkeys(row["code"] for row in rows))
    return found or [row["code"] for row in await DB.fetch(SQL["bins"], warehouse_id, 200)]


def _unknown(field: str, value: str) -> Fault:
    sentence = N_("“%(value)s” is not possible here. Choose one of the list.")
    return Fault(field, value, sentence, {"value": value})
