"""Salesforce: people, companies, contracts, won opportunities, cases and calls. README.md: what an operator does."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from bridge.adapter.actions import AddNote, CreateTask, Erase, ScheduleCallback
from bridge.adapter.base import Adapter
from bridge.adapter.client import Client
from bridge.adapter.delivery import Item, Opened, Page, Receipt, Refetch, Request
from bridge.adapter.manifest import Manifest
from bridge.adapter.mapping import Mapping
from bridge.adapter.paths import kind
from bridge.adapter.source import Source
from bridge.errors import NotAuthentic, VendorRefused, VendorRetryable
from bridge.model import Entry, Key, KeyKind

from .changes import Changes
from .fields import SOBJECTS, Fields, sobject
from .ids import CONTACT, full_id
from .messages import ACKNOWLEDGED, read_message
from .queries import phone_search, quoted, soql
from .records import Records
from .tokens import Tokens
from .writes import Writes

_MOST_FOUND = 20


class SalesforceAdapter(Adapter):
    """One Salesforce org."""

    def __init__(self, source: Source, manifest: Manifest, mapping: Mapping) -> None:
        super().__init__(source, manifest, mapping)
        version = self._setting("api_version", r"\d{2,3}\.0", "is no version of the API, such as 60.0")
        key_field = self._setting("key_field", r"(\w+__c)?", "is no API name of a custom field (it ends in __c)")
        organization = self._setting("organization_id", r"(00D\w{12}(\w{3})?)?", "is no id of an organization (00D…)")
        audience = self._setting("audience", r"https://[\w.:-]+(/[\w./-]*)?", "is no address that begins with https://")
        self._organization = full_id(organization) or ""
        self._chosen = self._objects()
        self._root = f"services/data/v{version}/"
        self._fields = Fields(source.name, mapping, self._root)
        self._changes = Changes(source.name, self._fields, self._root)
        self._records = Records(source, mapping, self._chosen)
        self._tokens = Tokens(source, audience=audience)
        done = self._setting("done_status", r".{1,255}", "is empty")
        self._writes = Writes(source, self._root, key_field=key_field, done=done)

    def streams(self) -> tuple[str, ...]:
        return self._chosen

    def open(self, request: Request) -> Opened:
        """The notifications of an outbound message. Raises NotAuthentic for one of another organization."""
        message = read_message(request.body)
        if self._organization and full_id(message.organization) != self._organization:
            raise NotAuthentic(f"{self.source.name}: the message comes from another organization")
        ours = [one for one in message.notifications if self._records.knows(one.type)]
        items = tuple(
            Item(
                object="notification",
                raw={"notification": one.id, "type": one.type, "record": one.record},
                dedupe=one.id,
            )
            for one in ours
        )
        return Opened(items=items, ignored=len(message.notifications) - len(ours), reply=ACKNOWLEDGED)

    def read(self, item: Item) -> list[Entry | Refetch]:
        return self._records.read(item)

    async def headers(self, client: Client, *, renew: bool) -> dict[str, str]:
        return await self._tokens.headers(client, renew=renew)

    async def page(self, client: Client, stream: str, cursor: str, now: datetime) -> Page:
        if stream not in self.mapping.objects:
            raise VendorRefused(self.source.name, "has no such stream")
        return await self._changes.page(client, stream, cursor, now)

    async def fetch(self, client: Client, wanted: Refetch) -> list[Item]:
        """The record as it is now, also from the recycle bin; [] when it is gone for good."""
        number = full_id(wanted.id)
        if number is None or wanted.object not in self.mapping.objects:
            raise VendorRefused(self.source.name, "cannot fetch what is no record of a mapped object")
        return await self._query(client, wanted.object, f"Id = {quoted(number)}", "queryAll")

    async def lookup(self, client: Client, key: Key) -> list[Item]:
        """The contacts found for `key`: phones in the search index, all else in the records themselves."""
        if key.kind is KeyKind.phone:
            return await self._search(client, phone_search(key.value))
        if key.kind is KeyKind.email:
            condition = await self._fields.condition(client, "contact", ("emails",), key.value)
            return await self._query(client, "contact", condition) if condition else []
        system, _, value = key.value.partition(":")
        if system == self.source.name.lower():
            number = full_id(value) or ""
            return await self._query(client, "contact", f"Id = {quoted(number)}") if number.startswith(CONTACT) else []
        condition = ""
        if any(rule.target == ("external_ids", system) for rule in self.mapping.plan("contact").rules):
            condition = await self._fields.condition(client, "contact", ("external_ids", system), value)
        return await self._query(client, "contact", condition) if condition else []

    async def add_note(self, client: Client, args: AddNote, key: str) -> Receipt:
        return await self._writes.add_note(client, args, key)

    async def create_task(self, client: Client, args: CreateTask, key: str) -> Receipt:
        return await self._writes.create_task(client, args, key)

    async def schedule_callback(self, client: Client, args: ScheduleCallback, key: str) -> Receipt:
        return await self._writes.schedule_callback(client, args, key)

    async def erase(self, client: Client, args: Erase, key: str) -> Receipt:
        return await self._writes.erase(client, args, key)

    async def _query(self, client: Client, name: str, condition: str, resource: str = "query") -> list[Item]:
        """https://developer.salesforce.com/docs/platform/api-rest/guide/resources-query.html"""
        query = soql(await self._fields.select(client, name), sobject(name), condition, _MOST_FOUND)
        return await self._ask(client, resource, query, "records", name)

    async def _search(self, client: Client, words: str) -> list[Item]:
        """https://developer.salesforce.com/docs/platform/api-rest/guide/resources-search.html"""
        select = ", ".join(await self._fields.select(client, "contact"))
        query = f"FIND {words} IN PHONE FIELDS RETURNING Contact({select} LIMIT {_MOST_FOUND})"
        return await self._ask(client, "search/", query, "searchRecords", "contact")

    async def _ask(self, client: Client, resource: str, query: str, listed: str, name: str) -> list[Item]:
        try:
            answer = await client.call("GET", f"{self._root}{resource}", params={"q": query})
        except VendorRefused as problem:
            if problem.status == 400:
                self._fields.forget()
            raise
        rows: Any = answer.data.get(listed) if isinstance(answer.data, dict) else None
        if not isinstance(rows, list):
            raise VendorRetryable(self.source.name, f"the answer holds {kind(rows)} where the records belong")
        return [Item(object=name, raw=row) for row in rows if isinstance(row, dict)]

    def _objects(self) -> tuple[str, ...]:
        named = [word.strip().lower() for word in self._setting("objects").split(",") if word.strip()]
        if not named or (unknown := [one for one in named if one not in SOBJECTS]):
            what = f"{unknown[0]!r} is none of" if named else "is empty; name some of"
            raise self.source.wrong("objects", f"{what} {', '.join(SOBJECTS)}")
        added = (one for one in self.mapping.objects if one not in SOBJECTS)
        return (*(one for one in SOBJECTS if one in named), *added)

    def _setting(self, name: str, form: str = r".*", wrong: str = "") -> str:
        """A setting without blanks around it. Raises ConfigError where it has not the `form`."""
        default = next(one.default for one in self.manifest.settings if one.name == name)
        value = self.source.setting(name, default or "").strip()
        if not re.fullmatch(form, value):
            raise self.source.wrong(name, wrong)
        return value
