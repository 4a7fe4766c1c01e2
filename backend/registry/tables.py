"""What the registry keeps. The schema itself, with its constraints, is in the migrations."""

from piccolo.columns import JSONB, BigInt, Integer, Numeric, Text, Timestamptz
from piccolo.table import Table

from backend.core.database import DB


class Warehouse(Table, tablename="warehouse", db=DB):
    """A public, own-use or rented overseas warehouse."""

    id = BigInt(primary_key=True, default=None)
    code = Text(default=None)
    names = JSONB(default=None)
    operator_id = BigInt(default=None)
    country = Text(default=None)
    city = JSONB(default=None)
    address = Text(default=None)
    latitude = Numeric(default=None)
    longitude = Numeric(default=None)
    time_zone = Text(default=None)
    area_m2 = Numeric(default=None)
    capacity_m3 = Numeric(default=None)
    taxonomy = Text(default=None)
    status = Text(default=None)
    revision = Integer(default=1)
    created_at = Timestamptz(default=None)


class Location(Table, tablename="location", db=DB):
    """A place in a warehouse. The database keys it by (warehouse_id, id); id alone is unique too."""

    warehouse_id = BigInt(default=None)
    id = BigInt(primary_key=True, default=None)
    code = Text(default=None)
    kind = Text(default=None)
    parent_id = BigInt(null=True, default=None)
    created_at = Timestamptz(default=None)


class Item(Table, tablename="item", db=DB):
    """An exporter's item (SKU); the same code of another exporter is another item."""

    id = BigInt(primary_key=True, default=None)
    owner_id = BigInt(default=None)
    code = Text(default=None)
    names = JSONB(default=None)
    hs_code = Text(null=True, default=None)
    weight_kg = Numeric(null=True, default=None)
    length_cm = Numeric(null=True, default=None)
    width_cm = Numeric(null=True, default=None)
    height_cm = Numeric(null=True, default=None)
    revision = Integer(default=1)
    created_at = Timestamptz(default=None)


class Barcode(Table, tablename="barcode", db=DB):
    """A code printed on an item: a GTIN, or the owner's own."""

    id = BigInt(primary_key=True, default=None)
    owner_id = BigInt(default=None)
    item_id = BigInt(default=None)
    code = Text(default=None)
    kind = Text(default=None)
    created_at = Timestamptz(default=None)
