"""The console's frame in a real browser: signing in, roles, language, dark, narrow, keyboard, what waits."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from bridge.access import ROLES, Session, mint_key, mint_session
from bridge.store import Unit
from bridge.store.keys import keep_key
from tests.browser.running import TICKETS, Running, utc_now
from tests.browser.test_card import faults
from tests.browser.watching import wide_page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Iterator[Running]:
    """A bridge in demo mode, where nobody has to sign in."""
    bridge = Running(tmp_path_factory.mktemp("console"), demo=True).start()
    yield bridge
    bridge.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    async with wide_page(browser, width=1240, height=800) as opened_page:
        yield opened_page


def key_for(bridge: Running, name: str, role: str) -> tuple[str, str]:
    """A key with the scopes of `role`, and its id."""
    key, stored = mint_key(name, ROLES[role], utc_now())
    unit = Unit()
    keep_key(unit, stored)
    bridge.do(bridge.gate.store.write(unit))
    bridge.do(bridge.gate.refresh())
    return key, stored.id


async def test_in_the_example_one_is_in_at_once_and_sees_that_nothing_waits(
    page: Page, example: Running, axe: str
) -> None:
    await page.goto(f"{example.base}/console")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Heute")
    await expect(page.get_by_text("Nichts wartet auf Sie. Einen schönen Tag!")).to_be_visible()
    assert await page.locator("nav a").count() >= 8
    assert await faults(page, axe) == []


async def test_each_role_sees_its_pages_and_no_others(page: Page, example: Running) -> None:
    await page.goto(f"{example.base}/console")
    await page.get_by_role("button", name="Betrachten").click()
    await expect(page.locator("[data-k=nav-sources]")).to_have_count(0)
    await expect(page.locator("[data-k=nav-metrics]")).to_have_count(1)
    await page.get_by_role("button", name="Betrieb").click()
    await expect(page.locator("[data-k=nav-sources]")).to_have_count(1)


async def test_in_the_dark_in_english_and_so_it_stays(page: Page, example: Running, axe: str) -> None:
    await page.goto(f"{example.base}/console")
    await page.locator("[data-k=choice-en]").click()
    await page.locator("[data-k=choice-dark]").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Today")
    assert await faults(page, axe) == []
    await page.reload()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Today")
    assert await page.evaluate("document.documentElement.dataset.theme") == "dark"


async def test_on_a_telephone_the_pages_are_in_a_menu_and_nothing_sticks_out(
    page: Page, example: Running, axe: str
) -> None:
    await page.set_viewport_size({"width": 380, "height": 740})
    await page.goto(f"{example.base}/console")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Heute")
    await expect(page.locator("nav")).not_to_be_visible()
    await page.get_by_text("Menü").click()
    await expect(page.locator("nav")).to_be_visible()
    overflow = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0
    assert await faults(page, axe) == []


async def test_on_a_telephone_the_menu_closes_once_a_page_is_chosen(page: Page, example: Running) -> None:
    await page.set_viewport_size({"width": 380, "height": 740})
    await page.goto(f"{example.base}/console")
    await page.get_by_text("Menü").click()
    await page.locator("[data-k=nav-loops]").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Offene Schleifen")
    await expect(page.locator("nav")).not_to_be_visible()
    await page.set_viewport_size({"width": 1240, "height": 740})
    await expect(page.locator("nav")).to_be_visible()


async def test_an_address_that_leads_nowhere_says_so_and_leads_back(page: Page, example: Running) -> None:
    await page.goto(f"{example.base}/console/automations/nothing%25")
    await expect(page.get_by_role("alert")).to_contain_text("Das gibt es hier nicht, oder nicht mehr.")
    await page.get_by_role("alert").get_by_role("link", name="Automationen").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Automationen")


async def test_to_skip_to_the_content_does_not_load_it_anew(page: Page, example: Running) -> None:
    await page.goto(f"{example.base}/console")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Heute")
    await page.evaluate("document.querySelector('main h1').dataset.same = 'yes'")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator("#main")).to_be_focused()
    await expect(page.locator("main h1")).to_have_attribute("data-same", "yes")


async def test_with_a_key_one_signs_in_stays_in_and_signs_out(page: Page, running: Running, axe: str) -> None:
    key, _ = key_for(running, "Anna Brandt", "manager")
    await page.goto(f"{running.base}/console/today")
    await expect(page.get_by_role("heading", name="Anmelden")).to_be_visible()
    assert await faults(page, axe) == []
    await page.locator("#key").fill("rb_000000000000_" + "0" * 48)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_have_text("Dieser Schlüssel gilt hier nicht (mehr).")
    await expect(page.locator("#key")).to_be_focused()
    await page.route("**/console/session", lambda route: route.abort())
    await page.locator("#key").fill(key)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_have_text("Der Server antwortet gerade nicht.")
    await page.unroute("**/console/session")
    await page.locator("#key").fill(key)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Heute")
    await expect(page.locator(".who")).to_have_text(re.compile("Anna Brandt"))
    assert key not in str(await page.evaluate("[document.cookie, {...localStorage}, {...sessionStorage}]"))
    await page.reload()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Heute")
    await page.get_by_role("button", name="Abmelden").click()
    await expect(page.get_by_role("heading", name="Anmelden")).to_be_visible()


async def test_a_link_signs_in_once_and_leaves_no_trace_in_the_address(page: Page, running: Running) -> None:
    _, id = key_for(running, "console: Jo", "operator")
    session = Session(name="Jo", role="operator", origin="", key=id, expires_at=utc_now() + timedelta(days=1))
    address = f"{running.base}/console#in={mint_session(TICKETS, session, utc_now())}"
    await page.goto(address)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Heute")
    assert "in=" not in page.url
    await page.get_by_role("button", name="Abmelden").click()
    await page.goto("about:blank")
    await page.goto(address)
    await expect(page.get_by_role("alert")).to_contain_text("Er gilt nur einmal")


async def test_the_keyboard_is_enough_to_go_from_page_to_page(page: Page, example: Running) -> None:
    await page.goto(f"{example.base}/console")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Heute")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.className") == "skip"
    await page.locator("[data-k=nav-today]").focus()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile("/console/loops$"))
    await page.go_back()
    await expect(page).to_have_url(re.compile("/console$"))
    await expect(page.get_by_role("heading", level=1)).to_have_text("Heute")


async def test_when_the_session_ends_one_is_asked_to_sign_in_again(page: Page, running: Running) -> None:
    key, id = key_for(running, "Kurz", "viewer")
    await page.goto(f"{running.base}/console")
    await page.locator("#key").fill(key)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Heute")
    running.do(running.gate.store.change("access.revoke", id=id, at=int(utc_now().timestamp() * 1e6)))
    running.do(running.gate.refresh())
    await page.locator("[data-k=nav-today]").click()
    await expect(page.get_by_role("alert")).to_have_text("Die Sitzung ist zu Ende. Bitte neu anmelden.")
