"""Whether automations keep their promise while workers are killed: `python -m benchmarks.crashes`.

Real worker processes on SQLite (one) and on PostgreSQL (four) send apologies to a real mail server, and are killed at
random moments, also while the mail server has a message and has not said so. Nobody may get two, and of everything that
was due it must be known what became of it. Leases run out at once instead of after a minute or two: what is measured
is what became of the messages, not how long that took.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import tempfile
from pathlib import Path

import asyncpg
from rich.console import Console
from rich.table import Table

from benchmarks.figures import Figure, Void, conclude
from tests import embedded_postgres
from tests.e2e.havoc import Plan, Tally, wreak

FULL = (5_000, 200)
QUICK = (300, 20)
WORKERS = {"sqlite": 1, "postgres": 4}
_DATABASE = "crashes"


def measure_crashes(facts: int, kills: int, engines: tuple[str, ...] = ("sqlite", "postgres")) -> list[Figure]:
    """Both engines one after the other; prints the counts, gives what must be nought."""
    tallies = [_run(engine, Plan(facts=facts, kills=kills, workers=WORKERS[engine])) for engine in engines]
    _show(tallies)
    return [figure for tally in tallies for figure in _figures(tally)]


def _run(engine: str, plan: Plan) -> Tally:
    folder = Path(tempfile.mkdtemp(prefix="bridge-crashes-"))
    server = embedded_postgres.make_folder() if engine == "postgres" else None
    try:
        if server is None:
            return asyncio.run(wreak(plan, folder, f"sqlite:///{folder / 'bridge.db'}"))
        try:
            embedded_postgres.start(server)
        except embedded_postgres.Unavailable as problem:
            raise Void(str(problem)) from None
        return asyncio.run(_on_postgres(plan, folder, server))
    finally:
        if server is not None:
            embedded_postgres.stop(server)
        shutil.rmtree(folder, ignore_errors=True)


async def _on_postgres(plan: Plan, folder: Path, server: Path) -> Tally:
    connection = await asyncpg.connect(embedded_postgres.url(server, "postgres"))
    try:
        await connection.execute(f"create database {_DATABASE}")
    finally:
        await connection.close()
    return await wreak(plan, folder, embedded_postgres.url(server, _DATABASE))


def _figures(tally: Tally) -> list[Figure]:
    name = tally.engine
    found = [
        ("customers who got two messages", tally.twice, 0),
        ("due, and nobody knows what became of it", abs(tally.lost), 0),
        ("at the mail server, and neither sent nor uncertain", tally.unknown, 0),
        ("sent, and not at the mail server", tally.missing, 0),
    ]
    figures = [
        Figure(bench="crashes", name=f"{name}: {what}", measured=count, unit="", most=most)
        for what, count, most in found
    ]
    note = f"{sum(tally.kills.values())} kills of {tally.workers} worker(s) in {tally.seconds:.0f} s"
    return [*figures, Figure(bench="crashes", name=f"{name}: due", measured=tally.due, unit="", note=note)]


def _show(tallies: list[Tally]) -> None:
    table = Table(title="What became of every message", title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("")
    for tally in tallies:
        table.add_column(f"{tally.engine}, {tally.workers} worker(s)", justify="right")
    rows = [
        ("kills at any moment", [one.kills.get("any", 0) for one in tallies]),
        ("kills before the mail server had the message", [one.kills.get("before", 0) for one in tallies]),
        ("kills once it had it and had not said so", [one.kills.get("after", 0) for one in tallies]),
        ("deliveries (with duplicates)", [one.deliveries for one in tallies]),
        ("due", [one.due for one in tallies]),
        ("= sent", [one.sent for one in tallies]),
        ("+ uncertain", [one.uncertain for one in tallies]),
        ("  of which the mail server has", [one.taken for one in tallies]),
        ("+ refused", [sum(one.refused.values()) for one in tallies]),
    ]
    reasons = sorted({why for one in tallies for why in one.refused})
    rows += [
        *((f"  {why}", [one.refused.get(why, 0) for one in tallies]) for why in reasons),
        ("messages at the mail server", [one.received for one in tallies]),
        ("customers with two or more", [one.twice for one in tallies]),
        ("seconds", [round(one.seconds) for one in tallies]),
    ]
    for name, numbers in rows:
        table.add_row(name, *(f"{number:,}" for number in numbers))
    Console(width=120).print(table)


def main() -> int:
    """Measure, print, and say whether the promises hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crashes", description=__doc__)
    parser.add_argument("--facts", type=int, default=FULL[0], help=f"that are due (default {FULL[0]:,})")
    parser.add_argument("--kills", type=int, default=FULL[1], help=f"of workers (default {FULL[1]})")
    parser.add_argument("--engine", choices=sorted(WORKERS), help="that one alone")
    parser.add_argument("--quick", action="store_true", help="little of it: to see that it works")
    args = parser.parse_args()
    size = QUICK if args.quick else (args.facts, args.kills)
    engines = (args.engine,) if args.engine else ("sqlite", "postgres")
    return conclude(lambda: measure_crashes(size[0], size[1], engines), quick=args.quick)


if __name__ == "__main__":
    raise SystemExit(main())
