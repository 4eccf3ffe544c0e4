"""Signals of what customers speak of: leaving, complaints, terms, prices, competitors, moving, bills."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from bridge.model import Direction, Interaction, Ticket, TicketType
from bridge.scoring.limits import Settings
from bridge.scoring.signals_reading import (
    DAY,
    NOTHING,
    Moment,
    Reader,
    Reading,
    Sign,
    band_since,
    soonest,
)
from bridge.scoring.signals_tickets import RECENT, dated, opened, read_tickets
from bridge.scoring.view import Held, View

CANCELLATION = "cancellation"
COMPLAINT = "complaint"
COMPETITOR = "competitor"
TOPICS = (CANCELLATION, COMPLAINT, "contract_terms", "price", COMPETITOR, "moving", "billing")
"""Topics that have phrases in config/scoring.yaml."""
NAMED_COMPETITOR = "competitor named"
"""Where the phrase that shows it is the competitor's name."""

_BANDS = tuple(f"d{limit}" for limit in RECENT)


class Heard(Struct, frozen=True):
    """A topic in a record: when, where, and the phrase that shows it."""

    at: datetime
    held: Held[Ticket] | Held[Interaction]
    phrase: str


_Said: TypeAlias = tuple[datetime, Held[Ticket] | Held[Interaction], tuple[str, ...], str]


def hear(view: View, moment: Moment, settings: Settings) -> dict[str, Heard]:
    """Per topic the latest ticket or inbound interaction of the last 90 days that speaks of it.

    Older ones are not even searched, and our own words are not their question.
    """
    said = _words(view, moment.at - RECENT[-1] * DAY)
    heard: dict[str, Heard] = {}
    if not _anything(said, settings):
        return heard
    for at, held, names, text in said:
        topics = settings.spoken.find(text)
        for name in names:
            topics |= settings.spoken.find(name) | settings.named.find(name, alone=True)
        for topic, phrase in topics.items():
            if topic not in heard or at > heard[topic].at:
                heard[topic] = Heard(at, held, phrase)
    return heard


def _anything(said: list[_Said], settings: Settings) -> bool:
    """Is there any topic in it? One question about all of it, because mostly there is none."""
    everything = "\n".join([text for _, _, names, text in said for text in (*names, text)])
    return bool(everything) and (
        settings.spoken.may_find(everything)
        or settings.named.may_find("\n".join([name for _, _, names, _ in said for name in names]))
    )


def _words(view: View, oldest: datetime) -> list[_Said]:
    """Every record after `oldest` a customer speaks in: when, where, what a subject line or menu names, the text."""
    said: list[_Said] = []
    for ticket in view.tickets:
        at = opened(ticket)
        if at > oldest:
            topic = ticket.record.topic
            said.append((at, ticket, (topic,) if topic else (), ticket.record.text or ""))
    for call in view.interactions:
        record = call.record
        at = record.started or call.at
        if at > oldest and record.direction is not Direction.outbound:
            names = (record.intent, *record.menu_path) if record.intent else record.menu_path
            said.append((at, call, names, record.text or ""))
    return said


def _read_topic(code: str, topic: str, view: View, moment: Moment, settings: Settings) -> Reading:
    found = moment.once(hear, view, settings).get(topic)
    if found is None:
        return NOTHING
    band, change = band_since(found.at, RECENT, moment.at)
    return dated(code, band, found.held, found.at, moment, change)


def _reader(code: str, topic: str) -> Reader:
    return lambda view, moment, settings: _read_topic(code, topic, view, moment, settings)


def _read_cancellation(view: View, moment: Moment, settings: Settings) -> Reading:
    """A cancellation ticket, or a recent ticket or interaction that speaks of leaving."""
    return _formal_or_spoken("cancellation_intent", TicketType.cancellation, CANCELLATION, view, moment, settings)


def _read_complaint(view: View, moment: Moment, settings: Settings) -> Reading:
    """A complaint as such, or a recent ticket or interaction in the words of one."""
    return _formal_or_spoken("complaint", TicketType.complaint, COMPLAINT, view, moment, settings)


def _formal_or_spoken(
    code: str, kind: TicketType, topic: str, view: View, moment: Moment, settings: Settings
) -> Reading:
    formal = read_tickets(code, view, moment, lambda held: held.record.type is kind)
    if formal.signal and formal.signal.band == "open":
        return formal
    spoken = _read_topic(code, topic, view, moment, settings)
    if formal.signal is None and spoken.signal is None:
        return Reading(None, soonest((formal.until, spoken.until)))
    bands = ("open", *_BANDS)
    ranks = [bands.index(each.signal.band) if each.signal else len(bands) for each in (formal, spoken)]
    chosen = formal if ranks[0] <= ranks[1] else spoken
    return Reading(chosen.signal, soonest((formal.until, spoken.until)))


def _read_competitor(view: View, moment: Moment, settings: Settings) -> Reading:
    """A competitor by name, or an offer that somebody else made."""
    heard = moment.once(hear, view, settings)
    named, spoken = heard.get(NAMED_COMPETITOR), heard.get(COMPETITOR)
    found = max((each for each in (named, spoken) if each), key=lambda each: each.at, default=None)
    if found is None:
        return NOTHING
    band, change = band_since(found.at, RECENT, moment.at)
    reading = dated("competitor", band, found.held, found.at, moment, change)
    if named is None or named.at < found.at or reading.signal is None:
        return reading
    facts: dict[str, Any] = {**reading.signal.facts, "name": named.phrase}
    return Reading(msgspec.structs.replace(reading.signal, facts=facts), change)


TOPIC_SIGNS = (
    Sign(
        code="cancellation_intent",
        of=("tickets", "interactions"),
        bands=("open", *_BANDS),
        read=_read_cancellation,
        always=("date",),
    ),
    Sign(
        code="complaint",
        of=("tickets", "interactions"),
        bands=("open", *_BANDS),
        read=_read_complaint,
        always=("date",),
    ),
    Sign(
        code="competitor",
        of=("tickets", "interactions"),
        bands=_BANDS,
        read=_read_competitor,
        always=("date",),
        sometimes=("name",),
    ),
    Sign(
        code="contract_terms",
        of=("tickets", "interactions"),
        bands=_BANDS,
        read=_reader("contract_terms", "contract_terms"),
        always=("date",),
    ),
    Sign(
        code="moving", of=("tickets", "interactions"), bands=_BANDS, read=_reader("moving", "moving"), always=("date",)
    ),
    Sign(
        code="price_asked",
        of=("tickets", "interactions"),
        bands=_BANDS,
        read=_reader("price_asked", "price"),
        always=("date",),
    ),
    Sign(
        code="billing_trouble",
        of=("tickets", "interactions"),
        bands=_BANDS,
        read=_reader("billing_trouble", "billing"),
        always=("date",),
    ),
)
