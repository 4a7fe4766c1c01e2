"""The only writer of documents, movements and balances.

`post` books any number of postings for one warehouse in one durable transaction. Small documents that arrive together
share a commit; each is still refused or booked on its own. The database keeps balances from going below zero or below
what is held and allocated; a repeated request key gives the first answer.
"""

import asyncio
import random
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import asyncpg
import msgspec

from backend.access.rules import Viewer
from backend.core import clock, values
from backend.core.database import DB, blocks
from backend.core.errors import Conflict, Fault, Invalid
from backend.core.text import N_
from backend.stock import rules
from backend.stock.rules import Posting, Reason

SQL = blocks(Path(__file__).with_name("ledger.sql"))
SHARED_COMMIT_LINES = 20
MOST_DOCUMENTS = 64
LANES = 2
TRIES = 4
T = TypeVar("T")


class Actor(msgspec.Struct, frozen=True):
    """Who books: an organisation, a user of it, and how the request came in."""

    organisation_id: int
    user_id: int
    channel: int


class Posted(msgspec.Struct, frozen=True):
    """The booked document; `repeated` when its request key had booked it before."""

    document_id: uuid.UUID
    repeated: bool


class Document(msgspec.Struct, frozen=True):
    """What is to be booked, with ids instead of codes."""

    warehouse_id: int
    document_id: uuid.UUID
    actor: Actor
    request_key: str
    request_hash: bytes
    reason: int
    reference: str
    note: str
    occurred_at: datetime
    reverses_id: uuid.UUID | None
    postings: Sequence[Posting]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One of several documents that are booked together; whoever writes its id down before it is booked gives it one."""

    reason: Reason
    postings: Sequence[Posting]
    request_key: str
    request_hash: bytes
    reference: str = ""
    note: str = ""
    document_id: uuid.UUID | None = None


class Unfit(Conflict):
    """Item, lot, location and owner of a line do not belong together."""

    sentence: ClassVar[str] = N_(
        "An item, lot, location and owner of this document do not belong together. Nothing was posted."
    )


class Refused(rules.NotEnoughFree):
    """What `post_each` was refused; `explained` says what is free, when the transaction has been undone."""

    def __init__(self, document: Document) -> None:
        super().__init__([])
        self.document = document


def actor_of(viewer: Viewer) -> Actor:
    """The viewer as the ledger records it."""
    return Actor(viewer.organisation_id, viewer.user_id, rules.CHANNELS[viewer.channel])


async def post(
    actor: Actor,
    warehouse_id: int,
    reason: Reason,
    postings: Sequence[Posting],
    *,
    request_key: str,
    request_hash: bytes,
    occurred_at: datetime | None = None,
    reference: str = "",
    note: str = "",
    reverses_id: uuid.UUID | None = None,
) -> Posted:
    """Book `postings` as one document, all or nothing.

    Refuses lines that make no sense (`Invalid`), more than is free (`NotEnoughFree`), goods that were not there yet at
    a past `occurred_at` (`WouldHaveBeenShort`), and a request key that was used for something else. Joins a running
    transaction; otherwise it is durable when it returns. Callers have checked that the viewer may post here.
    """
    now = clock.now()
    instant = occurred_at or now
    if faults := rules.faults_of(reason, instant, postings, now):
        raise Invalid(faults)
    document = Document(
        warehouse_id,
        values.new_id(),
        actor,
        request_key,
        request_hash,
        int(reason),
        reference,
        note,
        instant,
        reverses_id,
        postings,
    )
    try:
        if rules.is_backdated(instant, now):
            entered = await _retried(lambda: _backdated(document))
        elif DB.current_transaction.get() is not None:
            entered = await _enter_inside([document])
        elif len(postings) <= SHARED_COMMIT_LINES:
            entered = await _shared.post(document)
        else:
            entered = await _retried(lambda: _enter([document]))
    except asyncpg.CheckViolationError as error:
        entered = await _once_more(document, error)
    except asyncpg.ForeignKeyViolationError as error:
        raise Unfit from error
    except asyncpg.UniqueViolationError as error:
        raise rules.AlreadyReversed from error
    if document.document_id in entered:
        return Posted(document.document_id, False)
    return await _first_answer(document)


async def post_each(actor: Actor, warehouse_id: int, entries: Sequence[Entry]) -> list[Posted]:
    """Book several documents of this moment inside the caller's transaction, all or none, in one statement.

    They are answered in the order given and refused as by `post`, but for goods that are not free: that is `Refused`, after
    which the transaction can only be undone.
    """
    assert DB.current_transaction.get() is not None, "post_each joins the caller's transaction"
    now = clock.now()
    if faults := [fault for each in entries for fault in rules.faults_of(each.reason, now, each.postings, now)]:
        raise Invalid(faults)
    documents = [
        Document(
            warehouse_id,
            each.document_id or values.new_id(),
            actor,
            each.request_key,
            each.request_hash,
            int(each.reason),
            each.reference,
            each.note,
            now,
            None,
            each.postings,
        )
        for each in entries
    ]
    try:
        entered = await _enter(documents)
    except asyncpg.CheckViolationError as error:
        if error.table_name != "balance":
            raise
        together = [posting for each in entries for posting in each.postings]
        raise Refused(msgspec.structs.replace(documents[0], postings=together)) from error
    except asyncpg.ForeignKeyViolationError as error:
        raise Unfit from error
    return [
        Posted(each.document_id, False) if each.document_id in entered else await _first_answer(each)
        for each in documents
    ]


async def explained(refused: Refused) -> rules.NotEnoughFree:
    """What was refused, line by line (counted through all documents), with what is free now."""
    return await _shortage(refused.document)


async def post_selected(actor: Actor, warehouse_id: int, rows_sql: str, *arguments: object) -> int:
    """Book the documents that `rows_sql` selects, inside the caller's transaction; the number of movements.

    `rows_sql` may use $5 and on for `arguments`; $1 is the warehouse, $2 to $4 the actor. Its columns: document_id,
    request_key, request_hash, reason, reference, occurred_at, line_no, owner_id, item_id, lot_id, source_id, target_id,
    condition, target_condition, quantity. The caller has checked the lines and seen to it that stock suffices; what the
    database refuses all the same undoes the transaction.
    """
    assert DB.current_transaction.get() is not None, "post_selected joins the caller's transaction"
    sql = SQL["post_selected"].replace("{rows}", rows_sql)
    return int(
        await DB.value(sql, warehouse_id, actor.organisation_id, actor.user_id, actor.channel, *arguments, timeout=3600)
    )


async def expire_reservations(warehouse_id: int) -> None:
    """Give back what reservations past their time still hold in a warehouse."""
    await DB.run(SQL["expire_reservations"], warehouse_id)


async def expire_overdue() -> None:
    """The same for every warehouse that has such reservations."""
    for row in await DB.fetch(SQL["overdue_warehouses"]):
        await expire_reservations(row["warehouse_id"])


async def settle() -> None:
    """Wait until everything handed to the shared commit is answered."""
    await _shared.settle()


async def _enter(documents: Sequence[Document]) -> set[uuid.UUID]:
    """Run the posting statement; the ids that were booked now, the others' keys were known."""
    heads = [
        (
            d.warehouse_id,
            d.document_id,
            d.actor.organisation_id,
            d.request_key,
            d.request_hash,
            d.reason,
            d.actor.user_id,
            d.actor.channel,
            d.reference,
            d.note,
            d.occurred_at,
            d.reverses_id,
        )
        for d in documents
    ]
    lines = [
        (
            n,
            line_no,
            p.owner_id,
            p.item_id,
            p.lot_id,
            p.source_id,
            p.target_id,
            p.condition,
            p.target_condition,
            p.quantity,
        )
        for n, d in enumerate(documents, 1)
        for line_no, p in enumerate(d.postings, 1)
    ]
    rows = await DB.fetch_with_writes(SQL["post"], *zip(*heads, strict=True), *zip(*lines, strict=True))
    return {row[0] for row in rows}


async def _enter_inside(documents: Sequence[Document]) -> set[uuid.UUID]:
    """Book inside a running transaction, so that a refusal leaves the rest of it usable."""
    async with DB.transaction():
        return await _enter(documents)


async def _backdated(document: Document) -> set[uuid.UUID]:
    async with DB.transaction():
        entered = await _enter([document])
        taken = [key for key, change in rules.effects(document.postings).items() if change < 0]
        if entered and taken:
            owners, *rest = zip(*taken, strict=True)
            short_at = await DB.value(
                SQL["short_on_the_way"], document.warehouse_id, *rest, document.occurred_at, owners
            )
            if short_at is not None:
                raise rules.WouldHaveBeenShort(instant=short_at.isoformat(timespec="seconds"))
        return entered


async def _once_more(document: Document, error: asyncpg.CheckViolationError) -> set[uuid.UUID]:
    """A refused document: try again when expired reservations were in the way, else say what is free."""
    if DB.current_transaction.get() is None:
        await expire_reservations(document.warehouse_id)
        try:
            return await _retried(lambda: _enter([document]))
        except asyncpg.CheckViolationError as still:
            error = still
    raise await _shortage(document) from error


async def _shortage(document: Document) -> rules.NotEnoughFree:
    short = {key: -change for key, change in rules.effects(document.postings).items() if change < 0}
    columns = zip(*short, strict=True) if short else ([], [], [], [], [])
    rows = await DB.fetch(SQL["free_now"], document.warehouse_id, *columns)
    faults = []
    for row in rows:
        key = (row["owner_id"], row["item_id"], row["lot_id"], row["location_id"], row["condition"])
        wanted = short[key]
        if row["free"] >= wanted:
            continue
        facts = {"free": row["free"], "item": row["item"], "location": row["location"], "wanted": wanted}
        faults += [
            Fault(f"lines.{n}.quantity", p.quantity, rules.NotEnoughFree.line, facts)
            for n, p in enumerate(document.postings)
            if (p.owner_id, p.item_id, p.lot_id, p.source_id, p.condition) == key
        ]
    return rules.NotEnoughFree(faults)


async def _first_answer(document: Document) -> Posted:
    row = await DB.row(
        SQL["entered_before"], document.warehouse_id, document.actor.organisation_id, document.request_key
    )
    if row is None:
        raise Conflict
    if row["request_hash"] != document.request_hash:
        raise rules.SameKeyOtherRequest(key=document.request_key)
    return Posted(row["document_id"], True)


async def _retried(act: Callable[[], Awaitable[T]]) -> T:
    """Run `act`, again after a deadlock or serialisation failure that somebody else caused; not inside a transaction."""
    for attempt in range(1, TRIES):
        try:
            return await act()
        except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.LockNotAvailableError):
            if DB.current_transaction.get() is not None:
                raise
            await asyncio.sleep(random.uniform(0, 0.02) * attempt)
    return await act()


class SharedCommit:
    """Group commit: documents that arrive while a statement runs go into the next one together.

    A statement that is refused is repeated document by document, so that nobody fails for a neighbour. Nothing is
    answered before it is durable.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[Document, asyncio.Future[set[uuid.UUID]]]] = deque()
        self._free = LANES
        self._running: set[asyncio.Task[None]] = set()

    async def post(self, document: Document) -> set[uuid.UUID]:
        """Book the document with whatever else is waiting."""
        future: asyncio.Future[set[uuid.UUID]] = asyncio.get_running_loop().create_future()
        self._waiting.append((document, future))
        if self._free:
            self._free -= 1
            task = asyncio.create_task(self._lane())
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return await future

    async def settle(self) -> None:
        """Wait for the lanes."""
        while self._running:
            await asyncio.gather(*self._running, return_exceptions=True)

    async def _lane(self) -> None:
        await asyncio.sleep(0)
        try:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(MOST_DOCUMENTS, len(self._waiting)))]
                await self._flush(batch)
        finally:
            self._free += 1

    async def _flush(self, batch: list[tuple[Document, Any]]) -> None:
        try:
            entered = await _enter([document for document, _ in batch])
            answers: list[tuple[Any, Any]] = [(future, entered) for _, future in batch]
        except Exception as error:
            answers = []
            for document, future in batch:
                if len(batch) == 1 and not isinstance(
                    error, asyncpg.DeadlockDetectedError | asyncpg.SerializationError
                ):
                    answers.append((future, error))
                    continue
                try:
                    answers.append((future, await _retried(lambda document=document: _enter([document]))))  # type: ignore[misc]
                except Exception as own:
                    answers.append((future, own))
        for future, outcome in answers:
            if future.done():
                continue
            if isinstance(outcome, BaseException):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)


_shared = SharedCommit()
