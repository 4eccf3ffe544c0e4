"""A budget over all customers of a rehearsal, who are looked at one after the other while its money is spent by the
clock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from bridge.automation.rehearsal import Rehearsed, Spent
from bridge.automation.rules import Automation
from bridge.automation.spending import most_of, period_of


class Ledger:
    """Which steps the budget of `rule` had no room for, by what all customers together asked for.

    At first it has room for everything. `reckon` says what is refused; what then is not spent may leave room, and who
    was refused may ask for something else later: it is asked again until nothing changes.
    """

    def __init__(self, rule: Automation, currency: str) -> None:
        self._rule, self._most = rule, most_of(rule, currency)
        self._refused: frozenset[tuple[str, int]] = frozenset()
        self.share = 1.0
        """Of the budget, where only a share of the customers is looked at."""

    def room(self, rule: Automation, run: str, step: int, minor: int, at: datetime) -> bool:
        """See `rehearsing.Purse`; budgets of others are not followed."""
        return rule.id != self._rule.id or (run, step) not in self._refused

    def reckon(self, runs: Iterable[Rehearsed]) -> set[str]:
        """Spend anew what `runs` asked for, by the clock; returns the runs of which another step is refused now."""
        asked = sorted((one for run in runs for one in run.asked), key=_by_the_clock)
        spent: defaultdict[str, int] = defaultdict(int)
        paid: dict[tuple[str, int], str] = {}
        refused: set[tuple[str, int]] = set()
        for one in asked:
            place = (one.run, one.step)
            if one.minor < 0:
                if place in paid:
                    spent[paid.pop(place)] += one.minor
                continue
            period = period_of(self._rule, one.at)
            if self._most is not None and spent[period] + one.minor > self._most * self.share:
                refused.add(place)
            else:
                spent[period] += one.minor
                paid[place] = period
        changed = {run for run, _ in refused ^ self._refused}
        self._refused = frozenset(refused)
        return changed


def _by_the_clock(one: Spent) -> tuple[datetime, bool, str, int]:
    return (one.at, one.minor < 0, one.run, one.step)
