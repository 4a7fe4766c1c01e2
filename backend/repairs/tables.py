"""What is kept of repairs. Every key begins with the warehouse; the schema and its guards are in the migrations."""

from piccolo.columns import (
    JSONB,
    UUID,
    Array,
    BigInt,
    Boolean,
    Bytea,
    Date,
    Integer,
    Numeric,
    SmallInt,
    Text,
    Timestamptz,
)
from piccolo.table import Table

from backend.core.database import DB


class Warranty(Table, tablename="warranty", db=DB):
    """From which day the warranty of a serial runs; kept once."""

    owner_id = BigInt(default=None)
    item_id = BigInt(default=None)
    serial = Text(primary_key=True, default=None)
    runs_from = Date(default=None)
    months = Integer(default=None)
    ends_on = Date(default=None)
    source = Text(default=None)
    organisation_id = BigInt(default=None)
    user_id = BigInt(default=None)
    kept_at = Timestamptz(default=None)


class WorkOrder(Table, tablename="work_order", db=DB):
    """The repair of one exact unit."""

    warehouse_id = BigInt(default=None)
    id = UUID(primary_key=True, default=None)
    number = Text(default=None)
    owner_id = BigInt(default=None)
    item_id = BigInt(default=None)
    lot_id = BigInt(default=None)
    serial = Text(null=True, default=None)
    origin = Text(default=None)
    return_unit_id = UUID(null=True, default=None)
    unit_code = Text(null=True, default=None)
    reference = Text(default="")
    item_class = Text(default=None)
    fault = Text(default=None)
    warranty_from = Date(null=True, default=None)
    warranty_months = Integer(null=True, default=None)
    warranty_until = Date(null=True, default=None)
    warranty_source = Text(default=None)
    stage = Text(default=None)
    location_id = BigInt(default=None)
    condition = SmallInt(default=None)
    from_location_id = BigInt(default=None)
    from_condition = SmallInt(default=None)
    technician_id = BigInt(null=True, default=None)
    fault_codes = Array(base_column=Text(), default=list)
    covered = Boolean(null=True, default=None)
    organisation_id = BigInt(default=None)
    user_id = BigInt(default=None)
    channel = Text(default=None)
    opened_at = Timestamptz(default=None)
    taken_in_at = Timestamptz(null=True, default=None)
    ended_at = Timestamptz(null=True, default=None)
    ended_note = Text(default="")
    take_in_document_id = UUID(null=True, default=None)
    end_document_id = UUID(null=True, default=None)
    revision = Integer(default=1)


class RepairRequest(Table, tablename="repair_request", db=DB):
    """What a request key was used for."""

    warehouse_id = BigInt(default=None)
    organisation_id = BigInt(default=None)
    request_key = Text(primary_key=True, default=None)
    request_hash = Bytea(default=None)
    order_id = UUID(default=None)
    deed = Text(default=None)
    result_id = UUID(default=None)
    at = Timestamptz(default=None)


class Diagnosis(Table, tablename="repair_diagnosis", db=DB):
    """What a technician found."""

    warehouse_id = BigInt(default=None)
    id = UUID(primary_key=True, default=None)
    order_id = UUID(default=None)
    turn = Integer(default=None)
    item_class = Text(default=None)
    edition = Text(default=None)
    codes = Array(base_column=Text(), default=list)
    repairable = Boolean(default=None)
    covered = Boolean(default=None)
    note = Text(default="")
    user_id = BigInt(default=None)
    diagnosed_at = Timestamptz(default=None)


class Quote(Table, tablename="repair_quote", db=DB):
    """What a repair will cost its owner."""

    warehouse_id = BigInt(default=None)
    id = UUID(primary_key=True, default=None)
    order_id = UUID(default=None)
    turn = Integer(default=None)
    state = Text(default=None)
    covered = Boolean(default=None)
    currency = Text(default=None)
    labour_minutes = Integer(default=None)
    labour_list_rate = Numeric(default=None)
    labour_rate = Numeric(default=None)
    labour_used = Integer(default=0)
    total = Numeric(default=None)
    note = Text(default="")
    user_id = BigInt(default=None)
    quoted_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)
    ended_at = Timestamptz(null=True, default=None)
    answered_by = BigInt(null=True, default=None)
    answer_note = Text(default="")


class QuoteLine(Table, tablename="repair_quote_line", db=DB):
    """A part of a quote."""

    warehouse_id = BigInt(default=None)
    quote_id = UUID(primary_key=True, default=None)
    line_no = Integer(default=None)
    owner_id = BigInt(default=None)
    item_id = BigInt(default=None)
    quantity = BigInt(default=None)
    list_price = Numeric(default=None)
    price = Numeric(default=None)
    used = BigInt(default=0)


class PartUse(Table, tablename="part_use", db=DB):
    """Parts that went into a unit or came out of it, with their movement."""

    warehouse_id = BigInt(default=None)
    id = UUID(primary_key=True, default=None)
    order_id = UUID(default=None)
    kind = Text(default=None)
    owner_id = BigInt(default=None)
    item_id = BigInt(default=None)
    lot_id = BigInt(default=None)
    location_id = BigInt(default=None)
    condition = SmallInt(default=None)
    quantity = BigInt(default=None)
    quote_id = UUID(null=True, default=None)
    line_no = Integer(null=True, default=None)
    price = Numeric(null=True, default=None)
    currency = Text(null=True, default=None)
    document_id = UUID(default=None)
    document_line = Integer(default=None)
    note = Text(default="")
    user_id = BigInt(default=None)
    used_at = Timestamptz(default=None)
    undone_by = BigInt(null=True, default=None)
    undone_at = Timestamptz(null=True, default=None)
    undone_note = Text(null=True, default=None)
    undo_document_id = UUID(null=True, default=None)


class Labour(Table, tablename="repair_labour", db=DB):
    """Time at the bench."""

    warehouse_id = BigInt(default=None)
    id = UUID(primary_key=True, default=None)
    order_id = UUID(default=None)
    minutes = Integer(default=None)
    quote_id = UUID(null=True, default=None)
    rate = Numeric(null=True, default=None)
    currency = Text(null=True, default=None)
    note = Text(default="")
    user_id = BigInt(default=None)
    worked_at = Timestamptz(default=None)


class Test(Table, tablename="repair_test", db=DB):
    """A test of the repaired unit."""

    warehouse_id = BigInt(default=None)
    id = UUID(primary_key=True, default=None)
    order_id = UUID(default=None)
    turn = Integer(default=None)
    item_class = Text(default=None)
    edition = Text(default=None)
    answers = JSONB(default="{}")
    passed = Boolean(default=None)
    note = Text(default="")
    user_id = BigInt(default=None)
    tested_at = Timestamptz(default=None)


class WarrantyTerms(Table, tablename="warranty_terms", db=DB):
    """How many months an owner warrants an item, or all its items, from a sale on."""

    owner_id = BigInt(default=None)
    id = UUID(primary_key=True, default=None)
    item_id = BigInt(null=True, default=None)
    months = Integer(default=None)
    user_id = BigInt(default=None)
    agreed_at = Timestamptz(default=None)
