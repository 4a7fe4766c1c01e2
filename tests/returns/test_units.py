"""Worklists and histories of units: each in its queue, in nobody else's sight; how graders agree."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from backend.access.rules import Viewer
from backend.core import clock
from backend.core.database import DB
from backend.core.errors import Invalid
from backend.returns import grading, steps, units
from backend.returns.units import Queue
from tests import build
from tests.returns.bench import Bench, key

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(scope="module")
async def bench(database: str) -> Bench:
    return await Bench.make()


async def listed(viewer: Viewer, queue: Queue, filters: Mapping[str, str] | None = None) -> set[str]:
    """The codes in a queue."""
    rows = await units.UNITS.page(await units.unit_clauses(viewer, queue, filters or {}))
    return {row["code"] for row in rows.rows}


async def test_every_unit_is_in_the_queue_of_what_it_waits_for(bench: Bench) -> None:
    (fresh,), (graded,), (decided,), (done,) = (
        await bench.received(1),
        await bench.graded(),
        await bench.decided("SCRAP"),
        await bench.carried_out("RESTOCK"),
    )
    for viewer in (bench.operator, bench.exporter, await build.committee()):
        assert [await listed(viewer, queue) for queue in Queue] == [{fresh}, {graded}, {decided}]
    for stranger in (await build.exporter(), (await Bench.make()).operator):
        assert [await listed(stranger, queue) for queue in Queue] == [set(), set(), set()]
        for code in (fresh, done):
            with pytest.raises(steps.NoSuchUnit):
                await units.unit(stranger, code)
    assert await units.counts(bench.exporter) == {"receive": 0, "grade": 1, "decide": 1, "carry_out": 1}
    await grading.ask_regrade(bench.exporter, [graded], note="again")
    assert await listed(bench.operator, Queue.GRADE) == {fresh, graded}
    assert await listed(bench.operator, Queue.DECIDE) == set()


async def test_filters_and_files(bench: Bench) -> None:
    (unit,) = await bench.graded("B")
    number = unit.split("U")[0]
    for filters in (
        {"search": unit.lower()},
        {"search": number},
        {"grade": "B", "search": number},
        {"warehouse": bench.place, "owner": bench.exporter.organisation_code, "item": bench.item.code, "search": unit},
    ):
        assert await listed(bench.operator, Queue.DECIDE, filters) == {unit}, filters
    assert await listed(bench.operator, Queue.DECIDE, {"grade": "C", "search": number}) == set()
    with pytest.raises(Invalid):
        await listed(bench.operator, Queue.DECIDE, {"grade": "E"})
    clauses = await units.unit_clauses(bench.operator, Queue.DECIDE, {"search": unit})
    text = b"".join([part async for part in units.UNITS.csv(clauses, [c.heading for c in units.UNITS.columns])])
    assert unit.encode() in text
    assert unit.encode() in await units.UNITS.json_page(clauses)


async def test_expected_returns_are_listed_until_they_are_received(bench: Bench) -> None:
    booked = await bench.booked(2, reference="Case 77")

    async def found(viewer: Viewer, **filters: str) -> set[str]:
        rows = await units.EXPECTED.page(await units.expected_clauses(viewer, filters))
        return {row["number"] for row in rows.rows}

    assert booked.number in await found(bench.operator)
    for filters in ({"search": "case 77"}, {"search": booked.number}, {"stage": "booked", "kind": "buyer"}):
        assert booked.number in await found(bench.operator, **filters)
    assert booked.number not in await found(bench.operator, stage="receiving")
    assert await found(await build.exporter()) == set()
    with pytest.raises(Invalid):
        await found(bench.operator, stage="closed")


async def test_a_unit_tells_its_history(bench: Bench) -> None:
    (unit,) = await bench.graded("C")
    await grading.grade(bench.operator, await bench.look([unit], "B", note="wrong"), request_key=key())
    row = await units.unit(bench.exporter, unit)
    looks = await units.inspections([row])
    assert [(look["turn"], look["grade"]) for look in looks] == [(2, "B"), (1, "C")]
    assert looks[0]["previous_id"] == looks[1]["id"]
    assert await units.decisions(row) == []
    rows = await units.of_return(row["warehouse_id"], row["rma_id"])
    assert [(each["code"], each["photos"]) for each in rows] == [(unit, 1)]


async def test_graders_are_compared_when_another_person_looked() -> None:
    bench = await Bench.make()
    graded = await bench.graded("C", 3)
    for code, grade in zip(graded, ("C", "A", "B"), strict=True):
        await grading.ask_regrade(bench.exporter, [code], note="n")
        look = await bench.look([code], grade, by=bench.colleague)
        await grading.grade(bench.colleague, look, request_key=key())
    (own,) = await bench.graded("D")
    await grading.grade(bench.operator, await bench.look([own], "A", note="my own mistake"), request_key=key())
    today = clock.now().date()

    async def rows(viewer: Viewer, since: Any = today, until: Any = today, **filters: str) -> list[Any]:
        listing = units.agreement(since - timedelta(days=1), until + timedelta(days=1), "Europe/Berlin")
        found = await listing.page(units.agreement_clauses(viewer, filters))
        return [
            (row["grader"], row["looks"], row["same"], float(row["share"]), float(row["distance"]))
            for row in found.rows
        ]

    name = bench.operator.name
    assert await rows(bench.operator) == [(None, 3, 1, 0.3333, 1.0), (name, 3, 1, 0.3333, 1.0)]
    assert await rows(bench.exporter, warehouse=bench.place) == [(None, 3, 1, 0.3333, 1.0)]
    assert len(await rows(await build.committee(), warehouse=bench.place)) == 2
    assert await rows((await Bench.make()).operator) == []
    past = today - timedelta(days=30)
    assert await rows(bench.operator, past, past) == []


async def test_a_part_that_is_looked_at_again_counts_too() -> None:
    bench = await Bench.make()
    (pile,) = await bench.graded("B", 60)
    part = await grading.split(bench.operator, pile, quantity=10, of=60)
    await grading.ask_regrade(bench.exporter, [part], note="n")
    await grading.grade(bench.colleague, await bench.look([part], "A", by=bench.colleague), request_key=key())
    count = await DB.value(
        "select count(*) from inspection b join inspection a on a.id = b.previous_id where a.user_id <> b.user_id "
        "and b.warehouse_id = $1",
        bench.warehouse.id,
    )
    assert count == 1
