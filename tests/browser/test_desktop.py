"""The agent desktop: a call rings, is answered, shows its card, gets its outcome; then the next one."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from bridge.sample import callers_at
from tests.browser.people import PHONES, everybody
from tests.browser.running import Running, utc_now
from tests.browser.test_card import HOLES, faults
from tests.browser.watching import wide_page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Iterator[Running]:
    """A bridge in demo mode that knows the first two of its callers."""
    bridge = Running(tmp_path_factory.mktemp("example"), demo=True).start()
    now = utc_now()
    second = callers_at(now)[1].phone
    bridge.know(*everybody(now), ("person", {"id": "9", "name": "Thomas Krüger", "phones": [second]}))
    yield bridge
    bridge.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    async with wide_page(browser, width=1360, height=1320) as opened_page:
        yield opened_page


async def test_a_call_rings_is_answered_gets_its_card_and_its_outcome_by_keys_alone(
    page: Page, example: Running, axe: str, keep: Any
) -> None:
    await page.goto(f"{example.base}/desktop")
    await expect(page.locator("h2.big")).to_have_text("Bereit für den nächsten Anruf")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Eingehender Anruf")).to_be_visible()
    assert await page.locator(".told td").first.inner_text() == "true"
    assert "script_line" in await page.locator(".told .hidden").inner_text()
    await keep(page, "desktop-ringing")
    await page.keyboard.press("Enter")
    await expect(page.locator("retention-card h2")).to_have_text("Katrin Albers")
    assert await faults(page, axe) == []
    await keep(page, "desktop-talking")
    await page.keyboard.press("1")
    await page.keyboard.press("Enter")
    await expect(page.locator("h2.big")).to_have_text("Gespräch beendet")
    await page.keyboard.press("Enter")
    await expect(page.locator(".caller .state").first).to_have_text("gehalten")
    assert ("result", "saved", None) in example.outcomes(PHONES["risk"])
    await page.keyboard.press("Enter")
    await expect(page.locator("retention-card h2")).to_have_text("Thomas Krüger")


async def test_language_and_theme_are_switched_for_page_and_card_and_kept(
    page: Page, example: Running, axe: str, keep: Any
) -> None:
    await page.goto(f"{example.base}/desktop")
    await page.locator("[data-k=enter]").click()
    await expect(page.locator("[data-k=decline]")).to_be_visible()
    await page.locator("[data-k=enter]").click()
    await expect(page.locator("retention-card h2")).to_have_text("Katrin Albers")
    await page.locator("[data-k=choice-en]").click()
    await page.locator("[data-k=choice-dark]").click()
    await expect(page.locator("retention-card .risk h3")).to_have_text("Risk, 90 days")
    assert await faults(page, axe) == []
    said = await page.locator("body").inner_text() + await page.locator("retention-card .card").inner_text()
    assert not HOLES.search(said)
    assert not re.search(r"\b(Anruf|Gespräch|Risiko|Sagen)\b", said)
    await keep(page, "desktop-talking-en-dark")
    await page.reload()
    await expect(page.locator("retention-card .risk h3")).to_have_text("Risk, 90 days")
    assert await page.locator("retention-card").get_attribute("theme") == "dark"
    await expect(page.locator(".clock")).to_be_visible()


async def test_every_caller_of_the_example_can_be_chosen_and_nobody_knows_the_last(
    page: Page, example: Running
) -> None:
    await page.goto(f"{example.base}/desktop")
    callers = page.locator(".caller")
    await expect(callers.first).to_be_visible()
    assert await callers.count() == len(callers_at(utc_now()))
    await callers.last.click()
    await expect(page.locator("h2.big")).to_contain_text("199")
    await page.locator("[data-k=enter]").click()
    await expect(page.locator("retention-card [data-notice=none]")).to_be_visible()
    await page.locator("[data-k=enter]").click()
    await page.locator("[data-k=enter]").click()
    await expect(page.locator("[data-k=decline]")).to_be_visible()
    await page.locator("[data-k=decline]").click()
    await expect(page.locator("h2.big")).to_have_text("Bereit für den nächsten Anruf")


@pytest.mark.parametrize("width", [390, 820])
async def test_it_fits_smaller_screens(page: Page, example: Running, width: int) -> None:
    await page.set_viewport_size({"width": width, "height": 900})
    await page.goto(f"{example.base}/desktop")
    await page.locator("[data-k=enter]").click()
    await expect(page.locator("[data-k=decline]")).to_be_visible()
    await page.locator("[data-k=enter]").click()
    await expect(page.locator("retention-card h2")).to_have_text("Katrin Albers")
    assert await page.evaluate("document.documentElement.scrollWidth") <= width


async def test_elsewhere_it_asks_for_a_ticket(page: Page, running: Running, axe: str, keep: Any) -> None:
    await page.set_viewport_size({"width": 1100, "height": 720})
    await page.goto(f"{running.base}/desktop")
    await expect(page.locator(".panel h2")).to_have_text("Anmelden")
    assert await faults(page, axe) == []
    await keep(page, "desktop-sign-in")
    await page.locator("input").fill(running.ticket(running.base))
    await page.keyboard.press("Enter")
    await page.locator("#whom").fill("+49 30 23125 101")
    await page.keyboard.press("Enter")
    await expect(page.locator("retention-card h2")).to_have_text("Katrin Albers")
    assert "4930" not in page.url


async def test_a_ticket_that_is_not_good_leads_back_to_the_sign_in(page: Page, running: Running) -> None:
    await page.goto(f"{running.base}/desktop")
    await page.locator("input").fill(running.ticket("https://elsewhere.example"))
    await page.keyboard.press("Enter")
    await page.locator("#whom").fill("+493023125101")
    await page.keyboard.press("Enter")
    await expect(page.locator(".problem")).to_have_text("Die Anmeldung ist abgelaufen.")
