"""Fitted tables: exact in plain Python, honest out of fold, and the same every time."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from bridge.scoring.fit.additive import calibrate, choose, export, fit_tables
from bridge.scoring.fit.bins import CategoryBins, NumberBins, find_bins, short_between
from bridge.scoring.fit.boosting import Boosting, boost
from bridge.scoring.fit.crossfit import deal, every_row, predict, predict_out_of_fold
from bridge.scoring.fit.frame import Column, Frame, Numbers
from bridge.scoring.fit.measures import auc, calibration_error
from bridge.scoring.tables import CategoryTable, NumberTable, Scorer, Tables, parse_tables, write_tables

SMALL = Boosting(bags=4, parts=4, rounds=120, pair_rounds=80, candidates=8, pairs=3)
PLANS = ("annual", "monthly", "odd", "trial")


def customers(n: int = 1500, seed: int = 5) -> tuple[Frame, Numbers]:
    """Made-up customers and how likely each of them leaves: a hump, a ladder, and two features that only count
    together. One number is missing for some, one category is rare."""
    rng = np.random.default_rng(seed)
    age, calls, minutes = rng.uniform(20, 80, n), rng.poisson(2, n).astype(float), rng.gamma(4, 40, n)
    plan = rng.choice(4, n, p=[0.5, 0.3, 0.002, 0.198])
    odds = -2 + 2 * np.exp(-(((age - 50) / 10) ** 2)) + np.array([-0.5, 0.5, 0, 0.2])[plan]
    odds += np.where((calls >= 3) == (minutes < 140), 1.2, -1.2)
    age[rng.random(n) < 0.1] = np.nan
    truth = 1 / (1 + np.exp(-odds))
    left = (rng.random(n) < truth).astype(np.float64)
    columns = (
        Column("age", age),
        Column("calls", calls),
        Column("minutes", minutes),
        Column("price", minutes * 0.17),
        Column("plan", None, PLANS, np.where(rng.random(n) < 0.05, -1, plan)),
        Column("noise", rng.normal(size=n)),
    )
    return Frame(columns, left), truth


@pytest.fixture(scope="module")
def fitted() -> tuple[Frame, Numbers, Tables]:
    frame, truth = customers()
    return frame, truth, fit_tables(frame, every_row(frame), seed=1, how=SMALL)


def test_what_is_exported_scores_as_what_was_fitted() -> None:
    frame, _ = customers(600)
    bins = [find_bins(column, every_row(frame)) for column in frame.columns]
    binned = [one.place(column, every_row(frame)) for one, column in zip(bins, frame.columns, strict=True)]
    boosted = boost(binned, frame.left, SMALL, 3)
    assert boosted.pairs
    line = calibrate(boosted.held_out, frame.left)
    raw = np.full(len(frame), boosted.intercept)
    for entries, one in zip(boosted.tables, binned, strict=True):
        raw += entries[one.codes]
    for i, j, entries in boosted.pairs:
        raw += entries[binned[i].coarse[binned[i].codes], binned[j].coarse[binned[j].codes]]
    scorer = Scorer(export(bins, binned, boosted, line))
    for row in range(len(frame)):
        scored = scorer.score(frame.row(row))
        assert scored.log_odds == pytest.approx(line.offset + line.slope * raw[row], abs=1e-9)
        assert scored.base + sum(share for _, share in scored.parts) == pytest.approx(scored.log_odds, abs=1e-9)


def test_every_table_is_zero_on_average(fitted: tuple[Frame, Numbers, Tables]) -> None:
    frame, _, model = fitted
    scorer = Scorer(model)
    total: dict[str, float] = {}
    for row in range(len(frame)):
        for name, share in scorer.score(frame.row(row)).parts:
            total[name] = total.get(name, 0.0) + share
    assert max(abs(value) for value in total.values()) / len(frame) < 1e-3


def test_curves_and_pairs_are_found(fitted: tuple[Frame, Numbers, Tables]) -> None:
    model = fitted[2]
    tables = {table.name: table for table in model.tables}
    age = tables["age"]
    assert isinstance(age, NumberTable)
    at = {years: dict(Scorer(model).score({"age": years}).parts)["age"] for years in (25, 50, 75)}
    assert at[50] > at[25] + 0.8 and at[50] > at[75] + 0.8
    assert {frozenset((pair.first.name, pair.second.name)) for pair in model.pairs} >= {frozenset(("calls", "minutes"))}


def test_what_repeats_another_column_takes_no_pair_from_it(fitted: tuple[Frame, Numbers, Tables]) -> None:
    assert "price" not in {side.name for pair in fitted[2].pairs for side in (pair.first, pair.second)}


def test_rare_categories_count_as_unknown_and_what_nobody_was_counts_for_nothing(
    fitted: tuple[Frame, Numbers, Tables],
) -> None:
    tables = {table.name: table for table in fitted[2].tables}
    plan, calls, age = tables["plan"], tables["calls"], tables["age"]
    assert isinstance(plan, CategoryTable) and isinstance(calls, NumberTable) and isinstance(age, NumberTable)
    assert set(plan.entries) == {"annual", "monthly", "trial"}
    assert plan.unseen != 0
    assert calls.missing == 0
    assert age.missing != 0


def test_out_of_fold_figures_come_close_to_the_truth() -> None:
    frame, truth = customers(2000)
    p = predict_out_of_fold(frame, folds=3, seed=0)
    assert auc(frame.left, p) > auc(frame.left, truth) - 0.05  # a tenth of the ages is hidden
    assert calibration_error(frame.left, p) < 0.04
    alone = fit_tables(frame, every_row(frame), seed=0, how=replace(SMALL, pairs=0))
    assert not alone.pairs
    assert auc(frame.left, p) > auc(frame.left, predict(alone, frame, every_row(frame))) + 0.03


def test_where_there_is_nothing_to_learn_nothing_is_claimed() -> None:
    frame, _ = customers(600)
    chance = Frame(frame.columns, np.random.default_rng(2).permutation(frame.left))
    p = predict_out_of_fold(chance, folds=3, seed=0)
    assert 0.42 < auc(chance.left, p) < 0.58
    assert np.ptp(p) < 0.5


def test_a_row_is_never_judged_by_a_model_that_saw_it() -> None:
    """A feature that is the label of each row and nothing else: whoever sees a row knows it, others know nothing."""
    rng = np.random.default_rng(0)
    left = (rng.random(600) < 0.4).astype(np.float64)
    own = Column("own", None, tuple(f"c{n}" for n in range(600)), np.arange(600))
    frame = Frame((own, Column("noise", rng.normal(size=600))), left)
    assert auc(left, predict_out_of_fold(frame, folds=4, seed=0)) < 0.6


def test_the_same_seed_gives_the_same_model_and_another_one_does_not() -> None:
    frame, _ = customers(500)
    quick = replace(SMALL, rounds=20, pair_rounds=10)
    one, again, other = (fit_tables(frame, every_row(frame), seed=seed, how=quick) for seed in (4, 4, 5))
    assert write_tables(one) == write_tables(again)
    assert write_tables(one) != write_tables(other)


def test_a_fitted_model_is_a_valid_file(fitted: tuple[Frame, Numbers, Tables]) -> None:
    assert parse_tables(write_tables(fitted[2]), "model.json") == fitted[2]


def test_progress_only_goes_up_and_ends_at_one() -> None:
    frame, _ = customers(400)
    seen: list[float] = []
    fit_tables(frame, every_row(frame), seed=0, how=SMALL, report=seen.append)
    assert seen[-1] == 1
    assert seen == sorted(seen)


def test_folds_hold_as_many_leavers_each_as_can_be() -> None:
    left = np.array([1.0] * 23 + [0.0] * 77)
    fold = deal(left, 5, 0)
    leavers, rows = np.bincount(fold, left), np.bincount(fold)
    assert leavers.max() - leavers.min() <= 1
    assert rows.max() - rows.min() <= 2
    assert not np.array_equal(fold, deal(left, 5, 1))


def test_calibration_finds_the_line_that_scores_were_bent_by() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=20_000)
    left = (rng.random(20_000) < 1 / (1 + np.exp(-(0.5 * scores - 1)))).astype(np.float64)
    line = calibrate(np.append(scores, np.nan), np.append(left, 1.0))
    assert (line.offset, line.slope) == pytest.approx((-1, 0.5), abs=0.05)


def test_scores_that_say_nothing_or_the_contrary_are_not_bent() -> None:
    scores = np.tile([1.0, 2.0], 50)
    assert calibrate(scores, np.tile([1.0, 0.0, 1.0, 1.0], 25)).slope == 1
    assert calibrate(np.zeros(100), np.tile([1.0, 0.0], 50)).slope == 1


def test_cuts_are_short_numbers_between_neighbours() -> None:
    assert [short_between(low, high) for low, high in ((1, 2), (29.85, 53.2), (0.1234, 0.1239), (1e6, 2e6))] == [
        2,
        50,
        0.1237,
        2e6,
    ]
    assert short_between(1.0, np.nextafter(1.0, 2)) == np.nextafter(1.0, 2)


def test_bins_hold_about_as_many_rows_each_and_missing_has_its_own() -> None:
    values = np.concatenate([np.random.default_rng(0).lognormal(size=5_000), np.full(50, np.nan)])
    column, rows = Column("amount", values), np.arange(5_050)
    bins = find_bins(column, rows)
    assert isinstance(bins, NumberBins)
    binned = bins.place(column, rows)
    counts = np.bincount(binned.codes, minlength=binned.bins)
    assert binned.bins == 257 and counts[0] == 50
    assert counts[1:].max() < 3 * counts[1:].mean()
    assert set(bins.coarse) <= set(bins.cuts)
    rough = binned.coarse[binned.codes]
    assert np.array_equal(rough[50:60], np.searchsorted(bins.coarse, values[50:60], side="right") + 1)


def test_a_column_is_not_taken_for_the_other_kind() -> None:
    numbers, words = Column("n", np.zeros(3)), Column("w", None, ("a",), np.zeros(3, np.intp))
    with pytest.raises(TypeError, match="w holds categories"):
        NumberBins("w", (), ()).place(words, np.arange(3))
    with pytest.raises(TypeError, match="n holds numbers"):
        CategoryBins("n", ()).place(numbers, np.arange(3))


def test_many_customers_need_fewer_bags() -> None:
    assert choose(100_000).bags < choose(5_000).bags
