"""A configured Zammad source for the tests beside this file, made as the bridge makes it, and its server."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from bridge.adapter.base import Adapter
from bridge.adapter.client import Client, open_client
from bridge.adapter.delivery import Item
from bridge.adapter.registry import Vendor, load_vendors
from bridge.adapter.source import Source
from bridge.model import Entry
from contract_tests.fakes.zammad import TOKEN, Fake

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)


@cache
def vendor() -> Vendor:
    return load_vendors(ROOT / "adapters", ROOT / "mappings")["zammad"]


def account(overlay: dict[str, Any] | None = None, **settings: str) -> Adapter:
    """The adapter of a source `desk` with `settings` over the usual ones."""
    usual = {"url": "https://zammad.example.org", "token": TOKEN, "webhook_secret": "made-up-secret-8d40"}
    source = Source(name="desk", adapter="zammad", settings={**usual, **settings})
    return vendor().kind(source, vendor().manifest, vendor().load_mapping(overlay))


class Server:
    """The vendor's side of the wire: a fake that keeps what was asked; `instead` may answer in its place."""

    def __init__(self) -> None:
        self.fake = Fake()
        self.asked: list[httpx.Request] = []
        self.instead: Callable[[httpx.Request], httpx.Response | None] = lambda request: None

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self.instead(request) or self.fake.answer(request)

    def client(self, adapter: Adapter) -> Client:
        return open_client(adapter, transport=httpx.MockTransport(self.answer))

    @property
    def paths(self) -> list[str]:
        """What was asked, in order."""
        return [f"{one.method} {one.url.path.removeprefix('/api/v1/')}" for one in self.asked]

    def says(self, path: str, *bodies: Any, status: int = 200) -> None:
        """Answer requests of `path` ("POST tickets", say) with `bodies`, one after the other."""
        left = list(bodies)

        def instead(request: httpx.Request) -> httpx.Response | None:
            if f"{request.method} {request.url.path.removeprefix('/api/v1/')}" != path or not left:
                return None
            return httpx.Response(status, json=left.pop(0))

        self.instead = instead


def said(adapter: Adapter, items: list[Item]) -> list[Entry]:
    """The entries that items become."""
    return [one for item in items for one in adapter.read(item) if isinstance(one, Entry)]


async def read_on(
    adapter: Adapter, client: Client, stream: str, cursor: str = "", now: datetime = NOW
) -> tuple[list[Item], str]:
    """What comes after `cursor`, and the cursor at the present end."""
    items: list[Item] = []
    for _ in range(200):
        page = await adapter.page(client, stream, cursor, now)
        items += page.items
        cursor = page.cursor
        if not page.more:
            return items, cursor
    raise AssertionError(f"{stream} has no end")
