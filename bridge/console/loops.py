"""`/v1/loops` and `/v1/lessons`: what is to be put right with whom, by when, and what was learnt from it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from bridge.acting import handling, lessons
from bridge.acting.approaching import survivor
from bridge.automation.loop_evidence import open_tickets
from bridge.automation.loops import Loop
from bridge.console.loop_shapes import (
    AssignBody,
    Board,
    Cause,
    CloseBody,
    Counts,
    Detail,
    Happening,
    NoteBody,
    Owner,
    ReopenBody,
    ReplyBody,
    Row,
    Said,
    SnoozeBody,
    Wanted,
    read_cursor,
    shape_lesson,
    write_cursor,
)
from bridge.console.names import names_of
from bridge.errors import BadRequest
from bridge.flow.gathering import makeups, views
from bridge.flow.looping import free_capacity, loop_of
from bridge.gateway.endpoint import Call
from bridge.model import SurveyResponse, Ticket
from bridge.scoring.view import View
from bridge.store import Unit, instant, micros

_STATES: Final[dict[str, list[str]]] = {
    "going": ["open", "waiting"],
    "open": ["open"],
    "waiting": ["waiting"],
    "closed": ["closed"],
    "all": ["open", "waiting", "closed"],
}
_LAST: Final = 1 << 62
_BEGINNING: Final = (-_LAST, "")
_LONGEST_SAID: Final = 2000


async def listing(call: Call, query: Wanted) -> Board:
    """The board: what is due first comes first, what waits for the customer by when nobody waits any longer, closed
    ones last, the newest first. Who may see figures alone gets the counts alone."""
    desk, now = call.gate.desk, call.now
    since = now - timedelta(days=query.closed_days)
    personal = bool(call.who.scopes & {"agent", "supervisor"})
    found: list[Loop] = []
    cursor = None
    if personal:
        at, id = _BEGINNING if query.cursor is None else read_cursor(query.cursor)
        rows = await desk.store.all(
            "loops.page",
            states=_STATES[query.state],
            owner=query.owner,
            reason=query.cause,
            closed_since=micros(since),
            overdue=int(query.overdue),
            now=micros(now),
            after_at=at,
            after_id=id,
            most=query.limit + 1,
        )
        found = [loop_of(row) for row in rows[: query.limit]]
        if len(rows) > query.limit:
            last = found[-1]
            cursor = write_cursor(_place(last), last.id)
        call.gate.trail.audit(call.who.actor, "loops", "loops", now)
    causes = [Cause(code=one.code, title=one.title) for one in desk.rules.loops.file.causes]
    return Board(
        counts=await _counts(call, since),
        owners=await _owners(call) if personal else [],
        causes=causes,
        loops=await _rows(call, found),
        next=cursor,
        now=now,
    )


def _place(loop: Loop) -> int:
    """Where it stands on the board: as `loops.page` orders."""
    following = loop.due or loop.waits_until
    return micros(following) if following else _LAST - micros(loop.closed_at or loop.opened_at)


async def show(call: Call) -> Detail:
    """One loop: what the customer said, all that happened since, and what was learnt."""
    return await _detail(call, await handling.find_loop(call.gate.desk, call.path["id"]))


async def assign(call: Call, body: AssignBody) -> Detail:
    """Give it to a queue or a person; 400 for whom nobody knows."""
    return await _detail(
        call, await handling.assign_to(call.gate.desk, call.path["id"], body.owner, by=call.who.actor, now=call.now)
    )


async def note(call: Call, body: NoteBody) -> Detail:
    """Write something down, or name the cause; also of what is closed."""
    loop = await handling.add_note(
        call.gate.desk, call.path["id"], body.text.strip(), cause=body.cause, by=call.who.actor, now=call.now
    )
    return await _detail(call, loop)


async def reply(call: Call, body: ReplyBody) -> Detail:
    """Somebody has spoken with the customer: the first reply, where there was none."""
    loop = await handling.record_reply(
        call.gate.desk, call.path["id"], body.text, by=call.who.actor, now=call.now, waits=body.waits
    )
    return await _detail(call, loop)


async def close(call: Call, body: CloseBody) -> Detail:
    """Close it. 409 while a ticket that it is about is open, unless `although_open` is said."""
    loop = await handling.close_by_hand(
        call.gate.desk,
        call.path["id"],
        done=body.done,
        cause=body.cause,
        lesson=body.lesson,
        although_open=body.although_open,
        by=call.who.actor,
        now=call.now,
    )
    return await _detail(call, loop)


async def reopen(call: Call, body: ReopenBody) -> Detail:
    """Open it again, with both clocks anew."""
    loop = await handling.reopen_by_hand(
        call.gate.desk, call.path["id"], body.text.strip(), by=call.who.actor, now=call.now
    )
    return await _detail(call, loop)


async def snooze(call: Call, body: SnoozeBody) -> Detail:
    """It is the customer's turn: both clocks stand still."""
    until = body.until
    if until is not None and until.tzinfo is None:
        raise BadRequest("until: needs its time zone, such as 2026-12-01T09:00:00+01:00")
    loop = await handling.snooze(
        call.gate.desk, call.path["id"], until, body.text.strip(), by=call.who.actor, now=call.now
    )
    return await _detail(call, loop)


async def _counts(call: Call, since: datetime) -> Counts:
    counted = {"open": 0, "waiting": 0, "overdue": 0, "closed": 0}
    for state, count, overdue, closed in await call.gate.store.all(
        "loops.counts", now=micros(call.now), since=micros(since)
    ):
        counted["overdue"] += int(overdue or 0)
        counted[state] += int(closed or 0) if state == "closed" else int(count)
    return Counts(**counted)


async def _owners(call: Call) -> list[Owner]:
    desk = call.gate.desk
    free = await free_capacity(desk, call.now)
    open_ones: dict[str, int] = dict(await desk.store.all("loops.open_by_owner"))
    late: dict[str, int] = dict(await desk.store.all("loops.overdue_by_owner", now=micros(call.now)))
    return [
        Owner(
            owner=owner,
            title=desk.rules.loops.file.queues[owner].title if owner in desk.rules.loops.file.queues else {},
            open=open_ones.get(owner, 0),
            overdue=late.get(owner, 0),
            limit=desk.rules.loops.limit_of(owner),
            free=left,
        )
        for owner, left in free.items()
    ]


async def _rows(call: Call, found: Sequence[Loop]) -> list[Row]:
    desk = call.gate.desk
    living = {customer: await survivor(desk, customer) for customer in {one.customer for one in found}}
    names = await names_of(desk, set(living.values()))
    return [_row(call, one, living[one.customer], names.get(living[one.customer], "")) for one in found]


def _row(call: Call, loop: Loop, customer: str, name: str) -> Row:
    rules = call.gate.desk.rules.loops
    form = rules.opener(loop.opener)
    due = loop.due
    return Row(
        id=loop.id,
        customer=customer,
        name=name,
        state=loop.state,
        title={"de": loop.opener, "en": loop.opener} if form is None else form.title,
        owner=loop.owner,
        round=loop.round,
        answers=loop.answers,
        opened_at=loop.opened_at,
        due=due,
        clock=None if due is None else "reply" if due == loop.reply_due else "resolution",
        overdue=loop.overdue(call.now),
        today=due is not None and due < rules.calendar.day_ends(call.now),
        replied_at=loop.replied_at,
        waits_until=loop.waits_until,
        closed_at=loop.closed_at,
        cause=loop.reason,
    )


async def _detail(call: Call, loop: Loop) -> Detail:
    desk = call.gate.desk
    customer = await survivor(desk, loop.customer)
    known = await views(desk.store, Unit(), await makeups(desk.store, [customer]), {}, desk.rules.identity)
    view = known.get(customer)
    name = (view.customer.name if view is not None else None) or ""
    call.gate.trail.audit(call.who.actor, "loop", f"customer:{customer}", call.now, loop.id)
    rows = await desk.store.all("loops.events", loop=loop.id)
    return Detail(
        loop=_row(call, loop, customer, name),
        matter=loop.matter,
        reply_due=loop.reply_due,
        resolve_due=loop.resolve_due,
        done=loop.done,
        closed_by=loop.closed_by,
        said=[] if view is None else _said(loop, view),
        waits_for_tickets=[] if view is None or loop.state == "closed" else open_tickets(loop, view),
        history=[
            Happening(at=instant(at), kind=kind, by=by, record=record, text=text, data=msgspec.json.decode(data))
            for _, at, kind, by, record, text, data in rows
        ],
        lessons=[
            shape_lesson(lessons.lesson_of(row)) for row in await desk.store.all("loops.lessons_of", loop=loop.id)
        ],
        owners=sorted(await handling.known_owners(desk)),
    )


def _said(loop: Loop, view: View) -> list[Said]:
    still = open_tickets(loop, view)
    found = [
        Said(
            record=held.ref,
            kind="ticket",
            at=held.record.opened or held.at,
            text=_first(held.record.topic, held.record.text),
            open=held.ref in still,
        )
        for held in view.tickets
        if held.ref in loop.records and isinstance(held.record, Ticket)
    ]
    found += [
        Said(
            record=held.ref,
            kind="survey_response",
            at=held.record.answered or held.at,
            text=_first(held.record.comment),
            score=held.record.score,
            scale=held.record.scale,
        )
        for held in view.surveys
        if held.ref in loop.records and isinstance(held.record, SurveyResponse)
    ]
    return sorted(found, key=lambda one: one.at)


def _first(*texts: str | None) -> str:
    return "\n".join(dict.fromkeys(text for text in texts if text))[:_LONGEST_SAID]
