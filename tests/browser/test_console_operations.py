"""The operator's pages of the console in a real browser: sources, what was left lying, duplicates."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, expect

from bridge.flow import look_for_doubles
from bridge.store import micros
from tests.browser.running import Running, utc_now
from tests.browser.test_card import faults
from tests.browser.watching import wide_page
from tests.patience import PATIENCE_SECONDS

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

FAMILIES = ("Krüger", "Yılmaz", "Seifert")
PAGES = {
    "sources": ("Quellen", "Sources"),
    "letters": ("Liegengebliebenes", "Stuck"),
    "identity": ("Dubletten", "Duplicates"),
    "models": ("Modelle", "Models"),
}


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Iterator[Running]:
    """A bridge in demo mode, where nobody has to sign in."""
    started = Running(tmp_path_factory.mktemp("operations"), demo=True).start()
    yield started
    started.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    async with wide_page(browser, width=1240, height=900) as opened_page:
        yield opened_page


async def enter(page: Page, bridge: Running, name: str, role: str = "Betrieb") -> None:
    """Open a page of the console in a role of the example."""
    await page.goto(f"{bridge.base}/console/{name}")
    await page.get_by_role("button", name=role).click()
    await expect(page.locator(f".page.{name} h1")).to_have_text(PAGES[name][0])


def write(bridge: Running, sql: str, *values: Any) -> None:
    """What a test changes in the database itself."""
    with closing(sqlite3.connect(bridge.settings.database_url.removeprefix("sqlite:///"), timeout=30)) as db:
        db.execute(sql, values)
        db.commit()


def read(bridge: Running, sql: str) -> list[tuple[Any, ...]]:
    """What is in the database."""
    with closing(sqlite3.connect(bridge.settings.database_url.removeprefix("sqlite:///"), timeout=30)) as db:
        return [tuple(row) for row in db.execute(sql).fetchall()]


def spoil(bridge: Running, *items: tuple[str, dict[str, Any]]) -> None:
    """Deliver what cannot be read, and wait until that is known."""
    before = len(read(bridge, "select id from deliveries where state = 'dead'"))
    bridge.deliver(*items)
    end = time.monotonic() + PATIENCE_SECONDS
    while len(read(bridge, "select id from deliveries where state = 'dead'")) < before + len(items):
        assert time.monotonic() < end, "the deliveries were read after all"
        time.sleep(0.05)


def lost_message(bridge: Running, number: int, state: str, why: str) -> None:
    """A message whose fate is `state`."""
    at = micros(utc_now() - timedelta(minutes=20))
    columns = "source, action, args, customer, fact, channel, dedupe_key, state, created_at, due_at, attempts, error"
    fixed = "'mail', 'send_email', '{}', '', '', 'email'"
    values = (f"test-{number}", state, at, at, 1, why, at)
    write(bridge, f"insert into outbox ({columns}, finished_at) values ({fixed}, ?, ?, ?, ?, ?, ?, ?)", *values)


def doubles(bridge: Running, *pairs: int) -> None:
    """People who were entered twice."""
    write(bridge, "update deliveries set state = 'discarded' where state = 'dead'")
    for pair in pairs:
        phone, account = f"+4930231250{pair:02d}", [f"H{pair}"]
        first = {
            "given_name": "Eva",
            "family_name": FAMILIES[pair % 3],
            "language": "de",
            "owner": "Jana",
        }
        known = {"name": f"Eva {first['family_name']}", "phones": [phone], "accounts": account}
        second = {"name": f"E. {first['family_name']}", "phones": [phone], "accounts": account, "language": "de"}
        bridge.know(("person", {"id": f"E{pair}", **first, **known}), ("person", {"id": f"F{pair}", **second}))
    bridge.do(look_for_doubles(bridge.gate.desk, utc_now()))


@pytest.mark.parametrize("name", list(PAGES))
async def test_every_page_speaks_both_languages_in_light_and_dark_and_fits_a_telephone(
    page: Page, bridge: Running, axe: str, name: str
) -> None:
    await enter(page, bridge, name)
    assert await faults(page, axe) == []
    await page.locator("[data-k=choice-en]").click()
    await page.locator("[data-k=choice-dark]").click()
    await expect(page.locator(f".page.{name} h1")).to_have_text(PAGES[name][1])
    assert await faults(page, axe) == []
    await page.set_viewport_size({"width": 380, "height": 740})
    overflow = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0
    assert "undefined" not in await page.locator("main").inner_text()
    assert "null" not in await page.locator("main").inner_text()


@pytest.mark.parametrize("name", list(PAGES))
async def test_a_page_says_when_the_server_does_not_answer_and_loads_once_it_does(
    page: Page, bridge: Running, name: str
) -> None:
    await enter(page, bridge, "sources")
    broken = True

    async def fail(route: Route) -> None:
        await (route.abort() if broken else route.fallback())

    await page.route(re.compile(r"/v1/(sources|outbox|dead-letters|identity|models)"), fail)
    await page.goto(f"{bridge.base}/console/{name}")
    await expect(page.get_by_role("alert")).to_contain_text("Der Server antwortet gerade nicht.")
    broken = False
    await page.get_by_role("alert").get_by_role("button").click()
    await expect(page.locator(f".page.{name} h1")).to_have_text(PAGES[name][0])


async def test_a_source_that_fails_says_in_plain_words_what_to_do(
    page: Page, bridge: Running, axe: str, keep: Any
) -> None:
    bridge.know(("person", {"id": "1", "name": "Ada"}))
    store = bridge.gate.store
    for stream, total in (("people", 1200), ("tickets", None)):
        bridge.do(store.change("sources.add_stream", source="crm", stream=stream, at=micros(utc_now())))
        write(bridge, "update cursors set position = 480, total = ? where stream = ?", total, stream)
    await enter(page, bridge, "sources")
    await expect(page.get_by_role("status").first).to_have_text("Eine Quelle, alle in Ordnung.")
    error = "crm: GET /people was answered 401"
    bridge.do(store.change("sources.failed", name="crm", error=error, at=micros(utc_now())))
    write(bridge, "update cursors set failures = 3, error = ? where stream = 'people'", error)
    await page.get_by_role("button", name="Neu laden").click()
    panel = page.locator(".source")
    await expect(panel.locator(".trouble")).to_contain_text("Der Zugang wird nicht angenommen.")
    await expect(panel.locator(".trouble")).to_contain_text("Schlüssel oder Rechte beim Anbieter prüfen")
    await expect(panel.locator("code").first).to_have_text(error)
    await expect(panel.locator(".hours rect")).to_have_count(24)
    await expect(panel.locator("figcaption")).to_have_text(
        re.compile(r"^(eine Lieferung|\d+ Lieferungen) in 24 Stunden$")
    )
    await expect(panel.locator("tbody tr").first).to_contain_text("480 von 1.200")
    assert await faults(page, axe) == []
    await keep(page, "console-sources")
    bridge.do(store.change("sources.seen", name="crm", at=micros(utc_now())))


async def test_a_message_whose_fate_nobody_knows_is_settled_by_a_person(
    page: Page, bridge: Running, axe: str, keep: Any
) -> None:
    for number in (1, 2):
        lost_message(bridge, number, "uncertain", "mail: DATA timed out")
    lost_message(bridge, 3, "dead", "mail: the server refused the sender")
    spoil(bridge, ("unheard", {"id": 1}))
    await page.goto(f"{bridge.base}/console/today")
    await expect(page.locator(".errand b").first).to_have_text("2 Nachrichten: niemand weiß, ob sie ankamen")
    await expect(page.locator(".errand")).to_have_count(3)
    assert await faults(page, axe) == []
    await keep(page, "console-today")
    await enter(page, bridge, "letters")
    await expect(page.locator("#uncertain")).to_have_text("Unklar, ob angekommen2")
    await expect(page.get_by_text("Ob das ankam, weiß niemand")).to_be_visible()
    assert await faults(page, axe) == []
    await keep(page, "console-letters")
    await page.get_by_role("button", name="Kam an", exact=True).first.click()
    await expect(page.get_by_text("Gemerkt: Es kam an.")).to_be_visible()
    await page.get_by_role("button", name="Kam nicht an").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("Kam sicher nicht an?")
    await page.keyboard.press("Escape")
    await expect(page.locator("#uncertain")).to_have_text("Unklar, ob angekommen1")
    await page.get_by_role("button", name="Kam nicht an").click()
    await dialog.get_by_role("button", name="Kam nicht an").click()
    await expect(page.get_by_text("Von allem Verschickten ist bekannt, was daraus wurde.")).to_be_visible()
    states = read(bridge, "select dedupe_key, state from outbox where dedupe_key like 'test-_' order by 1")
    assert states[0] == ("test-1", "sent")
    assert states[1][1] not in ("uncertain", "sent")
    await page.get_by_role("button", name="Noch einmal versuchen").click()
    await expect(page.get_by_text("Steht wieder an.")).to_be_visible()


async def test_all_that_failed_at_one_source_is_tried_again_together(page: Page, bridge: Running) -> None:
    for number in (11, 12):
        lost_message(bridge, number, "dead", "mail: connecting was answered 535")
    await enter(page, bridge, "letters")
    await page.get_by_role("button", name="Alle über mail noch einmal versuchen").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("Ist behoben, woran es lag?")
    await dialog.get_by_role("button", name="Noch einmal versuchen", exact=True).click()
    await expect(page.get_by_text("2 Aktionen stehen wieder an.")).to_be_visible()
    await expect(page.get_by_role("button", name="Alle über mail noch einmal versuchen")).to_have_count(0)


async def test_what_cannot_be_read_is_looked_at_read_again_or_given_up_with_a_reason(
    page: Page, bridge: Running, axe: str, keep: Any
) -> None:
    wrong = [("person", {"id": f"w{number}", "name": "Wilma Geheim", "since": "neulich"}) for number in range(3)]
    spoil(bridge, *wrong)
    await enter(page, bridge, "letters")
    kind = page.locator(".kind", has_text="person.since")
    await expect(kind).to_contain_text("Ein Feld passt nicht zur Zuordnung.")
    await expect(kind).to_contain_text("In mappings/acme.yaml nachsehen")
    await expect(kind).to_contain_text("3 Lieferungen")
    await kind.get_by_role("button", name="Ansehen").press("Enter")
    await expect(kind.locator(".inside li")).to_have_count(3)
    await expect(page.get_by_text("Wilma Geheim")).to_have_count(0)
    await kind.get_by_role("button", name="Inhalt zeigen").first.press("Enter")
    await expect(kind.locator("pre")).to_contain_text("Wilma Geheim")
    await expect(kind.locator("pre")).to_be_focused()
    assert await faults(page, axe) == []
    await keep(page, "console-letters-open")
    bridge.do(bridge.gate.flush())
    assert read(bridge, "select count(*) from audit where action = 'dead_letter.read'") == [(1,)]

    await kind.get_by_role("button", name="Alle noch einmal lesen").press("Enter")
    await expect(page.get_by_text("3 Lieferungen werden noch einmal gelesen.")).to_be_visible()
    # they are read again and cannot be read again: how fast is the worker's business
    end = time.monotonic() + PATIENCE_SECONDS
    while len(read(bridge, "select id from deliveries where state = 'dead' and object = 'person'")) < 3:
        assert time.monotonic() < end
        await asyncio.sleep(0.05)
    await page.reload()
    await kind.get_by_role("button", name="Aufgeben …").press("Enter")
    await expect(page.locator("#because")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("#because")).to_have_count(0)
    await expect(kind.get_by_role("button", name="Aufgeben …")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.type("Testzeilen des Anbieters")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("3 Lieferungen sind aufgegeben.")).to_be_visible()
    await expect(kind).to_have_count(0)
    await page.get_by_role("button", name="aufgegeben", exact=True).click()
    await kind.get_by_role("button", name="Ansehen").click()
    await expect(kind.locator(".inside li").first).to_contain_text("aufgegeben: Testzeilen des Anbieters")
    assert read(bridge, "select count(*) from deliveries where state = 'discarded'") == [(3,)]


async def test_who_only_supervises_sees_that_something_lies_there_and_never_its_content(
    page: Page, bridge: Running
) -> None:
    spoil(bridge, ("strange", {"id": 7}))
    await enter(page, bridge, "letters", role="Leitung")
    kind = page.locator(".kind", has_text="strange")
    await kind.get_by_role("button", name="Ansehen").click()
    await expect(kind).to_contain_text("Den Inhalt sieht nur der Betrieb.")
    await expect(kind.get_by_role("button", name=re.compile("Inhalt|lesen|Aufgeben"))).to_have_count(0)


async def test_what_a_role_cannot_open_is_told_to_it_without_a_link(page: Page, bridge: Running) -> None:
    spoil(bridge, ("odd", {"id": 8}))
    await page.goto(f"{bridge.base}/console/today")
    errand = page.locator("[data-k=letters_dead]")
    await expect(errand).to_have_attribute("href", "/console/letters")
    await page.get_by_role("button", name="Betrachten").click()
    await expect(errand).to_contain_text("Darum kümmern sich Leitung und Betrieb.")
    assert await errand.get_attribute("href") is None
    await page.goto(f"{bridge.base}/console/letters")
    await expect(page.get_by_role("alert")).to_contain_text("Dafür reicht Ihre Rolle nicht.")
    await page.get_by_role("alert").get_by_role("link", name="Heute").click()
    await expect(errand).to_be_visible()


async def test_pairs_are_decided_by_five_keys_and_every_decision_is_taken_back(
    page: Page, bridge: Running, axe: str, keep: Any
) -> None:
    await enter(page, bridge, "identity")
    await expect(page.get_by_text("Kein Paar wartet.")).to_be_visible()
    doubles(bridge, 11, 12, 13)
    await page.reload()
    await expect(page.locator(".page > .top").get_by_role("status")).to_have_text("3 Paare offen")
    await expect(page.locator(".signs")).to_contain_text("Dieselbe Telefonnummer")
    await expect(page.locator(".signs")).to_contain_text("In „crm“ zwei Nummern")
    await expect(page.locator(".compare tr", has_text="Telefon").locator(".hit")).to_have_count(2)
    await expect(page.locator(".compare tr", has_text="Name").first.locator("td.close")).to_have_count(2)
    assert await faults(page, axe) == []
    await keep(page, "console-identity")
    first = await page.locator("#pair").inner_text()
    await page.keyboard.press("j")
    await expect(page.locator("#pair")).not_to_have_text(first)
    await page.keyboard.press("k")
    await expect(page.locator("#pair")).to_have_text(first)
    before = len(read(bridge, "select distinct customer from profiles"))
    await page.keyboard.press("m")
    await expect(page.get_by_text("Zusammengeführt.", exact=True)).to_be_visible()
    await expect(page.locator(".merges li")).to_have_count(1)
    assert len(read(bridge, "select distinct customer from profiles")) == before - 1
    await page.keyboard.press("z")
    await expect(page.get_by_text("Zurückgenommen: Alles ist wie vorher.")).to_be_visible()
    await expect(page.locator("#pair")).to_have_text(first)
    assert len(read(bridge, "select distinct customer from profiles")) == before

    await page.keyboard.press("n")
    await expect(page.get_by_text("Bleibt getrennt")).to_be_visible()
    await expect(page.locator(".page > .top").get_by_role("status")).to_have_text("2 Paare offen")
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await expect(page.get_by_text("Alle durchgesehen.")).to_be_visible()
    await page.get_by_role("button", name="Von vorn").click()
    await page.get_by_role("button", name="Dieselbe Person").click()
    await expect(page.locator(".merges li")).to_have_count(1)
    await page.locator(".merges").get_by_role("button", name="Trennen").click()
    await page.get_by_role("dialog").get_by_role("button", name="Trennen").click()
    await expect(page.get_by_text("Getrennt: Beide sind wieder eigene Kunden.")).to_be_visible()
    await expect(page.locator(".page > .top").get_by_role("status")).to_have_text("2 Paare offen")
    assert read(bridge, "select state, count(*) from proposals group by state") == [("open", 2), ("refused", 1)]
