"""Fault and failure rates: counted right, kept to who asks, fed back to owners once."""

from datetime import timedelta
from typing import Any

import pytest

from backend.access.rules import Viewer
from backend.core import clock
from backend.core.errors import Invalid
from backend.messages import queries as messages_queries
from backend.repairs import ending, failures, queries
from backend.stock import actions as stock_actions
from backend.stock.rules import Condition
from tests import build
from tests.repairs.shop import Shop, fresh, shop

pytestmark = pytest.mark.usefixtures("database")


async def rows(viewer: Viewer, **filters: str) -> list[dict[str, Any]]:
    what = await failures.asked(viewer, {"by": "item", **filters})
    return [dict(row) for row in (await failures.rates(what).page(failures.nothing_beyond(what))).rows]


async def lot(made: Shop, code: str) -> int:
    owner, item = made.exporter.organisation_code, made.machine.code
    return await stock_actions.register_lot(made.exporter, owner=owner, item=item, code=code)


async def season() -> tuple[Shop, dict[str, int]]:
    """Two lots of a machine: forty of A shipped, ten of B; one of A and three of B repaired, one of them without a fault."""
    made = await shop()
    lots = {code: await lot(made, code) for code in ("A", "B")}
    for code, pieces in (("A", 40), ("B", 10)):
        await build.stocked(made.operator, made.warehouse, made.machine, made.bins[0], pieces + 5, lot=code)
        await build.sold(made.operator, made.warehouse, made.machine, made.bins[0], pieces, lot=code)
    for code, fault in (("A", "MA_GEAR"), ("B", "MA_GEAR"), ("B", "MA_PUMP"), ("B", "NO_FAULT")):
        key = await made.key(made.machine, made.bins[0], Condition.GOOD, lots[code])
        order_id = await made.diagnosed(fault, key=key)
        if fault == "MA_PUMP":
            await ending.give_up(made.operator, order_id, location=made.bins[2], note="Hopeless", request_key=fresh())
    return made, lots


async def test_rates_by_model_lot_owner_and_heading() -> None:
    made, _ = await season()
    (by_item,) = [row for row in await rows(made.exporter) if row["item"] == made.machine.code]
    assert (by_item["shipped"], by_item["repairs"], by_item["faulty"], by_item["given_up"]) == (50, 4, 3, 1)
    assert (by_item["failure_rate"], by_item["fault_rate"]) == (8, 6)
    by_lot = {row["lot"]: row for row in await rows(made.exporter, by="lot", item=made.machine.code)}
    assert (by_lot["A"]["shipped"], by_lot["A"]["fault_rate"]) == (40, 2.5)
    assert (by_lot["B"]["shipped"], by_lot["B"]["failure_rate"], by_lot["B"]["fault_rate"]) == (10, 30, 20)
    assert (by_lot[""]["received"], by_lot[""]["repairs"]) == (5, 0)
    assert next(iter(by_lot)) == "B"
    (by_owner,) = await rows(made.exporter, by="owner")
    assert (by_owner["owner"], by_owner["repairs"]) == (made.exporter.organisation_code, 4)
    headings = {row["heading"]: row for row in await rows(made.exporter, by="class")}
    assert (headings["8467"]["faulty"], headings["8501"]["faulty"]) == (3, 0)


async def test_a_reversed_sale_and_another_period_count_for_nothing() -> None:
    made, _ = await season()
    document = await build.sold(made.operator, made.warehouse, made.machine, made.bins[0], 3, lot="A")
    await stock_actions.reverse(made.operator, made.warehouse.id, document, note="Wrong order")
    (by_item,) = [row for row in await rows(made.exporter) if row["item"] == made.machine.code]
    assert by_item["shipped"] == 50
    today = clock.business_day(clock.now(), made.exporter.time_zone)
    before = (today - timedelta(days=30)).isoformat()
    assert await rows(made.exporter, **{"from": before, "to": before}) == []


async def test_without_any_shipment_what_was_received_is_the_base() -> None:
    made = await shop()
    await made.diagnosed("MA_GEAR")
    (by_item,) = [row for row in await rows(made.exporter) if row["item"] == made.machine.code]
    assert (by_item["received"], by_item["shipped"], by_item["fault_rate"]) == (5, 0, 20)


async def test_everybody_sees_their_own() -> None:
    made, _ = await season()
    other = await shop()
    assert {row["owner"] for row in await rows(made.exporter)} == {made.exporter.organisation_code}
    assert {row["owner"] for row in await rows(made.operator)} == {made.exporter.organisation_code}
    assert await rows(other.exporter, item=made.machine.code) == []
    assert await rows(other.exporter, owner=made.exporter.organisation_code) == []
    assert await rows(other.operator, warehouse=made.warehouse.code) == []
    committee = await build.committee()
    seen = {row["owner"] for row in await rows(committee)}
    assert {made.exporter.organisation_code, other.exporter.organisation_code} <= seen
    (one,) = await rows(committee, by="owner", owner=made.exporter.organisation_code)
    assert one["repairs"] == 4
    nobody = await build.operator()
    assert await rows(nobody) == []


async def test_fault_codes_are_counted() -> None:
    made, _ = await season()
    what = await failures.asked(made.exporter, {})
    counted = {row["code"]: (row["units"], row["given_up"]) for row in await failures.fault_codes(what)}
    assert counted == {"MA_GEAR": (2, 0), "MA_PUMP": (1, 1), "NO_FAULT": (1, 0)}
    lot_b = await failures.asked(made.exporter, {"item": made.machine.code, "lot": "B"})
    assert {row["code"] for row in await failures.fault_codes(lot_b)} == {"MA_GEAR", "MA_PUMP", "NO_FAULT"}
    stranger = await failures.asked((await shop()).exporter, {})
    assert await failures.fault_codes(stranger) == []


@pytest.mark.parametrize(
    ("filters", "wrong"),
    [
        ({"by": "colour"}, "by"),
        ({"from": "yesterday"}, "from"),
        ({"to": "2026-13-01"}, "to"),
        ({"from": "2026-11-02", "to": "2026-11-01"}, "from"),
        ({"from": "2000-01-01", "to": "2026-01-01"}, "from"),
    ],
)
async def test_bad_questions_are_refused(filters: dict[str, str], wrong: str) -> None:
    with pytest.raises(Invalid) as refused:
        await failures.asked((await shop()).exporter, filters)
    assert {fault.field for fault in refused.value.faults} == {wrong}


async def test_an_owner_hears_of_many_faults_once_a_month() -> None:
    made, _ = await season()
    assert await failures.tell_owners(clock.now()) >= 1
    await failures.tell_owners(clock.now())
    clauses = messages_queries.notification_clauses(made.exporter, {"level": "warn"})
    page = await messages_queries.notifications(made.exporter).page(clauses, limit=20)
    said = [messages_queries.said(row) for row in page.rows if row["href"].startswith("/repairs/faults")]
    assert len(said) == 1
    assert said[0].startswith("3 of 50 shipped units")


async def test_turnaround_is_of_what_ended_in_the_time() -> None:
    made, _ = await season()
    now = clock.now()
    (mine,) = await queries.turnaround(made.operator, now - timedelta(days=1), now + timedelta(days=1))
    assert (mine["warehouse"], mine["finished"], mine["given_up"]) == (made.warehouse.code, 0, 1)
    assert 0 <= mine["half_bench_days"] <= mine["most_days"] < 1
    assert await queries.turnaround(made.operator, now - timedelta(days=9), now - timedelta(days=8)) == []
    assert await queries.turnaround((await shop()).exporter, now - timedelta(days=1), now + timedelta(days=1)) == []
    figures = await queries.figures(made.operator)
    assert (figures["open"], figures["waiting"], figures["overdue"], figures["finished"]) == (3, 0, 0, 0)
