"""The risk engine: how well it tells who leaves, how fast it is fitted, how fast it scores one customer.

The public table lies beside the checkout, in `../shared/data`, and is left out where it is not. The made-up ones carry
what such tables are hard for: features that count only together, and curves. Their truth is known, so that the best
possible AUC stands beside the one that is reached.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
from msgspec import Struct

from benchmarks.figures import Figure, conclude
from bridge.scoring.fit.additive import fit_tables
from bridge.scoring.fit.crossfit import every_row, predict_out_of_fold
from bridge.scoring.fit.frame import Column, Frame, Numbers, read_frame
from bridge.scoring.fit.measures import Measures, auc, measure
from bridge.scoring.tables import Scorer

TELCO = Path(__file__).resolve().parents[2] / "shared" / "data" / "telco" / "Telco-Customer-Churn.csv"
FOLDS = 5


class Plan(Struct, frozen=True):
    """How much is measured."""

    seeds: int
    customers: int


FULL = Plan(seeds=5, customers=100_000)
QUICK = Plan(seeds=1, customers=5_000)


def measure_engine(plan: Plan) -> list[Figure]:
    """All figures of the risk engine."""
    figures = []
    if TELCO.exists():
        frame = read_frame(TELCO, "Churn")
        figures += _judged("Telco", [_out_of_fold(frame, seed) for seed in range(plan.seeds)], least=0.848, most=0.012)
    for name, make in (("calls", make_calls), ("bank", make_bank)):
        found = []
        best = []
        for seed in range(plan.seeds):
            frame, truth = make(seed)
            found.append(_out_of_fold(frame, seed))
            best.append(auc(frame.left, truth))
        figures += _judged(name, found, note=f"made up; knowing the truth: {statistics.mean(best):.4f}")
    return figures + _fit_time(plan.customers)


def _out_of_fold(frame: Frame, seed: int) -> Measures:
    return measure(frame.left, predict_out_of_fold(frame, folds=FOLDS, seed=seed))


def _judged(
    name: str, found: list[Measures], *, least: float | None = None, most: float | None = None, note: str = ""
) -> list[Figure]:
    def mean(of: Callable[[Measures], float]) -> float:
        return statistics.mean(of(one) for one in found)

    seeds = f"mean of {len(found)} seeds" + (f"; {note}" if note else "")
    return [
        Figure(bench="scoring", name=f"{name}: AUC", measured=mean(lambda m: m.auc), unit="", least=least, note=seeds),
        Figure(bench="scoring", name=f"{name}: calibration error", measured=mean(lambda m: m.ece), unit="", most=most),
        Figure(bench="scoring", name=f"{name}: PR AUC", measured=mean(lambda m: m.pr_auc), unit=""),
        Figure(bench="scoring", name=f"{name}: top-decile lift", measured=mean(lambda m: m.top_decile_lift), unit=""),
    ]


def _fit_time(customers: int) -> list[Figure]:
    frame, _ = make_wide(customers)
    start = perf_counter()
    model = fit_tables(frame, every_row(frame), seed=0)
    took = perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    scorer = Scorer(model)
    rows = [frame.row(number) for number in range(2_000)]
    times = []
    for row in rows:
        start = perf_counter()
        scorer.score(row)
        times.append((perf_counter() - start) * 1e6)
    what = f"{customers:,} customers × {len(frame.columns)} features"
    return [
        Figure(bench="scoring", name=f"fit {what}", measured=took, unit="s", most=300, note="one process"),
        Figure(bench="scoring", name="memory", measured=memory, unit="GiB", most=4, note="peak of this process"),
        Figure(
            bench="scoring",
            name="score one customer, median",
            measured=statistics.median(times),
            unit="µs",
            most=50,
            note=f"{len(model.tables)} tables, {len(model.pairs)} pairs, sorted reasons",
        ),
    ]


def make_calls(seed: int, n: int = 3_333) -> tuple[Frame, Numbers]:
    """A mobile operator: few rows, rules of two and three features, prices that repeat minutes, 51 states."""
    rng = np.random.default_rng(seed)
    day, evening, night = (np.maximum(0, rng.normal(at, 52, n)).round(1) for at in (180, 201, 201))
    abroad, calls, service = np.maximum(0, rng.normal(10.2, 2.8, n)).round(1), rng.poisson(4.5, n), rng.poisson(1.5, n)
    plan, mailbox = rng.random(n) < 0.1, rng.random(n) < 0.28
    bill = day * 0.17 + evening * 0.085 + night * 0.045
    p = np.full(n, 0.03)
    p = np.maximum(p, np.where(plan, np.where((calls <= 2) | (abroad > 13.1), 0.95, 0.12), 0))
    p = np.maximum(p, np.where((bill > 69) & ~mailbox, 0.9, 0))
    p = np.maximum(p, np.where((service >= 4) & (bill < 55), 0.85, 0))
    states = tuple(f"state {number}" for number in range(51))
    columns = (
        *(_numbers(name, minutes) for name, minutes in (("day", day), ("evening", evening), ("night", night))),
        *(_numbers(f"{name} price", m * r) for name, m, r in (("day", day, 0.17), ("evening", evening, 0.085))),
        _numbers("minutes abroad", abroad),
        _numbers("calls abroad", calls),
        _numbers("service calls", service),
        _numbers("messages", np.where(mailbox, rng.normal(29, 7, n).round(), 0)),
        _numbers("length", rng.normal(100, 40, n).round()),
        Column("plan abroad", None, ("no", "yes"), plan.astype(np.intp)),
        Column("mailbox", None, ("no", "yes"), mailbox.astype(np.intp)),
        Column("state", None, states, rng.integers(0, 51, n)),
    )
    return Frame(columns, (rng.random(n) < p).astype(np.float64)), p


def make_bank(seed: int, n: int = 10_000) -> tuple[Frame, Numbers]:
    """A bank: a hump over age that depends on activity, products in a U, a balance that only counts with them."""
    rng = np.random.default_rng(seed)
    age, products = np.clip(rng.gamma(13, 3, n), 18, 92).round(), rng.choice(4, n, p=[0.51, 0.46, 0.024, 0.006])
    country, active = rng.choice(3, n, p=[0.5, 0.25, 0.25]), rng.random(n) < 0.5
    balance = np.where((country != 1) & (rng.random(n) < 0.48), 0, rng.normal(120_000, 30_000, n))
    hump = np.exp(-(((age - 54) / 11) ** 2))
    odds = -2.6 + 2.6 * hump * np.where(active, 0.75, 1.25) - 0.9 * active + np.array([1.0, -0.9, 2.7, 5.0])[products]
    odds += 0.8 * (country == 1) + np.where((products == 1) & (balance > 0), 0.9, 0)
    p = 1 / (1 + np.exp(-odds))
    columns = (
        _numbers("age", age),
        _numbers("balance", balance),
        _numbers("products", products + 1),
        _numbers("salary", rng.uniform(0, 200_000, n)),
        _numbers("score", rng.normal(650, 97, n).round()),
        Column("country", None, ("A", "B", "C"), country),
        Column("active", None, ("no", "yes"), active.astype(np.intp)),
    )
    return Frame(columns, (rng.random(n) < p).astype(np.float64)), p


def make_wide(n: int, seed: int = 0) -> tuple[Frame, Numbers]:
    """Thirty features, of which two thirds count, in curves and in pairs."""
    rng = np.random.default_rng(seed)
    columns = []
    odds = np.full(n, -2.0)
    values = rng.normal(size=(22, n))
    for number, one in enumerate(values):
        odds += 0.4 * np.sin(one * (1 + number % 3)) * (number < 14)
        columns.append(_numbers(f"number {number}", one))
    for number in range(6):
        odds += 0.7 * ((values[number] > 0.3) & (values[number + 7] < 0))
    for number in range(8):
        levels = 3 + 2 * number
        places = rng.integers(0, levels, n)
        odds += rng.normal(0, 0.3, levels)[places]
        columns.append(Column(f"word {number}", None, tuple(f"level {level}" for level in range(levels)), places))
    p = 1 / (1 + np.exp(-odds))
    return Frame(tuple(columns), (rng.random(n) < p).astype(np.float64)), p


def _numbers(name: str, values: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> Column:
    return Column(name, values.astype(np.float64))


def main() -> int:
    """Measure, print, and say whether the limits hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scoring", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed and few customers: to see that it works")
    args = parser.parse_args()
    if not TELCO.exists():
        print("the Telco table is not there and was left out", file=sys.stderr)
    return conclude(lambda: measure_engine(QUICK if args.quick else FULL), quick=args.quick)


if __name__ == "__main__":
    raise SystemExit(main())
