"""Reports over made experiments whose truth is known."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from random import Random

import msgspec
import pytest

from bridge.playbook.estimates import Estimate
from bridge.playbook.experiment import UNLEARNT, ChoiceRules, Policy, SituationPolicy
from bridge.playbook.exposures import Exposure
from bridge.reports import Effect, Verdict, keep_ledger, report_effects, say_effect, say_worth, value_policies
from bridge.reports.verdicts import discoveries, judge
from tests.playbook.exposed import CHANCES, STAYS, TRUTH, exposures

RULES = ChoiceRules(begins=date(2026, 1, 5), hold_out=0.1, explore=0.3)
NOTHING: Mapping[str, Mapping[str, float]] = {cell: {**row, "complaint": row["default"]} for cell, row in STAYS.items()}


def sure(value: float, error: float) -> Estimate:
    return Estimate(value=value, error=error, ess=1e6, freedom=1e6)


def effect(arm: str = "apology", **more: object) -> Effect:
    plain = Effect(
        situation="complaint", arm=arm, shown=200, used=150, stayed=170, saved=90, granted=1_000.0, value=250.0
    )
    return msgspec.structs.replace(plain, **more)


def test_every_script_is_counted_and_held_against_the_neutral_one() -> None:
    rows = exposures(Random(1), 4_000, cost={"apology": 5.0})
    rows[0] = msgspec.structs.replace(rows[0], used=True, saved=True)
    report = report_effects(RULES, rows, UNLEARNT)
    assert [one.arm for one in report.effects] == ["apology", "complaint", "default"]
    assert sum(one.shown for one in report.effects) == 4_000
    assert sum(one.used for one in report.effects) == sum(one.saved for one in report.effects) == 1
    apology, _, neutral = report.effects
    assert apology.granted == 5.0 * apology.shown
    assert apology.verdict is Verdict.helps
    for found in (apology.more_stay, apology.more_stay_weighted):
        assert found is not None
        assert found.value == pytest.approx(TRUTH["apology"], abs=3 * found.error)
    assert apology.more_cost is not None
    assert apology.more_cost.value == pytest.approx(5.0, abs=0.2)
    assert apology.more_money is not None
    assert apology.more_money.value == pytest.approx(100 * TRUTH["apology"] - 5, abs=3 * apology.more_money.error)
    assert (neutral.more_stay, neutral.verdict, neutral.smallest) == (None, None, None)
    assert report.named(Verdict.helps)[0] is apology


def test_the_worth_of_policies_agrees_with_the_truth() -> None:
    rows = exposures(Random(4), 4_000)
    policy = Policy(
        epoch=3,
        situations={
            "complaint": SituationPolicy(
                best="complaint", q={"complaint": 0.2, "apology": 0.6, "default": 0.2}, personal={"high": "apology"}
            )
        },
    )
    stayed, money = value_policies(RULES, rows, policy)
    base = 0.7 * 0.92 + 0.3 * 0.50 - 0.1 / 3
    personal = 0.7 * 0.03 + 0.3 * 0.20
    expected = {
        "none": base,
        "single": base + TRUTH["complaint"],
        "usual": base + personal,
        "lived": base + sum(arms.get(arm, 0.0) * more for arms in CHANCES for arm, more in TRUTH.items()) / 3,
        "beside_single": personal - TRUTH["complaint"],
    }
    for name, truth in expected.items():
        found = getattr(stayed, name)
        assert found.value == pytest.approx(truth, abs=3 * found.error)
    assert stayed.beside_none.value == pytest.approx(stayed.lived.value - stayed.none.value)
    assert money.none.value == pytest.approx(100 * stayed.none.value, rel=1e-6)
    assert 0 < stayed.single.ess < stayed.lived.ess == pytest.approx(4_000)
    assert "neutral script alone (" in say_worth(stayed, "en")


def test_before_anything_is_shown_the_report_is_empty() -> None:
    report = report_effects(RULES, [], UNLEARNT)
    assert (report.effects, report.worth) == ((), ())
    alone = Exposure(customer="c", situation="moving", epoch=0, arm="moving", arms={"moving": 1.0}, stayed=True)
    assert report_effects(RULES, [alone], UNLEARNT).worth == ()
    assert report_effects(RULES, [alone], UNLEARNT).effects[0].verdict is Verdict.too_few


def test_the_published_example_of_false_discoveries_comes_out() -> None:
    """Benjamini & Hochberg (1995), section 4: of fifteen comparisons four count at 5 %."""
    published = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344]
    published += [0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000]
    assert discoveries(published, 0.05) == [True] * 4 + [False] * 11
    assert discoveries(published[::-1], 0.05) == [False] * 11 + [True] * 4
    assert discoveries([], 0.05) == []


def test_doing_nothing_and_not_knowing_are_different_verdicts() -> None:
    found = judge(
        [sure(0.001, 0.005), sure(0.02, 0.03), sure(0.1, 0.01), sure(-0.1, 0.01), None, sure(0.015, 0.002)],
        margin=0.03,
        rate=0.05,
    )
    nothing, unclear, too_few = Verdict.nothing, Verdict.unclear, Verdict.too_few
    assert found == [nothing, unclear, Verdict.helps, Verdict.harms, too_few, nothing]


def test_scripts_without_effect_are_named_and_hardly_any_other() -> None:
    """At the margin itself a script is named as doing nothing in one of twenty reports; without an effect, often."""
    random = Random(8)
    at_margin = sum(
        judge([sure(random.gauss(0.05, 0.01), 0.01)], margin=0.05, rate=0.05) == [Verdict.nothing] for _ in range(1_000)
    )
    assert at_margin / 1_000 == pytest.approx(0.05, abs=0.02)
    named = helped = 0
    runs = 10
    for _ in range(runs):
        rows = exposures(random, 2_000, stays=NOTHING)
        report = report_effects(msgspec.structs.replace(RULES, matters=0.1), rows, UNLEARNT)
        by_arm = {one.arm: one.verdict for one in report.effects}
        named += by_arm["complaint"] is Verdict.nothing
        helped += by_arm["complaint"] in (Verdict.helps, Verdict.harms)
    assert named >= runs / 2
    assert helped <= 3


@pytest.mark.parametrize(
    ("verdict", "estimate", "german", "english"),
    [
        (
            Verdict.helps,
            sure(0.042, 0.01),
            (
                "„apology“ hilft: Von 100 Kunden, für die es gezeigt wird, bleiben etwa 4,2 mehr (95-%-Bereich: "
                "2,2 bis 6,2)."
            ),
            "“apology” helps: of 100 customers it is shown for, about 4.2 more stay (95 % range: 2.2 to 6.2).",
        ),
        (
            Verdict.harms,
            sure(-0.15, 0.02),
            "„apology“ schadet: Von 100 Kunden, für die es gezeigt wird, gehen etwa 15 mehr (95-%-Bereich: 11 bis 19).",
            "“apology” does harm: of 100 customers it is shown for, about 15 more leave (95 % range: 11 to 19).",
        ),
        (
            Verdict.nothing,
            sure(0.0, 0.01),
            (
                "„apology“ bewirkt nichts, worauf es ankommt: Der Unterschied zum neutralen Text liegt unter "
                "3 Prozentpunkten."
            ),
            "“apology” does nothing that matters: it differs from the neutral script by less than 3 percentage points.",
        ),
        (
            Verdict.unclear,
            sure(0.02, 0.0321),
            (
                "Aus 200 gezeigten Fällen lässt sich noch nicht sagen, ob „apology“ etwas bewirkt; "
                "erkennbar wäre ein Unterschied ab 9 Prozentpunkten."
            ),
            (
                "200 cases shown cannot tell yet whether “apology” does anything; "
                "a difference would show from 9 percentage points on."
            ),
        ),
        (
            Verdict.too_few,
            None,
            "„apology“ oder der neutrale Text wurde zum Vergleich zu selten gezeigt (200 Fälle mit „apology“).",
            "“apology” or the neutral script was shown too rarely to compare them (200 cases with “apology”).",
        ),
    ],
)
def test_each_verdict_is_a_plain_sentence(
    verdict: Verdict, estimate: Estimate | None, german: str, english: str
) -> None:
    one = effect(verdict=verdict, more_stay=estimate)
    assert say_effect(one, "de", margin=0.03) == german
    assert say_effect(one, "en", margin=0.03) == english


def test_the_neutral_script_is_the_yardstick_in_words_too() -> None:
    assert say_effect(effect("default"), "de", margin=0.03) == (
        "Der neutrale Text ist der Maßstab: Von 200 Kunden blieben 170."
    )


@pytest.mark.parametrize(
    ("beside", "german", "english"),
    [
        (sure(0.01, 0.002), "etwa 1 mehr als der neutrale Text allein (0,6 bis 1,4).", "about 1 more of 100 callers"),
        (sure(-0.01, 0.002), "etwa 1 weniger als der neutrale Text allein (0,6 bis 1,4).", "about 1 fewer of 100"),
        (sure(0.001, 0.00357), "ein Unterschied ab 1 Prozentpunkt.", "from 1 percentage point on."),
    ],
)
def test_what_the_policy_is_worth_is_a_plain_sentence(beside: Estimate, german: str, english: str) -> None:
    worth = value_policies(RULES, exposures(Random(1), 300), UNLEARNT)[0]
    one = msgspec.structs.replace(worth, beside_none=beside)
    assert german in say_worth(one, "de")
    assert english in say_worth(one, "en")


def test_the_ledger_says_what_a_save_cost_and_from_when_on_it_pays() -> None:
    shown = effect(more_stay=sure(0.10, 0.02), more_cost=sure(5.0, 0.1), more_money=sure(20.0, 5.0))
    (entry,) = keep_ledger([shown, effect("default")], acquisition_cost=180.0)
    assert entry.saves == pytest.approx((200 * (0.10 - 0.0392), 20.0, 200 * (0.10 + 0.0392)), rel=1e-3)
    assert entry.cost_per_save == pytest.approx((1_000 / 27.84, 50.0, 1_000 / 12.16), rel=1e-3)
    assert entry.acquisition_cost == 180.0
    assert entry.break_even == pytest.approx(1_000 / 200 / 250)
    assert entry.pays == "yes"


def test_where_perhaps_nobody_was_saved_a_save_has_no_highest_cost() -> None:
    (entry,) = keep_ledger([effect(more_stay=sure(0.01, 0.02), more_cost=sure(5.0, 0.1), more_money=sure(1.0, 5.0))])
    assert entry.cost_per_save is not None
    assert entry.cost_per_save[2] is None
    assert entry.pays == "unclear"
    (harm,) = keep_ledger([effect(more_stay=sure(-0.1, 0.02), more_money=sure(-30.0, 5.0), value=0.0)])
    assert (harm.cost_per_save, harm.break_even, harm.pays) == (None, None, "no")
    (few,) = keep_ledger([effect()])
    assert (few.saves, few.cost_per_save, few.pays) == (None, None, "unclear")
