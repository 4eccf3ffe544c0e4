"""Look-ups and webhooks beside a busy worker, all on one SQLite file: `python -m benchmarks.beside`.

A worker process absorbs a backlog of helpdesk users and tickets of known customers without a rest. Meanwhile the
gateway's application answers look-ups inside this program, where the processor time of each single one can be taken;
then a gateway process acknowledges signed webhooks that come in at random moments.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from random import Random
from typing import Any

from msgspec import Struct
from rich.console import Console

from benchmarks import database, people
from benchmarks.figures import Figure, Void, conclude, load
from benchmarks.load import quantile
from benchmarks.lookup import CUSTOMERS, QUICK_CUSTOMERS, give_key
from benchmarks.processes import (
    CLIENT,
    SERVER,
    aside,
    environment,
    free_port,
    make_config,
    running,
    scratch,
    settings,
    wait_for,
)
from bridge.adapter.delivery import Item, Request
from bridge.adapter.registry import Registry, load_registry
from bridge.app import create_app
from bridge.facts import Origin
from bridge.intake import inbox, sync
from bridge.sample.center import Center
from bridge.sample.records import Case, User
from bridge.store import Store, Unit, open_store

BENCH = "beside"
SECONDS, QUICK_SECONDS = 10.0, 1.5
BACKLOG, QUICK_BACKLOG = 5_000, 3_000
"""Customers in the worker's backlog: a user each, and TICKETS of which two events tell."""
TICKETS = 4
WEBHOOKS_A_SECOND, CONNECTIONS = 100, 8
LOOKUP_MS, WEBHOOK_MS = 5.0, 50.0
"""Most processor time of any single look-up; most time until 99 of 100 webhooks are acknowledged."""
HELPDESK = "helpdesk"
_SOURCES = {
    HELPDESK: {
        "adapter": "zendesk",
        "demo": True,  # nobody is asked over the network
        "settings": {"subdomain": "example", "webhook_secret": "a-benchmark-has-no-secrets"},
    }
}


class Size(Struct, frozen=True, kw_only=True):
    """How much is done."""

    customers: int
    backlog: int
    seconds: float


FULL = Size(customers=CUSTOMERS, backlog=BACKLOG, seconds=SECONDS)
QUICK = Size(customers=QUICK_CUSTOMERS, backlog=QUICK_BACKLOG, seconds=QUICK_SECONDS)


def measure(size: Size) -> list[Figure]:
    """Measure both. Raises Void when the worker ran dry, or an acknowledged delivery is missing."""
    source = database.prepare(size.customers)
    with scratch() as folder:
        path, config = database.copy(source, folder), make_config(folder, _SOURCES)
        return asyncio.run(_measure(size, folder, path, config))


async def _measure(size: Size, folder: Path, path: Path, config: Path) -> list[Figure]:
    own = settings(path, config)
    registry = load_registry(own.adapters_dir, own.mappings_dir, config / "sources.yaml", os.environ)
    store = await open_store(own.database_url)
    try:
        key = await give_key(path, "agent")
        await sync.register(store, registry.sources, datetime.now(timezone.utc))
        waiting = await _fill_inbox(store, registry, range(size.backlog))
        port, log = free_port(), folder / "log"
        env = environment(path, config, BRIDGE_PORT=str(port))
        out = Console(stderr=True)
        with running(["bridge", "web"], None, log, env), running(["bridge", "worker"], CLIENT, log, env):
            wait_for(port, "/readyz", log)
            await _begun(store, waiting)
            left, began = await _left(store), time.perf_counter()
            with out.status("look-ups beside the worker"), aside(SERVER) as process:
                took = process.call(look_up, path, config, key, size)
            with out.status("webhooks beside the worker"):
                times = await _send_webhooks(port, registry, size)
            rate = (left + len(times) - await _left(store)) / (time.perf_counter() - began)
            if await _left(store) <= len(times):
                raise Void(f"the worker ran dry ({rate:.0f} deliveries a second): these figures say nothing")
        kept = sum(row[2] for row in await store.all("inbox.states") if row[0] == HELPDESK)
    finally:
        await store.close()
    if kept != waiting + len(times):
        raise Void(f"{waiting + len(times)} deliveries were acknowledged, but {kept} are there")
    busy = f"worker: {rate:,.0f} deliveries/s; {load()}"
    return [
        Figure(
            bench=BENCH,
            name="worst look-up, processor of its thread",
            measured=max(took) / 1e6,
            unit="ms",
            most=LOOKUP_MS,
            note=f"of {len(took):,}; p50 {quantile(took, 0.5) / 1000:.0f} p99 {quantile(took, 0.99) / 1000:.0f} "
            f"p99.9 {quantile(took, 0.999) / 1000:.0f} µs; {busy}",
        ),
        Figure(
            bench=BENCH,
            name="webhook acknowledged, p99",
            measured=quantile(times, 0.99) * 1000,
            unit="ms",
            most=WEBHOOK_MS,
            note=f"of {len(times):,}; p50 {quantile(times, 0.5) * 1000:.1f} worst {max(times) * 1000:.1f} ms",
        ),
    ]


def look_up(path: Path, config: Path, key: str, size: Size) -> list[int]:
    """Nanoseconds of processor that each single look-up took, one after the other for `size.seconds`."""
    with (path.parent / "look-ups.log").open("w", encoding="utf-8") as sys.stdout:
        return asyncio.run(_look_up(path, config, key, size))


async def _look_up(path: Path, config: Path, key: str, size: Size) -> list[int]:
    random, took, hits = Random(0), [], 0
    headers = [(b"host", b"127.0.0.1"), (b"authorization", f"Bearer {key}".encode()), (b"accept", b"*/*")]
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/v1/lookup", "headers": headers}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        nonlocal hits
        hits += b'"match":"exact"' in message.get("body", b"")

    app = create_app(settings(path, config))
    async with app.running():
        end = time.perf_counter() + size.seconds
        while time.perf_counter() < end:
            for _ in range(50):
                phone = people.phone(random.randrange(size.customers)).replace("+", "%2B")
                asked = scope | {"query_string": f"phone={phone}".encode()}
                began = time.thread_time_ns()
                await app(asked, receive, send)
                took.append(time.thread_time_ns() - began)
            await asyncio.sleep(0)
    if hits != len(took):
        raise Void(f"{len(took) - hits} of {len(took)} look-ups found nobody")
    return took


async def _send_webhooks(port: int, registry: Registry, size: Size) -> list[float]:
    """Seconds from each webhook to its answer."""
    wanted = int(WEBHOOKS_A_SECOND * size.seconds)
    late = range(size.customers - wanted // TICKETS // 2, size.customers)
    requests = [one for one in _deliveries(registry, late, "W") if isinstance(one, Request)]
    times: list[float] = []

    async def send(some: list[Request], random: Random) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for one in some:
            await asyncio.sleep(random.expovariate(WEBHOOKS_A_SECOND / CONNECTIONS))
            head = "".join(f"{name}: {value}\r\n" for name, value in one.headers.items() if name != "content-length")
            head = f"POST /webhooks/{HELPDESK} HTTP/1.1\r\nhost: bench\r\ncontent-length: {len(one.body)}\r\n{head}\r\n"
            began = time.perf_counter()
            writer.write(head.encode() + one.body)
            answer = await reader.readuntil(b"\r\n\r\n")
            times.append(time.perf_counter() - began)
            if not answer.startswith(b"HTTP/1.1 2"):
                raise Void(f"a webhook was answered {answer[:40]!r}")
            await reader.readexactly(int(answer.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
        writer.close()

    await asyncio.gather(*(send(requests[place::CONNECTIONS], Random(place)) for place in range(CONNECTIONS)))
    return times


async def _fill_inbox(store: Store, registry: Registry, customers: range) -> int:
    """Put users and ticket events of `customers` into the inbox; returns how many deliveries that is."""
    adapter, now = registry.adapter(HELPDESK), datetime.now(timezone.utc)
    items: list[Item] = []
    for first in range(customers.start, customers.stop, 100):
        for one in _deliveries(registry, customers[first : first + 100], "T"):
            items += (one,) if isinstance(one, Item) else adapter.open(one).items
    for first in range(0, len(items), 1000):
        unit = Unit()
        page = items[first : first + 1000]
        inbox.keep(unit, HELPDESK, adapter.manifest, page, via="webhook", origin=Origin.live, now=now)
        await store.write(unit)
    return len(items)


def _deliveries(registry: Registry, customers: range, case: str) -> Iterator[Item | Request]:
    """What the helpdesk tells of `customers`: a user each, and tickets (their ids begin with `case`) put on hold."""
    now = datetime.now(timezone.utc)
    users = tuple(
        User(
            id=str(number),
            name=" ".join(people.name(number)[1:]),
            email=people.email(number),
            phone=people.phone(number),
            crm_id=str(number),
            language="de",
            since=now,
        )
        for number in customers
    )
    cases = tuple(
        Case(
            id=f"{case}{number}-{place}",
            customer_id=str(number),
            user_id=str(number),
            type="complaint" if number % 4 == 0 else "problem",
            subject="Langsames Internet am Abend",
            text="Abends kommen nur 20 Mbit/s an, und das seit zwei Wochen. Bitte melden Sie sich.",
            opened=now,
            status="waiting",
        )
        for number in customers
        for place in range(TICKETS)
    )
    center = Center(
        accounts=(),
        customers=(),
        users=users,
        contracts=(),
        former=(),
        purchases=(),
        tickets=cases,
        surveys=(),
        calls=(),
        readings=(),
        fates=(),
        callers=(),
        spoiled=frozenset(),
    )
    adapter = registry.adapter(HELPDESK)
    sample: Any = registry.sample(adapter.manifest.name)
    yield from sample.deliveries(center, adapter.source, now)


async def _left(store: Store) -> int:
    return int((await store.all("inbox.waiting_count"))[0][0])


async def _begun(store: Store, waiting: int) -> None:
    """Wait until the worker is at it."""
    end = time.monotonic() + 30
    while await _left(store) >= waiting:
        if time.monotonic() > end:
            raise Void("the worker does not begin")
        await asyncio.sleep(0.1)


def main() -> int:
    """Measure, print, and say whether the limits hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.beside", description=__doc__)
    parser.add_argument("--customers", type=int, default=CUSTOMERS, help=f"in the database (default {CUSTOMERS:,})")
    parser.add_argument("--backlog", type=int, default=BACKLOG, help=f"customers in the inbox (default {BACKLOG:,})")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"of each of the two (default {SECONDS:.0f})")
    parser.add_argument("--quick", action="store_true", help="little of everything: to see that it works")
    args = parser.parse_args()
    size = Size(customers=args.customers, backlog=min(args.backlog, args.customers), seconds=args.seconds)
    return conclude(lambda: measure(QUICK if args.quick else size), quick=args.quick)


if __name__ == "__main__":
    raise SystemExit(main())
