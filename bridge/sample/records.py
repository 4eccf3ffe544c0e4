"""The made-up contact center's records in neutral terms: what each system would know, and what nobody could.

Ids are the CRM's numbers. A `phone` is in E.164. Instants are aware UTC, dates are calendar dates in Germany.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Literal

from msgspec import Struct

from bridge.model import Channel, Consent, ContractStatus, Money


class Company(Struct, frozen=True, kw_only=True):
    """A company or a household: what several people have in common."""

    id: str
    name: str
    segment: str | None = None
    owner: str | None = None
    prestige: bool = False


class Person(Struct, frozen=True, kw_only=True):
    """A row of the CRM. `same_as` is the id of the row that is the same person entered before."""

    id: str
    name: str
    given_name: str
    family_name: str
    salutation: str
    email: str | None
    phone: str | None
    mobile: str | None = None
    language: str = "de"
    region: str = "Berlin"
    account_id: str | None = None
    job_title: str | None = None
    owner: str | None = None
    preferred_channel: Channel = Channel.unknown
    communication_needs: str | None = None
    customer_since: date | None = None
    consents: tuple[Consent, ...] = ()
    objects_to_profiling: bool = False
    deceased: bool = False
    tags: tuple[str, ...] = ()
    same_as: str | None = None


class User(Struct, frozen=True, kw_only=True):
    """An entry of the helpdesk, which knows only who wrote or called, and the CRM's number of most of them."""

    id: str
    name: str
    email: str | None
    phone: str | None
    crm_id: str | None
    language: str
    since: datetime
    shared_phone: bool = False
    deleted: datetime | None = None
    """Gone since then: asked to be, or merged into another entry of the same person."""


class Agreement(Struct, frozen=True, kw_only=True):
    """A contract. `customer_id` signed it; where `account_id` is given, it is the company's.

    It has stood like this since `changed`; None where nobody noted it.
    """

    id: str
    customer_id: str
    account_id: str | None = None
    product: str
    status: ContractStatus
    starts: date
    ends: date | None = None
    notice_by: date | None = None
    renewal: Literal["automatic", "manual"] = "automatic"
    monthly_amount: Money
    discount_ends: date | None = None
    amount_after_discount: Money | None = None
    cancelled_at: date | None = None
    cancel_reason: str | None = None
    changed: date | None = None


class Sale(Struct, frozen=True, kw_only=True):
    """A purchase: a device, or the first charge of an option."""

    id: str
    customer_id: str
    at: datetime
    amount: Money
    margin: Money | None = None
    product: str | None = None
    refunded: bool = False


class Case(Struct, frozen=True, kw_only=True):
    """A ticket. `repeated` and `late`: how the helpdesk's news of it travelled."""

    id: str
    customer_id: str
    user_id: str
    type: Literal["question", "problem", "complaint", "cancellation"]
    subject: str
    text: str
    opened: datetime
    status: Literal["new", "open", "waiting", "resolved", "closed"]
    priority: Literal["low", "normal", "high", "urgent"] = "normal"
    first_reply: datetime | None = None
    settled: datetime | None = None
    reopened: int = 0
    score: Literal["good", "bad"] | None = None
    repeated: bool = False
    late: bool = False


class Survey(Struct, frozen=True, kw_only=True):
    """One invitation. NPS is 0 to 10, CSAT 1 to 5; an exit survey has no score. `answered` None: never was."""

    id: str
    customer_id: str
    metric: Literal["nps", "csat", "exit"]
    sent: datetime
    answered: datetime | None = None
    score: int | None = None
    felt: int | None = None
    """What the answer is, or would have been: no system knows it of those who kept silent."""
    comment: str | None = None
    reason_for_leaving: str | None = None
    left_others_because: str | None = None


class Call(Struct, frozen=True, kw_only=True):
    """`answered` is when a person took it. `phone` is None where the number was withheld."""

    id: str
    customer_id: str | None
    phone: str | None
    our_number: str
    started: datetime
    answered: datetime | None
    ended: datetime
    wait_seconds: int
    abandoned: bool
    menu_path: tuple[str, ...]
    queue: str
    direction: Literal["inbound", "outbound"] = "inbound"


class Reading(Struct, frozen=True, kw_only=True):
    """One measure of one day: `data_gb` of the week that ends then, `email_open` (1 or 0) of a newsletter sent then."""

    customer_id: str
    metric: str
    day: date
    value: float


class Cause(StrEnum):
    """Why somebody leaves. Several pull at once; the first to win counts."""

    service = "service"
    price = "price"
    competitor = "competitor"
    moving = "moving"
    onboarding = "onboarding"
    drift = "drift"
    death = "death"


class Fate(Struct, frozen=True, kw_only=True):
    """The truth about one customer, which no system knows.

    `decided`, `noticed` and `left` follow one another and may each be still to come (None). `risk` is the true
    probability to give notice within the 90 days from now if nobody does anything (none for those who have decided to
    and wait for longer), `under` the same under each script; `would_leave` and `leaves_under` say how the die falls
    in either case.
    """

    customer_id: str
    cause: Cause | None = None
    decided: date | None = None
    noticed: date | None = None
    left: date | None = None
    fuse: float
    thrift: float
    voice: float
    roots: float
    strain: float
    mood: int | None = None
    """What they would answer today if asked, 0 to 10, whether they would recommend us; None for who has left."""
    risk: float = 0.0
    would_leave: bool = False
    under: dict[str, float] = {}
    leaves_under: dict[str, bool] = {}


class Caller(Struct, frozen=True, kw_only=True):
    """Somebody worth a call, with what is the matter in each language."""

    phone: str
    about: dict[str, str]
    customer_id: str
