"""The small print of the risk, and reasons of a fitted model: what two signs say together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec
import pytest
from playwright.async_api import expect

from bridge.flow.models import install, put_record, risk_body
from bridge.scoring.card import points_to_tables
from bridge.scoring.record import Alike, RiskRecord, Seen
from bridge.scoring.signals import SIGNS
from bridge.scoring.tables import CategorySide, PairTable
from tests.browser.conftest import Open
from tests.browser.people import PHONES, everybody
from tests.browser.running import Host, Running, utc_now
from tests.browser.test_card import faults, text_of

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

FIRST, SECOND = "complaint", "contract_ending"


def in_use(running: Running, seen: Seen) -> None:
    """A model with a pair comes into use, and how it came out; everybody is decided anew."""
    card = running.gate.desk.rules.deciding.card
    sides = [CategorySide(name=name, categories=SIGNS[name].bands) for name in (FIRST, SECOND)]
    lines = [[1.1 if i and j else 0.0 for j in range(sides[1].lines)] for i in range(sides[0].lines)]
    pair = PairTable(first=sides[0], second=sides[1], entries=tuple(map(tuple, lines)))
    tables = msgspec.structs.replace(points_to_tables(card.file), pairs=(pair,))
    groups = (
        Alike(most=0.1, customers=1412, said=0.05, left=0.06),
        Alike(most=1.0, customers=214, said=0.62, left=0.31),
    )
    record = RiskRecord(seen=seen, from_day=date(2026, 5, 1), to_day=date(2026, 5, 31), horizon_days=90, groups=groups)
    version = running.do(install(running.gate.store, "risk", risk_body(tables), None, utc_now()))
    running.do(put_record(running.gate.store, version, record, utc_now()))
    running.do(running.gate.refresh())
    running.do(running.gate.store.change("customers.all_due", due_origin="refresh"))
    running.know(("company", {"id": "f1", "name": "Albers Optik GmbH"}))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Iterator[Running]:
    """A bridge of its own: the others score by the card."""
    bridge = Running(tmp_path_factory.mktemp("bridge")).start()
    bridge.know(*everybody(utc_now()))
    in_use(bridge, Seen.lived)
    yield bridge
    bridge.stop()


@pytest.fixture(scope="module")
def host(running: Running) -> Iterator[Host]:
    page = Host(running.base)
    yield page
    page.stop()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    ("language", "print", "together"),
    [
        ("de", "Von 214 ähnlich eingestuften Kunden gingen 31 % binnen 90 Tagen.", "Beides zugleich: "),
        ("en", "Of 214 customers scored like this, 31% left within 90 days.", "Both at once: "),
    ],
)
async def test_the_small_print_says_what_became_of_those_who_were_scored_alike(
    open_card: Open, axe: str, keep: Any, language: str, print: str, together: str, theme: str
) -> None:
    page = await open_card(phone=PHONES["risk"], lang=language, theme=theme)
    small = page.locator("retention-card .risk .alike")
    await expect(small).to_have_text(print)
    said = await text_of(page)
    assert re.search(rf"{together}.+ · .+", said), said
    assert await faults(page, axe) == []
    moved = await page.evaluate("window.moved")
    assert [one for one in moved if not one.startswith("below ")] == []  # nothing inside the card
    size = await small.evaluate("(node) => parseFloat(getComputedStyle(node).fontSize)")
    body = await page.evaluate("parseFloat(getComputedStyle(card.shadowRoot.querySelector('.reason')).fontSize)")
    assert size < body
    if (language, theme) == ("de", "light"):
        await keep(page.locator("retention-card"), "card-record-de-light")


async def test_it_fits_a_narrow_card(open_card: Open) -> None:
    page = await open_card(phone=PHONES["risk"], lang="de", width=280)
    wide = await page.evaluate(
        "() => { const edge = card.getBoundingClientRect();"
        " const out = (one) => one.width > 0 && (one.right > edge.right + 0.5 || one.left < edge.left - 0.5);"
        " return [...card.shadowRoot.querySelectorAll('.card *')].filter((one) => out(one.getBoundingClientRect()))"
        ".map((one) => one.className); }"
    )
    assert wide == []


async def test_the_reason_of_two_opens_what_the_stronger_was_read_from(open_card: Open) -> None:
    page = await open_card(phone=PHONES["risk"], lang="de")
    reason = page.locator("retention-card .reason", has_text="Beides zugleich")
    if not await reason.is_visible():
        await page.locator("retention-card [data-k=more]").click()
    await reason.click()
    await expect(reason).to_have_attribute("aria-expanded", "true")
    evidence = page.locator("retention-card .evidence:visible")
    assert (
        await evidence.get_attribute("id") == await reason.get_attribute("aria-controls") == f"e-{FIRST}_and_{SECOND}"
    )
    said = await evidence.inner_text()
    for word in ("Eintrag", "Quelle", "Punkte zum Risiko", "Hilft"):
        assert word in said, said


async def test_what_was_held_out_is_called_looking_back(open_card: Open, running: Running) -> None:
    in_use(running, Seen.held_out)
    page = await open_card(phone=PHONES["risk"], lang="de")
    small = page.locator("retention-card .alike")
    await expect(small).to_have_text(
        "In der Rückschau gingen von 214 ähnlich eingestuften Kunden 31 % binnen 90 Tagen."
    )
    page = await open_card(phone=PHONES["risk"], lang="en")
    small = page.locator("retention-card .alike")
    await expect(small).to_have_text("Looking back, of 214 customers scored like this, 31% left within 90 days.")


async def test_of_who_objects_there_is_no_small_print(open_card: Open) -> None:
    page = await open_card(phone=PHONES["objects"], lang="de")
    assert await page.locator("retention-card .alike").count() == 0
