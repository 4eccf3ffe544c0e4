"""The sample's people as callers: in what situation they are, and what each script would truly make of them."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta, timezone
from functools import cache

import numpy as np
from msgspec import Struct

from bridge.sample import SCRIPTS, Approach, Center, make_center

Numbers = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

DAY = datetime(2026, 11, 21, tzinfo=timezone.utc)
ARMS: dict[str, tuple[str, ...]] = {
    "complaint": ("complaint", "price_asked", "other_channel", "default"),
    "discount_end": ("discount_end", "contract_terms", "cannot_phone", "default"),
    "contract_end": ("contract_end", "neglected", "other_channel", "default"),
    "onboarding_trouble": ("onboarding_trouble", "apology", "cannot_phone", "default"),
}
"""What is tried in each situation, the script of the situation first. Those about the channel do nothing to anybody."""
GRANTED: dict[Approach, tuple[float, float]] = {
    Approach.discount: (30.0, 0.4),
    Approach.apology: (10.0, 0.4),
    Approach.named_person: (6.0, 1.0),
}
"""What is granted under a script, in euros, and how often."""


class Pool(Struct, frozen=True):
    """All who call in one situation. `stays[i][a]` is the true probability that customer i stays under arm a."""

    situation: str
    arms: tuple[str, ...]
    cells: tuple[str, ...]
    stays: Numbers
    value: Numbers

    @property
    def effects(self) -> dict[str, float]:
        """Arm → how many more truly stay than under the neutral script, as a share."""
        beside = self.stays[:, self.arms.index("default")]
        return {arm: float((self.stays[:, place] - beside).mean()) for place, arm in enumerate(self.arms)}

    @property
    def money(self) -> Numbers:
        """Customer × arm → money to expect."""
        granted = [GRANTED.get(SCRIPTS[arm], (0.0, 0.0)) for arm in self.arms]
        earned: Numbers = self.stays * self.value[:, None] - np.array([amount * often for amount, often in granted])
        return earned


@cache
def make_pools(customers: int, seed: int = 7) -> tuple[Pool, ...]:
    """The callers of a sample contact center of so many customers."""
    center = make_center(now=DAY, customers=customers, seed=seed)
    rng = np.random.default_rng(seed)
    amounts = {one.customer_id: float(one.monthly_amount.amount) for one in center.contracts}
    usual = float(np.median(list(amounts.values())))
    situations = _situations(center)
    rows: defaultdict[str, list[tuple[str, list[float], float]]] = defaultdict(list)
    for fate in center.fates:
        situation = situations.get(fate.customer_id)
        if situation is None or not 0 < fate.risk < 1:
            continue
        value = amounts.get(fate.customer_id, usual) * 12 * 0.35
        tier = "gold" if value > 4.2 * 1.4 * usual else "silver"
        # A score that sees something of the true risk, as a fitted one does.
        seen = np.log(fate.risk / (1 - fate.risk)) + rng.normal(0, 1.0)
        if seen < -2.5:
            continue  # would stay by all that is seen: no offer is made, and nothing is tried
        band = "critical" if seen > 1.0 else "high" if seen > -1.0 else "medium"
        stays = [1 - fate.under[arm] for arm in ARMS[situation]]
        rows[situation].append((f"{band}/{tier}", stays, value))
    return tuple(
        Pool(
            situation,
            ARMS[situation],
            tuple(row[0] for row in some),
            np.array([row[1] for row in some]),
            np.array([row[2] for row in some]),
        )
        for situation, some in sorted(rows.items())
    )


def _situations(center: Center) -> dict[str, str]:
    """The most pressing matter of each customer who has one, as a desk would see it."""
    today = DAY.date()
    found: dict[str, str] = {}
    for contract in center.contracts:
        near = _within(contract.ends, today, 120) and contract.cancelled_at is None
        if near:
            found[contract.customer_id] = "contract_end"
        if _within(contract.discount_ends, today, 75):
            found[contract.customer_id] = "discount_end"
        if 0 <= (today - contract.starts).days < 120:
            found[contract.customer_id] = "onboarding_trouble"
    for case in center.tickets:
        if case.type in ("complaint", "problem") and DAY - case.opened < timedelta(days=75):
            found[case.customer_id] = "complaint"
    return found


def _within(day: date | None, today: date, days: int) -> bool:
    return day is not None and abs((day - today).days) <= days
