"""`/v1/surveys`: plans and tranches for those who may see them, the switch for those who may turn it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from bridge.automation.survey_forms import SurveyFile
from bridge.automation.survey_register import adopt_surveys
from bridge.automation.surveys import compile_plan
from bridge.store import Unit, micros
from tests.gateway.conftest import Gateway, case, person

PLAN: dict[str, Any] = {
    "id": "after",
    "title": {"de": "Danach", "en": "Afterwards"},
    "metric": "csat",
    "when": {"after": "ticket.opened", "where": {"fact.type": "complaint"}},
    "invite": {"survey": "csat"},
    "purpose": "service",
    "while_ticket_open": "allow",
}


@pytest.fixture
async def asking(gateway: Gateway) -> Gateway:
    """A gateway with one plan, that is off."""
    desk = gateway.gate.desk
    plans = (compile_plan(msgspec.convert(PLAN, SurveyFile), "test"),)
    desk.rules = msgspec.structs.replace(desk.rules, surveys=plans)
    await adopt_surveys(gateway.store, plans, gateway.clock())
    unit = Unit()
    unit.add("sources.go_live", name="crm", at=micros(gateway.clock()))
    await gateway.store.write(unit)
    await desk.look_up()
    return gateway


async def test_plans_say_when_they_ask_how_they_are_switched_and_what_is_missing(asking: Gateway) -> None:
    answer = await asking.get("/v1/surveys", "supervisor")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    (survey,) = told["surveys"]
    assert (survey["id"], survey["mode"], survey["metric"], survey["by"]) == ("after", "off", "csat", "survey")
    assert survey["when"] == {"after": "ticket.opened", "where": {"fact.type": "complaint"}}
    assert survey["problem"] == "no_source"
    assert (survey["invited"], survey["answered"], survey["response_rate"], survey["last"]) == (0, 0, None, None)
    assert told["fatigue"]["rest_days"] == 60 and told["paused"] is False


async def test_the_next_tranche_is_shown_with_those_who_are_left_in_peace(asking: Gateway) -> None:
    asking.clock.advance(hours=1)
    opened = asking.clock().isoformat()
    await asking.know(person("1", name="Ada"), person("2", name="Ben"))
    await asking.know(
        case("c1", "1", type="complaint", status="open", opened=opened),
        case("c2", "2", type="question", status="open", opened=opened),
    )
    answer = await asking.get("/v1/surveys/after", "supervisor")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["next"]["came_up"], told["next"]["barred"]) == (1, {"no_source": 1})
    assert told["next"]["sizing"]["ready"] == 0 and told["next"]["whole"] is True
    assert told["results"]["drawn"] == 0 and told["results"]["weighted"] is None
    assert "Ada" not in answer.text
    assert await asking.rows("survey_occasions") == []


async def test_a_plan_is_switched_and_the_trail_says_by_whom(asking: Gateway) -> None:
    for mode in ("dry", "on", "off"):
        answer = await asking.post(f"/v1/surveys/after/{mode}", "supervisor")
        assert (answer.status_code, answer.json()["mode"]) == (200, mode), answer.text
    rows = await asking.rows("audit", "action, subject", "action = 'automation.switch'")
    assert rows == [("automation.switch", "automation:survey_after")] * 3


async def test_what_there_is_not_is_not_found_and_agents_may_not_switch(asking: Gateway) -> None:
    assert (await asking.get("/v1/surveys/other", "supervisor")).status_code == 404
    assert (await asking.post("/v1/surveys/after/loud", "supervisor")).status_code == 404
    assert (await asking.post("/v1/surveys/after/on", "agent")).status_code == 403


async def test_what_a_plan_sends_with_is_changed_with_the_plan_alone(asking: Gateway) -> None:
    path = "/v1/automations/survey_after"
    shown = (await asking.get(path, "supervisor")).json()
    put = {"automation": shown["form"], "version": shown["entry"]["version"]}
    for answer in (
        await asking.post(f"{path}/mode", "supervisor", json={"mode": "on"}),
        await asking.post(f"{path}/rollback", "supervisor", json={"version": shown["entry"]["version"]}),
        await asking.client.request("PUT", path, headers=asking.bearer("supervisor"), json=put),
        await asking.client.request("DELETE", path, headers=asking.bearer("supervisor")),
    ):
        assert answer.status_code == 409, answer.text
        assert "/v1/surveys" in answer.text
    await asking.store.change("automations.remove", id="survey_after")
    answer = await asking.client.request("PUT", path, headers=asking.bearer("supervisor"), json=put | {"version": None})
    assert answer.status_code == 400 and answer.json()["error"]["message"].startswith("id:")


async def test_before_the_worker_has_read_a_plan_it_cannot_be_switched(gateway: Gateway) -> None:
    desk = gateway.gate.desk
    desk.rules = msgspec.structs.replace(desk.rules, surveys=(compile_plan(msgspec.convert(PLAN, SurveyFile), "test"),))
    answer = await gateway.post("/v1/surveys/after/on", "supervisor")
    assert answer.status_code == 404 and "worker" in answer.text
