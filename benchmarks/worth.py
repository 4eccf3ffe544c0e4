"""The value engine against published numbers: `python -m benchmarks.worth`.

Purchases: CDNOW (Fader, Hardie & Lee 2005), from beside the checkout, left out where it is not. Renewals: the two
cohorts of Fader & Hardie (2007). The reference customers were computed from the published parameters to 1e-11.
"""

from __future__ import annotations

import argparse
import sys
from datetime import date
from itertools import pairwise
from pathlib import Path
from time import perf_counter

import numpy as np

from benchmarks.figures import Figure, conclude
from bridge.scoring.fit.lifetimes import Histories, fit_buying, fit_renewing
from bridge.scoring.fit.transactions import collect
from bridge.scoring.fit.worth import expected_purchases, fit_worth
from bridge.scoring.lifetime import Buying

BENCH = "worth"
DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "cdnow"
PUBLISHED = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
FITTED = {"r": 0.242593, "alpha": 4.413532, "a": 0.792886, "b": 2.425755}
"""The same before rounding: what maximum likelihood gives on the published weeks."""
SPLIT = date(1997, 9, 30)
COHORTS = {
    "Regular": ((0.704077, 1.182043), (100, 63.1, 46.8, 38.2, 32.6, 28.9, 26.2, 24.1)),
    "High End": ((0.668088, 3.806095), (100, 86.9, 74.3, 65.3, 59.3, 55.1, 51.7, 49.1)),
}
"""Parameters, and the share in per cent that is still there after each of seven renewals."""
REMAINING = {
    "Regular": (2.964399, 4.103140, 4.869805, 5.442058, 5.894095, 6.264410, 6.575655, 6.842315),
    "High End": (5.414479, 5.901378, 6.293892, 6.619920, 6.896707, 7.135661, 7.344721, 7.529628),
}
"""Discounted expected renewals at ten per cent, for customers in period 1 to 8."""


def measure_worth() -> list[Figure]:
    """All figures of the value engine."""
    return [*(_purchases() if DATA.is_dir() else ()), *_renewals()]


def _purchases() -> list[Figure]:
    rows = np.genfromtxt(DATA / "cdnow_customers_summary_with_transactions.csv", delimiter=",", names=True)
    histories = Histories(rows["x"], rows["t_x"], rows["T"], rows["zbar"])
    start = perf_counter()
    found = fit_buying(histories)
    took = perf_counter() - start
    worst = max(abs(getattr(found.model, name) - value) for name, value in FITTED.items())
    twenty = np.genfromtxt(DATA / "bgnbd_reference20.csv", delimiter=",", names=True)
    past = Histories(twenty["x"], twenty["t_x"], twenty["T"], twenty["zbar"])
    model = Buying(**PUBLISHED)
    ahead = float(np.abs(np.asarray(expected_purchases(model, past, 39)) - twenty["E_39w"]).max())
    alive = max(abs(model.alive(int(row["x"]), row["t_x"], row["T"]) - row["p_alive"]) for row in twenty)
    record = fit_worth(collect(_bought()), SPLIT).record
    error = record.forecast / record.actual - 1
    return [
        _figure("CDNOW: parameters, largest distance", worst, most=1e-3, note=f"fitted in {took:.2f} s"),
        _figure("CDNOW: log-likelihood", found.log_likelihood, least=-9582.426),
        _figure("CDNOW: 20 customers, expected in 39 weeks", ahead, most=1e-6, note="largest distance"),
        _figure("CDNOW: 20 customers, still buying", float(alive), most=1e-6, note="largest distance"),
        _figure("CDNOW: correlation, held out", record.correlation, least=0.62, note=f"purchases in all {error:+.1%}"),
    ]


def _bought() -> list[tuple[str, date, float]]:
    found = []
    for line in (DATA / "CDNOW_sample.txt").read_text("utf-8").splitlines():
        _, name, day, _, amount = line.split()
        found.append((name, date(int(day[:4]), int(day[4:6]), int(day[6:])), float(amount)))
    return found


def _renewals() -> list[Figure]:
    figures = []
    for name, ((alpha, beta), there) in COHORTS.items():
        left = [10 * (before - after) for before, after in pairwise(there)]
        found = fit_renewing(left, 10 * there[-1]).model
        worst = max(abs(found.alpha - alpha), abs(found.beta - beta))
        remaining = max(abs(found.remaining(n, 0.1) - value) for n, value in enumerate(REMAINING[name], 1))
        figures.append(_figure(f"renewals, {name}: parameters, largest distance", worst, most=1e-3))
        figures.append(
            _figure(f"renewals, {name}: discounted remaining", remaining, most=1e-6, note="largest distance")
        )
    return figures


def _figure(
    name: str, measured: float, *, most: float | None = None, least: float | None = None, note: str = ""
) -> Figure:
    return Figure(bench=BENCH, name=name, measured=measured, unit="", most=most, least=least, note=note)


def main() -> int:
    """Measure, print, and say whether the limits hold."""
    argparse.ArgumentParser(prog="python -m benchmarks.worth", description=__doc__).parse_args()
    if not DATA.is_dir():
        print("the CDNOW data is not there and was left out", file=sys.stderr)
    return conclude(measure_worth)


if __name__ == "__main__":
    raise SystemExit(main())
