"""For whom a file is imported, where its rows are booked and whose goods they are; found, or made."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from backend.access import actions as access_actions
from backend.access import guards
from backend.access import queries as access_queries
from backend.access.rules import Kind, Right, Viewer
from backend.core import values
from backend.core.database import DB, blocks
from backend.core.errors import NotFound
from backend.registry import actions as registry_actions
from backend.registry import queries as registry_queries
from backend.registry import rules as registry_rules
from backend.registry.queries import Organisation
from backend.registry.rules import Status, Warehouse
from backend.stock import rules as stock_rules
from backend.trade import mapping as mappings
from backend.trade import rules
from backend.trade.mapping import FileMapping
from backend.trade.posting import Desk

SQL = blocks(Path(__file__).with_name("places.sql"))


async def importer(email: str | None, warehouse: str) -> Viewer:
    """For whom a command imports: the person of that address, else the operator of the warehouse, else the console.

    The console acts for a warehouse that is still to be made; it is user 0 of the organisation it acts for.
    """
    if email:
        return await access_queries.viewer_by_email(email, "command")
    code = values.code_of(warehouse)
    if manager := await DB.row(SQL["manager"], code):
        found = await guards.viewer_of_person(manager["email"], manager["organisation"])
        assert found is not None
        return msgspec.structs.replace(found, rights=frozenset(Right))
    if row := await DB.row(SQL["operator"], code):
        return console(Kind.OPERATOR, row["id"], row["code"], row["names"], tuple(row["warehouse_ids"]))
    return console(Kind.COMMITTEE, 0, "", {}, ())


def console(
    kind: Kind, organisation_id: int, code: str, names: Mapping[str, str], warehouses: tuple[int, ...]
) -> Viewer:
    """Whoever sits at the console, acting for an organisation (0: for none yet)."""
    return Viewer(
        user_id=0,
        name="luocang import",
        email="",
        organisation_id=organisation_id,
        organisation_code=code,
        organisation_names=dict(names),
        kind=kind,
        roles=frozenset(),
        rights=frozenset(Right),
        language="en",
        time_zone="UTC",
        channel="command",
        warehouse_ids=warehouses,
    )


async def place_named(viewer: Viewer, warehouse: str) -> Warehouse | None:
    """The warehouse, which the viewer's organisation must operate; None when there is none."""
    try:
        place = await registry_queries.warehouse_seen(viewer, warehouse)
    except NotFound:
        return None
    if not registry_rules.operates(viewer, place):
        raise rules.NotYourWarehouse(warehouse=place.code)
    if place.status is Status.CLOSED:
        raise stock_rules.WarehouseClosed(warehouse=place.code)
    return place


async def standing(viewer: Viewer, warehouse: str) -> tuple[Viewer, Warehouse | None]:
    """Who imports, and the warehouse if there is one.

    The console that acts for nobody yet acts for the operator as soon as another command has made the warehouse.
    """
    try:
        return viewer, await place_named(viewer, warehouse)
    except rules.NotYourWarehouse:
        if viewer.organisation_id:
            raise
        viewer = await importer(None, warehouse)
        return viewer, await place_named(viewer, warehouse)


async def owner_named(viewer: Viewer, exporter: str) -> Organisation | None:
    """The exporter; None when there is none."""
    try:
        owner = await registry_queries.organisation_by_code(viewer, exporter)
    except NotFound:
        return None
    if owner.kind is not Kind.EXPORTER or not owner.active:
        raise rules.NotAnExporter(exporter=owner.code)
    return owner


async def make_missing(
    viewer: Viewer,
    warehouse: str,
    exporter: str,
    place: Warehouse | None,
    owner: Organisation | None,
    chosen: FileMapping,
) -> tuple[Viewer, Warehouse, Organisation]:
    """Make what is missing: the exporter, the warehouse, and its operator when the console imports for nobody."""
    async with DB.transaction():
        if owner is None:
            await access_actions.create_organisation(viewer, exporter, Kind.EXPORTER, {"en": values.code_of(exporter)})
            owner = await registry_queries.organisation_by_code(viewer, exporter)
        if place is None:
            code = values.code_of(warehouse)
            given = {**msgspec.structs.asdict(chosen.warehouse), "code": code, "name_en": code}  # type: ignore[arg-type]
            given |= {"city_en": given.pop("city"), "area_m2": "0", "capacity_m3": "0", "taxonomy": "own_use"}
            if viewer.kind is not Kind.OPERATOR:
                given["operator"] = await _make_operator(viewer, code)
            place = await registry_actions.create_warehouse(viewer, given)
            if viewer.kind is not Kind.OPERATOR:
                viewer = console(
                    Kind.OPERATOR, place.operator_id, place.operator_code, place.operator_names, (place.id,)
                )
    return viewer, place, owner


async def _make_operator(viewer: Viewer, warehouse: str) -> str:
    """The code of the organisation that operates a warehouse made here."""
    code = f"{warehouse[:23]}-OPERATOR"
    try:
        await registry_queries.organisation_by_code(viewer, code)
    except NotFound:
        await access_actions.create_organisation(viewer, code, Kind.OPERATOR, {"en": code})
    return code


async def desk_at(
    viewer: Viewer,
    place: Warehouse,
    owner: Organisation,
    chosen: FileMapping,
    file_name: str,
    open_missing: bool,
    create_items: bool,
) -> Desk:
    """Where to book; makes the mapping's bin when the warehouse lacks it."""
    find = "select id, kind from location where warehouse_id = $1 and code = $2"
    row = await DB.row(find, place.id, chosen.location)
    if row is None:
        await registry_actions.create_locations(viewer, place.code, {"pattern": chosen.location, "kind": "bin"})
        row = await DB.row(find, place.id, chosen.location)
    assert row is not None
    if row["kind"] in ("zone", "aisle"):
        raise rules.NoPlaceForGoods(location=chosen.location, warehouse=place.code)
    return Desk(
        viewer=viewer,
        warehouse_id=place.id,
        location_id=row["id"],
        owner_id=owner.id,
        file_name=file_name,
        open_missing=open_missing,
        create_items=create_items,
    )


def zone_of(chosen: FileMapping, place: Warehouse | None) -> str:
    """The zone of the file's dates."""
    if chosen.zone != mappings.WAREHOUSE_ZONE:
        return chosen.zone
    if place is not None:
        return place.time_zone
    assert chosen.warehouse is not None
    return chosen.warehouse.time_zone
