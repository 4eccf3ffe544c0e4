"""A risk model from the company's own history: what each band of each signal adds, learnt where there is enough of it,
taken from the points card where there is not.

The model has the form of the card, and what is not there adds nothing in it: so that both can be compared line by line.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from bridge.scoring.card import ScoringCard
from bridge.scoring.fit.additive import fit_tables
from bridge.scoring.fit.boosting import Report
from bridge.scoring.fit.frame import Column, Frame, Numbers, Rows
from bridge.scoring.fit.rows import ABSENT, SeenRows
from bridge.scoring.riskmodel import RiskModel, Together, compile_risk
from bridge.scoring.signals import SIGNS
from bridge.scoring.tables import CategorySide, CategoryTable, PairTable, Tables

FEWEST_ROWS = 30
FEWEST_LEFT = 5.0
"""Of a band there have to be so many rows, and so many who left or would have at the usual rate: else what the card
says of it stands."""
_TOO_FEW = 0.25
"""A period in which so small a share of the expected left is one that the records do not reach."""
_SMALLEST = 0.02
"""Pairs that never add as much, in log-odds, are left out: half a point is no reason to give anybody."""
_DIGITS = 4

_Places: TypeAlias = NDArray[np.int8]


class History(Struct, frozen=True, kw_only=True):
    """What customers showed at earlier instants (`places`: rows × signals, see SeenRows) and whether they left."""

    codes: tuple[str, ...]
    places: _Places
    at: _Places
    left: Numbers
    value: Numbers

    def __len__(self) -> int:
        return len(self.left)

    def some(self, rows: Rows | NDArray[np.bool_]) -> History:
        """Those rows alone."""
        return History(
            codes=self.codes,
            places=self.places[rows],
            at=self.at[rows],
            left=self.left[rows],
            value=self.value[rows],
        )


def history_of(rows: SeenRows) -> History:
    """`rows` as matrices."""
    places = np.column_stack([np.frombuffer(one, np.int8) for one in rows.places]) if len(rows) else _NONE
    return History(
        codes=rows.codes,
        places=places.reshape(len(rows), len(rows.codes)),
        at=np.array(rows.at, np.int8),
        left=np.array(rows.left, np.float64),
        value=np.array(rows.value, np.float64),
    )


_NONE: _Places = np.empty(0, np.int8)


def reach(history: History) -> int:
    """The number of the oldest period that `history` tells of, counted back from 0, the latest.

    Who left before the records begin is not in them, and then it looks as if nobody ever left: before the first period
    with far fewer leavers than those after it, nothing is believed.
    """
    rows = np.bincount(history.at)
    left = np.bincount(history.at, history.left, len(rows))
    for period in range(1, len(rows)):
        expected = rows[period] * left[:period].sum() / max(1, rows[:period].sum())
        if not rows[period] or (expected >= FEWEST_LEFT and left[period] < expected * _TOO_FEW):
            return period - 1
    return len(rows) - 1


class Learnt(Struct, frozen=True, kw_only=True):
    """The model, and per signal on the card the bands that were learnt and those that the card gave."""

    tables: Tables
    learnt: dict[str, tuple[str, ...]]
    from_card: dict[str, tuple[str, ...]]
    turned: dict[str, tuple[str, ...]]
    """Bands that the history would have had the other way round than the card; they count for nothing."""


def learn(
    card: ScoringCard, history: History, *, seed: int = 0, forced: bool = True, report: Report = lambda _: None
) -> Learnt:
    """The model that `history` makes, in which both have to occur: who left and who stayed.

    With `forced`, a signal that raises the risk on the card never lowers it here, nor the other way round.
    """
    weighed = [code for code in history.codes if any(card.model.shares[code, band] for band in SIGNS[code].bands)]
    enough = _enough(history, weighed)
    columns = tuple(_column(history, code) for code in weighed if any((code, band) in enough for band in _bands(code)))
    shares = {key: share for key, share in card.model.shares.items() if key[0] in weighed}
    pairs: list[Together] = []
    turned: list[tuple[str, str]] = []
    if columns:
        everybody = np.arange(len(history))
        found = compile_risk(fit_tables(Frame(columns, history.left), everybody, seed=seed, report=report), "the fit")
        for key in enough:
            share, given = found.shares[key], card.model.shares[key]
            if forced and share * given < 0:
                turned.append(key)
                share = 0.0
            shares[key] = share
        pairs = [pair for one in found.pairs if (pair := _sure(one, history, enough)) is not None]
    made = _settled(RiskModel("", 0.0, shares, tuple(pairs)), card, history, enough)
    return Learnt(
        tables=_tables(made, weighed),
        learnt=_by_code(weighed, enough),
        from_card=_by_code(weighed, {key for key in shares if key not in enough}),
        turned=_by_code(weighed, set(turned)),
    )


def log_odds(card: ScoringCard, model: RiskModel, history: History) -> Numbers:
    """What `bridge.scoring.risk.score_risk` says of each row by `model`, in log-odds."""
    total = np.full(len(history), model.base)
    for column, code in enumerate(history.codes):
        entries = [0.0]
        for band in _bands(code):
            share = model.shares.get((code, band))
            entries.append(card.model.shares[code, band] if share is None else share)
        if any(entries):
            total += np.array(entries)[history.places[:, column]]
    for pair in model.pairs:
        if pair.first in history.codes and pair.second in history.codes:
            first, second = (history.places[:, history.codes.index(code)] for code in (pair.first, pair.second))
            total += _matrix(pair)[first, second]
    return total


def probabilities(card: ScoringCard, model: RiskModel, history: History) -> Numbers:
    """The same as probabilities."""
    return _to_probability(log_odds(card, model, history))


def _to_probability(odds: Numbers) -> Numbers:
    return 1 / (1 + np.exp(-np.clip(odds, -700, 700)))


def _bands(code: str) -> Sequence[str]:
    return SIGNS[code].bands


def _column(history: History, code: str) -> Column:
    return Column(code, None, tuple(_bands(code)), history.places[:, history.codes.index(code)].astype(np.intp) - 1)


def _enough(history: History, codes: Sequence[str]) -> set[tuple[str, str]]:
    """The bands of which there is enough, of signals that are often enough not there as well."""
    usual = float(history.left.mean())
    found: set[tuple[str, str]] = set()
    for code in codes:
        places = history.places[:, history.codes.index(code)]
        rows = np.bincount(places, minlength=len(_bands(code)) + 1)
        left = np.bincount(places, history.left, len(rows))
        enough = (rows >= FEWEST_ROWS) & (np.maximum(left, rows * usual) >= FEWEST_LEFT)
        if enough[ABSENT]:
            found |= {(code, band) for place, band in enumerate(_bands(code), ABSENT + 1) if enough[place]}
    return found


def _sure(pair: Together, history: History, enough: set[tuple[str, str]]) -> Together | None:
    """The pair less what too few showed at once; None where nothing is left."""
    first, second = (history.places[:, history.codes.index(code)] for code in (pair.first, pair.second))
    lines = len(_bands(pair.second)) + 1
    at = first.astype(np.intp) * lines + second
    size = (len(_bands(pair.first)) + 1) * lines
    rows = np.bincount(at, minlength=size)
    left = np.maximum(np.bincount(at, history.left, size), rows * float(history.left.mean()))
    known = ((rows >= FEWEST_ROWS) & (left >= FEWEST_LEFT)).reshape(-1, lines)
    shares = {}
    for (i, one), (j, other) in product(
        enumerate(_bands(pair.first), ABSENT + 1), enumerate(_bands(pair.second), ABSENT + 1)
    ):
        sure = known[i, j] and (pair.first, one) in enough and (pair.second, other) in enough
        shares[one, other] = pair.shares[one, other] if sure else 0.0
    if max(abs(share) for share in shares.values()) < _SMALLEST:
        return None
    return Together(pair.first, pair.second, shares)


def _matrix(pair: Together) -> NDArray[np.float64]:
    """What the pair adds, by both places."""
    matrix = np.zeros((len(_bands(pair.first)) + 1, len(_bands(pair.second)) + 1))
    for i, one in enumerate(_bands(pair.first), ABSENT + 1):
        for j, other in enumerate(_bands(pair.second), ABSENT + 1):
            matrix[i, j] = pair.shares[one, other]
    return matrix


def _settled(model: RiskModel, card: ScoringCard, history: History, enough: set[tuple[str, str]]) -> RiskModel:
    """`model` with the base at which as many leave as did, among those of whom all was learnt."""
    unknown = np.zeros(len(history), bool)
    for column, code in enumerate(history.codes):
        for place, band in enumerate(_bands(code), ABSENT + 1):
            if model.shares.get((code, band)) and (code, band) not in enough:
                unknown |= history.places[:, column] == place
    known = history.some(~unknown) if not unknown.all() else history
    odds, rate = log_odds(card, model._replace(base=0.0), known), float(known.left.mean())
    low, high = -30.0, 30.0
    for _ in range(60):
        base = (low + high) / 2
        low, high = (base, high) if float(_to_probability(odds + base).mean()) < rate else (low, base)
    return model._replace(base=(low + high) / 2)


def _tables(model: RiskModel, codes: Sequence[str]) -> Tables:
    tables = tuple(
        CategoryTable(name=code, entries={band: _round(model.shares[code, band]) for band in _bands(code)})
        for code in codes
    )
    pairs = tuple(
        PairTable(
            first=CategorySide(name=one.first, categories=tuple(_bands(one.first))),
            second=CategorySide(name=one.second, categories=tuple(_bands(one.second))),
            entries=_lines(one),
        )
        for one in model.pairs
    )
    return Tables(intercept=_round(model.base), tables=tables, pairs=pairs)


def _lines(pair: Together) -> tuple[tuple[float, ...], ...]:
    """Lines of a pair's table: nothing for "not there" and for bands that are not listed."""
    matrix = _matrix(pair)[1:, 1:]
    nothing = (0.0,) * (matrix.shape[1] + 2)
    return (nothing, nothing, *((0.0, 0.0, *(_round(float(one)) for one in line)) for line in matrix))


def _round(share: float) -> float:
    return round(share, _DIGITS) + 0.0


def _by_code(codes: Sequence[str], keys: set[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """`keys` by signal, bands in their order."""
    found = {code: tuple(band for band in _bands(code) if (code, band) in keys) for code in codes}
    return {code: bands for code, bands in found.items() if bands}
