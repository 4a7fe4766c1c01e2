"""What may be asked about returns, always in the viewer's scope."""

import uuid
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import asyncpg

from backend.access import rules as access_rules
from backend.access.rules import Kind as Organisation
from backend.access.rules import Viewer
from backend.core import values
from backend.core.database import DB, blocks
from backend.core.errors import Fault, Invalid
from backend.core.listing import Clause, where
from backend.core.text import N_
from backend.files.queries import sees
from backend.returns import rules
from backend.returns.rules import Investigation, Kind, Stage

SQL = blocks(Path(__file__).with_name("queries.sql"))


async def rma(viewer: Viewer, rma_id: uuid.UUID) -> asyncpg.Record:
    """One return with its words and the sums of its lines, if the viewer may see it."""
    row = await DB.row(SQL["rma"], rma_id)
    if row is None or not sees(viewer, row["warehouse_id"], row["owner_id"]):
        raise rules.NoSuchReturn
    return row


async def rma_by_number(viewer: Viewer, number: str) -> asyncpg.Record:
    """The same by the number on its label."""
    rma_id = await DB.value(SQL["rma_by_number"], values.code_of(number))
    if rma_id is None:
        raise rules.NoSuchReturn
    return await rma(viewer, rma_id)


async def lines(head: asyncpg.Record) -> list[asyncpg.Record]:
    """The lines of a return that `rma` has found, with their words."""
    return await DB.fetch(SQL["lines"], head["warehouse_id"], head["id"])


async def parcels(head: asyncpg.Record) -> list[asyncpg.Record]:
    """The parcels of a return that `rma` has found."""
    return await DB.fetch(SQL["parcels"], head["warehouse_id"], head["id"])


FILTERS = ("stage", "kind", "warehouse", "owner", "reason", "investigation", "search")


_DOUBTFUL = "exists (select from rma_line l where l.warehouse_id = r.warehouse_id and l.rma_id = r.id and l.investigation = 'open')"


def scope(viewer: Viewer) -> list[Clause]:
    """The condition that keeps a list of returns within what `viewer` may see; for the alias r."""
    if access_rules.sees_everything(viewer):
        return []
    if viewer.kind is Organisation.OPERATOR:
        if len(viewer.warehouse_ids) == 1:
            return [where("r.warehouse_id = ?", viewer.warehouse_ids[0])]
        return [where("r.warehouse_id = any(?::bigint[])", list(viewer.warehouse_ids))]
    return [where("r.owner_id = ?", viewer.organisation_id)]


async def clauses(viewer: Viewer, filters: Mapping[str, str]) -> list[Clause]:
    """The scope and the filters of the list of returns: stage (or ``open``), kind, reason, warehouse and owner (codes),
    investigation (``open``), and search: a number, tracking number, reference, order or serial number.
    """
    found = scope(viewer)
    faults: list[Fault] = []
    if filters.get("stage") == "open":
        found.append(where("r.closed_at is null"))
    elif stage := _one_of("stage", filters, Stage, faults):
        found.append(where("r.stage = ?", stage))
    if kind := _one_of("kind", filters, Kind, faults):
        found.append(where("r.kind = ?", kind))
    if _one_of("investigation", filters, Investigation, faults) == Investigation.OPEN:
        found.append(where(_DOUBTFUL))
    if reason := filters.get("reason"):
        found.append(where("r.reason = ?", reason))
    for name, table, column in (("warehouse", "warehouse", "warehouse_id"), ("owner", "organisation", "owner_id")):
        if code := filters.get(name):
            row_id = await DB.value(f"select id from {table} where code = $1", values.code_of(code))
            found.append(where(f"r.{column} = ?", row_id or 0))
    if search := filters.get("search"):
        owner_id = viewer.organisation_id if viewer.kind is Organisation.EXPORTER else None
        places = list(viewer.warehouse_ids) if viewer.kind is Organisation.OPERATOR else None
        rows = await DB.fetch(SQL["named"], values.code_of(search), values.findable(search), owner_id, places)
        ids = [row["id"] for row in rows]
        found.append(where("r.id = any(?::uuid[])", ids))
    if faults:
        raise Invalid(faults)
    return found


def _one_of(name: str, filters: Mapping[str, str], kind: type[StrEnum], faults: list[Fault]) -> str:
    value = filters.get(name, "")
    if value and value not in list(kind):
        sentence = N_("“%(value)s” is not possible here. Choose one of the list.")
        faults.append(Fault(name, value, sentence, {"value": value}))
    return value
