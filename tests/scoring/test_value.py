"""What a customer is worth: sums that can be checked by hand."""

from __future__ import annotations

from datetime import datetime, timezone

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model import ContractStatus, Money, Purchase, Renewal
from bridge.scoring import load_scoring
from bridge.scoring.card import TierShares
from bridge.scoring.rates import unit
from bridge.scoring.result import Tier, Value
from bridge.scoring.value import FEWEST_FOR_CUTS, TierCuts, estimate_value, quantile_cuts, tier_of
from bridge.scoring.view import View
from tests.scoring.views import CONFIG, NOW, ago, contract, day, euros, view_of, views

CARD = load_scoring(CONFIG / "scoring.yaml")
RULES = CARD.file.value
YEAR = 12 * RULES.margin_rate
"""What a euro a month is worth over the horizon."""


def value(view: View) -> Value:
    return estimate_value(CARD, view, NOW)[0]


def expected(view: View) -> float:
    made = value(view).expected
    assert made is not None
    return made.minor / 100


def test_a_contract_without_end_brings_twelve_months_of_margin() -> None:
    assert expected(view_of(contract(monthly_amount=euros(50)))) == pytest.approx(50 * YEAR)


def test_after_its_end_a_contract_counts_by_how_often_such_go_on() -> None:
    ends = contract(monthly_amount=euros(100), ends=day(-1), renewal=Renewal.automatic)
    assert expected(view_of(ends)) == pytest.approx(100 * YEAR * 0.85)
    ends = contract(monthly_amount=euros(100), ends=day(180), renewal=Renewal.none)
    assert expected(view_of(ends)) == pytest.approx(100 * YEAR * 180 / 365, abs=0.01)
    ends = contract(monthly_amount=euros(100), ends=day(180), renewal=Renewal.manual)
    assert expected(view_of(ends)) == pytest.approx(100 * YEAR * (180 + 0.6 * 185) / 365, abs=0.01)


def test_a_cancelled_contract_counts_until_its_end_and_an_ended_one_not_at_all() -> None:
    cancelled = contract(monthly_amount=euros(100), ends=day(90), status=ContractStatus.cancelled)
    assert expected(view_of(cancelled)) == pytest.approx(100 * YEAR * 90 / 365, abs=0.01)
    for noticed in ({"status": ContractStatus.cancelled}, {"status": ContractStatus.active, "cancelled_at": day(-3)}):
        assert expected(view_of(contract(monthly_amount=euros(100), **noticed))) == 0
    assert value(view_of(contract(monthly_amount=euros(100), status=ContractStatus.ended))).expected is None


def test_after_the_discount_the_full_amount_counts() -> None:
    rises = contract(monthly_amount=euros(30), discount_ends=day(60), amount_after_discount=euros(45))
    assert expected(view_of(rises)) == pytest.approx(YEAR * (30 * 60 + 45 * 305) / 365, abs=0.01)
    both = contract(
        monthly_amount=euros(30),
        discount_ends=day(60),
        amount_after_discount=euros(45),
        ends=day(120),
        renewal=Renewal.manual,
    )
    assert expected(view_of(both)) == pytest.approx(YEAR * (30 * 60 + 45 * (60 + 0.6 * 245)) / 365, abs=0.01)
    late = contract(
        monthly_amount=euros(30),
        discount_ends=day(120),
        amount_after_discount=euros(45),
        ends=day(60),
        renewal=Renewal.manual,
    )
    assert expected(view_of(late)) == pytest.approx(YEAR * (30 * (60 + 0.6 * 60) + 45 * 0.6 * 245) / 365, abs=0.01)


def test_purchases_count_at_the_customers_own_average_with_their_own_margin_where_it_is_known() -> None:
    bought = [Purchase(at=ago(359 - 40 * step), amount=euros(100)) for step in range(9)]
    assert expected(view_of(*bought)) == pytest.approx(900 * 0.35 / 360 * 365, abs=0.01)
    known = [msgspec.structs.replace(each, margin=euros(20)) for each in bought]
    assert expected(view_of(*known)) == pytest.approx(180 / 360 * 365, abs=0.01)


def test_refunds_do_not_count_and_a_short_history_is_not_blown_up() -> None:
    kept = Purchase(at=ago(2), amount=euros(100))
    assert expected(view_of(kept)) == pytest.approx(100 * 0.35 / 90 * 365, abs=0.01)
    back = Purchase(at=ago(1), amount=euros(500), refunded=True)
    assert expected(view_of(kept, back)) == expected(view_of(kept))
    assert value(view_of(back)).expected is None


def test_purchases_are_capped() -> None:
    assert expected(view_of(Purchase(at=ago(10), amount=euros(90_000)))) == RULES.purchases_at_most


def test_other_currencies_count_by_their_rate_or_are_left_out_and_that_is_said() -> None:
    swiss = contract(monthly_amount=Money(5000, "CHF"))
    assert expected(view_of(swiss)) == pytest.approx(50 * 1.05 * YEAR)
    yen = contract(monthly_amount=Money(5000, "JPY"))
    mixed = value(
        view_of(swiss, yen, Purchase(at=ago(3), amount=Money(1, "JPY")), Purchase(at=ago(3), amount=Money(1, "SEK")))
    )
    assert mixed.how[-2:] == ("left_out currency=JPY records=2", "left_out currency=SEK records=1")
    alone = value(view_of(yen))
    assert alone.expected is None
    assert alone.tier is Tier.unknown
    later = contract(monthly_amount=euros(5), discount_ends=day(5), amount_after_discount=Money(5, "SEK"))
    assert value(view_of(later)).how == ("left_out currency=SEK records=1",)


def test_the_minor_unit_of_a_currency_is_its_own() -> None:
    assert (unit("EUR"), unit("JPY"), unit("KWD")) == (100, 1, 1000)
    rules = msgspec.structs.replace(RULES, rates={"JPY": 0.006})
    card = msgspec.structs.replace(CARD, file=msgspec.structs.replace(CARD.file, value=rules))
    made, _ = estimate_value(card, view_of(contract(monthly_amount=Money(5000, "JPY"))), NOW)
    assert made.expected == euros(30 * YEAR)


@settings(max_examples=100, deadline=None)
@given(views())
def test_the_steps_of_the_sum_add_up_to_the_value(view: View) -> None:
    made = value(view)
    steps = [step for step in made.how if not step.startswith("left_out")]
    total = sum(int(step.rsplit("margin=", 1)[1]) for step in steps)
    assert (made.expected is None) is (not steps)
    if made.expected is not None:
        assert made.expected.currency == RULES.currency
        assert abs(made.expected.minor - total) <= len(steps)
        assert made.expected.minor >= 0


def test_tiers_go_by_fixed_limits_until_the_company_has_its_own_cuts() -> None:
    for amount, tier in (
        (1200, Tier.platinum),
        (1199.99, Tier.gold),
        (600, Tier.gold),
        (200, Tier.silver),
        (199, Tier.bronze),
    ):
        assert tier_of(euros(amount), RULES, None) is tier
    cuts = TierCuts(platinum=300, gold=200, silver=100)
    for minor, tier in ((300, Tier.platinum), (299, Tier.gold), (100, Tier.silver), (99, Tier.bronze)):
        assert tier_of(Money(minor, "EUR"), RULES, cuts) is tier
    assert tier_of(None, RULES, cuts) is Tier.unknown


def test_who_brings_nothing_is_bronze_even_where_most_bring_nothing() -> None:
    cuts = quantile_cuts([0] * 99 + [500], TierShares())
    assert cuts is not None
    assert tier_of(euros(0), RULES, cuts) is Tier.bronze


@given(st.lists(st.integers(0, 10_000_000), min_size=FEWEST_FOR_CUTS, max_size=300, unique=True))
def test_quantile_cuts_put_the_configured_share_into_each_tier(values: list[int]) -> None:
    shares = TierShares(platinum=0.05, gold=0.15, silver=0.3)
    cuts = quantile_cuts(values, shares)
    assert cuts is not None
    tiers = [tier_of(Money(each, "EUR"), RULES, cuts) for each in values if each]
    for tiers_above, share in (
        ({Tier.platinum}, 0.05),
        ({Tier.platinum, Tier.gold}, 0.2),
        (set(Tier) - {Tier.bronze}, 0.5),
    ):
        assert abs(sum(tier in tiers_above for tier in tiers) - share * len(values)) <= 1.5


def test_too_few_values_make_no_cuts() -> None:
    assert quantile_cuts(range(FEWEST_FOR_CUTS - 1), TierShares()) is None
    assert quantile_cuts([], TierShares()) is None


def test_a_purchase_dated_at_the_beginning_of_time_does_not_stop_the_estimate() -> None:
    made, until = estimate_value(
        CARD, view_of(Purchase(at=datetime(1, 1, 1, tzinfo=timezone.utc), amount=euros(5))), NOW
    )
    assert made.expected == euros(0)
    assert until is not None
    assert until > NOW
