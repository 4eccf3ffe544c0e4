"""Doing something at Salesforce: on the right record, for the right person, and never twice where it can be helped."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from bridge.adapter.delivery import Action, Receipt
from bridge.errors import VendorRefused, VendorRetryable
from tests.adapters.salesforce_org import Org, make

CONTACT, CASE, ACCOUNT = "003Aa0000004711IAA", "500Aa0000000088IAA", "001Aa0000000020IAA"
MADE = {"id": "00TAa0000000901MAA", "success": True, "errors": []}


class Desk:
    """Performs actions; `answers` are given in turn."""

    def __init__(self, *answers: httpx.Response, language: str = "de", **settings: Any) -> None:
        self.org = Org()
        self.org.instead[""] = [*(answers or (httpx.Response(201, json=MADE),))]
        self.adapter = make(language=language, **settings)

    async def do(self, what: str, key: str = "key-1", **args: Any) -> Receipt:
        client = self.org.client(self.adapter)
        try:
            return await self.adapter.perform(client, Action(do=what, args=args, idempotency_key=key))
        finally:
            await client.close()

    @property
    def sent(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.org.asked[-1].content)
        return body


async def test_a_key_field_lets_salesforce_know_a_task_again() -> None:
    desk = Desk(httpx.Response(204), key_field="Bridge_Key__c")
    assert await desk.do("create_task", "a/b c", subject="Anrufen") == Receipt()
    [request] = desk.org.asked
    assert request.method == "PATCH"
    assert request.url.raw_path.endswith(b"/sobjects/Task/Bridge_Key__c/a%2Fb%20c")


async def test_a_callback_is_due_on_the_day_at_the_place_of_the_source() -> None:
    desk = Desk(language="en")
    receipt = await desk.do("schedule_callback", phone="+491729925904", at="2026-03-28T23:30:00Z", name="Frieda Muster")
    assert receipt.reference == MADE["id"]
    assert desk.sent["ActivityDate"] == "2026-03-29"
    assert desk.sent["ReminderDateTime"] == "2026-03-28T23:30:00.000Z"
    assert desk.sent["Subject"] == "Call back: Frieda Muster"
    assert desk.sent["Description"].startswith("Call back on 2026-03-29, 00:30 (CET), +491729925904\n\n")
    assert desk.sent["Description"].endswith("Retention Bridge · Reference key-1")


async def test_a_note_is_a_finished_task_under_its_first_line() -> None:
    desk = Desk(language="en", done_status="Done")
    await desk.do("add_note", text="  First line \nSecond " + "x" * 300, customer=CONTACT)
    assert desk.sent["Subject"] == "Note: First line"
    assert (desk.sent["Status"], desk.sent["WhoId"]) == ("Done", CONTACT)
    await Desk().do("add_note", text="y" * 300, customer=CONTACT)


async def test_a_long_first_line_is_cut_in_the_subject_only() -> None:
    desk = Desk()
    await desk.do("add_note", text="y" * 300, customer=CONTACT)
    assert len(desk.sent["Subject"]) == 255
    assert "y" * 300 in desk.sent["Description"]


@pytest.mark.parametrize(("length", "comment"), [(3900, True), (4000, False)])
async def test_a_note_on_a_case_is_never_cut(length: int, comment: bool) -> None:
    desk = Desk()
    await desk.do("add_note", text="x" * length, ticket=CASE)
    assert desk.org.asked[-1].url.path.endswith("CaseComment") is comment
    assert "x" * length in (desk.sent["CommentBody"] if comment else desk.sent["Description"])


@pytest.mark.parametrize(
    ("what", "args", "reason"),
    [
        ("add_note", {"text": "a"}, "name a customer or a ticket"),
        ("add_note", {"text": "a", "customer": CASE}, "customer is no id of such a record"),
        ("add_note", {"text": "a", "ticket": CONTACT}, "ticket is no id of such a record"),
        ("add_note", {"text": "a", "ticket": "4711"}, "ticket is no id of such a record"),
        ("create_task", {"subject": "a", "owner": CONTACT}, "owner is no id of a user or queue"),
        ("create_task", {"subject": "a", "owner": "Vertrieb"}, "owner is no id of a user or queue"),
        ("schedule_callback", {"phone": "+491729925904", "at": "2026-03-28T23:30:00Z", "queue": "1"}, "queue is no id"),
        ("erase", {"customer": ACCOUNT}, "customer is no id"),
    ],
)
async def test_what_is_no_such_record_is_refused_before_anybody_is_called(
    what: str, args: dict[str, Any], reason: str
) -> None:
    desk = Desk()
    with pytest.raises(VendorRefused, match=reason):
        await desk.do(what, **args)
    assert desk.org.asked == []


@pytest.mark.parametrize("answer", [{}, [], None, {"id": "", "success": True}, {"id": 7}])
async def test_an_answer_that_names_no_record_leaves_open_whether_it_was_done(answer: Any) -> None:
    with pytest.raises(VendorRetryable, match="does not say which") as problem:
        await Desk(httpx.Response(201, json=answer)).do("create_task", subject="a")
    assert not problem.value.undone


async def test_a_locked_row_is_tried_again() -> None:
    locked = httpx.Response(
        400, json=[{"errorCode": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access"}]
    )
    with pytest.raises(VendorRetryable) as problem:
        await Desk(locked).do("create_task", subject="a")
    assert (problem.value.retry_after, problem.value.undone) == (15, True)


REFUSED = {"errorCode": "DELETE_FAILED", "message": "associated with the following cases"}


@pytest.mark.parametrize(
    "answers",
    [
        [httpx.Response(400, json=[REFUSED]), httpx.Response(400, json=[{"errorCode": "INVALID_FIELD"}])],
        [
            httpx.Response(400, json=[REFUSED]),
            httpx.Response(200, json={"IsPersonAccount": False, "AccountId": ACCOUNT}),
        ],
        [httpx.Response(403, json=[REFUSED]), httpx.Response(200, json={"IsPersonAccount": True, "AccountId": None})],
        [httpx.Response(400, json=[REFUSED]), httpx.Response(200, json=[])],
    ],
)
async def test_a_contact_that_may_not_be_deleted_is_a_refusal(answers: list[httpx.Response]) -> None:
    desk = Desk(*answers)
    with pytest.raises(VendorRefused, match="was answered 40"):
        await desk.do("erase", customer=CONTACT)
    assert [request.method for request in desk.org.asked] == ["DELETE", "GET"]


async def test_another_refusal_of_a_deletion_is_not_looked_into() -> None:
    desk = Desk(httpx.Response(405))
    with pytest.raises(VendorRefused):
        await desk.do("erase", customer=CONTACT)
    assert len(desk.org.asked) == 1
