"""What a customer is worth: the margin they are expected to bring over the horizon, and the tier it makes.

The estimate is a plain sum that anybody can check by hand: months of each contract times its monthly amount, and the
customer's own average of purchases. Time enters in steps of 30 days, so that the answer stays the same for weeks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from math import ceil
from typing import TypeAlias

from msgspec import Struct

from bridge.model import Contract, ContractStatus, Money
from bridge.scoring.card import ScoringCard, TierShares, ValueCard
from bridge.scoring.result import Tier, Value
from bridge.scoring.signals_contracts import goes_on
from bridge.scoring.signals_reading import DAY, Moment, later, moment_for, soonest
from bridge.scoring.view import Held, View

STEP = 30
"""Days in which remaining terms and the length of histories are counted."""
MONTH = 365 / 12
FEWEST_FOR_CUTS = 20
"""Below so many known values the tiers go by fixed limits."""
_SHORTEST_HISTORY = 3 * STEP
"""A customer of two weeks has not bought at that rate for a year, in days."""

_Part: TypeAlias = tuple[float, str, datetime | None]
"""A share of the value in minor units of the main currency, the step of the sum, and when it changes by itself."""


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
    card: ScoringCard, view: View, now: datetime, cuts: TierCuts | None = None
) -> tuple[Value, datetime | None]:
    """The customer's value at `now`, and until when it stays so if no record changes (None: for good).

    Expected is None where no contract or purchase has an amount in a currency that is known. Each step in `how` is
    `what key=value …`, amounts in minor units; the steps' `margin`, in the main currency, add up to the expected margin
    but for the rounding of each.
    """
    rules = card.file.value
    moment = moment_for(view, now, card.zone)
    left_out: dict[str, int] = {}
    parts = [part for held in view.contracts if (part := _contract(held, rules, moment, left_out))]
    if part := _purchases(view, rules, now, left_out):
        parts.append(part)
    how = [step for _, step, _ in parts]
    how += [f"left_out currency={currency} records={count}" for currency, count in sorted(left_out.items())]
    expected = Money(round(sum(share for share, _, _ in parts)), rules.currency) if parts else None
    value = Value(
        expected=expected,
        tier=tier_of(expected, rules, cuts),
        horizon_days=rules.horizon_days,
        how=tuple(how),
    )
    return value, soonest(until for _, _, until in parts)


@cache
def unit(currency: str) -> int:
    """How many minor units one whole unit of `currency` has."""
    return Money.of(1, currency).minor


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


def _contract(held: Held[Contract], rules: ValueCard, moment: Moment, left_out: dict[str, int]) -> _Part | None:
    """Margin of one contract: its months at each amount, those after its end weighed by how often such go on."""
    contract = held.record
    monthly = contract.monthly_amount
    if contract.status is ContractStatus.ended or monthly is None:
        return None
    after = contract.amount_after_discount or monthly
    rate, rate_after = _rate(monthly.currency, rules), _rate(after.currency, rules)
    if rate is None or rate_after is None:
        unknown = monthly.currency if rate is None else after.currency
        left_out[unknown] = left_out.get(unknown, 0) + 1
        return None
    horizon = rules.horizon_days
    term, term_change = _days_left(contract.ends, horizon, moment)
    discounted, discount_change = _days_left(contract.discount_ends, horizon, moment)
    if contract.discount_ends is None or after == monthly:
        discounted, discount_change = horizon, None
    stays: float = getattr(rules.renewal, contract.renewal.value) if goes_on(contract) else 0.0
    cheap = (min(term, discounted) + stays * max(0, discounted - term)) / MONTH
    full = (max(0, term - discounted) + stays * (horizon - max(term, discounted))) / MONTH
    share = (cheap * _in_main(monthly, rate, rules) + full * _in_main(after, rate_after, rules)) * rules.margin_rate
    step = f"contract record={held.ref} currency={monthly.currency} months={cheap:.2f} monthly={monthly.minor}"
    if full:
        step += f" months_after={full:.2f} monthly_after={after.minor}"
    step += f" renewal={stays} margin_rate={rules.margin_rate} margin={round(share)}"
    return share, step, soonest((term_change, discount_change))


def _days_left(day: date | None, horizon: int, moment: Moment) -> tuple[int, datetime | None]:
    """Days until `day` in whole steps, at most the horizon, and when that number changes."""
    if day is None:
        return horizon, None
    left = (day - moment.today).days
    if left <= 0:
        return 0, None
    steps = min(ceil(left / STEP), ceil(horizon / STEP))
    return min(steps * STEP, horizon), moment.start_of(day - (steps - 1) * STEP * DAY)


def _purchases(view: View, rules: ValueCard, now: datetime, left_out: dict[str, int]) -> _Part | None:
    """Margin of the purchases: the own average per day since the first, over the horizon, up to the cap."""
    margins: dict[str, int] = {}
    amounts: dict[str, int] = {}
    first: datetime | None = None
    count = 0
    for held in view.purchases:
        purchase = held.record
        paid = purchase.margin or purchase.amount
        if purchase.refunded or paid is None:
            continue
        if _rate(paid.currency, rules) is None:
            left_out[paid.currency] = left_out.get(paid.currency, 0) + 1
            continue
        sums = margins if purchase.margin else amounts
        sums[paid.currency] = sums.get(paid.currency, 0) + paid.minor
        at = purchase.at or held.at
        first = at if first is None or at < first else first
        count += 1
    if first is None:
        return None
    total = _total(margins, rules) + _total(amounts, rules) * rules.margin_rate
    steps = max((now - first) // timedelta(days=STEP) + 1, _SHORTEST_HISTORY // STEP)
    cap = rules.purchases_at_most * unit(rules.currency)
    share = min(total / (steps * STEP) * rules.horizon_days, cap)
    step = (
        f"purchases count={count} brought={round(total)} in_days={steps * STEP}"
        f" horizon_days={rules.horizon_days} at_most={round(cap)} margin={round(share)}"
    )
    return share, step, later(first, timedelta(days=steps * STEP))


def _total(sums: dict[str, int], rules: ValueCard) -> float:
    return sum(
        _in_main(Money(minor, currency), _rate(currency, rules) or 0.0, rules) for currency, minor in sums.items()
    )


def _rate(currency: str, rules: ValueCard) -> float | None:
    return 1.0 if currency == rules.currency else rules.rates.get(currency)


def _in_main(money: Money, rate: float, rules: ValueCard) -> float:
    """`money` in minor units of the main currency, not yet rounded."""
    if money.currency == rules.currency:
        return money.minor
    return money.minor / unit(money.currency) * rate * unit(rules.currency)
