"""Signals of tickets that drag on: reopened, waiting for us, too many."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from bridge.model import Ticket, TicketStatus
from bridge.scoring.limits import Settings
from bridge.scoring.result import Signal
from bridge.scoring.signals_reading import (
    NOTHING,
    Moment,
    Reading,
    Sign,
    band_longer,
    band_since,
    evidence,
    is_open,
    later,
    soonest,
)
from bridge.scoring.view import Held, View

RECENT = (30, 90)
WAITING = (3, 10)
REOPENED = (60,)
MANY = (5, 3)
"""Bands of many tickets, by how many were opened within MANY_DAYS."""
MANY_DAYS = 90

_WAITS_FOR_US = (TicketStatus.new, TicketStatus.open)


def opened(held: Held[Ticket]) -> datetime:
    """When the customer came with it."""
    return held.record.opened or held.at


def read_tickets(code: str, view: View, moment: Moment, wanted: Callable[[Held[Ticket]], bool]) -> Reading:
    """`open` for an open ticket that is wanted, else the band of the latest one since it was opened or solved."""
    latest: tuple[datetime, Held[Ticket]] | None = None
    for held in view.tickets:
        if not wanted(held):
            continue
        if is_open(held.record):
            return dated(code, "open", held, opened(held), moment, None)
        at = held.record.resolved or opened(held)
        if latest is None or at > latest[0]:
            latest = (at, held)
    if latest is None:
        return NOTHING
    band, change = band_since(latest[0], RECENT, moment.at)
    return dated(code, band, latest[1], opened(latest[1]), moment, change)


def dated(
    code: str, band: str | None, held: Held[Any], at: datetime, moment: Moment, until: datetime | None
) -> Reading:
    """The signal `code` in `band` (None: not shown) of a record that speaks of `at`, until `until`."""
    if band is None:
        return Reading(None, until)
    facts = {"date": moment.day_of(at)}
    return Reading(Signal(code=code, band=band, evidence=evidence(held, at), facts=facts), until)


def _read_reopened(view: View, moment: Moment, settings: Settings) -> Reading:
    """Solved, and yet not: the ticket came back and is still open, or was within the last 60 days."""
    latest: Held[Ticket] | None = None
    for held in view.tickets:
        if held.record.reopened < 1:
            continue
        if is_open(held.record):
            return dated("ticket_reopened", "open", held, opened(held), moment, None)
        if latest is None or held.at > latest.at:
            latest = held
    if latest is None:
        return NOTHING
    band, change = band_since(latest.at, REOPENED, moment.at)
    return dated("ticket_reopened", band, latest, opened(latest), moment, change)


def _read_waiting(view: View, moment: Moment, settings: Settings) -> Reading:
    """An open ticket has waited for us: since it was opened, or since it last changed once we had replied."""
    longest: tuple[datetime, Held[Ticket]] | None = None
    for held in view.tickets:
        if held.record.status in _WAITS_FOR_US:
            since = held.at if held.record.first_reply else opened(held)
            if longest is None or since < longest[0]:
                longest = (since, held)
    if longest is None:
        return NOTHING
    since, held = longest
    band, change = band_longer(since, WAITING, moment.at)
    return dated("ticket_waiting", band, held, since, moment, change)


def _read_many(view: View, moment: Moment, settings: Settings) -> Reading:
    """Three or five tickets opened within 90 days: whoever has to ask that often has a problem nobody sees."""
    if len(view.tickets) < MANY[-1]:
        return NOTHING
    window = timedelta(days=MANY_DAYS)
    oldest = moment.at - window
    recent = [(at, held) for held in view.tickets if (at := opened(held)) > oldest]
    until = soonest(later(at, window) for at, _ in recent)
    reached = next((limit for limit in MANY if len(recent) >= limit), None)
    if reached is None:
        return Reading(None, until)
    at, held = max(recent, key=lambda each: (each[0], each[1].ref))
    facts = {"count": len(recent), "days": MANY_DAYS, "date": moment.day_of(at)}
    signal = Signal(code="many_tickets", band=f"x{reached}", evidence=evidence(held, at), facts=facts)
    return Reading(signal, until)


TICKET_SIGNS = (
    Sign(code="ticket_reopened", of=("tickets",), bands=("open", "d60"), read=_read_reopened, always=("date",)),
    Sign(code="ticket_waiting", of=("tickets",), bands=("d10", "d3"), read=_read_waiting, always=("date",)),
    Sign(
        code="many_tickets",
        of=("tickets",),
        bands=tuple(f"x{limit}" for limit in MANY),
        read=_read_many,
        always=("count", "days", "date"),
    ),
)
