"""A model over signals is the same model, whoever adds it up: the general scorer, or what is made ready for reasons."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from bridge.conditions import nearest
from bridge.errors import ConfigError
from bridge.scoring import load_scoring
from bridge.scoring.card import LONGEST_LOWER, LONGEST_REASON, points_to_tables
from bridge.scoring.result import Signal
from bridge.scoring.risk import score_risk, to_probability, unscored_risk
from bridge.scoring.riskmodel import RiskModel, compile_risk
from bridge.scoring.signals import SIGNS
from bridge.scoring.tables import (
    Calibration,
    CategorySide,
    CategoryTable,
    NumberSide,
    NumberTable,
    PairTable,
    Scorer,
    Tables,
    parse_tables,
    write_tables,
)
from tests.scoring.views import CONFIG, TODAY

CARD = load_scoring(CONFIG / "scoring.yaml")
CODES = ("complaint", "contract_ending", "detractor", "long_tenure", "long_waits", "usage_falling")
_SHARE = st.floats(-3, 3)


@st.composite
def models(draw: DrawFn) -> Tables:
    """Any model over a few signals: tables that know only some bands, missing that is not nothing, pairs."""
    tables = []
    for code in draw(st.lists(st.sampled_from(CODES), unique=True)):
        bands = draw(st.lists(st.sampled_from(SIGNS[code].bands), unique=True))
        entries = {band: draw(_SHARE) for band in bands}
        tables.append(CategoryTable(name=code, entries=entries, missing=draw(_SHARE), unseen=draw(_SHARE)))
    listed = {code: tuple(draw(st.lists(st.sampled_from(SIGNS[code].bands), unique=True))) for code in CODES}
    pairs = []
    for _ in range(draw(st.integers(0, 3))):
        one, other = draw(st.lists(st.sampled_from(CODES), unique=True, min_size=2, max_size=2))
        first, second = (CategorySide(name=code, categories=listed[code]) for code in (one, other))
        lines = tuple(tuple(draw(_SHARE) for _ in range(second.lines)) for _ in range(first.lines))
        pairs.append(PairTable(first=first, second=second, entries=lines))
    calibration = Calibration(offset=draw(_SHARE), slope=draw(st.floats(0.1, 3)))
    return Tables(intercept=draw(_SHARE), calibration=calibration, tables=tuple(tables), pairs=tuple(pairs))


@st.composite
def shown(draw: DrawFn) -> dict[str, str]:
    """The signals that a customer shows, by code."""
    codes = draw(st.lists(st.sampled_from(CODES), unique=True))
    return {code: draw(st.sampled_from(SIGNS[code].bands)) for code in codes}


def log_odds_of(model: RiskModel, signals: dict[str, str]) -> float:
    alone = [model.shares.get((code, band), 0.0) for code, band in signals.items()]
    together = [
        pair.shares[signals[pair.first], signals[pair.second]]
        for pair in model.pairs
        if pair.first in signals and pair.second in signals
    ]
    return math.fsum([model.base, *alone, *together])


@given(models(), shown())
def test_both_give_the_same_log_odds_for_the_same_signals(tables: Tables, signals: dict[str, str]) -> None:
    model = compile_risk(tables, "model")
    assert log_odds_of(model, signals) == pytest.approx(Scorer(tables).score(dict(signals)).log_odds, abs=1e-9)


@given(models())
def test_who_shows_nothing_has_the_base_and_no_reason(tables: Tables) -> None:
    model = compile_risk(tables, "model")
    assert model.base == pytest.approx(Scorer(tables).score({}).log_odds, abs=1e-9)
    risk = score_risk(CARD, [], model)
    assert (risk.reasons, risk.base_log_odds) == ((), model.base)
    assert risk.usual == risk.probability == unscored_risk(CARD, model).probability == to_probability(model.base)


@given(models(), shown())
def test_reasons_add_up_to_the_score_and_stand_in_order(tables: Tables, signals: dict[str, str]) -> None:
    model = compile_risk(tables, "model")
    risk = score_risk(CARD, [_signal(code, band) for code, band in signals.items()], model)
    total = math.fsum([risk.base_log_odds, *(reason.log_odds for reason in risk.reasons)])
    assert to_probability(total) == pytest.approx(risk.probability, abs=1e-9)
    unknown = [(code, band) for code, band in signals.items() if (code, band) not in model.shares]
    expected = Scorer(tables).score(dict(signals)).log_odds + math.fsum(CARD.model.shares[key] for key in unknown)
    assert total == pytest.approx(expected, abs=1e-9)
    assert model.log_odds(signals, CARD.model) == pytest.approx(total, abs=1e-9)
    shares = [reason.log_odds for reason in risk.reasons]
    assert shares == sorted(shares, reverse=True) and 0.0 not in shares
    for reason in risk.reasons:
        assert reason.points == pytest.approx(reason.log_odds * CARD.file.points_to_double_odds / math.log(2))
        assert all(0 < len(text) <= LONGEST_REASON for text in reason.text.values())
        assert all(len(text) <= LONGEST_LOWER for text in reason.lower.values())


def _signal(code: str, band: str) -> Signal:
    """The signal with something in every placeholder that its words always have."""
    facts = {name: TODAY if name == "date" else 3 for name in SIGNS[code].always}
    return Signal(code=code, band=band, facts=facts)


def test_the_points_card_is_a_model_like_any_other() -> None:
    tables = parse_tables(write_tables(points_to_tables(CARD.file)), "points")
    again = compile_risk(tables, "points")
    assert (again.shares, again.base, again.version) == (CARD.model.shares, CARD.model.base, CARD.model.version)
    assert to_probability(again.base) == pytest.approx(CARD.file.base_probability)


def test_calibration_stretches_every_share() -> None:
    table = CategoryTable(name="complaint", entries={"open": 1.0}, missing=-0.25, unseen=0.5)
    model = compile_risk(
        Tables(intercept=-2.0, calibration=Calibration(offset=0.1, slope=2.0), tables=(table,)), "model"
    )
    assert model.base == pytest.approx(0.1 + 2 * (-2.0 - 0.25))
    assert model.shares["complaint", "open"] == pytest.approx(2 * 1.25)
    others = [band for band in SIGNS["complaint"].bands if band != "open"]
    assert others and all(model.shares["complaint", band] == pytest.approx(2 * 0.75) for band in others)


def test_the_version_follows_the_content() -> None:
    one = Tables(intercept=-2.0, tables=(CategoryTable(name="complaint", entries={"open": 1.0}),))
    other = Tables(intercept=-2.0, tables=(CategoryTable(name="complaint", entries={"open": 1.1}),))
    assert compile_risk(one, "a").version == compile_risk(one, "b").version != compile_risk(other, "a").version


def test_two_signs_say_so_in_words_when_they_say_more_or_less_together() -> None:
    first = CategorySide(name="complaint", categories=("open",))
    second = CategorySide(name="contract_ending", categories=SIGNS["contract_ending"].bands[:1])
    for share, heads in (
        (0.7, ("Beides zugleich: ", "Both at once: ")),
        (-0.7, ("Überschneiden sich: ", "Overlapping: ")),
    ):
        lines = tuple(tuple(share if i == j == 2 else 0.0 for j in range(3)) for i in range(3))
        tables = Tables(intercept=-2.0, tables=(), pairs=(PairTable(first=first, second=second, entries=lines),))
        signals = [_signal("complaint", "open"), _signal("contract_ending", second.categories[0])]
        risk = score_risk(CARD, signals, compile_risk(tables, "model"))
        (both,) = (one for one in risk.reasons if one.code == "complaint_and_contract_ending")
        assert both.log_odds == pytest.approx(share)
        assert both.band == f"open_{second.categories[0]}"
        for language, head in zip(("de", "en"), heads, strict=True):
            assert both.text[language].startswith(head) and " · " in both.text[language]
        alone = score_risk(CARD, signals[:1], compile_risk(tables, "model"))
        assert "complaint_and_contract_ending" not in {one.code for one in alone.reasons}


@pytest.mark.parametrize(
    ("change", "place", "what"),
    [
        (
            {"tables": (CategoryTable(name="complant", entries={}),)},
            "model: tables[0].name",
            f"there is no signal 'complant'; {nearest('complant', SIGNS)}",
        ),
        (
            {"tables": (CategoryTable(name="complaint", entries={"d31": 1.0}),)},
            "model: tables[0].d31",
            "there is no such band of complaint; did you mean d30?",
        ),
        (
            {"tables": (NumberTable(name="complaint", cuts=(), entries=(0.0,)),)},
            "model: tables[0]",
            "is a table of numbers; signals come in bands: use `categories`",
        ),
        (
            {
                "pairs": (
                    PairTable(
                        first=CategorySide(name="complaint", categories=()),
                        second=NumberSide(name="detractor", cuts=()),
                        entries=((0.0, 0.0), (0.0, 0.0)),
                    ),
                )
            },
            "model: pairs[0]",
            "has a side of numbers",
        ),
        (
            {
                "pairs": (
                    PairTable(
                        first=CategorySide(name="complaint", categories=()),
                        second=CategorySide(name="contract_endin", categories=()),
                        entries=((0.0, 0.0), (0.0, 0.0)),
                    ),
                )
            },
            "model: pairs[0].second.name",
            "did you mean contract_ending?",
        ),
        (
            {
                "pairs": (
                    PairTable(
                        first=CategorySide(name="complaint", categories=("d31",)),
                        second=CategorySide(name="contract_ending", categories=()),
                        entries=((0.0, 0.0), (0.0, 0.0), (0.0, 0.0)),
                    ),
                )
            },
            "model: pairs[0].first.d31",
            "did you mean d30?",
        ),
    ],
)
def test_what_is_no_signal_is_refused_with_its_place(change: dict[str, Any], place: str, what: str) -> None:
    with pytest.raises(ConfigError) as refused:
        compile_risk(msgspec.structs.replace(Tables(intercept=-2.0, tables=()), **change), "model")
    assert str(refused.value).startswith(f"{place}: ")
    assert what in str(refused.value)
