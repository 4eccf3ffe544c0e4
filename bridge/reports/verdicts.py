"""What may be said of each script when many are looked at at once.

Two different claims, each with its own test. *It works* (or does harm): the difference is not none. *It does nothing*:
the difference is surely within ± a margin that matters, by two one-sided tests (Schuirmann 1987). Where neither can be
said, the data cannot tell, and that is a third answer: no difference found is not no difference.

Each list is kept clean by Benjamini & Hochberg (1995): of the scripts that a report names in it, on average at most
`rate` are named wrongly.
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
    differ = discoveries([min(1.0, 2 * min(one.doubt(), 1 - one.doubt())) for one in there], rate)
    nothing = discoveries([max(one.doubt(-margin), 1 - one.doubt(margin)) for one in there], rate)
    found = iter(zip(there, differ, nothing, strict=True))
    verdicts = []
    for one in estimates:
        if one is None:
            verdicts.append(Verdict.too_few)
            continue
        estimate, differs, is_nothing = next(found)
        if is_nothing:
            verdicts.append(Verdict.nothing)
        elif differs:
            verdicts.append(Verdict.helps if estimate.value > 0 else Verdict.harms)
        else:
            verdicts.append(Verdict.unclear)
    return verdicts


def discoveries(doubts: Sequence[float], rate: float) -> list[bool]:
    """Which of these p-values count, so that on average at most `rate` of those that do are flukes."""
    ranked = sorted(doubts)
    limit = max((p for rank, p in enumerate(ranked, 1) if p <= rate * rank / len(ranked)), default=-1.0)
    return [p <= limit for p in doubts]
