"""People merge, split and block: the store follows, and what is undone leaves no trace."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import BadRequest, NotFound
from bridge.flow import Desk, block, merge, separate, split, unblock
from bridge.model import Key, KeyKind
from bridge.store import find_answer
from bridge.worker import Worker
from tests.desks import NOW, drain, feed, read_exports, ticket, user
from tests.dump import dump, query


async def _answer(desk: Desk, kind: str, value: str) -> Any:
    return await find_answer(desk.store, kind, value)


async def _customer(desk: Desk, number: int) -> str:
    return str((await _answer(desk, "id", f"helpdesk:{number}"))[1])


async def test_a_merge_gives_one_customer_with_both_sides_records(desk: Desk) -> None:
    await feed(desk, "helpdesk", [user(1), user(2), ticket(5, 2)])
    await drain(desk)
    a, b = await _customer(desk, 1), await _customer(desk, 2)
    await merge(desk, a, b, by="key:test", evidence={"reason": "said so"}, now=NOW)
    assert await _customer(desk, 1) == await _customer(desk, 2)
    assert b'"open_case":"true"' in (await _answer(desk, "email", "person1@example.de"))[11]


async def test_a_split_restores_both_sides_exactly(desk: Desk, database_url: str) -> None:
    await feed(desk, "helpdesk", [user(1, phone="+493023125001"), user(2, phone="+493023125001"), ticket(5, 2)])
    await drain(desk)
    before = await dump(database_url)
    customers = await query(database_url, "select id, merged_into from customers order by id")
    number = await merge(desk, await _customer(desk, 1), await _customer(desk, 2), by="key:test", evidence={}, now=NOW)
    assert await dump(database_url) != before
    assert (await _answer(desk, "phone", "+493023125001"))[0] == "exact"
    await split(desk, number, by="key:test", now=NOW)
    assert await dump(database_url) == before
    assert await query(database_url, "select id, merged_into from customers order by id") == customers
    with pytest.raises(NotFound):
        await split(desk, number, by="key:test", now=NOW)


async def test_what_keys_brought_together_can_be_separated_and_that_taken_back(desk: Desk, database_url: str) -> None:
    await feed(desk, "helpdesk", [user(1, email="same@example.de")])
    folder = Path(desk.registry.adapter("crm").source.setting("folder"))
    (folder / "kunden.csv").write_text("Kundennummer;Nachname;E-Mail\n77;Albers;same@example.de\n")
    await read_exports(Worker(desk=desk, clock=lambda: NOW))
    together = await _customer(desk, 1)
    assert (await _answer(desk, "id", "crm:77"))[1] == together
    before = await dump(database_url)
    numbers = await separate(desk, together, ["crm:77"], by="key:test", evidence={}, now=NOW)
    assert (await _answer(desk, "id", "crm:77"))[1] != await _customer(desk, 1)
    assert (await _answer(desk, "email", "same@example.de"))[0] == "ambiguous"
    for number in numbers:
        await split(desk, number, by="key:test", now=NOW)
    assert await dump(database_url) == before


async def test_a_blocked_number_names_nobody_until_it_is_unblocked(desk: Desk, database_url: str) -> None:
    await feed(desk, "helpdesk", [user(1, phone="+493023125001")])
    await drain(desk)
    key = Key(KeyKind.phone, "+493023125001")
    before = await dump(database_url)
    await block(desk, key, reason="switchboard", by="key:test", now=NOW)
    row = await _answer(desk, "phone", key.value)
    assert (row[0], row[1]) == ("ambiguous", "")
    await unblock(desk, key, by="key:test", now=NOW)
    assert await dump(database_url) == before


async def test_bad_orders_are_refused_with_the_reason(desk: Desk) -> None:
    await feed(desk, "helpdesk", [user(1)])
    await drain(desk)
    one = await _customer(desk, 1)
    with pytest.raises(BadRequest):
        await merge(desk, one, one, by="x", evidence={}, now=NOW)
    with pytest.raises(NotFound):
        await merge(desk, one, "c_nobody", by="x", evidence={}, now=NOW)
    with pytest.raises(NotFound):
        await split(desk, "m_nothing", by="x", now=NOW)
    with pytest.raises(BadRequest):
        await separate(desk, one, ["helpdesk:1"], by="x", evidence={}, now=NOW)


async def test_a_key_that_a_second_person_turns_out_to_have_stops_meaning_the_first(desk: Desk) -> None:
    await feed(desk, "helpdesk", [user(1, phone="+493023125001")])
    await drain(desk)
    assert (await _answer(desk, "phone", "+493023125001"))[0] == "exact"
    await feed(desk, "helpdesk", [user(2, phone="030 23125001")])
    await drain(desk)
    row = await _answer(desk, "phone", "+493023125001")
    assert (row[0], row[3]) == ("ambiguous", 2)


async def test_a_person_deleted_at_the_vendor_is_not_found_any_more(desk: Desk, database_url: str) -> None:
    await feed(desk, "helpdesk", [user(1)])
    await drain(desk)
    await feed(desk, "helpdesk", [user(1, active=False, at=NOW + timedelta(minutes=1))])
    await drain(desk)
    assert await _answer(desk, "email", "person1@example.de") is None
    assert await query(database_url, "select count(*) from decisions") == [(0,)]
    await feed(desk, "helpdesk", [user(1, at=NOW + timedelta(minutes=2))])
    await drain(desk)
    assert (await _answer(desk, "email", "person1@example.de"))[0] == "exact"
