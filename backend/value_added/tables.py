"""What is kept of services; the schema and its guards are in m0009_value_added.sql."""

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


class ServiceOffer(Table, tablename="service_offer", db=DB):
    """One version of an offer; the highest counts."""

    warehouse_id = BigInt(default=None)
    id = UUID(primary_key=True, default=None)
    offer_id = UUID(default=None)
    version = Integer(default=None)
    kind = Text(default=None)
    names = JSONB(default=None)
    descriptions = JSONB(default=None)
    price = Numeric(null=True, default=None)
    currency = Text(null=True, default=None)
    unit = Text(default=None)
    lead_days = Integer(default=None)
    documents = Array(base_column=Text(), default=None)
    active = Boolean(default=None)
    organisation_id = BigInt(default=None)
    user_id = BigInt(default=None)
    created_at = Timestamptz(default=None)


class ServiceJob(Table, tablename="service_job", db=DB):
    """A service that an owner asked for, with its last quote and its result."""

    warehouse_id = BigInt(default=None)
    id = UUID(primary_key=True, default=None)
    number = Text(default=None)
    kind = Text(default=None)
    service_offer_id = UUID(null=True, default=None)
    owner_id = BigInt(default=None)
    stage = Text(default=None)
    process = Text(null=True, default=None)
    wish = Text(default=None)
    quantity = Numeric(default=None)
    unit = Text(default=None)
    wanted_on = Date(null=True, default=None)
    return_unit_id = UUID(null=True, default=None)
    quote_price = Numeric(null=True, default=None)
    quote_currency = Text(null=True, default=None)
    quote_quantity = Numeric(null=True, default=None)
    quote_amount = Numeric(null=True, default=None)
    quote_note = Text(null=True, default=None)
    quoted_by = BigInt(null=True, default=None)
    quoted_at = Timestamptz(null=True, default=None)
    quote_expires_at = Timestamptz(null=True, default=None)
    answer = Text(null=True, default=None)
    answered_by = BigInt(null=True, default=None)
    answered_at = Timestamptz(null=True, default=None)
    partner = Text(null=True, default=None)
    partner_reference = Text(null=True, default=None)
    partner_status = Text(null=True, default=None)
    result_turn = Integer(default=0)
    result_quantity = Numeric(null=True, default=None)
    outcome = Text(null=True, default=None)
    settlement = Text(null=True, default=None)
    ending = Text(null=True, default=None)
    organisation_id = BigInt(default=None)
    user_id = BigInt(default=None)
    channel = Text(default=None)
    request_key = Text(default=None)
    request_hash = Bytea(default=None)
    revision = Integer(default=1)
    requested_at = Timestamptz(default=None)
    closed_at = Timestamptz(null=True, default=None)


class RecipeLine(Table, tablename="recipe_line", db=DB):
    """What one run of a job's recipe takes in or gives out."""

    warehouse_id = BigInt(default=None)
    job_id = UUID(primary_key=True, default=None)
    line_no = Integer(default=None)
    side = Text(default=None)
    owner_id = BigInt(default=None)
    item_id = BigInt(default=None)
    lot_id = BigInt(null=True, default=None)
    condition = SmallInt(default=None)
    quantity = BigInt(default=None)


class JobStep(Table, tablename="job_step", db=DB):
    """What was done and said on the way."""

    warehouse_id = BigInt(default=None)
    id = UUID(primary_key=True, default=None)
    job_id = UUID(default=None)
    kind = Text(default=None)
    note = Text(default=None)
    partner = Text(null=True, default=None)
    partner_reference = Text(null=True, default=None)
    partner_status = Text(null=True, default=None)
    outcome = Text(null=True, default=None)
    quantity = Numeric(null=True, default=None)
    runs = BigInt(null=True, default=None)
    document_id = UUID(null=True, default=None)
    organisation_id = BigInt(default=None)
    user_id = BigInt(default=None)
    happened_at = Timestamptz(default=None)
    recorded_at = Timestamptz(default=None)
    request_key = Text(default=None)
    request_hash = Bytea(default=None)


class JobDocument(Table, tablename="job_document", db=DB):
    """A document of a job; its file is an attachment."""

    warehouse_id = BigInt(default=None)
    id = UUID(primary_key=True, default=None)
    job_id = UUID(default=None)
    kind = Text(default=None)
    organisation_id = BigInt(default=None)
    user_id = BigInt(default=None)
    created_at = Timestamptz(default=None)


class Pledge(Table, tablename="pledge", db=DB):
    """Goods that secure a loan, until the pledgee sets them free."""

    warehouse_id = BigInt(default=None)
    id = UUID(primary_key=True, default=None)
    number = Text(default=None)
    owner_id = BigInt(default=None)
    job_id = UUID(null=True, default=None)
    pledgee = Text(default=None)
    contact = Text(default=None)
    reference = Text(default=None)
    state = Text(default=None)
    link_hash = Bytea(default=None)
    offered_by = BigInt(default=None)
    offered_at = Timestamptz(default=None)
    agreed_name = Text(null=True, default=None)
    agreed_at = Timestamptz(null=True, default=None)
    code_hash = Bytea(null=True, default=None)
    wrong_codes = Integer(default=0)
    closed_until = Timestamptz(null=True, default=None)
    released_with = Bytea(null=True, default=None)
    ended_by = BigInt(null=True, default=None)
    ended_at = Timestamptz(null=True, default=None)
    ended_note = Text(null=True, default=None)
    request_key = Text(default=None)
    request_hash = Bytea(default=None)


class PledgeLine(Table, tablename="pledge_line", db=DB):
    """A hold of a pledge."""

    warehouse_id = BigInt(default=None)
    pledge_id = UUID(default=None)
    hold_id = UUID(primary_key=True, default=None)


class InventoryStatement(Table, tablename="inventory_statement", db=DB):
    """What lay in a warehouse at an instant, word for word as it was certified."""

    warehouse_id = BigInt(default=None)
    id = UUID(primary_key=True, default=None)
    number = Text(default=None)
    owner_id = BigInt(default=None)
    as_at = Timestamptz(default=None)
    purpose = Text(default=None)
    content = Text(default=None)
    hash = Bytea(default=None)
    organisation_id = BigInt(default=None)
    user_id = BigInt(default=None)
    made_at = Timestamptz(default=None)
    request_key = Text(default=None)
    request_hash = Bytea(default=None)
