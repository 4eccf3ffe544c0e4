"""What customers will still bring, by a model from the company's own history."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from math import ceil
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import ConfigError
from bridge.model import Account, ContractStatus, Money, Purchase, Renewal
from bridge.scoring import Fitted, load_scoring, score
from bridge.scoring.lifetime import Buying, Renewing, Spending
from bridge.scoring.outlook import months_ahead, purchases_ahead, spread
from bridge.scoring.result import Value
from bridge.scoring.value import estimate_value
from bridge.scoring.view import View
from bridge.scoring.worth import STEP, Purchases, Worth, WorthModel, parse_worth, write_worth
from tests.scoring.views import BUYERS, CONFIG, MONTHLY, NOW, YEARLY, ago, contract, day, euros, view_of, views

CARD = load_scoring(CONFIG / "scoring.yaml")
RULES = CARD.file.value


def value(view: View, model: WorthModel = MONTHLY, now: datetime = NOW) -> Value:
    return estimate_value(CARD, view, now, None, model)[0]


def facts(step: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in step.split()[1:])


def buyer(*weeks_ago: float, amount: float = 40, **more: Any) -> View:
    return view_of(*(Purchase(at=ago(7 * each), amount=euros(amount), **more) for each in weeks_ago))


def test_a_model_survives_being_written_and_the_file_can_be_edited() -> None:
    text = write_worth(MONTHLY)
    assert parse_worth(text, "worth.json") == MONTHLY
    assert text.count(b"\n") > 30
    edited = parse_worth(text.replace(b'"factor": 1.1', b'"factor": 1.25'), "worth.json")
    assert edited.purchases is not None
    assert edited.purchases.factor == 1.25


@pytest.mark.parametrize(
    ("change", "path", "said"),
    [
        ({"form": 7}, "form", "fit it anew"),
        ({"discount": 0.1}, "", "unknown field `discount`"),
        ({"discount_rate": -1}, "discount_rate", ">= 0"),
        ({"currency": "euro"}, "currency", "regex"),
        ({"purchases": {"buying": {"r": 0, "alpha": 1, "a": 1, "b": 1}}}, "purchases.buying.r", "> 0"),
        (
            {"contracts": {"every": "week", "common": {"renewing": {"alpha": 1, "beta": 1}}}},
            "contracts.every",
            "week",
        ),
        (
            {"contracts": {"every": "year", "common": {"renewing": {"alpha": 1, "beta": 1, "gamma": 1}}}},
            "contracts.common.renewing",
            "gamma",
        ),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_path(change: dict[str, Any], path: str, said: str) -> None:
    text = msgspec.json.encode({"currency": "EUR"} | change)
    with pytest.raises(ConfigError) as refused:
        parse_worth(text, "worth.json")
    assert str(refused.value).startswith(f"worth.json: {path}" if path else "worth.json")
    assert said in str(refused.value)


def test_what_is_no_json_is_said() -> None:
    with pytest.raises(ConfigError, match="is not JSON"):
        parse_worth(b"{", "worth.json")


def test_purchases_can_be_checked_by_hand() -> None:
    made = value(buyer(60, 40, 20, 4))
    step = facts(made.how[0])
    assert (step["repeats"], step["weeks_to_last"], step["weeks_seen"]) == ("3", "56.00", "60.00")
    assert float(step["still_buying"]) == pytest.approx(BUYERS.buying.alive(3, 56, 60), abs=1e-3)
    assert float(step["expected"]) == pytest.approx(BUYERS.buying.expected(3, 56, 60, 365 / 7), abs=1e-4)
    assert float(step["amount"]) == round(BUYERS.spending.expected(3, 4000))
    parts = [float(step[name]) for name in ("expected", "factor", "amount", "discount", "margin_rate")]
    product = parts[0] * parts[1] * parts[2] * parts[3] * parts[4]
    assert made.expected is not None
    assert made.expected.minor == pytest.approx(product, abs=2)
    assert float(step["discount"]) == pytest.approx(1.1**-0.5, abs=1e-4)


def test_own_margins_count_where_purchases_bring_them_and_else_the_cards_rate() -> None:
    own = value(buyer(60, 40, 20, 4, margin=euros(10)))
    usual = value(buyer(60, 40, 20, 4))
    assert own.expected is not None
    assert usual.expected is not None
    assert own.expected.minor == pytest.approx(usual.expected.minor * 0.25 / RULES.margin_rate, abs=1)
    assert facts(own.how[0])["margin_of"] == "own"
    assert facts(usual.how[0])["margin_of"] == "card"
    alone = view_of(*(Purchase(at=ago(7 * each), margin=euros(14)) for each in (60, 40, 20, 4)))
    assert value(alone).expected == usual.expected


def test_purchases_of_one_day_are_one_and_refunds_none() -> None:
    twice = view_of(
        *(Purchase(at=ago(70), amount=euros(20)) for _ in range(3)),
        *(Purchase(at=ago(7), amount=euros(20)) for _ in range(2)),
        Purchase(at=ago(1), amount=euros(900), refunded=True),
    )
    step = facts(value(twice).how[0])
    assert (step["repeats"], step["amount"]) == ("1", str(round(BUYERS.spending.expected(1, 4000))))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 400), st.booleans())
def test_who_bought_but_once_is_never_called_a_buyer_who_stopped(weeks: int, prestige: bool) -> None:
    view = view_of(Purchase(at=ago(7 * weeks), amount=euros(40)), Account(prestige=prestige))
    scores = score(CARD, view, NOW, Fitted(worth=Worth("v", MONTHLY)))
    assert not any("still_buying" in step or "alive" in step for step in scores.value.how)
    assert scores.risk == score(CARD, view, NOW).risk


def test_silence_lowers_what_is_expected_step_by_step() -> None:
    bought = buyer(60, 50, 40, 30, 20)
    expected = []
    for weeks in range(0, 100, 4):
        made = value(bought, now=NOW + timedelta(weeks=weeks)).expected
        assert made is not None
        expected.append(made.minor)
    assert expected == sorted(expected, reverse=True)
    assert expected[-1] < expected[0] / 4


def test_a_purchase_dated_ahead_counts_from_its_day_on() -> None:
    ahead = view_of(Purchase(at=NOW + timedelta(days=9), amount=euros(40)))
    made, until = estimate_value(CARD, ahead, NOW, None, MONTHLY)
    assert made.expected is None
    assert until == NOW + timedelta(days=9)
    assert value(ahead, now=until).expected is not None


def test_the_cap_on_purchases_holds_for_both_ends() -> None:
    made = value(buyer(*range(1, 60), amount=9_000))
    cap = euros(RULES.purchases_at_most)
    assert made.expected == made.high == cap


def test_a_contract_is_certain_until_it_ends_and_then_goes_by_its_renewals() -> None:
    rate = YEARLY.discount_rate
    ends = contract(monthly_amount=euros(100), starts=day(180 - 730), ends=day(180), renewal=Renewal.automatic)
    made = value(view_of(ends), YEARLY)
    step = facts(made.how[0])
    assert (step["renewals"], step["next_in_days"], step["segment"]) == ("0", "180", "common")
    stays = Renewing(alpha=0.668, beta=3.806).retention(1)
    assert float(step["stays"]) == pytest.approx(stays, abs=1e-3)
    by_hand = 0.0
    for begin in range(0, 365, STEP):
        days = min(STEP, 365 - begin)
        months = days / (365 / 12) * (1 + rate) ** (-(begin + days / 2) / 365)
        by_hand += 100 * 35 * months * (1 if begin < 180 else stays)
    assert made.expected is not None
    assert made.expected.minor == round(by_hand)
    assert float(step["months"]) * 100 * 35 == pytest.approx(made.expected.minor, abs=35)


def test_who_has_renewed_often_stays_longer() -> None:
    young = contract(monthly_amount=euros(50), starts=day(-400), ends=day(30))
    old = contract(monthly_amount=euros(50), starts=day(-4000), ends=day(30))
    for model in (MONTHLY, YEARLY):
        some, more = value(view_of(young), model).expected, value(view_of(old), model).expected
        assert some is not None
        assert more is not None
        assert some < more


def test_the_segment_is_the_product_or_the_accounts_whichever_the_model_has() -> None:
    mobile = view_of(contract(product="Mobil M", monthly_amount=euros(50)), Account(segment="Handwerk"))
    other = view_of(contract(product="DSL", monthly_amount=euros(50)), Account(name="Ohne Segment"))
    named = [facts(value(view, model).how[0])["segment"] for model in (MONTHLY, YEARLY) for view in (mobile, other)]
    assert named == ["Mobil_M", "common", "Handwerk", "common"]


def test_without_a_beginning_a_contract_counts_as_an_usual_one() -> None:
    step = facts(value(view_of(contract(monthly_amount=euros(50)))).how[0])
    assert (step["renewals"], step["next_in_days"]) == ("20", "30")
    step = facts(value(view_of(contract(monthly_amount=euros(50), ends=day(90)))).how[0])
    assert (step["renewals"], step["next_in_days"]) == ("20", "90")


def test_a_contract_that_has_just_begun_cannot_be_left_before_its_first_term_is_over() -> None:
    step = facts(value(view_of(contract(monthly_amount=euros(50), starts=day(-10)))).how[0])
    assert (step["renewals"], step["next_in_days"]) == ("0", "360")
    late = contract(monthly_amount=euros(50), starts=date.max)
    assert value(view_of(late)).expected is not None


@pytest.mark.parametrize("fields", [{"renewal": Renewal.none}, {"status": ContractStatus.cancelled}])
def test_what_is_not_renewed_brings_nothing_after_its_end(fields: dict[str, Any]) -> None:
    made = value(view_of(contract(monthly_amount=euros(100), starts=day(-900), ends=day(60), **fields)))
    assert made.expected is not None
    assert made.expected.minor == pytest.approx(100 * 35 * 60 / (365 / 12), rel=0.01)
    assert made.low == made.high == made.expected
    over = value(view_of(contract(monthly_amount=euros(100), ends=day(-3), **fields)))
    assert over.expected == euros(0)


def test_without_an_end_what_is_not_renewed_goes_on_and_what_is_on_notice_counts_for_nothing() -> None:
    open_end = value(view_of(contract(monthly_amount=euros(100), renewal=Renewal.none)))
    assert open_end.expected is not None
    assert open_end.expected.minor == pytest.approx(100 * 35 * 12, rel=0.06)
    noticed = value(view_of(contract(monthly_amount=euros(100), starts=day(-900), status=ContractStatus.cancelled)))
    assert (noticed.low, noticed.expected, noticed.high) == (euros(0),) * 3


def test_after_the_discount_the_full_amount_counts_with_a_model_too() -> None:
    rises = contract(monthly_amount=euros(30), discount_ends=day(60), amount_after_discount=euros(45), ends=day(900))
    made = value(view_of(rises), msgspec.structs.replace(MONTHLY, discount_rate=0.0))
    assert made.expected is not None
    assert made.expected.minor == pytest.approx(35 * 12 * (30 * 60 + 45 * 305) / 365, abs=1)


def test_who_has_both_keeps_the_own_average_for_purchases() -> None:
    both = view_of(
        contract(monthly_amount=euros(20)), *(Purchase(at=ago(90 * step), amount=euros(60)) for step in range(4))
    )
    made = value(both)
    assert [step.split()[0] for step in made.how] == ["contract", "purchases"]
    assert facts(made.how[1])["count"] == "4"
    assert made.low is not None
    assert made.expected is not None
    assert made.high is not None
    assert made.low < made.expected < made.high


def test_a_part_that_nobody_can_judge_leaves_the_ends_open() -> None:
    bought = buyer(30, 20, 10)
    assert value(bought, YEARLY).low is None
    only = msgspec.structs.replace(MONTHLY, contracts=None)
    assert value(view_of(contract(monthly_amount=euros(50))), only).high is None
    assert estimate_value(CARD, bought, NOW)[0].low is None


def test_a_model_of_another_currency_is_not_used() -> None:
    francs = msgspec.structs.replace(MONTHLY, currency="CHF")
    for view in (buyer(30, 20, 10), view_of(contract(monthly_amount=euros(50)))):
        assert value(view, francs) == estimate_value(CARD, view, NOW)[0]


def test_people_who_share_a_contract_are_each_worth_all_of_it_and_it_names_the_same_record() -> None:
    shared = contract(monthly_amount=euros(500), starts=day(-700))
    made = [value(view_of(shared, Account(name="Hafenwerk AG"))) for _ in range(3)]
    assert len({one.expected for one in made}) == 1
    assert {facts(one.how[0])["record"] for one in made} == {"crm/contract/0"}


@settings(max_examples=150, deadline=None)
@given(views(), st.sampled_from((MONTHLY, YEARLY)))
def test_the_steps_add_up_and_the_ends_lie_around_the_value(view: View, model: WorthModel) -> None:
    made = value(view, model)
    steps = [step for step in made.how if not step.startswith("left_out")]
    total = sum(int(step.rsplit("margin=", 1)[1]) for step in steps)
    assert (made.expected is None) is (not steps)
    if made.expected is not None:
        assert abs(made.expected.minor - total) <= len(steps)
        assert made.expected.minor >= 0
    if made.low is not None and made.high is not None and made.expected is not None:
        assert Money(0, "EUR") <= made.low <= made.expected <= made.high


@pytest.mark.parametrize(
    ("buying", "spending", "weeks"),
    [
        (BUYERS.buying, BUYERS.spending, 39),
        (Buying(r=1.5, alpha=8, a=0.8, b=6), Spending(p=3, q=4, v=6000), 60),
        (Buying(r=0.8, alpha=4, a=0.5, b=4), Spending(p=2, q=2.2, v=2000), 60),
        (Buying(r=3, alpha=3, a=0.3, b=9), Spending(p=3, q=4, v=6000), 60),
    ],
)
def test_eight_of_ten_buyers_end_up_between_low_and_high(buying: Buying, spending: Spending, weeks: int) -> None:
    chance = random.Random(11)
    inside = below = 0
    total = expected = 0.0
    lives = 1500
    horizon = 364
    for _ in range(lives):
        rate = chance.gammavariate(buying.r, 1 / buying.alpha)
        stops = chance.betavariate(buying.a, buying.b)
        scale = 1 / chance.gammavariate(spending.q, 1 / spending.v)
        at, x, last, seen, later = 0.0, 0, 0.0, 0.0, 0.0
        while (at := at + chance.expovariate(rate)) < weeks + horizon / 7:
            amount = chance.gammavariate(spending.p, scale)
            if at < weeks:
                x, last, seen = x + 1, at, seen + amount
            else:
                later += amount
            if chance.random() < stops:
                break
        mean = seen / x if x else 0.0
        ahead = purchases_ahead(buying, x, last, weeks, horizon, 0.0)
        guess = ahead.number.mean * spending.expected(x, mean)
        low, high = spread(guess, spending.square(x, mean, ahead.number), ahead.number.none)
        inside += low <= later <= high
        below += later < low
        total, expected = total + later, expected + guess
    assert 0.8 <= inside / lives <= 0.93
    assert below / lives < 0.12
    assert expected / total == pytest.approx(1, abs=0.15)


def test_eight_of_ten_contracts_end_up_between_low_and_high() -> None:
    chance = random.Random(5)
    for renewing, every, due in (
        (Renewing(alpha=1.5, beta=20.0), 1, 1),
        (Renewing(alpha=0.7, beta=8.0), 1, 4),
        (Renewing(alpha=0.704, beta=1.182), 12, 2),
    ):
        term = months_ahead(renewing, every, 0, due, 1825, 1825, 0.1)
        inside = 0
        total = 0.0
        for _ in range(3000):
            leaves = chance.betavariate(renewing.alpha, renewing.beta)
            steps, months = due, 0.0
            while steps * STEP < 1825 and chance.random() >= leaves:
                steps += every
            for step in range(min(steps, ceil(1825 / STEP))):
                days = min(STEP, 1825 - step * STEP)
                months += days / (365 / 12) * 1.1 ** (-(step * STEP + days / 2) / 365)
            inside += term.low.now - 1e-9 <= months <= term.high.now + 1e-9
            total += months
        assert inside / 3000 >= 0.79
        assert total / 3000 == pytest.approx(term.expected.now, rel=0.03)


def test_a_steady_buyer_beside_a_contract_ends_up_between_low_and_high() -> None:
    chance = random.Random(8)
    inside = 0
    for _ in range(400):
        rate, mean = chance.gammavariate(4, 2) / 365, chance.uniform(20, 90)
        days, at = [], 0.0
        while (at := at + chance.expovariate(rate)) < 730:
            days.append(at)
        if not days or days[0] > 365:
            inside += 1
            continue
        past = [each for each in days if each < 365]
        spent = [max(1, round(chance.expovariate(1 / mean) * 100)) for _ in days]
        bought = [
            Purchase(at=ago(365 - each), amount=Money(money, "EUR")) for each, money in zip(past, spent, strict=False)
        ]
        made = value(view_of(contract(), *bought))
        assert made.low is not None
        assert made.high is not None
        really = sum(spent[len(past) :]) * RULES.margin_rate
        inside += made.low.minor <= really <= made.high.minor
    assert 0.77 <= inside / 400 <= 0.88


@given(
    st.builds(Buying, r=st.floats(0.1, 4), alpha=st.floats(1, 50), a=st.floats(0.1, 4), b=st.floats(0.3, 8)),
    st.integers(0, 30),
    st.floats(0, 1),
    st.floats(1, 150),
)
@settings(max_examples=80, deadline=None)
def test_the_number_of_purchases_ahead_agrees_with_the_published_expectation(
    buying: Buying, x: int, share: float, t: float
) -> None:
    count = buying.count(x, t * share if x else 0.0, t, 52)
    assert 0 <= count.none <= 1
    assert count.mean == pytest.approx(buying.expected(x, t * share if x else 0.0, t, 52), rel=1e-3, abs=1e-4)
    assert count.mean >= 1 - count.none - 1e-6  # somebody who buys at all buys once or more
    assert count.square >= count.mean * (1 - 1e-4) - 1e-5


def test_the_expectation_is_smooth_where_its_formula_has_a_hole() -> None:
    around = [Buying(r=0.5, alpha=6, a=a, b=2).expected(2, 20, 40, 52) for a in (0.999, 1.0, 1.001)]
    assert around[0] > around[1] > around[2]
    assert around[1] == pytest.approx((around[0] + around[2]) / 2, rel=1e-4)


def test_a_horizon_of_years_is_discounted_year_by_year() -> None:
    three = purchases_ahead(BUYERS.buying, 3, 56.0, 60.0, 1095, 0.1)
    assert 1.1**-1.5 < three.discount < 1.1**-0.5
    assert purchases_ahead(BUYERS.buying, 3, 56.0, 60.0, 0, 0.1).discount == 1
    assert Purchases(buying=BUYERS.buying, spending=BUYERS.spending).factor == 1
