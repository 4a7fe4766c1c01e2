"""What proves a return: everything that is known of it, gathered in the viewer's scope, and the records of what was destroyed."""

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import asyncpg
import msgspec

from backend.access import rules as access_rules
from backend.access.rules import Kind, Viewer
from backend.core import values
from backend.core.database import DB, blocks
from backend.core.errors import Fault, Invalid, NotFound
from backend.core.listing import Clause, Column, Key, Listing, on_the_clock, where
from backend.core.text import N_
from backend.files import queries as files_queries
from backend.returns import queries

SQL = blocks(Path(__file__).with_name("evidence.sql"))
Row = Mapping[str, Any]


class NoSuchRecord(NotFound):
    """There is no such record, or it is not the viewer's to see."""

    sentence: ClassVar[str] = N_("There is no such record in your view. It may belong to somebody else.")


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Everything known of one return. Files carry their subject; `looks_of` are the looks at each unit, the latest first."""

    head: Row
    operator_names: dict[str, str]
    lines: Sequence[Row]
    parcels: Sequence[Row]
    units: Sequence[Row]
    looks: Sequence[Row]
    looks_of: Mapping[uuid.UUID, Sequence[Row]]
    decisions: Sequence[Row]
    refunds: Sequence[Row]
    messages: Sequence[Row]
    files: Sequence[Row]

    def photos_of(self, unit_id: uuid.UUID) -> list[Row]:
        """The photos of all looks at a unit, oldest first."""
        looks = {look["id"] for look in self.looks_of[unit_id]}
        return [file for file in self.files if file["subject"] == "inspection" and file["subject_id"] in looks]

    @property
    def others(self) -> list[Row]:
        """The files that belong to no unit: papers of the booking, of records and of messages."""
        return [file for file in self.files if file["subject"] != "inspection"]


async def gather(viewer: Viewer, rma_id: uuid.UUID) -> Evidence:
    """Everything known of a return, if the viewer may see it; a fixed number of queries."""
    head = await queries.rma(viewer, rma_id)
    warehouse_id = head["warehouse_id"]
    units = await DB.fetch(SQL["units"], warehouse_id, rma_id)
    looks = await DB.fetch(SQL["looks"], warehouse_id, rma_id)
    decisions = await DB.fetch(SQL["decisions"], warehouse_id, rma_id)
    messages = await DB.fetch(SQL["messages"], warehouse_id, rma_id)
    records = {each["follow_up_id"] for each in decisions if each["follow_up"] == "destruction"}
    ids = [rma_id, *(look["id"] for look in looks), *records, *(message["id"] for message in messages)]
    subjects = ["rma", "inspection", "destruction", "message"]
    return Evidence(
        head=head,
        operator_names=await DB.value(SQL["operator"], head["operator_id"]),
        lines=await queries.lines(head),
        parcels=await queries.parcels(head),
        units=units,
        looks=looks,
        looks_of=_looks_of(units, looks),
        decisions=decisions,
        refunds=await DB.fetch(SQL["refunds"], warehouse_id, rma_id),
        messages=messages,
        files=await files_queries.attachments(viewer, warehouse_id, subjects, ids),
    )


def _looks_of(units: Sequence[Row], looks: Sequence[Row]) -> dict[uuid.UUID, list[Row]]:
    """The looks at each unit, the latest first; a part that was split off shares those from before."""
    by_id = {look["id"]: look for look in looks}
    found: dict[uuid.UUID, list[Row]] = {}
    for unit in units:
        chain: list[Row] = []
        look = by_id.get(unit["inspection_id"])
        while look is not None:
            chain.append(look)
            look = by_id.get(look["previous_id"])
        found[unit["id"]] = chain
    return found


# ----------------------------------------------------------------------------------------- records of what is destroyed

RECORDS = Listing(
    source="destruction x",
    joins="join warehouse w on w.id = x.warehouse_id join organisation o on o.id = x.owner_id "
    "left join user_account u on u.id = x.user_id "
    "left join reversed_document r on r.warehouse_id = x.warehouse_id and r.document_id = x.document_id",
    fields={
        "id": "x.id",
        "number": "x.number",
        "kind": "x.kind",
        "method": "x.method",
        "witness": "x.witness",
        "place": "x.place",
        "destroyed_at": "x.destroyed_at",
        "warehouse": "w.code",
        "time_zone": "w.time_zone",
        "owner": "o.code",
        "recorded_by": "u.name",
        "undone": "r.reversal_id is not null",
    },
    key=(Key("x.recorded_at", "timestamptz"), Key("x.id", "uuid")),
    descending=True,
    json=("id", "number", "kind", "method", "witness", "place", "destroyed_at", "warehouse", "owner", "undone"),
    columns=(
        Column(N_("Number"), "x.number"),
        Column(N_("Kind"), "x.kind"),
        on_the_clock(N_("Destroyed at"), "x.destroyed_at"),
        Column(N_("Method"), "x.method", free_text=True),
        Column(N_("Witness"), "x.witness", free_text=True),
        Column(N_("Place"), "x.place", free_text=True),
        Column(N_("Warehouse"), "w.code"),
        Column(N_("Exporter"), "o.code"),
        Column(N_("Recorded by"), "u.name", free_text=True),
    ),
)
KINDS = ("SCRAP", "DONATE")
RECORD_FILTERS = ("number", "kind", "warehouse", "owner")


def record_clauses(viewer: Viewer, filters: Mapping[str, str]) -> list[Clause]:
    """The scope and the filters of the list of records: RECORD_FILTERS (codes)."""
    found: list[Clause] = []
    if viewer.kind is Kind.OPERATOR:
        found.append(where("x.warehouse_id = any(?::bigint[])", list(viewer.warehouse_ids)))
    elif not access_rules.sees_everything(viewer):
        found.append(where("x.owner_id = ?", viewer.organisation_id))
    if kind := filters.get("kind"):
        if kind not in KINDS:
            sentence = N_("“%(value)s” is not possible here. Choose one of the list.")
            raise Invalid([Fault("kind", kind, sentence, {"value": kind})])
        found.append(where("x.kind = ?", kind))
    if number := filters.get("number"):
        found.append(where("x.number = ?", values.code_of(number)))
    if code := filters.get("warehouse"):
        found.append(where("x.warehouse_id = (select id from warehouse where code = ?)", values.code_of(code)))
    if code := filters.get("owner"):
        found.append(where("x.owner_id = (select id from organisation where code = ?)", values.code_of(code)))
    return found


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A record of goods that were destroyed or given away, with its units and photos."""

    head: Row
    units: Sequence[Row]
    photos: Sequence[Row]


async def record(viewer: Viewer, record_id: uuid.UUID) -> Record:
    """One record, if the viewer may see it."""
    head: asyncpg.Record | None = await DB.row(SQL["destruction"], record_id)
    if head is None or not files_queries.sees(viewer, head["warehouse_id"], head["owner_id"]):
        raise NoSuchRecord
    warehouse_id = head["warehouse_id"]
    return Record(
        head=head,
        units=await DB.fetch(SQL["destroyed"], warehouse_id, head["document_id"], record_id),
        photos=await files_queries.attachments(viewer, warehouse_id, ["destruction"], [record_id]),
    )
