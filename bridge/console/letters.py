"""`/v1/dead-letters`: what came in and could not be read: why, what was in it, once more, or given up with a reason.

Nothing that was acknowledged is lost in silence: what is given up stays, is counted, and can still be replayed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from bridge.console.troubles import Meaning, read_letter
from bridge.errors import BadRequest, Conflict, NotFound
from bridge.facts import Origin
from bridge.gateway.endpoint import Call
from bridge.store import Row, Store, instant

HIGHEST_ID: Final = 2**63 - 1
MOST_KINDS: Final = 200
PIECE: Final = 200
PAUSE: Final = 0.005

State = Literal["dead", "discarded"]
Name = Annotated[str, Meta(min_length=1, max_length=80)]
Reason = Annotated[str, Meta(max_length=10_000)]


class Filter(Struct, kw_only=True):
    """Of one source or of all, and of one kind (see `/v1/dead-letters/kinds`); `after` is `next` of the page before."""

    source: Name | None = None
    object: Annotated[str, Meta(max_length=80)] | None = None
    reason: Reason | None = None
    state: State = "dead"
    after: Annotated[int, Meta(ge=0, le=HIGHEST_ID)] = 0
    limit: Annotated[int, Meta(ge=1, le=500)] = 100


class DeadLetter(Struct, kw_only=True):
    """A delivery that could not be read, and why; never what was in it. `note` is why it was given up."""

    id: int
    source: str
    object: str
    place: str
    error: str | None
    received_at: datetime
    attempts: int
    via: str
    note: str | None


class DeadLetters(Struct, kw_only=True):
    """Oldest first. Without `next` there is no more."""

    dead_letters: list[DeadLetter]
    next: int | None = None


class Of(Struct, kw_only=True):
    """Those that wait for somebody, or those that were given up."""

    state: State = "dead"


class LetterKind(Struct, kw_only=True):
    """All letters of one source and object with the same reason: mend it once, replay them together."""

    source: str
    object: str
    reason: str
    meaning: Meaning
    count: int
    oldest: datetime
    newest: datetime


class Kinds(Struct, kw_only=True):
    """The most frequent first."""

    kinds: list[LetterKind]


class RawLetter(Struct, kw_only=True):
    """One letter with what was in it, as it is kept: what the vendor's manifest redacts was never stored."""

    letter: DeadLetter
    meaning: Meaning
    raw: Any


class Replay(Struct, kw_only=True, forbid_unknown_fields=True):
    """Whose dead letters are replayed: all of a source, or those of one kind (`object` and `reason` together)."""

    source: Name
    object: Annotated[str, Meta(max_length=80)] | None = None
    reason: Reason | None = None
    state: State = "dead"


class DiscardKind(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which kind is given up, and why."""

    source: Name
    object: Annotated[str, Meta(max_length=80)]
    reason: Reason
    because: Annotated[str, Meta(min_length=3, max_length=500)]


class Discard(Struct, kw_only=True, forbid_unknown_fields=True):
    """Why it is given up. Name nobody."""

    because: Annotated[str, Meta(min_length=3, max_length=500)]


class Replayed(Struct, kw_only=True):
    """How many deliveries go through the flow again. Nothing that follows from them writes to anybody."""

    replayed: int


class Discarded(Struct, kw_only=True):
    """How many were given up. They stay, are counted as `discarded`, and can be replayed."""

    discarded: int


async def listing(call: Call, query: Filter) -> DeadLetters:
    """What could not be read, oldest first, with the reason and its place."""
    rows = await call.gate.store.all(
        "inbox.letters",
        state=query.state,
        source=query.source,
        object=query.object,
        reason=query.reason,
        after=query.after,
        most=query.limit + 1,
    )
    found = [_letter(row) for row in rows[: query.limit]]
    return DeadLetters(dead_letters=found, next=found[-1].id if len(rows) > query.limit else None)


async def kinds(call: Call, query: Of) -> Kinds:
    """What could not be read, by source, object and reason, with what the reason means."""
    rows = await call.gate.store.all("inbox.letter_kinds", state=query.state, most=MOST_KINDS)
    return Kinds(
        kinds=[
            LetterKind(
                source=source,
                object=kind,
                reason=reason,
                meaning=_meaning(call, source, reason),
                count=count,
                oldest=instant(oldest),
                newest=instant(newest),
            )
            for source, kind, reason, count, oldest, newest in rows
        ]
    )


async def show(call: Call) -> RawLetter:
    """What was in one letter, as it is kept. Who looked is written down."""
    row = await call.gate.store.one("inbox.letter", id=_number(call))
    if row is None:
        raise NotFound("there is no such dead letter (any more)")
    letter = _letter(row)
    call.gate.trail.audit(call.who.actor, "dead_letter.read", f"delivery:{letter.id}", call.now)
    reason = (letter.error or "").removeprefix(f"{letter.place}: ")
    return RawLetter(letter=letter, meaning=_meaning(call, letter.source, reason), raw=msgspec.json.decode(row[10]))


async def replay_one(call: Call) -> Replayed:
    """Send one dead letter through the flow again, for instance after its mapping was mended."""
    number = await _known(call)
    rows = await call.gate.store.change("inbox.replay_one", id=number, origin=Origin.replay.value)
    if not rows:
        raise Conflict("this delivery is not a dead letter")
    return _replayed(call, rows, f"delivery:{number}")


async def replay_many(call: Call, body: Replay) -> Replayed:
    """Send all dead letters of a source, or of one kind, through the flow again. 400 for half a kind."""
    if (body.object is None) != (body.reason is None):
        raise BadRequest("object and reason: name a kind together; give both, or neither for all of the source")
    call.gate.registry.adapter(body.source)
    store, rows = call.gate.store, list[Row]()
    async for ids in _pieces(store, body.state, body.source, body.object, body.reason):
        rows += await store.change("inbox.replay_letters", ids=ids, state=body.state, origin=Origin.replay.value)
    return _replayed(call, rows, f"source:{body.source}")


async def discard_one(call: Call, body: Discard) -> Discarded:
    """Give one dead letter up, with the reason. It stays, is counted, and can still be replayed."""
    number = await _known(call)
    rows = await call.gate.store.change("inbox.discard_one", id=number, note=body.because)
    if not rows:
        raise Conflict("this delivery is not a dead letter that waits for somebody")
    return _discarded(call, rows, f"delivery:{number}", body.because)


async def discard_kind(call: Call, body: DiscardKind) -> Discarded:
    """Give all dead letters of one kind up, with the reason. They stay, are counted, and can still be replayed."""
    store, rows = call.gate.store, list[Row]()
    async for ids in _pieces(store, "dead", body.source, body.object, body.reason):
        rows += await store.change("inbox.discard_letters", ids=ids, note=body.because)
    return _discarded(call, rows, f"source:{body.source}", body.because)


async def _pieces(
    store: Store, state: State, source: str, object: str | None, reason: str | None
) -> AsyncIterator[list[int]]:
    """Ids of letters, some at a time: whoever else writes, such as a vendor's delivery, gets their turn in between."""
    wanted = {"state": state, "source": source, "object": object, "reason": reason}
    after = 0
    while rows := await store.all("inbox.letters", after=after, most=PIECE, **wanted):
        after = rows[-1][0]
        yield [row[0] for row in rows]
        await asyncio.sleep(PAUSE)


def _letter(row: Row) -> DeadLetter:
    number, source, kind, place, error, received_at, attempts, note, via, *_ = row
    return DeadLetter(
        id=number,
        source=source,
        object=kind,
        place=place,
        error=error,
        received_at=instant(received_at),
        attempts=attempts,
        via=via,
        note=note,
    )


def _meaning(call: Call, source: str, reason: str) -> Meaning:
    adapter = call.gate.registry.sources.get(source)
    return read_letter(reason, "" if adapter is None else adapter.manifest.name, source)


def _number(call: Call) -> int:
    text = call.path["id"]
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else HIGHEST_ID + 1
    if number > HIGHEST_ID:
        raise NotFound("there is no such delivery")
    return number


async def _known(call: Call) -> int:
    number = _number(call)
    if await call.gate.store.one("gateway.delivery", id=number) is None:
        raise NotFound("there is no such delivery")
    return number


def _replayed(call: Call, rows: list[Row], subject: str) -> Replayed:
    call.gate.trail.audit(call.who.actor, "replay deliveries", subject, call.now, str(len(rows)))
    return Replayed(replayed=len(rows))


def _discarded(call: Call, rows: list[Row], subject: str, because: str) -> Discarded:
    call.gate.trail.audit(call.who.actor, "discard deliveries", subject, call.now, f"{len(rows)}: {because}")
    return Discarded(discarded=len(rows))
