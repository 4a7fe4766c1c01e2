"""The screens of repairs: one step at a time at the bench, the owner's answer, nobody else's things, three languages."""

import re
from datetime import timedelta
from typing import Any

import httpx
import pytest

from backend.access.rules import Role, Viewer
from backend.core import clock
from backend.repairs import faultbook, quoting
from backend.stock import queries as stock_queries
from backend.stock.rules import Condition
from tests import build
from tests.repairs.shop import Shop, shop


class Screen:
    """A browser before the screens of repairs."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def see(self, viewer: Viewer, path: str, **params: str) -> httpx.Response:
        await build.sign_in(self.client, viewer)
        return await self.client.get(path, params=params or None)

    async def send(self, viewer: Viewer, path: str, **fields: Any) -> httpx.Response:
        await build.sign_in(self.client, viewer)
        return await build.submit(self.client, path, **fields)

    async def step(self, viewer: Viewer, path: str, deed: str, *, form: str = "", **fields: Any) -> httpx.Response:
        """Send a form of the page with the key it was shown with."""
        page = await self.see(viewer, path)
        found = re.search(rf'<form id="form-{form or deed}".*?name="key" value="([^"]+)"', page.text, re.DOTALL)
        assert found, page.text
        return await self.send(viewer, path, deed=deed, key=found[1], **fields)


@pytest.fixture
def screen(client: httpx.AsyncClient) -> Screen:
    return Screen(client)


def flat(answer: httpx.Response) -> str:
    """The words of a page, without its marks."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def goods(made: Shop, **more: str) -> dict[str, str]:
    return {
        "warehouse": made.warehouse.code,
        "owner": made.exporter.organisation_code,
        "item": made.machine.code,
        "location": made.bins[0],
        "condition": "GOOD",
        "fault": "Does not start",
        "key": str(clock.now().timestamp()),
        **more,
    }


def local(made: Shop, days: float) -> str:
    return (clock.now() + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M")


async def test_a_repair_step_by_step_on_screen(screen: Screen) -> None:
    made = await shop()
    operator, owner = made.operator, made.exporter
    opened = await screen.send(operator, "/repairs/new", **goods(made, serial="SN-1"))
    assert opened.status_code == 303, flat(opened)
    path = opened.headers["location"]
    assert "Find out what is wrong" in flat(await screen.see(operator, path))
    answer = await screen.step(operator, path, "diagnose", codes=["MA_GEAR", "WEAR"], repairable="yes", note="Worn")
    assert answer.status_code == 303, flat(answer)
    page = flat(await screen.see(operator, path))
    assert "Quote the repair to the owner" in page
    assert "Gear worn" in page
    quote = {
        "parts.0.item": made.part.code,
        "parts.0.quantity": "2",
        "parts.0.price": "12.50",
        "minutes": "60",
        "rate": "40",
        "currency": "EUR",
        "expires_at": local(made, 5),
    }
    more = await screen.step(operator, path, "quote", **quote, more="yes")
    assert more.text.count('name="parts.5.item"') == 1
    assert f'value="{made.part.code}"' in more.text
    assert (await screen.step(operator, path, "quote", **quote)).status_code == 303
    assert "The owner answers" in flat(await screen.see(operator, path))
    asked = await screen.see(owner, path)
    assert "Answer the quote" in flat(asked)
    assert "65.00" in asked.text
    quote_id = re.search(r'name="quote" value="([^"]+)"', asked.text)
    assert quote_id
    refused = await screen.step(owner, path, "refuse", form="answer", quote=quote_id[1], note="")
    assert refused.status_code == 422
    assert "Say why you refuse the quote" in flat(refused)
    assert (await screen.step(owner, path, "approve", form="answer", quote=quote_id[1])).status_code == 303
    late = await screen.send(owner, path, deed="refuse", key="late", quote=quote_id[1], note="No")
    assert late.status_code == 409
    assert "answered already" in flat(late)
    bench = await screen.see(operator, path)
    spot = re.search(r"<option value=\"(\[[^\"]+\])\"", bench.text)
    assert spot, bench.text
    value = spot[1].replace("&#34;", '"')
    many = await screen.step(operator, path, "use", spot=value, quantity="3")
    assert many.status_code == 422
    assert "leave 2 of" in flat(many)
    assert (await screen.step(operator, path, "use", spot=value, quantity="2")).status_code == 303
    bench = await screen.see(operator, path)
    undo = re.search(r'id="form-undo-([0-9a-f-]+)"', bench.text)
    assert undo
    back = await screen.step(operator, path, "undo", form=f"undo-{undo[1]}", use=undo[1], note="Wrong motor")
    assert back.status_code == 303, flat(back)
    assert (await screen.step(operator, path, "use", spot=value, quantity="1")).status_code == 303
    out = {"item": made.part.code, "quantity": "1", "condition": "DAMAGED", "location": "WORKSHOP"}
    assert (await screen.step(operator, path, "recover", **out)).status_code == 303
    assert (await screen.step(operator, path, "work", minutes="45", note="Gear", done="yes")).status_code == 303
    assert "Test the unit" in flat(await screen.see(operator, path))
    checks = {f"answers.{name}": "ok" for name in faultbook.book().checks_of("machinery")}
    half = await screen.step(operator, path, "test", **{**checks, "answers.works": ""})
    assert half.status_code == 422
    assert "Answer this check" in flat(half)
    assert (await screen.step(operator, path, "test", **checks)).status_code == 303
    wrong = await screen.step(operator, path, "finish", location="WORKSHOP", condition="")
    assert wrong.status_code == 422
    assert "leaves the workshop" in flat(wrong)
    done = await screen.step(operator, path, "finish", location=made.bins[2], condition="GOOD", note="As new")
    assert done.status_code == 303, flat(done)
    end = flat(await screen.see(owner, path))
    assert "Repaired" in end
    assert "As new" in end
    assert await made.pieces(made.machine, made.bins[2], Condition.GOOD) == 1
    assert await stock_queries.differences() == []


async def test_an_owner_asks_on_screen_and_the_operator_brings_it_in(screen: Screen) -> None:
    made = await shop()
    asked = await screen.send(
        made.exporter, "/repairs/new", **goods(made, owner="", warranty_from="2026-02-01", warranty_months="12")
    )
    assert asked.status_code == 303, flat(asked)
    path = asked.headers["location"]
    assert "To be brought to the workshop" in flat(await screen.see(made.exporter, path))
    assert (await screen.step(made.operator, path, "take_in")).status_code == 303
    page = await screen.see(made.operator, path)
    assert "Find out what is wrong" in flat(page)
    revision = re.search(r'name="revision" value="(\d+)"', page.text)
    assert revision
    mine = {"technician": str(made.operator.user_id), "revision": revision[1]}
    assert (await screen.step(made.operator, path, "assign", **mine)).status_code == 303
    stale = await screen.send(made.operator, path, deed="assign", key="k", **mine)
    assert stale.status_code == 409
    listed = await screen.see(made.operator, "/repairs", state="open", technician="me")
    assert path in listed.text
    assert path not in (await screen.see(made.operator, "/repairs", state="open", technician="none")).text
    gone = await screen.step(made.operator, path, "give_up", location=made.bins[2], note="Burnt")
    assert gone.status_code == 303, flat(gone)
    assert "Given up" in flat(await screen.see(made.exporter, path))
    second = await screen.send(made.exporter, "/repairs/new", **goods(made))
    cancelled = await screen.step(made.exporter, second.headers["location"], "cancel", note="Not needed")
    assert cancelled.status_code == 303


async def test_a_bad_opening_is_shown_again_with_every_fault(screen: Screen) -> None:
    made = await shop()
    empty = await screen.send(made.operator, "/repairs/new", key="k")
    assert empty.status_code == 422
    for said in ("Choose a warehouse", "Give the item", "Say where the unit lies", "Say what is wrong"):
        assert said in flat(empty)
    odd = await screen.send(
        made.operator,
        "/repairs/new",
        **goods(made, location="NOWHERE", warranty_from="soon", warranty_months="a year", fault=""),
    )
    assert odd.status_code == 422
    for said in ("no such piece at this place", "is not a day", "not a whole number", "Say what is wrong"):
        assert said in flat(odd)
    assert "a year" in odd.text
    none_left = await screen.send(made.operator, "/repairs/new", **goods(made, key="once"))
    again = await screen.send(made.operator, "/repairs/new", **goods(made, key="once"))
    assert again.headers["location"] == none_left.headers["location"]
    other = await screen.send(made.operator, "/repairs/new", **goods(made, key="once", fault="Another fault"))
    assert other.status_code == 409
    assert "sent before" in flat(other)


async def test_scanning_finds_number_unit_and_serial(screen: Screen) -> None:
    made, other = await shop(), await shop()
    order_id = await made.from_return(serial="SCAN-1")
    order = await made.seen(order_id)
    for code in (order["number"], order["unit_code"], "scan-1", f" {order['number'].lower()} "):
        found = await screen.see(made.operator, "/repairs/scan", code=code)
        assert found.headers["location"] == f"/repairs/{order_id}", code
    for viewer, code in ((made.operator, "NOPE"), (other.operator, order["number"]), (made.operator, "")):
        missed = await screen.see(viewer, "/repairs/scan", code=code)
        assert missed.headers["location"] == "/repairs"


async def test_everybody_sees_their_own_pages_only(screen: Screen) -> None:
    made, other = await shop(), await shop()
    order_id = await made.diagnosed("MA_GEAR", serial="OWN-1")
    path = f"/repairs/{order_id}"
    number = (await made.seen(order_id))["number"]
    for viewer in (made.operator, made.exporter, await build.committee()):
        for page in (path, "/repairs", "/repairs.csv", f"{path}/sheet.pdf"):
            answer = await screen.see(viewer, page)
            assert answer.status_code == 200, page
            assert number in answer.text or page.endswith("pdf")
    for viewer in (other.operator, other.exporter):
        assert (await screen.see(viewer, path)).status_code == 404
        assert (await screen.see(viewer, f"{path}/sheet.pdf")).status_code == 404
        assert number not in (await screen.see(viewer, "/repairs", state="all")).text
        assert number not in (await screen.see(viewer, "/repairs.csv", state="all")).text
        assert made.machine.code not in (await screen.see(viewer, "/repairs/faults")).text
        assert made.machine.code not in (await screen.see(viewer, "/repairs/faults.csv", by="lot")).text
        assert (await screen.send(viewer, path, deed="give_up", key="x", location="A", note="b")).status_code == 404
    assert (await screen.send(made.exporter, path, deed="give_up", key="x", location="A", note="b")).status_code == 403
    assert (await screen.send(made.operator, path, deed="dance", key="x")).status_code == 422
    clerk = await build.exporter(Role.EXPORTER_CLERK)
    assert (await screen.see(clerk, "/repairs/new")).status_code == 403


async def test_a_clerk_reads_the_quote_but_does_not_answer(screen: Screen) -> None:
    made = await shop()
    order_id = await made.diagnosed()
    await made.quote(order_id)
    page = flat(await screen.see(made.exporter, f"/repairs/{order_id}"))
    assert "Approve" in page
    for viewer in (made.operator, await build.committee()):
        assert "Approve" not in flat(await screen.see(viewer, f"/repairs/{order_id}"))


async def test_an_expired_quote_says_so(screen: Screen) -> None:
    made = await shop()
    order_id = await made.diagnosed()
    quote_id = await made.quote(order_id)
    await quoting.expire_quotes(clock.now() + timedelta(days=30))
    answer = await screen.send(
        made.exporter, f"/repairs/{order_id}", deed="approve", key="late", quote=str(quote_id), note=""
    )
    assert answer.status_code == 409
    assert "expired" in flat(answer)


async def test_photos_are_kept_and_only_photos(screen: Screen) -> None:
    made = await shop()
    path = f"/repairs/{(await made.from_stock()).id}"
    await build.sign_in(screen.client, made.operator)
    await screen.client.get("/access/sign-in")
    token = next(value for name, value in screen.client.cookies.items() if name.startswith("luocang_csrf_"))

    async def bring(name: str, data: bytes) -> httpx.Response:
        files = {"photos": (name, data, "image/jpeg")}
        return await screen.client.post(f"{path}/photos", data={"_csrf_token": token}, files=files)

    assert (await bring("unit.jpg", build.PHOTO)).status_code == 303
    assert 'src="/files/' in (await screen.see(made.exporter, path)).text
    wrong = await bring("unit.jpg", b"hello")
    assert wrong.status_code == 422
    assert "neither a photo" in flat(wrong)
    assert (await screen.see(made.operator, f"{path}/sheet.pdf")).content.startswith(b"%PDF-")


async def test_fault_rates_as_page_chart_and_file(screen: Screen) -> None:
    made = await shop()
    await build.sold(made.operator, made.warehouse, made.machine, made.bins[0], 2)
    await made.diagnosed("MA_GEAR")
    for by in ("", "item", "lot", "owner", "class"):
        page = await screen.see(made.exporter, "/repairs/faults", by=by)
        assert page.status_code == 200
        assert '<svg class="ages"' in page.text
        assert "50" in flat(page)
        assert "Gear worn" in flat(page)
    file = await screen.see(made.exporter, "/repairs/faults.csv", by="item")
    assert file.headers["content-type"].startswith("text/csv")
    line = next(row for row in file.text.splitlines() if f",{made.machine.code}," in row)
    assert line.endswith(",50.00,50.00")
    assert (await screen.see(made.exporter, "/repairs/faults", by="colour")).status_code == 422
    assert (await screen.see(made.exporter, "/repairs/faults", **{"from": "x"})).status_code == 422


async def test_terms_of_warranty_on_screen(screen: Screen) -> None:
    made = await shop()
    assert "No warranty is set" in flat(await screen.see(made.exporter, "/repairs/warranty"))
    bad = await screen.send(made.exporter, "/repairs/warranty", item="NOTHING", months="often")
    assert bad.status_code == 422
    for said in ("You have no item", "not a whole number"):
        assert said in flat(bad)
    assert (await screen.send(made.exporter, "/repairs/warranty", item="", months="999")).status_code == 422
    assert (
        await screen.send(made.exporter, "/repairs/warranty", item=made.machine.code, months="24")
    ).status_code == 303
    assert made.machine.code in (await screen.see(made.exporter, "/repairs/warranty")).text
    assert (await screen.see(made.operator, "/repairs/warranty")).status_code == 403


async def test_the_list_says_what_to_do_when_it_is_empty_or_asked_wrongly(screen: Screen) -> None:
    made = await shop()
    assert "Nothing is in repair" in flat(await screen.see(made.operator, "/repairs"))
    assert "None of your units is in repair" in flat(await screen.see(made.exporter, "/repairs"))
    assert "No repair fits" in flat(await screen.see(made.operator, "/repairs", stage="testing"))
    wrong = await screen.see(made.operator, "/repairs", stage="dancing")
    assert wrong.status_code == 422
    balance = "-".join(str(part) for part in await made.key(made.machine, made.bins[0]))
    page = await screen.see(made.operator, f"/stock/balances/{balance}")
    assert "/repairs/new?warehouse=" in page.text


@pytest.mark.parametrize("language", ["zh_CN", "en", "ar"])
async def test_every_page_is_spoken_in_every_language(screen: Screen, language: str) -> None:
    made = await shop()
    order_id = await made.approved()
    screen.client.cookies.set("language", language, domain="testserver.local")
    for page in (f"/repairs/{order_id}", "/repairs", "/repairs/new", "/repairs/faults", "/repairs/warranty"):
        answer = await screen.see(made.exporter, page)
        assert answer.status_code == 200
        assert f'lang="{language.replace("_", "-")}"' in answer.text
        assert "style=" not in answer.text
    assert (await screen.see(made.operator, f"/repairs/{order_id}/sheet.pdf")).content.startswith(b"%PDF-")
