"""The bench for machines: diagnosis, quote, parts, labour, test, end of a work order.

Every write takes an Idempotency-Key: 201 when it was done now, 200 when the key had done it before.
"""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, post
from litestar.params import FromPath, HeaderParameter, JSONBody

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core.errors import told_as
from backend.repairs import actions, bench, ending, quoting
from backend.repairs.orders import Done

IdempotencyKey = Annotated[
    str,
    HeaderParameter(
        name="Idempotency-Key",
        required=False,
        description="New for each new request; the same key and body give the first answer again.",
    ),
]


class Finding(msgspec.Struct, forbid_unknown_fields=True):
    """What was found, by fault codes of the item's class."""

    codes: list[str]
    repairable: bool
    note: str = ""


class QuotePart(msgspec.Struct, forbid_unknown_fields=True):
    """A part of the owner's own stock at a price each."""

    item: str
    quantity: int
    price: Decimal


class NewQuote(msgspec.Struct, forbid_unknown_fields=True):
    """What the repair would cost: parts, and minutes at a rate an hour."""

    currency: str
    expires_at: datetime
    minutes: int = 0
    rate: Decimal = Decimal(0)
    parts: list[QuotePart] = []
    note: str = ""


class Part(msgspec.Struct, forbid_unknown_fields=True):
    """Pieces of a part, and where they lie (or are put)."""

    item: str
    location: str
    quantity: int
    lot: str | None = None
    condition: str = "GOOD"


class UsedParts(msgspec.Struct, forbid_unknown_fields=True):
    """Parts that went into the unit."""

    parts: list[Part]
    note: str = ""


class RecoveredPart(msgspec.Struct, forbid_unknown_fields=True):
    """A part that came out of the unit: DAMAGED, or SECOND with a note how it was found to work."""

    part: Part
    note: str = ""


class Said(msgspec.Struct, forbid_unknown_fields=True):
    """Why."""

    note: str = ""


class Worked(msgspec.Struct, forbid_unknown_fields=True):
    """Minutes at the bench; `done` sends the unit to its test."""

    minutes: int
    done: bool = False
    note: str = ""


class Tested(msgspec.Struct, forbid_unknown_fields=True):
    """Every check of the item's class: ok, bad or na."""

    answers: dict[str, str]
    note: str = ""


class Left(msgspec.Struct, forbid_unknown_fields=True):
    """Where the unit goes from the workshop, and in which condition (GOOD or SECOND; given up, it is damaged)."""

    location: str
    condition: str = ""
    note: str = ""


class Made(msgspec.Struct):
    """What was made: the work order, quote, diagnosis, step or test."""

    id: uuid.UUID


def made(done: Done) -> Response[Made]:
    """201 with what was made, 200 when the key had made it before."""
    return Response(Made(done.id), status_code=200 if done.repeated else 201)


def worker(request: Request[Any, Any, Any]) -> Viewer:
    """Whoever asks and may work at a bench."""
    return access_rules.require(request.user, Right.DO_REPAIRS)


def _part(part: Part) -> bench.PartTaken:
    return bench.PartTaken(part.item, part.location, part.quantity, part.lot, part.condition)


@post("/repairs/{order_id:uuid}/diagnosis", tags=["Repairs"], summary="Write down what was found")
async def diagnose(
    request: Request[Any, Any, Any],
    order_id: FromPath[uuid.UUID],
    data: JSONBody[Finding],
    idempotency_key: IdempotencyKey = "",
) -> Response[Made]:
    """Diagnose."""
    done = await actions.diagnose(
        worker(request),
        order_id,
        codes=data.codes,
        repairable=data.repairable,
        note=data.note,
        request_key=idempotency_key,
    )
    return made(done)


@post("/repairs/{order_id:uuid}/quotes", tags=["Repairs"], summary="Quote the repair to its owner")
async def quote(
    request: Request[Any, Any, Any],
    order_id: FromPath[uuid.UUID],
    data: JSONBody[NewQuote],
    idempotency_key: IdempotencyKey = "",
) -> Response[Made]:
    """Make a quote."""
    done = await quoting.quote(
        worker(request),
        order_id,
        parts=[quoting.PartAsked(part.item, part.quantity, part.price) for part in data.parts],
        minutes=data.minutes,
        rate=data.rate,
        currency=data.currency,
        expires_at=data.expires_at,
        note=data.note,
        request_key=idempotency_key,
    )
    return made(done)


@post("/repairs/{order_id:uuid}/quotes/withdraw", tags=["Repairs"], summary="Withdraw the open quote")
async def withdraw(
    request: Request[Any, Any, Any],
    order_id: FromPath[uuid.UUID],
    data: JSONBody[Said],
    idempotency_key: IdempotencyKey = "",
) -> Response[Made]:
    """Withdraw the quote."""
    return made(await quoting.withdraw(worker(request), order_id, note=data.note, request_key=idempotency_key))


@post("/repairs/{order_id:uuid}/parts", tags=["Repairs"], summary="Use parts up")
async def use_parts(
    request: Request[Any, Any, Any],
    order_id: FromPath[uuid.UUID],
    data: JSONBody[UsedParts],
    idempotency_key: IdempotencyKey = "",
) -> Response[Made]:
    """Use parts."""
    done = await bench.use_parts(
        worker(request),
        order_id,
        parts=[_part(part) for part in data.parts],
        note=data.note,
        request_key=idempotency_key,
    )
    return made(done)


@post("/repairs/{order_id:uuid}/parts/recovered", tags=["Repairs"], summary="Take a part out of the unit into stock")
async def recover(
    request: Request[Any, Any, Any],
    order_id: FromPath[uuid.UUID],
    data: JSONBody[RecoveredPart],
    idempotency_key: IdempotencyKey = "",
) -> Response[Made]:
    """Recover a part."""
    with told_as({"parts.0": "part"}):
        done = await bench.recover_part(
            worker(request), order_id, part=_part(data.part), note=data.note, request_key=idempotency_key
        )
    return made(done)


@post("/repairs/{order_id:uuid}/parts/{use_id:uuid}/undo", tags=["Repairs"], summary="Put parts back")
async def undo_parts(
    request: Request[Any, Any, Any],
    order_id: FromPath[uuid.UUID],
    use_id: FromPath[uuid.UUID],
    data: JSONBody[Said],
    idempotency_key: IdempotencyKey = "",
) -> Response[Made]:
    """Undo a use of parts."""
    done = await bench.undo_parts(worker(request), order_id, use_id=use_id, note=data.note, request_key=idempotency_key)
    return made(done)


@post("/repairs/{order_id:uuid}/labour", tags=["Repairs"], summary="Write down minutes at the bench")
async def work(
    request: Request[Any, Any, Any],
    order_id: FromPath[uuid.UUID],
    data: JSONBody[Worked],
    idempotency_key: IdempotencyKey = "",
) -> Response[Made]:
    """Record labour."""
    done = await bench.work(
        worker(request), order_id, minutes=data.minutes, note=data.note, done=data.done, request_key=idempotency_key
    )
    return made(done)


@post("/repairs/{order_id:uuid}/tests", tags=["Repairs"], summary="Write a test down")
async def record_test(
    request: Request[Any, Any, Any],
    order_id: FromPath[uuid.UUID],
    data: JSONBody[Tested],
    idempotency_key: IdempotencyKey = "",
) -> Response[Made]:
    """Record a test."""
    done = await bench.record_test(
        worker(request), order_id, answers=data.answers, note=data.note, request_key=idempotency_key
    )
    return made(done)


@post(
    "/repairs/{order_id:uuid}/finish",
    tags=["Repairs"],
    summary="Let a tested unit leave the workshop",
    description="409 when its last test was not passed.",
)
async def finish(
    request: Request[Any, Any, Any],
    order_id: FromPath[uuid.UUID],
    data: JSONBody[Left],
    idempotency_key: IdempotencyKey = "",
) -> Response[Made]:
    """Finish."""
    done = await ending.finish(
        worker(request),
        order_id,
        location=data.location,
        condition=data.condition,
        note=data.note,
        request_key=idempotency_key,
    )
    return made(done)


@post("/repairs/{order_id:uuid}/give-up", tags=["Repairs"], summary="Let a unit leave the workshop unrepaired")
async def give_up(
    request: Request[Any, Any, Any],
    order_id: FromPath[uuid.UUID],
    data: JSONBody[Left],
    idempotency_key: IdempotencyKey = "",
) -> Response[Made]:
    """Give up."""
    done = await ending.give_up(
        worker(request), order_id, location=data.location, note=data.note, request_key=idempotency_key
    )
    return made(done)


HANDLERS = (diagnose, quote, withdraw, use_parts, recover, undo_parts, work, record_test, finish, give_up)
