"""The scan field with a keyboard wedge: it keeps the focus, loses no scan, leaves repeats out, and answers at once."""

import pytest
from playwright.async_api import Browser, Page, expect

from backend.core.database import DB
from tests.browser.looking import sign_in
from tests.returns.bench import Bench

pytestmark = pytest.mark.usefixtures("site")


async def wedge(page: Page, code: str) -> None:
    """What a scanner types: the code and Enter, wherever the focus is."""
    await page.keyboard.type(code)
    await page.keyboard.press("Enter")


async def focused(page: Page) -> bool:
    return bool(await page.evaluate("document.activeElement.matches('[data-scan]')"))


async def test_a_whole_return_is_scanned_without_touching_the_mouse(page: Page, site: str) -> None:
    bench = await Bench.make(gtins="4006381333931")
    booked = await bench.booked(5)
    await sign_in(page, bench.operator, "/returns/scan")
    said = page.locator(".scan-said")
    await expect(page.locator("[data-scan]")).to_be_focused()
    await wedge(page, booked.number)
    await expect(said).to_contain_text("is in hand")
    assert await focused(page)
    # Two different labels of the same piece in a row, faster than they are answered.
    await wedge(page, bench.item.code)
    await wedge(page, "4006381333931")
    await expect(said).to_contain_text(f"{booked.number}U2")
    await expect(page.locator("[data-scan]")).to_have_value("")
    assert (await bench.line(booked))["received"] == 2
    # The same code within two seconds is left out until somebody says that it counts.
    await wedge(page, "4006381333931")
    await expect(page.locator("[data-scan-repeat]")).to_be_visible()
    assert (await bench.line(booked))["received"] == 2
    await page.get_by_role("button", name="Count it as well").click()
    await expect(said).to_contain_text(f"{booked.number}U3")
    assert await focused(page)
    # Focus that went astray comes back with the next scan.
    await page.evaluate("document.activeElement.blur()")
    await page.wait_for_timeout(2100)
    await wedge(page, bench.item.code)
    await expect(said).to_contain_text(f"{booked.number}U4")
    await wedge(page, "NO-SUCH-THING")
    await expect(said).to_have_attribute("data-signal", "bad")
    await expect(said.get_by_role("link", name="Put aside as unannounced")).to_be_visible()
    await page.get_by_role("button", name="Receive everything as booked").click()
    await expect(page.locator(".notice.ok")).to_contain_text(f"{booked.number}U5")
    await expect(page.locator("[data-scan]")).to_be_focused()
    assert await DB.value("select count(*) from return_unit where rma_id = $1", booked.id) == 5


async def test_an_answer_comes_within_200_milliseconds(page: Page, site: str) -> None:
    bench = await Bench.make()
    booked = await bench.booked(12)
    await sign_in(page, bench.operator, f"/returns/scan?in_hand={booked.number}")
    await page.evaluate(
        """() => {
          window.times = [];
          document.addEventListener("submit", () => { window.begun = performance.now(); }, true);
          new MutationObserver(() => {
            if (window.begun) window.times.push(performance.now() - window.begun);
            window.begun = 0;
          }).observe(document.querySelector("main"), {childList: true, subtree: true});
        }"""
    )
    codes = [bench.item.code, bench.item.code.lower()]
    for number in range(10):
        await wedge(page, codes[number % 2])
        await expect(page.locator(".scan-said")).to_contain_text(f"{booked.number}U{number + 1}")
    times = sorted(await page.evaluate("window.times"))
    assert len(times) == 10
    assert times[len(times) // 2] < 200, times


SEES = """
window.seen = "";
window.BarcodeDetector = class { async detect() { return window.seen ? [{rawValue: window.seen}] : []; } };
Object.defineProperty(navigator, "mediaDevices", {value: {getUserMedia: async () => {
  const canvas = document.createElement("canvas");
  canvas.getContext("2d").fillRect(0, 0, 8, 8);
  return canvas.captureStream();
}}});
"""


async def test_a_camera_scans_where_the_browser_reads_bar_codes(page: Page, site: str) -> None:
    bench = await Bench.make()
    booked = await bench.booked(2)
    await page.add_init_script(SEES)
    await sign_in(page, bench.operator, "/returns/scan")
    await page.get_by_role("button", name="Camera").click()
    await page.evaluate("code => { window.seen = code; }", booked.number)
    await expect(page.locator(".scan-said")).to_contain_text("is in hand")
    await page.evaluate("code => { window.seen = code; }", bench.item.code)
    await expect(page.locator(".scan-said")).to_contain_text(f"{booked.number}U1")
    await page.wait_for_timeout(600)
    assert (await bench.line(booked))["received"] == 1, "a code that stays in sight counts once"
    await page.get_by_role("button", name="Camera").click()
    await expect(page.locator("[data-scan-video]")).to_be_hidden()


async def test_a_phone_with_a_wedge_keeps_its_keyboard_away(browser: Browser, site: str) -> None:
    bench = await Bench.make()
    context = await browser.new_context(
        base_url=site, locale="en", viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True
    )
    page = await context.new_page()
    try:
        await sign_in(page, bench.operator, "/returns/scan")
        field = page.locator("[data-scan]")
        await expect(field).to_have_attribute("inputmode", "none")
        await page.get_by_role("button", name="Type it in").click()
        await expect(field).to_have_attribute("inputmode", "text")
        await expect(field).to_be_focused()
    finally:
        await context.close()
