"""What happens to stages: documents enter and leave them, and whoever's turn it is hears when time is over."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from backend.core import clock, values
from backend.core.database import DB, blocks
from backend.core.text import N_
from backend.messages import actions as messages
from backend.stages import rules
from backend.stages.rules import Subject, Turn

SQL = blocks(Path(__file__).with_name("actions.sql"))
MOST_AT_ONCE = 500
_OVERDUE = N_("%(subject)s %(number)s is overdue: %(stage)s.")


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A document that enters `stage`; `due_at` where it brings its own date, else stages.toml says how long it may last.

    `reason` and `supervision_code` are carried on from the stage before when they are left empty.
    """

    subject: Subject
    subject_id: uuid.UUID
    warehouse_id: int
    owner_id: int
    number: str
    stage: str
    at: datetime
    due_at: datetime | None = None
    reason: str = ""
    supervision_code: str = ""


async def enter(*entries: Entry) -> None:
    """Let documents enter their stages, inside the caller's transaction; one statement for all of them."""
    if not entries:
        return
    rows = [
        (
            each.warehouse_id,
            values.new_id(),
            each.owner_id,
            each.subject,
            each.subject_id,
            each.number,
            each.stage,
            rules.limit(each.subject, each.stage).turn,
            each.reason,
            each.supervision_code,
            each.at,
            each.due_at or rules.due_at(each.subject, each.stage, each.at),
        )
        for each in entries
    ]
    await DB.write(SQL["enter"], *(list(column) for column in zip(*rows, strict=True)))


async def leave(subject: Subject, warehouse_id: int, subject_ids: Sequence[uuid.UUID], at: datetime) -> None:
    """The documents are done: they are in no stage any more."""
    await DB.write(SQL["leave"], warehouse_id, subject, list(subject_ids), at)


async def put_off(subject: Subject, warehouse_id: int, subject_id: uuid.UUID, due_at: datetime | None) -> None:
    """The stage in which a document is has another end, inside the caller's transaction; whoever's turn it is may be told anew."""
    await DB.run(SQL["put_off"], warehouse_id, subject, subject_id, due_at)


async def warn_of_overdue() -> int:
    """Tell whoever's turn it is of every stage that has become overdue, once each; how many there were."""
    told = 0
    while True:
        async with DB.transaction():
            rows = await DB.fetch(SQL["newly_overdue"], clock.now(), MOST_AT_ONCE)
            await messages.notify_all(
                [
                    messages.News(
                        organisation_id=row["owner_id"] if row["turn"] == Turn.OWNER else row["operator_id"],
                        level="bad",
                        sentence=_OVERDUE,
                        facts={
                            "subject": messages.word(rules.SUBJECT_NAMES[Subject(row["subject"])]),
                            "number": row["number"],
                            "stage": messages.word(rules.STAGE_NAMES[Subject(row["subject"]), row["stage"]]),
                        },
                        href=messages.path_of(row["subject"], row["subject_id"]),
                    )
                    for row in rows
                ]
            )
        told += len(rows)
        if len(rows) < MOST_AT_ONCE:
            return told
