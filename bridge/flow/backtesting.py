"""Automations held against the past: whom they would have reached, page by page, so that memory stays flat.

Facts come from all that was ever told of each record. Only customers for whom one of them matches are read whole, and
of these only the kinds of record that the automations ask about.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from time import perf_counter
from typing import Final

from msgspec import Struct

from bridge.automation.preview import Note, Preview
from bridge.automation.purse import Ledger
from bridge.automation.register import Armed
from bridge.automation.rehearsal import Rehearsed, Stage, asks_scores, names_in
from bridge.automation.rehearsing import rehearse
from bridge.automation.rules import Act, Automation
from bridge.automation.tallying import Period, Tally
from bridge.automation.triggering import acts_on
from bridge.facts import Fact
from bridge.flow.approaching import office_of
from bridge.flow.desk import Desk
from bridge.flow.formerly import EVERYTHING, READ_FOR, SCORED_KINDS, Formerly, kind_by_clock
from bridge.flow.gathering import MOST_MEMBERS, Makeup, makeups
from bridge.flow.linking import can_link
from bridge.flow.recalling import members_of, noted_facts, read_apart, recall
from bridge.store import micros

PAGE: Final = 500
BREATH: Final = 0.005
"""Seconds of work after which others in the process get their turn."""
ROUNDS: Final = 6
"""How often a budget is reckoned anew at most."""
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

Report = Callable[[int, int], None]
"""Told how many customers are done, and of how many."""


async def preview(
    desk: Desk,
    rule: Automation,
    *,
    since: datetime,
    until: datetime,
    examples: int = 50,
    seconds: float | None = None,
    report: Report | None = None,
    thorough: bool = False,
    page: int = PAGE,
) -> Preview:
    """What `rule` would have done from `since` until `until`, beside the automations that are on.

    With `seconds`, as many customers as that time allows (ids are spread evenly, so that they are like all), and the
    figures are an estimate. `thorough`: it is set against automations that need past scores too, which takes long.
    Nothing is written.
    """
    began = perf_counter()
    play = _set_up(desk, rule, since, until, thorough=thorough)
    of_all = int((await desk.store.all("customers.in_all"))[0][0])
    tally = Tally(rule, play.titles(), play.period, desk.rules.outreach.zone, examples)
    ledger = Ledger(rule, play.currency)
    kept: dict[str, list[Rehearsed]] = {}
    looked, after = 0, ""
    while ids := [row[0] for row in await desk.store.all("customers.after", after=after, most=page)]:
        reached: list[str] = []
        async for customer, matched, runs in _rehearsed(desk, play, ids, ledger):
            tally.matched(matched)
            if rule.file.budget is not None:
                kept[customer] = runs
            elif tally.add(runs):
                reached.append(customer)
        await _value(desk, tally, reached, play.currency)
        looked, after = looked + len(ids), ids[-1]
        if report is not None:
            report(looked, max(looked, of_all))
        if seconds is not None and perf_counter() - began > seconds:
            break
    ledger.share = looked / max(of_all, looked, 1)
    await _within_budget(desk, play, kept, ledger, page)
    reached = [customer for customer, runs in kept.items() if tally.add(runs)]
    for first in range(0, len(reached), page):
        await _value(desk, tally, reached[first : first + page], play.currency)
    return tally.finish(
        customers=max(of_all, looked),
        looked_at=looked,
        notes=play.notes(desk),
        currency=play.currency,
        seconds=perf_counter() - began,
    )


async def replay(
    desk: Desk, rule: Automation, *, since: datetime, until: datetime, thorough: bool = True, page: int = PAGE
) -> AsyncIterator[Rehearsed]:
    """Every run that `rule` would have had, and those of the automations that are on beside it for the same customers,
    by customer; a budget is taken to be large enough."""
    play = _set_up(desk, rule, since, until, thorough=thorough)
    ledger, after = Ledger(rule, play.currency), ""
    while ids := [row[0] for row in await desk.store.all("customers.after", after=after, most=page)]:
        after = ids[-1]
        async for _, _, runs in _rehearsed(desk, play, ids, ledger):
            for run in runs:
                yield run


async def _value(desk: Desk, tally: Tally, customers: Collection[str], currency: str) -> None:
    if customers:
        asked = {"customers": sorted(customers), "currency": currency}
        for _, minor in await desk.store.all("rehearsal.values", **asked):
            tally.value(minor)


async def _within_budget(desk: Desk, play: _Play, kept: dict[str, list[Rehearsed]], ledger: Ledger, page: int) -> None:
    """Let the budget have its say, and whom it refuses something be rehearsed anew, until nothing changes."""
    for _ in range(ROUNDS):
        own = {run.id: customer for customer, runs in kept.items() for run in runs if run.automation == play.own.id}
        changed = ledger.reckon(run for runs in kept.values() for run in runs if run.automation == play.own.id)
        customers = sorted({own[run] for run in changed if run in own})
        if not customers:
            return
        for first in range(0, len(customers), page):
            again = _rehearsed(desk, play, customers[first : first + page], ledger)
            kept |= {customer: runs async for customer, _, runs in again}


class _Play(Struct, kw_only=True):
    """What is rehearsed, and what has to be read for it."""

    own: Armed
    others: tuple[Armed, ...]
    left_out: tuple[str, ...]
    period: Period
    stage: Stage
    first: tuple[str, ...]
    """Kinds of record from which its own facts come."""
    whole: tuple[str, ...]
    """Kinds that are read of customers for whom there is one."""

    @property
    def currency(self) -> str:
        return self.stage.office.currency

    @property
    def armed(self) -> tuple[Armed, ...]:
        return (self.own, *self.others)

    def titles(self) -> dict[str, dict[str, str]]:
        return {one.id: one.rule.file.title for one in self.others}

    def notes(self, desk: Desk) -> list[Note]:
        """What is to be said beside the figures."""
        steps = sorted(step for id, step in self.stage.missing if id == self.own.id)
        found = [Note(code="no_source", place=f"do[{step}]") for step in steps]
        mails = any(isinstance(one, Act) and one.do in ("send_email", "offer") for one in self.own.rule.steps)
        way_out = can_link(desk.settings) or desk.rules.outreach.unsubscribe
        if mails and self.own.rule.file.purpose == "advertising" and not way_out:
            found.append(Note(code="no_unsubscribe"))
        return [*found, *(Note(code="left_out", automation=one) for one in self.left_out)]


def _set_up(desk: Desk, rule: Automation, since: datetime, until: datetime, *, thorough: bool) -> _Play:
    def arm(one: Automation) -> Armed:
        return Armed(rule=one, mode="on", origin="", live_since=since, updated_at=since, updated_by="")

    on = [one.rule for one in desk.armed if one.mode == "on" and one.id != rule.id]
    scored = rule.kind in SCORED_KINDS
    others = [one for one in on if thorough or scored or one.kind not in SCORED_KINDS]
    whole = {name for one in (rule, *others) for name in _read_for(one)}
    return _Play(
        own=arm(rule),
        others=tuple(arm(one) for one in others),
        left_out=tuple(one.id for one in on if one not in others),
        period=Period(since=since, until=until),
        stage=Stage(office_of(desk, {}), until),
        first=EVERYTHING if scored else READ_FOR.get(rule.kind, ()),
        whole=tuple(sorted(whole)),
    )


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


async def _rehearsed(
    desk: Desk, play: _Play, ids: Sequence[str], ledger: Ledger
) -> AsyncIterator[tuple[str, int, list[Rehearsed]]]:
    """Each of the customers `ids` whom a fact set it off for: how many did, and all their runs."""
    made = await makeups(desk.store, ids)
    pasts, facts = await _set_off(desk, play, made)
    if not facts:
        return
    some = {customer: made[customer] for customer in facts}
    policy = desk.rules.outreach
    days = [cap.days for cap in (*policy.caps, *policy.service_caps)]
    most = [one.rule.file.at_most.days for one in play.armed if one.rule.file.at_most]
    since = play.period.since - max(timedelta(days=max([policy.apology_days, *days, *most])), _LONGEST)
    apart = await read_apart(desk, some, {one.id for one in play.armed}, since)
    pasts = await recall(desk, some, sorted(set(play.whole) - set(play.first)), apart, pasts)
    others = [one.rule for one in play.others]
    beside = await _facts(desk, play, pasts, others) if others else {}
    turn = perf_counter()
    for customer, own in facts.items():
        past = pasts[customer]
        runs = rehearse(play.armed, [*own, *beside.get(customer, ())], past, play.stage, ledger)
        for run in runs:
            run.supposed = past.supposed
        yield customer, len(own), runs
        if perf_counter() - turn > BREATH:
            await asyncio.sleep(0)
            turn = perf_counter()


async def _set_off(
    desk: Desk, play: _Play, made: Mapping[str, Makeup]
) -> tuple[dict[str, Formerly], dict[str, list[Fact]]]:
    """The facts that set it off, by customer; who has none is left out."""
    pasts = await recall(desk, made, play.first)
    found = await _facts(desk, play, pasts, [play.own.rule])
    kept: dict[str, list[Fact]] = {}
    for customer, facts in found.items():
        matching = [fact for fact in facts if acts_on(play.own, fact, {}, fact.known_at)]
        if matching:
            kept[customer] = matching
    return pasts, kept


async def _facts(
    desk: Desk, play: _Play, pasts: Mapping[str, Formerly], rules: Sequence[Automation]
) -> dict[str, list[Fact]]:
    """By customer what happened that one of `rules` may wait for. What is about an account with several customers is
    noted of one of them alone."""
    since, until = micros(play.period.since), micros(play.period.until)
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
    members = await members_of(desk, shared)
    for account, some in shared.items():
        of = members.get(account, [])
        for customer, fact in some:
            speaks = min(of) if kind_by_clock(fact.kind) else max(of[:MOST_MEMBERS])
            if customer == speaks:
                found[customer].append(fact)
    noted = {rule.kind for rule in rules if rule.kind not in READ_FOR and rule.kind not in SCORED_KINDS}
    if noted:
        stored = await noted_facts(desk, pasts.keys(), noted, play.period.since, play.period.until)
        for customer, facts in stored.items():
            found[customer] += facts
    return found
