"""Jobs: work that is done later, or by the clock, once however many processes there are.

The queue is PostgreSQL, kept by pgqueuer: a job put in by a transaction is there when that commits and never was when it
rolls back. A process that dies leaves its job to another, so what a handler does must be right when it is done twice.
The library takes a quarter of a second to load: it is loaded (`backend/core/worker.py`) when it is first needed.
"""

import asyncio
import importlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import msgspec

from backend.core import clock
from backend.core.database import DB, blocks
from backend.core.errors import Conflict, NotFound, Refusal
from backend.core.listing import Column, Key, Listing
from backend.core.text import N_, P_

if TYPE_CHECKING:
    from backend.core.worker import Worker

log = logging.getLogger("luocang.jobs")
SQL = blocks(Path(__file__).with_name("jobs.sql"))
KEPT_DAYS = 90


@dataclass(frozen=True, slots=True)
class Handler:
    """What is done for the jobs of a `name`; `title` (a message id) says it to people.

    `action` gets the payload. It must be right when it is done twice. A try that takes longer than `limit` fails; after
    `tries` of them the job has failed and waits for somebody to look. `alone`: never two at once, in any process.
    """

    name: str
    title: str
    action: Callable[[dict[str, Any]], Awaitable[object]]
    tries: int = 5
    limit: timedelta = timedelta(minutes=30)
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Scheduled:
    """Work done by the clock: `cron` in UTC (five fields), otherwise as a Handler; `action` asks for nothing."""

    name: str
    cron: str
    title: str
    action: Callable[[], Awaitable[object]]
    tries: int = 5
    limit: timedelta = timedelta(minutes=30)

    def handler(self) -> Handler:
        """The same as what is done for its jobs."""

        async def act(_: dict[str, Any]) -> None:
            await self.action()

        return Handler(self.name, self.title, act, self.tries, self.limit, alone=True)

    def last_due(self, now: datetime) -> datetime:
        """When it was last due at or before `now`."""
        return _cron(self.cron, now + timedelta(microseconds=1)).get_prev(datetime)  # type: ignore[no-any-return]

    def next_due(self, now: datetime) -> datetime:
        """When it is due next after `now`."""
        return _cron(self.cron, now).get_next(datetime)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a worker goes. Times in seconds; tests shorten them.

    `at_once`: jobs running in this process at most. `first_pause`: after the first failed try, four times longer after
    each further one, an hour at most. `patience`: when a process is silent that long, its jobs are given to another.
    `reconnect`: between two attempts to reach the database. `grace`: what runs at the end has that long to finish.
    `settle_in`: before the worker begins, so that it does not delay the first page.
    """

    at_once: int = 4
    first_pause: float = 30
    patience: float = 60
    reconnect: float = 2
    grace: float = 10
    settle_in: float = 1

    def pause(self, failures: int) -> timedelta:
        """How long a job waits after that many failed tries."""
        return timedelta(seconds=min(self.first_pause * 4 ** min(failures - 1, 20), 3600))


class Trouble(msgspec.Struct, frozen=True):
    """Why a try failed: a message id with its facts, and the number under which the process's log has the details."""

    number: str
    sentence: str
    facts: dict[str, str | int] = {}

    @classmethod
    def of(cls, error: BaseException, number: str, limit: timedelta | None = None) -> "Trouble":
        """What may be shown of an error: a refusal's own sentence; of a fault of ours only its number. `limit`: it was too slow."""
        if isinstance(error, Refusal):
            facts = {key: value if isinstance(value, int) else str(value) for key, value in error.facts.items()}
            return cls(number, error.sentence, facts)
        if limit is not None:
            minutes = max(1, round(limit.total_seconds() / 60))
            return cls(number, N_("It was not done after %(minutes)s minutes and was stopped."), {"minutes": minutes})
        return cls(number, N_("Something went wrong on our side. The log of the process tells more under this number."))

    @classmethod
    def read(cls, kept: str | None) -> "Trouble | None":
        """The trouble as the queue kept it."""
        if kept is None:
            return None
        try:
            return msgspec.json.decode(kept, type=cls)
        except msgspec.DecodeError:
            return cls("", N_("The database did not answer while this ran."))


class AlreadyAsked(Conflict):
    """The same work waits or runs."""

    sentence = N_("This work is waiting or running already. Wait until it is done, then look at its result.")


class NotFailed(NotFound):
    """Only what has failed can be tried again."""

    sentence = N_("This job has not failed, or is known no more. Load the page again to see how it stands.")


# ------------------------------------------------------------------------------------------------------------ asking


async def enqueue(
    name: str,
    payload: Mapping[str, Any] | None = None,
    *,
    dedupe_key: str | None = None,
    run_after: timedelta | None = None,
) -> int | None:
    """Ask for a job inside the caller's transaction; its id.

    With a `dedupe_key` under which a job waits or runs, nothing is added and None returned. `run_after` is how long it
    waits at least. Only for rare transactions: the wake-up it sends holds other commits up.
    """
    from backend.core import worker

    async with DB.connection() as connection:
        ids = await worker.queries(connection).enqueue(
            name,
            msgspec.json.encode(payload or {}),
            execute_after=run_after,
            dedupe_key=dedupe_key,
            on_conflict="skip",
        )
    return ids[0]


async def run_now(name: str) -> int:
    """Ask for a run of scheduled work beside its times; the job's id."""
    async with DB.transaction():
        job_id = await enqueue(name, dedupe_key=_key(name))
        if job_id is None:
            raise AlreadyAsked
        await DB.run(SQL["remember_run"], name, job_id)
    return job_id


async def try_again(job_id: int) -> str:
    """Put a failed job back, with all its tries; its name."""
    from backend.core import worker

    try:
        async with DB.transaction():
            name = await DB.value(SQL["failed_job"], job_id)
            if name is None:
                raise NotFailed
            async with DB.connection() as connection:
                await worker.put_back(connection, job_id)
            await DB.run(SQL["wake"])
    except asyncpg.UniqueViolationError:
        raise AlreadyAsked from None
    return str(name)


async def forget(now: datetime) -> None:
    """Forget jobs that ended more than 90 days before `now`; what waits or runs is kept."""
    await DB.run(SQL["forget"], now - timedelta(days=KEPT_DAYS), timeout=600)


# --------------------------------------------------------------------------------------------------------- the clock


async def claim_due(schedules: Sequence[Scheduled], now: datetime) -> list[int]:
    """Ask for a run of whatever was due since it was last taken care of; the ids of the jobs.

    However many processes call this, each time of each schedule is taken by one. Times that passed while nobody looked
    are made up for once. Work that still waits or runs is not asked for a second time.
    """
    due = [[each.name for each in schedules], [each.last_due(now) for each in schedules]]
    if not await DB.fetch(SQL["due"], *due):
        return []
    asked: list[int] = []
    async with DB.transaction():
        for row in await DB.fetch(SQL["claim_due"], *due):
            job_id = await enqueue(row["name"], dedupe_key=_key(row["name"]))
            if job_id is not None:
                await DB.run(SQL["remember_run"], row["name"], job_id)
                asked.append(job_id)
    return asked


async def keep_time(schedules: Sequence[Scheduled], stopping: asyncio.Event, pause: float) -> None:
    """Look at the clock whenever something is due, at least every minute, until `stopping`."""
    while not stopping.is_set():
        try:
            now = clock.now()
            await claim_due(schedules, now)
            next_due = min((each.next_due(now) for each in schedules), default=now + timedelta(minutes=1))
            wait = min(60.0, max(0.0, (next_due - clock.now()).total_seconds()))
        except Exception as error:  # whatever it is, the clock goes on: the next look takes up what this one missed
            log.warning("the clock of the jobs stood still: %s", error)
            wait = pause
        await wait_for(stopping, wait)


async def wait_for(event: asyncio.Event, seconds: float) -> None:
    """Wait until the event, at most so long."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass


@asynccontextmanager
async def working(
    url: str, handlers: Iterable[Handler], schedules: Sequence[Scheduled] = (), pace: Pace | None = None
) -> AsyncIterator[None]:
    """While the block runs, this process works off jobs and keeps the clock. DB is open; the worker has a connection of its own."""
    pace = pace or Pace()
    known = {handler.name: handler for handler in (*handlers, *(each.handler() for each in schedules))}
    stopping = asyncio.Event()
    started: list[Worker] = []

    async def work() -> None:
        await wait_for(stopping, pace.settle_in)
        module = await asyncio.to_thread(importlib.import_module, "backend.core.worker")
        started.append(module.Worker(url, known, pace))
        await asyncio.gather(started[0].run(stopping), keep_time(schedules, stopping, pace.reconnect))

    task = asyncio.create_task(work())
    task.add_done_callback(_ended)
    try:
        yield
    finally:
        stopping.set()
        for worker in started:
            await worker.finish(pace.grace)
        await asyncio.wait({task}, timeout=pace.grace)
        task.cancel()
        await asyncio.wait({task})


def _ended(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("the worker ended", exc_info=error)


# ------------------------------------------------------------------------------------------------------------ asking after

STATES = {
    "waiting": N_("Waiting"),
    "running": N_("Running"),
    "failed": N_("Failed"),
    "done": N_("Done"),
}

JOBS = Listing(
    source="job_seen s",
    joins="cross join lateral job_story(s.id) t",
    fields={
        "id": "s.id",
        "name": "s.name",
        "state": "s.state",
        "not_before": "s.not_before",
        "asked_at": "t.asked_at",
        "started_at": "t.started_at",
        "ended_at": "t.ended_at",
        "tries": "t.tries",
        "trouble": "t.trouble",
    },
    key=(Key("s.id"),),
    descending=True,
    columns=(
        Column(N_("Job"), "s.id"),
        Column(N_("Work"), "s.name"),
        Column(N_("State"), "s.state"),
        Column(N_("Asked for"), "t.asked_at"),
        Column(N_("Tries"), "t.tries"),
        Column(N_("Last try"), "t.started_at"),
        Column(P_("time", "Ended"), "t.ended_at"),
    ),
)


DONE = replace(JOBS, source="job_done s")


def listing(state: str) -> Listing:
    """The list in which jobs of this state stand."""
    return DONE if state == "done" else JOBS


async def schedule_rows() -> dict[str, asyncpg.Record]:
    """How the last run of each scheduled work stands, by name: when due, job, state, tries, start, end, trouble."""
    return {row["name"]: row for row in await DB.fetch(SQL["schedules"])}


async def counts() -> dict[str, int]:
    """How many jobs wait, run and have failed."""
    return {row["state"]: row["jobs"] for row in await DB.fetch(SQL["counts"])}


async def states(ids: Sequence[int]) -> list[asyncpg.Record]:
    """How these jobs stand: id, name, state, tries, trouble."""
    return await DB.fetch(SQL["states"], list(ids))


def _key(name: str) -> str:
    """Under which a run of scheduled work is asked for, so that it waits or runs once."""
    return f"schedule:{name}"


def _cron(expression: str, at: datetime) -> Any:
    from croniter import croniter

    return croniter(expression, at)
