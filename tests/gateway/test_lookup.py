"""The look-up contract: who calls, always 200 for those who are admitted, every key always there."""

from __future__ import annotations

import asyncio
from statistics import median
from typing import Any

import httpx
import pytest

from bridge import flat
from bridge.gateway.lookup import Lookup
from bridge.store import Unit
from tests.gateway.conftest import Gateway, case, person
from tests.patience import slowness

ADA = person(
    "1", name="Ada Kaya", phones=["+4930901820"], emails=["ada@kaya.example"], language="de", owner="Jana Vogt"
)
VOLATILE = ("answer_ms",)
HANG_SECONDS = 60.0


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


@pytest.mark.parametrize("seconds", [0.0, HANG_SECONDS])
async def test_a_store_that_fails_or_hangs_costs_nobody_more_than_the_budget(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        await asyncio.sleep(seconds)
        raise ConnectionError("the database is gone")

    await gateway.gate.refresh()
    monkeypatch.setattr(gateway.store, "one", broken)
    headers = gateway.bearer("agent") | {"x-budget-ms": "300"}
    took: list[float] = []
    for _ in range(5):
        began = asyncio.get_running_loop().time()
        answer = (await gateway.client.get("/v1/lookup?customer_id=c_1", headers=headers)).json()
        took.append(asyncio.get_running_loop().time() - began)
        assert (answer["found"], answer["degraded"]) == ("false", "true")
        assert tuple(answer) == flat.NAMES
    assert median(took) < 0.4 * slowness(), took


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


async def test_a_store_that_hangs_does_not_hold_a_request_with_an_unknown_key(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*_: Any, **__: Any) -> None:
        await asyncio.sleep(HANG_SECONDS)

    monkeypatch.setattr(gateway.store, "one", hang)
    async with asyncio.timeout(HANG_SECONDS / 2):
        refused = await gateway.client.get("/v1/lookup", headers={"x-api-key": f"rb_{'0' * 12}_{'0' * 48}"})
    assert refused.status_code == 503


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
