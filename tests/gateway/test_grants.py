"""Who may grant what, how much of it, and beside what: by the limits that were on the card."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from bridge.access import SCOPES
from bridge.errors import Conflict
from bridge.flow.granting import running_grants
from bridge.gateway.grants import Running, check_grant
from bridge.model import Money
from tests.gateway.conftest import Gateway, person
from tests.gateway.test_outcomes import decision

LATER = datetime(2027, 2, 1, tzinfo=timezone.utc)


def euros(amount: int) -> dict[str, Any]:
    return {"minor": amount * 100, "currency": "EUR"}


def offer(id: str, **fields: Any) -> dict[str, Any]:
    money = {"ceiling": euros(45), "team_lead_ceiling": euros(120)}
    return {"id": id, "kind": id, "cooldown_days": 90, "not_with": []} | money | fields


APOLOGY = offer("apology", ceiling=None, team_lead_ceiling=None, cooldown_days=0)
CREDIT = offer("goodwill_credit", not_with=["gift"])
TERMS = {
    "kinds": ["apology", "discount", "goodwill_credit", "gift"],
    "ceiling": euros(45),
    "offers": [APOLOGY, offer("discount", cooldown_days=180), CREDIT, offer("gift", not_with=["goodwill_credit"])],
    "most_at_once": 2,
}


def grant(id: str, amount: str | None = "40.00") -> dict[str, str]:
    return {"offer": id} | ({} if amount is None else {"amount": amount, "currency": "EUR"})


def test_what_a_card_without_limits_offers_is_granted_by_its_one_ceiling() -> None:
    """As cards were before there was a catalogue: they are replayed and granted by for as long as they are kept."""
    card = msgspec.json.encode({"offer": {"kinds": ["discount"], "ceiling": euros(45)}})
    limits = check_grant(card, offer="discount", amount=Money(4500, "EUR"), role="agent", running={})
    assert limits.cooldown == timedelta(days=90)
    with pytest.raises(Conflict, match=r"at most 45\.00 EUR"):
        check_grant(card, offer="discount", amount=Money(4501, "EUR"), role="team_lead", running={})


@pytest.mark.parametrize(
    ("given", "amount", "role", "running", "what"),
    [
        ("discount", 4600, "agent", {}, r"an agent may grant at most 45\.00 EUR; a team lead may, up to 120\.00 EUR"),
        ("discount", 12_001, "agent", {}, r"at most 45\.00 EUR"),
        ("discount", 12_001, "team_lead", {}, r"at most 120\.00 EUR"),
        ("upgrade", 100, "agent", {}, "this decision offers apology, discount"),
        ("apology", 100, "agent", {}, "at most what costs nothing"),
        ("discount", 100, "agent", {"discount": Running(LATER, True)}, "again from 2027-02-01 on"),
        ("gift", 100, "agent", {"goodwill_credit": Running(LATER, True)}, "was granted goodwill_credit, and has not"),
        ("discount", 100, "agent", {"a": Running(LATER, True), "b": Running(LATER, True)}, "2 offers running"),
    ],
)
def test_what_may_not_be_granted_is_refused_with_what_is_possible(
    given: str, amount: int, role: Any, running: dict[str, Running], what: str
) -> None:
    card = msgspec.json.encode({"offer": TERMS})
    with pytest.raises(Conflict, match=what):
        check_grant(card, offer=given, amount=Money(amount, "EUR"), role=role, running=running)


def test_what_only_a_team_lead_may_grant_is_not_granted_by_leaving_the_amount_out() -> None:
    card = msgspec.json.encode({"offer": TERMS | {"offers": [offer("gift", ceiling=None)]}})
    with pytest.raises(Conflict, match=r"a team lead may, up to 120\.00 EUR"):
        check_grant(card, offer="gift", amount=None, role="agent", running={})
    assert check_grant(card, offer="gift", amount=None, role="team_lead", running={}).id == "gift"


def test_an_offer_without_an_amount_runs_beside_any_number_of_others() -> None:
    card = msgspec.json.encode({"offer": TERMS})
    running = {name: Running(LATER, True) for name in ("a", "b", "c")}
    assert check_grant(card, offer="apology", amount=None, role="agent", running=running).id == "apology"


async def test_above_an_agents_limit_a_team_lead_grants_it(gateway: Gateway) -> None:
    path = f"/v1/decisions/{await decision(gateway, TERMS)}/outcome"
    refused = await gateway.post(path, "agent", json=grant("discount", "100.00"))
    assert refused.status_code == 409
    assert "a team lead may, up to 120.00 EUR" in refused.text
    assert not await gateway.rows("grants")
    granted = await gateway.post(path, *SCOPES, json=grant("discount", "100.00"))
    assert granted.status_code == 200, granted.text


async def test_a_ticket_for_a_team_lead_needs_a_key_for_one(gateway: Gateway) -> None:
    wanted = {"agent": "a-1", "origin": "https://desk.example", "role": "team_lead"}
    assert (await gateway.post("/v1/tickets", "agent", json=wanted)).status_code == 403
    path = f"/v1/decisions/{await decision(gateway, TERMS)}/outcome"
    for role, status in (("agent", 409), ("team_lead", 200)):
        ticket = (await gateway.post("/v1/tickets", *SCOPES, json=wanted | {"role": role})).json()["ticket"]
        headers = {"authorization": f"Bearer {ticket}", "origin": "https://desk.example"}
        answer = await gateway.client.post(path, json=grant("discount", "100.00"), headers=headers)
        assert answer.status_code == status, answer.text


async def test_each_offer_has_its_own_cooldown(gateway: Gateway) -> None:
    path = f"/v1/decisions/{await decision(gateway, TERMS)}/outcome"
    for number, (days, id, status) in enumerate(
        (
            (0, "discount", 200),
            (91, "discount", 409),
            (0, "goodwill_credit", 200),
            (90, "discount", 200),
            (0, "goodwill_credit", 200),
            (0, "apology", 200),
            (0, "apology", 200),
        )
    ):
        gateway.clock.advance(days=days)
        body = grant(id, None if id == "apology" else "40.00")
        answer = await gateway.post(path, "agent", json=body, idempotency_key=f"k-{number}")
        assert answer.status_code == status, (number, answer.text)


async def test_offers_that_exclude_each_other_are_not_both_granted_also_at_the_same_moment(gateway: Gateway) -> None:
    path = f"/v1/decisions/{await decision(gateway, TERMS)}/outcome"
    answers = await asyncio.gather(
        *(gateway.post(path, "agent", json=grant(id)) for id in ("gift", "goodwill_credit", "gift", "goodwill_credit"))
    )
    assert {one.status_code for one in answers} == {200, 409}
    assert len(await gateway.rows("grants")) == 1


async def test_no_more_money_runs_at_once_than_may_also_at_the_same_moment(gateway: Gateway) -> None:
    many = [offer(f"credit_{number}") for number in range(6)]
    path = f"/v1/decisions/{await decision(gateway, TERMS | {'offers': many})}/outcome"
    answers = await asyncio.gather(*(gateway.post(path, "agent", json=grant(one["id"])) for one in many))
    assert sorted(one.status_code for one in answers)[:2] == [200, 200]
    assert {one.status_code for one in answers[:]} == {200, 409}
    assert len(await gateway.rows("grants")) == 2


async def test_what_was_granted_before_a_merge_counts_for_the_one_who_is_left(gateway: Gateway) -> None:
    id = await decision(gateway, TERMS)
    assert (await gateway.post(f"/v1/decisions/{id}/outcome", "agent", json=grant("discount"))).status_code == 200
    await gateway.know(person("0", name="A. Kaya", phones=["+4930901821"]))
    one = (await gateway.lookup(phone="+4930901820"))["customer_id"]
    other = (await gateway.lookup(phone="+4930901821"))["customer_id"]
    await gateway.post("/v1/identity/merge", "supervisor", json={"a": one, "b": other, "reason": "same"})
    survivor = (await gateway.lookup(phone="+4930901820"))["customer_id"]
    running = await running_grants(gateway.store, [survivor])
    assert list(running[survivor]) == ["discount"]
    id = await decision(gateway, TERMS)
    again = await gateway.post(f"/v1/decisions/{id}/outcome", "agent", json=grant("discount"), idempotency_key="again")
    assert again.status_code == 409
    assert "granted this offer already" in again.text
