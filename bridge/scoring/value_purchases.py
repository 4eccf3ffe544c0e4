"""The margin that purchases are expected to bring over the horizon."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone, tzinfo
from typing import NamedTuple

from bridge.model import Money
from bridge.scoring.card import ValueCard
from bridge.scoring.outlook import purchases_ahead, spread
from bridge.scoring.rates import in_main, rate_of, unit
from bridge.scoring.signals_reading import DAY, later
from bridge.scoring.value_contracts import Part
from bridge.scoring.view import View
from bridge.scoring.worth import STEP, Purchases

SHORTEST_HISTORY = 3 * STEP
"""A customer of two weeks has not bought at that rate for a year, in days."""
_FEW = 4.0
"""How much of few purchases is chance: so much that eight of ten simulated steady buyers end up between the ends."""
_FINE = 8
_COARSE = 4
"""Weeks without a purchase count one by one up to eight, then in fours."""


def average_purchases(
    view: View, rules: ValueCard, now: datetime, left_out: dict[str, int], *, judged: bool = False
) -> Part | None:
    """The customer's own average per day since the first purchase, over the horizon, up to the cap.

    `judged`: also how far it may be off, as though purchases came at a steady rate with amounts that scatter as much as
    they measure. Counts in `left_out` what has no known currency; None where nothing is left.
    """
    margins: dict[str, int] = {}
    amounts: dict[str, int] = {}
    first: datetime | None = None
    count = 0
    for held in view.purchases:
        purchase = held.record
        paid = purchase.margin or purchase.amount
        if purchase.refunded or paid is None:
            continue
        if rate_of(paid.currency, rules) is None:
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
    steps = max((now - first) // timedelta(days=STEP) + 1, SHORTEST_HISTORY // STEP)
    cap = rules.purchases_at_most * unit(rules.currency)
    horizon, days = rules.horizon_days, steps * STEP
    share = min(total / days * horizon, cap)
    low = high = None
    if judged:
        ahead = count * horizon / days
        square = 1 + (2 + horizon / days) / ahead + _FEW / count
        low, high = spread(share, share * share * square, (days / (days + horizon)) ** (count - 0.5))
        high = min(high, cap)
    step = (
        f"purchases count={count} brought={round(total)} in_days={days}"
        f" horizon_days={horizon} at_most={round(cap)} margin={round(share)}"
    )
    return Part(share, low, high, step, later(first, timedelta(days=days)))


class _History(NamedTuple):
    """Days on which something was bought, what repeat days brought on average, the share of it that is margin, whether
    any purchase told its own, and when a purchase that is dated ahead begins to count."""

    days: list[date]
    mean: float
    margin_rate: float
    own: bool
    until: datetime | None


def forecast_purchases(
    model: Purchases,
    discount_rate: float,
    view: View,
    rules: ValueCard,
    now: datetime,
    zone: tzinfo,
    left_out: dict[str, int],
) -> tuple[Part | None, datetime | None]:
    """By how often and how much such customers go on buying: expected purchases × what a day of them brings × factor,
    discounted, times the margin, up to the cap. Purchases of one day, by the calendar of
    `zone`, are one.

    Low and high: in eight of ten such customers what they bring lies between, by the exact spread of the number and
    that of the amounts. Somebody without a second purchase is not called a buyer who stopped: nothing can be known.
    Also until when the answer holds: a purchase may be dated ahead.
    """
    history = _read(view, rules, now, zone, left_out)
    if not history.days:
        return None, history.until
    first, last = history.days[0], history.days[-1]
    x = len(history.days) - 1
    t_x = (last - first).days / 7
    silent = (day_of(now, zone) - last).days // 7
    over = silent + 1
    if silent >= _FINE:
        silent -= (silent - _FINE) % _COARSE
        over = silent + _COARSE
    ahead = purchases_ahead(model.buying, x, t_x, t_x + silent, rules.horizon_days, discount_rate)
    amount = model.spending.expected(x, history.mean)
    scale = model.factor * ahead.discount * history.margin_rate
    cap = rules.purchases_at_most * unit(rules.currency)
    mean = ahead.number.mean * amount
    share = min(mean * scale, cap)
    low, high = spread(mean, model.spending.square(x, history.mean, ahead.number), ahead.number.none)
    alive = f" still_buying={ahead.alive:.3f}" if x else ""
    step = (
        f"purchases repeats={x} weeks_to_last={t_x:.2f} weeks_seen={t_x + silent:.2f}{alive}"
        f" expected={ahead.number.mean:.4f} amount={round(amount)} factor={model.factor:.3f}"
        f" discount={ahead.discount:.4f} margin_rate={history.margin_rate:.4f}"
        f" margin_of={'own' if history.own else 'card'} at_most={round(cap)} margin={round(share)}"
    )
    changes = datetime.combine(last + over * 7 * DAY, time(), zone).astimezone(timezone.utc)
    until = changes if history.until is None else min(changes, history.until)
    return Part(share, min(low * scale, cap), min(high * scale, cap), step, until), until


def _read(view: View, rules: ValueCard, now: datetime, zone: tzinfo, left_out: dict[str, int]) -> _History:
    by_day: dict[date, float] = {}
    margin = paid = 0.0
    own = False
    until: datetime | None = None
    for held in view.purchases:
        purchase = held.record
        money = purchase.amount or purchase.margin
        if purchase.refunded or money is None:
            continue
        at = purchase.at or held.at
        if at > now:
            until = at if until is None else min(until, at)
            continue
        rate = rate_of(money.currency, rules)
        if rate is None:
            left_out[money.currency] = left_out.get(money.currency, 0) + 1
            continue
        amount, kept = _amount(purchase.amount, purchase.margin, rate, rules)
        own = own or kept is not None
        paid += amount
        margin += amount * rules.margin_rate if kept is None else kept
        day = day_of(at, zone)
        by_day[day] = by_day.get(day, 0.0) + amount
    days = sorted(by_day)
    repeats = days[1:]
    return _History(
        days,
        max(0.0, sum(by_day[day] for day in repeats) / len(repeats)) if repeats else 0.0,
        min(1.0, max(0.0, margin / paid)) if paid > 0 else rules.margin_rate,
        own,
        until,
    )


def day_of(at: datetime, zone: tzinfo) -> date:
    """The calendar day of a purchase."""
    try:
        return at.astimezone(zone).date()
    except OverflowError:  # some systems write 0001-01-01 for "never"
        return at.date()


def amount_of(amount: Money | None, margin: Money | None, rules: ValueCard) -> float | None:
    """What a purchase brought in minor units of the main currency; from its margin where nothing else is known."""
    money = amount or margin
    if money is None or (rate := rate_of(money.currency, rules)) is None:
        return None
    return _amount(amount, margin, rate, rules)[0]


def _amount(amount: Money | None, margin: Money | None, rate: float, rules: ValueCard) -> tuple[float, float | None]:
    """The amount, and its margin where that is known in a currency that is."""
    kept_rate = rate_of(margin.currency, rules) if margin else None
    kept = in_main(margin, kept_rate, rules) if margin and kept_rate is not None else None
    if amount is not None:
        return in_main(amount, rate, rules), kept
    return (kept or 0.0) / (rules.margin_rate or 1.0), kept


def _total(sums: dict[str, int], rules: ValueCard) -> float:
    return sum(
        in_main(Money(minor, currency), rate_of(currency, rules) or 0.0, rules) for currency, minor in sums.items()
    )
