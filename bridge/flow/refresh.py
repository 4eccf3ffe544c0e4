"""Customers decided anew without a new record: time passed, an outcome came in, a rule or model changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec

from bridge.errors import Superseded
from bridge.facts import Origin
from bridge.flow.concluding import conclude
from bridge.flow.desk import Desk
from bridge.flow.models import put_in_force
from bridge.scoring.value import quantile_cuts
from bridge.store import Unit, micros
from bridge.telemetry import log

PUT_OFF = timedelta(hours=1)
"""How long a customer waits whose decision could not be computed."""


async def refresh(desk: Desk, customers: Mapping[str, Origin], now: datetime) -> bool:
    """Decide `customers` anew, each for the origin given. False when others changed them meanwhile: they stay due."""
    unit = Unit(since=desk.store.mark())
    await conclude(desk, unit, {}, customers=customers, now=now, defer=False)
    try:
        await desk.store.write(unit)
    except Superseded:
        return False
    return True


async def refresh_due(desk: Desk, *, most: int, now: datetime) -> int:
    """Decide up to `most` customers whose decision has run out; returns how many were due."""
    rows = await desk.store.all("customers.due", now=micros(now), most=most)
    due = {customer: Origin(origin) for customer, origin in rows}
    try:
        if due:
            await refresh(desk, due, now)
    except Exception as problem:  # noqa: BLE001 one of them cannot be decided: the others must not wait behind it
        for customer, origin in due.items():
            try:
                await refresh(desk, {customer: origin}, now)
            except Exception:  # noqa: BLE001 logged, and tried again in an hour
                log("flow").error("refresh.failed", customer=customer, exc_info=problem)
                await desk.store.change("customers.put_off", id=customer, due_at=micros(now + PUT_OFF))
    return len(rows)


async def mark_due(desk: Desk, customers: Iterable[str], origin: Origin) -> None:
    """Let the worker decide `customers` anew as soon as it can."""
    unit = Unit(wake={"inbox"})
    unit.add("customers.touch", ids=sorted(customers), due_at=0, due_origin=origin.value)
    await desk.store.write(unit)


async def apply_rules(desk: Desk, now: datetime) -> bool:
    """Make everybody due when the rules are not those in force before: a new card or script, an incident declared.

    True when they were others. Nobody is written to because of it.
    """
    version = desk.rules.deciding.version
    row = await desk.store.one("meta.model", kind="rules")
    if row is not None and row[1] == version:
        return False
    unit = Unit()
    unit.add("meta.install_model", kind="rules", version=str(micros(now)), body=version, at=micros(now))
    put_in_force(unit, f"rules {micros(now)}")
    await desk.store.write(unit)
    await desk.look_up()
    return True


async def fit_tiers(desk: Desk, now: datetime) -> bool:
    """Draw the value tiers anew from all customers' values; True (and everybody due) when they moved.

    Does nothing while there are too few customers to speak of quantiles.
    """
    rules = desk.rules.deciding.card.file.value
    values = [row[0] for row in await desk.store.all("customers.values", currency=rules.currency)]
    cuts = quantile_cuts(values, rules.shares)
    if cuts is None or cuts == desk.fitted.cuts:
        return False
    unit = Unit()
    body = msgspec.json.encode(cuts).decode()
    unit.add("meta.install_model", kind="tiers", version=str(micros(now)), body=body, at=micros(now))
    put_in_force(unit, f"tiers {micros(now)}")
    await desk.store.write(unit)
    await desk.look_up()
    return True
