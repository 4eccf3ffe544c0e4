"""Webhooks: which of Zendesk's events say something for us, and the two bodies an admin's trigger may send.

https://developer.zendesk.com/api-reference/webhooks/event-types/webhook-event-types/
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Any

from bridge.adapter.base import json_body
from bridge.adapter.delivery import Item, Opened, Reply, Request
from bridge.adapter.paths import scalar_text
from bridge.errors import BadRequest


class Says(Enum):
    """What an event is to us."""

    changed = auto()
    """Its `detail` carries the new values: a patch."""
    deleted = auto()
    restored = auto()
    hint = auto()
    """The record changed, but the event does not say how: fetch it."""
    activity = auto()
    """Deleted or back again, as `event.current` says."""
    role = auto()
    """A customer became an agent or the other way round."""
    rating = auto()
    """A CSAT answer came in: fetch the ticket and the answers to its surveys."""


EVENTS: dict[str, Says] = {
    **dict.fromkeys(
        """ticket.created ticket.status_changed ticket.custom_status_changed ticket.priority_changed ticket.type_changed
        ticket.subject_changed ticket.description_changed ticket.tags_changed ticket.requester_changed
        ticket.organization_changed ticket.comment_added ticket.merged user.name_changed
        user.organization_membership_created user.organization_membership_deleted""".split(),
        Says.changed,
    ),
    **dict.fromkeys(
        """ticket.soft_deleted ticket.permanently_deleted ticket.marked_as_spam user.deleted
        organization.deleted""".split(),
        Says.deleted,
    ),
    "ticket.undeleted": Says.restored,
    **dict.fromkeys(
        """ticket.custom_field_changed user.created user.merged user.external_id_changed user.identity_created
        user.identity_changed user.identity_deleted user.tags_changed user.time_zone_changed user.custom_field_changed
        organization.created organization.name_changed organization.external_id_changed
        organization.custom_field_changed""".split(),
        Says.hint,
    ),
    "user.active_changed": Says.activity,
    "user.role_changed": Says.role,
    "ticket.csat_received": Says.rating,
}
"""Every event that is used, without its prefix; all others are answered 200 and counted."""

# The documentation writes some user events with a slash after the prefix.
_TYPE = re.compile(r"zen:event-type[:/]([a-z_]+)\.([a-z_]+)")
_IGNORED = Opened(ignored=1, reply=Reply(status=200))


def event_name(body: dict[str, Any]) -> str:
    """`ticket.status_changed` of an event's body; "" for what is no event."""
    found = _TYPE.fullmatch(str(body.get("type")))
    return f"{found[1]}.{found[2]}" if found else ""


def open_webhook(request: Request) -> Opened:
    """An event, or the body of a trigger: `{"ticket": {…}}` or `{"ticket_id": …}`. Raises BadRequest for all else."""
    body = json_body(request)
    name = event_name(body)
    if name:
        if name not in EVENTS:
            return _IGNORED
        identity = body.get("id")
        dedupe = identity if isinstance(identity, str) else ""
        return Opened(items=(Item(object=f"{name.partition('.')[0]}_event", raw=body, dedupe=dedupe, patch=True),))
    ticket = body.get("ticket")
    if isinstance(ticket, dict) and _dated(ticket):
        return Opened(items=(Item(object="ticket", raw=ticket, patch=True),))
    if number := hinted_ticket(body):
        # The same words about the same ticket mean a new change each time: what tells them apart is the delivery.
        delivery = request.headers.get("x-zendesk-webhook-invocation-id") or request.headers.get(
            "x-zendesk-webhook-signature-timestamp", request.received_at.isoformat()
        )
        return Opened(items=(Item(object="ticket_hint", raw=body, dedupe=f"{number}:{delivery}"),))
    raise BadRequest("neither a Zendesk event nor a trigger body as adapters/zendesk/README.md describes it")


def hinted_ticket(body: dict[str, Any]) -> str:
    """The id of the ticket that a trigger's body names; "" where it names none."""
    ticket = body.get("ticket")
    number = ticket.get("id") if isinstance(ticket, dict) else body.get("ticket_id")
    found = (scalar_text(number) or "").strip()
    return found if re.fullmatch(r"[0-9]{1,19}", found) else ""


def _dated(ticket: dict[str, Any]) -> bool:
    """Only a ticket that says in ISO 8601 when it changed can be put in order; any other is a hint."""
    return bool(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d", str(ticket.get("updated_at"))))
