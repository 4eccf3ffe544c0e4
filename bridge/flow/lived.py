"""What was said of customers, and what they then did: noted, settled, and made into the record that cards show.

Every customer's risk is noted once in PERIOD, each at their own time (ids are spread evenly, and so are the moments at
which it is their turn). A note is settled when its horizon, and the time in which a successor of a contract still may
begin, is over.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any, Final

from bridge.errors import Superseded
from bridge.flow.desk import Desk
from bridge.flow.hindsight import became_of
from bridge.flow.leaving import SUCCESSOR_DAYS, Became
from bridge.flow.models import put_record, records_of
from bridge.scoring.record import RiskRecord, Seen, group
from bridge.store import Row, Unit, instant, micros

PERIOD: Final = timedelta(days=30)
GRACE: Final = timedelta(days=SUCCESSOR_DAYS + 3)
"""How long after its horizon a note is settled: until then a successor may begin and be told of."""
KEEP: Final = timedelta(days=550)
FEWEST_SETTLED, FEWEST_LEFT = 200, 20
"""Of fewer nothing is concluded."""
MOST_ROUNDS = 4
"""So many rounds are taken together where one is too few: each customer once per horizon."""
RENEW: Final = timedelta(days=7)
"""How long a record stands at least: decisions must not change daily because of it."""

_RING = 0x10000
_NOTED_AT_ONCE = 100
_SETTLED_AT_ONCE = 50
_PAGE = 5_000
_MARK = "predictions_noted"
"""Name of the row in `meta` that holds up to which turn notes were taken."""


async def note(desk: Desk, now: datetime) -> int:
    """Note what is said now of every customer whose turn came since the last time; returns how many turns that was.

    Where nobody worked for long, everybody's turn comes once. The first time only sets the mark.
    """
    turn = _turn(now)
    row = await desk.store.one("meta.get", name=_MARK)
    begin = turn if row is None else max(int(row[0]), turn - _RING)
    due_at = micros(now + timedelta(days=desk.rules.deciding.card.file.horizon_days))
    customers = (await desk.store.all("customers.in_all"))[0][0]
    at_once = max(1, _RING * _NOTED_AT_ONCE // max(customers, _NOTED_AT_ONCE))
    done, end = begin, begin
    while row is None or done < turn:
        end = min(done + at_once, turn, (done // _RING + 1) * _RING)
        unit = Unit()
        # Another worker may be at it too: whose mark is not the one that was read has been overtaken.
        unit.guard("meta.get", [] if row is None else [row], name=_MARK)
        low, high = _arc(done, end)
        unit.add("predictions.note", said_at=micros(now), due_at=due_at, low=low, high=high)
        row = (str(end),)
        unit.add("meta.put", name=_MARK, value=row[0])
        try:
            await desk.store.write(unit)
        except Superseded:
            break
        done = end
    return done - begin


def _turn(now: datetime) -> int:
    """How many turns there have been: a round of `_RING` in every PERIOD."""
    return micros(now) * _RING // (PERIOD // timedelta(microseconds=1))


def _arc(begin: int, end: int) -> tuple[str, str]:
    """From which id on, and before which, it is their turn from `begin` up to `end`, within one round. Ids are `c_` and
    hex digits."""
    low = begin % _RING
    high = low + end - begin
    return f"c_{low:04x}", "c_g" if high == _RING else f"c_{high:04x}"


async def settle(desk: Desk, now: datetime) -> int:
    """Write beside every note whose time has come what the customer did; returns how many there were.

    What was said of those who object by now, have died or are no customers any more is dropped.
    """
    done = 0
    while rows := await desk.store.all("predictions.due", now=micros(now - GRACE), most=_SETTLED_AT_ONCE):
        asked: dict[str, list[tuple[datetime, datetime]]] = {}
        for customer, said_at, due_at in rows:
            asked.setdefault(customer, []).append((instant(said_at), instant(due_at)))
        became = await became_of(desk, asked, now=now)
        unit = Unit()
        settled: list[dict[str, Any]] = []
        for customer, said_at, _ in rows:
            if (outcome := became.get((customer, instant(said_at)))) is not None:
                settled.append(
                    {"customer": customer, "said_at": said_at, "outcome": outcome.became.value, "at": micros(now)}
                )
        unit.many("predictions.settle", settled)
        gone = sorted(asked.keys() - {one["customer"] for one in settled})
        if gone:
            unit.add("predictions.drop", customers=gone)
        await desk.store.write(unit)
        done += len(rows)
    return done


async def forget(desk: Desk, now: datetime) -> None:
    """Delete what was said too long ago to count in any record."""
    unit = Unit()
    unit.add("predictions.forget", before=micros(now - KEEP))
    await desk.store.write(unit)


async def keep_record(desk: Desk, now: datetime) -> RiskRecord | None:
    """Put the record that is lived of the risk in use, at most once in RENEW; returns it when it was put.

    It takes the place of one that was held out as soon as there are enough who were settled and left.
    """
    model = desk.fitted.scored_by(desk.rules.deciding.card)
    for at, one in await records_of(desk.store, model):
        if one.seen is Seen.lived and now - at < RENEW:
            return None
    record = await lived_record(desk, model, now)
    if record is not None:
        await put_record(desk.store, model, record, now)
        await desk.look_up()
    return record


async def lived_record(desk: Desk, model: str, now: datetime) -> RiskRecord | None:
    """What came of what `model` said in the last round that is settled; None where that is too little.

    One round has every customer once, so that nobody counts twice and the moments are nobody's choice. Where it is too
    small, rounds a horizon earlier are taken in, until it is enough.
    """
    horizon = timedelta(days=desk.rules.deciding.card.file.horizon_days)
    apart = -(-horizon // PERIOD) * PERIOD
    end = newest = now - horizon - GRACE
    scored: list[tuple[float, bool]] = []
    for _ in range(MOST_ROUNDS):
        scored += [
            (probability, outcome == Became.left)
            for probability, outcome in (await _settled(desk, model, end, horizon)).values()
        ]
        if len(scored) >= FEWEST_SETTLED and sum(left for _, left in scored) >= FEWEST_LEFT:
            return RiskRecord(
                seen=Seen.lived,
                from_day=(end - PERIOD).date(),
                to_day=newest.date(),
                horizon_days=horizon.days,
                groups=group(scored),
            )
        end -= apart
    return None


async def _settled(desk: Desk, model: str, end: datetime, horizon: timedelta) -> dict[str, tuple[float, str]]:
    """By customer what was said in the round up to `end`, and what they did."""
    found: dict[str, tuple[float, str]] = {}
    async for said_at, customer, probability, _, outcome, due_at in said(desk, model, end - PERIOD, end):
        if outcome in (Became.left, Became.stayed) and due_at - said_at == horizon // timedelta(microseconds=1):
            found.setdefault(customer, (probability, outcome))
    return found


async def said(desk: Desk, model: str, after: datetime, until: datetime) -> AsyncIterator[Row]:
    """Everything that `model` said after `after`, up to `until`: said_at, customer, probability, signals, outcome,
    due_at; oldest first, read page by page."""
    at, customer = micros(after), "d"  # behind every customer of that very moment
    while page := await desk.store.all(
        "predictions.said", model=model, said_at=at, customer=customer, until=micros(until), most=_PAGE
    ):
        for row in page:
            yield row
        at, customer = page[-1][0], page[-1][1]
