"""What scripts do, from exposures whose probabilities are known: weighted and doubly robust, with their uncertainty.

Hájek: each exposure counts 1/probability of its arm, and an arm's weights are brought to 1. AIPW (Robins, Rotnitzky &
Zhao 1994): score(a) = m(x, a) + 1[arm = a] / p(a) × (outcome − m(x, a)). Its mean is right whatever the guess m is,
because p is known; a good guess makes it steadier. Here m is the mean of the arm among customers of the same cell,
shrunk, from other folds' customers.

Where probabilities change from epoch to epoch, epochs count by how much they can tell (Hadad et al., PNAS 2021): by
1/√(variance that their probabilities alone imply). That is known before any outcome is. Uncertainty is summed by
customer: one who called in five epochs is one witness.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from math import copysign, exp, log, sqrt
from statistics import NormalDist

from msgspec import Struct

from bridge.playbook.exposures import FOLDS, Exposure, Outcome, Target, constant, fold_of

SHRINKAGE = 20.0
"""So many customers of the arm as a whole are added to each cell."""
_NORMAL = NormalDist()


class Estimate(Struct, frozen=True, kw_only=True):
    """A number and how sure it is."""

    value: float
    error: float
    """Standard error."""
    ess: float
    """How many exposures, drawn evenly, would tell as much."""
    freedom: float
    """Degrees of freedom of the error: small where a few heavy exposures make most of it."""

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Covers the truth in `level` of all cases."""
        reach = self.error * _student((1 + level) / 2, self.freedom)
        return self.value - reach, self.value + reach

    def lower(self, level: float = 0.95) -> float:
        """The truth is above in `level` of all cases."""
        return self.value - self.error * _student(level, self.freedom)

    def doubt(self, against: float = 0.0) -> float:
        """The probability to see so large a value, or larger, while the truth is `against`: one-sided."""
        if self.error == 0:
            return float(self.value <= against)
        return 1 - _NORMAL.cdf(_as_normal((self.value - against) / self.error, self.freedom))

    def smallest(self, level: float = 0.95, power: float = 0.8) -> float:
        """The smallest true difference that `power` of all tries of this size would tell from none."""
        return self.error * (_student((1 + level) / 2, self.freedom) + _NORMAL.inv_cdf(power))


class Guesses:
    """Mean outcomes by arm and cell, for each fold from the others."""

    def __init__(self, exposures: Sequence[Exposure], outcome: Outcome) -> None:
        sums: defaultdict[tuple[str, str | None], list[float]] = defaultdict(lambda: [0.0] * (2 * FOLDS))
        for exposure in exposures:
            fold, result = fold_of(exposure.customer), outcome(exposure)
            cells = sums[(exposure.arm, exposure.cell)]
            cells[fold] += 1
            cells[FOLDS + fold] += result
        for (arm, cell), cells in list(sums.items()):
            for wider in (("", cell), (arm, None), ("", None)):
                sums[wider] = [one + other for one, other in zip(sums[wider], cells, strict=True)]
        self._sums = dict(sums)
        self._found: dict[tuple[int, str, str], float] = {}

    def of(self, fold: int, arm: str, cell: str) -> float:
        """The outcome to expect of a customer of `cell` and `fold` under `arm`."""
        key = (fold, arm, cell)
        if key not in self._found:
            overall = self._mean(fold, "", None, 0.0)
            of_arm = self._mean(fold, arm, None, overall)
            # What a cell is beside the others is learnt from all arms; what the arm is there, from its own.
            beside = self._mean(fold, "", cell, overall) - overall
            self._found[key] = self._mean(fold, arm, cell, of_arm + beside)
        return self._found[key]

    def _mean(self, fold: int, arm: str, cell: str | None, otherwise: float) -> float:
        cells = self._sums.get((arm, cell))
        if cells is None:
            return otherwise
        count = sum(cells[:FOLDS]) - cells[fold]
        total = sum(cells[FOLDS:]) - cells[FOLDS + fold]
        return (total + SHRINKAGE * otherwise) / (count + SHRINKAGE)


class _Sums:
    """A weighted mean and, by customer, how far each pulls it."""

    def __init__(self, terms: Iterable[tuple[str, float, float]]) -> None:
        self.terms = list(terms)
        self.weight = sum(weight for _, weight, _ in self.terms)
        self.mean = sum(weight * term for _, weight, term in self.terms) / self.weight if self.weight else 0.0

    def pulls(self) -> dict[str, float]:
        found: defaultdict[str, float] = defaultdict(float)
        for customer, weight, term in self.terms:
            found[customer] += weight * (term - self.mean) / self.weight
        return found


def compare_arms(
    exposures: Sequence[Exposure], arm: str, other: str, outcome: Outcome, guesses: Mapping[str, Guesses] | None = None
) -> Estimate | None:
    """What `arm` does to `outcome` beside `other`, doubly robust; None where either was hardly shown (FEWEST).

    Only exposures count in which both could have been drawn. `guesses` of all exposures may be handed in.
    """
    both = _possible(exposures, (arm, other))
    if not _enough(both, (arm, other)):
        return None
    weights = _steadied(both, (arm, other))
    guesses = guesses or guess(exposures, outcome)
    sums = _Sums(
        (one.customer, weights[one.epoch], score)
        for one, score in _scores(both, constant(arm), constant(other), outcome, guesses)
    )
    return _estimate(sums.mean, sums.pulls(), both, (arm, other), weights, outcome)


def compare_arms_weighted(exposures: Sequence[Exposure], arm: str, other: str, outcome: Outcome) -> Estimate | None:
    """The same by weights alone (Hájek): nothing is guessed."""
    both = _possible(exposures, (arm, other))
    if not _enough(both, (arm, other)):
        return None
    weights = _steadied(both, (arm, other))
    shown = {
        name: _Sums(
            (one.customer, weights[one.epoch] / one.arms[name], outcome(one)) for one in both if one.arm == name
        )
        for name in (arm, other)
    }
    pulls = defaultdict(float, shown[arm].pulls())
    for customer, pull in shown[other].pulls().items():
        pulls[customer] -= pull
    return _estimate(shown[arm].mean - shown[other].mean, pulls, both, (arm, other), weights, outcome)


def guess(exposures: Iterable[Exposure], outcome: Outcome) -> dict[str, Guesses]:
    """The guesses of each situation."""
    rows: defaultdict[str, list[Exposure]] = defaultdict(list)
    for one in exposures:
        rows[one.situation].append(one)
    return {situation: Guesses(some, outcome) for situation, some in rows.items()}


def value_policy(
    exposures: Sequence[Exposure],
    target: Target,
    outcome: Outcome,
    against: Target | None = None,
    guesses: Mapping[str, Guesses] | None = None,
) -> Estimate:
    """The mean outcome if `target` had chosen in all these exposures, or how much more than under `against`; doubly
    robust. There has to be an exposure.

    A target's probabilities are over arms that could have been drawn. `guesses` of all exposures may be handed in.
    """
    guesses = guesses or guess(exposures, outcome)
    sums = _Sums((one.customer, 1.0, score) for one, score in _scores(exposures, target, against, outcome, guesses))
    pulls = sums.pulls()
    return Estimate(
        value=sums.mean,
        error=_error(pulls),
        ess=effective_size(_ratios(exposures, target)),
        freedom=_freedom(pulls),
    )


def effective_size(weights: Iterable[float]) -> float:
    """Kish's: (sum of weights)² / sum of squares."""
    total = squares = 0.0
    for weight in weights:
        total += weight
        squares += weight * weight
    return total * total / squares if squares else 0.0


FEWEST = 10
"""Of an arm that was shown less often than this nothing is said."""


def _possible(exposures: Iterable[Exposure], arms: Collection[str]) -> list[Exposure]:
    return [one for one in exposures if all(one.arms.get(arm, 0.0) > 0 for arm in arms)]


def _enough(exposures: Iterable[Exposure], arms: Sequence[str]) -> bool:
    shown = dict.fromkeys(arms, 0)
    for one in exposures:
        if one.arm in shown:
            shown[one.arm] += 1
    return min(shown.values()) >= FEWEST


def _steadied(exposures: Iterable[Exposure], arms: Sequence[str]) -> dict[int, float]:
    """The weight of each epoch."""
    implied: defaultdict[int, list[float]] = defaultdict(list)
    for one in exposures:
        implied[one.epoch].append(sum(1 / one.arms[arm] for arm in arms))
    return {epoch: 1 / sqrt(sum(some) / len(some)) for epoch, some in implied.items()}


def _scores(
    exposures: Iterable[Exposure],
    target: Target,
    against: Target | None,
    outcome: Outcome,
    guesses: Mapping[str, Guesses],
) -> Iterable[tuple[Exposure, float]]:
    # Few kinds of exposure stand behind many: what is the same for a kind is found once.
    kinds: dict[tuple[object, ...], tuple[float, dict[str, tuple[float, float]]]] = {}
    for one in exposures:
        fold = fold_of(one.customer)
        kind = (one.situation, one.cell, fold, *one.arms.items())
        if kind not in kinds:
            wanted: Mapping[str, float] = target(one)
            if against is not None:
                other = against(one)
                wanted = {arm: wanted.get(arm, 0.0) - other.get(arm, 0.0) for arm in {**wanted, **other}}
            guessed = guesses[one.situation]
            parts = {arm: (share, guessed.of(fold, arm, one.cell)) for arm, share in wanted.items() if share}
            kinds[kind] = (
                sum(share * usual for share, usual in parts.values()),
                {arm: (share / one.arms[arm], usual) for arm, (share, usual) in parts.items() if one.arms.get(arm)},
            )
        expected, counts = kinds[kind]
        if one.arm in counts:
            weight, usual = counts[one.arm]
            expected += weight * (outcome(one) - usual)
        yield one, expected


def _ratios(exposures: Iterable[Exposure], target: Target) -> Iterable[float]:
    """How much more probable each exposure's arm is under `target` than it was."""
    kinds: dict[tuple[object, ...], Mapping[str, float]] = {}
    for one in exposures:
        kind = (one.situation, one.cell, fold_of(one.customer), *one.arms.items())
        if kind not in kinds:
            kinds[kind] = target(one)
        yield kinds[kind].get(one.arm, 0.0) / one.arms[one.arm]


def _error(pulls: Mapping[str, float]) -> float:
    count = len(pulls)
    return sqrt(sum(pull * pull for pull in pulls.values()) * count / max(1, count - 1))


def _freedom(pulls: Mapping[str, float]) -> float:
    """Satterthwaite's for a sum of squares of such unequal weight."""
    return effective_size(pull * pull for pull in pulls.values())


def _estimate(
    value: float,
    pulls: Mapping[str, float],
    exposures: Sequence[Exposure],
    arms: Sequence[str],
    weights: Mapping[int, float],
    outcome: Outcome,
) -> Estimate:
    """With the small-sample care of Agresti & Caffo (2000): one more of each outcome in each arm, so that ten who all
    stayed are no proof."""
    variance, sizes = _error(pulls) ** 2, []
    for arm in arms:
        shown = [(weights[one.epoch] / one.arms[arm], outcome(one)) for one in exposures if one.arm == arm]
        size = effective_size(weight for weight, _ in shown)
        sizes.append(size)
        low, high = min(result for _, result in shown), max(result for _, result in shown)
        if low >= 0 and high <= 1:
            share = sum(weight * result for weight, result in shown) / sum(weight for weight, _ in shown)
            careful = (share * size + 1) / (size + 2)
            variance += max(0.0, careful * (1 - careful) - share * (1 - share)) / size
    freedom = min(*sizes, _freedom(pulls) + 1) - 1
    return Estimate(value=value, error=sqrt(variance), ess=min(sizes), freedom=freedom)


def _student(level: float, freedom: float) -> float:
    """The quantile of Student's t, by Wallace's approximation (1959), good to three digits from four degrees on."""
    normal, freedom = _NORMAL.inv_cdf(level), max(2.0, freedom)
    stretched = normal * (8 * freedom + 3) / (8 * freedom + 1)
    return copysign(sqrt(freedom * (exp(stretched * stretched / freedom) - 1)), normal)


def _as_normal(t: float, freedom: float) -> float:
    """The normal deviate as unusual as `t` is with so many degrees of freedom; the inverse of `_student`."""
    freedom = max(2.0, freedom)
    return copysign(sqrt(freedom * log(1 + t * t / freedom)) * (8 * freedom + 1) / (8 * freedom + 3), t)
