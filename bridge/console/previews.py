"""`/v1/automations/preview`: whom an automation that is being built would have reached. `/v1/automations/{id}/effect`:
what one that is on does to customers.

A preview reads for as long as it is told to, in small pieces, so that nobody who waits for a look-up feels it. One runs
at a time; whoever asks again meanwhile no longer wants the answer to the question before, who leaves wants none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta, timezone
from typing import Annotated, Any, Final

from msgspec import Meta, Struct
from msgspec.structs import replace

from bridge.acting.backtesting import preview
from bridge.automation.preview import Example, Preview
from bridge.automation.register import read_armed
from bridge.automation.rules import Automation
from bridge.console.automations import PERSONAL, read_rule
from bridge.console.names import names_of
from bridge.errors import BadRequest, Conflict, NotAllowed
from bridge.gateway.endpoint import Call
from bridge.reports.automation_effect import AutomationEffect
from bridge.reports.automation_runs import find_effect

QUICK_PAGE: Final = 100
_FURTHEST: Final = timedelta(days=732)


class Previewing(Struct, kw_only=True, forbid_unknown_fields=True):
    """`automation` is the form as `PUT /v1/automations/{id}` takes it, with its `id`. Of the last `days`, or of as many
    up to `until`.

    Within `seconds` as many customers are looked at as can be; more than a moment is for who waits for it.
    """

    automation: dict[str, Any]
    days: Annotated[int, Meta(ge=1, le=732)] = 90
    until: datetime | None = None
    seconds: Annotated[float, Meta(ge=0.1, le=30)] = 0.8


async def show(call: Call, body: Previewing) -> Preview:
    """What it would have done: whom it would have reached and when, by which step; what would have kept it from whom;
    cost, break-even, conflicts.

    400 begins with the place in the form, such as `do[1].send_email.message`; 409 where a newer question of the same
    caller took its place. Examples only for those who may see customers; others get the figures of the automation of
    that id as it is kept, whatever the form says: by conditions of one's own one could ask about a single person.
    """
    until = _aware(body.until, call.now)
    if until > call.now or call.now - until > _FURTHEST:
        raise BadRequest("until: lies ahead, or more than two years back")
    rule = await (read_rule(call, body.automation) if call.who.scopes & PERSONAL else _kept(call, body.automation))
    await call.gate.desk.look_up()
    return await _named(call, await TURNS.take(call, rule, until, body))


async def _named(call: Call, found: Preview) -> Preview:
    names = await names_of(call.gate.desk, {one.customer for one in (*found.examples, *found.spared)})
    for customer in TURNS.new_to(call.who.actor, names, call.now.date()):
        call.gate.trail.audit(call.who.actor, "automation.preview", f"customer:{customer}", call.now)

    def named(some: Iterable[Example]) -> tuple[Example, ...]:
        return tuple(replace(one, name=names.get(one.customer, "")) for one in some)

    return replace(found, examples=named(found.examples), spared=named(found.spared))


async def _kept(call: Call, form: dict[str, Any]) -> Automation:
    armed = next((one for one in await read_armed(call.gate.store) if one.id == form.get("id")), None)
    if armed is None:
        raise NotAllowed("who may not see customers previews automations that are kept already, by their id")
    return armed.rule


class Turns:
    """One preview at a time in this process; it ends when its caller leaves, or asks again."""

    def __init__(self) -> None:
        self._at_work: dict[str, asyncio.Task[Preview]] = {}
        self._turn: asyncio.Lock | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._day: date | None = None
        self._seen: set[tuple[str, str]] = set()

    def new_to(self, actor: str, customers: Iterable[str], day: date) -> list[str]:
        """Those whom `actor` has not been shown on that day: while one builds, the same come again with each change."""
        if day != self._day:
            self._day, self._seen = day, set()
        new = sorted({(actor, one) for one in customers} - self._seen)
        self._seen.update(new)
        return [customer for _, customer in new]

    async def take(self, call: Call, rule: Automation, until: datetime, asked: Previewing) -> Preview:
        """Raises Conflict when it was ended by the caller's next, or the caller is gone."""
        if (before := self._at_work.get(call.who.actor)) is not None:
            before.cancel()
        task = asyncio.create_task(self._preview(call, rule, until, asked))
        left = asyncio.create_task(_left(call))
        self._at_work[call.who.actor] = task
        try:
            await asyncio.wait((task, left), return_when=asyncio.FIRST_COMPLETED)
            if not task.done() or task.cancelled():
                raise Conflict("a newer preview took its place, or nobody waits for it")
            return task.result()
        finally:
            task.cancel()
            left.cancel()
            if self._at_work.get(call.who.actor) is task:
                del self._at_work[call.who.actor]

    async def _preview(self, call: Call, rule: Automation, until: datetime, asked: Previewing) -> Preview:
        async with self._lock():
            return await preview(
                call.gate.desk,
                rule,
                since=until - timedelta(days=asked.days),
                until=until,
                seconds=asked.seconds,
                examples=50 if call.who.scopes & PERSONAL else 0,
                page=QUICK_PAGE,
            )

    def _lock(self) -> asyncio.Lock:
        loop = asyncio.get_running_loop()
        if self._turn is None or self._loop is not loop:
            self._turn, self._loop = asyncio.Lock(), loop
        return self._turn


TURNS: Final = Turns()


async def _left(call: Call) -> None:
    """Returns when the caller has closed the connection; the body has been read before."""
    while (await call.receive())["type"] != "http.disconnect":
        pass


def _aware(given: datetime | None, now: datetime) -> datetime:
    if given is None:
        return now
    if given.tzinfo is None:
        raise BadRequest("until: say the time zone, such as 2026-11-01T00:00:00Z")
    return given


class EffectQuery(Struct, kw_only=True):
    """Customers it was set off for from `since` on (a year ago by default), each watched for `horizon_days`."""

    since: date | None = None
    horizon_days: Annotated[int, Meta(ge=1, le=730)] = 90


async def effect(call: Call, query: EffectQuery) -> AutomationEffect:
    """What the automation does: how many more stay, buy, are satisfied, beside those who were held out by lot; what
    each customer kept costs; what cannot be told yet."""
    since = call.now - timedelta(days=365)
    if query.since is not None:
        since = datetime.combine(query.since, time(), timezone.utc)
    horizon = query.horizon_days
    return await find_effect(call.gate.desk, call.path["id"], now=call.now, since=since, horizon_days=horizon)
