"""What keeping customers cost, beside what winning new ones costs, and from which save rate on it pays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from bridge.playbook.experiment import NEUTRAL
from bridge.reports.effects import Effect


class Entry(Struct, frozen=True, kw_only=True):
    """One script in one situation. Money in whole units of the main currency, ranges at 95 %."""

    situation: str
    arm: str
    shown: int
    granted: float
    saves: tuple[float, float, float] | None
    """Customers who stayed because of it: low, estimate, high. None where too few were shown."""
    cost_per_save: tuple[float, float, float | None] | None
    """Low, estimate, high, of what it costs more than the neutral script; high is None while it may be that nobody was
    saved. None where more were not saved than were, or too few shown."""
    acquisition_cost: float | None
    """What winning a new customer costs instead."""
    break_even: float | None
    """The share that has to be saved for it to pay: cost for each time it is shown / margin that stays with a customer.
    None where that margin is nothing."""
    pays: Literal["yes", "no", "unclear"]
    """Whether it brings more money than the neutral script: by the range of the money itself, not by the two above."""


def keep_ledger(effects: Iterable[Effect], acquisition_cost: float | None = None) -> tuple[Entry, ...]:
    """The ledger of all scripts but the neutral one."""
    return tuple(_entry(effect, acquisition_cost) for effect in effects if effect.arm != NEUTRAL)


def _entry(effect: Effect, acquisition_cost: float | None) -> Entry:
    saves = cost_per_save = None
    if effect.more_stay is not None:
        low, high = effect.more_stay.interval()
        saves = (low * effect.shown, effect.more_stay.value * effect.shown, high * effect.shown)
        spent = effect.granted if effect.more_cost is None else effect.more_cost.value * effect.shown
        if saves[1] > 0:
            cost_per_save = (spent / saves[2], spent / saves[1], spent / saves[0] if saves[0] > 0 else None)
    pays: Literal["yes", "no", "unclear"] = "unclear"
    if effect.more_money is not None:
        low, high = effect.more_money.interval()
        pays = "yes" if low > 0 else "no" if high < 0 else "unclear"
    return Entry(
        situation=effect.situation,
        arm=effect.arm,
        shown=effect.shown,
        granted=effect.granted,
        saves=saves,
        cost_per_save=cost_per_save,
        acquisition_cost=acquisition_cost,
        break_even=effect.granted / effect.shown / effect.value if effect.value > 0 else None,
        pays=pays,
    )
