"""What every signal is made of: the moment it is read at, its limits, its reading, and bands over time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any, TypeAlias, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from bridge.model import Ticket, TicketStatus
from bridge.scoring.limits import Settings
from bridge.scoring.result import Evidence, Signal
from bridge.scoring.view import Held, View

T = TypeVar("T")

DAY = timedelta(days=1)
LAST = datetime.max.replace(tzinfo=timezone.utc)
ENDING = (14, 30, 60, 90)
"""Bands of what ends on a date, in days before it."""


class Moment(Struct, frozen=True):
    """`at` as an instant and as the calendar date at the customer's place. Lives for one reading of one customer."""

    at: datetime
    today: date
    zone: tzinfo
    _made: dict[Callable[..., Any], Any] = msgspec.field(default_factory=dict)

    def once(self, make: Callable[[View, Moment, Settings], T], view: View, settings: Settings) -> T:
        """What `make` reads from the view, read once however many signals ask for it."""
        made: T
        if make in self._made:
            made = self._made[make]
        else:
            made = self._made[make] = make(view, self, settings)
        return made

    def day_of(self, instant: datetime) -> date:
        """The calendar date of `instant` at the customer's place."""
        try:
            return instant.astimezone(self.zone).date()
        except OverflowError:  # some systems write 0001-01-01 for "never"
            return instant.date()

    def start_of(self, day: date) -> datetime:
        """The first instant of `day`, today or later, at the customer's place, in UTC."""
        return _start_of(day, self.zone)

    def end_of(self, day: date) -> datetime:
        """The first instant after `day` at the customer's place, in UTC."""
        return LAST if day == date.max else self.start_of(day + DAY)


@lru_cache(maxsize=16384)
def _start_of(day: date, zone: tzinfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(timezone.utc)


def moment_for(view: View, now: datetime, zone: tzinfo) -> Moment:
    """`now` at the customer's place; `zone` where theirs is not known."""
    place = (view.customer.time_zone and find_zone(view.customer.time_zone)) or zone
    return Moment(now, now.astimezone(place).date(), place)


@lru_cache(maxsize=1024)
def find_zone(name: str) -> tzinfo | None:
    """The IANA time zone called `name`, or None."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, not a key at all, or a folder of the database
        return None


class Reading(Struct, frozen=True):
    """A signal or its absence, which stays so until `until` if no record changes (None: for good)."""

    signal: Signal | None
    until: datetime | None = None


NOTHING = Reading(None)
"""Not there, and nothing but a new record can change that."""

Reader: TypeAlias = Callable[[View, Moment, Settings], Reading]


class Sign(Struct, frozen=True, kw_only=True):
    """A signal as code knows it: its bands, strongest first, and the facts its texts may use."""

    code: str
    bands: tuple[str, ...]
    read: Reader
    of: tuple[str, ...] = ()
    """The view's fields it is read from: where all of them are empty there is nothing to read. None named: always."""
    always: tuple[str, ...] = ()
    sometimes: tuple[str, ...] = ()


def evidence(held: Held[Any], at: datetime | None = None) -> Evidence:
    """The record as evidence, dated `at` (else as the record itself)."""
    return Evidence(record=held.ref, source=held.source, at=at or held.at)


def soonest(instants: Iterable[datetime | None]) -> datetime | None:
    """The first instant of all, None where there is none."""
    first: datetime | None = None
    for each in instants:  # `min` over a generator is slower, and this is asked six times a customer
        if each is not None and (first is None or each < first):
            first = each
    return first


def later(at: datetime, by: timedelta) -> datetime:
    """`at` plus `by`; the end of time for the 9999-12-31 that some systems write for "for ever"."""
    try:
        return at + by
    except OverflowError:
        return LAST


def band_since(at: datetime, days: Sequence[int], now: datetime) -> tuple[str | None, datetime | None]:
    """The band `d<days>` of something that happened at `at`, by the smallest of ascending `days` not yet over.

    With it the instant at which the band changes; (None, None) once all are over.
    """
    for limit in days:
        over = later(at, limit * DAY)
        if now < over:
            return f"d{limit}", over
    return None, None


def band_until(day: date, days: Sequence[int], moment: Moment) -> tuple[str | None, datetime | None]:
    """The band `d<days>` of something due on `day`: today or at most that many days ahead; None before and after.

    With it the instant at which the band changes, None when it never will again.
    """
    left = (day - moment.today).days
    if left < 0:
        return None, None
    below = None
    band = None
    for limit in days:
        if left <= limit:
            band = f"d{limit}"
            break
        below = limit
    return band, moment.end_of(day) if below is None else moment.start_of(day - below * DAY)


def band_longer(at: datetime, days: Sequence[int], now: datetime) -> tuple[str | None, datetime | None]:
    """The band `d<days>` of something that has lasted since `at`, by the largest of ascending `days` reached."""
    reached = None
    for limit in days:
        when = later(at, limit * DAY)
        if now < when:
            return reached, when
        reached = f"d{limit}"
    return reached, None


def is_open(ticket: Ticket) -> bool:
    """Neither resolved nor closed."""
    return ticket.status not in _DONE and not (ticket.status is TicketStatus.unknown and ticket.resolved)


_DONE = (TicketStatus.resolved, TicketStatus.closed)
