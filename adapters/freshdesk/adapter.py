"""Freshdesk: contacts, companies, tickets and satisfaction ratings. See README.md for what an operator does."""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode
from datetime import datetime
from typing import Any

from bridge.adapter.actions import AddNote, CreateTicket
from bridge.adapter.base import Adapter
from bridge.adapter.client import Client
from bridge.adapter.delivery import Item, Opened, Page, Receipt, Refetch, Request
from bridge.adapter.manifest import Manifest
from bridge.adapter.mapping import Mapping
from bridge.adapter.paths import kind, scalar_text
from bridge.adapter.source import Source
from bridge.errors import VendorError, VendorRefused, VendorRetryable
from bridge.model import Entry, Key, KeyKind

from . import actions
from .hints import open_webhook
from .listing import Lists, rows
from .phones import query
from .records import Records

_TICKETS_OF = 2
"""Of how many of the people found the tickets are asked for, too."""
_TICKETS = 25
_TICKETS_SECONDS = 0.4
"""A caller is waiting: later tickets come with the sync."""
_EVER = "1970-01-01T00:00:00Z"
"""Without a time tickets are listed that are at most thirty days old."""


class FreshdeskAdapter(Adapter):
    """One Freshdesk account."""

    def __init__(self, source: Source, manifest: Manifest, mapping: Mapping) -> None:
        super().__init__(source, manifest, mapping)
        if source.setting("domain", "").strip().lower().endswith(".freshdesk.com"):
            raise self.source.wrong("domain", "is only the part before .freshdesk.com")
        if self._setting("ratings") not in ("on", "off"):
            raise self.source.wrong("ratings", "is neither on nor off")
        if not re.fullmatch(r"\d{1,3}", self._setting("ratings_lookback_days")):
            raise self.source.wrong("ratings_lookback_days", "is not a number of days")
        self._system = self._setting("external_id_system").strip().lower()
        self._records = Records(
            source,
            mapping,
            system=self._system,
            complaint=self._setting("complaint_tags"),
            cancellation=self._setting("cancellation_tags"),
        )
        self._lists = Lists(
            source.name, first=self._first(), lookback=int(self._setting("ratings_lookback_days")) * 86_400
        )

    def open(self, request: Request) -> Opened:
        return open_webhook(request)

    def read(self, item: Item) -> list[Entry | Refetch]:
        return self._records.read(item)

    def streams(self) -> tuple[str, ...]:
        return tuple(
            name for name in self.manifest.streams if name != "satisfaction_ratings" or self._setting("ratings") == "on"
        )

    async def headers(self, client: Client, *, renew: bool) -> dict[str, str]:
        pair = f"{self.source.setting('api_key')}:X"
        return {"authorization": f"Basic {b64encode(pair.encode()).decode()}"}

    async def page(self, client: Client, stream: str, cursor: str, now: datetime) -> Page:
        return await self._lists.page(client, stream, cursor, now)

    async def fetch(self, client: Client, wanted: Refetch) -> list[Item]:
        """The object as it is now; [] when it is gone, for then the sync brings its deletion."""
        if not wanted.id.isdigit() or wanted.object not in ("contact", "ticket", "satisfaction_rating"):
            raise VendorRefused(self.source.name, f"cannot fetch {wanted.object}")
        try:
            if wanted.object == "satisfaction_rating":
                return await self._list(client, f"api/v2/tickets/{wanted.id}/satisfaction_ratings", wanted.object, {})
            params = {"include": "stats"} if wanted.object == "ticket" else None
            answer = await client.call("GET", f"api/v2/{wanted.object}s/{wanted.id}", params=params)
        except VendorRefused as problem:
            if problem.status in (404, 410):
                return []
            raise
        if not isinstance(answer.data, dict) or "id" not in answer.data:
            raise VendorRetryable(
                self.source.name, f"{wanted.object}: the answer holds {kind(answer.data)} where the object belongs"
            )
        return [Item(object=wanted.object, raw=answer.data)]

    async def lookup(self, client: Client, key: Key) -> list[Item]:
        """The contacts found for `key`, and the latest tickets of the first of them, if they come in time."""
        people = await self._people(client, key)
        numbers = dict.fromkeys(number for one in people if (number := scalar_text(one.raw.get("id"))))
        theirs = [number for number in numbers if number.isdigit()][:_TICKETS_OF]
        tickets = await asyncio.gather(*(self._tickets(client, number) for number in theirs))
        return [*people, *(ticket for page in tickets for ticket in page)]

    async def _people(self, client: Client, key: Key) -> list[Item]:
        """https://developers.freshdesk.com/api/#list_all_contacts"""
        if key.kind is KeyKind.phone:
            return await self._by_phone(client, key.value)
        if key.kind is KeyKind.email:
            return await self._list(client, "api/v2/contacts", "contact", {"email": key.value})
        system, _, value = key.value.partition(":")
        if system == self.source.name.lower():
            return await self.fetch(client, Refetch(object="contact", id=value)) if value.isdigit() else []
        if system != self._system:
            return []
        return await self._list(client, "api/v2/contacts", "contact", {"unique_external_id": value})

    async def _by_phone(self, client: Client, e164: str) -> list[Item]:
        """Both fields for the number as the bridge writes it, and the search index, minutes behind, for it as people
        type it. What one of them finds counts, whatever becomes of the others."""
        answers = await asyncio.gather(
            self._list(client, "api/v2/contacts", "contact", {"mobile": e164}),
            self._list(client, "api/v2/contacts", "contact", {"phone": e164}),
            self._search(client, e164),
            return_exceptions=True,
        )
        found = {item.dedupe_key: item for page in answers if isinstance(page, list) for item in page}
        problems = [one for one in answers if isinstance(one, BaseException)]
        if problems and not found:
            raise problems[0]
        return list(found.values())

    async def _search(self, client: Client, e164: str) -> list[Item]:
        """https://developers.freshdesk.com/api/#filter_contacts"""
        answer = await client.call("GET", "api/v2/search/contacts", params={"query": query(e164)})
        return rows(self.source.name, answer.data.get("results") if isinstance(answer.data, dict) else None, "contact")

    async def _tickets(self, client: Client, contact: str) -> list[Item]:
        params = {
            "requester_id": contact,
            "updated_since": _EVER,
            "order_by": "updated_at",
            "order_type": "desc",
            "include": "stats,description",
            "per_page": _TICKETS,
        }
        try:
            return await self._list(client, "api/v2/tickets", "ticket", params, seconds=_TICKETS_SECONDS)
        except VendorError:
            return []

    async def _list(
        self, client: Client, path: str, name: str, params: dict[str, Any], *, seconds: float | None = None
    ) -> list[Item]:
        answer = await client.call("GET", path, params=params, deadline=seconds)
        return rows(self.source.name, answer.data, name)

    async def add_note(self, client: Client, args: AddNote, key: str) -> Receipt:
        """A private note on a ticket, or at the end of a contact's description."""
        return await actions.add_note(client, args, key)

    async def create_ticket(self, client: Client, args: CreateTicket, key: str) -> Receipt:
        """An open ticket of the contact, whom Freshdesk makes where it knows the address or number not yet."""
        return await actions.create_ticket(client, args, key)

    def _first(self) -> int:
        since = self.source.since()
        return 0 if since is None else max(0, int(since.timestamp()))

    def _setting(self, name: str) -> str:
        default = next(one.default for one in self.manifest.settings if one.name == name)
        return self.source.setting(name, default)
