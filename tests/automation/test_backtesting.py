"""A backtest says what would have been done: the very runs, steps and refusals of a worker who lived through it."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bridge.acting.backtesting import preview, replay
from bridge.automation.outreach import Cap
from bridge.automation.rehearsal import Rehearsed
from bridge.flow import Desk
from bridge.store import Store, instant
from bridge.worker import Worker
from tests.automation.mailing import TUESDAY, make_office, people, rule, tell
from tests.automation.pastlife import BEGAN, RULES, Weeks, live, person, told
from tests.desks import NOW, drain, feed, make_desk, read_exports, stamp, ticket, user
from tests.dump import query

Told = dict[str, tuple[Any, ...]]


async def _lived(url: str, automation: str) -> Told:
    """Every run of an automation with its steps, as the worker left them."""
    runs = f"select id, customer, state, reason from runs where automation = '{automation}'"
    steps: dict[str, list[Any]] = {}
    for run, step, at, action, result, reason, until in await query(
        url, "select run, step, at, action, result, reason, until from run_steps order by run, number"
    ):
        told = "done" if result == "enqueued" else result
        ends = None if until is None else instant(until)
        steps.setdefault(run, []).append((step, action, instant(at), told, reason, ends))
    return {id: (customer, state, reason, *steps.get(id, ())) for id, customer, state, reason in await query(url, runs)}


def _rehearsed(runs: list[Rehearsed]) -> Told:
    return {
        run.id: (
            run.customer,
            run.state,
            run.reason,
            *((one.step, one.do, one.at, one.result, one.reason, one.until) for one in run.steps),
        )
        for run in runs
    }


async def _office(store: Store, folder: Path, weeks: Weeks, names: list[str]) -> Desk:
    rules = [rule(id=name, **RULES[name]) for name in names]
    desk = await make_office(store, folder, *rules, now=BEGAN + timedelta(days=1))
    outreach = replace(desk.rules.outreach, unsubscribe="https://example.org/stop", advertising_consent="granted")
    desk.rules = replace(desk.rules, outreach=outreach)
    return desk


@pytest.mark.parametrize("seed", [1, 2, 12])
async def test_a_backtest_tells_every_run_and_step_of_the_worker_who_lived_through_it(
    store: Store, database_url: str, tmp_path: Path, seed: int
) -> None:
    weeks = Weeks(seed, 14, 45)
    desk = await _office(store, tmp_path, weeks, list(RULES))
    vendor = await live(desk, database_url, weeks)
    assert len(vendor.done) > 10
    for name in RULES:
        own = next(one.rule for one in desk.armed if one.id == name)
        runs = [run async for run in replay(desk, own, since=BEGAN, until=weeks.ends)]
        assert _rehearsed([run for run in runs if run.automation == name]) == await _lived(database_url, name), name


async def test_a_budget_is_spent_by_the_clock_over_all_customers(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    weeks = Weeks(5, 24, 40)
    form = RULES["bad_nps"] | {"budget": {"amount": 12.1, "every": "month"}}
    desk = await make_office(store, tmp_path, rule(id="bad_nps", **form), now=BEGAN + timedelta(days=1))
    await live(desk, database_url, weeks)
    lived = await _lived(database_url, "bad_nps")
    spent = [step for _, _, _, *steps in lived.values() for step in steps if step[4] == "budget_spent"]
    assert len(spent) > 1
    found = await preview(desk, desk.armed[0].rule, since=BEGAN, until=weeks.ends, examples=1000, page=5)
    refused = {one.reason: one.count for one in found.refused}
    assert refused["budget_spent"] == len(spent)
    assert found.cost.exhausted and found.cost.exhausted[0].at == min(
        step[2] for step in spent if f"{step[2]:%Y-%m}" == found.cost.exhausted[0].period
    )
    done = [step for _, _, _, *steps in lived.values() for step in steps if step[3] == "done"]
    assert sum(step.done for step in found.steps if step.do != "wait") == len(done)
    assert found.states == dict(_counted(lived))


def _counted(lived: Told) -> dict[str, int]:
    return Counter(state for _, state, *_ in lived.values())


async def test_history_that_was_imported_is_rehearsed_at_its_own_dates(store: Store, tmp_path: Path) -> None:
    desk = await make_desk(store, tmp_path / "exports", now=NOW)
    (tmp_path / "exports" / "kunden.csv").write_text(
        "Kundennummer;Vorname;Nachname;E-Mail;Telefon;Kunde seit\n"
        "K1;Rosa;A;rosa@example.de;030 23125042;01.03.2024\n"
        "K2;Otto;B;otto@example.de;030 23125043;01.10.2026\n"
    )
    (tmp_path / "exports" / "vertraege.csv").write_text(
        "Vertragsnummer;Kundennummer;Tarif;Status;Vertragsbeginn;Vertragsende\n"
        "V1;K1;DSL;beendet;01.03.2024;01.06.2026\nV2;K2;DSL;aktiv;01.10.2026;01.10.2028\n"
    )
    await read_exports(Worker(desk=desk, clock=lambda: NOW))
    long_ago = NOW - timedelta(days=100)
    done = {"status": "solved", "updated_at": stamp(NOW - timedelta(days=90))}
    await feed(desk, "helpdesk", [user(1), ticket(5, 1, at=long_ago, **done)], now=NOW)
    await drain(desk, now=NOW)
    since = NOW - timedelta(days=365)
    opened = await preview(desk, rule(), since=since, until=NOW)
    assert (opened.matched, opened.reached) == (1, 1)
    assert opened.examples[0].at == long_ago
    assert {note.code for note in opened.notes} >= {"no_source"}
    ending = rule(when={"fact": "contract.ending", "days": 60})
    ended = await preview(desk, ending, since=since, until=NOW)
    assert [one.at.date().isoformat() for one in ended.examples] == ["2026-04-01"]  # midnight of the 2nd in Berlin
    begun = await preview(desk, rule(when={"fact": "onboarding.day", "day": 14}), since=since, until=NOW)
    assert [one.at.date().isoformat() for one in begun.examples] == ["2026-10-14"]
    before = await preview(desk, rule(), since=since, until=long_ago)
    assert (before.matched, before.reached, before.weeks[-1].messages) == (0, 0, 0)


async def test_within_a_time_as_many_are_looked_at_as_can_be_and_figures_are_scaled_up(
    store: Store, tmp_path: Path
) -> None:
    desk = await make_office(store, tmp_path, now=TUESDAY)
    await tell(desk, [*people(12), *(ticket(number, number, at=TUESDAY) for number in range(1, 13))])
    since, until = TUESDAY - timedelta(days=1), TUESDAY + timedelta(days=1)
    some = await preview(desk, rule(), since=since, until=until, seconds=0.0, page=3)
    assert (some.looked_at, some.customers, some.estimated) == (3, 12, True)
    assert (some.reached, some.messages, len(some.examples)) == (12, 12, 3)
    done: list[int] = []

    def report(looked: int, of_all: int) -> None:
        assert of_all == 12
        done.append(looked)

    every = await preview(desk, rule(), since=since, until=until, report=report, page=3)
    assert (every.looked_at, every.estimated, every.reached) == (12, False, 12) and done == [3, 6, 9, 12]


async def test_it_is_said_where_the_past_tells_of_no_such_facts_or_does_not_reach_back(
    store: Store, tmp_path: Path
) -> None:
    desk = await make_office(store, tmp_path, now=TUESDAY)
    since, until = TUESDAY - timedelta(days=90), TUESDAY + timedelta(days=10)
    await tell(desk, [*people(60), ticket(1, 1, at=TUESDAY)])

    async def noted() -> dict[str, str]:
        return {one.code: one.place for one in (await preview(desk, rule(), since=since, until=until)).notes}

    assert "short_history" not in await noted()  # one alone may well have come late
    none = await preview(desk, rule(when={"fact": "ticket.reopened"}), since=since, until=until)
    assert "no_history" in {one.code for one in none.notes}
    await tell(desk, [ticket(number, number, at=TUESDAY) for number in range(2, 60)])
    found = await noted()
    assert found["short_history"] == f"{TUESDAY:%Y-%m-%d}" and "no_history" not in found


async def test_two_automations_at_one_customer_are_named_with_whose_message_went_first(
    store: Store, tmp_path: Path
) -> None:
    offer = rule(id="offer", purpose="advertising", when={"fact": "ticket.resolved"})
    desk = await make_office(store, tmp_path, offer, now=TUESDAY)
    careless = replace(desk.rules.outreach, unsubscribe="https://example.org/stop", caps=(Cap(messages=1, days=3),))
    desk.rules = replace(desk.rules, outreach=replace(careless, advertising_consent="granted"))
    later = TUESDAY + timedelta(hours=1)
    await feed(desk, "hook", [person(1, TUESDAY, consents={"email": "granted"})], now=TUESDAY)
    await feed(desk, "hook", [told("ticket", TUESDAY, id="t1", customer_id="u1", type="problem", status="open",
                                   opened=stamp(TUESDAY))], now=TUESDAY)  # fmt: skip
    await drain(desk, now=TUESDAY)
    await feed(desk, "hook", [told("ticket", later, id="t1", customer_id="u1", type="problem", status="resolved",
                                   opened=stamp(TUESDAY), resolved=stamp(later))], now=later)  # fmt: skip
    await drain(desk, now=later)
    found = await preview(desk, rule(), since=TUESDAY - timedelta(days=1), until=TUESDAY + timedelta(days=2))
    assert [(one.automation, one.takes, one.loses) for one in found.conflicts] == [("offer", 0, 1)]
