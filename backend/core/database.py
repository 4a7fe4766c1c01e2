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

Row = dict[str, Any]


class Transaction(PostgresTransaction):
    """Piccolo's transaction with a real savepoint when nested, and a connection that survives a failed COMMIT."""

    __slots__ = ("_savepoint",)

    async def __aenter__(self) -> Self:
        if self._parent is None:
            self._savepoint = None
            try:
                return cast("Self", await super().__aenter__())
            except BaseException:
                # Cancelled while BEGIN ran: nobody will call __aexit__, so the connection is given back here.
                if (connection := getattr(self, "connection", None)) is not None:
                    connection.terminate()
                    if self.engine.pool:
                        await self.engine.pool.release(connection)
                raise
        self._savepoint = self._parent.connection.transaction()
        await self._savepoint.start()
        return cast("Self", self._parent)

    async def __aexit__(self, kind: Any, exception: Any, traceback: Any) -> Literal[False]:
        if self._savepoint is not None:
            await (self._savepoint.rollback() if kind else self._savepoint.commit())
            return False
        try:
            if kind:
                if not self._rolled_back:
                    await self.rollback()  # type: ignore[no-untyped-call]
            elif not (self._committed or self._rolled_back):
                await self.commit()  # type: ignore[no-untyped-call]
        finally:
            self.engine.current_transaction.reset(self.context)
            if self.engine.pool:
                await self.engine.pool.release(self.connection)
            else:
                await self.connection.close()
        return False


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
        if running := self.current_transaction.get():
            yield running.connection
        else:
            assert self.pool is not None, "the database is not open"
            async with self.pool.acquire() as connection:
                yield connection

    async def fetch(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        """All rows of a query with ``$n`` parameters."""
        async with self.connection() as connection:
            return cast("list[asyncpg.Record]", await connection.fetch(sql, *arguments))

    async def row(self, sql: str, *arguments: Any) -> asyncpg.Record | None:
        """The first row, or None."""
        async with self.connection() as connection:
            return await connection.fetchrow(sql, *arguments)

    async def value(self, sql: str, *arguments: Any, timeout: float | None = None) -> Any:  # noqa: ASYNC109
        """The first column of the first row, or None; `timeout` in seconds where a minute is not enough."""
        async with self.connection() as connection:
            return await connection.fetchval(sql, *arguments, timeout=timeout)

    async def run(self, sql: str, *arguments: Any, timeout: float | None = None) -> str:  # noqa: ASYNC109
        """Run a statement; its command tag, e.g. ``UPDATE 1``."""
        async with self.connection() as connection:
            return cast("str", await connection.execute(sql, *arguments, timeout=timeout))


DB = Engine()


def blocks(path: Path) -> dict[str, str]:
    """The ``-- name: x`` blocks of a `.sql` file, by name."""
    text = path.read_text(encoding="utf-8")
    found = re.findall(r"^-- name: (\w+)\n(.*?)(?=^-- name: |\Z)", text, re.MULTILINE | re.DOTALL)
    return {name: sql.strip() for name, sql in found}
