"""Parcels that nobody announced: written down, kept for their time, matched with a return, or discarded by a manager."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from backend.access.rules import Role
from backend.core import clock
from backend.core.database import DB
from backend.core.errors import Invalid, NotAllowed
from backend.files import queries as files_queries
from backend.returns import arrivals, parcels, receiving
from backend.returns.booking import Parcel
from backend.returns.parcels import Found
from backend.stock.rules import SameKeyOtherRequest
from tests import build
from tests.returns.bench import Bench, colleague, key

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(scope="module")
async def bench(database: str) -> Bench:
    return await Bench.make()


async def recorded(bench: Bench, **found: Any) -> parcels.Recorded:
    given = {"sender": "Somebody in Bremen", **found}
    return await parcels.record(bench.operator, bench.place, Found(**given), request_key=key())


async def stage(made: parcels.Recorded) -> Any:
    return await DB.row("select * from stage where subject_id = $1 order by entered_at desc limit 1", made.id)


async def test_a_parcel_waits_with_a_deadline(bench: Bench) -> None:
    photo = await build.photo(bench.operator)
    made = await recorded(bench, tracking_no="tn-1", photos=[photo])
    row = await parcels.parcel(bench.operator, made.id)
    assert (row["number"], row["tracking_no"], row["state"]) == (made.number, "TN-1", "waiting")
    waits = await stage(made)
    assert (waits["stage"], waits["owner_id"]) == ("waiting", bench.operator.organisation_id)
    assert waits["due_at"] == row["due_at"] > clock.now() + timedelta(days=13)
    files = await files_queries.attachments(bench.operator, bench.warehouse.id, ["parcel"], [made.id])
    assert [file["hash"].hex() for file in files] == [photo]
    with pytest.raises(parcels.IsHere):
        await recorded(bench, tracking_no="TN-1")


async def test_a_bad_or_foreign_record_is_refused(bench: Bench) -> None:
    with pytest.raises(Invalid):
        await parcels.record(bench.operator, bench.place, Found(), request_key=key())
    with pytest.raises(Invalid):
        await recorded(bench, photos=[await build.photo(bench.exporter)])
    with pytest.raises(NotAllowed):
        await parcels.record(bench.exporter, bench.place, Found(sender="x"), request_key=key())
    await bench.booked(1, parcels=[Parcel(tracking_no="TN-KNOWN")])
    with pytest.raises(parcels.IsExpected):
        await recorded(bench, tracking_no="tn-known")
    request_key = key()
    first = await parcels.record(bench.operator, bench.place, Found(sender="a"), request_key=request_key)
    again = await parcels.record(bench.operator, bench.place, Found(sender="a"), request_key=request_key)
    assert (first.id, again.repeated) == (again.id, True)
    with pytest.raises(SameKeyOtherRequest):
        await parcels.record(bench.operator, bench.place, Found(sender="b"), request_key=request_key)


async def test_what_two_people_write_down_at_once_is_written_once(bench: Bench) -> None:
    once, found = key(), Found(tracking_no="TWO-AT-ONCE")
    made = await asyncio.gather(
        *(parcels.record(bench.operator, bench.place, found, request_key=once) for _ in range(3))
    )
    assert (len({each.id for each in made}), [each.repeated for each in made].count(False)) == (1, 1)
    other = Found(tracking_no="THREE-AT-ONCE")
    outcomes = await asyncio.gather(
        *(parcels.record(bench.operator, bench.place, other, request_key=key()) for _ in range(3)),
        return_exceptions=True,
    )
    assert [isinstance(each, parcels.IsHere) for each in outcomes].count(True) == 2


async def test_a_match_makes_it_a_parcel_of_its_return(bench: Bench) -> None:
    photo = await build.photo(bench.operator)
    made, booked = await recorded(bench, tracking_no="TN-2", photos=[photo]), await bench.booked(1)
    assert await parcels.match(bench.operator, made.id, booked.number) == booked.id
    assert await bench.stage(booked) == ("receiving", "receiving")
    assert (await stage(made))["left_at"] is not None
    files = await files_queries.attachments(bench.exporter, bench.warehouse.id, ["rma"], [booked.id])
    assert [file["hash"].hex() for file in files] == [photo]
    with pytest.raises(parcels.Settled):
        await parcels.match(bench.operator, made.id, booked.number)
    await parcels.unmatch(bench.operator, made.id, note="it was the neighbour's")
    assert await bench.stage(booked) == ("booked", "booked")
    assert (await parcels.parcel(bench.operator, made.id))["state"] == "waiting"
    await parcels.match(bench.operator, made.id, booked.number)
    await receiving.receive_all(bench.operator, bench.place, booked.number, request_key=key())
    with pytest.raises(parcels.NotMatched):
        await parcels.unmatch(bench.operator, made.id, note="too late")


async def test_it_is_matched_with_open_returns_of_this_warehouse_only(bench: Bench) -> None:
    made, stranger = await recorded(bench), await Bench.make()
    foreign = await stranger.booked(1)
    with pytest.raises(arrivals.NotExpectedHere):
        await parcels.match(bench.operator, made.id, foreign.number)
    (unit,) = await bench.carried_out("RESTOCK")
    with pytest.raises(arrivals.ReturnOver):
        await parcels.match(bench.operator, made.id, unit.split("U")[0])
    with pytest.raises(parcels.NoSuchParcel):
        await parcels.match(stranger.operator, made.id, foreign.number)
    with pytest.raises(parcels.NoSuchParcel):
        await parcels.parcel(bench.exporter, made.id)
    for viewer, seen in (
        (bench.operator, True),
        (stranger.operator, False),
        (bench.exporter, False),
        (await build.committee(), True),
    ):
        rows = await parcels.PARCELS.page(parcels.clauses(viewer, {}))
        assert (made.id in {row["id"] for row in rows.rows}) == seen


async def test_candidates_are_found_by_what_was_written_down(bench: Bench) -> None:
    booked = await bench.booked(1, reference="PO-9913")
    made = await recorded(bench, contents="A lid, paper says po-9913")
    row = await parcels.parcel(bench.operator, made.id)
    assert [each["number"] for each in await parcels.candidates(bench.operator, row)] == [booked.number]


async def test_a_manager_discards_it_after_its_time(bench: Bench) -> None:
    made = await recorded(bench)
    clerk = await colleague(bench.operator, Role.OPERATOR_CLERK)
    with pytest.raises(parcels.ManagersOnly):
        await parcels.discard(clerk, made.id, note="x")
    with pytest.raises(Invalid):
        await parcels.discard(bench.operator, made.id, note="")
    with pytest.raises(parcels.NotYetDue):
        await parcels.discard(bench.operator, made.id, note="nobody asked")
    await DB.run("update blind_parcel set due_at = $2 where id = $1", made.id, clock.now() - timedelta(hours=1))
    await parcels.discard(bench.operator, made.id, note="nobody asked; recycled")
    row = await parcels.parcel(bench.operator, made.id)
    assert (row["state"], row["settled_note"]) == ("discarded", "nobody asked; recycled")
    with pytest.raises(parcels.Settled):
        await parcels.discard(bench.operator, made.id, note="again")


async def test_filters_find_what_was_typed(bench: Bench) -> None:
    made = await recorded(bench, sender="Familie Özdemir", contents="blue lamp", tracking_no="TN-77")
    for filters in (
        {"search": "özdemir"},
        {"search": "tn-77"},
        {"search": made.number.lower()},
        {"state": "waiting", "search": "LAMP"},
    ):
        rows = await parcels.PARCELS.page(parcels.clauses(bench.operator, filters))
        assert [row["id"] for row in rows.rows] == [made.id], filters
    with pytest.raises(Invalid):
        parcels.clauses(bench.operator, {"state": "gone"})
