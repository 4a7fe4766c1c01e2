"""The table of scheduled work: every line of it runs, once over all processes, and what it forgets is forgotten."""

import asyncio
import os
import re
import socket
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from backend import schedule
from backend.access import actions as access_actions
from backend.access.rules import Role
from backend.core import clock, jobs, values
from backend.core.database import DB
from backend.core.errors import NotAllowed, NotFound, NotSignedIn
from tests import build

pytestmark = pytest.mark.usefixtures("database")
ROOT = Path(__file__).parents[2]
_SETTLED = """select
  (select count(*) from pg_stat_activity where application_name = 'luocang worker' and datname = current_database()) = 2
  and (select count(distinct entrypoint) from job_log where status = 'successful') = $1
  and not exists (select from job)"""


def _command(url: str, home: Path, *arguments: str) -> "asyncio.Future[asyncio.subprocess.Process]":
    """The program as an operator starts it."""
    environment = {
        "LUOCANG_DATABASE_URL": url,
        "LUOCANG_SECRET_KEY": "a-secret-only-for-tests-0123456789abcdef",
        "LUOCANG_BASE_URL": "http://127.0.0.1",
        "LUOCANG_HOME": str(home),
        "PYTHONPATH": str(ROOT),
    }
    return asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "backend", *arguments),
            env={**os.environ, **environment},
            cwd=home,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_two_processes_serve_and_scheduled_work_runs_once(database: str, tmp_path: Path) -> None:
    begun = clock.now()
    servers = [await _command(database, tmp_path, "serve", "--port", str(_free_port())) for _ in range(2)]
    try:
        async with asyncio.timeout(30):
            while not await DB.value(_SETTLED, len(schedule.SCHEDULED)):  # noqa: ASYNC110 it happens elsewhere
                await asyncio.sleep(0.05)
    finally:
        for server in servers:
            server.terminate()
        ended = [await server.communicate() for server in servers]
    assert all(b"Traceback" not in err for _, err in ended), ended
    minutes = 1 + int((clock.now() - begun).total_seconds() // 60) + 1
    runs = await DB.fetch("select entrypoint, count(*) as runs from job_log where status = 'successful' group by 1")
    assert {row["entrypoint"] for row in runs} == {each.name for each in schedule.SCHEDULED}
    for row in runs:
        assert row["runs"] == 1 or (row["entrypoint"] == "stock.expire" and row["runs"] <= minutes)
    assert not await DB.value("select count(*) from job_log where traceback is not null")


async def test_nightly_runs_everything_and_says_how_it_went(database: str, tmp_path: Path) -> None:
    process = await _command(database, tmp_path, "nightly", "--all")
    said, wrong = await process.communicate()
    assert process.returncode == 0, wrong.decode()
    for each in schedule.SCHEDULED:
        assert re.search(rf"done\s+{re.escape(each.title)}", said.decode()), said.decode()


async def test_what_was_run_is_not_due_again(database: str) -> None:
    await schedule.run_due(database, everything=True)
    await jobs.claim_due(schedule.SCHEDULED, clock.now())
    await DB.run("delete from job")
    results = await schedule.run_due(database)
    assert {each.title for each in results} <= {schedule.TITLES["stock.expire"]}


async def test_who_may_look_and_who_may_interfere() -> None:
    administrator = await build.committee()
    registrar = await build.committee(Role.REGISTRAR)
    await schedule.run_now(administrator, "jobs.forget")
    noted = await DB.row("select * from journal where action = 'job.run_now' order by id desc limit 1")
    assert noted is not None
    assert (noted["actor_id"], noted["after"]) == (administrator.user_id, {"work": "jobs.forget"})
    with pytest.raises(jobs.AlreadyAsked):
        await schedule.run_now(administrator, "jobs.forget")
    with pytest.raises(NotFound):
        await schedule.run_now(administrator, "no.such.work")
    assert len(await schedule.scheduled(registrar, clock.now())) == len(schedule.SCHEDULED)
    with pytest.raises(NotAllowed):
        await schedule.run_now(registrar, "jobs.forget")
    with pytest.raises(NotAllowed):
        await schedule.try_again(registrar, 1)
    for viewer in (await build.operator(), await build.exporter(), await build.committee(Role.ASSESSOR)):
        with pytest.raises(NotAllowed):
            await schedule.scheduled(viewer, clock.now())
        with pytest.raises(NotAllowed):
            schedule.clauses(viewer, {})
    with pytest.raises(NotSignedIn):
        await schedule.counts(None)  # type: ignore[arg-type]
    await DB.run("delete from job")


async def test_sessions_and_tokens_that_ended_long_ago_are_forgotten() -> None:
    viewer = await build.operator()
    long_ago, lately = timedelta(days=91), timedelta(days=89)
    kept = {
        "revoked lately": (timedelta(days=9), -lately),
        "running": (timedelta(days=9), None),
        "over lately": (-lately, None),
    }
    gone = {"over": (-long_ago, None), "revoked": (timedelta(days=9), -long_ago)}
    for label, (expires, revoked) in {**kept, **gone}.items():
        for table, name in (("user_session", "user_agent"), ("api_token", "name")):
            scopes, value = (", scopes", ", '{stock:read}'") if table == "api_token" else ("", "")
            await DB.run(
                f"insert into {table} (id, token_hash, user_id, organisation_id, {name}, expires_at, revoked_at{scopes}) "
                f"values ($1, $2, $3, $4, $5, now() + $6, now() + $7{value})",
                *(key := values.new_id(), key.bytes, viewer.user_id, viewer.organisation_id, label, expires, revoked),
            )
    await access_actions.forget_ended(clock.now())
    for table, name in (("user_session", "user_agent"), ("api_token", "name")):
        left = await DB.fetch(f"select {name} as label from {table} where user_id = $1", viewer.user_id)
        assert {row["label"] for row in left} == set(kept)


def test_every_job_that_is_asked_for_has_somebody_who_does_it() -> None:
    asked = {
        name
        for file in (ROOT / "backend").rglob("*.py")
        for name in re.findall(r"\bjobs\.enqueue\(\s*\"([^\"]+)\"", file.read_text(encoding="utf-8"))
    }
    assert asked <= {handler.name for handler in schedule.HANDLERS}


def test_every_name_is_used_once() -> None:
    assert len(schedule.TITLES) == len(schedule.SCHEDULED) + len(schedule.HANDLERS)
