"""External contacts: people as Genesys knows them, looked up live by phone, e-mail or id.

https://developer.genesys.cloud/commdigital/externalcontacts/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from bridge.adapter.client import Client
from bridge.adapter.delivery import Item
from bridge.adapter.mapping import Mapping
from bridge.adapter.paths import kind, scalar_text
from bridge.adapter.source import Source
from bridge.errors import MappingError, VendorRefused, VendorRetryable
from bridge.model import Entry, EntryKind, Key, KeyKind

_CONTACTS = "api/v2/externalcontacts/contacts"
_PHONES = ("cellPhone", "workPhone", "homePhone", "otherPhone")
_MOST = 25


class People:
    """Reads and looks up the external contacts of one source."""

    def __init__(self, source: Source, mapping: Mapping) -> None:
        self._source = source
        self._mapping = mapping

    def read(self, item: Item) -> list[Entry]:
        """The customer, and for those merged into it a merge each; of one that was merged away the merge alone."""
        ours = {"phones": list(_phones(item.raw))}
        entry = self._mapping.read(msgspec.structs.replace(item, raw={**item.raw, "bridge": ours}), self._source)
        winner = _referred(item.raw.get("canonicalContact")) or _referred(item.raw.get("mergedTo"))
        if winner and winner != entry.source_id:
            return [_merged(entry, entry.source_id, winner)]
        losers = item.raw.get("mergeSet")
        gone = {_referred(one) for one in losers} if isinstance(losers, list) else set()
        return [entry, *(_merged(entry, one, entry.source_id) for one in sorted(gone - {"", entry.source_id}))]

    async def lookup(self, client: Client, key: Key) -> list[Item]:
        """Whoever Genesys gives back for `key`; [] for nobody."""
        if key.kind is KeyKind.id:
            system, _, number = key.value.partition(":")
            if system != self._source.name.lower() or not re.fullmatch(r"[0-9A-Za-z-]{1,64}", number):
                return []
            return await self._single(client, "GET", f"{_CONTACTS}/{number}")
        # An identifier is exact and not indexed late, but only there where somebody claimed it for a contact.
        wanted = {"type": "Phone" if key.kind is KeyKind.phone else "Email", "value": key.value}
        found = await self._single(client, "POST", "api/v2/externalcontacts/identifierlookup/contacts", wanted)
        if any(self._carries(item, key) for item in found):
            return found
        params = {"q": key.value, "pageSize": _MOST, "pageNumber": 1}
        data = (await client.call("GET", _CONTACTS, params=params)).data
        rows = data.get("entities") if isinstance(data, dict) else None
        if not isinstance(rows, list):
            raise VendorRetryable(self._source.name, f"GET {_CONTACTS}: found {kind(rows)} where the list belongs")
        return [Item(object="external_contact", raw=row) for row in rows if isinstance(row, dict)]

    async def _single(self, client: Client, method: str, path: str, body: Any = None) -> list[Item]:
        try:
            data = (await client.call(method, path, json=body)).data
        except VendorRefused as problem:
            if problem.status == 404:
                return []
            raise
        if not isinstance(data, dict) or not isinstance(data.get("id"), str):
            raise VendorRetryable(self._source.name, "external contacts: the answer is none")
        return [Item(object="external_contact", raw=data)]

    def _carries(self, item: Item, key: Key) -> bool:
        try:
            entry = self.read(item)[0]
        except MappingError:
            return False
        phones = [phone.get("e164") for phone in entry.body.get("phones", ())]
        return key.value in (phones if key.kind is KeyKind.phone else entry.body.get("emails", ()))


def _phones(raw: dict[str, Any]) -> Iterator[str]:
    """Each phone in the best form there is: E.164, else as it is shown, else as it was typed."""
    for name in _PHONES:
        phone = raw.get(name)
        if phone is None:
            continue
        if not isinstance(phone, dict):
            raise MappingError("genesys_cloud", f"external_contact.{name}", f"found {kind(phone)}, not an object")
        forms = (scalar_text(phone.get(form)) for form in ("e164", "display", "userInput"))
        yield from [form for form in forms if form][:1]


def _referred(value: Any) -> str:
    number = value.get("id") if isinstance(value, dict) else None
    return number if isinstance(number, str) else ""


def _merged(entry: Entry, loser: str, winner: str) -> Entry:
    return msgspec.structs.replace(entry, kind=EntryKind.merged, source_id=loser, into=winner, body={})
