"""The arithmetic of a save: up to what amount, for whom not, and what is granted beside what."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import Money
from bridge.playbook.offers import COSTS_MONEY, Catalogue, Cost, Limits, Offer, OfferKind
from bridge.playbook.terms import Offering, Terms, find_terms

NAME = {"de": "Angebot", "en": "offer"}
LATER = datetime(2027, 2, 1, tzinfo=timezone.utc)
COSTS = st.builds(
    Cost,
    share=st.sampled_from((1.0, 0.6, 0.25)),
    fixed=st.decimals(0, 50, places=2).map(float),
    minutes=st.sampled_from((0.0, 4.0, 30.0)),
)
MARGINS = st.builds(Money, st.integers(-10_000, 1_000_000), st.sampled_from(("EUR", "JPY", "KWD")))


def offer(id: str = "discount", **fields: Any) -> Offer:
    kind = fields.pop("kind", OfferKind.discount)
    usual: dict[str, Any] = {"uplift": 0.14, "cost": Cost(fixed=12), "limits": Limits(agent=80, team_lead=200)}
    if kind not in COSTS_MONEY:
        usual["limits"] = None
    return Offer(id=id, kind=kind, name=NAME, **(usual | fields))


APOLOGY = offer("apology", kind=OfferKind.apology, uplift=0.05, cost=Cost(minutes=2))


def offering(*offers: Offer, **fields: Any) -> Offering:
    usual: dict[str, Any] = {"uplift": None, "at_most": None, "catalogue": catalogue(*offers)}
    return Offering(offers=offers, **(usual | fields))


def catalogue(*offers: Offer, **fields: Any) -> Catalogue:
    usual: dict[str, Any] = {"hourly_rate": 36.0, "offers": {one.id: one for one in offers}}
    return Catalogue(**(usual | fields))


def euros(amount: float) -> Money:
    return Money.of(Decimal(str(amount)), "EUR")


def ids(terms: Terms) -> list[str]:
    return [one.id for one in terms.offers]


def reasons(terms: Terms) -> dict[str, str]:
    return {one.id: one.reason for one in terms.withheld}


def test_the_ceiling_is_what_the_save_is_worth_less_what_it_costs() -> None:
    terms = find_terms(offering(offer()), euros(412))
    assert terms.ceiling == euros(45)  # 0.14 × 412.00 = 57.68, less 12.00 = 45.68
    assert terms.arithmetic is not None
    assert (terms.arithmetic.gain, terms.arithmetic.cost) == (euros(57.68), euros(12))
    assert (terms.arithmetic.result, terms.arithmetic.limited_by) == (euros(45), "sum")


def test_time_counts_at_the_hourly_rate_and_months_add_up() -> None:
    dear = offer(cost=Cost(minutes=10, fixed=1, per_month=2, months=3))
    arithmetic = find_terms(offering(dear), euros(412)).arithmetic
    assert arithmetic is not None
    assert arithmetic.cost == euros(13)  # 10 minutes of 36.00 an hour, 1.00, and 3 × 2.00


def test_of_an_amount_that_costs_less_more_may_be_granted() -> None:
    goods = find_terms(offering(offer(cost=Cost(share=0.6, fixed=12))), euros(412))
    assert goods.ceiling == euros(76)  # 45.68 / 0.6 = 76.13
    assert goods.arithmetic is not None
    assert goods.arithmetic.share == 0.6


@pytest.mark.parametrize(
    ("fields", "ceiling"),
    [
        ({"step": 0.5}, 45.5),
        ({"step": 5}, 45),
        ({"step": 0.01}, 45.68),
        ({"limits": Limits(agent=40, team_lead=50)}, 40),
        ({"limits": Limits(agent=40.9, team_lead=50)}, 40),
    ],
)
def test_it_is_rounded_down_and_clipped_by_policy(fields: dict[str, Any], ceiling: float) -> None:
    assert find_terms(offering(offer(**fields)), euros(412)).ceiling == euros(ceiling)


def test_a_team_lead_may_grant_more_but_never_more_than_the_save_is_worth() -> None:
    for margin, agent, lead in ((412, 45, 45), (900, 80, 114), (9000, 80, 200)):
        only = find_terms(offering(offer()), euros(margin)).offers[0]
        assert (only.ceiling, only.team_lead_ceiling) == (euros(agent), euros(lead))


def test_a_playbook_may_say_a_better_uplift_and_another_limit_but_none_above_the_team_leads() -> None:
    better = find_terms(offering(offer(), uplift=0.2, at_most=60), euros(412))
    assert better.ceiling == euros(60)
    assert find_terms(offering(offer(), at_most=1000), euros(90_000)).ceiling == euros(200)


def test_what_only_a_team_lead_may_grant_is_offered_without_a_ceiling_for_agents() -> None:
    terms = find_terms(offering(offer(limits=Limits(agent=0, team_lead=100))), euros(412))
    assert ids(terms) == ["discount"]
    assert (terms.ceiling, terms.offers[0].ceiling, terms.offers[0].team_lead_ceiling) == (None, None, euros(45))


def test_what_decided_is_said() -> None:
    for fields, decided in (
        ({"limits": Limits(agent=40, team_lead=40)}, "policy"),
        ({}, "sum"),
        ({"cost": Cost(fixed=60)}, "nothing"),
        ({"at_least": 46}, "nothing"),
    ):
        arithmetic = find_terms(offering(offer(**fields)), euros(412)).arithmetic
        assert arithmetic is not None
        assert arithmetic.limited_by == decided


@pytest.mark.parametrize(("given_offer", "margin"), [(offer(), None), (offer(), euros(10)), (offer(), euros(-5))])
def test_without_a_ceiling_only_what_costs_no_money_is_offered(given_offer: Offer, margin: Money | None) -> None:
    terms = find_terms(offering(APOLOGY, given_offer), margin)
    assert terms.ceiling is None
    assert (ids(terms), terms.kinds) == (["apology"], (OfferKind.apology,))
    assert reasons(terms) == {"discount": "nothing"}


def test_a_script_without_offer_offers_nothing() -> None:
    assert find_terms(None, euros(500)) == Terms()


def test_who_would_stay_anyway_is_offered_no_money_and_the_arithmetic_says_why() -> None:
    two = offering(APOLOGY, offer(taken_up=0.5))
    terms = find_terms(two, euros(412), risk=0.05)
    assert ids(terms) == ["apology"]
    assert reasons(terms) == {"discount": "stays_anyway"}
    assert terms.arithmetic is not None
    assert (terms.arithmetic.limited_by, terms.arithmetic.uplift) == ("stays_anyway", 0.025)
    assert terms.arithmetic.bound is not None
    assert (terms.arithmetic.bound.claimed, terms.arithmetic.bound.risk, terms.arithmetic.bound.taken_up) == (
        0.14,
        0.05,
        0.5,
    )
    assert find_terms(two, euros(412), risk=0.05, explore=True).ceiling == euros(45)


def test_no_more_are_counted_as_held_than_would_have_left() -> None:
    terms = find_terms(offering(offer(taken_up=0.5)), euros(412), risk=0.2)
    assert terms.ceiling == euros(29)  # 0.2 × 0.5 × 412.00 = 41.20, less 12.00
    assert find_terms(offering(offer(taken_up=0.5)), euros(412), risk=0.4).ceiling == euros(45)


def test_nothing_is_offered_twice_within_its_cooldown() -> None:
    terms = find_terms(offering(offer(), offer("credit")), euros(412), granted={"discount": LATER})
    assert ids(terms) == ["credit"]
    assert [(one.id, one.reason, one.until) for one in terms.withheld] == [("discount", "cooldown", LATER)]


def test_what_excludes_another_is_not_offered_beside_it() -> None:
    credit = offer("credit", not_with=("gift",))
    terms = find_terms(offering(credit, APOLOGY), euros(412), granted={"gift": LATER})
    assert ids(terms) == ["apology"]
    assert terms.withheld[0].reason == "not_with"
    assert terms.withheld[0].until == LATER


def test_no_more_money_is_offered_than_may_run_at_once_until_one_has_cooled_down() -> None:
    money = [offer(name) for name in ("a", "b", "c")]
    script = offering(money[2], APOLOGY, catalogue=catalogue(*money, APOLOGY, most_at_once=2))
    running = {"a": LATER, "b": LATER + timedelta(days=5), "apology": LATER + timedelta(days=9)}
    terms = find_terms(script, euros(412), granted={id: at for id, at in running.items() if id != "apology"})
    assert ids(terms) == ["apology"]
    assert [(one.reason, one.until) for one in terms.withheld] == [("most_at_once", LATER)]
    assert ids(find_terms(script, euros(412), granted={"a": LATER})) == ["c", "apology"]


def test_every_offer_says_what_it_needs_to_pay_for_itself() -> None:
    terms = find_terms(offering(APOLOGY, offer()), euros(412), risk=0.3)
    apology, money = (one.break_even for one in terms.offers)
    assert apology is not None
    assert (apology.cost, apology.save_rate) == (euros(1.2), round(1.2 / 412, 4))
    assert money is not None
    assert money.cost == euros(57)  # 45.00 and 12.00
    assert money.save_rate == pytest.approx(0.7 * 57 / (412 - 57), abs=1e-4)
    assert find_terms(offering(APOLOGY), None).offers[0].break_even is None


def test_a_ceiling_never_needs_more_saves_than_it_was_reckoned_with() -> None:
    terms = find_terms(offering(offer(taken_up=0.5)), euros(412), risk=0.2)
    (only,) = terms.offers
    assert only.break_even is not None
    assert only.break_even.save_rate is not None
    assert only.why is not None
    assert only.break_even.save_rate <= only.why.uplift
    assert only.break_even.probability is not None
    assert only.break_even.probability <= 0.2


@given(
    st.decimals(0, 1, places=2).map(float),
    COSTS,
    MARGINS,
    st.sampled_from((0.5, 1.0, 5.0)),
    st.none() | st.floats(0, 1),
    st.decimals(0, 300, places=2).map(float),
)
def test_a_ceiling_is_never_negative_above_policy_or_above_what_the_save_is_worth(
    uplift: float, cost: Cost, margin: Money, step: float, risk: float | None, most: float
) -> None:
    each = offer(
        uplift=uplift, cost=cost, step=step, at_least=2, limits=Limits(agent=most, team_lead=2 * most), taken_up=0.5
    )
    terms = find_terms(offering(each, APOLOGY), margin, risk=risk)
    sum_ = terms.arithmetic
    assert sum_ is not None
    assert sum_.gain == margin.times(sum_.uplift)
    assert sum_.uplift <= uplift
    worth = sum_.gain.minor - sum_.cost.minor
    assert 0 <= sum_.result.minor <= max(0, min(sum_.policy.minor, worth / cost.share))
    assert {one.currency for one in (sum_.margin, sum_.gain, sum_.cost, sum_.policy, sum_.result)} == {margin.currency}
    assert sum_.result.minor % max(1, Money.of(Decimal(str(step)), margin.currency).minor) == 0
    assert (sum_.result.minor == 0) is (sum_.limited_by in ("nothing", "stays_anyway"))
    for one in terms.offers:
        if one.team_lead_ceiling:
            assert (one.ceiling.minor if one.ceiling else 0) <= one.team_lead_ceiling.minor
    if terms.ceiling is None:
        assert all(one.ceiling is None for one in terms.offers)
    else:
        assert terms.ceiling == sum_.result


@given(COSTS, MARGINS, st.integers(0, 100_000), st.none() | st.floats(0, 1))
def test_who_is_worth_more_may_be_offered_at_least_as_much(
    cost: Cost, margin: Money, more: int, risk: float | None
) -> None:
    each = offering(offer(cost=cost))
    low = find_terms(each, margin, risk=risk)
    high = find_terms(each, margin + Money(more, margin.currency), risk=risk)
    assert (low.ceiling.minor if low.ceiling else 0) <= (high.ceiling.minor if high.ceiling else 0)


@given(st.integers(1_000, 500_000), st.floats(0.001, 1), st.sampled_from((0.3, 0.5, 1.0)), COSTS)
def test_whatever_is_offered_pays_at_this_customers_risk(minor: int, risk: float, taken_up: float, cost: Cost) -> None:
    """By the formula of the literature, which knows nothing of uplifts and ceilings."""
    each = offer(cost=cost, taken_up=taken_up, uplift=1.0, limits=Limits(agent=1e6, team_lead=1e6))
    terms = find_terms(offering(each), Money(minor, "EUR"), risk=risk)
    for one in terms.offers:
        assert one.made is not None
        profit = risk * taken_up * (one.made.value - one.made.cost) - (1 - risk) * one.made.cost - one.made.effort
        assert profit >= -2  # cents of rounding
