"""Amounts of any currency in the main one."""

from __future__ import annotations

from functools import cache

from bridge.model import Money
from bridge.scoring.card import ValueCard


@cache
def unit(currency: str) -> int:
    """How many minor units one whole unit of `currency` has."""
    return Money.of(1, currency).minor


def rate_of(currency: str, rules: ValueCard) -> float | None:
    """What one unit of `currency` is worth in the main one; None where nobody said."""
    return 1.0 if currency == rules.currency else rules.rates.get(currency)


def in_main(money: Money, rate: float, rules: ValueCard) -> float:
    """`money` in minor units of the main currency, not yet rounded."""
    if money.currency == rules.currency:
        return money.minor
    return money.minor / unit(money.currency) * rate * unit(rules.currency)
