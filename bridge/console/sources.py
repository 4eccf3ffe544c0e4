"""`/v1/sources`: how each source is doing: what it brings, how far behind it is, what is wrong and what to do."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Final

from msgspec import Struct

from bridge.console.troubles import Trouble, read_trouble
from bridge.gateway.endpoint import Call
from bridge.store import instant, micros

_HOUR: Final = 3_600_000_000
_HOURS: Final = 24


class Stream(Struct, kw_only=True):
    """How far one stream of a source has been read. `total` where the source knows it; `lag_s` is how long ago it was
    read to its end, None while it never was."""

    stream: str
    position: int
    total: int | None
    done: bool
    failures: int
    error: str | None
    trouble: Trouble | None
    next_at: datetime
    updated_at: datetime
    read_at: datetime | None
    lag_s: int | None


class SourceState(Struct, kw_only=True):
    """One source. `lag_s` is how long its oldest delivery has been waiting, None when none is; `seen_at` when it was
    heard or read without an error last; `hours` how many deliveries came in each of the last 24 hours, the running one
    last."""

    name: str
    adapter: str
    title: str
    state: str
    configured: bool
    registered_at: datetime
    live_since: datetime | None
    seen_at: datetime | None
    error: str | None
    error_at: datetime | None
    trouble: Trouble | None
    lag_s: int | None
    deliveries: dict[str, int]
    hours: list[int]
    streams: list[Stream]


class Sources(Struct, kw_only=True):
    """All sources that are configured, or ever were."""

    sources: list[SourceState]


async def listing(call: Call) -> Sources:
    """State, lag and counts of every source."""
    store = call.gate.store
    counts: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for name, state, number in await store.all("inbox.states"):
        counts[name][state] = number
    oldest: dict[str, int] = dict(await store.all("gateway.oldest_waiting"))
    streams, hours = await _streams(call), await _hours(call)
    configured = call.gate.registry.sources
    found = []
    for name, adapter, registered_at, live_since, seen_at, error, error_at in await store.all("sources.all"):
        found.append(
            SourceState(
                name=name,
                adapter=adapter,
                title=configured[name].manifest.title if name in configured else adapter,
                state=_state(error, live_since, seen_at is not None or bool(counts[name])),
                configured=name in configured,
                registered_at=instant(registered_at),
                live_since=_maybe(live_since),
                seen_at=_maybe(seen_at),
                error=error,
                error_at=_maybe(error_at),
                trouble=None if error is None else read_trouble(error),
                lag_s=_ago(call, oldest.get(name)),
                deliveries=counts[name],
                hours=hours[name],
                streams=streams[name],
            )
        )
    return Sources(sources=found)


async def _streams(call: Call) -> defaultdict[str, list[Stream]]:
    found: defaultdict[str, list[Stream]] = defaultdict(list)
    for row in await call.gate.store.all("sources.streams", source=None):
        name, stream, _, position, total, done, due_at, failures, error, updated_at, read_at = row
        found[name].append(
            Stream(
                stream=stream,
                position=position,
                total=total,
                done=bool(done),
                failures=failures,
                error=error,
                trouble=None if error is None else read_trouble(error),
                next_at=instant(due_at),
                updated_at=instant(updated_at),
                read_at=_maybe(read_at),
                lag_s=_ago(call, read_at),
            )
        )
    return found


async def _hours(call: Call) -> defaultdict[str, list[int]]:
    first = micros(call.now) // _HOUR - _HOURS + 1
    found: defaultdict[str, list[int]] = defaultdict(lambda: [0] * _HOURS)
    for name, hour, number in await call.gate.store.all("inbox.arrived", since=first * _HOUR):
        found[name][min(hour - first, _HOURS - 1)] += number  # another process' clock may be ahead of ours
    return found


def _ago(call: Call, at: int | None) -> int | None:
    return None if at is None else max(0, (micros(call.now) - at) // 1_000_000)


def _maybe(at: int | None) -> datetime | None:
    return None if at is None else instant(at)


def _state(error: str | None, live_since: int | None, heard: bool) -> str:
    if error is not None:
        return "failing"
    if not heard:
        return "silent"
    return "importing" if live_since is None else "live"
