"""What may be asked of the registry, always in the asker's scope.

Everybody may read what is listed, also without signing in; drafts are their operator's and the committee's. Locations
are their operator's and the committee's; items their owner's, the committee's, and an operator's whose warehouse has
held them.
"""

from collections.abc import Mapping
from pathlib import Path

import asyncpg
import msgspec

from backend.access import rules as access_rules
from backend.access.rules import Kind, Right, Viewer
from backend.core import values
from backend.core.database import DB, blocks
from backend.core.errors import Fault, Invalid, NotFound
from backend.core.listing import Clause, Column, Key, Listing, in_each_language, in_one_language, where
from backend.core.text import N_
from backend.registry import ranges, rules, statements
from backend.registry.regions import REGIONS, Region
from backend.registry.rules import Item, LocationKind, Status, Taxonomy, Warehouse

SQL = blocks(Path(__file__).with_name("queries.sql"))
LARGEST_ID = 2**63 - 1

WAREHOUSES = Listing(
    source="warehouse w join organisation o on o.id = w.operator_id",
    fields={
        "code": "w.code",
        "names": "w.names",
        "operator": "o.code",
        "operator_names": "o.names",
        "country": "w.country",
        "city": "w.city",
        "address": "w.address",
        "latitude": "w.latitude",
        "longitude": "w.longitude",
        "time_zone": "w.time_zone",
        "area_m2": "w.area_m2",
        "capacity_m3": "w.capacity_m3",
        "taxonomy": "w.taxonomy",
        "status": "w.status",
    },
    key=(Key("w.code", "text"),),
    json=(
        *("code", "names", "operator", "country", "city", "address", "latitude", "longitude"),
        *("time_zone", "area_m2", "capacity_m3", "taxonomy", "status"),
    ),
    columns=(
        Column(N_("Code"), "w.code"),
        *in_each_language("w.names"),
        Column(N_("Operator"), "o.code"),
        Column(N_("Country or region"), "w.country"),
        in_one_language(N_("City"), "w.city"),
        Column(N_("Address"), "w.address", free_text=True),
        Column(N_("Latitude"), "w.latitude"),
        Column(N_("Longitude"), "w.longitude"),
        Column(N_("Time zone"), "w.time_zone"),
        Column(N_("Area in m²"), "w.area_m2"),
        Column(N_("Capacity in m³"), "w.capacity_m3"),
        Column(N_("Type"), "w.taxonomy"),
        Column(N_("Status"), "w.status"),
    ),
)

LOCATIONS = Listing(
    source="location l left join location p on p.warehouse_id = l.warehouse_id and p.id = l.parent_id",
    fields={"code": "l.code", "kind": "l.kind", "parent": "p.code"},
    key=(Key("l.warehouse_id"), Key("l.code", "text")),
    json=("code", "kind", "parent"),
    columns=(
        Column(N_("Code"), "l.code"),
        Column(N_("Kind"), "l.kind"),
        Column(N_("Lies in"), "p.code"),
    ),
)

_BARCODES = "(select {} from barcode b where b.item_id = i.id)"
ITEMS = Listing(
    source="item i join organisation o on o.id = i.owner_id",
    fields={
        "id": "i.id",
        "owner": "o.code",
        "owner_names": "o.names",
        "code": "i.code",
        "names": "i.names",
        "hs_code": "i.hs_code",
        "weight_kg": "i.weight_kg",
        "length_cm": "i.length_cm",
        "width_cm": "i.width_cm",
        "height_cm": "i.height_cm",
        "barcodes": _BARCODES.format("coalesce(json_agg(b.code order by b.id), '[]')"),
    },
    key=(Key("i.owner_id"), Key("i.code", "text")),
    json=(
        *("id", "owner", "code", "names", "hs_code", "weight_kg", "length_cm", "width_cm", "height_cm"),
        "barcodes",
    ),
    columns=(
        Column(N_("Owner"), "o.code"),
        Column(N_("Code"), "i.code"),
        *in_each_language("i.names"),
        Column(N_("HS code"), "i.hs_code"),
        Column(N_("Weight in kg"), "i.weight_kg"),
        Column(N_("Length in cm"), "i.length_cm"),
        Column(N_("Width in cm"), "i.width_cm"),
        Column(N_("Height in cm"), "i.height_cm"),
        Column(N_("Barcodes"), _BARCODES.format("string_agg(b.code, ' ' order by b.id)"), free_text=True),
    ),
)


class Organisation(msgspec.Struct, frozen=True):
    """An operator, exporter or the committee, as others may know it."""

    id: int
    code: str
    kind: Kind
    names: dict[str, str]
    active: bool


class PlannedLocations(msgspec.Struct, frozen=True, kw_only=True):
    """What a pattern would make: `codes` in order, of which `existing` are there already and would be skipped."""

    warehouse: Warehouse
    kind: LocationKind
    parent_id: int | None
    codes: list[str]
    existing: int


# ------------------------------------------------------------------------------------------------------- warehouses


def directory_clauses(filters: Mapping[str, str]) -> list[Clause]:
    """The public directory: what is listed; filters as in `warehouse_clauses`, without the status."""
    return [where("w.status = 'listed'"), *_warehouse_filters({**filters, "status": ""})]


def warehouse_clauses(viewer: Viewer, filters: Mapping[str, str]) -> list[Clause]:
    """The viewer's scope (an operator's own, the committee's all, else all but drafts) and the filters q, country,
    region, taxonomy, status, operator.
    """
    scope: list[Clause] = []
    if viewer.kind is Kind.OPERATOR:
        scope.append(where("w.operator_id = ?", viewer.organisation_id))
    elif not access_rules.sees_everything(viewer):
        scope.append(where("w.status <> 'draft'"))
    return scope + _warehouse_filters(filters)


def _warehouse_filters(filters: Mapping[str, str]) -> list[Clause]:
    faults: list[Fault] = []
    clauses: list[Clause] = []
    if text := filters.get("q"):
        like = f"%{_plain(text)}%"
        clauses.append(
            where(
                "(w.code like ? or concat_ws(' ', w.names->>'zh', w.names->>'en', w.names->>'ar', w.city->>'zh', "
                "w.city->>'en', w.city->>'ar') ilike ?)",
                f"{_plain(_code(text))}%",
                like,
            )
        )
    if country := filters.get("country"):
        clauses.append(where("w.country = ?", _code(country)))
    if (name := filters.get("region")) and (region := statements.one_of("region", name, Region, faults)):
        clauses.append(where("w.country = any(?::text[])", sorted(REGIONS[region])))
    if (name := filters.get("taxonomy")) and (taxonomy := statements.one_of("taxonomy", name, Taxonomy, faults)):
        clauses.append(where("w.taxonomy = ?", taxonomy.value))
    if (name := filters.get("status")) and (status := statements.one_of("status", name, Status, faults)):
        clauses.append(where("w.status = ?", status.value))
    if operator := filters.get("operator"):
        clauses.append(where("o.code = ?", _code(operator)))
    if faults:
        raise Invalid(faults)
    return clauses


async def countries(viewer: Viewer | None) -> list[str]:
    """The countries and regions (ISO 3166-1 alpha-2) in which the viewer, or the public, sees a warehouse."""
    everything = viewer is not None and access_rules.sees_everything(viewer)
    rows = await DB.fetch(SQL["countries"], everything, viewer.organisation_id if viewer else None)
    return [row["country"] for row in rows]


async def warehouse_seen(viewer: Viewer | None, code: str) -> Warehouse:
    """The warehouse of this code, if its registry facts are the viewer's (or the public's) to read."""
    row = await DB.row(SQL["warehouse"], _code(code))
    if row is None:
        raise rules.NoSuchWarehouse(warehouse=_code(code)[:64])
    warehouse = msgspec.convert(dict(row), Warehouse)
    if not rules.is_seen(viewer, warehouse):
        raise rules.NoSuchWarehouse(warehouse=_code(code)[:64])
    return warehouse


async def warehouse_inside(viewer: Viewer, code: str) -> Warehouse:
    """The warehouse of this code, if the viewer may see its locations; refuses other organisations' people."""
    warehouse = await warehouse_seen(viewer, code)
    rules.require_inside(viewer, warehouse)
    return warehouse


async def warehouse_worked_in(viewer: Viewer, code: str) -> Warehouse:
    """The warehouse of this code, if the viewer's organisation operates it; refuses everybody else who may see it."""
    warehouse = await warehouse_seen(viewer, code)
    if not rules.operates(viewer, warehouse):
        raise access_rules.NotYourOrganisation
    return warehouse


async def history(viewer: Viewer | None, warehouse: Warehouse, most: int = 8) -> list[asyncpg.Record]:
    """The last journal lines about a warehouse; only for those who see inside."""
    if not rules.sees_inside(viewer, warehouse):
        return []
    return await DB.fetch(SQL["history"], str(warehouse.id), most)


# ---------------------------------------------------------------------------------------------------- organisations


async def organisation_by_code(viewer: Viewer, code: str) -> Organisation:
    """The organisation of this code: operators are public; exporters are known to themselves, operators and the committee."""
    known = [Kind.OPERATOR, Kind.EXPORTER] if viewer.kind is Kind.OPERATOR else [Kind.OPERATOR]
    everything = access_rules.sees_everything(viewer)
    row = await DB.row(SQL["organisation"], _code(code), everything, known, viewer.organisation_id)
    if row is None:
        raise NotFound
    return msgspec.convert(dict(row), Organisation)


async def operators(viewer: Viewer) -> list[Organisation]:
    """The active operators, for the committee's choice."""
    return [msgspec.convert(dict(row), Organisation) for row in await DB.fetch(SQL["organisations"], Kind.OPERATOR)]


async def owners(viewer: Viewer) -> list[Organisation]:
    """Whose items the viewer may see: for the committee the active exporters, for an operator those whose goods it has held."""
    if access_rules.sees_everything(viewer):
        rows = await DB.fetch(SQL["organisations"], Kind.EXPORTER)
    elif viewer.kind is Kind.OPERATOR:
        rows = await DB.fetch(SQL["owners_held"], list(viewer.warehouse_ids))
    else:
        return []
    return [msgspec.convert(dict(row), Organisation) for row in rows]


# -------------------------------------------------------------------------------------------------------- locations


def location_clauses(viewer: Viewer, warehouse: Warehouse, filters: Mapping[str, str]) -> list[Clause]:
    """The locations of a warehouse that the viewer sees inside; filters q (beginning of the code), kind, parent (code)."""
    rules.require_inside(viewer, warehouse)
    faults: list[Fault] = []
    clauses = [where("l.warehouse_id = ?", warehouse.id)]
    if text := filters.get("q"):
        clauses.append(where("l.code like ?", f"{_plain(_code(text))}%"))
    if (name := filters.get("kind")) and (kind := statements.one_of("kind", name, LocationKind, faults)):
        clauses.append(where("l.kind = ?", kind.value))
    if parent := filters.get("parent"):
        clauses.append(where("p.code = ?", _code(parent)))
    if faults:
        raise Invalid(faults)
    return clauses


async def location_counts(viewer: Viewer, warehouse: Warehouse) -> dict[LocationKind, int]:
    """How many locations of each kind a warehouse has, for those who see inside."""
    rules.require_inside(viewer, warehouse)
    rows = await DB.fetch(SQL["location_kinds"], warehouse.id)
    return {LocationKind(row["kind"]): row["count"] for row in rows}


async def parents(viewer: Viewer, warehouse: Warehouse) -> list[asyncpg.Record]:
    """The first 500 zones and aisles of a warehouse that others can lie in, to choose from."""
    rules.require_inside(viewer, warehouse)
    return await DB.fetch(SQL["parents"], warehouse.id)


async def planned_locations(viewer: Viewer, warehouse_code: str, given: Mapping[str, str]) -> PlannedLocations:
    """What `pattern`, `kind` and `parent` (a code, or empty) would make in a warehouse of the viewer's; refuses what makes nothing."""
    access_rules.require(viewer, Right.KEEP_LOCATIONS)
    warehouse = await warehouse_worked_in(viewer, warehouse_code)
    rules.require_open(warehouse)
    faults: list[Fault] = []
    codes = ranges.expand("pattern", given.get("pattern", ""), faults)
    kind = statements.location_kind(given.get("kind", ""), faults)
    parent_id = None
    if parent := given.get("parent"):
        code = _code(parent)
        row = await DB.row("select id, kind from location where warehouse_id = $1 and code = $2", warehouse.id, code)
        faults += statements.parent_faults(parent, LocationKind(row["kind"]) if row else None, kind)
        parent_id = row["id"] if row else None
    existing = await DB.value(SQL["existing_locations"], warehouse.id, codes)
    if codes and existing == len(codes):
        faults.append(
            Fault(
                "pattern",
                given["pattern"],
                N_("Every location of “%(value)s” exists already in this warehouse. Give codes that are new."),
                {"value": given["pattern"]},
            )
        )
    if faults:
        raise Invalid(faults)
    return PlannedLocations(warehouse=warehouse, kind=kind, parent_id=parent_id, codes=codes, existing=existing)


# ------------------------------------------------------------------------------------------------------------ items


async def item_clauses(viewer: Viewer, filters: Mapping[str, str]) -> list[Clause]:
    """The viewer's scope and the filters q (beginning of a code, part of a name, a whole barcode) and owner (code)."""
    clauses: list[Clause] = []
    owner_id: int | None = None
    if viewer.kind is Kind.EXPORTER:
        clauses.append(where("i.owner_id = ?", viewer.organisation_id))
    elif viewer.kind is Kind.OPERATOR:
        clauses.append(where("i.owner_id = any(?::bigint[])", [each.id for each in await owners(viewer)]))
        # A scalar subquery is asked row by row along the sort key; as a join it would be sorted as a whole for each page.
        clauses.append(
            where(
                "(select true from item_in_warehouse h where h.warehouse_id = any(?::bigint[]) "
                "and h.owner_id = i.owner_id and h.item_id = i.id limit 1)",
                list(viewer.warehouse_ids),
            )
        )
    if owner := filters.get("owner"):
        owner_id = await DB.value("select id from organisation where code = $1", _code(owner)) or 0
        clauses.append(where("i.owner_id = ?", owner_id))
    if text := filters.get("q"):
        bearers = [row["item_id"] for row in await DB.fetch(SQL["barcode_bearers"], _code(text), owner_id)]
        clauses.append(
            where(
                "(i.code like ? or concat_ws(' ', i.names->>'zh', i.names->>'en', i.names->>'ar') ilike ? "
                "or i.id = any(?::bigint[]))",
                f"{_plain(_code(text))}%",
                f"%{_plain(text)}%",
                bearers,
            )
        )
    return clauses


async def item_seen(viewer: Viewer, item_id: int) -> Item:
    """The item of this id, if it is the viewer's to see."""
    row = await DB.row(SQL["item"], item_id) if 0 < item_id <= LARGEST_ID else None
    if row is None:
        raise NotFound
    item = msgspec.convert(dict(row), Item)
    if access_rules.sees_everything(viewer) or access_rules.owns(viewer, item.owner_id):
        return item
    if viewer.kind is Kind.OPERATOR and await DB.value(
        SQL["was_held"], list(viewer.warehouse_ids), item.owner_id, item.id
    ):
        return item
    raise NotFound


def _code(text: str) -> str:
    """A code in its one spelling, without the character that PostgreSQL cannot hold."""
    return values.code_of(text.replace("\0", ""))


def _plain(text: str) -> str:
    """Text in which LIKE sees no pattern."""
    return text.replace("\0", "").replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
