"""Notes and tickets: each once, whatever is repeated, and nothing that the customer sees."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from bridge.adapter.delivery import Action
from bridge.errors import VendorError, VendorRefused, VendorRetryable
from tests.adapters.zammad_account import Server, account

MARK = "Retention Bridge k-1"


async def _do(server: Server, do: str, **args: Any) -> str:
    adapter = account()
    done = await adapter.perform(server.client(adapter), Action(do=do, args=args, idempotency_key="k-1"))
    return done.reference


async def test_a_note_that_is_there_is_not_written_again() -> None:
    server = Server()
    server.says("GET ticket_articles/by_ticket/81", [{"id": 104, "subject": ""}, {"id": 105, "subject": MARK}])
    assert await _do(server, "add_note", text="Thinks it over.", ticket="81") == "105"
    assert server.paths == ["GET ticket_articles/by_ticket/81"]


async def test_a_note_on_a_user_that_is_there_is_not_written_again() -> None:
    server = Server()
    server.says("GET users/8", {"id": 8, "note": f"Thinks it over.<br>[{MARK}]"})
    assert await _do(server, "add_note", text="Thinks it over.", customer="8") == "8"
    assert server.paths == ["GET users/8"]


async def test_a_note_that_was_cut_is_said_to_be() -> None:
    server = Server()

    def cut(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"id": 8, "note": "so much that the en"})

    server.instead = cut
    with pytest.raises(VendorRefused, match="not kept"):
        await _do(server, "add_note", text="Thinks it over.", customer="8")


async def test_a_ticket_that_is_there_is_not_opened_again() -> None:
    server = Server()
    (number,) = server.fake.fill("tickets", 1)
    server.fake.streams["tickets"][0]["article.subject"] = MARK
    assert await _do(server, "create_ticket", subject="Callback", text="Wants to leave.", customer="8") == number
    assert server.paths == ["GET tickets/search"]


async def test_what_is_written_is_internal_and_sets_off_no_reply() -> None:
    server = Server()
    server.says("POST tickets", {"id": 90})
    assert await _do(server, "create_ticket", subject="Callback", text="Wants to leave.", customer="8") == "90"
    article = json.loads(server.asked[-1].content)["article"]
    assert (article["internal"], article["type"], article["sender"]) == (True, "note", "Agent")


@pytest.mark.parametrize(
    ("do", "args"),
    [
        ("add_note", {"text": "a", "ticket": "81"}),
        ("add_note", {"text": "a", "customer": "8"}),
        ("create_ticket", {"subject": "a", "text": "a", "customer": "8"}),
    ],
)
async def test_where_the_look_before_fails_nothing_was_done(do: str, args: dict[str, str]) -> None:
    for answer in (httpx.Response(502), httpx.Response(200, json={"error": "x"}), httpx.Response(200, json=[1])):
        server = Server()
        server.instead = lambda request, answer=answer: answer  # type: ignore[misc]  # bound anew each time
        with pytest.raises(VendorRetryable) as caught:
            await _do(server, do, **args)
        assert caught.value.undone


@pytest.mark.parametrize(
    ("do", "args"),
    [
        ("add_note", {"text": "a", "ticket": "../users/8"}),
        ("add_note", {"text": "a", "customer": "frieda"}),
        ("add_note", {"text": "a"}),
        ("create_ticket", {"subject": "a", "text": "a"}),
        ("create_ticket", {"subject": "a", "text": "a", "customer": "me"}),
    ],
)
async def test_nobody_is_asked_about_what_is_no_id(do: str, args: dict[str, str]) -> None:
    server = Server()
    with pytest.raises(VendorError):
        await _do(server, do, **args)
    assert server.asked == []


async def test_of_several_notes_none_of_which_is_ours_a_new_one_is_written() -> None:
    server = Server()
    answers = {"GET": [{"id": 104, "subject": "Retention Bridge k-2"}], "POST": {"id": 106}}
    server.instead = lambda request: httpx.Response(200, json=answers[request.method])
    assert await _do(server, "add_note", text="Thinks it over.", ticket="81") == "106"
    assert server.asked[-1].headers["x-request-id"] == "k-1"


@pytest.mark.parametrize("note", [None, "", "wants to be called"])
async def test_a_note_on_a_user_stands_below_what_is_there(note: str | None) -> None:
    server = Server()

    def keep(request: httpx.Request) -> httpx.Response:
        written = json.loads(request.content)["note"] if request.method == "PUT" else note
        return httpx.Response(200, json={"id": 8, "note": written})

    server.instead = keep
    await _do(server, "add_note", text="1 < 2\nYes", customer="8")
    before = f"{note}<br><br>" if note else ""
    assert json.loads(server.asked[-1].content) == {"note": f"{before}1 &lt; 2<br>Yes<br>[{MARK}]"}


async def test_a_customer_who_is_not_known_is_named_by_all_that_is_known() -> None:
    server = Server()
    server.says("POST tickets", {"id": 90})
    person = {"name": "Nora Feld", "email": "nora.feld@example.org", "phone": "+4915550001234"}
    await _do(server, "create_ticket", subject="Callback", text="Wants to leave.", **person)
    said = json.loads(server.asked[-1].content)["customer"]
    assert said == {"firstname": "Nora Feld", "email": person["email"], "phone": person["phone"]}
