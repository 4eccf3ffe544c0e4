"""Being let in: by client credentials or by a signed assertion, with one token for everybody."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qsl

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from adapters.salesforce.tokens import Tokens
from bridge.adapter.client import Client, open_client
from bridge.errors import ConfigError, VendorRefused, VendorRetryable
from tests.adapters import salesforce_org
from tests.adapters.salesforce_org import NOW, SETTINGS, make


class Door:
    """A client let in by tokens that live by a clock of their own. `answers` are given in turn, the last for good."""

    def __init__(self, *answers: httpx.Response, refused: int = 0, **settings: Any) -> None:
        self.now = 1000.0
        self.forms: list[dict[str, str]] = []
        self.used: list[str] = []
        self._answers = list(answers) or [httpx.Response(200, json={"access_token": "one"})]
        self.refused = refused
        adapter = make(**settings)
        audience = adapter.source.setting("audience", "https://login.salesforce.com")
        self.tokens = Tokens(adapter.source, audience=audience, clock=lambda: self.now)
        adapter.headers = self.tokens.headers  # type: ignore[method-assign]  # with the clock of this door
        self.client: Client = open_client(adapter, transport=httpx.MockTransport(self._answer), clock=NOW.timestamp)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/services/oauth2/token":
            assert "authorization" not in request.headers
            self.forms.append(dict(parse_qsl(request.content.decode())))
            return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        self.used.append(request.headers["authorization"])
        if self.refused:
            self.refused -= 1
            said = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
            return httpx.Response(401, json=said)
        return httpx.Response(200, json={})


def given(*tokens: str) -> list[httpx.Response]:
    return [httpx.Response(200, json={"access_token": one, "instance_url": "https://other.example"}) for one in tokens]


async def test_client_credentials_give_a_token_that_is_kept() -> None:
    door = Door(*given("one", "two"))
    for _ in range(2):
        await door.client.call("GET", "a")
    assert door.used == ["Bearer one", "Bearer one"]
    assert door.forms == [
        {"grant_type": "client_credentials", "client_id": "a-consumer-key", "client_secret": "a-consumer-secret"}
    ]


async def test_an_expired_session_is_renewed_once_and_the_call_repeated() -> None:
    door = Door(*given("one", "two"))
    await door.client.call("GET", "a")
    door.now += 7200
    door.refused = 1
    await door.client.call("GET", "a")
    assert door.used == ["Bearer one", "Bearer one", "Bearer two"]


async def test_a_session_that_stays_refused_is_a_refusal() -> None:
    with pytest.raises(VendorRefused):
        await Door(refused=9).client.call("GET", "a")


async def test_callers_that_are_refused_together_share_one_new_token() -> None:
    door = Door(*given("one", "two", "three"))
    await asyncio.gather(*(door.client.call("GET", "a") for _ in range(3)))
    door.now += 60
    await asyncio.gather(*(door.tokens.headers(door.client, renew=True) for _ in range(5)))
    assert len(door.forms) == 2


async def test_a_signed_assertion_names_the_user_and_ends_within_three_minutes() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoding = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pem = key.private_bytes(*encoding).decode()
    door = Door(username="bridge@acme.example", private_key=pem, audience="https://test.salesforce.com")
    await door.client.call("GET", "a")
    [form] = door.forms
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert "client_secret" not in form
    claims = jwt.decode(
        form["assertion"],
        key.public_key(),
        algorithms=["RS256"],
        audience="https://test.salesforce.com",
        options={"verify_exp": False},
    )
    assert claims == {
        "iss": "a-consumer-key",
        "sub": "bridge@acme.example",
        "aud": "https://test.salesforce.com",
        "exp": int(NOW.timestamp()) + 120,
    }


async def test_a_key_that_is_none_is_named_and_not_shown() -> None:
    with pytest.raises(ConfigError, match="private_key") as problem:
        await Door(username="bridge@acme.example", private_key="not-a-key-at-all").client.call("GET", "a")
    assert "not-a-key" not in str(problem.value)


@pytest.mark.parametrize("missing", ["client_secret", "client_id", "username"])
async def test_missing_credentials_are_named(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {name: value for name, value in SETTINGS.items() if name != missing}
    monkeypatch.setattr(salesforce_org, "SETTINGS", given | ({"private_key": "a-key"} if missing == "username" else {}))
    door = Door()
    with pytest.raises(ConfigError, match=missing):
        await door.client.call("GET", "a")


@pytest.mark.parametrize("answer", [{}, {"access_token": ""}, {"access_token": 7}, [], None])
async def test_an_answer_without_a_token_is_refused(answer: Any) -> None:
    with pytest.raises(VendorRefused, match="without a token"):
        await Door(httpx.Response(200, json=answer)).client.call("GET", "a")


async def test_refused_credentials_are_an_error_that_does_not_show_them() -> None:
    with pytest.raises(VendorRefused) as problem:
        await Door(httpx.Response(400, json={"error": "invalid_client"})).client.call("GET", "a")
    assert "a-consumer" not in str(problem.value)
    with pytest.raises(VendorRetryable):
        await Door(httpx.Response(503)).client.call("GET", "a")
