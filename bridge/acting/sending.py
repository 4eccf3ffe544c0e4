"""The outbox is emptied: each action once, and messages only while nothing speaks against them any more.

What may be said to a customer is asked twice: when the step comes up, and here, right before it is sent. Whoever wanted
no more in between gets no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec
from msgspec import Struct

from bridge.acting.approaching import facts_of, opened_tickets, person_of, read_known
from bridge.adapter.actions import LATE_SECONDS
from bridge.adapter.base import Adapter
from bridge.adapter.client import Client
from bridge.adapter.delivery import Action
from bridge.automation import outbox
from bridge.automation.gates import Verdict, judge
from bridge.automation.ordering import addresses_of
from bridge.automation.outbox import Ending, Outgoing
from bridge.automation.register import paused, rule_of
from bridge.automation.rules import Act, Automation
from bridge.automation.spending import give_back
from bridge.automation.triggering import Run, run_of, still_on
from bridge.automation.triggers import fact_values
from bridge.errors import ConfigError, Superseded, VendorRefused, VendorRetryable
from bridge.flow.desk import Desk
from bridge.store import Unit, micros
from bridge.telemetry import log

AT_ONCE: Final = 8
HELD: Final = timedelta(seconds=60)
"""How long a message rests while all is paused."""
EXAMPLE: Final = "an example sends nothing: its people are made up, and its vendors know nothing of it"
AGAIN: Final = tuple(timedelta(seconds=seconds) for seconds in (5, 60, 600, 3600, 21_600))
"""Wait after each attempt that surely did nothing, and longer where the vendor says so: a vendor may be down for a few
hours, and nothing is given up."""
ROLLING_OUT: Final = timedelta(minutes=10)
"""So long after it was ordered a source that is not configured here may yet be: whoever ordered it knew the source, and
this process is about to be replaced."""
SILENT: Final = timedelta(minutes=1)
"""For so long a vendor is left alone that did not answer: each further message would be one more doubt."""
_BUSY: Final = (421, 429)
"""What a vendor says that takes nothing at all for the moment, by mail and by HTTP."""
_NO_ANSWER: Final = (None, 502, 503, 504)
_DONE_PERHAPS: Final = frozenset((*range(200, 300), 302, 303))
"""Answers that are neither what was expected nor a no."""
_LATE: Final = timedelta(seconds=LATE_SECONDS) / 2
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
            except Exception as problem:  # noqa: BLE001 one action must not stop the others; it is tried again
                log("automation").error("outbox.failed", outbox=outgoing.id, exc_info=problem)
                with suppress(Exception):  # where the store itself fails, the lease brings it back
                    await _stumble(desk, owner, outgoing, problem, clock())

    await asyncio.gather(*(one(outgoing) for outgoing in found))
    return len(found)


async def _send(desk: Desk, clients: Clients, owner: str, outgoing: Outgoing, clock: Callable[[], datetime]) -> None:
    store = desk.store
    if outgoing.belongs.run and (stop := await _against(desk, owner, outgoing, clock())) is not None:
        if stop.until is not None:
            await outbox.defer(store, owner, outgoing.id, due_at=stop.until, reason=stop.reason)
        return
    adapter = desk.registry.sources.get(outgoing.source)
    if adapter is None:
        await _without_source(desk, owner, outgoing, clock())
        return
    if adapter.source.demo:
        await _decline(desk, owner, outgoing, EXAMPLE, clock())
        return
    client = clients(outgoing.source)
    if await outbox.begin(store, owner, outgoing.id, now=clock()):
        await _perform(desk, adapter, client, owner, outgoing, clock)
    else:
        await outbox.release(store, owner, [outgoing.id])


async def _perform(
    desk: Desk, adapter: Adapter, client: Client, owner: str, outgoing: Outgoing, clock: Callable[[], datetime]
) -> None:
    store, number = desk.store, outgoing.id
    ending: Ending
    reference, error = "", ""
    try:
        receipt = await adapter.perform(client, _in_time(outgoing.action, clock()))
        ending, reference = "sent", receipt.reference
    except VendorRetryable as problem:
        now = clock()
        asked = timedelta(seconds=problem.retry_after or 0.0)
        if (rest := _rest(problem, asked)) is not None:
            await outbox.rest(store, outgoing.source, until=now + rest, now=now)
        if problem.undone and outgoing.attempts < len(AGAIN):
            due = now + max(asked, AGAIN[outgoing.attempts])
            await outbox.postpone(store, owner, number, due_at=due, error=str(problem), now=now)
            return
        ending, error = "dead" if problem.undone else "uncertain", str(problem)
    except VendorRefused as problem:
        ending, error = _refused(outgoing, problem), str(problem)
    except ConfigError as problem:  # a setting is missing: nothing has left the house
        ending, error = "dead", str(problem)
    except Exception as problem:  # noqa: BLE001 nobody knows what it had done by then: a person has to look
        log("automation").error("outbox.broke", outbox=number, source=outgoing.source, exc_info=problem)
        ending, error = "uncertain", f"{type(problem).__name__} while it was done"
    unit = Unit()
    if ending in ("refused", "dead"):
        await return_cost(desk, unit, outgoing)
    await outbox.finish(store, owner, number, ending, now=clock(), reference=reference, error=error, beside=unit)


def _rest(problem: VendorRetryable, asked: timedelta) -> timedelta | None:
    """For how long the vendor is spared everything; None where the trouble is this message's own."""
    if problem.status in _BUSY:
        return max(asked, AGAIN[0])
    return max(asked, SILENT) if not problem.undone and problem.status in _NO_ANSWER else None


def _refused(outgoing: Outgoing, problem: VendorRefused) -> Ending:
    """Final only for a message that the vendor will not take. What a person can mend, and what was promised to one (a
    customer who renewed, an erasure), is left for a person to have done after all."""
    if problem.status in _DONE_PERHAPS:
        return "uncertain"
    return "dead" if problem.about_us or not outgoing.belongs.run else "refused"


def _in_time(action: Action, now: datetime) -> Action:
    """A call whose time went by while all was paused or down is wanted now: vendors refuse calls of the past."""
    at = _call_at(action)
    if at is None or now - at <= _LATE:
        return action
    return msgspec.structs.replace(action, args=action.args | {"at": now.isoformat()})


def _call_at(action: Action) -> datetime | None:
    if action.do != "schedule_callback":
        return None
    return msgspec.convert(action.args["at"], datetime)


async def _without_source(desk: Desk, owner: str, outgoing: Outgoing, now: datetime) -> None:
    reason = f"no source {outgoing.source!r} is configured any more"
    if now - outgoing.created_at < ROLLING_OUT:
        await outbox.defer(desk.store, owner, outgoing.id, due_at=now + HELD, reason=reason)
    else:
        await _decline(desk, owner, outgoing, reason, now, ending="refused" if outgoing.belongs.run else "dead")


async def _stumble(desk: Desk, owner: str, outgoing: Outgoing, problem: Exception, now: datetime) -> None:
    """What cannot even be begun is tried again like what failed, and given up like it: else it came back for ever."""
    error = f"{type(problem).__name__} before it was begun"
    if outgoing.attempts < len(AGAIN):
        due = now + AGAIN[outgoing.attempts]
        await outbox.stumble(desk.store, owner, outgoing.id, due_at=due, error=error)
    else:
        await _decline(desk, owner, outgoing, error, now, ending="dead")


async def _decline(
    desk: Desk,
    owner: str,
    outgoing: Outgoing,
    reason: str,
    now: datetime,
    *,
    ending: Literal["refused", "dead"] = "refused",
) -> None:
    unit = Unit()
    outbox.decline(unit, owner, outgoing.id, reason=reason, now=now, ending=ending)
    await return_cost(desk, unit, outgoing)
    await desk.store.write(unit)


async def _against(desk: Desk, owner: str, outgoing: Outgoing, now: datetime) -> _Stop | None:
    """What speaks against the message by now; a refusal is on disk when this returns."""
    belongs = outgoing.belongs
    wanted = max(outgoing.created_at, _call_at(outgoing.action) or outgoing.created_at)
    late = now - wanted > timedelta(days=desk.rules.outreach.patience_days)
    if now - wanted > desk.rules.outreach.late:  # all was paused, or no worker ran
        return await _refuse(desk, owner, outgoing, "gave_up_waiting", now)
    if await paused(desk.store):
        return _Stop(reason="paused", until=now + HELD)
    row = await desk.store.one("automations.run", id=belongs.run)
    if row is None:
        return await _refuse(desk, owner, outgoing, "customer_gone", now)
    run = run_of(row)
    armed = next((one for one in desk.armed if one.id == run.automation), None)
    rule = await rule_of(desk.store, run.automation, run.version)
    if rule is None or run.mode != "on" or not still_on(armed, run):
        return await _refuse(desk, owner, outgoing, "switched_off", now)
    step = rule.steps[belongs.step] if belongs.step is not None and belongs.step < len(rule.steps) else None
    if not isinstance(step, Act):
        return await _refuse(desk, owner, outgoing, "switched_off", now)
    unit = Unit()
    verdict = await _judge(desk, unit, rule, step, run, outgoing, now)
    if verdict.go:
        return None
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
    facts = facts_of(known, fact_values(run.kind, run.data), run.occurred_at, now)
    if rule.settled(outgoing.belongs.step or 0, facts) is not None:
        return Verdict(reason="stop_if")
    person = await person_of(desk, unit, known, rule, now)
    opened, own = await opened_tickets(desk, rule, run.id), outgoing.action.idempotency_key
    return judge(rule, act, person, desk.rules.outreach, now, cause=run.cause, opened=opened, own=own)


async def _refuse(desk: Desk, owner: str, outgoing: Outgoing, reason: str, now: datetime) -> _Stop:
    unit = Unit()
    outbox.decline(unit, owner, outgoing.id, reason=reason, now=now)
    await return_cost(desk, unit, outgoing)
    unit.add(
        "automations.add_step",
        expect=1,
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
