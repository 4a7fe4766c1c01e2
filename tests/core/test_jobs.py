"""Jobs: asked for by a transaction, done once, tried again, and given up where people see it."""

import asyncio
import dataclasses
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core import clock, jobs, migrate, worker
from backend.core.database import DB
from backend.core.embedded import EmbeddedPostgres
from backend.core.errors import Refusal
from backend.core.jobs import Handler, Pace, Scheduled, Trouble

pytestmark = pytest.mark.usefixtures("database")
QUICK = Pace(first_pause=0.05, reconnect=0.05, grace=5, settle_in=0)


class TooHeavy(Refusal):
    """A rule that a job runs into."""

    sentence = "The parcel weighs %(weight_kg)s kg. Split it."


class Done:
    """A handler that notes what it was given, and fails as often as it is told to."""

    def __init__(self, failures: int = 0, error: type[Exception] = ZeroDivisionError) -> None:
        self.given: list[dict[str, Any]] = []
        self.failures = failures
        self.error = error

    async def __call__(self, payload: dict[str, Any]) -> None:
        self.given.append(payload)
        if len(self.given) <= self.failures:
            raise self.error()


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await true():  # noqa: ASYNC110 what is waited for happens in the database
            await asyncio.sleep(0.02)


async def settled(*ids: int | None) -> list[asyncpg.Record]:
    """How the jobs stand once none of them waits or runs."""
    known = [job_id for job_id in ids if job_id is not None]

    async def over() -> bool:
        rows = await jobs.states(known)
        return len(rows) == len(known) and all(row["state"] in ("done", "failed") for row in rows)

    await until(over)
    return await jobs.states(known)


async def test_the_schema_is_the_one_the_library_declares() -> None:
    async with DB.connection() as connection:
        plan = await worker.queries(connection).plan_upgrade()
    assert [each for each in plan.statements if worker.NAMES.schedules_table not in each] == []
    assert plan.notes == ()


async def test_a_rollback_takes_the_job_with_it_and_a_commit_runs_it(database: str) -> None:
    did = Done()
    async with jobs.working(database, [Handler("t.rollback", "", did)], pace=QUICK):
        with pytest.raises(ZeroDivisionError):
            async with DB.transaction():
                await jobs.enqueue("t.rollback", {"n": 1})
                raise ZeroDivisionError
        async with DB.transaction():
            kept = await jobs.enqueue("t.rollback", {"n": 2})
        assert [row["state"] for row in await settled(kept)] == ["done"]
    assert did.given == [{"n": 2}]


async def test_what_waits_under_a_key_is_not_asked_for_twice(database: str) -> None:
    did = Done()
    first = await jobs.enqueue("t.key", {"n": 1}, dedupe_key="parcel:1")
    assert await jobs.enqueue("t.key", {"n": 2}, dedupe_key="parcel:1") is None
    other = await jobs.enqueue("t.key", {"n": 3}, dedupe_key="parcel:2")
    async with jobs.working(database, [Handler("t.key", "", did)], pace=QUICK):
        await settled(first, other)
        again = await jobs.enqueue("t.key", {"n": 4}, dedupe_key="parcel:1")
        await settled(again)
    assert sorted(each["n"] for each in did.given) == [1, 3, 4]


async def test_a_job_waits_as_long_as_it_is_told_to(database: str) -> None:
    did = Done()
    async with jobs.working(database, [Handler("t.later", "", did)], pace=QUICK):
        later = await jobs.enqueue("t.later", run_after=timedelta(seconds=0.4))
        began = time.monotonic()
        await settled(later)
    assert time.monotonic() - began >= 0.3


async def test_what_fails_is_tried_again_after_longer_and_longer_pauses(database: str) -> None:
    did = Done(failures=2)
    async with jobs.working(database, [Handler("t.shaky", "", did, tries=3)], pace=QUICK):
        job_id = await jobs.enqueue("t.shaky")
        began = time.monotonic()
        row = (await settled(job_id))[0]
    assert (row["state"], row["tries"], len(did.given)) == ("done", 3, 3)
    assert time.monotonic() - began >= 0.05 + 0.2


async def test_after_the_last_try_it_has_failed_and_can_be_tried_again(database: str) -> None:
    did = Done(failures=2, error=lambda: TooHeavy(weight_kg=31))  # type: ignore[arg-type]
    async with jobs.working(database, [Handler("t.heavy", "", did, tries=2)], pace=QUICK):
        job_id = await jobs.enqueue("t.heavy", dedupe_key="heavy")
        row = (await settled(job_id))[0]
        assert (row["state"], row["tries"]) == ("failed", 2)
        trouble = Trouble.read(row["trouble"])
        assert trouble is not None
        assert trouble.sentence % trouble.facts == "The parcel weighs 31 kg. Split it."
        assert len(trouble.number) == 8
        assert (await jobs.counts()).get("failed") == 1

        assert job_id is not None
        async with DB.transaction():
            assert await jobs.try_again(job_id) == "t.heavy"
            row = (await jobs.states([job_id]))[0]
            assert (row["state"], row["tries"], row["trouble"]) == ("waiting", 2, None)
        assert [each["state"] for each in await settled(job_id)] == ["done"]
        with pytest.raises(jobs.NotFailed):
            await jobs.try_again(job_id)


async def test_a_fault_of_ours_shows_its_number_and_nothing_else(database: str) -> None:
    async def leak(_: dict[str, Any]) -> None:
        raise RuntimeError("password=secret")

    async with jobs.working(database, [Handler("t.leak", "", leak, tries=1)], pace=QUICK):
        row = (await settled(await jobs.enqueue("t.leak")))[0]
    assert row["state"] == "failed"
    assert "secret" not in row["trouble"]
    assert "secret" not in str(await DB.value("select jsonb_agg(traceback) from job_log where job_id = $1", row["id"]))


async def test_a_failed_job_is_not_put_back_beside_one_with_its_key(database: str) -> None:
    async with jobs.working(database, [Handler("t.twin", "", Done(failures=9), tries=1)], pace=QUICK):
        failed = await jobs.enqueue("t.twin", dedupe_key="twin")
        await settled(failed)
    assert failed is not None
    waits = await jobs.enqueue("t.twin", dedupe_key="twin")
    assert waits is not None
    with pytest.raises(jobs.AlreadyAsked):
        await jobs.try_again(failed)
    assert {row["state"] for row in await jobs.states([failed, waits])} == {"failed", "waiting"}
    await DB.run("delete from job where entrypoint = 't.twin'")


async def test_a_try_that_takes_too_long_fails(database: str) -> None:
    async def sleep(_: dict[str, Any]) -> None:
        await asyncio.sleep(60)

    slow = Handler("t.slow", "", sleep, tries=1, limit=timedelta(seconds=0.1))
    async with jobs.working(database, [slow], pace=QUICK):
        row = (await settled(await jobs.enqueue("t.slow")))[0]
    assert row["state"] == "failed"
    assert "not done after" in row["trouble"]


async def test_work_that_stands_alone_never_runs_twice_at_once(database: str) -> None:
    running, most = 0, 0

    async def alone(_: dict[str, Any]) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.05)
        running -= 1

    handler = Handler("t.alone", "", alone, alone=True)
    async with jobs.working(database, [handler], pace=QUICK), jobs.working(database, [handler], pace=QUICK):
        await settled(*[await jobs.enqueue("t.alone") for _ in range(4)])
    assert most == 1


async def test_what_runs_at_the_end_is_given_back_and_done_by_another(database: str) -> None:
    began, finish = asyncio.Event(), asyncio.Event()

    async def long(_: dict[str, Any]) -> None:
        began.set()
        await finish.wait()

    handler = Handler("t.long", "", long)
    async with jobs.working(database, [handler], pace=Pace(settle_in=0, grace=0.1)):
        job_id = await jobs.enqueue("t.long")
        await asyncio.wait_for(began.wait(), 10)
    assert job_id is not None
    assert [row["state"] for row in await jobs.states([job_id])] == ["waiting"]
    finish.set()
    async with jobs.working(database, [handler], pace=QUICK):
        assert [row["state"] for row in await settled(job_id)] == ["done"]


async def test_a_worker_survives_a_lost_connection(database: str) -> None:
    did = Done()
    async with jobs.working(database, [Handler("t.lost", "", did)], pace=QUICK):
        await settled(await jobs.enqueue("t.lost"))
        killed = await DB.value(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity "
            "where application_name = 'luocang worker' and datname = current_database()"
        )
        assert killed == 1
        await settled(await jobs.enqueue("t.lost"))
    assert len(did.given) == 2


async def test_the_job_of_a_process_that_died_is_done_by_another(database: str) -> None:
    did = Done()
    job_id = await jobs.enqueue("t.orphan")
    await DB.run(
        "update job set status = 'picked', slot = 0, queue_manager_id = gen_random_uuid(), "
        "heartbeat = now() - make_interval(secs => $2) where id = $1",
        job_id,
        QUICK.patience + 1,
    )
    async with jobs.working(database, [Handler("t.orphan", "", did, alone=True)], pace=QUICK):
        await settled(job_id)
    assert len(did.given) == 1


async def test_a_worker_comes_back_with_the_database_and_so_does_the_clock() -> None:
    ran: list[datetime] = []

    async def act() -> None:
        ran.append(clock.now())

    before = DB.config["dsn"]
    with tempfile.TemporaryDirectory(prefix="luocang-tests-") as home:
        Path(home).chmod(0o711)
        server = EmbeddedPostgres(Path(home), settings={"fsync": "off", "shared_buffers": "16MB"})
        server.start()
        server.create_database("going")
        await DB.close()
        await DB.open(server.url("going"), size=4)
        try:
            await migrate.migrate()
            # A note that was lost with the connection leaves its job picked: it is given out again after `patience`.
            pace = dataclasses.replace(QUICK, patience=1)
            async with jobs.working(server.url("going"), [], [Scheduled("t.tick", "* * * * * *", "", act)], pace):
                await until(lambda: _true(ran))
                server.stop()
                seen = len(ran)
                await asyncio.sleep(0.5)
                assert len(ran) <= seen + 1
                server.start()
                await until(lambda: _true(ran[seen + 1 :]))
        finally:
            await DB.close()
            server.stop()
            await DB.open(before, size=8)


async def _true(value: object) -> bool:
    return bool(value)


# --------------------------------------------------------------------------------------------------------- the clock


async def test_scheduled_work_runs_once_over_all_processes(database: str) -> None:
    ran: list[datetime] = []

    async def act() -> None:
        ran.append(clock.now())

    every_second = Scheduled("t.second", "* * * * * *", "", act)
    async with AsyncExitStack() as stack:
        for _ in range(4):
            await stack.enter_async_context(jobs.working(database, [], [every_second], QUICK))
        await asyncio.sleep(2.5)
    taken = await DB.value("select count(*) from job_log where entrypoint = 't.second' and status = 'queued'")
    assert taken == len(ran)
    assert 2 <= len(ran) <= 4
    assert len({int(at.timestamp()) for at in ran}) >= len(ran) - 1


async def test_each_time_is_taken_by_one_of_many() -> None:
    nightly = Scheduled("t.night", "0 3 * * *", "", Done(), tries=1)  # type: ignore[arg-type]
    night = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)

    async def asked(at: datetime) -> int:
        return sum(len(each) for each in await asyncio.gather(*(jobs.claim_due([nightly], at) for _ in range(6))))

    assert await asked(night) == 1
    assert await asked(night + timedelta(hours=5)) == 0, "the same night"
    assert await asked(night - timedelta(days=1)) == 0, "a clock that is behind"
    assert await asked(night + timedelta(days=1)) == 0, "the run of the first night still waits"
    await DB.run("delete from job where entrypoint = 't.night'")
    assert await asked(night + timedelta(days=1)) == 0, "that night is taken care of"
    assert await asked(night + timedelta(days=9)) == 1, "nights that were missed are made up for once"
    await DB.run("delete from job where entrypoint = 't.night'")


async def test_run_now_leaves_the_times_alone_and_runs_once(database: str) -> None:
    did = Done()

    async def act() -> None:
        await did({})

    yearly = Scheduled("t.year", "0 0 1 1 *", "", act)
    job_id = await jobs.run_now("t.year")
    with pytest.raises(jobs.AlreadyAsked):
        await jobs.run_now("t.year")
    async with jobs.working(database, [yearly.handler()], pace=QUICK):
        await settled(job_id)
    row = (await jobs.schedule_rows())["t.year"]
    assert (row["job_id"], row["state"], row["tries"]) == (job_id, "done", 1)
    assert row["ended_at"] >= row["started_at"]
    assert len(did.given) == 1


@given(st.datetimes(timezones=st.just(UTC)), st.integers(0, 59), st.integers(0, 23))
def test_the_times_of_a_day_follow_each_other(at: datetime, minute: int, hour: int) -> None:
    daily = Scheduled("t", f"{minute} {hour} * * *", "", Done())  # type: ignore[arg-type]
    at = at.replace(year=2026 + at.year % 10, day=min(at.day, 28))
    last, following = daily.last_due(at), daily.next_due(at)
    assert last <= at < following
    assert following - last == timedelta(days=1)
    assert (last.hour, last.minute, last.second) == (hour, minute, 0)
    assert daily.last_due(following) == following


@given(st.integers(1, 1000))
def test_pauses_grow_up_to_an_hour(failures: int) -> None:
    pace = Pace()
    assert pace.pause(1) == timedelta(seconds=30)
    assert pace.pause(failures) <= pace.pause(failures + 1) <= timedelta(hours=1)


async def test_what_ended_long_ago_is_forgotten_and_what_waits_is_not(database: str) -> None:
    async with jobs.working(database, [Handler("t.old", "", Done())], pace=QUICK):
        done = await jobs.enqueue("t.old")
        await settled(done)
    waits = await jobs.enqueue("t.old")
    assert done is not None
    assert waits is not None
    await DB.run("update job_log set created = created - interval '91 days' where entrypoint = 't.old'")
    await jobs.forget(clock.now())
    assert [row["id"] for row in await jobs.states([done, waits])] == [waits]
    assert (await jobs.states([waits]))[0]["tries"] == 0
