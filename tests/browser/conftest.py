"""A real browser, a real bridge, a host's page. Without Chromium these tests skip, in CI they fail."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from tests.browser.embedding import Desk, Zendesk, embedding
from tests.browser.inside import CALL, Inside, personal, unexpected
from tests.browser.people import PHONES, everybody
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


@pytest.fixture(scope="session")
def zendesk() -> Zendesk:
    """The other half of the signature."""
    return Zendesk()


@pytest.fixture(scope="session")
def desk() -> Iterator[Desk]:
    """The desktop's server."""
    server = Desk()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def intruder() -> Iterator[Desk]:
    """A server of somebody who has no business here."""
    server = Desk("127.0.0.1")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def bridge(tmp_path_factory: pytest.TempPathFactory, chromium: str, desk: Desk, zendesk: Zendesk) -> Iterator[Running]:
    """A bridge whose pages the desktop may hold."""
    running = embedding(tmp_path_factory.mktemp("embedding"), desk.origin, zendesk).start()
    running.know(*everybody(utc_now()))
    running.call(PHONES["risk"], CALL)
    yield running
    running.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def partitioning(chromium: str) -> AsyncIterator[Browser]:
    """A browser as people have it: each host's frames get a store of their own. Playwright's takes it from all frames.

    github.com/microsoft/playwright/issues/32230; of several lists of features the last one counts.
    """
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-features=HttpsUpgrades,MediaRouter,PaintHolding"]
        )
        yield started
        await started.close()


@pytest_asyncio.fixture(loop_scope="session")
async def watched(
    browser: Browser, partitioning: Browser, bridge: Running, capfd: pytest.CaptureFixture[str]
) -> AsyncIterator[Callable[..., Any]]:
    """Makes browsers. At the end nothing personal was in an address or a log line, and no script failed."""
    contexts: list[BrowserContext] = []
    addresses: list[str] = []
    problems: list[str] = []
    lines = BytesIO()
    bridge.gate.lines.flush()
    bridge.gate.lines._out = lines

    async def make(
        language: str = "de", theme: Any = "light", width: int = 1240, height: int = 900, forgetful: bool = False
    ) -> BrowserContext:
        viewport: Any = {"width": width, "height": height}
        locale = {"de": "de-DE", "en": "en-GB"}[language]
        made = await (browser if forgetful else partitioning).new_context(
            viewport=viewport, locale=locale, color_scheme=theme
        )
        made.on("request", lambda one: addresses.append(one.url))
        made.on("weberror", lambda one: problems.append(str(one.error)))
        made.on("console", lambda said: problems.append(said.text) if unexpected(said.type, said.text) else None)
        contexts.append(made)
        return made

    yield make
    for context in contexts:
        for page in context.pages:
            addresses += [one.url for one in page.frames]
            assert await page.context.cookies() == []
        await context.close()
    bridge.gate.lines.flush()
    captured = capfd.readouterr()
    logged = lines.getvalue().decode() + captured.out + captured.err
    assert addresses
    for text in (*addresses, logged):
        assert not personal(text), text
    assert problems == []


@pytest.fixture
def enter(watched: Callable[..., Any], bridge: Running, desk: Desk) -> Callable[..., Any]:
    """Opens the desktop with one of our pages in it."""

    async def open_(
        play: str,
        *,
        query: dict[str, str] | None = None,
        about: Any = None,
        token: str = "",
        context: BrowserContext | None = None,
        **look: Any,
    ) -> Inside:
        page = await (context or await watched(**look)).new_page()
        address = f"{bridge.base}/embed/{play}" + (f"?{urlencode(query)}" if query else "")
        setup = {"play": play, "address": address, "about": about or {}, "token": token}
        await page.add_init_script(f"window.setup = {_json(setup)}")
        await page.goto(desk.origin)
        return Inside(page, bridge, desk)

    return open_


@pytest.fixture
def at_zendesk(desk: Desk) -> dict[str, str]:
    """The query that Zendesk appends."""
    return {"origin": desk.origin, "app_guid": "a-1"}


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
