"""The store keeps its promises on both engines."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import ConfigError, Superseded
from bridge.store import Store, Unit, open_store
from bridge.store.statements import migrations, statements
from tests.patience import PATIENCE_SECONDS


async def _put(store: Store, name: str, value: str) -> None:
    unit = Unit()
    unit.add("meta.put", name=name, value=value)
    await store.write(unit)


async def test_a_unit_is_written_as_a_whole(store: Store) -> None:
    unit = Unit()
    unit.many("meta.put", [{"name": f"n{number}", "value": str(number)} for number in range(5)])
    await store.write(unit)
    assert await store.one("meta.get", name="n3") == ("3",)


async def test_a_guard_that_no_longer_holds_undoes_the_whole_unit(store: Store) -> None:
    await _put(store, "seen", "old")
    unit = Unit()
    unit.add("meta.put", name="other", value="written")
    unit.guard("meta.get", [("older",)], name="seen")
    with pytest.raises(Superseded):
        await store.write(unit)
    assert await store.one("meta.get", name="other") is None


async def test_a_unit_that_fails_half_way_leaves_nothing_and_spoils_nobody_elses(store: Store) -> None:
    bad = Unit()
    bad.add("meta.put", name="half", value="written")
    bad.add("meta.put_once", expect=1, name="half", value="again")
    good = Unit()
    good.add("meta.put", name="whole", value="written")
    results = await asyncio.gather(store.write(bad), store.write(good), return_exceptions=True)
    assert isinstance(results[0], Superseded)
    assert isinstance(results[1], float)
    assert await store.one("meta.get", name="half") is None
    assert await store.one("meta.get", name="whole") == ("written",)


async def test_a_list_parameter_finds_each_of_its_members(store: Store) -> None:
    unit = Unit()
    rows = [{"hash": f"h{number}", "at": number} for number in range(4)]
    unit.many("privacy.suppress", rows)
    await store.write(unit)
    assert await store.all("privacy.suppressed", hashes=["h1", "h3", "h9"]) == [("h1",), ("h3",)]
    assert await store.all("privacy.suppressed", hashes=[]) == []


async def test_a_waiter_wakes_when_another_unit_is_committed(store: Store) -> None:
    await store.wait("inbox", 0)  # begins to listen
    waiting = asyncio.create_task(store.wait("inbox", PATIENCE_SECONDS))
    await asyncio.sleep(0)  # it has looked, and sleeps
    assert not waiting.done()
    unit = Unit(wake={"inbox"})
    unit.add("meta.put", name="x", value="y")
    await store.write(unit)
    assert await waiting is True
    assert await store.wait("nothing-happens-here", 0.05) is False


async def test_many_writers_at_once_all_get_through(store: Store) -> None:
    await asyncio.gather(*(_put(store, f"w{number}", "x") for number in range(120)))
    found = [await store.one("meta.get", name=f"w{number}") for number in range(120)]
    assert all(row == ("x",) for row in found)


async def test_a_second_opening_finds_what_the_first_wrote(database_url: str) -> None:
    first = await open_store(database_url)
    await _put(first, "kept", "yes")
    await first.close()
    second = await open_store(database_url)
    assert await second.one("meta.get", name="kept") == ("yes",)
    await second.close()


async def test_a_database_of_a_newer_version_is_refused(database_url: str) -> None:
    store = await open_store(database_url)
    await _put(store, "schema", "9999")
    await store.close()
    with pytest.raises(ConfigError, match="9999"):
        await open_store(database_url)


async def test_a_database_of_the_version_before_is_brought_up_and_decided_anew(tmp_path: Path) -> None:
    path = tmp_path / "bridge.db"
    (number, first), *_ = migrations("sqlite")
    with closing(sqlite3.connect(path)) as db:
        db.executescript(f"create table meta (name text primary key, value text not null); {first}")
        db.execute("insert into meta values ('schema', ?)", (str(number),))
        db.execute("insert into customers values ('c_1', 1, 0, null, 99, 'live'), ('c_2', 1, 0, 'c_1', 99, 'merge')")
        db.execute(
            "insert into decisions values ('c_1', 'de', 1, 'd_1', 0, 99, 0, 'gold', 3, 'general', 'low', 1, 'EUR',"
            " x'7b', x'2c', x'01', '{}', null)"
        )
        db.commit()
    store = await open_store(f"sqlite:///{path}")
    assert await store.all("customers.due", now=1, most=9) == [("c_1", "refresh")]
    ((*_, shown),) = await store.all("customers.decisions", ids=["c_1"])
    assert shown is None
    unit = Unit()
    unit.add("predictions.note", said_at=1, due_at=2, low="c_", high="d")
    await store.write(unit)
    assert await store.all("predictions.due", now=9, most=9) == []  # nothing is known of what the old one said
    await store.close()


async def test_what_is_no_database_is_refused_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("these are notes, no database, and long enough to be looked at" * 50)
    with pytest.raises(ConfigError, match="notes.db"):
        await open_store(f"sqlite:///{path}")


@pytest.mark.parametrize("url", ["mysql://x", "postgresql://127.0.0.1:1/none", "", "sqlite:////proc/none/x.db"])
async def test_an_unusable_address_is_refused_with_the_variables_name(url: str) -> None:
    with pytest.raises(ConfigError, match="BRIDGE_DATABASE_URL"):
        await open_store(url)


async def test_every_statement_is_valid_on_the_engine(store: Store) -> None:
    """Prepares each one against the real schema; a misspelt column shows here, not in production."""
    db: Any = getattr(store, "_pool", None)
    for statement in statements(store.engine).values():
        if db is not None:
            async with db.acquire() as connection:
                await connection.prepare(statement.sql)
        else:
            values: dict[str, Any] = dict.fromkeys(statement.parameters, 0)
            values |= dict.fromkeys(statement.lists, "[]")
            numbered = [0] * len(set(re.findall(r"\?\d", statement.sql)))
            vars(store)["_watch"].execute(f"explain {statement.sql}", numbered or values).fetchall()
