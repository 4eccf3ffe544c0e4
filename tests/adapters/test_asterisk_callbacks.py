"""Callbacks over ARI: not before their time, not twice, and never to a queue that breaks out of its name."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest

from bridge.adapter.base import Action
from bridge.errors import ConfigError, VendorRefused, VendorRetryable
from contract_tests.fakes.asterisk import Fake
from contract_tests.transports import Wire
from tests.adapters.asterisk_server import NOW, adapter, client


async def _perform(wire: Wire, key: str = "loop:17", **args: Any) -> str:
    asterisk = adapter(callback_queue="service")
    given = {"phone": "+493055501299", "at": NOW.isoformat(), **args}
    action = Action(do="schedule_callback", args=given, idempotency_key=key)
    return (await asterisk.perform(client(asterisk, wire), action)).reference


def _no(status: int, request: httpx.Request) -> httpx.Response:
    return httpx.Response(status, json={"message": "no"})


async def test_before_its_time_a_callback_waits_in_the_outbox_and_asterisk_is_not_asked() -> None:
    wire = Wire(Fake().answer)
    with pytest.raises(VendorRetryable) as caught:
        await _perform(wire, at=(NOW + timedelta(hours=2)).isoformat())
    assert (caught.value.undone, caught.value.retry_after, wire.requests) == (True, 7200.0, [])
    assert await _perform(wire, at=(NOW + timedelta(seconds=20)).isoformat()) == "bridge-loop:17"


async def test_a_callback_that_was_placed_already_is_not_placed_twice() -> None:
    fake = Fake()
    wire = Wire(fake.answer)
    assert await _perform(wire) == await _perform(wire)
    assert fake.channels == {"bridge-loop:17"}


async def test_a_key_that_could_not_be_a_channels_id_is_hashed_and_goes_along_in_full() -> None:
    wire = Wire(Fake().answer)
    reference = await _perform(wire, key="loop|17/ä")
    sent = httpx.Response(200, content=wire.requests[0].content).json()
    assert reference.startswith("bridge-") and "|" not in reference and len(reference) < 60
    assert sent["variables"]["BRIDGE_KEY"] == "loop|17/ä"
    assert reference == await _perform(Wire(Fake().answer), key="loop|17/ä")


@pytest.mark.parametrize("queue", ["../x", "a b", "a@b", "a/b", "a,b", "x" * 80])
async def test_a_queue_that_could_not_be_an_extension_is_refused(queue: str) -> None:
    wire = Wire(Fake().answer)
    with pytest.raises(VendorRefused, match="no queue"):
        await _perform(wire, queue=queue)
    assert wire.requests == []


async def test_a_wrong_password_and_a_wrong_context_are_refusals_and_not_done() -> None:
    for status in (401, 400):
        wire = Wire(partial(_no, status))
        with pytest.raises(VendorRefused):
            await _perform(wire)


async def test_without_a_password_the_setting_to_mend_is_named() -> None:
    asterisk = adapter(ari_password=None, callback_queue="service")
    args = {"phone": "+493055501299", "at": NOW.isoformat()}
    action = Action(do="schedule_callback", args=args, idempotency_key="k")
    with pytest.raises(ConfigError, match="ari_password"):
        await asterisk.perform(client(asterisk, Wire(Fake().answer)), action)
