"""Data subject rights: everything held about a customer, and its erasure."""

from __future__ import annotations

from typing import Any

from bridge import privacy
from bridge.gateway.customers import living
from bridge.gateway.endpoint import Call


async def export(call: Call) -> dict[str, Any]:
    """Everything held about the customer, as JSON: records and their history, decisions, outcomes, what came in."""
    customer = await living(call, call.path["id"])
    call.gate.trail.audit(call.who.actor, "export", f"customer:{customer}", call.now)
    return await privacy.export(call.gate.desk, customer)


async def erase(call: Call) -> dict[str, Any]:
    """Erase the customer everywhere; the receipt says how much of what. A later sync brings nothing back."""
    customer = await living(call, call.path["id"])
    await call.gate.trail.flush()  # what is still to be written about the person would outlive it
    return dict(await privacy.erase(call.gate.desk, customer, by=call.who.actor, now=call.now))
