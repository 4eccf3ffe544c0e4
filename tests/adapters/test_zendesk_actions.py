"""Writing to Zendesk: once, to the right person, unseen by the customer, and never over somebody's words."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from bridge.adapter.base import Action, Receipt
from bridge.errors import VendorError, VendorRefused, VendorRetryable
from tests.adapters.zendesk_account import Account, account, ticket, user

TICKET, USER = "/api/v2/tickets/35436.json", "/api/v2/users/23304514533908.json"
TICKETS, USERS, SEARCH = "/api/v2/tickets.json", "/api/v2/users.json", "/api/v2/search.json"
NOTE = {"ticket": "35436", "text": "Zurückgerufen"}
CALLER = {"phone": "+493055501234", "subject": "Abgebrochener Anruf", "text": "Nach neun Minuten aufgelegt."}


async def perform(vendor: Account, do: str, args: dict[str, Any], **settings: Any) -> str:
    adapter = account(**settings)
    client = vendor.client(adapter)
    try:
        return (await adapter.perform(client, Action(do=do, args=args, idempotency_key="k-1"))).reference
    finally:
        await client.close()


def written(vendor: Account) -> list[dict[str, Any]]:
    return [json.loads(one.content) for one in vendor.asked if one.method != "GET" and "oauth" not in one.url.path]


async def failure(vendor: Account, do: str, args: dict[str, Any]) -> VendorError:
    with pytest.raises(VendorError) as caught:
        await perform(vendor, do, args)
    return caught.value


async def test_a_comment_is_private_and_gives_way_to_whoever_changed_the_ticket_meanwhile() -> None:
    vendor = Account().on(TICKET, {"ticket": ticket()}, httpx.Response(409, json={"error": "UpdateConflict"}))
    problem = await failure(vendor, "add_note", NOTE)
    assert isinstance(problem, VendorRetryable)
    assert (problem.undone, problem.status, problem.retry_after) == (True, 409, 5)
    [update] = written(vendor)
    assert update["ticket"]["comment"] == {"body": "Zurückgerufen\n\nRef. k-1", "public": False}
    assert (update["ticket"]["safe_update"], update["ticket"]["updated_stamp"]) == (True, "2026-05-04T10:00:09Z")


async def test_a_note_stands_behind_what_is_there_and_a_write_that_was_lost_may_have_been_done() -> None:
    vendor = Account().on(TICKET, {"ticket": ticket()})
    assert await perform(vendor, "add_note", NOTE) == "35436"
    note = {"customer": "23304514533908", "text": "Nur per E-Mail"}
    vendor = Account().on(USER, {"user": user(notes="Stammkunde\n")})
    assert await perform(vendor, "add_note", note) == "23304514533908"
    assert written(vendor) == [{"user": {"notes": "Stammkunde\n\nNur per E-Mail\nRef. k-1"}}]
    for path, found, args in ((TICKET, {"ticket": ticket()}, NOTE), (USER, {"user": user()}, note)):
        problem = await failure(Account().on(path, found, httpx.Response(502)), "add_note", args)
        assert isinstance(problem, VendorRetryable)
        assert not problem.undone


async def test_a_closed_ticket_takes_no_comment() -> None:
    vendor = Account().on(TICKET, {"ticket": ticket()}, httpx.Response(422, json={"error": "RecordInvalid"}))
    problem = await failure(vendor, "add_note", NOTE)
    assert isinstance(problem, VendorRefused)
    assert problem.status == 422


@pytest.mark.parametrize("path", [TICKET, USER])
@pytest.mark.parametrize("answer", [httpx.Response(503), {"strange": True}, [], httpx.Response(200)])
async def test_what_fails_before_anything_was_written_is_surely_undone(path: str, answer: Any) -> None:
    args = NOTE if path == TICKET else {"customer": "23304514533908", "text": "Zurückgerufen"}
    problem = await failure(Account().on(path, answer), "add_note", args)
    assert isinstance(problem, VendorRetryable)
    assert problem.undone


async def test_a_note_that_stands_with_the_user_already_is_not_written_again() -> None:
    vendor = Account().on(USER, {"user": user(notes="Alt\n\nZurückgerufen\nRef. k-1")})
    assert await perform(vendor, "add_note", {"customer": "23304514533908", "text": "Zurückgerufen"})
    assert written(vendor) == []


async def test_notes_that_are_no_text_are_not_written_over() -> None:
    vendor = Account().on(USER, {"user": user(notes={"odd": 1})})
    assert isinstance(await failure(vendor, "add_note", {"customer": "23304514533908", "text": "x"}), VendorRetryable)
    assert written(vendor) == []


@pytest.mark.parametrize(
    ("do", "args"),
    [
        ("add_note", {"text": "Wem?"}),
        ("add_note", {"text": "Wem?", "ticket": "../users/1"}),
        ("add_note", {"text": "Wem?", "customer": "٣"}),
        ("create_ticket", {"subject": "Wem?", "text": "Wem?"}),
        ("create_ticket", {"subject": "Wem?", "text": "Wem?", "customer": "K-8"}),
    ],
)
async def test_who_is_not_named_by_an_id_of_zendesks_is_refused_unasked(do: str, args: dict[str, Any]) -> None:
    vendor = Account()
    assert isinstance(await failure(vendor, do, args), VendorRefused)
    assert vendor.asked == []


async def test_the_only_user_with_the_phone_is_the_requester() -> None:
    others = [user(id=2, phone="+43 30 5550 1234"), user(id=3, role="agent"), user(id=4, phone=None)]
    vendor = Account().on(SEARCH, {"results": [user(), *others]}).on(TICKETS, {"ticket": {"id": 7}})
    assert await perform(vendor, "create_ticket", CALLER) == "7"
    [made] = written(vendor)
    assert made["ticket"]["requester_id"] == 23304514533908
    assert made["ticket"]["comment"]["public"] is False
    assert made["ticket"]["external_id"] == "k-1"


@pytest.mark.parametrize(
    "found", [[user(), user(id=2)], [user(shared_phone_number=True)]], ids=["two people", "a shared phone"]
)
async def test_a_phone_that_several_people_have_makes_no_ticket(found: list[Any]) -> None:
    vendor = Account().on(SEARCH, {"results": found})
    problem = await failure(vendor, "create_ticket", CALLER)
    assert isinstance(problem, VendorRefused)
    assert "name the customer" in str(problem)
    assert written(vendor) == []


async def test_a_user_who_cannot_be_read_makes_no_ticket_and_no_second_user() -> None:
    vendor = Account().on(SEARCH, {"results": [user(role=None)]})
    problem = await failure(vendor, "create_ticket", CALLER)
    assert isinstance(problem, VendorRefused)
    assert "user.role" in str(problem) or "role" in str(problem)
    assert written(vendor) == []


async def test_after_a_user_was_made_a_failed_ticket_is_not_tried_again_by_itself() -> None:
    """The search finds the new user only minutes later, and a second one would be made."""
    vendor = Account().on(SEARCH, {"results": []}).on(USERS, {"user": {"id": 9}}).on(TICKETS, httpx.Response(429))
    problem = await failure(vendor, "create_ticket", CALLER)
    assert isinstance(problem, VendorRetryable)
    assert not problem.undone
    vendor = Account().on(TICKETS, httpx.Response(429))
    known = {"customer": "23304514533908", "subject": "Rückruf", "text": "Bitte"}
    problem = await failure(vendor, "create_ticket", known)
    assert isinstance(problem, VendorRetryable)
    assert problem.undone


async def test_a_user_without_an_id_makes_no_ticket() -> None:
    vendor = Account().on(SEARCH, {"results": []}).on(USERS, {"user": {"id": "odd"}})
    problem = await failure(vendor, "create_ticket", CALLER)
    assert isinstance(problem, VendorRetryable)
    assert not problem.undone
    assert len(written(vendor)) == 1


async def test_a_ticket_that_was_made_without_saying_its_number_was_made() -> None:
    vendor = Account().on(TICKETS, {"odd": 1})
    args = {"email": "a@example.org", "subject": "Rückruf", "text": "Bitte"}
    assert await perform(vendor, "create_ticket", args) == ""
    assert written(vendor)[0]["ticket"]["requester"] == {"email": "a@example.org", "name": "a@example.org"}


async def test_the_token_is_asked_for_with_the_scope_that_is_set() -> None:
    vendor = Account().on(TICKETS, {"ticket": {"id": 7}})
    args = {"customer": "1", "subject": "Rückruf", "text": "Bitte"}
    await perform(vendor, "create_ticket", args, scope="read tickets:write users:write")
    [asked] = [json.loads(one.content) for one in vendor.asked if "oauth" in one.url.path]
    assert asked["scope"] == "read tickets:write users:write"


async def _found(vendor: Account, do: str = "create_ticket") -> Receipt | None:
    adapter = account()
    client = vendor.client(adapter)
    try:
        return await adapter.find_sent(client, Action(do=do, args=CALLER, idempotency_key="k-1"))
    finally:
        await client.close()


async def test_whether_a_ticket_was_made_is_told_by_its_external_id_and_nothing_is_written() -> None:
    vendor = Account().on(TICKETS, {"tickets": [ticket(external_id="k-1")]})
    assert await _found(vendor) == Receipt(reference="35436")
    assert vendor.asked[-1].url.params["external_id"] == "k-1"
    assert written(vendor) == []
    assert await _found(Account().on(TICKETS, {"tickets": []})) is None


async def test_a_list_of_other_tickets_or_of_nothing_tells_nothing() -> None:
    with pytest.raises(VendorRefused, match="ignored"):
        await _found(Account().on(TICKETS, {"tickets": [ticket(external_id=None)]}))
    with pytest.raises(VendorRetryable):
        await _found(Account().on(TICKETS, {"tickets": None}))
    with pytest.raises(VendorRefused, match="cannot be asked"):
        await _found(Account(), "add_note")
