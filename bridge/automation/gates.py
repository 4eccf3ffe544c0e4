"""Whether a customer may be approached now: every reason not to, asked when a step comes up and again before sending.

Pure. German UWG § 7 in mind: advertising by e-mail, text message or telephone needs consent that can be proved.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from bridge.automation.outreach import Outreach, next_open
from bridge.automation.rules import Act, Automation
from bridge.model import Channel, Consent, ConsentStatus
from bridge.scoring.signals_reading import is_open
from bridge.scoring.view import View

Reason = Literal[
    "deceased",
    "objects_to_profiling",
    "opted_out",
    "consent_denied",
    "consent_missing",
    "consent_not_proved",
    "other_channel_preferred",
    "ticket_open",
    "apologised_already",
    "at_most",
    "frequency",
    "quiet_hours",
    "no_address",
    "no_source",
    "no_unsubscribe",
    "already_sent",
    "budget_spent",
    "offer_running",
    "gave_up_waiting",
    "stop_if",
]
OF_THE_CUSTOMER: Final = frozenset(("deceased", "objects_to_profiling"))
"""Reasons that end a run; by others a step is left out and the rest goes on."""
A_DAY: Final = timedelta(days=1)


class Sent(Struct, frozen=True, kw_only=True):
    """A message that reached the customer, or may yet: `at` is when it did, or when its turn is."""

    key: str
    automation: str
    channel: str
    purpose: str
    apology: bool
    at: datetime
    waits: bool = False
    """It is enqueued and nothing of it was begun yet. What waits beyond its turn counts as of now."""


class Person(Struct, frozen=True, kw_only=True):
    """All that gates know of a customer. `opted_out` are channels; `apologised` is when an agent last did."""

    view: View
    zone: ZoneInfo
    sent: tuple[Sent, ...] = ()
    opted_out: frozenset[Channel] = frozenset()
    apologised: datetime | None = None


class Verdict(Struct, frozen=True, kw_only=True):
    """`go`, or why not; with `until` it may be asked again then."""

    reason: Reason | None = None
    until: datetime | None = None

    @property
    def go(self) -> bool:
        return self.reason is None


GO: Final = Verdict()


def judge(
    rule: Automation,
    act: Act,
    person: Person,
    policy: Outreach,
    now: datetime,
    *,
    cause: str = "",
    opened: Collection[str] = (),
    own: str = "",
) -> Verdict:
    """Whether `act` may be done for `person` now. `cause` is the record that set it off, `opened` are tickets that the
    run opened itself, `own` is the key of the message where it is enqueued already.

    Refusals come before postponements: nothing waits for a better hour that may never be sent.
    """
    if (reason := of_the_customer(rule, person)) is not None:
        return Verdict(reason=reason)
    channel = act.channel
    if channel is None:
        return GO
    sent = _others(person.sent, own)
    refused: Reason | None = (
        _consent(rule, channel, person, policy)
        or _preference(act, channel, person)
        or _apology(act, person, sent, policy, now)
        or _frequency(rule, sent, policy, now)
    )
    if refused:
        return Verdict(reason=refused)
    if rule.file.while_ticket_open != "allow" and _other_matter(person.view, {cause, *opened}):
        until = now + A_DAY if rule.file.while_ticket_open == "wait" else None
        return Verdict(reason="ticket_open", until=until)
    if act.do == "schedule_callback" and not own:
        return GO  # it is scheduled for when it may be; by then it may have been put off into the night
    opens = next_open(policy, channel, person.zone, now)
    return GO if opens is not None and opens <= now else Verdict(reason="quiet_hours", until=opens)


def _others(sent: Sequence[Sent], own: str) -> tuple[Sent, ...]:
    """What counts against the message `own`: what was sent, and what waits and has its turn before it. Else two that
    wait, of customers who turn out to be one, would each be refused because of the other."""
    mine = next((one for one in sent if one.key == own), None)
    return tuple(
        one
        for one in sent
        if one is not mine and not (one.waits and mine is not None and (one.at, one.key) > (mine.at, mine.key))
    )


def of_the_customer(rule: Automation, person: Person) -> Reason | None:
    """Why nothing at all may be done for the customer."""
    if person.view.customer.deceased:
        return "deceased"
    if person.view.customer.objects_to_profiling and (rule.profiles or rule.file.purpose == "advertising"):
        return "objects_to_profiling"
    return None


def _consent(rule: Automation, channel: Channel, person: Person, policy: Outreach) -> Reason | None:
    if channel in person.opted_out:
        return "opted_out"
    consent = next((one for one in person.view.customer.consents if one.channel is channel), Consent(channel, _UNKNOWN))
    if consent.status is ConsentStatus.denied:
        return "consent_denied"
    if rule.file.purpose == "service":
        return None
    if consent.status is not ConsentStatus.granted:
        return "consent_missing"
    proved = consent.at is not None and consent.evidence
    return None if proved or policy.advertising_consent == "granted" else "consent_not_proved"


_UNKNOWN = ConsentStatus.unknown


def _preference(act: Act, channel: Channel, person: Person) -> Reason | None:
    preferred = person.view.customer.preferred_channel
    other = act.preferred_only and preferred not in (Channel.unknown, channel)
    return "other_channel_preferred" if other else None


def _apology(act: Act, person: Person, sent: Sequence[Sent], policy: Outreach, now: datetime) -> Reason | None:
    if not act.apology:
        return None
    since = now - timedelta(days=policy.apology_days)
    by_people = person.apologised is not None and person.apologised > since
    return "apologised_already" if by_people or any(one.apology and one.at > since for one in sent) else None


def _frequency(rule: Automation, sent: Sequence[Sent], policy: Outreach, now: datetime) -> Reason | None:
    most = rule.file.at_most
    mine = (one for one in sent if one.automation == rule.id)
    if most is not None and _within(mine, most.days, now) >= most.times:
        return "at_most"
    service = rule.file.purpose == "service"
    counted: Callable[[Sent], bool] = (lambda one: one.purpose == "service") if service else (lambda one: True)
    for cap in policy.service_caps if service else policy.caps:
        if _within(filter(counted, sent), cap.days, now) >= cap.messages:
            return "frequency"
    return None


def _within(sent: Iterable[Sent], days: int, now: datetime) -> int:
    """How many of `sent` come within so many days of a message that is sent now, before it or after it."""
    span = timedelta(days=days)
    return sum(abs((max(one.at, now) if one.waits else one.at) - now) < span for one in sent)


def _other_matter(view: View, own: Collection[str]) -> bool:
    return any(is_open(held.record) and held.ref not in own for held in view.tickets)
