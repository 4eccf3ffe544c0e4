"""Who is who after this change: profiles grouped anew, and the rows in which that differs from the store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct, field

from bridge.identity.keys import Holder, Standing, key_row
from bridge.identity.neighbourhood import Neighbourhood
from bridge.identity.partition import Pid, Profile, partition
from bridge.identity.rules import IdentityRules
from bridge.intake.records import Current, decode
from bridge.model import Customer, Key, KeyKind
from bridge.store import Unit

_NOBODY = 1 << 62


class Regrouped(Struct, kw_only=True):
    """`owner` holds for every profile of the neighbourhood, `members` for every customer in it that still has some."""

    owner: dict[Pid, str] = field(default_factory=dict)
    members: dict[str, frozenset[Pid]] = field(default_factory=dict)
    created: dict[str, int] = field(default_factory=dict)
    """New customers and when they were first seen."""
    absorbed: dict[str, str] = field(default_factory=dict)
    """Customers that end in another one."""
    revived: set[str] = field(default_factory=set)
    """Customers that were part of another one and stand alone again."""


def profile_of(current: Current, known_at: int) -> Profile:
    """The profile that a vendor's person record makes: its keys and accounts; none for a deleted record."""
    pid = (current.source, current.source_id)
    if current.deleted:
        return Profile(pid=pid, first_seen=known_at, keys={})
    customer: Customer = decode(current)
    keys: dict[Key, bool] = {Key(KeyKind.id, f"{pid[0]}:{pid[1]}"): False}
    for email in customer.emails:
        keys[Key(KeyKind.email, email)] = False
    for phone in customer.phones:
        if phone.e164:
            key = Key(KeyKind.phone, phone.e164)
            keys[key] = keys.get(key, False) or phone.shared
    for system, number in customer.external_ids.items():
        keys[Key(KeyKind.id, f"{system}:{number}")] = False
    accounts = frozenset(f"account:{pid[0]}:{account}" for account in customer.accounts)
    return Profile(pid=pid, first_seen=known_at, keys=keys, accounts=accounts)


def regroup(found: Neighbourhood, rules: IdentityRules) -> Regrouped:
    """The customers of the neighbourhood as they are after the change."""
    result = Regrouped()
    groups = partition(
        found.profiles,
        found.assertions,
        unlinked=frozenset(found.unlinked),
        max_holders=rules.max_profiles_per_key,
    )
    for group in groups:
        members = frozenset(pid for pid in group.members if found.profiles[pid].first_seen < _NOBODY)
        if members:
            result.members[group.customer] = members
            result.owner |= dict.fromkeys(members, group.customer)
    existing = set(found.owner.values())
    for customer, members in result.members.items():
        if customer not in existing:
            result.created[customer] = min(found.profiles[pid].first_seen for pid in members)
    for customer in {found.owner[pid] for pid in result.owner if pid in found.owner} - result.members.keys():
        heirs = sorted(result.owner[pid] for pid in result.owner if found.owner.get(pid) == customer)
        result.absorbed[customer] = heirs[0]
    result.revived = {
        result.owner[pid] for pid in result.owner if pid in found.owner and found.owner[pid] != result.owner[pid]
    } - result.absorbed.keys()
    return result


def write_groups(unit: Unit, found: Neighbourhood, result: Regrouped, changed: Iterable[Pid], now: int) -> set[str]:
    """Add the rows of profiles, keys and memberships that differ; returns the customers who won or lost a profile.

    A profile that is new and alone is no such thing: nobody was merged.
    """
    affected: set[str] = set()
    keys: list[dict[str, Any]] = []
    accounts: list[dict[str, Any]] = []
    profiles: list[dict[str, Any]] = []
    for pid in sorted(set(changed) & result.owner.keys()):
        profile = found.profiles[pid]
        keys += _changed_keys(unit, pid, found.stored_keys.get(pid, {}), profile.keys)
        accounts += _new_accounts(unit, pid, found.stored_accounts.get(pid, frozenset()), profile.accounts)
    for pid, customer in sorted(result.owner.items()):
        before = found.owner.get(pid)
        if before == customer:
            continue
        source, source_id = pid
        seen = found.profiles[pid].first_seen
        profiles.append({"source": source, "source_id": source_id, "customer": customer, "first_seen": seen})
        if customer not in result.created or len(result.members[customer]) > 1:
            affected.add(customer)
        if before is not None:
            kind = "merged" if before in result.absorbed else "split"
            evidence = msgspec.json.encode({"profile": f"{source}:{source_id}"}).decode()
            unit.add("identity.log_merge", at=now, kind=kind, survivor=customer, absorbed=before, evidence=evidence)
            if before in result.members:
                affected.add(before)
    unit.many("identity.put_key", keys)
    unit.many("identity.put_member", accounts)
    unit.many("identity.put_profile", profiles)
    return affected


def _changed_keys(unit: Unit, pid: Pid, before: Mapping[Key, bool], after: Mapping[Key, bool]) -> list[dict[str, Any]]:
    for key in sorted(before.keys() - after.keys()):
        unit.add("identity.drop_key", kind=key.kind.value, value=key.value, source=pid[0], source_id=pid[1])
    return [
        {"kind": key.kind.value, "value": key.value, "source": pid[0], "source_id": pid[1], "shared": int(shared)}
        for key, shared in sorted(after.items())
        if before.get(key) is not shared
    ]


def _new_accounts(unit: Unit, pid: Pid, before: frozenset[str], after: frozenset[str]) -> list[dict[str, Any]]:
    for account in sorted(before - after):
        unit.add("identity.drop_member", account=account, source=pid[0], source_id=pid[1])
    return [{"account": account, "source": pid[0], "source_id": pid[1]} for account in sorted(after - before)]


def key_rows(
    found: Neighbourhood, result: Regrouped, standing: Mapping[str, Standing], keys: Iterable[Key] | None = None
) -> dict[Key, dict[str, Any] | None]:
    """The answer row of every key in the neighbourhood, or of `keys` alone; None where nobody holds it any more."""
    rows: dict[Key, dict[str, Any] | None] = {}
    for key in found.holders if keys is None else keys:
        held = found.holders[key]
        holders = [
            Holder(result.owner.get(pid) or found.owner.get(pid, ""), found.accounts.get(pid, frozenset()), shared)
            for pid, shared in sorted(held.items())
        ]
        rows[key] = key_row(
            key,
            [one for one in holders if one.customer],
            unlinked=key in found.unlinked,
            standing=standing,
        )
    return rows


def exact_keys(rows: Mapping[Key, dict[str, Any] | None]) -> dict[str, set[Key]]:
    """Customer → the keys that mean that customer and nobody else."""
    exact: defaultdict[str, set[Key]] = defaultdict(set)
    for key, row in rows.items():
        if row is not None and row["match"] == "exact":
            exact[row["customer"]].add(key)
    return exact
