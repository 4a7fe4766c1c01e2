"""Who is at work on a run: session locks in the database tell it, which a killed process cannot keep."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import blake2b

import asyncpg

from backend.core.database import DB
from backend.trade.posting import SCHEMA

_AT_WORK = """select exists (select from pg_locks where locktype = 'advisory' and granted and objsubid = 1
  and database = (select oid from pg_database where datname = current_database())
  and (classid::bigint << 32) | objid::bigint = $1)"""


class Hands:
    """One worker: a connection of its own that holds what it works on until it ends, however it ends."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def take(self, run_id: uuid.UUID) -> bool:
        """Take a run; False when another worker has it."""
        return bool(await self._connection.fetchval("select pg_try_advisory_lock($1)", _number(run_id.hex)))

    async def alone(self, warehouse: str, exporter: str) -> None:
        """Wait until no other file of this exporter is being imported into this warehouse."""
        await self._connection.execute("select pg_advisory_lock($1)", _number(f"{warehouse} {exporter}"))


@asynccontextmanager
async def hands() -> AsyncIterator[Hands]:
    """A worker for the time of the block."""
    connection = await asyncpg.connect(
        DB.config["dsn"], server_settings={"application_name": "luocang trade", "tcp_keepalives_idle": "60"}
    )
    try:
        yield Hands(connection)
    finally:
        await connection.close()


async def is_at_work(run_id: uuid.UUID) -> bool:
    """Whether a worker has the run."""
    return bool(await DB.value(_AT_WORK, _number(run_id.hex)))


async def drop_left_behind() -> None:
    """Drop the staging tables of runs that nobody works on any more."""
    for row in await DB.fetch("select tablename from pg_tables where schemaname = $1", SCHEMA):
        run_id = uuid.UUID(row["tablename"].rpartition("_")[2])
        if not await is_at_work(run_id):
            await DB.run(f"drop table if exists {SCHEMA}.{row['tablename']}")


def _number(name: str) -> int:
    """A lock's number; shifted right so that it fits the two halves pg_locks shows without a sign."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8, key=b"luocang trade").digest(), "big") >> 1
