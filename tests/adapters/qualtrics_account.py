"""A configured Qualtrics source for the tests beside this file, made as the bridge makes it."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

from bridge.adapter.base import Adapter
from bridge.adapter.client import Client, open_client
from bridge.adapter.delivery import Item, Request
from bridge.adapter.registry import load_registry
from bridge.model import Entry

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 5, 4, 12, 0, tzinfo=timezone.utc)
KEY = "a-shared-key"
SETTINGS: dict[str, Any] = {
    "datacenter": "fra1",
    "token": "a-token-of-ours",
    "webhook_key": KEY,
    "surveys": ["SV_1=nps:QID1 comment:QID2_TEXT", "SV_2=csat:QID3"],
    "poll_seconds": 0,
}
EVENT = {"Status": "Complete", "SurveyID": "SV_1", "ResponseID": "R_1", "CompletedDate": "2026-05-04 05:00:00"}


def make(mapping: dict[str, Any] | None = None, **settings: Any) -> Adapter:
    """The adapter of a source `surveys` with `settings` over the usual ones and an overlay."""
    form: dict[str, Any] = {"adapter": "qualtrics", "settings": SETTINGS | settings}
    if mapping:
        form["mapping"] = mapping
    return load_registry(ROOT / "adapters", ROOT / "mappings", {"sources": {"surveys": form}}, {}).adapter("surveys")


def response(number: str = "R_1", *, at: str = "2026-05-04T10:00:00Z", **values: Any) -> dict[str, Any]:
    """A response as Qualtrics writes one; labels and what was offered are given as `labels` and `offered`."""
    labels, offered = values.pop("labels", {}), values.pop("offered", {})
    told = {"endDate": at, "recordedDate": at, "lastModifiedDate": at, "status": 0, "finished": 1} | values
    return {"responseId": number, "values": told, "labels": labels, "displayedFields": [], "displayedValues": offered}


def said(
    told: dict[str, Any], adapter: Adapter | None = None, metric: str = "nps", survey: str = "SV_1"
) -> list[Entry]:
    """What one response becomes."""
    item = Item(object=metric, raw={"surveyId": survey, **told})
    return [one for one in (adapter or make()).read(item) if isinstance(one, Entry)]


def body(told: dict[str, Any], adapter: Adapter | None = None, metric: str = "nps", survey: str = "SV_1") -> Any:
    """The fields of the one record that a response becomes."""
    [entry] = said(told, adapter, metric, survey)
    return entry.body


def event(message: str | dict[str, Any] = EVENT, *, key: str = KEY, **fields: str) -> Request:
    """A delivery, signed as Qualtrics signs; `fields` are set beside, or instead of what belongs there."""
    text = message if isinstance(message, str) else json.dumps(message)
    mac = hmac.new(key.encode(), text.encode(), hashlib.sha512).hexdigest()
    return form(urlencode({"HMAC": mac, "MSG": text, "Topic": "acme.surveyengine", "undefined": ""} | fields))


def form(content: str) -> Request:
    """A delivery with this body."""
    url = "https://bridge.example/webhooks/surveys"
    return Request(method="POST", url=url, headers={}, body=content.encode(), received_at=NOW)


def client(adapter: Adapter, answer: Any) -> Client:
    """The adapter's client, answered by `answer`."""
    return open_client(adapter, transport=httpx.MockTransport(answer), clock=NOW.timestamp)
