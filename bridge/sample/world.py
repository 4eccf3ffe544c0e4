"""What happens to all customers alike: regional faults, price rises, rivals' campaigns, how busy the hotline is."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, time, timedelta, timezone
from functools import cached_property
from random import Random

import msgspec

from bridge.sample.names import REGIONS

WEEKS = 156
"""Three years; week 0 is the first, the last ends yesterday."""
WEEK = timedelta(days=7)
NETWORKS = ("dsl", "fibre")


class Outage(msgspec.Struct, frozen=True):
    """A line fault of a whole region, on one network."""

    region: str
    network: str
    week: int
    hours: float


class World(msgspec.Struct, frozen=True, dict=True):
    """The common shocks. `today` is the day on which the sample is looked at."""

    today: date
    outages: tuple[Outage, ...]
    rises: tuple[int, ...]
    """Weeks in which higher prices were announced to all whose first price had run out."""
    campaigns: tuple[tuple[str, int], ...]
    """Region and week in which a rival began to sell cheap fibre there."""

    @cached_property
    def start(self) -> date:
        """First day of week 0."""
        return self.today - WEEKS * WEEK

    @cached_property
    def cut_off(self) -> dict[tuple[str, str, int], float]:
        """Region, network and week → hours without a line."""
        hours: defaultdict[tuple[str, str, int], float] = defaultdict(float)
        for one in self.outages:
            hours[(one.region, one.network, one.week)] += one.hours
        return dict(hours)

    @cached_property
    def load(self) -> tuple[float, ...]:
        """How busy the hotline is, week by week: 1 is usual; after faults and price rises it is far above."""
        load = [1.0] * WEEKS
        for one in self.outages:
            load[one.week] += min(1.8, one.hours / 20)
        for week in self.rises:
            for after, more in enumerate((1.2, 0.9, 0.4)):
                if week + after < WEEKS:
                    load[week + after] += more
        for week in range(WEEKS):
            day = self.start + week * WEEK
            load[week] += 0.35 if day.month in (1, 12) else 0.2 if day.month in (7, 8) else 0.0
        return tuple(load)

    @cached_property
    def courted(self) -> frozenset[tuple[str, int]]:
        """Regions with the weeks in which a rival's campaign runs there; one lasts eleven weeks."""
        return frozenset((region, begin + after) for region, begin in self.campaigns for after in range(11))

    def week_of(self, day: date) -> int:
        """The week that `day` falls in; below 0 before the three years."""
        return (day - self.start).days // 7

    def day(self, week: int, weekday: int = 0) -> date:
        """A day of `week`, counted from the week's first."""
        return self.start + timedelta(days=7 * week + weekday)


def make_world(random: Random, today: date) -> World:
    """The three years before `today`."""
    outages = [
        Outage(
            random.choice(REGIONS), random.choice(NETWORKS), random.randrange(WEEKS - 4), 4 + random.expovariate(0.1)
        )
        for _ in range(22)
    ]
    outages.append(Outage("Hamburg", "fibre", WEEKS - 60, 71.0))  # an excavator; the whole town was in the papers
    outages.append(Outage("Köln", "dsl", WEEKS - 2, 30.0))
    campaigns = [(region, random.randrange(WEEKS - 8)) for region in REGIONS for _ in range(2)]
    campaigns.append(("Frankfurt", WEEKS - 6))
    return World(
        today=today,
        outages=tuple(outages),
        rises=(26 + random.randrange(8), 78 + random.randrange(8), WEEKS - 16 + random.randrange(4)),
        campaigns=tuple(campaigns),
    )


def moment(random: Random, day: date) -> datetime:
    """An instant of `day` at which people call and write: mostly between eight and eight."""
    hour = min(21.5, max(7.0, random.gauss(13.5, 3.2)))
    return datetime.combine(day, time(), timezone.utc) + timedelta(seconds=int(hour * 3600) + random.randrange(60))
