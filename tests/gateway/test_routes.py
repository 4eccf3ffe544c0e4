"""The application as a whole: what it says of itself, how it fails, what it sends with every answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cache
from typing import Any

import httpx
import jsonschema_rs
import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from bridge import flat
from bridge.app import ROUTES, create_app
from bridge.errors import ConfigError, VendorRetryable
from bridge.settings import Settings
from tests.gateway.conftest import NOON, SOURCES, Clock, Gateway, person


async def test_it_is_alive_and_ready_without_a_key(gateway: Gateway) -> None:
    assert (await gateway.client.get("/healthz")).json()["status"] == "ok"
    assert (await gateway.client.get("/readyz")).json()["status"] == "ok"
    assert (await gateway.client.head("/healthz")).status_code == 200


async def test_it_is_not_ready_while_the_store_does_not_answer(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: Any, **__: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(gateway.gate.store, "one", gone)
    answer = await gateway.client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "unavailable")
    assert (await gateway.client.get("/healthz")).status_code == 200


async def test_before_the_start_and_after_the_end_it_says_unavailable(make_settings: Callable[..., Settings]) -> None:
    app = create_app(make_settings(), SOURCES)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        for path in ("/v1/lookup", "/healthz"):
            assert (await client.get(path)).status_code == 503


async def test_the_lifespan_of_the_server_opens_and_closes_it(make_settings: Callable[..., Settings]) -> None:
    app = create_app(make_settings(), SOURCES)
    inbox: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    outbox: asyncio.Queue[Any] = asyncio.Queue()
    running = asyncio.create_task(app({"type": "lifespan", "asgi": {}, "state": {}}, inbox.get, outbox.put))
    await inbox.put({"type": "lifespan.startup"})
    assert (await outbox.get())["type"] == "lifespan.startup.complete"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        assert (await client.get("/readyz")).status_code == 200
    await inbox.put({"type": "lifespan.shutdown"})
    assert (await outbox.get())["type"] == "lifespan.shutdown.complete"
    await running
    assert app.gate is None


async def test_a_wrong_configuration_stops_the_start_and_names_the_place(
    make_settings: Callable[..., Settings],
) -> None:
    app = create_app(make_settings(), {"sources": {"crm": {"adapter": "nobody"}}})
    with pytest.raises(ConfigError, match="nobody"):
        async with app.running():
            raise AssertionError("it started")


async def test_measures_are_for_the_operator_unless_they_are_open(
    gateway: Gateway, make_settings: Callable[..., Settings]
) -> None:
    await gateway.lookup(phone="+4930901820", budget_ms="100")
    assert (await gateway.client.get("/metrics")).status_code == 401
    text = (await gateway.get("/metrics", "admin")).text
    assert 'bridge_lookup_seconds_count{match="none"}' in text
    assert 'bridge_requests_total{route="/metrics",status="401"}' in text
    app = create_app(make_settings(open_metrics=True), SOURCES, clock=Clock(NOON))
    async with app.running(), httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        assert (await client.get("/metrics")).status_code == 200


async def test_every_answer_carries_an_id_and_forbids_sniffing_and_storing(gateway: Gateway) -> None:
    for path in ("/v1/lookup", "/v1/sources", "/healthz", "/docs", "/nowhere", "/metrics"):
        for headers in (gateway.bearer("admin"), gateway.bearer("ivr"), {}):
            answer = await gateway.client.get(path, headers=headers | {"x-request-id": "r-1"})
            assert answer.headers["x-request-id"] == "r-1", path
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cache-control"] == "no-store"


async def test_what_fails_inside_is_said_without_details(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    problems = iter([RuntimeError("+4930901820 in table x"), VendorRetryable("crm", "took too long")])

    async def broken(*_: Any, **__: Any) -> None:
        raise next(problems)

    monkeypatch.setattr(gateway.gate.store, "all", broken)
    inside = await gateway.get("/v1/sources", "admin")
    assert (inside.status_code, inside.json()["error"]["code"]) == (500, "internal")
    assert "901820" not in inside.text
    vendor = await gateway.get("/v1/sources", "admin")
    assert (vendor.status_code, vendor.json()["error"]["code"]) == (502, "vendor")


async def test_a_lost_race_is_a_conflict_that_may_be_tried_again(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bridge.errors import Superseded

    async def lost(*_: Any, **__: Any) -> None:
        raise Superseded("customers.versions")

    monkeypatch.setattr(gateway.gate.store, "all", lost)
    answer = await gateway.get("/v1/sources", "admin")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "superseded")


async def test_the_description_names_every_route_with_its_scope(gateway: Gateway) -> None:
    document = (await gateway.client.get("/openapi.json")).json()
    assert document["openapi"] == "3.1.0"
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert described == {(one.method, one.path) for one in ROUTES}
    for methods in document["paths"].values():
        for operation in methods.values():
            assert operation["summary"]
            assert len(operation["description"]) > 20
    flat_answer = document["components"]["schemas"]["FlatAnswer"]
    assert tuple(flat_answer["properties"]) == flat.NAMES
    assert tuple(flat_answer["required"]) == flat.NAMES


async def test_examples_keep_what_the_description_promises(gateway: Gateway) -> None:
    document = (await gateway.client.get("/openapi.json")).json()
    example = document["paths"]["/v1/lookup"]["get"]["responses"]["200"]["content"]["application/json"]["example"]
    assert tuple(example) == flat.NAMES
    for one in ROUTES:
        operation = document["paths"][one.path][one.method.lower()]
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        if "body" in one.types():
            msgspec.convert(body["example"], one.types()["body"])
        for parameter in operation.get("parameters", ()):
            assert parameter["in"] == "header" or "example" in parameter or not parameter["required"]


async def test_the_page_for_people_loads_nothing_and_runs_nothing(gateway: Gateway) -> None:
    page = await gateway.client.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "<script" not in page.text
    assert "POST /v1/decisions/{id}/outcome" in page.text
    assert "http" not in page.text.replace("https://desk.example.com", "")


CALLS = [  # without streams, which do not end, and those that have tests of their own
    (route.method, route.path, sorted(route.scopes or ()))
    for route in ROUTES
    if route.path != "/metrics" and not route.path.startswith("/webhooks") and not route.path.endswith("/events")
]


@cache
def read_description(text: bytes) -> tuple[Any, Any]:
    """The description as it is, and as what makes requests of it; both take their time, and are the same each time."""
    document = msgspec.json.decode(text)
    return document, schemathesis.openapi.from_dict(document)


@pytest.mark.parametrize(("method", "path", "scopes"), CALLS, ids=[f"{method} {path}" for method, path, _ in CALLS])
async def test_whatever_fits_the_description_is_answered_as_described(
    gateway: Gateway, method: str, path: str, scopes: list[str]
) -> None:
    if gateway.store.engine == "postgres" and method == "GET":
        await gateway.know(person("1", name="Ada Kaya", phones=["+4930901820"]))
    gateway.gate.miss = None
    document, description = read_description((await gateway.client.get("/openapi.json")).content)
    documented = document["paths"][path][method.lower()]["responses"]
    operation = description[path][method]
    headers = gateway.bearer(scopes[0]) if scopes else {}
    loop = asyncio.get_running_loop()
    seen: set[int] = set()

    @cache
    def validator(status: str, kind: str) -> jsonschema_rs.Validator:
        schema = documented[status]["content"][kind]["schema"]
        return jsonschema_rs.validator_for(schema | {"components": document["components"]})

    async def send(case: Any) -> httpx.Response:
        parts = case.as_transport_kwargs(base_url="https://bridge.example")
        return await gateway.client.request(
            method,
            parts["url"],
            params=parts.get("params"),
            headers=dict(parts.get("headers") or {}) | headers,
            json=parts.get("json"),
        )

    @settings(
        max_examples=15,
        deadline=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def check(case: Any) -> None:
        answer = asyncio.run_coroutine_threadsafe(send(case), loop).result(30)
        seen.add(answer.status_code)
        assert str(answer.status_code) in documented, answer.text
        content = documented[str(answer.status_code)].get("content", {})
        kind = answer.headers.get("content-type", "")
        assert kind in content or not content, kind
        if "schema" in content.get(kind, {}):
            validator(str(answer.status_code), kind).validate(answer.json())

    await loop.run_in_executor(None, check)
    assert seen
