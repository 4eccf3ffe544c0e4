"""Since when somebody is a customer, until when, and what they paid: from all that was ever told of contracts and
purchases. Pure; what is said of a past day never changes because of what happened after it.

Days are ordinals of the company's calendar. A span holds a day while `begins <= day < ends`: a contract that ends on
the 30th is over at the close of the 30th.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import date, tzinfo
from itertools import pairwise, takewhile
from math import ceil
from statistics import median
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from bridge.flow.leaving import SUCCESSOR_DAYS, By, Pact
from bridge.flow.rewinding import Point, Told
from bridge.intake.records import Current, apply, decode
from bridge.model import Account, Contract, ContractStatus, Money
from bridge.scoring.signals_rhythm import SHORTEST_GAP
from bridge.store import instant

EVER: Final = date.min.toordinal()
FOREVER: Final = date.max.toordinal()

Steps = tuple[tuple[int, int], ...]
"""What something came to from which day on, ascending; before the first day it came to what it did on it."""
Price = Callable[[Money], int | None]
"""An amount in minor units of the main currency; None for a currency that nobody gave a rate for."""


class Line(Struct, frozen=True, kw_only=True):
    """One contract in time."""

    subject: str
    begins: int
    ends: int
    stops: int
    """The day of notice, or of its end without one; FOREVER while it goes on."""
    amounts: Steps = ()
    """A month, in minor units of the main currency."""
    product: str = ""
    reason: str | None = None
    unpriced: bool = False
    """It has amounts in a currency without a rate: they count as none."""


class Span(Struct, frozen=True, kw_only=True):
    """A time without interruption in which somebody was a customer."""

    begins: int
    ends: int
    stops: int = FOREVER
    """The day on which leaving was made known; FOREVER while it was not."""
    reason: str | None = None


class Standing(Struct, frozen=True, kw_only=True):
    """One customer. Who has no `spans` was never a customer that could leave: neither contract nor rhythm."""

    customer: str
    by: By | None = None
    spans: tuple[Span, ...] = ()
    lines: tuple[Line, ...] = ()
    unclear: bool = False
    """There are contracts, and of none is known when it stopped."""
    tier: str = "unknown"
    owner: str = ""
    segments: tuple[tuple[int, str], ...] = ()
    """The segment of their account, from which day on."""
    pays: tuple[Line, ...] = ()
    """Those of `lines` whose money counts here: a contract that several share counts with one of them."""


def line(one: Told, known: Pact, now: Point, zone: tzinfo, price: Price) -> Line:
    """The contract of which `one` is told, of whose days `known` says all that is known at `now`.

    One that nobody dates began when it was told of; before that there was none. Where it came in by an import, it had
    been there for nobody knows how long, and counts as if for ever.
    """
    found = _states(one, now, zone)
    _, current = found[-1]
    states: list[tuple[int, Contract]] = [(day, decode(state)) for day, state in found]
    _, last = states[-1]
    amounts, unpriced = _amounts(states, price)
    begins, ends = known.begins.toordinal(), known.over.toordinal()
    if last.status is ContractStatus.ended and known.over > now.today:  # over before its time
        since = min(day for day, _ in takewhile(lambda each: each[1].status is last.status, reversed(states)))
        ends = max(begins + 1, known.stops.toordinal(), since)
    if last.starts is None and not one.imported:
        begins = min(states[0][0], ends - 1)
    return Line(
        subject=current.subject,
        begins=begins,
        ends=ends,
        stops=known.stops.toordinal(),
        amounts=amounts,
        product=last.product or "",
        reason=last.cancel_reason,
        unpriced=unpriced,
    )


def _states(one: Told, now: Point, zone: tzinfo) -> list[tuple[int, Current]]:
    """How the record stood, and from which day on."""
    found: list[tuple[int, Current]] = []
    current: Current | None = None
    since = 0
    for version, begin in zip(one.versions, one.counts, strict=True):
        if begin > now.micros:
            continue
        current = apply(current, version)
        since = max(since, begin)
        found.append((instant(since).astimezone(zone).date().toordinal(), current))
    return found


def _amounts(states: Sequence[tuple[int, Contract]], price: Price) -> tuple[Steps, bool]:
    steps: dict[int, int] = {}
    unpriced = False
    for place, (day, contract) in enumerate(states):
        until = states[place + 1][0] if place + 1 < len(states) else FOREVER
        first = EVER if place == 0 else day
        monthly, after = contract.monthly_amount, contract.amount_after_discount
        for begin, money in ((first, monthly), (_after_discount(contract, first), after or monthly)):
            if begin < until and money is not None:
                minor = price(money)
                unpriced = unpriced or minor is None
                steps[begin] = minor or 0
            elif begin < until and begin == first:
                steps[begin] = 0
    ordered = sorted(steps.items())
    return tuple(one for place, one in enumerate(ordered) if place == 0 or one[1] != ordered[place - 1][1]), unpriced


def _after_discount(contract: Contract, first: int) -> int:
    """The day from which on the amount after the discount counts."""
    ends = contract.discount_ends
    return FOREVER if ends is None else max(first, ends.toordinal() + 1)


def segment_steps(one: Told, now: Point, zone: tzinfo) -> tuple[tuple[int, str], ...]:
    """The segment of an account over time; before the first that is known it was that one."""
    found: list[tuple[int, str]] = []
    for day, current in _states(one, now, zone):
        account: Account = decode(current)
        if account.segment and (not found or found[-1][1] != account.segment):
            found.append((day, account.segment))
    return tuple(found)


def at(steps: Sequence[tuple[int, int]], day: int) -> int:
    """What `steps` come to on `day`; 0 where there are none."""
    return steps[max(0, bisect_right(steps, (day, FOREVER)) - 1)][1] if steps else 0


def named_at(steps: Sequence[tuple[int, str]], day: int) -> str:
    """The same of names; "" where there are none."""
    return steps[max(0, bisect_right(steps, (day, "\U0010ffff")) - 1)][1] if steps else ""


def contract_spans(lines: Iterable[Line]) -> tuple[Span, ...]:
    """The times in which one at least of the contracts ran. One that begins within SUCCESSOR_DAYS of the end of those
    before follows them without a gap: to move to another contract is not leaving."""
    spans: list[Span] = []
    for one in sorted(lines, key=lambda each: (each.begins, each.ends)):
        if spans and one.begins - spans[-1].ends <= SUCCESSOR_DAYS:
            last = spans[-1]
            later = one if one.ends >= last.ends else last
            reason = (one.reason or last.reason) if one.ends == last.ends else later.reason
            spans[-1] = Span(begins=last.begins, ends=later.ends, stops=max(last.stops, one.stops), reason=reason)
        else:
            spans.append(Span(begins=one.begins, ends=one.ends, stops=one.stops, reason=one.reason))
    return tuple(spans)


def rhythm_spans(days: Sequence[int], today: int, *, fewest: int, factor: float) -> tuple[Span, ...]:
    """The times in which somebody without contract bought at their own rhythm: from the purchase on that made it known
    (`fewest` days of purchase), until they were silent for `factor` times the median gap as it was then, and from the
    next purchase on again. `days` ascend."""
    spans: list[Span] = []
    begins: int | None = None
    gaps = [right - left for left, right in pairwise(days)]
    for place in range(fewest - 1, len(days)):
        begins = days[place] if begins is None else begins
        patience = factor * max(SHORTEST_GAP, median(gaps[:place]))
        silent = ceil(days[place] + patience)
        following = days[place + 1] if place + 1 < len(days) else FOREVER
        if silent < following and silent <= today:
            spans.append(Span(begins=begins, ends=silent, stops=silent))
            begins = None
    if begins is not None:
        spans.append(Span(begins=begins, ends=FOREVER))
    return tuple(spans)


def bridged(lines: Iterable[Line]) -> tuple[Line, ...]:
    """The same contracts, each paid on until the next begins that follows it within SUCCESSOR_DAYS: of the days between
    nobody would say that the money had gone."""
    ordered = sorted(lines, key=lambda each: (each.begins, each.ends))
    starts = [each.begins for each in ordered]
    found = []
    for one in ordered:
        place = bisect_left(starts, one.ends)
        if place < len(starts) and starts[place] - one.ends <= SUCCESSOR_DAYS:
            found.append(replace(one, ends=starts[place]))
        else:
            found.append(one)
    return tuple(found)
