"""Drawing scripts: evenly, repeatably, with the probabilities that are kept."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import ConfigError
from bridge.playbook.experiment import (
    NEUTRAL,
    UNLEARNT,
    ChoiceRules,
    Policy,
    SituationPolicy,
    assign,
    chances,
    epoch_at,
    epoch_ends,
    load_choice,
    policy_at,
    spread,
)

RULES = ChoiceRules(begins=date(2026, 1, 5), hold_out=0.1, explore=0.3)
NOW = datetime(2026, 2, 10, 12, tzinfo=timezone.utc)
ARMS = ("complaint", "apology", "default")
LEARNT = Policy(
    epoch=1,
    situations={
        "complaint": SituationPolicy(
            best="apology",
            q={"complaint": 0.2, "apology": 0.7, "default": 0.1},
            personal={"high/gold": "complaint", "low/gold": "apology", "high/bronze": "gone"},
        )
    },
)
CUSTOMERS = [f"c_{number}" for number in range(100_000)]
CONFIG = Path(__file__).resolve().parents[2] / "config"
policies = st.builds(
    lambda best, q, personal: Policy(
        epoch=0,
        situations={"complaint": SituationPolicy(best=best, q=dict(zip(ARMS, q, strict=True)), personal=personal)},
    ),
    st.sampled_from((*ARMS, "gone")),
    st.lists(st.floats(0, 1), min_size=3, max_size=3),
    st.none() | st.dictionaries(st.sampled_from(("high/gold", "low/gold")), st.sampled_from((*ARMS, "gone"))),
)
shares = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(lambda pair: (pair[0], pair[1] * (1 - pair[0])))


@pytest.mark.parametrize(
    ("policy", "cell", "many", "expected"),
    [
        (UNLEARNT, "", 20_000, {"complaint": 0.7, "apology": 0.1, "default": 0.2}),
        (LEARNT, "", 100_000, {"complaint": 0.06, "apology": 0.81, "default": 0.13}),
        (LEARNT, "high/gold", 20_000, {"complaint": 0.66, "apology": 0.21, "default": 0.13}),
    ],
)
def test_of_many_customers_as_many_get_a_script_as_its_probability_says(
    policy: Policy, cell: str, many: int, expected: dict[str, float]
) -> None:
    drawn = [assign(RULES, policy, customer, "complaint", ARMS, NOW, cell=cell) for customer in CUSTOMERS[:many]]
    assert drawn[0].arms == pytest.approx(expected)
    counts = Counter(one.arm for one in drawn)
    for arm, chance in expected.items():  # five standard errors: one run in two million would fail
        assert counts[arm] / len(drawn) == pytest.approx(chance, abs=5 * (chance * (1 - chance) / len(drawn)) ** 0.5)
    assert Counter(one.why for one in drawn)["hold_out"] / len(drawn) == pytest.approx(0.1, abs=0.011)
    assert all(one.propensity == one.arms[one.arm] > 0 for one in drawn)


@settings(max_examples=200, deadline=None)
@given(policies, shares, st.text(max_size=8), st.sampled_from(("", "high/gold", "none")), st.permutations(ARMS[1:]))
def test_the_probabilities_add_up_and_are_the_same_however_the_arms_are_listed(
    policy: Policy, parts: tuple[float, float], customer: str, cell: str, others: list[str]
) -> None:
    rules = msgspec.structs.replace(RULES, hold_out=parts[0], explore=parts[1])
    one = assign(rules, policy, customer, "complaint", ARMS, NOW, cell=cell)
    again = assign(rules, policy, customer, "complaint", (ARMS[0], *others), NOW, cell=cell)
    assert sum(one.arms.values()) == pytest.approx(1, abs=1e-12)
    assert min(one.arms.values()) >= 0
    assert again == one
    assert one.arms == chances(rules, policy, "complaint", ARMS, cell=cell)


@settings(max_examples=100, deadline=None)
@given(policies, policies, st.text(max_size=8))
def test_what_was_learnt_of_another_situation_changes_nothing_here(mine: Policy, other: Policy, customer: str) -> None:
    both = Policy(epoch=0, situations={**mine.situations, "moving": other.situations["complaint"]})
    assert assign(RULES, both, customer, "complaint", ARMS, NOW) == assign(
        RULES, mine, customer, "complaint", ARMS, NOW
    )


def test_two_situations_of_a_customer_are_drawn_apart() -> None:
    same = sum(
        assign(RULES, UNLEARNT, one, "complaint", ARMS, NOW).why
        == assign(RULES, UNLEARNT, one, "moving", ARMS, NOW).why
        for one in CUSTOMERS[:5_000]
    )
    by_chance = 0.1**2 + 0.3**2 + 0.6**2
    assert same / 5_000 == pytest.approx(by_chance, abs=0.04)


def test_a_customer_keeps_the_script_for_an_epoch_and_all_draw_anew_at_its_end() -> None:
    begins = datetime(2026, 1, 5, tzinfo=timezone.utc)
    instants = [begins + timedelta(days=day, hours=hour) for day in range(28) for hour in (0, 23)]
    for customer in CUSTOMERS[:50]:
        drawn = {assign(RULES, UNLEARNT, customer, "complaint", ARMS, now).arm for now in instants}
        assert len(drawn) == 1
    ends = begins + timedelta(days=28)
    assert assign(RULES, UNLEARNT, "c", "complaint", ARMS, begins).until == ends
    assert epoch_at(RULES, ends - timedelta(microseconds=1)) == 0
    assert epoch_at(RULES, ends) == 1
    changed = sum(
        assign(RULES, UNLEARNT, one, "complaint", ARMS, begins).why
        != assign(RULES, UNLEARNT, one, "complaint", ARMS, ends).why
        for one in CUSTOMERS[:1_000]
    )
    assert changed > 300


def test_the_end_of_an_epoch_is_the_same_instant_in_every_zone() -> None:
    here = timezone(timedelta(hours=9))
    assert epoch_at(RULES, datetime(2026, 2, 2, 8, 59, tzinfo=here)) == 0
    assert epoch_at(RULES, datetime(2026, 2, 2, 9, tzinfo=here)) == 1


def test_nothing_is_tried_before_the_beginning_nor_without_one() -> None:
    before = assign(RULES, LEARNT, "c", "complaint", ARMS, datetime(2026, 1, 4, 23, tzinfo=timezone.utc))
    assert (before.arm, before.why, before.epoch, before.propensity) == ("complaint", "only", None, 1.0)
    assert before.until == datetime(2026, 1, 5, tzinfo=timezone.utc)
    never = assign(ChoiceRules(hold_out=0.5, explore=0.5), LEARNT, "c", "complaint", ARMS, NOW)
    assert (never.arm, never.why, never.until) == ("complaint", "only", None)
    assert epoch_ends(ChoiceRules(), 0) is None


def test_a_single_arm_is_taken_whatever_the_shares_are() -> None:
    rules = msgspec.structs.replace(RULES, hold_out=1.0, explore=0.0)
    one = assign(rules, UNLEARNT, "c", "deceased", ["deceased"], NOW)
    assert (one.arm, one.why, one.arms) == ("deceased", "only", {"deceased": 1.0})


def test_without_the_neutral_script_nobody_is_held_out() -> None:
    whys = {assign(RULES, UNLEARNT, one, "complaint", ARMS[:2], NOW).why for one in CUSTOMERS[:500]}
    assert whys == {"explore", "best"}


def test_who_would_stay_gets_no_offer_but_where_it_is_explored() -> None:
    drawn = [assign(RULES, LEARNT, one, "complaint", ARMS, NOW, withheld={"apology"}) for one in CUSTOMERS[:5_000]]
    offered = [one for one in drawn if one.arm == "apology"]
    assert {(one.why, one.spared) for one in offered} == {("explore", True)}
    assert {one.arm for one in drawn if one.why == "stays"} == {NEUTRAL}
    assert drawn[0].arms == pytest.approx({"complaint": 0.06, "apology": 0.21, "default": 0.73})
    assert not any(one.spared for one in drawn if one.arm != "apology")


def test_a_personal_choice_that_does_not_apply_falls_back_to_the_best() -> None:
    gone = chances(RULES, LEARNT, "complaint", ARMS, cell="high/bronze")
    assert gone == chances(RULES, LEARNT, "complaint", ARMS)
    whys = {assign(RULES, LEARNT, one, "complaint", ARMS, NOW, cell="high/gold").why for one in CUSTOMERS[:200]}
    assert whys == {"hold_out", "explore", "personal"}
    assert chances(RULES, LEARNT, "complaint", ("complaint", "default"))["complaint"] > 0.6


def test_the_policy_in_force_is_the_newest_that_has_begun() -> None:
    known = [Policy(epoch=number, situations={}) for number in (4, 1, 2)]
    assert policy_at(known, 3).epoch == 2
    assert policy_at(known, 4).epoch == 4
    assert policy_at(known, 0) == UNLEARNT
    assert policy_at(known, None) == UNLEARNT


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcdef"), st.floats(0, 1), max_size=6),
    st.sets(st.sampled_from("abcdefgh"), min_size=1),
    st.floats(0.01, 0.5),
)
def test_no_script_falls_below_the_floor(known: dict[str, float], arms: set[str], floor: float) -> None:
    found = spread(known, arms, floor)
    assert sum(found.values()) == pytest.approx(1)
    assert min(found.values()) >= min(floor, 1 / len(arms)) - 1e-12
    assert list(found) == sorted(arms)


def test_the_rules_that_ship_try_nothing_until_a_day_is_given(tmp_path: Path) -> None:
    shipped = load_choice(CONFIG / "choice.yaml")
    assert shipped.begins is None
    assert shipped.hold_out + shipped.explore == pytest.approx(0.25)
    path = tmp_path / "choice.yaml"
    assert load_choice(path) == ChoiceRules()
    path.write_text((CONFIG / "choice.yaml").read_text("utf-8").replace("# begins", "begins"), "utf-8")
    assert load_choice(path).begins == date(2027, 1, 4)


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        ("hold_out: 0.6\nexplore: 0.6", "explore", "at most 0.4"),
        ("holdout: 0.1", "holdout", "did you mean 'hold_out'?"),
        ("begins: soon", "begins", "Invalid RFC3339"),
        ("epoch_days: 0", "epoch_days", "Expected `int` >= 1"),
        ("floor: 0", "floor", "Expected `float` > 0"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_file_and_path(tmp_path: Path, text: str, place: str, what: Any) -> None:
    path = tmp_path / "choice.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        load_choice(path)
    assert str(caught.value).startswith(f"{path}")
    assert place in str(caught.value)
    assert what in str(caught.value)
