"""A configured Zendesk source for the tests beside this file, made as the bridge makes it."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from bridge.adapter.base import Adapter
from bridge.adapter.client import Client, open_client
from bridge.adapter.delivery import Item, Request
from bridge.adapter.mapping import Mapping
from bridge.adapter.registry import Vendor, load_vendors
from bridge.adapter.signatures import sign
from bridge.adapter.source import Source
from bridge.model import Entry

ROOT = Path(__file__).resolve().parents[2]
HOST = "https://acme.zendesk.com"
NOW = datetime(2026, 5, 4, 12, 0, tzinfo=timezone.utc)
SETTINGS: dict[str, Any] = {
    "subdomain": "acme",
    "client_id": "bridge",
    "client_secret": "a-client-secret",
    "webhook_secret": "a-webhook-secret",
}


@cache
def _vendor() -> Vendor:
    return load_vendors(ROOT / "adapters", ROOT / "mappings")["zendesk"]


@cache
def _mapping() -> Mapping:
    return _vendor().load_mapping()


def account(overlay: dict[str, Any] | None = None, **settings: Any) -> Adapter:
    """The adapter of a source `helpdesk` with `settings` over the usual ones."""
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in (SETTINGS | settings).items()}
    source = Source(name="helpdesk", adapter="zendesk", settings=given)
    return _vendor().kind(source, _vendor().manifest, _vendor().load_mapping(overlay) if overlay else _mapping())


class Account:
    """The vendor's side of the wire: answers by path, in their order, the last one for good; keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self._answers: dict[str, list[httpx.Response]] = {}
        self.on("/oauth/tokens", {"access_token": "a-token", "expires_in": 1800})

    def on(self, path: str, *answers: object) -> Account:
        """Answer requests of `path` with JSON, or with whole responses."""
        self._answers[path] = [
            one if isinstance(one, httpx.Response) else httpx.Response(200, json=one) for one in answers
        ]
        return self

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answers = self._answers.get(request.url.path)
        if not answers:
            return httpx.Response(404, json={"error": "RecordNotFound"})
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def client(self, adapter: Adapter) -> Client:
        return open_client(adapter, transport=httpx.MockTransport(self.answer))

    def asks(self, part: str) -> list[dict[str, str]]:
        """The parameters of every request whose path contains `part`."""
        return [dict(request.url.params) for request in self.asked if part in request.url.path]


def webhook(adapter: Adapter, body: object, *, at: datetime = NOW, headers: dict[str, str] | None = None) -> Request:
    """A delivery as Zendesk signs it."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    url = "https://bridge.example/webhooks/helpdesk"
    signed = sign(adapter.manifest, adapter.source, method="POST", url=url, body=raw, timestamp=at, id="")
    return Request(method="POST", url=url, headers=signed | (headers or {}), body=raw, received_at=at)


def entry(adapter: Adapter, object: str, raw: dict[str, Any], *, patch: bool = False) -> Entry:
    """The one entry that an object becomes."""
    [found] = adapter.read(Item(object=object, raw=raw, patch=patch))
    assert isinstance(found, Entry)
    return found


def user(**fields: Any) -> dict[str, Any]:
    """An end user."""
    return {
        "id": 23304514533908,
        "name": "Jürgen Größmann",
        "email": "juergen@beispiel.de",
        "phone": "030 5550 1234",
        "role": "end-user",
        "active": True,
        "updated_at": "2026-05-04T09:30:12Z",
    } | fields


def ticket(**fields: Any) -> dict[str, Any]:
    """A ticket as the export gives it."""
    return {
        "id": 35436,
        "status": "open",
        "subject": "Störung",
        "tags": [],
        "requester_id": 23304514533908,
        "created_at": "2026-05-03T07:12:00Z",
        "updated_at": "2026-05-04T10:00:09Z",
    } | fields


def event(name: str, detail: dict[str, Any] | None = None, **event_fields: Any) -> dict[str, Any]:
    """An event as Zendesk sends it: words in capitals, ids as text."""
    thing = name.partition(".")[0]
    usual: dict[str, dict[str, Any]] = {
        "ticket": {
            "id": "35436",
            "status": "OPEN",
            "subject": "Störung",
            "tags": [],
            "requester_id": "23304514533908",
            "created_at": "2026-05-03T07:12:00Z",
            "updated_at": "2026-05-04T10:20:30Z",
        },
        "user": {"id": "23304514533908", "role": "end-user", "updated_at": "2026-05-04T10:20:30Z"},
        "organization": {"id": "19442893058196", "updated_at": "2026-05-04T10:20:30Z"},
    }
    return {
        "type": f"zen:event-type:{name}",
        "id": f"event-{name}",
        "time": "2026-05-04T10:20:30.123456789Z",
        "detail": usual[thing] | (detail or {}),
        "event": {"meta": {"sequence": {"id": "CE4A", "position": 1}}} | event_fields,
    }
