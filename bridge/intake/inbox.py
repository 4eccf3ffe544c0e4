"""The inbox: what came in is kept here before anything is made of it, and says at any time what became of it."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from bridge.adapter.delivery import Item
from bridge.adapter.manifest import Manifest
from bridge.facts import Origin
from bridge.store import Store, Unit, instant, micros

LEASE_SECONDS = 60
_canonical = msgspec.json.Encoder(order="deterministic")


class Delivery(Struct, frozen=True, kw_only=True):
    """One kept item, leased for processing. `origin` says whether facts that it causes may act."""

    id: int
    source: str
    item: Item
    origin: Origin
    received_at: datetime
    via: str
    attempts: int


def keep(
    unit: Unit, source: str, manifest: Manifest, items: Iterable[Item], *, via: str, origin: Origin, now: datetime
) -> int:
    """Add `items` to `unit`, redacted as the manifest says; what is there already stays as it is. Returns their
    number."""
    rows = [
        {
            "source": source,
            "dedupe_key": item.dedupe_key,
            "via": via,
            "object": item.object,
            "raw": _canonical.encode(redact(item.raw, manifest.redact)).decode(),
            "patch": int(item.patch),
            "place": item.place,
            "origin": origin.value,
            "received_at": micros(now),
            "state": "dead" if item.problem else "new",
            "error": item.problem or None,
        }
        for item in items
    ]
    unit.many("inbox.keep", rows)
    unit.wake.add("inbox")
    return len(rows)


def redact(raw: Any, paths: Iterable[str]) -> Any:
    """A copy of `raw` in which every value at one of the dotted `paths` (`*` for any name or element) reads
    `[redacted]`."""
    for path in paths:
        first, *_ = parts = path.split(".")
        if first == "*" or (isinstance(raw, dict) and first in raw):
            raw = _blank(raw, parts)
    return raw


def _blank(value: Any, path: list[str]) -> Any:
    name, rest = path[0], path[1:]
    if isinstance(value, list):
        if name == "*":
            return [_blank(one, rest) if rest else "[redacted]" for one in value]
        return value
    if not isinstance(value, dict):
        return value
    chosen = value.keys() if name == "*" else {name} & value.keys()
    if not chosen:
        return value
    return value | {one: _blank(value[one], rest) if rest else "[redacted]" for one in chosen}


async def take(store: Store, *, most: int, now: datetime) -> tuple[str, list[Delivery]]:
    """Lease up to `most` deliveries that are due, oldest first; the token says who holds them."""
    owner = secrets.token_hex(8)
    rows = await store.change("inbox.take", owner=owner, now=micros(now), lease=LEASE_SECONDS * 1_000_000, most=most)
    return owner, _deliveries(rows)


async def take_named(store: Store, source: str, items: Iterable[Item], *, now: datetime) -> tuple[str, list[Delivery]]:
    """Lease those of `items` that were just kept and nobody else has taken: the way of a live answer."""
    owner = secrets.token_hex(8)
    rows = await store.change(
        "inbox.take_named",
        owner=owner,
        now=micros(now),
        lease=LEASE_SECONDS * 1_000_000,
        source=source,
        dedupe_keys=[item.dedupe_key for item in items],
    )
    return owner, _deliveries(rows)


def _deliveries(rows: list[Any]) -> list[Delivery]:
    found = [
        Delivery(
            id=number,
            source=source,
            item=Item(object=kind, raw=msgspec.json.decode(raw), patch=bool(patch), place=place),
            origin=Origin(origin),
            received_at=instant(received_at),
            via=via,
            attempts=attempts,
        )
        for number, source, kind, raw, patch, place, origin, received_at, via, attempts in rows
    ]
    return sorted(found, key=lambda delivery: delivery.id)


async def release(store: Store, owner: str, deliveries: Iterable[Delivery]) -> None:
    """Give leased deliveries back untouched."""
    await store.change("inbox.release", ids=[delivery.id for delivery in deliveries], owner=owner)
