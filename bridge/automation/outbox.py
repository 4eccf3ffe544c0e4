"""The outbox: what is to be done at other systems, enqueued in the transaction of its cause, and done at most once.

    due ──take, begin──▶ sending ──▶ sent | refused | dead
     ▲                      │
     └──────postpone────────┤   the vendor surely did nothing: again later, at most ATTEMPTS times
                            └──▶ uncertain   nobody heard how it ended ──▶ sent | refused | dead   once somebody says

`dead` was surely not done, and may be done again when a person says so.

`begin` is on disk before the vendor is called. So what is found in `sending` after its lease ran out may have been
done or not: it becomes uncertain and is not done again by itself. What is found leased in `due` was never begun: it is
taken again.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from bridge.adapter.delivery import Action
from bridge.errors import Superseded
from bridge.store import Store, Unit, instant, micros

LEASE = timedelta(seconds=120)
"""How long one action may take, from `begin` to its end. What takes longer is uncertain until its answer comes."""
ATTEMPTS = 6
MOST_RESTING = 2000
"""So that one transaction stays short."""
CHANNEL = "outbox"
LOST = "the process that sent it ended before the answer came: it may have been done or not"

Ending = Literal["sent", "uncertain", "refused", "dead"]

_canonical = msgspec.json.Encoder(order="deterministic")


class Belongs(Struct, frozen=True, kw_only=True):
    """Which run an action belongs to, and whom it reaches: by `channel` at `address` (a key string), else nobody."""

    run: str = ""
    automation: str = ""
    step: int | None = None
    channel: str = ""
    address: str = ""
    purpose: str = ""
    apology: bool = False
    cost_minor: int = 0


NOBODYS: Final = Belongs()


class Outgoing(Struct, frozen=True, kw_only=True):
    """One leased row. `action.idempotency_key` is the same for every attempt; `attempts` are those begun before."""

    id: int
    source: str
    action: Action
    customer: str
    fact: str
    attempts: int
    created_at: datetime
    belongs: Belongs = NOBODYS


def enqueue(
    unit: Unit,
    *,
    dedupe_key: str,
    source: str,
    action: str,
    args: dict[str, Any],
    now: datetime,
    customer: str = "",
    fact: str = "",
    due_at: datetime | None = None,
    belongs: Belongs = NOBODYS,
    expect: int | None = None,
) -> None:
    """Add one action at `source` to the transaction of its cause, to be done at `due_at` or as soon as possible.

    A `dedupe_key` that was enqueued before, whatever became of it, adds nothing; with `expect` 1 it then undoes the
    whole unit. `fact` is the id of the cause.
    """
    unit.add(
        "outbox.put",
        expect=expect,
        run=belongs.run,
        automation=belongs.automation,
        step=belongs.step,
        channel=belongs.channel,
        address=belongs.address,
        purpose=belongs.purpose,
        apology=int(belongs.apology),
        cost_minor=belongs.cost_minor,
        dedupe_key=dedupe_key,
        source=source,
        action=action,
        args=_canonical.encode(args).decode(),
        customer=customer,
        fact=fact,
        created_at=micros(now),
        due_at=micros(due_at or now),
    )
    unit.wake.add(CHANNEL)


async def take(store: Store, *, most: int, now: datetime, lease: timedelta = LEASE) -> tuple[str, list[Outgoing]]:
    """Lease up to `most` actions that are due, oldest first; the token says who holds them.

    What others left in `sending` beyond its lease becomes uncertain on the way. Nothing that is returned was ever begun
    without being postponed since.
    """
    await store.change("outbox.doubt", now=micros(now), error=LOST)
    owner = secrets.token_hex(8)
    rows = await store.change(
        "outbox.take", owner=owner, now=micros(now), lease=lease // timedelta(microseconds=1), most=most
    )
    return owner, [_outgoing(row) for row in sorted(rows)]


def _outgoing(row: tuple[Any, ...]) -> Outgoing:
    number, dedupe_key, source, action, args, customer, fact, attempts, created_at, *rest = row
    run, automation, step, channel, address, purpose, apology, cost_minor = rest
    return Outgoing(
        id=number,
        source=source,
        action=Action(do=action, args=msgspec.json.decode(args), idempotency_key=dedupe_key),
        customer=customer,
        fact=fact,
        attempts=attempts,
        created_at=instant(created_at),
        belongs=Belongs(
            run=run,
            automation=automation,
            step=step,
            channel=channel,
            address=address,
            purpose=purpose,
            apology=bool(apology),
            cost_minor=cost_minor,
        ),
    )


async def begin(store: Store, owner: str, number: int, *, now: datetime, lease: timedelta = LEASE) -> bool:
    """Put on disk that the action is about to be done, and lease it anew. False: somebody else has it, or it was put
    off meanwhile; do nothing."""
    rows = await store.change(
        "outbox.begin", id=number, owner=owner, now=micros(now), lease=lease // timedelta(microseconds=1)
    )
    return bool(rows)


async def finish(
    store: Store,
    owner: str,
    number: int,
    ending: Ending,
    *,
    now: datetime,
    reference: str = "",
    error: str = "",
    beside: Unit | None = None,
) -> bool:
    """Put on disk how the action ended, and what is `beside` it in the same transaction; `reference` is the vendor's
    own for it.

    An answer that comes after the lease ran out still settles what had become uncertain. False: it was settled already,
    and nothing was written.
    """
    unit = beside or Unit()
    unit.add(
        "outbox.finish",
        expect=1,
        id=number,
        owner=owner,
        state=ending,
        reference=reference or None,
        error=error or None,
        now=micros(now),
    )
    try:
        await store.write(unit)
    except Superseded:
        return False
    return True


async def postpone(
    store: Store, owner: str, number: int, *, due_at: datetime, error: str, now: datetime
) -> Literal["due", "dead"] | None:
    """Try again at `due_at`, because the vendor surely did nothing; dead after ATTEMPTS. None: it was settled
    already."""
    rows = await store.change(
        "outbox.postpone",
        id=number,
        owner=owner,
        due_at=micros(due_at),
        error=error,
        most=ATTEMPTS,
        now=micros(now),
    )
    if not rows:
        return None
    return "dead" if rows[0][0] == "dead" else "due"


def decline(
    unit: Unit,
    owner: str,
    number: int,
    *,
    reason: str,
    now: datetime,
    ending: Literal["refused", "dead"] = "refused",
) -> None:
    """Add to `unit` that what was taken and not begun is not to be done after all; Superseded if it is begun."""
    unit.add("outbox.decline", expect=1, id=number, owner=owner, state=ending, error=reason, now=micros(now))


async def defer(store: Store, owner: str, number: int, *, due_at: datetime, reason: str) -> None:
    """Give back what was taken and not begun, to be done at `due_at`; it counts as no attempt."""
    await store.change("outbox.defer", id=number, owner=owner, due_at=micros(due_at), error=reason)


async def rest(store: Store, source: str, *, until: datetime, now: datetime, most: int = MOST_RESTING) -> None:
    """Put off to `until` what is due at `source` and not begun, the oldest `most`, also what somebody has taken: the
    vendor takes nothing for a while, and what was not tried has not failed."""
    await store.change("outbox.rest", source=source, until=micros(until), now=micros(now), most=most)


async def stumble(store: Store, owner: str, number: int, *, due_at: datetime, error: str) -> None:
    """Give back what was taken and could not even be begun, to be tried again at `due_at`; it counts as an attempt."""
    await store.change("outbox.stumble", id=number, owner=owner, due_at=micros(due_at), error=error)


async def release(store: Store, owner: str, numbers: Iterable[int]) -> None:
    """Give back what was taken and not begun."""
    await store.change("outbox.release", ids=sorted(numbers), owner=owner)


async def ask(
    store: Store, askable: Iterable[tuple[str, str]], *, most: int, first: timedelta, now: datetime
) -> list[tuple[Outgoing, datetime]]:
    """Up to `most` uncertain actions about which the vendor is to be asked now, each with since when it is uncertain.

    `askable` are the sources and actions that can be asked about. The first time is `first` after the doubt began, and
    every further one once as much time has passed again: whoever dies while asking loses one turn.
    """
    rows = await store.change(
        "outbox.ask",
        askable=[f"{source}:{action}" for source, action in askable],
        most=most,
        first=first // timedelta(microseconds=1),
        now=micros(now),
    )
    return [(_outgoing(row[:-1]), instant(row[-1])) for row in sorted(rows)]


async def find(store: Store, number: int) -> tuple[Outgoing, str] | None:
    """One row and the state it is in."""
    row = await store.one("outbox.find", id=number)
    return None if row is None else (_outgoing(row[:-1]), row[-1])


async def count(store: Store) -> dict[str, int]:
    """How many rows are in each state."""
    return dict(await store.all("outbox.states"))
