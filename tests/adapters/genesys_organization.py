"""A configured Genesys Cloud source for the tests beside this file, made as the bridge makes it."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from bridge.adapter.base import Adapter
from bridge.adapter.client import Client, open_client
from bridge.adapter.delivery import Item, Opened, Request
from bridge.adapter.registry import load_registry
from bridge.intake.records import fold, version
from bridge.model import Entry

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=timezone.utc)
SECRET = "a-word-of-the-forwarder"
CALL = "7b6f4a10-58c5-4a83-9d0e-000000000001"
SETTINGS: dict[str, Any] = {
    "region": "mypurecloud.de",
    "client_id": "retention-bridge",
    "client_secret": "a-client-secret",
    "webhook_secret": SECRET,
    "since": "2026-03-01",
}


@cache
def _plain() -> Adapter:
    return make()


def make(mapping: dict[str, Any] | None = None, **settings: Any) -> Adapter:
    """The adapter of a source `ivr` with `settings` over the usual ones and `mapping` laid over its mapping."""
    given = {name: value for name, value in (SETTINGS | settings).items() if value is not None}
    form = {"adapter": "genesys_cloud", "settings": given} | ({"mapping": mapping} if mapping else {})
    return load_registry(ROOT / "adapters", ROOT / "mappings", {"sources": {"ivr": form}}, {}).adapter("ivr")


class Organization:
    """The vendor's side of the wire: answers by path, in their order, the last one for good; keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self._answers: dict[str, list[Any]] = {}
        self.on("/oauth/token", {"access_token": "a-token", "expires_in": 86399})
        for path in ("routing/queues", "users", "routing/wrapupcodes", "flows/outcomes"):
            self.on(f"/api/v2/{path}", {"entities": []})

    def on(self, path: str, *answers: object) -> Organization:
        """Answer requests of `path` with JSON, with whole responses, or with what a function makes of the request."""
        self._answers[path] = list(answers)
        return self

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answers = self._answers.get(request.url.path)
        if not answers:
            return httpx.Response(404, json={"code": "not.found"})
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        if callable(found):
            found = found(request)
        return found if isinstance(found, httpx.Response) else httpx.Response(200, json=found)

    def client(self, adapter: Adapter) -> Client:
        return open_client(adapter, transport=httpx.MockTransport(self.answer), clock=NOW.timestamp)

    def queries(self) -> list[dict[str, Any]]:
        """The bodies of the queries for conversations."""
        return [json.loads(one.content) for one in self.asked if one.url.path.endswith("/details/query")]


def event(kind: str, milliseconds: int = 1772442000000, **body: Any) -> dict[str, Any]:
    """An event in EventBridge's envelope."""
    told = {"eventTime": milliseconds, "conversationId": CALL, "mediaType": "VOICE", "direction": "INBOUND"}
    told |= {"ani": "tel:+493055501234", "dnis": "tel:+4930555010"} | body
    topic = f"v2.detail.events.conversation.{CALL}.{kind}"
    return {"id": f"event-{kind}", "detail-type": topic, "detail": {"topicName": topic, "eventBody": told}}


def opened(body: object) -> Opened:
    """What the bridge makes of a delivery before it keeps it."""
    raw = json.dumps(body).encode()
    url = "https://bridge.example/webhooks/ivr"
    request = Request(method="POST", url=url, headers={"x-bridge-secret": SECRET}, body=raw, received_at=NOW)
    _plain().verify(request, NOW)
    return _plain().open(request)


def entries(*items: Item, adapter: Adapter | None = None) -> list[Entry]:
    """Everything that items say."""
    adapter = adapter or _plain()
    return [one for item in items for one in adapter.read(item) if isinstance(one, Entry)]


def known(*told: Item | dict[str, Any]) -> dict[str, Any]:
    """The one interaction that items and events make together, as it would be stored."""
    items = [item for one in told for item in ([one] if isinstance(one, Item) else opened(one).items)]
    said = [one for one in entries(*items) if one.object == "interaction"]
    current = fold(version(one, "ivr", known_at=1, arrival=1, delivery=None) for one in said)
    assert current is not None
    found: dict[str, Any] = json.loads(current.body)
    return found


def segment(
    kind: str = "interact", start: str = "09:00:00", end: str | None = "09:01:00", **fields: Any
) -> dict[str, Any]:
    """A segment of a session on the day of the tests."""
    found = {"segmentType": kind, "segmentStart": f"2026-03-02T{start}.000Z", **fields}
    return found | ({"segmentEnd": f"2026-03-02T{end}.000Z"} if end else {})


def participant(purpose: str, *segments: dict[str, Any], session: Any = None, **fields: Any) -> dict[str, Any]:
    """A participant with one session."""
    sides = {"mediaType": "voice", "direction": "inbound", "ani": "tel:+493055501234", "dnis": "tel:+4930555010"}
    return {"purpose": purpose, "sessions": [{**sides, **(session or {}), "segments": list(segments)}], **fields}


def row(*participants: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A conversation as the analytics query gives it."""
    return {
        "conversationId": CALL,
        "conversationStart": "2026-03-02T09:00:00.000Z",
        "conversationEnd": "2026-03-02T09:08:00.000Z",
        "originatingDirection": "inbound",
        "participants": list(participants),
    } | fields


def conversation(*participants: dict[str, Any], **fields: Any) -> Item:
    """The item of a conversation."""
    return Item(object="conversation", raw=row(*participants, **fields))
