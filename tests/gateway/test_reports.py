"""The report on scripts and offers over HTTP, with costs as they were on the day, and no agent in any of it."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Callable
from io import StringIO

import httpx
import msgspec

from bridge.access import SCOPES
from bridge.app import create_app
from bridge.cards import unpack_card
from bridge.flow.exposing import exposures
from bridge.settings import Settings
from tests.gateway.conftest import NOON, SOURCES, Clock, Gateway, case, person
from tests.gateway.test_grants import TERMS, grant
from tests.gateway.test_outcomes import decision

PHONES = [f"+49309018{number:02}" for number in range(20, 60)]


async def test_what_was_granted_counts_with_what_it_cost_on_the_day_also_without_an_amount(gateway: Gateway) -> None:
    path = f"/v1/decisions/{await decision(gateway, TERMS)}/outcome"
    for id, amount in (("apology", None), ("discount", "40.00")):
        assert (await gateway.post(path, "agent", json=grant(id, amount))).status_code == 200
    rows = await gateway.rows("outcomes", "offer, amount_minor, currency, cost_minor, cost_currency")
    # two minutes, and 40 with eight minutes, at 36 an hour
    assert sorted(rows) == [("apology", None, None, 120, "EUR"), ("discount", 4000, "EUR", 4480, "EUR")]


async def test_an_outcome_counts_for_the_trial_whichever_decision_it_was_recorded_on(trying: Gateway) -> None:
    await trying.know(*(person(str(number), name=f"P {number}", phones=[phone]) for number, phone in enumerate(PHONES)))
    await trying.know(
        *(
            case(f"c{number}", str(number), type="complaint", status="open", opened="2026-11-21T11:00:00Z")
            for number in range(len(PHONES))
        )
    )
    used = 0
    for phone in PHONES:
        id = (await trying.lookup(phone=phone))["decision_id"]
        path = f"/v1/decisions/{id}/outcome"
        assert (await trying.post(path, "agent", json={"kind": "shown"})).status_code == 200
        row = (await trying.store.all("gateway.decision", id=id))[0]
        drawn = msgspec.json.decode(unpack_card(bytes(row[6])))["choice"]
        if drawn["situation"] != "complaint" or drawn["arm"] == "default":
            continue
        used += 1
        body = {"kind": "accepted", "offer": "apology", "agent": "a-17"}
        assert (await trying.post(path, "agent", json=body)).status_code == 200
        await trying.digest()
        again = (await trying.lookup(phone=phone))["decision_id"]
        body = {"result": "saved", "agent": "a-17", "note": "froh"}
        assert (await trying.post(f"/v1/decisions/{again}/outcome", "agent", json=body)).status_code == 200
    assert used > 10
    seen = [one async for one in exposures(trying.gate.desk, settled=False)]
    assert len(seen) == len(PHONES)
    counted = [one for one in seen if one.saved]
    assert len(counted) == used
    assert {(one.arm, one.used, one.cost) for one in counted} == {("complaint", True, 1.2)}
    report = (await trying.get("/v1/reports/uplift", "supervisor")).json()
    assert (report["shown"], report["open"], report["settled"]) == (len(PHONES), len(PHONES), 0)
    assert report["trying"]
    assert report["first_known"] > "2027-02"
    text = (await trying.get("/v1/reports/uplift", "supervisor")).text
    assert "a-17" not in text
    assert "agent" not in text
    assert "froh" not in text


async def test_it_is_for_supervisors_as_json_or_as_a_table(gateway: Gateway) -> None:
    path = "/v1/reports/uplift"
    for scope in set(SCOPES) - {"supervisor"}:
        assert (await gateway.get(path, scope)).status_code == 403
    assert (await gateway.client.get(path)).status_code == 401
    answer = await gateway.get(path, "supervisor")
    assert answer.json()["summary"]["de"] == ["Hier wurde noch nichts gezeigt, was erprobt wird."]
    assert answer.headers["cache-control"] == "no-store"
    for table in (
        await gateway.get(path, "supervisor", format="csv"),
        await gateway.client.get(path, headers=gateway.bearer("supervisor") | {"accept": "text/csv"}),
    ):
        assert table.headers["content-type"] == "text/csv; charset=utf-8"
        assert table.headers["content-disposition"] == 'attachment; filename="scripts-2026-11-21.csv"'
        assert next(csv.reader(StringIO(table.text)))[:2] == ["situation", "script"]
    assert (await gateway.get(path, "supervisor", format="csv", lang="de")).text.startswith("\ufeffsituation;script")
    wrong = await gateway.get(path, "supervisor", situation="complaints")
    assert wrong.status_code == 404
    assert "did you mean complaint" in wrong.text
    assert (await gateway.get(path, "supervisor", since="yesterday")).status_code == 400
    assert (await gateway.get(path, "supervisor", situation="complaint", since="2026-01-01")).status_code == 200


async def test_without_a_key_it_is_there_in_demo_mode_alone(
    gateway: Gateway, make_settings: Callable[..., Settings]
) -> None:
    assert (await gateway.client.get("/reports/example")).status_code == 404
    app = create_app(make_settings(demo=True), SOURCES, clock=Clock(NOON))
    async with (
        app.running(),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://bridge.example") as client,
    ):
        answer = await client.get("/reports/example")
        assert answer.status_code == 200
        assert answer.json()["made_up"]


async def test_who_calls_does_not_wait_for_reports(gateway: Gateway) -> None:
    await gateway.know(person("1", name="Ada Kaya", phones=["+4930901820"]))
    reports = [asyncio.create_task(gateway.get("/v1/reports/uplift", "supervisor")) for _ in range(8)]
    assert (await gateway.lookup(phone="+4930901820"))["found"] == "true"
    assert {one.status_code for one in await asyncio.gather(*reports)} == {200}


async def test_the_page_runs_nothing_but_its_own_files(gateway: Gateway) -> None:
    page = await gateway.client.get("/reports/uplift")
    assert page.status_code == 200
    assert "unsafe" not in page.headers["content-security-policy"]
    assert "<script>" not in page.text
    assert "style=" not in page.text
    for name in ("/reports/uplift.js", "/reports/uplift.css"):
        assert f'"{name}?v=' in page.text
        assert (await gateway.client.get(name)).status_code == 200
