"""What waits for a person: each errand with its count, since when, and the page where it is dealt with."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bridge.automation.outbox import enqueue
from bridge.store import Unit, micros
from tests.dump import query
from tests.gateway.conftest import Gateway, person
from tests.gateway.test_doubles import propose


async def today(gateway: Gateway, scope: str = "viewer") -> dict[str, Any]:
    answer = await gateway.get("/v1/today", scope)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_on_a_good_day_nothing_waits(gateway: Gateway) -> None:
    told = await today(gateway)
    assert (told["errands"], told["counts"], told["automations_on"]) == ([], {"today": 0}, 0)
    assert told["last_day"] == {"sent": 0, "refused": 0, "saved": 0, "lost": 0, "pending": 0}


async def test_all_that_waits_is_counted_and_names_nobody(gateway: Gateway) -> None:
    await propose(gateway)
    since = gateway.clock()
    await gateway.know(person("9", version="x", name="Secret Name"))
    await gateway.store.change("sources.failed", name="crm", error="crm: 503", at=micros(since))
    unit = Unit()
    for number, state in enumerate(("uncertain", "dead", "dead")):
        enqueue(unit, dedupe_key=f"k{number}", source="crm", action="add_note", args={"state": state}, now=since)
    await gateway.store.write(unit)
    for number, state in enumerate(("uncertain", "dead", "dead")):
        await _end(gateway, f"k{number}", state)
    await gateway.post("/v1/automations/pause", "supervisor")
    gateway.clock.advance(hours=2)
    told = await today(gateway)
    found = {one["kind"]: (one["page"], one["count"]) for one in told["errands"]}
    assert found == {
        "outbox_uncertain": ("letters", 1),
        "outbox_dead": ("letters", 2),
        "letters_dead": ("letters", 1),
        "source_failing": ("sources", 1),
        "automations_paused": ("automations", 1),
        "identity_open": ("identity", 1),
    }
    assert told["counts"] == {"letters": 4, "sources": 1, "automations": 1, "identity": 1, "today": 6}
    assert [one["kind"] for one in told["errands"]][:3] == ["outbox_uncertain", "outbox_dead", "letters_dead"]
    assert told["errands"][2]["since"].startswith(f"{since:%Y-%m-%dT%H:%M}")
    assert "Secret" not in str(told) and "Eva" not in str(told)
    assert (await gateway.get("/v1/today", "agent")).status_code == 403


async def _end(gateway: Gateway, key: str, state: str) -> None:
    sql = f"update outbox set state = '{state}' where dedupe_key = '{key}' returning id"
    assert await query(gateway.gate.settings.database_url, sql)


async def test_what_became_of_the_last_day_is_of_the_last_day(gateway: Gateway) -> None:
    unit = Unit()
    for number in range(2):
        enqueue(unit, dedupe_key=f"m{number}", source="crm", action="send_email", args={}, now=gateway.clock())
    await gateway.store.write(unit)
    for number, age in enumerate((timedelta(hours=1), timedelta(hours=30))):
        at = micros(gateway.clock() - age)
        sql = f"update outbox set state = 'sent', automation = 'a', finished_at = {at} where dedupe_key = 'm{number}'"
        assert await query(gateway.gate.settings.database_url, f"{sql} returning id")
    assert (await today(gateway))["last_day"]["sent"] == 1
