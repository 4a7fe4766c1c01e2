"""Booking a return: what may come back, what is refused, and that nothing comes back twice."""

import asyncio
import uuid
from typing import Any

import pytest

from backend.core.database import DB
from backend.core.errors import Invalid
from backend.files import queries as files_queries
from backend.returns import actions, queries
from backend.returns.actions import Booked
from backend.returns.booking import Booking, Buyer, Line
from backend.returns.rules import NoSuchReturn
from backend.stock.rules import SameKeyOtherRequest
from tests import build
from tests.returns.conftest import Trade


def booking(trade: Trade, *lines: Line, **overrides: Any) -> Booking:
    """A buyer's return to the warehouse of the trade."""
    given = {"kind": "buyer", "reason": "changed_mind", "buyer": Buyer(country="DE", city="Hamburg"), **overrides}
    return Booking(warehouse=trade.place.code, lines=list(lines), **given)


async def refused(trade: Trade, *lines: Line, **overrides: Any) -> dict[str, str]:
    """Why a booking is refused: the sentence of every field."""
    before = await DB.value("select count(*) from rma")
    with pytest.raises(Invalid) as refusal:
        await actions.book(trade.exporter, booking(trade, *lines, **overrides), request_key=str(uuid.uuid4()))
    assert await DB.value("select count(*) from rma") == before, "nothing is half done"
    return {fault.field: fault.sentence % fault.facts for fault in refusal.value.faults}


async def test_a_return_names_the_sale_it_came_from(trade: Trade) -> None:
    goods, order, document = await trade.sale(5)
    booked = await build.returned(trade.exporter, trade.place, Line(item=goods.code, quantity=2, order=order))
    for viewer in (trade.exporter, trade.operator, await build.committee()):
        head = await queries.rma(viewer, booked.id)
        (line,) = await queries.lines(head)
        assert (head["number"], head["stage"], head["quantity"]) == (booked.number, "booked", 2)
        assert (line["sale_document_id"], line["sale_reference"], line["basis"]) == (document, order, "shipped")
    for stranger in (await build.exporter(), await build.operator()):
        with pytest.raises(NoSuchReturn):
            await queries.rma(stranger, booked.id)


async def test_a_line_is_spread_over_the_sales_of_an_order_oldest_first(trade: Trade) -> None:
    goods, order, _ = await trade.sale(3)
    await build.stocked(trade.operator, trade.place, goods, trade.bin, 4)
    await build.sold(trade.operator, trade.place, goods, trade.bin, 4, reference=order)
    booked = await build.returned(trade.exporter, trade.place, Line(item=goods.code, quantity=5, order=order))
    lines = await queries.lines(await queries.rma(trade.exporter, booked.id))
    assert [line["quantity"] for line in lines] == [3, 2]
    assert "only 2 pieces" in (await refused(trade, Line(item=goods.code, quantity=3, order=order)))["lines.0.quantity"]


async def test_a_line_of_74215_pieces(trade: Trade) -> None:
    goods, order, _ = await trade.sale(74_215)
    booked = await build.returned(trade.exporter, trade.place, Line(item=goods.code, quantity=74_215, order=order))
    assert (await queries.rma(trade.exporter, booked.id))["quantity"] == 74_215


async def test_two_bookings_of_the_same_pieces_at_the_same_moment(trade: Trade) -> None:
    goods, order, _ = await trade.sale(10)
    wishes = [booking(trade, Line(item=goods.code, quantity=3, order=order)) for _ in range(8)]
    outcomes = await asyncio.gather(
        *(actions.book(trade.exporter, wish, request_key=str(uuid.uuid4())) for wish in wishes), return_exceptions=True
    )
    assert sum(isinstance(outcome, Booked) for outcome in outcomes) == 3
    assert sum(isinstance(outcome, Invalid) for outcome in outcomes) == 5


async def test_a_repeated_key_gives_the_first_answer_and_nothing_else(trade: Trade) -> None:
    goods, order, _ = await trade.sale(2)
    wish = booking(trade, Line(item=goods.code, quantity=2, order=order))
    first = await actions.book(trade.exporter, wish, request_key="once")
    again = await actions.book(trade.exporter, wish, request_key="once")
    assert (again.id, again.number, again.repeated) == (first.id, first.number, True)
    with pytest.raises(SameKeyOtherRequest):
        await actions.book(trade.exporter, booking(trade, *wish.lines, note="other"), request_key="once")


async def test_every_wrong_line_is_named_at_once(trade: Trade) -> None:
    goods, order, _ = await trade.sale(2)
    foreign = await build.item(await build.exporter())
    faults = await refused(
        trade,
        Line(item=goods.code, quantity=3, order=order),
        Line(item=foreign.code, quantity=1, order=order),
        Line(item=goods.code, quantity=0, order=order),
        Line(item=goods.code, quantity=1, order="NEVER"),
        Line(item=goods.code, quantity=1, declaration="123", declaration_line=4),
        Line(item=goods.code, quantity=1),
        Line(item=goods.code, quantity=1, order=order, lot="L9"),
        reason="no reason",
        buyer=Buyer(),
    )
    assert set(faults) == {
        "reason",
        "buyer.country",
        "lines.0.quantity",
        "lines.1.item",
        "lines.2.quantity",
        "lines.3.order",
        "lines.4.declaration",
        "lines.5.order",
        "lines.6.lot",
    }


async def test_a_piece_comes_back_once(trade: Trade) -> None:
    goods, order, _ = await trade.sale(3)
    await build.returned(trade.exporter, trade.place, Line(item=goods.code, quantity=1, order=order, serials=["sn-1"]))
    faults = await refused(trade, Line(item=goods.code, quantity=2, order=order, serials=["SN-2", "SN-1"]))
    assert "SN-1" in faults["lines.0.serials"]
    faults = await refused(trade, Line(item=goods.code, quantity=1, order=order, serials=["A", "B"]))
    assert "2 serial numbers for 1 pieces" in faults["lines.0.serials"]


async def test_a_foreign_photo_is_refused(trade: Trade) -> None:
    goods, order, _ = await trade.sale(1)
    photo = await build.photo(await build.exporter())
    assert set(await refused(trade, Line(item=goods.code, quantity=1, order=order), photos=[photo])) == {"photos"}
    mine = await build.photo(trade.exporter)
    booked = await build.returned(
        trade.exporter, trade.place, Line(item=goods.code, quantity=1, order=order), photos=[mine]
    )
    assert len(await files_queries.attachments(trade.operator, trade.place.id, ["rma"], [booked.id])) == 1
