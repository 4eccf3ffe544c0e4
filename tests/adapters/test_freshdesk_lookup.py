"""Asking Freshdesk while a caller waits, and fetching what a rule hinted at."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from adapters.freshdesk.phones import query, spellings
from bridge.adapter.client import open_client
from bridge.adapter.delivery import Item, Refetch
from bridge.errors import VendorError, VendorRefused, VendorRetryable
from bridge.intake.live import checked
from bridge.model import Key, KeyKind
from contract_tests.fakes.freshdesk import Fake
from tests.adapters.freshdesk_account import CONTACTS, TICKETS, Account, account, contact, listed, rating, ticket

SEARCH = "/api/v2/search/contacts"
PHONE = Key(KeyKind.phone, "+493055501234")
EMAIL = Key(KeyKind.email, "juergen@beispiel.de")


async def lookup(vendor: Account, key: Key, **settings: Any) -> list[Item]:
    adapter = account(**settings)
    client = vendor.client(adapter)
    try:
        return await adapter.lookup(client, key)
    finally:
        await client.close()


async def fetch(vendor: Account, object: str, number: str) -> list[Item]:
    adapter = account()
    client = vendor.client(adapter)
    try:
        return await adapter.fetch(client, Refetch(object=object, id=number))
    finally:
        await client.close()


@pytest.mark.parametrize(
    "typed",
    [
        "+493012345678",
        "+49 30 12345678",
        "03012345678",
        "030 12345678",
        "030/12345678",
        "00493012345678",
        "493012345678",
        "+49 (0) 30 12345678",
        "+49 (0)30 12345678",
    ],
)
@pytest.mark.parametrize("field", ["phone", "mobile"])
async def test_a_caller_is_found_by_a_number_in_each_of_the_usual_spellings(typed: str, field: str) -> None:
    fake = Fake()
    fake.add_person(phone="+49 40 7654321", email="other@example.org", external_id="K-7")
    wanted = fake.add_person(phone="", email="frieda@example.org", external_id="K-8")
    fake.streams["contacts"][-1][field] = typed
    adapter = account(api_key="fd-api-key-61f2ac90")
    client = open_client(adapter, transport=httpx.MockTransport(fake.answer))
    key = Key(KeyKind.phone, "+493012345678")
    items = checked(adapter, await adapter.lookup(client, key), key)
    await client.close()
    assert {str(item.raw["id"]) for item in items} == {wanted}


@pytest.mark.parametrize("number", ["+493012345678", "+41446681800", "+12025550123", "+999123456", "+8862123456789012"])
def test_a_query_is_never_longer_than_freshdesk_takes(number: str) -> None:
    asked = query(number)
    assert len(asked) <= 512 + 2
    assert asked.startswith("\"phone:'" + number)
    assert asked.count("'") == 2 * asked.count(":")
    assert len(set(spellings(number))) == len(list(spellings(number)))


async def test_the_caller_comes_with_the_latest_tickets_however_old() -> None:
    vendor = Account().on(CONTACTS, listed([contact()])).on(SEARCH, {"results": [contact()], "total": 1})
    vendor.on(TICKETS, listed([ticket()]))
    items = await lookup(vendor, PHONE)
    assert [item.object for item in items] == ["contact", "ticket"]
    [asked] = vendor.asks(TICKETS)
    assert asked["requester_id"] == "67038833201"
    assert asked["updated_since"] == "1970-01-01T00:00:00Z"
    assert asked["order_type"] == "desc"


async def test_what_one_way_finds_counts_whatever_becomes_of_the_others() -> None:
    vendor = Account().on(CONTACTS, listed([contact()])).on(SEARCH, httpx.Response(500))
    assert [item.object for item in await lookup(vendor, PHONE)] == ["contact"]
    vendor = Account().on(CONTACTS, listed([])).on(SEARCH, httpx.Response(500))
    with pytest.raises(VendorRetryable):
        await lookup(vendor, PHONE)


async def test_an_address_is_asked_for_as_it_is() -> None:
    vendor = Account().on(CONTACTS, listed([contact()])).on(TICKETS, listed([]))
    assert len(await lookup(vendor, EMAIL)) == 1
    assert vendor.asks(CONTACTS) == [{"email": "juergen@beispiel.de"}]


async def test_an_external_id_is_asked_for_when_it_is_of_the_system_that_the_contacts_name() -> None:
    vendor = Account().on(CONTACTS, listed([contact(unique_external_id="K-1")])).on(TICKETS, listed([]))
    assert len(await lookup(vendor, Key(KeyKind.id, "crm:K-1"))) == 1
    assert vendor.asks(CONTACTS) == [{"unique_external_id": "K-1"}]
    assert await lookup(vendor, Key(KeyKind.id, "shop:K-1")) == []
    assert await lookup(vendor, Key(KeyKind.id, "shop:K-1"), external_id_system="Shop") != []


async def test_an_id_of_its_own_is_fetched() -> None:
    path = f"{CONTACTS}/67038833201"
    vendor = Account().on(path, contact()).on(TICKETS, listed([]))
    assert [item.raw["id"] for item in await lookup(vendor, Key(KeyKind.id, "helpdesk:67038833201"))] == [67038833201]
    assert await lookup(vendor, Key(KeyKind.id, "helpdesk:999")) == []
    assert await lookup(vendor, Key(KeyKind.id, "helpdesk:../agents")) == []


async def test_tickets_that_do_not_come_in_time_are_left_to_the_sync() -> None:
    async def slow(request: httpx.Request) -> httpx.Response:
        if request.url.path == TICKETS:
            await asyncio.sleep(60)
        return listed([contact(), contact(id=2), contact(id=3), contact(id="odd")])

    adapter = account()
    client = open_client(adapter, transport=httpx.MockTransport(slow))
    items = await asyncio.wait_for(adapter.lookup(client, EMAIL), 30)
    await client.close()
    assert {item.object for item in items} == {"contact"}


async def test_a_hinted_ticket_is_fetched_with_its_stats_and_its_ratings_as_they_are() -> None:
    vendor = Account().on(f"{TICKETS}/4201", ticket()).on(f"{TICKETS}/4201/satisfaction_ratings", [rating()])
    [found] = await fetch(vendor, "ticket", "4201")
    assert (found.object, found.raw["id"]) == ("ticket", 4201)
    assert vendor.asks(f"{TICKETS}/4201") == [{"include": "stats"}]
    [given] = await fetch(vendor, "satisfaction_rating", "4201")
    assert given.object == "satisfaction_rating"


async def test_what_is_gone_is_nothing_and_what_is_no_object_is_an_error() -> None:
    assert await fetch(Account(), "ticket", "1") == []
    assert await fetch(Account(), "satisfaction_rating", "1") == []
    nothing: list[Any] = [[], {}, {"errors": []}, "ok"]
    for answer in nothing:
        with pytest.raises(VendorRetryable):
            await fetch(Account().on(f"{TICKETS}/1", answer), "ticket", "1")
    with pytest.raises(VendorRefused):
        await fetch(Account().on(f"{TICKETS}/1", httpx.Response(403)), "ticket", "1")
    for object, number in (("company", "1"), ("ticket", "1/notes")):
        with pytest.raises(VendorRefused):
            await fetch(Account(), object, number)


@pytest.mark.parametrize("answer", [{}, {"results": None}, [], "ok", {"error": {"code": 1}}])
async def test_a_search_without_results_is_an_error_where_nothing_else_finds_anybody(answer: Any) -> None:
    with pytest.raises(VendorError):
        await lookup(Account().on(CONTACTS, listed([])).on(SEARCH, answer), PHONE)
