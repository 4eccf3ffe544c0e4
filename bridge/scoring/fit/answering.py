"""Averages over everybody who was asked, from the answers of some: three numbers that are never mixed.

- answered: the plain mean of the answers. Right only if who is silent feels like who speaks.
- weighted: each answer counts for as many as were as unlikely to give it (inverse propensity, Hájek's stabilised form).
- predicted: what each customer would answer, put right by how far the weighted answers lay from it. It is right if the
  answers, or else the answering, is predicted well: doubly robust (Robins, Rotnitzky & Zhao 1994).

Standard errors come from the influence function, added up per customer (one may be asked more than once). The
probabilities and predictions that go in are those of models that never saw the customer (Chernozhukov et al. 2018,
Double/debiased machine learning).
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.special import stdtrit

from bridge.scoring.fit.frame import Numbers, Rows

COVERAGE = 0.9
MOST_WEIGHT = 10.0
"""An answer counts for at most so many times more than the usual one: beyond, a few would decide for all."""
FEWEST_IN_GROUP = 15
"""Answers of a group below which no average of it is given."""

Flags = NDArray[np.bool_]


class Estimate(Struct, frozen=True, kw_only=True):
    """A mean with its standard error and the interval that holds the truth nine times in ten, if its premise holds."""

    value: float
    se: float
    low: float
    high: float


class Averages(Struct, frozen=True, kw_only=True):
    """What everybody who was asked feels on average, by three reckonings. `group` None: all."""

    group: str | None
    asked: int
    responses: int
    response_rate: float
    effective: float
    """So many answers that count alike would say as much as the weighted ones do (Kish)."""
    clipped: int
    """Answers whose weight was cut to MOST_WEIGHT times the usual one."""
    answered: Estimate
    weighted: Estimate
    predicted: Estimate
    silent_one_lower: float
    """What `predicted` would be if all who are silent were one point (of the scale) less happy than predicted."""


class Asked(Struct, frozen=True, kw_only=True):
    """Invitations: who was asked (`person`, by number), whether they answered, what (NaN where not), and, out of fold,
    the probability to answer and the outcome predicted. `fallen`: each outcome, were the answer one point lower."""

    person: Rows
    answered: Flags
    outcome: Numbers
    probability: Numbers
    expected: Numbers
    fallen: Numbers

    def part(self, rows: Flags) -> Asked:
        """Some of the invitations."""
        return Asked(
            person=self.person[rows],
            answered=self.answered[rows],
            outcome=self.outcome[rows],
            probability=self.probability[rows],
            expected=self.expected[rows],
            fallen=self.fallen[rows],
        )


def average(asked: Asked, *, group: str | None = None, rate: float | None = None) -> Averages | None:
    """All three averages; None where there are too few answers. `rate` is the usual share of answers, by which weights
    are clipped (left out: that of `asked`)."""
    there = asked.answered
    responses = int(there.sum())
    people = len(np.unique(asked.person[there]))
    if people < FEWEST_IN_GROUP:
        return None
    n = len(there)
    share = responses / n
    y = np.where(there, asked.outcome, 0.0)
    floor = (rate or share) / MOST_WEIGHT
    clipped = int(np.sum(there & (asked.probability < floor)))
    weight = np.where(there, 1 / np.maximum(asked.probability, floor), 0.0)
    scale = float(weight.mean())
    effective = float(weight.sum() ** 2 / np.sum(weight**2))

    plain = float(y[there].mean())
    by_weight = float(np.sum(weight * y) / weight.sum())
    rest = np.where(there, asked.outcome - asked.expected, 0.0)
    correction = float(np.sum(weight * rest) / weight.sum())
    robust = float(asked.expected.mean()) + correction
    silent = np.where(there, 1 / np.maximum(asked.probability, floor) - 1, 0.0).clip(0)
    one_lower = np.where(there, asked.fallen - asked.outcome, 0.0)
    moved = float(np.sum(silent * one_lower) / silent.sum()) if silent.sum() > 0 else 0.0
    return Averages(
        group=group,
        asked=n,
        responses=responses,
        response_rate=share,
        effective=effective,
        clipped=clipped,
        answered=_estimate(plain, np.where(there, y - plain, 0.0) / share, asked.person, people),
        weighted=_estimate(by_weight, weight * (y - by_weight) / scale, asked.person, effective),
        predicted=_estimate(
            robust,
            np.where(there, weight * (rest - correction) / scale, 0.0) + asked.expected - asked.expected.mean(),
            asked.person,
            effective,
        ),
        silent_one_lower=robust + (1 - share) * moved,
    )


def _estimate(value: float, influence: Numbers, person: Rows, count: float) -> Estimate:
    _, place = np.unique(person, return_inverse=True)
    each = np.bincount(place, influence)
    people = len(each)
    se = float(np.sqrt(np.sum(each**2) * people / max(1, people - 1)) / len(influence))
    reach = float(stdtrit(max(1.0, count - 1), (1 + COVERAGE) / 2)) * se
    return Estimate(value=value, se=se, low=value - reach, high=value + reach)


def say(found: Averages) -> tuple[str, ...]:
    """In plain words: whether those who answered speak for all, what was cut, and what no reckoning here can see."""
    plain, all_asked = found.answered.value, found.predicted
    span = f"{all_asked.value:.2f} ({all_asked.low:.2f} to {all_asked.high:.2f})"
    said = [f"{found.responses:,} of {found.asked:,} who were asked answered ({found.response_rate:.1%})."]
    if all_asked.low <= plain <= all_asked.high:
        said.append(f"Those who answered say {plain:.2f}, and over all who were asked it is about that: {span}.")
    else:
        feel = "less happy" if all_asked.value < plain else "happier"
        said.append(
            f"Those who answered say {plain:.2f}; over all who were asked it is about {span}: by what is known of "
            f"them, those who are silent are {feel} than those who speak."
        )
    if found.clipped:
        said.append(
            f"{found.clipped:,} answers from customers who hardly ever answer would have counted for more than "
            f"{MOST_WEIGHT:.0f} times the usual, and were cut to that."
        )
    said.append(
        "If people answer because they are unhappy, and not because of anything that is known of them, no method here "
        f"can see it. Were all who are silent one point less happy than predicted, the average would be "
        f"{found.silent_one_lower:.2f} instead of {all_asked.value:.2f}."
    )
    return tuple(said)
