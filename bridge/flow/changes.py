"""What people change about identity: merge, split, block. Each is an event with its evidence, and each can be
undone."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

import msgspec

from bridge.errors import BadRequest, NotFound, Superseded
from bridge.flow.concluding import conclude
from bridge.flow.desk import Desk
from bridge.identity.neighbourhood import pid_name, pid_of
from bridge.identity.partition import Assertion, Pid
from bridge.model import Key
from bridge.store import Unit, micros

ATTEMPTS = 8


async def members(desk: Desk, customer: str) -> list[Pid]:
    """The profiles of `customer`, oldest first. Raises NotFound."""
    rows = await desk.store.all("customers.profiles", ids=[customer])
    if not rows:
        raise NotFound("there is no such customer (or it was merged into another one)")
    return [(row[0], row[1]) for row in sorted(rows, key=lambda row: (row[3], row[0], row[1]))]


async def merge(desk: Desk, a: str, b: str, *, by: str, evidence: dict[str, Any], now: datetime) -> str:
    """State that customers `a` and `b` are one person; returns the id under which it can be split again."""
    if a == b:
        raise BadRequest("a customer cannot be merged with itself")
    for attempt in range(ATTEMPTS):
        one, other = (await members(desk, a))[0], (await members(desk, b))[0]
        number = "m_" + secrets.token_hex(8)
        try:
            await _assert(desk, [(number, one, other, True)], by=by, evidence=evidence, now=now)
            return number
        except Superseded:
            if attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


async def split(desk: Desk, merge_id: str, *, by: str, now: datetime) -> None:
    """Take a person's (or the vendor's) merge back: everything is as if it had never been. Raises NotFound."""
    for attempt in range(ATTEMPTS):
        row = await desk.store.one("identity.assertion", id=merge_id)
        if row is None or row[8] is not None:
            raise NotFound("there is no such merge, or it was split already")
        unit = Unit()
        unit.add("identity.undo", expect=1, id=merge_id, at=micros(now))
        _note(unit, by, "identity.split", merge_id, {}, now)
        await conclude(
            desk,
            unit,
            {},
            touched=[pid_of(row[1]), pid_of(row[2])],
            undone=frozenset({merge_id}),
            now=now,
            defer=False,
        )
        try:
            await desk.store.write(unit)
            return
        except Superseded:
            if attempt == ATTEMPTS - 1:
                raise


async def separate(
    desk: Desk, customer: str, profiles: list[str], *, by: str, evidence: dict[str, Any], now: datetime
) -> list[str]:
    """State that `profiles` (each `source:id`) are not the person that the rest of `customer` is.

    Works on what keys brought together. Returns the ids under which this can be taken back by `split`.
    """
    inside = await members(desk, customer)
    out = [pid_of(name) for name in profiles]
    rest = [pid for pid in inside if pid not in out]
    if not out or not rest or not set(out) <= set(inside):
        raise BadRequest("profiles: must name some, not all, of the customer's profiles, as source:id")
    wanted = [("s_" + secrets.token_hex(8), one, other, False) for one in out for other in rest]
    await _assert(desk, wanted, by=by, evidence=evidence, now=now)
    return [number for number, *_ in wanted]


async def put_together(desk: Desk, a: str, b: str, *, by: str, evidence: dict[str, Any], now: datetime) -> str:
    """State that two profiles (each `source:id`) are one person's, and so are their customers; returns the id under
    which `split` takes it back. It is said of these two alone: should one of them turn out not to belong to its
    customer, it takes the other along."""
    number = "m_" + secrets.token_hex(8)
    await _assert(desk, [(number, pid_of(a), pid_of(b), True)], by=by, evidence=evidence, now=now)
    return number


async def keep_apart(desk: Desk, a: str, b: str, *, by: str, evidence: dict[str, Any], now: datetime) -> str:
    """State that two profiles (each `source:id`) of two customers are two people, whatever they will have in common;
    returns the id under which `split` takes it back."""
    number = "s_" + secrets.token_hex(8)
    await _assert(desk, [(number, pid_of(a), pid_of(b), False)], by=by, evidence=evidence, now=now)
    return number


async def block(desk: Desk, key: Key, *, reason: str, by: str, now: datetime) -> None:
    """Let `key` identify nobody any more (a switchboard, a role address)."""
    unit = Unit()
    unit.add("identity.block", kind=key.kind.value, value=key.value, reason=reason, actor=by, at=micros(now))
    await _reblock(desk, unit, key, "identity.block", blocked=frozenset({key}), by=by, now=now)


async def unblock(desk: Desk, key: Key, *, by: str, now: datetime) -> None:
    """Let `key` identify again whom it identifies."""
    unit = Unit()
    unit.add("identity.unblock", kind=key.kind.value, value=key.value)
    await _reblock(desk, unit, key, "identity.unblock", unblocked=frozenset({key}), by=by, now=now)


async def _reblock(
    desk: Desk,
    unit: Unit,
    key: Key,
    action: str,
    *,
    by: str,
    now: datetime,
    blocked: frozenset[Key] = frozenset(),
    unblocked: frozenset[Key] = frozenset(),
) -> None:
    rows = await desk.store.all("identity.holders", kind=key.kind.value, values=[key.value], most=1000)
    _note(unit, by, action, key.kind.value, {}, now)
    await conclude(
        desk,
        unit,
        {},
        touched=[(row[2], row[3]) for row in rows],
        blocked=blocked,
        unblocked=unblocked,
        now=now,
        defer=False,
    )
    await desk.store.write(unit)


async def _assert(
    desk: Desk, wanted: list[tuple[str, Pid, Pid, bool]], *, by: str, evidence: dict[str, Any], now: datetime
) -> None:
    unit = Unit()
    for number, a, b, same in wanted:
        unit.add(
            "identity.assert",
            id=number,
            a=pid_name(a),
            b=pid_name(b),
            same=int(same),
            origin="person",
            evidence=msgspec.json.encode(evidence).decode(),
            actor=by,
            at=micros(now),
        )
    _note(unit, by, "identity.assert", wanted[0][0], {"count": len(wanted)}, now)
    asserted = [Assertion(a, b, same) for _, a, b, same in wanted]
    await conclude(desk, unit, {}, asserted=asserted, now=now, defer=False)
    await desk.store.write(unit)


def _note(unit: Unit, actor: str, action: str, subject: str, detail: dict[str, Any], now: datetime) -> None:
    unit.add(
        "access.audit",
        at=micros(now),
        actor=actor,
        action=action,
        subject=subject,
        detail=msgspec.json.encode(detail).decode(),
    )
