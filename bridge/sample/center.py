"""The made-up contact center: a German telecom with homes and firms, over the three years before a given day.

Everything follows from a seed, a number of customers and a day: no clock is read and nothing else is drawn. Each line
draws from a chance of its own, so that a larger sample begins with the smaller one's people and their lives.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import chain
from random import Random

from msgspec import Struct

from bridge.sample import mess
from bridge.sample.life import Story, live
from bridge.sample.people import FIRST_ID, make_unit
from bridge.sample.records import Agreement, Call, Caller, Case, Company, Fate, Person, Reading, Sale, Survey, User
from bridge.sample.stories import tell
from bridge.sample.telling import Told
from bridge.sample.world import World, make_world

SEED = 7


class Center(Struct, frozen=True, kw_only=True):
    """All that was and is, as each kind of system would see it, and `fates`, which no system sees.

    `spoiled` are ids of customers, contracts and purchases whose row in the CRM's export is beyond reading.
    """

    accounts: tuple[Company, ...]
    customers: tuple[Person, ...]
    users: tuple[User, ...]
    contracts: tuple[Agreement, ...]
    former: tuple[Agreement, ...]
    """The contracts as they stood before, one row a state, each contract's oldest first."""
    purchases: tuple[Sale, ...]
    tickets: tuple[Case, ...]
    surveys: tuple[Survey, ...]
    calls: tuple[Call, ...]
    readings: tuple[Reading, ...]
    fates: tuple[Fate, ...]
    callers: tuple[Caller, ...]
    spoiled: frozenset[str]


def make_center(
    *, now: datetime, customers: int = 2000, seed: int = SEED, report: Callable[[int], None] | None = None
) -> Center:
    """The contact center on the day of `now` (UTC): `customers` people beside those of the told stories.

    `report` is told how many people are ready, as they become so.
    """
    world = make_world(Random(f"{seed}:world"), now.date())
    told = tell(now)
    stories: list[Story] = []
    made = 0
    users: list[User] = []
    while made < customers:
        number = len(stories)
        chance = Random(f"{seed}:{number}")
        unit = make_unit(chance, number, FIRST_ID + made, customers - made, world)
        story = live(chance, unit, world)
        stories.append(story)
        made += len(unit.persons)
        users += mess.users(chance, unit, story.cases, story.fates[0].left is not None, world)
        if report is not None:
            report(made)
    return _gather(Random(f"{seed}:mess"), world, told, stories, users)


def callers(center: Center) -> tuple[Caller, ...]:
    """The callers of the day: who may ring on the demonstration's desktop, in a good order to be met."""
    return center.callers


def callers_at(now: datetime) -> tuple[Caller, ...]:
    """The same callers without the rest of the center."""
    return tell(now).callers


def _gather(random: Random, world: World, told: Told, stories: list[Story], users: list[User]) -> Center:
    people = [person for story in stories for person in story.persons]
    twice = [again for person in people if (again := mess.second_row(random, person))]
    contracts = [story.agreements[-1] for story in stories]
    purchases = [sale for story in stories for sale in story.sales]
    calls = [call for story in stories for call in story.calls]
    calls += mess.strangers(random, world, len(calls) // 20)
    spoiled = mess.spoiled(
        random, [[one.id for one in people], [one.id for one in contracts], [one.id for one in purchases]]
    )
    accounts = [story.unit.company for story in stories if story.unit.company]
    return Center(
        accounts=(*told.accounts, *accounts),
        customers=(*told.customers, *people, *twice),
        users=(*told.users, *users),
        contracts=(*told.contracts, *contracts),
        former=tuple(state for story in stories for state in story.agreements[:-1]),
        purchases=(*told.purchases, *purchases),
        tickets=(*told.tickets, *chain.from_iterable(story.cases for story in stories)),
        surveys=(*told.surveys, *chain.from_iterable(story.surveys for story in stories)),
        calls=tuple(sorted((*told.calls, *calls), key=lambda call: (call.started, call.id))),
        readings=(*told.readings, *chain.from_iterable(story.readings for story in stories)),
        fates=tuple(fate for story in stories for fate in story.fates),
        callers=told.callers,
        spoiled=spoiled,
    )
