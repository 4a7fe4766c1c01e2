"""The database: one engine, one pool, transactions that always give their connection back.

Piccolo's tables and plain SQL share the connection of the running transaction. Nothing session-level is ever set on a
pooled connection, so the pool needs no reset query.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Literal, Self, cast

import asyncpg
import msgspec
from piccolo.engine.postgres import PostgresEngine, PostgresTransaction
from piccolo.querystring import QueryString

from backend.core import writes

Row = dict[str, Any]


class Transaction(PostgresTransaction):
    """Piccolo's transaction with a real savepoint when nested, and a connection that survives a failed COMMIT.

    `waiting` are writes that travel with the next ones, see `Engine.write`.
    """

    __slots__ = ("_savepoint", "waiting")

    async def __aenter__(self) -> Self:
        if self._parent is None:
            self._savepoint = None
            self.waiting: list[writes.Write] = []
            try:
                return cast("Self", await super().__aenter__())
            except BaseException:
                # Cancelled while BEGIN ran: nobody will call __aexit__, so the connection is given back here.
                if (connection := getattr(self, "connection", None)) is not None:
                    connection.terminate()
                    if self.engine.pool:
                        await self.engine.pool.release(connection)
                raise
        await cast("Transaction", self._parent).send()
        self._savepoint = self._parent.connection.transaction()
        await self._savepoint.start()
        return cast("Self", self._parent)

    async def __aexit__(self, kind: Any, exception: Any, traceback: Any) -> Literal[False]:
        if self._savepoint is not None:
            await self._leave_savepoint(bool(kind))
            return False
        try:
            if kind:
                if not self._rolled_back:
                    await self.rollback()  # type: ignore[no-untyped-call]
            elif not (self._committed or self._rolled_back):
                await self._finish()
        finally:
            self.engine.current_transaction.reset(self.context)
            if self.engine.pool:
                await self.engine.pool.release(self.connection)
            else:
                await self.connection.close()
        return False

    async def _leave_savepoint(self, failed: bool) -> None:
        outer, savepoint = cast("Transaction", self._parent), cast("Any", self._savepoint)
        if failed:
            outer.waiting.clear()
            await savepoint.rollback()
            return
        try:
            await outer.send()
        except BaseException:
            await savepoint.rollback()
            raise
        await savepoint.commit()

    async def _finish(self) -> None:
        try:
            await self.send()
        except BaseException:
            await self.rollback()  # type: ignore[no-untyped-call]
            raise
        await self.commit()  # type: ignore[no-untyped-call]

    async def send(self) -> None:
        """Send the writes that wait."""
        if self.waiting:
            sql, arguments = writes.together(self.waiting)
            self.waiting.clear()
            await self.connection.execute(sql, *arguments)


async def _no_reset(connection: Any) -> None:
    """A pooled connection is handed on as it is; asyncpg still rolls an open transaction back."""


def _json(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


async def _codecs(connection: asyncpg.Connection) -> None:
    """JSON columns are read as what they hold; Piccolo, which writes them as text, is left to."""
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(kind, encoder=_json, decoder=msgspec.json.decode, schema="pg_catalog")


class Engine(PostgresEngine):
    """The PostgreSQL engine of Luocang. Made without an address; `open` gives it one."""

    def __init__(self) -> None:
        super().__init__(config={})
        self.current_transaction: ContextVar[Any] = ContextVar("transaction", default=None)

    async def check_version(self) -> None:
        """Nothing at import: the version is looked at by `open`."""

    async def prep_database(self) -> None:
        """Nothing at import: extensions belong to migrations."""

    async def open(self, url: str, *, size: int = 8) -> None:
        """Start the pool on `url`; refuse a PostgreSQL older than 15."""
        self.config = {"dsn": url}
        await self.start_connection_pool(
            min_size=min(2, size),
            max_size=size,
            reset=_no_reset,
            command_timeout=60,
            max_inactive_connection_lifetime=0,
            init=_codecs,
            # A prepared statement keeps its plan; there are a few hundred of them.
            statement_cache_size=1000,
            max_cached_statement_lifetime=0,
            server_settings={"application_name": "luocang", "timezone": "UTC", "jit": "off", "random_page_cost": "1.1"},
        )
        number = int(await self.value("select current_setting('server_version_num')"))
        if number < 150000:
            await self.close()
            raise RuntimeError(f"PostgreSQL {number // 10000} is too old: Luocang needs 15 or newer.")

    async def close(self) -> None:
        """Close the pool, waiting for what runs."""
        if self.pool:
            await self.close_connection_pool()

    def transaction(self, allow_nested: bool = True) -> Transaction:
        """One transaction; nested, a savepoint."""
        return Transaction(engine=self, allow_nested=allow_nested)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """The connection of the running transaction, else one of the pool."""
        source = await self._source()
        if self.current_transaction.get():
            yield source
        else:
            async with source.acquire() as connection:
                yield connection

    async def _source(self) -> Any:
        """What runs a statement: the connection of the running transaction, after the writes that wait, else the pool."""
        if running := self.current_transaction.get():
            if running.waiting:
                await running.send()
            return running.connection
        assert self.pool is not None, "the database is not open"
        return self.pool

    async def run_querystring(self, querystring: QueryString, in_pool: bool = True) -> Any:
        """Run what Piccolo has put together, after the writes that wait."""
        await self._source()
        return await super().run_querystring(querystring, in_pool)

    async def write(self, sql: str, *arguments: Any) -> None:
        """Run a write that answers nothing, in a transaction together with those right before and after it.

        It is sent before anything is read, and before the transaction or its savepoint ends; what PostgreSQL refuses is
        raised there. Its form is ``with … as (…), … select``, an empty selection, with names of parts that no other write has.
        """
        running = self.current_transaction.get()
        if running is None:
            await self.run(sql, *arguments)
            return
        if not writes.fits(running.waiting, sql):
            await running.send()
        running.waiting.append((sql, arguments))

    async def fetch(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        """All rows of a query with ``$n`` parameters."""
        return cast("list[asyncpg.Record]", await (await self._source()).fetch(sql, *arguments))

    async def fetch_with_writes(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        """The rows of a statement that begins with ``with``, in one statement with the writes that wait (which it does not see)."""
        running = self.current_transaction.get()
        if running is None or not running.waiting or not writes.fits(running.waiting, sql):
            return await self.fetch(sql, *arguments)
        together, given = writes.before(running.waiting, (sql, arguments))
        running.waiting.clear()
        return cast("list[asyncpg.Record]", await running.connection.fetch(together, *given))

    async def row(self, sql: str, *arguments: Any) -> asyncpg.Record | None:
        """The first row, or None."""
        return cast("asyncpg.Record | None", await (await self._source()).fetchrow(sql, *arguments))

    async def value(self, sql: str, *arguments: Any, timeout: float | None = None) -> Any:  # noqa: ASYNC109
        """The first column of the first row, or None; `timeout` in seconds where a minute is not enough."""
        return await (await self._source()).fetchval(sql, *arguments, timeout=timeout)

    async def run(self, sql: str, *arguments: Any, timeout: float | None = None) -> str:  # noqa: ASYNC109
        """Run a statement; its command tag, e.g. ``UPDATE 1``."""
        return cast("str", await (await self._source()).execute(sql, *arguments, timeout=timeout))


DB = Engine()


def blocks(path: Path) -> dict[str, str]:
    """The ``-- name: x`` blocks of a `.sql` file, by name."""
    text = path.read_text(encoding="utf-8")
    found = re.findall(r"^-- name: (\w+)\n(.*?)(?=^-- name: |\Z)", text, re.MULTILINE | re.DOTALL)
    return {name: sql.strip() for name, sql in found}
