"""A real browser, a real bridge, a host's page. Without Chromium these tests skip, in CI they fail."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from tests.browser.people import everybody
from tests.browser.running import Host, Running, utc_now
from tests.patience import PATIENCE_SECONDS

NAMES = ("chromium", "chromium-browser", "google-chrome")
INSTALL = "these tests need Chromium. On Debian and Ubuntu: sudo apt install chromium"
SCREENSHOTS = Path(__file__).resolve().parents[2] / "docs" / "screenshots"

Open = Callable[..., Awaitable[Page]]

expect.set_options(timeout=PATIENCE_SECONDS * 1000)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the browser."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(INSTALL)
        pytest.skip(INSTALL)
    return found


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """One browser for all tests; each has a context of its own."""
    async with async_playwright() as playwright:
        arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        started = await playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield started
        await started.close()


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Iterator[Running]:
    """A bridge that knows everybody of `people`."""
    bridge = Running(tmp_path_factory.mktemp("bridge")).start()
    bridge.know(*everybody(utc_now()))
    yield bridge
    bridge.stop()


@pytest.fixture(scope="session")
def host(running: Running) -> Iterator[Host]:
    """A page of another origin that holds a card."""
    page = Host(running.base)
    yield page
    page.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A browser without a past, that speaks German and likes it light."""
    made = await browser.new_context(viewport={"width": 420, "height": 1500}, locale="de-DE", color_scheme="light")
    made.set_default_timeout(PATIENCE_SECONDS * 1000)
    await made.grant_permissions(["clipboard-read", "clipboard-write"])
    yield made
    await made.close()


@pytest_asyncio.fixture(loop_scope="session")
async def open_card(context: BrowserContext, running: Running, host: Host) -> AsyncIterator[Open]:
    """Opens the host's page with a card; at its end no script may have failed."""
    problems: list[str] = []

    async def open(
        *, ticket: str | None = None, width: int = 0, wait: bool = True, renew: Any = None, **attributes: str
    ) -> Page:
        page = await context.new_page()
        page.on("pageerror", lambda problem: problems.append(str(problem)))
        page.on("console", lambda said: problems.append(said.text) if "Content Security" in said.text else None)
        if renew is not None:
            await page.expose_function("renew", renew)
        given = {name.replace("_", "-"): value for name, value in attributes.items()}
        setup = {
            "attributes": {"base": running.base} | given,
            "ticket": None if renew is not None else running.ticket(host.origin) if ticket is None else ticket,
            "width": width,
        }
        await page.add_init_script(f"window.setup = {_json(setup)}")
        await page.goto(host.origin)
        if wait:
            await page.locator("retention-card .body:not([aria-busy])").wait_for()
        return page

    yield open
    assert problems == []


def _json(value: Any) -> str:
    import json

    return json.dumps(value)


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core."""
    return files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")


@pytest.fixture
def keep(request: pytest.FixtureRequest) -> Callable[[Any, str], Awaitable[None]]:
    """Keeps a picture in docs/screenshots when the run was started with --update-screenshots."""

    async def shoot(what: Any, name: str) -> None:
        if request.config.getoption("--update-screenshots"):
            SCREENSHOTS.mkdir(parents=True, exist_ok=True)
            await what.screenshot(path=str(SCREENSHOTS / f"{name}.png"), animations="disabled")

    return shoot
