"""Vendors' deliveries: verified, kept, answered; in this order."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Callable

import httpx
import msgspec
import pytest

from bridge.adapter.delivery import Request
from bridge.app import create_app
from bridge.settings import Settings
from bridge.telemetry import METRICS
from tests.gateway.conftest import NOON, SECRET, SOURCES, Clock, Gateway, case, person

ADA = person("1", name="Ada Kaya", phones=["+4930901820"])


async def test_a_delivery_that_was_answered_is_on_disk(gateway: Gateway) -> None:
    answer = await gateway.deliver(ADA, case("7", "1", status="open"))
    assert (answer.status_code, answer.text) == (202, "kept")
    rows = await gateway.rows("deliveries", "source, via, object, origin, state")
    assert sorted(rows) == [("crm", "webhook", "case", "live", "new"), ("crm", "webhook", "person", "live", "new")]
    assert (await gateway.rows("sources", "seen_at", "name = 'crm'"))[0][0] is not None


async def test_a_duplicate_is_answered_alike_and_changes_nothing(gateway: Gateway) -> None:
    answers = await asyncio.gather(*(gateway.deliver(ADA) for _ in range(4)))
    assert {one.status_code for one in answers} == {202}
    assert len(await gateway.rows("deliveries")) == 1


@pytest.mark.parametrize("secret", ["", "other", SECRET.upper()])
async def test_a_forged_delivery_is_refused_and_not_kept(gateway: Gateway, secret: str) -> None:
    answer = await gateway.deliver(ADA, secret=secret or "x")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not_authentic")
    assert not await gateway.rows("deliveries")


async def test_a_delivery_without_a_signature_is_refused_whatever_key_comes_with_it(gateway: Gateway) -> None:
    answer = await gateway.post("/webhooks/crm", "admin", json={"items": []})
    assert answer.status_code == 401


async def test_an_unknown_source_is_not_found(gateway: Gateway) -> None:
    for path in ("/webhooks/nobody", "/webhooks/%00", "/webhooks/..%2Fcrm"):
        assert (await gateway.client.post(path, content=b"{}")).status_code == 404
        assert (await gateway.client.get(path)).status_code == 404


async def test_a_signed_body_that_is_not_the_vendors_is_a_bad_request(gateway: Gateway) -> None:
    for body in (b"garbage", b"[]", b"\xff"):
        signature = hmac.new(SECRET.encode(), body, "sha256").hexdigest()
        answer = await gateway.client.post("/webhooks/crm", content=body, headers={"x-acme-signature": signature})
        assert answer.status_code == 400


async def test_ten_megabytes_are_refused_before_they_are_read(gateway: Gateway) -> None:
    taken = 0

    async def much() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(1000):
            taken += 10_000
            yield b"x" * 10_000

    answer = await gateway.client.post("/webhooks/crm", content=much())
    assert answer.status_code == 413
    announced = await gateway.client.post("/webhooks/crm", content=b"x" * 10_000_000)
    assert announced.status_code == 413
    assert not await gateway.rows("deliveries")


async def test_what_the_manifest_redacts_never_reaches_the_disk(gateway: Gateway) -> None:
    await gateway.deliver(person("1", name="Ada", pin="4711"))
    assert "4711" not in (await gateway.rows("deliveries", "raw"))[0][0]


async def test_an_item_that_cannot_be_read_at_all_goes_to_dead_letters_with_its_reason(gateway: Gateway) -> None:
    await gateway.deliver({"object": "person", "raw": {"id": "1"}, "problem": "line 3: no header"}, ADA)
    rows = await gateway.rows("deliveries", "state, error")
    assert sorted(rows, key=str) == [("dead", "line 3: no header"), ("new", None)]


async def test_parts_that_are_not_ours_are_counted_and_answered_kindly(gateway: Gateway) -> None:
    before = METRICS.registry.get_sample_value("bridge_deliveries_total", {"source": "crm", "outcome": "ignored"}) or 0
    answer = await gateway.deliver(ignored=3)
    after = METRICS.registry.get_sample_value("bridge_deliveries_total", {"source": "crm", "outcome": "ignored"})
    assert (answer.status_code, after) == (202, before + 3)
    assert not await gateway.rows("deliveries")


async def test_a_source_without_webhooks_takes_none(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = gateway.gate.registry.adapter("crm")
    silent = msgspec.structs.replace(adapter.manifest, capabilities=("lookup",))
    monkeypatch.setattr(adapter, "manifest", silent)
    assert (await gateway.client.get("/webhooks/crm")).status_code == 404
    assert (await gateway.deliver(ADA)).status_code == 404


async def test_a_vendor_may_probe_the_address(gateway: Gateway) -> None:
    for method in ("GET", "HEAD"):
        assert (await gateway.client.request(method, "/webhooks/crm")).status_code == 200
    assert (await gateway.client.put("/webhooks/crm")).status_code == 405


async def test_the_adapter_sees_raw_bytes_and_the_public_url(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Request] = []
    monkeypatch.setattr(gateway.gate.registry.adapter("crm"), "verify", lambda request, now: seen.append(request))
    body = b'{ "items":[] }'
    signature = hmac.new(SECRET.encode(), body, "sha256").hexdigest()
    await gateway.client.post(
        "http://internal:8000/webhooks/crm?a=%2F&b",
        content=body,
        headers={"X-Acme-Signature": signature, "x-forwarded-host": "evil.example"},
    )
    assert seen[0].url == "https://bridge.example/webhooks/crm?a=%2F&b"
    assert seen[0].body == body
    assert seen[0].headers["x-acme-signature"] == signature
    assert seen[0].received_at == NOON


async def test_deliveries_outlive_the_process_that_took_them(make_settings: Callable[..., Settings]) -> None:
    settings, clock = make_settings(), Clock(NOON)
    body = msgspec.json.encode({"items": [ADA]})
    headers = {"x-acme-signature": hmac.new(SECRET.encode(), body, "sha256").hexdigest()}
    for round_ in range(2):
        app = create_app(settings, SOURCES, clock=clock)
        async with (
            app.running() as gate,
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client,
        ):
            if round_ == 0:
                assert (await client.post("/webhooks/crm", content=body, headers=headers)).status_code == 202
            else:
                assert await gate.store.one("inbox.waiting_count") == (1,)
        assert (await httpx.AsyncClient(transport=httpx.ASGITransport(app)).get("http://x/healthz")).status_code == 503
