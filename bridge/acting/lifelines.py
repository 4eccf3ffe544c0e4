"""One record through time: what was known of it at each moment, and the moments at which that changed. Pure.

What was told live counts from the moment it was told. What was imported later is taken at its own dates, as if it had
been told then (see `rewinding`), but for what carries no date: that counts as it is known today.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from bridge.facts import Fact, Origin
from bridge.flow.gathering import hold
from bridge.flow.noticing import between
from bridge.flow.rewinding import Told, point, stood
from bridge.intake.records import Current, apply, decode, fold
from bridge.model import (
    Account,
    Contract,
    Customer,
    EntryKind,
    Interaction,
    Purchase,
    Record,
    SurveyResponse,
    Ticket,
    Usage,
)
from bridge.scoring.signals_contracts import goes_on
from bridge.scoring.view import Held
from bridge.store import instant, micros

_A_DAY = timedelta(days=1)


class Known(Struct, frozen=True):
    """A record as it was known. `supposed`: its undated fields are those of today."""

    subject: str
    held: Held[Any]
    supposed: bool


class Lifeline:
    """All that was ever told of one record. `bounds` are the microseconds at which what is known of it may change."""

    def __init__(self, told: Told, zone: tzinfo) -> None:
        self._told, self._zone = told, zone
        self._seen: dict[int, Known | None] = {}
        self._today: Current | None = None
        first = told.versions[0]
        self.object, self.name = first.object, first.name
        self.ref = "/".join(first.name)
        self.subjects = {version.subject for version in told.versions}
        if told.imported:
            bounds = {*told.counts, *self._dates()}
            if self.object in ("customer", "account"):
                bounds.add(0)  # they may have been there for ever
            self.bounds = sorted(bounds)
        else:
            self.bounds = [*told.counts] if len(told.counts) == 1 else sorted(set(told.counts))

    def at(self, moment: int) -> Known | None:
        """What was known of it at `moment`; None while it was not there, or was deleted."""
        place = bisect_right(self.bounds, moment)
        if place == 0:
            return None
        if place not in self._seen:
            self._seen[place] = self._look(self.bounds[place - 1])
        return self._seen[place]

    def states(self) -> Iterator[tuple[int, Known]]:
        """Every state that it had, with the moment from which on."""
        for bound in self.bounds:
            known = self.at(bound)
            if known is not None:
                yield bound, known

    def facts(self, since: int, until: int, customer: str) -> Iterator[tuple[str, Fact]]:
        """What happened to it from `since` on, before `until`, each with the subject that it was about."""
        place = bisect_left(self.bounds, since)
        before = self.at(self.bounds[place - 1]) if place else None
        for bound in self.bounds[place:]:
            if bound >= until:
                return
            after = self.at(bound)
            if after is not None:
                for fact in between(
                    None if before is None else before.held.record,
                    after.held.record,
                    cause=self.ref,
                    at=instant(bound) if self._told.imported else after.held.at,
                    order=str(bound),
                    customer=customer,
                    known_at=instant(bound),
                    origin=Origin.live,
                ):
                    yield after.subject, fact
            before = after

    def _look(self, bound: int) -> Known | None:
        if self._told.imported:
            return self._supposed(bound)
        versions = [one for one, count in zip(self._told.versions, self._told.counts, strict=True) if count <= bound]
        last = versions[-1]
        # A whole record that says whom it is about stands for itself, which nearly all do.
        whole = last.kind == EntryKind.full.value and last.subject
        current = apply(None, last) if whole else fold(versions)
        if current is None or current.deleted:
            return None
        return Known(current.subject, hold(current), False)

    def _supposed(self, bound: int) -> Known | None:
        at = instant(bound)
        found = stood(self._told, [point(at, self._zone)])[0]
        if found is None:
            return None
        if not found.rewound:
            return Known(found.subject, found.held, False)
        record = _believed(found.held.record, decode(self._current()), at)
        return Known(found.subject, msgspec.structs.replace(found.held, record=record), True)

    def _current(self) -> Current:
        if self._today is None:
            self._today = fold(self._told.versions)
        if self._today is None:
            raise ValueError("nothing was ever told of it")
        return self._today

    def _dates(self) -> Iterator[int]:
        """The dates inside the record, as it is and as it was first told."""
        for current in (self._current(), fold(self._told.versions[:1])):
            if current is not None:
                for one in _dates_of(decode(current)):
                    if isinstance(one, datetime):
                        yield micros(one)
                    else:
                        yield from (midnight(one, self._zone), midnight(one + _A_DAY, self._zone))


@lru_cache(maxsize=8192)  # looking back asks for the same days again for every customer
def midnight(day: date, zone: tzinfo) -> int:
    """The microsecond at which `day` begins in `zone`."""
    return micros(datetime.combine(day, time(), zone))


def _believed(rewound: Record, today: Record, at: datetime) -> Record:
    """`rewound` with what has no date taken from `today`."""
    replace = msgspec.structs.replace
    if isinstance(today, Customer):
        return replace(today, consents=tuple(one for one in today.consents if one.at is None or one.at <= at))
    if isinstance(today, Account):
        return today
    if isinstance(rewound, Contract) and isinstance(today, Contract) and goes_on(rewound):
        return replace(
            rewound,
            ends=today.ends,
            notice_by=today.notice_by,
            monthly_amount=today.monthly_amount,
            discount_ends=today.discount_ends,
            amount_after_discount=today.amount_after_discount,
        )
    return rewound


def _dates_of(record: Record) -> Iterator[datetime | date]:
    some: tuple[datetime | date | None, ...] = ()
    match record:
        case Customer():
            some = (record.customer_since, *(one.at for one in record.consents))
        case Contract():
            some = (record.starts, record.cancelled_at, record.ends)
        case Purchase():
            some = (record.at,)
        case Ticket():
            some = (record.opened, record.first_reply, record.resolved)
        case Interaction():
            some = (record.started, record.ended)
        case SurveyResponse():
            some = (record.sent, record.answered)
        case Usage():
            some = (record.day,)
        case _:
            pass
    for one in some:
        if isinstance(one, datetime) or (one is not None and 1970 < one.year < 2200):
            yield one
