"""Facts of what time alone brings about: named by the signal that shows them, and noted once."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from bridge.facts import Fact, FactKind, Origin
from bridge.flow.noticing import _CROSSINGS, Standing, from_crossings
from bridge.scoring.result import Evidence, Signal
from bridge.scoring.signals import SIGNS

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)


def noticed(signal: Signal, now: datetime = NOW) -> list[Fact]:
    same = Standing(band="low", tier="gold", decision="d_1")
    return list(from_crossings(same, same, [signal], customer="c_1", now=now, origin=Origin.live))


def fallen(record: str, drop: int, band: str = "lower") -> Signal:
    proof = Evidence(record=record, source="app", at=NOW)
    return Signal(code="usage_falling", band=band, evidence=proof, facts={"drop": drop, "metric": "logins"})


def test_every_signal_that_becomes_a_fact_exists() -> None:
    assert set(_CROSSINGS) <= set(SIGNS)


def test_falling_use_is_noted_once_a_month_however_often_it_is_measured() -> None:
    first = noticed(fallen("app/usage/1", 40))
    assert [fact.kind for fact in first] == [FactKind.usage_fell]
    assert first[0].data == {"band": "lower", "drop": 40, "metric": "logins"}
    assert noticed(fallen("app/usage/8", 43), NOW + timedelta(days=7))[0].id == first[0].id
    assert noticed(fallen("app/usage/9", 70, "much_lower"), NOW)[0].id != first[0].id
    assert noticed(fallen("app/usage/9", 44), NOW + timedelta(days=30))[0].id != first[0].id


def test_what_is_no_crossing_is_no_fact() -> None:
    assert noticed(Signal(code="complaint", band="open")) == []
