"""Policies from made experiments whose truth is known."""

from __future__ import annotations

from datetime import date
from random import Random

import msgspec
import pytest

from bridge.playbook.experiment import NEUTRAL, UNLEARNT, ChoiceRules, Policy, SituationPolicy
from bridge.playbook.exposures import Exposure
from bridge.playbook.learning import learn, personal_gain, stand
from tests.playbook.exposed import STAYS, exposures

RULES = ChoiceRules(begins=date(2026, 1, 5), hold_out=0.1, explore=0.3)
OPPOSITE = {
    "low": {"complaint": 0.95, "apology": 0.60, "default": 0.70},
    "high": {"complaint": 0.30, "apology": 0.85, "default": 0.40},
}
"""What helps the one does harm to the other."""


def policy_of(rows: list[Exposure], previous: Policy = UNLEARNT, **more: object) -> SituationPolicy:
    return learn(msgspec.structs.replace(RULES, **more), rows, previous, epoch=3, draws=1_000).situations["complaint"]


def test_the_same_evidence_gives_the_same_policy() -> None:
    rows = exposures(Random(1), 2_000)
    assert learn(RULES, rows, UNLEARNT, epoch=3, seed=5) == learn(RULES, rows, UNLEARNT, epoch=3, seed=5)
    assert learn(RULES, rows, UNLEARNT, epoch=3, seed=5) != learn(RULES, rows, UNLEARNT, epoch=3, seed=6)


def test_one_situations_best_depends_on_no_others_exposures() -> None:
    mine, other = exposures(Random(1), 1_500), exposures(Random(2), 900, situation="moving")
    both = learn(RULES, [*other, *mine], UNLEARNT, epoch=3, draws=500).situations
    assert both["complaint"] == learn(RULES, mine, UNLEARNT, epoch=3, draws=500).situations["complaint"]
    assert both["moving"] == learn(RULES, other, UNLEARNT, epoch=3, draws=500).situations["moving"]


def test_with_enough_shown_the_arm_that_helps_most_becomes_the_best() -> None:
    found = policy_of(exposures(Random(1), 5_000))
    assert found.best == "apology"
    assert max(found.q, key=lambda arm: found.q[arm]) == "apology"
    assert sum(found.q.values()) == pytest.approx(1)
    assert min(found.q.values()) >= RULES.floor


def test_what_an_arm_costs_counts() -> None:
    assert policy_of(exposures(Random(1), 5_000, cost={"apology": 30.0})).best == "complaint"
    everything = {"apology": 50.0, "complaint": 50.0}
    assert policy_of(exposures(Random(1), 5_000, cost=everything)).best == NEUTRAL


def test_what_was_written_stands_until_the_numbers_are_against_it() -> None:
    few = exposures(Random(1), 40)
    assert policy_of(few).best == "complaint"
    before = Policy(epoch=2, situations={"complaint": SituationPolicy(best="apology", q={})})
    assert policy_of(few, before).best == "apology"
    harmful = {cell: {**row, "complaint": row["default"] - 0.3} for cell, row in STAYS.items()}
    assert policy_of(exposures(Random(1), 3_000, stays=harmful), sure=0.95).best != "complaint"


def test_a_bad_month_is_no_arms_fault() -> None:
    """In the second epoch ten of a hundred fewer stay, and `apology` is what most of them were shown."""
    alike = {cell: dict.fromkeys(row, 0.8) for cell, row in STAYS.items()}
    totals = dict.fromkeys(STAYS["low"], 0.0)
    for seed in range(10):
        for one in stand(exposures(Random(seed), 3_000, stays=alike)):
            totals[one.arm] += one.stayed / (one.stayed + one.left) / 10
    assert max(totals.values()) - min(totals.values()) < 0.02


def test_choosing_by_customer_is_switched_on_where_it_surely_pays() -> None:
    found = policy_of(exposures(Random(1), 4_000, stays=OPPOSITE))
    by_cell = {cell: (found.personal or {}).get(cell, found.best) for cell in ("low", "high")}
    assert by_cell == {"low": "complaint", "high": "apology"}


def test_choosing_by_customer_stays_off_where_all_are_alike() -> None:
    alike = dict.fromkeys(STAYS, STAYS["low"])
    on = sum(policy_of(exposures(Random(seed), 600, stays=alike)).personal is not None for seed in range(20))
    assert on <= 4  # 5 % of 20 by the promise, and three standard errors of luck


def test_gain_of_choosing_by_customer_is_not_believed_from_those_it_was_chosen_from() -> None:
    alike = {cell: dict.fromkeys(row, 0.8) for cell, row in STAYS.items()}
    gains = []
    for seed in range(50):
        rows = exposures(Random(seed), 400, stays=alike)
        gain = personal_gain(rows, "default")
        gains.append(0.0 if gain is None else gain.value)
    assert abs(sum(gains) / len(gains)) < 1.3  # of 100: nothing to be had, and nothing promised


def test_of_a_best_that_was_never_shown_no_gain_is_known() -> None:
    rows = exposures(Random(1), 400, stays=OPPOSITE)
    assert personal_gain(rows, "gone") is None
    assert personal_gain([one for one in rows if one.arm == "default"], "default") is None
    gone = Policy(epoch=0, situations={"complaint": SituationPolicy(best="gone", q={})})
    assert policy_of(rows, gone).best in (*STAYS["low"], "gone")


def test_what_is_too_old_or_not_yet_over_does_not_count() -> None:
    rows = exposures(Random(1), 900)
    kept = SituationPolicy(best="apology", q={"apology": 1.0})
    before = Policy(epoch=2, situations={"complaint": kept})
    old = msgspec.structs.replace(RULES, memory_epochs=2)
    assert learn(old, rows, before, epoch=9) == Policy(epoch=9, situations={"complaint": kept})
    assert learn(RULES, rows, before, epoch=0) == Policy(epoch=0, situations={"complaint": kept})
