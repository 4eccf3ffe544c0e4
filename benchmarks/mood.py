"""The mood of the silent, on made-up surveys whose truth is known.

Three reasons why people answer, and what each way of averaging makes of them. The third reason, that they are unhappy,
cannot be put right by any of them: it is shown, and no limit is set on it.
"""

from __future__ import annotations

import argparse
import statistics
from enum import StrEnum
from time import perf_counter

import numpy as np
from msgspec import Struct

from benchmarks.figures import Figure, conclude
from bridge.scoring.fit.answering import Averages, Estimate
from bridge.scoring.fit.frame import Column, Frame, Numbers
from bridge.scoring.fit.mood import Fitting, Sheet, fit_mood
from bridge.scoring.mood import MoodScorer

RATE = 0.16
"""The share that answers."""


class Why(StrEnum):
    """Why somebody answers."""

    chance = "at random"
    known = "by what is known of them"
    unhappy = "because they are unhappy"


class Plan(Struct, frozen=True):
    """How much is measured."""

    draws: int
    asked: int


FULL = Plan(draws=20, asked=7_000)
QUICK = Plan(draws=2, asked=2_000)


def make_survey(why: Why, seed: int, n: int) -> tuple[Sheet, Numbers]:
    """An NPS survey among `n` customers, and what each would answer: strained by tickets, price and a plan, eased by
    tenure, with a large part that nothing known of them tells."""
    rng = np.random.default_rng(seed)
    tenure, price = rng.gamma(2, 3, n).round(1), rng.normal(45, 12, n).round()
    tickets, plan = rng.poisson(1.2, n), rng.choice(3, n, p=[0.5, 0.3, 0.2])
    complaint, region = rng.random(n) < 0.08, rng.integers(0, 4, n)
    drawn = 7.4 + 0.9 * np.tanh(tenure / 6 - 1) - 0.5 * np.minimum(tickets, 4) - np.array([0.0, 0.3, 1.6])[plan]
    drawn += -2.2 * complaint - 0.03 * (price - 45)
    truth = np.clip(np.round(drawn + rng.normal(0, 1.9, n)), 0, 10)
    if why is Why.chance:
        odds = np.zeros(n)
    elif why is Why.known:
        odds = 1.1 * np.tanh(tenure / 6 - 1) + np.array([0.5, 0.2, -1.1])[plan] - 0.3 * np.minimum(tickets, 4)
    else:
        odds = -0.35 * (truth - 7)
    answered = rng.random(n) < at_rate(odds, RATE)
    columns = (
        Column("tenure", tenure.astype(np.float64)),
        Column("price", np.where(rng.random(n) < 0.05, np.nan, price)),
        Column("tickets", tickets.astype(np.float64)),
        Column("plan", None, ("fibre", "dsl", "mobile"), plan.astype(np.intp)),
        Column("complaint", None, ("d90",), np.where(complaint, 0, -1).astype(np.intp)),
        Column("region", None, ("north", "east", "south", "west"), region.astype(np.intp)),
    )
    sheet = Sheet(
        metric="nps",
        lowest=0.0,
        scale=10.0,
        columns=columns,
        score=np.where(answered, truth, np.nan),
        answered=answered,
        counted=np.ones(n, bool),
        person=np.arange(n),
        group_by="plan",
        group=tuple(columns[3].levels[place] for place in plan.tolist()),
    )
    return sheet, truth


def at_rate(odds: Numbers, rate: float) -> Numbers:
    """Probabilities with those log-odds, moved so that their mean is `rate`."""
    low, high = -12.0, 12.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if np.mean(1 / (1 + np.exp(-(odds + middle)))) > rate else (middle, high)
    made: Numbers = 1 / (1 + np.exp(-(odds + low)))
    return made


class Draw(Struct, frozen=True):
    """One survey: what was found, the truth, and how the intervals of the silent came out."""

    found: Averages
    truth: float
    nps: Averages
    true_nps: float
    within: float
    """Share of the silent whose answer would have been in the interval, of those of whom something is said."""
    abstained: float
    seconds: float


def draw(why: Why, seed: int, n: int) -> Draw:
    """Make a survey, fit it, and hold it against the truth."""
    sheet, truth = make_survey(why, seed, n)
    start = perf_counter()
    fitting = fit_mood(sheet, seed=seed)
    took = perf_counter() - start
    within, abstained = held_by_the_silent(fitting, sheet, truth)
    ends = 100 * float(np.mean(truth >= 9) - np.mean(truth <= 6))
    return Draw(fitting.mean[0], float(truth.mean()), fitting.nps[0], ends, within, abstained, took)


def held_by_the_silent(fitting: Fitting, sheet: Sheet, truth: Numbers) -> tuple[float, float]:
    """Of the silent: the share whose answer would have been within the interval, and the share abstained from."""
    scorer, frame = MoodScorer(fitting.model), Frame(sheet.columns, truth)
    said, within = 0, 0
    silent = np.flatnonzero(~sheet.answered).tolist()
    for row in silent:
        mood = scorer.predict(frame.row(row))
        if mood.low is not None and mood.high is not None:
            said += 1
            within += mood.low <= truth[row] <= mood.high
    return within / max(1, said), 1 - said / max(1, len(silent))


def measure_mood(plan: Plan) -> list[Figure]:
    """All figures of the mood of the silent."""
    figures = []
    for why in Why:
        draws = [draw(why, seed, plan.asked) for seed in range(plan.draws)]
        figures += _figures(why, draws, plan)
    return [*figures, _speed()]


def _figures(why: Why, draws: list[Draw], plan: Plan) -> list[Figure]:
    limited = why is not Why.unhappy

    def bias(name: str) -> float:
        return statistics.mean(_named(one.found, name).value - one.truth for one in draws)

    def covered(name: str) -> str:
        held = [_holds(_named(one.found, name), one.truth) for one in draws]
        return f"interval held the truth in {sum(held)} of {len(held)}"

    about = f"{plan.draws} surveys among {plan.asked:,}, {RATE:.0%} answer"
    bench = "mood"
    nps = statistics.mean(one.nps.predicted.value - one.true_nps for one in draws)
    plain = statistics.mean(one.nps.answered.value - one.true_nps for one in draws)
    made = [
        Figure(bench=bench, name=f"{why}: answered, bias", measured=bias("answered"), unit="points", note=about),
        Figure(bench=bench, name="weighted, bias", measured=bias("weighted"), unit="points", note=covered("weighted")),
    ]
    for name, measured, note in (
        ("predicted, bias", bias("predicted"), covered("predicted")),
        ("NPS predicted, bias", nps, f"answered {plain:+.1f}"),
    ):
        most = 0.08 if "NPS" not in name else 2.5
        made.append(
            Figure(
                bench=bench,
                name=name,
                measured=abs(measured) if limited else measured,
                unit="points",
                most=most if limited else None,
                note=note,
            )
        )
    within = statistics.mean(one.within for one in draws)
    shy = statistics.mean(one.abstained for one in draws)
    made.append(
        Figure(
            bench=bench,
            name="silent within their interval",
            measured=within,
            unit="",
            least=0.88 if limited else None,
            note=f"of 0.90; abstained from {shy:.0%}; a fit took {statistics.mean(one.seconds for one in draws):.1f} s",
        )
    )
    return made


def _named(found: Averages, name: str) -> Estimate:
    return {"answered": found.answered, "weighted": found.weighted, "predicted": found.predicted}[name]


def _holds(found: Estimate, truth: float) -> bool:
    return found.low <= truth <= found.high


def _speed() -> Figure:
    sheet, truth = make_survey(Why.known, 0, 2_000)
    scorer, frame = MoodScorer(fit_mood(sheet, seed=0).model), Frame(sheet.columns, truth)
    rows = [frame.row(row) for row in range(len(truth))]
    times = []
    for row in rows:
        start = perf_counter()
        scorer.predict(row)
        times.append((perf_counter() - start) * 1e6)
    return Figure(
        bench="mood", name="predict one customer, median", measured=statistics.median(times), unit="µs", most=10
    )


def main() -> int:
    """Measure, print, and say whether the limits hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mood", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few draws: to see that it works")
    args = parser.parse_args()
    return conclude(lambda: measure_mood(QUICK if args.quick else FULL), quick=args.quick)


if __name__ == "__main__":
    raise SystemExit(main())
