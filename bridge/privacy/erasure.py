"""Erasure: everything about one person goes, in one transaction; what is left is a receipt and keyed hashes.

By the hashes a later sync, or a restored backup, recognises the person and keeps nothing (see `lasting`).
"""

from __future__ import annotations

import asyncio
import os
import secrets
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from bridge.automation.outbox import enqueue
from bridge.errors import Superseded
from bridge.flow.concluding import conclude
from bridge.flow.desk import Desk
from bridge.identity.neighbourhood import pid_name
from bridge.identity.partition import Profile
from bridge.identity.suppression import suppression
from bridge.privacy.traces import Traces, find
from bridge.store import Unit, micros

ATTEMPTS = 5
_COUNTED = [
    *"records decisions former_decisions facts outbox runs loops links".split(),
    *"outcomes grants dips predictions exposures surveys audit".split(),
]
_TABLES = [
    *"loop_lessons loop_events loops decisions log facts outbox runs run_steps links outcomes grants".split(),
    *"dips predictions exposures surveys merges audit customers".split(),
]


async def erase(desk: Desk, customer: str, *, by: str, now: datetime) -> dict[str, Any]:
    """Erase `customer` and return the receipt: its id, when, and how many rows of what. Raises NotFound.

    Records and their history, raw deliveries, decisions, outcomes, facts, what is still to be sent and who looked at
    it are removed; systems whose adapter can erase are asked to through the outbox. Accounts and their contracts stay:
    they are not a person's. Whoever shares a key with the person is looked at again, as if the person had never been.
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
    rows = await desk.store.all("customers.versions", ids=[customer])
    unit.guard("customers.versions", rows, ids=[customer])
    found = await find(desk, customer)
    hashes = sorted({suppression(desk.salt, str(key)) for key in found.mine})
    receipt = await _receipt(desk, found, hashes, now)
    receipt["suppressed_keys"] = len(hashes)
    unit.many("privacy.suppress", [{"hash": one, "at": micros(now)} for one in hashes])
    unit.many("privacy.blank_delivery", [{"id": one, "error": "erased"} for one in found.deliveries])
    gone = {pid: Profile(pid=pid, first_seen=0, keys={}) for pid in found.members}
    await conclude(desk, unit, {}, changed=gone, now=now, defer=False)
    _drop(desk, unit, found, number=receipt["receipt"], now=now)
    unit.add("privacy.drop_links_to", hashes=hashes)
    detail = msgspec.json.encode(receipt).decode()
    unit.add(
        "access.audit", at=micros(now), actor=by, action="privacy.erase", subject=receipt["receipt"], detail=detail
    )
    if desk.settings.suppression_path is not None:
        # Before the commit: should this process die between the two, the next start finishes what was asked for.
        await asyncio.to_thread(_remember, desk.settings.suppression_path, hashes)
    await desk.store.write(unit)
    return receipt


async def _receipt(desk: Desk, found: Traces, hashes: list[str], now: datetime) -> dict[str, Any]:
    rows = await desk.store.all(
        "privacy.count_all", subjects=found.subjects, customers=found.customers, seen=_seen(found), hashes=hashes
    )
    counts = dict(zip(_COUNTED, rows[0], strict=True))
    counts |= {
        "profiles": len(found.members),
        "record_versions": len(found.versions),
        "deliveries": len(found.deliveries),
    }
    return {"receipt": "e_" + secrets.token_hex(8), "erased_at": now, "counts": dict(sorted(counts.items()))}


def _seen(found: Traces) -> list[str]:
    """How the audit trail calls the customer."""
    return [f"customer:{one}" for one in found.customers]


def _drop(desk: Desk, unit: Unit, found: Traces, *, number: str, now: datetime) -> None:
    for source, source_id in found.members:
        for table in ("identities", "memberships", "match_tokens", "proposals", "profiles"):
            unit.add(f"privacy.drop_{table}", source=source, source_id=source_id)
        adapter = desk.registry.sources.get(source)
        if adapter is not None and "erase" in adapter.manifest.capabilities:
            # Without the customer, so that the order to erase outlives what it erases.
            key, args = f"{number}:{source}:{source_id}", {"customer": source_id}
            enqueue(unit, dedupe_key=key, source=source, action="erase", args=args, now=now)
    unit.add("privacy.drop_assertions", names=[pid_name(pid) for pid in found.members])
    unit.add("privacy.drop_versions", ids=found.versions)
    unit.add("privacy.drop_records", subjects=found.subjects)
    unit.add("privacy.drop_outbox_to", addresses=found.subjects)
    unit.add("privacy.drop_keys", customers=found.customers)
    for table in _TABLES:
        unit.add(f"privacy.drop_{table}", customers=_seen(found) if table == "audit" else found.customers)


def _remember(path: Path, hashes: list[str]) -> None:
    """Keep the hashes beside the database too, on disk, where a restored backup cannot take them away."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="ascii") as file:
        file.writelines(f"{one}\n" for one in hashes)
        file.flush()
        os.fsync(file.fileno())
