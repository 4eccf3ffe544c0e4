"""`/v1/loops` and `/v1/lessons`: what is to be put right with whom, by when, and what was learnt from it."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from bridge.automation.loop_evidence import open_tickets
from bridge.automation.loops import Loop
from bridge.errors import BadRequest, NotFound
from bridge.flow import handling, lessons
from bridge.flow.approaching import survivor
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
_BEGINNING: Final = (-(1 << 62), "")
_LONGEST_SAID: Final = 2000
_CAUSES_SINCE: Final = timedelta(days=366)
Text = Annotated[str, Meta(max_length=4000)]
Short = Annotated[str, Meta(max_length=200)]
Code = Annotated[str, Meta(max_length=40)]


class Wanted(Struct, kw_only=True):
    """Which loops; `cursor` is `next` of the page before. Closed ones are those of the last `closed_days`."""

    state: Literal["going", "open", "waiting", "closed", "all"] = "going"
    owner: Short = ""
    overdue: bool = False
    cause: Code = ""
    closed_days: Annotated[int, Meta(ge=1, le=366)] = 14
    limit: Annotated[int, Meta(ge=1, le=200)] = 100
    cursor: Annotated[str, Meta(max_length=200)] | None = None


class Row(Struct, kw_only=True):
    """One loop on the board. `due` is when the next clock runs out, `day_ends` whether that is today still.

    `id` of the customer is the one they have now. `title` is of what opened it; `name` the customer's.
    """

    id: str
    customer: str
    name: str
    state: str
    title: dict[str, str]
    owner: str
    round: int
    answers: int
    opened_at: datetime
    due: datetime | None
    clock: Literal["reply", "resolution"] | None
    overdue: bool
    today: bool
    replied_at: datetime | None
    waits_until: datetime | None
    closed_at: datetime | None
    cause: str


class Owner(Struct, kw_only=True):
    """Who has loops: a queue (then with `title`) or a person; how many more they can work on."""

    owner: str
    title: dict[str, str]
    open: int
    overdue: int
    limit: int
    free: int


class Counts(Struct, kw_only=True):
    """How many there are, nobody by name."""

    open: int
    waiting: int
    overdue: int
    closed: int
    """Within `closed_days`."""


class Cause(Struct, kw_only=True):
    """Why customers are dissatisfied."""

    code: str
    title: dict[str, str]


class Board(Struct, kw_only=True):
    """`owners` and `loops` are empty for who may see figures alone. Without `next` there is no more."""

    counts: Counts
    owners: list[Owner]
    causes: list[Cause]
    loops: list[Row]
    next: str | None
    now: datetime


class Happening(Struct, kw_only=True):
    """One line of a loop's history, with its evidence: a record (`source/object/id`), a decision, or ""."""

    at: datetime
    kind: str
    by: str
    record: str
    text: str
    data: Any


class Said(Struct, kw_only=True):
    """One of the records that the loop is about, as it is now."""

    record: str
    kind: Literal["ticket", "survey_response"]
    at: datetime
    text: str
    score: float | None = None
    scale: float | None = None
    open: bool | None = None


class Lesson(Struct, kw_only=True):
    """What was learnt; `told` may be read by customers. `loops` is how many it was drawn from."""

    id: str
    at: datetime
    by: str
    cause: str
    product: str
    since: date | None
    text: str
    changed: str
    told: dict[str, str]
    loops: int


class Detail(Struct, kw_only=True):
    """A loop with all that happened to it. `waits_for_tickets` are those that are open still."""

    loop: Row
    matter: str
    reply_due: datetime | None
    resolve_due: datetime | None
    done: str
    closed_by: str
    said: list[Said]
    waits_for_tickets: list[str]
    history: list[Happening]
    lessons: list[Lesson]
    owners: list[str]


class AssignBody(Struct, kw_only=True, forbid_unknown_fields=True):
    owner: Annotated[str, Meta(min_length=1, max_length=200)]


class NoteBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """Text, the code of a cause, or both."""

    text: Text = ""
    cause: Code = ""


class ReplyBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """What was said to the customer; with `waits` it is the customer's turn."""

    text: Annotated[str, Meta(min_length=1, max_length=4000)]
    waits: bool = False


class SnoozeBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """Until when nobody need do anything; left out: as the configuration says; in the past: the clocks go on."""

    until: datetime | None = None
    text: Text = ""


class CloseBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """What was done, and why it came to it. `lesson` is the id of one that is drawn from it."""

    done: Annotated[str, Meta(min_length=1, max_length=4000)]
    cause: Annotated[str, Meta(min_length=1, max_length=40)]
    lesson: Code = ""
    although_open: bool = False


class ReopenBody(Struct, kw_only=True, forbid_unknown_fields=True):
    text: Text = ""


class LessonsWanted(Struct, kw_only=True):
    """Every word must stand in it, whatever its case, accents and umlauts."""

    words: Short = ""
    cause: Code = ""
    limit: Annotated[int, Meta(ge=1, le=100)] = 25
    cursor: Annotated[str, Meta(max_length=200)] | None = None


class Lessons(Struct, kw_only=True):
    """Newest first. `by_month` counts closed loops of the last year: month → cause ("" unnamed) → how many."""

    lessons: list[Lesson]
    next: str | None
    by_month: dict[str, dict[str, int]]


class LessonBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """A new lesson. Name nobody in it: it outlives the customers that it was learnt from."""

    cause: Annotated[str, Meta(min_length=1, max_length=40)]
    text: Annotated[str, Meta(min_length=1, max_length=4000)]
    product: Short = ""
    since: date | None = None
    changed: Text = ""
    told: dict[Literal["de", "en"], Annotated[str, Meta(max_length=1000)]] = {}
    loop: Code = ""
    """The loop that it is drawn from."""


async def listing(call: Call, query: Wanted) -> Board:
    """The board: what is due first comes first. Who may see figures alone gets the counts alone."""
    desk, now = call.gate.desk, call.now
    since = now - timedelta(days=query.closed_days)
    personal = bool(call.who.scopes & {"agent", "supervisor"})
    found: list[Loop] = []
    cursor = None
    if personal:
        at, id = _BEGINNING if query.cursor is None else _read_cursor(query.cursor)
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
            place = last.reply_due or last.resolve_due or last.closed_at or last.opened_at
            cursor = _write_cursor(micros(place), last.id)
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


async def lessons_listing(call: Call, query: LessonsWanted) -> Lessons:
    """Search what was learnt, and see which causes come up more often."""
    desk = call.gate.desk
    before = lessons.FIRST if query.cursor is None else _read_cursor(query.cursor)
    found = await lessons.search(desk.store, query.words, cause=query.cause, before=before, most=query.limit + 1)
    page = found[: query.limit]
    more = len(found) > query.limit
    return Lessons(
        lessons=[_lesson(one) for one in page],
        next=_write_cursor(micros(page[-1].at), page[-1].id) if more else None,
        by_month=await lessons.causes(desk, call.now - _CAUSES_SINCE),
    )


async def add_lesson(call: Call, body: LessonBody) -> Lesson:
    """Write down what was learnt, with the loop that it is drawn from. 400 for a cause that there is not."""
    desk = call.gate.desk
    if body.cause not in desk.rules.loops.cause_codes():
        raise BadRequest(f"cause: is none of {', '.join(sorted(desk.rules.loops.cause_codes()))}")
    made = lessons.Lesson(
        id=lessons.lesson_id(),
        at=call.now,
        by=call.who.actor,
        cause=body.cause,
        product=body.product.strip(),
        since=body.since,
        text=body.text.strip(),
        changed=body.changed.strip(),
        told={language: said.strip() for language, said in body.told.items() if said.strip()},
    )
    unit = Unit()
    lessons.add_lesson(unit, made)
    if body.loop:
        await handling.find_loop(desk, body.loop)
        lessons.link_lesson(unit, body.loop, made.id, call.now)
    unit.add(
        "access.audit", at=micros(call.now), actor=call.who.actor, action="lesson.add", subject=made.id, detail="{}"
    )
    await desk.store.write(unit)
    found = await lessons.find_lesson(desk.store, made.id)
    if found is None:
        raise NotFound("there is no such lesson")
    return _lesson(found)


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
    seen = await _views(call, found)
    return [_row(call, one, *seen.get(one.id, (one.customer, None))) for one in found]


async def _views(call: Call, found: Sequence[Loop]) -> Mapping[str, tuple[str, View | None]]:
    """Loop → the id that its customer has by now, and what is known of them."""
    desk = call.gate.desk
    living = {customer: await survivor(desk, customer) for customer in {one.customer for one in found}}
    made = await makeups(desk.store, sorted(set(living.values())))
    known = await views(desk.store, Unit(), made, {}, desk.rules.identity)
    return {one.id: (living[one.customer], known.get(living[one.customer])) for one in found}


def _row(call: Call, loop: Loop, customer: str, view: View | None) -> Row:
    rules = call.gate.desk.rules.loops
    form = rules.opener(loop.opener)
    due = loop.due
    return Row(
        id=loop.id,
        customer=customer,
        name=(view.customer.name if view is not None else None) or "",
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
    customer, view = (await _views(call, [loop]))[loop.id]
    call.gate.trail.audit(call.who.actor, "loop", f"customer:{customer}", call.now, loop.id)
    rows = await desk.store.all("loops.events", loop=loop.id)
    return Detail(
        loop=_row(call, loop, customer, view),
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
        lessons=[_lesson(lessons.lesson_of(row)) for row in await desk.store.all("loops.lessons_of", loop=loop.id)],
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


def _lesson(one: lessons.Lesson) -> Lesson:
    told = {str(language): said for language, said in one.told.items()}
    return Lesson(
        id=one.id,
        at=one.at,
        by=one.by,
        cause=one.cause,
        product=one.product,
        since=one.since,
        text=one.text,
        changed=one.changed,
        told=told,
        loops=one.loops,
    )


def _write_cursor(at: int, id: str) -> str:
    return urlsafe_b64encode(msgspec.json.encode([at, id])).decode().rstrip("=")


def _read_cursor(text: str) -> tuple[int, str]:
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        at, id = msgspec.json.decode(raw, type=tuple[int, str])
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise BadRequest("cursor: is not one that a page gave out") from None
    if not -(1 << 62) <= at <= 1 << 62 or "\0" in id:
        raise BadRequest("cursor: is not one that a page gave out")
    return at, id
