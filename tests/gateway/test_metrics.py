"""The figures on retention over HTTP: for whom, how old, as tables, and kept until a worker makes them anew."""

from __future__ import annotations

import csv
import time
from io import StringIO

from bridge.reports.keeping import renew_metrics
from bridge.reports.metrics_table import COLUMNS, TABLES
from bridge.store import Unit, micros
from bridge.worker import Worker
from tests.gateway.conftest import Gateway, person

PATH = "/v1/metrics"


async def test_a_viewer_sees_figures_and_how_old_they_are(gateway: Gateway) -> None:
    await gateway.know(person("1"), person("2"))
    answer = await gateway.get(PATH, "viewer")
    assert answer.status_code == 200
    told = answer.json()
    assert told["by"] == "none"
    assert told["basis"]["customers"] == 2
    assert len(told["months"]) == len(told["retention"]) == len(told["saves"]) == 36
    gateway.clock.advance(hours=2)
    assert (await gateway.get(PATH, "viewer")).json()["made_at"] == told["made_at"]


async def test_nobody_sees_them_without_a_key_or_with_one_for_the_phone_system(gateway: Gateway) -> None:
    assert (await gateway.get(PATH, "ivr")).status_code == 403
    assert (await gateway.client.get(PATH)).status_code == 401


async def test_what_a_few_did_is_for_those_who_may_know_them(gateway: Gateway) -> None:
    for scope, few in (("viewer", 5), ("supervisor", 0)):
        for by in ("none", "tier"):
            assert (await gateway.get(PATH, scope, by=by)).json()["few"] == few


async def test_months_and_groups_are_chosen(gateway: Gateway) -> None:
    told = (await gateway.get(PATH, "supervisor", since="2026-03", until="2026-05", by="tier")).json()
    assert told["months"] == ["2026-03", "2026-04", "2026-05"]
    assert told["by"] == "tier"
    for wrong in ({"since": "March"}, {"by": "agent"}, {"table": "agents"}):
        assert (await gateway.get(PATH, "supervisor", **wrong)).status_code == 400


async def test_every_table_comes_as_a_file_for_a_spreadsheet(gateway: Gateway) -> None:
    for table in TABLES:
        answer = await gateway.get(PATH, "viewer", format="csv", table=table)
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert f'filename="{table}-' in answer.headers["content-disposition"]
        assert tuple(next(csv.reader(StringIO(answer.text)))) == COLUMNS[table]
    german = await gateway.get(PATH, "viewer", format="csv", lang="de")
    assert german.text.startswith("\ufeffmonth;group;start")


async def test_who_may_have_them_made_anew(gateway: Gateway) -> None:
    first = (await gateway.get(PATH, "viewer")).json()["made_at"]
    assert (await gateway.post(f"{PATH}/refresh", "viewer")).status_code == 403
    gateway.clock.advance(minutes=3)
    assert (await gateway.post(f"{PATH}/refresh", "supervisor")).json() == {"wanted": True}
    assert (await gateway.get(PATH, "viewer")).json()["made_at"] == first
    worker = Worker(desk=gateway.gate.desk, clock=gateway.clock)
    await worker.reckon()
    assert (await gateway.get(PATH, "viewer")).json()["made_at"] > first


async def test_while_a_worker_makes_them_for_the_first_time_the_answer_says_so(gateway: Gateway) -> None:
    unit = Unit()
    unit.add("meta.put", name="metrics.begun", value=str(micros(gateway.clock())))
    await gateway.store.write(unit)
    answer = await gateway.get(PATH, "viewer")
    assert answer.status_code == 409
    assert "first time" in answer.json()["error"]["message"]


async def test_kept_figures_are_there_at_once(gateway: Gateway) -> None:
    await renew_metrics(gateway.gate.desk, gateway.clock())
    begin = time.perf_counter()
    for _ in range(5):
        assert (await gateway.get(PATH, "viewer", by="owner")).status_code == 200
    assert (time.perf_counter() - begin) / 5 < 0.3
