"""A configured Freshdesk source for the tests beside this file, made as the bridge makes it."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from email.utils import format_datetime
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
DATE = format_datetime(NOW, usegmt=True)
SETTINGS: dict[str, Any] = {"domain": "acme", "api_key": "an-api-key", "webhook_secret": "a-hook-word"}
CONTACTS, COMPANIES, TICKETS = "/api/v2/contacts", "/api/v2/companies", "/api/v2/tickets"
RATINGS = "/api/v2/surveys/satisfaction_ratings"


@cache
def _vendor() -> Vendor:
    return load_vendors(ROOT / "adapters", ROOT / "mappings")["freshdesk"]


@cache
def _mapping() -> Mapping:
    return _vendor().load_mapping()


def account(overlay: dict[str, Any] | None = None, **settings: Any) -> Adapter:
    """The adapter of a source `helpdesk` with `settings` over the usual ones."""
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in (SETTINGS | settings).items()}
    source = Source(name="helpdesk", adapter="freshdesk", settings=given)
    return _vendor().kind(source, _vendor().manifest, _vendor().load_mapping(overlay) if overlay else _mapping())


def listed(rows: Any, following: int = 0, *, date: str = DATE) -> httpx.Response:
    """A page of a list; `following` is the number of the next one."""
    link = f'< https://acme.freshdesk.com/api/v2/list?per_page=100&page={following}>;rel="next"'
    return httpx.Response(200, json=rows, headers={"date": date} | ({"link": link} if following else {}))


class Account:
    """The vendor's side of the wire: answers by path, in their order, the last one for good; keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self._answers: dict[str, list[httpx.Response]] = {}

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
            return httpx.Response(404)
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def client(self, adapter: Adapter) -> Client:
        return open_client(adapter, transport=httpx.MockTransport(self.answer))

    def asks(self, path: str) -> list[dict[str, str]]:
        """The parameters of every request of `path`."""
        return [dict(request.url.params) for request in self.asked if request.url.path == path]

    @property
    def written(self) -> list[dict[str, Any]]:
        """The bodies of what was not only asked."""
        return [json.loads(one.content) for one in self.asked if one.method != "GET"]


def webhook(body: object, *, at: datetime = NOW) -> Request:
    """A delivery as a rule sends it."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    url = "https://bridge.example/webhooks/helpdesk"
    return Request(
        method="POST", url=url, headers={"x-bridge-secret": SETTINGS["webhook_secret"]}, body=raw, received_at=at
    )


def entry(adapter: Adapter, object: str, raw: dict[str, Any]) -> Entry:
    """The one entry that an object becomes."""
    [found] = adapter.read(Item(object=object, raw=raw))
    assert isinstance(found, Entry)
    return found


def contact(**fields: Any) -> dict[str, Any]:
    """A contact as a list shows it."""
    return {
        "id": 67038833201,
        "name": "Jürgen Größmann",
        "email": "juergen@beispiel.de",
        "phone": "030 5550 1234",
        "mobile": None,
        "updated_at": "2026-05-04T09:30:12Z",
    } | fields


def ticket(**fields: Any) -> dict[str, Any]:
    """A ticket as a list shows it."""
    return {
        "id": 4201,
        "status": 2,
        "priority": 2,
        "subject": "Störung",
        "requester_id": 67038833201,
        "created_at": "2026-05-03T07:12:00Z",
        "updated_at": "2026-05-04T10:00:09Z",
    } | fields


def rating(**fields: Any) -> dict[str, Any]:
    """A satisfaction rating."""
    return {
        "id": 67000201101,
        "user_id": 67038833201,
        "ticket_id": 4201,
        "feedback": "Gut",
        "ratings": {"default_question": 103},
        "created_at": "2026-05-04T10:30:00Z",
        "updated_at": "2026-05-04T10:30:00Z",
    } | fields
