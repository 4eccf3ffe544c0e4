"""Who may be one person is looked for behind everything else: cheaply, anew when it changes, never merged by itself."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge import privacy
from bridge.flow import Desk, block, keep_apart, look_for_doubles, merge, reviewing, split
from bridge.model import Key, KeyKind
from bridge.store import Row, Store, find_answer
from tests.desks import NOW, drain, feed, make_desk, user
from tests.dump import query

PHONE = "+49 30 23125042"


@pytest.fixture
async def desk(store: Store, tmp_path: Path, database_url: str) -> Desk:
    return await make_desk(store, tmp_path / "crm", database_url=database_url)


async def open_ones(desk: Desk) -> list[Row]:
    return await desk.store.all("review.open", score=2**62, after="", most=100)


async def told(desk: Desk, *users: Any, at: Any = NOW) -> None:
    await feed(desk, "helpdesk", users)
    await drain(desk)
    await look_for_doubles(desk, at)


def eva(number: int, **fields: Any) -> Any:
    return user(number, **({"name": "Eva Schmidt", "email": None, "phone": PHONE} | fields))


async def customer(desk: Desk, number: int) -> str:
    row = await desk.store.one("identity.profiles", source="helpdesk", ids=[str(number)])
    assert row is not None
    return str(row[2])


async def test_two_entries_of_one_person_are_proposed_and_stay_two_customers(desk: Desk) -> None:
    await told(desk, eva(1), eva(2, name="E. Schmidt"), user(3, name="Karl Schmidt", phone=PHONE, email=None))
    (one,) = await open_ones(desk)
    assert (one[2], one[5]) == ("1", "2")
    assert "Schmidt" not in str(one)
    assert await customer(desk, 1) != await customer(desk, 2)
    assert await look_for_doubles(desk, NOW) in (0, 3)  # on PostgreSQL the last ones are looked at again
    assert await open_ones(desk) == [one]


async def test_a_proposal_that_no_longer_holds_goes_and_one_that_holds_better_is_scored_anew(desk: Desk) -> None:
    await told(desk, eva(1), eva(2))
    first = (await open_ones(desk))[0][7]
    later = NOW + timedelta(hours=1)
    await told(desk, eva(2, phone=PHONE, name="Eva Schmidt", email="eva.schmidt@example.de", at=later),
               eva(1, email="eva.schmidt@exampel.de", at=later))  # fmt: skip
    assert (await open_ones(desk))[0][7] > first
    await told(desk, eva(2, name="Olga Petrova", at=later + timedelta(hours=1)))
    assert await open_ones(desk) == []


async def test_once_they_are_one_customer_nobody_is_asked_and_after_a_split_again(desk: Desk) -> None:
    await told(desk, eva(1), eva(2))
    a, b = await customer(desk, 1), await customer(desk, 2)
    undo = await merge(desk, a, b, by="key:1", evidence={}, now=NOW)
    assert await open_ones(desk) == []
    await look_for_doubles(desk, NOW)
    await split(desk, undo, by="key:1", now=NOW)
    assert len(await open_ones(desk)) == 1


async def test_two_who_were_told_apart_are_not_proposed_and_never_merged_by_a_key(desk: Desk) -> None:
    await told(desk, eva(1), eva(2))
    undo = await keep_apart(desk, "helpdesk:1", "helpdesk:2", by="key:1", evidence={}, now=NOW)
    later = NOW + timedelta(hours=1)
    await told(desk, eva(1, at=later), eva(2, email="eva@example.de", at=later))
    assert await open_ones(desk) == []
    await split(desk, undo, by="key:1", now=NOW)
    await told(desk, eva(1, at=later + timedelta(hours=1)))
    assert len(await open_ones(desk)) == 1


async def test_two_who_are_told_apart_while_they_are_looked_at_are_not_proposed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = reviewing._write

    async def a_moment_later(*given: Any) -> None:
        await keep_apart(desk, "helpdesk:1", "helpdesk:2", by="key:1", evidence={}, now=NOW)
        await write(*given)

    monkeypatch.setattr(reviewing, "_write", a_moment_later)
    await told(desk, eva(1), eva(2))
    monkeypatch.undo()
    assert await open_ones(desk) == []
    await look_for_doubles(desk, NOW)
    assert await open_ones(desk) == []


async def test_a_key_that_identifies_nobody_proposes_nobody(desk: Desk) -> None:
    await feed(desk, "helpdesk", [eva(1), eva(2)])
    await drain(desk)
    await block(desk, Key(KeyKind.phone, "+493023125042"), reason="switchboard", by="key:1", now=NOW)
    await look_for_doubles(desk, NOW)
    assert await open_ones(desk) == []


async def test_what_a_crowd_shares_proposes_nobody(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reviewing, "CROWD", 3)
    await told(desk, *(eva(number) for number in range(1, 5)))
    assert await open_ones(desk) == []
    await told(desk, eva(4, phone="030 23125777", at=NOW + timedelta(hours=1)))
    await told(desk, eva(1, at=NOW + timedelta(hours=1)))
    assert {(one[2], one[5]) for one in await open_ones(desk)} >= {("1", "2"), ("1", "3")}


async def test_it_goes_page_by_page_and_takes_up_where_it_stopped(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reviewing, "PAGE", 2)
    monkeypatch.setattr(reviewing, "_OVERLAP", 0)
    await feed(desk, "helpdesk", [eva(1), user(3), user(4), user(5), eva(6)])
    await drain(desk)
    assert await look_for_doubles(desk, NOW, pages=1) == 2
    assert await open_ones(desk) == []
    assert await look_for_doubles(desk, NOW) == 3
    assert len(await open_ones(desk)) == 1


async def test_of_two_customers_with_several_records_the_most_telling_pair_is_proposed(desk: Desk) -> None:
    mail = "eva.schmidt@example.de"
    await told(desk, eva(1), eva(2, email=mail))
    # a second record of the first one, by a person's word, that has the address too
    await told(desk, user(7, name="Eva Schmidt", email="eva.schmidt@example.org", phone=None))
    await merge(desk, await customer(desk, 1), await customer(desk, 7), by="key:1", evidence={}, now=NOW)
    await told(desk, eva(1, at=NOW + timedelta(hours=1), email=mail.replace("example", "exampel")))
    (one,) = await open_ones(desk)
    assert {one[2], one[5]} == {"1", "2"}


async def test_of_an_erased_person_nothing_is_left_that_others_could_be_compared_with(desk: Desk) -> None:
    await told(desk, eva(1), eva(2))
    gone = await customer(desk, 2)
    held = await privacy.export(desk, gone)
    assert [one["state"] for one in held["proposed_merges"]] == ["open"]
    await privacy.erase(desk, gone, by="key:1", now=NOW)
    url = desk.settings.database_url
    assert await query(url, "select source_id from match_tokens group by source_id") == [("1",)]
    assert await query(url, "select id from proposals") == []
    await look_for_doubles(desk, NOW)
    assert await query(url, "select source_id from match_tokens group by source_id") == [("1",)]
    assert await find_answer(desk.store, "phone", "+493023125042", None) is not None
