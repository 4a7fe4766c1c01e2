"""Booking, finding, changing and settling returns in the browser, and the papers of it."""

import re
import uuid
from typing import Any

import httpx
import pytest

from backend.access.rules import Role
from backend.returns import queries
from backend.returns.booking import Line, Parcel
from tests import build, printed
from tests.returns.conftest import Trade


def form(item: str, order: str, quantity: int = 1, **overrides: Any) -> dict[str, Any]:
    """The form of a new return as a browser sends it."""
    return {
        "key": str(uuid.uuid4()),
        "kind": "buyer",
        "reason": "defective",
        "country": "DE",
        "city": "München",
        "lines.0.item": item,
        "lines.0.quantity": quantity,
        "lines.0.basis": "order",
        "lines.0.number": order,
        **overrides,
    }


def draft_of(page: str) -> str:
    """The draft that a page of proposals carries on."""
    found = re.search(r'name="draft" value="([^"]*)"', page)
    assert found is not None
    return (
        found[1]
        .replace("&#34;", '"')
        .replace("&#39;", "'")
        .replace("&amp;", "&")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
    )


async def upload(
    client: httpx.AsyncClient, path: str, files: list[tuple[str, tuple[str, bytes, str]]], **fields: Any
) -> httpx.Response:
    """Send a form with files as a browser does."""
    await client.get("/access/sign-in")
    (name,) = [name for name in client.cookies if name.startswith("luocang_csrf_")]
    given = {"_csrf_token": client.cookies[name], **{key: str(value) for key, value in fields.items()}}
    return await client.post(path, data=given, files=files)


async def test_a_return_is_booked_step_by_step(trade: Trade, client: httpx.AsyncClient) -> None:
    goods, order, _ = await trade.sale(3)
    await build.sign_in(client, trade.exporter)
    page = (await client.get("/returns/new", params={"item": goods.code, "order": order})).text
    assert f'value="{goods.code}"' in page
    assert f'value="{order}"' in page
    sent = form(goods.code, order, 2, tracking="1Z 1\n1Z 2", carrier="DHL", parcels="3", wishes=["photos"])
    proposed = await build.submit(client, "/returns/new", **sent)
    assert proposed.status_code == 200
    assert "measured from Munich" in proposed.text
    assert f'name="warehouse" value="{trade.place.code}"' in proposed.text

    draft = draft_of(proposed.text)
    edited = await build.submit(client, "/returns/new", draft=draft, deed="edit")
    assert f'value="{order}"' in edited.text
    booked = await build.submit(client, "/returns/book", draft=draft, warehouse=trade.place.code)
    assert booked.status_code == 303
    shown = (await client.get(booked.headers["location"])).text
    assert "is booked. Print its label" in shown
    assert "1Z 2" in shown
    assert "Why this warehouse" in shown
    assert "measured from Munich" in shown
    head = await queries.rma(trade.exporter, uuid.UUID(booked.headers["location"].rsplit("/", 1)[1]))
    assert (head["quantity"], head["city"]) == (2, "München")
    assert head["proposal"]["code"] == trade.place.code
    assert len(await queries.parcels(head)) == 3
    again = await build.submit(client, "/returns/book", draft=draft, warehouse=trade.place.code)
    assert again.headers["location"] == booked.headers["location"]


async def test_what_is_wrong_stands_beside_its_field(trade: Trade, client: httpx.AsyncClient) -> None:
    goods, order, _ = await trade.sale(1)
    await build.sign_in(client, trade.exporter)
    sent = form(goods.code, "NEVER", 0, reason="", country="", latitude="north")
    refused = await build.submit(client, "/returns/new", **sent)
    assert refused.status_code == 422
    for field in ("reason", "country", "latitude", "lines.0.quantity"):
        assert f'id="f-{field}-error"' in refused.text
    unshipped = await build.submit(client, "/returns/new", **form(goods.code, "NEVER"))
    assert 'id="f-lines.0.number-error"' in unshipped.text
    more = await build.submit(client, "/returns/new", **form(goods.code, order), deed="more")
    assert 'name="lines.6.item"' in more.text
    broken = await build.submit(client, "/returns/book", draft="{", warehouse=trade.place.code)
    assert broken.status_code == 422
    nowhere = await build.submit(client, "/returns/new", **form(goods.code, order))
    refused = await build.submit(client, "/returns/book", draft=draft_of(nowhere.text), warehouse="NOWHERE")
    assert refused.status_code == 422
    assert "There is no warehouse “NOWHERE”" in refused.text


async def test_lines_come_from_a_file_with_every_mistake_at_once(trade: Trade, client: httpx.AsyncClient) -> None:
    goods, order, _ = await trade.sale(5)
    await build.sign_in(client, trade.exporter)
    head = {**form("", ""), "lines.0.quantity": "", "lines.0.number": ""}
    wrong = (
        f"item,quantity,order\n{goods.code},2,{order}\nNOTHING,1,{order}\nNOBODYS,x,{order}\n{goods.code},9,{order}\n"
    )
    refused = await upload(client, "/returns/new", [("lines_file", ("lines.csv", wrong.encode(), "text/csv"))], **head)
    assert refused.status_code == 422
    assert "has 4 mistakes" in refused.text
    rows = re.findall(r'<td class="num" data-label="Row">(\d+)</td><td data-label="Column">(\w+)', refused.text)
    assert sorted(rows) == [("3", "Item"), ("4", "Item"), ("4", "Quantity"), ("5", "Quantity")]

    good = f"Artikel,item,quantity,order\n,{goods.code},2,{order}\n".replace("Artikel,", "").replace("\n,", "\n")
    photo = ("photo_files", ("p.jpg", build.PHOTO, "image/jpeg"))
    proposed = await upload(
        client, "/returns/new", [("lines_file", ("lines.csv", good.encode(), "text/csv")), photo], **head
    )
    assert proposed.status_code == 200, proposed.text
    booked = await build.submit(client, "/returns/book", draft=draft_of(proposed.text), warehouse=trade.place.code)
    shown = await client.get(booked.headers["location"])
    assert "Photos of the booking" in shown.text
    template = await client.get("/returns/template.csv")
    assert template.text.startswith('\ufeff"Item","Quantity"')


async def test_the_list_finds_a_return_by_whatever_is_at_hand(trade: Trade, client: httpx.AsyncClient) -> None:
    goods, order, _ = await trade.sale(2)
    line = Line(item=goods.code, quantity=1, order=order, serials=["FIND-ME"])
    booked = await build.returned(
        trade.exporter, trade.place, line, parcels=[Parcel(tracking_no="1Z 77")], reference="CASE 7"
    )
    for viewer in (trade.exporter, trade.operator, await build.committee()):
        await build.sign_in(client, viewer)
        for search in (booked.number, booked.number.lower(), "1z 77", "CASE 7", order, "find-me", f"{booked.number}U1"):
            found = await client.get("/returns", params={"search": search})
            assert booked.number in found.text, search
        narrowed = await client.get("/returns", params={"search": order, "kind": "recall"})
        assert booked.number not in narrowed.text
    assert booked.number in (await client.get("/returns.csv", params={"stage": "open"})).text
    assert (await client.get("/returns", params={"stage": "nonsense"})).status_code == 422
    for stranger in (await build.exporter(), await build.operator()):
        await build.sign_in(client, stranger)
        assert str(booked.id) not in (await client.get("/returns", params={"search": booked.number})).text
        assert booked.number not in (await client.get("/returns.csv")).text
        for path in ("", "/label.pdf", "/change"):
            assert (await client.get(f"/returns/{booked.id}{path}")).status_code == 404


async def test_a_return_is_changed_and_cancelled_on_its_page(trade: Trade, client: httpx.AsyncClient) -> None:
    goods, order, _ = await trade.sale(3)
    booked = await build.returned(trade.exporter, trade.place, Line(item=goods.code, quantity=3, order=order))
    await build.sign_in(client, trade.exporter)
    path = f"/returns/{booked.id}"
    page = (await client.get(f"{path}/change")).text
    document = re.search(r'name="lines.0.number" value="([^"]+)"', page)
    assert document is not None
    sent = {
        "revision": 1,
        "note": "fewer",
        "reference": "",
        "expected_on": "",
        "tracking": "1Z 9",
        "carrier": "",
        "parcels": "1",
        "lines.0.item": goods.code,
        "lines.0.quantity": "2",
        "lines.0.basis": "document",
        "lines.0.number": document[1],
        "lines.0.number_line": "1",
        "lines.0.warehouse": trade.place.code,
    }
    assert (await build.submit(client, f"{path}/change", **sent, deed="more")).status_code == 200
    refused = await build.submit(client, f"{path}/change", **{**sent, "lines.0.quantity": "4"})
    assert refused.status_code == 422
    assert 'id="f-lines.0.quantity-error"' in refused.text
    assert (await build.submit(client, f"{path}/change", **sent)).status_code == 303
    head = await queries.rma(trade.exporter, booked.id)
    assert (head["quantity"], head["note"], head["revision"]) == (2, "fewer", 2)
    assert (await build.submit(client, f"{path}/change", **sent)).status_code == 409
    assert (await build.submit(client, f"{path}/cancel", revision=1)).status_code == 409
    assert (await build.submit(client, f"{path}/cancel", revision=2, note="kept")).status_code == 303
    shown = await client.get(path)
    assert "Cancelled" in shown.text
    assert "Cancel the return" not in shown.text
    assert (await client.get(f"{path}/change")).status_code == 303


async def test_the_page_of_a_claimed_sale_says_why_it_is_not_reversed(trade: Trade, client: httpx.AsyncClient) -> None:
    goods, order, document = await trade.sale(1)
    await build.returned(trade.exporter, trade.place, Line(item=goods.code, quantity=1, order=order))
    await build.sign_in(client, trade.operator)
    path = f"/stock/documents/{trade.place.id}/{document}"
    answer = await build.submit(client, path, note="Never left")
    assert answer.status_code == 303
    assert "are claimed by a return" in (await client.get(path)).text


async def test_the_operator_settles_what_is_doubtful(trade: Trade, client: httpx.AsyncClient) -> None:
    goods = await build.item(trade.exporter)
    booked = await build.returned(trade.exporter, trade.place, Line(item=goods.code, quantity=1, basis="paper"))
    path = f"/returns/{booked.id}"
    await build.sign_in(client, trade.exporter)
    own = await client.get(path)
    assert "Under investigation" in own.text
    assert "What you found" not in own.text
    await build.sign_in(client, trade.operator)
    assert "What you found" in (await client.get(path)).text
    assert booked.number in (await client.get("/returns", params={"investigation": "open"})).text
    refused = await build.submit(client, f"{path}/lines/1/finding", verdict="accepted", note="")
    assert refused.status_code == 422
    assert 'id="finding-1-note-error"' in refused.text
    assert (await build.submit(client, f"{path}/lines/1/finding", verdict="accepted", note="fits")).status_code == 303
    assert "Accepted after investigation" in (await client.get(path)).text
    assert booked.number not in (await client.get("/returns", params={"investigation": "open"})).text


@pytest.mark.parametrize("language", ["zh_CN", "en", "ar"])
async def test_the_label_is_printed_in_every_language(trade: Trade, client: httpx.AsyncClient, language: str) -> None:
    goods, order, _ = await trade.sale(1)
    booked = await build.returned(trade.exporter, trade.place, Line(item=goods.code, quantity=1, order=order))
    await build.sign_in(client, trade.exporter)
    client.cookies.set("language", language, domain="testserver.local")
    label = await client.get(f"/returns/{booked.id}/label.pdf")
    assert label.headers["content-type"] == "application/pdf"
    assert label.content.startswith(b"%PDF-")
    assert "GERMANY" in printed.words(label.content).upper(), "the post offices on the way read it"
    assert booked.number in label.headers["content-disposition"]
    token = await build.token(trade.operator)
    same = await client.get(f"/api/v1/returns/{booked.id}/label", headers={"Authorization": f"Bearer {token}"})
    assert same.content.startswith(b"%PDF-")


async def test_the_desk_says_what_a_warehouse_takes(client: httpx.AsyncClient, database: str) -> None:
    operator = await build.operator()
    place = await build.warehouse(operator)
    await build.sign_in(client, operator := await build.again(operator))
    assert "has no returns desk yet" in (await client.get("/returns/desk")).text
    sent = {
        "warehouse": place.code,
        "revision": 0,
        "active": "yes",
        "kinds": ["buyer", "unsold"],
        "capabilities": ["grading"],
    }
    refused = await build.submit(client, "/returns/desk", **sent, daily_units="many", countries="Germany")
    assert refused.status_code == 422
    assert 'id="f-daily_units-error"' in refused.text
    assert 'id="f-countries-error"' in refused.text
    assert (
        await build.submit(client, "/returns/desk", **sent, daily_units="50", countries="de, fr")
    ).status_code == 303
    assert 'value="DE FR"' in (await client.get("/returns/desk")).text
    assert (await build.submit(client, "/returns/desk", **sent, daily_units="60", countries="")).status_code == 409
    other = await build.sign_in(client, await build.operator())
    assert (await build.submit(other, "/returns/desk", **sent, daily_units="60", countries="")).status_code in (
        404,
        422,
    )


async def test_those_who_may_not_book_find_no_form(trade: Trade, client: httpx.AsyncClient) -> None:
    clerk = await build.operator(Role.OPERATOR_CLERK)
    for viewer, path in ((trade.operator, "/returns/new"), (clerk, "/returns/desk"), (trade.exporter, "/returns/desk")):
        await build.sign_in(client, viewer)
        assert (await client.get(path)).status_code == 403
