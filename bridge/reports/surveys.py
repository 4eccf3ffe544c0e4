"""What a survey found out: who could be asked, who was, who answered, and what that says of all of them."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from bridge.automation.weighting import Estimate


class StratumResult(Struct, frozen=True, kw_only=True):
    """Customers of one value tier and risk band, as they stood when they were drawn."""

    tier: str
    band: str
    drawn: int
    """So many came up and could be asked: they were invited, each with a known probability, or left alone."""
    invited: int
    answered: int
    response_rate: float | None
    """None where nobody was invited."""
    value: float | None
    """The figure over the answers of this stratum alone; None without any."""
    share: float
    """Of all who could be asked."""


class SurveyResults(Struct, frozen=True, kw_only=True):
    """One survey, or all of one metric, over a time. Figures as `Estimate` says."""

    metric: str
    plans: tuple[str, ...]
    since: datetime
    until: datetime
    drawn: int
    """Customers who came up and could be asked."""
    invited: int
    answered: int
    response_rate: float | None
    plain: Estimate | None
    """Over the answers as they are."""
    weighted: Estimate | None
    """Over all who could be asked: corrected for who was invited and for who answers."""
    coverage: float | None
    """Share of those who could be asked whose stratum has enough answers to speak for itself."""
    strata: tuple[StratumResult, ...]
    barred: dict[str, int]
    """Reason → how many came up and could not be asked; the figures say nothing of them."""
    lapsed: int
    """So many were not asked because nobody would have had the time to answer them."""
    reasons: dict[str, int] = {}
    """Exit surveys: reason for leaving → how often it was given."""
    left_others_because: dict[str, int] = {}
    """Exit surveys: what drove them from others before → how often."""
