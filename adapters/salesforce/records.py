"""Items → entries: what the mapping cannot say. Deletions and merges, currencies, and what is no record of ours."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec

from bridge.adapter.convert import moment
from bridge.adapter.delivery import Item, Refetch
from bridge.adapter.mapping import Mapping
from bridge.adapter.order import by_time
from bridge.adapter.paths import Unreadable, kind, walk_quietly
from bridge.adapter.source import Source
from bridge.errors import MappingError
from bridge.model import Entry, EntryKind, Subject

from .fields import sobject
from .ids import LEAD, full_id

_CODES = {
    "activated": "active",
    "signed": "active",
    "cancelled": "cancelled",
    "canceled": "cancelled",
    "terminated": "ended",
    "expired": "ended",
}
"""The codes of a contract's status that say it was made; all others are steps on the way to one."""
_LONGEST_CALL = 86_400


class Records:
    """Reads the items of one source. Raises MappingError for what cannot be read, naming the path, not the value.

    `chosen` are the objects that the source reads.
    """

    def __init__(self, source: Source, mapping: Mapping, chosen: tuple[str, ...]) -> None:
        self._source = source
        self._mapping = mapping
        self._names = {sobject(name): name for name in chosen}
        self._finish: dict[str, Callable[[Entry, dict[str, Any]], Entry | None]] = {
            "contact": _contact,
            "contract": _contract,
            "opportunity": _opportunity,
            "case": _case,
            "task": self._task,
        }

    def read(self, item: Item) -> list[Entry | Refetch]:
        """The entries of one item; [] for to-dos, leads' calls and other things not ours."""
        if item.object == "notification":
            return self._notification(item.raw)
        if item.object == "deleted":
            return [self._deletion(item.raw)]
        entry = self._whole_ids(self._mapping.read(item, self._priced(item.raw)))
        if item.raw.get("IsDeleted") is True:
            return [_gone(entry, item.raw.get("MasterRecordId"))]
        finish = self._finish.get(item.object)
        finished = entry if finish is None else finish(entry, item.raw)
        return [] if finished is None else [finished]

    def knows(self, type: str) -> bool:
        """Whether a type of record (`Contact`) is one of those that the source reads."""
        return type in self._names

    def _notification(self, raw: dict[str, Any]) -> list[Entry | Refetch]:
        name = self._names.get(str(raw.get("type")))
        return [Refetch(object=name, id=_record_id("notification.record", raw.get("record")))] if name else []

    def _deletion(self, raw: dict[str, Any]) -> Entry:
        """A row of the list of deletions."""
        name = raw.get("object")
        if not isinstance(name, str) or name not in self._mapping.objects:
            raise MappingError("salesforce", "deletion.object", f"found {kind(name)} that is no mapped object")
        number = _record_id("deletion.id", walk_quietly(raw, ("deletion", "id")))
        try:
            at = moment(walk_quietly(raw, ("deletion", "deletedDate")) or "", self._source)
        except Unreadable as problem:
            raise MappingError("salesforce", "deletion.deletedDate", str(problem)) from None
        if at is None:
            raise MappingError("salesforce", "deletion.deletedDate", "is missing")
        return Entry(
            object=self._mapping.plan(name).to,
            source_id=number,
            order=by_time(at),
            kind=EntryKind.deleted,
            effective_at=at,
        )

    def _priced(self, raw: dict[str, Any]) -> Source:
        """The source, in the currency that the row names: amounts are bare numbers."""
        currency = raw.get("CurrencyIsoCode")
        if isinstance(currency, str) and re.fullmatch("[A-Z]{3}", currency):
            return msgspec.structs.replace(self._source, currency=currency)
        return self._source

    def _whole_ids(self, entry: Entry) -> Entry:
        """The entry with every record id in its long form: reports, imports and formulas use the short one."""
        subject = Subject(
            customer=_whole(entry.subject.customer), account=_whole(entry.subject.account), keys=entry.subject.keys
        )
        body = entry.body
        if "accounts" in body:
            body = {**body, "accounts": [_whole(one) for one in body["accounts"]]}
        source_id = full_id(entry.source_id) or entry.source_id
        return msgspec.structs.replace(entry, source_id=source_id, subject=subject, body=body)

    def _task(self, entry: Entry, raw: dict[str, Any]) -> Entry | None:
        """A call or an e-mail that took place; a to-do says nothing of the customer yet, and may never."""
        body, subject = dict(entry.body), entry.subject
        if body.get("channel", "unknown") == "unknown":
            return None
        if (subject.customer or "").startswith(LEAD):
            subject = Subject(account=subject.account, keys=subject.keys)
        if subject == Subject():
            return None
        if raw.get("IsClosed") is not True:
            return _gone(entry)
        seconds, ended = raw.get("CallDurationInSeconds"), body.get("ended")
        if isinstance(seconds, int) and 0 < seconds <= _LONGEST_CALL and ended:
            end = moment(ended, self._source)
            if end and end.year > 1:
                body["started"] = msgspec.to_builtins(end - timedelta(seconds=seconds))
        return msgspec.structs.replace(entry, subject=subject, body=body)


def _contact(entry: Entry, raw: dict[str, Any]) -> Entry:
    """Who has not opted out has not opted in either: of that channel nothing is known."""
    body = dict(entry.body)
    if consents := [one for one in body.pop("consents", ()) if one["status"] != "unknown"]:
        body["consents"] = consents
    if walk_quietly(raw, ("Individual", "DeathDate")):
        body["deceased"] = True
    return msgspec.structs.replace(entry, body=body)


def _contract(entry: Entry, raw: dict[str, Any]) -> Entry:
    """A draft is no contract. An org may name its states as it likes: behind those that nobody mapped is a code."""
    if entry.body.get("status", "unknown") != "unknown":
        return entry
    status = _CODES.get(str(raw.get("StatusCode")).casefold())
    if status is not None:
        return _with(entry, status=status)
    return entry if raw.get("StatusCode") is None else _gone(entry)


def _opportunity(entry: Entry, raw: dict[str, Any]) -> Entry:
    """A purchase once it is won; one that is opened again is none any more."""
    return entry if raw.get("IsWon") is True else _gone(entry)


def _case(entry: Entry, raw: dict[str, Any]) -> Entry:
    """A state that nobody mapped is still open or closed."""
    closed = raw.get("IsClosed")
    if entry.body.get("status", "unknown") != "unknown" or not isinstance(closed, bool):
        return entry
    return _with(entry, status="closed" if closed else "open")


def _gone(entry: Entry, master: object = None) -> Entry:
    """Deleted, or merged into `master`: of people that says who they are; other records are only gone."""
    into = _whole(master) if isinstance(master, str) and master.strip() else None
    if into is None or into == entry.source_id or entry.object != "customer":
        return msgspec.structs.replace(entry, kind=EntryKind.deleted, body={})
    return msgspec.structs.replace(entry, kind=EntryKind.merged, body={}, into=into)


def _with(entry: Entry, **fields: Any) -> Entry:
    return msgspec.structs.replace(entry, body={**entry.body, **fields})


def _whole(text: str | None) -> str | None:
    return text and (full_id(text) or text)


def _record_id(path: str, value: object) -> str:
    found = full_id(value) if isinstance(value, str) else None
    if found is None:
        raise MappingError("salesforce", path, f"found {kind(value)} that is not a record id")
    return found
