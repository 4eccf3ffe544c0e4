"""Models in the console, in a real browser: how true they turned out, and taking one back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from bridge.flow.drifting import Drift
from bridge.flow.models import in_use, install, mood_body, put_record, risk_body
from bridge.scoring.drift import Shift, Shifted, Verdict
from bridge.scoring.mood import MoodModel, Spread
from bridge.scoring.record import Alike, RiskRecord, Seen
from bridge.scoring.tables import CategoryTable, Tables
from bridge.scoring.worth import WorthModel, write_worth
from bridge.store import Unit
from tests.browser.running import Running, utc_now
from tests.browser.test_card import faults
from tests.browser.watching import wide_page

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


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Iterator[Running]:
    """A bridge in demo mode, which has found no model yet."""
    started = Running(tmp_path_factory.mktemp("models"), demo=True).start()
    yield started
    started.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    async with wide_page(browser, width=1240, height=900) as opened_page:
        yield opened_page


async def enter(page: Page, bridge: Running) -> None:
    """Open the page in the role that looks after models."""
    await page.goto(f"{bridge.base}/console/models")
    await page.get_by_role("button", name="Betrieb").click()
    await expect(page.locator(".page.models h1")).to_have_text("Modelle")


def record(seen: Seen, left: float) -> RiskRecord:
    groups = tuple(
        Alike(most=most, customers=400, said=said, left=said * left)
        for most, said in ((0.05, 0.03), (0.1, 0.07), (0.2, 0.14), (0.4, 0.27), (1.0, 0.5))
    )
    return RiskRecord(seen=seen, from_day=date(2026, 5, 1), to_day=date(2026, 5, 31), horizon_days=90, groups=groups)


async def test_a_model_says_how_true_it_turned_out_and_is_taken_back_with_a_reason(
    page: Page, bridge: Running, axe: str, keep: Any
) -> None:
    await enter(page, bridge)
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
    await enter(page, bridge)
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
