"""Reading the exports: every page once, an end always, and a way back in when a cursor is no longer known."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from bridge.adapter.delivery import Item, Page
from bridge.errors import VendorRefused, VendorRetryable
from tests.adapters.zendesk_account import NOW, Account, account, ticket

TICKETS = "/api/v2/incremental/tickets/cursor.json"
USERS = "/api/v2/incremental/users/cursor.json"
ORGANIZATIONS = "/api/v2/incremental/organizations.json"
RATINGS = "/api/v2/satisfaction_ratings.json"
SURVEYS = "/api/v2/guide/survey_responses"
SECONDS = int(NOW.timestamp())


async def page(vendor: Account, stream: str, cursor: str = "", **settings: Any) -> Page:
    adapter = account(**settings)
    client = vendor.client(adapter)
    try:
        return await adapter.page(client, stream, cursor, NOW)
    finally:
        await client.close()


def exported(name: str, rows: list[Any], after: str | None, *, end: object, **more: Any) -> dict[str, Any]:
    return {name: rows, "after_cursor": after, "end_of_stream": end} | more


async def test_tickets_are_read_from_the_beginning_page_by_page_to_the_end_of_the_stream() -> None:
    vendor = Account().on(
        TICKETS,
        exported("tickets", [ticket(id=1), ticket(id=2)], "one", end=False),
        exported("tickets", [ticket(id=3)], "two", end=True),
        exported("tickets", [], "two", end=True),
    )
    first = await page(vendor, "tickets")
    last = await page(vendor, "tickets", first.cursor)
    later = await page(vendor, "tickets", last.cursor)
    assert [item.raw["id"] for item in (*first.items, *last.items)] == [1, 2, 3]
    assert (first.more, last.more, later.more) == (True, False, False)
    assert json.loads(later.cursor)["after"] == "two"
    asked = vendor.asks("incremental")
    assert [one.get("start_time") for one in asked] == ["0", None, None]
    assert [one.get("cursor") for one in asked] == [None, "one", "two"]
    assert all(one["include"] == "metric_sets" for one in asked)


async def test_the_first_import_begins_at_the_configured_day_at_the_place_of_the_source() -> None:
    vendor = Account().on(USERS, exported("users", [], None, end=True))
    await page(vendor, "users", since="2026-01-01")
    assert vendor.asks("incremental")[0]["start_time"] == "1767222000"
    assert "include" not in vendor.asks("incremental")[0]


async def test_a_start_in_the_last_minute_is_moved_before_it() -> None:
    vendor = Account().on(USERS, exported("users", [], None, end=True))
    await page(vendor, "users", json.dumps({"since": SECONDS}))
    await page(vendor, "users", since="2027-01-01")
    assert [one["start_time"] for one in vendor.asks("incremental")] == [str(SECONDS - 61)] * 2


async def test_metrics_come_with_their_ticket_whichever_way_they_are_sent() -> None:
    metrics: list[Any] = [{"ticket_id": 1, "reopens": 2}, "odd", {"ticket_id": [3]}]
    rows = [ticket(id=1), ticket(id=2, metric_set={"reopens": 1}), ticket(id=3)]
    vendor = Account().on(TICKETS, exported("tickets", rows, "one", end=True, metric_sets=metrics))
    found = await page(vendor, "tickets")
    assert [item.raw.get("metric_set", {}).get("reopens") for item in found.items] == [2, 1, None]


@pytest.mark.parametrize("after", ["one", "", None, 7])
async def test_a_cursor_that_does_not_move_is_an_error_and_no_endless_loop(after: Any) -> None:
    vendor = Account().on(TICKETS, exported("tickets", [ticket()], after, end=False))
    with pytest.raises(VendorRetryable, match="repeats its cursor"):
        await page(vendor, "tickets", json.dumps({"after": "one"}))


async def test_an_answer_that_does_not_say_whether_it_is_the_last_is_an_error() -> None:
    vendor = Account().on(TICKETS, exported("tickets", [], "one", end=None))
    with pytest.raises(VendorRetryable, match="last page"):
        await page(vendor, "tickets")


@pytest.mark.parametrize("status", [400, 410, 422])
async def test_a_cursor_that_zendesk_no_longer_knows_begins_the_round_again_from_its_start(status: int) -> None:
    vendor = Account().on(TICKETS, httpx.Response(status, json={"error": "InvalidCursor"}))
    again = await page(vendor, "tickets", json.dumps({"since": 1_700_000_000, "after": "expired"}))
    assert (again.items, again.more) == ((), True)
    vendor.on(TICKETS, exported("tickets", [ticket()], "fresh", end=True))
    found = await page(vendor, "tickets", again.cursor)
    assert vendor.asks("incremental")[-1]["start_time"] == "1700000000"
    assert len(found.items) == 1
    assert "restarts" not in json.loads(found.cursor)


async def test_beginning_again_has_an_end_too() -> None:
    vendor = Account().on(TICKETS, httpx.Response(410))
    with pytest.raises(VendorRefused):
        await page(vendor, "tickets", json.dumps({"after": "expired", "restarts": 3}))


async def test_a_refusal_without_a_cursor_is_not_mistaken_for_an_expired_one() -> None:
    vendor = Account().on(TICKETS, httpx.Response(422, json={"error": "StartTimeTooRecent"}))
    with pytest.raises(VendorRefused):
        await page(vendor, "tickets")


async def test_the_round_begins_again_a_little_before_the_last_one_ended() -> None:
    vendor = Account().on(TICKETS, exported("tickets", [], "one", end=True))
    cursor = json.loads((await page(vendor, "tickets")).cursor)
    assert cursor == {"since": SECONDS - 120, "after": "one"}


async def test_a_page_too_large_to_be_read_is_asked_for_in_smaller_ones() -> None:
    large = httpx.Response(200, content=b" " * (17 * 1024 * 1024))
    vendor = Account().on(TICKETS, large, exported("tickets", [ticket()], "one", end=True))
    assert len((await page(vendor, "tickets")).items) == 1
    assert [one["per_page"] for one in vendor.asks("incremental")] == ["500", "50"]
    with pytest.raises(VendorRefused, match="more than"):
        await page(Account().on(TICKETS, large), "tickets")


async def test_a_rate_limit_says_how_long_to_wait() -> None:
    vendor = Account().on(TICKETS, httpx.Response(429, headers={"Retry-After": "42"}))
    with pytest.raises(VendorRetryable) as problem:
        await page(vendor, "tickets")
    assert problem.value.retry_after == 42


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(503),
        httpx.Response(200, html="<h1>Wartung</h1>"),
        httpx.Response(200, json={"error": "InternalError", "description": "…"}),
        httpx.Response(200, json={"tickets": {"id": 1}, "end_of_stream": True}),
        httpx.Response(200, json=[]),
    ],
)
async def test_an_answer_that_is_none_is_asked_for_again(answer: httpx.Response) -> None:
    with pytest.raises(VendorRetryable):
        await page(Account().on(TICKETS, answer), "tickets")


async def test_a_row_that_is_no_object_goes_to_the_dead_letters_and_the_others_go_in() -> None:
    vendor = Account().on(USERS, exported("users", ["odd", {"id": 1, "role": "end-user"}], "one", end=True))
    odd, good = (await page(vendor, "users")).items
    assert odd.problem
    assert good == Item(object="user", raw={"id": 1, "role": "end-user"})


async def test_organizations_are_read_by_time_and_the_last_second_twice() -> None:
    rows = [{"id": 1, "updated_at": "2026-05-01T00:00:00Z"}]
    vendor = Account().on(
        ORGANIZATIONS,
        {"organizations": rows * 3, "count": 3, "end_time": 1000, "end_of_stream": False},
        {"organizations": rows, "count": 1, "end_time": 1000, "end_of_stream": True},
        {"organizations": [], "count": 0, "end_time": None, "end_of_stream": True},
    )
    first = await page(vendor, "organizations")
    second = await page(vendor, "organizations", first.cursor)
    third = await page(vendor, "organizations", second.cursor)
    assert (first.more, second.more, third.more) == (True, False, False)
    assert first.items[0].dedupe_key == second.items[0].dedupe_key
    assert [one["start_time"] for one in vendor.asks("organizations")] == ["0", "1000", "1000"]
    assert json.loads(third.cursor) == {"since": 1000}


async def test_a_second_that_fills_a_page_of_its_own_is_read_and_left_behind() -> None:
    answer = {"organizations": [{"id": 1}, {"id": 2}], "end_time": 500, "end_of_stream": False}
    found = await page(Account().on(ORGANIZATIONS, answer), "organizations", json.dumps({"since": 500}))
    assert (len(found.items), found.more, json.loads(found.cursor)) == (2, True, {"since": 501})


@pytest.mark.parametrize("end_time", [499, 400, None, True, "later"])
async def test_an_end_before_the_beginning_is_an_error_and_no_endless_loop(end_time: Any) -> None:
    answer = {"organizations": [], "end_time": end_time, "end_of_stream": False}
    with pytest.raises(VendorRetryable, match="repeats a page"):
        await page(Account().on(ORGANIZATIONS, answer), "organizations", json.dumps({"since": 500}))


async def test_a_short_page_ends_an_export_that_does_not_say_so() -> None:
    vendor = Account().on(ORGANIZATIONS, {"organizations": [{"id": 1}], "count": 1, "end_time": 900})
    assert (await page(vendor, "organizations")).more is False


def rated(numbers: list[int], *, after: str | None = None, name: str = "satisfaction_ratings") -> dict[str, Any]:
    return {name: [{"id": one} for one in numbers], "meta": {"has_more": after is not None, "after_cursor": after}}


async def test_ratings_are_read_in_a_window_whose_end_stays_while_it_is_paged() -> None:
    vendor = Account().on(RATINGS, rated([1, 2], after="x"), rated([3]))
    first = await page(vendor, "satisfaction_ratings")
    adapter = account()
    client = vendor.client(adapter)
    second = await adapter.page(client, "satisfaction_ratings", first.cursor, NOW + timedelta(minutes=5))
    await client.close()
    asked = vendor.asks("satisfaction_ratings")
    assert (first.more, second.more) == (True, False)
    assert [one["end_time"] for one in asked] == [str(SECONDS)] * 2
    assert [one.get("page[after]") for one in asked] == [None, "x"]
    assert asked[0]["score"] == "received"
    assert json.loads(second.cursor) == {"since": SECONDS}


async def test_each_round_of_ratings_looks_back_for_late_answers() -> None:
    vendor = Account().on(RATINGS, rated([]))
    await page(vendor, "satisfaction_ratings", json.dumps({"since": 1_777_000_000}), csat_lookback_days="3")
    await page(vendor, "satisfaction_ratings", json.dumps({"since": 1_777_000_000}), since="2026-04-23")
    assert [one["start_time"] for one in vendor.asks("satisfaction_ratings")] == [
        str(1_777_000_000 - 3 * 86_400),
        "1776895200",
    ]


async def test_survey_responses_are_read_with_milliseconds() -> None:
    vendor = Account().on(SURVEYS, rated([], name="survey_responses"))
    done = await page(vendor, "survey_responses", json.dumps({"since": 1_777_000_000}), csat_lookback_days="0")
    asked = vendor.asks("survey_responses")[0]
    assert asked["filter[created_at_start]"] == "1777000000000"
    assert asked["filter[created_at_end]"] == f"{SECONDS}000"
    assert done.more is False


async def test_the_csat_system_that_an_account_does_not_have_is_empty_when_the_other_answers() -> None:
    vendor = Account().on(RATINGS, rated([1]))
    empty = await page(vendor, "survey_responses", json.dumps({"since": 5}))
    assert (empty.items, empty.more, json.loads(empty.cursor)) == ((), False, {"since": 5})
    assert len((await page(vendor, "satisfaction_ratings")).items) == 1


async def test_an_account_whose_csat_may_not_be_read_at_all_is_an_error_that_says_what_to_do() -> None:
    vendor = Account().on(RATINGS, httpx.Response(403)).on(SURVEYS, httpx.Response(403))
    for stream in ("satisfaction_ratings", "survey_responses"):
        with pytest.raises(VendorRefused, match="set csat to off") as problem:
            await page(vendor, stream)
        assert problem.value.status == 403
    with pytest.raises(VendorRefused, match="set csat to off"):
        await page(Account(), "satisfaction_ratings", csat="legacy")


@pytest.mark.parametrize(
    ("csat", "stream"),
    [("off", "satisfaction_ratings"), ("surveys", "satisfaction_ratings"), ("legacy", "survey_responses")],
)
async def test_a_csat_system_that_the_operator_switched_off_is_not_asked(csat: str, stream: str) -> None:
    vendor = Account()
    assert (await page(vendor, stream, csat=csat)).more is False
    assert vendor.asked == []


async def test_an_expired_page_of_ratings_begins_its_round_again() -> None:
    vendor = Account().on(RATINGS, httpx.Response(400), rated([1]))
    again = await page(vendor, "satisfaction_ratings", json.dumps({"since": 7, "after": "old", "until": 9}))
    assert again.more is True
    assert len((await page(vendor, "satisfaction_ratings", again.cursor)).items) == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (rated([1], after="x"), "repeats its cursor"),
        ({"satisfaction_ratings": [], "next_page": "https://acme.zendesk.com/x?page=2"}, "by cursor"),
    ],
)
async def test_ratings_that_would_never_end_are_an_error(answer: dict[str, Any], words: str) -> None:
    with pytest.raises(VendorRetryable, match=words):
        await page(Account().on(RATINGS, answer), "satisfaction_ratings", json.dumps({"after": "x", "until": 9}))


async def test_a_list_without_any_paging_is_one_page() -> None:
    assert (await page(Account().on(RATINGS, {"satisfaction_ratings": []}), "satisfaction_ratings")).more is False


@pytest.mark.parametrize("cursor", ["{", "[]", '{"since": "x"}'])
async def test_a_stored_cursor_that_cannot_be_read_is_named(cursor: str) -> None:
    with pytest.raises(VendorRefused, match="tickets: its stored cursor"):
        await page(Account(), "tickets", cursor)


async def test_an_unknown_stream_is_refused() -> None:
    with pytest.raises(VendorRefused, match="no stream brands"):
        await page(Account(), "brands")
