"""Which customers would get which script now: the stored customers beside playbooks that may not be in force yet."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import datetime

from msgspec import Struct

from bridge.conditions import Predicate
from bridge.flow.desk import Desk
from bridge.flow.gathering import makeups, views
from bridge.flow.granting import running_grants
from bridge.playbook import Playbooks, Situation, Suggestion, applicable, fill
from bridge.scoring import score
from bridge.store import Unit

BATCH = 100


class Previewed(Struct, frozen=True):
    """One customer and what would be suggested. Nothing is written."""

    customer: str
    situation: Situation
    suggestion: Suggestion


async def preview(
    desk: Desk,
    playbooks: Playbooks,
    *,
    now: datetime,
    segment: Predicate | None = None,
    customers: Iterable[str] | None = None,
) -> AsyncIterator[tuple[int, list[Previewed]]]:
    """Customers in batches: how many were looked at, and those of them in `segment` (all of them without one).

    `customers` are those to look at; left out, everybody. Who has no record any more is looked at and left out.
    """
    incidents, _ = desk.rules.deciding.incidents.at(now)
    async for ids in _pages(desk, customers):
        made = await makeups(desk.store, ids)
        seen = await views(desk.store, Unit(), made, {}, desk.rules.identity)
        granted = await running_grants(desk.store, ids)
        found = []
        for customer, view in sorted(seen.items()):
            if not view.profiles:
                continue
            situation = Situation(view, score(desk.rules.deciding.card, view, now, desk.fitted))
            if segment is None or segment(situation.facts):
                apply = applicable(playbooks, situation, incidents)
                others = tuple(one.id for one in apply[1:])
                running = {id: until for id, until in granted.get(customer, {}).items() if until > now}
                found.append(
                    Previewed(customer, situation, fill(apply[0], situation, alternates=others, granted=running))
                )
        yield len(ids), found


async def _pages(desk: Desk, customers: Iterable[str] | None) -> AsyncIterator[list[str]]:
    if customers is not None:
        given = sorted(customers)
        for start in range(0, len(given), BATCH):
            yield given[start : start + BATCH]
        return
    after = ""
    while rows := await desk.store.all("customers.after", after=after, most=BATCH):
        after = rows[-1][0]
        yield [row[0] for row in rows]
