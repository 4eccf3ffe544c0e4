"""Facts set automations off: which do, and the runs that follow, in the transaction of the fact.

A run is one automation × cause × window, whatever the customer is called by then: its id is a hash of them, so that a
fact that is noticed twice, in any order and by whichever process, sets off one. Windows follow each other; the runs of
the one before and the one after are looked at too, so that what happens around midnight between two is no second cause.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from hashlib import blake2b
from typing import Any, Final

import msgspec
from msgspec import Struct

from bridge.automation.dated import falls_on
from bridge.automation.ordering import length_of, window_of
from bridge.automation.register import CHANNEL, Armed
from bridge.automation.rules import Automation
from bridge.automation.triggers import fact_values
from bridge.facts import Fact, FactKind, Origin
from bridge.store import Store, Unit, instant, micros

LEASE: Final = timedelta(seconds=60)
_encode = msgspec.json.Encoder(order="deterministic").encode


class Run(Struct, frozen=True, kw_only=True):
    """One leased run. `waits_since` is since when its step is put off; `done` how many steps did something."""

    id: str
    automation: str
    version: str
    mode: str
    customer: str
    cause: str
    fact: str
    kind: FactKind
    data: dict[str, Any]
    occurred_at: datetime
    created_at: datetime
    step: int
    done: int
    due_at: datetime
    waits_since: datetime | None
    reason: str = ""
    """Why the first step that was left out was."""


def matches(rule: Automation, fact: Fact) -> bool:
    """Whether `fact` is what `rule` waits for: kind, days and `where`. Pure; a backtest asks the same."""
    when = rule.file.when
    if rule.kind is not fact.kind:
        return False
    counts = rule.trigger.counts
    if counts and fact.data.get(counts) != getattr(when, counts):
        return False
    values = fact_values(fact.kind, fact.data)
    if when.schedule is not None:
        day = values.get("fact.date")
        if not isinstance(day, date) or not falls_on(when.schedule, day):
            return False
    return rule.where(values)


def acts_on(armed: Armed, fact: Fact, live_since: Mapping[str, datetime | None], now: datetime) -> bool:
    """Whether `fact` may set `armed` off: live, of after both its source and the automation went live, not too old."""
    if armed.mode == "off" or armed.live_since is None or fact.origin is not Origin.live:
        return False
    if fact.occurred_at < armed.live_since or now - fact.occurred_at > armed.rule.max_age:
        return False
    source = fact.cause.partition("/")[0]
    if source and source in live_since:
        since = live_since[source]
        if since is None or fact.occurred_at < since:
            return False
    return matches(armed.rule, fact)


async def trigger(
    store: Store,
    unit: Unit,
    armed: Sequence[Armed],
    facts: Iterable[Fact],
    *,
    live_since: Mapping[str, datetime | None],
    now: datetime,
    by_clock: bool = False,
) -> int:
    """Add to `unit`, which holds `facts` too, the runs that they set off; returns how many.

    A fact that the store has already sets nothing off, whatever its origin is said to be now. Facts of the clock count
    only where they are made for it (`by_clock`).
    """
    wanted = {one.rule.kind for one in armed if one.mode != "off" and one.rule.trigger.by_clock == by_clock}
    found = [
        (one, fact)
        for fact in facts
        if fact.kind in wanted
        for one in armed
        if one.rule.kind is fact.kind and acts_on(one, fact, live_since, now)
    ]
    if not found:
        return 0
    ids = sorted({fact.id for _, fact in found})
    known = await store.all("automations.known_facts", ids=ids)
    unit.guard("automations.known_facts", known, ids=ids)
    before = {row[0] for row in known}
    new = sorted(((one, fact) for one, fact in found if fact.id not in before), key=_oldest_first)
    ids = sorted({id for one, fact in new for id in runs_beside(one.rule, fact, dry=one.mode == "dry")})
    beside = await store.all("automations.runs_beside", ids=ids) if ids else []
    if ids:
        unit.guard("automations.runs_beside", beside, ids=ids)
    occurred = {id: instant(at) for id, at in beside}
    rows = []
    for one, fact in new:
        dry = one.mode == "dry"
        id = run_id(one.rule, fact, dry=dry)
        if id not in occurred and not happened_lately(one.rule, fact, occurred, dry=dry):
            occurred[id] = fact.occurred_at
            rows.append(_row(one, fact, id, now))
    unit.many("automations.put_run", rows)
    if rows:
        unit.wake.add(CHANNEL)
    return len(rows)


def run_id(rule: Automation, fact: Fact, *, dry: bool = False, ahead: int = 0) -> str:
    """`r_` and 24 hex digits over automation, cause and window; the customer is the cause where no record is. What was
    tried dry is nothing that was done: it has another id. `ahead` is how many windows later."""
    name = f"{rule.id}:dry" if dry else rule.id
    text = "\x1f".join((name, fact.cause or fact.customer, str(window_of(rule, fact.occurred_at) + ahead)))
    return "r_" + blake2b(text.encode(), digest_size=12).hexdigest()


def runs_beside(rule: Automation, fact: Fact, *, dry: bool = False) -> tuple[str, str]:
    """The ids that runs of the same cause have in the window before and in the one after."""
    return run_id(rule, fact, dry=dry, ahead=-1), run_id(rule, fact, dry=dry, ahead=1)


def happened_lately(rule: Automation, fact: Fact, occurred: Mapping[str, datetime], *, dry: bool = False) -> bool:
    """Whether the same cause set off a run of another window less than a window away. `occurred` is when what set off
    each run happened. Pure; a backtest asks the same."""
    length = length_of(rule)
    beside = runs_beside(rule, fact, dry=dry)
    return any(id in occurred and abs(occurred[id] - fact.occurred_at) < length for id in beside)


def still_on(armed: Armed | None, run: Run) -> bool:
    """Whether the automation of `run` is in use as it was then: not off by now, not in another mode, and not switched
    off and on again in between."""
    since = None if armed is None or armed.mode != run.mode else armed.live_since
    return since is not None and since <= run.occurred_at


def _oldest_first(found: tuple[Armed, Fact]) -> tuple[datetime, str]:
    return found[1].occurred_at, found[1].id


def share_of(rule: Automation, customer: str, what: str) -> float:
    """Where a customer falls among all, from 0 up to 1; the same for every version of `rule`."""
    digest = blake2b(f"{what}\x1f{rule.id}\x1f{customer}".encode(), digest_size=7).digest()
    return int.from_bytes(digest, "big") / (1 << 56)


def _row(armed: Armed, fact: Fact, id: str, now: datetime) -> dict[str, Any]:
    rule = armed.rule
    out = share_of(rule, fact.customer, "roll_out") >= rule.file.roll_out
    return {
        "id": id,
        "automation": rule.id,
        "version": rule.version,
        "mode": armed.mode,
        "customer": fact.customer,
        "cause": fact.cause,
        "fact": fact.id,
        "kind": fact.kind.value,
        "data": _encode(fact.data).decode(),
        "occurred_at": micros(fact.occurred_at),
        "created_at": micros(now),
        "state": "refused" if out else "waiting",
        "due_at": micros(now),
        "reason": "not_rolled_out" if out else "",
        "finished_at": micros(now) if out else None,
    }


async def take(store: Store, *, most: int, now: datetime) -> tuple[str, list[Run]]:
    """Lease up to `most` runs that are due, oldest first; the token says who holds them."""
    owner = secrets.token_hex(8)
    rows = await store.change(
        "automations.take", owner=owner, now=micros(now), lease=LEASE // timedelta(microseconds=1), most=most
    )
    return owner, sorted((run_of(row) for row in rows), key=lambda one: (one.due_at, one.id))


def run_of(row: tuple[Any, ...]) -> Run:
    """A row as `automations.take` and `automations.run` begin."""
    *texts, data, occurred, created, step, done, due, waits, reason = row[:16]
    id, automation, version, mode, customer, cause, fact, kind = texts
    return Run(
        id=id,
        automation=automation,
        version=version,
        mode=mode,
        customer=customer,
        cause=cause,
        fact=fact,
        kind=FactKind(kind),
        data=msgspec.json.decode(data),
        occurred_at=instant(occurred),
        created_at=instant(created),
        step=step,
        done=done,
        due_at=instant(due),
        waits_since=None if waits is None else instant(waits),
        reason=reason,
    )
