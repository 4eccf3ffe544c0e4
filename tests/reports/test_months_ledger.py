"""What the months cost and brought: saves, grants, what automations sent, and how long matters were open."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta, timezone
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bridge.flow import Desk
from bridge.reports.metrics_table import write_table
from bridge.store import Store, Unit, micros
from tests.desks import make_desk
from tests.reports.company import NOW, contract, made, one_of, outcome, person, tell

SEPTEMBER = datetime(2026, 9, 10, 12, tzinfo=timezone.utc)


@pytest.fixture
async def desk(store: Store, database_url: str, tmp_path: Path) -> Desk:
    return await make_desk(store, tmp_path / "exports", now=NOW, database_url=database_url)


async def test_saves_stand_beside_what_they_cost_and_what_new_customers_cost(desk: Desk) -> None:
    desk.rules = msgspec.structs.replace(
        desk.rules,
        metering=msgspec.structs.replace(
            desk.rules.metering, acquisition_cost=100, acquisition_spent={"2026-10": 5000.0}
        ),
    )
    await tell(desk, person("K1"), contract("V1", "K1", vertragsbeginn="2026-09-10"))
    september = SEPTEMBER
    await outcome(desk, "1", september, customer="c1", result="pending")
    await outcome(desk, "2", september + timedelta(days=3), customer="c1", result="saved")
    await outcome(desk, "3", september, customer="c2", result="lost", disposition="Zu teuer")
    await outcome(desk, "4", september, customer="c1", offer="x", cost_minor=3000, cost_currency="EUR")
    await outcome(desk, "5", september, customer="c1", offer="x", cost_minor=900, cost_currency="SEK")
    metrics = (await made(desk))["none"]
    one = one_of(metrics.saves, month="2026-09")
    assert (one.saved, one.lost, one.pending, one.save_rate) == (1, 1, 0, 0.5)
    assert (one.granted, one.retention_cost, one.cost_per_save) == (3000, 3000, 3000.0)
    assert (one.new, one.acquisition_cost, one.cost_per_new) == (1, 10_000, 10_000.0)
    assert metrics.worth is not None and one.break_even == pytest.approx(1500 / metrics.worth)
    assert one_of(metrics.saves, month="2026-10").acquisition_cost == 500_000
    assert metrics.basis.left_out == {"SEK": 1}
    assert one_of(metrics.reasons, origin="disposition").reason == "price"


async def test_a_customer_whom_nobody_could_keep_gives_one_reason_a_month(desk: Desk) -> None:
    await outcome(desk, "1", SEPTEMBER, customer="c1", result="lost", disposition="Umzug")
    await outcome(desk, "2", SEPTEMBER + timedelta(days=1), customer="c1", result="lost", disposition="Zu teuer")
    await outcome(desk, "3", SEPTEMBER, customer="c2", result="lost", disposition="Umzug")
    await outcome(desk, "4", SEPTEMBER + timedelta(days=1), customer="c2", result="saved")
    await outcome(desk, "5", SEPTEMBER + timedelta(days=2), customer="c2", kind="shown")
    await outcome(desk, "6", NOW + timedelta(days=2), customer="c3", result="lost", disposition="Umzug")
    metrics = (await made(desk))["none"]
    september = one_of(metrics.saves, month="2026-09")
    assert (september.saved, september.lost) == (1, 1)
    assert [(one.reason, one.customers) for one in metrics.reasons] == [("price", 1)]


async def test_two_who_turned_out_to_be_one_are_saved_once(desk: Desk) -> None:
    unit = Unit()
    for id, into in (("c_now", None), ("c_before", "c_now"), ("c_first", "c_before")):
        unit.add("customers.put", id=id, created_at=0, merged_into=into, due_at=1 << 60, due_origin="live")
    await desk.store.write(unit)
    for number, customer in enumerate(("c_first", "c_before", "c_now")):
        await outcome(desk, f"{number}", SEPTEMBER + timedelta(hours=number), customer=customer, result="saved")
    assert one_of((await made(desk))["none"].saves, month="2026-09").saved == 1


LOOP: dict[str, Any] = {
    "customer": "c1", "matter": "feedback", "opener": "bad_nps", "cause": "", "records": "[]", "state": "closed",
    "owner": "team", "round": 1, "answers": 1, "reply_due": None, "resolve_due": None, "reply_left": None,
    "resolve_left": None, "waits_since": None, "waits_until": None, "reply_escalated": 0, "resolve_escalated": 0,
    "replied_at": None, "closed_at": None, "check_at": None, "closed_by": "", "reason": "", "done": "",
}  # fmt: skip
EVENT: dict[str, Any] = {"customer": "c1", "by_whom": "bridge", "record": "", "text": ""}
SENT: dict[str, Any] = {
    "source": "mail", "action": "send_email", "args": "{}", "customer": "c1", "fact": "f", "run": "r",
    "automation": "bad_nps", "step": 1, "channel": "email", "address": "", "purpose": "", "apology": 0,
}  # fmt: skip
NOON = datetime(2026, 9, 15, 10, tzinfo=timezone.utc)


def opened(unit: Unit, id: str, **fields: Any) -> None:
    """A loop that was opened at NOON."""
    times = {name: micros(at) for name, at in fields.items() if isinstance(at, datetime)}
    unit.add("loops.put", **(LOOP | {"id": id, "opened_at": micros(NOON), "asked_at": micros(NOON)} | fields | times))


def happened(unit: Unit, loop: str, kind: str, hours: float, **data: Any) -> None:
    at, told = micros(NOON + timedelta(hours=hours)), msgspec.json.encode(data).decode()
    unit.add("loops.add_event", **EVENT, loop=loop, kind=kind, at=at, data=told)


async def test_loops_are_told_by_their_month_and_who_waits_counts_as_waiting(desk: Desk) -> None:
    unit = Unit()
    opened(unit, "l0", replied_at=NOON + timedelta(hours=1), closed_at=NOON + timedelta(hours=3))
    opened(unit, "l1", state="open", reply_escalated=1, resolve_due=NOON + timedelta(days=9))
    opened(unit, "l2", state="open", reply_due=NOW + timedelta(days=1), resolve_due=NOW + timedelta(days=1))
    await desk.store.write(unit)
    metrics = (await made(desk))["none"]
    september = one_of(metrics.loops, month="2026-09")
    assert (september.opened, september.open) == (3, 2)
    assert (september.reply.count, september.reply.waiting, september.reply.median) == (1, 2, None)
    assert september.reply.in_time == september.resolution.in_time == 0.5
    (given,) = csv.DictReader(StringIO(write_table(metrics, "loops", "en")))
    assert (given["replied"], given["reply_median_h"], given["closed"]) == ("1", "", "1")


async def test_another_complaint_takes_nothing_back_from_the_first_reply(desk: Desk) -> None:
    unit = Unit()
    opened(unit, "l0", state="open", replied_at=NOON + timedelta(days=8))
    happened(unit, "l0", "replied", 1)
    happened(unit, "l0", "overdue", 170, clock="reply", escalation=1)
    happened(unit, "l0", "replied", 192)
    opened(unit, "l1", state="open", replied_at=NOON + timedelta(hours=3))
    happened(unit, "l1", "overdue", 2, clock="reply", escalation=1)
    happened(unit, "l1", "replied", 3)
    happened(unit, "l1", "replied", -200)  # of the round before
    await desk.store.write(unit)
    september = one_of((await made(desk))["none"].loops, month="2026-09")
    assert (september.reply.median, september.reply.p90, september.reply.in_time) == (1.0, 3.0, 0.5)


async def test_what_automations_sent_costs_the_month_in_which_they_did(desk: Desk) -> None:
    evening = datetime(2026, 8, 31, 22, 15, tzinfo=timezone.utc)  # a quarter past midnight in Berlin
    unit = Unit()
    for number, at in enumerate((NOON, NOON, evening, evening - timedelta(minutes=16))):
        times = {"created_at": micros(at), "due_at": micros(at)}
        unit.add("outbox.put", **SENT, **times, dedupe_key=f"k{number}", cost_minor=50)
    await desk.store.write(unit)
    assert one_of((await made(desk))["none"].saves, month="2026-09").outreach == 0  # nothing has been sent yet
    now = int(NOW.timestamp() * 1_000_000)
    taken = await desk.store.change("outbox.take", owner="w", now=now, lease=60_000_000, most=10)
    for row in taken:
        await desk.store.change("outbox.begin", id=row[0], owner="w", now=now, lease=60_000_000)
        done = {"state": "sent", "reference": "", "error": "", "now": now}
        await desk.store.change("outbox.finish", id=row[0], owner="w", **done)
    saves = (await made(desk))["none"].saves
    assert [one_of(saves, month=month).outreach for month in ("2026-08", "2026-09")] == [50, 150]
