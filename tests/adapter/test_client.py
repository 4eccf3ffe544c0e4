"""A call to a vendor answers with JSON or says what to do next, and tells nobody what it carried."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timezone
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
import respx

from bridge.adapter import client as client_module
from bridge.adapter.base import Adapter
from bridge.adapter.client import Answer, Client, fill_base_url, open_client, patiently
from bridge.adapter.manifest import Manifest, RateLimit
from bridge.adapter.mapping import Mapping
from bridge.adapter.source import Source
from bridge.errors import ConfigError, VendorRefused, VendorRetryable

BASE = "https://desk.example/api/v2/"
NOW = 1_700_000_000.0
LIMITS = RateLimit(reset="x-reset")
MANIFEST = Manifest(name="desk", title="Desk", kind="helpdesk", docs="", capabilities=(), base_url=BASE)


class Tokens:
    """Hands out `token 0`, and the next one whenever it is renewed."""

    def __init__(self) -> None:
        self.asked: list[bool] = []

    async def __call__(self, renew: bool) -> dict[str, str]:
        self.asked.append(renew)
        return {"authorization": f"Bearer token-{sum(self.asked)}"}


@pytest.fixture
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture
async def desk(tokens: Tokens) -> AsyncIterator[Client]:
    client = Client("desk", BASE, tokens, LIMITS, timeout=5, clock=lambda: NOW)
    yield client
    await client.close()


@pytest.fixture
def web() -> Any:
    with respx.mock(assert_all_called=False) as router:
        yield router


async def test_an_answer_is_status_headers_and_decoded_json(desk: Client, web: respx.Router) -> None:
    route = web.get(f"{BASE}users.json", params={"query": "a b"}).respond(json={"a": 1}, headers={"X-Left": "9"})
    answer = await desk.call("GET", "users.json", params={"query": "a b"}, headers={"x-own": "1"})
    assert (answer.status, answer.data, answer.headers["x-left"]) == (200, {"a": 1}, "9")
    sent = route.calls.last.request
    assert (sent.headers["authorization"], sent.headers["x-own"]) == ("Bearer token-0", "1")
    assert sent.headers["accept"] == "application/json"


async def test_json_and_forms_are_sent_as_such(desk: Client, web: respx.Router) -> None:
    route = web.post(f"{BASE}notes").respond(204)
    assert (await desk.call("POST", "notes", json={"text": "ü"})).data is None
    assert route.calls.last.request.content == '{"text":"ü"}'.encode()
    assert route.calls.last.request.headers["content-type"] == "application/json"
    await desk.call("POST", "notes", form={"a": "b c"}, authorise=False)
    assert route.calls.last.request.content == b"a=b+c"
    assert "authorization" not in route.calls.last.request.headers


async def test_a_link_to_the_next_page_is_followed_at_the_same_host_only(desk: Client, web: respx.Router) -> None:
    web.get("https://desk.example/api/v2/users?page=2").respond(json=[])
    assert (await desk.call("GET", "https://desk.example:443/api/v2/users?page=2")).data == []
    web.get("https://desk.example/other").respond(json=1)
    assert (await desk.call("GET", "/other")).data == 1
    for link in (
        "https://evil.example/users",
        "http://desk.example/users",
        "//evil.example/",
        "https://desk.example:8443/",
    ):
        with pytest.raises(VendorRefused, match="leads to another host"):
            await desk.call("GET", link)
    with pytest.raises(VendorRefused, match="is no URL"):
        await desk.call("GET", "users/\0")


async def test_redirects_stay_at_the_host_and_end(desk: Client, web: respx.Router) -> None:
    web.get(f"{BASE}a").respond(302, headers={"location": "b?x=1"})
    web.get(f"{BASE}b?x=1").respond(json="here")
    assert (await desk.call("GET", "a", params={"q": "1"})).data == "here"
    web.get(f"{BASE}away").respond(302, headers={"location": "https://evil.example/?t=1"})
    with pytest.raises(VendorRefused, match="another host"):
        await desk.call("GET", "away")
    web.get(f"{BASE}round").respond(301, headers={"location": "round"})
    with pytest.raises(VendorRefused, match="more than 3 times"):
        await desk.call("GET", "round")
    web.get(f"{BASE}odd").respond(301, headers={"location": "https://desk.example:x/"})
    with pytest.raises(VendorRetryable, match="garbage"):
        await desk.call("GET", "odd")
    web.post(f"{BASE}post").respond(302, headers={"location": "b"})
    with pytest.raises(VendorRefused) as refused:
        await desk.call("POST", "post")
    assert refused.value.status == 302


async def test_a_401_is_answered_once_by_renewing(desk: Client, web: respx.Router, tokens: Tokens) -> None:
    web.get(f"{BASE}users", headers={"authorization": "Bearer token-0"}).respond(401)
    web.get(f"{BASE}users", headers={"authorization": "Bearer token-1"}).respond(json=[1])
    assert (await desk.call("GET", "users")).data == [1]
    assert tokens.asked == [False, True]
    never = web.get(f"{BASE}never").respond(401)
    with pytest.raises(VendorRefused) as refused:
        await desk.call("GET", "never")
    assert (refused.value.status, never.call_count) == (401, 2)
    with pytest.raises(VendorRefused):
        await desk.call("GET", "never", authorise=False)
    assert never.call_count == 3


@pytest.mark.parametrize("problem", [VendorRetryable("desk", "token timed out"), VendorRefused("desk", "token: 400")])
async def test_what_never_got_a_token_was_never_asked(
    web: respx.Router, problem: VendorRetryable | VendorRefused
) -> None:
    route = web.post(BASE + "tickets").respond(json={})

    async def none_given(renew: bool) -> dict[str, str]:
        raise problem

    with pytest.raises(type(problem)):
        await Client("desk", BASE, none_given, LIMITS).call("POST", "tickets", json={})
    assert problem.undone if isinstance(problem, VendorRetryable) else problem.about_us
    assert not route.called


@pytest.mark.parametrize(("status", "about_us"), [(401, True), (403, True), (404, False), (422, False)])
async def test_a_no_to_whoever_asks_is_told_from_a_no_to_what_is_asked(
    desk: Client, web: respx.Router, status: int, about_us: bool
) -> None:
    web.post(BASE + "tickets").respond(status)
    with pytest.raises(VendorRefused) as caught:
        await desk.call("POST", "tickets", json={})
    assert caught.value.about_us is about_us


async def test_a_refusal_that_means_later_says_when_to_come_back(tokens: Tokens, web: respx.Router) -> None:
    limits = RateLimit(later={"Concurrent": 60, "LIMIT_EXCEEDED": 3600})
    desk = Client("desk", BASE, tokens, limits)
    web.get(f"{BASE}a").respond(403, json=[{"errorCode": "LIMIT_EXCEEDED"}])
    web.get(f"{BASE}b").respond(400, json=[{"errorCode": "LIMIT_EXCEEDED", "message": "ConcurrentRequests"}])
    web.get(f"{BASE}c").respond(403, json=[{"errorCode": "FORBIDDEN"}])
    for path, seconds in (("a", 3600), ("b", 60)):
        with pytest.raises(VendorRetryable) as caught:
            await desk.call("GET", path)
        assert (caught.value.retry_after, caught.value.undone) == (seconds, True)
    with pytest.raises(VendorRefused):
        await desk.call("GET", "c")
    await desk.close()


@pytest.mark.parametrize("status", [400, 403, 404, 409, 410, 422])
async def test_other_4xx_are_refusals(desk: Client, web: respx.Router, status: int) -> None:
    web.get(f"{BASE}users").respond(status, json={"error": "geheim"})
    with pytest.raises(VendorRefused, match=f"desk: GET users was answered {status}") as refused:
        await desk.call("GET", "users")
    assert refused.value.status == status


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"retry-after": "17"}, 17),
        (429, {"retry-after": "0.5"}, 0.5),
        (503, {"retry-after": format_datetime(datetime.fromtimestamp(NOW + 30, timezone.utc), usegmt=True)}, 30),
        (503, {"retry-after": format_datetime(datetime.fromtimestamp(NOW - 30, timezone.utc), usegmt=True)}, 0),
        (429, {"x-reset": "41"}, 41),
        (429, {"x-reset": str(int(NOW) + 9)}, 9),
        (429, {"retry-after": "soon", "x-reset": "5"}, 5),
        (429, {"retry-after": "nan"}, None),
        (429, {"retry-after": "-3"}, 0),
        (429, {"retry-after": "99999999"}, 86400),
        (500, {}, None),
        (502, {}, None),
        (408, {}, None),
    ],
)
async def test_what_may_pass_is_worth_asking_again_when_the_vendor_says(
    desk: Client, web: respx.Router, status: int, headers: dict[str, str], seconds: float | None
) -> None:
    web.get(f"{BASE}users").respond(status, headers=headers, text="busy")
    with pytest.raises(VendorRetryable) as problem:
        await desk.call("GET", "users")
    assert (problem.value.status, problem.value.retry_after) == (status, seconds)


@pytest.mark.parametrize("body", [b"<html>Sorry</html>", b"{", b"\xff\xfe", b"[" * 5000])
async def test_garbage_is_worth_asking_again(desk: Client, web: respx.Router, body: bytes) -> None:
    web.get(f"{BASE}users").respond(200, content=body)
    with pytest.raises(VendorRetryable, match="but not with JSON"):
        await desk.call("GET", "users")


async def test_a_broken_encoding_is_garbage(desk: Client, web: respx.Router) -> None:
    web.get(f"{BASE}users").respond(200, stream=httpx.ByteStream(b"not gzip"), headers={"content-encoding": "gzip"})
    with pytest.raises(VendorRetryable, match="garbage"):
        await desk.call("GET", "users")


async def test_an_answer_is_read_up_to_its_limit(
    desk: Client, web: respx.Router, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "MAX_ANSWER", 1000)
    web.get(f"{BASE}fits").respond(200, content=b'"' + b"x" * 998 + b'"')
    assert len((await desk.call("GET", "fits")).data) == 998
    web.get(f"{BASE}large").respond(200, content=b"x" * 1001)
    packed = gzip.compress(b"x" * 100_000)
    web.get(f"{BASE}bomb").respond(200, stream=httpx.ByteStream(packed), headers={"content-encoding": "gzip"})
    for path in ("large", "bomb"):
        with pytest.raises(VendorRefused, match="more than 1000 bytes"):
            await desk.call("GET", path)


@pytest.mark.parametrize(
    ("failure", "what"),
    [
        (httpx.ConnectTimeout("secret"), "timed out"),
        (httpx.ReadTimeout("secret"), "timed out"),
        (httpx.ConnectError("secret"), "failed: ConnectError"),
        (httpx.RemoteProtocolError("secret"), "garbage"),
    ],
)
async def test_a_vendor_that_cannot_be_reached_is_worth_asking_again(
    desk: Client, web: respx.Router, failure: Exception, what: str
) -> None:
    web.get(f"{BASE}users").mock(side_effect=failure)
    with pytest.raises(VendorRetryable, match=what) as problem:
        await desk.call("GET", "users")
    assert "secret" not in str(problem.value)
    assert problem.value.__cause__ is None


async def test_a_call_ends_at_its_deadline(desk: Client, web: respx.Router) -> None:
    async def slow(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(60)
        raise AssertionError

    web.get(f"{BASE}slow").mock(side_effect=slow)
    began = asyncio.get_running_loop().time()
    with pytest.raises(VendorRetryable, match="took too long"):
        await desk.call("GET", "slow", deadline=0.02)
    assert asyncio.get_running_loop().time() - began < 30


async def test_an_error_names_no_query_no_id_and_no_address(desk: Client, web: respx.Router) -> None:
    web.get(url__startswith=BASE).respond(404, text="geheim")
    paths = ["users/erika@example.org/notes?token=abc", "users/4930123456", "users/erika%40example.org", "x/+49301"]
    for path in paths:
        with pytest.raises(VendorRefused) as refused:
            await desk.call("GET", path, params=None, headers={"x-token": "abc"})
        for hidden in ("erika", "49301", "abc", "geheim", "token", "?"):
            assert hidden not in str(refused.value)


async def test_a_closed_client_opens_again(desk: Client, web: respx.Router) -> None:
    web.get(f"{BASE}users").respond(json=[])
    await desk.close()
    await desk.call("GET", "users")
    await desk.close()
    assert (await desk.call("GET", "users")).status == 200


class Desk(Adapter):
    async def headers(self, client: Client, *, renew: bool) -> dict[str, str]:
        return {"authorization": "renewed" if renew else "first", "x-base": client.base_url}


async def test_an_adapters_client_is_authorised_by_it_over_any_transport() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(401 if len(seen) == 1 else 200, json={})

    adapter = Desk(Source(name="help", adapter="desk"), MANIFEST, Mapping("desk", {}))
    client = open_client(adapter, transport=httpx.MockTransport(answer))
    assert await client.call("GET", "x") == Answer(200, {"content-length": "2", "content-type": "application/json"}, {})
    assert [one.headers["authorization"] for one in seen] == ["first", "renewed"]
    assert seen[0].headers["x-base"] == BASE
    await client.close()


@pytest.mark.parametrize(
    ("base_url", "value", "filled"),
    [
        ("https://{name}.desk.example/api/v2", "acme-1", "https://acme-1.desk.example/api/v2/"),
        ("{name}/api/", "https://desk.example/", "https://desk.example/api/"),
        ("{name}", "http://localhost:8080", "http://localhost:8080/"),
        ("", "", ""),
    ],
)
def test_a_base_url_is_filled_from_the_settings(base_url: str, value: str, filled: str) -> None:
    manifest = Manifest(name="desk", title="", kind="crm", docs="", capabilities=(), base_url=base_url)
    assert fill_base_url(manifest, Source(name="help", adapter="desk", settings={"name": value})) == filled


@pytest.mark.parametrize(
    ("base_url", "value"),
    [
        ("https://{name}.desk.example/", "evil.example/"),
        ("https://{name}.desk.example/", "evil.example#"),
        ("https://{name}.desk.example/", "a@b"),
        ("https://{name}.desk.example/", ""),
        ("{name}/api", "ftp://x"),
        ("{name}/api", "https://user:word@desk.example"),
    ],
)
def test_a_setting_cannot_lead_to_another_host(base_url: str, value: str) -> None:
    manifest = Manifest(name="desk", title="", kind="crm", docs="", capabilities=(), base_url=base_url)
    with pytest.raises(ConfigError, match=r"sources\.help\.settings\.name: must be"):
        fill_base_url(manifest, Source(name="help", adapter="desk", settings={"name": value}))


def failing(*problems: Exception) -> Callable[[], Any]:
    left = list(problems)

    async def call() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return call


async def test_patience_waits_as_long_as_the_vendor_says_and_backs_off_by_itself() -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    problems = [
        VendorRetryable("desk", "busy", retry_after=7),
        VendorRetryable("desk", "busy", retry_after=0),
        VendorRetryable("desk", "busy"),
    ]
    assert await patiently(failing(*problems), sleep=sleep) == "done"
    assert waited[:2] == [7, 0]
    assert 4 <= waited[2] <= 5


async def test_patience_ends() -> None:
    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    waited: list[float] = []
    with pytest.raises(VendorRetryable, match="third"):
        await patiently(
            failing(*(VendorRetryable("desk", word) for word in ("first", "second", "third"))), attempts=3, sleep=sleep
        )
    assert len(waited) == 2
    with pytest.raises(VendorRetryable, match="tomorrow"):
        await patiently(failing(VendorRetryable("desk", "tomorrow", retry_after=3600)), sleep=sleep)
    with pytest.raises(VendorRefused):
        await patiently(failing(VendorRefused("desk", "no")), sleep=sleep)
    assert len(waited) == 2
