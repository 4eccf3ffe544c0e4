"""The worker's loops: refetching, giving up, keeping fresh, tidying, and outliving what it trips over."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.adapter.base import Adapter, Item, Refetch
from bridge.adapter.client import Client
from bridge.decisions import decide
from bridge.errors import Superseded, VendorError, VendorRefused, VendorRetryable
from bridge.flow import Desk
from bridge.flow.drifting import last_drift
from bridge.store import Store, find_answer
from bridge.worker import LEAST, MOST, TRANSACTION_SECONDS, Pace, Worker
from tests.desks import NOW, drain, feed, go_live, make_desk, read_exports, ticket, user
from tests.dump import query
from tests.patience import PATIENCE_SECONDS, eventually

HINT = Item(object="hint", raw={"id": 7})


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def desk(store: Store, tmp_path: Path) -> Desk:
    return await make_desk(store, tmp_path / "exports")


def hints(desk: Desk, answer: Any) -> Adapter:
    """Let the helpdesk's `hint` items ask for user 7, and a fetch of it give `answer`."""
    adapter = desk.registry.adapter("helpdesk")
    read = adapter.read

    async def fetch(client: Client, wanted: Refetch) -> list[Item]:
        found = answer()
        if isinstance(found, VendorError):
            raise found
        return [found]

    vars(adapter)["read"] = lambda item: [Refetch(object="user", id="7")] if item.object == "hint" else read(item)
    vars(adapter)["fetch"] = fetch
    return adapter


async def states(desk: Desk) -> dict[str, int]:
    return {row[1]: row[2] for row in await desk.store.all("inbox.states")}


async def test_a_hint_is_fetched_and_what_comes_back_is_absorbed(desk: Desk) -> None:
    hints(desk, lambda: user(7))
    await feed(desk, "helpdesk", [HINT])
    at_work = Worker(desk=desk, clock=Clock())
    while await at_work.drain_once():
        pass
    assert await states(desk) == {"mapped": 2}
    assert await find_answer(desk.store, "id", "helpdesk:7") is not None


async def test_a_fetch_that_fails_waits_and_is_tried_again_until_it_is_enough(desk: Desk) -> None:
    clock, tries = Clock(), []

    def answer() -> VendorError:
        tries.append(clock.now)
        return VendorRetryable("helpdesk", "down")

    hints(desk, answer)
    await feed(desk, "helpdesk", [HINT])
    at_work = Worker(desk=desk, clock=clock)
    await at_work.drain_once()
    assert await states(desk) == {"waiting": 1}
    assert await at_work.drain_once() == 0
    for _ in range(10):
        clock.now += timedelta(hours=3)
        await at_work.drain_once()
    assert await states(desk) == {"dead": 1}
    assert len(tries) == 7
    assert "down" in (await desk.store.all("inbox.dead", source=None, after=0, most=1))[0][4]


async def test_what_the_vendor_refuses_is_a_dead_letter_at_once(desk: Desk) -> None:
    hints(desk, lambda: VendorRefused("helpdesk", "404", status=404))
    await feed(desk, "helpdesk", [HINT])
    await Worker(desk=desk, clock=Clock()).drain_once()
    assert await states(desk) == {"dead": 1}


async def test_one_delivery_that_cannot_be_absorbed_lets_the_others_pass(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = decide

    def trip(rules: Any, view: Any, **more: Any) -> Any:
        if view.customer.name == "Person 2":
            raise ZeroDivisionError
        return real(rules, view, **more)

    monkeypatch.setattr("bridge.flow.concluding.decide", trip)
    await go_live(desk, NOW - timedelta(days=1))
    await feed(desk, "helpdesk", [user(1), user(2), user(3)])
    await Worker(desk=desk, clock=Clock()).drain_once()
    assert await states(desk) == {"mapped": 2, "dead": 1}
    assert "ZeroDivisionError" in (await desk.store.all("inbox.dead", source=None, after=0, most=1))[0][4]


async def test_a_batch_that_others_always_get_before_is_given_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def late(*_: Any) -> None:
        raise Superseded("somebody else was quicker")

    await feed(desk, "helpdesk", [user(1)])
    monkeypatch.setattr("bridge.worker.absorb", late)
    at_work = Worker(desk=desk, clock=Clock())
    assert await at_work.drain_once() == 1
    monkeypatch.undo()
    assert await at_work.drain_once() == 1
    assert await states(desk) == {"mapped": 1}


async def test_a_decision_that_has_run_out_is_made_anew_and_its_crossing_is_a_live_fact(
    desk: Desk, database_url: str
) -> None:
    folder = Path(desk.registry.adapter("crm").source.setting("folder"))
    (folder / "kunden.csv").write_text("Kundennummer;Nachname;E-Mail\n1;Albers;a@example.de\n", "utf-8")
    (folder / "vertraege.csv").write_text(
        "Vertragsnummer;Kundennummer;Status;Vertragsbeginn;Vertragsende\nV1;1;aktiv;01.01.2024;15.03.2027\n", "utf-8"
    )
    clock = Clock()
    at_work = Worker(desk=desk, clock=clock)
    await read_exports(at_work)
    before = await find_answer(desk.store, "id", "crm:1")
    assert before is not None
    assert b"contract_ending" not in before[12]
    clock.now = NOW + timedelta(days=40)
    assert await at_work.refresh_once() == 1
    after = await find_answer(desk.store, "id", "crm:1")
    assert after is not None
    assert b"contract_ending" in after[12]
    assert await query(database_url, "select origin from facts where kind = 'contract.ending'") == [("live",)]
    assert await at_work.refresh_once() == 0


async def test_a_customer_who_cannot_be_decided_does_not_hold_up_the_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    await feed(desk, "helpdesk", [user(1), user(2)])
    await drain(desk)
    await desk.store.change("customers.all_due", due_origin="refresh")
    real = decide

    def trip(rules: Any, view: Any, **more: Any) -> Any:
        if view.customer.name == "Person 1":
            raise ZeroDivisionError
        return real(rules, view, **more)

    monkeypatch.setattr("bridge.flow.concluding.decide", trip)
    at_work = Worker(desk=desk, clock=Clock())
    assert await at_work.refresh_once() == 2
    assert await at_work.refresh_once() == 0
    due = await query(database_url, "select min(due_at) from customers")
    assert due == [(int((NOW + timedelta(hours=1)).timestamp()) * 1_000_000,)]


async def test_tiers_are_drawn_from_all_customers_once_there_are_enough(desk: Desk, database_url: str) -> None:
    folder = Path(desk.registry.adapter("crm").source.setting("folder"))
    people = "\n".join(f"{number};Kunde {number}" for number in range(40))
    sums = "\n".join(f"V{number};{number};aktiv;01.01.2024;{number + 5},00 €" for number in range(40))
    (folder / "kunden.csv").write_text(f"Kundennummer;Nachname\n{people}\n", "utf-8")
    (folder / "vertraege.csv").write_text(
        f"Vertragsnummer;Kundennummer;Status;Vertragsbeginn;Monatsbetrag\n{sums}\n", "utf-8"
    )
    at_work = Worker(desk=desk, clock=Clock())
    await read_exports(at_work)
    drawn = [desk.fitted.cuts]
    await at_work.tidy()
    drawn.append(desk.fitted.cuts)
    assert drawn[0] is None
    assert drawn[1] is not None
    while await at_work.refresh_once():
        pass
    tiers: dict[str, int] = dict(
        await query(database_url, "select tier, count(*) from decisions where main = 1 group by tier")
    )
    assert tiers["platinum"] == 2
    assert set(tiers) == {"platinum", "gold", "silver", "bronze"}
    assert await query(database_url, "select count(*) from facts where origin = 'live'") == [(0,)]
    again = await make_desk(desk.store, folder)
    assert again.fitted.cuts == desk.fitted.cuts


async def test_superseded_decisions_nobody_saw_are_forgotten_after_a_day_and_shown_ones_never(
    desk: Desk, database_url: str
) -> None:
    clock = Clock()
    await go_live(desk, NOW - timedelta(days=9))
    await feed(desk, "helpdesk", [user(1), user(2)])
    await drain(desk)
    shown = (await query(database_url, "select id from decisions where language = 'de' order by customer"))[0][0]
    await desk.store.change("gateway.mark_shown", id=shown, at=1)
    await feed(desk, "helpdesk", [ticket(5, 1), ticket(6, 2)])
    await drain(desk)
    assert await query(database_url, "select count(*) from decision_log") == [(4,)]
    clock.now = NOW + timedelta(hours=25)
    await Worker(desk=desk, clock=clock).tidy()
    assert await query(database_url, "select distinct id from decision_log") == [(shown,)]


async def test_the_tidy_hour_notes_what_is_said_and_looks_whether_it_holds(desk: Desk, database_url: str) -> None:
    clock = Clock()
    await feed(desk, "helpdesk", [user(1), user(2), user(3)])
    await drain(desk)
    at_work = Worker(desk=desk, clock=clock)
    await at_work.tidy()
    assert await query(database_url, "select count(*) from predictions") == [(0,)]
    clock.now = NOW + timedelta(days=30, minutes=10)
    await at_work.tidy()
    version = desk.rules.deciding.card.version
    said = await query(database_url, "select model, outcome, due_at - said_at from predictions")
    assert said == [(f"card:{version}", None, 90 * 86_400_000_000)] * 3
    looked = await last_drift(desk.store)
    assert looked is not None and (looked.at, looked.shifted) == (clock.now, None)
    clock.now += timedelta(hours=1)
    await at_work.tidy()
    assert await last_drift(desk.store) == looked  # once a day is enough
    clock.now += timedelta(days=600)
    await at_work.tidy()
    assert await query(database_url, "select max(said_at) - min(said_at) from predictions") == [(0,)]


async def test_the_loops_work_until_they_are_stopped_and_outlive_a_failing_step(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = asyncio.Event()
    at_work = Worker(desk=desk)
    failures = [0]

    async def failing() -> float:
        failures[0] += 1
        raise RuntimeError("once more")

    monkeypatch.setattr(Worker, "tidy", lambda self: failing())
    hints(desk, lambda: user(7))
    vars(desk.registry.adapter("helpdesk"))["streams"] = tuple
    running = asyncio.create_task(at_work.run(stop))
    await feed(desk, "helpdesk", [HINT], now=datetime.now(NOW.tzinfo))

    async def done() -> bool:
        return await states(desk) == {"mapped": 2} and failures[0] > 0

    await eventually(done, "both are mapped, and tidying has failed")
    stop.set()
    await asyncio.wait_for(running, PATIENCE_SECONDS)
    assert await states(desk) == {"mapped": 2}


def test_the_pace_keeps_transactions_short_and_large_enough_to_get_on() -> None:
    pace = Pace()
    for _ in range(50):
        pace.learn(TRANSACTION_SECONDS * 3, pace.size)
    assert pace.size == LEAST
    for _ in range(50):
        pace.learn(TRANSACTION_SECONDS / 10, pace.size)
    assert pace.size == MOST
    pace.learn(TRANSACTION_SECONDS / 10, 3)
    assert pace.size == MOST
