"""A warehouse of the demo network while its half year goes by: what lies where, and what was booked. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from backend.demo.network import Warehouse
from backend.stock.codes import Request

SELLABLE = ("GOOD", "SECOND")
CONDITIONS = (*SELLABLE, "DAMAGED", "QUARANTINE")


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
    """A document as it is booked; with a `reversal` it was a mistake, and is undone with that note."""

    key: str
    reason: str
    lines: tuple[Request, ...]
    occurred_at: datetime
    reference: str
    note: str
    reversal: str = ""


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


class Store:
    """The warehouse; nothing happens in it from `until` on. `notes` are what its people write."""

    def __init__(self, facts: Warehouse, notes: dict[str, str], until: datetime) -> None:
        self.facts = facts
        self.notes = notes
        self.until = until
        self.zone = ZoneInfo(facts.time_zone)
        self.documents: list[Document] = []
        self._stock: defaultdict[str, Counter[Pile]] = defaultdict(Counter)
        self._numbers: Counter[str] = Counter()

    def book(
        self,
        reason: str,
        now: datetime,
        moves: Iterable[Move],
        *,
        reference: str = "",
        note: str = "",
        reversal: str = "",
    ) -> None:
        """Write a document and carry it out, unless it is a mistake; nothing when nothing moves."""
        lines = []
        for (lot, location, condition), target, after, quantity in moves:
            lines.append(Request(lot.owner, lot.item, lot.code, location, target, condition, after, quantity))
            if not reversal:
                self._stock[lot.item][Pile(lot, location, condition)] -= quantity
                self._stock[lot.item][Pile(lot, target, after)] += quantity
        if lines:
            key = f"demo-{len(self.documents) + 1:05}"
            self.documents.append(Document(key, reason, tuple(lines), now, reference, note, reversal))

    def numbered(self, kind: str) -> str:
        """The next number of a kind of paper, e.g. ASN-HAM-0007."""
        self._numbers[kind] += 1
        return f"{kind}-{self.facts.code[:3]}-{self._numbers[kind]:04}"

    def day(self, instant: datetime) -> date:
        """The warehouse's own day."""
        return instant.astimezone(self.zone).date()

    def bins(self, hall: int) -> list[str]:
        """The bins of one of its halls, counted on and on."""
        zone = self.facts.zone_codes[hall % self.facts.zones]
        aisles, levels = range(1, self.facts.aisles + 1), range(1, self.facts.levels + 1)
        return [f"{zone}-{aisle:02}-{level}" for aisle in aisles for level in levels]

    def piles(self, *conditions: str, item: str = "", at: str = "") -> list[tuple[Pile, int]]:
        """What lies in its bins, or at another place: best condition first, then oldest export."""
        parts = [self._stock[item]] if item else list(self._stock.values())
        found = [
            (pile, pieces)
            for part in parts
            for pile, pieces in part.items()
            if pieces and pile.condition in conditions and (pile.location == at if at else "-" in pile.location)
        ]
        return sorted(found, key=_order_of_picking)

    def picked(self, item: str, wanted: int) -> list[tuple[Pile, int]]:
        """What is picked for an order of `wanted` pieces; fewer when there are not enough."""
        found = []
        for pile, pieces in self.piles(*SELLABLE, item=item):
            part = min(pieces, wanted)
            if part:
                found.append((pile, part))
                wanted -= part
        return found


def _order_of_picking(each: tuple[Pile, int]) -> tuple[int, date, str, str, str]:
    (lot, location, condition), _ = each
    return CONDITIONS.index(condition), lot.exported_on, lot.code, lot.item, location
