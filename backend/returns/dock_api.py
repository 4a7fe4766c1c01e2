"""The returns dock for machines: parcels arrive, goods are received, unannounced parcels are written down and matched."""

import uuid
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from backend.access import rules as access_rules
from backend.access.rules import Right
from backend.returns import parcels, receiving
from backend.returns.api import JSON, After, IdempotencyKey, Limit
from backend.returns.arrivals import Arrived
from backend.returns.handling_shapes import LIST, ONCE, TAGS, ChosenUnit, UnitCodes, status
from backend.returns.parcels import Found


class ArrivedLine(msgspec.Struct, forbid_unknown_fields=True):
    """Pieces of a line that arrived, and the serial numbers of those that have one."""

    line: int
    quantity: int
    serials: list[str] = []


class NewReceipt(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What arrived of a return (its number): `lines`, or everything that is still expected when they are left out.

    `surplus` takes more than was booked in on lines of their own, which are investigated.
    """

    warehouse: str
    number: str
    lines: list[ArrivedLine] | None = None
    parcel: int | None = None
    surplus: bool = False


class ReceivedUnits(msgspec.Struct, kw_only=True):
    """The units that were received, by their codes."""

    number: str
    units: list[str]


class Arrival(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A parcel of a return is at the dock; without `parcel` the only one that is on its way."""

    warehouse: str
    number: str
    parcel: int | None = None


class ArrivedParcel(msgspec.Struct):
    """The parcel that arrived."""

    parcel: int


class ClosedReceipt(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What is still outstanding of a return does not come any more, and how that is known."""

    warehouse: str
    number: str
    note: str


class MissingPieces(msgspec.Struct):
    """How many pieces are not waited for any more."""

    pieces: int


class NewParcel(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A parcel that came without a return; photos are hashes of files that were brought."""

    warehouse: str
    tracking_no: str = ""
    carrier: str = ""
    sender: str = ""
    contents: str = ""
    photos: list[str] = []


class RecordedParcel(msgspec.Struct):
    """The parcel that was written down."""

    id: uuid.UUID
    number: str


class Match(msgspec.Struct, forbid_unknown_fields=True):
    """The return that a parcel belongs to."""

    number: str


class Matched(msgspec.Struct):
    """The return that the parcel was matched with."""

    id: uuid.UUID


@post("/returns/receipts", tags=TAGS, summary="Receive goods of a return", description=ONCE)
async def receive(
    request: Request[Any, Any, Any], data: JSONBody[NewReceipt], idempotency_key: IdempotencyKey = ""
) -> Response[ReceivedUnits]:
    """Receive goods into quarantine."""
    viewer = access_rules.require(request.user, Right.HANDLE_RETURNS)
    if data.lines is None:
        done = await receiving.receive_all(
            viewer, data.warehouse, data.number, request_key=idempotency_key, parcel_no=data.parcel
        )
    else:
        done = await receiving.receive(
            viewer,
            data.warehouse,
            data.number,
            [Arrived(line_no=each.line, quantity=each.quantity, serials=each.serials) for each in data.lines],
            request_key=idempotency_key,
            parcel_no=data.parcel,
            surplus=data.surplus,
        )
    return Response(ReceivedUnits(number=done.number, units=done.units), status_code=status(done.repeated))


@post("/returns/receipts/reversals", tags=TAGS, summary="Reverse the receipt that a unit came in with")
async def reverse_receipt(request: Request[Any, Any, Any], data: JSONBody[ChosenUnit]) -> UnitCodes:
    """Reverse a receipt of which nothing is graded."""
    viewer = access_rules.require(request.user, Right.HANDLE_RETURNS)
    return UnitCodes(await receiving.reverse_receipt(viewer, data.unit, note=data.note))


@post("/returns/arrivals", tags=TAGS, summary="A parcel is at the dock", status_code=200)
async def arrive(request: Request[Any, Any, Any], data: JSONBody[Arrival]) -> ArrivedParcel:
    """Start the clock of receiving."""
    viewer = access_rules.require(request.user, Right.HANDLE_RETURNS)
    return ArrivedParcel(await receiving.arrive(viewer, data.warehouse, data.number, parcel_no=data.parcel))


@post("/returns/receipts/closed", tags=TAGS, summary="Nothing more of a return comes", status_code=200)
async def close_receipt(request: Request[Any, Any, Any], data: JSONBody[ClosedReceipt]) -> MissingPieces:
    """Wait no longer for what is outstanding."""
    viewer = access_rules.require(request.user, Right.HANDLE_RETURNS)
    return MissingPieces(await receiving.close_receipt(viewer, data.warehouse, data.number, note=data.note))


@get("/returns/parcels", media_type=JSON, tags=TAGS, summary="Unannounced parcels", description=LIST)
async def parcels_listed(
    request: Request[Any, Any, Any],
    standing: Annotated[
        str, QueryParameter(name="state", required=False, description="waiting, matched or discarded.")
    ] = "",
    warehouse: FromQuery[str] = "",
    search: FromQuery[str] = "",
    after: After = None,
    limit: Limit = 100,
) -> bytes:
    """Unannounced parcels in the viewer's warehouses, the latest first."""
    viewer = access_rules.require(request.user, Right.SEE_RETURNS)
    clauses = parcels.clauses(viewer, {"state": standing, "warehouse": warehouse, "search": search})
    return await parcels.PARCELS.json_page(clauses, after=after, limit=limit)


@post("/returns/parcels", tags=TAGS, summary="Write an unannounced parcel down", description=ONCE)
async def record_parcel(
    request: Request[Any, Any, Any], data: JSONBody[NewParcel], idempotency_key: IdempotencyKey = ""
) -> Response[RecordedParcel]:
    """A parcel that came without a return."""
    viewer = access_rules.require(request.user, Right.HANDLE_RETURNS)
    found = Found(
        tracking_no=data.tracking_no,
        carrier=data.carrier,
        sender=data.sender,
        contents=data.contents,
        photos=data.photos,
    )
    made = await parcels.record(viewer, data.warehouse, found, request_key=idempotency_key)
    return Response(RecordedParcel(made.id, made.number), status_code=status(made.repeated))


@post(
    "/returns/parcels/{parcel_id:uuid}/match",
    tags=TAGS,
    summary="A parcel belongs to a return",
    status_code=200,
)
async def match_parcel(
    request: Request[Any, Any, Any], parcel_id: FromPath[uuid.UUID], data: JSONBody[Match]
) -> Matched:
    """Make the parcel one of a return that its warehouse expects."""
    viewer = access_rules.require(request.user, Right.HANDLE_RETURNS)
    return Matched(await parcels.match(viewer, parcel_id, data.number))


HANDLERS = [receive, reverse_receipt, arrive, close_receipt, parcels_listed, record_parcel, match_parcel]
