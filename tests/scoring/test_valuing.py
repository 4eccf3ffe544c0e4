"""The model of what customers will still bring, found in histories whose truth is known."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
import pytest

from bridge.errors import BadRequest
from bridge.scoring.card import ValueCard
from bridge.scoring.worth import By, Every

np = pytest.importorskip("numpy")

from bridge.scoring.fit.lifetimes import fit_renewing, fit_spans  # noqa: E402 the fit is an extra
from bridge.scoring.fit.renewals import fit_contracts, seen_since  # noqa: E402 the fit is an extra
from bridge.scoring.fit.terms import (  # noqa: E402 the fit is an extra
    Rhythm,
    Term,
    find_rhythm,
    spans,
    usual_renewals,
)
from bridge.scoring.fit.valuing import CARD, CONSTANT, HISTORY, IN_USE, Valuing, fit_value  # noqa: E402 the fit is an extra
from tests.scoring.histories import LAND, LAST, TOWN, contracts, purchases  # noqa: E402 the fit is an extra

RULES = ValueCard()
TERMS = contracts(3000)
BOUGHT = purchases(900)


@pytest.fixture(scope="module")
def fit() -> Valuing:
    return fit_value(BOUGHT, TERMS, LAST, RULES, None, discount_rate=0.08)


def test_purchases_are_foretold_better_than_by_everybodys_own_average(fit: Valuing) -> None:
    part = fit.purchases
    assert part is not None
    assert part.better
    assert part.said[HISTORY].error < 0.8 * part.said[CARD].error
    assert part.said[HISTORY].total == pytest.approx(part.actual, rel=0.2)
    assert part.said[CARD].total > 1.5 * part.actual
    assert part.counted is not None
    assert part.foretold is not None
    bought = fit.fitted.purchases
    assert bought is not None
    assert bought.factor == pytest.approx(part.counted / part.foretold, abs=1e-3)
    assert bought.customers == 900
    assert bought.spending.expected(0, 0) == pytest.approx(5 * 12_000 / 3, rel=0.15)


def test_contracts_are_foretold_better_than_by_the_card_and_by_one_rate_for_all(fit: Valuing) -> None:
    part, signed = fit.contracts, fit.fitted.contracts
    assert part is not None
    assert signed is not None
    assert part.better
    assert part.said[HISTORY].error < min(part.said[CARD].error, part.said[CONSTANT].error)
    assert part.said[HISTORY].total == pytest.approx(part.actual, rel=0.02)
    assert (signed.every, signed.by, set(signed.segments)) == (Every.year, By.product, {"Stadt", "Land"})
    for name, truth in (("Stadt", TOWN), ("Land", LAND)):
        segment = signed.segments[name]
        assert segment.first == 1
        for renewals in (1, 2, 4):
            assert segment.renewing.survival(renewals) == pytest.approx(truth.survival(renewals), abs=0.06)


def test_the_model_says_where_it_comes_from(fit: Valuing) -> None:
    assert fit.model is not None
    assert fit.model.discount_rate == 0.08
    assert fit.model.currency == "EUR"
    assert fit.model.about["as_of"] == LAST.isoformat()
    assert {"purchases_actual", "purchases_said", "contracts_judged_from", "contracts_said"} <= fit.model.about.keys()


def test_what_is_no_better_than_what_is_in_use_changes_nothing(fit: Valuing) -> None:
    assert fit.model is not None
    again = fit_value([], TERMS, LAST, RULES, fit.model, discount_rate=0.08)
    assert again.model is None
    assert again.contracts is not None
    assert again.contracts.said[IN_USE].error <= again.contracts.said[HISTORY].error * 1.01


def test_each_part_stands_alone_and_the_better_one_in_use_is_kept(fit: Valuing) -> None:
    assert fit.model is not None
    known = fit.model.contracts
    assert known is not None
    wrong = msgspec.structs.replace(
        known, segments={}, common=msgspec.structs.replace(known.common, renewing=LAND.__class__(alpha=9, beta=1))
    )
    mixed = msgspec.structs.replace(fit.model, contracts=wrong)
    better = fit_value([], TERMS, LAST, RULES, mixed, discount_rate=0.1)
    assert better.model is not None
    assert better.model.purchases == fit.model.purchases
    assert better.model.contracts == better.fitted.contracts
    assert better.notes == ("purchases: nobody without a contract has bought anything",)
    francs = msgspec.structs.replace(mixed, currency="CHF")
    fresh = fit_value([], TERMS, LAST, RULES, francs, discount_rate=0.1)
    assert fresh.model is not None
    assert fresh.model.purchases is None


def test_too_little_is_said_and_a_segment_of_few_has_none_of_its_own() -> None:
    with pytest.raises(BadRequest, match="nobody without a contract .*; contracts: there is no contract"):
        fit_value([], [], LAST, RULES, None, discount_rate=0.1)
    with pytest.raises(BadRequest, match="too short"):
        fit_value(purchases(100, days=100), TERMS[:1], LAST, RULES, None, discount_rate=0.1)
    since = seen_since(TERMS)
    with pytest.raises(BadRequest, match="200 contracts of which 30 have ended"):
        fit_contracts(TERMS[:150], Every.year, None, since, LAST)
    with pytest.raises(BadRequest, match="there is none"):
        seen_since([Term(LAST, None)])
    few = [msgspec.structs.replace(one, product="Neu") if place % 30 == 0 else one for place, one in enumerate(TERMS)]
    assert set(fit_contracts(few, Every.year, By.product, since, LAST).segments) == {"Stadt", "Land"}
    assert fit_contracts(few, Every.month, By.account, since, LAST).segments == {}


def test_an_old_contract_is_a_witness_only_since_ended_ones_are_on_record() -> None:
    rhythm = Rhythm(Every.year, 1)
    since, until = date(2024, 1, 1), date(2026, 1, 1)
    old = Term(date(2014, 6, 1), None)
    gone = Term(date(2014, 6, 1), date(2025, 6, 1))
    unknown = Term(date(2014, 6, 1), date(2020, 6, 1))
    early = Term(date(2025, 3, 1), date(2025, 5, 1))
    later = Term(date(2026, 3, 1), None)
    found = spans([old, gone, unknown, early, later], rhythm, since, until)
    assert dict(found.stayed) == {(9, 11): 1}
    assert dict(found.left) == {(9, 11): 1, (0, 1): 1}
    assert (len(found), found.ended) == (3, 2)


def test_contracts_that_came_into_sight_late_do_not_make_customers_look_loyal() -> None:
    since = LAST - timedelta(days=1095)
    rhythm = Rhythm(Every.year, 1)
    land = [one for one in contracts(12_000, years=15) if one.product == "Land"]
    seen = spans(land, rhythm, since, LAST)
    right = fit_spans(seen.left, seen.stayed).model
    assert right.survival(5) == pytest.approx(LAND.survival(5), abs=0.03)
    blind = spans(land, rhythm, date.min, LAST)
    assert fit_spans(blind.left, blind.stayed).model.survival(5) > LAND.survival(5) + 0.03


def test_the_published_cohorts_come_out_of_the_general_fit_too() -> None:
    shares = (869, 743, 653, 593, 551, 517, 491)
    left = [before - after for before, after in zip((1000, *shares), shares, strict=False)]
    simple = fit_renewing(left, 491)
    assert (simple.model.alpha, simple.model.beta) == pytest.approx((0.668, 3.806), abs=1e-3)
    assert simple.n == 1000
    with pytest.raises(BadRequest):
        fit_renewing([-1, 3], 4)


def test_the_rhythm_is_read_from_when_contracts_ended() -> None:
    begin = date(2020, 1, 1)

    def ended(*days: int) -> list[Term]:
        return [
            Term(begin + timedelta(days=number), begin + timedelta(days=number + each))
            for number, each in enumerate(days)
        ]

    yearly = ended(*(365 * (1 + number % 4) for number in range(240)))
    assert find_rhythm(yearly, Every.year, begin, LAST) == Rhythm(Every.year, 1)
    two_years = ended(*(730 + 31 * (number % 20) for number in range(240)))
    assert find_rhythm(two_years, Every.month, begin, LAST) == Rhythm(Every.month, 24)
    any_time = ended(*(20 + 31 * (number % 20) for number in range(240)))
    assert find_rhythm(any_time, Every.month, begin, LAST) == Rhythm(Every.month, 1)
    assert find_rhythm([], Every.month, begin, LAST) == Rhythm(Every.month, 1)
    assert usual_renewals([Term(begin, None), Term(begin, begin)], Rhythm(Every.year, 1), date(2023, 6, 1)) == 3
    assert usual_renewals([], Rhythm(Every.year, 1), begin) == 0
