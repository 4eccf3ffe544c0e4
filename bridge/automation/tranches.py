"""How many may be asked today, and who: never more than there is time to answer. Pure.

Each customer who came up has one chance: to be invited with a probability that is known before, the same for all of
one owner and stratum, and above zero. Whom it falls on says a hash, so that doing it again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from math import erf, sqrt
from typing import Final, Literal, NamedTuple

from msgspec import Struct

from bridge.automation.survey_forms import Fatigue
from bridge.automation.surveys import share_of
from bridge.scoring.result import PredictedMood

Tired = Literal["asked_lately", "asked_unanswered", "asked_enough"]
STRENGTH: Final = 20.0
"""So many answers of one's own weigh as much as what was expected before."""
_SAME: Final = timedelta(days=2)
"""Invitations nearer to each other than this are one, told of by two systems."""


class Past(NamedTuple):
    """An invitation in the past."""

    at: datetime
    answered: bool


class Ready(Struct, frozen=True, kw_only=True):
    """One customer who came up and may be asked. `owner` would have to react to a bad answer."""

    occasion: str
    owner: str
    tier: str
    band: str
    bad: float
    """Probability that an answer is a bad one."""
    answers: float
    """Probability that there is one."""

    @property
    def expected(self) -> float:
        """Bad answers to expect when this customer is asked."""
        return self.bad * self.answers


class Cell(NamedTuple):
    """The customers of one owner and stratum."""

    owner: str
    tier: str
    band: str


class Group(Struct, frozen=True, kw_only=True):
    """What is known of a cell before anybody is drawn."""

    ready: int
    expected: float
    """Bad answers if all of it were asked."""
    answers: float
    """The share that answers."""


class Sized(Struct, frozen=True, kw_only=True):
    """A tranche before it is drawn: probability by cell. Owners of `waiting` have no time: theirs wait."""

    propensity: Mapping[Cell, float]
    waiting: frozenset[str]


def tired(past: Sequence[Past], rules: Fatigue, answer_days: int, now: datetime) -> Tired | None:
    """Why the customer is left in peace. `past` in any order; two that are told of by two systems count once."""
    told: list[Past] = []
    for one in sorted(past, reverse=True):
        if one.at > now:
            continue
        if told and told[-1].at - one.at < _SAME:
            told[-1] = Past(told[-1].at, told[-1].answered or one.answered)
        else:
            told.append(one)
    if not told:
        return None
    if sum(one.at > now - timedelta(days=rules.most_days) for one in told) >= rules.most:
        return "asked_enough"
    age = now - told[0].at
    if age < timedelta(days=rules.rest_days):
        return "asked_lately"
    streak = 0
    for one in told:
        if one.answered:
            break
        streak += one.at < now - timedelta(days=answer_days)
    rest = min(rules.rest_days * rules.unanswered**streak, max(rules.longest_rest_days, rules.rest_days))
    return "asked_unanswered" if age < timedelta(days=rest) else None


def bad_probability(mood: PredictedMood | None, bad: float | None, usual: float) -> float:
    """How likely an answer is a bad one, up to `bad` (None: every answer is): by what is predicted, with how far that
    may be off, else `usual`."""
    if bad is None:
        return 1.0
    if mood is None or mood.predicted is None or mood.low is None or mood.high is None:
        return usual
    half = max((mood.high - mood.low) / 2, 0.25)
    deviation = half / _quantile(mood.coverage)
    return min(0.99, max(0.01, _below((bad + 0.5 - mood.predicted) / deviation)))


def _below(z: float) -> float:
    return 0.5 * (1 + erf(z / sqrt(2)))


def _quantile(coverage: float) -> float:
    """The z within which `coverage` of a normal distribution lies, by halving."""
    low, high = 0.0, 8.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if 2 * _below(middle) - 1 < coverage else (low, middle)
    return max(low, 0.1)


def shrunk(hits: float, tries: float, usual: float) -> float:
    """A share of few, drawn to what is usual; never quite 0 or 1."""
    return (hits + STRENGTH * usual) / (tries + STRENGTH)


def group(ready: Iterable[Ready]) -> dict[Cell, Group]:
    """`ready` by owner and stratum; the order of `ready` changes nothing that counts."""
    sums: dict[Cell, tuple[int, float, float]] = {}
    for one in sorted(ready, key=lambda one: one.occasion):
        cell = Cell(one.owner, one.tier, one.band)
        number, expected, answers = sums.get(cell, (0, 0.0, 0.0))
        sums[cell] = (number + 1, expected + one.expected, answers + one.answers)
    return {
        cell: Group(ready=number, expected=expected, answers=answers / number)
        for cell, (number, expected, answers) in sums.items()
    }


def size(
    groups: Mapping[Cell, Group], free: Mapping[str, float], *, most: int, balance: Literal["even", "answers"] = "even"
) -> Sized:
    """The probability of an invitation for each cell: as high as the owners' free time and `most` invitations allow.

    Expected bad answers of an owner never go beyond `free`. Whoever has no room for one more (nor for all of theirs)
    waits, so that their customers do not lose their only chance for nothing.
    """
    waiting: set[str] = set()
    found: dict[Cell, float] = {}
    for owner in sorted({cell.owner for cell in groups}):
        own = {cell: one for cell, one in groups.items() if cell.owner == owner}
        room, whole = free.get(owner, 0.0), sum(one.expected for one in own.values())
        if room <= 0 or room < min(1.0, whole):
            waiting.add(owner)
            continue
        found |= _share_out(own, {cell: one.expected for cell, one in own.items()}, room, balance)
    asked = sum(found[cell] * groups[cell].ready for cell in found)
    if asked > most:
        found = {cell: one * most / asked for cell, one in found.items()}
    return Sized(propensity=found, waiting=frozenset(waiting))


def _share_out(
    groups: Mapping[Cell, Group], costs: Mapping[Cell, float], room: float, balance: str
) -> dict[Cell, float]:
    """min(1, λ × weight) for each cell, with the largest λ whose cost is within `room`."""
    weight = {cell: 1 / max(one.answers, 0.01) if balance == "answers" else 1.0 for cell, one in groups.items()}
    if sum(costs.values()) <= room:
        return dict.fromkeys(groups, 1.0)
    full: set[Cell] = set()
    while True:
        spent = sum(costs[cell] for cell in full)
        rest = sum(costs[cell] * weight[cell] for cell in groups if cell not in full)
        if rest <= 0:
            return dict.fromkeys(groups, 1.0)
        factor = (room - spent) / rest
        more = {cell for cell in groups if cell not in full and factor * weight[cell] >= 1}
        if not more:
            return {cell: 1.0 if cell in full else factor * weight[cell] for cell in groups}
        full |= more


def drawn(plan: str, occasion: str, propensity: float) -> bool:
    """Whether it falls on this one: with `propensity`, and always the same."""
    return share_of("draw", plan, occasion) < propensity
