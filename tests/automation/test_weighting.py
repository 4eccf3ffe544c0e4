"""What answers say of all: corrected for who was invited and for who answers, with an interval that holds."""

from __future__ import annotations

import random

import pytest

from bridge.automation.weighting import FEWEST, Asked, plain, pool, rates, weighted, worth_of

STRATA = {("gold", "low"): (0.2, 0.6, 0.15), ("gold", "high"): (0.5, 0.35, 0.6), ("bronze", "low"): (0.05, 0.15, 0.3)}
"""Stratum → probability of an invitation, of an answer, share of detractors (the others are promoters)."""
SHARE = {("gold", "low"): 0.2, ("gold", "high"): 0.2, ("bronze", "low"): 0.6}
TRUE = sum(SHARE[one] * 100 * (1 - 2 * STRATA[one][2]) for one in STRATA)


def _survey(luck: random.Random, people: int = 3000) -> list[Asked]:
    asked = []
    for stratum, share in SHARE.items():
        invited, answers, bad = STRATA[stratum]
        for _ in range(round(people * share)):
            if luck.random() < invited:
                answered = luck.random() < answers
                score = (2.0 if luck.random() < bad else 10.0) if answered else None
                asked.append(Asked(stratum=stratum, propensity=invited, answered=answered, score=score, scale=10))
    return asked


def test_weighing_mends_what_invitations_and_silence_had_bent() -> None:
    luck = random.Random(7)
    bent, mended, held, rounds = 0.0, 0.0, 0, 200
    for _ in range(rounds):
        asked = _survey(luck)
        raw, said = plain(asked, "nps"), weighted(asked, "nps")
        assert raw is not None and said is not None and said.low is not None and said.high is not None
        bent += (raw.value - TRUE) / rounds
        mended += (said.value - TRUE) / rounds
        held += said.low <= TRUE <= said.high
        assert said.effective < said.answers == raw.answers
    assert abs(bent) > 12
    assert abs(mended) < 3
    assert held / rounds >= 0.93


def test_where_everybody_was_asked_and_answers_alike_nothing_changes() -> None:
    asked = [
        Asked(stratum=("gold", "low"), propensity=0.5, answered=n % 2 == 0, score=float(n % 11), scale=10)
        for n in range(110)
    ]
    raw, said = plain(asked, "nps"), weighted(asked, "nps")
    assert raw is not None and said is not None
    assert said.value == pytest.approx(raw.value)
    assert said.effective == pytest.approx(raw.effective) == pytest.approx(55)


def test_five_who_agree_do_not_prove_that_all_would() -> None:
    asked = [Asked(stratum=("gold", "low"), propensity=1.0, answered=True, score=10, scale=10) for _ in range(5)]
    said = weighted(asked, "nps")
    assert said is not None and said.value == 100 and said.high == 100
    assert said.low is not None and said.low < 50


def test_one_answer_has_no_interval_and_none_no_figure() -> None:
    one = Asked(stratum=("gold", "low"), propensity=0.5, answered=True, score=9, scale=10)
    said = weighted([one], "nps")
    assert said is not None and (said.value, said.low, said.high) == (100, None, None)
    silent = Asked(stratum=("gold", "low"), propensity=0.5, answered=False)
    assert weighted([silent], "nps") is None and plain([], "csat") is None


def test_strata_with_few_answers_are_weighed_with_their_neighbours() -> None:
    def some(tier: str, band: str, answers: int) -> list[Asked]:
        return [
            Asked(stratum=(tier, band), propensity=1.0, answered=n < answers, score=9 if n < answers else None)
            for n in range(20)
        ]

    asked = [*some("gold", "low", 9), *some("gold", "high", 3), *some("gold", "medium", 2), *some("silver", "low", 6)]
    assert pool(asked) == {
        ("gold", "low"): ("gold", "low"),
        ("gold", "high"): ("gold",),
        ("gold", "medium"): ("gold",),
        ("silver", "low"): ("silver", "low"),
    }
    assert rates(asked, pool(asked))[("gold",)] == pytest.approx(5 / 40)
    alone = pool([*some("gold", "low", 9), *some("silver", "low", FEWEST - 1)])
    assert set(alone.values()) == {()}


def test_each_metric_is_counted_as_it_is_used() -> None:
    assert [worth_of("nps", score, 10) for score in (0, 6, 7, 8, 9, 10)] == [-100, -100, 0, 0, 100, 100]
    assert [worth_of("csat", score, 5) for score in (1, 3, 4, 5)] == [0, 0, 100, 100]
    assert [worth_of("csat", score, 7) for score in (5, 6)] == [0, 100]
    assert [worth_of("csat", score, 1) for score in (0, 1)] == [0, 100]
    assert worth_of("ces", 4, 7) == 4


def test_an_answer_without_a_number_is_spoken_for_by_its_stratum() -> None:
    def some(stratum: tuple[str, str], score: float, mute: int) -> list[Asked]:
        return [
            Asked(stratum=stratum, propensity=1.0, answered=True, score=None if n < mute else score, scale=10)
            for n in range(20)
        ]

    said = weighted([*some(("gold", "low"), 10, mute=0), *some(("bronze", "low"), 2, mute=14)], "nps")
    assert said is not None
    assert said.answers == 26
    assert said.value == pytest.approx(0)  # twenty of each: half would recommend us, half would not


@pytest.mark.parametrize(("scale", "scores"), [(1, (0, 1)), (5, (1, 5)), (7, (1, 7)), (None, (1, 7)), (0, (1, 5))])
def test_no_figure_lies_outside_its_interval(scale: float | None, scores: tuple[float, float]) -> None:
    for metric in ("csat", "ces"):
        for given in ((scores[0],) * 6, (scores[1],) * 6, scores * 3):
            said = plain(
                [Asked(stratum=("", ""), propensity=1.0, answered=True, score=one, scale=scale) for one in given],
                metric,
            )
            assert said is not None and said.low is not None and said.high is not None
            assert said.low <= said.value <= said.high
            assert said.low < said.high
