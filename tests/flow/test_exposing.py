"""Scripts that were shown count once, with the probabilities they were drawn with, and are settled by what happened."""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest_asyncio
import yaml

from bridge.adapter.base import Item
from bridge.cards import unpack_card
from bridge.flow import Desk, exposing
from bridge.flow.exposing import GRACE, exposures, note, read_later, settle
from bridge.flow.relearning import learn_next
from bridge.settings import read_settings
from bridge.store import Store, Unit
from tests.desks import drain, feed, go_live, make_desk
from tests.dump import query

START = datetime(2026, 1, 5, 10, tzinfo=timezone.utc)
HORIZON = timedelta(days=90)
CUSTOMERS = 60


@pytest_asyncio.fixture
async def desk(store: Store, database_url: str, tmp_path: Path) -> Desk:
    """A company that tries scripts since today; everybody's contract ends in a month."""
    config = tmp_path / "config"
    shutil.copytree(read_settings().config_dir, config)
    rules = yaml.safe_load((config / "choice.yaml").read_text("utf-8"))
    rules |= {"begins": START.date(), "hold_out": 0.3, "explore": 0.4}
    (config / "choice.yaml").write_text(yaml.safe_dump(rules), "utf-8")
    made = await make_desk(store, tmp_path / "exports", now=START, config_dir=config, database_url=database_url)
    before = START - timedelta(days=1)
    await go_live(made, before)
    people = [Item(object="customers", raw={"kundennummer": f"K{one}", "name": f"P {one}"}) for one in range(CUSTOMERS)]
    await feed(made, "crm", people + [contract(one, before) for one in range(CUSTOMERS)], now=START)
    await drain(made, now=START, most=300)
    return made


def contract(number: int, at: datetime, **fields: Any) -> Item:
    row = {
        "vertragsnummer": f"V{number}",
        "kundennummer": f"K{number}",
        "status": "aktiv",
        "vertragsbeginn": "2020-03-01",
        "vertragsende": (START + timedelta(days=25)).date().isoformat(),
        "monatsbetrag": "40,00 €",
        "geaendert_am": at.isoformat(),
    }
    return Item(object="contracts", raw=row | fields)


async def show_all(desk: Desk, at: datetime) -> dict[str, dict[str, Any]]:
    """Every agent opens every card, twice; returns the customers' cards."""
    cards = {}
    for customer, id, packed in await query_decisions(desk):
        cards[customer] = msgspec.json.decode(unpack_card(packed))
        for _ in range(2):
            unit = Unit()
            note(unit, packed, decision=id, customer=customer, at=at, horizon_days=HORIZON.days)
            await desk.store.write(unit)
    return cards


async def query_decisions(desk: Desk) -> list[tuple[str, str, bytes]]:
    rows = await query(desk.settings.database_url, "select customer, id, card from decisions where language = 'de'")
    return [(row[0], row[1], bytes(row[2])) for row in rows]


async def test_what_is_shown_counts_once_with_the_probabilities_it_was_drawn_with(desk: Desk) -> None:
    cards = await show_all(desk, START)
    seen = [one async for one in exposures(desk, settled=False)]
    assert len(seen) == CUSTOMERS
    for one in seen:
        drawn = cards[one.customer]["choice"]
        assert (one.situation, one.epoch, one.arm, one.arms) == ("contract_end", 0, drawn["arm"], drawn["arms"])
        assert sum(one.arms.values()) == 1 or abs(sum(one.arms.values()) - 1) < 1e-9
        assert cards[one.customer]["script"]["id"] == one.arm
    arms = Counter(one.arm for one in seen)
    assert arms["default"] > 0
    assert arms["contract_end"] > arms["default"]
    assert [one async for one in exposures(desk)] == []


async def test_nothing_counts_while_nothing_is_tried(store: Store, database_url: str, tmp_path: Path) -> None:
    desk = await make_desk(store, tmp_path / "exports", now=START, database_url=database_url)
    await go_live(desk, START)
    await feed(desk, "crm", [Item(object="customers", raw={"kundennummer": "K1", "name": "P 1"})], now=START)
    await drain(desk, now=START)
    cards = await show_all(desk, START)
    assert [card["choice"] for card in cards.values()] == [None]
    assert [one async for one in exposures(desk, settled=False)] == []


async def test_what_became_of_each_is_attached_by_the_bridge_itself(desk: Desk) -> None:
    await show_all(desk, START)
    told = START + timedelta(days=40)
    gone = (START + timedelta(days=30)).date().isoformat()
    news = [contract(one, told, status="gekündigt", gekuendigt_am=gone) for one in range(20)]
    later = (START + timedelta(days=400)).date().isoformat()
    news += [contract(one, told, vertragsende=later) for one in range(20, 40)]
    await feed(desk, "crm", news, now=told)
    await drain(desk, now=told, most=300)

    early = START + HORIZON + GRACE - timedelta(seconds=1)
    assert await settle(desk, early) == 0
    now = START + HORIZON + GRACE
    assert await settle(desk, now) == CUSTOMERS
    assert await settle(desk, now) == 0
    rows = await query(desk.settings.database_url, "select later from exposures")
    found = Counter((one.became, one.renewed) for one in (read_later(row[0]) for row in rows))
    assert found[("left", False)] == 20
    assert found[("stayed", True)] == 20
    assert sum(not one.stayed for one in [one async for one in exposures(desk)]) == 20


async def test_who_objects_by_then_is_no_longer_learnt_from(desk: Desk) -> None:
    await show_all(desk, START)
    objects = {"kundennummer": "K1", "name": "P 1", "profiling_widerspruch": "ja"}
    at = START + timedelta(days=50)
    await feed(desk, "crm", [Item(object="customers", raw=objects)], now=at)
    await drain(desk, now=at, most=300)
    await settle(desk, START + HORIZON + GRACE)
    assert len([one async for one in exposures(desk)]) == CUSTOMERS - 1


async def test_the_next_epochs_policy_is_learnt_on_its_last_day_and_changes_nothing_before(desk: Desk) -> None:
    days = desk.rules.deciding.choice.epoch_days
    assert await learn_next(desk, START + timedelta(days=days - 3)) is None
    policy = await learn_next(desk, START + timedelta(days=days - 1))
    assert policy is not None
    assert policy.epoch == 1
    assert await learn_next(desk, START + timedelta(days=days - 1, hours=1)) is None
    before = await query_decisions(desk)
    await desk.store.change("customers.all_due", due_origin="refresh")
    await drain(desk, now=START + timedelta(hours=2), most=300)
    assert sorted(row[:2] for row in await query_decisions(desk)) == sorted(row[:2] for row in before)
    assert [one.epoch for one in desk.policies] == [1]


async def test_at_the_epochs_end_everybody_is_due_to_draw_anew(desk: Desk) -> None:
    days = desk.rules.deciding.choice.epoch_days
    ends = datetime.combine(START.date(), datetime.min.time(), timezone.utc) + timedelta(days=days)
    rows = await query(desk.settings.database_url, "select max(valid_until) from decisions")
    assert rows[0][0] <= int(ends.timestamp()) * 1_000_000
    assert timedelta(days=30) < exposing.GRACE
