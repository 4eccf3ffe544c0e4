"""Signals of time: buying less than usual, falling silent, staying long."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise
from operator import itemgetter
from statistics import median

from bridge.model import Channel, ContractStatus, Direction, Interaction, Purchase
from bridge.scoring.result import Signal
from bridge.scoring.signals_contracts import goes_on
from bridge.scoring.signals_reading import (
    DAY,
    Moment,
    Reading,
    Settings,
    Sign,
    band_longer,
    evidence,
    later,
    soonest,
)
from bridge.scoring.view import Held, View

SILENT_GAPS = (2, 3)
"""Bands of silence, in multiples of the customer's own median gap between two days of purchase."""
SHORTEST_GAP = 7.0
"""Who buys more often than weekly is not silent after a fortnight's holiday, in days."""
NO_EXCHANGE = (365, 730)
_EARLIEST = date(1900, 1, 1)
"""Earlier dates are what some systems write for "unknown"."""
TENURE_YEARS = (10, 5)
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
        return Reading(None)
    made = _made(view, moment)
    if len(made) < settings.limits.fewest_purchases:
        return Reading(None)
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
        return Reading(None)
    made = _made(view, moment)
    days = sorted({at.toordinal() for at, _ in made})  # in UTC: a rhythm needs no calendar
    if len(days) < settings.limits.fewest_purchases:
        return Reading(None)
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


def _read_no_exchange(view: View, moment: Moment, settings: Settings) -> Reading:
    """A contract runs, but the last ticket or personal word, of which there was one, is a year or two ago."""
    if not any(goes_on(held.record) for held in view.contracts):
        return Reading(None)
    latest: tuple[datetime, Held[Interaction]] | None = None
    for held in view.interactions:
        at = held.record.started or held.at
        if (latest is None or at > latest[0]) and _is_personal(held.record):
            latest = (at, held)
    last, proof = (latest[0], evidence(latest[1], latest[0])) if latest else (None, None)
    for ticket in view.tickets:
        at = ticket.record.opened or ticket.at
        if last is None or at > last:
            last, proof = at, evidence(ticket, at)
    if last is None:
        return Reading(None)
    band, change = band_longer(last, NO_EXCHANGE, moment.at)
    if band is None:
        return Reading(None, change)
    facts = {"date": moment.day_of(last)}
    return Reading(Signal(code="no_exchange", band=band, evidence=proof, facts=facts), change)


def _is_personal(record: Interaction) -> bool:
    """Said by its source; where it does not say: whatever the customer began, and every call and chat."""
    if record.personal is not None:
        return record.personal
    return record.direction is Direction.inbound or record.channel in (Channel.voice, Channel.chat)


def _read_tenure(view: View, moment: Moment, settings: Settings) -> Reading:
    """Customer for five or ten years: since the date the company keeps, else since the first contract that runs."""
    starts = [held.record.starts for held in view.contracts if held.record.status is ContractStatus.active]
    since = view.customer.customer_since or min((each for each in starts if each), default=None)
    if since is None or not _EARLIEST < since <= moment.today:
        return Reading(None, moment.start_of(since) if since and since > moment.today else None)
    until = None
    for years in TENURE_YEARS:
        day = _anniversary(since, years)
        if moment.today >= day:
            facts = {"date": since, "year": str(since.year)}
            return Reading(Signal(code="long_tenure", band=f"y{years}", facts=facts), until)
        until = moment.start_of(day)
    return Reading(None, until)


def _anniversary(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return date(day.year + years, 3, 1)


RHYTHM_SIGNS = (
    Sign(
        code="silence",
        bands=("x3", "x2"),
        read=_read_silent,
        always=("date", "gap"),
    ),
    Sign(
        code="purchases_falling",
        bands=("much_lower", "lower"),
        read=_read_falling,
        always=("recent", "usual", "days"),
    ),
    Sign(code="no_exchange", bands=("d730", "d365"), read=_read_no_exchange, always=("date",)),
    Sign(code="long_tenure", bands=("y10", "y5"), read=_read_tenure, always=("date", "year")),
)
