"""What a decision becomes: one movement each, never twice, undone only by a reversal, and never more than the step before."""

import asyncio
import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from backend.core import clock
from backend.core.database import DB
from backend.core.errors import Conflict, Invalid, NotAllowed, Refusal
from backend.files import queries as files_queries
from backend.returns import carrying_out, decisions, dispositions, grading, receiving, refunds, rules, steps
from backend.returns.arrivals import Arrived
from backend.returns.carrying_out import Deed
from backend.returns.refunds import Given
from backend.stock import actions as stock_actions
from backend.stock.rules import SameKeyOtherRequest
from tests import build
from tests.returns.bench import Bench, key

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(scope="module")
async def bench(database: str) -> Bench:
    return await Bench.make()


async def movement(bench: Bench, unit: str) -> Any:
    """The one movement that carried a unit's decision out."""
    rows = await DB.fetch(
        "select m.*, d.reason, x.follow_up, x.follow_up_id from disposition x join return_unit u on u.id = x.unit_id "
        "join movement m on m.warehouse_id = x.warehouse_id and m.document_id = x.document_id and m.line_no = x.line_no "
        "join document d on d.warehouse_id = m.warehouse_id and d.document_id = m.document_id "
        "where u.code = $1 and x.revoked_at is null",
        unit,
    )
    (row,) = rows
    return row


# ------------------------------------------------------------------------------------------------------- carried out


@pytest.mark.parametrize(("kind", "condition"), [("RESTOCK", 1), ("SECOND", 2)])
async def test_what_is_sold_again_goes_to_a_bin(bench: Bench, kind: str, condition: int) -> None:
    before, charged = await bench.stock(), await bench.charged("return_restock")
    units = await bench.carried_out(kind, "A", 2)
    after = await bench.stock()
    assert after[bench.bins[2], condition] == before.get((bench.bins[2], condition), 0) + 2
    assert await bench.charged("return_restock") == charged + 2
    booked = await bench.of_unit(units[0])
    assert await bench.stage(booked) == ("closed", None)
    assert (await bench.line(booked))["disposed"] == 2
    moved = await movement(bench, units[0])
    assert (moved["condition"], moved["target_condition"], moved["quantity"]) == (4, condition, 1)


async def test_a_bin_must_be_a_bin(bench: Bench) -> None:
    units = await bench.decided("RESTOCK")
    for wrong in ("", "DOCK", "WORKSHOP", "NOWHERE", "BUYER"):
        with pytest.raises(Invalid) as refused:
            await carrying_out.carry_out(bench.operator, units, Deed(location=wrong), request_key=key())
        assert [fault.field for fault in refused.value.faults] == ["location"]
    assert (await bench.unit(units[0]))["state"] == "decided"


@pytest.mark.parametrize(
    ("kind", "reason", "activity"), [("SCRAP", 7, "return_scrap"), ("DONATE", 12, "return_donation")]
)
async def test_destruction_needs_photos_and_makes_a_record(bench: Bench, kind: str, reason: int, activity: str) -> None:
    units = await bench.decided(kind, "D", 3)
    for wrong, fields in (
        (Deed(), {"method", "photos"}),
        (Deed(method="Crushed", photos=[await build.photo(bench.exporter)]), {"photos"}),
        (Deed(method="x" * 201, photos=[await build.photo(bench.operator)]), {"method"}),
    ):
        with pytest.raises(Invalid) as refused:
            await carrying_out.carry_out(bench.operator, units, wrong, request_key=key())
        assert {fault.field for fault in refused.value.faults} == fields
    charged = await bench.charged(activity)
    await carrying_out.carry_out(bench.operator, units, await bench.deed(kind), request_key=key())
    moved = [await movement(bench, unit) for unit in units]
    assert {(row["reason"], row["target_id"], row["document_id"]) for row in moved} == {
        (reason, 5, moved[0]["document_id"])
    }
    assert [row["line_no"] for row in moved] == [1, 2, 3]
    record = await DB.row("select * from destruction where id = $1", moved[0]["follow_up_id"])
    assert record is not None
    assert (record["kind"], record["method"], record["witness"]) == (kind, "Crushed", "Notary")
    photos = await files_queries.attachments(bench.exporter, bench.warehouse.id, ["destruction"], [record["id"]])
    assert len(photos) == 1
    assert await bench.charged(activity) == charged + 3


async def test_a_repair_begins_as_a_work_order(bench: Bench) -> None:
    (unit,) = await bench.carried_out("REPAIR", "C")
    moved = await movement(bench, unit)
    assert moved["follow_up"] == "work_order"
    order = await DB.row("select * from work_order where id = $1", moved["follow_up_id"])
    assert order is not None
    row = await bench.unit(unit)
    assert (order["return_unit_id"], order["stage"], order["reference"]) == (
        row["id"],
        "diagnosing",
        unit.split("U")[0],
    )
    assert (row["state"], row["altered"], row["condition"]) == ("disposed", True, 3)
    with pytest.raises(decisions.GoesOn) as refused:
        await carrying_out.undo(bench.operator, unit, note="x")
    assert order["number"] in str(refused.value)


async def test_relabelling_begins_as_a_service_job(bench: Bench) -> None:
    (unit,) = await bench.carried_out("RELABEL", "B")
    moved = await movement(bench, unit)
    assert moved["follow_up"] == "service_job"
    job = await DB.row("select * from service_job where id = $1", moved["follow_up_id"])
    assert job is not None
    assert job["return_unit_id"] == (await bench.unit(unit))["id"]
    with pytest.raises(decisions.GoesOn):
        await carrying_out.undo(bench.operator, unit, note="x")


async def test_goods_go_home_with_a_batch_only(bench: Bench) -> None:
    (unit,) = await bench.decided("SEND_HOME")
    with pytest.raises(decisions.GoesWithBatch):
        await carrying_out.carry_out(bench.operator, [unit], Deed(location=bench.bins[0]), request_key=key())


async def test_held_goods_stay_where_they_are() -> None:
    bench = await Bench.make()
    (unit,) = await bench.decided("SCRAP")
    row = await bench.unit(unit)
    at = tuple(row[name] for name in ("warehouse_id", "owner_id", "item_id", "lot_id", "location_id", "condition"))
    await stock_actions.hold(bench.operator, at, quantity=1, reason="dispute", note="pledged", request_key=key())
    with pytest.raises(steps.HeldBack) as refused:
        await carrying_out.carry_out(bench.operator, [unit], await bench.deed("SCRAP"), request_key=key())
    assert "Only 0 of" in str(refused.value)
    assert (await bench.unit(unit))["state"] == "decided"
    assert await DB.value("select count(*) from destruction where owner_id = $1", bench.exporter.organisation_id) == 0


async def test_it_is_carried_out_once_by_whoever_comes_first(bench: Bench) -> None:
    units = await bench.decided("RESTOCK", "A", 2)
    deed, request_key = await bench.deed("RESTOCK"), key()
    first = await carrying_out.carry_out(bench.operator, units, deed, request_key=request_key)
    again = await carrying_out.carry_out(bench.operator, units, deed, request_key=request_key)
    assert (first.repeated, again.repeated, set(again.units)) == (False, True, set(units))
    with pytest.raises(SameKeyOtherRequest):
        await carrying_out.carry_out(bench.operator, units, Deed(location=bench.bins[0]), request_key=request_key)
    with pytest.raises(decisions.AlreadyCarriedOut):
        await carrying_out.carry_out(bench.operator, units, deed, request_key=key())
    units = await bench.decided("RESTOCK", "A", 2)

    async def one(who: Any) -> bool:
        try:
            await carrying_out.carry_out(who, units, deed, request_key=key())
        except Conflict:
            return False
        return True

    assert sorted(await asyncio.gather(one(bench.operator), one(bench.colleague))) == [False, True]


async def test_several_kinds_are_not_mixed_and_nothing_undecided_is_touched(bench: Bench) -> None:
    one, other, undecided = await bench.decided("RESTOCK"), await bench.decided("SCRAP"), await bench.graded()
    with pytest.raises(Invalid):
        await carrying_out.carry_out(bench.operator, [*one, *other], Deed(location=bench.bins[0]), request_key=key())
    with pytest.raises(decisions.NotDecided):
        await carrying_out.carry_out(bench.operator, undecided, Deed(location=bench.bins[0]), request_key=key())
    with pytest.raises(NotAllowed):
        await carrying_out.carry_out(bench.exporter, one, Deed(location=bench.bins[0]), request_key=key())
    stranger = await Bench.make()
    with pytest.raises(steps.NoSuchUnit):
        await carrying_out.carry_out(stranger.operator, one, Deed(location=stranger.bins[0]), request_key=key())


# -------------------------------------------------------------------------------------------------------------- undo


async def test_one_of_several_is_undone_by_itself(bench: Bench) -> None:
    units = await bench.carried_out("RESTOCK", "A", 3)
    before, charged = await bench.stock(), await bench.charged("return_restock")
    with pytest.raises(Invalid):
        await carrying_out.undo(bench.operator, units[1], note="")
    assert await carrying_out.undo(bench.operator, units[1], note="wrong bin") == [units[1]]
    after = await bench.stock()
    assert after[bench.bins[2], 1] == before[bench.bins[2], 1] - 1
    assert after["DOCK", 4] == before.get(("DOCK", 4), 0) + 1
    row = await bench.unit(units[1])
    assert (row["state"], row["disposition"], row["condition"]) == ("decided", "RESTOCK", 4)
    booked = await bench.of_unit(units[1])
    assert await bench.stage(booked) == ("working", "working")
    assert (await bench.line(booked))["disposed"] == 2
    assert await bench.charged("return_restock") == charged - 1
    with pytest.raises(decisions.NotCarriedOut):
        await carrying_out.undo(bench.operator, units[1], note="again")
    await carrying_out.carry_out(bench.operator, [units[1]], Deed(location=bench.bins[0]), request_key=key())
    assert await bench.stage(booked) == ("closed", None)
    assert await bench.charged("return_restock") == charged


async def test_what_was_destroyed_together_comes_back_together(bench: Bench) -> None:
    units = await bench.carried_out("SCRAP", "D", 2)
    assert await carrying_out.undo(bench.operator, units[0], note="booked by mistake") == units
    assert [(await bench.unit(code))["state"] for code in units] == ["decided", "decided"]
    await dispositions.revoke(bench.exporter, units, note="keep them")


async def test_goods_that_were_sold_meanwhile_are_not_taken_back() -> None:
    bench = await Bench.make()
    (unit,) = await bench.carried_out("RESTOCK")
    await build.sold(bench.operator, bench.warehouse, bench.item, bench.bins[2], 1)
    with pytest.raises(steps.HeldBack):
        await carrying_out.undo(bench.operator, unit, note="too late")
    assert (await bench.unit(unit))["state"] == "disposed"


# ------------------------------------------------------------------------------------------------------------- money


def money(quantity: int = 1, **other: Any) -> Given:
    today = clock.business_day(clock.now(), "Europe/Berlin")
    return Given(
        **{
            "line_no": 1,
            "quantity": quantity,
            "amount": Decimal("12.50"),
            "currency": "eur",
            "refunded_on": today,
            "reference": "PSP-1",
            **other,
        }
    )


async def test_money_follows_what_was_dealt_with(bench: Bench) -> None:
    units = await bench.decided("RESTOCK", "A", 2)
    booked = await bench.of_unit(units[0])
    with pytest.raises(Invalid) as early:
        await refunds.refund(bench.exporter, booked.id, money(), request_key=key())
    assert "0 pieces are dealt with" in early.value.faults[0].sentence % early.value.faults[0].facts
    await carrying_out.carry_out(bench.operator, units, await bench.deed("RESTOCK"), request_key=key())
    request_key = key()
    made = await refunds.refund(bench.exporter, booked.id, money(2), request_key=request_key)
    again = await refunds.refund(bench.exporter, booked.id, money(2), request_key=request_key)
    assert (again.id, again.repeated) == (made.id, True)
    with pytest.raises(Invalid):
        await refunds.refund(bench.exporter, booked.id, money(1), request_key=key())
    with pytest.raises(decisions.Refunded):
        await carrying_out.undo(bench.operator, units[0], note="x")
    await refunds.reverse_refund(bench.exporter, made.id, note="bounced")
    with pytest.raises(refunds.AlreadyReversed):
        await refunds.reverse_refund(bench.exporter, made.id, note="twice")
    assert (await bench.line(booked))["refunded"] == 0
    await carrying_out.undo(bench.operator, units[0], note="now it can be")


async def test_a_bad_refund_is_refused_as_a_whole(bench: Bench) -> None:
    booked = await bench.of_unit((await bench.carried_out("RESTOCK"))[0])
    wrong = money(0, amount=Decimal("1.234"), currency="XX", refunded_on=clock.now().date() + timedelta(days=40))
    with pytest.raises(Invalid) as refused:
        await refunds.refund(bench.exporter, booked.id, wrong, request_key=key())
    assert {fault.field for fault in refused.value.faults} == {"quantity", "amount", "currency", "refunded_on"}
    with pytest.raises(Invalid):
        await refunds.refund(bench.exporter, booked.id, money(line_no=9), request_key=key())
    with pytest.raises(NotAllowed):
        await refunds.refund(bench.operator, booked.id, money(), request_key=key())
    stranger = await build.exporter()
    with pytest.raises(rules.NoSuchReturn):
        await refunds.refund(stranger, booked.id, money(), request_key=key())
    made = await refunds.refund(bench.exporter, booked.id, money(), request_key=key())
    with pytest.raises(refunds.NoSuchRefund):
        await refunds.reverse_refund(stranger, made.id, note="x")


# -------------------------------------------------------------------------------------------------- made-up histories


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_the_pieces_add_up(seed: int) -> None:
    """Random deeds in random order: every refusal is one of ours, and ledger, units and lines agree afterwards."""
    bench, chance = await Bench.make(), random.Random(seed)
    shipped = 6
    booked = await bench.booked(shipped)

    async def unit() -> str:
        rows = await DB.fetch("select code from return_unit where rma_id = $1 order by unit_no", booked.id)
        return str(chance.choice(rows)["code"]) if rows else f"{booked.number}U1"

    async def step() -> None:
        code, who = await unit(), chance.choice([bench.operator, bench.colleague])
        deed = chance.choice(["receive"] * 3 + ["grade"] * 4 + ["decide"] * 4 + ["carry"] * 5 + ["other"] * 5)
        if deed == "receive":
            arrived = [Arrived(line_no=1, quantity=chance.choice([1, 1, 2]))]
            await receiving.receive(
                who, bench.place, booked.number, arrived, request_key=key(), surplus=chance.random() < 0.1
            )
        elif deed == "grade":
            grade = chance.choice("AABCD")
            look = await bench.look([code], grade, by=who, note="n", location=chance.choice(["", bench.bins[1]]))
            await grading.grade(who, look, request_key=key())
        elif deed == "decide":
            kind = chance.choice(["RESTOCK", "SECOND", "SCRAP", "DONATE", "RELABEL", "REPAIR"])
            await dispositions.decide(bench.exporter, [code], kind=kind, request_key=key())
        elif deed == "carry":
            kind = (await bench.unit(code))["disposition"] if await bench.unit(code) else None
            await carrying_out.carry_out(who, [code], await bench.deed(kind or "RESTOCK"), request_key=key())
        else:
            other = chance.choice(["reverse", "undo", "revoke", "regrade", "refund"])
            if other == "reverse":
                await receiving.reverse_receipt(who, code, note="n")
            elif other == "undo":
                await carrying_out.undo(who, code, note="n")
            elif other == "revoke":
                await dispositions.revoke(bench.exporter, [code], note="n")
            elif other == "regrade":
                await grading.ask_regrade(bench.exporter, [code], note="n")
            else:
                await refunds.refund(bench.exporter, booked.id, money(), request_key=key())

    done = 0
    for _ in range(60):
        try:
            await step()
            done += 1
        except Refusal:
            continue
    assert done > 10
    await _agree(bench, booked.id)


async def _agree(bench: Bench, rma_id: Any) -> None:
    lines = await DB.fetch("select * from rma_line where rma_id = $1", rma_id)
    units = await DB.fetch("select * from return_unit where rma_id = $1", rma_id)
    live = [row for row in units if row["state"] != "reversed"]
    for line in lines:
        own = [row for row in live if row["line_no"] == line["line_no"]]
        assert line["received"] == sum(row["quantity"] for row in own)
        assert line["graded"] == sum(row["quantity"] for row in own if row["state"] != "received")
        assert line["disposed"] == sum(row["quantity"] for row in own if row["state"] == "disposed")
        assert 0 <= line["refunded"] <= line["disposed"] <= line["graded"] <= line["received"] <= line["quantity"]
    # Nothing is sold here but by a decision, so each condition and place holds exactly the units that say so.
    wanted: dict[tuple[int, int], int] = {}
    for row in live:
        if not (row["state"] == "disposed" and row["disposition"] in ("SCRAP", "DONATE")):
            at = row["location_id"], row["condition"]
            wanted[at] = wanted.get(at, 0) + row["quantity"]
    rows = await DB.fetch(
        "select location_id, condition, sum(on_hand)::bigint as pieces from stock_on_hand where item_id = $1 group by 1, 2",
        bench.item.id,
    )
    assert {(row["location_id"], row["condition"]): row["pieces"] for row in rows} == wanted
    ends = await DB.row(
        "select sum(case when target_id < 1000 then quantity else 0 end) - sum(case when source_id < 1000 then quantity else 0 end)"
        " as outside from movement where item_id = $1",
        bench.item.id,
    )
    assert ends is not None
    assert ends["outside"] == -sum(wanted.values()), "what is outside and inside sums to nothing"
    standing = await DB.row(
        "select r.stage, s.stage as clock from rma r left join stage s on s.subject_id = r.id and s.left_at is null "
        "where r.id = $1",
        rma_id,
    )
    assert standing is not None
    assert standing["clock"] == (None if standing["stage"] == "closed" else standing["stage"])
    live_decisions = await DB.value(
        "select count(*) from disposition d join return_unit u on u.disposition_id = d.id where u.rma_id = $1 and d.revoked_at is null",
        rma_id,
    )
    assert live_decisions == sum(row["state"] in ("decided", "disposed") for row in live)
    receipts = await bench.charged("return_receipt")
    assert receipts == sum(row["quantity"] for row in live)
