"""What each script brings beside the neutral one, and what the present policy is worth. Differences in staying are
shares of those it was shown to: 0.04 is four more customers of a hundred."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Literal

import msgspec
from msgspec import Struct

from bridge.playbook.estimates import Estimate, compare_arms, compare_arms_weighted, guess, value_policy
from bridge.playbook.experiment import NEUTRAL, ChoiceRules, Policy, chances
from bridge.playbook.exposures import Exposure, Outcome, Target, by_situation, constant, cost, money, staying
from bridge.reports.verdicts import Verdict, judge


class Effect(Struct, frozen=True, kw_only=True):
    """One script in one situation. Estimates are None for the neutral script itself, and where too few were shown."""

    situation: str
    arm: str
    shown: int
    used: int
    stayed: int
    saved: int
    """What agents recorded; beside `more_stay` it shows how much of it would have happened anyway."""
    granted: float
    """All that it cost, whole units of the main currency."""
    value: float
    """Mean margin that stays with a customer, whole units."""
    more_stay: Estimate | None = None
    """Beside the neutral script, doubly robust: what is reported."""
    more_stay_weighted: Estimate | None = None
    """The same by weights alone; far from the other, the guesses of the other are bad."""
    more_money: Estimate | None = None
    """For each time it is shown, whole units."""
    more_cost: Estimate | None = None
    verdict: Verdict | None = None

    @property
    def smallest(self) -> float | None:
        """The smallest difference in staying that so many exposures would show in four of five tries."""
        return self.more_stay.smallest() if self.more_stay is not None else None


class Worth(Struct, frozen=True, kw_only=True):
    """What policies bring in these exposures, for each exposure, and how they differ; doubly robust.

    `lived` is what was really done, hold-out and exploration included: each epoch by what was known before it. `usual`
    is the policy in force without those two, `single` the best single arm of each situation, `none` the neutral script
    for everybody. The policy in force was learnt from these very exposures, so that `usual` and `single` look somewhat
    better than they are, most where little was shown; `lived` and `none` do not.
    """

    outcome: Literal["stayed", "money"]
    exposures: int
    lived: Estimate
    usual: Estimate
    single: Estimate
    none: Estimate
    beside_single: Estimate
    """`usual` less `single`: what choosing by customer brings."""
    beside_none: Estimate
    """`lived` less `none`: what all of it brought."""


class Report(Struct, frozen=True, kw_only=True):
    """Effects by situation and arm, and the worth of the policy in customers and in money. `worth` is empty where
    nothing was shown yet."""

    effects: tuple[Effect, ...]
    worth: tuple[Worth, ...]
    margin: float
    error_rate: float

    def named(self, verdict: Verdict) -> tuple[Effect, ...]:
        """The scripts of that verdict."""
        return tuple(effect for effect in self.effects if effect.verdict is verdict)


def report_effects(rules: ChoiceRules, exposures: Iterable[Exposure], policy: Policy) -> Report:
    """The report over settled `exposures`. `policy` is the one in force."""
    settled = by_situation(exposures)
    effects = [effect for situation, some in settled.items() for effect in _situation(situation, some)]
    judged = [number for number, effect in enumerate(effects) if effect.arm != NEUTRAL]
    verdicts = judge([effects[number].more_stay for number in judged], margin=rules.matters, rate=rules.error_rate)
    by_number = dict(zip(judged, verdicts, strict=True))
    return Report(
        effects=tuple(
            msgspec.structs.replace(effect, verdict=by_number.get(number)) for number, effect in enumerate(effects)
        ),
        worth=value_policies(rules, [one for some in settled.values() for one in some], policy),
        margin=rules.matters,
        error_rate=rules.error_rate,
    )


def _situation(situation: str, exposures: Sequence[Exposure]) -> list[Effect]:
    shown: dict[str, list[Exposure]] = {}
    for one in exposures:
        shown.setdefault(one.arm, []).append(one)

    def beside(outcome: Outcome) -> Callable[[str], Estimate | None]:
        guesses = guess(exposures, outcome)
        return lambda arm: compare_arms(exposures, arm, NEUTRAL, outcome, guesses) if arm != NEUTRAL else None

    more_stay, more_money, more_cost = beside(staying), beside(money), beside(cost)
    return [
        Effect(
            situation=situation,
            arm=arm,
            shown=len(some),
            used=sum(one.used for one in some),
            stayed=sum(one.stayed for one in some),
            saved=sum(one.saved for one in some),
            granted=sum(one.cost for one in some),
            value=sum(one.value for one in some) / len(some),
            more_stay=more_stay(arm),
            more_stay_weighted=compare_arms_weighted(exposures, arm, NEUTRAL, staying) if arm != NEUTRAL else None,
            more_money=more_money(arm),
            more_cost=more_cost(arm),
        )
        for arm, some in sorted(shown.items())
    ]


def value_policies(rules: ChoiceRules, exposures: Sequence[Exposure], policy: Policy) -> tuple[Worth, ...]:
    """The worth of `policy` in customers who stay and in money, over the exposures in which the neutral script could
    have been drawn; empty where there are none."""
    compared = [one for one in exposures if one.arms.get(NEUTRAL, 0.0) > 0 and one.arms.get(one.arm, 0.0) > 0]
    if not compared:
        return ()
    plain = msgspec.structs.replace(rules, hold_out=0.0, explore=0.0)
    alike = Policy(
        epoch=policy.epoch,
        situations={name: msgspec.structs.replace(one, personal=None) for name, one in policy.situations.items()},
    )
    usual, single, none = _of(plain, policy), _of(plain, alike), constant(NEUTRAL)

    def worth(name: Literal["stayed", "money"], outcome: Outcome) -> Worth:
        guesses = guess(compared, outcome)

        def value(target: Target, against: Target | None = None) -> Estimate:
            return value_policy(compared, target, outcome, against, guesses)

        return Worth(
            outcome=name,
            exposures=len(compared),
            lived=value(_lived),
            usual=value(usual),
            single=value(single),
            none=value(none),
            beside_single=value(usual, single),
            beside_none=value(_lived, none),
        )

    return worth("stayed", staying), worth("money", money)


def _lived(one: Exposure) -> Mapping[str, float]:
    return one.arms


def _of(rules: ChoiceRules, policy: Policy) -> Target:
    """`policy` as a target, over the arms that could have been drawn."""

    @cache
    def found(situation: str, arms: tuple[str, ...], cell: str) -> Mapping[str, float]:
        return chances(rules, policy, situation, arms, cell=cell)

    def target(one: Exposure) -> Mapping[str, float]:
        possible = sorted((arm for arm, chance in one.arms.items() if chance > 0), key=lambda arm: arm != one.situation)
        return found(one.situation, tuple(possible), one.cell)

    return target
