"""Risk from signals: a sum in log-odds, every term of it a reason."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp

from bridge.scoring.card import LONGEST_LOWER, LONGEST_REASON, BandLimits, ScoringCard
from bridge.scoring.result import Band, Reason, Risk, Signal
from bridge.scoring.wording import Wording


def score_risk(card: ScoringCard, signals: Sequence[Signal]) -> Risk:
    """The risk that `signals` make on `card`; `base_log_odds` and the reasons' `log_odds` add up to its log-odds.

    A signal that is not on the card, or has no points in its band, is no reason.
    """
    reasons = []
    for signal in signals:
        share = card.shares.get((signal.code, signal.band))
        if share is None or not share.points:
            continue
        reasons.append(
            Reason(
                code=signal.code,
                band=signal.band,
                points=share.points,
                log_odds=share.log_odds,
                text=_fill(share.text, signal, LONGEST_REASON),
                lower=_fill(share.lower, signal, LONGEST_LOWER),
                evidence=signal.evidence,
            )
        )
    reasons.sort(key=lambda reason: -reason.points)
    probability = _probability(card.base_log_odds + sum(reason.log_odds for reason in reasons))
    return Risk(
        probability=probability,
        band=_band(probability, card.file.bands),
        horizon_days=card.file.horizon_days,
        base_log_odds=card.base_log_odds,
        usual=card.file.base_probability,
        reasons=tuple(reasons),
    )


def _fill(texts: dict[str, Wording], signal: Signal, longest: int) -> dict[str, str]:
    return {language: text.fill(signal.facts, longest) for language, text in texts.items()}


def unscored_risk(card: ScoringCard) -> Risk:
    """The risk of a customer of whom nothing may be said: no band, no reason, the usual probability."""
    return Risk(
        probability=card.file.base_probability,
        band=Band.unknown,
        horizon_days=card.file.horizon_days,
        base_log_odds=card.base_log_odds,
        usual=card.file.base_probability,
        reasons=(),
    )


def _probability(log_odds: float) -> float:
    if log_odds >= 0:
        return 1 / (1 + exp(-log_odds))
    odds = exp(log_odds)
    return odds / (1 + odds)


def _band(probability: float, limits: BandLimits) -> Band:
    if probability >= limits.critical:
        return Band.critical
    if probability >= limits.high:
        return Band.high
    return Band.medium if probability >= limits.medium else Band.low
