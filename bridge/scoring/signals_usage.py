"""Signals of use: less than the customer's own level before."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, time, timedelta, timezone
from typing import Any, TypeAlias

from bridge.model import Usage
from bridge.scoring.limits import Settings
from bridge.scoring.result import Signal
from bridge.scoring.signals_reading import NOTHING, Moment, Reading, Sign, evidence
from bridge.scoring.view import Held, View

RECENT_DAYS = 28
BEFORE_DAYS = 84
"""Four weeks are held against the twelve before them: whole weeks, so that weekends weigh the same in both."""
SHORTEST_BEFORE = 42
"""A history shorter than this before the last four weeks has no level, in days."""
_BANDS = ("much_lower", "lower")

Used: TypeAlias = list[tuple[date, float, Held[Usage]]]


def usage_by_metric(view: View, moment: Moment, settings: Settings) -> dict[str, Used]:
    """What was recorded of each metric: day, value, record."""
    made: defaultdict[str, Used] = defaultdict(list)
    for held in view.usage:
        record = held.record
        if record.metric is not None and record.day is not None and record.value is not None:
            made[record.metric].append((record.day, record.value, held))
    return made


def noon_of(day: date) -> datetime:
    """The middle of `day` in UTC."""
    return datetime.combine(day, time(12), timezone.utc)


def _read_falling(view: View, moment: Moment, settings: Settings) -> Reading:
    """Use of the last four whole weeks at most two thirds (`lower`) or one third (`much_lower`) of the own level.

    Of several metrics the one that fell most. Weeks without any record are not taken for zero: a source that stopped
    delivering looks the same.
    """
    if not view.usage:
        return NOTHING
    monday = moment.today - timedelta(days=moment.today.weekday())
    recent_from = monday - timedelta(days=RECENT_DAYS)
    before_from = recent_from - timedelta(days=BEFORE_DAYS)
    deepest: tuple[float, str, Held[Usage]] | None = None
    moves = False
    for metric, used in sorted(moment.once(usage_by_metric, view, settings).items()):
        if metric == settings.limits.opens_metric:
            continue
        recent = before = 0.0
        count = 0
        first, latest = monday, None
        for day, value, held in used:
            if day >= before_from:
                moves = True
            if recent_from <= day < monday:
                recent += value
                if latest is None or (day, held.ref) > (latest[0], latest[1].ref):
                    latest = (day, held)
            elif before_from <= day < recent_from:
                before += value
                count += 1
            first = min(first, day)
        span = (recent_from - max(first, before_from)).days
        if latest is None or span < SHORTEST_BEFORE or count < settings.limits.fewest_usage_days or before <= 0:
            continue
        share = max(0.0, recent) / before * span / RECENT_DAYS
        if deepest is None or share < deepest[0]:
            deepest = (share, metric, latest[1])
    until = moment.start_of(monday + timedelta(days=7)) if moves else None
    if deepest is None or deepest[0] > 2 / 3:
        return Reading(None, until)
    share, metric, held = deepest
    facts: dict[str, Any] = {"drop": round((1 - share) * 100), "metric": metric}
    band = _BANDS[0] if share <= 1 / 3 else _BANDS[1]
    return Reading(Signal(code="usage_falling", band=band, evidence=evidence(held), facts=facts), until)


USAGE_SIGNS = (
    Sign(
        code="usage_falling", of=("usage",), bands=_BANDS, read=_read_falling, always=("drop",), sometimes=("metric",)
    ),
)
