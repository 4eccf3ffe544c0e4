"""Signals of what customers answered: the latest score, bad or good."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from bridge.model import Satisfaction, SurveyMetric, SurveyResponse
from bridge.scoring.limits import Limits, Settings
from bridge.scoring.result import Signal
from bridge.scoring.signals_reading import NOTHING, Moment, Reading, Sign, band_since, evidence
from bridge.scoring.view import Held, View

BAD = (30, 90, 180)
GOOD = (90, 365)


def _read_bad(view: View, moment: Moment, settings: Settings) -> Reading:
    return _read_latest("detractor", BAD, False, view, moment, settings)


def _read_good(view: View, moment: Moment, settings: Settings) -> Reading:
    return _read_latest("promoter", GOOD, True, view, moment, settings)


def _read_latest(
    code: str, days: tuple[int, ...], wanted: bool, view: View, moment: Moment, settings: Settings
) -> Reading:
    """The band of the latest score of all, if it is a good (or bad) one: a later score takes an earlier one back."""
    latest = moment.once(_latest, view, settings)
    if latest is None or latest[2] is not wanted:
        return NOTHING
    at, held, _ = latest
    band, change = band_since(at, days, moment.at)
    if band is None:
        return NOTHING
    facts: dict[str, Any] = {"date": moment.day_of(at)}
    if isinstance(held.record, SurveyResponse):
        scale = _scale(held.record)
        if held.record.metric is SurveyMetric.review:
            facts |= {"score": held.record.score, "scale": scale}
        elif scale is None or scale > 1:  # of a thumb up or down, "0 out of 1" says nothing to anybody
            facts |= {"metric": held.record.metric.value.upper(), "score": held.record.score, "scale": scale}
    return Reading(Signal(code=code, band=band, evidence=evidence(held, at), facts=facts), change)


def _latest(view: View, moment: Moment, settings: Settings) -> tuple[datetime, Held[Any], bool | None] | None:
    latest: tuple[datetime, Held[Any], bool | None] | None = None
    for each in _scores(view, settings.limits):
        if latest is None or each[0] > latest[0]:
            latest = each
    return latest


def _scores(view: View, limits: Limits) -> Iterator[tuple[datetime, Held[Any], bool | None]]:
    """Every score: when, where, and whether it is good, bad, or neither (None)."""
    for held in view.surveys:
        response = held.record
        scale = _scale(response)
        if response.score is None or not scale:
            continue
        if response.metric is SurveyMetric.nps:
            value = response.score * 10 / scale
            yield response.answered or held.at, held, _judge(value, limits.nps_bad_at_most, limits.nps_good_from)
        elif response.metric is SurveyMetric.csat:
            share = response.score / scale
            yield response.answered or held.at, held, _judge(share, limits.csat_bad_at_most, limits.csat_good_from)
        elif response.metric is SurveyMetric.review:  # a bad one counts as such, and here takes a good score back
            good = response.score / scale >= limits.csat_good_from
            yield response.answered or held.at, held, True if good else None
    for ticket in view.tickets:
        if ticket.record.satisfaction in (Satisfaction.good, Satisfaction.bad):
            yield ticket.at, ticket, ticket.record.satisfaction is Satisfaction.good


def _judge(value: float, bad_at_most: float, good_from: float) -> bool | None:
    return False if value <= bad_at_most else True if value >= good_from else None


def _scale(response: SurveyResponse) -> float | None:
    """The highest possible score; NPS is asked from 0 to 10 and reviews give up to 5 stars, others must say."""
    return response.scale or _USUAL.get(response.metric)


_USUAL = {SurveyMetric.nps: 10.0, SurveyMetric.review: 5.0}


def _read_review(view: View, moment: Moment, settings: Settings) -> Reading:
    """The customer's latest public review is a bad one."""
    latest: tuple[datetime, Held[SurveyResponse]] | None = None
    for held in view.surveys:
        if held.record.metric is SurveyMetric.review and held.record.score is not None and _scale(held.record):
            at = held.record.answered or held.at
            if latest is None or at > latest[0]:
                latest = (at, held)
    if latest is None:
        return NOTHING
    at, held = latest
    score, scale = held.record.score or 0.0, _scale(held.record) or 0.0
    if score / scale > settings.limits.csat_bad_at_most:
        return NOTHING
    band, change = band_since(at, BAD, moment.at)
    if band is None:
        return NOTHING
    facts = {"date": moment.day_of(at), "score": score, "scale": scale}
    return Reading(Signal(code="bad_review", band=band, evidence=evidence(held, at), facts=facts), change)


SCORE_SIGNS = (
    Sign(
        code="detractor",
        of=("surveys", "tickets"),
        bands=("d30", "d90", "d180"),
        read=_read_bad,
        always=("date",),
        sometimes=("metric", "score", "scale"),
    ),
    Sign(
        code="bad_review",
        of=("surveys",),
        bands=("d30", "d90", "d180"),
        read=_read_review,
        always=("date", "score", "scale"),
    ),
    Sign(
        code="promoter",
        of=("surveys", "tickets"),
        bands=("d90", "d365"),
        read=_read_good,
        always=("date",),
        sometimes=("metric", "score", "scale"),
    ),
)
