"""Loops: what a customer's bad feedback sets going until somebody has put it right. Pure; every step gives a new state.

    open ──wait──▶ waiting for the customer ──resume──▶ open ──close──▶ closed ──reopen──▶ open

Two clocks run in working time while a loop is open: until the first reply, and until it is closed. Both stand still
while it waits for the customer; what is left of them is kept then instead of when they run out.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from bridge.automation.loop_rules import LoopRules, OpenerForm

State = Literal["open", "waiting", "closed"]
Clock = Literal["reply", "resolution"]
Happened = Literal[
    "opened",
    "joined",
    "assigned",
    "noted",
    "replied",
    "waits",
    "resumed",
    "overdue",
    "told",
    "closed",
    "reopened",
    "cause_named",
]
BRIDGE: Final = "bridge"
"""Who did what no person did."""
_REPLY = ("reply_due", "reply_left", "reply_escalated")
_RESOLUTION = ("resolve_due", "resolve_left", "resolve_escalated")
_NOTHING: Final = timedelta(0)


class Loop(Struct, frozen=True, kw_only=True):
    """One matter of one customer. `records` are those it is about (`source/object/id`), `cause` the first of them.

    `round` counts how often it was opened, `answers` how often the customer complained; `opened_at` is of this round,
    `asked_at` of the last time that they complained.
    """

    id: str
    customer: str
    matter: str
    opener: str
    cause: str
    records: tuple[str, ...]
    state: State = "open"
    owner: str
    round: int = 1
    answers: int = 1
    opened_at: datetime
    asked_at: datetime
    reply_due: datetime | None = None
    resolve_due: datetime | None = None
    reply_left: timedelta | None = None
    resolve_left: timedelta | None = None
    replied_at: datetime | None = None
    waits_since: datetime | None = None
    waits_until: datetime | None = None
    reply_escalated: int = 0
    resolve_escalated: int = 0
    closed_at: datetime | None = None
    closed_by: str = ""
    reason: str = ""
    """The code of the cause; "" while nobody named it."""
    done: str = ""
    """What was done, as whoever closed it says."""
    version: int = 0

    @property
    def due(self) -> datetime | None:
        """When the next clock runs out; None while none runs."""
        return min((one for one in (self.reply_due, self.resolve_due) if one is not None), default=None)

    def overdue(self, now: datetime) -> bool:
        """Whether a clock has run out."""
        return self.due is not None and self.due < now


class Event(Struct, frozen=True, kw_only=True):
    """What happened to a loop. `record` is the evidence: a record, a fact's cause, a decision, or ""."""

    kind: Happened
    at: datetime
    by: str = BRIDGE
    record: str = ""
    text: str = ""
    data: dict[str, Any] = {}


class Overdue(Struct, frozen=True, kw_only=True):
    """A step of the escalation that has come: the `number`-th (from 1) of one clock."""

    clock: Clock
    number: int


class Change(Struct, frozen=True, kw_only=True):
    """A loop afterwards, and what happened to it."""

    loop: Loop
    events: tuple[Event, ...] = ()

    def then(self, other: Change) -> Change:
        """This change and `other`, which followed it."""
        return Change(loop=other.loop, events=(*self.events, *other.events))


def loop_id(matter: str, fact: str) -> str:
    """The stable id of the loop that a fact opens: `l_` and 24 hex digits."""
    return "l_" + blake2b(f"{matter}\x1f{fact}".encode(), digest_size=12).hexdigest()


def open_loop(
    rules: LoopRules, form: OpenerForm, *, fact: str, customer: str, cause: str, owner: str, at: datetime
) -> Change:
    """The loop that the fact of that id opened at `at`; its clocks have run since then."""
    loop = Loop(
        id=loop_id(form.matter, fact),
        customer=customer,
        matter=form.matter,
        opener=form.id,
        cause=cause,
        records=(cause,) if cause else (),
        owner=owner,
        opened_at=at,
        asked_at=at,
        reply_due=rules.calendar.add(at, form.reply.length),
        resolve_due=rules.calendar.add(at, form.resolution.length),
    )
    event = Event(kind="opened", at=at, record=cause, data={"opener": form.id, "owner": owner})
    return Change(loop=loop, events=(event,))


def join(rules: LoopRules, form: OpenerForm, loop: Loop, *, cause: str, at: datetime) -> Change:
    """Another bad answer while the loop is open: who had a reply is owed another one, and nothing gets more time."""
    change = resume(rules, loop, max(at, loop.waits_since or at), record=cause)
    now = change.loop
    resolve = rules.calendar.add(at, form.resolution.length)
    again: dict[str, Any] = {}
    if now.replied_at is not None and now.replied_at < at:
        again = {"replied_at": None, "reply_due": rules.calendar.add(at, form.reply.length), "reply_escalated": 0}
    joined = msgspec.structs.replace(
        now,
        records=_with(now.records, cause),
        answers=now.answers + 1,
        asked_at=max(now.asked_at, at),
        resolve_due=resolve if now.resolve_due is None else min(now.resolve_due, resolve),
        **again,
    )
    event = Event(kind="joined", at=at, record=cause, data={"opener": form.id})
    return change.then(Change(loop=joined, events=(event,)))


def reopen(rules: LoopRules, form: OpenerForm, loop: Loop, *, cause: str, at: datetime, by: str = BRIDGE) -> Change:
    """Open a closed loop again, with both clocks anew."""
    again = msgspec.structs.replace(
        loop,
        state="open",
        records=_with(loop.records, cause),
        round=loop.round + 1,
        opened_at=at,
        asked_at=at,
        reply_due=rules.calendar.add(at, form.reply.length),
        resolve_due=rules.calendar.add(at, form.resolution.length),
        replied_at=None,
        reply_escalated=0,
        resolve_escalated=0,
        closed_at=None,
        closed_by="",
        done="",
    )
    return Change(loop=again, events=(Event(kind="reopened", at=at, by=by, record=cause),))


def reply(loop: Loop, at: datetime, *, by: str = BRIDGE, record: str = "", text: str = "") -> Change:
    """Somebody has spoken with the customer; nothing for whoever had a reply already."""
    if loop.state == "closed" or loop.replied_at is not None:
        return Change(loop=loop)
    replied = msgspec.structs.replace(loop, replied_at=at, reply_due=None, reply_left=None)
    return Change(loop=replied, events=(Event(kind="replied", at=at, by=by, record=record, text=text),))


def wait(
    rules: LoopRules, loop: Loop, now: datetime, *, until: datetime | None = None, by: str = BRIDGE, text: str = ""
) -> Change:
    """It is the customer's turn: both clocks stand still, at most until `until`."""
    if loop.state != "open":
        return Change(loop=loop)
    until = until or now + timedelta(days=rules.file.waiting_days)
    left = {
        name: None if due is None else max(_NOTHING, rules.calendar.between(now, due))
        for name, due in (("reply_left", loop.reply_due), ("resolve_left", loop.resolve_due))
    }
    waiting = msgspec.structs.replace(
        loop, state="waiting", waits_since=now, waits_until=until, reply_due=None, resolve_due=None, **left
    )
    event = Event(kind="waits", at=now, by=by, text=text, data={"until": until})
    return Change(loop=waiting, events=(event,))


def resume(rules: LoopRules, loop: Loop, now: datetime, *, by: str = BRIDGE, record: str = "") -> Change:
    """The clocks go on with what was left of them."""
    if loop.state != "waiting":
        return Change(loop=loop)
    due = {
        name: None if left is None else rules.calendar.add(now, left)
        for name, left in (("reply_due", loop.reply_left), ("resolve_due", loop.resolve_left))
    }
    going = msgspec.structs.replace(
        loop, state="open", waits_since=None, waits_until=None, reply_left=None, resolve_left=None, **due
    )
    return Change(loop=going, events=(Event(kind="resumed", at=now, by=by, record=record),))


def assign(loop: Loop, owner: str, now: datetime, *, by: str) -> Change:
    """Give it to `owner`, a name or a queue."""
    if loop.owner == owner:
        return Change(loop=loop)
    event = Event(kind="assigned", at=now, by=by, data={"was": loop.owner, "owner": owner})
    return Change(loop=msgspec.structs.replace(loop, owner=owner), events=(event,))


def name_cause(loop: Loop, reason: str, now: datetime, *, by: str) -> Change:
    """Say why, by the code of a cause."""
    if loop.reason == reason:
        return Change(loop=loop)
    event = Event(kind="cause_named", at=now, by=by, data={"was": loop.reason, "reason": reason})
    return Change(loop=msgspec.structs.replace(loop, reason=reason), events=(event,))


def close(
    loop: Loop, now: datetime, *, by: str = BRIDGE, record: str = "", reason: str = "", done: str = "", why: str = ""
) -> Change:
    """Settled: `why` names the evidence, `done` what was done about it."""
    if loop.state == "closed":
        return Change(loop=loop)
    closed = msgspec.structs.replace(
        loop,
        state="closed",
        closed_at=now,
        closed_by=by,
        reason=reason or loop.reason,
        done=done,
        replied_at=loop.replied_at or now,
        reply_due=None,
        resolve_due=None,
        reply_left=None,
        resolve_left=None,
        waits_since=None,
        waits_until=None,
    )
    event = Event(kind="closed", at=now, by=by, record=record, text=done, data={"reason": closed.reason, "why": why})
    return Change(loop=closed, events=(event,))


def check_at(rules: LoopRules, loop: Loop) -> datetime | None:
    """When to look at the loop again: the next step of the escalation, or the end of waiting."""
    if loop.state == "waiting":
        return loop.waits_until
    steps = (_step_at(rules, loop, _REPLY), _step_at(rules, loop, _RESOLUTION))
    return min((one for one in steps if one is not None), default=None)


def tick(rules: LoopRules, loop: Loop, now: datetime) -> tuple[Change, tuple[Overdue, ...]]:
    """What time has done: who waits no longer, and the steps of the escalation that have come."""
    change = Change(loop=loop)
    if loop.state == "waiting" and loop.waits_until is not None and loop.waits_until <= now:
        change = resume(rules, loop, now)
    come: list[Overdue] = []
    clocks: tuple[tuple[Clock, tuple[str, str, str]], ...] = (("reply", _REPLY), ("resolution", _RESOLUTION))
    for clock, names in clocks:
        while (at := _step_at(rules, change.loop, names)) is not None and at <= now:
            number = getattr(change.loop, names[2]) + 1
            come.append(Overdue(clock=clock, number=number))
            event = Event(kind="overdue", at=now, data={"clock": clock, "escalation": number})
            after = msgspec.structs.replace(change.loop, **{names[2]: number})
            change = change.then(Change(loop=after, events=(event,)))
    return change, tuple(come)


def _step_at(rules: LoopRules, loop: Loop, names: tuple[str, str, str]) -> datetime | None:
    """When the next step of one clock's escalation comes; None where the clock does not run or no step is left."""
    due: datetime | None = getattr(loop, names[0])
    number: int = getattr(loop, names[2])
    steps = rules.file.escalation
    if loop.state != "open" or due is None or number >= len(steps):
        return None
    return rules.calendar.add(due, steps[number].after.length)


def _with(records: tuple[str, ...], cause: str) -> tuple[str, ...]:
    return records if not cause or cause in records else (*records, cause)


def minutes_until(due: datetime, now: datetime) -> int:
    """Whole minutes, downwards; negative when it is over."""
    return (due - now) // timedelta(minutes=1)


def days_open(loop: Loop) -> int:
    """Whole days from the opening of this round to its closing."""
    return 0 if loop.closed_at is None else (loop.closed_at - loop.opened_at) // timedelta(days=1)
