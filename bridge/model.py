"""The shared customer model: what every vendor's record becomes, in closed vocabularies.

All structs are frozen. Instants are aware UTC datetimes, dates are dates, money is integer minor units with an ISO 4217
code. Every vocabulary has `unknown`; a vendor's word that nobody mapped becomes it and is never an error.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

MAX_TEXT = 4000
"""Longest free text that is kept of a ticket, an interaction or a comment, in characters."""

_MINOR_DIGITS = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
}
"""ISO 4217 currencies whose minor unit is not two digits."""


class Money(Struct, frozen=True, order=True):
    """An amount in minor units (cents) of one currency. Amounts of two currencies never add up."""

    minor: int
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")]

    @classmethod
    def of(cls, amount: Decimal | int, currency: str) -> Money:
        """`amount` in major units, rounded half-even to the currency's minor unit."""
        scale = Decimal(10) ** _MINOR_DIGITS.get(currency, 2)
        return cls(int((Decimal(amount) * scale).quantize(Decimal(1), ROUND_HALF_EVEN)), currency)

    @property
    def amount(self) -> Decimal:
        """The amount in major units, with all its minor digits."""
        digits = _MINOR_DIGITS.get(self.currency, 2)
        return Decimal(self.minor).scaleb(-digits).quantize(Decimal(1).scaleb(-digits))

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(self.minor + other.minor, self.currency)

    def times(self, factor: float | Decimal) -> Money:
        """The amount times `factor`, rounded half-even to the minor unit."""
        return Money(
            int((Decimal(self.minor) * Decimal(str(factor))).quantize(Decimal(1), ROUND_HALF_EVEN)), self.currency
        )


class KeyKind(StrEnum):
    """What can identify a customer while a call waits."""

    email = "email"
    phone = "phone"
    id = "id"
    """An id in a named system; the value is `system:id`. A vendor's person record is such a key itself."""


class Key(Struct, frozen=True, order=True):
    """One normalised identifier: e-mail in lower case, phone in E.164, id as `system:id`."""

    kind: KeyKind
    value: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


class Channel(StrEnum):
    voice = "voice"
    email = "email"
    sms = "sms"
    chat = "chat"
    letter = "letter"
    unknown = "unknown"


class ConsentStatus(StrEnum):
    granted = "granted"
    denied = "denied"
    unknown = "unknown"


class Direction(StrEnum):
    inbound = "inbound"
    outbound = "outbound"
    unknown = "unknown"


class TicketType(StrEnum):
    question = "question"
    problem = "problem"
    complaint = "complaint"
    cancellation = "cancellation"
    unknown = "unknown"


class TicketStatus(StrEnum):
    new = "new"
    open = "open"
    waiting = "waiting"
    resolved = "resolved"
    closed = "closed"
    unknown = "unknown"


class Priority(StrEnum):
    urgent = "urgent"
    high = "high"
    normal = "normal"
    low = "low"
    unknown = "unknown"


class Satisfaction(StrEnum):
    good = "good"
    bad = "bad"
    asked = "asked"
    unknown = "unknown"


class ContractStatus(StrEnum):
    active = "active"
    cancelled = "cancelled"
    """Notice was given; it may still run until `ends`."""
    ended = "ended"
    unknown = "unknown"


class Renewal(StrEnum):
    automatic = "automatic"
    manual = "manual"
    none = "none"
    unknown = "unknown"


class SurveyMetric(StrEnum):
    nps = "nps"
    csat = "csat"
    ces = "ces"
    exit = "exit"
    review = "review"
    unknown = "unknown"


class InteractionState(StrEnum):
    ringing = "ringing"
    connected = "connected"
    ended = "ended"
    unknown = "unknown"


class Consent(Struct, frozen=True, omit_defaults=True):
    """What the customer allows on one channel, since when, and what proves it."""

    channel: Channel
    status: ConsentStatus
    at: datetime | None = None
    evidence: str | None = None


class Phone(Struct, frozen=True, omit_defaults=True):
    """A phone as the vendor keeps it (`raw`) and, where it can be one, in E.164."""

    raw: str
    e164: str | None = None
    shared: bool = False
    """The vendor says that several people use it: never a key to one of them."""


class Record(Struct, frozen=True, omit_defaults=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all records. What a source does not say stays at its default and is left out of the stored body."""


class Customer(Record, frozen=True):
    """A person, as one vendor knows them."""

    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    salutation: str | None = None
    """As it is said before the family name: `Frau`, `Herr Dr.`, `Ms`."""
    language: str | None = None
    region: str | None = None
    time_zone: str | None = None
    phones: tuple[Phone, ...] = ()
    emails: tuple[str, ...] = ()
    external_ids: dict[str, str] = msgspec.field(default_factory=dict)
    """System name → this person's id there."""
    accounts: tuple[str, ...] = ()
    """Ids of this person's accounts in the same source."""
    job_title: str | None = None
    owner: str | None = None
    """Name of the account manager."""
    preferred_channel: Channel = Channel.unknown
    communication_needs: str | None = None
    """Health data: shown to agents, never to the phone system."""
    consents: tuple[Consent, ...] = ()
    objects_to_profiling: bool = False
    deceased: bool = False
    tags: tuple[str, ...] = ()
    customer_since: date | None = None


class Account(Record, frozen=True):
    """A company or household: has customers, contracts and purchases."""

    name: str | None = None
    segment: str | None = None
    owner: str | None = None
    prestige: bool = False
    external_ids: dict[str, str] = msgspec.field(default_factory=dict)


class Contract(Record, frozen=True):
    """Dates are calendar dates at the customer's place, not instants."""

    product: str | None = None
    status: ContractStatus = ContractStatus.unknown
    starts: date | None = None
    ends: date | None = None
    notice_by: date | None = None
    renewal: Renewal = Renewal.unknown
    monthly_amount: Money | None = None
    discount_ends: date | None = None
    amount_after_discount: Money | None = None
    cancelled_at: date | None = None
    cancel_reason: str | None = None


class Purchase(Record, frozen=True):
    at: datetime | None = None
    amount: Money | None = None
    margin: Money | None = None
    refunded: bool = False
    product: str | None = None


class Ticket(Record, frozen=True):
    type: TicketType = TicketType.unknown
    status: TicketStatus = TicketStatus.unknown
    priority: Priority = Priority.unknown
    topic: str | None = None
    text: str | None = None
    opened: datetime | None = None
    first_reply: datetime | None = None
    resolved: datetime | None = None
    reopened: int = 0
    satisfaction: Satisfaction = Satisfaction.unknown
    satisfaction_comment: str | None = None
    tags: tuple[str, ...] = ()


class Interaction(Record, frozen=True):
    """One call, chat or mail, from start to end."""

    channel: Channel = Channel.unknown
    direction: Direction = Direction.unknown
    state: InteractionState = InteractionState.unknown
    started: datetime | None = None
    ended: datetime | None = None
    our_address: str | None = None
    customer_address: str | None = None
    queue: str | None = None
    agent: str | None = None
    menu_path: tuple[str, ...] = ()
    intent: str | None = None
    wait_seconds: int | None = None
    abandoned: bool = False
    """The caller hung up while waiting for a person."""
    disposition: str | None = None
    personal: bool | None = None
    """Written or spoken by a named employee to this customer; False for mass mail."""
    linked: str | None = None
    text: str | None = None


class SurveyResponse(Record, frozen=True):
    metric: SurveyMetric = SurveyMetric.unknown
    sent: datetime | None = None
    answered: datetime | None = None
    """None while it was not answered."""
    score: float | None = None
    scale: float | None = None
    """The highest possible score."""
    comment: str | None = None
    reason_for_leaving: str | None = None
    left_others_because: str | None = None


class Usage(Record, frozen=True):
    """One day of one measure: product use, e-mail opens."""

    metric: str | None = None
    day: date | None = None
    value: float | None = None


RECORDS: dict[str, type[Record]] = {
    "customer": Customer,
    "account": Account,
    "contract": Contract,
    "purchase": Purchase,
    "ticket": Ticket,
    "interaction": Interaction,
    "survey_response": SurveyResponse,
    "usage": Usage,
}
"""Every kind of record, by the name that mappings and the store use."""


class EntryKind(StrEnum):
    """What one entry says of its record."""

    full = "full"
    patch = "patch"
    """Only the fields named in the body changed; absent is not null."""
    deleted = "deleted"
    restored = "restored"
    merged = "merged"
    """The vendor merged this record into `into`."""


class Subject(Struct, frozen=True, omit_defaults=True):
    """Whom a record is about, as far as its source says.

    The first that is given counts: a customer of the same source, an account of the same source, then keys.
    """

    customer: str | None = None
    account: str | None = None
    keys: tuple[Key, ...] = ()


class Entry(Struct, frozen=True, kw_only=True):
    """One version of one record, as an adapter hands it to the flow.

    `order` sorts as text among the versions of the same record (see `bridge.adapter.order`); "" means that the source
    has no order and the version counts as the newest when it arrives. `body` holds the record's fields as JSON-able
    builtins, as `msgspec.to_builtins` makes them: all of them for `full`, the changed ones for `patch` (None =
    cleared).
    """

    object: str
    source_id: str
    order: str = ""
    kind: EntryKind = EntryKind.full
    effective_at: datetime | None = None
    subject: Subject = Subject()
    body: dict[str, Any] = msgspec.field(default_factory=dict)
    into: str | None = None
