"""What is written behind an answer."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.gateway import trail
from bridge.telemetry import METRICS
from tests.gateway.conftest import Gateway, person

ADA = person(
    "1", name="Ada Kaya", phones=["+4930901820"], emails=["ada@kaya.example"], language="de", owner="Jana Vogt"
)


async def test_the_hosts_interaction_finds_the_caller_again(gateway: Gateway) -> None:
    await gateway.know(ADA)
    first = await gateway.lookup("ivr", phone="+4930901820", interaction="call-17")
    at_once = await gateway.lookup(interaction="call-17")
    await gateway.gate.flush()
    later = await gateway.lookup(interaction="call-17")
    assert first["customer_id"] == at_once["customer_id"] == later["customer_id"] != ""
    assert (await gateway.lookup(interaction="call-18"))["match"] == "none"
    assert await gateway.rows("dips", "interaction, customer") == [("call-17", first["customer_id"])]


async def test_what_cannot_be_written_behind_an_answer_is_written_later(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    await gateway.know(ADA)
    await gateway.lookup("ivr", phone="+4930901820", interaction="call-17")
    await gateway.get("/v1/assist", "agent", phone="+4930901820")

    async def gone(*_: Any, **__: Any) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(gateway.store, "write", gone)
        with pytest.raises(ConnectionError):
            await gateway.gate.trail.flush()
    await gateway.lookup("ivr", phone="+4930901820", interaction="call-18")
    await gateway.gate.flush()
    assert sorted(await gateway.rows("dips", "interaction")) == [("call-17",), ("call-18",)]
    assert len(await gateway.rows("audit", "id", "action = 'assist'")) == 1


async def test_while_the_store_is_gone_only_so_much_is_held(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trail, "MOST", 2)
    held = trail.Trail(gateway.store)
    before = METRICS.registry.get_sample_value("bridge_dips_dropped_total") or 0
    for number in range(5):
        held.dip(f"call-{number}", "c_1", "d_1", number)
        held.shown("d_1", gateway.clock())
        held.audit("key:x", "assist", f"customer:{number}", gateway.clock())
    await held.flush()
    assert len(await gateway.rows("dips")) == len(await gateway.rows("audit")) == 2
    assert METRICS.registry.get_sample_value("bridge_dips_dropped_total") == before + 3
