"""Contracts as a fit sees them: when each could be left, and when it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from statistics import median

from msgspec import Struct

from bridge.model import Renewal
from bridge.scoring.worth import By, Every

FIRST_MONTHS = (36, 24, 12, 6, 3, 2)
"""First terms that are looked for, in months; what is not one of them can be left every month."""
_ROUND_DAYS = 16
"""An end so many days before that of the first term counts as one at it."""
_MUCH_MORE = 3.0
_AFTER_DAYS = 120
"""A first term shows where in so many days after it contracts are left at three times the rate of all days before."""
_FEWEST_ENDS = 30


class Term(Struct, frozen=True):
    """One contract. `left` is the day on which it ended, None while it goes on."""

    starts: date
    left: date | None
    product: str | None = None
    account: str | None = None
    """The segment of its account."""
    renewal: Renewal = Renewal.unknown

    def segment(self, by: By) -> str | None:
        return self.product if by is By.product else self.account

    def as_of(self, day: date) -> Term:
        """The contract as it was known at the end of `day`."""
        return (
            self
            if self.left is None or self.left <= day
            else Term(self.starts, None, self.product, self.account, self.renewal)
        )


class Rhythm(Struct, frozen=True):
    """`every` so often contracts can be left, for the first time after `first` of these periods."""

    every: Every
    first: int

    def passed(self, term: Term, day: date) -> int:
        """How many times the contract could have been left by `day`."""
        return max(0, int((day - term.starts).days // self.every.days) - self.first + 1)

    def left_at(self, term: Term, left: date) -> int:
        """The number, from 1, of the renewal that did not come; what is left within the first term counts as 1."""
        return max(1, round((left - term.starts).days / self.every.days) - self.first + 1)


class Spans(Struct):
    """What a fit needs of contracts: from which renewal on each was seen, and which one it did not make, or made last.

    Keys are (renewals made when it came into sight, number of the renewal), values count contracts.
    """

    left: Counter[tuple[int, int]]
    stayed: Counter[tuple[int, int]]

    @property
    def ended(self) -> int:
        return sum(self.left.values())

    def __len__(self) -> int:
        return self.ended + sum(self.stayed.values())


def spans(terms: Iterable[Term], rhythm: Rhythm, since: date, until: date) -> Spans:
    """What is known at the end of `until` of contracts that ran on `since` or later.

    Records of contracts that ended before `since` are missing for the most part, so that one which is older is only a
    witness from then on: its earlier renewals say nothing, for had it not made them, nobody would know of it.
    """
    left: Counter[tuple[int, int]] = Counter()
    stayed: Counter[tuple[int, int]] = Counter()
    for term in terms:
        if term.starts > until or (term.left is not None and term.left < since):
            continue
        seen = rhythm.passed(term, since) if term.starts < since else 0
        if term.left is not None and term.left <= until:
            number = rhythm.left_at(term, term.left)
            left[min(seen, number - 1), number] += 1
        else:
            stayed[seen, max(seen, rhythm.passed(term, until))] += 1
    return Spans(left, stayed)


def find_since(terms: Iterable[Term]) -> date | None:
    """From when on ended contracts are on record: the first of a hundred ends. None where none has ended."""
    ends = sorted(term.left for term in terms if term.left is not None)
    return ends[len(ends) // 100] if ends else None


def find_rhythm(terms: Sequence[Term], every: Every, since: date, until: date) -> Rhythm:
    """The first term after which contracts are left so much more often than within it as after no other; none where
    that is not much more often."""
    seen = [
        ((max(term.starts, since) - term.starts).days, ((term.left or until) - term.starts).days, term.left is not None)
        for term in terms
        if term.starts <= until and (term.left is None or term.left >= since)
    ]
    months = 12 if every is Every.year else 1
    found, most = 1, _MUCH_MORE
    for first in FIRST_MONTHS:
        bound = round(first / 12 * 365.25) - _ROUND_DAYS
        before, after = _leaving(seen, 0, bound), _leaving(seen, bound, bound + _AFTER_DAYS)
        if first % months == 0 and after[0] >= _FEWEST_ENDS:
            times = (after[0] / max(1, after[1])) / (max(0.5, before[0]) / max(1, before[1]))
            if times >= most:
                found, most = first // months, times
    return Rhythm(every, found)


def _leaving(seen: Sequence[tuple[int, int, bool]], begin: int, end: int) -> tuple[int, int]:
    """How many contracts were left from `begin` days of age up to `end`, and the days for which they could have been.

    Of each in `seen`: the age at which it came into sight, the last one it was seen at, and whether it was left then.
    """
    left = sum(1 for young, old, gone in seen if gone and max(begin, young) <= old < end)
    return left, sum(max(0, min(end, old) - max(begin, young)) for young, old, _ in seen)


def usual_renewals(terms: Iterable[Term], rhythm: Rhythm, until: date) -> int:
    """How many renewals a contract that goes on has typically behind it."""
    made = [rhythm.passed(term, until) for term in terms if term.left is None and term.starts <= until]
    return int(median(made)) if made else 0
