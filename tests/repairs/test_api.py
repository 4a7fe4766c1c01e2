"""Repairs through the interface for programs: a whole story, refusals with their status, nobody else's things."""

import uuid
from datetime import timedelta
from typing import Any

import httpx
import pytest

from backend.access.rules import Right, Viewer
from backend.core import clock
from backend.repairs import faultbook
from backend.stock import queries as stock_queries
from backend.stock.rules import Condition
from tests import build
from tests.repairs.shop import Shop, fresh, shop

API = "/api/v1/repairs"


class Program:
    """A program that speaks for somebody."""

    def __init__(self, client: httpx.AsyncClient, token: str) -> None:
        self.client, self.head = client, {"Authorization": f"Bearer {token}"}

    async def get(self, path: str = "", **params: str) -> httpx.Response:
        return await self.client.get(API + path, params=params or None, headers=self.head)

    async def post(self, path: str = "", *, key: str = "", **body: Any) -> httpx.Response:
        head = {**self.head, "Idempotency-Key": key or fresh()}
        return await self.client.post(API + path, json=body, headers=head)


async def program(client: httpx.AsyncClient, viewer: Viewer, *rights: Right) -> Program:
    return Program(client, await build.token(viewer, *rights))


def opening(made: Shop, **more: Any) -> dict[str, Any]:
    goods = {"warehouse": made.warehouse.code, "item": made.machine.code, "location": made.bins[0]}
    return {**goods, "owner": made.exporter.organisation_code, "fault": "Smokes", "serial": "SN-1", **more}


async def test_a_repair_from_beginning_to_end(client: httpx.AsyncClient) -> None:
    made = await shop()
    operator, owner = await program(client, made.operator), await program(client, made.exporter)
    opened = await operator.post(**opening(made), key="one")
    assert opened.status_code == 201, opened.text
    assert (await operator.post(**opening(made), key="one")).status_code == 200
    order = f"/{opened.json()['id']}"
    finding = {"codes": ["MA_GEAR"], "repairable": True}
    assert (await operator.post(f"{order}/diagnosis", **finding)).status_code == 201
    quote = {
        "currency": "EUR",
        "expires_at": (clock.now() + timedelta(days=3)).isoformat(),
        "minutes": 60,
        "rate": "30",
        "parts": [{"item": made.part.code, "quantity": 1, "price": "9.90"}],
    }
    quoted = await operator.post(f"{order}/quotes", **quote)
    assert quoted.status_code == 201, quoted.text
    answer = f"{order}/quotes/{quoted.json()['id']}/answer"
    assert (await operator.post(answer, approve=True)).status_code == 403
    assert (await owner.post(answer, approve=True, key="yes")).status_code == 201
    assert (await owner.post(answer, approve=True, key="yes")).status_code == 200
    late = await owner.post(answer, approve=False, note="No")
    assert (late.status_code, late.json()["type"]) == (409, "urn:luocang:refusal:AlreadyAnswered")
    part = {"item": made.part.code, "location": made.bins[1], "quantity": 1}
    used = await operator.post(f"{order}/parts", parts=[part])
    assert used.status_code == 201, used.text
    assert (await operator.post(f"{order}/parts/{used.json()['id']}/undo", note="Wrong one")).status_code == 201
    assert (await operator.post(f"{order}/parts", parts=[part])).status_code == 201
    out = {"item": made.part.code, "location": "WORKSHOP", "quantity": 1, "condition": "DAMAGED"}
    assert (await operator.post(f"{order}/parts/recovered", part=out)).status_code == 201
    early = await operator.post(f"{order}/finish", location=made.bins[2], condition="GOOD")
    assert (early.status_code, early.json()["type"]) == (409, "urn:luocang:refusal:Untested")
    assert (await operator.post(f"{order}/labour", minutes=50, done=True)).status_code == 201
    answers = dict.fromkeys(faultbook.book().checks_of("machinery"), "ok")
    assert (await operator.post(f"{order}/tests", answers=answers)).status_code == 201
    left = await operator.post(f"{order}/finish", location=made.bins[2], condition="GOOD")
    assert left.status_code == 201, left.text
    told = (await owner.get(order)).json()
    assert (told["stage"], told["location"], told["condition"]) == ("finished", made.bins[2], "GOOD")
    assert [each["state"] for each in told["quotes"]] == ["approved"]
    assert (told["quotes"][0]["total"], told["quotes"][0]["parts"][0]["used"]) == (39.9, 1)
    assert [(each["kind"], each["undone_at"] is None) for each in told["parts"]] == [
        ("consumed", False),
        ("consumed", True),
        ("recovered", True),
    ]
    assert (told["labour"][0]["minutes"], told["tests"][0]["passed"]) == (50, True)
    assert await made.pieces(made.machine, made.bins[2], Condition.GOOD) == 1
    assert await stock_queries.differences() == []


async def test_an_owner_asks_the_operator_assigns_and_photos_stay(client: httpx.AsyncClient) -> None:
    made = await shop()
    operator, owner = await program(client, made.operator), await program(client, made.exporter)
    asked = await owner.post(**opening(made, owner="", warranty_from="2026-01-01", warranty_months=24))
    assert asked.status_code == 201, asked.text
    order = f"/{asked.json()['id']}"
    assert (await owner.get(order)).json()["warranty_until"] == "2028-01-01"
    assert (await operator.post(f"{order}/take-in")).status_code == 201
    seen = (await operator.get(order)).json()
    assert seen["stage"] == "diagnosing"
    mine = {"technician": made.operator.user_id, "revision": seen["revision"]}
    assert (await operator.post(f"{order}/assign", **mine)).status_code == 204
    assert (await operator.post(f"{order}/assign", **mine)).status_code == 409
    photo = await build.photo(made.operator)
    assert (await operator.post(f"{order}/photos", photos=[photo])).status_code == 204
    foreign = await owner.post(f"{order}/photos", photos=[photo])
    assert foreign.status_code == 422
    assert (await operator.post(f"{order}/give-up", location=made.bins[2], note="Burnt out")).status_code == 201
    other = await owner.post(**opening(made, serial="SN-2"))
    assert (await owner.post(f"/{other.json()['id']}/cancel", note="Not needed")).status_code == 201


async def test_lists_are_ones_own(client: httpx.AsyncClient) -> None:
    made, other = await shop(), await shop()
    done = await made.from_stock(serial="ABC-1")
    for viewer, sees in (
        (made.operator, True),
        (made.exporter, True),
        (await build.committee(), True),
        (other.operator, False),
        (other.exporter, False),
    ):
        asks = await program(client, viewer)
        listed = (await asks.get(q="abc-1")).json()["rows"]
        assert [row["id"] for row in listed] == ([str(done.id)] if sees else [])
        assert (await asks.get(f"/{done.id}")).status_code == (200 if sees else 404)
    operator = await program(client, made.operator)
    for filters, found in (
        ({"state": "open", "stage": "diagnosing"}, 1),
        ({"state": "ended"}, 0),
        ({"technician": "none"}, 1),
        ({"technician": "me"}, 0),
        ({"technician": str(made.operator.user_id)}, 0),
        ({"standing": "running"}, 1),
        ({"standing": "overdue"}, 0),
        ({"warehouse": made.warehouse.code, "owner": made.exporter.organisation_code, "item": made.machine.code}, 1),
        ({"warehouse": "NOWHERE"}, 0),
    ):
        answer = await operator.get(**filters)
        assert len(answer.json()["rows"]) == found, filters
    for wrong in ({"stage": "x"}, {"state": "x"}, {"technician": "x"}, {"standing": "x"}, {"limit": "0"}):
        assert (await operator.get(**wrong)).status_code == 422


async def test_rates_and_turnaround(client: httpx.AsyncClient) -> None:
    made = await shop()
    await made.diagnosed("MA_GEAR")
    owner = await program(client, made.exporter)
    rows = (await owner.get("/faults", by="item")).json()["rows"]
    assert [(row["item"], row["faulty"], row["fault_rate"]) for row in rows if row["repairs"]] == [
        (made.machine.code, 1, 20)
    ]
    assert (await owner.get("/faults", by="colour")).status_code == 422
    assert (await owner.get("/turnaround")).json() == []


async def test_the_fault_book_names_codes_and_checks(client: httpx.AsyncClient) -> None:
    made = await shop()
    answer = await (await program(client, made.operator)).get("/fault-book")
    told = answer.json()
    assert told["edition"] == faultbook.book().edition
    assert told["classes"]["machinery"]["codes"]["MA_GEAR"] == faultbook.book().names_of("MA_GEAR")
    assert set(told["classes"]["general"]["checks"]) == set(faultbook.book().checks_of("general"))
    blind = await program(client, made.operator, Right.SEE_STOCK)
    assert (await blind.get("/fault-book")).status_code == 403


async def test_bad_bodies_and_missing_rights(client: httpx.AsyncClient) -> None:
    made, other = await shop(), await shop()
    operator = await program(client, made.operator)
    reader = await program(client, made.operator, Right.SEE_REPAIRS)
    assert (await reader.post(**opening(made))).status_code == 403
    own = await program(client, made.exporter, Right.SEE_REPAIRS)
    photo, order_id = await build.photo(made.exporter), (await made.from_stock(serial=None)).id
    assert (await own.post(f"/{order_id}/photos", photos=[photo])).status_code == 403
    clerk = await program(client, made.exporter, Right.SEE_REPAIRS, Right.BOOK_RETURNS)
    assert (await clerk.post(f"/{order_id}/photos", photos=[photo])).status_code == 204
    assert (await operator.post(**opening(other))).status_code == 404
    assert (await operator.post(**opening(made, colour="red"))).status_code == 422
    assert (await operator.post(f"/{uuid.uuid4()}/take-in")).status_code == 404
    order = f"/{(await made.from_stock()).id}"
    for path, body in (
        ("diagnosis", {"codes": ["NOPE"], "repairable": True}),
        ("labour", {"minutes": "many"}),
        ("give-up", {"location": "X", "note": ""}),
        ("photos", {"photos": ["zz"]}),
        ("photos", {"photos": []}),
    ):
        answer = await operator.post(f"{order}/{path}", **body)
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), path
        assert answer.json()["errors"]
    await operator.post(f"{order}/diagnosis", codes=["DEAD"], repairable=True)
    part = {"item": made.part.code, "quantity": 1, "price": "NaN"}
    until = (clock.now() + timedelta(days=3)).isoformat()
    quote = {"currency": "EUR", "expires_at": until, "rate": "NaN", "parts": [part], "note": "a\x00b"}
    odd = await operator.post(f"{order}/quotes", **quote)
    assert (odd.status_code, {each["field"] for each in odd.json()["errors"]}) == (
        422,
        {"rate", "parts.0.price", "note"},
    )
    stage = await operator.post(f"{order}/labour", minutes=5)
    assert (stage.status_code, stage.json()["type"]) == (409, "urn:luocang:refusal:WrongStage")


async def test_odd_numbers_and_texts_at_the_bench(client: httpx.AsyncClient) -> None:
    made = await shop()
    operator = await program(client, made.operator)
    order_id = await made.approved()
    use = await made.use(order_id)
    revision = (await made.seen(order_id))["revision"]
    recovered = {"item": made.part.code, "location": made.bins[1], "quantity": 0, "condition": "GOOD"}
    for path, body, status, fields in (
        ("assign", {"technician": 2**63, "revision": revision}, 422, {"technician"}),
        ("assign", {"technician": -1, "revision": revision}, 422, {"technician"}),
        ("assign", {"technician": None, "revision": 2**63}, 409, set()),
        (f"parts/{use}/undo", {"note": "a\0b"}, 422, {"note"}),
        (f"parts/{use}/undo", {"note": " "}, 422, {"note"}),
        ("parts/recovered", {"part": recovered}, 422, {"part.quantity", "part.condition"}),
    ):
        answer = await operator.post(f"/{order_id}/{path}", **body)
        assert (answer.status_code, {each["field"] for each in answer.json()["errors"]}) == (status, fields), path


@pytest.mark.parametrize("field", ["warehouse", "item", "location", "owner", "lot"])
async def test_a_sign_that_no_database_holds_is_in_no_code(client: httpx.AsyncClient, field: str) -> None:
    made = await shop()
    operator = await program(client, made.operator)
    answer = await operator.post(**{**opening(made), field: "A\0B"})
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:luocang:refusal:NoSuchGoods")


async def test_an_unknown_quote_and_an_unknown_use_say_so(client: httpx.AsyncClient) -> None:
    made = await shop()
    operator, owner = await program(client, made.operator), await program(client, made.exporter)
    order_id, foreign = await made.approved(), await made.quote(await made.diagnosed())
    for quote in (foreign, uuid.uuid4()):
        answer = await owner.post(f"/{order_id}/quotes/{quote}/answer", approve=True)
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:luocang:refusal:NoSuchQuote")
    answer = await operator.post(f"/{order_id}/parts/{uuid.uuid4()}/undo", note="wrong")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:luocang:refusal:NoSuchUse")
    assert (await made.seen(order_id))["number"] in answer.json()["detail"]


@pytest.mark.parametrize("path", ["", "/faults", "/fault-book", "/turnaround", f"/{uuid.UUID(int=1)}"])
async def test_nobody_without_a_token(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(API + path)).status_code == 401
