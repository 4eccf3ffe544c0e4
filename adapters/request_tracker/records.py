"""What an item says, where the mapping cannot: who is a customer at all, what is gone, and times that mean "never"."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from bridge.adapter.delivery import Item, Refetch
from bridge.adapter.mapping import Mapping
from bridge.adapter.paths import kind, scalar_text
from bridge.adapter.source import Source
from bridge.errors import MappingError
from bridge.model import Entry, EntryKind

from .answers import NEVER

_NOBODY = {"rt_system", "nobody"}
"""Two users that every installation has and that are no people."""
_DONE = {"resolved", "closed"}


class Records:
    """Reads the items of one source."""

    def __init__(self, source: Source, mapping: Mapping) -> None:
        self._source = source
        self._mapping = mapping

    def read(self, item: Item) -> list[Entry | Refetch]:
        """The entries of one item; [] for users that are no people and for the ticket that others are merged into."""
        raw = {name: value for name, value in item.raw.items() if value != NEVER}
        if item.object == "user":
            return self._user(item, raw)
        entry = self._mapped(item, raw)
        if item.object == "transaction":
            return [] if _names(raw.get("NewValue"), entry.source_id) else [_deleted(entry)]
        return [entry if entry.body.get("status") in _DONE else _without(entry, "resolved")]

    def _mapped(self, item: Item, raw: dict[str, Any]) -> Entry:
        return self._mapping.read(msgspec.structs.replace(item, raw=raw), self._source)

    def _user(self, item: Item, raw: dict[str, Any]) -> list[Entry | Refetch]:
        if (scalar_text(raw.get("Name")) or "").casefold() in _NOBODY:
            return []
        gone = [_flag(name, raw.get(name)) for name in ("Disabled", "Privileged")]
        if any(gone):  # nothing of them is read: the first administrator is root@localhost, which is no address
            return [_deleted(self._mapped(item, {name: raw[name] for name in ("id", "LastUpdated") if name in raw}))]
        entry = self._mapped(item, raw)
        language = entry.body.get("language")
        if language:
            entry = msgspec.structs.replace(entry, body=entry.body | {"language": _language(language)})
        return [entry]


def _flag(name: str, value: object) -> bool:
    word = scalar_text(value)
    if word not in ("0", "1"):
        raise MappingError("request_tracker", f"user.{name}", f"found {kind(value)} where 0 or 1 belongs")
    return word == "1"


def _names(value: object, number: str) -> bool:
    """Whether a merge names the ticket itself: it is then the one that stays."""
    return isinstance(value, str) and value.endswith(f"/ticket/{number}")


def _deleted(entry: Entry) -> Entry:
    return msgspec.structs.replace(entry, kind=EntryKind.deleted, body={})


def _without(entry: Entry, field: str) -> Entry:
    return msgspec.structs.replace(entry, body={name: one for name, one in entry.body.items() if name != field})


def _language(locale: str) -> str:
    """`pt` of `pt_BR`."""
    return re.split("[-_]", locale)[0].lower()
