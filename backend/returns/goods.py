"""How returned goods move: through the ledger only, and what its refusals mean for whoever handles them."""

from collections.abc import Awaitable, Sequence

from backend.access.rules import Viewer
from backend.core.errors import Fault
from backend.returns.steps import HeldBack
from backend.stock import ledger
from backend.stock.ledger import Entry, Posted
from backend.stock.rules import NotEnoughFree


async def book(viewer: Viewer, warehouse_id: int, entries: Sequence[Entry]) -> list[Posted]:
    """Book documents inside the caller's transaction; pieces that are held or promised stay (`HeldBack`)."""
    if not entries:
        return []
    try:
        return await ledger.post_each(ledger.actor_of(viewer), warehouse_id, entries)
    except NotEnoughFree as short:
        raise held_back(short.faults) from short


async def undone(reversal: Awaitable[Posted]) -> Posted:
    """The reversal of a document; pieces that are held, promised or gone on stay (`HeldBack`)."""
    try:
        return await reversal
    except NotEnoughFree as short:
        raise held_back(short.faults) from short


def held_back(faults: Sequence[Fault]) -> HeldBack:
    """What the ledger keeps, as whoever handles returns is told."""
    facts = dict(faults[0].facts) if faults else {"free": 0, "item": "", "location": "", "wanted": 0}
    return HeldBack(**facts)
