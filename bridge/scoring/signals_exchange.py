"""Signals of how one speaks with each other: no personal word, only mass mail, e-mails and surveys left unanswered."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from bridge.model import Channel, Direction, Interaction
from bridge.scoring.limits import Settings
from bridge.scoring.result import Evidence, Signal
from bridge.scoring.signals_contracts import goes_on
from bridge.scoring.signals_reading import (
    DAY,
    NOTHING,
    Moment,
    Reading,
    Sign,
    band_longer,
    evidence,
    later,
    soonest,
)
from bridge.scoring.signals_usage import noon_of, usage_by_metric
from bridge.scoring.view import Held, View

NO_EXCHANGE = (365, 730)
ONLY_MAILINGS = (180, 365)
FEWEST_MAILINGS = 3
UNOPENED = (6, 3)
UNANSWERED = (4, 2)
YEAR = timedelta(days=365)
"""Mailings and surveys of longer ago say nothing about today."""
TIME_TO_OPEN = 7 * DAY
TIME_TO_ANSWER = 14 * DAY


def is_personal(record: Interaction) -> bool:
    """Said by its source; where it does not say: whatever the customer began, and every call and chat."""
    if record.personal is not None:
        return record.personal
    return record.direction is Direction.inbound or record.channel in (Channel.voice, Channel.chat)


def _last_word(view: View, moment: Moment, settings: Settings) -> tuple[datetime, Evidence] | None:
    """The latest ticket or personal interaction."""
    latest: tuple[datetime, Held[Any]] | None = None
    for held in view.interactions:
        at = held.record.started or held.at
        if (latest is None or at > latest[0]) and is_personal(held.record):
            latest = (at, held)
    for ticket in view.tickets:
        at = ticket.record.opened or ticket.at
        if latest is None or at > latest[0]:
            latest = (at, ticket)
    return None if latest is None else (latest[0], evidence(latest[1], latest[0]))


def _read_no_exchange(view: View, moment: Moment, settings: Settings) -> Reading:
    """A contract runs, but the last ticket or personal word, of which there was one, is a year or two ago."""
    if not any(goes_on(held.record) for held in view.contracts):
        return NOTHING
    last = moment.once(_last_word, view, settings)
    if last is None:
        return NOTHING
    band, change = band_longer(last[0], NO_EXCHANGE, moment.at)
    if band is None:
        return Reading(None, change)
    facts = {"date": moment.day_of(last[0])}
    return Reading(Signal(code="no_exchange", band=band, evidence=last[1], facts=facts), change)


def _mailings(view: View, moment: Moment, settings: Settings) -> list[tuple[datetime, Held[Interaction]]]:
    """Mass mail of the last year, oldest first."""
    oldest = moment.at - YEAR
    sent = []
    for held in view.interactions:
        record = held.record
        if record.personal is False and record.direction is not Direction.inbound:
            at = record.started or held.at
            if at > oldest:
                sent.append((at, held))
    sent.sort(key=lambda each: (each[0], each[1].ref))
    return sent


def _read_only_mailings(view: View, moment: Moment, settings: Settings) -> Reading:
    """Three or more mass mailings within a year, and for half a year or a year no personal word beside them."""
    mailings = moment.once(_mailings, view, settings)
    if len(mailings) < FEWEST_MAILINGS:
        return NOTHING
    last = moment.once(_last_word, view, settings)
    unanswered = [each for each in mailings if last is None or each[0] > last[0]]
    if len(unanswered) < FEWEST_MAILINGS:
        return NOTHING
    leaves = later(unanswered[0][0], YEAR)
    since = last[0] if last else unanswered[0][0]
    band, change = band_longer(since, ONLY_MAILINGS, moment.at)
    until = soonest((leaves, change))
    if band is None:
        return Reading(None, until)
    at, held = unanswered[-1]
    facts = {"date": moment.day_of(since), "count": len(unanswered)}
    return Reading(Signal(code="only_mailings", band=band, evidence=evidence(held, at), facts=facts), until)


def _read_unopened(view: View, moment: Moment, settings: Settings) -> Reading:
    """Three or six e-mails within a year since the last one that was opened; only where somebody counts openings.

    Days on which nothing was opened count as e-mails where they are recorded, else mass mailings do.
    """
    tracked = moment.once(usage_by_metric, view, settings).get(settings.limits.opens_metric)
    if not tracked:
        return NOTHING
    opened_on = max((day for day, value, _ in tracked if value > 0), default=None)
    shut: list[tuple[datetime, Held[Any]]] = [(noon_of(day), held) for day, value, held in tracked if value <= 0]
    if not shut:
        mailings = moment.once(_mailings, view, settings)
        shut = [(at, held) for at, held in mailings if held.record.channel in (Channel.email, Channel.unknown)]
    return _counted("emails_unopened", shut, opened_on, UNOPENED, TIME_TO_OPEN, moment)


def _read_unanswered(view: View, moment: Moment, settings: Settings) -> Reading:
    """Two or four surveys within a year since the last one that was answered."""
    if not view.surveys:
        return NOTHING
    answered = max((held.record.answered for held in view.surveys if held.record.answered), default=None)
    silent: list[tuple[datetime, Held[Any]]] = [
        (held.record.sent, held) for held in view.surveys if held.record.sent and not held.record.answered
    ]
    answered_on = answered.date() if answered else None
    return _counted("surveys_unanswered", silent, answered_on, UNANSWERED, TIME_TO_ANSWER, moment)


def _counted(
    code: str,
    sent: list[tuple[datetime, Held[Any]]],
    reacted_on: date | None,
    bands: tuple[int, ...],
    patience: timedelta,
    moment: Moment,
) -> Reading:
    """The band by how many of `sent` had no reaction: after the last one, within a year, and given some time."""
    silent = []
    changes = []
    for at, held in sent:
        if (reacted_on is not None and at.date() <= reacted_on) or (leaves := later(at, YEAR)) <= moment.at:
            continue
        due = later(at, patience)
        if due <= moment.at:
            silent.append((at, held))
            changes.append(leaves)
        else:
            changes.append(due)
    until = soonest(changes)
    reached = next((limit for limit in bands if len(silent) >= limit), None)
    if reached is None:
        return Reading(None, until)
    at, held = max(silent, key=lambda each: (each[0], each[1].ref))
    facts: dict[str, Any] = {"count": len(silent)}
    if reacted_on is not None:
        facts["date"] = reacted_on
    return Reading(Signal(code=code, band=f"x{reached}", evidence=evidence(held, at), facts=facts), until)


EXCHANGE_SIGNS = (
    Sign(code="no_exchange", of=("contracts",), bands=("d730", "d365"), read=_read_no_exchange, always=("date",)),
    Sign(
        code="only_mailings",
        of=("interactions",),
        bands=("d365", "d180"),
        read=_read_only_mailings,
        always=("date", "count"),
    ),
    Sign(
        code="surveys_unanswered",
        of=("surveys",),
        bands=tuple(f"x{limit}" for limit in UNANSWERED),
        read=_read_unanswered,
        always=("count",),
        sometimes=("date",),
    ),
    Sign(
        code="emails_unopened",
        of=("usage",),
        bands=tuple(f"x{limit}" for limit in UNOPENED),
        read=_read_unopened,
        always=("count",),
        sometimes=("date",),
    ),
)
