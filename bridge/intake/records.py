"""Versions of one record, folded into what it is now: pure, and the same in whatever order the versions arrived.

A version's place is its (order, hash). The hash begins with a digit for its kind, so that of several versions with one
order the whole record comes before changes to it, and those before a deletion.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import Struct

from bridge.model import RECORDS, Entry, EntryKind, Key, Subject
from bridge.store import micros

_RANK = {
    EntryKind.full: "0",
    EntryKind.restored: "1",
    EntryKind.patch: "2",
    EntryKind.deleted: "3",
    EntryKind.merged: "4",
}
_canonical = msgspec.json.Encoder(order="deterministic")

Name = tuple[str, str, str]
"""Source, object, id at the source: what a record is called in the store."""


class Version(Struct, frozen=True, kw_only=True):
    """One thing a source said of one record. `body` is canonical JSON; `subject` is a key string, or "" where
    unsaid."""

    source: str
    object: str
    source_id: str
    ord: str
    hash: str
    kind: str
    effective_at: int | None
    known_at: int
    subject: str
    body: str
    delivery: int | None = None

    @property
    def name(self) -> Name:
        return (self.source, self.object, self.source_id)

    @property
    def place(self) -> tuple[str, str]:
        return (self.ord, self.hash)


class Current(Struct, frozen=True, kw_only=True):
    """A record as it is now. `effective_at` and `known_at` are those of the version applied last."""

    source: str
    object: str
    source_id: str
    ord: str
    hash: str
    effective_at: int
    known_at: int
    subject: str
    body: str
    deleted: int = 0

    @property
    def name(self) -> Name:
        return (self.source, self.object, self.source_id)

    @property
    def place(self) -> tuple[str, str]:
        return (self.ord, self.hash)


def subject_of(entry: Entry, source: str) -> str:
    """The one string under which the record is found: its customer, else its account, else its first key."""
    subject: Subject = entry.subject
    if entry.object == "customer":
        return person(source, entry.source_id)
    if entry.object == "account":
        return f"account:{source}:{entry.source_id}"
    if subject.customer:
        return person(source, subject.customer)
    if subject.account:
        return f"account:{source}:{subject.account}"
    return str(strongest(subject.keys)) if subject.keys else ""


def person(source: str, source_id: str) -> str:
    """The key string of a vendor's person record."""
    return f"id:{source}:{source_id}"


def strongest(keys: Iterable[Key]) -> Key:
    """An id before an e-mail before a phone; ties by value."""
    order = {"id": 0, "email": 1, "phone": 2}
    return min(keys, key=lambda key: (order[key.kind.value], key.value))


def version(entry: Entry, source: str, *, known_at: int, arrival: int, delivery: int | None) -> Version:
    """`entry` as a version. A source without order gets the order of arrival (`known_at`, then `arrival`)."""
    body = entry.body if entry.kind is not EntryKind.merged else {"into": entry.into}
    text = _canonical.encode(body)
    subject = subject_of(entry, source)
    digest = blake2b(text, digest_size=8)
    digest.update(subject.encode())
    return Version(
        source=source,
        object=entry.object,
        source_id=entry.source_id,
        ord=entry.order or f"a{known_at:017d}{arrival:012d}",
        hash=_RANK[entry.kind] + digest.hexdigest(),
        kind=entry.kind.value,
        effective_at=None if entry.effective_at is None else micros(entry.effective_at),
        known_at=known_at,
        subject=subject,
        body=text.decode(),
        delivery=delivery,
    )


def apply(current: Current | None, new: Version) -> Current:
    """`current` with `new` on top; `new` must not come before it."""
    deleted = current.deleted if current else 0
    subject = new.subject or (current.subject if current else "")
    if new.kind == EntryKind.full.value:
        text, deleted = new.body, 0
    else:
        text = current.body if current else "{}"
        if new.kind == EntryKind.patch.value:
            text = _canonical.encode(patched(msgspec.json.decode(text), msgspec.json.decode(new.body))).decode()
        elif new.kind == EntryKind.restored.value:
            deleted = 0
        else:
            deleted = 1
    return Current(
        source=new.source,
        object=new.object,
        source_id=new.source_id,
        ord=new.ord,
        hash=new.hash,
        effective_at=new.known_at if new.effective_at is None else new.effective_at,
        known_at=new.known_at,
        subject=subject,
        body=text,
        deleted=deleted,
    )


def patched(body: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """`body` with what `patch` says: None clears.

    Of external ids and consents it speaks only for the systems and channels that it names.
    """
    new = body | patch
    if isinstance(patch.get("external_ids"), dict):
        ids = body.get("external_ids", {}) | patch["external_ids"]
        new["external_ids"] = {system: number for system, number in ids.items() if number is not None}
    if isinstance(patch.get("consents"), list):
        held = {one["channel"]: one for one in (*body.get("consents", ()), *patch["consents"])}
        new["consents"] = list(held.values())
    return {field: value for field, value in new.items() if value not in (None, {}, [])}


def fold(versions: Iterable[Version]) -> Current | None:
    """What all versions of one record make together; None for none."""
    current: Current | None = None
    for one in sorted(versions, key=lambda version: version.place):
        current = apply(current, one)
    return current


def unchanged(current: Current | None, new: Version, entry: Entry) -> bool:
    """True for a source without order that says again what already holds: a file read twice, a row that did not
    change."""
    return current is not None and not entry.order and current.hash == new.hash


def decode(current: Current) -> Any:
    """The record itself, as its struct."""
    return _decoders[current.object].decode(current.body)


_decoders = {name: msgspec.json.Decoder(struct) for name, struct in RECORDS.items()}
