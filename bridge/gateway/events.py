"""Live events of an open card, as server-sent events: `/v1/interactions/{id}/events`, `/v1/customers/{id}/events`."""

from __future__ import annotations

from bridge.gateway.endpoint import Call, Stream
from bridge.gateway.updates import Card

_SCOPES = frozenset({"agent"})


async def of_interaction(call: Call) -> Stream:
    """Live events of the card that belongs to the host's interaction, as server-sent events.

    `card` comes at once and whenever another decision is in force: fetch the card again. With `Last-Event-ID` (a
    decision's id) the first one comes only if that decision is no longer in force. An interaction that nobody has
    looked up yet is waited for. `expired` is the last event where key or ticket ended. From pages use POST: a browser
    names its origin with it even to the page's own, and a ticket is worth nothing without.
    """
    return _open(call, Card(customer="", interaction=call.path["id"], decision=_seen(call)))


async def of_customer(call: Call) -> Stream:
    """Live events of a customer's card, as those of an interaction's."""
    return _open(call, Card(customer=call.path["id"], interaction="", decision=_seen(call)))


async def of_interaction_in_page(call: Call) -> Stream:
    """As by GET, from pages: the live events of the card that belongs to the host's interaction."""
    return await of_interaction(call)


async def of_customer_in_page(call: Call) -> Stream:
    """As by GET, from pages: the live events of a customer's card."""
    return await of_customer(call)


def _open(call: Call, card: Card) -> Stream:
    def still_admitted() -> None:
        gate = call.gate
        gate.keys.readmit(call.headers, _SCOPES, gate.clock(), gate.ticket_secrets)

    return Stream(call.gate.updates.hear(card, still_admitted))


def _seen(call: Call) -> str:
    return call.headers.get(b"last-event-id", b"").decode("latin-1")[:80]
