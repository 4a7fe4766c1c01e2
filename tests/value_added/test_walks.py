"""Random walks through the life of a job: stages, goods and charges agree after every step, whatever both sides try."""

import random
import uuid
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest

from backend.core import clock
from backend.core.database import DB
from backend.core.errors import Conflict, Invalid
from backend.registry.rules import Item
from backend.value_added import performing, processing, queries, quoting, rules
from backend.value_added.processing import Put, Taken
from backend.value_added.rules import Act, Stage
from tests import build
from tests.value_added import shop as shops
from tests.value_added.shop import Shop, key, line

RUNS = 6


class Walk:
    """A job for six relabelled pieces, of which both sides do random things."""

    job: uuid.UUID
    old: Item
    new: Item
    photo: str

    def __init__(self, shop: Shop, seed: int) -> None:
        self.shop, self.random = shop, random.Random(seed)
        self.made: list[tuple[uuid.UUID, int]] = []

    async def open(self) -> "Walk":
        self.old, self.new = await self.shop.item(), await self.shop.item()
        self.photo = await build.photo(self.shop.operator)
        await self.shop.stocked(self.old, RUNS, lot=await self.shop.lot(self.old, "W"))
        recipe = {"process": "relabel", "ins": [line(self.old)], "outs": [line(self.new)]}
        self.job = await self.shop.asked("processing", text="", quantity=Decimal(RUNS), **recipe)
        return self

    async def do(self, act: Act | str) -> None:
        """One act by whoever may do it; what is refused changes nothing."""
        shop, job = self.shop, self.job
        revision = await shop.revision(job) - (self.random.random() < 0.1)
        ways: dict[Act | str, Callable[[], Awaitable[object]]] = {
            Act.QUOTE: lambda: shop.quote(job, price=Decimal(self.random.randint(1, 9)), quantity=Decimal(RUNS)),
            Act.DECLINE: lambda: quoting.decline(shop.operator, job, revision, why="No"),
            Act.ACCEPT: lambda: quoting.answer(shop.exporter, job, revision, accept=True),
            Act.TURN_DOWN: lambda: quoting.answer(shop.exporter, job, revision, accept=False),
            Act.CANCEL: lambda: quoting.cancel(shop.exporter, job, revision),
            Act.EXPIRE: lambda: quoting.expire_quotes(clock.now()),
            Act.WORK: lambda: performing.work(shop.operator, job, note="x", photos=[self.photo], request_key=key()),
            Act.REPORT: lambda: performing.report(
                shop.operator,
                job,
                revision,
                outcome=self.random.choice(["succeeded", "partly", "failed"]),
                quantity=Decimal(self.random.randint(0, RUNS)),
                note="x",
                photos=[self.photo],
            ),
            Act.APPROVE: lambda: performing.approve(shop.exporter, job, revision),
            Act.DISPUTE: lambda: performing.dispute(shop.exporter, job, revision, why="x"),
            Act.REDO: lambda: performing.settle(shop.operator, job, revision, way="redo", note="x"),
            Act.STAND_BY: lambda: performing.settle(shop.operator, job, revision, way="stand_by", note="x"),
            Act.WAIVE: lambda: performing.settle(shop.operator, job, revision, way="waive", note="x"),
            "transform": self.transform,
            "undo": self.undo,
        }
        before = await shop.stage(job)
        try:
            await ways[act]()
        except (Conflict, Invalid):
            assert await shop.stage(job) == before
        else:
            if isinstance(act, Act) and act is not Act.EXPIRE:
                assert await shop.stage(job) == rules.after(Stage(before), act)

    async def transform(self) -> None:
        runs = self.random.randint(1, 3)
        place = self.shop.bins[0]
        done = await processing.transform(
            self.shop.operator,
            self.job,
            runs=runs,
            taken=[Taken(0, place, runs, "W")],
            put=[Put(0, place, runs)],
            request_key=key(),
        )
        self.made.append((done.step_id, runs))

    async def undo(self) -> None:
        if self.made:
            step = self.random.choice(self.made)
            await processing.undo_transform(self.shop.operator, self.job, step[0], why="x")
            self.made.remove(step)

    async def check(self) -> None:
        """Stages, goods and charges say the same as the job."""
        job = await queries.job(self.shop.operator, self.job)
        row = await DB.row("select stage from stage where subject_id = $1 and left_at is null", self.job)
        is_over = Stage(job["stage"]) in rules.ENDED
        assert (row["stage"] if row else None) == (None if is_over else job["stage"])
        runs = sum(each for _, each in self.made)
        assert await queries.runs_done(self.shop.warehouse.id, self.job) == runs
        assert sum((await self.shop.on_hand(self.new)).values()) == runs
        assert sum((await self.shop.on_hand(self.old)).values()) == RUNS - runs
        charged = await DB.value("select coalesce(sum(amount), 0) from charge where source_id = $1", self.job)
        owed = Decimal(0)
        if job["stage"] in ("done", "disputed", "closed") and job["settlement"] != "waived":
            owed = job["result_quantity"] * job["quote_price"]
        assert charged == owed


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_both_sides_do_everything_agrees(database: str, seed: int) -> None:
    walk = await Walk(await shops.opened(), seed).open()
    likely = [Act.QUOTE, Act.ACCEPT, "transform", "transform", "undo", Act.REPORT, Act.DISPUTE, Act.REDO, Act.STAND_BY]
    rare = list(Act)
    for _ in range(45):
        act = walk.random.choice(rare if walk.random.random() < 0.12 else likely)
        await walk.do(act)
        await walk.check()
    assert await shops.book_is_right()
