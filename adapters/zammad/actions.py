"""What is done at Zammad: notes for staff and new tickets, each found again by its key, so done once.

https://docs.zammad.org/en/latest/api/ticket/index.html https://docs.zammad.org/en/latest/api/ticket/articles.html

Zammad honours no idempotency key. An article carries it in its subject, a note on a user in its text.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from html import escape
from typing import Any, TypeVar

from bridge.adapter.actions import AddNote, CreateTicket
from bridge.adapter.client import Answer, Client
from bridge.adapter.delivery import Receipt
from bridge.adapter.paths import scalar_text
from bridge.errors import VendorRefused, VendorRetryable

from .listing import quoted, read

_PRIORITY = {"low": "1 low", "normal": "2 normal", "high": "3 high", "urgent": "3 high"}

T = TypeVar("T")


async def comment(client: Client, args: AddNote, key: str) -> Receipt:
    """An internal article, which the customer does not see."""
    ticket = _id(client, args.ticket)
    found = await _before(lambda: client.call("GET", f"ticket_articles/by_ticket/{ticket}"))
    for article in _articles(client, found):
        if article.get("subject") == _mark(key):
            return _receipt(article)
    article = {"ticket_id": ticket, **_article(args.text, key)}
    answer = await client.call("POST", "ticket_articles", json=article, headers=_header(key))
    return _receipt(answer.data)


async def note(client: Client, args: AddNote, key: str) -> Receipt:
    """Add to the note on a user, which Zammad keeps as HTML."""
    path = f"users/{_id(client, args.customer)}"
    user = (await _before(lambda: client.call("GET", path))).data
    if not isinstance(user, dict) or "id" not in user:
        raise VendorRetryable(client.source, "add_note: the answer is no user", undone=True)
    before = scalar_text(user.get("note")) or ""
    if _mark(key) not in before:
        added = escape(f"{args.text}\n[{_mark(key)}]", quote=False).replace("\n", "<br>")
        text = "<br><br>".join(part for part in (before, added) if part)
        kept = (await client.call("PUT", path, json={"note": text}, headers=_header(key))).data
        if not isinstance(kept, dict) or _mark(key) not in (scalar_text(kept.get("note")) or ""):
            # Zammad cuts what is longer than its column, and says nothing.
            raise VendorRefused(client.source, "add_note: the end of the note was not kept: there is too much in it")
    return _receipt(user)


async def open_ticket(client: Client, args: CreateTicket, key: str, group: str) -> Receipt:
    """Open a ticket of the customer's; Zammad makes a user of an address that it does not know."""
    customer = _customer(client, args)
    query = {"query": f"article.subject:{quoted(_mark(key))}", "per_page": 1}
    done = await _before(lambda: read(client, "tickets/search", query))
    if done:
        return _receipt(done[0])
    ticket = {
        "title": args.subject,
        "group": group,
        "priority": _PRIORITY[args.priority],
        "article": _article(args.text, key),
        **customer,
    }
    return _receipt((await client.call("POST", "tickets", json=ticket, headers=_header(key))).data)


def is_id(text: str) -> bool:
    """Whether a text can be an id of Zammad's, and stand in a path."""
    return text.isascii() and text.isdigit() and len(text) < 19


def _customer(client: Client, args: CreateTicket) -> dict[str, Any]:
    if args.customer:
        return {"customer_id": int(_id(client, args.customer))}
    if not args.email and not args.phone:
        raise VendorRefused(client.source, "create_ticket: name a customer, an e-mail address or a phone")
    given = {"email": args.email, "firstname": args.name, "phone": args.phone}
    return {"customer": {name: value for name, value in given.items() if value}}


def _article(text: str, key: str) -> dict[str, Any]:
    """Internal, and by an agent: what the bridge writes is not meant for the customer, and sets off no reply."""
    said = {"subject": _mark(key), "body": text, "content_type": "text/plain"}
    return {**said, "type": "note", "sender": "Agent", "internal": True}


def _articles(client: Client, answer: Answer) -> list[dict[str, Any]]:
    if not isinstance(answer.data, list) or not all(isinstance(one, dict) for one in answer.data):
        raise VendorRetryable(client.source, "add_note: the answer is no list of articles", undone=True)
    return answer.data


async def _before(asking: Callable[[], Awaitable[T]]) -> T:
    """What is asked before anything is done: where it fails, nothing was done."""
    try:
        return await asking()
    except VendorRetryable as problem:
        problem.undone = True
        raise


def _id(client: Client, text: str) -> str:
    if not is_id(text):
        raise VendorRefused(client.source, "the ticket or customer is not named by an id of Zammad's")
    return text


def _header(key: str) -> dict[str, str]:
    """Stands in Zammad's log beside the request."""
    return {"x-request-id": key}


def _mark(key: str) -> str:
    return f"Retention Bridge {key}"


def _receipt(data: object) -> Receipt:
    return Receipt(reference=scalar_text(data.get("id")) or "" if isinstance(data, dict) else "")
