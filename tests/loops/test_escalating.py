"""Who hears of a loop that is overdue, and what customers hear of one that is closed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from bridge.acting.handling import close_by_hand
from bridge.acting.lessons import Lesson, add_lesson
from bridge.acting.tending import tend_once
from bridge.automation.loop_rules import LoopRules, LoopsFile, compile_loops, load_loops
from bridge.automation.messages import load_messages
from bridge.automation.rules import load_automations
from bridge.errors import ConfigError
from bridge.facts import FactKind
from bridge.flow import Desk
from bridge.flow.looping import free_capacity
from bridge.playbook.offers import Catalogue
from bridge.settings import read_settings
from bridge.store import Store, Unit
from tests.automation.mailing import TUESDAY, Vendor, clients_of, make_office, people, rule, tell, work
from tests.desks import ticket, user
from tests.dump import query

HOUR = timedelta(hours=1)
COMPLAINT = {"tags": ["beschwerde"], "subject": "Beschwerde"}
PEOPLE = {"Jana Brandt": "jana.brandt@example.de"}


def with_outreach(desk: Desk, **changes: Any) -> Desk:
    """The desk with other rules of outreach."""
    return replace(desk, rules=replace(desk.rules, outreach=replace(desk.rules.outreach, **changes)))


def with_loops(desk: Desk, **changes: Any) -> Desk:
    """The desk with other rules of loops."""
    loops = desk.rules.loops
    return replace(desk, rules=replace(desk.rules, loops=replace(loops, file=replace(loops.file, **changes))))


def made(people: Mapping[str, str] = PEOPLE, **changes: Any) -> LoopRules:
    """Rules of loops out of builtins."""
    return compile_loops(msgspec.convert(changes, LoopsFile), people, "loops.yaml")


async def test_the_owner_is_told_first_and_then_the_team(store: Store, database_url: str, tmp_path: Path) -> None:
    vendor = Vendor()
    desk = await make_office(store, tmp_path)
    desk = with_outreach(desk, people=PEOPLE, team="team@example.de")
    await tell(desk, [*people(1), ticket(9, 1, at=TUESDAY, **COMPLAINT)])
    await query(database_url, "update loops set owner = 'Jana Brandt' returning id")
    escalation = made(escalation=[{}, {"after": {"hours": 4}, "to": "team", "assign": True}]).file.escalation
    desk = with_loops(desk, escalation=escalation)
    assert await tend_once(desk, most=9, now=TUESDAY + 4 * HOUR) == 1
    await work(desk, clients_of(desk, vendor), TUESDAY + 5 * HOUR)
    assert await tend_once(desk, most=9, now=TUESDAY + timedelta(days=1)) == 1
    await work(desk, clients_of(desk, vendor), TUESDAY + timedelta(days=1, hours=1))
    told = [(body["data"]["to"], body["data"]["subject"]) for _, body in vendor.done]
    subject = "Überfällig: erste Antwort an einen Kunden"
    assert told == [("jana.brandt@example.de", subject), ("team@example.de", subject)]
    assert "/console/loops/l_" in vendor.done[0][1]["data"]["text"]
    assert "Person" not in str(vendor.done)
    assert await query(database_url, "select owner from loops") == [("team",)]
    assert (await free_capacity(desk, TUESDAY))["Jana Brandt"] == 10


async def test_where_nobody_can_be_told_the_loop_is_overdue_all_the_same(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    desk = await make_office(store, tmp_path)
    await tell(desk, [*people(1), ticket(9, 1, at=TUESDAY, **COMPLAINT)])
    assert await tend_once(desk, most=9, now=TUESDAY + 4 * HOUR) == 1
    assert await query(database_url, "select count(*) from outbox") == [(0,)]
    assert await query(database_url, "select count(*) from facts where kind = 'loop.overdue'") == [(1,)]


async def test_whoever_complained_hears_what_was_learnt(store: Store, database_url: str, tmp_path: Path) -> None:
    vendor = Vendor()
    folder = read_settings().config_dir
    (shipped,) = (
        one
        for one in load_automations(folder / "automations", Catalogue(), load_messages(folder / "messages"))
        if one.id == "loop_closed"
    )
    desk = await make_office(store, tmp_path, shipped)
    await tell(desk, [*people(1), ticket(9, 1, at=TUESDAY, **COMPLAINT)])
    await tell(desk, [ticket(9, 1, at=TUESDAY + HOUR, status="solved", **COMPLAINT)], TUESDAY + HOUR)
    unit = Unit()
    told: Any = {"de": "Wir prüfen Rechnungen nach einem Umzug jetzt von Hand.", "en": "We check bills by hand."}
    add_lesson(unit, Lesson(id="n_1", at=TUESDAY, by="key:1", cause="billing", text="Umzug", told=told))
    await store.write(unit)
    ((id,),) = await query(database_url, "select id from loops")
    now = TUESDAY + 2 * HOUR
    await close_by_hand(desk, id, done="Gutschrift", cause="billing", lesson="n_1", by="key:1", now=now)
    clients = clients_of(desk, vendor)
    await work(desk, clients, now)
    assert vendor.done == []
    await work(desk, clients, now + 3 * HOUR)
    ((_, body),) = vendor.done
    assert body["data"]["subject"] == "Was aus Ihrer Rückmeldung geworden ist"
    assert told["de"] in body["data"]["text"]
    assert "Gutschrift" not in body["data"]["text"]


async def test_an_automation_stops_once_the_loop_is_closed(store: Store, database_url: str, tmp_path: Path) -> None:
    vendor = Vendor()
    call = {"schedule_callback": {"reason": {"de": "Nachfragen", "en": "Ask"}}}
    do = [{"wait": {"days": 3}}, {"stop_if": {"since.loop_closed": True}}, call]
    desk = await make_office(store, tmp_path, rule(do=do, when={"fact": "ticket.opened"}))
    phones = [user(1, phone="030 23125042"), user(2, phone="030 23125043")]
    await tell(desk, [*phones, ticket(8, 1, at=TUESDAY, **COMPLAINT), ticket(9, 2, at=TUESDAY, **COMPLAINT)])
    clients = clients_of(desk, vendor)
    await work(desk, clients, TUESDAY)
    ((id,),) = await query(database_url, "select id from loops where cause = 'helpdesk/ticket/9'")
    await close_by_hand(
        desk, id, done="Angerufen", cause="other", although_open=True, by="key:1", now=TUESDAY + timedelta(days=1)
    )
    await work(desk, clients, TUESDAY + timedelta(days=3, hours=1))
    assert [body["data"]["phone"] for _, body in vendor.done] == ["+493023125042"]


TEXTS = {"de": "Text", "en": "text"}
OPENER = {"id": "a", "title": TEXTS, "fact": "survey.answered"}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"queues": {"team": {"title": TEXTS}}, "queue": "tema"},
            "queue: there is no queue 'tema'; did you mean team?",
        ),
        ({"queues": {"team": {"title": {"de": "Team"}}}}, "queues.team.title.en: the text is missing"),
        ({"causes": [{"code": "a", "title": TEXTS}, {"code": "a", "title": TEXTS}]}, "causes[1].code: there are two"),
        ({"escalation": []}, "escalation: names nobody"),
        ({"escalation": [{"after": {"hours": 2}}, {}]}, "escalation[1].after: comes before the step above it"),
        ({"escalation": [{"to": "Jana Brant"}]}, "escalation[0].to: nobody is called 'Jana Brant'; did you mean"),
        ({"opens": [OPENER, OPENER]}, "opens[1].id: there are two of 'a'"),
        ({"opens": [OPENER | {"queue": "vip"}]}, "opens[0].queue: there is no queue 'vip'"),
        ({"opens": [OPENER | {"reply": {"hours": 50}}]}, "opens[0].reply: is longer than nothing"),
        ({"opens": [OPENER | {"where": {"fact.shore": 1}}]}, "opens[0].where"),
        ({"calendar": {"time_zone": "Mars"}}, "calendar.time_zone: there is no time zone"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError) as problem:
        made(**changes)
    assert f"loops.yaml: {says}" in str(problem.value)


def test_without_a_file_no_loop_opens(tmp_path: Path) -> None:
    assert load_loops(tmp_path / "loops.yaml", {}).openers == ()


def test_what_is_shipped_opens_on_bad_feedback_and_not_on_good() -> None:
    rules = load_loops(read_settings().config_dir / "loops.yaml", {})

    def opener(kind: str, **data: Any) -> str | None:
        found = rules.opener_for(FactKind(kind), data)
        return None if found is None else found.id

    assert opener("survey.answered", metric="nps", score=6, scale=10) == "bad_nps"
    assert opener("survey.answered", metric="nps", score=7, scale=10) is None
    assert opener("survey.answered", metric="csat", score=2, scale=5) == "low_satisfaction"
    assert opener("survey.answered", metric="csat", score=3, scale=5) is None
    assert opener("survey.answered", metric="csat", score=2) is None
    assert opener("review.published", metric="review", score=1, scale=5) == "bad_review"
    assert opener("ticket.opened", type="problem", priority="high") is None
    assert opener("outcome.recorded", result="lost") == "save_lost"
    assert opener("outcome.recorded", result="saved") is None
