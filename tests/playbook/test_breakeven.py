"""The closed forms of break-even, against published numbers and against trying it out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.playbook.breakeven import Made, break_even_probability, break_even_save_rate, reckon


@pytest.mark.parametrize(("value", "percent"), [(100, 29.7), (200, 16.4), (500, 7.0), (1000, 3.6), (2000, 1.8)])
def test_the_break_even_risk_of_the_usual_parameters(value: float, percent: float) -> None:
    found = break_even_probability(10, 1, 0.3, value)  # the average acceptance and costs of Verbraken et al. (2013)
    assert found is not None
    assert round(found * 100, 1) == percent


def profit(risk: float, held: float, cost: float, effort: float, value: float) -> float:
    return held * (value - cost) - (1 - risk) * cost - effort


COST, EFFORT, VALUE = st.floats(0.01, 400), st.floats(0, 50), st.floats(1, 5000)


@given(COST, EFFORT, st.floats(0.05, 1), VALUE)
def test_above_the_break_even_risk_it_pays_and_below_it_does_not(
    cost: float, effort: float, taken_up: float, value: float
) -> None:
    found = break_even_probability(cost, effort, taken_up, value)
    if found is None:
        assert profit(1, taken_up, cost, effort, value) < 1e-9
        return
    assert profit(found, found * taken_up, cost, effort, value) == pytest.approx(0, abs=1e-6 * (value + cost))
    if found > 0.01:
        assert profit(found - 0.01, (found - 0.01) * taken_up, cost, effort, value) < 0


@given(COST, EFFORT, VALUE, st.floats(0, 1))
def test_at_the_break_even_save_rate_nothing_is_won_and_nothing_lost(
    cost: float, effort: float, value: float, risk: float
) -> None:
    rate = break_even_save_rate(cost, effort, value, risk)
    if rate is not None:
        assert profit(risk, rate, cost, effort, value) == pytest.approx(0, abs=1e-6 * (value + cost))
    else:
        assert profit(risk, 1, cost, effort, value) < 1e-9


def test_who_costs_more_than_they_bring_is_never_worth_it() -> None:
    assert break_even_probability(50, 0, 0.5, 50) is None
    assert break_even_save_rate(50, 0, 50) is None
    assert break_even_save_rate(49, 2, 50) is None  # more than all of them would have to stay
    assert break_even_probability(0, 0, 0.5, 100) == 0


def test_a_campaign_breaks_even_where_its_customers_do_together() -> None:
    made = [
        Made(cost=1000, effort=200, value=20_000, save_rate=0.1, risk=0.3),
        Made(cost=500, effort=0, value=5_000, save_rate=0.02, risk=0.1),
    ]
    whole = reckon(made, "EUR")
    assert (whole.customers, whole.value.minor, whole.saves) == (2, 25_000, 0.12)
    assert whole.gain.minor == 2_100
    assert whole.cost.minor == round(200 + 0.8 * 1000 + 0.92 * 500)
    assert whole.break_even == pytest.approx((0.7 * 1000 + 200 + 0.9 * 500) / (19_000 + 4_500))
    alone = reckon(made[:1], "EUR")
    assert alone.break_even == break_even_save_rate(1000, 200, 20_000, 0.3)


def test_a_campaign_without_anybody_breaks_even_nowhere() -> None:
    empty = reckon([], "EUR")
    assert (empty.customers, empty.cost.minor, empty.break_even) == (0, 0, None)
