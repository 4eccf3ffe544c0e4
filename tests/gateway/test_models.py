"""What is said of the models in use: versions, reports, records and drift; and each model as it is stored."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from bridge.flow.drifting import Drift
from bridge.flow.lived import GRACE
from bridge.flow.models import install, put_record, risk_body, roll_back
from bridge.scoring.drift import Kept, Shift, Shifted, Verdict
from bridge.scoring.record import Alike, RiskRecord, Seen
from bridge.scoring.tables import CategoryTable, Tables, parse_tables
from bridge.store import Unit, micros
from tests.gateway.conftest import NOON, Gateway, person

MODEL = Tables(intercept=-2.0, tables=(CategoryTable(name="complaint", entries={"open": 0.9, "d30": 0.4}),))


def record(seen: Seen, left: float, customers: int = 400) -> RiskRecord:
    groups = (
        Alike(most=0.2, customers=customers, said=0.1, left=0.1),
        Alike(most=1.0, customers=customers, said=0.3, left=left),
    )
    return RiskRecord(seen=seen, from_day=date(2026, 5, 1), to_day=date(2026, 5, 31), horizon_days=90, groups=groups)


async def kinds(gateway: Gateway, scope: str = "admin") -> dict[str, Any]:
    answer = await gateway.get("/v1/models", scope)
    assert answer.status_code == 200, answer.text
    return {one["kind"]: one for one in answer.json()["models"]}


async def test_before_anything_is_fitted_the_points_card_counts(gateway: Gateway) -> None:
    told = await kinds(gateway, "supervisor")
    assert list(told) == ["risk", "value", "mood"]
    risk = told["risk"]
    card = gateway.gate.desk.rules.deciding.card
    assert risk["in_use"] == f"card:{card.version}"
    assert (risk["since"], risk["installed"], risk["records"], risk["drift"], risk["next_settling"]) == (
        None,
        [],
        [],
        None,
        None,
    )
    assert told["value"]["in_use"] is told["mood"]["in_use"] is None
    shown = await gateway.get(f"/v1/models/risk/{risk['in_use']}", "supervisor")
    points = {one.name: one for one in parse_tables(shown.content, "shown").tables}
    assert set(points) == set(card.codes)
    one = points["complaint"]
    assert isinstance(one, CategoryTable)
    assert one.entries["open"] == pytest.approx(card.model.shares["complaint", "open"])


async def test_a_model_is_told_with_its_report_record_and_history(gateway: Gateway) -> None:
    store = gateway.store
    other = msgspec.structs.replace(MODEL, intercept=-1.5)
    first = await install(store, "risk", risk_body(MODEL), {"auc": 0.81}, NOON)
    gateway.clock.advance(days=40)
    later = gateway.clock()
    second = await install(store, "risk", risk_body(other), {"auc": 0.84}, later)
    await put_record(store, first, record(Seen.held_out, 0.3), NOON)
    await put_record(store, second, record(Seen.held_out, 0.31), later)
    await put_record(store, second, record(Seen.lived, 0.45), later + timedelta(days=1))
    risk = (await kinds(gateway))["risk"]
    assert (risk["in_use"], risk["since"]) == (second, "2026-12-31T12:00:00Z")
    assert [(one["version"], one["report"]["auc"]) for one in risk["installed"]] == [(second, 0.84), (first, 0.81)]
    assert [one["seen"] for one in risk["records"]] == ["lived", "held_out"]
    whole = risk["records"][0]["whole"]
    assert (whole["customers"], whole["said"], whole["left"]) == (800, pytest.approx(0.2), pytest.approx(0.275))
    assert whole["low"] < whole["left"] < whole["high"]
    assert [one["verdict"] for one in risk["records"][0]["groups"]] == ["holds", "too_low"]
    assert (risk["calibration"], risk["advice"]) == ("too_low", "fit anew")
    assert (await gateway.get(f"/v1/models/risk/{second}", "admin")).content == risk_body(other)

    await roll_back(store, "risk", later + timedelta(days=2))
    risk = (await kinds(gateway))["risk"]
    assert (risk["in_use"], risk["since"]) == (first, "2027-01-02T12:00:00Z")
    assert [one["whole"]["left"] for one in risk["records"]] == [pytest.approx(0.2)]
    assert (risk["calibration"], risk["advice"]) == ("holds", None)
    assert (await gateway.get(f"/v1/models/risk/{second}", "admin")).status_code == 200


async def test_drift_and_the_next_settling_are_told_of_the_model_in_use(gateway: Gateway) -> None:
    await gateway.know(person("1", name="Ada Kaya", phones=["+4930901820"]))
    card = gateway.gate.desk.rules.deciding.card
    shift = Shift(code="complaint", band="open", then=0.1, now=0.4)
    moved = Drift(
        model=f"card:{card.version}",
        at=NOON,
        then=900,
        now=950,
        shifted=Shifted(index=0.31, verdict=Verdict.moved, shifts=(shift,)),
        kept=Kept.holds,
    )
    unit = Unit()
    unit.add("meta.put", name="risk_drift", value=msgspec.json.encode(moved).decode())
    due = NOON + timedelta(days=90)
    unit.add("predictions.note", said_at=micros(NOON), due_at=micros(due), low="c_", high="c_g")
    await gateway.store.write(unit)
    risk = (await kinds(gateway))["risk"]
    assert risk["drift"] == {
        "told_at": "2026-11-21T12:00:00Z",
        "then": 900,
        "now": 950,
        "index": 0.31,
        "verdict": "moved",
        "moved_most": [
            {
                "code": "complaint",
                "band": "open",
                "title": {"de": "Beschwerde", "en": "Complaint"},
                "band_title": {"de": "noch offen", "en": "still open"},
                "then": 0.1,
                "now": 0.4,
            }
        ],
    }
    assert risk["advice"] == "fit anew"
    assert risk["next_settling"] == (due + GRACE).strftime("%Y-%m-%dT%H:%M:%SZ")
    await install(gateway.store, "risk", risk_body(MODEL), None, NOON)
    assert (await kinds(gateway))["risk"]["drift"] is None


@pytest.mark.parametrize("path", ["risk/0000000000000000", "risk/card:0", "value/x", "weather/x"])
async def test_what_was_never_installed_is_not_there(gateway: Gateway, path: str) -> None:
    answer = await gateway.get(f"/v1/models/{path}", "admin")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("scope", ["ivr", "agent", "privacy"])
async def test_models_are_for_who_answers_for_them(gateway: Gateway, scope: str) -> None:
    for path in ("/v1/models", "/v1/models/risk/x"):
        assert (await gateway.get(path, scope)).status_code == 403
        assert (await gateway.client.get(path)).status_code == 401


async def test_a_model_is_taken_back_with_a_reason_and_only_the_one_that_was_seen(gateway: Gateway) -> None:
    store = gateway.store
    first = await install(store, "risk", risk_body(MODEL), {}, NOON)
    gateway.clock.advance(days=1)
    second = await install(
        store, "risk", risk_body(msgspec.structs.replace(MODEL, intercept=-1.5)), {}, gateway.clock()
    )
    why = {"version": second, "reason": "says too little since the price rise"}
    assert (await gateway.post("/v1/models/risk/rollback", "agent", json=why)).status_code == 403
    answer = await gateway.post("/v1/models/risk/rollback", "supervisor", json=why)
    assert answer.json() == {"kind": "risk", "version": first}
    assert (await gateway.post("/v1/models/risk/rollback", "admin", json=why)).status_code == 409
    last = await gateway.post("/v1/models/risk/rollback", "admin", json=why | {"version": first})
    assert last.json() == {"kind": "risk", "version": None}
    assert (await gateway.post("/v1/models/tiers/rollback", "admin", json=why)).status_code == 404
    assert (await gateway.post("/v1/models/mood/rollback", "admin", json=why)).status_code == 409
    await gateway.gate.flush()
    noted = await gateway.rows("audit", "subject, detail", "action = 'model.roll_back'")
    assert [subject for subject, _ in noted] == ["model:risk", "model:risk"]
    assert "price rise" in noted[0][1]
