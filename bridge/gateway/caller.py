"""What a host sends to say who is calling, read leniently: a query, a form, JSON, or the host's own event.

Nothing here raises for what a caller or a switch may send: what cannot be read identifies nobody.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec import Struct
from starlette.types import Receive

from bridge.adapter.addresses import normalise_key, normalise_phone
from bridge.errors import BadRequest
from bridge.gateway.refusal import read_body

_HOST_ID: Final = re.compile(r"[!-z|~]{1,128}")
"""Printable ASCII without braces: a placeholder that the host did not fill in (`{{…}}`) is no id."""

_MOST_PAIRS = 64
CALLERS: Final = ("From", "Caller")
"""What some phone services call the number of the caller (see `bridge/hosts`)."""
BODY_LIMIT: Final = 65_536
"""Largest body of a look-up, in bytes."""


class Asked(Struct, frozen=True):
    """One look-up request. `keys` are (kind, value) pairs in the order in which they are tried."""

    keys: tuple[tuple[str, str], ...] = ()
    customer: str = ""
    interaction: str = ""
    language: str | None = None
    budget_ms: int | None = None
    host: str = ""
    answer: str = ""
    """What the caller answered to the question of an earlier answer (see `bridge.gateway.question`)."""


def read_pairs(raw: bytes) -> dict[str, str]:
    """A query string or form as a mapping; the first of several values counts, whatever is not UTF-8 is replaced."""
    pairs: dict[str, str] = {}
    for part in raw.split(b"&", _MOST_PAIRS)[:_MOST_PAIRS]:
        name, found, value = part.partition(b"=")
        if found:
            pairs.setdefault(_decode(name), _decode(value))
    return pairs


def _decode(raw: bytes) -> str:
    if b"+" in raw:
        raw = raw.replace(b"+", b" ")
    if b"%" in raw:
        # nearly always the one in front of a phone number; taking it out cannot make up another escape
        raw = raw.replace(b"%2B", b"+")
        if b"%" in raw:
            raw = unquote_to_bytes(raw)
    return raw.decode("utf-8", "replace")


def read_event(body: Any) -> dict[str, str]:
    """The pairs of a JSON body: a flat object, or the event that Amazon Connect hands to a function, unchanged.

    Of that event the parameters count first, then the attributes of the interaction itself.
    docs.aws.amazon.com/connect/latest/adminguide/connect-lambda-functions.html
    """
    if not isinstance(body, dict):
        return {}
    details = body.get("Details")
    if not isinstance(details, dict):
        return _strings(body)
    data = details.get("ContactData")
    pairs = _strings(details.get("Parameters"))
    if isinstance(data, dict):
        endpoint = data.get("CustomerEndpoint")
        if isinstance(endpoint, dict) and isinstance(address := endpoint.get("Address"), str):
            pairs.setdefault("email" if endpoint.get("Type") == "EMAIL_ADDRESS" else "phone", address)
        for name, theirs in (("interaction", "ContactId"), ("lang", "LanguageCode")):
            if isinstance(value := data.get(theirs), str):
                pairs.setdefault(name, value)
    return pairs


def _strings(body: Any) -> dict[str, str]:
    if not isinstance(body, dict):
        return {}
    return {
        name: str(value)
        for name, value in body.items()
        if isinstance(value, (str, int)) and not isinstance(value, bool)
    }


def read_asked(pairs: Mapping[str, str], region: str, languages: Container[str]) -> Asked:
    """What `pairs` ask for. Keys are tried in the order phone, external_id (`system:id`), email.

    Who posts the fields of a call as its phone service sent them need not rename them: CALLERS and `CallSid` count too.
    """
    keys: list[tuple[str, str]] = []
    if (phone := pairs.get("phone") or _first(pairs, CALLERS)) and (number := normalise_phone(phone, region)):
        keys.append(("phone", number))
    if len(pairs) == 1 and keys:
        return Asked(tuple(keys))
    for kind, name in (("id", "external_id"), ("email", "email")):
        if (text := pairs.get(name)) and "\0" not in text and (value := normalise_key(kind, text, region)):
            keys.append((kind, value))
    interaction = pairs.get("interaction") or pairs.get("CallSid", "")
    budget = pairs.get("budget_ms", "")
    language = pairs.get("lang", "")[:2].lower()
    return Asked(
        keys=tuple(keys),
        customer=pairs.get("customer_id", "").replace("\0", "").strip()[:64],
        interaction=interaction if _HOST_ID.fullmatch(interaction) else "",
        language=language if language in languages else None,
        budget_ms=int(budget) if budget.isascii() and budget.isdigit() and len(budget) < 6 else None,
        host=pairs.get("host", ""),
        answer=pairs.get("answer", "")[:40],
    )


def _first(pairs: Mapping[str, str], names: Iterable[str]) -> str:
    return next((text for name in names if (text := pairs.get(name))), "")


async def read_posted(query: bytes, headers: dict[bytes, bytes], receive: Receive) -> dict[str, str]:
    """The pairs of a body (JSON or a form) over those of the query. Raises BadRequest and TooLarge."""
    body = await read_body(receive, headers, BODY_LIMIT)
    pairs = read_pairs(query)
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind == b"application/x-www-form-urlencoded":
        return pairs | read_pairs(body)
    if body.strip():
        try:
            return pairs | read_event(msgspec.json.decode(body))
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise BadRequest("the body is neither JSON nor a form") from None
    return pairs
