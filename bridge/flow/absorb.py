"""The one way in: leased deliveries become records, identities, decisions, facts and outbox rows in one transaction.

Everything dear (mapping, reading, scoring, rendering) happens before the transaction opens; what was read is
guarded, and if another writer changed any of it meanwhile, the whole batch is thought through again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from bridge.adapter.delivery import Refetch
from bridge.errors import Superseded
from bridge.facts import Origin
from bridge.flow.concluding import conclude
from bridge.flow.desk import Desk
from bridge.flow.folding import Folded, fold_all
from bridge.flow.joining import profile_of
from bridge.flow.reading import Read, keys_named, read_all
from bridge.identity.neighbourhood import pid_name
from bridge.identity.partition import Assertion, Pid
from bridge.identity.suppression import suppression
from bridge.intake.inbox import Delivery
from bridge.store import Unit
from bridge.telemetry import METRICS

ATTEMPTS = 8


class Absorbed(Struct, kw_only=True):
    """What became of a batch. `wanted` are hints that nobody has fetched yet: their leases are still held."""

    mapped: int = 0
    ignored: int = 0
    dead: int = 0
    customers: frozenset[str] = frozenset()
    wanted: list[tuple[Delivery, list[Refetch]]] = []
    seconds: float = 0.0
    """How long the writing transaction held up others who write."""


async def absorb(desk: Desk, owner: str, deliveries: Sequence[Delivery], now: datetime) -> Absorbed:
    """Absorb `deliveries`, which `owner` has leased. Raises Superseded when others changed the same things every
    time."""
    for attempt in range(ATTEMPTS):
        try:
            return await _absorb_once(desk, owner, deliveries, now)
        except Superseded:
            if attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


async def _absorb_once(desk: Desk, owner: str, deliveries: Sequence[Delivery], now: datetime) -> Absorbed:
    unit = Unit(since=desk.store.mark())
    read = read_all(desk.registry, deliveries)
    await _drop_suppressed(desk, unit, read)
    again = [one for one, _ in read.entries if one.origin in (Origin.replay, Origin.remap)]
    again += [one for one, _ in read.ignored if one.origin in (Origin.replay, Origin.remap)]
    folded = await fold_all(desk.store, unit, read.entries, again)
    changed = {
        (name[0], name[2]): profile_of(change.after, change.after.known_at)
        for name, change in folded.changes.items()
        if name[1] == "customer" and change.after is not None
    }
    asserted = _assert_merges(unit, folded)
    customers = await conclude(
        desk,
        unit,
        folded.changes,
        changed=changed,
        asserted=asserted,
        now=now,
    )
    held = [delivery for delivery, _ in read.wanted]
    _finish(unit, owner, deliveries, held, read, folded)
    seconds = await desk.store.write(unit) if unit.steps else 0.0
    absorbed = Absorbed(
        mapped=len(read.entries),
        ignored=len(read.ignored),
        dead=len(read.dead),
        customers=frozenset(customers),
        wanted=read.wanted,
        seconds=seconds,
    )
    _count(read)
    return absorbed


def _finish(
    unit: Unit, owner: str, deliveries: Sequence[Delivery], held: list[Delivery], read: Read, folded: Folded
) -> None:
    kept = {delivery.id for delivery in held}
    done = sorted(delivery.id for delivery in deliveries if delivery.id not in kept)
    if not done:
        return
    unit.guard("inbox.leased", [(len(done),)], ids=done, owner=owner)
    states: list[tuple[int, str, str | None]] = [(one.id, "mapped", None) for one, _ in read.entries]
    states += [(one.id, "dead", reason) for one, reason in read.dead]
    states += [(one.id, "ignored", reason) for one, reason in read.ignored]
    unit.many(
        "inbox.finish",
        [
            {"id": number, "state": state, "error": reason, "record": folded.touched.get(number, ""), "due_at": 0}
            for number, state, reason in states
            if number not in kept
        ],
    )


async def _drop_suppressed(desk: Desk, unit: Unit, read: Read) -> None:
    """Take out what is about erased people; of their deliveries only the fact that there was one remains."""
    there = await desk.store.all("privacy.any_suppressed")
    unit.guard("privacy.any_suppressed", there)
    if not read.entries or not there[0][0]:
        return
    named = {
        delivery.id: {suppression(desk.salt, key) for entry in entries for key in keys_named(delivery, entry)}
        for delivery, entries in read.entries
    }
    hashes = sorted(set().union(*named.values()))
    rows = await desk.store.all("privacy.suppressed", hashes=hashes)
    unit.guard("privacy.suppressed", rows, hashes=hashes)
    refused = {row[0] for row in rows}
    stays = []
    for delivery, entries in read.entries:
        if named[delivery.id] & refused:
            read.ignored.append((delivery, "suppressed"))
            unit.add("privacy.blank_delivery", id=delivery.id, error="suppressed")
        else:
            stays.append((delivery, entries))
    read.entries = stays


def _assert_merges(unit: Unit, folded: Folded) -> list[Assertion]:
    """A vendor's own merge is evidence that two of its records are one person."""
    asserted: list[Assertion] = []
    for version, into in folded.merged:
        if version.object != "customer":
            continue
        a: Pid = (version.source, version.source_id)
        b: Pid = (version.source, into)
        asserted.append(Assertion(a, b, True))
        unit.add(
            "identity.assert",
            id=f"v_{version.source}:{version.source_id}:{into}",
            a=pid_name(a),
            b=pid_name(b),
            same=1,
            origin="vendor",
            evidence="{}",
            actor=version.source,
            at=version.known_at,
        )
    return asserted


def _count(read: Read) -> None:
    for outcome, deliveries in (
        ("mapped", [one for one, _ in read.entries]),
        ("dead", [one for one, _ in read.dead]),
        ("ignored", [one for one, _ in read.ignored]),
    ):
        for delivery in deliveries:
            METRICS.deliveries.labels(delivery.source, outcome).inc()
