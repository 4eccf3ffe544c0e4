"""Everything that can bear on who a few profiles are: read from the store until nothing new turns up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct, field

from bridge.identity.partition import Assertion, Pid, Profile
from bridge.identity.rules import IdentityRules
from bridge.model import Key, KeyKind
from bridge.store import Store, Unit

MOST_HOLDERS = 50
"""Holders of one key that are read; more are counted as this many."""


class Neighbourhood(Struct, kw_only=True):
    """`profiles` are complete (every link among them is here); `holders` also names those beyond keys that never
    link."""

    profiles: dict[Pid, Profile] = field(default_factory=dict)
    owner: dict[Pid, str] = field(default_factory=dict)
    """The customer each profile belongs to in the store."""
    accounts: dict[Pid, frozenset[str]] = field(default_factory=dict)
    holders: dict[Key, dict[Pid, bool]] = field(default_factory=dict)
    unlinked: set[Key] = field(default_factory=set)
    assertions: list[Assertion] = field(default_factory=list)
    stored_keys: dict[Pid, dict[Key, bool]] = field(default_factory=dict)
    stored_accounts: dict[Pid, frozenset[str]] = field(default_factory=dict)


def pid_name(pid: Pid) -> str:
    """How an assertion names a profile."""
    return f"{pid[0]}:{pid[1]}"


def pid_of(name: str) -> Pid:
    """The profile that `pid_name` made `name` of."""
    source, _, source_id = name.partition(":")
    return (source, source_id)


async def survey(
    store: Store,
    unit: Unit,
    rules: IdentityRules,
    *,
    changed: Mapping[Pid, Profile],
    touched: Iterable[Pid] = (),
    asserted: Iterable[Assertion] = (),
    undone: frozenset[str] = frozenset(),
    blocked: frozenset[Key] = frozenset(),
    unblocked: frozenset[Key] = frozenset(),
) -> Neighbourhood:
    """The neighbourhood of `changed` (profiles as they will be), `touched` and all profiles that `asserted` names.

    What is read is guarded in `unit`. `undone` are ids of assertions, `blocked` and `unblocked` keys, that the same
    unit changes.
    """
    found = Neighbourhood()
    new = list(asserted)
    wanted: set[Pid] = {*changed, *touched, *(pid for one in new for pid in (one.a, one.b))}
    asserted_rows: dict[str, tuple[Any, ...]] = {}
    while wanted:
        await _read_profiles(store, unit, found, wanted, changed)
        rows = await _guarded(store, unit, "identity.assertions", names=sorted(pid_name(pid) for pid in wanted))
        asserted_rows |= {row[0]: row for row in rows if row[0] not in undone}
        near = {pid_of(name) for row in rows for name in (row[1], row[2])}
        keys = {key for pid in wanted for key in (*found.profiles[pid].keys, *found.stored_keys.get(pid, ()))}
        near |= await _read_holders(
            store, unit, found, rules, keys - found.holders.keys(), changed, blocked=blocked, unblocked=unblocked
        )
        wanted = near - found.profiles.keys()
    outer = {pid for held in found.holders.values() for pid in held} - found.profiles.keys()
    await _read_owners(store, unit, found, outer)
    found.assertions = [
        Assertion(pid_of(row[1]), pid_of(row[2]), bool(row[3]))
        for row in sorted(asserted_rows.values(), key=lambda row: (row[4], row[0]))
    ] + new
    return found


async def _guarded(store: Store, unit: Unit, statement: str, **params: Any) -> list[tuple[Any, ...]]:
    rows = await store.all(statement, **params)
    unit.guard(statement, rows, **params)
    return rows


def _by_source(pids: Iterable[Pid]) -> dict[str, list[str]]:
    grouped: defaultdict[str, list[str]] = defaultdict(list)
    for source, source_id in pids:
        grouped[source].append(source_id)
    return {source: sorted(ids) for source, ids in sorted(grouped.items())}


async def _read_profiles(
    store: Store, unit: Unit, found: Neighbourhood, wanted: set[Pid], changed: Mapping[Pid, Profile]
) -> None:
    for source, ids in _by_source(wanted).items():
        first_seen: dict[Pid, int] = {}
        for _, source_id, customer, seen in await _guarded(store, unit, "identity.profiles", source=source, ids=ids):
            found.owner[(source, source_id)] = customer
            first_seen[(source, source_id)] = seen
        keys: defaultdict[Pid, dict[Key, bool]] = defaultdict(dict)
        for kind, value, _, source_id, shared in await _guarded(
            store, unit, "identity.keys_of", source=source, ids=ids
        ):
            keys[(source, source_id)][Key(KeyKind(kind), value)] = bool(shared)
        accounts: defaultdict[Pid, set[str]] = defaultdict(set)
        for account, _, source_id in await _guarded(store, unit, "identity.accounts_of", source=source, ids=ids):
            accounts[(source, source_id)].add(account)
        for source_id in ids:
            pid = (source, source_id)
            found.stored_keys[pid] = dict(keys[pid])
            found.stored_accounts[pid] = frozenset(accounts[pid])
            stored = Profile(
                pid=pid,
                first_seen=first_seen.get(pid, _NEVER),
                keys=keys[pid],
                accounts=found.stored_accounts[pid],
            )
            now = changed.get(pid, stored)
            if pid in first_seen and now is not stored:
                now = Profile(pid=pid, first_seen=first_seen[pid], keys=now.keys, accounts=now.accounts)
            found.profiles[pid] = now
            found.accounts[pid] = now.accounts


_NEVER = 1 << 62
"""First seen of a profile that is only spoken of: it never gives a customer its id."""


async def _read_holders(
    store: Store,
    unit: Unit,
    found: Neighbourhood,
    rules: IdentityRules,
    keys: set[Key],
    changed: Mapping[Pid, Profile],
    *,
    blocked: frozenset[Key],
    unblocked: frozenset[Key],
) -> set[Pid]:
    """Read who holds `keys`; returns the profiles behind those that may link."""
    near: set[Pid] = set()
    for kind in KeyKind:
        values = sorted(key.value for key in keys if key.kind is kind)
        if not values:
            continue
        refused = {row[1] for row in await _guarded(store, unit, "identity.blocked", kind=kind.value, values=values)}
        held: dict[Key, dict[Pid, bool]] = {Key(kind, value): {} for value in values}
        rows = await _guarded(store, unit, "identity.holders", kind=kind.value, values=values, most=MOST_HOLDERS)
        for _, value, source, source_id, shared in rows:
            if (source, source_id) not in changed:
                held[Key(kind, value)][(source, source_id)] = bool(shared)
        for pid, profile in changed.items():
            for key in profile.keys.keys() & held.keys():
                held[key][pid] = profile.keys[key]
        for key, pids in held.items():
            found.holders[key] = pids
            stopped = (key.value in refused and key not in unblocked) or key in blocked or rules.blocks(key)
            if stopped:
                found.unlinked.add(key)
            elif len(pids) <= rules.max_profiles_per_key and not any(pids.values()):
                near |= pids.keys()
    return near


async def _read_owners(store: Store, unit: Unit, found: Neighbourhood, pids: set[Pid]) -> None:
    for source, ids in _by_source(pids).items():
        for _, source_id, customer, _ in await store.all("identity.profiles", source=source, ids=ids):
            found.owner[(source, source_id)] = customer
        accounts: defaultdict[Pid, set[str]] = defaultdict(set)
        for account, _, source_id in await store.all("identity.accounts_of", source=source, ids=ids):
            accounts[(source, source_id)].add(account)
        for source_id in ids:
            found.accounts[(source, source_id)] = frozenset(accounts[(source, source_id)])
