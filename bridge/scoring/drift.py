"""Whether scores still are what they were: who is scored how, then and now, and whether what is said comes true."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from enum import StrEnum
from math import log, sqrt

from msgspec import Struct

from bridge.scoring.record import Alike, RiskRecord

FEWEST_SPREAD = 500
"""Of fewer customers than this chance alone would look like a move."""
GROUPS = 10
MOST_SHIFTS = 5
_MOVING, _MOVED = 0.1, 0.25
_SURELY = 3.0
"""A share has moved when chance would do it less than once in some hundred signals (in standard errors)."""
_Z90 = 1.6448536269514722


class Verdict(StrEnum):
    """How far the scores of today's customers are from those of the customers it was fitted on."""

    steady = "steady"
    moving = "moving"
    moved = "moved"
    """So far that the model should be fitted anew."""


class Kept(StrEnum):
    """Whether what was said came true."""

    holds = "holds"
    too_high = "too_high"
    too_low = "too_low"


class Spread(Struct, frozen=True, kw_only=True):
    """How customers are scored: `shares` of them between `edges` of the probability (a group includes its upper one;
    one more share than edges), and the share that shows each signal, as `code:band`."""

    customers: int
    edges: tuple[float, ...]
    shares: tuple[float, ...]
    signals: dict[str, float]


class Shift(Struct, frozen=True, kw_only=True):
    """The share of customers with one signal, then and now."""

    code: str
    band: str
    then: float
    now: float


class Shifted(Struct, frozen=True, kw_only=True):
    """How the scores moved: `index` is the population stability index over groups of equal size (then)."""

    index: float
    verdict: Verdict
    shifts: tuple[Shift, ...]
    """The signals that moved most, beyond chance."""


class Said(Struct):
    """Collects scored customers, one after the other."""

    probabilities: list[float]
    signals: Counter[str]

    def add(self, probability: float, signals: str) -> None:
        """One customer; `signals` as `code:band`, with blanks between them."""
        self.probabilities.append(probability)
        self.signals.update(signals.split())

    def spread(self, edges: tuple[float, ...] | None = None) -> Spread:
        """How they are spread between `edges`, or between tenths of their own. There has to be one of them."""
        ranked = sorted(self.probabilities)
        count = len(ranked)
        if edges is None:
            tenths = {ranked[max(0, count * place // GROUPS - 1)] for place in range(1, GROUPS)}
            edges = tuple(sorted(tenths - {ranked[-1]}))
        cells = Counter(bisect_left(edges, probability) for probability in ranked)
        return Spread(
            customers=count,
            edges=edges,
            shares=tuple(cells[place] / count for place in range(len(edges) + 1)),
            signals={name: number / count for name, number in sorted(self.signals.items())},
        )


def nobody_yet() -> Said:
    """For customers to be added to."""
    return Said([], Counter())


def compare(then: Spread, now: Spread) -> Shifted | None:
    """How `now` (between the same edges) moved from `then`; None where one of them is of too few customers."""
    if min(then.customers, now.customers) < FEWEST_SPREAD:
        return None
    index = sum(_part(a, then.customers, b, now.customers) for a, b in zip(then.shares, now.shares, strict=True))
    verdict = Verdict.steady if index < _MOVING else Verdict.moving if index <= _MOVED else Verdict.moved
    found: list[tuple[float, Shift]] = []
    for name in sorted(then.signals.keys() | now.signals.keys()):
        a, b = then.signals.get(name, 0.0), now.signals.get(name, 0.0)
        if _surely(a, then.customers, b, now.customers):
            code, _, band = name.partition(":")
            weight = _part(a, then.customers, b, now.customers) + _part(1 - a, then.customers, 1 - b, now.customers)
            found.append((weight, Shift(code=code, band=band, then=a, now=b)))
    found.sort(key=lambda one: -one[0])
    return Shifted(index=index, verdict=verdict, shifts=tuple(shift for _, shift in found[:MOST_SHIFTS]))


def _part(a: float, of_a: int, b: float, of_b: int) -> float:
    """One cell's part of the index; an empty cell counts as half a customer."""
    a, b = max(a, 0.5 / of_a), max(b, 0.5 / of_b)
    return (b - a) * log(b / a)


def _surely(a: float, of_a: int, b: float, of_b: int) -> bool:
    both = (a * of_a + b * of_b) / (of_a + of_b)
    return abs(a - b) > _SURELY * sqrt(both * (1 - both) * (1 / of_a + 1 / of_b))


class Check(Struct, frozen=True, kw_only=True):
    """A group of customers who were scored alike: the share that was said to leave, the share that left, and between
    which limits (of 90 %) chance allows it to be."""

    most: float
    customers: int
    said: float
    left: float
    low: float
    high: float
    verdict: Kept


def check(record: RiskRecord) -> tuple[Check, tuple[Check, ...]]:
    """Whether what was said came true: of all customers together, and group by group."""
    groups = tuple(_check(one) for one in record.groups)
    customers = sum(one.customers for one in groups)
    if not customers:
        raise ValueError("a record of nobody cannot be checked")
    said = sum(one.customers * one.said for one in groups) / customers
    left = sum(one.customers * one.left for one in groups) / customers
    return _check(Alike(most=1.0, customers=customers, said=said, left=left)), groups


def _check(one: Alike) -> Check:
    low, high = wilson(one.left, one.customers)
    verdict = Kept.too_high if one.said > high else Kept.too_low if one.said < low else Kept.holds
    return Check(
        most=one.most, customers=one.customers, said=one.said, left=one.left, low=low, high=high, verdict=verdict
    )


def wilson(share: float, of: int, z: float = _Z90) -> tuple[float, float]:
    """Between which limits a share seen among `of` may lie in truth: Wilson's interval, of 90 % unless `z` differs."""
    square = z * z / of
    middle = (share + square / 2) / (1 + square)
    half = z / (1 + square) * sqrt(share * (1 - share) / of + square / (4 * of))
    return max(0.0, middle - half), min(1.0, middle + half)
