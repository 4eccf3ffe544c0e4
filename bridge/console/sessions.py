"""`/console`: the pages for people who run retention, and their session.

Who signs in proves it once, with an access key or with a link that was made for them, and then holds a cookie that
no script can read and no page of somebody else's can use (see `keys`). It rests on the key: once that is revoked it is
over.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from bridge.access import ROLES, SCOPES, Session, check, mark_of, mint_session, read_origin, read_session, role_of
from bridge.errors import Conflict, NotAllowed, NotAuthentic, NotFound, Superseded
from bridge.gateway.endpoint import Call, Raw
from bridge.gateway.keys import COOKIE, SECURE_COOKIE, session_of, token_of
from bridge.store import Unit, micros

HOURS: Final = 10
"""How long one signs in for: a working day."""
EXAMPLE: Final = "example"
"""Name of the key that the example has."""
Role = Literal["viewer", "agent", "manager", "operator"]


class SignIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """How one proves who one is: by `link`, else by the access key of the request; in demo mode nobody has to."""

    link: Annotated[str, Meta(max_length=2000)] = ""
    """What stands behind the # of a link that `bridge key console` made; good once."""
    role: Role | None = None
    """Less than the key would give; left out: the most."""


class SignedIn(Struct, kw_only=True):
    """Who is signed in, and what the pages need to know at once."""

    name: str
    role: str
    roles: list[str]
    """Those that one may change to."""
    scopes: list[str]
    expires_at: datetime
    currency: str
    demo: bool


async def sign_in(call: Call, body: SignIn) -> Raw:
    """Begin a session; the answer sets its cookie. 401 for a key or a link that is not (or no longer) good."""
    secrets = call.gate.ticket_secrets
    if not secrets:
        raise Conflict("sessions need a secret: set BRIDGE_TICKET_SECRET (openssl rand -hex 32)")
    origin = _own_origin(call)
    if body.link:
        given = read_session(secrets, body.link, call.now)
        if given.origin:
            raise NotAuthentic("this is no link to sign in with")
        name, key, most = given.name, given.key, given.role
        if body.role is not None and body.role not in _up_to(most):
            raise NotAllowed("the link is for less than that")
        role = body.role or most
        check(call.gate.keys.by_id(key), ROLES[role], call.now)
        await _use_once(call, body.link, given.expires_at)
    elif call.gate.settings.demo and not token_of(call.headers.get(b"authorization"), call.headers.get(b"x-api-key")):
        example = call.gate.keys.named(EXAMPLE, call.now)
        if example is None:
            raise NotFound("the example is not loaded yet: bridge example")
        name, key, role = "demo", example.id, body.role or "manager"
    else:
        who = await call.gate.keys.admit(call.headers, frozenset({"viewer", "agent", "supervisor", "admin"}), call.now)
        access = call.gate.keys.by_id(who.key)
        name, key, role = (access and access.name) or who.key, who.key, role_of(who.scopes, body.role)
    session = Session(name=name, role=role, origin=origin, key=key, expires_at=call.now + timedelta(hours=HOURS))
    call.gate.trail.audit(f"agent:{name}", "console.sign_in", f"role:{role}", call.now)
    return _answer(call, session, mint_session(secrets[0], session, call.now))


async def show(call: Call) -> Raw:
    """Who is signed in; null where nobody is."""
    keys, secrets = call.gate.keys, call.gate.ticket_secrets
    try:
        session = keys.read_session(call.headers, call.now, secrets)
        check(keys.by_id(session.key), frozenset(SCOPES), call.now)
    except (NotAuthentic, NotAllowed):
        return Raw(b"null")
    return _answer(call, session, None)


async def sign_out(call: Call) -> Raw:
    """End the session, in this browser and wherever else its cookie may be."""
    with suppress(NotAuthentic):
        session = call.gate.keys.read_session(call.headers, call.now, call.gate.ticket_secrets)
        await call.gate.keys.end(session_of(call.headers), session.expires_at, call.now)
        call.gate.trail.audit(f"agent:{session.name}", "console.sign_out", f"role:{session.role}", call.now)
    return Raw(b"{}", headers=((b"set-cookie", _cookie(call, "", 0)),))


def _answer(call: Call, session: Session, token: str | None) -> Raw:
    key = call.gate.keys.by_id(session.key)
    held = key.scopes | ROLES["viewer"] if key is not None else ROLES["viewer"]
    told = SignedIn(
        name=session.name,
        role=session.role,
        roles=[name for name, needs in ROLES.items() if needs <= held],
        scopes=sorted(ROLES[session.role] & held),
        expires_at=session.expires_at,
        currency=call.gate.desk.rules.deciding.card.file.value.currency,
        demo=call.gate.settings.demo,
    )
    seconds = int((session.expires_at - call.now).total_seconds())
    headers = () if token is None else ((b"set-cookie", _cookie(call, token, seconds)),)
    return Raw(msgspec.json.encode(told), headers=headers)


def _cookie(call: Call, value: str, seconds: int) -> bytes:
    secure = _own_origin(call).startswith("https:")
    name, only = (SECURE_COOKIE, "; Secure") if secure else (COOKIE, "")
    return f"{name.decode()}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{only}".encode("ascii")


def _own_origin(call: Call) -> str:
    """The origin that the page was loaded from. Raises NotAuthentic where another page asks."""
    origin = call.headers.get(b"origin", b"").decode("latin-1").lower()
    host = call.headers.get(b"host", b"").decode("latin-1").lower()
    public = urlsplit(call.gate.settings.public_url)
    own = (host, public.netloc.lower())
    if not origin or urlsplit(origin).netloc not in own or b"x-console" not in call.headers:
        raise NotAuthentic("only the console's own page signs in here")
    return read_origin(origin)


def _up_to(role: str) -> list[str]:
    return [name for name, needs in ROLES.items() if needs <= ROLES[role]]


async def _use_once(call: Call, link: str, until: datetime) -> None:
    unit = Unit()
    unit.add("access.forget_tokens", now=micros(call.now))
    unit.add("access.use_token", expect=1, hash=mark_of(link), until=micros(until))
    try:
        await call.gate.store.write(unit)
    except Superseded:
        raise NotAuthentic("this link was used already: ask for a new one") from None
