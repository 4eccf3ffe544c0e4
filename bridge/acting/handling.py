"""What people do with loops: each act one transaction, with its line in the loop's history and in the audit trail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from bridge.acting.approaching import read_known, survivor
from bridge.acting.lessons import link_lesson
from bridge.acting.tending import note_facts, show_dues
from bridge.automation.loop_evidence import open_tickets
from bridge.automation.loops import Change, Event, Loop, assign, close, name_cause, reopen, reply, resume, wait
from bridge.errors import BadRequest, Conflict, NotFound, Superseded
from bridge.facts import Fact, FactKind, Origin, fact_id
from bridge.flow.desk import Desk
from bridge.flow.looping import follow_outcome, keep, loop_of, loops_of
from bridge.store import Unit, micros

LONGEST_REST: Final = timedelta(days=90)
_ATTEMPTS: Final = 3
_Act = Callable[[Loop], Change]


async def find_loop(desk: Desk, id: str) -> Loop:
    """Raises NotFound."""
    row = await desk.store.one("loops.get", id=id)
    if row is None:
        raise NotFound("there is no such loop")
    return loop_of(row)


async def assign_to(desk: Desk, id: str, owner: str, *, by: str, now: datetime) -> Loop:
    """Give the loop to a queue or a person. Raises BadRequest for whom nobody knows."""
    if owner not in await known_owners(desk):
        raise BadRequest("owner: is no queue of config/loops.yaml and nobody in people of config/outreach.yaml")
    return await _do(desk, id, lambda loop: assign(_going(loop), owner, now, by=by), by=by, what="assign", now=now)


async def add_note(desk: Desk, id: str, text: str, *, cause: str = "", by: str, now: datetime) -> Loop:
    """Write something down, name the cause, or both; also of what is closed."""
    _check_cause(desk, cause)
    if not text and not cause:
        raise BadRequest("say something: text, cause or both")

    def act(loop: Loop) -> Change:
        events = (Event(kind="noted", at=now, by=by, text=text),) if text else ()
        change = Change(loop=loop, events=events)
        return change.then(name_cause(loop, cause, now, by=by)) if cause else change

    return await _do(desk, id, act, by=by, what="note", now=now)


async def record_reply(desk: Desk, id: str, text: str, *, by: str, now: datetime, waits: bool = False) -> Loop:
    """Somebody has spoken with the customer, which no system told; with `waits` it is the customer's turn now."""
    if not text.strip():
        raise BadRequest("text: say what was said to the customer")

    def act(loop: Loop) -> Change:
        change = resume(desk.rules.loops, _going(loop), now, by=by)
        change = change.then(reply(change.loop, now, by=by, text=text.strip()))
        if loop.replied_at is not None:  # there was a first reply already: this is another one
            noted = Event(kind="noted", at=now, by=by, text=text.strip())
            change = change.then(Change(loop=change.loop, events=(noted,)))
        return change.then(wait(desk.rules.loops, change.loop, now, by=by)) if waits else change

    return await _do(desk, id, act, by=by, what="reply", now=now)


async def snooze(desk: Desk, id: str, until: datetime | None, text: str, *, by: str, now: datetime) -> Loop:
    """It is the customer's turn, at most until `until`; until now or before, the clocks go on."""
    if until is not None and until - now > LONGEST_REST:
        raise BadRequest(f"until: at most {LONGEST_REST.days} days from now")

    def act(loop: Loop) -> Change:
        rules = desk.rules.loops
        going = resume(rules, _going(loop), now, by=by)
        if until is not None and until <= now:
            return going
        return going.then(wait(rules, going.loop, now, until=until, by=by, text=text))

    return await _do(desk, id, act, by=by, what="snooze", now=now)


async def close_by_hand(
    desk: Desk, id: str, *, done: str, cause: str, lesson: str = "", although_open: bool = False, by: str, now: datetime
) -> Loop:
    """Close it: `done` says what was done, `cause` why it came to it. `lesson` is one that is drawn from it.

    Raises Conflict while a ticket that it is about is open, unless `although_open`.
    """
    _check_cause(desk, cause)
    if not done.strip() or not cause:
        raise BadRequest("done and cause: say what was done, and why it came to it")
    if lesson and await desk.store.one("loops.lesson", id=lesson) is None:
        raise BadRequest("lesson: there is no such lesson")
    going = _going(await find_loop(desk, id))
    if not although_open:
        known = (await read_known(desk, [going.customer], now)).get(going.customer)
        view = None if known is None else known.situation.view
        if view is not None and (tickets := open_tickets(going, view)):
            raise Conflict(f"a ticket is still open: {', '.join(tickets)}; say although_open to close it all the same")
    if lesson:
        # before the closing, whose fact carries the public words of the lesson
        unit = Unit()
        link_lesson(unit, id, lesson, now)
        await desk.store.write(unit)

    def act(loop: Loop) -> Change:
        return close(_going(loop), now, by=by, reason=cause, done=done.strip(), why="by_hand")

    return await _do(desk, id, act, by=by, what="close", now=now)


async def reopen_by_hand(desk: Desk, id: str, text: str, *, by: str, now: datetime) -> Loop:
    """Open a closed loop again. Raises Conflict for one that is not closed, that nothing opens any more, or of whose
    matter the customer has another open one."""
    closed = await find_loop(desk, id)
    customer = await survivor(desk, closed.customer)
    others = (await loops_of(desk, [customer], now))[0].get(customer, [])
    if any(one.id != id and one.matter == closed.matter and one.state != "closed" for one in others):
        raise Conflict("another loop of the same matter is open for this customer; work on that one")

    def act(loop: Loop) -> Change:
        form = desk.rules.loops.opener(loop.opener)
        if loop.state != "closed" or form is None:
            raise Conflict("it is not closed" if form else "config/loops.yaml does not open loops of its kind any more")
        change = reopen(desk.rules.loops, form, loop, cause="", at=now, by=by)
        noted = (Event(kind="noted", at=now, by=by, text=text),) if text else ()
        return change.then(Change(loop=change.loop, events=noted))

    return await _do(desk, id, act, by=by, what="reopen", now=now)


async def note_outcome(desk: Desk, unit: Unit, outcome: Mapping[str, Any], *, now: datetime) -> None:
    """Add to `unit`, which holds the row `outcome` of a call, what it does to the customer's loops."""
    customer, result, disposition = (outcome[name] for name in ("customer", "result", "disposition"))
    data = {"result": result, "disposition": disposition}
    kind = FactKind.outcome_recorded
    if result != "saved" and desk.rules.loops.opener_for(kind, data) is None:
        return
    known = (await read_known(desk, [customer], now)).get(customer)
    fact = Fact(
        id=fact_id(kind, outcome["decision"], outcome["key"]),
        kind=kind,
        customer=customer,
        occurred_at=now,
        known_at=now,
        origin=Origin.live,
        cause=f"decision/{outcome['decision']}",
        data=data,
    )
    view = None if known is None else known.situation.view
    closed = await follow_outcome(desk, unit, fact, view, now, result=result, by=outcome["agent"] or outcome["actor"])
    await note_facts(desk, unit, closed, now)


async def known_owners(desk: Desk) -> set[str]:
    """Who may have a loop: queues, people, and whoever has one."""
    rules = desk.rules.loops.file
    has = {str(row[0]) for row in await desk.store.all("loops.open_by_owner")}
    return {*rules.queues, rules.queue, *desk.rules.outreach.people, *rules.limits, *has}


def _going(loop: Loop) -> Loop:
    if loop.state == "closed":
        raise Conflict("it is closed; reopen it first")
    return loop


def _check_cause(desk: Desk, cause: str) -> None:
    codes = desk.rules.loops.cause_codes()
    if cause and cause not in codes:
        raise BadRequest(f"cause: is none of {', '.join(sorted(codes))}")


async def _do(desk: Desk, id: str, act: _Act, *, by: str, what: str, now: datetime) -> Loop:
    for attempt in range(_ATTEMPTS):
        loop = await find_loop(desk, id)
        change = act(loop)
        if not change.events:
            return change.loop
        unit = Unit()
        customer = await survivor(desk, loop.customer)
        facts = await keep(desk, unit, loop, change, customer, now)
        await note_facts(desk, unit, facts, now)
        await show_dues(desk, unit, customer, change.loop, now)
        detail: dict[str, Any] = {"loop": id}
        unit.add(
            "access.audit",
            at=micros(now),
            actor=by,
            action=f"loop.{what}",
            subject=f"customer:{customer}",
            detail=msgspec.json.encode(detail).decode(),
        )
        try:
            await desk.store.write(unit)
        except Superseded:
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            return await find_loop(desk, id)
    raise AssertionError("unreachable")
