"""Recording what was granted: the amount, its limit, once, in both languages, and what is said when it cannot be."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from bridge.gateway.pages import WEB
from bridge.playbook.offers import COSTS_MONEY
from tests.browser.conftest import Open
from tests.browser.people import PHONES
from tests.browser.running import Running, utc_now
from tests.browser.test_card import faults

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def complaining(running: Running, number: str) -> str:
    """The phone of somebody who complained, and whom an offer of money may hold."""
    phone = f"+4930231251{number}"
    running.know(
        ("person", {"id": number, "name": "Ines Roth", "phones": [phone], "since": "2020-01-01"}),
        (
            "contract",
            {
                "id": f"v{number}",
                "person": number,
                "product": "Business 1000",
                "status": "active",
                "starts": "2020-01-01",
                "ends": str(utc_now().date() + timedelta(days=365)),
                "monthly": "129.00",
            },
        ),
        (
            "case",
            {
                "id": f"c{number}",
                "person": number,
                "type": "complaint",
                "status": "open",
                "topic": "Vier Tage ohne Anschluss",
                "opened": utc_now().isoformat(),
            },
        ),
    )
    return phone


async def offered(page: Page) -> str:
    """The words of the offer."""
    said: str = await page.locator("retention-card .offer").inner_text()
    return said.replace("\xa0", " ")


async def test_a_granted_offer_is_recorded_with_its_amount_and_is_granted_once(
    open_card: Open, running: Running, axe: str
) -> None:
    phone = complaining(running, "30")
    page = await open_card(phone=phone, lang="de")
    assert "bis " in await offered(page)
    await page.locator("retention-card [data-k=grant]").click()
    kind = page.locator("retention-card [data-k=grant-kind]")
    if await kind.is_visible():
        await kind.select_option("goodwill_credit")
    amount = page.locator("retention-card [data-k=grant-amount]")
    assert await faults(page, axe) == []
    await amount.fill("fünf")
    await amount.press("Enter")
    await expect(page.locator("retention-card .offer [role=alert]")).to_have_text(
        "Bitte einen Betrag wie 20 oder 20,50 eingeben."
    )
    await amount.fill("99999")
    await amount.press("Enter")
    await expect(page.locator("retention-card .offer [role=alert]")).to_contain_text("Möglich sind bis zu")
    await amount.fill("12,50 €")
    await amount.press("Enter")
    await expect(page.locator("retention-card .granted")).to_contain_text("Gutschrift über 12,50\xa0€, vermerkt um")
    assert running.grants(phone) == [("goodwill_credit", 1250, "EUR")]
    await page.reload()
    await expect(page.locator("retention-card .offer")).to_contain_text("Gutschrift: erst wieder ab")
    assert len(running.grants(phone)) == 1


async def test_what_is_being_typed_survives_an_update(open_card: Open, running: Running) -> None:
    phone = complaining(running, "31")
    page = await open_card(phone=phone, lang="en")
    await page.locator("retention-card .dot").wait_for()
    await page.locator("retention-card [data-k=grant]").click()
    amount = page.locator("retention-card [data-k=grant-amount]")
    await amount.click()
    await page.keyboard.type("1")
    running.deliver(("person", {"id": "31", "name": "Ines Roth-Busch", "phones": [phone]}))
    await expect(page.locator("retention-card h2")).to_have_text("Ines Roth-Busch")
    await page.keyboard.type("5")
    assert await amount.input_value() == "15"
    await page.locator("retention-card [data-k=grant-cancel]").click()
    assert await page.evaluate("card.shadowRoot.activeElement.dataset.k") == "grant"


async def test_a_refused_grant_and_a_lost_connection_are_said(open_card: Open, running: Running) -> None:
    phone = complaining(running, "32")
    first = await open_card(phone=phone, lang="en")
    second = await open_card(phone=phone, lang="en")
    for page in (first, second):
        await page.locator("retention-card [data-k=grant]").click()
        await page.locator("retention-card [data-k=grant-amount]").fill("10" if page is first else "11")
    running.close_door()
    try:
        await first.locator("retention-card [data-k=grant-record]").click()
        await expect(first.locator("retention-card .offer [role=alert]")).to_contain_text("No connection")
    finally:
        running.open_door()
    await first.locator("retention-card [data-k=grant-record]").click()
    await expect(first.locator("retention-card .granted")).to_contain_text("€10, recorded at")
    # the second card may have been updated already, and have taken the offer back by itself
    await second.evaluate("card.shadowRoot.querySelector('[data-k=grant-record]')?.click()")
    await expect(second.locator("retention-card .offer [role=alert]")).to_contain_text("Not granted")


async def test_the_card_asks_for_an_amount_where_the_offer_costs_money() -> None:
    source = (WEB / "card" / "grant.js").read_text("utf-8")
    listed = re.search(r"PAID = new Set\(\[([^]]*)\]", source)
    assert listed is not None
    assert set(re.findall(r"\w+", listed[1])) == {kind.value for kind in COSTS_MONEY}


async def test_where_nothing_is_offered_nothing_can_be_granted(open_card: Open) -> None:
    page = await open_card(phone=PHONES["deceased"], lang="de")
    assert await page.locator("retention-card [data-k=grant]").count() == 0
