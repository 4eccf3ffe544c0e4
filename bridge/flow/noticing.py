"""What happened: facts from the difference between two versions of a record, and from crossings of what is computed.

Every fact's id is made of its cause and the state that was reached, so that noticing it twice notes it once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from bridge.facts import Fact, FactKind, Origin, fact_id
from bridge.intake.records import Current, decode
from bridge.model import (
    Contract,
    ContractStatus,
    Interaction,
    InteractionState,
    SurveyMetric,
    SurveyResponse,
    Ticket,
    TicketStatus,
)
from bridge.scoring.result import Band, Signal
from bridge.store import instant

_DONE = (TicketStatus.resolved, TicketStatus.closed)
_BANDS = (Band.unknown, Band.low, Band.medium, Band.high, Band.critical)
_CROSSINGS = {
    "contract_ending": FactKind.contract_ending,
    "discount_ending": FactKind.discount_ending,
    "silence": FactKind.customer_inactive,
    "usage_falling": FactKind.usage_fell,
}
"""Signals that come up with time alone, and the fact that each of their bands is."""


class Standing(Struct, frozen=True, kw_only=True):
    """What was computed for a customer: before, from the stored decision; after, from the new one."""

    band: str
    tier: str
    decision: str


def from_change(
    before: Current | None, after: Current | None, *, customer: str, known_at: datetime, origin: Origin
) -> Iterator[Fact]:
    """Facts of one record that changed for `customer`."""
    if after is None or after.deleted:
        return iter(())
    old = decode(before) if before is not None and not before.deleted else None
    return between(
        old,
        decode(after),
        cause=f"{after.source}/{after.object}/{after.source_id}",
        at=instant(after.effective_at),
        order=after.ord,
        customer=customer,
        known_at=known_at,
        origin=origin,
    )


def between(
    old: Any, new: Any, *, cause: str, at: datetime, order: str, customer: str, known_at: datetime, origin: Origin
) -> Iterator[Fact]:
    """Facts of the record `cause` that was `old` (None: not there) and became `new` at `at`; `order` is its place."""

    def fact(kind: FactKind, state: str, occurred_at: datetime | None, **data: Any) -> Fact:
        return Fact(
            id=fact_id(kind, cause, state),
            kind=kind,
            customer=customer,
            occurred_at=occurred_at or at,
            known_at=known_at,
            origin=origin,
            cause=cause,
            data=data,
        )

    if isinstance(new, Ticket):
        was = old.status if isinstance(old, Ticket) else None
        kind = new.type.value
        if old is None and new.status not in _DONE:
            yield fact(FactKind.ticket_opened, "", new.opened, type=kind, priority=new.priority.value)
        if new.status in _DONE and was not in _DONE:
            yield fact(FactKind.ticket_resolved, str(new.reopened), new.resolved, type=kind)
        if was in _DONE and new.status not in _DONE:
            yield fact(FactKind.ticket_reopened, f"{new.reopened}:{order}", at, type=kind)
    elif isinstance(new, SurveyResponse):
        if new.answered and not (isinstance(old, SurveyResponse) and old.answered and old.score == new.score):
            review = new.metric is SurveyMetric.review
            kind_of = FactKind.review_published if review else FactKind.survey_answered
            yield fact(kind_of, f"{new.score}", new.answered, metric=new.metric.value, score=new.score, scale=new.scale)
    elif isinstance(new, Interaction):
        channel = new.channel.value
        over = old if isinstance(old, Interaction) and old.state is InteractionState.ended else None
        if new.state is InteractionState.ended and over is None:
            yield fact(FactKind.interaction_ended, "", new.ended, channel=channel)
        if new.state is InteractionState.ended and new.abandoned and not (over and over.abandoned):
            # some sources tell of the hanging up only after the end
            yield fact(FactKind.interaction_abandoned, "", new.ended, channel=channel, wait=new.wait_seconds)
    elif isinstance(new, Contract):
        was_on = not (isinstance(old, Contract) and old.status is ContractStatus.cancelled)
        if new.status is ContractStatus.cancelled and was_on:
            yield fact(FactKind.contract_cancelled, f"{new.cancelled_at or ''}", None, product=new.product)


def from_crossings(
    before: Standing | None,
    after: Standing,
    signals: Iterable[Signal],
    *,
    customer: str,
    now: datetime,
    origin: Origin,
) -> Iterator[Fact]:
    """Facts of what is computed: the risk rose, the value tier changed, an end came near, silence set in."""

    def fact(kind: FactKind, cause: str, state: str, **data: Any) -> Fact:
        return Fact(
            id=fact_id(kind, cause or customer, state),
            kind=kind,
            customer=customer,
            occurred_at=now,
            known_at=now,
            origin=origin,
            cause=cause,
            data=data,
        )

    for signal in signals:
        kind = _CROSSINGS.get(signal.code)
        if kind is not None:
            record = signal.evidence.record if signal.evidence else ""
            facts = msgspec.to_builtins(signal.facts)
            state = f"{signal.band}:{_state(facts)}"
            if kind is FactKind.usage_fell:  # measured anew every week: while it stays low, once a month is enough
                record, state = "", f"{signal.band}:{facts.get('metric', '')}:{now:%Y-%m}"
            yield fact(kind, record, state, band=signal.band, **facts)
    if before is None:
        return
    if _BANDS.index(Band(after.band)) > _BANDS.index(Band(before.band)) > 0:
        yield fact(FactKind.risk_rose, "", after.decision, was=before.band, now=after.band)
    if after.tier != before.tier and "unknown" not in (after.tier, before.tier):
        yield fact(FactKind.value_changed, "", after.decision, was=before.tier, now=after.tier)


def _state(facts: dict[str, Any]) -> str:
    return ",".join(f"{name}={value}" for name, value in sorted(facts.items()))
