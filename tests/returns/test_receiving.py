"""At the dock: what arrives becomes units in quarantine, no more than was booked, and is undone as long as nobody looked."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core import values
from backend.core.database import DB
from backend.core.errors import Conflict, Invalid, NotAllowed, NotFound
from backend.returns import arrivals, changes, decisions, grading, receiving, rules, steps
from backend.returns.arrivals import Arrived, ExpectedLine
from backend.returns.booking import Line, Parcel
from backend.returns.rules import Stage, UnitState
from backend.returns.steps import Standing
from backend.stock import actions as stock_actions
from backend.stock import codes
from backend.stock import rules as stock_rules
from backend.stock.rules import SameKeyOtherRequest, UndoneElsewhere
from tests import build
from tests.returns.bench import Bench, key

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(scope="module")
async def bench(database: str) -> Bench:
    return await Bench.make()


# ------------------------------------------------------------------------------------------------------------- rules


def test_a_return_stands_with_the_unit_that_is_furthest_behind() -> None:
    for standing, stage in (
        (Standing(outstanding=2, on_the_way=1), Stage.BOOKED),
        (Standing(outstanding=2, at_the_dock=1), Stage.RECEIVING),
        (Standing(outstanding=1, to_grade=1), Stage.RECEIVING),
        (Standing(outstanding=1, to_grade=1, on_the_way=1, unpacked=1), Stage.GRADING),
        (Standing(outstanding=1, done=1, on_the_way=1, unpacked=1), Stage.BOOKED),
        (Standing(outstanding=1, done=1, on_the_way=1, at_the_dock=1), Stage.RECEIVING),
        (Standing(to_grade=1, to_decide=5, done=3), Stage.GRADING),
        (Standing(to_decide=1, to_carry_out=1, done=3), Stage.DECIDING),
        (Standing(to_carry_out=1, done=3), Stage.WORKING),
        (Standing(done=3), Stage.CLOSED),
        (Standing(), Stage.CLOSED),
    ):
        assert steps.stage_of(standing) is stage


@given(
    quantity=st.integers(1, 30),
    booked=st.integers(0, 30),
    received=st.integers(0, 30),
    missing=st.integers(0, 30),
    pieces=st.integers(1, 40),
    scanned=st.integers(0, 40),
    foreign=st.integers(0, 3),
)
def test_never_more_than_booked_is_put_on_a_line(
    quantity: int, booked: int, received: int, missing: int, pieces: int, scanned: int, foreign: int
) -> None:
    booked, received = min(booked, quantity), min(received, quantity)
    missing = min(missing, quantity - received)
    serials = [f"S{n}" for n in range(booked)]
    line = ExpectedLine(
        line_no=1,
        item="X",
        quantity=quantity,
        received=received,
        missing=missing,
        serials=serials,
        here=serials[:received],
        plain=max(0, received - booked),
    )
    given_serials = [f"S{n}" for n in range(received, received + scanned)] + [f"F{n}" for n in range(foreign)]
    arrived = [Arrived(line_no=1, quantity=pieces, serials=given_serials)]
    for surplus in (False, True):
        faults: list[Any] = []
        (found,) = arrivals.sort_out("R", {1: line}, arrived, surplus=surplus, faults=faults)
        assert found.on_line <= line.open
        assert set(found.serials) <= set(serials) or not serials
        if len(given_serials) <= pieces:
            assert found.on_line + found.surplus == pieces
        assert bool(faults) == (len(given_serials) > pieces or (bool(found.surplus) and not surplus))


def test_orders_that_look_like_returns_are_undone_in_the_ledger() -> None:
    number = values.new_number("R")
    assert stock_rules.is_undone_elsewhere(stock_rules.Reason.RETURN, number)
    assert stock_rules.is_undone_elsewhere(stock_rules.Reason.DONATION, "")
    assert not stock_rules.is_undone_elsewhere(stock_rules.Reason.SALE, number)
    assert not stock_rules.is_undone_elsewhere(stock_rules.Reason.RETURN, "C536379")


@pytest.mark.parametrize("state", list(UnitState))
@pytest.mark.parametrize("regrade", ["none", "asked", "done"])
def test_each_step_follows_only_the_one_before_it(state: UnitState, regrade: str) -> None:
    def may(rule: Callable[..., object], *arguments: object) -> bool:
        try:
            rule("R1U1", state.value, *arguments)
        except Conflict:
            return False
        return True

    kind = "SCRAP" if state in (UnitState.DECIDED, UnitState.DISPOSED) else None
    assert may(steps.require_gradable, regrade, [1], 2) == (state in (UnitState.RECEIVED, UnitState.GRADED))
    assert may(steps.require_regradable, regrade) == (state is UnitState.GRADED and regrade == "none")
    undecided = state is UnitState.GRADED and regrade != "asked"
    assert may(decisions.require_undecided, regrade, kind, None) == undecided
    assert may(decisions.require_decided, kind) == (state is UnitState.DECIDED)
    assert may(decisions.require_carried_out, kind) == (state is UnitState.DISPOSED)


def test_many_pieces_alike_are_one_unit() -> None:
    assert arrivals.units_of(3) == [1, 1, 1]
    assert arrivals.units_of(50) == [1] * 50
    assert arrivals.units_of(51) == [51]


# ----------------------------------------------------------------------------------------------------------- receipt


async def test_what_arrives_lies_in_quarantine_as_units_with_codes(bench: Bench) -> None:
    booked = await bench.booked(3)
    done = await receiving.receive(
        bench.operator, bench.place, booked.number.lower(), [Arrived(line_no=1, quantity=2)], request_key=key()
    )
    assert done.units == [f"{booked.number}U1", f"{booked.number}U2"]
    unit = await bench.unit(done.units[0])
    assert (unit["state"], unit["quantity"], unit["condition"]) == ("received", 1, 4)
    assert (await bench.line(booked))["received"] == 2
    assert await bench.stage(booked) == ("receiving", "receiving")
    rest = await receiving.receive_all(bench.operator, bench.place, booked.number, request_key=key())
    assert rest.units == [f"{booked.number}U3"]
    assert await bench.stage(booked) == ("grading", "grading")
    assert (await bench.stock())["DOCK", 4] >= 3


async def test_nothing_that_came_back_is_free_to_sell(bench: Bench) -> None:
    await bench.received(2)
    sellable = await DB.value(
        "select count(*) from stock_on_hand where item_id = $1 and condition in (1, 2) and location_id = "
        "(select id from location where warehouse_id = $2 and code = 'DOCK')",
        bench.item.id,
        bench.warehouse.id,
    )
    assert sellable == 0


async def test_a_repeated_receipt_gives_the_first_answer(bench: Bench) -> None:
    booked = await bench.booked(2)
    request_key = key()
    first = await receiving.receive_all(bench.operator, bench.place, booked.number, request_key=request_key)
    again = await receiving.receive_all(bench.operator, bench.place, booked.number, request_key=request_key)
    assert (again.units, first.repeated, again.repeated) == (first.units, False, True)
    with pytest.raises(SameKeyOtherRequest):
        await receiving.receive(
            bench.operator, bench.place, booked.number, [Arrived(line_no=1, quantity=1)], request_key=request_key
        )
    assert (await bench.line(booked))["received"] == 2


async def test_the_receipt_is_charged_and_charged_back(bench: Bench) -> None:
    before = await bench.charged("return_receipt")
    units = await bench.received(4)
    assert await bench.charged("return_receipt") == before + 4
    stock = await bench.stock()
    assert await receiving.reverse_receipt(bench.operator, units[2], note="wrong pile") == units
    assert await bench.charged("return_receipt") == before
    assert (await bench.stock()).get(("DOCK", 4), 0) == stock["DOCK", 4] - 4
    assert (await bench.unit(units[0]))["state"] == "reversed"
    with pytest.raises(steps.ReceiptReversed):
        await receiving.reverse_receipt(bench.operator, units[0], note="twice")
    number = units[0].split("U")[0]
    once_more = await receiving.receive_all(bench.operator, bench.place, number, request_key=key())
    assert once_more.units == [f"{number}U{n}" for n in range(5, 9)]


async def test_more_than_booked_is_refused_or_investigated(bench: Bench) -> None:
    booked = await bench.booked(2)
    three = [Arrived(line_no=1, quantity=3)]
    with pytest.raises(Invalid) as refused:
        await receiving.receive(bench.operator, bench.place, booked.number, three, request_key=key())
    assert "Only 2 of" in refused.value.faults[0].sentence % refused.value.faults[0].facts
    assert (await bench.line(booked))["received"] == 0
    done = await receiving.receive(bench.operator, bench.place, booked.number, three, request_key=key(), surplus=True)
    assert len(done.units) == 3
    extra = await bench.line(booked, 2)
    assert (extra["basis"], extra["investigation"], extra["received"], extra["surplus"]) == ("paper", "open", 1, True)
    assert (await bench.line(booked))["received"] == 2
    news = await DB.value(
        "select count(*) from notification where organisation_id = $1 and sentence like 'More came%'",
        bench.exporter.organisation_id,
    )
    assert news == 1
    await receiving.reverse_receipt(bench.operator, done.units[0], note="miscounted")
    rest = await receiving.receive_all(bench.operator, bench.place, booked.number, request_key=key())
    assert len(rest.units) == 2, "the surplus is not expected again"


async def test_serials_stand_alone_and_come_back_once(bench: Bench) -> None:
    booked = await bench.booked(3, serials=["sn-1", "SN-2"])

    async def refused(*arrived: Arrived) -> str:
        with pytest.raises(Invalid) as wrong:
            await receiving.receive(bench.operator, bench.place, booked.number, list(arrived), request_key=key())
        return " ".join(fault.sentence % fault.facts for fault in wrong.value.faults)

    assert "instead of a quantity" in await refused(Arrived(line_no=1, quantity=2))
    assert "SN-9" in await refused(Arrived(line_no=1, quantity=1, serials=["SN-9"]))
    assert "twice" in await refused(Arrived(line_no=1, quantity=2, serials=["SN-1", "sn-1"]))
    assert "2 serial numbers for 1 pieces" in await refused(Arrived(line_no=1, quantity=1, serials=["SN-1", "SN-2"]))
    assert "no line 7" in await refused(Arrived(line_no=7, quantity=1))
    one = await receiving.receive(
        bench.operator,
        bench.place,
        booked.number,
        [Arrived(line_no=1, quantity=1, serials=["SN-1"])],
        request_key=key(),
    )
    assert (await bench.unit(one.units[0]))["serial"] == "SN-1"
    assert "received already" in await refused(Arrived(line_no=1, quantity=1, serials=["SN-1"]))
    rest = await receiving.receive_all(bench.operator, bench.place, booked.number, request_key=key())
    assert [(await bench.unit(code))["serial"] for code in rest.units] == ["SN-2", None]


async def test_a_serial_that_is_here_is_not_received_again(bench: Bench) -> None:
    booked, other = await bench.booked(1), await bench.booked(1)
    piece = [Arrived(line_no=1, quantity=1, serials=["TWIN"])]
    first = await receiving.receive(bench.operator, bench.place, booked.number, piece, request_key=key())
    with pytest.raises(arrivals.SerialHere) as refused:
        await receiving.receive(bench.operator, bench.place, other.number, piece, request_key=key())
    assert first.units[0] in str(refused.value)


async def test_unsold_goods_move_from_where_they_lie(bench: Bench) -> None:
    await build.stocked(bench.operator, bench.warehouse, bench.item, bench.bins[1], 5)
    before = await bench.stock()
    line = Line(item=bench.item.code, quantity=4, basis="unsold", warehouse=bench.place, location=bench.bins[1])
    booked = await build.returned(bench.exporter, bench.warehouse, line, kind="unsold", reason="long_stored")
    await receiving.receive_all(bench.operator, bench.place, booked.number, request_key=key())
    after = await bench.stock()
    assert after.get((bench.bins[1], 1), 0) == before[bench.bins[1], 1] - 4
    assert after["DOCK", 4] == before.get(("DOCK", 4), 0) + 4


async def test_unsold_goods_that_were_sold_meanwhile_are_received_as_far_as_they_are_there(bench: Bench) -> None:
    goods = await build.item(bench.exporter)
    await build.stocked(bench.operator, bench.warehouse, goods, bench.bins[2], 5)
    line = Line(item=goods.code, quantity=4, basis="unsold", warehouse=bench.place, location=bench.bins[2])
    booked = await build.returned(bench.exporter, bench.warehouse, line, kind="unsold", reason="long_stored")
    await build.sold(bench.operator, bench.warehouse, goods, bench.bins[2], 3)
    with pytest.raises(steps.HeldBack, match=r"Only 2 of .* gone"):
        await receiving.receive_all(bench.operator, bench.place, booked.number, request_key=key())
    there = [Arrived(line_no=1, quantity=2)]
    assert (await receiving.receive(bench.operator, bench.place, booked.number, there, request_key=key())).units
    assert await receiving.close_receipt(bench.operator, bench.place, booked.number, note="Sold") == 2


async def test_held_unsold_goods_stay_where_they_are(bench: Bench) -> None:
    goods = await build.item(bench.exporter)
    await build.stocked(bench.operator, bench.warehouse, goods, bench.bins[2], 5)
    row = await DB.row("select * from stock_on_hand where item_id = $1", goods.id)
    assert row is not None
    line = Line(item=goods.code, quantity=4, basis="unsold", warehouse=bench.place, location=bench.bins[2])
    booked = await build.returned(bench.exporter, bench.warehouse, line, kind="unsold", reason="long_stored")
    at = tuple(row[name] for name in ("warehouse_id", "owner_id", "item_id", "lot_id", "location_id", "condition"))
    await stock_actions.hold(bench.operator, at, quantity=3, reason="customs", note="", request_key=key())
    with pytest.raises(steps.HeldBack) as refused:
        await receiving.receive_all(bench.operator, bench.place, booked.number, request_key=key())
    assert f"Only 2 of {goods.code} are free at {bench.bins[2]}, 4 are to be moved" in str(refused.value)
    assert (await bench.line(booked))["received"] == 0


async def test_a_receipt_is_not_reversed_behind_its_back(bench: Bench) -> None:
    (unit,) = await bench.received(1)
    document_id = (await bench.unit(unit))["receipt_document_id"]
    with pytest.raises(UndoneElsewhere) as refused:
        await stock_actions.reverse(bench.operator, bench.warehouse.id, document_id, note="x")
    assert unit.split("U")[0] in str(refused.value)


# ----------------------------------------------------------------------------------------------- parcels and the rest


async def test_a_parcel_at_the_dock_starts_the_clock(bench: Bench) -> None:
    booked = await bench.booked(2, parcels=[Parcel(tracking_no="T-1"), Parcel(tracking_no="T-2")])
    with pytest.raises(arrivals.WhichParcel):
        await receiving.arrive(bench.operator, bench.place, booked.number)
    with pytest.raises(arrivals.NoSuchParcel):
        await receiving.arrive(bench.operator, bench.place, booked.number, parcel_no=3)
    assert await receiving.arrive(bench.operator, bench.place, booked.number, parcel_no=2) == 2
    assert await bench.stage(booked) == ("receiving", "receiving")
    one = [Arrived(line_no=1, quantity=1)]
    await receiving.receive(bench.operator, bench.place, booked.number, one, request_key=key(), parcel_no=2)
    assert await bench.stage(booked) == ("grading", "grading"), "the other parcel is still on its way"
    assert await receiving.arrive(bench.operator, bench.place, booked.number) == 1
    assert await bench.stage(booked) == ("receiving", "receiving")
    assert await receiving.arrive(bench.operator, bench.place, booked.number) == 2, "nothing is on its way any more"


async def test_what_does_not_come_is_closed_and_may_be_claimed_again(bench: Bench) -> None:
    booked = await bench.booked(3)
    await receiving.receive(
        bench.operator, bench.place, booked.number, [Arrived(line_no=1, quantity=1)], request_key=key()
    )
    with pytest.raises(Invalid):
        await receiving.close_receipt(bench.operator, bench.place, booked.number, note=" ")
    assert await receiving.close_receipt(bench.operator, bench.place, booked.number, note="carrier lost it") == 2
    assert await bench.stage(booked) == ("grading", "grading")
    line = await bench.line(booked)
    assert (line["missing"], line["received"]) == (2, 1)
    claimed = await DB.value("select claimed from return_claim where document_id = $1", line["sale_document_id"])
    assert claimed == 1
    with pytest.raises(arrivals.NothingOutstanding):
        await receiving.receive_all(bench.operator, bench.place, booked.number, request_key=key())
    nothing = await bench.booked(1)
    await receiving.close_receipt(bench.operator, bench.place, nothing.number, note="never sent")
    assert await bench.stage(nothing) == ("closed", None)
    with pytest.raises(arrivals.ReturnOver):
        await receiving.receive_all(bench.operator, bench.place, nothing.number, request_key=key())


async def test_a_refused_line_holds_the_others_back_no_longer(bench: Bench) -> None:
    order = "ORDER-WITH-PAPER"
    await build.stocked(bench.operator, bench.warehouse, bench.item, bench.bins[0], 1)
    await build.sold(bench.operator, bench.warehouse, bench.item, bench.bins[0], 1, reference=order)
    known = Line(item=bench.item.code, quantity=1, order=order)
    booked = await build.returned(
        bench.exporter, bench.warehouse, known, Line(item=bench.item.code, quantity=1, basis="paper")
    )
    one = [Arrived(line_no=1, quantity=1)]
    await receiving.receive(bench.operator, bench.place, booked.number, one, request_key=key())
    assert await bench.stage(booked) == ("receiving", "receiving")
    await changes.settle(bench.operator, booked.id, 2, "refused", "no such sale")
    assert await bench.stage(booked) == ("grading", "grading")
    with pytest.raises(Invalid) as refused:
        two = [Arrived(line_no=2, quantity=1)]
        await receiving.receive(bench.operator, bench.place, booked.number, two, request_key=key(), surplus=True)
    assert "investigated and refused" in refused.value.faults[0].sentence


# ------------------------------------------------------------------------------------------------------------ scopes


async def test_only_the_operator_of_the_warehouse_receives(bench: Bench) -> None:
    booked = await bench.booked(1)
    stranger = await Bench.make()
    receive = receiving.receive_all
    with pytest.raises(NotAllowed):
        await receive(bench.exporter, bench.place, booked.number, request_key=key())
    with pytest.raises(codes.NoSuchWarehouse):
        await receive(stranger.operator, bench.place, booked.number, request_key=key())
    with pytest.raises(arrivals.NotExpectedHere):
        await receive(stranger.operator, stranger.place, booked.number, request_key=key())
    with pytest.raises(rules.NoSuchReturn):
        await receive(bench.operator, bench.place, "R00000000000", request_key=key())
    second = await build.warehouse(bench.operator)
    operator = await build.again(bench.operator)
    with pytest.raises(arrivals.ExpectedElsewhere) as elsewhere:
        await receive(operator, second.code, booked.number, request_key=key())
    assert bench.place in str(elsewhere.value)
    units = await bench.received(1)
    with pytest.raises(NotFound):
        await receiving.reverse_receipt(stranger.operator, units[0], note="x")


async def test_graded_goods_keep_their_receipt(bench: Bench) -> None:
    units = await bench.received(2)
    await grading.grade(bench.operator, await bench.look(units[:1]), request_key=key())
    with pytest.raises(arrivals.AlreadyGraded):
        await receiving.reverse_receipt(bench.operator, units[1], note="x")


async def test_several_people_receive_one_return_at_once(bench: Bench) -> None:
    booked = await bench.booked(5)

    async def one(n: int) -> Sequence[str]:
        who = bench.operator if n % 2 else bench.colleague
        piece = [Arrived(line_no=1, quantity=1)]
        try:
            return (await receiving.receive(who, bench.place, booked.number, piece, request_key=key())).units
        except (Invalid, Conflict):
            return []

    units = [code for codes_ in await asyncio.gather(*(one(n) for n in range(9))) for code in codes_]
    assert len(set(units)) == len(units) == 5
    assert (await bench.line(booked))["received"] == 5
    assert await bench.stage(booked) == ("grading", "grading")
