"""From a fact to a message at the far side, through everything real but the vendor."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.acting.advancing import advance_due
from bridge.acting.approaching import opt_out
from bridge.automation import outbox
from bridge.automation.register import pause, roll_back, save, switch, versions
from bridge.facts import Origin
from bridge.flow import Desk, mark_due, merge, refresh_due, split
from bridge.store import Store, open_store
from tests.automation.mailing import APOLOGY, TUESDAY, Vendor, clients_of, make_office, people, rule, tell, work
from tests.desks import drain, feed, ticket, user
from tests.dump import query

LATER = TUESDAY + timedelta(minutes=1)


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


async def _runs(url: str) -> list[tuple[str, str, str]]:
    return [tuple(row) for row in await query(url, "select automation, state, reason from runs order by id")]


async def test_a_fact_becomes_a_message_once(store: Store, database_url: str, tmp_path: Path, vendor: Vendor) -> None:
    desk = await make_office(store, tmp_path, rule())
    await tell(desk, [*people(1), ticket(9, 1, at=TUESDAY)])
    await work(desk, clients_of(desk, vendor), LATER)
    ((_, body),) = vendor.done
    assert body["type"] == "action.send_email"
    assert body["data"] == {
        "to": "person1@example.de",
        "subject": "Es tut uns leid",
        "text": "Guten Tag Person 1,\n\nWir kümmern uns.\n\nFreundliche Grüße",
        "name": "Person 1",
    }
    assert await _runs(database_url) == [("sorry", "done", "")]
    await tell(desk, [ticket(9, 1, at=TUESDAY), ticket(9, 1, at=LATER, subject="Anders")], LATER)
    await work(desk, clients_of(desk, vendor), LATER)
    assert len(vendor.done) == 1


async def test_a_run_waits_and_stops_when_the_matter_is_settled(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    do = [*APOLOGY["do"], {"wait": {"days": 3}}, {"stop_if": {"since.resolved": {"at_least": 1}}}]
    call = {"schedule_callback": {"reason": {"de": "Nachfragen", "en": "Ask"}}}
    desk = await make_office(store, tmp_path, rule(do=[*do, call]))
    phones = [user(1, phone="030 23125042"), user(2, phone="030 23125043")]
    await tell(desk, [*phones, ticket(8, 1, at=TUESDAY), ticket(9, 2, at=TUESDAY)])
    await work(desk, clients_of(desk, vendor), LATER)
    await tell(desk, [ticket(9, 2, at=TUESDAY + timedelta(days=1), status="solved")], TUESDAY + timedelta(days=1))
    assert len(vendor.done) == 2
    friday = TUESDAY + timedelta(days=3, hours=1)
    await work(desk, clients_of(desk, vendor), friday)
    assert [body["data"]["phone"] for _, body in vendor.done[2:]] == ["+493023125042"]
    assert sorted(await _runs(database_url)) == [("sorry", "done", ""), ("sorry", "stopped", "stop_if")]


@pytest.mark.parametrize("origin", [Origin.first_import, Origin.replay, Origin.remap])
async def test_what_is_no_news_writes_to_nobody(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor, origin: Origin
) -> None:
    desk = await make_office(store, tmp_path, rule())
    await feed(
        desk, "helpdesk", [*people(2), ticket(9, 1, at=TUESDAY), ticket(8, 2, at=TUESDAY)], now=TUESDAY, origin=origin
    )
    await drain(desk, now=TUESDAY)
    await tell(desk, [ticket(9, 1, at=LATER, subject="Noch einmal")], LATER)
    await mark_due(desk, [row[0] for row in await query(database_url, "select id from customers")], Origin.refresh)
    await refresh_due(desk, most=9, now=LATER)
    await work(desk, clients_of(desk, vendor), LATER)
    assert vendor.done == [] and await _runs(database_url) == []


async def test_what_happened_before_it_was_switched_on_sets_nothing_off(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await make_office(store, tmp_path, rule(), mode="off")
    await switch(store, "sorry", "on", by="key:1", now=TUESDAY)
    await desk.look_up()
    early = TUESDAY - timedelta(minutes=5)
    old = TUESDAY - timedelta(days=30)
    await tell(desk, [*people(2), ticket(7, 1, at=early), ticket(8, 2, at=old)], LATER)
    await work(desk, clients_of(desk, vendor), LATER)
    assert vendor.done == [] and await _runs(database_url) == []


async def test_a_dry_run_does_everything_but_send(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await make_office(store, tmp_path, rule(), mode="dry")
    await tell(desk, [*people(1), ticket(9, 1, at=TUESDAY)])
    await work(desk, clients_of(desk, vendor), LATER)
    assert vendor.done == [] and await outbox.count(store) == {}
    assert await _runs(database_url) == [("sorry", "dry", "")]
    assert await query(database_url, "select action, result from run_steps") == [("send_email", "would")]


async def test_what_was_tried_dry_does_not_keep_from_being_done(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await make_office(store, tmp_path, rule(when={"fact": "ticket.reopened"}), mode="dry")
    await tell(desk, [*people(1), ticket(9, 1, at=TUESDAY, status="solved")])
    await tell(desk, [ticket(9, 1, at=LATER)], LATER)
    await work(desk, clients_of(desk, vendor), LATER)
    await switch(store, "sorry", "on", by="key:1", now=LATER + timedelta(minutes=1))
    await desk.look_up()
    again = LATER + timedelta(hours=2)
    await tell(desk, [ticket(9, 1, at=again - timedelta(hours=1), status="solved")], again)
    await tell(desk, [ticket(9, 1, at=again)], again)
    await work(desk, clients_of(desk, vendor), again)
    assert sorted(await _runs(database_url)) == [("sorry", "done", ""), ("sorry", "dry", "")]
    assert len(vendor.done) == 1


async def test_nothing_is_begun_or_sent_while_all_is_paused(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await make_office(store, tmp_path, rule())
    await pause(store, True, by="key:1", now=TUESDAY)
    await tell(desk, [*people(1), ticket(9, 1, at=TUESDAY)])
    await work(desk, clients_of(desk, vendor), LATER)
    assert await _runs(database_url) == [("sorry", "waiting", "")]
    await pause(store, False, by="key:1", now=LATER)
    await work(desk, clients_of(desk, vendor), LATER)
    assert len(vendor.done) == 1


async def test_who_wants_no_more_in_between_gets_no_more(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await make_office(store, tmp_path, rule(budget={"amount": 1}))
    await tell(desk, [*people(1), ticket(9, 1, at=TUESDAY)])
    await advance_due(desk, most=9, now=LATER)
    assert await outbox.count(store) == {"due": 1}
    assert await query(database_url, "select spent_minor from automation_spending") == [(2,)]
    await opt_out(desk, "email:person1@example.de", reason="link", now=LATER)
    await work(desk, clients_of(desk, vendor), LATER)
    assert vendor.done == [] and await outbox.count(store) == {"refused": 1}
    assert await query(database_url, "select result, reason from run_steps order by number") == [
        ("enqueued", ""),
        ("refused", "opted_out"),
    ]
    assert await query(database_url, "select spent_minor from automation_spending") == [(0,)]


async def test_a_message_waits_for_the_morning_and_a_spent_budget_refuses(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    night = datetime(2026, 11, 24, 22, tzinfo=timezone.utc)
    desk = await make_office(store, tmp_path, rule(budget={"amount": 0.05, "every": "day"}))
    await tell(desk, [*people(3), *(ticket(n, n, at=night) for n in (1, 2, 3))], night)
    await work(desk, clients_of(desk, vendor), night)
    assert vendor.done == []
    assert await query(database_url, "select distinct reason from run_steps") == [("quiet_hours",)]
    await work(desk, clients_of(desk, vendor), night + timedelta(hours=9, minutes=1))
    assert len(vendor.done) == 2
    states = sorted(await _runs(database_url))
    assert states == [("sorry", "done", ""), ("sorry", "done", ""), ("sorry", "refused", "budget_spent")]


async def test_a_hold_out_and_a_roll_out_leave_people_out_and_say_so(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await make_office(store, tmp_path, rule(hold_out=0.3, roll_out=0.5))
    await tell(desk, [*people(60), *(ticket(n, n, at=TUESDAY) for n in range(1, 61))])
    await work(desk, clients_of(desk, vendor), LATER)
    states = [(state, reason) for _, state, reason in await _runs(database_url)]
    counts = {one: states.count(one) for one in set(states)}
    assert set(counts) == {("done", ""), ("held_out", ""), ("refused", "not_rolled_out")}
    assert 15 <= counts[("refused", "not_rolled_out")] <= 45 and counts[("done", "")] == len(vendor.done)


async def test_versions_can_be_rolled_back_and_what_is_under_way_keeps_its_own(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    first = rule(do=[{"wait": {"hours": 1}}, *APOLOGY["do"]])
    desk = await make_office(store, tmp_path, first)
    await tell(desk, [*people(1), ticket(9, 1, at=TUESDAY)])
    await work(desk, clients_of(desk, vendor), LATER)
    second = await save(store, rule(do=[{"wait": {"days": 9}}]), mode="on", by="key:1", now=LATER)
    assert second.live_since is not None and second.live_since < LATER
    await work(desk, clients_of(desk, vendor), LATER + timedelta(hours=2))
    assert len(vendor.done) == 1
    back = await roll_back(store, "sorry", first.version, by="key:1", now=LATER)
    assert back.rule.version == first.version
    assert {one.version for one in await versions(store, "sorry")} == {first.version, second.rule.version}


@given(seed=st.integers(0, 1 << 30), size=st.integers(1, 9))
@settings(max_examples=8)
async def test_duplicated_and_shuffled_facts_cause_exactly_the_messages_of_the_clean_run(
    tmp_path_factory: pytest.TempPathFactory, seed: int, size: int
) -> None:
    folder = tmp_path_factory.mktemp("office")
    chance = random.Random(seed)
    happened = [ticket(number, number % 7 + 1, at=TUESDAY) for number in range(1, 15)]
    messy = [*happened, *chance.choices(happened, k=10)]
    chance.shuffle(messy)
    sent = []
    for name, items, most in (("clean", happened, 50), ("messy", messy, size)):
        store = await open_store(f"sqlite:///{folder / name}.db")
        vendor = Vendor()
        desk = await make_office(store, folder / name, rule())
        await tell(desk, people(7))
        clients = clients_of(desk, vendor)
        for start in range(0, len(items), size):
            await tell(desk, items[start : start + size], most=most)
            if most < 50:
                await work(desk, clients, LATER)
        await work(desk, clients, LATER)
        runs = await query(f"sqlite:///{folder / name}.db", "select id from runs")
        sent.append((sorted(runs), sorted(body["data"]["to"] for _, body in vendor.done)))
        assert len({key for key, _ in vendor.done}) == len(vendor.done)
        await store.close()
    assert sent[0] == sent[1]


async def test_merges_and_splits_never_double(store: Store, database_url: str, tmp_path: Path, vendor: Vendor) -> None:
    desk = await make_office(store, tmp_path, rule(at_most={"times": 1, "days": 1}))
    clients = clients_of(desk, vendor)
    await tell(desk, [*people(2), ticket(1, 1, at=TUESDAY)])
    ids = [row[0] for row in await query(database_url, "select customer from profiles order by source_id")]
    await work(desk, clients, LATER)
    number = await merge(desk, ids[0], ids[1], by="key:1", evidence={}, now=LATER)
    await tell(desk, [ticket(2, 2, at=LATER)], LATER)
    await work(desk, clients, LATER)
    await split(desk, number, by="key:1", now=LATER)
    await tell(desk, [ticket(1, 1, at=LATER, subject="x"), ticket(2, 2, at=LATER, subject="y")], LATER)
    await work(desk, clients, LATER + timedelta(minutes=1))
    assert [body["data"]["to"] for _, body in vendor.done] == ["person1@example.de"]


class Killed(BaseException):
    """The process ends here."""


async def test_a_worker_that_is_killed_between_begin_and_end_sends_nothing_twice(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    chance = random.Random(8)
    vendor = Vendor()

    def die(share: float) -> None:
        if chance.random() < share:
            raise Killed

    def before(request: httpx.Request) -> None:
        die(0.15)
        if chance.random() < 0.1:
            raise httpx.ConnectError("refused", request=request)

    vendor.before, vendor.after = before, lambda request: die(0.15)
    desk = await make_office(store, tmp_path, rule())
    count = 40
    await tell(desk, [*people(count), *(ticket(n, n, at=TUESDAY) for n in range(1, count + 1))])
    await _live_and_die(desk, vendor, database_url)
    counts = await outbox.count(store)
    keys = [key for key, _ in vendor.done]
    assert len(keys) == len(set(keys))
    assert sum(counts.values()) == count and set(counts) <= {"sent", "uncertain", "refused"}
    assert counts["uncertain"] > 0 and counts["sent"] <= len(keys) <= counts["sent"] + counts["uncertain"]


async def _live_and_die(desk: Desk, vendor: Vendor, url: str) -> None:
    """Work; whenever the process is killed, another one takes over once the leases have run out."""
    now = LATER
    for _ in range(200):
        try:
            await work(desk, clients_of(desk, vendor), now)
        except Killed:
            pass
        await query(url, "update outbox set lease_until = 0 returning id")
        now += timedelta(minutes=3)
        if not await query(url, "select 1 from outbox where state in ('due', 'sending')"):
            return
