"""Polling: page after page of a source's streams into the inbox, each page with its cursor in one transaction."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from msgspec import Struct

from bridge.adapter.base import Adapter
from bridge.adapter.client import Client
from bridge.adapter.delivery import Page
from bridge.errors import Superseded, VendorError, VendorRefused, VendorRetryable
from bridge.facts import Origin
from bridge.intake import inbox
from bridge.store import Store, Unit, micros

LEASE_SECONDS = 120
BACK_OFF_SECONDS = (5, 15, 60, 300, 900)
"""Wait after the first, second … failure in a row, where the vendor names none."""


class Progress(Struct, frozen=True, kw_only=True):
    """How far one stream has come: items so far, of `total` where that is known."""

    source: str
    stream: str
    items: int
    total: int | None


Report = Callable[[Progress], Awaitable[None]]


def can_poll(adapter: Adapter) -> bool:
    """Whether there is anything to poll. A vendor's system of the example does not exist; its files do."""
    real = not adapter.source.demo or adapter.manifest.kind == "files"
    return "sync" in adapter.manifest.capabilities and real


async def register(store: Store, adapters: dict[str, Adapter], now: datetime) -> None:
    """Make the configured sources and their streams known. A source that cannot be polled is live from now on."""
    unit = Unit()
    for name, adapter in sorted(adapters.items()):
        polled = can_poll(adapter)
        unit.add(
            "sources.register",
            name=name,
            adapter=adapter.manifest.name,
            at=micros(now),
            live_since=None if polled else micros(now),
        )
        try:
            streams = adapter.streams() if polled else ()
        except VendorError as problem:
            unit.add("sources.failed", name=name, at=micros(now), error=str(problem))
            continue
        for stream in streams:
            unit.add("sources.add_stream", source=name, stream=stream, at=micros(now))
    await store.write(unit)


async def poll(
    store: Store,
    adapter: Adapter,
    client: Client,
    stream: str,
    *,
    clock: Callable[[], datetime],
    interval: timedelta,
    origin: Origin,
    report: Report | None = None,
) -> bool:
    """Read `stream` to its present end, unless another process is at it. True when it was read to the end.

    A failure is kept with the stream and says when to ask again; the pages stored before it stay.
    """
    owner = secrets.token_hex(8)
    source = adapter.source.name
    rows = await store.change(
        "sources.take_stream",
        source=source,
        stream=stream,
        owner=owner,
        now=micros(clock()),
        lease=LEASE_SECONDS * 1_000_000,
    )
    if not rows:
        return False
    cursor, position, total, done, failures = rows[0]
    problem: VendorError | None = None
    try:
        more = True
        while more:
            page = await adapter.page(client, stream, cursor, clock())
            if page.more and page.cursor == cursor:
                raise VendorRefused(source, f"{stream}: gave the same page again instead of the next one")
            await _store_page(store, adapter, stream, owner, page, origin=origin, now=clock())
            cursor, more = page.cursor, page.more
            position += len(page.items)
            total = page.total if page.total is not None else total
            if report is not None:
                await report(Progress(source=source, stream=stream, items=position, total=total))
    except VendorError as caught:
        problem = caught
    except Superseded:
        return False  # another process took the stream over while this one was asleep
    now = clock()
    wait = interval if problem is None else _wait(problem, failures)
    unit = Unit()
    unit.add(
        "sources.rest",
        source=source,
        stream=stream,
        owner=owner,
        done=int(done or problem is None),
        due_at=micros(now + wait),
        failures=failures + 1 if problem else 0,
        error=str(problem) if problem else None,
        at=micros(now),
    )
    if problem is None:
        unit.add("sources.seen", name=source, at=micros(now))
    else:
        unit.add("sources.failed", name=source, at=micros(now), error=str(problem))
    await store.write(unit)
    return problem is None


def _wait(problem: VendorError, failures: int) -> timedelta:
    if isinstance(problem, VendorRetryable) and problem.retry_after is not None:
        return timedelta(seconds=problem.retry_after)
    return timedelta(seconds=BACK_OFF_SECONDS[min(failures, len(BACK_OFF_SECONDS) - 1)])


async def _store_page(
    store: Store, adapter: Adapter, stream: str, owner: str, page: Page, *, origin: Origin, now: datetime
) -> None:
    unit = Unit()
    inbox.keep(unit, adapter.source.name, adapter.manifest, page.items, via="sync", origin=origin, now=now)
    unit.add(
        "sources.advance",
        expect=1,
        source=adapter.source.name,
        stream=stream,
        owner=owner,
        cursor=page.cursor,
        items=len(page.items),
        total=page.total,
        at=micros(now),
        lease=LEASE_SECONDS * 1_000_000,
    )
    await store.write(unit)


async def settle(store: Store, adapter: Adapter, now: datetime) -> bool:
    """Let a source go live once all streams it has now were read to the end at least once; True when it just did."""
    try:
        wanted = set(adapter.streams())
    except VendorError:
        return False
    rows = await store.all("sources.streams", source=adapter.source.name)
    done = {row[1] for row in rows if row[5]}
    if not wanted or not wanted <= done:
        return False
    changed = [row for row in await store.all("sources.all") if row[0] == adapter.source.name and row[3] is None]
    if changed:
        unit = Unit()
        unit.add("sources.go_live", name=adapter.source.name, at=micros(now))
        await store.write(unit)
    return bool(changed)
