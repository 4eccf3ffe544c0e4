"""Keys and tickets as requests meet them: at once, and no longer than five seconds too long."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest

from bridge.access import mint_key
from bridge.gateway.keys import REFRESH_SECONDS, token_of
from bridge.store import Unit
from bridge.store.keys import keep_key
from tests.gateway.conftest import Gateway, person
from tests.patience import PATIENCE_SECONDS, eventually


async def test_a_new_key_works_at_once(gateway: Gateway) -> None:
    key, stored = mint_key("new", ["ivr"], gateway.clock())
    headers = {"x-api-key": key}
    assert (await gateway.client.get("/v1/lookup", headers=headers)).status_code == 401
    unit = Unit()
    keep_key(unit, stored)
    await gateway.store.write(unit)
    assert (await gateway.client.get("/v1/lookup", headers=headers)).status_code == 200


async def test_a_revoked_key_stops_with_the_next_refresh(gateway: Gateway) -> None:
    key, stored = mint_key("gone", ["ivr"], gateway.clock())
    for one in (stored, msgspec.structs.replace(stored, revoked_at=gateway.clock())):
        unit = Unit()
        keep_key(unit, one)
        await gateway.store.write(unit)
        await gateway.gate.refresh()
        expected = 200 if one.revoked_at is None else 401
        assert (await gateway.client.get("/v1/lookup", headers={"x-api-key": key})).status_code == expected
    assert REFRESH_SECONDS < 5


async def test_a_key_ends_when_it_expires_without_any_refresh(gateway: Gateway) -> None:
    key, stored = mint_key("short", ["agent"], gateway.clock(), lifetime=timedelta(minutes=1))
    unit = Unit()
    keep_key(unit, stored)
    await gateway.store.write(unit)
    headers = {"x-api-key": key}
    assert (await gateway.client.get("/v1/lookup", headers=headers)).status_code == 200
    gateway.clock.advance(minutes=1)
    assert (await gateway.client.get("/v1/lookup", headers=headers)).status_code == 401
    assert (await gateway.client.get("/v1/assist?phone=1", headers=headers)).status_code == 401


async def test_the_gate_refreshes_and_flushes_by_itself_and_outlives_a_broken_store(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = gateway.gate
    refreshed = asyncio.Event()
    failures = 2

    async def refresh() -> None:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise ConnectionError
        refreshed.set()

    monkeypatch.setattr("bridge.gateway.gate.REFRESH_SECONDS", 0.3)
    monkeypatch.setattr(gate, "refresh", refresh)
    await asyncio.wait_for(refreshed.wait(), PATIENCE_SECONDS)
    gate.trail.audit("key:x", "test", "nobody", gateway.clock())
    audited = await eventually(lambda: gateway.rows("audit", "action", "actor = 'key:x'"), "what was done is written")
    assert audited == [("test",)]


async def ticket(gateway: Gateway, origin: str = "https://desk.example.com") -> str:
    answer = await gateway.post("/v1/tickets", "agent", json={"agent": "a-17", "origin": origin})
    assert answer.status_code == 200, answer.text
    minted: str = answer.json()["ticket"]
    return minted


async def test_a_ticket_opens_the_card_at_its_origin_alone(gateway: Gateway) -> None:
    await gateway.know(person("1", name="Ada Kaya", phones=["+4930901820"]))
    bearer = {"authorization": f"Bearer {await ticket(gateway)}"}
    at_home = bearer | {"origin": "https://Desk.example.com"}
    card = await gateway.client.post("/v1/assist", json={"phone": "+4930901820"}, headers=at_home)
    assert card.json()["match"] == "exact"
    for headers in (bearer, bearer | {"origin": "https://evil.example"}):
        refused = await gateway.client.post("/v1/assist", json={"phone": "+4930901820"}, headers=headers)
        assert refused.status_code == 401
    forbidden = await gateway.client.get("/v1/sources", headers=at_home)
    assert forbidden.status_code == 403
    await gateway.gate.flush()
    assert ("agent:a-17",) in await gateway.rows("audit", "actor", "action = 'assist'")
    gateway.clock.advance(minutes=10)
    late = await gateway.client.post("/v1/assist", json={"phone": "+4930901820"}, headers=at_home)
    assert late.status_code == 401


async def test_a_ticket_ends_with_the_key_that_asked_for_it(gateway: Gateway) -> None:
    headers = {"authorization": f"Bearer {await ticket(gateway)}", "origin": "https://desk.example.com"}
    assert (await gateway.client.post("/v1/assist", json={"phone": "1"}, headers=headers)).status_code == 200
    stored = gateway.gate.keys.by_id(gateway.keys["agent"].split("_")[1])
    assert stored is not None
    unit = Unit()
    keep_key(unit, msgspec.structs.replace(stored, revoked_at=gateway.clock()))
    await gateway.store.write(unit)
    await gateway.gate.refresh()
    assert (await gateway.client.post("/v1/assist", json={"phone": "1"}, headers=headers)).status_code == 401


async def test_a_ticket_is_not_minted_for_no_origin_or_without_a_secret(gateway: Gateway) -> None:
    wrong = await gateway.post("/v1/tickets", "agent", json={"agent": "a-17", "origin": "https://d.example/path"})
    assert wrong.status_code == 400
    gateway.gate.ticket_secrets = ()
    without = await gateway.post("/v1/tickets", "agent", json={"agent": "a-17", "origin": "https://d.example"})
    assert (without.status_code, "BRIDGE_TICKET_SECRET" in without.text) == (409, True)


@pytest.mark.parametrize(
    ("authorization", "token"),
    [
        (b"Bearer  k ", b"k "),
        (b"bearer  k ", b"k"),
        (b"Basic Og==", b""),
        (b"Basic a", b""),
        (b"", b"alone"),
        (None, b"alone"),
    ],
)
def test_headers_are_read_as_they_come(authorization: bytes | None, token: bytes) -> None:
    assert token_of(authorization, b"alone").strip() == token.strip()
