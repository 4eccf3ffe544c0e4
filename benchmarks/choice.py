"""Finding out which script helps: are reported ranges right, is what does nothing named rightly, what does it cost?

Each caller is somebody like one of the sample's people, with the true chances to stay under every script
(`benchmarks/callers.py`). A run is two years of calls in epochs of 28 days, each learnt from what was settled when it
began: nothing is known of the last 90 days. Many runs are made and pooled. Regret is the money that was missed beside
always the best script of each situation, over all calls, those before anything could be known included.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date
from math import ceil, sqrt
from statistics import mean

import msgspec
import numpy as np
from msgspec import Struct

from benchmarks.callers import GRANTED, Pool, make_pools
from benchmarks.figures import Figure, conclude
from bridge.playbook.experiment import NEUTRAL, UNLEARNT, ChoiceRules, Policy, chances
from bridge.playbook.exposures import Exposure
from bridge.playbook.learning import learn
from bridge.reports.effects import Report, report_effects
from bridge.reports.verdicts import Verdict
from bridge.sample import SCRIPTS

EPOCHS = 26
DRAWS = 400
"""Fewer than in use, for speed: chances of being best to about two points."""
EACH = 6
"""A run has up to twelve ranges; those beside one neutral script go wrong together, and tell half as much."""
RULES = ChoiceRules(begins=date(2024, 11, 25), hold_out=0.05, explore=0.2, matters=0.05)
"""Of these callers half would leave: five of a hundred are a small difference."""
EVENLY = msgspec.structs.replace(RULES, hold_out=0.0, explore=1.0, floor=0.25)
"""All scripts alike: how little an effect can be to be named as none, if nothing is held back."""


class Plan(Struct, frozen=True):
    """How much is measured: long runs, long ones with all scripts shown alike, short ones; how large the sample is."""

    long_runs: int
    even_runs: int
    long_calls: int
    short_runs: int
    short_calls: int
    customers: int


FULL = Plan(long_runs=40, even_runs=40, long_calls=20_000, short_runs=200, short_calls=6_000, customers=16_000)
QUICK = Plan(long_runs=1, even_runs=1, long_calls=20_000, short_runs=6, short_calls=6_000, customers=4_000)


class Run(Struct, frozen=True):
    """One seed's two years: the report at the end, the policy then in force, and money missed for each call."""

    report: Report
    policy: Policy
    worth: float
    """How many more truly stayed than under the neutral script, as a share of all calls."""
    regret: float
    uniform: float


def simulate(pools: tuple[Pool, ...], calls: int, seed: int, rules: ChoiceRules = RULES) -> Run:
    """Two years of calls."""
    rng = np.random.default_rng(seed)
    everybody = sum(len(pool.cells) for pool in pools)
    waits = 1 + ceil(rules.horizon_days / rules.epoch_days)
    shown: list[Exposure] = []
    missed, uniform, made = 0.0, 0.0, 0
    begins: list[int] = []  # of each epoch, in `shown`
    policy = UNLEARNT
    for epoch in range(EPOCHS):
        begins.append(len(shown))
        if epoch >= waits:
            policy = learn(rules, shown[: begins[epoch - waits + 1]], policy, epoch=epoch, seed=seed, draws=DRAWS)
        for pool in pools:
            count = int(rng.poisson(calls / EPOCHS * len(pool.cells) / everybody))
            who = rng.choice(len(pool.cells), count)
            fresh, earned = _call(pool, who, policy, epoch, rng, rules)
            best = float(pool.money[who, pool.money.mean(axis=0).argmax()].sum())
            shown += fresh
            made += count
            missed += best - earned
            uniform += best - float(pool.money[who].mean(axis=1).sum())
    report = report_effects(rules, shown, policy)
    return Run(report, policy, _true_worth(pools, shown), missed / made, uniform / made)


def _true_worth(pools: tuple[Pool, ...], shown: list[Exposure]) -> float:
    effects = {pool.situation: pool.effects for pool in pools}
    more = sum(sum(chance * effects[one.situation][arm] for arm, chance in one.arms.items()) for one in shown)
    return more / len(shown)


def _call(
    pool: Pool,
    who: np.ndarray[tuple[int], np.dtype[np.int64]],
    policy: Policy,
    epoch: int,
    rng: np.random.Generator,
    rules: ChoiceRules,
) -> tuple[list[Exposure], float]:
    """What was shown to `who`, and the money to be expected of it, by the truth."""
    by_cell = {cell: chances(rules, policy, pool.situation, pool.arms, cell=cell) for cell in set(pool.cells)}
    shares = np.array([[by_cell[pool.cells[row]][arm] for arm in pool.arms] for row in who]).reshape(-1, len(pool.arms))
    arms = np.minimum((rng.random((len(who), 1)) >= shares.cumsum(axis=1)).sum(axis=1), len(pool.arms) - 1)
    stays = rng.random(len(who)) < pool.stays[who, arms]
    grants = rng.random(len(who))
    exposures = []
    for number, (row, place, stayed, die) in enumerate(zip(who, arms, stays, grants, strict=True)):
        arm = pool.arms[place]
        amount, often = GRANTED.get(SCRIPTS[arm], (0.0, 0.0))
        exposures.append(
            Exposure(
                customer=f"{pool.situation}/{epoch}/{number}",
                situation=pool.situation,
                epoch=epoch,
                arm=arm,
                arms=by_cell[pool.cells[row]],
                cell=pool.cells[row],
                stayed=bool(stayed),
                value=float(pool.value[row]),
                cost=amount if die < often else 0.0,
            )
        )
    return exposures, float((shares * pool.money[who]).sum())


def measure_choice(plan: Plan) -> list[Figure]:
    """All figures."""
    pools = make_pools(plan.customers)
    long = [simulate(pools, plan.long_calls, seed) for seed in range(plan.long_runs)]
    even = [simulate(pools, plan.long_calls, 5_000 + seed, EVENLY) for seed in range(plan.even_runs)]
    short = [simulate(pools, plan.short_calls, 1_000 + seed) for seed in range(plan.short_runs)]
    return [
        *_judged(f"{plan.long_calls:,} calls", pools, long),
        *_regret(f"{plan.long_calls:,} calls", long, most=0.5),
        *_judged(f"{plan.long_calls:,} calls, evenly", pools, even),
        *_judged(f"{plan.short_calls:,} calls", pools, short),
        *_regret(f"{plan.short_calls:,} calls", short),
    ]


def _regret(name: str, runs: list[Run], most: float | None = None) -> list[Figure]:
    missed, uniform = mean(run.regret for run in runs), mean(run.uniform for run in runs)
    note = f"{missed:.2f} € a call of {uniform:.2f} €"
    return [_figure(f"{name}: regret, share of uniform choice's", missed / uniform, most=most, note=note)]


def _judged(name: str, pools: tuple[Pool, ...], runs: list[Run]) -> list[Figure]:
    truth = {(pool.situation, arm): effect for pool in pools for arm, effect in pool.effects.items()}
    tally = Counter(said for run in runs for said in _covered(run, truth))

    def share(what: str) -> float:
        return tally[what] / (tally[what] + tally[f"not {what}"])

    seeds = f"{len(runs)} seeds"
    rate = RULES.error_rate
    luck = rate + 2 * sqrt(rate * (1 - rate) / len(runs))  # so few runs cannot tell a rate more closely

    def least(level: float, each: int) -> float:
        """Two standard errors below what is stated, of so many ranges a run."""
        return level - 2 * sqrt(level * (1 - level) / (len(runs) * each))

    named = {
        verdict: [_wrong(run, truth, verdict) for run in runs]
        for verdict in (Verdict.nothing, Verdict.helps, Verdict.harms)
    }
    alike = [key for key, effect in truth.items() if key[1] != NEUTRAL and abs(effect) < RULES.matters]
    found = mean(sum(one.verdict is Verdict.nothing for one in run.report.effects) / len(alike) for run in runs)
    smallest = [one.smallest for run in runs for one in run.report.effects if one.smallest is not None]
    return [
        _figure(
            f"{name}: ranges of 95 % that cover", share("95"), least=least(0.95, EACH), note=f"{seeds}, doubly robust"
        ),
        _figure(f"{name}: ranges of 90 % that cover", share("90"), least=least(0.9, EACH), note=seeds),
        _figure(
            f"{name}: ranges of 95 % that cover, by weights", share("weighted"), least=least(0.95, EACH), note=seeds
        ),
        _figure(f"{name}: what was kept in all, covered at 95 %", share("worth"), least=least(0.95, 1), note=seeds),
        _figure(f"{name}: smallest difference that shows", mean(smallest) * 100, unit="points", note="mean of scripts"),
        _figure(
            f"{name}: wrong among those said to do nothing",
            mean(named[Verdict.nothing]),
            most=luck,
            note=f"stated {rate:.0%}; {found:.0%} of {len(alike)} such scripts named",
        ),
        *(
            _figure(
                f"{name}: wrong among those said to {what}", mean(named[verdict]), most=luck, note=f"stated {rate:.0%}"
            )
            for what, verdict in (("help", Verdict.helps), ("do harm", Verdict.harms))
        ),
    ]


def _covered(run: Run, truth: dict[tuple[str, str], float]) -> Iterable[str]:
    """Of each range whether it covers the truth."""
    for effect in run.report.effects:
        if effect.more_stay is not None and effect.more_stay_weighted is not None:
            true = truth[(effect.situation, effect.arm)]
            yield _within("95", effect.more_stay.interval(), true)
            yield _within("90", effect.more_stay.interval(0.9), true)
            yield _within("weighted", effect.more_stay_weighted.interval(), true)
    yield _within("worth", run.report.worth[0].beside_none.interval(), run.worth)


def _within(name: str, interval: tuple[float, float], true: float) -> str:
    return name if interval[0] <= true <= interval[1] else f"not {name}"


def _figure(
    name: str, measured: float, *, unit: str = "", most: float | None = None, least: float | None = None, note: str = ""
) -> Figure:
    return Figure(bench="choice", name=name, measured=measured, unit=unit, most=most, least=least, note=note)


def _wrong(run: Run, truth: dict[tuple[str, str], float], verdict: Verdict) -> float:
    """The share of the scripts named so that are not so; 0 where none is."""
    wrong: dict[Verdict, Callable[[float], bool]] = {
        Verdict.nothing: lambda effect: abs(effect) >= RULES.matters,
        Verdict.helps: lambda effect: effect <= 0,
        Verdict.harms: lambda effect: effect >= 0,
    }
    named = [truth[(one.situation, one.arm)] for one in run.report.named(verdict)]
    return mean(wrong[verdict](effect) for effect in named) if named else 0.0


def main() -> int:
    """Measure, print, and say whether the limits hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.choice", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few runs: to see that it works")
    args = parser.parse_args()
    return conclude(lambda: measure_choice(QUICK if args.quick else FULL), quick=args.quick)


if __name__ == "__main__":
    raise SystemExit(main())
