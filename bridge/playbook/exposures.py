"""Scripts that were shown, with what became of it: all that learning and reports know."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias
from zlib import crc32

from msgspec import Struct

FOLDS = 5
"""What is predicted of a customer is predicted from the other folds' customers."""


class Exposure(Struct, frozen=True, kw_only=True):
    """One script, shown to one customer, whose horizon is over. One a customer, epoch and situation: the first."""

    customer: str
    situation: str
    epoch: int
    arm: str
    arms: dict[str, float]
    """The probability that each arm had for this customer then (see `Choice.arms`)."""
    cell: str = ""
    """What was known of the customer before, coarsely: band and tier."""
    stayed: bool
    value: float = 0.0
    """The margin that stays with the customer, as it was expected when the script was shown; whole units."""
    cost: float = 0.0
    """What was granted, and what offering it cost."""
    used: bool = False
    """The agent took the suggestion as it was, or edited."""
    saved: bool = False
    """The agent recorded a save. It is shown and never learnt from: an agent cannot know who would have stayed."""

    @property
    def money(self) -> float:
        """Margin kept less cost granted."""
        return self.value * self.stayed - self.cost


Outcome: TypeAlias = Callable[[Exposure], float]
Target: TypeAlias = Callable[[Exposure], Mapping[str, float]]
"""A policy: the probability that it would have given each arm in place of those that were in force. It goes by
situation, cell, arms and their probabilities, and by nothing else of an exposure; folds may be treated apart."""


def staying(exposure: Exposure) -> float:
    """1 for who stayed through the horizon, else 0."""
    return float(exposure.stayed)


def money(exposure: Exposure) -> float:
    """Margin kept less cost granted, whole units."""
    return exposure.money


def cost(exposure: Exposure) -> float:
    """Cost granted, whole units."""
    return exposure.cost


def fold_of(customer: str) -> int:
    """The fold of a customer, always the same."""
    return crc32(customer.encode()) % FOLDS


def by_situation(exposures: Iterable[Exposure]) -> dict[str, list[Exposure]]:
    """The exposures of each situation, situations by name. Left out: those whose arm had no chance by their own record,
    from which nothing follows."""
    found: dict[str, list[Exposure]] = {}
    for exposure in exposures:
        if exposure.arms.get(exposure.arm, 0.0) > 0:
            found.setdefault(exposure.situation, []).append(exposure)
    return dict(sorted(found.items()))


def constant(arm: str) -> Target:
    """The policy that always takes `arm`."""
    chosen = {arm: 1.0}
    return lambda _: chosen
