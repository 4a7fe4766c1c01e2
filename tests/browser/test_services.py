"""Services in a real browser: kits asked for, quoted and made without scripts; every screen fits and can be read by anybody."""

import re
from decimal import Decimal
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from backend.core.database import DB
from backend.value_added import performing, pledges, processing, statements
from backend.value_added.processing import Put, Taken
from tests import build
from tests.browser.looking import faults_of, sign_in
from tests.value_added import shop as shops
from tests.value_added.shop import Shop, key, line


async def test_kits_are_asked_for_quoted_and_made_without_scripts(browser: Browser, site: str) -> None:
    shop = await shops.opened()
    part, kit = await shop.item(), await shop.item()
    await shop.stocked(part, 8)
    offer_id = await shop.offer("processing", name_en="Kitting")
    options: dict[str, Any] = {"base_url": site, "java_script_enabled": False, "locale": "en"}
    owner, operator = await browser.new_context(**options), await browser.new_context(**options)
    mine, theirs = await owner.new_page(), await operator.new_page()

    await sign_in(mine, shop.exporter, f"/value-added/offers/{offer_id}")
    await mine.get_by_role("link", name="Ask for this service").click()
    await mine.get_by_label("What is to be done").select_option("kit")
    await mine.get_by_label("How many runs").fill("4")
    await mine.locator('[name="ins.0.item"]').fill(part.code)
    await mine.locator('[name="ins.0.quantity"]').fill("2")
    await mine.locator('[name="outs.0.item"]').fill(kit.code)
    await mine.locator('[name="outs.0.quantity"]').fill("1")
    await mine.get_by_role("button", name="Send the request").click()
    await mine.wait_for_url(re.compile(r"/value-added/[0-9a-f-]{36}$"))
    path = "/value-added/" + mine.url.rsplit("/", 1)[1]

    await sign_in(theirs, shop.operator, path)
    await theirs.get_by_role("button", name="Send the quote").click()
    await expect(theirs.locator("main")).to_contain_text("The quote is sent.")
    await mine.goto(path)
    await expect(mine.locator("main")).to_contain_text("no longer in their original state")
    await mine.get_by_role("button", name="Accept the quote").click()
    await expect(mine.locator("main")).to_contain_text("You have accepted the quote.")
    await theirs.goto(path)
    await theirs.get_by_role("link", name="Take goods and book what comes out").click()
    photo = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": build.PHOTO}
    await theirs.get_by_label("Photos", exact=False).first.set_input_files([photo])
    await theirs.get_by_role("button", name="Book it").click()
    await expect(theirs.locator("main")).to_contain_text("4 runs are done and booked.")
    await theirs.get_by_label("The result in words").fill("Four kits, blue boxes")
    await theirs.get_by_role("button", name="Report the result").click()
    await mine.goto(path)
    await mine.get_by_role("button", name="Accept the result").click()
    await expect(mine.locator("main")).to_contain_text("The job is closed.")
    assert list((await shop.on_hand(kit)).values()) == [4]
    await owner.close()
    await operator.close()


class Life:
    """A shop in which a little of everything has happened; what each side looks at."""

    shop: Shop
    operators: list[str]
    exporters: list[str]
    publics: list[str]


@pytest.fixture
async def life(site: str) -> Life:
    made = Life()
    shop = made.shop = await shops.opened()
    part, kit = await shop.item(), await shop.item()
    lot = await shop.lot(part, declaration_no="D-1", declaration_line=1)
    await shop.stocked(part, 20, lot=lot)
    offer = await shop.offer("processing", documents="artwork", description_en="Kits and labels")
    version = await shop.version(offer)
    recipe = {"process": "kit", "ins": [line(part, 2)], "outs": [line(kit)]}
    job = await shop.accepted("processing", offer_id=version, quantity=Decimal(9), **recipe)
    await processing.transform(
        shop.operator,
        job,
        runs=3,
        taken=[Taken(0, shop.bins[0], 6, lot)],
        put=[Put(0, shop.bins[1], 3)],
        photos=[await build.photo(shop.operator)],
        request_key=key(),
    )
    quoted = await shop.quoted("processing", offer_id=version, quantity=Decimal(1), **recipe)
    done = await shop.accepted()
    await performing.refer(shop.operator, done, partner="Broker", reference="B-1", status="ended", request_key=key())
    await performing.report(
        shop.operator, done, await shop.revision(done), outcome="partly", quantity=Decimal(1), note="One of two"
    )
    goods = [pledges.Goods(part.code, shop.bins[0], 2, lot)]
    terms = {"warehouse": shop.warehouse.code, "pledgee": "Bank", "contact": "Li", "reference": "L-1", "goods": goods}
    agreed = await pledges.offer(shop.exporter, **terms, request_key=key())
    offered = await pledges.offer(shop.exporter, **terms, request_key=key())
    await pledges.agree(agreed.link or "", name="Li Na")
    statement = await statements.make(shop.exporter, warehouse=shop.warehouse.code, request_key=key())
    traced = await DB.value("select id from lot where item_id = $1", kit.id)
    both = ["/value-added", f"/value-added/{job}", "/value-added/pledges", f"/value-added/trace?id={traced}"]
    made.operators = [*both, f"/value-added/{job}/process", f"/value-added/{await shop.asked()}"]
    made.operators += ["/value-added/offers/new", f"/value-added/offers/{offer}/edit", f"/value-added/{done}"]
    made.exporters = [*both, f"/value-added/{quoted}", f"/value-added/{done}", f"/value-added/offers/{offer}/request"]
    made.exporters += [f"/value-added/pledges/new?warehouse={shop.warehouse.code}", "/value-added/statements"]
    made.exporters += [f"/value-added/pledges/{agreed.id}", f"/value-added/statements/{statement.id}"]
    made.publics = ["/value-added/offers", f"/value-added/offers/{offer}", f"/value-added/agree/{offered.link}"]
    made.publics += [f"/value-added/agree/{agreed.link}", "/value-added/check?number=N1&hash=00"]
    return made


@pytest.mark.parametrize(
    ("language", "viewport", "axe"),
    [("en", (1366, 900), True), ("zh_CN", (390, 844), False), ("ar", (390, 844), True)],
)
async def test_screens_fit_and_are_accessible(
    context: BrowserContext, page: Page, life: Life, language: str, viewport: tuple[int, int], axe: bool
) -> None:
    await page.set_viewport_size({"width": viewport[0], "height": viewport[1]})
    found = [fault for path in life.publics for fault in await faults_of(page, path, axe=axe)]
    for viewer, paths in ((life.shop.operator, life.operators), (life.shop.exporter, life.exporters)):
        await context.clear_cookies()
        await DB.run("update user_account set language = $1 where id = $2", language, viewer.user_id)
        await sign_in(page, viewer, "/value-added")
        for path in paths:
            found += await faults_of(page, path, axe=axe)
    assert found == []
