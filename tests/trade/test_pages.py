"""The screens of trade files: upload, progress, what was rejected, and whose they are."""

import csv
import gzip
import io
import uuid
from pathlib import Path

import httpx
import pytest

from backend.core.database import DB
from backend.core.settings import Settings
from backend.trade import actions, runner
from tests import build
from tests.trade import files
from tests.trade.files import row
from tests.trade.test_import import Shop, make_shop


@pytest.fixture
async def shop(database: str, tmp_path: Path) -> Shop:
    return await make_shop(tmp_path)


async def token_of(browser: httpx.AsyncClient) -> str:
    """The token of the reader's cookie."""
    await browser.get("/trade/new")
    return next(value for name, value in browser.cookies.items() if name.startswith("luocang_csrf_"))


async def upload(browser: httpx.AsyncClient, shop: Shop, content: bytes, **fields: str) -> httpx.Response:
    """Send the form as a browser does."""
    given = {
        "_csrf_token": await token_of(browser),
        "warehouse": shop.warehouse,
        "exporter": shop.exporter.organisation_code,
        "mapping": "online-retail",
        "open_missing": "yes",
        "create_items": "yes",
        **fields,
    }
    return await browser.post("/trade/new", data=given, files={"file": ("sales “1”.csv", content, "text/csv")})


def content(*rows: files.Row) -> bytes:
    """A file of these rows."""
    return files.text(rows).encode()


async def test_a_file_is_uploaded_worked_off_and_summed_up(
    client: httpx.AsyncClient, shop: Shop, settings: Settings
) -> None:
    browser = await build.sign_in(client, shop.viewer)
    assert "Import a file" in (await browser.get("/trade")).text
    sent = await upload(browser, shop, gzip.compress(content(row(), row("2", item="POST"), row("3", quantity="x"))))
    assert sent.status_code == 303
    page = await browser.get(sent.headers["location"])
    assert "every 1s" in page.text
    await runner.settle()
    page = await browser.get(sent.headers["location"])
    assert "every 1s" not in page.text
    for words in ("sales “1”.csv", "Not goods", "“x” is not a quantity", "Rows to correct"):
        assert words in page.text
    assert not list(runner.folder(settings.home).iterdir())
    only = await browser.get(sent.headers["location"], params={"reason": "quantity"})
    assert "“x” is not a quantity" in only.text
    assert "is a service" not in only.text
    listed = await browser.get("/trade", params={"state": "done"})
    assert sent.headers["location"] in listed.text
    told = await browser.get(sent.headers["location"] + "/rejected.csv")
    assert told.content.startswith(b"\xef\xbb\xbf")
    rejected = list(csv.DictReader(io.StringIO(told.content.decode("utf-8-sig"))))
    assert [(each["InvoiceNo"], each["luocang_column"]) for each in rejected] == [("2", "StockCode"), ("3", "Quantity")]
    exported = await browser.get("/trade.csv")
    assert "sales “1”.csv" in exported.text


async def test_corrected_rows_come_back_through_the_page(client: httpx.AsyncClient, shop: Shop) -> None:
    browser = await build.sign_in(client, shop.viewer)
    sent = await upload(browser, shop, content(row(), row("3", quantity="x")))
    await runner.settle()
    told = await browser.get(sent.headers["location"] + "/rejected.csv")
    again = await upload(browser, shop, told.content.replace(b",x,2010", b",4,2010"))
    await runner.settle()
    run = await DB.row("select * from trade_run where id = $1", uuid.UUID(again.headers["location"].rpartition("/")[2]))
    assert run is not None
    assert (run["state"], run["rows"], run["posted"], run["rejected"]) == ("done", 1, 1, 0)


async def test_a_file_that_cannot_be_read_says_so_in_the_readers_language(
    client: httpx.AsyncClient, shop: Shop
) -> None:
    browser = await build.sign_in(client, shop.viewer)
    sent = await upload(browser, shop, content(row()).replace(b",", b";"))
    await runner.settle()
    page = await browser.get(sent.headers["location"])
    assert "Nothing was posted" in page.text
    assert "parted by “;”" in page.text
    assert await DB.value("select count(*) from movement where warehouse_id = $1", shop.warehouse_id) == 0


async def test_every_fault_of_the_form_is_shown_at_once_and_nothing_is_kept(
    client: httpx.AsyncClient, shop: Shop, settings: Settings
) -> None:
    browser = await build.sign_in(client, shop.viewer)
    sent = await upload(browser, shop, b"", warehouse="NOWHERE", exporter="NOBODY", mapping="../secret")
    assert sent.status_code == 422
    for words in (
        "There is no warehouse “NOWHERE”",
        "There is no exporter “NOBODY”",
        "There is no mapping",
        "Choose the file",
    ):
        assert words in sent.text
    assert 'value="NOBODY"' in sent.text
    assert f'name="_csrf_token" value="{await token_of(browser)}"' in sent.text, "the form can be sent again"
    assert not list(runner.folder(settings.home).iterdir())


async def test_a_forged_form_is_refused_before_the_file_is_read(
    client: httpx.AsyncClient, shop: Shop, settings: Settings
) -> None:
    browser = await build.sign_in(client, shop.viewer)
    await token_of(browser)
    for given in ({}, {"_csrf_token": "0" * 128}):
        sent = await browser.post("/trade/new", data=given, files={"file": ("a.csv", content(row()), "text/csv")})
        assert sent.status_code == 403
    sent = await browser.post("/trade/new", data={"warehouse": shop.warehouse})
    assert sent.status_code == 400
    assert not list(runner.folder(settings.home).iterdir())


async def test_a_file_over_the_limit_is_refused(
    client: httpx.AsyncClient, shop: Shop, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from frontend.trade import pages

    original = pages.uploads.received
    monkeypatch.setattr(pages.uploads, "received", lambda request, folder, limit: original(request, folder, 1000))
    browser = await build.sign_in(client, shop.viewer)
    sent = await upload(browser, shop, content(*[row()] * 100))
    assert sent.status_code == 413
    assert not list(runner.folder(settings.home).iterdir())


async def test_an_interrupted_upload_is_gone_on_with(client: httpx.AsyncClient, shop: Shop, settings: Settings) -> None:
    stored = runner.folder(settings.home) / "waiting.part"
    stored.write_bytes(content(row(), row("2")))
    given = {
        "warehouse": shop.warehouse,
        "exporter": shop.exporter.organisation_code,
        "mapping": "online-retail",
        "open_missing": "y",
        "create_items": "y",
    }
    run_id = await actions.queue(shop.viewer, given, stored, "sales.csv")
    await DB.run("update trade_run set state = 'reading' where id = $1", run_id)
    browser = await build.sign_in(client, shop.viewer)
    assert "was interrupted" in (await browser.get(f"/trade/runs/{run_id}")).text
    assert await runner.resume_interrupted(settings.home) >= 1
    await runner.settle()
    assert await DB.value("select posted from trade_run where id = $1 and state = 'done'", run_id) == 2
    assert not stored.exists()
    sent = await build.submit(browser, f"/trade/runs/{run_id}/resume")
    assert sent.status_code == 409


async def test_others_neither_see_nor_import(client: httpx.AsyncClient, shop: Shop) -> None:
    stranger = await make_shop(shop.folder)
    summary = await shop.run([row(), row("2", item="POST")])
    page = f"/trade/runs/{summary.run_id}"
    assert (await client.get("/trade")).status_code == 303
    browser = await build.sign_in(client, stranger.viewer)
    for path in (page, f"{page}/rejected.csv", f"/trade/runs/{uuid.uuid4()}"):
        assert (await browser.get(path)).status_code == 404
    assert (await build.submit(browser, f"{page}/resume")).status_code == 404
    assert str(summary.run_id) not in (await browser.get("/trade")).text
    assert shop.warehouse not in (await browser.get("/trade.csv")).text
    assert shop.warehouse not in (await browser.get("/trade/new")).text
    sent = await upload(browser, stranger, content(row()), warehouse=shop.warehouse)
    assert sent.status_code == 422
    assert await DB.value("select count(*) from trade_run where warehouse_id = $1", shop.warehouse_id) == 1
    for person in (shop.exporter, await build.committee()):
        browser = await build.sign_in(client, person)
        for path in ("/trade", "/trade.csv", "/trade/new", page, f"{page}/rejected.csv"):
            assert (await browser.get(path)).status_code == 403


@pytest.mark.parametrize("language", ["zh_CN", "ar", "en"])
async def test_every_screen_opens_in_every_language(client: httpx.AsyncClient, shop: Shop, language: str) -> None:
    summary = await shop.run([row(), row("2", item="POST")])
    browser = await build.sign_in(client, shop.viewer)
    await DB.run("update user_account set language = $1 where email = $2", language, shop.viewer.email)
    for path in ("/trade", "/trade/new", f"/trade/runs/{summary.run_id}"):
        assert (await browser.get(path)).status_code == 200
