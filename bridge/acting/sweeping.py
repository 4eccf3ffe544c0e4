"""Days that automations wait for: every customer is looked at once a day, page by page, and once for each incident.

A sweep that is cut short goes on where it was. Days overlap, since a fact that is there already sets nothing off again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta, timezone
from typing import Final

from bridge.acting.approaching import Known, read_known
from bridge.automation.dated import dated_facts
from bridge.automation.register import Armed
from bridge.automation.triggering import trigger
from bridge.errors import Superseded
from bridge.facts import Fact, FactKind, Origin, fact_id
from bridge.flow.concluding import fact_row
from bridge.flow.desk import Desk
from bridge.scoring.view import View
from bridge.store import Unit, micros

PAGE: Final = 200
OVERLAP: Final = 3
"""Days that are looked at again: who came in on the day itself may have been missed."""
FURTHEST: Final = 35
"""Days that are made up for after nobody was at work."""
KEEP: Final = timedelta(days=60)
_DAY = "day:"
_INCIDENT = "incident:"


async def sweep_once(desk: Desk, now: datetime) -> int:
    """Look at the next page of customers for the oldest day or incident that is due; returns how many there were.

    Nothing to do is 0. Another process at the same page is no harm: one of the two writes nothing.
    """
    waiting = [one for one in desk.armed if one.mode != "off" and one.rule.trigger.by_clock]
    if not waiting:
        return 0
    await _begin(desk, waiting, now)
    for occasion, _, position, _ in await desk.store.all("automations.open_sweeps"):
        customers = [row[0] for row in await desk.store.all("customers.after", after=position, most=PAGE)]
        facts = await _facts(desk, waiting, occasion, customers, now)
        unit = Unit()
        unit.many("customers.add_fact", [fact_row(fact) for fact in facts])
        found = await trigger(desk.store, unit, waiting, facts, live_since=desk.live_since, now=now, by_clock=True)
        unit.add(
            "automations.move_sweep",
            expect=1,
            occasion=occasion,
            was=position,
            position=customers[-1] if customers else position,
            found=found,
            done_at=None if len(customers) == PAGE else micros(now),
        )
        try:
            await desk.store.write(unit)
        except Superseded:
            return 1
        return max(1, len(customers))
    return 0


async def _begin(desk: Desk, waiting: list[Armed], now: datetime) -> None:
    """Make known what is to be swept: today, and every incident that goes on."""
    wanted = set()
    if any(one.rule.kind is not FactKind.incident_declared for one in waiting):
        wanted.add(f"{_DAY}{now.astimezone(desk.rules.outreach.zone).date()}")
    if any(one.rule.kind is FactKind.incident_declared for one in waiting):
        wanted |= {_INCIDENT + one.id for one in desk.rules.deciding.incidents.at(now)[0]}
    for occasion in sorted(wanted):
        if await desk.store.one("automations.sweep", occasion=occasion) is None:
            unit = Unit()
            unit.add("automations.begin_sweep", occasion=occasion, at=micros(now))
            unit.add("automations.forget_sweeps", before=micros(now - KEEP))
            await desk.store.write(unit)


async def _facts(desk: Desk, waiting: list[Armed], occasion: str, customers: list[str], now: datetime) -> list[Fact]:
    known = (await read_known(desk, customers, now)).values()
    facts: dict[str, Fact] = {}
    if occasion.startswith(_INCIDENT):
        for fact in _incident(desk, occasion.removeprefix(_INCIDENT), known, now):
            facts.setdefault(fact.id, fact)
        return list(facts.values())
    today = date.fromisoformat(occasion.removeprefix(_DAY))
    after = await _swept_until(desk, today)
    rules = [one.rule for one in waiting]
    for one in known:
        view = one.situation.view
        known_since = None if view is None else _live_since(desk, view)
        if view is not None and known_since is not None:
            for fact in dated_facts(rules, view, after, today, desk.rules.outreach.zone, now):
                if fact.cause or fact.occurred_at >= known_since:
                    facts.setdefault(fact.id, fact)
    return list(facts.values())


def _live_since(desk: Desk, view: View) -> datetime | None:
    """Since when all sources are live that know the customer; None while one is not. Days before were history."""
    since = [desk.live_since.get(held.source) for held in view.profiles]
    live = [one for one in since if one is not None]
    return max(live) if live and len(live) == len(since) else None


async def _swept_until(desk: Desk, today: date) -> date:
    """The day after which to look: what was swept last, less the overlap, and not too far back."""
    row = await desk.store.one("automations.last_day_swept")
    last = date.fromisoformat(row[0].removeprefix(_DAY)) if row and row[0] else today
    return max(min(last, today) - timedelta(days=OVERLAP), today - timedelta(days=FURTHEST))


def _incident(desk: Desk, id: str, known: Iterable[Known], now: datetime) -> list[Fact]:
    going_on = {one.id: one for one in desk.rules.deciding.incidents.at(now)[0]}
    begins = {one.script.id: one.begins for one in desk.rules.deciding.incidents.declared}
    script = going_on.get(id)
    if script is None:
        return []
    return [
        Fact(
            id=fact_id(FactKind.incident_declared, one.customer, id),
            kind=FactKind.incident_declared,
            customer=one.customer,
            occurred_at=(begins.get(id) or now).astimezone(timezone.utc),
            known_at=now,
            origin=Origin.live,
            data={"incident": id},
        )
        for one in known
        if script.when(one.situation.facts)
    ]
