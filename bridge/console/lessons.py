"""`/v1/lessons`: what was learnt from customers' complaints."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from bridge.acting import handling, lessons
from bridge.console.loop_shapes import (
    Lesson,
    LessonBody,
    Lessons,
    LessonsWanted,
    read_cursor,
    shape_lesson,
    write_cursor,
)
from bridge.errors import BadRequest, NotFound
from bridge.gateway.endpoint import Call
from bridge.store import Unit, micros

_CAUSES_SINCE: Final = timedelta(days=366)


async def listing(call: Call, query: LessonsWanted) -> Lessons:
    """Search what was learnt, and see which causes come up more often."""
    desk = call.gate.desk
    before = lessons.FIRST if query.cursor is None else read_cursor(query.cursor)
    found = await lessons.search(desk.store, query.words, cause=query.cause, before=before, most=query.limit + 1)
    page = found[: query.limit]
    more = len(found) > query.limit
    return Lessons(
        lessons=[shape_lesson(one) for one in page],
        next=write_cursor(micros(page[-1].at), page[-1].id) if more else None,
        by_month=await lessons.causes(desk, call.now - _CAUSES_SINCE),
    )


async def add(call: Call, body: LessonBody) -> Lesson:
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
    return shape_lesson(found)
