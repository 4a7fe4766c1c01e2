"""Looking at a page as anybody would: signed in, on a screen of its own width, and with a keyboard reader's eyes."""

from pathlib import Path

from playwright.async_api import Page

from backend.access.rules import Viewer
from tests import build

AXE = next(Path(__file__).with_name("vendor").rglob("axe.min.js")).read_text()
# The tables of a page that cannot be seen, or in which a heading does not stand above its column: what is left out of one
# is left out of the other. What is folded is unfolded first.
ASKEW = """() => (document.querySelectorAll("main details").forEach((part) => part.open = true),
[...document.querySelectorAll("main table")]).filter((table) => {
  const box = table.closest(".table");
  if (box && box.getClientRects().length && box.clientWidth < 40) return true;
  const rows = table.tBodies.length ? [...table.tBodies[0].rows] : [];
  if (!table.tHead || !rows.length || getComputedStyle(rows[0]).display !== "table-row") return false;
  if (table.querySelector("[rowspan]") || !table.offsetParent) return false;
  const shown = (row) => [...row.cells].filter((cell) => getComputedStyle(cell).display !== "none")
    .reduce((sum, cell) => sum + cell.colSpan, 0);
  const wanted = shown(table.tHead.rows[0]);
  return rows.some((row) => shown(row) !== wanted);
}).map((table) => table.tHead.innerText.replace(/\\s+/g, " "))"""
# Only what is wrong comes over from the browser, not the thousand things that are right.
JUDGE = """async () => {
  const found = await axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"], resultTypes: ["violations"],
  });
  return found.violations.map(each => `${each.id}: ${each.nodes[0].html.slice(0, 160)}`);
}"""


async def sign_in(page: Page, viewer: Viewer, to: str = "/") -> None:
    """Sign in through the form, to which a page that is for nobody's eyes leads by itself."""
    await page.goto(to)
    if "/access/sign-in" not in page.url:
        await page.goto(f"/access/sign-in?next={to}")
    await page.get_by_label("E-mail").fill(viewer.email)
    await page.get_by_label("Password").fill(build.PASSWORD)
    await page.locator("main").get_by_role("button", name="Sign in").click()
    await page.wait_for_url(lambda url: "sign-in" not in url)


async def faults_of(page: Page, path: str | None = None, *, axe: bool) -> list[str]:
    """What is wrong with a page: overflow to the side, headings beside their columns, and what axe finds.

    No path: the page that is open.
    """
    if path is not None:
        answer = await page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
    wide = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    found = [f"{page.url} is {wide} px too wide"] if wide > 0 else []
    found += [f"{page.url} has a table askew: {each}" for each in await page.evaluate(ASKEW)]
    if axe:
        if not await page.evaluate("'axe' in window"):
            await page.evaluate(AXE)
        found += [f"{page.url} {fault}" for fault in await page.evaluate(JUDGE)]
    return found
