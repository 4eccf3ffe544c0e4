"""Customers' pasts read from the store, some hundred customers at a time and only the kinds of record asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from itertools import groupby
from operator import itemgetter

import msgspec

from bridge.acting.formerly import Apart, Formerly
from bridge.acting.lifelines import Lifeline
from bridge.automation.gates import Sent
from bridge.facts import Fact, FactKind, Origin
from bridge.flow.desk import Desk
from bridge.flow.gathering import Makeup
from bridge.flow.hindsight import version_of
from bridge.flow.rewinding import told
from bridge.identity.suppression import suppression
from bridge.model import Channel, KeyKind
from bridge.store import instant, micros


async def recall(
    desk: Desk,
    made: Mapping[str, Makeup],
    objects: Collection[str],
    apart: Mapping[str, Apart] | None = None,
    before: Mapping[str, Formerly] | None = None,
) -> dict[str, Formerly]:
    """The past of each customer of `made`, of the kinds `objects` of record, beside what was read `before`."""
    by_subject = await _lifelines(desk, made.values(), objects)
    found = {}
    for customer, makeup in made.items():
        subjects = makeup.subjects
        lines = {line.ref: line for subject in subjects for line in by_subject.get(subject, ())}
        own = (apart or {}).get(customer, Apart())
        if before is not None:
            lines.update((line.ref, line) for line in before[customer].lines)
        found[customer] = Formerly(desk, customer, subjects, list(lines.values()), own)
    return found


async def _lifelines(desk: Desk, made: Iterable[Makeup], objects: Collection[str]) -> dict[str, list[Lifeline]]:
    subjects = sorted({subject for one in made for subject in one.subjects})
    found: defaultdict[str, list[Lifeline]] = defaultdict(list)
    if not subjects or not objects:
        return found
    zone = desk.rules.deciding.card.zone
    rows = await desk.store.all("rehearsal.told", subjects=subjects, objects=sorted(objects))
    for name, some in groupby(rows, key=itemgetter(0, 1, 2)):
        versions = [version_of(row) for row in some]
        since = desk.live_since.get(name[0])
        line = Lifeline(told(versions, None if since is None else micros(since)), zone)
        for subject in line.subjects:
            found[subject].append(line)
    return found


async def read_apart(
    desk: Desk, made: Mapping[str, Makeup], rehearsed: Collection[str], since: datetime
) -> dict[str, Apart]:
    """Of each customer what is kept beside records; `since` is the oldest message that may count. Messages of the
    automations `rehearsed` are left out: they are made anew."""
    addresses = {
        str(key): customer
        for customer, makeup in made.items()
        for key in makeup.exact
        if key.kind in (KeyKind.email, KeyKind.phone)
    }
    sent: defaultdict[str, dict[str, Sent]] = defaultdict(dict)
    asked = {"since": micros(since), "customers": sorted(made), "addresses": sorted(addresses)}
    for key, by, channel, purpose, sorry, at, customer, address in await desk.store.all("rehearsal.messages", **asked):
        owner = customer if customer in made else addresses.get(address, "")
        if by not in rehearsed and owner:
            sent[owner][key] = Sent(
                key=key, automation=by, channel=channel, purpose=purpose, apology=bool(sorry), at=instant(at)
            )
    granted: defaultdict[str, list[tuple[str, datetime, datetime]]] = defaultdict(list)
    for customer, offer, at, until in await desk.store.all("rehearsal.grants", customers=sorted(made)):
        granted[customer].append((offer, instant(at), instant(until)))
    hashes = {suppression(desk.salt, address): customer for address, customer in addresses.items()}
    opted: defaultdict[str, list[tuple[str, Channel, datetime]]] = defaultdict(list)
    for hashed, channel, at in await desk.store.all("rehearsal.opted_out", hashes=sorted(hashes)):
        opted[hashes[hashed]].append((hashed, Channel(channel), instant(at)))
    responded = await _instants(desk, "rehearsal.responded", made)
    closed = await _instants(desk, "rehearsal.closed", made)
    own: defaultdict[str, set[str]] = defaultdict(set)
    for customer, source, reference in await desk.store.all("rehearsal.own_tickets", customers=sorted(made)):
        own[customer].add(f"{source}/ticket/{reference}")
    return {
        customer: Apart(
            sent=tuple(sent[customer].values()),
            opted_out=tuple(opted[customer]),
            granted=tuple(granted[customer]),
            responded=tuple(responded[customer]),
            closed=tuple(closed[customer]),
            own_tickets=frozenset(own[customer]),
        )
        for customer in made
    }


async def _instants(desk: Desk, statement: str, made: Mapping[str, Makeup]) -> defaultdict[str, list[datetime]]:
    found: defaultdict[str, list[datetime]] = defaultdict(list)
    for customer, at in await desk.store.all(statement, customers=sorted(made)):
        found[customer].append(instant(at))
    return found


async def noted_facts(
    desk: Desk, customers: Collection[str], kinds: Collection[FactKind], since: datetime, until: datetime
) -> dict[str, list[Fact]]:
    """Facts of `kinds` as they were noted when they happened, by customer: those that no record tells of."""
    found: defaultdict[str, list[Fact]] = defaultdict(list)
    asked = {"customers": sorted(customers), "since": micros(since), "until": micros(until)}
    wanted = {one.value for one in kinds}
    for id, kind, customer, occurred_at, known_at, _, cause, data in await desk.store.all("rehearsal.facts", **asked):
        if kind in wanted:
            found[customer].append(
                Fact(
                    id=id,
                    kind=FactKind(kind),
                    customer=customer,
                    occurred_at=instant(occurred_at),
                    known_at=instant(known_at),
                    origin=Origin.live,
                    cause=cause,
                    data=msgspec.json.decode(data),
                )
            )
    return found


async def members_of(desk: Desk, accounts: Collection[str]) -> dict[str, list[str]]:
    """The customers of each of `accounts`, by id."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    if accounts:
        for account, customer in await desk.store.all("rehearsal.members", accounts=sorted(accounts)):
            if customer not in found[account]:
                found[account].append(customer)
    return found
