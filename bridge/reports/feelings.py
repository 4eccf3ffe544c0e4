"""What customers answered, by the month in which they were asked: as it came in, and put right for who answers at all.

How the silent feel is not reckoned here: it is what the mood model in use found (docs/MOOD.md), told with its coverage
and kept apart.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, tzinfo
from operator import itemgetter
from typing import Final

import msgspec
from msgspec import Struct

from bridge.automation.weighting import Asked, Estimate, plain, pool, weighted
from bridge.flow.hearing import STILL_COMING, WINDOW
from bridge.flow.standing import Standing
from bridge.model import SurveyMetric, SurveyResponse
from bridge.reports.groups import BYS, By, grouped, pick
from bridge.reports.months import Months
from bridge.scoring.mood import highest

METRICS: Final = (SurveyMetric.nps, SurveyMetric.csat, SurveyMetric.ces)


class Opinion(Struct, frozen=True, kw_only=True):
    """One month of one group and one survey. NPS from -100 to 100; of csat how many of 100 are satisfied; of ces the
    mean. Silence counts two weeks after the invitation."""

    month: str
    metric: str
    group: str
    asked: int
    """Who answered, or was silent for two weeks."""
    answered: int
    response_rate: float | None
    """Of those asked two weeks ago or earlier. None where silence is not on record: survey tools forget it after a
    year, and some never told of it."""
    plain: Estimate | None
    """Of those who answered."""
    weighted: Estimate | None
    """Of all who were asked, each answer for as many as were asked like it (by value tier and segment); None where
    silence is not on record."""
    coverage: float | None
    """Share of those asked whose tier and segment gave answers enough to speak for themselves."""


class Averages(Struct, frozen=True, kw_only=True):
    """As the mood model's report has them: see `bridge.scoring.fit.answering`. Intervals hold nine times in ten."""

    group: str | None
    asked: int
    responses: int
    response_rate: float
    answered: Interval
    weighted: Interval
    predicted: Interval
    silent_one_lower: float


class Interval(Struct, frozen=True, kw_only=True):
    value: float
    low: float
    high: float


class Silent(Struct, frozen=True, kw_only=True):
    """What the mood model in use says of everybody, those who never answer included, as of when it was fitted."""

    metric: str
    figure: str
    """nps (-100 to 100) or mean (from `lowest` to `scale`)."""
    fitted_at: datetime
    lowest: float
    scale: float
    abstained: float | None
    """Share of customers of whom it says nothing."""
    coverage: float | None
    """The share of answers it had not seen that lay within their intervals."""
    averages: tuple[Averages, ...]


class _Judged(Struct, frozen=True):
    abstained: float | None = None
    coverage: float | None = None


class _Report(Struct):
    metric: str
    lowest: float = 0.0
    scale: float = 10.0
    judged: _Judged = _Judged()
    mean: tuple[Averages, ...] = ()
    nps: tuple[Averages, ...] = ()


class Feelings(Struct, frozen=True):
    """What was gathered so far. Many customers were asked the same and said the same: they are counted, not kept."""

    months: Months
    zone: tzinfo
    now: datetime
    asked: dict[By, defaultdict[tuple[str, int, str], Counter[Asked]]]
    """By metric, month and group."""
    early: dict[By, defaultdict[tuple[str, int, str], Counter[Asked]]]
    """Answers to invitations whose silence does not count yet: in no share of answers."""

    def add(self, one: Standing, surveys: Iterable[SurveyResponse]) -> None:
        """Add what one customer was asked."""
        key = grouped(one)
        for response in surveys:
            at = response.sent or response.answered
            if response.metric not in METRICS or at is None or at > self.now:
                continue
            given = response.score is not None and response.answered is not None and response.answered <= self.now
            over = at <= self.now - STILL_COMING
            if not given and (response.answered is not None or not over):
                continue
            day = at.astimezone(self.zone).date().toordinal()
            place = self.months.of(day)
            if place is None:
                continue
            groups = key(day)
            score, scale = _graded(response) if given else (None, None)
            asked = Asked(stratum=groups[:2], propensity=1.0, answered=given, score=score, scale=scale)
            counts = self.asked if over else self.early
            for by in BYS:
                counts[by][response.metric, place, pick(by)(groups)][asked] += 1

    def opinions(self, by: By, named: Callable[[str], str] = str) -> tuple[Opinion, ...]:
        """By metric, month and group, called as `named` does."""
        gathered: defaultdict[tuple[str, int, str], tuple[Counter[Asked], Counter[Asked]]]
        gathered = defaultdict(lambda: (Counter(), Counter()))
        silences: defaultdict[str, int] = defaultdict(int)
        for number, held in enumerate((self.asked[by], self.early[by])):
            for (metric, place, group), some in held.items():
                gathered[metric, place, named(group)][number].update(some)
                silences[metric] += sum(count for one, count in some.items() if not one.answered)
        since = (self.now - WINDOW).astimezone(self.zone).date().toordinal()
        return tuple(
            _opinion(
                self.months.names[place],
                metric,
                called,
                list(asked.elements()),
                list(early.elements()),
                heard=silences[metric] > 0 and self.months.months[place].begins >= since,
            )
            for (metric, place, called), (asked, early) in sorted(gathered.items(), key=itemgetter(0))
        )


def hear(months: Months, zone: tzinfo, now: datetime) -> Feelings:
    """Nothing gathered yet."""
    return Feelings(
        months, zone, now, {by: defaultdict(Counter) for by in BYS}, {by: defaultdict(Counter) for by in BYS}
    )


def _graded(response: SurveyResponse) -> tuple[float, float]:
    """The score and its scale; good or bad (1 or 0) are the two ends of five grades."""
    score, scale = response.score or 0.0, highest(response)
    return (1.0 + 4.0 * score, 5.0) if scale <= 1 else (score, scale)


def _opinion(
    month: str, metric: str, group: str, over: Sequence[Asked], early: Sequence[Asked], *, heard: bool
) -> Opinion:
    heard = heard and bool(over)
    coverage = None
    if heard:
        pools = pool(over)
        coverage = sum(len(pools[one.stratum]) == len(one.stratum) for one in over) / len(over)
    return Opinion(
        month=month,
        metric=metric,
        group=group,
        asked=len(over) + len(early),
        answered=sum(one.answered for one in over) + len(early),
        response_rate=sum(one.answered for one in over) / len(over) if heard else None,
        plain=plain([*over, *early], metric),
        weighted=weighted(over, metric) if heard else None,
        coverage=coverage,
    )


def read_silent(report: bytes, fitted_at: datetime) -> Silent | None:
    """What the report of the mood model in use says; None for one that was made before there were averages."""
    try:
        told = msgspec.json.decode(report, type=_Report)
    except msgspec.DecodeError:
        return None
    averages = told.nps or told.mean
    if not averages:
        return None
    return Silent(
        metric=told.metric,
        figure="nps" if told.nps else "mean",
        fitted_at=fitted_at,
        lowest=told.lowest,
        scale=told.scale,
        abstained=told.judged.abstained,
        coverage=told.judged.coverage,
        averages=averages,
    )
