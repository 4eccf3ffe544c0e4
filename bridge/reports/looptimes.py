"""How long open matters waited for a first answer and for their end, in working hours, by the month in which they were
opened. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from math import ceil

from msgspec import Struct

from bridge.automation.calendar import WorkingCalendar
from bridge.reports.months import Months


class Lived(Struct, frozen=True, kw_only=True):
    """One loop. `late_reply` and `late_end`: its clock ran out before."""

    opened: datetime
    replied: datetime | None = None
    closed: datetime | None = None
    late_reply: bool = False
    late_end: bool = False


class Waited(Struct, frozen=True, kw_only=True):
    """Of those that are over; working hours."""

    count: int
    median: float
    p90: float
    """Nine of ten waited no longer."""
    in_time: float
    """The share whose clock did not run out."""


class LoopTimes(Struct, frozen=True, kw_only=True):
    """One month. None where none is over."""

    month: str
    opened: int
    open: int
    """Not closed yet."""
    reply: Waited | None
    resolution: Waited | None


def time_loops(
    months: Months, zone: tzinfo, calendar: WorkingCalendar, lived: Iterable[Lived]
) -> tuple[LoopTimes, ...]:
    """Every month in which a loop was opened."""
    by_month: defaultdict[int, list[Lived]] = defaultdict(list)
    for one in lived:
        place = months.of(one.opened.astimezone(zone).date().toordinal())
        if place is not None:
            by_month[place].append(one)
    return tuple(
        LoopTimes(
            month=months.names[place],
            opened=len(some),
            open=sum(one.closed is None for one in some),
            reply=_waited(calendar, [(one.opened, one.replied, one.late_reply) for one in some]),
            resolution=_waited(calendar, [(one.opened, one.closed, one.late_end) for one in some]),
        )
        for place, some in sorted(by_month.items())
    )


def _waited(calendar: WorkingCalendar, some: Iterable[tuple[datetime, datetime | None, bool]]) -> Waited | None:
    over = [(calendar.between(begin, end).total_seconds() / 3600, late) for begin, end, late in some if end is not None]
    if not over:
        return None
    hours = sorted(length for length, _ in over)
    return Waited(
        count=len(over),
        median=_quantile(hours, 0.5),
        p90=_quantile(hours, 0.9),
        in_time=sum(not late for _, late in over) / len(over),
    )


def _quantile(ascending: Sequence[float], share: float) -> float:
    """The least that so many are not above (nearest rank)."""
    return round(ascending[max(0, ceil(share * len(ascending)) - 1)], 2)
