"""The outbox is emptied: each action once, and messages only while nothing speaks against them any more.

What may be said to a customer is asked twice: when the step comes up, and here, right before it is sent. Whoever wanted
no more in between gets no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from bridge.adapter.base import Adapter
from bridge.adapter.client import Client
from bridge.automation import outbox
from bridge.automation.gates import Verdict, judge
from bridge.automation.ordering import addresses_of
from bridge.automation.outbox import ATTEMPTS, Ending, Outgoing
from bridge.automation.register import paused, rule_of
from bridge.automation.rules import Act, Automation
from bridge.automation.spending import give_back
from bridge.automation.triggering import Run, run_of
from bridge.errors import Superseded, VendorRefused, VendorRetryable
from bridge.flow.approaching import person_of, read_known
from bridge.flow.desk import Desk
from bridge.flow.reading import next_try
from bridge.store import Unit, micros
from bridge.telemetry import log

AT_ONCE: Final = 8
HELD: Final = timedelta(seconds=60)
"""How long a message rests while all is paused."""
EXAMPLE: Final = "an example sends nothing: its people are made up, and its vendors know nothing of it"
_BACK_OFF: Final = timedelta(minutes=5)
Clients = Callable[[str], Client]


class _Stop(Struct, frozen=True, kw_only=True):
    """Why an action is not done: never, or not before `until`."""

    reason: str
    until: datetime | None = None


async def send_due(
    desk: Desk, clients: Clients, *, most: int, clock: Callable[[], datetime], at_once: int = AT_ONCE
) -> int:
    """Do up to `most` actions that are due; returns how many there were. `clients` gives each source's client."""
    owner, found = await outbox.take(desk.store, most=most, now=clock())
    if not found:
        return 0
    await desk.look_up()
    slots = asyncio.Semaphore(at_once)

    async def one(outgoing: Outgoing) -> None:
        async with slots:
            try:
                await _send(desk, clients, owner, outgoing, clock)
            except Superseded:  # somebody else has it, or it changed while it was looked at: it is taken again
                await outbox.release(desk.store, owner, [outgoing.id])
            except Exception as problem:  # noqa: BLE001 one action must not stop the others; its lease brings it back
                log("automation").error("outbox.failed", outbox=outgoing.id, exc_info=problem)

    await asyncio.gather(*(one(outgoing) for outgoing in found))
    return len(found)


async def _send(desk: Desk, clients: Clients, owner: str, outgoing: Outgoing, clock: Callable[[], datetime]) -> None:
    store = desk.store
    if outgoing.belongs.run and (stop := await _against(desk, owner, outgoing, clock())) is not None:
        if stop.until is not None:
            await outbox.defer(store, owner, outgoing.id, due_at=stop.until, reason=stop.reason)
        return
    adapter = desk.registry.sources.get(outgoing.source)
    if adapter is None or adapter.source.demo:
        unit = Unit()
        reason = EXAMPLE if adapter else f"no source {outgoing.source!r} is configured any more"
        outbox.decline(unit, owner, outgoing.id, reason=reason, now=clock())
        await return_cost(desk, unit, outgoing)
        await store.write(unit)
        return
    client = clients(outgoing.source)
    if await outbox.begin(store, owner, outgoing.id, now=clock()):
        await _perform(desk, adapter, client, owner, outgoing, clock)


async def _perform(
    desk: Desk, adapter: Adapter, client: Client, owner: str, outgoing: Outgoing, clock: Callable[[], datetime]
) -> None:
    store, number = desk.store, outgoing.id
    ending: Ending
    reference, error = "", ""
    try:
        receipt = await adapter.perform(client, outgoing.action)
        ending, reference = "sent", receipt.reference
    except VendorRetryable as problem:
        if problem.undone and outgoing.attempts + 1 < ATTEMPTS:
            now = clock()
            due = next_try(now, outgoing.attempts + 1, problem.retry_after) or now + _BACK_OFF
            await outbox.postpone(store, owner, number, due_at=due, error=str(problem), now=now)
            return
        ending, error = "dead" if problem.undone else "uncertain", str(problem)
    except VendorRefused as problem:
        ending, error = "refused", str(problem)
    except Exception as problem:  # noqa: BLE001 nobody knows what it had done by then: a person has to look
        log("automation").error("outbox.broke", outbox=number, source=outgoing.source, exc_info=problem)
        ending, error = "uncertain", f"{type(problem).__name__} while it was done"
    unit = Unit()
    if ending in ("refused", "dead"):
        await return_cost(desk, unit, outgoing)
    await outbox.finish(store, owner, number, ending, now=clock(), reference=reference, error=error, beside=unit)


async def _against(desk: Desk, owner: str, outgoing: Outgoing, now: datetime) -> _Stop | None:
    """What speaks against the message by now; a refusal is on disk when this returns."""
    belongs = outgoing.belongs
    if await paused(desk.store):
        return _Stop(reason="paused", until=now + HELD)
    row = await desk.store.one("automations.run", id=belongs.run)
    if row is None:
        return await _refuse(desk, owner, outgoing, "customer_gone", now)
    run = run_of(row)
    modes = {one.id: one.mode for one in desk.armed}
    rule = await rule_of(desk.store, run.automation, run.version)
    if rule is None or modes.get(run.automation) != "on":
        return await _refuse(desk, owner, outgoing, "switched_off", now)
    step = rule.steps[belongs.step] if belongs.step is not None and belongs.step < len(rule.steps) else None
    if not isinstance(step, Act):
        return await _refuse(desk, owner, outgoing, "switched_off", now)
    unit = Unit()
    verdict = await _judge(desk, unit, rule, step, run, outgoing, now)
    if verdict.go:
        return None
    late = now - outgoing.created_at > timedelta(days=desk.rules.outreach.patience_days)
    if verdict.until is not None and not late:
        return _Stop(reason=verdict.reason or "", until=verdict.until)
    reason = "gave_up_waiting" if verdict.until is not None else verdict.reason or ""
    return await _refuse(desk, owner, outgoing, reason, now)


async def _judge(
    desk: Desk, unit: Unit, rule: Automation, act: Act, run: Run, outgoing: Outgoing, now: datetime
) -> Verdict:
    known = (await read_known(desk, [outgoing.customer], now)).get(outgoing.customer)
    if known is None or known.situation.view is None:
        return Verdict(reason="no_address")
    address = outgoing.belongs.address
    if address and address not in addresses_of(known.situation.view):
        return Verdict(reason="no_address")
    person = await person_of(desk, unit, known, rule, now)
    return judge(rule, act, person, desk.rules.outreach, now, cause=run.cause, own=outgoing.action.idempotency_key)


async def _refuse(desk: Desk, owner: str, outgoing: Outgoing, reason: str, now: datetime) -> _Stop:
    unit = Unit()
    outbox.decline(unit, owner, outgoing.id, reason=reason, now=now)
    await return_cost(desk, unit, outgoing)
    unit.add(
        "automations.add_step",
        run=outgoing.belongs.run,
        step=outgoing.belongs.step or 0,
        at=micros(now),
        action=outgoing.action.do,
        result="refused",
        reason=reason,
        until=None,
        customer=outgoing.customer,
    )
    await desk.store.write(unit)
    return _Stop(reason=reason)


async def return_cost(desk: Desk, unit: Unit, outgoing: Outgoing) -> None:
    """Add to `unit` that what the action would have cost goes back into its automation's budget."""
    row = await desk.store.one("automations.run", id=outgoing.belongs.run)
    rule = None if row is None else await rule_of(desk.store, row[1], row[2])
    if rule is not None:
        give_back(unit, rule, outgoing.belongs.cost_minor, outgoing.created_at)
