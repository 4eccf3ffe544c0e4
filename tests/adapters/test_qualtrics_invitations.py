"""Invitations: to one customer, once, and only when everything it needs is there."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from bridge.adapter.base import Adapter
from bridge.adapter.delivery import Action
from bridge.errors import VendorRefused, VendorRetryable
from tests.adapters.qualtrics_account import client, make

READY: dict[str, Any] = {
    "directory": "POOL_1",
    "mailing_list": "CG_1",
    "message_library": "UR_1",
    "message": "MS_1",
    "subject": "Wie war es?",
    "sender_name": "Muster Telekom",
}
WANTED = {"survey": "SV_1", "reference": "10023", "email": "frieda@example.org"}


async def invite(adapter: Adapter, *answers: httpx.Response, **args: Any) -> tuple[str, list[dict[str, Any]]]:
    """The reference, and what was asked for."""
    given, asked = iter(answers), []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(json.loads(request.content))
        return next(given)

    action = Action(do="invite_survey", args=WANTED | args, idempotency_key="a-key")
    return (await adapter.perform(client(adapter, answer), action)).reference, asked


def result(**values: str) -> httpx.Response:
    return httpx.Response(200, json={"result": values, "meta": {"httpStatus": "200 - OK"}})


async def test_only_the_one_who_was_added_is_written_to() -> None:
    reference, [person, sent] = await invite(make(**READY), result(contactLookupId="CGC_1"), result(id="EMD_1"))
    assert reference == "EMD_1"
    assert (person["email"], person["extRef"], person["language"]) == ("frieda@example.org", "10023", "DE")
    assert "phone" not in person
    assert sent["recipients"] == {"mailingListId": "CG_1", "contactId": "CGC_1"}
    assert person["embeddedData"]["bridge_invitation"] == sent["embeddedData"]["bridge_invitation"] == "a-key"
    assert sent["header"]["replyToEmail"] == sent["header"]["fromEmail"] == "noreply@qemailserver.com"


@pytest.mark.parametrize("missing", READY)
async def test_while_a_setting_is_missing_nobody_is_called(missing: str) -> None:
    with pytest.raises(VendorRefused, match=missing):
        await invite(make(**{**READY, missing: ""}))


async def test_who_has_no_address_and_what_is_not_read_is_refused() -> None:
    with pytest.raises(VendorRefused, match="no e-mail address"):
        await invite(make(**READY), email=None, phone="+493012345678")
    with pytest.raises(VendorRefused, match="none of the setting surveys"):
        await invite(make(**READY), survey="SV_9")


@pytest.mark.parametrize("failed", [httpx.Response(500), httpx.Response(200, json={}), result(id="CID_1")])
async def test_until_the_message_is_asked_for_nobody_was_written_to(failed: httpx.Response) -> None:
    with pytest.raises(VendorRetryable) as caught:
        await invite(make(**READY), failed)
    assert caught.value.undone
    assert str(caught.value).count("surveys: ") == 1


@pytest.mark.parametrize(
    ("failed", "undone"), [(httpx.Response(500), False), (httpx.Response(429), True), (result(contact="x"), False)]
)
async def test_afterwards_only_a_limit_says_so(failed: httpx.Response, undone: bool) -> None:
    with pytest.raises(VendorRetryable) as caught:
        await invite(make(**READY), result(contactLookupId="CGC_1"), failed)
    assert caught.value.undone == undone
