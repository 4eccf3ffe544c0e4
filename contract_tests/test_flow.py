"""In the store: whatever a vendor repeats, reorders, deletes or merges, the bridge ends up knowing the same."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from bridge.adapter.base import Adapter, Item
from bridge.adapter.registry import Registry
from bridge.facts import Origin
from bridge.flow import Desk, absorb, open_desk
from bridge.intake import inbox
from bridge.intake.sync import register
from bridge.model import Entry, EntryKind
from bridge.settings import read_settings
from bridge.store import Unit, open_store
from contract_tests import shipped
from contract_tests.vendors import NOW, Vendor, outcome, said

Benches: TypeAlias = "Callable[[], Awaitable[Bench]]"

_TABLES = {
    "records": "source, object, source_id, ord, subject, body, deleted",
    "identities": "kind, value, source, source_id, shared",
    "memberships": "account, source, source_id",
}
"""What the bridge knows, without when it heard of it."""
SHUFFLES = 5


class Bench:
    """A bridge with one source on an empty store of its own."""

    def __init__(self, adapter: Adapter, desk: Desk, file: Path) -> None:
        self.adapter = adapter
        self.desk = desk
        self.file = file

    async def take_in(self, items: list[Item]) -> None:
        """Keep each item as a delivery of its own and absorb it, one after the other, as webhooks come."""
        for item in items:
            unit = Unit()
            name, manifest = self.adapter.source.name, self.adapter.manifest
            inbox.keep(unit, name, manifest, [item], via="webhook", origin=Origin.live, now=NOW)
            await self.desk.store.write(unit)
            owner, deliveries = await inbox.take(self.desk.store, most=10, now=NOW)
            if deliveries:
                await absorb(self.desk, owner, deliveries, NOW)

    def ask(self, question: str) -> list[Any]:
        """The rows of a table, read from the file itself."""
        db = sqlite3.connect(f"file:{self.file}?mode=ro", uri=True)
        try:
            return db.execute(question).fetchall()
        finally:
            db.close()

    def known(self) -> dict[str, list[Any]]:
        """What is in the tables now."""
        return {name: sorted(self.ask(f"select {columns} from {name}")) for name, columns in _TABLES.items()}


def _deleted_and_merged(adapter: Adapter, items: list[Item], kind: EntryKind) -> list[tuple[Item, Entry]]:
    found = [(item, entry) for item in items for entry in said(adapter, [item]) if isinstance(entry, Entry)]
    return [(item, entry) for item, entry in found if entry.kind is kind]


@pytest.fixture
async def benches(vendor: Vendor, tmp_path: Path) -> AsyncIterator[Benches]:
    """Makes benches, each with a store of its own, and closes them."""
    opened: list[Bench] = []

    async def make() -> Bench:
        file = tmp_path / f"{len(opened)}.db"
        store = await open_store(f"sqlite:///{file}")
        adapter = vendor.adapter()
        await register(store, {adapter.source.name: adapter}, NOW)
        registry = Registry({}, {adapter.source.name: adapter})
        desk = await open_desk(read_settings(), store, registry, NOW, shipped.rules())
        opened.append(Bench(adapter, desk, file))
        return opened[-1]

    yield make
    for bench in opened:
        await bench.desk.store.close()


async def _items(vendor: Vendor) -> list[Item]:
    """All items of the fixtures that use the plain settings."""
    return [item for one in vendor.fixtures if not one.settings for item in await vendor.items(one)]


@pytest.mark.clause("repeated")
async def test_what_comes_twice_changes_nothing(vendor: Vendor, benches: Benches) -> None:
    items = await _items(vendor)
    once, twice = await benches(), await benches()
    await once.take_in(items)
    await twice.take_in([item for item in items for _ in range(2)])
    await twice.take_in(items)
    assert twice.known() == once.known()
    assert bool(once.known()["records"]) == bool(items)


@pytest.mark.clause("reordered")
async def test_the_order_of_arrival_does_not_matter(vendor: Vendor, benches: Benches) -> None:
    if vendor.manifest.ordering == "none":
        pytest.skip(f"{vendor.name} orders nothing: what arrives last counts")
    items = await _items(vendor)
    straight = await benches()
    await straight.take_in(items)
    chance = random.Random(1)
    for _ in range(SHUFFLES):
        other = await benches()
        await other.take_in(chance.sample(items, len(items)))
        assert other.known() == straight.known()


@pytest.mark.clause("deletions")
async def test_what_is_deleted_at_the_vendor_is_gone_here(vendor: Vendor, benches: Benches) -> None:
    gone = _deleted_and_merged(vendor.adapter(), await _items(vendor), EntryKind.deleted)
    if not gone:
        pytest.skip(f"{vendor.name} says of no record that it was deleted")
    for item, entry in gone:
        bench = await benches()
        await bench.take_in([item])
        rows = [row for row in bench.known()["records"] if row[1:3] == (entry.object, entry.source_id)]
        assert [row[-1] for row in rows] == [1], entry.object
        assert not [row for row in bench.known()["identities"] if row[3] == entry.source_id]


@pytest.mark.clause("merges")
async def test_what_the_vendor_merges_is_one_customer_here(vendor: Vendor, benches: Benches) -> None:
    merged = _deleted_and_merged(vendor.adapter(), await _items(vendor), EntryKind.merged)
    if not merged:
        pytest.skip(f"{vendor.name} says of no record that it was merged; its merges come as deletions and changes")
    for item, entry in merged:
        bench = await benches()
        await bench.take_in([item])
        assert bench.ask("select same, origin from assertions") == [(1, "vendor")]
        assert not [row for row in bench.known()["identities"] if row[3] == entry.source_id]


@pytest.mark.clause("dead_letters")
async def test_what_cannot_be_read_is_kept_with_its_reason(vendor: Vendor, benches: Benches) -> None:
    """Counts in are counts out: every item ends mapped, ignored, waiting for a refetch, or dead with a reason."""
    bench = await benches()
    items = await _items(vendor)
    await bench.take_in(items)
    dead = {item.dedupe_key for item in items if any(isinstance(one, str) for one in outcome(bench.adapter, item))}
    rows = bench.ask("select dedupe_key, state, error from deliveries")
    assert {row[0] for row in rows} == {item.dedupe_key for item in items}
    assert {row[0] for row in rows if row[1] == "dead"} == dead
    assert [row[0] for row in rows if row[1] == "dead" and not row[2]] == []
