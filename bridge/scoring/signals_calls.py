"""Signals of calls that went wrong before anybody spoke: long waits, and hanging up in the queue."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, TypeAlias

from bridge.model import Channel, Direction, Interaction
from bridge.scoring.limits import Settings
from bridge.scoring.result import Signal
from bridge.scoring.signals_reading import NOTHING, Moment, Reading, Sign, evidence, later, soonest
from bridge.scoring.view import Held, View

LONG_WAITS = (3, 1)
LONG_WAIT_DAYS = 90
ABANDONED = (2, 1)
ABANDONED_DAYS = 30

_QUEUED = (Channel.voice, Channel.chat, Channel.unknown)


_Calls: TypeAlias = list[tuple[datetime, Held[Interaction]]]


def _recent(view: View, moment: Moment, settings: Settings) -> _Calls:
    """What the customer began within the longer of the two windows, where one waits for a person."""
    oldest = moment.at - timedelta(days=LONG_WAIT_DAYS)
    recent = []
    for held in view.interactions:
        at = held.record.started or held.at
        if at > oldest and held.record.direction is not Direction.outbound and held.record.channel in _QUEUED:
            recent.append((at, held))
    return recent


def _read_waits(view: View, moment: Moment, settings: Settings) -> Reading:
    """One or two, or three and more waits within 90 days that were long by the card's limit."""
    limit = settings.limits.long_wait_seconds
    recent = moment.once(_recent, view, settings)
    waited = [each for each in recent if (each[1].record.wait_seconds or 0) >= limit]
    return _counted("long_waits", waited, LONG_WAITS, LONG_WAIT_DAYS, moment)


def _read_abandoned(view: View, moment: Moment, settings: Settings) -> Reading:
    """Hung up while waiting, within 30 days, and not spoken to one of us since."""
    recent = moment.once(_recent, view, settings)
    given_up = [each for each in recent if each[1].record.abandoned]
    if given_up:
        oldest = moment.at - timedelta(days=ABANDONED_DAYS)
        reached = [at for at, held in recent if held.record.agent and not held.record.abandoned]
        last = max(reached, default=None)
        given_up = [each for each in given_up if each[0] > oldest and (last is None or each[0] > last)]
    return _counted("calls_abandoned", given_up, ABANDONED, ABANDONED_DAYS, moment)


def _counted(code: str, calls: _Calls, bands: tuple[int, ...], days: int, moment: Moment) -> Reading:
    """The band by how many `calls` there are; until the first of them is older than `days`."""
    if not calls:
        return NOTHING
    until = soonest(later(at, timedelta(days=days)) for at, _ in calls)
    reached = next(limit for limit in bands if len(calls) >= limit)
    at, held = max(calls, key=lambda each: (each[0], each[1].ref))
    facts: dict[str, Any] = {"date": moment.day_of(at)}
    if len(calls) > 1:
        facts["count"] = len(calls)
    if held.record.wait_seconds is not None and held.record.wait_seconds >= 120:
        facts["minutes"] = held.record.wait_seconds // 60
    return Reading(Signal(code=code, band=f"x{reached}", evidence=evidence(held, at), facts=facts), until)


CALL_SIGNS = (
    Sign(
        code="long_waits",
        of=("interactions",),
        bands=tuple(f"x{limit}" for limit in LONG_WAITS),
        read=_read_waits,
        always=("date",),
        sometimes=("count", "minutes"),
    ),
    Sign(
        code="calls_abandoned",
        of=("interactions",),
        bands=tuple(f"x{limit}" for limit in ABANDONED),
        read=_read_abandoned,
        always=("date",),
        sometimes=("count", "minutes"),
    ),
)
