"""Surveys from the occasion to the weighted answer, through everything real but the vendor."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from bridge.acting.approaching import opt_out
from bridge.acting.survey_answers import match_answers
from bridge.acting.surveying import survey_once
from bridge.automation import outbox
from bridge.automation.register import pause
from bridge.automation.survey_forms import Fatigue
from bridge.automation.survey_register import switch_survey
from bridge.facts import Origin
from bridge.reports.surveys import survey_results
from bridge.store import Store, Unit, open_store
from tests.automation.asking import DAY, WEDNESDAY, hold, open_office, plan, rating, resolve, states, tranches
from tests.automation.mailing import TUESDAY, Vendor, clients_of, people, tell, work
from tests.desks import drain, feed, ticket
from tests.dump import query


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


async def test_who_came_up_is_invited_a_day_later_and_once(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await open_office(store, tmp_path, plan())
    clients = clients_of(desk, vendor)
    await resolve(desk, 3)
    await hold(desk, clients, TUESDAY + timedelta(hours=3))
    assert vendor.done == []
    await hold(desk, clients, WEDNESDAY)
    assert sorted(body["data"]["email"] for _, body in vendor.done) == [f"person{n}@example.de" for n in (1, 2, 3)]
    assert {body["type"] for _, body in vendor.done} == {"action.invite_survey"}
    assert {body["data"]["survey"] for _, body in vendor.done} == {"csat"}
    runs = {body["data"]["reference"] for _, body in vendor.done}
    assert runs == {row[0] for row in await query(database_url, "select run from survey_occasions")}
    for later in (timedelta(hours=2), DAY, 2 * DAY):
        await hold(desk, clients, WEDNESDAY + later)
    assert len(vendor.done) == 3
    assert await states(database_url) == {"invited": 3}


async def test_no_more_are_asked_than_there_is_time_to_answer(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    one = plan(expect={"answers": 0.5, "bad": 0.4})
    desk = await open_office(store, tmp_path, one, limit=2)
    await resolve(desk, 60)
    await hold(desk, clients_of(desk, vendor), WEDNESDAY)
    (tranche,) = await tranches(store, one)
    (cell,) = tranche.sizes.cells
    assert (cell.owner, cell.ready, tranche.sizes.free) == ("team", 60, {"team": 2.0})
    assert cell.propensity is not None and cell.propensity * cell.expected == pytest.approx(2)
    assert tranche.sizes.asked == pytest.approx(10)
    rows = await query(database_url, "select state, propensity from survey_occasions")
    assert {row[1] for row in rows} == {cell.propensity}
    asked = sum(row[0] == "invited" for row in rows)
    assert asked == len(vendor.done) and 3 <= asked <= 18


async def test_answers_under_way_take_time_too_and_who_waits_is_asked_later(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    one = plan(expect={"answers": 0.5, "bad": 0.4}, when={"after": "ticket.resolved"})
    desk = await open_office(store, tmp_path, one, limit=1, in_flight_days=2)
    clients = clients_of(desk, vendor)
    await resolve(desk, 20)
    await hold(desk, clients, TUESDAY + timedelta(minutes=30))
    first = len(vendor.done)
    assert first
    late = [ticket(300 + n, n, at=TUESDAY) for n in range(21, 24)]
    await tell(desk, [*people(23), *late], TUESDAY + timedelta(hours=1))
    solved = [ticket(300 + n, n, at=TUESDAY + timedelta(hours=1), status="solved") for n in range(21, 24)]
    await tell(desk, solved, TUESDAY + timedelta(hours=1))
    await hold(desk, clients, WEDNESDAY)
    assert len(vendor.done) == first
    assert (await states(database_url))["waiting"] == 3
    assert (await tranches(store, one))[0].sizes.cells[0].propensity is None
    await hold(desk, clients, WEDNESDAY + 2 * DAY)
    assert "waiting" not in await states(database_url)
    assert len(await query(database_url, "select 1 from survey_occasions where propensity is not null")) == 23


async def test_who_waits_too_long_is_let_go(store: Store, database_url: str, tmp_path: Path, vendor: Vendor) -> None:
    desk = await open_office(store, tmp_path, plan(), limit=0, patience_days=2)
    await resolve(desk, 2)
    for day in range(1, 5):
        await hold(desk, clients_of(desk, vendor), TUESDAY + day * DAY + timedelta(hours=1))
    await hold(desk, clients_of(desk, vendor), TUESDAY + 6 * DAY)
    assert vendor.done == []
    assert await states(database_url) == {"lapsed nobody_has_time": 2}


async def test_doing_it_again_or_in_another_order_draws_the_same(tmp_path: Path) -> None:

    drawn = []
    for name, most in (("a", 50), ("b", 7)):
        store = await open_store(f"sqlite:///{tmp_path / name}.db")
        try:
            desk = await open_office(store, tmp_path / name, plan(expect={"answers": 0.5, "bad": 0.4}), limit=3)
            tickets = [ticket(100 + n, n, at=TUESDAY - DAY) for n in range(1, 31)]
            solved = [ticket(100 + n, n, at=TUESDAY, status="solved") for n in range(1, 31)]
            order = -1 if name == "b" else 1
            await tell(desk, [*people(30), *tickets][::order], TUESDAY - DAY, most=most)
            await tell(desk, solved[::order], TUESDAY, most=most)
            vendor = Vendor()
            await hold(desk, clients_of(desk, vendor), WEDNESDAY)
            drawn.append(sorted(body["data"]["email"] for _, body in vendor.done))
        finally:
            await store.close()
    assert drawn[0] == drawn[1] and 0 < len(drawn[0]) < 30


@pytest.mark.parametrize("origin", [Origin.first_import, Origin.replay, Origin.remap])
async def test_history_invites_nobody(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor, origin: Origin
) -> None:
    desk = await open_office(store, tmp_path, plan())
    await feed(desk, "helpdesk", people(2), now=TUESDAY, origin=origin)
    for status, at in (("open", TUESDAY - DAY), ("solved", TUESDAY)):
        await feed(desk, "helpdesk", [ticket(n, n, at=at, status=status) for n in (1, 2)], now=at, origin=origin)
        await drain(desk, now=at)
    await hold(desk, clients_of(desk, vendor), WEDNESDAY)
    assert vendor.done == [] and await states(database_url) == {}


async def test_what_happened_before_the_plan_was_switched_on_brings_nobody_up(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    one = plan(mode="off")
    desk = await open_office(store, tmp_path, one)
    await resolve(desk, 2)
    await switch_survey(store, one, "on", by="key:1", now=TUESDAY + timedelta(hours=5))
    await desk.look_up()
    await hold(desk, clients_of(desk, vendor), WEDNESDAY + DAY)
    assert vendor.done == [] and await states(database_url) == {}


async def test_who_may_not_be_written_to_is_not_drawn(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await open_office(store, tmp_path, plan())
    await resolve(desk, 4)
    await opt_out(desk, "email:person1@example.de", reason="link", now=TUESDAY)
    await tell(desk, [ticket(900, 2, at=TUESDAY)])
    await hold(desk, clients_of(desk, vendor), WEDNESDAY)
    assert await states(database_url) == {"barred opted_out": 1, "barred ticket_open": 1, "invited": 2}


async def test_a_survey_needs_proof_of_consent_unless_it_is_said_to_be_service(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await open_office(store, tmp_path, plan(purpose="advertising"))
    await resolve(desk, 1)
    await hold(desk, clients_of(desk, vendor), WEDNESDAY)
    assert vendor.done == [] and await states(database_url) == {"barred consent_missing": 1}


async def test_who_wants_no_more_between_draw_and_sending_was_never_asked(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await open_office(store, tmp_path, plan())
    await resolve(desk, 2)
    while await survey_once(desk, WEDNESDAY):
        pass
    await opt_out(desk, "email:person1@example.de", reason="link", now=WEDNESDAY)
    await work(desk, clients_of(desk, vendor), WEDNESDAY)
    await match_answers(desk, WEDNESDAY + timedelta(hours=1))
    assert len(vendor.done) == 1
    assert await states(database_url) == {"barred opted_out": 1, "invited": 1}


async def test_nobody_is_asked_by_two_surveys_at_once(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    plans = plan(id="a_first"), plan(id="b_second", metric="nps")
    desk = await open_office(store, tmp_path, *plans)
    await resolve(desk, 3)
    await hold(desk, clients_of(desk, vendor), WEDNESDAY)
    assert len(vendor.done) == 3
    assert await states(database_url) == {"barred asked_lately": 3, "invited": 3}


async def test_everybody_comes_up_once_in_a_round(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    one = plan(when={"every": 7}, metric="nps")
    desk = await open_office(store, tmp_path, one, fatigue=Fatigue(rest_days=1, unanswered=1.0, most=99))
    await tell(desk, people(30))
    for day in range(1, 13):
        await hold(desk, clients_of(desk, vendor), TUESDAY + day * DAY)
    rows = await query(database_url, "select customer, count(*) from survey_occasions group by customer")
    assert len(rows) == 30 and {row[1] for row in rows} <= {1, 2}
    days = await query(database_url, "select count(distinct came_up_at) from survey_occasions")
    assert days[0][0] > 7


async def test_a_dry_run_draws_and_sends_nothing(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    one = plan(mode="dry")
    desk = await open_office(store, tmp_path, one)
    await resolve(desk, 2)
    await hold(desk, clients_of(desk, vendor), WEDNESDAY)
    assert vendor.done == [] and await states(database_url) == {"would": 2}
    results = await survey_results(desk, since=TUESDAY - DAY, until=WEDNESDAY + DAY, plan=one.id)
    assert (results.drawn, results.invited) == (0, 0)


async def test_nothing_is_drawn_at_night_on_sundays_or_while_all_is_paused(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await open_office(store, tmp_path, plan())
    await resolve(desk, 1)
    night = datetime(2026, 11, 25, 22, tzinfo=timezone.utc)
    sunday = datetime(2026, 11, 29, 12, tzinfo=timezone.utc)
    for at in (night, sunday):
        assert await survey_once(desk, at) == 0
    await pause(store, True, by="key:1", now=WEDNESDAY)
    assert await survey_once(desk, WEDNESDAY) == 0
    assert await states(database_url) == {}


async def test_a_tranche_that_is_not_done_by_night_goes_on_in_the_morning(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    one = plan()
    desk = await open_office(store, tmp_path, one)
    await resolve(desk, 2)
    assert await survey_once(desk, WEDNESDAY) == 1
    assert await survey_once(desk, WEDNESDAY + timedelta(hours=12)) == 0
    assert await states(database_url) == {"waiting": 2}
    await hold(desk, clients_of(desk, vendor), WEDNESDAY + DAY)
    assert await states(database_url) == {"invited": 2} and len(vendor.done) == 2
    assert [tranche.stage for tranche in await tranches(store, one)] == ["done", "done"]


async def test_an_e_mail_of_ours_leads_to_the_customers_own_form(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    message = {
        "subject": {"de": "Eine Frage", "en": "A question"},
        "lines": {"de": ["Hier: {{ survey_link }}"], "en": ["Here: {{ survey_link }}"]},
    }
    link = "https://form.example.org/to/abc#crm_id={id:helpdesk}&sent_at={sent_at}"
    desk = await open_office(store, tmp_path, plan(invite={"message": message, "link": link, "through": "hook"}))
    await resolve(desk, 1)
    await hold(desk, clients_of(desk, vendor), WEDNESDAY)
    ((_, body),) = vendor.done
    assert body["type"] == "action.send_email"
    address = "https://form.example.org/to/abc#crm_id=1&sent_at=2026-11-25T10%3A00%3A00Z"
    assert f"Hier: {address}" in body["data"]["text"]
    assert await states(database_url) == {"invited": 1}


async def test_whose_answer_could_not_be_told_is_not_asked(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    message = {
        "subject": {"de": "Eine Frage", "en": "A question"},
        "lines": {"de": ["Hier: {{ survey_link }}"], "en": ["Here: {{ survey_link }}"]},
    }
    link = "https://form.example.org/to/abc#crm_id={id:crm}"
    desk = await open_office(store, tmp_path, plan(invite={"message": message, "link": link, "through": "hook"}))
    await resolve(desk, 1)
    await hold(desk, clients_of(desk, vendor), WEDNESDAY)
    assert vendor.done == [] and await states(database_url) == {"barred no_link": 1}


async def test_days_bring_customers_up_too(store: Store, database_url: str, tmp_path: Path, vendor: Vendor) -> None:
    one = plan(when={"after": "schedule.due", "schedule": {"weekday": "thursday"}})
    desk = await open_office(store, tmp_path, one)
    await tell(desk, people(2))
    for ahead in range(1, 7):
        await hold(desk, clients_of(desk, vendor), TUESDAY + ahead * DAY)
    assert len(vendor.done) == 2
    rows = await query(database_url, "select distinct came_up_at, drawn_at from survey_occasions")
    thursday = int(datetime(2026, 11, 25, 23, tzinfo=timezone.utc).timestamp())
    assert [(came // 1_000_000, at // 1_000_000) for came, at in rows] == [
        (thursday, int((TUESDAY + 2 * DAY).timestamp()))
    ]


async def test_two_workers_hold_one_tranche_and_invite_once(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    one = plan()
    desk = await open_office(store, tmp_path, one)
    await resolve(desk, 60)
    while any(await asyncio.gather(*(survey_once(desk, WEDNESDAY) for _ in range(3)))):
        pass
    await work(desk, clients_of(desk, vendor), WEDNESDAY)
    assert [tranche.stage for tranche in await tranches(store, one)] == ["done"]
    invited = (await states(database_url))["invited"]
    assert invited == len(vendor.done) == len({body["data"]["email"] for _, body in vendor.done}) == 60


async def test_a_tranche_ends_where_its_plan_is_switched_off(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    one = plan()
    desk = await open_office(store, tmp_path, one)
    await resolve(desk, 2)
    assert await survey_once(desk, WEDNESDAY) == 1
    await switch_survey(store, one, "off", by="key:1", now=WEDNESDAY)
    await desk.look_up()
    assert await survey_once(desk, WEDNESDAY) == 1
    assert [tranche.stage for tranche in await tranches(store, one)] == ["stopped"]
    assert await survey_once(desk, WEDNESDAY) == 0
    await switch_survey(store, one, "on", by="key:1", now=WEDNESDAY + timedelta(hours=1))
    await desk.look_up()
    await hold(desk, clients_of(desk, vendor), WEDNESDAY + DAY)
    assert vendor.done == [] and await states(database_url) == {}


async def test_invitations_of_automations_and_of_the_survey_system_count_too(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await open_office(store, tmp_path, plan())
    await resolve(desk, 3)
    await tell(desk, [rating(501, 1, "good", TUESDAY - 9 * DAY)], TUESDAY)
    (customer,) = (await query(database_url, "select customer from profiles where source_id = '2'"))[0]
    unit = Unit()
    args = {"survey": "s", "reference": "r", "email": "person2@example.de"}
    outbox.enqueue(
        unit, dedupe_key="k", source="hook", action="invite_survey", args=args, now=TUESDAY, customer=customer
    )
    await store.write(unit)
    while await survey_once(desk, WEDNESDAY):
        pass
    assert await states(database_url) == {"barred asked_lately": 2, "invited": 1}
