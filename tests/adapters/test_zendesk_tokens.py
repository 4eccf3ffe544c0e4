"""Being let in: one token for everybody, a new one in time or when it was refused, and the legacy way."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import httpx
import pytest

from adapters.zendesk.tokens import Tokens
from bridge.adapter.client import Client
from bridge.adapter.manifest import RateLimit
from bridge.errors import ConfigError, VendorRefused, VendorRetryable
from tests.adapters.zendesk_account import HOST, SETTINGS, Account, account

PATH = "/api/v2/users/search.json"


class Door:
    """A client let in by tokens that live by a clock of their own."""

    def __init__(self, vendor: Account, **settings: Any) -> None:
        self.now = 1000.0
        self.vendor = vendor.on(PATH, {"users": []})
        self.tokens = Tokens(account(**settings).source, clock=lambda: self.now)
        self.client = Client(
            "helpdesk", f"{HOST}/", self._headers, RateLimit(), transport=httpx.MockTransport(vendor.answer)
        )

    async def _headers(self, renew: bool) -> dict[str, str]:
        return await self.tokens.headers(self.client, renew=renew)

    async def knock(self) -> None:
        await self.client.call("GET", PATH)

    @property
    def used(self) -> list[str | None]:
        return [one.headers.get("authorization") for one in self.vendor.asked if one.url.path == PATH]

    @property
    def fetched(self) -> list[dict[str, Any]]:
        return [json.loads(one.content) for one in self.vendor.asked if one.url.path == "/oauth/tokens"]


def tokens(*given: dict[str, Any]) -> Account:
    return Account().on("/oauth/tokens", *given)


async def test_a_token_is_fetched_with_the_client_credentials_and_kept() -> None:
    door = Door(tokens({"access_token": "one", "expires_in": 1800}))
    await door.knock()
    await door.knock()
    assert door.used == ["Bearer one"] * 2
    assert door.fetched == [
        {"grant_type": "client_credentials", "client_id": "bridge", "client_secret": "a-client-secret", "scope": "read"}
    ]


async def test_a_token_is_replaced_a_minute_before_it_ends() -> None:
    door = Door(tokens({"access_token": "one", "expires_in": 1800}, {"access_token": "two", "expires_in": 1800}))
    await door.knock()
    door.now += 1739
    await door.knock()
    door.now += 1
    await door.knock()
    assert door.used == ["Bearer one", "Bearer one", "Bearer two"]


async def test_a_token_without_an_end_is_kept_until_it_is_refused() -> None:
    door = Door(tokens({"access_token": "one", "expires_in": None}, {"access_token": "two"}))
    await door.knock()
    door.now += 10**6
    door.vendor.on(PATH, httpx.Response(401), {"users": []})
    await door.knock()
    assert door.used == ["Bearer one", "Bearer one", "Bearer two"]


async def test_callers_that_are_refused_together_share_one_new_token() -> None:
    door = Door(tokens({"access_token": "one"}, {"access_token": "two"}, {"access_token": "three"}))
    await door.knock()
    door.now += 60
    await asyncio.gather(*(door.tokens.headers(door.client, renew=True) for _ in range(5)))
    assert len(door.fetched) == 2
    door.now += 60
    await door.tokens.headers(door.client, renew=True)
    assert len(door.fetched) == 3


async def test_callers_that_come_together_at_first_share_one_token() -> None:
    door = Door(tokens({"access_token": "one", "expires_in": 1800}))
    await asyncio.gather(*(door.knock() for _ in range(5)))
    assert len(door.fetched) == 1


async def test_a_very_short_token_is_used_all_the_same() -> None:
    door = Door(tokens({"access_token": "one", "expires_in": 10}, {"access_token": "two", "expires_in": 10}))
    await door.knock()
    await door.knock()
    assert door.used == ["Bearer one"] * 2


@pytest.mark.parametrize("answer", [{}, {"access_token": ""}, {"access_token": 7}, [], None])
async def test_an_answer_without_a_token_is_refused(answer: Any) -> None:
    with pytest.raises(VendorRefused, match="without a token"):
        await Door(Account().on("/oauth/tokens", httpx.Response(200, json=answer))).knock()


async def test_refused_credentials_are_an_error_that_does_not_show_them() -> None:
    door = Door(Account().on("/oauth/tokens", httpx.Response(401, json={"error": "invalid_client"})))
    with pytest.raises(VendorRefused) as problem:
        await door.knock()
    assert "a-client-secret" not in str(problem.value)
    with pytest.raises(VendorRetryable):
        await Door(Account().on("/oauth/tokens", httpx.Response(503))).knock()


async def test_the_legacy_token_is_used_when_it_is_given() -> None:
    door = Door(Account(), email="admin@acme.de", api_token="a-legacy-token")
    await door.knock()
    assert door.used == ["Basic " + base64.b64encode(b"admin@acme.de/token:a-legacy-token").decode()]
    assert door.fetched == []


@pytest.mark.parametrize(("given", "missing"), [({"api_token": "x"}, "email"), ({}, "client_id")])
async def test_missing_credentials_are_named(
    given: dict[str, str], missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(SETTINGS, "client_id")
    with pytest.raises(ConfigError, match=missing):
        await Door(Account(), **given).knock()
