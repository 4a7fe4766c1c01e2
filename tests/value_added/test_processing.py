"""Light processing in the ledger: one document a step, lots and declarations carried through, nothing made from nothing."""

import uuid
from decimal import Decimal
from typing import Any

import pytest

from backend.core.database import DB
from backend.core.errors import Conflict, Invalid, NotAllowed
from backend.registry.rules import Item
from backend.stock import actions as stock_actions
from backend.stock import rules as stock_rules
from backend.stock.rules import NotEnoughFree, SameKeyOtherRequest
from backend.value_added import actions, performing, processing, queries, quoting, rules
from backend.value_added.processing import Put, Taken
from tests import build
from tests.value_added import shop as shops
from tests.value_added.shop import Shop, key, line


@pytest.fixture
async def shop(database: str) -> Shop:
    return await shops.opened()


class Kits:
    """A job for kits of two A and one B; two lots of A, one of B."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    async def open(self, runs: int = 5, **wish: Any) -> "Kits":
        shop = self.shop
        self.a, self.b, self.kit = await shop.item(), await shop.item(), await shop.item()
        self.a1 = await shop.lot(self.a, declaration_no="D1", declaration_line=1, supervision_code="9810")
        self.a2 = await shop.lot(self.a, declaration_no="D2", declaration_line=7, supervision_code="9810")
        self.b1 = await shop.lot(self.b, declaration_no="D1", declaration_line=2, supervision_code="9810")
        await shop.stocked(self.a, 5, lot=self.a1)
        await shop.stocked(self.a, 9, lot=self.a2)
        await shop.stocked(self.b, 20, lot=self.b1)
        self.job = await shop.accepted(
            "processing",
            text="",
            quantity=Decimal(runs),
            process="kit",
            ins=[line(self.a, 2), line(self.b)],
            outs=[line(self.kit)],
            **wish,
        )
        return self

    async def make(self, runs: int = 5, first: int = 5, **other: Any) -> processing.Transformed:
        """`runs` kits of the first lot of A as long as it lasts, then the second."""
        place = self.shop.bins[0]
        taken = [Taken(0, place, min(first, runs * 2), self.a1), Taken(1, place, runs, self.b1)]
        if runs * 2 > first:
            taken.insert(1, Taken(0, place, runs * 2 - first, self.a2))
        given = {"taken": taken, "put": [Put(0, self.shop.bins[1], runs)], "request_key": key(), **other}
        return await processing.transform(self.shop.operator, self.job, runs=runs, **given)


async def origins(goods: Item) -> dict[str, dict[str, str]]:
    """What the lots of an item were made of: pieces/per by lot."""
    rows = await DB.fetch(
        "select t.code, coalesce(u.code, '') as part, o.pieces, o.per from lot t join lot_origin o on o.lot_id = t.id "
        "left join lot u on u.id = o.input_lot_id where t.item_id = $1",
        goods.id,
    )
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        found.setdefault(row["code"], {})[row["part"]] = f"{row['pieces']}/{row['per']}"
    return found


async def test_kits_are_made_of_exactly_known_lots(shop: Shop) -> None:
    kits = await Kits(shop).open()
    await kits.make(5)
    number = (await queries.job(shop.operator, kits.job))["number"]
    assert await origins(kits.kit) == {
        f"{number}-1": {kits.a1: "2/1", kits.b1: "1/1"},
        f"{number}-2": {kits.a1: "1/1", kits.a2: "1/1", kits.b1: "1/1"},
        f"{number}-3": {kits.a2: "2/1", kits.b1: "1/1"},
    }
    assert await shop.on_hand(kits.kit) == {
        (f"{number}-1", shop.bins[1], "GOOD"): 2,
        (f"{number}-2", shop.bins[1], "GOOD"): 1,
        (f"{number}-3", shop.bins[1], "GOOD"): 2,
    }
    assert await shop.on_hand(kits.a) == {(kits.a2, shop.bins[0], "GOOD"): 4}
    assert await shop.stage(kits.job) == "performing"
    assert await shops.book_is_right()


async def test_a_step_that_is_sent_twice_is_done_once(shop: Shop) -> None:
    kits = await Kits(shop).open()
    one = key()
    first = await kits.make(2, request_key=one)
    again = await kits.make(2, request_key=one)
    assert (again.document_id, again.repeated) == (first.document_id, True)
    with pytest.raises(SameKeyOtherRequest):
        await kits.make(1, request_key=one)
    assert sum((await shop.on_hand(kits.kit)).values()) == 2


async def test_the_same_kits_of_one_job_are_one_lot(shop: Shop) -> None:
    kits = await Kits(shop).open()
    await kits.make(1)
    await kits.make(1)
    assert list((await shop.on_hand(kits.kit)).values()) == [2]


async def test_components_that_are_not_there_refuse_everything(shop: Shop) -> None:
    kits = await Kits(shop).open(runs=9)
    with pytest.raises(NotEnoughFree) as refused:
        await kits.make(9)
    assert [fault.field for fault in refused.value.faults] == ["taken.1.quantity"]
    assert (await shop.on_hand(kits.kit), await origins(kits.kit)) == ({}, {})
    assert await shop.stage(kits.job) == "accepted"
    held = await DB.row("select * from balance where item_id = $1", kits.b.id)
    names = ("warehouse_id", "owner_id", "item_id", "lot_id", "location_id", "condition")
    at = tuple(held[name] for name in names)
    await stock_actions.hold(shop.operator, at, quantity=18, reason="quality", note="", request_key=key())  # type: ignore[arg-type]
    with pytest.raises(NotEnoughFree):
        await kits.make(3)
    await kits.make(2)
    assert await shops.book_is_right()


async def test_wrong_pieces_are_said_all_at_once(shop: Shop) -> None:
    kits = await Kits(shop).open()
    with pytest.raises(Invalid) as refused:
        await kits.make(
            6,
            taken=[Taken(0, "NOWHERE", 1, kits.a1), Taken(0, shop.bins[0], 1, "NO-LOT"), Taken(7, shop.bins[0], 0)],
            put=[Put(0, shop.bins[0], 1, "SHINY"), Put(1, shop.bins[0], 1)],
        )
    assert {fault.field for fault in refused.value.faults} == {
        *("runs", "taken.0.location", "taken.1.lot", "taken.2.line", "taken.2.quantity"),
        *("put.0.condition", "put.1.line"),
    }
    with pytest.raises(Invalid) as sums:
        await kits.make(2, put=[Put(0, shop.bins[0], 3)], taken=[Taken(0, shop.bins[0], 4, kits.a1)])
    assert {fault.field for fault in sums.value.faults} == {"taken.line1", "put.line0"}


async def test_only_the_operator_of_the_warehouse_transforms_and_only_an_accepted_job(shop: Shop) -> None:
    kits = await Kits(shop).open()
    for viewer, refusal in ((shop.exporter, NotAllowed), (await build.operator(), rules.NoSuchJob)):
        with pytest.raises(refusal):
            await processing.transform(viewer, kits.job, runs=1, taken=[], put=[], request_key=key())
    await quoting.cancel(shop.exporter, kits.job, await shop.revision(kits.job))
    with pytest.raises(rules.NotNow):
        await kits.make(1)
    customs = await shop.accepted()
    with pytest.raises(Invalid):
        await processing.transform(shop.operator, customs, runs=1, taken=[], put=[], request_key=key())


async def test_a_kit_taken_apart_gives_the_very_lots_that_went_in(shop: Shop) -> None:
    kits = await Kits(shop).open()
    await kits.make(5)
    number = (await queries.job(shop.operator, kits.job))["number"]
    apart = await shop.accepted(
        "processing",
        text="",
        quantity=Decimal(2),
        process="dekit",
        ins=[line(kits.kit)],
        outs=[line(kits.a, 2), line(kits.b)],
    )
    place = shop.bins[1]
    await processing.transform(
        shop.operator,
        apart,
        runs=2,
        taken=[Taken(0, place, 1, f"{number}-2"), Taken(0, place, 1, f"{number}-3")],
        put=[Put(0, place, 3), Put(0, place, 1, "DAMAGED"), Put(1, place, 2)],
        request_key=key(),
    )
    assert await shop.on_hand(kits.a) == {
        (kits.a1, place, "GOOD"): 1,
        (kits.a2, place, "GOOD"): 2,
        (kits.a2, place, "DAMAGED"): 1,
        (kits.a2, shop.bins[0], "GOOD"): 4,
    }
    assert await shops.book_is_right()


async def test_a_kit_is_not_taken_apart_into_something_else(shop: Shop) -> None:
    kits = await Kits(shop).open()
    await kits.make(2)
    number = (await queries.job(shop.operator, kits.job))["number"]
    apart = await shop.accepted(
        "processing", text="", quantity=Decimal(1), process="dekit", ins=[line(kits.kit)], outs=[line(kits.a, 3)]
    )
    with pytest.raises(rules.KitsOnly) as refused:
        await processing.transform(
            shop.operator,
            apart,
            runs=1,
            taken=[Taken(0, shop.bins[1], 1, f"{number}-1")],
            put=[Put(0, shop.bins[1], 3)],
            request_key=key(),
        )
    assert refused.value.faults[0].facts["holds"] == [f"2 × {kits.a.code}", f"1 × {kits.b.code}"]


async def test_relabelled_goods_stay_under_their_declaration_line(shop: Shop) -> None:
    old, new = await shop.item(), await shop.item()
    lot = await shop.lot(old, "L-77", declaration_no="D9", declaration_line=4, supervision_code="9810")
    await shop.stocked(old, 6, lot=lot)
    job = await shop.accepted(
        "processing", text="", quantity=Decimal(6), process="relabel", ins=[line(old, lot=lot)], outs=[line(new)]
    )
    place = shop.bins[0]
    for _ in range(2):
        await processing.transform(
            shop.operator, job, runs=3, taken=[Taken(0, place, 3, lot)], put=[Put(0, place, 3)], request_key=key()
        )
    row = await DB.row("select * from lot where item_id = $1", new.id)
    assert (row["code"], row["declaration_no"], row["declaration_line"]) == ("L-77", "D9", 4)
    assert await shop.on_hand(new) == {("L-77", place, "GOOD"): 6}
    assert await origins(new) == {"L-77": {"L-77": "1/1"}}
    assert await shops.book_is_right()


async def test_a_new_label_on_the_same_goods_makes_nothing_from_nothing(shop: Shop) -> None:
    goods = await shop.item()
    await shop.stocked(goods, 2)
    job = await shop.accepted(
        "processing", text="", quantity=Decimal(9), process="relabel", ins=[line(goods)], outs=[line(goods)]
    )
    place = shop.bins[0]

    async def relabel(runs: int) -> None:
        await processing.transform(
            shop.operator, job, runs=runs, taken=[Taken(0, place, runs)], put=[Put(0, place, runs)], request_key=key()
        )

    with pytest.raises(NotEnoughFree):
        await relabel(3)
    await relabel(2)
    assert await shop.on_hand(goods) == {("", place, "GOOD"): 2}


async def test_a_returned_unit_leaves_quarantine_by_its_job(shop: Shop) -> None:
    goods = await shop.item()
    await shop.stocked(goods, 2, "WORKSHOP", condition="QUARANTINE")
    async with DB.transaction():
        made = await actions.request_from_return(
            shop.operator,
            warehouse_id=shop.warehouse.id,
            owner_id=shop.exporter.organisation_id,
            item_id=goods.id,
            lot_id=0,
            condition=4,
            quantity=2,
            unit_code="R1U1",
            return_unit_id=uuid.uuid4(),
            note="",
            request_key=key(),
            at=(await queries.job(shop.operator, await shop.asked()))["requested_at"],
        )
    await shop.quote(made.id)
    await quoting.answer(shop.exporter, made.id, await shop.revision(made.id), accept=True)
    await processing.transform(
        shop.operator,
        made.id,
        runs=2,
        taken=[Taken(0, "WORKSHOP", 2)],
        put=[Put(0, shop.bins[0], 1), Put(0, shop.bins[0], 1, "SECOND")],
        request_key=key(),
    )
    assert await shop.on_hand(goods) == {("", shop.bins[0], "GOOD"): 1, ("", shop.bins[0], "SECOND"): 1}


async def test_what_was_transformed_is_undone_in_the_job_and_nowhere_else(shop: Shop) -> None:
    kits = await Kits(shop).open()
    done = await kits.make(2)
    with pytest.raises(stock_rules.UndoneElsewhere):
        await stock_actions.reverse(shop.operator, shop.warehouse.id, done.document_id, note="wrong")
    with pytest.raises(Invalid):
        await processing.undo_transform(shop.operator, kits.job, done.step_id, why="")
    with pytest.raises(NotAllowed):
        await processing.undo_transform(shop.exporter, kits.job, done.step_id, why="wrong")
    await processing.undo_transform(shop.operator, kits.job, done.step_id, why="Wrong box")
    assert await shop.on_hand(kits.kit) == {}
    assert await queries.runs_done(shop.warehouse.id, kits.job) == 0
    with pytest.raises(stock_rules.AlreadyReversed):
        await processing.undo_transform(shop.operator, kits.job, done.step_id, why="again")
    await kits.make(5)
    assert await queries.runs_done(shop.warehouse.id, kits.job) == 5
    assert await shops.book_is_right()


async def test_what_to_take_is_offered_for_every_input(shop: Shop) -> None:
    kits = await Kits(shop).open()
    job = await queries.job(shop.operator, kits.job)
    offered = [(row["line_no"], row["lot"], row["free"]) for row in await queries.available(shop.operator, job)]
    assert offered == [(1, kits.a1, 5), (1, kits.a2, 9), (2, kits.b1, 20)]
    assert len(await queries.available(shop.operator, job, most=1)) == 2
    assert await queries.available(shop.exporter, job) == []


async def test_nobody_books_a_transformation_by_hand(shop: Shop) -> None:
    goods = await shop.item()
    with pytest.raises(Invalid) as refused:
        await build._post(
            shop.operator, shop.warehouse, "TRANSFORMATION", goods, None, "TRANSFORM", shop.bins[0], "GOOD", 5
        )
    assert {fault.field for fault in refused.value.faults} == {"reason"}


async def test_the_result_needs_its_runs_and_a_photo(shop: Shop) -> None:
    kits = await Kits(shop).open()
    photo = await build.photo(shop.operator)

    async def report(outcome: str, **given: Any) -> None:
        terms = {"quantity": Decimal(5), "note": "Done", **given}
        await performing.report(shop.operator, kits.job, await shop.revision(kits.job), outcome=outcome, **terms)

    with pytest.raises(Invalid) as nothing:
        await report("partly")
    assert {fault.field for fault in nothing.value.faults} == {"outcome", "photos"}
    await kits.make(3)
    with pytest.raises(Invalid) as short:
        await report("succeeded", photos=[photo])
    assert {fault.field for fault in short.value.faults} == {"outcome"}
    await report("partly", quantity=Decimal(3), photos=[photo])
    assert await shop.stage(kits.job) == "done"
    with pytest.raises(Conflict):
        await kits.make(2)
