"""The arithmetic of a save."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import Money
from bridge.playbook.offers import COSTS_MONEY, Offer, OfferKind, find_terms

OFFERS = st.builds(
    Offer,
    kinds=st.lists(st.sampled_from(OfferKind), min_size=1, unique=True).map(tuple),
    uplift=st.decimals(0, 1, places=2).map(float),
    cost=st.decimals(0, 50, places=2).map(float),
    at_most=st.decimals(0, 300, places=2).map(float),
    at_least=st.decimals(0, 10, places=2).map(float),
    step=st.sampled_from((0.5, 1.0, 5.0)),
)
KINDS = (OfferKind.apology, OfferKind.discount)
MARGINS = st.builds(Money, st.integers(-10_000, 1_000_000), st.sampled_from(("EUR", "JPY", "KWD")))


def offer(**fields: Any) -> Offer:
    usual: dict[str, Any] = {"kinds": KINDS, "uplift": 0.14, "cost": 12.0, "at_most": 80.0}
    return Offer(**(usual | fields))


def euros(amount: float) -> Money:
    return Money.of(Decimal(str(amount)), "EUR")


def test_the_ceiling_is_what_the_save_is_worth_less_what_it_costs() -> None:
    terms = find_terms(offer(), euros(412))
    assert terms.ceiling == euros(45)  # 0.14 × 412.00 = 57.68, less 12.00 = 45.68
    assert terms.arithmetic is not None
    assert (terms.arithmetic.gain, terms.arithmetic.cost) == (euros(57.68), euros(12))
    assert (terms.arithmetic.result, terms.arithmetic.limited_by) == (euros(45), "sum")


@pytest.mark.parametrize(
    ("fields", "ceiling"),
    [({"step": 0.5}, 45.5), ({"step": 5}, 45), ({"step": 0.01}, 45.68), ({"at_most": 40}, 40), ({"at_most": 40.9}, 40)],
)
def test_it_is_rounded_down_and_clipped_by_policy(fields: dict[str, Any], ceiling: float) -> None:
    assert find_terms(offer(**fields), euros(412)).ceiling == euros(ceiling)


def test_what_decided_is_said() -> None:
    for fields, decided in (
        ({"at_most": 40}, "policy"),
        ({}, "sum"),
        ({"cost": 60}, "nothing"),
        ({"at_least": 46}, "nothing"),
    ):
        arithmetic = find_terms(offer(**fields), euros(412)).arithmetic
        assert arithmetic is not None
        assert arithmetic.limited_by == decided


@pytest.mark.parametrize(
    ("given_offer", "margin"), [(offer(), None), (offer(), euros(10)), (offer(at_most=0), euros(9000))]
)
def test_without_a_ceiling_only_what_costs_no_money_is_offered(given_offer: Offer, margin: Money | None) -> None:
    terms = find_terms(given_offer, margin)
    assert terms.ceiling is None
    assert terms.kinds == (OfferKind.apology,)


def test_a_script_without_offer_offers_nothing() -> None:
    assert find_terms(None, euros(500)).kinds == ()


@given(OFFERS, MARGINS)
def test_a_ceiling_is_never_negative_above_policy_or_above_what_the_save_is_worth(each: Offer, margin: Money) -> None:
    terms = find_terms(each, margin)
    if terms.arithmetic is not None:
        sum_ = terms.arithmetic
        assert sum_.gain == margin.times(each.uplift)
        assert 0 <= sum_.result.minor <= max(0, min(sum_.policy.minor, sum_.gain.minor - sum_.cost.minor))
        assert {one.currency for one in (sum_.margin, sum_.gain, sum_.cost, sum_.policy, sum_.result)} == {
            margin.currency
        }
        assert sum_.result.minor % max(1, Money.of(Decimal(str(each.step)), margin.currency).minor) == 0
        assert (sum_.result.minor == 0) is (sum_.limited_by == "nothing")
    if terms.ceiling is None:
        assert not COSTS_MONEY & set(terms.kinds)
    else:
        assert terms.arithmetic is not None
        assert terms.ceiling == terms.arithmetic.result
        assert terms.ceiling.amount >= Decimal(str(each.at_least)).quantize(terms.ceiling.amount)
        assert terms.kinds == each.kinds


@given(OFFERS, MARGINS, st.integers(0, 100_000))
def test_who_is_worth_more_may_be_offered_at_least_as_much(each: Offer, margin: Money, more: int) -> None:
    low, high = find_terms(each, margin), find_terms(each, margin + Money(more, margin.currency))
    assert (low.ceiling.minor if low.ceiling else 0) <= (high.ceiling.minor if high.ceiling else 0)
