"""What happens to quotes: an operator makes and withdraws them, the owner answers online, time ends the others."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import msgspec

from backend.access.rules import Viewer
from backend.charges import rules as charges_rules
from backend.core import clock, values
from backend.core.database import DB, blocks
from backend.core.errors import Fault, Invalid
from backend.core.text import N_
from backend.messages import actions as messages
from backend.repairs import orders, rules, sharing
from backend.repairs.orders import Done, Row
from backend.repairs.rules import QuoteState, Stage
from backend.repairs.sharing import PartLine
from backend.stages import actions as stages

SQL = blocks(Path(__file__).with_name("quoting.sql"))
MOST_AT_ONCE = 500
_QUOTED = N_("Repair %(number)s of %(item)s would cost %(amount)s %(currency)s. Answer by %(until)s.")
_COVERED = N_("Repair %(number)s of %(item)s is under warranty and costs nothing. Answer by %(until)s.")
_APPROVED = N_("%(name)s approved the quote for repair %(number)s of %(item)s.")
_REFUSED = N_("%(name)s refused the quote for repair %(number)s of %(item)s: %(reason)s")
_EXPIRED = N_("The quote for repair %(number)s of %(item)s expired without an answer.")


class PartAsked(msgspec.Struct, frozen=True):
    """A part of a quote in the owner's own code: pieces at a price each."""

    item: str
    quantity: int
    price: Decimal


async def quote(
    viewer: Viewer,
    order_id: uuid.UUID,
    *,
    parts: Sequence[PartAsked],
    minutes: int,
    rate: Decimal,
    currency: str,
    expires_at: datetime,
    note: str,
    request_key: str,
) -> Done:
    """Ask the owner what a repair may cost: parts of its own stock and minutes at a rate an hour, until `expires_at`.

    Under warranty the agreed prices are zero and the others are kept beside them. During a repair a further quote adds to
    the approved ones. Refuses what is not diagnosed or cannot be repaired, and parts of another owner.
    """
    async with DB.transaction():
        order = await orders.locked(viewer, order_id)
        orders.require_bench(viewer, order)
        made, warehouse_id = values.new_id(), order["warehouse_id"]
        asked = [order_id, parts, minutes, rate, currency, expires_at, note]
        if before := await orders.claim(viewer, warehouse_id, order_id, "quote", request_key, asked, made):
            return Done(before, True)
        rules.require_stage(order, Stage.DIAGNOSING, Stage.REPAIRING)
        repairable = await DB.value(SQL["last_diagnosis"], warehouse_id, order_id)
        if repairable is None:
            raise rules.NotDiagnosed(number=order["number"])
        if not repairable:
            raise rules.NotRepairable
        at = clock.now()
        faults: list[Fault] = []
        lines = await _lines(order, parts, faults)
        charges_rules.amount("rate", rate, faults)
        currency = charges_rules.currency("currency", currency, faults)
        said = rules.text_of("note", note, faults, most=rules.LONGEST_TEXT)
        faults += sharing.quote_faults(lines, minutes, expires_at, at)
        if faults:
            raise Invalid(faults)
        covered = bool(order["covered"])
        total = Decimal(0) if covered else sharing.total(lines, minutes, rate)
        await DB.run(
            SQL["quote"],
            *(warehouse_id, made, order_id, covered, currency, minutes, rate, Decimal(0) if covered else rate, total),
            *(said, viewer.user_id, at, expires_at, order["owner_id"]),
            [line.item_id for line in lines],
            [line.quantity for line in lines],
            [line.price for line in lines],
            [Decimal(0) if covered else line.price for line in lines],
        )
        await orders.go(viewer, order, Stage.QUOTED, at, due_at=expires_at)
        facts = {
            "amount": f"{total:.2f}",
            "currency": currency,
            "until": clock.business_day(expires_at, order["time_zone"]).isoformat(),
        }
        await messages.notify_all([orders.news(order, order["owner_id"], _COVERED if covered else _QUOTED, **facts)])
        after = {"quote": str(made), "total": str(total), "currency": currency, "covered": covered}
        await orders.note(viewer, order, "quoted", after)
    return Done(made, False)


async def answer(
    viewer: Viewer, order_id: uuid.UUID, *, quote_id: uuid.UUID, approve: bool, note: str, request_key: str
) -> Done:
    """Approve or refuse a quote, once and before it expires: its owner, online.

    Refuses an answer that comes too late (`QuoteExpired`) and the second of two (`AlreadyAnswered`).
    """
    async with DB.transaction():
        order = await orders.locked(viewer, order_id)
        orders.require_owner(viewer, order)
        warehouse_id = order["warehouse_id"]
        asked = [order_id, quote_id, approve, note]
        if await orders.claim(viewer, warehouse_id, order_id, "answer", request_key, asked, quote_id):
            return Done(quote_id, True)
        head = await DB.row(SQL["quote_head"], warehouse_id, order_id, quote_id)
        if head is None:
            raise rules.NoSuchQuote(number=order["number"])
        at = clock.now()
        shown = head["expires_at"].isoformat(timespec="minutes")
        rules.require_answerable(QuoteState(head["state"]), head["expires_at"], at, shown)
        faults: list[Fault] = []
        needed = "" if approve else N_("Say why you refuse the quote, so that the workshop knows how to go on.")
        said = rules.text_of("note", note, faults, needed=needed)
        if faults:
            raise Invalid(faults)
        state = QuoteState.APPROVED if approve else QuoteState.REFUSED
        await _end(viewer, order, head, state, said, at, answered_by=viewer.user_id)
        facts = {"name": viewer.name, "reason": said}
        sentence = _APPROVED if approve else _REFUSED
        await messages.notify_all([orders.news(order, order["operator_id"], sentence, **facts)])
    return Done(quote_id, False)


async def withdraw(viewer: Viewer, order_id: uuid.UUID, *, note: str, request_key: str) -> Done:
    """Take the open quote back, so that another can be made."""
    async with DB.transaction():
        order = await orders.locked(viewer, order_id)
        orders.require_bench(viewer, order)
        warehouse_id = order["warehouse_id"]
        asked = [order_id, note]
        if await orders.claim(viewer, warehouse_id, order_id, "withdraw", request_key, asked, order_id):
            return Done(order_id, True)
        rules.require_stage(order, Stage.QUOTED)
        faults: list[Fault] = []
        said = rules.text_of("note", note, faults)
        if faults:
            raise Invalid(faults)
        open_id = await DB.value(SQL["open_quote"], warehouse_id, order_id)
        head = await DB.row(SQL["quote_head"], warehouse_id, order_id, open_id)
        assert head is not None, "an order in the stage quoted has an open quote"
        await _end(viewer, order, head, QuoteState.WITHDRAWN, said, clock.now())
    return Done(order_id, False)


async def expire_quotes(now: datetime) -> int:
    """End every open quote whose time is over at `now`, once; both parties hear of it. How many there were."""
    ended = 0
    while True:
        async with DB.transaction():
            rows = await DB.fetch(SQL["expire"], now, MOST_AT_ONCE)
            await stages.enter(*(orders.entry(row, Stage(row["stage"]), now) for row in rows))
            await messages.notify_all(
                [
                    orders.news(row, party, _EXPIRED, level="warn")
                    for row in rows
                    for party in (row["owner_id"], row["operator_id"])
                ]
            )
        ended += len(rows)
        if len(rows) < MOST_AT_ONCE:
            return ended


async def _lines(order: Row, parts: Sequence[PartAsked], faults: list[Fault]) -> list[PartLine]:
    """The parts with the ids of the owner's items; every other becomes a fault of its line."""
    codes = [values.code_of(part.item) for part in parts]
    known = {row["code"]: row["id"] for row in await DB.fetch(SQL["items"], order["owner_id"], codes)}
    lines: list[PartLine] = []
    for n, (part, code) in enumerate(zip(parts, codes, strict=True)):
        if code not in known:
            faults.append(
                Fault(
                    f"parts.{n}.item",
                    part.item,
                    N_(
                        "%(owner)s has no item “%(value)s”. Parts come from the stock of the unit's owner; check the code."
                    ),
                    {"owner": order["owner"], "value": part.item},
                )
            )
        if not 0 < part.quantity <= values.LARGEST_QUANTITY:
            faults.append(values.quantity_fault(f"parts.{n}.quantity", part.quantity))
        charges_rules.amount(f"parts.{n}.price", part.price, faults)
        lines.append(PartLine(known.get(code, -n), part.quantity, part.price))
    return lines


async def _end(
    viewer: Viewer,
    order: Row,
    head: Row,
    state: QuoteState,
    note: str,
    at: datetime,
    *,
    answered_by: int | None = None,
) -> None:
    ended = await DB.value(SQL["end_quote"], order["warehouse_id"], head["id"], state, at, answered_by, note)
    assert ended is not None, "the order is locked, so nobody else ended its quote"
    await orders.go(viewer, order, rules.stage_after_quote(state, head["approved_before"]), at)
    await orders.note(viewer, order, f"quote_{state}", {"quote": str(head["id"]), "note": note})
