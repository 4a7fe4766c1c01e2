"""One embedded PostgreSQL for the run; a fresh, migrated and really committed database for each test module."""

import gc
import itertools
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from backend import main
from backend.access import guards, passwords
from backend.core import migrate
from backend.core.database import DB
from backend.core.embedded import EmbeddedPostgres
from backend.core.settings import Settings
from backend.files.store import store
from backend.stock import codes
from tests import build

Fresh = Callable[[], AbstractAsyncContextManager[str]]

_numbers = itertools.count(1)
# The longest files, which begin first, so that at the end no core waits for another's.
_LONGEST = ("scenarios/", "browser/", "core/test_embedded", "core/test_jobs")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """The whole suite takes a process for each core; what was asked for by name runs here."""
    return 0 if config.args_source is pytest.Config.ArgsSource.ARGS else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; nothing else changes its order."""
    root = f"{Path(__file__).parent}/"

    def rank(item: pytest.Item) -> int:
        name = str(item.path).removeprefix(root)
        return next((rank for rank, long in enumerate(_LONGEST) if name.startswith(long)), len(_LONGEST))

    items.sort(key=rank)


def pytest_collection_finish() -> None:
    """Thousands of tests and all modules stay until the end: the garbage collector need not walk through them."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A throwaway PostgreSQL; its files need not survive, so it does not wait for the disk.

    It vacuums and analyses when a test says so, not when a hundred databases happen to have their turn.
    """
    with tempfile.TemporaryDirectory(prefix="luocang-tests-") as home:
        os.chmod(home, 0o711)
        quick = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "128MB", "synchronous_commit": "off"}
        quick |= {"autovacuum": "off", "wal_level": "minimal", "max_wal_senders": "0"}
        with EmbeddedPostgres(Path(home), settings=quick) as server:
            yield server


@pytest_asyncio.fixture(scope="session")
async def template(postgres: EmbeddedPostgres) -> str:
    """The name of a migrated database to copy from."""
    postgres.create_database("template_luocang")
    await DB.open(postgres.url("template_luocang"), size=2)
    await migrate.migrate()
    await DB.close()
    return "template_luocang"


@pytest.fixture(scope="session")
def fresh(postgres: EmbeddedPostgres, template: str, settings: Settings) -> Fresh:
    """Makes a fresh database and opens it as DB; its URL."""

    @asynccontextmanager
    async def made() -> AsyncIterator[str]:
        store.open(settings.home)
        name = f"test_{next(_numbers)}"
        postgres.create_database(name, template=template)
        url = postgres.url(name)
        await DB.open(url, size=8)
        # What processes keep in memory belongs to one database.
        codes.forget()
        guards.forget_all()
        yield url
        await DB.close()
        postgres.drop_database(name)

    return made


@pytest_asyncio.fixture(scope="module")
async def database(fresh: Fresh) -> AsyncIterator[str]:
    """A fresh database for each module, opened as DB; its URL."""
    async with fresh() as url:
        yield url


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of the application under test; the database is opened by its own fixture."""
    return Settings(
        database_url="",
        secret_key="a-secret-only-for-tests-0123456789abcdef",
        base_url="http://testserver",
        home=tmp_path_factory.mktemp("home"),
    )


@pytest.fixture(scope="session", autouse=True)
def one_hash_for_everybody() -> Iterator[None]:
    """The password of all the people of `build` is hashed once, in full strength, and not a thousand times."""
    hashed, kept = passwords.hashed, ""

    async def remembered(password: str) -> str:
        nonlocal kept
        if password != build.PASSWORD:
            return await hashed(password)
        kept = kept or await hashed(password)
        return kept

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "hashed", remembered)
        yield


@pytest.fixture(scope="session")
def application(settings: Settings) -> Any:
    """The whole application, made once, as a process that serves makes it; it keeps nothing of any database."""
    return main.create_app(settings, open_database=False)


@pytest_asyncio.fixture
async def client(database: str, application: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A browser or program talking to the whole application in this process; redirects are not followed."""
    transport = httpx.ASGITransport(app=application)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as browser:
        yield browser
