"""Loops that time does something to: clocks run out, somebody is told, nobody waits for the customer any longer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from bridge.acting.approaching import survivor
from bridge.automation import outbox
from bridge.automation.loop_rules import OWNER, TEAM, Escalation
from bridge.automation.loops import Loop, Overdue, assign, check_at, tick
from bridge.automation.triggering import trigger
from bridge.errors import Superseded
from bridge.facts import Fact, FactKind, Origin, fact_id
from bridge.flow.concluding import fact_row
from bridge.flow.desk import Desk
from bridge.flow.looping import keep, loop_of, loops_of, show_due
from bridge.store import Unit, micros

_MAIL: Final = "send_email"
_SUBJECT: Final = {
    "de": {"reply": "Überfällig: erste Antwort an einen Kunden", "resolution": "Überfällig: Lösung für einen Kunden"},
    "en": {"reply": "Overdue: first reply to a customer", "resolution": "Overdue: a customer's matter is not settled"},
}
_TEXT: Final = {
    "de": "{title}: zuständig ist {owner}, offen seit {since}. Meldung {number} von {of}.\n\n{link}\n",
    "en": "{title}: {owner} has it, open since {since}. Notice {number} of {of}.\n\n{link}\n",
}


async def tend_once(desk: Desk, *, most: int, now: datetime) -> int:
    """Look at up to `most` loops that are due; returns how many there were.

    Another process at the same loop is no harm: one of the two writes nothing.
    """
    rows = await desk.store.all("loops.due", now=micros(now), most=most)
    if rows:
        await desk.look_up()
    for row in rows:
        try:
            await _tend(desk, loop_of(row), now)
        except Superseded:
            continue
    return len(rows)


async def _tend(desk: Desk, loop: Loop, now: datetime) -> None:
    unit = Unit()
    customer = await survivor(desk, loop.customer)
    change, come = tick(desk.rules.loops, loop, now)
    facts = [_overdue(change.loop, customer, one, now) for one in come]
    for one, fact in zip(come, facts, strict=True):
        step = desk.rules.loops.file.escalation[one.number - 1]
        if step.assign and step.to != OWNER:
            owner = desk.rules.loops.file.queue if step.to == TEAM else step.to
            change = change.then(assign(change.loop, owner, now, by="bridge"))
        _tell(desk, unit, change.loop, one, step, fact, now)
    await keep(desk, unit, loop, change, customer, now)
    if not change.events:  # the configuration has other times by now
        looks = check_at(desk.rules.loops, loop)
        unit.add(
            "loops.look_again", id=loop.id, version=loop.version, check_at=None if looks is None else micros(looks)
        )
    await note_facts(desk, unit, facts, now)
    await show_dues(desk, unit, customer, change.loop, now)
    await desk.store.write(unit)


async def note_facts(desk: Desk, unit: Unit, facts: Sequence[Fact], now: datetime) -> None:
    """Add to `unit` facts about loops and what they set off."""
    unit.many("customers.add_fact", [fact_row(one) for one in facts])
    if facts:
        await trigger(desk.store, unit, desk.armed, facts, live_since=desk.live_since, now=now)


async def show_dues(desk: Desk, unit: Unit, customer: str, changed: Loop, now: datetime) -> None:
    """Keep beside the decision what the clocks of all the customer's loops say, with `changed` as it is now. Guards the
    others: of two that change at once, neither may write what the other made old."""
    held, rows, given = await loops_of(desk, [customer], now)
    unit.guard("loops.of_customers", rows, **given)
    show_due(unit, customer, [changed, *(one for one in held.get(customer, ()) if one.id != changed.id)])
    unit.wake.add("customers")


def _overdue(loop: Loop, customer: str, one: Overdue, now: datetime) -> Fact:
    return Fact(
        id=fact_id(FactKind.loop_overdue, loop.id, f"{loop.round}:{loop.answers}:{one.clock}:{one.number}"),
        kind=FactKind.loop_overdue,
        customer=customer,
        occurred_at=now,
        known_at=now,
        origin=Origin.live,
        cause=loop.cause,
        data={"clock": one.clock, "escalation": one.number, "matter": loop.matter, "loop": loop.id},
    )


def _tell(desk: Desk, unit: Unit, loop: Loop, one: Overdue, step: Escalation, fact: Fact, now: datetime) -> None:
    """Write to whom the step names. Nothing of the customer is in it; the page that it links to asks who reads."""
    rules, policy = desk.rules.loops, desk.rules.outreach
    to, through = address_of(desk, loop, step.to), mail_source(desk)
    if not rules.file.notify or not to or not through:
        return
    form, language = rules.opener(loop.opener), policy.language
    queue = rules.file.queues.get(loop.owner)
    words: dict[str, Any] = {
        "title": loop.opener if form is None else form.title[language],
        "owner": loop.owner if queue is None else queue.title[language],
        "since": loop.opened_at.astimezone(rules.calendar.zone).strftime("%d.%m.%Y %H:%M"),
        "number": one.number,
        "of": len(rules.file.escalation),
        "link": f"{desk.settings.public_url}/console/loops/{loop.id}",
    }
    outbox.enqueue(
        unit,
        dedupe_key=f"loop:{fact.id}",
        source=through,
        action=_MAIL,
        args={"to": to, "subject": _SUBJECT[language][one.clock], "text": _TEXT[language].format(**words)},
        now=now,
        customer=loop.customer,
        fact=fact.id,
    )


def address_of(desk: Desk, loop: Loop, to: str) -> str:
    """The e-mail address of whom a step of the escalation means; "" where nobody has one."""
    rules, policy = desk.rules.loops.file, desk.rules.outreach
    name = loop.owner if to == OWNER else rules.queue if to == TEAM else to
    if "@" in name:
        return name
    queue = rules.queues.get(name)
    known = policy.people.get(name) if queue is None else queue.address
    return known or policy.team


def mail_source(desk: Desk) -> str:
    """The source that sends e-mail to employees: named by the policy, or the only one that can; "" for none."""
    able = [name for name, one in desk.registry.sources.items() if _MAIL in one.manifest.capabilities]
    named = desk.rules.outreach.through.get("notify") or desk.rules.outreach.through.get(_MAIL)
    if named:
        return named if named in able else ""
    return able[0] if len(able) == 1 else ""
