"""Notes and tickets. Freshdesk knows no idempotency keys, so each of them carries its key where a person finds it."""

from __future__ import annotations

from hashlib import blake2b
from html import escape
from typing import Any

from bridge.adapter.actions import AddNote, CreateTicket, before_doing
from bridge.adapter.client import Client
from bridge.adapter.delivery import Receipt
from bridge.adapter.paths import scalar_text
from bridge.errors import VendorRefused, VendorRetryable

_PRIORITY = {"low": 1, "normal": 2, "high": 3, "urgent": 4}
_OPEN, _BY_PHONE, _BY_PORTAL = 2, 3, 2
_LONGEST_TAG = 32


async def add_note(client: Client, args: AddNote, key: str) -> Receipt:
    """A private note on the ticket; without one, at the end of what the contact's page says about the customer.

    Raises VendorRefused where neither is named.
    """
    if args.ticket:
        number = _number(client.source, "ticket", args.ticket)
        note = {"body": _html(f"{args.text}\n\n{_mark(key)}"), "private": True}
        answer = await client.call("POST", f"api/v2/tickets/{number}/notes", json=note, headers=_key(key))
        return Receipt(reference=_id(answer.data))
    path = f"api/v2/contacts/{_number(client.source, 'customer', args.customer)}"
    with before_doing():
        answer = await client.call("GET", path)
    contact = answer.data if isinstance(answer.data, dict) else {}
    reference = _id(contact)
    if not reference or not isinstance(contact.get("description"), str | None):
        raise VendorRetryable(client.source, "the answer is no contact", undone=True)
    said = contact.get("description") or ""
    if _mark(key) not in said:
        text = "\n\n".join(part for part in (said.rstrip(), f"{args.text}\n{_mark(key)}") if part)
        await client.call("PUT", path, json={"description": text}, headers=_key(key))
    return Receipt(reference=reference)


async def create_ticket(client: Client, args: CreateTicket, key: str) -> Receipt:
    """A ticket of the customer's, tagged with its key. Raises VendorRefused where nobody is named."""
    ticket = {
        **_requester(client.source, args),
        "subject": args.subject,
        "description": _html(args.text),
        "status": _OPEN,
        "priority": _PRIORITY[args.priority],
        "source": _BY_PHONE if args.phone else _BY_PORTAL,
        "tags": [_tag(key)],
    }
    answer = await client.call("POST", "api/v2/tickets", json=ticket, headers=_key(key))
    return Receipt(reference=_id(answer.data))


def _requester(source: str, args: CreateTicket) -> dict[str, Any]:
    """Who asks. Freshdesk makes a contact of an address or number that it does not know; such a number needs a name."""
    if args.customer:
        return {"requester_id": int(_number(source, "customer", args.customer))}
    if not args.email and not args.phone:
        raise VendorRefused(source, "create_ticket: name a customer, an e-mail address or a phone")
    given = {"email": args.email, "phone": args.phone, "name": args.name or args.phone}
    return {name: value for name, value in given.items() if value}


def _tag(key: str) -> str:
    """The key, or what stands for one that is longer than a tag may be."""
    return key if len(key) <= _LONGEST_TAG else f"ref-{blake2b(key.encode(), digest_size=12).hexdigest()}"


def _html(text: str) -> str:
    """Plain text as the HTML that Freshdesk takes texts for."""
    return "<div>" + escape(text, quote=False).replace("\n", "<br>") + "</div>"


def _mark(key: str) -> str:
    return f"Ref. {key}"


def _key(key: str) -> dict[str, str]:
    return {"idempotency-key": key}


def _id(data: object) -> str:
    return scalar_text(data.get("id")) or "" if isinstance(data, dict) else ""


def _number(source: str, name: str, value: str) -> str:
    """An id that may stand in a URL."""
    if not (value.isascii() and value.isdigit()):
        raise VendorRefused(source, f"the argument {name} is not an id of Freshdesk's")
    return value
