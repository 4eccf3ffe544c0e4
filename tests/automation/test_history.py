"""Two years of history, and everything that brings it up again, write to nobody, whatever automations are on."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta, timezone
from pathlib import Path

import msgspec
import pytest
import yaml

from bridge.acting.advancing import advance_due
from bridge.acting.sweeping import sweep_once
from bridge.adapter.registry import load_registry
from bridge.automation.register import save
from bridge.automation.rules import Automation, compile_automation, read_automation
from bridge.facts import Origin
from bridge.flow import Desk, apply_rules, fit_tiers, open_desk
from bridge.flow.models import install, risk_body
from bridge.sample import choose_sources, load_example
from bridge.scoring.card import points_to_tables
from bridge.settings import Settings, read_settings
from bridge.store import Store
from bridge.worker import Worker
from tests.automation.mailing import Vendor, clients_of, work
from tests.automation.pastlife import RULES
from tests.dump import query

NOW = datetime(2026, 11, 24, 9, tzinfo=timezone.utc)
CUSTOMERS = 60


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(read_settings().config_dir, tmp_path / "config")
    return read_settings(demo=True, database_url=f"sqlite:///{tmp_path / 'example.db'}", config_dir=tmp_path / "config")


async def _desk(store: Store, settings: Settings) -> Desk:
    registry = load_registry(settings.adapters_dir, settings.mappings_dir, choose_sources(settings), {})
    return await open_desk(settings, store, registry, NOW)


async def _switch_everything_on(desk: Desk, since: datetime) -> None:
    """The shipped automations, and some for every kind of trigger: on for years, for everybody, and never too late."""
    catalogue = desk.rules.deciding.playbooks.catalogue
    title = {"title": {"de": "Alles", "en": "All"}}
    more = [read_automation({"id": f"t_{id}", **title} | rule, id, catalogue, {}) for id, rule in RULES.items()]
    for one in (*desk.rules.automations, *more):
        await save(desk.store, _wide_open(one), mode="on", by="test", now=since)
    await desk.look_up()
    assert {one.mode for one in desk.armed} == {"on"} and len(desk.armed) > len(RULES)


def _wide_open(one: Automation) -> Automation:
    ages = msgspec.structs.replace(one.file.max_age, days=3650)
    file = msgspec.structs.replace(one.file, roll_out=1.0, hold_out=0.0, max_age=ages)
    return compile_automation(file, one.id)


async def _settle(desk: Desk, now: datetime) -> None:
    """All that a worker does within the hour: the inbox, who is due, the days that came, runs, messages."""
    await Worker(desk=desk, clock=lambda: now).settle_all()
    await desk.look_up()
    while await sweep_once(desk, now):
        pass
    await work(desk, clients_of(desk, Vendor()), now)
    assert not await advance_due(desk, most=1, now=now)


async def test_neither_an_import_nor_anything_that_brings_it_up_again_writes_to_anybody(
    store: Store, database_url: str, settings: Settings
) -> None:
    desk = await _desk(store, settings)
    await _switch_everything_on(desk, NOW - timedelta(days=1000))
    now = NOW
    await load_example(desk, Worker(desk=desk, clock=lambda: NOW).settle_all, now=NOW, customers=CUSTOMERS)
    await _settle(desk, now)
    ((told,),) = await query(database_url, "select count(*) from deliveries where state = 'mapped'")
    assert told > 10 * CUSTOMERS
    assert await _written(database_url) == []

    for origin in (Origin.replay, Origin.remap):
        now += timedelta(minutes=5)
        for source in desk.registry.sources:
            states = ["dead", "mapped", "ignored"]
            await store.change("inbox.replay_all", source=source, states=states, origin=origin.value)
        await _settle(desk, now)
        assert await _written(database_url) == [], origin

    now += timedelta(minutes=5)
    tables = points_to_tables(desk.rules.deciding.card.file)
    gloomy = msgspec.structs.replace(tables, intercept=tables.intercept + 3.0)
    await install(store, "risk", risk_body(gloomy), {"why": "a test"}, now)
    await desk.look_up()
    await fit_tiers(desk, now)
    await _settle(desk, now)
    assert await _rose(database_url) > CUSTOMERS / 2
    assert await _written(database_url) == []

    now += timedelta(minutes=5)
    scoring = settings.config_dir / "scoring.yaml"
    form = yaml.safe_load(scoring.read_text("utf-8"))
    form["bands"] = {"critical": 0.9, "high": 0.004, "medium": 0.002}
    form["base_probability"] = 0.01
    scoring.write_text(yaml.safe_dump(form, allow_unicode=True), "utf-8")
    changed = await _desk(store, settings)
    assert await apply_rules(changed, now)
    await _settle(changed, now)
    assert await _written(database_url) == []


async def _rose(url: str) -> int:
    ((count,),) = await query(url, "select count(*) from facts where kind = 'risk.rose' and origin = 'refresh'")
    return int(count)


async def _written(url: str) -> list[tuple[object, ...]]:
    runs = await query(url, "select automation, kind, fact from runs")
    return runs + await query(url, "select action, customer from outbox")
