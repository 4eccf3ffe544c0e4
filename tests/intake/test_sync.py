"""Polling: a page and its cursor in one transaction, one poller per source, failures kept with when to ask again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bridge.adapter.base import Adapter, Page
from bridge.adapter.client import Client, open_client
from bridge.errors import VendorRefused, VendorRetryable
from bridge.facts import Origin
from bridge.flow import Desk
from bridge.intake import sync
from bridge.store import Store
from tests.desks import NOW, make_desk, user
from tests.dump import query

MINUTE = timedelta(minutes=1)


def script(
    adapter: Adapter,
    pages: Callable[[str], Page | Exception],
    streams: tuple[str, ...] = ("users",),
    seconds: float = 0.0,
) -> None:
    """Let `adapter` answer polls as the test says, each page after so long."""

    async def page(client: Client, stream: str, cursor: str, now: datetime) -> Page:
        await asyncio.sleep(seconds)
        found = pages(cursor)
        if isinstance(found, Exception):
            raise found
        return found

    vars(adapter)["page"] = page
    vars(adapter)["streams"] = lambda: streams


async def poll(desk: Desk, *, at: datetime = NOW, report: Any = None) -> bool:
    adapter = desk.registry.adapter("helpdesk")
    await sync.register(desk.store, {"helpdesk": adapter}, at)
    return await sync.poll(
        desk.store,
        adapter,
        open_client(adapter),
        "users",
        clock=lambda: at,
        interval=MINUTE,
        origin=Origin.first_import,
        report=report,
    )


async def state(desk: Desk) -> tuple[Any, ...]:
    rows = await desk.store.all("sources.streams", source="helpdesk")
    return next(row for row in rows if row[1] == "users")


def two_pages(cursor: str) -> Page:
    if cursor == "":
        return Page(items=(user(1), user(2)), cursor="a", more=True, total=3)
    return Page(items=(user(3),), cursor="b", more=False)


async def test_a_stream_is_read_to_its_end_and_progress_is_told(
    store: Store, tmp_path: Path, database_url: str
) -> None:
    desk = await make_desk(store, tmp_path)
    told: list[sync.Progress] = []

    async def report(step: sync.Progress) -> None:
        told.append(step)

    script(desk.registry.adapter("helpdesk"), two_pages)
    assert await poll(desk, report=report)
    assert [(step.items, step.total) for step in told] == [(2, 3), (3, 3)]
    row = await state(desk)
    assert (row[2], row[3], row[4], row[5], row[7]) == ("b", 3, 3, 1, 0)
    assert await query(database_url, "select count(*), min(origin) from deliveries") == [(3, "import")]


async def test_nobody_polls_before_it_is_due(store: Store, tmp_path: Path) -> None:
    desk = await make_desk(store, tmp_path)
    script(desk.registry.adapter("helpdesk"), two_pages)
    assert await poll(desk)
    assert not await poll(desk, at=NOW + timedelta(seconds=30))
    assert await poll(desk, at=NOW + 2 * MINUTE)


async def test_two_pollers_at_once_read_a_stream_once(store: Store, tmp_path: Path, database_url: str) -> None:
    desk = await make_desk(store, tmp_path)
    script(desk.registry.adapter("helpdesk"), two_pages, seconds=0.5)  # until the others have begun too
    assert sorted(await asyncio.gather(poll(desk), poll(desk), poll(desk))) == [False, False, True]
    assert await query(database_url, "select count(*) from deliveries") == [(3,)]


async def test_what_was_read_before_a_failure_stays_and_the_next_poll_goes_on_from_there(
    store: Store, tmp_path: Path, database_url: str
) -> None:
    desk = await make_desk(store, tmp_path)
    broken = [True]

    def pages(cursor: str) -> Page | Exception:
        if cursor == "a" and broken[0]:
            return VendorRetryable("helpdesk", "rate limit", retry_after=90)
        return two_pages(cursor)

    script(desk.registry.adapter("helpdesk"), pages)
    assert not await poll(desk)
    row = await state(desk)
    assert (row[2], row[5], row[7]) == ("a", 0, 1)
    assert row[6] == int((NOW + timedelta(seconds=90)).timestamp() * 1_000_000)
    assert "rate limit" in row[8]
    assert (await desk.store.all("sources.all"))[1][5]
    broken[0] = False
    assert await poll(desk, at=NOW + 2 * MINUTE)
    assert (await state(desk))[7:9] == (0, None)
    assert await query(database_url, "select count(*) from deliveries") == [(3,)]


async def test_each_failure_in_a_row_waits_longer(store: Store, tmp_path: Path) -> None:
    desk = await make_desk(store, tmp_path)
    script(desk.registry.adapter("helpdesk"), lambda _: VendorRetryable("helpdesk", "down"))
    at, waits = NOW, []
    for _ in range(7):
        assert not await poll(desk, at=at)
        due = (await state(desk))[6] / 1_000_000
        waits.append(round(due - at.timestamp()))
        at = datetime.fromtimestamp(due + 1, tz=NOW.tzinfo)
    assert waits == [5, 15, 60, 300, 900, 900, 900]


async def test_a_vendor_that_gives_the_same_page_again_is_stopped(store: Store, tmp_path: Path) -> None:
    desk = await make_desk(store, tmp_path)
    script(desk.registry.adapter("helpdesk"), lambda _: Page(items=(user(1),), cursor="", more=True))
    assert not await poll(desk)
    assert "same page" in (await state(desk))[8]


async def test_a_source_is_live_once_every_stream_it_has_now_was_read(store: Store, tmp_path: Path) -> None:
    desk = await make_desk(store, tmp_path)
    adapter = desk.registry.adapter("helpdesk")
    script(adapter, two_pages, streams=("users", "tickets"))
    await poll(desk)
    assert not await sync.settle(desk.store, adapter, NOW)
    script(adapter, two_pages, streams=("users",))
    assert await sync.settle(desk.store, adapter, NOW)
    assert not await sync.settle(desk.store, adapter, NOW)


async def test_a_folder_that_is_not_there_stops_nobody(store: Store, tmp_path: Path) -> None:
    desk = await make_desk(store, tmp_path)
    adapter = desk.registry.adapter("helpdesk")

    def gone() -> tuple[str, ...]:
        raise VendorRefused("helpdesk", "the folder is gone")

    vars(adapter)["streams"] = gone
    await sync.register(desk.store, desk.registry.sources, NOW)
    problem = {row[0]: row[5] for row in await desk.store.all("sources.all")}
    assert "gone" in problem["helpdesk"]
    assert not await sync.settle(desk.store, adapter, NOW)
