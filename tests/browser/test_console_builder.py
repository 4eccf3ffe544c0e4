"""Building an automation in a real browser, as a new user does: by mouse, by keyboard alone, in German and English."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from bridge.automation.register import read_armed
from tests.browser.building import UNHAPPY, Opener, console_of, start_unhappy
from tests.browser.running import Running
from tests.browser.test_card import faults

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
SECONDS = 120
"""Within which a new user is done."""
READING = 2.5
"""Seconds that a person who has not seen the page takes to read and aim, before each thing that is done."""


@pytest.fixture(scope="module")
def building(tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Iterator[Running]:
    bridge = start_unhappy(tmp_path_factory.mktemp("building"))
    yield bridge
    bridge.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def console(browser: Browser, building: Running) -> AsyncIterator[Opener]:
    async with console_of(browser, building) as opener:
        yield opener


class Hand:
    """A person: does one thing after the other, is counted, and keeps a picture of each step."""

    def __init__(self, page: Page, folder: Path) -> None:
        self.page = page
        self.folder = folder
        self.acts = 0
        self.began = perf_counter()

    async def did(self, name: str, acts: int = 1) -> None:
        self.acts += acts
        await self.page.screenshot(path=self.folder / f"{self.acts:02}-{name}.png")

    async def click(self, key: str) -> None:
        await self.page.locator(f'[data-k="{key}"]').click()
        await self.did(key)

    async def choose(self, key: str, label: str) -> None:
        """Open a list, take one: two clicks."""
        await self.page.locator(f'[data-k="{key}"]').select_option(label=label)
        await self.did(key, 2)

    async def add(self, key: str, label: str) -> None:
        """Open a menu, take one: two clicks."""
        await self.page.locator(f'[data-k="{key}"]').click()
        await self.page.get_by_role("menuitem", name=label, exact=True).click()
        await self.did(key, 2)

    @property
    def seconds(self) -> float:
        """What the machine took, and a person's reading beside it."""
        return perf_counter() - self.began + self.acts * READING


def on(bridge: Running) -> list[Any]:
    return [one for one in bridge.do(read_armed(bridge.gate.store)) if one.mode == "on"]


async def test_a_new_user_builds_previews_and_switches_on_in_under_two_minutes(
    console: Opener, building: Running, tmp_path: Path, axe: str, keep: Any
) -> None:
    page = await console("/console")
    hand = Hand(page, tmp_path)
    await hand.click("nav-automations")
    await hand.click("new")
    await hand.click("template-empty")
    await hand.choose("trigger", "Umfrage beantwortet")
    await expect(page.locator('[data-k="where-1-value"]')).to_have_value("6")
    await hand.add("add-step", "E-Mail")
    await hand.add("add-step", "Warten")
    await hand.choose("step-1-unless", "außer es ist gelöst oder besprochen")
    await hand.add("add-step", "Rückruf einplanen")
    await expect(page.locator(".lookback .big")).to_have_text(f"{UNHAPPY} Kunden")
    await expect(page.locator(".lookback.stale")).to_have_count(0)
    assert await faults(page, axe) == []
    await hand.click("on")
    await expect(page.get_by_role("dialog")).to_contain_text(f"{UNHAPPY} Kunden")
    await page.get_by_role("dialog").get_by_role("button", name="Einschalten").click()
    await hand.did("yes")
    await expect(page.locator(".says")).to_contain_text("Eingeschaltet für 10 % der Kunden.")
    assert hand.seconds < SECONDS
    (armed,) = on(building)
    form = armed.rule.file
    assert form.roll_out == 0.1
    assert form.when.where == {"fact.metric": "nps", "fact.score": {"at_most": 6}}
    assert [one for step in form.do for one in step.__struct_fields__ if getattr(step, one) is not None] == [
        "send_email",
        "wait",
        "stop_if",
        "schedule_callback",
    ]
    assert form.do[0].send_email is not None
    assert form.do[0].send_email.apology
    await expect(page.locator(".state")).to_contain_text("eingeschaltet seit")
    await page.set_viewport_size({"width": 1280, "height": 1080})
    await page.locator(".say button").click()
    await keep(page, "console-builder")
    await hand.click("off")
    await expect(page.locator(".says")).to_contain_text("Ausgeschaltet")


class Keys(Hand):
    """The same person without a mouse: every key that is pressed is an act, and so is a word typed into a list."""

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.page.keyboard.press(key)
            self.acts += 1

    async def type(self, text: str) -> None:
        await self.page.keyboard.type(text)
        self.acts += 1

    async def reach(self, key: str, most: int = 40) -> None:
        """By Tab alone; that is quick, and no act that needs reading."""
        for _ in range(most):
            if await self.page.evaluate("document.activeElement?.dataset?.k ?? ''") == key:
                return
            await self.page.keyboard.press("Tab")
        raise AssertionError(f"{key} cannot be reached by Tab")

    async def pick(self, key: str, text: str, then: str) -> None:
        """Open a menu, type how an entry begins, take it; its first field has the focus."""
        await self.reach(key)
        await self.press("Enter")
        await self.type(text)
        await self.press("Enter")
        await expect(self.page.locator(f'[data-k="{then}"]')).to_be_focused()


WALKS = {
    "de": {
        "trigger": "Umfrage beantwortet",
        "steps": ("E-Mail", "Warten", "Rückruf einplanen"),
        "unless": "außer es ist gelöst",
        "reached": re.compile(r"^\d+ Kunden$"),
        "on": "Eingeschaltet für 10 % der Kunden.",
        "off": "Ausgeschaltet",
    },
    "en": {
        "trigger": "Survey answered",
        "steps": ("E-mail", "Wait", "Schedule a call"),
        "unless": "unless it was solved",
        "reached": re.compile(r"^\d+ customers$"),
        "on": "Switched on for 10% of customers.",
        "off": "Switched off",
    },
}


@pytest.mark.parametrize("language", WALKS)
async def test_the_keyboard_alone_is_enough_in_both_languages(
    console: Opener, building: Running, tmp_path: Path, language: str
) -> None:
    words: dict[str, Any] = WALKS[language]
    page = await console("/console/automations/new", language=language)
    hand = Keys(page, tmp_path)
    mail, wait, call = words["steps"]
    await hand.reach("template-empty")
    await hand.press("Enter")
    await expect(page.locator('[data-k="trigger"]')).to_be_focused()
    await hand.type(words["trigger"])
    await expect(page.locator('[data-k="where-1-value"]')).to_have_value("6")
    await hand.pick("add-step", mail, "step-0-first")
    await hand.pick("add-step", wait, "step-1-first")
    await hand.reach("step-1-unless")
    await hand.type(words["unless"])
    await expect(page.locator('[data-k="step-1-unless"]')).to_have_value("settled")
    await hand.pick("add-step", call, "step-3-first")
    await expect(page.locator(".lookback .big")).to_have_text(words["reached"])
    await hand.press("Control+Home")
    await page.locator("#main").focus()
    await hand.reach("on")
    await hand.press("Enter")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await hand.press("Enter")
    await expect(page.locator(".says")).to_contain_text(words["on"])
    assert hand.seconds < SECONDS
    (armed,) = on(building)
    assert armed.rule.file.title["de"] == "Umfrage beantwortet: E-Mail, Rückruf einplanen"
    await page.locator('[data-k="off"]').click()
    await expect(page.locator(".says")).to_contain_text(words["off"])


async def test_a_double_click_saves_a_new_automation_once(console: Opener, building: Running) -> None:
    page = await console("/console/automations/new")
    await page.locator('[data-k="template-bad_nps"]').click()
    before = len(bridge_armed(building))
    await page.locator('[data-k="save"]').dblclick()
    await expect(page.locator(".says")).to_contain_text("Gespeichert.")
    await expect(page.locator('[data-k="save"]')).to_be_focused()
    await page.reload()
    await expect(page.locator('[data-k="trigger"]')).to_be_visible()
    assert len(bridge_armed(building)) == before + 1


async def test_the_preview_names_whom_it_would_have_met_to_those_who_may_see_customers(
    console: Opener, axe: str
) -> None:
    page = await console("/console/automations/bad_nps")
    people = page.locator('.lookback [data-list="examples"] > li')
    await expect(people).to_have_count(3)
    await expect(people.first).to_contain_text("Kim Muster0")
    await expect(people.first).to_contain_text("E-Mail")
    await page.locator('[data-k="all-examples"]').press("Enter")
    await expect(people).to_have_count(UNHAPPY)
    await expect(page.locator(".lookback.stale")).to_have_count(0)
    assert await faults(page, axe) == []
    await page.get_by_role("button", name="Betrachten").click()
    await expect(page.locator(".lookback .big")).to_have_text(f"{UNHAPPY} Kunden")
    await expect(people).to_have_count(0)
    await page.locator('[data-k="step-0-first-open"]').click()
    await expect(page.locator(".reads .letter").first).to_contain_text("Frau Dr. Albers")


async def test_a_removed_step_comes_back_and_nothing_unsaved_is_lost_by_leaving(console: Opener) -> None:
    page = await console("/console/automations")
    await page.locator("[data-automation=bad_nps] a").click()
    await page.locator('[data-k="step-1-remove"]').click()
    await expect(page.locator('[data-block="1"] h2')).to_have_text("Dann")
    await page.locator('[data-k="undo"]').click()
    await expect(page.locator('[data-block="1"] h2')).to_have_text("Warten")
    await expect(page.locator('[data-k="step-1-unless"]')).to_have_value("settled")
    await expect(page.locator(".state")).to_contain_text("nicht gespeicherte")
    await page.locator('[data-k="nav-today"]').click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_be_visible()
    await expect(dialog.get_by_role("button", name="Abbrechen")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator('[data-block="1"]')).to_be_visible()
    await page.locator('[data-k="choice-en"]').click()  # another language draws the page anew
    await dialog.get_by_role("button", name="Abbrechen").click()
    await expect(page.locator(".state")).to_contain_text("nicht gespeicherte")
    await page.go_back()
    await dialog.get_by_role("button", name="Abbrechen").click()
    await expect(page.locator(".state")).to_contain_text("nicht gespeicherte")
    assert page.url.endswith("/console/automations/bad_nps")
    await page.locator(".skip").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".state")).to_contain_text("nicht gespeicherte")


async def test_what_is_missing_is_said_beside_its_field_and_has_the_focus(console: Opener, axe: str) -> None:
    page = await console("/console/automations/new")
    await page.locator('[data-k="template-empty"]').click()
    await page.locator('[data-k="save"]').click()
    await expect(page.locator('[data-k="trigger"]')).to_be_focused()
    await expect(page.locator('[data-k="trigger"]')).to_have_attribute("aria-invalid", "true")
    await expect(page.locator(".block .problem").first).to_have_text("Wählen Sie, was geschehen sein soll.")
    await page.locator('[data-k="trigger"]').select_option("ticket.opened")
    await page.locator('[data-k="add-step"]').click()
    await page.get_by_role("menuitem", name="Notiz hinterlassen").click()
    await page.locator('[data-k="save"]').click()
    await expect(page.locator('[data-k="step-0-first"]')).to_be_focused()
    assert await faults(page, axe) == []
    await page.locator('[data-k="step-0-first"]').fill("Bitte {{ fact_typ }} ansehen")
    await page.locator('[data-k="save"]').click()
    await expect(page.locator(".block.blamed .problem")).to_contain_text("fact_typ")
    await page.locator('[data-k="step-0-first"]').fill("Bitte {{ fact_type }} ansehen\nBitte ansehen")
    await page.locator('[data-k="save"]').click()
    await expect(page.locator(".says")).to_contain_text("Gespeichert.")
    await expect(page.locator(".block.blamed")).to_have_count(0)


async def test_a_message_of_ones_own_warns_of_the_language_that_is_missing(console: Opener, axe: str) -> None:
    page = await console("/console/automations/first_weeks")
    await page.locator('[data-k="step-0-first"]').select_option(label="Eigener Text")
    await page.locator('[data-k="step-0-first-subject"]').fill("Alles gut?")
    await page.locator('[data-k="step-0-first-lines"]').fill("wir fragen nach, {{ customer }}.")
    await expect(page.locator(".reads .letter").first).to_contain_text("wir fragen nach, Frau Dr. Albers.")
    await expect(page.locator(".reads .warn")).to_have_text("Fehlt auf Englisch: 3 Kunden bekämen es auf Deutsch.")
    assert await faults(page, axe) == []
    await page.locator('[data-k="save"]').click()
    await expect(page.locator(".says")).to_contain_text("Gespeichert")
    await page.locator('[data-k="choice-versions"]').click()
    await expect(page.locator(".versions > li")).to_have_count(2)
    await page.locator(".versions").get_by_role("button", name="Wieder einsetzen").click()
    await page.get_by_role("dialog").get_by_role("button", name="Wieder einsetzen").click()
    await expect(page.locator(".says")).to_contain_text("Die frühere Fassung gilt wieder.")


async def test_what_blocks_cannot_say_is_shown_and_kept(console: Opener, building: Running) -> None:
    page = await console("/console/automations/contract_ending")
    await expect(page.locator('[data-block="if"] .group')).to_have_count(1)
    before = next(one for one in bridge_armed(building) if one.id == "contract_ending").rule.file
    await page.locator('[data-k="choice-form"]').click()
    raw = page.locator('[data-k="raw"]')
    text = await raw.input_value()
    assert '"signal": "complaint"' in text
    await raw.fill("{")
    await page.locator('[data-k="use-raw"]').click()
    await expect(page.locator("section .problem")).to_have_text("Das ist kein gültiges JSON.")
    inner = [{"risk.score": {"more_than": 10, "less_than": 60}}, {"customer.region": "BY"}]
    odd = '"if": ' + json.dumps({"any": [{"not": {"all": inner}}, {"signal": {"exists": True}}]})
    await raw.fill(re.sub(r'"if": \{.*?\n  \}', odd, text, count=1, flags=re.DOTALL))
    await page.locator('[data-k="use-raw"]').click()
    await expect(page.locator('[data-block="if"] code')).to_contain_text("exists")
    await page.locator('[data-k="save"]').click()
    await expect(page.locator(".says")).to_contain_text("Gespeichert")
    after = next(one for one in bridge_armed(building) if one.id == "contract_ending").rule.file
    assert after.do == before.do
    kept = [{"risk.score": {"more_than": 10}}, {"risk.score": {"less_than": 60}}, {"customer.region": "BY"}]
    assert after.condition == {"any": [{"not": {"all": kept}}, {"signal": {"exists": True}}]}


async def test_the_list_says_what_each_does_and_everything_can_be_held(console: Opener, axe: str, keep: Any) -> None:
    page = await console()
    await expect(page.locator("[data-automation=bad_nps]")).to_contain_text("aus")
    assert await faults(page, axe) == []
    await page.locator('[data-k="pause"]').click()
    await page.get_by_role("dialog").get_by_role("button", name="Alles anhalten").click()
    await expect(page.locator(".held")).to_be_visible()
    await page.locator('[data-k="pause"]').click()
    await expect(page.locator(".held")).to_have_count(0)
    await page.get_by_role("button", name="Betrachten").click()
    await page.goto(page.url + "/bad_nps")
    await expect(page.locator('[data-k="save"]')).to_have_count(0)
    await expect(page.locator('[data-k="trigger"]')).to_be_disabled()
    await page.locator('[data-k="choice-runs"]').click()
    await expect(page.locator(".empty")).to_have_text("Noch hat nichts sie ausgelöst.")


def bridge_armed(bridge: Running) -> Any:
    return bridge.do(read_armed(bridge.gate.store))
