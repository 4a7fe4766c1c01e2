"""Services for machines, from the catalogue to the verdict, with pledges, statements and traces."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from backend.access.rules import Right, Viewer
from backend.core import clock
from tests import build
from tests.value_added import shop as shops
from tests.value_added.shop import Shop, key


class Program:
    """A program that speaks for a person."""

    def __init__(self, client: httpx.AsyncClient, viewer: Viewer) -> None:
        self.client, self.viewer = client, viewer
        self.token = ""

    async def get(self, path: str, **params: str) -> Any:
        answer = await self._send("GET", path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: object, *, expect: int | None = None, once: str = "") -> Any:
        answer = await self._send("POST", path, json=body, headers={"Idempotency-Key": once or key()})
        assert answer.status_code in ((expect,) if expect else (200, 201, 204)), answer.text
        return answer.json() if answer.content else None

    async def _send(self, method: str, path: str, **other: Any) -> httpx.Response:
        self.token = self.token or await build.token(self.viewer)
        headers = {"Authorization": f"Bearer {self.token}", "Accept-Language": "en", **other.pop("headers", {})}
        return await self.client.request(method, f"/api/v1/services{path}", headers=headers, **other)


@pytest.fixture
async def shop(client: httpx.AsyncClient) -> Shop:
    return await shops.opened()


@pytest.fixture
async def owner(client: httpx.AsyncClient, shop: Shop) -> Program:
    return Program(client, shop.exporter)


@pytest.fixture
async def operator(client: httpx.AsyncClient, shop: Shop) -> Program:
    return Program(client, shop.operator)


def offer(shop: Shop, kind: str, **other: Any) -> dict[str, Any]:
    facts = {"warehouse": shop.warehouse.code, "kind": kind, "names": {"en": "Kits", "zh": "组套"}, "unit": "piece"}
    return {**facts, "lead_days": 2, "price": 1.5, "currency": "EUR", **other}


def terms(revision: int, quantity: int) -> dict[str, Any]:
    until = (clock.now() + timedelta(days=3)).isoformat()
    return {"revision": revision, "price": 1.5, "currency": "EUR", "quantity": quantity, "expires_at": until}


async def test_kits_from_the_catalogue_to_the_verdict(shop: Shop, owner: Program, operator: Program) -> None:
    await operator.post("/offers", offer(shop, "processing"), expect=201)
    (version,) = (await owner.get("/offers", warehouse=shop.warehouse.code))["rows"]
    part, kit = await shop.item(), await shop.item()
    lot = await shop.lot(part, declaration_no="D5", declaration_line=1)
    await shop.stocked(part, 6, lot=lot)
    wish = {
        "offer": version["id"],
        "quantity": 3,
        "process": "kit",
        "ins": [{"item": part.code, "quantity": 2}],
        "outs": [{"item": kit.code, "quantity": 1}],
    }
    one = key()
    job = await owner.post("/jobs", wish, expect=201, once=one)
    assert await owner.post("/jobs", wish, expect=200, once=one) == job
    path = f"/jobs/{job['job']}"
    await operator.post(f"{path}/quote", terms(1, 3), expect=204)
    await owner.post(f"{path}/answer", {"revision": 2, "accept": True}, expect=204)
    step = {
        "runs": 3,
        "taken": [{"line": 0, "location": shop.bins[0], "quantity": 6, "lot": lot}],
        "put": [{"line": 0, "location": shop.bins[1], "quantity": 3}],
        "photos": [await build.photo(shop.operator)],
    }
    two = key()
    made = await operator.post(f"{path}/transformations", step, expect=201, once=two)
    assert await operator.post(f"{path}/transformations", step, expect=200, once=two) == made
    undone = await operator.post(f"{path}/transformations/{made['step']}/reversal", {"why": "Wrong box"}, expect=200)
    assert undone["document"] != made["document"]
    await operator.post(f"{path}/transformations/{made['step']}/reversal", {"why": "Wrong box"}, expect=409)
    await operator.post(f"{path}/transformations", step, expect=201)
    seen = await owner.get(path)
    assert [line["side"] for line in seen["recipe"]] == ["in", "out"]
    result = {"revision": seen["revision"], "outcome": "succeeded", "quantity": 3, "note": "Packed"}
    await operator.post(f"{path}/result", result, expect=204)
    await operator.post(f"{path}/result", result, expect=409)
    wrong = {"revision": seen["revision"] + 1, "accept": False, "note": "One is open"}
    await owner.post(f"{path}/verdict", wrong, expect=204)
    await operator.post(
        f"{path}/settlement", {"revision": seen["revision"] + 2, "way": "stand_by", "note": "See photo"}, expect=204
    )
    await owner.post(f"{path}/verdict", {"revision": seen["revision"] + 3, "accept": True}, expect=204)
    (row,) = (await owner.get("/jobs", number=job["number"]))["rows"]
    assert (row["stage"], row["settlement"]) == ("closed", "accepted")
    (traced,) = await owner.get("/trace", lot=lot)
    there = {(each["item"], each["place"]): each["held"] for each in traced["forward"]}
    assert there[kit.code, "ON_HAND"] == "6"
    kit_lot = next(each["lot"] for each in traced["forward"] if each["item"] == kit.code)
    (back,) = await owner.get("/trace", lot=kit_lot, item=kit.code)
    assert [(each["lot"], each["share"], each["declaration_no"]) for each in back["backward"]] == [(lot, "2", "D5")]


async def test_a_referral_with_documents(shop: Shop, owner: Program, operator: Program) -> None:
    made = await operator.post("/offers", offer(shop, "forwarding", documents=["invoice"], unit="job"))
    await operator.post(
        f"/offers/{made['offer_id']}",
        offer(shop, "forwarding", version=1, documents=["invoice"], unit="job", price=None),
    )
    (version,) = (await owner.get("/offers", warehouse=shop.warehouse.code, kind="forwarding"))["rows"]
    assert (version["version"], version["price"]) == (2, None)
    job = await owner.post("/jobs", {"offer": version["id"], "quantity": 1, "text": "To Lyon"})
    await operator.post(f"/offers/{made['offer_id']}/withdrawal", {"version": 1}, expect=409)
    await operator.post(f"/offers/{made['offer_id']}/withdrawal", {"version": 2}, expect=204)
    await owner.post("/jobs", {"offer": version["id"], "quantity": 1, "text": "To Lyon"}, expect=409)
    path = f"/jobs/{job['job']}"
    await operator.post(f"{path}/quote", terms(1, 1))
    await owner.post(f"{path}/answer", {"revision": 2, "accept": True})
    sent = {"partner": "Forwarder", "status": "sent", "reference": "F-1"}
    refused = await operator.post(f"{path}/referrals", sent, expect=422)
    assert [each["value"] for each in refused["errors"]] == ["invoice"]
    paper = await build.photo(shop.exporter)
    await owner.post(f"{path}/documents", {"documents": [{"kind": "secret", "hash": paper}]}, expect=422)
    await owner.post(f"{path}/documents", {"documents": [{"kind": "invoice", "hash": paper}]}, expect=204)
    await operator.post(f"{path}/referrals", sent, expect=201)
    await operator.post(f"{path}/steps", {"note": "Loaded"}, expect=201)
    seen = await owner.get(path)
    assert (seen["partner_status"], [each["kind"] for each in seen["documents"]]) == ("sent", ["invoice"])
    assert [each["kind"] for each in seen["steps"]] == ["referral", "work"]


async def test_a_job_is_declined_or_cancelled(shop: Shop, owner: Program, operator: Program) -> None:
    one, two = await shop.asked(), await shop.asked()
    await operator.post(f"/jobs/{one}/decline", {"revision": 1, "why": ""}, expect=422)
    await operator.post(f"/jobs/{one}/decline", {"revision": 1, "why": "Full"}, expect=204)
    await owner.post(f"/jobs/{two}/cancel", {"revision": 1}, expect=204)
    await owner.post(f"/jobs/{two}/cancel", {"revision": 2}, expect=409)


async def test_faults_name_the_fields_that_were_sent(shop: Shop, owner: Program, operator: Program) -> None:
    def fields(refused: Any) -> list[str]:
        return [each["field"] for each in refused["errors"]]

    wish = offer(shop, "customs", names={"en": "a\0b"}, descriptions={"zh": "\0"})
    assert fields(await operator.post("/offers", wish, expect=422)) == ["names.en", "descriptions.zh"]
    assert fields(await operator.post("/offers", offer(shop, "customs", names={}), expect=422)) == ["names"]
    made = (await operator.post("/offers", offer(shop, "customs")))["offer_id"]
    elsewhere = offer(shop, "marketing", version=1, warehouse="ELSEWHERE")
    assert fields(await operator.post(f"/offers/{made}", elsewhere, expect=422)) == ["warehouse", "kind"]
    await operator.post(f"/offers/{made}", offer(shop, "customs", version=1), expect=200)
    job = await shop.accepted()
    referral = {"partner": "Broker", "status": "running"}
    for field in ("partner", "reference", "note"):
        odd = {**referral, field: "a\0b"}
        assert fields(await operator.post(f"/jobs/{job}/referrals", odd, expect=422)) == [field]
    await operator.post(f"/jobs/{job}/referrals", referral, expect=201)
    result = {"revision": await shop.revision(job), "outcome": "succeeded", "quantity": 1, "note": "Cleared"}
    assert fields(await operator.post(f"/jobs/{job}/result", {**result, "note": "\0"}, expect=422)) == ["note"]
    await operator.post(f"/jobs/{job}/result", result, expect=204)
    verdict = {"revision": await shop.revision(job), "accept": False}
    assert fields(await owner.post(f"/jobs/{job}/verdict", verdict, expect=422)) == ["note"]


async def test_a_pledge_and_a_statement(shop: Shop, owner: Program, operator: Program) -> None:
    goods = await shop.item()
    await shop.stocked(goods, 9)
    wish = {
        "warehouse": shop.warehouse.code,
        "pledgee": "Bank",
        "contact": "Li",
        "goods": [{"item": goods.code, "location": shop.bins[0], "quantity": 7}],
    }
    made = await owner.post("/pledges", wish, expect=201)
    assert made["link"].startswith("http://testserver/value-added/agree/")
    too_much = {**wish, "goods": [{"item": goods.code, "location": shop.bins[0], "quantity": 3}]}
    refused = await owner.post("/pledges", too_much, expect=422)
    assert [each["field"] for each in refused["errors"]] == ["goods.0.quantity"]
    letter = await build.photo(shop.operator)
    release = {"code": "ABC", "letter": letter}
    await operator.post(f"/pledges/{made['pledge']}/release", release, expect=409)
    (row,) = (await operator.get("/pledges", number=made["number"]))["rows"]
    assert (row["state"], row["pieces"]) == ("offered", 7)
    kept = await owner.post("/statements", {"warehouse": shop.warehouse.code, "purpose": "Loan"}, expect=201)
    assert [(line["item"], line["on_hand"], line["pledged"]) for line in kept["content"]["lines"]] == [
        (goods.code, 9, 7)
    ]
    assert await operator.get(f"/statements/{kept['id']}") == kept
    assert [each["hash"] for each in (await operator.get("/statements", number=kept["number"]))["rows"]] == [
        kept["hash"]
    ]
    assert await owner.post(f"/pledges/{made['pledge']}/withdrawal", {"note": "No loan"}) == {"pieces": 7}


async def test_strangers_and_tokens_without_the_right_learn_nothing(client: httpx.AsyncClient, shop: Shop) -> None:
    job_id = await shop.quoted()
    stranger = Program(client, await build.exporter())
    await stranger.post(f"/jobs/{job_id}/answer", {"revision": 2, "accept": True}, expect=404)
    for path in ("/jobs", "/pledges", "/statements"):
        assert (await stranger.get(path))["rows"] == []
    assert await stranger.get("/trace", lot="L-1") == []
    reader = Program(client, shop.exporter)
    reader.token = await build.token(shop.exporter, Right.SEE_STOCK, Right.SEE_SERVICES)
    await reader.post("/statements", {"warehouse": shop.warehouse.code}, expect=403)
    await reader.post(f"/jobs/{job_id}/cancel", {"revision": 2}, expect=403)
    blind = Program(client, shop.exporter)
    blind.token = await build.token(shop.exporter, Right.SEE_STOCK)
    answer = await blind._send("GET", "/jobs")
    assert answer.status_code == 403
