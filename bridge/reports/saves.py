"""What keeping customers brought and cost, month by month, beside what winning new ones costs. Pure; never by agent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo

from msgspec import Struct

from bridge.playbook.breakeven import break_even_save_rate
from bridge.playbook.metering import Metering
from bridge.reports.months import Months
from bridge.reports.retention import Cell


class Recorded(Struct, frozen=True, kw_only=True):
    """One outcome: `cost` of what was granted, in minor units of the main currency; None in another without a rate."""

    at: datetime
    customer: str
    result: str | None = None
    cost: int | None = 0


class Spent(Struct, frozen=True):
    """What an automation sent, and its cost in minor units of the main currency."""

    at: datetime
    cost: int


class Saves(Struct, frozen=True, kw_only=True):
    """One month. Money in minor units of the main currency."""

    month: str
    saved: int
    """Customers of whom `saved` was the last that an agent recorded in the month. Recorded is not proved: what was
    caused by it says the report on scripts (docs/CHOICE.md)."""
    lost: int
    pending: int
    save_rate: float | None
    """saved / (saved + lost)."""
    granted: int
    """Cost of the offers granted."""
    outreach: int
    """Cost of what automations sent."""
    retention_cost: int
    """granted + outreach."""
    cost_per_save: float | None
    """retention_cost / saved."""
    break_even: float | None
    """The save rate from which on the month pays: cost per decided case / what a customer is worth on average. None
    without cases, or where it never does."""
    new: int
    acquisition_cost: int | None
    """What was spent on winning customers; None where nobody said."""
    cost_per_new: float | None


def tell_saves(
    months: Months,
    zone: tzinfo,
    *,
    recorded: Iterable[Recorded],
    spent: Iterable[Spent],
    retention: Iterable[Cell],
    metering: Metering,
    cost_of_new: float | None,
    worth: float | None,
    unit: int,
) -> tuple[Saves, ...]:
    """Every month. `retention` has one cell a month, of everybody; `cost_of_new` is in whole units (of `unit` minor
    ones), `worth` the mean value of a customer in minor units."""
    last: dict[tuple[int, str], str] = {}
    granted: defaultdict[int, int] = defaultdict(int)
    outreach: defaultdict[int, int] = defaultdict(int)
    for one in sorted(recorded, key=lambda each: each.at):
        place = months.of(one.at.astimezone(zone).date().toordinal())
        if place is None:
            continue
        granted[place] += one.cost or 0
        if one.result is not None:
            last[place, one.customer] = one.result
    for sent in spent:
        place = months.of(sent.at.astimezone(zone).date().toordinal())
        if place is not None:
            outreach[place] += sent.cost
    results: defaultdict[int, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for (place, _), result in last.items():
        results[place][result] += 1
    won = {cell.month: cell.new for cell in retention}
    found = []
    for place, name in enumerate(months.names):
        spending = _acquisition(name, won.get(name, 0), metering, cost_of_new, unit)
        found.append(_month(name, results[place], granted[place], outreach[place], won.get(name, 0), spending, worth))
    return tuple(found)


def _acquisition(month: str, won: int, metering: Metering, cost_of_new: float | None, unit: int) -> int | None:
    said = metering.acquisition_spent.get(month)
    if said is not None:
        return round(said * unit)
    return None if cost_of_new is None else round(cost_of_new * unit * won)


def _month(
    month: str,
    results: Mapping[str, int],
    granted: int,
    outreach: int,
    won: int,
    acquisition: int | None,
    worth: float | None,
) -> Saves:
    saved, lost = results.get("saved", 0), results.get("lost", 0)
    cost, cases = granted + outreach, saved + lost
    even = None
    if cases and worth is not None and worth > 0:
        even = break_even_save_rate(0.0, cost / cases, worth)
    return Saves(
        month=month,
        saved=saved,
        lost=lost,
        pending=results.get("pending", 0),
        save_rate=saved / cases if cases else None,
        granted=granted,
        outreach=outreach,
        retention_cost=cost,
        cost_per_save=cost / saved if saved else None,
        break_even=even,
        new=won,
        acquisition_cost=acquisition,
        cost_per_new=acquisition / won if acquisition is not None and won else None,
    )
