"""What an automation does is told from chance, by intention to treat, and never told of too few."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.reports.automation_effect import AutomationEffect, Watched, weigh
from bridge.reports.automation_runs import find_effect
from bridge.store import Store, Unit, micros
from tests.automation.mailing import TUESDAY, Vendor, clients_of, make_office, rule, tell, work
from tests.automation.pastlife import person, told
from tests.desks import drain, feed, ticket, user
from tests.dump import query

NOW = datetime(2026, 11, 22, tzinfo=timezone.utc)


def effect_of(watched: list[Watched], hold_out: float = 0.2) -> AutomationEffect:
    return weigh(
        "sorry",
        watched,
        since=NOW - timedelta(days=365),
        made_at=NOW,
        horizon_days=90,
        open=3,
        hold_out=hold_out,
        currency="EUR",
    )


def company(dice: random.Random, count: int, stay: float, more: float, share: float = 0.2) -> list[Watched]:
    """`count` customers of whom `stay` stay by themselves, and `more` because of it."""
    made = []
    for number in range(count):
        treated = dice.random() >= share
        stays = dice.random() < stay + more * treated
        made.append(
            Watched(
                customer=f"c{number}",
                version="a",
                hold_out=share,
                treated=treated,
                stayed=stays,
                bought=dice.random() < 0.3,
                satisfied=dice.random() < 0.1,
                cost_minor=200 if treated else 0,
                value_minor=5_000,
            )
        )
    return made


def test_an_effect_is_found_with_its_range_and_what_a_customer_kept_costs() -> None:
    found = effect_of(company(random.Random(7), 6_000, stay=0.7, more=0.1))
    stayed = found.outcomes[0]
    assert stayed.verdict == "helps" and stayed.more is not None
    assert stayed.more.low < 0.1 < stayed.more.high and stayed.more.high - stayed.more.low < 0.08
    assert found.kept is not None and found.cost_per_kept is not None
    assert found.cost == pytest.approx(2.0 * found.treated)
    assert found.cost_per_kept.value == pytest.approx(found.cost / found.kept.value)
    assert found.break_even == pytest.approx(200 / 5_000) and found.pays == "yes"
    assert [one.verdict for one in found.outcomes[1:]] == ["unclear", "unclear"]


def test_of_too_few_nothing_is_said_but_how_many_would_be_enough() -> None:
    found = effect_of(company(random.Random(1), 30, stay=0.7, more=0.0))
    assert found.outcomes[0].verdict == "too_few" and found.outcomes[0].more is None
    assert found.kept is None and found.pays == "unclear" and found.open == 3
    assert found.enough is not None and found.enough > 3_000


def test_ranges_hold_the_truth_as_often_as_they_say() -> None:
    dice, held = random.Random(11), 0
    for _ in range(200):
        more = effect_of(company(dice, 400, stay=0.8, more=0.05)).outcomes[0].more
        assert more is not None
        held += more.low <= 0.05 <= more.high
    assert held >= 180


def test_without_a_hold_out_nothing_can_be_compared() -> None:
    found = effect_of(company(random.Random(2), 200, stay=0.7, more=0.1, share=0.0), hold_out=0.0)
    assert found.held_out == 0 and found.outcomes[0].verdict == "too_few" and found.enough is None


def test_a_customer_who_is_kept_is_worth_what_those_are_who_stayed() -> None:
    watched = company(random.Random(3), 400, stay=0.5, more=0.0)
    gone = [msgspec.structs.replace(one, value_minor=0 if one.stayed is False else 8_000) for one in watched]
    assert effect_of(gone).value_each == 80.0
    worthless = [msgspec.structs.replace(one, value_minor=-100) for one in watched]
    found = effect_of(worthless)
    assert (found.break_even, found.pays) == (None, "no")


@given(st.integers(0, 2**32), st.integers(0, 120), st.sampled_from((0.0, 0.1, 0.5)))
def test_figures_are_of_those_who_were_watched(seed: int, count: int, share: float) -> None:
    watched = company(random.Random(seed), count, stay=0.5, more=0.2, share=share)
    found = effect_of(watched, share)
    assert found.treated + found.held_out == count
    for outcome in found.outcomes:
        for group in (outcome.treated_share, outcome.held_out_share):
            assert group is None or 0 <= group <= 1
        if outcome.more is not None:
            assert outcome.more.low <= outcome.more.value <= outcome.more.high
            assert (outcome.verdict == "helps") == (outcome.more.low > 0)


async def test_the_store_tells_who_was_treated_who_held_out_and_what_they_did(store: Store, tmp_path: Path) -> None:
    desk = await make_office(store, tmp_path, rule(hold_out=0.4))
    vendor, people = Vendor(), 40
    await tell(desk, [user(number) for number in range(1, people + 1)])
    await tell(desk, [ticket(number, number, at=TUESDAY) for number in range(1, people + 1)])
    later = TUESDAY + timedelta(minutes=1)
    await work(desk, clients_of(desk, vendor), later)
    happy = later + timedelta(days=3)
    answers = [
        told("nps", happy, id=f"s{number}", email=f"person{number}@example.de", score=9) for number in range(1, 11)
    ]
    await feed(desk, "hook", answers, now=happy)
    await feed(desk, "hook", [person(99, happy)], now=happy)
    await drain(desk, now=happy)
    since = TUESDAY - timedelta(days=1)
    early = await find_effect(desk, "sorry", now=happy, since=since, horizon_days=30)
    assert (early.treated, early.held_out, early.open) == (0, 0, people)
    found = await find_effect(desk, "sorry", now=later + timedelta(days=31), since=since, horizon_days=30)
    assert found.treated == len(vendor.done) and found.treated + found.held_out == people and found.open == 0
    satisfied = found.outcomes[2]
    assert satisfied.what == "satisfied"
    good = (satisfied.treated_share or 0) * satisfied.treated + (satisfied.held_out_share or 0) * satisfied.held_out
    assert round(good) == 10
    assert found.cost == pytest.approx(0.02 * found.treated)


async def test_what_is_sent_after_the_horizon_costs_nothing_and_who_became_one_counts_once(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    desk = await make_office(store, tmp_path, rule())
    await tell(desk, [user(1), ticket(1, 1, at=TUESDAY)])
    begun = TUESDAY + timedelta(minutes=1)
    await work(desk, clients_of(desk, Vendor()), begun)
    ((customer, version),) = await query(database_url, "select customer, version from runs")
    unit = Unit()
    run: dict[str, Any] = {
        "automation": "sorry",
        "version": version,
        "mode": "on",
        "cause": "x",
        "fact": "f",
        "kind": "ticket.opened",
    }
    done: dict[str, Any] = {"data": "{}", "reason": "", "finished_at": None, "due_at": 0, "occurred_at": 0}
    later = micros(begun + timedelta(days=40))
    unit.add("automations.put_run", **run, **done, id="r1", customer=customer, created_at=later, state="done")
    step: dict[str, Any] = {
        "step": 0,
        "at": later,
        "action": "send_email",
        "result": "enqueued",
        "reason": "",
        "until": None,
    }
    unit.add("automations.add_step", **step, run="r1", customer=customer)
    sent: dict[str, Any] = {
        "source": "hook",
        "action": "send_email",
        "args": "{}",
        "fact": "f",
        "automation": "sorry",
        "step": 0,
    }
    empty: dict[str, Any] = {
        "channel": "email",
        "address": "",
        "purpose": "",
        "apology": 0,
        "due_at": later,
        "created_at": later,
    }
    unit.add("outbox.put", **sent, **empty, customer=customer, run="r1", dedupe_key="k1", cost_minor=500)
    await store.write(unit)
    await query(database_url, "update outbox set state = 'sent' where run = 'r1'")
    asked: dict[str, Any] = {
        "since": TUESDAY - timedelta(days=2),
        "now": begun + timedelta(days=90),
        "horizon_days": 30,
    }
    found = await find_effect(desk, "sorry", **asked)
    assert (found.treated, found.held_out, found.cost) == (1, 0, 0.02)
    unit = Unit()
    unit.add("customers.put", id="c_old", created_at=0, merged_into=customer, due_at=1 << 60, due_origin="live")
    before = micros(begun - timedelta(hours=1))
    unit.add("automations.put_run", **run, **done, id="r0", customer="c_old", created_at=before, state="held_out")
    await store.write(unit)
    found = await find_effect(desk, "sorry", **asked)
    assert (found.treated, found.held_out, found.open) == (0, 1, 0)
