"""How large a tranche is, by the time there is to answer: of one that is held, and of one that would be held now."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from time import perf_counter
from typing import Final

import msgspec
from msgspec import Struct

from bridge.acting.occasions import FURTHEST, CameUp, assess, look, read_usual
from bridge.automation.register import Armed
from bridge.automation.surveys import Plan, armed_of
from bridge.automation.tranches import Cell, Group, Ready, group, size
from bridge.flow.desk import Desk
from bridge.flow.looping import free_capacity
from bridge.store import Row, instant, micros

_PIECE: Final = 25
"""Customers of a preview that are read and scored in one go."""


class CellSize(Struct, frozen=True, kw_only=True):
    """The customers of one owner and stratum in a tranche."""

    owner: str
    tier: str
    band: str
    ready: int
    """So many came up and may be asked."""
    expected: float
    """Bad answers if all of them were."""
    answers: float
    """Share that is expected to answer."""
    propensity: float | None
    """Of each of them to be invited; None where the owner has no time and they wait."""


class Sizes(Struct, frozen=True, kw_only=True):
    """What a tranche was sized by. `free` is the owners' free time, `in_flight` what of it is taken already by the bad
    answers to expect of invitations that are under way."""

    cells: tuple[CellSize, ...] = ()
    free: dict[str, float] = {}
    in_flight: dict[str, float] = {}
    most: int = 0

    @property
    def ready(self) -> int:
        return sum(one.ready for one in self.cells)

    @property
    def asked(self) -> float:
        """Invitations to expect."""
        return sum(one.ready * (one.propensity or 0.0) for one in self.cells)


class Tranche(Struct, frozen=True, kw_only=True):
    """One plan's tranche of one day."""

    id: str
    plan: str
    day: str
    mode: str
    begun_at: datetime
    after: datetime
    until: datetime
    stage: str
    position: str
    sizes: Sizes
    done_at: datetime | None


def tranche_of(row: Row) -> Tranche:
    """A row of `survey_tranches`."""
    id, plan, day, mode, begun_at, after_at, until_at, stage, position, sizes, done_at = row
    return Tranche(
        id=id,
        plan=plan,
        day=day,
        mode=mode,
        begun_at=instant(begun_at),
        after=instant(after_at),
        until=instant(until_at),
        stage=stage,
        position=position,
        sizes=msgspec.json.decode(sizes, type=Sizes) if sizes else Sizes(),
        done_at=None if done_at is None else instant(done_at),
    )


async def looked_until(desk: Desk, plan: Plan, armed: Armed | None, now: datetime) -> datetime:
    """Up to when it is known who came up: where the next tranche begins to look."""
    row = await desk.store.one("surveys.last_tranche", plan=plan.id)
    last = tranche_of(row) if row else None
    since = armed.live_since if armed is not None and armed.live_since is not None else now - timedelta(days=1)
    if last is not None and armed is not None and last.mode == armed.mode and last.until > since:
        since = last.until
    return max(since, now - FURTHEST)


async def size_for(desk: Desk, plan: Plan, groups: Mapping[Cell, Group], now: datetime) -> Sizes:
    """How `groups` would be asked now, by the time that their owners have."""
    since = micros(now - timedelta(days=desk.rules.surveying.in_flight_days))
    flying = {owner: float(expected or 0) for owner, expected in await desk.store.all("surveys.in_flight", since=since)}
    capacity, rules = await free_capacity(desk, now), desk.rules.loops
    owners = {cell.owner for cell in groups}
    free = {owner: float(capacity.get(owner, rules.limit_of(owner))) for owner in owners}  # else they have no loop yet
    room = {owner: max(0.0, number - flying.get(owner, 0.0)) for owner, number in free.items()}
    form = plan.file.tranche
    sized = size(groups, room, most=form.most, balance=form.balance)
    return Sizes(
        cells=tuple(
            CellSize(
                owner=cell.owner,
                tier=cell.tier,
                band=cell.band,
                ready=one.ready,
                expected=one.expected,
                answers=one.answers,
                propensity=sized.propensity.get(cell),
            )
            for cell, one in sorted(groups.items())
        ),
        free=dict(sorted(free.items())),
        in_flight={owner: flying[owner] for owner in sorted(owners & flying.keys())},
        most=form.most,
    )


class Preview(Struct, frozen=True, kw_only=True):
    """What a tranche would be if it were held now, of `came_up` who come up among `looked_at` customers or facts.
    `whole` False: there are more of either."""

    sizes: Sizes
    barred: dict[str, int]
    came_up: int
    looked_at: int
    whole: bool


async def preview(
    desk: Desk, plan: Plan, now: datetime, *, most: int = 2000, furthest: int = 100_000, seconds: float | None = None
) -> Preview:
    """Whom a tranche would bring up and how many of them it would ask, without writing anything.

    At most `most` of those who come up are assessed, and `furthest` customers or facts looked through; after `seconds`
    no more are begun with. Read in small pieces, so that nobody who waits for a look-up feels it.
    """
    began = perf_counter()
    armed = armed_of(plan, desk.armed)
    on = armed is not None and armed.mode == "on"
    after = await looked_until(desk, plan, armed, now)
    found: dict[str, CameUp] = {}
    if on:
        for row in await desk.store.all("surveys.waiting", plan=plan.id, after="", most=most):
            found[row[0]] = CameUp(id=row[0], customer=row[1], cause=row[2], at=instant(row[3]))
    position: str | None = ""
    seen = 0
    live_since = armed.live_since if on and armed is not None else None

    def late() -> bool:
        return seconds is not None and perf_counter() - began > seconds

    while position is not None and len(found) < most and seen < furthest and not late():
        page = await look(desk, plan, after, now, position, now, live_since, _PIECE)
        found |= {one.id: one for one in page.found}
        position, seen = page.next, seen + page.seen
        await asyncio.sleep(0)
    known = await _settled(desk, list(found))
    chosen = [found[id] for id in sorted(found.keys() - known)]
    usual = await read_usual(desk, plan, now)
    ready: list[Ready] = []
    barred: dict[str, int] = {}
    taken: set[str] = set()
    assessed = 0
    for begin in range(0, min(len(chosen), most), _PIECE):
        if begin and late():
            break
        some = chosen[begin : min(begin + _PIECE, most)]
        for one in await assess(desk, plan, usual, some, taken, now):
            if one.ready is None:
                barred[one.reason] = barred.get(one.reason, 0) + 1
            else:
                ready.append(one.ready)
                taken.add(one.customer)
        assessed += len(some)
        await asyncio.sleep(0)
    return Preview(
        sizes=await size_for(desk, plan, group(ready), now),
        barred=dict(sorted(barred.items())),
        came_up=assessed,
        looked_at=seen,
        whole=position is None and assessed == len(chosen),
    )


async def _settled(desk: Desk, ids: Sequence[str]) -> set[str]:
    """Which of these occasions were dealt with already."""
    return {str(row[0]) for row in await desk.store.all("surveys.settled", ids=sorted(ids))}
