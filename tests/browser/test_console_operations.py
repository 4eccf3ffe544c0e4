"""The operator's pages of the console in a real browser: sources, what was left lying, duplicates, models."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, expect

from bridge.flow import look_for_doubles
from bridge.flow.drifting import Drift
from bridge.flow.models import in_use, install, mood_body, put_record, risk_body
from bridge.scoring.drift import Shift, Shifted, Verdict
from bridge.scoring.mood import MoodModel, Spread
from bridge.scoring.record import Alike, RiskRecord, Seen
from bridge.scoring.tables import CategoryTable, Tables
from bridge.scoring.worth import WorthModel, write_worth
from bridge.store import Unit, micros
from tests.browser.running import Running, utc_now
from tests.browser.test_card import faults
from tests.browser.watching import wide_page
from tests.patience import PATIENCE_SECONDS

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

MODEL = Tables(intercept=-2.0, tables=(CategoryTable(name="complaint", entries={"open": 0.9, "d30": 0.4}),))
MOOD = MoodModel(
    metric="nps",
    lowest=0.0,
    scale=10.0,
    answers=412,
    tables=MODEL,
    spreads=(Spread(upto=1.0, below=-0.3, above=0.3, answers=412),),
)
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


def record(seen: Seen, left: float) -> RiskRecord:
    groups = tuple(
        Alike(most=most, customers=400, said=said, left=said * left)
        for most, said in ((0.05, 0.03), (0.1, 0.07), (0.2, 0.14), (0.4, 0.27), (1.0, 0.5))
    )
    return RiskRecord(seen=seen, from_day=date(2026, 5, 1), to_day=date(2026, 5, 31), horizon_days=90, groups=groups)


async def test_a_model_says_how_true_it_turned_out_and_is_taken_back_with_a_reason(
    page: Page, bridge: Running, axe: str, keep: Any
) -> None:
    await enter(page, bridge, "models")
    risk = page.locator(".model", has=page.locator("#m-risk"))
    await expect(risk).to_contain_text("Punktekarte")
    await expect(risk).to_contain_text("Noch kein Urteil")
    store, now = bridge.gate.store, utc_now()
    report = {"models": {"new": {"auc": 0.812, "top_decile_lift": 3.4}}}
    first = bridge.do(install(store, "risk", risk_body(MODEL), report, now - timedelta(days=60)))
    other = msgspec.structs.replace(MODEL, intercept=-1.5)
    second = bridge.do(install(store, "risk", risk_body(other), report, now - timedelta(days=30)))
    bridge.do(put_record(store, second, record(Seen.held_out, 1.0), now - timedelta(days=30)))
    bridge.do(put_record(store, second, record(Seen.lived, 1.5), now))
    await page.reload()
    await expect(risk).to_contain_text("Trennschärfe 0,81 · sehr gut")
    await expect(risk).to_contain_text("Es gingen mehr Kunden, als gesagt wurde.")
    await expect(risk).to_contain_text("Neu lernen: „bridge fit risk“")
    await risk.get_by_text("Gesagt und geschehen").first.press("Enter")
    await expect(risk.locator(".calibration").first.locator("circle")).to_have_count(5)
    assert await faults(page, axe) == []
    await page.set_viewport_size({"width": 1240, "height": 1300})
    await keep(page, "console-models")
    await risk.get_by_role("button", name="Zurücknehmen …").press("Enter")
    await expect(page.locator("#because")).to_be_focused()
    await page.keyboard.type("sagt seit der Preiserhöhung zu wenig")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text(f"Es gilt wieder {first}.")).to_be_visible()
    await expect(risk.locator("tr", has_text=first)).to_contain_text("gilt")


JUDGED = {
    "answers": 412,
    "mae": 1.62,
    "rmse": 2.1,
    "usual_mae": 2.31,
    "correlation": 0.58,
    "coverage": 0.91,
    "width": 6.4,
    "abstained": 0.23,
    "answering_auc": 0.61,
}


def estimate(value: float) -> dict[str, float]:
    return {"value": value, "se": 2.0, "low": value - 4, "high": value + 4}


AVERAGES = {
    "group": None,
    "asked": 1900,
    "responses": 412,
    "response_rate": 0.217,
    "answered": estimate(31),
    "weighted": estimate(24),
    "predicted": estimate(18),
}
PART = {
    "from_day": "2026-01-01",
    "to_day": "2026-06-30",
    "n": 1840,
    "actual": 12_400_000,
    "said": {"history": {"total": 12_000_000, "error": 4100}, "card": {"total": 15_500_000, "error": 5200}},
    "better": True,
}


async def test_value_and_mood_say_how_near_they_came_and_drift_speaks_in_words(
    page: Page, bridge: Running, axe: str, keep: Any
) -> None:
    store, now = bridge.gate.store, utc_now()
    mood = {"metric": "nps", "judged": JUDGED, "mean": [AVERAGES], "nps": [AVERAGES]}
    bridge.do(install(store, "mood", mood_body(MOOD), mood, now))
    bridge.do(install(store, "value", write_worth(WorthModel(currency="EUR")), {"purchases": PART}, now))
    risk = bridge.do(in_use(store, "risk"))
    card = bridge.gate.desk.rules.deciding.card
    shifts = (Shift(code="complaint", band="open", then=0.1, now=0.4),)
    moved = Shifted(index=0.31, verdict=Verdict.moved, shifts=shifts)
    drift = Drift(model=risk.version if risk else f"card:{card.version}", at=now, then=900, now=950, shifted=moved)
    unit = Unit()
    unit.add("meta.put", name="risk_drift", value=msgspec.json.encode(drift).decode())
    bridge.do(store.write(unit))
    await enter(page, bridge, "models")
    feels = page.locator(".model", has=page.locator("#m-mood"))
    await expect(feels).to_contain_text("412 von 1.900 Befragten haben geantwortet.")
    await expect(feels.get_by_role("row", name="mit den Stillen geschätzt")).to_contain_text("14 bis 22")
    await expect(feels).to_contain_text("Liegt im Mittel 1,62 Punkte daneben; wer immer den Durchschnitt sagt, 2,31.")
    worth = page.locator(".model", has=page.locator("#m-value"))
    await expect(worth.get_by_role("row", name="dem neuen Modell")).to_contain_text("120.000\xa0€")
    await expect(worth.get_by_role("row", name="dem neuen Modell")).to_contain_text("−3,2\xa0%")
    await expect(worth.get_by_role("row", name="der Punktekarte")).to_contain_text("+25\xa0%")
    await expect(worth.get_by_role("row", name="eingetroffen")).to_contain_text("124.000\xa0€")
    await expect(page.locator(".model").first).to_contain_text("Beschwerde, noch offen")
    assert await faults(page, axe) == []
    await page.set_viewport_size({"width": 1240, "height": 1500})
    await keep(page, "console-models-figures")
