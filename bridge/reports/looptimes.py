"""How long open matters waited for a first answer and for their end, in working hours, by the month in which they were
opened. Pure.

Who still waits counts as well: it is known that they have waited so long at least (Kaplan & Meier 1958). Counting those
alone that are over would flatter, and the more the longer nobody answers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from typing import Final

from msgspec import Struct

from bridge.automation.calendar import WorkingCalendar
from bridge.reports.months import Months

_ROUNDING: Final = 1e-9


class Lived(Struct, frozen=True, kw_only=True):
    """One loop. `late_reply` and `late_end`: its clock ran out before."""

    opened: datetime
    replied: datetime | None = None
    closed: datetime | None = None
    late_reply: bool = False
    late_end: bool = False


class Waited(Struct, frozen=True, kw_only=True):
    """Working hours, of all that were opened."""

    count: int
    """Over."""
    waiting: int
    """Not over yet."""
    median: float | None
    """Half waited no longer. None while so many wait that nobody can say."""
    p90: float | None
    """The same of nine in ten."""
    in_time: float | None
    """The share whose clock did not run out, of those that are over and those that are late already."""


class LoopTimes(Struct, frozen=True, kw_only=True):
    """One month. None where none is over, and none late."""

    month: str
    opened: int
    open: int
    """Not closed yet."""
    reply: Waited | None
    resolution: Waited | None


def time_loops(
    months: Months, zone: tzinfo, calendar: WorkingCalendar, lived: Iterable[Lived], now: datetime
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
            reply=_waited(calendar, [(one.opened, one.replied, one.late_reply) for one in some], now),
            resolution=_waited(calendar, [(one.opened, one.closed, one.late_end) for one in some], now),
        )
        for place, some in sorted(by_month.items())
    )


def _waited(
    calendar: WorkingCalendar, some: Sequence[tuple[datetime, datetime | None, bool]], now: datetime
) -> Waited | None:
    decided = [late for _, end, late in some if end is not None or late]
    if not decided:
        return None
    # (hours, still waiting): at the same hour the end comes before who goes on waiting
    hours = sorted((calendar.between(begin, end or now).total_seconds() / 3600, end is None) for begin, end, _ in some)
    waiting = sum(still for _, still in hours)
    return Waited(
        count=len(hours) - waiting,
        waiting=waiting,
        median=_quantile(hours, 0.5),
        p90=_quantile(hours, 0.9),
        in_time=sum(not late for late in decided) / len(decided),
    )


def _quantile(ascending: Sequence[tuple[float, bool]], share: float) -> float | None:
    """The least time after which so many are over, by the product-limit estimate; where nobody waits any more it is the
    nearest rank."""
    left = 1.0
    for place, (length, still) in enumerate(ascending):
        if not still:
            left *= 1 - 1 / (len(ascending) - place)
            if left <= 1 - share + _ROUNDING:
                return round(length, 2)
    return None
