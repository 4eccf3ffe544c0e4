"""Signed webhooks of any system, in and out. See README.md for what an operator does; the mapping is all one writes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import msgspec

from bridge.adapter import signatures
from bridge.adapter.base import Adapter
from bridge.adapter.client import Client
from bridge.adapter.delivery import Item, Opened, Receipt, Refetch, Reply, Request
from bridge.adapter.manifest import ACTIONS, Manifest
from bridge.adapter.mapping import Mapping
from bridge.adapter.paths import MISSING, Path, Unreadable, walk
from bridge.adapter.source import Source
from bridge.errors import ConfigError
from bridge.model import Entry, EntryKind, Subject

from .events import DELETED, Events
from .outgoing import Outgoing
from .vouching import id_header, signature_of, timestamp_header

_OK = Reply(status=200)
"""Some senders take 202 for a failure."""


def _sends(do: str) -> Callable[[WebhookAdapter, Client, Any, str], Awaitable[Receipt]]:
    """The method that sends the action `do`."""

    async def send(self: WebhookAdapter, client: Client, arguments: Any, key: str) -> Receipt:
        return await self.outgoing.send(client, do, arguments, key)

    return send


def _is_there(raw: dict[str, Any], path: Path) -> bool:
    try:
        return walk(raw, path) not in (None, MISSING, "", [], {})
    except Unreadable:
        return True  # reading the event says what is wrong


class WebhookAdapter(Adapter):
    """One sender and, where `url` is set, one receiver. Its manifest is what the settings of this source make of it."""

    def __init__(self, source: Source, manifest: Manifest, mapping: Mapping) -> None:
        self.outgoing = Outgoing(source)
        self._events = Events(source, mapping.objects)
        self._authorization = source.setting("authorization", "")
        if not self._authorization.isascii() or not self._authorization.isprintable():
            raise ConfigError(f"sources.yaml: sources.{source.name}.settings.authorization", "is no header's value")
        self._signature = signature_of(source)
        can = tuple(one for one in manifest.capabilities if one not in ACTIONS or one in self.outgoing.actions)
        own = {"capabilities": can, "base_url": self.outgoing.origin, "signature": self._signature}
        super().__init__(source, msgspec.structs.replace(manifest, **own), mapping)

    def verify(self, request: Request, now: datetime) -> None:
        signatures.verify(self.manifest, self.source, request, now)

    def open(self, request: Request) -> Opened:
        """The events of a delivery, single or many. What the settings do not name is counted and left alone."""
        known: dict[str, str] = {}
        if name := id_header(self._signature):
            number, stamp = (request.headers.get(one, "") for one in (name, timestamp_header(self._signature)))
            known = {"id": number, "timestamp": stamp} if number else {}
        taken = self._events.take(request.body, known)
        return Opened(items=taken.items, ignored=taken.ignored, reply=_OK)

    def read(self, item: Item) -> list[Entry | Refetch]:
        """The entry of one event; [] for visitors of whom nothing is said by which they could be known."""
        meaning = self._events.meaning(item.raw) or ""
        of = item.object or meaning.removesuffix(DELETED)  # a dead letter of which the settings say more by now
        if item.raw.get("anonymousId") and of in self.mapping.objects and not self._names_somebody(of, item.raw):
            return []
        entry = self.mapping.read(msgspec.structs.replace(item, object=of), self.source)
        if meaning.endswith(DELETED):
            gone = msgspec.structs.replace(entry, kind=EntryKind.deleted, subject=Subject(), body={})
            return [gone]
        body = entry.body
        said = body.get("score") is not None or "comment" in body
        if entry.object == "survey_response" and said and "answered" not in body:
            # who says what was answered, and not when, tells it as it happens
            entry = msgspec.structs.replace(entry, body={**body, "answered": msgspec.to_builtins(entry.effective_at)})
        return [entry]

    def _names_somebody(self, object: str, raw: dict[str, Any]) -> bool:
        """Whether the event says whose it is, where the mapping looks for that."""
        plan = self.mapping.plan(object)
        own = plan.id if plan.to in ("customer", "account") else ()
        places = (*own, *plan.customer, *plan.account, *(path for key in plan.keys for path in key.paths))
        return any(_is_there(raw, path) for path in places)

    async def headers(self, client: Client, *, renew: bool) -> dict[str, str]:
        return {"authorization": self._authorization} if self._authorization else {}

    add_note = _sends("add_note")
    create_task = _sends("create_task")
    create_ticket = _sends("create_ticket")
    schedule_callback = _sends("schedule_callback")
    send_sms = _sends("send_sms")
    send_email = _sends("send_email")
    invite_survey = _sends("invite_survey")
    erase = _sends("erase")
    export_list = _sends("export_list")
