"""One line's three years, week by week: what befalls it, what its people do about it, and whether they stay."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

import msgspec
from msgspec import Struct, field

from bridge.sample import habits, leaving, mess, terms
from bridge.sample.asking import NPS_EVERY, Asking
from bridge.sample.dealings import Dealings
from bridge.sample.leaving import NEVER, State
from bridge.sample.people import Unit
from bridge.sample.records import Agreement, Call, Case, Cause, Fate, Person, Reading, Sale, Survey
from bridge.sample.terms import Book, Terms
from bridge.sample.truth import Departure, reveal
from bridge.sample.world import WEEKS, World, moment


class Story(Struct, frozen=True, kw_only=True):
    """What became of one unit, and all the records that it left behind."""

    unit: Unit
    persons: tuple[Person, ...]
    """The unit's people as the CRM has them today."""
    fates: tuple[Fate, ...]
    agreements: list[Agreement]
    """The unit's contract, state after state; the last is today's."""
    calls: list[Call]
    cases: list[Case]
    sales: list[Sale]
    surveys: list[Survey]
    readings: list[Reading]


class Life(Struct, kw_only=True):
    """The unit in the week that is being lived."""

    random: Random
    world: World
    unit: Unit
    terms: Terms
    book: Book
    dealings: Dealings
    asking: Asking
    state: State = field(default_factory=State)
    sales: list[Sale] = field(default_factory=list)
    last_blow: int = -NEVER
    last_complaint: int = -NEVER
    unsolved_until: int = -1
    last_rise: int = -NEVER
    drift_since: int | None = None
    way_out: Departure = field(default_factory=Departure)

    def run(self) -> None:
        """Live all weeks until the end of the three years, or until the line is left."""
        offset = self.random.randrange(NPS_EVERY)
        for week in range(max(0, self.world.week_of(self.unit.starts)), WEEKS):
            day = self.world.day(week)
            if self.way_out.left is not None and day >= self.way_out.left:
                break
            self._turn(week, day)
            self._suffer(week)
            self._act(week)
            if (week + offset) % NPS_EVERY == 0 and self.state.tenure > 6:
                on = self.world.day(week, self.random.randrange(7))
                self.asking.nps(on, self.dealings.who(), self.mood, drifting=self.drift_since is not None)
            if self.way_out.decided is None:
                self._decide(week, day)
            elif self.way_out.noticed is None and week >= self.way_out.notice:
                self._give_notice(week)
            self._note(max(day, self.way_out.noticed or day))
        self._note(self.world.today)
        if self.way_out.left and self.way_out.cause and self.way_out.left < self.world.today - timedelta(days=10):
            self.asking.exit(self.way_out.left + timedelta(days=8), self.unit.persons[0], self.way_out.cause)

    @property
    def mood(self) -> float:
        """1 without strain, 0 at the end of the fuse, negative beyond it."""
        return 1 - self.state.strain / self.unit.temper.fuse

    def _note(self, day: date) -> None:
        """Let the CRM have the contract as it stands."""
        out = self.way_out
        self.book.keep(self.terms, day, cause=out.cause, noticed=out.noticed, left=out.left)

    def _turn(self, week: int, day: date) -> None:
        """Let time pass: strain fades, dates come nearer, prices rise."""
        state, temper = self.state, self.unit.temper
        state.tenure = (day - self.unit.starts).days // 7
        state.strain = max(0.0, state.strain * temper.memory + self.dealings.strain.pop(week, 0.0))
        self.dealings.mood = self.mood
        if self.way_out.decided is None:
            terms.turn(self.random, self.terms, day, content=self.mood > 0.5)
        if week in self.world.rises and terms.rise(self.terms):
            self.last_rise = week
            state.strain += 0.5 * temper.thrift
        state.jump = self.terms.jump
        state.since_discount = self.terms.since_discount(day)
        state.since_rise = week - self.last_rise
        state.bound = self.terms.bound(day)
        state.dsl = self.unit.tariff.network == "dsl"
        state.courted = (self.unit.region, week) in self.world.courted
        state.summer = day.month in (6, 7, 8, 9)
        state.unsolved = state.unsolved + 1 if week < self.unsolved_until else 0
        if self.drift_since is None:
            if self.random.random() < 0.0021 * (1.25 - temper.roots):
                self.drift_since = week
        elif self.random.random() < 0.008 and self.way_out.decided is None:
            self.drift_since = None
        state.drifting = week - self.drift_since if self.drift_since is not None else 0

    def _blow(self, week: int, amount: float) -> None:
        """Something bad happened. A second blow within three weeks of the first counts double."""
        self.dealings.hurt(week + 1, amount * (2.0 if week - self.last_blow <= 3 else 1.0))
        self.last_blow = week

    def _suffer(self, week: int) -> None:
        """What goes wrong in this week, and whether they say so."""
        random, temper, unit = self.random, self.unit.temper, self.unit
        hours = self.world.cut_off.get((unit.region, unit.tariff.network, week), 0.0)
        if hours and random.random() < 0.7:
            self._blow(week, min(2.4, hours / 18))
            if random.random() < 0.3 * temper.wordy:
                self.dealings.raise_topic(week, "outage", urgent=hours > 24)
        if self.state.tenure == 1 and random.random() < (0.17 if unit.tariff.network == "fibre" else 0.1):
            self.state.began_badly = True
            self._trouble(week, "onboarding", 0.9)
        elif random.random() < 0.0085 * temper.line:
            self._trouble(week, "trouble", 0.55)
        elif random.random() < (0.03 if 0 <= self.state.since_discount <= 4 else 0.0014):
            self._trouble(week, "billing", 0.5)

    def _trouble(self, week: int, topic: str, amount: float) -> None:
        """A fault of this line alone. It takes its time; each week without a solution is one more blow."""
        self._blow(week, amount)
        weeks = 0
        while weeks < 8 and self.random.random() < 0.33:
            weeks += 1
            self.dealings.hurt(week + weeks, 0.35)
        self.unsolved_until = week + weeks
        speaks = 0.5 if self.drift_since is None else 0.15
        if self.random.random() < speaks * self.unit.temper.wordy + 0.2:
            self.dealings.raise_topic(week, topic, weeks=weeks)
            if self.random.random() < 0.45:
                on = self.world.day(min(week + weeks, WEEKS - 1), 6)
                self.asking.csat(on, self.dealings.who(), self.mood)

    def _act(self, week: int) -> None:
        """What they ask, say and buy of their own accord."""
        random, temper, state = self.random, self.unit.temper, self.state
        if self.drift_since is not None or self.way_out.cause is Cause.death:
            return
        if random.random() < 0.0095 * temper.wordy:
            self.dealings.raise_topic(week, "question")
        if state.strain > 0.6 * temper.fuse and week - self.last_complaint > 8 and random.random() < 0.1 * temper.voice:
            self._complain(week)
        if state.since_rise <= 2 and random.random() < 0.05 * temper.thrift * temper.wordy:
            self.dealings.raise_topic(week, "price")
        if state.courted and random.random() < 0.004 * temper.thrift:
            self.dealings.raise_topic(week, "rival")
        near = self.terms.ends is not None and state.bound <= 10
        if random.random() < (
            0.05 if self.way_out.decided and self.way_out.noticed is None else 0.006 if near else 0.0008
        ):
            self.dealings.raise_topic(week, "terms")
        if random.random() < 0.0012:
            self.dealings.raise_topic(week, "moving")
        if random.random() < (0.35 if state.tenure == 0 else 0.008 + (0.012 if self.unit.business else 0.0)):
            at = moment(random, self.dealings.day(week))
            self.sales.append(habits.sale(random, self.unit, self.dealings.who(), at, len(self.sales)))

    def _complain(self, week: int) -> None:
        """Complaints are answered well two times in three: then much of the strain goes."""
        self.last_complaint = week
        well = self.random.random() < 0.66
        self.dealings.raise_topic(week, "complaint", weeks=0 if well else 2)
        if well and self.random.random() < 0.5:
            mess.call_back(self.dealings, week + 1)
        self.dealings.hurt(week + 2, -0.5 * self.state.strain if well else 0.6)

    def _decide(self, week: int, day: date) -> None:
        """Whether one of the causes wins this week."""
        hazards = leaving.pulls(self.unit.temper, self.state)
        if self.random.random() >= leaving.chance(hazards):
            return
        self.way_out.cause = self.random.choices(list(hazards), list(hazards.values()))[0]
        self.way_out.decided = self.world.day(week, self.random.randrange(7))
        free = 0 if self.way_out.cause in (Cause.moving, Cause.death, Cause.onboarding) else self.state.bound
        waits = free - self.random.randrange(5, 11) if free > 12 and self.random.random() < 0.5 else 0
        self.way_out.notice = week + max(waits, self.random.randrange(4))
        if self.way_out.cause is Cause.moving and self.random.random() < 0.5:
            self.dealings.raise_topic(week, "moving")
        if self.way_out.cause is Cause.competitor and self.random.random() < 0.3:
            self.dealings.raise_topic(week, "rival")

    def _give_notice(self, week: int) -> None:
        self.way_out.noticed = self.world.day(week, self.random.randrange(7))
        cause = self.way_out.cause or Cause.drift
        self.way_out.left = self.terms.earliest_end(self.way_out.noticed, cause, rise=week - self.last_rise <= 8)
        if cause is not Cause.death and self.random.random() < 0.75:
            self.dealings.raise_topic(week, "cancellation")

    def persons(self) -> tuple[Person, ...]:
        """The unit's people today: the CRM hears of a death when notice is given for whom it was."""
        signer, *others = self.unit.persons
        if self.way_out.cause is Cause.death and self.way_out.noticed:
            signer = msgspec.structs.replace(signer, deceased=True)
        return (signer, *others)


def live(random: Random, unit: Unit, world: World) -> Story:
    """The story of `unit` in `world`."""
    life = Life(
        random=random,
        world=world,
        unit=unit,
        terms=terms.sign(random, unit, world),
        book=Book(unit=unit, first=world.start),
        dealings=Dealings(random=random, world=world, unit=unit),
        asking=Asking(random=random, world=world, temper=unit.temper),
    )
    life.run()
    drift = world.day(life.drift_since) if life.drift_since is not None else None
    return Story(
        unit=unit,
        persons=life.persons(),
        fates=reveal(random, unit, world, life.state, life.way_out),
        agreements=life.book.states,
        calls=life.dealings.calls,
        cases=life.dealings.cases,
        sales=life.sales,
        surveys=life.asking.surveys,
        readings=habits.readings(random, unit, world, left=life.way_out.left, drift=drift, sad=life.mood < 0.3),
    )
