"""The edge: one map from refusal to answer, for pages, fragments and machines, in the reader's language."""

import tempfile
from pathlib import Path

import httpx
import pytest

from backend import main
from backend.access import guards
from backend.core import migrate
from backend.core.database import DB
from backend.core.embedded import EmbeddedPostgres
from backend.core.settings import Settings
from tests import build


async def test_every_answer_carries_the_safety_headers(client: httpx.AsyncClient) -> None:
    for path in ("/registry", "/nothing-here", "/api/v1/stock/balances", "/static/app.css", "/health/live"):
        headers = (await client.get(path)).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"


async def test_health(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health/live")).status_code == 200
    assert (await client.get("/health/ready")).status_code == 200


async def test_a_missing_page_is_a_page_a_fragment_or_a_problem(client: httpx.AsyncClient) -> None:
    page = await client.get("/nothing-here")
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "<html" in page.text
    fragment = await client.get("/nothing-here", headers={"hx-request": "true"})
    assert (fragment.status_code, fragment.headers["hx-retarget"]) == (404, "#alerts")
    assert "<html" not in fragment.text
    problem = await client.get("/api/v1/nothing-here")
    assert (problem.status_code, problem.headers["content-type"]) == (404, "application/problem+json")
    assert problem.json()["type"] == "urn:luocang:refusal:NoSuchPage"


async def test_a_wrong_method_is_said(client: httpx.AsyncClient) -> None:
    answer = await client.put("/api/v1/stock/balances")
    assert (answer.status_code, answer.json()["status"]) == (405, 405)


async def test_what_an_address_lacks_is_named(client: httpx.AsyncClient) -> None:
    bearer = {"Authorization": f"Bearer {await build.token(await build.operator())}", "Accept-Language": "zh-CN"}
    for path, name in (("locations", "warehouse"), ("services/trace", "lot"), ("returns/units", "queue")):
        problem = await client.get(f"/api/v1/{path}", headers=bearer)
        assert (problem.status_code, [each["field"] for each in problem.json()["errors"]]) == (422, [name])
    odd = await client.get("/api/v1/returns/units?queue=grade&limit=many", headers=bearer)
    assert (odd.status_code, [each["field"] for each in odd.json()["errors"]]) == (422, ["limit"])


async def test_nobody_is_led_to_the_sign_in_and_back(client: httpx.AsyncClient) -> None:
    page = await client.get("/stock/balances", params={"warehouse": "HAM"})
    assert page.status_code == 303
    assert page.headers["location"] == "/access/sign-in?next=%2Fstock%2Fbalances%3Fwarehouse%3DHAM"
    fragment = await client.get("/stock/balances", headers={"hx-request": "true"})
    assert fragment.headers["hx-redirect"].startswith("/access/sign-in")
    problem = await client.get("/api/v1/stock/balances")
    assert (problem.status_code, problem.headers["www-authenticate"]) == (401, "Bearer")


async def test_a_form_without_its_token_is_refused_and_the_cookie_renewed(client: httpx.AsyncClient) -> None:
    client.cookies.set("luocang_csrf_00000000", "old")
    answer = await client.post("/access/sign-in", data={"email": "a@b", "password": "x"})
    assert answer.status_code == 403
    assert "Max-Age=0" in answer.headers.get("set-cookie", "")


@pytest.mark.parametrize(
    ("cookie", "accept", "lang", "direction"),
    [
        ("", "", "en", "ltr"),
        ("", "zh-CN,en;q=0.5", "zh-CN", "ltr"),
        ("ar", "zh-CN", "ar", "rtl"),
        ("xx", "", "en", "ltr"),
    ],
)
async def test_the_page_speaks_cookie_then_browser(
    client: httpx.AsyncClient, cookie: str, accept: str, lang: str, direction: str
) -> None:
    if cookie:
        client.cookies.set("language", cookie)
    text = (await client.get("/registry", headers={"accept-language": accept})).text
    assert f'<html lang="{lang}" dir="{direction}"' in text


async def test_the_profile_comes_before_the_browser(client: httpx.AsyncClient) -> None:
    await build.sign_in(client, await build.operator())
    assert '<html lang="en"' in (await client.get("/", headers={"accept-language": "ar"})).text


async def test_a_fault_of_ours_is_a_page_with_a_number(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(main.migrate, "pending", crash)
    answer = await client.get("/health/ready")
    assert answer.status_code == 500
    assert "secret detail" not in answer.text


def test_a_fault_of_ours_is_told_to_programs_with_its_status() -> None:
    assert main.status_of(main.Crashed(number="1"))[0] == 500
    assert main.status_of(main.Unreadable(detail=""))[0] == 400


async def test_a_database_that_went_away_is_said_and_comes_back(settings: Settings) -> None:
    with tempfile.TemporaryDirectory(prefix="luocang-tests-") as home:
        Path(home).chmod(0o711)
        server = EmbeddedPostgres(Path(home), settings={"fsync": "off", "shared_buffers": "16MB"})
        server.start()
        server.create_database("going")
        await DB.close()
        await DB.open(server.url("going"), size=2)
        guards.forget_all()
        try:
            await migrate.migrate()
            app = main.create_app(settings, open_database=False)
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(app=app), base_url="http://testserver"
            ) as browser:
                bearer = {"authorization": f"Bearer {await build.token(await build.operator())}"}
                assert (await browser.get("/api/v1/stock/balances", headers=bearer)).status_code == 200
                server.stop()
                answer = await browser.get("/api/v1/stock/balances", headers=bearer)
                assert answer.status_code == 503
                assert answer.json()["type"] == "urn:luocang:refusal:Unavailable"
                assert (await browser.get("/registry")).status_code == 503
                assert (await browser.get("/health/ready")).status_code == 503
                assert (await browser.get("/health/live")).status_code == 200
                server.start()
                assert (await browser.get("/api/v1/stock/balances", headers=bearer)).status_code == 200
        finally:
            await DB.close()
            server.stop()
