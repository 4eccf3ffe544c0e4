"""One customer's situation, as conditions and as scripts see it: plain facts, and the same facts in words."""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
from typing import Any

from msgspec import Struct

from bridge.conditions import Field, Kind, Vocabulary
from bridge.model import Channel, Customer, Money
from bridge.playbook.texts import Words
from bridge.scoring.result import Band, Scores, Tier
from bridge.scoring.signals import SIGNS
from bridge.scoring.signals_contracts import goes_on
from bridge.scoring.signals_reading import is_open
from bridge.scoring.view import View
from bridge.scoring.wording import plain

VOCABULARY: Vocabulary = {
    "risk.band": Field(
        kind=Kind.ordered,
        values=(Band.low, Band.medium, Band.high, Band.critical),
        beside=(Band.unknown,),
        about="How likely the customer leaves",
    ),
    "risk.score": Field(kind=Kind.number, about="Probability to leave, 0 to 100"),
    "value.tier": Field(
        kind=Kind.ordered,
        values=(Tier.bronze, Tier.silver, Tier.gold, Tier.platinum),
        beside=(Tier.unknown,),
        about="What the customer is worth",
    ),
    "value.expected": Field(kind=Kind.number, about="Expected margin, in whole units of the main currency"),
    "signal": Field(
        kind=Kind.marks,
        bands={code: sign.bands for code, sign in SIGNS.items()},
        about="A sign that the customer shows; `band` beside it narrows it",
    ),
    "customer.known": Field(kind=Kind.boolean, about="The caller is one known customer"),
    "customer.language": Field(kind=Kind.text, about="de, en …"),
    "customer.region": Field(kind=Kind.text),
    "customer.tags": Field(kind=Kind.texts),
    "customer.owner": Field(kind=Kind.text, about="Name of the account manager"),
    "customer.job_title": Field(kind=Kind.text),
    "customer.preferred_channel": Field(kind=Kind.choice, values=tuple(channel.value for channel in Channel)),
    "customer.objects_to_profiling": Field(kind=Kind.boolean),
    "customer.deceased": Field(kind=Kind.boolean),
    "account.segments": Field(kind=Kind.texts),
    "account.prestige": Field(kind=Kind.boolean),
    "contract.products": Field(kind=Kind.texts, about="Products of the contracts that go on"),
    "contract.count": Field(kind=Kind.number, about="Contracts that go on"),
    "ticket.open": Field(kind=Kind.number, about="Tickets neither resolved nor closed"),
}
"""What routing may ask of a situation; playbooks may ask for more (see SCRIPT_VOCABULARY)."""

SCRIPT_VOCABULARY: Vocabulary = {
    **VOCABULARY,
    "customer.communication_needs": Field(kind=Kind.text, about="What makes speaking on the phone hard"),
}
"""What playbooks may ask. Communication needs are health data: where a call goes must not tell them."""

_SIGNAL_WORDS = [f"{code}_{fact}" for code, sign in SIGNS.items() for fact in (*sign.always, *sign.sometimes)]
WORDS: frozenset[str] = frozenset(("customer", "owner", "product", "since_year", "offer_ceiling", *_SIGNAL_WORDS))
"""What scripts may name: `customer` as one addresses them, and every fact of every signal as `<signal>_<fact>`."""


class Situation(Struct, frozen=True, dict=True):
    """Whom we talk to and what scoring says of them; both None for a caller nobody knows."""

    view: View | None = None
    scores: Scores | None = None

    @cached_property
    def facts(self) -> dict[str, Any]:
        """The values of SCRIPT_VOCABULARY, as far as they are known."""
        if self.view is None:
            return {"customer.known": False}
        customer = self.view.customer
        running = [held.record for held in self.view.contracts if goes_on(held.record)]
        facts: dict[str, Any] = {
            "customer.known": True,
            "customer.language": customer.language,
            "customer.region": customer.region,
            "customer.tags": customer.tags,
            "customer.owner": customer.owner,
            "customer.job_title": customer.job_title,
            "customer.preferred_channel": customer.preferred_channel,
            "customer.communication_needs": customer.communication_needs,
            "customer.objects_to_profiling": customer.objects_to_profiling,
            "customer.deceased": customer.deceased,
            "account.segments": tuple(held.record.segment for held in self.view.accounts if held.record.segment),
            "account.prestige": any(held.record.prestige for held in self.view.accounts),
            "contract.products": tuple(contract.product for contract in running if contract.product),
            "contract.count": len(running),
            "ticket.open": sum(is_open(held.record) for held in self.view.tickets),
        }
        if self.scores is not None:
            risk, expected = self.scores.risk, self.scores.value.expected
            facts["risk.band"] = risk.band
            facts["value.tier"] = self.scores.value.tier
            facts["signal"] = {signal.code: signal.band for signal in self.scores.signals}
            if risk.band is not Band.unknown:
                facts["risk.score"] = risk.probability * 100
            if expected is not None:
                facts["value.expected"] = float(expected.amount)
        return facts

    @cached_property
    def said(self) -> dict[str, Any]:
        """Those of WORDS that are known and the same in every language; `offer_ceiling` comes with the offer.

        None for the dead: whoever calls about them is somebody else.
        """
        if self.view is None or self.view.customer.deceased:
            return {}
        customer = self.view.customer
        products = self.facts["contract.products"]
        said: dict[str, Any] = {
            "owner": customer.owner,
            "product": products[0] if len(products) == 1 else None,
            "since_year": str(customer.customer_since.year) if customer.customer_since else None,
        }
        for signal in self.scores.signals if self.scores else ():
            for name, value in signal.facts.items():
                said[f"{signal.code}_{name}"] = value
        return {name: value for name, value in said.items() if value is not None and value != ""}

    def words(self, language: str, ceiling: Money | None = None) -> Words:
        """What scripts may say to this customer in `language`."""
        more: dict[str, Any] = {}
        if self.view and not self.view.customer.deceased and (address := address_of(self.view.customer, language)):
            more["customer"] = address
        if ceiling is not None:
            more["offer_ceiling"] = ceiling
        return Words(self.said | more, language)


_WOMAN = frozenset("frau ms mrs miss".split())
_MAN = frozenset("herr herrn mr".split())
_TITLES = {"dr": ("Dr.", "Dr"), "prof": ("Prof.", "Prof.")}
_WORD = re.compile(r"[^\s.]+")


def address_of(customer: Customer, language: str) -> str:
    """How the customer is addressed in `language`: Frau Dr. Albers, Dr Albers; the full name where that is not certain.

    "" when no name is known.
    """
    titles, woman = _read_salutation(customer.salutation or "")
    if not customer.family_name or woman is None:
        return plain(customer.name or " ".join(part for part in (customer.given_name, customer.family_name) if part))
    if language == "de":
        parts = ["Frau" if woman else "Herr", *(_TITLES[title][0] for title in titles)]
    elif titles:
        parts = [_TITLES["prof" if "prof" in titles else "dr"][1]]
    else:
        parts = ["Ms" if woman else "Mr"]
    return plain(" ".join((*parts, customer.family_name)))


@lru_cache(maxsize=256)
def _read_salutation(salutation: str) -> tuple[tuple[str, ...], bool | None]:
    """The titles in a salutation, and whether it is a woman's; None where that is not certain."""
    said = [word.casefold() for word in _WORD.findall(salutation)]
    titles = tuple(word for word in said if word in _TITLES)
    rest = [word for word in said if word not in _TITLES]
    return titles, rest[0] in _WOMAN if len(rest) == 1 and rest[0] in _WOMAN | _MAN else None
