"""Sync: responses oldest first, pages that begin where the last one ended, and definitions asked for once an hour."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from adapters.typeform.responses import Pace
from bridge.adapter.base import Adapter
from bridge.adapter.client import Client, open_client
from bridge.adapter.delivery import Page
from bridge.errors import VendorRefused, VendorRetryable
from tests.adapters.typeform_account import NOW, answer, entries, make, response

PAGE = 3


class Typeform:
    """A form's responses, three a page as its `page_count` says; keeps what was asked."""

    def __init__(self, *rows: Any, definition: Any = None) -> None:
        self.rows = list(rows)
        self.definition = {"fields": []} if definition is None else definition
        self.asked: list[httpx.Request] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if not request.url.path.endswith("/responses"):
            return httpx.Response(200, json=self.definition)
        params = request.url.params
        rows = [row for row in self.rows if str(row["submitted_at"]) >= params.get("since", "")]
        if "after" in params:
            rows = rows[1 + [row["token"] for row in rows].index(params["after"]) :]
        count = -(-len(rows) // PAGE)
        return httpx.Response(200, json={"items": rows[:PAGE], "page_count": count, "total_items": len(rows)})

    def client(self, adapter: Adapter) -> Client:
        return open_client(adapter, transport=httpx.MockTransport(self.answer))

    @property
    def params(self) -> list[dict[str, str]]:
        """Of every request for responses, what it asked for besides the page size."""
        asked = [dict(one.url.params) for one in self.asked if one.url.path.endswith("/responses")]
        return [{name: value for name, value in one.items() if name != "page_size"} for one in asked]


def row(number: int, at: str = "2026-05-04T10:00:00Z", **fields: Any) -> dict[str, Any]:
    return response(answer("nps", number % 11), token=f"t{number}", submitted_at=at, **fields)


async def pages(typeform: Typeform, adapter: Adapter, stream: str = "N1", cursor: str = "") -> list[Page]:
    """Every page of one round."""
    client = typeform.client(adapter)
    found: list[Page] = []
    while not found or found[-1].more:
        found.append(await adapter.page(client, stream, found[-1].cursor if found else cursor, NOW))
        assert len(found) < 20
    await client.close()
    return found


def tokens(found: list[Page]) -> list[str]:
    return [item.raw["form_response"]["token"] for page in found for item in page.items]


async def test_each_page_begins_with_the_last_second_of_the_one_before_it() -> None:
    typeform = Typeform(*(row(number, f"2026-05-0{1 + number}T10:00:00Z") for number in range(4)))
    found = await pages(typeform, make())
    assert tokens(found) == ["t0", "t1", "t2", "t2", "t3"]
    assert typeform.params == [
        {"sort": "submitted_at,asc"},
        {"sort": "submitted_at,asc", "since": "2026-05-03T10:00:00Z"},
    ]


async def test_where_a_page_is_one_second_the_next_one_begins_behind_its_last_response() -> None:
    typeform = Typeform(*(row(number) for number in range(5)), row(5, "2026-05-04T10:30:00Z"))
    assert set(tokens(await pages(typeform, make()))) == {"t0", "t1", "t2", "t3", "t4", "t5"}
    assert typeform.params[1] == {"after": "t2"}


async def test_the_next_round_begins_at_the_last_response_and_at_least_an_hour_back() -> None:
    old, fresh = Typeform(row(1, "2026-05-01T10:00:00.512Z")), Typeform(row(1, "2026-05-04T11:59:00Z"))
    for typeform, since in ((old, "2026-05-01T10:00:00Z"), (fresh, "2026-05-04T11:00:00Z")):
        [page] = await pages(typeform, make())
        await pages(typeform, make(), cursor=page.cursor)
        assert typeform.params[1]["since"] == since


async def test_a_form_without_responses_stays_at_its_first_day() -> None:
    typeform = Typeform()
    [page] = await pages(typeform, make(since="2026-05-04"))
    assert page.items == ()
    await pages(typeform, make(since="2026-05-04"), cursor=page.cursor)
    assert [one["since"] for one in typeform.params] == ["2026-05-03T22:00:00Z"] * 2  # midnight at the source's place


async def test_a_listed_response_says_the_same_as_its_webhook_and_knows_the_scale() -> None:
    question: dict[str, Any] = {"id": "id-csat", "ref": "csat", "type": "rating", "title": "Zufrieden?"}
    question |= {"properties": {"steps": 5, "shape": "star", "labels": {}}, "validations": {}}
    group = {"id": "g", "type": "group", "properties": {"fields": [question]}}
    listed = row(1) | {"answers": [answer("csat", 4, question="rating")]}
    adapter = make()
    [page] = await pages(Typeform(listed, definition={"id": "C1", "fields": [group, "x"]}), adapter, "C1")
    [entry] = entries(adapter, *page.items)
    assert (entry.source_id, entry.body["score"], entry.body["scale"]) == ("t1", 4.0, 5.0)
    kept = page.items[0].raw["form_response"]["definition"]
    assert "Zufrieden?" not in repr(kept)


async def test_a_definition_is_asked_for_once_an_hour_and_only_where_a_scale_is_wanted() -> None:
    typeform, adapter = Typeform(row(1)), make()
    client = typeform.client(adapter)
    for minutes in (0, 30, 59, 61):
        await adapter.page(client, "C1", "", NOW + timedelta(minutes=minutes))
        await adapter.page(client, "N1", "", NOW)
        await adapter.page(client, "X1", "", NOW)
    assert [one.url.path for one in typeform.asked if not one.url.path.endswith("/responses")] == ["/forms/C1"] * 2


async def test_a_form_of_two_metrics_gives_two_items_a_response() -> None:
    adapter = make(forms=["N1=nps+exit"])
    [page] = await pages(Typeform(row(1)), adapter)
    assert [item.object for item in page.items] == ["nps", "exit"]


@pytest.mark.parametrize("body", [[], {}, {"items": {}}, {"items": None}])
async def test_an_answer_without_responses_is_no_empty_page(body: Any) -> None:
    adapter = make()
    client = open_client(adapter, transport=httpx.MockTransport(lambda _: httpx.Response(200, json=body)))
    for stream in ("N1", "C1"):
        with pytest.raises(VendorRetryable):
            await adapter.page(client, stream, "", NOW)


@pytest.mark.parametrize("last", ["x", {"submitted_at": "soon"}, {"submitted_at": "2026-05-04T10:00:00Z", "token": ""}])
async def test_a_page_that_does_not_say_where_it_ended_is_not_gone_on_from(last: Any) -> None:
    body = {"items": [last], "page_count": 2}
    adapter = make()
    client = open_client(adapter, transport=httpx.MockTransport(lambda _: httpx.Response(200, json=body)))
    with pytest.raises(VendorRetryable, match="repeats"):
        await adapter.page(client, "N1", "", NOW)


async def test_a_row_that_is_no_response_is_kept_with_its_reason() -> None:
    adapter = make()
    answered = httpx.Response(200, json={"items": ["x", row(1)], "page_count": 1})
    page = await adapter.page(open_client(adapter, transport=httpx.MockTransport(lambda _: answered)), "N1", "", NOW)
    assert [bool(item.problem) for item in page.items] == [True, False]


async def test_streams_are_the_forms_and_no_others() -> None:
    adapter = make()
    assert adapter.streams() == ("N1", "C1", "X1")
    with pytest.raises(VendorRefused, match="no stream"):
        await adapter.page(Typeform().client(adapter), "Z9", "", NOW)
    with pytest.raises(VendorRefused, match="reset it"):
        await adapter.page(Typeform().client(adapter), "N1", "zz", NOW)


async def test_requests_keep_their_pace_over_all_forms() -> None:
    slept: list[float] = []
    time = [100.0]

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    pace = Pace(0.5, clock=lambda: time[0], sleep=sleep)
    await pace.turn()
    await pace.turn()
    await pace.turn()  # two are waiting: each waits for the one before it
    time[0] += 10
    await pace.turn()
    assert slept == [0.5, 1.0]
