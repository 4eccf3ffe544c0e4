"""Scripts that were tried on made-up callers of the last year: so that the report on them has something to show.

Each caller is like somebody of the center, under another name; what a script did to them follows from what it truly
does (`effects`). The scripts are drawn and learnt about as the product does it, epoch after epoch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from random import Random
from typing import Any, Final

import msgspec
from msgspec import Struct

from bridge.flow import Desk
from bridge.flow.exposing import GRACE, Later
from bridge.model import Money
from bridge.playbook import Playbook
from bridge.playbook.experiment import NEUTRAL, UNLEARNT, ChoiceRules, Policy, assign, epoch_ends
from bridge.playbook.exposures import Exposure
from bridge.playbook.learning import learn
from bridge.playbook.offers import Catalogue
from bridge.sample.records import Fate
from bridge.store import Unit, micros

EPOCHS = 13
ACTOR: Final = "example"
_DRAWS = 300
_AT_ONCE = 1000
_CALLS: Final[Mapping[str, tuple[str, int, float, float]]] = {
    "contract_end": ("contract_end", 140, 0.08, 0.75),
    "apology": ("apology", 80, 0.08, 0.75),
    "high_value_at_risk": ("high_value_at_risk", 45, 0.1, 0.8),
    "neglected": ("neglected", 45, 0.1, 0.8),
    "other_channel": ("default", 170, 0.0, 0.05),
}
"""Situation → who calls: those whom that script helps most, how many an epoch, with which risk to leave."""
_MARGINS: Final[Mapping[str, int]] = {"platinum": 900, "gold": 420, "silver": 210, "bronze": 90}
_SHARES: Final = (8, 27, 40, 25)


class Shown(Struct, frozen=True, kw_only=True):
    """One script that was shown, and what the agent and the customer did then."""

    exposure: Exposure
    at: datetime
    offer: str | None
    amount: Decimal
    cost: Decimal


def make_past(desk: Desk, fates: Sequence[Fate], now: datetime, seed: int = 7) -> tuple[ChoiceRules, list[Shown]]:
    """The rules that it was tried by, and all that was shown, oldest first. Situations for which there is nobody in
    `fates` are left out."""
    begins = now.astimezone(timezone.utc).date() - timedelta(days=EPOCHS * 28 + now.weekday())
    rules = msgspec.structs.replace(
        desk.rules.deciding.choice, begins=begins, epoch_days=28, hold_out=0.1, explore=0.35
    )
    groups = _groups(fates)
    playbooks = {one.id: one for one in desk.rules.deciding.playbooks.playbooks}
    catalogue = desk.rules.deciding.playbooks.catalogue
    random = Random(f"{seed}:past")  # chance that can be repeated is wanted
    shown: list[Shown] = []
    policy = UNLEARNT
    for epoch in range(EPOCHS):
        policy = _learn(rules, shown, policy, epoch)
        for situation, (_, calls, _, _) in _CALLS.items():
            if situation in groups:
                arms = [situation, *(one for one in playbooks[situation].instead if one in playbooks), NEUTRAL]
                tried = {arm: playbooks[arm] for arm in arms}
                shown += [
                    _show(rules, policy, tried, catalogue, random.choice(groups[situation]), epoch, random)
                    for _ in range(calls)
                ]
    return rules, sorted(shown, key=lambda one: one.at)


def _groups(fates: Sequence[Fate]) -> dict[str, list[Fate]]:
    """Whom each situation is drawn from; one without a single one is left out."""
    helps = [script for script, *_ in _CALLS.values() if script != NEUTRAL]
    found: dict[str, list[Fate]] = {}
    for situation, (script, _, least, most) in _CALLS.items():
        some = [one for one in fates if one.under and least <= one.risk <= most]
        if script != NEUTRAL:
            some = [one for one in some if min(helps, key=one.under.__getitem__) == script]
        if some:
            found[situation] = some
    return found


def _learn(rules: ChoiceRules, shown: Sequence[Shown], policy: Policy, epoch: int) -> Policy:
    """The policy for `epoch` by what was settled a day before it began."""
    ends = _begin(rules, epoch) - timedelta(days=1)
    settled = [one.exposure for one in shown if one.at + timedelta(days=rules.horizon_days) + GRACE <= ends]
    return learn(rules, settled, policy, epoch=epoch, draws=_DRAWS) if settled else policy


def _show(
    rules: ChoiceRules,
    policy: Policy,
    tried: Mapping[str, Playbook],
    catalogue: Catalogue,
    fate: Fate,
    epoch: int,
    random: Random,
) -> Shown:
    arms = list(tried)
    situation = arms[0]
    customer = f"example:{random.getrandbits(48):012x}"
    at = _begin(rules, epoch) + timedelta(days=random.randrange(28), hours=7, seconds=random.randrange(12 * 3600))
    tier = random.choices(list(_MARGINS), _SHARES)[0]
    cell = f"{_band(fate.risk)}:{tier}"
    choice = assign(rules, policy, customer, situation, arms, at, cell=cell)
    stayed = random.random() >= fate.under[choice.arm]
    used = choice.arm != NEUTRAL and random.random() < 0.78
    offer, amount = _grant(tried[choice.arm], random) if used else (None, Decimal(0))
    cost = catalogue.cost_of(offer, amount) if offer else Decimal(0)
    exposure = Exposure(
        customer=customer,
        situation=situation,
        epoch=epoch,
        arm=choice.arm,
        arms=choice.arms,
        cell=cell,
        stayed=stayed,
        value=round(_MARGINS[tier] * random.uniform(0.6, 1.5), 2),
        cost=float(cost),
        used=used,
        saved=used and random.random() < (0.7 if stayed else 0.15),
    )
    return Shown(exposure=exposure, at=at, offer=offer, amount=amount, cost=cost)


def _begin(rules: ChoiceRules, epoch: int) -> datetime:
    begins = epoch_ends(rules, epoch - 1)
    if begins is None:
        raise ValueError("the rules have no beginning")
    return begins


def _band(risk: float) -> str:
    return "critical" if risk >= 0.4 else "high" if risk >= 0.2 else "medium" if risk >= 0.09 else "low"


def _grant(playbook: Playbook, random: Random) -> tuple[str | None, Decimal]:
    if playbook.offer is None or random.random() > 0.55:
        return None, Decimal(0)
    offer = playbook.offer.offers[0 if random.random() < 0.7 else min(1, len(playbook.offer.offers) - 1)]
    return offer.id, Decimal(5 * random.randint(2, 8)) if offer.limits is not None else Decimal(0)


async def keep_past(desk: Desk, fates: Sequence[Fate], now: datetime) -> int:
    """Write it, what is settled by `now` as settled; returns how many were shown."""
    rules, shown = make_past(desk, fates, now)
    currency = desk.rules.deciding.card.file.value.currency
    for start in range(0, len(shown), _AT_ONCE):
        some = [one for one in shown[start : start + _AT_ONCE] if one.at <= now]
        unit = Unit()
        unit.many("exposures.add", [_exposure(one, rules, currency) for one in some])
        unit.many("exposures.settle", [row for one in some if (row := _settled(one, rules, now))])
        unit.many("gateway.add_outcome", [row for one in some for row in _outcomes(one, currency)])
        await desk.store.write(unit)
    return len(shown)


def _exposure(one: Shown, rules: ChoiceRules, currency: str) -> dict[str, Any]:
    seen = one.exposure
    return {
        "customer": seen.customer,
        "epoch": seen.epoch,
        "situation": seen.situation,
        "decision": _decision(seen),
        "at": micros(one.at),
        "arm": seen.arm,
        "arms": msgspec.json.encode(seen.arms).decode(),
        "cell": seen.cell,
        "value_minor": Money.of(Decimal(str(seen.value)), currency).minor,
        "currency": currency,
        "due_at": micros(one.at + timedelta(days=rules.horizon_days)),
    }


def _decision(seen: Exposure) -> str:
    return f"d_{seen.customer.replace(':', '_')}"


def _settled(one: Shown, rules: ChoiceRules, now: datetime) -> dict[str, Any] | None:
    at = one.at + timedelta(days=rules.horizon_days) + GRACE
    if at > now:
        return None
    became = "stayed" if one.exposure.stayed else "left"
    day = None if one.exposure.stayed else (one.at + timedelta(days=rules.horizon_days // 2)).date()
    later = Later(became=became, day=day, renewed=one.exposure.stayed, bought=0, risk=None)
    return {
        "customer": one.exposure.customer,
        "epoch": one.exposure.epoch,
        "situation": one.exposure.situation,
        "became": became,
        "later": msgspec.json.encode(later).decode(),
        "at": micros(at),
    }


def _outcomes(one: Shown, currency: str) -> list[dict[str, Any]]:
    seen = one.exposure
    if not seen.used:
        return []
    row: dict[str, Any] = {
        "decision": _decision(seen),
        "customer": seen.customer,
        "at": micros(one.at),
        "kind": "accepted",
        "result": "saved" if seen.saved else None,
        "offer": None,
        "amount_minor": None,
        "currency": None,
        "cost_minor": None,
        "cost_currency": None,
        "epoch": seen.epoch,
        "situation": seen.situation,
        "note": None,
        "disposition": None,
        "agent": None,
        "actor": ACTOR,
    }
    rows = [row | {"key": f"o_{seen.customer}"}]
    if one.offer is not None:
        grant = {
            "key": f"o_{seen.customer}:grant",
            "kind": "granted",
            "result": None,
            "offer": one.offer,
            "amount_minor": Money.of(one.amount, currency).minor if one.amount else None,
            "currency": currency if one.amount else None,
            "cost_minor": Money.of(one.cost, currency).minor,
            "cost_currency": currency,
        }
        rows.append(row | grant)
    return rows
