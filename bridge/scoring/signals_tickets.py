"""Signals of what customers write and ask: complaints, wishes to leave, contract terms, tickets that drag on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from bridge.model import Direction, Interaction, Ticket, TicketStatus, TicketType
from bridge.scoring.phrases import Phrases
from bridge.scoring.result import Signal
from bridge.scoring.signals_reading import (
    DAY,
    Moment,
    Reading,
    Settings,
    Sign,
    band_longer,
    band_since,
    evidence,
    is_open,
    soonest,
)
from bridge.scoring.view import Held, View

RECENT = (30, 90)
WAITING = (3, 10)
REOPENED = (60,)
CONTRACT_TERMS = "contract_terms"
CANCELLATION = "cancellation"
TOPICS = (CANCELLATION, CONTRACT_TERMS)
"""Topics that need phrases in config/scoring.yaml."""

_WAITS_FOR_US = (TicketStatus.new, TicketStatus.open)


def _opened(held: Held[Ticket]) -> datetime:
    return held.record.opened or held.at


def _read_tickets(code: str, view: View, moment: Moment, wanted: Callable[[Held[Ticket]], bool]) -> Reading:
    """`open` for an open ticket that is wanted, else the band of the latest one since it was opened or solved."""
    latest: tuple[datetime, Held[Ticket]] | None = None
    for held in view.tickets:
        if not wanted(held):
            continue
        if is_open(held.record):
            return _dated(code, "open", held, _opened(held), moment, None)
        at = held.record.resolved or _opened(held)
        if latest is None or at > latest[0]:
            latest = (at, held)
    if latest is None:
        return Reading(None)
    band, change = band_since(latest[0], RECENT, moment.at)
    return _dated(code, band, latest[1], _opened(latest[1]), moment, change)


def _dated(
    code: str, band: str | None, held: Held[Any], at: datetime, moment: Moment, until: datetime | None
) -> Reading:
    if band is None:
        return Reading(None, until)
    facts = {"date": moment.day_of(at)}
    return Reading(Signal(code=code, band=band, evidence=evidence(held, at), facts=facts), until)


def _read_complaint(view: View, moment: Moment, settings: Settings) -> Reading:
    return _read_tickets("complaint", view, moment, lambda held: held.record.type is TicketType.complaint)


def _read_cancellation(view: View, moment: Moment, settings: Settings) -> Reading:
    """A cancellation ticket, or a recent ticket or interaction that speaks of leaving."""
    formal = _read_tickets(
        "cancellation_intent", view, moment, lambda held: held.record.type is TicketType.cancellation
    )
    if formal.signal and formal.signal.band == "open":
        return formal
    spoken = _read_topic("cancellation_intent", CANCELLATION, view, moment, settings)
    return _stronger(formal, spoken, ("open", "d30", "d90"))


def _stronger(one: Reading, other: Reading, bands: tuple[str, ...]) -> Reading:
    ranks = [bands.index(each.signal.band) if each.signal else len(bands) for each in (one, other)]
    chosen = one if ranks[0] <= ranks[1] else other
    return Reading(chosen.signal, soonest((one.until, other.until)))


def _read_terms(view: View, moment: Moment, settings: Settings) -> Reading:
    return _read_topic("contract_terms", CONTRACT_TERMS, view, moment, settings)


def _read_topic(code: str, topic: str, view: View, moment: Moment, settings: Settings) -> Reading:
    """The latest ticket or inbound interaction of the last 90 days that says it; older ones are not even searched."""
    phrases = settings.phrases[topic]
    oldest = moment.at - RECENT[-1] * DAY
    found: tuple[datetime, Held[Ticket] | Held[Interaction]] | None = None
    for held in view.tickets:
        at = _opened(held)
        ticket = held.record
        if at > oldest and (found is None or at > found[0]) and _says(phrases, moment, ticket.topic, ticket.text):
            found = (at, held)
    for call in view.interactions:
        at = call.record.started or call.at
        if call.record.direction is Direction.outbound:  # our own words are not their question
            continue
        if (
            at > oldest
            and (found is None or at > found[0])
            and _says(phrases, moment, call.record.intent, call.record.text)
        ):
            found = (at, call)
    if found is None:
        return Reading(None)
    band, change = band_since(found[0], RECENT, moment.at)
    return _dated(code, band, found[1], found[0], moment, change)


def _says(phrases: Phrases, moment: Moment, *texts: str | None) -> bool:
    return any(phrases.match(moment.flat(text)) for text in texts if text)


def _read_reopened(view: View, moment: Moment, settings: Settings) -> Reading:
    """Solved, and yet not: the ticket came back and is still open, or was within the last 60 days."""
    latest: Held[Ticket] | None = None
    for held in view.tickets:
        if held.record.reopened < 1:
            continue
        if is_open(held.record):
            return _dated("ticket_reopened", "open", held, _opened(held), moment, None)
        if latest is None or held.at > latest.at:
            latest = held
    if latest is None:
        return Reading(None)
    band, change = band_since(latest.at, REOPENED, moment.at)
    return _dated("ticket_reopened", band, latest, _opened(latest), moment, change)


def _read_waiting(view: View, moment: Moment, settings: Settings) -> Reading:
    """An open ticket has waited for us: since it was opened, or since it last changed once we had replied."""
    longest: tuple[datetime, Held[Ticket]] | None = None
    for held in view.tickets:
        if held.record.status in _WAITS_FOR_US:
            since = held.at if held.record.first_reply else _opened(held)
            if longest is None or since < longest[0]:
                longest = (since, held)
    if longest is None:
        return Reading(None)
    since, held = longest
    band, change = band_longer(since, WAITING, moment.at)
    return _dated("ticket_waiting", band, held, since, moment, change)


TICKET_SIGNS = (
    Sign(
        code="cancellation_intent",
        bands=("open", "d30", "d90"),
        read=_read_cancellation,
        always=("date",),
    ),
    Sign(code="complaint", bands=("open", "d30", "d90"), read=_read_complaint, always=("date",)),
    Sign(code="contract_terms", bands=("d30", "d90"), read=_read_terms, always=("date",)),
    Sign(code="ticket_reopened", bands=("open", "d60"), read=_read_reopened, always=("date",)),
    Sign(code="ticket_waiting", bands=("d10", "d3"), read=_read_waiting, always=("date",)),
)
