"""What can happen to a customer, as types: what automations and open cards react to.

A fact's `id` is made of its kind, its cause and the state it reached, so that computing it twice names it once.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from msgspec import Struct


class FactKind(StrEnum):
    survey_answered = "survey.answered"
    ticket_opened = "ticket.opened"
    ticket_reopened = "ticket.reopened"
    ticket_resolved = "ticket.resolved"
    interaction_ended = "interaction.ended"
    interaction_abandoned = "interaction.abandoned"
    contract_ending = "contract.ending"
    contract_cancelled = "contract.cancelled"
    discount_ending = "discount.ending"
    risk_rose = "risk.rose"
    value_changed = "value.changed"
    customer_inactive = "customer.inactive"
    usage_fell = "usage.fell"
    review_published = "review.published"
    onboarding_day = "onboarding.day"
    """So many days with us are reached."""
    loop_overdue = "loop.overdue"
    loop_closed = "loop.closed"
    incident_declared = "incident.declared"
    schedule_due = "schedule.due"
    """A day of the calendar that an automation waits for."""
    customer_responded = "customer.responded"
    """A link of a message was used: to renew, to accept an offer, to hear no more."""
    survey_drawn = "survey.drawn"
    """The customer is one of those who are asked today."""
    outcome_recorded = "outcome.recorded"
    customer_merged = "customer.merged"
    customer_split = "customer.split"


class Origin(StrEnum):
    """Why the change that caused a fact came in. Only `live` facts may cause outreach."""

    live = "live"
    first_import = "import"
    replay = "replay"
    remap = "remap"
    merge = "merge"
    refresh = "refresh"
    """A new model or configuration, not the customer, changed something."""


class Fact(Struct, frozen=True, kw_only=True):
    """Something happened to `customer` at `occurred_at`, and the bridge knew at `known_at`."""

    id: str
    kind: FactKind
    customer: str
    occurred_at: datetime
    known_at: datetime
    origin: Origin
    cause: str = ""
    """The record it comes from, `source/object/id`, or ""."""
    data: dict[str, Any] = {}


def fact_id(kind: FactKind, cause: str, state: str) -> str:
    """The stable id of a fact: `f_` and 24 hex digits."""
    return "f_" + blake2b(f"{kind.value}\x1f{cause}\x1f{state}".encode(), digest_size=12).hexdigest()
