"""What follows from a change: who is who, what is decided for whom, what happened; as rows of one unit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from bridge.automation.triggering import trigger
from bridge.decisions import Prepared, decide
from bridge.facts import Fact, FactKind, Origin
from bridge.flow import noticing
from bridge.flow.desk import Desk
from bridge.flow.folding import Change
from bridge.flow.gathering import Makeup, makeups, owners, views
from bridge.flow.granting import running_grants
from bridge.flow.joining import Regrouped, exact_keys, key_rows, regroup, write_groups
from bridge.flow.looping import follow, now_satisfied
from bridge.flow.tagging import hear_tags
from bridge.identity.keys import Standing
from bridge.identity.neighbourhood import Neighbourhood, survey
from bridge.identity.partition import Assertion, Pid, Profile
from bridge.intake.records import Name
from bridge.model import Key, KeyKind
from bridge.scoring.view import View
from bridge.store import Row, Unit, instant, micros

OTHER_RULES = timedelta(minutes=5)
"""How long a decision stands that was made by other rules than the worker's: this process, or the worker, is about to
be replaced by one with the new configuration."""
_NEVER = 1 << 62
_RANK = {Origin.live: 0, Origin.refresh: 1, Origin.merge: 2, Origin.remap: 3, Origin.replay: 4, Origin.first_import: 5}

KeyRows = dict[Key, dict[str, Any] | None]


async def conclude(
    desk: Desk,
    unit: Unit,
    changes: Mapping[Name, Change],
    *,
    now: datetime,
    changed: Mapping[Pid, Profile] | None = None,
    touched: Iterable[Pid] = (),
    asserted: Iterable[Assertion] = (),
    undone: frozenset[str] = frozenset(),
    blocked: frozenset[Key] = frozenset(),
    unblocked: frozenset[Key] = frozenset(),
    customers: Mapping[str, Origin] | None = None,
    defer: bool = True,
) -> set[str]:
    """Add to `unit` all that follows; returns the customers it bears on.

    `changes` are records that changed, `changed` the profiles among them; `customers` are to be decided anew for the
    origin given. With `defer`, customers that only a first import bears on are left due for refresh: the import reads
    three files that bear on everybody, and deciding once at its end is enough.
    """
    found, regrouped, rows = Neighbourhood(), Regrouped(), KeyRows()
    stored_keys: list[Row] = []
    origins: dict[str, Origin] = dict(customers or {})
    pids = [*(changed or {}), *touched, *(pid for one in asserted for pid in (one.a, one.b))]
    if pids:
        found = await survey(
            desk.store,
            unit,
            desk.rules.identity,
            changed=changed or {},
            touched=touched,
            asserted=asserted,
            undone=undone,
            blocked=blocked,
            unblocked=unblocked,
        )
        regrouped = regroup(found, desk.rules.identity)
        rows = key_rows(found, regrouped, {})
        stored_keys = await _stored_keys(desk, rows)
        moved = write_groups(unit, found, regrouped, changed or {}, micros(now)) | _lost_keys(stored_keys, rows)
        for customer in moved:
            _raise(origins, customer, Origin.merge)
        for (source, kind, source_id), change in changes.items():
            if kind == "customer" and (source, source_id) in regrouped.owner:
                _raise(origins, regrouped.owner[(source, source_id)], desk.origin_of(change))
    known = {key: row["customer"] or None if row else None for key, row in rows.items()}
    subjects = {side.subject for one in changes.values() for side in (one.before, one.after) if side and side.subject}
    owned, later = await owners(desk.store, unit, sorted(subjects), known)
    for change in changes.values():
        for customer in _bearing(change, owned):
            _raise(origins, customer, desk.origin_of(change))
    for customer in regrouped.absorbed:
        origins.pop(customer, None)
        _retire(unit, customer, regrouped.absorbed[customer], now)
    if later - origins.keys():
        least_live = max((desk.origin_of(one) for one in changes.values()), key=_RANK.__getitem__)
        unit.add("customers.touch", ids=sorted(later - origins.keys()), due_at=0, due_origin=least_live.value)
    stored = await _stored(desk, unit, origins, regrouped)
    deferred = _deferred(desk, changes, owned, origins) if defer else set()
    put = [
        _customer(customer, regrouped, stored, now, due_at=0, origin=Origin.first_import)
        for customer in sorted(deferred)
    ]
    decided = sorted(origins.keys() - deferred)
    await desk.keep_up(unit)
    made = await _makeups(desk, decided, found, regrouped, rows)
    facts: list[Fact] = []
    prepared: dict[str, Prepared] = {}
    seen_now: dict[str, View] = {}
    before = await _decisions(desk, decided)
    granted = await running_grants(desk.store, decided, regrouped.absorbed)
    for customer, seen in (
        await views(desk.store, unit, made, {name: one.after for name, one in changes.items()}, desk.rules.identity)
    ).items():
        if not made[customer].members or not seen.profiles:
            _forget(unit, customer, now)
            put.append(_customer(customer, regrouped, stored, now, due_at=_NEVER))
            continue
        one = decide(
            desk.rules.deciding,
            seen,
            now=now,
            fitted=desk.fitted,
            granted=granted.get(customer, {}),
            policies=desk.policies,
        )
        prepared[customer] = one
        seen_now[customer] = seen
        facts += _supersede(unit, one, before.get(customer, []), origins[customer], now)
        due_at, why = _next_due(desk, one, now)
        put.append(_customer(customer, regrouped, stored, now, due_at=micros(due_at), origin=why))
    if unscored := [customer for customer, one in prepared.items() if one.probability is None]:
        unit.add("predictions.drop", customers=unscored)  # of who objects nothing that was said is kept
    unit.many("customers.put_decision", [row for one in prepared.values() for row in one.rows()])
    unit.many("customers.put", put)
    for change in changes.values():
        for customer in sorted(_bearing(change, owned)):  # a fact of an account is noted of one: always the same
            origin = desk.origin_of(change)
            facts += noticing.from_change(change.before, change.after, customer=customer, known_at=now, origin=origin)
        if desk.origin_of(change) is Origin.live:
            bearing = _bearing(change, owned)
            facts += await hear_tags(desk.store, unit, change.before, change.after, bearing, now)
    noted = list({fact.id: fact for fact in facts}.values())
    noted += await follow(desk, unit, seen_now, noted, now, regrouped.absorbed, now_satisfied(changes))
    unit.many("customers.add_fact", [fact_row(fact) for fact in noted])
    await trigger(desk.store, unit, desk.armed, noted, live_since=desk.live_since, now=now)
    await _write_keys(desk, unit, found, regrouped, rows, stored_keys, prepared, before, made)
    unit.wake.add("customers")
    return set(origins)


def _raise(origins: dict[str, Origin], customer: str, origin: Origin) -> None:
    """Of several causes the least live one counts: nobody is written to because of half an import."""
    if _RANK[origin] >= _RANK[origins.get(customer, Origin.live)]:
        origins[customer] = origin


def _bearing(change: Change, owned: Mapping[str, list[str]]) -> set[str]:
    sides = [side.subject for side in (change.before, change.after) if side is not None]
    return {customer for subject in sides for customer in owned.get(subject, ())}


def _deferred(
    desk: Desk, changes: Mapping[Name, Change], owned: Mapping[str, list[str]], origins: Mapping[str, Origin]
) -> set[str]:
    """Customers that only a first import bears on."""
    live = [change for change in changes.values() if desk.origin_of(change) is Origin.live]
    news = {customer for change in live for customer in _bearing(change, owned)}
    return {one for one, origin in origins.items() if origin is Origin.first_import} - news


def _lost_keys(stored: Iterable[Row], rows: KeyRows) -> set[str]:
    """Customers who alone had a key that now means somebody else, or nobody, and the other way round."""
    affected: set[str] = set()
    for row in stored:
        new = rows[Key(KeyKind(row[0]), row[1])]
        after = new["customer"] if new else ""
        if after != row[3]:
            affected |= {row[3], after} - {""}
    return affected


async def _stored_keys(desk: Desk, rows: Iterable[Key]) -> list[Row]:
    by_kind: defaultdict[str, list[str]] = defaultdict(list)
    for key in rows:
        by_kind[key.kind.value].append(key.value)
    found: list[Row] = []
    for kind, values in sorted(by_kind.items()):
        found += await desk.store.all("customers.keys", kind=kind, values=sorted(values))
    return found


async def _stored(desk: Desk, unit: Unit, origins: Mapping[str, Origin], regrouped: Regrouped) -> dict[str, Row]:
    ids = sorted({*origins, *regrouped.absorbed})
    rows = await desk.store.all("customers.versions", ids=ids)
    unit.guard("customers.versions", rows, ids=ids)
    return {row[0]: row for row in rows}


def _customer(
    customer: str,
    regrouped: Regrouped,
    stored: Mapping[str, Row],
    now: datetime,
    *,
    due_at: int,
    origin: Origin = Origin.live,
) -> dict[str, Any]:
    row = stored.get(customer)
    created = row[2] if row else regrouped.created.get(customer, micros(now))
    merged_into = None if customer in regrouped.members or row is None else row[3]
    return {
        "id": customer,
        "created_at": created,
        "merged_into": merged_into,
        "due_at": due_at,
        "due_origin": origin.value,
    }


def _retire(unit: Unit, customer: str, into: str, now: datetime) -> None:
    _forget(unit, customer, now)
    unit.add(
        "customers.put",
        id=customer,
        created_at=micros(now),
        merged_into=into,
        due_at=_NEVER,
        due_origin=Origin.merge.value,
    )


def _forget(unit: Unit, customer: str, now: datetime) -> None:
    unit.add("customers.log_decision", customer=customer, id="", now=micros(now))
    unit.add("customers.drop_decisions", customer=customer)


async def _makeups(
    desk: Desk, customers: Iterable[str], found: Neighbourhood, regrouped: Regrouped, rows: KeyRows
) -> dict[str, Makeup]:
    exact = exact_keys(rows)
    made: dict[str, Makeup] = {}
    for customer in customers:
        members = regrouped.members.get(customer)
        if members is not None:
            made[customer] = Makeup(
                members=set(members),
                keys={key for pid in members for key in found.profiles[pid].keys},
                exact=exact.get(customer, set()),
                accounts={account for pid in members for account in found.profiles[pid].accounts},
            )
    made |= await makeups(desk.store, [one for one in customers if one not in made])
    return {customer: made[customer] for customer in customers}


async def _decisions(desk: Desk, customers: list[str]) -> dict[str, list[Row]]:
    found: defaultdict[str, list[Row]] = defaultdict(list)
    if customers:
        for row in await desk.store.all("customers.decisions", ids=customers):
            found[row[0]].append(row)
    return found


def _next_due(desk: Desk, one: Prepared, now: datetime) -> tuple[datetime, Origin]:
    """When the customer has to be decided again, and as what."""
    if desk.rules_in_force in (None, desk.rules.deciding.version):
        return one.due_at, Origin.live
    return min(one.due_at, now + OTHER_RULES), Origin.refresh


def _supersede(unit: Unit, new: Prepared, before: list[Row], origin: Origin, now: datetime) -> list[Fact]:
    """Put the decision before `new` into the log; returns what became of the customer between the two."""
    if before and before[0][2] != new.id:
        unit.add("customers.log_decision", customer=new.customer, id=new.id, now=micros(now))
    old = before[0] if before else None
    return list(
        noticing.from_crossings(
            None if old is None else noticing.Standing(band=old[9], tier=old[6], decision=old[2]),
            noticing.Standing(band=new.risk_band, tier=new.tier, decision=new.id),
            new.signals,
            customer=new.customer,
            now=now,
            origin=origin,
        )
    )


async def _write_keys(
    desk: Desk,
    unit: Unit,
    found: Neighbourhood,
    regrouped: Regrouped,
    rows: KeyRows,
    stored: list[Row],
    prepared: Mapping[str, Prepared],
    before: Mapping[str, list[Row]],
    made: Mapping[str, Makeup],
) -> None:
    """Write the answers of all keys in the neighbourhood that changed, and of shared keys whose candidates changed."""
    restanding = {pid for customer in _restanding(prepared, before, made) for pid in made[customer].members}
    if restanding - found.profiles.keys():
        more = await survey(desk.store, unit, desk.rules.identity, changed={}, touched=restanding)
        around = regroup(more, desk.rules.identity)
        shared: KeyRows = {
            key: row
            for key, row in key_rows(more, around, {}).items()
            if row and row["match"] != "exact" and key not in rows
        }
        await _put_keys(desk, unit, more, around, shared, await _stored_keys(desk, shared), prepared)
    await _put_keys(desk, unit, found, regrouped, rows, stored, prepared)


def _restanding(
    prepared: Mapping[str, Prepared], before: Mapping[str, list[Row]], made: Mapping[str, Makeup]
) -> set[str]:
    """Customers with keys that are not theirs alone, whose tier, priority or route is not what it was."""
    moved = set()
    for customer, new in prepared.items():
        old = before.get(customer)
        if made[customer].keys - made[customer].exact and (
            not old or (old[0][6], old[0][7], old[0][8]) != (new.tier, new.priority, new.route_hint)
        ):
            moved.add(customer)
    return moved


async def _put_keys(
    desk: Desk,
    unit: Unit,
    found: Neighbourhood,
    regrouped: Regrouped,
    rows: KeyRows,
    stored: list[Row],
    prepared: Mapping[str, Prepared],
) -> None:
    shared = [key for key, row in rows.items() if row is not None and row["match"] != "exact"]
    candidates = {
        regrouped.owner.get(pid) or found.owner.get(pid, "") for key in shared for pid in found.holders[key]
    } - {""}
    standing = {
        customer: Standing(one.tier, one.priority, one.route_hint, one.language) for customer, one in prepared.items()
    }
    others = sorted(candidates - standing.keys())
    if others:
        for row in await desk.store.all("customers.decisions", ids=others):
            standing.setdefault(row[0], Standing(row[6], row[7], row[8], row[1]))
    final = {**rows, **key_rows(found, regrouped, standing, shared)}
    before = {(row[0], row[1]): row for row in stored}
    changed: list[dict[str, Any]] = []
    for key in sorted(rows):
        new, old = final[key], before.get((key.kind.value, key.value))
        if new is None:
            if old is not None:
                unit.add("customers.drop_key", kind=key.kind.value, value=key.value)
        elif old is None or tuple(new[name] for name in _KEY_COLUMNS) != old:
            changed.append(new)
    unit.many("customers.put_key", changed)


_KEY_COLUMNS = "kind value match customer account candidates tier priority route_hint language".split()


def fact_row(fact: Fact) -> dict[str, Any]:
    """As a row of the table `facts`."""
    return {
        "id": fact.id,
        "kind": fact.kind.value,
        "customer": fact.customer,
        "occurred_at": micros(fact.occurred_at),
        "known_at": micros(fact.known_at),
        "origin": fact.origin.value,
        "cause": fact.cause,
        "data": msgspec.json.encode(fact.data).decode(),
    }


def fact_of(row: Row) -> Fact:
    """Of a row of the table `facts`, in the order of `fact_row`."""
    id, kind, customer, occurred_at, known_at, origin, cause, data = row
    return Fact(
        id=id,
        kind=FactKind(kind),
        customer=customer,
        occurred_at=instant(occurred_at),
        known_at=instant(known_at),
        origin=Origin(origin),
        cause=cause,
        data=msgspec.json.decode(data),
    )
