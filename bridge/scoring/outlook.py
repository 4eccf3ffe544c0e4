"""What is ahead of one customer by a fitted model: months of a contract, purchases, and how far either may be off.

Everything here depends on a few numbers alone that change once in weeks, so that answers are kept.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, exp, log, sqrt
from statistics import NormalDist
from typing import Final, NamedTuple

from bridge.scoring.lifetime import Buying, Count, Renewing
from bridge.scoring.worth import STEP

MONTH: Final = 365 / 12
YEAR: Final = 365
INSIDE: Final = 0.8
"""The share of customers whose value comes out between `low` and `high`."""
_LOW: Final = (1 - INSIDE) / 2
_HIGH: Final = 1 - _LOW
_KEPT = 1 << 14

_quantile = NormalDist().inv_cdf


class Months(NamedTuple):
    """Months ahead, as money of today: at the present amount, and at the one after the discount."""

    now: float
    after: float


class Term(NamedTuple):
    """What is expected of a contract, both ends of what may come, and the probability that it outlasts the horizon."""

    expected: Months
    low: Months
    high: Months
    stays: float


@lru_cache(maxsize=_KEPT)
def months_ahead(
    renewing: Renewing | None, every: int, made: int, due: int, discounted: int, horizon: int, rate: float
) -> Term:
    """The months of a contract over the next `horizon` days, each weighed by the probability that it is still there and
    by what money of that month is worth today at a yearly discount `rate`.

    It goes on for certain for `due` steps of 30 days, then is renewed or not every `every` steps, after `made` renewals
    before; without `renewing` it is over then. The present amount counts for the first `discounted` days. Low and high
    are what it brings where it is left at the tenth and the ninetieth of a hundred places on the way out.
    """
    stays, now, after = 1.0, 0.0, 0.0
    likely_now, likely_after = 0.0, 0.0
    low: Months | None = None
    high: Months | None = None
    for step in range(ceil(horizon / STEP)):
        if step == due:
            made += 1
            due += every
            stays = 0.0 if renewing is None else stays * renewing.retention(made)
            if low is None and 1 - stays >= _LOW:
                low = Months(now, after)
            if high is None and 1 - stays >= _HIGH:
                high = Months(now, after)
        days = min(STEP, horizon - step * STEP)
        weight = days / MONTH * worth_today(step * STEP + days / 2, rate)
        if step * STEP < discounted:
            now += weight
            likely_now += weight * stays
        else:
            after += weight
            likely_after += weight * stays
        if not stays:
            break
    whole = Months(now, after)
    return Term(Months(likely_now, likely_after), low or whole, high or whole, stays)


class Ahead(NamedTuple):
    """Purchases ahead, the probability that the customer still buys, and what their money is worth today."""

    number: Count
    alive: float
    discount: float


@lru_cache(maxsize=_KEPT)
def purchases_ahead(buying: Buying, x: int, t_x: float, t: float, horizon: int, rate: float) -> Ahead:
    """The purchases in the next `horizon` days of a customer with `x` repeat purchases, the last `t_x` weeks after the
    first one, seen for `t` weeks. They are discounted year by year, from the middle of each."""
    number = buying.count(x, t_x, t, horizon / 7)
    worth, before, day = 0.0, 0.0, 0
    while day < horizon:
        end = min(day + YEAR, horizon)
        until = number.mean if end == horizon else buying.expected(x, t_x, t, end / 7)
        worth += (until - before) * worth_today((day + end) / 2, rate)
        before, day = until, end
    return Ahead(number, buying.alive(x, t_x, t), worth / before if before else 1.0)


def worth_today(days: float, rate: float) -> float:
    """What money that comes in so many days is worth today."""
    return float((1 + rate) ** (-days / YEAR))


def spread(mean: float, square: float, none: float) -> tuple[float, float]:
    """Low and high of a sum that is zero with probability `none`, has this mean and this expected square, and where it
    is not zero falls off as a log-normal one does. With many zeros more than INSIDE lies between them."""
    return _at(mean, square, none, _LOW), _at(mean, square, none, _HIGH)


def _at(mean: float, square: float, none: float, share: float) -> float:
    if share <= none or mean <= 0:
        return 0.0
    there = 1 - none
    middle = mean / there
    width = log(max(1.0, square / there / middle / middle))
    return middle * exp(sqrt(width) * _quantile((share - none) / there) - width / 2)
