"""The sample contact center as Zendesk would tell of it: the old as an export gives it, the new as signed events.

News travel as they do in reality: some events come twice, some long after those that followed them.
"""

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
_NEWS = timedelta(days=30)
"""How far back the webhooks reach; what was settled before is in the export."""
_UNTIL_RATED = timedelta(days=1)


class User(Protocol):
    """An entry of the helpdesk. `crm_id` is the id in the system that the helpdesk's external ids name; `deleted` is
    since when it is gone."""

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

    @property
    def since(self) -> datetime: ...

    @property
    def shared_phone(self) -> bool: ...

    @property
    def deleted(self) -> datetime | None: ...


class Case(Protocol):
    """A ticket in neutral terms: `type`, `status` and `priority` in the words of the shared model.

    `user_id` is who asked. `repeated` and `late` say how the news of it travel.
    """

    @property
    def id(self) -> str: ...

    @property
    def user_id(self) -> str: ...

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
    def first_reply(self) -> datetime | None: ...

    @property
    def settled(self) -> datetime | None: ...

    @property
    def reopened(self) -> int: ...

    @property
    def score(self) -> Literal["good", "bad"] | None: ...

    @property
    def repeated(self) -> bool: ...

    @property
    def late(self) -> bool: ...


class ContactCenter(Protocol):
    """What the sample has to tell."""

    @property
    def users(self) -> Iterable[User]: ...

    @property
    def tickets(self) -> Iterable[Case]: ...


def deliveries(contact_center: ContactCenter, source: Source, now: datetime) -> Iterator[Item | Request]:
    """Users, old tickets and CSAT ratings as items of a sync; recent tickets as signed webhooks, one for each change.

    The same contact center gives the same deliveries; the webhooks are sent `now`, whenever what they tell happened.
    """
    late: list[Request] = []
    for user in contact_center.users:
        yield Item(object="user", raw=_user(user))
    for case in contact_center.tickets:
        if case.reopened or now - case.opened > _NEWS:
            yield Item(object="ticket", raw=_ticket(case, now))
        else:
            first, *others = (_webhook(source, event, now) for event in _events(case))
            if case.late:
                late.append(first)
            else:
                yield first
            yield from others
            if case.repeated:
                yield from (first, *others)
        if case.score and case.settled:
            yield Item(object="satisfaction_rating", raw=_rating(case, min(case.settled + _UNTIL_RATED, now)))
    yield from late


def _user(user: User) -> dict[str, Any]:
    return {
        "id": _number("user", user.id),
        "name": user.name,
        "email": user.email,
        "phone": user.phone,
        "shared_phone_number": user.shared_phone,
        "external_id": user.crm_id,
        "organization_id": None,
        "role": "end-user",
        "locale": user.language,
        "iana_time_zone": "Europe/Berlin",
        "tags": [],
        "active": user.deleted is None,
        "created_at": _time(user.since),
        "updated_at": _time(user.deleted or user.since),
    }


def _ticket(case: Case, now: datetime) -> dict[str, Any]:
    """The whole ticket, as an incremental export gives it."""
    changed = case.settled or case.first_reply or case.opened
    minutes = int((case.first_reply - case.opened).total_seconds() // 60) if case.first_reply else None
    return {
        "id": _number("ticket", case.id),
        "created_at": _time(case.opened),
        "updated_at": _time(min(changed, now)),
        "subject": case.subject,
        "description": case.text,
        "status": _STATUS.get(case.status, "OPEN").lower(),
        "type": _TYPE.get(case.type, "").lower() or None,
        "priority": case.priority,
        "requester_id": _number("user", case.user_id),
        "organization_id": None,
        "tags": _tags(case),
        "via": {"channel": "email"},
        "metric_set": {
            "reopens": case.reopened,
            "solved_at": _time(case.settled) if case.settled else None,
            "reply_time_in_minutes": {"calendar": minutes, "business": None},
        },
    }


def _tags(case: Case) -> list[str]:
    return [_TAG[case.type]] if case.type in _TAG else []


def _events(case: Case) -> Iterator[dict[str, Any]]:
    """What happened to the ticket, one event a change, oldest first."""
    yield _event(case, "ticket.created", "new", case.opened, 1)
    if case.first_reply and case.settled and case.first_reply < case.settled:
        yield _event(case, "ticket.status_changed", "waiting", case.first_reply, 2)
    if case.status != "new":
        yield _event(case, "ticket.status_changed", case.status, case.settled or case.first_reply or case.opened, 3)


def _event(case: Case, name: str, status: str, at: datetime, place: int) -> dict[str, Any]:
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
        "requester_id": str(_number("user", case.user_id)),
        "organization_id": None,
        "tags": _tags(case),
        "via": {"channel": "email"},
    }
    return {
        "type": f"zen:event-type:{name}",
        "account_id": 1,
        "id": f"sample-{number}-{place}",
        "time": _time(at),
        "zendesk_event_version": "2022-11-06",
        "subject": f"zen:ticket:{number}",
        "detail": detail,
        "event": {"meta": {"sequence": {"id": number, "position": place}}, "current": detail["status"]},
    }


def _rating(case: Case, at: datetime) -> dict[str, Any]:
    return {
        "id": _number("rating", case.id),
        "ticket_id": _number("ticket", case.id),
        "requester_id": _number("user", case.user_id),
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
