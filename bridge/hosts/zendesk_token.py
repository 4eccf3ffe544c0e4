"""The token that Zendesk signs and posts with the first request for an app's page: once good, and only here.

developer.zendesk.com/documentation/apps/build-an-app/building-a-server-side-app/part-5-secure-the-app/
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from hmac import compare_digest
from typing import Any, Final

import jwt
from msgspec import Struct

from bridge.errors import NotAuthentic
from bridge.hosts.config import Trust

LEEWAY: Final = timedelta(seconds=30)
"""By how much their clock and ours may differ."""
LONGEST: Final = timedelta(hours=1)
"""A token that says it is good for longer is none of theirs."""

_USER: Final = re.compile(r"https://[^/]+/api/v2/users/([0-9]{1,20})(?:\.json)?")
_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,80}")


class Refused(NotAuthentic):
    """`reason` is one word for the log; who sent the token is told nothing of it."""

    def __init__(self, reason: str) -> None:
        super().__init__("this token is not valid here")
        self.reason = reason


class Admitted(Struct, frozen=True, kw_only=True):
    """Who is at the desktop. `hash` is the same for every copy of the token, and worthless after `until`."""

    agent: str
    hash: str
    until: datetime


def read_token(trust: Trust, token: str, *, path: str, query: str, now: datetime) -> Admitted:
    """Whom `token` admits, if Zendesk signed it for this installation and for now. Raises Refused."""
    try:
        claims = jwt.decode(
            token,
            trust.public_key,
            algorithms=["RS256"],
            audience=trust.audience,
            issuer=trust.issuers,
            # `now` is ours, so the library leaves the clock alone
            options={
                "require": ["iss", "aud", "exp", "iat", "sub"],
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
        begins, ends = _instant(claims, "iat"), _instant(claims, "exp")
        counts = _instant(claims, "nbf") if "nbf" in claims else begins
    except (jwt.InvalidAudienceError, jwt.InvalidIssuerError, jwt.MissingRequiredClaimError) as problem:
        raise Refused(_REASONS.get(type(problem), "claim")) from None
    except jwt.InvalidAlgorithmError:
        raise Refused("algorithm") from None
    except jwt.InvalidSignatureError:
        raise Refused("signature") from None
    except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError, OSError):
        raise Refused("shape") from None
    if max(begins, counts) > now + LEEWAY:
        raise Refused("not yet")
    if now >= ends + LEEWAY or ends - begins > LONGEST:
        raise Refused("expired")
    if trust.check_query and "qsh" in claims and not _covers(str(claims["qsh"]), path, query):
        raise Refused("query")
    # over what was signed: the signature itself can be written in several ways
    digest = sha256(token.rpartition(".")[0].encode("ascii")).hexdigest()
    return Admitted(agent=_agent(claims["sub"]), hash=digest, until=ends + LEEWAY)


_REASONS: Final[dict[type[Exception], str]] = {
    jwt.InvalidAudienceError: "audience",
    jwt.InvalidIssuerError: "issuer",
}


def _instant(claims: dict[str, Any], name: str) -> datetime:
    value = claims[name]
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(name)
    return datetime.fromtimestamp(value, timezone.utc)  # OverflowError or OSError where no calendar goes that far


def _agent(subject: object) -> str:
    """The id of `https://….zendesk.com/api/v2/users/17.json`, or an id as it stands; never a name or an address."""
    text = str(subject)
    if user := _USER.fullmatch(text):
        return user[1]
    if not _ID.fullmatch(text):
        raise Refused("subject")
    return text


def _covers(given: str, path: str, query: str) -> bool:
    """Whether `given` is a hash of the query, in one of the spellings in use. Theirs is not in writing."""
    return any(compare_digest(given.encode(), one.encode()) for one in _hashes(path, query))


def _hashes(path: str, query: str) -> Iterator[str]:
    in_order = "&".join(sorted(query.split("&")))
    for text in (query, f"?{query}", in_order, f"POST&{path}&{in_order}", f"POST&/&{in_order}"):
        digest = sha256(text.encode())
        yield digest.hexdigest()
        yield b64encode(digest.digest()).decode()
