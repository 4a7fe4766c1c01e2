"""The papers of batches home: what their parties add, and the pictures of the units that go with them."""

import uuid
from collections.abc import Sequence

import asyncpg

from backend.access.rules import Viewer
from backend.core import journal
from backend.core.database import DB
from backend.core.errors import Fault, Invalid
from backend.core.text import N_
from backend.files import actions as files_actions
from backend.files import queries as files_queries
from backend.messages.rules import require_party
from backend.returns import batches


async def add(viewer: Viewer, batch_id: uuid.UUID, files: Sequence[str]) -> None:
    """Add papers to a batch, as its owner or its warehouse; `files` are hashes that the viewer's organisation has brought."""
    head = await batches.batch(viewer, batch_id)
    require_party(viewer, head["warehouse_id"], head["owner_id"])
    if not files:
        raise Invalid([Fault("files", "", N_("Choose at least one file."))])
    async with DB.transaction():
        await files_actions.attach(
            viewer,
            files,
            warehouse_id=head["warehouse_id"],
            owner_id=head["owner_id"],
            subject="batch",
            subject_id=batch_id,
            field="files",
        )
        await journal.write(
            viewer,
            "batch.papers_added",
            "batch",
            batch_id,
            after={"files": list(files)},
            warehouse_id=head["warehouse_id"],
        )


async def of_batch(viewer: Viewer, head: asyncpg.Record) -> list[asyncpg.Record]:
    """The papers that were added to a batch, oldest first."""
    return await files_queries.attachments(viewer, head["warehouse_id"], ["batch"], [head["id"]])


async def pictures(viewer: Viewer, head: asyncpg.Record, lines: Sequence[asyncpg.Record]) -> list[asyncpg.Record]:
    """The photos of the inspections of the units in a batch, oldest first."""
    ids = [row["inspection_id"] for row in lines if row["inspection_id"]]
    return await files_queries.attachments(viewer, head["warehouse_id"], ["inspection"], ids) if ids else []
