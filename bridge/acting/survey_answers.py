"""Answers find their invitations: by who answered what, and when. And who was drawn but never asked is not counted."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec

from bridge.acting.approaching import survivor
from bridge.facts import FactKind
from bridge.flow.desk import Desk
from bridge.store import Row, Unit, instant, micros

MARK: Final = "surveys_answered_until"
"""Row of `meta`: up to when answers were looked at."""
EVERY: Final = timedelta(minutes=1)
OVERLAP: Final = timedelta(minutes=10)
"""So much of the time before is looked at again: what another process was still writing then."""
VALID: Final = timedelta(days=60)
"""An answer so long after an invitation is none to it."""
_PAGE: Final = 500


async def match_answers(desk: Desk, now: datetime) -> int:
    """Note with every invitation the answer that came since this was done last; returns how many came. At most once a
    minute, and nothing where no plan was ever on."""
    row = await desk.store.one("meta.get", name=MARK)
    last = instant(int(row[0])) if row else None
    if last is not None and now - last < EVERY:
        return 0
    if await desk.store.one("surveys.first_drawn") is None:
        return 0
    begin = now - VALID if last is None else last - OVERLAP
    found, position = 0, (micros(begin), "")
    while rows := await desk.store.all(
        "surveys.facts_between",
        kind=FactKind.survey_answered.value,
        after_at=micros(begin),
        until_at=micros(now),
        from_at=position[0],
        after=position[1],
        most=_PAGE,
    ):
        for one in rows:
            found += await _match(desk, one)
        position = (rows[-1][4], rows[-1][0])
    await _take_back(desk, now)
    unit = Unit()
    unit.add("meta.put", name=MARK, value=str(micros(now)))
    await desk.store.write(unit)
    return found


async def _match(desk: Desk, row: Row) -> int:
    """Note the answer that one fact tells of with the latest invitation it can be an answer to."""
    _, _, customer, occurred_at, _, _, cause, data = row
    said = msgspec.json.decode(data)
    living = await survivor(desk, customer)
    absorbed = [other[0] for other in await desk.store.all("privacy.absorbed", customer=living)]
    invited = await desk.store.all(
        "surveys.open_of",
        customers=sorted({customer, living, *absorbed}),
        metric=said.get("metric") or "",
        answered_at=occurred_at,
        since=occurred_at - VALID // timedelta(microseconds=1),
        response=cause,
    )
    if not invited:
        return 0
    mine = next((one for one in invited if one[4] == cause), invited[0])
    unit = Unit()
    unit.add(
        "surveys.answer",
        id=mine[0],
        answered_at=occurred_at,
        score=said.get("score"),
        scale=said.get("scale"),
        response=cause,
    )
    await desk.store.write(unit)
    return int(mine[4] != cause)


async def _take_back(desk: Desk, now: datetime) -> None:
    """Whoever was drawn, and then stopped by a gate or by the vendor, was not invited."""
    rows = await desk.store.all("surveys.not_sent", since=micros(now - VALID), most=_PAGE)
    unit = Unit()
    unit.many("surveys.take_back", [{"id": id, "reason": reason} for id, reason in rows])
    if rows:
        await desk.store.write(unit)
