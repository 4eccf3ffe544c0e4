"""Zendesk Support: tickets, end users, organizations and both CSAT systems. See README.md for what an operator does."""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode
from datetime import datetime
from typing import Any

import phonenumbers

from bridge.adapter.actions import AddNote, CreateTicket
from bridge.adapter.base import Adapter
from bridge.adapter.client import Client
from bridge.adapter.delivery import Action, Item, Opened, Page, Receipt, Refetch, Request
from bridge.adapter.manifest import Manifest
from bridge.adapter.mapping import Mapping
from bridge.adapter.paths import scalar_text
from bridge.adapter.source import Source
from bridge.errors import MappingError, VendorError, VendorRefused
from bridge.model import Entry, Key, KeyKind

from . import actions
from .events import open_webhook
from .exports import Exports, item, items
from .records import Records
from .tokens import Tokens

_TEST_SECRET = b64encode(b"this_secret_is_for_testing_only").decode()
"""Zendesk signs the test deliveries of a webhook that is not saved yet with this public word."""

_TICKETS_OF = 2
"""Of how many of the people found the tickets are asked for, too."""
_TICKETS = 25
_TICKETS_SECONDS = 0.4
"""A caller is waiting: later tickets come with the sync."""
_FETCHED = {"ticket": "tickets", "user": "users", "organization": "organizations"}


class ZendeskAdapter(Adapter):
    """One Zendesk account."""

    can_find = frozenset(("create_ticket",))

    def __init__(self, source: Source, manifest: Manifest, mapping: Mapping) -> None:
        super().__init__(source, manifest, mapping)
        if _TEST_SECRET in source.secrets("webhook_secret"):
            raise self.source.wrong(
                "webhook_secret", "is Zendesk's public test secret; take the one of the saved webhook"
            )
        if self._setting("csat") not in ("auto", "legacy", "surveys", "off"):
            raise self.source.wrong("csat", "is none of auto, legacy, surveys and off")
        if not re.fullmatch(r"\d{1,3}", self._setting("csat_lookback_days")):
            raise self.source.wrong("csat_lookback_days", "is not a number of days")
        self._system = self._setting("external_id_system").strip().lower()
        self._records = Records(
            source,
            mapping,
            system=self._system,
            complaint=self._setting("complaint_tags"),
            cancellation=self._setting("cancellation_tags"),
        )
        self._exports = Exports(
            source.name,
            first=self._first(),
            csat=self._setting("csat"),
            lookback=int(self._setting("csat_lookback_days")) * 86_400,
        )
        self._tokens = Tokens(source, scope=self._setting("scope"))

    def open(self, request: Request) -> Opened:
        return open_webhook(request)

    def read(self, item: Item) -> list[Entry | Refetch]:
        return self._records.read(item)

    async def headers(self, client: Client, *, renew: bool) -> dict[str, str]:
        return await self._tokens.headers(client, renew=renew)

    async def page(self, client: Client, stream: str, cursor: str, now: datetime) -> Page:
        return await self._exports.page(client, stream, cursor, now)

    async def fetch(self, client: Client, wanted: Refetch) -> list[Item]:
        """The object as it is now; [] when it is gone, for then the export brings its deletion."""
        if not wanted.id.isdigit() or (wanted.object != "csat" and wanted.object not in _FETCHED):
            raise VendorRefused(self.source.name, f"cannot fetch {wanted.object}")
        try:
            if wanted.object == "csat":
                return await self._answers(client, wanted.id)
            path = f"api/v2/{_FETCHED[wanted.object]}/{wanted.id}.json"
            params = {"include": "metric_sets"} if wanted.object == "ticket" else None
            return [item(self.source.name, (await client.call("GET", path, params=params)).data, wanted.object)]
        except VendorRefused as problem:
            if problem.status in (404, 410) or (wanted.object == "csat" and problem.status == 403):
                return []
            raise

    async def _answers(self, client: Client, ticket: str) -> list[Item]:
        if self._setting("csat") not in ("auto", "surveys"):
            return []
        params = {"filter[subject_zrns]": f"zen:ticket:{ticket}", "page[size]": 100}
        answer = await client.call("GET", "api/v2/guide/survey_responses", params=params)
        return list(items(self.source.name, answer.data, "survey_responses"))

    async def lookup(self, client: Client, key: Key) -> list[Item]:
        """The users found for `key`, and the latest tickets of those who really carry it, if they come in time."""
        users = await self._users(client, key)
        theirs = [number for user in users if (number := self._carried(user.raw, key))]
        tickets = await asyncio.gather(*(self._tickets(client, number) for number in theirs[:_TICKETS_OF]))
        return [*users, *(ticket for page in tickets for ticket in page)]

    async def _users(self, client: Client, key: Key) -> list[Item]:
        """https://developer.zendesk.com/api-reference/ticketing/ticket-management/search/"""
        name = self.source.name
        if key.kind is KeyKind.phone:
            query = f"role:end-user phone:*{_subscriber(key.value)}"
            found = await client.call("GET", "api/v2/search.json", params={"query": query, "per_page": 100})
            return [row for row in items(name, found.data, "results") if row.raw.get("result_type", "user") == "user"]
        if key.kind is KeyKind.email:
            params = {"query": f"email:{key.value}"}
        else:
            system, _, value = key.value.partition(":")
            if system == name.lower():
                return await self.fetch(client, Refetch(object="user", id=value)) if value.isdigit() else []
            if system != self._system:
                return []
            params = {"external_id": value}
        found = await client.call("GET", "api/v2/users/search.json", params=params)
        return list(items(name, found.data, "users"))

    async def _tickets(self, client: Client, user: str) -> list[Item]:
        params = {"page[size]": _TICKETS, "sort": "-updated_at"}
        try:
            path = f"api/v2/users/{user}/tickets/requested.json"
            answer = await client.call("GET", path, params=params, deadline=_TICKETS_SECONDS)
            return list(items(self.source.name, answer.data, "tickets"))
        except VendorError:
            return []

    def _carried(self, user: dict[str, Any], key: Key) -> str:
        """The user's id, if the key that was asked for is on the record; "" otherwise."""
        number, phone, email, external = (
            scalar_text(user.get(name)) or "" for name in ("id", "phone", "email", "external_id")
        )
        if key.kind is KeyKind.phone:
            carries = re.sub(r"\D", "", phone).endswith(_subscriber(key.value))
        elif key.kind is KeyKind.email:
            carries = email.casefold() == key.value.casefold()
        else:
            carries = key.value.partition(":")[2].casefold() in (number, external.casefold())
        return number if carries and number.isdigit() else ""

    async def add_note(self, client: Client, args: AddNote, key: str) -> Receipt:
        """A private comment on a ticket, or at the end of a user's notes."""
        return await actions.add_note(client, args, key)

    async def create_ticket(self, client: Client, args: CreateTicket, key: str) -> Receipt:
        """A private ticket of the user, who is made where Zendesk knows the address or number not yet."""

        async def find(phone: str) -> list[str]:
            users = await self._users(client, Key(KeyKind.phone, phone))
            return [number for user in users for number in self._having(user, phone)]

        return await actions.create_ticket(client, args, key, find)

    async def find_sent(self, client: Client, action: Action) -> Receipt | None:
        """By the key that a ticket has as its external id. Notes carry theirs in their text, for people."""
        if action.do not in self.can_find:
            return await super().find_sent(client, action)
        return await actions.find_ticket(client, action.idempotency_key)

    def _having(self, user: Item, phone: str) -> list[str]:
        """The user's id if the phone is theirs; twice if they share it."""
        try:
            entries = [one for one in self.read(user) if isinstance(one, Entry)]
        except MappingError as problem:
            raise VendorRefused(self.source.name, f"a user that was found cannot be read: {problem}") from None
        theirs = [(one, kept) for one in entries for kept in one.body.get("phones") or () if kept.get("e164") == phone]
        return [one.source_id for one, kept in theirs for _ in range(2 if kept.get("shared") else 1)]

    def _first(self) -> int:
        since = self.source.since()
        return 0 if since is None else max(0, int(since.timestamp()))

    def _setting(self, name: str) -> str:
        default = next(one.default for one in self.manifest.settings if one.name == name)
        return self.source.setting(name, default)


def _subscriber(e164: str) -> str:
    """The number without its country code: Zendesk keeps phones as people typed them, `*` stands for what is before."""
    try:
        return phonenumbers.national_significant_number(phonenumbers.parse(e164))
    except phonenumbers.NumberParseException:
        return re.sub(r"\D", "", e164)
