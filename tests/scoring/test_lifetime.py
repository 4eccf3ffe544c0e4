"""What customers will still do: the published tables to all their digits, and what must hold for any customer."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.scoring.lifetime import Buying, Renewing, Spending, hypergeometric

CDNOW = Buying(r=0.243, alpha=4.414, a=0.793, b=2.426)
"""Fader, Hardie & Lee (2005), table 2; times in weeks."""
SPENT = Spending(p=6.25, q=3.74, v=15.44)
REGULAR = Renewing(alpha=0.704077, beta=1.182043)
HIGH_END = Renewing(alpha=0.668088, beta=3.806095)
"""Fader & Hardie (2007), the two cohorts."""

models = st.builds(
    Buying,
    r=st.floats(0.05, 5),
    alpha=st.floats(0.5, 50),
    a=st.floats(0.1, 5),
    b=st.floats(0.2, 8),
)


def test_the_worked_example_of_the_paper() -> None:
    assert CDNOW.expected(2, 30.43, 38.86, 39) == pytest.approx(1.226028, abs=1e-6)


@pytest.mark.parametrize(
    ("x", "t_x", "t", "alive", "expected"),
    [
        (0, 0.0, 38.86, 1.0, 0.195098052),
        (1, 1.71, 38.86, 0.212100985, 0.203186987),
        (2, 30.43, 38.86, 0.726578570, 1.226028175),
        (10, 20.0, 38.86, 0.039345959, 0.286341235),
        (26, 30.86, 31.0, 0.968915650, 20.749726141),
    ],
)
def test_reference_customers_come_out_to_a_millionth(
    x: int, t_x: float, t: float, alive: float, expected: float
) -> None:
    assert CDNOW.alive(x, t_x, t) == pytest.approx(alive, abs=1e-8)
    assert CDNOW.expected(x, t_x, t, 39) == pytest.approx(expected, abs=1e-8)


def test_the_spending_of_somebody_unknown_is_that_of_everybody() -> None:
    assert SPENT.expected(0, 0) == pytest.approx(SPENT.p * SPENT.v / (SPENT.q - 1))
    assert SPENT.expected(1000, 50.0) == pytest.approx(50.0, rel=0.01)


@pytest.mark.parametrize(
    ("model", "wanted"),
    [
        (REGULAR, (2.964399, 4.103140, 4.869805, 5.442058, 5.894095, 6.264410, 6.575655, 6.842315)),
        (HIGH_END, (5.414479, 5.901378, 6.293892, 6.619920, 6.896707, 7.135661, 7.344721, 7.529628)),
    ],
)
def test_remaining_lifetimes_are_the_published_ones(model: Renewing, wanted: tuple[float, ...]) -> None:
    assert [model.remaining(n, 0.1) for n in range(1, 9)] == pytest.approx(wanted, abs=2e-6)


def test_survival_follows_the_published_projection() -> None:
    assert 100 * REGULAR.survival(12) == pytest.approx(17.00, abs=0.01)
    assert 100 * HIGH_END.survival(12) == pytest.approx(37.80, abs=0.01)


@given(models, st.integers(0, 40), st.floats(0, 1), st.floats(0.1, 200), st.floats(0.1, 100))
def test_expectations_are_sums_that_grow_with_time_and_never_fall_below_zero(
    model: Buying, x: int, share: float, t: float, ahead: float
) -> None:
    t_x = t * share if x else 0.0
    assert 0 <= model.alive(x, t_x, t) <= 1
    some = [model.expected(x, t_x, t, ahead * part) for part in (0.0, 0.5, 1.0, 2.0)]
    assert some[0] == 0
    assert all(math.isfinite(one) for one in some)
    assert all(after >= before - 1e-9 * (1 + after) for before, after in pairwise(some))


@given(models, st.integers(1, 30), st.floats(0.1, 100))
def test_who_bought_just_now_is_likelier_to_buy_again_than_who_has_been_silent(model: Buying, x: int, t: float) -> None:
    assert model.alive(x, t, t) >= model.alive(x, t * 0.2, t)


@given(st.floats(0.2, 5), st.floats(0.2, 20), st.integers(1, 20), st.floats(0.02, 0.5))
def test_remaining_periods_are_the_plain_sum(alpha: float, beta: float, period: int, discount: float) -> None:
    model = Renewing(alpha=alpha, beta=beta)
    assert model.within(period, 3000, discount) == pytest.approx(model.remaining(period, discount), rel=1e-6)
    assert model.within(period, 2.5, discount) == pytest.approx(
        (model.within(period, 2, discount) + model.within(period, 3, discount)) / 2
    )


@pytest.mark.parametrize(("a", "b"), [(1.0, 2.0), (0.5, 0.5), (0.25, 0.75), (0.3, 0.7 + 1e-9)])
def test_the_holes_of_the_formula_are_stepped_over(a: float, b: float) -> None:
    model = Buying(r=0.8, alpha=6, a=a, b=b)
    beside = Buying(r=0.8, alpha=6, a=a + 1e-4, b=b + 1e-4)
    assert model.expected(0, 0, 30, 52) == pytest.approx(beside.expected(0, 0, 30, 52), rel=1e-3)
    assert model.expected(0, 0, 30, 52) == pytest.approx(model.count(0, 0, 30, 52).mean, rel=1e-4)


@pytest.mark.parametrize(("x", "weeks", "ahead"), [(100, 52, 52), (500, 72, 260), (1825, 260, 260)])
def test_who_buys_daily_for_years_is_counted_too(x: int, weeks: float, ahead: float) -> None:
    model = Buying(r=0.5, alpha=4, a=0.6, b=3)
    mean = model.expected(x, weeks, weeks, ahead)
    assert 0.5 * x / weeks * ahead < mean < x / weeks * ahead
    count = model.count(x, weeks, weeks, ahead)
    assert count.mean == pytest.approx(mean, rel=1e-6)
    assert count.none == pytest.approx(1 - model.alive(x, weeks, weeks), abs=1e-9)


def test_the_hypergeometric_function_is_gauss_s() -> None:
    assert hypergeometric(1, 1, 2, 0.5) == pytest.approx(2 * math.log(2), abs=1e-14)
    assert hypergeometric(0.5, 0.5, 1.5, 0.25) == pytest.approx(math.asin(0.5) / 0.5, abs=1e-14)
    assert hypergeometric(3, 2, 2, 0.4) == pytest.approx(0.6**-3, rel=1e-14)
