"""Handling in a real browser: from the dock to the shelf without scripts; every screen fits and can be read by anybody."""

import re
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from backend.core.database import DB
from backend.returns import grading, parcels
from backend.returns.parcels import Found
from tests import build
from tests.browser.looking import faults_of, sign_in
from tests.returns import homeward
from tests.returns.bench import Bench, answers, key

PHOTO = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": build.PHOTO}


async def test_a_return_goes_from_the_dock_to_the_shelf_without_scripts(browser: Browser, site: str) -> None:
    bench = await Bench.make()
    booked = await bench.booked(1)
    options: dict[str, Any] = {"base_url": site, "java_script_enabled": False, "locale": "en"}
    desk, office = await browser.new_context(**options), await browser.new_context(**options)
    clerk, owner = await desk.new_page(), await office.new_page()
    said = clerk.locator(".scan-said")

    await sign_in(clerk, bench.operator, "/returns/scan")
    for code, expected in ((booked.number, "is in hand"), (bench.item.code, f"{booked.number}U1")):
        await clerk.get_by_label("Scan a return").fill(code)
        await clerk.get_by_role("button", name="Take it").click()
        await expect(said).to_contain_text(expected)
    await said.get_by_role("link", name="Open").click()
    await clerk.get_by_role("link", name="Grade", exact=True).click()
    for name, answer in answers("general", "B").items():
        await clerk.locator(f'input[name="answers.{name}"][value="{answer}"]').check()
    await clerk.locator('input[name="grade"][value="A"]').check()
    await clerk.locator('input[name="photos"]').set_input_files([PHOTO])
    await clerk.get_by_role("button", name="Give the grade").click()
    await expect(clerk.locator(".errors")).to_contain_text("the best possible grade is B")
    await clerk.locator('input[name="grade"][value="B"]').check()
    await clerk.get_by_role("button", name="Give the grade").click()
    await expect(clerk.locator("main")).to_contain_text("1 unit is graded B")

    await sign_in(owner, bench.exporter, f"/returns/{booked.id}")
    await owner.get_by_role("link", name="Decide", exact=True).click()
    assert await owner.locator(".units img").first.evaluate("image => image.naturalWidth") > 0
    await owner.locator('select[name="kind"]').select_option("SECOND")
    await owner.get_by_role("button", name="Decide").click()
    await expect(owner.locator("main")).to_contain_text("1 unit is decided")

    await clerk.goto("/returns/to-carry-out")
    await clerk.get_by_label(f"Choose unit {booked.number}U1").check()
    await clerk.get_by_role("button", name="Carry out for the chosen units").click()
    await clerk.get_by_label("Bin").fill(bench.bins[2])
    await clerk.get_by_role("button", name="Carry out", exact=True).click()
    await expect(clerk.locator("main")).to_contain_text("1 unit is carried out")

    await owner.reload()
    await expect(owner.locator("main")).to_contain_text("Closed")
    await owner.locator('#refund input[name="quantity"]').fill("1")
    await owner.locator('#refund input[name="amount"]').fill("12.50")
    await owner.locator('#refund input[name="currency"]').fill("EUR")
    await owner.get_by_role("button", name="Record the refund").click()
    await expect(owner.locator("#money")).to_contain_text(re.compile(r"12[.,]50"))
    assert (await bench.stock())[bench.bins[2], 2] == 1
    await desk.close()
    await office.close()


class Desk:
    """A bench at which a little of everything waits; what each side looks at."""

    bench: Bench
    operators: list[str]
    exporters: list[str]


@pytest.fixture
async def desk(site: str) -> Desk:
    made = Desk()
    bench = made.bench = await Bench.make(name_en="Two-drawer steel filing cabinet, grey", hs_code="940310")
    booked = await bench.booked(3, reference="PO-4711")
    fresh, graded = await bench.received(2), await bench.graded("B", 2)
    again = await bench.graded("C")
    await grading.ask_regrade(bench.exporter, again, note="The scratch was there before")
    await grading.grade(bench.colleague, await bench.look(again, "B", by=bench.colleague), request_key=key())
    restock, scrap = await bench.decided("RESTOCK", "A", 2), await bench.decided("SCRAP", "D")
    done = await bench.carried_out("RESTOCK", "A", 2)
    parcel = await parcels.record(
        bench.operator, bench.place, Found(tracking_no="JD014600003", sender="Bremen"), request_key=key()
    )
    both = [f"/returns/{(await bench.of_unit(code)).id}" for code in (graded[0], done[0])]
    both += ["/returns/to-grade", "/returns/to-decide", "/returns/agreement", "/returns/grades?class=furniture"]
    made.operators = [*both, f"/returns/scan?in_hand={booked.number}", "/returns/to-receive", "/returns/to-carry-out"]
    made.operators += [f"/returns/grade?units={fresh[0]},{fresh[1]}", f"/returns/carry-out?units={','.join(restock)}"]
    made.operators += [
        f"/returns/carry-out?units={scrap[0]}",
        f"/returns/units/{done[0]}",
        f"/returns/units/{fresh[0]}",
    ]
    made.operators += ["/returns/parcels", "/returns/parcels/new", f"/returns/parcels/{parcel.id}"]
    made.exporters = [*both, f"/returns/decide?units={','.join(graded)}", f"/returns/units/{again[0]}"]
    made.exporters += [f"/returns/units/{graded[0]}", f"/returns/units/{scrap[0]}"]
    return made


@pytest.mark.parametrize(
    ("language", "viewport", "axe"),
    [("en", (1366, 900), True), ("zh_CN", (390, 844), False), ("ar", (390, 844), True)],
)
async def test_screens_fit_and_are_accessible(
    context: BrowserContext, page: Page, desk: Desk, language: str, viewport: tuple[int, int], axe: bool
) -> None:
    await page.set_viewport_size({"width": viewport[0], "height": viewport[1]})
    # The photos of this story lie in another process's folder; what is missing of them is not looked at here.
    await page.route("**/files/*", lambda route: route.fulfill(body=build.PHOTO, content_type="image/jpeg"))
    found: list[str] = []
    bench = desk.bench
    for viewer, paths in ((bench.operator, desk.operators), (bench.exporter, desk.exporters)):
        await context.clear_cookies()
        await DB.run("update user_account set language = $1 where id = $2", language, viewer.user_id)
        await sign_in(page, viewer, "/returns/to-grade")
        for path in paths:
            found += await faults_of(page, path, axe=axe)
    assert found == []


@pytest.mark.parametrize("width", [1366, 1000, 390])
async def test_the_clocks_of_a_batch_home_are_seen(page: Page, site: str, width: int) -> None:
    there = await homeward.world()
    lot = await there.lot(5, days_ago=150)
    batch = await homeward.filled(there, there.line(lot, 2))
    await page.set_viewport_size({"width": width, "height": 900})
    await sign_in(page, there.exporter, "/returns/batches")
    found: list[str] = []
    for path in ("/returns/batches", f"/returns/batches/{batch}", f"/returns/batches/{batch}/goods", "/returns/clocks"):
        found += await faults_of(page, path, axe=False)
    line = page.locator('td[data-label="Declaration"] a').first
    found += await faults_of(page, await line.get_attribute("href") or "", axe=False)
    assert found == []
    await page.goto(f"/returns/batches/{batch}")
    await expect(page.locator("details.card-foot .table")).to_be_visible()
