"""Tasks: each request is signed so that AWS takes it, and asks for the same task once."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from bridge.adapter.base import Action
from bridge.adapter.client import open_client
from bridge.errors import ConfigError, VendorRefused
from contract_tests.fakes.amazon_connect import Fake
from tests.adapters.amazon_instance import NOW, make

CALL_BACK = {"subject": "Frieda Muster zurückrufen", "text": "Gutschrift anbieten", "phone": "+493055501234"}


async def _create(fake: Fake, args: dict[str, Any], key: str = "step-1", settings: dict[str, Any] | None = None) -> str:
    adapter = make(**settings or {})
    client = open_client(adapter, transport=httpx.MockTransport(fake.answer), clock=NOW.timestamp)
    try:
        action = Action(do="create_task", args=args, idempotency_key=key)
        return (await adapter.perform(client, action)).reference
    finally:
        await client.close()


async def test_a_task_is_started_with_a_signature_that_holds() -> None:
    fake = Fake()
    reference = await _create(fake, CALL_BACK)
    task = fake.tasks["step-1"]
    assert reference == "00000000-0000-0000-0000-000000007a5c"
    assert task["Name"] == "Frieda Muster zurückrufen"
    assert task["ContactFlowId"] == "846ec553-0000-4000-8000-00000000f001"
    assert task["References"] == {"phone": {"Type": "STRING", "Value": "+493055501234"}}


async def test_the_same_step_twice_is_one_task() -> None:
    fake = Fake()
    first, again = await _create(fake, CALL_BACK), await _create(fake, CALL_BACK)
    other = await _create(fake, CALL_BACK, key="step-2")
    assert first == again != other
    assert len(fake.tasks) == 2


async def test_an_owner_is_a_quick_connect_and_takes_the_place_of_the_flow() -> None:
    fake = Fake()
    await _create(fake, {"subject": "Vertrag läuft aus", "owner": "qc-1"}, settings={"task_flow_id": None})
    assert fake.tasks["step-1"]["QuickConnectId"] == "qc-1"
    assert "ContactFlowId" not in fake.tasks["step-1"]


async def test_a_wrong_key_is_refused_by_the_vendor() -> None:
    with pytest.raises(VendorRefused) as caught:
        await _create(Fake(), CALL_BACK, settings={"secret_access_key": "another-secret-access-key"})
    assert caught.value.status == 403


@pytest.mark.parametrize("name", ["instance_id", "task_flow_id", "access_key_id", "secret_access_key"])
async def test_a_missing_setting_is_named_before_anybody_is_called(name: str) -> None:
    fake = Fake()
    with pytest.raises(VendorRefused, match=name):
        await _create(fake, CALL_BACK, settings={name: None})
    assert fake.tasks == {}


async def test_long_texts_are_cut_to_what_the_vendor_takes() -> None:
    fake = Fake()
    await _create(fake, {"subject": "x" * 255, "text": "y" * 9000})
    assert len(fake.tasks["step-1"]["Description"]) == 4096


async def test_an_answer_without_an_id_is_a_task_without_a_reference() -> None:
    adapter = make()
    client = open_client(
        adapter, transport=httpx.MockTransport(lambda request: httpx.Response(200, json=[])), clock=NOW.timestamp
    )
    done = await adapter.perform(client, Action(do="create_task", args=CALL_BACK, idempotency_key="k"))
    await client.close()
    assert done.reference == ""


def test_names_of_attributes_that_cannot_be_are_a_fault_of_the_configuration() -> None:
    with pytest.raises(ConfigError, match="attributes"):
        make(attributes="menu/1")
