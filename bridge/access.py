"""Who may ask what: API keys for machines, short-lived tickets for browsers. Pure; the store keeps the keys' rows.

A key is `rb_<id>_<secret>`: the id may be shown and logged, the secret has 192 random bits and is stored only as a
SHA-256 hash of the whole key (enough for random keys; slow hashes are for passwords people choose).
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Final, Literal
from urllib.parse import urlsplit

import jwt
import msgspec
from msgspec import Struct

from bridge.errors import BadRequest, NotAllowed, NotAuthentic

SCOPES: Final = ("ivr", "viewer", "agent", "team_lead", "supervisor", "admin", "privacy")
"""ivr: routing answers. viewer: figures and rules, nobody by name. agent: cards and outcomes. team_lead: beside agent,
to grant up to a team lead's limits, and to mint tickets for team leads. supervisor: customers, identities, automations.
admin: sources and dead letters. privacy: export and erase. None contains another: a view is given for a purpose."""
ROLES: Final[dict[str, frozenset[str]]] = {
    "viewer": frozenset({"viewer"}),
    "agent": frozenset({"viewer", "agent"}),
    "manager": frozenset({"viewer", "agent", "team_lead", "supervisor"}),
    "operator": frozenset({"viewer", "supervisor", "admin"}),
}
"""What people at the console may do; from the least to the most."""
Role = Literal["agent", "team_lead"]
"""Whose limits count for what is granted."""

_KEY = re.compile(rb"rb_[0-9a-f]{12}_[0-9a-f]{48}")
_ISSUER = "retention-bridge"
_CONSOLE = "retention-bridge-console"


class AccessKey(Struct, frozen=True, kw_only=True):
    """The stored half of a key. `hash` is the hex SHA-256 of the whole key."""

    id: str
    hash: str
    name: str
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def valid_at(self, now: datetime) -> bool:
        """Neither revoked nor expired at `now`; both take effect at their very instant."""
        return (self.revoked_at is None or now < self.revoked_at) and (self.expires_at is None or now < self.expires_at)


def well_formed(key: bytes) -> bool:
    """Whether `key` can be one of ours at all: others need not be looked for."""
    return _KEY.fullmatch(key) is not None


def hash_key(key: bytes) -> str:
    """What the store keeps of a key: 64 hex digits."""
    return hashlib.sha256(key).hexdigest()


def read_scopes(names: Iterable[str]) -> frozenset[str]:
    """The scopes of that names. Raises BadRequest for none and for one that does not exist."""
    scopes = frozenset(names)
    unknown = scopes.difference(SCOPES)
    if unknown:
        raise BadRequest(f"no such scope: {', '.join(sorted(unknown))}; there are {', '.join(SCOPES)}")
    if not scopes:
        raise BadRequest(f"a key needs at least one scope of {', '.join(SCOPES)}")
    return scopes


def mint_key(
    name: str,
    scopes: Iterable[str],
    now: datetime,
    *,
    lifetime: timedelta | None = None,
    random: Callable[[int], bytes] = secrets.token_bytes,
) -> tuple[str, AccessKey]:
    """A new key and what to store of it. The key itself is shown once and never again."""
    id = random(6).hex()
    key = f"rb_{id}_{random(24).hex()}"
    stored = AccessKey(
        id=id,
        hash=hash_key(key.encode()),
        name=name,
        scopes=read_scopes(scopes),
        created_at=now,
        expires_at=None if lifetime is None else now + lifetime,
    )
    return key, stored


def rotate_key(old: AccessKey, now: datetime, overlap: timedelta) -> tuple[str, AccessKey, AccessKey]:
    """A new key with the scopes of `old`, its stored half, and `old` as it is stored now: valid for `overlap` more."""
    key, stored = mint_key(old.name, old.scopes, now)
    ends = now + overlap
    if old.expires_at is not None and old.expires_at < ends:
        ends = old.expires_at
    return key, stored, msgspec.structs.replace(old, expires_at=ends)


def check(key: AccessKey | None, allowed: frozenset[str], now: datetime) -> AccessKey:
    """`key`, if it is valid at `now` and has one of the `allowed` scopes. Raises NotAuthentic or NotAllowed."""
    if key is None or not key.valid_at(now):
        raise NotAuthentic("send a valid key: 'Authorization: Bearer rb_…', as password of Basic, or 'X-Api-Key'")
    if not key.scopes & allowed:
        raise NotAllowed(f"this key lacks the scope: {' or '.join(sorted(allowed))}")
    return key


class Ticket(Struct, frozen=True, kw_only=True):
    """What a browser holds: one agent, at one origin, for some minutes, with the scopes of its role and no other."""

    agent: str
    origin: str
    key: str
    """Id of the access key that asked for it; once that is revoked the ticket is worth nothing."""
    issued_at: datetime
    expires_at: datetime
    signed_in_at: datetime
    """When the agent proved who they are; a renewed ticket keeps it."""
    role: Role = "agent"


def read_origin(text: str) -> str:
    """`text` as an origin (`https://desk.example.com`). Raises BadRequest for anything with a path, or no host."""
    parts = urlsplit(text)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.path or parts.query or parts.fragment:
        raise BadRequest("origin: is scheme and host, such as https://desk.example.com")
    if parts.username is not None or "@" in parts.netloc:
        raise BadRequest("origin: carries no user name")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def mint_ticket(
    secret: str,
    *,
    agent: str,
    origin: str,
    key: str,
    now: datetime,
    lifetime: timedelta,
    signed_in_at: datetime | None = None,
    role: Role = "agent",
) -> str:
    """A signed ticket for `agent` (an id, not a name) in pages of `origin`; who renews one says since when it is."""
    claims = {
        "iss": _ISSUER,
        "aud": read_origin(origin),
        "sub": agent,
        "key": key,
        "role": role,
        "iat": int(now.timestamp()),
        "exp": int((now + lifetime).timestamp()),
    }
    if signed_in_at is not None:
        claims["auth_time"] = int(signed_in_at.timestamp())
    return jwt.encode(claims, secret, algorithm="HS256")


def read_ticket(secrets: Sequence[str], token: str, *, origin: str | None, now: datetime) -> Ticket:
    """The ticket, if one of `secrets` signed it, it has not ended and the request comes from its origin.

    Raises NotAuthentic, always with the same words: what was wrong helps nobody but a forger.
    """
    for secret in secrets:
        try:
            # `now` is ours, so the library leaves the clock alone
            claims = jwt.decode(
                token,
                secret,
                algorithms=["HS256"],
                audience=origin or "",
                issuer=_ISSUER,
                options={"require": ["exp", "iat", "sub", "aud"], "verify_exp": False, "verify_iat": False},
            )
            ticket = Ticket(
                agent=str(claims["sub"]),
                origin=str(claims["aud"]),
                key=str(claims["key"]),
                issued_at=datetime.fromtimestamp(int(claims["iat"]), timezone.utc),
                expires_at=datetime.fromtimestamp(int(claims["exp"]), timezone.utc),
                role="team_lead" if claims.get("role") == "team_lead" else "agent",
                signed_in_at=datetime.fromtimestamp(int(claims.get("auth_time", claims["iat"])), timezone.utc),
            )
        except (jwt.InvalidTokenError, KeyError, ValueError, TypeError, OverflowError):
            continue
        if now < ticket.expires_at:
            return ticket
    raise NotAuthentic("this ticket is not valid here (any more): ask for a new one")


class Session(Struct, frozen=True, kw_only=True):
    """A person at the console: one role, at one origin, for some hours, by one access key."""

    name: str
    role: str
    origin: str
    """"" in the token of a link, which opens a session once and is none."""
    key: str
    """Id of the access key it rests on; once that is revoked the session is over."""
    expires_at: datetime


def role_of(scopes: frozenset[str], wanted: str | None = None) -> str:
    """The role at the console that a key with `scopes` gives: `wanted` if it holds all of that, else the most it holds.

    What `viewer` may see anybody may see who sees more. Raises NotAllowed where there is none, or not that one.
    """
    held = scopes | {"viewer"} if scopes & {"viewer", "agent", "supervisor", "admin"} else scopes
    fits = [name for name, needs in ROLES.items() if needs <= held]
    if wanted is not None and wanted not in fits:
        raise NotAllowed(f"this key does not hold all that the role {wanted} needs")
    if not fits:
        raise NotAllowed("this key opens no console: it needs the scope viewer, or those of a role (docs/CONSOLE.md)")
    return fits[-1] if wanted is None else wanted


def mint_session(secret: str, session: Session, now: datetime) -> str:
    """The signed session; `session.origin` as `read_origin` has it."""
    claims = {
        "iss": _CONSOLE,
        "aud": session.origin,
        "sub": session.name,
        "key": session.key,
        "role": session.role,
        "iat": int(now.timestamp()),
        "exp": int(session.expires_at.timestamp()),
    }
    return jwt.encode(claims, secret, algorithm="HS256")


def mark_of(token: str) -> str:
    """The name under which a signed token is noted as used up or ended: 64 hex digits over what was signed, since one
    signature can be written in several ways."""
    return hashlib.sha256(token.rpartition(".")[0].encode()).hexdigest()


def read_session(secrets: Sequence[str], token: str, now: datetime) -> Session:
    """The session, if one of `secrets` signed it and it is not over. Raises NotAuthentic, always in the same words.

    Whether the request comes from `origin`, and whether somebody signed out, is for who knows the request.
    """
    for secret in secrets:
        try:
            claims = jwt.decode(
                token,
                secret,
                algorithms=["HS256"],
                issuer=_CONSOLE,
                options={
                    "require": ["exp", "sub", "aud"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_aud": False,
                },
            )
            session = Session(
                name=str(claims["sub"]),
                role=str(claims["role"]),
                origin=str(claims["aud"]),
                key=str(claims["key"]),
                expires_at=datetime.fromtimestamp(int(claims["exp"]), timezone.utc),
            )
        except (jwt.InvalidTokenError, KeyError, ValueError, TypeError, OverflowError):
            continue
        if now < session.expires_at and session.role in ROLES:
            return session
    raise NotAuthentic("sign in again: this session has ended")
