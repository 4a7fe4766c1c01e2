"""Pledges, inventory statements and lot traces for machines. Shapes are added to, never changed."""

import uuid
from datetime import datetime
from typing import Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.stock.rules import Place
from backend.value_added import pledges, queries, statements, tracing
from backend.value_added.api import JSON, After, IdempotencyKey, Limit
from backend.value_added.pledges import Goods

_LIST = "A page of rows, each an object, and `after`, the place where the next page begins (null at the end)."


class NewPledge(msgspec.Struct, forbid_unknown_fields=True):
    """Own free goods in a warehouse that secure a loan of `pledgee`."""

    warehouse: str
    pledgee: str
    contact: str
    goods: list[Goods]
    reference: str = ""
    job: uuid.UUID | None = None


class MadePledge(msgspec.Struct):
    """The pledge. `link` is what the pledgee opens to agree; it is told once (null when the key was used before)."""

    pledge: uuid.UUID
    number: str
    link: str | None


class Release(msgspec.Struct, forbid_unknown_fields=True):
    """The pledgee's release code, and the hash of its letter, a file that was brought before."""

    code: str
    letter: str
    note: str = ""


class Withdrawal(msgspec.Struct, forbid_unknown_fields=True):
    """Why a pledge is taken back before the pledgee has agreed."""

    note: str = ""


class Freed(msgspec.Struct):
    """How many pieces are free now."""

    pieces: int


class NewStatement(msgspec.Struct, forbid_unknown_fields=True):
    """What to certify: a warehouse, its operator also an owner; the instant, now if none is given."""

    warehouse: str
    owner: str = ""
    as_at: datetime | None = None
    addressee: str = ""
    purpose: str = ""
    reference: str = ""


class MadeStatement(msgspec.Struct):
    """The statement: its content as it was hashed, and the SHA-256 (hex) of that text."""

    id: uuid.UUID
    number: str
    hash: str
    content: msgspec.Raw


class TracedPlace(msgspec.Struct):
    """Pieces of a lot somewhere: ON_HAND in a warehouse, or an outside place; `held` pieces of the traced lot are in them,
    a whole number or a fraction like 5/6.
    """

    item: str
    lot: str
    warehouse: str
    place: str
    pieces: int
    held: str


class TracedPart(msgspec.Struct):
    """Goods in one piece of the traced lot, with the export declaration line they left the country under."""

    item: str
    lot: str
    share: str
    is_root: bool
    declaration_no: str | None
    declaration_line: int | None


class Trace(msgspec.Struct):
    """A lot in both directions."""

    lot: str
    item: str
    forward: list[TracedPlace]
    backward: list[TracedPart]


@get("/services/pledges", media_type=JSON, tags=["Finance"], summary="Pledges", description=_LIST)
async def pledged(
    request: Request[Any, Any, Any],
    standing: FromQuery[str] = "",
    warehouse: FromQuery[str] = "",
    owner: FromQuery[str] = "",
    number: FromQuery[str] = "",
    after: After = None,
    limit: Limit = 100,
) -> bytes:
    """Pledges in the viewer's scope, the latest first; `standing` is offered, agreed, released or withdrawn."""
    viewer = _reader(request)
    filters = {"state": standing, "warehouse": warehouse, "owner": owner, "number": number}
    return await queries.PLEDGES.json_page(queries.pledge_clauses(viewer, filters), after=after, limit=limit)


@post(
    "/services/pledges",
    tags=["Finance"],
    summary="Pledge goods",
    description="The goods are held from now on. Give the link to the pledgee: whoever agrees through it first learns the release code.",
)
async def offer(
    request: Request[Any, Any, Any], data: JSONBody[NewPledge], idempotency_key: IdempotencyKey = ""
) -> Response[MadePledge]:
    """Pledge goods."""
    viewer = access_rules.require(request.user, Right.HOLD_STOCK)
    made = await pledges.offer(
        viewer,
        warehouse=data.warehouse,
        pledgee=data.pledgee,
        contact=data.contact,
        reference=data.reference,
        goods=data.goods,
        job_id=data.job,
        request_key=idempotency_key,
    )
    base = request.app.state.settings.base_url
    link = f"{base}/value-added/agree/{made.link}" if made.link else None
    return Response(MadePledge(made.id, made.number, link), status_code=200 if made.repeated else 201)


@post(
    "/services/pledges/{pledge_id:uuid}/release",
    tags=["Finance"],
    summary="Set pledged goods free",
    description="422 with a wrong code; after several of them 429 and a time to wait.",
    status_code=200,
)
async def release(request: Request[Any, Any, Any], pledge_id: FromPath[uuid.UUID], data: JSONBody[Release]) -> Freed:
    """Release a pledge."""
    freed = await pledges.release(_reader(request), pledge_id, code=data.code, letter=data.letter, note=data.note)
    return Freed(freed)


@post(
    "/services/pledges/{pledge_id:uuid}/withdrawal",
    tags=["Finance"],
    summary="Take a pledge back that was not agreed to",
    status_code=200,
)
async def withdraw(
    request: Request[Any, Any, Any], pledge_id: FromPath[uuid.UUID], data: JSONBody[Withdrawal]
) -> Freed:
    """Withdraw a pledge."""
    return Freed(await pledges.withdraw(_reader(request), pledge_id, note=data.note))


@get("/services/statements", media_type=JSON, tags=["Finance"], summary="Inventory statements", description=_LIST)
async def stated(
    request: Request[Any, Any, Any],
    warehouse: FromQuery[str] = "",
    owner: FromQuery[str] = "",
    number: FromQuery[str] = "",
    after: After = None,
    limit: Limit = 100,
) -> bytes:
    """Statements in the viewer's scope, the latest first."""
    viewer = _reader(request)
    filters = {"warehouse": warehouse, "owner": owner, "number": number}
    return await queries.STATEMENTS.json_page(queries.statement_clauses(viewer, filters), after=after, limit=limit)


@post("/services/statements", tags=["Finance"], summary="Certify what is on hand")
async def state(
    request: Request[Any, Any, Any], data: JSONBody[NewStatement], idempotency_key: IdempotencyKey = ""
) -> Response[MadeStatement]:
    """Make an inventory statement."""
    viewer = _reader(request)
    kept = await statements.make(
        viewer,
        warehouse=data.warehouse,
        owner=data.owner,
        as_at=data.as_at,
        addressee=data.addressee,
        purpose=data.purpose,
        reference=data.reference,
        request_key=idempotency_key,
    )
    return Response(await _statement(viewer, kept.id), status_code=200 if kept.repeated else 201)


@get("/services/statements/{statement_id:uuid}", tags=["Finance"], summary="An inventory statement")
async def statement(request: Request[Any, Any, Any], statement_id: FromPath[uuid.UUID]) -> MadeStatement:
    """One statement."""
    return await _statement(_reader(request), statement_id)


@get(
    "/services/trace",
    tags=["Stock"],
    summary="Trace a lot",
    description="Where its pieces went, in itself and in what was made of it, and what it is made of itself.",
)
async def trace(request: Request[Any, Any, Any], lot: FromQuery[str], item: FromQuery[str] = "") -> list[Trace]:
    """The trace of each lot of this code that the viewer may see (of one item, if its code is given)."""
    viewer = access_rules.require(request.user, Right.SEE_STOCK)
    found = []
    for row in await tracing.lots_named(viewer, lot, item):
        forward = await tracing.trace_forward(viewer, row["id"])
        backward = await tracing.trace_backward(viewer, row["id"])
        places = [
            TracedPlace(
                each.lot["item"],
                each.lot["code"],
                each.warehouse["code"],
                Place(each.place).name if each.place else "ON_HAND",
                each.pieces,
                str(each.held),
            )
            for each in forward.places
        ]
        parts = [
            TracedPart(
                each.lot["item"],
                each.lot["code"],
                str(each.share),
                each.is_root,
                each.lot["declaration_no"],
                each.lot["declaration_line"],
            )
            for each in backward
        ]
        found.append(Trace(row["lot"], row["item"], places, parts))
    return found


async def _statement(viewer: Viewer, statement_id: uuid.UUID) -> MadeStatement:
    row = await statements.statement(viewer, statement_id)
    return MadeStatement(row["id"], row["number"], row["hash"].hex(), msgspec.Raw(row["content"].encode()))


def _reader(request: Request[Any, Any, Any]) -> Viewer:
    return access_rules.require(request.user, Right.SEE_SERVICES)


router = Router(path="/api/v1", route_handlers=[pledged, offer, release, withdraw, stated, state, statement, trace])
