"""Facts of the clock: nothing happened but that a day has come. Pure, so that a backtest makes the same ones.

A fact's id names the day it is about, so that looking again, or at days that overlap, makes no second one.
"""

from __future__ import annotations

import calendar
from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime, time, timedelta, timezone
from typing import Any, Final
from zoneinfo import ZoneInfo

from bridge.automation.forms import Schedule
from bridge.automation.rules import Automation
from bridge.facts import Fact, FactKind, Origin, fact_id
from bridge.model import Contract
from bridge.scoring.signals_contracts import goes_on
from bridge.scoring.view import Held, View

WEEKDAYS: Final = "monday tuesday wednesday thursday friday saturday sunday".split()


def falls_on(schedule: Schedule, day: date) -> bool:
    """Whether `day` is one of the schedule's days."""
    if schedule.months and day.month not in schedule.months:
        return False
    if schedule.weekday is not None and WEEKDAYS[day.weekday()] != schedule.weekday:
        return False
    last = calendar.monthrange(day.year, day.month)[1]
    return schedule.day_of_month is None or day.day == min(schedule.day_of_month, last)


def clock_rules(rules: Iterable[Automation]) -> list[Automation]:
    """Those that wait for a day."""
    return [rule for rule in rules if rule.trigger.by_clock]


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

    def fact(kind: FactKind, cause: str, state: str, day: date, **data: Any) -> Fact:
        begins = datetime.combine(day, time(), zone).astimezone(timezone.utc)
        return Fact(
            id=fact_id(kind, cause or view.id, state),
            kind=kind,
            customer=view.id,
            occurred_at=begins,
            known_at=now,
            origin=Origin.live,
            cause=cause,
            data=data,
        )

    for kind, ends in ((FactKind.contract_ending, _ends), (FactKind.discount_ending, _discount_ends)):
        for held in view.contracts:
            if (end := ends(held)) is not None:
                for days in sorted(wanted.get(kind, ())):
                    day = _before(end, days)
                    if after < day <= until:
                        product = held.record.product
                        yield fact(kind, held.ref, f"{days}:{end}", day, days=days, date=end, product=product)
    if (since := _since(view)) is not None:
        for count in sorted(wanted.get(FactKind.onboarding_day, ())):
            if after < (day := since + timedelta(days=count)) <= until:
                yield fact(FactKind.onboarding_day, "", f"{count}:{since}", day, day=count, date=since)
    if FactKind.customer_inactive in wanted and (last := _last_sign(view, now, zone)) is not None:
        for days in sorted(wanted[FactKind.customer_inactive]):
            if after < (day := last + timedelta(days=days)) <= until:
                yield fact(FactKind.customer_inactive, "", f"{days}:{last}", day, days=days, date=last)
    if FactKind.schedule_due in wanted:
        for ahead in range(1, (until - after).days + 1):
            day = after + timedelta(days=ahead)
            if any(rule.file.when.schedule and falls_on(rule.file.when.schedule, day) for rule in rules):
                yield fact(FactKind.schedule_due, "", f"{day}", day, date=day)


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
    """The day of the last thing that the customer did."""
    instants = [
        *(one.record.started or one.at for one in view.interactions),
        *(one.record.at or one.at for one in view.purchases),
        *(one.record.opened or one.at for one in view.tickets),
        *(one.record.answered for one in view.surveys if one.record.answered),
    ]
    days = [one.astimezone(zone).date() for one in instants if one <= now]
    days += [one.record.day for one in view.usage if one.record.day and one.record.value]
    return max(days, default=None)
