"""The links of one message: made before its text is written, kept in the transaction that enqueues it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from msgspec import Struct

from bridge.acting.approaching import Known, office_of
from bridge.automation.forms import MakeOffer
from bridge.automation.handing import Errand, hand_over
from bridge.automation.links import Link, Purpose, mint, named_in
from bridge.automation.messages import language_of
from bridge.automation.ordering import Matter, Office, Order
from bridge.automation.rules import Act
from bridge.flow.desk import Desk
from bridge.flow.granting import within_limits
from bridge.identity.suppression import suppression
from bridge.model import Channel, Contract, ContractStatus, Money
from bridge.scoring.signals_contracts import goes_on
from bridge.scoring.view import Held, View
from bridge.settings import Settings
from bridge.store import Unit, micros

KEEP: Final = timedelta(days=90)
"""For how long an ended link is remembered, so that who uses it late is told why it does nothing."""
_WRITTEN: Final = (Channel.email, Channel.sms)


class Links(Struct, frozen=True, kw_only=True):
    """The links that there are for one message, by purpose, and what they are about."""

    made: Mapping[Purpose, Link] = {}
    contract: str = ""
    offer: str = ""
    amount: Money | None = None


NO_LINKS: Final = Links()


def can_link(settings: Settings) -> bool:
    """Whether there can be links at all: they need a secret to sign with, and to know where we are reached."""
    return settings.ticket_secret is not None and "public_url" in settings.model_fields_set


def mint_link(settings: Settings, purpose: Purpose, *, now: datetime, days: int, path: str = "/l/") -> Link | None:
    """One link of `purpose` at `path` of our public address; None where there can be none."""
    if settings.ticket_secret is None or not can_link(settings):
        return None
    secret = settings.ticket_secret.get_secret_value()
    return mint(secret, settings.public_url, purpose, now=now, lifetime=timedelta(days=days), path=path)


def make_links(desk: Desk, matter: Matter, act: Act, known: Known, now: datetime) -> Links:
    """Every link that a message of `act` may name: to hear no more, to renew the contract that it is about, to accept
    what it offers. To renew and to accept only where somebody can be told of it."""
    view = known.situation.view
    if act.channel not in _WRITTEN or view is None or not can_link(desk.settings):
        return NO_LINKS
    office = office_of(desk, {})
    days = office.policy.links
    lives: dict[Purpose, int] = {"unsubscribe": days.unsubscribe}
    contract = contract_of(view, matter.cause, now)
    if contract is not None and _somebody(office, view, contract.source, now):
        lives["renew"] = days.renew
    offer, amount = "", None
    if isinstance(act.form, MakeOffer):
        offered = office.catalogue.offers.get(act.form.id)
        amount = Money.of(Decimal(str(act.form.amount)), office.currency) if act.form.amount else None
        if offered is not None and within_limits(offered, amount) and _somebody(office, view, "", now):
            lives["accept"] = days.accept
            offer = act.form.id
    links = {one: mint_link(desk.settings, one, now=now, days=most) for one, most in lives.items()}
    return Links(
        made={purpose: link for purpose, link in links.items() if link is not None},
        contract=contract.ref if contract is not None else "",
        offer=offer,
        amount=amount,
    )


def keep_links(
    desk: Desk,
    unit: Unit,
    links: Links,
    order: Order,
    known: Known,
    *,
    run: str,
    automation: str,
    key: str,
    now: datetime,
) -> None:
    """Add to `unit`, which enqueues `order` under `key`, those of `links` that the message names."""
    view = known.situation.view
    if view is None:
        return
    language = language_of(view.customer.language, desk.rules.outreach)
    for link in named_in(links.made, order.args):
        accepts = link.purpose == "accept"
        unit.add(
            "links.put",
            hash=link.hash,
            purpose=link.purpose,
            message=key,
            run=run,
            automation=automation,
            customer=known.customer,
            channel="email" if order.address.startswith("email:") else "sms",
            address=suppression(desk.salt, order.address),
            language=language,
            contract=links.contract if link.purpose == "renew" else "",
            offer=links.offer if accepts else "",
            amount_minor=links.amount.minor if accepts and links.amount else None,
            currency=links.amount.currency if accepts and links.amount else None,
            made_at=micros(now),
            expires_at=micros(link.expires_at),
        )


def contract_of(view: View, cause: str, now: datetime) -> Held[Contract] | None:
    """The contract that a message is about: the one that set it off, else the only one that goes on; never one that is
    over."""
    about = next((held for held in view.contracts if held.ref == cause), None)
    if about is not None:
        return about if is_renewable(about.record, now) else None
    going = [held for held in view.contracts if goes_on(held.record) and is_renewable(held.record, now)]
    return going[0] if len(going) == 1 else None


def is_renewable(contract: Contract, now: datetime) -> bool:
    """Not over yet: a contract that notice was given of can still be kept."""
    ended = contract.status is ContractStatus.ended
    return not ended and (contract.ends is None or contract.ends >= now.date())


def _somebody(office: Office, view: View, near: str, now: datetime) -> bool:
    return hand_over(office, view, Errand(subject="-", text="-", near=near), now) is not None
