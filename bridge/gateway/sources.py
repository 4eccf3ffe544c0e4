"""`/v1/sources` and `/v1/dead-letters`: how each source is doing, and what of it could not be read."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from bridge.errors import Conflict, NotFound
from bridge.facts import Origin
from bridge.gateway.endpoint import Call
from bridge.store import instant, micros

HIGHEST_ID = 2**63 - 1


class Stream(Struct, kw_only=True):
    """How far one stream of a source has been read. `total` where the source knows it."""

    stream: str
    position: int
    total: int | None
    done: bool
    failures: int
    error: str | None
    next_at: datetime
    updated_at: datetime


class SourceState(Struct, kw_only=True):
    """One source. `lag_s` is how long its oldest delivery has been waiting, None when none is."""

    name: str
    adapter: str
    state: str
    configured: bool
    registered_at: datetime
    live_since: datetime | None
    seen_at: datetime | None
    error: str | None
    lag_s: int | None
    deliveries: dict[str, int]
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
    streams: defaultdict[str, list[Stream]] = defaultdict(list)
    for row in await store.all("sources.streams", source=None):
        name, stream, _, position, total, done, due_at, failures, error, updated_at = row
        streams[name].append(
            Stream(
                stream=stream,
                position=position,
                total=total,
                done=bool(done),
                failures=failures,
                error=error,
                next_at=instant(due_at),
                updated_at=instant(updated_at),
            )
        )
    configured = call.gate.registry.sources
    found = []
    for name, adapter, registered_at, live_since, seen_at, error, _ in await store.all("sources.all"):
        found.append(
            SourceState(
                name=name,
                adapter=adapter,
                state=_state(error, live_since, seen_at),
                configured=name in configured,
                registered_at=instant(registered_at),
                live_since=None if live_since is None else instant(live_since),
                seen_at=None if seen_at is None else instant(seen_at),
                error=error,
                lag_s=None if name not in oldest else max(0, (micros(call.now) - oldest[name]) // 1_000_000),
                deliveries=counts[name],
                streams=streams[name],
            )
        )
    return Sources(sources=found)


def _state(error: str | None, live_since: int | None, seen_at: int | None) -> str:
    if error is not None:
        return "failing"
    if seen_at is None:
        return "silent"
    return "importing" if live_since is None else "live"


class Filter(Struct, kw_only=True):
    """Of one source, or of all; `after` is `next` of the page before."""

    source: Annotated[str, Meta(min_length=1, max_length=80)] | None = None
    after: Annotated[int, Meta(ge=0, le=HIGHEST_ID)] = 0
    limit: Annotated[int, Meta(ge=1, le=500)] = 100


class DeadLetter(Struct, kw_only=True):
    """A delivery that could not be read, and why; never what was in it."""

    id: int
    source: str
    object: str
    place: str
    error: str | None
    received_at: datetime
    attempts: int


class DeadLetters(Struct, kw_only=True):
    """Oldest first. Without `next` there is no more."""

    dead_letters: list[DeadLetter]
    next: int | None = None


class OneSource(Struct, kw_only=True, forbid_unknown_fields=True):
    """Whose dead letters are replayed."""

    source: Annotated[str, Meta(min_length=1, max_length=80)]


class Replayed(Struct, kw_only=True):
    """How many deliveries go through the flow again. Nothing that follows from them writes to anybody."""

    replayed: int


async def dead_letters(call: Call, query: Filter) -> DeadLetters:
    """What could not be read, oldest first, with the reason and its place."""
    rows = await call.gate.store.all("inbox.dead", source=query.source, after=query.after, most=query.limit + 1)
    found = [
        DeadLetter(
            id=number,
            source=source,
            object=kind,
            place=place,
            error=error,
            received_at=instant(received_at),
            attempts=attempts,
        )
        for number, source, kind, place, error, received_at, attempts in rows[: query.limit]
    ]
    return DeadLetters(dead_letters=found, next=found[-1].id if len(rows) > query.limit else None)


async def replay_one(call: Call) -> Replayed:
    """Send one dead letter through the flow again, for instance after its mapping was mended."""
    text = call.path["id"]
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else HIGHEST_ID + 1
    if number > HIGHEST_ID or await call.gate.store.one("gateway.delivery", id=number) is None:
        raise NotFound("there is no such delivery")
    rows = await call.gate.store.change("inbox.replay_one", id=number, origin=Origin.replay.value)
    if not rows:
        raise Conflict("this delivery is not a dead letter")
    return _done(call, rows, f"delivery:{number}")


async def replay_all(call: Call, body: OneSource) -> Replayed:
    """Send all dead letters of a source through the flow again."""
    call.gate.registry.adapter(body.source)
    rows = await call.gate.store.change(
        "inbox.replay_all", source=body.source, states=["dead"], origin=Origin.replay.value
    )
    return _done(call, rows, f"source:{body.source}")


def _done(call: Call, rows: list[Any], subject: str) -> Replayed:
    call.gate.trail.audit(call.who.actor, "replay deliveries", subject, call.now, str(len(rows)))
    return Replayed(replayed=len(rows))
