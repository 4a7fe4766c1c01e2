"""How work orders end: a tested unit leaves the workshop, or it is given up; one movement, once."""

import uuid
from datetime import datetime

import asyncpg

from backend.access.rules import Viewer
from backend.core import clock, values
from backend.core.database import DB
from backend.core.errors import Fault, Invalid
from backend.core.text import N_
from backend.messages import actions as messages
from backend.repairs import orders, rules
from backend.repairs.orders import SQL, Done, Row
from backend.repairs.rules import Stage
from backend.stages import actions as stages
from backend.stages.rules import Subject
from backend.stock import ledger
from backend.stock import rules as stock_rules
from backend.stock.rules import Condition, Posting, Reason

_FINISHED = N_("Repair %(number)s of %(item)s is finished: %(condition)s, at %(location)s.")
_GIVEN_UP = N_("Repair %(number)s of %(item)s was given up: %(reason)s")


async def finish(
    viewer: Viewer, order_id: uuid.UUID, *, location: str, condition: str, note: str, request_key: str
) -> Done:
    """Let a tested unit leave the workshop as good or second grade: one movement, once.

    Refuses a unit whose last test was not passed (`Untested`).
    """
    async with DB.transaction():
        order = await orders.locked(viewer, order_id)
        orders.require_bench(viewer, order)
        asked = [order_id, location, condition, note]
        if await orders.claim(viewer, order["warehouse_id"], order_id, "finish", request_key, asked, order_id):
            return Done(order_id, True)
        stage = rules.require_stage(order, *rules.IN_WORKSHOP)
        tested = await DB.value(SQL["last_test_passed"], order["warehouse_id"], order_id)
        if stage is not Stage.TESTING or not tested:
            raise rules.Untested(number=order["number"])
        faults: list[Fault] = []
        said = rules.text_of("note", note, faults)
        place = await _place(order, location, faults)
        if place and place["id"] == order["location_id"]:
            faults.append(Fault("location", location, N_("A repaired unit leaves the workshop. Choose a bin or dock.")))
        state = Condition.__members__.get(condition)
        if state not in rules.FINISHED_AS:
            faults.append(Fault("condition", condition, N_("Choose good or second grade for a repaired unit.")))
        if faults or place is None or state is None:
            raise Invalid(faults)
        document_id = await _leave(viewer, order, place["id"], int(state))
        await end(viewer, order, Stage.FINISHED, (place["id"], int(state)), said, document_id, clock.now())
        facts = {
            "condition": messages.word(stock_rules.CONDITION_NAMES[state]),
            "location": place["code"],
        }
        await messages.notify_all([orders.news(order, order["owner_id"], _FINISHED, **facts)])
    return Done(order_id, False)


async def give_up(viewer: Viewer, order_id: uuid.UUID, *, location: str, note: str, request_key: str) -> Done:
    """Let a unit leave the workshop unrepaired, as damaged: one movement, once. An open quote is withdrawn."""
    async with DB.transaction():
        order = await orders.locked(viewer, order_id)
        orders.require_bench(viewer, order)
        asked = [order_id, location, note]
        if await orders.claim(viewer, order["warehouse_id"], order_id, "give_up", request_key, asked, order_id):
            return Done(order_id, True)
        rules.require_stage(order, *rules.IN_WORKSHOP)
        faults: list[Fault] = []
        said = rules.text_of("note", note, faults, needed=N_("Say why the unit cannot be repaired."))
        place = await _place(order, location, faults)
        if faults or place is None:
            raise Invalid(faults)
        at = clock.now()
        await DB.run(SQL["withdraw_open_quote"], order["warehouse_id"], order_id, at)
        left = (place["id"], int(Condition.DAMAGED))
        document_id = await _leave(viewer, order, *left) if left != orders.lies(order) else None
        await end(viewer, order, Stage.GIVEN_UP, left, said, document_id, at)
        await messages.notify_all([orders.news(order, order["owner_id"], _GIVEN_UP, level="warn", reason=said)])
    return Done(order_id, False)


async def _place(order: Row, location: str, faults: list[Fault]) -> asyncpg.Record | None:
    code = values.code_of(location)
    place = await DB.row(SQL["place"], order["warehouse_id"], code)
    if place is None:
        faults.append(
            Fault(
                "location",
                location,
                N_("This warehouse has no place “%(value)s” that holds goods. Use one of its bins."),
                {"value": location},
            )
        )
    return place


async def _leave(viewer: Viewer, order: Row, location_id: int, condition: int) -> uuid.UUID:
    """Move the unit out of the workshop; the document."""
    goods = (order["owner_id"], order["item_id"], order["lot_id"])
    posted = await ledger.post(
        ledger.actor_of(viewer),
        order["warehouse_id"],
        Reason.MOVE if location_id != order["location_id"] else Reason.REGRADE,
        [Posting(*goods, order["location_id"], location_id, order["condition"], condition, 1)],
        request_key=f"repair:{order['id']}:out",
        request_hash=order["id"].bytes,
        reference=order["number"],
    )
    return posted.document_id


async def end(
    viewer: Viewer,
    order: Row,
    stage: Stage,
    left: tuple[int, int],
    note: str,
    document_id: uuid.UUID | None,
    at: datetime,
) -> None:
    """Let a locked work order reach its end: where the unit was left, by which document, and why."""
    assert rules.may_go(Stage(order["stage"]), stage), (order["stage"], stage)
    await DB.run(SQL["finish"], order["warehouse_id"], order["id"], stage, *left, at, note, document_id)
    await stages.leave(Subject.REPAIR, order["warehouse_id"], [order["id"]], at)
    await orders.note(viewer, order, str(stage), {"note": note, "document": str(document_id) if document_id else None})
