"""What the description shows of each serving function beside its types: examples, and bodies that have no struct."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct

from bridge.gateway import (
    assist,
    automation_runs,
    automation_vocabulary,
    automations,
    customers,
    doubles,
    events,
    identities,
    lessons,
    letters,
    lookup,
    loops,
    metrics,
    models,
    outbox,
    outcomes,
    previews,
    replaying,
    reports,
    scripts,
    subjects,
    surveys,
    system,
    tickets,
    webhooks,
)
from bridge.gateway.shapes import CardAnswer
from bridge.reports import Uplift
from bridge.reports.metrics import Metrics

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


_FORMS: Final = ("application/json", "application/x-www-form-urlencoded")
_FORMATS: Final = (*_FORMS, "text/plain; charset=utf-8")
_ID: Final = {"id": _CUSTOMER}
_LOOP: Final = {"id": "l_5f0c2a9be14d7a315f0c2a9b"}
_PROPOSAL: Final = {"id": "p_8d1519ec372b68cf"}
_RULE: Final = {"id": "bad_nps"}
_FORM: Final[dict[str, Any]] = {
    "id": "sorry",
    "title": {"de": "Entschuldigen", "en": "Apologise"},
    "when": {"fact": "survey.answered", "where": {"fact.metric": "nps", "fact.score": {"at_most": 6}}},
    "purpose": "service",
    "do": [{"send_email": {"message": "apology", "apology": True}}],
}
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
    loops.show: Shown(path=_LOOP),
    loops.assign: Shown(path=_LOOP, body={"owner": "team"}),
    loops.note: Shown(path=_LOOP, body={"text": "The second bill was a mistake of ours", "cause": "billing"}),
    loops.reply: Shown(path=_LOOP, body={"text": "Apologised on the phone, asked for the bill", "waits": True}),
    loops.snooze: Shown(path=_LOOP, body={"until": "2026-12-01T09:00:00+01:00", "text": "waits for photographs"}),
    loops.close: Shown(path=_LOOP, body={"done": "Credited the second bill", "cause": "billing"}),
    loops.reopen: Shown(path=_LOOP, body={"text": "billed twice again"}),
    lessons.listing: Shown(query={"words": "bill moving"}),
    lessons.add: Shown(body={"cause": "billing", "text": "Whoever moves is billed twice", "changed": "Checked"}),
    identities.show: Shown(path=_ID),
    identities.merge: Shown(body={"a": _CUSTOMER, "b": "c_0b7d11", "reason": "same person, said so on the phone"}),
    identities.separate: Shown(body={"customer": _CUSTOMER, "profiles": ["crm:4711"], "reason": "mother and daughter"}),
    identities.split: Shown(body={"id": "m_5f0c2a9be14d7a31"}),
    identities.block: Shown(body={"kind": "phone", "value": "+4930901820", "reason": "switchboard"}),
    identities.unblock: Shown(body={"kind": "phone", "value": "+4930901820"}),
    models.show: Shown(path={"kind": "risk", "version": "5d1c07e2b94fa836"}),
    reports.uplift: Shown(
        shape=Uplift,
        answer_types=("application/json", "text/csv; charset=utf-8"),
        query={"situation": "contract_end", "since": "2026-06-01"},
    ),
    metrics.show: Shown(
        shape=Metrics,
        answer_types=("application/json", "text/csv; charset=utf-8"),
        query={"since": "2026-01", "by": "segment"},
    ),
    models.roll_back: Shown(
        path={"kind": "risk"}, body={"version": "5d1c07e2b94fa836", "reason": "says too little since the price rise"}
    ),
    automations.show: Shown(path=_RULE),
    automations.save: Shown(path=_RULE, body={"automation": _FORM, "version": "5d1c07e2b94fa836"}),
    automations.remove: Shown(path=_RULE),
    automations.switch: Shown(path=_RULE, body={"mode": "on", "roll_out": 0.1}),
    automations.roll_back: Shown(path=_RULE, body={"version": "5d1c07e2b94fa836"}),
    automation_runs.runs: Shown(path=_RULE, query={"limit": "20"}),
    automation_vocabulary.message_preview: Shown(body={"message": "apology", "fact": "survey.answered"}),
    previews.show: Shown(body={"automation": _FORM, "days": 90}),
    previews.effect: Shown(path=_RULE),
    surveys.show: Shown(path={"id": "nps"}),
    surveys.switch: Shown(path={"id": "nps", "mode": "dry"}),
    doubles.listing: Shown(query={"state": "open", "limit": "20"}),
    doubles.merge: Shown(path=_PROPOSAL, body={"reason": "same person, said so on the phone"}),
    doubles.refuse: Shown(path=_PROPOSAL, body={"reason": "father and son"}),
    doubles.reopen: Shown(path=_PROPOSAL),
    doubles.merges: Shown(query={"limit": "20"}),
    outbox.listing: Shown(query={"state": "uncertain"}),
    outbox.settle: Shown(path={"id": "42"}, body={"was_done": True}, answer={"id": 42, "state": "sent"}),
    outbox.retry_all: Shown(body={"source": "mail"}, answer={"retried": 41}),
    outbox.retry: Shown(path={"id": "42"}, answer={"id": 42, "state": "due"}),
    letters.listing: Shown(query={"source": "crm"}),
    letters.kinds: Shown(query={"state": "dead"}),
    letters.show: Shown(path={"id": "42"}),
    letters.replay_many: Shown(body={"source": "crm"}, answer={"replayed": 3}),
    letters.replay_one: Shown(path={"id": "42"}, answer={"replayed": 1}),
    letters.discard_kind: Shown(
        body={"source": "crm", "object": "row", "reason": "the row has 7 values", "because": "test rows of the vendor"},
        answer={"discarded": 3},
    ),
    letters.discard_one: Shown(
        path={"id": "42"}, body={"because": "a test row of the vendor"}, answer={"discarded": 1}
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
