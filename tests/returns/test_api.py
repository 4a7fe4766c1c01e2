"""Returns for machines: the contract of booking, changing, cancelling and reading."""

from typing import Any

import httpx

from backend.access.rules import Right, Role
from backend.returns.booking import Line
from tests import build
from tests.returns.conftest import Trade


async def caller(viewer: Any, *rights: Right) -> dict[str, str]:
    return {"Authorization": f"Bearer {await build.token(viewer, *rights)}", "Accept-Language": "en"}


def body(trade: Trade, item: str, order: str, quantity: int = 1, **overrides: Any) -> dict[str, Any]:
    return {
        "warehouse": trade.place.code,
        "kind": "buyer",
        "reason": "defective",
        "buyer": {"country": "DE", "city": "Köln"},
        "lines": [{"item": item, "quantity": quantity, "order": order}],
        **overrides,
    }


async def test_a_return_is_booked_read_changed_and_cancelled(trade: Trade, client: httpx.AsyncClient) -> None:
    goods, order, document = await trade.sale(3)
    owner, operator = await caller(trade.exporter), await caller(trade.operator)
    key = {**owner, "Idempotency-Key": "return-1"}
    made = await client.post("/api/v1/returns", headers=key, json=body(trade, goods.code, order, 2))
    assert made.status_code == 201, made.text
    again = await client.post("/api/v1/returns", headers=key, json=body(trade, goods.code, order, 2))
    assert (again.status_code, again.json()) == (200, made.json())
    other = await client.post("/api/v1/returns", headers=key, json=body(trade, goods.code, order, 1))
    assert other.status_code == 409
    path = f"/api/v1/returns/{made.json()['id']}"

    read = (await client.get(path, headers=operator)).json()
    assert (read["number"], read["stage"], read["revision"]) == (made.json()["number"], "booked", 1)
    assert read["lines"][0] | {"sale_document_id": str(document), "quantity": 2} == read["lines"][0]

    changed = await client.patch(path, headers=owner, json={"revision": 1, "parcels": [{"tracking_no": "T 9"}]})
    assert changed.json()["parcels"][0]["tracking_no"] == "T 9"
    assert (await client.patch(path, headers=owner, json={"revision": 1, "note": "late"})).status_code == 409
    assert (await client.patch(path, headers=operator, json={"revision": 2, "note": "not mine"})).status_code == 403

    found = await client.get("/api/v1/returns", headers=operator, params={"search": "t 9"})
    assert [row["number"] for row in found.json()["rows"]] == [read["number"]]
    assert (await client.post(f"{path}/cancel", headers=owner, json={"revision": 2})).status_code == 204
    assert (await client.get(path, headers=owner)).json()["stage"] == "cancelled"
    assert (await client.post(f"{path}/cancel", headers=owner, json={"revision": 3})).status_code == 409


async def test_everything_wrong_is_named_at_once(trade: Trade, client: httpx.AsyncClient) -> None:
    goods, order, _ = await trade.sale(1)
    owner = {**await caller(trade.exporter), "Idempotency-Key": "wrong"}
    wrong = body(trade, goods.code, order, 2, reason="why not", warehouse="NOWHERE")
    answer = await client.post("/api/v1/returns", headers=owner, json=wrong)
    assert answer.status_code == 422
    assert {each["field"] for each in answer.json()["errors"]} == {"warehouse", "reason", "lines.0.quantity"}
    shape = await client.post(
        "/api/v1/returns", headers=owner, json=body(trade, goods.code, order) | {"lines": [{"sku": 1}]}
    )
    assert shape.status_code == 422
    assert {"lines.0.sku", "lines.0.item", "lines.0.quantity"} == {each["field"] for each in shape.json()["errors"]}
    without = await client.post(
        "/api/v1/returns", headers=await caller(trade.exporter), json=body(trade, goods.code, order)
    )
    assert [each["field"] for each in without.json()["errors"]] == ["Idempotency-Key"]
    line = {"quantity": 1, "declaration": "1", "declaration_line": 10**12, "lot": "\x00", "item": "\x00"}
    odd = await client.post("/api/v1/returns", headers=owner, json=body(trade, goods.code, order) | {"lines": [line]})
    told = {each["field"] for each in odd.json()["errors"]}
    assert told == {"lines.0.item", "lines.0.lot", "lines.0.declaration_line"}
    many = body(trade, goods.code, order) | {"lines": [{"item": goods.code, "quantity": 1, "order": order}] * 501}
    assert "at most 500 lines" in (await client.post("/api/v1/returns", headers=owner, json=many)).text


async def test_strangers_see_and_change_nothing(trade: Trade, client: httpx.AsyncClient) -> None:
    goods, order, _ = await trade.sale(1)
    booked = await build.returned(trade.exporter, trade.place, Line(item=goods.code, quantity=1, order=order))
    for stranger in (await build.exporter(), await build.operator()):
        headers = await caller(stranger)
        assert (await client.get(f"/api/v1/returns/{booked.id}", headers=headers)).status_code == 404
        found = await client.get("/api/v1/returns", headers=headers, params={"search": booked.number})
        assert found.json()["rows"] == []
    stranger = {**await caller(await build.exporter()), "Idempotency-Key": "theirs"}
    assert (
        await client.post(f"/api/v1/returns/{booked.id}/cancel", headers=stranger, json={"revision": 1})
    ).status_code == 404
    theirs = await client.post("/api/v1/returns", headers=stranger, json=body(trade, goods.code, order))
    assert [each["field"] for each in theirs.json()["errors"]] == ["lines.0.item"]
    reader = await caller(trade.exporter, Right.SEE_RETURNS)
    assert (
        await client.post("/api/v1/returns", headers=reader, json=body(trade, goods.code, order))
    ).status_code == 403
    assert (await client.get(f"/api/v1/returns/{booked.id}")).status_code == 401


async def test_warehouses_are_proposed_in_the_callers_language(trade: Trade, client: httpx.AsyncClient) -> None:
    goods, order, _ = await trade.sale(1)
    wish = {name: value for name, value in body(trade, goods.code, order).items() if name != "warehouse"}
    answer = await client.post("/api/v1/returns/proposals", headers=await caller(trade.exporter), json=wish)
    assert answer.status_code == 200, answer.text
    (first,) = answer.json()["rows"]
    assert (first["warehouse"], first["possible"]) == (trade.place.code, True)
    assert any("km from the buyer, measured from Köln" in each["message"] for each in first["reasons"])


async def test_the_desk_is_kept_by_its_operators_manager(trade: Trade, client: httpx.AsyncClient) -> None:
    operator = await build.operator()
    place = await build.warehouse(operator)
    path, headers = f"/api/v1/returns/desks/{place.code}", await caller(await build.again(operator))
    assert (await client.get(path, headers=headers)).status_code == 404
    desk = {"kinds": ["buyer", "recall"], "capabilities": ["grading"], "daily_units": 40, "countries": ["de"]}
    made = await client.put(path, headers=headers, json=desk)
    assert made.json() == {**desk, "countries": ["DE"], "active": True, "revision": 1}
    assert (await client.put(path, headers=headers, json=desk)).status_code == 409
    assert (await client.put(path, headers=headers, json={**desk, "revision": 10**12})).status_code == 409
    wrong = {**desk, "kinds": ["magic"], "daily_units": 0, "revision": 1}
    faults = (await client.put(path, headers=headers, json=wrong)).json()["errors"]
    assert {each["field"] for each in faults} == {"kinds", "daily_units"}
    assert (await client.put(path, headers=await caller(trade.operator), json=desk)).status_code == 404
    clerk = await build.operator(Role.OPERATOR_CLERK)
    assert (await client.put(path, headers=await caller(clerk), json=desk)).status_code == 403


async def test_the_reasons_that_a_return_may_have(trade: Trade, client: httpx.AsyncClient) -> None:
    told = (await client.get("/api/v1/returns/reasons", headers=await caller(trade.exporter))).json()
    by_code = {each["code"]: each for each in told}
    assert by_code["changed_mind"]["kinds"] == ["buyer"]
    assert (by_code["changed_mind"]["cause"], by_code["changed_mind"]["names"]["en"]) == ("return", "Changed mind")
    goods, order, _ = await trade.sale(len(told))
    for each in told:
        wanted = body(trade, goods.code, order, reason=each["code"])
        head = {**await caller(trade.exporter), "Idempotency-Key": f"reason-{each['code']}"}
        answer = await client.post("/api/v1/returns", headers=head, json=wanted)
        assert answer.status_code == (201 if "buyer" in each["kinds"] else 422), answer.text
    blind = await caller(trade.exporter, Right.SEE_STOCK)
    assert (await client.get("/api/v1/returns/reasons", headers=blind)).status_code == 403
    assert (await client.get("/api/v1/returns/reasons")).status_code == 401
