"""The forms of `config/surveys/*.yaml`, one plan each, and of `config/surveying.yaml`, what holds for all of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from bridge.automation.forms import FactName, MessageForm, Schedule, Span

PlanId = Annotated[str, Meta(pattern="^[a-z0-9_]{1,32}$")]
Condition = Annotated[Any, Meta(extra_json_schema={"$ref": "#/$defs/condition"})]
Share = Annotated[float, Meta(gt=0, le=1)]
Days = Annotated[int, Meta(ge=1, le=3650)]
Metric = Literal["nps", "csat", "ces", "exit"]


class _Form(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Unknown names are errors, and what stands at its default is not written."""


class Occasion(_Form, frozen=True, kw_only=True):
    """When a customer comes up: every so many days, or some time after something happened."""

    every: Annotated[int, Meta(ge=7, le=3650)] | None = None
    """Days. Customers are spread over them, so that a few come up each day."""
    after: FactName | None = None
    days: Annotated[int, Meta(ge=0, le=3650)] | None = None
    """Before the end (contract.ending, discount.ending), or without a sign of life (customer.inactive)."""
    day: Annotated[int, Meta(ge=0, le=3650)] | None = None
    """With us (onboarding.day)."""
    schedule: Schedule | None = None
    where: Condition = None
    """About the fact alone."""
    delay: Span = Span()
    """After the fact, before the customer comes up."""


class Invite(_Form, frozen=True, kw_only=True):
    """How customers are asked: by the survey system, or by an e-mail of ours with a link in it. One of the two."""

    survey: str = ""
    """The survey system's id of it."""
    by: Literal["email", "sms"] = "email"
    message: str | MessageForm | None = None
    """A file of `config/messages/` by its name, or the message itself; names `survey_link`."""
    link: Annotated[str, Meta(pattern=r"^(https://[^ ]+)?$")] = ""
    """With `message`: the form's address, with {id:crm} (the customer's id in that source), and {reference},
    {language}, {sent_at} where they help: https://forms.example.com/to/AbC#crm_id={id:crm}&sent_at={sent_at}."""
    through: str = ""
    """The source that does it; left out: as `outreach.yaml` says, else the only one that can."""
    preferred_only: bool = False
    """Left out for who prefers another channel."""


class TrancheForm(_Form, frozen=True, kw_only=True):
    """How many are asked in a day."""

    most: Annotated[int, Meta(ge=1, le=100_000)] = 200
    balance: Literal["even", "answers"] = "even"
    """even: everybody of an owner with the same probability; answers: strata that answer less are asked more."""


class Expected(_Form, frozen=True, kw_only=True):
    """What is counted with before there are answers of one's own; these take over as they come."""

    answers: Share = 0.25
    """Share of those asked who answer."""
    bad: Share = 0.2
    """Share of answers that somebody has to react to."""


class SurveyFile(_Form, frozen=True, kw_only=True):
    """The form of a file in `config/surveys/`."""

    id: PlanId
    """Like the file."""
    title: dict[str, str]
    metric: Metric
    mode: Literal["off", "dry", "on"] = "off"
    """What it is when it is first read, and after the file changed: off, dry (everything but sending), on."""
    when: Occasion
    who: Condition = None
    """Of the customer as known when they come up."""
    invite: Invite
    purpose: Literal["advertising", "service"] = "advertising"
    """Advertising needs proof of consent. A survey by e-mail is advertising in German law (BGH VI ZR 225/17), so think
    twice before you write service here."""
    while_ticket_open: Literal["wait", "refuse", "allow"] = "refuse"
    """What to do about asking while a matter of the customer's is open."""
    tranche: TrancheForm = TrancheForm()
    bad: Annotated[float, Meta(ge=0, le=100)] | None = None
    """The highest score that somebody has to react to. Left out: 6 for nps, two of five for csat and ces (on any scale
    the same share), every answer for exit."""
    expect: Expected = Expected()


class Fatigue(_Form, frozen=True, kw_only=True):
    """How rarely one customer is asked, by all surveys together, those of automations and other systems included."""

    rest_days: Days = 60
    """After any invitation."""
    unanswered: Annotated[float, Meta(ge=1, le=10)] = 2.0
    """Times as long for each invitation in a row that stayed without an answer."""
    longest_rest_days: Days = 365
    most: Annotated[int, Meta(ge=1, le=100)] = 4
    """Invitations …"""
    most_days: Days = 365
    """… within so many days."""


class SurveyingFile(_Form, frozen=True, kw_only=True):
    """The form of `config/surveying.yaml`; what is left out is careful."""

    fatigue: Fatigue = Fatigue()
    patience_days: Annotated[int, Meta(ge=0, le=90)] = 10
    """For so long somebody who came up waits for an owner who has time."""
    answer_days: Annotated[int, Meta(ge=1, le=90)] = 14
    """After which an invitation counts as unanswered."""
    in_flight_days: Annotated[int, Meta(ge=1, le=90)] = 5
    """For so long the answers to an invitation are still counted with: most come in the first days."""


NOTHING_SAID = SurveyingFile()


BAD_SHARE = 0.4
"""Of its scale: up to here an answer to csat or ces is a bad one."""


def bad_up_to(file: SurveyFile) -> float | None:
    """The highest score that somebody has to react to, of csat and ces on a scale of five; None: every answer."""
    if file.bad is not None:
        return file.bad
    return {"nps": 6.0, "exit": None}.get(file.metric, 2.0)


def canonical(form: Struct) -> bytes:
    """The form as JSON that is always the same for the same content."""
    return msgspec.json.encode(form, order="deterministic")
