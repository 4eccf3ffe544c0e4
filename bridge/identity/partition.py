"""Whose records belong together: a pure function of profiles, their keys and what people and vendors assert.

Nothing is remembered between two calls, so a merge that is undone leaves no trace, and the order in which records
arrived does not matter. The rules, strongest first:

1. What a person or the vendor asserts to be the same is the same; what is asserted to differ never ends up together.
2. A key links the profiles that hold it, unless it is blocked, shared, held by too many, or held by two different
   people of one system: then it links nobody.
3. If links chain two different people of one system together (or two that are asserted to differ), the weakest kind of
   link is dropped for that group: phones first, then e-mails, then ids.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from itertools import combinations

from msgspec import Struct, field

from bridge.model import Key, KeyKind

Pid = tuple[str, str]
"""A profile: source and id there."""


class Profile(Struct, frozen=True, kw_only=True):
    """One vendor's record of a person. `keys` says which of its keys the vendor calls shared; `first_seen` in µs."""

    pid: Pid
    first_seen: int
    keys: Mapping[Key, bool]
    accounts: frozenset[str] = frozenset()

    @property
    def leaf(self) -> str:
        """The customer id that this profile would have alone."""
        return leaf(self.pid)


class Assertion(Struct, frozen=True):
    """`a` and `b` are the same person, or are not. Later ones stand later in the list and win."""

    a: Pid
    b: Pid
    same: bool


class Group(Struct, frozen=True):
    """Profiles that are one customer. Its id is that of the profile known longest."""

    customer: str
    members: frozenset[Pid]


def leaf(pid: Pid) -> str:
    """`c_` and 16 hex digits."""
    return "c_" + blake2b("\x1f".join(pid).encode(), digest_size=8).hexdigest()


def partition(
    profiles: Mapping[Pid, Profile], assertions: Iterable[Assertion], *, unlinked: frozenset[Key], max_holders: int
) -> list[Group]:
    """The customers that `profiles` make up. `unlinked` are keys that never link (blocked by configuration or
    people)."""
    same, different = _settle_assertions(profiles, assertions)
    base = _components(profiles, same)
    unit = {pid: number for number, members in enumerate(base) for pid in members}
    ids = [_strong_ids(profiles[pid] for pid in members) for members in base]
    links = _links(profiles, unit, ids, unlinked, max_holders)
    groups: list[Group] = []
    for members in _settle(list(profiles), same, links, unit, ids, different, level=3):
        oldest = min(members, key=lambda pid: (profiles[pid].first_seen, profiles[pid].leaf))
        groups.append(Group(profiles[oldest].leaf, members))
    return groups


def linking(holders: Iterable[Profile], key: Key, *, unlinked: frozenset[Key], max_holders: int) -> bool:
    """Whether `key` may link at all, before systems are compared: not blocked, not shared, not held by too many."""
    held = list(holders)
    return key not in unlinked and len(held) <= max_holders and not any(one.keys[key] for one in held)


_LEVELS = {KeyKind.id: 1, KeyKind.email: 2, KeyKind.phone: 3}


def _links(
    profiles: Mapping[Pid, Profile],
    unit: Mapping[Pid, int],
    ids: list[dict[str, _Ids]],
    unlinked: frozenset[Key],
    max_holders: int,
) -> list[tuple[int, frozenset[Pid]]]:
    holders: defaultdict[Key, list[Profile]] = defaultdict(list)
    for profile in profiles.values():
        for key in profile.keys:
            holders[key].append(profile)
    links: list[tuple[int, frozenset[Pid]]] = []
    for key, held in holders.items():
        if len(held) < 2 or not linking(held, key, unlinked=unlinked, max_holders=max_holders):
            continue
        if not _clash({unit[one.pid] for one in held}, ids):
            links.append((_LEVELS[key.kind], frozenset(one.pid for one in held)))
    return links


def _settle(
    members: list[Pid],
    same: list[frozenset[Pid]],
    links: list[tuple[int, frozenset[Pid]]],
    unit: Mapping[Pid, int],
    ids: list[dict[str, _Ids]],
    different: list[frozenset[Pid]],
    *,
    level: int,
) -> list[frozenset[Pid]]:
    inside = set(members)
    edges = [pair for pair in same if pair <= inside]
    edges += [held & inside for strength, held in links if strength <= level and len(held & inside) > 1]
    settled: list[frozenset[Pid]] = []
    for component in _components(members, edges):
        wrong = _clash({unit[pid] for pid in component}, ids) or any(pair <= component for pair in different)
        if wrong and level > 0:
            settled += _settle(sorted(component), same, links, unit, ids, different, level=level - 1)
        else:
            settled.append(component)
    return settled


class _Ids(Struct):
    """What one unit is in one system: the ids it has or says it has, and whether one of them is a record of its own."""

    named: set[str] = field(default_factory=set)
    own: bool = False


def _strong_ids(profiles: Iterable[Profile]) -> dict[str, _Ids]:
    ids: defaultdict[str, _Ids] = defaultdict(_Ids)
    for profile in profiles:
        ids[profile.pid[0]].named.add(profile.pid[1])
        ids[profile.pid[0]].own = True
        for key in profile.keys:
            if key.kind is KeyKind.id:
                system, _, number = key.value.partition(":")
                ids[system].named.add(number)
    return ids


def _clash(units: set[int], ids: list[dict[str, _Ids]]) -> bool:
    """True when two of `units` are different people of one system."""
    if len(units) < 2:
        return False
    by_system: defaultdict[str, list[_Ids]] = defaultdict(list)
    for number in units:
        for system, mine in ids[number].items():
            by_system[system].append(mine)
    return any(
        (one.own and other.own) or not (one.named & other.named)
        for some in by_system.values()
        for one, other in combinations(some, 2)
    )


def _settle_assertions(
    profiles: Mapping[Pid, Profile], assertions: Iterable[Assertion]
) -> tuple[list[frozenset[Pid]], list[frozenset[Pid]]]:
    """The assertions that hold, newest first: an older one that contradicts newer ones is left out."""
    group: dict[Pid, set[Pid]] = {}
    same: list[frozenset[Pid]] = []
    different: list[frozenset[Pid]] = []
    for assertion in reversed(list(assertions)):
        a, b = assertion.a, assertion.b
        if a not in profiles or b not in profiles or a == b:
            continue
        mine, yours = group.setdefault(a, {a}), group.setdefault(b, {b})
        if not assertion.same:
            if mine is not yours:
                different.append(frozenset((a, b)))
        elif mine is not yours and not any(pair <= mine | yours for pair in different):
            mine |= yours
            for pid in yours:
                group[pid] = mine
            same.append(frozenset((a, b)))
    return same, different


def _components(members: Iterable[Pid], edges: Iterable[frozenset[Pid]]) -> list[frozenset[Pid]]:
    parent: dict[Pid, Pid] = {pid: pid for pid in members}

    def root(pid: Pid) -> Pid:
        while parent[pid] != pid:
            parent[pid] = parent[parent[pid]]
            pid = parent[pid]
        return pid

    for edge in edges:
        first, *others = edge
        for other in others:
            parent[root(other)] = root(first)
    groups: defaultdict[Pid, set[Pid]] = defaultdict(set)
    for pid in parent:
        groups[root(pid)].add(pid)
    return [frozenset(group) for group in groups.values()]
