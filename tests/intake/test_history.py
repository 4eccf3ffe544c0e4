"""As-of reads: what was known at a moment is what the table held at that moment, whatever came in since."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from bridge.adapter.base import Item
from bridge.facts import Origin
from bridge.flow import Desk
from bridge.intake.history import currents_as_of, known_at
from bridge.intake.records import Current, Name, Version, apply
from bridge.store import Store, micros
from tests.desks import NOW, drain, feed, make_desk, sample_items, ticket, user

BEGAN = datetime(2026, 3, 1, 8, tzinfo=timezone.utc)
KINDS = {"full": "0", "restored": "1", "patch": "2", "deleted": "3"}


def _made(place: int, record: int, order: int, kind: str, fields: dict[str, int | None], subject: str) -> Version:
    """The version that came in as number `place`, one minute after the one before."""
    body = {name: one for name, one in fields.items() if kind == "patch" or (kind == "full" and one)}
    return Version(
        source="crm",
        object="customer",
        source_id=f"r{record}",
        ord=f"{order:03d}",
        hash=f"{KINDS[kind]}{place:04d}",
        kind=kind,
        effective_at=None if order % 3 else micros(BEGAN) + order,
        known_at=micros(BEGAN + timedelta(minutes=place)),
        subject=subject,
        body=msgspec.json.encode(body, order="deterministic").decode(),
    )


told = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(0, 6),
        st.sampled_from(sorted(KINDS)),
        st.dictionaries(st.sampled_from("abc"), st.one_of(st.none(), st.integers(1, 9)), max_size=3),
        st.sampled_from(["", "id:crm:1", "id:crm:2"]),
    ),
    max_size=14,
).map(lambda rows: [_made(place, *row) for place, row in enumerate(rows)])


def _as_the_flow_keeps_it(versions: Iterable[Version]) -> dict[Name, Current]:
    """Applied one by one as they came; one that belongs before others makes its record be told from the beginning."""
    table: dict[Name, Current] = {}
    heard: dict[Name, list[Version]] = {}
    for version in versions:
        heard.setdefault(version.name, []).append(version)
        before = table.get(version.name)
        if before is None or version.place > before.place:
            table[version.name] = apply(before, version)
            continue
        again: Current | None = None
        for one in sorted(heard[version.name], key=lambda one: one.place):
            again = apply(again, one)
            table[version.name] = again
    return table


@given(told, st.integers(-1, 15), st.randoms(use_true_random=False))
def test_what_was_known_at_a_moment_is_what_the_table_held_then(
    versions: list[Version], minute: int, chance: random.Random
) -> None:
    at = BEGAN + timedelta(minutes=minute)
    held = _as_the_flow_keeps_it(versions[: minute + 1])
    chance.shuffle(versions)
    assert known_at(versions, at) == held


@given(told)
def test_what_is_known_at_the_end_is_the_present(versions: list[Version]) -> None:
    assert known_at(versions, BEGAN + timedelta(days=1)) == _as_the_flow_keeps_it(versions)


def test_a_change_that_came_before_its_record_waits_for_it() -> None:
    patch = _made(0, 1, 5, "patch", {"a": 7, "b": None}, "")
    full = _made(1, 1, 2, "full", {"a": 1, "b": 2, "c": 3}, "id:crm:1")
    early, late = (known_at([full, patch], BEGAN + timedelta(minutes=minute))[patch.name] for minute in (0, 1))
    assert (msgspec.json.decode(early.body), early.subject) == ({"a": 7}, "")
    assert (msgspec.json.decode(late.body), late.subject) == ({"a": 7, "c": 3}, "id:crm:1")


async def _present(store: Store, subjects: list[str]) -> list[Current]:
    rows = await store.all("records.by_subject", subjects=subjects)
    return [Current(**dict(zip(Current.__struct_fields__, row, strict=True))) for row in rows]


async def test_every_earlier_state_of_the_store_can_be_asked_for(store: Store, tmp_path: Path) -> None:
    """Users, tickets, patches before their records, deletions, a ticket that changes hands; in a random order."""
    desk = await make_desk(store, tmp_path)
    chance = random.Random(20)
    items = _story(desk)
    chance.shuffle(items)
    subjects = [f"id:helpdesk:{number}" for number in range(1, 4)]
    subjects += sorted({f"id:helpdesk:{item.raw['id']}" for item in items if item.object == "user"} - set(subjects))
    states: list[tuple[datetime, list[Current]]] = []
    while items:
        some, now = chance.randint(1, 4), NOW + timedelta(minutes=len(states))
        await feed(desk, "helpdesk", items[:some], now=now, origin=Origin.live)
        items = items[some:]
        await drain(desk, now=now, refresh=False)
        states.append((now, await _present(store, subjects)))
    assert len(states) > 10
    for now, held in states:
        assert await currents_as_of(store, subjects, now) == held
    assert await currents_as_of(store, subjects, NOW - timedelta(seconds=1)) == []
    assert await currents_as_of(store, [], NOW + timedelta(days=1)) == []


def _story(desk: Desk) -> list[Item]:
    later = [NOW + timedelta(hours=hour) for hour in range(5)]
    return [
        *sample_items(desk, customers=4),
        user(1, name="Erst so", at=later[0]),
        user(1, name="Dann so", at=later[1]),
        user(2, at=later[0]),
        user(2, active=False, at=later[2]),
        user(2, at=later[3]),
        user(3, active=False, at=later[4]),
        ticket(7, 1, at=later[0]),
        ticket(7, 2, at=later[1]),
        ticket(7, 2, at=later[2], status="solved"),
        ticket(8, 3, at=later[1]),
        ticket(8, 3, at=later[2], status="deleted"),
    ]
