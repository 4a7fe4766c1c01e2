"""The ledger for machines. The shapes here are a contract: they are added to, never changed."""

import uuid
from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, delete, get, post
from litestar.openapi.spec import Example
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter

from backend.access import rules as access_rules
from backend.access.rules import Right
from backend.core import clock, values
from backend.core.errors import Invalid
from backend.core.listing import bounded
from backend.stock import actions, codes, declarations, listings, queries, rules

JSON = "application/json"
_LIST = "A page of rows, each an object, and `after`, the place where the next page begins (null at the end)."


class Line(msgspec.Struct, forbid_unknown_fields=True):
    """One movement: pieces of an item from `source` to `target`, each a location code or a virtual place."""

    owner: str
    item: str
    source: str
    target: str
    quantity: int
    lot: str | None = None
    condition: str = "GOOD"
    target_condition: str | None = None


class NewPosting(msgspec.Struct, forbid_unknown_fields=True):
    """A document to be booked: all its lines or none."""

    warehouse: str
    reason: str
    lines: list[Line]
    occurred_at: datetime | None = None
    reference: str = ""
    note: str = ""


class PostedDocument(msgspec.Struct):
    """The booked document."""

    document: uuid.UUID
    warehouse: str
    lines: int


class NewReservation(msgspec.Struct, forbid_unknown_fields=True):
    """Free pieces to be promised to `source` until `expires_at`."""

    warehouse: str
    owner: str
    item: str
    quantity: int
    source: str
    expires_at: datetime
    lot: str | None = None
    location: str | None = None
    condition: str = "GOOD"


class ReservedPieces(msgspec.Struct):
    """The reservation that was made."""

    reservation: uuid.UUID


class DeclarationPart(msgspec.Struct):
    """What became of one lot (with its item) or in one warehouse, in pieces."""

    code: str
    amounts: declarations.Amounts
    item: str | None = None


class DeclarationStatement(msgspec.Struct):
    """What became of a declaration line, in pieces; `at` null is as the book stands."""

    owner: str
    declaration: str
    line: int
    at: datetime | None
    own_warehouses_only: bool
    amounts: declarations.Amounts
    by_lot: list[DeclarationPart]
    by_warehouse: list[DeclarationPart]


IdempotencyKey = Annotated[
    str,
    HeaderParameter(
        name="Idempotency-Key",
        required=False,
        description="New for each new request; the same key and body give the first answer again.",
        examples=[Example(value="order-4711-line-1")],
    ),
]
After = Annotated[
    str | None,
    QueryParameter(name="after", required=False, description="Place in the list, from `after` of the page before."),
]
At = Annotated[
    datetime | None,
    QueryParameter(name="at", required=False, description="A past instant, like 2026-11-23T08:30:00+01:00."),
]
Limit = Annotated[int, QueryParameter(name="limit", required=False, description="Rows on a page, 1 to 500.")]


@post(
    "/stock/postings",
    summary="Book a document",
    description="Any number of movements of one warehouse in one durable transaction: all are booked or none. 201 when "
    "booked, 200 with the same body when the key had booked it before, 409 when the key was used for something else, "
    "422 with an entry for every bad line.",
    tags=["Stock"],
)
async def book(
    request: Request[Any, Any, Any], data: JSONBody[NewPosting], idempotency_key: IdempotencyKey = ""
) -> Response[PostedDocument]:
    """Book a document."""
    viewer = access_rules.require(request.user, Right.POST_STOCK)
    lines = [
        codes.Request(
            line.owner,
            line.item,
            line.lot,
            line.source,
            line.target,
            line.condition,
            line.target_condition or line.condition,
            line.quantity,
        )
        for line in data.lines
    ]
    posted = await actions.post_document(
        viewer,
        data.warehouse,
        data.reason,
        lines,
        request_key=idempotency_key,
        request_hash=values.digest(data),
        occurred_at=data.occurred_at,
        reference=data.reference,
        note=data.note,
    )
    body = PostedDocument(posted.document_id, values.code_of(data.warehouse), len(lines))
    return Response(body, status_code=200 if posted.repeated else 201)


@get("/stock/balances", media_type=JSON, tags=["Stock"], summary="Stock on hand", description=_LIST)
async def balances(
    request: Request[Any, Any, Any],
    warehouse: FromQuery[str] = "",
    owner: FromQuery[str] = "",
    item: FromQuery[str] = "",
    lot: FromQuery[str] = "",
    location: FromQuery[str] = "",
    condition: FromQuery[str] = "",
    after: After = None,
    limit: Limit = 100,
) -> bytes:
    """Balances in the viewer's scope, by warehouse, owner, item, lot, location and condition."""
    viewer = access_rules.require(request.user, Right.SEE_STOCK)
    filters = {
        "warehouse": warehouse,
        "owner": owner,
        "item": item,
        "lot": lot,
        "location": location,
        "condition": condition,
    }
    clauses = await queries.balance_clauses(viewer, filters)
    return await listings.BALANCES.json_page(clauses, after=after, limit=limit)


@get("/stock/movements", media_type=JSON, tags=["Stock"], summary="Movements", description=_LIST)
async def movements(
    request: Request[Any, Any, Any],
    warehouse: FromQuery[str] = "",
    owner: FromQuery[str] = "",
    item: FromQuery[str] = "",
    lot: FromQuery[str] = "",
    location: FromQuery[str] = "",
    reason: FromQuery[str] = "",
    reference: FromQuery[str] = "",
    since: Annotated[str, QueryParameter(name="from", required=False, description="First day, like 2026-11-01.")] = "",
    until: Annotated[str, QueryParameter(name="to", required=False, description="Last day, like 2026-11-30.")] = "",
    after: After = None,
    limit: Limit = 100,
) -> bytes:
    """Movements in the viewer's scope, the latest first."""
    viewer = access_rules.require(request.user, Right.SEE_STOCK)
    filters = {
        "warehouse": warehouse,
        "owner": owner,
        "item": item,
        "lot": lot,
        "location": location,
        "reason": reason,
        "reference": reference,
        "from": since,
        "to": until,
    }
    clauses = await queries.movement_clauses(viewer, filters)
    clauses += await queries.latest_clauses(viewer, filters, after, bounded(limit))
    return await listings.MOVEMENTS.json_page(clauses, after=after, limit=limit)


@get("/stock/reservations", media_type=JSON, tags=["Stock"], summary="Reservations", description=_LIST)
async def reservations(
    request: Request[Any, Any, Any],
    warehouse: FromQuery[str] = "",
    owner: FromQuery[str] = "",
    item: FromQuery[str] = "",
    standing: Annotated[
        str, QueryParameter(name="state", required=False, description="live, expired or cancelled.")
    ] = "",
    source: FromQuery[str] = "",
    after: After = None,
    limit: Limit = 100,
) -> bytes:
    """Reservations in the viewer's scope, the latest first."""
    viewer = access_rules.require(request.user, Right.SEE_STOCK)
    filters = {"warehouse": warehouse, "owner": owner, "item": item, "state": standing, "source": source}
    clauses = await queries.reservation_clauses(viewer, filters)
    return await listings.RESERVATIONS.json_page(clauses, after=after, limit=limit)


@post(
    "/stock/reservations",
    summary="Reserve free pieces",
    description="All the pieces or none. 201 when reserved, 200 when the key had reserved them before, 422 when too few "
    "are free.",
    tags=["Stock"],
)
async def reserve(
    request: Request[Any, Any, Any], data: JSONBody[NewReservation], idempotency_key: IdempotencyKey = ""
) -> Response[ReservedPieces]:
    """Reserve free pieces."""
    viewer = access_rules.require(request.user, Right.RESERVE_STOCK)
    reserved = await actions.reserve(
        viewer,
        warehouse=data.warehouse,
        owner=data.owner,
        item=data.item,
        lot=data.lot,
        location=data.location,
        condition=data.condition,
        quantity=data.quantity,
        source=data.source,
        expires_at=data.expires_at,
        request_key=idempotency_key,
    )
    return Response(ReservedPieces(reserved.id), status_code=200 if reserved.repeated else 201)


@delete("/stock/reservations/{reservation_id:uuid}", summary="Give reserved pieces back", tags=["Stock"])
async def cancel(request: Request[Any, Any, Any], reservation_id: FromPath[uuid.UUID]) -> None:
    """End a reservation; 204 when it is ended, 409 when it had ended before."""
    viewer = access_rules.require(request.user, Right.RESERVE_STOCK)
    await actions.cancel_reservation(viewer, reservation_id)


@get(
    "/stock/declarations",
    media_type=JSON,
    tags=["Stock"],
    summary="Declaration lines",
    description="What became of each declaration line, in pieces: received = on_hand + in_transit + sold - returned_in + "
    "returned_home + scrapped + lost + transformed. An operator's answer counts only its own warehouses. " + _LIST,
)
async def declaration_lines(
    request: Request[Any, Any, Any],
    owner: FromQuery[str] = "",
    declaration: FromQuery[str] = "",
    item: FromQuery[str] = "",
    at: At = None,
    after: After = None,
    limit: Limit = 100,
) -> bytes:
    """Declaration lines in the viewer's scope, by owner, number and line."""
    viewer = access_rules.require(request.user, Right.SEE_STOCK)
    instant = _instant(at)
    clauses = await declarations.clauses(viewer, {"owner": owner, "declaration": declaration, "item": item})
    return await declarations.listing(viewer, instant).json_page(clauses, after=after, limit=limit)


@get("/stock/declarations/line", tags=["Stock"], summary="One declaration line, by lot and by warehouse")
async def declaration_line(
    request: Request[Any, Any, Any],
    declaration: FromQuery[str],
    line: FromQuery[int],
    owner: FromQuery[str] = "",
    at: At = None,
) -> DeclarationStatement:
    """One declaration line."""
    viewer = access_rules.require(request.user, Right.SEE_STOCK)
    found = await declarations.statement(viewer, declaration, line, owner=owner, at=_instant(at))
    return DeclarationStatement(
        owner=found.owner,
        declaration=found.declaration_no,
        line=found.declaration_line,
        at=found.at,
        own_warehouses_only=declarations.is_partial(viewer),
        amounts=found.whole,
        by_lot=[DeclarationPart(part.code, part.amounts, part.item) for part in found.by_lot],
        by_warehouse=[DeclarationPart(part.code, part.amounts) for part in found.by_warehouse],
    )


def _instant(at: datetime | None) -> datetime | None:
    """A past instant, refused when it has no zone or lies in the future."""
    if at is not None and (faults := rules.time_faults("at", at, clock.now())):
        raise Invalid(faults)
    return at


router = Router(
    path="/api/v1",
    route_handlers=[
        *(book, balances, movements, reservations, reserve, cancel),
        *(declaration_lines, declaration_line),
    ],
)
