"""Writing to Freshdesk: as plain text, to the right person, with a key that a person finds."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from bridge.adapter.base import Action
from bridge.errors import VendorError, VendorRefused, VendorRetryable
from tests.adapters.freshdesk_account import CONTACTS, TICKETS, Account, account, contact

PERSON = f"{CONTACTS}/67038833201"
ABOUT = {"customer": "67038833201", "text": "Nur per E-Mail"}


async def perform(vendor: Account, do: str, args: dict[str, Any], key: str = "k-1") -> str:
    adapter = account()
    client = vendor.client(adapter)
    try:
        return (await adapter.perform(client, Action(do=do, args=args, idempotency_key=key))).reference
    finally:
        await client.close()


async def failure(vendor: Account, do: str, args: dict[str, Any]) -> VendorError:
    with pytest.raises(VendorError) as caught:
        await perform(vendor, do, args)
    return caught.value


async def test_a_note_is_private_and_its_text_is_no_markup() -> None:
    vendor = Account().on(f"{TICKETS}/7/notes", httpx.Response(201, json={"id": 70}))
    assert await perform(vendor, "add_note", {"ticket": "7", "text": "<b>20 €</b>\n& mehr"}) == "70"
    [note] = vendor.written
    assert note == {"body": "<div>&lt;b&gt;20 €&lt;/b&gt;<br>&amp; mehr<br><br>Ref. k-1</div>", "private": True}
    assert vendor.asked[0].headers["idempotency-key"] == "k-1"


async def test_a_note_about_a_customer_stands_behind_what_is_there_and_only_once() -> None:
    vendor = Account().on(PERSON, contact(description="Stammkunde\n"))
    assert await perform(vendor, "add_note", ABOUT) == "67038833201"
    assert vendor.written == [{"description": "Stammkunde\n\nNur per E-Mail\nRef. k-1"}]
    vendor = Account().on(PERSON, contact(**vendor.written[0]))
    assert await perform(vendor, "add_note", ABOUT) == "67038833201"
    assert vendor.written == []


@pytest.mark.parametrize(
    "answer", [httpx.Response(503), {}, [], {"id": 1, "description": {"odd": 1}}, httpx.Response(200)]
)
async def test_what_fails_before_anything_was_written_is_surely_undone(answer: Any) -> None:
    vendor = Account().on(PERSON, answer)
    problem = await failure(vendor, "add_note", ABOUT)
    assert isinstance(problem, VendorRetryable)
    assert problem.undone
    assert vendor.written == []


async def test_what_may_have_been_written_is_not_surely_undone() -> None:
    vendor = Account().on(PERSON, contact(), httpx.Response(503))
    problem = await failure(vendor, "add_note", ABOUT)
    assert isinstance(problem, VendorRetryable)
    assert not problem.undone


@pytest.mark.parametrize(
    ("do", "args"),
    [
        ("add_note", {"text": "Wem?"}),
        ("add_note", {"text": "Wem?", "ticket": "7/../8"}),
        ("add_note", {"text": "Wem?", "customer": "²"}),
        ("create_ticket", {"subject": "Wem?", "text": "Wem?"}),
        ("create_ticket", {"subject": "Wem?", "text": "Wem?", "customer": "K-8"}),
    ],
)
async def test_who_is_not_named_by_an_id_of_freshdesks_is_refused_unasked(do: str, args: dict[str, Any]) -> None:
    vendor = Account()
    assert isinstance(await failure(vendor, do, args), VendorRefused)
    assert vendor.asked == []


@pytest.mark.parametrize(
    ("named", "requester"),
    [
        ({"customer": "5", "email": "a@example.org", "name": "A"}, {"requester_id": 5}),
        ({"email": "a@example.org"}, {"email": "a@example.org"}),
        ({"email": "a@example.org", "name": "A"}, {"email": "a@example.org", "name": "A"}),
        ({"phone": "+4915550001234"}, {"phone": "+4915550001234", "name": "+4915550001234"}),
        ({"phone": "+4915550001234", "name": "A"}, {"phone": "+4915550001234", "name": "A"}),
    ],
)
async def test_a_ticket_is_of_the_customer_else_of_the_address_or_number(
    named: dict[str, str], requester: dict[str, Any]
) -> None:
    vendor = Account().on(TICKETS, httpx.Response(201, json={"id": 44}))
    assert await perform(vendor, "create_ticket", {**named, "subject": "Rückruf", "text": "Bitte < heute"}) == "44"
    [made] = vendor.written
    assert {name: made[name] for name in ("requester_id", "email", "phone", "name") if name in made} == requester
    assert made["description"] == "<div>Bitte &lt; heute</div>"
    assert (made["status"], made["priority"]) == (2, 2)


async def test_a_ticket_has_its_key_as_a_tag_as_far_as_a_tag_may_be_long() -> None:
    args = {"customer": "5", "subject": "Rückruf", "text": "Bitte"}
    tags = []
    for key in ("k" * 32, "k" * 33, "k" * 33, "k" * 34):
        vendor = Account().on(TICKETS, httpx.Response(201, json={}))
        assert await perform(vendor, "create_ticket", args, key) == ""
        [tag] = vendor.written[0]["tags"]
        tags.append(tag)
        assert len(tag) <= 32
    assert tags[0] == "k" * 32
    assert tags[1] == tags[2] != tags[3]
