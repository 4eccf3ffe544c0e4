"""Live answers are checked, not believed; sources cannot hold a caller up, nor callers use up a source."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bridge.adapter.base import Adapter, Item, Source
from bridge.adapter.client import Client, open_client
from bridge.adapter.manifest import Manifest
from bridge.adapter.mapping import build_mapping
from bridge.errors import VendorRetryable
from bridge.intake.live import CALLS_AT_ONCE, CALLS_PER_MINUTE, MOST_ITEMS, Live, carries, checked
from bridge.model import Entry, Key, KeyKind
from bridge.telemetry import METRICS
from tests.patience import PATIENCE_SECONDS, eventually

PHONE = Key(KeyKind.phone, "+493023125001")
_MAPPING = {
    "vendor": "made",
    "objects": {
        "person": {
            "to": "customer",
            "id": "id",
            "fields": {"phones": {"from": "phone", "as": "phone"}, "emails": "email", "external_ids.crm": "crm"},
        },
        "case": {"to": "ticket", "id": "id", "subject": {"customer": "person"}, "fields": {"topic": "topic"}},
    },
}


class Made(Adapter):
    """A vendor that answers what the test says, as soon as it may."""

    answer: list[Item] | Exception
    may_answer: asyncio.Event
    asked = 0

    async def lookup(self, client: Client, key: Key) -> list[Item]:
        self.asked += 1
        await self.may_answer.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def made(answer: list[Item] | Exception, *, name: str = "made", demo: bool = False, slow: bool = False) -> Made:
    manifest = Manifest(
        name="made",
        title="Made",
        kind="crm",
        docs="none",
        capabilities=("lookup",),
        lookup_kinds=("phone", "email"),
        base_url="https://made.example",
    )
    adapter = Made(Source(name=name, adapter="made", demo=demo), manifest, build_mapping(_MAPPING, "made.yaml"))
    adapter.answer, adapter.may_answer = answer, asyncio.Event()
    if not slow:
        adapter.may_answer.set()
    return adapter


def person(number: int, phone: str | None = None, **fields: Any) -> Item:
    return Item(object="person", raw={"id": number, "phone": phone} | fields)


def case(number: int, of: int) -> Item:
    return Item(object="case", raw={"id": number, "person": of, "topic": "x"})


async def nobody_waits(source: str, items: list[Item]) -> None:
    raise AssertionError("nothing was late")


def live(*adapters: Made, now: list[float] | None = None) -> Live:
    clock = now if now is not None else [0.0]
    by_name = {one.source.name: one for one in adapters}
    return Live(by_name, lambda name: open_client(by_name[name]), clock=lambda: clock[0])


async def test_everybody_but_who_was_asked_for_is_dropped() -> None:
    adapter = made([person(1, "030 23125001"), person(2, "030 23125002"), case(7, 1), case(8, 2)])
    asked = await live(adapter).ask(PHONE, 1.0, nobody_waits)
    assert [item.raw["id"] for item in asked.items["made"]] == [1, 7]
    assert asked.missing == ()


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (Key(KeyKind.email, "a@example.de"), True),
        (Key(KeyKind.email, "b@example.de"), False),
        (Key(KeyKind.phone, "+493023125001"), True),
        (Key(KeyKind.id, "crm:77"), True),
        (Key(KeyKind.id, "crm:78"), False),
        (Key(KeyKind.id, "made:1"), True),
        (Key(KeyKind.id, "other:1"), False),
    ],
)
def test_a_person_carries_the_keys_that_the_record_has(key: Key, expected: bool) -> None:
    adapter = made([])
    (entry,) = adapter.read(person(1, "030/23125001", email="A@example.de", crm="77"))
    assert isinstance(entry, Entry)
    assert carries("made", entry, key) is expected


def test_what_cannot_be_read_is_kept_to_become_a_dead_letter() -> None:
    adapter = made([])
    broken = Item(object="nothing-like-this", raw={"id": 1})
    assert checked(adapter, [broken], PHONE) == [broken]


async def test_a_slow_source_is_missing_and_what_it_says_late_is_taken_in_all_the_same() -> None:
    late: list[tuple[str, list[Item]]] = []

    async def take(source: str, items: list[Item]) -> None:
        late.append((source, items))

    slow, quick = made([person(1, "030 23125001")], name="slow", slow=True), made([], name="quick")
    asking = live(slow, quick)
    asked = await asking.ask(PHONE, 0.05, take)
    assert (asked.items, asked.missing, late) == ({}, ("slow",), [])
    slow.may_answer.set()
    await eventually(lambda: late, "the late answer is taken in")
    assert [(source, [item.raw["id"] for item in items]) for source, items in late] == [("slow", [1])]


@pytest.mark.parametrize("problem", [VendorRetryable("made", "took too long"), KeyError("a bug")])
async def test_a_source_that_fails_is_missing_and_costs_nobody_else_their_answer(problem: Exception) -> None:
    asking = live(made(problem, name="bad"), made([person(1, "030 23125001")], name="good"))
    asked = await asking.ask(PHONE, 1.0, nobody_waits)
    assert (list(asked.items), asked.missing) == (["good"], ("bad",))


async def test_a_late_failure_is_nobodys_problem() -> None:
    adapter = made(VendorRetryable("made", "down"), slow=True)
    asking = live(adapter)
    await asking.ask(PHONE, 0.01, nobody_waits)
    failed = METRICS.live_calls.labels("made", "failed")
    before = failed._value.get()
    adapter.may_answer.set()
    await eventually(lambda: failed._value.get() > before, "the late call has failed")
    await asyncio.sleep(0)
    await asking.close()


async def test_closing_gives_up_what_is_still_under_way() -> None:
    asking = live(made([person(1, "030 23125001")], slow=True))
    await asking.ask(PHONE, 0.01, nobody_waits)
    await asyncio.wait_for(asking.close(), PATIENCE_SECONDS)


async def test_a_key_nobody_knew_is_not_asked_for_again_for_a_minute_unless_it_was_learned_of() -> None:
    now = [0.0]
    adapter = made([])
    asking = live(adapter, now=now)
    assert asking.can_ask(PHONE)
    await asking.ask(PHONE, 1.0, nobody_waits)
    assert not asking.can_ask(PHONE)
    asking.forget(PHONE)
    assert asking.can_ask(PHONE)
    await asking.ask(PHONE, 1.0, nobody_waits)
    now[0] = 61.0
    assert asking.can_ask(PHONE)


async def test_spam_calls_cannot_use_up_a_vendors_quota() -> None:
    now = [0.0]
    adapter = made([])
    asking = live(adapter, now=now)
    for number in range(CALLS_PER_MINUTE + 5):
        await asking.ask(Key(KeyKind.phone, f"+4930231250{number:02d}"), 1.0, nobody_waits)
    assert adapter.asked == CALLS_PER_MINUTE
    assert (await asking.ask(PHONE, 1.0, nobody_waits)).missing == ("made",)
    now[0] = 61.0
    assert (await asking.ask(PHONE, 1.0, nobody_waits)).missing == ()


async def test_a_source_that_hangs_holds_up_only_the_first_few_callers() -> None:
    adapter = made([], slow=True)
    asking = live(adapter)
    waiting = [asyncio.create_task(asking.ask(PHONE, 60.0, nobody_waits)) for _ in range(CALLS_AT_ONCE + 20)]

    async def let_go() -> bool:
        return sum(one.done() for one in waiting) == 20

    await eventually(let_go, "all but the first few are let go at once")
    assert all(one.result().missing == ("made",) for one in waiting if one.done())
    assert adapter.asked == CALLS_AT_ONCE
    assert (await asking.ask(PHONE, 0.1, nobody_waits)).missing == ("made",)  # they are still under way
    assert adapter.asked == CALLS_AT_ONCE
    adapter.may_answer.set()
    await asyncio.gather(*waiting)
    await asking.close()


async def test_who_has_answered_can_be_asked_again() -> None:
    adapter = made([person(1, "030 23125001")])
    asking = live(adapter)
    for _ in range(CALLS_AT_ONCE * 2):
        assert (await asking.ask(PHONE, 1.0, nobody_waits)).items
    assert adapter.asked == CALLS_AT_ONCE * 2


def test_who_is_asked_for_one_and_gives_everybody_is_not_read_at_all() -> None:
    everybody = [person(number, f"030 23125{number % 1000:03d}") for number in range(MOST_ITEMS + 1)]
    assert checked(made([]), everybody, PHONE) == []
    assert len(checked(made([]), everybody[:-1], PHONE)) == 1


async def test_only_sources_that_can_are_asked_and_those_of_an_example_never() -> None:
    example = made([person(1, "030 23125001")], demo=True)
    asking = live(example)
    assert asking.sources == ()
    assert not asking.can_ask(PHONE)
    able = made([], name="able")
    assert not live(able).can_ask(Key(KeyKind.id, "crm:1"))
    assert (await live(able).ask(Key(KeyKind.id, "crm:1"), 1.0, nobody_waits)).items == {}
    assert able.asked == 0


def test_the_made_mapping_is_what_the_tests_think(tmp_path: Path) -> None:
    entry = made([]).read(person(1, "030 23125001"))[0]
    assert isinstance(entry, Entry)
    assert msgspec.json.encode(entry.body) == b'{"phones":[{"raw":"030 23125001","e164":"+493023125001"}]}'
