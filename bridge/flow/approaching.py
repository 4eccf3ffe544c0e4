"""Customers as automations see them: everything known of each, what reached them lately, and what they asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct

from bridge.automation.gates import Person, Sent
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
    living = {one: await survivor(desk, one) for one in customers}
    ids = sorted(set(living.values()))
    rows = {row[0]: row for row in await desk.store.all("customers.versions", ids=ids)}
    found = await views(desk.store, Unit(), await makeups(desk.store, ids), {}, desk.rules.identity)
    known: dict[str, Known] = {}
    for asked, customer in living.items():
        view = found.get(customer)
        if view is None or not view.profiles or customer not in rows:
            continue
        before = [row[0] for row in await desk.store.all("privacy.absorbed", customer=customer)]
        scores = score(desk.rules.deciding.card, view, now, desk.fitted)
        everybody = sorted({customer, asked, *before})
        known[asked] = Known(
            customer=customer,
            situation=Situation(view, scores),
            version=[rows[customer]],
            before=everybody,
            responded=tuple(instant(row[1]) for row in await desk.store.all("links.responded", customers=everybody)),
            closed=await closings(desk.store, everybody),
        )
    return known


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
                at=instant(at),
                waits=state == "due",
            )
            for key, by, channel, _, purpose, sorry, at, state in rows
        ),
        opted_out=await opted_out(desk, addresses),
        apologised=await _apologised(desk, known.customer),
    )


async def opted_out(desk: Desk, addresses: Iterable[str]) -> frozenset[Channel]:
    """The channels on which somebody with one of `addresses` wants no more."""
    hashes = {suppression(desk.salt, one): one for one in addresses}
    rows = await desk.store.all("automations.opted_out", hashes=sorted(hashes))
    return frozenset(Channel(channel) for _, channel in rows)


async def opt_out(
    desk: Desk, address: str, *, reason: str, now: datetime, channels: Iterable[Channel] | None = None
) -> None:
    """Nobody is written to (or called) at `address`, a key string, any more; kept as a keyed hash that outlives an
    erasure. `channels` are those of the address, all by default."""
    kind = address.partition(":")[0]
    unit = Unit()
    for channel in CHANNELS_OF.get(kind, ()) if channels is None else channels:
        hashed = suppression(desk.salt, address)
        unit.add("automations.opt_out", hash=hashed, channel=channel.value, at=micros(now), reason=reason)
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
