"""What an automation does to customers, as the console shows it: by a comparison group, and never without one."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from msgspec.structs import replace
from playwright.async_api import Browser, expect

from bridge.automation.register import find_armed, save
from bridge.automation.rules import compile_automation
from bridge.store import Unit, micros
from tests.browser.building import Opener, console_of, start_unhappy
from tests.browser.running import Running, utc_now
from tests.browser.test_card import faults

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
EACH = 15


@pytest.fixture(scope="module")
def proven(tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Iterator[Running]:
    """A bridge whose apologies made fifteen customers happy, beside fifteen who got none."""
    bridge = start_unhappy(tmp_path_factory.mktemp("proven"))
    now = utc_now()
    begun = now - timedelta(days=100)
    items: list[tuple[str, dict[str, Any]]] = []
    for number in range(2 * EACH):
        item = {"id": f"e{number}", "name": f"Uwe Vergleich{number}", "emails": [f"e{number}@example.org"]}
        items.append(("person", item | {"since": (now - timedelta(days=800)).date().isoformat()}))
        if number % 2:
            at = (begun + timedelta(days=9)).isoformat()
            answer = {"id": f"g{number}", "person": f"e{number}", "answered": at}
            items.append(("answer", answer | {"metric": "nps", "score": 9, "scale": 10}))
    bridge.know(*items)
    bridge.do(_act(bridge, begun))
    yield bridge
    bridge.stop()


async def _act(bridge: Running, begun: datetime) -> None:
    store, at = bridge.gate.store, micros(begun)
    form = replace((await find_armed(store, "bad_nps")).rule.file, hold_out=0.5)
    await save(store, compile_automation(form, "bad_nps"), mode="off", by="test", now=begun)
    version = (await find_armed(store, "bad_nps")).rule.version
    with closing(sqlite3.connect(bridge.settings.database_url.removeprefix("sqlite:///"))) as db:
        people = dict(db.execute("select source_id, customer from profiles where source_id like 'e%'").fetchall())
    unit = Unit()
    run: dict[str, Any] = {"automation": "bad_nps", "version": version, "mode": "on", "kind": "survey.answered"}
    run |= {"data": "{}", "reason": "", "occurred_at": at, "created_at": at, "due_at": 0, "finished_at": at}
    done: dict[str, Any] = {"step": 0, "at": at, "action": "send_email", "result": "enqueued", "reason": ""}
    for number in range(2 * EACH):
        id, treated = f"e{number}", bool(number % 2)
        own = {"id": f"r_{id}", "customer": people[id], "cause": id, "fact": id}
        unit.add("automations.put_run", **run, **own, state="done" if treated else "held_out")
        if treated:
            unit.add("automations.add_step", **done, run=own["id"], customer=people[id], until=None)
    await store.write(unit)


@pytest_asyncio.fixture(loop_scope="session")
async def console(browser: Browser, proven: Running) -> AsyncIterator[Opener]:
    async with console_of(browser, proven) as opener:
        yield opener


async def test_an_effect_stands_as_a_range_with_a_plain_word(console: Opener, axe: str) -> None:
    page = await console("/console/automations/bad_nps")
    await page.locator('[data-k="choice-effect"]').click()
    effect = page.locator(".effect")
    await expect(effect).to_contain_text("15 Kunden, bei denen sie begann, neben 15")
    satisfied = effect.get_by_role("row", name="sind zufrieden")
    await expect(satisfied).to_contain_text("hilft")
    await expect(satisfied).to_contain_text("+100,0")
    await expect(satisfied.locator("svg.range.helps circle")).to_have_count(1)
    assert await faults(page, axe) == []
    await effect.get_by_role("button", name="30 Tage").click()
    await expect(effect.get_by_role("button", name="30 Tage")).to_have_attribute("aria-pressed", "true")
    await expect(effect.get_by_role("button", name="30 Tage")).to_be_focused()
    await effect.get_by_role("button", name="180 Tage").press("Enter")
    await expect(effect).to_contain_text("Noch ist bei niemandem die Zeit um.")


async def test_without_a_comparison_group_it_says_how_to_get_one(console: Opener, axe: str) -> None:
    page = await console("/console/automations/abandoned_call", language="en", theme="dark")
    await page.locator('[data-k="choice-effect"]').press("Enter")
    await expect(page.locator(".effect .empty")).to_contain_text(
        "Without a comparison group no effect can be measured."
    )
    assert await faults(page, axe) == []
