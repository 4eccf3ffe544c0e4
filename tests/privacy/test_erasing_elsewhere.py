"""Erasing beside others: at the very moment of a change, at systems that can erase, without a file for the hashes."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from bridge.adapter.actions import Erase, checked
from bridge.automation import outbox
from bridge.errors import Superseded
from bridge.flow import Desk
from bridge.privacy import erase, reinstate
from bridge.store import Store, Unit, find_answer
from bridge.worker import Pace, Worker
from tests.desks import NOW, drain, feed, make_desk, ticket, user
from tests.dump import query


@pytest.fixture
async def desk(store: Store, database_url: str, tmp_path: Path) -> Desk:
    return await make_desk(store, tmp_path / "exports", database_url=database_url)


async def _customer(desk: Desk, number: int) -> str:
    row = await find_answer(desk.store, "id", f"helpdesk:{number}")
    assert row is not None
    return str(row[1])


async def _work(worker: Worker) -> None:
    while await worker.drain_once():
        pass


async def test_whoever_changes_at_that_very_moment_is_erased_with_the_change(desk: Desk, database_url: str) -> None:
    await feed(desk, "helpdesk", [user(number) for number in range(1, 9)])
    await drain(desk)
    customers = [await _customer(desk, number) for number in range(1, 9)]
    news = [ticket(100 + number, number, description=f"Neues von {number}") for number in range(1, 9)]
    await feed(desk, "helpdesk", news, now=NOW + timedelta(minutes=1))
    erasing = [erase(desk, one, by="key:1", now=NOW + timedelta(minutes=2)) for one in customers]
    worker = Worker(desk=desk, clock=lambda: NOW + timedelta(minutes=2), pace=Pace(size=2))
    await asyncio.gather(_work(worker), *erasing)
    await _work(worker)
    for table in ("records", "record_versions", "profiles", "identities", "keys", "decisions", "facts", "customers"):
        assert await query(database_url, f"select count(*) from {table}") == [(0,)], table
    assert await query(database_url, "select distinct raw from deliveries") == [("{}",)]


async def test_one_who_changes_without_end_is_not_half_erased(
    desk: Desk, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await feed(desk, "helpdesk", [user(1)])
    await drain(desk)
    customer, write = await _customer(desk, 1), desk.store.write

    async def always_late(unit: Unit) -> float:
        await desk.store.change("customers.all_due", due_origin="live")
        await desk.store.change(
            "customers.put", id=customer, created_at=0, merged_into=None, due_at=0, due_origin="live"
        )
        return await write(unit)

    monkeypatch.setattr(desk.store, "write", always_late)
    with pytest.raises(Superseded):
        await erase(desk, customer, by="key:1", now=NOW)
    assert await query(database_url, "select count(*) from suppressions") == [(0,)]
    assert await query(database_url, "select count(*) from profiles") == [(1,)]


async def test_a_system_that_can_erase_is_told_to_and_the_order_outlives_the_person(desk: Desk) -> None:
    adapter = desk.registry.adapter("helpdesk")
    capabilities = (*adapter.manifest.capabilities, "erase")
    adapter.manifest = msgspec.structs.replace(adapter.manifest, capabilities=capabilities)
    await feed(desk, "helpdesk", [user(4711)])
    await drain(desk)
    receipt = await erase(desk, await _customer(desk, 4711), by="key:1", now=NOW)
    _, (order,) = await outbox.take(desk.store, most=9, now=NOW)
    assert (order.source, order.action.do) == ("helpdesk", "erase")
    assert checked(order.source, order.action) == Erase(customer="4711")
    assert (order.customer, order.action.idempotency_key) == ("", f"{receipt['receipt']}:helpdesk:4711")


async def test_hashes_are_kept_beside_a_file_and_only_where_a_path_is_given_beside_a_server(desk: Desk) -> None:
    await feed(desk, "helpdesk", [user(1)])
    await drain(desk)
    await erase(desk, await _customer(desk, 1), by="key:1", now=NOW)
    path = desk.settings.suppression_path
    if desk.store.engine == "postgres":
        assert path is None
    else:
        assert path is not None
        assert len(path.read_text("ascii").split()) == 2
    assert await reinstate(desk, now=NOW) == 0
