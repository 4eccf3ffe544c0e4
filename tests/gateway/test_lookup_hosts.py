"""What hosts send, and in which shape they are answered and refused."""

from __future__ import annotations

import base64
from time import perf_counter
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import pytest

from bridge import flat
from bridge.hosts.registry import HOSTS
from tests.gateway.conftest import Gateway, person

ADA = person(
    "1", name="Ada Kaya", phones=["+4930901820"], emails=["ada@kaya.example"], language="de", owner="Jana Vogt"
)


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


async def test_a_caller_who_hangs_up_while_sending_is_refused(gateway: Gateway) -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"authorization", gateway.bearer("ivr")["authorization"].encode())]
    scope = {"type": "http", "method": "POST", "path": "/v1/lookup", "query_string": b"", "headers": headers}
    await gateway.app(scope, receive, send)
    assert sent[0]["status"] == 400


CALLERS = [
    ("+4930901820", True),
    (" 4930901820", True),
    ("004930901820", True),
    ("030 901820", True),
    ("tel:+49-30-901820;ext=12", True),
    ("tel:901820;phone-context=+4930", True),
    ("sip:+4930901820@gateway.example;user=phone", True),
    ("sip:+4930901820:secret@gateway.example", True),
    ("sip:+4930901820;npdi@gateway.example", True),
    ("sips:+4930901820@gateway.example:5061;transport=tls", True),
    ("<sip:+4930901820@gateway.example>;tag=17", True),
    ('"Ada Kaya" <sip:+4930901820@gateway.example>', True),
    ("whatsapp:+4930901820", True),
    ("", False),
    ("anonymous", False),
    ("Restricted", False),
    ("unavailable", False),
    ("Unknown", False),
    ("private", False),
    ("withheld", False),
    ("+266696687", False),
    ("00266696687", False),
    ("sip:anonymous@anonymous.invalid", False),
    ('"Anonymous" <sip:anonymous@anonymous.invalid>', False),
    ("client:ada", False),
    ("sip:ada@gateway.example", False),
]


@pytest.mark.parametrize(("caller", "known"), CALLERS)
async def test_callers_are_known_however_a_switch_writes_them(gateway: Gateway, caller: str, known: bool) -> None:
    await gateway.know(ADA)
    expected = "exact" if known else "none"
    assert (await gateway.lookup("ivr", phone=caller))["match"] == expected
    form = await gateway.client.post("/v1/lookup", data={"phone": caller}, headers=gateway.bearer("ivr"))
    assert form.json()["match"] == expected


@pytest.mark.parametrize("field", ["From", "Caller"])
async def test_the_form_of_a_call_at_twilio_is_understood_as_it_is(gateway: Gateway, field: str) -> None:
    await gateway.know(ADA)
    form = {"CallSid": "CA0123", "AccountSid": "AC1", "To": "+4930555", "Direction": "inbound", field: "+4930901820"}
    response = await gateway.client.post("/v1/lookup", data=form, headers=gateway.bearer("ivr"))
    assert response.json()["match"] == "exact"
    assert (await gateway.lookup(interaction="CA0123"))["match"] == "exact"
    empty = form | {"phone": "", "interaction": ""}  # a flow that names both, and fills in one
    assert (await gateway.client.post("/v1/lookup", data=empty, headers=gateway.bearer("ivr"))).json()[
        "found"
    ] == "true"


async def test_the_hosts_correlation_id_is_the_requests_id(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(gateway.app._lookup, "_line", lambda event, **fields: said.append(fields["request"]))
    headers = gateway.bearer("ivr") | {"ININ-Correlation-Id": "7c7a1b1e-5b0f-4f8e-9d0f-0c1f0a7f6b11"}
    for more, expected in (({}, headers["ININ-Correlation-Id"]), ({"x-request-id": "mine"}, "mine")):
        response = await gateway.client.get("/v1/lookup", headers=headers | more)
        assert response.headers["x-request-id"] == said.pop() == expected


async def test_a_host_has_the_budget_that_it_waits(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    spent: list[float] = []

    async def find(asked: Any, until: float) -> tuple[None, str, bool]:
        spent.append(round((until - perf_counter()) * 10) * 100)
        return None, "", False

    monkeypatch.setattr(gateway.app._lookup, "_find", find)
    bearer = gateway.bearer("ivr")
    for name, host in HOSTS.items():
        await gateway.lookup("ivr", host=name)
        await gateway.client.get("/v1/lookup", headers=bearer | {"x-host": name})
        assert spent[-2:] == [host.budget_ms] * 2
    await gateway.client.get("/v1/lookup?host=genesys", headers=bearer | {"x-host": "twilio"})
    await gateway.client.get("/v1/lookup?host=genesys&budget_ms=700", headers=bearer | {"x-budget-ms": "900"})
    await gateway.client.get("/v1/lookup?host=genesys", headers=bearer | {"x-budget-ms": "900"})
    await gateway.lookup("ivr", host="nobody")
    await gateway.lookup("ivr")
    usual = gateway.gate.settings.lookup_budget_ms
    assert spent[-5:] == [1000, 700, 900, usual, usual]
