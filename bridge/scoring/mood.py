"""How customers feel who do not answer: the answer one of them would give, with an interval, or nothing.

The model is of the same form as all others (`bridge.scoring.tables`). What it predicts is the score as a share of its
scale, whose log-odds the tables add up to: a prediction can never leave the scale. The interval is a split-conformal
one (Lei et al. 2018, Distribution-Free Predictive Inference for Regression), from answers that the tables never saw.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from math import ceil, floor
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from bridge.errors import ConfigError
from bridge.model import SurveyMetric, SurveyResponse
from bridge.scoring.forms import decode_form
from bridge.scoring.result import AnsweredMood, PredictedMood, Signal
from bridge.scoring.risk import to_probability
from bridge.scoring.signals_contracts import goes_on
from bridge.scoring.tables import Cell, NumberTable, Row, Tables, check_tables
from bridge.scoring.view import View

SILENT_AFTER = timedelta(days=365)
"""Who has not answered for so long counts as silent again."""
NOT_ASKED = frozenset(("detractor", "promoter", "bad_review", "contract_cancelled", "left"))
"""Signals that no prediction is made of. The first three are answers themselves: of the silent they are never there,
and that they are not would pass for contentment. The last two are the end of the story: where a history was imported
in one go, it is known of everybody from the beginning."""
FEWEST_ALIKE = 5
"""Answers of a group below which nothing is said of the group's silent members."""
_NUMERIC = (float, int)
_WHOLE_FROM = 3
"""Scales with so many steps are shown in whole numbers."""

_Share = Annotated[float, Meta(ge=0, le=1)]


class Abstained(StrEnum):
    """Why nothing is said."""

    too_wide = "too_wide"
    """The interval would hold nearly every answer there is."""
    unlike = "unlike"
    """Nobody who answered is like this customer in what the prediction rests on."""
    silent_group = "silent_group"
    """Of the customer's group next to nobody answered."""


class Spread(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far answers lay from predictions up to `upto`, both as shares of the scale: from `below` to `above`."""

    upto: _Share
    below: Annotated[float, Meta(ge=-1, le=1)]
    above: Annotated[float, Meta(ge=-1, le=1)]
    answers: Annotated[int, Meta(ge=0)]


class Known(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What those who answered were like in one feature, and how much of the prediction rests on it."""

    name: str
    weight: Annotated[float, Meta(ge=0)]
    low: float | None = None
    high: float | None = None
    always: bool = False
    """Nobody lacked it."""


class MoodModel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that is needed to say how a silent customer feels, or that it cannot be said."""

    metric: Annotated[str, Meta(min_length=1)]
    """`nps`, `csat` …: whose scores were learnt from."""
    lowest: float
    scale: float
    """Lowest and highest answer that can be given."""
    answers: Annotated[int, Meta(ge=0)]
    """How many were learnt from."""
    coverage: Annotated[float, Meta(gt=0, lt=1)] = 0.9
    tables: Tables
    spreads: Annotated[tuple[Spread, ...], Meta(min_length=1)]
    """By rising `upto`, the last of them 1."""
    known: tuple[Known, ...] = ()
    group: str | None = None
    """The feature by which averages are grouped."""
    groups: dict[str, int] = {}
    """Answers by group."""
    widest: _Share = 0.75
    """An interval over more of the scale than this says nothing."""
    strangest: _Share = 0.3
    """So much of the prediction at most may rest on features in which nobody who answered was like the customer."""


def parse_mood(text: bytes, where: str) -> MoodModel:
    """The model in `text`. Raises ConfigError naming `where` and the path in it."""
    model = decode_form(text, where, MoodModel)
    if model.scale <= model.lowest:
        raise ConfigError(f"{where}: scale", f"is {model.scale!r}, which is not above lowest ({model.lowest!r})")
    for place, spread in enumerate(model.spreads):
        if spread.below > spread.above:
            raise ConfigError(f"{where}: spreads[{place}].below", f"is above `above` ({spread.above!r})")
    for place, (one, other) in enumerate(pairwise(model.spreads), 1):
        if one.upto >= other.upto:
            raise ConfigError(f"{where}: spreads[{place}].upto", f"is not above the one before it ({one.upto!r})")
    if model.spreads[-1].upto != 1:
        raise ConfigError(f"{where}: spreads[{len(model.spreads) - 1}].upto", "has to be 1: every prediction needs one")
    if model.tables.pairs:
        raise ConfigError(f"{where}: tables.pairs", "are not read here: a mood is a sum of single tables")
    check_tables(model.tables, f"{where}: tables")
    return model


class MoodScorer:
    """A model made ready: only the features that a customer has are looked at."""

    def __init__(self, model: MoodModel, version: str = "") -> None:
        slope = model.tables.calibration.slope
        weights = {one.name: one.weight for one in model.known}
        total = sum(weights.values()) or 1.0
        self.model = model
        self.version = version
        self._base = model.tables.calibration.offset + slope * model.tables.intercept
        self._numbers: dict[str, tuple[tuple[float, ...], list[float], float, float, float]] = {}
        self._words: dict[str, tuple[dict[Cell, float], float, float]] = {}
        ranges = {one.name: (one.low, one.high) for one in model.known}
        for table in model.tables.tables:
            missing = slope * table.missing
            weight = weights.get(table.name, 0.0) / total
            self._base += missing
            if isinstance(table, NumberTable):
                low, high = ranges.get(table.name, (None, None))
                shares = [slope * entry - missing for entry in table.entries]
                edges = (float("-inf") if low is None else low, float("inf") if high is None else high)
                self._numbers[table.name] = (table.cuts, shares, *edges, weight)
            else:
                entries: dict[Cell, float] = {level: slope * entry - missing for level, entry in table.entries.items()}
                self._words[table.name] = (entries, slope * table.unseen - missing, weight)
        self._always = [(one.name, one.weight / total) for one in model.known if one.always]
        self._ends = [spread.upto for spread in model.spreads]

    def share(self, row: Row) -> tuple[float, float]:
        """The answer that `row` makes likeliest as a share of the scale, and how much of it rests on features in which
        nobody who answered was alike."""
        score, strange = self._base, 0.0
        numbers, words = self._numbers, self._words
        for name, cell in row.items():
            if cell is None:
                continue
            if name in words:
                entries, unseen, weight = words[name]
                if cell in entries:
                    score += entries[cell]
                else:
                    score += unseen
                    strange += weight
            elif name in numbers and isinstance(cell, _NUMERIC) and cell - cell == 0:
                cuts, shares, low, high, weight = numbers[name]
                score += shares[bisect_right(cuts, cell)]
                if not low <= cell <= high:
                    strange += weight
        for name, weight in self._always:
            if row.get(name) is None:
                strange += weight
        return to_probability(score), strange

    def predict(self, row: Row) -> PredictedMood:
        """What a silent customer with the features of `row` would answer."""
        model = self.model
        share, strange = self.share(row)
        spread = model.spreads[bisect_left(self._ends, share)]
        span = model.scale - model.lowest
        # the dust of a sum must not cost a whole answer
        low = model.lowest + span * max(0.0, share + spread.below) - 1e-9
        high = model.lowest + span * min(1.0, share + spread.above) + 1e-9
        predicted = model.lowest + span * share
        if span >= _WHOLE_FROM:  # an answer is a whole number: an interval between two of them holds those inside it
            low, high = float(ceil(low)), float(floor(high))
            if low > high:
                low = high = float(round(predicted))
        group = row.get(model.group) if model.group else None
        because: Abstained | None = None
        if group is not None and model.groups.get(str(group), 0) < FEWEST_ALIKE:
            because = Abstained.silent_group
        elif strange > model.strangest:
            because = Abstained.unlike
        elif high - low > span * model.widest:
            because = Abstained.too_wide
        if because is not None:
            return PredictedMood(
                metric=model.metric,
                scale=model.scale,
                coverage=model.coverage,
                answers=model.answers,
                abstained_because=because.value,
            )
        return PredictedMood(
            metric=model.metric,
            scale=model.scale,
            predicted=round(predicted, 2),
            low=round(low, 2),
            high=round(high, 2),
            coverage=model.coverage,
            answers=model.answers,
        )


def read_row(view: View, signals: Iterable[Signal], currency: str) -> dict[str, Cell]:
    """What a mood is predicted from: bands of signals, and what does not change as time goes by. No answer is in it."""
    row: dict[str, Cell] = {signal.code: signal.band for signal in signals if signal.code not in NOT_ASKED}
    if view.customer.language:
        row["language"] = view.customer.language
    if view.customer.region:
        row["region"] = view.customer.region
    for account in view.accounts:
        if account.record.segment:
            row["segment"] = account.record.segment
            break
    for held in view.contracts:
        contract = held.record
        if goes_on(contract):
            if contract.product:
                row["product"] = contract.product
            amount = contract.monthly_amount
            if amount is not None and amount.currency == currency:
                row["monthly"] = float(amount.amount)
            break
    return row


ATTRIBUTES = ("language", "region", "segment", "product", "monthly")
"""The features of a row that are no signals."""


def latest_answer(view: View, metric: str, now: datetime) -> tuple[datetime, SurveyResponse] | None:
    """The customer's last answer with a score to `metric`, given before `now`."""
    last: tuple[datetime, SurveyResponse] | None = None
    for held in view.surveys:
        response = held.record
        at = response.answered
        if response.metric != metric or response.score is None or at is None or at > now:
            continue
        if last is None or at > last[0]:
            last = (at, response)
    return last


def read_mood(
    scorer: MoodScorer, view: View, signals: Sequence[Signal], currency: str, now: datetime
) -> tuple[PredictedMood | AnsweredMood, datetime | None]:
    """How the customer feels at `now`: their own answer while it is fresh, else what is predicted; and until when that
    stays so if no record changes."""
    model = scorer.model
    answer = latest_answer(view, model.metric, now)
    if answer is None:
        return scorer.predict(read_row(view, signals, currency)), None
    at, response = answer
    stale = at + SILENT_AFTER
    if now < stale:
        scale = highest(response)
        return AnsweredMood(metric=model.metric, score=response.score or 0.0, scale=scale, at=at), stale
    predicted = scorer.predict(read_row(view, signals, currency))
    return msgspec.structs.replace(predicted, last_answer=at), None


def highest(response: SurveyResponse) -> float:
    """The highest answer that could be given; NPS is asked from 0 to 10, others are taken for a scale of five."""
    return response.scale or _USUAL.get(response.metric, 5.0)


def lowest(metric: str) -> float:
    """The lowest answer that can be given: 0 for NPS, 1 for what is asked in stars or on a scale of five."""
    return 0.0 if metric == SurveyMetric.nps else 1.0


_USUAL: Mapping[SurveyMetric, float] = {SurveyMetric.nps: 10.0}
