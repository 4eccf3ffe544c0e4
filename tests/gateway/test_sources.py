"""How sources are doing, and what could not be read."""

from __future__ import annotations

from tests.gateway.conftest import Gateway, person

BAD = person("1", version="first")


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


async def test_what_could_not_be_read_is_listed_with_its_reason_and_without_its_content(gateway: Gateway) -> None:
    await gateway.know(BAD, *(person(str(n), version="x", name="Secret Name") for n in range(2, 7)))
    answer = await gateway.get("/v1/dead-letters", "admin", source="crm", limit="4")
    first = answer.json()
    assert len(first["dead_letters"]) == 4
    assert all(one["error"] for one in first["dead_letters"])
    assert "Secret Name" not in answer.text
    rest = (await gateway.get("/v1/dead-letters", "admin", after=str(first["next"]))).json()
    assert (len(rest["dead_letters"]), rest["next"]) == (2, None)
    assert (await gateway.get("/v1/dead-letters", "admin", source="other")).json()["dead_letters"] == []
    assert (await gateway.get("/v1/dead-letters", "admin", after="x")).status_code == 400


async def test_a_dead_letter_is_replayed_one_by_one_or_all_of_a_source(gateway: Gateway) -> None:
    await gateway.know(BAD, person("2", version="x"), person("3", name="Good"))
    first, second = (await gateway.get("/v1/dead-letters", "admin")).json()["dead_letters"]
    assert (await gateway.post(f"/v1/dead-letters/{first['id']}/replay", "admin")).json() == {"replayed": 1}
    assert (await gateway.post(f"/v1/dead-letters/{first['id']}/replay", "admin")).status_code == 409
    assert (await gateway.post("/v1/dead-letters/replay", "admin", json={"source": "crm"})).json() == {"replayed": 1}
    rows = await gateway.rows("deliveries", "origin, state", "state = 'new'")
    assert rows == [("replay", "new"), ("replay", "new")]
    await gateway.digest()
    assert len((await gateway.get("/v1/dead-letters", "admin")).json()["dead_letters"]) == 2
    await gateway.gate.flush()
    assert ("source:crm", "1") in await gateway.rows("audit", "subject, detail", "action = 'replay deliveries'")
    assert second["id"] > first["id"]


async def test_what_is_no_dead_letter_is_not_replayed(gateway: Gateway) -> None:
    for id in ("999", "x", "9" * 19, "9" * 30, "-1", "%00"):
        assert (await gateway.post(f"/v1/dead-letters/{id}/replay", "admin")).status_code == 404
    assert (await gateway.post("/v1/dead-letters/replay", "admin", json={"source": "nobody"})).status_code == 404
    assert (await gateway.post("/v1/dead-letters/replay", "admin", json={"source": ""})).status_code == 400
