"""What customers said by a link, handed to those who carry it out: a task, a ticket, a note, or an e-mail. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from bridge.automation.ordering import Office
from bridge.scoring.view import View
from bridge.scoring.wording import plain

LONGEST_SUBJECT = 200


class Errand(Struct, frozen=True, kw_only=True):
    """What is to be done, in the employees' language. `near` is the source that has the matter itself."""

    subject: str
    text: str
    near: str = ""


class HandedOver(Struct, frozen=True, kw_only=True):
    """An action for the outbox."""

    source: str
    action: str
    args: dict[str, Any]


def hand_over(office: Office, view: View, errand: Errand, now: datetime) -> HandedOver | None:
    """The first way of `outreach.yaml: hand_over` that there is for this customer; None when nobody can be told.

    `now` is at the company's place: a task is due on its day there.
    """
    for way in office.policy.hand_over:
        action = "send_email" if way == "notify" else way
        source = _source(office, view, way, action, errand.near)
        if source is None:
            continue
        args = _ARGS[way](office, view, errand, source, now)
        if args is not None:
            return HandedOver(source=source, action=action, args={k: v for k, v in args.items() if v not in ("", None)})
    return None


def _source(office: Office, view: View, way: str, action: str, near: str) -> str | None:
    """As the policy says it, else where the matter is, else where the customer is, else the only one that can."""
    able = [name for name, can in office.sources.items() if action in can]
    named = office.policy.through.get(way) or office.policy.through.get(action)
    if named:
        return named if named in able else None
    known = [one.source for one in view.profiles]
    for name in (near, *known):
        if name in able:
            return name
    return able[0] if len(able) == 1 else None


def _id(view: View, source: str) -> str:
    return next((one.source_id for one in view.profiles if one.source == source), "")


def _phone(view: View) -> str | None:
    return next((one.e164 for one in view.customer.phones if one.e164), None)


def _task(_: Office, view: View, errand: Errand, source: str, now: datetime) -> dict[str, Any]:
    return {
        "subject": plain(errand.subject, LONGEST_SUBJECT),
        "text": errand.text,
        "customer": _id(view, source),
        "phone": _phone(view),
        "name": plain(view.customer.name or "", 255),
        "due": now.date().isoformat(),
    }


def _ticket(_: Office, view: View, errand: Errand, source: str, __: datetime) -> dict[str, Any]:
    return {
        "subject": plain(errand.subject, LONGEST_SUBJECT),
        "text": errand.text,
        "customer": _id(view, source),
        "name": plain(view.customer.name or "", 255),
        "email": next(iter(view.customer.emails), None),
        "phone": _phone(view),
        "priority": "high",
    }


def _note(_: Office, view: View, errand: Errand, source: str, __: datetime) -> dict[str, Any] | None:
    customer = _id(view, source)
    return {"text": f"{errand.subject}\n\n{errand.text}", "customer": customer} if customer else None


def _mail(office: Office, view: View, errand: Errand, _: str, __: datetime) -> dict[str, Any] | None:
    to = office.policy.people.get(view.customer.owner or "") or office.policy.team
    return {"to": to, "subject": plain(errand.subject, LONGEST_SUBJECT), "text": errand.text} if to else None


_ARGS = {"create_task": _task, "create_ticket": _ticket, "add_note": _note, "notify": _mail}
