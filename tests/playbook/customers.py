"""One made-up customer for every script: the records that make it the one to suggest."""

from __future__ import annotations

from typing import Any

import msgspec

from bridge.model import (
    Account,
    Channel,
    ContractStatus,
    Customer,
    Direction,
    Interaction,
    Purchase,
    SurveyMetric,
    SurveyResponse,
    Ticket,
    TicketStatus,
    TicketType,
)
from bridge.scoring.view import View
from tests.playbook.situations import KATRIN
from tests.scoring.views import ago, contract, day, euros, view_of


def who(**fields: Any) -> Customer:
    """Katrin, but for `fields`."""
    return msgspec.structs.replace(KATRIN, **fields)


def said(days: float, text: str) -> Ticket:
    return Ticket(status=TicketStatus.closed, opened=ago(days), resolved=ago(days), text=text)


def ticket(kind: TicketType, days: float, status: TicketStatus = TicketStatus.waiting) -> Ticket:
    return Ticket(type=kind, status=status, opened=ago(days), first_reply=ago(days))


def call(days: float, **fields: Any) -> Interaction:
    return Interaction(channel=Channel.voice, direction=Direction.inbound, started=ago(days), **fields)


def nps(score: float, days: float) -> SurveyResponse:
    return SurveyResponse(metric=SurveyMetric.nps, score=score, answered=ago(days))


BIG = contract(monthly_amount=euros(290), ends=day(10), discount_ends=day(10), amount_after_discount=euros(320))

CUSTOMERS: dict[str, View] = {
    "cannot_phone": view_of(
        contract(), ticket(TicketType.complaint, 6), customer=who(communication_needs="hört schwer")
    ),
    "key_account": view_of(
        contract(), ticket(TicketType.complaint, 6), Account(name="Hafenwerk AG", prestige=True), customer=KATRIN
    ),
    "wants_to_leave": view_of(contract(), said(5, "Ich möchte kündigen."), customer=KATRIN),
    "complaint": view_of(contract(), ticket(TicketType.complaint, 6), customer=KATRIN),
    "win_back": view_of(contract(status=ContractStatus.cancelled, ends=day(40)), customer=KATRIN),
    "onboarding_trouble": view_of(contract(), ticket(TicketType.problem, 5), customer=who(customer_since=day(-20))),
    "apology": view_of(contract(), nps(2, 10), customer=KATRIN),
    "long_waits": view_of(contract(), call(4, wait_seconds=1500), customer=KATRIN),
    "billing_trouble": view_of(contract(), said(5, "Die Rechnung ist falsch."), customer=KATRIN),
    "competitor_offer": view_of(contract(), said(5, "Telstern ist deutlich schneller."), customer=KATRIN),
    "moving": view_of(contract(), said(5, "Wir ziehen im Mai um."), customer=KATRIN),
    "contract_terms": view_of(contract(), said(5, "Wie lang ist die Kündigungsfrist?"), customer=KATRIN),
    "price_asked": view_of(contract(), said(5, "Das wird mir zu teuer."), customer=KATRIN),
    "high_value_at_risk": view_of(BIG, call(800), customer=who(customer_since=None, job_title=None)),
    "discount_end": view_of(
        contract(discount_ends=day(20), monthly_amount=euros(29.9), amount_after_discount=euros(44.9)), customer=KATRIN
    ),
    "contract_end": view_of(contract(ends=day(20)), customer=KATRIN),
    "neglected": view_of(*[Purchase(at=ago(each), amount=euros(40)) for each in (95, 125, 155, 185)], customer=KATRIN),
    "welcome": view_of(contract(), customer=who(customer_since=day(-10))),
    "promoter_thanks": view_of(contract(), nps(10, 10), customer=KATRIN),
    "other_channel": view_of(contract(), customer=who(preferred_channel=Channel.email)),
    "default": view_of(contract(), customer=KATRIN),
}
"""Script → a customer to whom it is suggested."""
