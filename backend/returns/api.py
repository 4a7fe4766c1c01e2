"""Booking and following returns for machines. The shapes here are a contract: they are added to, never changed."""

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, patch, post, put
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import text, values
from backend.returns import actions, booking, changes, desks, listings, proposals, queries, reasons
from backend.returns.booking import Booking, Change
from backend.returns.desks import Desk

JSON = "application/json"
_LIST = "A page of rows, each an object, and `after`, the place where the next page begins (null at the end)."
_BOOK = (
    "All of it or nothing. Each line names an order (`order`, the reference of the sale), a line of a sale (`warehouse`, "
    "`document`, `document_line`), a line of an export declaration (`declaration`, `declaration_line`), goods that lie unsold "
    "(`basis` unsold, `warehouse`, `location`, `condition`, `lot`), or only the buyer's paper (`basis` paper). At most 500 "
    "lines. 201 when booked, 200 with the same body when the key had booked it before, 409 when the key was used for "
    "something else, 422 with an entry for everything that is wrong."
)

IdempotencyKey = Annotated[
    str,
    HeaderParameter(
        name="Idempotency-Key",
        required=False,
        description="New for each new request; the same key and body give the first answer again.",
    ),
]
After = Annotated[
    str | None,
    QueryParameter(name="after", required=False, description="Place in the list, from `after` of the page before."),
]
Limit = Annotated[int, QueryParameter(name="limit", required=False, description="Rows on a page, 1 to 500.")]


class WantedReturn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A return for which warehouses are to be proposed: a booking without its warehouse.

    `wishes` are capabilities that the desk must have: photos, repair, relabel, send_home.
    """

    kind: str
    reason: str
    lines: list[booking.Line]
    parcels: list[booking.Parcel] = []
    buyer: booking.Buyer = booking.Buyer()
    home_area: str = ""
    expected_on: date | None = None
    wishes: list[str] = []


class ProposedReason(msgspec.Struct):
    """Why a warehouse fits or not: good, neutral, warn or bad, in the language of the request."""

    level: str
    message: str


class ProposedWarehouse(msgspec.Struct):
    """A warehouse with its points (0 to 100); `possible` false when its desk cannot take the return."""

    warehouse: str
    possible: bool
    points: Decimal
    distance_km: int | None
    queue_days: Decimal | None
    price: Decimal | None
    currency: str | None
    reasons: list[ProposedReason]


class Proposals(msgspec.Struct):
    """The open returns desks, best first."""

    rows: list[ProposedWarehouse]


class BookedReturn(msgspec.Struct):
    """The return that was booked."""

    id: uuid.UUID
    number: str
    warehouse: str


class ReturnChange(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What is changed; null leaves it as it is. `revision` is that of the return as it was read."""

    revision: int
    reference: str | None = None
    note: str | None = None
    expected_on: date | None = None
    parcels: list[booking.Parcel] | None = None
    lines: list[booking.Line] | None = None
    photos: list[str] = []


class Cancellation(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A return is cancelled."""

    revision: int
    note: str = ""


class Finding(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What the investigation of a line found: accepted or refused, and why."""

    verdict: str
    note: str


class ReturnedLine(msgspec.Struct, kw_only=True):
    """A line of a return: what it stands on, and how far its pieces are."""

    line_no: int
    item: str
    lot: str | None
    quantity: int
    received: int
    graded: int
    disposed: int
    missing: int
    basis: str
    sale_warehouse: str | None
    sale_document_id: uuid.UUID | None
    sale_line_no: int | None
    sale_reference: str | None
    declaration_no: str | None
    declaration_line: int | None
    location: str | None
    serials: list[str]
    note: str
    investigation: str | None
    investigation_note: str


class ReturnedParcel(msgspec.Struct, kw_only=True):
    """A parcel of a return."""

    parcel_no: int
    tracking_no: str | None
    carrier: str
    arrived_at: datetime | None


class OneReturn(msgspec.Struct, kw_only=True):
    """A return with its lines and parcels."""

    id: uuid.UUID
    number: str
    warehouse: str
    owner: str
    kind: str
    reason: str
    stage: str
    reference: str
    note: str
    country: str | None
    city: str
    home_area: str | None
    revision: int
    booked_at: datetime
    expected_on: date | None
    received_at: datetime | None
    closed_at: datetime | None
    lines: list[ReturnedLine]
    parcels: list[ReturnedParcel]


class NamedReason(msgspec.Struct, kw_only=True):
    """A reason for a return: the kinds it may be given for, what the law calls it (unsold, return), its names by language."""

    code: str
    kinds: list[str]
    cause: str
    names: dict[str, str]


class KeptDesk(Desk, frozen=True, kw_only=True):
    """A returns desk; `revision` is that of the desk as it was read, 0 for a new one."""

    revision: int = 0


@post("/returns", tags=["Returns"], summary="Book a return", description=_BOOK)
async def book(
    request: Request[Any, Any, Any], data: JSONBody[Booking], idempotency_key: IdempotencyKey = ""
) -> Response[BookedReturn]:
    """Book a return."""
    viewer = access_rules.require(request.user, Right.BOOK_RETURNS)
    booked = await actions.book(viewer, data, request_key=idempotency_key)
    body = BookedReturn(booked.id, booked.number, values.code_of(data.warehouse))
    return Response(body, status_code=200 if booked.repeated else 201)


@post(
    "/returns/proposals",
    status_code=200,
    tags=["Returns"],
    summary="Propose warehouses for a return",
    description="Every open returns desk with its reasons, best first. Nothing is kept.",
)
async def propose(request: Request[Any, Any, Any], data: JSONBody[WantedReturn]) -> Proposals:
    """Warehouses for a return."""
    viewer = access_rules.require(request.user, Right.BOOK_RETURNS)
    given = {name: getattr(data, name) for name in data.__struct_fields__ if name != "wishes"}
    found = await proposals.proposals(viewer, Booking(warehouse="", **given), data.wishes)
    return Proposals(
        [
            ProposedWarehouse(
                each.code,
                each.possible,
                round(each.points, 2),
                each.distance_km,
                None if each.queue_days is None else round(each.queue_days, 2),
                each.price,
                each.currency,
                [ProposedReason(reason.level, text.say(reason.sentence, reason.facts)) for reason in each.reasons],
            )
            for each in found
        ]
    )


@get("/returns", media_type=JSON, tags=["Returns"], summary="Returns", description=_LIST)
async def listed(
    request: Request[Any, Any, Any],
    stage: Annotated[str, QueryParameter(name="stage", required=False, description="A stage, or open.")] = "",
    kind: FromQuery[str] = "",
    warehouse: FromQuery[str] = "",
    owner: FromQuery[str] = "",
    reason: FromQuery[str] = "",
    investigation: Annotated[
        str, QueryParameter(name="investigation", required=False, description="open: lines are being investigated.")
    ] = "",
    search: Annotated[
        str,
        QueryParameter(
            name="search", required=False, description="A number, tracking number, reference, order or serial number."
        ),
    ] = "",
    after: After = None,
    limit: Limit = 100,
) -> bytes:
    """Returns in the viewer's scope, the latest first."""
    viewer = access_rules.require(request.user, Right.SEE_RETURNS)
    filters = {
        "stage": stage,
        "kind": kind,
        "warehouse": warehouse,
        "owner": owner,
        "reason": reason,
        "investigation": investigation,
        "search": search,
    }
    return await listings.RETURNS.json_page(await queries.clauses(viewer, filters), after=after, limit=limit)


@get("/returns/reasons", tags=["Returns"], summary="The reasons that a return may have")
async def named_reasons(request: Request[Any, Any, Any]) -> list[NamedReason]:
    """Every reason with the kinds of return that it may be given for."""
    access_rules.require(request.user, Right.SEE_RETURNS)
    return [
        NamedReason(code=code, kinds=sorted(each.kinds), cause=each.cause, names=each.names)
        for code, each in reasons.reasons().items()
    ]


@get("/returns/{rma_id:uuid}", tags=["Returns"], summary="One return")
async def one(request: Request[Any, Any, Any], rma_id: FromPath[uuid.UUID]) -> OneReturn:
    """One return with its lines and parcels."""
    return await _one(access_rules.require(request.user, Right.SEE_RETURNS), rma_id)


async def _one(viewer: Viewer, rma_id: uuid.UUID) -> OneReturn:
    head = await queries.rma(viewer, rma_id)
    lines = [
        ReturnedLine(**{name: row[name] for name in ReturnedLine.__struct_fields__})
        for row in await queries.lines(head)
    ]
    parcels = [
        ReturnedParcel(**{name: row[name] for name in ReturnedParcel.__struct_fields__})
        for row in await queries.parcels(head)
    ]
    facts = {name: head[name] for name in OneReturn.__struct_fields__ if name not in ("lines", "parcels")}
    return OneReturn(**facts, lines=lines, parcels=parcels)


@patch(
    "/returns/{rma_id:uuid}",
    tags=["Returns"],
    summary="Change a return",
    description="While it is booked everything but kind, reason and warehouse; when goods have begun to arrive its parcels, "
    "note and photos; afterwards nothing. `parcels` and `lines` replace all that were named before. 409 when somebody "
    "else changed it since `revision`, or its stage does not let it be changed.",
)
async def change(
    request: Request[Any, Any, Any], rma_id: FromPath[uuid.UUID], data: JSONBody[ReturnChange]
) -> OneReturn:
    """Change a return."""
    viewer = access_rules.require(request.user, Right.BOOK_RETURNS)
    given = {name: getattr(data, name) for name in data.__struct_fields__ if name != "revision"}
    await changes.change(viewer, rma_id, data.revision, Change(**given))
    return await _one(viewer, rma_id)


@post(
    "/returns/{rma_id:uuid}/cancel",
    status_code=204,
    tags=["Returns"],
    summary="Cancel a return",
    description="While nothing of it has come; 409 afterwards.",
)
async def cancel(request: Request[Any, Any, Any], rma_id: FromPath[uuid.UUID], data: JSONBody[Cancellation]) -> None:
    """Cancel a return."""
    viewer = access_rules.require(request.user, Right.BOOK_RETURNS)
    await changes.cancel(viewer, rma_id, data.revision, data.note)


@post(
    "/returns/{rma_id:uuid}/lines/{line_no:int}/finding",
    status_code=204,
    tags=["Returns"],
    summary="Settle an investigation",
    description="For the operator, on a line that has only the buyer's paper. A refused line is never received.",
)
async def settle(
    request: Request[Any, Any, Any], rma_id: FromPath[uuid.UUID], line_no: FromPath[int], data: JSONBody[Finding]
) -> None:
    """Settle an investigation."""
    viewer = access_rules.require(request.user, Right.HANDLE_RETURNS)
    await changes.settle(viewer, rma_id, line_no, data.verdict, data.note)


@get("/returns/desks/{warehouse:str}", tags=["Returns"], summary="The returns desk of a warehouse")
async def desk(request: Request[Any, Any, Any], warehouse: FromPath[str]) -> KeptDesk:
    """The desk of one of the viewer's warehouses."""
    viewer = access_rules.require(request.user, Right.HANDLE_RETURNS)
    return await _desk(viewer, warehouse)


async def _desk(viewer: Viewer, warehouse: str) -> KeptDesk:
    _, row = await desks.desk_of(viewer, warehouse)
    if row is None:
        raise desks.NoDesk(warehouse=warehouse)
    return KeptDesk(**dict(row))


@put("/returns/desks/{warehouse:str}", tags=["Returns"], summary="Keep the returns desk of a warehouse")
async def keep_desk(request: Request[Any, Any, Any], warehouse: FromPath[str], data: JSONBody[KeptDesk]) -> KeptDesk:
    """Say what the desk of one of the viewer's warehouses takes."""
    viewer = access_rules.require(request.user, Right.KEEP_PRICES)
    given = {name: getattr(data, name) for name in Desk.__struct_fields__}
    await desks.keep_desk(viewer, warehouse, Desk(**given), revision=data.revision)
    return await _desk(viewer, warehouse)


router = Router(
    path="/api/v1", route_handlers=[book, propose, listed, named_reasons, one, change, cancel, settle, desk, keep_desk]
)
