"""Event subscriptions: what Qualtrics vouches for is a hint, and the response is fetched."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from bridge.adapter.delivery import Refetch
from bridge.errors import BadRequest, MappingError, NotAuthentic, VendorRefused, VendorRetryable
from tests.adapters.qualtrics_account import EVENT, KEY, NOW, client, event, form, make, response

RECORDED_KEY = "kyma4ever"
RECORDED_MAC = (
    "c2c585a404c239aa3063b462cc33551d3ed3ed2de0899f58d456fc0ef7ebef6f"
    "3c3af44957989bd0592603e41edde9528f7d9ed09ee128bf719aa12f46e5c598"
)
RECORDED = (
    "HMAC={mac}&MSG=%7B%22Status%22%3A%22Complete%22%2C%22SurveyID%22%3A%22SV_1AmkKSDmoZ4XlQx%22%2C%22ResponseID%22%3A"
    "%22R_0B7IcnXszjEUHLP%22%2C%22CompletedDate%22%3A%222019-06-25%2007%3A58%3A25%22%2C%22BrandID%22%3A"
    "%22sapdevelopment%22%7D&Topic=sapdevelopment.surveyengine.completedResponse.SV_1AmkKSDmoZ4XlQx&undefined="
)
"""What a receiver recorded: github.com/kyma-incubator/connector-tools, qualtrics-event-gw/pkg/hmac/hmac_test.go"""


def test_a_delivery_that_a_receiver_recorded_verifies_and_each_changed_byte_of_it_does_not() -> None:
    adapter = make(webhook_key=RECORDED_KEY)
    adapter.verify(form(RECORDED.format(mac=RECORDED_MAC)), NOW)
    adapter.verify(form(RECORDED.format(mac=RECORDED_MAC.upper())), NOW)
    adapter.verify(form(RECORDED.format(mac=RECORDED_MAC).replace("%20", "+")), NOW)
    sealed = RECORDED.format(mac=RECORDED_MAC).partition("&Topic=")[0]
    for place in range(len("HMAC="), len(sealed)):
        if sealed[place] not in "&=%" and sealed[place - 1] != "%" and sealed[place - 2] != "%":
            changed = "f" if sealed[place].lower() != "f" else "e"
            if sealed[place:].startswith("MSG="):
                continue
            with pytest.raises(NotAuthentic):
                adapter.verify(form(sealed[:place] + changed + sealed[place + 1 :]), NOW)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "MSG=%7B%7D",
        f"HMAC={RECORDED_MAC}",
        "HMAC=&MSG=%7B%7D",
        "HMAC=zz&MSG=%7B%7D",
        "Status=Complete&SurveyID=SV_1&ResponseID=R_1",
        "&".join(f"a{number}=1" for number in range(50)),
    ],
)
def test_what_nobody_vouches_for_is_refused(content: str) -> None:
    with pytest.raises(NotAuthentic, match="surveys: "):
        make().verify(form(content), NOW)


def test_without_a_key_nothing_is_accepted() -> None:
    with pytest.raises(NotAuthentic, match="webhook_key"):
        make(webhook_key="").verify(event(key=""), NOW)


def test_of_a_field_that_is_given_twice_the_one_that_was_checked_is_used() -> None:
    request = event()
    other = event(EVENT | {"ResponseID": "R_2"}, key="another-key")
    twice = form(request.body.decode() + "&" + other.body.decode())
    adapter = make()
    adapter.verify(twice, NOW)
    assert adapter.open(twice).items[0].raw["ResponseID"] == "R_1"


def test_a_completed_response_is_asked_for_and_known_again() -> None:
    adapter = make()
    [item] = adapter.open(event()).items
    assert adapter.read(item) == [Refetch(object="response", id="SV_1/R_1")]
    assert adapter.open(event()).items[0].dedupe_key == item.dedupe_key
    assert adapter.open(event()).reply.status == 200


@pytest.mark.parametrize(
    "other", [{"SurveyID": "SV_9"}, {"ResponseID": None}, {"ResponseID": "../../users"}, {"ResponseID": 7}]
)
def test_events_about_something_else_are_counted_and_left(other: dict[str, Any]) -> None:
    opened = make().open(event(EVENT | other))
    assert (opened.items, opened.ignored, opened.reply.status) == ((), 1, 200)


@pytest.mark.parametrize("message", ["", "c2VjcmV0", "[]", "{}", '{"SurveyID": 1}', "[" * 100_000])
def test_a_message_that_is_none_is_refused(message: str) -> None:
    adapter = make()
    request = event(message)
    adapter.verify(request, NOW)
    with pytest.raises(BadRequest):
        adapter.open(request)


@pytest.mark.parametrize("raw", [{}, {"SurveyID": "SV_9", "ResponseID": "R_1"}, EVENT | {"ResponseID": "R_1/../x"}])
def test_a_hint_that_leads_nowhere_is_a_named_error(raw: dict[str, Any]) -> None:
    adapter = make()
    item = adapter.open(event()).items[0]
    with pytest.raises(MappingError, match="ResponseID"):
        adapter.read(type(item)(object=item.object, raw=raw))


async def test_a_fetched_response_gives_an_item_for_each_metric() -> None:
    adapter = make(surveys=["SV_1=nps:QID1 csat:QID3"])

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/API/v3/surveys/SV_1/responses/R_1"
        assert request.headers["x-api-token"] == "a-token-of-ours"
        return httpx.Response(200, json={"result": response(QID1=9, QID3=5), "meta": {"httpStatus": "200 - OK"}})

    items = await adapter.fetch(client(adapter, answer), Refetch(object="response", id="SV_1/R_1"))
    assert [item.object for item in items] == ["nps", "csat"]
    assert {item.raw["surveyId"] for item in items} == {"SV_1"}


async def test_a_response_that_is_not_there_yet_is_asked_for_again() -> None:
    adapter = make()
    absent = client(adapter, lambda _: httpx.Response(404, json={"meta": {}}))
    with pytest.raises(VendorRetryable, match="not there yet"):
        await adapter.fetch(absent, Refetch(object="response", id="SV_1/R_1"))


async def test_a_fetch_that_may_not_be_or_brings_nothing_says_so() -> None:
    adapter = make()
    for answer, problem in (
        (httpx.Response(403, json={}), VendorRefused),
        (httpx.Response(200, json={"meta": {}}), VendorRetryable),
    ):
        with pytest.raises(problem):
            await adapter.fetch(client(adapter, lambda _, a=answer: a), Refetch(object="response", id="SV_1/R_1"))
    with pytest.raises(VendorRefused, match="not configured"):
        await adapter.fetch(client(adapter, None), Refetch(object="response", id="SV_9/R_1"))


def test_a_key_that_is_replaced_is_good_until_the_other_is_removed() -> None:
    adapter = make(webhook_key=["a-new-key", KEY])
    for key in ("a-new-key", KEY):
        adapter.verify(event(json.dumps(EVENT), key=key), NOW)
    with pytest.raises(NotAuthentic):
        adapter.verify(event(key="a-third-key"), NOW)
