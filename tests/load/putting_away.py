"""Putting away over HTTP: returns that were booked are received, graded, decided and put into a bin by eight programs at once."""

import asyncio
import time
from collections.abc import Iterable
from tempfile import TemporaryDirectory

from backend.access import guards
from backend.core.embedded import EmbeddedPostgres
from backend.registry.rules import Item
from backend.returns.booking import Line
from backend.stock import codes
from tests import build
from tests.load import network
from tests.load.client import Server
from tests.load.figures import Figure
from tests.load.program import Program, Times, at_once
from tests.returns.bench import Bench, answers, key

DATABASE = "load_putting_away"
CLIENTS = 8
RETURNS = 300
ITEMS = 60
STEPS = ("receive", "grade", "decide", "put away")


class Desk:
    """A returns desk over HTTP: the operator's program and that of the owner, who decides at once."""

    def __init__(self, bench: Bench, owner: Program, operator: Program) -> None:
        self.bench, self.owner, self.operator = bench, owner, operator

    def put_away(self, booked: tuple[str, str]) -> None:
        """One return (its number, and the hash of its photo), from the dock into a bin."""
        number, photo = booked
        arrived = {"warehouse": self.bench.place, "number": number}
        units = self.operator.must("receive", "/returns/receipts", arrived)["units"]
        look = {"units": units, "answers": answers("general"), "grade": "A", "photos": [photo]}
        self.operator.must("grade", "/returns/inspections", {"looks": [look]})
        self.owner.must("decide", "/returns/decisions", {"units": units, "kind": "RESTOCK"})
        deed = {"units": units, "location": self.bench.bins[2]}
        self.operator.must("put away", "/returns/dispositions", deed)

    def photos(self, numbers: Iterable[str]) -> list[str]:
        """A photo for every return, brought before."""
        return [self.operator.photo("bring photos", build.PHOTO + number.encode()) for number in numbers]


def measure(server: EmbeddedPostgres, rounds: int) -> tuple[list[Figure], list[str]]:
    """The figure of putting away beside its goal, with the time of each step."""
    rate = Figure(f"received and put away over HTTP, {ITEMS} items, {CLIENTS} clients", "returns/s", 60)
    steps = {step: Figure(f"  {step}, half of the answers within", "ms") for step in STEPS}
    with TemporaryDirectory(prefix="luocang-load-") as home:
        url = network.empty(server, DATABASE)
        bench, items, tokens = network.work(url, _bench)
        with Server(url, LUOCANG_HOME=home) as web:
            for turn in range(rounds + 1):
                times = Times()
                desk = Desk(bench, *(Program(web.port, token, times) for token in tokens))
                numbers = network.work(url, lambda: _booked(bench, items), size=CLIENTS)
                booked = list(zip(numbers, desk.photos(numbers), strict=True))
                begun = time.perf_counter()
                at_once(CLIENTS, booked, desk.put_away)
                seconds = time.perf_counter() - begun
                # The first round fills the caches.
                if turn:
                    rate.add(len(booked) / seconds)
                    for step, _, ms, _ in times.steps():
                        if step in steps:
                            steps[step].add(ms)
        faults = network.faults_of_book(url) + _not_closed(url)
        server.drop_database(DATABASE)
    return [rate, *steps.values()], faults


async def _bench() -> tuple[Bench, list[Item], tuple[str, str]]:
    """A desk, the items that come back, and the tokens of owner and operator."""
    codes.forget()
    guards.forget_all()
    bench = await Bench.make()
    items = [await build.item(bench.exporter) for _ in range(ITEMS)]
    return bench, items, (await build.token(bench.exporter), await build.token(bench.operator))


async def _booked(bench: Bench, items: list[Item]) -> list[str]:
    """The numbers of returns of one piece each that are on their way."""
    for item in items:
        await build.stocked(bench.operator, bench.warehouse, item, bench.bins[0], RETURNS)
    waiting = iter(range(RETURNS))
    numbers: list[str] = []

    async def book() -> None:
        for place in waiting:
            item, order = items[place % len(items)], f"ORDER-{key()}"
            await build.sold(bench.operator, bench.warehouse, item, bench.bins[0], 1, reference=order)
            line = Line(item=item.code, quantity=1, order=order)
            numbers.append((await build.returned(bench.exporter, bench.warehouse, line)).number)

    await asyncio.gather(*(book() for _ in range(CLIENTS)))
    return numbers


def _not_closed(url: str) -> list[str]:
    open_ones = network.value(url, "select count(*) from rma where stage <> 'closed'")
    return [f"{open_ones} returns are not closed"] if open_ones else []
