"""Desks, deliveries and a clock for tests that let real adapters work over a real store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from bridge.adapter.base import Adapter, Item, Request
from bridge.adapter.registry import set_up
from bridge.facts import Origin
from bridge.flow import Desk, absorb, open_desk, refresh_due
from bridge.intake import inbox, sync
from bridge.sample import make_center
from bridge.settings import read_settings
from bridge.store import Store, Unit
from bridge.worker import Worker
from contract_tests import shipped

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=timezone.utc)
SECRET = "a-secret-for-tests-only"


async def make_desk(store: Store, folder: Path, *, now: datetime = NOW, **settings: Any) -> Desk:
    """A desk with the shipped configuration and two sources, `crm` and `helpdesk`."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen = read_settings(**settings)
    sources = {
        "sources": {
            "crm": {"adapter": "spreadsheet", "settings": {"folder": str(folder)}},
            "helpdesk": {
                "adapter": "zendesk",
                "settings": {
                    "subdomain": "acme",
                    "client_id": "bridge",
                    "client_secret": SECRET,
                    "webhook_secret": SECRET,
                },
            },
        }
    }
    registry = set_up(shipped.vendors(), sources, {})
    await sync.register(store, registry.sources, now)
    return await open_desk(chosen, store, registry, now, None if "config_dir" in settings else shipped.rules())


async def go_live(desk: Desk, at: datetime = NOW) -> None:
    """Let both sources be live since `at`, as after a first import."""
    unit = Unit()
    for name in desk.registry.sources:
        unit.add("sources.go_live", name=name, at=int(at.timestamp()) * 1_000_000)
    await desk.store.write(unit)
    await desk.look_up()


async def read_exports(worker: Worker) -> None:
    """Read the CRM's files and work until nothing is left to do; the helpdesk is not called."""
    await sync.register(worker.desk.store, worker.desk.registry.sources, worker.clock())
    await worker.poll_source("crm")
    while await worker.drain_once() or await worker.refresh_once():
        pass


async def feed(
    desk: Desk,
    source: str,
    items: Iterable[Item],
    *,
    now: datetime = NOW,
    origin: Origin = Origin.live,
    via: str = "webhook",
) -> None:
    """Keep `items` as deliveries of `source`."""
    unit = Unit()
    manifest = desk.registry.adapter(source).manifest
    inbox.keep(unit, source, manifest, items, via=via, origin=origin, now=now)
    await desk.store.write(unit)


async def drain(desk: Desk, *, now: datetime = NOW, most: int = 50, refresh: bool = True) -> None:
    """Absorb all that is in the inbox and decide whoever is due."""
    while True:
        owner, deliveries = await inbox.take(desk.store, most=most, now=now)
        if not deliveries:
            break
        await absorb(desk, owner, deliveries, now)
    while refresh and await refresh_due(desk, most=most, now=now):
        pass


def sample_items(desk: Desk, *, customers: int = 12, now: datetime = NOW) -> list[Item]:
    """What the sample's helpdesk sends: users, ticket events, ratings."""
    adapter = desk.registry.adapter("helpdesk")
    module = desk.registry.sample("zendesk")
    assert module is not None
    told: Sequence[Item | Request] = list(
        module.deliveries(make_center(now=now, customers=customers), adapter.source, now)
    )
    return [item for one in told for item in _items(adapter, one)]


def _items(adapter: Adapter, one: Item | Request) -> tuple[Item, ...]:
    return (one,) if isinstance(one, Item) else adapter.open(one).items


def user(number: int, *, at: datetime = NOW, **fields: Any) -> Item:
    """A Zendesk end-user as its exports give it."""
    raw = {
        "id": number,
        "name": f"Person {number}",
        "email": f"person{number}@example.de",
        "phone": None,
        "role": "end-user",
        "active": True,
        "external_id": None,
        "organization_id": None,
        "created_at": stamp(at - timedelta(days=400)),
        "updated_at": stamp(at),
    }
    return Item(object="user", raw=raw | fields)


def ticket(number: int, requester: int, *, at: datetime = NOW, **fields: Any) -> Item:
    """A Zendesk ticket as its exports give it."""
    raw = {
        "id": number,
        "subject": "Anschluss",
        "description": "Der Anschluss geht nicht.",
        "status": "open",
        "type": "problem",
        "priority": "normal",
        "requester_id": requester,
        "tags": [],
        "created_at": stamp(at),
        "updated_at": stamp(at),
    }
    return Item(object="ticket", raw=raw | fields)


def stamp(at: datetime) -> str:
    """An instant as Zendesk writes it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
