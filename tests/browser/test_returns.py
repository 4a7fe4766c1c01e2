"""A return as an exporter books it by hand: without scripts, and on screens of every width and direction."""

import re

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from backend.access.rules import Viewer
from backend.core.database import DB
from backend.returns.actions import Booked
from backend.returns.booking import Line, Parcel
from tests import build
from tests.browser.looking import faults_of, sign_in


class Trade:
    """An exporter who has shipped, a return of it, and the operator who expects it."""

    operator: Viewer
    exporter: Viewer
    item: str
    booked: Booked


@pytest.fixture
async def trade(site: str) -> Trade:
    made = Trade()
    operator, made.exporter = await build.operator(), await build.exporter()
    warehouse = await build.warehouse(operator)
    made.operator = await build.again(operator)
    (bin_,) = await build.bins(made.operator, warehouse, 1)
    await build.desk(made.operator, warehouse)
    item = await build.item(made.exporter)
    made.item = item.code
    await build.stocked(made.operator, warehouse, item, bin_, 9)
    await build.sold(made.operator, warehouse, item, bin_, 9, reference="ORDER-9")
    lines = [Line(item=item.code, quantity=1, order="ORDER-9", serials=["SN-1"])]
    lines.append(Line(item=item.code, quantity=1, basis="paper", note="from the shop"))
    made.booked = await build.returned(made.exporter, warehouse, *lines, parcels=[Parcel(tracking_no="1Z 999")])
    return made


async def test_a_return_is_booked_without_scripts(browser: Browser, site: str, trade: Trade) -> None:
    context = await browser.new_context(base_url=site, java_script_enabled=False, locale="en")
    page = await context.new_page()
    await sign_in(page, trade.exporter, "/returns/new")
    await page.get_by_label("Reason").select_option("defective")
    await page.get_by_label("Country").select_option("DE")
    await page.get_by_label("City").fill("Köln")
    await page.get_by_label("Item of line 1").fill(trade.item)
    await page.get_by_label("Pieces of line 1").fill("2")
    await page.get_by_label("Its number of line 1").fill("ORDER-9")
    await page.get_by_label("Tracking numbers").fill("1Z 1\n1Z 2")
    photo = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": build.PHOTO}
    await page.get_by_label("Photos", exact=False).first.set_input_files([photo])
    await page.get_by_role("button", name="Propose warehouses").click()
    await expect(page.locator("main")).to_contain_text("measured from Köln")
    await page.get_by_role("button", name=re.compile("Book with warehouse")).first.click()
    await page.wait_for_url(re.compile(r"/returns/[0-9a-f-]{36}$"))
    await expect(page.locator("main")).to_contain_text("is booked. Print its label")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Return R")
    await page.get_by_role("link", name="Change", exact=True).click()
    await page.get_by_label("Note", exact=False).first.fill("fragile")
    await page.get_by_role("button", name="Save the changes").click()
    await expect(page.locator("main")).to_contain_text("fragile")
    await context.close()


@pytest.mark.parametrize(
    ("language", "viewport", "axe"),
    [("en", (1366, 900), True), ("zh_CN", (390, 844), False), ("ar", (1366, 900), True), ("ar", (390, 844), True)],
)
async def test_pages_of_returns_fit_and_are_accessible(
    context: BrowserContext, page: Page, trade: Trade, language: str, viewport: tuple[int, int], axe: bool
) -> None:
    found: list[str] = []
    one = f"/returns/{trade.booked.id}"
    ways = (
        (trade.exporter, ["/returns", "/returns/new", one, f"{one}/change"]),
        (trade.operator, ["/returns/desk", one]),
    )
    await page.set_viewport_size({"width": viewport[0], "height": viewport[1]})
    for viewer, paths in ways:
        await DB.run("update user_account set language = $1 where id = $2", language, viewer.user_id)
        await context.clear_cookies()
        await sign_in(page, viewer, paths[0])
        for path in paths:
            found += await faults_of(page, path, axe=axe)
    await context.clear_cookies()
    await sign_in(page, trade.exporter, "/returns/new")
    for name, value in (("lines.0.item", trade.item), ("lines.0.quantity", "1"), ("lines.0.number", "ORDER-9")):
        await page.locator(f"[name='{name}']").fill(value)
    await page.locator("[name=reason]").select_option("defective")
    await page.locator("[name=country]").select_option("DE")
    await page.locator("#return .form-actions button").first.click()
    await expect(page.locator("[name=warehouse]").first).to_be_visible()
    found += await faults_of(page, axe=axe)
    assert found == []
