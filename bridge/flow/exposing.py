"""Scripts that were shown: noted with the probabilities they were drawn with, settled by what the customer then did.

A script counts when an agent had it before their eyes, once for each customer, epoch and situation: the first time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import date, datetime, timedelta, timezone
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from bridge.cards import unpack_card
from bridge.flow.desk import Desk
from bridge.flow.gathering import makeups, views
from bridge.flow.hindsight import became_of
from bridge.flow.leaving import SUCCESSOR_DAYS, Became, Outcome
from bridge.model import Money
from bridge.playbook.exposures import Exposure
from bridge.scoring import score
from bridge.scoring.signals_contracts import goes_on
from bridge.scoring.view import View
from bridge.store import Store, Unit, instant, micros

GRACE: Final = timedelta(days=SUCCESSOR_DAYS + 3)
"""How long after its horizon an exposure is settled: until then a successor contract may begin and be told of."""
EVER: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
OPEN: Final = "open"
_SETTLED_AT_ONCE = 50
_PAGE = 2_000


class Drawn(Struct, frozen=True):
    """How a script was drawn, as its card says it."""

    situation: str
    epoch: int
    arm: str
    propensity: float
    arms: dict[str, float]
    cell: str
    why: str


class _Worth(Struct):
    expected: Money | None = None


class _Ends(Struct):
    record: str
    ends: date | None = None


class _Card(Struct):
    """What has to be read of a stored card."""

    value: _Worth
    choice: Drawn | None = None
    contracts: tuple[_Ends, ...] = ()


class Later(Struct, frozen=True, kw_only=True):
    """What happened to the customer from a decision to the end of its horizon: the bridge sees it by itself."""

    became: str
    """left, stayed, not_asked (no contract and no rhythm to judge by); open while that cannot be known yet."""
    day: date | None
    """On which who left did so."""
    renewed: bool
    """A contract goes on beyond the day that the card named as its end, or another one began."""
    bought: int
    """Purchases after it, refunded ones not counted."""
    risk: float | None
    """The probability to leave at the time of settling."""


_read_card = msgspec.json.Decoder(_Card).decode
_read_arms = msgspec.json.Decoder(dict[str, float]).decode
read_later = msgspec.json.Decoder(Later).decode
"""What stands in the column `later`."""


def drawn_on(packed: bytes) -> Drawn | None:
    """How the script on a stored card was drawn; None where nothing was being tried."""
    return _read_card(unpack_card(packed)).choice


def note(unit: Unit, packed: bytes, *, decision: str, customer: str, at: datetime, horizon_days: int) -> None:
    """Add to `unit` that the script of a decision was shown; nothing while no script is being tried."""
    card = _read_card(unpack_card(packed))
    drawn = card.choice
    if drawn is None:
        return
    expected = card.value.expected
    unit.add(
        "exposures.add",
        customer=customer,
        epoch=drawn.epoch,
        situation=drawn.situation,
        decision=decision,
        at=micros(at),
        arm=drawn.arm,
        arms=msgspec.json.encode(drawn.arms).decode(),
        cell=drawn.cell,
        value_minor=None if expected is None else expected.minor,
        currency=None if expected is None else expected.currency,
        due_at=micros(at + timedelta(days=horizon_days)),
    )


async def settle(desk: Desk, now: datetime) -> int:
    """Write beside every exposure whose time has come what became of the customer; returns how many there were.

    Those of customers who object by now, have died or are no customers any more are dropped: nothing may be learnt
    from them.
    """
    done = 0
    while rows := await desk.store.all("exposures.due", now=micros(now - GRACE), most=_SETTLED_AT_ONCE):
        living = {row[0]: await _survivor(desk.store, row[0]) for row in rows}
        asked: dict[str, list[tuple[datetime, datetime]]] = {}
        for customer, _, _, _, at, due_at in rows:
            asked.setdefault(living[customer], []).append((instant(at), instant(due_at)))
        became = await became_of(desk, asked, now=now)
        found = await views(desk.store, Unit(), await makeups(desk.store, asked), {}, desk.rules.identity)
        unit = Unit()
        for customer, epoch, situation, decision, at, due_at in rows:
            outcome = became.get((living[customer], instant(at)))
            if outcome is None:
                unit.add("exposures.drop", customers=[customer])
                continue
            rows_of = await desk.store.all("gateway.decision", id=decision)
            ends = _ends(rows_of[0][6]) if rows_of else {}
            later = _later(desk, outcome, found[living[customer]], ends, (instant(at), instant(due_at)), now)
            unit.add(
                "exposures.settle",
                customer=customer,
                epoch=epoch,
                situation=situation,
                became=later.became,
                later=msgspec.json.encode(later).decode(),
                at=micros(now),
            )
        await desk.store.write(unit)
        done += len(rows)
    return done


async def later_of(
    desk: Desk, decision: str, customer: str, packed: bytes, shown_at: datetime, now: datetime
) -> Later | None:
    """What happened after a decision was shown: as it was settled, else as far as it is known by `now`.

    While the horizon is not over, who has not left is `open`. None for customers who object to profiling, have died or
    are no customers any more.
    """
    for row in await desk.store.all("exposures.of_decision", decision=decision):
        if row[6] is not None:
            return read_later(row[6])
    ends = shown_at + timedelta(days=desk.rules.deciding.choice.horizon_days)
    living = await _survivor(desk.store, customer)
    outcome = Outcome(became=Became.stayed)
    until = min(ends, now)
    if until > shown_at:
        found = (await became_of(desk, {living: [(shown_at, until)]}, now=now)).get((living, shown_at))
        if found is None:
            return None
        outcome = found
    made = await views(desk.store, Unit(), await makeups(desk.store, [living]), {}, desk.rules.identity)
    if living not in made:
        return None
    later = _later(desk, outcome, made[living], _ends(packed), (shown_at, until), now)
    return replace(later, became=OPEN) if now < ends + GRACE and outcome.became is Became.stayed else later


def _later(
    desk: Desk,
    outcome: Outcome,
    view: View,
    ends: Mapping[str, date | None],
    span: tuple[datetime, datetime],
    now: datetime,
) -> Later:
    """`ends` are those of the contracts on the card."""
    begin, end = span
    return Later(
        became=outcome.became.value,
        day=outcome.day,
        renewed=_renewed(view, ends, begin.date()),
        bought=_bought(view, begin, end),
        risk=score(desk.rules.deciding.card, view, now, desk.fitted).risk.probability,
    )


async def _survivor(store: Store, customer: str) -> str:
    row = await store.one("gateway.survivor", customer=customer)
    return customer if row is None else str(row[0])


def _ends(packed: bytes) -> dict[str, date | None]:
    return {one.record: one.ends for one in _read_card(unpack_card(packed)).contracts}


def _renewed(view: View, ends: Mapping[str, date | None], day: date) -> bool:
    for held in view.contracts:
        contract = held.record
        if not goes_on(contract):
            continue
        if held.ref not in ends:
            if contract.starts is not None and contract.starts > day:
                return True
        elif (before := ends[held.ref]) is not None and (contract.ends is None or contract.ends > before):
            return True
    return False


def _bought(view: View, after: datetime, until: datetime) -> int:
    return sum(after < (held.record.at or held.at) <= until and not held.record.refunded for held in view.purchases)


async def exposures(desk: Desk, *, settled: bool = True, since: datetime = EVER) -> AsyncIterator[Exposure]:
    """All that was shown from `since` on and has been settled, in the order of customers, read page by page.

    With `settled` False also what is still open, as if they had stayed: to count what was shown, and no more. Amounts
    are whole units of the main currency; others are left out. Who cannot be judged is left out.
    """
    currency = desk.rules.deciding.card.file.value.currency
    place: dict[str, Any] = {"customer": "", "epoch": -1, "situation": ""}
    asked = {"since": micros(since), "currency": currency, "most": _PAGE}
    while rows := await desk.store.all("exposures.done", **place, **asked):
        for customer, epoch, situation, arm, arms, cell, value, valued_in, became, used, saved, cost in rows:
            if became == Became.not_asked or (became is None and settled):
                continue
            yield Exposure(
                customer=customer,
                situation=situation,
                epoch=epoch,
                arm=arm,
                arms=_read_arms(arms),
                cell=cell,
                stayed=became != Became.left,
                value=_whole(value, currency) if valued_in == currency else 0.0,
                cost=_whole(cost, currency),
                used=bool(used),
                saved=bool(saved),
            )
        place = {"customer": rows[-1][0], "epoch": rows[-1][1], "situation": rows[-1][2]}


def _whole(minor: int | None, currency: str) -> float:
    return float(Money(int(minor), currency).amount) if minor else 0.0
