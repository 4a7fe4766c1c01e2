"""Threads and notifications: who writes, who reads, what is unread."""

import uuid

import httpx
import pytest
import pytest_asyncio

from backend.access.rules import Viewer
from backend.core import clock, text, values
from backend.core.database import DB
from backend.core.errors import Conflict, Invalid, NotFound
from backend.core.text import N_
from backend.messages import actions, queries, rules
from backend.messages.actions import News
from backend.registry.rules import Warehouse
from backend.stages import actions as stages
from backend.stages.rules import Subject
from tests import build


class Case:
    """A document between an exporter and an operator."""

    exporter: Viewer
    operator: Viewer
    place: Warehouse
    subject_id: uuid.UUID


@pytest_asyncio.fixture
async def case(database: str) -> Case:
    made = Case()
    made.exporter = await build.exporter()
    operator = await build.operator()
    made.place = await build.warehouse(operator)
    made.operator = await build.again(operator)
    made.subject_id = values.new_id()
    async with DB.transaction():
        await stages.enter(
            stages.Entry(
                subject=Subject.RETURN,
                subject_id=made.subject_id,
                warehouse_id=made.place.id,
                owner_id=made.exporter.organisation_id,
                number="R12345678901",
                stage="booked",
                at=clock.now(),
            )
        )
    return made


async def write(viewer: Viewer, case: Case, body: str, key: str = "", files: tuple[str, ...] = ()) -> uuid.UUID:
    return await actions.write(
        viewer,
        warehouse_id=case.place.id,
        owner_id=case.exporter.organisation_id,
        subject="return",
        subject_id=case.subject_id,
        number="R12345678901",
        body=body,
        files=files,
        request_key=key or str(values.new_id()),
    )


async def test_a_message_is_unread_by_the_other_side_only(case: Case) -> None:
    await write(case.exporter, case, "Please photograph the gearbox.")
    places = [case.place.id]
    assert await queries.unread_of(case.operator, "return", [case.subject_id], places) == {case.subject_id: 1}
    assert await queries.unread_of(case.exporter, "return", [case.subject_id], places) == {}
    assert await queries.unread_notifications(case.operator) == 1
    await actions.read_thread(case.operator, case.place.id, "return", case.subject_id)
    assert await queries.unread_of(case.operator, "return", [case.subject_id], places) == {}
    await write(case.operator, case, "Done.")
    assert await queries.unread_of(case.exporter, "return", [case.subject_id], places) == {case.subject_id: 1}


async def test_only_the_parties_write_and_the_committee_reads(case: Case) -> None:
    await write(case.exporter, case, "Hello")
    for other in (await build.committee(), await build.exporter(), await build.operator()):
        with pytest.raises(rules.NotInThisThread):
            await write(other, case, "Hello")
    owner_id = case.exporter.organisation_id
    read = await queries.thread(await build.committee(), case.place.id, owner_id, "return", case.subject_id)
    assert [row["body"] for row in read] == ["Hello"]
    assert await queries.thread(await build.exporter(), case.place.id, owner_id, "return", case.subject_id) == []


async def test_a_repeated_message_is_written_once(case: Case) -> None:
    first = await write(case.exporter, case, "Once", key="k")
    assert await write(case.exporter, case, "Once", key="k") == first
    with pytest.raises(Conflict):
        await write(case.exporter, case, "Something else", key="k")


@pytest.mark.parametrize("body", ["", "   ", "x" * 4001])
async def test_an_empty_or_endless_message_is_refused(case: Case, body: str) -> None:
    with pytest.raises(Invalid):
        await write(case.exporter, case, body)


async def test_a_foreign_file_undoes_the_message(case: Case) -> None:
    foreign = await build.photo(case.operator)
    with pytest.raises(Invalid):
        await write(case.exporter, case, "See the photo", files=(foreign,))
    owner_id = case.exporter.organisation_id
    assert await queries.thread(case.exporter, case.place.id, owner_id, "return", case.subject_id) == []


async def test_news_comes_once_and_is_spoken_in_the_readers_language(case: Case) -> None:
    news = News(
        organisation_id=case.exporter.organisation_id,
        level="warn",
        sentence=N_("%(subject)s %(number)s is overdue: %(stage)s."),
        facts={"subject": actions.word("Return"), "number": "R1", "stage": actions.word("To be graded")},
        href="/returns",
        dedupe_key="once",
    )
    async with DB.transaction():
        await actions.notify_all([news, news])
        await actions.notify_all([news])
    page = await queries.notifications(case.exporter).page(queries.notification_clauses(case.exporter, {}))
    assert len(page.rows) == 1
    with text.speaking("en"):
        assert queries.said(page.rows[0]) == "Return R1 is overdue: To be graded."
    with pytest.raises(NotFound):
        await queries.notification(case.operator, page.rows[0]["id"])


async def test_overdue_stages_are_told_once(case: Case) -> None:
    await DB.run("update stage set due_at = now() - interval '1 hour' where subject_id = $1", case.subject_id)
    assert await stages.warn_of_overdue() == 1
    assert await stages.warn_of_overdue() == 0
    assert await queries.unread_notifications(case.operator) == 1


# ------------------------------------------------------------------------------------------------------------- pages


async def test_the_thread_on_its_page(case: Case, client: httpx.AsyncClient) -> None:
    await build.sign_in(client, case.exporter)
    path = f"/messages/threads/return/{case.subject_id}"
    sent = await build.submit(client, path, body="Where is my parcel?", key="1")
    assert (sent.status_code, sent.headers["location"]) == (303, f"/returns/{case.subject_id}#thread")
    refused = await build.submit(client, path, body="", key="2")
    assert refused.status_code == 422
    assert "Write a message first." in refused.text
    assert "Where is my parcel?" in refused.text
    await build.sign_in(client, await build.exporter())
    assert (await build.submit(client, path, body="Me too", key="3")).status_code == 404


async def test_the_centre_counts_follows_and_forgets(case: Case, client: httpx.AsyncClient) -> None:
    await write(case.exporter, case, "Hello")
    await build.sign_in(client, case.operator)
    assert "bell-count" in (await client.get("/messages/bell")).text
    page = await client.get("/messages", params={"state": "unread"})
    assert "R12345678901: Hello" in page.text
    link = page.text.split('href="/messages/notifications/')[1].split('"')[0]
    followed = await client.get(f"/messages/notifications/{link}")
    assert followed.headers["location"].startswith(f"/returns/{case.subject_id}")
    assert "bell-count" not in (await client.get("/messages/bell")).text
    await write(case.exporter, case, "Hello again")
    assert (await build.submit(client, "/messages/read-all")).status_code == 303
    assert await queries.unread_notifications(case.operator) == 0
    await build.sign_in(client, await build.exporter())
    assert (await client.get(f"/messages/notifications/{link}")).status_code == 404
    assert "There is no news." in (await client.get("/messages")).text
