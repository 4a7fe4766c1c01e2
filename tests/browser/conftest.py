"""A real browser before the platform as it is served: its own process, its own database."""

import asyncio
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from backend.core.embedded import EmbeddedPostgres

CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--font-render-hinting=none",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
]


# The tables of a page in which a heading does not stand above its column: what is left out of one is left out of the other.
ASKEW = """() => [...document.querySelectorAll("main table")].filter((table) => {
  const rows = table.tBodies.length ? [...table.tBodies[0].rows] : [];
  if (!table.tHead || !rows.length || getComputedStyle(rows[0]).display !== "table-row") return false;
  if (table.querySelector("[rowspan]") || !table.offsetParent) return false;
  const shown = (row) => [...row.cells].filter((cell) => getComputedStyle(cell).display !== "none")
    .reduce((sum, cell) => sum + cell.colSpan, 0);
  const wanted = shown(table.tHead.rows[0]);
  return rows.some((row) => shown(row) !== wanted);
}).map((table) => table.tHead.innerText.replace(/\\s+/g, " "))"""


@pytest_asyncio.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium; tests that need it skip, saying so, where there is none, but never in CI."""
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("CI needs chromium-headless-shell")
        pytest.skip("no chromium-headless-shell or chromium on this machine")
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        await opened.close()


@pytest_asyncio.fixture(scope="module")
async def site(
    database: str, postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """`luocang serve` on this module's database; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    environment = os.environ | {
        "LUOCANG_DATABASE_URL": database,
        "LUOCANG_SECRET_KEY": "a-secret-only-for-tests-0123456789abcdef",
        "LUOCANG_BASE_URL": address,
        "LUOCANG_HOME": str(tmp_path_factory.mktemp("served")),
    }
    command = (sys.executable, "-m", "backend", "serve", "--port", str(port))
    server = await asyncio.create_subprocess_exec(*command, env=environment)
    try:
        async with httpx.AsyncClient() as client:
            for _ in range(200):
                if server.returncode is not None:
                    pytest.fail("luocang serve ended before it answered")
                try:
                    if (await client.get(f"{address}/health/ready")).status_code == 200:
                        break
                except httpx.TransportError:
                    await asyncio.sleep(0.05)
        yield address
    finally:
        server.terminate()
        await asyncio.wait_for(server.wait(), 15)


@pytest_asyncio.fixture
async def context(browser: Browser, site: str) -> AsyncIterator[BrowserContext]:
    """A fresh visitor, in English, on a desk."""
    opened = await browser.new_context(
        base_url=site, locale="en", viewport={"width": 1366, "height": 900}, reduced_motion="reduce"
    )
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def page(context: BrowserContext) -> AsyncIterator[Page]:
    """A page that fails its test when a script does or the content security policy is broken."""
    opened = await context.new_page()
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))

    def said(message: Any) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            wrong.append(message.text)

    opened.on("console", said)
    yield opened
    assert wrong == []
