"""The catalogue of what may be offered at all, what it costs, and who may grant how much: `config/offers.yaml`."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from bridge.adapter.yamlfile import check, read_yaml
from bridge.adapter.yamlplaces import with_lines
from bridge.conditions import nearest
from bridge.errors import ConfigError
from bridge.scoring.wording import LANGUAGES

LONGEST_NAME = 60
_ZERO = Decimal(0)


class OfferKind(StrEnum):
    apology = "apology"
    goodwill_credit = "goodwill_credit"
    discount = "discount"
    upgrade = "upgrade"
    fee_waived = "fee_waived"
    payment_deferred = "payment_deferred"
    rebooking = "rebooking"
    limit_lifted = "limit_lifted"
    feature_unlocked = "feature_unlocked"
    manager_call = "manager_call"
    """The account manager calls."""
    executive_call = "executive_call"
    gift = "gift"


COSTS_MONEY = frozenset(
    (OfferKind.goodwill_credit, OfferKind.discount, OfferKind.upgrade, OfferKind.fee_waived, OfferKind.gift)
)
"""Kinds that are granted as an amount, and offered only where there is a ceiling to offer them up to."""

_Amount = Annotated[float, Meta(ge=0, le=1_000_000)]
_Share = Annotated[float, Meta(ge=0, le=1)]
OfferId = Annotated[str, Meta(pattern="^[a-z0-9_]{1,40}$")]


class Cost(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an offer costs the company. Amounts are whole units of the main currency; what is left out is nothing."""

    share: Annotated[float, Meta(gt=0, le=1)] = 1.0
    """Of the amount that is granted, what it really costs: goods at cost price, capacity that lies idle anyway."""
    fixed: _Amount = 0.0
    """Once for each that is granted: shipping, a fee."""
    per_month: _Amount = 0.0
    months: Annotated[int, Meta(ge=0, le=120)] = 0
    minutes: Annotated[float, Meta(ge=0, le=10_000)] = 0.0
    """Working time for each that is offered, taken up or not; it counts at `hourly_rate`."""


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The most that may be granted by policy, in whole units of the main currency. 0: not at all."""

    agent: _Amount
    team_lead: _Amount


class Offer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that may be offered."""

    id: OfferId
    """What outcomes and playbooks call it. An id that has been granted keeps its meaning for good."""
    kind: OfferKind
    name: dict[str, str]
    """In each language."""
    uplift: _Share = 0.0
    """How many more of a hundred customers stay when offered this, as a share; a playbook may say better."""
    taken_up: Annotated[float, Meta(gt=0, le=1)] = 1.0
    """Of those about to leave, the share who take it up and stay."""
    cost: Cost = Cost()
    limits: Limits | None = None
    """For what is granted as an amount."""
    at_least: _Amount = 1.0
    """A smaller ceiling is none: nobody is kept by forty cents."""
    step: Annotated[float, Meta(gt=0, le=1_000_000)] = 1.0
    """Ceilings are rounded down to a multiple of this."""
    cooldown_days: Annotated[int, Meta(ge=0, le=3650)] = 90
    """For how long it is not offered to the same customer again."""
    days: Annotated[int, Meta(ge=1, le=3650)] | None = None
    """For what is given for a while: how long."""
    not_with: tuple[OfferId, ...] = ()
    """Offers that a customer does not have beside this one; said at one of the two it counts for both."""


class CatalogueFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The form of `config/offers.yaml`."""

    hourly_rate: _Amount = 0.0
    """What an hour of the people costs who make the offers."""
    most_at_once: Annotated[int, Meta(ge=1, le=100)] = 2
    """How many offers that are granted as an amount one customer may have running, cooldowns included."""
    offers: tuple[Offer, ...] = ()


class Catalogue(Struct, frozen=True, kw_only=True):
    """The catalogue as it is used: by id, `not_with` on both sides."""

    hourly_rate: float = 0.0
    most_at_once: int = 2
    offers: dict[str, Offer] = {}

    def effort(self, offer: Offer) -> float:
        """What making `offer` costs in time, in whole units."""
        return offer.cost.minutes / 60 * self.hourly_rate

    def cost_of(self, id: str, amount: Decimal = _ZERO) -> Decimal:
        """What granting this offer costs in all, in whole units: the time it takes, what is fixed, and of `amount` what
        it really costs. Of an offer that is no longer in the catalogue the amount counts."""
        offer = self.offers.get(id)
        if offer is None:
            return amount
        fixed = self.effort(offer) + offer.cost.fixed + offer.cost.per_month * offer.cost.months
        return Decimal(str(fixed)) + amount * Decimal(str(offer.cost.share))


NO_OFFERS = Catalogue()


def load_catalogue(path: Path) -> Catalogue:
    """Read and check `path`; nothing to offer where there is no such file.

    Raises ConfigError naming file, line, path and the nearest valid name.
    """
    if not path.exists():
        return NO_OFFERS
    with with_lines(path):
        return compile_catalogue(check(read_yaml(path) or {}, CatalogueFile, str(path)), str(path))


def compile_catalogue(file: CatalogueFile, path: str) -> Catalogue:
    """`file` as a catalogue; `path` is what errors start with. Raises ConfigError."""
    ids = [offer.id for offer in file.offers]
    excluded: dict[str, set[str]] = {id: set() for id in ids}
    for index, offer in enumerate(file.offers):
        here = f"{path}: offers[{index}]"
        if offer.id in ids[:index]:
            raise ConfigError(f"{here}.id", f"{offer.id!r} is there twice")
        _check_offer(offer, here)
        for place, other in enumerate(offer.not_with):
            if other not in excluded or other == offer.id:
                known = [id for id in ids if id != offer.id]
                what = "there is no such other offer"
                raise ConfigError(f"{here}.not_with[{place}]", f"{other!r}: {what}; {nearest(other, known)}")
            excluded[offer.id].add(other)
            excluded[other].add(offer.id)
    return Catalogue(
        hourly_rate=file.hourly_rate,
        most_at_once=file.most_at_once,
        offers={
            offer.id: msgspec.structs.replace(offer, not_with=tuple(sorted(excluded[offer.id])))
            for offer in file.offers
        },
    )


def _check_offer(offer: Offer, here: str) -> None:
    for language in offer.name:
        if language not in LANGUAGES:
            where = f"{here}.name.{language}"
            raise ConfigError(where, f"there is no such language here; {nearest(language, LANGUAGES)}")
    for language in LANGUAGES:
        name = offer.name.get(language, "").strip()
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            raise ConfigError(f"{here}.name", f"{language!r} has to have 1 to {LONGEST_NAME} characters on one line")
    if offer.kind in COSTS_MONEY and offer.limits is None:
        raise ConfigError(here, f"a {offer.kind.value} is granted as an amount: say who may grant how much in `limits`")
    if offer.kind not in COSTS_MONEY and offer.limits is not None:
        raise ConfigError(f"{here}.limits", f"a {offer.kind.value} is not granted as an amount; leave the limits out")
    if offer.limits is not None and offer.limits.team_lead < offer.limits.agent:
        raise ConfigError(f"{here}.limits.team_lead", "is less than an agent may grant")
    if bool(offer.cost.per_month) != bool(offer.cost.months):
        raise ConfigError(f"{here}.cost", "`per_month` and `months` belong together")
    if offer.kind is OfferKind.feature_unlocked and offer.days is None:
        raise ConfigError(here, "a feature is unlocked for a while: say for how many `days`")
