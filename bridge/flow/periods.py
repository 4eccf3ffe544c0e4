"""What customers showed at the beginning of each earlier period, and whether they left before its end: the rows that
risk is learnt from and judged by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import blake2b

from msgspec import Struct

from bridge.flow.desk import Desk
from bridge.flow.hindsight import Tally, looking_back
from bridge.flow.leaving import Became
from bridge.scoring.fit.rows import SeenRows
from bridge.scoring.rates import unit
from bridge.scoring.signals import read_signals
from bridge.scoring.value import estimate_value

MOST_PERIODS = 9
"""Periods looked back on, the latest one among them: older customs say little about today's customers."""
MOST_ROWS = 250_000
"""Where customers × periods are more, each customer is looked at as of some of the instants only."""
_LATEST = 0.4
"""The latest period, by which is judged, gets so much of them."""


class Seen(Struct, kw_only=True):
    """`rows` with the instants that they are numbered by: 0 is the begin of the latest period whose end has come."""

    rows: SeenRows
    instants: tuple[datetime, ...]
    horizon_days: int
    tally: Tally
    shares: tuple[float, ...]
    """By instant, the share of the customers who were looked at as of it."""
    became: Counter[str]
    """How many rows by what became of the customer, and of those not asked about why."""


async def look_at_periods(
    desk: Desk,
    *,
    now: datetime,
    periods: int = MOST_PERIODS,
    most_rows: int = MOST_ROWS,
    report: Callable[[int, int], None] | None = None,
) -> Seen:
    """All who could leave, as of the begin of each of the latest `periods` horizons of the card that do not overlap.

    Signals are read as decisions read them. Which instants are left out of a customer's when there are too many is
    decided by a hash: the same store gives the same rows. `report` is told how many customers are read, and of how
    many.
    """
    card = desk.rules.deciding.card
    horizon = timedelta(days=card.file.horizon_days)
    instants = tuple(now - (number + 1) * horizon for number in range(periods))
    customers = (await desk.store.all("customers.in_all"))[0][0]
    shares = _shares(customers, periods, most_rows)
    number_of = {at: number for number, at in enumerate(instants)}
    seen = Seen(
        rows=SeenRows(card.codes),
        instants=instants,
        horizon_days=card.file.horizon_days,
        tally=Tally(),
        shares=shares,
        became=Counter(),
    )
    whole = unit(card.file.value.currency)

    def pick(customer: str) -> list[int]:
        return [number for number, share in enumerate(shares) if share >= 1 or _dealt(customer, number) < share]

    async for past in looking_back(desk, instants, horizon, now=now, tally=seen.tally, pick=pick, report=report):
        outcome = past.outcome
        seen.became[outcome.why.value if outcome.why else outcome.became.value] += 1
        if outcome.became is Became.not_asked:
            continue
        signals, _ = read_signals(card.codes, card.settings, card.zone, past.view, past.at)
        number = number_of[past.at]
        worth = None if number else estimate_value(card, past.view, past.at)[0].expected
        value = None if worth is None else worth.minor / whole
        seen.rows.add(number, signals, outcome.became is Became.left, value)
    return seen


def _shares(customers: int, periods: int, most_rows: int) -> tuple[float, ...]:
    if customers * periods <= most_rows:
        return (1.0,) * periods
    if periods == 1:
        return (most_rows / customers,)
    latest = min(1.0, _LATEST * most_rows / customers)
    earlier = (most_rows - latest * customers) / (customers * (periods - 1))
    return (latest, *((min(1.0, earlier),) * (periods - 1)))


def _dealt(customer: str, number: int) -> float:
    """A number from 0 up to 1 that is always the same for the same customer and instant."""
    return int.from_bytes(blake2b(f"{customer}:{number}".encode(), digest_size=7).digest(), "big") / 2**56
