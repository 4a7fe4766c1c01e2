"""Random deeds at random moments: whatever is tried, goods, quotes, charges and stages stay in agreement."""

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from backend.core import clock
from backend.core.database import DB
from backend.core.errors import Refusal
from backend.repairs import actions, bench, ending, faultbook, quoting, rules
from backend.repairs.rules import Stage
from backend.stages import queries as stages_queries
from backend.stages.rules import Subject
from backend.stock import queries as stock_queries
from backend.stock import rules as stock_rules
from backend.stock.rules import Condition
from tests.repairs.shop import Shop, fresh, shop

pytestmark = pytest.mark.usefixtures("database")


def deeds(made: Shop, chance: random.Random, order_id: uuid.UUID) -> dict[str, Callable[[], Awaitable[object]]]:
    """Everything that anybody may try at a work order, with values that are mostly right."""
    machine_checks = faultbook.book().checks_of("machinery")

    async def newest(table: str) -> uuid.UUID:
        column = "quoted_at" if table == "repair_quote" else "used_at"
        found = await DB.value(f"select id from {table} where order_id = $1 order by {column} desc limit 1", order_id)
        return found or uuid.uuid4()

    async def diagnose() -> None:
        given = {"codes": [chance.choice(["MA_GEAR", "WEAR"])], "repairable": chance.random() < 0.9, "note": ""}
        await actions.diagnose(made.operator, order_id, **given, request_key=fresh())  # type: ignore[arg-type]

    async def quote() -> None:
        price = str(chance.randint(0, 9))
        await made.quote(order_id, pieces=chance.randint(0, 3), price=price, minutes=chance.randint(1, 90))

    async def answer() -> None:
        await made.answer(order_id, await newest("repair_quote"), approve=chance.random() < 0.9)

    async def withdraw() -> None:
        await quoting.withdraw(made.operator, order_id, note="", request_key=fresh())

    async def use() -> None:
        await made.use(order_id, chance.randint(1, 3))

    async def undo() -> None:
        use_id = await newest("part_use")
        await bench.undo_parts(made.operator, order_id, use_id=use_id, note="Wrong", request_key=fresh())

    async def recover() -> None:
        part = bench.PartTaken(made.part.code, "WORKSHOP", 1, condition="DAMAGED")
        await bench.recover_part(made.operator, order_id, part=part, note="", request_key=fresh())

    async def work() -> None:
        await made.work(order_id, chance.randint(1, 60), done=chance.random() < 0.4)

    async def test() -> None:
        answers = {name: "bad" if chance.random() < 0.04 else "ok" for name in machine_checks}
        await bench.record_test(made.operator, order_id, answers=answers, note="", request_key=fresh())

    async def finish() -> None:
        await made.finish(order_id, condition=chance.choice(["GOOD", "SECOND"]))

    async def give_up() -> None:
        await ending.give_up(made.operator, order_id, location=made.bins[2], note="Beyond repair", request_key=fresh())

    async def expire() -> None:
        await quoting.expire_quotes(clock.now() + timedelta(days=30))

    often = {"diagnose": diagnose, "quote": quote, "answer": answer, "use": use, "work": work, "test": test}
    seldom = {"withdraw": withdraw, "undo": undo, "recover": recover, "finish": finish, "expire": expire}
    return {**often, **seldom, **({"give_up": give_up} if chance.random() < 0.01 else {})}


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_is_tried_everything_agrees(seed: int) -> None:
    chance, made = random.Random(seed), await shop()
    order_id = (await made.from_stock()).id
    tried = done = 0
    for _ in range(90):
        possible = deeds(made, chance, order_id)
        tried += 1
        weights = [1 if name in ("withdraw", "expire", "undo", "recover") else 8 for name in possible]
        try:
            await chance.choices(list(possible.values()), weights)[0]()
            done += 1
        except Refusal:
            pass
    assert 0 < done < tried
    order = await made.seen(order_id)
    # The unit is one piece, where the order says it is; in the workshop nobody can sell it.
    lies = await DB.fetch(
        "select location_id, condition, on_hand from stock_on_hand where item_id = $1 and not "
        "(location_id = $2 and condition = 1)",
        made.machine.id,
        await made.place(made.bins[0]),
    )
    assert [tuple(row) for row in lies] == [(order["location_id"], order["condition"], 1)]
    if Stage(order["stage"]) in rules.IN_WORKSHOP:
        assert Condition(order["condition"]) not in stock_rules.SELLABLE
    # Every step went along the pairs.
    stays = [Stage(row["stage"]) for row in await stages_queries.history(made.operator, Subject.REPAIR, order_id)]
    assert all(rules.may_go(before, after) for before, after in pairwise(stays))
    # What was used is what the quotes say was used, what left the bin, and what was charged.
    live = await DB.fetch("select * from part_use where order_id = $1 and undone_at is null", order_id)
    used = sum(row["quantity"] for row in live if row["kind"] == "consumed")
    booked = await DB.value(
        "select coalesce(sum(l.used), 0)::bigint from repair_quote_line l join repair_quote q on q.id = l.quote_id "
        "where q.order_id = $1",
        order_id,
    )
    assert used == booked == 20 - await made.pieces(made.part, made.bins[1], Condition.GOOD)
    charges = await made.charges(order_id)
    worth = sum((row["price"] * row["quantity"] for row in live if row["kind"] == "consumed"), Decimal(0))
    assert sum((row["amount"] for row in charges if row["activity"] == "repair_part"), Decimal(0)) == worth
    minutes = await DB.fetch("select minutes, quote_id from repair_labour where order_id = $1", order_id)
    agreed = await DB.value(
        "select coalesce(sum(labour_used), 0)::bigint from repair_quote where order_id = $1", order_id
    )
    assert sum(row["minutes"] for row in minutes if row["quote_id"]) == agreed
    assert await stock_queries.differences() == []


async def test_two_benches_want_the_last_parts() -> None:
    made = await shop()
    first, second = [await made.approved(pieces=15) for _ in range(2)]
    answers = await asyncio.gather(made.use(first, 15), made.use(second, 15), return_exceptions=True)
    assert sum(isinstance(each, stock_rules.NotEnoughFree) for each in answers) == 1
    assert await made.pieces(made.part, made.bins[1], Condition.GOOD) == 5
    charges = [*await made.charges(first), *await made.charges(second)]
    assert [each["quantity"] for each in charges] == [15]
    assert await stock_queries.differences() == []
