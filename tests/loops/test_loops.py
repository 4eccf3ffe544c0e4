"""From bad feedback to a closed loop, through the real flow."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bridge.acting.handling import (
    add_note,
    assign_to,
    close_by_hand,
    find_loop,
    record_reply,
    reopen_by_hand,
    snooze,
)
from bridge.acting.tending import tend_once
from bridge.automation.loops import Loop
from bridge.errors import BadRequest, Conflict, NotFound
from bridge.facts import Origin
from bridge.flow import Desk, merge, split
from bridge.flow.looping import free_capacity, loop_of
from bridge.store import Store, find_answer
from tests.automation.mailing import TUESDAY, make_office, people, rule, tell
from tests.desks import drain, feed, ticket, user
from tests.dump import query

HOUR = timedelta(hours=1)
COMPLAINT = {"tags": ["beschwerde"], "subject": "Beschwerde"}


async def loops(url: str) -> list[tuple[Any, ...]]:
    return [
        tuple(row) for row in await query(url, "select id, state, owner, round, answers, reason from loops order by id")
    ]


async def the_loop(desk: Desk, url: str) -> Loop:
    ((id,),) = await query(url, "select id from loops")
    return await find_loop(desk, id)


async def history(url: str) -> list[tuple[str, str]]:
    return [tuple(row) for row in await query(url, "select kind, record from loop_events order by loop, number")]


async def complain(desk: Desk, at: datetime = TUESDAY, number: int = 9) -> None:
    await tell(desk, [*people(1), ticket(number, 1, at=at, **COMPLAINT)], at)


async def facts(url: str, kind: str) -> list[dict[str, Any]]:
    rows = await query(url, f"select data from facts where kind = '{kind}' order by known_at, id")
    return [msgspec.json.decode(row[0]) for row in rows]


async def test_a_complaint_opens_a_loop_with_two_clocks(store: Store, database_url: str, tmp_path: Path) -> None:
    desk = await make_office(store, tmp_path)
    await complain(desk)
    loop = await the_loop(desk, database_url)
    assert (loop.state, loop.opener, loop.matter, loop.owner) == ("open", "complaint", "feedback", "team")
    assert loop.cause == "helpdesk/ticket/9"
    assert loop.reply_due == TUESDAY + 4 * HOUR
    assert loop.resolve_due == datetime(2026, 11, 26, 15, tzinfo=timezone.utc)  # 24 working hours
    assert await history(database_url) == [("opened", "helpdesk/ticket/9")]


async def test_what_is_told_twice_opens_one(store: Store, database_url: str, tmp_path: Path) -> None:
    desk = await make_office(store, tmp_path)
    await complain(desk)
    await complain(desk)
    assert [row[4] for row in await loops(database_url)] == [1]


@pytest.mark.parametrize("origin", [Origin.first_import, Origin.replay, Origin.remap])
async def test_what_is_no_news_opens_none(store: Store, database_url: str, tmp_path: Path, origin: Origin) -> None:
    desk = await make_office(store, tmp_path)
    await feed(desk, "helpdesk", [*people(1), ticket(9, 1, at=TUESDAY, **COMPLAINT)], now=TUESDAY, origin=origin)
    await drain(desk, now=TUESDAY)
    assert await loops(database_url) == []


async def test_another_complaint_joins_the_open_loop(store: Store, database_url: str, tmp_path: Path) -> None:
    desk = await make_office(store, tmp_path)
    await complain(desk)
    before = await the_loop(desk, database_url)
    await record_reply(desk, before.id, "angerufen", by="key:1", now=TUESDAY + HOUR)
    await complain(desk, TUESDAY + 2 * HOUR, number=10)
    loop = await the_loop(desk, database_url)
    assert (loop.answers, loop.records) == (2, ("helpdesk/ticket/9", "helpdesk/ticket/10"))
    assert loop.replied_at is None
    assert loop.reply_due == TUESDAY + 6 * HOUR
    assert loop.resolve_due == before.resolve_due


async def test_the_look_up_says_when_the_next_clock_runs_out(store: Store, database_url: str, tmp_path: Path) -> None:
    desk = await make_office(store, tmp_path)
    await complain(desk)

    async def due() -> Any:
        row = await find_answer(store, "email", "person1@example.de")
        assert row is not None
        return row[14]

    loop = await the_loop(desk, database_url)
    assert loop.reply_due is not None
    assert await due() == int(loop.reply_due.timestamp() * 1_000_000)
    loop = await record_reply(desk, loop.id, "angerufen", by="key:1", now=TUESDAY + HOUR)
    assert loop.resolve_due is not None
    assert await due() == int(loop.resolve_due.timestamp() * 1_000_000)
    await tell(desk, [user(1, at=TUESDAY + 2 * HOUR, name="Anders")], TUESDAY + 2 * HOUR)
    assert await due() == int(loop.resolve_due.timestamp() * 1_000_000)
    await snooze(desk, loop.id, None, "", by="key:1", now=TUESDAY + 3 * HOUR)
    assert await due() is None
    await close_by_hand(
        desk, loop.id, done="Gutschrift", cause="billing", although_open=True, by="key:1", now=TUESDAY + 4 * HOUR
    )
    assert await due() is None


async def test_while_it_waits_for_the_customer_no_clock_runs(store: Store, database_url: str, tmp_path: Path) -> None:
    desk = await make_office(store, tmp_path)
    await complain(desk)
    id = (await the_loop(desk, database_url)).id
    await snooze(desk, id, TUESDAY + timedelta(days=2), "Fotos erbeten", by="key:1", now=TUESDAY + HOUR)
    assert await tend_once(desk, most=9, now=TUESDAY + timedelta(days=1)) == 0
    assert await tend_once(desk, most=9, now=TUESDAY + timedelta(days=2)) == 1
    loop = await find_loop(desk, id)
    assert (loop.state, loop.reply_due) == ("open", TUESDAY + timedelta(days=2) + 3 * HOUR)
    assert [kind for kind, _ in await history(database_url)] == ["opened", "waits", "resumed"]


async def test_the_customer_who_comes_back_sets_the_clocks_going(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    desk = await make_office(store, tmp_path)
    await complain(desk)
    id = (await the_loop(desk, database_url)).id
    await snooze(desk, id, None, "", by="key:1", now=TUESDAY + HOUR)
    later = TUESDAY + 2 * HOUR
    await tell(desk, [ticket(9, 1, at=later, priority="high", **COMPLAINT)], later)
    assert (await find_loop(desk, id)).state == "open"
    assert (await history(database_url))[-1] == ("resumed", "helpdesk/ticket/9")


async def test_a_clock_that_runs_out_is_a_fact_and_goes_up_the_chain(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    note = {"add_note": {"text": {"de": "Überfällig", "en": "Overdue"}}}
    alarm = rule(id="alarm", when={"fact": "loop.overdue", "where": {"fact.escalation": 2}}, do=[note])
    desk = await make_office(store, tmp_path, alarm)
    await complain(desk)
    assert await tend_once(desk, most=9, now=TUESDAY + 3 * HOUR) == 0
    assert await tend_once(desk, most=9, now=TUESDAY + 4 * HOUR) == 1
    assert await tend_once(desk, most=9, now=TUESDAY + 5 * HOUR) == 0
    ((runs,),) = await query(database_url, "select count(*) from runs")
    assert runs == 0
    assert await tend_once(desk, most=9, now=TUESDAY + timedelta(days=1)) == 1
    said = [(one["clock"], one["escalation"]) for one in await facts(database_url, "loop.overdue")]
    assert said == [("reply", 1), ("reply", 2)]
    ((runs,),) = await query(database_url, "select count(*) from runs")
    assert runs == 1


async def test_only_a_better_answer_after_the_ticket_is_resolved_closes_it(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    desk = await make_office(store, tmp_path)
    await complain(desk)
    solved = TUESDAY + 5 * HOUR
    await tell(desk, [ticket(9, 1, at=solved, status="solved", **COMPLAINT)], solved)
    loop = await the_loop(desk, database_url)
    assert loop.state == "open"
    good = {"status": "solved", "satisfaction_rating": {"score": "good"}}
    await tell(desk, [ticket(9, 1, at=solved + HOUR, **COMPLAINT | good)], solved + HOUR)
    loop = await the_loop(desk, database_url)
    assert (loop.state, loop.closed_by) == ("closed", "bridge")
    assert (await history(database_url))[-1] == ("closed", "helpdesk/ticket/9")
    assert await facts(database_url, "loop.closed") == [
        {"matter": "feedback", "cause": "unknown", "done": False, "days": 0}
    ]


async def test_by_hand_it_closes_with_what_was_done_and_why(store: Store, database_url: str, tmp_path: Path) -> None:
    desk = await make_office(store, tmp_path)
    await complain(desk)
    id = (await the_loop(desk, database_url)).id
    given: dict[str, Any] = {"by": "key:1", "now": TUESDAY + HOUR}
    with pytest.raises(BadRequest, match="done and cause"):
        await close_by_hand(desk, id, done=" ", cause="billing", **given)
    with pytest.raises(BadRequest, match="cause: is none of"):
        await close_by_hand(desk, id, done="Gutschrift", cause="weather", **given)
    with pytest.raises(Conflict, match="helpdesk/ticket/9"):
        await close_by_hand(desk, id, done="Gutschrift", cause="billing", **given)
    loop = await close_by_hand(desk, id, done="Gutschrift", cause="billing", although_open=True, **given)
    assert (loop.state, loop.closed_by, loop.reason, loop.done) == ("closed", "key:1", "billing", "Gutschrift")
    assert await facts(database_url, "loop.closed") == [
        {"matter": "feedback", "cause": "billing", "done": True, "days": 0}
    ]
    with pytest.raises(Conflict, match="reopen it first"):
        await close_by_hand(desk, id, done="Gutschrift", cause="billing", although_open=True, **given)
    with pytest.raises(NotFound):
        await find_loop(desk, "l_0")


@pytest.mark.parametrize("days", [1, 29, 31])
async def test_another_complaint_reopens_it_for_a_while(
    store: Store, database_url: str, tmp_path: Path, days: int
) -> None:
    desk = await make_office(store, tmp_path)
    await complain(desk)
    id = (await the_loop(desk, database_url)).id
    await close_by_hand(desk, id, done="Gutschrift", cause="billing", although_open=True, by="key:1", now=TUESDAY)
    await complain(desk, TUESDAY + timedelta(days=days), number=10)
    rows = await loops(database_url)
    assert sorted(row[1] for row in rows) == (["open"] if days < 30 else ["closed", "open"])
    assert (await find_loop(desk, id)).round == (2 if days < 30 else 1)


async def test_a_reopened_ticket_reopens_its_loop(store: Store, database_url: str, tmp_path: Path) -> None:
    desk = await make_office(store, tmp_path)
    await complain(desk)
    id = (await the_loop(desk, database_url)).id
    await tell(desk, [ticket(9, 1, at=TUESDAY + HOUR, status="solved", **COMPLAINT)], TUESDAY + HOUR)
    await close_by_hand(desk, id, done="Gutschrift", cause="billing", by="key:1", now=TUESDAY + 2 * HOUR)
    later = TUESDAY + timedelta(days=3)
    await tell(desk, [ticket(9, 1, at=later, **COMPLAINT)], later)
    loop = await find_loop(desk, id)
    assert (loop.state, loop.round, loop.opened_at) == ("open", 2, later)


async def test_people_assign_note_and_reopen(store: Store, database_url: str, tmp_path: Path) -> None:
    desk = await make_office(store, tmp_path)
    await complain(desk)
    id = (await the_loop(desk, database_url)).id
    given: dict[str, Any] = {"by": "console:u1", "now": TUESDAY + HOUR}
    with pytest.raises(BadRequest, match="no queue"):
        await assign_to(desk, id, "Niemand", **given)
    assert (await assign_to(desk, id, "team", **given)).owner == "team"
    await add_note(desk, id, "Rückruf vereinbart", cause="promise", **given)
    with pytest.raises(BadRequest):
        await add_note(desk, id, "", **given)
    with pytest.raises(Conflict, match="not closed"):
        await reopen_by_hand(desk, id, "", **given)
    await close_by_hand(desk, id, done="Erledigt", cause="promise", although_open=True, **given)
    assert (await reopen_by_hand(desk, id, "doch nicht", **given)).round == 2
    kinds = [kind for kind, _ in await history(database_url)]
    assert kinds == ["opened", "noted", "cause_named", "closed", "reopened", "noted"]
    ((audited,),) = await query(database_url, "select count(*) from audit where action like 'loop.%'")
    assert audited == 3


async def test_free_capacity_is_what_the_limits_leave(store: Store, database_url: str, tmp_path: Path) -> None:
    desk = await make_office(store, tmp_path)
    assert await free_capacity(desk, TUESDAY) == {"team": 40}
    await complain(desk)
    assert await free_capacity(desk, TUESDAY) == {"team": 39}


async def test_merging_and_splitting_leaves_loops_where_they_were(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    desk = await make_office(store, tmp_path)
    await tell(desk, [*people(2), ticket(9, 1, at=TUESDAY, **COMPLAINT)])
    before = await the_loop(desk, database_url)
    ids = [row[0] for row in await query(database_url, "select id from customers order by id")]
    other = next(one for one in ids if one != before.customer)
    done = await merge(desk, other, before.customer, by="test", evidence={}, now=TUESDAY)
    for person in (1, 2):
        row = await find_answer(store, "email", f"person{person}@example.de")
        assert row is not None
        assert row[14] is not None
    await split(desk, done, by="test", now=TUESDAY + HOUR)
    dues = {}
    for person in (1, 2):
        row = await find_answer(store, "email", f"person{person}@example.de")
        assert row is not None
        dues[person] = row[14]
    assert dues[1] is not None
    assert dues[2] is None
    assert await the_loop(desk, database_url) == before


async def test_a_row_is_the_loop_again(store: Store, database_url: str, tmp_path: Path) -> None:
    desk = await make_office(store, tmp_path)
    await complain(desk)
    loop = await the_loop(desk, database_url)
    row = await store.one("loops.get", id=loop.id)
    assert row is not None
    assert loop_of(row) == loop
