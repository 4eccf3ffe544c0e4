"""What holds for a run for as long as it is under way: days may pass between what set it off and what it does."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from bridge.acting import advancing
from bridge.acting.advancing import advance_due
from bridge.acting.approaching import Known, read_known
from bridge.automation import outbox
from bridge.automation.register import find_armed, pause, read_armed, save, switch
from bridge.flow import Desk
from bridge.store import Store, Unit, open_store
from tests.automation.mailing import (
    APOLOGY,
    TUESDAY,
    Vendor,
    clients_of,
    customers_of,
    make_office,
    people,
    reasons_of,
    rule,
    sent_to,
    tell,
    work,
)
from tests.automation.pastlife import person, told
from tests.desks import drain, feed, stamp, ticket, user
from tests.dump import query

LATER = TUESDAY + timedelta(minutes=1)
NIGHT = datetime(2026, 11, 24, 22, tzinfo=timezone.utc)
MORNING = NIGHT + timedelta(hours=9, minutes=1)
SOLVED = {"stop_if": {"since.resolved": {"at_least": 1}}}
CALL = {"schedule_callback": {"reason": {"de": "Nachfragen", "en": "Ask"}}}
OPEN = {
    "create_ticket": {
        "through": "hook",
        "subject": {"de": "Nachfassen", "en": "Follow up"},
        "text": {"de": "Bitte melden", "en": "Please get in touch"},
    }
}


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


async def _ended(url: str) -> list[tuple[str, str]]:
    return await query(url, "select state, reason from runs order by state, reason, id")


# The matter is settled meanwhile


async def test_what_is_settled_overnight_gets_no_message_in_the_morning(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await make_office(store, tmp_path, rule(do=[SOLVED, *APOLOGY["do"]]))
    await tell(desk, [*people(2), ticket(1, 1, at=NIGHT), ticket(2, 2, at=NIGHT)], NIGHT)
    await work(desk, clients_of(desk, vendor), NIGHT)
    assert await reasons_of(database_url) == [("postponed", "quiet_hours")] * 2
    late = NIGHT + timedelta(hours=1)
    await tell(desk, [ticket(1, 1, at=late, status="solved")], late)
    await work(desk, clients_of(desk, vendor), MORNING)
    assert sent_to(vendor) == ["person2@example.de"]
    assert await _ended(database_url) == [("done", ""), ("stopped", "stop_if")]
    steps = await query(database_url, "select step, action, result from run_steps where action = 'stop_if'")
    assert steps == [(0, "stop_if", "stopped")]


async def test_who_is_to_be_called_on_monday_and_is_helped_on_sunday_is_not_called(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    friday = datetime(2026, 11, 27, 20, tzinfo=timezone.utc)
    desk = await make_office(store, tmp_path, rule(do=[SOLVED, CALL], budget={"amount": 100}))
    phones = [user(1, phone="030 23125042"), user(2, phone="030 23125043")]
    await tell(desk, [*phones, ticket(1, 1, at=friday), ticket(2, 2, at=friday)], friday)
    await work(desk, clients_of(desk, vendor), friday)
    assert await outbox.count(store) == {"due": 2}
    sunday = friday + timedelta(days=2)
    await tell(desk, [ticket(1, 1, at=sunday, status="solved")], sunday)
    await work(desk, clients_of(desk, vendor), friday + timedelta(days=2, hours=12, minutes=1))
    assert [body["data"]["phone"] for _, body in vendor.done] == ["+493023125043"]
    assert ("refused", "stop_if") in await reasons_of(database_url)
    assert await query(database_url, "select spent_minor from automation_spending") == [(600,)]


def test_a_stop_if_holds_for_the_step_right_behind_it_alone() -> None:
    made = rule(do=[SOLVED, {"stop_if": {"since.talked": True}}, *APOLOGY["do"], {"wait": {"days": 1}}, CALL])
    talked = {"since.resolved": 0, "since.talked": True}
    assert [made.settled(step, talked) for step in range(5)] == [None, None, 1, None, None]
    assert made.settled(2, {"since.resolved": 1, "since.talked": True}) == 0


# Hours


async def test_a_call_that_was_put_off_into_the_night_waits_for_the_morning(
    store: Store, tmp_path: Path, vendor: Vendor
) -> None:
    evening = datetime(2026, 11, 24, 17, 30, tzinfo=timezone.utc)

    def down(request: httpx.Request) -> None:
        raise httpx.ConnectError("refused", request=request)

    desk = await make_office(store, tmp_path, rule(do=[CALL]))
    await tell(desk, [user(1, phone="030 23125042"), ticket(1, 1, at=evening)], evening)
    vendor.before = down
    await work(desk, clients_of(desk, vendor), evening)
    vendor.before = lambda request: None
    night = evening + timedelta(hours=4)
    await work(desk, clients_of(desk, vendor), night)
    assert vendor.done == [] and await outbox.count(store) == {"due": 1}
    await work(desk, clients_of(desk, vendor), datetime(2026, 11, 25, 8, 1, tzinfo=timezone.utc))
    assert len(vendor.done) == 1


# Switched, paused


async def test_what_was_under_way_when_it_was_switched_off_does_not_go_on_when_it_is_on_again(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    slow = rule(id="slow", do=[{"wait": {"hours": 2}}, *APOLOGY["do"]])
    soon = rule(id="soon", do=[CALL | {"schedule_callback": CALL["schedule_callback"] | {"after": {"hours": 3}}}])
    desk = await make_office(store, tmp_path, slow, soon)
    await tell(desk, [user(1, phone="030 23125042"), ticket(1, 1, at=TUESDAY)])
    await work(desk, clients_of(desk, vendor), LATER)
    assert await outbox.count(store) == {"due": 1}
    for id in ("slow", "soon"):
        await switch(store, id, "off", by="key:1", now=LATER)
        await switch(store, id, "on", by="key:1", now=LATER + timedelta(minutes=5))
    await work(desk, clients_of(desk, vendor), TUESDAY + timedelta(hours=4))
    assert vendor.done == [] and await outbox.count(store) == {"refused": 1}
    assert await _ended(database_url) == [("done", ""), ("stopped", "switched_off")]
    await tell(desk, [ticket(2, 1, at=TUESDAY + timedelta(hours=4))], TUESDAY + timedelta(hours=4))
    await work(desk, clients_of(desk, vendor), TUESDAY + timedelta(hours=4))
    await work(desk, clients_of(desk, vendor), TUESDAY + timedelta(hours=6, minutes=1))
    assert sent_to(vendor) == ["person1@example.de"]


async def test_after_a_long_pause_nothing_is_done_that_was_due_long_before(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    slow = rule(id="slow", do=[{"wait": {"hours": 2}}, *APOLOGY["do"]])
    desk = await make_office(store, tmp_path, slow, rule())
    await tell(desk, [*people(1), ticket(1, 1, at=TUESDAY)])
    await advance_due(desk, most=9, now=LATER)
    assert await outbox.count(store) == {"due": 1}
    await pause(store, True, by="key:1", now=LATER)
    for day in range(1, 10):
        await work(desk, clients_of(desk, vendor), LATER + timedelta(days=day))
    await pause(store, False, by="key:1", now=LATER + timedelta(days=9))
    await work(desk, clients_of(desk, vendor), LATER + timedelta(days=9, hours=1))
    assert vendor.done == [] and await outbox.count(store) == {"refused": 1}
    assert ("refused", "gave_up_waiting") in await reasons_of(database_url)
    assert await _ended(database_url) == [("done", ""), ("stopped", "too_old")]


async def test_what_was_found_too_late_or_no_longer_applies_does_nothing(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    never = rule(**{"if": {"ticket.open": {"at_least": 5}}})
    desk = await make_office(store, tmp_path, never, rule(id="late", max_age={"hours": 1}))
    await tell(desk, [*people(1), ticket(9, 1, at=TUESDAY)])
    await work(desk, clients_of(desk, vendor), LATER + timedelta(hours=1))
    assert vendor.done == []
    runs = await query(database_url, "select automation, state, reason from runs order by automation")
    assert runs == [("late", "refused", "too_old"), ("sorry", "stopped", "condition")]


# Once within the window, wherever windows meet


async def test_one_cause_sets_it_off_once_within_the_window_also_around_its_border(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    reopened = rule(when={"fact": "ticket.reopened"}, window=7, max_age={"days": 30})
    desk = await make_office(store, tmp_path, reopened)
    border = datetime(2026, 11, 26, tzinfo=timezone.utc)  # 7 × 2,969 days after 1970 began
    assert (border - datetime(1970, 1, 1, tzinfo=timezone.utc)).days % 7 == 0
    await tell(desk, [*people(1), ticket(1, 1, at=TUESDAY)])
    for hours, runs in ((-2, 1), (2, 1), (24, 1), (7 * 24 - 3, 1), (7 * 24 - 1, 2), (7 * 24, 2)):
        at = border + timedelta(hours=hours)
        await tell(desk, [ticket(1, 1, at=at - timedelta(minutes=30), status="solved")], at - timedelta(minutes=30))
        await tell(desk, [ticket(1, 1, at=at)], at)
        assert await query(database_url, "select count(*) from runs") == [(runs,)], hours


# Tickets of our own


async def test_a_ticket_that_an_automation_opened_sets_none_off(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await make_office(store, tmp_path, rule())
    await tell(desk, people(1))
    unit = Unit()
    number = (await customers_of(database_url))["1"]
    said = {"subject": "Nachfassen", "text": "Bitte"}
    outbox.enqueue(
        unit, dedupe_key="k", source="helpdesk", action="create_ticket", args=said, now=TUESDAY, customer=number
    )
    await store.write(unit)
    owner, (ours,) = await outbox.take(store, most=1, now=TUESDAY)
    await outbox.begin(store, owner, ours.id, now=TUESDAY)
    await outbox.finish(store, owner, ours.id, "sent", now=TUESDAY, reference="9")
    await tell(desk, [ticket(9, 1, at=TUESDAY), ticket(10, 1, at=TUESDAY)])
    await work(desk, clients_of(desk, vendor), LATER)
    assert len(vendor.done) == 1
    runs = await query(database_url, "select cause, state, reason from runs order by cause")
    assert runs == [("helpdesk/ticket/10", "done", ""), ("helpdesk/ticket/9", "stopped", "own_ticket")]


async def test_a_ticket_that_the_run_opened_itself_holds_none_of_its_messages(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    form: dict[str, Any] = {"do": [OPEN, {"wait": {"hours": 1}}, *APOLOGY["do"]], "while_ticket_open": "refuse"}
    desk = await make_office(store, tmp_path, rule(**form))
    await tell(desk, [user(1, email="u1@example.org"), ticket(1, 1, at=TUESDAY)])
    await feed(desk, "hook", [person(1, TUESDAY)], now=TUESDAY)
    await drain(desk, now=TUESDAY)
    await work(desk, clients_of(desk, vendor), LATER)
    assert await query(database_url, "select reference from outbox") == [("1",)]
    await _comes_back(desk, "1", LATER)
    await work(desk, clients_of(desk, vendor), LATER + timedelta(hours=2))
    assert [body["type"] for _, body in vendor.done] == ["action.create_ticket", "action.send_email"]
    assert await _ended(database_url) == [("done", ""), ("stopped", "own_ticket")]


async def test_a_ticket_is_not_answered_while_one_of_ours_is_being_opened_there(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await make_office(store, tmp_path, rule(do=[OPEN]))
    await tell(desk, [user(1, email="u1@example.org"), ticket(1, 1, at=TUESDAY)])
    await feed(desk, "hook", [person(1, TUESDAY)], now=TUESDAY)
    await drain(desk, now=TUESDAY)
    await advance_due(desk, most=9, now=LATER)
    owner, (opening,) = await outbox.take(store, most=9, now=LATER)
    assert await outbox.begin(store, owner, opening.id, now=LATER)
    await _comes_back(desk, "77", LATER)  # the helpdesk tells of it before it answers
    await advance_due(desk, most=9, now=LATER)
    assert await _ended(database_url) == [("done", ""), ("waiting", "")]
    await outbox.finish(store, owner, opening.id, "sent", now=LATER, reference="77")
    await advance_due(desk, most=9, now=LATER + timedelta(minutes=1))
    assert await _ended(database_url) == [("done", ""), ("stopped", "own_ticket")]
    assert sum((await outbox.count(store)).values()) == 1


async def _comes_back(desk: Desk, number: str, at: datetime) -> None:
    data = {"id": number, "customer_id": "u1", "opened": stamp(at), "type": "problem", "status": "open"}
    await feed(desk, "hook", [told("ticket", at, **data)], now=at)
    await drain(desk, now=at)


# One that is broken


async def test_a_customer_who_cannot_be_read_holds_up_nobody_else(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = await make_office(store, tmp_path, rule())
    await tell(desk, [*people(3), *(ticket(number, number, at=TUESDAY) for number in (1, 2, 3))])
    broken = (await customers_of(database_url))["2"]

    async def read(desk: Desk, customers: Collection[str], now: datetime) -> dict[str, Known]:
        if broken in customers:
            raise ValueError("this record cannot be read")
        return await read_known(desk, customers, now)

    monkeypatch.setattr(advancing, "read_known", read)
    await work(desk, clients_of(desk, vendor), LATER)
    assert sent_to(vendor) == ["person1@example.de", "person3@example.de"]
    assert await query(database_url, "select state, count(*) from runs group by state order by state") == [
        ("done", 2),
        ("waiting", 1),
    ]


async def test_an_automation_that_this_version_cannot_read_does_nothing_and_stops_nothing_else(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    old = rule(id="old", do=[{"wait": {"hours": 1}}, *APOLOGY["do"]])
    desk = await make_office(store, tmp_path, old, rule())
    await tell(desk, [*people(1), ticket(1, 1, at=TUESDAY)])
    await work(desk, clients_of(desk, vendor), LATER)
    changed = """update automation_versions set body = replace(body, '"hours":1', '"fortnights":1')
    where id = 'old' returning 1"""
    assert await query(database_url, changed) == [(1,)]
    assert [one.id for one in await read_armed(store)] == ["sorry"]
    await desk.look_up()
    await tell(desk, [ticket(2, 1, at=LATER)], LATER)
    await work(desk, clients_of(desk, vendor), LATER + timedelta(hours=2))
    assert len(vendor.done) == 2
    assert await query(database_url, "select state, reason from runs where automation = 'old'") == [
        ("stopped", "switched_off")
    ]
    await save(store, rule(id="old", window=7), mode="on", by="key:1", now=LATER)
    assert (await find_armed(store, "old")).mode == "on"


# Four workers at once


async def _four(desk: Desk, url: str, now: datetime) -> None:
    """Advance all runs in four processes at once, each with its own connection."""
    stores = [await open_store(url) for _ in range(3)]
    desks = [desk, *(msgspec.structs.replace(desk, store=one) for one in stores)]
    while any(await asyncio.gather(*(advance_due(one, most=3, now=now) for one in desks))):
        pass
    for one in stores:
        await one.close()


async def test_four_workers_at_once_write_to_nobody_more_often_than_the_caps_allow(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    desk = await make_office(store, tmp_path, *(rule(id=f"rule_{number}") for number in range(5)))
    await tell(desk, [*people(6), *(ticket(number, number, at=TUESDAY) for number in range(1, 7))])
    await _four(desk, database_url, LATER)
    assert await query(database_url, "select count(*) from outbox group by customer") == [(2,)] * 6
    assert sorted(await reasons_of(database_url)) == [("enqueued", "")] * 12 + [("refused", "frequency")] * 18


async def test_four_workers_at_once_spend_no_more_than_there_is(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    desk = await make_office(store, tmp_path, rule(budget={"amount": 0.05, "every": "day"}))
    await tell(desk, [*people(9), *(ticket(number, number, at=TUESDAY) for number in range(1, 10))])
    await _four(desk, database_url, LATER)
    assert sorted(await reasons_of(database_url)) == [("enqueued", "")] * 2 + [("refused", "budget_spent")] * 7
    assert await query(database_url, "select spent_minor from automation_spending") == [(4,)]
