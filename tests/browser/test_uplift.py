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
from tests.browser.watching import wide_page

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
    async with wide_page(browser, width=1320, height=1100) as opened_page:
        yield opened_page


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
    await page.set_viewport_size({"width": 1320, "height": 1560})
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


async def test_a_situation_and_a_day_narrow_it_and_the_keyboard_is_enough(page: Page, tried: Running) -> None:
    await opened(page, tried)
    everything = await page.locator(".top p").inner_text()
    await page.locator("#situation").focus()
    await page.keyboard.type("Entschuldigung")
    await expect(page.locator("section.panel:has(table.scripts)")).to_have_count(1)
    assert await page.locator(".top p").inner_text() != everything
    assert await page.evaluate("document.activeElement.id") == "situation"
    assert await page.locator("#situation option").count() == 6
    await page.locator("#since").fill(f"{utc_now():%Y-%m-%d}")
    await expect(page.locator(".glance li")).to_have_count(1)
    await expect(page.locator(".glance li")).to_have_text("Hier wurde noch nichts gezeigt, was erprobt wird.")
    await expect(page.locator("table.scripts")).to_have_count(0)
    await page.locator("#since").fill("")
    await expect(page.locator("table.scripts")).to_have_count(1)
    assert "situation" not in page.url


async def test_it_is_saved_as_a_table_as_a_german_spreadsheet_opens_it(page: Page, tried: Running) -> None:
    await opened(page, tried)
    async with page.expect_download() as waiting:
        await page.locator("[data-k=csv]").click()
    file = await waiting.value
    assert re.fullmatch(r"scripts-\d{4}-\d\d-\d\d\.csv", file.suggested_filename)
    text = (await file.path()).read_text("utf-8")
    head, *rows = text.splitlines()
    assert head.startswith("\ufeffsituation;script;title;verdict")
    assert len(rows) == 14
    assert all(row.count(";") == head.count(";") for row in rows)


async def test_on_paper_there_is_the_report_and_nothing_to_click(page: Page, tried: Running, keep: Any) -> None:
    await opened(page, tried)
    await page.locator("[data-k=choice-dark]").click()
    await page.emulate_media(media="print")
    for hidden in (".switches", ".filters"):
        assert not await page.locator(hidden).is_visible()
    ground = await page.evaluate("getComputedStyle(document.querySelector('.panel')).backgroundColor")
    assert ground == "rgb(255, 255, 255)"
    await page.set_viewport_size({"width": 1000, "height": 1300})
    overflow = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0
    await keep(page, "report-scripts-print")


async def test_on_a_narrow_screen_tables_scroll_by_themselves(page: Page, tried: Running, axe: str) -> None:
    await page.set_viewport_size({"width": 390, "height": 900})
    await opened(page, tried)
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    assert await faults(page, axe) == []


async def test_it_is_there_soon(page: Page, tried: Running) -> None:
    await opened(page, tried)
    shift = await page.evaluate(
        "new Promise((done) => new PerformanceObserver((list) => done(list.getEntries().length))"
        ".observe({ type: 'navigation', buffered: true }))"
    )
    assert shift == 1
    sent = await page.evaluate(
        "performance.getEntriesByType('resource').filter((one) => /uplift\\.(js|css)/.test(one.name))"
        ".reduce((sum, one) => sum + one.encodedBodySize, 0)"
    )
    assert 0 < sent < 20_000


async def test_outside_of_the_example_a_key_is_asked_for_and_kept_nowhere(
    page: Page, running: Running, axe: str, keep: Any
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(f"{running.base}/reports/uplift")
    await expect(page.get_by_role("heading", level=2)).to_have_text("Anmelden")
    assert await faults(page, axe) == []
    await keep(page, "report-sign-in")
    await page.locator("#key").fill("rb_not_a_key")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("gilt hier nicht")
    await page.locator("#key").fill(running.key)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=2)).to_have_text("Was hält Kunden?")
    await expect(page.locator(".glance li")).to_have_text("Hier wurde noch nichts gezeigt, was erprobt wird.")
    secret = running.key.split("_")[2]
    assert not any(secret in url for url in asked)
    assert secret not in await page.evaluate(
        "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
    )
    await page.reload()
    await expect(page.get_by_role("heading", level=2)).to_have_text("Anmelden")
