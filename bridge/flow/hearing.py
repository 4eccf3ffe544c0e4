"""Who was asked how they feel, and answered or not; and what came of what was said of the silent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from hashlib import blake2b
from typing import Any

from msgspec import Struct

from bridge.flow.desk import Desk
from bridge.flow.hindsight import looking_back_each
from bridge.flow.models import in_use
from bridge.model import SurveyResponse
from bridge.scoring.invitation import Invitation
from bridge.scoring.mood import (
    SILENT_AFTER,
    highest,
    latest_answer,
    read_row,
)
from bridge.scoring.signals import read_signals
from bridge.scoring.signals_contracts import goes_on
from bridge.scoring.tables import Cell
from bridge.scoring.view import Held, View

WINDOW = timedelta(days=365)
"""Averages are over those who were asked so long ago at most: survey tools do not keep silence for ever."""
STILL_COMING = timedelta(days=14)
"""An invitation without an answer is only counted as silence after this."""
_DAY = timedelta(days=1)

Report = Callable[[int, int], None]


class Heard(Struct, frozen=True, kw_only=True):
    """`invited` False: no silence is on record, and who did not answer within WINDOW stands for those who were asked,
    on a day of it."""

    invitations: tuple[Invitation, ...]
    invited: bool


async def hear(desk: Desk, *, metric: str, group_by: str, now: datetime, report: Report | None = None) -> Heard:
    """Every invitation to surveys of `metric` that was answered, or has been silent for long enough, with the customer
    as they stood when it was sent. `group_by` is a feature of `read_row`, as it is today."""
    silences = 0
    kept: list[Invitation] = []
    quiet: list[Invitation] = []
    begin = now - WINDOW

    def choose(view: View) -> list[datetime]:
        asked = [_sent(one) for one in _asked(view, metric, now)]
        return asked or ([] if _gone(view) else [_some_day(view.id, begin)])

    async for one in looking_back_each(desk, choose, now=now, report=report):
        asked = list(_asked(one.today, metric, now))
        group = str(_read(desk, one.today, now).get(group_by) or "")
        for held, view in zip(asked, one.views, strict=False):
            response = held.record
            answered = response.score is not None and response.answered is not None
            sent = _sent(held)
            silences += not answered
            kept.append(
                Invitation(
                    customer=one.today.id,
                    sent=sent,
                    row=_read(desk, view, sent),
                    score=response.score if answered else None,
                    scale=highest(response),
                    counted=response.sent is not None and sent >= begin,
                    group=group,
                )
            )
        if not asked:
            at = _some_day(one.today.id, begin)
            row = _read(desk, one.views[0], at)
            quiet.append(
                Invitation(customer=one.today.id, sent=at, row=row, score=None, scale=0.0, counted=True, group=group)
            )
    if silences:
        return Heard(invitations=tuple(kept), invited=True)
    answers = [_counted(one) if one.sent >= begin else one for one in kept]
    return Heard(invitations=(*answers, *quiet), invited=False)


def _counted(one: Invitation) -> Invitation:
    return Invitation(
        customer=one.customer,
        sent=one.sent,
        row=one.row,
        score=one.score,
        scale=one.scale,
        counted=True,
        group=one.group,
    )


def _asked(view: View, metric: str, now: datetime) -> Iterator[Held[SurveyResponse]]:
    """The customer's surveys of `metric` that are over: answered with a score, or silent for long enough."""
    for held in view.surveys:
        response = held.record
        if response.metric != metric or _sent(held) > now:
            continue
        answered = response.score is not None and response.answered is not None
        if answered or (response.answered is None and response.sent and response.sent < now - STILL_COMING):
            yield held


def _sent(held: Held[SurveyResponse]) -> datetime:
    """When it was sent; of an answer that does not say, the day before."""
    response = held.record
    if response.sent is not None:
        return response.sent
    return (response.answered or held.at) - _DAY


def _gone(view: View) -> bool:
    """Had contracts, and none of them goes on."""
    return bool(view.contracts) and not any(goes_on(held.record) for held in view.contracts)


def _some_day(customer: str, begin: datetime) -> datetime:
    """A moment within WINDOW from `begin`, always the same for one customer."""
    share = int.from_bytes(blake2b(customer.encode(), digest_size=4).digest(), "big") / (1 << 32)
    return begin + WINDOW * share


def _read(desk: Desk, view: View, at: datetime) -> dict[str, Cell]:
    card = desk.rules.deciding.card
    signals, _ = read_signals(card.codes, card.settings, card.zone, view, at)
    return read_row(view, signals, card.file.value.currency)


class MoodRecord(Struct, frozen=True, kw_only=True):
    """What came of what the model in use said of silent customers who answered afterwards; errors in points."""

    metric: str
    version: str
    from_day: date
    to_day: date
    answers: int
    """Of customers who had been silent for a year or for ever."""
    abstained: int
    """Of these, those of whom nothing had been said."""
    bias: float | None
    """Predicted less answered, on average."""
    mae: float | None
    within: float | None
    """Share of answers within their interval."""
    promised: float
    """The share that was promised."""


async def mood_record(desk: Desk, *, now: datetime, report: Report | None = None) -> MoodRecord | None:
    """How the mood model in use came out: each answer since it was installed of a customer who had been silent, against
    what it said of them as they stood on the day before. None where no model is in use that this desk knows."""
    model, scorer = await in_use(desk.store, "mood"), desk.fitted.mood
    if model is None or scorer is None or scorer.version != model.version:
        return None
    metric, begin = scorer.model.metric, model.installed_at

    def choose(view: View) -> Sequence[datetime]:
        return [at - _DAY for at, _ in _breaking_silence(view, metric, begin, now)]

    errors: list[float] = []
    answers = within = 0
    async for one in looking_back_each(desk, choose, now=now, report=report):
        for (at, response), view in zip(_breaking_silence(one.today, metric, begin, now), one.views, strict=True):
            answers += 1
            said = scorer.predict(_read(desk, view, at - _DAY))
            if said.predicted is None or said.low is None or said.high is None:
                continue
            actual = (response.score or 0.0) * said.scale / highest(response)
            errors.append(said.predicted - actual)
            within += said.low <= actual <= said.high
    return MoodRecord(
        metric=metric,
        version=model.version,
        from_day=begin.date(),
        to_day=now.date(),
        answers=answers,
        abstained=answers - len(errors),
        bias=sum(errors) / len(errors) if errors else None,
        mae=sum(map(abs, errors)) / len(errors) if errors else None,
        within=within / len(errors) if errors else None,
        promised=scorer.model.coverage,
    )


def _breaking_silence(view: View, metric: str, begin: datetime, now: datetime) -> list[tuple[datetime, SurveyResponse]]:
    """The answers since `begin` before which there was none for a year, with their instants."""
    found: list[tuple[datetime, SurveyResponse]] = []
    for held in view.surveys:
        at, response = held.record.answered, held.record
        if response.metric != metric or response.score is None or at is None or not begin <= at <= now:
            continue
        before = latest_answer(view, metric, at - timedelta(microseconds=1))
        if before is None or at - before[0] >= SILENT_AFTER:
            found.append((at, response))
    return sorted(found, key=_instant)


def _instant(answer: tuple[datetime, Any]) -> datetime:
    return answer[0]
