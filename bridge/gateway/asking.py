"""The way of a look-up that the store cannot answer: ask the sources, keep what they say, take it through the flow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import anyio.lowlevel

from bridge import flow
from bridge.adapter.client import Client, open_client
from bridge.adapter.delivery import Item
from bridge.facts import Origin
from bridge.flow.desk import Desk
from bridge.intake.inbox import keep, take_named
from bridge.intake.live import Live
from bridge.model import Key, KeyKind
from bridge.store import Row, Unit, find_answer

FLOW_SHARE = 0.2
"""Of the time that is left: kept back from the sources for the flow."""


class Asking:
    """See `bridge.gateway.gate.Miss`. Clients are opened beforehand, while nobody waits."""

    def __init__(self, desk: Desk, clock: Callable[[], datetime]) -> None:
        self._desk = desk
        self._clock = clock
        self._clients: dict[str, Client] = {}
        self._live = Live(desk.registry.sources, self._client)
        self.sources = tuple(
            name for name, one in sorted(desk.registry.sources.items()) if "lookup" in one.manifest.capabilities
        )

    async def __call__(
        self, kind: str, value: str, language: str | None, budget: float
    ) -> tuple[Row | None, tuple[str, ...]]:
        key = Key(KeyKind(kind), value)
        if not self._live.can_ask(key):
            return None, ()
        asked = await self._live.ask(key, budget * (1 - FLOW_SHARE), self._take_in)
        for source, items in asked.items.items():
            await self._take_in(source, items)
        row = await find_answer(self._desk.store, kind, value, language) if asked.items else None
        if row is not None and row[0] == "exact" and row[7] is None:
            # of a source that is still being imported: its customers are decided at the end, but this one is calling
            await flow.refresh(self._desk, {row[1]: Origin.first_import}, self._clock())
            row = await find_answer(self._desk.store, kind, value, language)
        return row, asked.missing

    async def open(self) -> None:
        """Load and open beforehand what the first caller would have to wait for."""
        for name in self._live.sources:
            self._client(name).open()
        await anyio.lowlevel.checkpoint()  # it loads its other half only when it is used, which takes 30 ms

    async def close(self) -> None:
        """Give up what is under way and close the clients."""
        await self._live.close()
        for client in self._clients.values():
            await client.close()

    async def _take_in(self, source: str, items: list[Item]) -> None:
        now = self._clock()
        unit = Unit()
        manifest = self._desk.registry.adapter(source).manifest
        keep(unit, source, manifest, items, via="live", origin=Origin.live, now=now)
        await self._desk.store.write(unit)
        owner, deliveries = await take_named(self._desk.store, source, items, now=now)
        if deliveries:
            await flow.absorb(self._desk, owner, deliveries, now)

    def _client(self, source: str) -> Client:
        if source not in self._clients:
            self._clients[source] = open_client(self._desk.registry.adapter(source))
        return self._clients[source]
