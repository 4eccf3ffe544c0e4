"""What waits for a person in the outbox: listed with its reason, settled, done again; never what it says or to whom."""

from __future__ import annotations

import httpx
import pytest

from bridge.automation import outbox
from bridge.automation.outbox import Belongs
from bridge.store import Unit
from tests.gateway.conftest import NOON, Gateway


async def _fill(gateway: Gateway, *endings: outbox.Ending) -> None:
    for place, ending in enumerate(endings):
        unit = Unit()
        outbox.enqueue(
            unit,
            dedupe_key=f"a_{place}",
            source="crm",
            action="send_email",
            args={"to": "ada@example.org", "subject": "s", "text": "Liebe Ada"},
            now=NOON,
            customer="c_1",
            belongs=Belongs(channel="email", address="email:ada@example.org"),
        )
        await gateway.store.write(unit)
        owner, (one,) = await outbox.take(gateway.store, most=1, now=NOON)
        await outbox.begin(gateway.store, owner, one.id, now=NOON)
        await outbox.finish(gateway.store, owner, one.id, ending, now=NOON, error="crm: timed out")


async def test_what_is_uncertain_is_listed_with_its_reason_and_without_its_content(gateway: Gateway) -> None:
    await _fill(gateway, "uncertain", "uncertain", "dead", "sent")
    answer = await gateway.get("/v1/outbox", "supervisor", limit="1")
    found = answer.json()
    assert (found["uncertain"], found["dead"], len(found["actions"])) == (2, 1, 1)
    (one,) = found["actions"]
    assert (one["source"], one["action"], one["customer"], one["why"]) == ("crm", "send_email", "c_1", "crm: timed out")
    assert (one["asked"], one["attempts"], one["since"]) == (False, 1, "2026-11-21T12:00:00Z")
    assert "ada" not in answer.text.casefold()
    rest = (await gateway.get("/v1/outbox", "admin", after=str(found["next"]))).json()
    assert len(rest["actions"]) == 1 and rest["next"] is None
    dead = (await gateway.get("/v1/outbox", "admin", state="dead")).json()["actions"]
    assert [each["id"] for each in dead] == [3]
    assert (await gateway.get("/v1/outbox", "admin", state="lost")).status_code == 400


async def test_a_supervisor_says_how_it_ended_and_that_is_on_record(gateway: Gateway) -> None:
    await _fill(gateway, "uncertain", "uncertain")
    done = await gateway.post("/v1/outbox/1/settle", "supervisor", json={"was_done": True})
    assert done.json() == {"id": 1, "state": "sent"}
    undone = await gateway.post("/v1/outbox/2/settle", "supervisor", json={"was_done": False})
    assert undone.json() == {"id": 2, "state": "refused"}
    assert (await gateway.post("/v1/outbox/2/settle", "supervisor", json={"was_done": True})).status_code == 409
    rows = await gateway.rows("audit", "action, subject", "action = 'outbox.settle'")
    assert sorted(rows) == [("outbox.settle", "outbox:1"), ("outbox.settle", "outbox:2")]


async def test_a_supervisor_has_what_was_given_up_done_again(gateway: Gateway) -> None:
    await _fill(gateway, "dead", "uncertain")
    assert (await gateway.post("/v1/outbox/1/retry", "supervisor")).json() == {"id": 1, "state": "due"}
    assert (await gateway.post("/v1/outbox/1/retry", "supervisor")).status_code == 409
    assert (await gateway.post("/v1/outbox/2/retry", "supervisor")).status_code == 409
    assert await gateway.rows("audit", "subject", "action = 'outbox.retry'") == [("outbox:1",)]


async def test_a_supervisor_has_all_that_a_source_gave_up_done_again(gateway: Gateway) -> None:
    await _fill(gateway, "dead", "uncertain", "dead", "refused", "sent", "dead")
    path = "/v1/outbox/retry"
    assert (await gateway.post(path, "supervisor", json={"source": "other"})).json() == {"retried": 0}
    assert (await gateway.post(path, "supervisor", json={"source": "crm"})).json() == {"retried": 3}
    assert (await gateway.post(path, "supervisor", json={"source": "crm"})).json() == {"retried": 0}
    assert await outbox.count(gateway.store) == {"due": 3, "uncertain": 1, "refused": 1, "sent": 1}
    assert len(await gateway.rows("audit", "subject", "action = 'outbox.retry'")) == 3
    assert (await gateway.post(path, "supervisor", json={})).status_code == 400


@pytest.mark.parametrize("number", ["99", "x", "9" * 30])
async def test_what_is_not_there_is_not_found(gateway: Gateway, number: str) -> None:
    answers: list[httpx.Response] = [
        await gateway.post(f"/v1/outbox/{number}/settle", "supervisor", json={"was_done": True}),
        await gateway.post(f"/v1/outbox/{number}/retry", "supervisor"),
    ]
    assert [one.status_code for one in answers] == [404, 404]


@pytest.mark.parametrize("scope", ["ivr", "viewer", "agent", "privacy"])
async def test_only_who_is_responsible_sees_and_settles(gateway: Gateway, scope: str) -> None:
    assert (await gateway.get("/v1/outbox", scope)).status_code == 403
    assert (await gateway.post("/v1/outbox/1/settle", scope, json={"was_done": True})).status_code == 403
    assert (await gateway.post("/v1/outbox/1/retry", "admin")).status_code == 403
    assert (await gateway.post("/v1/outbox/retry", scope, json={"source": "crm"})).status_code == 403


async def test_what_waits_for_a_person_is_measured_by_whichever_process_is_asked(gateway: Gateway) -> None:
    await _fill(gateway, "uncertain", "uncertain", "dead", "sent")
    text = (await gateway.get("/metrics", "admin")).text
    assert 'bridge_actions_unsettled{state="uncertain"} 2.0' in text
    assert 'bridge_actions_unsettled{state="dead"} 1.0' in text
    assert 'bridge_deliveries_waiting{state="dead"} 0.0' in text
