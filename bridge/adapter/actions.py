"""What the bridge can ask a vendor to do, as types: the arguments of each action, checked before anybody is called.

A person is named by `customer`, the vendor's own id of them where the source keeps people, else by phone and e-mail.
Phones are E.164, instants aware UTC, texts plain and already in the customer's language.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta, Struct

from bridge.adapter.delivery import Action
from bridge.errors import VendorRefused, VendorRetryable

Text = Annotated[str, Meta(min_length=1, max_length=20_000)]
# `\Z`, since `$` lets a line feed at the end pass, and `[0-9]`, since `\d` is any script's digits.
Line = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^[^\r\n]*\Z")]
Name = Annotated[str, Meta(max_length=255, pattern=r"^[^\r\n]*\Z")]
Phone = Annotated[str, Meta(pattern=r"^\+[1-9][0-9]{3,14}\Z")]
Email = Annotated[str, Meta(max_length=254, pattern=r"^[^@\s,;<>\"]+@[^@\s,;<>\"]+\Z")]
When = Annotated[datetime, Meta(tz=True)]


class _Arguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Unknown arguments are refused: a misspelt one would silently do less than was asked."""


class AddNote(_Arguments, frozen=True):
    """A note that staff see and the customer does not: on `ticket` where one is named, else on the customer."""

    text: Text
    customer: Name = ""
    ticket: Name = ""


class CreateTask(_Arguments, frozen=True):
    """Something for an employee to do. `owner` is the vendor's id of a user or queue; "" leaves it to the vendor."""

    subject: Line
    text: Annotated[str, Meta(max_length=20_000)] = ""
    customer: Name = ""
    phone: Phone | None = None
    name: Name = ""
    due: date | None = None
    owner: Name = ""


class CreateTicket(_Arguments, frozen=True):
    """A case of a customer's. `priority` is one of the model's words."""

    subject: Line
    text: Text
    customer: Name = ""
    name: Name = ""
    email: Email | None = None
    phone: Phone | None = None
    priority: Annotated[str, Meta(pattern=r"^(low|normal|high|urgent)\Z")] = "normal"


class ScheduleCallback(_Arguments, frozen=True):
    """A call to the customer at `at`; the vendor's queue or flow takes it from there."""

    phone: Phone
    at: When
    name: Name = ""
    reason: Annotated[str, Meta(max_length=2000)] = ""
    customer: Name = ""
    queue: Name = ""


class SendSms(_Arguments, frozen=True):
    """A text message to one phone."""

    to: Phone
    text: Annotated[str, Meta(min_length=1, max_length=1600)]


class SendEmail(_Arguments, frozen=True):
    """An e-mail to one address. `unsubscribe` is where mail programs send who wants no more (https, http or mailto);
    `one_click`: it does so by a POST alone (RFC 8058), which a page of the company's own need not."""

    to: Email
    subject: Line
    text: Text
    name: Name = ""
    reply_to: Email | None = None
    unsubscribe: Annotated[str, Meta(pattern=r"^(https?://|mailto:)\S+\Z")] | None = None
    one_click: bool = False


class InviteSurvey(_Arguments, frozen=True):
    """An invitation to a survey, sent by the survey system itself.

    `survey` is the vendor's id of the survey; `reference` comes back with the answer, so that it finds its customer.
    """

    survey: Name
    reference: Name
    email: Email | None = None
    phone: Phone | None = None
    given_name: Name = ""
    family_name: Name = ""
    language: Annotated[str, Meta(pattern=r"^[a-z]{2}\Z")] = "de"


class Erase(_Arguments, frozen=True):
    """Delete what the vendor keeps of `customer` (its own id), as far as its interface can."""

    customer: Annotated[str, Meta(min_length=1, max_length=255)]


class ExportList(_Arguments, frozen=True):
    """A table for a person or another system. All rows have one value for each of `columns`, in their order."""

    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,79}\Z")]
    columns: Annotated[tuple[Line, ...], Meta(min_length=1, max_length=200)]
    rows: Annotated[tuple[tuple[str, ...], ...], Meta(max_length=100_000)]


ARGUMENTS: Final[dict[str, type[_Arguments]]] = {
    "add_note": AddNote,
    "create_task": CreateTask,
    "create_ticket": CreateTicket,
    "schedule_callback": ScheduleCallback,
    "send_sms": SendSms,
    "send_email": SendEmail,
    "invite_survey": InviteSurvey,
    "erase": Erase,
    "export_list": ExportList,
}
"""The arguments of every action there is."""

EARLY_SECONDS: Final = 30.0
LATE_SECONDS: Final = 1800.0
"""A callback is dialled so much before its time at most, and so much after it."""

A = TypeVar("A", bound=_Arguments)


def arguments(source: str, action: Action, kind: type[A]) -> A:
    """The arguments of `action`, typed. Raises VendorRefused naming the one that does not fit, never its value."""
    try:
        return msgspec.convert(action.args, kind)
    except msgspec.ValidationError as problem:
        place = str(problem).rpartition("`$.")[2].rstrip("`") if "`$." in str(problem) else ""
        named = place or str(problem).split("`")[1] if "`" in str(problem) else "?"
        raise VendorRefused(source, f"{action.do}: the argument {named} is missing or not as it should be") from None


def checked(source: str, action: Action) -> Any:
    """The arguments of `action`, typed by its name. Raises VendorRefused for an action that nobody knows."""
    kind = ARGUMENTS.get(action.do)
    if kind is None:
        raise VendorRefused(source, f"there is no action {action.do}")
    return arguments(source, action, kind)


def check_due(source: str, wanted: ScheduleCallback, now: datetime) -> None:
    """For vendors that dial at once: refuse until it is time, and for good once it is long past.

    Raises VendorRetryable (undone, with the seconds to wait) before `at`, VendorRefused long after it: nobody wants
    to be called at two in the morning because a system was down in the evening.
    """
    wait = (wanted.at - now).total_seconds()
    if wait > EARLY_SECONDS:
        what = "schedule_callback: it is not time yet, and the vendor keeps no calls for later"
        raise VendorRetryable(source, what, retry_after=wait, undone=True)
    if wait < -LATE_SECONDS:
        raise VendorRefused(source, "schedule_callback: the time of the call is long past; agree on another one")


@contextmanager
def before_doing() -> Iterator[None]:
    """Around the questions that come before an action: what fails here leaves everything undone."""
    with _undone(True):
        yield


@contextmanager
def after_doing() -> Iterator[None]:
    """Around the calls that come after a part of an action: whatever fails here, that part was done."""
    with _undone(False):
        yield


@contextmanager
def _undone(surely: bool) -> Iterator[None]:
    try:
        yield
    except VendorRetryable as problem:
        problem.undone = surely
        raise
