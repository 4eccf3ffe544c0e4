"""What may be offered, and up to what amount: the arithmetic of a save."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Literal

from msgspec import Meta, Struct

from bridge.model import Money


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
"""Kinds that are offered only where there is a ceiling to offer them up to."""


class Offer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a script may offer. Amounts are whole units of the main currency."""

    kinds: Annotated[tuple[OfferKind, ...], Meta(extra_json_schema={"minItems": 1})]
    uplift: Annotated[float, Meta(ge=0, le=1)] = 0.0
    """How many more of a hundred such customers stay when offered this, as a share."""
    cost: Annotated[float, Meta(ge=0)] = 0.0
    """What making the offer costs beside the offer itself: time, shipping."""
    at_most: Annotated[float, Meta(ge=0)] = 0.0
    """The most an agent may grant by policy."""
    at_least: Annotated[float, Meta(ge=0)] = 1.0
    """A smaller ceiling is none: nobody is kept by forty cents."""
    step: Annotated[float, Meta(gt=0)] = 1.0
    """Ceilings are rounded down to a multiple of this."""


class Arithmetic(Struct, frozen=True, kw_only=True):
    """How a ceiling was found: `gain` = `uplift` × `margin`; less `cost`; at most `policy`; rounded down to `result`.

    `limited_by` is what decided: the sum itself, the policy, or nothing to offer (`result` is then zero).
    """

    uplift: float
    margin: Money
    gain: Money
    cost: Money
    policy: Money
    result: Money
    limited_by: Literal["sum", "policy", "nothing"]


class Terms(Struct, frozen=True, kw_only=True):
    """An offer as it stands for one customer."""

    kinds: tuple[OfferKind, ...] = ()
    ceiling: Money | None = None
    arithmetic: Arithmetic | None = None


def find_terms(offer: Offer | None, margin: Money | None) -> Terms:
    """What of `offer` may be offered to a customer whose remaining expected margin is `margin` (None: not known).

    The ceiling is what this save is worth now; None where that is nothing or unknown, and then kinds that cost money
    fall away.
    """
    if offer is None:
        return Terms()
    arithmetic = _calculate(offer, margin) if margin is not None and offer.at_most else None
    if arithmetic is not None and arithmetic.result.minor > 0:
        return Terms(kinds=offer.kinds, ceiling=arithmetic.result, arithmetic=arithmetic)
    return Terms(kinds=tuple(kind for kind in offer.kinds if kind not in COSTS_MONEY), arithmetic=arithmetic)


def _calculate(offer: Offer, margin: Money) -> Arithmetic:
    currency = margin.currency
    gain = margin.times(offer.uplift)
    cost, policy = _money(offer.cost, currency), _money(offer.at_most, currency)
    worth = gain.minor - cost.minor
    step = max(1, _money(offer.step, currency).minor)
    rounded = min(worth, policy.minor) // step * step
    result = rounded if rounded > 0 and rounded >= _money(offer.at_least, currency).minor else 0
    return Arithmetic(
        uplift=offer.uplift,
        margin=margin,
        gain=gain,
        cost=cost,
        policy=policy,
        result=Money(result, currency),
        limited_by="nothing" if not result else "policy" if policy.minor < worth else "sum",
    )


@lru_cache(maxsize=1024)
def _money(amount: float, currency: str) -> Money:
    return Money.of(Decimal(str(amount)), currency)
