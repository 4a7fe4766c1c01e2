"""The screens: signing in and out, one's own account, and administration, as a browser without JavaScript sees them."""

import csv
import io
import re
from urllib.parse import urlsplit

import httpx
import pytest

from backend.access import actions, guards
from backend.access.rules import Role, Viewer
from backend.core.database import DB
from tests import build

ADMIN_PAGES = ["/access/organisations", "/access/organisations/new", "/access/people", "/access/people/new"]
ADMIN_FILES = ["/access/organisations.csv", "/access/people.csv"]
OWN_PAGES = ["/access/profile", "/access/password", "/access/sessions", "/access/tokens"]


def _rows(answer: httpx.Response) -> list[list[str]]:
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


def _next_page(answer: httpx.Response) -> str:
    found = re.search(r'href="([^"]+)" rel="next"', answer.text)
    return found.group(1).replace("&amp;", "&") if found else ""


async def _enter(client: httpx.AsyncClient, viewer: Viewer, **other: str) -> httpx.Response:
    given = {"email": viewer.email, "password": build.PASSWORD, "next": "/access/profile"} | other
    return await build.submit(client, "/access/sign-in", **given)


# ------------------------------------------------------------------------------------------------------- signing in


async def test_signing_in_and_out(client: httpx.AsyncClient) -> None:
    viewer = await build.operator()
    answer = await client.get("/access/tokens?state=active")
    assert answer.status_code == 303
    asked = answer.headers["location"]
    assert asked == "/access/sign-in?next=%2Faccess%2Ftokens%3Fstate%3Dactive"
    assert 'value="/access/tokens?state=active"' in (await client.get(asked)).text
    answer = await _enter(client, viewer, next="/access/tokens?state=active")
    assert (answer.status_code, answer.headers["location"]) == (303, "/access/tokens?state=active")
    cookie = next(each for each in answer.headers.get_list("set-cookie") if each.startswith(guards.SESSION_COOKIE))
    assert {"httponly", "samesite=lax", "path=/"} <= {part.strip().lower() for part in cookie.split(";")}
    assert "max-age" not in cookie.lower()
    shown = await client.get("/access/tokens")
    assert shown.status_code == 200
    assert shown.headers["cache-control"] == "private, no-store"
    assert (await client.get("/access/sign-in?next=/access/profile")).headers["location"] == "/access/profile"
    token = client.cookies[guards.SESSION_COOKIE]
    answer = await build.submit(client, "/access/sign-out")
    assert answer.status_code == 303
    assert guards.SESSION_COOKIE not in client.cookies
    assert await guards.viewer_of_session(token) is None
    assert (await client.get("/access/profile")).status_code == 303


async def test_staying_signed_in_keeps_the_cookie_for_thirty_days(client: httpx.AsyncClient) -> None:
    answer = await _enter(client, await build.operator(), keep="yes")
    cookie = next(each for each in answer.headers.get_list("set-cookie") if each.startswith(guards.SESSION_COOKIE))
    assert "max-age=2592000" in cookie.lower()


async def test_a_wrong_sign_in_keeps_the_address_and_forgets_the_password(client: httpx.AsyncClient) -> None:
    viewer = await build.operator()
    answer = await _enter(client, viewer, password="wrong wrong wrong")
    assert answer.status_code == 422
    assert viewer.email in answer.text
    assert "wrong wrong wrong" not in answer.text
    assert "do not fit together" in answer.text
    for _ in range(4):
        await _enter(client, viewer, password="wrong wrong wrong")
    answer = await _enter(client, viewer)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 30
    assert guards.SESSION_COOKIE not in client.cookies


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\t/evil.example", ""],
)
async def test_nobody_is_sent_to_another_site(client: httpx.AsyncClient, target: str) -> None:
    answer = await _enter(client, await build.operator(), next=target)
    assert answer.status_code == 303
    assert not urlsplit(answer.headers["location"]).netloc
    assert answer.headers["location"] == "/"
    answer = await build.submit(client, "/access/language", language="ar", next=target)
    assert answer.headers["location"] == "/"


async def test_a_form_of_another_site_is_refused(client: httpx.AsyncClient) -> None:
    viewer = await build.operator()
    answer = await client.post("/access/sign-in", data={"email": viewer.email, "password": build.PASSWORD})
    assert answer.status_code in (403, 409)
    assert guards.SESSION_COOKIE not in client.cookies


async def test_language_and_appearance_are_kept(client: httpx.AsyncClient) -> None:
    answer = await build.submit(client, "/access/language", language="ar", next="/access/sign-in")
    assert answer.headers["location"] == "/access/sign-in"
    assert 'dir="rtl"' in (await client.get("/access/sign-in")).text
    await build.submit(client, "/access/theme", theme="dark", next="/access/sign-in")
    assert 'data-theme="dark"' in (await client.get("/access/sign-in")).text
    await build.submit(client, "/access/theme", theme="auto", next="/access/sign-in")
    assert "data-theme" not in (await client.get("/access/sign-in")).text
    await build.submit(client, "/access/language", language="tlh", next="/")
    assert client.cookies["language"] == "ar"
    viewer = await build.operator()
    await _enter(client, viewer)
    assert client.cookies["language"] == "en"
    await build.submit(client, "/access/language", language="zh_CN", next="/access/profile")
    assert (await build.again(viewer)).language == "zh_CN"
    assert 'lang="zh-CN"' in (await client.get("/access/profile")).text


# ------------------------------------------------------------------------------------------------------- own account


@pytest.mark.parametrize("language", ["en", "zh_CN", "ar"])
async def test_own_pages_open_in_every_language(client: httpx.AsyncClient, language: str) -> None:
    viewer = await build.exporter()
    await actions.speak(viewer, language)
    await build.token(viewer)
    await build.sign_in(client, viewer)
    for path in OWN_PAGES:
        answer = await client.get(path)
        assert answer.status_code == 200, path
        assert viewer.name in answer.text
    for path in ("/access/sessions.csv", "/access/tokens.csv"):
        assert len(_rows(await client.get(path))) == 2


@pytest.mark.parametrize(
    "path", [*OWN_PAGES, *ADMIN_PAGES, *ADMIN_FILES, "/access/sessions.csv", "/access/people/1001"]
)
async def test_nobody_is_asked_to_sign_in(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/access/sign-in?next=")


async def test_the_profile_is_changed_or_shown_again_with_every_fault(client: httpx.AsyncClient) -> None:
    viewer = await build.exporter()
    await build.sign_in(client, viewer)
    answer = await build.submit(client, "/access/profile", name="", language="xx", time_zone="Nowhere", revision="1")
    assert answer.status_code == 422
    for field in ("f-name-error", "f-language-error", "f-time_zone-error"):
        assert f'id="{field}"' in answer.text
    assert 'value="Nowhere"' in answer.text
    answer = await build.submit(
        client, "/access/profile", name="<Ann>", language="ar", time_zone="Asia/Dubai", revision="1"
    )
    assert answer.status_code == 303
    shown = (await client.get("/access/profile")).text
    assert "&lt;Ann&gt;" in shown
    assert 'dir="rtl"' in shown
    answer = await build.submit(client, "/access/profile", name="Bob", language="en", time_zone="UTC", revision="1")
    assert answer.status_code == 409


async def test_the_password_form(client: httpx.AsyncClient) -> None:
    viewer = await build.exporter()
    await build.sign_in(client, viewer)
    answer = await build.submit(client, "/access/password", current=build.PASSWORD, new="short", again="x")
    assert answer.status_code == 422
    assert 'id="f-new-error"' in answer.text
    assert 'id="f-again-error"' in answer.text
    new = "quite another phrase"
    answer = await build.submit(client, "/access/password", current=build.PASSWORD, new=new, again=new)
    assert answer.status_code == 303
    assert (await client.get("/access/profile")).status_code == 200


async def test_a_token_is_shown_once_works_and_is_ended(client: httpx.AsyncClient) -> None:
    viewer = await build.exporter()
    await build.sign_in(client, viewer)
    answer = await build.submit(client, "/access/tokens", name="", days="0")
    assert answer.status_code == 422
    for field in ("f-name-error", "f-days-error", "f-rights-error"):
        assert f'id="{field}"' in answer.text
    assert "access:manage" not in answer.text
    answer = await build.submit(
        client, "/access/tokens", name="Kasse 7", days="30", rights=["stock:read", "registry:read"]
    )
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-store"
    found = re.search(r"luocang_[\w-]{43}", answer.text)
    assert found
    speaks = await guards.viewer_of_token(found.group(0))
    assert speaks is not None
    assert {right.value for right in speaks.rights} == {"stock:read", "registry:read"}
    listed = await client.get("/access/tokens")
    assert "Kasse 7" in listed.text
    assert found.group(0) not in listed.text
    answer = await build.submit(client, f"/access/tokens/{speaks.session_id}/revoke")
    assert answer.status_code == 303
    assert await guards.viewer_of_token(found.group(0)) is None
    assert "Kasse 7" not in (await client.get("/access/tokens?state=active")).text
    assert "Kasse 7" in (await client.get("/access/tokens?state=ended")).text


async def test_a_foreign_session_or_token_is_not_found(client: httpx.AsyncClient) -> None:
    viewer, other = await build.operator(), await build.operator()
    token = await guards.viewer_of_token(await build.token(other))
    assert token is not None
    await build.sign_in(client, viewer)
    for kind in ("sessions", "tokens"):
        answer = await build.submit(client, f"/access/{kind}/{token.session_id}/revoke")
        assert answer.status_code == 404
    assert other.name not in (await client.get("/access/tokens")).text
    assert len(_rows(await client.get("/access/tokens.csv"))) == 1


async def test_working_for_another_organisation(client: httpx.AsyncClient) -> None:
    root, viewer, other, foreign = (
        await build.root(),
        await build.operator(),
        await build.exporter(),
        await build.exporter(),
    )
    await actions.add_membership(root, viewer.user_id, other.organisation_code, ["exporter_clerk"])
    await build.sign_in(client, viewer)
    answer = await build.submit(client, "/access/organisation", organisation=foreign.organisation_code)
    assert answer.status_code == 404
    answer = await build.submit(client, "/access/organisation", organisation=other.organisation_code)
    assert answer.status_code == 303
    now = await guards.viewer_of_session(client.cookies[guards.SESSION_COOKIE])
    assert now is not None
    assert now.organisation_code == other.organisation_code


# --------------------------------------------------------------------------------------------------- administration


@pytest.mark.parametrize("role", [Role.OPERATOR_MANAGER, Role.EXPORTER_MANAGER, Role.REGISTRAR])
async def test_only_administrators_open_the_administration(client: httpx.AsyncClient, role: Role) -> None:
    builders = {
        Role.OPERATOR_MANAGER: build.operator,
        Role.EXPORTER_MANAGER: build.exporter,
        Role.REGISTRAR: build.committee,
    }
    viewer, other = await builders[role](role), await build.operator()
    await build.sign_in(client, viewer)
    person, organisation = f"/access/people/{other.user_id}", f"/access/organisations/{other.organisation_id}"
    own = f"/access/people/{viewer.user_id}"
    pages = [person, f"{person}/sessions", f"{person}/sessions.csv", f"{person}/tokens", f"{person}/tokens.csv"]
    for path in [*ADMIN_PAGES, *ADMIN_FILES, *pages, organisation, own, f"{own}/sessions", f"{own}/tokens.csv"]:
        answer = await client.get(path)
        assert answer.status_code == 403, path
        assert other.email not in answer.text
    deeds = [f"{person}/disable", f"{person}/enable", f"{person}/password", f"{person}/memberships"]
    deeds += [f"{own}/memberships/{viewer.organisation_id}", f"{person}/memberships/{other.organisation_id}/end"]
    for path in [*deeds, organisation, f"{organisation}/disable", f"{organisation}/enable"]:
        answer = await build.submit(client, path, roles="administrator", names_en="X", organisation="ROOT")
        assert answer.status_code in (403, 422), path
    assert (await build.again(other)).roles == other.roles
    assert (await build.again(viewer)).roles == viewer.roles
    for path in ("/access/people/new", "/access/organisations/new"):
        answer = await build.submit(client, path, code="X1", kind="operator", names_en="X")
        assert answer.status_code == 403, path


async def test_an_administrator_adds_an_organisation_and_its_person(client: httpx.AsyncClient) -> None:
    await build.sign_in(client, await build.root())
    answer = await build.submit(client, "/access/organisations/new", code="=x", kind="", names_zh="洛阳 <b>")
    assert answer.status_code == 422
    assert 'id="f-code-error"' in answer.text
    assert 'id="f-kind-error"' in answer.text
    assert "洛阳 &lt;b&gt;" in answer.text
    answer = await build.submit(
        client, "/access/organisations/new", code="lyop", kind="operator", names_zh="洛阳海外仓"
    )
    assert answer.status_code == 303
    organisation = answer.headers["location"]
    shown = await client.get(organisation)
    assert "LYOP" in shown.text
    answer = await build.submit(client, organisation, names_zh="", revision="1")
    assert answer.status_code == 422
    assert 'id="f-names-error"' in answer.text
    answer = await build.submit(client, organisation, names_zh="洛阳仓", names_en="Luoyang", revision="1")
    assert answer.status_code == 303
    assert "LYOP" in (await client.get("/access/people/new?organisation=LYOP")).text

    person = {"email": "li@luoyang.example", "name": "Li", "language": "zh_CN", "time_zone": "Asia/Shanghai"}
    answer = await build.submit(client, "/access/people/new", **person, organisation="LYOP", roles=["exporter_clerk"])
    assert answer.status_code == 422
    assert 'id="f-roles-error"' in answer.text
    answer = await build.submit(
        client, "/access/people/new", **person, organisation="LYOP", roles=["operator_manager", "operator_clerk"]
    )
    assert answer.status_code == 200
    found = re.search(r">((?:[a-z2-9]{5}-){3}[a-z2-9]{5})<", answer.text)
    assert found
    made = await guards.viewer_of_person(person["email"])
    assert made is not None
    assert made.roles == frozenset({Role.OPERATOR_MANAGER, Role.OPERATOR_CLERK})
    assert await actions.passwords.fits(
        await DB.value("select password_hash from user_account where id = $1", made.user_id), found.group(1)
    )
    shown = await client.get(f"/access/people/{made.user_id}")
    assert "li@luoyang.example" in shown.text
    assert found.group(1) not in shown.text


async def test_an_administrator_keeps_a_person(client: httpx.AsyncClient) -> None:
    root, viewer, other = await build.root(), await build.operator(), await build.exporter()
    token = await guards.viewer_of_token(await build.token(viewer))
    assert token is not None
    await build.sign_in(client, viewer)
    session = await guards.viewer_of_session(client.cookies[guards.SESSION_COOKIE])
    assert session is not None
    await build.sign_in(client, root)
    base = f"/access/people/{viewer.user_id}"
    for path in (base, f"{base}/sessions", f"{base}/tokens"):
        assert viewer.name in (await client.get(path)).text, path
    assert len(_rows(await client.get(f"{base}/sessions.csv"))) == 2
    assert len(_rows(await client.get(f"{base}/tokens.csv"))) == 2

    answer = await build.submit(client, f"{base}/memberships", organisation=other.organisation_code)
    assert answer.status_code == 422
    assert 'id="add-roles-error"' in answer.text
    assert (await client.get(f"{base}/memberships")).headers["location"] == base
    answer = await build.submit(
        client, f"{base}/memberships", organisation=other.organisation_code, roles="exporter_clerk"
    )
    assert answer.status_code == 303
    place = f"{base}/memberships/{other.organisation_id}"
    answer = await build.submit(client, place, roles="operator_clerk", revision="1")
    assert answer.status_code == 422
    assert f'id="roles-{other.organisation_id}-roles-error"' in answer.text
    assert (await build.submit(client, place, roles="exporter_manager", revision="1")).status_code == 303
    assert (await build.submit(client, place, roles="exporter_manager", revision="1")).status_code == 409
    assert (await build.submit(client, f"{place}/end")).status_code == 303
    assert (await build.submit(client, f"{place}/end")).status_code == 404

    assert (await build.submit(client, f"{base}/sessions/{session.session_id}/revoke")).status_code == 303
    assert (await build.submit(client, f"{base}/tokens/{token.session_id}/revoke")).status_code == 303
    assert (await build.submit(client, f"{base}/tokens/{session.session_id}/revoke")).status_code == 404
    assert (await build.submit(client, f"{base}/password", password="short")).status_code == 422
    assert (await build.submit(client, f"{base}/password", password="a typed pass phrase")).status_code == 303
    assert (await build.submit(client, f"{base}/password")).status_code == 200
    assert (await build.submit(client, f"{base}/disable")).status_code == 303
    assert await guards.viewer_of_person(viewer.email) is None
    assert (await build.submit(client, f"{base}/enable")).status_code == 303
    assert (await build.submit(client, f"/access/people/{root.user_id}/disable")).status_code == 403
    assert (await build.submit(client, f"/access/organisations/{root.organisation_id}/disable")).status_code == 403
    for missing in ("/access/people/1", "/access/organisations/1", "/access/people/99999999999999999999"):
        assert (await client.get(missing)).status_code == 404, missing


async def test_lists_are_paged_filtered_and_exported(client: httpx.AsyncClient) -> None:
    root = await build.root()
    await DB.run(
        """insert into organisation (code, kind, names) select 'PAGE' || lpad(n::text, 4, '0'), 'exporter',
           jsonb_build_object('en', '=Page ' || n) from generate_series(1, 230) n"""
    )
    await DB.run(
        """insert into user_account (email, name, language, time_zone)
           select 'page' || lpad(n::text, 4, '0') || '@x.example', '+Page 100%', 'en', 'UTC' from generate_series(1, 230) n"""
    )
    await DB.run(
        """insert into user_session (id, token_hash, user_id, organisation_id, user_agent, expires_at)
           select gen_random_uuid(), n::text::bytea, $1, $2, 'test', now() - interval '1 day' from generate_series(1, 230) n""",
        root.user_id,
        root.organisation_id,
    )
    await DB.run(
        """insert into api_token (id, token_hash, user_id, organisation_id, name, scopes, expires_at)
           select gen_random_uuid(), n::text::bytea, $1, $2, '@name ' || n, '{stock:read}', now() - interval '1 day'
           from generate_series(1, 230) n""",
        root.user_id,
        root.organisation_id,
    )
    await build.sign_in(client, root)
    lists = {
        "/access/organisations?kind=exporter&text=page+": r"PAGE\d{4}",
        "/access/people?text=100%25&state=active": r"page\d{4}@x",
        "/access/tokens?state=ended": r"@name \d+",
        "/access/sessions?state=ended": None,
    }
    for path, mark in lists.items():
        seen: list[str] = []
        pages, url = 0, path
        while url:
            answer = await client.get(url)
            assert answer.status_code == 200, url
            rows = answer.text.count("<tr") - 1
            seen += re.findall(mark, answer.text) if mark else ["x"] * rows
            pages, url = pages + 1, _next_page(answer)
        assert pages == 3, path
        assert len(seen) == 230, path
        assert not mark or len(set(seen)) == 230
        assert len(_rows(await client.get(path.replace("?", ".csv?")))) == 231
    names = {row[3] for row in _rows(await client.get("/access/organisations.csv?text=page"))[1:]}
    assert "'=Page 7" in names
    for path in ("/access/organisations", "/access/people", "/access/tokens", "/access/sessions"):
        wrong = await client.get(f"{path}?after=nonsense")
        assert wrong.status_code == 422
        assert "The list cannot be shown with these filters." in wrong.text
        assert (
            await client.get(f"{path}?state=active&text=%00%25_%5C'\"&kind=%00&organisation=%00")
        ).status_code == 200


async def test_filters_narrow_the_people(client: httpx.AsyncClient) -> None:
    viewer, other = await build.operator(), await build.exporter()
    await build.sign_in(client, await build.root())
    shown = (await client.get(f"/access/people?organisation={viewer.organisation_code.lower()}")).text
    assert viewer.email in shown
    assert other.email not in shown
    assert other.email not in (await client.get("/access/people?state=disabled")).text
    empty = await client.get("/access/people?text=no-such-person")
    assert "Clear the filter" in empty.text
