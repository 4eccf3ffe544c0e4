"""The inbox keeps what came in, once, redacted, and says who holds what."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from bridge.adapter.base import Item
from bridge.intake import inbox
from bridge.intake.inbox import redact
from bridge.store import Store
from tests.desks import NOW, feed, make_desk, user
from tests.dump import query

RAW = {"pin": "1234", "who": {"token": "t", "name": "n"}, "steps": [{"digits": "1"}, {"digits": "2", "at": 3}]}


def test_declared_paths_are_blanked_and_nothing_else() -> None:
    assert redact(RAW, ["pin", "who.token", "steps.*.digits", "absent.path", "who.name.deeper"]) == {
        "pin": "[redacted]",
        "who": {"token": "[redacted]", "name": "n"},
        "steps": [{"digits": "[redacted]"}, {"digits": "[redacted]", "at": 3}],
    }
    assert redact({"a": [1, 2]}, ["*.*"]) == {"a": ["[redacted]", "[redacted]"]}
    assert redact({"a": [1, 2]}, ["a.b"]) == {"a": [1, 2]}
    assert RAW["pin"] == "1234"


async def test_the_same_delivery_is_kept_once(store: Store, tmp_path: Path, database_url: str) -> None:
    desk = await make_desk(store, tmp_path)
    await feed(desk, "helpdesk", [user(1), user(1), user(2)])
    await feed(desk, "helpdesk", [user(1)])
    assert await query(database_url, "select count(*) from deliveries") == [(2,)]


async def test_what_one_holds_no_other_gets_until_the_lease_has_run_out(store: Store, tmp_path: Path) -> None:
    desk = await make_desk(store, tmp_path)
    await feed(desk, "helpdesk", [user(1), user(2), user(3)])
    owner, first = await inbox.take(store, most=2, now=NOW)
    _, second = await inbox.take(store, most=9, now=NOW)
    assert (len(first), len(second)) == (2, 1)
    assert (await inbox.take(store, most=9, now=NOW))[1] == []
    await inbox.release(store, owner, first)
    _, again = await inbox.take(store, most=9, now=NOW)
    assert [one.id for one in again] == [one.id for one in first]
    assert [one.attempts for one in again] == [1, 1]


async def test_an_item_that_cannot_be_read_is_dead_at_once_with_its_place(store: Store, tmp_path: Path) -> None:
    desk = await make_desk(store, tmp_path)
    await feed(desk, "crm", [Item(object="customers", raw={}, place="kunden.csv:7", problem="kunden.csv:7: too wide")])
    dead = await store.all("inbox.dead", source="crm", after=0, most=9)
    assert dead[0][3:5] == ("kunden.csv:7", "kunden.csv:7: too wide")
    assert (await inbox.take(store, most=9, now=NOW + timedelta(days=1)))[1] == []
