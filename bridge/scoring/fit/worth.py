"""`bridge fit value`: what customers without contract will buy, fitted, and held against what they then bought."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from msgspec import Struct

from bridge.errors import BadRequest
from bridge.scoring.fit.lifetimes import Fitted, Floats, Histories, fit_buying, fit_spending
from bridge.scoring.fit.transactions import DAYS, Ledger
from bridge.scoring.lifetime import Buying, Spending

SHORTEST_DAYS = 56
"""A period held out that is shorter than this says little."""


class Record(Struct, frozen=True, kw_only=True):
    """How a forecast came out: of purchases in the time held out, per customer and in all."""

    from_day: date
    to_day: date
    customers: int
    forecast: float
    actual: float
    mae: float
    rmse: float
    correlation: float
    top_tenth: float
    """Share of all purchases that was made by the tenth of customers of whom most was expected."""
    naive: float
    """What "they go on as so far" would have said in all."""
    spend_forecast: float | None
    """Mean amount per purchase, of customers who bought in the time held out; None where no model of it fits."""
    spend_actual: float | None


class Worth(Struct, frozen=True, kw_only=True):
    """The models found in the whole history, and the record of the same models found without its last part."""

    buying: Fitted[Buying]
    spending: Fitted[Spending] | None
    record: Record
    factor: float
    """What the forecast of the last period would have to be multiplied with to be right in all."""
    left_out: int


def fit_worth(ledger: Ledger, held_out_from: date | None = None) -> Worth:
    """Fit on all, and, for the record, on what was known by `held_out_from` (by default the middle of the history).

    Raises BadRequest where the history is too short or too thin.
    """
    first, last = ledger.first, ledger.last
    split = held_out_from or first + (last - first) / 2
    if not first < split <= last - timedelta(days=SHORTEST_DAYS):
        raise BadRequest(
            f"the purchases go from {first} to {last}: too short to hold out {SHORTEST_DAYS} days from {split}"
        )
    names, past = ledger.histories(split)
    buying = fit_buying(past)
    spending = _spending(past)
    counts, sums = ledger.bought(names, split, last)
    record = _record(buying, spending, past, counts, sums, split, last)
    _, whole = ledger.histories(last)
    return Worth(
        buying=fit_buying(whole),
        spending=_spending(whole),
        record=record,
        factor=record.actual / record.forecast if record.forecast else 1.0,
        left_out=ledger.left_out,
    )


def _spending(histories: Histories) -> Fitted[Spending] | None:
    try:
        return fit_spending(histories)
    except BadRequest:
        return None


def expected_purchases(model: Buying, histories: Histories, weeks: float) -> Floats:
    """What each customer is expected to buy in the next `weeks`; equal histories are computed once."""
    rows = np.column_stack([histories.x, histories.t_x, histories.t])
    unique, place = np.unique(rows, axis=0, return_inverse=True)
    values = np.array([model.expected(int(x), t_x, t, weeks) for x, t_x, t in unique.tolist()])
    return values[place.reshape(-1)]


def _record(
    buying: Fitted[Buying],
    spending: Fitted[Spending] | None,
    past: Histories,
    counts: Floats,
    sums: Floats,
    split: date,
    last: date,
) -> Record:
    weeks = (last - split).days / DAYS
    forecast = expected_purchases(buying.model, past, weeks)
    rate = np.divide(past.x, past.t, out=np.zeros_like(past.x), where=past.t > 0)
    top = np.argsort(-forecast, kind="stable")[: max(1, len(forecast) // 10)]
    bought = counts > 0
    spend_forecast = spend_actual = None
    if spending is not None and bought.any():
        model = spending.model
        means = [model.expected(int(x), mean) for x, mean in zip(past.x[bought], past.mean[bought], strict=True)]
        spend_forecast = float(np.mean(means))
        spend_actual = float(np.mean(sums[bought] / counts[bought]))
    spread = np.std(forecast) * np.std(counts)
    return Record(
        from_day=split + timedelta(days=1),
        to_day=last,
        customers=len(counts),
        forecast=float(forecast.sum()),
        actual=float(counts.sum()),
        mae=float(np.mean(np.abs(forecast - counts))),
        rmse=float(np.sqrt(np.mean((forecast - counts) ** 2))),
        correlation=float(np.corrcoef(forecast, counts)[0, 1]) if spread else 0.0,
        top_tenth=float(counts[top].sum() / counts.sum()) if counts.sum() else 0.0,
        naive=float(rate.sum() * weeks),
        spend_forecast=spend_forecast,
        spend_actual=spend_actual,
    )
