"""Sync: tickets by time and id, then what is gone; users from the newest back; nothing that may still change in its
second; and rights and time zones that would make an answer false."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import pairwise

import httpx
import pytest

from bridge.errors import VendorRefused, VendorRetryable
from tests.adapters.request_tracker_account import NOW, Server, account, read_on, said


async def test_two_hundred_and_fifty_tickets_of_one_second_come_once_each() -> None:
    server = Server()
    server.fake.page_size = 100
    made = server.fake.fill("tickets", 250)
    adapter = account()
    items, cursor = await read_on(adapter, server.client(adapter), "tickets")
    assert [str(item.raw["id"]) for item in items] == sorted(made, key=int)
    again, after = await read_on(adapter, server.client(adapter), "tickets", cursor)
    assert (again, after) == ([], cursor)


async def test_a_ticket_that_changes_while_it_is_read_comes_again() -> None:
    server = Server()
    first = min(server.fake.fill("tickets", 7), key=int)
    adapter = account()
    client = server.client(adapter)
    page = await adapter.page(client, "tickets", "", NOW)
    server.fake.touch("tickets", first)
    rest, _ = await read_on(adapter, client, "tickets", page.cursor)
    assert [str(item.raw["id"]) for item in [*page.items, *rest]].count(first) == 2


async def test_deleted_and_merged_tickets_are_told_of_and_the_one_that_stays_is_not() -> None:
    server = Server()
    spam, loser, winner = sorted(server.fake.fill("tickets", 3), key=int)
    adapter = account()
    client = server.client(adapter)
    _, cursor = await read_on(adapter, client, "tickets")
    server.fake.remove("tickets", spam)
    server.fake.merge("tickets", loser, winner)
    items, _ = await read_on(adapter, client, "tickets", cursor)
    found = {entry.source_id: entry.kind.value for entry in said(adapter, items)}
    assert found == {spam: "deleted", loser: "deleted", winner: "full"}


@pytest.mark.parametrize("stream", ["users", "tickets"])
async def test_what_may_still_change_within_its_second_waits_for_the_next_round(stream: str) -> None:
    server = Server()
    old, new = sorted(server.fake.fill(stream, 2), key=int)
    server.fake.touch(stream, new)  # at 09:00:01
    adapter = account()
    client = server.client(adapter)
    items, cursor = await read_on(adapter, client, stream, now=datetime(2026, 3, 2, 9, 0, 30, tzinfo=timezone.utc))
    assert [str(item.raw["id"]) for item in items] == [old]
    items, _ = await read_on(adapter, client, stream, cursor)
    assert [str(item.raw["id"]) for item in items] == [new]


async def test_a_deletion_of_the_present_second_waits_for_the_next_round() -> None:
    server = Server()
    (spam,) = server.fake.fill("tickets", 1)
    adapter = account()
    client = server.client(adapter)
    _, cursor = await read_on(adapter, client, "tickets")
    server.fake.remove("tickets", spam)  # at 09:00:01
    just_now = datetime(2026, 3, 2, 9, 0, 30, tzinfo=timezone.utc)
    nothing, cursor = await read_on(adapter, client, "tickets", cursor, now=just_now)
    assert nothing == []
    items, _ = await read_on(adapter, client, "tickets", cursor)
    assert [entry.source_id for entry in said(adapter, items)] == [spam]


async def test_users_are_read_from_the_newest_back_to_the_last_round() -> None:
    server = Server()
    made = server.fake.fill("users", 10)
    adapter = account()
    client = server.client(adapter)
    items, cursor = await read_on(adapter, client, "users")
    assert {str(item.raw["id"]) for item in items} == made
    server.fake.touch("users", "33")
    server.asked.clear()
    items, _ = await read_on(adapter, client, "users", cursor)
    assert [item.raw["id"] for item in items] == [33]
    assert server.paths == ["GET users", "GET groups", "GET group/4/members", "POST users"]


async def test_users_that_change_meanwhile_shift_nobody_past_the_next_page() -> None:
    server = Server()
    made = server.fake.fill("users", 9)
    adapter = account()
    client = server.client(adapter)
    page = await adapter.page(client, "users", "", NOW)
    server.fake.touch("users", "31")
    server.fake.remove("users", "32")
    first_round, cursor = await read_on(adapter, client, "users", page.cursor)
    second_round, _ = await read_on(adapter, client, "users", cursor)
    read = said(adapter, [*page.items, *first_round, *second_round])
    assert {entry.source_id for entry in read} == made
    assert [entry.source_id for entry in read if entry.kind == "deleted"] == ["32"]


async def test_staff_and_disabled_users_are_no_customers() -> None:
    server = Server()
    server.fake.fill("users", 5)
    server.fake.staff = {32, 33, 34, 35}
    server.fake.remove("users", "31")
    adapter = account()
    items, _ = await read_on(adapter, server.client(adapter), "users")
    assert {entry.kind.value for entry in said(adapter, items)} == {"deleted"}
    assert {item.raw["id"]: (item.raw["Disabled"], item.raw["Privileged"]) for item in items} == {
        31: (1, 0),
        **dict.fromkeys((32, 33, 34, 35), (0, 1)),
    }


async def test_a_process_that_goes_on_in_the_middle_knows_the_staff_too() -> None:
    server = Server()
    server.fake.fill("users", 5)
    server.fake.staff = {31}
    before, after = account(), account()
    page = await before.page(server.client(before), "users", "", NOW)
    items, _ = await read_on(after, server.client(after), "users", page.cursor)
    assert [item.raw["id"] for item in items if item.raw["Privileged"]] == [31]


async def test_without_a_total_the_empty_page_is_the_end_of_the_users() -> None:
    server = Server()
    server.fake.may_see_all = False
    made = server.fake.fill("users", 6)
    adapter = account()
    items, _ = await read_on(adapter, server.client(adapter), "users")
    assert {str(item.raw["id"]) for item in items} == made


async def test_a_page_that_comes_again_is_not_taken_for_the_end_of_the_users() -> None:
    """It may be what a cache kept, and the next page has others."""
    server = Server()
    server.fake.fill("users", 6)
    adapter = account()
    client = server.client(adapter)
    page = await adapter.page(client, "users", "", NOW)
    first = server.fake.answer(server.asked[0])
    server.instead = lambda request: first if request.method == "GET" else None
    with pytest.raises(VendorRetryable, match="another page"):
        await adapter.page(client, "users", page.cursor, NOW)


async def test_a_user_whose_dates_would_be_misread_is_told_to_use_utc() -> None:
    for hours in (-5, 2):
        server = Server()
        server.fake.fill("tickets", 1)
        server.fake.utc_offset = hours
        adapter = account()
        with pytest.raises(VendorRefused, match="time zone of our user to UTC"):
            await adapter.page(server.client(adapter), "tickets", "", NOW)


async def test_the_time_zone_is_checked_once_by_each_process() -> None:
    server = Server()
    server.fake.fill("tickets", 4)
    adapter = account()
    await read_on(adapter, server.client(adapter), "tickets")
    assert server.paths == ["GET tickets"] * 4 + ["GET transactions"]


async def test_tickets_that_are_withheld_are_a_matter_for_the_operator() -> None:
    server = Server()
    server.fake.fill("tickets", 1)
    server.fake.may_see_all = False
    adapter = account()
    with pytest.raises(VendorRefused, match="right ShowTicket globally"):
        await adapter.page(server.client(adapter), "tickets", "", NOW)


async def test_users_whose_fields_are_withheld_are_a_matter_for_the_operator() -> None:
    server = Server()
    server.fake.fill("users", 2)
    for user in server.fake.users:
        user["LastUpdated"] = "1970-01-01T00:00:00Z"
    adapter = account()
    with pytest.raises(VendorRefused, match="right AdminUsers"):
        await adapter.page(server.client(adapter), "users", "", NOW)


async def test_a_filter_by_name_that_is_ignored_is_a_matter_for_the_operator() -> None:
    server = Server()
    server.fake.fill("users", 4)
    server.fake.trouble = "unfiltered"
    adapter = account()
    with pytest.raises(VendorRefused, match="filter is ignored"):
        await adapter.page(server.client(adapter), "users", "", NOW)


async def test_staff_that_cannot_be_told_apart_is_a_matter_for_the_operator() -> None:
    server = Server()
    server.fake.fill("users", 1)
    nothing = {"items": [], "count": 0, "total": 0, "page": 1, "per_page": 20}
    server.instead = lambda request: httpx.Response(200, json=nothing) if request.url.path.endswith("/groups") else None
    adapter = account()
    with pytest.raises(VendorRefused, match="right SeeGroup"):
        await adapter.page(server.client(adapter), "users", "", NOW)


async def test_an_old_answer_of_a_cache_is_noticed() -> None:
    """A page of users where the check by name belongs, and tickets that were read before."""
    server = Server()
    server.fake.fill("users", 4)
    adapter = account()
    client = server.client(adapter)
    listed = await client.call("GET", "users", params={"fields": "id,Name,LastUpdated"})
    server.instead = lambda request: httpx.Response(200, json=listed.data) if request.method == "POST" else None
    with pytest.raises(VendorRetryable, match="another answer"):
        await adapter.page(client, "users", "", NOW)

    server = Server()
    server.fake.fill("tickets", 4)
    client = server.client(adapter)
    page = await adapter.page(client, "tickets", "", NOW)
    server.fake.trouble = "stuck"
    with pytest.raises(VendorRetryable, match="not asked for"):
        await adapter.page(client, "tickets", page.cursor, NOW)


async def test_users_in_another_order_than_asked_for_are_not_read() -> None:
    server = Server()
    server.fake.fill("users", 3)
    server.fake.touch("users", "32")
    adapter = account()
    client = server.client(adapter)
    listed = (await client.call("GET", "users", params={"fields": "id,Name,LastUpdated"})).data
    assert any(one["LastUpdated"] < other["LastUpdated"] for one, other in pairwise(listed["items"]))
    server.instead = lambda request: (
        httpx.Response(200, json=listed) if (request.method, request.url.path[-6:]) == ("GET", "/users") else None
    )
    with pytest.raises(VendorRetryable, match="order"):
        await adapter.page(client, "users", "", NOW)


async def test_tickets_since_a_day_are_asked_for_from_its_midnight_at_the_place() -> None:
    server = Server()
    server.fake.fill("tickets", 2)
    adapter = account(since="2026-03-02")
    items, _ = await read_on(adapter, server.client(adapter), "tickets")
    assert len(items) == 2
    assert "LastUpdated > '2026-03-01 23:00:00'" in str(server.asked[2].url.params["query"])
    later = account(since="2026-03-03")
    assert (await read_on(later, server.client(later), "tickets", now=NOW + timedelta(days=9)))[0] == []


@pytest.mark.parametrize("stream", ["users", "tickets"])
async def test_a_cursor_that_cannot_be_read_is_refused(stream: str) -> None:
    server = Server()
    adapter = account()
    with pytest.raises(VendorRefused, match="reset it"):
        await adapter.page(server.client(adapter), stream, '{"since": 3}', NOW)
