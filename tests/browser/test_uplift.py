"""The report on scripts and offers in a real browser: figures, ranges, filters, keys, print, and a key kept nowhere."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from bridge.sample import make_center
from bridge.sample.past import keep_past
from tests.browser.running import Running, utc_now
from tests.browser.test_card import faults

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Iterator[Running]:
    """A bridge in demo mode with a made-up year behind it."""
    bridge = Running(tmp_path_factory.mktemp("tried"), demo=True).start()
    now = utc_now()
    bridge.do(keep_past(bridge.gate.desk, make_center(now=now, customers=400).fates, now))
    yield bridge
    bridge.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page as wide as a desk, whose scripts do not fail and break no policy."""
    context = await browser.new_context(viewport={"width": 1320, "height": 1100}, locale="de-DE", color_scheme="light")
    made = await context.new_page()
    problems: list[str] = []
    made.on("pageerror", lambda problem: problems.append(str(problem)))
    made.on("console", lambda said: problems.append(said.text) if "Content Security" in said.text else None)
    yield made
    await context.close()
    assert problems == []


async def opened(page: Page, bridge: Running) -> None:
    await page.goto(f"{bridge.base}/reports/uplift")
    await expect(page.get_by_role("heading", level=2)).to_have_text("Was hält Kunden?")


async def test_scripts_stand_with_figures_ranges_and_plain_words(
    page: Page, tried: Running, axe: str, keep: Any
) -> None:
    await opened(page, tried)
    await expect(page.get_by_text("Personen und Verläufe sind erfunden")).to_be_visible()
    first = page.locator(".glance li").first
    await expect(first).to_contain_text("von 100 Anrufern")
    row = page.locator("#p-contract_end").locator("xpath=ancestor::section").locator("[data-script=contract_end]")
    await expect(row.locator(".verdict")).to_have_text(re.compile("hilft|noch unklar"))
    await expect(row.locator("svg circle")).to_have_count(1)
    assert re.search(r"−?\d+,\d bis −?\d+,\d", await row.inner_text())
    assert await faults(page, axe) == []
    await page.set_viewport_size({"width": 1320, "height": await page.evaluate("document.body.scrollHeight")})
    await keep(page, "report-scripts")


async def test_in_the_dark_and_in_english(page: Page, tried: Running, axe: str, keep: Any) -> None:
    await opened(page, tried)
    await page.locator("[data-k=choice-en]").click()
    await page.locator("[data-k=choice-dark]").click()
    await expect(page.get_by_role("heading", level=2)).to_have_text("What keeps customers?")
    assert await faults(page, axe) == []
    await keep(page, "report-scripts-dark")
    await page.reload()
    await expect(page.get_by_role("heading", level=2)).to_have_text("What keeps customers?")
