"""`/v1/tickets`: a host's backend gets a short-lived ticket for its agent's browser."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct

from bridge.access import Role, mint_ticket
from bridge.errors import Conflict, NotAllowed
from bridge.gateway.endpoint import Call


class TicketBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """For whom and where: an agent's id (not a name), and the origin of the page that will use it."""

    agent: Annotated[str, Meta(min_length=1, max_length=80)]
    role: Role = "agent"
    """team_lead: may grant up to a team lead's limits; the key needs the scope team_lead for it."""
    origin: Annotated[str, Meta(min_length=8, max_length=255, examples=["https://desk.example.com"])]


class Minted(Struct, kw_only=True):
    """Sent as `Authorization: Bearer …` from pages of that origin and nowhere else."""

    ticket: str
    expires_at: datetime


async def mint(call: Call, body: TicketBody) -> Minted:
    """A ticket with the agent scope for some minutes. It ends at once when the key that asked for it is revoked.

    For the backend of a host, by its key: a person, who holds a ticket or a session, makes out none, in nobody's name.
    """
    if not call.gate.ticket_secrets:
        raise Conflict("tickets need a secret: set BRIDGE_TICKET_SECRET")
    if call.who.agent:
        raise NotAllowed("tickets are made out by the host's backend with its key, not with a ticket or a session")
    if body.role not in call.who.scopes:
        raise NotAllowed(f"this key lacks the scope {body.role}, which a ticket for this role needs")
    lifetime = timedelta(seconds=call.gate.settings.ticket_seconds)
    ticket = mint_ticket(
        call.gate.ticket_secrets[0],
        agent=body.agent,
        origin=body.origin,
        key=call.who.key,
        now=call.now,
        lifetime=lifetime,
        role=body.role,
    )
    call.gate.trail.audit(call.who.actor, "ticket", f"agent:{body.agent}", call.now)
    return Minted(ticket=ticket, expires_at=call.now + lifetime)
