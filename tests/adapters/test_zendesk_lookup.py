"""Asking Zendesk while a caller waits, and fetching what a webhook hinted at."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from bridge.adapter.client import open_client
from bridge.adapter.delivery import Item, Refetch
from bridge.errors import VendorRefused, VendorRetryable
from bridge.model import Key, KeyKind
from tests.adapters.zendesk_account import Account, account, ticket, user

PHONE = Key(KeyKind.phone, "+493055501234")
EMAIL = Key(KeyKind.email, "juergen@beispiel.de")
SEARCH, USERS = "/api/v2/search.json", "/api/v2/users/search.json"
REQUESTED = "/api/v2/users/23304514533908/tickets/requested.json"


async def lookup(vendor: Account, key: Key, **settings: Any) -> list[Item]:
    adapter = account(**settings)
    client = vendor.client(adapter)
    try:
        return await adapter.lookup(client, key)
    finally:
        await client.close()


async def test_a_caller_is_searched_by_digits_and_comes_with_the_latest_tickets() -> None:
    found = {"results": [user(result_type="user"), ticket(result_type="ticket")]}
    vendor = Account().on(SEARCH, found).on(REQUESTED, {"tickets": [ticket()]})
    items = await lookup(vendor, PHONE)
    assert [item.object for item in items] == ["user", "ticket"]
    assert vendor.asks("search")[0]["query"] == "role:end-user phone:*3055501234"
    assert vendor.asks("requested")[0] == {"page[size]": "25", "sort": "-updated_at"}


async def test_a_number_that_nobody_can_take_apart_is_searched_as_it_is() -> None:
    vendor = Account().on(SEARCH, {"results": []})
    await lookup(vendor, Key(KeyKind.phone, "+999123456"))
    assert vendor.asks("search")[0]["query"] == "role:end-user phone:*999123456"


async def test_an_address_is_searched_among_users() -> None:
    vendor = Account().on(USERS, {"users": [user(email="Juergen@Beispiel.de")]}).on(REQUESTED, {"tickets": []})
    assert [item.raw["id"] for item in await lookup(vendor, EMAIL)] == [23304514533908]
    assert vendor.asks("users/search")[0] == {"query": "email:juergen@beispiel.de"}
    assert len(vendor.asks("requested")) == 1


async def test_an_external_id_is_searched_when_it_is_of_the_system_that_the_users_name() -> None:
    vendor = Account().on(USERS, {"users": [user(external_id="k-1")]})
    assert len(await lookup(vendor, Key(KeyKind.id, "crm:K-1"))) == 1
    assert vendor.asks("users/search")[0] == {"external_id": "K-1"}
    assert len(vendor.asks("requested")) == 1
    assert await lookup(vendor, Key(KeyKind.id, "shop:K-1")) == []
    assert len(vendor.asks("users/search")) == 1
    await lookup(vendor, Key(KeyKind.id, "shop:K-1"), external_id_system="Shop")
    assert len(vendor.asks("users/search")) == 2


async def test_zendesks_own_id_is_fetched() -> None:
    vendor = Account().on("/api/v2/users/23304514533908.json", {"user": user()})
    assert len(await lookup(vendor, Key(KeyKind.id, "helpdesk:23304514533908"))) == 1
    assert await lookup(vendor, Key(KeyKind.id, "helpdesk:7")) == []
    assert await lookup(vendor, Key(KeyKind.id, "helpdesk:../me")) == []


async def test_when_the_filter_is_ignored_nobodys_tickets_are_asked_for() -> None:
    """The bridge drops those who do not carry the key; the adapter does not spend the caller's time on them."""
    everybody = [user(id=number, email=f"{number}@beispiel.de", phone=f"030 {number}") for number in range(1, 40)]
    vendor = Account().on(USERS, {"users": everybody}).on(SEARCH, {"results": everybody})
    assert len(await lookup(vendor, EMAIL)) == 39
    assert len(await lookup(vendor, PHONE)) == 39
    assert vendor.asks("requested") == []


async def test_tickets_of_two_people_at_most_are_asked_for() -> None:
    many = [user(id=number) for number in range(1, 9)]
    vendor = Account().on(SEARCH, {"results": many})
    assert len(await lookup(vendor, PHONE)) == 8
    assert len(vendor.asks("requested")) == 2


@pytest.mark.parametrize(
    "answer", [httpx.Response(500), httpx.Response(403), httpx.Response(200, html="<p>"), {"tickets": None}]
)
async def test_the_caller_is_known_although_the_tickets_cannot_be_had(answer: object) -> None:
    vendor = Account().on(USERS, {"users": [user()]}).on(REQUESTED, answer)
    assert [item.object for item in await lookup(vendor, EMAIL)] == ["user"]


async def test_tickets_that_take_too_long_are_not_waited_for() -> None:
    vendor = Account().on(USERS, {"users": [user()]})

    async def answer(request: httpx.Request) -> httpx.Response:
        if "requested" in request.url.path:
            await asyncio.sleep(60)
        return vendor.answer(request)

    adapter = account()
    client = open_client(adapter, transport=httpx.MockTransport(answer))
    async with asyncio.timeout(30):
        assert len(await adapter.lookup(client, EMAIL)) == 1
    await client.close()


@pytest.mark.parametrize("answer", [{}, {"users": "all"}, [], httpx.Response(200, html="<p>")])
async def test_an_answer_that_is_none_is_an_error_and_not_nobody(answer: object) -> None:
    with pytest.raises(VendorRetryable):
        await lookup(Account().on(USERS, answer).on(SEARCH, answer), EMAIL)
    with pytest.raises(VendorRetryable):
        await lookup(Account().on(USERS, answer).on(SEARCH, answer), PHONE)


async def fetch(vendor: Account, wanted: Refetch, **settings: Any) -> list[Item]:
    adapter = account(**settings)
    client = vendor.client(adapter)
    try:
        return await adapter.fetch(client, wanted)
    finally:
        await client.close()


async def test_a_ticket_is_fetched_with_its_metrics() -> None:
    answer = {"ticket": ticket(), "metric_sets": [{"ticket_id": 35436, "reopens": 1}]}
    vendor = Account().on("/api/v2/tickets/35436.json", answer)
    [item] = await fetch(vendor, Refetch(object="ticket", id="35436"))
    assert item.raw["metric_set"]["reopens"] == 1
    assert vendor.asks("tickets") == [{"include": "metric_sets"}]


async def test_users_and_organizations_are_fetched_and_those_that_are_gone_are_nothing() -> None:
    vendor = Account().on("/api/v2/organizations/5.json", {"organization": {"id": 5}})
    assert await fetch(vendor, Refetch(object="organization", id="5")) == [Item(object="organization", raw={"id": 5})]
    assert await fetch(vendor, Refetch(object="user", id="6")) == []


async def test_the_answers_to_a_tickets_surveys_are_fetched_where_the_account_has_them() -> None:
    path = "/api/v2/guide/survey_responses"
    vendor = Account().on(path, {"survey_responses": [{"id": "01J"}]})
    wanted = Refetch(object="csat", id="35436")
    assert [item.object for item in await fetch(vendor, wanted)] == ["survey_response"]
    assert vendor.asks("survey")[0]["filter[subject_zrns]"] == "zen:ticket:35436"
    assert await fetch(vendor, wanted, csat="legacy") == []
    assert await fetch(Account().on(path, httpx.Response(403)), wanted) == []
    assert await fetch(Account(), wanted) == []


@pytest.mark.parametrize("wanted", [Refetch(object="brand", id="1"), Refetch(object="ticket", id="1/../2")])
async def test_what_cannot_be_fetched_is_refused_and_not_asked_for(wanted: Refetch) -> None:
    vendor = Account()
    with pytest.raises(VendorRefused):
        await fetch(vendor, wanted)
    assert vendor.asked == []


@pytest.mark.parametrize("answer", [httpx.Response(403), httpx.Response(503), {"user": {}}, {"ticket": []}])
async def test_a_failed_fetch_is_an_error(answer: object) -> None:
    with pytest.raises((VendorRefused, VendorRetryable)):
        await fetch(Account().on("/api/v2/tickets/1.json", answer), Refetch(object="ticket", id="1"))
