"""What is learnt from the company's own history: bands with enough of it, directions, sums that stay exact."""

from __future__ import annotations

import random
from datetime import datetime, timezone
from math import exp, log
from pathlib import Path

import numpy as np
import pytest

from bridge.scoring.card import load_scoring
from bridge.scoring.fit.history import FEWEST_ROWS, History, history_of, learn, log_odds, probabilities, reach
from bridge.scoring.fit.judging import compare, held_out_record, judge, mean_value
from bridge.scoring.fit.measures import auc, auc_gain, log_loss
from bridge.scoring.fit.rows import SeenRows
from bridge.scoring.result import Signal
from bridge.scoring.risk import score_risk
from bridge.scoring.riskmodel import RiskModel, compile_risk
from bridge.scoring.tables import parse_tables, write_tables

CARD = load_scoring(Path("config/scoring.yaml"))
NOW = datetime(2026, 11, 21, tzinfo=timezone.utc)
Shown = tuple[tuple[str, str], ...]


def world(count: int, seed: int = 1) -> tuple[History, list[Shown]]:
    """Complaints and unanswered tickets count together, promoters stay, whoever is here long leaves the sooner (which
    the card has the other way round), and a competitor is named three times in all."""
    chance = random.Random(seed)
    rows, shown = SeenRows(CARD.codes), []
    for number in range(count):
        signals: dict[str, str] = {}
        odds = -2.6
        if chance.random() < 0.2:
            signals["complaint"] = "d30" if chance.random() < 0.5 else "d90"
            odds += 1.2 if signals["complaint"] == "d30" else 0.5
        if chance.random() < 0.25:
            signals["ticket_waiting"] = "d3"
            odds += 0.3 + (1.6 if "complaint" in signals else 0)
        if chance.random() < 0.3:
            signals["promoter"] = "d90"
            odds -= 0.8
        if chance.random() < 0.3:
            signals["long_tenure"] = "y5"
            odds += 0.6
        if number % (count // 3) == 1:
            signals["competitor"] = "d30"
        left = chance.random() < 1 / (1 + exp(-odds))
        pairs = tuple(signals.items())
        shown.append(pairs)
        rows.add(
            number % 4, [Signal(code=code, band=band) for code, band in pairs], left, 100.0 if number % 2 else None
        )
    return history_of(rows), shown


@pytest.fixture(scope="module")
def learnt() -> tuple[RiskModel, History, list[Shown]]:
    history, shown = world(6_000)
    return compile_risk(learn(CARD, history).tables, "model"), history, shown


def test_what_there_is_enough_of_is_learnt_and_the_rest_is_the_cards() -> None:
    history, _ = world(6_000)
    found = learn(CARD, history)
    assert found.learnt["complaint"] == ("d30", "d90")
    assert found.from_card["complaint"] == ("open",)
    assert found.from_card["competitor"] == ("d30", "d90")
    assert "left" not in found.from_card and "left" not in found.learnt  # says nothing on the card
    model = compile_risk(found.tables, "model")
    assert model.shares["competitor", "d30"] == pytest.approx(CARD.model.shares["competitor", "d30"], abs=1e-4)
    assert model.shares["complaint", "d30"] > model.shares["complaint", "d90"] > 0.2
    assert model.shares["promoter", "d90"] < -0.4


def test_a_signal_that_warns_on_the_card_never_calms_and_the_other_way_round() -> None:
    history, _ = world(6_000)
    forced, free = learn(CARD, history), learn(CARD, history, forced=False)
    assert compile_risk(free.tables, "model").shares["long_tenure", "y5"] > 0.3
    assert compile_risk(forced.tables, "model").shares["long_tenure", "y5"] == 0
    assert forced.turned == {"long_tenure": ("y5",)}
    assert free.turned == {}


def test_as_many_are_said_to_leave_as_did(learnt: tuple[RiskModel, History, list[Shown]]) -> None:
    model, history, _ = learnt
    assert probabilities(CARD, model, history).mean() == pytest.approx(history.left.mean(), abs=0.002)


def test_what_two_signals_say_together_is_found_and_reasons_add_up_to_the_score(
    learnt: tuple[RiskModel, History, list[Shown]],
) -> None:
    model, history, shown = learnt
    pair = next(one for one in model.pairs if {one.first, one.second} == {"complaint", "ticket_waiting"})
    assert max(pair.shares.values()) > 0.5
    said = log_odds(CARD, model, history)
    for row in range(0, len(history), 7):
        risk = score_risk(CARD, [Signal(code=code, band=band, facts=FACTS) for code, band in shown[row]], model)
        total = risk.base_log_odds + sum(reason.log_odds for reason in risk.reasons)
        assert abs(total - log(risk.probability / (1 - risk.probability))) < 1e-9
        assert abs(total - said[row]) < 1e-9


FACTS = {"date": NOW.date(), "count": 2, "year": "2020", "days": 90}


def test_the_file_that_is_written_is_the_model_that_was_judged() -> None:
    history, _ = world(4_000)
    tables = learn(CARD, history).tables
    again = compile_risk(parse_tables(write_tables(tables), "file"), "file")
    assert np.array_equal(log_odds(CARD, again, history), log_odds(CARD, compile_risk(tables, "fit"), history))
    assert all(table.missing == 0 for table in tables.tables)


def test_the_same_history_gives_the_same_model() -> None:
    history, _ = world(3_000)
    assert write_tables(learn(CARD, history).tables) == write_tables(learn(CARD, history).tables)


def test_a_history_of_too_little_leaves_the_card_but_for_its_base() -> None:
    history, _ = world(FEWEST_ROWS - 2)
    model = compile_risk(learn(CARD, history).tables, "model")
    assert not model.pairs
    for key, share in model.shares.items():
        assert share == pytest.approx(CARD.model.shares[key], abs=1e-4)


def test_the_card_scores_rows_as_it_scores_customers() -> None:
    history, shown = world(300)
    p = probabilities(CARD, CARD.model, history)
    for row, signals in enumerate(shown):
        risk = score_risk(CARD, [Signal(code=code, band=band, facts=FACTS) for code, band in signals])
        assert risk.probability == pytest.approx(p[row], abs=1e-12)


def test_what_the_records_do_not_reach_is_not_taken_for_loyalty() -> None:
    rows = SeenRows(("complaint",))
    for period, left in enumerate((8, 7, 12, 1, 9, 0)):
        for number in range(200):
            rows.add(period, [], number < left, None)
    assert reach(history_of(rows)) == 2
    few = SeenRows(("complaint",))
    for period, left in enumerate((1, 0, 1)):
        for number in range(20):
            few.add(period, [], number < left, None)
    assert reach(history_of(few)) == 2
    assert reach(history_of(few).some(history_of(few).at != 1)) == 0


def test_rows_of_several_readings_are_joined() -> None:
    one, other = SeenRows(("complaint", "promoter")), SeenRows(("complaint", "promoter"))
    one.add(0, [Signal(code="complaint", band="d30")], True, 12.5)
    other.add(3, [Signal(code="promoter", band="d90")], False, None)
    one.join(other)
    history = history_of(one)
    assert history.places.tolist() == [[2, 0], [0, 1]]
    assert history.at.tolist() == [0, 3] and history.left.tolist() == [1, 0]
    assert mean_value(history) == 12.5
    assert mean_value(history.some(history.at == 3)) is None
    assert len(history_of(SeenRows(("complaint",)))) == 0


def test_delong_gives_the_difference_of_both_and_the_spread_that_samples_show() -> None:
    rng = np.random.default_rng(4)

    def draw() -> tuple[float, float]:
        left = (rng.random(400) < 0.3).astype(float)
        first = left + rng.normal(0, 1.5, 400)
        second = (0.5 * first + left * 0.2 + rng.normal(0, 1, 400)).round(1)
        gain, error = auc_gain(left, first, second)
        assert gain == pytest.approx(auc(left, first) - auc(left, second), abs=1e-12)
        return gain, error

    found = [draw() for _ in range(200)]
    spread = np.std([gain for gain, _ in found])
    assert np.mean([error for _, error in found]) == pytest.approx(spread, rel=0.2)


def test_a_model_is_better_only_if_it_explains_more_and_ranks_no_worse() -> None:
    rng = np.random.default_rng(2)
    truth = rng.beta(1, 8, 4_000)
    left = (rng.random(4_000) < truth).astype(float)
    usual = np.full(4_000, left.mean())
    loud = truth**0.3
    better = compare(left, truth, usual, "the points card")
    assert better.better and better.loss > 0 and "nearer" in better.why
    worse = compare(left, loud, truth, "the points card")  # the order is the same, the size is not
    assert not worse.better and worse.loss < 0 and worse.auc == 0 and "no nearer" in worse.why
    ranks_worse = compare(left, usual, loud, "the model in use")
    assert not ranks_worse.better and ranks_worse.loss > 0 and "less well" in ranks_worse.why


def test_figures_say_how_near_what_was_said_came() -> None:
    rng = np.random.default_rng(3)
    truth = rng.beta(2, 10, 20_000)
    left = (rng.random(20_000) < truth).astype(float)
    found = judge(left, truth, 300.0)
    assert found.slope == pytest.approx(1, abs=0.1) and found.ece < 0.01
    assert found.said == pytest.approx(found.left, abs=0.01)
    assert found.log_loss == pytest.approx(log_loss(left, truth))
    assert judge(left, truth, None).empc != found.empc
    flat = judge(left, 1 / (1 + np.exp(-2 * np.log(truth / (1 - truth)))), 300.0)
    assert flat.slope == pytest.approx(0.5, abs=0.05)
    record = held_out_record(left, truth, NOW.date(), NOW.date(), 90)
    assert len(record.groups) == 10 and all(abs(one.said - one.left) < 0.03 for one in record.groups)
