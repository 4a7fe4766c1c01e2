"""What people click: sign in, list, post, switch the language, on a desk and on a phone, and with a keyboard reader's eyes."""

import re
import uuid

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from backend.access.rules import Viewer
from backend.core.database import DB
from backend.registry.rules import Warehouse
from backend.stock import ledger
from backend.stock.rules import Place, Posting, Reason
from tests import build
from tests.browser.looking import faults_of, sign_in


class Yard:
    """An operator with a warehouse, two bins, and goods of an exporter in the first."""

    def __init__(self, operator: Viewer, exporter: Viewer, warehouse: Warehouse, bins: list[str], item: str) -> None:
        self.operator, self.exporter, self.warehouse, self.bins, self.item = operator, exporter, warehouse, bins, item


@pytest.fixture
async def yard(site: str) -> Yard:
    operator, exporter = await build.operator(), await build.exporter()
    warehouse = await build.warehouse(operator)
    operator = await build.again(operator)
    bins = await build.bins(operator, warehouse, 2)
    item = await build.item(exporter)
    place = await DB.value("select id from location where warehouse_id = $1 and code = $2", warehouse.id, bins[0])
    line = Posting(exporter.organisation_id, item.id, 0, int(Place.SUPPLIER), place, 1, 1, 12)
    actor = ledger.actor_of(operator)
    key = uuid.uuid4().hex
    await ledger.post(actor, warehouse.id, Reason.RECEIPT, [line], request_key=key, request_hash=b"x")
    return Yard(operator, exporter, warehouse, bins, item.code)


async def test_an_operator_signs_in_finds_the_goods_and_moves_them(page: Page, yard: Yard) -> None:
    await sign_in(page, yard.operator, "/stock/balances")
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await page.get_by_role("row").filter(has_text=yard.item).get_by_role("link").first.click()
    await page.wait_for_url(re.compile(r"/stock/balances/\d+-"))
    await expect(page.locator("main")).to_contain_text("12")


async def test_a_document_is_booked_by_form_and_every_fault_is_shown(page: Page, yard: Yard) -> None:
    await sign_in(page, yard.operator, f"/stock/post?warehouse={yard.warehouse.code}&reason=RECEIPT")
    main = page.locator("main")
    await page.locator('[name="lines.0.owner"]').fill(yard.exporter.organisation_code)
    await page.locator('[name="lines.0.item"]').fill("NO-SUCH-ITEM")
    await page.locator('[name="lines.0.target"]').fill(yard.bins[1])
    await page.locator('[name="lines.0.quantity"]').fill("1.5")
    await main.get_by_role("button", name="Book the document").click()
    await expect(main.get_by_role("alert").filter(has_text="attention")).to_be_visible()
    assert await page.locator('[name="lines.0.quantity"]').input_value() == "1.5"
    await expect(page.locator('[name="lines.0.item"]')).to_have_attribute("aria-invalid", "true")
    await page.locator('[name="lines.0.item"]').fill(yard.item)
    await page.locator('[name="lines.0.quantity"]').fill("7")
    await main.get_by_role("button", name="Book the document").click()
    await page.wait_for_url(re.compile("/stock/documents/"))
    on_hand = await DB.value(
        "select sum(b.on_hand)::int from balance b join item i on i.id = b.item_id where i.code = $1", yard.item
    )
    assert on_hand == 19


async def test_the_language_is_switched_everywhere_and_kept(page: Page, yard: Yard) -> None:
    await sign_in(page, yard.operator, "/stock/balances")
    html = page.locator("html")
    for tag, direction, name in (("ar", "rtl", "العربية"), ("zh-CN", "ltr", "简体中文"), ("en", "ltr", "English")):
        await page.locator("header details").first.locator("summary").click()
        await page.get_by_role("button", name=name).click()
        await expect(html).to_have_attribute("lang", tag)
        await expect(html).to_have_attribute("dir", direction)
        assert "/stock/balances" in page.url
        await page.goto("/registry/warehouses")
        await expect(html).to_have_attribute("lang", tag)
        await page.goto("/stock/balances")


async def test_forms_work_without_scripts(browser: Browser, site: str, yard: Yard) -> None:
    context = await browser.new_context(base_url=site, java_script_enabled=False, locale="en")
    page = await context.new_page()
    await sign_in(page, yard.operator, "/stock/holds")
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await context.close()


PAGES = [
    "/",
    "/registry",
    "/registry/warehouses",
    "/registry/items",
    "/stock/balances",
    "/stock/movements",
    "/stock/holds",
    "/stock/reservations",
    "/stock/post",
    "/trade",
    "/access/profile",
    "/access/tokens",
]


@pytest.mark.parametrize(
    ("language", "viewport", "axe"),
    [
        ("en", (1366, 900), True),
        ("zh_CN", (1366, 900), False),
        ("ar", (1366, 900), True),
        ("zh_CN", (390, 844), False),
        ("ar", (390, 844), True),
    ],
)
async def test_pages_fit_and_are_accessible(
    context: BrowserContext, page: Page, yard: Yard, language: str, viewport: tuple[int, int], axe: bool
) -> None:
    await DB.run("update user_account set language = $1 where id = $2", language, yard.operator.user_id)
    await sign_in(page, yard.operator, "/")
    await page.set_viewport_size({"width": viewport[0], "height": viewport[1]})
    found: list[str] = []
    for path in PAGES:
        found += await faults_of(page, path, axe=axe)
    assert found == []


async def test_the_api_page_works_under_the_policy(page: Page, yard: Yard) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await sign_in(page, yard.operator, "/api")
    await expect(page.get_by_text("/api/v1/stock/postings").first).to_be_visible()
    assert all(url.startswith((page.url.split("/api")[0], "data:")) for url in asked)
