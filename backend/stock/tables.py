"""What the ledger keeps. Every key begins with the warehouse; the schema and its guards are in the migrations.

Written only by `ledger.py` (documents, movements, balances) and `actions.py` (lots, holds, reservations).
"""

from piccolo.columns import UUID, BigInt, Bytea, Date, Integer, SmallInt, Text, Timestamptz
from piccolo.table import Table

from backend.core.database import DB


class Lot(Table, tablename="lot", db=DB):
    """A batch of one item, with the export declaration it left the country under."""

    id = BigInt(primary_key=True, default=None)
    owner_id = BigInt(default=None)
    item_id = BigInt(default=None)
    code = Text(default=None)
    declaration_no = Text(null=True, default=None)
    declaration_line = Integer(null=True, default=None)
    supervision_code = Text(null=True, default=None)
    exported_on = Date(null=True, default=None)
    expires_on = Date(null=True, default=None)
    created_at = Timestamptz(default=None)


class Document(Table, tablename="document", db=DB):
    """One posting as it was asked for: who, why, when; its lines are movements."""

    warehouse_id = BigInt(default=None)
    document_id = UUID(primary_key=True, default=None)
    organisation_id = BigInt(default=None)
    request_key = Text(default=None)
    request_hash = Bytea(default=None)
    reason = SmallInt(default=None)
    actor_id = BigInt(default=None)
    channel = SmallInt(default=None)
    reference = Text(default=None)
    note = Text(default=None)
    occurred_at = Timestamptz(default=None)
    recorded_at = Timestamptz(default=None)
    reverses_id = UUID(null=True, default=None)


class Movement(Table, tablename="movement", db=DB):
    """Goods that went from one end to another."""

    warehouse_id = BigInt(default=None)
    document_id = UUID(primary_key=True, default=None)
    line_no = Integer(default=None)
    owner_id = BigInt(default=None)
    item_id = BigInt(default=None)
    lot_id = BigInt(default=None)
    source_id = BigInt(default=None)
    target_id = BigInt(default=None)
    condition = SmallInt(default=None)
    target_condition = SmallInt(default=None)
    quantity = BigInt(default=None)
    occurred_at = Timestamptz(default=None)


class Balance(Table, tablename="balance", db=DB):
    """What lies at a place, by owner, item, lot and condition; kept in the transaction of its movements."""

    warehouse_id = BigInt(default=None)
    owner_id = BigInt(default=None)
    item_id = BigInt(primary_key=True, default=None)
    lot_id = BigInt(default=None)
    location_id = BigInt(default=None)
    condition = SmallInt(default=None)
    on_hand = BigInt(default=None)
    held = BigInt(default=0)
    allocated = BigInt(default=0)
    delta = BigInt(default=None)


class Hold(Table, tablename="hold", db=DB):
    """Pieces that may not move until somebody releases them."""

    warehouse_id = BigInt(default=None)
    id = UUID(primary_key=True, default=None)
    owner_id = BigInt(default=None)
    item_id = BigInt(default=None)
    lot_id = BigInt(default=None)
    location_id = BigInt(default=None)
    condition = SmallInt(default=None)
    quantity = BigInt(default=None)
    reason = Text(default=None)
    note = Text(default=None)
    organisation_id = BigInt(default=None)
    placed_by = BigInt(default=None)
    placed_at = Timestamptz(default=None)
    request_key = Text(default=None)
    request_hash = Bytea(default=None)
    released_by = BigInt(null=True, default=None)
    released_at = Timestamptz(null=True, default=None)
    release_note = Text(null=True, default=None)


class Reservation(Table, tablename="reservation", db=DB):
    """Pieces promised to a source (an order, a job) until they are taken, given back or expired."""

    warehouse_id = BigInt(default=None)
    id = UUID(primary_key=True, default=None)
    owner_id = BigInt(default=None)
    item_id = BigInt(default=None)
    condition = SmallInt(default=None)
    quantity = BigInt(default=None)
    source = Text(default=None)
    organisation_id = BigInt(default=None)
    actor_id = BigInt(default=None)
    request_key = Text(default=None)
    request_hash = Bytea(default=None)
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)
    ended_at = Timestamptz(null=True, default=None)
    ended_as = Text(null=True, default=None)


class Allocation(Table, tablename="allocation", db=DB):
    """Where a reservation's pieces lie."""

    warehouse_id = BigInt(default=None)
    reservation_id = UUID(primary_key=True, default=None)
    owner_id = BigInt(default=None)
    item_id = BigInt(default=None)
    lot_id = BigInt(default=None)
    location_id = BigInt(default=None)
    condition = SmallInt(default=None)
    quantity = BigInt(default=None)


class LotOrigin(Table, tablename="lot_origin", db=DB):
    """What a lot was made of: `per` pieces of it hold `pieces` pieces of the input."""

    warehouse_id = BigInt(default=None)
    document_id = UUID(default=None)
    lot_id = BigInt(primary_key=True, default=None)
    owner_id = BigInt(default=None)
    input_item_id = BigInt(default=None)
    input_lot_id = BigInt(default=None)
    pieces = BigInt(default=None)
    per = BigInt(default=None)
