"""The ledger on a real PostgreSQL: never negative, never mixed, once per key, exact when everybody comes at once."""

import asyncio
import random
import uuid
from collections import Counter
from datetime import timedelta

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.access.rules import Viewer
from backend.core import clock
from backend.core.database import DB
from backend.core.errors import Invalid
from backend.registry.rules import Warehouse
from backend.stock import actions, ledger, queries, rules
from backend.stock.rules import Place, Posting, Reason
from tests import build

pytestmark = pytest.mark.usefixtures("database")
SUPPLIER, BUYER, ADJUSTMENT = int(Place.SUPPLIER), int(Place.BUYER), int(Place.ADJUSTMENT)


class World:
    """An operator's warehouse with three bins, and an exporter's items in it."""

    def __init__(self, operator: Viewer, exporter: Viewer, warehouse: Warehouse, bins: list[int], items: list[int]):
        self.operator, self.exporter, self.warehouse = operator, exporter, warehouse
        self.bins, self.items, self.actor = bins, items, ledger.actor_of(operator)

    async def post(
        self, reason: Reason, *lines: tuple[int, int, int, int], key: str = "", **more: object
    ) -> ledger.Posted:
        """Post (item, source, target, quantity) lines."""
        postings = [Posting(self.exporter.organisation_id, item, 0, s, t, 1, 1, q) for item, s, t, q in lines]
        return await ledger.post(
            self.actor,
            self.warehouse.id,
            reason,
            postings,
            request_key=key or uuid.uuid4().hex,
            request_hash=repr((reason, lines)).encode(),
            **more,  # type: ignore[arg-type]
        )

    async def on_hand(self, item: int, place: int) -> int:
        return (await queries.on_hand_of(self.warehouse.id, place, [item])).get(item, 0)

    def key(self, item: int, place: int) -> queries.BalanceAt:
        return (self.warehouse.id, self.exporter.organisation_id, item, 0, place, 1)


async def places(operator: Viewer, warehouse: Warehouse, n: int) -> list[int]:
    """Ids of n fresh bins."""
    codes = await build.bins(operator, warehouse, n)
    rows = await DB.fetch("select id from location where warehouse_id = $1 and code = any($2)", warehouse.id, codes)
    return [row["id"] for row in rows]


@pytest.fixture
async def world() -> World:
    operator, exporter = await build.operator(), await build.exporter()
    warehouse = await build.warehouse(operator)
    operator = await build.again(operator)
    bins = await places(operator, warehouse, 3)
    items = [(await build.item(exporter)).id for _ in range(4)]
    return World(operator, exporter, warehouse, bins, items)


async def test_goods_arrive_move_and_leave(world: World) -> None:
    item, (a, b, _) = world.items[0], world.bins
    await world.post(Reason.RECEIPT, (item, SUPPLIER, a, 10))
    await world.post(Reason.MOVE, (item, a, b, 4))
    await world.post(Reason.SALE, (item, b, BUYER, 1))
    assert (await world.on_hand(item, a), await world.on_hand(item, b)) == (6, 3)
    assert await queries.differences() == []


async def test_two_lines_that_together_overdraw_are_refused_whole(world: World) -> None:
    item, a = world.items[0], world.bins[0]
    await world.post(Reason.RECEIPT, (item, SUPPLIER, a, 10))
    with pytest.raises(rules.NotEnoughFree) as refused:
        await world.post(Reason.SALE, (item, a, BUYER, 6), (item, a, BUYER, 6))
    assert [(f.field, f.facts["free"], f.facts["wanted"]) for f in refused.value.faults] == [
        ("lines.0.quantity", 10, 12),
        ("lines.1.quantity", 10, 12),
    ]
    assert await world.on_hand(item, a) == 10


async def test_goods_that_come_and_go_in_one_document_need_no_stock_before(world: World) -> None:
    item, (a, b, _) = world.items[0], world.bins
    await world.post(Reason.MOVE, (item, a, b, 5), (item, b, a, 5))
    assert await queries.differences() == []


async def test_an_issue_of_what_never_lay_there_is_refused(world: World) -> None:
    with pytest.raises(rules.NotEnoughFree):
        await world.post(Reason.SALE, (world.items[0], world.bins[0], BUYER, 1))


async def test_owners_are_never_mixed(world: World) -> None:
    other = await build.exporter()
    foreign = await build.item(other)
    line = Posting(world.exporter.organisation_id, foreign.id, 0, SUPPLIER, world.bins[0], 1, 1, 5)
    with pytest.raises(ledger.Unfit):
        await ledger.post(world.actor, world.warehouse.id, Reason.RECEIPT, [line], request_key="m", request_hash=b"m")
    assert await queries.differences() == []


async def test_a_location_of_another_warehouse_is_refused(world: World) -> None:
    elsewhere = await build.warehouse(world.operator)
    (place,) = await places(await build.again(world.operator), elsewhere, 1)
    with pytest.raises(ledger.Unfit):
        await world.post(Reason.RECEIPT, (world.items[0], SUPPLIER, place, 5))


async def test_a_repeated_key_gives_the_first_answer(world: World) -> None:
    line = (world.items[0], SUPPLIER, world.bins[0], 10)
    posted = await asyncio.gather(*(world.post(Reason.RECEIPT, line, key="same") for _ in range(32)))
    assert len({each.document_id for each in posted}) == 1
    assert sum(not each.repeated for each in posted) == 1
    assert await world.on_hand(world.items[0], world.bins[0]) == 10


async def test_a_repeated_key_with_another_request_is_refused(world: World) -> None:
    await world.post(Reason.RECEIPT, (world.items[0], SUPPLIER, world.bins[0], 10), key="one")
    with pytest.raises(rules.SameKeyOtherRequest):
        await world.post(Reason.RECEIPT, (world.items[0], SUPPLIER, world.bins[0], 11), key="one")


async def test_sixteen_clients_take_exactly_what_is_there(world: World) -> None:
    item, a = world.items[0], world.bins[0]
    await world.post(Reason.RECEIPT, (item, SUPPLIER, a, 400))
    outcomes: Counter[str] = Counter()

    async def client() -> None:
        for _ in range(50):
            try:
                await world.post(Reason.SALE, (item, a, BUYER, 1))
                outcomes["accepted"] += 1
            except rules.NotEnoughFree:
                outcomes["refused"] += 1

    await asyncio.gather(*(client() for _ in range(16)))
    assert outcomes == {"accepted": 400, "refused": 400}
    assert await world.on_hand(item, a) == 0
    assert await queries.differences() == []


async def test_documents_in_random_line_order_do_not_deadlock(world: World) -> None:
    for place in world.bins:
        await world.post(Reason.RECEIPT, *((item, SUPPLIER, place, 10_000) for item in world.items))
    before = await DB.value("select deadlocks from pg_stat_database where datname = current_database()")

    async def client(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(20):
            lines = [(i, *chance.sample(world.bins, 2), chance.randint(1, 3)) for i in world.items for _ in range(8)]
            chance.shuffle(lines)
            await world.post(Reason.MOVE, *lines)

    await asyncio.gather(*(client(seed) for seed in range(12)))
    after = await DB.value("select deadlocks from pg_stat_database where datname = current_database()")
    assert after == before
    assert await queries.differences() == []


async def test_parallel_reservations_promise_exactly_what_is_free(world: World) -> None:
    item, a = world.items[0], world.bins[0]
    await world.post(Reason.RECEIPT, (item, SUPPLIER, a, 100))
    codes = await DB.row(
        "select w.code as warehouse, i.code as item from warehouse w, item i where w.id = $1 and i.id = $2",
        world.warehouse.id,
        item,
    )
    assert codes is not None

    async def reserve(number: int) -> bool:
        try:
            await actions.reserve(
                world.exporter,
                warehouse=codes["warehouse"],
                owner=world.exporter.organisation_code,
                item=codes["item"],
                lot=None,
                location=None,
                condition="GOOD",
                quantity=1,
                source=f"order {number}",
                expires_at=clock.now() + timedelta(hours=1),
                request_key=f"r{number}",
            )
        except rules.NotEnoughFree:
            return False
        return True

    made = await asyncio.gather(*(reserve(number) for number in range(200)))
    assert sum(made) == 100
    balance = await queries.balance(world.operator, world.key(item, a))
    assert (balance["allocated"], balance["free"]) == (100, 0)
    with pytest.raises(rules.NotEnoughFree):
        await world.post(Reason.SALE, (item, a, BUYER, 1))
    assert await queries.differences() == []


async def test_an_expired_reservation_is_no_hindrance(world: World) -> None:
    item, a = world.items[0], world.bins[0]
    await world.post(Reason.RECEIPT, (item, SUPPLIER, a, 5))
    code = await DB.value("select code from item where id = $1", item)
    await actions.reserve(
        world.exporter,
        warehouse=world.warehouse.code,
        owner=world.exporter.organisation_code,
        item=code,
        lot=None,
        location=None,
        condition="GOOD",
        quantity=5,
        source="order",
        expires_at=clock.now() + timedelta(milliseconds=50),
        request_key="short",
    )
    await asyncio.sleep(0.1)
    await world.post(Reason.SALE, (item, a, BUYER, 5))
    assert await queries.differences() == []


async def test_held_pieces_stay_until_they_are_released(world: World) -> None:
    item, a = world.items[0], world.bins[0]
    await world.post(Reason.RECEIPT, (item, SUPPLIER, a, 10))
    key = world.key(item, a)
    asked = {"quantity": 8, "reason": "quality", "note": "", "request_key": "h"}
    hold = await actions.hold(world.operator, key, **asked)  # type: ignore[arg-type]
    assert await actions.hold(world.operator, key, **asked) == hold  # type: ignore[arg-type]
    with pytest.raises(rules.NotEnoughFree):
        await world.post(Reason.SALE, (item, a, BUYER, 3))
    with pytest.raises(rules.NotEnoughFree):
        await actions.hold(world.operator, key, quantity=3, reason="quality", note="", request_key="h2")
    await actions.release(world.operator, world.warehouse.id, hold, note="checked")
    with pytest.raises(rules.AlreadyEnded):
        await actions.release(world.operator, world.warehouse.id, hold, note="again")
    await world.post(Reason.SALE, (item, a, BUYER, 10))
    assert await queries.differences() == []


async def test_a_reversal_restores_and_happens_once(world: World) -> None:
    item, (a, b, _) = world.items[0], world.bins
    await world.post(Reason.RECEIPT, (item, SUPPLIER, a, 10))
    moved = await world.post(Reason.MOVE, (item, a, b, 4))
    await actions.reverse(world.operator, world.warehouse.id, moved.document_id, note="wrong bin")
    assert (await world.on_hand(item, a), await world.on_hand(item, b)) == (10, 0)
    with pytest.raises(rules.AlreadyReversed):
        await actions.reverse(world.operator, world.warehouse.id, moved.document_id, note="again")


async def test_a_past_date_needs_goods_on_the_whole_way(world: World) -> None:
    item, a = world.items[0], world.bins[0]
    now = clock.now()
    await world.post(Reason.RECEIPT, (item, SUPPLIER, a, 10), occurred_at=now - timedelta(days=3))
    await world.post(Reason.SALE, (item, a, BUYER, 8), occurred_at=now - timedelta(days=1))
    await world.post(Reason.RECEIPT, (item, SUPPLIER, a, 5), occurred_at=now - timedelta(hours=1))
    with pytest.raises(rules.WouldHaveBeenShort):
        await world.post(Reason.SALE, (item, a, BUYER, 3), occurred_at=now - timedelta(days=2))
    await world.post(Reason.SALE, (item, a, BUYER, 2), occurred_at=now - timedelta(days=2))
    assert await world.on_hand(item, a) == 5


async def test_stock_at_a_past_instant_is_the_movements_up_to_it(world: World) -> None:
    item, a = world.items[0], world.bins[0]
    now = clock.now()
    for days, quantity in ((9, 10), (6, 7), (3, 5)):
        await world.post(Reason.RECEIPT, (item, SUPPLIER, a, quantity), occurred_at=now - timedelta(days=days))
    for days, expected in ((10, 0), (8, 10), (5, 17), (1, 22)):
        rows = await queries.stock_at(world.operator, world.warehouse.id, now - timedelta(days=days))
        assert sum(row["on_hand"] for row in rows) == expected


@pytest.mark.parametrize(
    "statement",
    [
        "update movement set quantity = 1",
        "delete from movement",
        "truncate movement",
        "update document set note = ''",
        "delete from document",
        "delete from balance",
        "delete from item",
        "update journal set action = ''",
    ],
)
async def test_history_cannot_be_rewritten(world: World, statement: str) -> None:
    await world.post(Reason.RECEIPT, (world.items[0], SUPPLIER, world.bins[0], 1))
    with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError):
        await DB.run(statement)


async def test_a_lot_cannot_change_its_owner(world: World) -> None:
    code = await DB.value("select code from item where id = $1", world.items[0])
    lot = await actions.register_lot(world.exporter, owner=world.exporter.organisation_code, item=code, code="L1")
    with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError):
        await DB.run("update lot set owner_id = owner_id + 1 where id = $1", lot)


async def test_a_tampered_balance_is_named(world: World) -> None:
    item, a = world.items[0], world.bins[0]
    await world.post(Reason.RECEIPT, (item, SUPPLIER, a, 10))
    async with DB.transaction() as transaction:
        await DB.run("update balance set on_hand = 11 where warehouse_id = $1", world.warehouse.id)
        (row,) = await queries.differences()
        assert (row["what"], row["booked"], row["proven"]) == ("on_hand", 11, 10)
        await transaction.rollback()


async def test_a_line_that_makes_no_sense_is_refused_before_the_database(world: World) -> None:
    with pytest.raises(Invalid) as refused:
        await world.post(Reason.SALE, (world.items[0], world.bins[0], world.bins[1], 1))
    assert refused.value.faults[0].field == "lines.0.source"


moves = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3), st.integers(1, 5)), min_size=1, max_size=12
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves)
async def test_each_item_sums_to_zero_over_all_places(world: World, steps: list[tuple[int, int, int, int]]) -> None:
    ends = [SUPPLIER, *world.bins]
    for item, source, target, quantity in steps:
        s, t = ends[source], (ends[target] if target else BUYER)
        if (s, t) == (SUPPLIER, BUYER) or s == t:
            continue
        reason = Reason.RECEIPT if s == SUPPLIER else Reason.SALE if t == BUYER else Reason.MOVE
        try:
            await world.post(reason, (world.items[item], s, t, quantity))
        except rules.NotEnoughFree:
            assert await world.on_hand(world.items[item], s) < quantity
    rows = await DB.fetch(
        """select item_id, sum(q) as q from (
             select item_id, -quantity as q from movement where warehouse_id = $1 and source_id < 1000
             union all select item_id, quantity from movement where warehouse_id = $1 and target_id < 1000
             union all select item_id, on_hand from balance where warehouse_id = $1) s group by 1 having sum(q) <> 0""",
        world.warehouse.id,
    )
    assert rows == []
    assert await queries.differences() == []


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(1, 60), st.integers(1, 9), st.booleans()), min_size=1, max_size=8))
async def test_stock_at_any_day_is_the_sum_of_what_moved_before(
    world: World, steps: list[tuple[int, int, bool]]
) -> None:
    item, a = world.items[1], world.bins[1]
    now, booked = clock.now(), await queries.stock_at(world.operator, world.warehouse.id, clock.now())
    before = {row["item"]: row["on_hand"] for row in booked}
    moved: list[tuple[int, int]] = []
    for days, quantity, leaves in steps:
        try:
            line = (item, a, BUYER, quantity) if leaves else (item, SUPPLIER, a, quantity)
            reason = Reason.SALE if leaves else Reason.RECEIPT
            await world.post(reason, line, occurred_at=now - timedelta(days=days))
            moved.append((days, -quantity if leaves else quantity))
        except (rules.NotEnoughFree, rules.WouldHaveBeenShort):
            pass
    code = await DB.value("select code from item where id = $1", item)
    history = await DB.fetch(
        "select occurred_at, case when target_id = $2 then quantity else -quantity end as q from movement where item_id = $1",
        item,
        a,
    )
    for days in {0, 61, *(each for each, _ in moved)}:
        instant = now - timedelta(days=days)
        rows = await queries.stock_at(world.operator, world.warehouse.id, instant)
        found = sum(row["on_hand"] for row in rows if row["item"] == code)
        assert found == sum(row["q"] for row in history if row["occurred_at"] <= instant)
        assert found >= 0
    assert sum(q for _, q in moved) == sum(row["q"] for row in history) - before.get(code, 0)


async def test_what_a_job_used_up_or_made_is_undone_in_its_room_only(world: World) -> None:
    item, (a, b, _) = world.items[0], world.bins
    transform = int(Place.TRANSFORM)
    await world.post(Reason.RECEIPT, (item, SUPPLIER, a, 10))
    used = await world.post(Reason.CONSUMPTION, (item, a, transform, 3), reference="W1")
    made = await world.post(Reason.PRODUCTION, (item, transform, b, 2), reference="W1")
    assert (await world.on_hand(item, a), await world.on_hand(item, b)) == (7, 2)
    for document in (used, made):
        with pytest.raises(rules.UndoneElsewhere, match="W1"):
            await actions.reverse(world.operator, world.warehouse.id, document.document_id, note="wrong")
    await actions.undo(world.operator, world.warehouse.id, used.document_id, note="wrong part")
    assert await world.on_hand(item, a) == 10
    with pytest.raises(rules.AlreadyReversed):
        await actions.undo(world.operator, world.warehouse.id, used.document_id, note="again")
    assert await queries.differences() == []


@pytest.mark.parametrize("reason", ["CONSUMPTION", "PRODUCTION", "DONATION", "REVERSAL"])
async def test_documents_of_rooms_are_not_booked_by_hand(world: World, reason: str) -> None:
    with pytest.raises(Invalid) as refused:
        await actions.post_document(
            world.operator, world.warehouse.code, reason, [], request_key="hand", request_hash=b""
        )
    assert "reason" in {fault.field for fault in refused.value.faults}
