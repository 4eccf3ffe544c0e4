"""What deliveries say: entries of the shared model, or why there are none. Pure but for the adapters' own code."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec import Struct, field

from bridge.adapter.delivery import Refetch
from bridge.adapter.registry import Registry
from bridge.errors import BridgeError, MappingError
from bridge.intake.inbox import Delivery
from bridge.intake.records import person
from bridge.model import Entry, EntryKind
from bridge.telemetry import log


class Read(Struct, kw_only=True):
    """Deliveries sorted by what they turned out to be."""

    entries: list[tuple[Delivery, list[Entry]]] = field(default_factory=list)
    dead: list[tuple[Delivery, str]] = field(default_factory=list)
    ignored: list[tuple[Delivery, str | None]] = field(default_factory=list)
    """With the reason where it is not simply none of ours."""
    wanted: list[tuple[Delivery, list[Refetch]]] = field(default_factory=list)
    """Hints: the objects have to be fetched from the vendor first."""


def read_all(registry: Registry, deliveries: Iterable[Delivery]) -> Read:
    """Read each delivery with its source's adapter. Nothing that a delivery holds can make this raise."""
    read = Read()
    for delivery in deliveries:
        try:
            adapter = registry.adapter(delivery.source)
            found = adapter.read(delivery.item)
        except MappingError as problem:
            place = f"{delivery.item.place}: " if delivery.item.place else ""
            read.dead.append((delivery, f"{place}{problem}"))
            continue
        except BridgeError as problem:
            read.dead.append((delivery, str(problem)))
            continue
        except Exception as problem:  # noqa: BLE001 a bug in one adapter must neither stop the inbox nor lose anything
            log("flow").error("adapter.bug", source=delivery.source, delivery=delivery.id, exc_info=problem)
            read.dead.append((delivery, f"{delivery.source}: its adapter raised {type(problem).__name__}"))
            continue
        hints = [one for one in found if isinstance(one, Refetch)]
        entries = [one for one in found if isinstance(one, Entry)]
        if hints:
            read.wanted.append((delivery, hints))
        if entries:
            read.entries.append((delivery, entries))
        if not hints and not entries:
            read.ignored.append((delivery, None))
    return read


def keys_named(delivery: Delivery, entry: Entry) -> set[str]:
    """The key strings by which an entry names a person: whom it is about, and what it says of them."""
    subject = entry.subject
    named = {str(key) for key in subject.keys}
    if subject.customer:
        named.add(person(delivery.source, subject.customer))
    if entry.object == "customer":
        named.add(person(delivery.source, entry.source_id))
        if entry.kind in (EntryKind.full, EntryKind.patch):
            named |= {f"email:{email}" for email in entry.body.get("emails") or ()}
            phones = entry.body.get("phones") or ()
            named |= {f"phone:{phone['e164']}" for phone in phones if phone.get("e164") and not phone.get("shared")}
    return named


RETRY_SECONDS = (2, 10, 60, 300, 1800, 7200)
"""Wait before a hint's object is asked for again, by attempt; after the last one the delivery is dead."""


def next_try(now: datetime, attempts: int, retry_after: float | None) -> datetime | None:
    """When to fetch again after `attempts` failures; None when it is enough."""
    if attempts > len(RETRY_SECONDS):
        return None
    wait = RETRY_SECONDS[attempts - 1] if retry_after is None else max(retry_after, 1.0)
    return now + timedelta(seconds=wait)
