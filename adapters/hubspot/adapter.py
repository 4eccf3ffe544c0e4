"""HubSpot CRM: contacts, companies, deals, tickets and survey responses. See README.md for what an operator does."""

from __future__ import annotations

import re
from datetime import datetime

from msgspec.structs import replace

from bridge.adapter.actions import AddNote, CreateTask, Erase
from bridge.adapter.base import Adapter
from bridge.adapter.client import Client
from bridge.adapter.delivery import Item, Opened, Page, Receipt, Refetch, Request
from bridge.adapter.manifest import Manifest
from bridge.adapter.mapping import Mapping
from bridge.adapter.paths import scalar_text
from bridge.adapter.source import Source
from bridge.errors import NotAuthentic, VendorRefused
from bridge.model import Entry, Key, KeyKind

from . import actions
from .api import Api
from .events import open_batch
from .exports import Exports
from .kinds import KINDS, chosen, properties
from .lookup import question
from .records import Records
from .related import Related
from .signature import VERSIONS, check_older, signed_urls


class HubspotAdapter(Adapter):
    """One HubSpot account."""

    def __init__(self, source: Source, manifest: Manifest, mapping: Mapping) -> None:
        super().__init__(source, manifest, mapping)
        if not re.fullmatch(r"v\d|\d{4}-\d\d(-beta)?", self._setting("api_version")):
            raise self.source.wrong("api_version", "is neither a month as 2026-03 nor a number as v3")
        if self._setting("deals") not in ("purchases", "contracts"):
            raise self.source.wrong("deals", "is neither purchases nor contracts")
        try:
            self._kinds = chosen(self._setting("objects"), self._setting("deals"))
        except ValueError as problem:
            raise self.source.wrong("objects", f"{problem} is none of {', '.join(one.path for one in KINDS)}") from None
        self._signatures = [one.strip().lower() for one in self._setting("signature_versions").split(",")]
        if not set(self._signatures) <= set(VERSIONS):
            raise self.source.wrong("signature_versions", f"is none of {', '.join(VERSIONS)}, separated by commas")
        self._api = Api(source.name, self._setting("api_version"))
        self._related = Related(self._api)
        self._records = Records(source, mapping, self._kinds)
        self._exports = Exports(source, mapping, self._api, self._related, first=self._first())

    def verify(self, request: Request, now: datetime) -> None:
        if "v3" in self._signatures and (self._signatures == ["v3"] or "x-hubspot-signature-v3" in request.headers):
            return self._verify_newest(request, now)
        secrets = self.source.secrets("client_secret")
        if not secrets:
            raise NotAuthentic(f"{self.source.name}: the setting client_secret is empty, so nothing can be checked")
        try:
            check_older(request, secrets, self._signatures)
        except NotAuthentic as reason:
            raise NotAuthentic(f"{self.source.name}: {reason}") from None
        return None

    def open(self, request: Request) -> Opened:
        return open_batch(request, self._kinds)

    def read(self, item: Item) -> list[Entry | Refetch]:
        return self._records.read(item)

    def streams(self) -> tuple[str, ...]:
        return tuple(stream for stream in self.manifest.streams if stream in self._kinds)

    async def headers(self, client: Client, *, renew: bool) -> dict[str, str]:
        return {"authorization": f"Bearer {self.source.setting('access_token')}"}

    async def page(self, client: Client, stream: str, cursor: str, now: datetime) -> Page:
        if stream not in self._kinds:
            raise VendorRefused(self.source.name, f"has no stream {stream}")
        return await self._exports.page(client, self._kinds[stream], cursor, now)

    async def fetch(self, client: Client, wanted: Refetch) -> list[Item]:
        """The object as it is now; [] when it is gone, for then an event or the archive tells of it."""
        one = next((each for each in self._kinds.values() if each.name == wanted.object), None)
        if one is None or not re.fullmatch("[0-9]{1,19}", wanted.id):
            raise VendorRefused(self.source.name, f"cannot fetch {wanted.object}")
        found = await self._api.single(client, one.path, wanted.id, properties(self.mapping, one))
        rows = await self._related.add(client, one, [found] if found else [])
        return [Item(object=one.name, raw=row) for row in rows]

    async def lookup(self, client: Client, key: Key) -> list[Item]:
        """The contacts found for `key`; their tickets come with the sync and the webhooks."""
        if "contacts" not in self._kinds:
            return []
        system, _, value = key.value.partition(":")
        if key.kind is KeyKind.id and system == self.source.name.lower():
            return await self.fetch(client, Refetch(object="contact", id=value)) if value.isdecimal() else []
        asked = question(key, self.mapping)
        if asked is None:
            return []
        contact = self._kinds["contacts"]
        asked["properties"] = properties(self.mapping, contact)
        data = await self._api.search(client, contact.path, asked)
        rows = await self._related.add(client, contact, data["results"])
        return [Item(object=contact.name, raw=row) for row in rows if isinstance(row, dict)]

    async def add_note(self, client: Client, args: AddNote, key: str) -> Receipt:
        """A note on the ticket, else on the contact."""
        self._must_be_id("ticket" if args.ticket else "customer", args.ticket or args.customer)
        return await self._created(client, "notes", actions.note(args, key, client.now()), key)

    async def create_task(self, client: Client, args: CreateTask, key: str) -> Receipt:
        """A task, on the contact where one is named."""
        for name, value in (("customer", args.customer), ("owner", args.owner)):
            if value:
                self._must_be_id(name, value)
        return await self._created(client, "tasks", actions.task(args, key, client.now(), self.source), key)

    async def erase(self, client: Client, args: Erase, key: str) -> Receipt:
        """Delete a contact for good, as data protection law asks: HubSpot keeps nothing to restore."""
        self._must_be_id("customer", args.customer)
        await self._api.create(client, "contacts/gdpr-delete", {"objectId": args.customer}, key)
        return Receipt(reference=args.customer)

    async def _created(self, client: Client, path: str, body: dict[str, object], key: str) -> Receipt:
        made = await self._api.create(client, path, body, key)
        return Receipt(reference=scalar_text(made.get("id")) or "")

    def _verify_newest(self, request: Request, now: datetime) -> None:
        *others, last = (replace(request, url=url) for url in signed_urls(request.url))
        for one in others:
            try:
                return super().verify(one, now)
            except NotAuthentic:
                continue
        return super().verify(last, now)

    def _must_be_id(self, name: str, value: str) -> None:
        if not re.fullmatch("[0-9]{1,19}", value):
            raise VendorRefused(self.source.name, f"the argument {name} is no id of a HubSpot object")

    def _first(self) -> int:
        since = self.source.since()
        return 0 if since is None else max(0, int(since.timestamp())) * 1000

    def _setting(self, name: str) -> str:
        default = next(one.default for one in self.manifest.settings if one.name == name)
        return self.source.setting(name, default).strip()
