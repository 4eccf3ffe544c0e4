"""What became of customers after an instant: whether they left, as far as it is known now."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, tzinfo
from enum import StrEnum
from itertools import pairwise
from math import ceil
from statistics import median

from msgspec import Struct

from bridge.flow.rewinding import Point, Told
from bridge.intake.records import Current, Name, apply, decode
from bridge.model import Contract, Purchase, Renewal
from bridge.scoring.signals_contracts import goes_on
from bridge.scoring.signals_rhythm import SHORTEST_GAP
from bridge.scoring.view import Held, View
from bridge.store import instant

SUCCESSOR_DAYS = 31
"""A contract that begins within so many days of another's end follows it."""


class Became(StrEnum):
    left = "left"
    stayed = "stayed"
    not_asked = "not_asked"


class By(StrEnum):
    """What the answer was read from."""

    contract = "contract"
    rhythm = "rhythm"


class Why(StrEnum):
    """Why somebody is not asked about."""

    gone = "gone"
    """Had left, or given notice, or been silent for too long, at the instant already."""
    no_rhythm = "no_rhythm"
    """Neither a contract nor purchases enough: nothing to leave yet."""
    slow = "slow"
    """Buys so seldom that nobody can be called silent within the horizon."""
    unknown = "unknown"
    """The contract no longer goes on, and nothing says since when."""


class Outcome(Struct, frozen=True, kw_only=True):
    """`day` is the one on which who left did so; `why` is said of those who are not asked about."""

    became: Became
    by: By | None = None
    day: date | None = None
    why: Why | None = None


class Pact(Struct, frozen=True, kw_only=True):
    """What is known now of one contract. `known` False: it stopped, and nothing says when."""

    begins: date
    stops: date
    """The day of notice, or of its end without one; date.max where it goes on."""
    over: date
    """Until when it ran after it had stopped going on."""
    known: bool = True


def pact(one: Told, now: Point, zone: tzinfo) -> Pact | None:
    """The contract of which `one` is told, as it is known at `now`; None for one of which nothing is.

    Where the record itself does not say when it stopped, the first version that no longer goes on does.
    """
    current: Current | None = None
    went = False
    stopped: date | None = None
    for version, begin in zip(one.versions, one.counts, strict=True):
        if begin > now.micros:
            continue
        current = apply(current, version)
        goes = goes_on(decode(current))
        stopped = None if goes else stopped or (instant(begin).astimezone(zone).date() if went else None)
        went = went or goes
    if current is None:
        return None
    contract: Contract = decode(current)
    begins = contract.starts or date.min
    if not current.deleted and _goes(contract, now.today):
        return Pact(begins=begins, stops=date.max, over=date.max)
    # One that was deleted while it went on may have been tidied away as well as left.
    gone = current.deleted and goes_on(contract)
    days = [stopped, contract.ends if contract.ends is not None and contract.ends <= now.today else None]
    stops = contract.cancelled_at or min((day for day in days if day is not None and not gone), default=None)
    if stops is None:
        return Pact(begins=begins, stops=date.max, over=date.max, known=False)
    return Pact(begins=begins, stops=stops, over=max(stops, contract.ends or stops))


def outcome(
    view: View,
    at: Point,
    until: Point,
    pacts: Mapping[Name, Pact],
    purchases: Sequence[int],
    *,
    fewest: int,
    factor: float,
) -> Outcome:
    """What became of the customer of `view` (as it stood at `at`) by `until`.

    Who had a contract that went on is asked about it. Left is who gave notice (or whose contract ended without one) and
    had no other that went on afterwards or followed within SUCCESSOR_DAYS: one of two contracts cancelled is not
    leaving, and neither is a new one in the place of an old one.

    Who never had one is asked about their rhythm: `fewest` days of purchase at least, and by the median gap between
    them not yet `factor` gaps silent, though possibly by `until`. Left is who was then. The gap is the one of `at`: it
    is that rhythm whose end is asked for. `purchases` are the days (ordinals, UTC) of all known now, ascending.
    """
    if view.contracts:
        return _by_contract(view.contracts, at, until, pacts)
    return _by_rhythm(view.purchases, at, until, purchases, fewest=fewest, factor=factor)


def _goes(contract: Contract, today: date) -> bool:
    """Goes on, and has not run out by an end that nobody moved."""
    ran_out = contract.ends is not None and contract.ends < today
    return goes_on(contract) and not (ran_out and contract.renewal in (Renewal.none, Renewal.manual))


def _by_contract(contracts: Iterable[Held[Contract]], at: Point, until: Point, pacts: Mapping[Name, Pact]) -> Outcome:
    names = {(one.source, one.object, one.source_id) for one in contracts if _goes(one.record, at.today)}
    if not names:
        return _not_asked(Why.gone, By.contract)
    going = [pacts[name] for name in names if name in pacts]
    others = [one for name, one in pacts.items() if name not in names and (one.known or one.begins > at.today)]
    last = _last_day(going, others)
    if last is None or len(going) < len(names):
        return _not_asked(Why.unknown, By.contract)
    if last <= at.today:
        return _not_asked(Why.gone, By.contract)  # was told of it later
    if last > until.today:
        return Outcome(became=Became.stayed, by=By.contract)
    return Outcome(became=Became.left, by=By.contract, day=last)


def _last_day(going: Iterable[Pact], others: Iterable[Pact]) -> date | None:
    """The day on which the last of the `going` contracts, or of those that followed them, stopped; None: unknown."""
    last = over = date.min
    known = True
    for one in going:
        known = known and one.known
        if one.known:
            last, over = max(last, one.stops), max(over, one.over)
    for one in sorted(others, key=lambda each: each.begins):
        if (one.begins - over).days > SUCCESSOR_DAYS:
            break
        known = known and one.known
        if one.known:
            last, over = max(last, one.stops), max(over, one.over)
    return last if known or last == date.max else None


def _by_rhythm(
    held: Iterable[Held[Purchase]], at: Point, until: Point, purchases: Sequence[int], *, fewest: int, factor: float
) -> Outcome:
    days = purchase_days(held)
    if len(days) < fewest:
        return _not_asked(Why.no_rhythm)
    patience = factor * max(SHORTEST_GAP, median(right - left for left, right in pairwise(days)))
    begin, end = at.at.toordinal(), until.at.toordinal()
    if begin >= days[-1] + patience:
        return _not_asked(Why.gone, By.rhythm)
    if end < days[-1] + patience:
        return _not_asked(Why.slow, By.rhythm)
    place = bisect_right(purchases, end)
    silent = ceil((purchases[place - 1] if place else days[-1]) + patience)
    if end >= silent:
        return Outcome(became=Became.left, by=By.rhythm, day=date.fromordinal(silent))
    return Outcome(became=Became.stayed, by=By.rhythm)


def purchase_days(held: Iterable[Held[Purchase]]) -> list[int]:
    """The days (ordinals, UTC) of the purchases that stayed, ascending: a rhythm needs no calendar."""
    return sorted({(one.record.at or one.at).toordinal() for one in held if not one.record.refunded})


def _not_asked(why: Why, by: By | None = None) -> Outcome:
    return Outcome(became=Became.not_asked, by=by, why=why)
