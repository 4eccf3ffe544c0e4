"""The policy of an epoch to come, from what was shown before and what became of it.

Nothing here takes away what a retention manager wrote until the numbers are against it: a situation's playbook stands
until another arm is better with the probability that `sure` asks for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import sqrt
from random import Random

from msgspec import Struct

from bridge.playbook.estimates import Estimate, effective_size, value_policy
from bridge.playbook.experiment import NEUTRAL, ChoiceRules, Policy, SituationPolicy, spread
from bridge.playbook.exposures import FOLDS, Exposure, by_situation, constant, fold_of, money

DRAWS = 4000
PRIOR = 40.0
"""An arm begins as if so many customers had done under it what the situation's customers do on average."""
CELL_PRIOR = 60.0
"""A cell's arm begins as if so many had done what the arm's customers do on average."""
CONFIDENCE = 0.95


class Standing(Struct, frozen=True, kw_only=True):
    """What is believed of one arm: chances to stay as a Beta(`stayed`, `left`), and money for each exposure."""

    arm: str
    stayed: float
    left: float
    value: float
    """Mean margin that stays with a customer of the situation; the arm does not change it."""
    cost: float

    @property
    def expected(self) -> float:
        """Money for each exposure."""
        return self.stayed / (self.stayed + self.left) * self.value - self.cost


def learn(
    rules: ChoiceRules,
    exposures: Iterable[Exposure],
    previous: Policy,
    *,
    epoch: int,
    seed: int = 0,
    draws: int = DRAWS,
) -> Policy:
    """The policy for `epoch`, from settled `exposures`; a situation of `previous` without any keeps what it has.

    The same arguments give the same policy, and a situation's part of it depends on no other situation's exposures,
    save that personal choices are the harder to prove the more situations there are.
    """
    settled = by_situation(one for one in exposures if epoch - rules.memory_epochs <= one.epoch < epoch)
    situations = dict(previous.situations)
    for situation, some in settled.items():
        before = situations.get(situation)
        random = Random(f"{seed}:{epoch}:{situation}")  # noqa: S311  # chance that can be repeated is wanted
        standings = stand(some)
        drawn = _draw(standings, random, draws)
        best = _choose(standings, drawn, before.best if before else situation, rules.sure)
        chances = _chances_of_best(drawn)
        situations[situation] = SituationPolicy(
            best=best,
            q=spread(chances, chances, rules.floor),
            personal=_personal(some, standings, best, 1 - (1 - CONFIDENCE) / len(settled)),
        )
    return Policy(epoch=epoch, situations=situations)


def stand(exposures: Sequence[Exposure]) -> list[Standing]:
    """What is believed of each arm of one situation, by name.

    Arms are compared within epochs: each epoch has one weight for all arms, so that a bad month is no arm's fault, and
    within it each exposure counts 1/probability of its arm.
    """
    implied: defaultdict[int, list[float]] = defaultdict(list)
    for one in exposures:
        implied[one.epoch].append(sum(1 / chance for chance in one.arms.values() if chance > 0))
    steadied = {epoch: 1 / sqrt(sum(some) / len(some)) for epoch, some in implied.items()}
    shown: defaultdict[str, list[tuple[float, Exposure]]] = defaultdict(list)
    for one in exposures:
        shown[one.arm].append((steadied[one.epoch] / one.arms[one.arm], one))
    usual = _mean((weight, float(one.stayed)) for some in shown.values() for weight, one in some)
    value = sum(one.value for one in exposures) / len(exposures)
    found = []
    for arm, some in sorted(shown.items()):
        size = effective_size(weight for weight, _ in some)
        share = _mean((weight, float(one.stayed)) for weight, one in some)
        cost = _mean((weight, one.cost) for weight, one in some)
        # Half a customer on either side: nobody stays, or leaves, for sure.
        stayed = usual * PRIOR + share * size + 0.5
        left = (1 - usual) * PRIOR + (1 - share) * size + 0.5
        found.append(Standing(arm=arm, stayed=stayed, left=left, value=value, cost=cost))
    return found


def _mean(weighted: Iterable[tuple[float, float]]) -> float:
    total = weights = 0.0
    for weight, term in weighted:
        total += weight * term
        weights += weight
    return total / weights


def _draw(standings: Sequence[Standing], random: Random, draws: int) -> dict[str, list[float]]:
    """Arm → money for each exposure, in `draws` worlds that what was seen allows for."""
    return {
        one.arm: [random.betavariate(one.stayed, one.left) * one.value - one.cost for _ in range(draws)]
        for one in standings
    }


def _chances_of_best(drawn: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Thompson: in what share of the worlds each arm is the best one."""
    arms = list(drawn)
    wins = dict.fromkeys(arms, 0)
    worlds = list(zip(*drawn.values(), strict=True))
    for world in worlds:
        wins[arms[world.index(max(world))]] += 1
    return {arm: count / len(worlds) for arm, count in wins.items()}


def _choose(standings: Sequence[Standing], drawn: Mapping[str, Sequence[float]], incumbent: str, sure: float) -> str:
    """The best single arm: of those that are surely better than the neutral script the one with the highest expected
    money; where there is none, of those that are surely better than the `incumbent`; else the incumbent."""
    expected = {one.arm: one.expected for one in standings}
    for beaten in (NEUTRAL, incumbent):
        if beaten in drawn:
            better = [arm for arm in drawn if arm != beaten and _surely(drawn[arm], drawn[beaten], sure)]
            if better:
                return max(better, key=lambda arm: expected[arm])
    return incumbent


def _surely(one: Sequence[float], other: Sequence[float], sure: float) -> bool:
    return sum(a > b for a, b in zip(one, other, strict=True)) >= sure * len(one)


def _personal(
    exposures: Sequence[Exposure], standings: Sequence[Standing], best: str, level: float
) -> dict[str, str] | None:
    """The arm of each cell, where telling cells apart surely earns more than `best` for all; else None."""
    gain = personal_gain(exposures, best)
    if gain is None or gain.lower(level) <= 0:
        return None
    chosen = _by_cell(exposures, standings, best)
    return {cell: arm for cell, arm in sorted(chosen.items()) if arm != best} or None


def personal_gain(exposures: Sequence[Exposure], best: str) -> Estimate | None:
    """Money for each exposure that choosing by cell earns beside `best` for all, doubly robust: each fold by the choice
    that the other folds would have made. None where choosing by cell changes nothing, or `best` was never shown."""
    if best not in {one.arm for one in exposures}:
        return None
    tables = []
    for fold in range(FOLDS):
        others = [one for one in exposures if fold_of(one.customer) != fold]
        tables.append(_by_cell(others, stand(others), best) if others else {})
    if all(arm == best for table in tables for arm in table.values()):
        return None

    def chosen(one: Exposure) -> Mapping[str, float]:
        arm = tables[fold_of(one.customer)].get(one.cell, best)
        return {arm if one.arms.get(arm, 0.0) > 0 else best: 1.0}

    return value_policy(exposures, chosen, money, constant(best))


def _by_cell(exposures: Sequence[Exposure], standings: Sequence[Standing], best: str) -> dict[str, str]:
    """Cell → the arm with the highest expected money there. What an arm is in a cell beyond what it is everywhere
    counts for little while few have been seen."""
    expected = {one.arm: one.expected for one in standings}
    beyond: defaultdict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for one in exposures:
        if one.arm in expected:
            for key in ((one.cell, one.arm), (one.cell, "")):
                sums = beyond[key]
                sums[0] += one.money - expected[one.arm]
                sums[1] += 1
    chosen = {}
    for cell, arm in beyond:
        if not arm:
            total, count = beyond[(cell, "")]
            usual = total / count
            stands = {}
            for name, everywhere in expected.items():
                of_arm, shown = beyond.get((cell, name), (0.0, 0.0))
                stands[name] = everywhere + (of_arm - shown * usual) / (shown + CELL_PRIOR)
            top = max(stands, key=lambda name: stands[name])
            chosen[cell] = top if stands[top] > stands.get(best, float("-inf")) else best
    return chosen
