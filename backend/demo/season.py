"""Half a year of trade in the demo network, made up event by event. Pure: one day gives one season.

The events of a warehouse happen in the order of time and take only what lies there, so the ledger refuses none of them.
"""

import heapq
import math
import random
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, time, timedelta
from functools import partial
from itertools import count

import msgspec

from backend.demo.network import Exporter, Item, Network, Transfer
from backend.demo.store import CONDITIONS, SELLABLE, Document, Lot, Move, Pile, Store

SEED = "洛仓"
DAYS = 182
ORDERS_A_DAY = 0.6
# Goods that would last shorter are sent for, enough to last that long.
ENOUGH_DAYS, SUPPLY_DAYS = 20, 70
# How busy the days from Monday to Sunday are.
WEEK = (1.3, 1.15, 1.05, 1.05, 1.0, 0.3, 0.0)
# 海关监管方式, and how often: mostly 9810, to an overseas warehouse.
SUPERVISION = {"9810": 80, "1210": 8, "9710": 7, "9610": 5}
# 洛阳海关, with which a declaration number begins; 0 after the year marks an export.
CUSTOMS_CODE = "4602"

Wanted = list[tuple[Item, int]]
Act = Callable[[datetime], None]


class Hold(msgspec.Struct, frozen=True):
    """Pieces frozen by the operator or, for the reason owner, by the exporter; lifted again with a `release` note."""

    key: str
    warehouse: str
    pile: Pile
    quantity: int
    reason: str
    note: str
    release: str


class Reservation(msgspec.Struct, frozen=True):
    """Pieces that an exporter has promised for some days, or had promised."""

    key: str
    warehouse: str
    owner: str
    item: str
    quantity: int
    source: str
    days: int
    cancelled: bool


class Season(msgspec.Struct, frozen=True):
    """All that happened; documents by warehouse, in the order of time."""

    lots: list[Lot]
    documents: dict[str, list[Document]]
    holds: list[Hold]
    reservations: list[Reservation]


def season(network: Network, today: datetime) -> Season:
    """What happened in the half year before `today` (a midnight, UTC), and what is frozen and promised now."""
    trade = _Trade(network, today)
    for exporter in network.exporters:
        for code in exporter.warehouses:
            trade.supply_and_sell(exporter, trade.stores[code])
    for store in trade.stores.values():
        trade.keep_house(store)
    for way in network.transfers:
        # The last one is still on its way.
        for day in (45, 100, 150, DAYS - way.days + 1):
            trade.on(trade.stores[way.source], day, partial(trade.transfer, way))
    trade.run()
    holds, reservations = trade.promises()
    return Season(trade.lots, {code: store.documents for code, store in trade.stores.items()}, holds, reservations)


class _Trade:
    """The network while time goes by."""

    def __init__(self, network: Network, today: datetime) -> None:
        self.chance = random.Random(SEED)
        self.today = today
        self.begin = today - timedelta(days=DAYS)
        self.lots: list[Lot] = []
        self.exporters = {exporter.code: exporter for exporter in network.exporters}
        self.items = {code: [item for item in network.items if item.owner == code] for code in self.exporters}
        self.stores = {
            each.code: Store(each, network.notes_in(each.code), today - timedelta(days=each.closed_days))
            for each in network.warehouses
        }
        self.owners_note = network.notes["zh_CN"]["owner"]
        self._events: list[tuple[datetime, int, Act]] = []
        self._order = count()
        self._consignments = count(1)

    # ---- time

    def at(self, store: Store, instant: datetime, act: Act) -> None:
        """Let something happen, if the warehouse still works then."""
        if instant < store.until:
            heapq.heappush(self._events, (instant.astimezone(self.today.tzinfo), next(self._order), act))

    def on(self, store: Store, day: int, act: Act) -> None:
        """Let something happen in the working hours of a day of the season."""
        opening = datetime.combine(self.begin.date() + timedelta(days=day), time(8), store.zone)
        self.at(store, opening + timedelta(minutes=self.chance.randrange(540)), act)

    def after(self, store: Store, now: datetime, days: int, act: Act) -> None:
        """Let something happen some days later."""
        self.on(store, (store.day(now) - self.begin.date()).days + days, act)

    def run(self) -> None:
        """Let everything happen."""
        while self._events:
            instant, _, act = heapq.heappop(self._events)
            act(instant)

    # ---- goods come

    def supply_and_sell(self, exporter: Exporter, store: Store) -> None:
        """The orders of an exporter's buyers at a warehouse, and the goods sent there for them."""
        last = (store.until - self.begin).days
        sold: Counter[str] = Counter()
        for day in range(last):
            for _ in range(self._orders_on(day, exporter, store)):
                wanted = self._wanted(self.items[exporter.code])
                sold.update({item.code: pieces for item, pieces in wanted})
                self.on(store, day, partial(self._sell, store, wanted))
        daily = {code: pieces / last for code, pieces in sold.items()}
        opening = datetime.combine(self.begin.date(), time(6), store.zone)
        self.at(store, opening, partial(self._supply, exporter, store, daily))
        day = self.chance.randrange(14, 24)
        while day < last - (40 if store.facts.moved_to else 0):
            self.on(store, day, partial(self._supply, exporter, store, daily))
            day += self.chance.randrange(15, 23)

    def _orders_on(self, day: int, exporter: Exporter, store: Store) -> int:
        local = self.begin.date() + timedelta(days=day)
        turn = local.timetuple().tm_yday / 365 - (exporter.peak_month - 0.5) / 12
        rate = ORDERS_A_DAY * store.facts.pull * _growth(day) * (1 + 0.3 * math.cos(2 * math.pi * turn))
        return int(rate * WEEK[local.weekday()] + self.chance.random())

    def _wanted(self, items: list[Item]) -> Wanted:
        many = self.chance.choices((1, 2, 3, 4, 5, 6), (22, 26, 22, 15, 9, 6))[0]
        chosen = self.chance.sample(items, many)
        return [(item, max(1, round(item.pieces * self.chance.lognormvariate(0, 0.5)))) for item in chosen]

    def _supply(self, exporter: Exporter, store: Store, daily: Mapping[str, float], now: datetime) -> None:
        """What is short arrives, as if it had been foreseen; on the first day all that is sold there."""
        day = (store.day(now) - self.begin.date()).days
        goods: Wanted = []
        for item in self.items[exporter.code]:
            rate = daily.get(item.code, 0) * _growth(day)
            here = sum(pieces for _, pieces in store.piles(*SELLABLE, item=item.code))
            if here < rate * ENOUGH_DAYS:
                goods.append((item, math.ceil(item.pieces + rate * SUPPLY_DAYS * self.chance.uniform(0.8, 1.2))))
        if not goods:
            return
        piles = self._consignment(goods, store, day)
        if day == 0:
            stowed = [move for pile, pieces in piles for move in self._stowed(store, pile, pieces)]
            store.book("OPENING", now, stowed)
            return
        paper = store.numbered("ASN")
        store.book("RECEIPT", now, [Move(pile, "DOCK", "GOOD", pieces) for pile, pieces in piles], reference=paper)
        self.after(store, now, 1, partial(self._put_away, store, {pile.lot for pile, _ in piles}, paper))

    def _consignment(self, goods: Wanted, store: Store, day: int) -> list[tuple[Pile, int]]:
        """One lot an item, all on one declaration, exported in time to arrive on that day of the season."""
        underway = (
            store.facts.transit_days + self.chance.randrange(2, 9) + (0 if day else self.chance.randrange(20, 45))
        )
        exported_on = self.begin.date() + timedelta(days=day - underway)
        declaration = f"{CUSTOMS_CODE}{exported_on.year}0{self.chance.randrange(10_000_000, 90_000_000):09}"
        supervision = self.chance.choices(list(SUPERVISION), list(SUPERVISION.values()))[0]
        code = f"{exported_on:%y%m}-{next(self._consignments):03}"
        piles = []
        for line, (item, quantity) in enumerate(goods, 1):
            expires_on = exported_on + timedelta(days=item.shelf_months * 30) if item.shelf_months else None
            lot = Lot(item.owner, item.code, code, declaration, line, supervision, exported_on, expires_on)
            self.lots.append(lot)
            piles.append((Pile(lot, "SUPPLIER", "GOOD"), quantity))
        return piles

    def _put_away(self, store: Store, lots: set[Lot], paper: str, now: datetime) -> None:
        here = [(pile, pieces) for pile, pieces in store.piles(*CONDITIONS, at="DOCK") if pile.lot in lots]
        moves = [move for pile, pieces in here for move in self._stowed(store, pile, pieces)]
        store.book("MOVE", now, moves, reference=paper)

    def _stowed(self, store: Store, pile: Pile, quantity: int, condition: str = "") -> list[Move]:
        """From where it lies into one bin of its exporter's hall, or into two when there is much of it."""
        hall = list(self.exporters).index(pile.lot.owner)
        parts = [quantity] if quantity < 20 or self.chance.random() < 0.6 else [quantity - quantity // 3, quantity // 3]
        bins = self.chance.sample(store.bins(hall), len(parts))
        return [Move(pile, at, condition or pile.condition, part) for at, part in zip(bins, parts, strict=True)]

    # ---- goods go, and some come back

    def _sell(self, store: Store, wanted: Wanted, now: datetime) -> None:
        picked = [each for item, pieces in wanted for each in store.picked(item.code, pieces)]
        moves = [Move(pile, "BUYER", pile.condition, pieces) for pile, pieces in picked]
        store.book("SALE", now, moves, reference=store.numbered("SO"))
        for pile, pieces in picked:
            if self.chance.random() < 0.035:
                back = self.chance.randint(1, max(1, pieces // 8))
                act = partial(self._take_back, store, Pile(pile.lot, "BUYER", "QUARANTINE"), back)
                self.after(store, now, self.chance.randrange(6, 26), act)

    def _take_back(self, store: Store, pile: Pile, pieces: int, now: datetime) -> None:
        paper = store.numbered("RMA")
        store.book("RETURN", now, [Move(pile, "WORKSHOP", "QUARANTINE", pieces)], reference=paper)
        act = partial(self._inspect, store, Pile(pile.lot, "WORKSHOP", "QUARANTINE"), pieces, paper)
        self.after(store, now, self.chance.randrange(2, 8), act)

    def _inspect(self, store: Store, pile: Pile, pieces: int, paper: str, now: datetime) -> None:
        grade = self.chance.choices(("GOOD", "SECOND", "DAMAGED"), (55, 25, 20))[0]
        broken = [Move(pile, "WORKSHOP", grade, pieces)]
        moves = broken if grade == "DAMAGED" else self._stowed(store, pile, pieces, grade)
        store.book("REGRADE", now, moves, reference=paper, note=store.notes["inspected"])

    # ---- what a house has to do besides

    def keep_house(self, store: Store) -> None:
        """Counts, mishaps, scrapping, goods that go home, a mistyped count, the end of a lease."""
        for day in range(24, DAYS, 28):
            self.on(store, day, partial(self._count, store))
        for day in range(self.chance.randrange(8, 24), DAYS, 31):
            self.on(store, day, partial(self._damage, store))
        for day in (96, 172):
            self.on(store, day, partial(self._scrap, store))
        # What happens once in the network happens where its visitors look first.
        if store.facts.code == "HAM-1":
            self.on(store, DAYS - store.facts.transit_days - 9, partial(self._send_home, store))
            self.on(store, DAYS - 3, partial(self._mistype, store))
        if store.facts.moved_to:
            self.at(store, store.until - timedelta(minutes=1), partial(self._move_out, store))

    def _count(self, store: Store, now: datetime) -> None:
        hall = self.chance.choice(store.facts.zone_codes)
        here = [(pile, pieces) for pile, pieces in store.piles("GOOD") if pile.location[0] == hall and pieces > 9]
        moves = []
        for pile, pieces in self.chance.sample(here, min(len(here), self.chance.randint(1, 4))):
            wrong = self.chance.randint(1, max(1, pieces // 25))
            missing = Move(pile, "ADJUSTMENT", "GOOD", wrong)
            found = Move(pile._replace(location="ADJUSTMENT"), pile.location, "GOOD", wrong)
            moves.append(missing if self.chance.random() < 0.6 else found)
        store.book("ADJUSTMENT", now, moves, reference=store.numbered("CC"), note=store.notes["count"] % hall)

    def _mistype(self, store: Store, now: datetime) -> None:
        """A count that was typed wrongly, and later right; the wrong one is reversed today."""
        pile, _ = store.piles("GOOD")[0]
        found = Move(pile._replace(location="ADJUSTMENT"), pile.location, "GOOD", 100)
        paper, note = store.numbered("CC"), store.notes["count"] % pile.location[0]
        store.book("ADJUSTMENT", now, [found], reference=paper, note=note, reversal=store.notes["reversal"])
        self.after(
            store,
            now,
            1,
            lambda later: store.book("ADJUSTMENT", later, [found._replace(quantity=10)], reference=paper, note=note),
        )

    def _damage(self, store: Store, now: datetime) -> None:
        here = store.piles("GOOD")
        moves = [
            Move(pile, "WORKSHOP", "DAMAGED", self.chance.randint(1, max(1, min(6, pieces // 10))))
            for pile, pieces in self.chance.sample(here, min(len(here), 2))
        ]
        store.book("REGRADE", now, moves, note=store.notes["damaged"])

    def _scrap(self, store: Store, now: datetime) -> None:
        broken = store.piles("DAMAGED", at="WORKSHOP")
        moves = [Move(pile, "SCRAP", "DAMAGED", pieces) for pile, pieces in broken[len(broken) // 3 :]]
        store.book("SCRAP", now, moves, reference=store.numbered("SCR"), note=store.notes["scrapped"])

    # ---- from house to house, and home

    def transfer(self, way: Transfer, now: datetime) -> None:
        """Send a part of what an exporter of both warehouses has in the one to the other."""
        source = self.stores[way.source]
        both = [code for code, each in self.exporters.items() if {way.source, way.target} <= {*each.warehouses}]
        owner = self.chance.choice(both)
        here = [(pile, pieces) for pile, pieces in source.piles("GOOD") if pile.lot.owner == owner and pieces > 11]
        sent = [(pile, pieces // 4) for pile, pieces in self.chance.sample(here, min(len(here), 5))]
        paper = self._send(source, sent, now, "")
        self.after(self.stores[way.target], now, way.days, partial(self._arrive, self.stores[way.target], sent, paper))

    def _move_out(self, store: Store, now: datetime) -> None:
        sent = [each for place in ("", "DOCK", "WORKSHOP") for each in store.piles(*CONDITIONS, at=place)]
        paper = self._send(store, sent, now, store.notes["closing"])
        target = self.stores[store.facts.moved_to]
        self.after(target, now, 7, partial(self._arrive, target, sent, paper))

    def _send_home(self, store: Store, now: datetime) -> None:
        sent = store.piles("SECOND")[:6]
        paper = self._send(store, sent, now, store.notes["home"])
        back = [Move(pile._replace(location="TRANSIT"), "ORIGIN", pile.condition, pieces) for pile, pieces in sent]
        self.after(
            store, now, store.facts.transit_days, lambda then: store.book("ARRIVAL", then, back, reference=paper)
        )

    def _send(self, store: Store, sent: list[tuple[Pile, int]], now: datetime, note: str) -> str:
        paper = store.numbered("TR")
        moves = [Move(pile, "TRANSIT", pile.condition, pieces) for pile, pieces in sent]
        store.book("DISPATCH", now, moves, reference=paper, note=note)
        return paper

    def _arrive(self, store: Store, sent: list[tuple[Pile, int]], paper: str, now: datetime) -> None:
        loads: Counter[Pile] = Counter()
        for pile, pieces in sent:
            loads[pile._replace(location="TRANSIT")] += pieces
        moves = [Move(pile, "DOCK", pile.condition, pieces) for pile, pieces in loads.items()]
        store.book("ARRIVAL", now, moves, reference=paper)
        self.after(store, now, 1, partial(self._put_away, store, {pile.lot for pile, _ in sent}, paper))

    # ---- what is frozen and promised today

    def promises(self) -> tuple[list[Hold], list[Reservation]]:
        """Holds and reservations of other items, for every exporter in every warehouse that has goods of it."""
        holds: list[Hold] = []
        reservations: list[Reservation] = []
        pairs = [(owner, self.stores[code]) for owner, each in self.exporters.items() for code in each.warehouses]
        for n, (owner, store) in enumerate(pairs):
            here = store.piles("GOOD")
            piles = {pile.lot.item: (pile, pieces) for pile, pieces in here if pieces > 9 and pile.lot.owner == owner}
            items = self.chance.sample(sorted(piles), len(piles))
            # Every second pair has also one that is over.
            for over in (False, True)[: 1 + n % 2]:
                if items:
                    holds.append(self._frozen(f"demo-{n}-{over:d}", store, *piles[items.pop()], over))
            for promised, item in enumerate(items[: 2 + n % 2]):
                key, cancelled = f"demo-{n}-{promised}", promised == 2
                reservations.append(self._promised(key, store, *piles[item], cancelled))
        return holds, reservations

    def _frozen(self, key: str, store: Store, pile: Pile, pieces: int, over: bool) -> Hold:
        reason = self.chance.choice(("customs", "quality", "dispute", "owner"))
        note = self.owners_note if reason == "owner" else store.notes[reason]
        return Hold(key, store.facts.code, pile, pieces // 4, reason, note, store.notes["released"] if over else "")

    def _promised(self, key: str, store: Store, pile: Pile, pieces: int, cancelled: bool) -> Reservation:
        source = f"PO-{self.today:%y%m}-{self.chance.randrange(1000, 9999)}"
        days, owner, item = self.chance.randrange(3, 30), pile.lot.owner, pile.lot.item
        return Reservation(key, store.facts.code, owner, item, pieces // 5, source, days, cancelled)


def _growth(day: int) -> float:
    return 0.75 + 0.5 * day / DAYS
