"""What of a script's offers stands for one customer, and up to what amount: the arithmetic of a save."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Literal

from msgspec import Meta, Struct

from bridge.model import Money
from bridge.playbook.breakeven import Made, break_even_probability, break_even_save_rate
from bridge.playbook.offers import Catalogue, Offer, OfferId, OfferKind


class OffersOf(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a script may offer, out of the catalogue. Amounts are whole units of the main currency."""

    offers: Annotated[tuple[OfferId, ...], Meta(extra_json_schema={"minItems": 1})]
    """Ids of `config/offers.yaml`, what fits best first."""
    uplift: Annotated[float, Meta(ge=0, le=1)] | None = None
    """How many more of a hundred such customers stay, as a share; left out: what the catalogue says of each offer."""
    at_most: Annotated[float, Meta(ge=0)] | None = None
    """The most an agent may grant here; left out: what the catalogue says. A team lead's limit is the catalogue's."""


class Offering(Struct, frozen=True, kw_only=True):
    """The offers of one script as they are used."""

    offers: tuple[Offer, ...]
    uplift: float | None
    at_most: float | None
    catalogue: Catalogue


class Bound(Struct, frozen=True, kw_only=True):
    """Why a smaller uplift was counted than is claimed: nobody is held who would not have left.

    At the most `risk` × `taken_up` of such customers can be.
    """

    claimed: float
    risk: float
    taken_up: float


class Arithmetic(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a ceiling was found: `gain` = `uplift` × `margin`; less `cost`; divided by `share`; at most `policy`; rounded
    down to `result`.

    `limited_by` is what decided: the sum itself, the policy, that the customer would stay anyway (see `bound`), or
    nothing to offer (`result` is then zero).
    """

    uplift: float
    margin: Money
    gain: Money
    cost: Money
    policy: Money
    result: Money
    limited_by: Literal["sum", "policy", "stays_anyway", "nothing"]
    share: float = 1.0
    """Of an amount, what it really costs."""
    bound: Bound | None = None


class BreakEven(Struct, frozen=True, kw_only=True):
    """What an offer needs to pay for itself, made to its ceiling; None: it cannot."""

    cost: Money
    """When it is taken up, effort included."""
    save_rate: float | None
    """Share of such customers who have to stay because of it."""
    probability: float | None
    """The risk above which it pays."""


class OfferTerms(Struct, frozen=True, kw_only=True):
    """One offer as it stands for one customer. Without ceilings it is not granted as an amount."""

    id: str
    kind: OfferKind
    name: dict[str, str]
    ceiling: Money | None
    """For an agent; None where there is only one for a team lead."""
    team_lead_ceiling: Money | None
    break_even: BreakEven | None
    """None where the customer's value is not known."""
    why: Arithmetic | None
    cooldown_days: int
    not_with: tuple[str, ...]
    days: int | None
    made: Made | None = None
    """As it would be made up to the agent's ceiling (the team lead's where there is none); for whoever adds up."""


class Withheld(Struct, frozen=True, kw_only=True):
    """An offer of the script that is not made now. `cooldown`: granted before; `not_with`: something granted before
    excludes it; `most_at_once`: enough is running. `until` says when that ends."""

    id: str
    name: dict[str, str]
    reason: Literal["cooldown", "not_with", "most_at_once", "stays_anyway", "nothing"]
    until: datetime | None = None


class Terms(Struct, frozen=True, kw_only=True):
    """All offers of a script as they stand for one customer; `ceiling` is that of the first with one for an agent."""

    offers: tuple[OfferTerms, ...] = ()
    withheld: tuple[Withheld, ...] = ()
    ceiling: Money | None = None
    arithmetic: Arithmetic | None = None
    most_at_once: int | None = None

    @property
    def kinds(self) -> tuple[OfferKind, ...]:
        """Of the offers, each once."""
        return tuple(dict.fromkeys(offer.kind for offer in self.offers))


NOTHING = Terms()
_NONE: Mapping[str, datetime] = {}


def find_terms(
    offering: Offering | None,
    margin: Money | None,
    *,
    risk: float | None = None,
    granted: Mapping[str, datetime] = _NONE,
    explore: bool = False,
) -> Terms:
    """What of `offering` may be offered to a customer whose remaining expected margin is `margin` (None: not known).

    The ceiling is what this save is worth now. An offer of money falls away where that is nothing or unknown, and where
    the customer, whose probability to leave is `risk`, would stay anyway; not for whom `explore` says belongs to the
    share on which the uplift is found out. `granted` are the offers that were granted and have not cooled down, with
    when they will have.
    """
    if offering is None:
        return NOTHING
    made: list[OfferTerms] = []
    withheld: list[Withheld] = []
    first: Arithmetic | None = None
    for offer in offering.offers:
        if found := _blocked(offer, offering.catalogue, granted):
            withheld.append(found)
            continue
        why = _calculate(offer, offering, margin, None if explore else risk)
        first = first or why
        terms = _terms(offer, offering, margin, why, risk)
        if terms is not None:
            made.append(terms)
        else:
            stays = why is not None and why.limited_by == "stays_anyway"
            reason: Literal["stays_anyway", "nothing"] = "stays_anyway" if stays else "nothing"
            withheld.append(Withheld(id=offer.id, name=offer.name, reason=reason))
    best = next((one for one in made if one.ceiling), None)
    return Terms(
        offers=tuple(made),
        withheld=tuple(withheld),
        ceiling=best.ceiling if best else None,
        arithmetic=best.why if best else first,
        most_at_once=offering.catalogue.most_at_once,
    )


def _blocked(offer: Offer, catalogue: Catalogue, granted: Mapping[str, datetime]) -> Withheld | None:
    if not granted:
        return None
    if offer.id in granted:
        return Withheld(id=offer.id, name=offer.name, reason="cooldown", until=granted[offer.id])
    beside = [granted[id] for id in offer.not_with if id in granted]
    if beside:
        return Withheld(id=offer.id, name=offer.name, reason="not_with", until=max(beside))
    running = sorted(until for id, until in granted.items() if (known := catalogue.offers.get(id)) and known.limits)
    if offer.limits and len(running) >= catalogue.most_at_once:
        until = running[len(running) - catalogue.most_at_once]
        return Withheld(id=offer.id, name=offer.name, reason="most_at_once", until=until)
    return None


def _calculate(offer: Offer, offering: Offering, margin: Money | None, risk: float | None) -> Arithmetic | None:
    """The agent's ceiling; None for what is not granted as an amount, and where the value is not known."""
    if offer.limits is None or margin is None:
        return None
    claimed = offer.uplift if offering.uplift is None else offering.uplift
    uplift, bound = claimed, None
    if risk is not None and risk * offer.taken_up < claimed:
        uplift = int(risk * offer.taken_up * 10_000) / 10_000  # rounded down: the ceiling has to pay
        bound = Bound(claimed=claimed, risk=round(risk, 4), taken_up=offer.taken_up)
    currency = margin.currency
    gain, cost = margin.times(uplift), _cost(offer, offering.catalogue, currency)
    policy = _money(_agent_limit(offer, offering), currency)
    worth = _worth(offer, gain, cost)
    result = _round(offer, min(worth, policy.minor), currency)
    limited: Literal["sum", "policy", "stays_anyway", "nothing"] = "policy" if policy.minor < worth else "sum"
    if not result:
        unbound = _worth(offer, margin.times(claimed), cost)
        limited = "stays_anyway" if bound and _round(offer, min(unbound, policy.minor), currency) else "nothing"
    return Arithmetic(
        uplift=uplift,
        margin=margin,
        gain=gain,
        cost=cost,
        policy=policy,
        result=Money(result, currency),
        limited_by=limited,
        share=offer.cost.share,
        bound=bound,
    )


def _terms(
    offer: Offer, offering: Offering, margin: Money | None, why: Arithmetic | None, risk: float | None
) -> OfferTerms | None:
    """None for an offer of money without a ceiling to offer it up to."""
    ceiling = lead = None
    if offer.limits is not None:
        if why is None:
            return None
        currency = why.margin.currency
        limit = _money(offer.limits.team_lead, currency).minor
        most = _round(offer, min(_worth(offer, why.gain, why.cost), limit), currency)
        lead = Money(most, currency) if most else None
        ceiling = why.result if why.result.minor else None
        if ceiling is None and lead is None:
            return None
    made = _made(offer, offering, margin, ceiling or lead, why, risk)
    return OfferTerms(
        id=offer.id,
        kind=offer.kind,
        name=offer.name,
        ceiling=ceiling,
        team_lead_ceiling=lead,
        break_even=_break_even(offer, made, risk, margin),
        why=why,
        cooldown_days=offer.cooldown_days,
        not_with=offer.not_with,
        days=offer.days,
        made=made,
    )


def _made(
    offer: Offer,
    offering: Offering,
    margin: Money | None,
    amount: Money | None,
    why: Arithmetic | None,
    risk: float | None,
) -> Made | None:
    if margin is None:
        return None
    effort = _money(offering.catalogue.effort(offer), margin.currency).minor
    cost = _money(offer.cost.fixed + offer.cost.per_month * offer.cost.months, margin.currency).minor
    cost += round(amount.minor * offer.cost.share) if amount else 0
    claimed = offer.uplift if offering.uplift is None else offering.uplift
    uplift = why.uplift if why else claimed if risk is None else min(claimed, risk * offer.taken_up)
    return Made(cost=cost, effort=effort, value=margin.minor, save_rate=uplift, risk=risk or 0.0)


def _break_even(offer: Offer, made: Made | None, risk: float | None, margin: Money | None) -> BreakEven | None:
    if made is None or margin is None:
        return None
    rate = break_even_save_rate(made.cost, made.effort, made.value, risk or 0.0)
    probability = break_even_probability(made.cost, made.effort, offer.taken_up, made.value)
    return BreakEven(
        cost=Money(made.cost + made.effort, margin.currency),
        save_rate=None if rate is None else round(rate, 4),
        probability=None if probability is None else round(probability, 4),
    )


def _agent_limit(offer: Offer, offering: Offering) -> float:
    if offer.limits is None:
        return 0.0
    return offer.limits.agent if offering.at_most is None else min(offering.at_most, offer.limits.team_lead)


def _cost(offer: Offer, catalogue: Catalogue, currency: str) -> Money:
    cost = offer.cost
    return _money(catalogue.effort(offer) + cost.fixed + cost.per_month * cost.months, currency)


def _worth(offer: Offer, gain: Money, cost: Money) -> int:
    """The amount that costs what is left of the gain, in minor units."""
    left = gain.minor - cost.minor
    return left if offer.cost.share == 1 else int(Decimal(left) / Decimal(str(offer.cost.share)))


def _round(offer: Offer, minor: int, currency: str) -> int:
    step = max(1, _money(offer.step, currency).minor)
    rounded = minor // step * step
    return rounded if rounded > 0 and rounded >= _money(offer.at_least, currency).minor else 0


@lru_cache(maxsize=1024)
def _money(amount: float, currency: str) -> Money:
    return Money.of(Decimal(str(amount)), currency)
