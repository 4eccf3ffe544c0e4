"""What can be done in HubSpot, as the bodies that it takes.

https://developers.hubspot.com/docs/api-reference/latest/crm/activities/notes/guide and …/tasks/guide
"""

from __future__ import annotations

import html
from datetime import datetime, time, timezone
from typing import Any

from bridge.adapter.actions import AddNote, CreateTask
from bridge.adapter.source import Source

_NOTE_TO = {"contact": 202, "ticket": 228}
_TASK_TO_CONTACT = 204
_MORNING = time(9)


def note(args: AddNote, key: str, now: datetime) -> dict[str, Any]:
    """A note on the ticket, or on the contact. The key stands below the text, where a person who doubts can find it."""
    body = html.escape(args.text, quote=False).replace("\n", "<br>") + f"<br><br><small>{html.escape(key)}</small>"
    to = ("ticket", args.ticket) if args.ticket else ("contact", args.customer)
    return {
        "properties": {"hs_note_body": body, "hs_timestamp": _instant(now)},
        "associations": [_association(to[1], _NOTE_TO[to[0]])],
    }


def task(args: CreateTask, key: str, now: datetime, source: Source) -> dict[str, Any]:
    """A task that is due in the morning of its day at the source's place, or now."""
    due = now if args.due is None else datetime.combine(args.due, _MORNING, source.zone)
    lines = [args.text, " ".join(part for part in (args.name, args.phone) if part), key]
    properties = {
        "hs_task_subject": args.subject,
        "hs_task_body": "<br>".join(html.escape(line, quote=False).replace("\n", "<br>") for line in lines if line),
        "hs_timestamp": _instant(due),
        "hs_task_status": "NOT_STARTED",
        "hs_task_type": "CALL" if args.phone else "TODO",  # HubSpot's words for the kinds of task
    }
    if args.owner:
        properties["hubspot_owner_id"] = args.owner
    about = [_association(args.customer, _TASK_TO_CONTACT)] if args.customer else []
    return {"properties": properties, "associations": about}


def _association(number: str, kind: int) -> dict[str, Any]:
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": kind}]
    return {"to": {"id": number}, "types": types}


def _instant(at: datetime) -> str:
    return at.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
