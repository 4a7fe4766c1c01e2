"""The journal: who did what, when, through which channel, before and after. Added to, never changed.

A stock posting is its own journal entry (the document); everything else that changes something writes one here, in the
same transaction.
"""

from typing import Any

import msgspec
from piccolo.columns import JSONB, UUID, BigInt, Text, Timestamptz
from piccolo.table import Table

from backend.core import values
from backend.core.database import DB


class Journal(Table, tablename="journal", db=DB):
    """One act. `subject` is the kind of thing, `subject_id` its id; `before` and `after` hold what changed."""

    id = UUID(primary_key=True, default=None)
    at = Timestamptz(default=None)
    actor_id = BigInt(null=True, default=None)
    organisation_id = BigInt(null=True, default=None)
    channel = Text(default=None)
    action = Text(default=None)
    subject = Text(default=None)
    subject_id = Text(default=None)
    warehouse_id = BigInt(null=True, default=None)
    before = JSONB(null=True, default=None)
    after = JSONB(null=True, default=None)


_WRITE = """with journalled as (
  insert into journal (id, actor_id, organisation_id, channel, action, subject, subject_id, warehouse_id, before, after)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
)
select"""


async def write(
    actor: Any,
    action: str,
    subject: str,
    subject_id: object,
    *,
    before: object = None,
    after: object = None,
    warehouse_id: int | None = None,
) -> None:
    """Record that `actor` (a Viewer) did `action`; call it inside the action's transaction."""
    await DB.write(
        _WRITE,
        values.new_id(),
        actor.user_id,
        actor.organisation_id,
        actor.channel,
        action,
        subject,
        str(subject_id),
        warehouse_id,
        None if before is None else msgspec.to_builtins(before, str_keys=True),
        None if after is None else msgspec.to_builtins(after, str_keys=True),
    )
