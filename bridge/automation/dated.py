"""Facts of the clock: nothing happened but that a day has come. Pure, so that a backtest makes the same ones.

A fact's id names the day it is about, so that looking again, or at days that overlap, makes no second one.
"""

from __future__ import annotations

import calendar
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta, timezone
from itertools import chain
from typing import Any, Final, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from bridge.automation.forms import Schedule
from bridge.automation.rules import Automation
from bridge.facts import Fact, FactKind, Origin, fact_id
from bridge.model import Contract
from bridge.scoring.signals_contracts import goes_on
from bridge.scoring.signals_exchange import is_personal
from bridge.scoring.view import Held, View

_Wanted: TypeAlias = Mapping[FactKind, Collection[int]]
WEEKDAYS: Final = "monday tuesday wednesday thursday friday saturday sunday".split()


def falls_on(schedule: Schedule, day: date) -> bool:
    """Whether `day` is one of the schedule's days."""
    if schedule.months and day.month not in schedule.months:
        return False
    if schedule.weekday is not None and WEEKDAYS[day.weekday()] != schedule.weekday:
        return False
    last = calendar.monthrange(day.year, day.month)[1]
    return schedule.day_of_month is None or day.day == min(schedule.day_of_month, last)


class _Day(NamedTuple):
    """A day that is waited for, and what its fact says."""

    kind: FactKind
    cause: str
    state: str
    day: date
    data: dict[str, Any]


def dated_facts(
    rules: Collection[Automation], view: View, after: date, until: date, zone: ZoneInfo, now: datetime
) -> Iterator[Fact]:
    """What the days after `after` up to `until` bring for the customer of `view`, as far as `rules` wait for it.

    Each occurs at the beginning of its day in `zone`.
    """
    wanted: dict[FactKind, set[int]] = {}
    for rule in rules:
        count = getattr(rule.file.when, rule.trigger.counts) if rule.trigger.counts else 0
        wanted.setdefault(rule.kind, set()).add(count)
    schedules = [rule.file.when.schedule for rule in rules if rule.file.when.schedule is not None]
    days = [after + timedelta(days=ahead) for ahead in range(1, (until - after).days + 1)]
    for one in chain(_contracts(wanted, view), _customer(wanted, view, now, zone), _calendar(schedules, days)):
        if after < one.day <= until:
            yield Fact(
                id=fact_id(one.kind, one.cause or view.id, one.state),
                kind=one.kind,
                customer=view.id,
                occurred_at=datetime.combine(one.day, time(), zone).astimezone(timezone.utc),
                known_at=now,
                origin=Origin.live,
                cause=one.cause,
                data=one.data,
            )


def _contracts(wanted: _Wanted, view: View) -> Iterator[_Day]:
    for kind, ends in ((FactKind.contract_ending, _ends), (FactKind.discount_ending, _discount_ends)):
        for held in view.contracts:
            if (end := ends(held)) is not None:
                for days in sorted(wanted.get(kind, ())):
                    data = {"days": days, "date": end, "product": held.record.product}
                    yield _Day(kind, held.ref, f"{days}:{end}", _before(end, days), data)


def _customer(wanted: _Wanted, view: View, now: datetime, zone: ZoneInfo) -> Iterator[_Day]:
    if (since := _since(view)) is not None:
        for count in sorted(wanted.get(FactKind.onboarding_day, ())):
            day = since + timedelta(days=count)
            yield _Day(FactKind.onboarding_day, "", f"{count}:{since}", day, {"day": count, "date": since})
    if FactKind.customer_inactive in wanted and (last := _last_sign(view, now, zone)) is not None:
        for count in sorted(wanted[FactKind.customer_inactive]):
            day = last + timedelta(days=count)
            yield _Day(FactKind.customer_inactive, "", f"{count}:{last}", day, {"days": count, "date": last})


def _calendar(schedules: Collection[Schedule], days: Iterable[date]) -> Iterator[_Day]:
    for day in days:
        if any(falls_on(schedule, day) for schedule in schedules):
            yield _Day(FactKind.schedule_due, "", f"{day}", day, {"date": day})


def _ends(held: Held[Contract]) -> date | None:
    return held.record.ends if goes_on(held.record) else None


def _discount_ends(held: Held[Contract]) -> date | None:
    return held.record.discount_ends if goes_on(held.record) else None


def _before(end: date, days: int) -> date:
    return end - timedelta(days=days) if (end - date.min).days > days else date.min


def _since(view: View) -> date | None:
    """When the customer came: the date the company keeps, else the first contract."""
    known = view.customer.customer_since
    since = known or min((one.record.starts for one in view.contracts if one.record.starts), default=None)
    return since if since is not None and since.year < date.max.year - 20 else None


def _last_sign(view: View, now: datetime, zone: ZoneInfo) -> date | None:
    """The day of the last thing that the customer did; a mass mailing that they got is none."""
    instants = (
        *(one.record.started or one.at for one in view.interactions if is_personal(one.record)),
        *(one.record.at or one.at for one in view.purchases),
        *(one.record.opened or one.at for one in view.tickets),
        *(one.record.answered for one in view.surveys if one.record.answered),
    )
    today = now.astimezone(zone).date()
    last = max((one for one in instants if one <= now), default=None)
    used = (one.record.day for one in view.usage if one.record.day and one.record.value)
    days = [day for day in used if day <= today]
    return max([last.astimezone(zone).date(), *days] if last is not None else days, default=None)
