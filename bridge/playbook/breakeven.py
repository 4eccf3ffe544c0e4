"""When does an offer pay for itself? Closed forms, with the customer's own value.

An offer costs `effort` whenever it is made and `cost` when it is taken up. Who would stay anyway takes it too; of
those about to leave the share `taken_up` does, and stays. Whoever stays brings `value`. With the probability `risk` to
leave::

    profit = risk · taken_up · (value - cost) - (1 - risk) · cost - effort

after Verbraken, Verbeke and Baesens (2013), with each customer's own value in place of the average.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from bridge.model import Money


def break_even_probability(cost: float, effort: float, taken_up: float, value: float) -> float | None:
    """The risk above which the offer pays: (cost + effort) / (taken_up · (value - cost) + cost).

    None when it never does: the offer costs more than the customer brings, or than all who leave bring together.
    """
    if value <= cost:
        return None
    return _share((cost + effort) / (taken_up * (value - cost) + cost)) if cost + effort else 0.0


def break_even_save_rate(cost: float, effort: float, value: float, risk: float = 0.0) -> float | None:
    """The share of those offered who have to stay because of it: ((1 - risk) · cost + effort) / (value - cost).

    Without a known risk everybody counts as somebody who takes it and would have stayed. None when it never pays.
    """
    return _share(((1 - risk) * cost + effort) / (value - cost)) if value > cost else None


def _share(rate: float) -> float | None:
    return rate if rate <= 1 else None


class Made(Struct, frozen=True, kw_only=True):
    """One offer as it would be made to one customer: amounts in minor units, `save_rate` the uplift counted with."""

    cost: int
    effort: int
    value: int
    save_rate: float
    risk: float

    @property
    def expected_cost(self) -> float:
        """The effort, and the cost for all who take it: those who would stay anyway, and those who are held by it."""
        return self.effort + (1 - self.risk + self.save_rate) * self.cost


class Campaign(Struct, frozen=True, kw_only=True):
    """What making an offer to a whole segment comes to."""

    customers: int
    cost: Money
    """Expected."""
    value: Money
    """Of all together, held or not."""
    saves: float
    """How many more would stay if the uplift is right."""
    gain: Money
    """What they bring."""
    break_even: float | None
    """The share of the segment that has to stay because of it, for the whole to pay; None when it never does."""


def reckon(made: Iterable[Made], currency: str) -> Campaign:
    """The sum over all customers. Its break-even is the same closed form, of sums."""
    each = list(made)
    due = sum((1 - one.risk) * one.cost + one.effort for one in each)
    room = sum(one.value - one.cost for one in each)
    return Campaign(
        customers=len(each),
        cost=Money(round(sum(one.expected_cost for one in each)), currency),
        value=Money(sum(one.value for one in each), currency),
        saves=round(sum(one.save_rate for one in each), 2),
        gain=Money(round(sum(one.save_rate * one.value for one in each)), currency),
        break_even=_share(due / room) if room > 0 else None,
    )
