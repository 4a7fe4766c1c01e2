"""What trade keeps. The schema itself, with its constraints, is in the migrations."""

from piccolo.columns import JSONB, UUID, Array, BigInt, Boolean, Bytea, Integer, Text, Timestamptz
from piccolo.table import Table

from backend.core.database import DB


class Run(Table, tablename="trade_run", db=DB):
    """One reading of one file, and what became of its rows. The database keys it by (warehouse_id, id)."""

    warehouse_id = BigInt(default=None)
    id = UUID(primary_key=True, default=None)
    owner_id = BigInt(default=None)
    organisation_id = BigInt(default=None)
    actor_id = BigInt(default=None)
    channel = Text(default=None)
    mapping = Text(default=None)
    file_name = Text(default=None)
    file_hash = Bytea(null=True, default=None)
    stored_file = Text(null=True, default=None)
    open_missing = Boolean(default=None)
    create_missing = Boolean(default=None)
    state = Text(default=None)
    bytes_read = BigInt(default=0)
    bytes_all = BigInt(default=0)
    header = Array(base_column=Text(), default=[])
    rows = BigInt(default=0)
    to_post = BigInt(default=0)
    posted = BigInt(default=0)
    already = BigInt(default=0)
    rejected = BigInt(default=0)
    reasons = JSONB(default={})
    opened = BigInt(default=0)
    opened_items = BigInt(default=0)
    new_items = BigInt(default=0)
    spellings = BigInt(default=0)
    refusal = JSONB(null=True, default=None)
    created_at = Timestamptz(default=None)
    started_at = Timestamptz(null=True, default=None)
    finished_at = Timestamptz(null=True, default=None)


class BookedRow(Table, tablename="trade_row", db=DB):
    """Which row of a file became which movement."""

    warehouse_id = BigInt(default=None)
    row_key = UUID(primary_key=True, default=None)
    copy = Integer(default=None)
    run_id = UUID(default=None)
    line_no = Integer(default=None)
    document_id = UUID(default=None)
    movement_line = Integer(default=None)


class RejectedRow(Table, tablename="trade_reject", db=DB):
    """A row that was not booked, as it stood in the file."""

    warehouse_id = BigInt(default=None)
    run_id = UUID(primary_key=True, default=None)
    line_no = Integer(default=None)
    column_name = Text(default=None)
    value = Text(default=None)
    reason = Text(default=None)
    cells = Array(base_column=Text(), default=None)
    row_key = UUID(null=True, default=None)
    copy = Integer(null=True, default=None)


class Correction(Table, tablename="trade_correction", db=DB):
    """Which key a rejected row got with its correction."""

    warehouse_id = BigInt(default=None)
    run_id = UUID(primary_key=True, default=None)
    line_no = Integer(default=None)
    row_key = UUID(default=None)
    copy = Integer(default=None)
