"""The report on scripts and offers, whole, as it is sent: figures with their ranges, and sentences."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from math import sqrt
from typing import Literal, overload

import msgspec
from msgspec import Struct

from bridge.flow import Desk
from bridge.flow.exposing import EVER, GRACE
from bridge.model import Money
from bridge.playbook import Playbook, Policy
from bridge.playbook.estimates import Estimate
from bridge.playbook.experiment import NEUTRAL, epoch_at, epoch_ends, policy_at
from bridge.playbook.offers import Offer
from bridge.playbook.texts import Words
from bridge.reports.effects import Effect, Report, Worth, report_effects
from bridge.reports.evidence import Evidence
from bridge.reports.ledger import Entry, keep_ledger
from bridge.reports.sentences import say_effect
from bridge.reports.summary import summarize
from bridge.reports.verdicts import Verdict
from bridge.scoring.wording import LANGUAGES
from bridge.store import instant


class Figure(Struct, frozen=True, kw_only=True):
    """An estimate with its range at 95 %."""

    value: float
    low: float
    high: float
    effective: float
    """How many exposures, drawn evenly, would tell as much."""
    smallest: float
    """The smallest true difference that four of five tries of this size would show."""


class Span(Struct, frozen=True, kw_only=True):
    """A number and its range at 95 %; `high` is null where there is no upper end."""

    value: float
    low: float
    high: float | None


class Script(Struct, frozen=True, kw_only=True):
    """One script in one situation. Money in whole units of the report's currency; shares, not percent."""

    situation: str
    script: str
    title: dict[str, str]
    neutral: bool
    in_force: bool
    """What is said in this situation today, outside of hold-out and exploration."""
    shown: int
    """Settled: the horizon is over. Only those are counted in what follows."""
    open: int
    """Shown, and not settled yet."""
    used: int
    saved: int
    """What agents recorded; much of it would have happened anyway."""
    stayed: int
    cost: float
    value_each: float
    """Margin that stays with a customer, on average."""
    more_stay: Figure | None
    """Share that stays because of it, beside the neutral script, doubly robust; null where too few were shown."""
    more_money: Figure | None
    """For each time it is shown."""
    saves: Span | None
    cost_per_save: Span | None
    break_even: float | None
    """The share that has to be saved for it to pay."""
    pays: Literal["yes", "no", "unclear"] | None
    verdict: Verdict | None
    said: dict[str, str]


class OfferLine(Struct, frozen=True, kw_only=True):
    """One offer. What it brings is what the scripts bring that put it first: both are shown as one."""

    offer: str
    name: dict[str, str]
    granted: int
    cost: float
    scripts: tuple[str, ...]
    """Those that put it first, as `situation/script`."""
    shown: int
    """Times that those were shown."""
    saves: Span | None
    cost_per_save: Span | None


class PolicyWorth(Struct, frozen=True, kw_only=True):
    """What policies bring for each exposure, in customers who stay or in money; see `Worth`."""

    outcome: Literal["stayed", "money"]
    exposures: int
    lived: Figure
    present: Figure
    best_single: Figure
    none: Figure
    present_beside_best_single: Figure
    lived_beside_none: Figure


class Costs(Struct, frozen=True, kw_only=True):
    """The ledger in one line: what all that was granted cost, and the customers who stayed because of all of it."""

    cost: float
    saves: Span | None
    cost_per_save: Span | None
    acquisition_cost: float | None


class Place(Struct, frozen=True, kw_only=True):
    """A situation, by the playbook that applies."""

    situation: str
    title: dict[str, str]


class Uplift(Struct, frozen=True, kw_only=True):
    """The whole report."""

    made_at: datetime
    since: date | None
    situation: str | None
    made_up: bool
    """In demo mode: the people are invented, and so is their past."""
    currency: str
    trying: bool
    """Whether scripts are being tried now."""
    epoch_ends: datetime | None
    first_known: datetime | None
    """When the first of what was shown can be settled; null where that is over."""
    horizon_days: int
    hold_out: float
    explore: float
    matters: float
    error_rate: float
    shown: int
    settled: int
    open: int
    not_judged: int
    """Customers without contract or rhythm: nobody can say whether they stayed."""
    places: tuple[Place, ...]
    scripts: tuple[Script, ...]
    offers: tuple[OfferLine, ...]
    policy: tuple[PolicyWorth, ...]
    costs: Costs
    summary: dict[str, tuple[str, ...]]


def make_uplift(
    desk: Desk, evidence: Evidence, *, now: datetime, since: datetime = EVER, situation: str | None = None
) -> Uplift:
    """The report over `evidence`, read with the same `since` and `situation`. Pure; a second for 20,000 exposures."""
    deciding = desk.rules.deciding
    rules, playbooks = deciding.choice, {one.id: one for one in deciding.playbooks.playbooks}
    currency = deciding.card.file.value.currency
    epoch = epoch_at(rules, now)
    policy = policy_at(desk.policies, epoch)
    report = report_effects(rules, evidence.exposures, policy)
    titles = _titles(playbooks, evidence)
    ledger = {(one.situation, one.arm): one for one in keep_ledger(report.effects, rules.acquisition_cost)}
    waiting = [row.first for row in evidence.counts if row.open]
    first_known = instant(min(waiting)) + timedelta(days=rules.horizon_days) + GRACE if waiting else None
    return Uplift(
        made_at=now,
        since=None if since == EVER else since.date(),
        situation=situation,
        made_up=desk.settings.demo,
        currency=currency,
        trying=epoch is not None,
        epoch_ends=None if epoch is None else epoch_ends(rules, epoch),
        first_known=None if evidence.exposures else first_known,
        horizon_days=rules.horizon_days,
        hold_out=rules.hold_out,
        explore=rules.explore,
        matters=rules.matters,
        error_rate=rules.error_rate,
        shown=sum(row.shown for row in evidence.counts),
        settled=len(evidence.exposures),
        open=sum(row.open for row in evidence.counts),
        not_judged=sum(row.not_judged for row in evidence.counts),
        places=tuple(
            Place(situation=one, title=titles[one]) for one in dict.fromkeys(row.situation for row in evidence.counts)
        ),
        scripts=_scripts(report, ledger, evidence, policy, titles),
        offers=_offers(playbooks, deciding.playbooks.catalogue.offers, report, evidence, currency),
        policy=tuple(_policy(one) for one in report.worth),
        costs=_costs(report, rules.acquisition_cost),
        summary={
            language: summarize(report, titles, language, currency=currency, first_known=first_known)
            for language in LANGUAGES
        },
    )


@overload
def figure(estimate: Estimate) -> Figure: ...
@overload
def figure(estimate: None) -> None: ...
@overload
def figure(estimate: Estimate | None) -> Figure | None: ...
def figure(estimate: Estimate | None) -> Figure | None:
    """The estimate as it is sent."""
    if estimate is None:
        return None
    low, high = estimate.interval()
    return Figure(
        value=estimate.value, low=low, high=high, effective=round(estimate.ess, 1), smallest=estimate.smallest()
    )


def _titles(playbooks: Mapping[str, Playbook], evidence: Evidence) -> dict[str, dict[str, str]]:
    """Of every script that was shown; one whose playbook is gone is called by its id."""
    ids = {id for row in evidence.counts for id in (row.situation, row.script)}
    return {
        id: {
            language: playbooks[id].title[language].fill(Words({}, language)) if id in playbooks else id
            for language in LANGUAGES
        }
        for id in sorted(ids | {NEUTRAL})
    }


def _scripts(
    report: Report,
    ledger: Mapping[tuple[str, str], Entry],
    evidence: Evidence,
    policy: Policy,
    titles: Mapping[str, dict[str, str]],
) -> tuple[Script, ...]:
    effects = {(one.situation, one.arm): one for one in report.effects}
    found = []
    for row in evidence.counts:
        effect = effects.get((row.situation, row.script)) or _unsettled(row.situation, row.script)
        learnt = policy.situations.get(row.situation)
        entry = ledger.get((row.situation, row.script))
        found.append(
            Script(
                situation=row.situation,
                script=row.script,
                title=titles[row.script],
                neutral=row.script == NEUTRAL,
                in_force=row.script == (learnt.best if learnt else row.situation),
                shown=effect.shown,
                open=row.open,
                used=effect.used,
                saved=effect.saved,
                stayed=effect.stayed,
                cost=round(effect.granted, 2),
                value_each=round(effect.value, 2),
                more_stay=figure(effect.more_stay),
                more_money=figure(effect.more_money),
                saves=_span(entry.saves if entry else None),
                cost_per_save=_span(entry.cost_per_save if entry else None),
                break_even=entry.break_even if entry else None,
                pays=entry.pays if entry else None,
                verdict=effect.verdict,
                said={
                    language: say_effect(_named(effect, titles, language), language, margin=report.margin)
                    for language in LANGUAGES
                    if effect.shown
                },
            )
        )
    return tuple(found)


def _named(effect: Effect, titles: Mapping[str, dict[str, str]], language: str) -> Effect:
    """As sentences speak of it: by its title."""
    return effect if effect.arm == NEUTRAL else msgspec.structs.replace(effect, arm=titles[effect.arm][language])


def _unsettled(situation: str, arm: str) -> Effect:
    return Effect(situation=situation, arm=arm, shown=0, used=0, stayed=0, saved=0, granted=0.0, value=0.0)


def _span(low_value_high: tuple[float, float, float | None] | None) -> Span | None:
    if low_value_high is None:
        return None
    low, value, high = low_value_high
    return Span(value=value, low=low, high=high)


def _policy(worth: Worth) -> PolicyWorth:
    return PolicyWorth(
        outcome=worth.outcome,
        exposures=worth.exposures,
        lived=figure(worth.lived),
        present=figure(worth.usual),
        best_single=figure(worth.single),
        none=figure(worth.none),
        present_beside_best_single=figure(worth.beside_single),
        lived_beside_none=figure(worth.beside_none),
    )


def _costs(report: Report, acquisition_cost: float | None) -> Costs:
    cost = sum(one.granted for one in report.effects)
    stayed = next((one for one in report.worth if one.outcome == "stayed"), None)
    saves = None
    if stayed is not None:
        low, high = stayed.beside_none.interval()
        saves = (low * stayed.exposures, stayed.beside_none.value * stayed.exposures, high * stayed.exposures)
    return Costs(
        cost=round(cost, 2),
        saves=_span(saves),
        cost_per_save=_span(_for_each(cost, saves)),
        acquisition_cost=acquisition_cost,
    )


def _for_each(cost: float, saves: tuple[float, float, float] | None) -> tuple[float, float, float | None] | None:
    """None where it may not even be estimated that somebody was saved."""
    if saves is None or saves[1] <= 0:
        return None
    return cost / saves[2], cost / saves[1], cost / saves[0] if saves[0] > 0 else None


def _offers(
    playbooks: Mapping[str, Playbook], catalogue: Mapping[str, Offer], report: Report, evidence: Evidence, currency: str
) -> tuple[OfferLine, ...]:
    times: defaultdict[str, int] = defaultdict(int)
    cost: defaultdict[str, float] = defaultdict(float)
    for row in evidence.granted:
        times[row.offer] += row.times
        cost[row.offer] += float(Money(row.cost_minor, currency).amount)
    first: defaultdict[str, list[Effect]] = defaultdict(list)
    for effect in report.effects:
        playbook = playbooks.get(effect.arm)
        if playbook is not None and playbook.offer is not None:
            first[playbook.offer.offers[0].id].append(effect)
    found = []
    for offer in sorted(first.keys() | times.keys()):
        saves = _together(first[offer])
        spent = sum(effect.granted for effect in first[offer])
        found.append(
            OfferLine(
                offer=offer,
                name=catalogue[offer].name if offer in catalogue else dict.fromkeys(LANGUAGES, offer),
                granted=times[offer],
                cost=round(cost[offer], 2),
                scripts=tuple(f"{effect.situation}/{effect.arm}" for effect in first[offer]),
                shown=sum(effect.shown for effect in first[offer]),
                saves=_span(saves),
                cost_per_save=_span(_for_each(spent, saves)),
            )
        )
    return tuple(found)


def _together(effects: list[Effect]) -> tuple[float, float, float] | None:
    """Saves of several scripts: their sum, their errors as of different customers."""
    known = [(one.shown, one.more_stay) for one in effects if one.more_stay is not None]
    if not known:
        return None
    whole = Estimate(
        value=sum(shown * one.value for shown, one in known),
        error=sqrt(sum((shown * one.error) ** 2 for shown, one in known)),
        ess=sum(one.ess for _, one in known),
        freedom=min(one.freedom for _, one in known),
    )
    low, high = whole.interval()
    return low, whole.value, high
