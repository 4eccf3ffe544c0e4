"""What is promised of every message: once, only for what happens now, and only while nothing speaks against it."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.acting.advancing import advance_due
from bridge.acting.approaching import opt_out
from bridge.acting.sending import HELD
from bridge.acting.sweeping import sweep_once
from bridge.adapter.base import Item
from bridge.automation import outbox
from bridge.automation.register import pause, switch
from bridge.flow import Desk, merge, split
from bridge.store import Store, open_store
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
from tests.automation.pastlife import person
from tests.desks import drain, feed, ticket, user
from tests.dump import query

LATER = TUESDAY + timedelta(minutes=1)
CALL = {"schedule_callback": {"reason": {"de": "Nachfragen", "en": "Ask"}}}
AT_RISK = {"when": {"fact": "risk.rose"}, "at_most": None, "window": 30}


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


# What happens once


async def _messages(folder: Path, deliveries: list[Item], known: list[Item], part: int) -> tuple[list[str], set[str]]:
    """The addresses written to, and the runs that there were, when `deliveries` come part by part."""
    url = f"sqlite:///{folder / 'bridge.db'}"
    folder.mkdir()
    store = await open_store(url)
    vendor = Vendor()
    desk = await make_office(store, folder, rule(at_most={"times": 100, "days": 1}))
    desk.rules = _without_caps(desk)
    await tell(desk, known, most=500)
    clients = clients_of(desk, vendor)
    for start in range(0, len(deliveries), part):
        await tell(desk, deliveries[start : start + part], most=500)
        if start % (4 * part) == 0:
            await work(desk, clients, LATER)
    await work(desk, clients, LATER)
    runs = {row[0] for row in await query(url, "select id from runs")}
    assert len({key for key, _ in vendor.done}) == len(vendor.done)
    await store.close()
    return sent_to(vendor), runs


def _without_caps(desk: Desk) -> Any:
    outreach = msgspec.structs.replace(desk.rules.outreach, service_caps=())
    return msgspec.structs.replace(desk.rules, outreach=outreach)


def _told_often(chance: random.Random, tickets: int, customers: int, deliveries: int) -> tuple[list[Item], list[Item]]:
    """Every ticket once as it was opened, and all of it told many times, in older and newer versions, in any order."""
    happened = [ticket(number, number % customers + 1, at=TUESDAY) for number in range(1, tickets + 1)]
    messy = list(happened)
    while len(messy) < deliveries:
        number = chance.randrange(1, tickets + 1)
        again = happened[number - 1].raw
        if chance.random() < 0.5:
            stamp = (TUESDAY + timedelta(seconds=chance.randrange(50))).strftime("%Y-%m-%dT%H:%M:%SZ")
            again = again | {"updated_at": stamp, "subject": f"Anschluss {stamp}", "priority": "high"}
        messy.append(Item(object="ticket", raw=again))
    chance.shuffle(messy)
    return happened, messy


async def test_ten_thousand_duplicated_and_shuffled_deliveries_cause_exactly_the_messages_of_the_clean_run(
    tmp_path: Path,
) -> None:
    happened, messy = _told_often(random.Random(8), tickets=700, customers=300, deliveries=10_000)
    clean = await _messages(tmp_path / "clean", happened, people(300), part=500)
    assert await _messages(tmp_path / "messy", messy, people(300), part=500) == clean
    assert len(clean[0]) == len(clean[1]) == 700


@given(seed=st.integers(0, 1 << 30), part=st.integers(1, 30))
@settings(max_examples=6)
async def test_however_deliveries_are_duplicated_shuffled_and_cut_the_messages_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, seed: int, part: int
) -> None:
    folder = tmp_path_factory.mktemp("office")
    happened, messy = _told_often(random.Random(seed), tickets=12, customers=5, deliveries=60)
    clean = await _messages(folder / "clean", happened, people(5), part=100)
    assert await _messages(folder / "messy", messy, people(5), part=part) == clean


# Customers who turn out to be one, or two


async def test_of_two_messages_to_customers_who_turn_out_to_be_one_the_older_goes(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await make_office(store, tmp_path, rule(at_most={"times": 1, "days": 30}))
    await tell(desk, [*people(2), ticket(1, 1, at=TUESDAY)])
    await advance_due(desk, most=9, now=LATER)
    await tell(desk, [ticket(2, 2, at=TUESDAY)])
    await advance_due(desk, most=9, now=LATER + timedelta(seconds=5))
    assert await outbox.count(store) == {"due": 2}
    known = await customers_of(database_url)
    await merge(desk, known["1"], known["2"], by="key:1", evidence={}, now=LATER)
    await work(desk, clients_of(desk, vendor), LATER + timedelta(seconds=9))
    assert sent_to(vendor) == ["person1@example.de"]
    assert await outbox.count(store) == {"refused": 1, "sent": 1}
    assert ("refused", "at_most") in await reasons_of(database_url)


async def test_what_has_no_record_as_its_cause_is_said_once_to_customers_who_turn_out_to_be_one(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    daily = rule(id="daily", when={"fact": "schedule.due", "schedule": {"weekday": "tuesday"}}, at_most=None)
    desk = await make_office(store, tmp_path, daily, now=TUESDAY - timedelta(days=3))
    desk.rules = _without_caps(desk)
    await tell(desk, people(2), TUESDAY - timedelta(days=3))
    while await sweep_once(desk, TUESDAY):
        pass
    known = await customers_of(database_url)
    ((first,),) = await query(database_url, "select customer from runs order by due_at, id limit 1")
    await advance_due(desk, most=1, now=LATER)
    number = await merge(desk, known["1"], known["2"], by="key:1", evidence={}, now=LATER)
    await query(database_url, "update runs set lease_until = 0 returning 1")
    await work(desk, clients_of(desk, vendor), LATER)
    assert len(vendor.done) == 1
    assert ("refused", "already_sent") in await reasons_of(database_url)
    await split(desk, number, by="key:1", now=LATER)
    await work(desk, clients_of(desk, vendor), LATER + timedelta(hours=1))
    assert len(vendor.done) == 1 and first in known.values()


async def test_who_was_split_off_meanwhile_gets_no_message_of_the_others(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await make_office(store, tmp_path, rule())
    await tell(desk, people(2))
    known = await customers_of(database_url)
    number = await merge(desk, known["1"], known["2"], by="key:1", evidence={}, now=TUESDAY)
    await tell(desk, [ticket(1, 1, at=TUESDAY), ticket(2, 2, at=TUESDAY)])
    await advance_due(desk, most=9, now=LATER)
    assert await query(database_url, "select distinct address from outbox") == [("email:person1@example.de",)]
    await split(desk, number, by="key:1", now=LATER)
    await work(desk, clients_of(desk, vendor), LATER)
    counts = await outbox.count(store)
    assert sum(counts.values()) == 2 and sent_to(vendor) == ["person1@example.de"] * counts.get("sent", 0)
    owners = await customers_of(database_url)
    sent_for = await query(database_url, "select customer from outbox where state = 'sent'")
    assert {row[0] for row in sent_for} <= {owners["1"]}


async def test_a_customer_who_is_gone_is_written_to_no_more(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await make_office(store, tmp_path, rule(), rule(id="slow", do=[{"wait": {"hours": 1}}, *APOLOGY["do"]]))
    await tell(desk, [*people(1), ticket(9, 1, at=TUESDAY)])
    await advance_due(desk, most=9, now=LATER)
    await tell(desk, [user(1, at=LATER, active=False)], LATER)
    await work(desk, clients_of(desk, vendor), LATER + timedelta(hours=2))
    assert vendor.done == [] and await outbox.count(store) == {"refused": 1}
    assert await query(database_url, "select state, reason from runs where automation = 'slow'") == [
        ("stopped", "customer_gone")
    ]


# What speaks against it in between


def _objects(desk: Desk) -> list[Item]:
    return [user(1, at=LATER, email="another@example.de")]


async def _opts_out(desk: Desk, url: str) -> None:
    await opt_out(desk, "email:person1@example.de", reason="link", now=LATER)


async def _moves(desk: Desk, url: str) -> None:
    await tell(desk, _objects(desk), LATER)


async def _is_switched_off(desk: Desk, url: str) -> None:
    await switch(desk.store, "sorry", "off", by="key:1", now=LATER)


async def _has_another_matter(desk: Desk, url: str) -> None:
    await tell(desk, [ticket(8, 1, at=LATER, type="question")], LATER)


@pytest.mark.parametrize(
    ("happens", "changes", "reason"),
    [
        (_opts_out, {}, "opted_out"),
        (_moves, {}, "no_address"),
        (_is_switched_off, {}, "switched_off"),
        (_has_another_matter, {"while_ticket_open": "refuse"}, "ticket_open"),
    ],
)
async def test_what_happens_between_the_decision_and_the_sending_still_counts(
    store: Store,
    database_url: str,
    tmp_path: Path,
    vendor: Vendor,
    happens: Callable[[Desk, str], Any],
    changes: dict[str, Any],
    reason: str,
) -> None:
    desk = await make_office(store, tmp_path, rule(budget={"amount": 1}, **changes))
    await tell(desk, [*people(1), ticket(9, 1, at=TUESDAY)])
    await advance_due(desk, most=9, now=LATER)
    assert await outbox.count(store) == {"due": 1}
    await happens(desk, database_url)
    await work(desk, clients_of(desk, vendor), LATER)
    assert vendor.done == [] and await outbox.count(store) == {"refused": 1}
    assert await reasons_of(database_url) == [("enqueued", ""), ("refused", reason)]
    assert await query(database_url, "select spent_minor from automation_spending") == [(0,)]


async def test_a_message_waits_while_a_matter_is_open_and_is_given_up_after_the_patience(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await make_office(store, tmp_path, rule(while_ticket_open="wait"))
    await tell(desk, [*people(1), ticket(9, 1, at=TUESDAY)])
    await advance_due(desk, most=9, now=LATER)
    await _has_another_matter(desk, database_url)
    clients = clients_of(desk, vendor)
    for day in range(9):
        await work(desk, clients, LATER + timedelta(days=day))
        due = await outbox.count(store)
        assert due == ({"due": 1} if day < 7 else due)
    assert await outbox.count(store) == {"refused": 1}
    assert (await reasons_of(database_url))[-1] == ("refused", "gave_up_waiting")


async def test_a_run_that_never_may_write_gives_up_and_says_so(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await make_office(store, tmp_path, rule(while_ticket_open="wait"))
    await tell(desk, [*people(1), ticket(9, 1, at=TUESDAY), ticket(8, 1, at=TUESDAY, type="question")])
    for day in range(9):
        await work(desk, clients_of(desk, vendor), LATER + timedelta(days=day))
    assert vendor.done == [] and await outbox.count(store) == {}
    assert await query(database_url, "select state, reason from runs") == [("refused", "gave_up_waiting")]


async def test_for_who_died_in_between_nothing_at_all_is_done_any_more(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    note = {"add_note": {"through": "hook", "text": {"de": "Bitte anrufen", "en": "Please call"}}}
    desk = await make_office(store, tmp_path, rule(do=[{"wait": {"hours": 1}}, note, *APOLOGY["do"]]))
    await tell(desk, [user(1, email="u1@example.org"), ticket(9, 1, at=TUESDAY)])
    await work(desk, clients_of(desk, vendor), LATER)
    await feed(desk, "hook", [person(1, LATER, deceased=True)], now=LATER)
    await drain(desk, now=LATER)
    await work(desk, clients_of(desk, vendor), LATER + timedelta(hours=2))
    assert vendor.done == [] and await outbox.count(store) == {}
    assert await query(database_url, "select state, reason from runs") == [("refused", "deceased")]


async def test_a_step_that_no_source_can_do_is_left_out_and_the_next_is_done(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    ticket_elsewhere = {
        "create_ticket": {
            "through": "nowhere",
            "subject": {"de": "Nachfassen", "en": "Follow up"},
            "text": {"de": "Bitte", "en": "Please"},
        }
    }
    desk = await make_office(store, tmp_path, rule(do=[ticket_elsewhere, *APOLOGY["do"]]))
    await tell(desk, [*people(1), ticket(9, 1, at=TUESDAY)])
    await work(desk, clients_of(desk, vendor), LATER)
    assert len(vendor.done) == 1
    assert (await reasons_of(database_url))[0] == ("refused", "no_source")
    assert await query(database_url, "select state, reason from runs") == [("done", "no_source")]


async def test_while_all_is_paused_what_is_enqueued_rests(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await make_office(store, tmp_path, rule())
    await tell(desk, [*people(1), ticket(9, 1, at=TUESDAY)])
    await advance_due(desk, most=9, now=LATER)
    await pause(store, True, by="key:1", now=LATER)
    clients = clients_of(desk, vendor)
    await work(desk, clients, LATER)
    assert vendor.done == [] and await outbox.count(store) == {"due": 1}
    await pause(store, False, by="key:1", now=LATER)
    await work(desk, clients, LATER + HELD)
    assert len(vendor.done) == 1


async def test_a_run_whose_version_is_gone_or_whose_rule_is_switched_off_stops(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await make_office(store, tmp_path, rule(do=[{"wait": {"hours": 1}}, *APOLOGY["do"]]))
    await tell(desk, [*people(1), ticket(9, 1, at=TUESDAY)])
    await work(desk, clients_of(desk, vendor), LATER)
    await switch(store, "sorry", "dry", by="key:1", now=LATER)
    await work(desk, clients_of(desk, vendor), LATER + timedelta(hours=2))
    assert vendor.done == []
    assert await query(database_url, "select state, reason from runs") == [("stopped", "switched_off")]


async def test_an_erased_run_s_message_is_not_sent(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await make_office(store, tmp_path, rule())
    await tell(desk, [*people(2), ticket(8, 1, at=TUESDAY), ticket(9, 2, at=TUESDAY)])
    await advance_due(desk, most=9, now=LATER)
    await query(database_url, "delete from runs where id = (select min(id) from runs) returning 1")
    await query(database_url, "update outbox set step = 7 where run = (select max(id) from runs) returning 1")
    await work(desk, clients_of(desk, vendor), LATER)
    assert vendor.done == [] and await outbox.count(store) == {"refused": 2}
    reasons = await query(database_url, "select error from outbox order by error")
    assert reasons == [("customer_gone",), ("switched_off",)]
