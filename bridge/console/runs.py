"""`/v1/automations/{id}/runs`: what an automation set off: whom for, what was done, and why not."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Annotated, Final

from msgspec import Meta, Struct

from bridge.console.automations import PERSONAL
from bridge.gateway.endpoint import Call
from bridge.store import Row, instant

_LATEST: Final = 2**62


class RunsQuery(Struct, kw_only=True):
    """The newest first; `after` is `next` of the page before."""

    after: Annotated[str, Meta(pattern=r"^\d{1,18}:[A-Za-z0-9_:.-]{1,200}$")] | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class Done(Struct, kw_only=True):
    """One thing that happened in a run. `result`: enqueued, would, refused, postponed, waits, stopped.

    `sent` is what became of the message: due, sending, sent, dead, uncertain, cancelled … and when.
    """

    step: int
    do: str
    at: datetime
    result: str
    reason: str
    until: datetime | None
    through: str | None = None
    sent: str | None = None
    sent_at: datetime | None = None


class Ran(Struct, kw_only=True):
    """One run. `customer` is null for who may not see customers."""

    id: str
    customer: str | None
    fact: str
    occurred_at: datetime
    begun_at: datetime
    state: str
    reason: str
    mode: str
    version: str
    due_at: datetime | None
    finished_at: datetime | None
    steps: list[Done]


class Runs(Struct, kw_only=True):
    """A page; without `next` there are no more."""

    runs: list[Ran]
    next: str | None = None


async def runs(call: Call, query: RunsQuery) -> Runs:
    """What it set off: whom for, what was done, and why not."""
    store, id = call.gate.store, call.path["id"]
    at, after = str(_LATEST), ""
    if query.after is not None:
        at, _, after = query.after.partition(":")
    rows = await store.all("building.runs", automation=id, at=int(at), id=after, most=query.limit + 1)
    page = rows[: query.limit]
    ids = [row[0] for row in page]
    steps: defaultdict[str, list[Row]] = defaultdict(list)
    for row in await store.all("building.steps", runs=ids) if ids else ():
        steps[row[0]].append(row)
    sent = {(row[0], row[1]): row for row in (await store.all("building.sent", runs=ids) if ids else ())}
    personal = bool(call.who.scopes & PERSONAL)
    found = [_ran(row, steps[row[0]], sent, personal=personal) for row in page]
    more = f"{page[-1][5]}:{page[-1][0]}" if len(rows) > query.limit else None
    return Runs(runs=found, next=more)


def _ran(row: Row, steps: list[Row], sent: dict[tuple[str, int], Row], *, personal: bool) -> Ran:
    id, customer, _, fact, occurred_at, created_at, state, _, due_at, reason, finished_at, mode, version = row
    return Ran(
        id=id,
        customer=customer if personal else None,
        fact=fact,
        occurred_at=instant(occurred_at),
        begun_at=instant(created_at),
        state=state,
        reason=reason,
        mode=mode,
        version=version,
        due_at=instant(due_at) if state == "waiting" else None,
        finished_at=None if finished_at is None else instant(finished_at),
        steps=[_done(id, one, sent) for one in steps],
    )


def _done(run: str, row: Row, sent: dict[tuple[str, int], Row]) -> Done:
    _, _, step, at, action, result, reason, until = row
    out = sent.get((run, step)) if result == "enqueued" else None
    return Done(
        step=step,
        do=action,
        at=instant(at),
        result=result,
        reason=reason,
        until=None if until is None else instant(until),
        through=None if out is None else out[3],
        sent=None if out is None else out[4],
        sent_at=None if out is None or out[5] is None else instant(out[5]),
    )
