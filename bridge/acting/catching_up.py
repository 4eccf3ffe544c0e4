"""Loops for what customers complained about before their source went live: opened when somebody asks for it.

A first import opens none by itself. Whoever begins to work with loops may want those of the last days all the same.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timezone
from typing import Final

from bridge.acting.approaching import survivor
from bridge.automation.loop_evidence import prove
from bridge.automation.loops import Change
from bridge.errors import Superseded
from bridge.facts import Fact, FactKind
from bridge.flow.concluding import fact_of
from bridge.flow.desk import Desk
from bridge.flow.gathering import makeups, views
from bridge.flow.looping import admit, closed_lately, keep, loops_of, show_due
from bridge.store import Unit, micros

_ATTEMPTS: Final = 3
_EVER: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


async def open_past(desk: Desk, *, since: datetime, now: datetime) -> int:
    """Open loops for facts of after `since`, as if they had been news; returns how many were opened.

    Their clocks have run since the customer complained. Records that prove one settled close it at once. Nothing of
    this is a fact, so that it sets nothing off. Doing it again opens nothing twice.
    """
    kinds = sorted({one.kind.value for one in desk.rules.loops.openers} - {FactKind.outcome_recorded.value})
    found: defaultdict[str, list[Fact]] = defaultdict(list)
    for row in await desk.store.all("loops.facts_since", kinds=kinds, since=micros(since), until=micros(now)):
        fact = fact_of(row)
        if desk.rules.loops.opener_for(fact.kind, fact.data) is not None:
            found[await survivor(desk, fact.customer)].append(fact)
    opened = 0
    for customer, facts in sorted(found.items()):
        for attempt in range(_ATTEMPTS):
            try:
                opened += await _open(desk, customer, facts, now)
                break
            except Superseded:  # the worker was at the same customer
                if attempt == _ATTEMPTS - 1:
                    raise
    return opened


async def _open(desk: Desk, customer: str, facts: list[Fact], now: datetime) -> int:
    known = await views(desk.store, Unit(), await makeups(desk.store, [customer]), {}, desk.rules.identity)
    view = known.get(customer)
    if view is None:
        return 0
    held, rows, given = await loops_of(desk, [customer], now, since=_EVER)
    ever = held.get(customer, [])
    seen = {record for one in ever for record in one.records}
    going = [one for one in ever if one.closed_at is None or one.closed_at >= closed_lately(desk, now)]
    loops = {one.id: Change(loop=one) for one in going}
    before = {id: change.loop for id, change in loops.items()}
    for fact in facts:
        if fact.cause not in seen:
            admit(desk, loops, fact, view, now)
    unit = Unit()
    unit.guard("loops.of_customers", rows, **given)
    for id, change in loops.items():
        alone = id not in before and change.loop.answers == 1  # what the ticket says can only be about this complaint
        done = prove(desk.rules.loops, change.loop, view, now, change.loop.records if alone else ())
        await keep(desk, unit, before.get(id), change.then(done), customer, now)
    show_due(unit, customer, [one.loop for one in loops.values()])
    await desk.store.write(unit)
    return len(loops) - len(before)
