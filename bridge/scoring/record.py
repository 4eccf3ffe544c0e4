"""How good scores turned out to be: what was said of customers, and what they then did."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import StrEnum

from msgspec import Struct

FEWEST_ALIKE = 30
"""Of fewer customers than this nothing is said."""


class Seen(StrEnum):
    """Where a record comes from."""

    held_out = "held_out"
    """A later part of the history that the model had not seen when it was fitted."""
    lived = "lived"
    """What really happened after the score was in use."""


class Alike(Struct, frozen=True, kw_only=True):
    """Customers who were scored alike, up to the probability `most`: the share said, and the share that left."""

    most: float
    customers: int
    said: float
    left: float


class RiskRecord(Struct, frozen=True, kw_only=True):
    """What came of the risk that was said in the days from `from_day` to `to_day`. `groups` by rising probability,
    each of about as many customers; the last one's `most` is 1."""

    seen: Seen
    from_day: date
    to_day: date
    horizon_days: int
    groups: tuple[Alike, ...]

    def alike(self, probability: float) -> Alike | None:
        """Those who were scored like this; None where they were too few to speak of."""
        for group in self.groups:
            if probability <= group.most:
                return group if group.customers >= FEWEST_ALIKE else None
        return None


def group(scored: Sequence[tuple[float, bool]], most_groups: int = 10) -> tuple[Alike, ...]:
    """The groups that `scored` (probability, whether they left) make, none below FEWEST_ALIKE while one is enough."""
    ranked = sorted(scored)
    count = max(1, min(most_groups, len(ranked) // FEWEST_ALIKE))
    found: list[Alike] = []
    begin = 0
    for number in range(count):
        end = len(ranked) * (number + 1) // count
        while 0 < end < len(ranked) and ranked[end][0] == ranked[end - 1][0]:
            end += 1  # who is scored the same is in one group
        some = ranked[begin:end]
        if not some:
            continue
        last = end >= len(ranked)
        found.append(
            Alike(
                most=1.0 if last else some[-1][0],
                customers=len(some),
                said=sum(p for p, _ in some) / len(some),
                left=sum(left for _, left in some) / len(some),
            )
        )
        begin = end
    return tuple(found)
