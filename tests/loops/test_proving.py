"""What closes a loop, what sets it going, and what opens it again: only what really says so."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bridge.acting.catching_up import open_past
from bridge.acting.handling import close_by_hand, find_loop, record_reply, reopen_by_hand, snooze
from bridge.acting.lessons import Lesson, add_lesson
from bridge.acting.tending import show_dues
from bridge.automation.loop_evidence import prove
from bridge.automation.loop_rules import LoopsFile, compile_loops
from bridge.automation.loops import open_loop, reply
from bridge.errors import BadRequest, Conflict, Superseded
from bridge.facts import Origin
from bridge.flow import Desk, merge
from bridge.model import Customer, SurveyMetric, SurveyResponse
from bridge.scoring.view import Held, View
from bridge.store import Store, Unit
from tests.automation.asking import rating
from tests.automation.mailing import TUESDAY, make_office, people, tell
from tests.desks import drain, feed, ticket
from tests.dump import query

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
COMPLAINT = {"tags": ["beschwerde"], "subject": "Beschwerde"}
SATISFIED = COMPLAINT | {"satisfaction_rating": {"score": "good"}}


async def settle(desk: Desk, id: str, at: timedelta) -> None:
    await close_by_hand(desk, id, done="Gutschrift", cause="billing", although_open=True, by="key:1", now=TUESDAY + at)


async def ids(url: str) -> list[str]:
    return [row[0] for row in await query(url, "select id from loops order by opened_at, id")]


async def test_that_a_customer_was_satisfied_before_closes_nothing_when_the_ticket_is_touched(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    desk = await make_office(store, tmp_path)
    await tell(desk, [*people(1), ticket(9, 1, at=TUESDAY, **COMPLAINT)])
    await tell(desk, [ticket(9, 1, at=TUESDAY + HOUR, status="solved", **SATISFIED)], TUESDAY + HOUR)
    (id,) = await ids(database_url)
    assert (await find_loop(desk, id)).state == "closed"
    await tell(desk, [rating(501, 1, "bad", TUESDAY + DAY)], TUESDAY + DAY)
    assert (await find_loop(desk, id)).state == "open"
    later = TUESDAY + 4 * DAY  # the helpdesk closes what was solved for some days
    await tell(desk, [ticket(9, 1, at=later, status="closed", **SATISFIED)], later)
    assert (await find_loop(desk, id)).state == "open"


async def test_a_ticket_that_was_solved_again_does_not_close_by_what_was_said_the_first_time(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    desk = await make_office(store, tmp_path)
    await tell(desk, [*people(1), ticket(9, 1, at=TUESDAY, **COMPLAINT)])
    for hours, status in ((1, "solved"), (2, "open"), (3, "solved")):
        at = TUESDAY + hours * HOUR
        await tell(desk, [ticket(9, 1, at=at, status=status, **SATISFIED)], at)
    (id,) = await ids(database_url)
    loop = await find_loop(desk, id)
    assert (loop.state, loop.round) == ("open", 2)
    await tell(desk, [rating(501, 1, "good", TUESDAY + 4 * HOUR)], TUESDAY + 4 * HOUR)
    assert (await find_loop(desk, id)).state == "closed"


async def test_a_ticket_that_is_set_to_waiting_is_no_customer_who_came_back(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    desk = await make_office(store, tmp_path)
    await tell(desk, [*people(1), ticket(9, 1, at=TUESDAY, **COMPLAINT)])
    (id,) = await ids(database_url)
    await snooze(desk, id, None, "Fotos erbeten", by="key:1", now=TUESDAY + HOUR)
    at = TUESDAY + HOUR + timedelta(minutes=5)
    await tell(desk, [ticket(9, 1, at=at, status="pending", **COMPLAINT)], at)
    assert (await find_loop(desk, id)).state == "waiting"
    at = TUESDAY + 2 * HOUR
    await tell(desk, [ticket(9, 1, at=at, status="open", **COMPLAINT)], at)
    assert (await find_loop(desk, id)).state == "open"


@pytest.mark.parametrize(
    ("opener", "where", "state"),
    [
        ("save", {"fact.result": ["pending", "lost"]}, "open"),
        ("save", {"any": [{"fact.result": "lost"}, {"fact.disposition": "undecided"}]}, "open"),
        ("told", {"fact.disposition": "complaint"}, "closed"),
    ],
)
def test_who_likes_how_they_were_served_is_not_saved_yet(opener: str, where: dict[str, Any], state: str) -> None:
    text = {"de": "Text", "en": "text"}
    file = {"opens": [{"id": opener, "title": text, "fact": "outcome.recorded", "where": where}]}
    rules = compile_loops(msgspec.convert(file, LoopsFile), {}, "loops.yaml")
    change = open_loop(rules, rules.file.opens[0], fact="f", customer="c", cause="decision/d", owner="team", at=TUESDAY)
    loop = reply(change.loop, TUESDAY + HOUR).loop
    answer = SurveyResponse(metric=SurveyMetric.csat, answered=TUESDAY + 2 * HOUR, score=5, scale=5)
    at = TUESDAY + 2 * HOUR
    held = Held(source="s", object="survey_response", source_id="1", at=at, known_at=at, record=answer)
    view = View(id="c", customer=Customer(), surveys=(held,))
    assert prove(rules, loop, view, TUESDAY + DAY).loop.state == state


async def test_one_matter_has_one_open_loop_whoever_reopens(store: Store, database_url: str, tmp_path: Path) -> None:
    desk = await make_office(store, tmp_path)
    await tell(desk, [*people(1), ticket(9, 1, at=TUESDAY, **COMPLAINT)])
    (old,) = await ids(database_url)
    await settle(desk, old, HOUR)
    later = TUESDAY + 40 * DAY
    await tell(desk, [ticket(10, 1, at=later, **COMPLAINT)], later)
    _, new = await ids(database_url)
    with pytest.raises(Conflict, match="another loop of the same matter"):
        await reopen_by_hand(desk, old, "", by="key:1", now=later + HOUR)
    await settle(desk, new, 40 * DAY + HOUR)
    assert (await reopen_by_hand(desk, old, "", by="key:1", now=later + 2 * HOUR)).state == "open"


async def test_a_ticket_that_is_reopened_after_a_merge_joins_the_loop_that_is_open(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    desk = await make_office(store, tmp_path)
    both = [ticket(9, 1, at=TUESDAY, **COMPLAINT), ticket(10, 2, at=TUESDAY + HOUR, **COMPLAINT)]
    await tell(desk, [*people(2), *both], TUESDAY + HOUR)
    solved = TUESDAY + 2 * HOUR
    await tell(desk, [ticket(9, 1, at=solved, status="solved", **COMPLAINT)], solved)
    closed, going = await ids(database_url)
    await settle(desk, closed, 3 * HOUR)
    one, other = (row[0] for row in await query(database_url, "select id from customers order by id"))
    await merge(desk, one, other, by="test", evidence={}, now=TUESDAY + 4 * HOUR)
    again = TUESDAY + 5 * HOUR
    await tell(desk, [ticket(9, 1, at=again, **COMPLAINT)], again)
    assert (await find_loop(desk, closed)).state == "closed"
    assert "helpdesk/ticket/9" in (await find_loop(desk, going)).records


async def test_what_was_settled_long_ago_is_not_opened_for_the_past(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    desk = await make_office(store, tmp_path)
    told = [*people(1), ticket(9, 1, at=TUESDAY, **COMPLAINT)]
    await feed(desk, "helpdesk", told, now=TUESDAY, origin=Origin.first_import)
    await drain(desk, now=TUESDAY)
    assert await open_past(desk, since=TUESDAY - DAY, now=TUESDAY + HOUR) == 1
    (id,) = await ids(database_url)
    await settle(desk, id, 2 * HOUR)
    before = await query(database_url, "select number, kind from loop_events order by number")
    assert await open_past(desk, since=TUESDAY - DAY, now=TUESDAY + 50 * DAY) == 0
    assert await query(database_url, "select number, kind from loop_events order by number") == before
    assert await query(database_url, "select count(*) from decisions where loop_due is not null") == [(0,)]


async def test_what_an_import_shows_settled_is_closed_at_once(store: Store, database_url: str, tmp_path: Path) -> None:
    desk = await make_office(store, tmp_path)
    for hours, fields in ((0, COMPLAINT), (1, SATISFIED | {"status": "solved"})):
        at = TUESDAY + hours * HOUR
        told = [*people(1), ticket(9, 1, at=at, **fields, created_at="2026-11-24T09:00:00Z")]
        await feed(desk, "helpdesk", told, now=at, origin=Origin.first_import)
        await drain(desk, now=at)
    assert await open_past(desk, since=TUESDAY - DAY, now=TUESDAY + 2 * HOUR) == 1
    assert await query(database_url, "select state from loops") == [("closed",)]


async def test_what_is_said_of_a_closed_loop_draws_no_lesson_from_it(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    desk = await make_office(store, tmp_path)
    await tell(desk, [*people(1), ticket(9, 1, at=TUESDAY, **COMPLAINT)])
    (id,) = await ids(database_url)
    with pytest.raises(BadRequest, match="what was said"):
        await record_reply(desk, id, "  ", by="key:1", now=TUESDAY + HOUR)
    await settle(desk, id, HOUR)
    unit = Unit()
    add_lesson(unit, Lesson(id="n_1", at=TUESDAY, by="key:1", cause="billing", text="Umzug"))
    await store.write(unit)
    with pytest.raises(Conflict, match="it is closed"):
        await close_by_hand(desk, id, done="x", cause="billing", lesson="n_1", by="key:1", now=TUESDAY + 2 * HOUR)
    assert await query(database_url, "select count(*) from loop_lessons") == [(0,)]


async def test_what_the_look_up_shows_is_never_what_another_made_old(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    desk = await make_office(store, tmp_path)
    await tell(desk, [*people(1), ticket(9, 1, at=TUESDAY, **COMPLAINT)])
    (id,) = await ids(database_url)
    loop = await find_loop(desk, id)
    slow = Unit()
    await show_dues(desk, slow, loop.customer, loop, TUESDAY + HOUR)
    await settle(desk, id, HOUR)
    with pytest.raises(Superseded):
        await store.write(slow)
    assert await query(database_url, "select count(*) from decisions where loop_due is not null") == [(0,)]
