"""How many may be asked, and who: probabilities that add up, never beyond the time there is, in any order."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.automation.survey_forms import Fatigue
from bridge.automation.surveys import share_of
from bridge.automation.tranches import Cell, Past, Ready, bad_probability, drawn, group, shrunk, size, tired
from bridge.scoring.result import PredictedMood

NOW = datetime(2026, 11, 24, 9, tzinfo=timezone.utc)
OWNERS = ("Brandt", "Kern", "team")
chances = st.floats(0.01, 1.0)


@st.composite
def crowds(draw: st.DrawFn) -> list[Ready]:
    """Customers of three owners, in strata."""
    number = draw(st.integers(1, 60))
    return [
        Ready(
            occasion=f"o_{place}",
            owner=draw(st.sampled_from(OWNERS)),
            tier=draw(st.sampled_from(("gold", "bronze"))),
            band=draw(st.sampled_from(("low", "high"))),
            bad=draw(chances),
            answers=draw(chances),
        )
        for place in range(number)
    ]


room = st.dictionaries(st.sampled_from(OWNERS), st.floats(0, 20), max_size=3)
balances = st.sampled_from(("even", "answers"))


@settings(max_examples=200, deadline=None)
@given(crowds(), room, st.integers(1, 80), balances)
def test_bad_answers_to_expect_never_go_beyond_free_time(
    crowd: list[Ready], free: dict[str, float], most: int, balance: str
) -> None:
    groups = group(crowd)
    sized = size(groups, free, most=most, balance="even" if balance == "even" else "answers")
    chance = {one.occasion: sized.propensity.get(Cell(one.owner, one.tier, one.band), 0.0) for one in crowd}
    for owner in OWNERS:
        expected = sum(chance[one.occasion] * one.expected for one in crowd if one.owner == owner)
        assert expected <= free.get(owner, 0.0) + 1e-9
    assert sum(chance.values()) <= most + 1e-9


@settings(max_examples=200, deadline=None)
@given(crowds(), room, st.integers(1, 80), balances)
def test_everybody_has_a_chance_above_zero_or_waits(
    crowd: list[Ready], free: dict[str, float], most: int, balance: str
) -> None:
    groups = group(crowd)
    sized = size(groups, free, most=most, balance="even" if balance == "even" else "answers")
    for cell in groups:
        assert (cell in sized.propensity) != (cell.owner in sized.waiting)
    assert all(0 < one <= 1 for one in sized.propensity.values())


@settings(max_examples=100, deadline=None)
@given(crowds(), room, st.randoms(use_true_random=False))
def test_the_order_in_which_customers_come_changes_nothing(
    crowd: list[Ready], free: dict[str, float], luck: random.Random
) -> None:
    other = list(crowd)
    luck.shuffle(other)
    assert size(group(crowd), free, most=50) == size(group(other), free, most=50)


@settings(max_examples=100, deadline=None)
@given(crowds(), st.floats(1, 20))
def test_the_time_there_is_gets_used(crowd: list[Ready], free: float) -> None:
    groups = group(crowd)
    sized = size(groups, dict.fromkeys(OWNERS, free), most=10_000)
    for owner in {cell.owner for cell in groups}:
        own = {cell: one for cell, one in groups.items() if cell.owner == owner}
        spent = sum(sized.propensity[cell] * one.expected for cell, one in own.items())
        assert spent == pytest.approx(min(free, sum(one.expected for one in own.values())))


def test_strata_that_answer_less_are_asked_more_where_that_is_wanted() -> None:
    crowd = [
        Ready(occasion=f"{tier}{n}", owner="team", tier=tier, band="low", bad=0.2, answers=answers)
        for tier, answers in (("gold", 0.4), ("bronze", 0.1))
        for n in range(100)
    ]
    sized = size(group(crowd), {"team": 2.0}, most=1000, balance="answers").propensity
    gold, bronze = sized[Cell("team", "gold", "low")], sized[Cell("team", "bronze", "low")]
    assert bronze == pytest.approx(4 * gold)
    even = size(group(crowd), {"team": 2.0}, most=1000).propensity
    assert len(set(even.values())) == 1


def test_who_has_no_time_for_one_more_is_waited_for() -> None:
    crowd = [Ready(occasion=f"o{n}", owner="Brandt", tier="gold", band="low", bad=0.5, answers=0.5) for n in range(40)]
    assert size(group(crowd), {"Brandt": 0.0}, most=10).waiting == {"Brandt"}
    assert size(group(crowd), {"Brandt": 0.9}, most=10).waiting == {"Brandt"}
    assert size(group(crowd), {}, most=10).waiting == {"Brandt"}
    assert size(group(crowd[:2]), {"Brandt": 0.9}, most=10).propensity == {Cell("Brandt", "gold", "low"): 1.0}


def test_the_draw_falls_as_often_as_it_says_and_always_the_same_way() -> None:
    ids = [f"o_{n}" for n in range(20_000)]
    for chance in (0.05, 0.37, 1.0):
        chosen = [one for one in ids if drawn("nps", one, chance)]
        assert len(chosen) / len(ids) == pytest.approx(chance, abs=0.012)
        assert chosen == [one for one in ids if drawn("nps", one, chance)]
    assert share_of("draw", "nps", "o_1") != share_of("draw", "csat", "o_1")


def _days(*ago: float, answered: bool = False) -> list[Past]:
    return [Past(NOW - timedelta(days=one), answered) for one in ago]


def test_who_was_asked_lately_is_left_in_peace() -> None:
    rules = Fatigue(rest_days=60)
    assert tired([], rules, 14, NOW) is None
    assert tired(_days(59, answered=True), rules, 14, NOW) == "asked_lately"
    assert tired(_days(61, answered=True), rules, 14, NOW) is None


def test_who_never_answers_is_asked_less_and_less() -> None:
    rules = Fatigue(rest_days=60, unanswered=2, longest_rest_days=365, most=100)
    assert tired(_days(100), rules, 14, NOW) == "asked_unanswered"
    assert tired(_days(121), rules, 14, NOW) is None
    assert tired(_days(121, 300), rules, 14, NOW) == "asked_unanswered"
    assert tired([*_days(121), *_days(300, answered=True)], rules, 14, NOW) is None
    assert tired(_days(366, 400, 500, 600, 700, 800), rules, 14, NOW) is None


def test_nobody_is_asked_more_often_in_a_year_than_is_allowed() -> None:
    rules = Fatigue(rest_days=10, most=3)
    assert tired(_days(20, 50, 90, answered=True), rules, 14, NOW) == "asked_enough"
    assert tired(_days(20, 50, 380, answered=True), rules, 14, NOW) is None


def test_one_invitation_that_two_systems_tell_of_counts_once() -> None:
    rules = Fatigue(rest_days=60, most=2, unanswered=2)
    assert tired([*_days(100, 300), *_days(99.5, 299.9, answered=True)], rules, 14, NOW) == "asked_enough"
    assert tired([*_days(100), *_days(99.5, answered=True)], rules, 14, NOW) is None


def test_a_bad_answer_is_as_likely_as_what_is_predicted_makes_it() -> None:
    def mood(predicted: float | None, half: float = 3.0) -> PredictedMood:
        ends = (None, None) if predicted is None else (predicted - half, predicted + half)
        return PredictedMood(
            metric="nps", scale=10, predicted=predicted, low=ends[0], high=ends[1], coverage=0.9, answers=500
        )

    assert bad_probability(mood(6.5), 6, 0.3) == pytest.approx(0.5)
    assert bad_probability(mood(9.5), 6, 0.3) == pytest.approx(0.05, abs=0.01)
    assert bad_probability(mood(2), 6, 0.3) > 0.95
    assert bad_probability(mood(None), 6, 0.3) == 0.3
    assert bad_probability(None, 6, 0.3) == 0.3
    assert bad_probability(mood(9.5), None, 0.3) == 1.0


def test_few_answers_say_little_against_what_was_expected() -> None:
    assert shrunk(0, 0, 0.25) == 0.25
    assert shrunk(5, 5, 0.25) == pytest.approx(0.4)
    assert shrunk(500, 1000, 0.25) == pytest.approx(0.495, abs=0.001)
