"""Live look-up: numbers in whatever way they were typed, and nobody who does not carry what was asked for."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from bridge.errors import VendorRefused, VendorRetryable
from bridge.intake.live import checked
from bridge.model import Key, KeyKind
from tests.adapters.zammad_account import Server, account, said

PHONE = Key(KeyKind.phone, "+4915550001234")
EMAIL = Key(KeyKind.email, "nora.feld@example.org")


def _desk(phone: str = "0155 500 01234") -> tuple[Server, str]:
    server = Server()
    return server, server.fake.add_person(phone=phone, email=EMAIL.value, external_id="")


async def _found(server: Server, key: Key) -> dict[str, list[str]]:
    adapter = account()
    entries = said(adapter, checked(adapter, await adapter.lookup(server.client(adapter), key), key))
    return {kind: [one.source_id for one in entries if one.object == kind] for kind in ("customer", "ticket")}


@pytest.mark.parametrize(
    "typed",
    ["+4915550001234", "+49 (0)155/5000-1234", "0155 - 500 01 234", "Tel. 0155 50001234", "015550001234 (mobil)"],
)
@pytest.mark.parametrize("field", ["phone", "mobile"])
async def test_a_number_is_found_however_it_is_typed_and_with_its_tickets(typed: str, field: str) -> None:
    server, number = _desk(phone="")
    server.fake.streams["users"][0][field] = typed
    found = await _found(server, PHONE)
    assert found["customer"] == [number]
    assert len(found["ticket"]) == 1


@pytest.mark.parametrize("typed", ["0155 500 012345", "0155 500 0123", "0166 500 01234"])
async def test_a_number_that_is_nearly_the_same_is_somebody_else(typed: str) -> None:
    server, _ = _desk(phone=typed)
    assert await _found(server, PHONE) == {"customer": [], "ticket": []}


async def test_a_number_of_no_country_is_asked_for_as_it_is() -> None:
    server, _ = _desk()
    adapter = account()
    assert await adapter.lookup(server.client(adapter), Key(KeyKind.phone, "+0009999")) == []
    assert "0[^0-9]{0,3}0" in server.asked[0].url.params["query"]
    assert "*" not in server.asked[0].url.params["query"]


async def test_an_agent_is_nobody_who_calls() -> None:
    server, _ = _desk()
    server.fake.streams["users"][0]["roles"] = ["Agent"]
    assert await _found(server, EMAIL) == {"customer": [], "ticket": []}


async def test_tickets_that_do_not_come_in_time_keep_nobody_waiting() -> None:
    server, number = _desk()
    server.instead = lambda request: httpx.Response(503) if "tickets" in request.url.path else None
    assert await _found(server, EMAIL) == {"customer": [number], "ticket": []}


async def test_by_id_only_the_user_who_was_asked_for_comes_back() -> None:
    server, number = _desk()
    key = Key(KeyKind.id, f"desk:{number}")
    assert (await _found(server, key))["customer"] == [number]
    other = dict(server.fake.streams["users"][0]) | {"id": 999}
    answers: tuple[Any, ...] = (other, {}, [], None)
    for answer in answers:
        server.says(f"GET users/{number}", answer)
        with pytest.raises(VendorRetryable):
            await _found(server, key)


async def test_an_id_that_cannot_be_one_is_not_asked_for() -> None:
    server, _ = _desk()
    for value in ("desk:me", "desk:../tickets", "desk:", "other:101", "desk:²"):
        assert (await _found(server, Key(KeyKind.id, value)))["customer"] == []
    assert server.asked == []


async def test_an_id_that_nobody_has_is_nobody_and_a_refusal_is_one() -> None:
    server, number = _desk()
    assert (await _found(server, Key(KeyKind.id, "desk:999")))["customer"] == []
    server.says(f"GET users/{number}", {"error": "Not authorized"}, status=403)
    with pytest.raises(VendorRefused):
        await _found(server, Key(KeyKind.id, f"desk:{number}"))
