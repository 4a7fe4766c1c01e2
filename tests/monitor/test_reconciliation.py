"""The daily reconciliation: honest histories leave nothing over; whatever is planted on one side only is found."""

import uuid
from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from backend.access.rules import Viewer
from backend.core import clock, values
from backend.core.database import DB
from backend.core.errors import Invalid
from backend.monitor import reconciliation
from backend.repairs import bench as repair_bench
from backend.returns import batches, carrying_out, dispositions, grading, receiving, sending
from backend.stock import actions as stock_actions
from backend.stock import codes, ledger
from backend.stock.rules import Condition, Place, Posting, Reason
from backend.value_added import processing
from tests import build
from tests.repairs import shop as repair_shops
from tests.returns import homeward
from tests.returns.bench import Bench, key
from tests.returns.test_home_units import sent
from tests.value_added import shop as service_shops
from tests.value_added.test_processing import Kits

ZONE = "Europe/Berlin"


def today() -> date:
    """The day of everything that happens now in the warehouses of these tests."""
    return clock.business_day(clock.now(), ZONE)


async def orphans(place: str) -> list[dict[str, Any]]:
    """What the pairing of today finds in a warehouse."""
    (paired,) = await reconciliation.reconcile(today(), [place])
    clauses = reconciliation.orphan_clauses(await build.committee(), {"warehouse": place})
    found = (await reconciliation.ORPHANS.page(clauses)).rows
    assert len(found) == paired.orphans
    return [dict(row) for row in found]


async def wrong(place: str) -> Counter[tuple[str, str]]:
    """The same as kinds and steps."""
    return Counter((row["wrong"], row["effect"]) for row in await orphans(place))


@pytest.fixture
async def bench(database: str) -> Bench:
    return await Bench.make()


# ------------------------------------------------------------------------------------------------- honest histories


async def test_everything_that_returns_do_leaves_nothing_over(bench: Bench) -> None:
    for kind, grade in (
        ("RESTOCK", "A"),
        ("SECOND", "B"),
        ("DONATE", "C"),
        ("SCRAP", "D"),
        ("REPAIR", "C"),
        ("RELABEL", "B"),
    ):
        await bench.carried_out(kind, grade, 2)
    (restocked,) = await bench.carried_out("RESTOCK", "A")
    await carrying_out.undo(bench.operator, restocked, note="wrong bin")
    scrapped = await bench.carried_out("SCRAP", "D", 3)
    await carrying_out.undo(bench.operator, scrapped[0], note="a photo shows another unit")
    (late,) = await bench.received()
    await receiving.reverse_receipt(bench.operator, late, note="another parcel")
    (whole,) = await bench.received(60)
    await grading.grade(bench.operator, await bench.look([whole], "C"), request_key=key())
    part = await grading.split(bench.operator, whole, quantity=20, of=60)
    await grading.grade(bench.operator, await bench.look([part], "D", note="worse than it looked"), request_key=key())
    await dispositions.decide(bench.exporter, [part], kind="SCRAP", request_key=key())
    await carrying_out.carry_out(bench.operator, [part], await bench.deed("SCRAP"), request_key=key())
    batch = await sent(bench, *await bench.decided("SEND_HOME", "C", 3))
    await sending.undo_dispatch(bench.operator, batch, note="came back", request_key=key())
    await sending.dispatch(bench.operator, batch, request_key=key())
    await sending.confirm_arrival(bench.exporter, batch, [(1, 1), (2, 1), (3, 0)], request_key=key())
    assert await orphans(bench.place) == []
    (run,) = (
        await reconciliation.RUNS.page(reconciliation.run_clauses(bench.operator, {"warehouse": bench.place}))
    ).rows
    assert run["effects"] > 30
    assert run["documents"] > 30


async def test_batches_from_the_shelf_leave_nothing_over(database: str) -> None:
    there = await homeward.world()
    batch = await homeward.sent(there, there.line(await there.lot(4), 4), there.line(await there.lot(5), 3))
    await sending.confirm_arrival(there.exporter, batch, [(1, 4), (2, 1)], request_key=key())
    assert await orphans(there.place.code) == []


async def test_repairs_leave_nothing_over(database: str) -> None:
    shop = await repair_shops.shop()
    order = await shop.approved()
    use = await shop.use(order, 2)
    await repair_bench.undo_parts(shop.operator, order, use_id=use, note="wrong motor", request_key=key())
    await shop.use(order, 1)
    await shop.work(order, done=True)
    await shop.tested(order)
    await shop.finish(order)
    assert await orphans(shop.warehouse.code) == []


async def test_jobs_leave_nothing_over(database: str) -> None:
    shop = await service_shops.opened()
    kits = await Kits(shop).open()
    done = await kits.make(2)
    await processing.undo_transform(shop.operator, kits.job, done.step_id, why="wrong label")
    await kits.make(3)
    assert await orphans(shop.warehouse.code) == []


# ---------------------------------------------------------------------------------------------------- planted orphans


async def booked(bench: Bench, reason: Reason, reference: str, source: int, target: int, after: int = 4) -> uuid.UUID:
    """A document for one piece of the exporter's item that nothing in returns knows of."""
    owner = bench.exporter.organisation_id
    before = after if source < 1000 else 4
    posted = await ledger.post(
        ledger.actor_of(bench.operator),
        bench.warehouse.id,
        reason,
        [Posting(owner, bench.item.id, 0, source, target, before, after, 1)],
        request_key=key(),
        request_hash=b"",
        reference=reference,
    )
    return posted.document_id


async def place_id(bench: Bench, code: str) -> int:
    """A location of the warehouse."""
    return int(
        await DB.value("select id from location where warehouse_id = $1 and code = $2", bench.warehouse.id, code)
    )


async def test_a_document_that_nothing_stands_for(bench: Bench) -> None:
    number = (await bench.booked()).number
    document = await booked(bench, Reason.RETURN, number, int(Place.BUYER), await place_id(bench, "DOCK"))
    (row,) = await orphans(bench.place)
    assert (row["wrong"], row["document"], row["number"], row["found"]) == ("no_row", document, number, 1)
    assert (row["subject"], row["effect"], row["owner"]) == ("return", "", bench.exporter.organisation_code)


async def test_a_document_of_somebody_elses_number_is_no_orphan(bench: Bench) -> None:
    document = await booked(
        bench, Reason.RETURN, values.new_number("R"), int(Place.BUYER), await place_id(bench, "DOCK")
    )
    assert document
    assert await orphans(bench.place) == []


async def test_a_row_whose_document_is_not_there(bench: Bench) -> None:
    (unit,) = await bench.carried_out("RESTOCK")
    row = await bench.unit(unit)
    await DB.run("update disposition set document_id = $1 where unit_id = $2", uuid.uuid4(), row["id"])
    assert await wrong(bench.place) == {("no_document", "disposition"): 1, ("no_row", ""): 1}


async def test_a_receipt_that_counts_as_reversed_only_in_the_room(bench: Bench) -> None:
    (unit,) = await bench.received()
    await DB.run("update return_unit set state = 'reversed' where code = $1", unit)
    assert await wrong(bench.place) == {("not_reversed", "receipt"): 1, ("other_charge", "receipt"): 1}


async def test_a_document_that_was_reversed_behind_the_rooms_back(bench: Bench) -> None:
    batch = await sent(bench, *await bench.decided("SEND_HOME", "C"))
    document = (await batches.batch(bench.operator, batch))["dispatch_document_id"]
    await stock_actions.undo(bench.operator, bench.warehouse.id, document, note="behind its back")
    (found,) = await orphans(bench.place)
    assert (found["wrong"], found["document"]) == ("reversed_only", document)


async def test_other_pieces_than_in_the_ledger(bench: Bench) -> None:
    batch = await sent(bench, *await bench.decided("SEND_HOME", "C", 60))
    await DB.run("update home_line set quantity = 61, packed = 61 where batch_id = $1", batch)
    found = {(row["wrong"], row["effect"]): (row["expected"], row["found"]) for row in await orphans(bench.place)}
    assert found == {("other_quantity", "dispatch"): (61, 60), ("other_charge", "dispatch"): (61, 60)}


async def test_goods_that_went_somewhere_else(bench: Bench) -> None:
    (unit,) = await bench.carried_out("RESTOCK")
    row = await bench.unit(unit)
    number = (await bench.of_unit(unit)).number
    await bench.received()
    document = await booked(
        bench,
        Reason.MOVE,
        number,
        await place_id(bench, "DOCK"),
        await place_id(bench, bench.bins[1]),
        int(Condition.SECOND),
    )
    await DB.run("update disposition set document_id = $1 where unit_id = $2", document, row["id"])
    assert await wrong(bench.place) == {("other_ends", "disposition"): 1, ("no_row", ""): 1}


async def test_other_pieces_than_were_charged(bench: Bench) -> None:
    (unit,) = await bench.carried_out("RESTOCK")
    row = await bench.unit(unit)
    await DB.run(
        "insert into charge (warehouse_id, id, owner_id, activity, quantity, unit, source, source_id, number, occurred_at) "
        "values ($1, $2, $3, 'return_scrap', 5, 'piece', 'disposition', $4, 'R', now())",
        bench.warehouse.id,
        values.new_id(),
        bench.exporter.organisation_id,
        row["disposition_id"],
    )
    (found,) = await orphans(bench.place)
    assert (found["wrong"], found["expected"], found["found"]) == ("other_charge", 1, 6)


async def test_a_unit_that_counts_as_dealt_with_without_anything_done(bench: Bench) -> None:
    (unit,) = await bench.decided("SCRAP", "D")
    await DB.run("update return_unit set state = 'disposed' where code = $1", unit)
    assert await wrong(bench.place) == {("no_document", "disposition"): 1}


async def test_a_unit_that_waits_although_it_was_dealt_with(bench: Bench) -> None:
    (unit,) = await bench.carried_out("SECOND", "B")
    await DB.run("update return_unit set state = 'decided' where code = $1", unit)
    assert ("not_reversed", "disposition") in await wrong(bench.place)


async def test_a_look_whose_movement_is_gone(bench: Bench) -> None:
    (unit,) = await bench.graded("C")
    document = await DB.value(
        "select document_id from inspection x join return_unit u on u.id = x.unit_id where u.code = $1", unit
    )
    await stock_actions.undo(bench.operator, bench.warehouse.id, document, note="behind its back")
    assert await wrong(bench.place) == {("reversed_only", "grading"): 1}


async def test_a_record_of_destruction_without_a_movement(bench: Bench) -> None:
    await DB.run(
        "insert into destruction (warehouse_id, id, number, owner_id, kind, method, destroyed_at, document_id, user_id) "
        "values ($1, $2, $3, $4, 'SCRAP', 'Fire', now(), $5, 1)",
        bench.warehouse.id,
        values.new_id(),
        values.new_number("D"),
        bench.exporter.organisation_id,
        uuid.uuid4(),
    )
    assert await wrong(bench.place) == {("no_document", "destruction"): 1}


async def test_parts_that_were_put_back_only_on_paper(database: str) -> None:
    shop = await repair_shops.shop()
    order = await shop.approved()
    await shop.use(order, 2)
    await DB.run(
        "update part_use set undone_at = now(), undone_by = 1, undone_note = 'x', undo_document_id = $1 where order_id = $2",
        uuid.uuid4(),
        order,
    )
    assert await wrong(shop.warehouse.code) == {("not_reversed", "parts"): 1}


async def test_a_transformation_that_the_ledger_does_not_know(database: str) -> None:
    shop = await service_shops.opened()
    kits = await Kits(shop).open()
    done = await kits.make(2)
    await DB.run(
        "insert into job_step (warehouse_id, id, job_id, kind, note, runs, document_id, organisation_id, user_id, happened_at, "
        "request_key, request_hash) select warehouse_id, $1, job_id, kind, '', 1, $2, organisation_id, user_id, happened_at, "
        "$3, '' from job_step where id = $4",
        values.new_id(),
        uuid.uuid4(),
        key(),
        done.step_id,
    )
    found = await wrong(shop.warehouse.code)
    assert set(found) == {("no_document", "transformation")}


# -------------------------------------------------------------------------------------------------- runs and readers


async def test_a_correction_is_seen_by_the_next_pairing_and_the_history_stays(bench: Bench) -> None:
    number = (await bench.booked()).number
    document = await booked(bench, Reason.RETURN, number, int(Place.BUYER), await place_id(bench, "DOCK"))
    assert len(await orphans(bench.place)) == 1
    await stock_actions.undo(bench.operator, bench.warehouse.id, document, note="found by the reconciliation")
    assert await orphans(bench.place) == []
    asked = {"warehouse": bench.place, "history": "yes"}
    history = await reconciliation.ORPHANS.page(reconciliation.orphan_clauses(bench.operator, asked))
    assert len(history.rows) == 1
    runs = await reconciliation.RUNS.page(reconciliation.run_clauses(bench.operator, {"day": today().isoformat()}))
    assert [row["orphans"] for row in runs.rows] == [0, 1]


async def test_each_day_is_that_of_the_warehouse(bench: Bench) -> None:
    await bench.received()
    number = (await bench.booked()).number
    await booked(bench, Reason.RETURN, number, int(Place.BUYER), await place_id(bench, "DOCK"))
    (paired,) = await reconciliation.reconcile(today() - timedelta(days=1), [bench.place])
    assert (paired.effects, paired.documents, paired.orphans) == (0, 0, 0)


async def test_nights_that_were_missed_are_made_up_for(bench: Bench) -> None:
    midnight = datetime.combine(today(), datetime.min.time(), ZoneInfo(ZONE))
    first = await reconciliation.reconcile_waiting(midnight + timedelta(hours=1))
    mine = [each.day for each in first if each.warehouse_id == bench.warehouse.id]
    assert mine == [today() - timedelta(days=1)]
    later = await reconciliation.reconcile_waiting(midnight + timedelta(days=3, hours=1))
    mine = [each.day for each in later if each.warehouse_id == bench.warehouse.id]
    assert mine == [today() + timedelta(days=number) for number in range(3)]
    assert await reconciliation.reconcile_waiting(midnight + timedelta(days=3, hours=2)) == []
    much = await reconciliation.reconcile_waiting(midnight + timedelta(days=500))
    mine = [each.day for each in much if each.warehouse_id == bench.warehouse.id]
    assert len(mine) == reconciliation.MOST_DAYS_BACK


async def test_whoever_should_know_is_told_once(bench: Bench) -> None:
    number = (await bench.booked()).number
    await booked(bench, Reason.RETURN, number, int(Place.BUYER), await place_id(bench, "DOCK"))
    await orphans(bench.place)
    await orphans(bench.place)
    for organisation_id in (bench.operator.organisation_id, (await build.root()).organisation_id):
        told = await DB.value(
            "select count(*) from notification where organisation_id = $1 and facts ->> 'warehouse' = $2 "
            "and dedupe_key like 'orphans:%'",
            organisation_id,
            bench.place,
        )
        assert told == 1


async def seen(viewer: Viewer, **filters: str) -> list[str]:
    """The numbers of what does not fit in the viewer's scope."""
    page = await reconciliation.ORPHANS.page(reconciliation.orphan_clauses(viewer, filters))
    return [row["number"] for row in page.rows]


async def test_everybody_sees_what_concerns_them(bench: Bench) -> None:
    number = (await bench.booked()).number
    await booked(bench, Reason.RETURN, number, int(Place.BUYER), await place_id(bench, "DOCK"))
    await orphans(bench.place)
    for viewer in (bench.operator, bench.exporter, await build.committee()):
        assert number in await seen(viewer, wrong="no_row")
        assert await seen(viewer, number=number.lower()) == [number]
        assert number not in await seen(viewer, subject="repair")
    stranger = await Bench.make()
    for viewer in (stranger.operator, stranger.exporter):
        assert await seen(viewer) == []
        assert (await reconciliation.RUNS.page(reconciliation.run_clauses(viewer, {}))).rows == []
    for filters in ({"wrong": "bad"}, {"day": "soon"}, {"effect": "x"}):
        with pytest.raises(Invalid):
            await seen(bench.operator, **filters)
    with pytest.raises(codes.NoSuchWarehouse):
        await reconciliation.reconcile(today(), ["NOWHERE"])


async def test_the_page_shows_both_sides(client: httpx.AsyncClient, bench: Bench) -> None:
    booked_return = await bench.booked()
    document = await booked(bench, Reason.RETURN, booked_return.number, int(Place.BUYER), await place_id(bench, "DOCK"))
    await orphans(bench.place)
    browser = await build.sign_in(client, bench.operator)
    page = (await browser.get("/monitor/reconciliation")).text
    assert f"/returns/{booked_return.id}" in page
    assert f"/stock/documents/{bench.warehouse.id}/{document}" in page
    assert "A document that nothing stands for" in page
    assert "Days that were paired" in page
    file = await browser.get("/monitor/reconciliation.csv", params={"wrong": "no_row"})
    assert booked_return.number in file.text
    days = await browser.get("/monitor/reconciliation/days.csv")
    assert bench.place in days.text
    wrongly = await browser.get("/monitor/reconciliation", params={"day": "soon"})
    assert (wrongly.status_code, "soon" in wrongly.text) == (422, True)
    stranger = await build.sign_in(client, await build.exporter())
    page = (await stranger.get("/monitor/reconciliation")).text
    assert "Everything fits" in page
    assert booked_return.number not in (await stranger.get("/monitor/reconciliation.csv")).text


async def test_machines_ask_for_runs_and_orphans(client: httpx.AsyncClient, bench: Bench) -> None:
    number = (await bench.booked()).number
    await booked(bench, Reason.RETURN, number, int(Place.BUYER), await place_id(bench, "DOCK"))
    await orphans(bench.place)
    bearer = {"Authorization": f"Bearer {await build.token(bench.operator)}"}
    rows = (await client.get("/api/v1/monitor/orphans", headers=bearer)).json()["rows"]
    assert [(row["number"], row["wrong"], row["found"]) for row in rows] == [(number, "no_row", 1)]
    asked = {"warehouse": bench.place, "day": today().isoformat()}
    runs = (await client.get("/api/v1/monitor/reconciliation", params=asked, headers=bearer)).json()["rows"]
    assert [(row["orphans"], row["documents"]) for row in runs] == [(1, 1)]
    foreign = {"Authorization": f"Bearer {await build.token(await build.exporter())}"}
    assert (await client.get("/api/v1/monitor/orphans", headers=foreign)).json()["rows"] == []
