"""Handling returned goods for machines: decide, carry out, refund, and the router of all of it.

The shapes here, in `dock_api` and in `bench_api` are a contract: they are added to, never changed.
"""

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from backend.access import rules as access_rules
from backend.access.rules import Right
from backend.core.errors import Fault, Invalid
from backend.core.text import N_
from backend.returns import bench_api, carrying_out, dispositions, dock_api, refunds, units
from backend.returns.api import JSON, After, IdempotencyKey, Limit
from backend.returns.carrying_out import Deed
from backend.returns.handling_shapes import LIST, ONCE, TAGS, ChosenUnit, ChosenUnits, UnitCodes, status
from backend.returns.refunds import Given
from backend.returns.units import Queue


class NewDecision(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What becomes of units: RESTOCK, RELABEL, REPAIR, SECOND, SEND_HOME, DONATE or SCRAP."""

    units: list[str]
    kind: str
    note: str = ""


class NewDeed(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """How the decision on units of one kind is carried out: the bin, or method, witness, place and photos of a destruction."""

    units: list[str]
    location: str = ""
    method: str = ""
    witness: str = ""
    place: str = ""
    photos: list[str] = []


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
    follow_up_id: uuid.UUID | None
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


@get(
    "/returns/units",
    media_type=JSON,
    tags=TAGS,
    summary="Units by what they wait for",
    description=LIST,
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
        raise Invalid([Fault("queue", queue, sentence, {"value": queue[:64], "choices": list(Queue)})])
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


@get("/returns/units/{code:str}", tags=TAGS, summary="A unit with its history")
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


@post("/returns/decisions", tags=TAGS, summary="Decide what becomes of units", description=ONCE)
async def decide(
    request: Request[Any, Any, Any], data: JSONBody[NewDecision], idempotency_key: IdempotencyKey = ""
) -> Response[UnitCodes]:
    """Decide, as the owner of the goods."""
    viewer = access_rules.require(request.user, Right.DECIDE_RETURNS)
    done = await dispositions.decide(viewer, data.units, kind=data.kind, note=data.note, request_key=idempotency_key)
    return Response(UnitCodes(done.units), status_code=status(done.repeated))


@post("/returns/decisions/revoked", tags=TAGS, summary="Take decisions back", status_code=204)
async def revoke(request: Request[Any, Any, Any], data: JSONBody[ChosenUnits]) -> None:
    """Take decisions back that are not carried out."""
    viewer = access_rules.require(request.user, Right.DECIDE_RETURNS)
    await dispositions.revoke(viewer, data.units, note=data.note)


@post("/returns/dispositions", tags=TAGS, summary="Carry decisions out", description=ONCE)
async def carry_out(
    request: Request[Any, Any, Any], data: JSONBody[NewDeed], idempotency_key: IdempotencyKey = ""
) -> Response[UnitCodes]:
    """Carry out what was decided, as the operator of the warehouse."""
    viewer = access_rules.require(request.user, Right.HANDLE_RETURNS)
    deed = Deed(location=data.location, method=data.method, witness=data.witness, place=data.place, photos=data.photos)
    done = await carrying_out.carry_out(viewer, data.units, deed, request_key=idempotency_key)
    return Response(UnitCodes(done.units), status_code=status(done.repeated))


@post("/returns/dispositions/reversals", tags=TAGS, summary="Undo what was carried out for a unit")
async def undo(request: Request[Any, Any, Any], data: JSONBody[ChosenUnit]) -> UnitCodes:
    """Reverse the movement; what was destroyed together comes back together."""
    viewer = access_rules.require(request.user, Right.HANDLE_RETURNS)
    return UnitCodes(await carrying_out.undo(viewer, data.unit, note=data.note))


@post("/returns/{rma_id:uuid}/refunds", tags=TAGS, summary="Record a refund", description=ONCE)
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
    return Response(RecordedRefund(done.id), status_code=status(done.repeated))


@post(
    "/returns/refunds/{refund_id:uuid}/reverse",
    tags=TAGS,
    summary="A refund does not hold",
    status_code=204,
)
async def reverse_refund(request: Request[Any, Any, Any], refund_id: FromPath[uuid.UUID], data: JSONBody[Why]) -> None:
    """Take a refund back; it stays in the book."""
    viewer = access_rules.require(request.user, Right.DECIDE_RETURNS)
    await refunds.reverse_refund(viewer, refund_id, note=data.note)


router = Router(
    path="/api/v1",
    route_handlers=[
        *dock_api.HANDLERS,
        *bench_api.HANDLERS,
        *(waiting, one, decide, revoke, carry_out, undo, refund, reverse_refund),
    ],
)
