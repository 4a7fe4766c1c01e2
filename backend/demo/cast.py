"""Who acts in the stories of the demo network, which orders are spoken of, and where goods lie today."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from backend.access import queries as access_queries
from backend.access.rules import Viewer
from backend.core import clock
from backend.demo import pictures
from backend.demo.network import Network
from backend.demo.pace import Pace
from backend.demo.season import Season
from backend.demo.store import Document
from backend.files import actions as files
from backend.stock import listings as stock_listings
from backend.stock import queries as stock_queries
from backend.stock.queries import BalanceAt

# From an order to the parcel at the buyer's door; longer ago than any story begins.
_DELIVERY, _LONG_AGO = timedelta(days=2), timedelta(days=365)


class ToldBefore(Exception):
    """The first act of a story found that the story was told by an earlier build."""


class Pile(NamedTuple):
    """Pieces that lie free at a place."""

    key: BalanceAt
    item: str
    lot: str | None
    location: str
    free: int


class Cast:
    """The people by their organisation's code, the manager first and the clerk last; what a story asks for."""

    def __init__(self, network: Network, season: Season, viewers: Mapping[str, Sequence[Viewer]]) -> None:
        self.viewers = viewers
        self.now: datetime = clock.now()
        self.today: date = self.now.date()
        self._season = season
        self._items = {(item.owner, item.code): item for item in network.items}
        self._operators = {warehouse.code: warehouse.operator for warehouse in network.warehouses}
        self._zones = {warehouse.code: warehouse.time_zone for warehouse in network.warehouses}
        self._filled = {code: _last_filled(documents) for code, documents in season.documents.items()}
        self._for_home = {(lot.item, lot.code) for lot in season.lots if lot.supervision_code != "9710"}
        self._spoken_of: set[tuple[str, str]] = set()

    def manager(self, organisation: str) -> Viewer:
        """Whoever leads an organisation."""
        return self.viewers[organisation][0]

    def clerk(self, organisation: str) -> Viewer:
        """Whoever does an organisation's daily work."""
        return self.viewers[organisation][-1]

    def operator(self, warehouse: str) -> str:
        """The code of the organisation that runs a warehouse."""
        return self._operators[warehouse]

    def hs_code(self, owner: str, item: str) -> str:
        """The HS code of an item."""
        return self._items[owner, item].given["hs_code"]

    def day(self, days: int) -> date:
        """The day that lies so many days ahead."""
        return self.today + timedelta(days=days)

    def instant(self, hours: float) -> datetime:
        """The instant that lies so many hours ahead."""
        return self.now + timedelta(hours=hours)

    def pace(self, key: str, ago: Sequence[float], warehouse: str) -> Pace:
        """When the steps of a story in a warehouse happen."""
        return Pace(key, ago, self._zones[warehouse])

    def order(self, warehouse: str, item: str, pieces: int, *, for_home: bool = False) -> str:
        """The latest order by now of at least so many pieces of an item that no other story has spoken of.

        `for_home` asks for goods that were exported in a way that lets them come back.
        """
        latest = clock.now() - _DELIVERY
        for document in reversed(self._season.documents[warehouse]):
            if document.reason != "SALE" or document.reversal or document.occurred_at > latest:
                continue
            if (warehouse, document.reference) in self._spoken_of:
                continue
            sold: Counter[str] = Counter()
            for line in document.lines:
                if not for_home or (line.item, line.lot) in self._for_home:
                    sold[line.item] += line.quantity
                elif line.item == item:
                    break
            if sold[item] >= pieces:
                self._spoken_of.add((warehouse, document.reference))
                return document.reference
        raise LookupError(f"no order of {pieces} {item} in {warehouse}")

    async def piles(self, warehouse: str, owner: str, item: str, condition: str = "GOOD") -> list[Pile]:
        """Where an item lies in a warehouse and has lain since the instant that is told of, the largest free pile first."""
        filters = {"warehouse": warehouse, "owner": owner, "item": item, "condition": condition}
        clauses = await stock_queries.balance_clauses(self.manager(owner), filters)
        rows = (await stock_listings.BALANCES.page(clauses, limit=200)).rows
        filled = self._filled[warehouse]
        found = [
            _pile(row)
            for row in rows
            if row["free"] > 0
            and "-" in row["location"]
            and filled.get((item, row["lot"], row["location"], condition), self.now - _LONG_AGO) < clock.now()
        ]
        return sorted(found, key=lambda pile: (-pile.free, pile.location, pile.lot or ""))

    async def pile(self, warehouse: str, owner: str, item: str, condition: str = "GOOD") -> Pile:
        """Where most free pieces of an item lie."""
        found = await self.piles(warehouse, owner, item, condition)
        if not found:
            raise LookupError(f"no {item} in {warehouse}, {condition}")
        return found[0]

    async def photos(self, viewer: Viewer, item: str, label: str, count: int = 1, *, flaw: bool = False) -> list[str]:
        """Photos that somebody has taken of an item."""
        taken = [
            (f"{label}-{turn + 1}.jpg", pictures.photo(label, item, flaw=flaw and not turn, turn=turn))
            for turn in range(count)
        ]
        return await files.take_in(viewer, taken) if taken else []


def _last_filled(documents: Sequence[Document]) -> dict[tuple[str, str | None, str, str], datetime]:
    """When pieces came last to each pile (item, lot, location, condition): since then it has only become smaller."""
    return {
        (line.item, line.lot, line.target, line.target_condition): document.occurred_at
        for document in documents
        for line in document.lines
    }


def _pile(row: Mapping[str, Any]) -> Pile:
    warehouse_id, owner_id, item_id, lot_id, location_id, condition = map(int, row["key"].split("-"))
    key = warehouse_id, owner_id, item_id, lot_id, location_id, condition
    return Pile(key, row["item"], row["lot"], row["location"], row["free"])


async def viewers(network: Network) -> dict[str, list[Viewer]]:
    """Everybody of the network as they may act now."""
    return {
        organisation.code: [
            await access_queries.viewer_by_email(person.email, "command") for person in organisation.people
        ]
        for organisation in (*network.operators, *network.exporters)
    }
