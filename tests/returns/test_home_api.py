"""Batches home for machines: the whole way by calls, repeated calls, refusals with every fault."""

from typing import Any

import httpx
import pytest

from backend.access.rules import Viewer
from tests import build
from tests.returns import homeward
from tests.returns.homeward import World, key

BATCHES = "/api/v1/returns/batches"


@pytest.fixture
async def there(database: str) -> World:
    return await homeward.world()


class Program:
    """A program that speaks for somebody."""

    def __init__(self, client: httpx.AsyncClient, token: str) -> None:
        self.client, self.token = client, token

    async def post(self, path: str, body: dict[str, Any], *, once: str = "") -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": once or key()}
        return await self.client.post(path, json=body, headers=headers)

    async def get(self, path: str, **params: str) -> httpx.Response:
        return await self.client.get(path, params=params, headers={"Authorization": f"Bearer {self.token}"})


async def program(client: httpx.AsyncClient, viewer: Viewer) -> Program:
    return Program(client, await build.token(viewer))


async def test_the_whole_way(client: httpx.AsyncClient, there: World) -> None:
    exporter, operator = await program(client, there.exporter), await program(client, there.operator)
    lot, once = await there.lot(8), key()
    body = {"warehouse": there.place.code, **homeward.plan()}
    opened = await exporter.post(BATCHES, body, once=once)
    assert opened.status_code == 201
    again = await exporter.post(BATCHES, body, once=once)
    assert (again.status_code, again.json()["id"]) == (200, opened.json()["id"])
    at = f"{BATCHES}/{opened.json()['id']}"
    goods = {"item": there.item.code, "lot": lot, "location": there.bin, "quantity": 8}
    filled = await exporter.post(f"{at}/lines", {"stock": [goods], "revision": 1})
    assert filled.json()["lines"][0]["eligibility"]["tax"] == "exempt"
    assert filled.json()["lines"][0]["declaration_no"].startswith(homeward.AREA)
    assert (await exporter.post(f"{at}/ready", {})).json()["stage"] == "ready"
    packed = await operator.post(f"{at}/pack", {"lines": [{"line_no": 1, "quantity": 8}]})
    assert packed.json()["stage"] == "packed"
    leaving = {"carrier": "COSCO", "transport_no": "B/L 1"}
    assert (await operator.post(f"{at}/dispatch", leaving)).json()["in_transit"] == 8
    arrived = await exporter.post(
        f"{at}/arrival", {"lines": [{"line_no": 1, "quantity": 6}], "return_declaration_no": "4604"}
    )
    assert (arrived.json()["stage"], arrived.json()["in_transit"]) == ("arrived", 2)
    undone = await exporter.post(f"{at}/undo-arrival", {"note": "counted again"})
    assert undone.json()["stage"] == "sent"
    undone = await operator.post(f"{at}/undo-dispatch", {"note": "came back"})
    assert undone.json()["dispatch_document"] is None
    assert (await exporter.post(f"{at}/cancel", {"note": "sold"})).json()["stage"] == "cancelled"
    rows = (await exporter.get(BATCHES, stage="cancelled")).json()["rows"]
    assert [row["id"] for row in rows] == [opened.json()["id"]]


async def test_refusals_name_every_fault(client: httpx.AsyncClient, there: World) -> None:
    exporter = await program(client, there.exporter)
    wrong = await exporter.post(BATCHES, {"warehouse": "NOWHERE", "cause": "x", "home_area": "1", "planned_on": "y"})
    assert wrong.status_code == 422
    assert {each["field"] for each in wrong.json()["errors"]} == {"warehouse", "cause", "home_area", "planned_on"}
    batch = await homeward.opened(there, days=10)
    old = await there.lot(5, days_ago=400)
    goods = {"item": there.item.code, "lot": old, "location": there.bin, "quantity": 5}
    closed = await exporter.post(f"{BATCHES}/{batch}/lines", {"stock": [goods], "taxed_agreed": True})
    assert closed.status_code == 422
    assert "customs route" in closed.json()["errors"][0]["message"]
    stale = await exporter.post(f"{BATCHES}/{batch}/ready", {"revision": 7})
    assert stale.status_code == 409
    assert (await exporter.post(f"{BATCHES}/{batch}/fly", {})).status_code == 404
    no_why = await exporter.post(f"{BATCHES}/{batch}/cancel", {})
    assert no_why.json()["errors"][0]["field"] == "note"


async def test_what_cannot_be_kept_is_refused_beside_its_field(client: httpx.AsyncClient, there: World) -> None:
    exporter, operator = await program(client, there.exporter), await program(client, there.operator)
    body = {"warehouse": there.place.code, **homeward.plan(statement="a\0b")}
    assert _fields(await exporter.post(BATCHES, body)) == {"statement"}
    packed = f"{BATCHES}/{await homeward.packed(there, there.line(await there.lot(3), 3))}"
    assert _fields(await operator.post(f"{packed}/dispatch", {"carrier": "\0", "transport_no": "\x1b"})) == {
        "carrier",
        "transport_no",
    }
    assert _fields(await exporter.post(f"{packed}/cancel", {"note": "a\0b"})) == {"note"}
    batch = f"{BATCHES}/{await homeward.opened(there)}"
    assert _fields(await exporter.post(f"{batch}/lines", {})) == {"body"}
    assert (await exporter.get(batch)).json()["revision"] == 1


async def test_instants_and_defaults_that_make_no_sense_name_their_field(
    client: httpx.AsyncClient, there: World
) -> None:
    exporter = await program(client, there.exporter)
    sent = f"{BATCHES}/{await homeward.sent(there, there.line(await there.lot(3), 3))}"
    for odd in ("2026-01-01T00:00:00", "0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z", "2026-11-23T08:30:00+01:00"):
        arrival = {"lines": [{"line_no": 1, "quantity": 3}], "occurred_at": odd}
        assert _fields(await exporter.post(f"{sent}/arrival", arrival)) == {"occurred_at"}, odd
    assert (await exporter.get(sent)).json()["stage"] == "sent"
    wish = {"decide_days": 0, "defaults": {"A": "BURN", "E": "SCRAP"}}
    answer = await client.put("/api/v1/returns/terms", json=wish, headers={"Authorization": f"Bearer {exporter.token}"})
    assert _fields(answer) == {"decide_days", "defaults.A", "defaults.E"}


def _fields(answer: httpx.Response) -> set[str]:
    assert answer.status_code == 422, answer.text
    return {each["field"] for each in answer.json()["errors"]}


async def test_strangers_find_nothing(client: httpx.AsyncClient, there: World) -> None:
    batch = await homeward.opened(there)
    for viewer in (await build.exporter(), await build.operator()):
        stranger = await program(client, viewer)
        assert (await stranger.get(f"{BATCHES}/{batch}")).status_code == 404
        assert (await stranger.get(BATCHES)).json()["rows"] == []
        assert (await stranger.post(f"{BATCHES}/{batch}/cancel", {"note": "mine"})).status_code == 404
    assert (await client.get(f"{BATCHES}/{batch}")).status_code == 401
