"""Repairs for machines: open, assign, answer, lists, rates, turnaround; the bench's own calls are in `bench_api`."""

import uuid
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from backend.access import rules as access_rules
from backend.access.rules import Right
from backend.core import clock
from backend.repairs import actions, bench, bench_api, failures, faultbook, queries, quoting
from backend.repairs.bench_api import IdempotencyKey, Made, Said, made, worker

JSON = "application/json"
_LIST = "A page of rows, each an object, and `after`, the place where the next page begins (null at the end)."
After = Annotated[
    str | None,
    QueryParameter(name="after", required=False, description="Place in the list, from `after` of the page before."),
]
Limit = Annotated[int, QueryParameter(name="limit", required=False, description="Rows on a page, 1 to 500.")]
Since = Annotated[str, QueryParameter(name="from", required=False, description="First day, like 2026-11-01.")]
Until = Annotated[str, QueryParameter(name="to", required=False, description="Last day, like 2026-11-30.")]


class NewOrder(msgspec.Struct, forbid_unknown_fields=True):
    """One unit in stock to be repaired: the operator moves it to the workshop, its owner asks for that."""

    warehouse: str
    item: str
    location: str
    fault: str
    owner: str = ""
    lot: str | None = None
    condition: str = "GOOD"
    serial: str | None = None
    warranty_from: date | None = None
    warranty_months: int | None = None
    sale_reference: str = ""


class Answer(msgspec.Struct, forbid_unknown_fields=True):
    """The owner's answer; a refusal says why in `note`."""

    approve: bool
    note: str = ""


class Assigned(msgspec.Struct, forbid_unknown_fields=True):
    """The technician's id (null: back to the queue) and the revision of the work order that was read."""

    technician: int | None
    revision: int


class Photos(msgspec.Struct, forbid_unknown_fields=True):
    """Hashes of photos that were brought before."""

    photos: list[str]


@post("/repairs", tags=["Repairs"], summary="Open a work order for a unit in stock")
async def open_order(
    request: Request[Any, Any, Any], data: JSONBody[NewOrder], idempotency_key: IdempotencyKey = ""
) -> Response[Made]:
    """Open a work order."""
    viewer = access_rules.require(request.user, Right.SEE_REPAIRS)
    key = await queries.balance_key(
        viewer,
        warehouse=data.warehouse,
        owner=data.owner,
        item=data.item,
        lot=data.lot or "",
        location=data.location,
        condition=data.condition,
    )
    done = await actions.open_from_stock(
        viewer,
        key,
        serial=data.serial,
        fault=data.fault,
        warranty_from=data.warranty_from,
        warranty_months=data.warranty_months,
        sale_reference=data.sale_reference,
        request_key=idempotency_key,
    )
    return made(done)


@get("/repairs", media_type=JSON, tags=["Repairs"], summary="Work orders", description=_LIST)
async def listed(
    request: Request[Any, Any, Any],
    q: FromQuery[str] = "",
    standing: Annotated[
        str, QueryParameter(name="standing", required=False, description="overdue, soon or running.")
    ] = "",
    stage: FromQuery[str] = "",
    of: Annotated[str, QueryParameter(name="state", required=False, description="open or ended.")] = "",
    technician: FromQuery[str] = "",
    warehouse: FromQuery[str] = "",
    owner: FromQuery[str] = "",
    item: FromQuery[str] = "",
    after: After = None,
    limit: Limit = 100,
) -> bytes:
    """Work orders in the viewer's scope, the oldest first."""
    viewer = access_rules.require(request.user, Right.SEE_REPAIRS)
    filters = {
        "q": q,
        "standing": standing,
        "stage": stage,
        "state": of,
        "technician": technician,
        "warehouse": warehouse,
        "owner": owner,
        "item": item,
    }
    return await queries.ORDERS.json_page(queries.order_clauses(viewer, filters), after=after, limit=limit)


@get("/repairs/{order_id:uuid}", media_type=JSON, tags=["Repairs"], summary="A work order with all that happened to it")
async def one(request: Request[Any, Any, Any], order_id: FromPath[uuid.UUID]) -> bytes:
    """One work order."""
    return await queries.order_json(access_rules.require(request.user, Right.SEE_REPAIRS), order_id)


@post("/repairs/{order_id:uuid}/take-in", tags=["Repairs"], summary="Bring a requested unit to the workshop")
async def take_in(
    request: Request[Any, Any, Any], order_id: FromPath[uuid.UUID], idempotency_key: IdempotencyKey = ""
) -> Response[Made]:
    """Bring the unit in."""
    return made(await actions.take_in(worker(request), order_id, request_key=idempotency_key))


@post("/repairs/{order_id:uuid}/cancel", tags=["Repairs"], summary="Take a request back before the unit moved")
async def cancel(
    request: Request[Any, Any, Any],
    order_id: FromPath[uuid.UUID],
    data: JSONBody[Said],
    idempotency_key: IdempotencyKey = "",
) -> Response[Made]:
    """Cancel a request."""
    viewer = access_rules.require(request.user, Right.SEE_REPAIRS)
    return made(await actions.cancel(viewer, order_id, note=data.note, request_key=idempotency_key))


@post("/repairs/{order_id:uuid}/assign", tags=["Repairs"], summary="Give a work order to a technician", status_code=204)
async def assign(request: Request[Any, Any, Any], order_id: FromPath[uuid.UUID], data: JSONBody[Assigned]) -> None:
    """Assign a technician."""
    await actions.assign(worker(request), order_id, technician_id=data.technician, revision=data.revision)


@post(
    "/repairs/{order_id:uuid}/quotes/{quote_id:uuid}/answer",
    tags=["Repairs"],
    summary="Approve or refuse a quote",
    description="By the owner of the unit. 409 when it was answered already or has expired.",
)
async def answer(
    request: Request[Any, Any, Any],
    order_id: FromPath[uuid.UUID],
    quote_id: FromPath[uuid.UUID],
    data: JSONBody[Answer],
    idempotency_key: IdempotencyKey = "",
) -> Response[Made]:
    """Answer a quote."""
    viewer = access_rules.require(request.user, Right.DECIDE_REPAIRS)
    done = await quoting.answer(
        viewer, order_id, quote_id=quote_id, approve=data.approve, note=data.note, request_key=idempotency_key
    )
    return made(done)


@post("/repairs/{order_id:uuid}/photos", tags=["Repairs"], summary="Attach photos", status_code=204)
async def photos(request: Request[Any, Any, Any], order_id: FromPath[uuid.UUID], data: JSONBody[Photos]) -> None:
    """Attach photos that were brought before."""
    viewer = access_rules.require(request.user, Right.SEE_REPAIRS)
    await bench.attach_photos(viewer, order_id, data.photos)


@get("/repairs/faults", media_type=JSON, tags=["Repairs"], summary="Fault and failure rates", description=_LIST)
async def faults(
    request: Request[Any, Any, Any],
    by: Annotated[str, QueryParameter(name="by", required=False, description="item, lot, owner or class.")] = "",
    since: Since = "",
    until: Until = "",
    warehouse: FromQuery[str] = "",
    owner: FromQuery[str] = "",
    item: FromQuery[str] = "",
    lot: FromQuery[str] = "",
    after: After = None,
    limit: Limit = 100,
) -> bytes:
    """Units shipped, returned, repaired and found faulty, group by group; most faults first."""
    viewer = access_rules.require(request.user, Right.SEE_REPAIRS)
    filters = {
        "by": by,
        "from": since,
        "to": until,
        "warehouse": warehouse,
        "owner": owner,
        "item": item,
        "lot": lot,
    }
    what = await failures.asked(viewer, filters)
    return await failures.rates(what).json_page(failures.nothing_beyond(what), after=after, limit=limit)


@get("/repairs/fault-book", tags=["Repairs"], summary="The fault codes and final checks of each class of items")
async def fault_book(request: Request[Any, Any, Any]) -> faultbook.FaultBook:
    """Codes and checks by class, in every language; what `general` has, every class has too."""
    access_rules.require(request.user, Right.SEE_REPAIRS)
    return faultbook.book()


class Turnaround(msgspec.Struct):
    """How long the repairs of a warehouse took, in days from opening to end: half and nine tenths of them at most so long.

    The bench days leave out the time in which the owner's answer was waited for.
    """

    warehouse: str
    finished: int
    given_up: int
    half_days: Decimal
    most_days: Decimal
    half_bench_days: Decimal
    most_bench_days: Decimal


@get("/repairs/turnaround", tags=["Repairs"], summary="Days that repairs took, by warehouse")
async def turnaround(request: Request[Any, Any, Any], since: Since = "", until: Until = "") -> list[Turnaround]:
    """The repairs that ended in a period (the last 90 days, unless it is given)."""
    viewer = access_rules.require(request.user, Right.SEE_REPAIRS)
    today = clock.business_day(clock.now(), viewer.time_zone)
    first = since or (today - timedelta(days=queries.FIGURES_OVER.days - 1)).isoformat()
    what = await failures.asked(viewer, {"from": first, "to": until})
    rows = await queries.turnaround(viewer, what.begins, what.ends)
    names = Turnaround.__struct_fields__
    return [Turnaround(**{name: row[name] for name in names}) for row in rows]


router = Router(
    path="/api/v1",
    route_handlers=[
        *(open_order, listed, faults, fault_book, turnaround, one, take_in, cancel, assign, answer, photos),
        *bench_api.HANDLERS,
    ],
)
