"""What became of a suggestion, and the suggestion as it was."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from bridge.cards import pack_card, unpack_card
from bridge.flow import refresh_due
from bridge.store import Unit, micros
from tests.gateway.conftest import Gateway, case, person

ADA = person("1", name="Ada Kaya", phones=["+4930901820"], language="de")


async def decision(gateway: Gateway, offer: dict[str, Any] | None = None) -> str:
    """Id of Ada's decision; with `offer`, as if the playbook offered that."""
    await gateway.know(ADA)
    id = (await gateway.lookup(phone="+4930901820"))["decision_id"]
    if offer is not None:
        row = (await gateway.store.all("gateway.decision", id=id))[0]
        card = msgspec.json.decode(unpack_card(row[6])) | {"offer": offer}
        unit = Unit()
        stored = (await gateway.rows("decisions", "routing, detail, made_of, tier", f"id = '{id}'"))[0]
        for language in ("de", "en"):
            unit.add(
                "customers.put_decision",
                customer=row[0],
                language=language,
                main=int(language == "de"),
                id=id,
                computed_at=micros(gateway.clock()),
                valid_until=micros(gateway.clock()),
                as_of=micros(gateway.clock()),
                tier=stored[3],
                priority=3,
                route_hint="general",
                risk_band="low",
                value_minor=None,
                currency=None,
                routing=bytes(stored[0]),
                detail=bytes(stored[1]),
                card=pack_card(msgspec.json.encode(card)),
                made_of=stored[2],
                probability=None,
                scored_by=None,
                signals=None,
            )
        await gateway.store.write(unit)
    return id


OFFER = {"kinds": ["discount", "apology"], "ceiling": {"minor": 4500, "currency": "EUR"}}
GRANT = {"offer": "discount", "amount": "45.00", "currency": "EUR"}


async def test_an_outcome_is_recorded_at_once_and_makes_the_customer_due(gateway: Gateway) -> None:
    id = await decision(gateway)
    body = {"kind": "accepted", "result": "saved", "note": "glad we called", "disposition": "kept", "agent": "a-17"}
    answer = await gateway.post(f"/v1/decisions/{id}/outcome", "agent", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["recorded"] is True
    rows = await gateway.rows("outcomes", "decision, kind, result, note, disposition, agent, actor")
    actor = f"key:{gateway.keys['agent'].split('_')[1]}"
    assert rows == [(id, "accepted", "saved", "glad we called", "kept", "a-17", actor)]
    facts = await gateway.rows("facts", "kind, origin, cause", "kind = 'outcome.recorded'")
    assert facts == [("outcome.recorded", "live", f"decision/{id}")]
    assert await refresh_due(gateway.gate.desk, most=10, now=gateway.clock()) == 1


async def test_a_repetition_is_recorded_once(gateway: Gateway) -> None:
    id = await decision(gateway)
    for headers in ({}, {"idempotency_key": "k-1"}):
        answers = [
            (await gateway.post(f"/v1/decisions/{id}/outcome", "agent", json={"kind": "rejected"}, **headers)).json()
            for _ in range(3)
        ]
        assert [one["recorded"] for one in answers] == [True, False, False]
        assert len({one["outcome"] for one in answers}) == 1
    assert len(await gateway.rows("outcomes")) == 2
    assert len(await gateway.rows("facts", "id", "kind = 'outcome.recorded'")) == 2


async def test_one_idempotency_key_stands_for_one_content(gateway: Gateway) -> None:
    id = await decision(gateway)
    path = f"/v1/decisions/{id}/outcome"
    assert (await gateway.post(path, "agent", json={"kind": "accepted", "key": "k"})).status_code == 200
    other = await gateway.post(path, "agent", json={"kind": "rejected"}, idempotency_key="k")
    assert (other.status_code, other.json()["error"]["code"]) == (409, "conflict")


async def test_the_same_outcome_from_two_tabs_at_once_is_one(gateway: Gateway) -> None:
    id = await decision(gateway)
    answers = await asyncio.gather(
        *(gateway.post(f"/v1/decisions/{id}/outcome", "agent", json={"kind": "ignored"}) for _ in range(5))
    )
    assert [one.status_code for one in answers] == [200] * 5
    assert sum(one.json()["recorded"] for one in answers) == 1


async def test_an_offer_is_granted_once_while_it_runs_also_at_the_same_moment(gateway: Gateway) -> None:
    id = await decision(gateway, OFFER)
    path = f"/v1/decisions/{id}/outcome"
    answers = await asyncio.gather(
        *(gateway.post(path, "agent", json=GRANT, idempotency_key=f"k-{n}") for n in range(4))
    )
    assert sorted(one.status_code for one in answers) == [200, 409, 409, 409]
    assert len(await gateway.rows("grants")) == 1
    assert len(await gateway.rows("outcomes")) == 1
    gateway.clock.advance(days=91)
    again = await gateway.post(path, "agent", json=GRANT, idempotency_key="k-later")
    assert again.status_code == 200, again.text


@pytest.mark.parametrize(
    "body",
    [
        GRANT | {"amount": "45.01"},
        GRANT | {"currency": "USD"},
        {"offer": "executive_call"},
    ],
)
async def test_what_the_decision_does_not_offer_is_not_granted(gateway: Gateway, body: dict[str, str]) -> None:
    id = await decision(gateway, OFFER)
    answer = await gateway.post(f"/v1/decisions/{id}/outcome", "agent", json=body)
    assert answer.status_code == 409
    assert not await gateway.rows("outcomes")


async def test_an_offer_that_costs_nothing_needs_no_amount_and_no_ceiling(gateway: Gateway) -> None:
    id = await decision(gateway, OFFER | {"ceiling": None})
    path = f"/v1/decisions/{id}/outcome"
    assert (await gateway.post(path, "agent", json={"offer": "apology"})).status_code == 200
    assert (await gateway.post(path, "agent", json=GRANT)).status_code == 409


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"agent": "a"},
        {"kind": "liked"},
        {"result": "maybe"},
        {"amount": "5", "currency": "EUR", "kind": "accepted"},
        {"offer": "discount", "amount": "5"},
        {"offer": "discount", "amount": "-5", "currency": "EUR"},
        {"kind": "accepted", "unheard": 1},
        {"note": "x" * 2001},
        {"note": "\x00"},
        [],
    ],
)
async def test_what_is_no_outcome_is_refused(gateway: Gateway, body: Any) -> None:
    id = await decision(gateway, OFFER)
    answer = await gateway.post(f"/v1/decisions/{id}/outcome", "agent", json=body)
    assert answer.status_code == 400, answer.text
    assert not await gateway.rows("outcomes")


async def test_garbage_is_refused_and_a_decision_that_never_was_is_not_found(gateway: Gateway) -> None:
    headers = gateway.bearer("agent")
    garbage = await gateway.client.post("/v1/decisions/d_x/outcome", content=b"{", headers=headers)
    assert garbage.status_code == 400
    large = await gateway.client.post("/v1/decisions/d_x/outcome", content=b" " * 2_000_000, headers=headers)
    assert large.status_code == 413
    for path in ("/v1/decisions/d_x/outcome", "/v1/decisions/%00/outcome"):
        assert (await gateway.post(path, "agent", json={"kind": "shown"})).status_code == 404
    assert (await gateway.get("/v1/decisions/d_x", "agent")).status_code == 404


async def test_a_shown_outcome_keeps_the_decision_for_good(gateway: Gateway) -> None:
    id = await decision(gateway)
    await gateway.post(f"/v1/decisions/{id}/outcome", "agent", json={"kind": "shown"})
    assert all(at == micros(gateway.clock()) for (at,) in await gateway.rows("decisions", "shown_at"))


async def test_a_decision_is_brought_back_exactly_also_after_it_was_superseded(gateway: Gateway) -> None:
    id = await decision(gateway)
    before = (await gateway.get(f"/v1/decisions/{id}", "agent", lang="de")).json()
    assert before["superseded_at"] is None
    gateway.clock.advance(hours=1)
    await gateway.know(case("7", "1", type="complaint", status="open", opened="2026-11-21T12:30:00Z"))
    assert (await gateway.lookup(phone="+4930901820"))["decision_id"] != id
    after = (await gateway.get(f"/v1/decisions/{id}", "supervisor", lang="de")).json()
    assert after["superseded_at"] is not None
    assert {**after, "superseded_at": None} == before
    assert after["card"]["customer"]["name"] == "Ada Kaya"
    assert after["made_of"]["rules"]
    english = (await gateway.get(f"/v1/decisions/{id}", "agent", lang="en")).json()
    assert english["language"] == "en"
    assert (await gateway.get(f"/v1/decisions/{id}", "agent", lang="fr")).status_code == 404
    assert (await gateway.get(f"/v1/decisions/{id}", "ivr")).status_code == 403


async def test_an_outcome_of_a_superseded_decision_of_a_merged_customer_counts_for_the_survivor(
    gateway: Gateway,
) -> None:
    id = await decision(gateway)
    await gateway.know(person("2", name="A. Kaya", phones=["+4930901821"]))
    one = (await gateway.lookup(phone="+4930901820"))["customer_id"]
    other = (await gateway.lookup(phone="+4930901821"))["customer_id"]
    await gateway.post("/v1/identity/merge", "supervisor", json={"a": one, "b": other, "reason": "same"})
    answer = await gateway.post(f"/v1/decisions/{id}/outcome", "agent", json={"result": "lost"})
    assert answer.status_code == 200, answer.text
    survivor = (await gateway.lookup(phone="+4930901820"))["customer_id"]
    assert await gateway.rows("outcomes", "customer, kind") == [(survivor, "result")]
