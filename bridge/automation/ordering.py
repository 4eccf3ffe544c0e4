"""A step as an order to another system: through whom, to which address, with which words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from hashlib import blake2b
from typing import Any

import phonenumbers
from msgspec import Struct

from bridge.automation.forms import CreateTask, MakeOffer
from bridge.automation.gates import Reason
from bridge.automation.messages import UNSUBSCRIBE, Written, language_of, with_way_out, words_of, write_message
from bridge.automation.outreach import Outreach, next_open, zone_of
from bridge.automation.rules import Act, Automation
from bridge.facts import FactKind
from bridge.model import Channel, Money
from bridge.playbook.offers import Catalogue
from bridge.playbook.situation import Situation
from bridge.scoring.view import View
from bridge.scoring.wording import plain

_ACTIONS = {"offer": "send_email", "notify": "send_email", "webhook": "add_note"}
"""Steps that are another action at the vendor."""
_WRITTEN = ("send_email", "offer", "send_sms")
"""Steps that we write ourselves: as advertising they say how to get no more of it."""
_SPARE = timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Matter(Struct, frozen=True, kw_only=True):
    """What a run is about: the automation, the record that set it off, and what the fact says (`fact.…`)."""

    rule: Automation
    run: str
    cause: str
    fact: Mapping[str, Any]
    occurred_at: datetime


class Office(Struct, frozen=True, kw_only=True):
    """What orders are written with. `sources` are the configured ones with what each can do."""

    policy: Outreach
    catalogue: Catalogue
    currency: str
    sources: Mapping[str, frozenset[str]]
    links: Mapping[str, str] = {}
    """Of LINKS, those that there are for this customer and matter."""


class Order(Struct, frozen=True, kw_only=True):
    """One action at `source`. `address` is the key string of whom it reaches, "" where it reaches no customer."""

    source: str
    action: str
    args: dict[str, Any]
    address: str
    due_at: datetime | None
    cost_minor: int


def order(matter: Matter, act: Act, situation: Situation, office: Office, now: datetime) -> Order | Reason:
    """The order for `act`, or why there is none."""
    view = situation.view
    if view is None:
        return "no_address"
    source = _source(act, office)
    if source is None:
        return "no_source"
    address = address_of(act, view, matter.cause)
    if act.channel is not None and address is None:
        return "no_address"
    at = now
    if act.do == "schedule_callback":
        opens = next_open(
            office.policy, Channel.voice, zone_of(view.customer, office.policy), now + act.form.after.length
        )
        if opens is None:
            return "quiet_hours"
        at = opens
    language = language_of(view.customer.language, office.policy)
    if act.channel is None or act.do == "schedule_callback":
        language = office.policy.language  # employees read it
    words = words_of(situation, matter.fact, language, _links(office), _offer_words(act, office, language))
    args = _Writer(matter, act, view, office, words, language, source, at).args()
    if args is None:
        return "no_address"
    if act.do in _WRITTEN and matter.rule.file.purpose == "advertising" and UNSUBSCRIBE not in words.known:
        return "no_unsubscribe"
    return Order(
        source=source,
        action=_ACTIONS.get(act.do, act.do),
        args=args,
        address=address or "",
        due_at=at if act.do == "schedule_callback" and at > now + _SPARE else None,
        cost_minor=cost_of(act, office),
    )


def order_key(matter: Matter, step: int, address: str) -> str:
    """What the same message to the same address always has: made of automation, cause, window and step.

    For what has no record as its cause the customer is no part of it, so that an address that went to another customer
    by a merge or a split is not written to again.
    """
    window = window_of(matter.rule, matter.occurred_at)
    text = "\x1f".join((matter.rule.id, matter.cause, str(window), str(step), address or matter.run))
    return "a_" + blake2b(text.encode(), digest_size=12).hexdigest()


def window_of(rule: Automation, occurred_at: datetime) -> int:
    """The number of the window that an instant lies in, counted from 1970."""
    return (occurred_at - _EPOCH) // length_of(rule)


def length_of(rule: Automation) -> timedelta:
    """Within which one cause sets `rule` off once. Every day of a schedule does by itself (where clocks change these
    are 23 hours apart), and so does every incident, by when it begins."""
    apart = rule.kind in (FactKind.schedule_due, FactKind.incident_declared)
    return timedelta(hours=1) if apart else timedelta(days=rule.file.window)


def span_of(rule: Automation, occurred_at: datetime) -> tuple[datetime, datetime]:
    """From when on, and before when, what happens is the same as what happened at `occurred_at`."""
    length = length_of(rule)
    return occurred_at - length + timedelta.resolution, occurred_at + length


def cost_of(act: Act, office: Office) -> int:
    """What doing it costs, in minor units of the main currency."""
    cost = Decimal(str(office.policy.costs.get(act.do, 0)))
    if isinstance(act.form, MakeOffer):
        cost += office.catalogue.cost_of(act.form.id, Decimal(str(act.form.amount)))
    return Money.of(cost, office.currency).minor


def addresses_of(view: View) -> list[str]:
    """The key strings of every address of a customer, sorted."""
    phones = (f"phone:{one.e164}" for one in view.customer.phones if one.e164)
    return sorted({*(f"email:{one}" for one in view.customer.emails), *phones})


def address_of(act: Act, view: View, cause: str) -> str | None:
    """Where `act` would reach the customer; None where nowhere is known. A call goes back to where it came from."""
    if act.channel is Channel.email:
        return next((f"email:{one}" for one in view.customer.emails), None)
    phones = [one.e164 for one in view.customer.phones if one.e164]
    if act.channel is Channel.sms:
        own = (one.e164 for one in view.customer.phones if one.e164 and not one.shared)
        return next((f"phone:{one}" for one in own if _mobile(one)), None)
    if act.channel is Channel.voice:
        came_from = {held.record.customer_address for held in view.interactions if held.ref == cause}
        return next((f"phone:{one}" for one in sorted(phones, key=lambda one: one not in came_from)), None)
    return None


def _mobile(phone: str) -> bool:
    try:
        kind = phonenumbers.number_type(phonenumbers.parse(phone))
    except phonenumbers.NumberParseException:
        return False
    return kind in (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)


def _source(act: Act, office: Office) -> str | None:
    """The source that does it: named by the step, by the policy, or the only one that can."""
    action = _ACTIONS.get(act.do, act.do)
    named = act.form.through or office.policy.through.get(act.do) or office.policy.through.get(action)
    able = [name for name, can in office.sources.items() if action in can]
    if named:
        return named if named in able else None
    return able[0] if len(able) == 1 else None


def _links(office: Office) -> dict[str, str]:
    links = dict(office.links)
    if office.policy.unsubscribe:
        links.setdefault(UNSUBSCRIBE, office.policy.unsubscribe)
    return links


def _offer_words(act: Act, office: Office, language: str) -> dict[str, Any]:
    if not isinstance(act.form, MakeOffer):
        return {}
    offer = office.catalogue.offers.get(act.form.id)
    amount = Money.of(Decimal(str(act.form.amount)), office.currency) if act.form.amount else None
    words = {"offer": offer.name[language] if offer else None, "offer_amount": amount}
    return {name: value for name, value in words.items() if value is not None}


class _Writer:
    """Writes the arguments of one action (see `bridge.adapter.actions`)."""

    def __init__(
        self,
        matter: Matter,
        act: Act,
        view: View,
        office: Office,
        words: Written,
        language: str,
        source: str,
        at: datetime,
    ) -> None:
        self.matter, self.act, self.view, self.office = matter, act, view, office
        self.words, self.language, self.source, self.at = words, language, source, at
        address = address_of(act, view, matter.cause) or ""
        self.address = address.partition(":")[2]
        self.name = plain(view.customer.name or "", 255)
        self.customer = next((one.source_id for one in view.profiles if one.source == source), "")

    def args(self) -> dict[str, Any] | None:
        """None where somebody's address is missing."""
        made: dict[str, Any] | None = getattr(self, f"_{self.act.do}")()
        return None if made is None else {name: value for name, value in made.items() if value not in ("", None)}

    def _say(self, name: str, language: str | None = None) -> str:
        return self.act.texts[name][language or self.language].fill(self.words) if name in self.act.texts else ""

    def _send_email(self) -> dict[str, Any] | None:
        if self.act.message is None:
            return None
        subject, text = write_message(self.act.message, self.words, self.office.policy, self.language)
        return {
            "to": self.address,
            "subject": subject,
            "text": self._with_way_out(text),
            "name": self.name,
            "unsubscribe": self._way_out(),
            "one_click": UNSUBSCRIBE in self.office.links or None,  # a page of the company's own may want more
        }

    _offer = _send_email

    def _send_sms(self) -> dict[str, Any]:
        return {"to": self.address, "text": self._with_way_out(self._say("text"))}

    def _way_out(self) -> str | None:
        return self.words.say(UNSUBSCRIBE) if UNSUBSCRIBE in self.words.known else None

    def _with_way_out(self, text: str) -> str:
        link = self._way_out() if self.matter.rule.file.purpose == "advertising" else None
        return text if link is None else with_way_out(text, link, self.language)

    def _schedule_callback(self) -> dict[str, Any]:
        return {
            "phone": self.address,
            "at": self.at.isoformat(),
            "name": self.name,
            "reason": self._say("reason"),
            "customer": self.customer,
            "queue": self.act.form.queue,
        }

    def _invite_survey(self) -> dict[str, Any]:
        customer = self.view.customer
        by = "email" if self.act.form.by == "email" else "phone"
        return {
            "survey": self.act.form.survey,
            "reference": self.matter.run,
            by: self.address,
            "given_name": plain(customer.given_name or "", 255),
            "family_name": plain(customer.family_name or "", 255),
            "language": self.language,
        }

    def _create_ticket(self) -> dict[str, Any]:
        customer = self.view.customer
        return {
            "subject": self._say("subject"),
            "text": self._say("text"),
            "customer": self.customer,
            "name": self.name,
            "email": next(iter(customer.emails), None),
            "phone": _first(one.e164 for one in customer.phones),
            "priority": self.act.form.priority,
        }

    def _day(self, ahead: int) -> str:
        return (self.at.astimezone(self.office.policy.zone) + timedelta(days=ahead)).date().isoformat()

    def _create_task(self) -> dict[str, Any]:
        form: CreateTask = self.act.form
        due = None if form.due is None else self._day(form.due)
        return {
            "subject": self._say("subject"),
            "text": self._say("text"),
            "customer": self.customer,
            "phone": _first(one.e164 for one in self.view.customer.phones),
            "name": self.name,
            "due": due,
            "owner": form.owner,
        }

    def _add_note(self) -> dict[str, Any] | None:
        source, kind, number = (*self.matter.cause.split("/", 2), "", "")[:3]
        ticket = number if kind == "ticket" and source == self.source else ""
        if not ticket and not self.customer and self.act.do == "add_note":
            return None
        return {"text": self._say("text"), "customer": self.customer, "ticket": ticket}

    _webhook = _add_note

    def _notify(self) -> dict[str, Any] | None:
        policy = self.office.policy
        to = policy.people.get(self.view.customer.owner or "") or policy.team
        return {"to": to, "subject": self._say("subject"), "text": self._say("text")} if to else None


def _first(some: Iterable[str | None]) -> str | None:
    return next((one for one in some if one), None)
