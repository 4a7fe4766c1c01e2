"""The registry's API: scopes, filters, places in a list, and refusals as problems."""

from typing import Any

import httpx
import pytest

from backend.access.rules import Right, Viewer
from tests import build


async def get(client: httpx.AsyncClient, viewer: Viewer, path: str, *rights: Right, **query: Any) -> httpx.Response:
    secret = await build.token(viewer, *rights)
    return await client.get(f"/api/v1/{path}", params=query, headers={"Authorization": f"Bearer {secret}"})


async def codes(client: httpx.AsyncClient, viewer: Viewer, path: str, **query: Any) -> list[str]:
    answer = await get(client, viewer, path, **query)
    assert answer.status_code == 200, answer.text
    return [row["code"] for row in answer.json()["rows"]]


async def test_each_sees_its_warehouses(client: httpx.AsyncClient) -> None:
    operator, foreign = await build.operator(), await build.operator()
    draft = await build.warehouse(operator, code="D1", status="draft")
    listed = await build.warehouse(operator, code="L1", country="MY", time_zone="Asia/Kuala_Lumpur")
    abroad = await build.warehouse(foreign, code="F1", status="suspended")
    assert await codes(client, operator, "warehouses") == [draft.code, listed.code]
    assert await codes(client, foreign, "warehouses") == [abroad.code]
    assert await codes(client, await build.exporter(), "warehouses") == [abroad.code, listed.code]
    committee = await build.committee()
    assert await codes(client, committee, "warehouses") == ["D1", "F1", "L1"]
    assert await codes(client, committee, "warehouses", region="asean") == ["L1"]
    assert await codes(client, committee, "warehouses", country="de", status="draft") == ["D1"]
    assert await codes(client, committee, "warehouses", q="hamb", operator=foreign.organisation_code) == ["F1"]
    assert await codes(client, committee, "warehouses", q="%") == []
    row = (await get(client, committee, "warehouses", q="l1")).json()["rows"][0]
    assert row["names"] == {"en": "Test warehouse", "zh": "测试仓"}
    assert (row["latitude"], row["area_m2"], row["operator"]) == (53.5411, 12000, operator.organisation_code)


async def test_a_list_is_read_page_by_page(client: httpx.AsyncClient) -> None:
    operator = await build.operator()
    place = await build.warehouse(operator)
    made = await build.bins(operator, place, 5)
    read: list[str] = []
    after: str | None = ""
    while after is not None:
        page = (await get(client, operator, "locations", warehouse=place.code, kind="bin", limit=2, after=after)).json()
        assert len(page["rows"]) <= 2
        read += [row["code"] for row in page["rows"]]
        after = page["after"]
    assert read == made


async def test_locations_are_for_those_inside(client: httpx.AsyncClient) -> None:
    operator, foreign, exporter = await build.operator(), await build.operator(), await build.exporter()
    listed, draft = await build.warehouse(operator), await build.warehouse(operator, status="draft")
    assert await codes(client, operator, "locations", warehouse=draft.code) == ["DOCK", "WORKSHOP"]
    assert await codes(client, await build.committee(), "locations", warehouse=listed.code, q="d") == ["DOCK"]
    for viewer in (foreign, exporter):
        assert (await get(client, viewer, "locations", warehouse=listed.code)).status_code == 403
        assert (await get(client, viewer, "locations", warehouse=draft.code)).status_code == 404
    assert (await get(client, operator, "locations")).status_code == 422


async def test_items_are_opened_and_found(client: httpx.AsyncClient) -> None:
    exporter, stranger = await build.exporter(), await build.exporter()
    headers = {"Authorization": f"Bearer {await build.token(exporter)}"}
    body = {
        "code": "b-7",
        "names": {"zh": "轴承 7", "en": "Bearing 7"},
        "hs_code": "848210",
        "weight_kg": 0.25,
        "length_cm": "5.50",
        "gtins": ["4006381333931"],
        "own_barcodes": ["BRG 7"],
    }
    answer = await client.post("/api/v1/items", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    opened = answer.json()
    assert (opened["owner"], opened["code"]) == (exporter.organisation_code, "B-7")
    for text in ("b-", "bearing", "轴承", "4006381333931", "brg 7"):
        assert await codes(client, exporter, "items", q=text) == ["B-7"]
        assert await codes(client, stranger, "items", q=text, owner=exporter.organisation_code) == []
    assert await codes(client, exporter, "items", q="\0no") == []
    row = (await get(client, await build.committee(), "items", owner=exporter.organisation_code)).json()["rows"][0]
    assert row["id"] == opened["id"]
    assert (row["barcodes"], row["weight_kg"], row["length_cm"]) == (["4006381333931", "BRG 7"], 0.25, 5.5)
    again = await client.post("/api/v1/items", json=body, headers=headers)
    assert again.status_code == 422
    assert again.headers["content-type"].startswith("application/problem+json")
    assert {error["field"] for error in again.json()["errors"]} == {"code", "gtins", "own_barcodes"}


@pytest.mark.parametrize(
    "change",
    [
        {"code": 1},
        {"code": "\0"},
        {"names": {"en": "\0"}},
        {"own_barcodes": ["\0"]},
        {"names": {"de": "Lager"}},
        {"colour": "red"},
        {"weight_kg": "heavy"},
        {"gtins": "1"},
    ],
)
async def test_a_body_of_another_shape_is_refused(client: httpx.AsyncClient, change: dict[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {await build.token(await build.exporter())}"}
    body = {"code": "X", "names": {"en": "X"}, **change}
    assert (await client.post("/api/v1/items", json=body, headers=headers)).status_code in (400, 422)


async def test_bad_values_are_named(client: httpx.AsyncClient) -> None:
    exporter = await build.exporter()
    headers = {"Authorization": f"Bearer {await build.token(exporter)}"}
    body = {"code": "=1", "names": {}, "hs_code": "9", "weight_kg": -1, "gtins": ["4006381333932"]}
    answer = await client.post("/api/v1/items", json=body, headers=headers)
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == {"code", "name", "hs_code", "weight_kg", "gtins"}
    for query, field in (({"region": "moon"}, "region"), ({"limit": 501}, "limit"), ({"after": "here"}, "after")):
        refused = await get(client, exporter, "warehouses", **query)
        assert refused.status_code == 422
        assert [error["field"] for error in refused.json()["errors"]] == [field]


async def test_a_token_does_what_it_was_given(client: httpx.AsyncClient) -> None:
    exporter, operator = await build.exporter(), await build.operator()
    assert (await client.get("/api/v1/items")).status_code == 401
    assert (await get(client, exporter, "items", Right.SEE_STOCK)).status_code == 403
    body = {"code": "X", "names": {"en": "X"}}
    for viewer, rights in ((exporter, (Right.SEE_REGISTRY,)), (operator, ())):
        headers = {"Authorization": f"Bearer {await build.token(viewer, *rights)}"}
        assert (await client.post("/api/v1/items", json=body, headers=headers)).status_code == 403


async def test_the_api_describes_the_registry(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/api/v1/schema/openapi.json")).json()["paths"]
    for path in ("/api/v1/warehouses", "/api/v1/locations", "/api/v1/items"):
        assert paths[path]["get"]["summary"]
        assert "application/json" in paths[path]["get"]["responses"]["200"]["content"]
    assert paths["/api/v1/items"]["post"]["responses"]["201"]
