"""The board of loops in a real browser: by keyboard, from a complaint to its end, and what was learnt."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from bridge.acting.catching_up import open_past
from tests.browser.running import Running, utc_now
from tests.browser.test_card import faults
from tests.browser.watching import wide_page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
PEOPLE = (
    ("1", "Ada Kaya", 9, "Rechnung doppelt abgebucht"),
    ("2", "Bernd Voß", 6, "Anschluss seit einer Woche gestört"),
    ("3", "Carla Núñez", 0, "Techniker kam nicht"),
)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Iterator[Running]:
    """A bridge with three complaints, two of them from before it went live."""
    bridge = Running(tmp_path_factory.mktemp("loops"), demo=True).start()
    now = utc_now()
    for number, name, days, topic in PEOPLE:
        at = (now - timedelta(days=days)).isoformat()
        said = {"type": "complaint", "status": "open", "topic": topic, "opened": at, "reopened": 0}
        person = {"id": number, "name": name, "language": "de", "phones": [f"+493090182{number}00"]}
        bridge.know(("person", person), ("case", {"id": f"c{number}", "person": number, **said}))
    bridge.do(open_past(bridge.gate.desk, since=now - timedelta(days=20), now=now))
    yield bridge
    bridge.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    async with wide_page(browser, width=1440, height=900) as opened_page:
        yield opened_page


async def test_what_is_overdue_comes_first_and_the_keyboard_goes_from_card_to_card(
    page: Page, example: Running, axe: str, keep: Any
) -> None:
    await page.goto(f"{example.base}/console/loops")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Offene Schleifen")
    await expect(page.locator(".column.overdue a.loop b")).to_have_text(["Ada Kaya", "Bernd Voß"])
    assert await faults(page, axe) == []
    await keep(page, "console-loops")
    await page.locator("a.loop[tabindex='0']").focus()
    await page.keyboard.press("ArrowDown")
    assert await page.evaluate("document.activeElement.querySelector('b').textContent") == "Bernd Voß"
    await page.keyboard.press("ArrowRight")
    assert await page.evaluate("document.activeElement.querySelector('b').textContent") == "Carla Núñez"
    await page.keyboard.press("ArrowLeft")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Ada Kaya")
    await expect(page.locator(".quote")).to_contain_text("Rechnung doppelt abgebucht")


async def test_from_a_complaint_to_its_end(page: Page, example: Running, axe: str, keep: Any) -> None:
    await page.goto(f"{example.base}/console/loops")
    await page.locator("a.loop", has_text="Bernd Voß").click()
    await page.locator("[data-act=reply]").click()
    await page.keyboard.press("Tab")
    await page.get_by_role("button", name="Speichern").click()
    await expect(page.locator("dialog [role=alert]")).to_have_text("Bitte ausfüllen.")
    await page.get_by_label("Was wurde besprochen?").fill("Entschuldigt, Techniker für Dienstag bestellt.")
    await page.get_by_label("Jetzt ist der Kunde am Zug").check()
    assert await faults(page, axe) == []
    await page.get_by_role("button", name="Speichern").click()
    await expect(page.locator(".event.waits")).to_have_count(1)
    await expect(page.locator(".event.replied")).to_contain_text("Techniker für Dienstag")
    await page.locator("[data-act=resume]").click()
    await expect(page.locator(".event.resumed")).to_have_count(1)
    await page.locator("[data-act=close]").click()
    await page.get_by_label("Was wurde getan?").fill("Anschluss repariert, einen Monat gutgeschrieben.")
    await page.get_by_label("Warum kam es dazu?").select_option("outage")
    await page.get_by_label("Ein Ticket ist noch offen").check()
    await page.locator("dialog").get_by_role("button", name="Schließen").click()
    await expect(page.locator(".event.closed")).to_contain_text("einen Monat gutgeschrieben")
    assert await faults(page, axe) == []
    await keep(page, "console-loop")
    await page.get_by_text("Zum Brett").click()
    await expect(page.locator(".column.closed a.loop b")).to_have_text(["Bernd Voß"])


async def test_what_was_learnt_is_written_down_and_found(page: Page, example: Running, axe: str) -> None:
    await page.goto(f"{example.base}/console/loops")
    await page.get_by_role("button", name="Gelerntes suchen").click()
    await page.get_by_role("button", name="Aufschreiben").click()
    await page.get_by_label("Was ist die Ursache?").fill("Störungen werden nicht zurückgemeldet")
    await page.get_by_label("Ursache", exact=True).last.select_option("outage")
    await page.get_by_label("Was haben wir geändert?").fill("SMS, sobald der Techniker losfährt")
    await page.get_by_role("button", name="Speichern").click()
    await expect(page.locator(".lesson .text")).to_have_text("Störungen werden nicht zurückgemeldet")
    await page.get_by_label("Suchwörter").fill("Rechnung")
    await expect(page.get_by_text("Nichts gefunden.")).to_be_visible()
    await page.get_by_label("Suchwörter").fill("stoerung")
    await expect(page.locator(".lesson")).to_have_count(1)
    assert await faults(page, axe) == []


async def test_who_may_see_figures_alone_sees_no_names(page: Page, example: Running, axe: str) -> None:
    await page.goto(f"{example.base}/console/loops")
    await page.get_by_role("button", name="Betrachten").click()
    await expect(page.get_by_text("sieht nur, wer Schleifen bearbeitet")).to_be_visible()
    await expect(page.locator("a.loop")).to_have_count(0)
    await expect(page.locator(".figures")).to_contain_text(re.compile(r"\d\s*offen"))
    assert await faults(page, axe) == []


async def test_on_a_telephone_in_the_dark_and_in_english_nothing_sticks_out(
    page: Page, example: Running, axe: str
) -> None:
    await page.emulate_media(color_scheme="dark")
    await page.set_viewport_size({"width": 380, "height": 740})
    await page.goto(f"{example.base}/console/loops")
    await page.get_by_text("Menü").click()
    await page.locator("[data-k=choice-en]").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Open loops")
    overflow = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0
    assert await faults(page, axe) == []
