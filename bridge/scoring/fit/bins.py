"""Where the cuts of a feature lie, and each row's bin between them."""

from __future__ import annotations

from math import ceil, floor, log10
from typing import ClassVar

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from bridge.scoring.fit.boosting import Binned
from bridge.scoring.fit.frame import Column, Numbers, Rows

FINE = 256
COARSE = 32
"""Bins of a number at most, in its own table and in pair tables."""
RARE = 10
"""A category in fewer rows counts as one that is not known."""


class NumberBins(Struct, frozen=True):
    """Bin 0 is for missing, bin i + 1 from `cuts[i - 1]` up to `cuts[i]`; likewise `coarse`, some of the cuts."""

    name: str
    cuts: tuple[float, ...]
    coarse: tuple[float, ...]
    apart: ClassVar[int] = 1
    """So many bins, the first ones, are for what is no value."""

    def place(self, column: Column, rows: Rows) -> Binned:
        """Those rows of `column` as boosting reads them."""
        values = _numbers_of(column)[rows]
        codes = np.searchsorted(self.cuts, values, side="right") + 1
        codes[np.isnan(values)] = 0
        starts = np.searchsorted(self.coarse, np.array([-np.inf, *self.cuts]), side="right") + 1
        return Binned(codes, len(self.cuts) + 2, True, np.concatenate([[0], starts]), len(self.coarse) + 2)


class CategoryBins(Struct, frozen=True):
    """Bin 0 is for missing, 1 for categories that are not listed, then one per category."""

    name: str
    levels: tuple[str, ...]
    apart: ClassVar[int] = 2

    def place(self, column: Column, rows: Rows) -> Binned:
        """Those rows of `column` as boosting reads them."""
        known = {level: number for number, level in enumerate(self.levels, 2)}
        bin_of = np.array([*(known.get(level, 1) for level in column.levels), 0], np.intp)
        bins = len(self.levels) + 2
        return Binned(bin_of[_places_of(column)[rows]], bins, False, np.arange(bins), bins)


def find_bins(column: Column, rows: Rows) -> NumberBins | CategoryBins:
    """The bins that those rows of `column` give: of a number in about as many rows each, one per usual category."""
    if column.numbers is not None:
        values = column.numbers[rows]
        values = values[~np.isnan(values)]
        cuts = _cuts(values, FINE)
        rough = _cuts(values, COARSE)
        coarse = {cuts[min(int(np.searchsorted(cuts, cut)), len(cuts) - 1)] for cut in rough} if cuts else set()
        return NumberBins(column.name, tuple(cuts), tuple(sorted(coarse)))
    counts = np.bincount(_places_of(column)[rows] + 1, minlength=len(column.levels) + 1)[1:]
    return CategoryBins(
        column.name, tuple(level for level, count in zip(column.levels, counts, strict=True) if count >= RARE)
    )


def _cuts(values: NDArray[np.float64], most: int) -> list[float]:
    distinct = np.unique(values)
    if len(distinct) > most:
        quantiles = np.unique(np.quantile(values, np.linspace(0, 1, most + 1)[1:-1]))
        above = np.unique(np.searchsorted(distinct, quantiles))
        above = above[above > 0]
    else:
        above = np.arange(1, len(distinct))
    return [short_between(float(distinct[place - 1]), float(distinct[place])) for place in above]


def short_between(low: float, high: float) -> float:
    """The number with the fewest digits that is above `low` and not above `high`: cuts are to be read."""
    middle = (low + high) / 2
    if not low < middle <= high:
        return high
    digits = floor(-log10(high - low))
    for more in range(3):
        scale = 10.0 ** (digits + more)
        short = round(ceil(middle * scale) / scale, max(0, digits + more))
        if low < short <= high:
            return short
    return middle


def _numbers_of(column: Column) -> Numbers:
    if column.numbers is None:
        raise TypeError(f"{column.name} holds categories")
    return column.numbers


def _places_of(column: Column) -> Rows:
    if column.places is None:
        raise TypeError(f"{column.name} holds numbers")
    return column.places
