"""What each script would have done: known here, because the people are made up, and looked for by whoever learns.

A script works on causes, never on a score: an apology on the hurt, a better price on the thrifty, help on those whose
start went wrong. It can do harm: who had forgotten that the contract may be left is reminded by a friendly call.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from bridge.sample.leaving import State, chance
from bridge.sample.people import Temper
from bridge.sample.records import Cause


class Approach(StrEnum):
    """What a script does at its core."""

    service = "service"
    """Settle the request, nothing more: how all of history was lived."""
    apology = "apology"
    discount = "discount"
    check_in = "check_in"
    named_person = "named_person"
    advice = "advice"
    """Open words about contract and terms, the right product, the line taken along to the new home."""
    help = "help"


SCRIPTS: Mapping[str, Approach] = {
    "apology": Approach.apology,
    "billing_trouble": Approach.apology,
    "cannot_phone": Approach.service,
    "competitor_offer": Approach.discount,
    "complaint": Approach.apology,
    "contract_end": Approach.discount,
    "contract_terms": Approach.advice,
    "default": Approach.service,
    "discount_end": Approach.discount,
    "high_value_at_risk": Approach.named_person,
    "incident": Approach.apology,
    "key_account": Approach.named_person,
    "long_waits": Approach.apology,
    "moving": Approach.advice,
    "neglected": Approach.check_in,
    "onboarding_trouble": Approach.help,
    "other_channel": Approach.service,
    "price_asked": Approach.discount,
    "promoter_thanks": Approach.check_in,
    "wants_to_leave": Approach.named_person,
    "welcome": Approach.help,
    "win_back": Approach.discount,
}
"""The shipped scripts by id; one that is not in here does what `default` does."""

_WORKS: Mapping[Approach, Mapping[Cause, float]] = {
    Approach.service: {},
    Approach.apology: {Cause.service: 0.45, Cause.onboarding: 0.8},
    Approach.discount: {Cause.price: 0.4, Cause.competitor: 0.5, Cause.drift: 0.9},
    Approach.check_in: {Cause.drift: 0.5, Cause.service: 0.9},
    Approach.named_person: {Cause.service: 0.5, Cause.drift: 0.6, Cause.competitor: 0.85, Cause.onboarding: 0.6},
    Approach.advice: {Cause.price: 0.75, Cause.moving: 0.6, Cause.competitor: 0.8},
    Approach.help: {Cause.onboarding: 0.3, Cause.service: 0.8},
}


def factor(approach: Approach, cause: Cause, temper: Temper, state: State) -> float:
    """What is left of a cause's hazard under `approach`; above 1 where it does harm."""
    left = _WORKS[approach].get(cause, 1.0)
    if approach is Approach.apology and cause is Cause.service:
        if temper.voice < 0.35:  # never said a word, and takes no words
            return 0.85
        return left if state.strain < 1.6 * temper.fuse else 0.75
    if approach is Approach.discount and cause is Cause.service and state.strain > temper.fuse:
        return 1.12  # money where an apology was due
    settled = not state.drifting and state.strain < 0.2 * temper.fuse and not state.bound
    if approach is Approach.check_in and cause in (Cause.price, Cause.competitor) and settled:
        return 1.0 + 0.5 * temper.thrift
    return left


def under(
    hazards: Mapping[Cause, float], temper: Temper, state: State, *, decided: Cause | None = None
) -> dict[str, float]:
    """Script → the true probability to give notice within the horizon if that script is said now.

    Who has `decided` already is harder to turn: half of what would have helped in time.
    """
    by_approach: dict[Approach, float] = {}
    for approach in Approach:
        if decided is None:
            by_approach[approach] = chance(
                {cause: hazard * factor(approach, cause, temper, state) for cause, hazard in hazards.items()}
            )
        else:
            by_approach[approach] = DECIDED * (1 - 0.5 * max(0.0, 1 - factor(approach, decided, temper, state)))
    return {script: by_approach[approach] for script, approach in SCRIPTS.items()}


DECIDED = 0.95
"""How likely notice follows within the horizon once the decision has fallen."""
