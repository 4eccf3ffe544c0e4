"""Request Tracker 5 through REST 2: users, tickets, notes. See README.md for what an operator does."""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode
from datetime import datetime
from typing import Any

import msgspec
import phonenumbers

from bridge.adapter.actions import AddNote, CreateTicket, checked
from bridge.adapter.base import Adapter
from bridge.adapter.client import Client
from bridge.adapter.delivery import Action, Item, Page, Receipt, Refetch
from bridge.adapter.manifest import Manifest
from bridge.adapter.mapping import Mapping
from bridge.adapter.paths import scalar_text
from bridge.adapter.source import Source
from bridge.errors import VendorError, VendorRefused, VendorRetryable
from bridge.model import Entry, Key, KeyKind

from . import actions, tickets, users
from .answers import PHONES, TICKET_PARAMS, ask, is_id, ticket_item, user_item, written
from .records import Records

_PEOPLE = 2
"""How many of the people found are fetched: more would share the phone and not be told apart anyway."""
_TICKETS = 25
_TICKETS_SECONDS = 0.6
"""A caller is waiting: later tickets come with the sync."""


class RequestTrackerAdapter(Adapter):
    """One Request Tracker."""

    can_find = frozenset(("add_note", "create_ticket"))

    def __init__(self, source: Source, manifest: Manifest, mapping: Mapping) -> None:
        super().__init__(source, manifest, mapping)
        self._authorisation = self._authorise()
        self._first = tickets.Cursor(since=(self._since(), 0))
        self._records = Records(source, mapping)
        self._users = users.Users(source.name)
        self._tickets = tickets.Tickets(source.name)

    def read(self, item: Item) -> list[Entry | Refetch]:
        return self._records.read(item)

    async def headers(self, client: Client, *, renew: bool) -> dict[str, str]:
        return {"authorization": self._authorisation}

    async def page(self, client: Client, stream: str, cursor: str, now: datetime) -> Page:
        try:
            if stream == "users":
                at = msgspec.json.decode(cursor, type=users.Cursor) if cursor else users.Cursor()
                return await self._users.page(client, at, now)
            if stream == "tickets":
                of = msgspec.json.decode(cursor, type=tickets.Cursor) if cursor else self._first
                return await self._tickets.page(client, of, now)
        except msgspec.DecodeError:
            raise VendorRefused(self.source.name, f"{stream}: its stored cursor cannot be read; reset it") from None
        raise VendorRefused(self.source.name, f"has no stream {stream}")

    async def lookup(self, client: Client, key: Key) -> list[Item]:
        """The people found for `key` and their latest tickets; a phone is found through the tickets alone."""
        if key.kind is KeyKind.phone:
            return await self._by_phone(client, key.value)
        if key.kind is KeyKind.email:
            query = msgspec.json.encode([{"field": "EmailAddress", "operator": "=", "value": key.value}]).decode()
            found = await ask(client, "users", {"query": query, "fields": "id,EmailAddress"})
            theirs = [row for row in found.rows if (scalar_text(row.get("EmailAddress")) or "").casefold() == key.value]
            numbers = [scalar_text(row.get("id")) or "" for row in theirs]
        else:
            system, _, number = key.value.partition(":")
            numbers = [number] if system == self.source.name else []
        numbers = [number for number in numbers if is_id(number)][:_PEOPLE]
        asked = [self._user(client, number) for number in numbers]
        asked += [self._tickets_of(client, number) for number in numbers]
        return [item for found_items in await asyncio.gather(*asked) for item in found_items]

    async def add_note(self, client: Client, args: AddNote, key: str) -> Receipt:
        """A comment on the ticket, else on the user."""
        return await (actions.comment if args.ticket else actions.note)(client, args, key)

    async def create_ticket(self, client: Client, args: CreateTicket, key: str) -> Receipt:
        """A ticket in the queue of the settings."""
        return await actions.open_ticket(client, args, key, self.source.setting("queue", "General"))

    async def find_sent(self, client: Client, action: Action) -> Receipt | None:
        """By the key that a comment has in its subject, a note in its text and a ticket in a link."""
        args = checked(self.source.name, action)
        if action.do == "create_ticket":
            return await actions.find_ticket(client, action.idempotency_key)
        find = actions.find_comment if args.ticket else actions.find_note
        return await find(client, args, action.idempotency_key)

    async def _by_phone(self, client: Client, e164: str) -> list[Item]:
        """Users cannot be searched by phone (the filter is ignored, and all come back), but tickets by their
        requestors' can. Phones are kept as people typed them: any sign may stand between two digits."""
        digits = _subscriber(e164)
        query = " OR ".join(f"Requestor.{name} LIKE '{'%'.join(digits)}'" for name in PHONES)
        params: dict[str, Any] = {
            **TICKET_PARAMS,
            "query": query,
            "fields[Requestor]": ",".join(("id", *PHONES)),
            "orderby": "LastUpdated",
            "order": "DESC",
            "per_page": _TICKETS,
        }
        found = await ask(client, "tickets", params)
        numbers = {number: None for row in found.rows for number in _carriers(row.get("Requestor"), digits)}
        people = await asyncio.gather(*(self._user(client, number) for number in list(numbers)[:_PEOPLE]))
        theirs = [row for row in found.rows if _carriers(row.get("Requestor"), digits)]
        return [*(user for several in people for user in several), *map(ticket_item, theirs)]

    async def _user(self, client: Client, number: str) -> list[Item]:
        """The user as they are now; [] where there is none."""
        try:
            data = (await client.call("GET", f"user/{number}")).data
        except VendorRefused as problem:
            if problem.status == 404:
                return []
            raise
        if not isinstance(data, dict) or "_hyperlinks" not in data:
            raise VendorRetryable(self.source.name, "user: the answer is no user")
        if scalar_text(data.get("id")) != number or "LastUpdated" not in data:
            raise VendorRefused(self.source.name, "user: only a summary is shown; give our user the right AdminUsers")
        disabled, privileged = (scalar_text(data.get(name)) == "1" for name in ("Disabled", "Privileged"))
        return [user_item(data, disabled=disabled, privileged=privileged)]

    async def _tickets_of(self, client: Client, number: str) -> list[Item]:
        params = {**TICKET_PARAMS, "query": f"Requestor.id = {number}", "orderby": "LastUpdated", "order": "DESC"}
        try:
            async with asyncio.timeout(_TICKETS_SECONDS):
                return [
                    ticket_item(row) for row in (await ask(client, "tickets", params | {"per_page": _TICKETS})).rows
                ]
        except (VendorError, TimeoutError):
            return []

    def _authorise(self) -> str:
        token, password = (next(iter(self.source.secrets(name)), "") for name in ("token", "password"))
        if token:
            return f"token {token}"
        user = next(iter(self.source.secrets("user")), "")
        if not user or not password:
            raise self.source.wrong("token", "is missing (or give user and password instead)")
        return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"

    def _since(self) -> str:
        since = self.source.since()
        return "" if since is None else written(since)


def _carriers(requestors: object, digits: str) -> list[str]:
    """The ids of the requestors of whose phones one ends in these digits."""
    people = [one for one in requestors if isinstance(one, dict)] if isinstance(requestors, list) else []
    return [
        number
        for one in people
        if is_id(number := scalar_text(one.get("id")) or "")
        and any(re.sub(r"\D", "", scalar_text(one.get(name)) or "").endswith(digits) for name in PHONES)
    ]


def _subscriber(e164: str) -> str:
    """The number without its country code: a national number is typed without."""
    try:
        return phonenumbers.national_significant_number(phonenumbers.parse(e164))
    except phonenumbers.NumberParseException:
        return re.sub(r"\D", "", e164)
