"""What comes in ends in the same store, whatever the order, the repetition and the size of the batches."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.adapter.registry import load_registry
from bridge.facts import Origin
from bridge.flow import Desk
from bridge.store import Store, find_answer, open_store
from tests.desks import NOW, drain, feed, go_live, make_desk, sample_items, ticket, user
from tests.dump import dump, query


async def test_a_record_changes_the_prepared_answer(desk: Desk) -> None:
    await go_live(desk, NOW - timedelta(days=30))
    await feed(desk, "helpdesk", [user(11, phone="+49 30 23125 777")])
    await drain(desk)
    row = await find_answer(desk.store, "phone", "+493023125777")
    assert row is not None
    assert row[0] == "exact"
    assert b'"open_case":"false"' in row[11]
    await feed(desk, "helpdesk", [ticket(5, 11, tags=["beschwerde"])])
    await drain(desk)
    row = await find_answer(desk.store, "phone", "+493023125777")
    assert row is not None
    assert b'"open_case":"true"' in row[11]
    assert b'"reason_1":"complaint"' in row[12]


async def test_a_ticket_may_come_before_its_customer(desk: Desk) -> None:
    await feed(desk, "helpdesk", [ticket(5, 11)])
    await drain(desk)
    await feed(desk, "helpdesk", [user(11)])
    await drain(desk)
    row = await find_answer(desk.store, "email", "person11@example.de")
    assert row is not None
    assert b'"open_case":"true"' in row[11]


@pytest.mark.parametrize("seed", range(4))
async def test_shuffled_and_repeated_deliveries_end_in_the_same_store(
    database_url: str, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    store = await open_store(database_url)
    desk = await make_desk(store, tmp_path / "a")
    items = sample_items(desk)
    items += [user(3, name="Später", at=NOW - timedelta(hours=1)), user(3, at=NOW - timedelta(hours=2))]
    items += [
        user(3, active=False, at=NOW - timedelta(minutes=5)),
        ticket(9, 3, status="solved"),
        ticket(9, 3, at=NOW - timedelta(days=1)),
    ]
    await feed(desk, "helpdesk", items)
    await drain(desk, most=500)
    expected = await dump(database_url)
    await store.close()

    other_url = f"sqlite:///{tmp_path / 'other.db'}"
    other = await open_store(other_url)
    desk = await make_desk(other, tmp_path / "b")
    shuffled = items + chance.sample(items, len(items) // 3)
    chance.shuffle(shuffled)
    while shuffled:
        some = chance.randint(1, 9)
        await feed(desk, "helpdesk", shuffled[:some])
        shuffled = shuffled[some:]
        await drain(desk, most=chance.randint(1, 7), refresh=chance.random() < 0.5)
    await feed(desk, "helpdesk", items)
    await drain(desk)
    assert await dump(other_url) == expected
    await other.close()


async def test_a_bug_in_one_adapter_costs_one_delivery_and_stops_nobody(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = desk.registry.adapter("helpdesk")
    real = adapter.read

    def trip(item: Any) -> Any:
        if item.raw["id"] == 13:
            raise KeyError("a bug")
        return real(item)

    monkeypatch.setattr(adapter, "read", trip)
    await feed(desk, "helpdesk", [user(12), user(13), user(14)])
    await drain(desk)
    states = {row[1]: row[2] for row in await desk.store.all("inbox.states")}
    assert states == {"mapped": 2, "dead": 1}
    dead = await desk.store.all("inbox.dead", source=None, after=0, most=9)
    assert "KeyError" in dead[0][4]


async def test_what_cannot_be_mapped_is_dead_with_vendor_and_path_and_can_be_replayed(
    desk: Desk, database_url: str
) -> None:
    await feed(desk, "helpdesk", [user(12, updated_at="gestern"), user(13)])
    await drain(desk)
    dead = await desk.store.all("inbox.dead", source=None, after=0, most=9)
    assert len(dead) == 1
    assert "zendesk" in dead[0][4] and "updated_at" in dead[0][4] and "gestern" not in dead[0][4]
    await desk.store.change("inbox.replay_one", id=dead[0][0], origin=Origin.replay.value)
    await drain(desk)
    assert len(await desk.store.all("inbox.dead", source=None, after=0, most=9)) == 1
    assert await query(database_url, "select count(*) from profiles") == [(1,)]


async def test_first_import_replay_and_remapping_cause_no_live_facts(desk: Desk, database_url: str) -> None:
    await feed(desk, "helpdesk", sample_items(desk), origin=Origin.first_import, via="sync")
    await drain(desk)
    await go_live(desk)
    for origin in (Origin.replay, Origin.remap):
        await desk.store.change(
            "inbox.replay_all", source="helpdesk", states=["mapped", "ignored"], origin=origin.value
        )
        await drain(desk)
    origins = {row[0] for row in await query(database_url, "select distinct origin from facts")}
    assert origins and Origin.live.value not in origins


async def test_a_live_event_causes_one_live_fact_however_often_it_comes(desk: Desk, database_url: str) -> None:
    await go_live(desk, NOW - timedelta(days=2))
    await feed(desk, "helpdesk", [user(11, at=NOW - timedelta(days=3))])
    await drain(desk)
    for place in range(3):
        await feed(desk, "helpdesk", [ticket(5, 11, tags=["beschwerde"] if place < 3 else [])])
        await drain(desk)
    facts = await query(database_url, "select kind, origin from facts where kind = 'ticket.opened'")
    assert facts == [("ticket.opened", "live")]


async def test_what_happened_before_the_source_went_live_is_not_live(desk: Desk, database_url: str) -> None:
    await go_live(desk)
    await feed(desk, "helpdesk", [user(11), ticket(5, 11, at=NOW - timedelta(days=3))])
    await drain(desk)
    facts = await query(database_url, "select distinct origin from facts where kind = 'ticket.opened'")
    assert facts == [("import",)]


async def test_a_changed_mapping_replaces_what_the_old_one_made(desk: Desk, database_url: str, tmp_path: Path) -> None:
    await feed(
        desk, "helpdesk", [user(11), ticket(5, 11, type="incident", custom_fields=[{"id": 9, "value": "Umzug"}])]
    )
    await drain(desk)
    sources = {
        "sources": {
            "helpdesk": {
                "adapter": "zendesk",
                "settings": {"subdomain": "acme"},
                "mapping": {"objects": {"ticket": {"fields": {"topic": "custom_fields[id=9].value"}}}},
            }
        }
    }
    settings = desk.settings
    desk.registry = load_registry(settings.adapters_dir, settings.mappings_dir, sources, {})
    await desk.store.change("inbox.replay_all", source="helpdesk", states=["mapped"], origin=Origin.remap.value)
    await drain(desk)
    bodies = await query(database_url, "select body from records where object = 'ticket'")
    assert '"topic":"Umzug"' in bodies[0][0]
    versions = await query(
        database_url, "select count(*) from record_versions where object = 'ticket' and retracted = 0"
    )
    assert versions == [(1,)]


async def test_two_workers_at_once_lose_nothing_and_do_nothing_twice(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    desk = await make_desk(store, tmp_path)
    other_store = await open_store(database_url)
    other = await make_desk(other_store, tmp_path)
    items = sample_items(desk, customers=25)
    await feed(desk, "helpdesk", items)
    await asyncio.gather(drain(desk, most=3), drain(other, most=4))
    await drain(desk)
    found = await dump(database_url)
    await other_store.close()
    alone_url = f"sqlite:///{tmp_path / 'alone.db'}"
    alone = await open_store(alone_url)
    single = await make_desk(alone, tmp_path)
    await feed(single, "helpdesk", items)
    await drain(single, most=500)
    assert await dump(alone_url) == found
    await alone.close()
