"""Real calls through a real Asterisk: what it writes and says of them arrives as interactions."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import pytest
from msgspec import Struct

from adapters.asterisk.forwarder import Settings, forward
from bridge.adapter.base import Action, Adapter, Item, Request
from bridge.adapter.client import Client
from bridge.adapter.registry import Registry
from bridge.errors import VendorRefused
from bridge.facts import Origin
from bridge.flow import Desk, absorb, open_desk
from bridge.intake import inbox, sync
from bridge.settings import read_settings
from bridge.store import Unit, open_store
from tests.live import asterisk, sipp
from tests.live.conftest import Connect, Missing

SECRET = "whsec_c2VjcmV0LW9mLXRoZS1mb3J3YXJkZXI="
HOOK = "https://bridge.example.org/webhooks/live"
PATIENCE = 60.0
MENU, BUSY, RINGING, SECOND = "+493055510", "+493055511", "+493055512", "+493055513"

Body: TypeAlias = dict[str, Any]


@pytest.fixture(scope="module")
def server(missing: Missing) -> Iterator[asterisk.Server]:
    """Asterisk, a phone that picks up, one that rings for ever, and a customer who picks up."""
    with ExitStack() as stack:
        try:
            found = stack.enter_context(asterisk.running())
        except asterisk.Unavailable as problem:
            missing(str(problem))
        stack.enter_context(sipp.answering(found.anna))
        stack.enter_context(sipp.answering(found.stumm, "rings_for_ever"))
        stack.enter_context(sipp.answering(found.customer))
        yield found


class Live(Struct):
    """A bridge with this Asterisk as its source `live`, and its forwarder running."""

    adapter: Adapter
    client: Client
    desk: Desk
    file: Path
    events: list[str]

    async def read(self) -> None:
        """Poll both files to their ends, as the worker does, and absorb what came."""
        for stream in self.adapter.streams():
            done = await sync.poll(
                self.desk.store,
                self.adapter,
                self.client,
                stream,
                clock=_now,
                interval=timedelta(seconds=0),
                origin=Origin.live,
            )
            assert done, self.ask("select stream, error from cursors")
        await _absorb(self.desk)

    def ask(self, question: str) -> list[Any]:
        """The rows of a table, read from the file itself."""
        db = sqlite3.connect(f"file:{self.file}?mode=ro", uri=True)
        try:
            return db.execute(question).fetchall()
        finally:
            db.close()

    def calls(self, caller: str) -> list[tuple[str, Body]]:
        """The interactions with a number: their ids and bodies."""
        rows = self.ask("select source_id, body from records where object = 'interaction'")
        found = [(number, json.loads(body)) for number, body in rows]
        return [(number, body) for number, body in found if body.get("customer_address") == caller]

    async def ended(self, caller: str, what: Callable[[Body], bool] = bool) -> tuple[str, Body]:
        """The one call of `caller`, once it has ended and all records of it were read."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            await self.read()
            found = self.calls(caller)
            if len(found) == 1 and found[0][1].get("state") == "ended" and what(found[0][1]):
                return found[0]
            await asyncio.sleep(0.3)
        raise AssertionError(f"no call of the number ended so: {self.calls(caller)}")


def _now() -> datetime:
    return datetime.now(timezone.utc)


async def _absorb(desk: Desk) -> None:
    while True:
        owner, deliveries = await inbox.take(desk.store, most=100, now=_now())
        if not deliveries:
            return
        await absorb(desk, owner, deliveries, _now())


@pytest.fixture
async def live(server: asterisk.Server, connect: Connect, tmp_path: Path) -> AsyncIterator[Live]:
    """A bridge of its own for each test; what was written before is read first, and the forwarder listens."""
    adapter, client = connect(
        "asterisk",
        {
            "trunks": "PJSIP/provider",
            "numbers": "+4930555*",
            "cdr_file": str(server.cdr),
            "queue_log_file": str(server.queue_log),
            "webhook_secret": SECRET,
            "ari_url": server.url,
            "ari_user": asterisk.USER,
            "ari_password": asterisk.PASSWORD,
            "callback_queue": "technik",
        },
    )
    file = tmp_path / "live.db"
    store = await open_store(f"sqlite:///{file}")
    await sync.register(store, {"live": adapter}, _now())
    desk = await open_desk(read_settings(), store, Registry({}, {"live": adapter}), _now())
    made = Live(adapter, client, desk, file, [])
    heard = _gateway(made)
    settings = Settings(server.url, asterisk.USER, asterisk.PASSWORD, HOOK, SECRET)
    async with httpx.AsyncClient(transport=heard) as to_bridge:
        forwarder = asyncio.create_task(forward(settings, to_bridge, pause=0.1))
        await _listening(client)
        yield made
        forwarder.cancel()
        await asyncio.gather(forwarder, return_exceptions=True)
    await store.close()


def _gateway(live: Live) -> httpx.MockTransport:
    """Takes deliveries as the gateway does: verified over the raw bytes, taken apart, kept, then absorbed."""

    async def take(sent: httpx.Request) -> httpx.Response:
        request = Request(
            method="POST", url=str(sent.url), headers=dict(sent.headers), body=sent.content, received_at=_now()
        )
        live.adapter.verify(request, _now())
        opened = live.adapter.open(request)
        unit = Unit()
        items: list[Item] = list(opened.items)
        inbox.keep(unit, "live", live.adapter.manifest, items, via="webhook", origin=Origin.live, now=_now())
        await live.desk.store.write(unit)
        await _absorb(live.desk)
        live.events += [item.raw["type"] for item in items]
        return httpx.Response(202)

    return httpx.MockTransport(take)


async def _listening(client: Client) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        applications = (await client.call("GET", "ari/applications")).data
        if any(one["name"] == "bridge" for one in applications):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the forwarder is not listening")


async def _until(what: Callable[[], bool | Awaitable[bool]]) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if what():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("it did not happen")


async def test_a_call_through_menu_and_queue_is_one_interaction_that_all_three_tell_of(
    server: asterisk.Server, live: Live
) -> None:
    caller = "+493055501234"
    calling = asyncio.create_task(sipp.call(server.sip, caller, MENU, seconds=5))
    await _until(lambda: [body.get("state") for _, body in live.calls(caller)] == ["connected"])  # while they talk
    await calling
    number, call = await live.ended(caller, lambda body: bool(body.get("personal")))
    assert {"ChannelCreated", "ChannelStateChange", "ChannelDialplan", "Dial", "ChannelDestroyed"} <= set(live.events)
    assert (call["channel"], call["direction"], call["our_address"]) == ("voice", "inbound", MENU)
    assert (call["queue"], call["agent"], call["menu_path"]) == ("technik", "Anna Berg", ["2", "1"])
    assert 0 <= call["wait_seconds"] <= 30 and not call["abandoned"]
    started, ended = (datetime.fromisoformat(call[name]) for name in ("started", "ended"))
    assert timedelta(seconds=1) <= ended - started <= timedelta(seconds=60)
    assert abs(_now() - ended) < timedelta(seconds=60), "the times of the call records are read in their zone"
    vias = live.ask("select distinct via from deliveries where state = 'mapped'")
    assert {via for (via,) in vias} == {"sync", "webhook"}
    assert live.ask(f"select subject from records where source_id = '{number}'") == [(f"phone:{caller}",)]


async def test_who_hangs_up_in_the_queue_has_given_up(server: asterisk.Server, live: Live) -> None:
    await sipp.call(server.sip, "+493055501235", BUSY, seconds=2.5)
    _, call = await live.ended("+493055501235", lambda body: "wait_seconds" in body)
    assert (call["abandoned"], call["queue"]) == (True, "besetzt")
    assert 1 <= call["wait_seconds"] <= 30 and "agent" not in call


async def test_who_is_not_answered_at_all_has_given_up(server: asterisk.Server, live: Live) -> None:
    await sipp.call(server.sip, "+493055501236", RINGING, seconds=1, scenario="hangs_up_while_it_rings")
    _, call = await live.ended("+493055501236", lambda body: "disposition" in body)
    assert (call["abandoned"], call["disposition"]) == (True, "no-answer")


async def test_who_reaches_the_second_phone_has_not_given_up(server: asterisk.Server, live: Live) -> None:
    await sipp.call(server.sip, "+493055501237", SECOND, seconds=3)
    _, call = await live.ended("+493055501237", lambda body: bool(body.get("personal")))
    assert (call["abandoned"], call["agent"], call.get("disposition")) == (False, "anna", None)


async def test_a_caller_without_number_is_nobody(server: asterisk.Server, live: Live) -> None:
    await sipp.call(server.sip, "anonymous", MENU, seconds=1.5)
    await _until(lambda: live.events.count("ChannelDestroyed") == 1)
    await live.read()
    newest = live.ask("select subject, body from records order by source_id desc limit 1")
    assert newest[0][0] == "" and "customer_address" not in json.loads(newest[0][1])


async def test_logs_that_asterisk_rotates_are_read_once_each(server: asterisk.Server, live: Live) -> None:
    for round_, caller in enumerate(("+493055501240", "+493055501241", "+493055501242")):
        await sipp.call(server.sip, caller, MENU, seconds=1.5)
        await live.ended(caller, lambda body: bool(body.get("personal")) and "wait_seconds" in body)
        server.cdr.rename(server.cdr.with_name(f"Master.csv.{round_}"))
        await asyncio.to_thread(server.command, "logger rotate")
    before = live.ask("select count(*) from deliveries where via = 'sync'")
    await live.read()
    assert live.ask("select count(*) from deliveries where via = 'sync'") == before
    dead = live.ask("select place, error from deliveries where state not in ('mapped', 'ignored')")
    assert dead == []


async def test_a_callback_reaches_the_customer_once_and_is_told_of(server: asterisk.Server, live: Live) -> None:
    customer = "+493055501299"
    args = {"phone": customer, "at": _now().isoformat(), "name": "Erika Muster", "queue": "technik"}
    action = Action(do="schedule_callback", args=args, idempotency_key="loop:17")
    first = await live.adapter.perform(live.client, action)
    await asyncio.sleep(0.5)
    again = await live.adapter.perform(live.client, action)  # Asterisk says 409: it is there already
    assert first.reference == again.reference == "bridge-loop:17"
    await asyncio.sleep(1)
    await live.client.call("DELETE", f"ari/channels/{first.reference}")
    number, call = await live.ended(customer, lambda body: "agent" in body and "direction" in body)
    assert (number, call["direction"], call["agent"]) == ("bridge-loop:17", "outbound", "anna")
    assert call["personal"] and not call["abandoned"]


async def test_a_wrong_password_is_a_refusal_and_not_an_answer(server: asterisk.Server, connect: Connect) -> None:
    settings = {
        "trunks": "PJSIP/provider",
        "ari_url": server.url,
        "ari_password": "another",
        "callback_queue": "technik",
    }
    adapter, client = connect("asterisk", settings)
    args = {"phone": "+493055501299", "at": _now().isoformat()}
    with pytest.raises(VendorRefused) as caught:
        await adapter.perform(client, Action(do="schedule_callback", args=args, idempotency_key="k"))
    assert caught.value.status == 401
