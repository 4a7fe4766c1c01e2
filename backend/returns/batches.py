"""What may be asked about batches home, always in the viewer's scope: the list, one batch with its lines, what may join."""

import uuid
from collections.abc import Mapping
from pathlib import Path

import asyncpg

from backend.access import rules as access_rules
from backend.access.rules import Kind, Viewer
from backend.core import values
from backend.core.database import DB, blocks
from backend.core.errors import Fault, Invalid
from backend.core.listing import Clause, Column, Key, Listing, on_the_clock, where
from backend.core.text import N_, P_
from backend.files.queries import sees
from backend.returns import home_rules, reasons
from backend.returns.home_rules import CAUSES, Stage
from backend.returns.reasons import Cause

SQL = blocks(Path(__file__).with_name("batches.sql"))
MOST_CANDIDATES = 200
FILTERS = ("stage", "cause", "warehouse", "owner", "number")

BATCHES = Listing(
    source="home_batch b",
    joins=(
        "join warehouse w on w.id = b.warehouse_id join organisation o on o.id = b.owner_id "
        "cross join lateral (select count(*) as lines, coalesce(sum(coalesce(l.packed, l.quantity)), 0)::bigint as pieces, "
        "coalesce(sum(l.packed), 0)::bigint - coalesce(sum(l.arrived), 0)::bigint as away from home_line l "
        "where l.warehouse_id = b.warehouse_id and l.batch_id = b.id) s"
    ),
    fields={
        "id": "b.id",
        "number": "b.number",
        "stage": "b.stage",
        "cause": "b.cause",
        "home_area": "b.home_area",
        "planned_on": "b.planned_on",
        "warehouse": "w.code",
        "time_zone": "w.time_zone",
        "owner": "o.code",
        "owner_names": "o.names",
        "lines": "s.lines",
        "pieces": "s.pieces",
        "in_transit": "case when b.stage in ('sent', 'arrived') then s.away else 0 end",
        "created_at": "b.created_at",
        "sent_at": "b.sent_at",
        "arrived_at": "b.arrived_at",
        "return_declaration_no": "b.return_declaration_no",
    },
    key=(Key("b.created_at", "timestamptz"), Key("b.id", "uuid")),
    descending=True,
    json=(
        *("id", "number", "stage", "cause", "home_area", "planned_on", "warehouse", "owner", "lines", "pieces"),
        *("in_transit", "created_at", "sent_at", "arrived_at", "return_declaration_no"),
    ),
    columns=(
        Column(N_("Number"), "b.number"),
        Column(N_("Stage"), "b.stage"),
        Column(N_("Cause"), "b.cause"),
        Column(N_("Customs district"), "b.home_area"),
        Column(N_("Planned for"), "b.planned_on"),
        Column(N_("Warehouse"), "w.code"),
        Column(N_("Exporter"), "o.code"),
        Column(N_("Lines"), "s.lines"),
        Column(N_("Pieces"), "s.pieces"),
        on_the_clock(N_("Opened"), "b.created_at"),
        on_the_clock(P_("time", "Sent"), "b.sent_at"),
        on_the_clock(P_("time", "Arrived"), "b.arrived_at"),
        Column(N_("Return declaration"), "b.return_declaration_no", free_text=True),
    ),
)


def clauses(viewer: Viewer, filters: Mapping[str, str]) -> list[Clause]:
    """The scope and the filters of the list of batches: FILTERS (codes)."""
    found: list[Clause] = []
    if viewer.kind is Kind.OPERATOR:
        found.append(where("b.warehouse_id = any(?::bigint[])", list(viewer.warehouse_ids)))
    elif not access_rules.sees_everything(viewer):
        found.append(where("b.owner_id = ?", viewer.organisation_id))
    faults: list[Fault] = []
    for name, possible in (("stage", list(Stage)), ("cause", list(CAUSES))):
        if value := filters.get(name):
            if value not in possible:
                sentence = N_("“%(value)s” is not possible here. Choose one of the list.")
                faults.append(Fault(name, value, sentence, {"value": value}))
            found.append(where(f"b.{name} = ?", value))
    if faults:
        raise Invalid(faults)
    for name, column in (
        ("warehouse", "warehouse_id = (select id from warehouse"),
        ("owner", "owner_id = (select id from organisation"),
    ):
        if value := filters.get(name):
            found.append(where(f"b.{column} where code = ?)", values.code_of(value)))
    if value := filters.get("number"):
        found.append(where("b.number = ?", values.code_of(value)))
    return found


async def batch(viewer: Viewer, batch_id: uuid.UUID) -> asyncpg.Record:
    """One batch with its words and sums, if the viewer may see it."""
    row = await DB.row(SQL["head"], batch_id)
    if row is None or not sees(viewer, row["warehouse_id"], row["owner_id"]):
        raise home_rules.NoSuchBatch
    return row


async def batch_by_number(viewer: Viewer, number: str) -> asyncpg.Record:
    """The same by its number."""
    batch_id = await DB.value(SQL["batch_by_number"], values.code_of(number))
    if batch_id is None:
        raise home_rules.NoSuchBatch
    return await batch(viewer, batch_id)


async def lines(head: asyncpg.Record) -> list[asyncpg.Record]:
    """The lines of a batch that `batch` has found, by declaration line."""
    return await DB.fetch(SQL["lines"], head["warehouse_id"], head["id"])


async def units_for_home(head: asyncpg.Record, declaration: str = "", item: str = "") -> list[asyncpg.Record]:
    """The units that are decided to go home from the warehouse of a batch and fit its cause; at most MOST_CANDIDATES."""
    return await DB.fetch(
        SQL["units_for_home"],
        head["warehouse_id"],
        head["owner_id"],
        unsold_reasons(),
        MOST_CANDIDATES,
        declaration or None,
        values.code_of(item) or None,
        head["cause"],
    )


async def stock_for_home(head: asyncpg.Record, declaration: str = "", item: str = "") -> list[asyncpg.Record]:
    """The pieces on the shelf that may join a batch; none where it is for returned goods; at most MOST_CANDIDATES."""
    if head["cause"] != Cause.UNSOLD:
        return []
    return await DB.fetch(
        SQL["stock_for_home"],
        head["warehouse_id"],
        head["owner_id"],
        MOST_CANDIDATES,
        declaration or None,
        values.code_of(item) or None,
    )


def unsold_reasons() -> list[str]:
    """The reasons that the law calls unsold."""
    return [code for code, reason in reasons.reasons().items() if reason.cause is Cause.UNSOLD]
