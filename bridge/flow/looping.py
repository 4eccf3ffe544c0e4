"""Loops in the store: opened in the transaction of what causes them, carried on by what records prove."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from bridge.automation.loop_evidence import prove
from bridge.automation.loop_rules import OpenerForm
from bridge.automation.loops import Change, Loop, check_at, close, days_open, join, open_loop, reopen
from bridge.facts import Fact, FactKind, Origin, fact_id
from bridge.flow.desk import Desk
from bridge.flow.folding import Change as Changed
from bridge.intake.records import Current, Name, decode
from bridge.model import Satisfaction, Ticket
from bridge.scoring.view import View
from bridge.store import Row, Store, Unit, instant, micros

_INSTANTS: Final = "opened_at asked_at reply_due resolve_due replied_at waits_since waits_until closed_at".split()
_SPANS: Final = "reply_left resolve_left".split()
_COLUMNS: Final = (
    "id customer matter opener cause records state owner round answers opened_at asked_at reply_due resolve_due "
    "reply_left resolve_left replied_at waits_since waits_until reply_escalated resolve_escalated check_at closed_at "
    "closed_by reason done version"
).split()
_MICROSECOND: Final = timedelta(microseconds=1)
_NOBODY: Mapping[str, str] = {}
_encode = msgspec.json.Encoder(order="deterministic").encode


async def free_capacity(desk: Desk, now: datetime) -> dict[str, int]:
    """Owner → how many more loops they can work on, never below 0.

    Owners are the queues of `config/loops.yaml`, the account managers in `people` of `config/outreach.yaml`, and
    whoever has an open loop. Loops that wait for the customer count: they come back.
    """
    rules = desk.rules.loops
    has: dict[str, int] = dict(await desk.store.all("loops.open_by_owner"))
    owners = {*rules.file.queues, rules.file.queue, *desk.rules.outreach.people, *rules.file.limits, *has}
    return {owner: max(0, rules.limit_of(owner) - has.get(owner, 0)) for owner in sorted(owners)}


def owner_of(desk: Desk, view: View, form: OpenerForm | None = None) -> str:
    """Whose a loop of the customer is, opened by `form`: a queue's id or an account manager's name."""
    rules = desk.rules.loops.file
    if form is not None and form.queue is not None:
        return form.queue
    manager = view.customer.owner or ""
    known = manager in desk.rules.outreach.people or manager in rules.limits
    return manager if manager and (known or rules.account_managers == "all") else rules.queue


async def loops_of(
    desk: Desk,
    customers: Iterable[str],
    now: datetime,
    absorbed: Mapping[str, str] = _NOBODY,
    since: datetime | None = None,
) -> tuple[dict[str, list[Loop]], list[Row], dict[str, Any]]:
    """What is open, or was closed lately (from `since` on), by the id that the customer has by now; the rows and what
    was asked, for a guard. `absorbed` says who is being merged into whom, as far as the store does not know it yet."""
    asked = set(customers)
    merging = {old: new for old, new in absorbed.items() if new in asked}
    since = since or closed_lately(desk, now)
    given: dict[str, Any] = {"ids": sorted(asked | merging.keys()), "since": micros(since)}
    found: defaultdict[str, list[Loop]] = defaultdict(list)
    rows = await desk.store.all("loops.of_customers", **given) if asked else []
    for customer, *row in rows:
        found[merging.get(str(customer), str(customer))].append(loop_of(row))
    return found, rows, given


def closed_lately(desk: Desk, now: datetime) -> datetime:
    """What was closed from here on is reopened by what comes in, instead of another loop being opened."""
    return now - timedelta(days=desk.rules.loops.file.reopen_days)


async def follow(
    desk: Desk,
    unit: Unit,
    views: Mapping[str, View],
    facts: Sequence[Fact],
    now: datetime,
    absorbed: Mapping[str, str] = _NOBODY,
    satisfied: Collection[str] = frozenset(),
) -> list[Fact]:
    """Add to `unit`, which holds `facts` and the decisions of `views` too, what becomes of loops; returns the facts of
    those that were closed, which are not added yet.

    Only live facts open, join or reopen one, and none that the store has already. Evidence counts however late it
    comes. `satisfied` is as `now_satisfied` says.
    """
    opening = await _opening(desk, unit, [one for one in facts if one.customer in views], now)
    held, rows, given = await loops_of(desk, views, now, absorbed)
    if not held and not opening:
        return []
    unit.guard("loops.of_customers", rows, **given)
    closed: list[Fact] = []
    for customer in sorted(held.keys() | {one.customer for one in opening}):
        loops = {one.id: Change(loop=one) for one in held.get(customer, ())}
        before = {id: change.loop for id, change in loops.items()}
        for fact in (one for one in opening if one.customer == customer):
            admit(desk, loops, fact, views[customer], now)
        for id, change in loops.items():
            loops[id] = change.then(prove(desk.rules.loops, change.loop, views[customer], now, satisfied))
            closed += await keep(desk, unit, before.get(id), loops[id], customer, now)
        show_due(unit, customer, [one.loop for one in loops.values()])
    return closed


def now_satisfied(changes: Mapping[Name, Changed]) -> frozenset[str]:
    """The tickets (`source/object/id`) of which it became known by `changes` that the customer is satisfied."""
    return frozenset(
        "/".join(name)
        for name, one in changes.items()
        if name[1] == "ticket" and _is_satisfied(one.after) and not _is_satisfied(one.before)
    )


def _is_satisfied(ticket: Current | None) -> bool:
    if ticket is None or ticket.deleted or Satisfaction.good not in ticket.body:  # most need not be decoded for it
        return False
    record = decode(ticket)
    return isinstance(record, Ticket) and record.satisfaction is Satisfaction.good


async def _opening(desk: Desk, unit: Unit, facts: Sequence[Fact], now: datetime) -> list[Fact]:
    """Those of `facts` that bear on loops: news, and nothing that was known before."""
    rules = desk.rules.loops
    oldest = now - timedelta(days=rules.file.max_age_days)
    found = [
        one
        for one in facts
        if one.origin is Origin.live
        and one.occurred_at >= oldest
        and (one.kind is FactKind.ticket_reopened or rules.opener_for(one.kind, one.data) is not None)
    ]
    if not found or not rules.openers:
        return []
    ids = sorted({one.id for one in found})
    known = await desk.store.all("automations.known_facts", ids=ids)
    unit.guard("automations.known_facts", known, ids=ids)
    before = {row[0] for row in known}
    return sorted((one for one in found if one.id not in before), key=lambda one: (one.occurred_at, one.id))


def admit(desk: Desk, loops: dict[str, Change], fact: Fact, view: View, now: datetime) -> None:
    """What one fact does to the loops of its customer: joins or reopens one, or opens another."""
    rules = desk.rules.loops
    at = min(fact.occurred_at, now)
    opener = rules.opener_for(fact.kind, fact.data)
    if fact.kind is FactKind.ticket_reopened:
        for id, change in loops.items():
            form = rules.opener(change.loop.opener)
            if change.loop.state == "closed" and fact.cause in change.loop.records and form is not None:
                if (other := going_on(loops, change.loop.matter)) is not None:  # of a customer who was merged into this
                    loops[other.loop.id] = other.then(join(rules, form, other.loop, cause=fact.cause, at=at))
                else:
                    loops[id] = change.then(reopen(rules, form, change.loop, cause=fact.cause, at=at))
                return
    if opener is None:
        return
    form, same = opener.form, [one for one in loops.values() if one.loop.matter == opener.form.matter]
    going = going_on(loops, form.matter)
    if going is not None:
        loops[going.loop.id] = going.then(join(rules, form, going.loop, cause=fact.cause, at=at))
    elif same:
        last = max(same, key=lambda one: (one.loop.closed_at or at, one.loop.id))
        loops[last.loop.id] = last.then(reopen(rules, form, last.loop, cause=fact.cause, at=at))
    else:
        owner = owner_of(desk, view, form)
        opened = open_loop(rules, form, fact=fact.id, customer=fact.customer, cause=fact.cause, owner=owner, at=at)
        loops[opened.loop.id] = opened


def going_on(loops: Mapping[str, Change], matter: str) -> Change | None:
    """The loop of that matter that is not closed."""
    return next((one for one in loops.values() if one.loop.matter == matter and one.loop.state != "closed"), None)


async def keep(desk: Desk, unit: Unit, before: Loop | None, change: Change, customer: str, now: datetime) -> list[Fact]:
    """Add what became of one loop to `unit` (Superseded where others changed it meanwhile); returns the fact of its
    closing. `before` is None for one that was opened just now; `customer` is whose it is by now."""
    loop = change.loop
    if before is not None and not change.events:
        return []
    row = row_of(desk, loop)
    if before is None:
        unit.add("loops.put", **{name: value for name, value in row.items() if name != "version"})
    else:
        fixed = ("customer", "matter", "opener", "cause")
        unit.add("loops.keep", expect=1, **{name: value for name, value in row.items() if name not in fixed})
    unit.many(
        "loops.add_event",
        [
            {
                "loop": loop.id,
                "customer": loop.customer,
                "at": micros(one.at),
                "kind": one.kind,
                "by_whom": one.by,
                "record": one.record,
                "text": one.text,
                "data": _encode(one.data).decode(),
            }
            for one in change.events
        ],
    )
    if loop.state == "closed" and (before is None or before.state != "closed"):
        return [await _closed(desk.store, loop, customer, now)]
    return []


async def _closed(store: Store, loop: Loop, customer: str, now: datetime) -> Fact:
    """The fact that a loop was closed; with the public words of the lesson that was drawn from it last."""
    data: dict[str, Any] = {
        "matter": loop.matter,
        "cause": loop.reason or "unknown",
        "done": bool(loop.done),
        "days": days_open(loop),
    }
    for lesson in await store.all("loops.lessons_of", loop=loop.id):
        data |= {f"lesson_{language}": said for language, said in (("de", lesson[8]), ("en", lesson[9])) if said}
    return Fact(
        id=fact_id(FactKind.loop_closed, loop.id, str(loop.round)),
        kind=FactKind.loop_closed,
        customer=customer,
        occurred_at=now,
        known_at=now,
        origin=Origin.live,
        cause=loop.cause,
        data=data,
    )


async def follow_outcome(
    desk: Desk, unit: Unit, fact: Fact, view: View | None, now: datetime, *, result: str | None, by: str
) -> list[Fact]:
    """Add to `unit`, which holds the outcome of a call, the loop that it opens or closes; returns the facts of
    closings, which are not added yet.

    `fact` says more than the stored one: what openers may ask. A customer who was saved after all has no open save.
    """
    rules = desk.rules.loops
    opens = rules.opener_for(fact.kind, fact.data) is not None
    if view is None or not (opens or result == "saved"):
        return []
    held, rows, given = await loops_of(desk, [fact.customer], now)
    if not (opens or held):
        return []
    unit.guard("loops.of_customers", rows, **given)
    loops = {one.id: Change(loop=one) for one in held.get(fact.customer, ())}
    before = {id: change.loop for id, change in loops.items()}
    if opens:
        admit(desk, loops, fact, view, now)
    for id, change in loops.items():
        known = not change.events  # else this very call opened it
        if result == "saved" and known and rules.awaits_save(change.loop.opener):
            loops[id] = change.then(close(change.loop, now, by=by, record=fact.cause, why="saved"))
    closed: list[Fact] = []
    for id, change in loops.items():
        closed += await keep(desk, unit, before.get(id), change, fact.customer, now)
    show_due(unit, fact.customer, [one.loop for one in loops.values()])
    return closed


def show_due(unit: Unit, customer: str, loops: Iterable[Loop]) -> None:
    """Keep beside the customer's decisions when the next clock of theirs runs out, where the look-up reads it."""
    due = min((one.due for one in loops if one.due is not None), default=None)
    unit.add("loops.show_due", customer=customer, due=None if due is None else micros(due))


def row_of(desk: Desk, loop: Loop) -> dict[str, Any]:
    """As a row of the table `loops`."""
    row: dict[str, Any] = msgspec.structs.asdict(loop)
    for name in _INSTANTS:
        row[name] = None if row[name] is None else micros(row[name])
    for name in _SPANS:
        row[name] = None if row[name] is None else row[name] // _MICROSECOND
    looks = check_at(desk.rules.loops, loop)
    return row | {"records": _encode(loop.records).decode(), "check_at": None if looks is None else micros(looks)}


def loop_of(row: Sequence[Any]) -> Loop:
    """A row of the table `loops`, in the order of the statements of `loops.sql`."""
    given: dict[str, Any] = dict(zip(_COLUMNS, row, strict=True))
    del given["check_at"]
    for name in _INSTANTS:
        given[name] = None if given[name] is None else instant(given[name])
    for name in _SPANS:
        given[name] = None if given[name] is None else given[name] * _MICROSECOND
    return Loop(**given | {"records": tuple(msgspec.json.decode(given["records"]))})


async def closings(store: Store, customers: Iterable[str]) -> dict[str, list[datetime]]:
    """When loops were closed, by customer; who has none is left out."""
    found: defaultdict[str, list[datetime]] = defaultdict(list)
    for customer, at in await store.all("loops.closings", customers=sorted(customers)):
        found[customer].append(instant(at))
    return found
