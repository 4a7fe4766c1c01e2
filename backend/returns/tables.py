"""What is kept of returns. The schema itself, with its constraints, is in the migrations."""

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


class ReturnDesk(Table, tablename="return_desk", db=DB):
    """What a warehouse takes back."""

    warehouse_id = BigInt(primary_key=True, default=None)
    active = Boolean(default=None)
    kinds = Array(base_column=Text(), default=None)
    capabilities = Array(base_column=Text(), default=None)
    countries = Array(base_column=Text(), default=None)
    daily_units = Integer(default=None)
    revision = Integer(default=None)
    changed_at = Timestamptz(default=None)


class ReturnTerms(Table, tablename="return_terms", db=DB):
    """What an owner has agreed for the case that it does not decide in time."""

    owner_id = BigInt(default=None)
    id = UUID(primary_key=True, default=None)
    decide_days = Integer(default=None)
    defaults = JSONB(default=None)
    user_id = BigInt(default=None)
    agreed_at = Timestamptz(default=None)


class Rma(Table, tablename="rma", db=DB):
    """A return merchandise authorisation."""

    warehouse_id = BigInt(default=None)
    id = UUID(primary_key=True, default=None)
    number = Text(default=None)
    owner_id = BigInt(default=None)
    kind = Text(default=None)
    reason = Text(default=None)
    stage = Text(default=None)
    reference = Text(default=None)
    note = Text(default=None)
    country = Text(null=True, default=None)
    city = Text(default=None)
    latitude = Numeric(null=True, default=None)
    longitude = Numeric(null=True, default=None)
    home_area = Text(null=True, default=None)
    proposal = JSONB(default=None)
    organisation_id = BigInt(default=None)
    user_id = BigInt(default=None)
    channel = Text(default=None)
    request_key = Text(default=None)
    request_hash = Bytea(default=None)
    revision = Integer(default=None)
    booked_at = Timestamptz(default=None)
    expected_on = Date(null=True, default=None)
    received_at = Timestamptz(null=True, default=None)
    closed_at = Timestamptz(null=True, default=None)


class RmaLine(Table, tablename="rma_line", db=DB):
    """What of one item comes back."""

    warehouse_id = BigInt(default=None)
    rma_id = UUID(primary_key=True, default=None)
    line_no = Integer(default=None)
    owner_id = BigInt(default=None)
    item_id = BigInt(default=None)
    lot_id = BigInt(default=None)
    quantity = BigInt(default=None)
    basis = Text(default=None)
    sale_warehouse_id = BigInt(null=True, default=None)
    sale_document_id = UUID(null=True, default=None)
    sale_line_no = Integer(null=True, default=None)
    location_id = BigInt(null=True, default=None)
    condition = SmallInt(null=True, default=None)
    serials = Array(base_column=Text(), default=None)
    note = Text(default=None)
    investigation = Text(null=True, default=None)
    investigation_note = Text(default=None)
    investigated_by = BigInt(null=True, default=None)
    investigated_at = Timestamptz(null=True, default=None)
    received = BigInt(default=None)
    graded = BigInt(default=None)
    disposed = BigInt(default=None)
    refunded = BigInt(default=None)
    missing = BigInt(default=None)
    surplus = Boolean(default=None)


class ReturnClaim(Table, tablename="return_claim", db=DB):
    """How many pieces of a shipped movement are claimed by returns."""

    warehouse_id = BigInt(default=None)
    document_id = UUID(primary_key=True, default=None)
    line_no = Integer(default=None)
    shipped = BigInt(default=None)
    claimed = BigInt(default=None)


class RmaParcel(Table, tablename="rma_parcel", db=DB):
    """An expected parcel."""

    warehouse_id = BigInt(default=None)
    rma_id = UUID(primary_key=True, default=None)
    parcel_no = Integer(default=None)
    tracking_no = Text(null=True, default=None)
    carrier = Text(default=None)
    arrived_at = Timestamptz(null=True, default=None)
    arrived_by = BigInt(null=True, default=None)
    unpacked_at = Timestamptz(null=True, default=None)


class BlindParcel(Table, tablename="blind_parcel", db=DB):
    """A parcel that nobody announced."""

    warehouse_id = BigInt(default=None)
    id = UUID(primary_key=True, default=None)
    number = Text(default=None)
    tracking_no = Text(default=None)
    carrier = Text(default=None)
    sender = Text(default=None)
    contents = Text(default=None)
    state = Text(default=None)
    user_id = BigInt(default=None)
    arrived_at = Timestamptz(default=None)
    due_at = Timestamptz(default=None)
    rma_id = UUID(null=True, default=None)
    parcel_no = Integer(null=True, default=None)
    settled_at = Timestamptz(null=True, default=None)
    settled_by = BigInt(null=True, default=None)
    settled_note = Text(null=True, default=None)
    request_key = Text(default=None)
    request_hash = Bytea(default=None)


class ReturnUnit(Table, tablename="return_unit", db=DB):
    """One unit that came back, or several that are treated alike."""

    warehouse_id = BigInt(default=None)
    id = UUID(primary_key=True, default=None)
    rma_id = UUID(default=None)
    line_no = Integer(default=None)
    unit_no = Integer(default=None)
    code = Text(default=None)
    owner_id = BigInt(default=None)
    item_id = BigInt(default=None)
    lot_id = BigInt(default=None)
    quantity = BigInt(default=None)
    serial = Text(null=True, default=None)
    state = Text(default=None)
    location_id = BigInt(default=None)
    condition = SmallInt(default=None)
    receipt_document_id = UUID(default=None)
    received_at = Timestamptz(default=None)
    received_by = BigInt(default=None)
    inspection_id = UUID(null=True, default=None)
    grade = Text(null=True, default=None)
    regrade = Text(default=None)
    regrade_note = Text(default=None)
    disposition_id = UUID(null=True, default=None)
    disposition = Text(null=True, default=None)
    altered = Boolean(default=None)


class Inspection(Table, tablename="inspection", db=DB):
    """A look at a unit, with its grade."""

    warehouse_id = BigInt(default=None)
    id = UUID(primary_key=True, default=None)
    unit_id = UUID(default=None)
    turn = Integer(default=None)
    previous_id = UUID(null=True, default=None)
    item_class = Text(default=None)
    edition = Text(default=None)
    answers = JSONB(default=None)
    grade = Text(default=None)
    note = Text(default=None)
    user_id = BigInt(default=None)
    graded_at = Timestamptz(default=None)
    document_id = UUID(null=True, default=None)
    request_key = Text(default=None)
    request_hash = Bytea(default=None)


class Disposition(Table, tablename="disposition", db=DB):
    """What was decided for a unit, and how it was carried out."""

    warehouse_id = BigInt(default=None)
    id = UUID(primary_key=True, default=None)
    unit_id = UUID(default=None)
    kind = Text(default=None)
    decided_as = Text(default=None)
    decided_by = BigInt(null=True, default=None)
    decided_at = Timestamptz(default=None)
    note = Text(default=None)
    request_key = Text(null=True, default=None)
    executed_by = BigInt(null=True, default=None)
    executed_at = Timestamptz(null=True, default=None)
    document_id = UUID(null=True, default=None)
    line_no = Integer(null=True, default=None)
    follow_up = Text(null=True, default=None)
    follow_up_id = UUID(null=True, default=None)
    revoked_by = BigInt(null=True, default=None)
    revoked_at = Timestamptz(null=True, default=None)
    revoked_note = Text(null=True, default=None)


class Refund(Table, tablename="refund", db=DB):
    """Money given back to a buyer."""

    warehouse_id = BigInt(default=None)
    id = UUID(primary_key=True, default=None)
    rma_id = UUID(default=None)
    line_no = Integer(default=None)
    quantity = BigInt(default=None)
    amount = Numeric(default=None)
    currency = Text(default=None)
    reference = Text(default=None)
    refunded_on = Date(default=None)
    user_id = BigInt(default=None)
    recorded_at = Timestamptz(default=None)
    reversed_at = Timestamptz(null=True, default=None)
    reversed_by = BigInt(null=True, default=None)
    reversed_note = Text(null=True, default=None)
    request_key = Text(default=None)
    request_hash = Bytea(default=None)


class HomeBatch(Table, tablename="home_batch", db=DB):
    """Goods that go home together."""

    warehouse_id = BigInt(default=None)
    id = UUID(primary_key=True, default=None)
    number = Text(default=None)
    owner_id = BigInt(default=None)
    stage = Text(default=None)
    home_area = Text(default=None)
    cause = Text(default=None)
    planned_on = Date(default=None)
    statement = Text(default=None)
    carrier = Text(default=None)
    transport_no = Text(default=None)
    return_declaration_no = Text(default=None)
    dispatch_document_id = UUID(null=True, default=None)
    arrival_document_id = UUID(null=True, default=None)
    organisation_id = BigInt(default=None)
    user_id = BigInt(default=None)
    created_at = Timestamptz(default=None)
    packed_at = Timestamptz(null=True, default=None)
    sent_at = Timestamptz(null=True, default=None)
    arrived_at = Timestamptz(null=True, default=None)
    revision = Integer(default=None)
    request_key = Text(default=None)
    request_hash = Bytea(default=None)
    changed_key = Text(default=None)
    changed_hash = Bytea(default=None)


class HomeLine(Table, tablename="home_line", db=DB):
    """Goods of a batch."""

    warehouse_id = BigInt(default=None)
    batch_id = UUID(primary_key=True, default=None)
    line_no = Integer(default=None)
    unit_id = UUID(null=True, default=None)
    owner_id = BigInt(default=None)
    item_id = BigInt(default=None)
    lot_id = BigInt(default=None)
    location_id = BigInt(default=None)
    condition = SmallInt(default=None)
    quantity = BigInt(default=None)
    eligibility = JSONB(default=None)
    taxed_agreed_by = BigInt(null=True, default=None)
    packed = BigInt(null=True, default=None)
    arrived = BigInt(default=None)
    live = Boolean(default=None)


class Destruction(Table, tablename="destruction", db=DB):
    """Proof that goods were destroyed or given away."""

    warehouse_id = BigInt(default=None)
    id = UUID(primary_key=True, default=None)
    number = Text(default=None)
    owner_id = BigInt(default=None)
    kind = Text(default=None)
    method = Text(default=None)
    witness = Text(default=None)
    place = Text(default=None)
    destroyed_at = Timestamptz(default=None)
    document_id = UUID(default=None)
    user_id = BigInt(default=None)
    recorded_at = Timestamptz(default=None)
