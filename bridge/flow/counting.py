"""Every customer's standing, page by page: what retention and feelings are counted from."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timezone
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from bridge.flow.desk import Desk
from bridge.flow.gathering import Makeup, assemble, makeups
from bridge.flow.hindsight import SILENT
from bridge.flow.leaving import By, pact
from bridge.flow.rewinding import Point, Told, point, stood, told
from bridge.flow.standing import (
    FOREVER,
    Line,
    Standing,
    bridged,
    contract_spans,
    line,
    rhythm_spans,
    segment_steps,
)
from bridge.intake.records import Name, Version
from bridge.model import Account, Money, Purchase, SurveyResponse
from bridge.scoring.rates import in_main, rate_of
from bridge.scoring.result import Tier
from bridge.scoring.value import estimate_value
from bridge.scoring.view import Held
from bridge.store import Row, instant, micros

PAGE = 500
"""Customers that are read at once."""


class _Person(Struct):
    """What has to be known of a person."""

    owner: str | None = None
    objects_to_profiling: bool = False
    deceased: bool = False


_person = msgspec.json.Decoder(_Person)
_purchase = msgspec.json.Decoder(Purchase)
_response = msgspec.json.Decoder(SurveyResponse)


class Counted(Struct, frozen=True):
    """One customer, with every survey that they were asked or answered."""

    standing: Standing
    surveys: tuple[SurveyResponse, ...]


class _Page(Struct):
    """What was read of some customers, before it is looked at."""

    makeups: Mapping[str, Makeup]
    told: Sequence[Row]
    held: Sequence[Row]
    tiers: Mapping[str, str]


async def count_customers(
    desk: Desk, *, now: datetime, report: Callable[[int, int], None] | None = None
) -> AsyncIterator[list[Counted]]:
    """All customers as they stand at `now`, page by page, each once: who knows them, and under how many names, makes no
    difference. Who belongs to whom is taken as it is today.

    Reads in the caller's event loop and reckons beside it. `report` is told how many are done, and of how many.
    """
    of_all = (await desk.store.all("customers.in_all"))[0][0]
    done, after = 0, ""
    paid: set[str] = set()
    while ids := [row[0] for row in await desk.store.all("customers.after", after=after, most=PAGE)]:
        made = await makeups(desk.store, ids)
        subjects = sorted({subject for one in made.values() for subject in one.subjects})
        page = _Page(
            makeups=made,
            told=await desk.store.all("metrics.told", subjects=subjects),
            held=await desk.store.all("metrics.held", subjects=subjects),
            tiers={row[0]: row[1] for row in await desk.store.all("metrics.tiers", ids=ids)},
        )
        yield await asyncio.to_thread(_look, desk, page, now, paid)
        done, after = done + len(ids), ids[-1]
        if report is not None:
            report(done, max(done, of_all))


class _Known(Struct):
    """What was told of contracts and accounts, by whom it is about."""

    lines: defaultdict[str, dict[Name, Line]]
    unclear: set[str]
    """Whose contract stopped at a time that nobody says."""
    segments: dict[str, tuple[tuple[int, str], ...]]
    owners: dict[str, str]
    """The account manager, of the accounts that have one."""
    told: defaultdict[str, list[Told]]


def _look(desk: Desk, page: _Page, now: datetime, paid: set[str]) -> list[Counted]:
    """`paid`: the accounts whose contracts have been counted with one of their people already."""
    today = point(now, desk.rules.deciding.card.zone)
    known = _read_told(desk, page.told, today)
    held: defaultdict[str, list[Row]] = defaultdict(list)
    for row in page.held:
        held[row[0]].append(row)
    found = []
    for customer, makeup in page.makeups.items():
        own = {name: one for subject in makeup.subjects for name, one in known.lines.get(subject, {}).items()}
        rows = [row for subject in sorted(makeup.subjects) for row in held.get(subject, ())]
        lost = any(subject in known.unclear for subject in makeup.subjects)
        standing = _standing(desk, customer, tuple(own.values()), rows, lost=lost, today=today)
        # Who is in no figure does not pay for the others either.
        mine = tuple(one for one in own.values() if one.subject not in paid) if standing.spans else ()
        paid.update(one.subject for one in mine if one.subject.startswith("account:"))
        people = [_person.decode(row[3]) for row in rows if row[1] == "customer"]
        tier = page.tiers.get(customer, Tier.unknown.value)
        if (
            standing.spans
            and standing.spans[-1].stops < FOREVER
            and not any(one.objects_to_profiling or one.deceased for one in people)
        ):
            tier = _tier_before(desk, known, makeup, rows, standing.spans[-1].stops)
        standing = msgspec.structs.replace(
            standing,
            tier=tier,
            owner=next((one.owner for one in people if one.owner), "") or _first(known.owners, makeup.accounts, ""),
            segments=_first(known.segments, makeup.accounts, ()),
            pays=bridged(mine),
        )
        found.append(Counted(standing, tuple(_response.decode(row[3]) for row in rows if row[1] == "survey_response")))
    return found


def _tier_before(desk: Desk, known: _Known, makeup: Makeup, rows: Sequence[Row], stops: int) -> str:
    """The tier on the day before it was known that the customer leaves: who has left is worth nothing today, and by
    that tier nobody would ever have left the others."""
    card, fitted = desk.rules.deciding.card, desk.fitted
    day = datetime.combine(date.fromordinal(max(2, stops - 1)), time(12), timezone.utc)
    at = point(day, card.zone)
    held: list[Held[Any]] = []
    for one in (one for subject in makeup.subjects for one in known.told.get(subject, ())):
        (then,) = stood(one, [at])
        if then is not None and then.subject in makeup.subjects:
            held.append(then.held)
    for _, kind, effective_at, body in rows:
        if kind == "purchase":
            purchase = _purchase.decode(body)
            when = purchase.at or instant(effective_at)
            if when <= day:
                held.append(Held(source="", object=kind, source_id="", at=when, known_at=when, record=purchase))
    held.sort(key=lambda one: one.at, reverse=True)
    view = assemble("", held, desk.rules.identity)
    worth = fitted.worth.model if fitted.worth else None
    return estimate_value(card, view, day, fitted.cuts, worth)[0].tier.value


def _read_told(desk: Desk, rows: Sequence[Row], today: Point) -> _Known:
    zone, rules = desk.rules.deciding.card.zone, desk.rules.deciding.card.file.value

    def price(money: Money) -> int | None:
        rate = rate_of(money.currency, rules)
        return None if rate is None else round(in_main(money, rate, rules))

    known = _Known(defaultdict(dict), set(), {}, {}, defaultdict(list))
    for name, some in groupby(rows, key=itemgetter(0, 1, 2)):
        since = desk.live_since.get(name[0])
        one = told((_version(row) for row in some), None if since is None else micros(since))
        subject = next((version.subject for version in reversed(one.versions) if version.subject), "")
        known.told[subject].append(one)
        if name[1] == "account":
            known.segments[subject] = segment_steps(one, today, zone)
            known.owners[subject] = _owner(one, today)
        elif (agreed := pact(one, today, zone)) is None:
            continue
        elif not agreed.known:
            known.unclear.add(subject)
        elif agreed.over > agreed.begins:  # else it was revoked before its first day
            made = line(one, agreed, today, zone, price)
            known.lines[made.subject][name] = made
    return known


def _owner(one: Told, today: Point) -> str:
    (now,) = stood(one, [today])
    account: Account | None = now.held.record if now is not None else None
    return (account.owner if account is not None else None) or ""


_T = TypeVar("_T")


def _first(known: Mapping[str, _T], accounts: Iterable[str], otherwise: _T) -> _T:
    """What is known of the first of `accounts` of which something is."""
    return next((found for one in sorted(accounts) if (found := known.get(one))), otherwise)


def _standing(
    desk: Desk, customer: str, lines: tuple[Line, ...], rows: Sequence[Row], *, lost: bool, today: Point
) -> Standing:
    day = today.today.toordinal()
    if lines or lost:
        spans = contract_spans(lines)
        unclear = lost and (not spans or spans[-1].ends <= day)
        return Standing(customer=customer, by=By.contract, spans=() if unclear else spans, lines=lines, unclear=unclear)
    spans = rhythm_spans(
        _days(desk, rows, day), day, fewest=max(2, desk.rules.deciding.card.settings.limits.fewest_purchases),
        factor=SILENT,
    )  # fmt: skip
    return Standing(customer=customer, by=By.rhythm if spans else None, spans=spans)


def _days(desk: Desk, rows: Sequence[Row], today: int) -> list[int]:
    zone = desk.rules.deciding.card.zone
    days = set()
    for _, kind, effective_at, body in rows:
        if kind == "purchase":
            purchase = _purchase.decode(body)
            if not purchase.refunded:
                days.add((purchase.at or instant(effective_at)).astimezone(zone).date().toordinal())
    return sorted(day for day in days if day <= today)


def _version(row: Row) -> Version:
    return Version(**dict(zip(_FIELDS, row, strict=True)))


_FIELDS = (
    "source", "object", "source_id", "ord", "hash", "kind", "effective_at", "known_at", "subject", "body",
)  # fmt: skip
