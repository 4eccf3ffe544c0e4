"""Who is the customer at a session, and on which channel: alike in a conversation's details and in its events."""

from __future__ import annotations

import re
from typing import Any

from bridge.adapter.addresses import is_withheld, normalise_email, normalise_phone
from bridge.adapter.paths import scalar_text

LIVE = ("voice", "chat", "video")
"""Media at which somebody waits for an answer; for an e-mail, a message or a callback nobody sits and waits."""

_NUMBER = re.compile(r"\+?[0-9][0-9 ()./-]{2,}")
_SCHEME = re.compile(r"^(?:tel|sip|sips):", re.IGNORECASE)


def sides(session: dict[str, Any], direction: str, region: str) -> dict[str, str]:
    """The customer's `phone` or `email`, both sides as `customer_address` and `ours`, as far as they are known.

    Numbers are in E.164 where they can be, as dialled in `region`. The caller of an incoming session is the customer,
    the one called of an outgoing one, and whoever asked for a callback. Internal addresses and withheld numbers are
    nobody's.
    """
    inbound = word(session.get("direction")) or direction
    caller = address(session.get("ani"), region) or address(session.get("addressFrom"), region)
    called = address(session.get("dnis"), region) or address(session.get("addressTo"), region)
    numbers = session.get("callbackNumbers")
    wanted = address(numbers[0], region) if isinstance(numbers, list) and numbers else ""
    if inbound == "outbound":
        caller, called = called, caller
    customer = wanted or caller
    found = {"customer_address": customer, "ours": called, "email" if "@" in customer else "phone": customer}
    return {name: value for name, value in found.items() if value}


def channel(session: dict[str, Any]) -> str:
    """The vendor's word for the channel of a session: its medium, of a text message `sms`."""
    return "sms" if word(session.get("messageType")) == "sms" else word(session.get("mediaType"))


def address(value: Any, region: str) -> str:
    """The number or e-mail address that `value` is; "" for `sip:` addresses inside, display names and other ids."""
    text = scalar_text(value) or ""
    bare = _SCHEME.sub("", text).partition(";")[0].strip()
    if not bare or is_withheld(text):
        return ""
    number = bare.partition("@")[0] if _SCHEME.match(text) else bare
    if _NUMBER.fullmatch(number):
        return normalise_phone(number, region) or number
    return "" if _SCHEME.match(text) else normalise_email(bare) or ""


def word(value: Any) -> str:
    """One of the vendor's words: events write them in capitals, details do not."""
    return (scalar_text(value) or "").casefold()
