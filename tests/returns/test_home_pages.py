"""Batches home on screen: the whole way by forms, refusals beside their fields, papers, files, who sees what."""

import hashlib
import io
import json
import re
import uuid
import zipfile
from datetime import timedelta

import httpx
import pytest

from backend.access.rules import Viewer
from backend.core.database import DB
from backend.regulations import queries as law
from backend.returns import archive, batches, home
from tests import build
from tests.returns import homeward
from tests.returns.homeward import World, key


@pytest.fixture
async def there(database: str) -> World:
    return await homeward.world()


async def submit(browser: httpx.AsyncClient, path: str, **fields: object) -> httpx.Response:
    """Send the form of a page, with the key and revision that the page holds."""
    page = (await browser.get(path)).text
    deed = fields.get("deed")
    form = page.split(f'name="deed" value="{deed}"')[1] if deed else page.split("<main")[1]
    hidden = {
        name: found[1] for name in ("key", "revision") if (found := re.search(f'name="{name}" value="([^"]*)"', form))
    }
    return await build.submit(browser, path, **{**hidden, **fields})


async def follow(browser: httpx.AsyncClient, answer: httpx.Response) -> str:
    """The page that a form led to."""
    assert answer.status_code == 303, answer.text
    return (await browser.get(answer.headers["location"])).text


async def signed_in(client: httpx.AsyncClient, viewer: Viewer) -> httpx.AsyncClient:
    return await build.sign_in(client, viewer)


async def test_the_whole_way_by_forms(client: httpx.AsyncClient, there: World) -> None:
    lot = await there.lot(8)
    browser = await signed_in(client, there.exporter)
    assert "Nothing goes home yet" in (await browser.get("/returns/batches")).text
    plan = homeward.plan(statement="Out of season.")
    opened = await submit(browser, "/returns/batches/new", warehouse=there.place.code, **plan)
    goods = opened.headers["location"]
    page = await follow(browser, opened)
    assert lot in page
    assert "Free of duty and tax" in page
    (field,) = re.findall(r'name="(take\.[^"]*)"', page)
    filled = await submit(browser, goods, **{field: "8"})
    path = filled.headers["location"]
    page = await follow(browser, filled)
    assert "The goods are in the batch" in page
    assert "Tax-free return" in page
    assert "Out of season." in page
    await follow(browser, await submit(browser, path, deed="ready"))
    operator = await signed_in(client, there.operator)
    page = (await operator.get(path)).text
    assert "Confirm what is packed" in page
    assert 'value="plan"' not in page
    page = await follow(operator, await submit(operator, path, deed="pack", **{"lines.1.quantity": "8"}))
    page = await follow(operator, await submit(operator, path, deed="dispatch", carrier="COSCO", transport_no="B/L 9"))
    assert "in transit" in page
    browser = await signed_in(client, there.exporter)
    arrived = {"lines.1.quantity": "7", "return_declaration_no": "460420269"}
    page = await follow(browser, await submit(browser, path, deed="arrive", **arrived))
    assert "1 piece of this batch did not arrive" in page
    assert "460420269" in page
    page = await follow(browser, await submit(browser, path, deed="undo_arrival", note="counted again"))
    assert "Confirm what arrived" in page


async def test_what_is_wrong_stands_beside_its_field(client: httpx.AsyncClient, there: World) -> None:
    browser = await signed_in(client, there.exporter)
    wrong = await submit(browser, "/returns/batches/new", warehouse="", cause="", home_area="46", planned_on="")
    assert wrong.status_code == 422
    for name in ("warehouse", "cause", "home_area", "planned_on"):
        assert f'href="#f-{name}"' in wrong.text, name
    lot, old = await there.lot(3), await there.lot(3, days_ago=400)
    batch = await homeward.opened(there)
    goods = f"/returns/batches/{batch}/goods"
    page = (await browser.get(goods)).text
    fields = {lot_: name for name in re.findall(r'name="(take\.[^"]*)"', page) for lot_ in (lot, old) if lot_ in name}
    assert "disabled" in page.split(fields[old])[2]
    wrong = await submit(browser, goods, **{fields[lot]: "4", fields[old]: "1"})
    assert wrong.status_code == 422
    assert "Only 3 of" in wrong.text
    assert "customs route for returns" in wrong.text
    assert 'value="4"' in wrong.text
    wrong = await submit(browser, goods, **{fields[lot]: "many"})
    assert (wrong.status_code, "is not a quantity" in wrong.text) == (422, True)


async def test_goods_under_a_tax_need_the_owners_word(client: httpx.AsyncClient, there: World) -> None:
    await there.lot(3, days_ago=200)
    batch = await homeward.opened(there)
    browser = await signed_in(client, there.exporter)
    goods = f"/returns/batches/{batch}/goods"
    page = (await browser.get(goods)).text
    assert "Duty and tax are due" in page
    (field,) = re.findall(r'name="(take\.[^"]*)"', page)
    assert (await submit(browser, goods, **{field: "3"})).status_code == 422
    page = await follow(browser, await submit(browser, goods, **{field: "3"}, taxed_agreed="yes"))
    assert "agreed to pay duty and tax" in page


async def test_packing_shows_every_fault_in_its_row(client: httpx.AsyncClient, there: World) -> None:
    batch = await homeward.ready(there, there.line(await there.lot(5), 5))
    operator = await signed_in(client, there.operator)
    path = f"/returns/batches/{batch}"
    wrong = await submit(operator, path, deed="pack", **{"lines.1.quantity": "6", "lines.1.location": "NOWHERE"})
    assert wrong.status_code == 422
    assert "Give whole pieces from 0 to 5" in wrong.text
    assert "no location “NOWHERE”" in wrong.text
    none = await submit(operator, path, deed="pack", **{"lines.1.quantity": ""})
    assert (none.status_code, "Say how many pieces of line 1" in none.text) == (422, True)


async def test_a_change_in_between_is_said_and_the_form_can_be_sent_again(
    client: httpx.AsyncClient, there: World
) -> None:
    batch = await homeward.filled(there, there.line(await there.lot(5), 5))
    browser = await signed_in(client, there.exporter)
    path = f"/returns/batches/{batch}"
    old = await build.submit(browser, path, deed="ready", key=key(), revision="1")
    assert (old.status_code, "was changed in the meantime" in old.text) == (409, True)
    await home.make_ready(there.exporter, batch, request_key=key())
    late = await build.submit(browser, path, deed="remove", key=key(), revision="3", line="1")
    assert (late.status_code, "so this is not possible" in late.text) == (409, True)
    assert (await build.submit(browser, path, deed="fly")).status_code == 422
    for odd in ("", "x", "-1", "9" * 5000):
        assert (await build.submit(browser, path, deed="remove", key=key(), revision=odd, line="1")).status_code == 409


async def test_numbers_without_end_are_refused(client: httpx.AsyncClient, there: World) -> None:
    batch = await homeward.ready(there, there.line(await there.lot(5), 5))
    operator = await signed_in(client, there.operator)
    path = f"/returns/batches/{batch}"
    digits = "9" * 5000
    odd = await submit(operator, path, deed="pack", **{"lines.1.quantity": digits, f"lines.{digits}.quantity": "1"})
    assert (odd.status_code, "is not a quantity" in odd.text) == (422, True)
    desk = {"warehouse": there.place.code, "daily_units": "5", "kinds": "buyer", "revision": digits}
    assert (await build.submit(operator, "/returns/desk", **desk)).status_code == 409


async def test_papers_are_added_and_come_with_the_pack(client: httpx.AsyncClient, there: World) -> None:
    batch = await homeward.filled(there, there.line(await there.lot(5), 5))
    browser = await signed_in(client, there.exporter)
    path = f"/returns/batches/{batch}"
    token = (
        next(value for name, value in browser.cookies.items() if name.startswith("luocang_csrf_"))
        if any(name.startswith("luocang_csrf_") for name in browser.cookies)
        else ""
    )
    if not token:
        await browser.get(path)
        token = next(value for name, value in browser.cookies.items() if name.startswith("luocang_csrf_"))
    files = {"files": ("已补税证明.jpg", build.PHOTO + b"certificate", "image/jpeg")}
    sent = await browser.post(f"{path}/papers", data={"_csrf_token": token}, files=files)
    assert "The papers are kept" in await follow(browser, sent)
    wrong = await browser.post(
        f"{path}/papers", data={"_csrf_token": token}, files={"files": ("virus.exe", b"MZ", "application/x-dosexec")}
    )
    assert (wrong.status_code, "neither a photo" in wrong.text) == (422, True)
    number = (await batches.batch(there.exporter, batch))["number"]
    paper = await browser.get(f"{path}/pack.pdf")
    assert (paper.headers["content-type"], paper.content[:5]) == ("application/pdf", b"%PDF-")
    saved = await browser.get(f"{path}/pack.zip")
    pack = zipfile.ZipFile(io.BytesIO(saved.content))
    assert pack.testzip() is None
    names = pack.namelist()
    assert names[:2] == [f"{number}-zh-CN.pdf", f"{number}-en.pdf"]
    assert "papers/0001-已补税证明.jpg" in names
    listed = pack.read("manifest.json")
    content = json.loads(listed)
    assert (content["number"], content["subject"]) == (number, "batch")
    for file in content["files"]:
        assert hashlib.sha256(pack.read(file["path"])).hexdigest() == file["sha256"]
    known = await archive.recorded(there.operator, hashlib.sha256(listed).hexdigest())
    assert known["number"] == number
    for stranger in (await build.exporter(), await build.operator()):
        with pytest.raises(archive.NoSuchPack):
            await archive.recorded(stranger, hashlib.sha256(listed).hexdigest())
    with pytest.raises(archive.NoSuchPack):
        await archive.recorded(there.exporter, "00" * 32)


async def test_strangers_find_no_page_and_no_paper(client: httpx.AsyncClient, there: World) -> None:
    batch = await homeward.filled(there, there.line(await there.lot(5), 5))
    number = (await batches.batch(there.exporter, batch))["number"]
    for viewer in (await build.exporter(), await build.operator()):
        browser = await signed_in(client, viewer)
        for path in ("", "/goods", "/pack.pdf", "/pack.zip"):
            assert (await browser.get(f"/returns/batches/{batch}{path}")).status_code == 404, path
        assert number not in (await browser.get("/returns/batches")).text
        assert number not in (await browser.get("/returns/batches.csv")).text
        assert (await build.submit(browser, f"/returns/batches/{batch}", deed="cancel", note="x")).status_code == 404
    assert (await browser.get(f"/returns/batches/{uuid.uuid4()}")).status_code == 404


async def test_the_committee_reads_and_does_nothing(client: httpx.AsyncClient, there: World) -> None:
    batch = await homeward.ready(there, there.line(await there.lot(5), 5))
    browser = await signed_in(client, await build.committee())
    page = (await browser.get(f"/returns/batches/{batch}")).text
    assert there.exporter.organisation_code in page
    assert 'name="deed"' not in page
    assert (await browser.get("/returns/batches/new")).status_code == 403
    number = (await batches.batch(there.exporter, batch))["number"]
    assert number in (await browser.get("/returns/batches.csv", params={"stage": "ready"})).text
    wrong = await browser.get("/returns/batches", params={"stage": "lost"})
    assert (wrong.status_code, "lost" in wrong.text) == (422, True)


async def test_agreeing_to_tax_is_offered_where_it_is_due(client: httpx.AsyncClient, there: World) -> None:
    free = await homeward.filled(there, there.line(await there.lot(5), 5))
    browser = await signed_in(client, there.exporter)
    assert "Agree to pay duty and tax" not in (await browser.get(f"/returns/batches/{free}")).text
    late = await homeward.filled(there, there.line(await there.lot(5, days_ago=100), 5))
    gone = law.today() - timedelta(days=190)
    await DB.run(
        "update declaration_fact set exported_on = $1 where owner_id = $2", gone, there.exporter.organisation_id
    )
    path = f"/returns/batches/{late}"
    assert "Agree to pay duty and tax" in (await browser.get(path)).text
    page = await follow(browser, await submit(browser, path, deed="agree"))
    assert "You agreed to pay" in page
    assert "Agree to pay duty and tax" not in page
