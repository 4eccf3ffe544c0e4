"""`/v1/outbox`: what was to be done at other systems, and what of it waits for a person to say how it ended."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from bridge.acting import settling
from bridge.errors import NotFound
from bridge.gateway.endpoint import Call
from bridge.store import instant

_HIGHEST_ID: Final = 2**63 - 1
State = Literal["due", "sending", "sent", "uncertain", "refused", "dead"]


class Which(Struct, kw_only=True):
    """In which state; `after` is `next` of the page before."""

    state: State = "uncertain"
    after: Annotated[int, Meta(ge=0, le=_HIGHEST_ID)] = 0
    limit: Annotated[int, Meta(ge=1, le=500)] = 100


class OneAction(Struct, kw_only=True):
    """One action; never what it says, nor to which address. `automation` and `run` are "" where none ordered it.

    `since` is since when it is in an end state, `why` the reason. `asked` says that the vendor is asked from time to
    time what became of it, as long as it is uncertain; else only a person can tell.
    """

    id: int
    source: str
    action: str
    customer: str
    automation: str
    run: str
    created_at: datetime
    due_at: datetime
    since: datetime | None
    attempts: int
    reference: str | None
    why: str | None
    asked: bool


class Actions(Struct, kw_only=True):
    """Oldest first; without `next` there is no more. `uncertain` and `dead` say how many wait for a person in all."""

    actions: list[OneAction]
    uncertain: int
    dead: int
    next: int | None = None


class Told(Struct, kw_only=True, forbid_unknown_fields=True):
    """How an uncertain action ended, as somebody found out at the vendor."""

    was_done: bool


class Where(Struct, kw_only=True, forbid_unknown_fields=True):
    """At which source."""

    source: Annotated[str, Meta(min_length=1, max_length=80)]


class Again(Struct, kw_only=True):
    """How many actions are due again; at most a thousand at a time."""

    retried: int


class Settled(Struct, kw_only=True):
    """The state that the action is in now."""

    id: int
    state: State


async def listing(call: Call, query: Which) -> Actions:
    """The actions in one state, with what is known of how they ended."""
    store = call.gate.store
    rows = await store.all("outbox.in_state", state=query.state, after=query.after, most=query.limit + 1)
    pairs = set(settling.askable(call.gate.desk)) if query.state == "uncertain" else set()
    found = [
        OneAction(
            id=number,
            source=source,
            action=action,
            customer=customer,
            automation=automation,
            run=run,
            created_at=instant(created_at),
            due_at=instant(due_at),
            since=None if finished_at is None else instant(finished_at),
            attempts=attempts,
            reference=reference,
            why=error,
            asked=(source, action) in pairs,
        )
        for (
            number,
            source,
            action,
            customer,
            automation,
            run,
            created_at,
            due_at,
            attempts,
            reference,
            error,
            finished_at,
        ) in rows[: query.limit]
    ]
    open_ones: dict[str, int] = dict(await store.all("outbox.unsettled"))
    return Actions(
        actions=found,
        uncertain=open_ones.get("uncertain", 0),
        dead=open_ones.get("dead", 0),
        next=found[-1].id if len(rows) > query.limit else None,
    )


async def settle(call: Call, body: Told) -> Settled:
    """Say how an uncertain action ended. What was not done is not done any more by itself."""
    number = _number(call)
    await settling.settle_doubt(call.gate.desk, number, was_done=body.was_done, by=call.who.actor, now=call.now)
    return await _state(call, number)


async def retry(call: Call) -> Settled:
    """Have a dead action done after all; whatever speaks against a message by now still does."""
    number = _number(call)
    await settling.send_again(call.gate.desk, number, by=call.who.actor, now=call.now)
    return await _state(call, number)


async def retry_all(call: Call, body: Where) -> Again:
    """Have all dead actions at one source done after all, the oldest first, once what they failed of is mended."""
    by = call.who.actor
    return Again(retried=await settling.send_all_again(call.gate.desk, body.source, by=by, now=call.now))


def _number(call: Call) -> int:
    text = call.path["id"]
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else _HIGHEST_ID + 1
    if number > _HIGHEST_ID:
        raise NotFound("there is no action of that number")
    return number


async def _state(call: Call, number: int) -> Settled:
    row = await call.gate.store.one("outbox.state_of", id=number)
    if row is None:
        raise NotFound("there is no action of that number any more")
    return Settled(id=number, state=row[0])
