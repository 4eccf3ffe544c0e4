"""What was counted of rehearsed runs, made into the answer of a preview, and scaled up where only a part of the
customers was looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from bridge.automation.preview import (
    BreakEven,
    Conflict,
    Cost,
    Example,
    Exhausted,
    Month,
    Note,
    Period,
    Preview,
    Reason,
    StepDone,
    Week,
)
from bridge.automation.rules import Act, Automation, Wait
from bridge.automation.tallying import Counts, Reasons, Slot, StepCount
from bridge.model import Money
from bridge.playbook.breakeven import break_even_save_rate

MONTH_DAYS: Final = 30.44
MOST_EXHAUSTED: Final = 12


class Scene(Struct, frozen=True, kw_only=True):
    """What `rule` was rehearsed in: the period, the company's zone and currency, titles of the others beside it."""

    rule: Automation
    period: Period
    zone: ZoneInfo
    currency: str
    others: Mapping[str, dict[str, str]]


def estimate(
    counts: Counts, scene: Scene, *, customers: int, looked_at: int, notes: Iterable[Note], seconds: float
) -> Preview:
    """The answer, for `customers` of whom `looked_at` were looked at."""
    rule, period, scale = scene.rule, scene.period, customers / looked_at if looked_at else 1.0
    supposed = _scaled(counts.supposed, scale)
    return Preview(
        automation=rule.id,
        version=rule.version,
        title=rule.file.title,
        since=period.since,
        until=period.until,
        days=period.days,
        customers=customers,
        looked_at=looked_at,
        estimated=looked_at < customers,
        matched=_scaled(counts.matched, scale),
        runs=_scaled(counts.runs, scale),
        begun=_scaled(counts.begun, scale),
        held_out=_scaled(counts.held_out, scale),
        not_begun=_listed(counts.not_begun, scale),
        states={name: _scaled(count, scale) for name, count in sorted(counts.states.items())},
        reached=_scaled(counts.reached, scale),
        acted_for=_scaled(counts.acted, scale),
        messages=_scaled(counts.messages, scale),
        steps=tuple(_step(one, place, scene, scale) for place, one in enumerate(counts.steps)),
        refused=_listed(counts.refused, scale),
        postponed=_listed(counts.postponed, scale),
        cost=_costs(counts, scene, scale),
        break_even=_break_even(counts, scene, scale),
        conflicts=_conflicts(counts, scene, scale),
        weeks=tuple(_weeks(counts, scene, scale)),
        examples=_newest_first(counts.examples),
        spared=_newest_first(counts.spared),
        notes=(*notes, *([Note(code="imported", count=supposed)] if supposed else [])),
        seconds=round(seconds, 3),
    )


def _newest_first(entries: Iterable[tuple[datetime, str, Example]]) -> tuple[Example, ...]:
    return tuple(one for _, _, one in sorted(entries, key=lambda two: two[:2], reverse=True))


def _listed(reasons: Reasons, scale: float) -> tuple[Reason, ...]:
    return tuple(
        Reason(reason=one, count=_scaled(count, scale), customers=_scaled(reasons.customers[one], scale))
        for one, count in sorted(reasons.counts.items(), key=lambda two: (-two[1], two[0]))
    )


def _step(counted: StepCount, place: int, scene: Scene, scale: float) -> StepDone:
    what = scene.rule.steps[place]
    return StepDone(
        step=place,
        do=what.do if isinstance(what, Act) else "wait" if isinstance(what, Wait) else "stop_if",
        came_up=_scaled(counted.came_up, scale),
        done=_scaled(counted.done, scale),
        customers=_scaled(counted.customers, scale),
        refused=_listed(counted.refused, scale),
        postponed=_listed(counted.postponed, scale),
        stopped=_scaled(counted.stopped, scale),
        cost=_money(counted.cost * scale, scene.currency),
    )


def _costs(counts: Counts, scene: Scene, scale: float) -> Cost:
    budget, period, currency = scene.rule.file.budget, scene.period, scene.currency
    spans = sorted(counts.exhausted.items())
    nothing = Slot()
    return Cost(
        currency=currency,
        total=_money(counts.cost * scale, currency),
        per_month=_money(counts.cost * scale / max(1, period.days) * MONTH_DAYS, currency),
        per_reached=_money(counts.cost / counts.reached, currency) if counts.reached else 0.0,
        months=tuple(
            Month(
                month=name,
                messages=_scaled(counts.months.get(name, nothing).messages, scale),
                cost=_money(counts.months.get(name, nothing).cost * scale, currency),
                whole=whole,
            )
            for name, whole in _months(period, scene.zone)
        ),
        budget=None if budget is None else budget.amount,
        every="" if budget is None else budget.every,
        exhausted=tuple(
            Exhausted(period=name, at=one.at, refused=_scaled(one.refused, scale))
            for name, one in spans[:MOST_EXHAUSTED]
        ),
        exhausted_periods=len(spans),
    )


def _break_even(counts: Counts, scene: Scene, scale: float) -> BreakEven:
    cost = counts.cost / counts.reached if counts.reached else 0.0
    value = counts.value / counts.valued if counts.valued else None
    share = break_even_save_rate(0.0, cost, value) if value is not None and counts.reached else None
    return BreakEven(
        cost_each=_money(cost, scene.currency),
        value_each=None if value is None else _money(value, scene.currency),
        valued=_scaled(counts.valued, scale),
        share=share,
        one_in=int(1 / share) if share else None,
    )


def _conflicts(counts: Counts, scene: Scene, scale: float) -> tuple[Conflict, ...]:
    return tuple(
        Conflict(
            automation=name,
            title=scene.others.get(name, {}),
            takes=_scaled(counts.takes[name], scale),
            loses=_scaled(counts.loses[name], scale),
            customers=_scaled(counts.met[name], scale),
        )
        for name in sorted(counts.met, key=lambda one: (-counts.met[one], one))
    )


def _weeks(counts: Counts, scene: Scene, scale: float) -> Iterable[Week]:
    first, last = (at.astimezone(scene.zone).date() for at in (scene.period.since, scene.period.until))
    day, nothing = first - timedelta(days=first.weekday()), Slot()
    while day <= last:
        slot = counts.weeks.get(day, nothing)
        yield Week(
            begins=day,
            begun=_scaled(slot.begun, scale),
            messages=_scaled(slot.messages, scale),
            refused=_scaled(slot.refused, scale),
            cost=_money(slot.cost * scale, scene.currency),
        )
        day += timedelta(days=7)


def _scaled(count: int, scale: float) -> int:
    return round(count * scale)


def _money(minor: float, currency: str) -> float:
    return float(Money(round(minor), currency).amount)


def _months(period: Period, zone: ZoneInfo) -> list[tuple[str, bool]]:
    """Every calendar month that the period touches, and whether all of it lies within."""
    first = period.since.astimezone(zone).date().replace(day=1)
    found = []
    while first <= (period.until - timedelta(microseconds=1)).astimezone(zone).date():
        following = (first + timedelta(days=32)).replace(day=1)
        begins, ends = (datetime.combine(day, datetime.min.time(), zone) for day in (first, following))
        found.append((f"{first:%Y-%m}", period.since <= begins and ends <= period.until))
        first = following
    return found
