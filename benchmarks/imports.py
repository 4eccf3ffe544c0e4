"""A spreadsheet export into an empty SQLite database: `python -m benchmarks.imports`.

The whole way of an operator's first import: file → inbox (poll), inbox → records, identities and keys (drain), and a
decision for everybody (refresh). Measured in a process of its own on one core; exit status 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from msgspec import Struct
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks import people
from benchmarks.figures import Figure, Void, conclude, load
from benchmarks.processes import SERVER, aside, make_config, peak_mb, resident_mb, scratch, settings
from bridge.adapter.registry import load_registry
from bridge.flow import open_desk
from bridge.intake import sync
from bridge.store import micros, open_store
from bridge.telemetry import set_up_logging
from bridge.worker import Worker, utc_now

BENCH = "imports"
ROWS, QUICK_ROWS = 100_000, 3_000
LIMIT_SECONDS = 60.0
"""For ROWS rows on one core."""
FLAT_MB = 32.0
"""What memory may grow by in the second half of any part: caches fill up, rows must not gather."""


class Phase(Struct, kw_only=True):
    """One part of an import: seconds on the wall and of the processor, resident MB after 10, 50 and 100 %."""

    name: str
    wall: float
    cpu: float
    resident: tuple[float, float, float]


class Imported(Struct, kw_only=True):
    """A finished import: rows by what became of them, its parts, peak memory and the database's size in MB."""

    mapped: int
    dead: int
    phases: list[Phase]
    peak: float
    size: float


class _Watch:
    """Counts what is done of one phase, and looks at the memory on the way."""

    def __init__(self, bars: Progress, name: str, total: int) -> None:
        self._name, self._total, self._done = name, max(1, total), 0
        self._bars, self._bar = bars, bars.add_task(name, total=total)
        self._resident: list[float] = []
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def reach(self, done: int) -> None:
        """So many in all are done."""
        self._done = done
        self._bars.update(self._bar, completed=done)
        for share in (0.1, 0.5)[len(self._resident) :]:
            if done >= share * self._total:
                self._resident.append(resident_mb())

    def advance(self, done: int) -> None:
        """So many more are done."""
        self.reach(self._done + done)

    def end(self) -> Phase:
        """Nothing more comes."""
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        first, half, last = [*self._resident, *(resident_mb() for _ in range(3 - len(self._resident)))]
        return Phase(name=self._name, wall=wall, cpu=cpu, resident=(first, half, last))


def run_import(folder: Path, database: Path, config: Path, rows: int) -> Imported:
    """Import the spreadsheets in `folder` (`rows` rows in all) into `database`, with a progress bar."""
    set_up_logging("warning")
    gc.freeze()  # as `bridge` does
    return asyncio.run(_import(folder, database, config, rows))


async def _import(folder: Path, database: Path, config: Path, rows: int) -> Imported:
    own = settings(database, config)
    sources = {"sources": {"crm": {"adapter": "spreadsheet", "settings": {"folder": str(folder)}}}}
    registry = load_registry(own.adapters_dir, own.mappings_dir, sources, os.environ)
    store = await open_store(own.database_url)
    try:
        worker = Worker(desk=await open_desk(own, store, registry, utc_now()))
        await sync.register(store, registry.sources, utc_now())
        with Progress(
            TextColumn("{task.description:<8}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        ) as bars:
            phases = [await _poll(worker, _Watch(bars, "poll", rows))]
            phases.append(await _exhaust(worker.drain_once, _Watch(bars, "drain", rows)))
            due = (await store.all("customers.due_count", now=micros(utc_now())))[0][0]
            phases.append(await _exhaust(worker.refresh_once, _Watch(bars, "refresh", due)))
        states = {state: count for _, state, count in await store.all("inbox.states")}
    finally:
        await store.close()
    return Imported(
        mapped=states.get("mapped", 0),
        dead=sum(states.values()) - states.get("mapped", 0),
        phases=phases,
        peak=peak_mb(),
        size=database.stat().st_size / 1e6,
    )


async def _poll(worker: Worker, watch: _Watch) -> Phase:
    before: dict[str, int] = {}

    async def report(step: sync.Progress) -> None:
        before[step.stream] = step.items
        watch.reach(sum(before.values()))

    worker.report = report
    await worker.poll_source("crm")
    return watch.end()


async def _exhaust(step: Callable[[], Awaitable[int]], watch: _Watch) -> Phase:
    while done := await step():
        watch.advance(done)
    return watch.end()


def measure(rows: int) -> list[Figure]:
    """Import `rows` customers. Raises Void when not all of them came in."""
    with scratch() as folder:
        people.write_customers(folder / "export", rows)
        config = make_config(folder, {})
        with aside(SERVER) as process:
            done = process.call(run_import, folder / "export", folder / "bridge.db", config, rows)
    if done.mapped != rows or done.dead:
        raise Void(f"of {rows} rows {done.mapped} were mapped and {done.dead} were not")
    limit = LIMIT_SECONDS * rows / ROWS
    cpu, wall = sum(one.cpu for one in done.phases), sum(one.wall for one in done.phases)
    figures = [
        Figure(
            bench=BENCH,
            name=f"{rows:,} rows of a CSV on one core, processor",
            measured=cpu,
            unit="s",
            most=limit,
            note=f"{cpu / rows * 1000:.2f} ms a row; wall {wall:.0f} s; {load()}; database {done.size:.0f} MB",
        )
    ]
    figures += [
        Figure(
            bench=BENCH,
            name=f"… of it {one.name}",
            measured=one.cpu,
            unit="s",
            note=f"{one.cpu / rows * 1000:.2f} ms a row; wall {one.wall:.0f} s; "
            f"resident {' → '.join(f'{some:.0f}' for some in one.resident)} MB after 10 → 50 → 100 %",
        )
        for one in done.phases
    ]
    growth = max(one.resident[2] - one.resident[1] for one in done.phases)
    figures.append(
        Figure(
            bench=BENCH,
            name="memory gathered in the second half of a part",
            measured=growth,
            unit="MB",
            most=FLAT_MB,
            note=f"peak {done.peak:.0f} MB",
        )
    )
    return figures


def main() -> int:
    """Measure, print, and say whether the limits hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.imports", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help=f"rows of the export (default {ROWS:,})")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS:,} rows: to see that it works")
    args = parser.parse_args()
    return conclude(lambda: measure(QUICK_ROWS if args.quick else args.rows), quick=args.quick)


if __name__ == "__main__":
    raise SystemExit(main())
