"""What the description shows of each serving function beside its types: examples, and bodies that have no struct."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct

from bridge.gateway import (
    assist,
    customers,
    events,
    identities,
    lookup,
    outcomes,
    replaying,
    reports,
    scripts,
    subjects,
    system,
    tickets,
    webhooks,
)
from bridge.gateway.shapes import CardAnswer
from bridge.reports import Uplift


class Shown(Struct, frozen=True, kw_only=True):
    """For one serving function. `body_types` are those of a body that is read leniently, without a struct."""

    body_types: tuple[str, ...] = ()
    answer_types: tuple[str, ...] = ("application/json",)
    flat: bool = False
    """It answers the flat answer (see `bridge.flat`)."""
    shape: Any = None
    """The type that describes an answer which is sent as it was stored."""
    headers: tuple[str, ...] = ()
    path: dict[str, str] = {}
    query: dict[str, str] = {}
    body: Any = None
    answer: Any = None
    also: dict[str, str] = {}
    """Other statuses, and what they mean."""


_CUSTOMER: Final = "c_5f0c2a9be14d7a31"
_DECISION: Final = "d_8a1f20c76b3e9d54"
_PHONE: Final = {"phone": "+4930901820"}
_FLAT: Final[dict[str, str]] = {
    "found": "true",
    "match": "exact",
    "candidates": "1",
    "customer_id": _CUSTOMER,
    "decision_id": _DECISION,
    "value_tier": "gold",
    "priority": "2",
    "route_hint": "retention",
    "risk_band": "high",
    "language": "de",
    "preferred_channel": "voice",
    "open_case": "true",
    "risk_score": "62",
    "reason_1": "contract_end",
    "reason_2": "complaint",
    "reason_3": "",
    "reason_1_text": "Der Vertrag endet in 23 Tagen.",
    "reason_2_text": "Beschwerde vom 3. November ist noch offen.",
    "reason_3_text": "",
    "script_id": "contract_end",
    "script_title": "Vertragsende: persönlich nachfragen",
    "script_line": "Frau Kaya, Ihr Vertrag läuft bald aus. Ich möchte gern wissen, was Ihnen künftig wichtig ist.",
    "offer_ceiling": "45.00 EUR",
    "owner": "Jana Vogt",
    "consent_voice": "granted",
    "loop_due_in_min": "",
    "as_of_age_s": "312",
    "degraded": "false",
    "missing_sources": "",
    "answer_ms": "1",
    "schema": "1",
    "ask": "",
    "ask_digits": "",
    "ask_text": "",
}
_CARD: Final[dict[str, Any]] = {
    "decision_id": _DECISION,
    "schema": "1",
    "language": "de",
    "match": "exact",
    "customer": {"id": _CUSTOMER, "salutation": "Frau", "family_name": "Kaya", "preferred_channel": "voice"},
    "routing": {"route_hint": "retention", "priority": 2},
    "risk": {
        "probability": 0.6225,
        "score": 62,
        "band": "critical",
        "usual": 0.06,
        "horizon_days": 90,
        "base_log_odds": -2.75,
        "record": {
            "customers": 214,
            "left": 0.6121,
            "said": 0.6198,
            "horizon_days": 90,
            "seen": "lived",
            "from": "2026-05-01",
            "to": "2026-05-31",
        },
        "reasons": [
            {
                "code": "contract_ending",
                "band": "d30",
                "text": _FLAT["reason_1_text"],
                "lower": "Rechtzeitig ein neues Angebot machen",
                "points": 46.9,
                "log_odds": 3.25,
                "evidence": {"record": "crm/contract/4711", "source": "crm", "at": "2026-11-03T09:30:00Z"},
            }
        ],
    },
    "value": {"tier": "gold"},
    "script": {"id": "contract_end", "title": _FLAT["script_title"], "line": _FLAT["script_line"]},
    "offer": {"kinds": ["discount"], "ceiling": {"minor": 4500, "currency": "EUR"}},
    "found": "true",
    "candidates": "1",
    "as_of_age_s": "312",
    "degraded": "false",
    "missing_sources": "",
    "answer_ms": "2",
    "loop_due_in_min": "180",
}
_FORMS: Final = ("application/json", "application/x-www-form-urlencoded")
_FORMATS: Final = (*_FORMS, "text/plain; charset=utf-8")
_ID: Final = {"id": _CUSTOMER}
_BUDGET: Final = ("X-Budget-Ms", "X-Host")
_EVENTS: Final = ("text/event-stream",)
_SEEN: Final = ("Last-Event-ID",)
_CALL: Final = {"id": "call-4711"}

SHOWN: Final[dict[Callable[..., Any], Shown]] = {
    lookup.by_query: Shown(answer_types=_FORMATS, flat=True, headers=_BUDGET, query=_PHONE, answer=_FLAT),
    lookup.by_body: Shown(
        body_types=_FORMS, answer_types=_FORMATS, flat=True, headers=_BUDGET, body=_PHONE, answer=_FLAT
    ),
    assist.by_query: Shown(shape=CardAnswer, headers=_BUDGET, query=_PHONE, answer=_CARD),
    assist.by_body: Shown(shape=CardAnswer, body_types=_FORMS, headers=_BUDGET, body=_PHONE, answer=_CARD),
    events.of_interaction: Shown(answer_types=_EVENTS, headers=_SEEN, path=_CALL),
    events.of_interaction_in_page: Shown(answer_types=_EVENTS, headers=_SEEN, path=_CALL),
    events.of_customer: Shown(answer_types=_EVENTS, headers=_SEEN, path=_ID),
    events.of_customer_in_page: Shown(answer_types=_EVENTS, headers=_SEEN, path=_ID),
    scripts.others: Shown(path={"id": _DECISION}, body={"lang": "de"}),
    outcomes.record: Shown(
        headers=("Idempotency-Key",),
        path={"id": _DECISION},
        body={"kind": "accepted", "result": "saved", "offer": "discount", "amount": "15.00", "currency": "EUR"},
        answer={"outcome": "o_31c5d8a09be27f46a1b0c2d3", "decision": _DECISION, "recorded": True},
    ),
    replaying.replay: Shown(path={"id": _DECISION}, query={"lang": "de"}),
    replaying.rules: Shown(path={"id": _DECISION}, answer={"playbooks/contract_end.yaml": "id: contract_end"}),
    tickets.mint: Shown(body={"agent": "a-17", "origin": "https://desk.example.com"}),
    customers.show: Shown(path=_ID),
    customers.timeline: Shown(path=_ID, query={"limit": "20"}),
    subjects.export: Shown(path=_ID),
    subjects.erase: Shown(path=_ID),
    identities.show: Shown(path=_ID),
    identities.merge: Shown(body={"a": _CUSTOMER, "b": "c_0b7d11", "reason": "same person, said so on the phone"}),
    identities.separate: Shown(body={"customer": _CUSTOMER, "profiles": ["crm:4711"], "reason": "mother and daughter"}),
    identities.split: Shown(body={"id": "m_5f0c2a9be14d7a31"}),
    identities.block: Shown(body={"kind": "phone", "value": "+4930901820", "reason": "switchboard"}),
    identities.unblock: Shown(body={"kind": "phone", "value": "+4930901820"}),
    reports.uplift: Shown(
        shape=Uplift,
        answer_types=("application/json", "text/csv; charset=utf-8"),
        query={"situation": "contract_end", "since": "2026-06-01"},
    ),
    webhooks.receive: Shown(
        body_types=("application/json",),
        answer_types=(),
        path={"source": "helpdesk"},
        body={},
        also={"202": "Kept, or nothing in it that is kept."},
    ),
    webhooks.probe: Shown(answer_types=(), path={"source": "helpdesk"}),
    system.alive: Shown(answer={"status": "ok", "version": "0.1.0"}),
    system.ready: Shown(also={"503": "The store does not answer."}),
    system.metrics: Shown(answer_types=("text/plain; charset=utf-8",)),
}
