"""A real browser before the platform as it is served: one process of its own for all of them."""

import asyncio
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

Fresh = Callable[[], AbstractAsyncContextManager[str]]
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


@pytest_asyncio.fixture(scope="package")
async def database(fresh: Fresh) -> AsyncIterator[str]:
    """One database for all that is clicked: everybody sees only their own."""
    async with fresh() as url:
        yield url


@pytest_asyncio.fixture(scope="package")
async def site(database: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """`luocang serve` on this database; its address."""
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
