"""The ledger's contract for machines: statuses, problems in the reader's language, tenancy."""

import uuid
from datetime import timedelta
from typing import Any

import httpx
import pytest

from backend.access.rules import Right, Viewer
from backend.core import clock
from tests import build

JSON = {"content-type": "application/json"}


class Caller:
    """A program of an operator, its warehouse HAM-like with one bin, and an exporter's item."""

    def __init__(self, client: httpx.AsyncClient, token: str, operator: Viewer, exporter: Viewer, **codes: str) -> None:
        self.client, self.operator, self.exporter, self.codes = client, operator, exporter, codes
        self.bearer = {"authorization": f"Bearer {token}"}

    def line(self, **other: Any) -> dict[str, Any]:
        base = {
            "owner": self.exporter.organisation_code,
            "item": self.codes["item"],
            "lot": None,
            "source": "SUPPLIER",
            "target": self.codes["bin"],
            "condition": "GOOD",
            "quantity": 10,
        }
        return base | other

    async def post(
        self, *lines: Any, key: str = "", headers: dict[str, str] | None = None, **other: Any
    ) -> httpx.Response:
        body = {"warehouse": self.codes["warehouse"], "reason": "RECEIPT", "lines": list(lines)} | other
        given = self.bearer | {"idempotency-key": key or uuid.uuid4().hex} | (headers or {})
        return await self.client.post("/api/v1/stock/postings", json=body, headers=given)

    async def get(self, path: str, **params: Any) -> httpx.Response:
        return await self.client.get(f"/api/v1/{path}", params=params, headers=self.bearer)


@pytest.fixture
async def caller(client: httpx.AsyncClient) -> Caller:
    operator, exporter = await build.operator(), await build.exporter()
    warehouse = await build.warehouse(operator)
    operator = await build.again(operator)
    first, _ = await build.bins(operator, warehouse, 2)
    item = await build.item(exporter)
    token = await build.token(operator, Right.POST_STOCK, Right.SEE_STOCK, Right.RESERVE_STOCK, Right.SEE_REGISTRY)
    return Caller(client, token, operator, exporter, warehouse=warehouse.code, bin=first, item=item.code)


async def test_a_document_is_booked_once(caller: Caller) -> None:
    first = await caller.post(caller.line(), key="k1")
    again = await caller.post(caller.line(), key="k1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert set(first.json()) == {"document", "warehouse", "lines"}
    other = await caller.post(caller.line(quantity=11), key="k1")
    assert other.status_code == 409
    rows = (await caller.get("stock/balances", warehouse=caller.codes["warehouse"])).json()["rows"]
    assert [(row["item"], row["location"], row["on_hand"], row["free"]) for row in rows] == [
        (caller.codes["item"], caller.codes["bin"], 10, 10)
    ]


async def test_every_bad_line_is_named(caller: Caller) -> None:
    answer = await caller.post(
        caller.line(owner="NOBODY"),
        caller.line(item="NOTHING"),
        caller.line(lot="L-0"),
        caller.line(target="Z-99"),
        caller.line(condition="FINE"),
        caller.line(quantity=0),
        caller.line(quantity=-3),
        caller.line(quantity=10**12),
    )
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in answer.json()["errors"]] == [
        "lines.0.owner",
        "lines.1.item",
        "lines.2.lot",
        "lines.3.target",
        "lines.4.condition",
        "lines.4.target_condition",
        "lines.5.quantity",
        "lines.6.quantity",
        "lines.7.quantity",
    ]


@pytest.mark.parametrize("quantity", [1.5, "7", None, True, 10**30])
async def test_a_quantity_of_another_kind_is_named(caller: Caller, quantity: object) -> None:
    answer = await caller.post(caller.line(quantity=quantity), caller.line(quantity="x"))
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} >= {"lines.0.quantity"} - (
        {"lines.0.quantity"} if quantity == 10**30 else set()
    )


async def test_a_misshapen_body_is_explained_field_by_field(caller: Caller) -> None:
    answer = await caller.client.post(
        "/api/v1/stock/postings",
        json={"warehouse": 5, "lines": [{"owner": "X", "colour": "red"}, "no"], "occurred_at": "yesterday"},
        headers=caller.bearer | {"idempotency-key": "s"},
    )
    assert answer.status_code == 422
    fields = {error["field"] for error in answer.json()["errors"]}
    assert {"warehouse", "reason", "occurred_at", "lines.0.colour", "lines.0.item", "lines.1"} <= fields


async def test_what_cannot_be_stored_is_refused(caller: Caller) -> None:
    answer = await caller.post(caller.line(), reference="a\0b")
    assert answer.status_code == 422
    huge = await caller.get("stock/balances", after="WyIxIiwiMSIsIjk5OTk5OTk5OTk5OTk5OTk5OTk5OTkiLCIxIiwiMSIsIjEiXQ")
    assert huge.status_code == 422


async def test_what_is_not_json_is_said(caller: Caller) -> None:
    answer = await caller.client.post(
        "/api/v1/stock/postings", content=b'{"warehouse":', headers=caller.bearer | JSON | {"idempotency-key": "s"}
    )
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "body")


async def test_a_write_needs_a_key(caller: Caller) -> None:
    answer = await caller.post(caller.line(), headers={"idempotency-key": ""})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "Idempotency-Key")


async def test_codes_in_another_spelling_are_the_same_codes(caller: Caller) -> None:
    answer = await caller.post(
        caller.line(item=f" {caller.codes['item'].lower()} ", target=caller.codes["bin"].lower())
    )
    assert answer.status_code == 201


async def test_two_lines_that_together_overdraw_are_refused(caller: Caller) -> None:
    await caller.post(caller.line())
    sale = caller.line(source=caller.codes["bin"], target="BUYER", quantity=6)
    answer = await caller.post(sale, sale, reason="SALE")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["lines.0.quantity", "lines.1.quantity"]


async def test_refusals_speak_the_readers_language(caller: Caller) -> None:
    english = await caller.post(caller.line(quantity=0), headers={"accept-language": "en"})
    chinese = await caller.post(caller.line(quantity=0), headers={"accept-language": "zh-CN"})
    assert "quantity" in english.json()["errors"][0]["message"] or chinese.json()["errors"]


async def test_nobody_and_the_wrong_right_are_refused(caller: Caller) -> None:
    nobody = await caller.post(caller.line(), headers={"authorization": "Bearer nonsense"})
    assert nobody.status_code == 401
    reader = await build.token(caller.operator, Right.SEE_STOCK)
    assert (await caller.post(caller.line(), headers={"authorization": f"Bearer {reader}"})).status_code == 403


async def test_foreigners_see_and_move_nothing(caller: Caller) -> None:
    await caller.post(caller.line())
    other = await build.operator()
    token = await build.token(other, Right.POST_STOCK, Right.SEE_STOCK)
    foreign = {"authorization": f"Bearer {token}"}
    assert (await caller.post(caller.line(), headers=foreign)).status_code == 404
    for path in ("stock/balances", "stock/movements", "stock/reservations"):
        answer = await caller.client.get(f"/api/v1/{path}", headers=foreign)
        assert (answer.status_code, answer.json()["rows"]) == (200, [])


async def test_an_exporter_sees_its_own_goods_only_and_posts_nothing(caller: Caller) -> None:
    await caller.post(caller.line())
    mine = await build.token(caller.exporter, Right.SEE_STOCK)
    theirs = await build.token(await build.exporter(), Right.SEE_STOCK)
    for token, count in ((mine, 1), (theirs, 0)):
        answer = await caller.client.get("/api/v1/stock/balances", headers={"authorization": f"Bearer {token}"})
        assert len(answer.json()["rows"]) == count
        assert (await caller.post(caller.line(), headers={"authorization": f"Bearer {token}"})).status_code == 403


async def test_lists_page_by_place(caller: Caller) -> None:
    for quantity in range(1, 8):
        await caller.post(caller.line(quantity=quantity))
    seen: list[int] = []
    after = None
    while True:
        params = {"limit": 3} | ({"after": after} if after else {})
        page = (await caller.get("stock/movements", warehouse=caller.codes["warehouse"], **params)).json()
        seen += [row["quantity"] for row in page["rows"]]
        after = page["after"]
        if after is None:
            break
    assert seen == [7, 6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    "params", [{"after": "nonsense"}, {"limit": "0"}, {"limit": "1000"}, {"condition": "FINE"}, {"limit": "many"}]
)
async def test_bad_filters_are_refused(caller: Caller, params: dict[str, str]) -> None:
    answer = await caller.get("stock/balances", **params)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, next(iter(params)))


async def test_a_reservation_is_made_shown_and_given_back(caller: Caller) -> None:
    await caller.post(caller.line())
    body = {
        "warehouse": caller.codes["warehouse"],
        "owner": caller.exporter.organisation_code,
        "item": caller.codes["item"],
        "quantity": 4,
        "source": "SO-1",
        "expires_at": (clock.now() + timedelta(days=1)).isoformat(),
    }
    headers = caller.bearer | {"idempotency-key": "res-1"}
    made = await caller.client.post("/api/v1/stock/reservations", json=body, headers=headers)
    again = await caller.client.post("/api/v1/stock/reservations", json=body, headers=headers)
    assert (made.status_code, again.status_code, made.json()) == (201, 200, again.json())
    too_many = await caller.client.post(
        "/api/v1/stock/reservations", json=body | {"quantity": 7}, headers=caller.bearer | {"idempotency-key": "res-2"}
    )
    assert too_many.status_code == 422
    (row,) = (await caller.get("stock/reservations", state="live")).json()["rows"]
    assert (row["source"], row["quantity"]) == ("SO-1", 4)
    path = f"/api/v1/stock/reservations/{made.json()['reservation']}"
    stranger = await build.token(await build.operator(), Right.RESERVE_STOCK)
    assert (await caller.client.delete(path, headers={"authorization": f"Bearer {stranger}"})).status_code == 404
    assert (await caller.client.delete(path, headers=caller.bearer)).status_code == 204
    assert (await caller.client.delete(path, headers=caller.bearer)).status_code == 409


async def test_the_openapi_document_names_the_contract(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/api/v1/schema/openapi.json")).json()["paths"]
    assert {"/api/v1/stock/postings", "/api/v1/stock/balances", "/api/v1/warehouses", "/api/v1/items"} <= set(paths)
