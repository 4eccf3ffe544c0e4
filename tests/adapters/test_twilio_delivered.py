"""The whole way of a callback: through the gateway by form and by query, onto the disk, and into the call's record."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.adapter.delivery import Request
from bridge.app import create_app
from bridge.flow import absorb
from bridge.gateway.gate import Gate
from bridge.intake.inbox import take
from bridge.settings import Settings
from tests.adapters.twilio_account import ACCOUNT, CALL, NOW, TOKEN, URL, callback, signed

_SOURCES = {"sources": {"ivr": {"adapter": "twilio", "settings": {"account_sid": ACCOUNT, "auth_token": TOKEN}}}}


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[tuple[Gate, httpx.AsyncClient]]:
    """The application behind a proxy: it is called by another address than its public one."""
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'bridge.db'}", public_url="https://bridge.example")
    app = create_app(settings, _SOURCES, clock=lambda: NOW)
    async with (
        app.running() as running,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://10.0.0.7:8000") as client,
    ):
        yield running, client


async def _post(client: httpx.AsyncClient, request: Request) -> httpx.Response:
    path = request.url.removeprefix("https://bridge.example")
    return await client.post(path, content=request.body, headers=request.headers)


async def _drain(gate: Gate) -> None:
    owner, kept = await take(gate.store, most=100, now=NOW)
    await absorb(gate.desk, owner, kept, NOW)


async def _call(gate: Gate) -> dict[str, Any]:
    rows = await gate.store.all("records.current", source="ivr", object="interaction", ids=[CALL])
    [body] = [one for one in rows[0] if isinstance(one, str) and one.startswith("{")]
    found: dict[str, Any] = json.loads(body)
    return found


async def test_callbacks_by_form_and_by_query_make_one_call(gate: tuple[Gate, httpx.AsyncClient]) -> None:
    running, client = gate
    queue = callback("menu=2&queue=Technik", CallStatus="completed", QueueResult="hangup", QueueTime="99", Digits="1")
    answer = await _post(client, queue)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/xml; charset=utf-8")
    assert answer.text.endswith("<Response/>")
    query = f"CallSid={CALL}&AccountSid={ACCOUNT}&CallStatus=ringing&Direction=inbound&From=%2B493055501234"
    answer = await client.get(f"/webhooks/ivr?{query}", headers=signed(f"{URL}?{query}"))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/xml; charset=utf-8")
    await _drain(running)
    found = await _call(running)
    assert (found["state"], found["abandoned"], found["wait_seconds"]) == ("ended", True, 99)
    assert (found["menu_path"], found["customer_address"]) == (["2", "1"], "+493055501234")


async def test_a_query_that_nobody_signed_is_refused_and_none_at_all_is_a_probe(
    gate: tuple[Gate, httpx.AsyncClient],
) -> None:
    _, client = gate
    forged = await client.get(f"/webhooks/ivr?CallSid={CALL}&CallStatus=ringing", headers=signed(URL))
    assert forged.status_code == 401
    assert (await client.get("/webhooks/ivr")).status_code == 200
    assert (await client.head("/webhooks/ivr?a=1")).status_code == 200


async def test_keyed_in_digits_are_not_on_the_disk(gate: tuple[Gate, httpx.AsyncClient], tmp_path: Path) -> None:
    running, client = gate
    told: tuple[dict[str, Any], ...] = (
        {"Digits": "4729113"},
        {"SpeechResult": "4729113", "RecordingUrl": "https://x.example/4729113"},
    )
    for said in told:
        assert (await _post(client, callback("menu=2", **said))).status_code == 200
    await _drain(running)
    assert (await _call(running))["menu_path"] == ["2"]
    files = list(tmp_path.glob("bridge.db*"))
    assert files
    assert not [file.name for file in files if b"4729113" in file.read_bytes()]
