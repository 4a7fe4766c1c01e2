"""What may be asked about returns, always in the viewer's scope."""

import uuid
from pathlib import Path

import asyncpg

from backend.access.rules import Viewer
from backend.core import values
from backend.core.database import DB, blocks
from backend.files.queries import sees
from backend.returns import rules

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
