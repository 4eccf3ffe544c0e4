"""What reality does to clean records: people entered twice, helpdesk entries without a number, rows beyond reading."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, time, timedelta, timezone
from random import Random

import msgspec

from bridge.sample import names
from bridge.sample.dealings import Dealings
from bridge.sample.people import Unit
from bridge.sample.records import Call, Case, Person, User
from bridge.sample.world import WEEKS, World, moment

TWICE = 0.015
"""Share of people whom a clerk entered a second time instead of looking for them."""
SPOILED_EVERY = 600
"""One row in so many was spoiled by whoever typed or exported it."""
_SECOND = 500_000


def second_row(random: Random, person: Person) -> Person | None:
    """The same person once more, under another number and with less, for some."""
    if random.random() >= TWICE:
        return None
    return msgspec.structs.replace(
        person,
        id=str(int(person.id) + _SECOND),
        given_name=f"{person.given_name[0]}.",
        name=f"{person.given_name[0]}. {person.family_name}",
        email=person.email if random.random() < 0.4 else None,
        account_id=None,
        owner=None,
        job_title=None,
        consents=(),
        preferred_channel=type(person.preferred_channel).unknown,
        same_as=person.id,
    )


def users(random: Random, unit: Unit, cases: Sequence[Case], left: bool, world: World) -> list[User]:
    """The helpdesk's entries of a unit: of all who wrote, and of some others."""
    wrote = {case.user_id: case.opened for case in reversed(cases)}
    found: list[User] = []
    for person in unit.persons:
        own = f"U{person.id}"
        if own not in wrote and random.random() > 0.2:
            continue
        begin = max(unit.starts, world.start - timedelta(days=400))
        since = min(wrote.get(own, _NEVER), datetime.combine(begin, time(10), timezone.utc))
        gone = left and random.random() < 0.06
        user = User(
            id=own,
            name=person.name,
            email=person.email,
            phone=person.phone if random.random() < 0.6 else None,
            crm_id=person.id if unit.helpdesk else None,
            language=person.language,
            since=since,
            shared_phone=len(unit.persons) > 2 and random.random() < 0.5,
            deleted=moment(random, world.today - timedelta(days=random.randrange(1, 60))) if gone else None,
        )
        found.append(user)
        if random.random() < 0.03:  # opened a second one by phone, which was merged into the first later
            merged = moment(random, world.today - timedelta(days=random.randrange(2, 300)))
            found.append(
                msgspec.structs.replace(user, id=f"{own}b", email=None, phone=person.phone, crm_id=None, deleted=merged)
            )
    return found


_NEVER = datetime(9000, 1, 1, tzinfo=timezone.utc)


def strangers(random: Random, world: World, count: int) -> list[Call]:
    """Calls of people whom nobody knows: wrong numbers, pitches, somebody's new telephone."""
    calls = []
    for number in range(count):
        started = moment(random, world.day(random.randrange(WEEKS), random.randrange(7)))
        talked = timedelta(seconds=random.randrange(15, 240))
        calls.append(
            Call(
                id=f"A0-{number}",
                customer_id=None,
                phone=names.stranger(random) if random.random() < 0.7 else None,
                our_number=names.HOTLINE,
                started=started,
                answered=started + timedelta(seconds=40),
                ended=started + timedelta(seconds=40) + talked,
                wait_seconds=15,
                abandoned=False,
                menu_path=("sonstiges",),
                queue="service",
            )
        )
    return calls


def spoiled(random: Random, ids: Iterable[Sequence[str]]) -> frozenset[str]:
    """The ids of those records whose row in the CRM's export cannot be read, table by table."""
    found: set[str] = set()
    for table in ids:
        found.update(random.sample(table, len(table) // SPOILED_EVERY))
    return frozenset(found)


def call_back(dealings: Dealings, week: int) -> None:
    """Somebody of ours calls after a complaint, and says by name who looks after it now."""
    person = dealings.unit.persons[0]
    if person.phone is None or week >= WEEKS:
        return
    started = moment(dealings.random, dealings.day(week))
    dealings.calls.append(
        Call(
            id=f"A{person.id}-{len(dealings.calls)}",
            customer_id=person.id,
            phone=person.phone,
            our_number=names.HOTLINE,
            started=started,
            answered=started + timedelta(seconds=18),
            ended=started + timedelta(seconds=18 + int(60 + dealings.random.expovariate(1 / 200))),
            wait_seconds=0,
            abandoned=False,
            menu_path=(),
            queue="service",
            direction="outbound",
        )
    )
