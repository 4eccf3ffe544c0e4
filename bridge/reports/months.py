"""Months of the company's calendar, and the closes of day between them."""

from __future__ import annotations

from bisect import bisect_left
from datetime import date

from msgspec import Struct


class Month(Struct, frozen=True, kw_only=True):
    """One month; days are ordinals."""

    name: str
    """2026-10."""
    begins: int
    last: int
    """Its last day; of the month that goes on, today."""
    so_far: bool = False


class Months(Struct, frozen=True):
    """Several in a row, oldest first, the last of them the one that goes on."""

    months: tuple[Month, ...]
    closes: tuple[int, ...]
    """The last day before the first month, and the last of each: state is told as at the close of these days."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.months)

    def of(self, day: int) -> int | None:
        """The place of the month that `day` is in; None for one before or after all of them."""
        place = bisect_left(self.closes, day)
        return place - 1 if 0 < place <= len(self.months) else None


def months_until(today: date, count: int) -> Months:
    """The `count` months up to the one of `today`."""
    found = [Month(name=f"{today:%Y-%m}", begins=today.replace(day=1).toordinal(), last=today.toordinal(), so_far=True)]
    while len(found) < count:
        last = date.fromordinal(found[-1].begins - 1)
        found.append(Month(name=f"{last:%Y-%m}", begins=last.replace(day=1).toordinal(), last=last.toordinal()))
    found.reverse()
    return Months(tuple(found), (found[0].begins - 1, *(one.last for one in found)))
