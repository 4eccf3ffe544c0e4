"""Actions as signed webhooks: vouched for, once, to where they may go and nowhere else."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
from datetime import timedelta
from typing import Any

import httpx
import pytest
import respx
import time_machine
from standardwebhooks import Webhook

from bridge.adapter.actions import ARGUMENTS
from bridge.adapter.base import Adapter
from bridge.adapter.client import open_client
from bridge.adapter.delivery import Action, Receipt
from bridge.adapter.manifest import ACTIONS
from bridge.errors import ConfigError, VendorError, VendorRefused, VendorRetryable
from contract_tests.fakes.webhook import Fake
from tests.adapters.webhook_sender import NOW, make

URL = "https://hooks.example.org/in?tenant=acme"
OLD, NEW = (
    base64.b64encode(key).decode() for key in (b"an-outbound-key-of-30-bytes-01", b"an-outbound-key-of-30-bytes-02")
)
NOTE = Action(do="add_note", args={"text": "Rückruf zugesagt", "customer": "K-1"}, idempotency_key="cause:1.note")


def sender(**settings: Any) -> Adapter:
    """A source whose receiver is reached without a look-up of its name."""
    usual = {"url": URL, "outgoing_secret": f"whsec_{OLD}", "private_hosts": "hooks.example.org"}
    return make(**{**usual, **settings})


async def perform(adapter: Adapter, answer: Any, action: Action = NOTE, later: int = 0) -> Receipt:
    client = open_client(
        adapter, transport=httpx.MockTransport(answer), clock=(NOW + timedelta(seconds=later)).timestamp
    )
    try:
        return await adapter.perform(client, action)
    finally:
        await client.close()


async def test_the_receiver_finds_it_signed_and_does_it_once() -> None:
    fake = Fake(OLD, now=int(NOW.timestamp()))
    first = await perform(sender(), fake.answer)
    again = await perform(sender(), fake.answer, later=40)
    assert first == again == Receipt(reference="done-cause:1%2Enote")
    assert fake.done == {
        "cause:1%2Enote": {
            "id": "cause:1.note",
            "type": "action.add_note",
            "data": {"text": "Rückruf zugesagt", "customer": "K-1"},
        }
    }


async def test_a_library_of_the_standard_accepts_it() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(204)

    await perform(sender(), answer)
    with time_machine.travel(NOW, tick=False):
        body = Webhook(OLD).verify(seen[0].content, dict(seen[0].headers))
    assert body["type"] == "action.add_note"
    assert str(seen[0].url) == URL


async def test_the_address_stands_in_no_error_even_where_it_looks_like_a_word() -> None:
    adapter = sender(url="https://hooks.example.org/services/QuiteASecretWord")

    def slow(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow", request=request)

    for answer in (lambda _: httpx.Response(503), lambda _: httpx.Response(404), slow):
        with pytest.raises(VendorError) as caught:
            await perform(adapter, answer)
        assert "POST to url" in str(caught.value)
        assert "services" not in str(caught.value)


async def test_while_a_secret_is_replaced_both_sign() -> None:
    for known in (OLD, NEW):
        fake = Fake(known, now=int(NOW.timestamp()))
        await perform(sender(outgoing_secret=[f"whsec_{OLD}", NEW]), fake.answer)
        assert len(fake.done) == 1
    with pytest.raises(VendorRefused, match="401"):
        await perform(sender(), Fake(NEW, now=int(NOW.timestamp())).answer)


async def test_the_key_of_any_cause_fits_into_a_header() -> None:
    for key in ("a.b", "Zoë\r\nx: y", "a b/c?", "loop:7:c_01HX:2026-03-02"):
        fake = Fake(OLD, now=int(NOW.timestamp()))
        action = Action(do="erase", args={"customer": "K-1"}, idempotency_key=key)
        await perform(sender(), fake.answer, action)
        assert [(number.isascii(), body["id"]) for number, body in fake.done.items()] == [(True, key)]


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        (httpx.Response(200, text="ok"), ""),
        (httpx.Response(200, text="<html>Accepted</html>"), ""),
        (httpx.Response(202), ""),
        (httpx.Response(200, json={"id": 17}), "17"),
        (httpx.Response(200, json={"reference": "r", "id": 1}), "r"),
        (httpx.Response(200, json={"id": {"a": 1}}), ""),
        (httpx.Response(200, json=["x"]), ""),
    ],
)
async def test_any_2xx_means_that_it_is_done(answer: httpx.Response, reference: str) -> None:
    assert await perform(sender(), lambda _: answer) == Receipt(reference=reference)


async def test_a_failure_is_not_taken_for_done() -> None:
    with pytest.raises(VendorRetryable) as problem:
        await perform(sender(), lambda _: httpx.Response(503, text="ok"))
    assert not problem.value.undone
    with pytest.raises(VendorRefused):
        await perform(sender(), lambda _: httpx.Response(302, headers={"location": "https://stranger.example/"}))


async def test_the_receiver_may_want_a_header_of_its_own() -> None:
    seen: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("authorization"))
        return httpx.Response(200)

    await perform(sender(authorization="Bearer of-the-receiver"), answer)
    await perform(sender(), answer)
    assert seen == ["Bearer of-the-receiver", None]


def test_a_source_can_do_what_its_receiver_can() -> None:
    assert sender().manifest.actions == ACTIONS == set(ARGUMENTS)
    assert sender(actions=["erase", "send_sms"]).manifest.actions == {"erase", "send_sms"}
    assert make().manifest.actions == frozenset()
    assert "webhook" in make().manifest.capabilities


async def test_what_the_receiver_cannot_do_is_refused() -> None:
    for adapter in (make(), sender(actions="erase")):
        with pytest.raises(VendorRefused, match="cannot add_note"):
            await perform(adapter, lambda _: httpx.Response(200))


@pytest.mark.parametrize(
    "url",
    [
        "hooks.example.org/in",
        "ftp://hooks.example.org/in",
        "http://hooks.example.org/in",
        "https://user:word@hooks.example.org/in",
        "https://hooks.example.org/in#part",
        "https://hooks.example.org/in here",
        "https://hooks.example.org:0x50/in",
        "https:///in",
        "https://[::1/in",
        "https://localhost/in",
        "https://n8n/in",
        "https://n8n.local/in",
        "https://printer.corp./in",
        "https://127.0.0.1/in",
        "https://10.1.2.3:8443/in",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/in",
        "https://[fd00::1]/in",
        "https://[::ffff:10.0.0.1]/in",
        "https://224.0.0.1/in",
        "https://2130706433/in",
        "https://0x7f.0.0.1/in",
        "https://127.1/in",
    ],
)
def test_an_address_that_is_not_public_is_named_at_the_start(url: str) -> None:
    with pytest.raises(ConfigError, match=r"sources\.hook\.settings\.url: ") as problem:
        make(url=url, outgoing_secret=OLD)
    assert "word" not in problem.value.what.split("; ")[0].replace("password", "")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://n8n:5678/webhook/1", "N8N"),
        ("https://10.1.2.3/in", "10.1.2.3"),
        ("http://[fd00::1]:80/in", "[fd00::1]"),
    ],
)
def test_a_host_of_ones_own_may_be_meant(url: str, host: str) -> None:
    assert make(url=url, outgoing_secret=OLD, private_hosts=["other", host]).manifest.actions == ACTIONS


@pytest.mark.parametrize(
    ("places", "refused"),
    [
        (["203.0.113.7"], True),  # documentation only: no public host has it
        (["93.184.216.34", "10.0.0.5"], True),
        (["fe80::1%eth0"], True),
        (["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"], False),
        ([], False),
    ],
)
async def test_a_name_that_came_to_mean_a_private_place_is_not_called(
    places: list[str], refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        assert (host, port) == ("hooks.example.org", 443)
        if not places:
            raise socket.gaierror(-2, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (place, port)) for place in places]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    adapter = sender(private_hosts=())
    with respx.mock(assert_all_called=not refused) as router:
        route = router.post(URL).respond(200)
        client = open_client(adapter, clock=NOW.timestamp)
        if refused:
            with pytest.raises(VendorRefused, match="private network"):
                await adapter.perform(client, NOTE)
        else:
            await adapter.perform(client, NOTE)
        await client.close()
        assert route.called is not refused


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"url": URL, "outgoing_secret": ""}, "outgoing_secret"),
        ({"url": URL, "outgoing_secret": "whsec_short"}, "outgoing_secret"),
        ({"url": URL, "outgoing_secret": "whsec_" + "A" * 12}, "outgoing_secret"),
        ({"url": URL, "outgoing_secret": OLD, "actions": "add_notes"}, "actions"),
        ({"authorization": "Bearer a\r\nx: y"}, "authorization"),
        ({"authorization": "Bearer ä"}, "authorization"),
    ],
)
def test_a_setting_that_cannot_work_is_named_at_the_start(settings: dict[str, str], name: str) -> None:
    with pytest.raises(ConfigError, match=rf"sources\.hook\.settings\.{name}: "):
        make(**settings)


async def test_the_body_holds_what_was_asked_for_and_nothing_else() -> None:
    bodies: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        return httpx.Response(200)

    args = {"name": "liste", "columns": ["a"], "rows": [["=1"], ["2"]]}
    await perform(sender(), answer, Action(do="export_list", args=args, idempotency_key="k"))
    assert bodies == [{"id": "k", "type": "action.export_list", "data": args}]
