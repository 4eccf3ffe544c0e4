"""Automations held against the past: whom they would have reached, page by page, so that memory stays flat."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from time import perf_counter
from typing import Final, Protocol

from bridge.acting.rehearsals import Asked, Part, Rehearsal
from bridge.automation.estimate import estimate
from bridge.automation.preview import Note, Period, Preview
from bridge.automation.purse import Ledger
from bridge.automation.rehearsal import Rehearsed
from bridge.automation.rules import Automation
from bridge.automation.tallying import Tally
from bridge.flow.desk import Desk

PAGE: Final = 500
ROUNDS: Final = 6
"""How often a budget is reckoned anew at most."""
_BY_CHANCE: Final = 0.01

Report = Callable[[int, int], None]
"""Told how many customers are done, and of how many."""


class Crew(Protocol):
    """Others who look at customers in our place."""

    @property
    def at_once(self) -> int:
        """How many pages are handed out before the first comes back."""
        ...

    async def part(self, ids: Sequence[str]) -> Part:
        """See `Rehearsal.part`."""
        ...


class _Alone:
    """Nobody but this process."""

    at_once = 1

    def __init__(self, rehearsal: Rehearsal) -> None:
        self.part = rehearsal.part


async def preview(
    desk: Desk,
    rule: Automation,
    *,
    since: datetime,
    until: datetime,
    examples: int = 50,
    seconds: float | None = None,
    report: Report | None = None,
    thorough: bool = False,
    page: int = PAGE,
    crew: Crew | None = None,
) -> Preview:
    """What `rule` would have done from `since` until `until`, beside the automations that are on.

    With `seconds`, as many customers as that time allows (ids are spread evenly, so that they are like all), and the
    figures are an estimate. `thorough`: it is set against automations that need past scores too, which takes long.
    Nothing is written.
    """
    began = perf_counter()
    rehearsal = Rehearsal(desk, rule, Asked(since=since, until=until, examples=examples, thorough=thorough))
    of_all = int((await desk.store.all("customers.in_all"))[0][0])
    tally = rehearsal.tally()
    whole = Part(counts=tally.counts)
    looked = 0
    async with aclosing(_parts(_pages(desk, page), crew or _Alone(rehearsal))) as parts:
        async for count, part in parts:
            tally.join(part.counts)
            whole.kept |= part.kept
            whole.missing |= part.missing
            if part.oldest is not None:
                whole.add_fact(part.oldest, part.facts)
            looked += count
            if report is not None:
                report(looked, max(looked, of_all))
            if seconds is not None and perf_counter() - began > seconds:
                break
    await _spend(rehearsal, tally, whole, looked / max(of_all, looked, 1), page)
    return estimate(
        tally.counts,
        rehearsal.scene(),
        customers=max(of_all, looked),
        looked_at=looked,
        notes=[*rehearsal.notes(whole.missing), *_history(whole, rehearsal.period, looked >= of_all)],
        seconds=perf_counter() - began,
    )


async def replay(
    desk: Desk, rule: Automation, *, since: datetime, until: datetime, thorough: bool = True, page: int = PAGE
) -> AsyncIterator[Rehearsed]:
    """Every run that `rule` would have had, and those of the automations that are on beside it for the same customers,
    by customer; a budget is taken to be large enough."""
    rehearsal = Rehearsal(desk, rule, Asked(since=since, until=until, thorough=thorough))
    ledger = Ledger(rule, rehearsal.currency)
    async for ids in _pages(desk, page):
        async for _, _, runs in rehearsal.runs(ids, ledger):
            for run in runs:
                yield run


async def _pages(desk: Desk, page: int) -> AsyncIterator[list[str]]:
    after = ""
    while ids := [row[0] for row in await desk.store.all("customers.after", after=after, most=page)]:
        yield ids
        after = ids[-1]


async def _parts(pages: AsyncIterator[list[str]], crew: Crew) -> AsyncGenerator[tuple[int, Part], None]:
    """Every page's part with the number of its customers, in the order of the pages."""
    going: deque[tuple[int, asyncio.Task[Part]]] = deque()
    try:
        async for ids in pages:
            going.append((len(ids), asyncio.create_task(crew.part(ids))))
            if len(going) == crew.at_once:
                count, task = going.popleft()
                yield count, await task
        while going:
            count, task = going.popleft()
            yield count, await task
    finally:
        for _, task in going:
            task.cancel()


async def _spend(rehearsal: Rehearsal, tally: Tally, whole: Part, share: float, page: int) -> None:
    """Let the budget, of which the customers looked at have their `share`, have its say over all runs that were kept,
    and whom it refuses something be rehearsed anew, until nothing changes; then count them."""
    kept, own = whole.kept, rehearsal.rule.id
    ledger = Ledger(rehearsal.rule, rehearsal.currency)
    ledger.share = share
    for _ in range(ROUNDS if kept else 0):
        owner = {run.id: customer for customer, runs in kept.items() for run in runs if run.automation == own}
        changed = ledger.reckon(run for runs in kept.values() for run in runs if run.automation == own)
        customers = sorted({owner[run] for run in changed if run in owner})
        for first in range(0, len(customers), page):
            again = rehearsal.runs(customers[first : first + page], ledger)
            kept |= {customer: runs async for customer, _, runs in again}
        if not customers:
            break
    reached = [customer for customer, runs in kept.items() if tally.add(runs)]
    for first in range(0, len(reached), page):
        await rehearsal.value(tally, reached[first : first + page])


def _history(whole: Part, period: Period, all_looked_at: bool) -> list[Note]:
    """Whether the past tells of such facts at all, and as far back as was asked.

    Were they spread over the whole period, the chance that all of them came after the oldest would be as small as
    _BY_CHANCE: then what is known does not reach back.
    """
    if whole.oldest is None:
        return [Note(code="no_history")] if all_looked_at else []
    known = (period.until - whole.oldest) / (period.until - period.since)
    if known**whole.facts < _BY_CHANCE:
        return [Note(code="short_history", place=f"{whole.oldest:%Y-%m-%d}")]
    return []
