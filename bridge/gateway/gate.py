"""What all routes of one process share, and the loop that keeps it fresh."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, timezone
from time import monotonic
from typing import Final, Protocol

from bridge.adapter.registry import Registry
from bridge.flow.desk import Desk
from bridge.gateway.health import SourceHealth
from bridge.gateway.keys import REFRESH_SECONDS, KeyTable
from bridge.gateway.trail import FLUSH_SECONDS, Trail
from bridge.gateway.updates import Updates
from bridge.settings import Settings
from bridge.store import Row, Store
from bridge.telemetry import LineBuffer, log

STORE_SECONDS: Final = 10.0
"""After this long without an answer the store counts as gone."""

_log = log("gateway")


class Miss(Protocol):
    """Asks the sources live for a key that the store does not know.

    `sources` are those that can be asked. Returns within `budget` seconds: the row that `store.answer` gives now (None:
    nobody knows the key), and the names of the sources that could not be asked or did not answer in time. Answers that
    come later still go into the store.
    """

    @property
    def sources(self) -> tuple[str, ...]: ...

    async def __call__(
        self, kind: str, value: str, language: str | None, budget: float
    ) -> tuple[Row | None, tuple[str, ...]]: ...


def utc_now() -> datetime:
    """The clock of the running process."""
    return datetime.now(timezone.utc)


class Gate:
    """The desk and what the gateway keeps in memory beside it."""

    def __init__(self, desk: Desk, lines: LineBuffer, *, miss: Miss | None, clock: Callable[[], datetime]) -> None:
        self.desk = desk
        self.lines = lines
        self.miss = miss
        self.clock = clock
        self.late: set[asyncio.Task[tuple[Row | None, tuple[str, ...]]]] = set()
        """Live calls whose caller has been answered already."""
        self.keys = KeyTable(desk.store)
        self.trail = Trail(desk.store)
        self.updates = Updates(desk.store, self.trail)
        self.health = SourceHealth(desk.store, timedelta(seconds=desk.settings.stale_after_s))
        secret = desk.settings.ticket_secret
        self.ticket_secrets: tuple[str, ...] = () if secret is None else (secret.get_secret_value(),)
        if desk.settings.demo and not self.ticket_secrets:
            self.ticket_secrets = (secrets.token_hex(32),)  # the example must work without a single setting

    @property
    def store(self) -> Store:
        """The one database."""
        return self.desk.store

    @property
    def settings(self) -> Settings:
        """What the environment says."""
        return self.desk.settings

    @property
    def registry(self) -> Registry:
        """The configured sources."""
        return self.desk.registry

    async def customer_of(self, interaction: str) -> str | None:
        """Whose the host's `interaction` is, as a look-up said it; None for one that nobody told us of."""
        if (customer := self.trail.customer_of(interaction)) is not None:
            return customer
        row = await self.store.one("gateway.dip", interaction=interaction)
        return None if row is None else str(row[0])

    async def refresh(self) -> None:
        """Read again what is kept in memory."""
        await self.keys.refresh()
        await self.health.refresh(self.clock())
        await self.desk.look_up()

    async def flush(self) -> None:
        """Write what waits to be written behind the answers."""
        self.lines.flush()
        await self.trail.flush()

    async def tend(self, stop: asyncio.Event) -> None:
        """Flush and refresh until `stop`; a store that cannot be reached is said once and tried again."""
        healthy = True
        refreshed = monotonic()
        while not stop.is_set():
            try:
                await asyncio.wait_for(stop.wait(), FLUSH_SECONDS)
            except TimeoutError:
                pass
            due: list[Callable[[], Awaitable[None]]] = [self.flush]
            if monotonic() - refreshed >= REFRESH_SECONDS:
                refreshed = monotonic()
                due.append(self.refresh)
            try:
                for one in due:
                    async with asyncio.timeout(STORE_SECONDS):
                        await one()
            except Exception as problem:  # noqa: BLE001 - whatever the database does, the loop goes on
                if healthy:
                    _log.error("the store cannot be used", problem=type(problem).__name__)
                healthy = False
            else:
                if not healthy:
                    _log.info("the store can be used again")
                healthy = True
