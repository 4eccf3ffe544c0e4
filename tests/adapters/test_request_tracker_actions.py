"""Notes and tickets: once, where staff sees them, and with an error that says whether anything was done."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import httpx
import pytest

from bridge.adapter.base import Action, Receipt
from bridge.errors import VendorRefused, VendorRetryable
from tests.adapters.request_tracker_account import Server, account

NOTE = {"text": "Rückruf bis Freitag.", "ticket": "4711"}
ON_CUSTOMER = {"text": "Wünscht Anruf.", "customer": "31"}
TICKET = {"subject": "Rückruf", "text": "Wie besprochen.", "customer": "31"}


def _listed(*ids: str) -> httpx.Response:
    rows = [{"id": one, "type": "ticket"} for one in ids]
    return httpx.Response(200, json={"items": rows, "page": 1, "per_page": 100, "total": len(rows)})


def _say(answer: httpx.Response, request: httpx.Request) -> httpx.Response:
    return answer


def _user(comments: str = "", **headers: str) -> httpx.Response:
    return httpx.Response(200, json={"id": 31, "Comments": comments}, headers=headers)


async def _done(do: str, args: dict[str, Any], *answers: httpx.Response, key: str = "k-1") -> tuple[str, Server]:
    server = Server()
    waiting = iter(answers)
    server.instead = lambda request: next(waiting)
    adapter = account(queue="Support")
    action = Action(do=do, args=args, idempotency_key=key)
    return (await adapter.perform(server.client(adapter), action)).reference, server


async def test_what_is_there_already_is_not_done_again() -> None:
    assert (await _done("add_note", NOTE, _listed("181")))[0] == "transaction/181"
    assert (await _done("create_ticket", TICKET, _listed("4800")))[0] == "4800"
    reference, server = await _done("add_note", ON_CUSTOMER, _user("[Retention Bridge k-1]\nWünscht Anruf."))
    assert reference == "user/31"
    assert server.paths == ["GET user/31"]


async def test_a_key_of_any_form_is_quoted_for_the_query() -> None:
    _, server = await _done("create_ticket", TICKET, _listed(), httpx.Response(201, json={"id": "1"}), key="a' OR 'b")
    assert server.asked[0].url.params["query"] == "RefersTo = 'urn:retention-bridge:a%27%20OR%20%27b'"
    assert server.asked[1].headers["x-request-id"] == "a%27%20OR%20%27b"


async def test_a_comment_without_a_place_of_its_own_is_named_by_its_ticket() -> None:
    assert (await _done("add_note", NOTE, _listed(), httpx.Response(201, json=["Comments added"])))[0] == "ticket/4711"


async def test_a_first_note_on_a_customer_stands_alone() -> None:
    text = "[Retention Bridge k-1]\nWünscht Anruf."
    _, server = await _done("add_note", ON_CUSTOMER, _user(), httpx.Response(200, json=["ok"]), _user(text))
    assert json.loads(server.asked[1].content) == {"Comments": text}
    assert server.asked[1].headers["if-match"] == "*"


async def test_somebody_who_writes_at_the_same_moment_is_not_overwritten() -> None:
    with pytest.raises(VendorRetryable, match="just changed") as caught:
        await _done("add_note", ON_CUSTOMER, _user("Old", etag='"163"'), httpx.Response(412, json={"message": "no"}))
    assert caught.value.undone


async def test_a_note_that_is_not_allowed_is_noticed_although_the_answer_is_200() -> None:
    with pytest.raises(VendorRefused, match="was not kept"):
        await _done("add_note", ON_CUSTOMER, _user(), httpx.Response(200, json=["Permission Denied"]), _user())
    with pytest.raises(VendorRefused) as caught:
        await _done("add_note", ON_CUSTOMER, _user(), httpx.Response(403, json={"message": "Forbidden"}))
    assert caught.value.status == 403


@pytest.mark.parametrize(("do", "args"), [("add_note", NOTE), ("add_note", ON_CUSTOMER), ("create_ticket", TICKET)])
async def test_what_fails_before_anything_was_done_says_so(do: str, args: dict[str, Any]) -> None:
    with pytest.raises(VendorRetryable) as caught:
        await _done(do, args, httpx.Response(503, headers={"retry-after": "7"}))
    assert (caught.value.undone, caught.value.status, caught.value.retry_after) == (True, 503, 7.0)
    assert str(caught.value).count("desk: ") == 1


async def test_what_fails_while_it_is_done_may_have_been_done() -> None:
    with pytest.raises(VendorRetryable) as caught:
        await _done("create_ticket", TICKET, _listed(), httpx.Response(502))
    assert not caught.value.undone
    with pytest.raises(VendorRetryable, match="names no ticket") as caught:
        await _done("create_ticket", TICKET, _listed(), httpx.Response(201, json={"type": "ticket"}))
    assert not caught.value.undone


async def test_a_server_that_ignores_the_search_for_the_key_is_not_believed() -> None:
    with pytest.raises(VendorRefused, match="several records"):
        await _done("create_ticket", TICKET, _listed("1", "2"))


async def test_an_answer_that_is_no_user_is_not_written_to() -> None:
    with pytest.raises(VendorRetryable, match="is no user"):
        await _done("add_note", ON_CUSTOMER, httpx.Response(200, json={"message": "?"}))


@pytest.mark.parametrize(
    ("do", "args"),
    [
        ("add_note", {"text": "Hello"}),
        ("add_note", {"text": "Hello", "ticket": "4711/../../user/1"}),
        ("add_note", {"text": "Hello", "customer": "nora.feld"}),
    ],
)
async def test_what_is_named_by_no_id_is_refused_before_anybody_is_asked(do: str, args: dict[str, Any]) -> None:
    with pytest.raises(VendorRefused, match="not named by an id"):
        await _done(do, args)


@pytest.mark.parametrize(
    ("do", "args", "found", "nothing", "reference"),
    [
        ("add_note", NOTE, _listed("181"), _listed(), "transaction/181"),
        ("add_note", ON_CUSTOMER, _user("[Retention Bridge k-1]\nWünscht Anruf."), _user("Old"), "user/31"),
        ("create_ticket", TICKET, _listed("4800"), _listed(), "4800"),
    ],
)
async def test_what_became_of_an_action_is_told_by_its_key_and_nothing_is_written(
    do: str, args: dict[str, Any], found: httpx.Response, nothing: httpx.Response, reference: str
) -> None:
    adapter = account(queue="Support")
    action = Action(do=do, args=args, idempotency_key="k-1")
    assert do in adapter.can_find
    for answer, receipt in ((found, Receipt(reference=reference)), (nothing, None)):
        server = Server()
        server.instead = partial(_say, answer)
        assert await adapter.find_sent(server.client(adapter), action) == receipt
        assert [one.method for one in server.asked] == ["GET"]
    server = Server()
    server.instead = lambda request: httpx.Response(503)
    with pytest.raises(VendorRetryable):
        await adapter.find_sent(server.client(adapter), action)
