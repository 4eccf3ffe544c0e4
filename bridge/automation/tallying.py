"""Rehearsed runs counted into a preview, customer by customer."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from heapq import heappush, heappushpop
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from bridge.automation.preview import (
    BreakEven,
    Conflict,
    Cost,
    Example,
    Exhausted,
    Month,
    Note,
    Preview,
    Reason,
    StepDone,
    Week,
)
from bridge.automation.rehearsal import Rehearsed
from bridge.automation.rules import Act, Automation, Wait
from bridge.automation.spending import period_of
from bridge.model import Money
from bridge.playbook.breakeven import break_even_save_rate

MONTH_DAYS: Final = 30.44
MOST_EXHAUSTED: Final = 12
_NOT_BEGUN: Final = ("not_rolled_out", "too_old", "condition", "customer_gone")


class Period(Struct, frozen=True, kw_only=True):
    """From `since` on, before `until`."""

    since: datetime
    until: datetime

    @property
    def days(self) -> int:
        return round((self.until - self.since) / timedelta(days=1))


class _Reasons:
    """Reasons with how often and for how many customers."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._customers: Counter[str] = Counter()
        self._last: dict[str, str] = {}

    def add(self, reason: str, customer: str) -> None:
        self._counts[reason] += 1
        if self._last.get(reason) != customer:  # one customer's runs come together
            self._customers[reason] += 1
            self._last[reason] = customer

    def listed(self, scale: float) -> tuple[Reason, ...]:
        return tuple(
            Reason(reason=one, count=_scaled(count, scale), customers=_scaled(self._customers[one], scale))
            for one, count in sorted(self._counts.items(), key=lambda two: (-two[1], two[0]))
        )


class _Step(Struct, kw_only=True):
    came_up: int = 0
    done: int = 0
    customers: int = 0
    last: str = ""
    stopped: int = 0
    cost: int = 0
    refused: _Reasons = field(default_factory=_Reasons)
    postponed: _Reasons = field(default_factory=_Reasons)


class _Slot(Struct, kw_only=True):
    begun: int = 0
    messages: int = 0
    refused: int = 0
    cost: int = 0


class Tally:
    """Counts the runs of one automation. `others` are the titles of those that were rehearsed beside it."""

    def __init__(
        self, rule: Automation, others: Mapping[str, dict[str, str]], period: Period, zone: ZoneInfo, examples: int
    ) -> None:
        self._rule, self._others, self._period, self._zone, self._most = rule, others, period, zone, examples
        self._steps = [_Step() for _ in rule.steps]
        self._weeks: defaultdict[date, _Slot] = defaultdict(_Slot)
        self._months: defaultdict[str, _Slot] = defaultdict(_Slot)
        self._refused, self._postponed, self._not_begun = _Reasons(), _Reasons(), _Reasons()
        self._states: Counter[str] = Counter()
        self._exhausted: dict[str, tuple[datetime, int]] = {}
        self._taken: Counter[str] = Counter()
        self._lost: Counter[str] = Counter()
        self._met: Counter[str] = Counter()
        self._examples: list[tuple[datetime, str, Example]] = []
        self._runs = self._begun = self._held_out = self._reached = self._acted = self._messages = self._cost = 0
        self._supposed = self._matched = self._valued = self._value = 0

    def matched(self, count: int) -> None:
        """So many facts set it off."""
        self._matched += count

    def add(self, runs: Iterable[Rehearsed]) -> bool:
        """All runs of one customer, those of others too; True when the customer was reached."""
        reached = acted = False
        met: set[str] = set()
        for run in runs:
            if run.automation != self._rule.id:
                losses = run.lost_to.count(self._rule.id)
                if losses:
                    self._lost[run.automation] += losses
                    met.add(run.automation)
                continue
            for name in run.lost_to:
                self._taken[name] += 1
                met.add(name)
            self._run(run)
            acted = acted or bool(run.done)
            reached = reached or any(one.channel for one in run.done)
            if run.done:
                self._show(run)
        self._met.update(met)
        self._reached += reached
        self._acted += acted
        return reached

    def value(self, minor: int) -> None:
        """What one of those reached is worth."""
        self._valued += 1
        self._value += minor

    def _run(self, run: Rehearsed) -> None:
        self._runs += 1
        self._states[run.state] += 1
        self._supposed += run.supposed
        if run.state == "held_out":
            self._held_out += 1
        elif run.begun_at is None:
            self._not_begun.add(run.reason or run.state, run.customer)
        else:
            self._begun += 1
            self._week(run.begun_at).begun += 1
        for place in {one.step for one in run.steps}:
            self._steps[place].came_up += 1
        for one in run.steps:
            self._step(run, one.step, one.result, one.reason, one.at)
        for done in run.done:
            step = self._steps[done.step]
            step.done += 1
            step.cost += done.cost
            if step.last != run.customer:
                step.last, step.customers = run.customer, step.customers + 1
            self._cost += done.cost
            message = int(bool(done.channel))
            self._messages += message
            for slot in (self._week(done.at), self._months[_month(done.at, self._zone)]):
                slot.cost += done.cost
                slot.messages += message

    def _step(self, run: Rehearsed, place: int, result: str, reason: str, at: datetime) -> None:
        step = self._steps[place]
        if result == "waits":
            step.done += 1
        elif result == "stopped":
            step.stopped += 1
        elif result == "postponed":
            step.postponed.add(reason, run.customer)
            self._postponed.add(reason, run.customer)
        elif result == "refused":
            step.refused.add(reason, run.customer)
            self._refused.add(reason, run.customer)
            self._week(at).refused += 1
            if reason == "budget_spent":
                period = period_of(self._rule, at)
                first, count = self._exhausted.get(period, (at, 0))
                self._exhausted[period] = (min(first, at), count + 1)

    def _week(self, at: datetime) -> _Slot:
        day = at.astimezone(self._zone).date()
        return self._weeks[day - timedelta(days=day.weekday())]

    def _show(self, run: Rehearsed) -> None:
        example = Example(
            customer=run.customer,
            at=run.fact.occurred_at,
            state=run.state,
            reason=run.reason,
            steps=tuple(run.steps),
        )
        entry = (example.at, run.id, example)
        if len(self._examples) < self._most:
            heappush(self._examples, entry)
        elif self._most:
            heappushpop(self._examples, entry)

    def finish(
        self, *, customers: int, looked_at: int, notes: Iterable[Note], currency: str, seconds: float
    ) -> Preview:
        """All of it, scaled up where fewer than all customers were looked at."""
        rule, period = self._rule, self._period
        scale = customers / looked_at if looked_at else 1.0
        more = [Note(code="imported", count=_scaled(self._supposed, scale))] if self._supposed else []
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
            matched=_scaled(self._matched, scale),
            runs=_scaled(self._runs, scale),
            begun=_scaled(self._begun, scale),
            held_out=_scaled(self._held_out, scale),
            not_begun=self._not_begun.listed(scale),
            states={name: _scaled(count, scale) for name, count in sorted(self._states.items())},
            reached=_scaled(self._reached, scale),
            acted_for=_scaled(self._acted, scale),
            messages=_scaled(self._messages, scale),
            steps=tuple(self._listed(place, currency, scale) for place in range(len(self._steps))),
            refused=self._refused.listed(scale),
            postponed=self._postponed.listed(scale),
            cost=self._costs(currency, scale),
            break_even=self._break_even(currency, scale),
            conflicts=self._conflicts(scale),
            weeks=self._plot(currency, scale),
            examples=tuple(one for _, _, one in sorted(self._examples, key=lambda two: two[:2], reverse=True)),
            notes=(*notes, *more),
            seconds=round(seconds, 3),
        )

    def _listed(self, place: int, currency: str, scale: float) -> StepDone:
        step, what = self._steps[place], self._rule.steps[place]
        return StepDone(
            step=place,
            do=what.do if isinstance(what, Act) else "wait" if isinstance(what, Wait) else "stop_if",
            came_up=_scaled(step.came_up, scale),
            done=_scaled(step.done, scale),
            customers=_scaled(step.customers, scale),
            refused=step.refused.listed(scale),
            postponed=step.postponed.listed(scale),
            stopped=_scaled(step.stopped, scale),
            cost=_money(step.cost * scale, currency),
        )

    def _costs(self, currency: str, scale: float) -> Cost:
        budget, period = self._rule.file.budget, self._period
        spans = sorted(self._exhausted.items())
        return Cost(
            currency=currency,
            total=_money(self._cost * scale, currency),
            per_month=_money(self._cost * scale / max(1, period.days) * MONTH_DAYS, currency),
            per_reached=_money(self._cost / self._reached, currency) if self._reached else 0.0,
            months=tuple(
                Month(
                    month=name,
                    messages=_scaled(self._months[name].messages, scale),
                    cost=_money(self._months[name].cost * scale, currency),
                    whole=whole,
                )
                for name, whole in _months(period, self._zone)
            ),
            budget=None if budget is None else budget.amount,
            every="" if budget is None else budget.every,
            exhausted=tuple(
                Exhausted(period=name, at=at, refused=_scaled(count, scale))
                for name, (at, count) in spans[:MOST_EXHAUSTED]
            ),
            exhausted_periods=len(spans),
        )

    def _break_even(self, currency: str, scale: float) -> BreakEven:
        cost = self._cost / self._reached if self._reached else 0.0
        value = self._value / self._valued if self._valued else None
        share = break_even_save_rate(0.0, cost, value) if value is not None and self._reached else None
        return BreakEven(
            cost_each=_money(cost, currency),
            value_each=None if value is None else _money(value, currency),
            valued=_scaled(self._valued, scale),
            share=share,
            one_in=int(1 / share) if share else None,
        )

    def _conflicts(self, scale: float) -> tuple[Conflict, ...]:
        return tuple(
            Conflict(
                automation=name,
                title=self._others.get(name, {}),
                takes=_scaled(self._taken[name], scale),
                loses=_scaled(self._lost[name], scale),
                customers=_scaled(self._met[name], scale),
            )
            for name in sorted(self._met, key=lambda one: (-self._met[one], one))
        )

    def _plot(self, currency: str, scale: float) -> tuple[Week, ...]:
        first = self._period.since.astimezone(self._zone).date()
        day, weeks = first - timedelta(days=first.weekday()), []
        while day < self._period.until.astimezone(self._zone).date() + timedelta(days=1):
            slot = self._weeks[day]
            weeks.append(
                Week(
                    begins=day,
                    begun=_scaled(slot.begun, scale),
                    messages=_scaled(slot.messages, scale),
                    refused=_scaled(slot.refused, scale),
                    cost=_money(slot.cost * scale, currency),
                )
            )
            day += timedelta(days=7)
        return tuple(weeks)


def _scaled(count: int, scale: float) -> int:
    return round(count * scale)


def _money(minor: float, currency: str) -> float:
    return float(Money(round(minor), currency).amount)


def _month(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m}"


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
