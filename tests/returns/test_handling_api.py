"""Handling returned goods by program: the way of a unit from the dock to the money, each call once, and what it refuses."""

from typing import Any

import httpx
import pytest

from backend.access.rules import Right, Viewer
from backend.core import clock
from backend.returns import parcels
from tests import build
from tests.returns.bench import Bench, answers, key


class Program:
    """A program that speaks for somebody."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.tokens: dict[int, str] = {}

    async def call(
        self, viewer: Viewer, method: str, path: str, body: Any = None, idempotency_key: str = ""
    ) -> httpx.Response:
        if viewer.user_id not in self.tokens:
            self.tokens[viewer.user_id] = await build.token(viewer)
        headers = {
            "Authorization": f"Bearer {self.tokens[viewer.user_id]}",
            "Idempotency-Key": idempotency_key or key(),
        }
        return await self.client.request(method, f"/api/v1{path}", json=body, headers=headers)


@pytest.fixture
async def program(client: httpx.AsyncClient) -> Program:
    return Program(client)


@pytest.fixture
async def bench(client: httpx.AsyncClient) -> Bench:
    return await Bench.make()


def look(units: list[str], photo: str, grade: str = "A") -> dict[str, Any]:
    return {"units": units, "answers": answers("general", grade), "grade": grade, "photos": [photo]}


async def test_a_return_goes_from_the_dock_to_the_money(program: Program, bench: Bench) -> None:
    booked = await bench.booked(2)
    body = {"warehouse": bench.place, "number": booked.number}
    arrived = await program.call(bench.operator, "POST", "/returns/arrivals", body)
    assert (arrived.status_code, arrived.json()) == (200, {"parcel": 1})
    once = key()
    received = await program.call(bench.operator, "POST", "/returns/receipts", body, once)
    assert received.status_code == 201
    units = received.json()["units"]
    again = await program.call(bench.operator, "POST", "/returns/receipts", body, once)
    assert (again.status_code, again.json()) == (200, received.json())
    sent = await program.client.post(
        "/api/v1/files",
        content=build.PHOTO + once.encode(),
        headers={"Authorization": f"Bearer {program.tokens[bench.operator.user_id]}"},
    )
    once, looks = key(), {"looks": [look(units, sent.json()["hash"])]}
    graded = await program.call(bench.operator, "POST", "/returns/inspections", looks, once)
    assert (graded.status_code, graded.json()["units"]) == (201, units)
    assert (await program.call(bench.operator, "POST", "/returns/inspections", looks, once)).status_code == 200
    waiting = await program.call(bench.exporter, "GET", "/returns/units?queue=decide")
    assert [row["code"] for row in waiting.json()["rows"]] == units
    decision, once = {"units": units, "kind": "RESTOCK"}, key()
    assert (await program.call(bench.exporter, "POST", "/returns/decisions", decision, once)).status_code == 201
    assert (await program.call(bench.exporter, "POST", "/returns/decisions", decision, once)).status_code == 200
    deed, once = {"units": units, "location": bench.bins[1]}, key()
    assert (await program.call(bench.operator, "POST", "/returns/dispositions", deed, once)).status_code == 201
    assert (await program.call(bench.operator, "POST", "/returns/dispositions", deed, once)).status_code == 200
    assert await bench.stage(booked) == ("closed", None)
    money = {
        "line": 1,
        "quantity": 2,
        "amount": "19.90",
        "currency": "EUR",
        "refunded_on": clock.now().date().isoformat(),
    }
    refund = await program.call(bench.exporter, "POST", f"/returns/{booked.id}/refunds", money)
    assert refund.status_code == 201
    path = f"/returns/refunds/{refund.json()['id']}/reverse"
    assert (await program.call(await build.exporter(), "POST", path, {"note": ""})).status_code == 404
    assert (await program.call(bench.exporter, "POST", path, {"note": " "})).status_code == 422
    assert (await program.call(bench.exporter, "POST", path, {"note": "bounced"})).status_code == 204
    undone = await program.call(
        bench.operator, "POST", "/returns/dispositions/reversals", {"unit": units[0], "note": "x"}
    )
    assert (undone.status_code, undone.json()) == (201, {"units": [units[0]]})
    revoked = await program.call(
        bench.exporter, "POST", "/returns/decisions/revoked", {"units": [units[0]], "note": "x"}
    )
    assert revoked.status_code == 204
    one = (await program.call(bench.exporter, "GET", f"/returns/units/{units[0].lower()}")).json()
    assert [each["kind"] for each in one["decisions"]] == ["RESTOCK", "RESTOCK"]
    assert [each["grade"] for each in one["inspections"]] == ["A"]


async def test_a_second_look_and_a_split(program: Program, bench: Bench) -> None:
    (pile,) = await bench.graded("C", 60)
    part = await program.call(bench.exporter, "POST", "/returns/splits", {"unit": pile, "quantity": 5, "of": 60})
    assert part.status_code == 201
    unit = part.json()["unit"]
    asked = await program.call(bench.exporter, "POST", "/returns/regrades", {"units": [unit], "note": "please"})
    assert asked.status_code == 204
    body = {"looks": [look([unit], await build.photo(bench.operator))]}
    assert (await program.call(bench.operator, "POST", "/returns/inspections", body)).status_code == 403
    assert (
        await program.call(bench.exporter, "POST", "/returns/regrades/withdrawn", {"units": [unit]})
    ).status_code == 204
    agreement = await program.call(bench.operator, "GET", "/returns/agreement?from=2026-01-01")
    assert agreement.json() == {"rows": [], "after": None}
    assert (await program.call(bench.operator, "GET", "/returns/agreement?from=soon")).status_code == 422
    assert (await program.call(bench.exporter, "GET", "/returns/checklists")).json()["edition"] == "2026-1"


async def test_a_decision_names_the_job_or_work_order_that_goes_on(program: Program, bench: Bench) -> None:
    (relabelled,) = await bench.carried_out("RELABEL", "B")
    (repaired,) = await bench.carried_out("REPAIR", "C")
    for unit, path in ((relabelled, "/services/jobs"), (repaired, "/repairs")):
        (decision,) = (await program.call(bench.exporter, "GET", f"/returns/units/{unit}")).json()["decisions"]
        one = await program.call(bench.exporter, "GET", f"{path}/{decision['follow_up_id']}")
        assert one.json()["number"] == decision["follow_up_number"]
    (put_back,) = await bench.carried_out("RESTOCK")
    (decision,) = (await program.call(bench.exporter, "GET", f"/returns/units/{put_back}")).json()["decisions"]
    assert decision["follow_up_id"] is None


@pytest.mark.parametrize("kind", ["RESTOCK", "SCRAP"])
async def test_an_answer_that_was_lost_is_given_again_in_its_order(program: Program, bench: Bench, kind: str) -> None:
    units = await bench.decided(kind, quantity=12)
    deed = {"units": units, "location": bench.bins[1]} if kind == "RESTOCK" else {"units": units, "method": "Crushed"}
    if kind == "SCRAP":
        deed["photos"] = [await build.photo(bench.operator)]
    once = key()
    first = await program.call(bench.operator, "POST", "/returns/dispositions", deed, once)
    again = await program.call(bench.operator, "POST", "/returns/dispositions", deed, once)
    assert (first.status_code, again.status_code, again.json()) == (201, 200, first.json())


async def test_bad_calls_name_every_field(program: Program, bench: Bench) -> None:
    booked = await bench.booked(1)
    body = {
        "warehouse": bench.place,
        "number": booked.number,
        "lines": [{"line": 1, "quantity": 2}, {"line": 9, "quantity": 0}],
    }
    refused = await program.call(bench.operator, "POST", "/returns/receipts", body)
    assert refused.status_code == 422
    assert {each["field"] for each in refused.json()["errors"]} == {
        "lines.0.quantity",
        "lines.1.line",
        "lines.1.quantity",
    }
    (unit,) = await bench.received(1)
    body = {"looks": [{"units": [unit], "answers": {}, "grade": "A", "photos": []}]}
    refused = await program.call(bench.operator, "POST", "/returns/inspections", body)
    assert "looks.0.photos" in {each["field"] for each in refused.json()["errors"]}
    early = await program.call(bench.exporter, "POST", "/returns/decisions", {"units": [unit], "kind": "SCRAP"})
    assert (early.status_code, early.json()["type"]) == (409, "urn:luocang:refusal:NotGradedYet")
    shape = await program.call(bench.operator, "POST", "/returns/inspections", {"looks": [{"units": unit}]})
    assert shape.status_code == 422
    assert (await program.call(bench.operator, "GET", "/returns/units?queue=sell")).status_code == 422


async def test_texts_that_cannot_be_kept_are_refused_beside_their_field(program: Program, bench: Bench) -> None:
    booked, (unit,), nul = await bench.booked(1), await bench.graded(), "a\0b"
    at = {"warehouse": bench.place, "number": booked.number}
    money = {"quantity": 1, "amount": 1, "currency": "EUR", "refunded_on": clock.now().date().isoformat()}
    for viewer, path, body, field in (
        (bench.operator, "/receipts/reversals", {"unit": unit, "note": nul}, "note"),
        (bench.operator, "/receipts/closed", {**at, "note": nul}, "note"),
        (bench.operator, "/dispositions/reversals", {"unit": unit, "note": nul}, "note"),
        (bench.operator, "/parcels", {"warehouse": bench.place, "sender": nul}, "sender"),
        (bench.operator, "/parcels", {"warehouse": bench.place, "contents": nul}, "contents"),
        (bench.exporter, "/regrades", {"units": [unit], "note": nul}, "note"),
        (bench.exporter, "/decisions", {"units": [unit], "kind": "SCRAP", "note": nul}, "note"),
        (bench.exporter, "/decisions/revoked", {"units": [unit], "note": nul}, "note"),
        (bench.exporter, f"/{booked.id}/refunds", {**money, "line": 2**40}, "line"),
        (bench.exporter, f"/{booked.id}/refunds", {**money, "line": 1, "reference": nul}, "reference"),
    ):
        refused = await program.call(viewer, "POST", f"/returns{path}", body)
        assert refused.status_code == 422, (path, refused.text)
        assert field in [each["field"] for each in refused.json()["errors"]], path
    assert await bench.stage(booked) == ("booked", "booked")


async def test_foreign_tenants_and_missing_rights(program: Program, bench: Bench) -> None:
    booked, (unit,) = await bench.booked(1), await bench.graded()
    stranger = await Bench.make()
    for viewer, method, path, body, status in (
        (stranger.operator, "GET", f"/returns/units/{unit}", None, 404),
        (stranger.exporter, "GET", f"/returns/units/{unit}", None, 404),
        (stranger.operator, "POST", "/returns/receipts", {"warehouse": stranger.place, "number": booked.number}, 404),
        (stranger.operator, "POST", "/returns/receipts", {"warehouse": bench.place, "number": booked.number}, 404),
        (bench.exporter, "POST", "/returns/receipts", {"warehouse": bench.place, "number": booked.number}, 403),
        (stranger.exporter, "POST", "/returns/decisions", {"units": [unit], "kind": "SCRAP"}, 404),
        (bench.operator, "POST", "/returns/decisions", {"units": [unit], "kind": "SCRAP"}, 403),
        (stranger.exporter, "POST", "/returns/splits", {"unit": unit, "quantity": 1, "of": 2}, 404),
    ):
        answer = await program.call(viewer, method, path, body)
        assert answer.status_code == status, (path, answer.text)
    rows = await program.call(stranger.exporter, "GET", "/returns/units?queue=decide")
    assert rows.json()["rows"] == []
    reader = await build.token(bench.operator, Right.SEE_RETURNS)
    headers = {"Authorization": f"Bearer {reader}"}
    limited = await program.client.post(
        "/api/v1/returns/receipts", json={"warehouse": "X", "number": "Y"}, headers=headers
    )
    assert limited.status_code == 403


async def test_parcels_and_receipts_that_end(program: Program, bench: Bench) -> None:
    booked = await bench.booked(2)
    given, once = {"warehouse": bench.place, "sender": "Somebody"}, key()
    made = await program.call(bench.operator, "POST", "/returns/parcels", given, once)
    assert made.status_code == 201
    assert (await program.call(bench.operator, "POST", "/returns/parcels", given, once)).json() == made.json()
    listed = await program.call(bench.operator, "GET", "/returns/parcels?state=waiting")
    assert [row["number"] for row in listed.json()["rows"]] == [made.json()["number"]]
    assert (await program.call(bench.exporter, "GET", "/returns/parcels")).json()["rows"] == []
    path = f"/returns/parcels/{made.json()['id']}/match"
    matched = await program.call(bench.operator, "POST", path, {"number": booked.number})
    assert matched.json() == {"id": str(booked.id)}
    body = {"warehouse": bench.place, "number": booked.number, "lines": [{"line": 1, "quantity": 1}], "parcel": 1}
    (unit,) = (await program.call(bench.operator, "POST", "/returns/receipts", body)).json()["units"]
    reversed_ = await program.call(bench.operator, "POST", "/returns/receipts/reversals", {"unit": unit, "note": "x"})
    assert reversed_.json() == {"units": [unit]}
    closed = await program.call(
        bench.operator,
        "POST",
        "/returns/receipts/closed",
        {"warehouse": bench.place, "number": booked.number, "note": "lost"},
    )
    assert closed.json() == {"pieces": 2}
    assert (await parcels.parcel(bench.operator, made.json()["id"]))["state"] == "matched"
