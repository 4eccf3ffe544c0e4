"""Text messages and callbacks: not without their settings, not before their time, and never taken for done unheard."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest

from bridge.adapter.base import Action, Adapter
from bridge.adapter.client import open_client
from bridge.errors import ConfigError, VendorError, VendorRefused, VendorRetryable
from contract_tests.fakes.twilio import ACCOUNT, TOKEN, Fake
from contract_tests.transports import Wire
from tests.adapters.twilio_account import NOW, make

SMS = {"to": "+493055501234", "text": "Wir rufen Sie heute zurück."}
CALL = {"phone": "+493055501234", "at": NOW.isoformat()}
SET = {
    "sms_from": "Beispiel AG",
    "callback_from": "+4930555010",
    "callback_url": "https://flows.example.org/callback",
}


def _twilio(**settings: str) -> Adapter:
    return make(account_sid=ACCOUNT, auth_token=TOKEN, **settings)


async def _perform(wire: Wire, do: str, args: dict[str, Any], key: str = "loop:17", **settings: str) -> str:
    adapter = _twilio(**settings)
    client = open_client(adapter, transport=wire, clock=NOW.timestamp)
    try:
        return (await adapter.perform(client, Action(do=do, args=args, idempotency_key=key))).reference
    finally:
        await client.close()


def _says(answer: httpx.Response, request: httpx.Request) -> httpx.Response:
    return answer


@pytest.mark.parametrize(("do", "args", "sid"), [("send_sms", SMS, "SM"), ("schedule_callback", CALL, "CA")])
async def test_what_the_fake_server_takes_is_referred_to_by_its_sid(do: str, args: dict[str, Any], sid: str) -> None:
    assert (await _perform(Wire(Fake().answer), do, args, **SET)).startswith(sid)


@pytest.mark.parametrize(
    ("do", "args", "missing"),
    [
        ("send_sms", SMS, "sms_from"),
        ("schedule_callback", CALL, "callback_from"),
        ("schedule_callback", CALL, "callback_url"),
    ],
)
async def test_without_its_setting_an_action_is_refused_and_says_which(
    do: str, args: dict[str, Any], missing: str
) -> None:
    wire = Wire(Fake().answer)
    with pytest.raises(VendorRefused, match=missing):
        await _perform(wire, do, args, **{name: value for name, value in SET.items() if name != missing})
    assert wire.requests == []


async def test_before_its_time_a_callback_waits_in_the_outbox_and_twilio_is_not_asked() -> None:
    wire = Wire(Fake().answer)
    with pytest.raises(VendorRetryable) as caught:
        await _perform(wire, "schedule_callback", {**CALL, "at": (NOW + timedelta(hours=2)).isoformat()}, **SET)
    assert (caught.value.undone, caught.value.retry_after, wire.requests) == (True, 7200.0, [])
    soon = {**CALL, "at": (NOW + timedelta(seconds=20)).isoformat()}
    assert await _perform(wire, "schedule_callback", soon, **SET)


@pytest.mark.parametrize("body", [b"{}", b"[]", b"", b"null", b'{"sid": ""}', b'{"sid": 7}', b"<html>"])
async def test_an_answer_that_names_nothing_leaves_open_what_was_done(body: bytes) -> None:
    wire = Wire(partial(_says, httpx.Response(201, content=body)))
    with pytest.raises(VendorRetryable) as caught:
        await _perform(wire, "send_sms", SMS, **SET)
    assert not caught.value.undone


@pytest.mark.parametrize("key", ["loop:17", "Schleife 17 ü\n"])
async def test_the_key_goes_along_where_a_header_and_an_address_can_carry_it(key: str) -> None:
    wire = Wire(Fake().answer)
    await _perform(wire, "schedule_callback", CALL, key, **SET, status_callback="https://bridge.example/webhooks/ivr")
    sent = dict(httpx.QueryParams(wire.requests[0].content.decode()))
    assert httpx.URL(sent["Url"]).params["key"] == httpx.URL(sent["StatusCallback"]).params["key"] == key
    assert wire.requests[0].headers["i-twilio-idempotency-token"].isascii()


async def test_refusals_of_twilio_name_no_person() -> None:
    said = {"code": 21610, "message": "Attempt to send to unsubscribed recipient +493055501234", "status": 400}
    with pytest.raises(VendorError) as caught:
        await _perform(Wire(partial(_says, httpx.Response(400, json=said))), "send_sms", SMS, **SET)
    assert isinstance(caught.value, VendorRefused)
    assert "55501234" not in str(caught.value)


@pytest.mark.parametrize("name", ["callback_url", "status_callback"])
def test_an_address_that_is_none_is_a_fault_of_the_settings(name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        _twilio(**{name: "flows.example.org"})
