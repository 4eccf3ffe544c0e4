"""What customers see who follow a link: in their language, by keyboard, without a script, on a phone, in the dark."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect

from bridge.acting.linking import mint_link
from bridge.automation.links import Purpose
from bridge.identity.suppression import suppression
from bridge.store import Unit, micros
from tests.browser import running
from tests.browser.running import Running, utc_now
from tests.browser.test_card import faults

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PHONE = "+493023125101"
Send = Callable[..., str]

_DOES = """
    async def create_task(self, client, args, key):
        return Receipt(reference=key)
"""


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Iterator[Running]:
    """A bridge whose CRM takes tasks, and that knows one customer with a contract."""
    folder = tmp_path_factory.mktemp("links")
    made = Running(folder)
    vendor = folder / "vendors" / "acme"
    manifest = running.MANIFEST.replace("[webhook]", "[webhook, create_task]")
    (vendor / "manifest.yaml").write_text(manifest, "utf-8")
    receipt = "\nfrom bridge.adapter.delivery import Receipt\n\n\nclass"
    (vendor / "adapter.py").write_text(running.ADAPTER.replace("\n\n\nclass", receipt) + _DOES, "utf-8")
    made.start()
    rules = made.gate.desk.rules
    outreach = msgspec.structs.replace(
        rules.outreach,
        company="Nordlicht Telekom",
        reach_us={"de": "Telefon 040 1234567, werktags 8 bis 18 Uhr.", "en": "Phone +49 40 1234567, weekdays 8 to 18."},
    )
    made.gate.desk.rules = msgspec.structs.replace(rules, outreach=outreach)
    today = utc_now().date()
    person = {"id": "1", "name": "Katrin Albers", "phones": [PHONE], "language": "de", "owner": "Jana Brandt"}
    contract = {
        "id": "V-7",
        "person": "1",
        "product": "Glasfaser 500",
        "status": "active",
        "starts": "2024-12-01",
        "ends": (today + timedelta(days=41)).isoformat(),
        "monthly": "39.90",
        "discount_ends": (today + timedelta(days=41)).isoformat(),
        "after": "49.90",
    }
    made.know(("person", person), ("contract", contract))
    yield made
    made.stop()


@pytest.fixture
def send(bridge: Running) -> Send:
    """A link as a message would carry it; returns its address."""

    def link(purpose: Purpose, *, language: str = "de", offer: str = "goodwill_credit", days: int = 60) -> str:
        desk, now = bridge.gate.desk, utc_now()
        made = mint_link(bridge.settings, purpose, now=now - timedelta(days=60 - days), days=60)
        assert made is not None
        (customer,) = bridge.do(bridge.gate.store.all("customers.keys", kind="phone", values=[PHONE]))
        unit = Unit()
        unit.add(
            "links.put",
            hash=made.hash,
            purpose=purpose,
            message="m",
            run="r_1",
            automation="contract_ending",
            customer=customer[3],
            channel="sms",
            address=suppression(desk.salt, f"phone:{PHONE}"),
            language=language,
            contract="crm/contract/V-7" if purpose == "renew" else "",
            offer=offer if purpose == "accept" else "",
            amount_minor=2000 if purpose == "accept" else None,
            currency="EUR" if purpose == "accept" else None,
            made_at=micros(now),
            expires_at=micros(made.expires_at),
        )
        bridge.do(bridge.gate.store.write(unit))
        return made.url

    return link


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser) -> AsyncIterator[Callable[..., Any]]:
    """Opens a link in a browser that runs no script and tells what it asked for; nothing may break the policy."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    async def go(url: str, *, width: int = 420, height: int = 860, **look: Any) -> Page:
        context = await browser.new_context(viewport={"width": width, "height": height}, **look)
        contexts.append(context)
        page = await context.new_page()
        page.on("console", lambda said: problems.append(said.text) if "Content Security" in said.text else None)
        page.on(
            "request", lambda asked: problems.append(asked.url) if not asked.url.startswith((url, "data:")) else None
        )
        await page.goto(url)
        return page

    yield go
    for context in contexts:
        await context.close()
    assert problems == []


async def test_a_renewal_by_keyboard_without_any_script(bridge: Running, send: Send, visit: Any, keep: Any) -> None:
    page = await visit(send("renew"), java_script_enabled=False)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Möchten Sie Ihren Vertrag verlängern?")
    shown = await page.locator("dl").inner_text()
    assert "Glasfaser 500" in shown and "39,90 €" in shown and "49,90 €" in shown
    assert "Katrin" not in await page.content()
    await keep(page, "link-renew")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Ja, ich möchte verlängern")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Danke, dass Sie bleiben")
    await expect(page.get_by_role("button")).to_have_count(0)
    await keep(page, "link-renewed")
    await page.goto(page.url)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Das haben Sie uns schon gesagt")
    facts = bridge.do(bridge.gate.store.all("links.responded", customers=[_customer(bridge)]))
    assert len(facts) >= 1


def _customer(bridge: Running) -> str:
    (row,) = bridge.do(bridge.gate.store.all("customers.keys", kind="phone", values=[PHONE]))
    return str(row[3])


async def test_unsubscribing_with_a_choice_and_taking_it_back(
    bridge: Running, send: Send, visit: Any, axe: str, keep: Any
) -> None:
    page = await visit(send("unsubscribe", language="en"))
    await expect(page.get_by_role("radio", name="No more text messages")).to_be_checked()
    assert await faults(page, axe) == []
    await keep(page, "link-unsubscribe-en")
    await page.keyboard.press("Tab")
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("radio", name="Nothing at all")).to_be_checked()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("You are unsubscribed")
    await expect(page.get_by_text("neither write to you nor call you")).to_be_visible()
    assert await faults(page, axe) == []
    await keep(page, "link-unsubscribed-en")
    await page.get_by_role("button", name="A mistake? Take it back").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("You will hear from us again")


async def test_an_offer_is_accepted_and_the_second_one_is_refused_in_plain_words(
    bridge: Running, send: Send, visit: Any, axe: str, keep: Any
) -> None:
    first, second = send("accept"), send("accept")
    page = await visit(first, color_scheme="dark")
    shown = await page.locator("dl").inner_text()
    assert "Gutschrift" in shown and "20,00 €" in shown
    assert await faults(page, axe) == []
    await keep(page, "link-accept-dark")
    await page.get_by_role("button", name="Angebot annehmen").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Vielen Dank, es ist zugesagt")
    await page.reload()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sie haben schon angenommen")
    late = await visit(second)
    await expect(late.get_by_role("heading", level=1)).to_have_text("Für Sie läuft schon ein Angebot")
    await expect(late.get_by_text("040 1234567")).to_be_visible()
    await expect(late.get_by_role("button")).to_have_count(0)
    assert await faults(late, axe) == []
    await keep(late, "link-refused")


@pytest.mark.parametrize("width", [320, 420, 1280])
async def test_pages_fit_every_screen(bridge: Running, send: Send, visit: Any, axe: str, width: int) -> None:
    for url in (send("renew"), send("unsubscribe"), send("renew", days=-3), f"{bridge.base}/l/nothing"):
        page = await visit(url, width=width, locale="de-DE")
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        assert await faults(page, axe) == []
        box = await page.get_by_role("heading", level=1).bounding_box()
        assert box is not None and box["x"] >= 16
        for button in await page.get_by_role("button").all():
            size = await button.bounding_box()
            assert size is not None and size["height"] >= 44
