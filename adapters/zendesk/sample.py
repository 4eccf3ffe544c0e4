"""The sample contact center as Zendesk would tell of it: users as an export gives them, tickets as signed events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

from bridge.adapter.delivery import Item, Request
from bridge.adapter.manifest import load_manifest
from bridge.adapter.signatures import sign
from bridge.adapter.source import Source

_STATUS = {"new": "NEW", "open": "OPEN", "waiting": "PENDING", "resolved": "SOLVED", "closed": "CLOSED"}
_TYPE = {"question": "QUESTION", "problem": "PROBLEM", "complaint": "PROBLEM", "cancellation": "QUESTION"}
_TAG = {"complaint": "beschwerde", "cancellation": "kuendigung"}
_UNTIL_SETTLED = timedelta(days=1)
_UNTIL_RATED = timedelta(days=2)


class Person(Protocol):
    """A customer in neutral terms. `crm_id` is the id in the system that the helpdesk's external ids name."""

    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def email(self) -> str | None: ...

    @property
    def phone(self) -> str | None: ...

    @property
    def crm_id(self) -> str | None: ...

    @property
    def language(self) -> str: ...


class Case(Protocol):
    """A ticket in neutral terms: `type`, `status` and `priority` in the words of the shared model."""

    @property
    def id(self) -> str: ...

    @property
    def customer_id(self) -> str: ...

    @property
    def type(self) -> str: ...

    @property
    def subject(self) -> str: ...

    @property
    def text(self) -> str: ...

    @property
    def opened(self) -> datetime: ...

    @property
    def status(self) -> str: ...

    @property
    def priority(self) -> str: ...

    @property
    def score(self) -> Literal["good", "bad"] | None: ...


class ContactCenter(Protocol):
    """What the sample has to tell."""

    @property
    def customers(self) -> Iterable[Person]: ...

    @property
    def tickets(self) -> Iterable[Case]: ...


def deliveries(contact_center: ContactCenter, source: Source, now: datetime) -> Iterator[Item | Request]:
    """Users and CSAT ratings as items of a sync, and two signed webhooks a ticket: its creation and where it stands.

    The same contact center gives the same deliveries; the webhooks are sent `now`, whenever what they tell happened.
    """
    for person in contact_center.customers:
        yield Item(object="user", raw=_user(person, now))
    for case in contact_center.tickets:
        settled = min(case.opened + _UNTIL_SETTLED, now)
        yield _webhook(source, _event(case, "ticket.created", "new", case.opened), now)
        if case.status != "new":
            yield _webhook(source, _event(case, "ticket.status_changed", case.status, settled), now)
        if case.score:
            yield Item(object="satisfaction_rating", raw=_rating(case, min(case.opened + _UNTIL_RATED, now)))


def _user(person: Person, now: datetime) -> dict[str, Any]:
    since = _time(now - timedelta(days=400))
    return {
        "id": _number("user", person.id),
        "name": person.name,
        "email": person.email,
        "phone": person.phone,
        "shared_phone_number": False,
        "external_id": person.crm_id,
        "organization_id": None,
        "role": "end-user",
        "locale": person.language,
        "iana_time_zone": "Europe/Berlin",
        "tags": [],
        "active": True,
        "created_at": since,
        "updated_at": since,
    }


def _event(case: Case, name: str, status: str, at: datetime) -> dict[str, Any]:
    number = str(_number("ticket", case.id))
    detail = {
        "id": number,
        "created_at": _time(case.opened),
        "updated_at": _time(at),
        "description": case.text,
        "subject": case.subject,
        "status": _STATUS.get(status, "OPEN"),
        "type": _TYPE.get(case.type),
        "priority": case.priority.upper(),
        "requester_id": str(_number("user", case.customer_id)),
        "organization_id": None,
        "tags": [_TAG[case.type]] if case.type in _TAG else [],
        "via": {"channel": "email"},
    }
    return {
        "type": f"zen:event-type:{name}",
        "account_id": 1,
        "id": f"sample-{number}-{name}",
        "time": _time(at),
        "zendesk_event_version": "2022-11-06",
        "subject": f"zen:ticket:{number}",
        "detail": detail,
        "event": {"meta": {"sequence": {"id": number, "position": 1}}, "current": detail["status"]},
    }


def _rating(case: Case, at: datetime) -> dict[str, Any]:
    return {
        "id": _number("rating", case.id),
        "ticket_id": _number("ticket", case.id),
        "requester_id": _number("user", case.customer_id),
        "score": case.score,
        "comment": None,
        "created_at": _time(at),
        "updated_at": _time(at),
    }


def _webhook(source: Source, body: dict[str, Any], now: datetime) -> Request:
    raw = msgspec.json.encode(body)
    url = f"https://localhost/webhooks/{source.name}"
    headers = sign(_MANIFEST, source, method="POST", url=url, body=raw, timestamp=now, id=str(body["id"]))
    return Request(method="POST", url=url, headers=headers, body=raw, received_at=now)


def _number(kind: str, name: str) -> int:
    """Fourteen digits, as Zendesk's ids have, always the same for one thing."""
    return 10**13 + int.from_bytes(blake2b(f"{kind}:{name}".encode(), digest_size=8).digest(), "big") % (9 * 10**13)


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


_MANIFEST = load_manifest(Path(__file__).with_name("manifest.yaml"))
