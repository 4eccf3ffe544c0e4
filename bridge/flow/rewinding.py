"""One record as it stood at an earlier instant, from all that was ever told of it: pure, and blind to what came after.

What a source tells live counts from the moment it was told. What came in by a first import, or took effect before its
source went live, counts from the vendor's own "updated at"; without one it is *undated* and counts from the import.

A record of which nothing counts yet, but something was imported later, is *rewound* from the first that was told of
it: only what carries its own date inside the record is believed, and what changes over time is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timezone, tzinfo
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from bridge.intake.records import Current, Version, apply, decode
from bridge.model import (
    Account,
    Channel,
    Contract,
    ContractStatus,
    Customer,
    EntryKind,
    Interaction,
    InteractionState,
    Priority,
    Record,
    Satisfaction,
    SurveyResponse,
    Ticket,
    TicketStatus,
)
from bridge.scoring.view import Held
from bridge.store import instant, micros

_BODIED = (EntryKind.full.value, EntryKind.patch.value)


class Point(Struct, frozen=True):
    """An instant looked back from, in microseconds too, and as the calendar date of the company's place."""

    at: datetime
    micros: int
    today: date


def point(at: datetime, zone: tzinfo) -> Point:
    """`at` (aware) with its date in `zone`."""
    return Point(at, micros(at), at.astimezone(zone).date())


class Told(Struct, frozen=True, kw_only=True):
    """All versions of one record in their order, with the microsecond from which each counts."""

    versions: tuple[Version, ...]
    counts: tuple[int, ...]
    imported: bool
    """One of them at least came in by import: before that the record may have been there without our knowing."""
    dated: bool
    """One of those that were imported at least says when it took effect."""


def told(versions: Iterable[Version], live_since: int | None) -> Told:
    """The versions of one record of a source that is live since `live_since` (None: not yet), sorted."""
    placed = tuple(sorted(versions, key=lambda one: one.place))
    counts: list[int] = []
    imported = dated = False
    for one in placed:
        took = one.effective_at
        if live_since is None or one.known_at <= live_since or (took is not None and took < live_since):
            imported = True
            dated = dated or took is not None
            counts.append(one.known_at if took is None else min(took, one.known_at))
        else:
            counts.append(one.known_at)
    return Told(versions=placed, counts=tuple(counts), imported=imported, dated=dated)


class Stood(Struct, frozen=True):
    """A record as it stood. `subject` is whom it was about then; `rewound` that no version of it counted yet."""

    subject: str
    held: Held[Any]
    rewound: bool


def stood(one: Told, points: Sequence[Point]) -> list[Stood | None]:
    """The record at each of `points`; None where it was not there yet, was deleted, or cannot be dated."""
    found: list[Stood | None] = []
    last: tuple[list[int], Current, Any] | None = None
    for at in points:
        places = [place for place, begin in enumerate(one.counts) if begin <= at.micros]
        counted = bool(places)
        if not counted and one.imported:
            places = _first(one)
        if last is None or last[0] != places:
            current = _folded(one, places)
            if current is None:
                found.append(None)
                continue
            last = (places, current, None if current.deleted else decode(current))
        _, current, record = last
        if record is None:
            found.append(None)
        elif counted and _KINDS[current.object].fits(record, at):
            begin = max(one.counts[place] for place in places)
            found.append(Stood(current.subject, _held(current, min(current.effective_at, begin), begin, record), False))
        else:
            found.append(_rewound(current, record, at))
    return found


def _folded(one: Told, places: Sequence[int]) -> Current | None:
    """What the versions at `places`, which ascend, make together; none before the last whole one need be looked at."""
    begin = len(places)
    while begin > 0:
        begin -= 1
        version = one.versions[places[begin]]
        if version.kind == EntryKind.full.value and version.subject:
            break
    current: Current | None = None
    for place in places[begin:]:
        current = apply(current, one.versions[place])
    return current


def _first(one: Told) -> list[int]:
    """The place of the first version that says what the record holds, as a list; empty where none does."""
    for place, version in enumerate(one.versions):
        if version.kind in _BODIED:
            return [place]
    return []


def _held(current: Current, at: int, known_at: int, record: Record) -> Held[Any]:
    return Held(
        source=current.source,
        object=current.object,
        source_id=current.source_id,
        at=instant(at),
        known_at=instant(known_at),
        record=record,
    )


def _rewound(current: Current, record: Record, at: Point) -> Stood | None:
    """What of a later `record` can have been known at `at`; None where it was not there or does not say since when."""
    kind = _KINDS[current.object]
    begin = kind.began(record)
    if begin is None or not kind.there(record, at):
        return None
    began = min(micros(begin), at.micros)  # a day has begun earlier there than in UTC
    return Stood(current.subject, _held(current, began, began, kind.rewind(record, at)), True)


_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), timezone.utc)


def _by(when: datetime | None, at: Point) -> bool:
    """False for what lies ahead; what has no date cannot."""
    return when is None or when <= at.at


def _on(day: date | None, at: Point) -> bool:
    return day is None or day <= at.today


def _had(when: datetime | None, at: Point) -> bool:
    """True for what is dated, and over."""
    return when is not None and when <= at.at


class _Kind(Struct, frozen=True, kw_only=True):
    """How records of one kind stand in time."""

    began: Callable[[Any], datetime | None]
    """The record's own date: since when it is there."""
    there: Callable[[Any, Point], bool]
    """That it had begun, by its own date."""
    fits: Callable[[Any, Point], bool]
    """That nothing in it is dated later: what is, was written later."""
    rewind: Callable[[Any, Point], Record]
    """What is left of it when only its own dates are believed."""


def _rewind_customer(record: Customer, at: Point) -> Customer:
    return replace(
        record,
        job_title=None,
        owner=None,
        preferred_channel=Channel.unknown,
        communication_needs=None,
        consents=tuple(one for one in record.consents if _had(one.at, at)),
        objects_to_profiling=False,
        deceased=False,
        tags=(),
    )


def _rewind_account(record: Account, at: Point) -> Account:
    return replace(record, segment=None, owner=None, prestige=False)


def _fits_contract(record: Contract, at: Point) -> bool:
    ended = record.status is ContractStatus.ended and record.ends is not None and record.ends > at.today
    return not ended and _on(record.cancelled_at, at)


def _rewind_contract(record: Contract, at: Point) -> Contract:
    """Active, unless its own dates say that notice had been given, or that it was over, by then."""
    bare = replace(
        record,
        status=ContractStatus.active,
        ends=None,
        notice_by=None,
        monthly_amount=None,
        discount_ends=None,
        amount_after_discount=None,
        cancelled_at=None,
        cancel_reason=None,
    )
    noticed = record.cancelled_at is not None and record.cancelled_at <= at.today
    over = record.status is ContractStatus.ended and record.ends is not None and record.ends < at.today
    if noticed:
        over = over or (record.ends is not None and record.ends < at.today)
        bare = replace(bare, cancelled_at=record.cancelled_at, cancel_reason=record.cancel_reason)
    if noticed or over:
        status = ContractStatus.ended if over else ContractStatus.cancelled
        return replace(bare, status=status, ends=record.ends)
    return bare


def _rewind_ticket(record: Ticket, at: Point) -> Ticket:
    done = _had(record.resolved, at)
    return replace(
        record,
        status=TicketStatus.resolved if done else TicketStatus.open,
        priority=Priority.unknown,
        first_reply=record.first_reply if _had(record.first_reply, at) else None,
        resolved=record.resolved if done else None,
        reopened=0,
        satisfaction=Satisfaction.unknown,
        satisfaction_comment=None,
        tags=(),
    )


def _rewind_interaction(record: Interaction, at: Point) -> Interaction:
    if _had(record.ended, at):
        return record
    going = record.ended is not None
    return replace(
        record,
        state=InteractionState.unknown,
        ended=None,
        agent=None if going else record.agent,
        intent=None if going else record.intent,
        wait_seconds=None,
        abandoned=False,
        disposition=None,
        text=None if going else record.text,  # a letter or a mail has no end, and its words are there from the start
    )


def _rewind_survey(record: SurveyResponse, at: Point) -> SurveyResponse:
    if _had(record.answered, at):
        return record
    return SurveyResponse(metric=record.metric, sent=record.sent)


_KINDS: Mapping[str, _Kind] = {
    "customer": _Kind(
        began=lambda one: _EPOCH if one.customer_since is None else _start(one.customer_since),
        there=lambda one, at: _on(one.customer_since, at),
        fits=lambda one, at: True,
        rewind=_rewind_customer,
    ),
    "account": _Kind(
        began=lambda one: _EPOCH, there=lambda one, at: True, fits=lambda one, at: True, rewind=_rewind_account
    ),
    "contract": _Kind(
        began=lambda one: None if one.starts is None else _start(one.starts),
        there=lambda one, at: _on(one.starts, at),
        fits=_fits_contract,
        rewind=_rewind_contract,
    ),
    "purchase": _Kind(
        began=lambda one: one.at,
        there=lambda one, at: _by(one.at, at),
        fits=lambda one, at: _by(one.at, at),
        rewind=lambda one, at: replace(one, refunded=False),
    ),
    "ticket": _Kind(
        began=lambda one: one.opened,
        there=lambda one, at: _by(one.opened, at),
        fits=lambda one, at: _by(one.opened, at) and _by(one.first_reply, at) and _by(one.resolved, at),
        rewind=_rewind_ticket,
    ),
    "interaction": _Kind(
        began=lambda one: one.started or one.ended,
        there=lambda one, at: _by(one.started or one.ended, at),
        fits=lambda one, at: _by(one.started, at) and _by(one.ended, at),
        rewind=_rewind_interaction,
    ),
    "survey_response": _Kind(
        began=lambda one: one.sent or one.answered,
        there=lambda one, at: _by(one.sent or one.answered, at),
        fits=lambda one, at: _by(one.sent, at) and _by(one.answered, at),
        rewind=_rewind_survey,
    ),
    "usage": _Kind(
        began=lambda one: None if one.day is None else _start(one.day),
        there=lambda one, at: one.day < at.today,  # the day of `at` is not over, and its measure is of the whole day
        fits=lambda one, at: _on(one.day, at),
        rewind=lambda one, at: one,
    ),
}
