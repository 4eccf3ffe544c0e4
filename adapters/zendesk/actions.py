"""Private comments and tickets, each done once as far as Zendesk lets it be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from bridge.adapter.actions import AddNote, CreateTicket, before_doing
from bridge.adapter.client import Client
from bridge.adapter.delivery import Receipt
from bridge.adapter.paths import scalar_text
from bridge.errors import VendorRefused, VendorRetryable

Find: TypeAlias = Callable[[str], Awaitable[list[str]]]
"""The ids of the users who have a phone; the same twice where the vendor says that several people use it."""


async def add_note(client: Client, args: AddNote, key: str) -> Receipt:
    """A private comment on the ticket; without one, at the end of the notes about the user, which agents see.

    Raises VendorRefused where neither is named.
    """
    if args.ticket:
        return await _comment(client, _number(client.source, "ticket", args.ticket), args.text, key)
    return await _user_note(client, _number(client.source, "customer", args.customer), args.text, key)


async def _comment(client: Client, number: str, text: str, key: str) -> Receipt:
    """https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#protecting-against-ticket-update-collisions"""
    path = f"api/v2/tickets/{number}.json"
    ticket = await _current(client, path, "ticket")
    update = {
        "comment": {"body": f"{text}\n\n{_mark(key)}", "public": False},
        "safe_update": True,
        "updated_stamp": ticket.get("updated_at"),
    }
    try:
        await client.call("PUT", path, json={"ticket": update}, headers=_key(key))
    except VendorRefused as problem:
        if problem.status != 409:
            raise
        raise VendorRetryable(
            client.source, "the ticket was changed in the same moment", status=409, retry_after=5, undone=True
        ) from None
    return Receipt(reference=number)


async def _user_note(client: Client, number: str, text: str, key: str) -> Receipt:
    path = f"api/v2/users/{number}.json"
    user = await _current(client, path, "user")
    notes = user.get("notes") or ""
    if not isinstance(notes, str):
        raise VendorRetryable(client.source, "the answer is no user", undone=True)
    if _mark(key) not in notes:
        longer = "\n\n".join(part for part in (notes.rstrip(), f"{text}\n{_mark(key)}") if part)
        await client.call("PUT", path, json={"user": {"notes": longer}}, headers=_key(key))
    return Receipt(reference=number)


async def create_ticket(client: Client, args: CreateTicket, key: str, find: Find) -> Receipt:
    """A ticket of the customer's, that has its key as external id. Its text is a private comment: the customer is
    told nothing of it. Raises VendorRefused where nobody is named, or a phone that several people have.

    https://developer.zendesk.com/api-reference/ticketing/introduction/#idempotency
    """
    requester, made = await _requester(client, args, find)
    ticket = {
        **requester,
        "subject": args.subject,
        "comment": {"body": args.text, "public": False},
        "priority": args.priority,
        "external_id": key,
    }
    try:
        answer = await client.call("POST", "api/v2/tickets.json", json={"ticket": ticket}, headers=_key(key))
    except VendorRetryable as problem:
        problem.undone &= not made  # made once more, the user would be there twice
        raise
    return Receipt(reference=_id(answer.data, "ticket"))


async def find_ticket(client: Client, key: str) -> Receipt | None:
    """The ticket that has `key` as its external id. Several tickets may have the same: any is proof that it was made.

    https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#list-tickets
    """
    data = (await client.call("GET", "api/v2/tickets.json", params={"external_id": key})).data
    rows = data.get("tickets") if isinstance(data, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise VendorRetryable(client.source, "the answer is no list of tickets")
    theirs = [row for row in rows if row.get("external_id") == key]
    if rows and not theirs:
        raise VendorRefused(client.source, "tickets: the external id that was asked for was ignored")
    return Receipt(reference=scalar_text(theirs[0].get("id")) or "") if theirs else None


async def _requester(client: Client, args: CreateTicket, find: Find) -> tuple[dict[str, Any], bool]:
    """Who asks, and whether a user was made for it. By its address Zendesk finds or makes a user itself; by a phone it
    does not.

    https://developer.zendesk.com/documentation/ticketing/managing-tickets/creating-and-updating-tickets/
    """
    if args.customer:
        return {"requester_id": int(_number(client.source, "customer", args.customer))}, False
    if args.email:
        return {"requester": {"email": args.email, "name": args.name or args.email}}, False
    if not args.phone:
        raise VendorRefused(client.source, "create_ticket: name a customer, an e-mail address or a phone")
    with before_doing():
        known = await find(args.phone)
    if len(known) > 1:
        raise VendorRefused(client.source, "create_ticket: several users have this phone; name the customer")
    if known:
        return {"requester_id": int(known[0])}, False
    user = {"name": args.name or args.phone, "phone": args.phone, "role": "end-user", "skip_verify_email": True}
    answer = await client.call("POST", "api/v2/users.json", json={"user": user})
    number = _id(answer.data, "user")
    if not number:
        raise VendorRetryable(client.source, "the answer is no user")
    return {"requester_id": int(number)}, True


async def _current(client: Client, path: str, name: str) -> dict[str, Any]:
    """The object as it is now."""
    with before_doing():
        data = (await client.call("GET", path)).data
    found = data.get(name) if isinstance(data, dict) else None
    if not isinstance(found, dict):
        raise VendorRetryable(client.source, f"the answer is no {name}", undone=True)
    return found


def _id(data: object, name: str) -> str:
    found = data.get(name) if isinstance(data, dict) else None
    number = scalar_text(found.get("id")) if isinstance(found, dict) else None
    return number if number and number.isdigit() else ""


def _mark(key: str) -> str:
    return f"Ref. {key}"


def _key(key: str) -> dict[str, str]:
    return {"idempotency-key": key}


def _number(source: str, name: str, value: str) -> str:
    """An id that may stand in a URL."""
    if not (value.isascii() and value.isdigit()):
        raise VendorRefused(source, f"the argument {name} is not an id of Zendesk's")
    return value
