"""The form of an automation, as it stands in `config/automations/*.yaml` and in the store."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from bridge.scoring.wording import Texts

AutomationId = Annotated[str, Meta(pattern="^[a-z0-9_]{1,40}$")]
Condition = Annotated[Any, Meta(extra_json_schema={"$ref": "#/$defs/condition"})]
Days = Annotated[int, Meta(ge=0, le=3650)]
Share = Annotated[float, Meta(ge=0, le=1)]
Mode = Literal["off", "dry", "on"]
FactName = Literal[
    "survey.answered",
    "review.published",
    "ticket.opened",
    "ticket.reopened",
    "ticket.resolved",
    "interaction.ended",
    "interaction.abandoned",
    "contract.cancelled",
    "contract.ending",
    "discount.ending",
    "onboarding.day",
    "customer.inactive",
    "schedule.due",
    "risk.rose",
    "value.changed",
    "usage.fell",
    "customer.responded",
    "loop.overdue",
    "loop.closed",
    "incident.declared",
    "survey.drawn",
]


class _Form(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Unknown names are errors, and what stands at its default is not written."""


class Span(_Form, frozen=True, kw_only=True):
    """A length of time: the sum of what is given."""

    days: Days = 0
    hours: Annotated[int, Meta(ge=0, le=8760)] = 0
    minutes: Annotated[int, Meta(ge=0, le=525_600)] = 0

    @property
    def length(self) -> timedelta:
        return timedelta(days=self.days, hours=self.hours, minutes=self.minutes)


class Schedule(_Form, frozen=True, kw_only=True):
    """Days of the calendar; with nothing given every day. Days beyond a month's end mean its last one."""

    weekday: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] | None = None
    day_of_month: Annotated[int, Meta(ge=1, le=31)] | None = None
    months: tuple[Annotated[int, Meta(ge=1, le=12)], ...] = ()


class When(_Form, frozen=True, kw_only=True):
    """What sets it off. `where` is about the fact alone; what it does not hold for leaves no trace."""

    fact: FactName
    days: Annotated[int, Meta(ge=0, le=3650)] | None = None
    """Before the end (contract.ending, discount.ending), or without a sign of life (customer.inactive)."""
    day: Annotated[int, Meta(ge=0, le=3650)] | None = None
    """With us (onboarding.day)."""
    schedule: Schedule | None = None
    where: Condition = None


class MessageForm(_Form, frozen=True, kw_only=True):
    """What a customer reads: alternatives of a subject, lines of which each is left out where its fact is missing."""

    subject: Texts
    lines: Texts


class SendEmail(_Form, frozen=True, kw_only=True):
    message: str | MessageForm
    """A file of `config/messages/` by its name, or the message itself."""
    through: str = ""
    """The source that does it; left out: as `outreach.yaml` says, else the only one that can."""
    apology: bool = False
    """It apologises: nobody is apologised to twice for one thing."""
    preferred_only: bool = False
    """Left out for who prefers another channel."""


class SendSms(_Form, frozen=True, kw_only=True):
    text: Texts
    through: str = ""
    apology: bool = False
    preferred_only: bool = False


class ScheduleCallback(_Form, frozen=True, kw_only=True):
    reason: Texts
    """For whoever calls."""
    after: Span = Span()
    """Not before; then as soon as the customer may be called."""
    queue: str = ""
    through: str = ""
    apology: bool = False
    preferred_only: bool = False


class InviteSurvey(_Form, frozen=True, kw_only=True):
    survey: str
    """The survey system's id of it."""
    by: Literal["email", "sms"] = "email"
    through: str = ""
    preferred_only: bool = False


class MakeOffer(_Form, frozen=True, kw_only=True):
    """An offer of the catalogue, made by e-mail. Not made to who was granted it and has not cooled down."""

    id: str
    amount: Annotated[float, Meta(ge=0, le=1_000_000)] = 0.0
    message: str | MessageForm
    through: str = ""
    preferred_only: bool = False


class CreateTicket(_Form, frozen=True, kw_only=True):
    subject: Texts
    text: Texts
    priority: Literal["low", "normal", "high", "urgent"] = "normal"
    through: str = ""


class CreateTask(_Form, frozen=True, kw_only=True):
    subject: Texts
    text: Texts = msgspec.field(default_factory=dict)
    due: Days | None = None
    """In so many days."""
    owner: str = ""
    """The vendor's id of a user or queue."""
    through: str = ""


class AddNote(_Form, frozen=True, kw_only=True):
    """On the ticket that set it off, where the same system has it, else on the customer."""

    text: Texts
    through: str = ""


class Notify(_Form, frozen=True, kw_only=True):
    """An e-mail to the customer's account manager, else to the team (`outreach.yaml`)."""

    subject: Texts
    text: Texts
    through: str = ""


class Webhook(_Form, frozen=True, kw_only=True):
    """A note to a source of the adapter `webhook`, which passes it on to whatever listens there."""

    through: str
    text: Texts


class StepForm(_Form, frozen=True, kw_only=True):
    """One step; exactly one of these."""

    send_email: SendEmail | None = None
    send_sms: SendSms | None = None
    schedule_callback: ScheduleCallback | None = None
    invite_survey: InviteSurvey | None = None
    offer: MakeOffer | None = None
    create_ticket: CreateTicket | None = None
    create_task: CreateTask | None = None
    add_note: AddNote | None = None
    notify: Notify | None = None
    webhook: Webhook | None = None
    wait: Span | None = None
    stop_if: Condition = None


DOING: Final = tuple(one.name for one in msgspec.structs.fields(StepForm) if one.name not in ("wait", "stop_if"))
"""Steps that do something, by their names."""


class Budget(_Form, frozen=True, kw_only=True):
    """Whole units of the main currency. What is spent counts what `outreach.yaml` says that each step costs, and what
    an offer costs that is made. Days, months and years are those of UTC."""

    amount: Annotated[float, Meta(gt=0, le=100_000_000)]
    every: Literal["day", "month", "year", "ever"] = "month"


class AtMost(_Form, frozen=True, kw_only=True):
    """How often one customer may get messages of this automation."""

    times: Annotated[int, Meta(ge=1, le=1000)] = 1
    days: Annotated[int, Meta(ge=1, le=3650)] = 90


class AutomationFile(_Form, frozen=True, kw_only=True):
    """The form of a file in `config/automations/`."""

    id: AutomationId
    """Like the file."""
    title: dict[str, str]
    mode: Mode = "off"
    """What it is when it is first read, and after the file changed: off, dry (everything but sending), on."""
    when: When
    condition: Condition = msgspec.field(default=None, name="if")
    """Asked when it is about to begin, of the customer as known then."""
    purpose: Literal["advertising", "service"] = "advertising"
    """Advertising needs proof of consent, service only that it was not denied."""
    do: Annotated[tuple[StepForm, ...], Meta(extra_json_schema={"minItems": 1})]
    max_age: Span = Span(days=2)
    """Older facts set nothing off: nobody wants an apology for last month."""
    window: Annotated[int, Meta(ge=1, le=3650)] = 30
    """Days within which the same cause sets it off once."""
    at_most: AtMost | None = None
    while_ticket_open: Literal["wait", "refuse", "allow"] = "wait"
    """What to do about writing while another matter of the customer's is open."""
    budget: Budget | None = None
    hold_out: Annotated[float, Meta(ge=0, le=0.5)] = 0.0
    """Share of customers that nothing is done for, so that the effect can be measured."""
    roll_out: Share = 1.0
    """Share of customers that it is switched on for."""
