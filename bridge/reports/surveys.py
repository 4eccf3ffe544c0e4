"""What a survey found out: who could be asked, who was, who answered, and what that says of all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from bridge.automation.weighting import Asked, Estimate, Stratum, plain, pool, rates, scored, weighted, worth_of
from bridge.errors import NotFound
from bridge.flow import Desk
from bridge.model import SurveyResponse
from bridge.store import micros

MOST_REASONS = 20
LONGEST_REASON = 120
FEWEST_ALIKE = 3
OWN_WORDS = ""


class StratumResult(Struct, frozen=True, kw_only=True):
    """Customers of one value tier and risk band, as they stood when they were drawn."""

    tier: str
    band: str
    drawn: int
    """So many came up and could be asked: they were invited, each with a known probability, or left alone."""
    invited: int
    answered: int
    response_rate: float | None
    """None where nobody was invited."""
    value: float | None
    """The figure over the answers of this stratum alone; None without any."""
    share: float
    """Of all who could be asked."""


class SurveyResults(Struct, frozen=True, kw_only=True):
    """One survey, or all of one metric, over a time. Figures as `Estimate` says."""

    metric: str
    plans: tuple[str, ...]
    since: datetime
    until: datetime
    drawn: int
    """Customers who came up and could be asked."""
    invited: int
    answered: int
    response_rate: float | None
    plain: Estimate | None
    """Over the answers as they are."""
    weighted: Estimate | None
    """Over all who could be asked: corrected for who was invited and for who answers."""
    coverage: float | None
    """Share of those who could be asked whose stratum has enough answers to speak for itself."""
    strata: tuple[StratumResult, ...]
    barred: dict[str, int]
    """Reason → how many came up and could not be asked; the figures say nothing of them."""
    lapsed: int
    """So many were not asked because nobody would have had the time to answer them."""
    reasons: dict[str, int] = {}
    """Exit surveys: reason for leaving → how often it was given. What fewer than FEWEST_ALIKE said is a customer's own
    words, and counted under "" alone."""
    left_others_because: dict[str, int] = {}
    """Exit surveys: what drove them from others before → how often; "" as above."""


async def survey_results(
    desk: Desk, *, since: datetime, until: datetime, plan: str | None = None, metric: str = "nps"
) -> SurveyResults:
    """What customers said who were drawn from `since` on and before `until`: of one plan, or of all of `metric`.

    Raises NotFound for a plan that there is not.
    """
    plans = [one for one in desk.rules.surveys if (one.file.metric == metric if plan is None else one.id == plan)]
    if plan is not None and not plans:
        raise NotFound("there is no survey plan of that id")
    asked_metric = plans[0].file.metric if plan is not None else metric
    ids = [one.id for one in plans]
    within: dict[str, Any] = {"plans": ids, "since": micros(since), "until": micros(until)}
    drawn = {(tier, band): int(count) for tier, band, count in await desk.store.all("surveys.drawn", **within)}
    asked = [
        Asked(stratum=(tier, band), propensity=propensity, answered=answered_at is not None, score=score, scale=scale)
        for tier, band, propensity, answered_at, score, scale in await desk.store.all("surveys.asked", **within)
    ]
    left = await desk.store.all("surveys.barred", **within)
    whole, answered = sum(drawn.values()), sum(one.answered for one in asked)
    reasons, before = await _reasons(desk, ids, since, until) if asked_metric == "exit" else ({}, {})
    return SurveyResults(
        metric=asked_metric,
        plans=tuple(ids),
        since=since,
        until=until,
        drawn=whole,
        invited=len(asked),
        answered=answered,
        response_rate=answered / len(asked) if asked else None,
        plain=plain(asked, asked_metric),
        weighted=weighted(asked, asked_metric),
        coverage=_coverage(asked if asked_metric == "exit" else scored(asked), drawn) if whole else None,
        strata=tuple(_stratum(one, number, whole, asked, asked_metric) for one, number in sorted(drawn.items())),
        barred={reason: count for state, reason, count in left if state == "barred"},
        lapsed=sum(count for state, _, count in left if state == "lapsed"),
        reasons=reasons,
        left_others_because=before,
    )


def _coverage(asked: Sequence[Asked], drawn: Mapping[Stratum, int]) -> float:
    """The share of those drawn whose own stratum is weighted by itself."""
    pools = pool(asked)
    return sum(number for one, number in drawn.items() if pools.get(one) == one) / sum(drawn.values())


def _stratum(one: Stratum, number: int, whole: int, asked: Sequence[Asked], metric: str) -> StratumResult:
    mine = [each for each in asked if each.stratum == one]
    given = [worth_of(metric, each.score, each.scale) for each in mine if each.answered and each.score is not None]
    return StratumResult(
        tier=one[0],
        band=one[1],
        drawn=number,
        invited=len(mine),
        answered=sum(each.answered for each in mine),
        response_rate=rates(mine, {one: one})[one] if mine else None,
        value=sum(given) / len(given) if given else None,
        share=number / whole,
    )


async def _reasons(
    desk: Desk, plans: list[str], since: datetime, until: datetime
) -> tuple[dict[str, int], dict[str, int]]:
    """Why those who answered leave, and what drove them from others before; most frequent first, OWN_WORDS last."""
    leaving: dict[str, int] = defaultdict(int)
    before: dict[str, int] = defaultdict(int)
    rows = await desk.store.all("surveys.responses", plans=plans, since=micros(since), until=micros(until))
    records: dict[tuple[str, str], list[str]] = defaultdict(list)
    for (ref,) in rows:
        source, kind, number = (*ref.split("/", 2), "", "")[:3]
        records[source, kind].append(number)
    for (source, kind), ids in sorted(records.items()):
        for (body,) in await desk.store.all("surveys.bodies", source=source, object=kind, ids=ids):
            response = msgspec.json.decode(body, type=SurveyResponse)
            for given, counts in ((response.reason_for_leaving, leaving), (response.left_others_because, before)):
                if given:
                    counts[given.strip()[:LONGEST_REASON]] += 1
    return _most_first(leaving), _most_first(before)


def _most_first(counts: Mapping[str, int]) -> dict[str, int]:
    alike = [one for one in counts.items() if one[1] >= FEWEST_ALIKE]
    shown = sorted(alike, key=lambda one: (-one[1], one[0]))[:MOST_REASONS]
    others = sum(counts.values()) - sum(count for _, count in shown)
    return dict(shown) | ({OWN_WORDS: others} if others else {})
