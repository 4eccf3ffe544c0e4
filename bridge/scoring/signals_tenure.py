"""Signals of where customers stand in their life with us: the first weeks, trouble in them, and staying long."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from bridge.model import ContractStatus, TicketType
from bridge.scoring.limits import Settings
from bridge.scoring.result import Evidence, Signal
from bridge.scoring.signals_reading import NOTHING, Moment, Reading, Sign, evidence, soonest
from bridge.scoring.signals_tickets import opened, read_tickets
from bridge.scoring.view import View

ONBOARDING = (30, 90)
"""Bands of the first weeks, in days."""
TROUBLE_LASTS = 180
"""After so many days with us, trouble at the beginning is no longer what it is about."""
TENURE_YEARS = (10, 5)
_EARLIEST = date(1900, 1, 1)
"""Earlier dates are what some systems write for "unknown"."""
_TROUBLE = (TicketType.problem, TicketType.complaint, TicketType.unknown)


def _beginning(view: View, moment: Moment, settings: Settings) -> tuple[date, Evidence | None] | None:
    """When the customer came, and the record that says so: the date the company keeps, else the first contract."""
    since = view.customer.customer_since
    if since is not None:
        return (since, next((evidence(one) for one in view.profiles if one.record.customer_since == since), None))
    starts = [(held.record.starts, held.ref, held) for held in view.contracts if held.record.starts]
    if not starts:
        return None
    first, _, held = min(starts, key=lambda each: each[:2])
    return (first, evidence(held))


def _day(moment: Moment, begun: date, days: int) -> datetime | None:
    """The beginning of the day `days` after `begun`, if that is still to come."""
    return moment.start_of(begun + timedelta(days=days)) if days > (moment.today - begun).days else None


def _read_onboarding(view: View, moment: Moment, settings: Settings) -> Reading:
    """The first month, or the first three: before habits are made, customers leave easily."""
    begun = moment.once(_beginning, view, settings)
    if begun is None or begun[0].year >= date.max.year:
        return NOTHING
    since, proof = begun
    age = (moment.today - since).days
    if age < 0:
        return Reading(None, moment.start_of(since))
    band = next((limit for limit in ONBOARDING if age < limit), None)
    if band is None:
        return NOTHING
    signal = Signal(code="onboarding", band=f"d{band}", evidence=proof, facts={"date": since})
    return Reading(signal, _day(moment, since, band))


def _read_trouble(view: View, moment: Moment, settings: Settings) -> Reading:
    """A problem or complaint of the first three months, while they are not long ago."""
    begun = moment.once(_beginning, view, settings)
    if begun is None or not view.tickets or begun[0].year >= date.max.year:
        return NOTHING
    since = begun[0]
    age = (moment.today - since).days
    if age < 0:
        return Reading(None, moment.start_of(since))
    if age >= TROUBLE_LASTS:
        return NOTHING
    reading = read_tickets(
        "onboarding_trouble",
        view,
        moment,
        lambda held: held.record.type in _TROUBLE and 0 <= (moment.day_of(opened(held)) - since).days < ONBOARDING[-1],
    )
    return Reading(reading.signal, soonest((reading.until, _day(moment, since, TROUBLE_LASTS))))


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


TENURE_SIGNS = (
    Sign(
        code="onboarding_trouble", of=("tickets",), bands=("open", "d30", "d90"), read=_read_trouble, always=("date",)
    ),
    Sign(code="onboarding", bands=tuple(f"d{limit}" for limit in ONBOARDING), read=_read_onboarding, always=("date",)),
    Sign(code="long_tenure", bands=("y10", "y5"), read=_read_tenure, always=("date", "year")),
)
