"""Figures against those of other implementations, and against their own definitions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

from bridge.scoring.fit.frame import Numbers
from bridge.scoring.fit.measures import (
    auc,
    average_precision,
    calibration_error,
    expected_profit,
    measure,
    top_decile_lift,
)

LEFT = np.array([0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 1, 0], np.float64)
P = np.array(
    "0.02 0.4 0.31 0.46 0.31 0.46 0.37 0.52 0.12 0.52 0.43 0.02 0.42 0.33 0.48 "
    "0.08 0.48 0.39 0.54 0.14 0.54 0.45 0.04 0.44 0.35 0.5 0.1 0.25 0.66 0.02".split(),
    np.float64,
)


def test_ranking_and_distance_are_those_of_scikit_learn() -> None:
    """scikit-learn 1.9.1: roc_auc_score, average_precision_score, brier_score_loss; the table has ties."""
    figures = measure(LEFT, P)
    assert figures.auc == pytest.approx(0.7804232804232804, abs=1e-12)
    assert figures.pr_auc == pytest.approx(0.5809523809523809, abs=1e-12)
    assert figures.brier == pytest.approx(0.16597666666666663, abs=1e-12)
    assert figures.n == 30


def test_a_perfect_order_and_its_reverse_are_the_ends_of_the_scale() -> None:
    left = np.array([1.0] * 10 + [0.0] * 90)
    best = np.linspace(1, 0, 100)
    assert (auc(left, best), auc(left, 1 - best), auc(left, np.full(100, 0.3))) == (1, 0, 0.5)
    assert average_precision(left, best) == 1
    assert top_decile_lift(left, best) == pytest.approx(10)
    assert top_decile_lift(left, np.full(100, 0.3)) == pytest.approx(1)


def test_the_lift_counts_ties_at_the_edge_in_part() -> None:
    left = np.array([1.0, 0.0, 1.0, 0.0] + [0.0] * 16)
    p = np.array([0.9, 0.5, 0.5, 0.1] + [0.0] * 16)  # the second of the top two is one of two that are tied
    assert top_decile_lift(left, p) == pytest.approx((1 + 0.5) / 2 / 0.1)


def test_calibration_is_the_distance_within_ten_groups_of_equal_size() -> None:
    left = np.tile([1.0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 10)
    p = np.repeat(np.arange(10) / 10, 10)
    assert calibration_error(left, p) == pytest.approx(np.mean(np.abs(0.1 - np.arange(10) / 10)))
    assert calibration_error(np.array([1.0, 0.0]), np.array([0.9, 0.1])) == pytest.approx(0.1)


def by_search(left: Numbers, p: Numbers, *, value: float, offer: float, reach: float) -> float:
    """Profit at the best threshold for each of many acceptances, weighted by how likely those are."""
    acceptances = (np.arange(20_000) + 0.5) / 20_000
    share = left.mean()
    best = np.zeros_like(acceptances)
    for threshold in np.unique(p):
        f1 = np.mean(p[left == 1] >= threshold)
        f0 = np.mean(p[left == 0] >= threshold)
        gain = value * (acceptances * (1 - offer / value) - reach / value) * share * f1
        best = np.maximum(best, gain - (offer + reach) * (1 - share) * f0)
    return float(np.mean(best * beta.pdf(acceptances, 6, 14)))


@pytest.mark.parametrize("value", [100.0, 200.0, 1000.0])
def test_profit_is_that_of_the_best_campaign_for_every_acceptance(value: float) -> None:
    found = expected_profit(LEFT, P, value=value)
    assert found == pytest.approx(by_search(LEFT, P, value=value, offer=10, reach=1), rel=1e-4)


def test_a_model_that_ranks_nobody_still_earns_what_an_offer_to_all_would() -> None:
    p = np.full(len(LEFT), 0.3)
    assert expected_profit(LEFT, p) == pytest.approx(by_search(LEFT, p, value=200, offer=10, reach=1), rel=1e-4)
