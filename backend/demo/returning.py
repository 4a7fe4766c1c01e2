"""Stories of returned goods, told step by step by the people who would do it; what they are stands in returns.toml.

A story is one transaction: it is told as a whole, and one that was told before is passed over.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import NamedTuple

import msgspec

from backend.access.rules import Viewer
from backend.core.database import DB
from backend.demo.cast import Cast, ToldBefore
from backend.demo.mending import Repair, mend
from backend.messages import actions as messages
from backend.returns import (
    actions,
    carrying_out,
    changes,
    checklists,
    dispositions,
    grading,
    home,
    parcels,
    receiving,
    refunds,
    sending,
    units,
)
from backend.returns.arrivals import Arrived
from backend.returns.booking import Booking, Buyer, Line, Parcel
from backend.returns.carrying_out import Deed
from backend.returns.home_rules import Packed
from backend.returns.rules import Disposition
from backend.stages.rules import Subject
from backend.stock.rules import SameKeyOtherRequest

# 洛阳海关
HOME_AREA = "4602"


class Piece(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Pieces of an item that come back: of an order, or what the `basis` says."""

    item: str
    pieces: int = 1
    basis: str = "shipped"
    serials: list[str] = []


class Look(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the next `units` units were found: what was not as it should be, the grade, a note."""

    grade: str
    units: int = 1
    found: dict[str, str] = {}
    note: str = ""


class SecondLook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the owner says against the grade of the first unit, and what somebody else found then (no grade: not yet)."""

    wish: str
    grade: str = ""
    found: dict[str, str] = {}
    note: str = ""


class Home(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A batch for the way home: how far it got, and the papers it travels with."""

    upto: str = "open"
    days: int = 45
    statement: str = ""
    carrier: str = ""
    transport_no: str = ""
    declaration_no: str = ""


class Blind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A parcel without a number of a return."""

    tracking_no: str = ""
    carrier: str = ""
    sender: str = ""
    contents: str = ""


class Said(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A message in the thread, by the owner or the operator."""

    by: str
    text: str


class Return(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A return and how far it got; what is left out has not happened.

    `received` pieces came with the first parcel; the parcel `at_the_dock` (its number) is not unpacked. It was `expected`
    so many days after its booking, or (below 0) that many days before today.
    """

    key: str
    warehouse: str
    owner: str
    kind: str
    reason: str
    lines: list[Piece]
    buyer: list[str] = []
    parcels: list[list[str]] = []
    expected: int = 6
    note: str = ""
    photos: int = 0
    cancelled: str = ""
    blind: Blind | None = None
    finding: list[str] = []
    at_the_dock: int = 0
    received: int = 0
    missing: str = ""
    looks: list[Look] = []
    second_look: SecondLook | None = None
    decisions: list[str] = []
    decision_note: str = ""
    carried_out: bool = False
    method: str = ""
    witness: str = ""
    repair: Repair | None = None
    home: Home | None = None
    refund: list[str] = []
    said: list[Said] = []
    ago: tuple[float, ...] = (6, 3, 2, 1)
    graded_by: str = "clerk"


class Lonely(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A parcel that still waits for its return."""

    key: str
    warehouse: str
    item: str
    parcel: Blind
    ago: tuple[float, ...] = (2,)


class Returns(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every story of returns."""

    returns: list[Return]
    lonely: list[Lonely]


class _Unit(NamedTuple):
    code: str
    item: str


async def tell(cast: Cast, story: Return) -> None:
    """Tell one story, unless it was told before."""
    with suppress(ToldBefore, SameKeyOtherRequest):
        async with DB.transaction():
            await _Told(cast, story).tell()


async def put_aside(cast: Cast, story: Lonely) -> None:
    """Somebody finds a parcel that nobody announced."""
    clerk = cast.clerk(cast.operator(story.warehouse))
    photos = await cast.photos(clerk, story.item, story.parcel.tracking_no or "?")
    found = parcels.Found(**msgspec.structs.asdict(story.parcel), photos=photos)
    pace = cast.pace(story.key, story.ago, story.warehouse)
    await pace.then(parcels.record(clerk, story.warehouse, found, request_key=story.key))


class _Told:
    """A story while it is told."""

    def __init__(self, cast: Cast, story: Return) -> None:
        self.cast, self.story, self.key = cast, story, story.key
        self.pace = cast.pace(story.key, story.ago, story.warehouse)
        self.then = self.pace.then
        self.owner = cast.manager(story.owner)
        self.owners_clerk = cast.clerk(story.owner)
        self.manager = cast.manager(cast.operator(story.warehouse))
        self.clerk = cast.clerk(cast.operator(story.warehouse))
        self.units: list[_Unit] = []

    async def tell(self) -> None:
        story = self.story
        await self.then(self._book())
        if story.cancelled:
            await self.then(changes.cancel(self.owners_clerk, self.booked.id, 1, story.cancelled))
        if story.finding:
            line, verdict, note = story.finding
            await self.then(changes.settle(self.manager, self.booked.id, int(line), verdict, note))
        if story.blind:
            await self.then(self._match(story.blind))
        if story.received:
            await self.then(self._receive())
        if story.at_the_dock:
            await self.then(self._arrive())
        if story.missing:
            await self.then(self._close_receipt())
        await self._grade()
        await self._decide()
        for number, said in enumerate(story.said):
            await self.then(self._say(said, f"{self.key}-said-{number}"))

    async def _arrive(self) -> None:
        parcel_no = self.story.at_the_dock
        await receiving.arrive(self.clerk, self.story.warehouse, self.booked.number, parcel_no=parcel_no)

    async def _close_receipt(self) -> None:
        await receiving.close_receipt(self.manager, self.story.warehouse, self.booked.number, note=self.story.missing)

    async def _book(self) -> None:
        story, buyer = self.story, Buyer()
        if story.buyer:
            country, city = story.buyer
            buyer = Buyer(country=country, city=city)
        photos = await self.cast.photos(
            self.owners_clerk, story.lines[0].item, story.lines[0].item, story.photos, flaw=True
        )
        asked = Booking(
            warehouse=story.warehouse,
            kind=story.kind,
            reason=story.reason,
            lines=[await self._line(piece) for piece in story.lines],
            parcels=[Parcel(carrier=carrier, tracking_no=tracking_no) for carrier, tracking_no in story.parcels],
            buyer=buyer,
            reference=self.order,
            note=story.note,
            home_area=HOME_AREA if story.home else "",
            expected_on=self._expected_on(),
            photos=photos,
        )
        self.booked = await actions.book(self.owners_clerk, asked, request_key=self.key)
        if self.booked.repeated:
            raise ToldBefore

    def _expected_on(self) -> date:
        days = self.story.expected
        return self.cast.day(days) if days < 0 else self.pace.day + timedelta(days=days)

    order = ""

    async def _line(self, piece: Piece) -> Line:
        warehouse = self.story.warehouse
        if piece.basis == "unsold":
            pile = await self.cast.pile(warehouse, self.story.owner, piece.item)
            return Line(
                item=piece.item,
                quantity=piece.pieces,
                basis="unsold",
                warehouse=warehouse,
                location=pile.location,
                lot=pile.lot or "",
            )
        if piece.basis == "paper":
            return Line(item=piece.item, quantity=piece.pieces, basis="paper", serials=piece.serials)
        order = self.cast.order(warehouse, piece.item, piece.pieces, for_home=self.story.home is not None)
        self.order = self.order or order
        return Line(item=piece.item, quantity=piece.pieces, order=order, warehouse=warehouse, serials=piece.serials)

    async def _match(self, blind: Blind) -> None:
        photos = await self.cast.photos(self.clerk, self.story.lines[0].item, blind.tracking_no or "?")
        found = parcels.Found(**msgspec.structs.asdict(blind), photos=photos)
        parcel = await parcels.record(self.clerk, self.story.warehouse, found, request_key=f"{self.key}-blind")
        await parcels.match(self.clerk, parcel.id, self.booked.number)

    async def _receive(self) -> None:
        arrived, left = [], self.story.received
        for number, piece in enumerate(self.story.lines, 1):
            pieces = min(left, piece.pieces)
            left -= pieces
            if pieces:
                arrived.append(Arrived(line_no=number, quantity=pieces, serials=piece.serials[:pieces]))
        parcel_no = 1 if self.story.parcels or self.story.blind else None
        received = await receiving.receive(
            self.clerk,
            self.story.warehouse,
            self.booked.number,
            arrived,
            request_key=f"{self.key}-receipt",
            parcel_no=parcel_no,
        )
        items = [self.story.lines[each.line_no - 1].item for each in arrived for _ in range(each.quantity)]
        self.units = [_Unit(*each) for each in zip(received.units, items, strict=True)]

    async def _grade(self) -> None:
        left = iter(self.units)
        if self.story.looks:
            await self.then(self._look_at_all(left))
        if second := self.story.second_look:
            await self.then(grading.ask_regrade(self.owner, [self.units[0].code], note=second.wish))
            if second.grade:
                look = (second.grade, second.found, second.note, "second")
                await self.then(self._look(self.manager, self.units[0], *look))

    async def _look_at_all(self, left: Iterator[_Unit]) -> None:
        grader = self.manager if self.story.graded_by == "manager" else self.clerk
        for look in self.story.looks:
            for _ in range(look.units):
                await self._look(grader, next(left), look.grade, look.found, look.note, "look")

    async def _look(self, grader: Viewer, unit: _Unit, grade: str, found: dict[str, str], note: str, turn: str) -> None:
        item_class = checklists.class_of(self.cast.hs_code(self.story.owner, unit.item))
        answers = {
            name: next(answer.id for answer in question.answers if answer.best == "A")
            for name, question in checklists.edition().checklist(item_class).items()
        }
        wanted = checklists.edition().classes[item_class].photos
        photos = await self.cast.photos(grader, unit.item, unit.code, wanted, flaw=grade != "A")
        look = grading.Look(units=[unit.code], answers=answers | found, grade=grade, photos=photos, note=note)
        await grading.grade(grader, look, request_key=f"{self.key}-{turn}-{unit.code[13:]}")

    async def _decide(self) -> None:
        chosen: dict[str, list[str]] = {}
        for unit, kind in zip(self.units, self.story.decisions, strict=False):
            if kind:
                chosen.setdefault(kind, []).append(unit.code)
        if chosen:
            note, key = self.story.decision_note, f"{self.key}-decided"
            await self.then(dispositions.decide_each(self.owner, chosen, note=note, request_key=key))
        if self.story.carried_out:
            for kind, codes in chosen.items():
                await self._carry_out(Disposition(kind), codes)
        if self.story.refund:
            await self.then(self._refund())

    async def _refund(self) -> None:
        line, pieces, amount, currency, reference = self.story.refund
        given = refunds.Given(
            line_no=int(line),
            quantity=int(pieces),
            amount=Decimal(amount),
            currency=currency,
            refunded_on=self.pace.day,
            reference=reference,
        )
        await refunds.refund(self.owner, self.booked.id, given, request_key=f"{self.key}-refund")

    async def _carry_out(self, kind: Disposition, codes: Sequence[str]) -> None:
        if kind is Disposition.SEND_HOME:
            if self.story.home:
                await self._send_home(self.story.home, codes)
            return
        await self.then(self._do(kind, codes))
        if kind is Disposition.REPAIR and self.story.repair:
            row = await units.unit(self.clerk, codes[0])
            (decided, *_) = await units.decisions(row)
            order_id, story = decided["follow_up_id"], self.story
            await mend(self.cast, order_id, self.story.repair, story.owner, story.warehouse, self.pace)

    async def _do(self, kind: Disposition, codes: Sequence[str]) -> None:
        deed = Deed()
        if kind in (Disposition.RESTOCK, Disposition.SECOND):
            deed = Deed(location=(await self._bin()))
        elif kind in (Disposition.SCRAP, Disposition.DONATE):
            photos = await self.cast.photos(self.clerk, self.units[0].item, codes[0], 2, flaw=True)
            deed = Deed(method=self.story.method, witness=self.story.witness, photos=photos)
        await carrying_out.carry_out(self.clerk, codes, deed, request_key=f"{self.key}-{kind}")

    async def _bin(self) -> str:
        found = await self.cast.piles(self.story.warehouse, self.story.owner, self.units[0].item)
        return found[0].location if found else "A-01-1"

    async def _send_home(self, way: Home, codes: Sequence[str]) -> None:
        """A batch of these units, as far as it got."""
        batch_id, key = (await self.then(self._open_batch(way))).id, f"{self.key}-home"
        await self.then(home.add(self.owner, batch_id, units=codes, taxed_agreed=True, request_key=f"{key}-add"))
        packed = [Packed(line_no=number, quantity=1) for number in range(1, len(codes) + 1)]
        arrived = [(line.line_no, line.quantity) for line in packed]
        carrier, transport_no, declaration_no = way.carrier, way.transport_no, way.declaration_no
        steps: dict[str, Callable[[], Awaitable[None]]] = {
            "ready": partial(home.make_ready, self.owner, batch_id, request_key=f"{key}-ready"),
            "packed": partial(sending.pack, self.clerk, batch_id, packed, request_key=f"{key}-pack"),
            "sent": partial(
                sending.dispatch,
                self.clerk,
                batch_id,
                carrier=carrier,
                transport_no=transport_no,
                request_key=f"{key}-sent",
            ),
            "arrived": partial(
                sending.confirm_arrival,
                self.owner,
                batch_id,
                arrived,
                return_declaration_no=declaration_no,
                request_key=f"{key}-arrived",
            ),
        }
        for stage, act in steps.items() if way.upto != "open" else ():
            await self.then(act())
            if stage == way.upto:
                break

    async def _open_batch(self, way: Home) -> home.Opened:
        planned = {
            "cause": "unsold" if self.story.kind == "unsold" else "return",
            "home_area": HOME_AREA,
            "planned_on": str(self.cast.day(way.days)),
            "statement": way.statement,
        }
        return await home.open_batch(self.owner, self.story.warehouse, planned, request_key=f"{self.key}-home")

    async def _say(self, said: Said, key: str) -> None:
        await messages.write(
            self.owner if said.by == "owner" else self.manager,
            warehouse_id=self.booked.warehouse_id,
            owner_id=self.owner.organisation_id,
            subject=Subject.RETURN,
            subject_id=self.booked.id,
            number=self.booked.number,
            body=said.text,
            request_key=key,
        )
