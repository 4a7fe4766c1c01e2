"""Half a year of trade in the demo network, made up event by event. Pure: one day gives one season.

The events of a warehouse happen in the order of time and take only what lies there, so the ledger refuses none of them.
"""

import heapq
import math
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from backend.demo.network import Exporter, Item, Network, Transfer, Warehouse
from backend.stock.codes import Request

SEED = "洛仓"
DAYS = 182
ORDERS_A_DAY = 0.85
WEEK = (1.3, 1.15, 1.05, 1.05, 1.0, 0.3, 0.0)
# 海关监管方式: mostly 9810, to an overseas warehouse.
SUPERVISION = {"9810": 80, "1210": 8, "9710": 7, "9610": 5}
# Customs 洛阳海关 as it begins a declaration number; 0 after the year marks an export.
CUSTOMS_CODE = "4602"
SELLABLE = ("GOOD", "SECOND")


class Lot(msgspec.Struct, frozen=True):
    """A lot as its exporter registers it."""

    owner: str
    item: str
    code: str
    declaration_no: str
    declaration_line: int
    supervision_code: str
    exported_on: date
    expires_on: date | None


class Document(msgspec.Struct, frozen=True):
    """A document as its warehouse books it; with a `reversal`, it was a mistake and is undone with that note."""

    key: str
    reason: str
    lines: tuple[Request, ...]
    occurred_at: datetime
    reference: str
    note: str
    reversal: str = ""


class Hold(msgspec.Struct, frozen=True):
    """Pieces that are frozen by the operator or, for the reason owner, by the exporter; lifted with a `release` note."""

    key: str
    warehouse: str
    lot: Lot
    location: str
    quantity: int
    reason: str
    note: str
    release: str


class Reservation(msgspec.Struct, frozen=True):
    """Pieces that an exporter promised for some days, or had promised."""

    key: str
    warehouse: str
    owner: str
    item: str
    quantity: int
    days: int
    cancelled: bool


class Season(msgspec.Struct, frozen=True):
    """All that happened; documents by warehouse, in the order of time."""

    lots: list[Lot]
    documents: dict[str, list[Document]]
    holds: list[Hold]
    reservations: list[Reservation]


class Pile(NamedTuple):
    """Where pieces of a lot lie, in which condition."""

    lot: Lot
    location: str
    condition: str


class Move(NamedTuple):
    """Pieces that go from a pile to a place, perhaps into another condition."""

    pile: Pile
    target: str
    condition: str
    quantity: int


Wanted = list[tuple[Item, int]]


def season(network: Network, today: datetime) -> Season:
    """What happened in the half year before `today` (a midnight, UTC)."""
    trade = _Trade(network, today)
    for exporter in network.exporters:
        for code in exporter.warehouses:
            trade.supply_and_sell(exporter, trade.stores[code])
    for store in trade.stores.values():
        trade.keep_house(store)
    for transfer in network.transfers:
        for day in (45, 100, 150, DAYS - transfer.days + 1):
            trade.on(trade.stores[transfer.source], day, lambda now, way=transfer: trade.transfer(way, now))  # type: ignore[misc]
    trade.go_home(trade.stores["HAM-1"])
    trade.mistype(trade.stores["HAM-1"])
    trade.run()
    holds, reservations = trade.promises()
    documents = {code: store.documents for code, store in trade.stores.items()}
    return Season(trade.lots, documents, holds, reservations)


class _Store:
    """A warehouse while time goes by: what lies where, and what was booked."""

    def __init__(self, facts: Warehouse, notes: dict[str, str], until: datetime) -> None:
        self.facts = facts
        self.notes = notes
        self.until = until
        self.zone = ZoneInfo(facts.time_zone)
        self.stock: defaultdict[str, Counter[Pile]] = defaultdict(Counter)
        self.documents: list[Document] = []
        self._numbers: Counter[str] = Counter()

    def book(
        self, reason: str, now: datetime, moves: Iterable[Move], *, reference: str = "", note: str = "", reversal: str = ""
    ) -> None:
        """Write a document and carry it out, unless it is a mistake that will be reversed."""
        lines = []
        for pile, target, condition, quantity in moves:
            lot = pile.lot
            lines.append(
                Request(lot.owner, lot.item, lot.code, pile.location, target, pile.condition, condition, quantity)
            )
            if not reversal:
                self.stock[lot.item][pile] -= quantity
                self.stock[lot.item][Pile(lot, target, condition)] += quantity
        if lines:
            key = f"demo-{len(self.documents) + 1:05}"
            self.documents.append(Document(key, reason, tuple(lines), now, reference, note, reversal))

    def numbered(self, kind: str) -> str:
        """The next number of a kind of paper, e.g. ASN-HAM-0007."""
        self._numbers[kind] += 1
        return f"{kind}-{self.facts.code[:3]}-{self._numbers[kind]:04}"

    def piles(self, *conditions: str, item: str = "", at: str = "") -> list[tuple[Pile, int]]:
        """What lies in bins (or at the place `at`) in these conditions: best condition first, oldest export first."""
        stock = [self.stock[item]] if item else list(self.stock.values())
        found = [
            (pile, quantity)
            for part in stock
            for pile, quantity in part.items()
            if quantity and pile.condition in conditions and (pile.location == at if at else "-" in pile.location)
        ]
        return sorted(found, key=lambda each: (*conditions_first(each[0]), each[0].lot.item, each[0].location))

    def taken(self, item: str, wanted: int) -> list[tuple[Pile, int]]:
        """The piles that `wanted` pieces are picked from; fewer when there are not enough."""
        picked = []
        for pile, quantity in self.piles(*SELLABLE, item=item):
            part = min(quantity, wanted)
            if part:
                picked.append((pile, part))
                wanted -= part
        return picked


def conditions_first(pile: Pile) -> tuple[int, date, str]:
    """Sort key of picking: good before second grade, then by date of export."""
    return SELLABLE.index(pile.condition) if pile.condition in SELLABLE else 9, pile.lot.exported_on, pile.lot.code


class _Trade:
    """The network while time goes by."""

    def __init__(self, network: Network, today: datetime) -> None:
        self.chance = random.Random(SEED)
        self.today = today
        self.begin = today - timedelta(days=DAYS)
        self.lots: list[Lot] = []
        self.owners = {exporter.code: exporter for exporter in network.exporters}
        self.items = {code: [item for item in network.items if item.owner == code] for code in self.owners}
        self.stores = {}
        for facts in network.warehouses:
            notes = network.notes[network.operator_of(facts.code).language]
            self.stores[facts.code] = _Store(facts, notes, today - timedelta(days=facts.closed_days))
        self.owner_note = network.notes["zh_CN"]["owner"]
        self._events: list[tuple[datetime, int, _Store, Callable[[datetime], None]]] = []
        self._order = count()
        self._consignments = count(1)

    # ---- time

    def on(self, store: _Store, day: int, act: Callable[[datetime], None]) -> None:
        """Let something happen in the working hours of a day of the season."""
        local = self.begin.date() + timedelta(days=day)
        opening = datetime.combine(local, time(8), store.zone)
        self._at(store, opening + timedelta(minutes=self.chance.randrange(540)), act)

    def after(self, store: _Store, now: datetime, days: int, act: Callable[[datetime], None]) -> None:
        """Let something happen some days later."""
        self.on(store, (now.astimezone(store.zone).date() - self.begin.date()).days + days, act)

    def _at(self, store: _Store, instant: datetime, act: Callable[[datetime], None]) -> None:
        if instant < store.until:
            heapq.heappush(self._events, (instant.astimezone(self.today.tzinfo), next(self._order), store, act))

    def run(self) -> None:
        """Let everything happen."""
        while self._events:
            instant, _, _, act = heapq.heappop(self._events)
            act(instant)

    # ---- goods come and go

    def supply_and_sell(self, exporter: Exporter, store: _Store) -> None:
        """The orders of an exporter's buyers at a warehouse, and the goods sent for them."""
        items = self.items[exporter.code]
        last = (store.until - self.begin).days
        orders = [(day, self._wanted(items)) for day in range(last) for _ in range(self._orders_on(day, exporter, store))]
        for day, wanted in orders:
            self.on(store, day, lambda now, wanted=wanted: self._sell(store, wanted, now))  # type: ignore[misc]
        sold = Counter[str]()
        for _, wanted in orders:
            for item, quantity in wanted:
                sold[item.code] += quantity
        arrivals = [0, self.chance.randrange(14, 31)]
        while arrivals[-1] < last - (40 if store.facts.closed_days else 0):
            arrivals.append(arrivals[-1] + self.chance.randrange(32, 45))
        for day, following in zip(arrivals, arrivals[1:], strict=False):
            cover = (following - day) * self._growth(day) * 1.05 + (12 if day == 0 else 0)
            goods = [
                (item, item.pieces + math.ceil(sold[item.code] / last * cover * self.chance.uniform(0.8, 1.25)))
                for item in items
                if sold[item.code]
            ]
            lots = self._consignment(goods, store, day)
            if day == 0:
                moves = [move for lot, quantity in lots for move in self._stowed(store, lot, "SUPPLIER", quantity)]
                opening = datetime.combine(self.begin.date(), time(6), store.zone)
                self._at(store, opening, lambda now, moves=moves: store.book("OPENING", now, moves))  # type: ignore[misc]
            else:
                self.on(store, day, lambda now, lots=lots: self._receive(store, lots, now))  # type: ignore[misc]

    def _growth(self, day: int) -> float:
        return 0.75 + 0.5 * day / DAYS

    def _orders_on(self, day: int, exporter: Exporter, store: _Store) -> int:
        local = self.begin.date() + timedelta(days=day)
        year = local.timetuple().tm_yday / 365 - (exporter.peak_month - 0.5) / 12
        rate = ORDERS_A_DAY * store.facts.pull * self._growth(day) * (1 + 0.3 * math.cos(2 * math.pi * year))
        return int(rate * WEEK[local.weekday()] + self.chance.random())

    def _wanted(self, items: list[Item]) -> Wanted:
        many = self.chance.choices((1, 2, 3, 4, 5, 6), (22, 26, 22, 15, 9, 6))[0]
        return [
            (item, max(1, round(item.pieces * self.chance.lognormvariate(0, 0.5))))
            for item in self.chance.sample(items, many)
        ]

    def _consignment(self, goods: Wanted, store: _Store, day: int) -> list[tuple[Lot, int]]:
        """Register one lot an item, all on one declaration, exported in time to arrive on that day of the season."""
        number = next(self._consignments)
        underway = store.facts.transit_days + self.chance.randrange(2, 9) + (self.chance.randrange(20, 45) if day == 0 else 0)
        exported_on = self.begin.date() + timedelta(days=day - underway)
        declaration = f"{CUSTOMS_CODE}{exported_on.year}0{self.chance.randrange(10_000_000, 90_000_000):09}"
        code = self.chance.choices(list(SUPERVISION), list(SUPERVISION.values()))[0]
        lots = []
        for line, (item, quantity) in enumerate(goods, 1):
            expires_on = exported_on + timedelta(days=item.shelf_months * 30) if item.shelf_months else None
            name = f"{exported_on:%y%m}-{number:03}"
            lot = Lot(item.owner, item.code, name, declaration, line, code, exported_on, expires_on)
            lots.append((lot, quantity))
        self.lots += [lot for lot, _ in lots]
        return lots

    def _receive(self, store: _Store, lots: list[tuple[Lot, int]], now: datetime) -> None:
        paper = store.numbered("ASN")
        moves = [Move(Pile(lot, "SUPPLIER", "GOOD"), "DOCK", "GOOD", quantity) for lot, quantity in lots]
        store.book("RECEIPT", now, moves, reference=paper)
        self.after(store, now, 1, lambda then: self._put_away(store, [lot for lot, _ in lots], paper, then))

    def _put_away(self, store: _Store, lots: list[Lot], paper: str, now: datetime) -> None:
        here = [(pile, quantity) for pile, quantity in store.piles(*SELLABLE, "DAMAGED", at="DOCK") if pile.lot in lots]
        moves = [
            move
            for pile, quantity in here
            for move in self._stowed(store, pile.lot, "DOCK", quantity, pile.condition)
        ]
        store.book("MOVE", now, moves, reference=paper)

    def _stowed(self, store: _Store, lot: Lot, source: str, quantity: int, condition: str = "GOOD") -> list[Move]:
        """Into one bin of the exporter's hall, or into two when there is much of it."""
        zone = store.facts.zone_codes[list(self.owners).index(lot.owner) % store.facts.zones]
        parts = [quantity] if quantity < 20 or self.chance.random() < 0.6 else [quantity - quantity // 3, quantity // 3]
        bins = self.chance.sample(range(store.facts.aisles * store.facts.levels), len(parts))
        return [
            Move(
                Pile(lot, source, condition),
                f"{zone}-{where // store.facts.levels + 1:02}-{where % store.facts.levels + 1}",
                condition,
                part,
            )
            for where, part in zip(bins, parts, strict=True)
        ]

    def _sell(self, store: _Store, wanted: Wanted, now: datetime) -> None:
        picked = [each for item, quantity in wanted for each in store.taken(item.code, quantity)]
        paper = f"SO-{now.astimezone(store.zone):%y%m%d}-{store.numbered('SO')[-4:]}"
        moves = [Move(pile, "BUYER", pile.condition, quantity) for pile, quantity in picked]
        store.book("SALE", now, moves, reference=paper)
        for pile, quantity in picked:
            if self.chance.random() < 0.035:
                back = self.chance.randint(1, max(1, quantity // 8))
                days = self.chance.randrange(6, 26)
                self.after(store, now, days, lambda then, lot=pile.lot, back=back: self._take_back(store, lot, back, then))  # type: ignore[misc]

    def _take_back(self, store: _Store, lot: Lot, quantity: int, now: datetime) -> None:
        paper = store.numbered("RMA")
        move = Move(Pile(lot, "BUYER", "QUARANTINE"), "WORKSHOP", "QUARANTINE", quantity)
        store.book("RETURN", now, [move], reference=paper)
        days = self.chance.randrange(2, 8)
        self.after(store, now, days, lambda then: self._inspect(store, lot, quantity, paper, then))

    def _inspect(self, store: _Store, lot: Lot, quantity: int, paper: str, now: datetime) -> None:
        grade = self.chance.choices(("GOOD", "SECOND", "DAMAGED"), (55, 25, 20))[0]
        source = Pile(lot, "WORKSHOP", "QUARANTINE")
        if grade == "DAMAGED":
            moves = [Move(source, "WORKSHOP", grade, quantity)]
        else:
            moves = [
                Move(source, move.target, grade, move.quantity)
                for move in self._stowed(store, lot, "WORKSHOP", quantity, "QUARANTINE")
            ]
        store.book("REGRADE", now, moves, reference=paper, note=store.notes["inspected"])

    # ---- what a house has to do besides

    def keep_house(self, store: _Store) -> None:
        """Counts, mishaps, scrapping, and the end of a lease."""
        for day in range(24, DAYS, 28):
            self.on(store, day, lambda now, zone=self.chance.choice(store.facts.zone_codes): self._count(store, zone, now))  # type: ignore[misc]
        for day in range(self.chance.randrange(8, 24), DAYS, 31):
            self.on(store, day, lambda now: self._damage(store, now))
        for day in (96, 172):
            self.on(store, day, lambda now: self._scrap(store, now))
        if store.facts.moved_to:
            self._at(store, store.until - timedelta(minutes=1), lambda now: self._move_out(store, now))

    def _count(self, store: _Store, zone: str, now: datetime) -> None:
        here = [(pile, quantity) for pile, quantity in store.piles("GOOD") if pile.location[0] == zone and quantity > 9]
        moves = []
        for pile, quantity in self.chance.sample(here, min(len(here), self.chance.randint(1, 4))):
            pieces = self.chance.randint(1, max(1, quantity // 25))
            if self.chance.random() < 0.6:
                moves.append(Move(pile, "ADJUSTMENT", "GOOD", pieces))
            else:
                moves.append(Move(Pile(pile.lot, "ADJUSTMENT", "GOOD"), pile.location, "GOOD", pieces))
        store.book("ADJUSTMENT", now, moves, reference=store.numbered("CC"), note=store.notes["count"] % zone)

    def _damage(self, store: _Store, now: datetime) -> None:
        here = store.piles("GOOD")
        moves = [
            Move(pile, "WORKSHOP", "DAMAGED", self.chance.randint(1, max(1, min(6, quantity // 10))))
            for pile, quantity in self.chance.sample(here, min(len(here), 2))
        ]
        store.book("REGRADE", now, moves, note=store.notes["damaged"])

    def _scrap(self, store: _Store, now: datetime) -> None:
        broken = store.piles("DAMAGED", at="WORKSHOP")
        moves = [Move(pile, "SCRAP", "DAMAGED", quantity) for pile, quantity in broken[: -len(broken) // 3 or None]]
        store.book("SCRAP", now, moves, reference=store.numbered("SCR"), note=store.notes["scrapped"])

    def transfer(self, way: Transfer, now: datetime) -> None:
        """Send a part of what an exporter of both warehouses has in the one to the other."""
        source = self.stores[way.source]
        owner = self.chance.choice([code for code, each in self.owners.items() if {way.source, way.target} <= {*each.warehouses}])
        here = [(pile, quantity) for pile, quantity in source.piles("GOOD") if pile.lot.owner == owner and quantity > 11]
        sent = [(pile, quantity // 4) for pile, quantity in self.chance.sample(here, min(len(here), 5))]
        self._send(source, self.stores[way.target], sent, way.days, now, "")

    def _move_out(self, store: _Store, now: datetime) -> None:
        everything = [
            (pile, quantity)
            for place in ("", "DOCK", "WORKSHOP")
            for pile, quantity in store.piles(*SELLABLE, "DAMAGED", "QUARANTINE", at=place)
        ]
        self._send(store, self.stores[store.facts.moved_to], everything, 7, now, store.notes["closing"])

    def _send(
        self, source: _Store, target: _Store, sent: list[tuple[Pile, int]], days: int, now: datetime, note: str
    ) -> None:
        paper = source.numbered("TR")
        moves = [Move(pile, "TRANSIT", pile.condition, quantity) for pile, quantity in sent]
        source.book("DISPATCH", now, moves, reference=paper, note=note)
        self.after(target, now, days, lambda then: self._arrive(target, sent, paper, then))

    def _arrive(self, store: _Store, sent: list[tuple[Pile, int]], paper: str, now: datetime) -> None:
        together: Counter[Pile] = Counter()
        for pile, quantity in sent:
            together[Pile(pile.lot, "TRANSIT", pile.condition)] += quantity
        moves = [Move(pile, "DOCK", pile.condition, quantity) for pile, quantity in together.items()]
        store.book("ARRIVAL", now, moves, reference=paper)
        self.after(store, now, 1, lambda then: self._put_away(store, [pile.lot for pile, _ in sent], paper, then))

    def go_home(self, store: _Store) -> None:
        """Goods that nobody wants are sent back to China, and arrive there."""

        def leave(now: datetime) -> None:
            sent = [(pile, quantity) for pile, quantity in store.piles("SECOND")][:6]
            paper = store.numbered("TR")
            moves = [Move(pile, "TRANSIT", "SECOND", quantity) for pile, quantity in sent]
            store.book("DISPATCH", now, moves, reference=paper, note=store.notes["home"])
            back = [Move(Pile(pile.lot, "TRANSIT", "SECOND"), "ORIGIN", "SECOND", quantity) for pile, quantity in sent]
            self.after(store, now, store.facts.transit_days, lambda then: store.book("ARRIVAL", then, back, reference=paper))

        self.on(store, DAYS - store.facts.transit_days - 9, leave)

    def mistype(self, store: _Store) -> None:
        """A count that was typed wrongly, will be reversed, and was booked again."""

        def count_wrongly(now: datetime) -> None:
            pile, _ = store.piles("GOOD")[0]
            paper, note = store.numbered("CC"), store.notes["count"] % pile.location[0]
            for pieces, later, reversal in ((100, 0, store.notes["reversal"]), (10, 40, "")):
                move = Move(Pile(pile.lot, "ADJUSTMENT", "GOOD"), pile.location, "GOOD", pieces)
                instant = now + timedelta(minutes=later)
                store.book("ADJUSTMENT", instant, [move], reference=paper, note=note, reversal=reversal)

        self.on(store, DAYS - 2, count_wrongly)

    # ---- what is frozen and promised today

    def promises(self) -> tuple[list[Hold], list[Reservation]]:
        """Holds on some piles and reservations of other items, in every warehouse that has goods."""
        holds: list[Hold] = []
        reservations: list[Reservation] = []
        for code, store in self.stores.items():
            piles = {pile.lot.item: (pile, quantity) for pile, quantity in store.piles("GOOD") if quantity > 9}
            chosen = self.chance.sample(sorted(piles), min(len(piles), 10))
            for n, reason in enumerate(("customs", "quality", "dispute", "owner", "quality")[: len(chosen)]):
                pile, quantity = piles[chosen.pop()]
                note = self.owner_note if reason == "owner" else store.notes[reason]
                release = store.notes["released"] if n == 4 else ""
                key = f"demo-hold-{n}"
                holds.append(Hold(key, code, pile.lot, pile.location, quantity // 4, reason, note, release))
            for n, item in enumerate(chosen):
                pile, quantity = piles[item]
                days = self.chance.randrange(3, 30)
                reservations.append(
                    Reservation(f"demo-order-{n}", code, pile.lot.owner, item, quantity // 5, days, n == 4)
                )
        return holds, reservations
