"""What customers are called, for those who may see them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from bridge.flow import Desk
from bridge.flow.gathering import current_of, makeups, view
from bridge.intake.records import Current


async def names_of(desk: Desk, customers: Iterable[str]) -> dict[str, str]:
    """By customer, "" where no source says it. Hundreds are named while others wait: no more of them is read."""
    made = await makeups(desk.store, customers)
    subjects = sorted({subject for one in made.values() for subject in one.subjects})
    people: defaultdict[str, list[Current]] = defaultdict(list)
    for row in await desk.store.all("records.people", subjects=subjects) if subjects else ():
        people[row[7]].append(current_of(row))
    known = {
        customer: view(customer, (each for subject in one.subjects for each in people[subject]), desk.rules.identity)
        for customer, one in made.items()
    }
    return {customer: one.customer.name or "" for customer, one in known.items()}
