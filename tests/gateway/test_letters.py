"""What could not be read: why, what was in it, once more, or given up, and never lost in silence."""

from __future__ import annotations

import pytest

from bridge.console import letters
from bridge.console.troubles import Meaning, Trouble, read_letter
from tests.dump import query
from tests.gateway.conftest import Gateway, person

LETTERS = "/v1/dead-letters"
BAD = person("1", version="first")


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


async def test_letters_with_one_reason_are_one_kind_with_what_it_means(gateway: Gateway) -> None:
    await gateway.know(BAD, person("2", version="x"), {"object": "unheard", "raw": {"id": 1}})
    told = (await gateway.get(f"{LETTERS}/kinds", "supervisor")).json()["kinds"]
    assert [(one["object"], one["count"]) for one in told] == [("person", 2), ("unheard", 1)]
    first = told[0]
    assert first["meaning"]["trouble"] == "mapping"
    assert (first["meaning"]["vendor"], first["meaning"]["path"]) == ("acme", "person.version")
    assert first["reason"] == f"acme: person.version: {first['meaning']['what']}"
    only = await gateway.get(LETTERS, "admin", source="crm", object="person", reason=first["reason"])
    assert len(only.json()["dead_letters"]) == 2
    assert (await gateway.get(f"{LETTERS}/kinds", "viewer")).status_code == 403


async def test_a_kind_is_replayed_together_wherever_its_letters_stood(gateway: Gateway) -> None:
    await gateway.know(BAD, person("2", version="x"), {"object": "unheard", "raw": {"id": 1}})
    spoil = "update deliveries set place = 'row ' || id, error = 'row ' || id || ': ' || error where object = 'person'"
    await run_sql(gateway, spoil)
    (kind,) = [
        one for one in (await gateway.get(f"{LETTERS}/kinds", "admin")).json()["kinds"] if one["object"] == "person"
    ]
    assert kind["count"] == 2
    body = {"source": "crm", "object": "person", "reason": kind["reason"]}
    for half in ("object", "reason"):
        some = {name: text for name, text in body.items() if name != half}
        answer = await gateway.post(f"{LETTERS}/replay", "admin", json=some)
        assert answer.status_code == 400, "half a kind is not all of the source"
    assert (await gateway.post(f"{LETTERS}/replay", "admin", json=body)).json() == {"replayed": 2}
    assert (await gateway.post(f"{LETTERS}/replay", "admin", json=body)).json() == {"replayed": 0}


async def test_many_letters_are_replayed_and_given_up_piece_by_piece(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(letters, "PIECE", 2)
    await gateway.know(*(person(str(number), version="x") for number in range(5)))
    assert (await gateway.post(f"{LETTERS}/replay", "admin", json={"source": "crm"})).json() == {"replayed": 5}
    await gateway.digest()
    (kind,) = (await gateway.get(f"{LETTERS}/kinds", "admin")).json()["kinds"]
    body = {"source": "crm", "object": "person", "reason": kind["reason"], "because": "test rows"}
    assert (await gateway.post(f"{LETTERS}/discard", "admin", json=body)).json() == {"discarded": 5}
    again = {"source": "crm", "object": "person", "reason": kind["reason"], "state": "discarded"}
    assert (await gateway.post(f"{LETTERS}/replay", "admin", json=again)).json() == {"replayed": 5}


async def test_what_was_in_a_letter_is_shown_to_the_operator_alone_redacted_and_who_looked_is_kept(
    gateway: Gateway,
) -> None:
    await gateway.know(person("1", version="first", name="Ada", pin="1234"))
    (one,) = (await gateway.get(LETTERS, "admin")).json()["dead_letters"]
    assert (await gateway.get(f"{LETTERS}/{one['id']}", "supervisor")).status_code == 403
    told = (await gateway.get(f"{LETTERS}/{one['id']}", "admin")).json()
    assert told["raw"] == {"id": "1", "version": "first", "name": "Ada", "pin": "[redacted]"}
    assert told["meaning"]["path"] == "person.version"
    await gateway.gate.flush()
    assert await gateway.rows("audit", "subject", "action = 'dead_letter.read'") == [(f"delivery:{one['id']}",)]
    assert (await gateway.get(f"{LETTERS}/999", "admin")).status_code == 404
    assert (await gateway.get(f"{LETTERS}/x", "admin")).status_code == 404


async def test_what_is_given_up_stays_with_its_reason_is_counted_and_can_come_back(gateway: Gateway) -> None:
    await gateway.know(BAD, person("2", version="x"), person("3", version="y"))
    first = (await gateway.get(LETTERS, "admin")).json()["dead_letters"][0]["id"]
    assert (await gateway.post(f"{LETTERS}/{first}/discard", "admin", json={"because": ""})).status_code == 400
    why = {"because": "test rows of the vendor"}
    assert (await gateway.post(f"{LETTERS}/{first}/discard", "admin", json=why)).json() == {"discarded": 1}
    assert (await gateway.post(f"{LETTERS}/{first}/discard", "admin", json=why)).status_code == 409
    assert (await gateway.post(f"{LETTERS}/999/discard", "admin", json=why)).status_code == 404
    (kind,) = (await gateway.get(f"{LETTERS}/kinds", "admin")).json()["kinds"]
    body = {"source": "crm", "object": "person", "reason": kind["reason"]} | why
    assert (await gateway.post(f"{LETTERS}/discard", "admin", json=body)).json() == {"discarded": 2}
    source = (await gateway.get("/v1/sources", "admin")).json()["sources"][0]
    assert source["deliveries"] == {"discarded": 3}
    given_up = (await gateway.get(LETTERS, "admin", state="discarded")).json()["dead_letters"]
    assert {one["note"] for one in given_up} == {"test rows of the vendor"}
    assert (await gateway.get(LETTERS, "admin")).json()["dead_letters"] == []
    await gateway.gate.flush()
    noted = await gateway.rows("audit", "detail", "action = 'discard deliveries'")
    assert sorted(noted) == [("1: test rows of the vendor",), ("2: test rows of the vendor",)]

    assert (await gateway.post(f"{LETTERS}/{first}/replay", "admin")).json() == {"replayed": 1}
    rest = {"source": "crm", "state": "discarded"}
    assert (await gateway.post(f"{LETTERS}/replay", "admin", json=rest)).json() == {"replayed": 2}
    assert await gateway.rows("deliveries", "state, note", "note is not null") == []


async def run_sql(gateway: Gateway, sql: str) -> None:
    """What a test changes in the database itself."""
    await query(gateway.gate.settings.database_url, f"{sql} returning id")


def test_a_reason_is_read_for_the_person_who_mends_it() -> None:
    mapping = read_letter("acme: emails[*]: found a number where a text belongs", "acme", "crm")
    assert mapping == Meaning(
        trouble=Trouble.mapping, vendor="acme", path="emails[*]", what="found a number where a text belongs"
    )
    assert read_letter("crm: GET /people/7 was answered 404", "acme", "crm").trouble is Trouble.missing
    assert read_letter("crm: its adapter raised KeyError", "acme", "crm").trouble is Trouble.bug
    assert read_letter("KeyError while it was absorbed", "acme", "crm").trouble is Trouble.bug
    assert read_letter("the row has 7 values, the head names 6", "acme", "crm").trouble is Trouble.row
