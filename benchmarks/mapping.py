"""The compiled mapping beside one written by hand, and beside JMESPath: `python -m benchmarks.mapping`.

All turn the same helpdesk ticket (40 fields, 15 of them read) into the same entry, batch about; the fastest batch of
each counts, so that other work on the machine disturbs all alike. JMESPath picks the fields by expressions compiled
beforehand; what it finds is converted as by hand. Exit status 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable
from typing import Any

import jmespath

from benchmarks.figures import Figure, Void, conclude
from bridge.adapter import convert
from bridge.adapter.delivery import Item
from bridge.adapter.mapping import build_mapping
from bridge.adapter.order import by_time
from bridge.adapter.source import Source
from bridge.errors import MappingError
from bridge.model import Entry, Key, KeyKind, Subject

BENCH = "mapping"
BATCHES, SIZE = 15, 4000
QUICK = (3, 300)
GOAL = 0.8
"""Least ratio of compiled to hand-written records a second."""
GOAL_JMESPATH = 10.0
"""Least ratio of compiled records a second to those whose fields JMESPath picks."""

STATUS = {
    "new": "new",
    "open": "open",
    "pending": "waiting",
    "hold": "waiting",
    "solved": "resolved",
    "closed": "closed",
}
PRIORITY = {"urgent": "urgent", "high": "high", "normal": "normal", "low": "low"}
TYPE = {"question": "question", "problem": "problem", "incident": "problem", "task": "unknown"}
SCORE = {"good": "good", "bad": "bad", "offered": "asked", "unoffered": "unknown"}

MAPPING: dict[str, Any] = {
    "vendor": "helpdesk",
    "objects": {
        "ticket": {
            "to": "ticket",
            "id": "id",
            "order": {"from": "updated_at", "as": "instant"},
            "at": "updated_at",
            "subject": {
                "customer": "requester_id",
                "account": "organization_id",
                "keys": {"email": "via.source.from.address"},
            },
            "fields": {
                "type": {"from": "type", "values": "type"},
                "status": {"from": "status", "values": "status"},
                "priority": {"from": "priority", "values": "priority"},
                "topic": "subject",
                "text": "description",
                "opened": "created_at",
                "first_reply": "metrics.first_reply_at",
                "resolved": "metrics.solved_at",
                "reopened": "metrics.reopens",
                "satisfaction": {"from": "satisfaction_rating.score", "values": "score"},
                "satisfaction_comment": "satisfaction_rating.comment",
                "tags": "tags[*]",
            },
        }
    },
    "values": {"status": STATUS, "priority": PRIORITY, "type": TYPE, "score": SCORE},
}

TICKET: dict[str, Any] = {
    "id": 35436,
    "url": "https://helpdesk.example/api/v2/tickets/35436.json",
    "external_id": None,
    "created_at": "2026-07-20T22:55:29Z",
    "updated_at": "2026-08-05T10:38:52Z",
    "type": "incident",
    "subject": "Router startet ständig neu",
    "description": "Seit Montag bricht die Verbindung alle zehn Minuten ab. Bitte melden Sie sich.",
    "priority": "high",
    "status": "pending",
    "recipient": "hilfe@example.org",
    "requester_id": 20978392,
    "submitter_id": 76872,
    "assignee_id": 235323,
    "organization_id": 509974,
    "group_id": 98738,
    "collaborator_ids": [35334, 234],
    "follower_ids": [35334, 234],
    "problem_id": 9873764,
    "has_incidents": False,
    "due_at": None,
    "tags": ["enterprise", "other_tag", "router"],
    "via": {"channel": "email", "source": {"from": {"address": "Erika@Example.org", "name": "Erika"}, "rel": None}},
    "custom_fields": [{"id": 27642, "value": "745"}, {"id": 27648, "value": "yes"}],
    "satisfaction_rating": {"id": 1234, "score": "good", "comment": "Schnelle Hilfe!"},
    "metrics": {"first_reply_at": "2026-07-21T06:12:00Z", "solved_at": None, "reopens": 1, "replies": 4},
    "sharing_agreement_ids": [84432],
    **{f"attribute_{number}": number for number in range(13)},
}


def by_hand(item: Item, source: Source) -> Entry:
    """The same mapping as somebody would write it in Python, with the same checks of what comes in."""
    raw = item.raw
    source_id = raw.get("id")
    if source_id is None or (source_id := convert.identifier(source_id, source)) is None:
        raise MappingError("helpdesk", "ticket.id", "is missing")
    at = raw.get("updated_at")
    if at is None or (at := convert.moment(at, source)) is None:
        raise MappingError("helpdesk", "ticket.updated_at", "is missing")
    keys: tuple[Key, ...] = ()
    address = (((raw.get("via") or {}).get("source") or {}).get("from") or {}).get("address")
    if address is not None and (email := convert.normalise_email(address)) is not None:
        keys = (Key(KeyKind.email, email),)
    customer, account = raw.get("requester_id"), raw.get("organization_id")
    return Entry(
        object="ticket",
        source_id=source_id,
        order=by_time(at),
        effective_at=at,
        subject=Subject(
            customer=None if customer is None else convert.identifier(customer, source),
            account=None if account is None else convert.identifier(account, source),
            keys=keys,
        ),
        body=body_by_hand(raw, source),
    )


def body_by_hand(raw: dict[str, Any], source: Source) -> dict[str, Any]:
    """The ticket's fields."""
    body: dict[str, Any] = {}
    metrics, rating = raw.get("metrics") or {}, raw.get("satisfaction_rating") or {}
    for field, word, table in (
        ("type", raw.get("type"), TYPE),
        ("status", raw.get("status"), STATUS),
        ("priority", raw.get("priority"), PRIORITY),
        ("satisfaction", rating.get("score"), SCORE),
    ):
        if word is not None and (ours := table.get(word.lower(), "unknown")) != "unknown":
            body[field] = ours
    for field, text in (
        ("topic", raw.get("subject")),
        ("text", raw.get("description")),
        ("satisfaction_comment", rating.get("comment")),
    ):
        if text is not None and (found := convert.text(text, source)) is not None:
            body[field] = found
    for field, when in (
        ("opened", raw.get("created_at")),
        ("first_reply", metrics.get("first_reply_at")),
        ("resolved", metrics.get("solved_at")),
    ):
        if when is not None and (instant := convert.instant(when, source)) is not None:
            body[field] = instant
    reopened = metrics.get("reopens")
    if reopened is not None and (reopened := convert.integer(reopened, source)):
        body["reopened"] = reopened
    tags = [tag for one in raw.get("tags") or () if one is not None and (tag := convert.text(one, source)) is not None]
    if tags:
        body["tags"] = tags
    return body


PICKED = {
    "id": "id",
    "updated_at": "updated_at",
    "requester_id": "requester_id",
    "organization_id": "organization_id",
    "address": "via.source.from.address",
    "type": "type",
    "subject": "subject",
    "description": "description",
    "created_at": "created_at",
    "status": "status",
    "priority": "priority",
    "first_reply_at": "metrics.first_reply_at",
    "solved_at": "metrics.solved_at",
    "reopens": "metrics.reopens",
    "score": "satisfaction_rating.score",
    "comment": "satisfaction_rating.comment",
    "tags": "tags[*]",
}
"""The fields of `MAPPING`, as JMESPath names them."""
EXPRESSIONS = {name: jmespath.compile(path) for name, path in PICKED.items()}


def by_jmespath(item: Item, source: Source) -> Entry:
    """The same mapping whose fields are picked by JMESPath, one expression each, and then converted as by hand."""
    found = {name: expression.search(item.raw) for name, expression in EXPRESSIONS.items()}
    picked: dict[str, Any] = {
        **found,
        "via": {"source": {"from": {"address": found["address"]}}},
        "metrics": {
            "first_reply_at": found["first_reply_at"],
            "solved_at": found["solved_at"],
            "reopens": found["reopens"],
        },
        "satisfaction_rating": {"score": found["score"], "comment": found["comment"]},
    }
    return by_hand(Item(object="ticket", raw=picked), source)


def fastest(ways: dict[str, Callable[[Item, Source], Entry]], batches: int, size: int) -> dict[str, float]:
    """Least CPU seconds that each way needs for one record, measured batch about."""
    item, source = Item(object="ticket", raw=TICKET), Source(name="helpdesk", adapter="helpdesk")
    least = dict.fromkeys(ways, float("inf"))
    gc.disable()
    for _ in range(batches):
        for name, way in ways.items():
            began = time.process_time()
            for _ in range(size):
                way(item, source)
            least[name] = min(least[name], (time.process_time() - began) / size)
    gc.enable()
    return least


def measure(batches: int, size: int) -> list[Figure]:
    """Compare the ways. Raises Void when they do not agree on what the ticket says."""
    mapping = build_mapping(MAPPING, "benchmarks/mapping.py")
    ways: dict[str, Callable[[Item, Source], Entry]] = {
        "by hand": by_hand,
        "compiled": mapping.read,
        "interpreted": mapping.interpret,
        "JMESPath": by_jmespath,
    }
    item, source = Item(object="ticket", raw=TICKET), Source(name="helpdesk", adapter="helpdesk")
    answers = {name: way(item, source) for name, way in ways.items()}
    if any(answer != answers["compiled"] for answer in answers.values()):
        raise Void(f"the ways do not agree: {answers}")
    least = fastest(ways, batches, size)
    return [
        Figure(
            bench=BENCH,
            name="compiled mapping, records a second",
            measured=least["by hand"] / least["compiled"],
            unit="× by hand",
            least=GOAL,
            note=", ".join(f"{name} {seconds * 1e6:.1f} µs" for name, seconds in least.items()) + " a record",
        ),
        Figure(
            bench=BENCH,
            name="compiled mapping, records a second",
            measured=least["JMESPath"] / least["compiled"],
            unit="× JMESPath",
            least=GOAL_JMESPATH,
        ),
    ]


def main() -> int:
    """Measure, print, and say whether the goal is met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mapping", description=__doc__)
    parser.add_argument("--batches", type=int, default=BATCHES, help=f"batches of each way (default {BATCHES})")
    parser.add_argument("--size", type=int, default=SIZE, help=f"records in a batch (default {SIZE})")
    parser.add_argument("--quick", action="store_true", help="a few records: to see that it works")
    args = parser.parse_args()
    return conclude(lambda: measure(*(QUICK if args.quick else (args.batches, args.size))), quick=args.quick)


if __name__ == "__main__":
    raise SystemExit(main())
