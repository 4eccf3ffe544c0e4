"""Each thing that can happen is noticed once, with when it happened and why it came in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from bridge.facts import FactKind, Origin
from bridge.flow.noticing import Standing, from_change, from_crossings
from bridge.intake.records import Current
from bridge.scoring.result import Evidence, Signal
from bridge.store import micros
from tests.desks import NOW

AT = NOW - timedelta(hours=1)


def current(kind: str, *, deleted: int = 0, order: str = "t1", **body: Any) -> Current:
    return Current(
        source="desk",
        object=kind,
        source_id="1",
        ord=order,
        hash="0a",
        effective_at=micros(AT),
        known_at=micros(NOW),
        subject="id:desk:9",
        body=msgspec.json.encode(body).decode(),
        deleted=deleted,
    )


def kinds(before: Current | None, after: Current | None) -> list[str]:
    found = from_change(before, after, customer="c_1", known_at=NOW, origin=Origin.live)
    return [fact.kind.value for fact in found]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, current("ticket", status="open"), ["ticket.opened"]),
        (None, current("ticket", status="resolved"), ["ticket.resolved"]),
        (current("ticket", status="open"), current("ticket", status="closed"), ["ticket.resolved"]),
        (current("ticket", status="resolved"), current("ticket", status="closed"), []),
        (current("ticket", status="resolved"), current("ticket", status="open"), ["ticket.reopened"]),
        (current("ticket", status="open"), current("ticket", status="waiting"), []),
        (None, current("survey_response", metric="nps", sent="2026-11-01T00:00:00Z"), []),
        (
            None,
            current("survey_response", metric="nps", answered="2026-11-01T00:00:00Z", score=3.0),
            ["survey.answered"],
        ),
        (None, current("survey_response", metric="review", answered="2026-11-01T00:00:00Z"), ["review.published"]),
        (
            current("survey_response", metric="nps", answered="2026-11-01T00:00:00Z", score=3.0),
            current("survey_response", metric="nps", answered="2026-11-01T00:00:00Z", score=3.0, comment="x"),
            [],
        ),
        (None, current("interaction", state="ringing"), []),
        (current("interaction", state="ringing"), current("interaction", state="ended"), ["interaction.ended"]),
        (None, current("interaction", state="ended", abandoned=True), ["interaction.ended", "interaction.abandoned"]),
        (current("interaction", state="ended"), current("interaction", state="ended", queue="q"), []),
        (current("contract", status="active"), current("contract", status="cancelled"), ["contract.cancelled"]),
        (current("contract", status="cancelled"), current("contract", status="cancelled"), []),
        (current("ticket", status="open"), current("ticket", deleted=1, status="open"), []),
        (current("ticket", deleted=1, status="open"), current("ticket", status="open"), ["ticket.opened"]),
        (None, current("purchase"), []),
    ],
)
def test_a_change_of_a_record_is_the_fact_that_it_is(
    before: Current | None, after: Current | None, expected: list[str]
) -> None:
    assert kinds(before, after) == expected


def test_a_fact_says_when_it_happened_and_what_caused_it() -> None:
    (fact,) = from_change(None, current("ticket", status="open"), customer="c_1", known_at=NOW, origin=Origin.replay)
    assert (fact.kind, fact.occurred_at, fact.known_at) == (FactKind.ticket_opened, AT, NOW)
    assert (fact.cause, fact.origin, fact.customer) == ("desk/ticket/1", Origin.replay, "c_1")


def crossings(before: Standing | None, after: Standing, *signals: Signal) -> list[Any]:
    return list(from_crossings(before, after, signals, customer="c_1", now=NOW, origin=Origin.live))


def standing(band: str = "low", tier: str = "gold", decision: str = "d_1") -> Standing:
    return Standing(band=band, tier=tier, decision=decision)


def test_risk_that_rises_a_band_is_a_fact_and_risk_that_falls_is_none() -> None:
    assert [fact.kind for fact in crossings(standing("low"), standing("high"))] == [FactKind.risk_rose]
    assert crossings(standing("high"), standing("low")) == []
    assert crossings(standing("unknown"), standing("high")) == []
    assert crossings(None, standing("critical")) == []


def test_a_value_tier_that_changes_is_a_fact_unless_it_was_unknown() -> None:
    (fact,) = crossings(standing(tier="gold"), standing(tier="silver"))
    assert (fact.kind, fact.data) == (FactKind.value_changed, {"was": "gold", "now": "silver"})
    assert crossings(standing(tier="unknown"), standing(tier="silver")) == []


def test_an_end_that_comes_near_is_one_fact_per_band_and_end() -> None:
    def ending(band: str, day: str) -> Signal:
        evidence = Evidence(record="crm/contract/V1", source="crm", at=NOW)
        return Signal(code="contract_ending", band=band, evidence=evidence, facts={"date": day})

    same = {crossings(None, standing(), ending("d30", "2026-12-15"))[0].id for _ in range(3)}
    others = {
        crossings(None, standing(), ending("d14", "2026-12-15"))[0].id,
        crossings(None, standing(), ending("d30", "2027-12-15"))[0].id,
    }
    assert len(same) == 1
    assert len(same | others) == 3
    assert crossings(None, standing(), Signal(code="complaint", band="open")) == []
