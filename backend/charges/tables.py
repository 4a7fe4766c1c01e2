"""What is kept of prices and charges; both are added to, never changed."""

from piccolo.columns import UUID, BigInt, Date, Integer, Numeric, Text, Timestamptz
from piccolo.table import Table

from backend.core.database import DB


class Price(Table, tablename="price", db=DB):
    """What a warehouse asks for an activity from a day on, of everybody or of one owner."""

    warehouse_id = BigInt(default=None)
    id = UUID(primary_key=True, default=None)
    owner_id = BigInt(null=True, default=None)
    activity = Text(default=None)
    amount = Numeric(default=None)
    currency = Text(default=None)
    valid_from = Date(default=None)
    organisation_id = BigInt(default=None)
    user_id = BigInt(default=None)
    created_at = Timestamptz(default=None)


class Charge(Table, tablename="charge", db=DB):
    """One performed step with its price, and the row it comes from."""

    warehouse_id = BigInt(default=None)
    id = UUID(primary_key=True, default=None)
    owner_id = BigInt(default=None)
    activity = Text(default=None)
    quantity = Numeric(default=None)
    unit = Text(default=None)
    price_id = UUID(null=True, default=None)
    price = Numeric(null=True, default=None)
    currency = Text(null=True, default=None)
    amount = Numeric(null=True, default=None)
    source = Text(default=None)
    source_id = UUID(default=None)
    source_line = Integer(default=0)
    number = Text(default=None)
    occurred_at = Timestamptz(default=None)
    recorded_at = Timestamptz(default=None)
