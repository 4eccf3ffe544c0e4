"""The pages inside other people's desktops: who may hold them, who gets in, and what they send along."""

from __future__ import annotations

import hmac
import re
import shutil
from base64 import b64encode, urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import jwt
import msgspec
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from bridge.app import create_app
from bridge.errors import ConfigError
from bridge.settings import Settings
from bridge.store import Unit
from tests.gateway.conftest import NOON, SOURCES, Clock, Gateway, store_keys

CONFIG = Path(__file__).resolve().parents[2] / "config"
AUDIENCE = "https://example.zendesk.com/api/v2/apps/installations/17.json"
ZENDESK = "https://example.zendesk.com"
OURS = "https://bridge.example"
SIGN_IN = "https://intranet.example/sign-in"
SDK = "https://cdn.example/connect.js"
HOSTS = ("genesys", "amazon_connect", "chatwoot", "iframe")


def pem(key: rsa.RSAPrivateKey) -> tuple[str, str]:
    """Private and public half."""
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return private, public


@pytest.fixture(scope="module")
def theirs() -> tuple[str, str]:
    """The app's pair of keys at Zendesk."""
    return pem(rsa.generate_private_key(65537, 2048))


def claims(now: datetime = NOON, **other: Any) -> dict[str, Any]:
    """What Zendesk says in a token; None leaves a claim out."""
    at = int(now.timestamp())
    said = {
        "iss": "example.zendesk.com",
        "aud": AUDIENCE,
        "sub": f"{ZENDESK}/api/v2/users/4711.json",
        "iat": at,
        "nbf": at,
        "exp": at + 120,
        "context": {"product": "support", "location": "ticket_sidebar"},
    } | other
    return {name: value for name, value in said.items() if value is not None}


@pytest.fixture
def hosts(theirs: tuple[str, str]) -> dict[str, Any]:
    """All pages on."""
    return {
        "zendesk": {"on": True, "origins": [ZENDESK], "audience": AUDIENCE, "public_key": theirs[1], "key": "test"},
        "genesys": {"on": True, "origins": ["https://apps.mypurecloud.de"], "sign_in": SIGN_IN},
        "amazon_connect": {"on": True, "origins": ["https://*.my.connect.aws"], "sign_in": SIGN_IN, "sdk": SDK},
        "chatwoot": {"on": True, "origins": ["https://chat.example"], "sign_in": SIGN_IN},
        "iframe": {"on": True, "origins": ["https://desk.example", "https://two.example:8443"]},
    }


@pytest.fixture
def start(make_settings: Callable[..., Settings], tmp_path: Path) -> Any:
    """Starts a gateway with these pages, another process of the same bridge each time."""

    @asynccontextmanager
    async def begin(embeds: dict[str, Any] | None, clock: Clock | None = None, **given: Any) -> AsyncIterator[Gateway]:
        folder = tmp_path / "config"
        if not folder.exists():
            shutil.copytree(CONFIG, folder)
        if embeds is None:
            (folder / "hosts.yaml").unlink()
        else:
            (folder / "hosts.yaml").write_text(yaml.safe_dump({"embeds": embeds}), "utf-8")
        clock = clock or Clock(NOON)
        app = create_app(make_settings(config_dir=folder, **given), SOURCES, clock=clock)
        async with (
            app.running() as gate,
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=OURS) as client,
        ):
            yield Gateway(app, gate, client, clock, {})

    return begin


@pytest.fixture
async def desk(start: Any, hosts: dict[str, Any]) -> AsyncIterator[Gateway]:
    """A gateway with all pages on, and a key that stands behind Zendesk's."""
    async with start(hosts) as gateway:
        gateway.keys = await store_keys(gateway.store, [("agent",)], NOON)
        await gateway.gate.refresh()
        yield gateway


def setup_of(answer: httpx.Response) -> dict[str, Any]:
    """What the page is told."""
    found = re.search(r'<script type="application/json" id="setup">(.*?)</script>', answer.text, re.DOTALL)
    assert found is not None
    told: dict[str, Any] = msgspec.json.decode(found[1])
    return told


async def enter(gateway: Gateway, token: str, query: str = "") -> httpx.Response:
    """As Zendesk's page does it: a form that is posted into the frame."""
    return await gateway.client.post(f"/embed/zendesk{query}", data={"token": token}, headers={"origin": ZENDESK})


async def renew(gateway: Gateway, ticket: str, host: str = "zendesk", origin: str = OURS) -> httpx.Response:
    """As the page does it."""
    headers = {"authorization": f"Bearer {ticket}", "origin": origin}
    return await gateway.client.post(f"/embed/{host}/ticket", headers=headers)


@pytest.mark.parametrize("file", ["none", "empty", "off"])
async def test_no_page_is_there_unless_it_was_turned_on(start: Any, hosts: Any, file: str) -> None:
    off = {name: {**fields, "on": False} for name, fields in hosts.items()}
    async with start({"none": None, "empty": {}, "off": off}[file]) as gateway:
        keys = await store_keys(gateway.store, [("agent",)], NOON)
        headers = {"authorization": f"Bearer {keys['agent']}"}
        for host in ("zendesk", *HOSTS, "salesforce", "Zendesk", "x y"):
            for method, path in (("GET", ""), ("HEAD", ""), ("POST", ""), ("POST", "/ticket")):
                answer = await gateway.client.request(method, f"/embed/{host}{path}", headers=headers)
                assert answer.status_code in ((403, 404) if path else (404,))
                assert "retention-card" not in answer.text


async def test_each_page_may_be_held_by_its_own_host_alone_and_runs_our_files_alone(
    desk: Gateway, hosts: dict[str, Any]
) -> None:
    for host in ("zendesk", *HOSTS):
        answer = await desk.client.get(f"/embed/{host}")
        policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
        assert policy["frame-ancestors"].split() == hosts[host]["origins"]
        assert policy["default-src"] == "'none'"
        sdk = {
            "zendesk": " https://static.zdassets.com/zendesk_app_framework_sdk/2.0/zaf_sdk.min.js",
            "amazon_connect": f" {SDK}",
        }
        assert policy["script-src"] == f"'self'{sdk.get(host, '')}"
        assert policy["connect-src"] == policy["style-src"] == "'self'"
        assert policy["form-action"] == policy["base-uri"] == "'none'"
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert "x-frame-options" not in answer.headers
        assert "set-cookie" not in answer.headers
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        script = f"/widget/embed-{host.replace('_', '-')}.js"
        for name in ("/widget/retention-card.js", script, "/widget/embed.css"):
            assert f'"{name}?v=' in answer.text
            assert (await desk.client.get(name)).status_code == 200
        assert (
            re.findall(r"<script(?! type=\"application/json\" id=\"setup\"| type=\"module\" src=)", answer.text) == []
        )
        assert "style=" not in answer.text
        assert setup_of(answer)["ticket"] == ""


async def test_a_signed_token_opens_the_page_and_its_ticket_the_card(desk: Gateway, theirs: Any) -> None:
    answer = await enter(
        desk, jwt.encode(claims(), theirs[0], "RS256"), "?origin=https%3A%2F%2Fexample.zendesk.com&app_guid=a-1"
    )
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"
    told = setup_of(answer)
    assert told["problem"] == ""
    said = jwt.decode(told["ticket"], options={"verify_signature": False})
    assert (said["aud"], said["sub"]) == (OURS, "4711")
    headers = {"authorization": f"Bearer {told['ticket']}", "origin": OURS}
    assert (await desk.client.post("/v1/assist", json={"email": "a@b.example"}, headers=headers)).status_code == 200
    for origin in (ZENDESK, "https://elsewhere.example"):
        elsewhere = headers | {"origin": origin}
        refused = await desk.client.post("/v1/assist", json={"email": "a@b.example"}, headers=elsewhere)
        assert refused.status_code == 401
    await desk.gate.flush()
    assert ("ticket", "agent:4711", "zendesk") in await desk.rows("audit", "action, subject, detail")


def hashed(text: str) -> str:
    return sha256(text.encode()).hexdigest()


QUERY = "origin=https%3A%2F%2Fexample.zendesk.com&app_guid=a-1"
IN_ORDER = "app_guid=a-1&origin=https%3A%2F%2Fexample.zendesk.com"


HASHES = (
    hashed(QUERY),
    hashed(f"?{QUERY}"),
    hashed(IN_ORDER),
    hashed(f"POST&/embed/zendesk&{IN_ORDER}"),
    b64encode(sha256(QUERY.encode()).digest()).decode(),
)


async def test_the_hash_of_the_query_is_understood_in_the_spellings_in_use(desk: Gateway, theirs: Any) -> None:
    for given in HASHES:
        token = jwt.encode(claims(qsh=given), theirs[0], "RS256")
        assert (await enter(desk, token, f"?{QUERY}")).status_code == 200


async def test_the_hash_of_the_query_can_be_left_unread(start: Any, hosts: Any, theirs: Any) -> None:
    async with start(hosts | {"zendesk": hosts["zendesk"] | {"qsh": "ignore"}}) as gateway:
        await store_keys(gateway.store, [("agent",)], NOON)
        await gateway.gate.refresh()
        token = jwt.encode(claims(qsh="0" * 64), theirs[0], "RS256")
        assert (await enter(gateway, token, f"?{QUERY}")).status_code == 200


FORGED: dict[str, tuple[dict[str, Any], str]] = {
    "wrong audience": ({"aud": AUDIENCE.replace("17", "18")}, "audience"),
    "no audience": ({"aud": None}, "claim"),
    "wrong issuer": ({"iss": "elsewhere.zendesk.com"}, "issuer"),
    "no issuer": ({"iss": None}, "claim"),
    "ended": ({"exp": int(NOON.timestamp()) - 31}, "expired"),
    "never ends": ({"exp": int(NOON.timestamp()) + 10**7}, "expired"),
    "no end": ({"exp": None}, "claim"),
    "end as text": ({"exp": "soon"}, "shape"),
    "end as truth": ({"exp": True}, "shape"),
    "end beyond time": ({"exp": 10**18}, "shape"),
    "not yet": ({"nbf": int(NOON.timestamp()) + 60}, "not yet"),
    "of tomorrow": ({"iat": int(NOON.timestamp()) + 86400, "exp": int(NOON.timestamp()) + 86500}, "not yet"),
    "nobody": ({"sub": None}, "claim"),
    "an address for an id": ({"sub": "a@b.example"}, "subject"),
    "hash of another query": ({"qsh": "0" * 64}, "query"),
}


async def test_a_token_that_says_the_wrong_thing_is_refused(
    desk: Gateway, theirs: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for other, reason in FORGED.values():
        await refused(desk, jwt.encode(claims(**other), theirs[0], "RS256"), reason, capsys)


async def test_a_token_that_somebody_else_made_is_refused(
    desk: Gateway, theirs: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    another = pem(rsa.generate_private_key(65537, 2048))
    await refused(desk, jwt.encode(claims(), another[0], "RS256"), "signature", capsys)
    await refused(desk, jwt.encode(claims(), "", "none"), "algorithm", capsys)
    await refused(desk, jwt.encode(claims(), theirs[0], "RS512"), "algorithm", capsys)
    await refused(desk, jwt.encode(claims(), theirs[0], "PS256"), "algorithm", capsys)
    # the public key is no secret: signed with it as if it were one
    secret = theirs[1].encode()
    head, body = (urlsafe_b64encode(msgspec.json.encode(one)).rstrip(b"=") for one in ({"alg": "HS256"}, claims()))
    signature = urlsafe_b64encode(hmac.new(secret, head + b"." + body, "sha256").digest()).rstrip(b"=")
    await refused(desk, b".".join((head, body, signature)).decode(), "algorithm", capsys)
    jwk = {"jwk": {"kty": "RSA"}, "jku": "https://elsewhere.example/keys.json"}
    await refused(desk, jwt.encode(claims(), another[0], "RS256", headers=jwk), "signature", capsys)
    good = jwt.encode(claims(), theirs[0], "RS256")
    changed = good.split(".")
    changed[1] = urlsafe_b64encode(msgspec.json.encode(claims(sub="1"))).rstrip(b"=").decode()
    await refused(desk, ".".join(changed), "signature", capsys)
    for nonsense in ("no-token", "a.b.c", "é.è.ê", f"{good}.{good}", good.rpartition(".")[0] + "."):
        await refused(desk, nonsense, None, capsys)


async def refused(
    gateway: Gateway, token: str, reason: str | None, capsys: pytest.CaptureFixture[str]
) -> httpx.Response:
    """It gets the same words whatever was wrong, in a page that the host may hold."""
    answer = await enter(gateway, token, f"?{QUERY}")
    assert answer.status_code == 401
    told = setup_of(answer)
    assert (told["problem"], told["ticket"]) == ("refused", "")
    assert f"frame-ancestors {ZENDESK}" in answer.headers["content-security-policy"]
    assert token not in answer.text
    said = capsys.readouterr().out
    assert reason is None or re.search(rf"""reason["']?[=:]["']?{reason}""", said)
    assert token not in said
    assert "4711" not in said
    return answer


async def test_a_token_is_good_once_for_all_processes_together(start: Any, hosts: Any, theirs: Any) -> None:
    clock = Clock(NOON)
    token = jwt.encode(claims(), theirs[0], "RS256")
    async with start(hosts, clock) as one, start(hosts, clock) as two:
        await store_keys(one.store, [("agent",)], NOON)
        await one.gate.refresh()
        await two.gate.refresh()
        assert (await enter(one, token)).status_code == 200
        for gateway in (two, one):
            again = await enter(gateway, token)
            assert (again.status_code, setup_of(again)["problem"]) == (401, "used")
        # another spelling of the same signature: its last letter has bits that nobody reads
        body, _, signature = token.rpartition(".")
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        twin = f"{body}.{signature[:-1]}{letters[letters.index(signature[-1]) ^ 1]}"
        assert setup_of(await enter(two, twin))["ticket"] == ""
        assert (await enter(two, jwt.encode(claims(jti="2"), theirs[0], "RS256"))).status_code == 200
        clock.advance(minutes=10)
        assert setup_of(await enter(one, token))["problem"] == "refused"
        assert (await enter(one, jwt.encode(claims(clock()), theirs[0], "RS256"))).status_code == 200
        assert len(await one.rows("used_tokens")) == 1  # those that ended are forgotten


async def test_without_a_token_zendesk_is_told_to_sign(desk: Gateway) -> None:
    for answer in (
        await desk.client.get("/embed/zendesk"),
        await desk.client.post("/embed/zendesk"),
        await desk.client.post("/embed/zendesk", data={"other": "x"}),
        await desk.client.post("/embed/zendesk", json={"token": "x"}),
    ):
        assert (answer.status_code, setup_of(answer)["problem"]) == (401, "unsigned")
    large = await desk.client.post("/embed/zendesk", data={"token": "x" * 20_000})
    assert large.status_code == 413


async def test_a_missing_key_or_secret_is_said_to_the_operator(start: Any, hosts: Any, theirs: Any) -> None:
    async with start(hosts) as gateway:
        answer = await enter(gateway, jwt.encode(claims(), theirs[0], "RS256"))
        assert (answer.status_code, setup_of(answer)["problem"]) == (503, "unready")
        await store_keys(gateway.store, [("agent",)], NOON)
        await gateway.gate.refresh()
        gateway.gate.ticket_secrets = ()
        answer = await enter(gateway, jwt.encode(claims(jti="1"), theirs[0], "RS256"))
        assert (answer.status_code, setup_of(answer)["problem"]) == (503, "unready")


async def test_a_ticket_is_renewed_until_the_sign_in_is_too_long_ago(desk: Gateway, theirs: Any) -> None:
    ticket = setup_of(await enter(desk, jwt.encode(claims(), theirs[0], "RS256")))["ticket"]
    began = desk.clock()
    while True:
        desk.clock.advance(minutes=9)
        answer = await renew(desk, ticket)
        if answer.status_code != 200:
            break
        assert answer.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in answer.headers
        ticket = answer.json()["ticket"]
        said = jwt.decode(ticket, options={"verify_signature": False})
        assert said["sub"] == "4711"
        assert said["exp"] <= int((began + timedelta(hours=10)).timestamp())
    assert answer.status_code == 401
    assert timedelta(hours=10) <= desk.clock() - began <= timedelta(hours=10, minutes=9)


async def test_only_a_page_of_ours_renews_and_only_what_still_holds(desk: Gateway, theirs: Any) -> None:
    key = {"authorization": f"Bearer {desk.keys['agent']}"}
    body = {"agent": "a-17", "origin": "https://desk.example"}
    of_a_host = (await desk.client.post("/v1/tickets", json=body, headers=key)).json()["ticket"]
    handed = (await desk.client.post("/v1/tickets", json=body | {"origin": OURS}, headers=key)).json()["ticket"]
    assert (await renew(desk, of_a_host, "iframe", "https://desk.example")).status_code == 401
    assert (await renew(desk, of_a_host, "iframe")).status_code == 401
    assert (await renew(desk, handed, "iframe", "https://desk.example")).status_code == 401
    assert (await renew(desk, handed, "salesforce")).status_code == 404
    assert (await renew(desk, desk.keys["agent"], "iframe")).status_code == 403
    good = await renew(desk, handed, "iframe")
    assert jwt.decode(good.json()["ticket"], options={"verify_signature": False})["sub"] == "a-17"
    unit = Unit()
    unit.add("access.revoke", id=desk.keys["agent"].split("_")[1], at=int(NOON.timestamp() * 1e6))
    await desk.store.write(unit)
    await desk.gate.refresh()
    assert (await renew(desk, good.json()["ticket"], "iframe")).status_code == 401
    refused = await enter(desk, jwt.encode(claims(), theirs[0], "RS256"))
    assert setup_of(refused)["problem"] == "unready"


async def test_an_ended_ticket_is_not_renewed(desk: Gateway, theirs: Any) -> None:
    ticket = setup_of(await enter(desk, jwt.encode(claims(), theirs[0], "RS256")))["ticket"]
    desk.clock.advance(minutes=10)
    assert (await renew(desk, ticket)).status_code == 401


async def test_what_the_page_is_told_cannot_end_the_element_it_stands_in(start: Any, hosts: Any) -> None:
    odd = hosts["genesys"] | {"sign_in": "https://intranet.example/sign-in?a=1&b=2"}
    async with start(hosts | {"genesys": odd}) as gateway:
        answer = await gateway.client.get("/embed/genesys")
        assert "\\u0026b=2" in answer.text
        assert setup_of(answer)["signIn"] == odd["sign_in"]


async def test_a_wrong_file_stops_the_start_and_names_the_place(start: Any, hosts: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"hosts\.yaml: embeds\.genesys\.origins\[0\]"):
        async with start({"genesys": {"origins": ["https://*.mypurecloud.de"]}}):
            raise AssertionError("it started")
