"""Entries become versions, and versions the current records: what changes, and what is written for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct, field

from bridge.intake.inbox import Delivery
from bridge.intake.records import Current, Name, Version, apply, fold, unchanged, version
from bridge.model import Entry
from bridge.store import Store, Unit, micros


class Change(Struct, frozen=True):
    """One record before and after; either side is None where there was or is nothing."""

    before: Current | None
    after: Current | None
    delivery: Delivery


class Folded(Struct, kw_only=True):
    """`changes` by record; `touched` says per delivery which record it is about, for the inbox."""

    changes: dict[Name, Change] = field(default_factory=dict)
    touched: dict[int, str] = field(default_factory=dict)
    merged: list[tuple[Version, str]] = field(default_factory=list)
    """Vendors' own merges: the version that says so, and the id that the record was merged into."""


async def fold_all(
    store: Store, unit: Unit, read: Iterable[tuple[Delivery, list[Entry]]], again: Iterable[Delivery]
) -> Folded:
    """What the entries of `read` change. `again` are deliveries that were mapped before: what they said then is
    retracted.

    Adds the version and record rows to `unit`, and guards what was read.
    """
    folded = Folded()
    retracted = await _retracted(store, [delivery.id for delivery in again])
    fresh: defaultdict[Name, list[tuple[Version, Entry, Delivery]]] = defaultdict(list)
    by_id = {delivery.id: delivery for delivery in again}
    for delivery, entries in read:
        for place, entry in enumerate(entries):
            new = version(
                entry,
                delivery.source,
                known_at=micros(delivery.received_at),
                arrival=delivery.id * 1000 + place,
                delivery=delivery.id,
            )
            fresh[new.name].append((new, entry, delivery))
            folded.touched[delivery.id] = f"{new.object}/{new.source_id}"
            if entry.into is not None:
                folded.merged.append((new, entry.into))
    names = {*fresh, *retracted}
    current = await _current(store, unit, names)
    rewound = await _rewound(store, fresh, current, retracted)
    versions: list[Version] = []
    puts: list[Current] = []
    for name in sorted(names):
        before = current.get(name)
        kept = {new.place for new, _, _ in fresh[name]}
        gone = [(place, delivery_id) for place, delivery_id in retracted.get(name, ()) if place not in kept]
        after, added = _fold_one(before, fresh[name], rewound.get(name), {place for place, _ in gone})
        versions += added
        for (order, digest), delivery_id in gone:
            unit.add("records.retract", **_named(name), ord=order, hash=digest, delivery=delivery_id)
        if after != before:
            cause = fresh[name][-1][2] if fresh[name] else by_id[retracted[name][0][1]]
            folded.changes[name] = Change(before, after, cause)
            if after is None:
                unit.add("records.drop", **_named(name))
            else:
                puts.append(after)
    unit.many("records.add_version", [msgspec.structs.asdict(one) for one in versions])
    unit.many("records.put", [msgspec.structs.asdict(one) for one in puts])
    return folded


def _fold_one(
    before: Current | None,
    fresh: list[tuple[Version, Entry, Delivery]],
    stored: list[Version] | None,
    gone: set[tuple[str, str]],
) -> tuple[Current | None, list[Version]]:
    """What the record is now, and the versions that are new."""
    new: list[Version] = []
    after = before
    for one, entry, _ in sorted(fresh, key=lambda three: three[0].place):
        if unchanged(after, one, entry):
            continue
        new.append(one)
        if stored is None and (after is None or one.place > after.place):
            after = apply(after, one)
    if stored is not None:
        everything = {one.place: one for one in stored if one.place not in gone} | {one.place: one for one in new}
        after = fold(everything.values())
    return after, new


def _named(name: Name) -> dict[str, Any]:
    return {"source": name[0], "object": name[1], "source_id": name[2]}


def _grouped(names: Iterable[Name]) -> dict[tuple[str, str], list[str]]:
    groups: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for source, kind, source_id in sorted(names):
        groups[(source, kind)].append(source_id)
    return groups


async def _retracted(store: Store, deliveries: list[int]) -> dict[Name, list[tuple[tuple[str, str], int]]]:
    found: defaultdict[Name, list[tuple[tuple[str, str], int]]] = defaultdict(list)
    if deliveries:
        rows = await store.all("records.of_deliveries", deliveries=deliveries)
        for delivery, source, kind, source_id, order, digest in rows:
            found[(source, kind, source_id)].append(((order, digest), delivery))
    return found


async def _current(store: Store, unit: Unit, names: Iterable[Name]) -> dict[Name, Current]:
    found: dict[Name, Current] = {}
    for (source, kind), ids in _grouped(names).items():
        rows = await store.all("records.current", source=source, object=kind, ids=ids)
        unit.guard("records.heads", [(row[2], row[3], row[4]) for row in rows], source=source, object=kind, ids=ids)
        for row in rows:
            one = Current(**dict(zip(Current.__struct_fields__, row, strict=True)))
            found[one.name] = one
    return found


async def _rewound(
    store: Store,
    fresh: dict[Name, list[tuple[Version, Entry, Delivery]]],
    current: dict[Name, Current],
    retracted: dict[Name, list[tuple[tuple[str, str], int]]],
) -> dict[Name, list[Version]]:
    """All stored versions of the records in which something belongs before what is already applied, or is taken
    back."""
    late = {
        name
        for name, versions in fresh.items()
        if name in current and any(one.place <= current[name].place for one, _, _ in versions)
    }
    found: dict[Name, list[Version]] = {}
    for (source, kind), ids in _grouped(late | retracted.keys()).items():
        found |= {(source, kind, source_id): [] for source_id in ids}
        for row in await store.all("records.versions", source=source, object=kind, ids=ids):
            one = Version(**dict(zip(Version.__struct_fields__, row, strict=True)))
            found[one.name].append(one)
    return found
