"""`/v1/today`: what waits for a person, and what became of the last day. Figures alone, nobody by name."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from bridge.automation.register import paused
from bridge.gateway.endpoint import Call
from bridge.store import instant, micros

DAY: Final = timedelta(days=1)


class Errand(Struct, kw_only=True):
    """Something that a person has to look at: how often, since when, and on which page of the console."""

    kind: str
    """outbox_uncertain, outbox_dead, letters_dead, loops_overdue, loops_due, source_failing, automations_paused or
    identity_open."""
    page: str
    count: int
    since: datetime | None = None
    names: list[str] = []
    """Of sources."""


class Today(Struct, kw_only=True):
    """`counts` by page of the console; `last_day` counts messages `sent` and `refused` and what agents noted."""

    counts: dict[str, int]
    errands: list[Errand]
    last_day: dict[str, int]
    automations_on: int
    made_at: datetime


async def show(call: Call) -> Today:
    """What waits, the most pressing first, and what became of the last day."""
    errands = [
        *await _letters(call),
        *await _loops(call),
        *await _sources(call),
        *await _paused(call),
        *await _proposals(call),
    ]
    counts: dict[str, int] = {}
    for errand in errands:
        counts[errand.page] = counts.get(errand.page, 0) + errand.count
    counts["today"] = len(errands)
    store, since = call.gate.store, micros(call.now - DAY)
    last_day = {"sent": 0, "refused": 0, "saved": 0, "lost": 0, "pending": 0}
    last_day.update(dict(await store.all("today.sent", since=since)))
    last_day.update(dict(await store.all("today.saved", since=since)))
    on = await store.one("today.switched_on")
    return Today(
        counts=counts,
        errands=errands,
        last_day=last_day,
        automations_on=0 if on is None else on[0],
        made_at=call.now,
    )


async def _letters(call: Call) -> list[Errand]:
    store = call.gate.store
    found = [
        Errand(kind=f"outbox_{state}", page="letters", count=count, since=instant(since))
        for state, count, since in sorted(await store.all("today.troubled"), reverse=True)
    ]
    dead = await store.one("today.dead_letters")
    if dead is not None and dead[0]:
        found.append(Errand(kind="letters_dead", page="letters", count=dead[0], since=instant(dead[1])))
    return found


async def _loops(call: Call) -> list[Errand]:
    found = await call.gate.store.one("today.loops", now=micros(call.now), until=micros(call.now + DAY))
    overdue, soon, since = found or (0, 0, None)
    errands = []
    if overdue:
        errands.append(Errand(kind="loops_overdue", page="loops", count=overdue, since=instant(since)))
    if soon:
        errands.append(Errand(kind="loops_due", page="loops", count=soon))
    return errands


async def _proposals(call: Call) -> list[Errand]:
    counts: dict[str, int] = dict(await call.gate.store.all("review.counted"))
    count = counts.get("open", 0)
    return [Errand(kind="identity_open", page="identity", count=count)] if count else []


async def _sources(call: Call) -> list[Errand]:
    rows = await call.gate.store.all("sources.all")
    names = sorted(row[0] for row in rows if row[5] is not None and row[0] in call.gate.registry.sources)
    return [Errand(kind="source_failing", page="sources", count=len(names), names=names)] if names else []


async def _paused(call: Call) -> list[Errand]:
    held = await paused(call.gate.store)
    return [Errand(kind="automations_paused", page="automations", count=1)] if held else []
