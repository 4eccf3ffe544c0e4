"""Why and when customers leave: seven causes that compete week by week, with thresholds that no score can see.

Nothing here adds up in log-odds. Strain does nothing until the fuse is through, and then much; a price does nothing
until it jumps far enough for this person's thrift; a rival counts for more once there is strain; who drifts away shows
nothing but falling use. A week's hazards are rates: the chance that none of them wins is exp(-sum).
"""

from __future__ import annotations

from math import exp

from msgspec import Struct

from bridge.sample.people import Temper
from bridge.sample.records import Cause

NEVER = 10_000
HORIZON = 13
"""Weeks of the horizon of risk: 90 days."""


class State(Struct, kw_only=True):
    """One line in one week. Weeks are counted from the event, negative before it, NEVER where there is none."""

    strain: float = 0.0
    unsolved: int = 0
    """Weeks for which a trouble has been waiting for its solution."""
    tenure: int = 0
    jump: float = 0.0
    """By how much the price rises at the end of the discount, as a share of the price paid."""
    since_discount: int = -NEVER
    since_rise: int = NEVER
    bound: int = 0
    """Weeks for which the contract cannot be left."""
    courted: bool = False
    dsl: bool = False
    began_badly: bool = False
    drifting: int = 0
    """Weeks since the interest went, 0 while it is there."""
    summer: bool = False


def pulls(temper: Temper, state: State) -> dict[Cause, float]:
    """The hazard of each cause to be decided on in this week; those that do not pull are left out."""
    found = {
        Cause.service: _service(temper, state),
        Cause.price: _price(temper, state),
        Cause.competitor: _competitor(temper, state),
        Cause.moving: 0.0006 * (1.7 if state.summer else 1.0) * (1.6 if temper.age < 35 else 1.0),
        Cause.onboarding: 0.07 if state.began_badly and state.tenure < 9 and state.strain > temper.fuse * 0.4 else 0.0,
        Cause.drift: 0.0 if state.drifting < 10 else 0.02 if state.bound > 8 else 0.05,
        Cause.death: 0.00018 if temper.age > 74 else 0.00001,
    }
    return {cause: hazard for cause, hazard in found.items() if hazard}


def _service(temper: Temper, state: State) -> float:
    over = state.strain - temper.fuse
    if over > 0:
        return 0.085 * (1 + min(over, 3.0) / 2)
    return 0.012 if state.unsolved >= 2 and state.strain > 0.75 * temper.fuse else 0.0


def _price(temper: Temper, state: State) -> float:
    hazard = 0.0
    shock = state.jump * temper.thrift
    if -6 <= state.since_discount <= 9 and shock > 0.06 + 0.12 * temper.roots:
        hazard = 0.017 + 0.024 * max(0.0, 1 - abs(state.since_discount - 1) / 6)
    if state.since_rise <= 6 and temper.thrift > 0.5:
        hazard += 0.008 * (2.5 if state.strain > temper.fuse / 2 else 1.0)
    return hazard


def _competitor(temper: Temper, state: State) -> float:
    if not state.courted or temper.thrift < 0.3 or (state.bound > 26 and not state.dsl):
        return 0.0
    hazard = 0.006 * (1.6 if state.dsl else 1.0) * (0.4 if state.bound > 8 else 1.0)
    return hazard * (3.0 if state.strain > temper.fuse / 2 else 1.0)


def outlook(temper: Temper, state: State, courted: tuple[bool, ...]) -> dict[Cause, float]:
    """The hazards added up over the coming HORIZON weeks, in which strain fades, dates come nearer and nothing new
    befalls anybody; `courted` says for each of them whether a rival's campaign runs on."""
    total: dict[Cause, float] = {}
    for ahead in range(1, HORIZON + 1):
        later = State(
            strain=state.strain * temper.memory**ahead,
            unsolved=state.unsolved,
            tenure=state.tenure + ahead,
            jump=state.jump,
            since_discount=state.since_discount + ahead,
            since_rise=state.since_rise + ahead,
            bound=max(0, state.bound - ahead),
            courted=courted[ahead - 1],
            dsl=state.dsl,
            began_badly=state.began_badly,
            drifting=state.drifting + ahead if state.drifting else 0,
            summer=state.summer,
        )
        for cause, hazard in pulls(temper, later).items():
            total[cause] = total.get(cause, 0.0) + hazard
    return total


def chance(hazards: dict[Cause, float]) -> float:
    """The probability that any of `hazards` wins."""
    return 1 - exp(-sum(hazards.values()))
