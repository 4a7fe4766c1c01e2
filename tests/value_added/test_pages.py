"""The screens of services: both sides are led through a job, forms do things once, strangers see nothing."""

import re
from decimal import Decimal
from typing import Any

import httpx
import pytest

from backend.access.rules import Role, Viewer
from backend.core import clock
from backend.core.database import DB
from backend.value_added import performing, queries, quoting
from frontend import web
from tests import build
from tests.value_added import shop as shops
from tests.value_added.shop import Shop, key, line


class Screen:
    """A shop in a browser."""

    def __init__(self, client: httpx.AsyncClient, shop: Shop) -> None:
        self.client, self.shop = client, shop

    async def see(self, viewer: Viewer | None, path: str, *, expect: int = 200, **params: str) -> str:
        if viewer:
            await build.sign_in(self.client, viewer)
        answer = await self.client.get(path, params=params or None)
        assert answer.status_code == expect, answer.text
        return answer.text

    async def send(
        self,
        viewer: Viewer | None,
        path: str,
        *,
        files: dict[str, bytes] | None = None,
        expect: int = 303,
        **fields: Any,
    ) -> httpx.Response:
        if viewer:
            await build.sign_in(self.client, viewer)
        await self.client.get("/access/sign-in")
        (name,) = [name for name in self.client.cookies if name.startswith("luocang_csrf_")]
        data = {"_csrf_token": self.client.cookies[name], **{each: str(value) for each, value in fields.items()}}
        sent = {each: (f"{each}.jpg", content, "image/jpeg") for each, content in (files or {}).items()}
        answer = await self.client.post(path, data=data, files=sent or None)
        assert answer.status_code == expect, flat(answer.text)
        return answer


@pytest.fixture
async def screen(client: httpx.AsyncClient) -> Screen:
    return Screen(client, await shops.opened())


def flat(page: str) -> str:
    """The words of a page, without its marks."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def hidden(page: str, form: str, name: str) -> str:
    """A hidden field of a form of the page."""
    found = re.search(rf'<form id="{form}".*?name="{name}" value="([^"]*)"', page, re.DOTALL)
    assert found, flat(page)
    return found[1]


async def fields_of(screen: Screen, viewer: Viewer, path: str, form: str) -> dict[str, str]:
    page = await screen.see(viewer, path)
    return {name: hidden(page, form, name) for name in ("revision", "key")}


# ----------------------------------------------------------------------------------------------------------- offers


async def test_a_manager_keeps_offers_and_everybody_reads_them(screen: Screen) -> None:
    shop = screen.shop
    await screen.see(shop.operator, "/value-added/offers/new")
    facts = {
        "warehouse": shop.warehouse.code,
        "kind": "customs",
        "name_zh": "境外通关",
        "name_en": "Clearance & duty",
        "name_ar": "تخليص",
        "description_en": "Import clearance <b>within a day</b>",
        "price": "0.0125",
        "currency": "EUR",
        "unit": "piece",
        "lead_days": "1",
        "documents": "invoice,authority",
    }
    wrong = await screen.send(
        shop.operator,
        "/value-added/offers/new",
        **{**facts, "price": "x", "name_en": "", "name_zh": "", "name_ar": ""},
        expect=422,
    )
    assert "needs your attention" in wrong.text or "need your attention" in wrong.text
    made = await screen.send(shop.operator, "/value-added/offers/new", **facts)
    path = made.headers["location"]
    screen.client.cookies.clear()
    public = await screen.see(None, "/value-added/offers", warehouse=shop.warehouse.code)
    assert "Clearance &amp; duty" in public
    assert "New offer" not in public
    one = await screen.see(None, path)
    assert "&lt;b&gt;within a day&lt;/b&gt;" in one
    assert "0.0125 EUR" in flat(one)
    assert "Power of attorney" in one
    assert "Sign in to ask" in one
    form = await screen.see(shop.operator, f"{path}/edit")
    version = hidden(form, "offer", "version")
    await screen.send(shop.operator, f"{path}/edit", **{**facts, "price": ""}, version=version)
    stale = await screen.send(shop.operator, f"{path}/edit", **facts, version=version, expect=409)
    assert "in the meantime" in stale.text
    await screen.send(shop.operator, f"{path}/withdraw", version=2)
    await screen.see(shop.exporter, path, expect=404)
    assert "Withdrawn" in await screen.see(shop.operator, "/value-added/offers", state="withdrawn")
    await screen.see(shop.operator, f"{path}/edit")
    file = await screen.see(shop.operator, "/value-added/offers.csv")
    assert shop.warehouse.code in file
    for viewer in (shop.exporter, await build.operator(Role.OPERATOR_CLERK)):
        await screen.see(viewer, "/value-added/offers/new", expect=403)


async def test_returns_and_repairs_lead_to_their_own_rooms(screen: Screen) -> None:
    for kind, room in (("returns", "/returns"), ("repair", "/repairs")):
        offer_id = await screen.shop.offer(kind)
        page = await screen.see(screen.shop.exporter, f"/value-added/offers/{offer_id}")
        assert f'href="{room}"' in page
        await screen.see(screen.shop.exporter, f"/value-added/offers/{offer_id}/request", expect=409)


# ------------------------------------------------------------------------------------------------------------- jobs


async def test_a_customs_matter_from_the_request_to_the_acceptance(screen: Screen) -> None:
    shop = screen.shop
    offer_id = await shop.offer("customs", documents="invoice")
    path = f"/value-added/offers/{offer_id}/request"
    form = await screen.see(shop.exporter, path)
    wish = {name: hidden(form, "request", name) for name in ("key", "offer", "rows")}
    refused = await screen.send(
        shop.exporter, path, **wish, quantity="0", files={"file_invoice": build.PHOTO + b"invoice"}, expect=422
    )
    kept = hidden(refused.text, "request", "kept_invoice")
    assert len(kept) == 64
    made = await screen.send(shop.exporter, path, **wish, quantity="1", text="Two pallets", kept_invoice=kept)
    again = await screen.send(shop.exporter, path, **wish, quantity="1", text="Two pallets", kept_invoice=kept)
    job = made.headers["location"]
    assert again.headers["location"] == job
    assert "Commercial invoice" in await screen.see(shop.exporter, job)

    given = await fields_of(screen, shop.operator, job, "form-quote")
    wrong = await screen.send(
        shop.operator, job, deed="quote", **given, price="-", currency="E", quantity="1", days="0", expect=422
    )
    assert 'aria-invalid="true"' in wrong.text
    await screen.send(shop.operator, job, deed="quote", **given, price="120", currency="EUR", quantity="1", days="5")
    page = await screen.see(shop.exporter, job)
    assert "€120.00" in flat(page)
    given = {name: hidden(page, "form-accept", name) for name in ("revision", "key")}
    await screen.send(shop.exporter, job, deed="accept", **given)
    late = await screen.send(shop.exporter, job, deed="accept", **given)
    assert late.headers["location"] == job

    given = await fields_of(screen, shop.operator, job, "form-refer")
    matter = {"partner": "Zoll & Söhne", "reference": "ATB-77", "status": "sent"}
    await screen.send(shop.operator, job, deed="refer", **given, **matter, files={"photos": build.PHOTO + b"slip"})
    given = await fields_of(screen, shop.operator, job, "form-work")
    nothing = await screen.send(shop.operator, job, deed="work", **given, note="", expect=422)
    assert "Say what was done." in nothing.text
    await screen.send(shop.operator, job, deed="work", **given, note="Duty paid")
    given = await fields_of(screen, shop.operator, job, "form-report")
    await screen.send(
        shop.operator, job, deed="report", **given, outcome="succeeded", quantity="1", note="Released on 3 May"
    )
    page = await screen.see(shop.exporter, job)
    assert "Zoll &amp; Söhne" in page
    assert page.count("/files/") >= 2
    given = {name: hidden(page, "form-dispute", name) for name in ("revision", "key")}
    await screen.send(
        shop.exporter, job, deed="dispute", **given, why="Too late", files={"photos": build.PHOTO + b"late"}
    )
    page = await screen.see(shop.operator, job)
    given = {name: hidden(page, "form-stand_by", name) for name in ("revision", "key")}
    await screen.send(shop.operator, job, deed="stand_by", way="stand_by", note="As agreed", **given)
    given = await fields_of(screen, shop.exporter, job, "form-approve")
    await screen.send(shop.exporter, job, deed="approve", **given)
    page = await screen.see(shop.exporter, job)
    assert "Result accepted" in page
    assert '<form id="form-' not in page
    assert (await queries.job(shop.exporter, job_id_of(job)))["stage"] == "closed"


def job_id_of(path: str) -> Any:
    import uuid

    return uuid.UUID(path.rsplit("/", 1)[1])


async def test_a_matter_without_its_papers_says_which(screen: Screen) -> None:
    shop = screen.shop
    job_id = await shop.accepted(
        offer_id=await shop.version(await shop.offer("forwarding", documents="invoice,origin"))
    )
    job = f"/value-added/{job_id}"
    given = await fields_of(screen, shop.operator, job, "form-refer")
    refused = await screen.send(shop.operator, job, deed="refer", **given, partner="X", status="sent", expect=422)
    assert "Certificate of origin" in refused.text
    page = await screen.see(shop.exporter, job)
    given = {"key": hidden(page, "form-documents", "key")}
    for kind in ("invoice", "origin"):
        await screen.send(
            shop.exporter, job, deed="documents", kind=kind, **given, files={"photos": build.PHOTO + kind.encode()}
        )
    none = await screen.send(shop.exporter, job, deed="documents", kind="", **given, expect=422)
    assert "Choose a file first." in none.text
    given = await fields_of(screen, shop.operator, job, "form-refer")
    await screen.send(shop.operator, job, deed="refer", **given, partner="X", status="sent")
    assert await shop.stage(job_id) == "performing"


async def test_kits_are_asked_for_made_and_undone(screen: Screen) -> None:
    shop = screen.shop
    part, kit = await shop.item(), await shop.item()
    lot = await shop.lot(part)
    await shop.stocked(part, 10, lot=lot)
    offer_id = await shop.offer("processing")
    path = f"/value-added/offers/{offer_id}/request"
    form = await screen.see(shop.exporter, path)
    assert "original state" in form
    wish = {name: hidden(form, "request", name) for name in ("key", "offer", "rows")}
    recipe = {
        "process": "kit",
        "quantity": "4",
        "ins.1.item": part.code,
        "ins.1.quantity": "2",
        "outs.0.item": kit.code,
    }
    more = await screen.send(shop.exporter, path, **wish, **recipe, deed="more", expect=200)
    assert hidden(more.text, "request", "rows") == "6"
    wrong = await screen.send(
        shop.exporter, path, **wish, **{**recipe, "ins.1.item": "NO-SUCH", "outs.0.quantity": ""}, expect=422
    )
    assert 'id="f-ins.1.item-error"' in wrong.text
    assert 'id="f-outs.0.quantity-error"' in wrong.text
    made = await screen.send(shop.exporter, path, **wish, **recipe, **{"outs.0.quantity": "1"})
    job = made.headers["location"]
    job_id = job_id_of(job)
    await shop.quote(job_id)
    assert "original state" in await screen.see(shop.exporter, job)
    await quoting.answer(shop.exporter, job_id, await shop.revision(job_id), accept=True)
    page = await screen.see(shop.operator, f"{job}/process")
    take = re.search(r'name="(take\.0\.[0-9-]+)" value="8"', page)
    assert take, flat(page)
    given = {"key": hidden(page, "process", "key")}
    filled = await screen.send(shop.operator, f"{job}/process", **given, runs="3", deed="fill", expect=200)
    assert f'name="{take[1]}" value="6"' in filled.text
    fields = {"runs": "3", "put.0.0.location": "WORKSHOP", "put.0.0.quantity": "3", "put.0.0.condition": "GOOD"}
    short = await screen.send(shop.operator, f"{job}/process", **given, **fields, **{take[1]: "60"}, expect=422)
    assert "wrong-why" in short.text
    nowhere = await screen.send(
        shop.operator, f"{job}/process", **given, **{**fields, "put.0.0.location": "X"}, **{take[1]: "6"}, expect=422
    )
    assert "has no location" in nowhere.text
    await screen.send(
        shop.operator, f"{job}/process", **given, **fields, **{take[1]: "6"}, files={"photos": build.PHOTO + b"kit"}
    )
    assert list((await shop.on_hand(kit)).values()) == [3]
    page = await screen.see(shop.operator, job)
    assert "3 / 4" in flat(page)
    step = hidden(page, "form-undo-1", "step")
    await screen.send(shop.operator, job, deed="undo", step=step, why="Wrong box")
    twice = await screen.send(shop.operator, job, deed="undo", step=step, why="Wrong box", expect=409)
    assert "reversed already" in twice.text
    assert await shop.on_hand(kit) == {}
    await screen.see(shop.exporter, f"{job}/process", expect=403)
    assert await shops.book_is_right()


async def test_strangers_see_no_job_and_lists_hold_what_is_their_readers_own(screen: Screen) -> None:
    shop = screen.shop
    job_id = await shop.quoted()
    number = (await queries.job(shop.operator, job_id))["number"]
    for viewer in (shop.exporter, shop.operator, await build.committee(Role.ASSESSOR)):
        assert number in await screen.see(viewer, "/value-added", number=number)
        assert number in await screen.see(viewer, "/value-added.csv")
        assert number in await screen.see(viewer, f"/value-added/{job_id}")
    elsewhere = await build.operator()
    await build.warehouse(elsewhere)
    for stranger in (await build.exporter(), await build.again(elsewhere)):
        assert number not in await screen.see(stranger, "/value-added")
        assert number not in await screen.see(stranger, "/value-added.csv")
        await screen.see(stranger, f"/value-added/{job_id}", expect=404)
        await screen.send(stranger, f"/value-added/{job_id}", deed="accept", revision="2", key="k", expect=404)
    await screen.send(shop.exporter, f"/value-added/{job_id}", deed="dance", expect=422)
    await screen.see(shop.exporter, "/value-added", stage="gone", expect=422)


async def test_a_declined_quote_and_a_cancelled_job_are_closed_on_screen(screen: Screen) -> None:
    shop = screen.shop
    for deed, viewer, job_id in (
        ("turn_down", shop.exporter, await shop.quoted()),
        ("cancel", shop.exporter, await shop.accepted()),
        ("decline", shop.operator, await shop.asked()),
    ):
        job = f"/value-added/{job_id}"
        given = await fields_of(screen, viewer, job, f"form-{deed}")
        await screen.send(viewer, job, deed=deed, **given, why="Because of <this>")
        assert "Because of &lt;this&gt;" in await screen.see(viewer, job)
    job = f"/value-added/{await shop.asked()}"
    given = await fields_of(screen, shop.operator, job, "form-decline")
    open_again = await screen.send(shop.operator, job, deed="decline", **given, why="", expect=422)
    assert re.search(r'<dialog id="decline"[^>]*data-open', open_again.text)


@pytest.mark.parametrize("language", ["zh_CN", "ar", "en"])
async def test_every_screen_is_shown_in_every_language(screen: Screen, language: str) -> None:
    shop = screen.shop
    screen.client.cookies.set(web.LANGUAGE_COOKIE, language, domain="testserver.local")
    await DB.run("update user_account set language = $1", language)
    job_id = await shop.accepted()
    await performing.refer(shop.operator, job_id, partner="P", reference="", status="sent", request_key=key())
    await performing.report(
        shop.operator, job_id, await shop.revision(job_id), outcome="succeeded", quantity=Decimal(1), note="Done"
    )
    goods = await shop.item()
    await shop.stocked(goods, 5, lot=await shop.lot(goods))
    processing = await shop.accepted(
        "processing", text="", quantity=Decimal(1), process="relabel", ins=[line(goods)], outs=[line(goods)]
    )
    for viewer in (await again(shop.exporter), await again(shop.operator)):
        for path in (
            *("/value-added", "/value-added/offers", f"/value-added/{job_id}", f"/value-added/{processing}"),
            *("/value-added/pledges", "/value-added/statements", "/value-added/trace", "/value-added/check"),
        ):
            page = await screen.see(viewer, path)
            assert f'lang="{ {"zh_CN": "zh-CN"}.get(language, language) }"' in page
            assert "style=" not in page
            assert not re.search(r"\son[a-z]+=\"", page)
    await screen.see(await again(shop.operator), f"/value-added/{processing}/process")
    await DB.run("update user_account set language = 'en'")


async def again(viewer: Viewer) -> Viewer:
    from backend.access import guards

    guards.forget_all()
    return await build.again(viewer)


# --------------------------------------------------------------------------------------- pledges, statements, traces


async def test_a_pledge_from_the_offer_to_the_release(screen: Screen) -> None:
    shop = screen.shop
    goods = await shop.item()
    await shop.stocked(goods, 9)
    await screen.see(shop.exporter, "/value-added/pledges/new")
    page = await screen.see(shop.exporter, "/value-added/pledges/new", warehouse=shop.warehouse.code)
    field = re.search(r'name="(take\.[0-9-]+)"', page)
    assert field, flat(page)
    given = {"key": hidden(page, "pledge", "key"), "warehouse": shop.warehouse.code}
    bank = {"pledgee": "Bank <of> Z", "contact": "Li"}
    wrong = await screen.send(
        shop.exporter, "/value-added/pledges/new", **given, **bank, **{field[1]: "10"}, expect=422
    )
    assert "Only 9 of" in flat(wrong.text)
    made = await screen.send(shop.exporter, "/value-added/pledges/new", **given, **bank, **{field[1]: "7"}, expect=200)
    link = re.search(r"http://testserver(/value-added/agree/[\w-]+)", made.text)
    assert link
    repeated = await screen.send(shop.exporter, "/value-added/pledges/new", **given, **bank, **{field[1]: "7"})
    path = repeated.headers["location"]
    assert "Withdraw the pledge" in await screen.see(shop.exporter, path)

    screen.client.cookies.clear()
    outside = await screen.see(None, link[1])
    assert "Bank &lt;of&gt; Z" in outside
    await screen.send(None, link[1], name="", expect=422)
    agreed = await screen.send(None, link[1], name="Li Na", expect=200)
    code = re.search(r"\b([0-9A-Z]{5}(?:-[0-9A-Z]{5}){4})\b", agreed.text)
    assert code
    late = await screen.see(None, link[1])
    assert "who has seen the release code" in flat(late)
    assert code[1] not in late
    again_agreed = await screen.send(None, link[1], name="Me too", expect=409)
    assert code[1] not in again_agreed.text
    await screen.see(None, "/value-added/agree/no-such-link", expect=404)

    page = await screen.see(shop.exporter, path)
    assert "Withdraw the pledge" not in page
    letter = {"letter": build.PHOTO + b"letter"}
    refused = await screen.send(shop.exporter, path, deed="release", code="WRONG", files=letter, expect=422)
    kept = hidden(refused.text, "release", "kept")
    await screen.send(shop.exporter, path, deed="burn", code="WRONG", kept=kept, expect=422)
    assert await DB.value("select max(wrong_codes) from pledge") == 1, "what is no deed is no attempt"
    for _ in range(4):
        await screen.send(shop.exporter, path, deed="release", code="WRONG", kept=kept, expect=422)
    closed = await screen.send(shop.exporter, path, deed="release", code=code[1], kept=kept, expect=429)
    assert "Too many wrong" in closed.text
    await DB.run("update pledge set closed_until = null")
    await screen.send(shop.operator, path, deed="release", code=code[1], files=letter)
    assert "/files/" in await screen.see(shop.operator, path)
    for name in ("/value-added/pledges", "/value-added/pledges.csv"):
        assert "Bank" in await screen.see(shop.operator, name)
        assert "Bank" not in await screen.see(await build.exporter(), name)
    await screen.see(await build.operator(), path, expect=404)


async def test_an_offer_is_kept_by_its_own_operator(screen: Screen) -> None:
    path = f"/value-added/offers/{await screen.shop.offer()}"
    stranger = await build.operator()
    await screen.see(stranger, path)
    await screen.see(stranger, f"{path}/edit", expect=404)
    await screen.send(stranger, f"{path}/edit", version="1", expect=404)
    await screen.send(stranger, f"{path}/withdraw", version="1", expect=404)


@pytest.mark.parametrize("path", ["/value-added/offers/new", "/returns/parcels/new"])
@pytest.mark.parametrize("code", ["", "NOWHERE", "A\0B"])
async def test_a_form_without_its_warehouse_stays_open_and_can_be_sent_again(
    screen: Screen, path: str, code: str
) -> None:
    typed = {"warehouse": code, "sender": "Kept words", "name_en": "Kept words"}
    page = (await screen.send(screen.shop.operator, path, **typed, expect=422)).text
    assert "Kept words" in page
    assert 'id="f-warehouse-error"' in page
    assert 'name="key" value=""' not in page


async def test_the_hold_of_a_pledge_leads_to_its_pledge(screen: Screen) -> None:
    shop = screen.shop
    goods = await shop.item()
    await shop.stocked(goods, 3)
    from backend.value_added import pledges

    await pledges.offer(
        shop.exporter,
        warehouse=shop.warehouse.code,
        pledgee="B",
        contact="C",
        reference="",
        goods=[pledges.Goods(goods.code, shop.bins[0], 3)],
        request_key=key(),
    )
    row = await DB.row("select warehouse_id, id from hold where item_id = $1", goods.id)
    path = f"/stock/holds/{row['warehouse_id']}/{row['id']}"
    page = await screen.see(shop.exporter, path)
    assert 'href="/value-added/pledges"' in page
    assert '<form id="release"' not in page
    answer = await screen.send(shop.exporter, path, note="please")
    assert answer.headers["location"] == path


async def test_a_statement_on_screen_on_paper_and_checked_by_anybody(screen: Screen) -> None:
    shop = screen.shop
    goods = await shop.item()
    lot = await shop.lot(goods)
    await shop.stocked(goods, 12, lot=lot)
    page = await screen.see(shop.exporter, "/value-added/statements")
    given = {"key": hidden(page, "statement", "key"), "warehouse": shop.warehouse.code}
    wrong = await screen.send(shop.exporter, "/value-added/statements", **given, as_at="tomorrow", expect=422)
    assert 'aria-invalid="true"' in wrong.text
    made = await screen.send(shop.exporter, "/value-added/statements", **given, addressee="Bank", purpose="Loan")
    path = made.headers["location"]
    page = await screen.see(shop.operator, path)
    assert lot in page
    number = re.search(r"\bN[0-9A-Z]{11}\b", page)
    digest = re.search(r"\b[0-9a-f]{64}\b", page)
    assert number
    assert digest
    await build.sign_in(screen.client, shop.exporter)
    paper = await screen.client.get(f"{path}/paper")
    assert paper.headers["content-type"] == "application/pdf"
    assert paper.content.startswith(b"%PDF-")
    past = (clock.now()).isoformat()
    await build._post(shop.operator, shop.warehouse, "RECEIPT", goods, lot, "SUPPLIER", shop.bins[0], "GOOD", 1)
    assert past
    for viewer in (await build.exporter(), await build.operator()):
        await screen.see(viewer, path, expect=404)
        await screen.see(viewer, f"{path}/paper", expect=404)
    screen.client.cookies.clear()
    assert "This paper is genuine" in await screen.see(None, "/value-added/check", number=number[0], hash=digest[0])
    assert "not genuine" in await screen.see(None, "/value-added/check", number=number[0], hash="00")
    assert number[0] in await screen.see(shop.exporter, "/value-added/statements.csv")


async def test_a_lot_is_traced_on_screen(screen: Screen) -> None:
    shop = screen.shop
    goods = await shop.item()
    lot = await shop.lot(goods, "TRACE-1")
    other = await shop.item()
    await shop.lot(other, "TRACE-1")
    await shop.stocked(goods, 8, lot=lot)
    await build.sold(shop.operator, shop.warehouse, goods, shop.bins[0], 3, lot=lot, reference="ORDER-9")
    both = await screen.see(shop.exporter, "/value-added/trace", lot="trace-1")
    assert both.count("/value-added/trace?id=") == 2
    page = await screen.see(shop.exporter, "/value-added/trace", lot="TRACE-1", item=goods.code)
    assert "ORDER-9" in page
    assert "8 pieces came in or were made" in flat(page)
    lot_id = await DB.value("select id from lot where item_id = $1", goods.id)
    assert "ORDER-9" in await screen.see(shop.operator, "/value-added/trace", id=str(lot_id))
    for stranger in (await build.exporter(), await build.operator()):
        for params in ({"lot": "TRACE-1"}, {"id": str(lot_id)}):
            assert "ORDER-9" not in await screen.see(stranger, "/value-added/trace", **params)
