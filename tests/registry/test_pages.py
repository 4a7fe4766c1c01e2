"""The registry's screens: who sees what, forms that keep what was typed, lists as files."""

import re

import httpx
import pytest

from backend.access import actions as access_actions
from backend.access.rules import Role, Viewer
from backend.core.database import DB
from backend.registry import queries
from tests import build


async def page(client: httpx.AsyncClient, path: str, status: int = 200) -> str:
    answer = await client.get(path)
    assert answer.status_code == status, answer.text
    return answer.text


async def file(client: httpx.AsyncClient, path: str) -> list[str]:
    answer = await client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv; charset=utf-8")
    assert "attachment" in answer.headers["content-disposition"]
    assert answer.content.startswith(b"\xef\xbb\xbf")
    return answer.text.removeprefix("\ufeff").splitlines()


async def signed_in(client: httpx.AsyncClient, viewer: Viewer) -> httpx.AsyncClient:
    client.cookies.clear()
    return await build.sign_in(client, viewer)


# ----------------------------------------------------------------------------------------------------------- public


async def test_the_directory_is_public_and_shows_what_is_listed(client: httpx.AsyncClient) -> None:
    operator = await build.operator()
    listed = await build.warehouse(operator, code="PUB1", name_en="Harbour store", country="MY", city_en="Port Klang")
    await build.warehouse(operator, code="PUB2", status="draft")
    await build.warehouse(operator, code="PUB3", status="suspended")
    text = await page(client, "/registry")
    assert "Harbour store" in text
    assert "Port Klang" in text
    assert "Malaysia" in text
    assert "PUB2" not in text
    assert "PUB3" not in text
    for query, found in (
        ("region=asean", 1),
        ("region=eu", 0),
        ("country=MY", 1),
        ("q=klang", 1),
        ("taxonomy=rented", 0),
    ):
        assert ("PUB1" in await page(client, f"/registry?{query}")) == bool(found), query
    assert "No warehouse fits" in await page(client, "/registry?region=eu")
    wrong = await page(client, "/registry?region=moon", 422)
    assert "moon" in wrong
    assert "The list cannot be shown with these filters." in wrong
    lines = await file(client, "/registry.csv?region=asean")
    assert lines[1].startswith(f"{listed.code},测试仓,Harbour store,,{operator.organisation_code},MY,Port Klang,")
    assert len(lines) == 2


async def test_a_warehouse_has_a_public_page(client: httpx.AsyncClient) -> None:
    operator = await build.operator()
    listed = await build.warehouse(operator, longitude="-9.9937")
    draft, closed = await build.warehouse(operator, status="draft"), await build.warehouse(operator, status="closed")
    suspended = await build.warehouse(operator, status="suspended")
    text = await page(client, f"/registry/warehouses/{listed.code.lower()}")
    for word in ("Am Sandtorkai 1", "Germany", "53.5411° N, 9.9937° W", "UTC+1", "European Union", "12,000"):
        assert word in text, word
    for word in ("/edit", "/locations", "/stock/", "History"):
        assert word not in text, word
    assert "has suspended this warehouse" in await page(client, f"/registry/warehouses/{suspended.code}")
    assert "is closed" in await page(client, f"/registry/warehouses/{closed.code}")
    await page(client, f"/registry/warehouses/{draft.code}", 404)
    await page(client, "/registry/warehouses/%00", 404)


@pytest.mark.parametrize(
    "path", ["/registry/warehouses", "/registry/items", "/registry/items/new", "/registry/warehouses.csv"]
)
async def test_the_rest_needs_a_sign_in(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/access/sign-in?next=%2Fregistry")


# ------------------------------------------------------------------------------------------------------- warehouses


async def test_lists_and_files_keep_to_the_viewers_scope(client: httpx.AsyncClient) -> None:
    operator, foreign = await build.operator(), await build.operator()
    draft = await build.warehouse(operator, status="draft", name_en="=cmd()")
    listed = await build.warehouse(operator)
    abroad = await build.warehouse(foreign)
    hidden = await build.warehouse(foreign, status="draft")
    scopes = (
        (operator, (draft, listed), (abroad, hidden)),
        (await build.exporter(), (listed, abroad), (draft, hidden)),
        (await build.committee(), (draft, listed, abroad, hidden), ()),
    )
    for viewer, shown, kept_back in scopes:
        await signed_in(client, viewer)
        text, lines = await page(client, "/registry/warehouses"), await file(client, "/registry/warehouses.csv")
        codes = {line.split(",")[0] for line in lines}
        assert {place.code for place in shown} <= codes
        assert not {place.code for place in kept_back} & codes
        assert all(f"/registry/warehouses/{place.code}" in text for place in shown)
        assert not any(place.code + "<" in text for place in kept_back)
        if draft in shown:
            assert "'=cmd()" in "\n".join(lines)


async def test_a_manager_creates_a_warehouse_by_form(client: httpx.AsyncClient) -> None:
    operator = await build.operator()
    await signed_in(client, operator)
    assert "Europe/Berlin" in await page(client, "/registry/warehouses/new")
    wrong = {**build.WAREHOUSE, "code": "a b", "latitude": "<i>north</i>", "name_en": "", "name_zh": ""}
    answer = await build.submit(client, "/registry/warehouses/new", **wrong)
    assert answer.status_code == 422
    assert "3 things need your attention" in answer.text
    assert "&lt;i&gt;north&lt;/i&gt;" in answer.text
    assert 'value="Am Sandtorkai 1, 20457 Hamburg"' in answer.text
    assert answer.text.count('aria-invalid="true"') == 2
    assert "Give a name in at least one language." in answer.text
    answer = await build.submit(client, "/registry/warehouses/new", **{**build.WAREHOUSE, "code": "form-1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/registry/warehouses/FORM-1")
    text = await page(client, answer.headers["location"])
    assert "created as a draft" in text
    assert "only its operator and the committee see it" in text
    assert "Dock" in text
    assert "/stock/balances?warehouse=FORM-1" in text


async def test_a_stale_form_says_what_to_do(client: httpx.AsyncClient) -> None:
    operator = await build.operator()
    place = await build.warehouse(operator)
    await signed_in(client, operator)
    path = f"/registry/warehouses/{place.code}/edit"
    text = await page(client, path)
    found = re.search(r'name="revision" value="(\d+)"', text)
    assert found is not None
    assert 'value="53.5411"' in text
    typed = {**build.WAREHOUSE, "area_m2": "99"}
    answer = await build.submit(client, path, revision=found[1], **typed)
    assert answer.status_code == 303
    for revision in (found[1], "", "x"):
        answer = await build.submit(client, path, revision=revision, **typed)
        assert answer.status_code == 409
        assert "Load it again" in answer.text
    answer = await build.submit(client, path, revision=int(found[1]) + 1, **{**typed, "area_m2": "-1"})
    assert answer.status_code == 422
    assert 'value="-1"' in answer.text


async def test_the_committee_moves_a_warehouse_through_its_life(client: httpx.AsyncClient) -> None:
    operator = await build.operator()
    place = await build.warehouse(operator, status="draft")
    path = f"/registry/warehouses/{place.code}"
    await signed_in(client, await build.committee(Role.REGISTRAR))
    text = await page(client, path)
    assert f"List warehouse {place.code}?" in text
    assert "Suspend warehouse" not in text
    answer = await build.submit(client, f"{path}/status", status="listed", revision=place.revision, note="")
    assert answer.status_code == 303
    answer = await build.submit(client, f"{path}/status", status="suspended", revision=place.revision + 1, note="")
    assert answer.status_code == 422
    assert re.search(r'<dialog id="to-suspended-dialog"[^>]* data-open', answer.text)
    assert 'id="to-suspended-note-error"' in answer.text
    note = "Fire exits are blocked."
    answer = await build.submit(client, f"{path}/status", status="suspended", revision=place.revision + 1, note=note)
    assert answer.status_code == 303
    await signed_in(client, operator)
    text = await page(client, path)
    assert note in text
    assert f"{path}/edit" not in text
    assert (await client.get(f"{path}/edit")).status_code == 409
    answer = await build.submit(client, f"{path}/status", status="listed", revision=place.revision + 2)
    assert answer.status_code == 403


# -------------------------------------------------------------------------------------------------------- locations


async def test_a_range_is_seen_before_it_is_made(client: httpx.AsyncClient) -> None:
    operator = await build.operator()
    place = await build.warehouse(operator)
    path = f"/registry/warehouses/{place.code}/locations"
    await signed_in(client, operator)
    assert "WORKSHOP" in await page(client, path)
    await page(client, f"{path}/new")
    typed = {"pattern": "Z-{01..20}-{1..5}", "kind": "bin", "parent": ""}
    answer = await build.submit(client, f"{path}/new", step="preview", **typed)
    assert answer.status_code == 200
    for word in ("Z-01-1", "Z-20-5", "Create 100 locations", 'value="Z-{01..20}-{1..5}"'):
        assert word in answer.text, word
    assert (await queries.location_counts(operator, place)).get(queries.LocationKind.BIN) is None
    answer = await build.submit(client, f"{path}/new", step="create", **typed)
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    text = await page(client, f"{path}?kind=bin")
    assert "100 locations were created." in text
    assert "Z-01-1" in text
    assert "DOCK" not in text
    answer = await build.submit(client, f"{path}/new", step="create", **{**typed, "pattern": "Z-{01..21}-{1..5}"})
    assert "5 locations were created. 100 existed already" in await page(client, path)
    answer = await build.submit(client, f"{path}/new", step="preview", pattern="A-{1..99999}", kind="dock", parent="Q")
    assert answer.status_code == 422
    assert answer.text.count('aria-invalid="true"') == 3
    assert len(await file(client, f"{path}.csv?kind=bin&q=z-2")) == 11
    second = re.search(
        rf'href="({re.escape(path)}\?[^"]*after=[^"]+)" rel="next"', await page(client, f"{path}?kind=bin")
    )
    assert second is not None
    assert "Z-11-1" in await page(client, second[1].replace("&amp;", "&"))


async def test_locations_are_closed_to_others(client: httpx.AsyncClient) -> None:
    operator = await build.operator()
    listed, draft = await build.warehouse(operator), await build.warehouse(operator, status="draft")
    for viewer in (await build.operator(), await build.exporter()):
        await signed_in(client, viewer)
        for suffix in ("", ".csv", "/new"):
            assert (await client.get(f"/registry/warehouses/{listed.code}/locations{suffix}")).status_code == 403
            assert (await client.get(f"/registry/warehouses/{draft.code}/locations{suffix}")).status_code in (403, 404)
    await signed_in(client, await build.committee())
    assert "Add locations" not in await page(client, f"/registry/warehouses/{listed.code}/locations")


# ------------------------------------------------------------------------------------------------------------ items


async def test_an_exporter_keeps_its_items_by_form(client: httpx.AsyncClient) -> None:
    exporter = await build.exporter()
    await signed_in(client, exporter)
    assert "You have no items yet" in await page(client, "/registry/items")
    typed = {"code": "desk 1", "name_en": "Desk", "name_ar": "مكتب", "weight_kg": "32,5", "gtins": "4006381333932"}
    answer = await build.submit(client, "/registry/items/new", **typed)
    assert answer.status_code == 422
    assert "after these digits it would be 1" in answer.text
    assert "32,5" in answer.text
    fixed = {**typed, "weight_kg": "32.5", "gtins": "4006381333931", "length_cm": "140", "own_barcodes": "D 1\r\nD 2"}
    answer = await build.submit(client, "/registry/items/new", **fixed)
    assert answer.status_code == 303
    path = answer.headers["location"]
    text = await page(client, path)
    for word in ("DESK 1", "4006381333931", "D 2", "32.5", "140 cm", "مكتب"):
        assert word in text, word
    text = await page(client, f"{path}/edit")
    assert "D 1\nD 2</textarea>" in text
    answer = await build.submit(client, f"{path}/edit", revision=1, name_en="Desk, oak", gtins="", own_barcodes="D 2")
    assert answer.status_code == 303
    assert "D 1" not in await page(client, path)
    assert "Desk, oak" in await page(client, "/registry/items?q=oak")
    assert "No item fits" in await page(client, "/registry/items?q=beech")
    lines = await file(client, "/registry/items.csv")
    assert lines[1] == f'{exporter.organisation_code},DESK 1,,"Desk, oak",,,,,,,D 2'


async def test_items_are_closed_to_others(client: httpx.AsyncClient) -> None:
    owner = await build.exporter()
    item = await build.item(owner, name_en="Secret lamp")
    for viewer in (await build.exporter(), await build.operator()):
        await signed_in(client, viewer)
        assert "Secret lamp" not in await page(client, "/registry/items")
        assert "Secret lamp" not in "\n".join(await file(client, "/registry/items.csv"))
        for path in (f"/registry/items/{item.id}", f"/registry/items/{item.id}/edit"):
            assert (await client.get(path)).status_code == 404
        answer = await build.submit(client, f"/registry/items/{item.id}/edit", revision=1, name_en="Mine")
        assert answer.status_code == 404
    await signed_in(client, await build.committee())
    assert "Secret lamp" in await page(client, f"/registry/items?owner={owner.organisation_code}")
    assert "Secret lamp" in await page(client, f"/registry/items/{item.id}")
    assert (await client.get("/registry/items/new")).status_code == 403
    assert (await client.get(f"/registry/items/{item.id}/edit")).status_code == 403
    assert await DB.value("select revision from item where id = $1", item.id) == 1


@pytest.mark.parametrize("language", ["zh_CN", "en", "ar"])
async def test_every_page_speaks_every_language(client: httpx.AsyncClient, language: str) -> None:
    operator, exporter = await build.operator(), await build.exporter()
    place, item = await build.warehouse(operator), await build.item(exporter)
    inside = f"warehouses/{place.code}"
    screens = (
        (operator, ("warehouses", "warehouses/new", inside, f"{inside}/edit", f"{inside}/locations", "items")),
        (operator, (f"{inside}/locations/new",)),
        (exporter, ("items", "items/new", f"items/{item.id}", f"items/{item.id}/edit")),
    )
    for viewer, theirs in screens:
        await access_actions.speak(viewer, language)
        await signed_in(client, viewer)
        for path in theirs:
            text = await page(client, f"/registry/{path}")
            assert f'dir="{"rtl" if language == "ar" else "ltr"}"' in text
