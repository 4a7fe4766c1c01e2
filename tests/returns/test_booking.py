"""Booking a return: what may come back, what is refused, and that nothing comes back twice."""

import asyncio
import uuid
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from backend.core import clock, text
from backend.core.database import DB
from backend.core.errors import Invalid, NotAllowed
from backend.files import queries as files_queries
from backend.messages import queries as messages_queries
from backend.returns import actions, changes, queries
from backend.returns import booking as rules
from backend.returns.actions import Booked
from backend.returns.booking import Booking, Buyer, Line, Parcel
from backend.returns.rules import NoSuchReturn
from backend.stages import queries as stages_queries
from backend.stages.rules import Subject
from backend.stock import actions as stock_actions
from backend.stock.rules import ComingBack, SameKeyOtherRequest
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


async def test_a_sale_that_a_return_claims_is_not_reversed(trade: Trade) -> None:
    goods, order, document = await trade.sale(2)
    booked = await build.returned(trade.exporter, trade.place, Line(item=goods.code, quantity=1, order=order))
    with pytest.raises(ComingBack) as refusal:
        await stock_actions.reverse(trade.operator, trade.place.id, document, note="Never left")
    assert order in str(refusal.value)
    await changes.cancel(trade.exporter, booked.id, 1, "Kept after all")
    await stock_actions.reverse(trade.operator, trade.place.id, document, note="Never left")
    faults = await refused(trade, Line(item=goods.code, quantity=1, order=order))
    assert "was shipped" in faults["lines.0.order"]


async def test_of_a_return_and_a_reversal_at_once_one_is_refused(trade: Trade) -> None:
    for _ in range(6):
        goods, order, document = await trade.sale(1)
        line = Line(item=goods.code, quantity=1, order=order)
        reversal = stock_actions.reverse(trade.operator, trade.place.id, document, note="Never left")
        outcomes = await asyncio.gather(
            build.returned(trade.exporter, trade.place, line), reversal, return_exceptions=True
        )
        assert [isinstance(each, Invalid | ComingBack) for each in outcomes].count(True) == 1, outcomes


async def test_a_serial_that_two_items_share_is_refused_where_it_stands(trade: Trade) -> None:
    drill, order, _ = await trade.sale(2)
    saw, other, _ = await trade.sale(2)
    await build.returned(trade.exporter, trade.place, Line(item=drill.code, quantity=1, order=order, serials=["7"]))
    lines = (
        Line(item=goods.code, quantity=1, order=ref, serials=["7"]) for goods, ref in ((drill, order), (saw, other))
    )
    assert set(await refused(trade, *lines)) == {"lines.0.serials"}
    await build.returned(trade.exporter, trade.place, Line(item=saw.code, quantity=1, order=other, serials=["7"]))


async def test_a_sign_that_no_database_holds_is_refused_beside_its_field(trade: Trade) -> None:
    goods, order, _ = await trade.sale(1)
    wish = msgspec.structs.replace(booking(trade, Line(item=goods.code, quantity=1, order=order)), warehouse="A\0B")
    with pytest.raises(Invalid) as refusal:
        await actions.book(trade.exporter, wish, request_key=str(uuid.uuid4()))
    assert [(fault.field, fault.value) for fault in refusal.value.faults] == [("warehouse", "A\0B")]


async def test_a_foreign_photo_is_refused(trade: Trade) -> None:
    goods, order, _ = await trade.sale(1)
    photo = await build.photo(await build.exporter())
    assert set(await refused(trade, Line(item=goods.code, quantity=1, order=order), photos=[photo])) == {"photos"}
    mine = await build.photo(trade.exporter)
    booked = await build.returned(
        trade.exporter, trade.place, Line(item=goods.code, quantity=1, order=order), photos=[mine]
    )
    assert len(await files_queries.attachments(trade.operator, trade.place.id, ["rma"], [booked.id])) == 1


async def test_a_line_may_name_exactly_one_line_of_a_sale(trade: Trade) -> None:
    goods, _, document = await trade.sale(4)
    exact = {"item": goods.code, "warehouse": trade.place.code, "document": document}
    booked = await build.returned(trade.exporter, trade.place, Line(**exact, document_line=1, quantity=4))
    (line,) = await queries.lines(await queries.rma(trade.exporter, booked.id))
    assert (line["sale_document_id"], line["sale_line_no"], line["quantity"]) == (document, 1, 4)
    assert "only 0 pieces" in (await refused(trade, Line(**exact, document_line=1, quantity=1)))["lines.0.quantity"]
    assert (
        "No piece"
        in (await refused(trade, Line(**{**exact, "document": uuid.uuid4()}, document_line=1, quantity=1)))[
            "lines.0.document"
        ]
    )
    assert set(await refused(trade, Line(**exact, quantity=1))) == {"lines.0.document_line"}


async def test_a_line_may_name_a_line_of_an_export_declaration(trade: Trade) -> None:
    number = "460020260000000021"
    goods, other = await build.item(trade.exporter), await build.item(trade.exporter)
    lot = {
        "owner": goods.owner_code,
        "declaration_no": number,
        "supervision_code": "9610",
        "exported_on": date(2026, 9, 1),
    }
    for item, code, line in ((goods, "D-1", 1), (goods, "D-2", 1), (goods, "D-3", 2), (other, "D-4", 3)):
        await stock_actions.register_lot(trade.exporter, item=item.code, code=code, declaration_line=line, **lot)
        await build.stocked(trade.operator, trade.place, item, trade.bin, 2, lot=code)
        await build.sold(trade.operator, trade.place, item, trade.bin, 2, lot=code, reference="")
    declared = {"item": goods.code, "declaration": number, "declaration_line": 1}
    booked = await build.returned(trade.exporter, trade.place, Line(**declared, quantity=3))
    head = await queries.rma(trade.exporter, booked.id)
    assert [(line["lot"], line["quantity"]) for line in await queries.lines(head)] == [("D-1", 2), ("D-2", 1)]
    (stay,) = await stages_queries.history(trade.exporter, Subject.RETURN, booked.id)
    assert (stay["supervision_code"], stay["reason"]) == ("9610", "changed_mind")
    faults = await refused(
        trade,
        Line(**declared, quantity=2),
        Line(**{**declared, "declaration_line": 3}, quantity=1),
        Line(**{**declared, "declaration_line": 9}, quantity=1),
        Line(**{**declared, "declaration_line": None}, quantity=1),
        Line(**declared, lot="D-2", quantity=1, order="ALSO"),
    )
    assert set(faults) == {
        "lines.0.quantity",
        "lines.1.declaration_line",
        "lines.2.declaration",
        "lines.3.declaration_line",
        "lines.4.order",
    }


async def test_unsold_goods_are_returned_where_they_lie_and_once(trade: Trade) -> None:
    goods = await build.item(trade.exporter)
    await build.stocked(trade.operator, trade.place, goods, trade.bin, 5)
    lying = Line(item=goods.code, quantity=3, basis="unsold", warehouse=trade.place.code, location=trade.bin)
    wish = booking(trade, lying, kind="unsold", reason="long_stored", buyer=Buyer())
    outcomes = await asyncio.gather(
        *(actions.book(trade.exporter, wish, request_key=str(uuid.uuid4())) for _ in range(3)), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Booked", "Invalid", "Invalid"]
    unsold = {"kind": "unsold", "reason": "season_over", "buyer": Buyer()}
    assert "Only 2 of" in (await refused(trade, lying, **unsold))["lines.0.quantity"]
    nowhere = Line(item=goods.code, quantity=1, basis="unsold", warehouse=trade.place.code, location="NOWHERE")
    assert set(await refused(trade, nowhere, **unsold)) == {"lines.0.location"}
    elsewhere = await build.warehouse(trade.operator)
    await build.again(trade.operator)
    there = Line(item=goods.code, quantity=1, basis="unsold", warehouse=elsewhere.code, location="DOCK")
    assert set(await refused(trade, there, **unsold)) == {"lines.0.warehouse"}
    shipped = Line(item=goods.code, quantity=1, order="ANY")
    assert set(await refused(trade, shipped, **unsold)) == {"lines.0.basis"}
    assert set(await refused(trade, lying)) == {"lines.0.basis"}


async def test_one_piece_is_not_booked_twice_at_the_same_moment(trade: Trade) -> None:
    goods, order, _ = await trade.sale(9)
    wish = booking(trade, Line(item=goods.code, quantity=1, order=order, serials=["TWICE"]))
    outcomes = await asyncio.gather(
        *(actions.book(trade.exporter, wish, request_key=str(uuid.uuid4())) for _ in range(6)), return_exceptions=True
    )
    assert sum(isinstance(outcome, Booked) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Invalid) for outcome in outcomes) == 5


async def test_a_sale_that_was_reversed_is_none(trade: Trade) -> None:
    goods, order, document = await trade.sale(1)
    await stock_actions.reverse(trade.operator, trade.place.id, document, note="not shipped after all")
    assert "No piece" in (await refused(trade, Line(item=goods.code, quantity=1, order=order)))["lines.0.order"]


async def test_the_chosen_warehouse_must_take_the_return(trade: Trade) -> None:
    goods, order, _ = await trade.sale(1)
    line = Line(item=goods.code, quantity=1, order=order)
    operator = await build.operator()
    without, narrow = await build.warehouse(operator), await build.warehouse(operator)
    await build.desk(await build.again(operator), narrow, kinds=["recall", "buyer"], countries=["FR"])
    for warehouse, overrides, why in (
        ("NOWHERE", {}, "There is no warehouse"),
        (without.code, {}, "takes no returns"),
        (narrow.code, {}, "takes no parcels from DE"),
        (narrow.code, {"kind": "undeliverable", "reason": "not_collected"}, "does not take this kind"),
    ):
        wish = msgspec.structs.replace(booking(trade, line, **overrides), warehouse=warehouse)
        with pytest.raises(Invalid) as refusal:
            await actions.book(trade.exporter, wish, request_key=str(uuid.uuid4()))
        (fault,) = refusal.value.faults
        assert fault.field == "warehouse"
        assert why in text.say(fault.sentence, fault.facts)
    booked = await build.returned(trade.exporter, narrow, line, buyer=Buyer(country="FR"))
    assert booked.warehouse_id == narrow.id


async def test_goods_with_batteries_go_where_there_is_room_for_them(trade: Trade) -> None:
    goods = await build.item(trade.exporter, hs_code="85076000")
    _, order, _ = await trade.sale(2, goods)
    operator = await build.operator()
    plain = await build.warehouse(operator)
    await build.desk(await build.again(operator), plain, capabilities=["grading"])
    line = Line(item=goods.code, quantity=1, order=order)
    with pytest.raises(Invalid) as refusal:
        await build.returned(trade.exporter, plain, line)
    (fault,) = refusal.value.faults
    assert "cannot take these goods: Goods with batteries" in text.say(fault.sentence, fault.facts)
    assert (await build.returned(trade.exporter, trade.place, line)).number


async def test_only_exporters_book(trade: Trade) -> None:
    goods, order, _ = await trade.sale(1)
    for viewer in (trade.operator, await build.committee()):
        with pytest.raises(NotAllowed):
            await actions.book(viewer, booking(trade, Line(item=goods.code, quantity=1, order=order)), request_key="no")


async def test_the_operator_hears_of_a_booking_in_its_language(trade: Trade) -> None:
    goods, order, _ = await trade.sale(1)
    day = clock.now().date() + timedelta(days=9)
    booked = await build.returned(
        trade.exporter, trade.place, Line(item=goods.code, quantity=1, order=order), expected_on=day
    )
    page = await messages_queries.notifications(trade.operator).page(
        messages_queries.notification_clauses(trade.operator, {})
    )
    assert any(
        booked.number in messages_queries.said(row) and row["href"] == f"/returns/{booked.id}" for row in page.rows
    )
    (stay,) = await stages_queries.history(trade.operator, Subject.RETURN, booked.id)
    assert clock.business_day(stay["due_at"] - timedelta(seconds=1), "Europe/Berlin") == day


@pytest.mark.parametrize(
    ("overrides", "field"),
    [
        ({"kind": "theft"}, "kind"),
        ({"reason": "safety_recall"}, "reason"),
        ({"expected_on": date(2020, 1, 1)}, "expected_on"),
        ({"home_area": "46"}, "home_area"),
        ({"buyer": Buyer(country="XX")}, "buyer.country"),
        ({"buyer": Buyer(country="DE", latitude=Decimal(91), longitude=Decimal(1))}, "buyer.latitude"),
        ({"buyer": Buyer(country="DE", latitude=Decimal(9))}, "buyer.latitude"),
        ({"parcels": [Parcel(tracking_no="A"), Parcel(tracking_no="a")]}, "parcels.1.tracking_no"),
        ({"note": "x" * 501}, "note"),
        ({"reference": "a\x00b"}, "reference"),
    ],
)
def test_what_is_wrong_is_seen_without_the_database(overrides: dict[str, Any], field: str) -> None:
    given = {"kind": "buyer", "reason": "defective", "buyer": Buyer(country="DE"), **overrides}
    wish = Booking(warehouse="W", lines=[Line(item="A", quantity=1, order="O")], **given)
    assert [fault.field for fault in rules.faults_of(wish, clock.now().date())] == [field]
