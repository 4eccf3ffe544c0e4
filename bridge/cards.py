"""What callers' systems and agents are sent of a decision: the flat pieces and the card, and how a card is kept."""

from __future__ import annotations

import zlib
from typing import Any, Final

from msgspec import Struct

from bridge import flat
from bridge.model import Channel, ConsentStatus
from bridge.playbook import Chosen, Routing, say_script, say_terms
from bridge.scoring.record import RiskRecord
from bridge.scoring.result import Band, Reason, Scores
from bridge.scoring.signals_contracts import goes_on
from bridge.scoring.signals_reading import is_open
from bridge.scoring.view import Held, View

MOST_CASES = 5


class Content(Struct, frozen=True, kw_only=True):
    """All that is decided for one customer, before it is put into words and bytes."""

    view: View
    scores: Scores
    chosen: Chosen
    routing: Routing
    made_of: dict[str, Any]
    record: RiskRecord | None
    """How the risk in use came out so far."""


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


def _record(content: Content) -> dict[str, Any] | None:
    """What became of customers who were scored alike; None where that is not known."""
    risk, record = content.scores.risk, content.record
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


def show_routing(content: Content, number: str, language: str) -> bytes:
    """What a phone system may see of decision `number`; the same in every language."""
    view, scores, customer = content.view, content.scores, content.view.customer
    return flat.head(
        {
            "found": "true",
            "match": "exact",
            "candidates": "1",
            "customer_id": view.id,
            "decision_id": number,
            "value_tier": scores.value.tier.value,
            "priority": str(content.routing.priority),
            "route_hint": content.routing.route_hint,
            "risk_band": scores.risk.band.value,
            "language": customer.language or language,
            "preferred_channel": customer.preferred_channel.value,
            "open_case": "true" if any(is_open(held.record) for held in view.tickets) else "false",
        }
    )


def show_detail(content: Content, language: str) -> bytes:
    """What only an agent may see, in the flat answer."""
    view, risk, suggestion = content.view, content.scores.risk, content.chosen.suggestion
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


def show_card(content: Content, language: str) -> dict[str, Any]:
    """The card in `language`, without its decision's id, which is made from it."""
    view, scores, suggestion = content.view, content.scores, content.chosen.suggestion
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
        "routing": {"route_hint": content.routing.route_hint, "priority": content.routing.priority},
        "risk": {
            "probability": risk.probability if risk.band is not Band.unknown else None,
            "score": _percent(risk.probability) if risk.band is not Band.unknown else None,
            "band": risk.band,
            "usual": risk.usual,
            "horizon_days": risk.horizon_days,
            "base_log_odds": risk.base_log_odds,
            "record": _record(content),
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
        "choice": _choice(content.chosen),
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
        "made_of": content.made_of,
    }
