"""What customers will still do: purchases without a contract (BG/NBD, Gamma-Gamma), renewals with one (sBG).

Plain Python and closed forms, so that one customer costs microseconds; `bridge.scoring.fit.value` finds the parameters.

- BG/NBD: Fader, Hardie & Lee (2005), "Counting Your Customers" the Easy Way, Marketing Science 24(2).
- Gamma-Gamma: Fader & Hardie (2013), The Gamma-Gamma Model of Monetary Value.
- Shifted beta-geometric: Fader & Hardie (2007), How to Project Customer Retention; (2010), Customer-Base Valuation in a
  Contractual Setting.
"""

from __future__ import annotations

from math import exp, lgamma, log, log1p
from typing import Annotated, NamedTuple, TypeAlias

from msgspec import Meta, Struct

_TERMS = 10_000
_SMALL = 1e-15
_TAIL = 1e-6
_TAMEST = 2.5
_FAINTEST = -700.0
"""Probabilities whose logarithm is smaller cannot be told from nothing."""
_NEAR_ONE = 1e-6
"""The formula of BG/NBD has holes at a = 1 and a + b = 1; this close to one a parameter is moved aside."""

_Positive: TypeAlias = Annotated[float, Meta(gt=0)]


class Count(NamedTuple):
    """How many purchases are ahead: the expected number, that of its square, and the probability of none."""

    mean: float
    square: float
    none: float


class Buying(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """BG/NBD. Purchases come at a rate that is Gamma(`r`, `alpha`) among customers; after each of them one is gone with
    a probability that is Beta(`a`, `b`). Times are in the unit of the fit."""

    r: _Positive
    alpha: _Positive
    a: _Positive
    b: _Positive

    def alive(self, x: int, t_x: float, t: float) -> float:
        """Probability that a customer with `x` repeat purchases, the last at `t_x`, seen for `t`, still buys.

        1 for x = 0 by the model's construction: that says nothing of the customer, and must not be shown as risk.
        """
        return 1.0 if x == 0 else 1 / (1 + self._gone(x, t_x, t))

    def expected(self, x: int, t_x: float, t: float, ahead: float) -> float:
        """Expected purchases in the next `ahead` (equation 10 of the paper)."""
        r, alpha, a, b = self.r + x, self.alpha + t, self.a, self.b + x
        if ahead <= 0:
            return 0.0
        if abs(a - 1) < _NEAR_ONE:
            a = 1 + _NEAR_ONE
        if abs(a + b - 1) < _NEAR_ONE:
            b = 1 + _NEAR_ONE - a
        z = ahead / (alpha + ahead)
        share = hypergeometric(r, b, a + b - 1, z, r * log1p(-z))
        return (a + b - 1) / (a - 1) * (1 - share) / (1 + (self._gone(x, t_x, t) if x else 0.0))

    def count(self, x: int, t_x: float, t: float, ahead: float) -> Count:
        """What the number of purchases in the next `ahead` is like: exact but for a tail below a millionth.

        Who still buys makes at least n purchases if the time holds n of them (negative binomial) and none of the first
        n - 1 was the last (beta-geometric): two independent things.
        """
        shape, z = self.r + x, ahead / (self.alpha + t + ahead)
        stays, leaves = self.b + x, self.a + self.b + x
        faint = shape * log1p(-z)
        exactly = exp(faint)  # the time holds just n - 1 purchases
        most = least = 1 - exactly  # it holds at least n
        not_last, mean, square, n = 1.0, 0.0, 0.0, 1
        while most > _TAIL and n < _TERMS:
            share = most * not_last
            mean += share
            square += (n + n - 1) * share
            more = (shape + n - 1) / n * z
            if faint < _FAINTEST:  # who buys every day for years: the number itself would be lost
                faint += log(more)
                exactly = exp(faint)
            else:
                exactly *= more
            most -= exactly
            not_last *= (stays + n - 1) / (leaves + n - 1)
            n += 1
        alive = self.alive(x, t_x, t)
        return Count(alive * mean, alive * square, 1 - alive * least)

    def _gone(self, x: int, t_x: float, t: float) -> float:
        """The odds of being gone."""
        return self.a / (self.b + x - 1) * exp((self.r + x) * log1p((t - t_x) / (self.alpha + t_x)))


class Spending(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Gamma-Gamma: what a purchase brings, Gamma(`p`, ν) within a customer, ν Gamma(`q`, `v`) among them."""

    p: _Positive
    q: Annotated[float, Meta(gt=1)]
    v: _Positive

    def expected(self, x: int, mean: float) -> float:
        """Expected amount of a purchase by a customer whose `x` repeat purchases brought `mean` each."""
        return self.p * (self.v + x * mean) / (self.p * x + self.q - 1)

    def square(self, x: int, mean: float, count: Count) -> float:
        """The expected square of what `count` purchases of that customer bring together.

        Where the square of an amount has no expectation (few purchases, q near 1), that of a slightly tamer customer.
        """
        q, v = max(self.p * x + self.q, _TAMEST), self.v + x * mean
        of_rate = v * v / ((q - 1) * (q - 2))  # of 1 / ν²
        return self.p * of_rate * count.mean + self.p * self.p * of_rate * count.square


class Renewing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shifted beta-geometric: at each renewal a customer leaves with a probability that is Beta(`alpha`, `beta`)."""

    alpha: _Positive
    beta: _Positive

    def survival(self, renewals: float) -> float:
        """Share of a cohort that is still there after so many renewals."""
        a, b = self.alpha, self.beta
        return exp(lgamma(b + renewals) + lgamma(a + b) - lgamma(b) - lgamma(a + b + renewals))

    def retention(self, period: int) -> float:
        """Share of those in `period` (from 1) who renew at its end."""
        return (self.beta + period - 1) / (self.alpha + self.beta + period - 1)

    def remaining(self, period: int, discount: float) -> float:
        """Discounted expected remaining periods (DERL) of a customer in `period`, before the renewal at its end.

        `period` - 1 renewals were made; `discount` is per period, and 0.1 stands for ten per cent.
        """
        a, b, n = self.alpha, self.beta, period
        return (b + n - 1) / (a + b + n - 1) * hypergeometric(1.0, b + n, a + b + n, 1 / (1 + discount))

    def within(self, period: int, periods: float, discount: float) -> float:
        """As `remaining`, of the next `periods` alone; a broken last one counts in part."""
        total, worth = 0.0, 1 + discount
        whole = int(periods)
        for ahead in range(1, whole + 2):
            worth *= self.retention(period + ahead - 1) / (1 + discount)
            total += worth * (1.0 if ahead <= whole else periods - whole)
        return total


def hypergeometric(a: float, b: float, c: float, z: float, log_factor: float = 0.0) -> float:
    """Gauss's 2F1(a, b; c; z) for 0 ≤ z < 1 and c above 0, to about 1e-12, times exp(`log_factor`): the function alone
    may be too large for a number.

    Summed after Euler's transformation where that converges faster: c - a - b decides how fast the terms fall.
    """
    if c - a - b < 0:
        return exp(log_factor + (c - a - b) * log1p(-z)) * _series(c - a, c - b, c, z)
    return exp(log_factor) * _series(a, b, c, z)


def _series(a: float, b: float, c: float, z: float) -> float:
    total = term = 1.0
    for n in range(_TERMS):
        term *= (a + n) * (b + n) / ((c + n) * (n + 1)) * z
        total += term
        if abs(term) <= _SMALL * abs(total):
            break
    return total
