"""What became of a suggestion, said by a tag on a ticket: for desks whose agents close cases in the helpdesk alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final

from bridge.facts import Fact, FactKind, Origin, fact_id
from bridge.flow.exposing import drawn_on
from bridge.intake.records import Current, decode
from bridge.model import Ticket
from bridge.store import Store, Unit, micros

TAGS: Final = {"retention_saved": "saved", "retention_lost": "lost", "retention_pending": "pending"}
"""The agreed tags, and the result that each says."""
WITHIN: Final = timedelta(days=7)
"""A tag speaks of what was shown to an agent at most so long ago."""


async def hear_tags(
    store: Store, unit: Unit, before: Current | None, after: Current | None, customers: Iterable[str], now: datetime
) -> list[Fact]:
    """Add to `unit` the outcome that each new agreed tag of a ticket says, of the decision that was shown last to an
    agent for one of `customers`; nothing where none was. The same tag of the same ticket counts once, however often it
    is told."""
    facts = []
    for tag in sorted(_tags(after) - _tags(before)):
        found = [
            (row[2], row[0], row[1], customer)
            for customer in sorted(customers)
            for row in await store.all(
                "exposures.shown_lately", customer=customer, after=micros(now - WITHIN), now=micros(now)
            )
        ]
        if after is None or not found:
            continue
        _, decision, card, customer = max(found, key=lambda one: (one[0], one[1]))
        drawn = drawn_on(bytes(card))
        ticket = f"{after.source}/{after.object}/{after.source_id}"
        key = "o_" + blake2b(f"{ticket}\x1f{tag}".encode(), digest_size=12, person=b"tag").hexdigest()
        unit.add(
            "gateway.add_outcome",
            key=key,
            decision=decision,
            customer=customer,
            at=micros(now),
            kind="result",
            result=TAGS[tag],
            offer=None,
            amount_minor=None,
            currency=None,
            cost_minor=None,
            cost_currency=None,
            epoch=drawn and drawn.epoch,
            situation=drawn and drawn.situation,
            note=None,
            disposition=None,
            agent=None,
            actor=f"ticket:{ticket}",
        )
        facts.append(
            Fact(
                id=fact_id(FactKind.outcome_recorded, decision, key),
                kind=FactKind.outcome_recorded,
                customer=customer,
                occurred_at=now,
                known_at=now,
                origin=Origin.live,
                cause=f"decision/{decision}",
                data={"kind": "result", "result": TAGS[tag], "decision": decision},
            )
        )
    return facts


def _tags(one: Current | None) -> set[str]:
    """The agreed ones on a ticket; on anything else none."""
    if one is None or one.deleted or one.object != "ticket":
        return set()
    record = decode(one)
    return {tag for tag in map(str.lower, record.tags) if tag in TAGS} if isinstance(record, Ticket) else set()
