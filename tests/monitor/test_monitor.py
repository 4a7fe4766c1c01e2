"""The monitor of the zone and the list of what is due: figures, drill-down, scope, files."""

import uuid

import httpx
import pytest

from backend.access.rules import Viewer
from backend.core.database import DB
from backend.core.errors import Invalid, NotAllowed
from backend.monitor import queries
from backend.monitor.rules import Dimension, Figure
from backend.registry.rules import Warehouse
from backend.stages import actions as stages
from backend.stages import queries as stages_queries
from backend.stages.rules import Standing, Subject
from tests import build
from tests.monitor.waiting import standing


@pytest.fixture
async def operator(database: str) -> Viewer:
    return await build.operator()


@pytest.fixture
async def place(operator: Viewer) -> Warehouse:
    return await build.warehouse(operator)


@pytest.fixture
async def exporter(database: str) -> Viewer:
    return await build.exporter()


async def figures(place: Warehouse, **filters: str) -> dict[Dimension, dict[str, Figure]]:
    """What the committee sees of one warehouse, by dimension and key."""
    found = await queries.figures(await build.committee(), {"warehouse": place.code, **filters})
    return {dimension: {each.key: each for each in points} for dimension, points in found.items()}


async def seen(viewer: Viewer, **filters: str) -> list[uuid.UUID]:
    """The documents on the list of what is open."""
    page = await stages_queries.OPEN.page(queries.due_clauses(viewer, filters))
    return [row["subject_id"] for row in page.rows]


async def test_open_stages_are_counted_along_every_dimension(place: Warehouse, exporter: Viewer) -> None:
    other = await build.exporter()
    mine = {"reason": "defective", "supervision_code": "9810"}
    await standing(place, exporter.organisation_id, days=1, due_in_hours=5, **mine)
    await standing(place, exporter.organisation_id, days=10, due_in_hours=-1, **mine)
    await standing(place, exporter.organisation_id, "deciding", days=40, due_in_hours=100, reason="size")
    await standing(place, other.organisation_id, "quoted", subject=Subject.REPAIR, days=5, due_in_hours=-20)
    found = await figures(place)
    (total,) = found[Dimension.ALL].values()
    assert (total.open, total.overdue, total.soon) == (4, 2, 1)
    assert total.ages == (1, 1, 1, 0, 1)
    assert total.overdue_share == 0.5
    grading = found[Dimension.STAGE]["grading"]
    assert (grading.subject, grading.turn, grading.open, grading.overdue) == ("return", "operator", 2, 1)
    assert found[Dimension.STAGE]["quoted"].subject == "repair"
    assert found[Dimension.WAREHOUSE][place.code].open == 4
    assert found[Dimension.OWNER][exporter.organisation_code].open == 3
    assert found[Dimension.REASON]["defective"].open == 2
    assert found[Dimension.REASON][""].open == 1
    assert found[Dimension.SUPERVISION]["9810"].overdue == 1


async def test_figures_are_narrowed_by_filters(place: Warehouse, exporter: Viewer) -> None:
    await standing(place, exporter.organisation_id, reason="defective")
    await standing(place, exporter.organisation_id, "quoted", subject=Subject.REPAIR)
    assert (await figures(place, subject="repair"))[Dimension.ALL][""].open == 1
    assert (await figures(place, reason="defective"))[Dimension.STAGE].keys() == {"grading"}
    assert (await figures(place, owner=exporter.organisation_code.lower()))[Dimension.ALL][""].open == 2
    assert (await figures(place, supervision="1210"))[Dimension.ALL][""].open == 0
    with pytest.raises(Invalid):
        await figures(place, subject="parrot")


async def test_what_is_done_is_not_counted(place: Warehouse, exporter: Viewer) -> None:
    document = await standing(place, exporter.organisation_id)
    async with DB.transaction():
        await stages.leave(Subject.RETURN, place.id, [document], (await DB.row("select now()"))[0])  # type: ignore[index]
    assert (await figures(place))[Dimension.ALL][""].open == 0


async def test_only_the_committee_sees_the_monitor(operator: Viewer, exporter: Viewer) -> None:
    for viewer in (operator, exporter):
        with pytest.raises(NotAllowed):
            await queries.figures(viewer, {})


async def test_the_list_is_in_the_order_of_what_is_due_and_in_the_viewers_scope(
    operator: Viewer, place: Warehouse, exporter: Viewer
) -> None:
    late = await standing(place, exporter.organisation_id, due_in_hours=-30)
    soon = await standing(place, exporter.organisation_id, due_in_hours=3)
    running = await standing(place, exporter.organisation_id, due_in_hours=90)
    operator = await build.again(operator)
    assert await seen(operator) == [late, soon, running]
    assert await seen(exporter) == [late, soon, running]
    assert await seen(exporter, standing="overdue") == [late]
    assert await queries.standings(exporter) == {Standing.OVERDUE: 1, Standing.SOON: 1, Standing.RUNNING: 1}
    stranger = await build.operator()
    await build.warehouse(stranger)
    for foreign in (await build.again(stranger), await build.exporter()):
        assert await seen(foreign) == []
        assert sum((await queries.standings(foreign)).values()) == 0


async def test_the_list_is_asked_by_age(place: Warehouse, exporter: Viewer) -> None:
    young = await standing(place, exporter.organisation_id, days=2.5)
    old = await standing(place, exporter.organisation_id, days=31.5)
    assert await seen(exporter, age="0-2") == [young]
    assert await seen(exporter, age="31") == [old]
    assert await seen(exporter, age="8-14") == []
    with pytest.raises(Invalid) as refused:
        await seen(exporter, age="99", subject="parrot")
    assert {fault.field for fault in refused.value.faults} == {"age", "subject"}


async def test_the_committees_page_leads_to_the_list_behind_each_figure(
    client: httpx.AsyncClient, place: Warehouse, exporter: Viewer
) -> None:
    await standing(place, exporter.organisation_id, days=4, due_in_hours=-4, reason="defective")
    browser = await build.sign_in(client, await build.committee())
    page = await browser.get("/monitor", params={"warehouse": place.code})
    assert page.status_code == 200
    assert "To be graded" in page.text
    assert f"/monitor/due?subject=return&amp;stage=grading&amp;warehouse={place.code}" in page.text
    assert "<rect" in page.text
    listed = await browser.get(
        "/monitor/due", params={"subject": "return", "stage": "grading", "warehouse": place.code, "age": "3-7"}
    )
    assert listed.text.count("Overdue</span>") == 1
    file = await browser.get("/monitor/figures.csv", params={"warehouse": place.code})
    assert file.text.splitlines()[1].startswith("By stage,Return,grading,To be graded,Operator,1,1,0,0,1,0,0,0")


async def test_empty_and_wrongly_asked_pages_say_so(client: httpx.AsyncClient) -> None:
    browser = await build.sign_in(client, await build.committee())
    empty = await browser.get("/monitor", params={"supervision": "0000"})
    assert (empty.status_code, "Nothing that is open fits" in empty.text) == (200, True)
    wrong = await browser.get("/monitor", params={"turn": "parrot"})
    assert (wrong.status_code, "parrot" in wrong.text) == (422, True)
    wrong = await browser.get("/monitor/due", params={"age": "parrot"})
    assert (wrong.status_code, "parrot" in wrong.text) == (422, True)


async def test_an_exporter_finds_the_list_and_not_the_monitor(
    client: httpx.AsyncClient, place: Warehouse, exporter: Viewer
) -> None:
    document = await standing(place, exporter.organisation_id)
    browser = await build.sign_in(client, exporter)
    page = await browser.get("/monitor/due")
    assert f"/returns/{document}" in page.text
    assert "Monitor of the zone" not in page.text
    assert (await browser.get("/monitor")).status_code == 403
    assert str(document) not in (await (await build.sign_in(client, await build.exporter())).get("/monitor/due")).text
    file = await (await build.sign_in(client, exporter)).get("/monitor/due.csv")
    assert len(file.text.splitlines()) == 2


async def test_machines_ask_the_same(client: httpx.AsyncClient, place: Warehouse, exporter: Viewer) -> None:
    document = await standing(place, exporter.organisation_id, days=9, due_in_hours=-1)
    bearer = {"Authorization": f"Bearer {await build.token(await build.committee())}"}
    answer = await client.get("/api/v1/monitor/figures", params={"warehouse": place.code}, headers=bearer)
    total = next(each for each in answer.json() if each["dimension"] == "all")
    assert (total["open"], total["overdue"], total["ages"]["8-14"]) == (1, 1, 1)
    own = {"Authorization": f"Bearer {await build.token(exporter)}"}
    rows = (await client.get("/api/v1/monitor/stages", headers=own)).json()["rows"]
    assert [row["subject_id"] for row in rows] == [str(document)]
    assert (await client.get("/api/v1/monitor/figures", headers=own)).status_code == 403
    foreign = {"Authorization": f"Bearer {await build.token(await build.exporter())}"}
    assert (await client.get("/api/v1/monitor/stages", headers=foreign)).json()["rows"] == []
