"""Callbacks: requests that Twilio makes about a call, as a form or in the query, become one item each.

https://www.twilio.com/docs/voice/twiml#request-parameters, https://www.twilio.com/docs/voice/twiml/enqueue
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from bridge.adapter.base import json_body
from bridge.adapter.delivery import Item, Opened, Reply, Request
from bridge.errors import BadRequest

from .signature import Pair, form_pairs, is_form, query_of

EMPTY_TWIML = Reply(
    status=200, body=b'<?xml version="1.0" encoding="UTF-8"?><Response/>', content_type="text/xml; charset=utf-8"
)
"""An answer that Twilio takes wherever it asks for TwiML: do nothing more."""

_OURS = ("menu", "queue", "bodySHA256")
"""Parameters of the URL that the operator (or Twilio's signature) put there; they say nothing of the call itself."""
_CHOICE = re.compile(r"[0-9*#]{1,2}")
"""What is keyed in at a menu. Longer digits are a PIN or a number of the caller's, and never a step of a menu."""
_WORD = re.compile(r"[^\x00-\x1f]{1,60}")
_MOST_STEPS = 20


def open_callback(request: Request) -> Opened:
    """The call that a verified request is about. Raises BadRequest for what is no request of Twilio's.

    Callbacks that are not about the state of a call (messages, recordings) are counted and left alone.
    """
    url = _texts(form_pairs(query_of(request.url)))
    said = _said(request, url)
    if "CallSid" not in said and "AccountSid" not in said:
        raise BadRequest("not a callback of Twilio's: neither CallSid nor AccountSid is in it")
    if "CallSid" not in said or "CallStatus" not in said:
        return Opened(ignored=1, reply=EMPTY_TWIML)
    given = {"menu_path": _menu_path(url, said), "queue": _word(url.get("queue"))}
    raw = {**said, "bridge": {name: value for name, value in given.items() if value}}
    # When it arrived orders callbacks without a time of their own, but does not tell a repeated one from the first.
    dedupe = Item(object="call_event", raw=raw).dedupe_key
    raw["bridge"]["received_at"] = msgspec.to_builtins(request.received_at)
    return Opened(items=(Item(object="call_event", raw=raw, dedupe=dedupe, patch=True),), reply=EMPTY_TWIML)


def _said(request: Request, url: dict[str, Any]) -> dict[str, Any]:
    if request.method == "GET":
        return {name: value for name, value in url.items() if name not in _OURS}
    said = _texts(form_pairs(request.body)) if is_form(request) else json_body(request)
    return {name: value for name, value in said.items() if name != "bridge"}


def _texts(pairs: list[Pair]) -> dict[str, Any]:
    """Parameters by name: a text, or the list of texts where a name comes several times."""
    found: dict[str, Any] = {}
    try:
        for name, value in ((one.decode(), other.decode()) for one, other in pairs):
            found[name] = [*_listed(found[name]), value] if name in found else value
    except UnicodeDecodeError:
        raise BadRequest("the parameters are not UTF-8") from None
    return found


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _menu_path(url: dict[str, Any], said: dict[str, Any]) -> list[str]:
    """The way through the menu, where the URL marks the callback as one of a menu: `?menu=2,1` names the choices made
    before, and the digits are the last one."""
    if not isinstance(url.get("menu"), str):
        return []
    before = [step for part in url["menu"].split(",")[:_MOST_STEPS] if (step := _word(part))]
    digits = said.get("Digits")
    return [*before, digits] if isinstance(digits, str) and _CHOICE.fullmatch(digits) else before


def _word(value: object) -> str:
    text = value.strip() if isinstance(value, str) else ""
    return text if _WORD.fullmatch(text) else ""
