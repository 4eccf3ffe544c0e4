"""The other scripts that apply to a customer, filled when an agent asks for them."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from bridge.cards import unpack_card
from bridge.errors import NotFound
from bridge.flow.gathering import makeups, views
from bridge.flow.granting import running_grants
from bridge.gateway.customers import living
from bridge.gateway.endpoint import Call
from bridge.model import Money
from bridge.playbook import Situation, fill, say_script, say_terms
from bridge.playbook.offers import OfferKind
from bridge.playbook.terms import Arithmetic
from bridge.scoring import score
from bridge.store import Unit


class ScriptsBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """In which of the prepared languages; the first one where it is left out."""

    lang: Annotated[str, Meta(pattern="^[a-z]{2}$")] | None = None


class Script(Struct, kw_only=True):
    """One script with its terms, in one language, as the card has them."""

    id: str
    title: str
    empathy: str | None
    line: str
    more: tuple[str, ...]
    leniency: tuple[str, ...]
    do_not_say: tuple[str, ...]
    follow_up: list[dict[str, Any]]
    done_when: tuple[str, ...]
    kinds: tuple[OfferKind, ...]
    ceiling: Money | None
    arithmetic: Arithmetic | None
    offers: list[dict[str, Any]]
    withheld: list[dict[str, Any]]
    most_at_once: int | None


class Scripts(Struct, kw_only=True):
    """Best first; without the one that the card suggests."""

    decision: str
    scripts: list[Script]


class _Suggested(Struct):
    id: str


class _Card(Struct):
    """What has to be read of a stored card."""

    script: _Suggested


async def others(call: Call, body: ScriptsBody) -> Scripts:
    """The scripts that also apply to the customer of this decision, best first, filled with what is known now."""
    found = await call.gate.store.all("gateway.decision", id=call.path["id"])
    if not found:
        raise NotFound("there is no such decision (any more)")
    rules, desk = call.gate.desk.rules, call.gate.desk
    language = body.lang if body.lang in rules.deciding.languages else rules.deciding.languages[0]
    customer = await living(call, found[0][0])
    made = await makeups(call.gate.store, [customer])
    view = (await views(call.gate.store, Unit(), made, {}, rules.identity))[customer]
    situation = Situation(view, score(rules.deciding.card, view, call.now, desk.fitted))
    suggested = msgspec.json.decode(unpack_card(found[0][6]), type=_Card).script.id
    running = (await running_grants(call.gate.store, [customer])).get(customer, {})
    granted = {id: until for id, until in running.items() if until > call.now}
    scripts = []
    for playbook in rules.deciding.playbooks.playbooks:
        if playbook.id == suggested or not playbook.when(situation.facts):
            continue
        one = fill(playbook, situation, granted=granted)
        script = Script(id=one.script_id, **say_script(one, language), **say_terms(one.terms, language))
        scripts.append(script)
    call.gate.trail.audit(call.who.actor, "scripts", f"customer:{customer}", call.now, call.path["id"])
    return Scripts(decision=call.path["id"], scripts=scripts)
