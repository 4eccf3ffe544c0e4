"""What customers will still bring: fitted, held against a last period, and taken into use only where it is better."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

import msgspec
import numpy as np
from msgspec import Struct

from bridge.errors import BadRequest
from bridge.model import Renewal
from bridge.scoring.card import ValueCard
from bridge.scoring.fit.lifetimes import Floats, Histories, fit_buying, fit_spending
from bridge.scoring.fit.renewals import (
    FEWEST_CONTRACTS,
    by_card,
    constant_churn,
    fit_contracts,
    forecast,
    running,
    seen_since,
    stayed,
)
from bridge.scoring.fit.terms import Term
from bridge.scoring.fit.transactions import DAYS, Bought, Ledger, collect
from bridge.scoring.fit.worth import SHORTEST_DAYS, expected_purchases
from bridge.scoring.rates import unit
from bridge.scoring.value_purchases import SHORTEST_HISTORY
from bridge.scoring.worth import By, Contracts, Every, Purchases, WorthModel

LAST_DAYS = 365
"""The last period is a year, where the history is not shorter than three."""
SURELY = 1.645
"""A lead within so many standard errors is noise: chance alone makes a larger one once in twenty times."""
HISTORY, CARD, IN_USE, CONSTANT = "history", "card", "in_use", "constant"
_LEAST_FACTOR, _MOST_FACTOR = 0.5, 2.0


class Said(Struct, frozen=True, kw_only=True):
    """What one model said of the last period: in all, and how far it was off per customer or contract (root mean
    square)."""

    total: float
    error: float


class Part(Struct, frozen=True, kw_only=True):
    """How a part of the model did in the last period. Purchases are counted in minor units of money, contracts in
    contracts that were still there."""

    from_day: date
    to_day: date
    n: int
    actual: float
    said: dict[str, Said]
    """By who said it: `history` (the new model, of what was known before), `card`, `in_use`, `constant` (churn)."""
    better: bool
    """Than what is in use, by more than chance."""
    counted: float | None = None
    """Days with purchases that were made, and that the new model had said."""
    foretold: float | None = None


class Valuing(Struct, frozen=True, kw_only=True):
    """A fit with its record. `model` has, part by part, the better of the new one and what is in use; None where
    nothing new is in it."""

    model: WorthModel | None
    fitted: WorthModel
    """All that was fitted on the whole history, better or not."""
    purchases: Part | None
    contracts: Part | None
    notes: tuple[str, ...]


def fit_value(
    bought: Sequence[Bought],
    terms: Sequence[Term],
    as_of: date,
    rules: ValueCard,
    in_use: WorthModel | None,
    *,
    discount_rate: float,
    report: Callable[[float], None] = lambda share: None,
) -> Valuing:
    """Fit both parts and judge them. What cannot be fitted is said in `notes`. Raises BadRequest where neither can."""
    notes: list[str] = []
    if in_use is not None and in_use.currency != rules.currency:
        in_use = None
    buying, buying_part = None, None
    try:
        buying, buying_part = _fit_purchases(bought, rules, in_use)
    except BadRequest as problem:
        notes.append(f"purchases: {problem}")
    report(0.4)
    renewing, renewing_part = None, None
    try:
        renewing, renewing_part = _fit_contracts(terms, as_of, rules, in_use)
    except BadRequest as problem:
        notes.append(f"contracts: {problem}")
    report(1.0)
    if buying is None and renewing is None:
        raise BadRequest("; ".join(notes))
    about: dict[str, str | int | float] = {"as_of": as_of.isoformat()}
    for name, part in ((("purchases"), buying_part), ("contracts", renewing_part)):
        if part is not None:
            about[f"{name}_judged_from"] = part.from_day.isoformat()
            about[f"{name}_judged_to"] = part.to_day.isoformat()
            about[f"{name}_actual"] = round(part.actual)
            about[f"{name}_said"] = round(part.said[HISTORY].total)
    fitted = WorthModel(
        about=about, currency=rules.currency, discount_rate=discount_rate, purchases=buying, contracts=renewing
    )
    model = fitted
    if buying_part is None or not buying_part.better:
        model = msgspec.structs.replace(model, purchases=in_use.purchases if in_use else None)
    if renewing_part is None or not renewing_part.better:
        model = msgspec.structs.replace(model, contracts=in_use.contracts if in_use else None)
    new = any(part is not None and part.better for part in (buying_part, renewing_part))
    return Valuing(
        model=model if new else None,
        fitted=fitted,
        purchases=buying_part,
        contracts=renewing_part,
        notes=tuple(notes),
    )


def _split(first: date, last: date) -> date:
    span = (last - first).days
    kept_out = min(LAST_DAYS, span // 3)
    if kept_out < SHORTEST_DAYS:
        raise BadRequest(f"the history goes from {first} to {last}: too short to keep {SHORTEST_DAYS} days out")
    return last - timedelta(days=kept_out)


def _fit_purchases(bought: Sequence[Bought], rules: ValueCard, in_use: WorthModel | None) -> tuple[Purchases, Part]:
    if not bought:
        raise BadRequest("nobody without a contract has bought anything")
    ledger = collect(bought)
    first, last = ledger.first, ledger.last
    split = _split(first, last)
    names, past = ledger.histories(split)
    new = Purchases(buying=fit_buying(past).model, spending=fit_spending(past).model)
    counts, sums = ledger.bought(names, split, last)
    days = (last - split).days
    foretold = expected_purchases(new.buying, past, days / DAYS)
    said = {HISTORY: foretold * _amounts(new, past), CARD: _own_averages(ledger, names, split, days, rules)}
    if in_use and in_use.purchases:
        old = in_use.purchases
        said[IN_USE] = expected_purchases(old.buying, past, days / DAYS) * _amounts(old, past) * old.factor
    part = _judge(sums, said, split, last)
    part = msgspec.structs.replace(part, counted=float(counts.sum()), foretold=float(foretold.sum()))
    factor = float(counts.sum() / foretold.sum()) if foretold.sum() else 1.0
    _, whole = ledger.histories(last)
    found = Purchases(
        buying=fit_buying(whole).model,
        spending=fit_spending(whole).model,
        factor=round(min(_MOST_FACTOR, max(_LEAST_FACTOR, factor)), 4),
        customers=len(whole),
    )
    return found, part


def _amounts(model: Purchases, past: Histories) -> Floats:
    p, q, v = model.spending.p, model.spending.q, model.spending.v
    found: Floats = p * (v + past.x * past.mean) / (p * past.x + q - 1)
    return found


def _own_averages(ledger: Ledger, names: Sequence[str], split: date, days: int, rules: ValueCard) -> Floats:
    """What the points card says: the own average since the first purchase, up to the cap."""
    cap = rules.purchases_at_most * unit(rules.currency) / (rules.margin_rate or 1.0) * days / rules.horizon_days
    said = np.empty(len(names))
    for place, name in enumerate(names):
        seen = [(day, amount) for day, amount in ledger.customers[name] if day <= split]
        known = max(SHORTEST_HISTORY, (split - seen[0][0]).days)
        said[place] = min(cap, sum(amount for _, amount in seen) / known * days)
    return said


def _fit_contracts(
    terms: Sequence[Term], as_of: date, rules: ValueCard, in_use: WorthModel | None
) -> tuple[Contracts, Part]:
    if not terms:
        raise BadRequest("there is no contract with a beginning")
    since = seen_since(terms)
    split = _split(since, as_of)
    there = running(terms, split)
    truth = stayed(there, as_of)
    ways: list[tuple[Every, By | None]] = [(every, by) for by in (None, *_told_apart(terms)) for every in Every]
    tried: list[tuple[float, int]] = []
    found: list[tuple[Contracts, Floats]] = []
    for place, way in enumerate(ways):
        new = fit_contracts(terms, *way, since, split)
        said = forecast(new, there, split, as_of)
        found.append((new, said))
        tried.append((float(np.mean((said - truth) ** 2)), place))
    nearest = min(tried)[1]
    new, best = found[nearest]
    shares: Mapping[Renewal, float] = {one: getattr(rules.renewal, one.value) for one in Renewal}
    said_by = {
        HISTORY: best,
        CARD: by_card(shares, new, there, split, as_of),
        CONSTANT: constant_churn(new, terms, since, split, as_of),
    }
    if in_use and in_use.contracts:
        said_by[IN_USE] = forecast(in_use.contracts, there, split, as_of)
    part = _judge(truth, said_by, split, as_of)
    return fit_contracts(terms, *ways[nearest], since, as_of), part


def _told_apart(terms: Sequence[Term]) -> list[By]:
    """By what contracts can be told apart into segments of which one at least is large enough."""
    found = []
    for by in By:
        sizes = Counter(term.segment(by) for term in terms if term.segment(by))
        if sizes and max(sizes.values()) >= FEWEST_CONTRACTS:
            found.append(by)
    return found


def _judge(actual: Floats, said: Mapping[str, Floats], split: date, last: date) -> Part:
    """Better is whose squared error is smaller over the same customers, by more than chance."""
    against = said.get(IN_USE, said[CARD])
    lead = (against - actual) ** 2 - (said[HISTORY] - actual) ** 2
    noise = float(np.std(lead)) / max(1.0, len(lead)) ** 0.5
    return Part(
        from_day=split + timedelta(days=1),
        to_day=last,
        n=len(actual),
        actual=float(actual.sum()),
        said={
            name: Said(total=float(one.sum()), error=float(np.sqrt(np.mean((one - actual) ** 2))) if len(one) else 0.0)
            for name, one in said.items()
        },
        better=bool(len(lead) and float(np.mean(lead)) > SURELY * noise),
    )
