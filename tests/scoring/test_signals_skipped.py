"""Signals are not read where the view has nothing that they are read from, and nothing is missed by that."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bridge.scoring import load_scoring
from bridge.scoring.signals import SIGNS, read_signals
from bridge.scoring.signals_reading import moment_for, soonest
from bridge.scoring.view import View
from tests.scoring.views import CONFIG, NOW, views

CARD = load_scoring(CONFIG / "scoring.yaml")
KINDS = ("accounts", "contracts", "purchases", "tickets", "interactions", "surveys", "usage")


@settings(max_examples=200, deadline=None)
@given(views(), st.sets(st.sampled_from(KINDS)))
def test_skipping_what_cannot_be_there_misses_nothing(view: View, gone: set[str]) -> None:
    view = replace(view, **dict.fromkeys(gone, ()))
    found, until = read_signals(CARD.codes, CARD.settings, CARD.zone, view, NOW)
    moment = moment_for(view, NOW, CARD.zone)
    readings = [SIGNS[code].read(view, moment, CARD.settings) for code in CARD.codes]
    assert found == tuple(reading.signal for reading in readings if reading.signal)
    first = soonest(reading.until for reading in readings)
    assert first is None or until <= first


def test_every_sign_says_of_fields_that_a_view_has() -> None:
    for sign in SIGNS.values():
        assert set(sign.of) <= set(KINDS)
