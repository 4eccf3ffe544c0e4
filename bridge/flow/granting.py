"""What customers were granted and when it may be offered again; grants of those who were merged into them count too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from msgspec import Struct

from bridge.errors import Conflict
from bridge.flow.desk import Desk
from bridge.model import Money
from bridge.playbook.offers import Offer
from bridge.store import Store, Unit, instant, micros

BARRED: Final = ("withdrawn", "granted_already")
"""Why what was offered cannot be granted: no longer offered, or not so much; had already, or something instead."""
_NOBODY: Mapping[str, str] = {}


async def running_grants(
    store: Store, customers: Iterable[str], absorbed: Mapping[str, str] = _NOBODY
) -> dict[str, dict[str, datetime]]:
    """Customer → offer → when the last grant of it has cooled down, which may be in the past. Who has none is left out.

    `absorbed` says who is being merged into whom, as far as the store does not know it yet.
    """
    asked = set(customers)
    merging = {old: new for old, new in absorbed.items() if new in asked}
    found: defaultdict[str, dict[str, datetime]] = defaultdict(dict)
    if not asked:
        return found
    for customer, offer, until, _ in await store.all("customers.grants", ids=sorted(asked | merging.keys())):
        owner = merging.get(str(customer), str(customer))
        at = instant(until)
        found[owner][offer] = max(at, found[owner].get(offer, at))
    return found


class Granted(Struct, frozen=True, kw_only=True):
    """An offer that a customer has by now. `until` is when it may be granted again."""

    offer: str
    amount: Money | None
    until: datetime


def within_limits(offer: Offer, amount: Money | None) -> bool:
    """Whether so much of `offer` may be granted by a rule: what a team lead may grant, who could have said so too."""
    return amount is None or (offer.limits is not None and amount.amount <= Decimal(str(offer.limits.team_lead)))


async def grant_by_rule(
    desk: Desk, unit: Unit, customer: str, *, offer: str, amount: Money | None, key: str, now: datetime
) -> Granted:
    """Add to `unit` that `customer` is granted what an automation offered: once, by the limits of the catalogue.

    `unit` is then written only if nothing else is granted meanwhile. What it costs is kept as an outcome under `key`.
    Raises Conflict; its text is one of BARRED.
    """
    catalogue = desk.rules.deciding.playbooks.catalogue
    one = catalogue.offers.get(offer)
    if one is None:
        raise Conflict("withdrawn")
    rows = await desk.store.all("customers.grants", ids=[customer])
    unit.guard("customers.grants", rows, ids=[customer])
    running = {row[1]: row[3] is not None for row in rows if instant(row[2]) > now}
    if offer in running or any(other in running for other in one.not_with):
        raise Conflict("granted_already")
    if not within_limits(one, amount):
        raise Conflict("withdrawn")
    if amount is not None and sum(running.values()) >= catalogue.most_at_once:
        raise Conflict("granted_already")
    decisions = await desk.store.all("customers.decisions", ids=[customer])
    decision = str(decisions[0][2]) if decisions else ""
    until = now + timedelta(days=one.cooldown_days)
    currency = amount.currency if amount else desk.rules.deciding.card.file.value.currency
    cost = Money.of(catalogue.cost_of(offer, amount.amount if amount else Decimal(0)), currency)
    money = {"amount_minor": amount.minor if amount else None, "currency": amount.currency if amount else None}
    said = {"customer": customer, "decision": decision, "offer": offer, "at": micros(now), **money}
    unit.add("gateway.add_grant", expect=1, until=micros(until), **said)
    unit.add(
        "gateway.add_outcome",
        expect=1,
        key=key,
        kind="granted",
        result=None,
        cost_minor=cost.minor,
        cost_currency=currency,
        epoch=None,
        situation=None,
        note=None,
        disposition=None,
        agent=None,
        actor="customer",
        **said,
    )
    return Granted(offer=offer, amount=amount, until=until)
