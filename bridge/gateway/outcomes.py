"""What became of a suggestion: recorded once, at once."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from bridge.acting.handling import note_outcome
from bridge.cards import unpack_card
from bridge.errors import BadRequest, Conflict, NotFound, Superseded
from bridge.facts import FactKind, Origin, fact_id
from bridge.flow.exposing import drawn_on, note
from bridge.gateway.endpoint import Call
from bridge.gateway.grants import Running, check_grant
from bridge.model import Money
from bridge.store import Row, Unit, instant, micros

Kind = Literal["shown", "accepted", "rejected", "edited", "ignored"]
Result = Literal["saved", "lost", "pending"]
ATTEMPTS = 5
"""How often a grant is tried that others came before."""
Short = Annotated[str, Meta(min_length=1, max_length=200)]


class OutcomeBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """At least one of `kind`, `result`, `offer`, `note` and `disposition`."""

    kind: Kind | None = None
    result: Result | None = None
    offer: Annotated[str, Meta(min_length=1, max_length=80, description="Id of the offer that was granted")] | None = (
        None
    )
    amount: Annotated[str, Meta(pattern=r"^\d{1,9}(\.\d{1,3})?$", examples=["45.00"])] | None = None
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] | None = None
    note: Annotated[str, Meta(min_length=1, max_length=2000)] | None = None
    disposition: Short | None = None
    agent: Annotated[str, Meta(min_length=1, max_length=80, description="The agent's id, not a name")] | None = None
    key: Annotated[str, Meta(min_length=1, max_length=200, description="As the header Idempotency-Key")] | None = None


class Recorded(Struct, kw_only=True):
    """`recorded` is false when the very same outcome was there already."""

    outcome: str
    decision: str
    recorded: bool


async def record(call: Call, body: OutcomeBody) -> Recorded:
    """Record what an agent did with a decision.

    With an idempotency key (header or body) a repetition is recorded once, and the same key with another content is a
    conflict; without, the same content counts as a repetition. An offer is granted at once, or refused with 409: while
    an earlier grant of it to this customer still runs, beside another that excludes it, and for more than this decision
    allows whoever asks. The answer says who may grant it then.
    """
    if not (body.kind or body.result or body.offer or body.note or body.disposition):
        raise BadRequest("say what happened: kind, result, offer, note or disposition")
    decision = call.path["id"]
    seen = await call.gate.store.all("gateway.decision", id=decision)
    if not seen:
        raise NotFound("there is no such decision (any more)")
    survivor = await call.gate.store.one("gateway.survivor", customer=seen[0][0])
    customer = str(survivor[0]) if survivor else str(seen[0][0])
    row = _row(call, body, decision, customer) | _trial(seen[0][6]) | _cost(call, body)
    if await _is_there(call, row):
        return Recorded(outcome=row["key"], decision=decision, recorded=False)
    for _ in range(ATTEMPTS):
        unit = _unit(body, row)
        if body.kind == "shown":
            horizon = call.gate.desk.rules.deciding.choice.horizon_days
            note(unit, seen[0][6], decision=decision, customer=customer, at=call.now, horizon_days=horizon)
        try:
            if body.offer is not None:
                await _grant(call, unit, row, seen[0])
            if body.result is not None or body.disposition is not None:
                await note_outcome(call.gate.desk, unit, row, now=call.now)
            await call.gate.store.write(unit)
        except (Superseded, Conflict) as problem:
            # somebody granted this customer something at this moment, or it was this very outcome, sent twice
            if await _is_there(call, row):
                return Recorded(outcome=row["key"], decision=decision, recorded=False)
            if isinstance(problem, Conflict):
                raise
        else:
            return Recorded(outcome=row["key"], decision=decision, recorded=True)
    raise Conflict("others are granting this customer something at this moment; try again")


def _row(call: Call, body: OutcomeBody, decision: str, customer: str) -> dict[str, Any]:
    money = None
    if body.amount is not None:
        if body.offer is None or body.currency is None:
            raise BadRequest("amount: needs the offer that it was granted for, and its currency")
        money = Money.of(Decimal(body.amount), body.currency)
    given = body.key or call.headers.get(b"idempotency-key", b"").decode("latin-1")[:200]
    content = msgspec.json.encode(msgspec.structs.replace(body, key=None))
    digest = blake2b(f"{decision}\x1f{given}".encode() + (b"" if given else content), digest_size=12).hexdigest()
    return {
        "key": f"o_{digest}",
        "decision": decision,
        "customer": customer,
        "at": micros(call.now),
        "kind": body.kind or ("granted" if body.offer else "result" if body.result else "note"),
        "result": body.result,
        "offer": body.offer,
        "amount_minor": None if money is None else money.minor,
        "currency": None if money is None else money.currency,
        "note": body.note,
        "disposition": body.disposition,
        "agent": call.who.agent or body.agent,
        "actor": call.who.actor,
    }


def _trial(card: bytes) -> dict[str, Any]:
    """What was being tried on the customer when this card was made."""
    drawn = drawn_on(card)
    return {"epoch": drawn and drawn.epoch, "situation": drawn and drawn.situation}


def _cost(call: Call, body: OutcomeBody) -> dict[str, Any]:
    """What the granted offer costs, as the catalogue says it now."""
    if body.offer is None:
        return {"cost_minor": None, "cost_currency": None}
    deciding = call.gate.desk.rules.deciding
    currency = body.currency or deciding.card.file.value.currency
    whole = deciding.playbooks.catalogue.cost_of(body.offer, Decimal(body.amount or 0))
    return {"cost_minor": Money.of(whole, currency).minor, "cost_currency": currency}


async def _is_there(call: Call, row: dict[str, Any]) -> bool:
    """Whether this outcome was recorded before. Raises Conflict when its key was used for another one."""
    before = await call.gate.store.one("gateway.outcome", key=row["key"])
    if before is None:
        return False
    names = ("decision", "kind", "result", "offer", "amount_minor", "currency", "note", "disposition", "agent")
    if before != tuple(row[name] for name in names):
        raise Conflict("this idempotency key was used for another outcome of this decision")
    return True


def _unit(body: OutcomeBody, row: dict[str, Any]) -> Unit:
    unit = Unit()
    unit.add("gateway.add_outcome", expect=1, **row)
    if body.kind == "shown":
        unit.add("gateway.mark_shown", id=row["decision"], at=row["at"])
        unit.add("gateway.mark_shown_log", id=row["decision"], at=row["at"])
    data = {name: row[name] for name in ("kind", "result", "offer") if row[name] is not None}
    unit.add(
        "customers.add_fact",
        id=fact_id(FactKind.outcome_recorded, row["decision"], row["key"]),
        kind=FactKind.outcome_recorded.value,
        customer=row["customer"],
        occurred_at=row["at"],
        known_at=row["at"],
        origin=Origin.live.value,
        cause=f"decision/{row['decision']}",
        data=msgspec.json.encode(data | {"decision": row["decision"]}).decode(),
    )
    unit.add("customers.touch", ids=[row["customer"]], due_at=row["at"], due_origin=Origin.live.value)
    unit.wake.add("inbox")
    return unit


async def _grant(call: Call, unit: Unit, row: dict[str, Any], seen: Row) -> None:
    """Add the grant to `unit`, which is written only if nothing else was granted meanwhile. Raises Conflict."""
    rows = await call.gate.store.all("customers.grants", ids=[row["customer"]])
    running = {
        offer: Running(instant(until), amount is not None) for _, offer, until, amount in rows if until > row["at"]
    }
    limits = check_grant(
        unpack_card(seen[6]),
        offer=row["offer"],
        amount=None if row["amount_minor"] is None else Money(row["amount_minor"], row["currency"]),
        role="team_lead" if "team_lead" in call.who.scopes else "agent",
        running=running,
    )
    unit.guard("customers.grants", rows, ids=[row["customer"]])
    grant = {name: row[name] for name in ("customer", "offer", "decision", "at", "amount_minor", "currency")}
    unit.add("gateway.add_grant", expect=1, **grant, until=row["at"] + limits.cooldown // timedelta(microseconds=1))
