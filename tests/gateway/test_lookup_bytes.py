"""The fast path against the same written plainly: the bytes are the same."""

from __future__ import annotations

import re
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge import flat
from bridge.adapter.addresses import normalise_key
from bridge.app import ROUTES
from bridge.gateway.endpoint import Methods
from bridge.store import Row
from tests.gateway.conftest import Gateway, person

ADA = person(
    "1", name="Ada Kaya", phones=["+4930901820"], emails=["ada@kaya.example"], language="de", owner="Jana Vogt"
)


RESERVE = "5000"
"""A budget that is all kept back for the way home, so that no source is asked, and ample for the store."""


@pytest.mark.parametrize("limits", [{"live_reserve_ms": int(RESERVE)}])
@pytest.mark.parametrize("accept", ["*/*", "text/plain", "application/x-www-form-urlencoded;q=x, text/plain;q=0.5"])
async def test_the_same_handler_behind_the_router_sends_the_same(gateway: Gateway, accept: str) -> None:
    await gateway.know(ADA)
    routed = Methods([one for one in ROUTES if one.path == "/v1/lookup"], lambda: gateway.gate)
    headers = gateway.bearer("agent") | {"accept": accept}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(routed), base_url="http://x") as client:
        for phone in ("+4930901820", "+4930555555", ""):
            asked = {"phone": phone, "budget_ms": RESERVE}
            fast = await gateway.client.get("/v1/lookup", params=asked, headers=headers)
            plain = await client.get("/v1/lookup", params=asked, headers=headers)
            posted = await client.post("/v1/lookup", json=asked, headers=headers)
            bodies = {re.sub(r"answer_ms\W+\d+", "", each.text) for each in (fast, plain, posted)}
            assert len(bodies) == 1
            assert fast.headers["content-type"] == plain.headers["content-type"]
        assert (await client.get("/v1/lookup")).status_code == 401


ORACLE_NAMES = ("phone", "email", "external_id", "interaction", "lang", "budget_ms", "other")


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    pairs=st.lists(
        st.tuples(
            st.sampled_from(ORACLE_NAMES),
            st.sampled_from(
                ["+4930901820", " 4930901820", "ada@kaya.example", "crm:1", "en", "de-AT", "x", "é=&+%", ""]
            ),
        ),
        max_size=5,
    ),
    scope=st.sampled_from(["ivr", "agent"]),
)
async def test_the_fast_path_sends_the_bytes_of_a_plain_route(
    gateway: Gateway, pairs: list[tuple[str, str]], scope: str
) -> None:
    if not await gateway.rows("customers"):
        await gateway.know(ADA)
    oracle = Starlette(routes=[Route("/v1/lookup", plain_route(gateway, scope), methods=["GET", "POST"])])
    query = httpx.QueryParams(tuple(pairs))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(oracle), base_url="http://oracle") as plain:
        expected = await plain.get("/v1/lookup", params=query)
        actual = await gateway.client.get("/v1/lookup", params=query, headers=gateway.bearer(scope))
        assert without_time(actual.content) == without_time(expected.content)
        assert actual.headers["content-type"] == expected.headers["content-type"]


def without_time(body: bytes) -> bytes:
    """The bytes up to what depends on the moment."""
    return body[: body.index(b',"answer_ms"')]


def plain_route(gateway: Gateway, scope: str) -> Any:
    """The same semantics, written with the framework's own means and a JSON encoder."""

    async def serve(request: Request) -> Response:
        asked: dict[str, str] = {}
        for name, value in request.query_params.multi_items():
            asked.setdefault(name, value)
        language = asked.get("lang", "")[:2].lower()
        row: Row | None = None
        for kind, name in (("phone", "phone"), ("id", "external_id"), ("email", "email")):
            key = normalise_key(kind, asked.get(name, ""), "DE") if asked.get(name) else None
            if key and row is None:
                found = gateway.store.answer(kind, key, language if language in ("de", "en") else None)
                row = found if found is None or isinstance(found, tuple) else await found
        if row is None and not any(
            asked.get(name) and normalise_key(kind, asked[name], "DE")
            for kind, name in (("phone", "phone"), ("id", "external_id"), ("email", "email"))
        ):
            dip = asked.get("interaction", "")
            customer = await gateway.gate.customer_of(dip) if dip.isascii() and dip else None
            if customer:
                row = await gateway.store.one(
                    "gateway.answer_for_customer",
                    customer=customer,
                    language=language if language in ("de", "en") else None,
                )
        values = {key.name: key.blank if key.sight == "routing" else "" for key in flat.KEYS}
        if row is not None:
            values |= msgspec.json.decode(row[11] + (row[12] if scope == "agent" else flat.BLANK_DETAIL) + b"}")
            values["as_of_age_s"] = "0"
        encoded = "{" + ",".join(f'"{name}":{ascii_json(value)}' for name, value in values.items()) + "}"
        return Response(encoded.encode(), media_type="application/json")

    return serve


def ascii_json(text: str) -> str:
    """A JSON string in ASCII."""
    import json

    return json.dumps(text)
