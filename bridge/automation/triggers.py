"""What can set an automation off, and what is known of it: the names `fact.…` that conditions and texts may use."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from msgspec import Struct

from bridge.conditions import Field, Kind, Vocabulary
from bridge.facts import FactKind
from bridge.model import Channel, Priority, SurveyMetric, TicketType
from bridge.scoring.result import Band, Tier

_BANDS = Field(kind=Kind.ordered, values=(Band.low, Band.medium, Band.high, Band.critical), beside=(Band.unknown,))
_TIERS = Field(kind=Kind.ordered, values=(Tier.bronze, Tier.silver, Tier.gold, Tier.platinum), beside=(Tier.unknown,))
_TICKET = {
    "type": Field(kind=Kind.choice, values=tuple(one.value for one in TicketType)),
    "priority": Field(kind=Kind.choice, values=tuple(one.value for one in Priority)),
}
_SURVEY = {
    "metric": Field(kind=Kind.choice, values=tuple(one.value for one in SurveyMetric)),
    "score": Field(kind=Kind.number, about="As it was given, on its own scale"),
    "scale": Field(kind=Kind.number, about="The highest possible score"),
}
_CALL = {"channel": Field(kind=Kind.choice, values=tuple(one.value for one in Channel))}
_DATED = {
    "date": Field(kind=Kind.day, about="The day on which it ends"),
    "days": Field(kind=Kind.number, about="Days from now until then"),
    "product": Field(kind=Kind.text),
}


class Trigger(Struct, frozen=True, kw_only=True):
    """One kind of fact as automations see it. `counts` is the parameter that it needs: `days` before, `day` of."""

    fields: Vocabulary
    counts: str = ""
    by_clock: bool = False
    """Nothing happens to the customer: a day has come, an incident began. Such facts are made for the automations that
    wait for them (see `dated`)."""
    profiles: bool = False
    """It is an assessment of the customer; who objects to profiling is not written to because of it."""


TRIGGERS: Final[dict[FactKind, Trigger]] = {
    FactKind.survey_answered: Trigger(fields=_SURVEY),
    FactKind.review_published: Trigger(fields=_SURVEY),
    FactKind.ticket_opened: Trigger(fields=_TICKET),
    FactKind.ticket_reopened: Trigger(fields={"type": _TICKET["type"]}),
    FactKind.ticket_resolved: Trigger(fields={"type": _TICKET["type"]}),
    FactKind.interaction_ended: Trigger(fields=_CALL),
    FactKind.interaction_abandoned: Trigger(
        fields={**_CALL, "wait": Field(kind=Kind.number, about="Seconds until the caller hung up")}
    ),
    FactKind.contract_cancelled: Trigger(fields={"product": _DATED["product"]}),
    FactKind.contract_ending: Trigger(fields=_DATED, counts="days", by_clock=True),
    FactKind.discount_ending: Trigger(fields=_DATED, counts="days", by_clock=True),
    FactKind.onboarding_day: Trigger(
        fields={"day": Field(kind=Kind.number), "date": Field(kind=Kind.day, about="The first day with us")},
        counts="day",
        by_clock=True,
    ),
    FactKind.customer_inactive: Trigger(
        fields={"days": Field(kind=Kind.number), "date": Field(kind=Kind.day, about="The last sign of life")},
        counts="days",
        by_clock=True,
    ),
    FactKind.schedule_due: Trigger(fields={"date": Field(kind=Kind.day)}, by_clock=True),
    FactKind.risk_rose: Trigger(fields={"was": _BANDS, "now": _BANDS}, profiles=True),
    FactKind.value_changed: Trigger(fields={"was": _TIERS, "now": _TIERS}, profiles=True),
    FactKind.usage_fell: Trigger(fields={"metric": Field(kind=Kind.text)}, profiles=True),
    FactKind.customer_responded: Trigger(
        fields={
            "answer": Field(kind=Kind.choice, values=("renew", "accept", "unsubscribe"), about="What the link was for"),
            "channel": Field(kind=Kind.choice, values=tuple(one.value for one in Channel), about="Of the message"),
            "product": Field(kind=Kind.text, about="Of the contract that is to be renewed"),
            "offer": Field(kind=Kind.text, about="Id of the offer that was accepted"),
            "automation": Field(kind=Kind.text, about="Id of the automation whose message it was"),
        }
    ),
    FactKind.loop_overdue: Trigger(
        fields={
            "clock": Field(kind=Kind.choice, values=("reply", "resolution")),
            "escalation": Field(kind=Kind.number),
        }
    ),
    FactKind.survey_drawn: Trigger(
        fields={
            "survey": Field(kind=Kind.text, about="The id of the plan in config/surveys"),
            "metric": _SURVEY["metric"],
        }
    ),
    FactKind.loop_closed: Trigger(
        fields={
            "matter": Field(kind=Kind.text),
            "cause": Field(kind=Kind.text, about="The code of the cause, of config/loops.yaml; else unknown"),
            "done": Field(kind=Kind.boolean, about="A person wrote down what was done"),
            "days": Field(kind=Kind.number, about="Days for which the loop was open"),
            "lesson_de": Field(kind=Kind.text, about="What customers may read of the lesson that was drawn from it"),
            "lesson_en": Field(kind=Kind.text, about="What customers may read of the lesson that was drawn from it"),
        }
    ),
    FactKind.incident_declared: Trigger(fields={"incident": Field(kind=Kind.text)}, by_clock=True),
}
"""Every kind that may stand in `when`."""

SINCE: Final[Vocabulary] = {
    "since.days": Field(kind=Kind.number, about="Days since the fact"),
    "since.talked": Field(kind=Kind.boolean, about="The customer spoke or wrote with a person since the fact"),
    "since.resolved": Field(kind=Kind.number, about="Tickets resolved since the fact"),
    "since.bought": Field(kind=Kind.boolean, about="Something was bought since the fact"),
    "since.loop_closed": Field(kind=Kind.boolean, about="A loop of the customer was closed since the fact"),
    "since.answered": Field(kind=Kind.boolean, about="A survey was answered since the fact"),
    "since.responded": Field(kind=Kind.boolean, about="A link of a message was used since the fact"),
}
"""What became of the customer between the fact and now."""


def fact_vocabulary(kind: FactKind) -> dict[str, Field]:
    """The names `fact.…` of one kind."""
    return {f"fact.{name}": field for name, field in TRIGGERS[kind].fields.items()}


def all_facts() -> dict[str, Field]:
    """The names `fact.…` of all kinds, for editors; where kinds differ the first counts."""
    found: dict[str, Field] = {}
    for kind in TRIGGERS:
        found = fact_vocabulary(kind) | found
    return found


def fact_values(kind: FactKind, data: Mapping[str, Any]) -> dict[str, Any]:
    """What a fact says, under the names of conditions; days that were stored as text are days again."""
    values: dict[str, Any] = {}
    for name, field in TRIGGERS[kind].fields.items():
        value = data.get(name)
        if field.kind is Kind.day and isinstance(value, str):
            value = date.fromisoformat(value)
        elif field.kind is Kind.day and isinstance(value, datetime):
            value = value.date()
        if value is not None:
            values[f"fact.{name}"] = value
    return values
