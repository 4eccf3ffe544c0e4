"""Where signals begin beyond what their bands say, and the word lists they hear by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

from msgspec import Meta, Struct

from bridge.scoring.phrases import Topics


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where signals begin, beyond what their bands' names say."""

    nps_bad_at_most: Annotated[float, Meta(ge=0, le=10)] = 6
    nps_good_from: Annotated[float, Meta(ge=0, le=10)] = 9
    csat_bad_at_most: Annotated[float, Meta(ge=0, le=1)] = 0.4
    """Share of the highest possible score: 2 of 5 is 0.4. Reviews go by it too."""
    csat_good_from: Annotated[float, Meta(ge=0, le=1)] = 0.8
    purchase_window_days: Annotated[int, Meta(ge=28, le=1095)] = 180
    """Purchases in the last so many days are held against the customer's own earlier average."""
    fewest_purchases: Annotated[int, Meta(ge=4)] = 4
    """Below so many purchases nobody has a rhythm."""
    fewest_usage_days: Annotated[int, Meta(ge=4, le=84)] = 8
    """Below so many recorded days in the twelve weeks before, usage has no own level."""
    opens_metric: str = "email_open"
    """The usage metric that says whether our e-mails are opened."""
    long_wait_seconds: Annotated[int, Meta(ge=30)] = 600
    """A wait in the queue from here on is long."""


class Settings(Struct, frozen=True):
    """What the signals read besides the view."""

    limits: Limits
    spoken: Topics
    """Topics in free text."""
    named: Topics
    """Topics by the words that name them, where such a word is all that a subject line, an intent or a menu says."""
    ranks: Callable[[str], Mapping[str, str]]
    """What a job title shows: executive, manager, neither. There are few titles, so that answers are kept."""
