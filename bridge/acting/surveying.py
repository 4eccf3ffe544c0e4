"""Surveys go out in tranches: once a day and plan, page by page, never more than there is time to answer.

    collect ──▶ assess ──▶ draw ──▶ done
    who came up  may they be   each with the probability that was
                 asked         worked out for all of them before

Each page is one transaction with the tranche's position, so that one that is cut short goes on where it was, and two
processes at the same page are no harm. Those who are drawn get a fact of their own (survey.drawn); by it the plan's
automation invites them, past the same gates as everything that is sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from bridge.acting.occasions import PAGE, Assessed, CameUp, assess, look, problem_of, read_usual
from bridge.acting.survey_sizes import Sizes, Tranche, looked_until, size_for, tranche_of
from bridge.automation.outreach import next_open
from bridge.automation.register import Armed, paused
from bridge.automation.surveys import Plan, armed_of
from bridge.automation.tranches import Cell, Ready, drawn, group
from bridge.automation.triggering import run_id, trigger
from bridge.errors import Superseded
from bridge.facts import Fact, FactKind, Origin, fact_id
from bridge.flow.concluding import fact_row
from bridge.flow.desk import Desk
from bridge.model import Channel
from bridge.store import Row, Unit, instant, micros

KEEP: Final = timedelta(days=400)
"""For so long it is kept who came up and was not asked; invitations are kept for good."""
_ASSESSED: Final = 50
_encode = msgspec.json.Encoder(order="deterministic").encode


async def survey_once(desk: Desk, now: datetime) -> int:
    """Do the next page of the oldest tranche that is under way, or begin today's; nothing to do is 0.

    Nothing while all is paused, nor at hours at which customers are not written to.
    """
    plans = {one.id: one for one in desk.rules.surveys}
    active = {id: armed for id, plan in plans.items() if (armed := armed_of(plan, desk.armed)) and armed.mode != "off"}
    if not plans or await paused(desk.store):
        return 0
    await _begin(desk, plans, active, now)
    for tranche in map(tranche_of, await desk.store.all("surveys.open_tranches")):
        plan, armed = plans.get(tranche.plan), active.get(tranche.plan)
        if plan is None or armed is None or _may_write(desk, plan, now):
            await _page(desk, plan, armed, tranche, now)
            return 1
    return 0


async def _page(desk: Desk, plan: Plan | None, armed: Armed | None, tranche: Tranche, now: datetime) -> None:
    try:
        if plan is None or armed is None or armed.mode != tranche.mode:
            await _move(desk, Unit(), tranche, "stopped", "", now)
        elif tranche.stage == "collect":
            await _collect(desk, plan, armed, tranche, now)
        elif tranche.stage == "assess":
            await _assess(desk, plan, tranche, now)
        else:
            await _draw(desk, plan, tranche, now)
    except Superseded:  # another process was at the same page, or what it rested on changed: it is looked at again
        pass


def _may_write(desk: Desk, plan: Plan, now: datetime) -> bool:
    policy = desk.rules.outreach
    opens = next_open(policy, plan.act.channel or Channel.email, policy.zone, now)
    return opens is not None and opens <= now


async def _begin(desk: Desk, plans: Mapping[str, Plan], active: Mapping[str, Armed], now: datetime) -> None:
    """Begin today's tranche of every plan that is on, has none yet, and whose customers may be written to now."""
    day = now.astimezone(desk.rules.outreach.zone).date()
    for id, armed in sorted(active.items()):
        plan, name = plans[id], f"{id}:{armed.mode}:{day}"
        if not _may_write(desk, plan, now) or problem_of(desk, plan) is not None:
            continue
        if await desk.store.one("surveys.tranche", id=name) is not None:
            continue
        after = await looked_until(desk, plan, armed, now)
        unit = Unit()
        live_since = now if armed.live_since is None else armed.live_since
        unit.add("surveys.drop_unused", plan=id, mode=armed.mode, live_since=micros(live_since))
        unit.add("surveys.look_again", plan=id)
        unit.add("surveys.forget", before=micros(now - KEEP))
        unit.add(
            "surveys.begin",
            expect=1,
            id=name,
            plan=id,
            day=day.isoformat(),
            mode=armed.mode,
            at=micros(now),
            after_at=micros(after),
            until_at=micros(now),
        )
        with suppress(Superseded):  # another process began it, and may be at work on those who are ready
            await desk.store.write(unit)


async def _move(desk: Desk, unit: Unit, tranche: Tranche, stage: str, position: str, now: datetime) -> None:
    unit.add(
        "surveys.move",
        expect=1,
        id=tranche.id,
        was_stage=tranche.stage,
        was_position=tranche.position,
        stage=stage,
        position=position,
        done_at=micros(now) if stage in ("done", "stopped") else None,
    )
    await desk.store.write(unit)


async def _collect(desk: Desk, plan: Plan, armed: Armed, tranche: Tranche, now: datetime) -> None:
    page = await look(desk, plan, tranche.after, tranche.until, tranche.position, now, armed.live_since)
    unit = Unit()
    unit.many(
        "surveys.put_occasion",
        [
            {
                "id": _mine(one.id, tranche),
                "plan": plan.id,
                "metric": plan.file.metric,
                "customer": one.customer,
                "cause": one.cause,
                "mode": tranche.mode,
                "came_up_at": micros(one.at),
            }
            for one in page.found
        ],
    )
    await _move(desk, unit, tranche, "collect" if page.next else "assess", page.next or "", now)


def _mine(id: str, tranche: Tranche) -> str:
    """What was drawn in a dry run may come up again once the plan is on."""
    return id if tranche.mode == "on" else f"{id}:{tranche.mode}"


async def _assess(desk: Desk, plan: Plan, tranche: Tranche, now: datetime) -> None:
    rows = await desk.store.all("surveys.waiting", plan=plan.id, after=tranche.position, most=_ASSESSED)
    came_up = [CameUp(id=row[0], customer=row[1], cause=row[2], at=instant(row[3])) for row in rows]
    taken = await _taken(desk, plan, [one.customer for one in came_up])
    unit = Unit()
    for one in await assess(desk, plan, await read_usual(desk, plan, now), came_up, taken, now):
        unit.add("surveys.assess", expect=1, **_assessed(one, tranche))
    if len(rows) == _ASSESSED:
        return await _move(desk, unit, tranche, "assess", rows[-1][0], now)
    if unit.steps:
        await desk.store.write(unit)
    sizes = await _size(desk, plan, now)
    unit = Unit()
    unit.add("surveys.keep_sizes", id=tranche.id, sizes=_encode(sizes).decode())
    return await _move(desk, unit, tranche, "draw", "", now)


async def _taken(desk: Desk, plan: Plan, customers: Sequence[str]) -> set[str]:
    rows = await desk.store.all("surveys.among_ready", plan=plan.id, customers=sorted(set(customers)))
    return {str(row[0]) for row in rows}


def _assessed(one: Assessed, tranche: Tranche) -> dict[str, Any]:
    ready = one.ready
    return {
        "id": one.came_up.id,
        "customer": one.customer,
        "state": "ready" if ready else "barred",
        "reason": one.reason,
        "tranche": tranche.id,
        "owner": ready.owner if ready else "",
        "tier": ready.tier if ready else "",
        "band": ready.band if ready else "",
        "bad": ready.bad if ready else None,
        "answers": ready.answers if ready else None,
    }


async def _size(desk: Desk, plan: Plan, now: datetime) -> Sizes:
    found: list[Ready] = []
    after = ""
    while rows := await desk.store.all("surveys.ready", plan=plan.id, after=after, most=1000):
        found += [_ready_of(row) for row in rows]
        after = rows[-1][0]
    return await size_for(desk, plan, group(found), now)


def _ready_of(row: Row) -> Ready:
    id, owner, tier, band, bad, answers = row[:6]
    return Ready(occasion=id, owner=owner, tier=tier, band=band, bad=bad, answers=answers)


async def _draw(desk: Desk, plan: Plan, tranche: Tranche, now: datetime) -> None:
    propensity = {Cell(one.owner, one.tier, one.band): one.propensity for one in tranche.sizes.cells}
    rows = await desk.store.all("surveys.ready", plan=plan.id, after=tranche.position, most=PAGE)
    unit = Unit()
    facts: list[Fact] = []
    for row in rows:
        ready, customer, cause = _ready_of(row), row[6], row[7]
        chance = propensity.get(Cell(ready.owner, ready.tier, ready.band))
        if chance is None:
            unit.add("surveys.turn_back", expect=1, id=ready.occasion)
            continue
        chosen, run = drawn(plan.id, ready.occasion, chance), ""
        if chosen:
            fact = _drawn(plan, ready.occasion, customer, cause, now)
            facts.append(fact)
            run = run_id(plan.rule, fact, dry=tranche.mode == "dry")
        state = ("invited" if tranche.mode == "on" else "would") if chosen else "passed"
        unit.add(
            "surveys.settle",
            expect=1,
            id=ready.occasion,
            state=state,
            propensity=chance,
            drawn_at=micros(now),
            run=run,
        )
    unit.many("customers.add_fact", [fact_row(fact) for fact in facts])
    await trigger(desk.store, unit, desk.armed, facts, live_since=desk.live_since, now=now)
    if len(rows) == PAGE:
        return await _move(desk, unit, tranche, "draw", rows[-1][0], now)
    patience = timedelta(days=desk.rules.surveying.patience_days)
    unit.add("surveys.lapse", plan=plan.id, before=micros(now - patience))
    return await _move(desk, unit, tranche, "done", "", now)


def _drawn(plan: Plan, occasion: str, customer: str, cause: str, now: datetime) -> Fact:
    return Fact(
        id=fact_id(FactKind.survey_drawn, occasion, ""),
        kind=FactKind.survey_drawn,
        customer=customer,
        occurred_at=now,
        known_at=now,
        origin=Origin.live,
        cause=cause,
        data={"survey": plan.id, "metric": plan.file.metric},
    )
