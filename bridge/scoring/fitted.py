"""What was found in the company's own history, and is used in place of what the points card assumes."""

from __future__ import annotations

from msgspec import Struct

from bridge.scoring.card import ScoringCard
from bridge.scoring.mood import MoodScorer
from bridge.scoring.record import RiskRecord
from bridge.scoring.riskmodel import RiskModel
from bridge.scoring.value import TierCuts
from bridge.scoring.worth import Worth


class Fitted(Struct, frozen=True, kw_only=True):
    """Everything that was fitted; None for what was not yet, or not better than the card."""

    cuts: TierCuts | None = None
    risk: RiskModel | None = None
    record: RiskRecord | None = None
    """How the risk in use came out so far, the card's too."""
    mood: MoodScorer | None = None
    worth: Worth | None = None

    def scored_by(self, card: ScoringCard) -> str:
        """What the risk is made by: the version of the model, or `card:` and that of the card."""
        return self.risk.version if self.risk else f"card:{card.version}"

    @property
    def versions(self) -> dict[str, str]:
        """By kind, for replay: what a decision was made by."""
        in_use = (("risk", self.risk), ("value", self.worth), ("mood", self.mood))
        return {kind: model.version for kind, model in in_use if model is not None}


NOTHING_FITTED = Fitted()
