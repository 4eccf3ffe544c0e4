"""Public holidays of the German states, by their laws as of 2026. Pure.

Only what is a holiday in all of a state. What some municipalities keep (Assumption in Bavaria, Corpus Christi in parts
of Saxony and Thuringia, the Peace Festival of Augsburg), and what a state declares for one year, is listed by hand.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Final, Literal

Region = Literal["DE", "BB", "BE", "BW", "BY", "HB", "HE", "HH", "MV", "NI", "NW", "RP", "SH", "SL", "SN", "ST", "TH"]
"""A state by its letters of ISO 3166-2; DE: what is one in all of them."""
_EVERYWHERE: Final[tuple[tuple[int, int], ...]] = ((1, 1), (5, 1), (10, 3), (12, 25), (12, 26))
_FROM_EASTER_EVERYWHERE: Final = (-2, 1, 39, 50)  # Good Friday, Easter Monday, Ascension, Whit Monday
_DATES: Final[tuple[tuple[int, int, str], ...]] = (
    (1, 6, "BW BY ST"),
    (3, 8, "BE MV"),
    (8, 15, "SL"),
    (9, 20, "TH"),
    (10, 31, "BB HB HH MV NI SH SN ST TH"),
    (11, 1, "BW BY NW RP SL"),
)
_FROM_EASTER: Final[tuple[tuple[int, str], ...]] = (
    (0, "BB"),
    (49, "BB"),
    (60, "BW BY HE NW RP SL"),  # Corpus Christi
)
_WEDNESDAY: Final = 2


@lru_cache(maxsize=256)
def public_holidays(region: Region, year: int) -> frozenset[date]:
    """The public holidays of `region` in `year`, those on Sundays too."""
    sunday = easter(year)
    days = {date(year, *one) for one in _EVERYWHERE}
    days |= {sunday + timedelta(days=ahead) for ahead in _FROM_EASTER_EVERYWHERE}
    days |= {date(year, month, day) for month, day, states in _DATES if region in states.split()}
    days |= {sunday + timedelta(days=ahead) for ahead, states in _FROM_EASTER if region in states.split()}
    if region == "SN":  # the Day of Repentance: the Wednesday before 23 November
        last = date(year, 11, 22)
        days.add(last - timedelta(days=(last.weekday() - _WEDNESDAY) % 7))
    return frozenset(days)


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (Meeus 1991, Astronomical Algorithms, chapter 8)."""
    century, rest = divmod(year, 100)
    golden = year % 19
    epact = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (rest // 4) - epact - rest % 4) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)
