"""The access keys in memory, and who a request comes from.

The table is read again every REFRESH_SECONDS, so that a revoked key stops within five seconds; a key that is not in it
is looked for in the store, so that a new one works at once. While the store cannot be read the known keys stay good.
"""

from __future__ import annotations

import asyncio
import binascii
import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct

from bridge.access import ROLES, SCOPES, AccessKey, Session, check, mark_of, read_session, read_ticket, well_formed
from bridge.errors import NotAuthentic
from bridge.store import Store, Unit, micros
from bridge.store.keys import stored_key

REFRESH_SECONDS: Final = 2.0
STORE_SECONDS: Final = 1.0
"""For how long the store is waited for to look up a key that is not in memory."""


class Who(Struct, frozen=True):
    """Who asks: the key, and the agent where a browser's ticket named one."""

    key: str
    scopes: frozenset[str]
    agent: str = ""

    @property
    def actor(self) -> str:
        """How outcomes and the audit trail name them."""
        return f"agent:{self.agent}" if self.agent else f"key:{self.key}"


NOBODY: Final = Who("", frozenset())
_AGENT: Final = frozenset({"agent"})
_TEAM_LEAD: Final = frozenset({"agent", "team_lead"})
COOKIE: Final = b"rb_console"
"""Holds the session of a person at the console: sent to our own pages alone, read by no script."""
SECURE_COOKIE: Final = b"__Host-rb_console"
"""Its name over https: browsers take it from this very host alone, so that no neighbour of its domain can plant one."""


class KeyTable:
    """All keys by the SHA-256 of the whole key."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._keys: dict[bytes, tuple[AccessKey, Who]] = {}
        self._by_id: dict[str, AccessKey] = {}
        self._ended: set[str] = set()
        """Sessions that somebody signed out of before their time, as `ended_name` names them."""

    async def refresh(self) -> None:
        """Read all keys again, and which sessions were ended."""
        self._ended = {row[0] for row in await self._store.all("access.ended_sessions")}
        found = [stored_key(row) for row in await self._store.all("access.keys")]
        self._keys = {bytes.fromhex(key.hash): (key, Who(key.id, key.scopes)) for key in found}
        self._by_id = {key.id: key for key in found}

    def by_id(self, id: str) -> AccessKey | None:
        """The key of that id, if it is in memory."""
        return self._by_id.get(id)

    async def end(self, token: str, until: datetime, now: datetime) -> None:
        """End a session for good, in whatever process: who has a copy of its cookie has nothing."""
        unit = Unit()
        unit.add("access.forget_tokens", now=micros(now))
        unit.add("access.use_token", hash=ended_name(token), until=micros(until))
        await self._store.write(unit)
        self._ended.add(ended_name(token))

    def named(self, name: str, now: datetime) -> AccessKey | None:
        """A key of that name that is good for agents now; the newest of several."""
        good = [key for key in self._by_id.values() if key.name == name and key.valid_at(now) and key.scopes >= _AGENT]
        return max(good, key=lambda key: key.created_at, default=None)

    async def _look_for(self, token: bytes) -> tuple[AccessKey, Who] | None:
        """A key that is not in memory, in the store; asked only for what can be a key at all."""
        if not well_formed(token):
            return None
        digest = hashlib.sha256(token)
        async with asyncio.timeout(STORE_SECONDS):
            row = await self._store.one("access.by_hash", hash=digest.hexdigest())
        if row is None:
            return None
        key = stored_key(row)
        self._keys[digest.digest()] = found = (key, Who(key.id, key.scopes))
        self._by_id[key.id] = key
        return found

    async def admit(
        self,
        headers: dict[bytes, bytes],
        allowed: frozenset[str],
        now: datetime,
        ticket_secrets: Sequence[str] = (),
    ) -> Who:
        """Who sent these headers, by key or by ticket. Raises NotAuthentic or NotAllowed."""
        authorization = headers.get(b"authorization")
        token = token_of(authorization, headers.get(b"x-api-key"))
        if person := self._person(token, headers, allowed, now, ticket_secrets):
            return person
        found = self._keys.get(hashlib.sha256(token).digest()) or await self._look_for(token)
        return self._check(found, allowed, now)

    def readmit(
        self, headers: dict[bytes, bytes], allowed: frozenset[str], now: datetime, ticket_secrets: Sequence[str] = ()
    ) -> Who:
        """As `admit`, from memory alone: for who was admitted once and has stayed since."""
        token = token_of(headers.get(b"authorization"), headers.get(b"x-api-key"))
        if person := self._person(token, headers, allowed, now, ticket_secrets):
            return person
        return self._check(self._keys.get(hashlib.sha256(token).digest()), allowed, now)

    def _person(
        self, token: bytes, headers: dict[bytes, bytes], allowed: frozenset[str], now: datetime, secrets: Sequence[str]
    ) -> Who | None:
        """Who a session or a ticket names; None where the request brings neither."""
        if not token and session_of(headers):
            return self._by_session(headers, allowed, now, secrets)
        if secrets and token.count(b".") == 2:
            return self._by_ticket(token, headers.get(b"origin"), allowed, now, secrets)
        return None

    def _check(self, found: tuple[AccessKey, Who] | None, allowed: frozenset[str], now: datetime) -> Who:
        check(None if found is None else found[0], allowed, now)
        return NOBODY if found is None else found[1]

    def _by_ticket(
        self, token: bytes, origin: bytes | None, allowed: frozenset[str], now: datetime, secrets: Sequence[str]
    ) -> Who:
        ticket = read_ticket(
            secrets,
            token.decode("ascii", "replace"),
            origin=origin.decode("latin-1").lower() if origin else None,
            now=now,
        )
        key = check(self.by_id(ticket.key), _AGENT, now)
        check(msgspec.structs.replace(key, scopes=_AGENT), allowed, now)
        # a key that may no longer mint them makes an agent's of a team lead's ticket
        lead = ticket.role == "team_lead" and key.scopes >= _TEAM_LEAD
        return Who(key.id, _TEAM_LEAD if lead else _AGENT, ticket.agent)

    def read_session(self, headers: dict[bytes, bytes], now: datetime, secrets: Sequence[str]) -> Session:
        """The session that a page of ours sends. Raises NotAuthentic, also for one that was ended.

        A browser adds the cookie by itself, so that a page of somebody else's could send requests in the person's name;
        the header it cannot add without being asked first.
        """
        token = session_of(headers)
        session = read_session(secrets, token, now)
        origin = headers.get(b"origin")
        foreign = origin is not None and origin.decode("latin-1").lower() != session.origin
        planted = session.origin.startswith("https:") and SECURE_COOKIE not in cookies_of(headers)
        if not session.origin or foreign or planted or b"x-console" not in headers:
            raise NotAuthentic("the console's session is good for the console's own pages alone")
        if ended_name(token) in self._ended:
            raise NotAuthentic("sign in again: this session has ended")
        return session

    def _by_session(
        self, headers: dict[bytes, bytes], allowed: frozenset[str], now: datetime, secrets: Sequence[str]
    ) -> Who:
        session = self.read_session(headers, now, secrets)
        key = check(self.by_id(session.key), frozenset(SCOPES), now)
        # a key that lost a scope since, or never had it, gives no more than it holds
        scopes = ROLES[session.role] & (key.scopes | ROLES["viewer"])
        check(msgspec.structs.replace(key, scopes=scopes), allowed, now)
        return Who(key.id, scopes, session.name)


def cookies_of(headers: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """The cookies of a request by their names; the first of several counts."""
    found: dict[bytes, bytes] = {}
    for one in headers.get(b"cookie", b"").split(b";"):
        name, _, value = one.strip().partition(b"=")
        found.setdefault(name, value)
    return found


def session_of(headers: dict[bytes, bytes]) -> str:
    """The console's session among the cookies; "" without one."""
    if b"rb_console=" not in headers.get(b"cookie", b""):
        return ""
    cookies = cookies_of(headers)
    return (cookies.get(SECURE_COOKIE) or cookies.get(COOKIE, b"")).decode("ascii", "replace")


def ended_name(token: str) -> str:
    """How a session is noted that was ended before its time."""
    return f"session:{mark_of(token)}"


def token_of(authorization: bytes | None, api_key: bytes | None) -> bytes:
    """The key or ticket of `Bearer`, of `Basic` (password, else user name) or of `X-Api-Key`; b"" without any."""
    if authorization is None:
        return api_key or b""
    if authorization[:7] == b"Bearer ":
        return authorization[7:]
    scheme, _, rest = authorization.partition(b" ")
    scheme = scheme.lower()
    if scheme == b"bearer":
        return rest.strip()
    if scheme == b"basic":
        try:
            user, _, password = binascii.a2b_base64(rest.strip()).partition(b":")
        except binascii.Error:
            return b""
        return password or user
    return api_key or b""
