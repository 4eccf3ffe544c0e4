"""What a customer is worth: the margin they are expected to bring over the horizon, and the tier it makes.

The estimate is a sum that anybody can check by hand: months of each contract times its monthly amount, and purchases.
How many months and purchases there will be is what the points card assumes or, where `bridge fit value` has found it,
what the company's own history says. Time enters in steps of weeks and 30 days, so that the answer stays the same so
long.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct

from bridge.model import Money
from bridge.scoring.card import ScoringCard, TierShares, ValueCard
from bridge.scoring.rates import unit
from bridge.scoring.result import Tier, Value
from bridge.scoring.signals_reading import moment_for, soonest
from bridge.scoring.value_contracts import Part, value_contract
from bridge.scoring.value_purchases import average_purchases, forecast_purchases
from bridge.scoring.view import View
from bridge.scoring.worth import WorthModel

FEWEST_FOR_CUTS = 20
"""Below so many known values the tiers go by fixed limits."""


class TierCuts(Struct, frozen=True, kw_only=True):
    """The expected margins, in minor units of the main currency, at which the company's own tiers begin."""

    platinum: int
    gold: int
    silver: int


def quantile_cuts(values: Iterable[int], shares: TierShares) -> TierCuts | None:
    """The cuts that put the top `shares` of `values` into their tiers; None for fewer than FEWEST_FOR_CUTS values.

    `values` are expected margins in minor units, of customers whose value is known.
    """
    ranked = sorted(values, reverse=True)
    if len(ranked) < FEWEST_FOR_CUTS:
        return None

    def cut(share: float) -> int:
        return ranked[min(len(ranked), max(1, round(share * len(ranked)))) - 1]

    gold = shares.platinum + shares.gold
    return TierCuts(platinum=cut(shares.platinum), gold=cut(gold), silver=cut(gold + shares.silver))


def estimate_value(
    card: ScoringCard, view: View, now: datetime, cuts: TierCuts | None = None, worth: WorthModel | None = None
) -> tuple[Value, datetime | None]:
    """The customer's value at `now`, and until when it stays so if no record changes (None: for good).

    Expected is None where no contract or purchase has an amount in a currency that is known. Each step in `how` is
    `what key=value …`, amounts in minor units; the steps' `margin`, in the main currency, add up to the expected margin
    but for the rounding of each.

    With `worth` contracts go by how long such are renewed, and the purchases of who has no contract by how often such
    go on buying. Who has both keeps the own average for purchases: they buy beside the contract, in a rhythm of their
    own. Then there are `low` and `high` too: of ten such customers at least eight bring between the two. The parts of a
    customer are taken to go well or badly together, so that for several of them it is rather too wide than too narrow.
    """
    rules = card.file.value
    moment = moment_for(view, now, card.zone)
    left_out: dict[str, int] = {}
    if worth is not None and worth.currency != rules.currency:
        worth = None
    terms, buying, rate = (worth.contracts, worth.purchases, worth.discount_rate) if worth else (None, None, 0.0)
    made = [value_contract(held, view, rules, moment, left_out, terms, rate) for held in view.contracts]
    changes: datetime | None = None
    if buying is not None and not view.contracts:
        bought, changes = forecast_purchases(buying, rate, view, rules, now, card.zone, left_out)
    else:
        bought = average_purchases(view, rules, now, left_out, judged=bool(terms and view.contracts))
    parts = [part for part in (*made, bought) if part is not None]
    how = [part.step for part in parts]
    how += [f"left_out currency={currency} records={count}" for currency, count in sorted(left_out.items())]
    expected = Money(round(sum(part.share for part in parts)), rules.currency) if parts else None
    low, high = _ends(parts, expected)
    value = Value(
        expected=expected,
        tier=tier_of(expected, rules, cuts),
        horizon_days=rules.horizon_days,
        how=tuple(how),
        low=low,
        high=high,
    )
    return value, soonest((changes, *(part.until for part in parts)))


def _ends(parts: Sequence[Part], expected: Money | None) -> tuple[Money | None, Money | None]:
    """Where most such customers end up; around `expected` in any case. None where a part cannot be judged."""
    low = high = 0.0
    if expected is None:
        return None, None
    for part in parts:
        if part.low is None or part.high is None:
            return None, None
        low += part.low
        high += part.high
    return (
        Money(min(expected.minor, round(low)), expected.currency),
        Money(max(expected.minor, round(high)), expected.currency),
    )


def unknown_value(card: ScoringCard) -> Value:
    """The value of a customer of whom nothing may be said."""
    return Value(expected=None, tier=Tier.unknown, horizon_days=card.file.value.horizon_days, how=())


def tier_of(expected: Money | None, rules: ValueCard, cuts: TierCuts | None) -> Tier:
    """The tier by the company's own `cuts`, else by the card's limits. Who brings nothing is bronze in any case."""
    if expected is None:
        return Tier.unknown
    if expected.minor <= 0:
        return Tier.bronze
    if cuts is None:
        amount = expected.minor / unit(rules.currency)
        limits = rules.limits
        ladder: Sequence[tuple[Tier, bool]] = (
            (Tier.platinum, amount >= limits.platinum),
            (Tier.gold, amount >= limits.gold),
            (Tier.silver, amount >= limits.silver),
        )
    else:
        ladder = (
            (Tier.platinum, expected.minor >= cuts.platinum),
            (Tier.gold, expected.minor >= cuts.gold),
            (Tier.silver, expected.minor >= cuts.silver),
        )
    return next((tier for tier, reached in ladder if reached), Tier.bronze)
