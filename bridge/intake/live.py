"""Asking the sources while a caller waits: in parallel, within what is left of the budget, and believing nothing
unseen.

Several real systems ignore a filter that they do not know and answer with everybody. So each person that comes back
must carry the key that was asked for, in normalised form, or is dropped and counted.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from msgspec import Struct

from bridge.adapter.base import Adapter
from bridge.adapter.client import Client
from bridge.adapter.delivery import Item
from bridge.errors import BridgeError, VendorRefused
from bridge.intake.records import person
from bridge.model import Entry, Key
from bridge.telemetry import METRICS, log

CALLS_PER_MINUTE = 60
"""Live look-ups per source and minute: calls from nowhere must not use up a vendor's quota."""
CALLS_AT_ONCE = 4
"""Live look-ups under way at one source: while so many get no answer, nobody else waits for it."""
MOST_ITEMS = 200
"""A source that answers with more than this was asked for one person and gives everybody: none of it is looked at."""
MISS_SECONDS = 60.0
"""How long a key that nobody knew is not asked for again."""
MOST_MISSES = 10_000


class Asked(Struct, kw_only=True):
    """What the sources answered: items per source, and the sources that did not answer in time or at all."""

    items: dict[str, list[Item]] = {}
    missing: tuple[str, ...] = ()


class Live:
    """Live look-ups of one process. `clock` is monotonic seconds."""

    def __init__(
        self,
        adapters: Mapping[str, Adapter],
        client: Callable[[str], Client],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._able = {
            name: one
            for name, one in sorted(adapters.items())
            if "lookup" in one.manifest.capabilities and not one.source.demo
        }
        self._client = client
        self._clock = clock
        self._calls: dict[str, deque[float]] = {name: deque() for name in self._able}
        self._under_way: Counter[str] = Counter()
        self._missed: dict[Key, float] = {}
        self._late: set[asyncio.Task[list[Item]]] = set()

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources that can be asked live."""
        return tuple(self._able)

    def can_ask(self, key: Key) -> bool:
        """Whether any source can look `key` up, and it was not missed a moment ago."""
        until = self._missed.get(key)
        if until is not None and until > self._clock():
            return False
        return any(key.kind.value in one.manifest.lookup_kinds for one in self._able.values())

    async def ask(self, key: Key, seconds: float, late: Callable[[str, list[Item]], Awaitable[None]]) -> Asked:
        """Ask all sources that can for `key`, for at most `seconds`. What comes after that is handed to `late`."""
        asked = Asked()
        missing: list[str] = []
        tasks: dict[asyncio.Task[list[Item]], str] = {}
        for name, adapter in self._able.items():
            if key.kind.value not in adapter.manifest.lookup_kinds:
                continue
            if not self._admit(name):
                METRICS.live_calls.labels(name, "capped").inc()
                missing.append(name)
                continue
            task = asyncio.create_task(self._one(adapter, key))
            task.add_done_callback(partial(self._ended, name))
            tasks[task] = name
        if tasks:
            done, pending = await asyncio.wait(tasks, timeout=seconds)
            for task in done:
                if task.exception() is not None:
                    missing.append(tasks[task])
                elif task.result():
                    asked.items[tasks[task]] = task.result()
            for task in pending:
                missing.append(tasks[task])
                METRICS.live_calls.labels(tasks[task], "late").inc()
                self._hand_on(task, tasks[task], late)
        asked.missing = tuple(sorted(missing))
        if not asked.items and not missing:
            self._remember(key)
        return asked

    def forget(self, key: Key) -> None:
        """Ask for `key` again at the next look-up: it has just been learned of."""
        self._missed.pop(key, None)

    async def close(self) -> None:
        """Give up what is still under way."""
        for task in self._late:
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)

    async def _one(self, adapter: Adapter, key: Key) -> list[Item]:
        name = adapter.source.name
        try:
            found = await adapter.lookup(self._client(name), key)
        except BridgeError as problem:
            METRICS.live_calls.labels(name, "failed").inc()
            log("live").warning("live.failed", source=name, problem=str(problem))
            raise
        except Exception as problem:  # noqa: BLE001 a bug in one adapter must not cost the others' answers
            log("live").error("adapter.bug", source=name, exc_info=problem)
            raise VendorRefused(name, f"its adapter raised {type(problem).__name__}") from None
        kept = checked(adapter, found, key)
        METRICS.live_calls.labels(name, "found" if kept else "nobody").inc()
        return kept

    def _admit(self, name: str) -> bool:
        calls, now = self._calls[name], self._clock()
        while calls and calls[0] <= now - 60:
            calls.popleft()
        if len(calls) >= CALLS_PER_MINUTE or self._under_way[name] >= CALLS_AT_ONCE:
            return False
        self._under_way[name] += 1
        calls.append(now)
        return True

    def _ended(self, name: str, _: asyncio.Task[list[Item]]) -> None:
        self._under_way[name] -= 1

    def _remember(self, key: Key) -> None:
        if len(self._missed) >= MOST_MISSES:
            self._missed.clear()
        self._missed[key] = self._clock() + MISS_SECONDS

    def _hand_on(
        self, task: asyncio.Task[list[Item]], name: str, late: Callable[[str, list[Item]], Awaitable[None]]
    ) -> None:
        async def wait() -> list[Item]:
            try:
                items = await task
                if items:
                    await late(name, items)
            except BridgeError:
                return []
            return items

        waiter = asyncio.create_task(wait())
        self._late.add(waiter)
        waiter.add_done_callback(self._late.discard)


def checked(adapter: Adapter, items: list[Item], key: Key) -> list[Item]:
    """Those of `items` that are the person with `key`, or are about such a person. The others are dropped and
    counted."""
    if len(items) > MOST_ITEMS:
        METRICS.live_calls.labels(adapter.source.name, "dropped").inc(len(items))
        log("live").warning("live.answer_with_everybody", source=adapter.source.name, dropped=len(items))
        return []
    people: set[str] = set()
    about: list[tuple[Item, set[str]]] = []
    kept: list[Item] = []
    dropped = 0
    for item in items:
        try:
            entries = [one for one in adapter.read(item) if isinstance(one, Entry)]
        except BridgeError:
            kept.append(item)  # kept as a dead letter; it answers nothing
            continue
        if any(entry.object == "customer" for entry in entries):
            if any(carries(adapter.source.name, entry, key) for entry in entries):
                people |= {person(adapter.source.name, entry.source_id) for entry in entries}
                kept.append(item)
            else:
                dropped += 1
        else:
            about.append(
                (item, {person(adapter.source.name, one.subject.customer) for one in entries if one.subject.customer})
            )
    for item, subjects in about:
        if subjects & people:
            kept.append(item)
        else:
            dropped += 1
    if dropped:
        METRICS.live_calls.labels(adapter.source.name, "dropped").inc(dropped)
        log("live").warning("live.answer_without_the_key", source=adapter.source.name, dropped=dropped)
    return kept


def carries(source: str, entry: Entry, key: Key) -> bool:
    """Whether a person's entry really has `key`."""
    body = entry.body
    match key.kind.value:
        case "email":
            return key.value in (body.get("emails") or ())
        case "phone":
            return any(phone.get("e164") == key.value for phone in body.get("phones") or ())
        case _:
            system, _, number = key.value.partition(":")
            own = system == source and number == entry.source_id
            return own or (body.get("external_ids") or {}).get(system) == number
