"""The forwarder: events go to the bridge signed and in their order, whoever of the two was away."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from http import HTTPStatus

import httpx
import pytest
import respx
import websockets
from msgspec.structs import replace
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from adapters.asterisk.forwarder import Settings, forward, listen, main, post, read_settings
from bridge.errors import NotAuthentic
from tests.adapters.asterisk_server import NOW, SECRET, adapter, event
from tests.patience import PATIENCE_SECONDS, eventually

BRIDGE = "https://bridge.example.org/webhooks/pbx"
CREATED = {"type": "ChannelCreated", "channel": {"id": "1772442000.40"}}
EVENTS = [
    CREATED,
    {"type": "ChannelDtmfReceived", "digit": "7"},
    {"type": "ChannelDialplan", "dialplan_app": "Read", "dialplan_app_data": "PIN"},
    {"type": "ChannelDialplan", "dialplan_app": "Queue", "dialplan_app_data": "technik"},
    [],
    {"type": "ChannelDestroyed", "channel": {"id": "1772442000.40"}},
]


class Ari:
    """A websocket that says its events once to each listener, and what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.refuse = 0

    async def say(self, connection: ServerConnection) -> None:
        for one in EVENTS:
            await connection.send(json.dumps(one))

    def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        self.asked.append((request.path, request.headers["authorization"]))
        if self.refuse:
            self.refuse -= 1
            return connection.respond(HTTPStatus.UNAUTHORIZED, "no")
        return None


@pytest.fixture
async def ari() -> AsyncIterator[tuple[Ari, Settings]]:
    asterisk = Ari()
    server: Server
    async with serve(asterisk.say, "127.0.0.1", 0, process_request=asterisk.admit) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield asterisk, Settings(f"http://127.0.0.1:{port}/", "bridge", "pass:word", BRIDGE, SECRET)


async def test_the_events_that_are_read_are_asked_for_and_no_others(ari: tuple[Ari, Settings]) -> None:
    asterisk, settings = ari
    heard = [json.loads(body) async for body in listen(settings)]
    assert heard == [EVENTS[0], EVENTS[3], EVENTS[5]]
    [(path, login)] = asterisk.asked
    assert path == "/ari/events?app=bridge&subscribeAll=true"
    assert base64.b64decode(login.removeprefix("Basic ")) == b"bridge:pass:word"


@respx.mock
async def test_the_bridge_believes_what_is_posted_and_nothing_that_was_changed() -> None:
    route = respx.post(BRIDGE).respond(202)
    settings = Settings("http://127.0.0.1", "u", "p", BRIDGE, SECRET)
    async with httpx.AsyncClient() as client:
        assert await post(settings, client, json.dumps(CREATED).encode())
    sent = route.calls.last.request
    request = replace(event(sent.content), headers=dict(sent.headers))
    now = NOW.fromtimestamp(int(sent.headers["webhook-timestamp"]), NOW.tzinfo)
    adapter().verify(request, now)
    with pytest.raises(NotAuthentic):
        adapter().verify(replace(request, body=request.body + b" "), now)


@respx.mock
@pytest.mark.parametrize(
    ("status", "done"), [(202, True), (400, True), (413, True), (401, False), (429, False), (503, False)]
)
async def test_what_may_be_taken_later_is_tried_again_and_what_never_will_is_not(status: int, done: bool) -> None:
    respx.post(BRIDGE).respond(status)
    settings = Settings("http://127.0.0.1", "u", "p", BRIDGE, SECRET)
    async with httpx.AsyncClient() as client:
        assert await post(settings, client, b"{}") is done


@respx.mock
async def test_it_goes_on_when_asterisk_or_the_bridge_was_away(ari: tuple[Ari, Settings]) -> None:
    asterisk, settings = ari
    asterisk.refuse = 2
    answers: list[httpx.Response | httpx.ConnectError] = [
        httpx.ConnectError("away"),
        httpx.Response(503),
        *[httpx.Response(202)] * 3,
    ]
    enough = asyncio.Event()
    taken: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        one = answers.pop(0) if answers else httpx.Response(202)
        if isinstance(one, httpx.ConnectError):
            raise one
        if one.is_success:
            taken.append(json.loads(request.content)["type"])
            if len(taken) == 3:
                enough.set()
        return one

    respx.post(BRIDGE).mock(side_effect=answer)
    respx.route(host="127.0.0.1").pass_through()
    async with httpx.AsyncClient() as client:
        task = asyncio.create_task(forward(settings, client, pause=0.01))
        await asyncio.wait_for(enough.wait(), PATIENCE_SECONDS)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert taken[:3] == ["ChannelCreated", "ChannelDialplan", "ChannelDestroyed"]
    assert len(asterisk.asked) >= 3


async def test_a_refused_login_is_an_error_of_the_connection(ari: tuple[Ari, Settings]) -> None:
    asterisk, settings = ari
    asterisk.refuse = 1
    with pytest.raises(websockets.InvalidStatus):
        async for _ in listen(settings):
            pass


def test_what_is_missing_is_named_and_no_secret_is_shown() -> None:
    whole = {
        "ARI_URL": "https://pbx.example.org:8089",
        "ARI_USER": "bridge",
        "ARI_PASSWORD": "pw-4711",
        "BRIDGE_WEBHOOK_URL": BRIDGE,
        "BRIDGE_WEBHOOK_SECRET": SECRET,
    }
    assert read_settings(whole).events_url.startswith("wss://pbx.example.org:8089/ari/events?app=bridge")
    for name in whole:
        with pytest.raises(ValueError, match=name):
            read_settings({**whole, name: ""})
    for name, wrong in (("ARI_URL", "pbx.example.org"), ("BRIDGE_WEBHOOK_SECRET", "no base64 at all")):
        with pytest.raises(ValueError, match=name) as caught:
            read_settings({**whole, name: wrong})
        assert wrong not in str(caught.value)


async def test_without_its_settings_it_ends_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARI_URL", raising=False)
    assert await main() == 2


async def test_while_the_bridge_is_away_for_long_the_oldest_events_are_dropped_and_that_is_said(
    ari: tuple[Ari, Settings], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Their calls are still told of by the call records."""
    _, settings = ari
    monkeypatch.setattr("adapters.asterisk.forwarder.MOST", 2)
    transport = httpx.MockTransport(lambda request: httpx.Response(503))
    async with httpx.AsyncClient(transport=transport) as client:
        task = asyncio.create_task(forward(settings, client, pause=0.01))
        await eventually(lambda: "is dropped" in caplog.text, "an event is dropped")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert SECRET not in caplog.text and "pass:word" not in caplog.text
