"""The outbox: enqueued with its cause, done at most once, and nothing disappears, whoever dies when."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.automation import outbox
from bridge.automation.outbox import ATTEMPTS, LOST, Outgoing
from bridge.errors import Superseded
from bridge.store import Store, Unit, open_store
from tests.dump import query

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=timezone.utc)


async def _enqueue(store: Store, *keys: str, due_at: datetime | None = None) -> None:
    for key in keys:
        unit = Unit()
        outbox.enqueue(
            unit,
            dedupe_key=key,
            source="helpdesk",
            action="add_note",
            args={"ticket": key},
            now=NOW,
            customer="c_1",
            fact="f_1",
            due_at=due_at,
        )
        await store.write(unit)


async def _one(store: Store, *, now: datetime = NOW) -> tuple[str, Outgoing]:
    owner, (found,) = await outbox.take(store, most=1, now=now)
    return owner, found


async def _let_leases_run_out(url: str) -> None:
    await query(url, "update outbox set lease_until = 0 returning id")


async def test_an_action_is_done_with_all_that_was_enqueued(store: Store) -> None:
    await _enqueue(store, "a")
    owner, found = await _one(store)
    assert (found.source, found.action.do, found.action.args) == ("helpdesk", "add_note", {"ticket": "a"})
    assert (found.action.idempotency_key, found.customer, found.fact) == ("a", "c_1", "f_1")
    assert (found.attempts, found.created_at) == (0, NOW)
    assert await outbox.begin(store, owner, found.id, now=NOW)
    assert await outbox.finish(store, owner, found.id, "sent", now=NOW, reference="note/7")
    assert await outbox.count(store) == {"sent": 1}


async def test_it_is_enqueued_with_its_cause_or_not_at_all(store: Store) -> None:
    unit = Unit()
    outbox.enqueue(unit, dedupe_key="a", source="x", action="add_note", args={}, now=NOW)
    unit.add("meta.put_once", name="cause", value="1")
    unit.add("meta.put_once", expect=1, name="cause", value="2")
    with pytest.raises(Superseded):
        await store.write(unit)
    assert await outbox.count(store) == {}


async def test_the_same_cause_enqueues_once_whatever_became_of_it(store: Store) -> None:
    await _enqueue(store, "a", "a")
    owner, found = await _one(store)
    await outbox.begin(store, owner, found.id, now=NOW)
    await outbox.finish(store, owner, found.id, "refused", now=NOW, error="no such ticket")
    await _enqueue(store, "a")
    assert await outbox.count(store) == {"refused": 1}


async def test_nothing_is_taken_before_it_is_due_and_the_oldest_first(store: Store) -> None:
    await _enqueue(store, "later", due_at=NOW + timedelta(hours=2))
    await _enqueue(store, "second", due_at=NOW - timedelta(minutes=1))
    await _enqueue(store, "first", due_at=NOW - timedelta(hours=1))
    _, first = await _one(store)
    assert first.action.idempotency_key == "first"
    _, rest = await outbox.take(store, most=9, now=NOW)
    assert [one.action.idempotency_key for one in rest] == ["second"]


async def test_what_one_holds_nobody_else_begins(store: Store, database_url: str) -> None:
    await _enqueue(store, "a")
    owner, found = await _one(store)
    assert (await outbox.take(store, most=9, now=NOW))[1] == []
    assert not await outbox.begin(store, "somebody", found.id, now=NOW)
    await _let_leases_run_out(database_url)
    other, again = await _one(store)
    assert not await outbox.begin(store, owner, found.id, now=NOW)
    assert await outbox.begin(store, other, again.id, now=NOW)
    assert not await outbox.begin(store, other, again.id, now=NOW)


async def test_what_was_taken_and_given_back_can_be_taken_at_once(store: Store) -> None:
    await _enqueue(store, "a", "b")
    owner, held = await outbox.take(store, most=9, now=NOW)
    await outbox.begin(store, owner, held[0].id, now=NOW)
    await outbox.release(store, owner, [one.id for one in held])
    _, again = await outbox.take(store, most=9, now=NOW)
    assert [one.id for one in again] == [held[1].id]


async def test_who_dies_while_sending_leaves_it_uncertain_and_it_is_never_sent_again(
    store: Store, database_url: str
) -> None:
    await _enqueue(store, "a")
    owner, found = await _one(store)
    await outbox.begin(store, owner, found.id, now=NOW)
    assert (await outbox.take(store, most=9, now=NOW))[1] == []
    assert await outbox.count(store) == {"sending": 1}
    await _let_leases_run_out(database_url)
    for _ in range(3):
        assert (await outbox.take(store, most=9, now=NOW + timedelta(days=1)))[1] == []
    assert await query(database_url, "select state, error from outbox") == [("uncertain", LOST)]


@pytest.mark.parametrize("ending", ["sent", "refused"])
async def test_an_answer_that_comes_late_settles_the_doubt_once(
    store: Store, database_url: str, ending: Literal["sent", "refused"]
) -> None:
    await _enqueue(store, "a")
    owner, found = await _one(store)
    await outbox.begin(store, owner, found.id, now=NOW)
    await _let_leases_run_out(database_url)
    await outbox.take(store, most=9, now=NOW)
    assert await outbox.count(store) == {"uncertain": 1}
    assert not await outbox.finish(store, "somebody", found.id, "sent", now=NOW)
    assert await outbox.finish(store, owner, found.id, ending, now=NOW)
    assert not await outbox.finish(store, owner, found.id, "uncertain", now=NOW)
    assert await outbox.postpone(store, owner, found.id, due_at=NOW, error="busy", now=NOW) is None
    assert await outbox.count(store) == {ending: 1}


async def test_a_vendor_that_is_always_busy_is_given_up_after_some_attempts(store: Store) -> None:
    await _enqueue(store, "a")
    now = NOW
    for attempt in range(1, ATTEMPTS + 1):
        owner, found = await _one(store, now=now)
        assert found.attempts == attempt - 1
        await outbox.begin(store, owner, found.id, now=now)
        now += timedelta(minutes=1)
        state = await outbox.postpone(store, owner, found.id, due_at=now, error="busy", now=now)
        assert state == ("due" if attempt < ATTEMPTS else "dead")
    assert (await outbox.take(store, most=9, now=now + timedelta(days=9)))[1] == []


async def test_two_at_once_never_hold_the_same(store: Store) -> None:
    await _enqueue(store, *(f"k{number}" for number in range(12)))
    taken = await asyncio.gather(*(outbox.take(store, most=4, now=NOW) for _ in range(6)))
    held = Counter(one.id for _, some in taken for one in some)
    assert len(held) == 12
    assert set(held.values()) == {1}


Manner = Literal["does it", "does it and is not heard", "refuses", "is busy", "is busy for a while"]
MANNERS: tuple[Manner, ...] = get_args(Manner)
PROCESSES = 3


class Vendor:
    """Counts what really reached it."""

    def __init__(self, manners: list[Manner]) -> None:
        self._manners = manners
        self._asked: Counter[str] = Counter()
        self.done: Counter[str] = Counter()

    def receive(self, key: str) -> Literal["ok", "silence", "no", "busy"]:
        manner = self._manners[int(key)]
        self._asked[key] += 1
        if manner == "refuses":
            return "no"
        if manner == "is busy" or (manner == "is busy for a while" and self._asked[key] < 3):
            return "busy"
        self.done[key] += 1
        return "silence" if manner == "does it and is not heard" else "ok"


async def _sender(store: Store, vendor: Vendor) -> AsyncIterator[None]:
    """A process that sends, one step at a time; it may be left for ever, or for long, after any of them."""
    while True:
        owner, held = await outbox.take(store, most=2, now=NOW)
        yield
        for one in held:
            if not await outbox.begin(store, owner, one.id, now=NOW):
                continue
            yield
            answer = vendor.receive(one.action.idempotency_key)
            yield
            if answer == "busy":
                await outbox.postpone(store, owner, one.id, due_at=NOW, error="busy", now=NOW)
            elif answer != "silence":
                await outbox.finish(store, owner, one.id, "sent" if answer == "ok" else "refused", now=NOW)
            else:
                await outbox.finish(store, owner, one.id, "uncertain", now=NOW, error="timed out")
            yield


Happening = Literal["go on", "die", "time passes"]
Step = tuple[Happening, int]
steps: st.SearchStrategy[list[Step]] = st.lists(
    st.tuples(
        st.sampled_from(["go on", "go on", "go on", "go on", "go on", "die", "time passes"]),
        st.integers(0, PROCESSES - 1),
    ),
    max_size=60,
)


async def _play(url: str, manners: list[Manner], schedule: list[Step]) -> None:
    store = await open_store(url)
    vendor = Vendor(manners)
    try:
        await _enqueue(store, *(str(number) for number in range(len(manners))))
        senders = [_sender(store, vendor) for _ in range(PROCESSES)]
        for what, place in schedule:
            if what == "go on":
                await anext(senders[place])
            elif what == "die":
                senders[place] = _sender(store, vendor)
            else:
                await _let_leases_run_out(url)
        await _let_leases_run_out(url)
        last = _sender(store, vendor)
        while {"due", "sending"} & (await outbox.count(store)).keys():
            await anext(last)
        states: dict[str, str] = dict(await query(url, "select dedupe_key, state from outbox"))
    finally:
        await store.close()
    assert len(states) == len(manners)
    assert set(states.values()) <= {"sent", "uncertain", "refused", "dead"}
    assert set(vendor.done.values()) <= {1}
    for key, state in states.items():
        assert vendor.done[key] == 1 if state == "sent" else True
        assert vendor.done[key] == 0 if state in ("refused", "dead") else True
        assert state != "dead" or manners[int(key)] == "is busy"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(MANNERS), min_size=1, max_size=5), steps)
def test_whoever_dies_whenever_all_that_was_due_ends_and_nothing_is_sent_twice(
    manners: list[Manner], schedule: list[Step]
) -> None:
    with TemporaryDirectory() as folder:
        asyncio.run(_play(f"sqlite:///{Path(folder) / 'bridge.db'}", manners, schedule))


@pytest.mark.parametrize("seed", range(3))
async def test_the_same_holds_on_either_engine(database_url: str, seed: int) -> None:
    chance = random.Random(seed)
    happens: list[Happening] = ["go on", "go on", "go on", "go on", "go on", "die", "time passes"]
    schedule = [(chance.choice(happens), chance.randrange(PROCESSES)) for _ in range(80)]
    await _play(database_url, [chance.choice(MANNERS) for _ in range(6)], schedule)
