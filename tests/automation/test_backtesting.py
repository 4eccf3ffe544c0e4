"""A backtest says what would have been done: the very runs, steps and refusals of a worker who lived through it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bridge.automation.rehearsing import Rehearsed
from bridge.flow import Desk
from bridge.flow.backtesting import replay
from bridge.store import Store, instant
from tests.automation.mailing import make_office, rule
from tests.automation.pastlife import BEGAN, RULES, Weeks, live
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


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_backtest_tells_every_run_and_step_of_the_worker_who_lived_through_it(
    store: Store, database_url: str, tmp_path: Path, seed: int
) -> None:
    weeks = Weeks(seed, 14, 45)
    desk = await _office(store, tmp_path, weeks, list(RULES))
    vendor = await live(desk, database_url, weeks)
    assert len(vendor.done) > 10
    for name in RULES:
        own = next(one.rule for one in desk.armed if one.id == name)
        told = [run async for run in replay(desk, own, since=BEGAN, until=weeks.ends)]
        assert _rehearsed([run for run in told if run.automation == name]) == await _lived(database_url, name), name
