"""`/embed/{host}`: our card in a page inside somebody else's desktop.

No page sets a cookie: browsers keep them from pages in frames, or hand them to pages that should not have them. The
agent's ticket lies in the page's memory alone. It comes with the page where the host signed the request for it, else
from the sign-in; from then on the page renews it, unseen, until the agent has been signed in for long enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from bridge.access import mint_ticket, read_ticket
from bridge.errors import Conflict, NotAllowed, NotAuthentic, NotFound, Superseded
from bridge.gateway.caller import read_pairs
from bridge.gateway.endpoint import Call, Endpoint, Raw
from bridge.gateway.keys import token_of
from bridge.gateway.pages import WEB, Pages, embed_script
from bridge.gateway.tickets import Minted
from bridge.hosts import Embed, Refused, read_token
from bridge.settings import Settings
from bridge.store import Unit, micros
from bridge.telemetry import log

BODY_LIMIT: Final = 16_384
_AGENT: Final = frozenset({"agent"})
_log = log("gateway")


class Setup(Struct, kw_only=True, rename="camel"):
    """What the page is told, as data inside it."""

    host: str
    origins: tuple[str, ...]
    sign_in: str
    sdk: str
    source: str
    language: str
    ticket: str = ""
    problem: str = ""
    """Why there is no ticket where one should have come: unsigned, refused, used, unready."""


class Embeds:
    """The pages that are on. All others are no routes."""

    def __init__(self, embeds: Mapping[str, Embed], pages: Pages, settings: Settings) -> None:
        self._embeds = dict(embeds)
        public = urlsplit(settings.public_url)
        self._origin = f"{public.scheme}://{public.netloc.lower()}"
        self._path = public.path
        self._language = settings.languages[0]
        template = (WEB / "embed" / "embed.html").read_text("utf-8")
        self._pages = {name: pages.versioned(template.replace("{script}", embed_script(name))) for name in embeds}
        self._policies = {name: _policy(one) for name, one in embeds.items()}

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Their routes."""
        return (
            Endpoint("GET", "/embed/{host}", self.show, None, (NotFound,)),
            Endpoint("POST", "/embed/{host}", self.admit, None, (NotFound,)),
            Endpoint("POST", "/embed/{host}/ticket", self.renew, _AGENT, (NotFound, NotAuthentic)),
        )

    async def show(self, call: Call) -> Raw:
        """The page, without a ticket. Where the host should have signed the request, it says so (401)."""
        embed = self._embed(call)
        if embed.trust is not None:
            return self._page(embed, problem="unsigned", status=401)
        return self._page(embed)

    async def admit(self, call: Call) -> Raw:
        """The page with a ticket for whom the host's signed token names, once; 401 in plain words for any other."""
        embed = self._embed(call)
        token = read_pairs(await call.raw_body(BODY_LIMIT)).get("token", "")
        if embed.trust is None or not token:
            return self._page(embed, problem="unsigned" if embed.trust else "", status=401 if embed.trust else 200)
        try:
            ticket = await self._exchange(call, embed, token)
        except Refused as problem:
            _log.warning("a host's sign-in was refused", host=embed.name, reason=problem.reason)
            return self._page(embed, problem="used" if problem.reason == "used" else "refused", status=401)
        except Conflict as problem:
            _log.error("nobody can sign in from a host", host=embed.name, problem=str(problem))
            return self._page(embed, problem="unready", status=503)
        return self._page(embed, ticket=ticket)

    async def renew(self, call: Call) -> Minted:
        """A new ticket for one that still holds, as long as the agent's sign-in is not too long ago."""
        embed = self._embed(call)
        if not call.who.agent:
            raise NotAllowed("a ticket is renewed with itself, not with a key")
        token = token_of(call.headers.get(b"authorization"), call.headers.get(b"x-api-key")).decode("ascii", "replace")
        ticket = read_ticket(call.gate.ticket_secrets, token, origin=self._origin, now=call.now)
        ends = min(call.now + _lifetime(call), ticket.signed_in_at + embed.session)
        if ends <= call.now:
            raise NotAuthentic("this sign-in is too long ago: sign in again")
        return Minted(
            ticket=self._mint(call, ticket.agent, ticket.key, ends, ticket.signed_in_at),
            expires_at=ends,
        )

    def _embed(self, call: Call) -> Embed:
        embed = self._embeds.get(call.path["host"])
        if embed is None:
            raise NotFound("there is no such route; see /docs")
        return embed

    async def _exchange(self, call: Call, embed: Embed, token: str) -> str:
        """A ticket for a host's token, which is good for one alone. Raises Refused; Conflict for a missing setting."""
        if embed.trust is None or not call.gate.ticket_secrets:
            raise Conflict("tickets need a secret: set BRIDGE_TICKET_SECRET")
        query = call.scope["query_string"].decode("latin-1")
        path = f"{self._path}{call.scope['path']}"
        admitted = read_token(embed.trust, token, path=path, query=query, now=call.now)
        key = call.gate.keys.named(embed.trust.key, call.now)
        if key is None:
            name = embed.trust.key
            raise Conflict(f"there is no valid key of that name: bridge key new {name} --scope agent")
        unit = Unit()
        unit.add("access.forget_tokens", now=micros(call.now))
        unit.add("access.use_token", expect=1, hash=admitted.hash, until=micros(admitted.until))
        try:
            await call.gate.store.write(unit)
        except Superseded:
            raise Refused("used") from None
        call.gate.trail.audit(f"key:{key.id}", "ticket", f"agent:{admitted.agent}", call.now, embed.name)
        return self._mint(call, admitted.agent, key.id, call.now + min(_lifetime(call), embed.session), call.now)

    def _mint(self, call: Call, agent: str, key: str, ends: datetime, signed_in_at: datetime) -> str:
        return mint_ticket(
            call.gate.ticket_secrets[0],
            agent=agent,
            origin=self._origin,
            key=key,
            now=call.now,
            lifetime=ends - call.now,
            signed_in_at=signed_in_at,
        )

    def _page(self, embed: Embed, *, ticket: str = "", problem: str = "", status: int = 200) -> Raw:
        setup = Setup(
            host=embed.name,
            origins=embed.origins,
            sign_in=embed.sign_in,
            sdk=embed.sdk,
            source=embed.source,
            language=self._language,
            ticket=ticket,
            problem=problem,
        )
        body = self._pages[embed.name].replace("{setup}", _data(setup)).replace("{language}", self._language)
        headers = (
            (b"content-security-policy", self._policies[embed.name]),
            (b"referrer-policy", b"no-referrer"),
            (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
        )
        return Raw(body.encode(), "text/html; charset=utf-8", status, headers)


def _lifetime(call: Call) -> timedelta:
    return timedelta(seconds=call.gate.settings.ticket_seconds)


def _policy(embed: Embed) -> bytes:
    """It runs our files (and the host's one script), speaks to us alone, and is held by the host's pages alone."""
    script = " ".join(["'self'", *([embed.sdk.partition("?")[0]] if embed.sdk else [])])
    policy = (
        f"default-src 'none'; script-src {script}; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        f"base-uri 'none'; form-action 'none'; frame-ancestors {' '.join(embed.origins)}"
    )
    return policy.encode("ascii")


def _data(what: Any) -> str:
    """JSON that cannot end the element it stands in."""
    text = msgspec.json.encode(what).decode()
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
