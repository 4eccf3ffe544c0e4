"""The figures on retention of a hundred thousand customers: `python -m benchmarks.metrics`.

The store is written once (see `benchmarks.history`). A process of its own reckons all figures, by every way of telling
customers apart, as a worker does once a day; then they are read as the gateway reads them for somebody who may not see
groups of a few.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from time import perf_counter, process_time

import msgspec
from msgspec import Struct
from rich.console import Console

from benchmarks.figures import Figure, conclude, load
from benchmarks.history import write_history
from benchmarks.processes import SERVER, aside, resident_mb, scratch
from bridge.adapter.registry import load_registry
from bridge.cli.desks import progress
from bridge.flow import open_desk
from bridge.reports.discretion import without_few
from bridge.reports.groups import BYS
from bridge.reports.keeping import keep_metrics, read_metrics
from bridge.reports.metrics import make_metrics
from bridge.settings import read_settings
from bridge.store import Store, open_store

BENCH = "metrics"
FULL, QUICK = (10_000, 100_000), (2_000,)
SECONDS_EACH = 0.001
"""So long each customer may take, with five seconds for all that does not grow."""
FLAT_MB = 64.0
ANSWER_MS = 50.0
ANSWERS = 20
NOW = datetime(2026, 11, 22, 9, tzinfo=timezone.utc)


class Reckoned(Struct, kw_only=True):
    """Wall and processor seconds, resident MB before and at the most, and of reading the largest part: milliseconds
    and KB."""

    customers: int
    wall: float
    cpu: float
    before: float
    most: float
    answer_ms: float
    answer_kb: float


def run(database: Path) -> Reckoned:
    """Reckon the figures of the store, and read them."""
    gc.freeze()  # as `bridge` does
    return asyncio.run(_run(database))


async def _run(database: Path) -> Reckoned:
    settings = read_settings(database_url=f"sqlite:///{database}")
    registry = load_registry(settings.adapters_dir, settings.mappings_dir, {"sources": {}}, {})
    store = await open_store(settings.database_url)
    try:
        desk = await open_desk(settings, store, registry, NOW)
        before = most = resident_mb()

        def watch(done: int, of_all: int) -> None:
            nonlocal most
            most = max(most, resident_mb())
            bars.update(bar, completed=done, total=of_all)

        with progress() as bars:
            bar = bars.add_task("customers", total=None)
            wall, cpu = perf_counter(), process_time()
            made = await make_metrics(desk, now=NOW, report=watch)
            wall, cpu = perf_counter() - wall, process_time() - cpu
        most = max(most, resident_mb())
        await keep_metrics(store, made, NOW)
        answers = [await _answer(store) for _ in range(ANSWERS)]
        return Reckoned(
            customers=made["none"].basis.customers,
            wall=wall,
            cpu=cpu,
            before=before,
            most=most,
            answer_ms=min(each[0] for each in answers),
            answer_kb=answers[0][1],
        )
    finally:
        await store.close()


async def _answer(store: Store) -> tuple[float, float]:
    """The slowest and the largest of all ways of telling customers apart."""
    slowest = largest = 0.0
    for by in BYS:
        began = perf_counter()
        metrics = await read_metrics(store, by)
        assert metrics is not None
        body = msgspec.json.encode(without_few(metrics, 5))
        slowest, largest = max(slowest, perf_counter() - began), max(largest, len(body) / 1024)
    return slowest * 1000, largest


async def _make(database: Path) -> None:
    await (await open_store(f"sqlite:///{database}")).close()


def measure(sizes: Sequence[int]) -> list[Figure]:
    """Write the past of as many customers as each of `sizes` says, and reckon their figures."""
    figures: list[Figure] = []
    for customers in sizes:
        with scratch() as folder:
            database = folder / "bridge.db"
            asyncio.run(_make(database))
            began = perf_counter()
            records = write_history(database, customers, NOW)
            Console(stderr=True).print(
                f"{customers:,} customers, {records:,} versions in {perf_counter() - began:.0f} s"
            )
            with aside(SERVER) as process:
                figures += _figures(process.call(run, database))
    return figures


def _figures(done: Reckoned) -> list[Figure]:
    return [
        Figure(
            bench=BENCH,
            name=f"all figures of {done.customers:,} customers, one core",
            measured=done.cpu,
            unit="s",
            most=SECONDS_EACH * done.customers + 5,
            note=f"{done.wall:.1f} s on the clock; {load()}",
        ),
        Figure(
            bench=BENCH,
            name="… memory gathered",
            measured=done.most - done.before,
            unit="MB",
            most=FLAT_MB,
            note=f"{done.before:.0f} → {done.most:.0f} MB",
        ),
        Figure(
            bench=BENCH,
            name="… read for an answer, the slowest way of telling apart",
            measured=done.answer_ms,
            unit="ms",
            most=ANSWER_MS,
            note=f"at most {done.answer_kb:,.0f} KB",
        ),
    ]


def main() -> int:
    """Measure, print, and say whether the limits hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.metrics", description=__doc__)
    parser.add_argument("--customers", type=int, nargs="+", default=FULL, help="(default 10,000 and 100,000)")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK[0]:,} customers: to see that it works")
    args = parser.parse_args()
    return conclude(lambda: measure(QUICK if args.quick else args.customers), quick=args.quick)


if __name__ == "__main__":
    raise SystemExit(main())
