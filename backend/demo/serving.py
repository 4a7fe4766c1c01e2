"""Stories of value-added services, told step by step; what is offered and asked for stands in services.toml."""

import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

import msgspec

from backend.core import clock
from backend.core.database import DB
from backend.demo import pictures
from backend.demo.cast import Cast, ToldBefore
from backend.files import actions as files
from backend.messages import actions as messages
from backend.registry import actions as registry
from backend.registry import queries as registry_queries
from backend.stages.rules import Subject
from backend.stock.rules import SameKeyOtherRequest
from backend.value_added import actions, offering, performing, pledges, processing, queries, quoting, statements
from backend.value_added.actions import RecipeLine, Wish
from backend.value_added.jobs import Document
from backend.value_added.processing import Put, Taken
from backend.value_added.rules import Kind

_TO_ANSWER = timedelta(days=7)


class Offer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A service as it is offered, in the words of every language, and its price by warehouse."""

    kind: Kind
    names: dict[str, str]
    descriptions: dict[str, str]
    unit: str
    lead_days: int
    documents: list[str] = []
    prices: dict[str, str]


class Kit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An item that is only made in warehouses: of others."""

    owner: str
    code: str
    names: dict[str, str]
    hs_code: str
    weight_kg: str
    size_cm: tuple[str, str, str]


class Quote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a unit of a job costs."""

    price: str
    note: str = ""


class Referral(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far a matter is at a partner, with the titles of the papers that came from there."""

    partner: str
    reference: str
    status: str
    note: str
    papers: list[str] = []


class Result(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a job went, and how much of it was done."""

    outcome: str
    quantity: str
    note: str


class Settled(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a dispute was answered."""

    way: str
    note: str


class Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For whom and what an inventory statement was made."""

    addressee: str
    purpose: str
    reference: str


class Pledge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Pieces of an item that are pledged, and who agreed to it there."""

    pledgee: str
    contact: str
    reference: str
    item: str
    pieces: int
    agreed_by: str


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message in the thread, by the owner or the operator."""

    by: str
    text: str


class Job(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A job and how far it got; what is left out has not happened.

    `ins` and `outs` are the pieces by item of one run; `hold_days` until when an unanswered quote holds, from today.
    """

    key: str
    ago: tuple[float, ...]
    warehouse: str
    owner: str
    kind: Kind
    text: str
    quantity: str = "1"
    process: str = ""
    ins: dict[str, int] = {}
    outs: dict[str, int] = {}
    documents: list[tuple[str, str]] = []
    quote: Quote | None = None
    hold_days: float = 5
    declined: str = ""
    answer: str = ""
    answer_note: str = ""
    work: list[str] = []
    runs: list[int] = []
    referrals: list[Referral] = []
    statement: Statement | None = None
    pledge: Pledge | None = None
    result: Result | None = None
    approved: str = ""
    dispute: str = ""
    settled: Settled | None = None
    said: list[Said] = []


class Services(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every story of services."""

    offers: list[Offer]
    kits: list[Kit]
    jobs: list[Job]


async def put_on_offer(cast: Cast, offers: Sequence[Offer], warehouse: str, currency: str) -> None:
    """What a warehouse offers, inside the caller's transaction; each kind once."""
    manager = cast.manager(cast.operator(warehouse))
    page = await queries.OFFERS.page(queries.offer_clauses(manager, {"warehouse": warehouse}), limit=50)
    there = {row["kind"] for row in page.rows}
    for each in offers:
        if warehouse in each.prices and each.kind not in there:
            given = {f"name_{language}": name for language, name in each.names.items()}
            given |= {f"description_{language}": text for language, text in each.descriptions.items()}
            given |= {"warehouse": warehouse, "kind": each.kind, "price": each.prices[warehouse], "currency": currency}
            given |= {"unit": each.unit, "lead_days": str(each.lead_days), "documents": ",".join(each.documents)}
            await offering.create_offer(manager, given)


async def design(cast: Cast, kit: Kit) -> None:
    """An exporter registers a kit, once."""
    manager = cast.manager(kit.owner)
    clauses = await registry_queries.item_clauses(manager, {"q": kit.code})
    if any(row["code"] == kit.code for row in (await registry_queries.ITEMS.page(clauses, limit=10)).rows):
        return
    length, width, height = kit.size_cm
    given = {f"name_{language}": name for language, name in kit.names.items()}
    given |= {"code": kit.code, "hs_code": kit.hs_code, "weight_kg": kit.weight_kg}
    given |= {"length_cm": length, "width_cm": width, "height_cm": height}
    await registry.create_item(manager, given)


async def tell(cast: Cast, story: Job) -> None:
    """Tell one story, unless it was told before."""
    with suppress(ToldBefore, SameKeyOtherRequest):
        async with DB.transaction():
            await _Told(cast, story).tell()


class _Told:
    """A job while its story is told."""

    id: uuid.UUID

    def __init__(self, cast: Cast, story: Job) -> None:
        self.cast, self.story = cast, story
        self.then = cast.pace(story.key, story.ago, story.warehouse).then
        self.owner = cast.manager(story.owner)
        self.manager, self.clerk = (who(cast.operator(story.warehouse)) for who in (cast.manager, cast.clerk))

    def key(self, step: str) -> str:
        return f"{self.story.key}-{step}"

    async def revision(self) -> int:
        revision: int = (await queries.job(self.clerk, self.id))["revision"]
        return revision

    async def tell(self) -> None:
        story = self.story
        await self.then(self._ask())
        if story.declined:
            await self.then(quoting.decline(self.manager, self.id, await self.revision(), why=story.declined))
        if story.quote:
            await self.then(self._quote(story.quote))
        if story.answer:
            accept, why = story.answer == "accept", story.answer_note
            await self.then(quoting.answer(self.owner, self.id, await self.revision(), accept=accept, why=why))
        await self._perform()
        if story.result:
            await self.then(self._report(story.result))
        if story.approved:
            await self.then(performing.approve(self.owner, self.id, await self.revision(), note=story.approved))
        if story.dispute:
            await self.then(performing.dispute(self.owner, self.id, await self.revision(), why=story.dispute))
        if settled := story.settled:
            way, note = settled.way, settled.note
            await self.then(performing.settle(self.manager, self.id, await self.revision(), way=way, note=note))
        for number, said in enumerate(story.said):
            await self.then(self._say(said, number))

    async def _ask(self) -> None:
        story = self.story
        filters = {"warehouse": story.warehouse, "kind": story.kind.value}
        (offer,) = (await queries.OFFERS.page(queries.offer_clauses(self.owner, filters), limit=1)).rows
        titles = [title for _, title in story.documents]
        papers = await files.take_in(self.owner, [_paper(title) for title in titles]) if titles else []
        wish = Wish(
            offer_id=offer["id"],
            quantity=Decimal(story.quantity),
            text=story.text,
            process=story.process,
            ins=[RecipeLine(item, pieces) for item, pieces in story.ins.items()],
            outs=[RecipeLine(item, pieces) for item, pieces in story.outs.items()],
            documents=[Document(kind, paper) for (kind, _), paper in zip(story.documents, papers, strict=True)],
        )
        asked = await actions.request(self.owner, wish, request_key=story.key)
        if asked.repeated:
            raise ToldBefore
        self.id = asked.id
        if made := story.statement:
            await statements.make(
                self.owner,
                warehouse=story.warehouse,
                addressee=made.addressee,
                purpose=made.purpose,
                reference=made.reference,
                request_key=self.key("statement"),
            )

    async def _quote(self, quote: Quote) -> None:
        story = self.story
        expires_at = clock.now() + _TO_ANSWER if story.answer else self.cast.instant(24 * story.hold_days)
        filters = {"warehouse": story.warehouse, "kind": story.kind.value}
        (offer,) = (await queries.OFFERS.page(queries.offer_clauses(self.owner, filters), limit=1)).rows
        await quoting.quote(
            self.manager,
            self.id,
            await self.revision(),
            price=Decimal(quote.price),
            currency=offer["currency"],
            quantity=Decimal(story.quantity),
            expires_at=expires_at,
            note=quote.note,
        )

    async def _perform(self) -> None:
        """Work by the warehouse itself, or by its partners."""
        story = self.story
        for number, note in enumerate(story.work):
            await self.then(performing.work(self.clerk, self.id, note=note, request_key=self.key(f"work-{number}")))
        for number, runs in enumerate(story.runs):
            await self.then(self._transform(runs, number))
        for number, referral in enumerate(story.referrals):
            await self.then(self._refer(referral, number))
        if story.pledge:
            await self.then(self._pledge(story.pledge))

    async def _transform(self, runs: int, number: int) -> None:
        story = self.story
        taken = []
        for line, (item, pieces) in enumerate(story.ins.items()):
            left = pieces * runs
            for pile in await self.cast.piles(story.warehouse, story.owner, item):
                if part := min(left, pile.free):
                    taken.append(Taken(line, pile.location, part, pile.lot))
                    left -= part
        put = [Put(line, "A-02-1", pieces * runs) for line, pieces in enumerate(story.outs.values())]
        photos = await self.cast.photos(self.clerk, next(iter(story.outs)), f"{story.key}-{number + 1}", 2)
        await processing.transform(
            self.clerk, self.id, runs=runs, taken=taken, put=put, photos=photos, request_key=self.key(f"runs-{number}")
        )

    async def _refer(self, referral: Referral, number: int) -> None:
        titles = [_paper(title) for title in referral.papers]
        await performing.refer(
            self.clerk,
            self.id,
            partner=referral.partner,
            reference=referral.reference,
            status=referral.status,
            note=referral.note,
            files=await files.take_in(self.clerk, titles) if titles else [],
            request_key=self.key(f"referral-{number}"),
        )

    async def _pledge(self, pledge: Pledge) -> None:
        story = self.story
        pile = await self.cast.pile(story.warehouse, story.owner, pledge.item)
        goods = pledges.Goods(pledge.item, pile.location, pledge.pieces, pile.lot)
        offered = await pledges.offer(
            self.owner,
            warehouse=story.warehouse,
            pledgee=pledge.pledgee,
            contact=pledge.contact,
            reference=pledge.reference,
            goods=[goods],
            job_id=self.id,
            request_key=self.key("pledge"),
        )
        assert offered.link is not None, "a story is told once"
        await pledges.agree(offered.link, name=pledge.agreed_by)

    async def _report(self, result: Result) -> None:
        photos = []
        if self.story.runs:
            photos = await self.cast.photos(self.clerk, next(iter(self.story.outs)), self.story.key)
        await performing.report(
            self.clerk,
            self.id,
            await self.revision(),
            outcome=result.outcome,
            quantity=Decimal(result.quantity),
            note=result.note,
            photos=photos,
        )

    async def _say(self, said: Said, number: int) -> None:
        job: Mapping[str, object] = await queries.job(self.clerk, self.id)
        await messages.write(
            self.owner if said.by == "owner" else self.manager,
            warehouse_id=int(str(job["warehouse_id"])),
            owner_id=self.owner.organisation_id,
            subject=Subject.SERVICE,
            subject_id=self.id,
            number=str(job["number"]),
            body=said.text,
            request_key=self.key(f"said-{number}"),
        )


def _paper(title: str) -> tuple[str, bytes]:
    return f"{title}.pdf", pictures.paper(title)
