"""What is done at Request Tracker: notes for staff and new tickets, each found again by its key, so done once.

It honours no idempotency key. A comment carries it in its subject, a ticket in a link, a note on a user in its text.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from bridge.adapter.actions import AddNote, CreateTicket, after_doing, before_doing
from bridge.adapter.client import Client
from bridge.adapter.delivery import Receipt
from bridge.adapter.paths import scalar_text
from bridge.errors import VendorRefused, VendorRetryable

from .answers import ask, is_id

_PRIORITY = {"low": 0, "normal": 50, "high": 100, "urgent": 100}


async def comment(client: Client, args: AddNote, key: str) -> Receipt:
    """Comment on a ticket, which its requestors do not get."""
    with before_doing():
        done = await find_comment(client, args, key)
    if done:
        return done
    ticket, key = _id(client, args.ticket), quote(key, safe="")
    body = {"Subject": _subject(key), "Content": args.text, "ContentType": "text/plain"}
    answer = await client.call("POST", f"ticket/{ticket}/comment", json=body, headers={"x-request-id": key})
    place = answer.headers.get("location", "").rpartition("/")[2]
    return Receipt(reference=f"transaction/{place}" if place else f"ticket/{ticket}")


async def find_comment(client: Client, args: AddNote, key: str) -> Receipt | None:
    """The comment that was made under `key`."""
    ticket, subject = _id(client, args.ticket), _subject(quote(key, safe=""))
    query = f"ObjectType = 'RT::Ticket' AND ObjectId = {ticket} AND Type = 'Comment' AND Subject = '{subject}'"
    done = await _found(client, "transactions", query)
    return Receipt(reference=f"transaction/{done}") if done else None


async def note(client: Client, args: AddNote, key: str) -> Receipt:
    """Add to the comments on a user, unless somebody else writes them at the same moment."""
    user, key = _id(client, args.customer), quote(key, safe="")
    mark = _mark(key)
    with before_doing():
        answer = await client.call("GET", f"user/{user}")
        before = _comments(client, answer.data)
    if mark not in before:
        text = "\n\n".join(part for part in (before.strip(), f"{mark}\n{args.text}") if part)
        headers = {"x-request-id": key, "if-match": answer.headers.get("etag", "*")}
        try:
            await client.call("PUT", f"user/{user}", json={"Comments": text}, headers=headers)
        except VendorRefused as problem:
            if problem.status == 412:
                raise VendorRetryable(client.source, "add_note: the user was just changed", undone=True) from None
            raise
        # A change that is not allowed is answered with 200 as well, and a sentence in the language of our user.
        with after_doing():
            after = _comments(client, (await client.call("GET", f"user/{user}")).data)
        if mark not in after:
            raise VendorRefused(client.source, "add_note: the note was not kept; give our user the right AdminUsers")
    return Receipt(reference=f"user/{user}")


async def find_note(client: Client, args: AddNote, key: str) -> Receipt | None:
    """The user whose comments hold the note that was made under `key`."""
    user = _id(client, args.customer)
    kept = _comments(client, (await client.call("GET", f"user/{user}")).data)
    return Receipt(reference=f"user/{user}") if _mark(quote(key, safe="")) in kept else None


async def open_ticket(client: Client, args: CreateTicket, key: str, queue: str) -> Receipt:
    """Open a ticket of the customer's; one without id and e-mail is named in the text."""
    with before_doing():
        done = await find_ticket(client, key)
    if done:
        return done
    key = quote(key, safe="")
    requestor = _id(client, args.customer) if args.customer else args.email
    reach = [] if args.customer else [one for one in (args.name, args.phone) if one]
    body: dict[str, Any] = {
        "Queue": queue,
        "Subject": args.subject,
        "Content": "\n\n".join([args.text, " · ".join(reach)] if reach else [args.text]),
        "ContentType": "text/plain",
        "Priority": _PRIORITY[args.priority],
        "RefersTo": [_urn(key)],
    }
    if requestor:
        body["Requestor"] = [requestor]
    made = (await client.call("POST", "ticket", json=body, headers={"x-request-id": key})).data
    number = scalar_text(made.get("id")) if isinstance(made, dict) else None
    if not number:
        raise VendorRetryable(client.source, "create_ticket: the answer names no ticket")
    return Receipt(reference=number)


async def find_ticket(client: Client, key: str) -> Receipt | None:
    """The ticket that was opened under `key`."""
    done = await _found(client, "tickets", f"RefersTo = '{_urn(quote(key, safe=''))}'")
    return Receipt(reference=done) if done else None


def _subject(key: str) -> str:
    return f"Retention Bridge {key}"


def _mark(key: str) -> str:
    return f"[Retention Bridge {key}]"


def _urn(key: str) -> str:
    return f"urn:retention-bridge:{key}"


async def _found(client: Client, path: str, query: str) -> str:
    """The id of the only record that `query` finds; "" for none."""
    rows = (await ask(client, path, {"query": query, "fields": "id"})).rows
    if len(rows) > 1:
        raise VendorRefused(client.source, f"{path}: several records carry the key of one action")
    return (scalar_text(rows[0].get("id")) or "") if rows else ""


def _id(client: Client, text: str) -> str:
    if not is_id(text):
        raise VendorRefused(client.source, "the ticket or customer is not named by an id of Request Tracker's")
    return text


def _comments(client: Client, data: object) -> str:
    if not isinstance(data, dict) or "id" not in data:
        raise VendorRetryable(client.source, "add_note: the answer is no user")
    found = data.get("Comments")
    return found if isinstance(found, str) else ""
