"""Predictions for every row by a model that never saw it, scored by the very code that scores customers."""

from __future__ import annotations

import numpy as np

from bridge.scoring.fit.additive import fit_tables
from bridge.scoring.fit.boosting import Report
from bridge.scoring.fit.frame import Frame, Numbers, Rows
from bridge.scoring.tables import Scorer, Tables


def deal(left: Numbers, folds: int, seed: int) -> Rows:
    """The fold of each row, with about as many who left in each."""
    rng = np.random.default_rng(seed)
    fold = np.empty(len(left), np.intp)
    for label in (0, 1):
        rows = rng.permutation(np.flatnonzero(left == label))
        fold[rows] = (np.arange(len(rows)) + rng.integers(folds)) % folds
    return fold


def every_row(frame: Frame) -> Rows:
    """The numbers of all rows of `frame`."""
    return np.arange(len(frame))


def predict(model: Tables, frame: Frame, rows: Rows) -> Numbers:
    """The probability of each of those rows."""
    scorer = Scorer(model)
    return np.array([scorer.score(frame.row(int(row))).probability for row in rows])


def predict_out_of_fold(frame: Frame, *, folds: int, seed: int, report: Report = lambda _: None) -> Numbers:
    """The probability of each row by a model of the other folds: its bins, pairs and calibration too."""
    fold = deal(frame.left, folds, seed)
    p = np.empty(len(frame))
    for number in range(folds):
        part = _part(report, number, folds)
        model = fit_tables(frame, np.flatnonzero(fold != number), seed=seed + number, report=part)
        rows = np.flatnonzero(fold == number)
        p[rows] = predict(model, frame, rows)
    return p


def _part(report: Report, number: int, parts: int) -> Report:
    return lambda share: report((number + share) / parts)
