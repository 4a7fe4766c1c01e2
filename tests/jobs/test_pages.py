"""The screen of jobs: what waits, runs, failed and was done; who may look, and who may run and try again."""

import re
from typing import Any

import httpx
import pytest

from backend import schedule
from backend.access.rules import Role
from backend.core import jobs
from backend.core.database import DB
from backend.core.jobs import Handler, Pace
from frontend import lists
from tests import build
from tests.core.test_jobs import settled

QUICK = Pace(settle_in=0)


@pytest.fixture
async def failed(database: str) -> int:
    """A job of work that failed, with what must not be shown in its payload and its error."""

    async def fail(_: dict[str, Any]) -> None:
        raise RuntimeError("liu.wei@exporter.example")

    async with jobs.working(database, [Handler("jobs.forget", "", fail, tries=1)], pace=QUICK):
        job_id = await jobs.enqueue("jobs.forget", {"email": "liu.wei@exporter.example"})
        await settled(job_id)
    assert job_id is not None
    return job_id


@pytest.fixture(autouse=True)
async def nothing_left(database: str) -> None:
    await DB.run("delete from job")
    await DB.run("delete from job_log")
    await DB.run("delete from job_schedule")


async def test_a_quiet_platform_says_so(client: httpx.AsyncClient) -> None:
    await build.sign_in(client, await build.committee())
    text = (await client.get("/jobs")).text
    for each in schedule.SCHEDULED:
        assert each.title in text
    assert "Never run" in text
    assert "Nothing waits, runs or has failed." in text
    assert 'href="/jobs"' in (await client.get("/")).text


async def test_a_failed_job_is_shown_and_tried_again(client: httpx.AsyncClient, failed: int, database: str) -> None:
    administrator = await build.committee()
    await build.sign_in(client, administrator)
    text = (await client.get("/jobs")).text
    number = jobs.Trouble.read((await jobs.states([failed]))[0]["trouble"]).number  # type: ignore[union-attr]
    assert number in text
    assert "Something went wrong on our side." in text
    assert "liu.wei" not in text
    assert f"/jobs/{failed}/try" in text
    sent = await build.submit(client, f"/jobs/{failed}/try")
    assert (sent.status_code, sent.headers["location"]) == (303, "/jobs")
    assert f"/jobs/{failed}/try" not in (await client.get("/jobs")).text
    noted = await DB.row("select * from journal where action = 'job.tried_again'")
    assert noted is not None
    assert (noted["actor_id"], noted["subject_id"]) == (administrator.user_id, str(failed))
    assert (await build.submit(client, f"/jobs/{failed}/try")).status_code == 404

    await build.do_jobs(database)
    assert str(failed) in (await client.get("/jobs", params={"state": "done"})).text
    assert "Nothing waits, runs or has failed." in (await client.get("/jobs")).text


async def test_scheduled_work_is_run_now_and_its_result_shown(client: httpx.AsyncClient, database: str) -> None:
    await build.sign_in(client, await build.committee())
    assert (await build.submit(client, "/jobs/scheduled/access.forget/run")).status_code == 303
    assert (await build.submit(client, "/jobs/scheduled/access.forget/run")).status_code == 409
    assert (await build.submit(client, "/jobs/scheduled/no.such/run")).status_code == 404
    await build.do_jobs(database)
    text = (await client.get("/jobs")).text
    assert text.count("Never run") == len(schedule.SCHEDULED) - 1
    assert 'class="chip ok"' in text


async def test_the_registrar_looks_but_does_not_interfere(client: httpx.AsyncClient, failed: int) -> None:
    await build.sign_in(client, await build.committee(Role.REGISTRAR))
    text = (await client.get("/jobs")).text
    assert "Failed" in text
    assert "Run now" not in text
    assert "Try again" not in text
    assert (await build.submit(client, f"/jobs/{failed}/try")).status_code == 403
    assert (await build.submit(client, "/jobs/scheduled/access.forget/run")).status_code == 403


async def test_others_are_refused(client: httpx.AsyncClient, failed: int) -> None:
    assert (await client.get("/jobs")).status_code == 303
    for viewer in (await build.operator(), await build.exporter(), await build.committee(Role.CHAIR)):
        await build.sign_in(client, viewer)
        assert 'href="/jobs"' not in (await client.get("/")).text
        for path in ("/jobs", "/jobs.csv"):
            assert (await client.get(path)).status_code == 403
        assert (await build.submit(client, f"/jobs/{failed}/try")).status_code == 403


async def test_the_list_is_filtered_and_exported(client: httpx.AsyncClient, failed: int) -> None:
    waiting = [await jobs.enqueue("access.forget") for _ in range(3)]
    await build.sign_in(client, await build.committee())
    text = (await client.get("/jobs", params={"state": "waiting"})).text
    assert all(f">{each}<" in text for each in waiting)
    assert f">{failed}<" not in text
    text = (await client.get("/jobs", params={"work": "jobs.forget"})).text
    assert f">{failed}<" in text
    assert f">{waiting[0]}<" not in text
    assert "No job is like this" in (await client.get("/jobs", params={"work": "stock.expire"})).text
    assert (await client.get("/jobs", params={"after": "nonsense"})).status_code == 422

    assert len((await client.get("/jobs.csv", params={"state": "done"})).text.splitlines()) == 1
    rows = (await client.get("/jobs.csv")).text.splitlines()
    assert len(rows) == 1 + 4
    assert "liu.wei" not in "".join(rows)


async def test_a_long_list_is_paged(client: httpx.AsyncClient) -> None:
    asked = [await jobs.enqueue("access.forget") for _ in range(lists.ROWS + 30)]
    await build.sign_in(client, await build.committee())
    found: list[int] = []
    path = "/jobs?state=waiting"
    while path:
        text = (await client.get(path)).text
        found += [int(each) for each in re.findall(r'<bdi class="code">(\d+)</bdi></span></th>', text)]
        on = re.search(r'href="([^"]+)" rel="next"', text)
        path = on.group(1).replace("&amp;", "&") if on else ""
    assert found == asked[::-1]
