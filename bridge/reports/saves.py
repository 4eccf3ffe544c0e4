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
    tier: str = "unknown"
    """Of the customer, today."""
    disposition: str | None = None


class Lost(Struct, frozen=True, kw_only=True):
    """A customer of whom `lost` was the last that was recorded in the month, and why, as the agent put it."""

    place: int
    tier: str
    disposition: str | None


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


class Books(Struct, frozen=True):
    """What was recorded and spent so far: sums, and of each customer the last result of the month."""

    months: Months
    zone: tzinfo
    last: dict[tuple[int, str], Recorded]
    granted: defaultdict[int, int]
    outreach: defaultdict[int, int]

    def add(self, one: Recorded) -> None:
        """Book an outcome; they come in the order in which they were recorded."""
        place = self._place(one.at)
        if place is None:
            return
        self.granted[place] += one.cost or 0
        if one.result is not None:
            self.last[place, one.customer] = one

    def spend(self, at: datetime, cost: int) -> None:
        """Book what automations sent, in minor units of the main currency."""
        place = self._place(at)
        if place is not None:
            self.outreach[place] += cost

    def lost(self) -> tuple[Lost, ...]:
        """Those whom nobody could keep: as many as `lost` says."""
        return tuple(
            Lost(place=place, tier=one.tier, disposition=one.disposition)
            for (place, _), one in self.last.items()
            if one.result == "lost"
        )

    def tell(
        self,
        *,
        retention: Iterable[Cell],
        metering: Metering,
        cost_of_new: float | None,
        worth: float | None,
        unit: int,
    ) -> tuple[Saves, ...]:
        """Every month. `retention` has one cell a month, of everybody; `cost_of_new` is in whole units (of `unit` minor
        ones), `worth` the mean value of a customer in minor units."""
        results: defaultdict[int, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
        for (place, _), one in self.last.items():
            results[place][str(one.result)] += 1
        won = {cell.month: cell.new for cell in retention}
        found = []
        for place, name in enumerate(self.months.names):
            new = won.get(name, 0)
            spending = _acquisition(name, new, metering, cost_of_new, unit)
            found.append(_month(name, results[place], self.granted[place], self.outreach[place], new, spending, worth))
        return tuple(found)

    def _place(self, at: datetime) -> int | None:
        return self.months.of(at.astimezone(self.zone).date().toordinal())


def open_books(months: Months, zone: tzinfo) -> Books:
    """Nothing booked yet."""
    return Books(months, zone, {}, defaultdict(int), defaultdict(int))


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
