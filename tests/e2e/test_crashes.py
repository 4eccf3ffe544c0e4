"""Whichever process dies whenever: what was acknowledged is there, and the store ends as if nothing had happened."""

from __future__ import annotations

import asyncio
import random
import re
import signal
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.app import create_app
from bridge.flow import open_desk
from bridge.store import open_store
from bridge.worker import Worker
from tests.dump import dump, query
from tests.e2e import office
from tests.e2e.site import Role, Site
from tests.patience import eventually

pytestmark = pytest.mark.e2e

CUSTOMERS = 150
TICKETS = 70
KILLS = 6
AT_ONCE = 4
LONGEST_MINUTES = 3
DAYS_END_AFTER = (21, 22, 23)
ARRIVAL = re.compile(r"^a\d{29}$")


async def _undisturbed(site: Site, bodies: list[bytes]) -> dict[str, Any]:
    """The same exports and events through gateway and worker in this process, one after the other."""
    app = create_app(site.settings, site.sources)
    async with (
        app.running() as gate,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=site.url) as client,
    ):
        for body in bodies:
            assert (await office.deliver(client, site, body)).is_success
        await Worker(desk=gate.desk).settle_all()
    return await _finished(site)


async def _finished(site: Site) -> dict[str, Any]:
    """The store as it is once the value tiers are drawn from everybody, which a worker does when it starts."""
    store = await open_store(site.database_url)
    worker = Worker(desk=await open_desk(site.settings, store, site.registry, datetime.now(timezone.utc)))
    await worker.tidy()
    while await worker.refresh_once():
        pass
    await store.close()
    found = await dump(site.database_url)
    for table in ("records", "versions"):
        found[table] = sorted((*row[:3], ARRIVAL.sub("arrival", row[3]), *row[4:]) for row in found[table])
    return found


class Feeder:
    """The vendor: sends every event until it is acknowledged, some at once, and remembers which were."""

    def __init__(self, site: Site, bodies: list[bytes]) -> None:
        self._site = site
        self._left = list(reversed(bodies))
        self.acknowledged: list[str] = []
        self.unheard = 0
        self.refused: list[int] = []

    async def run(self, pause: float) -> None:
        """Send all of it, with `pause` seconds after each."""
        async with httpx.AsyncClient(timeout=5) as client:
            await asyncio.gather(*(self._send(client, pause) for _ in range(AT_ONCE)))

    async def _send(self, client: httpx.AsyncClient, pause: float) -> None:
        while self._left:
            body = self._left.pop()
            heard = await self._once(client, body)
            if not heard:
                self._left.append(body)
            await asyncio.sleep(pause if heard else 0.05)

    async def _once(self, client: httpx.AsyncClient, body: bytes) -> bool:
        try:
            answer = await office.deliver(client, self._site, body)
        except httpx.TransportError:
            self.unheard += 1
            return False
        if not answer.is_success:
            self.refused.append(answer.status_code)
            return False
        self.acknowledged.append(_key(body))
        return True


def _key(body: bytes) -> str:
    event = httpx.Response(200, content=body).json()
    return f"{event['type'].rsplit(':')[-1].partition('.')[0]}_event:{event['id']}"


async def _missing(site: Site, acknowledged: list[str]) -> set[str]:
    there = await query(site.database_url, "select dedupe_key from deliveries where source = 'helpdesk'")
    return set(acknowledged) - {row[0] for row in there}


async def _wreak_havoc(site: Site, feeder: Feeder, chance: random.Random) -> None:
    """Kill one of the two, now and then, and see each time that what was acknowledged is on disk.

    A gateway dies at any moment; a worker some milliseconds after it has taken something, so that it dies at work.
    """
    victims: list[Role] = ["worker", "web"] * (KILLS // 2)
    chance.shuffle(victims)
    for victim in victims:
        if victim == "worker":
            await _until_it_holds_something(site)
            await asyncio.sleep(chance.uniform(0.0, 0.03))
        else:
            await asyncio.sleep(chance.uniform(0.2, 1.0))
        site.kill(victim)
        assert await _missing(site, list(feeder.acknowledged)) == set()
        if victim == "worker":
            await site.let_leases_run_out()
        site.start(victim)
    await asyncio.gather(site.opened("web"), site.opened("worker"))


async def _until_it_holds_something(site: Site) -> None:
    leased = " union all ".join(f"select 1 from {table} where lease_until > 0" for table in ("deliveries", "cursors"))
    with suppress(AssertionError):  # there may be nothing left to take
        await eventually(lambda: query(site.database_url, leased), "the worker holds something", 5, pause=0.002)


async def _until_no_day_ends_soon() -> None:
    """What is compared was decided minutes apart and counts days: none may end between, in Germany or in UTC."""
    now = datetime.now(timezone.utc)
    if now.hour in DAYS_END_AFTER and now.minute >= 60 - LONGEST_MINUTES:
        await asyncio.sleep((60 - now.minute) * 60 - now.second)


async def test_after_kills_at_random_moments_the_store_is_that_of_an_undisturbed_run(
    database_url: str, tmp_path: Path
) -> None:
    await _until_no_day_ends_soon()
    chance = random.Random(2026)
    exports = tmp_path / "exports"
    office.write_exports(exports, CUSTOMERS, chance)
    bodies = office.events(TICKETS, CUSTOMERS, chance)
    (tmp_path / "calm").mkdir()
    calm = Site(tmp_path / "calm", f"sqlite:///{tmp_path}/calm/bridge.db", office.sources(exports))
    expected = await _undisturbed(calm, bodies)

    (tmp_path / "site").mkdir()
    site = Site(tmp_path / "site", database_url, office.sources(exports))
    feeder = Feeder(site, bodies)
    try:
        site.start("web", "worker")
        await asyncio.gather(site.opened("web"), site.opened("worker"))
        feeding = asyncio.create_task(feeder.run(pause=AT_ONCE * KILLS / len(bodies)))
        await _wreak_havoc(site, feeder, chance)
        await feeding
        store = await open_store(database_url)
        await site.settled(store)
        await store.close()
        codes = site.stop()
    finally:
        site.stop(0)
    assert codes == {"web": -signal.SIGTERM, "worker": 0}  # uvicorn ends by the signal itself, after closing
    assert site.logs.count('"closed"') == 2
    assert feeder.refused == []
    assert await _missing(site, feeder.acknowledged) == set()
    found = await _finished(site)
    for part, rows in expected.items():
        assert found[part] == rows, part
