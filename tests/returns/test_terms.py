"""What an exporter agrees beforehand for returned goods."""

import httpx
import pytest

from backend.access.rules import Role, Viewer
from backend.core.database import DB
from backend.core.errors import Fault, Invalid, NotAllowed
from backend.returns import defaults, terms
from backend.returns.rules import Disposition, Grade
from tests import build


@pytest.fixture
async def exporter(database: str) -> Viewer:
    return await build.exporter()


async def history(viewer: Viewer, **filters: str) -> list[int]:
    """The days of every agreement in the viewer's view, the latest first."""
    page = await terms.TERMS.page(terms.clauses(viewer, filters))
    return [row["decide_days"] for row in page.rows]


def test_only_what_a_grade_may_become_is_agreed() -> None:
    faults: list[Fault] = []
    made = defaults.agreement("14", {"A": "RESTOCK", "B": "", "C": "SCRAP"}, faults)
    assert not faults
    assert made == defaults.Agreement(14, {Grade.A: Disposition.RESTOCK, Grade.C: Disposition.SCRAP})
    defaults.agreement("91", {"B": "RESTOCK", "C": "SECOND", "D": "RELABEL", "E": "SCRAP"}, faults)
    assert [fault.field for fault in faults] == ["decide_days", "default_B", "default_C", "default_D", "default_E"]


@pytest.mark.parametrize("days", ["", "0", "-1", "1.5", "٣x", "9999"])
def test_days_are_one_to_ninety(days: str) -> None:
    faults: list[Fault] = []
    defaults.agreement(days, {}, faults)
    assert [fault.field for fault in faults] == ["decide_days"]


async def test_terms_are_added_never_changed(exporter: Viewer) -> None:
    assert await terms.current(exporter.organisation_id) is None
    first = await terms.agree(exporter, "14", {"A": "RESTOCK"})
    second = await terms.agree(exporter, "7", {"A": "RESTOCK", "D": "SCRAP"}, seen=str(first.id))
    now = await terms.current(exporter.organisation_id)
    assert now == second
    assert now is not None
    assert (now.agreement.decide_days, now.agreement.defaults[Grade.D]) == (7, Disposition.SCRAP)
    assert await history(exporter) == [7]
    assert await history(exporter, history="yes") == [7, 14]
    act = await DB.row(
        "select before, after from journal where action = 'terms.agreed' and subject_id = $1", str(second.id)
    )
    assert act is not None
    assert (act["before"]["decide_days"], act["after"]["defaults"]) == (14, {"A": "RESTOCK", "D": "SCRAP"})


async def test_the_same_terms_again_change_nothing(exporter: Viewer) -> None:
    first = await terms.agree(exporter, "14", {"A": "RESTOCK"}, seen="")
    assert await terms.agree(exporter, "14", {"A": "RESTOCK"}, seen="") == first
    assert await history(exporter, history="yes") == [14]


async def test_who_looked_at_other_terms_is_refused(exporter: Viewer) -> None:
    await terms.agree(exporter, "14", {}, seen="")
    with pytest.raises(defaults.TermsChanged):
        await terms.agree(exporter, "10", {}, seen="")


async def test_only_an_exporters_manager_agrees(exporter: Viewer) -> None:
    for viewer in (
        await build.exporter(Role.EXPORTER_CLERK),
        await build.operator(),
        await build.committee(),
    ):
        with pytest.raises(NotAllowed):
            await terms.agree(viewer, "14", {})
    with pytest.raises(Invalid):
        await terms.agree(exporter, "soon", {})


async def test_an_operator_sees_the_terms_of_the_exporters_it_works_for(exporter: Viewer) -> None:
    await terms.agree(exporter, "14", {})
    operator = await build.operator()
    place = await build.warehouse(operator)
    operator = await build.again(operator)
    assert await history(operator) == []
    (bin_,) = await build.bins(operator, place, 1)
    await build.stocked(operator, place, await build.item(exporter), bin_, 5)
    assert await history(operator) == [14]
    assert await history(await build.exporter()) == []
    assert await history(await build.committee(), owner=exporter.organisation_code) == [14]


async def test_a_manager_agrees_on_the_page(client: httpx.AsyncClient, exporter: Viewer) -> None:
    browser = await build.sign_in(client, exporter)
    assert "Nothing is agreed yet" in (await browser.get("/returns/terms")).text
    fields = {"decide_days": "10", "default_A": "RESTOCK", "default_D": "SCRAP"}
    sent = await build.submit(browser, "/returns/terms", seen="", **fields)
    assert sent.status_code == 303
    page = (await browser.get("/returns/terms")).text
    assert "Your terms are agreed" in page
    assert "Holds now" in page
    wrong = await build.submit(browser, "/returns/terms", seen="", decide_days="0", default_B="RESTOCK")
    assert (wrong.status_code, "grade B cannot become" in wrong.text) == (422, True)
    late = await build.submit(browser, "/returns/terms", seen="", decide_days="11")
    assert (late.status_code, "other terms in the meantime" in late.text) == (409, True)
    file = await browser.get("/returns/terms.csv")
    assert len(file.text.splitlines()) == 2


async def test_a_clerk_reads_and_a_foreigner_sees_nothing(client: httpx.AsyncClient, exporter: Viewer) -> None:
    await terms.agree(exporter, "33", {})
    page = (await (await build.sign_in(client, await build.exporter(Role.EXPORTER_CLERK))).get("/returns/terms")).text
    assert "33" not in page.split("<main")[1]
    assert 'name="decide_days"' not in page
    assert "no decision" not in page
    operator = await build.sign_in(client, await build.operator())
    assert exporter.organisation_code not in (await operator.get("/returns/terms")).text


async def test_programs_agree_and_read(client: httpx.AsyncClient, exporter: Viewer) -> None:
    bearer = {"Authorization": f"Bearer {await build.token(exporter)}"}
    body = {"decide_days": 5, "defaults": {"C": "SEND_HOME"}}
    agreed = await client.put("/api/v1/returns/terms", json=body, headers=bearer)
    assert (agreed.status_code, agreed.json()["defaults"]) == (200, {"C": "SEND_HOME"})
    rows = (await client.get("/api/v1/returns/terms", headers=bearer)).json()["rows"]
    assert [(row["owner"], row["decide_days"], row["holds"]) for row in rows] == [(exporter.organisation_code, 5, True)]
    refused = await client.put("/api/v1/returns/terms", json={"decide_days": 0}, headers=bearer)
    assert refused.json()["errors"][0]["field"] == "decide_days"
