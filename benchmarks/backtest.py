"""Automations held against two years of a hundred thousand customers: `python -m benchmarks.backtest`.

The store is written once (see `benchmarks.history`) and only read. Each automation is backtested twice: in one process
of its own on one core, so that its time and memory are its own, and as the command does it, with a process for each
core. Both must say the same.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
from contextlib import nullcontext
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from rich.console import Console

from benchmarks.figures import Figure, Void, conclude, load
from benchmarks.history import DAYS, write_history
from benchmarks.processes import SERVER, aside, resident_mb, scratch
from bridge.acting.backtesting import preview
from bridge.acting.rehearsals import Asked, Rehearsal
from bridge.adapter.registry import load_registry
from bridge.automation.preview import Preview
from bridge.automation.rules import Automation, read_automation
from bridge.cli.crews import cores, crew
from bridge.cli.desks import progress
from bridge.flow import open_desk
from bridge.playbook.offers import Catalogue
from bridge.settings import read_settings
from bridge.store import open_store

BENCH = "backtest"
FULL, QUICK = 100_000, 2_000
LIMIT_SECONDS = 60.0
LIVE_SECONDS = 1.0
FLAT_MB = 32.0
NOW = datetime(2026, 11, 22, 9, tzinfo=timezone.utc)

_WRITE = {
    "send_email": {"message": {"subject": {"de": "Hallo", "en": "Hello"}, "lines": {"de": ["Text"], "en": ["T"]}}}
}
_SORRY = {"send_email": {**_WRITE["send_email"], "apology": True}}
_CALL = {"schedule_callback": {"reason": {"de": "Nachfragen", "en": "Ask"}}}
_SETTLED = {"stop_if": {"any": [{"since.resolved": {"at_least": 1}}, {"since.talked": True}]}}
RULES: dict[str, dict[str, Any]] = {
    "survey.answered": {
        "when": {"fact": "survey.answered", "where": {"fact.metric": "nps", "fact.score": {"at_most": 6}}},
        "do": [_SORRY, {"wait": {"days": 3}}, _SETTLED, _CALL],
        "while_ticket_open": "allow",
        "at_most": {"times": 2, "days": 30},
        "window": 90,
        "budget": {"amount": 20_000},
    },
    "ticket.opened": {
        "when": {"fact": "ticket.opened", "where": {"fact.type": "complaint"}},
        "do": [_SORRY],
        "while_ticket_open": "allow",
    },
    "contract.ending": {
        "when": {"fact": "contract.ending", "days": 60},
        "purpose": "advertising",
        "do": [_WRITE, {"wait": {"days": 10}}, {"stop_if": {"since.talked": True}}, _WRITE],
        "window": 180,
    },
    "customer.inactive": {"when": {"fact": "customer.inactive", "days": 120}, "do": [_WRITE]},
}
SCORED: dict[str, Any] = {
    "when": {"fact": "risk.rose", "where": {"fact.now": {"at_least": "high"}}},
    "if": {"value.tier": {"at_least": "bronze"}},
    "do": [_CALL],
}


class Backtested(Struct, kw_only=True):
    """One backtest: its answer, wall and processor seconds, resident MB before and at the most."""

    preview: Preview
    wall: float
    cpu: float
    before: float
    most: float


def rule_of(name: str, form: dict[str, Any]) -> Automation:
    """The automation of RULES by that name."""
    titled = {"id": name.replace(".", "_"), "title": {"de": name, "en": name}, "purpose": "service"}
    return read_automation(titled | form, name, Catalogue(), {})


def run(database: Path, name: str, days: int, seconds: float | None, processes: int = 1) -> Backtested:
    """Backtest one automation on the store, with further processes where `processes` are more than this one."""
    gc.freeze()  # as `bridge` does
    return asyncio.run(_run(database, name, days, seconds, processes))


async def begin(database: Path, name: str, days: int) -> Rehearsal:
    """A desk over the store, and what is rehearsed there."""
    settings = read_settings(database_url=f"sqlite:///{database}")
    registry = load_registry(settings.adapters_dir, settings.mappings_dir, {"sources": {}}, {})
    desk = await open_desk(settings, await open_store(settings.database_url), registry, NOW)
    return Rehearsal(desk, rule_of(name, RULES.get(name, SCORED)), Asked(since=NOW - timedelta(days=days), until=NOW))


async def _run(database: Path, name: str, days: int, seconds: float | None, processes: int) -> Backtested:
    rehearsal = await begin(database, name, days)
    before = most = resident_mb()

    def watch(done: int, of_all: int) -> None:
        nonlocal most
        most = max(most, resident_mb())
        bars.update(bar, completed=done, total=of_all)

    hands = crew(partial(begin, database, name, days), processes) if processes > 1 else nullcontext()
    try:
        with progress() as bars:
            bar = bars.add_task(name, total=None)
            wall, cpu = perf_counter(), process_time()
            with hands as at_work:
                found = await preview(
                    rehearsal.desk,
                    rehearsal.rule,
                    since=rehearsal.period.since,
                    until=NOW,
                    seconds=seconds,
                    report=watch,
                    crew=at_work,
                )
            return Backtested(
                preview=found, wall=perf_counter() - wall, cpu=process_time() - cpu, before=before, most=most
            )
    finally:
        await rehearsal.desk.store.close()


async def _make(database: Path) -> None:
    await (await open_store(f"sqlite:///{database}")).close()


def measure(customers: int) -> list[Figure]:
    """Write the past and backtest every automation."""
    figures: list[Figure] = []
    with scratch() as folder:
        database = folder / "bridge.db"
        asyncio.run(_make(database))
        began = perf_counter()
        records = write_history(database, customers, NOW)
        Console(stderr=True).print(f"{customers:,} customers, {records:,} versions in {perf_counter() - began:.0f} s")
        for name in RULES:
            with aside(SERVER) as process:
                alone = process.call(run, database, name, DAYS, None)
            figures += _figures(name, alone, run(database, name, DAYS, None, cores()), customers)
        with aside(SERVER) as process:
            live = process.call(run, database, "survey.answered", 90, LIVE_SECONDS * 0.8)
        figures.append(
            Figure(
                bench=BENCH,
                name="the builder's count, 90 days, as many customers as the time allows",
                measured=live.wall,
                unit="s",
                most=LIVE_SECONDS * 1.5,
                note=f"{live.preview.looked_at:,} of {live.preview.customers:,} customers looked at",
            )
        )
        with aside(SERVER) as process:
            scored = process.call(run, database, "risk.rose", DAYS, LIMIT_SECONDS)
        looked = scored.preview.looked_at
        figures.append(
            Figure(
                bench=BENCH,
                name=f"risk.rose, {DAYS} days, past scores",
                measured=scored.wall / max(1, looked) * customers / 60,
                unit="min",
                note=f"{looked:,} customers in {scored.wall:.0f} s, the rest by rule of three",
            )
        )
    return figures


def _figures(name: str, alone: Backtested, together: Backtested, customers: int) -> list[Figure]:
    found = alone.preview
    told = {"seconds": 0.0}
    if replace(found, **told) != replace(together.preview, **told):
        raise Void(f"{name}: {cores()} processes say something else than one")
    return [
        Figure(
            bench=BENCH,
            name=f"{name}, {found.days} days, {found.customers:,} customers, {cores()} processes",
            measured=together.wall,
            unit="s",
            most=LIMIT_SECONDS * customers / FULL + 5,
            note=f"{found.matched:,} facts, {found.reached:,} reached, {found.messages:,} messages; {load()}",
        ),
        Figure(bench=BENCH, name="… one process", measured=alone.wall, unit="s", note=f"{alone.cpu:.1f} s processor"),
        Figure(
            bench=BENCH,
            name="… memory gathered",
            measured=alone.most - alone.before,
            unit="MB",
            most=None if "budget" in RULES[name] else FLAT_MB + 64,
            note=f"{alone.before:.0f} → {alone.most:.0f} MB",
        ),
    ]


def main() -> int:
    """Measure, print, and say whether the limits hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backtest", description=__doc__)
    parser.add_argument("--customers", type=int, default=FULL, help=f"(default {FULL:,})")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} customers: to see that it works")
    args = parser.parse_args()
    return conclude(lambda: measure(QUICK if args.quick else args.customers), quick=args.quick)


if __name__ == "__main__":
    raise SystemExit(main())
