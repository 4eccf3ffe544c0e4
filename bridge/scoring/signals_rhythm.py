"""Signals of the rhythm of buying: less than usual, on and off, silence."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from itertools import pairwise
from operator import itemgetter
from statistics import median

from bridge.model import Purchase
from bridge.scoring.limits import Settings
from bridge.scoring.result import Signal
from bridge.scoring.signals_reading import DAY, NOTHING, Moment, Reading, Sign, evidence, later, soonest
from bridge.scoring.view import Held, View

SILENT_GAPS = (2, 3)
"""Bands of silence, in multiples of the customer's own median gap between two days of purchase."""
SHORTEST_GAP = 7.0
"""Who buys more often than weekly is not silent after a fortnight's holiday, in days."""
PAUSES = (3, 2)
PAUSE_MEMORY = 730
"""Pauses that ended longer ago are forgotten, in days."""
_STEPS = 4
"""The window's quarters, in which the length of the earlier history is counted so that it changes seldom."""
_FEWEST_EXPECTED = 1.5
"""Below so many purchases expected in the window, a missing one may be chance."""


def _made(view: View, moment: Moment) -> list[tuple[datetime, Held[Purchase]]]:
    """The purchases that stayed, oldest first."""
    made = [(held.record.at or held.at, held) for held in view.purchases if not held.record.refunded]
    made.sort(key=itemgetter(0))
    return made


def _read_falling(view: View, moment: Moment, settings: Settings) -> Reading:
    """Still buying, but at most two thirds (`lower`) or one third (`much_lower`) of the own average before."""
    if len(view.purchases) < settings.limits.fewest_purchases:
        return NOTHING
    made = _made(view, moment)
    if len(made) < settings.limits.fewest_purchases:
        return NOTHING
    window = timedelta(days=settings.limits.purchase_window_days)
    quarter = window / _STEPS
    begin = moment.at - window
    first, (last, held) = made[0][0], made[-1]
    recent = sum(at > begin for at, _ in made)
    quarters = max((begin - first) // quarter + 1, _STEPS)
    leaves = soonest(later(at, window) for at, _ in made if at > begin)
    until = soonest((leaves, later(first, window + quarters * quarter)))
    if begin - first < window or not recent:
        return Reading(None, until)
    usual = (len(made) - recent) * _STEPS / quarters
    if usual < _FEWEST_EXPECTED or recent > usual * 2 / 3:
        return Reading(None, until)
    band = "much_lower" if recent <= usual / 3 else "lower"
    facts = {"recent": recent, "usual": round(usual, 1), "days": settings.limits.purchase_window_days}
    return Reading(Signal(code="purchases_falling", band=band, evidence=evidence(held, last), facts=facts), until)


def _read_silent(view: View, moment: Moment, settings: Settings) -> Reading:
    """No purchase for two or three times the own median gap."""
    if len(view.purchases) < settings.limits.fewest_purchases:
        return NOTHING
    made = _made(view, moment)
    days = sorted({at.toordinal() for at, _ in made})  # in UTC: a rhythm needs no calendar
    if len(days) < settings.limits.fewest_purchases:
        return NOTHING
    gap = max(SHORTEST_GAP, median(right - left for left, right in pairwise(days)))
    last, held = made[-1]
    reached = None
    for times in SILENT_GAPS:
        when = later(last, times * gap * DAY)
        if moment.at < when:
            break
        reached = times
    else:
        when = None
    if reached is None:
        return Reading(None, when)
    facts = {"date": moment.day_of(last), "gap": round(gap)}
    signal = Signal(code="silence", band=f"x{reached}", evidence=evidence(held, last), facts=facts)
    return Reading(signal, when)


def _read_on_and_off(view: View, moment: Moment, settings: Settings) -> Reading:
    """Two or three long pauses that ended within two years: three own gaps and more, at least three weeks."""
    if len(view.purchases) < settings.limits.fewest_purchases + PAUSES[-1]:
        return NOTHING
    made = _made(view, moment)
    last, held = made[-1] if made else (moment.at, None)
    days = sorted({at.toordinal() for at, _ in made})
    if held is None or len(days) < settings.limits.fewest_purchases + PAUSES[-1]:
        return NOTHING
    gap = max(SHORTEST_GAP, median(right - left for left, right in pairwise(days)))
    oldest = moment.at.toordinal() - PAUSE_MEMORY
    ends = [right for left, right in pairwise(days) if right - left >= SILENT_GAPS[-1] * gap and right > oldest]
    until = None if not ends else _midnight(min(ends) + PAUSE_MEMORY)
    reached = next((limit for limit in PAUSES if len(ends) >= limit), None)
    if reached is None:
        return Reading(None, until)
    facts = {"count": len(ends), "gap": round(gap), "date": moment.day_of(last)}
    return Reading(Signal(code="on_and_off", band=f"x{reached}", evidence=evidence(held, last), facts=facts), until)


def _midnight(ordinal: int) -> datetime | None:
    """The beginning of that day in UTC; None where there is none."""
    if ordinal > date.max.toordinal():
        return None
    return datetime.combine(date.fromordinal(ordinal), time(), timezone.utc)


RHYTHM_SIGNS = (
    Sign(
        code="silence",
        of=("purchases",),
        bands=("x3", "x2"),
        read=_read_silent,
        always=("date", "gap"),
    ),
    Sign(
        code="purchases_falling",
        of=("purchases",),
        bands=("much_lower", "lower"),
        read=_read_falling,
        always=("recent", "usual", "days"),
    ),
    Sign(
        code="on_and_off",
        of=("purchases",),
        bands=tuple(f"x{limit}" for limit in PAUSES),
        read=_read_on_and_off,
        always=("count", "gap", "date"),
    ),
)
