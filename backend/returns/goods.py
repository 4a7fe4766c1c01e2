"""How returned goods move: through the ledger only, and what its refusals mean for whoever handles them."""

from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager

from backend.access.rules import Viewer
from backend.core.database import DB
from backend.core.errors import Fault
from backend.returns.steps import HeldBack
from backend.stock import ledger
from backend.stock.ledger import Entry, Posted
from backend.stock.rules import NotEnoughFree, SameKeyOtherRequest


@asynccontextmanager
async def moving() -> AsyncIterator[None]:
    """The transaction of a step that books goods; pieces that are held or promised stay (`HeldBack`)."""
    try:
        async with DB.transaction():
            yield
    except ledger.Refused as refused:
        raise held_back((await ledger.explained(refused)).faults) from refused


async def book(viewer: Viewer, warehouse_id: int, entries: Sequence[Entry]) -> None:
    """Book documents, whose ids are written down already, as the last thing of a transaction that is `moving`.

    So a balance that many steps go through is held only while they commit. A key that booked something else meanwhile is
    refused.
    """
    if not entries:
        return
    posted = await ledger.post_each(ledger.actor_of(viewer), warehouse_id, entries)
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
