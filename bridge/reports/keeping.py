"""The figures as they are kept: reckoned by the worker once a day or when somebody asks for it, read in a moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeVar

import msgspec
from msgspec.structs import replace

from bridge.errors import Superseded
from bridge.flow.desk import Desk
from bridge.reports.groups import By
from bridge.reports.metrics import Metrics, Report, make_metrics
from bridge.store import Store, Unit, micros

CHANNEL: Final = "metrics"
"""Woken when somebody wants them anew."""
FRESH: Final = timedelta(hours=24)
PATIENCE: Final = timedelta(minutes=30)
"""Who began to reckon and has not finished within so long will not."""
GROWN: Final = 0.1
SOON: Final = timedelta(minutes=5)
"""After so long they are reckoned anew where there are so many more customers, or fewer, than before."""
_WANTED: Final = "metrics.wanted"
_BEGUN: Final = "metrics.begun"
_metrics = msgspec.json.Decoder(Metrics)

T = TypeVar("T")


async def read_metrics(store: Store, by: By) -> Metrics | None:
    """What was reckoned last; None before the first time, and where an older version of the bridge reckoned it."""
    row = await store.one("metrics.kept", part=by)
    if row is None:
        return None
    try:
        return _metrics.decode(row[0])
    except msgspec.ValidationError:
        return None


async def keep_metrics(store: Store, made: dict[By, Metrics], now: datetime) -> None:
    """Keep them in the place of those before."""
    unit = Unit()
    for by, one in made.items():
        unit.add("metrics.keep", part=by, body=msgspec.json.encode(one).decode(), at=micros(now))
    await store.write(unit)


async def want_metrics(store: Store, now: datetime) -> None:
    """Let a worker reckon them anew now."""
    unit = Unit()
    unit.add("meta.put", name=_WANTED, value=str(micros(now)))
    unit.wake.add(CHANNEL)
    await store.write(unit)


async def renew_metrics(desk: Desk, now: datetime, report: Report | None = None) -> bool:
    """Reckon and keep them if they are a day old, of an earlier day, wanted anew, or not there, and nobody is at it;
    True where that was done."""
    begun = await desk.store.all("meta.get", name=_BEGUN)
    if not await _due(desk, int(begun[0][0]) if begun else 0, now):
        return False
    unit = Unit()
    unit.guard("meta.get", begun, name=_BEGUN)
    unit.add("meta.put", name=_BEGUN, value=str(micros(now)))
    try:
        await desk.store.write(unit)
    except Superseded:  # another worker has just begun
        return False
    await keep_metrics(desk.store, await make_metrics(desk, now=now, report=report), now)
    return True


async def _due(desk: Desk, begun: int, now: datetime) -> bool:
    row = await desk.store.one("meta.get", name=_WANTED)
    wanted = 0 if row is None else int(row[0])
    kept = await read_metrics(desk.store, "none")
    made = 0 if kept is None else micros(kept.made_at)
    if begun > made and begun > micros(now - PATIENCE):
        return False
    if kept is None or now - kept.made_at >= FRESH or wanted > made:
        return True
    count = (await desk.store.all("customers.in_all"))[0][0]
    if abs(count - kept.basis.customers) > GROWN * max(count, 1) and now - kept.made_at >= SOON:
        return True  # an import was under way
    zone = desk.rules.deciding.card.zone
    return kept.made_at.astimezone(zone).date() < now.astimezone(zone).date()


def of_months(metrics: Metrics, since: str | None, until: str | None) -> Metrics:
    """The months from `since` to `until`, both included; they are written 2026-10."""

    def within(month: str) -> bool:
        return (since is None or month >= since) and (until is None or month <= until)

    def cut(rows: Sequence[T], month: Callable[[T], str]) -> tuple[T, ...]:
        return tuple(row for row in rows if within(month(row)))

    return replace(
        metrics,
        months=tuple(month for month in metrics.months if within(month)),
        retention=cut(metrics.retention, lambda row: row.month),
        opinions=cut(metrics.opinions, lambda row: row.month),
        loops=cut(metrics.loops, lambda row: row.month),
        saves=cut(metrics.saves, lambda row: row.month),
        reasons=cut(metrics.reasons, lambda row: row.month),
        spoken=cut(metrics.spoken, lambda row: row.month),
    )
