"""Who may be one person, though no key says so: looked for behind everything else, and proposed to people.

Every version of a person's record is looked at once, in the order in which they came; whom it is compared with is found
by hashed blocks, so that one customer more costs the same with a hundred thousand others as with ten.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from bridge.errors import Superseded
from bridge.flow.desk import Desk
from bridge.flow.gathering import Makeup, makeups
from bridge.identity.neighbourhood import pid_name, pid_of
from bridge.identity.partition import Pid
from bridge.identity.proposals import Likeness, Portrait, blocks, compare, portray
from bridge.intake.records import Current, decode
from bridge.model import Customer, Key, KeyKind
from bridge.store import Row, Store, Unit, micros

PAGE: Final = 250
"""Versions looked at in one go."""
PAGES: Final = 40
"""So many pages a round; what is left waits for the next one."""
CROWD: Final = 20
"""A block that more records share says nothing of any two of them."""
_MARK: Final = "review"
"""Name of the row in `meta` that holds the number of the version looked at last."""
_OVERLAP: Final = 1_000
"""So many numbers are looked at again on PostgreSQL, where a lower one may be written after a higher one."""
_PAUSE: Final = 0.005

Pair = tuple[Pid, Pid]
"""Two profiles, the lesser one first."""


class Proposal(Struct, frozen=True, kw_only=True):
    """Two profiles of two customers that may be one person."""

    a: Pid
    b: Pid
    likeness: Likeness

    @property
    def id(self) -> str:
        """Always the same for the same two profiles."""
        text = "\x1f".join((*self.a, *self.b))
        return "p_" + blake2b(text.encode(), digest_size=8).hexdigest()


class _Seen(Struct, kw_only=True):
    """Everything that bears on some pairs of profiles."""

    owner: dict[Pid, str] = field(default_factory=dict)
    stored: dict[Pid, tuple[str, int]] = field(default_factory=dict)
    """Of every profile its customer and when it was first seen, as they were read."""
    made: dict[str, Makeup] = field(default_factory=dict)
    told_apart: set[Pair] = field(default_factory=set)
    """Profiles of which a person, or the vendor, said that they are not the same."""
    names: list[str] = field(default_factory=list)
    assertions: list[Row] = field(default_factory=list)
    """What was said of them all, as it was read."""


async def look_for_doubles(desk: Desk, now: datetime, *, pages: int = PAGES) -> int:
    """Look at the next `pages` of records of people that came in; returns how many versions were looked at."""
    store = desk.store
    mark = await store.all("meta.get", name=_MARK)
    after = int(mark[0][0]) if mark else 0
    position = max(0, after - _OVERLAP) if store.engine == "postgres" else after
    seen = 0
    for _ in range(pages):
        rows = await store.all("review.changed", after=position, most=PAGE)
        if not rows:
            break
        position = rows[-1][0]
        unit = Unit()
        unit.guard("meta.get", mark, name=_MARK)
        try:
            await _look_at(desk, {(row[1], row[2]) for row in rows}, now)
            if position > after:
                mark, after = [(str(position),)], position
                unit.add("meta.put", name=_MARK, value=str(position))
                await store.write(unit)
        except Superseded:  # another process is at it, or somebody changed meanwhile: the next round looks again
            break
        seen += len(rows)
        await asyncio.sleep(_PAUSE)
    return seen


async def _look_at(desk: Desk, changed: set[Pid], now: datetime) -> None:
    store = desk.store
    portraits = await _portraits(desk, changed)
    hashed = {pid: {_hash(desk.salt, block): block for block in blocks(one)} for pid, one in portraits.items()}
    await _keep_blocks(store, changed, hashed)
    pairs, crowded = await _meet(store, hashed)
    others = {pid for pair in pairs for pid in pair} - portraits.keys()
    portraits |= await _portraits(desk, others)
    seen = await _survey(store, {*changed, *(pid for pair in pairs for pid in pair)})
    best: dict[frozenset[str], Proposal] = {}
    for a, b in sorted(pairs):
        likeness = _judge(seen, portraits, a, b, crowded)
        if likeness is not None:
            both = frozenset((seen.owner[a], seen.owner[b]))
            if both not in best or best[both].likeness.score < likeness.score:
                best[both] = Proposal(a=a, b=b, likeness=likeness)
    await _write(store, seen, changed, best, now)


async def _portraits(desk: Desk, pids: Iterable[Pid]) -> dict[Pid, Portrait]:
    """Those of the records that are there; what identifies nobody is left out."""
    records: dict[Pid, Customer] = {}
    for source, ids in _by_source(pids).items():
        for row in await desk.store.all("records.current", source=source, object="customer", ids=ids):
            current = Current(**dict(zip(Current.__struct_fields__, row, strict=True)))
            if not current.deleted:
                records[(source, current.source_id)] = decode(current)
    blocked: set[Key] = set()
    said = {
        KeyKind.email: {one for record in records.values() for one in record.emails},
        KeyKind.phone: {one.e164 for record in records.values() for one in record.phones if one.e164},
    }
    for kind, values in said.items():
        rows = await desk.store.all("identity.blocked", kind=kind.value, values=sorted(values)) if values else []
        blocked |= {Key(kind, row[1]) for row in rows}

    def identifies(key: Key) -> bool:
        return key not in blocked and not desk.rules.identity.blocks(key)

    return {pid: portray(pid, record, identifies) for pid, record in records.items()}


def _hash(salt: str, block: str) -> str:
    return blake2b(block.encode(), key=salt.encode()[:64], digest_size=8, person=b"block").hexdigest()


async def _keep_blocks(store: Store, changed: set[Pid], hashed: Mapping[Pid, Mapping[str, str]]) -> None:
    unit = Unit()
    there: set[Pid] = set()
    for source, ids in _by_source(changed).items():
        rows = await store.all("identity.profiles", source=source, ids=ids)
        unit.guard("identity.profiles", rows, source=source, ids=ids)  # who is erased meanwhile leaves nothing behind
        there |= {(row[0], row[1]) for row in rows}
    unit.many("review.drop_tokens", [{"source": pid[0], "source_id": pid[1]} for pid in sorted(changed)])
    unit.many(
        "review.put_token",
        [
            {"token": token, "source": pid[0], "source_id": pid[1]}
            for pid, tokens in sorted(hashed.items())
            if pid in there
            for token in sorted(tokens)
        ],
    )
    await store.write(unit)


async def _meet(store: Store, hashed: Mapping[Pid, Mapping[str, str]]) -> tuple[set[Pair], frozenset[str]]:
    """The pairs that share a block, and the blocks that too many share."""
    words = {token: block for tokens in hashed.values() for token, block in tokens.items()}
    holders: defaultdict[str, list[Pid]] = defaultdict(list)
    if words:
        for token, source, source_id in await store.all("review.holders", tokens=sorted(words), most=CROWD + 1):
            holders[token].append((source, source_id))
    pairs: set[Pair] = set()
    crowded = set()
    for token, held in holders.items():
        if len(held) > CROWD:
            crowded.add(words[token])
            continue
        for mine in held:
            if mine in hashed:
                pairs |= {(min(mine, other), max(mine, other)) for other in held if other != mine}
    return pairs, frozenset(crowded)


async def _survey(store: Store, pids: set[Pid]) -> _Seen:
    seen = _Seen()
    await _read_owners(store, seen, pids)
    seen.made = await makeups(store, set(seen.owner.values()))
    await _read_owners(store, seen, {pid for made in seen.made.values() for pid in made.members} - seen.owner.keys())
    seen.names = sorted(pid_name(pid) for pid in seen.owner)
    seen.assertions = await store.all("identity.assertions", names=seen.names) if seen.names else []
    for _, a, b, same, _ in seen.assertions:
        if not same:
            one, other = pid_of(a), pid_of(b)
            seen.told_apart.add((min(one, other), max(one, other)))
    return seen


async def _read_owners(store: Store, seen: _Seen, pids: set[Pid]) -> None:
    for source, ids in _by_source(pids).items():
        for _, source_id, customer, first_seen in await store.all("identity.profiles", source=source, ids=ids):
            seen.owner[(source, source_id)] = customer
            seen.stored[(source, source_id)] = (customer, first_seen)


def _judge(seen: _Seen, portraits: Mapping[Pid, Portrait], a: Pid, b: Pid, crowded: frozenset[str]) -> Likeness | None:
    mine, yours = seen.owner.get(a), seen.owner.get(b)
    if a not in portraits or b not in portraits or mine is None or yours is None or mine == yours:
        return None
    made, other = seen.made[mine], seen.made[yours]
    if any((min(one, two), max(one, two)) in seen.told_apart for one in made.members for two in other.members):
        return None
    ids, other_ids = _ids(made), _ids(other)
    apart = {system for system in ids.keys() & other_ids.keys() if not ids[system] & other_ids[system]}
    return compare(portraits[a], portraits[b], apart=frozenset(apart), crowded=crowded)


def _ids(made: Makeup) -> dict[str, set[str]]:
    """By system the ids under which it knows the customer, or others say that it does."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for source, source_id in made.members:
        found[source].add(source_id)
    for key in made.keys:
        if key.kind is KeyKind.id:
            system, _, number = key.value.partition(":")
            found[system].add(number)
    return found


async def _write(
    store: Store, seen: _Seen, changed: set[Pid], best: dict[frozenset[str], Proposal], now: datetime
) -> None:
    """One open proposal for two customers: the one with the highest score. Those that no longer hold go."""
    unit = Unit()
    standing = {}
    for source, ids in _by_source(seen.owner).items():
        for row in await store.all("review.open_of", source=source, ids=ids):
            standing[row[0]] = row
    for id, a_source, a_id, b_source, b_id, score in sorted(standing.values()):
        a, b = (a_source, a_id), (b_source, b_id)
        both = frozenset((seen.owner.get(a, ""), seen.owner.get(b, "")))
        if len(both) == 1:  # one customer by now: asked again should they be split
            continue
        found = best.get(both)
        if found is not None and found.id != id and not {a, b} & changed and score >= found.likeness.score:
            del best[both]
        elif (found is None and {a, b} & changed) or (found is not None and found.id != id):
            unit.add("review.drop_open", id=id)
    unit.many("review.put", [_row(one, now) for one in best.values()])
    if unit.steps:
        for source, ids in _by_source(seen.owner).items():
            rows = [(source, one, *seen.stored[(source, one)]) for one in ids if (source, one) in seen.stored]
            unit.guard("identity.profiles", rows, source=source, ids=ids)
        # whom somebody tells apart at this moment is not proposed again
        unit.guard("identity.assertions", seen.assertions, names=seen.names)
        await store.write(unit)


def _row(one: Proposal, now: datetime) -> dict[str, Any]:
    return {
        "id": one.id,
        "a_source": one.a[0],
        "a_id": one.a[1],
        "b_source": one.b[0],
        "b_id": one.b[1],
        "score": one.likeness.score,
        "evidence": msgspec.json.encode(one.likeness.signs).decode(),
        "found_at": micros(now),
    }


def _by_source(pids: Iterable[Pid]) -> dict[str, list[str]]:
    grouped: defaultdict[str, list[str]] = defaultdict(list)
    for source, source_id in pids:
        grouped[source].append(source_id)
    return {source: sorted(ids) for source, ids in sorted(grouped.items())}
