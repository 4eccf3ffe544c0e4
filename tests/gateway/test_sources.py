"""How sources are doing: what they bring, how far behind they are, what is wrong with them."""

from __future__ import annotations

import pytest

from bridge.console.troubles import read_trouble
from bridge.store import micros
from tests.gateway.conftest import Gateway, person


async def test_a_source_says_what_it_brought_and_how_long_it_has_been_waiting(gateway: Gateway) -> None:
    silent = (await gateway.get("/v1/sources", "admin")).json()["sources"]
    assert [(one["name"], one["state"], one["configured"]) for one in silent] == [("crm", "silent", True)]
    await gateway.deliver(person("1", name="Ada"))
    gateway.clock.advance(seconds=30)
    waiting = (await gateway.get("/v1/sources", "supervisor")).json()["sources"][0]
    assert (waiting["lag_s"], waiting["deliveries"], waiting["state"]) == (30, {"new": 1}, "live")
    await gateway.digest()
    done = (await gateway.get("/v1/sources", "admin")).json()["sources"][0]
    assert (done["lag_s"], done["deliveries"]) == (None, {"mapped": 1})


async def test_a_failing_source_says_why(gateway: Gateway) -> None:
    await gateway.store.change("sources.failed", name="crm", error="crm: 503", at=1)
    failing = (await gateway.get("/v1/sources", "admin")).json()["sources"][0]
    assert (failing["state"], failing["error"]) == ("failing", "crm: 503")


async def test_a_source_that_is_read_in_streams_says_how_far(gateway: Gateway) -> None:
    await gateway.store.change("sources.register", name="old", adapter="gone", at=1, live_since=None)
    await gateway.store.change("sources.seen", name="old", at=2)
    await gateway.store.change("sources.add_stream", source="old", stream="people", at=1)
    old = (await gateway.get("/v1/sources", "admin")).json()["sources"][1]
    assert (old["name"], old["state"], old["configured"]) == ("old", "importing", False)
    assert old["streams"][0]["stream"] == "people"
    assert old["streams"][0]["done"] is False
    assert (old["streams"][0]["read_at"], old["streams"][0]["lag_s"]) == (None, None)


async def test_a_stream_says_when_it_was_read_to_its_end_and_what_is_wrong_since(gateway: Gateway) -> None:
    store = gateway.store
    now = micros(gateway.clock())
    await store.change("sources.add_stream", source="crm", stream="people", at=now)

    async def rest(error: str | None, failures: int) -> None:
        given = {"source": "crm", "stream": "people", "owner": "w1", "now": micros(gateway.clock())}
        assert await store.change("sources.take_stream", lease=1, **given)
        told = {"done": 1, "due_at": 0, "failures": failures, "error": error, "at": given["now"]}
        await store.change("sources.rest", source="crm", stream="people", owner="w1", **told)

    await rest(None, 0)
    gateway.clock.advance(minutes=10)
    await rest("crm: GET /people was answered 401", 1)
    stream = (await gateway.get("/v1/sources", "admin")).json()["sources"][0]["streams"][0]
    assert (stream["read_at"], stream["lag_s"]) == ("2026-11-21T12:00:00Z", 600)
    assert (stream["trouble"], stream["failures"]) == ("refused", 1)


async def test_what_came_in_is_counted_by_the_hour_of_the_last_day(gateway: Gateway) -> None:
    await gateway.deliver(person("1"), person("2"))
    gateway.clock.advance(hours=23)
    await gateway.deliver(person("3"))
    hours = (await gateway.get("/v1/sources", "admin")).json()["sources"][0]["hours"]
    assert (len(hours), hours[0], hours[-1], sum(hours)) == (24, 2, 1, 3)
    gateway.clock.advance(hours=1)
    hours = (await gateway.get("/v1/sources", "admin")).json()["sources"][0]["hours"]
    assert (hours[-2], hours[-1], sum(hours)) == (1, 0, 1)
    await gateway.deliver(person("4"))
    gateway.clock.advance(hours=1)
    await gateway.deliver(person("5"))
    gateway.clock.advance(hours=-1)  # the clock of whoever received the last one was ahead
    hours = (await gateway.get("/v1/sources", "admin")).json()["sources"][0]["hours"]
    assert (hours[-2], hours[-1]) == (1, 2)


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        ("crm: GET /people was answered 403", "refused"),
        ("crm: GET /people was answered 404", "missing"),
        ("crm: GET /people was answered 429", "busy"),
        ("crm: GET /people was answered 503", "down"),
        ("crm: GET /people timed out", "down"),
        ("crm: GET /people failed: ConnectError", "down"),
        ("crm: GET /people was answered 200, but not with JSON", "garbled"),
        ("crm: calls: the answer holds a text where the list belongs", "garbled"),
        ("crm: people: its stored cursor cannot be read; reset it", "stuck"),
        ("crm: kunden.csv is not in the folder", "file"),
        ("crm: create_task: the setting queue is missing", "setting"),
        ("crm: its adapter raised KeyError", "bug"),
        ("crm: something nobody has seen before", "other"),
    ],
)
def test_every_error_of_a_source_is_one_of_a_few_kinds(error: str, trouble: str) -> None:
    assert read_trouble(error) == trouble
