"""Terms and batches home for machines. The shapes here are a contract: they are added to, never changed."""

import uuid
from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post, put
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core.errors import NotFound, told_as
from backend.returns import batches, home, sending, terms
from backend.returns.home_rules import Stage
from backend.returns.home_shapes import (
    Arrival,
    HomeBatch,
    Leaving,
    Line,
    MoreGoods,
    NewBatch,
    NewPlan,
    PackedLines,
    Removed,
    Why,
)
from backend.stock.rules import Condition

JSON = "application/json"
_LIST = "A page of rows, each an object, and `after`, the place where the next page begins (null at the end)."
After = Annotated[
    str | None,
    QueryParameter(name="after", required=False, description="Place in the list, from `after` of the page before."),
]
Limit = Annotated[int, QueryParameter(name="limit", required=False, description="Rows on a page, 1 to 500.")]
IdempotencyKey = Annotated[
    str,
    HeaderParameter(
        name="Idempotency-Key",
        required=False,
        description="New for each new request; the same key and body give the first answer again.",
    ),
]


class NewTerms(msgspec.Struct, forbid_unknown_fields=True):
    """Days to decide, and a disposition for each grade (A to D); a grade that is left out waits for its owner."""

    decide_days: int
    defaults: dict[str, str] = {}


class AgreedTerms(msgspec.Struct):
    """The terms that hold."""

    id: uuid.UUID
    decide_days: int
    defaults: dict[str, str]
    agreed_at: datetime


@get("/returns/terms", media_type=JSON, tags=["Returns"], summary="Terms for returned goods", description=_LIST)
async def terms_listed(
    request: Request[Any, Any, Any],
    owner: FromQuery[str] = "",
    history: FromQuery[str] = "",
    after: After = None,
    limit: Limit = 100,
) -> bytes:
    """Terms in the viewer's scope, the latest first; `history` yes: with those that were replaced."""
    viewer = access_rules.require(request.user, Right.SEE_RETURNS)
    clauses = terms.clauses(viewer, {"owner": owner, "history": history})
    return await terms.TERMS.json_page(clauses, after=after, limit=limit)


@put(
    "/returns/terms",
    tags=["Returns"],
    summary="Agree terms for returned goods",
    description="They hold for decisions that are due from now on. The same terms again change nothing.",
)
async def agree(request: Request[Any, Any, Any], data: JSONBody[NewTerms]) -> AgreedTerms:
    """Agree terms for the viewer's own goods."""
    viewer = access_rules.require(request.user, Right.DECIDE_RETURNS)
    with told_as({f"default_{grade}": f"defaults.{grade}" for grade in data.defaults}):
        made = await terms.agree(viewer, str(data.decide_days), data.defaults)
    chosen = {grade.value: each.value for grade, each in made.agreement.defaults.items()}
    return AgreedTerms(made.id, made.agreement.decide_days, chosen, made.agreed_at)


# -------------------------------------------------------------------------------------------------------- batches home


async def _shown(viewer: Viewer, batch_id: uuid.UUID) -> HomeBatch:
    head = await batches.batch(viewer, batch_id)
    own = {name: head[name] for name in HomeBatch.__struct_fields__ if name in head}
    away = (head["packed"] or 0) - head["arrived"] if head["stage"] in (Stage.SENT, Stage.ARRIVED) else 0
    return HomeBatch(
        **{name: value for name, value in own.items() if name != "lines"},
        in_transit=away,
        dispatch_document=head["dispatch_document_id"],
        arrival_document=head["arrival_document_id"],
        lines=[
            Line(
                **{name: row[name] for name in Line.__struct_fields__ if name in row and name != "condition"},
                condition=Condition(row["condition"]).name,
                taxed_agreed=row["taxed_agreed_by"] is not None,
            )
            for row in await batches.lines(head)
        ],
    )


@get("/returns/batches", media_type=JSON, tags=["Batches home"], summary="Batches home", description=_LIST)
async def batches_listed(
    request: Request[Any, Any, Any],
    stage: FromQuery[str] = "",
    cause: FromQuery[str] = "",
    warehouse: FromQuery[str] = "",
    owner: FromQuery[str] = "",
    number: FromQuery[str] = "",
    after: After = None,
    limit: Limit = 100,
) -> bytes:
    """Batches in the viewer's scope, the latest first."""
    viewer = access_rules.require(request.user, Right.SEE_RETURNS)
    asked = {"stage": stage, "cause": cause, "warehouse": warehouse, "owner": owner, "number": number}
    return await batches.BATCHES.json_page(batches.clauses(viewer, asked), after=after, limit=limit)


@get("/returns/batches/{batch_id:uuid}", tags=["Batches home"], summary="A batch with its lines")
async def batch_shown(request: Request[Any, Any, Any], batch_id: FromPath[uuid.UUID]) -> HomeBatch:
    """One batch in the viewer's scope."""
    return await _shown(access_rules.require(request.user, Right.SEE_RETURNS), batch_id)


@post(
    "/returns/batches",
    tags=["Batches home"],
    summary="Open a batch home",
    description="201 when opened, 200 with the same body when the key had opened it before.",
)
async def batch_opened(
    request: Request[Any, Any, Any], data: JSONBody[NewBatch], idempotency_key: IdempotencyKey = ""
) -> Response[HomeBatch]:
    """Open an empty batch of the viewer's goods."""
    viewer = access_rules.require(request.user, Right.DECIDE_RETURNS)
    given = {name: getattr(data, name) for name in ("cause", "home_area", "planned_on", "statement")}
    made = await home.open_batch(viewer, data.warehouse, given, request_key=idempotency_key)
    return Response(await _shown(viewer, made.id), status_code=200 if made.repeated else 201)


@put("/returns/batches/{batch_id:uuid}/plan", tags=["Batches home"], summary="Plan an open batch anew")
async def batch_planned(
    request: Request[Any, Any, Any],
    batch_id: FromPath[uuid.UUID],
    data: JSONBody[NewPlan],
    idempotency_key: IdempotencyKey = "",
) -> HomeBatch:
    """Every line is judged again."""
    viewer = access_rules.require(request.user, Right.DECIDE_RETURNS)
    given = {name: getattr(data, name) for name in ("home_area", "planned_on", "statement")}
    await home.change_plan(
        viewer,
        batch_id,
        given,
        taxed_agreed=data.taxed_agreed,
        revision=data.revision,
        request_key=idempotency_key,
    )
    return await _shown(viewer, batch_id)


@post(
    "/returns/batches/{batch_id:uuid}/lines", status_code=200, tags=["Batches home"], summary="Put goods into a batch"
)
async def batch_filled(
    request: Request[Any, Any, Any],
    batch_id: FromPath[uuid.UUID],
    data: JSONBody[MoreGoods],
    idempotency_key: IdempotencyKey = "",
) -> HomeBatch:
    """All of them or none; 422 names every unit and line that may not join, and why."""
    viewer = access_rules.require(request.user, Right.DECIDE_RETURNS)
    await home.add(
        viewer,
        batch_id,
        units=data.units,
        stock=data.stock,
        taxed_agreed=data.taxed_agreed,
        revision=data.revision,
        request_key=idempotency_key,
    )
    return await _shown(viewer, batch_id)


@post(
    "/returns/batches/{batch_id:uuid}/lines/removed",
    status_code=200,
    tags=["Batches home"],
    summary="Take lines out of a batch",
)
async def batch_emptied(
    request: Request[Any, Any, Any],
    batch_id: FromPath[uuid.UUID],
    data: JSONBody[Removed],
    idempotency_key: IdempotencyKey = "",
) -> HomeBatch:
    """The goods stay where they are."""
    viewer = access_rules.require(request.user, Right.DECIDE_RETURNS)
    await home.remove(viewer, batch_id, data.lines, revision=data.revision, request_key=idempotency_key)
    return await _shown(viewer, batch_id)


@post(
    "/returns/batches/{batch_id:uuid}/{step:str}",
    status_code=200,
    tags=["Batches home"],
    summary="Move a batch on, or back",
    description="Steps: ready (to be packed), reopen, agree-to-tax, cancel, unpack, undo-dispatch, undo-arrival. Those that "
    "undo something, send it back or cancel need a `note`.",
)
async def batch_moved(
    request: Request[Any, Any, Any],
    batch_id: FromPath[uuid.UUID],
    step: FromPath[str],
    data: JSONBody[Why],
    idempotency_key: IdempotencyKey = "",
) -> HomeBatch:
    """A step without further content."""
    viewer = access_rules.require(request.user, Right.SEE_RETURNS)
    plain = {"ready": home.make_ready, "agree-to-tax": home.agree_to_tax}
    told = {
        "reopen": home.reopen,
        "cancel": home.cancel,
        "unpack": sending.unpack,
        "undo-dispatch": sending.undo_dispatch,
        "undo-arrival": sending.undo_arrival,
    }
    if step in plain:
        await plain[step](viewer, batch_id, revision=data.revision, request_key=idempotency_key)
    elif step in told:
        await told[step](viewer, batch_id, note=data.note, revision=data.revision, request_key=idempotency_key)
    else:
        raise NotFound
    return await _shown(viewer, batch_id)


@post(
    "/returns/batches/{batch_id:uuid}/pack", status_code=200, tags=["Batches home"], summary="Confirm what was packed"
)
async def batch_packed(
    request: Request[Any, Any, Any],
    batch_id: FromPath[uuid.UUID],
    data: JSONBody[PackedLines],
    idempotency_key: IdempotencyKey = "",
) -> HomeBatch:
    """Every line is counted."""
    viewer = access_rules.require(request.user, Right.HANDLE_RETURNS)
    await sending.pack(viewer, batch_id, data.lines, revision=data.revision, request_key=idempotency_key)
    return await _shown(viewer, batch_id)


@post(
    "/returns/batches/{batch_id:uuid}/dispatch",
    status_code=200,
    tags=["Batches home"],
    summary="Let a packed batch leave",
)
async def batch_sent(
    request: Request[Any, Any, Any],
    batch_id: FromPath[uuid.UUID],
    data: JSONBody[Leaving],
    idempotency_key: IdempotencyKey = "",
) -> HomeBatch:
    """One ledger document takes every line to TRANSIT."""
    viewer = access_rules.require(request.user, Right.HANDLE_RETURNS)
    await sending.dispatch(
        viewer,
        batch_id,
        carrier=data.carrier.strip(),
        transport_no=data.transport_no.strip(),
        occurred_at=data.occurred_at,
        revision=data.revision,
        request_key=idempotency_key,
    )
    return await _shown(viewer, batch_id)


@post(
    "/returns/batches/{batch_id:uuid}/arrival", status_code=200, tags=["Batches home"], summary="Confirm what arrived"
)
async def batch_arrived(
    request: Request[Any, Any, Any],
    batch_id: FromPath[uuid.UUID],
    data: JSONBody[Arrival],
    idempotency_key: IdempotencyKey = "",
) -> HomeBatch:
    """One ledger document takes what arrived from TRANSIT to ORIGIN; the rest stays in transit."""
    viewer = access_rules.require(request.user, Right.SEE_RETURNS)
    await sending.confirm_arrival(
        viewer,
        batch_id,
        [(line.line_no, line.quantity) for line in data.lines],
        return_declaration_no=data.return_declaration_no.strip(),
        occurred_at=data.occurred_at,
        revision=data.revision,
        request_key=idempotency_key,
    )
    return await _shown(viewer, batch_id)


router = Router(
    path="/api/v1",
    route_handlers=[
        terms_listed,
        agree,
        batches_listed,
        batch_shown,
        batch_opened,
        batch_planned,
        batch_filled,
        batch_emptied,
        batch_moved,
        batch_packed,
        batch_sent,
        batch_arrived,
    ],
)
