"""What is left open in the outbox.

Uncertain actions are settled by the vendor, where it can be asked, else by a person; dead ones are done again when a
person says so.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from bridge.acting.approaching import office_of
from bridge.acting.sending import Clients, return_cost
from bridge.automation import outbox
from bridge.automation.outbox import Outgoing
from bridge.automation.register import rule_of
from bridge.automation.spending import room_for, spend
from bridge.errors import Conflict, NotFound, Superseded, VendorError
from bridge.flow.desk import Desk
from bridge.store import Unit, micros
from bridge.telemetry import log

FIRST: Final = timedelta(minutes=2)
"""How long after a doubt began the vendor is asked first; then after twice as long each time."""
SURE_AFTER: Final = timedelta(hours=1)
"""So late nothing of it is under way any more: what the vendor has not then, it will not get."""
MOST_AGAIN: Final = 1000
WORKER: Final = "worker"
NOT_THERE: Final = "the vendor was asked and has nothing of it: it was not done"
FOUND: Final = "the vendor was asked and has it: it was done"


def askable(desk: Desk) -> list[tuple[str, str]]:
    """The sources and actions that the vendor can be asked about."""
    found = sorted(desk.registry.sources.items())
    return [(name, action) for name, adapter in found for action in sorted(adapter.can_find)]


async def reconcile_due(desk: Desk, clients: Clients, *, most: int, clock: Callable[[], datetime]) -> int:
    """Ask vendors about up to `most` uncertain actions whose turn it is; returns how many there were.

    What a vendor has is sent. What it surely has not, long after, is dead: a person may have it done again. Where it
    does not answer it is asked again, later each time.
    """
    pairs = askable(desk)
    if not pairs:
        return 0
    found = await outbox.ask(desk.store, pairs, most=most, first=FIRST, now=clock())
    for outgoing, since in found:
        try:
            adapter = desk.registry.adapter(outgoing.source)
            receipt = await adapter.find_sent(clients(outgoing.source), outgoing.action)
        except VendorError as problem:
            log("automation").warning("outbox.not_told", outbox=outgoing.id, problem=str(problem))
            continue
        except Exception as problem:  # noqa: BLE001 one action must not stop the others; its next turn comes
            log("automation").error("outbox.not_asked", outbox=outgoing.id, exc_info=problem)
            continue
        now = clock()
        if receipt is not None:
            await _settle(desk, outgoing, "sent", FOUND, WORKER, now, reference=receipt.reference)
        elif now - since >= SURE_AFTER:
            await _settle(desk, outgoing, "dead", NOT_THERE, WORKER, now)
    return len(found)


async def settle_doubt(desk: Desk, number: int, *, was_done: bool, by: str, now: datetime) -> None:
    """A person says how an uncertain action ended. Raises NotFound, Conflict for what is not uncertain.

    What was not done stays undone: it is refused, and whoever wants it done orders it anew.
    """
    outgoing = await _in_state(desk, number, "uncertain")
    if not await _settle(desk, outgoing, "sent" if was_done else "refused", f"settled by {by}", by, now):
        raise Conflict("somebody else, or the vendor, has settled it meanwhile")


async def send_again(desk: Desk, number: int, *, by: str, now: datetime) -> None:
    """A person has a dead action done after all, ordered anew now; whatever speaks against a message is asked anew
    before it is sent.

    Raises NotFound, Conflict for what is not dead and where the automation's budget has no room for it.
    """
    outgoing = await _in_state(desk, number, "dead")
    unit = Unit(wake={outbox.CHANNEL})
    unit.add("outbox.revive", expect=1, id=number, now=micros(now))
    run = await desk.store.one("automations.run", id=outgoing.belongs.run)
    rule = None if run is None else await rule_of(desk.store, run[1], run[2])
    if rule is not None:
        currency = office_of(desk, {}).currency
        if not await room_for(desk.store, rule, outgoing.belongs.cost_minor, currency, now):
            raise Conflict("the automation's budget is spent")
        spend(unit, rule, outgoing.belongs.cost_minor, currency, now)
    _audit(unit, by, "outbox.retry", number, "due", now)
    try:
        await desk.store.write(unit)
    except Superseded:
        raise Conflict("somebody else did it meanwhile, or the automation's budget is spent") from None


async def send_all_again(desk: Desk, source: str, *, by: str, now: datetime) -> int:
    """A person has dead actions at `source` done after all, at most MOST_AGAIN, the oldest first; returns how many are
    due again. Those for which a budget has no room stay."""
    done = 0
    for (number,) in await desk.store.all("outbox.dead_at", source=source, most=MOST_AGAIN):
        with suppress(Conflict, NotFound):
            await send_again(desk, number, by=by, now=now)
            done += 1
    return done


async def _in_state(desk: Desk, number: int, wanted: str) -> Outgoing:
    found = await outbox.find(desk.store, number)
    if found is None:
        raise NotFound("there is no action of that number")
    outgoing, state = found
    if state != wanted:
        raise Conflict(f"this action is not {wanted} but {state}")
    return outgoing


async def _settle(
    desk: Desk,
    outgoing: Outgoing,
    state: Literal["sent", "refused", "dead"],
    why: str,
    by: str,
    now: datetime,
    *,
    reference: str = "",
) -> bool:
    unit = Unit()
    unit.add(
        "outbox.settle_doubt",
        expect=1,
        id=outgoing.id,
        state=state,
        reference=reference or None,
        error=why,
        now=micros(now),
    )
    if state != "sent":
        await return_cost(desk, unit, outgoing)
    _audit(unit, by, "outbox.settle", outgoing.id, state, now)
    try:
        await desk.store.write(unit)
    except Superseded:
        return False
    return True


def _audit(unit: Unit, by: str, action: str, number: int, state: str, now: datetime) -> None:
    detail = msgspec.json.encode({"state": state}).decode()
    unit.add("access.audit", at=micros(now), actor=by, action=action, subject=f"outbox:{number}", detail=detail)
