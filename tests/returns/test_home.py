"""Batches home from the shelf: collected, packed, sent through TRANSIT to ORIGIN, undone; who may, and what is refused."""

import uuid
from collections import Counter
from datetime import timedelta

import pytest

from backend.access.rules import Role, Viewer
from backend.core import clock
from backend.core.database import DB
from backend.core.errors import Invalid, NotAllowed
from backend.messages import queries as messages
from backend.regulations import queries as law
from backend.returns import batches, home, home_rules, sending
from backend.returns.booking import Line
from backend.returns.home_rules import NotForHome, Packed, Stage
from backend.stages import queries as stages_queries
from backend.stages.rules import Subject
from backend.stock import actions as stock_actions
from backend.stock import codes
from backend.stock import queries as stock_queries
from backend.stock.rules import NotEnoughFree, SameKeyOtherRequest
from backend.value_added import pledges
from backend.value_added.pledges import Goods
from tests import build
from tests.returns import homeward
from tests.returns.homeward import World, key


@pytest.fixture
async def there(database: str) -> World:
    return await homeward.world()


async def head(there: World, batch: uuid.UUID) -> dict[str, object]:
    """The batch as the exporter sees it."""
    return dict(await batches.batch(there.exporter, batch))


async def stage(there: World, batch: uuid.UUID) -> str:
    """Where the batch stands, by its own word and by its clock, which must agree."""
    row = await head(there, batch)
    clocks = await stages_queries.history(there.exporter, Subject.BATCH, batch)
    running = [each["stage"] for each in clocks if each["left_at"] is None]
    assert running == ([] if row["stage"] in ("arrived", "cancelled") else [row["stage"]])
    return str(row["stage"])


async def on_hand(there: World) -> int:
    """Pieces of the exporter's in the warehouse."""
    found = await DB.value(
        "select coalesce(sum(on_hand), 0)::bigint from stock_on_hand where warehouse_id = $1", there.place.id
    )
    return int(found)


async def told(viewer: Viewer) -> list[str]:
    """What an organisation was told, the latest first."""
    listing = messages.notifications(viewer)
    page = await listing.page(messages.notification_clauses(viewer, {}))
    return [messages.said(row) for row in page.rows]


async def refused(there: World, batch: uuid.UUID, *lines: home.StockLine, agreed: bool = False) -> NotForHome:
    """The refusal of these lines."""
    with pytest.raises(NotForHome) as caught:
        await home.add(there.exporter, batch, stock=lines, taxed_agreed=agreed, request_key=key())
    return caught.value


# ----------------------------------------------------------------------------------------------------- the whole way


async def test_goods_from_the_shelf_go_home(there: World) -> None:
    lot = await there.lot(10)
    batch = await homeward.filled(there, there.line(lot, 6))
    assert await stage(there, batch) == Stage.OPEN
    await home.make_ready(there.exporter, batch, request_key=key())
    assert await stage(there, batch) == Stage.READY
    assert "ready to be packed" in (await told(there.operator))[0]
    await sending.pack(there.operator, batch, [Packed(line_no=1, quantity=5)], request_key=key())
    assert await stage(there, batch) == Stage.PACKED
    assert "Pieces: 5 of 6" in (await told(there.exporter))[0]
    await sending.dispatch(there.operator, batch, carrier="COSCO", transport_no="B/L 77", request_key=key())
    assert (await stage(there, batch), await on_hand(there)) == (Stage.SENT, 5)
    await sending.confirm_arrival(
        there.exporter, batch, [(1, 5)], return_declaration_no="460420261234567890", request_key=key()
    )
    assert await stage(there, batch) == Stage.ARRIVED
    row = await head(there, batch)
    assert (row["packed"], row["arrived"], row["return_declaration_no"]) == (5, 5, "460420261234567890")
    assert "has arrived. Pieces: 5 of 5" in (await told(there.operator))[0]
    movements = await DB.fetch(
        "select source_id, target_id, condition, target_condition, quantity, d.reason, d.reference from movement m "
        "join document d using (warehouse_id, document_id) where warehouse_id = $1 and d.reason in (8, 9) order by d.reason",
        there.place.id,
    )
    assert [(row["target_id"], row["quantity"], row["condition"] == row["target_condition"]) for row in movements] == [
        (3, 5, True),
        (6, 5, True),
    ]
    assert {row["reference"] for row in movements} == {(await head(there, batch))["number"]}
    assert await stock_queries.differences() == []


async def test_one_document_takes_every_line_in_its_own_condition(there: World) -> None:
    good, damaged = await there.lot(4), await there.lot(3, condition="DAMAGED")
    batch = await homeward.sent(there, there.line(good, 4), there.line(damaged, 3, condition="DAMAGED"))
    document = (await head(there, batch))["dispatch_document_id"]
    lines = await DB.fetch("select condition, quantity from movement where document_id = $1", document)
    assert Counter((row["condition"], row["quantity"]) for row in lines) == {(1, 4): 1, (3, 3): 1}


async def test_what_is_sent_is_charged_once_and_charged_back_when_undone(there: World) -> None:
    batch = await homeward.sent(there, there.line(await there.lot(4), 4))
    charged = "select quantity from charge where activity = 'return_home' and number = $1 order by quantity desc"
    number = (await head(there, batch))["number"]
    assert [row["quantity"] for row in await DB.fetch(charged, number)] == [4]
    await sending.undo_dispatch(there.operator, batch, note="truck broke down", request_key=key())
    assert sum(row["quantity"] for row in await DB.fetch(charged, number)) == 0
    await sending.dispatch(there.operator, batch, request_key=key())
    assert sum(row["quantity"] for row in await DB.fetch(charged, number)) == 4


async def test_a_short_arrival_stays_in_transit(there: World) -> None:
    batch = await homeward.sent(there, there.line(await there.lot(9), 9))
    await sending.confirm_arrival(there.operator, batch, [(1, 7)], request_key=key())
    row = await head(there, batch)
    assert (row["packed"], row["arrived"]) == (9, 7)
    page = await batches.BATCHES.page(batches.clauses(there.exporter, {}))
    assert page.rows[0]["in_transit"] == 2
    for viewer in (there.exporter, there.operator):
        assert "arrived short. Pieces: 7 of 9" in (await told(viewer))[0]


async def test_both_movements_are_undone_by_reversals(there: World) -> None:
    batch = await homeward.sent(there, there.line(await there.lot(5), 5))
    await sending.confirm_arrival(there.exporter, batch, [(1, 5)], request_key=key())
    await sending.undo_arrival(there.exporter, batch, note="wrong batch", request_key=key())
    assert (await stage(there, batch), (await head(there, batch))["arrived"]) == (Stage.SENT, 0)
    await sending.undo_dispatch(there.operator, batch, note="customs stopped it", request_key=key())
    assert (await stage(there, batch), await on_hand(there)) == (Stage.PACKED, 5)
    assert (
        await DB.value(
            "select count(*) from document where reverses_id is not null and warehouse_id = $1", there.place.id
        )
        == 2
    )
    acts = await DB.fetch(
        "select action from journal where subject = 'batch' and subject_id = $1 order by id", str(batch)
    )
    assert [row["action"].removeprefix("batch.") for row in acts] == [
        *("opened", "filled", "made_ready", "packed", "sent", "arrived", "arrival_undone", "dispatch_undone")
    ]
    await sending.dispatch(there.operator, batch, request_key=key())
    await sending.confirm_arrival(there.exporter, batch, [(1, 5)], request_key=key())
    assert await stock_queries.differences() == []


async def test_a_batch_is_sent_back_reopened_and_cancelled(there: World) -> None:
    lot = await there.lot(5)
    batch = await homeward.ready(there, there.line(lot, 5))
    with pytest.raises(Invalid):
        await home.reopen(there.operator, batch, request_key=key())
    await home.reopen(there.operator, batch, note="no space this week", request_key=key())
    assert (await stage(there, batch), "no space" in (await told(there.exporter))[0]) == (Stage.OPEN, True)
    await home.make_ready(there.exporter, batch, request_key=key())
    await homeward.pack_all(there, batch)
    with pytest.raises(home_rules.NotAtThisStage):
        await home.reopen(there.exporter, batch, request_key=key())
    await sending.unpack(there.operator, batch, note="count again", request_key=key())
    await home.reopen(there.exporter, batch, request_key=key())
    await home.cancel(there.exporter, batch, note="sold after all", request_key=key())
    assert await stage(there, batch) == Stage.CANCELLED
    await homeward.filled(there, there.line(lot, 5))


# ------------------------------------------------------------------------------------------------- what is kept out


async def test_the_law_is_asked_for_every_line_and_its_word_is_kept(there: World) -> None:
    fresh, late, old = await there.lot(5), await there.lot(5, days_ago=200), await there.lot(5, days_ago=400)
    batch = await homeward.opened(there, days=10)
    refusal = await refused(there, batch, there.line(fresh, 5), there.line(late, 5), there.line(old, 5))
    assert [fault.field for fault in refusal.faults] == ["stock.1.quantity", "stock.2.quantity"]
    refusal = await refused(there, batch, there.line(late, 5), there.line(old, 5), agreed=True)
    assert [fault.field for fault in refusal.faults] == ["stock.1.quantity"]
    assert await batches.lines(await batches.batch(there.exporter, batch)) == []
    lines = [there.line(fresh, 5), there.line(late, 5)]
    await home.add(there.exporter, batch, stock=lines, taxed_agreed=True, request_key=key())
    kept = {row["lot"]: row for row in await batches.lines(await batches.batch(there.exporter, batch))}
    assert kept[fresh]["eligibility"]["tax"] == "exempt"
    assert kept[fresh]["taxed_agreed_by"] is None
    assert kept[late]["eligibility"]["tax"] == "taxed"
    assert kept[late]["taxed_agreed_by"] == there.exporter.user_id
    assert all(reason["edition"] for reason in kept[late]["eligibility"]["reasons"])


async def test_a_new_plan_judges_every_line_again(there: World) -> None:
    batch = await homeward.filled(there, there.line(await there.lot(5, days_ago=150), 5), days=5)
    with pytest.raises(NotForHome):
        await home.change_plan(there.exporter, batch, homeward.plan(days=60), request_key=key())
    await home.change_plan(there.exporter, batch, homeward.plan(days=60), taxed_agreed=True, request_key=key())
    (line,) = await batches.lines(await batches.batch(there.exporter, batch))
    assert line["eligibility"]["tax"] == "taxed"
    with pytest.raises(NotForHome):
        await home.change_plan(
            there.exporter, batch, homeward.plan(home_area="5301"), taxed_agreed=True, request_key=key()
        )


async def test_goods_whose_clock_ran_out_meanwhile_do_not_leave(there: World) -> None:
    batch = await homeward.packed(there, there.line(await there.lot(5), 5))
    # The planned day passes, and with it the half year, while the batch stands packed.
    gone = law.today() - timedelta(days=190)
    await DB.run(
        "update declaration_fact set exported_on = $1, released_on = $1 where owner_id = $2",
        gone,
        there.exporter.organisation_id,
    )
    with pytest.raises(NotForHome):
        await sending.dispatch(there.operator, batch, request_key=key())
    assert (await stage(there, batch), await on_hand(there)) == (Stage.PACKED, 5)
    await home.agree_to_tax(there.exporter, batch, request_key=key())
    await sending.dispatch(there.operator, batch, request_key=key())
    assert await stage(there, batch) == Stage.SENT


async def test_a_closed_route_keeps_a_packed_batch_here_for_good(there: World) -> None:
    batch = await homeward.packed(there, there.line(await there.lot(5), 5))
    gone = law.today() - timedelta(days=370)
    await DB.run(
        "update declaration_fact set exported_on = $1, released_on = $1 where owner_id = $2",
        gone,
        there.exporter.organisation_id,
    )
    with pytest.raises(NotForHome):
        await home.agree_to_tax(there.exporter, batch, request_key=key())
    with pytest.raises(NotForHome):
        await sending.dispatch(there.operator, batch, request_key=key())


async def test_no_more_goes_home_than_is_free(there: World) -> None:
    lot = await there.lot(10)
    first = await homeward.filled(there, there.line(lot, 7))
    second = await homeward.opened(there)
    refusal = await refused(there, second, there.line(lot, 2), there.line(lot, 2))
    assert [fault.facts["free"] for fault in refusal.faults] == [3, 3]
    await home.add(there.exporter, second, stock=[there.line(lot, 3)], request_key=key())
    await home.remove(there.exporter, first, [1], request_key=key())
    await home.add(there.exporter, second, stock=[there.line(lot, 7)], request_key=key())


async def test_held_goods_are_not_free_and_do_not_leave(there: World) -> None:
    lot = await there.lot(10)
    batch = await homeward.packed(there, there.line(lot, 10))
    row = await DB.row("select * from stock_on_hand where warehouse_id = $1", there.place.id)
    assert row is not None
    at = tuple(row[name] for name in ("warehouse_id", "owner_id", "item_id", "lot_id", "location_id", "condition"))
    held = await stock_actions.hold(there.operator, at, quantity=4, reason="customs", note="", request_key=key())
    with pytest.raises(NotEnoughFree) as caught:
        await sending.dispatch(there.operator, batch, request_key=key())
    assert [(fault.field, fault.facts["free"]) for fault in caught.value.faults] == [("lines.1.quantity", 6)]
    assert await stage(there, batch) == Stage.PACKED
    other = await homeward.opened(there)
    await refused(there, other, there.line(lot, 1))
    await stock_actions.release(there.operator, there.place.id, held, note="")
    await sending.dispatch(there.operator, batch, request_key=key())


async def test_pledged_goods_neither_go_home_nor_to_scrap_nor_to_the_returns_desk(there: World) -> None:
    lot = await there.lot(10)
    batch = await homeward.packed(there, there.line(lot, 10))
    await home.cancel(there.exporter, batch, note="Pledged instead", request_key=key())
    goods = [Goods(item=there.item.code, location=there.bin, quantity=8, lot=lot)]
    bank = {"pledgee": "Bank", "contact": "Li", "reference": ""}
    await pledges.offer(there.exporter, warehouse=there.place.code, **bank, goods=goods, request_key=key())
    await refused(there, await homeward.opened(there), there.line(lot, 3))
    scrapped = codes.Request(there.item.owner_code, there.item.code, lot, there.bin, "SCRAP", "GOOD", "GOOD", 3)
    with pytest.raises(NotEnoughFree) as short:
        await stock_actions.post_document(
            there.operator, there.place.code, "SCRAP", [scrapped], request_key=key(), request_hash=b""
        )
    assert [fault.facts["free"] for fault in short.value.faults] == [2]
    await build.desk(there.operator, there.place)
    unsold = Line(
        item=there.item.code,
        lot=lot,
        quantity=3,
        basis="unsold",
        warehouse=there.place.code,
        location=there.bin,
    )
    with pytest.raises(Invalid) as claimed:
        await build.returned(there.exporter, there.place, unsold, kind="unsold", reason="long_stored")
    assert [fault.field for fault in claimed.value.faults] == ["lines.0.quantity"]


async def test_shelf_goods_do_not_go_as_returned(there: World) -> None:
    batch = await homeward.opened(there, cause="return")
    refusal = await refused(there, batch, there.line(await there.lot(5), 5))
    assert "as unsold" in refusal.faults[0].sentence


async def test_unknown_codes_are_named_line_by_line(there: World) -> None:
    lot = await there.lot(5)
    batch = await homeward.opened(there)
    wrong = home.StockLine(item="NOTHING", lot=lot, location="NOWHERE", quantity=0, condition="SHINY")
    refusal = await refused(there, batch, there.line(lot, 1), wrong)
    assert {fault.field for fault in refusal.faults} == {
        *("stock.1.item", "stock.1.location", "stock.1.condition", "stock.1.quantity")
    }
    with pytest.raises(NotForHome) as caught:
        await home.add(there.exporter, batch, units=["R00000000000U1"], request_key=key())
    assert caught.value.faults[0].field == "units.0"
    with pytest.raises(NotForHome):
        await home.add(there.exporter, batch, request_key=key())


# ------------------------------------------------------------------------------------------------ packing and arriving


async def test_packing_counts_every_line_within_its_plan(there: World) -> None:
    lot, other = await there.lot(5), await there.lot(5)
    batch = await homeward.ready(there, there.line(lot, 5), there.line(other, 5))
    for wrong in ([(1, 5)], [(1, 6), (2, 5)], [(1, 5), (2, 5), (3, 1)], [(1, -1), (2, 5)]):
        with pytest.raises(Invalid):
            given = [Packed(line_no=line, quantity=count) for line, count in wrong]
            await sending.pack(there.operator, batch, given, request_key=key())
    with pytest.raises(home_rules.NothingInIt):
        none = [Packed(line_no=1, quantity=0), Packed(line_no=2, quantity=0)]
        await sending.pack(there.operator, batch, none, request_key=key())
    with pytest.raises(Invalid) as caught:
        moved = [Packed(line_no=1, quantity=5, location="NOWHERE"), Packed(line_no=2, quantity=5)]
        await sending.pack(there.operator, batch, moved, request_key=key())
    assert caught.value.faults[0].field == "lines.1.location"


async def test_goods_that_were_moved_are_packed_where_they_lie(there: World) -> None:
    lot = await there.lot(5)
    batch = await homeward.ready(there, there.line(lot, 5))
    (elsewhere,) = await build.bins(there.operator, there.place, 1)
    line = stock_actions.codes.Request(
        there.exporter.organisation_code, there.item.code, lot, there.bin, elsewhere, "GOOD", "GOOD", 5
    )
    await stock_actions.post_document(
        there.operator, there.place.code, "MOVE", [line], request_key=key(), request_hash=b""
    )
    await sending.pack(there.operator, batch, [Packed(line_no=1, quantity=5, location=elsewhere)], request_key=key())
    await sending.dispatch(there.operator, batch, request_key=key())
    assert await on_hand(there) == 0


async def test_what_is_left_behind_is_free_for_another_batch(there: World) -> None:
    lot, other = await there.lot(5), await there.lot(5)
    batch = await homeward.ready(there, there.line(lot, 5), there.line(other, 5))
    given = [Packed(line_no=1, quantity=5), Packed(line_no=2, quantity=0)]
    await sending.pack(there.operator, batch, given, request_key=key())
    await sending.dispatch(there.operator, batch, request_key=key())
    await homeward.filled(there, there.line(other, 5))
    await sending.confirm_arrival(there.exporter, batch, [(1, 5)], request_key=key())


async def test_arrival_is_counted_and_dated(there: World) -> None:
    batch = await homeward.sent(there, there.line(await there.lot(5), 5))
    for wrong in ([], [(1, 6)], [(1, 0)], [(2, 1)]):
        with pytest.raises(Invalid):
            await sending.confirm_arrival(there.exporter, batch, wrong, request_key=key())
    early = clock.now() - timedelta(days=1)
    with pytest.raises(Invalid) as caught:
        await sending.confirm_arrival(there.exporter, batch, [(1, 5)], occurred_at=early, request_key=key())
    assert caught.value.faults[0].field == "occurred_at"


# ------------------------------------------------------------------------------------------- who may, and repetitions


async def test_a_packed_batch_is_not_changed(there: World) -> None:
    lot = await there.lot(9)
    batch = await homeward.packed(there, there.line(lot, 5))
    with pytest.raises(home_rules.NotAtThisStage):
        await home.add(there.exporter, batch, stock=[there.line(lot, 1)], request_key=key())
    with pytest.raises(home_rules.NotAtThisStage):
        await home.remove(there.exporter, batch, [1], request_key=key())
    with pytest.raises(home_rules.NotAtThisStage):
        await home.change_plan(there.exporter, batch, homeward.plan(), request_key=key())
    with pytest.raises(home_rules.NotAtThisStage):
        await sending.pack(there.operator, batch, [Packed(line_no=1, quantity=1)], request_key=key())


async def test_an_empty_batch_goes_nowhere(there: World) -> None:
    batch = await homeward.opened(there)
    with pytest.raises(home_rules.NothingInIt):
        await home.make_ready(there.exporter, batch, request_key=key())


async def test_whoever_looked_at_an_older_state_is_refused(there: World) -> None:
    lot = await there.lot(9)
    batch = await homeward.opened(there)
    seen = int((await head(there, batch))["revision"])  # type: ignore[call-overload]
    await home.add(there.exporter, batch, stock=[there.line(lot, 1)], revision=seen, request_key=key())
    with pytest.raises(home_rules.BatchChanged):
        await home.add(there.exporter, batch, stock=[there.line(lot, 2)], revision=seen, request_key=key())


async def test_a_repeated_request_changes_nothing(there: World) -> None:
    lot = await there.lot(9)
    once, given = key(), homeward.plan()
    first = await home.open_batch(there.exporter, there.place.code, given, request_key=once)
    again = await home.open_batch(there.exporter, there.place.code, given, request_key=once)
    assert (again.id, again.repeated) == (first.id, True)
    with pytest.raises(SameKeyOtherRequest):
        await home.open_batch(there.exporter, there.place.code, homeward.plan(days=31), request_key=once)
    for _ in range(2):
        await home.add(there.exporter, first.id, stock=[there.line(lot, 4)], revision=1, request_key=once)
    assert (await head(there, first.id))["pieces"] == 4
    with pytest.raises(SameKeyOtherRequest):
        await home.add(there.exporter, first.id, stock=[there.line(lot, 5)], request_key=once)
    await home.make_ready(there.exporter, first.id, request_key=key())
    await homeward.pack_all(there, first.id)
    leaving = key()
    for _ in range(2):
        await sending.dispatch(there.operator, first.id, request_key=leaving)
    assert await on_hand(there) == 5


async def test_only_the_owner_collects_and_only_the_warehouse_sends(there: World) -> None:
    lot = await there.lot(9)
    clerk = await build.exporter(Role.EXPORTER_CLERK)
    for viewer in (there.operator, clerk, await build.committee()):
        with pytest.raises(NotAllowed):
            await home.open_batch(viewer, there.place.code, homeward.plan(), request_key=key())
    batch = await homeward.ready(there, there.line(lot, 5))
    for viewer in (there.exporter, await build.committee()):
        with pytest.raises(NotAllowed):
            await sending.pack(viewer, batch, [Packed(line_no=1, quantity=5)], request_key=key())
    with pytest.raises(NotAllowed):
        await home.cancel(there.operator, batch, note="no", request_key=key())


async def test_a_stranger_finds_no_batch(there: World) -> None:
    batch = await homeward.ready(there, there.line(await there.lot(5), 5))
    other = await homeward.world()
    for viewer in (other.exporter, other.operator):
        with pytest.raises(home_rules.NoSuchBatch):
            await batches.batch(viewer, batch)
        with pytest.raises(home_rules.NoSuchBatch):
            await home.cancel(viewer, batch, note="mine now", request_key=key())
        with pytest.raises(home_rules.NoSuchBatch):
            await sending.pack(viewer, batch, [Packed(line_no=1, quantity=5)], request_key=key())
        assert (await batches.BATCHES.page(batches.clauses(viewer, {}))).rows == []
    foreign = await homeward.opened(other)
    refusal = await refused(other, foreign, there.line((await there.lot(3)), 1))
    assert {fault.field for fault in refusal.faults} >= {"stock.0.item"}
    committee = await build.committee()
    assert (await batches.batch(committee, batch))["id"] == batch


async def test_candidates_are_free_pieces_the_longest_abroad_first(there: World) -> None:
    young, old = await there.lot(5, days_ago=10), await there.lot(7, days_ago=90)
    batch = await homeward.filled(there, there.line(old, 3))
    row = await batches.batch(there.exporter, batch)
    assert [(each["lot"], each["free"]) for each in await batches.stock_for_home(row)] == [(old, 4), (young, 5)]
    found = await batches.stock_for_home(row, declaration=(await batches.lines(row))[0]["declaration_no"])
    assert [each["lot"] for each in found] == [old]
    returned = await batches.batch(there.exporter, await homeward.opened(there, cause="return"))
    assert await batches.stock_for_home(returned) == []


async def test_the_list_is_filtered(there: World) -> None:
    batch = await homeward.ready(there, there.line(await there.lot(5), 5))
    await homeward.opened(there)
    for filters, count in (
        ({}, 2),
        ({"stage": "ready"}, 1),
        ({"cause": "return"}, 0),
        ({"warehouse": there.place.code.lower()}, 2),
    ):
        page = await batches.BATCHES.page(batches.clauses(there.exporter, filters))
        assert len(page.rows) == count, filters
    number = str((await head(there, batch))["number"])
    page = await batches.BATCHES.page(batches.clauses(await build.committee(), {"number": number.lower()}))
    assert [row["id"] for row in page.rows] == [batch]
    with pytest.raises(Invalid):
        batches.clauses(there.exporter, {"stage": "lost"})
