"""Situations for scripts: one customer of whom everything is known, and the steps from there to nobody."""

from __future__ import annotations

from datetime import date
from typing import Any

from bridge.model import (
    Account,
    Channel,
    Customer,
    Money,
    Phone,
    SurveyMetric,
    SurveyResponse,
    Ticket,
    TicketStatus,
    TicketType,
)
from bridge.playbook import Situation
from bridge.scoring import load_scoring, score
from bridge.scoring.result import Band, Risk, Scores, Signal, Tier, Value
from bridge.scoring.signals import SIGNS
from bridge.scoring.view import View
from tests.scoring.views import CONFIG, NOW, ago, contract, day, euros, view_of

CARD = load_scoring(CONFIG / "scoring.yaml")
KATRIN = Customer(
    name="Katrin Albers",
    given_name="Katrin",
    family_name="Albers",
    salutation="Frau",
    language="de",
    region="DE",
    phones=(Phone(raw="0171 39200", e164="+4917139200"),),
    emails=("katrin@albers-optik.example",),
    external_ids={"billing": "77001"},
    job_title="Inhaberin",
    owner="Jana Brandt",
    preferred_channel=Channel.voice,
    tags=("Messe",),
    customer_since=date(2019, 3, 1),
)
FIVE_HUNDRED = Money(50_000, "EUR")
_SAMPLE: dict[str, Any] = {
    "date": day(20),
    "product": "Glasfaser 250",
    "amount": Money(2990, "EUR"),
    "amount_after": Money(4490, "EUR"),
    "metric": "NPS",
    "score": 3.0,
    "scale": 10.0,
    "recent": 2,
    "usual": 5.5,
    "days": 180,
    "gap": 30,
    "year": "2016",
    "name": "Telstern",
    "count": 4,
    "minutes": 25,
    "drop": 45,
    "title": "Geschäftsführerin",
}
"""A value for every fact that a sign can bring."""
_OTHERWISE: dict[tuple[str, str], Any] = {("usage_falling", "metric"): "logins", ("prestige", "name"): "Hafenwerk AG"}
OWN = ("Albers", "Glasfaser 250", "Telstern", "Jana Brandt", "Geschäftsführerin")


def unhappy() -> View:
    """A shop whose line was down, with a complaint, a bad score and a discount that ends."""
    return view_of(
        contract(monthly_amount=euros(89.9), discount_ends=day(40), amount_after_discount=euros(119.9), ends=day(40)),
        Ticket(
            type=TicketType.complaint,
            status=TicketStatus.open,
            opened=ago(6),
            text="Geheimer Inhalt: Vier Tage ohne Anschluss",
            reopened=1,
        ),
        SurveyResponse(metric=SurveyMetric.nps, score=3.0, answered=ago(6), comment="Geheimer Kommentar"),
        Account(name="Albers Optik GmbH", segment="Business"),
        customer=KATRIN,
    )


def situation_of(view: View) -> Situation:
    return Situation(view, score(CARD, view, NOW))


def with_signals(
    *codes: str | tuple[str, str],
    facts: bool = True,
    tier: Tier = Tier.silver,
    band: Band = Band.medium,
    customer: Customer = KATRIN,
    expected: Money | None = FIVE_HUNDRED,
) -> Situation:
    """A situation that shows `codes`, each in its strongest band (else the one beside it), with all its facts or only
    those always there."""
    pairs = [code if isinstance(code, tuple) else (code, SIGNS[code].bands[0]) for code in codes]
    signals = tuple(
        Signal(
            code=code,
            band=shown,
            facts={
                name: _OTHERWISE.get((code, name), _SAMPLE[name])
                for name in (*SIGNS[code].always, *(SIGNS[code].sometimes if facts else ()))
            },
        )
        for code, shown in pairs
    )
    risk = Risk(probability=0.3, band=band, horizon_days=90, base_log_odds=-2.0, usual=0.06, reasons=())
    value = Value(expected=expected, tier=tier, horizon_days=365, how=())
    return Situation(
        view_of(contract(), customer=customer), Scores(signals=signals, risk=risk, value=value, valid_until=NOW)
    )
