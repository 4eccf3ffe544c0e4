"""What may be said of each script when many are looked at at once.

Two different claims, each with its own test. *It works* (or does harm): the difference is not none. *It does nothing*:
the difference is surely within ± a margin that matters, by two one-sided tests (Schuirmann 1987). Where neither can be
said, the data cannot tell, and that is a third answer: no difference found is not no difference.

Each list (helps, harms, nothing) is kept clean by itself by Benjamini & Hochberg (1995): of the scripts that a report
names in it, on average at most `rate` are named wrongly. One list for both directions would not do: many that help
would let in some that are said to do harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from bridge.playbook.estimates import Estimate


class Verdict(StrEnum):
    helps = "helps"
    harms = "harms"
    nothing = "nothing"
    """Within the margin: it may even be surely above none, and still does not matter."""
    unclear = "unclear"
    """Neither is sure: more has to be shown before it can be said."""
    too_few = "too_few"
    """Shown so rarely that not even an interval is given."""


def judge(estimates: Sequence[Estimate | None], *, margin: float, rate: float) -> list[Verdict]:
    """The verdict on each difference, all looked at together; None is too few."""
    there = [one for one in estimates if one is not None]
    helps = discoveries([one.doubt() for one in there], rate)
    harms = discoveries([1 - one.doubt() for one in there], rate)
    nothing = discoveries([max(one.doubt(-margin), 1 - one.doubt(margin)) for one in there], rate)
    found = iter(
        Verdict.nothing if none else Verdict.helps if better else Verdict.harms if worse else Verdict.unclear
        for none, better, worse in zip(nothing, helps, harms, strict=True)
    )
    return [Verdict.too_few if one is None else next(found) for one in estimates]


def discoveries(doubts: Sequence[float], rate: float) -> list[bool]:
    """Which of these p-values count, so that on average at most `rate` of those that do are flukes."""
    ranked = sorted(doubts)
    limit = max((p for rank, p in enumerate(ranked, 1) if p <= rate * rank / len(ranked)), default=-1.0)
    return [p <= limit for p in doubts]
