"""The risk fitted on the sample contact center's history, held against its known truth: `python -m benchmarks.truth`.

The made-up customers' hazards are known: the AUC that they themselves reach against what then happens is the most that
anybody could reach who saw into people's hearts; no signal shows all of it.
"""

from __future__ import annotations

import argparse
import asyncio
from datetime import datetime, timezone
from pathlib import Path
from time import process_time

import numpy as np
from scipy.stats import spearmanr

from benchmarks.figures import Figure, Void, conclude
from benchmarks.processes import SERVER, aside, peak_mb, scratch
from bridge.adapter.registry import load_registry
from bridge.flow import Desk, open_desk
from bridge.flow.fitting import FittedRisk, fit_risk
from bridge.flow.gathering import makeups, views
from bridge.intake import sync
from bridge.sample import choose_sources, load_example, make_center
from bridge.scoring.fit.frame import Numbers
from bridge.scoring.fit.history import History, history_of, probabilities
from bridge.scoring.fit.measures import auc
from bridge.scoring.fit.rows import SeenRows
from bridge.scoring.riskmodel import compile_risk
from bridge.scoring.signals import read_signals
from bridge.settings import read_settings
from bridge.store import Unit, open_store
from bridge.worker import Worker

BENCH = "truth"
CUSTOMERS, QUICK_CUSTOMERS = 8_000, 4_000
NOW = datetime(2026, 11, 21, 9, 30, tzinfo=timezone.utc)
_AT_ONCE = 500


def measure(customers: int) -> list[Figure]:
    """Load `customers` people, fit, and compare. Raises Void where there were too few to fit."""
    with scratch() as folder, aside(SERVER) as process:
        return process.call(run, folder, customers)


def run(folder: Path, customers: int) -> list[Figure]:
    """All of it, in this process."""
    return asyncio.run(_run(folder, customers))


async def _run(folder: Path, customers: int) -> list[Figure]:
    settings = read_settings(demo=True, database_url=f"sqlite:///{folder / 'sample.db'}", ticket_secret="x" * 32)
    registry = load_registry(settings.adapters_dir, settings.mappings_dir, choose_sources(settings), {})
    store = await open_store(settings.database_url)
    try:
        desk = await open_desk(settings, store, registry, NOW)
        worker = Worker(desk=desk, clock=lambda: NOW)

        async def settle() -> None:  # decisions are not asked for here, and take the longest
            await sync.register(store, registry.sources, NOW)
            for name in registry.sources:
                await worker.poll_source(name)
            while await worker.drain_once():
                pass

        await load_example(desk, settle, now=NOW, customers=customers)
        before, began = peak_mb(), process_time()
        fitted = await fit_risk(desk, now=NOW)
        took = process_time() - began
        today, risk = await _today(desk, customers)
    finally:
        await store.close()
    return [
        *_in_the_later_period(fitted),
        *_today_figures(desk, fitted, today, risk),
        Figure(
            bench=BENCH,
            name=f"read and fit, {customers:,} customers, processor",
            measured=took,
            unit="s",
            most=300 * customers / 100_000 + 30,
            note=f"{fitted.report.rows + fitted.report.customers:,} rows; peak {peak_mb():.0f} MB, {before:.0f} before",
        ),
    ]


async def _today(desk: Desk, customers: int) -> tuple[History, Numbers]:
    """Today's signals of all who have given no notice, with their true risk and how the die falls for them."""
    card = desk.rules.deciding.card
    fates = {fate.customer_id: fate for fate in make_center(now=NOW, customers=customers).fates}
    rows, risk = SeenRows(card.codes), []
    after = ""
    while ids := [row[0] for row in await desk.store.all("customers.after", after=after, most=_AT_ONCE)]:
        after = ids[-1]
        made = await makeups(desk.store, ids)
        for view in (await views(desk.store, Unit(), made, {}, desk.rules.identity)).values():
            fate = next((fates[one.source_id] for one in view.profiles if one.source_id in fates), None)
            if fate is None or fate.noticed or fate.left or not view.contracts:
                continue
            if view.customer.objects_to_profiling or view.customer.deceased:
                continue
            signals, _ = read_signals(card.codes, card.settings, card.zone, view, NOW)
            rows.add(0, signals, fate.would_leave, None)
            risk.append(fate.risk)
    if not risk:
        raise Void("nobody of the sample could leave")
    return history_of(rows), np.array(risk)


def _in_the_later_period(fitted: FittedRisk) -> list[Figure]:
    report = fitted.report
    new, card = report.models["new"], report.models["card"]
    note = f"{report.customers:,} customers, {report.left} left"
    return [
        Figure(bench=BENCH, name="later period: AUC, fitted", measured=new["auc"], unit="", note=note),
        Figure(bench=BENCH, name="… points card", measured=card["auc"], unit=""),
        Figure(bench=BENCH, name="… calibration error, fitted", measured=new["ece"], unit="", most=0.02),
        Figure(bench=BENCH, name="… points card", measured=card["ece"], unit=""),
        Figure(bench=BENCH, name="… said by the fitted", measured=new["said"], unit="", note=f"left {new['left']:.4f}"),
        Figure(bench=BENCH, name="… log loss saved", measured=report.against.loss, unit="", least=0.0),
    ]


def _today_figures(desk: Desk, fitted: FittedRisk, today: History, risk: Numbers) -> list[Figure]:
    card = desk.rules.deciding.card
    found = probabilities(card, compile_risk(fitted.tables, "the fit"), today)
    points = probabilities(card, card.model, today)
    note = f"{len(today):,} customers, {int(today.left.sum())} will give notice"
    return [
        Figure(bench=BENCH, name="today: AUC, true hazard", measured=auc(today.left, risk), unit="", note=note),
        Figure(bench=BENCH, name="… fitted", measured=auc(today.left, found), unit="", least=0.6),
        Figure(bench=BENCH, name="… points card", measured=auc(today.left, points), unit=""),
        Figure(bench=BENCH, name="… rank correlation with the truth, fitted", measured=_ranks(found, risk), unit=""),
        Figure(bench=BENCH, name="… points card", measured=_ranks(points, risk), unit=""),
    ]


def _ranks(p: Numbers, risk: Numbers) -> float:
    return float(spearmanr(p, risk)[0])


def main() -> int:
    """Measure, print, and say whether the limits hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.truth", description=__doc__)
    parser.add_argument("--customers", type=int, default=CUSTOMERS, help=f"(default {CUSTOMERS:,})")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_CUSTOMERS:,} customers: to see that it works")
    args = parser.parse_args()
    return conclude(lambda: measure(QUICK_CUSTOMERS if args.quick else args.customers), quick=args.quick)


if __name__ == "__main__":
    raise SystemExit(main())
