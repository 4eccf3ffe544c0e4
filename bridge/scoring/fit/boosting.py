"""Additive tables by cyclic gradient boosting, in numpy: one small step per table and round, all bags at once.

Every table moves by a single cut (two for a pair) a step, in all bags together: scores are a matrix of customers ×
bags, so that one pass over a column serves all of them. Each customer is left out of one bag in eight, which makes the
loss of those left out a cross-validated one; the round where it is least is where boosting stops, the same for all
bags, and the tables are their mean. Tables first, then pairs together with the tables that they relieve.

- Lou, Caruana, Gehrke & Hooker (2013), Accurate Intelligible Models with Pairwise Interactions.
- Nori, Jenkins, Koch & Caruana (2019), InterpretML, for cyclic boosting and bags.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.sparse import csr_array

Floats: TypeAlias = NDArray[np.float32]
Codes: TypeAlias = NDArray[np.intp]
_Sums: TypeAlias = NDArray[Any]
"""Floats of either size: ranking needs the longer ones."""
Report: TypeAlias = Callable[[float], None]
"""Told the share of the work that is done."""


_TWINS = 0.999


class Boosting(Struct, frozen=True, kw_only=True):
    """How to boost."""

    bags: int = 8
    parts: int = 8
    """A customer is left out of one bag in so many."""
    rate: float = 0.04
    rounds: int = 600
    pair_rate: float = 0.08
    pair_rounds: int = 400
    patience: int = 30
    pairs: int = 10
    candidates: int = 24
    """Pairs that are tried; the best of them are kept."""
    trial_rounds: int = 12
    least_rows: int = 4
    ridge: float = 1.0
    cuts_tried: float = 0.6
    """Share of a table's cuts among which one is chosen in a step, by chance: smoother tables."""


class Binned(Struct, frozen=True):
    """One feature, binned: `codes` from 0 to `bins` - 1. A number's bin 0 is "missing", the others ascend; a category's
    bins have no order. `coarse` maps bins to those of the pair tables."""

    codes: Codes
    bins: int
    ordered: bool
    coarse: Codes
    coarse_bins: int


class Boosted(Struct, frozen=True):
    """Tables per column and per pair of columns (by coarse bins) in log-odds, and what cross-validation says."""

    intercept: float
    tables: tuple[NDArray[np.float64], ...]
    pairs: tuple[tuple[int, int, NDArray[np.float64]], ...]
    held_out: NDArray[np.float64]
    """Score of each row by the bags that were fitted without it; NaN where there is none."""


class _Term:
    """A table under construction: entries are bins × bags, the bins of a pair one line of its second side after the
    other."""

    def __init__(self, codes: Codes, shape: tuple[int, ...], ordered: tuple[bool, ...], bags: int) -> None:
        self.codes, self.shape, self.ordered = codes, shape, ordered
        size = int(np.prod(shape))
        rows = np.bincount(codes, minlength=size)
        ends = np.concatenate([[0], np.cumsum(rows)]).astype(np.int32)
        order = np.argsort(codes, kind="stable").astype(np.int32)
        self._sums = csr_array((np.ones(len(codes), np.float32), order, ends), shape=(size, len(codes)))
        self.rows = rows.astype(np.float32)
        self.entries = np.zeros((size, bags), np.float32)
        self.weights = np.zeros((size, bags), np.float32)

    def sum(self, each: Floats) -> Floats:
        """Per bin what stands in `each` row (customers × bags)."""
        return np.asarray(self._sums @ each, np.float32)


class _State:
    """Scores and their gradients, customers × bags."""

    def __init__(self, y: Floats, how: Boosting, rng: np.random.Generator) -> None:
        n = len(y)
        self.y = y[:, None]
        self.shares = bool(np.any((y > 0) & (y < 1)))
        self.left_out = np.empty((n, how.bags), bool)
        for start in range(0, how.bags, how.parts):
            part = _deal(y, how.parts, rng)
            for bag in range(start, min(start + how.parts, how.bags)):
                self.left_out[:, bag] = part == bag - start
        self.fitted = (~self.left_out).astype(np.float32)
        self.count = max(1, int(self.left_out.sum()))
        rate = float(y.mean())
        self.intercept = float(np.log(rate / (1 - rate)))
        self.score = np.full((n, how.bags), self.intercept, np.float32)
        self.gradient = np.empty_like(self.score)
        self.curvature = np.empty_like(self.score)
        self.refresh()

    def refresh(self) -> float:
        """Gradients anew; the mean loss of the rows left out."""
        p = 1 / (1 + np.exp(-self.score))
        np.subtract(self.y, p, out=self.gradient)
        self.gradient *= self.fitted
        np.multiply(p, 1 - p, out=self.curvature)
        self.curvature *= self.fitted
        if self.shares:
            loss = self.y * np.log(np.maximum(p, 1e-7)) + (1 - self.y) * np.log(np.maximum(1 - p, 1e-7))
            return -float(loss[self.left_out].sum()) / self.count
        out = np.where(self.y > 0, p, 1 - p)[self.left_out]
        return -float(np.log(np.maximum(out, 1e-7)).sum()) / self.count

    def move(self, term: _Term, step: Floats) -> None:
        term.entries += step
        moved = step[term.codes]
        self.score += moved
        moved *= self.curvature
        self.gradient -= moved


def _deal(y: Floats, parts: int, rng: np.random.Generator) -> Codes:
    part = np.empty(len(y), np.intp)
    for label in np.unique(y):
        rows = np.flatnonzero(y == label)
        part[rng.permutation(rows)] = (np.arange(len(rows)) + rng.integers(parts)) % parts
    return part


def boost(
    columns: Sequence[Binned], left: NDArray[np.float64], how: Boosting, seed: int, report: Report = lambda _: None
) -> Boosted:
    """Fit tables to `left`: 0 or 1, or a share in between, whose mean they then give (Papke & Wooldridge 1996). The
    same arguments give the same tables."""
    rng = np.random.default_rng(seed)
    state = _State(left.astype(np.float32), how, rng)
    mains = [_Term(one.codes, (one.bins,), (one.ordered,), how.bags) for one in columns]
    _descend(state, mains, how, how.rate, how.rounds, rng, lambda share: report(0.5 * share))
    chosen: list[tuple[int, int]] = []
    pairs: list[_Term] = []
    if how.pairs and len(columns) > 1:
        found = _rank(columns, state, how)
        chosen, pairs = _try(columns, found, state, how, rng)
        _descend(
            state, [*mains, *pairs], how, how.pair_rate, how.pair_rounds, rng, lambda share: report(0.55 + 0.45 * share)
        )
    report(1.0)
    left = state.left_out
    held = np.where(left, state.score, 0).sum(axis=1, dtype=np.float64) / np.maximum(left.sum(axis=1), 1)
    held[~left.any(axis=1)] = np.nan
    return Boosted(
        state.intercept,
        tuple(term.entries.mean(axis=1).astype(np.float64) for term in mains),
        tuple(
            (i, j, t.entries.mean(axis=1).astype(np.float64).reshape(t.shape))
            for (i, j), t in zip(chosen, pairs, strict=True)
        ),
        held,
    )


def _descend(
    state: _State, terms: list[_Term], how: Boosting, rate: float, rounds: int, rng: np.random.Generator, report: Report
) -> None:
    """Boost `terms` in turn until the loss of those left out has not fallen for `patience` rounds; back to the best."""
    best, kept, since = state.refresh(), [term.entries.copy() for term in terms], 0
    for number in range(rounds):
        if number % 4 == 0:
            for term in terms:
                term.weights = term.sum(state.curvature)
        for place in rng.permutation(len(terms)):
            term = terms[place]
            state.move(term, _step(term, term.sum(state.gradient), how, rng) * np.float32(rate))
        loss = state.refresh()
        report(max(number / rounds, since / how.patience * 0.9))
        if loss < best - 1e-7:
            best, since = loss, 0
            for old, term in zip(kept, terms, strict=True):
                old[...] = term.entries
        else:
            since += 1
            if since >= how.patience:
                break
    for old, term in zip(kept, terms, strict=True):
        state.move(term, old - term.entries)
    state.refresh()


def _step(term: _Term, g: Floats, how: Boosting, rng: np.random.Generator) -> Floats:
    return (_cut_once if len(term.shape) == 1 else _cut_twice)(term, g, term.weights, how, rng)


def _cut_once(term: _Term, g: Floats, h: Floats, how: Boosting, rng: np.random.Generator) -> Floats:
    bins, bags = g.shape
    if bins < 2:
        return np.zeros_like(g)
    each = np.arange(bags)
    if term.ordered[0]:
        order = None
        left_g, left_h = np.cumsum(g, axis=0)[:-1], np.cumsum(h, axis=0)[:-1]
        rows = np.cumsum(term.rows)[:-1, None]
    else:
        order = np.argsort(g / (h + how.ridge), axis=0)
        left_g = np.cumsum(np.take_along_axis(g, order, 0), axis=0)[:-1]
        left_h = np.cumsum(np.take_along_axis(h, order, 0), axis=0)[:-1]
        rows = np.cumsum(term.rows[order], axis=0)[:-1]
    all_g, all_h, total = g.sum(axis=0), h.sum(axis=0), term.rows.sum()
    right_g, right_h = all_g - left_g, all_h - left_h
    gain = left_g**2 / (left_h + how.ridge) + right_g**2 / (right_h + how.ridge)
    gain = np.where((rows >= how.least_rows) & (total - rows >= how.least_rows), gain, -1)
    if bins > 3 and how.cuts_tried < 1:
        gain = np.where(rng.random(gain.shape, np.float32) < how.cuts_tried, gain, -1)
    at = gain.argmax(axis=0)
    low = left_g[at, each] / (left_h[at, each] + how.ridge)
    high = right_g[at, each] / (right_h[at, each] + how.ridge)
    there = gain[at, each] > 0
    below = np.arange(bins)[:, None] <= at
    step: Floats = np.where(below, low, high).astype(np.float32) * there.astype(np.float32)
    if order is None:
        return step
    unsorted = np.empty_like(step)
    np.put_along_axis(unsorted, order, step, 0)
    return unsorted


def _cut_twice(term: _Term, g: Floats, h: Floats, how: Boosting, rng: np.random.Generator) -> Floats:
    a, b = term.shape
    bags = g.shape[1]
    cube_g, cube_h = g.reshape(a, b, bags), h.reshape(a, b, bags)
    lines = np.ix_(_order(term, 0, cube_g, cube_h, how, rng), _order(term, 1, cube_g, cube_h, how, rng))
    rows = np.broadcast_to(term.rows.reshape(a, b, 1), (a, b, bags))
    corners = [np.cumsum(np.cumsum(one[lines], axis=0), axis=1) for one in (cube_g, cube_h, rows)]
    gain, quarters = _quarters(corners[0], corners[1], corners[2], how)
    if how.cuts_tried < 1:
        gain = np.where(rng.random(gain.shape, np.float32) < how.cuts_tried, gain, -1)
    flat = gain.reshape(-1, bags)
    at, each = flat.argmax(axis=0), np.arange(bags)
    i, j = np.divmod(at, b - 1)
    ll, lr, rl, rr = (np.where(flat[at, each] > 0, one[i, j, each], 0) for one in quarters)
    first = np.arange(a)[:, None, None] <= i
    second = np.arange(b)[None, :, None] <= j
    step = np.empty((a, b, bags), np.float32)
    step[lines] = np.where(first, np.where(second, ll, lr), np.where(second, rl, rr))
    return step.reshape(-1, bags)


def _order(term: _Term, side: int, g: Floats, h: Floats, how: Boosting, rng: np.random.Generator) -> Codes:
    """The order of a side's lines in which they are cut. Categories go by what they ask for within some lines of the
    other side, by chance: within all of them they would go by what is no interaction."""
    lines, others = term.shape[side], term.shape[1 - side]
    if term.ordered[side] or lines <= 4:
        return np.arange(lines)
    some = rng.random(others) < 0.5
    asked, weight = (np.compress(some, one, axis=1 - side).sum(axis=(1 - side, 2)) for one in (g, h))
    return np.argsort(asked / (weight + how.ridge * g.shape[2]), kind="stable")


def _quarters(g: _Sums, h: _Sums, rows: _Sums, how: Boosting) -> tuple[_Sums, tuple[_Sums, ...]]:
    """Gain of cutting both sides of a pair at each place, and the four values that it makes, from cumulated sums."""
    gain: _Sums = np.zeros((), np.float32)
    fits: NDArray[np.bool_] = np.ones((), bool)
    values = []
    for g4, h4, r4 in zip(_four(g), _four(h), _four(rows), strict=True):
        value = g4 / (h4 + how.ridge)
        gain = gain + g4 * value
        fits = fits & (r4 >= how.least_rows)
        values.append(value)
    return np.where(fits, gain, -1), tuple(values)


def _four(corner: _Sums) -> Iterator[_Sums]:
    ll = corner[:-1, :-1]
    yield ll
    yield corner[:-1, -1:] - ll
    yield corner[-1:, :-1] - ll
    yield corner[-1:, -1:] - corner[:-1, -1:] - corner[-1:, :-1] + ll


def _rank(columns: Sequence[Binned], state: _State, how: Boosting) -> list[tuple[int, int]]:
    """Pairs by how much one cut of both sides would gain over what the tables leave, best first."""
    g = np.where(state.left_out, 0, state.gradient).mean(axis=1, dtype=np.float64)
    h = state.curvature.mean(axis=1, dtype=np.float64)
    gains = []
    for i, j in combinations(_own(columns), 2):
        one, other = columns[i], columns[j]
        shape = one.coarse_bins, other.coarse_bins
        if min(shape) < 2:
            continue
        codes = one.coarse[one.codes] * shape[1] + other.coarse[other.codes]
        sums = [np.bincount(codes, what, int(np.prod(shape))).reshape(*shape, 1) for what in (g, h, None)]
        g2, h2 = sums[0], sums[1] + 1e-9
        for axis, column in ((0, one), (1, other)):
            if not column.ordered:  # the order in which a sorted table would be cut
                order = np.argsort((g2.sum(axis=1 - axis) / (h2.sum(axis=1 - axis) + how.ridge))[:, 0])
                sums = [np.take(cube, order, axis) for cube in sums]
        corner = [np.cumsum(np.cumsum(cube, axis=0), axis=1) for cube in sums]
        gain, _ = _quarters(corner[0], corner[1], corner[2], how)
        gains.append((float(gain.max()), i, j))
    gains.sort(key=lambda one: (-one[0], one[1:]))
    return [(i, j) for _, i, j in gains[: how.candidates]]


def _own(columns: Sequence[Binned]) -> list[int]:
    """The columns that do not repeat an earlier one: minutes and their price would fill the pairs with the same."""
    ordered = [place for place, one in enumerate(columns) if one.ordered and one.bins > 2]
    codes = np.array([columns[place].codes for place in ordered], np.float32)
    alike = np.atleast_2d(np.corrcoef(codes)) if len(ordered) > 1 else np.eye(len(ordered))
    twins = {ordered[k] for k in range(len(ordered)) if np.any(np.abs(alike[k, :k]) > _TWINS)}
    return [place for place in range(len(columns)) if place not in twins]


def _pair(columns: Sequence[Binned], i: int, j: int, bags: int) -> _Term:
    one, other = columns[i], columns[j]
    codes = one.coarse[one.codes] * other.coarse_bins + other.coarse[other.codes]
    return _Term(codes, (one.coarse_bins, other.coarse_bins), (one.ordered, other.ordered), bags)


def _try(
    columns: Sequence[Binned], found: list[tuple[int, int]], state: _State, how: Boosting, rng: np.random.Generator
) -> tuple[list[tuple[int, int]], list[_Term]]:
    """The best of the pairs `found`: boosted together for a while, those that move the scores most."""
    terms = [_pair(columns, i, j, how.bags) for i, j in found]
    if len(terms) > how.pairs:
        for number in range(how.trial_rounds):
            for term in terms:
                if number % 4 == 0:
                    term.weights = term.sum(state.curvature)
                state.move(term, _step(term, term.sum(state.gradient), how, rng) * np.float32(how.pair_rate))
            state.refresh()
        power = [float(np.average(term.entries.mean(axis=1) ** 2, weights=term.rows)) for term in terms]
        best = sorted(np.argsort(power)[::-1][: how.pairs].tolist())
    else:
        best = list(range(len(terms)))
    for term in terms:
        state.move(term, -term.entries)
    state.refresh()
    return [found[k] for k in best], [terms[k] for k in best]
