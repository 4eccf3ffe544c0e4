"""Live events: what a stream says and when, and that it ends with the right to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from bridge.store import Unit
from bridge.store.keys import keep_key
from tests.gateway.conftest import Gateway, case, person
from tests.patience import PATIENCE_SECONDS

PHONE = "+4930901820"


class Stream:
    """What the gateway has sent so far on one open stream."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.text = ""
        self._more = asyncio.Event()

    async def send(self, message: Any) -> None:
        """As a server takes it."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.text += message.get("body", b"").decode()
        self._more.set()

    async def until(self, words: str) -> str:
        """Everything, once `words` are in it."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while words not in self.text:
                self._more.clear()
                await self._more.wait()
        return self.text


@asynccontextmanager
async def listen(gateway: Gateway, path: str, method: str = "GET", **headers: str) -> AsyncIterator[Stream]:
    """An open stream; at the end the caller goes away."""
    stream, gone = Stream(), asyncio.Event()
    given = gateway.bearer("agent") | {name.replace("_", "-"): value for name, value in headers.items()}

    async def receive() -> Any:
        await gone.wait()
        return {"type": "http.disconnect"}

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
    }
    serving = asyncio.create_task(gateway.app(scope, receive, stream.send))
    try:
        yield stream
    finally:
        gone.set()
        await asyncio.wait_for(serving, PATIENCE_SECONDS)


async def known(gateway: Gateway, number: str = "1", phone: str = PHONE) -> str:
    """A customer, digested; their id."""
    await gateway.know(person(number, name="Ada Kaya", phones=[phone]))
    return (await gateway.lookup(phone=phone))["customer_id"]


async def test_an_open_card_hears_of_the_next_decision_and_of_no_other(gateway: Gateway) -> None:
    customer = await known(gateway)
    first = (await gateway.lookup(phone=PHONE))["decision_id"]
    async with listen(gateway, f"/v1/customers/{customer}/events", last_event_id=first) as stream:
        await stream.until("retry:")
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["cache-control"] == "no-store"
        await gateway.know(person("2", name="Somebody Else", phones=["+4930901821"]))
        await gateway.know(case("9", "1", type="complaint", status="open", opened="2026-11-20T08:00:00Z"))
        said = await stream.until("event: card")
        second = (await gateway.lookup(phone=PHONE))["decision_id"]
        assert second != first
        assert f"id: {second}" in said
        assert said.count("event: card") == 1
        assert "Kaya" not in said
        assert PHONE not in said


async def test_who_comes_with_an_older_decision_hears_at_once(gateway: Gateway) -> None:
    customer = await known(gateway)
    for seen in ({}, {"last_event_id": "d_older"}):
        async with listen(gateway, f"/v1/customers/{customer}/events", **seen) as stream:
            assert customer in await stream.until("event: card")


async def test_an_interaction_is_waited_for_until_somebody_looks_it_up(gateway: Gateway) -> None:
    customer = await known(gateway)
    async with listen(gateway, "/v1/interactions/call-7/events") as stream:
        await stream.until("retry:")
        await gateway.lookup(phone=PHONE, interaction="call-7")
        await gateway.gate.flush()
        assert customer in await stream.until("event: card")


async def test_a_merge_leads_an_open_card_to_the_one_who_is_left(gateway: Gateway) -> None:
    first, second = await known(gateway), await known(gateway, "2", "+4930901821")
    assert first != second
    async with (
        listen(gateway, f"/v1/customers/{first}/events") as one,
        listen(gateway, f"/v1/customers/{second}/events") as other,
    ):
        await one.until("event: card")
        await other.until("event: card")
        body = {"a": first, "b": second, "reason": "the same person"}
        assert (await gateway.post("/v1/identity/merge", "supervisor", json=body)).status_code == 200
        await gateway.digest()
        answer = await gateway.lookup(phone=PHONE)
        for stream in (one, other):
            assert answer["customer_id"] in await stream.until(f"id: {answer['decision_id']}")


async def test_a_quiet_stream_shows_that_it_lives_and_ends_with_its_key(gateway: Gateway) -> None:
    customer = await known(gateway)
    gateway.gate.updates.heartbeat = 0.05
    async with listen(gateway, f"/v1/customers/{customer}/events") as stream:
        await stream.until(": still here")
        stored = gateway.gate.keys.by_id(gateway.keys["agent"].split("_")[1])
        assert stored is not None
        unit = Unit()
        keep_key(unit, msgspec.structs.replace(stored, revoked_at=gateway.clock()))
        await gateway.store.write(unit)
        await gateway.gate.refresh()
        assert (await stream.until("event: expired")).endswith("event: expired\ndata: {}\n\n")


async def test_a_stream_ends_with_its_ticket(gateway: Gateway) -> None:
    customer = await known(gateway)
    gateway.gate.updates.heartbeat = 0.05
    origin = "https://desk.example.com"
    minted = await gateway.post("/v1/tickets", "agent", json={"agent": "a-17", "origin": origin})
    bearer = {"authorization": f"Bearer {minted.json()['ticket']}", "origin": origin}
    async with listen(gateway, f"/v1/customers/{customer}/events", "POST", **bearer) as stream:
        await stream.until("event: card")
        assert stream.headers["access-control-allow-origin"] == origin
        gateway.clock.advance(minutes=11)
        await stream.until("event: expired")
    async with listen(gateway, f"/v1/customers/{customer}/events", "POST", **bearer) as refused:
        await refused.until("not_authentic")
        assert refused.status == 401


async def test_when_the_gateway_closes_its_streams_end(gateway: Gateway) -> None:
    customer = await known(gateway)
    async with listen(gateway, f"/v1/customers/{customer}/events") as stream:
        await stream.until("event: card")
        gateway.gate.updates.close()
    assert stream.text.count("event: card") == 1


async def test_a_store_that_fails_for_a_moment_silences_nobody(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = await known(gateway)
    compare = gateway.gate.updates.compare
    failures = 2

    async def failing(cards: Any) -> None:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise ConnectionError
        await compare(cards)

    monkeypatch.setattr(gateway.gate.updates, "compare", failing)
    async with listen(gateway, f"/v1/customers/{customer}/events") as stream:
        await stream.until("event: card")
    assert failures < 0


async def test_a_customer_nobody_knows_is_waited_for(gateway: Gateway) -> None:
    async with listen(gateway, "/v1/customers/c_nobody/events") as stream:
        await stream.until("retry:")
        await gateway.gate.updates.compare(set(gateway.gate.updates._cards))
        assert "event: card" not in stream.text


async def test_nothing_committed_while_one_looked_is_slept_through(gateway: Gateway) -> None:
    store = gateway.store
    await store.wait("inbox", 0)
    before = store.mark()
    await gateway.deliver(person("7", name="Uwe"))
    assert await store.wait("inbox", PATIENCE_SECONDS, since=before) is True
