"""What those who answered say of all who could have been asked: every answer counts for the customers it stands for.

Each customer was invited with a known probability, and answers came back from some strata more than from others. An
answer weighs 1 / (probability of the invitation × share of its stratum that answers): Horvitz and Thompson's estimator
in Hájek's form, with the strata as weighting classes (Särndal, Swensson & Wretman 1992, Model Assisted Survey
Sampling, 5.7 and 15.6). That mends what the strata explain. Where unhappy customers answer *because* they are unhappy,
it mends only a part, and nothing can mend the rest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import sqrt
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from bridge.model import SurveyMetric

FEWEST: Final = 5
"""Answers below which a stratum is weighted together with its neighbours."""
LEVEL: Final = 0.95
_Z: Final = 1.959963984540054
_SATISFIED: Final = 0.75
"""From this share of its scale on somebody is satisfied: four stars of five."""

Stratum: TypeAlias = tuple[str, str]
"""Value tier, risk band: as they were when the customer was drawn."""
Pool: TypeAlias = tuple[str, ...]
"""A stratum, or what it is weighted together with: ("gold", "high"), ("gold",), ()."""


class Asked(Struct, frozen=True, kw_only=True):
    """One customer who was invited. `score` is None where there is no answer, or one without a number."""

    stratum: Stratum
    propensity: float
    """The probability with which exactly this customer was invited."""
    answered: bool
    score: float | None = None
    scale: float | None = None


class Estimate(Struct, frozen=True, kw_only=True):
    """A figure with the interval that holds the true one in 95 of 100 such surveys.

    NPS from -100 to 100; of csat how many of 100 are satisfied; of ces the mean on its scale. `effective`: so many
    answers of equal weight would say it as exactly. The interval is None where one answer says nothing of the spread.
    """

    value: float
    low: float | None
    high: float | None
    answers: int
    effective: float


def worth_of(metric: str, score: float, scale: float | None) -> float:
    """What one answer adds to the figure of its metric."""
    if metric == SurveyMetric.nps:
        return 100.0 if score >= 9 else -100.0 if score <= 6 else 0.0
    if metric == SurveyMetric.ces:
        return score
    lowest, highest = _ends(scale)
    return 100.0 if (score - lowest) / (highest - lowest) >= _SATISFIED else 0.0


def range_of(metric: str, scale: float | None = None) -> tuple[float, float]:
    """The lowest and the highest figure that there can be."""
    if metric == SurveyMetric.nps:
        return -100.0, 100.0
    return _ends(scale) if metric == SurveyMetric.ces else (0.0, 100.0)


def _ends(scale: float | None) -> tuple[float, float]:
    """Thumbs go from 0 to 1, stars from 1; of five where nobody says."""
    highest = scale if scale is not None and scale > 0 else 5.0
    return 1.0 if highest > 2 else 0.0, highest


def pool(asked: Iterable[Asked]) -> dict[Stratum, Pool]:
    """Which strata are weighted together: those with fewer than FEWEST answers with the rest of their tier, and
    where that is not enough, all of them with everybody."""
    answers: dict[Stratum, int] = defaultdict(int)
    for one in asked:
        answers[one.stratum] += one.answered
    pools: dict[Stratum, Pool] = {one: one if count >= FEWEST else one[:1] for one, count in answers.items()}
    held: dict[Pool, int] = defaultdict(int)
    for stratum, name in pools.items():
        held[name] += answers[stratum]
    pools = {one: name if held[name] >= FEWEST else () for one, name in pools.items()}
    if () in pools.values() and sum(answers[one] for one, name in pools.items() if not name) < FEWEST:
        return dict.fromkeys(pools, ())  # what is left over is too little to stand alone
    return pools


def rates(asked: Sequence[Asked], pools: Mapping[Stratum, Pool]) -> dict[Pool, float]:
    """The share of each pool that answered, every invitation weighed by its propensity."""
    sent: dict[Pool, float] = defaultdict(float)
    came: dict[Pool, float] = defaultdict(float)
    for one in asked:
        name = pools[one.stratum]
        sent[name] += 1 / one.propensity
        came[name] += one.answered / one.propensity
    return {name: came[name] / whole for name, whole in sent.items()}


def scored(asked: Iterable[Asked]) -> list[Asked]:
    """`asked` as figures see them: an answer without a number says no more than none, and others stand for it."""
    return [replace(one, answered=False) if one.answered and one.score is None else one for one in asked]


def plain(asked: Iterable[Asked], metric: str) -> Estimate | None:
    """The figure over those who answered, each counted once; None without answers."""
    return _estimate(asked, metric, lambda one: 1.0)


def weighted(asked: Sequence[Asked], metric: str) -> Estimate | None:
    """The figure over all who could have been asked; None without answers."""
    asked = scored(asked)
    pools = pool(asked)
    shares = rates(asked, pools)
    return _estimate(asked, metric, lambda one: 1 / (one.propensity * shares[pools[one.stratum]]))


def _estimate(asked: Iterable[Asked], metric: str, weigh: Callable[[Asked], float]) -> Estimate | None:
    given = [(weigh(one), one) for one in asked if one.answered and one.score is not None]
    if not given:
        return None
    weights = [weight for weight, _ in given]
    values = [worth_of(metric, one.score, one.scale) for _, one in given if one.score is not None]
    whole = sum(weights)
    mean = sum(w * y for w, y in zip(weights, values, strict=True)) / whole
    effective = whole**2 / sum(w * w for w in weights)
    low, high = range_of(metric, max(one.scale or 0 for _, one in given))
    low, high = min(low, *values), max(high, *values)  # whoever leaves the scale unsaid may have a longer one
    half = _half(weights, values, mean, (low, high))
    return Estimate(
        value=mean,
        low=None if half is None else max(low, mean - half),
        high=None if half is None else min(high, mean + half),
        answers=len(given),
        effective=effective,
    )


def _half(weights: Sequence[float], values: Sequence[float], mean: float, ends: tuple[float, float]) -> float | None:
    """Half the interval: the linearised variance of a ratio, with a t quantile for the effective number of answers.

    One more answer at each end of the scale is taken into the spread, of the average weight (as Agresti and Coull do
    for shares): five that all say ten do not prove that everybody would.
    """
    if len(values) < 2:
        return None
    usual = sum(weights) / len(weights)
    spread = [*zip(weights, values, strict=True), (usual, ends[0]), (usual, ends[1])]
    whole = sum(w for w, _ in spread)
    centre = sum(w * y for w, y in spread) / whole
    number = len(spread)
    variance = sum((w * (y - centre)) ** 2 for w, y in spread) * number / (number - 1) / whole**2
    freedom = max(1.0, sum(weights) ** 2 / sum(w * w for w in weights) - 1)
    return _t(freedom) * sqrt(variance)


def _t(freedom: float) -> float:
    """The two-sided 95 % quantile of Student's t (Abramowitz & Stegun 26.7.5), exact to 0.01 from three on; below,
    that of the next whole number downwards, which is never too narrow."""
    if freedom < 3:
        return 12.706 if freedom < 2 else 4.303
    z = _Z
    return (
        z
        + (z**3 + z) / (4 * freedom)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
        + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * freedom**4)
    )
