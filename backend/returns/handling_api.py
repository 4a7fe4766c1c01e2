"""Handling returned goods for machines: receive, grade, decide, carry out, refund. The shapes are a contract: added to, never changed."""

import uuid
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from backend.access import rules as access_rules
from backend.access.rules import Right
from backend.core import clock
from backend.core.errors import Fault, Invalid
from backend.core.text import N_
from backend.returns import (
    carrying_out,
    checklists,
    dispositions,
    grading,
    parcels,
    receiving,
    refunds,
    units,
)
from backend.returns.api import JSON, After, IdempotencyKey, Limit
from backend.returns.arrivals import Arrived
from backend.returns.carrying_out import Deed
from backend.returns.grading import Look
from backend.returns.parcels import Found
from backend.returns.refunds import Given
from backend.returns.units import Queue

_LIST = "A page of rows, each an object, and `after`, the place where the next page begins (null at the end)."
_ONCE = " 201 when done, 200 with the same body when the key had done it before, 409 when the key was used for something else."
_USUAL_DAYS = timedelta(days=90)


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


class Inspected(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """How identical units were found; see GET /returns/checklists for questions and answers, POST /files for photos."""

    units: list[str]
    answers: dict[str, str]
    grade: str
    photos: list[str]
    note: str = ""
    location: str = ""
    quantity: int | None = None


class NewInspections(msgspec.Struct, forbid_unknown_fields=True):
    """Units of one warehouse that were graded: all of them or none."""

    looks: list[Inspected]


class GradedUnits(msgspec.Struct):
    """The units that were graded and their inspections."""

    units: list[str]
    inspections: list[uuid.UUID]


class ChosenUnits(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Units by their codes, and why."""

    units: list[str]
    note: str = ""


class ChosenUnit(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One unit by its code, and why."""

    unit: str
    note: str


class NewDecision(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What becomes of units: RESTOCK, RELABEL, REPAIR, SECOND, SEND_HOME, DONATE or SCRAP."""

    units: list[str]
    kind: str
    note: str = ""


class UnitCodes(msgspec.Struct):
    """Units by their codes."""

    units: list[str]


class NewDeed(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """How the decision on units of one kind is carried out: the bin, or method, witness, place and photos of a destruction."""

    units: list[str]
    location: str = ""
    method: str = ""
    witness: str = ""
    place: str = ""
    photos: list[str] = []


class NewSplit(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`quantity` pieces of a unit that has `of` become a unit of their own."""

    unit: str
    quantity: int
    of: int


class SplitUnit(msgspec.Struct):
    """The new unit."""

    unit: str


class NewRefund(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Money given back to the buyer for pieces of a line."""

    line: int
    quantity: int
    amount: Decimal
    currency: str
    refunded_on: date
    reference: str = ""


class RecordedRefund(msgspec.Struct):
    """The refund that was recorded."""

    id: uuid.UUID


class Why(msgspec.Struct, forbid_unknown_fields=True):
    """Why something is undone."""

    note: str


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


class OneInspection(msgspec.Struct, kw_only=True):
    """A look at a unit; the latest counts."""

    id: uuid.UUID
    turn: int
    item_class: str
    edition: str
    answers: dict[str, str]
    grade: str
    note: str
    grader: str | None
    graded_at: datetime


class OneDecision(msgspec.Struct, kw_only=True):
    """A decision on a unit, and what became of it."""

    kind: str
    decided_as: str
    decided_at: datetime
    note: str
    executed_at: datetime | None
    document_id: uuid.UUID | None
    follow_up: str | None
    follow_up_number: str | None
    revoked_at: datetime | None
    revoked_note: str | None


class OneUnit(msgspec.Struct, kw_only=True):
    """A returned unit with every look at it and every decision on it, the latest first."""

    code: str
    number: str
    warehouse: str
    owner: str
    item: str
    lot: str | None
    serial: str | None
    quantity: int
    state: str
    grade: str | None
    regrade: str
    disposition: str | None
    location: str | None
    received_at: datetime
    due_at: datetime | None
    inspections: list[OneInspection]
    decisions: list[OneDecision]


def _status(repeated: bool) -> int:
    return 200 if repeated else 201


# ------------------------------------------------------------------------------------------------------- receiving


@post("/returns/receipts", tags=["Handling returns"], summary="Receive goods of a return", description=_ONCE.strip())
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
    return Response(ReceivedUnits(number=done.number, units=done.units), status_code=_status(done.repeated))


@post("/returns/receipts/reversals", tags=["Handling returns"], summary="Reverse the receipt that a unit came in with")
async def reverse_receipt(request: Request[Any, Any, Any], data: JSONBody[ChosenUnit]) -> UnitCodes:
    """Reverse a receipt of which nothing is graded."""
    viewer = access_rules.require(request.user, Right.HANDLE_RETURNS)
    return UnitCodes(await receiving.reverse_receipt(viewer, data.unit, note=data.note))


@post("/returns/arrivals", tags=["Handling returns"], summary="A parcel is at the dock", status_code=200)
async def arrive(request: Request[Any, Any, Any], data: JSONBody[Arrival]) -> ArrivedParcel:
    """Start the clock of receiving."""
    viewer = access_rules.require(request.user, Right.HANDLE_RETURNS)
    return ArrivedParcel(await receiving.arrive(viewer, data.warehouse, data.number, parcel_no=data.parcel))


@post("/returns/receipts/closed", tags=["Handling returns"], summary="Nothing more of a return comes", status_code=200)
async def close_receipt(request: Request[Any, Any, Any], data: JSONBody[ClosedReceipt]) -> MissingPieces:
    """Wait no longer for what is outstanding."""
    viewer = access_rules.require(request.user, Right.HANDLE_RETURNS)
    return MissingPieces(await receiving.close_receipt(viewer, data.warehouse, data.number, note=data.note))


# --------------------------------------------------------------------------------------------------------- grading


@get("/returns/checklists", tags=["Handling returns"], summary="The published checklists and grades")
async def published(request: Request[Any, Any, Any]) -> checklists.Edition:
    """Classes of goods with their questions, answers and grades, in every language."""
    access_rules.require(request.user, Right.SEE_RETURNS)
    return checklists.edition()


@post("/returns/inspections", tags=["Handling returns"], summary="Grade units", description=_ONCE.strip())
async def grade(
    request: Request[Any, Any, Any], data: JSONBody[NewInspections], idempotency_key: IdempotencyKey = ""
) -> Response[GradedUnits]:
    """Grade units of one warehouse."""
    viewer = access_rules.require(request.user, Right.HANDLE_RETURNS)
    looks = [
        Look(
            units=each.units,
            answers=each.answers,
            grade=each.grade,
            photos=each.photos,
            note=each.note,
            location=each.location,
            quantity=each.quantity,
        )
        for each in data.looks
    ]
    done = await grading.grade_many(viewer, looks, request_key=idempotency_key)
    return Response(GradedUnits(done.units, done.inspections), status_code=_status(done.repeated))


@post("/returns/regrades", tags=["Handling returns"], summary="Ask for a second look", status_code=204)
async def regrade(request: Request[Any, Any, Any], data: JSONBody[ChosenUnits]) -> None:
    """Ask, as the owner, that another person grades units again."""
    viewer = access_rules.require(request.user, Right.DECIDE_RETURNS)
    await grading.ask_regrade(viewer, data.units, note=data.note)


@post("/returns/regrades/withdrawn", tags=["Handling returns"], summary="Ask for no second look", status_code=204)
async def withdraw(request: Request[Any, Any, Any], data: JSONBody[UnitCodes]) -> None:
    """Take the wish for a second look back."""
    viewer = access_rules.require(request.user, Right.DECIDE_RETURNS)
    await grading.withdraw_regrade(viewer, data.units)


@post("/returns/splits", tags=["Handling returns"], summary="Split a unit of several pieces")
async def split(request: Request[Any, Any, Any], data: JSONBody[NewSplit]) -> SplitUnit:
    """Make pieces a unit of their own."""
    viewer = access_rules.require(request.user, Right.SEE_RETURNS)
    return SplitUnit(await grading.split(viewer, data.unit, quantity=data.quantity, of=data.of))


@get("/returns/agreement", media_type=JSON, tags=["Handling returns"], summary="How graders agree", description=_LIST)
async def agreement(
    request: Request[Any, Any, Any],
    warehouse: FromQuery[str] = "",
    since: Annotated[str, QueryParameter(name="from", required=False, description="First day, like 2026-11-01.")] = "",
    until: Annotated[str, QueryParameter(name="to", required=False, description="Last day, like 2026-11-30.")] = "",
    after: After = None,
    limit: Limit = 100,
) -> bytes:
    """Second looks by another person, for each warehouse (grader null) and grader, of the last 90 days or between two days."""
    viewer = access_rules.require(request.user, Right.SEE_RETURNS)
    today = clock.business_day(clock.now(), viewer.time_zone)
    first, last = _day("from", since, today - _USUAL_DAYS), _day("to", until, today)
    listing = units.agreement(first, last, viewer.time_zone)
    return await listing.json_page(units.agreement_clauses(viewer, {"warehouse": warehouse}), after=after, limit=limit)


def _day(field: str, given: str, otherwise: date) -> date:
    try:
        day = date.fromisoformat(given) if given else otherwise
        return min(max(day, date(2000, 1, 1)), date(2999, 1, 1))
    except ValueError:
        sentence = N_("“%(value)s” is not a day. Write it like 2026-11-23.")
        raise Invalid([Fault(field, given, sentence, {"value": given})]) from None


# ---------------------------------------------------------------------------------------------------- dispositions


@get(
    "/returns/units",
    media_type=JSON,
    tags=["Handling returns"],
    summary="Units by what they wait for",
    description=_LIST,
)
async def waiting(
    request: Request[Any, Any, Any],
    queue: Annotated[str, QueryParameter(name="queue", description="grade, decide or carry-out.")],
    warehouse: FromQuery[str] = "",
    owner: FromQuery[str] = "",
    item: FromQuery[str] = "",
    grade_given: Annotated[str, QueryParameter(name="grade", required=False)] = "",
    disposition: FromQuery[str] = "",
    search: FromQuery[str] = "",
    after: After = None,
    limit: Limit = 100,
) -> bytes:
    """Units in the viewer's scope, those that were received first."""
    viewer = access_rules.require(request.user, Right.SEE_RETURNS)
    if queue not in list(Queue):
        sentence = N_("“%(value)s” is not possible here. Choose one of: %(choices)s.")
        raise Invalid([Fault("queue", queue, sentence, {"value": queue[:64], "choices": ", ".join(Queue)})])
    filters = {
        "warehouse": warehouse,
        "owner": owner,
        "item": item,
        "grade": grade_given,
        "disposition": disposition,
        "search": search,
    }
    clauses = await units.unit_clauses(viewer, Queue(queue), filters)
    return await units.UNITS.json_page(clauses, after=after, limit=limit)


@get("/returns/units/{code:str}", tags=["Handling returns"], summary="A unit with its history")
async def one(request: Request[Any, Any, Any], code: FromPath[str]) -> OneUnit:
    """One unit in the viewer's scope."""
    viewer = access_rules.require(request.user, Right.SEE_RETURNS)
    row = await units.unit(viewer, code)
    head = {name: row[name] for name in OneUnit.__struct_fields__ if name not in ("inspections", "decisions")}
    looks = [
        OneInspection(**{name: look[name] for name in OneInspection.__struct_fields__})
        for look in await units.inspections([row])
    ]
    made = [
        OneDecision(**{name: each[name] for name in OneDecision.__struct_fields__})
        for each in await units.decisions(row)
    ]
    return OneUnit(**head, inspections=looks, decisions=made)


@post(
    "/returns/decisions", tags=["Handling returns"], summary="Decide what becomes of units", description=_ONCE.strip()
)
async def decide(
    request: Request[Any, Any, Any], data: JSONBody[NewDecision], idempotency_key: IdempotencyKey = ""
) -> Response[UnitCodes]:
    """Decide, as the owner of the goods."""
    viewer = access_rules.require(request.user, Right.DECIDE_RETURNS)
    done = await dispositions.decide(viewer, data.units, kind=data.kind, note=data.note, request_key=idempotency_key)
    return Response(UnitCodes(done.units), status_code=_status(done.repeated))


@post("/returns/decisions/revoked", tags=["Handling returns"], summary="Take decisions back", status_code=204)
async def revoke(request: Request[Any, Any, Any], data: JSONBody[ChosenUnits]) -> None:
    """Take decisions back that are not carried out."""
    viewer = access_rules.require(request.user, Right.DECIDE_RETURNS)
    await dispositions.revoke(viewer, data.units, note=data.note)


@post("/returns/dispositions", tags=["Handling returns"], summary="Carry decisions out", description=_ONCE.strip())
async def carry_out(
    request: Request[Any, Any, Any], data: JSONBody[NewDeed], idempotency_key: IdempotencyKey = ""
) -> Response[UnitCodes]:
    """Carry out what was decided, as the operator of the warehouse."""
    viewer = access_rules.require(request.user, Right.HANDLE_RETURNS)
    deed = Deed(location=data.location, method=data.method, witness=data.witness, place=data.place, photos=data.photos)
    done = await carrying_out.carry_out(viewer, data.units, deed, request_key=idempotency_key)
    return Response(UnitCodes(done.units), status_code=_status(done.repeated))


@post("/returns/dispositions/reversals", tags=["Handling returns"], summary="Undo what was carried out for a unit")
async def undo(request: Request[Any, Any, Any], data: JSONBody[ChosenUnit]) -> UnitCodes:
    """Reverse the movement; what was destroyed together comes back together."""
    viewer = access_rules.require(request.user, Right.HANDLE_RETURNS)
    return UnitCodes(await carrying_out.undo(viewer, data.unit, note=data.note))


# ----------------------------------------------------------------------------------------------------------- money


@post("/returns/{rma_id:uuid}/refunds", tags=["Handling returns"], summary="Record a refund", description=_ONCE.strip())
async def refund(
    request: Request[Any, Any, Any],
    rma_id: FromPath[uuid.UUID],
    data: JSONBody[NewRefund],
    idempotency_key: IdempotencyKey = "",
) -> Response[RecordedRefund]:
    """Record money that the owner gave back, for no more pieces than were dealt with."""
    viewer = access_rules.require(request.user, Right.DECIDE_RETURNS)
    given = Given(
        line_no=data.line,
        quantity=data.quantity,
        amount=data.amount,
        currency=data.currency,
        refunded_on=data.refunded_on,
        reference=data.reference,
    )
    done = await refunds.refund(viewer, rma_id, given, request_key=idempotency_key)
    return Response(RecordedRefund(done.id), status_code=_status(done.repeated))


@post(
    "/returns/refunds/{refund_id:uuid}/reverse",
    tags=["Handling returns"],
    summary="A refund does not hold",
    status_code=204,
)
async def reverse_refund(request: Request[Any, Any, Any], refund_id: FromPath[uuid.UUID], data: JSONBody[Why]) -> None:
    """Take a refund back; it stays in the book."""
    viewer = access_rules.require(request.user, Right.DECIDE_RETURNS)
    await refunds.reverse_refund(viewer, refund_id, note=data.note)


# --------------------------------------------------------------------------------------------------------- parcels


@get("/returns/parcels", media_type=JSON, tags=["Handling returns"], summary="Unannounced parcels", description=_LIST)
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


@post(
    "/returns/parcels", tags=["Handling returns"], summary="Write an unannounced parcel down", description=_ONCE.strip()
)
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
    return Response(RecordedParcel(made.id, made.number), status_code=_status(made.repeated))


@post(
    "/returns/parcels/{parcel_id:uuid}/match",
    tags=["Handling returns"],
    summary="A parcel belongs to a return",
    status_code=200,
)
async def match_parcel(
    request: Request[Any, Any, Any], parcel_id: FromPath[uuid.UUID], data: JSONBody[Match]
) -> Matched:
    """Make the parcel one of a return that its warehouse expects."""
    viewer = access_rules.require(request.user, Right.HANDLE_RETURNS)
    return Matched(await parcels.match(viewer, parcel_id, data.number))


router = Router(
    path="/api/v1",
    route_handlers=[
        receive,
        reverse_receipt,
        arrive,
        close_receipt,
        published,
        grade,
        regrade,
        withdraw,
        split,
        agreement,
        waiting,
        one,
        decide,
        revoke,
        carry_out,
        undo,
        refund,
        reverse_refund,
        parcels_listed,
        record_parcel,
        match_parcel,
    ],
)
