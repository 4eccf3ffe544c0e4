"""Records that may be one person's: shown to a person side by side, decided, and every decision taken back."""

from __future__ import annotations

import asyncio
from typing import Any

from bridge.flow import look_for_doubles, split
from tests.gateway.conftest import Gateway, person

PHONE = "+493023125042"
PROPOSALS = "/v1/identity/proposals"


async def propose(gateway: Gateway, count: int = 1) -> list[dict[str, Any]]:
    """Some people who were entered twice; the proposals that come of it."""
    people = []
    for pair in range(count):
        mail = f"eva.schmidt{pair}@example.de"
        people += [
            person(f"{pair}1", name="Eva Schmidt", emails=[mail], phones=[PHONE[:-2] + f"{pair + 10}"], language="de"),
            person(f"{pair}2", name="E. Schmidt", emails=[mail], owner="Jana Brandt"),
        ]
    await gateway.know(*people)
    await look_for_doubles(gateway.gate.desk, gateway.clock())
    found: list[dict[str, Any]] = (await gateway.get(PROPOSALS, "supervisor")).json()["proposals"]
    return found


async def test_before_anybody_looked_there_is_nothing_to_decide(gateway: Gateway) -> None:
    told = (await gateway.get(PROPOSALS, "supervisor")).json()
    assert told == {"proposals": [], "counts": {"open": 0, "merged": 0, "refused": 0}, "next": None}
    assert (await gateway.get("/v1/identity/merges", "supervisor")).json() == {"merges": []}


async def test_a_proposal_shows_both_records_and_what_speaks_for_it_and_who_looked_is_kept(gateway: Gateway) -> None:
    (one,) = await propose(gateway)
    assert (one["state"], one["strength"]) == ("open", "possible")
    assert (one["a"]["profile"], one["b"]["profile"]) == ("crm:01", "crm:02")
    assert (one["a"]["name"], one["b"]["name"]) == ("Eva Schmidt", "E. Schmidt")
    assert one["a"]["phones"] == ["+493023125010"]
    assert one["b"]["owner"] == "Jana Brandt"
    said = {(sign["trait"], sign["how"]) for sign in one["signs"]}
    assert said >= {("family_name", "same"), ("given_name", "initial"), ("email", "same"), ("system", "differs")}
    assert sum(sign["points"] for sign in one["signs"]) == one["score"]
    await gateway.gate.flush()
    seen = {row[0] for row in await gateway.rows("audit", "subject", "action = 'identity.proposals'")}
    assert seen == {f"customer:{one[side]['customer']}" for side in "ab"}
    for scope in ("agent", "viewer", "admin"):
        assert (await gateway.get(PROPOSALS, scope)).status_code == 403


async def test_merging_makes_one_customer_and_reopening_restores_both(gateway: Gateway) -> None:
    (one,) = await propose(gateway)
    a, b = one["a"]["customer"], one["b"]["customer"]
    before = await gateway.rows("profiles", "source_id, customer")
    merged = await gateway.post(f"{PROPOSALS}/{one['id']}/merge", "supervisor", json={"reason": "same voice"})
    assert (merged.status_code, merged.json()["state"]) == (200, "merged")
    assert len({row[0] for row in await gateway.rows("profiles", "customer")}) == 1
    assert (await gateway.get(PROPOSALS, "supervisor")).json()["counts"] == {"open": 0, "merged": 1, "refused": 0}
    done = (await gateway.get(PROPOSALS, "supervisor", state="merged")).json()["proposals"][0]
    assert done["decided_by"].startswith("key:")
    assert done["a"]["others"] == ["crm:02"]
    (listed,) = (await gateway.get("/v1/identity/merges", "supervisor")).json()["merges"]
    assert (listed["proposal"], listed["reason"]) == (one["id"], "same voice")
    assert {listed["name_a"], listed["name_b"]} == {"Eva Schmidt", "E. Schmidt"}
    again = await gateway.post(f"{PROPOSALS}/{one['id']}/merge", "supervisor", json={})
    assert again.status_code == 409

    back = await gateway.post(f"{PROPOSALS}/{one['id']}/reopen", "supervisor")
    assert back.json() == {"id": one["id"], "state": "open", "undo": None}
    assert sorted(await gateway.rows("profiles", "source_id, customer")) == sorted(before)
    (open_again,) = (await gateway.get(PROPOSALS, "supervisor")).json()["proposals"]
    assert (open_again["a"]["customer"], open_again["b"]["customer"]) == (a, b)
    assert (await gateway.post(f"{PROPOSALS}/{one['id']}/reopen", "supervisor")).status_code == 409


async def test_a_split_of_the_merge_opens_its_proposal_too(gateway: Gateway) -> None:
    (one,) = await propose(gateway)
    undo = (await gateway.post(f"{PROPOSALS}/{one['id']}/merge", "supervisor", json={})).json()["undo"]
    assert (await gateway.post("/v1/identity/split", "supervisor", json={"id": undo})).status_code == 200
    assert len((await gateway.get(PROPOSALS, "supervisor")).json()["proposals"]) == 1
    assert (await gateway.get("/v1/identity/merges", "supervisor")).json()["merges"] == []


async def test_a_merge_that_was_taken_back_and_not_noted_can_be_reopened(gateway: Gateway) -> None:
    (one,) = await propose(gateway)
    undo = (await gateway.post(f"{PROPOSALS}/{one['id']}/merge", "supervisor", json={})).json()["undo"]
    await split(gateway.gate.desk, undo, by="key:1", now=gateway.clock())  # and the process ends here
    back = await gateway.post(f"{PROPOSALS}/{one['id']}/reopen", "supervisor")
    assert back.json() == {"id": one["id"], "state": "open", "undo": None}
    assert len((await gateway.get(PROPOSALS, "supervisor")).json()["proposals"]) == 1


async def test_of_two_who_decide_at_the_same_moment_one_is_told_and_what_the_other_said_counts(
    gateway: Gateway,
) -> None:
    (one,) = await propose(gateway)
    both = await asyncio.gather(
        *(gateway.post(f"{PROPOSALS}/{one['id']}/{what}", "supervisor", json={}) for what in ("merge", "refuse"))
    )
    (decided,) = [answer.json()["state"] for answer in both if answer.status_code == 200]
    (told,) = [answer.status_code for answer in both if answer.status_code != 200]
    assert told in (404, 409)
    owners = {row[0] for row in await gateway.rows("profiles", "customer")}
    assert len(owners) == (1 if decided == "merged" else 2)
    standing = await gateway.rows("assertions", "same", "origin = 'person' and undone_at is null")
    assert [row[0] for row in standing] == [int(decided == "merged")]


async def test_a_merge_is_of_the_two_records_that_were_compared(gateway: Gateway) -> None:
    await gateway.know(person("1", name="Karl Maier"))
    gateway.clock.advance(hours=1)
    await gateway.know(
        person("7", name="Eva Schmidt", emails=["eva.schmidt@example.de"]),
        person("2", name="E. Schmidt", emails=["eva.schmidt@example.de"]),
    )
    owner = {row[0]: row[1] for row in await gateway.rows("profiles", "source_id, customer")}
    body = {"a": owner["1"], "b": owner["7"], "reason": "said so, and was wrong"}
    (mistake,) = (await gateway.post("/v1/identity/merge", "supervisor", json=body)).json()["ids"]
    await look_for_doubles(gateway.gate.desk, gateway.clock())
    (one,) = (await gateway.get(PROPOSALS, "supervisor")).json()["proposals"]
    assert {one["a"]["profile"], one["b"]["profile"]} == {"crm:2", "crm:7"}
    merged = await gateway.post(f"{PROPOSALS}/{one['id']}/merge", "supervisor", json={})
    assert merged.status_code == 200
    await gateway.post("/v1/identity/split", "supervisor", json={"id": mistake})
    owner = {row[0]: row[1] for row in await gateway.rows("profiles", "source_id, customer")}
    assert owner["7"] == owner["2"] != owner["1"]


async def test_who_looked_at_the_merges_is_kept_by_customer(gateway: Gateway) -> None:
    (one,) = await propose(gateway)
    await gateway.post(f"{PROPOSALS}/{one['id']}/merge", "supervisor", json={})
    await gateway.get("/v1/identity/merges", "supervisor")
    await gateway.gate.flush()
    customer = (await gateway.rows("profiles", "customer"))[0][0]
    seen = await gateway.rows("audit", "subject", "action = 'identity.merges'")
    assert seen == [(f"customer:{customer}",)]


async def test_who_was_refused_stays_apart_and_is_not_proposed_again(gateway: Gateway) -> None:
    (one,) = await propose(gateway)
    answer = await gateway.post(f"{PROPOSALS}/{one['id']}/refuse", "supervisor", json={})
    assert answer.json()["state"] == "refused"
    await gateway.know(person("01", version=2, name="Eva Schmidt", emails=["eva.schmidt0@example.de"]))
    await look_for_doubles(gateway.gate.desk, gateway.clock())
    assert (await gateway.get(PROPOSALS, "supervisor")).json()["proposals"] == []
    await gateway.post(f"{PROPOSALS}/{one['id']}/reopen", "supervisor")
    assert len((await gateway.get(PROPOSALS, "supervisor")).json()["proposals"]) == 1


async def test_whom_somebody_told_apart_elsewhere_is_not_proposed_any_more(gateway: Gateway) -> None:
    (one,) = await propose(gateway)
    body = {"a": one["a"]["customer"], "b": one["b"]["customer"], "reason": "said so"}
    await gateway.post("/v1/identity/merge", "supervisor", json=body)
    customer = (await gateway.rows("profiles", "customer"))[0][0]
    apart = {"customer": customer, "profiles": ["crm:02"], "reason": "mother and daughter"}
    assert (await gateway.post("/v1/identity/separate", "supervisor", json=apart)).status_code == 200
    assert len({row[0] for row in await gateway.rows("profiles", "customer")}) == 2
    told = (await gateway.get(PROPOSALS, "supervisor")).json()
    assert (told["proposals"], told["counts"]["open"]) == ([], 0)


async def test_of_two_customers_who_are_two_people_nothing_else_is_proposed(gateway: Gateway) -> None:
    mail = "eva.schmidt@example.de"
    await gateway.know(
        person("1", name="Eva Schmidt", emails=[mail]),
        person("2", name="E. Schmidt", emails=[mail]),
        person("7", name="Eva Schmidt", emails=[mail]),
    )
    await look_for_doubles(gateway.gate.desk, gateway.clock())
    found = (await gateway.get(PROPOSALS, "supervisor")).json()["proposals"]
    pairs = {frozenset((one["a"]["profile"], one["b"]["profile"])): one["id"] for one in found}
    assert len(pairs) == 3
    same = pairs[frozenset(("crm:1", "crm:7"))]
    assert (await gateway.post(f"{PROPOSALS}/{same}/merge", "supervisor", json={})).status_code == 200
    assert len((await gateway.get(PROPOSALS, "supervisor")).json()["proposals"]) == 2
    other = pairs[frozenset(("crm:1", "crm:2"))]
    assert (await gateway.post(f"{PROPOSALS}/{other}/refuse", "supervisor", json={})).status_code == 200
    assert (await gateway.get(PROPOSALS, "supervisor")).json()["proposals"] == []
    assert (await gateway.post(f"{PROPOSALS}/{other}/reopen", "supervisor")).status_code == 200
    assert len((await gateway.get(PROPOSALS, "supervisor")).json()["proposals"]) == 1


async def test_the_list_is_paged_and_what_is_no_proposal_is_refused(gateway: Gateway) -> None:
    await propose(gateway, count=3)
    ids: list[str] = []
    after = None
    for _ in range(3):
        given = {"limit": "1"} | ({"after": after} if after else {})
        page = (await gateway.get(PROPOSALS, "supervisor", **given)).json()
        ids += [one["id"] for one in page["proposals"]]
        after = page["next"]
    assert after is None
    assert len(set(ids)) == 3
    for id in ids:
        gateway.clock.advance(seconds=1)
        await gateway.post(f"{PROPOSALS}/{id}/refuse", "supervisor", json={})
    first = (await gateway.get(PROPOSALS, "supervisor", state="refused", limit="2")).json()
    rest = (await gateway.get(PROPOSALS, "supervisor", state="refused", after=first["next"])).json()
    assert [one["id"] for one in (*first["proposals"], *rest["proposals"])] == ids[::-1]
    for wrong in ("x", f"{'9' * 19}:p_{'0' * 16}"):
        assert (await gateway.get(PROPOSALS, "supervisor", after=wrong)).status_code == 400
    assert (await gateway.post(f"{PROPOSALS}/p_0/merge", "supervisor", json={})).status_code == 404
    assert (await gateway.post(f"{PROPOSALS}/{ids[0]}/merge", "admin", json={})).status_code == 403


async def test_two_who_are_one_customer_already_are_not_merged_again(gateway: Gateway) -> None:
    (one,) = await propose(gateway)
    body = {"a": one["a"]["customer"], "b": one["b"]["customer"], "reason": "said so"}
    await gateway.post("/v1/identity/merge", "supervisor", json=body)
    assert (await gateway.get(PROPOSALS, "supervisor")).json()["proposals"] == []
    assert (await gateway.post(f"{PROPOSALS}/{one['id']}/merge", "supervisor", json={})).status_code == 409
