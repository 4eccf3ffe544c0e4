"""The look-up's hit path beside a bare ASGI application: `python -m benchmarks.lookup`.

A gateway on a SQLite file of 100,000 customers is asked for random phone numbers with the key of an agent and with that
of a phone system; every answer must be a hit. In turns with it, a bare application on the same kind of server sends a
constant body as long as the phone system's answer. What counts is the ratio of processor time a request, of each side
the least of all slices.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import defaultdict
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path
from statistics import median

from msgspec import Struct
from rich.console import Console
from rich.progress import track

from benchmarks import database, people
from benchmarks.figures import Figure, conclude, load
from benchmarks.load import Plan, Slice, drive, fetch
from benchmarks.processes import (
    CLIENT,
    SERVER,
    Aside,
    aside,
    environment,
    free_port,
    make_config,
    running,
    scratch,
    wait_for,
)
from bridge.access import mint_key
from bridge.store import Unit, open_store
from bridge.store.keys import keep_key

BENCH = "look-up"
CUSTOMERS, QUICK_CUSTOMERS = 100_000, 3_000
CONNECTIONS = (1, 16, 64)
SLICES, SECONDS = 6, 2.0
QUICK_SLICES, QUICK_SECONDS = 2, 0.4
LIMIT = 2.9
"""Most processor time of a look-up, as a multiple of the bare application's."""
BARE, SCOPES = "bare", ("agent", "ivr")

_Results = dict[tuple[str, int], list[Slice]]


class Asking(Struct, frozen=True, kw_only=True):
    """How hard is asked: `slices` of `seconds` for each way and number of connections."""

    customers: int
    slices: int
    seconds: float


def measure(asking: Asking, *, fresh: bool = False) -> list[Figure]:
    """Ask the bare application and the gateway in turns."""
    source = database.prepare(asking.customers, fresh=fresh)
    with scratch() as folder, ExitStack() as stack:
        path = database.copy(source, folder)
        config = make_config(folder, {})
        keys = {scope: asyncio.run(give_key(path, scope)) for scope in SCOPES}
        port, log = free_port(), folder / "web.log"
        env = environment(path, config, BRIDGE_PORT=str(port))
        process = stack.enter_context(running(["bridge", "web"], SERVER, log, env))
        wait_for(port, "/readyz", log)
        plans = {scope: _plan(port, process, keys[scope], asking) for scope in SCOPES}
        client = stack.enter_context(aside(CLIENT))
        lengths = {scope: len(client.call(fetch, plans[scope])) for scope in SCOPES}
        port, log = free_port(), folder / "bare.log"
        bare = ["benchmarks.bare", str(port), str(lengths["ivr"])]
        process = stack.enter_context(running(bare, SERVER, log, env))
        wait_for(port, "/", log)
        plans[BARE] = _plan(port, process, keys["ivr"], asking, expected=b"bare")
        results = _in_turns(client, plans, asking)
    return [one for count in CONNECTIONS for one in _figures(results, count, lengths)]


async def give_key(path: Path, scope: str) -> str:
    """A new key for `scope`, known to the database at `path`."""
    key, access = mint_key("benchmark", [scope], datetime.now(timezone.utc))
    unit = Unit()
    keep_key(unit, access)
    store = await open_store(f"sqlite:///{path}")
    await store.write(unit)
    await store.close()
    return key


def _plan(port: int, process: int, key: str, asking: Asking, expected: bytes = b'"match":"exact"') -> Plan:
    request = (
        f"GET /v1/lookup?phone=%2B4930%d HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n"
        "User-Agent: benchmark\r\nAccept: */*\r\n\r\n"
    )
    return Plan(
        port=port,
        process=process,
        request=request.replace("%2B", "%%2B").encode(),
        numbers=(people.FIRST, people.FIRST + asking.customers),
        expected=expected,
        connections=1,
        seconds=asking.seconds,
        seed=0,
    )


def _in_turns(client: Aside, plans: dict[str, Plan], asking: Asking) -> _Results:
    """Slice by slice, everybody in turn, there and back again: what disturbs one disturbs the others alike."""
    turns = [
        (number, count, name)
        for number in range(asking.slices)
        for count in CONNECTIONS
        for name in (plans if number % 2 else reversed(plans))
    ]
    results: _Results = defaultdict(list)
    bar = track(turns, "look-ups", console=Console(stderr=True), transient=True)
    for number, count, name in bar:
        plan = plans[name]
        asked = Plan(
            **{one: getattr(plan, one) for one in plan.__struct_fields__} | {"connections": count, "seed": number}
        )
        results[(name, count)].append(client.call(drive, asked))
    return results


def _figures(results: _Results, count: int, lengths: dict[str, int]) -> Iterable[Figure]:
    bare = results[(BARE, count)]
    least = min(one.cpu_us for one in bare)
    yield Figure(
        bench=BENCH,
        name=f"bare application, {count} connection{'s' * (count > 1)}",
        measured=least,
        unit="µs",
        note=f"median {median(one.cpu_us for one in bare):.1f} µs; {_times(bare)}; {lengths['ivr']} B; {load()}",
    )
    for scope in SCOPES:
        some = results[(scope, count)]
        cost = min(one.cpu_us for one in some)
        yield Figure(
            bench=BENCH,
            name=f"hit for {scope}, {count} connection{'s' * (count > 1)}, processor",
            measured=cost / least,
            unit="× bare",
            most=LIMIT,
            note=f"{cost:.1f}, median {median(one.cpu_us for one in some):.1f} µs; {_times(some)}; {lengths[scope]} B",
        )


def _times(slices: list[Slice]) -> str:
    p50, p99 = min(one.p50_us for one in slices), min(one.p99_us for one in slices)
    return (
        f"p50 {p50 / 1000:.2f} p99 {p99 / 1000:.2f} ms; best {max(one.requests / one.seconds for one in slices):,.0f}/s"
    )


def main() -> int:
    """Measure, print, and say whether the limits hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lookup", description=__doc__)
    parser.add_argument("--customers", type=int, default=CUSTOMERS, help=f"in the database (default {CUSTOMERS:,})")
    parser.add_argument("--slices", type=int, default=SLICES, help=f"of each way (default {SLICES})")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"length of a slice (default {SECONDS})")
    parser.add_argument("--fresh", action="store_true", help="import the customers anew")
    parser.add_argument("--quick", action="store_true", help="few customers, short slices: to see that it works")
    args = parser.parse_args()
    asking = Asking(customers=args.customers, slices=args.slices, seconds=args.seconds)
    return conclude(lambda: measure(QUICK if args.quick else asking, fresh=args.fresh), quick=args.quick)


FULL = Asking(customers=CUSTOMERS, slices=SLICES, seconds=SECONDS)
QUICK = Asking(customers=QUICK_CUSTOMERS, slices=QUICK_SLICES, seconds=QUICK_SECONDS)

if __name__ == "__main__":
    raise SystemExit(main())
