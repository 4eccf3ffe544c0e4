"""Genesys Cloud: conversations, their events, external contacts, callbacks. See README.md for what an operator does."""

from __future__ import annotations

from datetime import date, datetime, time, timezone
from typing import Any

from bridge.adapter.actions import ScheduleCallback
from bridge.adapter.base import Adapter
from bridge.adapter.client import Client
from bridge.adapter.delivery import Item, Opened, Page, Receipt, Refetch, Request
from bridge.adapter.manifest import Manifest
from bridge.adapter.mapping import Mapping
from bridge.adapter.source import Source
from bridge.errors import VendorRefused
from bridge.model import Entry, Key

from .conversations import Conversations
from .events import Events, open_event
from .names import Names
from .people import People
from .rounds import Rounds
from .tokens import Tokens


class GenesysCloudAdapter(Adapter):
    """One Genesys Cloud organization."""

    def __init__(self, source: Source, manifest: Manifest, mapping: Mapping) -> None:
        super().__init__(source, manifest, mapping)
        self._tokens = Tokens(source)
        self._rounds = Rounds(source.name, Names(source.name), self._first())
        self._conversations = Conversations(source, mapping)
        self._events = Events(source, mapping)
        self._people = People(source, mapping)

    def open(self, request: Request) -> Opened:
        return open_event(request)

    def read(self, item: Item) -> list[Entry | Refetch]:
        match item.object:
            case "conversation":
                return [*self._conversations.read(item)]
            case "conversation_event":
                return [*self._events.read(item)]
            case "external_contact":
                return [*self._people.read(item)]
        return super().read(item)

    async def headers(self, client: Client, *, renew: bool) -> dict[str, str]:
        return await self._tokens.headers(client, renew=renew)

    async def page(self, client: Client, stream: str, cursor: str, now: datetime) -> Page:
        if stream != "conversations":
            raise VendorRefused(self.source.name, f"has no stream {stream}")
        return await self._rounds.page(client, cursor, now)

    async def lookup(self, client: Client, key: Key) -> list[Item]:
        return await self._people.lookup(client, key)

    async def schedule_callback(self, client: Client, args: ScheduleCallback, key: str) -> Receipt:
        """A callback in `args.queue`, else in the configured one; at once where its time has come.

        Genesys knows no idempotency keys: `key` stands among the callback's participant data, where agents see it.
        https://developer.genesys.cloud/commdigital/digital/callbacks (POST /api/v2/conversations/callbacks)
        """
        queue = args.queue or self._optional("callback_queue")
        if not queue:
            what = "schedule_callback: name a queue, or set callback_queue"
            raise VendorRefused(self.source.name, what, about_us=True)
        data = {"retention_bridge": key, "reason": args.reason, "customer": args.customer}
        body: dict[str, Any] = {
            "queueId": queue,
            "scriptId": self._optional("callback_script"),
            "callbackUserName": args.name,
            "callbackNumbers": [args.phone],
            "data": {name: value for name, value in data.items() if value},
        }
        if args.at > client.now():
            body["callbackScheduledTime"] = f"{args.at.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%S}.000Z"
        given = {name: value for name, value in body.items() if value}
        answer = await client.call(
            "POST", "api/v2/conversations/callbacks", json=given, headers={"idempotency-key": key}
        )
        made = answer.data.get("conversation") if isinstance(answer.data, dict) else None
        number = made.get("id") if isinstance(made, dict) else None
        return Receipt(reference=number if isinstance(number, str) else "")

    def _optional(self, name: str) -> str:
        return self.source.optional(name)

    def _first(self) -> int:
        since = self._optional("since")
        try:
            return int(datetime.combine(date.fromisoformat(since), time(), timezone.utc).timestamp()) if since else 0
        except ValueError:
            raise self.source.wrong("since", "is not a date as 2024-01-31") from None
