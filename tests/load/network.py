"""Where the benchmarks take place: a PostgreSQL of their own, and networks of any size in it."""

import os
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import uvloop

from backend.core import migrate
from backend.core.database import DB
from backend.core.embedded import EmbeddedPostgres, programs
from backend.stock import queries

T = TypeVar("T")
TOKEN = "luocang_load_token"
SESSION = "load_session_"
SETTINGS = {
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "jit": "off",
    "fsync": "on",
    "synchronous_commit": "on",
}


@contextmanager
def postgres() -> Iterator[EmbeddedPostgres]:
    """A throwaway PostgreSQL that waits for the disk at each commit, with a migrated database to copy from."""
    with TemporaryDirectory(prefix="luocang-load-") as home:
        os.chmod(home, 0o711)
        with EmbeddedPostgres(Path(home), settings=SETTINGS) as server:
            server.create_database("template_load")
            work(server.url("template_load"), migrate.migrate)
            yield server


def work(url: str, job: Callable[[], Awaitable[T]], *, size: int = 8) -> T:
    """Run `job` with the database open."""

    async def run() -> T:
        await DB.open(url, size=size)
        try:
            return await job()
        finally:
            await DB.close()

    return uvloop.run(run())


def program(name: str, *arguments: str, read: str | None = None) -> str:
    """Run one of PostgreSQL's programs; what it prints."""
    done = subprocess.run(
        [str(programs() / name), *arguments], input=read, capture_output=True, text=True, cwd="/", check=False
    )
    if done.returncode:
        raise RuntimeError(f"{name} failed: {done.stderr[-2000:]}")
    return done.stdout


def empty(server: EmbeddedPostgres, name: str) -> str:
    """The URL of a new migrated database without any rows."""
    server.create_database(name, template="template_load")
    return server.url(name)


def make(server: EmbeddedPostgres, name: str, **size: int) -> str:
    """The URL of a new database `name` with a network of that `size` (see network.sql)."""
    url = empty(server, name)
    variables = {**size, "token": TOKEN, "session": SESSION}
    chosen = [part for key, value in variables.items() for part in ("-v", f"{key}={value}")]
    program("psql", "-Xq", "-v", "ON_ERROR_STOP=1", *chosen, "-f", str(Path(__file__).with_name("network.sql")), url)
    return url


def faults_of_book(url: str) -> list[str]:
    """Everything wrong with a book; empty when it is right."""

    async def prove() -> list[str]:
        wrong = [
            f"{row['what']}: booked {row['booked']}, proven {row['proven']}" for row in await queries.differences()
        ]
        negative = await DB.value("select count(*) from balance where on_hand < 0")
        return wrong + ([f"{negative} negative balances"] if negative else [])

    return work(url, prove)


def value(url: str, sql: str) -> int:
    """One number out of a database."""
    return int(work(url, lambda: DB.value(sql), size=1))
