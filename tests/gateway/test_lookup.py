"""The look-up contract: who calls, always 200 for those who are admitted, every key always there."""

from __future__ import annotations

import asyncio
import base64
from typing import Any
from urllib.parse import parse_qs, parse_qsl

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
from bridge.gateway.lookup import Lookup
from bridge.store import Row, Unit
from tests.gateway.conftest import Gateway, case, person

ADA = person(
    "1", name="Ada Kaya", phones=["+4930901820"], emails=["ada@kaya.example"], language="de", owner="Jana Vogt"
)
VOLATILE = ("answer_ms",)


async def test_a_known_caller_is_answered_with_every_key_in_order(gateway: Gateway) -> None:
    await gateway.know(ADA, case("7", "1", type="complaint", status="open", opened="2026-11-20T10:00:00Z"))
    answer = await gateway.lookup(phone="+4930901820")
    assert tuple(answer) == flat.NAMES
    assert (answer["found"], answer["match"], answer["candidates"]) == ("true", "exact", "1")
    assert (answer["owner"], answer["language"], answer["open_case"]) == ("Jana Vogt", "de", "true")
    assert answer["script_line"]
    assert (answer["degraded"], answer["missing_sources"], answer["schema"]) == ("false", "", "1")


async def test_the_phone_system_sees_where_to_route_and_nothing_else(gateway: Gateway) -> None:
    await gateway.know(ADA)
    routing = await gateway.lookup("ivr", phone="+4930901820")
    agent = await gateway.lookup("agent", phone="+4930901820")
    for name in flat.NAMES:
        expected = agent[name] if name in flat.ROUTING_NAMES else ""
        assert name in VOLATILE or routing[name] == expected, name
    assert any(agent[name] for name in flat.NAMES if name not in flat.ROUTING_NAMES)


@pytest.mark.parametrize(
    "asked",
    [
        {"phone": "+4930901820"},
        {"phone": "030 / 90 18 20"},
        {"phone": "tel:+49-30-901820"},
        {"phone": "sip:+4930901820@gateway.example;user=phone"},
        {"phone": "004930901820"},
        {"email": "Ada@Kaya.Example"},
        {"external_id": "crm:1"},
        {"phone": "+4930000000", "email": "ada@kaya.example"},
    ],
)
async def test_a_caller_is_known_by_whatever_the_host_has(gateway: Gateway, asked: dict[str, str]) -> None:
    await gateway.know(ADA)
    assert (await gateway.lookup(**asked))["match"] == "exact"


async def test_a_plus_that_arrived_as_a_space_is_repaired(gateway: Gateway) -> None:
    await gateway.know(ADA)
    response = await gateway.client.get("/v1/lookup?phone=+4930901820", headers=gateway.bearer("ivr"))
    assert response.json()["match"] == "exact"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "phone=",
        "phone=anonymous",
        "phone=sip:anonymous@anonymous.invalid",
        "phone=%2B266696687",
        "phone=banana",
        "phone=%00",
        "phone=%FF%FE",
        "phone=" + "9" * 3000,
        "email=nobody",
        "external_id=:",
        "external_id=a%00:b",
        "customer_id=%00",
        "interaction={{pcConversationId}}",
        "budget_ms=soon&lang=xx&phone=4711",
        "&&&=&phone",
    ],
)
async def test_a_withheld_or_malformed_caller_is_nobody_and_no_error(gateway: Gateway, query: str) -> None:
    response = await gateway.client.get(f"/v1/lookup?{query}", headers=gateway.bearer("ivr"))
    answer = response.json()
    assert response.status_code == 200
    assert tuple(answer) == flat.NAMES
    assert (answer["found"], answer["match"], answer["route_hint"]) == ("false", "none", "general")


async def test_a_number_of_several_people_is_ambiguous_and_says_nothing_personal(gateway: Gateway) -> None:
    shared = "+4930555000"
    await gateway.know(
        *(person(str(number), name=f"Person {number}", owner="Jana Vogt", phones=[shared]) for number in range(2, 12))
    )
    answer = await gateway.lookup(phone=shared)
    assert (answer["found"], answer["match"], answer["customer_id"]) == ("false", "ambiguous", "")
    assert int(answer["candidates"]) > 1
    assert all(answer[key.name] == "" for key in flat.DETAIL)


async def test_a_customer_is_found_by_id_also_after_a_merge(gateway: Gateway) -> None:
    await gateway.know(ADA, person("2", name="A. Kaya", phones=["+4930901821"]))
    one = (await gateway.lookup(phone="+4930901820"))["customer_id"]
    other = (await gateway.lookup(phone="+4930901821"))["customer_id"]
    assert one != other
    merged = await gateway.post("/v1/identity/merge", "supervisor", json={"a": one, "b": other, "reason": "same"})
    assert merged.status_code == 200, merged.text
    answers = [await gateway.lookup(customer_id=each) for each in (one, other)]
    assert answers[0]["customer_id"] == answers[1]["customer_id"]
    assert answers[0]["match"] == "exact"
    assert (await gateway.lookup(customer_id="c_none"))["match"] == "none"


async def test_the_texts_come_in_the_language_that_is_asked_for(gateway: Gateway) -> None:
    await gateway.know(ADA)
    german = await gateway.lookup(phone="+4930901820")
    english = await gateway.lookup(phone="+4930901820", lang="en-GB")
    assert german["script_line"] != english["script_line"]
    assert german == await gateway.lookup(phone="+4930901820", lang="fr") | {"answer_ms": german["answer_ms"]}


async def test_the_hosts_interaction_finds_the_caller_again(gateway: Gateway) -> None:
    await gateway.know(ADA)
    first = await gateway.lookup("ivr", phone="+4930901820", interaction="call-17")
    at_once = await gateway.lookup(interaction="call-17")
    await gateway.gate.flush()
    later = await gateway.lookup(interaction="call-17")
    assert first["customer_id"] == at_once["customer_id"] == later["customer_id"] != ""
    assert (await gateway.lookup(interaction="call-18"))["match"] == "none"
    assert await gateway.rows("dips", "interaction, customer") == [("call-17", first["customer_id"])]


async def test_the_raw_event_of_amazon_connect_is_understood(gateway: Gateway) -> None:
    await gateway.know(ADA)
    event = {
        "Name": "ContactFlowEvent",
        "Details": {
            "ContactData": {
                "ContactId": "4a573372-1f28-4e26-b97b-XXXXXXXXXXX",
                "Channel": "VOICE",
                "LanguageCode": "en-US",
                "CustomerEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": "+4930901820"},
                "Queue": None,
                "Attributes": {},
            },
            "Parameters": {"budget_ms": "800", "other": "x"},
        },
    }
    answer = (await gateway.post("/v1/lookup", "ivr", json=event)).json()
    assert answer["match"] == "exact"
    again = await gateway.lookup(interaction="4a573372-1f28-4e26-b97b-XXXXXXXXXXX")
    assert again["customer_id"] == answer["customer_id"]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b'{"phone": "+4930901820"}', "application/json"),
        (b'{"phone": "+4930901820", "n": 1, "b": true, "o": {}}', "text/plain"),
        (b"phone=%2B4930901820", "application/x-www-form-urlencoded"),
        (b"phone=+4930901820", "application/x-www-form-urlencoded; charset=utf-8"),
        (b'{"Details": {"Parameters": {"phone": "+4930901820"}}}', "application/json"),
        (
            b'{"Details":{"ContactData":{"CustomerEndpoint":{"Type":"EMAIL_ADDRESS","Address":"ada@kaya.example"}}}}',
            "",
        ),
    ],
)
async def test_bodies_are_read_as_json_or_as_a_form(gateway: Gateway, content: bytes, kind: str) -> None:
    await gateway.know(ADA)
    headers = gateway.bearer("agent") | {"content-type": kind}
    response = await gateway.client.post("/v1/lookup", content=content, headers=headers)
    assert response.json()["match"] == "exact"


@pytest.mark.parametrize("content", [b"[1]", b"7", b'{"Details": 1}', b'{"Details": {"ContactData": 3}}', b"", b"  "])
async def test_a_body_that_names_nobody_is_nobody(gateway: Gateway, content: bytes) -> None:
    response = await gateway.client.post("/v1/lookup", content=content, headers=gateway.bearer("agent"))
    assert (response.status_code, response.json()["match"]) == (200, "none")


def keys_in(value: Any) -> set[str]:
    """All keys of nested objects."""
    if isinstance(value, dict):
        return set(value) | {name for inner in value.values() for name in keys_in(inner)}
    return set()


async def test_refusals_name_no_key_that_a_dialplan_could_take_for_a_route(gateway: Gateway) -> None:
    bearer = gateway.bearer("ivr")
    refused = [
        (401, await gateway.client.get("/v1/lookup")),
        (401, await gateway.client.get("/v1/lookup", headers={"authorization": "Bearer rb_0_0"})),
        (401, await gateway.client.get("/v1/lookup", headers={"authorization": "Basic ????"})),
        (401, await gateway.client.get("/v1/lookup", headers={"authorization": "Digest x"})),
        (403, await gateway.client.get("/v1/lookup", headers=gateway.bearer("admin"))),
        (400, await gateway.client.post("/v1/lookup", content=b"{", headers=bearer)),
        (400, await gateway.client.post("/v1/lookup", content=b'{"phone": "\xff"}', headers=bearer)),
        (413, await gateway.client.post("/v1/lookup", content=b" " * 10_000_000, headers=bearer)),
        (405, await gateway.client.put("/v1/lookup", headers=bearer)),
        (404, await gateway.client.get("/v1/look-up", headers=bearer)),
        (405, await gateway.client.delete("/v1/sources", headers=bearer)),
    ]
    for status, response in refused:
        assert response.status_code == status, response.text
        assert response.headers["content-type"] == "application/json"
        assert set(response.json()["error"]) == {"code", "message"}
        assert not keys_in(response.json()) & set(flat.NAMES)
        assert not set(parse_qs(response.text)) & set(flat.NAMES)
        assert b"=" not in response.content
        assert response.headers["x-request-id"]


async def test_a_body_without_an_announced_length_is_cut_off_too(gateway: Gateway) -> None:
    async def endless() -> Any:
        for _ in range(200):
            yield b" " * 1000

    response = await gateway.client.post("/v1/lookup", content=endless(), headers=gateway.bearer("ivr"))
    assert response.status_code == 413


async def test_a_key_may_come_as_bearer_as_basic_password_or_in_its_own_header(gateway: Gateway) -> None:
    key = gateway.keys["ivr"]
    basic = base64.b64encode(f"twilio:{key}".encode()).decode()
    alone = base64.b64encode(f"{key}:".encode()).decode()
    for headers in (
        {"authorization": f"Bearer {key}"},
        {"authorization": f"bearer {key}"},
        {"authorization": f"Basic {basic}"},
        {"authorization": f"Basic {alone}"},
        {"x-api-key": key},
        {"x-api-key": key, "authorization": "Custom x"},
    ):
        assert (await gateway.client.get("/v1/lookup", headers=headers)).status_code == 200


async def test_the_answer_comes_as_json_as_a_form_or_as_lines(gateway: Gateway) -> None:
    await gateway.know(ADA)
    json = await gateway.lookup(phone="+4930901820")
    form = await gateway.client.get(
        "/v1/lookup?phone=%2B4930901820",
        headers=gateway.bearer("agent") | {"accept": "text/html;q=0.1, application/x-www-form-urlencoded"},
    )
    lines = await gateway.client.get(
        "/v1/lookup?phone=%2B4930901820", headers=gateway.bearer("agent") | {"accept": "text/plain"}
    )
    assert form.headers["content-type"] == "application/x-www-form-urlencoded"
    assert lines.headers["content-type"].startswith("text/plain")
    pairs = dict(parse_qsl(form.text, keep_blank_values=True))
    assert pairs | {"answer_ms": json["answer_ms"]} == json
    read = dict(line.split("=", 1) for line in lines.text.splitlines())
    assert read | {"answer_ms": json["answer_ms"]} == json


async def test_request_ids_are_taken_over_when_they_are_harmless_and_made_otherwise(gateway: Gateway) -> None:
    for sent, kept in (("call-17.a", True), ("x" * 65, False), ("a b", False), ("", False)):
        response = await gateway.client.get("/v1/lookup", headers=gateway.bearer("ivr") | {"x-request-id": sent})
        assert (response.headers["x-request-id"] == sent) is kept


async def test_the_age_of_the_data_is_said(gateway: Gateway) -> None:
    await gateway.know(ADA)
    gateway.clock.advance(seconds=90)
    assert (await gateway.lookup(phone="+4930901820"))["as_of_age_s"] == "90"


async def test_a_failing_source_is_named_in_every_answer(gateway: Gateway) -> None:
    await gateway.know(ADA)
    unit = Unit()
    unit.add("sources.failed", name="crm", error="crm: 503", at=1)
    await gateway.store.write(unit)
    await gateway.gate.refresh()
    assert (await gateway.lookup(phone="+4930901820"))["degraded"] == "false"
    gateway.clock.advance(hours=2)
    await gateway.gate.refresh()
    for phone in ("+4930901820", "+4930000000"):
        answer = await gateway.lookup(phone=phone)
        assert (answer["degraded"], answer["missing_sources"]) == ("true", "crm")


async def test_a_customer_whose_decision_is_not_ready_is_routed_by_what_the_key_says(gateway: Gateway) -> None:
    await gateway.know(ADA)
    known = await gateway.lookup(phone="+4930901820")
    unit = Unit()
    unit.add("customers.drop_decisions", customer=known["customer_id"])
    await gateway.store.write(unit)
    for asked in ({"phone": "+4930901820"}, {"customer_id": known["customer_id"]}):
        answer = await gateway.lookup(**asked)
        assert (answer["match"], answer["customer_id"], answer["decision_id"]) == ("exact", known["customer_id"], "")
        assert (answer["degraded"], answer["script_line"], answer["as_of_age_s"]) == ("true", "", "")


@pytest.mark.parametrize("seconds", [0.0, 30.0])
async def test_a_store_that_fails_or_hangs_costs_nobody_more_than_the_budget(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        await asyncio.sleep(seconds)
        raise ConnectionError("the database is gone")

    monkeypatch.setattr(gateway.store, "one", broken)
    headers = gateway.bearer("agent") | {"x-budget-ms": "300"}
    began = asyncio.get_running_loop().time()
    answer = (await gateway.client.get("/v1/lookup?customer_id=c_1", headers=headers)).json()
    assert asyncio.get_running_loop().time() - began < 1.0
    assert (answer["found"], answer["degraded"]) == ("false", "true")
    assert tuple(answer) == flat.NAMES


async def test_a_hot_read_that_fails_is_answered_with_nobody(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise ConnectionError("the database is gone")

    monkeypatch.setattr(gateway.store, "answer", broken)
    served = Lookup(gateway.gate)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(served), base_url="http://x") as client:
        answer = await client.get("/v1/lookup?phone=%2B4930901820", headers=gateway.bearer("agent"))
    assert (answer.status_code, answer.json()["match"], answer.json()["degraded"]) == (200, "none", "true")


async def test_while_keys_cannot_be_read_known_ones_are_good_and_new_ones_wait(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    await gateway.gate.keys.refresh()

    async def gone(*_: Any, **__: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(gateway.store, "one", gone)
    assert (await gateway.client.get("/v1/lookup", headers=gateway.bearer("ivr"))).status_code == 200
    unknown = f"rb_{'0' * 12}_{'0' * 48}"
    refused = await gateway.client.get("/v1/lookup", headers={"x-api-key": unknown})
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "unavailable")


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


async def test_asking_live_is_left_out_of_the_hit_path(gateway: Gateway) -> None:
    await gateway.know(ADA)
    asked: list[str] = []

    class Counting:
        sources = ("crm",)

        async def __call__(
            self, kind: str, value: str, language: str | None, budget: float
        ) -> tuple[None, tuple[str, ...]]:
            asked.append(value)
            return None, ()

    gateway.gate.miss = Counting()
    await gateway.lookup(phone="+4930901820")
    assert asked == []
    await gateway.lookup(phone="+4930000000")
    assert asked == ["+4930000000"]
