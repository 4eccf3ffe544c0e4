"""Everything that is held about a person, as data that can be handed over."""

from __future__ import annotations

from typing import Any

import msgspec

from bridge.cards import unpack_card
from bridge.flow.desk import Desk
from bridge.identity.neighbourhood import pid_name
from bridge.identity.suppression import suppression
from bridge.privacy.traces import find
from bridge.store import Row, instant

_INSTANTS = {
    "at",
    "effective_at",
    "known_at",
    "computed_at",
    "occurred_at",
    "received_at",
    "until",
    "due_at",
    "undone_at",
    "made_at",
    "opened_at",
    "replied_at",
    "closed_at",
    "expires_at",
    "used_at",
    "said_at",
    "settled_at",
    "came_up_at",
    "drawn_at",
    "answered_at",
    "found_at",
    "decided_at",
}
_JSON = {"body", "data", "raw", "args", "evidence", "later"}

_COLUMNS = {
    "records": ("privacy.versions", "source object id kind effective_at known_at body"),
    "received": ("privacy.received", "source object via received_at state raw"),
    "decisions": ("privacy.decisions", "id language computed_at card"),
    "outcomes": (
        "privacy.outcomes",
        "decision at kind result offer amount_minor currency note disposition agent",
    ),
    "offers_granted": ("privacy.grants", "offer decision at until amount_minor currency"),
    "facts": ("privacy.facts", "kind occurred_at known_at origin cause data"),
    "interactions_asked_about": ("privacy.dips", "interaction decision at"),
    "predictions": ("privacy.predictions", "said_at probability model signals due_at outcome settled_at"),
    "scripts_shown": ("privacy.exposures", "decision at situation arm cell became later settled_at"),
    "actions": ("privacy.actions", "source action args state due_at"),
    "automations": ("privacy.runs", "automation kind cause data occurred_at state reason"),
    "loops": ("privacy.loops", "matter state owner cause opened_at replied_at closed_at closed_by reason done"),
    "loop_history": ("privacy.loop_events", "at kind by_whom record text data"),
    "links": (
        "privacy.links",
        "purpose automation channel contract offer amount_minor currency made_at expires_at used_at used_how",
    ),
    "surveys": (
        "privacy.surveys",
        "plan metric came_up_at state reason owner tier band propensity drawn_at answered_at score",
    ),
    "merges": ("privacy.assertions", "a b same origin evidence at undone_at"),
    "proposed_merges": ("privacy.proposals", "state score evidence found_at decided_at"),
    "seen_by": ("privacy.audit", "at actor action"),
}


async def export(desk: Desk, customer: str) -> dict[str, Any]:
    """Everything held about `customer`, as JSON-able data: their keys, and by table what it holds. Raises NotFound.

    Records with their whole history, what came in as it came (but for what the adapter redacts), decisions as agents
    saw them, what became of these, facts, actions, and who looked at it.
    """
    found = await find(desk, customer)
    given = {
        "ids": found.versions,
        "deliveries": found.deliveries,
        "customers": found.customers,
        "addresses": found.subjects,
        "names": [pid_name(pid) for pid in found.members],
        "hashes": [suppression(desk.salt, str(key)) for key in found.mine],
        "seen": [f"customer:{one}" for one in found.customers],
    }
    held: dict[str, Any] = {
        "customer": customer,
        "profiles": given["names"],
        "keys": [str(key) for key in found.mine],
    }
    for name, (statement, columns) in _COLUMNS.items():
        rows = await desk.store.all(statement, **given)
        held[name] = [_readable(columns.split(), row) for row in rows]
    return held


def _readable(columns: list[str], row: Row) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name, value in zip(columns, row, strict=True):
        if value is None:
            told[name] = None
        elif name in _INSTANTS:
            told[name] = instant(value)
        elif name in _JSON:
            told[name] = msgspec.json.decode(value)
        elif name == "card":
            told[name] = msgspec.json.decode(unpack_card(value))
        else:
            told[name] = value
    return told
