"""`/v1/identity`: who is who, decided by a person: merge, split, block; each with its reason, each reversible."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from bridge import flow
from bridge.adapter.addresses import normalise_key
from bridge.errors import BadRequest
from bridge.flow.gathering import makeups
from bridge.gateway.customers import living
from bridge.gateway.endpoint import Call
from bridge.model import Key, KeyKind
from bridge.store import instant

Id = Annotated[str, Meta(min_length=1, max_length=300)]
Reason = Annotated[str, Meta(min_length=1, max_length=500)]


class Merge(Struct, kw_only=True, forbid_unknown_fields=True):
    """Two customers that are one person."""

    a: Id
    b: Id
    reason: Reason


class Split(Struct, kw_only=True, forbid_unknown_fields=True):
    """Id of the merge or separation (see `assertions` of the customer) that is taken back."""

    id: Id


class Separate(Struct, kw_only=True, forbid_unknown_fields=True):
    """Some, not all, of a customer's profiles (`source:id`), which are another person."""

    customer: Id
    profiles: Annotated[list[Id], Meta(min_length=1, max_length=50)]
    reason: Reason


class Block(Struct, kw_only=True, forbid_unknown_fields=True):
    """A key that says nothing about a person, such as a switchboard's number."""

    kind: KeyKind
    value: Id
    reason: Reason


class Unblock(Struct, kw_only=True, forbid_unknown_fields=True):
    """A key that identifies again."""

    kind: KeyKind
    value: Id


class Decided(Struct, kw_only=True):
    """What was decided: the ids under which `split` takes it back, or the key that was blocked or unblocked."""

    ids: list[str]


class Assertion(Struct, kw_only=True):
    """Somebody said that two profiles are one person (`same`), or are not."""

    id: str
    a: str
    b: str
    same: bool
    origin: str
    actor: str
    at: datetime
    undone_at: datetime | None


class Change(Struct, kw_only=True):
    """A profile came to this customer, or left it."""

    at: datetime
    kind: str
    survivor: str
    absorbed: str
    evidence: Any


class Identity(Struct, kw_only=True):
    """Who this customer is made of, and why."""

    customer: str
    profiles: list[str]
    keys: list[str]
    assertions: list[Assertion]
    history: list[Change]


async def show(call: Call) -> Identity:
    """The profiles and keys of a customer, what people and vendors asserted of them, and every merge and split."""
    store = call.gate.store
    asked = call.path["id"]
    customer = await living(call, asked)
    made = (await makeups(store, [customer]))[customer]
    names = sorted(f"{source}:{source_id}" for source, source_id in made.members)
    merges = {row[0]: row for one in {asked, customer} for row in await store.all("identity.merges_of", customer=one)}
    return Identity(
        customer=customer,
        profiles=names,
        keys=sorted(str(key) for key in made.keys),
        assertions=[
            Assertion(
                id=id,
                a=a,
                b=b,
                same=bool(same),
                origin=origin,
                actor=actor,
                at=instant(at),
                undone_at=None if undone_at is None else instant(undone_at),
            )
            for id, a, b, same, origin, _, actor, at, undone_at in await store.all(
                "identity.assertions_of", names=names
            )
        ],
        history=[
            Change(
                at=instant(at), kind=kind, survivor=survivor, absorbed=absorbed, evidence=msgspec.json.decode(evidence)
            )
            for _, at, kind, survivor, absorbed, evidence in sorted(merges.values())
        ],
    )


async def merge(call: Call, body: Merge) -> Decided:
    """Say that two customers are one person. Nothing is copied or lost: taking it back restores both exactly."""
    a, b = await living(call, body.a), await living(call, body.b)
    if a == b:
        raise BadRequest("a and b are the same customer already")
    id = await flow.merge(call.gate.desk, a, b, by=call.who.actor, evidence={"reason": body.reason}, now=call.now)
    return Decided(ids=[id])


async def split(call: Call, body: Split) -> Decided:
    """Take a merge (or a separation) back: everything is as if it had never been, with all that came in since."""
    await flow.split(call.gate.desk, body.id, by=call.who.actor, now=call.now)
    await call.gate.store.change("review.reopened", decision=body.id)
    return Decided(ids=[body.id])


async def separate(call: Call, body: Separate) -> Decided:
    """Say that some profiles of a customer are another person: for what shared keys brought together wrongly."""
    customer = await living(call, body.customer)
    evidence = {"reason": body.reason}
    ids = await flow.separate(
        call.gate.desk, customer, body.profiles, by=call.who.actor, evidence=evidence, now=call.now
    )
    return Decided(ids=ids)


async def block(call: Call, body: Block) -> Decided:
    """Let a key identify nobody any more: a look-up by it answers `account`, `ambiguous` or `none`."""
    key = _key(call, body.kind, body.value)
    await flow.block(call.gate.desk, key, by=call.who.actor, reason=body.reason, now=call.now)
    return Decided(ids=[str(key)])


async def unblock(call: Call, body: Unblock) -> Decided:
    """Let a blocked key identify again whom it identifies."""
    key = _key(call, body.kind, body.value)
    await flow.unblock(call.gate.desk, key, by=call.who.actor, now=call.now)
    return Decided(ids=[str(key)])


def _key(call: Call, kind: KeyKind, text: str) -> Key:
    value = normalise_key(kind, text, call.gate.settings.region)
    if value is None:
        raise BadRequest(f"value: is no {kind.value}")
    return Key(kind, value)
