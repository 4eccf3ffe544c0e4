"""A person's rights: everything that is held about them, in one file; and its erasure, with a receipt.

What is left after an erasure is a keyed hash of each of the person's keys: by these a later sync, or a restored backup
that is synced again, recognises the person and keeps nothing.
"""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct, field

from bridge.adapter.addresses import normalise_email, normalise_phone
from bridge.automation.outbox import enqueue
from bridge.errors import NotFound, Superseded
from bridge.flow.concluding import conclude
from bridge.flow.desk import Desk
from bridge.flow.gathering import makeups
from bridge.identity.neighbourhood import pid_name
from bridge.identity.partition import Pid, Profile
from bridge.identity.suppression import suppression
from bridge.model import Key, KeyKind
from bridge.store import Unit, instant, micros

ATTEMPTS = 5
PAGE = 500
_COUNTED = (
    "record_versions",
    "records",
    "profiles",
    "decisions",
    "former_decisions",
    "facts",
    "outbox",
    "outcomes",
    "grants",
    "dips",
)


class _Person(Struct, kw_only=True):
    """Where everything about one customer lies. `mine` are keys and profile ids that are theirs alone."""

    customers: list[str]
    members: set[Pid]
    mine: set[Key]
    subjects: list[str] = field(default_factory=list)


async def erase(desk: Desk, customer: str, *, by: str, now: datetime) -> dict[str, Any]:
    """Erase `customer` and return the receipt: its id, when, and how many rows of what. Raises NotFound.

    Records and their history, raw deliveries, decisions, outcomes, facts and what is still to be sent are removed;
    systems whose adapter can erase are asked to through the outbox. Accounts and their contracts stay: they are not a
    person's.
    """
    for attempt in range(ATTEMPTS):
        try:
            return await _erase_once(desk, customer, by=by, now=now)
        except Superseded:
            if attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


async def _erase_once(desk: Desk, customer: str, *, by: str, now: datetime) -> dict[str, Any]:
    unit = Unit()
    someone = await _find(desk, customer)
    rows = await desk.store.all("customers.versions", ids=someone.customers)
    unit.guard("customers.versions", rows, ids=someone.customers)
    deliveries = await _deliveries(desk, someone)
    counts = await desk.store.all("privacy.count_all", subjects=someone.subjects, customers=someone.customers)
    number = "e_" + secrets.token_hex(8)
    hashes = sorted(suppression(desk.salt, str(key)) for key in someone.mine)
    unit.many("privacy.suppress", [{"hash": one, "at": micros(now)} for one in hashes])
    unit.many("privacy.blank_delivery", [{"id": one, "error": "erased"} for one in deliveries])
    # Whoever shares a key with this person is looked at again, as if the person had never been.
    gone = {pid: Profile(pid=pid, first_seen=0, keys={}) for pid in someone.members}
    await conclude(desk, unit, {}, changed=gone, now=now, defer=False)
    for source, source_id in sorted(someone.members):
        unit.add("privacy.drop_identities", source=source, source_id=source_id)
        unit.add("privacy.drop_memberships", source=source, source_id=source_id)
        adapter = desk.registry.sources.get(source)
        if adapter is not None and "erase" in adapter.manifest.capabilities:
            # Without the customer, so that the order to erase outlives what it erases.
            key, args = f"{number}:{source}:{source_id}", {"id": source_id}
            enqueue(unit, dedupe_key=key, source=source, action="erase", args=args, now=now)
    unit.add("privacy.drop_assertions", names=[pid_name(pid) for pid in sorted(someone.members)])
    for one in someone.customers:
        unit.add("privacy.drop_profiles", customer=one)
        unit.add("privacy.drop_keys", customer=one)
    for statement in ("versions", "records"):
        unit.add(f"privacy.drop_{statement}", subjects=someone.subjects)
    for table in ("decisions", "log", "facts", "outbox", "outcomes", "grants", "dips", "merges", "audit", "customers"):
        unit.add(f"privacy.drop_{table}", customers=someone.customers)
    receipt = {
        "receipt": number,
        "erased_at": now,
        "counts": dict(zip(_COUNTED, counts[0], strict=True)) | {"deliveries": len(deliveries)},
        "suppressed_keys": len(hashes),
    }
    detail = msgspec.json.encode(receipt).decode()
    unit.add("access.audit", at=micros(now), actor=by, action="privacy.erase", subject=number, detail=detail)
    await desk.store.write(unit)
    _remember(desk, hashes)
    return receipt


def _remember(desk: Desk, hashes: list[str]) -> None:
    """Keep the hashes beside the database too, where a restored backup cannot take them away."""
    path = desk.settings.suppression_path
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="ascii") as file:
            file.writelines(f"{one}\n" for one in hashes)


async def reinstate(desk: Desk, *, now: datetime) -> int:
    """After a backup was restored: erase again whoever had been erased since it was made. Returns how many."""
    path = desk.settings.suppression_path
    if path is None or not path.exists():
        return 0
    kept = sorted(set(path.read_text("ascii").split()))
    known = {row[0] for row in await desk.store.all("privacy.suppressed", hashes=kept)}
    missing = set(kept) - known
    if not missing:
        return 0
    unit = Unit()
    unit.many("privacy.suppress", [{"hash": one, "at": micros(now)} for one in sorted(missing)])
    await desk.store.write(unit)
    again: set[str] = set()
    after = ("", "")
    while page := await desk.store.all("privacy.all_profiles", source=after[0], source_id=after[1], most=PAGE):
        after = (page[-1][0], page[-1][1])
        again |= {row[2] for row in page if suppression(desk.salt, f"id:{row[0]}:{row[1]}") in missing}
    for customer in sorted(again):
        await erase(desk, customer, by="restore", now=now)
    return len(again)


async def _find(desk: Desk, customer: str) -> _Person:
    made = (await makeups(desk.store, [customer]))[customer]
    if not made.members:
        raise NotFound("there is no such customer (or it was merged into another one)")
    absorbed = [row[0] for row in await desk.store.all("privacy.absorbed", customer=customer)]
    own = {Key(KeyKind.id, pid_name(pid)) for pid in made.members}
    mine = made.exact | own
    return _Person(
        customers=[customer, *absorbed], members=made.members, mine=mine, subjects=sorted(str(key) for key in mine)
    )


async def _deliveries(desk: Desk, someone: _Person) -> list[int]:
    """Everything that came in about the person: what became records, what said the same again, and what nobody read
    yet."""
    found = {row[0] for row in await desk.store.all("privacy.deliveries_of_subjects", subjects=someone.subjects)}
    for source, source_id in someone.members:
        rows = await desk.store.all("privacy.deliveries_of_records", source=source, records=[f"customer/{source_id}"])
        found |= {row[0] for row in rows}
    after = 0
    while page := await desk.store.all("privacy.unread_deliveries", after=after, most=PAGE):
        for number, source, raw in page:
            adapter = desk.registry.sources.get(source)
            region = adapter.source.region if adapter else desk.settings.region
            ids = {pid[1] for pid in someone.members if pid[0] == source}
            if names(msgspec.json.decode(raw), someone.mine, ids, region):
                found.add(number)
        after = page[-1][0]
    return sorted(found)


def names(raw: Any, keys: Iterable[Key], ids: Iterable[str], region: str) -> bool:
    """Whether any text or number in `raw` is one of the keys, however it is written, or one of the ids."""
    emails = {key.value for key in keys if key.kind is KeyKind.email}
    phones = {key.value for key in keys if key.kind is KeyKind.phone}
    wanted = set(ids)
    for leaf in _leaves(raw):
        if leaf in wanted or leaf in emails or leaf in phones:
            return True
        if emails and "@" in leaf and normalise_email(leaf) in emails:
            return True
        if phones and sum(one.isdigit() for one in leaf) >= 5 and normalise_phone(leaf, region) in phones:
            return True
    return False


def _leaves(raw: Any) -> Iterator[str]:
    if isinstance(raw, dict):
        for value in raw.values():
            yield from _leaves(value)
    elif isinstance(raw, list):
        for value in raw:
            yield from _leaves(value)
    elif raw is not None and not isinstance(raw, bool):
        yield str(raw)


async def export(desk: Desk, customer: str) -> dict[str, Any]:
    """Everything held about `customer`, as JSON-able data: records with history, keys, decisions, outcomes, facts.

    Raises NotFound.
    """
    someone = await _find(desk, customer)
    store = desk.store
    versions = await store.all("privacy.versions", subjects=someone.subjects)
    return {
        "customer": customer,
        "profiles": [pid_name(pid) for pid in sorted(someone.members)],
        "keys": sorted(str(key) for key in someone.mine),
        "records": [
            {
                "source": row[0],
                "object": row[1],
                "id": row[2],
                "kind": row[3],
                "effective_at": None if row[4] is None else instant(row[4]),
                "known_at": instant(row[5]),
                "body": msgspec.json.decode(row[6]),
            }
            for row in versions
        ],
        "decisions": [
            {
                "id": row[0],
                "language": row[1],
                "computed_at": instant(row[2]),
                "card": msgspec.json.decode(zlib.decompress(row[3])),
            }
            for row in await store.all("privacy.decisions", customer=customer)
        ],
        "outcomes": [
            dict(zip(_OUTCOME, (row[0], instant(row[1]), *row[2:]), strict=True))
            for row in await store.all("privacy.outcomes", customer=customer)
        ],
        "facts": [
            {
                "kind": row[1],
                "occurred_at": instant(row[3]),
                "known_at": instant(row[4]),
                "origin": row[5],
                "cause": row[6],
                "data": msgspec.json.decode(row[7]),
            }
            for row in await store.all("customers.facts", customer=customer, most=10_000)
        ],
        "seen_by": [
            {"at": instant(row[0]), "actor": row[1], "action": row[2]}
            for row in await store.all("privacy.audit", customer=customer)
        ],
    }


_OUTCOME = (
    "decision",
    "at",
    "kind",
    "result",
    "offer",
    "amount_minor",
    "currency",
    "note",
    "disposition",
    "agent",
)
