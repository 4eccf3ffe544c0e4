"""Tokens, live look-ups and callbacks: what is asked, of whom, and when a token is asked for again."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from adapters.genesys_cloud.tokens import Tokens
from bridge.adapter.base import Action
from bridge.adapter.delivery import Item
from bridge.errors import MappingError, VendorRefused, VendorRetryable
from bridge.model import EntryKind, Key, KeyKind
from tests.adapters.genesys_organization import NOW, Organization, entries, make

CONTACTS = "/api/v2/externalcontacts/contacts"
IDENTIFIED = "/api/v2/externalcontacts/identifierlookup/contacts"
PHONE, EMAIL = Key(KeyKind.phone, "+493055501234"), Key(KeyKind.email, "frieda@example.org")
CALLBACKS = "/api/v2/conversations/callbacks"


def _person(number: str = "ec-1", **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "lastName": "Muster",
        "cellPhone": {"e164": PHONE.value, "display": "+49 30 55501234"},
        "personalEmail": EMAIL.value,
        "modifyDate": "2026-03-01T08:00:00Z",
    } | fields


async def _lookup(where: Organization, key: Key) -> list[Item]:
    adapter = make()
    client = where.client(adapter)
    try:
        return await adapter.lookup(client, key)
    finally:
        await client.close()


@pytest.mark.parametrize(("key", "kind"), [(PHONE, "Phone"), (EMAIL, "Email")])
async def test_somebody_who_claimed_the_key_is_found_with_one_question(key: Key, kind: str) -> None:
    where = Organization().on(IDENTIFIED, _person())
    assert [item.raw["id"] for item in await _lookup(where, key)] == ["ec-1"]
    asked = where.asked[-1]
    assert json.loads(asked.content) == {"type": kind, "value": key.value}
    assert key.value not in str(asked.url)
    assert CONTACTS not in [request.url.path for request in where.asked]


@pytest.mark.parametrize("stranger", [httpx.Response(404), _person("ec-2", cellPhone=None), _person(modifyDate=None)])
async def test_who_did_not_claim_it_is_searched_for(stranger: object) -> None:
    where = Organization().on(IDENTIFIED, stranger).on(CONTACTS, {"entities": [_person(), "x"]})
    assert [item.raw["id"] for item in await _lookup(where, PHONE)] == ["ec-1"]


async def test_an_id_is_asked_for_only_where_it_can_be_one_of_ours() -> None:
    where = Organization().on(f"{CONTACTS}/ec-1", _person())
    assert len(await _lookup(where, Key(KeyKind.id, "ivr:ec-1"))) == 1
    before = len(where.asked)
    for value in ("crm:ec-1", "ivr:../users", "ivr:"):
        assert await _lookup(where, Key(KeyKind.id, value)) == []
    assert len(where.asked) == before


async def test_a_refusal_is_not_taken_for_nobody() -> None:
    with pytest.raises(VendorRefused):
        await _lookup(Organization().on(IDENTIFIED, httpx.Response(403)), PHONE)


@pytest.mark.parametrize("answer", [{}, {"id": 1}, []])
async def test_an_answer_that_is_nobody_is_an_error(answer: Any) -> None:
    with pytest.raises(VendorRetryable):
        await _lookup(Organization().on(IDENTIFIED, httpx.Response(200, json=answer)), PHONE)


def test_merged_people_are_one() -> None:
    winner = Item(object="external_contact", raw=_person("a", mergeSet=[{"id": "a"}, {"id": "b"}, "x"]))
    loser = Item(object="external_contact", raw=_person("b", mergedTo={"id": "a"}))
    first, merged = entries(winner)
    assert (first.kind, merged.kind) == (EntryKind.full, EntryKind.merged)
    assert (merged.source_id, merged.into) == ("b", "a")
    assert entries(loser) == [merged]


def test_phones_are_taken_in_their_best_form() -> None:
    phones: Any = {
        "cellPhone": {"display": "12"},
        "workPhone": {"e164": "+49301234567", "display": "x"},
        "homePhone": {},
    }
    [entry] = entries(Item(object="external_contact", raw=_person(**phones)))
    assert entry.body["phones"] == [{"raw": "12"}, {"raw": "+49301234567", "e164": "+49301234567"}]


def test_a_phone_that_is_no_object_is_a_named_error() -> None:
    with pytest.raises(MappingError, match="workPhone"):
        entries(Item(object="external_contact", raw=_person(workPhone="030")))


class _Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_token_is_kept_until_shortly_before_its_end() -> None:
    where, clock, adapter = Organization(), _Clock(), make()
    tokens, client = Tokens(adapter.source, clock), where.client(adapter)
    for at, asked in ((0.0, 1), (86_000.0, 1), (86_340.0, 2)):
        clock.now = at
        assert await tokens.headers(client, renew=False) == {"authorization": "Bearer a-token"}
        assert len(where.asked) == asked
    await client.close()
    assert where.asked[0].headers["authorization"] == "Basic cmV0ZW50aW9uLWJyaWRnZTphLWNsaWVudC1zZWNyZXQ="
    assert str(where.asked[0].url) == "https://login.mypurecloud.de/oauth/token"


async def test_callers_that_were_refused_together_renew_once() -> None:
    where, clock, adapter = Organization(), _Clock(), make()
    tokens, client = Tokens(adapter.source, clock), where.client(adapter)
    await tokens.headers(client, renew=False)
    clock.now = 60.0
    await asyncio.gather(*(tokens.headers(client, renew=True) for _ in range(5)))
    await client.close()
    assert len(where.asked) == 2


async def test_a_token_of_unknown_length_is_used_for_a_minute() -> None:
    where, clock, adapter = Organization().on("/oauth/token", {"access_token": "t"}), _Clock(), make()
    tokens, client = Tokens(adapter.source, clock), where.client(adapter)
    for at, asked in ((0.0, 1), (59.0, 1), (60.0, 2)):
        clock.now = at
        await tokens.headers(client, renew=False)
        assert len(where.asked) == asked
    await client.close()


@pytest.mark.parametrize("answer", [{}, {"access_token": ""}, []])
async def test_an_answer_without_a_token_is_worth_another_try(answer: Any) -> None:
    where, adapter = Organization().on("/oauth/token", httpx.Response(200, json=answer)), make()
    with pytest.raises(VendorRetryable, match="without a token"):
        await Tokens(adapter.source).headers(where.client(adapter), renew=False)


async def _call_back(where: Organization, args: dict[str, Any], **settings: Any) -> str:
    adapter = make(**settings)
    client = where.client(adapter)
    try:
        action = Action(do="schedule_callback", args=args, idempotency_key="step-1")
        return (await adapter.perform(client, action)).reference
    finally:
        await client.close()


async def test_a_callback_goes_to_the_queue_of_the_automation_or_the_configured_one() -> None:
    where = Organization().on(CALLBACKS, {"conversation": {"id": "c-1"}})
    args = {"phone": PHONE.value, "at": (NOW + timedelta(hours=2)).isoformat()}
    assert await _call_back(where, args | {"queue": "q-1"}, callback_queue="q-2") == "c-1"
    assert await _call_back(where, args, callback_queue="q-2", callback_script="s-1") == "c-1"
    first, second = (json.loads(one.content) for one in where.asked if one.url.path == CALLBACKS)
    assert (first["queueId"], second["queueId"], second["scriptId"]) == ("q-1", "q-2", "s-1")
    assert first["callbackScheduledTime"] == "2026-03-02T14:00:00.000Z"
    assert first["data"] == {"retention_bridge": "step-1"}


async def test_a_time_that_has_passed_means_at_once() -> None:
    where = Organization().on(CALLBACKS, {})
    assert await _call_back(where, {"phone": PHONE.value, "at": NOW.isoformat()}, callback_queue="q") == ""
    assert "callbackScheduledTime" not in json.loads(where.asked[-1].content)


async def test_without_a_queue_nobody_is_called() -> None:
    where = Organization()
    with pytest.raises(VendorRefused, match="callback_queue"):
        await _call_back(where, {"phone": PHONE.value, "at": NOW.isoformat()})
    assert where.asked == []
