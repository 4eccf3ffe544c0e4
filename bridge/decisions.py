"""The prepared answer: what is known of a customer becomes the bytes that a caller's system and an agent are sent.

A decision's id is a hash of its content: the same content is the same decision, whenever and however often it is
computed.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from bridge import flat
from bridge.model import Channel, ConsentStatus
from bridge.playbook import (
    ChoiceRules,
    Chosen,
    Incidents,
    Playbooks,
    Policy,
    RoutingRules,
    Situation,
    Suggestion,
    choose,
    load_choice,
    load_incidents,
    load_playbooks,
    load_routing,
    route,
    say_script,
    say_terms,
)
from bridge.scoring import NOTHING_FITTED, Fitted, ScoringCard, load_scoring, score
from bridge.scoring.record import RiskRecord
from bridge.scoring.result import Band, Reason, Risk, Scores, Signal
from bridge.scoring.signals_contracts import goes_on
from bridge.scoring.signals_reading import is_open
from bridge.scoring.view import Held, View
from bridge.store import micros

SPREAD_SECONDS = 600
"""Decisions that run out at the same moment (midnight) become due over this many seconds."""
MOST_CASES = 5
_NOTHING: Final[Mapping[str, datetime]] = {}

_encode = msgspec.json.Encoder(order="deterministic").encode


class Deciding(Struct, frozen=True, kw_only=True):
    """The rules that decisions are made by. `version` names their files' content."""

    card: ScoringCard
    playbooks: Playbooks
    routing: RoutingRules
    incidents: Incidents
    choice: ChoiceRules
    languages: tuple[str, ...]
    version: str
    files: dict[str, str]

    def materials(self) -> list[dict[str, Any]]:
        """The files behind `version`, to be kept so that a decision can be explained after they have changed."""
        return [{"hash": self.version, "kind": "rules", "body": _encode(self.files).decode()}]


def load_deciding(config_dir: Path, languages: tuple[str, ...]) -> Deciding:
    """Read and check the files that decisions are made by. Raises ConfigError with file and path."""
    paths = [
        config_dir / "scoring.yaml",
        config_dir / "routing.yaml",
        *(path for path in (config_dir / "offers.yaml", config_dir / "choice.yaml") if path.exists()),
        *sorted((config_dir / "playbooks").glob("*.yaml")),
    ]
    incident_path = config_dir / "incident.yaml"
    if incident_path.exists():
        paths.append(incident_path)
    card, playbooks = load_scoring(paths[0]), load_playbooks(config_dir / "playbooks")
    routing = load_routing(paths[1])
    files = {path.relative_to(config_dir).as_posix(): path.read_text("utf-8") for path in paths}
    return Deciding(
        card=card,
        playbooks=playbooks,
        routing=routing,
        incidents=load_incidents(incident_path),
        choice=load_choice(config_dir / "choice.yaml"),
        languages=languages,
        version=blake2b(_encode(files), digest_size=8).hexdigest(),
        files=files,
    )


class Prepared(Struct, frozen=True, kw_only=True):
    """One customer's decision with its bytes: `routing` for the phone system, per language `details` and `cards`."""

    id: str
    customer: str
    language: str
    """The customer's own, as far as it is prepared; else the first that is."""
    computed_at: datetime
    valid_until: datetime
    tier: str
    priority: int
    route_hint: str
    risk_band: str
    probability: float | None
    """To leave; None for who is not scored."""
    scored_by: str
    value_minor: int | None
    currency: str | None
    signals: tuple[Signal, ...]
    routing: bytes
    details: dict[str, bytes]
    cards: dict[str, bytes]
    made_of: str

    @property
    def due_at(self) -> datetime:
        """When to decide anew: once it has run out, spread so that not all come at midnight."""
        place = int.from_bytes(blake2b(self.customer.encode(), digest_size=4).digest(), "big")
        return self.valid_until + timedelta(seconds=place % SPREAD_SECONDS)

    def rows(self) -> list[dict[str, Any]]:
        """As rows of the table `decisions`, one per language."""
        computed_at, valid_until = micros(self.computed_at), micros(self.valid_until)
        shown = " ".join(f"{signal.code}:{signal.band}" for signal in self.signals)
        return [
            {
                "customer": self.customer,
                "language": language,
                "main": int(language == self.language),
                "id": self.id,
                "computed_at": computed_at,
                "valid_until": valid_until,
                "as_of": computed_at,
                "tier": self.tier,
                "priority": self.priority,
                "route_hint": self.route_hint,
                "risk_band": self.risk_band,
                "value_minor": self.value_minor,
                "currency": self.currency,
                "routing": self.routing,
                "detail": self.details[language],
                "card": self.cards[language],
                "made_of": self.made_of,
                "probability": self.probability if language == self.language else None,
                "scored_by": self.scored_by if language == self.language else None,
                "signals": shown if language == self.language else None,
            }
            for language in self.details
        ]


def decide(
    rules: Deciding,
    view: View,
    *,
    now: datetime,
    fitted: Fitted = NOTHING_FITTED,
    granted: Mapping[str, datetime] = _NOTHING,
    policies: Sequence[Policy] = (),
) -> Prepared:
    """The decision for the customer of `view` at `now`: pure.

    `granted` are the offers this customer was granted, each with when it may be offered again; `policies` what was
    learnt about scripts so far.
    """
    scores = score(rules.card, view, now, fitted)
    situation = Situation(view, scores)
    incidents, change = rules.incidents.at(now)
    running = {id: until for id, until in granted.items() if until > now}
    chosen = choose(
        rules.playbooks, situation, incidents, rules=rules.choice, policies=policies, now=now, granted=running
    )
    suggestion = chosen.suggestion
    routing = route(rules.routing, situation)
    cuts = fitted.cuts
    record = _record(scores.risk, fitted.record)
    tiers = None if cuts is None else [cuts.platinum, cuts.gold, cuts.silver]
    made_of = {"rules": rules.version, "tiers": tiers, **fitted.versions}
    cards = {
        language: _encode(
            _card(view, scores, suggestion, routing.route_hint, routing.priority, language, made_of, record, chosen)
        )
        for language in rules.languages
    }
    number = "d_" + blake2b(b"\n".join((view.id.encode(), *cards.values())), digest_size=10).hexdigest()
    own = view.customer.language
    language = own if own in rules.languages else rules.languages[0]
    expected = scores.value.expected
    ends = (scores.valid_until, change, suggestion.changes_at, chosen.choice.until)
    return Prepared(
        id=number,
        customer=view.id,
        language=language,
        computed_at=now,
        valid_until=min(at for at in ends if at is not None),
        tier=scores.value.tier.value,
        priority=routing.priority,
        route_hint=routing.route_hint,
        risk_band=scores.risk.band.value,
        probability=None if scores.risk.band is Band.unknown else scores.risk.probability,
        scored_by=fitted.scored_by(rules.card),
        value_minor=None if expected is None else expected.minor,
        currency=None if expected is None else expected.currency,
        signals=scores.signals,
        routing=_routing(view, scores, number, routing.route_hint, routing.priority, language),
        details={one: _detail(view, scores, suggestion, one) for one in rules.languages},
        cards={
            language: pack_card(b'{"decision_id":"%b",%b' % (number.encode(), card[1:]))
            for language, card in cards.items()
        },
        made_of=_encode(made_of).decode(),
    )


def pack_card(card: bytes) -> bytes:
    """`card` (JSON) as it is stored, in a third of its length."""
    # A card is short: a large window costs more to clear than to fill, codes of its own more than they save.
    packer = zlib.compressobj(3, zlib.DEFLATED, -_WINDOW, 5, zlib.Z_FIXED, _WORDS[_NEWEST])
    return bytes((_NEWEST,)) + packer.compress(card) + packer.flush()


def unpack_card(packed: bytes) -> bytes:
    """The card that `pack_card` was given."""
    return zlib.decompressobj(-_WINDOW, _WORDS[packed[0]]).decompress(packed[1:])


_WINDOW: Final = 13
_NEWEST: Final = 1
_WORDS: Final = {
    1: (
        b'{"decision_id":"d_","contracts":[{"ends":"2027-","product":"","record":"/contract/"}],"customer":{"accounts":[],'
        b'"communication_needs":null,"consents":[{"channel":"email","status":"granted"}],"deceased":false,"family_name":"",'
        b'"given_name":"","id":"c_","job_title":null,"language":"de","name":"","objects_to_profiling":false,"owner":null,'
        b'"preferred_channel":"unknown","salutation":"Frau","since":"201","tags":[]},"language":"en","made_of":{"rules":"",'
        b'"tiers":[]},"match":"exact","offer":{"arithmetic":{"uplift":0.1,"margin":{"minor":,"currency":"EUR"},"gain":{'
        b'"minor":,"currency":"EUR"},"cost":{"minor":00,"currency":"EUR"},"policy":{"minor":000,"currency":"EUR"},"result":{'
        b'"minor":000,"currency":"EUR"},"limited_by":"policy"},"ceiling":{"minor":000,"currency":"EUR"},"kinds":["discount",'
        b'"upgrade","goodwill_credit"]},"arithmetic":null,"ceiling":null,"kinds":[]},"open_cases":[{"record":"/ticket/",'
        b'"topic":"","status":"open","since":"2026-"}],"risk":{"band":"low","base_log_odds":-2.7515353130419,"horizon_days":'
        b'90,"probability":0.0,"reasons":[{"band":"d90","code":"contract_ending","evidence":{"record":"/contract/","source":'
        b'"","at":"2026-T00:00:00Z"},"log_odds":0.41588830833596,"lower":"","points":6.0,"text":""},{"band":"y10","code":'
        b'"long_tenure","evidence":null,"log_odds":-0.5545177444479,"lower":null,"points":-8.0,"text":""}],"score":,"usual":'
        b'0.06},"routing":{"priority":3,"route_hint":"general"},"schema":"1","script":{"alternates":["default"],"do_not_say":'
        b'[""],"id":"default","line":"","more":["."],"title":""},"sources":["crm","helpdesk"],"value":{"adjustments":[],'
        b'"expected":{"minor":,"currency":"EUR"},"horizon_days":365,"how":["contract record=/contract/ currency=EUR'
        b' months= monthly= months_after= monthly_after= renewal=0.7 margin_rate=0.35 margin="],"expected":null,"tier":'
        b'"silver"}}'
    ),
}
"""What cards have in common, by the number that a packed card begins with. What has been used once is never changed,
for its cards could not be read any more: better words get the next number."""


def _choice(chosen: Chosen) -> dict[str, Any] | None:
    """How the script was drawn, with the probability of every other one; None while nothing is tried."""
    choice = chosen.choice
    if choice.epoch is None:
        return None
    return {
        "situation": choice.situation,
        "epoch": choice.epoch,
        "arm": choice.arm,
        "propensity": choice.propensity,
        "arms": choice.arms,
        "why": choice.why,
        "cell": chosen.cell,
    }


def _record(risk: Risk, record: RiskRecord | None) -> dict[str, Any] | None:
    """What became of customers who were scored alike; None where that is not known."""
    alike = record.alike(risk.probability) if record and risk.band is not Band.unknown else None
    if record is None or alike is None:
        return None
    return {
        "customers": alike.customers,
        "left": round(alike.left, 4),
        "said": round(alike.said, 4),
        "horizon_days": record.horizon_days,
        "seen": record.seen,
        "from": record.from_day,
        "to": record.to_day,
    }


def _sources(view: View) -> list[str]:
    held: list[Held[Any]] = [*view.profiles, *view.tickets, *view.contracts, *view.purchases, *view.surveys]
    return sorted({one.source for one in held})


def _routing(view: View, scores: Scores, number: str, route_hint: str, priority: int, language: str) -> bytes:
    customer = view.customer
    return flat.head(
        {
            "found": "true",
            "match": "exact",
            "candidates": "1",
            "customer_id": view.id,
            "decision_id": number,
            "value_tier": scores.value.tier.value,
            "priority": str(priority),
            "route_hint": route_hint,
            "risk_band": scores.risk.band.value,
            "language": customer.language or language,
            "preferred_channel": customer.preferred_channel.value,
            "open_case": "true" if any(is_open(held.record) for held in view.tickets) else "false",
        }
    )


def _detail(view: View, scores: Scores, suggestion: Suggestion, language: str) -> bytes:
    risk = scores.risk
    values = {
        "risk_score": "" if risk.band is Band.unknown else str(_percent(risk.probability)),
        "script_id": suggestion.script_id,
        "script_title": suggestion.title[language],
        "script_line": suggestion.line[language],
        "offer_ceiling": str(suggestion.ceiling) if suggestion.ceiling else "",
        "owner": view.customer.owner or "",
        "consent_voice": _consent(view),
    }
    for place, reason in enumerate(_raising(risk.reasons)[:3], 1):
        values[f"reason_{place}"] = reason.code
        values[f"reason_{place}_text"] = reason.text[language]
    return flat.detail(values)


def _raising(reasons: tuple[Reason, ...]) -> list[Reason]:
    return [reason for reason in reasons if reason.points > 0]


def _percent(share: float) -> int:
    return int(share * 100 + 0.5)


def _consent(view: View) -> str:
    for consent in view.customer.consents:
        if consent.channel is Channel.voice:
            return consent.status.value
    return ConsentStatus.unknown.value


def _card(
    view: View,
    scores: Scores,
    suggestion: Suggestion,
    route_hint: str,
    priority: int,
    language: str,
    made_of: Any,
    record: dict[str, Any] | None,
    chosen: Chosen,
) -> dict[str, Any]:
    customer, risk, value = view.customer, scores.risk, scores.value
    return {
        "schema": flat.SCHEMA,
        "language": language,
        "match": "exact",
        "customer": {
            "id": view.id,
            "name": customer.name,
            "salutation": customer.salutation,
            "given_name": customer.given_name,
            "family_name": customer.family_name,
            "language": customer.language,
            "job_title": customer.job_title,
            "accounts": [held.record.name for held in view.accounts if held.record.name],
            "owner": customer.owner,
            "since": customer.customer_since,
            "preferred_channel": customer.preferred_channel,
            "communication_needs": customer.communication_needs,
            "consents": customer.consents,
            "tags": customer.tags,
            "deceased": customer.deceased,
            "objects_to_profiling": customer.objects_to_profiling,
        },
        "routing": {"route_hint": route_hint, "priority": priority},
        "risk": {
            "probability": risk.probability if risk.band is not Band.unknown else None,
            "score": _percent(risk.probability) if risk.band is not Band.unknown else None,
            "band": risk.band,
            "usual": risk.usual,
            "horizon_days": risk.horizon_days,
            "base_log_odds": risk.base_log_odds,
            "record": record,
            "reasons": [
                {
                    "code": reason.code,
                    "band": reason.band,
                    "text": reason.text[language],
                    "lower": reason.lower.get(language),
                    "points": reason.points,
                    "log_odds": reason.log_odds,
                    "evidence": reason.evidence,
                }
                for reason in risk.reasons
            ],
        },
        "value": {
            "tier": value.tier,
            "expected": value.expected,
            "low": value.low,
            "high": value.high,
            "horizon_days": value.horizon_days,
            "how": value.how,
            "adjustments": value.adjustments,
        },
        "mood": scores.mood,
        "script": {
            "id": suggestion.script_id,
            **say_script(suggestion, language),
            "alternates": suggestion.alternates,
        },
        "offer": say_terms(suggestion.terms, language),
        "choice": _choice(chosen),
        "open_cases": [
            {"record": held.ref, "topic": held.record.topic, "status": held.record.status, "since": held.record.opened}
            for held in view.tickets
            if is_open(held.record)
        ][:MOST_CASES],
        "contracts": [
            {"record": held.ref, "product": held.record.product, "ends": held.record.ends}
            for held in view.contracts
            if goes_on(held.record)
        ],
        "sources": _sources(view),
        "made_of": made_of,
    }
