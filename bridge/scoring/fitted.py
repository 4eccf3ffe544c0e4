"""What was found in the company's own history, and is used in place of what the points card assumes."""

from __future__ import annotations

from msgspec import Struct

from bridge.scoring.record import RiskRecord
from bridge.scoring.riskmodel import RiskModel
from bridge.scoring.value import TierCuts


class Fitted(Struct, frozen=True, kw_only=True):
    """Everything that was fitted; None for what was not yet, or not better than the card."""

    cuts: TierCuts | None = None
    risk: RiskModel | None = None
    record: RiskRecord | None = None
    """How the risk in use came out so far, the card's too."""

    @property
    def versions(self) -> dict[str, str]:
        """By kind, for replay: what a decision was made by."""
        return {"risk": self.risk.version} if self.risk else {}


NOTHING_FITTED = Fitted()
