"""Webhooks: the body that an admin's rule sends, which says of which ticket there is news, and no more.

https://support.freshdesk.com/support/solutions/articles/132589-using-webhooks-in-automation-rules
"""

from __future__ import annotations

import re
from typing import Any

from bridge.adapter.base import json_body
from bridge.adapter.delivery import Item, Opened, Request
from bridge.adapter.paths import scalar_text
from bridge.errors import BadRequest

_RATED, _CHANGED = "rating_of_ticket", "ticket_id"
_NUMBER = re.compile(r"(?:[A-Za-z]{0,10}[#-]?)?([1-9][0-9]{0,18})")
"""An account may show its tickets' numbers with a prefix."""


def open_webhook(request: Request) -> Opened:
    """The hint in a delivery. Raises BadRequest for a body that names no ticket."""
    body = json_body(request)
    number = named_ticket(body)
    if not number:
        raise BadRequest("no ticket is named as adapters/freshdesk/README.md describes it")
    # The same words about the same ticket mean a new change each time: when they came tells them apart.
    dedupe = f"{number}:{request.received_at.isoformat()}"
    return Opened(items=(Item(object="rating_hint" if _RATED in body else "ticket_hint", raw=body, dedupe=dedupe),))


def named_ticket(body: dict[str, Any]) -> str:
    """The number of the ticket that a body names; "" where it names none."""
    simple = body.get("freshdesk_webhook")  # what a rule with «simple» content sends
    given = body.get(_RATED, body.get(_CHANGED, simple.get(_CHANGED) if isinstance(simple, dict) else None))
    found = _NUMBER.fullmatch((scalar_text(given) or "").strip())
    return found[1] if found else ""
