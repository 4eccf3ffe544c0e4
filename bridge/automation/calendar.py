"""The working calendar: clocks that run only while somebody is at work. Pure.

A stretch of work is given by the clock on the wall of its time zone. It is as long as it really lasts: a stretch over
the night on which clocks are put back is an hour longer, and what is skipped in spring is nobody's working time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, timezone
from functools import cached_property, lru_cache
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Meta, Struct

from bridge.automation.holidays import Region, is_public_holiday, read_laws
from bridge.errors import ConfigError

Clock = Annotated[str, Meta(pattern="^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
Stretch = Annotated[tuple[Clock, Clock], Meta(description="From and to, such as ['08:00', '17:00']")]
_OFFICE: Final = (("08:00", "17:00"),)
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_YEARS: Final = timedelta(days=366 * 5)
"""Further than this no clock is reckoned."""


class Week(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When there is somebody at work; a day that is left empty has no working time."""

    monday: tuple[Stretch, ...] = _OFFICE
    tuesday: tuple[Stretch, ...] = _OFFICE
    wednesday: tuple[Stretch, ...] = _OFFICE
    thursday: tuple[Stretch, ...] = _OFFICE
    friday: tuple[Stretch, ...] = _OFFICE
    saturday: tuple[Stretch, ...] = ()
    sunday: tuple[Stretch, ...] = ()


class WorkingCalendar(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """Working hours by weekday in one time zone, and the days on which nobody works."""

    time_zone: str = "Europe/Berlin"
    hours: Week = Week()
    public_holidays: Region | None = None
    """On which nobody works: of one German state by its letters, such as BY; DE: those that all states have."""
    holidays: tuple[str, ...] = ()
    """Further days on which nobody works, such as 2026-12-24."""

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def add(self, at: datetime, length: timedelta) -> datetime:
        """The instant (UTC) at which `length` of working time has passed since `at`; of nothing `at` itself.

        Ends within a stretch, or with one: what is due at the close of work is not due the next morning.
        """
        left, at = length, at.astimezone(timezone.utc)  # within one zone Python reckons by the clock on the wall
        if left <= timedelta(0):
            return at
        for begins, ends in self._stretches(at):
            here = ends - max(begins, at)
            if left <= here:
                return max(begins, at) + left
            left -= here
        return at + _YEARS

    def between(self, since: datetime, until: datetime) -> timedelta:
        """Working time from `since` to `until`; negative when `until` is the earlier one."""
        if until < since:
            return -self.between(until, since)
        total, since, until = timedelta(0), since.astimezone(timezone.utc), until.astimezone(timezone.utc)
        for begins, ends in self._stretches(since):
            if begins >= until:
                break
            total += min(ends, until) - max(begins, since)
        return total

    def working(self, at: datetime) -> bool:
        """Whether somebody is at work at `at`."""
        return next(((begins <= at) for begins, _ in self._stretches(at)), False)

    def day_ends(self, at: datetime) -> datetime:
        """The end (UTC) of the day of the calendar that `at` falls on."""
        day = at.astimezone(self.zone).date()
        return _instant(day, "24:00", self.zone)

    def _stretches(self, after: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Stretches of work in UTC that end after `after`, in order."""
        closed = frozenset(self.holidays)
        day = after.astimezone(self.zone).date() - timedelta(days=1)
        last = day + _YEARS
        while day < last:
            if day.isoformat() not in closed and not is_public_holiday(self.public_holidays, day):
                for first, end in getattr(self.hours, _DAYS[day.weekday()]):
                    begins, ends = _instant(day, first, self.zone), _instant(day, end, self.zone)
                    if ends > after and ends > begins:
                        yield begins, ends
            day += timedelta(days=1)


def check_calendar(calendar: WorkingCalendar, path: str) -> None:
    """Raises ConfigError for a time zone, a date or hours that there are not."""
    read_laws(calendar.public_holidays)
    try:
        ZoneInfo(calendar.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(f"{path}.time_zone", f"there is no time zone {calendar.time_zone!r}") from None
    for place, day in enumerate(calendar.holidays):
        try:
            written = date.fromisoformat(day).isoformat()
        except ValueError:
            written = ""
        if written != day:  # other ways to write it would be no day off
            raise ConfigError(f"{path}.holidays[{place}]", f"{day!r} is not a date as 2026-12-25")
    for name in _DAYS:
        last = ""
        for begins, ends in getattr(calendar.hours, name):
            if begins >= ends:
                raise ConfigError(f"{path}.hours.{name}", "ends before it begins")
            if begins < last:
                raise ConfigError(f"{path}.hours.{name}", "stretches follow one another and do not overlap")
            last = ends
    if not any(getattr(calendar.hours, name) for name in _DAYS):
        raise ConfigError(f"{path}.hours", "leaves no time at all: no clock would ever run")


@lru_cache(maxsize=4096)
def _instant(day: date, clock: str, zone: ZoneInfo) -> datetime:
    """When (UTC) the clock on the wall shows it; for what is skipped in spring, when it is skipped."""
    if clock == "24:00":
        day, clock = day + timedelta(days=1), "00:00"
    wall = datetime.combine(day, time.fromisoformat(clock), zone)
    at = wall.astimezone(timezone.utc)
    if at.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return at
    before, moment = wall.replace(fold=1).astimezone(timezone.utc), timedelta(seconds=1)
    while at - before > moment:
        middle = before + (at - before) / 2
        if middle.astimezone(zone).utcoffset() == wall.utcoffset():
            before = middle
        else:
            at = middle
    return at.replace(microsecond=0)
