"""The registry for machines. The shapes here are a contract: they are added to, never changed."""

from decimal import Decimal
from typing import Annotated, Any

import msgspec
from litestar import Request, Router, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromQuery, JSONBody, QueryParameter

from backend.access import rules as access_rules
from backend.access.rules import Right
from backend.core import values
from backend.registry import actions, queries

JSON = "application/json"
After = Annotated[
    str | None,
    QueryParameter(name="after", required=False, description="Place in the list, from `after` of the page before."),
]
Limit = Annotated[int, QueryParameter(name="limit", required=False, description="Rows on a page, 1 to 500.")]
Owner = Annotated[str, QueryParameter(name="owner", required=False, description="Code of an exporter.")]


class WarehouseRow(msgspec.Struct):
    """A warehouse: names and city by language (zh, en, ar), WGS 84 degrees, IANA time zone, country as ISO 3166-1 alpha-2."""

    code: str
    names: dict[str, str]
    operator: str
    country: str
    city: dict[str, str]
    address: str
    latitude: float
    longitude: float
    time_zone: str
    area_m2: float
    capacity_m3: float
    taxonomy: str
    status: str


class WarehousePage(msgspec.Struct):
    """A page of warehouses."""

    rows: list[WarehouseRow]
    after: str | None


class LocationRow(msgspec.Struct):
    """A location: zone, aisle, bin, dock or workshop; `parent` is the code of the one it lies in."""

    code: str
    kind: str
    parent: str | None


class LocationPage(msgspec.Struct):
    """A page of locations."""

    rows: list[LocationRow]
    after: str | None


class ItemRow(msgspec.Struct):
    """An item; its code is unique to its owner."""

    id: int
    owner: str
    code: str
    names: dict[str, str]
    hs_code: str | None
    weight_kg: float | None
    length_cm: float | None
    width_cm: float | None
    height_cm: float | None
    barcodes: list[str]


class ItemPage(msgspec.Struct):
    """A page of items."""

    rows: list[ItemRow]
    after: str | None


class Names(msgspec.Struct, forbid_unknown_fields=True):
    """A name in at least one language."""

    zh: str = ""
    en: str = ""
    ar: str = ""


class NewItem(msgspec.Struct, forbid_unknown_fields=True):
    """An item to be opened for the token's own organisation."""

    code: str
    names: Names
    hs_code: str | None = None
    weight_kg: Decimal | None = None
    length_cm: Decimal | None = None
    width_cm: Decimal | None = None
    height_cm: Decimal | None = None
    gtins: list[str] = []
    own_barcodes: list[str] = []


class OpenedItem(msgspec.Struct):
    """The item that was opened."""

    id: int
    owner: str
    code: str


@get(
    "/warehouses",
    media_type=JSON,
    tags=["Registry"],
    summary="Warehouses",
    description="An operator's own warehouses; for an exporter every one that is or was listed; for the committee all. "
    "By code. `q` is the beginning of a code or part of a name or city.",
    responses={200: ResponseSpec(WarehousePage, generate_examples=False)},
)
async def warehouses(
    request: Request[Any, Any, Any],
    q: FromQuery[str] = "",
    country: Annotated[str, QueryParameter(required=False, description="ISO 3166-1 alpha-2, like DE.")] = "",
    region: Annotated[str, QueryParameter(required=False, description="asean, eu, belt_and_road or other.")] = "",
    taxonomy: Annotated[str, QueryParameter(required=False, description="public, own_use or rented.")] = "",
    status: Annotated[str, QueryParameter(required=False, description="draft, listed, suspended or closed.")] = "",
    operator: Annotated[str, QueryParameter(required=False, description="Code of an operator.")] = "",
    after: After = None,
    limit: Limit = 100,
) -> bytes:
    """Warehouses in the viewer's scope."""
    viewer = access_rules.require(request.user, Right.SEE_REGISTRY)
    filters = {
        "q": q,
        "country": country,
        "region": region,
        "taxonomy": taxonomy,
        "status": status,
        "operator": operator,
    }
    clauses = queries.warehouse_clauses(viewer, filters)
    return await queries.WAREHOUSES.json_page(clauses, after=after, limit=limit)


@get(
    "/locations",
    media_type=JSON,
    tags=["Registry"],
    summary="Locations of a warehouse",
    description="By code; for the warehouse's operator and the committee. `q` is the beginning of a code.",
    responses={200: ResponseSpec(LocationPage, generate_examples=False)},
)
async def locations(
    request: Request[Any, Any, Any],
    warehouse: Annotated[str, QueryParameter(description="Code of the warehouse.")],
    q: FromQuery[str] = "",
    kind: Annotated[str, QueryParameter(required=False, description="zone, aisle, bin, dock or workshop.")] = "",
    parent: Annotated[str, QueryParameter(required=False, description="Code of the zone or aisle they lie in.")] = "",
    after: After = None,
    limit: Limit = 100,
) -> bytes:
    """Locations of one warehouse."""
    viewer = access_rules.require(request.user, Right.SEE_REGISTRY)
    place = await queries.warehouse_inside(viewer, warehouse)
    clauses = queries.location_clauses(viewer, place, {"q": q, "kind": kind, "parent": parent})
    return await queries.LOCATIONS.json_page(clauses, after=after, limit=limit)


@get(
    "/items",
    media_type=JSON,
    tags=["Registry"],
    summary="Items",
    description="An exporter's own items; for an operator those that have been in its warehouses; for the committee all. "
    "By owner and code. `q` is the beginning of a code, part of a name, or a whole barcode.",
    responses={200: ResponseSpec(ItemPage, generate_examples=False)},
)
async def items(
    request: Request[Any, Any, Any], q: FromQuery[str] = "", owner: Owner = "", after: After = None, limit: Limit = 100
) -> bytes:
    """Items in the viewer's scope."""
    viewer = access_rules.require(request.user, Right.SEE_REGISTRY)
    clauses = await queries.item_clauses(viewer, {"q": q, "owner": owner})
    return await queries.ITEMS.json_page(clauses, after=after, limit=limit)


@post(
    "/items",
    tags=["Registry"],
    summary="Open an item",
    description="A new item of the token's own organisation, an exporter. 422 with an entry for every bad field; a code "
    "that is taken is one of them, so that a repeated request opens nothing twice.",
)
async def open_item(request: Request[Any, Any, Any], data: JSONBody[NewItem]) -> OpenedItem:
    """Open an item."""
    viewer = access_rules.require(request.user, Right.KEEP_ITEMS)
    given = {
        "code": data.code,
        "hs_code": data.hs_code or "",
        "gtins": "\n".join(data.gtins),
        "own_barcodes": "\n".join(data.own_barcodes),
    }
    given |= {f"name_{language}": getattr(data.names, language) for language in values.NAME_LANGUAGES}
    for field in ("weight_kg", "length_cm", "width_cm", "height_cm"):
        number: Decimal | None = getattr(data, field)
        given[field] = "" if number is None else str(number)
    item = await actions.create_item(viewer, given)
    return OpenedItem(item.id, item.owner_code, item.code)


router = Router(path="/api/v1", route_handlers=[warehouses, locations, items, open_item])
