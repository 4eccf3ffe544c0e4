"""Links in messages: signed, for one purpose, and good until their day. Pure; the store keeps what each one is about.

A token is 46 characters of base64url: a version, the purpose, 96 random bits, the day it ends, and 128 bits of HMAC
over these. Nothing in it is made of the customer or of the message: the row in `links` is found by the token's hash,
and somebody who sees an address learns nothing from it. A forged token is known without asking the store.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Final, Literal, get_args

from msgspec import Struct

from bridge.automation.messages import LINKS
from bridge.errors import NotAuthentic

Purpose = Literal["unsubscribe", "renew", "accept", "survey"]
PURPOSES: Final[tuple[Purpose, ...]] = get_args(Purpose)
PATH: Final = "/l/"
"""Where all but surveys are answered; what stands behind it is never logged (see `telemetry`)."""
LENGTH: Final = 46

_VERSION: Final = 1
_TOKEN: Final = re.compile(rf"[A-Za-z0-9_-]{{{LENGTH}}}")
_HEAD: Final = 18
_DAY: Final = timedelta(days=1)
_FIRST_DAY: Final = datetime(2020, 1, 1, tzinfo=timezone.utc)
_LABEL: Final = b"retention-bridge link"
"""Keeps these signatures apart from all others that are made with the same secret."""


class Link(Struct, frozen=True, kw_only=True):
    """A link that was made. `hash` is what the store knows it by; the token itself is in the message alone."""

    purpose: Purpose
    url: str
    hash: str
    expires_at: datetime


class Token(Struct, frozen=True, kw_only=True):
    """A token that we signed. Ending is for whoever reads it to judge: somebody may still be told kindly."""

    purpose: Purpose
    hash: str
    expires_at: datetime


def mint(
    secret: str,
    base: str,
    purpose: Purpose,
    *,
    now: datetime,
    lifetime: timedelta,
    path: str = PATH,
    random: Callable[[int], bytes] = secrets.token_bytes,
) -> Link:
    """A new link at `base` + `path`, good for at least `lifetime` and for less than a day more."""
    days = -(-(now + lifetime - _FIRST_DAY) // _DAY)
    head = bytes((_VERSION, PURPOSES.index(purpose))) + random(12) + days.to_bytes(4, "big")
    token = urlsafe_b64encode(head + _sign(secret, head)).rstrip(b"=").decode("ascii")
    return Link(purpose=purpose, url=f"{base}{path}{token}", hash=_hash(token), expires_at=_FIRST_DAY + days * _DAY)


def read_token(secrets: Sequence[str], token: str) -> Token:
    """The token, if one of `secrets` signed it. Raises NotAuthentic, always with the same words."""
    if _TOKEN.fullmatch(token):
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        head, signature = raw[:_HEAD], raw[_HEAD:]
        # base64 leaves bits at the end that mean nothing: only one spelling of a token is that token
        canonical = urlsafe_b64encode(raw).rstrip(b"=").decode("ascii") == token
        signed = [hmac.compare_digest(_sign(secret, head), signature) for secret in secrets]
        if canonical and any(signed) and head[0] == _VERSION and head[1] < len(PURPOSES):
            return Token(
                purpose=PURPOSES[head[1]],
                hash=_hash(token),
                expires_at=_FIRST_DAY + int.from_bytes(head[14:], "big") * _DAY,
            )
    raise NotAuthentic("this link is not one of ours")


def words_of_links(links: Mapping[Purpose, Link]) -> dict[str, str]:
    """What texts call them, `<purpose>_link`, and their addresses."""
    return {f"{purpose}_link": link.url for purpose, link in links.items()}


def named_in(links: Mapping[Purpose, Link], args: Mapping[str, Any]) -> list[Link]:
    """Those whose address stands in the arguments of an action: no other one leaves the house."""
    text = "\n".join(str(value) for value in args.values())
    return [link for link in links.values() if link.url in text]


def example_links(base: str = "https://service.example.org") -> dict[str, str]:
    """Every word of LINKS with an address that leads nowhere, for previews."""
    return {name: f"{base}{PATH}example-{name.removesuffix('_link')}" for name in sorted(LINKS)}


def _sign(secret: str, head: bytes) -> bytes:
    key = hmac.digest(secret.encode(), _LABEL, "sha256")
    return hmac.digest(key, head, "sha256")[:16]


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("ascii")).hexdigest()
