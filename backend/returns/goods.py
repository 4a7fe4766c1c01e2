"""How returned goods move: through the ledger only, and what its refusals mean for whoever handles them."""

from collections.abc import Awaitable, Sequence

from backend.access.rules import Viewer
from backend.core.errors import Fault
from backend.returns.steps import HeldBack
from backend.stock import ledger
from backend.stock.ledger import Entry, Posted
from backend.stock.rules import NotEnoughFree, SameKeyOtherRequest


async def book(viewer: Viewer, warehouse_id: int, entries: Sequence[Entry]) -> None:
    """Book documents, whose ids are written down already, as the last thing of the caller's transaction.

    So a balance that many steps go through is held only while they commit. Pieces that are held or promised stay
    (`HeldBack`); a key that booked something else meanwhile is refused.
    """
    if not entries:
        return
    try:
        posted = await ledger.post_each(ledger.actor_of(viewer), warehouse_id, entries)
    except NotEnoughFree as short:
        raise held_back(short.faults) from short
    for entry, document in zip(entries, posted, strict=True):
        if document.document_id != entry.document_id:
            raise SameKeyOtherRequest(key=entry.request_key)


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
