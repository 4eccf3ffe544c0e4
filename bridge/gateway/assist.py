"""`/v1/assist`: the prepared card for an agent's desktop, as it was stored, with a tail that says how fresh it is."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter

import msgspec

from bridge import flat
from bridge.cards import unpack_card
from bridge.errors import BadRequest
from bridge.gateway.caller import Asked, read_asked, read_pairs, read_posted
from bridge.gateway.endpoint import Call, Raw
from bridge.gateway.finder import Finder
from bridge.gateway.lookup import Whom, budget_given, joined
from bridge.gateway.question import Questions
from bridge.store import Row, micros


async def by_query(call: Call, query: Whom) -> Raw:
    """The card of the customer whom the query means. 200 with `found` false where that is nobody, or several."""
    return await _card(call, read_pairs(call.scope["query_string"]))


async def by_body(call: Call) -> Raw:
    """As by_query, from a JSON or form body: for hosts that keep phone numbers out of URLs."""
    return await _card(call, await read_posted(call.scope["query_string"], call.headers, call.receive))


async def _card(call: Call, pairs: Mapping[str, str]) -> Raw:
    began = perf_counter()
    gate = call.gate
    asked = read_asked(pairs, gate.settings.region, gate.settings.languages)
    if not any(pairs.get(name) for name in ("phone", "email", "external_id", "customer_id", "interaction")):
        raise BadRequest("say who: phone, email, external_id, customer_id or interaction")
    budget = (asked.budget_ms or budget_given(call.headers, asked.host) or gate.settings.lookup_budget_ms) / 1000
    row, missing, degraded = await Finder(gate).find(asked, began + budget)
    if row is not None and row[7] is None and row[0] != "exact":
        row, _ = await Questions(gate).narrow(asked, row, call.now, began + budget)
    age, body = None, _bare(row, asked)
    if row is not None:
        card = await _stored(call, row)
        if card is not None:
            decision, as_of, packed = card
            body = unpack_card(packed)
            age = (micros(call.now) - as_of) // 1_000_000
            _remember(call, asked, row[1], decision)
        elif row[0] == "exact":
            degraded = True
    missing = joined(gate.health.missing, missing)
    fresh = {
        "found": "true" if row is not None and row[0] == "exact" else "false",
        "candidates": "0" if row is None else str(row[3]),
        "as_of_age_s": "" if age is None else str(max(0, age)),
        "degraded": "true" if degraded or missing else "false",
        "missing_sources": missing,
        "answer_ms": str(int((perf_counter() - began) * 1000)),
        "loop_due_in_min": "" if row is None or row[14] is None else str((row[14] - micros(call.now)) // 60_000_000),
    }
    return Raw(body[:-1] + b"," + msgspec.json.encode(fresh)[1:])


def _bare(row: Row | None, asked: Asked) -> bytes:
    """A card for nobody, for several, or for one whose decision is not ready: nothing personal is on it."""
    match, customer, tier, priority, route = "none", None, "", 3, ""
    if row is not None:
        match, tier, priority, route = row[0], row[4], row[5], row[6]
        customer = {"id": row[1]} if match == "exact" else None
    return msgspec.json.encode(
        {
            "decision_id": "",
            "schema": flat.SCHEMA,
            "language": asked.language or "",
            "match": match,
            "customer": customer,
            "routing": {"route_hint": route or "general", "priority": priority},
            "value": {"tier": tier or "unknown"},
        }
    )


async def _stored(call: Call, row: Row) -> Row | None:
    """Id, age and packed card of the decision that `row` found; None where several are meant, or none is ready."""
    if row[0] != "exact" or row[7] is None:
        return None
    return await call.gate.store.one("gateway.card", customer=row[1], language=row[13])


def _remember(call: Call, asked: Asked, customer: str, decision: str) -> None:
    trail = call.gate.trail
    trail.shown(decision, call.now)
    trail.audit(call.who.actor, "assist", f"customer:{customer}", call.now, decision)
    if asked.interaction:
        trail.dip(asked.interaction, customer, decision, micros(call.now))
