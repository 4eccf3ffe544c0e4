"""The card has the shape that the description promises, with the record of those who were scored alike."""

from __future__ import annotations

from datetime import date
from math import exp, fsum
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from msgspec import UNSET

from bridge.flow.models import put_record
from bridge.gateway.shapes import CardAnswer
from bridge.scoring.record import Alike, RiskRecord, Seen
from tests.gateway.conftest import NOON, Gateway, case, person

PHONE = "+4930901820"
ADA = person("1", name="Ada Kaya", phones=[PHONE], language="de")
CALM = Alike(most=0.07, customers=1203, said=0.0512, left=0.04906)
TENSE = Alike(most=1.0, customers=214, said=0.412345, left=0.31)


async def told(gateway: Gateway, *groups: Alike, seen: Seen = Seen.lived) -> None:
    """Let the card's record be this, and everybody be decided anew."""
    desk = gateway.gate.desk
    record = RiskRecord(seen=seen, from_day=date(2026, 5, 1), to_day=date(2026, 5, 31), horizon_days=90, groups=groups)
    await put_record(gateway.store, desk.fitted.scored_by(desk.rules.deciding.card), record, NOON)
    await gateway.store.change("customers.all_due", due_origin="refresh")
    await gateway.digest()


async def card(gateway: Gateway, phone: str = PHONE) -> dict[str, Any]:
    """The card as it is sent; it fits the description's schema and its struct."""
    answer = await gateway.get("/v1/assist", "agent", phone=phone)
    assert answer.status_code == 200
    document = (await gateway.client.get("/openapi.json")).json()
    for method in ("get", "post"):
        described = document["paths"]["/v1/assist"][method]["responses"]["200"]["content"]["application/json"]
        schema = described["schema"] | {"components": document["components"]}
        jsonschema_rs.validator_for(schema).validate(answer.json())
        jsonschema_rs.validator_for(schema).validate(described["example"])
    found: dict[str, Any] = answer.json()
    return found


async def test_who_was_scored_alike_stands_on_the_card(gateway: Gateway) -> None:
    await gateway.know(ADA)
    await told(gateway, CALM, TENSE)
    assert (await card(gateway))["risk"]["record"] == {
        "customers": 1203,
        "left": 0.0491,
        "said": 0.0512,
        "horizon_days": 90,
        "seen": "lived",
        "from": "2026-05-01",
        "to": "2026-05-31",
    }
    opened = "2026-11-19T08:00:00+00:00"
    await gateway.know(case("7", of="1", type="complaint", status="open", topic="Rechnung", opened=opened))
    await told(gateway, CALM, TENSE, seen=Seen.held_out)
    risk = (await card(gateway))["risk"]
    assert risk["probability"] > 0.07
    assert (risk["record"]["customers"], risk["record"]["left"], risk["record"]["seen"]) == (214, 0.31, "held_out")


async def test_the_reasons_on_the_card_add_up_to_its_probability(gateway: Gateway) -> None:
    opened = "2026-11-19T08:00:00+00:00"
    await gateway.know(ADA, case("7", of="1", type="complaint", status="open", topic="Rechnung", opened=opened))
    risk = msgspec.convert(await card(gateway), CardAnswer).risk
    assert risk is not UNSET and risk.reasons
    total = fsum([risk.base_log_odds, *(reason.log_odds for reason in risk.reasons)])
    assert risk.probability == pytest.approx(1 / (1 + exp(-total)), abs=1e-9)


@pytest.mark.parametrize("customers", [29, 30])
async def test_of_too_few_who_were_scored_alike_nothing_is_said(gateway: Gateway, customers: int) -> None:
    await gateway.know(ADA)
    await told(gateway, Alike(most=1.0, customers=customers, said=0.1, left=0.1))
    record = (await card(gateway))["risk"]["record"]
    assert (record is None) == (customers < 30)


async def test_without_a_record_and_for_nobody_there_is_none(gateway: Gateway) -> None:
    await gateway.know(ADA)
    assert (await card(gateway))["risk"]["record"] is None
    assert "risk" not in await card(gateway, "+4930000000")
