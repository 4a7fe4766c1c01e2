"""What is kept of stages: one row for each stay of a document in a stage."""

from piccolo.columns import UUID, BigInt, Text, Timestamptz
from piccolo.table import Table

from backend.core.database import DB


class Stage(Table, tablename="stage", db=DB):
    """A document in a stage, from `entered_at` to `left_at`; the open row is where it stands."""

    warehouse_id = BigInt(default=None)
    id = UUID(primary_key=True, default=None)
    owner_id = BigInt(default=None)
    subject = Text(default=None)
    subject_id = UUID(default=None)
    number = Text(default=None)
    stage = Text(default=None)
    turn = Text(default=None)
    reason = Text(default="")
    supervision_code = Text(default="")
    entered_at = Timestamptz(default=None)
    due_at = Timestamptz(null=True, default=None)
    left_at = Timestamptz(null=True, default=None)
    warned_at = Timestamptz(null=True, default=None)
