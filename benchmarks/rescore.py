"""Scoring customers from what is stored of them: `python -m benchmarks.rescore`.

The sample contact center is loaded through its adapters; then its customers are scored again and again from their
records in the store, as after a new model: read, put together, risk with reasons, value. On one core.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import statistics
import time
from datetime import datetime
from pathlib import Path

from msgspec import Struct
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks.figures import Figure, conclude, load
from benchmarks.processes import SERVER, aside, resident_mb, scratch
from bridge.adapter.registry import load_registry
from bridge.flow import Desk, open_desk, refresh_due
from bridge.flow.gathering import makeups, views
from bridge.intake import sync
from bridge.sample.demo import choose_sources, load_example
from bridge.scoring import score
from bridge.settings import read_settings
from bridge.store import Unit, micros, open_store
from bridge.telemetry import set_up_logging
from bridge.worker import Worker, utc_now

BENCH = "rescore"
FULL, QUICK = (5_000, 100_000), (300, 1_500)
"""Customers, and how often one of them is scored."""
SCORINGS = FULL[1]
AT_ONCE = 200
LIMIT_SECONDS = 60.0
"""For SCORINGS scorings on one core."""
LIMIT_MICROSECONDS = 100.0
FLAT_MB = 16.0


class Rescored(Struct, kw_only=True):
    """Processor time for `scorings` scorings in seconds; resident MB after 10, 50 and 100 % of them."""

    customers: int
    scorings: int
    cpu: float
    scoring: float
    """Median microseconds of `score` for one customer, view in hand."""
    refresh: float
    """Processor microseconds of a whole refresh of one customer: read, score, choose, render, write."""
    resident: tuple[float, float, float]


def rescore(folder: Path, customers: int, scorings: int) -> Rescored:
    """Load the sample into `folder` and score its customers until `scorings` scorings are done."""
    set_up_logging("warning")
    gc.freeze()  # as `bridge` does
    return asyncio.run(_rescore(folder, customers, scorings))


async def _rescore(folder: Path, customers: int, scorings: int) -> Rescored:
    settings = read_settings(demo=True, database_url=f"sqlite:///{folder / 'bridge.db'}")
    registry = load_registry(settings.adapters_dir, settings.mappings_dir, choose_sources(settings), {})
    store = await open_store(settings.database_url)
    columns = (TextColumn("{task.description:<8}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        now = utc_now()
        desk = await open_desk(settings, store, registry, now)
        await sync.register(store, registry.sources, now)
        with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
            loading = bars.add_task("load", total=customers)
            worker = Worker(desk=desk)
            await load_example(
                desk,
                worker.settle_all,
                now=now,
                customers=customers,
                report=lambda made: bars.update(loading, completed=made),
            )
            ids = [row[0] for row in await store.all("customers.due", now=1 << 62, most=1_000_000)]
            scoring = await _alone(desk, ids[:1000], now)
            bar = bars.add_task("score", total=scorings)
            resident: list[float] = []
            done, begun = 0, time.process_time()
            while done < scorings:
                for first in range(0, len(ids), AT_ONCE):
                    done += await _some(desk, ids[first : first + AT_ONCE], now)
                    bars.update(bar, completed=done)
                    if len(resident) < 2 and done >= (0.1, 0.5)[len(resident)] * scorings:
                        resident.append(resident_mb())
            cpu = (time.process_time() - begun) * scorings / done
            resident.append(resident_mb())
            refresh = await _refresh(desk, now)
    finally:
        await store.close()
    return Rescored(
        customers=len(ids),
        scorings=scorings,
        cpu=cpu,
        scoring=scoring,
        refresh=refresh,
        resident=(resident[0], resident[1], resident[2]),
    )


async def _some(desk: Desk, ids: list[str], now: datetime) -> int:
    made = await makeups(desk.store, ids)
    card = desk.rules.deciding.card
    for one in (await views(desk.store, Unit(), made, {}, desk.rules.identity)).values():
        score(card, one, now, desk.fitted)
    return len(ids)


async def _alone(desk: Desk, ids: list[str], now: datetime) -> float:
    made = await makeups(desk.store, ids)
    found = list((await views(desk.store, Unit(), made, {}, desk.rules.identity)).values())
    card = desk.rules.deciding.card
    rounds = []
    for _ in range(7):
        begun = time.process_time()
        for one in found:
            score(card, one, now, desk.fitted)
        rounds.append((time.process_time() - begun) / len(found) * 1e6)
    return statistics.median(rounds)


async def _refresh(desk: Desk, now: datetime) -> float:
    await desk.store.change("customers.all_due", due_origin="refresh")
    due: int = (await desk.store.all("customers.due_count", now=micros(now)))[0][0]
    begun = time.process_time()
    while await refresh_due(desk, most=50, now=now):
        pass
    return (time.process_time() - begun) / max(1, due) * 1e6


def measure(customers: int, scorings: int) -> list[Figure]:
    """Score the sample's customers."""
    with scratch() as folder, aside(SERVER) as process:
        done = process.call(rescore, folder, customers, scorings)
    limit = LIMIT_SECONDS * scorings / SCORINGS
    each = f"{done.customers:,} customers of the sample; {load()}"
    return [
        Figure(
            bench=BENCH,
            name=f"{scorings:,} customers read from the store and scored, one core",
            measured=done.cpu,
            unit="s",
            most=limit,
            note=f"{done.cpu / scorings * 1e6:.0f} µs each; {each}",
        ),
        Figure(
            bench=BENCH,
            name="one customer from the view: signals, risk with sorted reasons, value",
            measured=done.scoring,
            unit="µs",
            most=LIMIT_MICROSECONDS,
            note=each,
        ),
        Figure(
            bench=BENCH,
            name="memory gathered in the second half",
            measured=done.resident[2] - done.resident[1],
            unit="MB",
            most=FLAT_MB,
            note=f"{' → '.join(f'{some:.0f}' for some in done.resident)} MB after 10 → 50 → 100 %",
        ),
        Figure(
            bench=BENCH,
            name="a whole refresh: read, score, choose, render two languages, write",
            measured=done.refresh,
            unit="µs",
            note="each customer; not the limit's matter",
        ),
    ]


def main() -> int:
    """Measure, print, and say whether the limits hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rescore", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few customers: to see that it works")
    args = parser.parse_args()
    return conclude(lambda: measure(*(QUICK if args.quick else FULL)), quick=args.quick)


if __name__ == "__main__":
    raise SystemExit(main())
