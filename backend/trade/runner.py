"""Runs that people start in the browser: each is worked off by a process of its own, a few at a time.

A run that stopped with its process, or with the whole platform, is started again when the platform starts.
"""

import asyncio
import contextlib
import logging
import os
import sys
import time
import uuid
from pathlib import Path

import asyncpg

from backend.core.database import DB
from backend.trade import work
from backend.trade.rules import State

log = logging.getLogger("luocang.trade")
FOLDER = "imports"
AT_ONCE = 2
STOP_SECONDS = 10
KEPT_SECONDS = 24 * 3600

_WAITING = """select id, stored_file from trade_run
where state = any($1::text[]) and stored_file is not null order by created_at"""

_tasks: set[asyncio.Task[None]] = set()
_places: dict[asyncio.AbstractEventLoop, asyncio.Semaphore] = {}


def folder(home: Path) -> Path:
    """Where uploaded files wait."""
    made = home / FOLDER
    made.mkdir(parents=True, exist_ok=True)
    return made


def start(run_id: uuid.UUID) -> None:
    """Have a run worked off, as soon as there is a place for it."""
    task = asyncio.get_running_loop().create_task(_worked_off(run_id))
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


async def resume_interrupted(home: Path) -> int:
    """Start the uploaded runs that nobody is at work on, and drop files that no run needs; the number of runs."""
    try:
        waiting = await DB.fetch(_WAITING, [State.QUEUED, State.READING, State.POSTING])
    except asyncpg.UndefinedTableError:
        # A database that is still to be migrated has no runs; that it is to be migrated is said elsewhere.
        return 0
    started = 0
    for row in waiting:
        if Path(row["stored_file"]).is_file() and not await work.is_at_work(row["id"]):
            start(row["id"])
            started += 1
    needed = {row["stored_file"] for row in waiting}
    for path in (home / FOLDER).glob("*"):
        if str(path) not in needed and path.stat().st_mtime < time.time() - KEPT_SECONDS:
            path.unlink(missing_ok=True)
    return started


async def settle() -> None:
    """Wait for every run that was started here (tests)."""
    while _tasks:
        await asyncio.gather(*_tasks, return_exceptions=True)


async def stop() -> None:
    """End the processes; what they did not finish is resumed when the platform starts again."""
    for task in list(_tasks):
        task.cancel()
    await asyncio.gather(*_tasks, return_exceptions=True)


async def _worked_off(run_id: uuid.UUID) -> None:
    places = _places.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE))
    async with places:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "backend", "trade-run", str(run_id)),
            # Not as an argument: everybody on the machine may read those.
            env={**os.environ, "LUOCANG_DATABASE_URL": DB.config["dsn"]},
            stdin=asyncio.subprocess.DEVNULL,
        )
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
            if process.returncode is None:
                process.kill()
            raise
        if code:
            log.error("import %s ended with %s; it can be resumed on its page", run_id, code)
