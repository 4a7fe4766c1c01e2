"""The worker: takes jobs from the queue and does them. The one place that knows pgqueuer."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import asyncpg
import msgspec
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence import qb
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Job
from pgqueuer.domain.settings import DBSettings
from pgqueuer.domain.types import Channel, JobId

from backend.core.jobs import Handler, Pace, Trouble, wait_for
from backend.core.text import N_

log = logging.getLogger("luocang.jobs")

CHANNEL = Channel("job_changed")
NAMES = DBSettings(
    prefix="",
    db_schema=None,
    channel=CHANNEL,
    function="job_changed",
    trigger="job_changed",
    queue_status_type="job_status",
    queue_table="job",
    queue_table_log="job_log",
    statistics_table="job_statistics",
    schedules_table="job_schedule_of_pgqueuer",  # not made: times are kept in job_schedule, each taken once
)
_ENVIRONMENT, _QUEUE, _SCHEDULER = (
    qb.QueryBuilderEnvironment(NAMES),
    qb.QueryQueueBuilder(NAMES),
    qb.QuerySchedulerBuilder(NAMES),
)
POLL = timedelta(seconds=30)


class Failed(Exception):
    """The last try of a job failed; the text is a Trouble."""


def queries(connection: asyncpg.Connection) -> Queries:
    """The queue, spoken to over this connection and inside its transaction."""
    return Queries(AsyncpgDriver(connection), _ENVIRONMENT, _QUEUE, _SCHEDULER)


async def put_back(connection: asyncpg.Connection, job_id: int) -> None:
    """A failed job waits again, with all its tries."""
    await queries(connection).requeue_jobs([JobId(job_id)])


class Worker:
    """Works off the jobs of known names over a connection of its own; comes back when the database does."""

    def __init__(self, url: str, handlers: Mapping[str, Handler], pace: Pace) -> None:
        self.url = url
        self.handlers = handlers
        self.pace = pace
        self.trying: set[asyncio.Task[Any]] = set()
        self.manager: QueueManager | None = None
        self.idle = asyncio.Event()

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until `stopping`."""
        try:
            while not stopping.is_set():
                try:
                    await self._work(stopping)
                except Exception as error:  # a lost connection has many names
                    log.warning("the worker lost the database and comes back: %s", error)
                await wait_for(stopping, self.pace.reconnect)
        finally:
            self.idle.set()

    async def finish(self, grace: float) -> None:
        """Take no more jobs; what runs has `grace` seconds, then it is given back to the queue."""
        if self.manager:
            self.manager.shutdown.set()
        await wait_for(self.idle, grace)
        for task in self.trying:
            task.cancel()

    async def _work(self, stopping: asyncio.Event) -> None:
        connection = await asyncpg.connect(
            self.url,
            timeout=10,
            command_timeout=60,
            server_settings={"application_name": "luocang worker", "timezone": "UTC", "jit": "off"},
        )
        try:
            self.manager = manager = QueueManager(queries(connection), CHANNEL)
            for handler in self.handlers.values():
                limit = 1 if handler.alone else 0
                manager.entrypoint(handler.name, concurrency_limit=limit, accepts_context=False, on_failure="hold")(
                    self._attempt(handler)
                )
            connection.add_termination_listener(lambda _: manager.shutdown.set())
            if not stopping.is_set():
                await manager.run(
                    dequeue_timeout=POLL,
                    batch_size=max(1, self.pace.at_once // 2),
                    max_concurrent_tasks=max(2, self.pace.at_once),
                    shutdown_on_listener_failure=True,
                    heartbeat_timeout=timedelta(seconds=self.pace.patience),
                    log_aggregation_interval=timedelta(0),
                )
        finally:
            self.manager = None
            await connection.close(timeout=5)

    def _attempt(self, handler: Handler) -> Callable[[Job], Awaitable[None]]:
        """One try of a job of this handler: done, put back for later, or failed for good."""

        async def attempt(job: Job) -> None:
            task = asyncio.current_task()
            assert task is not None
            self.trying.add(task)
            limit = asyncio.timeout(handler.limit.total_seconds())
            try:
                async with limit:
                    await handler.action(msgspec.json.decode(job.payload or b"{}"))
            except asyncio.CancelledError:
                # The process ends. The job is not to blame: another process takes it up at once.
                stopped = Trouble("", N_("The process that did this was stopped. Another one takes it up."))
                raise RetryRequested(timedelta(0), _kept(stopped)) from None
            except Exception as error:
                number = secrets.token_hex(4)
                log.error("fault %s in job %s of %s", number, job.id, handler.name, exc_info=error)
                trouble = Trouble.of(error, number, handler.limit if limit.expired() else None)
                if job.attempts + 1 >= handler.tries:
                    raise Failed(_kept(trouble)) from None
                raise RetryRequested(self.pace.pause(job.attempts + 1), _kept(trouble)) from None
            finally:
                self.trying.discard(task)

        return attempt


def _kept(trouble: Trouble) -> str:
    return msgspec.json.encode(trouble).decode()
