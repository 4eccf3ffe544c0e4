"""From a customer's view to signals, risk with its reasons, and value with its tier."""

from __future__ import annotations

from datetime import datetime

import msgspec

from bridge.scoring.card import ScoringCard, load_scoring
from bridge.scoring.fitted import NOTHING_FITTED, Fitted
from bridge.scoring.mood import read_mood
from bridge.scoring.result import Scores
from bridge.scoring.risk import score_risk, unscored_risk
from bridge.scoring.signals import LONGEST_VALID, read_signals
from bridge.scoring.value import TierCuts, estimate_value, quantile_cuts, unknown_value
from bridge.scoring.view import View

__all__ = ["NOTHING_FITTED", "Fitted", "ScoringCard", "TierCuts", "load_scoring", "quantile_cuts", "score"]

MATTERS = frozenset(("promoter", "prestige", "seniority"))
"""Signals of customers who are worth more than they pay: named beside the value, never hidden in it."""


def score(card: ScoringCard, view: View, now: datetime, fitted: Fitted = NOTHING_FITTED) -> Scores:
    """Everything scoring says of one customer at `now`. Pure, and the same at any moment before `valid_until`.

    What is in `fitted` is used in place of what `card` assumes.

    Who objects to profiling, and who has died, is not scored: no signal, no reason, band and tier unknown.
    """
    if view.customer.objects_to_profiling or view.customer.deceased:
        return Scores(
            signals=(),
            risk=unscored_risk(card, fitted.risk),
            value=unknown_value(card),
            valid_until=now + LONGEST_VALID,
        )
    signals, until = read_signals(card.codes, card.settings, card.zone, view, now)
    value, value_until = estimate_value(card, view, now, fitted.cuts, fitted.worth.model if fitted.worth else None)
    if matters := tuple(signal.code for signal in signals if signal.code in MATTERS):
        value = msgspec.structs.replace(value, adjustments=matters)
    mood, mood_until = None, None
    if fitted.mood is not None:
        mood, mood_until = read_mood(fitted.mood, view, signals, card.file.value.currency, now)
    return Scores(
        signals=signals,
        risk=score_risk(card, signals, fitted.risk),
        value=value,
        mood=mood,
        valid_until=min(each for each in (until, value_until, mood_until) if each is not None),
    )
