"""The shape of the card, for the description alone: the bytes that are sent were prepared by `bridge.decisions`.

It names what a host may rely on; further keys are there, and more may come.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from bridge.scoring.record import Seen
from bridge.scoring.result import Band, Tier

_Probability = Annotated[float, Meta(ge=0, le=1)]
_Digits = Annotated[str, Meta(pattern="^[0-9]*$")]


class CardEvidence(Struct, kw_only=True):
    """The record that a reason was read from, as `source/kind/id`."""

    record: str
    source: str
    at: datetime


class CardReason(Struct, kw_only=True):
    """One share of the risk; below zero it speaks for staying. `lower` says what would help. The `code` of two signs
    that say more together is `one_and_other`."""

    code: str
    band: str
    text: str
    lower: str | None
    points: float
    log_odds: float
    evidence: CardEvidence | None


class CardRecord(Struct, kw_only=True, rename={"from_day": "from", "to_day": "to"}):
    """What became of customers who were scored alike: `said` is the share that was expected to leave within
    `horizon_days`, `left` the share that did. `seen` is `held_out` where that was looked up in a part of the history
    that the model had not seen, `lived` where it happened since."""

    customers: Annotated[int, Meta(ge=1)]
    left: _Probability
    said: _Probability
    horizon_days: int
    seen: Seen
    from_day: date
    to_day: date


class CardRisk(Struct, kw_only=True):
    """How likely the customer leaves within `horizon_days`. `base_log_odds` and the reasons' `log_odds` add up to the
    score. Of who is not scored probability, score and record are null; `record` also while it is not known."""

    probability: _Probability | None
    score: Annotated[int, Meta(ge=0, le=100)] | None
    band: Band
    usual: _Probability
    horizon_days: int
    base_log_odds: float
    record: CardRecord | None
    reasons: list[CardReason]


class CardValue(Struct, kw_only=True):
    """What the customer is worth; more where a decision is prepared."""

    tier: Tier


class CardRoute(Struct, kw_only=True):
    """Where the call should go, and how urgently: 1 is first."""

    route_hint: str
    priority: Annotated[int, Meta(ge=1, le=5)]


class CardAnswer(Struct, kw_only=True):
    """The card, and how fresh it is. Without a prepared decision `decision_id` is empty and there is no risk."""

    decision_id: str
    schema: Literal["1"]
    language: str
    match: Literal["exact", "account", "ambiguous", "none"]
    found: Literal["true", "false"]
    candidates: _Digits
    routing: CardRoute
    value: CardValue
    risk: CardRisk | UnsetType = UNSET
    as_of_age_s: _Digits
    degraded: Literal["true", "false"]
    missing_sources: str
    answer_ms: _Digits
    loop_due_in_min: Annotated[str, Meta(pattern="^(-?[0-9]+)?$")]
