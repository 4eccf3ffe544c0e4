"""Customers as they stood at past instants, and what became of them: what models of leaving are fitted on.

A view holds nothing that was not known at its instant (see `rewinding`), an outcome all that is known now (see
`leaving`). Who belongs to whom is taken as it is today.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence, Set
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

from msgspec import Struct, field

from bridge.flow.desk import Desk
from bridge.flow.gathering import Makeup, assemble, capped, current_of, hold, makeups
from bridge.flow.leaving import Outcome, outcome, pact, purchase_days
from bridge.flow.rewinding import Point, Stood, Told, point, stood, told
from bridge.intake.records import Name, Version
from bridge.scoring.signals_rhythm import SILENT_GAPS
from bridge.scoring.view import Held, View
from bridge.store import Row, micros

CUSTOMERS = 500
"""Customers that are read at once."""
SILENT = float(SILENT_GAPS[-1])
"""Who has no contract has left after so many of their own gaps without a purchase."""


class Past(Struct, frozen=True, kw_only=True):
    """One customer as of `at`, and what became of them within the horizon."""

    customer: str
    at: datetime
    view: View
    outcome: Outcome


class Tally(Struct, kw_only=True):
    """What the views were made of, by kind of record; counted once per view in which a record stands."""

    customers: int = 0
    left_out: int = 0
    """Customers who object to profiling, have died, or whom no source knows any more: nothing of them was read."""
    records: Counter[str] = field(default_factory=Counter)
    rewound: Counter[str] = field(default_factory=Counter)
    """Of these, those that were imported later: only their own dates are believed, what changes was left out."""
    undated: Counter[str] = field(default_factory=Counter)
    """Of the rewound, those whose source never says when a record changed."""


async def looking_back(
    desk: Desk,
    instants: Sequence[datetime],
    horizon: timedelta,
    *,
    now: datetime,
    factor: float = SILENT,
    tally: Tally | None = None,
    pick: Callable[[str], Sequence[int]] | None = None,
    report: Callable[[int, int], None] | None = None,
    chunk: int = CUSTOMERS,
) -> AsyncIterator[Past]:
    """Every customer as of each of `instants`, in the order given, with what became of them by `horizon` later.

    With `pick`, as of those alone of whose places it says; a customer of whom it says none is not read.

    `factor`: who has no contract has left after so many of their own gaps without a purchase (see `leaving.outcome`).
    `report` is told how many customers are done, and of how many. Customers who object to profiling, have died or are
    erased are not read. One read of all that was ever told of `chunk` customers serves all instants.

    Raises ValueError for an instant whose horizon is not over at `now`.
    """
    zone = desk.rules.deciding.card.zone
    spans = [(point(at, zone), point(at + horizon, zone)) for at in instants]
    for at, until in spans:
        if until.at > now:
            raise ValueError(f"the horizon of {at.at.isoformat()} is not over before {until.at.isoformat()}")
    tally = Tally() if tally is None else tally
    of_all = (await desk.store.all("customers.in_all"))[0][0]
    done, after = 0, ""
    while ids := [row[0] for row in await desk.store.all("customers.after", after=after, most=chunk)]:
        chosen = {one: spans if pick is None else [spans[place] for place in pick(one)] for one in ids}
        wanted = [one for one in ids if chosen[one]]
        made = await _readable(desk, wanted)
        tally.left_out += len(wanted) - len(made)
        tally.customers += len(made)
        histories = await _histories(desk, made.values())
        for customer, makeup in made.items():
            subjects = makeup.subjects
            own = {name: one for subject in subjects for name, one in histories[subject]}
            for past in _pasts(desk, customer, subjects, own, chosen[customer], point(now, zone), factor, tally):
                yield past
        done, after = done + len(ids), ids[-1]
        if report is not None:
            report(done, max(done, of_all))


async def became_of(
    desk: Desk, asked: Mapping[str, Sequence[tuple[datetime, datetime]]], *, now: datetime, factor: float = SILENT
) -> dict[tuple[str, datetime], Outcome]:
    """By customer and begin what became of them in each span (begin, end) that is `asked` for.

    Customers who object to profiling, have died, or are no customers any more are not in it.
    """
    zone = desk.rules.deciding.card.zone
    made = await _readable(desk, sorted(asked))
    histories = await _histories(desk, made.values())
    found: dict[tuple[str, datetime], Outcome] = {}
    for customer, makeup in made.items():
        spans = [(point(at, zone), point(until, zone)) for at, until in asked[customer]]
        subjects = makeup.subjects
        own = {name: one for subject in subjects for name, one in histories[subject]}
        for past in _pasts(desk, customer, subjects, own, spans, point(now, zone), factor, Tally()):
            found[customer, past.at] = past.outcome
    return found


class Before(Struct, frozen=True, kw_only=True):
    """One customer as known now, and as of some instants of their own."""

    today: View
    views: tuple[View, ...]
    """In the order of the instants."""


async def looking_back_each(
    desk: Desk,
    choose: Callable[[View], Sequence[datetime]],
    *,
    now: datetime,
    report: Callable[[int, int], None] | None = None,
    chunk: int = CUSTOMERS,
) -> AsyncIterator[Before]:
    """Every customer as of the instants that `choose` picks from what is known of them today; those for whom it picks
    none are passed over. Otherwise as `looking_back`."""
    zone = desk.rules.deciding.card.zone
    today = point(now, zone)
    of_all = (await desk.store.all("customers.in_all"))[0][0]
    done, after = 0, ""
    while ids := [row[0] for row in await desk.store.all("customers.after", after=after, most=chunk)]:
        made = await _readable(desk, ids)
        histories = await _histories(desk, made.values())
        for customer, makeup in made.items():
            subjects = makeup.subjects
            own = {name: one for subject in subjects for name, one in histories[subject]}
            known = _as_of(desk, customer, subjects, own, [today])[0]
            if instants := choose(known):
                views = _as_of(desk, customer, subjects, own, [point(at, zone) for at in instants])
                yield Before(today=known, views=tuple(views))
        done, after = done + len(ids), ids[-1]
        if report is not None:
            report(done, max(done, of_all))


def _as_of(
    desk: Desk, customer: str, subjects: Set[str], own: Mapping[Name, Told], points: Sequence[Point]
) -> list[View]:
    columns: list[list[Held[Any]]] = [[] for _ in points]
    for one in own.values():
        for column, each in zip(columns, stood(one, points), strict=True):
            if each is not None and each.subject in subjects:
                column.append(each.held)
    return [assemble(customer, capped(sorted(column, key=_newest_first)), desk.rules.identity) for column in columns]


async def _readable(desk: Desk, ids: Sequence[str]) -> dict[str, Makeup]:
    """The make-up of those who may be read about, from what their person records say today."""
    made = await makeups(desk.store, ids)
    subjects = sorted({str(key) for one in made.values() for key in one.exact})
    persons: defaultdict[str, list[Held[Any]]] = defaultdict(list)
    for row in await desk.store.all("records.people", subjects=subjects) if subjects else ():
        current = current_of(row)
        persons[current.subject].append(hold(current))
    readable: dict[str, Makeup] = {}
    for customer, one in made.items():
        held = [person for subject in one.subjects for person in persons[subject]]
        if held:
            person = assemble(customer, held, desk.rules.identity).customer
            if not person.objects_to_profiling and not person.deceased:
                readable[customer] = one
    return readable


async def _histories(desk: Desk, made: Iterable[Makeup]) -> defaultdict[str, list[tuple[Name, Told]]]:
    """Per subject all that was ever told of each record that was about it at some time."""
    subjects = sorted({subject for one in made for subject in one.subjects})
    found: defaultdict[str, list[tuple[Name, Told]]] = defaultdict(list)
    rows = await desk.store.all("records.told", subjects=subjects) if subjects else []
    for name, some in groupby(rows, key=itemgetter(0, 1, 2)):
        since = desk.live_since.get(name[0])
        one = told((version_of(row) for row in some), None if since is None else micros(since))
        for subject in {version.subject for version in one.versions}:
            found[subject].append((name, one))
    return found


def version_of(row: Row) -> Version:
    """A row of `record_versions`, as what reads the past selects it."""
    source, kind, source_id, order, digest, how, effective_at, known_at, subject, body = row
    return Version(
        source=source,
        object=kind,
        source_id=source_id,
        ord=order,
        hash=digest,
        kind=how,
        effective_at=effective_at,
        known_at=known_at,
        subject=subject,
        body=body,
    )


def _pasts(
    desk: Desk,
    customer: str,
    subjects: Set[str],
    own: Mapping[Name, Told],
    spans: Sequence[tuple[Point, Point]],
    now: Point,
    factor: float,
    tally: Tally,
) -> Iterator[Past]:
    """The customer as of each span's begin, with what became of them by its end."""
    points = [at for at, _ in spans]
    columns: list[list[Held[Any]]] = [[] for _ in points]
    bought: list[Held[Any]] = []
    for name, one in own.items():
        found = stood(one, [*points, now] if name[1] == "purchase" else points)
        if len(found) > len(points) and (today := found.pop()) is not None and today.subject in subjects:
            bought.append(today.held)
        for column, each in zip(columns, found, strict=True):
            if each is not None and each.subject in subjects:
                column.append(each.held)
                _count(tally, each, one)
    zone, fewest = desk.rules.deciding.card.zone, desk.rules.deciding.card.settings.limits.fewest_purchases
    pacts = {
        name: made for name, one in own.items() if name[1] == "contract" and (made := pact(one, now, zone)) is not None
    }
    days = purchase_days(bought)
    for (at, until), column in zip(spans, columns, strict=True):
        column.sort(key=_newest_first)
        view = assemble(customer, capped(column), desk.rules.identity)
        became = outcome(view, at, until, pacts, days, fewest=fewest, factor=factor)
        yield Past(customer=customer, at=at.at, view=view, outcome=became)


def _newest_first(held: Held[Any]) -> tuple[float, str, str, str]:
    return (-held.at.timestamp(), held.source, held.object, held.source_id)


def _count(tally: Tally, one: Stood, told_of: Told) -> None:
    kind = one.held.object
    tally.records[kind] += 1
    if one.rewound:
        tally.rewound[kind] += 1
        if not told_of.dated:
            tally.undated[kind] += 1
