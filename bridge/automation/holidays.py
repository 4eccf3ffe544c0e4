"""Public holidays of the German states, those declared for a single year too.

What only some municipalities keep (Assumption in Bavaria, the Peace Festival of Augsburg) is listed by hand.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Literal

Region = Literal["DE", "BB", "BE", "BW", "BY", "HB", "HE", "HH", "MV", "NI", "NW", "RP", "SH", "SL", "SN", "ST", "TH"]
"""A state by its letters of ISO 3166-2; DE: what is one in all of them."""


def is_public_holiday(region: Region | None, day: date) -> bool:
    """Whether nobody works in all of `region`; never without one."""
    return region is not None and day in public_holidays(region, day.year)


def read_laws(region: Region | None) -> None:
    """Be ready for questions about `region`: the first of all takes half a second, and no call should wait for it."""
    if region is not None:
        public_holidays(region, 2026)


@lru_cache(maxsize=256)
def public_holidays(region: Region, year: int) -> frozenset[date]:
    """The public holidays of `region` in `year`, those on Sundays too."""
    from holidays.countries.germany import Germany  # not for commands that keep no calendar

    return frozenset(day for day in Germany(subdiv=None if region == "DE" else region, years=year) if day.year == year)
