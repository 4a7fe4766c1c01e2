"""What is kept of the daily reconciliation. The schema itself is in the migrations."""

from piccolo.columns import UUID, BigInt, Date, Integer, SmallInt, Text, Timestamptz
from piccolo.table import Table

from backend.core.database import DB


class Reconciliation(Table, tablename="reconciliation", db=DB):
    """One pairing of a warehouse's day."""

    warehouse_id = BigInt(default=None)
    id = UUID(primary_key=True, default=None)
    day = Date(default=None)
    effects = BigInt(default=None)
    documents = BigInt(default=None)
    orphans = BigInt(default=None)
    made_at = Timestamptz(default=None)


class Orphan(Table, tablename="orphan", db=DB):
    """A row without its document, a document without its row, or two that say different things."""

    warehouse_id = BigInt(default=None)
    reconciliation_id = UUID(primary_key=True, default=None)
    line_no = Integer(default=None)
    wrong = Text(default=None)
    effect = Text(default=None)
    subject = Text(default=None)
    subject_id = UUID(default=None)
    number = Text(default=None)
    owner_id = BigInt(default=None)
    item_id = BigInt(null=True, default=None)
    document_id = UUID(null=True, default=None)
    reason = SmallInt(null=True, default=None)
    expected = BigInt(null=True, default=None)
    found = BigInt(null=True, default=None)
