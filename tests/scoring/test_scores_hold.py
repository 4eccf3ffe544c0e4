"""The promise that lets answers be prepared: scores stay what they are until `valid_until`."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import log

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model import Customer, Purchase
from bridge.scoring import NOTHING_FITTED, Fitted, TierCuts, load_scoring, score
from bridge.scoring.result import Band, Scores, Tier
from bridge.scoring.signals import LONGEST_VALID, SIGNS
from bridge.scoring.view import View
from bridge.scoring.worth import Worth
from tests.scoring.views import CONFIG, MONTHLY, NOW, YEARLY, ago, contract, day, euros, view_of, views

CARD = load_scoring(CONFIG / "scoring.yaml")
TICK = timedelta(microseconds=1)
FITTED = (NOTHING_FITTED, Fitted(worth=Worth("v1", MONTHLY)), Fitted(worth=Worth("v2", YEARLY)))
"""With the points card alone, and with models of what customers will still bring."""


def without_date(scores: Scores) -> Scores:
    return msgspec.structs.replace(scores, valid_until=NOW)


@settings(max_examples=400, deadline=None)
@given(views(), st.integers(0, 400 * 24 * 60), st.floats(0, 1), st.sampled_from(FITTED))
def test_scores_are_the_same_at_every_moment_until_valid_until(
    view: View, minutes: int, share: float, fitted: Fitted
) -> None:
    now = NOW + timedelta(minutes=minutes)
    first = score(CARD, view, now, fitted)
    assert now < first.valid_until <= now + LONGEST_VALID
    last = first.valid_until - TICK
    for moment in (now + (last - now) * share, last):
        assert without_date(score(CARD, view, moment, fitted)) == without_date(first)


@settings(max_examples=150, deadline=None)
@given(views(), st.sampled_from(FITTED))
def test_walking_from_one_valid_until_to_the_next_never_misses_a_change(view: View, fitted: Fitted) -> None:
    now: datetime = NOW
    for _ in range(6):
        until = score(CARD, view, now, fitted).valid_until
        assert without_date(score(CARD, view, now, fitted)) == without_date(score(CARD, view, until - TICK, fitted))
        now = until


@settings(max_examples=200, deadline=None)
@given(views())
def test_contributions_add_up_to_the_score_and_the_band_follows_from_it(view: View) -> None:
    risk = score(CARD, view, NOW).risk
    total = risk.base_log_odds + sum(reason.log_odds for reason in risk.reasons)
    assert log(risk.probability / (1 - risk.probability)) == pytest.approx(total, abs=1e-9)
    limits = CARD.file.bands
    floor = {Band.critical: limits.critical, Band.high: limits.high, Band.medium: limits.medium, Band.low: 0.0}
    ceiling = {Band.critical: 1.0, Band.high: limits.critical, Band.medium: limits.high, Band.low: limits.medium}
    assert floor[risk.band] <= risk.probability < ceiling[risk.band]
    assert [reason.points for reason in risk.reasons] == sorted((r.points for r in risk.reasons), reverse=True)


@settings(max_examples=200, deadline=None)
@given(views())
def test_every_reason_is_worded_in_both_languages_and_fits_the_card(view: View) -> None:
    scores = score(CARD, view, NOW)
    for reason in scores.risk.reasons:
        assert set(reason.text) == {"de", "en"}
        for text in (*reason.text.values(), *reason.lower.values()):
            assert 0 < len(text) <= 160
            assert "{" not in text
            assert "None" not in text
        assert all(len(text) <= 120 for text in reason.text.values())
        assert reason.points < 0 or set(reason.lower) == {"de", "en"}
    for signal in scores.signals:
        sign = SIGNS[signal.code]
        assert signal.band in sign.bands
        assert set(signal.facts) <= {*sign.always, *sign.sometimes}
        assert all(signal.facts.get(name) is not None for name in sign.always)
        assert signal.evidence is not None or signal.code in {"long_tenure", "onboarding", "seniority"}


@settings(max_examples=100, deadline=None)
@given(views())
def test_scores_survive_being_stored(view: View) -> None:
    scores = score(CARD, view, NOW)
    assert msgspec.json.decode(msgspec.json.encode(scores), type=Scores).risk == scores.risk


@pytest.mark.parametrize("customer", [Customer(objects_to_profiling=True), Customer(deceased=True)])
def test_who_objects_or_has_died_is_not_scored_at_all(customer: Customer) -> None:
    view = view_of(
        contract(ends=day(20), monthly_amount=euros(30)), Purchase(at=ago(3), amount=euros(9)), customer=customer
    )
    scores = score(CARD, view, NOW)
    assert scores.signals == ()
    assert scores.risk.reasons == ()
    assert scores.risk.band is Band.unknown
    assert scores.value.expected is None
    assert scores.value.tier is Tier.unknown
    assert scores.valid_until > NOW


def test_somebody_of_whom_nothing_is_known_has_the_usual_risk_and_no_value() -> None:
    scores = score(CARD, view_of(), NOW)
    assert scores.risk.probability == pytest.approx(CARD.file.base_probability)
    assert scores.risk.usual == CARD.file.base_probability
    assert scores.risk.band is Band.low
    assert scores.value.expected is None


def test_cuts_of_the_company_decide_the_tier() -> None:
    view = view_of(contract(ends=day(2000), monthly_amount=euros(50)))
    for platinum, tier in ((21_000, Tier.platinum), (21_001, Tier.gold)):
        fitted = Fitted(cuts=TierCuts(platinum=platinum, gold=10_000, silver=1))
        assert score(CARD, view, NOW, fitted).value.tier is tier
