"""What reports are made from, read from the store: what was shown, what became of it, what was granted. Of agents it
holds nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from msgspec import Struct

from bridge.conditions import nearest
from bridge.errors import NotFound
from bridge.flow import Desk
from bridge.flow.exposing import EVER, exposures
from bridge.playbook.exposures import Exposure
from bridge.store import micros

_STEP = 500


class Shown(Struct, frozen=True):
    """How often a script was shown; `first` and `last` in microseconds since 1970."""

    situation: str
    script: str
    shown: int
    open: int
    """Not settled yet."""
    not_judged: int
    first: int
    last: int


class Granted(Struct, frozen=True):
    """What was granted under a script in settled cases, and what it cost in minor units of the main currency."""

    situation: str
    script: str
    offer: str
    times: int
    cost_minor: int


class Evidence(Struct, frozen=True, kw_only=True):
    """`exposures` are those that are settled, `counts` of all."""

    exposures: tuple[Exposure, ...] = ()
    counts: tuple[Shown, ...] = ()
    granted: tuple[Granted, ...] = ()


async def gather(
    desk: Desk,
    *,
    since: datetime = EVER,
    situation: str | None = None,
    report: Callable[[int, int], None] | None = None,
) -> Evidence:
    """Read what was shown from `since` on. `report` is told how many of how many have been read.

    Raises NotFound for a situation that there is no playbook of, and in which nothing was ever shown.
    """
    counts = [_shown(*row) for row in await desk.store.all("exposures.counts", since=micros(since))]
    known = {one.id for one in desk.rules.deciding.playbooks.playbooks} | {row.situation for row in counts}
    if situation is not None and situation not in known:
        raise NotFound(f"situation: there is no playbook {situation!r}; {nearest(situation, known)}")
    total = sum(row.shown - row.open - row.not_judged for row in counts)
    seen = []
    read = 0
    async for one in exposures(desk, since=since):
        read += 1
        if situation in (None, one.situation):
            seen.append(one)
        if report is not None and (read % _STEP == 0 or read == total):
            report(read, total)
    currency = desk.rules.deciding.card.file.value.currency
    granted = [
        _granted(*row) for row in await desk.store.all("exposures.granted", since=micros(since), currency=currency)
    ]
    return Evidence(
        exposures=tuple(seen),
        counts=tuple(row for row in counts if situation in (None, row.situation)),
        granted=tuple(row for row in granted if situation in (None, row.situation)),
    )


def _shown(situation: str, script: str, shown: int, waiting: int, not_judged: int, first: int, last: int) -> Shown:
    return Shown(situation, script, shown, int(waiting), int(not_judged), first, last)


def _granted(situation: str, script: str, offer: str, times: int, cost_minor: int) -> Granted:
    return Granted(situation, script, offer, times, int(cost_minor))
