"""Estimators against the textbook, against hand-made sums, and against the truth of made experiments."""

from __future__ import annotations

from math import sqrt
from random import Random

import msgspec
import pytest

from bridge.playbook.estimates import (
    Estimate,
    Guesses,
    compare_arms,
    compare_arms_weighted,
    effective_size,
    guess,
    value_policy,
)
from bridge.playbook.exposures import Exposure, by_situation, constant, money, staying
from tests.playbook.exposed import STAYS, TRUTH, exposures


class Fixed(Guesses):
    """Guesses that are given."""

    def __init__(self, table: dict[tuple[str, str], float]) -> None:
        self.table = table

    def of(self, fold: int, arm: str, cell: str) -> float:
        return self.table.get((arm, cell), 0.0)


def shown(customer: str, arm: str, chance: float, stayed: bool, *, cell: str = "", epoch: int = 0) -> Exposure:
    return Exposure(
        customer=customer,
        situation="s",
        epoch=epoch,
        arm=arm,
        arms={arm: chance, "b" if arm == "a" else "a": 1 - chance},
        cell=cell,
        stayed=stayed,
        value=10.0,
        cost=1.0 if arm == "a" else 0.0,
    )


def heart_transplants(times: int) -> list[Exposure]:
    """Table 2.2 of Hernán & Robins, Causal Inference: What If (2020): of eight in fair condition half are treated, of
    twelve in critical condition three quarters; `times` over. To stay is to die there."""
    groups = [("fair", "b", 4, 1, 0.5), ("fair", "a", 4, 1, 0.5), ("bad", "b", 3, 2, 0.25), ("bad", "a", 9, 6, 0.75)]
    return [
        shown(f"{turn}/{cell}/{arm}/{number}", arm, chance, number < dead, cell=cell)
        for turn in range(times)
        for cell, arm, people, dead, chance in groups
        for number in range(people)
    ]


def test_the_textbooks_transplants_do_nothing_though_the_treated_die_more_often() -> None:
    rows = heart_transplants(5)
    crude = [sum(one.stayed for one in rows if one.arm == arm) / sum(one.arm == arm for one in rows) for arm in "ab"]
    assert crude == [pytest.approx(7 / 13), pytest.approx(3 / 7)]
    weighted = compare_arms_weighted(rows, "a", "b", staying)
    assert weighted is not None
    assert weighted.value == pytest.approx(0, abs=1e-12)
    for arm in "ab":  # of all twenty ten would die, treated or not
        assert value_policy(rows, constant(arm), staying, guesses={"s": Fixed({})}).value == pytest.approx(0.5)
    robust = compare_arms(rows, "a", "b", staying)
    assert robust is not None
    assert robust.value == pytest.approx(0, abs=0.03)


def test_four_rows_come_out_as_by_hand() -> None:
    rows = [
        shown("1", "a", 0.5, True, cell="s"),  # 0.6 + (1 - 0.6) / 0.5 = 1.4
        shown("2", "b", 0.5, True, cell="s"),  # 0.6
        shown("3", "a", 0.25, False, cell="t"),  # 0.2 + (0 - 0.2) / 0.25 = -0.6
        shown("4", "b", 0.75, False, cell="t"),  # 0.2
    ]
    guesses = {"s": Fixed({("a", "s"): 0.6, ("a", "t"): 0.2, ("b", "s"): 0.4, ("b", "t"): 0.1})}
    found = value_policy(rows, constant("a"), staying, guesses=guesses)
    assert found.value == pytest.approx(0.4)
    assert found.error == pytest.approx(sqrt((1 + 0.04 + 1 + 0.04) / 16 * 4 / 3))
    assert found.ess == pytest.approx((2 + 4) ** 2 / (4 + 16))
    # Beside b: 0.4 + 0.6/0.5·… : 1.4 - 0.4, 0.6 - (0.4 + 0.6 / 0.5), -0.6 - 0.1, 0.2 - (0.1 - 0.1 / 0.75)
    beside = value_policy(rows, constant("a"), staying, constant("b"), guesses)
    assert beside.value == pytest.approx((1.0 - 1.0 - 0.7 + 0.2 - 0.1 + 0.1 / 0.75) / 4)
    earned = value_policy(rows, lambda _: {"a": 0.5, "b": 0.5}, money, guesses={"s": Fixed({})})
    assert earned.value == pytest.approx((0.5 * 9 / 0.5 + 0.5 * 10 / 0.5 + 0.5 * -1 / 0.25 + 0) / 4)


@pytest.mark.parametrize("guessed", ["well", "nonsense"])
def test_ranges_cover_the_truth_as_often_as_they_say_whatever_was_guessed(guessed: str) -> None:
    random = Random(3)
    hits = {"95": 0, "90": 0, "weights": 0}
    errors = []
    runs = 120
    for _ in range(runs):
        rows = exposures(random, 450)
        guesses = guess(rows, staying) if guessed == "well" else {"complaint": Fixed({("default", "high"): 3.0})}
        robust = compare_arms(rows, "apology", "default", staying, guesses)
        weighted = compare_arms_weighted(rows, "apology", "default", staying)
        assert robust is not None
        assert weighted is not None
        truth = TRUTH["apology"]
        hits["95"] += robust.interval()[0] <= truth <= robust.interval()[1]
        hits["90"] += robust.interval(0.9)[0] <= truth <= robust.interval(0.9)[1]
        hits["weights"] += weighted.interval()[0] <= truth <= weighted.interval()[1]
        errors.append(robust.value - truth)
    tolerance = 3 / sqrt(runs)
    assert hits["95"] / runs == pytest.approx(0.95, abs=tolerance * 0.22)
    assert hits["90"] / runs == pytest.approx(0.90, abs=tolerance * 0.30)
    assert hits["weights"] / runs == pytest.approx(0.95, abs=tolerance * 0.22)
    spread = sqrt(sum(error * error for error in errors) / runs)
    assert abs(sum(errors) / runs) < 3 * spread / sqrt(runs)  # no bias


def test_what_a_known_policy_would_have_brought_agrees_with_the_truth() -> None:
    """Logged by three policies that changed, asked for a fourth that tells customers apart."""
    random = Random(5)
    truth = 0.7 * STAYS["low"]["complaint"] + 0.3 * STAYS["high"]["apology"] - 0.1 / 3
    hits, runs = 0, 100
    for _ in range(runs):
        rows = exposures(random, 500)
        found = value_policy(rows, lambda one: {"apology" if one.cell == "high" else "complaint": 1.0}, staying)
        hits += found.interval()[0] <= truth <= found.interval()[1]
        assert 50 < found.ess < 500
    assert hits / runs == pytest.approx(0.95, abs=0.06)


def test_guessing_by_cell_makes_the_estimate_steadier() -> None:
    rows = exposures(Random(1), 2_000)
    robust, weighted = (f(rows, "apology", "default", staying) for f in (compare_arms, compare_arms_weighted))
    assert robust is not None
    assert weighted is not None
    assert robust.error < 0.97 * weighted.error
    assert robust.value == pytest.approx(weighted.value, abs=2 * weighted.error)


def test_a_customer_who_called_five_times_is_one_witness() -> None:
    once = exposures(Random(2), 400)
    five = [msgspec.structs.replace(one, epoch=one.epoch + 3 * turn) for one in once for turn in range(5)]
    apart = [msgspec.structs.replace(one, customer=f"{one.customer}/{number}") for number, one in enumerate(five)]
    errors = [
        found.error
        for rows in (once, five, apart)
        if (found := compare_arms_weighted(rows, "complaint", "default", staying)) is not None
    ]
    assert errors[1] == pytest.approx(errors[0], rel=0.02)
    assert errors[2] < errors[0] / 2


def test_twelve_who_all_stayed_are_no_proof() -> None:
    rows = [shown(f"{arm}{number}", arm, 0.5, True) for arm in "ab" for number in range(12)]
    for found in (compare_arms(rows, "a", "b", staying), compare_arms_weighted(rows, "a", "b", staying)):
        assert found is not None
        low, high = found.interval()
        assert low < -0.1 < 0.1 < high


def test_of_an_arm_that_was_hardly_shown_or_could_not_be_drawn_nothing_is_said() -> None:
    rows = [shown(f"{arm}{number}", arm, 0.5, True) for arm in "ab" for number in range(9)]
    assert compare_arms(rows, "a", "b", staying) is None
    assert compare_arms_weighted(rows, "a", "b", staying) is None
    alone = [msgspec.structs.replace(one, arms={one.arm: 1.0}) for one in rows * 3]
    assert compare_arms(alone, "a", "b", staying) is None


def test_an_exposure_that_had_no_chance_by_its_own_record_counts_for_nothing() -> None:
    good = shown("1", "a", 0.5, True)
    bad = msgspec.structs.replace(good, arm="c")
    assert by_situation([bad, good, msgspec.structs.replace(good, situation="r")]) == {
        "r": [msgspec.structs.replace(good, situation="r")],
        "s": [good],
    }


@pytest.mark.parametrize(("freedom", "quantile"), [(5, 2.571), (10, 2.228), (30, 2.042), (1_000_000, 1.960)])
def test_ranges_widen_with_few_exposures_as_students_t_does(freedom: int, quantile: float) -> None:
    low, high = Estimate(value=1.0, error=2.0, ess=1.0, freedom=freedom).interval()
    assert (high - 1) / 2 == pytest.approx(quantile, rel=4e-3)
    assert (1 - low) / 2 == pytest.approx(quantile, rel=4e-3)
    one = Estimate(value=quantile, error=1.0, ess=1.0, freedom=freedom)
    assert one.doubt() == pytest.approx(0.025, rel=0.02)
    assert one.lower(0.975) == pytest.approx(0, abs=0.01)


def test_four_of_five_tries_show_the_smallest_difference_that_is_stated() -> None:
    one = Estimate(value=0.0, error=0.02, ess=1e9, freedom=1e9)
    assert one.smallest() == pytest.approx((1.959964 + 0.841621) * 0.02)
    random = Random(4)
    seen = sum(
        Estimate(value=random.gauss(one.smallest(), 0.02), error=0.02, ess=1e9, freedom=1e9).interval()[0] > 0
        for _ in range(2_000)
    )
    assert seen / 2_000 == pytest.approx(0.8, abs=0.03)


def test_weights_that_differ_tell_less() -> None:
    assert effective_size([1.0] * 7) == pytest.approx(7)
    assert effective_size([3.0, 1.0]) == pytest.approx(16 / 10)
    assert effective_size([]) == 0
    assert Estimate(value=0.1, error=0.0, ess=5, freedom=4).doubt() == 0.0
    assert Estimate(value=0.0, error=0.0, ess=5, freedom=4).doubt() == 1.0
