"""What the agent desktop needs to be tried in demo mode: a ticket without a sign-in, calls, and what the phone system
is told of them. Outside demo mode none of it is there.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from time import perf_counter
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from bridge.access import mint_ticket
from bridge.errors import NotAuthentic, NotFound
from bridge.gateway.endpoint import Call
from bridge.gateway.keys import Who
from bridge.gateway.lookup import Lookup
from bridge.sample import callers_at

AGENT = "demo"
"""Id of the agent at the example's desktop."""


class Admission(Struct, kw_only=True):
    """A ticket for pages of our own origin."""

    ticket: str
    expires_at: datetime


class Waiting(Struct, kw_only=True):
    """Somebody who could call: a telephone number and what is the matter, by language."""

    phone: str
    about: dict[str, str]


class Waitings(Struct, kw_only=True):
    """All of them, in the order in which they call."""

    callers: list[Waiting]


class RingBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """A call comes in."""

    phone: Annotated[str, Meta(min_length=3, max_length=40)]


class Rung(Struct, kw_only=True):
    """The phone system's own id of the call, and the flat answer that it was given."""

    interaction: str
    told: dict[str, str]


async def admit(call: Call) -> Admission:
    """A ticket for the page at our own origin, as a host's backend would ask for one."""
    _only_in_demo(call)
    origin, host = call.headers.get(b"origin", b"").decode("latin-1"), call.headers.get(b"host", b"").decode("latin-1")
    if not host or urlsplit(origin).netloc.lower() != host.lower():
        raise NotAuthentic("only the desktop's own page gets a ticket here")
    key = call.gate.keys.named("example", call.now)
    if key is None:
        raise NotFound("the example is not loaded yet: bridge example")
    lifetime = timedelta(seconds=call.gate.settings.ticket_seconds)
    ticket = mint_ticket(
        call.gate.ticket_secrets[0], agent=AGENT, origin=origin, key=key.id, now=call.now, lifetime=lifetime
    )
    return Admission(ticket=ticket, expires_at=call.now + lifetime)


async def callers(call: Call) -> Waitings:
    """Who will call in the example."""
    _only_in_demo(call)
    return Waitings(callers=[Waiting(phone=one.phone, about=one.about) for one in callers_at(call.now)])


async def ring(call: Call, body: RingBody) -> Rung:
    """Do what the phone system does when a call comes in: ask who it is, with its own narrow view."""
    _only_in_demo(call)
    interaction = f"call-{secrets.token_hex(6)}"
    phone_system = Who(call.who.key, frozenset({"ivr"}))
    pairs = {"phone": body.phone, "interaction": interaction}
    answer = await Lookup(call.gate).answer({}, pairs, phone_system, call.now, perf_counter())
    return Rung(interaction=interaction, told=msgspec.json.decode(answer.body, type=dict[str, str]))


def _only_in_demo(call: Call) -> None:
    if not call.gate.settings.demo:
        raise NotFound("this is there in demo mode alone")
