"""One invitation to a survey, with the customer as they stood when it was sent."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from bridge.scoring.tables import Cell


class Invitation(Struct, frozen=True, kw_only=True):
    """`score` is None where nobody answered. `counted`: it was sent in the time of which silence is on record too."""

    customer: str
    sent: datetime
    row: dict[str, Cell]
    """What a mood is predicted from (`bridge.scoring.mood.read_row`)."""
    score: float | None
    scale: float
    counted: bool
    group: str = ""
    """The group that the customer is in today."""
