"""The contract of one line: first-year discount, two years bound, then from month to month or bound anew."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

import msgspec
from msgspec import Struct, field

from bridge.model import ContractStatus, Money
from bridge.sample import words
from bridge.sample.leaving import NEVER
from bridge.sample.people import Unit
from bridge.sample.records import Agreement, Cause
from bridge.sample.world import World

YEAR = 365
_NOTICE = timedelta(days=30)
_RISE = 300
"""Cents a month that each general price rise adds."""


class Terms(Struct, kw_only=True):
    """As they stand in the week that is being lived. Amounts in cents a month."""

    starts: date
    ends: date | None
    """Bound until then; None: from month to month."""
    discount_ends: date | None
    amount: int
    after: int

    @property
    def jump(self) -> float:
        """By how much the price will rise, or has just risen, at the end of the discount."""
        return self.after / self.amount - 1 if self.discount_ends else 0.0

    def bound(self, day: date) -> int:
        """Weeks from `day` until the contract can be left."""
        return max(0, (self.ends - day).days // 7) if self.ends else 0

    def since_discount(self, day: date) -> int:
        """Weeks since the discount ended, negative before it."""
        return (day - self.discount_ends).days // 7 if self.discount_ends else -NEVER

    def earliest_end(self, given: date, cause: Cause, *, rise: bool) -> date:
        """The day on which notice `given` takes effect; some causes free from the bond (moving out of the area, a
        price rise, a line that never worked, death)."""
        month = given + _NOTICE
        if cause is Cause.onboarding:
            return given + timedelta(days=14)
        if cause in (Cause.moving, Cause.death) or (cause is Cause.price and rise) or self.ends is None:
            return month
        return max(month, self.ends)


def sign(random: Random, unit: Unit, world: World) -> Terms:
    """The terms of `unit` in the week in which its story begins."""
    tariff, starts = unit.tariff, unit.starts
    first = max(starts, world.start)
    terms = Terms(starts=starts, ends=None, discount_ends=None, amount=tariff.after, after=tariff.after)
    if starts >= world.start - timedelta(days=2 * YEAR):
        terms.ends = starts + timedelta(days=2 * YEAR)
        if random.random() < 0.66:
            terms.discount_ends = starts + timedelta(days=YEAR)
            if terms.discount_ends > first - timedelta(days=90):
                terms.amount = tariff.first
    elif random.random() < 0.6:
        terms.ends = first + timedelta(days=random.randrange(10, 2 * YEAR))
        if random.random() < 0.4:
            terms.discount_ends = terms.ends - timedelta(days=YEAR)
            terms.amount = tariff.first + 300
    return terms


def turn(random: Random, terms: Terms, day: date, *, content: bool) -> None:
    """Let `day` do to `terms` what days do: discounts run out, bonds too, and who is content may bind anew."""
    if terms.discount_ends and day - terms.discount_ends > timedelta(days=90):
        terms.amount, terms.discount_ends = terms.after, None
    expired = terms.ends is not None and day >= terms.ends
    if expired:
        terms.ends = None
    share = (0.55 if content else 0.15) if expired else 0.004 if content and terms.ends is None else 0.0
    if share and random.random() < share:
        terms.ends = day + timedelta(days=2 * YEAR)
        if random.random() < 0.6:
            terms.amount = max(1990, terms.after * 8 // 100 * 10)
            terms.discount_ends = day + timedelta(days=YEAR)


def rise(terms: Terms) -> bool:
    """A general price rise; True where it is felt at once, False where a discount still runs."""
    terms.after += _RISE
    if terms.discount_ends is None:
        terms.amount = terms.after
        return True
    return False


class Book(Struct, kw_only=True):
    """The contract as the CRM had it, state after state. Draws nothing."""

    unit: Unit
    first: date
    states: list[Agreement] = field(default_factory=list)
    _shown: tuple[object, ...] = ()

    def keep(self, terms: Terms, day: date, *, cause: Cause | None, noticed: date | None, left: date | None) -> None:
        """Note how the contract stands on `day`, if that is not how it stood before."""
        gone = left is not None and left <= day
        over = terms.discount_ends is None or terms.discount_ends < day
        shown = (terms.ends, over or terms.amount, terms.after, over, noticed, gone)
        if shown == self._shown:
            return
        self._shown = shown
        state = _agreement(self.unit, terms, over=over, cause=cause, noticed=noticed, left=left, gone=gone)
        self.states.append(msgspec.structs.replace(state, changed=self._since(state, terms, day)))

    def _since(self, state: Agreement, terms: Terms, day: date) -> date:
        """The day of what has happened, which is not always the one on which it is looked at."""
        if not self.states:
            return max(self.first, terms.starts)
        before = self.states[-1]
        if state.ends and state.status is ContractStatus.ended:
            day = state.ends
        elif state.cancelled_at and not before.cancelled_at:
            day = state.cancelled_at
        elif before.discount_ends and not state.discount_ends:
            day = min(day, before.discount_ends + timedelta(days=1))
        return max(day, before.changed or day)


def _agreement(
    unit: Unit, terms: Terms, *, over: bool, cause: Cause | None, noticed: date | None, left: date | None, gone: bool
) -> Agreement:
    """The row of the CRM; `over`: no discount runs."""
    ends = left if noticed else terms.ends
    return Agreement(
        id=f"V{unit.persons[0].id}",
        customer_id=unit.persons[0].id,
        account_id=unit.company.id if unit.business and unit.company else None,
        product=unit.tariff.product,
        status=ContractStatus.ended if gone else ContractStatus.cancelled if noticed else ContractStatus.active,
        starts=terms.starts,
        ends=ends,
        notice_by=ends - _NOTICE if ends and not noticed else None,
        renewal="automatic",
        monthly_amount=Money(terms.after if over else terms.amount, "EUR"),
        discount_ends=None if over else terms.discount_ends,
        amount_after_discount=None if over else Money(terms.after, "EUR"),
        cancelled_at=noticed,
        cancel_reason=words.REASONS[cause] if noticed and cause else None,
    )
