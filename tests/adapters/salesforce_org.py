"""A configured Salesforce source for the tests beside this file, made as the bridge makes it, and its org."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from bridge.adapter.base import Adapter
from bridge.adapter.client import Client, open_client
from bridge.adapter.delivery import Item
from bridge.adapter.mapping import Mapping
from bridge.adapter.registry import Vendor, load_vendors
from bridge.adapter.source import Source
from bridge.model import Entry
from contract_tests.fakes.salesforce import STARTED, Fake

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)
DATA = "/services/data/v60.0/"
SETTINGS: dict[str, Any] = {
    "my_domain": "acme",
    "client_id": "a-consumer-key",
    "client_secret": "a-consumer-secret",
    "webhook_secret": "a-long-random-word",
}


@cache
def _vendor() -> Vendor:
    return load_vendors(ROOT / "adapters", ROOT / "mappings")["salesforce"]


@cache
def _mapping() -> Mapping:
    return _vendor().load_mapping()


def make(mapping: dict[str, Any] | None = None, language: str = "de", **settings: Any) -> Adapter:
    """The adapter of a source `crm` with `settings` over the usual ones and an overlay."""
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in (SETTINGS | settings).items()}
    source = Source(name="crm", adapter="salesforce", settings=given, language=language)
    return _vendor().kind(source, _vendor().manifest, _vendor().load_mapping(mapping) if mapping else _mapping())


def contacts(**fields: Any) -> dict[str, Any]:
    """An overlay that adds fields to contacts."""
    return {"objects": {"contact": {"fields": fields}}}


class Org:
    """The wire to a fake org: keeps what was asked, and answers from `instead` first, by the end of the path."""

    def __init__(self, fake: Fake | None = None) -> None:
        self.fake = fake or Fake()
        self.asked: list[httpx.Request] = []
        self.now = NOW
        self.instead: dict[str, list[httpx.Response | Callable[[], httpx.Response]]] = {}

    def answer(self, request: httpx.Request) -> httpx.Response:
        if not self.fake.authorises(request):
            self.asked.append(request)
            for end, answers in self.instead.items():
                if request.url.path.endswith(end) and answers:
                    one = answers.pop(0)
                    return one if isinstance(one, httpx.Response) else one()
        return self.fake.answer(request)

    def client(self, adapter: Adapter) -> Client:
        return open_client(adapter, transport=httpx.MockTransport(self.answer), clock=self.seconds)

    def seconds(self) -> float:
        return self.now.timestamp()

    def queries(self) -> list[str]:
        """Every SOQL query and SOSL search that was asked."""
        return [request.url.params["q"] for request in self.asked if "q" in request.url.params]

    def paths(self) -> list[str]:
        return [request.url.path.removeprefix(DATA) for request in self.asked]


async def read_on(adapter: Adapter, org: Org, name: str, cursor: str = "") -> tuple[list[Item], str]:
    """All pages of a round, and the cursor with which the next one begins."""
    client = org.client(adapter)
    items: list[Item] = []
    more = True
    while more:
        page = await adapter.page(client, name, cursor, org.now)
        items += page.items
        cursor, more = page.cursor, page.more
    await client.close()
    return items, cursor


def entries(adapter: Adapter, items: list[Item]) -> list[Entry]:
    """What items say."""
    return [one for item in items for one in adapter.read(item) if isinstance(one, Entry)]


def in_step() -> Org:
    """An org whose clock shows our time."""
    org = Org()
    org.fake.pass_time(org.now - STARTED)
    return org


def later(org: Org, **step: float) -> None:
    """Time passes, here and at the vendor."""
    org.now += timedelta(**step)
    org.fake.pass_time(timedelta(**step))
