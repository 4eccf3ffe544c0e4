"""A tag on a ticket says what became of a suggestion: once, of what was shown lately, and of nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.flow import Desk
from bridge.store import Store, Unit, micros
from tests.desks import NOW, drain, feed, go_live, make_desk, ticket, user
from tests.dump import query


@pytest.fixture
async def desk(store: Store, database_url: str, tmp_path: Path) -> Desk:
    made = await make_desk(store, tmp_path / "exports", database_url=database_url)
    await go_live(made, NOW - timedelta(days=30))
    await feed(made, "helpdesk", [user(1, at=NOW - timedelta(days=20))], now=NOW)
    await drain(made)
    return made


async def show(desk: Desk, at: datetime) -> str:
    """An agent opens the customer's card."""
    ((id,),) = await query(desk.settings.database_url, "select distinct id from decisions")
    unit = Unit()
    unit.add("gateway.mark_shown", id=id, at=micros(at))
    await desk.store.write(unit)
    return str(id)


async def tell(desk: Desk, number: int, now: datetime, *tags: str, **fields: Any) -> None:
    await feed(desk, "helpdesk", [ticket(number, 1, at=now, tags=list(tags), **fields)], now=now)
    await drain(desk, now=now)


async def outcomes(desk: Desk) -> list[tuple[Any, ...]]:
    found = await query(desk.settings.database_url, "select decision, kind, result, agent, actor from outcomes")
    return sorted(tuple(row) for row in found)


async def test_a_tag_is_the_outcome_of_what_was_shown_last_and_counts_once(desk: Desk) -> None:
    id = await show(desk, NOW)
    later = NOW + timedelta(hours=2)
    await tell(desk, 7, later, "vip")
    assert await outcomes(desk) == []
    for minute in (5, 9):
        await tell(desk, 7, later + timedelta(minutes=minute), "vip", "Retention_Saved", subject=f"Anschluss {minute}")
    row = (id, "result", "saved", None, "ticket:helpdesk/ticket/7")
    assert await outcomes(desk) == [row]
    facts = await query(desk.settings.database_url, "select cause from facts where kind = 'outcome.recorded'")
    assert [tuple(one) for one in facts] == [(f"decision/{id}",)]
    await tell(desk, 7, later + timedelta(minutes=20), "vip")
    await tell(desk, 7, later + timedelta(minutes=30), "vip", "retention_saved")
    assert await outcomes(desk) == [row]


async def test_each_ticket_and_each_tag_speak_for_themselves(desk: Desk) -> None:
    await show(desk, NOW)
    later = NOW + timedelta(days=2)
    await tell(desk, 7, later, "retention_pending")
    await tell(desk, 7, later + timedelta(hours=1), "retention_lost")
    await tell(desk, 8, later + timedelta(hours=2), "retention_saved")
    assert sorted(row[2] for row in await outcomes(desk)) == ["lost", "pending", "saved"]


@pytest.mark.parametrize("days", [-1.0, 7.1])
async def test_a_tag_says_nothing_of_what_was_not_shown_or_long_ago(desk: Desk, days: float) -> None:
    if days > 0:
        await show(desk, NOW)
    await tell(desk, 7, NOW + timedelta(days=abs(days)), "retention_saved")
    assert await outcomes(desk) == []


async def test_tags_that_came_before_the_source_went_live_are_history(desk: Desk) -> None:
    await show(desk, NOW)
    await feed(desk, "helpdesk", [ticket(9, 1, at=NOW - timedelta(days=90), tags=["retention_saved"])], now=NOW)
    await drain(desk, now=NOW + timedelta(hours=1))
    assert await outcomes(desk) == []
