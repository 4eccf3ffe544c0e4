"""Budgets: what an automation may spend in a period, counted in the transaction of what is done."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from bridge.automation.rules import Automation
from bridge.model import Money
from bridge.store import Store, Unit

_PERIODS = {"day": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y", "ever": "ever"}


def period_of(rule: Automation, at: datetime) -> str:
    """The name of the period (in UTC) that what is spent at `at` counts to; "" without a budget."""
    return "" if rule.file.budget is None else at.strftime(_PERIODS[rule.file.budget.every])


def most_of(rule: Automation, currency: str) -> int | None:
    """The budget in minor units; None without one."""
    return None if rule.file.budget is None else Money.of(Decimal(str(rule.file.budget.amount)), currency).minor


async def spent(store: Store, rule: Automation, at: datetime) -> int:
    """What was spent in the period of `at`, in minor units."""
    row = await store.one("automations.spent", automation=rule.id, period=period_of(rule, at))
    return 0 if row is None else int(row[0])


async def room_for(store: Store, rule: Automation, minor: int, currency: str, now: datetime) -> bool:
    """Whether `minor` more fits into the budget."""
    most = most_of(rule, currency)
    return most is None or await spent(store, rule, now) + minor <= most


def spend(unit: Unit, rule: Automation, minor: int, currency: str, now: datetime) -> None:
    """Add to `unit` that `minor` is spent; Superseded where others have used up the budget meanwhile."""
    most = most_of(rule, currency)
    if most is None:
        return
    period = period_of(rule, now)
    unit.add("automations.begin_spending", automation=rule.id, period=period)
    unit.add("automations.spend", expect=1, automation=rule.id, period=period, minor=minor, most=most)


def give_back(unit: Unit, rule: Automation, minor: int, at: datetime) -> None:
    """Add to `unit` that what was spent at `at` was not spent after all."""
    if rule.file.budget is not None and minor:
        unit.add("automations.give_back", automation=rule.id, period=period_of(rule, at), minor=minor)
