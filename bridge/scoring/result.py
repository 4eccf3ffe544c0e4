"""What scoring says of a customer: signals, risk with its reasons, value with its tier."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct

from bridge.model import Money


class Band(StrEnum):
    critical = "critical"
    high = "high"
    medium = "medium"
    low = "low"
    unknown = "unknown"


class Tier(StrEnum):
    platinum = "platinum"
    gold = "gold"
    silver = "silver"
    bronze = "bronze"
    unknown = "unknown"


class Evidence(Struct, frozen=True, kw_only=True):
    """The record that a signal was read from."""

    record: str
    source: str
    at: datetime


class Signal(Struct, frozen=True, kw_only=True):
    """One sign of leaving or staying, in one of its bands. `facts` fill the placeholders of its texts."""

    code: str
    band: str
    evidence: Evidence | None = None
    facts: dict[str, Any] = {}


class Reason(Struct, frozen=True, kw_only=True):
    """One signal's share of the risk: `points` on the card, `log_odds` added to the score; texts per language."""

    code: str
    band: str
    points: float
    log_odds: float
    text: dict[str, str]
    lower: dict[str, str]
    """What would lower it."""
    evidence: Evidence | None = None


class Risk(Struct, frozen=True, kw_only=True):
    """Probability to leave within `horizon_days`. `base_log_odds` plus all reasons' `log_odds` is its log-odds
    exactly."""

    probability: float
    band: Band
    horizon_days: int
    base_log_odds: float
    usual: float
    """The probability of a customer without any signal."""
    reasons: tuple[Reason, ...]
    """Largest share first; those that lower the risk last."""


class Value(Struct, frozen=True, kw_only=True):
    """Expected margin over the next `horizon_days`, the tier it makes, and the sum it comes from."""

    expected: Money | None
    tier: Tier
    horizon_days: int
    how: tuple[str, ...]
    """Machine-readable steps of the sum, for the card's small print and for replay."""
    adjustments: tuple[str, ...] = ()
    low: Money | None = None
    high: Money | None = None
    """Of ten such customers at least eight bring between the two. None where no model says how far it may be off."""


class PredictedMood(Struct, frozen=True, kw_only=True, tag_field="kind", tag="predicted"):
    """The answer that a customer who is silent would give: never one that was given. With probability `coverage` it is
    within `low` and `high`. Where that cannot be known, all three are None and `abstained_because` says why."""

    metric: str
    scale: float
    predicted: float | None = None
    low: float | None = None
    high: float | None = None
    coverage: float
    answers: int
    """So many answers of others it was learnt from."""
    last_answer: datetime | None = None
    """More than a year ago; None: never."""
    abstained_because: str | None = None


class AnsweredMood(Struct, frozen=True, kw_only=True, tag_field="kind", tag="answered"):
    """What the customer answered, within the last year."""

    metric: str
    score: float
    scale: float
    at: datetime


class Scores(Struct, frozen=True, kw_only=True):
    """All of it for one customer, good until `valid_until` if no record changes."""

    signals: tuple[Signal, ...]
    risk: Risk
    value: Value
    mood: PredictedMood | AnsweredMood | None = None
    """None where nothing was fitted."""
    valid_until: datetime
