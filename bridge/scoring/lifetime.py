"""What customers will still do: purchases without a contract (BG/NBD, Gamma-Gamma), renewals with one (sBG).

Plain Python and closed forms, so that one customer costs microseconds; `bridge.scoring.fit.value` finds the parameters.

- BG/NBD: Fader, Hardie & Lee (2005), "Counting Your Customers" the Easy Way, Marketing Science 24(2).
- Gamma-Gamma: Fader & Hardie (2013), The Gamma-Gamma Model of Monetary Value.
- Shifted beta-geometric: Fader & Hardie (2007), How to Project Customer Retention; (2010), Customer-Base Valuation in a
  Contractual Setting.
"""

from __future__ import annotations

from math import exp, lgamma, log1p

from msgspec import Struct

_TERMS = 10_000
_SMALL = 1e-15


class Buying(Struct, frozen=True, kw_only=True):
    """BG/NBD. Purchases come at a rate that is Gamma(`r`, `alpha`) among customers; after each of them one is gone with
    a probability that is Beta(`a`, `b`). Times are in the unit of the fit."""

    r: float
    alpha: float
    a: float
    b: float

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
        z = ahead / (alpha + ahead)
        share = exp(r * log1p(-z)) * hypergeometric(r, b, a + b - 1, z)
        return (a + b - 1) / (a - 1) * (1 - share) / (1 + (self._gone(x, t_x, t) if x else 0.0))

    def _gone(self, x: int, t_x: float, t: float) -> float:
        """The odds of being gone."""
        return self.a / (self.b + x - 1) * exp((self.r + x) * log1p((t - t_x) / (self.alpha + t_x)))


class Spending(Struct, frozen=True, kw_only=True):
    """Gamma-Gamma: what a purchase brings, Gamma(`p`, ν) within a customer, ν Gamma(`q`, `v`) among them."""

    p: float
    q: float
    v: float

    def expected(self, x: int, mean: float) -> float:
        """Expected amount of a purchase by a customer whose `x` repeat purchases brought `mean` each."""
        return self.p * (self.v + x * mean) / (self.p * x + self.q - 1)


class Renewing(Struct, frozen=True, kw_only=True):
    """Shifted beta-geometric: at each renewal a customer leaves with a probability that is Beta(`alpha`, `beta`)."""

    alpha: float
    beta: float

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


def hypergeometric(a: float, b: float, c: float, z: float) -> float:
    """Gauss's 2F1(a, b; c; z) for 0 ≤ z < 1 and c above 0, to about 1e-12.

    Summed after Euler's transformation where that converges faster: c - a - b decides how fast the terms fall.
    """
    if c - a - b < 0:
        return exp((c - a - b) * log1p(-z)) * _series(c - a, c - b, c, z)
    return _series(a, b, c, z)


def _series(a: float, b: float, c: float, z: float) -> float:
    total = term = 1.0
    for n in range(_TERMS):
        term *= (a + n) * (b + n) / ((c + n) * (n + 1)) * z
        total += term
        if abs(term) <= _SMALL * abs(total):
            break
    return total
