"""A return as an exporter books it by hand: without scripts, and on screens of every width and direction."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from backend.access.rules import Viewer
from backend.core.database import DB
from backend.returns.actions import Booked
from backend.returns.booking import Line, Parcel
from tests import build
from tests.browser.conftest import ASKEW

AXE = next(Path(__file__).with_name("vendor").rglob("axe.min.js")).read_text()
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}


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


async def sign_in(page: Page, viewer: Viewer, to: str) -> None:
    """Sign in through the form."""
    await page.goto(f"/access/sign-in?next={to}")
    await page.get_by_label("E-mail").fill(viewer.email)
    await page.get_by_label("Password").fill(build.PASSWORD)
    await page.locator("main").get_by_role("button", name="Sign in").click()
    await page.wait_for_url(lambda url: "sign-in" not in url)


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
            answer = await page.goto(path)
            assert answer is not None
            assert answer.status == 200, path
            found += await faults_of(page, axe=axe)
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


async def faults_of(page: Page, *, axe: bool) -> list[str]:
    """What is wrong with the page as it stands: overflow to the side, headings beside their columns, and what axe finds."""
    found = []
    wide = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    if wide > 0:
        found.append(f"{page.url} is {wide} px too wide")
    found += [f"{page.url} has a table askew: {each}" for each in await page.evaluate(ASKEW)]
    if axe:
        await page.evaluate(AXE)
        result: dict[str, Any] = await page.evaluate(f"axe.run(document, {RULES!r})")
        found += [f"{page.url} {each['id']}: {each['nodes'][0]['html'][:160]}" for each in result["violations"]]
    return found
