"""Reading a vendor while everything goes wrong at once: in the end the bridge knows exactly what the vendor knows.

The vendor limits the rate, times out, fails, gives the last answer once more, and meanwhile changes, deletes and merges
what is being read. The worker is killed half-way and another one goes on. Then it grows quiet, and the bridge is held
against a second one that reads the same vendor in peace.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.adapter.base import Adapter
from bridge.adapter.client import MAX_ANSWER, open_client
from bridge.adapter.registry import Registry
from bridge.flow import open_desk
from bridge.intake import sync
from bridge.settings import read_settings
from bridge.store import open_store
from bridge.worker import Worker
from contract_tests import shipped
from contract_tests.fakes import FakeVendor
from contract_tests.test_sync import _ids, _over_the_network
from contract_tests.transports import Wire, too_many
from contract_tests.vendors import NOW, Vendor, stream

OBJECTS = 12
TURNS = 14
"""Turns of trouble, at least; each may end in a failure, a kill or the present end."""
MOST_TURNS = 60
DEMANDED = {"limited", "failed", "killed"}
"""What must have happened before it grows quiet."""
MANY = 10_000

Row = tuple[Any, ...]


class Killed(BaseException):
    """The process is gone, between two requests."""


class Mischief:
    """A vendor on a bad day, between the client and its fake server. Everything it does follows from the seed."""

    def __init__(self, fake: FakeVendor, name: str, ids: set[str], seed: int, limited: str) -> None:
        self._fake = fake
        self._name = name
        self._chance = random.Random(seed)
        self._limited = too_many(limited)
        self._last: dict[str, httpx.Response] = {}
        self.alive = set(ids)
        self.done: set[str] = set()

    def answer(self, request: httpx.Request) -> httpx.Response:
        if self._fake.authorises(request):
            return self._fake.answer(request)
        match self._chance.choices(["well", "limited", "slow", "failed", "again", "killed"], [60, 10, 6, 6, 8, 6])[0]:
            case "limited":
                self.done.add("limited")
                return self._limited(request)
            case "slow":
                self.done.add("slow")
                raise httpx.ReadTimeout("slow", request=request)
            case "failed":
                self.done.add("failed")
                return httpx.Response(502, text="<html>Bad gateway</html>")
            case "again" if request.url.path in self._last:
                self.done.add("again")
                return _copy(self._last[request.url.path])
            case "killed":
                self.done.add("killed")
                raise Killed
        answer = self._fake.answer(request)
        self._last[request.url.path] = _copy(answer)
        self._meddle()
        return answer

    def _meddle(self) -> None:
        """Something happens at the vendor, between two pages."""
        known = sorted(self.alive)
        match self._chance.choices(["nothing", "touch", "remove", "merge", "new"], [50, 20, 10, 10, 10])[0]:
            case "touch" if known:
                self._fake.touch(self._name, self._chance.choice(known))
                self.done.add("touch")
            case "remove" if len(known) > 4:
                number = self._chance.choice(known)
                if self._fake.remove(self._name, number):
                    self.alive.discard(number)
                    self.done.add("remove")
            case "merge" if len(known) > 4:
                loser, winner = self._chance.sample(known, 2)
                if self._fake.merge(self._name, loser, winner):
                    self.alive.discard(loser)
                    self.done.add("merge")
            case "new":
                self.alive |= self._fake.fill(self._name, 1)


def _copy(answer: httpx.Response) -> httpx.Response:
    return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


class Reader:
    """Bridges over one store file, one after the other, as processes are: each is killed or ends before the next."""

    def __init__(self, vendor: Vendor, file: Path, name: str) -> None:
        self._vendor = vendor
        self._file = file
        self._stream = name
        self.now = NOW

    async def read(self, answer: Callable[[httpx.Request], httpx.Response]) -> str | None:
        """Poll the stream once and work off what came. The problem that the poll ended with, if any."""
        adapter = _of_one_stream(self._vendor.adapter(), self._stream)
        name = adapter.source.name
        store = await open_store(f"sqlite:///{self._file}")
        client = open_client(adapter, transport=Wire(answer), clock=self.clock_seconds)
        desk = await open_desk(read_settings(), store, Registry({}, {name: adapter}), self.now, shipped.rules())
        worker = Worker(desk=desk, clock=self.clock, clients={name: client})
        try:
            await sync.register(store, {name: adapter}, self.now)
            await worker.settle_all()
            rows = self.ask(f"select error from cursors where stream = '{self._stream}'")
            return rows[0][0] if rows else "the stream is not known"
        finally:
            with suppress(Exception):
                await client.close()
            await store.close()

    def clock(self) -> datetime:
        return self.now

    def clock_seconds(self) -> float:
        return self.now.timestamp()

    def ask(self, question: str) -> list[Row]:
        db = sqlite3.connect(f"file:{self._file}?mode=ro", uri=True)
        try:
            return db.execute(question).fetchall()
        finally:
            db.close()

    def alive(self) -> list[Row]:
        """The records that are there now."""
        found = self.ask("select object, source_id, subject, body from records where deleted = 0")
        return sorted(found, key=repr)


def _of_one_stream(adapter: Adapter, name: str) -> Adapter:
    adapter.streams = lambda: (name,)  # type: ignore[method-assign]  # the others have a turn of their own
    return adapter


async def _calm(reader: Reader, fake: FakeVendor) -> None:
    """Read on while nothing is amiss, until nothing new comes."""
    for _ in range(6):
        reader.now += timedelta(days=1)
        assert await reader.read(fake.answer) is None
    assert reader.ask("select state, error from deliveries where state <> 'mapped' and state <> 'ignored'") == []


@pytest.mark.clause("adversity", "sync")
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_after_every_trouble_the_bridge_knows_what_the_vendor_knows(
    vendor: Vendor, tmp_path: Path, seed: int
) -> None:
    _over_the_network(vendor)
    happened: set[str] = set()
    for name in vendor.adapter().streams():
        fake = vendor.fake()
        made = fake.fill(name, OBJECTS)
        mischief = Mischief(fake, name, made, seed, vendor.manifest.rate_limit.retry_after)
        reader = Reader(vendor, tmp_path / f"{name.replace('/', '_')}.db", name)
        for turn in range(MOST_TURNS):
            if turn >= TURNS and mischief.done >= DEMANDED:
                break
            reader.now += timedelta(minutes=15)  # leases end, and waits
            with suppress(Killed):
                await reader.read(mischief.answer)
        await _calm(reader, fake)
        in_peace = Reader(vendor, tmp_path / f"{name.replace('/', '_')}-peace.db", name)
        await _calm(in_peace, fake)
        assert reader.alive() == in_peace.alive(), name
        assert {row[1] for row in reader.alive()} == mischief.alive, name
        happened |= mischief.done
    assert happened >= DEMANDED, "the bad day was none"


@pytest.mark.clause("one_second", "sync")
async def test_ten_thousand_objects_of_one_second_all_come(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    _over_the_network(vendor)
    monkeypatch.setattr("bridge.adapter.client.MAX_ANSWER", MAX_ANSWER)  # some hand out a second as one file
    name = vendor.adapter().streams()[0]
    fake = vendor.fake()
    fake.page_size = 500
    made = fake.fill(name, MANY)
    adapter = vendor.adapter()
    client = open_client(adapter, transport=Wire(fake.answer), clock=NOW.timestamp)
    items = [item async for item in stream(adapter, client, name)]
    await client.close()
    assert _ids(adapter, items) == made
    assert len(items) <= 1.2 * len(made), "too many are read twice"
