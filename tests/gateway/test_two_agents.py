"""Two agents at two gateways, one customer, the same minute: one decision, one exposure, nothing granted twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import httpx
import pytest

from bridge.access import SCOPES
from bridge.app import create_app
from bridge.flow.granting import running_grants
from bridge.settings import Settings
from tests.gateway.conftest import NOON, SOURCES, Clock, Gateway, person, read_rows, store_keys
from tests.gateway.test_grants import TERMS, grant
from tests.gateway.test_outcomes import decision

ROUNDS = 6


@pytest.fixture
async def gateways(make_settings: Callable[..., Settings]) -> AsyncIterator[list[Gateway]]:
    """Two gateways with stores of their own over one database, as two processes have them."""
    clock = Clock(NOON)
    async with AsyncExitStack() as stack:
        made: list[Gateway] = []
        keys: dict[str, str] = {}
        for _ in range(2):
            app = create_app(make_settings(), SOURCES, clock=clock)
            gate = await stack.enter_async_context(app.running())
            transport = httpx.ASGITransport(app)
            client = await stack.enter_async_context(
                httpx.AsyncClient(transport=transport, base_url="https://bridge.example")
            )
            keys = keys or await store_keys(gate.store, [*((scope,) for scope in SCOPES), SCOPES], clock())
            await gate.refresh()
            made.append(Gateway(app, gate, client, clock, keys))
        yield made


async def test_both_see_one_decision_and_only_one_of_them_grants(gateways: list[Gateway]) -> None:
    one, other = gateways
    id = await decision(one, TERMS)
    seen = await asyncio.gather(*(each.lookup(phone="+4930901820") for each in (one, other, one, other)))
    assert {answer["decision_id"] for answer in seen} == {id}
    for number in range(ROUNDS):
        answers = await asyncio.gather(
            *(
                each.post(
                    f"/v1/decisions/{id}/outcome",
                    "agent",
                    json=grant("discount", amount) | {"agent": agent},
                    idempotency_key=f"{number}-{agent}-{attempt}",
                )
                for attempt in range(2)
                for each, agent, amount in ((one, "a-1", "20.00"), (other, "a-2", "40.00"))
            )
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
        assert len(await one.rows("outcomes", "key")) == number + 1
        assert len(await one.rows("grants", "offer")) == 1
        one.clock.advance(days=181)  # until it may be granted again


async def test_what_excludes_each_other_is_not_granted_at_two_gateways(gateways: list[Gateway]) -> None:
    one, other = gateways
    id = await decision(one, TERMS)
    answers = await asyncio.gather(
        *(
            each.post(f"/v1/decisions/{id}/outcome", "agent", json=grant(offer))
            for each, offer in ((one, "gift"), (other, "goodwill_credit"), (other, "gift"), (one, "goodwill_credit"))
        )
    )
    granted = {answer.request.content for answer in answers if answer.status_code == 200}
    assert len(granted) == 1
    customer = (await one.lookup(phone="+4930901820"))["customer_id"]
    assert len((await running_grants(one.store, [customer]))[customer]) == 1


async def test_the_same_click_that_arrives_twice_at_two_gateways_is_recorded_once(gateways: list[Gateway]) -> None:
    one, other = gateways
    id = await decision(one, TERMS)
    body = grant("discount") | {"kind": "accepted", "result": "saved", "key": "click-1"}
    answers = await asyncio.gather(
        *(each.post(f"/v1/decisions/{id}/outcome", "agent", json=body) for each in (one, other, one, other))
    )
    assert [answer.status_code for answer in answers] == [200] * 4
    assert sorted(answer.json()["recorded"] for answer in answers) == [False, False, False, True]
    assert len(await one.rows("outcomes", "key")) == 1


async def test_what_both_have_before_their_eyes_is_one_exposure(trying: Gateway) -> None:
    await trying.know(person("1", name="Ada Kaya", phones=["+4930901820"], language="de"))
    cards = await asyncio.gather(*(trying.post("/v1/assist", "agent", json={"phone": "+4930901820"}) for _ in "ab"))
    assert len({card.json()["decision_id"] for card in cards}) == 1
    assert len({card.json()["script"]["id"] for card in cards}) == 1
    path = f"/v1/decisions/{cards[0].json()['decision_id']}/outcome"
    shown = await asyncio.gather(
        *(trying.post(path, "agent", json={"kind": "shown", "agent": agent}) for agent in ("a-1", "a-2", "a-1"))
    )
    assert {answer.status_code for answer in shown} == {200}
    assert len(await read_rows(trying.store, "select * from exposures")) == 1
