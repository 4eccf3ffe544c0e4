"""Loops over HTTP: the board, what people do with one, lessons, who may see what, and what the phone system is told."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from bridge.acting.catching_up import open_past
from bridge.automation.loop_rules import LoopsFile, compile_loops
from bridge.facts import Origin
from bridge.store import Unit
from tests.gateway.conftest import NOON, Gateway, case, person

ADA = person("1", name="Ada Kaya", phones=["+4930901820"], language="de")
MONDAY = NOON + timedelta(days=2)  # Monday, 13:00 in Berlin


@pytest.fixture
async def ada(gateway: Gateway) -> str:
    """Ada has complained on a Monday; the id of her loop."""
    unit = Unit()
    unit.add("sources.go_live", name="crm", at=0)
    await gateway.store.write(unit)
    await gateway.gate.desk.look_up()
    gateway.clock.now = MONDAY
    opened = MONDAY.isoformat()
    complaint = case("9", "1", type="complaint", status="open", topic="Rechnung doppelt", opened=opened)
    await gateway.know(ADA, complaint)
    ((id,),) = await gateway.rows("loops", "id")
    return str(id)


async def board(gateway: Gateway, *scopes: str, **query: str) -> dict[str, Any]:
    answer = await gateway.get("/v1/loops", *scopes, **query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_the_board_says_who_waits_for_whom_and_until_when(gateway: Gateway, ada: str) -> None:
    found = await board(gateway, "agent")
    (row,) = found["loops"]
    assert (row["id"], row["name"], row["owner"], row["clock"]) == (ada, "Ada Kaya", "team", "reply")
    assert (row["overdue"], row["today"]) == (False, True)
    assert row["title"]["de"] == "Beschwerde"
    assert found["counts"] == {"open": 1, "waiting": 0, "overdue": 0, "closed": 0}
    assert found["owners"] == [
        {
            "owner": "team",
            "title": {"de": "Kundenbindung", "en": "Retention team"},
            "open": 1,
            "overdue": 0,
            "limit": 40,
            "free": 39,
        }
    ]
    gateway.clock.advance(days=1)
    assert (await board(gateway, "supervisor", overdue="true"))["counts"]["overdue"] == 1
    assert (await board(gateway, "agent", owner="somebody"))["loops"] == []


async def test_who_may_see_figures_alone_sees_nobody(gateway: Gateway, ada: str) -> None:
    found = await board(gateway, "viewer")
    assert found["counts"]["open"] == 1
    assert (found["loops"], found["owners"]) == ([], [])
    assert (await gateway.get(f"/v1/loops/{ada}", "viewer")).status_code == 403
    assert (await gateway.post(f"/v1/loops/{ada}/note", "viewer", json={"text": "x"})).status_code == 403
    assert (await gateway.get("/v1/lessons", "viewer")).status_code == 403


async def test_pages_follow_one_another(gateway: Gateway, ada: str) -> None:
    for number in range(2, 5):
        opened = (MONDAY + timedelta(minutes=number)).isoformat()
        who = person(str(number), name=f"P{number}", phones=[f"+4930901820{number}"])
        await gateway.know(who, case(f"c{number}", str(number), type="complaint", status="open", opened=opened))
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        found = await board(gateway, "agent", limit="1", **cursor)
        seen += [row["id"] for row in found["loops"]]
        if found["next"] is None:
            break
        cursor = {"cursor": found["next"]}
    assert len(seen) == len(set(seen)) == 4
    assert seen[0] == ada
    assert (await gateway.get("/v1/loops", "agent", cursor="bWlzdA")).status_code == 400


async def test_of_closed_loops_the_newest_come_first_and_after_what_is_to_be_done(gateway: Gateway, ada: str) -> None:
    for number in (2, 3):
        opened = (MONDAY + timedelta(minutes=number)).isoformat()
        who = person(str(number), name=f"P{number}", phones=[f"+4930901820{number}"])
        await gateway.know(who, case(f"c{number}", str(number), type="complaint", status="open", opened=opened))
    _, *others = [one["id"] for one in (await board(gateway, "agent"))["loops"]]
    for id in others:
        gateway.clock.advance(minutes=5)
        done = {"done": "Gutschrift", "cause": "billing", "although_open": True}
        assert (await gateway.post(f"/v1/loops/{id}/close", "agent", json=done)).status_code == 200
    first = await board(gateway, "agent", state="closed", limit="1")
    rest = await board(gateway, "agent", state="closed", cursor=first["next"])
    assert [one["id"] for one in (*first["loops"], *rest["loops"])] == others[::-1]
    assert [one["id"] for one in (await board(gateway, "agent", state="all"))["loops"]] == [ada, *others[::-1]]
    assert (await board(gateway, "agent"))["counts"]["closed"] == 2


async def test_what_is_due_first_comes_first_whichever_clock_it_is(gateway: Gateway, ada: str) -> None:
    assert (await gateway.post(f"/v1/loops/{ada}/reply", "agent", json={"text": "angerufen"})).status_code == 200
    thursday = gateway.clock.now = MONDAY + timedelta(days=3)  # Ada's matter should be settled by now
    opened = (thursday - timedelta(hours=1)).isoformat()
    ben = person("2", name="Ben", phones=["+49309018202"])
    await gateway.know(ben, case("c2", "2", type="complaint", status="open", opened=opened))
    await gateway.know(case("c1", "1", type="complaint", status="open", opened=thursday.isoformat()))
    found = await board(gateway, "agent")
    assert [(one["name"], one["clock"]) for one in found["loops"]] == [("Ada Kaya", "resolution"), ("Ben", "reply")]
    first = await board(gateway, "agent", limit="1")
    rest = await board(gateway, "agent", limit="1", cursor=first["next"])
    assert [one["name"] for one in (*first["loops"], *rest["loops"])] == ["Ada Kaya", "Ben"]
    snoozed = {"until": (thursday + timedelta(days=30)).isoformat()}
    assert (await gateway.post(f"/v1/loops/{ada}/snooze", "agent", json=snoozed)).status_code == 200
    found = await board(gateway, "agent")
    assert [one["name"] for one in found["loops"]] == ["Ben", "Ada Kaya"]


async def test_a_call_that_is_saved_and_a_complaint_at_once_leaves_the_complaint_open(
    gateway: Gateway, ada: str
) -> None:
    desk = gateway.gate.desk
    title = {"de": "Beschwerde am Telefon", "en": "Complaint on the phone"}
    opener = {"id": "told", "title": title, "fact": "outcome.recorded", "where": {"fact.disposition": "complaint"}}
    file = msgspec.convert({"opens": [opener | {"matter": "told"}]}, LoopsFile)
    desk.rules = msgspec.structs.replace(desk.rules, loops=compile_loops(file, {}, "loops.yaml"))
    path = f"/v1/decisions/{(await gateway.lookup(phone='+4930901820'))['decision_id']}/outcome"
    told = {"result": "saved", "disposition": "complaint", "agent": "a7"}
    assert (await gateway.post(path, "agent", json=told)).status_code == 200
    assert await gateway.rows("loops", "state", "matter = 'told'") == [("open",)]


async def test_a_loop_is_worked_on_to_its_end(gateway: Gateway, ada: str) -> None:
    path = f"/v1/loops/{ada}"
    shown = (await gateway.get(path, "agent")).json()
    assert [(one["text"], one["open"]) for one in shown["said"]] == [("Rechnung doppelt", True)]
    assert (await gateway.post(f"{path}/assign", "agent", json={"owner": "Niemand"})).status_code == 400
    assert (await gateway.post(f"{path}/note", "agent", json={"text": "Rechnung geprüft"})).status_code == 200
    told = (await gateway.post(f"{path}/reply", "agent", json={"text": "angerufen", "waits": True})).json()
    assert told["loop"]["state"] == "waiting"
    assert told["loop"]["replied_at"] is not None
    past = {"until": "2020-01-01T00:00:00Z"}
    assert (await gateway.post(f"{path}/snooze", "agent", json=past)).json()["loop"]["state"] == "open"
    assert (await gateway.post(f"{path}/snooze", "agent", json={"until": "2026-12-01T00:00:00"})).status_code == 400
    lesson = {"cause": "billing", "text": "Doppelte Rechnung beim Umzug", "loop": ada, "told": {"de": "Umzug geprüft"}}
    made = (await gateway.post("/v1/lessons", "agent", json=lesson)).json()
    done = {"done": "Gutschrift", "cause": "billing", "lesson": made["id"]}
    assert (await gateway.post(f"{path}/close", "agent", json=done)).status_code == 409
    ended = (await gateway.post(f"{path}/close", "agent", json=done | {"although_open": True})).json()
    assert (ended["loop"]["state"], ended["loop"]["cause"], ended["done"]) == ("closed", "billing", "Gutschrift")
    assert [one["text"] for one in ended["lessons"]] == ["Doppelte Rechnung beim Umzug"]
    ((data,),) = await gateway.rows("facts", "data", "kind = 'loop.closed'")
    assert '"lesson_de":"Umzug geprüft"' in data
    kinds = [one["kind"] for one in ended["history"]]
    assert kinds == ["opened", "noted", "replied", "waits", "resumed", "closed"]
    assert (await gateway.post(f"{path}/reopen", "agent", json={})).json()["loop"]["round"] == 2
    assert (await gateway.get("/v1/loops/l_nothing", "agent")).status_code == 404


async def test_lessons_are_found_whatever_the_spelling(gateway: Gateway, ada: str) -> None:
    for text in ("Doppelte Rechnung beim Umzug", "100% Ausfall nach Störung", "Wartezeit am Montag"):
        body = {"cause": "billing" if "Rechnung" in text else "outage", "text": text, "product": "DSL"}
        assert (await gateway.post("/v1/lessons", "supervisor", json=body)).status_code == 200
    assert (await gateway.post("/v1/lessons", "agent", json={"cause": "weather", "text": "x"})).status_code == 400

    async def search(**query: str) -> list[str]:
        answer = (await gateway.get("/v1/lessons", "agent", **query)).json()
        return [one["text"] for one in answer["lessons"]]

    assert await search(words="STOERUNG dsl") == ["100% Ausfall nach Störung"]
    assert await search(words="storung") == []
    assert await search(words="100%") == ["100% Ausfall nach Störung"]
    assert await search(words="rechnung umzug doppelte") == ["Doppelte Rechnung beim Umzug"]
    assert await search(cause="billing") == ["Doppelte Rechnung beim Umzug"]
    assert len(await search()) == 3
    first = (await gateway.get("/v1/lessons", "agent", limit="2")).json()
    rest = (await gateway.get("/v1/lessons", "agent", limit="2", cursor=first["next"])).json()
    assert len({one["id"] for one in (*first["lessons"], *rest["lessons"])}) == 3
    assert rest["next"] is None


async def test_causes_are_counted_by_month(gateway: Gateway, ada: str) -> None:
    done = {"done": "Gutschrift", "cause": "billing", "although_open": True}
    assert (await gateway.post(f"/v1/loops/{ada}/close", "agent", json=done)).status_code == 200
    found = (await gateway.get("/v1/lessons", "agent")).json()
    assert found["by_month"] == {"2026-11": {"billing": 1}}
    assert (await gateway.post(f"/v1/loops/{ada}/reopen", "agent", json={})).status_code == 200
    gateway.clock.now = datetime(2026, 11, 30, 23, 30, tzinfo=timezone.utc)  # in Berlin it is December
    assert (await gateway.post(f"/v1/loops/{ada}/close", "agent", json=done)).status_code == 200
    found = (await gateway.get("/v1/lessons", "agent")).json()
    assert found["by_month"] == {"2026-12": {"billing": 1}}


async def test_the_agent_who_looks_up_sees_the_minutes_and_the_phone_system_does_not(
    gateway: Gateway, ada: str
) -> None:
    assert (await gateway.lookup(phone="+4930901820"))["loop_due_in_min"] == "240"
    gateway.clock.advance(hours=5)
    assert (await gateway.lookup(phone="+4930901820"))["loop_due_in_min"] == "-60"
    assert (await gateway.lookup("ivr", phone="+4930901820"))["loop_due_in_min"] == ""
    assert (await gateway.lookup(phone="+4930901829"))["loop_due_in_min"] == ""


async def test_a_call_that_saved_nobody_yet_opens_a_loop_and_the_save_closes_it(gateway: Gateway, ada: str) -> None:
    decision = (await gateway.lookup(phone="+4930901820"))["decision_id"]
    path = f"/v1/decisions/{decision}/outcome"
    assert (await gateway.post(path, "agent", json={"result": "pending", "agent": "a7"})).status_code == 200
    assert await gateway.rows("loops", "opener, state", "matter = 'save'") == [("save_pending", "open")]
    assert (await gateway.post(path, "agent", json={"result": "pending", "agent": "a7"})).status_code == 200
    assert await gateway.rows("loops", "answers", "matter = 'save'") == [(1,)]
    assert (await gateway.post(path, "agent", json={"result": "saved", "agent": "a7"})).status_code == 200
    assert await gateway.rows("loops", "state, closed_by", "matter = 'save'") == [("closed", "a7")]
    assert await gateway.rows("loops", "state", "matter = 'feedback'") == [("open",)]


async def test_what_came_with_an_import_is_opened_when_asked_for_and_only_once(gateway: Gateway) -> None:
    gateway.clock.now = MONDAY
    opened = (NOON - timedelta(hours=1)).isoformat()  # before the source went live
    complaint = case("9", "1", type="complaint", status="open", topic="Rechnung doppelt", opened=opened)
    await gateway.know(ADA, complaint)
    assert await gateway.rows("loops") == []
    assert {row[0] for row in await gateway.rows("facts", "origin")} == {Origin.first_import.value}
    since = MONDAY - timedelta(days=3)
    assert await open_past(gateway.gate.desk, since=since, now=MONDAY) == 1
    assert await open_past(gateway.gate.desk, since=since, now=MONDAY) == 0
    assert (await board(gateway, "agent"))["counts"]["open"] == 1
