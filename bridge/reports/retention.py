"""Retention, churn and revenue that stayed, by month and group, each with the pieces of its formula. Pure.

Everything is told of two closes of day: the last before the month, and the month's last. `new` are those who are
customers at the second and were not at the first, `left` the other way round, so that start + new - left = end holds in
every cell. Who came and went in between is told apart. A customer counts in the group in which they stood at the start
of the month, or, being new, at its end.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Final

from msgspec import Struct

from bridge.flow.standing import FOREVER, Line, Standing, at
from bridge.reports.groups import BYS, By, Groups, grouped, pick
from bridge.reports.months import Months

MOST_GROUPS: Final = 40
"""Groups beyond so many, the smallest, are told together as OTHER."""
OTHER: Final = "other"


class Revenue(Struct, frozen=True, kw_only=True):
    """Monthly amounts of contracts at the start and at the end, and what became of them; minor units of the main
    currency. start + expansion - contraction - churn + new = end."""

    start: int
    new: int
    expansion: int
    contraction: int
    churn: int
    end: int
    net: float | None
    """(start + expansion - contraction - churn) / start."""
    gross: float | None
    """(start - contraction - churn) / start."""


class Cell(Struct, frozen=True, kw_only=True):
    """One month of one group. `group` "" is what nobody said of, with `by` none everybody."""

    month: str
    group: str
    start: int
    new: int
    returned: int
    """Of the new, those who had been customers before."""
    left: int
    came_and_went: int
    """Customers on some day of the month, but neither at its start nor at its end."""
    end: int
    noticed: int
    """Who gave notice in the month, or whose contract ended without one: many of them are still there."""
    retention: float | None
    """(end - new) / start; None where there was nobody."""
    churn: float | None
    """left / start."""
    revenue: Revenue


_START, _NEW, _RETURNED, _LEFT, _WENT, _END, _NOTICED = range(7)
_MONEY = 7
_M_START, _M_NEW, _M_MORE, _M_LESS, _M_CHURN, _M_END = range(_MONEY, _MONEY + 6)


class Retention(Struct, frozen=True):
    """What was counted so far, apart for each way of telling customers apart: of all ways together there would be a
    group for nearly everybody."""

    months: Months
    sums: dict[By, defaultdict[str, list[list[int]]]]
    """By group, and in it by month."""

    def add(self, one: Standing) -> None:
        """Count one customer, and the money that counts with them."""
        if not one.spans:
            return
        closes = self.months.closes
        key = grouped(one)
        known: dict[Groups, list[list[list[int]]]] = {}

        def cells(place: int, day: int) -> Iterator[list[int]]:
            groups = key(day)
            if groups not in known:
                known[groups] = [self.sums[by][pick(by)(groups)] for by in BYS]
            return (months[place] for months in known[groups])

        present = bytearray(len(closes))
        reach = [(bisect_left(closes, span.begins), bisect_left(closes, span.ends)) for span in one.spans]
        for first, beyond in reach:
            present[first:beyond] = b"\1" * (beyond - first)
        went = set()
        for number, (span, (first, beyond)) in enumerate(zip(one.spans, reach, strict=True)):
            if 0 < first < len(closes) and not present[first - 1]:
                if first < beyond and number:
                    _tick(cells(first - 1, closes[first]), _RETURNED)
                elif first == beyond and not present[first] and first not in went:
                    went.add(first)
                    _tick(cells(first - 1, span.begins), _WENT)
            if span.stops < FOREVER and 0 < (place := bisect_left(closes, span.stops)) < len(closes):
                there = closes[place - 1] if present[place - 1] else closes[place]
                _tick(cells(place - 1, there), _NOTICED)
        paid = _paid(one.pays, closes)
        for place in range(len(closes) - 1):
            if present[place] or present[place + 1]:
                for cell in cells(place, closes[place] if present[place] else closes[place + 1]):
                    _move(cell, present[place], present[place + 1])
                    if paid is not None:
                        _move_money(cell, paid[place], paid[place + 1])

    def cells(self, by: By) -> tuple[Cell, ...]:
        """By month, and in it by group; a group is there in the months in which there was somebody in it."""
        named, names = self.names(by), self.months.names
        sums: defaultdict[tuple[int, str], list[int]] = defaultdict(_nothing)
        for group, months in self.sums[by].items():
            for month, some in enumerate(months):
                if any(some):
                    sums[month, named(group)] = [
                        one + other for one, other in zip(sums[month, named(group)], some, strict=True)
                    ]
        if by == "none":
            for place in range(len(names)):
                sums[place, ""]
        return tuple(_make(names[place], group, total) for (place, group), total in sorted(sums.items()))

    def names(self, by: By) -> Callable[[str], str]:
        """The name of a group, or OTHER for one of the many small ones."""
        if by == "none":
            return str
        size = {group: sum(some[_START] + some[_NEW] for some in months) for group, months in self.sums[by].items()}
        largest = {name for name, _ in sorted(size.items(), key=itemgetter(1, 0), reverse=True)[:MOST_GROUPS]}
        return lambda name: name if name in largest else OTHER


def count(months: Months) -> Retention:
    """Nothing counted yet."""
    return Retention(months, {by: defaultdict(lambda: [_nothing() for _ in months.months]) for by in BYS})


def _tick(cells: Iterable[list[int]], place: int) -> None:
    for cell in cells:
        cell[place] += 1


def _nothing() -> list[int]:
    return [0] * (_MONEY + 6)


def _paid(lines: Sequence[Line], closes: Sequence[int]) -> list[int] | None:
    """The sum of the monthly amounts at each close; None for who never had a contract."""
    if not lines:
        return None
    sums = [0] * len(closes)
    for line in lines:
        for place in range(bisect_left(closes, line.begins), bisect_left(closes, line.ends)):
            sums[place] += at(line.amounts, closes[place]) if len(line.amounts) != 1 else line.amounts[0][1]
    return sums


def _move(cell: list[int], was: int, is_now: int) -> None:
    cell[_START] += was
    cell[_END] += is_now
    if was and not is_now:
        cell[_LEFT] += 1
    elif is_now and not was:
        cell[_NEW] += 1


def _move_money(cell: list[int], was: int, is_now: int) -> None:
    cell[_M_START] += was
    cell[_M_END] += is_now
    if not was:
        cell[_M_NEW] += is_now
    elif not is_now:
        cell[_M_CHURN] += was
    elif is_now > was:
        cell[_M_MORE] += is_now - was
    else:
        cell[_M_LESS] += was - is_now


def _make(month: str, group: str, some: Sequence[int]) -> Cell:
    start, kept = some[_START], some[_END] - some[_NEW]
    money, lost = some[_M_START], some[_M_LESS] + some[_M_CHURN]
    return Cell(
        month=month,
        group=group,
        start=start,
        new=some[_NEW],
        returned=some[_RETURNED],
        left=some[_LEFT],
        came_and_went=some[_WENT],
        end=some[_END],
        noticed=some[_NOTICED],
        retention=kept / start if start else None,
        churn=some[_LEFT] / start if start else None,
        revenue=Revenue(
            start=money,
            new=some[_M_NEW],
            expansion=some[_M_MORE],
            contraction=some[_M_LESS],
            churn=some[_M_CHURN],
            end=some[_M_END],
            net=(money + some[_M_MORE] - lost) / money if money else None,
            gross=(money - lost) / money if money else None,
        ),
    )
