"""Surveys in the console, in a real browser: whom the next tranche would ask and why no more, results, the switch."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from bridge.automation.loop_rules import LoopRules, LoopsFile, Queue
from bridge.automation.survey_forms import SurveyFile
from bridge.automation.survey_register import adopt_surveys
from bridge.automation.surveys import compile_plan
from bridge.store import Unit, micros
from tests.browser.running import MANIFEST, Running, utc_now
from tests.browser.test_card import faults
from tests.browser.watching import wide_page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
TEAM = {"de": "Kundenbindung", "en": "Retention team"}
TITLE = {"de": "Nach der Lösung", "en": "After a matter was settled"}
AFTER: dict[str, Any] = {
    "id": "after",
    "title": TITLE,
    "metric": "nps",
    "when": {"after": "ticket.resolved"},
    "invite": {"survey": "s1", "by": "sms"},
    "purpose": "service",
    "expect": {"answers": 0.5, "bad": 0.4},
}
EXIT: dict[str, Any] = {
    "id": "leaving",
    "title": {"de": "Abschied", "en": "Leaving"},
    "metric": "exit",
    "when": {"after": "contract.cancelled", "delay": {"days": 3}},
    "invite": {"survey": "s2", "through": "nobody"},
}


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Iterator[Running]:
    """A bridge with two plans, 40 customers whose matter was settled, and a year of answers."""
    folder = tmp_path_factory.mktemp("surveys")
    bridge = Running(folder, demo=True)
    manifest = MANIFEST.replace("capabilities: [webhook]", "capabilities: [webhook, invite_survey]")
    (folder / "vendors" / "acme" / "manifest.yaml").write_text(manifest, "utf-8")
    adapter = folder / "vendors" / "acme" / "adapter.py"
    act = '\n    async def invite_survey(self, client, args, key):\n        return Receipt(reference="1")\n'
    adapter.write_text(adapter.read_text("utf-8").replace("Adapter, Item", "Adapter, Item, Receipt") + act, "utf-8")
    bridge.start()
    desk = bridge.gate.desk
    outreach = msgspec.structs.replace(desk.rules.outreach, people={"Jana Brandt": "j@example.org"})
    loops = LoopsFile(queues={"team": Queue(title=TEAM, limit=3)}, limits={"Jana Brandt": 2})
    plans = tuple(compile_plan(msgspec.convert(one, SurveyFile), "test") for one in (AFTER, EXIT))
    desk.rules = msgspec.structs.replace(desk.rules, surveys=plans, outreach=outreach, loops=LoopRules(file=loops))
    bridge.do(adopt_surveys(bridge.gate.store, plans, utc_now()))
    bridge.do(desk.look_up())
    now = utc_now()
    for number in range(40):
        person = {"id": f"p{number}", "name": f"Person {number}", "phones": [f"+4915155{number:06}"], "language": "de"}
        if number % 2:
            person["owner"] = "Jana Brandt"
        case = {"id": f"c{number}", "person": f"p{number}", "type": "problem", "topic": "Anschluss"}
        opened = {"opened": now.isoformat()}
        bridge.deliver(("person", person), ("case", {**case, **opened, "status": "open"}))
    bridge.know(("company", {"id": "f9", "name": "Muster"}))
    now = utc_now()
    for number in range(40):
        case = {"id": f"c{number}", "person": f"p{number}", "type": "problem", "topic": "Anschluss"}
        opened = {"opened": now.isoformat()}
        bridge.deliver(("case", {**case, **opened, "status": "resolved"}))
    bridge.know(("company", {"id": "f9", "name": "Muster AG"}))
    bridge.do(_history(bridge))
    yield bridge
    bridge.stop()


async def _history(bridge: Running) -> None:
    """Invitations of the last months: those at risk answer less, and worse."""
    unit = Unit()
    at = micros(utc_now() - timedelta(days=40))
    for number in range(240):
        tier, band = ("gold", "high") if number % 3 == 0 else ("silver", "low")
        chance = 0.8 if band == "low" else 0.5
        unit.add(
            "surveys.put_occasion",
            id=f"h{number}",
            plan="after",
            metric="nps",
            customer=f"c_h{number}",
            cause="",
            mode="on",
            came_up_at=at,
        )
        unit.add(
            "surveys.assess",
            id=f"h{number}",
            customer=f"c_h{number}",
            state="ready",
            reason="",
            tranche="t",
            owner="team",
            tier=tier,
            band=band,
            bad=0.3,
            answers=0.3,
        )
        invited = number % 10 < chance * 10
        state = "invited" if invited else "passed"
        unit.add("surveys.settle", id=f"h{number}", state=state, propensity=chance, drawn_at=at, run=f"r_h{number}")
        if invited and (number % 7 < 4 if band == "low" else number % 4 == 0):
            score = 10.0 if band == "low" and number % 5 else 3.0
            unit.add(
                "surveys.answer",
                id=f"h{number}",
                answered_at=at + 1,
                score=score,
                scale=10.0,
                response=f"crm/answer/{number}",
            )
    await bridge.gate.store.write(unit)


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    async with wide_page(browser, width=1240, height=1000) as opened_page:
        yield opened_page


async def test_all_surveys_say_when_they_ask_and_how_many_answered(
    page: Page, asking: Running, axe: str, keep: Any
) -> None:
    await page.goto(f"{asking.base}/console/surveys")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Umfragen")
    row = page.get_by_role("row").filter(has_text="Nach der Lösung")
    await expect(row).to_contain_text("nach einem gelösten Ticket")
    await expect(row).to_contain_text("aus")
    await expect(page.get_by_role("row").filter(has_text="Abschied")).to_contain_text("3 Tage nach einer Kündigung")
    assert await faults(page, axe) == []
    await keep(page, "console-surveys")
    await row.get_by_role("link").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Nach der Lösung")


async def test_the_next_tranche_says_how_many_may_be_asked_and_why_no_more(
    page: Page, asking: Running, axe: str, keep: Any
) -> None:
    await page.goto(f"{asking.base}/console/surveys/after")
    await expect(page.locator(".next-size .big")).to_contain_text("von 40")
    await expect(page.locator(".because")).to_contain_text("Jana Brandt hat Zeit für 2 schlechte Antworten.")
    await expect(page.locator(".because")).to_contain_text("Kundenbindung hat Zeit für 3 schlechte Antworten.")
    owners = page.get_by_role("table", name="Wer antworten müsste")
    await expect(owners.get_by_role("row").filter(has_text="Jana Brandt")).to_contain_text("20")
    await expect(page.get_by_role("table", name="Wer gefragt würde")).to_contain_text("Chance")
    assert await faults(page, axe) == []
    await keep(page, "console-survey")


async def test_results_show_what_weighing_changes(page: Page, asking: Running) -> None:
    await page.goto(f"{asking.base}/console/surveys/after")
    plain = page.locator(".plain-figure .figure")
    weighted = page.locator(".weighted .figure")
    await expect(weighted).to_be_visible()
    assert await plain.inner_text() != await weighted.inner_text()
    response = page.get_by_role("table", name="Wer antwortet")
    await expect(response.get_by_role("row").filter(has_text="Gold")).to_contain_text("80")


async def test_a_survey_that_nobody_can_send_says_what_is_missing(page: Page, asking: Running) -> None:
    await page.goto(f"{asking.base}/console/surveys/leaving")
    await expect(page.get_by_role("status").filter(has_text="So kann niemand gefragt werden")).to_be_visible()
    await expect(page.get_by_text("Noch wurde niemand gefragt.")).to_be_visible()


async def test_it_is_switched_by_keyboard_after_a_question_and_viewers_cannot(page: Page, asking: Running) -> None:
    await page.goto(f"{asking.base}/console/surveys/after")
    await page.locator("[data-k=choice-dry]").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_contain_text("Probelauf beginnen?")
    await page.keyboard.press("Escape")
    await expect(page.locator("[data-k=choice-off]")).to_have_attribute("aria-pressed", "true")
    await page.keyboard.press("Enter")
    await page.get_by_role("dialog").get_by_role("button", name="Probelauf").click()
    await expect(page.locator("[data-k=choice-dry]")).to_have_attribute("aria-pressed", "true")
    await expect(page.get_by_text("Der Probelauf läuft.")).to_be_visible()
    await page.locator("[data-k=choice-off]").click()
    await page.get_by_role("dialog").get_by_role("button", name="Ausschalten").click()
    await expect(page.locator("[data-k=choice-off]")).to_have_attribute("aria-pressed", "true")
    await page.get_by_role("button", name="Betrachten").click()
    await expect(page.locator("[data-k=choice-dry]")).to_have_count(0)


@pytest.mark.parametrize("width", [380, 1240])
async def test_in_english_in_the_dark_and_narrow_nothing_is_lost(
    page: Page, asking: Running, axe: str, width: int
) -> None:
    await page.set_viewport_size({"width": width, "height": 1000})
    await page.emulate_media(color_scheme="dark")
    await page.goto(f"{asking.base}/console/surveys/after")
    if width < 900:
        await page.get_by_text("Menü").click()
    await page.locator("[data-k=choice-en]").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("After a matter was settled")
    await expect(page.locator(".because")).to_contain_text("Jana Brandt has time for 2 bad answers.")
    wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
    assert await faults(page, axe) == []
