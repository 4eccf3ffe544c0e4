"""How the silent feel: exact in plain Python, never more certain than the answers allow, and never an answer itself."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.cards import unpack_card
from bridge.decisions import decide, load_deciding
from bridge.errors import ConfigError
from bridge.model import Account, ContractStatus, Customer, SurveyMetric, SurveyResponse
from bridge.scoring import Fitted, load_scoring, score
from bridge.scoring.mood import Known, MoodModel, MoodScorer, Spread, highest, lowest, parse_mood, read_row
from bridge.scoring.result import AnsweredMood, PredictedMood
from bridge.scoring.tables import Calibration, CategoryTable, NumberTable, Scorer, Tables
from tests.scoring.views import CONFIG, NOW, ago, contract, euros, view_of

TABLES = Tables(
    intercept=1.2,
    calibration=Calibration(offset=-0.1, slope=1.1),
    tables=(
        NumberTable(name="monthly", cuts=(20.0, 50.0), entries=(0.3, 0.1, -0.4), missing=0.05),
        CategoryTable(name="complaint", entries={"open": -1.5, "d30": -0.8}, missing=0.2, unseen=-0.3),
        CategoryTable(name="segment", entries={"Gewerbe": 0.4}, missing=-0.1, unseen=0.0),
    ),
)


def model_of(**fields: Any) -> MoodModel:
    made: dict[str, Any] = {
        "metric": "nps",
        "lowest": 0.0,
        "scale": 10.0,
        "answers": 400,
        "tables": TABLES,
        "spreads": (
            Spread(upto=0.5, below=-0.3, above=0.35, answers=120),
            Spread(upto=1.0, below=-0.25, above=0.15, answers=180),
        ),
        "known": (
            Known(name="monthly", weight=0.2, low=10.0, high=90.0),
            Known(name="complaint", weight=0.6),
            Known(name="segment", weight=0.2),
        ),
    }
    return MoodModel(**made | fields)


CELLS = st.fixed_dictionaries(
    {},
    optional={
        "monthly": st.one_of(st.none(), st.floats(allow_nan=True), st.sampled_from((20.0, 50.0))),
        "complaint": st.sampled_from((None, "open", "d30", "d90")),
        "segment": st.sampled_from((None, "Gewerbe", "Privat")),
        "nothing": st.just("unheard of"),
    },
)


@given(row=CELLS)
def test_a_prediction_is_what_the_tables_say(row: dict[str, Any]) -> None:
    share, strange = MoodScorer(model_of()).share(row)
    assert share == pytest.approx(Scorer(TABLES).score(row).probability, abs=1e-12)
    assert 0 <= strange <= 1 + 1e-12


@given(row=CELLS)
def test_an_interval_holds_its_prediction_and_stays_on_the_scale(row: dict[str, Any]) -> None:
    mood = MoodScorer(model_of(widest=1.0, strangest=1.0)).predict(row)
    assert mood.predicted is not None and mood.low is not None and mood.high is not None
    assert 0 <= mood.low <= mood.high <= 10
    assert mood.low - 1 < mood.predicted < mood.high + 1
    assert mood.low == int(mood.low) and mood.high == int(mood.high)


def test_an_answer_is_a_whole_number_and_so_are_the_ends_of_the_interval() -> None:
    scorer = MoodScorer(model_of())
    share, _ = scorer.share({})
    mood = scorer.predict({})
    assert mood == PredictedMood(
        metric="nps", scale=10.0, predicted=round(10 * share, 2), low=6.0, high=9.0, coverage=0.9, answers=400
    )
    narrow = scorer.model.spreads[1]
    assert 5 < 10 * (share + narrow.below) < 6 and 9 < 10 * (share + narrow.above) < 10
    tight = MoodScorer(model_of(spreads=(Spread(upto=1.0, below=-0.01, above=0.01, answers=9),))).predict({})
    assert tight.low == tight.high == round(10 * share)


def test_a_thumb_is_not_rounded() -> None:
    mood = MoodScorer(model_of(metric="csat", scale=1.0, spreads=(Spread(upto=1.0, below=-0.2, above=0.1, answers=9),)))
    said = mood.predict({})
    assert said.low is not None and 0 < said.low < 1


def test_low_and_high_predictions_have_their_own_spread() -> None:
    scorer = MoodScorer(model_of())
    low, high = scorer.predict({"complaint": "open", "monthly": 60.0}), scorer.predict({})
    assert low.high is not None and low.low is not None and high.low is not None and high.high is not None
    assert low.high - low.low > high.high - high.low


@pytest.mark.parametrize(
    ("fields", "row", "because"),
    [
        ({"widest": 0.2}, {}, "too_wide"),
        ({}, {"complaint": "d90"}, "unlike"),
        ({}, {"segment": "Privat"}, None),
        ({}, {"segment": "Privat", "monthly": 1e6}, "unlike"),
        ({"known": (Known(name="monthly", weight=1.0, low=10.0, high=90.0, always=True),)}, {}, "unlike"),
        ({"group": "segment", "groups": {"Gewerbe": 5}}, {"segment": "Privat"}, "silent_group"),
        ({"group": "segment", "groups": {"Gewerbe": 4}}, {"segment": "Gewerbe"}, "silent_group"),
        ({"group": "segment", "groups": {"Gewerbe": 5}}, {"segment": "Gewerbe"}, None),
        ({"group": "segment", "groups": {}}, {}, None),
    ],
)
def test_nothing_is_said_where_nothing_is_known(
    fields: dict[str, Any], row: dict[str, Any], because: str | None
) -> None:
    mood = MoodScorer(model_of(**fields)).predict(row)
    assert mood.abstained_because == because
    assert (mood.predicted is None) == (mood.low is None) == (mood.high is None) == (because is not None)


def test_a_model_survives_being_stored() -> None:
    model = model_of(group="segment", groups={"Gewerbe": 30})
    assert parse_mood(msgspec.json.encode(model), "model") == model


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scale": 0.0}, "model: scale: is 0.0, which is not above lowest"),
        ({"coverage": 2}, "model: coverage: Expected `float` < 1.0"),
        ({"spreads": []}, "model: spreads: Expected `array` of length >= 1"),
        ({"spreads": [{"upto": 1, "below": 0.2, "above": 0.1, "answers": 1}]}, "model: spreads[0].below: is above"),
        ({"spreads": [{"upto": 0.7, "below": 0, "above": 0, "answers": 1}]}, "model: spreads[0].upto: has to be 1"),
        (
            {"spreads": [{"upto": 1, "below": 0, "above": 0, "answers": 1}] * 2},
            "model: spreads[1].upto: is not above the one before it",
        ),
        ({"extra": 1}, "model: Object contains unknown field `extra`"),
        (
            {
                "tables": {
                    "intercept": 0,
                    "tables": [{"kind": "numbers", "name": "x", "cuts": [2, 1], "entries": [1, 2, 3]}],
                }
            },
            "model: tables: tables[0].cuts[1]: is 1.0",
        ),
    ],
)
def test_a_model_that_somebody_broke_is_refused_with_the_place(change: dict[str, Any], said: str) -> None:
    data = json.loads(msgspec.json.encode(model_of())) | change
    with pytest.raises(ConfigError, match=".") as refused:
        parse_mood(json.dumps(data).encode(), "model")
    assert str(refused.value).startswith(said)


def test_a_model_that_is_no_json_or_has_pairs_is_refused() -> None:
    with pytest.raises(ConfigError, match="is not JSON"):
        parse_mood(b"{", "model")
    side = {"kind": "categories", "name": "segment", "categories": ["Gewerbe"]}
    other = {"kind": "categories", "name": "complaint", "categories": []}
    data = json.loads(msgspec.json.encode(model_of()))
    data["tables"]["pairs"] = [{"first": side, "second": other, "entries": [[0, 0]] * 3}]
    with pytest.raises(ConfigError, match=r"tables\.pairs"):
        parse_mood(json.dumps(data).encode(), "model")


CARD = load_scoring(CONFIG / "scoring.yaml")
FITTED = Fitted(mood=MoodScorer(model_of(), "m1"))


def answer(value: float, days: float, **fields: Any) -> SurveyResponse:
    at = ago(days)
    made: dict[str, Any] = {"metric": SurveyMetric.nps, "sent": at, "answered": at, "score": value}
    return SurveyResponse(**made | fields)


def test_no_answer_and_no_leaving_is_among_what_a_mood_is_predicted_from() -> None:
    happy, unhappy = view_of(answer(10, 5)), view_of(answer(1, 3), answer(1, 5, metric=SurveyMetric.review))
    gone = view_of(contract(status=ContractStatus.cancelled, cancelled_at=ago(3).date(), ends=ago(-20).date()))
    for view, code in (
        (happy, "promoter"),
        (unhappy, "detractor"),
        (unhappy, "bad_review"),
        (gone, "contract_cancelled"),
    ):
        signals = score(CARD, view, NOW).signals
        assert code in {signal.code for signal in signals}
        assert code not in read_row(view, signals, "EUR")


def test_a_row_has_the_signals_and_what_does_not_change_with_time() -> None:
    customer = Customer(language="de", region="Berlin", customer_since=ago(4000).date())
    view = view_of(
        contract(monthly_amount=euros(44.9)),
        Account(segment=None),
        (Account(segment="Gewerbe"), ago(1)),
        customer=customer,
    )
    row = read_row(view, score(CARD, view, NOW).signals, "EUR")
    assert (
        row.items()
        >= {
            "language": "de",
            "region": "Berlin",
            "product": "Glasfaser 250",
            "monthly": 44.9,
            "segment": "Gewerbe",
            "long_tenure": "y10",
        }.items()
    )
    assert "monthly" not in read_row(view, (), "CHF")
    assert read_row(view_of(), (), "EUR") == {}


def test_who_answered_is_not_guessed_at_for_a_year() -> None:
    fresh = score(CARD, view_of(answer(7, 364), answer(3, 500)), NOW, FITTED)
    assert fresh.mood == AnsweredMood(metric="nps", score=7.0, scale=10.0, at=ago(364))
    assert fresh.valid_until == ago(-1)
    stale = score(CARD, view_of(answer(7, 366)), NOW, FITTED).mood
    assert isinstance(stale, PredictedMood) and stale.last_answer == ago(366) and stale.predicted is not None
    never = score(CARD, view_of(answer(7, 5, metric=SurveyMetric.csat, scale=5.0)), NOW, FITTED).mood
    assert isinstance(never, PredictedMood) and never.last_answer is None
    silent = score(CARD, view_of(answer(7, 5, score=None, answered=None)), NOW, FITTED).mood
    assert isinstance(silent, PredictedMood)


def test_scales_are_known_where_they_are_not_told() -> None:
    assert highest(answer(7, 1)) == 10.0 and highest(answer(4, 1, metric=SurveyMetric.csat)) == 5.0
    assert highest(answer(4, 1, scale=7.0)) == 7.0
    assert (lowest("nps"), lowest("csat")) == (0.0, 1.0)


def test_without_a_model_or_against_their_will_nothing_is_said() -> None:
    assert score(CARD, view_of(), NOW).mood is None
    assert score(CARD, view_of(customer=Customer(objects_to_profiling=True)), NOW, FITTED).mood is None


def test_the_card_carries_the_mood_apart_from_answers_and_the_decision_names_its_model() -> None:
    rules = load_deciding(CONFIG, ("de", "en"))
    guessed = decide(rules, view_of(), now=NOW, fitted=FITTED)
    card = json.loads(unpack_card(guessed.cards["de"]))
    assert card["mood"] == {
        "kind": "predicted", "metric": "nps", "scale": 10.0, "predicted": card["mood"]["predicted"], "low": 6.0,
        "high": 9.0, "coverage": 0.9, "answers": 400, "last_answer": None, "abstained_because": None,
    }  # fmt: skip
    assert json.loads(guessed.made_of)["mood"] == "m1"
    told = json.loads(unpack_card(decide(rules, view_of(answer(9, 3)), now=NOW, fitted=FITTED).cards["en"]))
    assert told["mood"]["kind"] == "answered" and told["mood"]["score"] == 9.0 and "predicted" not in told["mood"]
    plain = json.loads(unpack_card(decide(rules, view_of(), now=NOW).cards["de"]))
    assert plain["mood"] is None
