"""Customers as automations see them: everything known of each, what reached them lately, and what they asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import Struct

from bridge.automation.gates import Person, Sent
from bridge.automation.matters import since_values
from bridge.automation.ordering import Office, addresses_of
from bridge.automation.outreach import zone_of
from bridge.automation.rules import Automation
from bridge.flow.desk import Desk
from bridge.flow.gathering import makeups, views
from bridge.flow.granting import running_grants
from bridge.flow.looping import closings
from bridge.identity.suppression import suppression
from bridge.model import Channel
from bridge.playbook.offers import OfferKind
from bridge.playbook.situation import Situation
from bridge.scoring import score
from bridge.store import Row, Unit, instant, micros

CHANNELS_OF: Final = {"email": (Channel.email,), "phone": (Channel.voice, Channel.sms)}
"""By which channels the addresses of a kind are reached."""


class Known(Struct, kw_only=True):
    """One customer: id by now, view with scores, and the rows that a decision about them rests on."""

    customer: str
    situation: Situation
    version: list[Row]
    before: list[str]
    """Ids under which the customer was known too."""
    responded: tuple[datetime, ...] = ()
    """When links of messages were used."""
    closed: tuple[datetime, ...] = ()
    """When loops were closed."""


async def survivor(desk: Desk, customer: str) -> str:
    """What the customer is called by now."""
    row = await desk.store.one("gateway.survivor", customer=customer)
    return customer if row is None else str(row[0])


async def read_known(desk: Desk, customers: Iterable[str], now: datetime) -> dict[str, Known]:
    """Everything known of each of `customers`, under the id given; who is no customer any more is left out."""
    living, rows = await _survivors(desk, customers)
    ids = sorted(set(living.values()))
    found = await views(desk.store, Unit(), await makeups(desk.store, ids), {}, desk.rules.identity)
    names = {customer: {customer} for customer in ids}
    for asked, customer in living.items():
        names[customer].add(asked)
    for customer, absorbed in await desk.store.all("automations.absorbed", customers=ids):
        names[customer].add(absorbed)
    everybody = sorted({name for some in names.values() for name in some})
    responded: defaultdict[str, list[datetime]] = defaultdict(list)
    for name, at in await desk.store.all("links.responded", customers=everybody):
        responded[name].append(instant(at))
    closed = await closings(desk.store, everybody)
    known: dict[str, Known] = {}
    for asked, customer in living.items():
        view = found.get(customer)
        if view is None or not view.profiles or customer not in rows:
            continue
        known[asked] = Known(
            customer=customer,
            situation=Situation(view, score(desk.rules.deciding.card, view, now, desk.fitted)),
            version=[rows[customer]],
            before=sorted(names[customer]),
            responded=tuple(sorted(at for name in names[customer] for at in responded.get(name, ()))),
            closed=tuple(sorted(at for name in names[customer] for at in closed.get(name, ()))),
        )
    return known


async def _survivors(desk: Desk, customers: Iterable[str]) -> tuple[dict[str, str], dict[str, Row]]:
    """What each is called by now, and the rows of those."""
    asked = sorted(set(customers))
    rows = {row[0]: row for row in await desk.store.all("customers.versions", ids=asked)}
    merged = {one for one in asked if one in rows and rows[one][3] is not None}
    living = {one: await survivor(desk, one) if one in merged else one for one in asked}
    more = sorted(set(living.values()) - rows.keys())
    if more:
        rows |= {row[0]: row for row in await desk.store.all("customers.versions", ids=more)}
    return living, rows


def facts_of(known: Known, fact: Mapping[str, Any], at: datetime, now: datetime) -> dict[str, Any]:
    """What conditions of an automation may ask: of the customer, of the `fact` that set it off `at`, and of what became
    of it since."""
    view = known.situation.view
    since = since_values(view, at, now, known.responded, known.closed) if view is not None else {}
    return {**known.situation.facts, **fact, **since}


async def person_of(desk: Desk, unit: Unit, known: Known, rule: Automation, now: datetime) -> Person:
    """What gates ask about the customer. What was sent is guarded: two messages at once cannot both be the first."""
    view = known.situation.view
    if view is None:
        raise ValueError("nobody is known")
    addresses = addresses_of(view)
    asked: dict[str, Any] = {
        "since": micros(now - timedelta(days=_longest(desk, rule))),
        "customers": known.before,
        "addresses": addresses,
    }
    rows = await desk.store.all("automations.messages", **asked)
    unit.guard("automations.messages", rows, **asked)
    return Person(
        view=view,
        zone=zone_of(view.customer, desk.rules.outreach),
        sent=tuple(
            Sent(
                key=key,
                automation=by,
                channel=channel,
                purpose=purpose,
                apology=bool(sorry),
                at=max(instant(at), now) if state == "sending" else instant(at),
                waits=state == "due",
            )
            for key, by, channel, _, purpose, sorry, at, state in rows
        ),
        opted_out=await opted_out(desk, addresses),
        apologised=await _apologised(desk, known.customer),
    )


async def opened_tickets(desk: Desk, rule: Automation, run: str) -> frozenset[str]:
    """Tickets that the run opened itself, as `source/ticket/id`: they are its own matter, and hold nothing of it."""
    if not rule.opens_tickets:
        return frozenset()
    rows = await desk.store.all("automations.opened_tickets", run=run)
    return frozenset(f"{source}/ticket/{reference}" for source, reference in rows)


async def opted_out(desk: Desk, addresses: Iterable[str]) -> frozenset[Channel]:
    """The channels on which somebody with one of `addresses` wants no more."""
    hashes = {suppression(desk.salt, one): one for one in addresses}
    rows = await desk.store.all("automations.opted_out", hashes=sorted(hashes))
    return frozenset(Channel(channel) for _, channel in rows)


async def opt_out(
    desk: Desk, *addresses: str, reason: str, now: datetime, channels: Collection[Channel] | None = None, by: str = ""
) -> None:
    """Nobody is written to (or called) at any of `addresses`, key strings, any more; kept as keyed hashes that outlive
    an erasure. `channels` are those by which such an address is reached, all by default; `by` is for the audit."""
    unit = Unit()
    row = {"at": micros(now), "reason": reason}
    unit.many("automations.opt_out", [one | row for one in _ways(desk, addresses, channels)])
    await _keep(desk, unit, "outreach.suppress", len(addresses), by, now)


async def opt_in(
    desk: Desk, *addresses: str, now: datetime, channels: Collection[Channel] | None = None, by: str = ""
) -> None:
    """They may be written to again, as far as nothing else speaks against it: takes back `opt_out`, and what customers
    said by a link."""
    unit = Unit()
    unit.many("automations.opt_in", _ways(desk, addresses, channels))
    await _keep(desk, unit, "outreach.lift", len(addresses), by, now)


def _ways(desk: Desk, addresses: Iterable[str], channels: Collection[Channel] | None) -> list[dict[str, Any]]:
    return [
        {"hash": suppression(desk.salt, address), "channel": channel.value}
        for address in addresses
        for channel in CHANNELS_OF.get(address.partition(":")[0], ())
        if channels is None or channel in channels
    ]


async def _keep(desk: Desk, unit: Unit, action: str, count: int, by: str, now: datetime) -> None:
    if by:
        detail = msgspec.json.encode({"addresses": count}).decode()
        unit.add("access.audit", at=micros(now), actor=by, action=action, subject="outreach", detail=detail)
    await desk.store.write(unit)


def office_of(desk: Desk, links: Mapping[str, str]) -> Office:
    """What orders are written with; `links` are those of one customer and matter."""
    return Office(
        policy=desk.rules.outreach,
        catalogue=desk.rules.deciding.playbooks.catalogue,
        currency=desk.rules.deciding.card.file.value.currency,
        sources={
            name: frozenset[str](adapter.manifest.capabilities)
            for name, adapter in sorted(desk.registry.sources.items())
        },
        links=links,
    )


def _longest(desk: Desk, rule: Automation) -> int:
    policy = desk.rules.outreach
    caps = [cap.days for cap in (*policy.caps, *policy.service_caps)]
    return max([policy.apology_days, rule.file.at_most.days if rule.file.at_most else 1, *caps, 1])


async def _apologised(desk: Desk, customer: str) -> datetime | None:
    """When an agent last apologised: granted an offer that is one."""
    offers = desk.rules.deciding.playbooks.catalogue.offers
    granted = (await running_grants(desk.store, [customer])).get(customer, {})
    at = [
        until - timedelta(days=offers[id].cooldown_days)
        for id, until in granted.items()
        if id in offers and offers[id].kind is OfferKind.apology
    ]
    return max(at, default=None)
