"""Which of the scripts that apply a customer gets: the best one, one that is tried, or the neutral one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from bridge.playbook.choice import Suggestion, applicable, fill, margin_and_risk
from bridge.playbook.experiment import NEUTRAL, Choice, ChoiceRules, Policy, assign, epoch_at, policy_at
from bridge.playbook.scripts import Playbook, Playbooks
from bridge.playbook.situation import Situation
from bridge.playbook.terms import find_terms

_NONE: Mapping[str, datetime] = {}


class Chosen(Struct, frozen=True, kw_only=True):
    """A suggestion, and how it was drawn; `cell` is what was known of the customer then, coarsely: band and tier."""

    suggestion: Suggestion
    choice: Choice
    cell: str


def choose(
    playbooks: Playbooks,
    situation: Situation,
    incidents: Sequence[Playbook] = (),
    *,
    rules: ChoiceRules,
    policies: Sequence[Policy],
    now: datetime,
    granted: Mapping[str, datetime] = _NONE,
) -> Chosen:
    """The script for the customer of `situation` at `now`, filled.

    While nothing is tried it is the applicable one of the highest priority. `policies` are those that were learnt so
    far; `granted` the offers that have not cooled down.
    """
    apply = applicable(playbooks, situation, incidents)
    by_id = {one.id: one for one in apply}
    first = apply[0]
    cell = cell_of(situation)
    customer = situation.view.id if situation.view else ""
    epoch = epoch_at(rules, now)
    arms = [first.id]
    if epoch is not None and first.held_out and customer:
        arms += [one for one in (*first.instead, NEUTRAL) if one in by_id and one not in arms]
    withheld = [arm for arm in arms if _stays(by_id[arm], situation, granted)] if len(arms) > 1 else []
    policy = policy_at(policies, epoch)
    choice = assign(rules, policy, customer, first.id, arms, now, cell=cell, withheld=withheld)
    rest = tuple(one.id for one in apply if one.id != choice.arm)
    explore = choice.why == "explore"
    suggestion = fill(by_id[choice.arm], situation, alternates=rest, granted=granted, explore=explore)
    return Chosen(suggestion=suggestion, choice=choice, cell=cell)


def cell_of(situation: Situation) -> str:
    """Band and tier, as `high:gold`."""
    scores = situation.scores
    return f"{scores.risk.band}:{scores.value.tier}" if scores else ":"


def _stays(playbook: Playbook, situation: Situation, granted: Mapping[str, datetime]) -> bool:
    """Whether an offer of this script falls away because the customer would stay without."""
    if playbook.offer is None:
        return False
    margin, risk = margin_and_risk(situation)
    terms = find_terms(playbook.offer, margin, risk=risk, granted=granted)
    return any(one.reason == "stays_anyway" for one in terms.withheld) and not any(
        one.ceiling or one.team_lead_ceiling for one in terms.offers
    )
