"""An automation, and those beside it, rehearsed for some customers at a time, from what was ever told of them.

Facts come from all that was ever told of each record. Only customers for whom one of them matches are read whole, and
of these only the kinds of record that the automations ask about.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from time import perf_counter
from typing import Final

from msgspec import Struct, field

from bridge.acting.approaching import office_of
from bridge.acting.formerly import EVERYTHING, READ_FOR, SCORED_KINDS, Formerly, kind_by_clock
from bridge.acting.linking import can_link
from bridge.acting.recalling import members_of, noted_facts, read_apart, recall
from bridge.automation.estimate import Scene
from bridge.automation.preview import Note, Period
from bridge.automation.purse import Ledger
from bridge.automation.register import Armed
from bridge.automation.rehearsal import Rehearsed, Stage, asks_scores, names_in
from bridge.automation.rehearsing import rehearse
from bridge.automation.rules import Act, Automation
from bridge.automation.tallying import Counts, Tally
from bridge.automation.triggering import acts_on
from bridge.facts import Fact
from bridge.flow.desk import Desk
from bridge.flow.gathering import MOST_MEMBERS, Makeup, makeups
from bridge.store import micros

BREATH: Final = 0.005
"""Seconds of work after which others in the process get their turn."""
_LONGEST: Final = timedelta(days=400)
"""Before the period messages count that are no older, where caps do not look further back."""
_ASKED: Final[dict[str, tuple[str, ...]]] = {
    "contract.": ("contract",),
    "ticket.": ("ticket",),
    "since.talked": ("interaction",),
    "since.resolved": ("ticket",),
    "since.bought": ("purchase",),
    "since.answered": ("survey_response",),
}


class Asked(Struct, frozen=True, kw_only=True):
    """Which past, how many examples, and whether automations beside it that need past scores count too."""

    since: datetime
    until: datetime
    examples: int = 50
    thorough: bool = False


class Part(Struct, kw_only=True):
    """What some customers came to; parts of others can be joined to it."""

    counts: Counts
    kept: dict[str, list[Rehearsed]] = field(default_factory=dict)
    """With a budget, which is spent over all customers together: their runs, not yet counted."""
    missing: set[tuple[str, int]] = field(default_factory=set)
    """Steps (automation and place) that no source can do."""
    facts: int = 0
    """Facts of its kind, whether it waits for just these or not."""
    oldest: datetime | None = None

    def add_fact(self, at: datetime, count: int = 1) -> None:
        """So many facts, the oldest of them at `at`."""
        self.facts += count
        self.oldest = at if self.oldest is None else min(self.oldest, at)


class Rehearsal:
    """`rule` and the automations that are on beside it, in a stretch of the past. Nothing is written."""

    def __init__(self, desk: Desk, rule: Automation, asked: Asked) -> None:
        on = [one.rule for one in desk.armed if one.mode == "on" and one.id != rule.id]
        scored = rule.kind in SCORED_KINDS
        others = [one for one in on if asked.thorough or scored or one.kind not in SCORED_KINDS]
        self.desk, self.rule, self.examples = desk, rule, asked.examples
        self.period = Period(since=asked.since, until=asked.until)
        self._left_out = [one.id for one in on if one not in others]
        self._own, self._others = _arm(rule, asked.since), [_arm(one, asked.since) for one in others]
        self._stage = Stage(office_of(desk, {}), asked.until)
        self._first = EVERYTHING if scored else READ_FOR.get(rule.kind, ())
        whole = {name for one in (rule, *others) for name in _read_for(one)}
        self._more = sorted(whole - set(self._first))

    @property
    def currency(self) -> str:
        return self._stage.office.currency

    def scene(self) -> Scene:
        """What the answer needs to know of it."""
        return Scene(
            rule=self.rule,
            period=self.period,
            zone=self.desk.rules.outreach.zone,
            currency=self.currency,
            others={one.id: one.rule.file.title for one in self._others},
        )

    def tally(self) -> Tally:
        """Nothing counted yet."""
        return Tally(self.rule, self.desk.rules.outreach.zone, self.examples)

    def notes(self, missing: Collection[tuple[str, int]]) -> list[Note]:
        """What is to be said beside the figures, when the steps `missing` could not be done today."""
        steps = sorted(step for id, step in missing if id == self.rule.id)
        found = [Note(code="no_source", place=f"do[{step}]") for step in steps]
        mails = any(isinstance(one, Act) and one.do in ("send_email", "offer") for one in self.rule.steps)
        way_out = can_link(self.desk.settings) or self.desk.rules.outreach.unsubscribe
        if mails and self.rule.file.purpose == "advertising" and not way_out:
            found.append(Note(code="no_unsubscribe"))
        return [*found, *(Note(code="left_out", automation=one) for one in self._left_out)]

    async def part(self, ids: Sequence[str]) -> Part:
        """What the customers `ids` come to; with a budget as if that were large enough."""
        tally, ledger = self.tally(), Ledger(self.rule, self.currency)
        part = Part(counts=tally.counts)
        reached: list[str] = []
        async for customer, matched, runs in self.runs(ids, ledger, part):
            tally.matched(matched)
            if self.rule.file.budget is not None:
                part.kept[customer] = runs
            elif tally.add(runs):
                reached.append(customer)
        await self.value(tally, reached)
        part.missing = set(self._stage.missing)
        return part

    async def value(self, tally: Tally, customers: Collection[str]) -> None:
        """Count what `customers` are worth, as far as that is known."""
        if customers:
            asked = {"customers": sorted(customers), "currency": self.currency}
            for _, minor in await self.desk.store.all("rehearsal.values", **asked):
                tally.value(minor)

    async def runs(
        self, ids: Sequence[str], ledger: Ledger, part: Part | None = None
    ) -> AsyncIterator[tuple[str, int, list[Rehearsed]]]:
        """Each of the customers `ids` whom a fact set it off for: how many did, and all their runs, those of the
        automations beside it too. `part` is told of the facts that there were."""
        made = await makeups(self.desk.store, ids)
        pasts, facts = await self._set_off(made, part)
        if not facts:
            return
        some = {customer: made[customer] for customer in facts}
        armed = (self._own, *self._others)
        apart = await read_apart(self.desk, some, {one.id for one in armed}, self._remembered(armed))
        pasts = await recall(self.desk, some, self._more, apart, pasts)
        beside = await self._facts(pasts, [one.rule for one in self._others]) if self._others else {}
        turn = perf_counter()
        for customer, own in facts.items():
            past = pasts[customer]
            runs = rehearse(armed, [*own, *beside.get(customer, ())], past, self._stage, ledger)
            for run in runs:
                run.supposed = past.supposed
            yield customer, len(own), runs
            if perf_counter() - turn > BREATH:
                await asyncio.sleep(0)
                turn = perf_counter()

    def _remembered(self, armed: Sequence[Armed]) -> datetime:
        """The oldest moment of a message that may still count."""
        policy = self.desk.rules.outreach
        days = [cap.days for cap in (*policy.caps, *policy.service_caps)]
        most = [one.rule.file.at_most.days for one in armed if one.rule.file.at_most]
        return self.period.since - max(timedelta(days=max([policy.apology_days, *days, *most])), _LONGEST)

    async def _set_off(
        self, made: Mapping[str, Makeup], part: Part | None
    ) -> tuple[dict[str, Formerly], dict[str, list[Fact]]]:
        """The facts that set it off, by customer; who has none is left out."""
        pasts = await recall(self.desk, made, self._first)
        found = await self._facts(pasts, [self.rule])
        kept: dict[str, list[Fact]] = {}
        for customer, facts in found.items():
            if part is not None and facts:
                part.add_fact(min(fact.occurred_at for fact in facts), len(facts))
            matching = [fact for fact in facts if acts_on(self._own, fact, {}, fact.known_at)]
            if matching:
                kept[customer] = matching
        return pasts, kept

    async def _facts(self, pasts: Mapping[str, Formerly], rules: Sequence[Automation]) -> dict[str, list[Fact]]:
        """By customer what happened that one of `rules` may wait for. What is about an account with several customers
        is noted of one of them alone."""
        since, until = micros(self.period.since), micros(self.period.until)
        found: defaultdict[str, list[Fact]] = defaultdict(list)
        shared: defaultdict[str, list[tuple[str, Fact]]] = defaultdict(list)
        turn = perf_counter()
        for customer, past in pasts.items():
            for subject, fact in past.happened(rules, since, until):
                if subject.startswith("account:"):
                    shared[subject].append((customer, fact))
                else:
                    found[customer].append(fact)
            if perf_counter() - turn > BREATH:
                await asyncio.sleep(0)
                turn = perf_counter()
        members = await members_of(self.desk, shared)
        for account, some in shared.items():
            of = members.get(account, [])
            for customer, fact in some:
                speaks = min(of) if kind_by_clock(fact.kind) else max(of[:MOST_MEMBERS])
                if customer == speaks:
                    found[customer].append(fact)
        noted = {rule.kind for rule in rules if rule.kind not in READ_FOR and rule.kind not in SCORED_KINDS}
        if noted:
            stored = await noted_facts(self.desk, pasts.keys(), noted, self.period.since, self.period.until)
            for customer, facts in stored.items():
                found[customer] += facts
        return found


def _arm(rule: Automation, since: datetime) -> Armed:
    return Armed(rule=rule, mode="on", origin="", live_since=since, updated_at=since, updated_by="")


def _read_for(rule: Automation) -> set[str]:
    """The kinds of record that `rule` asks about."""
    if asks_scores(rule) or rule.kind in SCORED_KINDS:
        return set(EVERYTHING)
    found = {"customer", "account", *READ_FOR.get(rule.kind, ())}
    conditions = [rule.file.condition, *(step.stop_if for step in rule.file.do)]
    for name in (name for one in conditions for name in names_in(one)):
        found.update(kind for begin, kinds in _ASKED.items() if name.startswith(begin) for kind in kinds)
    reaches = any(isinstance(one, Act) and one.channel is not None for one in rule.steps)
    if rule.file.while_ticket_open != "allow" and reaches:
        found.add("ticket")
    return found
