"""What may be asked about files, always in the viewer's scope."""

import uuid
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import msgspec

from backend.access import rules as access_rules
from backend.access.rules import Viewer
from backend.core.database import DB, blocks
from backend.files import rules
from backend.files.store import store

SQL = blocks(Path(__file__).with_name("queries.sql"))


class Content(msgspec.Struct, frozen=True):
    """A file with what it holds."""

    name: str
    media_type: str
    data: bytes


def sees(viewer: Viewer, warehouse_id: int, owner_id: int) -> bool:
    """Whether papers about goods of this owner in this warehouse are the viewer's to see."""
    return (
        access_rules.sees_everything(viewer)
        or access_rules.runs_warehouse(viewer, warehouse_id)
        or access_rules.owns(viewer, owner_id)
    )


async def attachments(
    viewer: Viewer, warehouse_id: int, subjects: Sequence[str], ids: Sequence[uuid.UUID]
) -> list[asyncpg.Record]:
    """What is attached to these subjects, oldest first; only what the viewer may see."""
    rows = await DB.fetch(SQL["attachments"], warehouse_id, list(subjects), list(ids))
    return [row for row in rows if sees(viewer, warehouse_id, row["owner_id"])]


async def content(viewer: Viewer, attachment_id: uuid.UUID) -> Content:
    """An attached file with its content, if the viewer sees the goods that it is evidence for."""
    row = await DB.row(SQL["attachment"], attachment_id)
    if row is None or not sees(viewer, row["warehouse_id"], row["owner_id"]):
        raise rules.NoSuchFile
    try:
        data = await store.read(row["hash"])
    except FileNotFoundError as error:
        raise rules.NoSuchFile from error
    return Content(row["name"], row["media_type"], data)


async def photos_among(viewer: Viewer, hashes: Sequence[str]) -> list[str]:
    """Those of `hashes` (hex) that are photos brought by the viewer's organisation."""
    digests = []
    for each in hashes:
        try:
            digests.append(bytes.fromhex(each))
        except ValueError:
            continue
    rows = await DB.fetch(SQL["photos_among"], viewer.organisation_id, digests)
    return [row["hash"].hex() for row in rows]
