"""What a tranche would be, which answers belong to its invitations, and what they say of everybody."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bridge.acting.approaching import opt_out
from bridge.acting.survey_answers import match_answers
from bridge.acting.survey_sizes import preview, size_for
from bridge.adapter.base import Item
from bridge.automation.survey_register import switch_survey
from bridge.automation.tranches import Cell, Group
from bridge.flow import merge
from bridge.reports.surveys import survey_results
from bridge.store import Store
from bridge.worker import Worker
from tests.automation.asking import DAY, WEDNESDAY, hold, open_office, plan, rating, resolve, states, tranches
from tests.automation.mailing import TUESDAY, Vendor, clients_of, tell
from tests.desks import drain, feed
from tests.dump import query


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


async def test_what_somebody_says_who_was_never_invited_is_no_answer_to_an_invitation(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    one = plan()
    desk = await open_office(store, tmp_path, one)
    await resolve(desk, 2)
    await opt_out(desk, "email:person2@example.de", reason="link", now=TUESDAY)
    await hold(desk, clients_of(desk, vendor), WEDNESDAY)
    at = WEDNESDAY + timedelta(hours=1)
    await tell(desk, [rating(502, 2, "bad", at)], at)
    assert await match_answers(desk, at + timedelta(minutes=2)) == 0
    results = await survey_results(desk, since=TUESDAY - DAY, until=WEDNESDAY + DAY, plan=one.id)
    assert (results.invited, results.answered, results.plain) == (1, 0, None)


async def test_an_invitation_that_is_sent_after_all_counts_as_one(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    plans = (
        plan(id="a_first"),
        plan(id="b_second", metric="nps", when={"after": "ticket.resolved", "delay": {"days": 2}}),
    )
    desk = await open_office(store, tmp_path, *plans)
    await resolve(desk, 1)
    await hold(desk, clients_of(desk, vendor), WEDNESDAY)
    await query(database_url, "update outbox set state = 'dead' returning id")
    await match_answers(desk, WEDNESDAY + timedelta(minutes=2))
    assert await states(database_url) == {"barred not_sent": 1}
    await query(database_url, "update outbox set state = 'sent' returning id")
    await hold(desk, clients_of(desk, vendor), WEDNESDAY + DAY)
    assert await states(database_url) == {"barred asked_lately": 1, "barred not_sent": 1}


async def test_reasons_are_counted_and_nobodys_own_words_are_shown(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    one = plan(metric="exit")
    desk = await open_office(store, tmp_path, one)
    await resolve(desk, 5)
    await hold(desk, clients_of(desk, vendor), WEDNESDAY)
    at = WEDNESDAY + timedelta(hours=1)
    reasons = ["Preis", "Preis", " Preis", "Frau Albers war unfreundlich", None]
    said = [
        {
            "response_id": f"r{n}",
            "email": f"person{n}@example.de",
            "answered_at": at.isoformat(),
            "reason_for_leaving": reason,
            "left_others_because": "Netz",
        }
        for n, reason in enumerate(reasons, start=1)
    ]
    await feed(desk, "hook", [Item(object="exit", raw={"type": "exit", "data": one}) for one in said], now=at)
    await drain(desk, now=at)
    assert await match_answers(desk, at + timedelta(minutes=2)) == 5
    results = await survey_results(desk, since=TUESDAY - DAY, until=WEDNESDAY + DAY, plan=one.id)
    assert list(results.reasons.items()) == [("Preis", 3), ("", 1)]
    assert results.left_others_because == {"Netz": 5}


async def test_answers_find_their_invitations_and_speak_for_those_who_were_not_asked(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    one = plan(expect={"answers": 0.5, "bad": 0.4})
    desk = await open_office(store, tmp_path, one, limit=6)
    await resolve(desk, 60)
    await hold(desk, clients_of(desk, vendor), WEDNESDAY)
    asked = sorted(int(body["data"]["email"][6:].partition("@")[0]) for _, body in vendor.done)
    assert 12 < len(asked) < 50
    at = WEDNESDAY + timedelta(hours=4)
    await tell(desk, [rating(500 + n, n, "good" if n % 3 else "bad", at) for n in asked[:9]], at)
    assert await match_answers(desk, at + timedelta(minutes=2)) == 9
    assert await match_answers(desk, at + timedelta(minutes=9)) == 0
    await tell(desk, [rating(500 + asked[0], asked[0], "bad", at + DAY)], at + DAY)
    await match_answers(desk, at + DAY + timedelta(minutes=2))
    results = await survey_results(desk, since=TUESDAY - DAY, until=WEDNESDAY + DAY, plan=one.id)
    assert (results.drawn, results.invited, results.answered) == (60, len(asked), 9)
    good = sum(bool(n % 3) for n in asked[1:9])
    assert results.plain is not None and results.plain.value == pytest.approx(100 * good / 9)
    assert results.weighted is not None and results.weighted.value == pytest.approx(100 * good / 9)
    assert results.coverage == 1.0
    assert [(one.drawn, one.answered) for one in results.strata] == [(60, 9)]
    assert results.response_rate == pytest.approx(9 / len(asked))


async def test_a_preview_says_what_a_tranche_then_does_and_writes_nothing(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    one = plan(expect={"answers": 0.5, "bad": 0.4})
    desk = await open_office(store, tmp_path, one, limit=2)
    await resolve(desk, 30)
    await opt_out(desk, "email:person1@example.de", reason="link", now=TUESDAY)
    said = await preview(desk, one, WEDNESDAY)
    assert await states(database_url) == {}
    assert (said.came_up, said.barred, said.whole) == (30, {"opted_out": 1}, True)
    await hold(desk, clients_of(desk, vendor), WEDNESDAY)
    assert (await tranches(store, one))[0].sizes == said.sizes


async def test_a_preview_says_where_it_did_not_look_at_everybody(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    one = plan()
    desk = await open_office(store, tmp_path, one)
    await resolve(desk, 30)
    assert (await preview(desk, one, WEDNESDAY, most=30)).whole is True
    said = await preview(desk, one, WEDNESDAY, most=10)
    assert (said.came_up, said.sizes.ready, said.whole) == (10, 10, False)
    said = await preview(desk, one, WEDNESDAY, seconds=0)
    assert said.came_up < 30 and said.whole is False


async def test_a_preview_of_a_plan_that_is_off_shows_the_last_days(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    one = plan(mode="off")
    desk = await open_office(store, tmp_path, one)
    await resolve(desk, 3)
    assert (await preview(desk, one, WEDNESDAY)).sizes.ready == 3


async def test_an_answer_finds_its_invitation_after_a_merge(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await open_office(store, tmp_path, plan())
    await resolve(desk, 2)
    await hold(desk, clients_of(desk, vendor), WEDNESDAY)
    rows = await query(database_url, "select customer, source_id from profiles where source = 'helpdesk' order by 2")
    (one, _), (other, _) = rows
    await merge(desk, one, other, by="key:1", evidence={}, now=WEDNESDAY)
    at = WEDNESDAY + timedelta(hours=1)
    await tell(desk, [rating(501, 1, "good", at)], at)
    assert await match_answers(desk, at + timedelta(minutes=1)) == 1
    assert len(await query(database_url, "select 1 from survey_occasions where answered_at is not null")) == 1
    assert {one, other} == {row[0] for row in await query(database_url, "select customer from survey_occasions")}


async def test_a_worker_holds_tranches_and_finds_answers(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await open_office(store, tmp_path, plan())
    await resolve(desk, 1)
    at = [WEDNESDAY]
    worker = Worker(desk=desk, clock=lambda: at[0])
    while not await worker.ask():
        pass
    assert await states(database_url) == {"invited": 1}
    at[0] += timedelta(hours=1)
    await tell(desk, [rating(501, 1, "good", at[0])], at[0])
    at[0] += timedelta(minutes=2)
    await worker.ask()
    assert await query(database_url, "select score, scale from survey_occasions") == [(1.0, 1.0)]


async def test_whoever_the_crm_names_has_time_for_surveys_before_their_first_loop(store: Store, tmp_path: Path) -> None:
    one = plan()
    desk = await open_office(store, tmp_path, one)
    groups = {Cell("Jana Brandt", "gold", "low"): Group(ready=3, expected=0.6, answers=0.25)}
    sizes = await size_for(desk, one, groups, WEDNESDAY)
    assert (sizes.free, sizes.asked) == ({"Jana Brandt": 10.0}, 3.0)


async def test_a_worker_hears_between_two_pages_that_the_survey_was_switched_off(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    one = plan()
    desk = await open_office(store, tmp_path, one)
    await resolve(desk, 1)
    worker = Worker(desk=desk, clock=lambda: WEDNESDAY)
    await worker.ask()
    assert await states(database_url) == {"waiting": 1}
    await switch_survey(store, one, "off", by="key:1", now=WEDNESDAY)
    for _ in range(5):
        await worker.ask()
    assert await states(database_url) == {"waiting": 1}
