"""The card over time: quickly there, kept up to date, not moved, not forgotten; and what it says when it cannot."""

from __future__ import annotations

import asyncio
import gzip
import re
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from statistics import median
from typing import Any

import pytest
from playwright.async_api import Page, expect

from bridge.gateway.pages import CARD
from tests.browser.conftest import Open
from tests.browser.people import PHONES
from tests.browser.running import Host, Running, utc_now
from tests.browser.test_grant import complaining
from tests.patience import crowding, eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

STATUS = "retention-card [role=status]"


async def wait_live(page: Page) -> None:
    """Until the card hears of updates."""
    await page.locator("retention-card .dot").wait_for()


async def test_the_module_is_small_and_imports_nothing(open_card: Open, running: Running) -> None:
    page = await open_card()
    text = await page.evaluate("(url) => fetch(url).then((answer) => answer.text())", f"{running.base}{CARD}")
    assert 10_000 < len(gzip.compress(text.encode(), 9)) < 30_000
    assert not re.search(r"^\s*import\b|\bimport\(|https?://(?!bridge\.example)", text, re.MULTILINE)


NEXT_CALL = """(phone) => new Promise((resolve) => {
  const began = performance.now();
  const painted = () => requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - began)));
  card.addEventListener('retention-card:ready', painted, { once: true });
  card.setAttribute('phone', phone);
})"""


Measured = list[tuple[float, float]]


async def holds(limit_ms: float, measure: Callable[[], Awaitable[list[float]]]) -> tuple[bool, Measured]:
    """Whether the median of any of some rounds keeps the limit, stretched by how crowded the machine was in that round.

    A machine may be busy with other tests: one even round is proof enough, and what is too slow is so in all of them.
    Also all medians with these factors.
    """
    rounds: Measured = []
    for _ in range(6):
        before = crowding()
        taken = median(await measure())
        rounds.append((taken, min(before, crowding())))
        if taken < limit_ms * rounds[-1][1]:
            return True, rounds
    return False, rounds


async def test_the_card_of_the_next_call_is_painted_within_a_tenth_of_a_second(
    open_card: Open, record_property: Callable[[str, object], None]
) -> None:
    page = await open_card(phone=PHONES["risk"])

    async def calls() -> list[float]:
        return [await page.evaluate(NEXT_CALL, phone) for phone in (PHONES["calm"], PHONES["risk"]) * 6]

    kept, rounds = await holds(100, calls)
    record_property("next_call_ms", rounds)
    assert kept, rounds


async def test_the_first_card_of_a_fresh_page_is_painted_within_a_tenth_of_a_second(
    open_card: Open, record_property: Callable[[str, object], None]
) -> None:
    """From the moment at which the host places it. Nobody asks the page meanwhile: that takes time from it."""

    async def fresh_pages() -> list[float]:
        times: list[float] = []
        for _ in range(7):
            page = await open_card(phone=PHONES["risk"], wait=False)
            await asyncio.sleep(0.5)
            await page.wait_for_function("() => window.readyAt")
            times.append(await page.evaluate("readyAt - began"))
            await page.close()
        return times

    kept, rounds = await holds(100, fresh_pages)
    record_property("first_call_ms", rounds)
    assert kept, rounds


MOVE_WHAT_IS_BELOW = """() => new Promise((resolve) => requestIdleCallback(() => requestAnimationFrame(() => {
  document.querySelector('#place').style.minHeight = '1250px';
  resolve();
})))"""
"""Movements are told in their order: once this one is heard of, all that came before it are known."""


async def test_nothing_moves_while_it_loads(open_card: Open) -> None:
    for phone in (PHONES["risk"], PHONES["calm"], PHONES["unknown"], PHONES["deceased"]):
        page = await open_card(phone=phone)
        await page.wait_for_function("() => window.readyAt")
        if phone != PHONES["unknown"]:
            await wait_live(page)
        await page.evaluate(MOVE_WHAT_IS_BELOW)
        await page.wait_for_function("() => moved.some((one) => one.startsWith('below '))")
        assert [one for one in await page.evaluate("moved") if not one.startswith("below ")] == []
        await page.close()


async def test_what_comes_stands_where_its_outline_stood(open_card: Open, context: Any) -> None:
    held: list[Any] = []

    def hold(route: Any) -> None:
        held.append(route)

    await context.route("**/v1/assist", hold)
    page = await open_card(phone=PHONES["risk"], wait=False)
    tops = """() => ['who', 'risk', 'say'].map(
      (name) => card.shadowRoot.querySelector(`.${name}`).getBoundingClientRect().top)"""
    await page.locator("retention-card [aria-busy]").wait_for()
    outline = await page.evaluate(tops)
    await eventually(lambda: held, "the card is asked for")
    for route in held:
        await route.continue_()
    await page.locator("retention-card .line").wait_for()
    for before, after in zip(outline, await page.evaluate(tops), strict=True):
        assert abs(before - after) < 40


SEEN = """() => {
  window.seen = {};
  const look = () => {
    const text = card.shadowRoot.querySelector('.facts')?.innerText ?? '';
    if (text) seen[text] ??= Date.now();
  };
  new MutationObserver(() => requestAnimationFrame(() => setTimeout(look)))
    .observe(card.shadowRoot, { subtree: true, childList: true, characterData: true });
}"""


async def test_an_update_is_seen_within_300_ms_of_the_delivery_that_caused_it(
    open_card: Open, running: Running, record_property: Callable[[str, object], None]
) -> None:
    persons = iter(range(200, 300))

    async def updates() -> list[float]:
        number = next(persons)
        phone = f"+493023125{number}"
        running.know(("person", {"id": str(number), "name": "Jens Vogt", "phones": [phone], "since": "2020-01-01"}))
        page = await open_card(phone=phone, lang="de")
        await wait_live(page)
        assert "Nichts deutet darauf hin" in await page.locator("retention-card .risk").inner_text()
        await page.evaluate(SEEN)
        times: list[float] = []
        facts = ["Offen: Fall 1", *(f"{count} offene Fälle" for count in range(2, 6))]  # the card lists no more
        for fall, text in enumerate(facts, 1):
            raw = {
                "id": f"t{number}-{fall}",
                "person": str(number),
                "type": "problem",
                "status": "open",
                "topic": f"Fall {fall}",
                "opened": (utc_now() - timedelta(minutes=5)).isoformat(),
            }
            began = time.time() * 1000
            running.deliver(("case", raw))
            seen = await page.wait_for_function("(text) => window.seen[text]", arg=text)
            times.append(await seen.json_value() - began)
        await expect(page.locator(STATUS)).to_contain_text("Aktualisiert")
        await page.close()
        return times

    kept, rounds = await holds(300, updates)
    record_property("update_ms", rounds)
    assert kept, rounds


async def test_an_update_leaves_what_the_agent_is_doing(open_card: Open, running: Running) -> None:
    running.know(
        ("person", {"id": "21", "name": "Paul Fuchs", "phones": ["+493023125121"]}),
        (
            "case",
            {
                "id": "p1",
                "person": "21",
                "type": "complaint",
                "status": "open",
                "topic": "Rechnung",
                "opened": (utc_now() - timedelta(days=2)).isoformat(),
            },
        ),
    )
    page = await open_card(phone="+493023125121", lang="de")
    await wait_live(page)
    await page.locator("retention-card .reason").first.click()
    await page.locator("retention-card [data-k=add-note]").click()
    await page.keyboard.type("ruft zurück")
    running.deliver(("person", {"id": "21", "name": "Paul Fuchs-Busch", "phones": ["+493023125121"]}))
    await expect(page.locator("retention-card h2")).to_have_text("Paul Fuchs-Busch")
    await expect(page.locator("retention-card .evidence:visible")).to_have_count(1)
    await page.keyboard.type("!")
    assert await page.locator("retention-card textarea").input_value() == "ruft zurück!"


UNDO_MS = 5000
FRAME_MS = 50
"""Within so much of the page's time what was said is shown."""


async def stop_clock(page: Page) -> None:
    """From here on the page's time stands still: a test may take as long as it likes for what an agent does at once."""
    await page.clock.install()
    await page.clock.pause_at(utc_now() + timedelta(seconds=1))


async def test_an_outcome_can_be_taken_back_and_is_recorded_once_with_its_note(
    open_card: Open, running: Running
) -> None:
    phone = "+493023125122"
    running.know(("person", {"id": "22", "name": "Mia Sommer", "phones": [phone], "since": "2020-01-01"}))
    page = await open_card(phone=phone, lang="de")
    await stop_clock(page)
    await page.locator("retention-card [data-k=lost]").click()
    await page.locator("retention-card [data-k=undo]").click()
    await page.clock.run_for(FRAME_MS)
    await expect(page.locator(STATUS)).to_have_text("Zurückgenommen.")
    assert await page.evaluate("card.shadowRoot.activeElement.dataset.k") == "saved"
    await page.locator("retention-card [data-k=saved]").click()
    await page.locator("retention-card textarea").fill("bleibt, will Papierrechnung")
    assert running.outcomes(phone) == []
    await page.clock.fast_forward(UNDO_MS)
    await expect(page.locator("retention-card .after")).to_contain_text("vermerkt um")
    assert running.outcomes(phone) == [("result", "saved", "bleibt, will Papierrechnung")]
    heard = await page.evaluate("heard.filter(([name]) => name === 'outcome').map(([, detail]) => detail.result)")
    assert heard == ["saved"]
    await page.locator("retention-card textarea").fill("bleibt, will Papierrechnung ab Mai")
    await page.locator("retention-card [data-k=save-note]").click()
    await expect(page.locator("retention-card [data-k=save-note]")).to_have_count(0)
    await page.clock.run_for(FRAME_MS)
    await expect(page.locator(STATUS)).to_have_text("Notiz gesichert.")
    assert running.outcomes(phone)[1:] == [("note", None, "bleibt, will Papierrechnung ab Mai")]


async def test_a_reload_loses_nothing(open_card: Open, running: Running) -> None:
    phone = complaining(running, "23")
    running.call(phone, "call-reload")
    page = await open_card(interaction="call-reload", lang="de")
    await stop_clock(page)
    await page.locator("retention-card .reason").first.click()
    await page.locator("retention-card [data-k=other]").click()
    await expect(page.locator("retention-card .place")).to_have_text(re.compile("^2/"))
    line = await page.locator("retention-card .line").inner_text()
    await page.locator("retention-card [data-k=pending]").click()
    await page.locator("retention-card textarea").fill("halb geschrieben")
    await page.reload()
    await page.locator("retention-card .say").wait_for()
    assert await page.locator("retention-card .evidence:visible").count() == 1
    await expect(page.locator("retention-card .line")).to_have_text(line)
    assert await page.locator("retention-card textarea").input_value() == "halb geschrieben"
    await expect(page.locator("retention-card [data-k=pending]")).to_have_attribute("aria-pressed", "true")
    await page.clock.run_for(UNDO_MS)
    await expect(page.locator("retention-card .after")).to_contain_text("vermerkt um")
    assert running.outcomes(phone) == [("result", "pending", "halb geschrieben")]


async def test_a_call_that_nobody_has_looked_up_yet_is_waited_for(open_card: Open, running: Running) -> None:
    page = await open_card(interaction="call-later", lang="de")
    await expect(page.locator("retention-card [data-notice=none]")).to_be_visible()
    running.call(PHONES["calm"], "call-later")
    await expect(page.locator("retention-card h2")).to_have_text("Aylin Demir")


async def test_an_ended_ticket_is_renewed_without_a_word(open_card: Open, running: Running, host: Host) -> None:
    asked: list[bool] = []

    def renew(why: dict[str, Any]) -> str:
        asked.append(why["expired"])
        return running.ticket(host.origin, minutes=10 if why["expired"] else -1)

    page = await open_card(phone=PHONES["risk"], renew=renew)
    await expect(page.locator("retention-card h2")).to_have_text("Katrin Albers")
    assert asked == [False, True]


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("kind", ["expired", "forged", "foreign", "nonsense"])
async def test_a_ticket_that_is_not_good_here_shows_nothing_and_says_so(
    open_card: Open, running: Running, host: Host, kind: str, language: str
) -> None:
    ticket = {
        "expired": running.ticket(host.origin, minutes=-1),
        "forged": running.ticket(host.origin, secret="f" * 32),
        "foreign": running.ticket("https://elsewhere.example"),
        "nonsense": "a.b.c",
    }[kind]
    page = await open_card(phone=PHONES["risk"], ticket=ticket, lang=language)
    said = await page.evaluate("card.shadowRoot.textContent")
    assert ("Anmeldung abgelaufen" if language == "de" else "Sign-in has expired") in said
    assert "Albers" not in said
    await page.wait_for_function("() => heard.length")
    assert await page.evaluate("heard.map(([name]) => name)") == ["ticket-expired"]
    await page.evaluate("(ticket) => { card.ticket = ticket; }", running.ticket(host.origin))
    await expect(page.locator("retention-card h2")).to_have_text("Katrin Albers")


async def test_a_page_elsewhere_cannot_read_with_a_ticket_that_is_not_its_own(
    open_card: Open, running: Running, host: Host
) -> None:
    page = await open_card(phone=PHONES["unknown"])
    read = """async ([url, authorization, phone]) => {
      try {
        const headers = { authorization, 'content-type': 'application/json' };
        const body = JSON.stringify({ phone });
        const answer = await fetch(`${url}/v1/assist`, { method: 'POST', headers, body });
        return [answer.status, await answer.text()];
      } catch { return ['blocked', '']; }
    }"""
    for bearer in (running.ticket("https://elsewhere.example"), running.key):
        status, text = await page.evaluate(read, [running.base, f"Bearer {bearer}", PHONES["risk"]])
        assert status in (401, "blocked")
        assert "Albers" not in text


@pytest.mark.parametrize(("language", "words"), [("de", "Keine Verbindung"), ("en", "No connection")])
async def test_while_the_gateway_is_down_it_says_so_and_comes_back_by_itself(
    open_card: Open, running: Running, language: str, words: str
) -> None:
    page = await open_card(phone=PHONES["risk"], lang=language)
    await wait_live(page)
    running.close_door()
    try:
        gone = "Live-Aktualisierung unterbrochen" if language == "de" else "Live updates interrupted"
        await expect(page.locator("retention-card .foot")).to_contain_text(gone)
        assert "Albers" in await page.evaluate("card.shadowRoot.textContent")
        await page.evaluate("card.setAttribute('phone', '+493023125102')")
        await expect(page.locator("retention-card [role=alert]")).to_contain_text(words)
    finally:
        running.open_door()
    await expect(page.locator("retention-card h2")).to_have_text("Aylin Demir")


async def test_a_card_taken_out_of_the_page_listens_no_more(open_card: Open, running: Running) -> None:
    page = await open_card(phone=PHONES["calm"])
    await wait_live(page)
    cards = running.gate.updates._cards
    await eventually(lambda: cards, "a card is listened for")
    await page.evaluate("card.remove()")
    await eventually(lambda: not cards, "no card is listened for")
