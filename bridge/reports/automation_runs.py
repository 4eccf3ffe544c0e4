"""Customers an automation began for, or was kept from by lot, and what they did: read from the store."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from bridge.acting.approaching import survivor
from bridge.acting.recalling import recall
from bridge.automation.preview import Period
from bridge.automation.register import find_armed, versions
from bridge.flow import Desk
from bridge.flow.gathering import makeups
from bridge.flow.hindsight import became_of
from bridge.flow.leaving import Became
from bridge.reports.automation_effect import AutomationEffect, Watched, weigh
from bridge.scoring.mood import highest
from bridge.scoring.view import View
from bridge.store import Row, instant, micros

_AT_ONCE = 40
"""Customers that are looked back at between two breaths of whoever else is served."""
SATISFIED = 0.75
"""From this share of a survey's scale on an answer is a good one."""


class _Assigned(Struct, frozen=True, kw_only=True):
    run: str
    version: str
    treated: bool
    at: datetime
    value_minor: int | None


async def find_effect(
    desk: Desk, automation: str, *, now: datetime, since: datetime, horizon_days: int
) -> AutomationEffect:
    """What `automation` did to customers it was set off for from `since` on, within `horizon_days` each. Raises
    NotFound."""
    armed = await find_armed(desk.store, automation)
    currency = desk.rules.deciding.card.file.value.currency
    shares = {one.version: one.file.hold_out for one in await versions(desk.store, automation)}
    rows = await desk.store.all("effects.assigned", automation=automation, since=micros(since))
    paid = await desk.store.all("effects.costs", automation=automation, since=micros(since))
    costs: dict[str, int] = {run: int(minor) for run, minor in paid}
    first: dict[str, _Assigned] = {}
    spent: dict[str, int] = {}
    horizon = timedelta(days=horizon_days)
    for row in rows:
        one = _assigned(row, currency)
        customer = await survivor(desk, row[1]) if row[5] else row[1]
        if one.at <= first.setdefault(customer, one).at + horizon:
            spent[customer] = spent.get(customer, 0) + costs.get(one.run, 0)
    over = {customer: one for customer, one in first.items() if one.at + horizon <= now}
    watched: list[Watched] = []
    names = sorted(over)
    for begin in range(0, len(names), _AT_ONCE):
        some = {name: over[name] for name in names[begin : begin + _AT_ONCE]}
        watched += await _watch(desk, some, shares, spent, horizon, now)
    return weigh(
        automation,
        watched,
        since=since,
        made_at=now,
        horizon_days=horizon_days,
        open=len(first) - len(over),
        hold_out=armed.rule.file.hold_out,
        currency=currency,
    )


def _assigned(row: Row, currency: str) -> _Assigned:
    run, _, version, state, at, _, minor, of = row
    return _Assigned(
        run=run,
        version=version,
        treated=state != "held_out",
        at=instant(at),
        value_minor=minor if of == currency else None,
    )


async def _watch(
    desk: Desk,
    some: dict[str, _Assigned],
    shares: dict[str, float],
    spent: dict[str, int],
    horizon: timedelta,
    now: datetime,
) -> list[Watched]:
    became = await became_of(desk, {name: [(one.at, one.at + horizon)] for name, one in some.items()}, now=now)
    pasts = await recall(desk, await makeups(desk.store, some), ("customer", "purchase", "survey_response"))
    watched = []
    for name, one in some.items():
        outcome = became.get((name, one.at))
        view = pasts[name].view(micros(one.at + horizon))
        if outcome is None or view is None:
            continue
        period = Period(since=one.at, until=one.at + horizon)
        watched.append(
            Watched(
                customer=name,
                version=one.version,
                hold_out=shares.get(one.version, 0.0),
                treated=one.treated,
                stayed=None if outcome.became is Became.not_asked else outcome.became is Became.stayed,
                bought=_bought(view, period),
                satisfied=_satisfied(view, period),
                cost_minor=spent.get(name, 0),
                value_minor=one.value_minor,
            )
        )
    return watched


def _bought(view: View, period: Period) -> bool:
    bought = ((one.record.at or one.at) for one in view.purchases if not one.record.refunded)
    return any(period.since < at <= period.until for at in bought)


def _satisfied(view: View, period: Period) -> bool:
    return any(
        one.record.answered is not None
        and period.since < one.record.answered <= period.until
        and one.record.score is not None
        and one.record.score >= SATISFIED * highest(one.record)
        for one in view.surveys
    )
