"""From who was asked, who answered and what, to a model of the silent and to averages over everybody who was asked."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from msgspec import Struct

from bridge.errors import BadRequest
from bridge.scoring.fit.additive import fit_tables
from bridge.scoring.fit.answering import COVERAGE, FEWEST_IN_GROUP, MOST_WEIGHT, Asked, Averages, Flags, average, say
from bridge.scoring.fit.boosting import Boosting, Report
from bridge.scoring.fit.crossfit import predict
from bridge.scoring.fit.frame import Column, Frame, Numbers, Rows
from bridge.scoring.fit.measures import auc
from bridge.scoring.mood import FEWEST_ALIKE, Known, MoodModel, MoodScorer, Spread
from bridge.scoring.tables import NumberTable, Scorer, Tables

FEWEST_ANSWERS = 60
"""Answers below which no model is fitted."""
FOLDS = 5
_SET_ASIDE = 1 / 3
_MOST_ASIDE = 1500
"""So many answers at most are set aside for the interval: more would not make it truer."""
_FEWEST_A_SPREAD = 200
_MOST_SPREADS = 3
_LARGEST_SHARE = 3.0
"""An answer weighs at most so many times the mean where the interval is found."""
_PROMOTER, _DETRACTOR = 9.0, 6.0


class Sheet(Struct, frozen=True, kw_only=True):
    """Invitations to a survey, one a row, with the customer's features as they stood when it was sent.

    `score` is NaN where nobody answered. `counted` are those whose silence is on record too; of the others only answers
    were kept, and they are learnt from, but not averaged. `group` is each row's group or "".
    """

    metric: str
    lowest: float
    scale: float
    columns: tuple[Column, ...]
    score: Numbers
    answered: Flags
    counted: Flags
    person: Rows
    group_by: str | None = None
    group: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Judged(Struct, frozen=True, kw_only=True):
    """How good the model is at answers it was not fitted on; errors in points of the scale."""

    answers: int
    mae: float
    rmse: float
    usual_mae: float
    """What saying the mean of everybody would have cost."""
    correlation: float
    coverage: float
    """Share of answers within the interval that the others' answers make."""
    width: float
    abstained: float
    """Share of the silent of whom nothing is said."""
    answering_auc: float | None
    """How well it is told who answers."""


class Fitting(Struct, frozen=True, kw_only=True):
    """A model, its averages of the score and, for NPS, of promoters less detractors (-100 to 100), whole first."""

    model: MoodModel
    judged: Judged
    mean: tuple[Averages, ...]
    nps: tuple[Averages, ...]
    notes: tuple[str, ...]


class _Reckoned(Struct, frozen=True):
    """Per invitation, out of fold: the probability to answer, the share of the scale expected, and NPS's share."""

    probability: Numbers
    share: Numbers
    balance: Numbers | None


def fit_mood(sheet: Sheet, *, seed: int, how: Boosting | None = None, report: Report = lambda _: None) -> Fitting:
    """Fit model and averages to `sheet`; the same arguments give the same. Raises BadRequest for too few answers."""
    answers = int(sheet.answered.sum())
    if answers < FEWEST_ANSWERS:
        raise BadRequest(f"there are {answers} answers to {sheet.metric}; fewer than {FEWEST_ANSWERS} say nothing")
    if len(np.unique(sheet.person[sheet.answered & sheet.counted])) < FEWEST_IN_GROUP:
        raise BadRequest(
            f"too few of the answers to {sheet.metric} come from a time of which silence is on record as well"
        )
    rng = np.random.default_rng(seed)
    share = (sheet.score - sheet.lowest) / (sheet.scale - sheet.lowest)
    balance = _balance(sheet.score, sheet.scale) if sheet.metric == "nps" else None
    fold = _deal_people(sheet.person, FOLDS, rng)
    reckoned = _cross_fit(sheet, share, balance, fold, seed, how, lambda done: report(0.8 * done))
    model = _fit_model(sheet, share, reckoned.probability, rng, seed, how)
    report(1.0)
    averages = _Averaging(sheet, reckoned, balance)
    mean = averages.of_scores()
    return Fitting(
        model=model,
        judged=_judge(sheet, share, reckoned, model, fold),
        mean=mean,
        nps=averages.of_balance(),
        notes=(*sheet.notes, *say(mean[0])),
    )


def _balance(score: Numbers, scale: float) -> Numbers:
    """1 for a promoter, 0 for a detractor, else one half: its mean times 200 less 100 is the NPS."""
    ten = score * 10 / scale
    made: Numbers = np.where(
        np.isnan(score), np.nan, np.where(ten >= _PROMOTER, 1.0, np.where(ten > _DETRACTOR, 0.5, 0))
    )
    return made


def _deal_people(person: Rows, parts: int, rng: np.random.Generator) -> Rows:
    """The fold of each row, a person's rows all in one."""
    people, place = np.unique(person, return_inverse=True)
    fold: Rows = (rng.permutation(len(people)) % parts)[place]
    return fold


def choose_mood(rows: int) -> Boosting:
    """How to boost so many rows: answers are few and noisy, so no pairs, and tables of few, large steps."""
    return Boosting(bags=4, parts=4, rate=0.1, rounds=200, patience=12, pairs=0, least_rows=max(5, min(50, rows // 60)))


def _fit(columns: Sequence[Column], target: Numbers, rows: Rows, seed: int, how: Boosting | None) -> Tables:
    """Tables for the mean of `target`, a share, in those rows."""
    frame = Frame(tuple(columns), target)
    return fit_tables(frame, rows, seed=seed, how=how or choose_mood(len(rows)))


def _flat(target: Numbers, rows: Rows) -> bool:
    """Whether there is nothing to tell apart."""
    some = target[rows]
    return len(some) < 2 or bool(np.all(some == some[0]))


def _cross_fit(
    sheet: Sheet,
    share: Numbers,
    balance: Numbers | None,
    fold: Rows,
    seed: int,
    how: Boosting | None,
    report: Report,
) -> _Reckoned:
    n = len(share)
    probability, expected = np.full(n, np.nan), np.full(n, np.nan)
    swing = None if balance is None else np.full(n, np.nan)
    frame = Frame(sheet.columns, share)
    speaks = sheet.answered.astype(np.float64)
    wanted: list[tuple[Numbers, Numbers, Flags]] = [
        (speaks, probability, sheet.counted),
        (share, expected, sheet.answered),
    ]
    if balance is not None and swing is not None:
        wanted.append((balance, swing, sheet.answered))
    for number in range(FOLDS):
        there = np.flatnonzero(fold == number)
        for place, (target, into, among) in enumerate(wanted):
            learn = np.flatnonzero((fold != number) & among)
            if _flat(target, learn):
                into[there] = target[learn].mean() if len(learn) else np.nan
            else:
                into[there] = predict(_fit(sheet.columns, target, learn, seed + number, how), frame, there)
            report((number + (place + 1) / len(wanted)) / FOLDS)
    return _Reckoned(probability, expected, swing)


def _fit_model(
    sheet: Sheet, share: Numbers, probability: Numbers, rng: np.random.Generator, seed: int, how: Boosting | None
) -> MoodModel:
    """Tables from two answers in three, the interval from the third that they never saw."""
    rows = np.flatnonzero(sheet.answered)
    people = rng.permutation(np.unique(sheet.person[rows]))
    aside = people[: min(_MOST_ASIDE, int(len(people) * _SET_ASIDE))]
    held = np.isin(sheet.person[rows], aside)
    learn, judge = rows[~held], rows[held]
    tables = _fit(sheet.columns, share, learn, seed, how)
    frame = Frame(sheet.columns, share)
    said = predict(tables, frame, judge)
    spreads = find_spreads(said, share[judge] - said, silence(probability[judge], sheet.answered[sheet.counted].mean()))
    groups: dict[str, int] = {}
    for row in rows.tolist():
        if sheet.group and sheet.group[row]:
            groups[sheet.group[row]] = groups.get(sheet.group[row], 0) + 1
    return MoodModel(
        metric=sheet.metric,
        lowest=sheet.lowest,
        scale=sheet.scale,
        answers=len(rows),
        coverage=COVERAGE,
        tables=tables,
        spreads=spreads,
        known=_known(sheet.columns, tables, rows),
        group=sheet.group_by,
        groups={name: count for name, count in sorted(groups.items()) if count >= FEWEST_ALIKE},
    )


def silence(probability: Numbers, rate: float) -> Numbers:
    """How many who are silent each answer stands for, as far as it is known: the odds of not answering."""
    kept = np.clip(np.nan_to_num(probability, nan=float(rate)), rate / MOST_WEIGHT, 1.0)
    odds: Numbers = 1 / kept - 1
    return odds if float(odds.sum()) > 0 else np.ones_like(odds)


def find_spreads(said: Numbers, error: Numbers, weight: Numbers) -> tuple[Spread, ...]:
    """How far answers lie from what was said, at both ends so that a further answer lies beyond either with at most
    half of 1 - COVERAGE: by the rank among n + 1, counted in `weight`, with which the answers stand for the silent
    (Tibshirani et al. 2019, Conformal Prediction Under Covariate Shift). Apart for low and high predictions where there
    are enough of both: who is happy is told more closely."""
    count = max(1, min(_MOST_SPREADS, len(said) // _FEWEST_A_SPREAD))
    edges = np.unique(np.quantile(said, np.linspace(0, 1, count + 1)[1:-1])).tolist()
    spreads = []
    for low, high in pairwise([-1.0, *edges, 1.0]):
        rows = (said > low) & (said <= high)
        if not rows.any():
            continue
        below, above = _reach(error[rows], weight[rows])
        spreads.append(Spread(upto=float(high), below=below, above=above, answers=int(rows.sum())))
    return tuple(spreads)


def _reach(error: Numbers, weight: Numbers) -> tuple[float, float]:
    weight = np.minimum(weight / weight.mean(), _LARGEST_SHARE)
    tail = (1 - COVERAGE) / 2
    total = float(weight.sum() + weight.max())
    further = float(weight.max()) / total  # one answer more, of which nothing is known: it may lie beyond all others
    if further >= tail:
        return -1.0, 1.0
    ends = []
    for order in (np.argsort(error), np.argsort(-error)):
        place = int(np.searchsorted(further + np.cumsum(weight[order]) / total, tail))
        ends.append(float(error[order][place]))
    return round(ends[0] - 5e-7, 6), round(ends[1] + 5e-7, 6)


def _known(columns: Sequence[Column], tables: Tables, rows: Rows) -> tuple[Known, ...]:
    """Per feature what the answers are like, and its weight: how far its table moves a prediction on average."""
    frame = Frame(tuple(columns), np.zeros(0))
    scorer = Scorer(tables)
    some = rows[:: max(1, len(rows) // 2000)]
    moved = dict.fromkeys((column.name for column in columns), 0.0)
    for row in some.tolist():
        for name, part in scorer.score(frame.row(row)).parts:
            moved[name] += abs(part)
    found = []
    for column, table in zip(columns, tables.tables, strict=True):
        weight = round(moved[column.name] / len(some), 6)
        if isinstance(table, NumberTable) and column.numbers is not None:
            values = column.numbers[rows]
            there = values[~np.isnan(values)]
            ends = (float(there.min()), float(there.max())) if len(there) else (None, None)
            always = len(there) == len(values)
            found.append(Known(name=column.name, weight=weight, low=ends[0], high=ends[1], always=always))
        elif column.places is not None:
            always = bool(np.all(column.places[rows] >= 0))
            found.append(Known(name=column.name, weight=weight, always=always))
    return tuple(found)


class _Averaging(Struct, frozen=True):
    """What averages are made of."""

    sheet: Sheet
    reckoned: _Reckoned
    balance: Numbers | None

    def of_scores(self) -> tuple[Averages, ...]:
        """Of the score, in points of its scale."""
        sheet = self.sheet
        span = sheet.scale - sheet.lowest
        fallen = np.maximum(sheet.lowest, sheet.score - 1)
        return self._each(sheet.score, sheet.lowest + span * self.reckoned.share, fallen)

    def of_balance(self) -> tuple[Averages, ...]:
        """Of promoters less detractors, -100 to 100; nothing where the metric is another."""
        if self.balance is None or self.reckoned.balance is None:
            return ()
        fallen = _balance(np.maximum(0, self.sheet.score - self.sheet.scale / 10), self.sheet.scale)
        return self._each(200 * self.balance - 100, 200 * self.reckoned.balance - 100, 200 * fallen - 100)

    def _each(self, outcome: Numbers, expected: Numbers, fallen: Numbers) -> tuple[Averages, ...]:
        sheet = self.sheet
        asked = Asked(
            person=sheet.person,
            answered=sheet.answered,
            outcome=outcome,
            probability=self.reckoned.probability,
            expected=expected,
            fallen=fallen,
        )
        rate = float(sheet.answered[sheet.counted].mean())
        names = np.array(sheet.group)
        whole = average(asked.part(sheet.counted), rate=rate)
        groups = (
            average(asked.part(sheet.counted & (names == name)), group=name, rate=rate)
            for name in sorted({one for one in sheet.group if one})
        )
        return tuple(one for one in (whole, *groups) if one is not None)


def _judge(sheet: Sheet, share: Numbers, reckoned: _Reckoned, model: MoodModel, fold: Rows) -> Judged:
    rows = np.flatnonzero(sheet.answered)
    span = sheet.scale - sheet.lowest
    said, true = reckoned.share[rows], share[rows]
    error = true - said
    weight = silence(reckoned.probability[rows], float(sheet.answered[sheet.counted].mean()))
    within, width = np.zeros(len(rows), bool), np.zeros(len(rows))
    for number in range(FOLDS):
        there, others = fold[rows] == number, fold[rows] != number
        spreads = find_spreads(said[others], error[others], weight[others])
        for place in np.flatnonzero(there).tolist():
            spread = next(one for one in spreads if said[place] <= one.upto)
            low, high = max(0.0, said[place] + spread.below), min(1.0, said[place] + spread.above)
            within[place] = low - 1e-9 <= true[place] <= high + 1e-9
            width[place] = high - low
    silent = np.flatnonzero(sheet.counted & ~sheet.answered)
    abstained = 0
    scorer, frame = MoodScorer(model), Frame(sheet.columns, share)
    some = silent[:: max(1, len(silent) // 2000)]
    for row in some.tolist():
        cells = frame.row(row)
        if model.group and sheet.group:
            cells[model.group] = sheet.group[row] or None
        abstained += scorer.predict(cells).abstained_because is not None
    told = float(np.std(said)) > 0 and float(np.std(true)) > 0
    return Judged(
        answers=len(rows),
        mae=span * float(np.mean(np.abs(error))),
        rmse=span * float(np.sqrt(np.mean(error**2))),
        usual_mae=span * float(np.mean(np.abs(true - true.mean()))),
        correlation=float(np.corrcoef(said, true)[0, 1]) if told else 0.0,
        coverage=float(within.mean()),
        width=span * float(width.mean()),
        abstained=abstained / len(some) if len(some) else 0.0,
        answering_auc=_answering(sheet, reckoned.probability),
    )


def _answering(sheet: Sheet, probability: Numbers) -> float | None:
    speaks = sheet.answered[sheet.counted].astype(np.float64)
    return None if _flat(speaks, np.arange(len(speaks))) else auc(speaks, probability[sheet.counted])
