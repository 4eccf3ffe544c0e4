"""The figures on retention in a real browser: plots with tables, groups, files, roles, languages, dark, paper."""

from __future__ import annotations

import csv
import re
from collections.abc import AsyncIterator, Iterator
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from bridge.reports.keeping import keep_metrics
from bridge.reports.metrics import make_metrics
from bridge.sample import make_center
from bridge.sample.past import keep_past
from tests.browser.running import Running, utc_now
from tests.browser.test_card import faults
from tests.browser.watching import wide_page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PRODUCTS = {"Glasfaser": 14, "DSL": 9, "Kabel": 2}


def people(today: date) -> Iterator[tuple[str, dict[str, Any]]]:
    """Customers of three products; some have left, some answered, one of them is new."""
    number = 0
    for product, count in PRODUCTS.items():
        for place in range(count):
            number += 1
            id = f"m{number}"
            yield "person", {"id": id, "name": f"Person {number}", "phones": [f"+4930231260{number:02}"]}
            gone = {"status": "ended", "ends": (today - timedelta(days=40 * place + 35)).isoformat()}
            more = gone if product != "Kabel" and place in (1, 3) else {}
            begun = (today - timedelta(days=70)).isoformat() if place == 2 else "2021-03-01"
            raw = {"id": f"mv{number}", "person": id, "product": product, "status": "active", "starts": begun}
            yield "contract", raw | {"monthly": "40.00"} | more
            if place % 2 == 0:
                answered = f"{(today - timedelta(days=45)).isoformat()}T10:00:00Z"
                given: dict[str, Any] = {
                    "id": f"ma{number}",
                    "person": id,
                    "metric": "nps",
                    "answered": answered,
                    "score": place % 11,
                }
                yield "answer", given | {"scale": 10}


async def reckon(bridge: Running) -> None:
    """As a worker does it, but now."""
    now = utc_now()
    await keep_metrics(bridge.gate.store, await make_metrics(bridge.gate.desk, now=now), now)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Iterator[Running]:
    """A bridge in demo mode with customers and a made-up year of saves."""
    bridge = Running(tmp_path_factory.mktemp("metrics"), demo=True).start()
    now = utc_now()
    bridge.know(*people(now.date()))
    bridge.do(keep_past(bridge.gate.desk, make_center(now=now, customers=200).fates, now))
    bridge.do(reckon(bridge))
    yield bridge
    bridge.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    async with wide_page(browser, width=1280, height=900) as opened_page:
        yield opened_page


async def opened(page: Page, bridge: Running) -> None:
    await page.goto(f"{bridge.base}/console/metrics")
    await expect(page.locator(".tile")).to_have_count(4)


async def test_figures_stand_with_their_formula_plot_and_table(
    page: Page, company: Running, axe: str, keep: Any
) -> None:
    await opened(page, company)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Kennzahlen")
    tile = page.locator("[data-tile=retention]")
    await expect(tile).to_contain_text(re.compile(r"\d+(,\d)?\s%"))
    await expect(tile).to_contain_text(re.compile(r"\(\d+ − \d+\) / \d+"))
    section = page.get_by_role("region", name="Kunden, die geblieben sind")
    await expect(section.locator("svg circle")).to_have_count(24)
    await section.get_by_text("Zahlen").click()
    await expect(section.get_by_role("row")).to_have_count(25)
    for name in (
        "Gekommen und gegangen",
        "Monatlicher Umsatz aus Verträgen",
        "Was Kunden antworten",
        "Warum Kunden gehen",
    ):
        await expect(page.get_by_role("region", name=name)).to_be_visible()
    assert await faults(page, axe) == []
    await keep(page, "console-metrics")


async def test_the_table_says_what_the_gateway_says(page: Page, company: Running) -> None:
    await opened(page, company)
    told = await page.evaluate("fetch('/v1/metrics', {headers: {'x-console': '1'}}).then((answer) => answer.json())")
    section = page.get_by_role("region", name="Kunden, die geblieben sind")
    await section.get_by_text("Zahlen").click()
    rows = await section.locator("tbody tr").all_inner_texts()
    for row, cell in zip(rows, reversed(told["retention"]), strict=False):
        numbers = [int(text) for text in re.findall(r"\t(\d+)(?=\t)", row.replace("\t", "\t\t"))]
        names = ("start", "new", "returned", "left", "end", "noticed")
        assert numbers == [cell[name] for name in names]


async def test_groups_are_told_apart_and_the_choice_keeps_the_keyboard(page: Page, company: Running, axe: str) -> None:
    await opened(page, company)
    product = page.locator("[data-k=choice-product]")
    await product.focus()
    await page.keyboard.press("Enter")
    section = page.get_by_role("region", name="Kunden, die geblieben sind")
    await expect(section.locator(".legend li")).to_have_text(["Glasfaser", "DSL", "Kabel"])
    await expect(product).to_be_focused()
    await expect(product).to_have_attribute("aria-pressed", "true")
    assert await faults(page, axe) == []
    await page.locator("[data-k=choice-12]").click()
    await section.get_by_text("Zahlen").click()
    await expect(section.get_by_role("row")).to_have_count(12 * 3 + 1)


async def test_who_only_looks_does_not_see_groups_of_a_few(page: Page, company: Running) -> None:
    await opened(page, company)
    await page.get_by_role("button", name="Betrachten").click()
    await expect(page.get_by_role("button", name="Neu berechnen")).to_have_count(0)
    await page.locator("[data-k=choice-product]").click()
    section = page.get_by_role("region", name="Kunden, die geblieben sind")
    await expect(section.locator(".legend li")).to_have_text(["Glasfaser"])
    await expect(page.get_by_role("note")).to_contain_text("weniger als 5 Kunden")
    reasons = page.get_by_role("region", name="Warum Kunden gehen")
    await expect(reasons).to_contain_text("so wenige, dass man sie erkennen könnte")
    await page.get_by_role("button", name="Leitung").click()
    await expect(reasons).to_contain_text("nicht genannt")


async def test_a_table_is_saved_as_a_file_for_a_spreadsheet(page: Page, company: Running, tmp_path: Path) -> None:
    await opened(page, company)
    section = page.get_by_role("region", name="Kunden, die geblieben sind")
    await section.get_by_text("Zahlen").click()
    async with page.expect_download() as download:
        await section.get_by_role("button", name="Tabelle (CSV)").click()
    file = await download.value
    assert file.suggested_filename.startswith("retention-")
    await file.save_as(tmp_path / "table.csv")
    rows = list(csv.reader(StringIO((tmp_path / "table.csv").read_text("utf-8-sig")), delimiter=";"))
    assert rows[0][:3] == ["month", "group", "start"]
    assert len(rows) == 25


async def test_a_supervisor_may_have_them_reckoned_anew(page: Page, company: Running) -> None:
    await opened(page, company)
    await page.get_by_role("button", name="Neu berechnen").click()
    await expect(page.get_by_text("Wird neu berechnet")).to_be_visible()


async def test_in_the_dark_in_english_on_a_telephone_nothing_sticks_out(page: Page, company: Running, axe: str) -> None:
    await page.set_viewport_size({"width": 380, "height": 740})
    await opened(page, company)
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await page.evaluate(overflow) <= 0
    await page.get_by_text("Menü").click()
    await page.locator("[data-k=choice-en]").click()
    await page.locator("[data-k=choice-dark]").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Metrics")
    await expect(page.locator(".tile")).to_have_count(4)
    assert await page.evaluate(overflow) <= 0
    assert await faults(page, axe) == []


async def test_a_window_that_is_made_narrow_gets_plots_that_fit(page: Page, company: Running) -> None:
    await opened(page, company)
    chart = page.locator("svg.chart").first
    before = int(await chart.get_attribute("width") or 0)
    await page.set_viewport_size({"width": 900, "height": 900})
    await expect(page.locator("svg.chart").first).not_to_have_attribute("width", str(before))


async def test_on_paper_every_table_is_open_and_nothing_is_to_be_pressed(page: Page, company: Running) -> None:
    await opened(page, company)
    await page.emulate_media(media="print")
    await page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert await page.locator(".metrics details:not([open])").count() == 0
    await expect(page.locator(".metrics .filters")).not_to_be_visible()
