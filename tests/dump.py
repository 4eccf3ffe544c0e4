"""The whole store as comparable data: what must be equal whatever the order, the crashes and the engine."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from typing import Any

import asyncpg

from bridge.cards import unpack_card

Rows = list[tuple[Any, ...]]


async def _query(url: str, sql: str) -> Rows:
    if url.startswith("sqlite:///"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as db:
            rows: Rows = db.execute(sql).fetchall()
        db.close()
        return rows
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()


async def query(url: str, sql: str) -> Rows:
    """All rows of `sql`, read beside the store."""
    return await _query(url, sql)


async def dump(url: str) -> dict[str, Any]:
    """Records, versions, identities, keys, decisions and facts; customers are called by their profiles."""
    profiles = await _query(url, "select source, source_id, customer from profiles")
    members: defaultdict[str, list[str]] = defaultdict(list)
    for source, source_id, customer in profiles:
        members[customer].append(f"{source}:{source_id}")
    name = {customer: "+".join(sorted(some)) for customer, some in members.items()}
    decisions = {}
    for customer, language, number, routing, detail, card in await _query(
        url, "select customer, language, id, routing, detail, card from decisions"
    ):
        text = (bytes(routing) + bytes(detail) + unpack_card(bytes(card))).decode()
        decisions[(name[customer], language)] = text.replace(number, "D").replace(customer, "C")
    keys = {
        (row[0], row[1]): (row[2], name.get(row[3], row[3]), *row[4:])
        for row in await _query(
            url, "select kind, value, match, customer, account, candidates, tier, priority, route_hint from keys"
        )
    }
    return {
        "records": sorted(
            await _query(url, "select source, object, source_id, ord, hash, subject, body, deleted from records")
        ),
        "versions": sorted(
            await _query(
                url,
                "select source, object, source_id, ord, hash, kind, subject, body from record_versions "
                "where retracted = 0",
            )
        ),
        "identities": sorted(await _query(url, "select kind, value, source, source_id, shared from identities")),
        "memberships": sorted(await _query(url, "select account, source, source_id from memberships")),
        "customers": sorted(name.values()),
        "keys": keys,
        "decisions": decisions,
        "deliveries": sorted(await _query(url, "select source, dedupe_key, state from deliveries")),
    }
