"""From a frame to the model form: bins, boosting, every table centred, calibration in log-odds."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bridge.scoring.fit.bins import CategoryBins, NumberBins, find_bins
from bridge.scoring.fit.boosting import Binned, Boosted, Boosting, Report, boost
from bridge.scoring.fit.frame import Frame, Numbers, Rows
from bridge.scoring.tables import (
    Calibration,
    CategorySide,
    CategoryTable,
    NumberSide,
    NumberTable,
    PairTable,
    Tables,
)

Bins: TypeAlias = NumberBins | CategoryBins
_Entries: TypeAlias = NDArray[np.float64]


def fit_tables(
    frame: Frame, rows: Rows, *, seed: int, how: Boosting | None = None, report: Report = lambda _: None
) -> Tables:
    """The model that those rows of `frame` make. The same arguments give the same model."""
    bins = [find_bins(column, rows) for column in frame.columns]
    binned = [one.place(column, rows) for one, column in zip(bins, frame.columns, strict=True)]
    left = frame.left[rows]
    boosted = boost(binned, left, how or choose(len(rows)), seed, report)
    return export(bins, binned, boosted, calibrate(boosted.held_out, left))


def choose(rows: int) -> Boosting:
    """How to boost so many rows: fewer bags of larger tables, which vary less and take longer."""
    if rows < 20_000:
        return Boosting()
    return Boosting(bags=2, rate=0.12, pair_rate=0.16, patience=12)


def calibrate(scores: Numbers, left: Numbers) -> Calibration:
    """The straight line in log-odds under which `scores` of rows that were held out are likeliest (Platt 1999); those
    that are NaN do not count."""
    there = np.isfinite(scores)
    scores, left = scores[there], left[there]
    design = np.column_stack([np.ones_like(scores), scores])
    line = np.array([0.0, 1.0])
    loss = _loss(design @ line, left)
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(design @ line, -30, 30)))
        slope = design.T @ (left - p)
        step = np.linalg.solve(design.T @ (design * (p * (1 - p))[:, None]) + 1e-9 * np.eye(2), slope)
        while (after := _loss(design @ (line + step), left)) > loss and np.abs(step).max() > 1e-10:
            step = step / 2  # far from the solution a whole step may lead further away
        line, loss = line + step, after
        if np.abs(step).max() < 1e-10:
            break
    if not (np.all(np.isfinite(line)) and line[1] > 0.1):  # nothing is learnt: leave it as it is
        return Calibration()
    return Calibration(offset=float(line[0]), slope=float(line[1]))


def _loss(log_odds: Numbers, left: Numbers) -> float:
    return float(np.mean(np.logaddexp(0, log_odds) - left * log_odds))


def export(bins: list[Bins], binned: list[Binned], boosted: Boosted, calibration: Calibration) -> Tables:
    """The boosted tables in the model form. Each is zero on average over the rows, a pair along each of its lines too:
    what a feature does alone stands in its own table, and the intercept is the usual score. What nobody was, missing or
    not known, counts for nothing."""
    tables = [entries.copy() for entries in boosted.tables]
    pairs = []
    for i, j, boosted_pair in boosted.pairs:
        together = _together(binned[i], binned[j])
        entries, first, second = _purify(boosted_pair, together)
        entries[: bins[i].apart][together.sum(axis=1)[: bins[i].apart] == 0] = 0.0
        entries[:, : bins[j].apart][:, together.sum(axis=0)[: bins[j].apart] == 0] = 0.0
        tables[i] += first[binned[i].coarse]
        tables[j] += second[binned[j].coarse]
        pairs.append(PairTable(first=_side(bins[i]), second=_side(bins[j]), entries=tuple(map(_floats, entries))))
    intercept = boosted.intercept
    for place, column in enumerate(binned):
        rows = np.bincount(column.codes, minlength=column.bins)
        mean = float(np.average(tables[place], weights=rows))
        tables[place] -= mean
        intercept += mean
        nobody = rows[: bins[place].apart] == 0
        tables[place][: bins[place].apart][nobody] = 0.0
    made = tuple(_table(one, entries, column) for one, entries, column in zip(bins, tables, binned, strict=True))
    return Tables(intercept=intercept, calibration=calibration, tables=made, pairs=tuple(pairs))


def _together(one: Binned, other: Binned) -> _Entries:
    codes = one.coarse[one.codes] * other.coarse_bins + other.coarse[other.codes]
    rows = np.bincount(codes, minlength=one.coarse_bins * other.coarse_bins)
    return rows.reshape(one.coarse_bins, other.coarse_bins).astype(np.float64)


def _purify(entries: _Entries, weights: _Entries) -> tuple[_Entries, _Entries, _Entries]:
    """`entries` less what their lines have in common, and that, per line of the first and of the second side."""
    entries = entries.copy()
    first, second = np.zeros(entries.shape[0]), np.zeros(entries.shape[1])
    for _ in range(20):
        for axis, taken in ((1, first), (0, second)):
            total = weights.sum(axis=axis)
            mean = np.divide((entries * weights).sum(axis=axis), total, out=np.zeros_like(total), where=total > 0)
            entries -= np.expand_dims(mean, axis)
            np.add(taken, mean, out=taken)
    return entries, first, second


def _side(one: Bins) -> NumberSide | CategorySide:
    if isinstance(one, NumberBins):
        return NumberSide(name=one.name, cuts=one.coarse)
    return CategorySide(name=one.name, categories=one.levels)


def _table(one: Bins, entries: _Entries, column: Binned) -> NumberTable | CategoryTable:
    values = _floats(entries)
    if isinstance(one, NumberBins):
        return NumberTable(name=one.name, cuts=one.cuts, missing=values[0], entries=values[1:])
    listed = dict(zip(one.levels, values[2:], strict=True))
    return CategoryTable(name=one.name, missing=values[0], unseen=values[1], entries=listed)


def _floats(entries: _Entries) -> tuple[float, ...]:
    return tuple(float(entry) for entry in entries)
