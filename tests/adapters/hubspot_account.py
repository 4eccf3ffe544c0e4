"""A configured HubSpot source for the tests beside this file, made as the bridge makes it."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Callable
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
from bridge.adapter.source import Source
from bridge.model import Entry

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 5, 4, 12, 0, tzinfo=timezone.utc)
MS = int(NOW.timestamp() * 1000)
URL = "https://bridge.example/webhooks/crm"
SECRET = "a-client-secret"
SETTINGS: dict[str, Any] = {"access_token": "a-token", "client_secret": SECRET}
EVERYTHING = "companies, contacts, deals, tickets, feedback_submissions"


@cache
def _vendor() -> Vendor:
    return load_vendors(ROOT / "adapters", ROOT / "mappings")["hubspot"]


@cache
def _mapping() -> Mapping:
    return _vendor().load_mapping()


def account(overlay: dict[str, Any] | None = None, **settings: Any) -> Adapter:
    """The adapter of a source `crm` with `settings` over the usual ones."""
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in (SETTINGS | settings).items()}
    source = Source(name="crm", adapter="hubspot", settings=given)
    return _vendor().kind(source, _vendor().manifest, _vendor().load_mapping(overlay) if overlay else _mapping())


class Account:
    """The vendor's side of the wire: answers by the end of the path, in their order, the last one for good."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self._answers: dict[str, list[Any]] = {}

    def on(self, path: str, *answers: object) -> Account:
        """Answer requests whose path ends with `path` with JSON, whole responses, or what a function makes of them."""
        self._answers[path] = list(answers)
        return self

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        for path, answers in self._answers.items():
            if request.url.path.endswith(path):
                one = answers.pop(0) if len(answers) > 1 else answers[0]
                if isinstance(one, httpx.Response):
                    return one
                return httpx.Response(200, json=one(request) if isinstance(one, Callable) else one)  # type: ignore[arg-type]  # mypy takes a Callable for no class
        return httpx.Response(404, text="<html>Not found</html>")

    def client(self, adapter: Adapter) -> Client:
        return open_client(adapter, transport=httpx.MockTransport(self.answer), clock=NOW.timestamp)

    def asks(self, part: str) -> list[Any]:
        """The bodies, or else the parameters, of every request whose path contains `part`."""
        return [
            json.loads(request.content) if request.content else dict(request.url.params)
            for request in self.asked
            if part in request.url.path
        ]


def signed(body: object, *, at: int = MS, url: str = URL, secret: str = SECRET) -> Request:
    """A delivery as HubSpot signs it today."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    mac = hmac.digest(secret.encode(), b"POST" + url.encode() + raw + str(at).encode(), hashlib.sha256)
    headers = {"x-hubspot-signature-v3": b64encode(mac).decode(), "x-hubspot-request-timestamp": str(at)}
    return Request(method="POST", url=url, headers=headers, body=raw, received_at=NOW)


def event(kind: str, number: int | None = 501, **fields: Any) -> dict[str, Any]:
    """One event of a batch."""
    usual = {"eventId": 100, "subscriptionId": 1, "portalId": 2, "appId": 3, "occurredAt": MS, "attemptNumber": 0}
    found = usual | {"subscriptionType": kind} | ({"objectId": number} if number is not None else {})
    return found | fields


def row(number: int, at: str = "2026-05-04T10:00:00.000Z", **properties: Any) -> dict[str, Any]:
    """An object as HubSpot gives it."""
    changed = {"lastmodifieddate": at, "hs_lastmodifieddate": at, "hs_object_id": str(number)}
    one = {"id": str(number), "properties": changed | properties, "createdAt": "2026-01-01T00:00:00Z", "updatedAt": at}
    return one | {"archived": False}


def found(*rows: object, after: str = "", **more: Any) -> dict[str, Any]:
    """A page of rows."""
    paging = {"paging": {"next": {"after": after}}} if after else {}
    return {"results": list(rows)} | paging | more


def entry(adapter: Adapter, object: str, raw: dict[str, Any]) -> Entry:
    """The first entry that an object becomes."""
    said = adapter.read(Item(object=object, raw=raw))[0]
    assert isinstance(said, Entry)
    return said
