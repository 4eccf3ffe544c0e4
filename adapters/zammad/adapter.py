"""Zammad: users, organizations and tickets. See README.md for what an operator does."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime
from typing import Any

import phonenumbers

from bridge.adapter.actions import AddNote, CreateTicket
from bridge.adapter.base import Adapter, json_body
from bridge.adapter.client import Client
from bridge.adapter.delivery import Item, Opened, Page, Receipt, Refetch, Request
from bridge.adapter.manifest import Manifest
from bridge.adapter.mapping import Mapping
from bridge.adapter.source import Source
from bridge.errors import BadRequest, VendorError, VendorRefused, VendorRetryable
from bridge.model import Entry, Key, KeyKind

from . import actions, listing
from .records import Records

_PEOPLE = 10
_TICKETS_OF = 2
"""Of how many of the people found the tickets are asked for, too."""
_TICKETS = 25
_TICKETS_SECONDS = 0.6
"""A caller is waiting: later tickets come with the sync."""


class ZammadAdapter(Adapter):
    """One Zammad."""

    def __init__(self, source: Source, manifest: Manifest, mapping: Mapping) -> None:
        super().__init__(source, manifest, mapping)
        self._records = Records(source, mapping, customer_roles=source.setting("customer_roles", "Customer"))

    def open(self, request: Request) -> Opened:
        """The ticket in a delivery, with its customer and organization. Every attempt carries the same id."""
        body = json_body(request)
        if not isinstance(body.get("ticket"), dict) or "id" not in body["ticket"]:
            raise BadRequest("no ticket is in it; leave the webhook's payload in Zammad as it is")
        dedupe = request.headers.get("x-zammad-delivery", "").strip()
        return Opened(items=(Item(object="delivery", raw=body, dedupe=dedupe),))

    def read(self, item: Item) -> list[Entry | Refetch]:
        return self._records.read(item)

    async def headers(self, client: Client, *, renew: bool) -> dict[str, str]:
        return {"authorization": f"Token token={self.source.setting('token')}"}

    async def page(self, client: Client, stream: str, cursor: str, now: datetime) -> Page:
        if stream not in self.manifest.streams:
            raise VendorRefused(self.source.name, f"has no stream {stream}")
        return await listing.page(client, stream, cursor, now)

    async def lookup(self, client: Client, key: Key) -> list[Item]:
        """The people found for `key`, and the latest tickets of the first of them, if they come in time."""
        people = await self._people(client, key)
        numbers = [one.raw["id"] for one in people[:_TICKETS_OF]]
        tickets = await asyncio.gather(*(self._tickets(client, number) for number in numbers))
        return [*people, *(ticket for several in tickets for ticket in several)]

    async def add_note(self, client: Client, args: AddNote, key: str) -> Receipt:
        """An internal note on the ticket, else at the end of the user's note."""
        return await (actions.comment if args.ticket else actions.note)(client, args, key)

    async def create_ticket(self, client: Client, args: CreateTicket, key: str) -> Receipt:
        """A ticket in the group of the settings. What is written in it the customer does not see."""
        return await actions.open_ticket(client, args, key, self.source.setting("group", "Users"))

    async def _people(self, client: Client, key: Key) -> list[Item]:
        """https://docs.zammad.org/en/latest/api/user.html#search"""
        if key.kind is KeyKind.id:
            system, _, number = key.value.partition(":")
            return await self._user(client, number) if system == self.source.name and actions.is_id(number) else []
        query = f"email:{listing.quoted(key.value)}" if key.kind is KeyKind.email else _dialled(key.value)
        return await self._search(client, "user", {"query": query, "per_page": _PEOPLE})

    async def _user(self, client: Client, number: str) -> list[Item]:
        """The user as they are now; [] where there is none."""
        try:
            data = (await client.call("GET", f"users/{number}", params={"expand": "true"})).data
        except VendorRefused as problem:
            if problem.status == 404:
                return []
            raise
        if not listing.is_row(data) or str(data["id"]) != number:
            raise VendorRetryable(self.source.name, "users: the answer is not the user who was asked for")
        return [Item(object="user", raw=data)]

    async def _tickets(self, client: Client, number: int) -> list[Item]:
        params = {"query": f"customer_id:{number}", "sort_by": "updated_at", "order_by": "desc", "per_page": _TICKETS}
        try:
            return await self._search(client, "ticket", params, seconds=_TICKETS_SECONDS)
        except VendorError:
            return []

    async def _search(
        self, client: Client, name: str, params: dict[str, Any], seconds: float | None = None
    ) -> list[Item]:
        rows = await listing.read(client, f"{name}s/search", params, seconds=seconds)
        return [Item(object=name, raw=row) for row in rows]


def _dialled(e164: str) -> str:
    """The search for a number as people type it: any few signs may stand before it and between two digits.

    A `*` would be shorter, but newer versions take it out of every query.
    """
    try:
        digits = phonenumbers.national_significant_number(phonenumbers.parse(e164))
    except phonenumbers.NumberParseException:
        digits = re.sub(r"\D", "", e164)
    typed = ".{0,12}" + "[^0-9]{0,3}".join(digits) + "[^0-9]{0,20}"
    return f"mobile.keyword:/{typed}/ OR phone.keyword:/{typed}/"
