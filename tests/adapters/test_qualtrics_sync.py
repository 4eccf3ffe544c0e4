"""Sync: by token what came, by date what was there; a crash goes on with the export that runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from adapters.qualtrics import exports
from adapters.qualtrics.cursor import Cursor, cursor_of, text
from bridge.adapter.base import Adapter
from bridge.adapter.delivery import Page
from bridge.errors import VendorRefused, VendorRetryable
from contract_tests.fakes.qualtrics import TOKEN, Fake
from tests.adapters.qualtrics_account import NOW, client, make

Twist = Callable[[httpx.Request], httpx.Response | None]


class Qualtrics:
    """A fake account that keeps what was asked; `twist` may answer in its place."""

    def __init__(self, twist: Twist | None = None) -> None:
        self.fake = Fake()
        self.twist = twist
        self.asked: list[httpx.Request] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        twisted = self.twist(request) if self.twist else None
        return twisted or self.fake.answer(request)

    @property
    def spans(self) -> list[dict[str, Any]]:
        """What each export was asked for, but for what all are."""
        forms = [json.loads(one.content) for one in self.asked if one.method == "POST"]
        always = {"format": "json", "compress": False, "sortByLastModifiedDate": True}
        assert all(always.items() <= form.items() for form in forms)
        return [{name: value for name, value in form.items() if name not in always} for form in forms]


def reader(**settings: Any) -> Adapter:
    return make(**{"token": TOKEN, "surveys": ["SV_1=nps:QID1"], **settings})


async def pages(qualtrics: Qualtrics, cursor: str = "", now: datetime = NOW, **settings: Any) -> list[Page]:
    """Every page of one round, each read by a process of its own."""
    found: list[Page] = []
    while not found or found[-1].more:
        adapter = reader(**settings)
        opened = client(adapter, qualtrics.answer)
        found.append(await adapter.page(opened, "SV_1", found[-1].cursor if found else cursor, now))
        await opened.close()
        assert len(found) < 200
    return found


def read(found: list[Page]) -> list[str]:
    return [item.raw["responseId"] for page in found for item in page.items]


async def test_the_token_is_taken_before_the_past_is_read_and_used_after_it() -> None:
    qualtrics = Qualtrics()
    made = qualtrics.fake.fill("SV_1", 3)
    found = await pages(qualtrics)
    assert set(read(found)) == made
    assert qualtrics.spans == [
        {"startDate": "2026-05-04T11:00:00Z", "allowContinuation": True},
        {"startDate": "2026-02-01T08:00:00Z", "endDate": "2026-05-04T12:00:00Z", "limit": 1000},
        {"continuationToken": "qxc-3"},
    ]


async def test_the_next_round_brings_only_what_came_and_what_was_changed() -> None:
    qualtrics = Qualtrics()
    first, *_ = sorted(qualtrics.fake.fill("SV_1", 3))
    cursor = (await pages(qualtrics))[-1].cursor
    late = qualtrics.fake.fill("SV_1", 1)
    qualtrics.fake.touch("SV_1", first)
    found = await pages(qualtrics, cursor, NOW + timedelta(hours=1))
    assert set(read(found)) == late | {first}
    assert qualtrics.spans[3:] == [{"continuationToken": "qxc-3"}]


async def test_the_last_day_is_read_by_date_once_more_every_day() -> None:
    qualtrics = Qualtrics()
    cursor = (await pages(qualtrics))[-1].cursor
    await pages(qualtrics, cursor, NOW + timedelta(days=1))
    assert qualtrics.spans[3:] == [
        {"startDate": "2026-05-04T11:00:00Z", "endDate": "2026-05-05T12:00:00Z", "limit": 1000},
        {"continuationToken": "qxc-0"},
    ]


@pytest.mark.parametrize("how", ["refused", "expired"])
async def test_a_token_that_is_good_no_more_is_replaced_and_nothing_is_lost(how: str) -> None:
    qualtrics = Qualtrics()
    cursor = (await pages(qualtrics))[-1].cursor
    late = qualtrics.fake.fill("SV_1", 2)
    if how == "refused":
        changed = {**json.loads(cursor), "token": "of-another-account"}
        cursor, now = json.dumps(changed), NOW + timedelta(hours=2)
        for one in qualtrics.fake.surveys["SV_1"]:
            one["values"]["lastModifiedDate"] = "2026-05-04T13:30:00Z"
    else:
        now = NOW + timedelta(days=9)
        for one in qualtrics.fake.surveys["SV_1"]:
            one["values"]["lastModifiedDate"] = "2026-05-10T13:30:00Z"
    assert set(read(await pages(qualtrics, cursor, now))) == late


async def test_a_first_day_is_where_the_past_begins_and_the_survey_is_not_asked() -> None:
    qualtrics = Qualtrics()
    await pages(qualtrics, since="2026-05-01")
    assert qualtrics.spans[1]["startDate"] == "2026-04-30T22:00:00Z"  # midnight at the source's place
    assert not [one for one in qualtrics.asked if one.url.path.endswith("/SV_1")]


@pytest.mark.parametrize("made", [None, "long ago", 7])
async def test_a_survey_that_does_not_say_when_it_was_made_is_read_from_the_first_day_there_was(made: Any) -> None:
    def twist(request: httpx.Request) -> httpx.Response | None:
        asked = request.method == "GET" and request.url.path.endswith("/SV_1")
        return httpx.Response(200, json={"result": {"creationDate": made}}) if asked else None

    qualtrics = Qualtrics(twist)
    await pages(qualtrics)
    assert qualtrics.spans[1]["startDate"] == "2002-01-01T00:00:00Z"


@pytest.mark.parametrize("descending", [False, True])
async def test_more_than_a_file_may_hold_is_read_in_narrower_spans(
    monkeypatch: pytest.MonkeyPatch, descending: bool
) -> None:
    monkeypatch.setattr(exports, "FULL", 8)
    qualtrics = Qualtrics()
    made = qualtrics.fake.fill("SV_1", 60)
    for place, one in enumerate(qualtrics.fake.surveys["SV_1"]):
        stamp = datetime.fromisoformat("2026-03-01T00:00:00+00:00") + timedelta(hours=place // 3)
        one["values"]["lastModifiedDate"] = stamp.strftime("%Y-%m-%dT%H:%M:%SZ")
    if descending:  # the vendor does not say in which order a limited export is cut off
        whole = qualtrics.fake.surveys["SV_1"]

        def twist(request: httpx.Request) -> httpx.Response | None:
            if not request.url.path.endswith("/file"):
                return None
            form = qualtrics.spans[-1]
            begins, ends = form.get("startDate", ""), form.get("endDate", "9999")
            rows = [one for one in whole if begins <= one["values"]["lastModifiedDate"] < ends]
            rows = [] if "continuationToken" in form else rows[::-1][: form.get("limit", 999)]
            return httpx.Response(200, json={"responses": rows})

        qualtrics.twist = twist
    found = await pages(qualtrics)
    assert sorted(read(found)) == sorted(made)
    assert len(qualtrics.spans) < 60


async def test_a_second_that_holds_more_than_a_file_may_is_read_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "FULL", 8)
    qualtrics = Qualtrics()
    made = qualtrics.fake.fill("SV_1", 40)
    assert sorted(read(await pages(qualtrics))) == sorted(made)
    assert {"startDate": "2026-03-02T09:00:00Z", "endDate": "2026-03-02T09:00:01Z"} in qualtrics.spans


async def test_times_that_cannot_be_read_only_make_the_spans_half_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "FULL", 4)
    qualtrics = Qualtrics()
    made = qualtrics.fake.fill("SV_1", 5)
    for place, one in enumerate(qualtrics.fake.surveys["SV_1"]):
        one["values"]["lastModifiedDate"] = f"2026-03-0{place + 1}T09:00:00Z"

    def twist(request: httpx.Request) -> httpx.Response | None:
        if not request.url.path.endswith("/file"):
            return None
        answer = qualtrics.fake.answer(request)
        rows = answer.json()["responses"]
        for row in rows:
            row["values"] |= {"lastModifiedDate": "9 o'clock", "recordedDate": "2026-03-01T09:00:00"}
        return httpx.Response(200, json={"responses": rows})

    qualtrics.twist = twist
    assert sorted(read(await pages(qualtrics))) == sorted(made)


def _too_large(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, content=b" " * (17 * 1024 * 1024))


async def test_a_file_that_is_too_large_is_asked_for_in_halves() -> None:
    qualtrics = Qualtrics()
    made = qualtrics.fake.fill("SV_1", 3)
    large = iter([True])

    def twist(request: httpx.Request) -> httpx.Response | None:
        by_date = request.url.path.endswith("/file") and "limit" in qualtrics.spans[-1]
        return _too_large(request) if by_date and next(large, False) else None

    qualtrics.twist = twist
    assert set(read(await pages(qualtrics))) == made
    whole, half = qualtrics.spans[1]["endDate"], qualtrics.spans[2]["endDate"]
    assert half < whole


async def test_where_everything_was_changed_at_once_it_is_read_by_date() -> None:
    qualtrics = Qualtrics()
    cursor = (await pages(qualtrics))[-1].cursor
    made = qualtrics.fake.fill("SV_1", 2)
    for one in qualtrics.fake.surveys["SV_1"]:
        one["values"]["lastModifiedDate"] = "2026-05-04T12:30:00Z"
    large = iter([True])

    def twist(request: httpx.Request) -> httpx.Response | None:
        by_token = request.url.path.endswith("/file") and "limit" not in qualtrics.spans[-1]
        return _too_large(request) if by_token and next(large, False) else None

    qualtrics.twist = twist
    assert set(read(await pages(qualtrics, cursor, NOW + timedelta(hours=1)))) == made
    assert qualtrics.spans[-3] == {"startDate": "2026-05-04T13:00:00Z", "allowContinuation": True}
    assert qualtrics.spans[-2]["startDate"] == "2026-05-04T11:00:00Z"


async def test_a_second_that_is_too_large_for_anybody_is_said() -> None:
    qualtrics = Qualtrics(lambda one: _too_large(one) if one.url.path.endswith("/file") else None)
    state = Cursor(token="qxc-0", given="2026-05-04T11:00:00Z", since="2026-05-04T10:00:00Z", step=1, whole=True)
    state = Cursor(**{**_fields(state), "upto": "2026-05-04T10:00:01Z"})
    with pytest.raises(VendorRefused, match="one second"):
        await pages(qualtrics, text(state))


async def test_whoever_comes_after_a_crash_goes_on_with_the_export_that_runs() -> None:
    qualtrics = Qualtrics()
    qualtrics.fake.fill("SV_1", 2)
    adapter = reader()
    opened = client(adapter, qualtrics.answer)
    begun = await adapter.page(opened, "SV_1", "", NOW)
    assert (begun.items, begun.more) == ((), True)
    for _ in range(3):  # each dies before its page is stored
        await reader().page(opened, "SV_1", begun.cursor, NOW)
    assert len(qualtrics.spans) == 1


async def test_an_export_that_takes_long_is_waited_for_and_then_left_for_later() -> None:
    qualtrics = Qualtrics()
    qualtrics.fake.trouble = "stuck"
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    adapter = reader(poll_seconds=1)
    vars(adapter)["_exports"]._sleep = sleep
    opened = client(adapter, qualtrics.answer)
    page = await adapter.page(opened, "SV_1", "", NOW)
    for _ in range(20):
        page = await adapter.page(opened, "SV_1", page.cursor, NOW)
    with pytest.raises(VendorRetryable, match="takes long") as caught:
        await adapter.page(opened, "SV_1", page.cursor, NOW)
    assert waits[:6] == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert caught.value.retry_after == 60
    page = await adapter.page(opened, "SV_1", page.cursor, NOW + timedelta(hours=3))
    assert len(qualtrics.spans) == 2, "after hours another one is begun"


@pytest.mark.parametrize("status", [200, 404])
async def test_an_export_that_failed_or_is_gone_is_begun_anew_a_few_times(status: int) -> None:
    def twist(request: httpx.Request) -> httpx.Response | None:
        asked = request.method == "GET" and "export-responses" in request.url.path
        failed = {"result": {"status": "failed", "fileId": None, "percentComplete": 100}}
        return httpx.Response(status, json=failed) if asked else None

    qualtrics = Qualtrics(twist)
    with pytest.raises(VendorRetryable, match="failed 3 times"):
        await pages(qualtrics)
    assert len(qualtrics.spans) == 4
    adapter = reader()
    opened = client(adapter, qualtrics.answer)
    state = Cursor(export="ES_1", began="2026-05-04T11:30:00Z", tries=3, since="2026-05-01T00:00:00Z")
    page = await adapter.page(opened, "SV_1", text(state), NOW)
    assert cursor_of(page.cursor).tries == 1, "after a rest the vendor is tried again"


async def test_a_refusal_while_it_is_prepared_is_passed_on() -> None:
    qualtrics = Qualtrics(lambda one: httpx.Response(403, json={}) if "ES_" in one.url.path else None)
    with pytest.raises(VendorRefused, match="403"):
        await pages(qualtrics)


async def test_a_file_that_may_not_be_read_is_no_empty_one() -> None:
    qualtrics = Qualtrics(lambda one: httpx.Response(403, json={}) if one.url.path.endswith("/file") else None)
    with pytest.raises(VendorRefused, match="403"):
        await pages(qualtrics)


async def test_a_file_that_is_gone_is_exported_anew() -> None:
    qualtrics = Qualtrics()
    made = qualtrics.fake.fill("SV_1", 2)
    gone = iter([True, True])

    def twist(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(404, json={}) if request.url.path.endswith("/file") and next(gone, False) else None

    qualtrics.twist = twist
    assert set(read(await pages(qualtrics))) == made


async def test_an_answer_that_names_the_last_export_again_is_not_believed() -> None:
    qualtrics = Qualtrics()
    qualtrics.fake.fill("SV_1", 2)

    def twist(request: httpx.Request) -> httpx.Response | None:
        again = {"result": {"progressId": "ES_000000000000001", "status": "inProgress"}}
        return httpx.Response(200, json=again) if request.method == "POST" and len(qualtrics.spans) > 1 else None

    qualtrics.twist = twist
    with pytest.raises(VendorRetryable, match="without an id of its own"):
        await pages(qualtrics)


async def test_without_a_token_there_is_no_going_on() -> None:
    def twist(request: httpx.Request) -> httpx.Response | None:
        asked = request.method == "GET" and "ES_" in request.url.path
        return httpx.Response(200, json={"result": {"status": "complete", "fileId": "f"}}) if asked else None

    qualtrics = Qualtrics(twist)
    files = httpx.Response(200, json={"responses": []})
    qualtrics.twist = lambda one: files if one.url.path.endswith("/file") else twist(one)
    with pytest.raises(VendorRetryable, match="no continuation token"):
        await pages(qualtrics)


async def test_what_is_no_response_in_an_export_is_a_dead_letter() -> None:
    qualtrics = Qualtrics()
    files = httpx.Response(200, json={"responses": ["R_1", {"responseId": "R_2", "values": {}}]})
    qualtrics.twist = lambda one: files if one.url.path.endswith("/file") else None
    items = [item for page in await pages(qualtrics) for item in page.items]
    assert items[0].problem
    assert items[1].raw["surveyId"] == "SV_1"


@pytest.mark.parametrize("answer", [[], {}, {"result": None}, {"responses": []}])
async def test_an_answer_without_a_result_is_an_error(answer: Any) -> None:
    for place in ("SV_1", "ES_000000000000001"):

        def twist(request: httpx.Request, end: str = place) -> httpx.Response | None:
            return _says(answer) if request.url.path.endswith(end) else None

        with pytest.raises(VendorRetryable):
            await pages(Qualtrics(twist))


@pytest.mark.parametrize("answer", [[], {}, {"responses": {}}])
async def test_a_file_without_responses_is_no_empty_one(answer: Any) -> None:
    with pytest.raises(VendorRetryable, match="instead of responses"):
        await pages(Qualtrics(lambda one: _says(answer) if one.url.path.endswith("/file") else None))


def _says(answer: Any) -> httpx.Response:
    return httpx.Response(200, json=answer)


async def test_a_cursor_that_cannot_be_read_and_another_survey_are_refused() -> None:
    adapter = reader()
    for stream, cursor in (("SV_1", "garbage"), ("SV_9", "")):
        with pytest.raises(VendorRefused):
            await adapter.page(client(adapter, None), stream, cursor, NOW)


def _fields(state: Cursor) -> dict[str, Any]:
    return {name: getattr(state, name) for name in state.__struct_fields__}
