"""Live look-up: phones through the requestors of tickets, addresses and ids through users, and nobody unseen."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from bridge.adapter.base import Adapter
from bridge.errors import ConfigError, VendorRefused, VendorRetryable
from bridge.intake.live import checked
from bridge.model import Key, KeyKind
from tests.adapters.request_tracker_account import Server, account, said

PHONE = Key(KeyKind.phone, "+4915550001234")
EMAIL = Key(KeyKind.email, "nora.feld@example.org")


def _desk(phone: str = "0155 500 01234") -> tuple[Server, str]:
    server = Server()
    return server, server.fake.add_person(phone=phone, email=EMAIL.value, external_id="")


async def _found(server: Server, adapter: Adapter, key: Key) -> dict[str, list[str]]:
    entries = said(adapter, checked(adapter, await adapter.lookup(server.client(adapter), key), key))
    return {kind: [one.source_id for one in entries if one.object == kind] for kind in ("customer", "ticket")}


@pytest.mark.parametrize("field", ["MobilePhone", "WorkPhone", "HomePhone", "PagerPhone"])
async def test_each_phone_of_a_requestor_is_looked_at(field: str) -> None:
    server, number = _desk(phone="")
    server.fake.users[0][field] = "+49 (0)155/5000-1234"
    found = await _found(server, account(), PHONE)
    assert found["customer"] == [number]
    assert len(found["ticket"]) == 1
    assert server.paths == ["GET tickets", f"GET user/{number}"]


async def test_a_longer_number_with_the_same_digits_is_somebody_else() -> None:
    server, _ = _desk(phone="0155 500 012345")
    assert await account().lookup(server.client(account()), PHONE) == []


async def test_a_number_of_no_country_is_asked_for_as_it_is() -> None:
    server, _ = _desk()
    adapter = account()
    assert await adapter.lookup(server.client(adapter), Key(KeyKind.phone, "+0009999")) == []
    assert "LIKE '0%0%0%9%9%9%9'" in server.asked[0].url.params["query"]


async def test_an_address_is_compared_without_regard_to_case() -> None:
    server, number = _desk()
    server.fake.users[0]["EmailAddress"] = "Nora.Feld@Example.org"
    found = await _found(server, account(), EMAIL)
    assert found["customer"] == [number]
    assert len(found["ticket"]) == 1


async def test_of_many_who_share_an_address_two_are_fetched() -> None:
    server, _ = _desk()
    for _ in range(3):
        server.fake.add_person(phone="", email=EMAIL.value, external_id="")
    await account().lookup(server.client(account()), EMAIL)
    assert [path for path in server.paths if path.startswith("GET user/")] == ["GET user/31", "GET user/33"]


async def test_staff_is_nobody() -> None:
    server, number = _desk()
    server.fake.staff = {int(number)}
    assert await _found(server, account(), PHONE) == {"customer": [], "ticket": []}


async def test_tickets_that_do_not_come_are_not_waited_for() -> None:
    server, number = _desk()
    server.instead = lambda request: httpx.Response(500) if request.url.path.endswith("/tickets") else None
    assert await _found(server, account(), EMAIL) == {"customer": [number], "ticket": []}


async def test_an_id_of_another_source_is_not_asked_for() -> None:
    server, number = _desk()
    adapter = account()
    for value in (f"crm:{number}", "desk:../queue/1", "desk:0"):
        assert await adapter.lookup(server.client(adapter), Key(KeyKind.id, value)) == []
    assert server.asked == []


async def test_custom_fields_stand_under_their_names_and_overlays_read_them() -> None:
    server, number = _desk()
    custom = [
        {"id": "4", "type": "customfield", "name": "Kundennummer", "values": ["K-8"]},
        {"id": "5", "type": "customfield", "name": "Tarife", "values": ["S", "M"]},
        {"id": "6", "type": "customfield", "name": "Leer", "values": []},
    ]
    server.fake.users[0]["CustomFields"] = custom

    def page_of(request: httpx.Request) -> httpx.Response | None:
        if not request.url.path.endswith(f"/user/{number}"):
            return None
        body = json.loads(server.fake.answer(request).content)
        return httpx.Response(200, json=body | {"CustomFields": custom})

    server.instead = page_of
    adapter = account({"objects": {"user": {"fields": {"external_ids.crm": "CustomFields.Kundennummer"}}}})
    items = await adapter.lookup(server.client(adapter), EMAIL)
    assert items[0].raw["CustomFields"] == {"Kundennummer": "K-8", "Tarife": ["S", "M"]}
    assert said(adapter, items)[0].body["external_ids"] == {"crm": "K-8"}


async def test_nothing_is_kept_of_a_user_that_was_not_asked_for() -> None:
    server, _ = _desk()
    server.fake.users[0] |= {"Comments": "Is never at home.", "Address1": "Lindenweg 3", "Signature": "N."}
    items = await account().lookup(server.client(account()), PHONE)
    assert {"Comments", "Address1", "Signature", "_hyperlinks"} & set(items[0].raw) == set()
    assert items[1].raw["Requestor"] == [{"type": "user", "id": 31}]


async def test_a_summary_of_a_user_says_which_right_is_missing() -> None:
    server, number = _desk()
    summary = {"_hyperlinks": [], "Privileged": 0, "RealName": "Nora Feld", "EmailAddress": EMAIL.value}
    adapter = account()
    shown: dict[str, Any] = summary
    server.instead = lambda request: httpx.Response(200, json=shown) if "/user/" in request.url.path else None
    with pytest.raises(VendorRefused, match="right AdminUsers"):
        await adapter.lookup(server.client(adapter), Key(KeyKind.id, f"desk:{number}"))
    shown = {"id": 31}
    with pytest.raises(VendorRetryable, match="is no user"):
        await adapter.lookup(server.client(adapter), Key(KeyKind.id, f"desk:{number}"))


async def test_a_name_and_a_password_do_instead_of_a_token() -> None:
    server, _ = _desk()
    adapter = account(token="", user="bridge", password="a:long password")
    with pytest.raises(VendorRefused) as caught:
        await adapter.lookup(server.client(adapter), PHONE)
    assert caught.value.status == 401
    assert server.asked[0].headers["authorization"] == "Basic YnJpZGdlOmE6bG9uZyBwYXNzd29yZA=="


@pytest.mark.parametrize(
    "wrong", [{"token": ""}, {"token": "", "user": "bridge"}, {"token": "", "password": "secret"}, {"since": "soon"}]
)
def test_what_is_missing_or_wrong_in_the_settings_is_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"sources\.desk\.settings\.(token|since)"):
        account(**wrong)
