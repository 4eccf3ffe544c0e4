"""The agent's card."""

from __future__ import annotations

from bridge.store import Unit
from tests.gateway.conftest import Gateway, case, person

ADA = person("1", name="Ada Kaya", phones=["+4930901820"], emails=["ada@kaya.example"], language="de")


async def test_the_card_is_the_stored_one_with_a_tail_that_says_how_fresh_it_is(gateway: Gateway) -> None:
    await gateway.know(ADA, case("7", "1", type="complaint", status="open", opened="2026-11-20T10:00:00Z"))
    gateway.clock.advance(seconds=61)
    card = (await gateway.get("/v1/assist", "agent", phone="+4930901820")).json()
    flat = await gateway.lookup(phone="+4930901820")
    assert card["customer"]["name"] == "Ada Kaya"
    assert card["decision_id"] == flat["decision_id"]
    assert card["script"]["line"] == flat["script_line"]
    assert (card["found"], card["match"], card["candidates"]) == ("true", "exact", "1")
    assert (card["as_of_age_s"], card["degraded"], card["missing_sources"]) == ("61", "false", "")
    assert int(card["answer_ms"]) >= 0


async def test_no_key_of_the_card_comes_twice(gateway: Gateway) -> None:
    await gateway.know(ADA)
    raw = (await gateway.get("/v1/assist", "agent", phone="+4930901820")).text

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        assert len(pairs) == len(dict(pairs))
        return dict(pairs)

    import json

    assert json.loads(raw, object_pairs_hook=once)["schema"] == "1"


async def test_the_card_is_found_by_mail_id_customer_and_interaction(gateway: Gateway) -> None:
    await gateway.know(ADA)
    answer = await gateway.lookup("ivr", phone="+4930901820", interaction="call-17")
    for asked in (
        {"email": "ADA@kaya.example"},
        {"external_id": "crm:1"},
        {"customer_id": answer["customer_id"]},
        {"interaction": "call-17"},
    ):
        card = (await gateway.get("/v1/assist", "agent", **asked)).json()
        assert card["customer"]["id"] == answer["customer_id"], asked
    posted = await gateway.post("/v1/assist", "agent", json={"email": "ada@kaya.example", "interaction": "mail-3"})
    assert posted.json()["customer"]["id"] == answer["customer_id"]
    assert (await gateway.get("/v1/assist", "agent", interaction="mail-3")).json()["match"] == "exact"


async def test_the_card_comes_in_the_language_of_the_agent(gateway: Gateway) -> None:
    await gateway.know(ADA)
    german = (await gateway.get("/v1/assist", "agent", phone="+4930901820")).json()
    english = (await gateway.get("/v1/assist", "agent", phone="+4930901820", lang="en")).json()
    assert (german["language"], english["language"]) == ("de", "en")
    assert german["script"]["line"] != english["script"]["line"]


async def test_nobody_and_several_have_a_card_without_anything_personal(gateway: Gateway) -> None:
    shared = "+4930555000"
    await gateway.know(*(person(str(n), name=f"Person {n}", phones=[shared]) for n in range(2, 12)))
    nobody = (await gateway.get("/v1/assist", "agent", phone="+4930000000")).json()
    several = (await gateway.get("/v1/assist", "agent", phone=shared)).json()
    assert (nobody["match"], nobody["candidates"], nobody["customer"]) == ("none", "0", None)
    assert (several["match"], several["customer"], several["found"]) == ("ambiguous", None, "false")
    assert int(several["candidates"]) > 1
    assert "Person" not in str(several)


async def test_a_customer_whose_decision_is_not_ready_has_an_honest_card(gateway: Gateway) -> None:
    await gateway.know(ADA)
    customer = (await gateway.lookup(phone="+4930901820"))["customer_id"]
    unit = Unit()
    unit.add("customers.drop_decisions", customer=customer)
    await gateway.store.write(unit)
    card = (await gateway.get("/v1/assist", "agent", phone="+4930901820")).json()
    assert (card["customer"], card["degraded"], card["decision_id"]) == ({"id": customer}, "true", "")


async def test_what_an_agent_saw_is_marked_as_shown_and_audited_behind_the_answer(gateway: Gateway) -> None:
    await gateway.know(ADA)
    card = (await gateway.get("/v1/assist", "agent", phone="+4930901820")).json()
    await gateway.gate.flush()
    shown = await gateway.rows("decisions", "shown_at", f"id = '{card['decision_id']}'")
    assert shown
    assert all(at is not None for (at,) in shown)
    audit = await gateway.rows("audit", "actor, subject", "action = 'assist'")
    assert audit == [(f"key:{gateway.keys['agent'].split('_')[1]}", f"customer:{card['customer']['id']}")]


async def test_a_look_up_alone_shows_nothing_to_anybody(gateway: Gateway) -> None:
    await gateway.know(ADA)
    await gateway.lookup("ivr", phone="+4930901820")
    await gateway.gate.flush()
    assert all(at is None for (at,) in await gateway.rows("decisions", "shown_at"))


async def test_the_card_wants_to_know_whose_and_is_for_agents_only(gateway: Gateway) -> None:
    assert (await gateway.get("/v1/assist", "agent", lang="de")).status_code == 400
    assert (await gateway.post("/v1/assist", "agent", json={})).status_code == 400
    assert (await gateway.get("/v1/assist", "ivr", phone="1")).status_code == 403
    assert (await gateway.client.get("/v1/assist?phone=1")).status_code == 401
