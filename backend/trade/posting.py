"""One run: a file staged, matched with what was booked before, and posted in transactions of some ten thousand rows.

Nothing of the file is booked before all of it was read. A row and its movement are booked together, under a key that is
the row's own, so that a run which stops anywhere is finished by the same run again, and no file is booked twice.
"""

import asyncio
import gc
import uuid
from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from backend.access.rules import Viewer
from backend.core import clock, journal, values
from backend.core.database import DB, blocks
from backend.stock import ledger
from backend.stock.rules import Condition, Place, Reason
from backend.trade import rules, source
from backend.trade.mapping import FileMapping
from backend.trade.reading import Batch, Remembered, Table
from backend.trade.reasons import Why
from backend.trade.rules import Step
from backend.trade.source import Lines, Source

SQL = blocks(Path(__file__).with_name("posting.sql"))
BATCH_ROWS = 20_000
CHUNK_ROWS = 30_000
OPENING_LINES = 5_000
TRIES = 4
PATIENCE_SECONDS = 3600
SCHEMA = "trade_staging"
TABLES = ("rows", "rejects", "names", "origins", "cells", "ready", "free", "floors", "lows", "post", "documents")
# Numbers of the ledger that the statements need.
LEDGER = {
    "good": int(Condition.GOOD),
    "buyer": int(Place.BUYER),
    "supplier": int(Place.SUPPLIER),
    "outside": int(Place.ADJUSTMENT),
    "adjustment": int(Reason.ADJUSTMENT),
    "opening": int(Reason.OPENING),
    "opening_lines": OPENING_LINES,
}

Progress = Callable[[Step, int, int], Awaitable[None]]


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """Where the rows of a run are booked, whose goods they are, and for whom."""

    viewer: Viewer
    warehouse_id: int
    location_id: int
    owner_id: int
    file_name: str
    open_missing: bool
    create_items: bool


class Run:
    """One reading of one file: `stage`, then `book`, and `clear` in any case."""

    def __init__(self, run_id: uuid.UUID, mapping: FileMapping, origin: Source, progress: Progress) -> None:
        self.id = run_id
        self.mapping = mapping
        self.source = origin
        self.rows = 0
        self.header: list[str] = []
        self._first = self._last = 0
        self._corrected = False
        self._codes, self._named = Remembered(values.code_of), Remembered(_name)
        self._progress = progress
        self._tables = {name: f"{SCHEMA}.{name}_{run_id.hex}" for name in TABLES}

    # ------------------------------------------------------------------------------------------------------ staging

    async def stage(self, *, zone: str, owner_code: str) -> None:
        """Read the whole file into staging tables; refuses it when its rows cannot be told apart."""
        salt = values.digest([owner_code, self.mapping.name])
        await self.clear()
        await self._do("stage")
        with source.opened(self.source) as (text, told):
            table = Table(Lines(text), self.mapping)
            self.header = table.header
            batches = table.batches(zone=zone, now=clock.now(), salt=salt, size=BATCH_ROWS)
            while batch := _next_of(batches):
                await self._keep(batch)
                self.rows += batch.rows
                await self._progress(Step.READING, told(), self.source.size)
        source.require_unchanged(self.source)
        await self._do("staged")

    async def _keep(self, batch: Batch) -> None:
        if batch.taken:
            instants = {row[6] for row in batch.taken}
            self._first = min(min(instants), self._first or max(instants))
            self._last = max(max(instants), self._last)
        named = [(self._codes[cell], cell, self._named[text], n) for (cell, text), n in batch.names.items()]
        await self._copy("rows", batch.taken)
        await self._copy("rejects", batch.rejected, ("line_no", "column_name", "value", "reason", "cells"))
        await self._copy("names", named)
        await self._copy("origins", batch.origins)
        self._corrected = self._corrected or bool(batch.origins)

    async def clear(self) -> None:
        """Drop the staging tables."""
        await DB.run(f"drop table if exists {', '.join(self._tables.values())}")

    # ------------------------------------------------------------------------------------------------------ booking

    async def book(self, desk: Desk) -> None:
        """Post what was staged and is not booked yet, and finish the run with its counts and rejected rows."""
        if desk.create_items:
            made = await self._value("new_items", desk.owner_id, self.mapping.language)
            await self._note(desk, "new_items = new_items + $3", made)
        await self._note(desk, "spellings = $3", await self._value("spellings"))
        for attempt in range(1, TRIES + 1):
            already = await self._match(desk)
            try:
                await self._post(desk)
                break
            except asyncpg.CheckViolationError:
                # Somebody took the same goods in the meantime: what is left is matched anew.
                if attempt == TRIES:
                    raise rules.StockKeepsMoving from None
        await self._fetch_cells()
        await self._finish(desk, already)

    async def _match(self, desk: Desk) -> int:
        """Find what is booked already and what cannot be booked; the number of rows that other runs booked."""
        await self._progress(Step.SORTING, 0, self.rows)
        facts = {
            "warehouse_id": desk.warehouse_id,
            "owner_id": desk.owner_id,
            "location_id": desk.location_id,
            "first_key": uuid.UUID(bytes=self._first.to_bytes(5, "big") + bytes(11)),
            "last_key": uuid.UUID(bytes=self._last.to_bytes(5, "big") + b"\xff" * 11),
        }
        async with DB.transaction():
            await DB.run("set local work_mem = '64MB'")
            await self._do("settle")
            if self._corrected:
                await self._do("forget_origins", desk.warehouse_id, desk.owner_id, self.mapping.name)
            await self._do("ready", **facts)
            if self._corrected:
                await self._do("corrected", desk.warehouse_id, desk.owner_id)
            await self._do("unknown_items", self.mapping.item, Why.UNKNOWN_ITEM)
            await self._do("free", **facts)
            await self._do("floors", **facts)
            judged = self._sql("judged_backdated" if await DB.value(self._sql("is_backdated")) else "judged")
            judged = judged.partition("\n")[2]
            await self._do("lows", judged=judged)
            if not desk.open_missing:
                await self._leave_out_short(judged)
            found = await DB.row(self._sql("matched"))
            assert found is not None
            await self._note(
                desk,
                "state = 'posting', rows = $3, posted = $4, to_post = $5",
                self.rows,
                found["booked"],
                found["accepted"],
            )
        return int(found["already"])

    async def _leave_out_short(self, judged: str) -> None:
        """Reject, one by one in the order of time, the rows that find too little."""
        judge = rules.NotEnough()
        columns = ("line_no", "column_name", "value", "reason", "row_key", "copy")
        short: list[tuple[Any, ...]] = []
        async with DB.connection() as connection:
            async for row in connection.cursor(
                self._sql("short_rows", judged=judged), prefetch=BATCH_ROWS, timeout=PATIENCE_SECONDS
            ):
                item_id, free, change, line_no, row_key, copy = row
                if judge.leaves_out(item_id, free, change):
                    short.append((line_no, self.mapping.quantity, str(change), Why.NOT_ENOUGH, row_key, copy))
                if len(short) == BATCH_ROWS:
                    await self._copy("rejects", short, columns)
                    short = []
        await self._copy("rejects", short, columns)

    async def _post(self, desk: Desk) -> None:
        if desk.open_missing:
            await self._open(desk)
        async with DB.transaction():
            await DB.run("set local work_mem = '64MB'")
            now_ms = int(clock.now().timestamp() * 1000) + 1
            await self._do("post", chunk_size=CHUNK_ROWS, mapping=self.mapping.name, now_ms=now_ms)
        done, total = await DB.row(
            "select posted, to_post from trade_run where warehouse_id = $1 and id = $2", desk.warehouse_id, self.id
        ) or (0, 0)
        for chunk in range(await self._value("chunks")):
            await self._progress(Step.POSTING, done, total)
            done += await self._post_chunk(desk, chunk)
        await self._progress(Step.POSTING, done, total)

    async def _post_chunk(self, desk: Desk, chunk: int) -> int:
        for attempt in range(1, TRIES + 1):
            try:
                return await self._book_chunk(desk, chunk)
            except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
                if attempt == TRIES:
                    raise
                await asyncio.sleep(0.05 * attempt)
        raise AssertionError

    async def _book_chunk(self, desk: Desk, chunk: int) -> int:
        """The movements of a chunk, and which row became which, in one transaction; the number of rows."""
        async with DB.transaction():
            await DB.run("set local work_mem = '64MB'")
            moved = await ledger.post_selected(
                ledger.actor_of(desk.viewer),
                desk.warehouse_id,
                self._sql("chunk_rows"),
                desk.owner_id,
                desk.location_id,
                chunk,
            )
            await self._do("chunk_booked", desk.warehouse_id, self.id, chunk)
            await self._note(desk, "posted = posted + $3", moved)
        return moved

    async def _open(self, desk: Desk) -> None:
        """Post the stock that the history needs, an instant before its first row."""
        items, pieces = await DB.row(self._sql("to_open")) or (0, 0)
        if not items:
            return
        async with DB.transaction():
            await ledger.post_selected(
                ledger.actor_of(desk.viewer),
                desk.warehouse_id,
                self._sql("opening_rows"),
                desk.owner_id,
                desk.location_id,
                desk.file_name,
                await DB.value(self._sql("before")),
                [values.new_id() for _ in range(-(-items // OPENING_LINES))],
            )
            await self._note(desk, "opened = opened + $3, opened_items = opened_items + $4", pieces, items)

    # ---------------------------------------------------------------------------------------------------- finishing

    async def _fetch_cells(self) -> None:
        """Fetch from the file, once more, the cells of the rows that were rejected after staging."""
        lacking = await self._lacking(0)
        if not lacking:
            return
        source.require_unchanged(self.source)
        with source.opened(self.source) as (text, _):
            table = Table(Lines(text), self.mapping)
            place = {name: self.header.index(table.columns[at]) for name, at in table.at.items()}
            while lacking:
                column_of = dict(lacking)
                found = [
                    (line_no, cells[place[column_of[line_no]]][: rules.SHOWN], cells)
                    for line_no, cells in table.cells_at(list(column_of))
                ]
                await self._copy("cells", found)
                lacking = await self._lacking(lacking[-1][0])
        source.require_unchanged(self.source)

    async def _lacking(self, after: int) -> list[tuple[int, str]]:
        rows = await DB.fetch(self._sql("rejects_without_cells"), after, BATCH_ROWS)
        return [(row["line_no"], row["column_name"]) for row in rows]

    async def _finish(self, desk: Desk, already: int) -> None:
        async with DB.transaction():
            reasons, rejected = await DB.row(self._sql("reasons")) or ({}, 0)
            await self._do("keep_rejects", desk.warehouse_id, self.id)
            await DB.run(SQL["finish"], desk.warehouse_id, self.id, self.rows, rejected, already, reasons, self.header)
            after = {
                "file": desk.file_name,
                "mapping": self.mapping.name,
                "rows": self.rows,
                "rejected": rejected,
                "already": already,
            }
            await journal.write(
                desk.viewer, "trade.imported", "trade_run", self.id, after=after, warehouse_id=desk.warehouse_id
            )

    # ------------------------------------------------------------------------------------------------------- its parts

    def _sql(self, name: str, **facts: object) -> str:
        return SQL[name].format(**self._tables, **LEDGER, run_id=self.id, **facts)

    async def _do(self, name: str, *arguments: object, **facts: object) -> None:
        await DB.run(self._sql(name, **facts), *arguments, timeout=PATIENCE_SECONDS)

    async def _value(self, name: str, *arguments: object) -> int:
        return int(await DB.value(self._sql(name), *arguments, timeout=PATIENCE_SECONDS))

    async def _note(self, desk: Desk, change: str, *arguments: object) -> None:
        await DB.run(
            f"update trade_run set {change} where warehouse_id = $1 and id = $2", desk.warehouse_id, self.id, *arguments
        )

    async def _copy(self, name: str, records: Iterable[Any], columns: tuple[str, ...] | None = None) -> None:
        if not records:
            return
        async with DB.connection() as connection:
            await connection.copy_records_to_table(
                f"{name}_{self.id.hex}", schema_name=SCHEMA, records=records, columns=columns, timeout=PATIENCE_SECONDS
            )


def _next_of(batches: Iterator[Batch]) -> Batch | None:
    """The next batch, read without looking for garbage: its rows are ten thousands of tuples, and none is any."""
    gc.disable()
    try:
        return next(batches, None)
    finally:
        gc.enable()


def _name(description: str) -> str:
    """A description as the name of an item: one line of at most 200 characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in description).split())[:200].rstrip()
