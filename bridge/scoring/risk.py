"""Risk from signals: a sum in log-odds, every term of it a reason."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log
from operator import attrgetter

from bridge.scoring.card import LONGEST_LOWER, LONGEST_REASON, BandLimits, ScoringCard
from bridge.scoring.result import Band, Reason, Risk, Signal
from bridge.scoring.riskmodel import RiskModel
from bridge.scoring.wording import Wording, plain

_LONGEST_OF_TWO = 50
_TOGETHER = {"de": "Beides zugleich", "en": "Both at once"}
_OVERLAP = {"de": "Überschneiden sich", "en": "Overlapping"}
_SHARE = attrgetter("log_odds")


def score_risk(card: ScoringCard, signals: Sequence[Signal], model: RiskModel | None = None) -> Risk:
    """The risk that `signals` make by `model`, else by the points of `card`, which has the words for it either way.

    `base_log_odds` and the reasons' `log_odds` add up to the score's log-odds. A signal that adds nothing is no reason;
    one that `model` has no table for (the card got it later) adds what the card says.
    """
    model = model or card.model
    shares, points = model.shares, card.model.shares
    to_points = card.file.points_to_double_odds / log(2)
    reasons = []
    for signal in signals:
        key = (signal.code, signal.band)
        share = shares.get(key)
        if share is None:
            share = points.get(key)
        if not share:
            continue
        words = card.words[signal.code]
        reasons.append(
            Reason(
                code=signal.code,
                band=signal.band,
                points=share * to_points,
                log_odds=share,
                text=_fill(words.text, signal, LONGEST_REASON),
                lower=_fill(words.lower, signal, LONGEST_LOWER),
                evidence=signal.evidence,
            )
        )
    if model.pairs:
        reasons += _together(card, model, signals, to_points)
    reasons.sort(key=_SHARE, reverse=True)
    probability = to_probability(model.base + sum(reason.log_odds for reason in reasons))
    return Risk(
        probability=probability,
        band=_band(probability, card.file.bands),
        horizon_days=card.file.horizon_days,
        base_log_odds=model.base,
        usual=to_probability(model.base),
        reasons=tuple(reasons),
    )


def _together(card: ScoringCard, model: RiskModel, signals: Sequence[Signal], to_points: float) -> list[Reason]:
    """A reason for each two signals that say more, or less, together than one by one."""
    there = {signal.code: signal for signal in signals}
    found = []
    for pair in model.pairs:
        one, other = there.get(pair.first), there.get(pair.second)
        if one is None or other is None or not (share := pair.shares[one.band, other.band]):
            continue
        head = _TOGETHER if share > 0 else _OVERLAP
        texts, others = card.words[one.code].text, card.words[other.code].text
        text = {}
        for language, said in texts.items():
            both = (said.fill(one.facts, LONGEST_REASON), others[language].fill(other.facts, LONGEST_REASON))
            shown = " · ".join(plain(each, _LONGEST_OF_TWO) for each in both)
            text[language] = plain(f"{head[language]}: {shown}", LONGEST_REASON)
        stronger = max(one, other, key=lambda each: model.shares.get((each.code, each.band), 0.0))
        found.append(
            Reason(
                code=f"{pair.first}_and_{pair.second}",
                band=f"{one.band}_{other.band}",
                points=share * to_points,
                log_odds=share,
                text=text,
                lower=_fill(card.words[stronger.code].lower, stronger, LONGEST_LOWER),
                evidence=stronger.evidence,
            )
        )
    return found


def _fill(texts: dict[str, Wording], signal: Signal, longest: int) -> dict[str, str]:
    return {language: text.fill(signal.facts, longest) for language, text in texts.items()}


def unscored_risk(card: ScoringCard, model: RiskModel | None = None) -> Risk:
    """The risk of a customer of whom nothing may be said: no band, no reason, the usual probability."""
    base = (model or card.model).base
    return Risk(
        probability=to_probability(base),
        band=Band.unknown,
        horizon_days=card.file.horizon_days,
        base_log_odds=base,
        usual=to_probability(base),
        reasons=(),
    )


def to_probability(log_odds: float) -> float:
    """The probability that has these log-odds."""
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
