"""The rules' screens: what each reader finds, what the registrar's forms keep and refuse, an exporter's clocks."""

import re
from datetime import date
from typing import Any

import httpx
import pytest

from backend.access.rules import Role
from backend.core import text
from backend.core.database import DB
from backend.core.errors import Fault, Invalid
from backend.regulations import queries, reading
from frontend.regulations import forms
from tests import build
from tests.regulations.test_actions import lot

NUMBER = "460420260000000077"


def flat(answer: httpx.Response) -> str:
    """The words of a page, without its marks."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


async def open_form(client: httpx.AsyncClient, path: str) -> dict[str, str]:
    """What a form is opened with and not shown: its key, and the version of the edition."""
    page = (await client.get(path)).text
    found = dict(re.findall(r'<input type="hidden" name="(key|version)" value="([^"]*)"', page))
    assert found["key"], page
    return found


async def edition_fields(rule_id: str, name: str, **changes: str) -> dict[str, Any]:
    """The fields of the registrar's form for an edition, changed."""
    edition = (await queries.editions()).edition(rule_id, name)
    assert edition is not None
    fields: dict[str, Any] = {**forms.values_of(edition), **changes}
    for field in ("documents", "doubts"):
        fields[field] = [word for word in fields[field].split(",") if word]
    return {key: value for key, value in fields.items() if value}


async def test_everybody_reads_the_rules_and_filters_them(client: httpx.AsyncClient) -> None:
    for viewer in (await build.exporter(), await build.operator(), await build.committee(Role.ASSESSOR)):
        await build.sign_in(client, viewer)
        page = await client.get("/regulations/rules")
        assert page.status_code == 200
        for rule_id in ("CUS-9810-CODE", "RET-TAX-2026", "HS-VER"):
            assert rule_id in page.text
        assert "Add an edition" not in page.text
    found = flat(await client.get("/regulations/rules", params={"family": "tax", "on": "2028-02-01"}))
    assert "RET-TAX-NONE" in found
    assert "RET-TAX-2026" not in found
    assert "RET-TAX-STATE" in flat(await client.get("/regulations/rules", params={"text": "unpacking"}))
    wrong = await client.get("/regulations/rules", params={"on": "soon"})
    assert wrong.status_code == 422
    assert "“soon” is not a day" in wrong.text
    assert (await client.get("/regulations/rules", params={"text": "no such thing"})).status_code == 200


async def test_nobody_reads_without_signing_in(client: httpx.AsyncClient) -> None:
    for path in ("rules", "rules/HS-VER", "clocks", "clocks/free", "clocks/line?declaration=D&line=1", "clocks.csv"):
        assert (await client.get(f"/regulations/{path}")).status_code == 303


@pytest.mark.parametrize("language", text.LANGUAGES)
async def test_a_rule_shows_its_editions_source_and_condition(client: httpx.AsyncClient, language: str) -> None:
    client.cookies.set("language", language, domain="testserver.local")
    await build.sign_in(client, await build.exporter())
    page = await client.get("/regulations/rules/RET-TAX-6M")
    assert page.status_code == 200
    assert "公告2026年第16号" in page.text
    assert 'id="e-2023-01-30"' in page.text
    assert (await client.get("/regulations/rules/CUS-9610-HS4")).status_code == 200
    assert (await client.get("/regulations/rules/NO-SUCH")).status_code == 404


async def test_every_rule_has_a_page(client: httpx.AsyncClient) -> None:
    await build.sign_in(client, await build.committee(Role.REGISTRAR))
    for rule_id in (await queries.editions()).rule_ids:
        page = await client.get(f"/regulations/rules/{rule_id}")
        assert page.status_code == 200, rule_id
    for edition in await queries.editions():
        path = f"/regulations/rules/{edition.rule_id}/{edition.name}"
        assert (await client.get(f"{path}/correct")).status_code == 200
        assert (await client.get(f"{path}/end")).status_code == 200


@pytest.mark.parametrize("language", text.LANGUAGES)
async def test_every_edition_goes_through_the_form_unchanged(language: str) -> None:
    for edition in await queries.editions():
        faults: list[Fault] = []
        with text.speaking(language):
            assert reading.edition(forms.raw_of(forms.values_of(edition)), faults) == edition, faults


def test_people_read_the_names_of_facts_not_their_codes() -> None:
    wrong = Fault("window_starts_for", "x", "Choose one of: %(choices)s.", {"choices": ["exported_on", "left_area_on"]})
    form = forms.again({"window_starts_for": "1210 x"}, Invalid([wrong]))
    assert form.errors["window_starts_for"] == [
        "Choose one of: Export date on the declaration and Day the goods left the special area."
    ]


async def test_a_registrar_adds_an_edition_in_the_browser(client: httpx.AsyncClient) -> None:
    await build.sign_in(client, await build.committee(Role.REGISTRAR))
    page = await client.get("/regulations/rules/new", params={"rule": "RET-TAX-6M", "edition": "2026-01-01"})
    assert "left_area_on" in page.text
    key = (await open_form(client, "/regulations/rules/new"))["key"]
    given = {"from": "2028-01-01", "to": "2029-12-31", "note": "Prolonged by a new act", "key": key}
    fields = await edition_fields("RET-TAX-6M", "2026-01-01", **given)
    answer = await build.submit(client, "/regulations/rules/new", **fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "/regulations/rules/RET-TAX-6M")
    shown = flat(await client.get("/regulations/rules/RET-TAX-6M"))
    assert "Prolonged by a new act" in shown
    added = (await queries.editions()).edition("RET-TAX-6M", "2028-01-01")
    assert added is not None
    assert added.window == (await queries.editions()).of("RET-TAX-6M")[0].window


async def test_an_overlap_is_refused_beside_the_field_and_nothing_typed_is_lost(client: httpx.AsyncClient) -> None:
    await build.sign_in(client, await build.committee(Role.REGISTRAR))
    given = {"from": "2027-06-01", "to": "", "note": "Why not", "key": "k-overlap", "title_en": "A title of mine"}
    fields = await edition_fields("RET-TAX-FOOD", "2026-01-01", **given)
    answer = await build.submit(client, "/regulations/rules/new", **fields)
    assert answer.status_code == 422
    assert "The editions 2026-01-01 and 2027-06-01 of rule RET-TAX-FOOD overlap." in answer.text
    assert 'id="f-from-error"' in answer.text
    assert "A title of mine" in answer.text
    empty = await build.submit(client, "/regulations/rules/new", when_0_fact="is_food")
    assert empty.status_code == 422
    assert "Say why, so that others can follow it later." in empty.text
    assert 'id="f-when_0_fact-error"' in empty.text


async def test_faults_of_the_form_are_said_in_its_own_words(client: httpx.AsyncClient) -> None:
    await build.sign_in(client, await build.committee(Role.REGISTRAR))
    given = {"from": "2028-01-01", "to": "", "note": "Why not", "key": "k-words", "title_ar": "", "text_en": " "}
    given |= {"basis": "", "when_1_fact": "supervision_code", "when_1_relation": "is", "when_1_value": "yes"}
    fields = await edition_fields("RET-TAX-6M", "2026-01-01", **given)
    answer = await build.submit(client, "/regulations/rules/new", **fields)
    assert answer.status_code == 422
    shown = flat(answer)
    assert "The title is missing in Arabic." in shown
    assert "The text is missing in English." in shown
    assert "Choose one of the list." in shown
    assert "“is (yes or no)” is not possible here. Choose one of: is one of and is none of." in shown
    assert "not_in" not in re.sub(r"<option[^>]*>", "", shown)


async def test_a_window_with_a_mistake_is_not_said_to_be_missing(client: httpx.AsyncClient) -> None:
    await build.sign_in(client, await build.committee(Role.REGISTRAR))
    given = {"from": "2028-01-01", "to": "", "note": "Why not", "key": "k-window", "window_months": "many"}
    fields = await edition_fields("RET-TAX-6M", "2026-01-01", **given)
    shown = flat(await build.submit(client, "/regulations/rules/new", **fields))
    assert "“many” is not a whole number" in shown
    assert "the edition has none" not in shown


async def test_a_registrar_ends_and_withdraws(client: httpx.AsyncClient) -> None:
    await build.sign_in(client, await build.committee(Role.REGISTRAR))
    path = "/regulations/rules/RET-TAX-EVID/2026-01-01/end"
    hidden = await open_form(client, path)
    empty = await build.submit(client, path, **hidden, way="end")
    assert empty.status_code == 422
    assert "Give the last day" in empty.text
    early = await build.submit(client, path, **hidden, way="end", ends_on="2025-01-01", note="x")
    assert early.status_code == 422
    assert 'id="f-ends_on-error"' in early.text
    done = await build.submit(client, path, **hidden, way="end", ends_on="2026-12-31", note="Replaced")
    assert done.status_code == 303
    stale = await build.submit(client, path, **{**hidden, "key": "other"}, way="withdraw", note="x")
    assert stale.status_code == 409
    again = await open_form(client, path)
    assert (await build.submit(client, path, **again, way="withdraw", note="Wrong")).status_code == 303
    assert (await queries.editions()).edition("RET-TAX-EVID", "2026-01-01") is None
    shown = flat(await client.get("/regulations/rules/RET-TAX-EVID"))
    assert "Withdrawn" in shown
    assert "Replaced" in shown


async def test_a_correction_keeps_rule_and_first_day(client: httpx.AsyncClient) -> None:
    await build.sign_in(client, await build.committee(Role.REGISTRAR))
    path = "/regulations/rules/VAT-DOC-5Y/2026-01-01/correct"
    hidden = await open_form(client, path)
    fields = await edition_fields("VAT-DOC-5Y", "2026-01-01", status="live", text_en="Five years it is.")
    fields |= {"key": hidden["key"], "version": hidden["version"], "note": "Read the original"}
    assert (await build.submit(client, path, **fields)).status_code == 303
    shown = flat(await client.get("/regulations/rules/VAT-DOC-5Y"))
    assert "Five years it is." in shown


async def test_nobody_else_opens_the_registrars_forms(client: httpx.AsyncClient) -> None:
    for viewer in (await build.exporter(), await build.operator(), await build.committee(Role.CHAIR)):
        await build.sign_in(client, viewer)
        for path in ("new", "HS-VER/2022-01-01/correct", "HS-VER/2022-01-01/end"):
            assert (await client.get(f"/regulations/rules/{path}")).status_code == 403
            assert (await build.submit(client, f"/regulations/rules/{path}", note="x")).status_code == 403


# ------------------------------------------------------------------------------------------------------------ clocks


async def test_an_exporter_finds_its_lines_and_their_clocks(client: httpx.AsyncClient) -> None:
    exporter, other = await build.exporter(), await build.exporter()
    item = await lot(exporter, NUMBER, 3)
    await lot(other, "460420260000000088")
    await build.sign_in(client, exporter)
    found = await client.get("/regulations/clocks")
    assert NUMBER in found.text
    assert "460420260000000088" not in found.text
    file = await client.get("/regulations/clocks.csv")
    assert item in file.text
    assert "460420260000000088" not in file.text
    params = {"declaration": NUMBER, "line": "3"}
    shown = flat(await client.get("/regulations/clocks/line", params=params))
    for words in ("Tax-free return", "Customs route for returns", "Accounting for the pre-refund", "Evidence of sale"):
        assert words in shown
    assert "Missing: Export release by customs" in shown
    assert "A person must decide" in shown
    await build.sign_in(client, other)
    assert (await client.get("/regulations/clocks/line", params=params)).status_code == 404


async def test_a_line_that_does_not_exist_is_refused_clearly(client: httpx.AsyncClient) -> None:
    await build.sign_in(client, await build.exporter())
    for line in ("7", "x", "", "99999999999"):
        answer = await client.get("/regulations/clocks/line", params={"declaration": "D-NONE", "line": line})
        assert answer.status_code == 404
        assert "There is no declaration line D-NONE" in answer.text


async def test_stated_facts_start_the_clocks(client: httpx.AsyncClient) -> None:
    exporter = await build.exporter()
    await lot(exporter, NUMBER, 5)
    await build.sign_in(client, exporter)
    where = {"declaration": NUMBER, "line": "5"}
    given = {**where, "revision": "0", "released_on": "2026-03-09", "is_food": "no", "refund_taken": "yes"}
    answer = await build.submit(client, "/regulations/clocks/line", **given)
    assert answer.status_code == 303
    asked = {**where, "returned_on": "2026-06-10", "cause": "unsold", "original_state": "yes", "home_area": "4604"}
    shown = flat(await client.get("/regulations/clocks/line", params=asked))
    assert "Possible" in shown
    assert "Free of duty and tax" in shown
    assert "出口货物已补税/未退税证明" in shown
    blocked = flat(await client.get("/regulations/clocks/line", params={**asked, "home_area": "5301"}))
    assert "Not possible" in blocked
    assert "RET-XA-9810" in blocked
    stale = await build.submit(client, "/regulations/clocks/line", **given)
    assert stale.status_code == 409
    wrong = await build.submit(client, "/regulations/clocks/line", **{**given, "revision": "1", "customs_area": "4"})
    assert wrong.status_code == 422
    assert 'id="f-customs_area-error"' in wrong.text


async def test_only_its_exporter_states_facts(client: httpx.AsyncClient) -> None:
    exporter = await build.exporter(Role.EXPORTER_CLERK)
    manager = await build.exporter()
    await lot(manager, NUMBER, 6)
    where = {"declaration": NUMBER, "line": "6", "revision": "0"}
    await build.sign_in(client, exporter)
    assert (await build.submit(client, "/regulations/clocks/line", **where)).status_code == 404
    for viewer in (await build.operator(), await build.committee()):
        await build.sign_in(client, viewer)
        assert (await build.submit(client, "/regulations/clocks/line", **where)).status_code == 403
    assert not await DB.value("select count(*) from declaration_fact where declaration_line = 6")


async def test_facts_typed_freely_get_every_clock_and_an_answer(client: httpx.AsyncClient) -> None:
    await build.sign_in(client, await build.operator())
    assert (await client.get("/regulations/clocks")).headers["location"] == "/regulations/clocks/free"
    assert (await client.get("/regulations/clocks/free")).status_code == 200
    asked = {
        "supervision_code": "9810",
        "exported_on": "2026-08-31",
        "released_on": "2026-08-30",
        "customs_area": "4604",
        "home_area": "4604",
        "is_food": "no",
        "refund_taken": "no",
        "original_state": "yes",
        "returned_on": "2027-02-28",
        "cause": "return",
    }
    shown = flat(await client.get("/regulations/clocks/free", params=asked))
    assert "Feb 28, 2027" in shown
    assert "still to be confirmed" in shown
    assert "Free of duty and tax" in shown
    repaired = flat(await client.get("/regulations/clocks/free", params={**asked, "original_state": "no"}))
    assert "Duty and tax are due" in repaired
    wrong = await client.get("/regulations/clocks/free", params={**asked, "exported_on": "x", "sold": "perhaps"})
    assert wrong.status_code == 422
    assert "“x” is not a day" in wrong.text


@pytest.mark.parametrize("language", text.LANGUAGES)
async def test_clocks_speak_every_language(client: httpx.AsyncClient, language: str) -> None:
    exporter = await build.exporter()
    await lot(exporter, NUMBER, 9, exported_on=date(2026, 8, 31))
    await build.sign_in(client, exporter)
    await build.submit(client, "/access/preferences", language=language, next="/")
    page = await client.get("/regulations/clocks/line", params={"declaration": NUMBER, "line": "9"})
    assert page.status_code == 200
    assert f'lang="{text.tag(language)}"' in page.text


# ---------------------------------------------------------------------------------------------------------- machines


async def test_machines_list_judge_and_read_clocks(client: httpx.AsyncClient) -> None:
    exporter = await build.exporter()
    await lot(exporter, NUMBER, 11)
    headers = {"Authorization": f"Bearer {await build.token(exporter)}"}
    listed = (await client.get("/api/v1/regulations/rules?family=tax&on=2026-05-01", headers=headers)).json()
    assert {row["rule"] for row in listed["rows"]} >= {"RET-TAX-2026", "RET-TAX-STATE"}
    assert (await client.get("/api/v1/regulations/rules?family=weather", headers=headers)).status_code == 422
    one = (await client.get("/api/v1/regulations/rules/HS-VER", headers=headers)).json()
    assert [each["value"] for each in one["editions"]] == ["HS 2022", "HS 2028"]
    assert (await client.get("/api/v1/regulations/rules/NONE", headers=headers)).status_code == 404
    body = {
        "line": {"supervision_code": "9810", "exported_on": "2025-12-15", "released_on": "2025-12-14"},
        "returned_on": "2026-06-10",
        "cause": "unsold",
        "original_state": True,
    }
    body["line"] |= {"customs_area": "4604", "is_food": False, "refund_taken": False}  # type: ignore[operator]
    judged = await client.post("/api/v1/regulations/judge", json={**body, "home_area": "4604"}, headers=headers)
    assert judged.status_code == 200
    assert (judged.json()["customs"], judged.json()["tax"]) == ("allowed", "exempt")
    relief = next(each for each in judged.json()["findings"] if each["rule"] == "RET-TAX-2023")
    assert (relief["verdict"], relief["basis_date"], relief["source"]["id"]) == ("kept", "2025-12-15", "S45")
    wrong = await client.post(
        "/api/v1/regulations/judge", json={**body, "cause": "bored", "home_area": "1"}, headers=headers
    )
    assert wrong.status_code == 422
    assert {each["field"] for each in wrong.json()["errors"]} == {"cause", "home_area"}
    unknown = await client.post("/api/v1/regulations/judge", json={**body, "colour": "red"}, headers=headers)
    assert unknown.status_code == 422
    params = {"declaration": NUMBER, "line": "11", "on": "2026-04-01"}
    clocks = (await client.get("/api/v1/regulations/clocks", params=params, headers=headers)).json()
    assert [each["clock"] for each in clocks["clocks"]][:2] == ["tax_return", "customs_return"]
    assert clocks["clocks"][0]["ends_on"] == "2026-09-10"
    foreign = {"Authorization": f"Bearer {await build.token(await build.exporter())}"}
    assert (await client.get("/api/v1/regulations/clocks", params=params, headers=foreign)).status_code == 404
    assert (await client.get("/api/v1/regulations/clocks", params=params)).status_code == 401
