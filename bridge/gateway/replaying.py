"""A decision exactly as the agent saw it, what was made of it, and what happened later; for as long as it is kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from bridge.cards import unpack_card
from bridge.errors import NotFound
from bridge.flow.exposing import GRACE, Later, later_of
from bridge.gateway.endpoint import Call, Raw
from bridge.model import Money
from bridge.store import instant

_BY: Final[dict[str, Literal["agent", "ticket", "key"]]] = {"agent": "agent", "ticket": "ticket"}


class Noted(Struct, kw_only=True):
    """An outcome that was recorded. Who the agent was is not told here."""

    at: datetime
    kind: str
    result: str | None
    offer: str | None
    amount: Money | None
    cost: Money | None
    """What the granted offer costs the company, by the catalogue of that day."""
    note: str | None
    disposition: str | None
    by: Literal["agent", "key", "ticket"]
    """Where it came from: an agent's card, a system with a key, or a tag on a ticket of the helpdesk."""


class Links(Struct, kw_only=True):
    """Where to read what it was made of; of models only those that were fitted have one."""

    rules: str
    models: dict[str, str]


class Seen(Struct, kw_only=True):
    """A decision as it was. `made_of` names the versions of model, playbook and configuration behind it.

    `later` is null until it was shown; from then on it says what is known so far, and after `settles_at` for good.
    """

    id: str
    customer: str
    language: str
    computed_at: datetime
    superseded_at: datetime | None
    shown_at: datetime | None
    made_of: Any
    card: Any
    outcomes: list[Noted]
    settles_at: datetime | None
    later: Later | None
    materials: Links


class Language(Struct, kw_only=True):
    """Which of the prepared languages."""

    lang: Annotated[str, Meta(pattern="^[a-z]{2}$")] | None = None


class _MadeOf(Struct):
    rules: str
    risk: str | None = None
    value: str | None = None
    mood: str | None = None


async def replay(call: Call, query: Language) -> Seen:
    """The decision exactly as it was, current or superseded, in the language asked for or the first there is; with what
    was recorded of it and what happened later."""
    id, store = call.path["id"], call.gate.store
    for customer, language, computed_at, superseded_at, shown_at, made_of, card, _ in await _find(call):
        if query.lang not in (None, language):
            continue
        call.gate.trail.audit(call.who.actor, "replay", f"customer:{customer}", call.now, id)
        shown = None if shown_at is None else instant(shown_at)
        horizon = timedelta(days=call.gate.desk.rules.deciding.choice.horizon_days)
        later = None if shown is None else await later_of(call.gate.desk, id, customer, bytes(card), shown, call.now)
        return Seen(
            id=id,
            customer=customer,
            language=language,
            computed_at=instant(computed_at),
            superseded_at=None if superseded_at is None else instant(superseded_at),
            shown_at=shown,
            made_of=msgspec.Raw(made_of.encode()),
            card=msgspec.Raw(unpack_card(bytes(card))),
            outcomes=[_noted(*row) for row in await store.all("gateway.outcomes_of", decision=id)],
            settles_at=None if shown is None else shown + horizon + GRACE,
            later=later,
            materials=_links(id, msgspec.json.decode(made_of, type=_MadeOf)),
        )
    raise NotFound("there is no such decision (any more)")


async def rules(call: Call) -> Raw:
    """The files that the decision was made by as they were then, whatever became of them: name and text of each."""
    found = await _find(call)
    if not found:
        raise NotFound("there is no such decision (any more)")
    version = msgspec.json.decode(found[0][5], type=_MadeOf).rules
    row = await call.gate.store.one("gateway.material", hash=version)
    if row is None:
        raise NotFound(f"the rules {version} are not kept")
    return Raw(row[0].encode())


async def _find(call: Call) -> list[tuple[Any, ...]]:
    return await call.gate.store.all("gateway.decision", id=call.path["id"])


def _noted(
    at: int,
    kind: str,
    result: str | None,
    offer: str | None,
    amount_minor: int | None,
    currency: str | None,
    cost_minor: int | None,
    cost_currency: str | None,
    note: str | None,
    disposition: str | None,
    actor: str,
) -> Noted:
    return Noted(
        at=instant(at),
        kind=kind,
        result=result,
        offer=offer,
        amount=None if amount_minor is None or currency is None else Money(amount_minor, currency),
        cost=None if cost_minor is None or cost_currency is None else Money(cost_minor, cost_currency),
        note=note,
        disposition=disposition,
        by=_BY.get(actor.partition(":")[0], "key"),
    )


def _links(id: str, made_of: _MadeOf) -> Links:
    fitted = {kind: getattr(made_of, kind) for kind in ("risk", "value", "mood")}
    return Links(
        rules=f"/v1/decisions/{id}/rules",
        models={kind: f"/v1/models/{kind}/{version}" for kind, version in fitted.items() if version},
    )
