"""Returned units that go home: decided by their owner, once in one batch, carried out by its leaving, undone with it."""

import asyncio
import uuid
from decimal import Decimal

import pytest

from backend.core import clock
from backend.core.database import DB
from backend.core.errors import Invalid
from backend.returns import batches, carrying_out, decisions, dispositions, home, home_rules, refunds, sending
from backend.returns.home_rules import NotForHome, Packed
from backend.stock import actions as stock_actions
from backend.stock import queries as stock_queries
from tests import build
from tests.returns import homeward
from tests.returns.bench import Bench
from tests.returns.homeward import key


@pytest.fixture
async def bench(database: str) -> Bench:
    return await Bench.make()


async def opened(bench: Bench, cause: str = "return") -> uuid.UUID:
    """A batch of the exporter's from the warehouse."""
    made = await home.open_batch(bench.exporter, bench.place, homeward.plan(cause=cause), request_key=key())
    return made.id


async def filled(bench: Bench, *units: str) -> uuid.UUID:
    """A batch with these units."""
    batch = await opened(bench)
    await home.add(bench.exporter, batch, units=units, request_key=key())
    return batch


async def sent(bench: Bench, *units: str) -> uuid.UUID:
    """A batch with these units on its way."""
    batch = await filled(bench, *units)
    await home.make_ready(bench.exporter, batch, request_key=key())
    await packed(bench, batch)
    await sending.dispatch(bench.operator, batch, request_key=key())
    return batch


async def packed(bench: Bench, batch: uuid.UUID, quantity: int | None = None) -> None:
    """Pack every line as planned, or so many pieces of each."""
    rows = await batches.lines(await batches.batch(bench.operator, batch))
    given = [
        Packed(line_no=row["line_no"], quantity=row["quantity"] if quantity is None else quantity)
        for row in rows
        if row["live"]
    ]
    await sending.pack(bench.operator, batch, given, request_key=key())


async def refused(bench: Bench, batch: uuid.UUID, *units: str) -> list[str]:
    """The sentences that refuse these units."""
    with pytest.raises(NotForHome) as caught:
        await home.add(bench.exporter, batch, units=units, request_key=key())
    return [fault.sentence for fault in caught.value.faults]


async def test_a_decided_unit_goes_home_and_its_return_is_closed(bench: Bench) -> None:
    (unit,) = await bench.decided("SEND_HOME", "C")
    booked = await bench.of_unit(unit)
    assert await bench.stage(booked) == ("working", "working")
    batch = await sent(bench, unit)
    row = await bench.unit(unit)
    assert (row["state"], row["disposition"]) == ("disposed", "SEND_HOME")
    assert await bench.stage(booked) == ("closed", None)
    assert (await bench.line(booked))["disposed"] == 1
    head = await batches.batch(bench.exporter, batch)
    done = await DB.row("select * from disposition where unit_id = $1 and revoked_at is null", row["id"])
    assert done is not None
    assert (done["document_id"], done["follow_up"], done["follow_up_id"]) == (
        head["dispatch_document_id"],
        "batch",
        batch,
    )
    (movement,) = await stock_queries.document_postings(bench.warehouse.id, head["dispatch_document_id"])
    assert (movement.target_id, movement.condition, movement.quantity) == (3, 3, 1)
    await sending.confirm_arrival(bench.exporter, batch, [(1, 1)], request_key=key())
    assert await stock_queries.differences() == []


async def test_the_leaving_undone_brings_the_units_back_with_their_history(bench: Bench) -> None:
    units = await bench.decided("SEND_HOME", "B", 2, serials=["S-1", "S-2"])
    booked = await bench.of_unit(units[0])
    batch = await sent(bench, *units)
    await sending.undo_dispatch(bench.operator, batch, note="truck came back", request_key=key())
    assert [(await bench.unit(code))["state"] for code in units] == ["decided", "decided"]
    assert await bench.stage(booked) == ("working", "working")
    assert (await bench.line(booked))["disposed"] == 0
    rows = await DB.fetch(
        "select d.executed_at, d.revoked_at from disposition d join return_unit u on u.id = d.unit_id where u.rma_id = $1",
        booked.id,
    )
    mine = [(row["executed_at"] is not None, row["revoked_at"] is not None) for row in rows]
    assert sorted(mine) == [(False, False), (False, False), (True, True), (True, True)]
    await sending.dispatch(bench.operator, batch, request_key=key())
    assert [(await bench.unit(code))["state"] for code in units] == ["disposed", "disposed"]
    assert await stock_queries.differences() == []


async def test_a_unit_is_in_one_batch_only(bench: Bench) -> None:
    (unit,) = await bench.decided("SEND_HOME", "D")
    first = await filled(bench, unit)
    second = await opened(bench)
    (sentence,) = await refused(bench, second, unit)
    assert "is in batch" in sentence
    assert len(await refused(bench, await opened(bench), unit, unit)) == 2
    await home.cancel(bench.exporter, first, note="another carrier", request_key=key())
    await home.add(bench.exporter, second, units=[unit], request_key=key())


async def test_two_at_once_put_a_unit_into_one_batch(bench: Bench) -> None:
    (unit,) = await bench.decided("SEND_HOME", "D")
    places = [await opened(bench) for _ in range(4)]
    done = await asyncio.gather(
        *(home.add(bench.exporter, batch, units=[unit], request_key=key()) for batch in places),
        return_exceptions=True,
    )
    assert sum(each is None for each in done) == 1
    assert all(each is None or isinstance(each, NotForHome) for each in done)
    assert (
        await DB.value(
            "select count(*) from home_line where unit_id = (select id from return_unit where code = $1)", unit
        )
        == 1
    )


async def test_only_decided_units_of_ones_own_join(bench: Bench) -> None:
    batch = await opened(bench)
    (graded,) = await bench.graded("B")
    (other_fate,) = await bench.decided("SECOND", "B")
    (gone,) = await bench.carried_out("SCRAP", "D")
    stranger = await Bench.make()
    (foreign,) = await stranger.decided("SEND_HOME", "C")
    sentences = await refused(bench, batch, graded, other_fate, gone, foreign, "R00000000000U1")
    assert ["is not decided" in sentences[0], "is not decided" in sentences[1]] == [True, True]
    assert "carried out already" in sentences[2]
    assert "no unit" in sentences[3]
    assert "no unit" in sentences[4]


async def test_a_batch_has_one_cause(bench: Bench) -> None:
    (unit,) = await bench.decided("SEND_HOME", "C")
    (sentence,) = await refused(bench, await opened(bench, "unsold"), unit)
    assert "another cause" in sentence
    row = await batches.batch(bench.exporter, await opened(bench))
    assert [each["unit"] for each in await batches.units_for_home(row)] == [unit]
    unsold = await batches.batch(bench.exporter, await opened(bench, "unsold"))
    assert await batches.units_for_home(unsold) == []


async def test_pieces_of_returns_are_not_taken_from_the_shelf(bench: Bench) -> None:
    await bench.decided("SEND_HOME", "C", 3)
    await build.stocked(bench.operator, bench.warehouse, bench.item, bench.bins[0], 5)
    row = await batches.batch(bench.exporter, await opened(bench, "unsold"))
    assert [(each["location"], each["free"]) for each in await batches.stock_for_home(row)] == [(bench.bins[0], 5)]
    line = home.StockLine(item=bench.item.code, location="DOCK", condition="DAMAGED", quantity=1)
    with pytest.raises(NotForHome) as caught:
        await home.add(bench.exporter, row["id"], stock=[line], request_key=key())
    assert caught.value.faults[0].facts["free"] == 0


async def test_a_unit_in_a_batch_keeps_its_decision(bench: Bench) -> None:
    (unit,) = await bench.decided("SEND_HOME", "C")
    batch = await filled(bench, unit)
    with pytest.raises(decisions.InBatch):
        await dispositions.revoke(bench.exporter, [unit], note="changed my mind")
    await home.remove(bench.exporter, batch, [1], request_key=key())
    await dispositions.revoke(bench.exporter, [unit], note="changed my mind")
    assert (await bench.unit(unit))["state"] == "graded"


async def test_a_unit_goes_as_a_whole_or_stays(bench: Bench) -> None:
    (unit,) = await bench.decided("SEND_HOME", "C", 60)
    (other,) = await bench.decided("SEND_HOME", "C")
    batch = await filled(bench, unit, other)
    await home.make_ready(bench.exporter, batch, request_key=key())
    rows = {row["unit"]: row["line_no"] for row in await batches.lines(await batches.batch(bench.exporter, batch))}
    with pytest.raises(Invalid):
        given = [Packed(line_no=rows[unit], quantity=2), Packed(line_no=rows[other], quantity=1)]
        await sending.pack(bench.operator, batch, given, request_key=key())
    given = [Packed(line_no=rows[unit], quantity=0), Packed(line_no=rows[other], quantity=1)]
    await sending.pack(bench.operator, batch, given, request_key=key())
    await sending.dispatch(bench.operator, batch, request_key=key())
    assert ((await bench.unit(unit))["state"], (await bench.unit(other))["state"]) == ("decided", "disposed")
    await filled(bench, unit)


async def test_held_units_stay(bench: Bench) -> None:
    (unit,) = await bench.decided("SEND_HOME", "C")
    batch = await filled(bench, unit)
    await home.make_ready(bench.exporter, batch, request_key=key())
    await packed(bench, batch)
    row = await DB.row("select * from stock_on_hand where item_id = $1 and free > 0", bench.item.id)
    assert row is not None
    at = tuple(row[name] for name in ("warehouse_id", "owner_id", "item_id", "lot_id", "location_id", "condition"))
    await stock_actions.hold(bench.exporter, at, quantity=1, reason="dispute", note="", request_key=key())
    with pytest.raises(stock_actions.rules.NotEnoughFree):
        await sending.dispatch(bench.operator, batch, request_key=key())
    assert (await bench.unit(unit))["state"] == "decided"


async def test_refunded_units_do_not_come_back(bench: Bench) -> None:
    (unit,) = await bench.decided("SEND_HOME", "C")
    batch = await sent(bench, unit)
    booked = await bench.of_unit(unit)
    given = refunds.Given(
        line_no=1, quantity=1, amount=Decimal("10.00"), currency="EUR", refunded_on=clock.now().date()
    )
    await refunds.refund(bench.exporter, booked.id, given, request_key=key())
    with pytest.raises(decisions.Refunded):
        await sending.undo_dispatch(bench.operator, batch, note="oops", request_key=key())


async def test_units_are_sent_by_their_batch_only(bench: Bench) -> None:
    (unit,) = await bench.decided("SEND_HOME", "C")
    with pytest.raises(decisions.GoesWithBatch):
        await carrying_out.carry_out(bench.operator, [unit], carrying_out.Deed(), request_key=key())
    await sent(bench, unit)
    with pytest.raises(decisions.GoesWithBatch):
        await carrying_out.undo(bench.operator, unit, note="back please")


async def test_shelf_goods_that_were_worked_on_are_for_a_person(bench: Bench) -> None:
    await bench.carried_out("REPAIR", "C")
    await build.stocked(bench.operator, bench.warehouse, bench.item, bench.bins[0], 5)
    line = build.codes.Request(
        bench.exporter.organisation_code, bench.item.code, None, bench.bins[0], "WORKSHOP", "GOOD", "GOOD", 2
    )
    back = build.codes.Request(
        bench.exporter.organisation_code, bench.item.code, None, "WORKSHOP", bench.bins[0], "GOOD", "GOOD", 2
    )
    batch = await opened(bench, "unsold")
    shelf = [home.StockLine(item=bench.item.code, location=bench.bins[0], quantity=1)]
    await home.add(bench.exporter, batch, stock=shelf, request_key=key())
    for each in (line, back):
        await stock_actions.post_document(
            bench.operator, bench.place, "MOVE", [each], request_key=key(), request_hash=b""
        )
    await home.add(bench.exporter, batch, stock=shelf, request_key=key())
    before, after = await batches.lines(await batches.batch(bench.exporter, batch))
    assert (before["eligibility"]["original_state"], after["eligibility"]["original_state"]) == (True, None)


def test_the_rules_name_the_way_out() -> None:
    unit = home_rules.Unit(
        id=1, code="U", warehouse_id=1, owner_id=1, state="decided", disposition="SEND_HOME", cause="return"
    )
    assert home_rules.unit_fault("units.0", "U", unit, warehouse_id=1, owner_id=1, cause="return") is None
    elsewhere = home_rules.unit_fault("units.0", "U", unit, warehouse_id=2, owner_id=1, cause="return")
    assert elsewhere is not None
    assert "another warehouse" in elsewhere.sentence
