"""The margin that one contract is expected to bring over the horizon."""

from __future__ import annotations

from datetime import date, datetime
from math import ceil
from typing import NamedTuple

from bridge.model import Contract, ContractStatus, Renewal
from bridge.scoring.card import ValueCard
from bridge.scoring.outlook import MONTH, Months, months_ahead
from bridge.scoring.rates import in_main, rate_of
from bridge.scoring.signals_contracts import goes_on
from bridge.scoring.signals_reading import DAY, Moment, soonest
from bridge.scoring.view import Held, View
from bridge.scoring.worth import STEP, By, Contracts, Segment


class Part(NamedTuple):
    """A share of the value in minor units of the main currency, the step of the sum, and when it changes by itself.

    `low` and `high` are None where nothing says how far it may be off.
    """

    share: float
    low: float | None
    high: float | None
    step: str
    until: datetime | None


class _Priced(NamedTuple):
    """Monthly margins now and after the discount, the step's words for them, and the days until the discount ends."""

    now: float
    after: float
    minor: int
    minor_after: int
    head: str
    discounted: int
    until: datetime | None

    def of(self, months: Months) -> float:
        return months.now * self.now + months.after * self.after


def value_contract(
    held: Held[Contract],
    view: View,
    rules: ValueCard,
    moment: Moment,
    left_out: dict[str, int],
    model: Contracts | None,
    discount_rate: float,
) -> Part | None:
    """What the contract brings; None for one that has ended or has no amount in a known currency (then counted in
    `left_out`). By `model` where there is one, else by the card's share of contracts that go on after their end."""
    contract = held.record
    priced = _price(held, rules, moment, left_out)
    if priced is None:
        return None
    if model is None:
        return _by_card(contract, priced, rules, moment)
    name = contract.product if model.by is By.product else _segment_of(view)
    segment = model.segments.get(name or "", model.common)
    made, due, until = _next_renewal(contract, segment, model, moment, rules.horizon_days)
    renewed = goes_on(contract) and contract.renewal is not Renewal.none
    term = months_ahead(
        segment.renewing if renewed else None,
        model.every.steps,
        made,
        due,
        priced.discounted,
        rules.horizon_days,
        discount_rate,
    )
    share = priced.of(term.expected)
    low, high = priced.of(term.low), priced.of(term.high)
    how = _months(priced, term.expected)
    if renewed:
        how += f" renewals={made} next_in_days={due * STEP} stays={term.stays:.3f}"
        how += f" segment={'common' if segment is model.common else _word(name)}"
    else:
        how += f" ends_in_days={due * STEP}"
    step = f"{how} discount_rate={discount_rate:g} margin_rate={rules.margin_rate:g} margin={round(share)}"
    return Part(share, min(low, high), max(low, high), step, soonest((until, priced.until)))


def _price(held: Held[Contract], rules: ValueCard, moment: Moment, left_out: dict[str, int]) -> _Priced | None:
    contract = held.record
    monthly = contract.monthly_amount
    if contract.status is ContractStatus.ended or monthly is None:
        return None
    after = contract.amount_after_discount or monthly
    rate, rate_after = rate_of(monthly.currency, rules), rate_of(after.currency, rules)
    if rate is None or rate_after is None:
        unknown = monthly.currency if rate is None else after.currency
        left_out[unknown] = left_out.get(unknown, 0) + 1
        return None
    discounted, until = days_left(contract.discount_ends, rules.horizon_days, moment)
    if contract.discount_ends is None or after == monthly:
        discounted, until = rules.horizon_days, None
    return _Priced(
        in_main(monthly, rate, rules) * rules.margin_rate,
        in_main(after, rate_after, rules) * rules.margin_rate,
        monthly.minor,
        after.minor,
        f"contract record={held.ref} currency={monthly.currency}",
        discounted,
        until,
    )


def _by_card(contract: Contract, priced: _Priced, rules: ValueCard, moment: Moment) -> Part:
    """Its months at each amount, those after its end weighed by how often such go on."""
    horizon, discounted = rules.horizon_days, priced.discounted
    term, until = (0, None) if _on_notice(contract) else days_left(contract.ends, horizon, moment)
    stays: float = getattr(rules.renewal, contract.renewal.value) if goes_on(contract) else 0.0
    cheap = (min(term, discounted) + stays * max(0, discounted - term)) / MONTH
    full = (max(0, term - discounted) + stays * (horizon - max(term, discounted))) / MONTH
    months = Months(cheap, full)
    share = priced.of(months)
    step = f"{_months(priced, months)} renewal={stays} margin_rate={rules.margin_rate} margin={round(share)}"
    return Part(share, None, None, step, soonest((until, priced.until)))


def _on_notice(contract: Contract) -> bool:
    """Notice was given and nobody says until when: no month of it can be counted on."""
    return contract.ends is None and not goes_on(contract)


def _months(priced: _Priced, months: Months) -> str:
    step = f"{priced.head} months={months.now:.2f} monthly={priced.minor}"
    return step + f" months_after={months.after:.2f} monthly_after={priced.minor_after}" if months.after else step


def days_left(day: date | None, horizon: int, moment: Moment) -> tuple[int, datetime | None]:
    """Days until `day` in whole steps, at most the horizon, and when that number changes."""
    if day is None:
        return horizon, None
    steps, until = _steps_to(day, ceil(horizon / STEP), moment)
    return min(steps * STEP, horizon), until


def _steps_to(day: date, most: int, moment: Moment) -> tuple[int, datetime | None]:
    """Steps until `day`, at most `most`, and when that number changes."""
    left = (day - moment.today).days
    if left <= 0:
        return 0, None
    steps = min(ceil(left / STEP), most)
    return steps, moment.start_of(day - (steps - 1) * STEP * DAY)


def _next_renewal(
    contract: Contract, segment: Segment, model: Contracts, moment: Moment, horizon: int
) -> tuple[int, int, datetime | None]:
    """Renewals behind the contract, steps until the next one (or its end), and when either number changes."""
    most, period, starts, ends = ceil(horizon / STEP), model.every.days, contract.starts, contract.ends
    if ends is not None and ends >= moment.today:
        due, until = _steps_to(ends, most, moment)
        made = segment.usual if starts is None else round((ends - starts).days / period) - segment.first
        return max(0, made), due, until or moment.end_of(ends)
    if not goes_on(contract) or contract.renewal is Renewal.none:
        return 0, 0 if ends or _on_notice(contract) else most, None
    if starts is None:
        return segment.usual, max(1, model.every.steps // 2), None
    number = max(int((moment.today - starts).days // period) + 1, segment.first)
    try:
        day = starts + ceil(number * period) * DAY
    except OverflowError:  # it begins in the year 9999
        return 0, most, None
    due, until = _steps_to(day, most, moment)
    return number - segment.first, due, until


def _segment_of(view: View) -> str | None:
    return next((held.record.segment for held in view.accounts if held.record.segment), None)


def _word(name: str | None) -> str:
    return "_".join((name or "").split())
