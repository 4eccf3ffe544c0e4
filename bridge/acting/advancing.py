"""Runs of automations, step by step: each step in one transaction with all that it does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from msgspec import Struct

from bridge.acting.approaching import Known, facts_of, office_of, opened_tickets, person_of, read_known
from bridge.acting.linking import NO_LINKS, Links, keep_links, make_links
from bridge.acting.occasions import survey_words
from bridge.automation import outbox
from bridge.automation.forms import MakeOffer
from bridge.automation.gates import OF_THE_CUSTOMER, Verdict, judge, of_the_customer
from bridge.automation.links import words_of_links
from bridge.automation.ordering import Matter, Order, order, order_key, span_of
from bridge.automation.outbox import Belongs
from bridge.automation.register import Armed, paused, rule_of
from bridge.automation.rules import Act, Automation, StopIf, Wait
from bridge.automation.spending import room_for, spend
from bridge.automation.triggering import Run, share_of, still_on, take
from bridge.automation.triggers import fact_values
from bridge.errors import Superseded
from bridge.facts import FactKind
from bridge.flow.desk import Desk
from bridge.flow.granting import running_grants
from bridge.store import Unit, micros
from bridge.telemetry import log

PUT_OFF: Final = timedelta(hours=1)
"""How long a run waits that something went wrong with."""
_SOON: Final = timedelta(seconds=30)
_DOUBT: Final = timedelta(hours=1)
"""So long after its answer was lost a vendor may still be asked about a ticket."""
_AT_ONCE: Final = 40
"""Steps of one run that are done in one go."""
End = Literal["done", "stopped", "refused", "held_out", "dry"]


class _Going(Struct, kw_only=True):
    """One run on its way: where it is, and what was read for it."""

    run: Run
    rule: Automation
    owner: str
    known: Known
    matter: Matter
    step: int
    done: int
    waits_since: datetime | None
    first_refusal: str = ""


async def advance_due(desk: Desk, *, most: int, now: datetime) -> int:
    """Advance up to `most` runs that are due; returns how many there were. Nothing while all is paused."""
    if await paused(desk.store):
        return 0
    owner, runs = await take(desk.store, most=most, now=now)
    if not runs:
        return 0
    await desk.look_up()
    armed = {one.id: one for one in desk.armed}
    known = await _read_together(desk, runs, now)
    for run in runs:
        try:
            here = known if known is not None else await read_known(desk, [run.customer], now)
            await _advance(desk, owner, run, here.get(run.customer), armed.get(run.automation), now)
        except Superseded:
            await desk.store.change("automations.let_go", id=run.id, owner=owner)
        except Exception as problem:  # noqa: BLE001 one run must not stop the others; it is logged and tried again
            log("automation").error("run.failed", run=run.id, automation=run.automation, exc_info=problem)
            await desk.store.change("automations.put_off", id=run.id, owner=owner, due_at=micros(now + PUT_OFF))
    return len(runs)


async def _read_together(desk: Desk, runs: Sequence[Run], now: datetime) -> dict[str, Known] | None:
    """Everything known of all their customers; None where one of them cannot be read: the others must not wait for
    that one."""
    try:
        return await read_known(desk, {run.customer for run in runs}, now)
    except Exception as problem:  # noqa: BLE001 they are read one by one instead, and the one is logged as its run's
        log("automation").warning("runs.not_read_together", runs=len(runs), exc_info=problem)
        return None


async def _advance(desk: Desk, owner: str, run: Run, known: Known | None, armed: Armed | None, now: datetime) -> None:
    rule = await rule_of(desk.store, run.automation, run.version)
    if rule is None or not still_on(armed, run):
        return await _end(desk, owner, run, "stopped", "switched_off", now)
    if known is None:
        return await _end(desk, owner, run, "stopped", "customer_gone", now)
    going = _Going(
        run=run,
        rule=rule,
        owner=owner,
        known=known,
        matter=Matter(
            rule=rule, run=run.id, cause=run.cause, fact=fact_values(run.kind, run.data), occurred_at=run.occurred_at
        ),
        step=run.step,
        done=run.done,
        waits_since=run.waits_since,
        first_refusal=run.reason,
    )
    under_way = going.step > 0 or going.waits_since is not None
    if under_way and now - run.due_at > desk.rules.outreach.late:
        return await _end(desk, owner, run, "stopped", "too_old", now, going=going)
    if going.step == 0 and not await _begins(desk, going, now):
        return None
    if going.waits_since is not None and (place := rule.settled(going.step, _facts(going, now))) is not None:
        going.step = place
        return await _stop(desk, going, now)
    for _ in range(_AT_ONCE):
        if going.step >= len(rule.steps):
            state: End = "refused" if not going.done and going.first_refusal else "done"
            state = "dry" if run.mode == "dry" and state == "done" else state
            return await _end(desk, owner, run, state, going.first_refusal, now, going=going)
        if not await _step(desk, going, now):
            return None
    return await _rest(desk, Unit(), going, now, now)


async def _begins(desk: Desk, going: _Going, now: datetime) -> bool:
    """Whether the run is to begin at all; else it is ended here."""
    run, rule = going.run, going.rule
    age = now - run.occurred_at
    if going.waits_since is None and age > rule.max_age:
        await _end(desk, going.owner, run, "refused", "too_old", now)
    elif not rule.condition(_facts(going, now)):
        await _end(desk, going.owner, run, "stopped", "condition", now)
    elif (ours := await _is_ours(desk, going, now)) is None:
        await _rest(desk, Unit(), going, now + _SOON, now)
    elif ours:
        await _end(desk, going.owner, run, "stopped", "own_ticket", now)
    elif share_of(rule, going.known.customer, "hold_out") < rule.file.hold_out:
        await _end(desk, going.owner, run, "held_out", "", now)
    else:
        return True
    return False


async def _is_ours(desk: Desk, going: _Going, now: datetime) -> bool | None:
    """Whether the ticket that set the run off was opened by an automation: it would answer itself for ever. None while
    one is being opened there: the helpdesk may tell of it before it answers."""
    if going.run.kind is not FactKind.ticket_opened:
        return False
    source, _, number = (*going.run.cause.split("/", 2), "", "")[:3]
    asked = {"source": source, "customers": going.known.before}
    if await desk.store.one("automations.own_ticket", reference=number, **asked) is not None:
        return True
    doubted = micros(now - _DOUBT)
    return None if await desk.store.one("automations.ticket_under_way", doubted=doubted, **asked) else False


def _facts(going: _Going, now: datetime) -> dict[str, Any]:
    return facts_of(going.known, going.matter.fact, going.run.occurred_at, now)


async def _step(desk: Desk, going: _Going, now: datetime) -> bool:
    """One step in one transaction; False when the run rests or ended with it."""
    step = going.rule.steps[going.step]
    unit = Unit()
    if isinstance(step, StopIf):
        if step.holds(_facts(going, now)):
            await _stop(desk, going, now)
            return False
        return await _next(desk, unit, going, now)
    if isinstance(step, Wait):
        _note(unit, going, "wait", "waits", "", now, until=now + step.length)
        going.step += 1
        going.waits_since = None
        await _rest(desk, unit, going, now + step.length, now)
        return False
    return await _act(desk, unit, going, step, now)


async def _stop(desk: Desk, going: _Going, now: datetime) -> None:
    """End the run by the `stop_if` that it stands at."""
    unit = Unit()
    _note(unit, going, "stop_if", "stopped", "", now)
    await _end(desk, going.owner, going.run, "stopped", "stop_if", now, unit, going)


async def _act(desk: Desk, unit: Unit, going: _Going, act: Act, now: datetime) -> bool:
    verdict, ordered, links = await _verdict(desk, unit, going, act, now)
    if verdict.until is not None:
        since = going.waits_since or now
        if verdict.until - since <= timedelta(days=desk.rules.outreach.patience_days):
            _note(unit, going, act.do, "postponed", verdict.reason or "", now, until=verdict.until)
            going.waits_since = since
            await _rest(desk, unit, going, verdict.until, now)
            return False
        verdict = Verdict(reason="gave_up_waiting")
    if ordered is None:
        reason = verdict.reason or ""
        going.first_refusal = going.first_refusal or reason
        _note(unit, going, act.do, "refused", reason, now)
        if reason in OF_THE_CUSTOMER:
            await _end(desk, going.owner, going.run, "refused", reason, now, unit, going)
            return False
        return await _next(desk, unit, going, now)
    if going.run.mode == "dry":
        _note(unit, going, act.do, "would", "", now)
    else:
        _enqueue(desk, unit, going, act, ordered, links, now)
        _note(unit, going, act.do, "enqueued", "", now)
    going.done += 1
    return await _next(desk, unit, going, now)


async def _verdict(
    desk: Desk, unit: Unit, going: _Going, act: Act, now: datetime
) -> tuple[Verdict, Order | None, Links]:
    """Whether the step may be done, the order for it, and the links that it may name."""
    known, rule = going.known, going.rule
    unit.guard("customers.versions", known.version, ids=[known.customer])
    person = await person_of(desk, unit, known, rule, now)
    if act.channel is None:
        verdict = Verdict(reason=of_the_customer(rule, person))
    else:
        opened = await opened_tickets(desk, rule, going.run.id)
        verdict = judge(rule, act, person, desk.rules.outreach, now, cause=going.run.cause, opened=opened)
    if not verdict.go:
        return verdict, None, NO_LINKS
    links = make_links(desk, going.matter, act, known, now)
    words = words_of_links(links.made) | survey_words(desk, going.matter, known, now)
    ordered = order(going.matter, act, known.situation, office_of(desk, words), now)
    if not isinstance(ordered, Order):
        return Verdict(reason=ordered), None, NO_LINKS
    key = order_key(going.matter, going.step, ordered.address)
    if await desk.store.one("automations.enqueued", dedupe_key=key) is not None or await _done_before(
        desk, unit, going
    ):
        return Verdict(reason="already_sent"), None, NO_LINKS
    if isinstance(act.form, MakeOffer):
        granted = (await running_grants(desk.store, [known.customer])).get(known.customer, {})
        offer = desk.rules.deciding.playbooks.catalogue.offers.get(act.form.id)
        barred = {act.form.id, *(offer.not_with if offer else ())}
        if any(until > now and id in barred for id, until in granted.items()):
            return Verdict(reason="offer_running"), None, NO_LINKS
    if not await room_for(desk.store, rule, ordered.cost_minor, office_of(desk, {}).currency, now):
        return Verdict(reason="budget_spent"), None, NO_LINKS
    return verdict, ordered, links


async def _done_before(desk: Desk, unit: Unit, going: _Going) -> bool:
    """Whether the step was done for the same person as somebody else: what has no record as its cause begins a run for
    each customer, and two of them may turn out to be one."""
    if going.run.cause:
        return False
    begins, ends = span_of(going.rule, going.run.occurred_at)
    asked = {
        "automation": going.rule.id,
        "step": going.step,
        "customers": going.known.before,
        "begins": micros(begins),
        "ends": micros(ends),
    }
    rows = await desk.store.all("automations.done_before", **asked)
    unit.guard("automations.done_before", rows, **asked)
    return bool(rows)


def _enqueue(desk: Desk, unit: Unit, going: _Going, act: Act, ordered: Order, links: Links, now: datetime) -> None:
    rule = going.rule
    key = order_key(going.matter, going.step, ordered.address)
    keep_links(desk, unit, links, ordered, going.known, run=going.run.id, automation=rule.id, key=key, now=now)
    outbox.enqueue(
        unit,
        dedupe_key=key,
        source=ordered.source,
        action=ordered.action,
        args=ordered.args,
        now=now,
        customer=going.known.customer,
        fact=going.run.fact,
        due_at=ordered.due_at,
        expect=1,
        belongs=Belongs(
            run=going.run.id,
            automation=rule.id,
            step=going.step,
            channel=act.channel.value if act.channel else "",
            address=ordered.address,
            purpose=rule.file.purpose,
            apology=act.apology,
            cost_minor=ordered.cost_minor,
        ),
    )
    spend(unit, rule, ordered.cost_minor, office_of(desk, {}).currency, now)


def _note(
    unit: Unit, going: _Going, action: str, result: str, reason: str, now: datetime, until: datetime | None = None
) -> None:
    unit.add(
        "automations.add_step",
        expect=1,
        run=going.run.id,
        step=going.step,
        at=micros(now),
        action=action,
        result=result,
        reason=reason,
        until=None if until is None else micros(until),
        customer=going.known.customer,
    )


async def _next(desk: Desk, unit: Unit, going: _Going, now: datetime) -> bool:
    """Go on to the step after this one, at once; what is noted and enqueued is on disk with it."""
    going.step += 1
    going.waits_since = None
    _keep(unit, going, now)
    await desk.store.write(unit)
    return True


async def _rest(desk: Desk, unit: Unit, going: _Going, until: datetime, now: datetime) -> None:
    _keep(unit, going, until)
    unit.add("automations.let_go", id=going.run.id, owner=going.owner)
    await desk.store.write(unit)


def _keep(unit: Unit, going: _Going, due_at: datetime) -> None:
    unit.add(
        "automations.advance",
        expect=1,
        id=going.run.id,
        owner=going.owner,
        step=going.step,
        done=going.done,
        due_at=micros(due_at),
        waits_since=None if going.waits_since is None else micros(going.waits_since),
        state="waiting",
        reason=going.first_refusal,
        finished_at=None,
    )


async def _end(
    desk: Desk,
    owner: str,
    run: Run,
    state: End,
    reason: str,
    now: datetime,
    unit: Unit | None = None,
    going: _Going | None = None,
) -> None:
    unit = unit or Unit()
    unit.add(
        "automations.advance",
        expect=1,
        id=run.id,
        owner=owner,
        step=going.step if going else run.step,
        done=going.done if going else run.done,
        due_at=micros(now),
        waits_since=None,
        state=state,
        reason=reason,
        finished_at=micros(now),
    )
    await desk.store.write(unit)
