"""The prepared answer: what is known of a customer becomes the bytes that a caller's system and an agent are sent.

A decision's id is a hash of its content: the same content is the same decision, whenever and however often it is
computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from bridge.cards import Content, pack_card, show_card, show_detail, show_routing
from bridge.playbook import (
    ChoiceRules,
    Incidents,
    Playbooks,
    Policy,
    RoutingRules,
    Situation,
    choose,
    load_choice,
    load_incidents,
    load_playbooks,
    load_routing,
    route,
)
from bridge.scoring import NOTHING_FITTED, Fitted, ScoringCard, load_scoring, score
from bridge.scoring.result import Band, Signal
from bridge.scoring.view import View
from bridge.store import micros

SPREAD_SECONDS = 600
"""Decisions that run out at the same moment (midnight) become due over this many seconds."""
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
    routing = route(rules.routing, situation)
    cuts = fitted.cuts
    tiers = None if cuts is None else [cuts.platinum, cuts.gold, cuts.silver]
    made_of = {"rules": rules.version, "tiers": tiers, **fitted.versions}
    content = Content(view=view, scores=scores, chosen=chosen, routing=routing, made_of=made_of, record=fitted.record)
    cards = {language: _encode(show_card(content, language)) for language in rules.languages}
    number = "d_" + blake2b(b"\n".join((view.id.encode(), *cards.values())), digest_size=10).hexdigest()
    own = view.customer.language
    language = own if own in rules.languages else rules.languages[0]
    expected = scores.value.expected
    ends = (scores.valid_until, change, chosen.suggestion.changes_at, chosen.choice.until)
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
        routing=show_routing(content, number, language),
        details={one: show_detail(content, one) for one in rules.languages},
        cards={
            language: pack_card(b'{"decision_id":"%b",%b' % (number.encode(), card[1:]))
            for language, card in cards.items()
        },
        made_of=_encode(made_of).decode(),
    )
