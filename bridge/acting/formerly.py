"""One customer's past as automations would have seen it, and what happened in it: facts of records, of days that came,
and of what was computed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from hashlib import blake2b
from operator import attrgetter
from typing import Any, Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from bridge.acting.lifelines import Lifeline, midnight
from bridge.acting.sweeping import OVERLAP
from bridge.automation.dated import dated_facts, falls_on
from bridge.automation.gates import Sent
from bridge.automation.ordering import addresses_of
from bridge.automation.rules import Automation
from bridge.decisions import SPREAD_SECONDS
from bridge.facts import Fact, FactKind, Origin
from bridge.flow.desk import Desk
from bridge.flow.gathering import assemble, capped
from bridge.flow.noticing import Standing, from_crossings
from bridge.identity.suppression import suppression
from bridge.model import Channel
from bridge.playbook.situation import Situation
from bridge.scoring import score
from bridge.scoring.signals_exchange import is_personal
from bridge.scoring.view import Held, View
from bridge.store import instant, micros

SCORED_KINDS: Final = frozenset((FactKind.risk_rose, FactKind.value_changed, FactKind.usage_fell))
"""Facts of what is computed: they need past scores."""
READ_FOR: Final[dict[FactKind, tuple[str, ...]]] = {
    FactKind.survey_answered: ("survey_response",),
    FactKind.review_published: ("survey_response",),
    FactKind.ticket_opened: ("ticket",),
    FactKind.ticket_reopened: ("ticket",),
    FactKind.ticket_resolved: ("ticket",),
    FactKind.interaction_ended: ("interaction",),
    FactKind.interaction_abandoned: ("interaction",),
    FactKind.contract_cancelled: ("contract",),
    FactKind.contract_ending: ("customer", "contract"),
    FactKind.discount_ending: ("customer", "contract"),
    FactKind.onboarding_day: ("customer", "contract"),
    FactKind.customer_inactive: ("customer", "interaction", "purchase", "ticket", "survey_response", "usage"),
    FactKind.schedule_due: ("customer",),
}
"""The kinds of record that facts come from. Those of others are as they were noted when they happened."""
EVERYTHING: Final = (
    "account",
    "contract",
    "customer",
    "interaction",
    "purchase",
    "survey_response",
    "ticket",
    "usage",
)
_SPAN: Final = timedelta(days=1)
_SIGNS: Final = {
    "interaction": "started",
    "purchase": "at",
    "survey_response": "answered",
    "ticket": "opened",
    "usage": "day",
}
"""Kinds of record that are signs of life, and the field that says when."""
_AT: Final = attrgetter("at")
_NAME: Final = attrgetter("name")


class Apart(Struct, frozen=True, kw_only=True):
    """What is kept of a customer beside records: messages, who wants no more since when, what agents granted."""

    sent: tuple[Sent, ...] = ()
    opted_out: tuple[tuple[str, Channel, datetime], ...] = ()
    """Keyed hash of an address, channel, and since when."""
    granted: tuple[tuple[str, datetime, datetime], ...] = ()
    """Offer, when, and until when it may not be made again."""
    responded: tuple[datetime, ...] = ()
    closed: tuple[datetime, ...] = ()
    own_tickets: frozenset[str] = frozenset()


class Formerly:
    """A customer's past (see `rehearsing.Past`). `lines` are records of the kinds that were read."""

    def __init__(
        self, desk: Desk, customer: str, subjects: Collection[str], lines: Sequence[Lifeline], apart: Apart
    ) -> None:
        self.desk, self._customer, self._subjects, self._apart = desk, customer, subjects, apart
        self.lines = sorted(lines, key=_NAME)
        self._views: dict[int, View | None] = {}
        self._scored: dict[int, Situation] = {}
        self.bounds = sorted({bound for one in lines for bound in one.bounds})
        self.supposed = False

    @property
    def customer(self) -> str:
        return self._customer

    @property
    def sent(self) -> Sequence[Sent]:
        return self._apart.sent

    @property
    def responded(self) -> Sequence[datetime]:
        return self._apart.responded

    @property
    def closed(self) -> Sequence[datetime]:
        return self._apart.closed

    @property
    def own_tickets(self) -> frozenset[str]:
        return self._apart.own_tickets

    def view(self, at: int) -> View | None:
        """What was known at the microsecond `at`; None where no source knew the customer."""
        place = bisect_right(self.bounds, at)
        if place not in self._views:
            held: list[Held[Any]] = []
            for line in self.lines:
                known = line.at(at)
                if known is not None and known.subject in self._subjects:
                    held.append(known.held)
                    self.supposed = self.supposed or (known.supposed and line.object == "customer")
            held.sort(key=_AT, reverse=True)
            view = assemble(self._customer, capped(held), self.desk.rules.identity)
            self._views[place] = view if view.profiles else None
        return self._views[place]

    def situation(self, at: datetime, scored: bool) -> Situation | None:
        view = self.view(micros(at))
        if view is None:
            return None
        if not scored:
            return Situation(view, None)
        moment = micros(at)
        if moment not in self._scored:
            self._scored[moment] = Situation(view, score(self.desk.rules.deciding.card, view, at, self.desk.fitted))
        return self._scored[moment]

    def opted_out(self, at: datetime) -> frozenset[Channel]:
        if not self._apart.opted_out:
            return frozenset()
        view = self.view(micros(at))
        if view is None:
            return frozenset()
        own = {suppression(self.desk.salt, one) for one in addresses_of(view)}
        return frozenset(channel for hashed, channel, since in self._apart.opted_out if hashed in own and since <= at)

    def apologised(self, at: datetime) -> datetime | None:
        offers = self.desk.rules.deciding.playbooks.catalogue.offers
        some = [
            when
            for offer, when, _ in self._apart.granted
            if when <= at and offer in offers and offers[offer].kind.value == "apology"
        ]
        return max(some, default=None)

    def granted(self, at: datetime) -> Mapping[str, datetime]:
        return {offer: until for offer, when, until in self._apart.granted if when <= at}

    def happened(self, rules: Sequence[Automation], since: int, until: int) -> Iterator[tuple[str, Fact]]:
        """Every fact that one of `rules` may wait for, by the kind alone, with the subject it is about ("" where it is
        about the customer)."""
        kinds = {rule.kind for rule in rules}
        objects = {name for kind in kinds if not kind_by_clock(kind) for name in READ_FOR.get(kind, ())}
        for line in self.lines:
            if line.object in objects and (not line.bounds or line.bounds[-1] >= since):
                for subject, fact in line.facts(since, until, self._customer):
                    if fact.kind in kinds and subject in self._subjects:
                        yield subject, fact
        if dated := [rule for rule in rules if kind_by_clock(rule.kind)]:
            for fact in self._dated(dated, since, until):
                yield self._subject_of(fact), fact
        if crossing := kinds & SCORED_KINDS:
            for fact in self._crossings(crossing, since, until):
                yield "", fact

    def _subject_of(self, fact: Fact) -> str:
        if not fact.cause:
            return ""
        line = next(one for one in self.lines if one.ref == fact.cause)
        known = line.at(micros(fact.known_at))
        return known.subject if known is not None else ""

    def _dated(self, rules: Sequence[Automation], since: int, until: int) -> Iterator[Fact]:
        zone = self.desk.rules.outreach.zone
        days = self._days(rules, since, until)
        seen: set[str] = set()
        # By the clock, whichever day it is about: what was known in time must not be found late.
        for today in sorted({day + late * _SPAN for day in days for late in range(OVERLAP + 1)}):
            at = midnight(today, zone)
            about = [day for late in range(OVERLAP + 1) if (day := today - late * _SPAN) in days]
            if not about or not since <= at < until:
                continue
            before = midnight(today - _SPAN, zone)
            # A day later nothing new is found unless something new was told.
            if (
                today not in days
                and before >= since
                and bisect_right(self.bounds, before) == bisect_right(self.bounds, at)
            ):
                continue
            view = self.view(at)
            if view is None:
                continue
            found = list(dated_facts(rules, view, today - (OVERLAP + 1) * _SPAN, today, zone, instant(at)))
            for fact in found:
                if fact.id not in seen:
                    seen.add(fact.id)
                    yield fact
            if len(rules) == 1:  # what these days bring is known: nobody need look again
                brought = {fact.occurred_at for fact in found}
                days -= {day for day in about if instant(midnight(day, zone)) in brought}

    def _days(self, rules: Sequence[Automation], since: int, until: int) -> set[date]:
        """The days on which something may be due, by all that was ever known."""
        zone = self.desk.rules.outreach.zone
        first = instant(since).astimezone(zone).date() - (OVERLAP + 1) * _SPAN
        last = instant(until).astimezone(zone).date()
        found: set[date] = set()
        for rule in rules:
            when = rule.file.when
            if rule.kind is FactKind.contract_ending:
                found |= {_before(day, when.days) for day in self._told("contract", "ends")}
            elif rule.kind is FactKind.discount_ending:
                found |= {_before(day, when.days) for day in self._told("contract", "discount_ends")}
            elif rule.kind is FactKind.onboarding_day:
                begins = {*self._told("customer", "customer_since"), *self._told("contract", "starts")}
                found |= {_before(day, -(when.day or 0)) for day in begins}
            elif rule.kind is FactKind.customer_inactive:
                found |= self._silences(when.days or 0)
            elif when.schedule is not None:
                days = (first + place * _SPAN for place in range((last - first).days + 1))
                found |= {day for day in days if falls_on(when.schedule, day)}
        return {day for day in found if first <= day <= last}

    def _told(self, kind: str, name: str) -> Iterator[date]:
        for line in self.lines:
            if line.object == kind:
                for _, known in line.states():
                    day = getattr(known.held.record, name)
                    if day is not None and 1900 < day.year < 2200:
                        yield day

    def _silences(self, days: int) -> set[date]:
        """Days so many days after a sign of life, unless another was known by then."""
        zone, silence = self.desk.rules.outreach.zone, days * _SPAN
        signs = sorted(
            (day, bound)
            for line in self.lines
            if line.object in _SIGNS
            for bound, known in line.states()
            if (day := _sign(known.held, zone)) is not None
        )
        found = set()
        for place, (day, _) in enumerate(signs):
            due = day + silence
            later = [known for other, known in signs[place + 1 : place + 9] if day < other <= due]
            if not later or min(later) > midnight(due, zone):
                found.add(due)
        return found

    def _crossings(self, kinds: Collection[FactKind], since: int, until: int) -> Iterator[Fact]:
        """What was computed changes when something is told, and when what was computed runs out."""
        card, fitted = self.desk.rules.deciding.card, self.desk.fitted
        spread = timedelta(seconds=_place(self._customer) % SPREAD_SECONDS)
        place = bisect_right(self.bounds, since)
        at = instant(since)
        before: Standing | None = None
        seen: set[str] = set()
        while micros(at) < until:
            view = self.view(micros(at))
            due = instant(until)
            if view is None:
                before = None
            else:
                scores = score(card, view, at, fitted)
                due = scores.valid_until + spread
                after = Standing(band=scores.risk.band.value, tier=scores.value.tier.value, decision=f"{micros(at)}")
                for fact in from_crossings(
                    before, after, scores.signals, customer=self._customer, now=at, origin=Origin.live
                ):
                    if fact.kind in kinds and fact.id not in seen and micros(at) > since:
                        yield fact
                    seen.add(fact.id)
                before = after
            following = instant(self.bounds[place]) if place < len(self.bounds) else instant(until)
            if following <= due:
                at, place = following, place + 1
            else:
                at = due


def kind_by_clock(kind: FactKind) -> bool:
    """Whether such facts are made of days (see `dated`)."""
    return kind in _BY_CLOCK


_BY_CLOCK = frozenset(
    (
        FactKind.contract_ending,
        FactKind.discount_ending,
        FactKind.onboarding_day,
        FactKind.customer_inactive,
        FactKind.schedule_due,
    )
)


def _place(customer: str) -> int:
    return int.from_bytes(blake2b(customer.encode(), digest_size=4).digest(), "big")


def _before(day: date, days: int | None) -> date:
    return day - timedelta(days=days or 0)


def _sign(held: Held[Any], zone: ZoneInfo) -> date | None:
    if held.object == "usage":
        return held.record.day if held.record.value else None
    if held.object == "interaction" and not is_personal(held.record):
        return None
    when: datetime | None = getattr(held.record, _SIGNS[held.object])
    if when is None and held.object != "survey_response":
        when = held.at
    return None if when is None else when.astimezone(zone).date()
