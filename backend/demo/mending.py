"""Stories of repairs at the bench, told step by step; what they are stands in repairs.toml."""

import uuid
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

import msgspec

from backend.access.rules import Viewer
from backend.core import clock
from backend.core.database import DB
from backend.demo.cast import Cast, ToldBefore
from backend.demo.pace import Pace
from backend.messages import actions as messages
from backend.repairs import actions, bench, ending, faultbook, queries, quoting
from backend.repairs.orders import Done
from backend.stages.rules import Subject
from backend.stock.rules import SameKeyOtherRequest

# How long a quote is open that was answered in time.
_TO_ANSWER = timedelta(days=7)


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Pieces of a part at a price each."""

    item: str
    pieces: int = 1
    price: str


class Repair(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens at the bench, and how far it got; what is left out has not happened."""

    codes: list[str] = []
    diagnosis: str = ""
    repairable: bool = True
    parts: list[Part] = []
    minutes: int = 0
    rate: str = "0"
    currency: str = "EUR"
    answer_in_hours: float = 96
    quote: str = ""
    answer: str = ""
    answer_note: str = ""
    worked: list[str] = []
    made: bool = False
    bad_checks: list[str] = []
    tested: bool = False
    left_as: str = ""
    given_up: str = ""
    said: list[list[str]] = []


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The repair of a unit from stock: by whom it was ordered, what is said to be wrong with it."""

    key: str
    warehouse: str
    owner: str
    item: str
    fault: str
    ordered_by: str = "operator"
    condition: str = "GOOD"
    serial: str = ""
    bought: int = 0
    warranty_months: int = 0
    cancelled: str = ""
    ago: tuple[float, ...] = (5, 4, 3, 2, 1)
    bench: Repair | None = None


async def tell(cast: Cast, story: Order) -> None:
    """Tell one story, unless it was told before."""
    with suppress(ToldBefore, SameKeyOtherRequest):
        async with DB.transaction():
            await _tell(cast, story)


async def _tell(cast: Cast, story: Order) -> None:
    owner, clerk = cast.manager(story.owner), cast.clerk(cast.operator(story.warehouse))
    pace = cast.pace(story.key, story.ago, story.warehouse)
    done = await pace.then(_order(cast, story, owner if story.ordered_by == "owner" else clerk))
    if story.cancelled:
        await pace.then(actions.cancel(owner, done.id, note=story.cancelled, request_key=f"{story.key}-cancel"))
    if story.bench:
        if story.ordered_by == "owner":
            await pace.then(actions.take_in(clerk, done.id, request_key=f"{story.key}-in"))
        await mend(cast, done.id, story.bench, story.owner, story.warehouse, pace)


async def _order(cast: Cast, story: Order, viewer: Viewer) -> Done:
    pile = await cast.pile(story.warehouse, story.owner, story.item, story.condition)
    done = await actions.open_from_stock(
        viewer,
        pile.key,
        serial=story.serial or None,
        fault=story.fault,
        request_key=story.key,
        warranty_from=cast.day(-story.bought) if story.bought else None,
        warranty_months=story.warranty_months or None,
    )
    if done.repeated:
        raise ToldBefore
    return done


async def mend(cast: Cast, order_id: uuid.UUID, story: Repair, owner: str, warehouse: str, pace: Pace) -> None:
    """What happens to a unit that lies in the workshop, as far as the story goes."""
    told = _Bench(cast, order_id, story, owner, warehouse, pace)
    if story.codes:
        await pace.then(told.diagnose())
    if story.quote:
        await told.quote()
    if story.answer == "approve":
        await told.repair()
    if story.given_up:
        await pace.then(told.give_up())
    for number, (by, text) in enumerate(story.said):
        await pace.then(told.say(by, text, number))


class _Bench:
    """A work order while its story is told."""

    def __init__(self, cast: Cast, order_id: uuid.UUID, story: Repair, owner: str, warehouse: str, pace: Pace) -> None:
        self.cast, self.id, self.story, self.owner, self.warehouse = cast, order_id, story, owner, warehouse
        self.then = pace.then
        self.clerk = cast.clerk(cast.operator(warehouse))

    def key(self, step: str) -> str:
        return f"demo-{self.id}-{step}"

    async def diagnose(self) -> None:
        story = self.story
        order = await queries.order(self.clerk, self.id)
        await actions.assign(self.clerk, self.id, technician_id=self.clerk.user_id, revision=order["revision"])
        await actions.diagnose(
            self.clerk,
            self.id,
            codes=story.codes,
            repairable=story.repairable,
            note=story.diagnosis,
            request_key=self.key("diagnosis"),
        )
        photos = await self.cast.photos(self.clerk, order["item"], order["number"], flaw=True)
        await bench.attach_photos(self.clerk, self.id, photos)

    async def give_up(self) -> None:
        why = self.story.given_up
        await ending.give_up(self.clerk, self.id, location="A-01-1", note=why, request_key=self.key("up"))

    async def quote(self) -> None:
        story = self.story
        quoted = await self.then(self._quote())
        if story.answer:
            await self.then(
                quoting.answer(
                    self.cast.manager(self.owner),
                    self.id,
                    quote_id=quoted.id,
                    approve=story.answer == "approve",
                    note=story.answer_note,
                    request_key=self.key("answer"),
                )
            )

    async def _quote(self) -> Done:
        story = self.story
        expires_at = clock.now() + _TO_ANSWER if story.answer else self.cast.instant(story.answer_in_hours)
        return await quoting.quote(
            self.clerk,
            self.id,
            parts=[quoting.PartAsked(part.item, part.pieces, Decimal(part.price)) for part in story.parts],
            minutes=story.minutes,
            rate=Decimal(story.rate),
            currency=story.currency,
            expires_at=expires_at,
            note=story.quote,
            request_key=self.key("quote"),
        )

    async def repair(self) -> None:
        story = self.story
        if story.parts and story.worked:
            await self.then(self._use_parts())
        for number, minutes_and_note in enumerate(story.worked):
            minutes, _, note = minutes_and_note.partition(" ")
            done = story.made and number == len(story.worked) - 1
            key = self.key(f"work-{number}")
            await self.then(
                bench.work(self.clerk, self.id, minutes=int(minutes), note=note, done=done, request_key=key)
            )
        if story.tested:
            await self.then(self._test())
        if story.left_as:
            await self.then(self._finish())

    async def _use_parts(self) -> None:
        taken = [await self._taken(part) for part in self.story.parts]
        await bench.use_parts(self.clerk, self.id, parts=taken, note="", request_key=self.key("parts"))

    async def _finish(self) -> None:
        await ending.finish(
            self.clerk,
            self.id,
            location="A-01-2",
            condition=self.story.left_as,
            note="",
            request_key=self.key("finish"),
        )

    async def _taken(self, part: Part) -> bench.PartTaken:
        pile = await self.cast.pile(self.warehouse, self.owner, part.item)
        return bench.PartTaken(part.item, pile.location, part.pieces, pile.lot)

    async def _test(self) -> None:
        order = await queries.order(self.clerk, self.id)
        checks = faultbook.book().checks_of(order["item_class"])
        answers = {name: "bad" if name in self.story.bad_checks else "ok" for name in checks}
        await bench.record_test(self.clerk, self.id, answers=answers, note="", request_key=self.key("test"))

    async def say(self, by: str, text: str, number: int) -> None:
        order = await queries.order(self.clerk, self.id)
        viewer: Viewer = self.cast.manager(self.owner) if by == "owner" else self.clerk
        await messages.write(
            viewer,
            warehouse_id=order["warehouse_id"],
            owner_id=order["owner_id"],
            subject=Subject.REPAIR,
            subject_id=self.id,
            number=order["number"],
            body=text,
            request_key=self.key(f"said-{number}"),
        )
