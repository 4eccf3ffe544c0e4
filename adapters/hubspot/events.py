"""Webhooks: a batch of events taken apart by object, and what the events of one object say.

https://developers.hubspot.com/docs/api-reference/latest/webhooks/guide

Most events are hints: they carry one property or none, and the object is fetched. A bulk edit or a workflow sends one
event a property, so those of one object make one item and are fetched once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from bridge.adapter.convert import moment
from bridge.adapter.delivery import Item, Opened, Refetch, Reply, Request
from bridge.adapter.order import by_time
from bridge.adapter.paths import Unreadable, kind, scalar_text
from bridge.adapter.source import Source
from bridge.errors import BadRequest, MappingError
from bridge.model import Entry, EntryKind

from .kinds import KINDS, Kind, number

LAST = "9"
"""Appended to the order of a deletion or merge: it comes after whatever else was said of the same instant."""
_HINTS = frozenset({"creation", "propertyChange", "associationChange", "restore"})
_ACTIONS = _HINTS | {"deletion", "privacyDeletion", "merge"}
_WORDS = {one.path[:-1] if one.path != "companies" else "company": one for one in KINDS}
_TYPES = {one.type_id: one for one in KINDS}
_DEPENDENT = ("deals", "tickets", "contacts")
"""Of the two ends of an association, whose record it changes: the first of these."""
_TOLD_APART = ("eventId", "subscriptionType", "propertyName", "occurredAt", "objectId", "fromObjectId", "toObjectId")
"""What stays the same of an event when HubSpot sends it again."""


def open_batch(request: Request, kinds: Mapping[str, Kind]) -> Opened:
    """The events of a delivery as one item an object. Raises BadRequest for what is no batch of events."""
    try:
        events = msgspec.json.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest("the body is not JSON") from None
    if not isinstance(events, list) or not events or not all(isinstance(one, dict) for one in events):
        raise BadRequest("the body is not a list of events, as HubSpot sends them")
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    ignored = 0
    for event in events:
        touched = list(_touched(event, kinds))
        ignored += not touched
        for name, object_id in touched:
            found.setdefault((name, object_id), []).append(event)
    items = (
        Item(
            object="change",
            raw={"object": name, "id": object_id, "events": told},
            dedupe=f"{name}:{object_id}:{_digest(told)}",
        )
        for (name, object_id), told in found.items()
    )
    return Opened(items=tuple(items), ignored=ignored, reply=Reply(status=200))


def read_changes(
    raw: dict[str, Any], kinds: Mapping[str, Kind], records: Mapping[str, str], source: Source
) -> list[Entry | Refetch]:
    """What the events of one object say. `records` names the record of the shared model by kind."""
    one = next((each for each in kinds.values() if each.name == raw.get("object")), None)
    if one is None:
        return []
    object_id, events = number(raw.get("id"), "id"), raw.get("events")
    if not isinstance(events, list):
        raise MappingError("hubspot", "events", f"found {kind(events)} where a list belongs")
    said: list[Entry | Refetch] = []
    wanted = ""
    for place, event in enumerate(events):
        action = _action(event)
        if action not in _ACTIONS:
            continue
        if action in _HINTS:
            wanted = wanted or object_id
        if action in _HINTS - {"restore"}:
            continue
        at = _time(event, f"events[{place}].occurredAt", source)
        entry = Entry(
            object=records[one.name],
            source_id=object_id,
            order=by_time(at) + LAST,
            kind=EntryKind.restored if action == "restore" else EntryKind.deleted,
            effective_at=at,
        )
        if action == "merge":
            wanted = _winner(event, f"events[{place}]")
            said += [gone_into(entry, loser, wanted) for loser in _losers(event, object_id, wanted, f"events[{place}]")]
        else:
            said.append(entry)
    return [*said, Refetch(object=one.name, id=wanted)] if wanted else said


def gone_into(entry: Entry, loser: str, winner: str) -> Entry:
    """That `loser` went into `winner`. People stay known under both ids; of other objects only the winner is left."""
    if entry.object == "customer":
        return msgspec.structs.replace(entry, source_id=loser, kind=EntryKind.merged, into=winner, body={})
    return msgspec.structs.replace(entry, source_id=loser, kind=EntryKind.deleted, body={})


def _touched(event: dict[str, Any], kinds: Mapping[str, Kind]) -> Iterator[tuple[str, str]]:
    """The object whose record an event changes, where it is one of ours."""
    word, _, action = str(event.get("subscriptionType")).partition(".")
    if action not in _ACTIONS:
        return
    if action == "associationChange":
        ends = list(zip(_ends(event, word), (event.get("fromObjectId"), event.get("toObjectId")), strict=True))
        hit = min((end for end in ends if end[0] in _DEPENDENT), key=lambda end: _DEPENDENT.index(end[0]), default=None)
        path, object_id = hit or ("", None)
    else:
        one = _TYPES.get(str(event.get("objectTypeId"))) if word == "object" else _WORDS.get(word)
        path, object_id = one.path if one else "", event.get("objectId") or event.get("primaryObjectId")
    found = scalar_text(object_id) or ""
    if path in kinds and found.isascii() and found.isdigit():
        yield kinds[path].name, found


def _ends(event: dict[str, Any], word: str) -> tuple[str, str]:
    """The paths of both ends: `CONTACT_TO_TICKET`, or two type ids in generic events."""
    if word == "object":
        kinds = [_TYPES.get(str(event.get(name))) for name in ("fromObjectTypeId", "toObjectTypeId")]
    else:
        start, _, end = str(event.get("associationType")).lower().partition("_to_")
        kinds = [_WORDS.get(start), _WORDS.get(end)]
    first, second = (one.path if one else "" for one in kinds)
    return first, second


def _action(event: object) -> str:
    return str(event.get("subscriptionType")).partition(".")[2] if isinstance(event, dict) else ""


def _winner(event: dict[str, Any], path: str) -> str:
    """A merge may make a new object; else the primary one stays."""
    fresh = event.get("newObjectId")
    return (
        number(event.get("primaryObjectId"), f"{path}.primaryObjectId")
        if not fresh
        else number(fresh, f"{path}.newObjectId")
    )


def _losers(event: dict[str, Any], object_id: str, winner: str, path: str) -> list[str]:
    merged = event.get("mergedObjectIds")
    if not isinstance(merged, list):
        raise MappingError("hubspot", f"{path}.mergedObjectIds", f"found {kind(merged)} where a list belongs")
    every = [object_id, *([event["primaryObjectId"]] if event.get("primaryObjectId") else []), *merged]
    ids = [number(one, f"{path}.mergedObjectIds") for one in every]
    return [one for one in dict.fromkeys(ids) if one != winner]


def _time(event: dict[str, Any], path: str, source: Source) -> datetime:
    try:
        found = moment(event.get("occurredAt"), source)
    except Unreadable as problem:
        raise MappingError("hubspot", path, str(problem)) from None
    if found is None:
        raise MappingError("hubspot", path, "found nothing where an instant belongs")
    return found


def _digest(events: list[dict[str, Any]]) -> str:
    told = sorted(msgspec.json.encode([event.get(name) for name in _TOLD_APART]) for event in events)
    return hashlib.blake2b(b"\n".join(told), digest_size=16).hexdigest()
