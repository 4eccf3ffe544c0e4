"""`/v1/identity/proposals` and `/v1/identity/merges`: who may be one person, shown to a person, who decides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from bridge import flow
from bridge.errors import Conflict, NotFound
from bridge.gateway.endpoint import Call
from bridge.identity.neighbourhood import pid_name, pid_of
from bridge.identity.partition import Pid
from bridge.identity.proposals import LIKELY, STRONG, Sign
from bridge.model import Customer
from bridge.store import Row, instant, micros

_LATEST = 2**62
_customer = msgspec.json.Decoder(Customer)
_signs = msgspec.json.Decoder(tuple[Sign, ...])

State = Literal["open", "merged", "refused"]


class Asked(Struct, kw_only=True):
    """Those that nobody decided (the most alike first), or those that somebody did (the newest first). `after` is
    `next` of the page before."""

    state: State = "open"
    after: Annotated[str, Meta(pattern=r"^-?\d{1,18}:p_[0-9a-f]{16}$")] | None = None
    limit: Annotated[int, Meta(ge=1, le=50)] = 20


class Side(Struct, kw_only=True):
    """One of the two records, as its source tells it, and the customer it belongs to. `others` are the further records
    of this customer; `keys` what the record identifies by."""

    customer: str
    profile: str
    known_since: datetime | None = None
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    salutation: str | None = None
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    external_ids: dict[str, str] = {}
    accounts: tuple[str, ...] = ()
    language: str | None = None
    region: str | None = None
    job_title: str | None = None
    owner: str | None = None
    customer_since: date | None = None
    others: tuple[str, ...] = ()


class Proposal(Struct, kw_only=True):
    """Two records that may be one person's. `signs` say what speaks for it and against, and add up to `score`."""

    id: str
    state: State
    strength: Literal["possible", "likely", "strong"]
    score: int
    signs: tuple[Sign, ...]
    found_at: datetime
    a: Side
    b: Side
    decided_by: str | None
    decided_at: datetime | None


class Proposals(Struct, kw_only=True):
    """A page; without `next` there is no more. `counts` has how many there are of each state in all."""

    proposals: list[Proposal]
    counts: dict[str, int]
    next: str | None = None


class Decision(Struct, kw_only=True, forbid_unknown_fields=True):
    """Why, if there is more to say than what speaks for it anyhow."""

    reason: Annotated[str, Meta(max_length=500)] = ""


class Settled(Struct, kw_only=True):
    """What became of the proposal. By `undo`, `split` takes it back too."""

    id: str
    state: State
    undo: str | None = None


class Merge(Struct, kw_only=True):
    """A person said that two records are one person's. `proposal` where it was proposed."""

    id: str
    a: str
    b: str
    name_a: str | None
    name_b: str | None
    by: str
    at: datetime
    reason: str
    proposal: str | None


class Merges(Struct, kw_only=True):
    """Newest first; those that were taken back are not among them."""

    merges: list[Merge]


class Latest(Struct, kw_only=True):
    """So many at most."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 20


async def listing(call: Call, query: Asked) -> Proposals:
    """Pairs of records that may be one person's, side by side, with what speaks for it. Nothing is merged by itself."""
    store = call.gate.store
    rank, _, id = (query.after or f"{_LATEST}:").partition(":")
    if query.state == "open":
        rows = await store.all("review.open", score=int(rank), after=id, most=query.limit + 1)
    else:
        rows = await store.all("review.decided", state=query.state, before=int(rank), after=id, most=query.limit + 1)
    page = rows[: query.limit]
    sides = await _sides(call, [(row[1], row[2]) for row in page] + [(row[4], row[5]) for row in page])
    for customer in sorted({one.customer for one in sides.values()}):
        call.gate.trail.audit(call.who.actor, "identity.proposals", f"customer:{customer}", call.now)
    counts = {"open": 0, "merged": 0, "refused": 0} | dict(await store.all("review.counted"))
    last = page[-1] if len(rows) > query.limit else None
    return Proposals(
        # whoever is erased at this moment is shown no more
        proposals=[_proposal(row, sides) for row in page if {(row[1], row[2]), (row[4], row[5])} <= sides.keys()],
        counts=counts,
        next=None if last is None else f"{last[7] if query.state == 'open' else last[12]}:{last[0]}",
    )


def _proposal(row: Row, sides: dict[Pid, Side]) -> Proposal:
    id, a_source, a_id, _, b_source, b_id, _, score, evidence, state, found_at, by, at = row
    return Proposal(
        id=id,
        state=state,
        strength="strong" if score >= STRONG else "likely" if score >= LIKELY else "possible",
        score=score,
        signs=_signs.decode(evidence),
        found_at=instant(found_at),
        a=sides[(a_source, a_id)],
        b=sides[(b_source, b_id)],
        decided_by=by,
        decided_at=None if at is None else instant(at),
    )


async def _sides(call: Call, pids: Iterable[Pid]) -> dict[Pid, Side]:
    store = call.gate.store
    grouped: defaultdict[str, set[str]] = defaultdict(set)
    for source, source_id in pids:
        grouped[source].add(source_id)
    records = await _records(call, grouped)
    owners = {
        (source, row[1]): (row[2], row[3])
        for source, ids in grouped.items()
        for row in await store.all("identity.profiles", source=source, ids=sorted(ids))
    }
    members: defaultdict[str, set[Pid]] = defaultdict(set)
    for row in await store.all("customers.profiles", ids=sorted({one for one, _ in owners.values()})):
        members[row[2]].add((row[0], row[1]))
    return {
        pid: _side(pid, customer, seen, records.get(pid, Customer()), members[customer] - {pid})
        for pid, (customer, seen) in owners.items()
    }


async def _records(call: Call, ids: dict[str, set[str]]) -> dict[Pid, Customer]:
    return {
        (source, row[2]): _customer.decode(row[8])
        for source, some in ids.items()
        for row in await call.gate.store.all("records.current", source=source, object="customer", ids=sorted(some))
        if not row[9]
    }


def _side(pid: Pid, customer: str, seen: int, record: Customer, others: set[Pid]) -> Side:
    return Side(
        customer=customer,
        profile=pid_name(pid),
        known_since=instant(seen),
        name=record.name,
        given_name=record.given_name,
        family_name=record.family_name,
        salutation=record.salutation,
        emails=record.emails,
        phones=tuple(one.e164 or one.raw for one in record.phones),
        external_ids=record.external_ids,
        accounts=record.accounts,
        language=record.language,
        region=record.region,
        job_title=record.job_title,
        owner=record.owner,
        customer_since=record.customer_since,
        others=tuple(sorted(pid_name(one) for one in others)),
    )


async def merge(call: Call, body: Decision) -> Settled:
    """They are one person: both customers become one. `reopen` takes it back and restores both exactly."""
    row = await _find(call, "open")
    if row[3] == row[6]:
        raise Conflict("the two are one customer already")
    a, b = pid_name((row[1], row[2])), pid_name((row[4], row[5]))
    evidence = _evidence(row, body)
    undo = await flow.put_together(call.gate.desk, a, b, by=call.who.actor, evidence=evidence, now=call.now)
    return await _settle(call, "open", "merged", undo)


async def refuse(call: Call, body: Decision) -> Settled:
    """They are two people: kept apart from now on, whatever they will have in common, and not proposed again."""
    row = await _find(call, "open")
    a, b = pid_name((row[1], row[2])), pid_name((row[4], row[5]))
    evidence = _evidence(row, body)
    undo = await flow.keep_apart(call.gate.desk, a, b, by=call.who.actor, evidence=evidence, now=call.now)
    settled = await _settle(call, "open", "refused", undo)
    await call.gate.store.change("review.drop_between", a=row[3], b=row[6])
    return settled


async def reopen(call: Call) -> Settled:
    """Take the decision back, whichever it was: everything is as before, and the proposal is open again."""
    row = await _find(call, "merged", "refused")
    with suppress(NotFound):  # it was taken back by itself, and the process ended before it was noted here
        await flow.split(call.gate.desk, row[13], by=call.who.actor, now=call.now)
    await call.gate.store.change("review.reopened", decision=row[13])
    return Settled(id=row[0], state="open")


async def merges(call: Call, query: Latest) -> Merges:
    """What people merged, newest first, to be taken back by `split` (or `reopen` of its proposal)."""
    rows = await call.gate.store.all("review.merges", before=_LATEST, most=query.limit)
    ids: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        for source, source_id in (pid_of(row[1]), pid_of(row[2])):
            ids[source].add(source_id)
    names = {pid_name(pid): _called(one) for pid, one in (await _records(call, ids)).items()}
    owners = {
        row[2]
        for source, some in ids.items()
        for row in await call.gate.store.all("identity.profiles", source=source, ids=sorted(some))
    }
    for customer in sorted(owners):
        call.gate.trail.audit(call.who.actor, "identity.merges", f"customer:{customer}", call.now)
    return Merges(
        merges=[
            Merge(
                id=id,
                a=a,
                b=b,
                name_a=names.get(a),
                name_b=names.get(b),
                by=actor,
                at=instant(at),
                reason=str(msgspec.json.decode(evidence).get("reason", "")),
                proposal=proposal,
            )
            for id, a, b, actor, at, evidence, proposal in rows
        ]
    )


def _called(one: Customer) -> str | None:
    return one.name or " ".join(part for part in (one.given_name, one.family_name) if part) or None


def _evidence(row: Row, body: Decision) -> dict[str, Any]:
    signs = [f"{one.trait} {one.how}" for one in _signs.decode(row[8])]
    return {"proposal": row[0], "score": row[7], "signs": signs, "reason": body.reason}


async def _find(call: Call, *states: str) -> Row:
    row = await call.gate.store.one("review.one", id=call.path["id"])
    if row is None:
        raise NotFound("there is no such proposal (any more): the records have changed, or are gone")
    if row[9] not in states:
        raise Conflict(f"this proposal is {row[9]}: somebody else was faster; load the page again")
    return row


async def _settle(call: Call, was: State, state: State, undo: str) -> Settled:
    id = call.path["id"]
    given = {"id": id, "was": was, "state": state, "by": call.who.actor, "at": micros(call.now), "decision": undo}
    if not await call.gate.store.change("review.decide", **given):
        await flow.split(call.gate.desk, undo, by=call.who.actor, now=call.now)
        raise Conflict("somebody else decided it at the same moment; nothing was changed")
    return Settled(id=id, state=state, undo=undo)
