"""What is said of customers is held against what they do: over simulated months the record is what happened."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from bridge.adapter.base import Item
from bridge.cards import unpack_card
from bridge.flow import Desk, refresh_due, review
from bridge.flow.drifting import keep_spread, last_drift
from bridge.flow.lived import GRACE, PERIOD, lived_record, note, settle
from bridge.flow.models import install, records_of, risk_body
from bridge.scoring.drift import Verdict
from bridge.scoring.record import Seen
from bridge.scoring.tables import CategoryTable, Tables
from bridge.store import Store, instant
from tests.desks import drain, feed, go_live, make_desk
from tests.dump import query

START = datetime(2026, 1, 5, 10, tzinfo=timezone.utc)
HORIZON = timedelta(days=90)
CUSTOMERS = 260


def person(number: int, at: datetime, **fields: Any) -> Item:
    row = {"kundennummer": f"K{number}", "name": f"Person {number}", "geaendert_am": at.isoformat()}
    return Item(object="customers", raw=row | fields)


def contract(number: int, at: datetime, **fields: Any) -> Item:
    row = {"vertragsnummer": f"V{number}", "kundennummer": f"K{number}", "status": "aktiv"}
    return Item(object="contracts", raw=row | {"vertragsbeginn": "2020-03-01", "geaendert_am": at.isoformat()} | fields)


def complaint(number: int, at: datetime) -> Item:
    """Told at `at`, open for long: it does not grow older in the signals while the test looks on."""
    row = {"ticketnummer": f"T{number}", "kundennummer": f"K{number}", "typ": "Beschwerde", "status": "offen"}
    return Item(object="tickets", raw=row | {"erstellt_am": "2024-01-08", "geaendert_am": at.isoformat()})


async def begin(store: Store, folder: Path, url: str, numbers: Iterable[int]) -> Desk:
    """A company whose CRM is live; every third of its customers complains."""
    before = START - timedelta(days=1)
    desk = await make_desk(store, folder, now=before, database_url=url)
    await go_live(desk, before)
    numbers = list(numbers)
    items = [person(one, before) for one in numbers] + [contract(one, before) for one in numbers]
    await feed(desk, "crm", items + [complaint(one, before) for one in numbers if one % 3 == 0], now=before)
    await drain(desk, now=before, most=300)
    return desk


async def live_through(desk: Desk, days: Iterable[int], leaving: dict[int, date]) -> list[datetime]:
    """Day by day: who gives notice that day does, decisions that ran out are made anew, the worker reviews."""
    seen: list[datetime] = []
    done: set[int] = set()
    for day in days:
        now = START + timedelta(days=day)
        news = [number for number, when in leaving.items() if when <= now.date() and number not in done]
        gone = [contract(one, now, status="gekündigt", gekuendigt_am=leaving[one].isoformat()) for one in news]
        done.update(news)
        await feed(desk, "crm", gone, now=now)
        await drain(desk, now=now, most=300)
        await review(desk, now)
        seen.append(now)
    return seen


async def test_the_record_is_what_happened(store: Store, database_url: str, tmp_path: Path) -> None:
    dice = Random(5)
    days = range(0, 175, 5)  # a round has whole steps, so that nobody is in it twice
    numbers = range(CUSTOMERS)
    leaving = {
        one: (START + timedelta(days=dice.randrange(200))).date()
        for one in numbers
        if dice.random() < (0.7 if one % 3 == 0 else 0.2)
    }
    desk = await begin(store, tmp_path / "exports", database_url, numbers)
    now = (await live_through(desk, days, leaving))[-1]

    model = desk.fitted.scored_by(desk.rules.deciding.card)
    assert model.startswith("card:")
    told = await records_of(store, model)
    (put_at, record), *earlier = told
    assert record.seen is Seen.lived and record.horizon_days == HORIZON.days
    assert all(later - sooner >= timedelta(days=7) for (later, _), (sooner, _) in pairwise(told))
    assert earlier or now - put_at < timedelta(days=7)

    number_of = {
        customer: int(source_id[1:])
        for customer, source_id in await query(database_url, "select customer, source_id from profiles")
    }
    said = await query(database_url, "select customer, said_at, due_at, probability, outcome from predictions")
    until = put_at - HORIZON - GRACE
    happened: list[tuple[float, bool]] = []
    for customer, said_at, due_at, probability, outcome in said:
        at, end, gone = instant(said_at), instant(due_at), leaving.get(number_of[customer])
        assert end - at == HORIZON
        left = gone is not None and at.date() < gone <= end.date()
        asked = gone is None or gone > at.date()
        if end + GRACE <= now:
            assert outcome == ("left" if left else "stayed" if asked else "not_asked")
        else:
            assert outcome is None
        if until - PERIOD < at <= until and asked:
            happened.append((probability, left))
    assert sum(one.customers for one in record.groups) == len(happened) >= 200
    assert sum(one.customers * one.left for one in record.groups) == pytest.approx(sum(left for _, left in happened))
    assert sum(one.customers * one.said for one in record.groups) == pytest.approx(sum(p for p, _ in happened))
    for group in record.groups:
        inside = [left for p, left in happened if record.alike(p) == group]
        assert group.left == pytest.approx(sum(inside) / len(inside)) and group.customers == len(inside)
    assert len(record.groups) > 1 and record.groups[-1].left > record.groups[0].left

    drift = await last_drift(store)
    assert drift is not None and drift.model == model and drift.kept is not None
    assert drift.shifted is None  # too few customers to tell a move from chance

    assert desk.fitted.record == record
    await store.change("customers.all_due", due_origin="refresh")
    while await refresh_due(desk, most=300, now=now):
        pass
    shown = [
        msgspec.json.decode(unpack_card(bytes(card)))["risk"]
        for (card,) in await query(database_url, "select card from decisions where main = 1 and probability > 0")
    ]
    assert {one["record"]["seen"] for one in shown} == {"lived"}
    for one in shown:
        alike = record.alike(one["probability"])
        assert alike is not None
        assert (one["record"]["customers"], one["record"]["left"]) == (alike.customers, round(alike.left, 4))


async def test_each_customer_is_noted_once_a_round_at_their_own_time(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    desk = await begin(store, tmp_path / "exports", database_url, range(90))
    for day in range(0, 62, 2):
        await note(desk, START + timedelta(days=day))
    times = await query(
        database_url, "select customer, count(*), max(said_at) - min(said_at) from predictions group by 1"
    )
    assert len(times) == 90
    assert {row[1] for row in times} <= {2, 3}
    assert {row[2] for row in times if row[1] == 2} == {PERIOD // timedelta(microseconds=1)}
    per_day = await query(database_url, "select said_at, count(*) from predictions group by said_at")
    assert len(per_day) == 30 and max(row[1] for row in per_day) < 20
    before = len(times)
    await note(desk, START + timedelta(days=60))
    assert len(await query(database_url, "select distinct customer from predictions")) == before


async def test_after_a_long_pause_everybody_is_noted_once(store: Store, database_url: str, tmp_path: Path) -> None:
    desk = await begin(store, tmp_path / "exports", database_url, range(40))
    assert await note(desk, START) == 0
    await note(desk, START + timedelta(days=400))
    assert await query(database_url, "select count(*), count(distinct customer) from predictions") == [(40, 40)]


async def test_what_two_workers_note_at_once_is_noted_once(store: Store, database_url: str, tmp_path: Path) -> None:
    desk = await begin(store, tmp_path / "exports", database_url, range(40))
    await note(desk, START)
    later = START + timedelta(days=31)
    await asyncio.gather(note(desk, later), note(desk, later + timedelta(seconds=1)))
    counts = await query(database_url, "select count(*) from predictions group by customer")
    assert counts == [(1,)] * 40


async def test_of_who_objects_nothing_that_was_said_is_kept(store: Store, database_url: str, tmp_path: Path) -> None:
    desk = await begin(store, tmp_path / "exports", database_url, range(5))
    await note(desk, START)
    later = START + timedelta(days=31)
    await note(desk, later)
    assert await query(database_url, "select count(*) from predictions") == [(5,)]
    await feed(desk, "crm", [person(2, later, widerspruch_profiling="ja")], now=later)
    await drain(desk, now=later)
    assert await query(database_url, "select count(*) from predictions") == [(4,)]
    await note(desk, later + PERIOD)
    assert await query(database_url, "select count(distinct customer) from predictions") == [(4,)]


async def test_what_was_said_of_somebody_who_is_no_customer_any_more_is_dropped(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    desk = await begin(store, tmp_path / "exports", database_url, range(3))
    await note(desk, START)
    await note(desk, START + timedelta(days=31))
    await query(
        database_url,
        "update predictions set customer = 'c_0' where customer = (select min(customer) from predictions) returning 1",
    )
    assert await settle(desk, START + timedelta(days=31) + HORIZON + GRACE) == 3
    assert await query(database_url, "select outcome, count(*) from predictions group by outcome") == [("stayed", 2)]


async def test_of_too_few_there_is_no_record(store: Store, database_url: str, tmp_path: Path) -> None:
    desk = await begin(store, tmp_path / "exports", database_url, range(30))
    leaving = {one: (START + timedelta(days=45)).date() for one in range(25)}
    now = (await live_through(desk, range(0, 170, 10), leaving))[-1]
    model = desk.fitted.scored_by(desk.rules.deciding.card)
    assert await lived_record(desk, model, now) is None
    assert await records_of(store, model) == []
    assert desk.fitted.record is None


async def test_scores_that_move_are_told_with_the_signal_that_moved_them(
    store: Store,
    database_url: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    desk = await begin(store, tmp_path / "exports", database_url, range(540))
    await live_through(desk, range(0, 40, 5), {})
    steady = await last_drift(store)
    assert steady is not None and steady.shifted is not None
    assert (steady.shifted.verdict, steady.shifted.shifts) == (Verdict.steady, ())
    assert steady.then == 540
    later = START + timedelta(days=37)
    await feed(desk, "crm", [complaint(one, later) for one in range(540) if one % 3], now=later)
    await drain(desk, now=later, most=300)
    for day in range(40, 80, 5):
        await review(desk, START + timedelta(days=day))
    moved = await last_drift(store)
    assert moved is not None and moved.shifted is not None
    assert moved.shifted.verdict is Verdict.moved and moved.shifted.index > 0.25
    first = moved.shifted.shifts[0]
    assert (first.code, first.band) == ("complaint", "open")
    assert first.then == pytest.approx(1 / 3) and first.now == pytest.approx(1.0)
    told = [line for line in capsys.readouterr().out.splitlines() if "drift.verdict" in line]
    # lines are JSON once any test of this process has set up the log as the commands do
    verdicts = [found[1] for line in told if (found := re.search(r'scores"?[=:]"?(\w+)', line))]
    assert verdicts[0] == "steady" and verdicts[-1] == "moved" and len(verdicts) == len(set(verdicts))


async def test_a_new_model_is_compared_with_how_it_scored_everybody_when_it_came_into_use(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    desk = await begin(store, tmp_path / "exports", database_url, range(540))
    tables = Tables(intercept=-2.0, tables=(CategoryTable(name="complaint", entries={"open": 1.5}),))
    version = await install(store, "risk", risk_body(tables), None, START)
    await desk.look_up()
    assert desk.fitted.risk is not None
    kept = await keep_spread(desk, desk.fitted.risk, START)
    assert kept is not None and kept.customers == 540
    assert kept.signals["complaint:open"] == pytest.approx(1 / 3)
    while await refresh_due(desk, most=300, now=START):
        pass
    sql = "select probability, count(*) from decisions where main = 1 group by probability order by probability"
    calm, upset = await query(desk.settings.database_url, sql)
    assert (calm[1], upset[1]) == (360, 180)
    assert kept.edges == pytest.approx((calm[0],)) and kept.shares == pytest.approx((2 / 3, 1 / 3))

    await feed(desk, "crm", [complaint(one, START) for one in range(540) if one % 3], now=START)
    await drain(desk, now=START, most=300)
    await review(desk, START)
    await review(desk, START + timedelta(days=29))  # its first round is not over
    moved = await last_drift(store)
    assert moved is not None and moved.model == version and moved.then == 540
    assert moved.shifted is not None and moved.shifted.verdict is Verdict.moved


async def test_of_too_few_customers_no_spread_is_kept(store: Store, database_url: str, tmp_path: Path) -> None:
    desk = await begin(store, tmp_path / "exports", database_url, range(20))
    assert await keep_spread(desk, desk.rules.deciding.card.model, START) is None
