"""Returns: whole ones through the actions, from their booking until the goods lie in a bin again."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from backend.access import guards
from backend.core.database import DB
from backend.core.embedded import EmbeddedPostgres
from backend.files.store import store
from backend.registry.rules import Item
from backend.returns import carrying_out, dispositions, grading, receiving
from backend.returns.booking import Line
from backend.returns.carrying_out import Deed
from backend.stock import codes
from tests import build
from tests.load import network
from tests.load.figures import Figure
from tests.returns.bench import Bench, key

AT_ONCE = 8
RETURNS = 400
ITEMS = 60

Order = tuple[str, Item]


def measure(server: EmbeddedPostgres, rounds: int) -> tuple[list[Figure], list[str]]:
    """The figures of returns, each beside its goal; returns of one item alone share their hot balances."""
    many = Figure(f"complete returns through the actions, {ITEMS} items, {AT_ONCE} at once", "returns/s", 150)
    one = Figure("  the same, all of one item", "returns/s")
    with TemporaryDirectory(prefix="luocang-load-") as home:
        store.open(Path(home))
        url = network.empty(server, "load_returns")

        async def through_actions() -> None:
            codes.forget()
            guards.forget_all()
            bench = await Bench.make()
            items = [await build.item(bench.exporter) for _ in range(ITEMS)]
            for turn in range(rounds + 1):
                # A warehouse at work has statistics, which autovacuum keeps; an empty table has none.
                await DB.run("analyze")
                for figure, choice in ((many, items), (one, items[:1])):
                    orders = await _orders(bench, choice)
                    begun = time.perf_counter()
                    await _at_once(orders, lambda order: _complete(bench, order))
                    if turn:
                        figure.add(RETURNS / (time.perf_counter() - begun))

        network.work(url, through_actions, size=AT_ONCE)
        faults = network.faults_of_book(url)
        server.drop_database("load_returns")
    return [many, one], faults


async def _orders(bench: Bench, items: Sequence[Item]) -> list[Order]:
    """Orders of one piece each that were shipped."""
    orders = [(f"ORDER-{key()}", items[number % len(items)]) for number in range(RETURNS)]
    for item in items:
        await build.stocked(bench.operator, bench.warehouse, item, bench.bins[0], RETURNS)

    async def ship(order: Order) -> None:
        await build.sold(bench.operator, bench.warehouse, order[1], bench.bins[0], 1, reference=order[0])

    await _at_once(orders, ship)
    return orders


async def _complete(bench: Bench, order: Order) -> None:
    """One return, each step by itself."""
    line = Line(item=order[1].code, quantity=1, order=order[0])
    booked = await build.returned(bench.exporter, bench.warehouse, line)
    done = await receiving.receive_all(bench.operator, bench.place, booked.number, request_key=key())
    await grading.grade(bench.operator, await bench.look(done.units), request_key=key())
    await dispositions.decide(bench.exporter, done.units, kind="RESTOCK", request_key=key())
    await carrying_out.carry_out(bench.operator, done.units, Deed(location=bench.bins[2]), request_key=key())


async def _at_once(orders: Sequence[Order], act: Callable[[Order], Awaitable[object]]) -> None:
    """Do it for every order, a few at a time."""
    waiting = iter(orders)

    async def work() -> None:
        for order in waiting:
            await act(order)

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
