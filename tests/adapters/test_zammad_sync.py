"""Sync: everything once by id, then what changed; a search index that lags or is not there; rows that move."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import httpx
import pytest

from bridge.errors import VendorRefused, VendorRetryable
from tests.adapters.zammad_account import NOW, Server, account, read_on


async def _ids(server: Server, cursor: str = "", now: datetime = NOW) -> tuple[list[int], str]:
    adapter = account()
    items, cursor = await read_on(adapter, server.client(adapter), "users", cursor, now)
    return [item.raw["id"] for item in items], cursor


async def test_a_change_is_read_and_nothing_else_but_the_newest_again() -> None:
    server = Server()
    server.fake.fill("users", 3)
    server.fake.touch("users", "103")
    _, cursor = await _ids(server)
    server.fake.touch("users", "101")
    found, _ = await _ids(server, cursor)
    assert set(found) == {101, 103}


async def test_changes_of_the_last_minutes_are_left_to_the_next_round() -> None:
    """The search index lags: what is read too early would hide what it learns of a moment later."""
    server = Server()
    server.fake.fill("users", 2)
    _, cursor = await _ids(server)
    server.fake.touch("users", "102")
    changed = datetime(2026, 3, 1, 9, 0, 1, tzinfo=timezone.utc)
    found, cursor = await _ids(server, cursor, changed + timedelta(minutes=4))
    assert 102 not in found
    found, _ = await _ids(server, cursor, changed + timedelta(minutes=6))
    assert 102 in found


async def test_what_the_walk_began_with_is_never_newer_than_the_index() -> None:
    server = Server()
    server.fake.fill("users", 1)
    _, cursor = await _ids(server, now=datetime(2026, 3, 1, 9, 1, tzinfo=timezone.utc))
    assert '"2026-03-01T08:56:00.000Z"' in cursor


async def test_a_row_deleted_while_all_are_read_hides_no_other() -> None:
    server = Server()
    server.fake.fill("users", 7)
    rows = server.fake.streams["users"]

    def delete_one(request: httpx.Request) -> None:
        if request.url.params.get("page") == "2" and rows[0]["id"] == 101:
            del rows[0]  # the fourth now stands where the third stood, on a page that was read

    server.instead = delete_one
    found, _ = await _ids(server)
    assert set(found) >= set(range(102, 108))


async def test_where_more_than_a_page_changed_at_once_everything_is_read_again() -> None:
    server = Server()
    server.fake.fill("users", 4)
    _, cursor = await _ids(server)
    found, cursor = await _ids(server, cursor)
    assert set(found) == {101, 102, 103, 104}
    assert "GET users" in server.paths


async def test_without_a_search_index_the_list_is_read_and_then_said_why_it_stops() -> None:
    server = Server()
    server.fake.indexed = False
    server.fake.fill("users", 2)
    adapter = account()
    first = await adapter.page(server.client(adapter), "users", "", NOW)
    assert len(first.items) == 2
    with pytest.raises(VendorRefused, match="Elasticsearch"):
        await adapter.page(server.client(adapter), "users", first.cursor, NOW)


async def test_an_index_that_was_emptied_loses_nothing() -> None:
    server = Server()
    server.fake.fill("users", 2)
    _, cursor = await _ids(server)
    server.fake.touch("users", "101")
    server.fake.indexed = False
    assert await _ids(server, cursor) == ([], cursor)
    server.fake.indexed = True
    assert 101 in (await _ids(server, cursor))[0]


async def test_a_list_that_is_empty_although_the_search_finds_some_is_no_end() -> None:
    server = Server()
    server.fake.fill("users", 2)
    server.says("GET users", [])
    with pytest.raises(VendorRetryable, match="the list is empty"):
        await _ids(server)


async def test_pages_in_disorder_are_read_again_but_not_for_ever() -> None:
    server = Server()
    server.fake.fill("users", 7)
    server.fake.trouble = "stuck"
    with pytest.raises(VendorRetryable, match="not asked for"):
        await _ids(server)
    server.fake.trouble = ""
    assert set((await _ids(server, '{"pages":1,"rows":3,"last":107}'))[0]) == set(range(101, 108))


async def test_a_search_that_ignores_the_time_is_noticed() -> None:
    server = Server()
    server.fake.fill("users", 2)
    _, cursor = await _ids(server)
    server.fake.touch("users", "101")
    _, cursor = await _ids(server, cursor)
    server.fake.trouble = "unfiltered"
    with pytest.raises(VendorRetryable, match="not asked for"):
        await _ids(server, cursor)


ROW = {"id": 1, "updated_at": "2026-03-01T09:00:00.000Z"}


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        "ok",
        {"error": "none"},
        [None],
        [{}],
        [{**ROW, "id": "1"}],
        [{**ROW, "updated_at": None}],
        [{**ROW, "updated_at": "yesterday"}],
    ],
    ids=str,
)
async def test_an_answer_that_is_no_list_of_rows_is_an_error(answer: Any) -> None:
    server = Server()
    server.says("GET users/search", answer)
    with pytest.raises(VendorRetryable, match="no list of rows"):
        await _ids(server)


async def test_a_cursor_that_is_none_is_named() -> None:
    adapter = account()
    with pytest.raises(VendorRefused, match="cursor"):
        await adapter.page(Server().client(adapter), "users", "yesterday", NOW)


async def test_a_stream_that_there_is_not_is_refused_and_an_empty_one_is_read_again() -> None:
    adapter = account()
    with pytest.raises(VendorRefused, match="no stream"):
        await adapter.page(Server().client(adapter), "groups", "", NOW)
    server = Server()
    found, cursor = await _ids(server)
    server.fake.fill("users", 1)
    assert (found, (await _ids(server, cursor))[0]) == ([], [101])
