"""Rehearsed runs counted, customer by customer. Counts of some customers join those of others, in whatever order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from heapq import heappush, heappushpop
from typing import TypeVar
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from bridge.automation.preview import Example
from bridge.automation.rehearsal import Rehearsed
from bridge.automation.rules import Automation
from bridge.automation.spending import period_of

_T = TypeVar("_T")
_Entry = tuple[datetime, str, Example]


class Reasons(Struct, kw_only=True):
    """Reasons with how often and for how many customers."""

    counts: Counter[str] = field(default_factory=Counter)
    customers: Counter[str] = field(default_factory=Counter)
    last: dict[str, str] = field(default_factory=dict)

    def add(self, reason: str, customer: str) -> None:
        """Once more, for `customer`, whose runs come together."""
        self.counts[reason] += 1
        if self.last.get(reason) != customer:
            self.customers[reason] += 1
            self.last[reason] = customer

    def join(self, other: Reasons) -> None:
        """Those of other customers."""
        self.counts.update(other.counts)
        self.customers.update(other.customers)


class StepCount(Struct, kw_only=True):
    """One step of `do`; `cost` in minor units."""

    came_up: int = 0
    done: int = 0
    customers: int = 0
    stopped: int = 0
    cost: int = 0
    last: str = ""
    refused: Reasons = field(default_factory=Reasons)
    postponed: Reasons = field(default_factory=Reasons)

    def join(self, other: StepCount) -> None:
        """Those of other customers."""
        self.came_up += other.came_up
        self.done += other.done
        self.customers += other.customers
        self.stopped += other.stopped
        self.cost += other.cost
        self.refused.join(other.refused)
        self.postponed.join(other.postponed)


class Slot(Struct, kw_only=True):
    """A week or a month; `cost` in minor units."""

    begun: int = 0
    messages: int = 0
    refused: int = 0
    cost: int = 0

    def join(self, other: Slot) -> None:
        """Those of other customers."""
        self.begun += other.begun
        self.messages += other.messages
        self.refused += other.refused
        self.cost += other.cost


class Exhaustion(Struct, kw_only=True):
    """A budget period whose money ran out: when first, and how many steps it refused."""

    at: datetime
    refused: int = 0


class Counts(Struct, kw_only=True):
    """All that is counted of the runs of one automation, each as `preview.Preview` names it; money in minor units."""

    steps: list[StepCount]
    weeks: dict[date, Slot] = field(default_factory=dict)
    """By Monday."""
    months: dict[str, Slot] = field(default_factory=dict)
    refused: Reasons = field(default_factory=Reasons)
    postponed: Reasons = field(default_factory=Reasons)
    not_begun: Reasons = field(default_factory=Reasons)
    states: Counter[str] = field(default_factory=Counter)
    exhausted: dict[str, Exhaustion] = field(default_factory=dict)
    takes: Counter[str] = field(default_factory=Counter)
    loses: Counter[str] = field(default_factory=Counter)
    met: Counter[str] = field(default_factory=Counter)
    """Customers at whom another automation came into its way, or it into that one's."""
    examples: list[tuple[datetime, str, Example]] = field(default_factory=list)
    """A heap, the newest of all."""
    spared: list[tuple[datetime, str, Example]] = field(default_factory=list)
    """The same of runs that came to nothing, because something kept them from the customer."""
    matched: int = 0
    runs: int = 0
    begun: int = 0
    held_out: int = 0
    supposed: int = 0
    reached: int = 0
    acted: int = 0
    messages: int = 0
    cost: int = 0
    valued: int = 0
    value: int = 0

    def join(self, other: Counts, most: int) -> None:
        """Those of other customers; of the examples of both the newest `most`, and of those spared."""
        for mine, theirs in zip(self.steps, other.steps, strict=True):
            mine.join(theirs)
        _join_slots(self.weeks, other.weeks)
        _join_slots(self.months, other.months)
        for reasons, some in (
            (self.refused, other.refused),
            (self.postponed, other.postponed),
            (self.not_begun, other.not_begun),
        ):
            reasons.join(some)
        for period, one in other.exhausted.items():
            self.exhaust(period, one.at, one.refused)
        self.states.update(other.states)
        self.takes.update(other.takes)
        self.loses.update(other.loses)
        self.met.update(other.met)
        for mine_shown, entries in ((self.examples, other.examples), (self.spared, other.spared)):
            for entry in entries:
                _keep(mine_shown, entry, most)
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def exhaust(self, period: str, at: datetime, refused: int) -> None:
        """The money of `period` did not last: `refused` steps from `at` on."""
        one = self.exhausted.setdefault(period, Exhaustion(at=at))
        one.at, one.refused = min(one.at, at), one.refused + refused


def _keep(heap: list[_Entry], entry: _Entry, most: int) -> None:
    """Where it is among the newest `most`."""
    if len(heap) < most:
        heappush(heap, entry)
    elif most:
        heappushpop(heap, entry)


_SUMS = tuple("matched runs begun held_out supposed reached acted messages cost valued value".split())


def _join_slots(slots: dict[_T, Slot], more: dict[_T, Slot]) -> None:
    for name, one in more.items():
        slots.setdefault(name, Slot()).join(one)


class Tally:
    """Counts the runs of `rule` into `counts`. `zone` is the company's, by which weeks and months begin."""

    def __init__(self, rule: Automation, zone: ZoneInfo, examples: int) -> None:
        self.counts = Counts(steps=[StepCount() for _ in rule.steps])
        self._rule, self._zone, self._most = rule, zone, examples

    def join(self, other: Counts) -> None:
        """What was counted of other customers."""
        self.counts.join(other, self._most)

    def matched(self, count: int) -> None:
        """So many facts set it off."""
        self.counts.matched += count

    def value(self, minor: int) -> None:
        """What one of those reached is worth."""
        self.counts.valued += 1
        self.counts.value += minor

    def add(self, runs: Iterable[Rehearsed]) -> bool:
        """All runs of one customer, those of others too; True when the customer was reached."""
        counts = self.counts
        reached = acted = False
        met: set[str] = set()
        for run in runs:
            if run.automation != self._rule.id:
                if losses := run.lost_to.count(self._rule.id):
                    counts.loses[run.automation] += losses
                    met.add(run.automation)
                continue
            counts.takes.update(run.lost_to)
            met.update(run.lost_to)
            self._run(run)
            acted = acted or bool(run.done)
            reached = reached or any(one.channel for one in run.done)
            if run.done or (run.state == "refused" and run.reason != "not_rolled_out"):
                shown = counts.examples if run.done else counts.spared
                _keep(shown, (run.fact.occurred_at, run.id, _example(run)), self._most)
        counts.met.update(met)
        counts.reached += reached
        counts.acted += acted
        return reached

    def _run(self, run: Rehearsed) -> None:
        counts = self.counts
        counts.runs += 1
        counts.states[run.state] += 1
        counts.supposed += run.supposed
        if run.state == "held_out":
            counts.held_out += 1
        elif run.begun_at is None:
            counts.not_begun.add(run.reason or run.state, run.customer)
        else:
            counts.begun += 1
            self._week(run.begun_at).begun += 1
        for place in {one.step for one in run.steps}:
            counts.steps[place].came_up += 1
        for one in run.steps:
            self._step(run, one.step, one.result, one.reason, one.at)
        for done in run.done:
            step = counts.steps[done.step]
            step.done += 1
            step.cost += done.cost
            if step.last != run.customer:
                step.last, step.customers = run.customer, step.customers + 1
            counts.cost += done.cost
            message = int(bool(done.channel))
            counts.messages += message
            for slot in (self._week(done.at), self._month(done.at)):
                slot.cost += done.cost
                slot.messages += message

    def _step(self, run: Rehearsed, place: int, result: str, reason: str, at: datetime) -> None:
        counts = self.counts
        step = counts.steps[place]
        if result == "waits":
            step.done += 1
        elif result == "stopped":
            step.stopped += 1
        elif result == "postponed":
            step.postponed.add(reason, run.customer)
            counts.postponed.add(reason, run.customer)
        elif result == "refused":
            step.refused.add(reason, run.customer)
            counts.refused.add(reason, run.customer)
            self._week(at).refused += 1
            if reason == "budget_spent":
                counts.exhaust(period_of(self._rule, at), at, 1)

    def _week(self, at: datetime) -> Slot:
        day = at.astimezone(self._zone).date()
        return self.counts.weeks.setdefault(day - timedelta(days=day.weekday()), Slot())

    def _month(self, at: datetime) -> Slot:
        return self.counts.months.setdefault(f"{at.astimezone(self._zone):%Y-%m}", Slot())


def _example(run: Rehearsed) -> Example:
    return Example(
        customer=run.customer,
        at=run.fact.occurred_at,
        state=run.state,
        reason=run.reason,
        steps=tuple(run.steps),
    )
