"""What may be asked about threads and notifications, always in the viewer's scope."""

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncpg

from backend.access import rules as access_rules
from backend.access.rules import Viewer
from backend.core import text
from backend.core.database import DB, blocks
from backend.core.errors import NotFound
from backend.core.listing import Clause, Key, Listing, where

SQL = blocks(Path(__file__).with_name("queries.sql"))
MOST_MESSAGES = 200

NOTIFICATIONS = Listing(
    source="notification n left join notification_read r on r.organisation_id = n.organisation_id "
    "and r.notification_id = n.id and r.user_id = {user}",
    fields={
        "id": "n.id",
        "level": "n.level",
        "sentence": "n.sentence",
        "facts": "n.facts",
        "href": "n.href",
        "created_at": "n.created_at",
        "unread": "r.read_at is null",
    },
    key=(Key("n.id", "uuid"),),
    descending=True,
)


def notifications(viewer: Viewer) -> Listing:
    """The notifications of the viewer's organisation, latest first, each with whether this person has read it."""
    source = NOTIFICATIONS.source.replace("{user}", f"{viewer.user_id:d}")
    return Listing(source=source, fields=NOTIFICATIONS.fields, key=NOTIFICATIONS.key, descending=True)


def notification_clauses(viewer: Viewer, filters: Mapping[str, str]) -> list[Clause]:
    """The viewer's own organisation's; filter state (unread) and level."""
    clauses = [where("n.organisation_id = ?", viewer.organisation_id)]
    if filters.get("state") == "unread":
        clauses.append(where("r.read_at is null"))
    if level := filters.get("level"):
        clauses.append(where("n.level = ?", level))
    return clauses


def said(row: Mapping[str, Any]) -> str:
    """A notification in the language of the moment."""
    facts = {
        name: text.Word(value["word"]) if isinstance(value, dict) else value for name, value in row["facts"].items()
    }
    return text.say(row["sentence"], facts)


async def notification(viewer: Viewer, notification_id: uuid.UUID) -> asyncpg.Record:
    """One notification of the viewer's organisation."""
    row = await DB.row(SQL["notification"], viewer.organisation_id, notification_id)
    if row is None:
        raise NotFound
    return row


async def unread_notifications(viewer: Viewer) -> int:
    """How many notifications this person has not read; counted up to 100."""
    found: int = await DB.value(SQL["unread_notifications"], viewer.organisation_id, viewer.user_id)
    return found


async def thread(
    viewer: Viewer, warehouse_id: int, owner_id: int, subject: str, subject_id: uuid.UUID
) -> list[asyncpg.Record]:
    """The last messages of a document, oldest first; nothing for those who may not see the goods."""
    if not (
        access_rules.sees_everything(viewer)
        or access_rules.runs_warehouse(viewer, warehouse_id)
        or access_rules.owns(viewer, owner_id)
    ):
        return []
    return await DB.fetch(SQL["thread"], warehouse_id, subject, subject_id, MOST_MESSAGES, viewer.user_id)


async def unread_of(
    viewer: Viewer, subject: str, subject_ids: Sequence[uuid.UUID], warehouse_ids: Sequence[int]
) -> dict[uuid.UUID, int]:
    """How many messages of each document (already found in the viewer's scope) this person has not read."""
    rows = await DB.fetch(SQL["unread_of"], subject, list(subject_ids), viewer.user_id, list(set(warehouse_ids)))
    return {row["subject_id"]: row["unread"] for row in rows}
