"""Made-up histories whose truth is known: buyers who stop, contracts that are left."""

from __future__ import annotations

import random
from datetime import date, timedelta

from bridge.model import Renewal
from bridge.scoring.fit.terms import Term
from bridge.scoring.lifetime import Buying, Renewing

LAST = date(2026, 11, 20)
BUYING = Buying(r=0.8, alpha=9.0, a=0.8, b=2.8)
TOWN = Renewing(alpha=0.9, beta=2.2)
LAND = Renewing(alpha=0.7, beta=7.0)


def purchases(customers: int, *, seed: int = 3, days: int = 1095) -> list[tuple[str, date, float]]:
    """Customers who came one after the other, bought at a rate of their own, and stopped one day."""
    chance = random.Random(seed)
    found = []
    for number in range(customers):
        at = chance.uniform(0, days * 0.8)
        rate = chance.gammavariate(BUYING.r, 1 / BUYING.alpha) / 7
        stops = chance.betavariate(BUYING.a, BUYING.b)
        mean = 1 / chance.gammavariate(4.0, 1 / 12_000)
        found.append((f"c{number}", at, mean))
        while (at := at + chance.expovariate(rate)) < days:
            found.append((f"c{number}", at, mean))
            if chance.random() < stops:
                break
    return [
        (name, LAST - timedelta(days=days - int(at)), round(chance.gammavariate(5.0, mean), 0))
        for name, at, mean in found
    ]


def contracts(count: int, *, seed: int = 4, years: float = 9.0) -> list[Term]:
    """Contracts renewed each year, of two products that are left differently; what ended more than three years ago is
    not on record."""
    chance = random.Random(seed)
    found = []
    for number in range(count):
        starts = LAST - timedelta(days=int(chance.uniform(20, years * 365.25)))
        product, model = (("Stadt", TOWN), ("Land", LAND))[number % 2]
        leaves, year = chance.betavariate(model.alpha, model.beta), 1
        while chance.random() >= leaves and year < 40:
            year += 1
        left = starts + timedelta(days=round(year * 365.25))
        if left < LAST - timedelta(days=1095):
            continue
        found.append(Term(starts, left if left <= LAST else None, product, None, Renewal.automatic))
    return found
