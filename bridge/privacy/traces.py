"""Where everything about one person lies: keys, records and their history, and what came in from outside."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Any

import msgspec
from msgspec import Struct

from bridge.adapter.addresses import normalise_email, normalise_phone
from bridge.errors import NotFound
from bridge.flow.desk import Desk
from bridge.flow.gathering import makeups
from bridge.identity.neighbourhood import pid_name
from bridge.identity.partition import Pid, leaf
from bridge.model import Key, KeyKind

PAGE = 500
_FEWEST_DIGITS = 5


class Traces(Struct, kw_only=True):
    """`customers` are all ids that the person has or had; `mine` keys and profile ids that are theirs alone."""

    customers: list[str]
    members: list[Pid]
    mine: list[Key]
    subjects: list[str]
    versions: list[int]
    deliveries: list[int]


async def find(desk: Desk, customer: str) -> Traces:
    """All traces of `customer`. Raises NotFound for one that has no records, or was merged into another one."""
    made = (await makeups(desk.store, [customer]))[customer]
    if not made.members:
        raise NotFound("there is no such customer (or it was merged into another one)")
    members = sorted(made.members)
    mine = sorted(made.exact | {Key(KeyKind.id, pid_name(pid)) for pid in members})
    former = {row[0] for row in await desk.store.all("privacy.absorbed", customer=customer)}
    found = Traces(
        customers=[customer, *sorted((former | {leaf(pid) for pid in members}) - {customer})],
        members=members,
        mine=mine,
        subjects=[str(key) for key in mine],
        versions=[],
        deliveries=[],
    )
    await _follow(desk, found)
    return found


async def _follow(desk: Desk, found: Traces) -> None:
    """Fill in versions and deliveries: what became records, what said the same again, and what nobody could read."""
    store = desk.store
    rows = await store.all("privacy.versions_of_subjects", subjects=found.subjects)
    deliveries: set[int] = set()
    by_object: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    # A change may not say whom it is about: all versions of a record go with the person the record is about.
    for source, kind, source_id in await store.all("privacy.records_of_subjects", subjects=found.subjects):
        by_object[(source, kind)].append(source_id)
    for (source, kind), ids in by_object.items():
        rows += await store.all("privacy.versions_of_records", source=source, object=kind, ids=ids)
        said = [f"{kind}/{source_id}" for source_id in ids]
        deliveries |= {row[0] for row in await store.all("privacy.deliveries_of_records", source=source, records=said)}
    found.versions = sorted({row[0] for row in rows})
    deliveries |= {row[1] for row in rows if row[1] is not None}
    found.deliveries = sorted(deliveries | await _unread(desk, found))


async def _unread(desk: Desk, found: Traces) -> set[int]:
    """Deliveries that name the person and became no record: they wait, are dead, were no use, or were only a hint."""
    ids: defaultdict[str, set[str]] = defaultdict(set)
    for source, source_id in found.members:
        ids[source].add(source_id)
    named: set[int] = set()
    after = 0
    while page := await desk.store.all("privacy.unread_deliveries", after=after, most=PAGE):
        for number, source, raw, _ in page:
            if names(msgspec.json.decode(raw), found.mine, ids[source], region_of(desk, source)):
                named.add(number)
        after = page[-1][0]
    return named


def region_of(desk: Desk, source: str) -> str:
    """Where a number of `source` without country code is meant."""
    adapter = desk.registry.sources.get(source)
    return adapter.source.region if adapter else desk.settings.region


def names(raw: Any, keys: Collection[Key], ids: Collection[str], region: str) -> bool:
    """Whether any text or number in `raw` is one of the keys, however it is written, or one of the ids."""
    wanted = set(keys)
    return any(text in ids or not wanted.isdisjoint(meanings(text, region)) for text in leaves(raw))


def meanings(text: str, region: str) -> Iterator[Key]:
    """The e-mail address and the phone number that `text` may be."""
    if "@" in text and (email := normalise_email(text)):
        yield Key(KeyKind.email, email)
    if sum(one.isdigit() for one in text) >= _FEWEST_DIGITS and (phone := normalise_phone(text, region)):
        yield Key(KeyKind.phone, phone)


def leaves(raw: Any) -> Iterator[str]:
    """Every text and number in `raw`, as text."""
    if isinstance(raw, dict):
        for value in raw.values():
            yield from leaves(value)
    elif isinstance(raw, list):
        for value in raw:
            yield from leaves(value)
    elif raw is not None and not isinstance(raw, bool):
        yield str(raw)
