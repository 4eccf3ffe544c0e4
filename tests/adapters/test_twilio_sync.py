"""Sync: the calls list page by page, what is asked for, and where a round begins again."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import httpx
import pytest

from bridge.adapter.base import Adapter
from bridge.adapter.client import open_client
from bridge.adapter.delivery import Page
from bridge.errors import ConfigError, VendorRefused, VendorRetryable
from tests.adapters.twilio_account import ACCOUNT, NOW, TOKEN, make, row

_PATH = f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json"
_NEXT = f"{_PATH}?StartTime%3E=2026-01-01&PageSize=1000&Page=1&PageToken=PACA1"


class Twilio:
    """Answers in their order, the last one for good; keeps what was asked."""

    def __init__(self, *answers: object) -> None:
        self.answers = [one if isinstance(one, httpx.Response) else httpx.Response(200, json=one) for one in answers]
        self.asked: list[httpx.Request] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def page(self, adapter: Adapter, cursor: str = "", **later: Any) -> Page:
        client = open_client(adapter, transport=httpx.MockTransport(self.answer))
        try:
            return await adapter.page(client, "calls", cursor, NOW + timedelta(**later))
        finally:
            await client.close()


def calls(*rows: Any, following: Any = None) -> dict[str, Any]:
    return {"calls": list(rows), "next_page_uri": following}


async def test_the_first_round_asks_for_everything_and_the_next_one_from_the_day_before_it() -> None:
    twilio = Twilio(calls(row()))
    page = await twilio.page(make())
    assert (len(page.items), page.more) == (1, False)
    await twilio.page(make(), page.cursor, days=9)
    first, second = twilio.asked
    assert dict(first.url.params) == {"PageSize": "1000"}
    assert dict(second.url.params) == {"StartTime>": "2026-05-03", "PageSize": "1000"}
    assert b"StartTime%3E=2026-05-03" in second.url.query


async def test_a_first_day_is_kept_to() -> None:
    twilio = Twilio(calls())
    page = await twilio.page(make(since="2026-05-04"))
    await twilio.page(make(since="2026-05-04"), page.cursor)
    assert [request.url.params["StartTime>"] for request in twilio.asked] == ["2026-05-04", "2026-05-04"]
    with pytest.raises(ConfigError, match=r"settings\.since"):
        make(since="yesterday")


async def test_pages_follow_the_vendors_links_and_the_next_round_begins_where_this_one_began() -> None:
    twilio = Twilio(calls(row(), following=_NEXT), calls(row()), calls())
    adapter = make()
    page = await twilio.page(adapter)
    assert page.more
    page = await twilio.page(make(), page.cursor, days=2)  # a long round, gone on with by another process
    assert not page.more
    await twilio.page(adapter, page.cursor, days=2)
    assert str(twilio.asked[1].url).endswith(_NEXT)
    assert twilio.asked[2].url.params["StartTime>"] == "2026-05-03"


async def test_a_page_that_is_gone_begins_the_round_again_but_not_for_ever() -> None:
    gone = httpx.Response(400, json={"code": 20001})
    adapter = make()
    cursor = (await Twilio(calls(row(), following=_NEXT)).page(adapter)).cursor
    for _ in range(3):
        page = await Twilio(gone).page(adapter, cursor)
        assert (page.items, page.more) == ((), True)
        again = Twilio(calls(row(), following=_NEXT))
        cursor = (await again.page(adapter, page.cursor)).cursor
        assert "PageToken" not in again.asked[0].url.params
    with pytest.raises(VendorRefused):
        await Twilio(gone).page(adapter, cursor)
    with pytest.raises(VendorRefused):
        await Twilio(gone).page(adapter)


async def test_the_same_link_again_is_not_followed() -> None:
    adapter = make()
    cursor = (await Twilio(calls(row(), following=_NEXT)).page(adapter)).cursor
    with pytest.raises(VendorRetryable, match="repeats"):
        await Twilio(calls(row(), following=_NEXT)).page(adapter, cursor)


@pytest.mark.parametrize("link", ["https://elsewhere.example/calls", 7, ["/a"], {"uri": "/a"}])
async def test_a_link_that_is_no_path_is_not_followed(link: Any) -> None:
    with pytest.raises(VendorRetryable, match="no path"):
        await Twilio(calls(row(), following=link)).page(make())


async def test_a_path_that_leads_to_another_host_is_not_followed() -> None:
    adapter = make()
    cursor = (await Twilio(calls(row(), following="//elsewhere.example/calls")).page(adapter)).cursor
    with pytest.raises(VendorRefused, match="another host"):
        await Twilio(calls()).page(adapter, cursor)


@pytest.mark.parametrize("answer", [[], {}, {"calls": {}}, {"calls": None}])
async def test_an_answer_without_calls_is_no_empty_page(answer: Any) -> None:
    with pytest.raises(VendorRetryable, match="calls"):
        await Twilio(answer).page(make())


async def test_a_row_that_is_no_call_is_kept_with_its_reason() -> None:
    page = await Twilio(calls(row(), "x")).page(make())
    assert [bool(item.problem) for item in page.items] == [False, True]


async def test_a_cursor_that_cannot_be_read_says_so() -> None:
    with pytest.raises(VendorRefused, match="reset it"):
        await Twilio(calls()).page(make(), "zz")


async def test_an_api_key_reads_the_list_where_there_is_one() -> None:
    twilio = Twilio(calls())
    await twilio.page(make())
    key = "SK0123456789abcdef0123456789abcdef"
    await twilio.page(make(api_key_sid=key, api_key_secret="a-secret", auth_token=""))
    wanted = [f"{ACCOUNT}:{TOKEN}", f"{key}:a-secret"]
    assert [request.headers["authorization"] for request in twilio.asked] == [
        "Basic " + base64.b64encode(pair.encode()).decode() for pair in wanted
    ]
    with pytest.raises(ConfigError, match="api_key_secret"):
        make(api_key_sid=key)
    with pytest.raises(ConfigError, match="auth_token"):
        await twilio.page(make(auth_token=""))


async def test_while_a_token_is_replaced_the_other_one_is_tried() -> None:
    twilio = Twilio(httpx.Response(401, json={"code": 20003}), calls(row()))
    page = await twilio.page(make(auth_token=["not-yet-promoted", TOKEN]))
    assert len(page.items) == 1
    assert base64.b64decode(twilio.asked[1].headers["authorization"][6:]) == f"{ACCOUNT}:{TOKEN}".encode()


@pytest.mark.parametrize("name", ["account_sid", "api_key_sid"])
def test_a_sid_that_is_none_is_named(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"settings\.{name}"):
        make(**{name: "AC/../x"})
