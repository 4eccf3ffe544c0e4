"""Reading conversations round by round: nothing is lost that changes after it was read, and every round ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from bridge.adapter.base import Adapter
from bridge.adapter.delivery import Item, Page
from bridge.errors import ConfigError, VendorRefused, VendorRetryable
from tests.adapters.genesys_organization import NOW, Organization, make

DETAILS = "/api/v2/analytics/conversations/details/query"
QUEUE = "3f0d2a54-0000-4000-8000-000000000001"


def _rows(*numbers: int, **fields: Any) -> list[dict[str, Any]]:
    ended = {"conversationStart": "2026-03-02T09:00:00.000Z", "conversationEnd": "2026-03-02T09:05:00.000Z"}
    return [{"conversationId": f"c{number}", **ended, **fields} for number in numbers]


def _answer(*numbers: int, hits: int | None = None, **fields: Any) -> dict[str, Any]:
    return {"conversations": _rows(*numbers, **fields), "totalHits": len(numbers) if hits is None else hits}


async def _read(
    where: Organization, cursor: str = "", now: datetime = NOW, adapter: Adapter | None = None, most: int = 50
) -> tuple[list[Item], str]:
    """Everything to the end of a round, and the cursor then."""
    adapter = adapter or make()
    client = where.client(adapter)
    items: list[Item] = []
    try:
        for _ in range(most):
            page = await adapter.page(client, "conversations", cursor, now)
            items += page.items
            cursor = page.cursor
            if not page.more:
                return items, cursor
    finally:
        await client.close()
    raise AssertionError("the round has no end")


async def _one(where: Organization, cursor: str = "", adapter: Adapter | None = None) -> Page:
    adapter = adapter or make()
    client = where.client(adapter)
    try:
        return await adapter.page(client, "conversations", cursor, NOW)
    finally:
        await client.close()


async def test_an_import_begins_where_it_should_and_goes_on_in_weeks() -> None:
    where = Organization().on(DETAILS, _answer())
    await _read(where, adapter=make(since="2026-02-10"))
    assert [query["interval"] for query in where.queries()] == [
        "2026-02-10T00:00:00.000Z/2026-02-17T00:00:00.000Z",
        "2026-02-17T00:00:00.000Z/2026-02-24T00:00:00.000Z",
        "2026-02-24T00:00:00.000Z/2026-03-02T12:00:00.000Z",
    ]


async def test_without_a_first_day_a_year_is_imported() -> None:
    where = Organization().on(DETAILS, _answer())
    await _read(where, adapter=make(since=None), most=60)
    assert where.queries()[0]["interval"].startswith("2025-03-02T12:00:00.000Z/")


async def test_pages_are_asked_for_in_order_until_all_rows_came() -> None:
    where = Organization().on(DETAILS, _answer(1, 2, hits=5), _answer(3, 4, hits=5), _answer(5, hits=5))
    items, _ = await _read(where)
    assert [item.raw["conversationId"] for item in items] == ["c1", "c2", "c3", "c4", "c5"]
    assert [query["paging"] for query in where.queries()] == [
        {"pageSize": 100, "pageNumber": number} for number in (1, 2, 3)
    ]
    assert {(query["order"], query["orderBy"]) for query in where.queries()} == {("asc", "conversationStart")}


async def test_without_a_number_of_rows_an_empty_page_is_the_end() -> None:
    where = Organization().on(DETAILS, {"conversations": _rows(1)}, {"conversations": _rows(2)}, {"conversations": []})
    items, _ = await _read(where)
    assert len(items) == 2


async def test_each_later_round_reads_the_last_hour_again() -> None:
    where = Organization().on(DETAILS, _answer(1))
    _, cursor = await _read(where)
    later = NOW + timedelta(minutes=5)
    await _read(where, cursor, later)
    assert where.queries()[-1]["interval"] == "2026-03-02T11:05:00.000Z/2026-03-02T12:05:00.000Z"


@pytest.mark.parametrize(("began", "start"), [("10:30", "10:30"), ("11:58", "11:05"), ("01:00", "08:05")])
async def test_a_conversation_that_goes_on_is_read_again_for_some_hours(began: str, start: str) -> None:
    going_on = _answer(1, conversationStart=f"2026-03-02T{began}:00.000Z", conversationEnd=None)
    where = Organization().on(DETAILS, going_on, _answer())
    _, cursor = await _read(where)
    await _read(where, cursor, NOW + timedelta(minutes=5))
    assert where.queries()[-1]["interval"] == f"2026-03-02T{start}:00.000Z/2026-03-02T12:05:00.000Z"


async def test_the_first_round_of_a_day_reads_a_week_again() -> None:
    where = Organization().on(DETAILS, _answer(1))
    adapter = make(since="2026-01-01")
    _, cursor = await _read(where, adapter=adapter)
    tomorrow = NOW + timedelta(days=1)
    _, cursor = await _read(where, cursor, tomorrow, adapter)
    assert where.queries()[-1]["interval"] == "2026-02-24T12:00:00.000Z/2026-03-03T12:00:00.000Z"
    await _read(where, cursor, tomorrow + timedelta(minutes=5), adapter)
    assert where.queries()[-1]["interval"].startswith("2026-03-03T11:05:00.000Z/")


@pytest.mark.parametrize(
    ("pause", "start"),
    [
        (timedelta(hours=6), "2026-03-02T11:00:00.000Z"),
        (timedelta(days=3), "2026-02-26T12:00:00.000Z"),
        (timedelta(days=20), "2026-03-02T11:00:00.000Z"),
    ],
)
async def test_after_a_pause_nothing_of_it_is_left_out(pause: timedelta, start: str) -> None:
    where = Organization().on(DETAILS, _answer(1))
    adapter = make(since="2026-01-01")
    _, cursor = await _read(where, adapter=adapter)
    before = len(where.queries())
    await _read(where, cursor, NOW + pause, adapter)
    intervals = [query["interval"].split("/") for query in where.queries()[before:]]
    assert intervals[0][0] == start
    assert intervals[-1][1] == (NOW + pause).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert [end for _, end in intervals[:-1]] == [begin for begin, _ in intervals[1:]]


async def test_a_window_with_more_rows_than_a_query_gives_is_halved() -> None:
    where = Organization().on(DETAILS, _answer(1, hits=150_000), _answer(1), _answer(2))
    items, _ = await _read(where)
    assert [item.raw["conversationId"] for item in items] == ["c1", "c2"]
    assert [query["interval"] for query in where.queries()] == [
        "2026-03-01T00:00:00.000Z/2026-03-02T12:00:00.000Z",
        "2026-03-01T00:00:00.000Z/2026-03-01T18:00:00.000Z",
        "2026-03-01T18:00:00.000Z/2026-03-02T12:00:00.000Z",
    ]


async def test_a_deletion_between_two_pages_loses_no_row() -> None:
    """Rows behind the deleted one move up: the one that moved onto the page already read would be missed."""
    where = Organization().on(
        DETAILS, _answer(1, 2, hits=4), _answer(4, hits=3), _answer(2, 3, hits=3), _answer(4, hits=3)
    )
    items, _ = await _read(where)
    assert {item.raw["conversationId"] for item in items} == {"c1", "c2", "c3", "c4"}


async def test_while_the_number_of_rows_keeps_falling_a_window_begins_again_only_some_times() -> None:
    falling = iter(range(1000, 0, -1))
    where = Organization().on(DETAILS, lambda request: _answer(number := next(falling), hits=number))
    with pytest.raises(AssertionError, match="no end"):
        await _read(where, most=30)
    assert max(query["paging"]["pageNumber"] for query in where.queries()) > 10


async def test_a_repeated_page_is_no_progress() -> None:
    where = Organization().on(DETAILS, _answer(1, 2, hits=9))
    with pytest.raises(VendorRetryable, match="repeats a page"):
        await _read(where)


async def test_nothing_at_all_is_believed_only_from_the_vendor_itself() -> None:
    where = Organization().on(DETAILS, {}).on("/api/v2/routing/queues", {"entities": []})
    assert (await _read(where))[0] == []
    where.on("/api/v2/routing/queues", {})
    with pytest.raises(VendorRetryable, match="queues"):
        await _read(where)


async def test_no_hits_need_no_list() -> None:
    assert (await _read(Organization().on(DETAILS, {"totalHits": 0})))[0] == []


@pytest.mark.parametrize(
    "answer", [{"conversations": 1}, {"totalHits": 3}, {"conversations": [], "totalHits": "x"}, [], None]
)
async def test_an_answer_without_conversations_is_an_error(answer: Any) -> None:
    with pytest.raises(VendorRetryable):
        await _read(Organization().on(DETAILS, httpx.Response(200, json=answer)))


async def test_what_is_no_object_goes_to_dead_letters() -> None:
    where = Organization().on(DETAILS, {"conversations": ["x", *_rows(1)], "totalHits": 2})
    items, _ = await _read(where)
    assert [bool(item.problem) for item in items] == [True, False]


@pytest.mark.parametrize("start", ["yesterday", None, "9999999-01-01"])
async def test_a_start_that_cannot_be_read_does_not_stop_the_round(start: str | None) -> None:
    where = Organization().on(DETAILS, _answer(1, conversationStart=start, conversationEnd=None))
    assert len((await _read(where))[0]) == 1


async def test_names_are_asked_for_once_and_go_with_the_conversations() -> None:
    segments: Any = {"participants": [{"sessions": [{"segments": [{"queueId": QUEUE}, {"queueId": "no id"}]}]}]}
    where = Organization().on(DETAILS, _answer(1, **segments), _answer(2, **segments))
    where.on("/api/v2/routing/queues", {"entities": [{"id": QUEUE, "name": "Technik"}, {"id": 1}, "x"]})
    adapter = make()
    items, cursor = await _read(where, adapter=adapter)
    more, _ = await _read(where, cursor, NOW + timedelta(minutes=5), adapter)
    assert [item.raw["bridge"] for item in items + more] == [{"names": {QUEUE: "Technik"}}] * 2
    asked = [request for request in where.asked if request.url.path.endswith("/queues")]
    assert [request.url.params.get_list("id") for request in asked] == [[QUEUE]]


async def test_names_that_cannot_be_read_stop_the_page_and_say_which() -> None:
    segments: Any = {"participants": [{"sessions": [{"segments": [{"queueId": QUEUE}]}]}]}
    where = Organization().on(DETAILS, _answer(1, **segments)).on("/api/v2/routing/queues", httpx.Response(403))
    with pytest.raises(VendorRefused, match="queues was answered 403"):
        await _read(where)


async def test_a_cursor_of_another_kind_is_refused() -> None:
    with pytest.raises(VendorRefused, match="cursor"):
        await _one(Organization(), "garbage")


async def test_there_is_one_stream() -> None:
    adapter = make()
    with pytest.raises(VendorRefused, match="no stream"):
        await adapter.page(Organization().client(adapter), "users", "", NOW)


def test_a_first_day_that_is_none_is_a_fault_of_the_configuration() -> None:
    with pytest.raises(ConfigError, match="since"):
        make(since="soon")
