"""All figures on retention in one go, from the whole store."""

from __future__ import annotations

import asyncio
import time as stopwatch
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import date, datetime, time, timezone, tzinfo
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from bridge.acting.approaching import survivor
from bridge.flow.counting import Counted, count_customers
from bridge.flow.desk import Desk
from bridge.flow.models import in_use
from bridge.flow.standing import Standing
from bridge.model import Money
from bridge.reports.feelings import Opinion, Silent, hear, read_silent
from bridge.reports.groups import BYS, By
from bridge.reports.looptimes import Lived, LoopTimes, time_loops
from bridge.reports.months import Months, months_until
from bridge.reports.reasons import OTHER, TITLES, Reason, Spoken, ask_why
from bridge.reports.retention import Cell, count
from bridge.reports.saves import Recorded, Saves, open_books
from bridge.scoring.rates import in_main, rate_of, unit
from bridge.store import instant, micros

_PAGE: Final = 5_000

Titles: TypeAlias = dict[str, dict[str, str]]
Report = Callable[[int, int], None]


class Basis(Struct, frozen=True, kw_only=True):
    """Of whom it is told, and of whom not."""

    customers: int
    by_contract: int
    by_rhythm: int
    """Without contract, with purchases enough to know their rhythm."""
    neither: int
    """Neither contract nor rhythm: no customers yet that could leave, and in no figure."""
    unclear: int
    """Their contract stopped, and nothing says when: in no figure on retention."""
    unpriced: int
    """With contracts in a currency without a rate: counted as customers, their money left out."""
    left_out: dict[str, int]
    """Currency → what was granted and spent in it and left out for want of a rate."""


class Metrics(Struct, frozen=True, kw_only=True):
    """Everything by one way of telling customers apart. Money in minor units of `currency`."""

    made_at: datetime
    seconds: float
    """How long it took."""
    by: By
    currency: str
    minor_units: int
    """So many make one whole unit."""
    months: tuple[str, ...]
    """Of the company's calendar."""
    so_far: str
    """The month that goes on: its figures are those up to today, and its rates those of a part of a month."""
    time_zone: str
    made_up: bool
    basis: Basis
    retention: tuple[Cell, ...]
    opinions: tuple[Opinion, ...]
    silent: Silent | None
    """None where no mood model is in use."""
    loops: tuple[LoopTimes, ...]
    saves: tuple[Saves, ...]
    worth: float | None
    """What a customer is worth on average over the horizon, which break-even is reckoned with."""
    reasons: tuple[Reason, ...]
    spoken: tuple[Spoken, ...]
    reason_titles: Titles
    topic_titles: Titles
    hidden: int = 0
    """So many cells were left out because they tell of fewer than `few` customers, or would let such be reckoned."""
    few: int = 0


async def make_metrics(desk: Desk, *, now: datetime, report: Report | None = None) -> dict[By, Metrics]:
    """Reckon everything anew, by each way of telling customers apart. Reads the whole store, page by page; nothing is
    written."""
    begun = stopwatch.monotonic()
    card = desk.rules.deciding.card
    metering, zone = desk.rules.metering, card.zone
    months = months_until(now.astimezone(zone).date(), metering.months)
    retention, feelings = count(months), hear(months, zone, now)
    reasons = ask_why(months, zone, metering, card.settings.spoken)
    tally: Counter[str] = Counter()

    def add(page: Iterable[Counted]) -> None:
        for one in page:
            tally[_standing(one.standing)] += 1
            tally["unpriced"] += any(line.unpriced for line in one.standing.lines)
            retention.add(one.standing)
            feelings.add(one.standing, one.surveys)
            reasons.add(one.standing, one.surveys)

    async for page in count_customers(desk, now=now, report=report):
        await asyncio.to_thread(add, page)
    left_out: Counter[str] = Counter()
    since = _begins(months, zone)
    books = open_books(months, zone)
    async for one in _recorded(desk, since, left_out):
        books.add(one)
    for lost in books.lost():
        reasons.add_lost(lost)
    for at, cost in await desk.store.all("metrics.sent", since=since):
        books.spend(instant(at), int(cost))
    lived = [_lived(*row) for row in await desk.store.all("metrics.loops", since=since, now=micros(now))]
    mood = await in_use(desk.store, "mood")
    currency = card.file.value.currency
    worth, valued = (await desk.store.all("metrics.worth", currency=currency))[0]
    basis = Basis(
        customers=sum(tally.values()) - tally["unpriced"],
        by_contract=tally["contract"],
        by_rhythm=tally["rhythm"],
        neither=tally["neither"],
        unclear=tally["unclear"],
        unpriced=tally["unpriced"],
        left_out=dict(left_out),
    )

    def reckon() -> dict[By, Metrics]:
        everybody = retention.cells("none")
        choice = desk.rules.deciding.choice
        common = Metrics(
            made_at=now,
            seconds=0.0,
            by="none",
            currency=currency,
            minor_units=unit(currency),
            months=months.names,
            so_far=months.names[-1],
            time_zone=card.file.time_zone,
            made_up=desk.settings.demo,
            basis=basis,
            retention=everybody,
            opinions=(),
            silent=None if mood is None else read_silent(bytes(mood.report), mood.installed_at),
            loops=time_loops(months, zone, desk.rules.loops.calendar, lived, now),
            saves=books.tell(
                retention=everybody,
                metering=metering,
                cost_of_new=choice.acquisition_cost if metering.acquisition_cost is None else metering.acquisition_cost,
                worth=float(worth) if valued else None,
                unit=unit(currency),
            ),
            worth=float(worth) if valued else None,
            reasons=(),
            spoken=reasons.topics(),
            reason_titles=TITLES | {name: topic.title for name, topic in metering.reasons.items()},
            topic_titles={OTHER: TITLES[OTHER]} | {name: topic.title for name, topic in metering.topics.items()},
        )
        seconds = round(stopwatch.monotonic() - begun, 2)
        return {
            by: replace(
                common,
                by=by,
                seconds=seconds,
                retention=retention.cells(by),
                opinions=feelings.opinions(by, retention.names(by)),
                reasons=reasons.reasons(by, retention.names(by)),
            )
            for by in BYS
        }

    return await asyncio.to_thread(reckon)


def _standing(one: Standing) -> str:
    if one.unclear:
        return "unclear"
    return one.by.value if one.by is not None and one.spans else "neither"


def _lived(
    opened: int, replied: int | None, closed: int | None, ran_out: int | None, late_reply: int, late_end: int
) -> Lived:
    """`ran_out`: when the clock of the first reply did; the flags are of the clocks that run now or ran last."""
    late = bool(late_reply) if replied is None else ran_out is not None and ran_out <= replied
    return Lived(
        opened=instant(opened),
        replied=None if replied is None else instant(replied),
        closed=None if closed is None else instant(closed),
        late_reply=late,
        late_end=bool(late_end),
    )


async def _recorded(desk: Desk, since: int, left_out: Counter[str]) -> AsyncIterator[Recorded]:
    """What agents recorded, oldest first, with its cost in the main currency; what has no rate is counted in
    `left_out`. Who was merged into another customer since then is that one."""
    rules = desk.rules.deciding.card.file.value
    moved: dict[str, str] = {
        row[0]: await survivor(desk, row[0]) for row in await desk.store.all("metrics.moved", since=since)
    }
    tiers: dict[str, str | None] = dict(await desk.store.all("metrics.tiers", ids=sorted(set(moved.values()))))
    at, key = since, ""
    while rows := await desk.store.all("metrics.outcomes", since=since, at=at, key=key, most=_PAGE):
        key, at = rows[-1][:2]
        for _, when, customer, result, disposition, minor, currency, tier in rows:
            cost: int | None = 0
            if minor:
                rate = rate_of(currency, rules)
                cost = None if rate is None else round(in_main(Money(minor, currency), rate, rules))
                if cost is None:
                    left_out[currency] += 1
            living: str = moved.get(customer) or customer
            yield Recorded(
                at=instant(when),
                customer=living,
                result=result,
                cost=cost,
                tier=tiers.get(living) or tier or "unknown",
                disposition=disposition,
            )


def _begins(months: Months, zone: tzinfo) -> int:
    """The instant at which the first month begins, in microseconds."""
    return micros(datetime.combine(date.fromordinal(months.months[0].begins), time(), zone).astimezone(timezone.utc))
