"""A configured Typeform source for the tests beside this file, made as the bridge makes it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from bridge.adapter.base import Adapter
from bridge.adapter.delivery import Item, Request
from bridge.adapter.registry import load_registry
from bridge.model import Entry

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 5, 4, 12, 0, tzinfo=timezone.utc)
SECRET = "a-webhook-secret"
SETTINGS: dict[str, Any] = {
    "forms": ["N1=nps", "C1=csat", "X1=exit"],
    "token": "a-token-of-ours",
    "webhook_secret": SECRET,
    "requests_per_second": 1_000_000,
}


def make(mapping: dict[str, Any] | None = None, **settings: Any) -> Adapter:
    """The adapter of a source `surveys` with `settings` over the usual ones and an overlay."""
    form: dict[str, Any] = {"adapter": "typeform", "settings": SETTINGS | settings}
    if mapping:
        form["mapping"] = mapping
    sources = {"sources": {"surveys": form}}
    return load_registry(ROOT / "adapters", ROOT / "mappings", sources, {}).adapter("surveys")


def answer(ref: str, value: Any, kind: str = "number", question: str = "opinion_scale") -> dict[str, Any]:
    """One answer, as Typeform writes it."""
    return {"type": kind, kind: value, "field": {"id": f"id-{ref}", "ref": ref, "type": question}}


def response(*answers: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A response to the form N1."""
    return {
        "form_id": "N1",
        "token": "a-response",
        "landed_at": "2026-05-04T09:58:00Z",
        "submitted_at": "2026-05-04T10:00:00Z",
        "hidden": {"crm_id": "10023"},
        "answers": list(answers),
    } | fields


def webhook(told: dict[str, Any], event: str = "form_response", number: str = "01HX") -> Request:
    """A delivery, signed as Typeform says it signs."""
    body = json.dumps({"event_id": number, "event_type": event, "form_response": told}).encode()
    mac = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
    url = "https://bridge.example/webhooks/surveys"
    headers = {"typeform-signature": f"sha256={mac}", "content-type": "application/json"}
    return Request(method="POST", url=url, headers=headers, body=body, received_at=NOW)


def entries(adapter: Adapter, *told: Item | Request) -> list[Entry]:
    """Everything that is said, in its order."""
    found: list[Entry] = []
    for one in told:
        items: Iterable[Item] = [one] if isinstance(one, Item) else _opened(adapter, one)
        found += [said for item in items for said in adapter.read(item) if isinstance(said, Entry)]
    return found


def _opened(adapter: Adapter, request: Request) -> tuple[Item, ...]:
    adapter.verify(request, NOW)
    return adapter.open(request).items


def said(*answers: dict[str, Any], adapter: Adapter | None = None, **fields: Any) -> dict[str, Any]:
    """What one response becomes."""
    [entry] = entries(adapter or make(), webhook(response(*answers, **fields)))
    return entry.body
