"""Previews over HTTP: figures for the builder, a place for every mistake, and no customer for who may see none."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from tests.gateway.conftest import Gateway, case, person

FORM: dict[str, Any] = {
    "id": "draft",
    "title": {"de": "Entwurf", "en": "Draft"},
    "when": {"fact": "ticket.opened", "where": {"fact.type": "complaint"}},
    "purpose": "service",
    "while_ticket_open": "allow",
    "do": [
        {"send_email": {"message": "apology", "apology": True}},
        {"wait": {"days": 3}},
        {"schedule_callback": {"reason": {"de": "Nachfragen", "en": "Ask"}}},
    ],
}
PATH = "/v1/automations/preview"


async def _with_complaints(gateway: Gateway) -> None:
    await gateway.know(
        *(person(str(number), name=f"P {number}", emails=[f"p{number}@example.org"]) for number in range(4)),
        *(
            case(f"c{number}", str(number), type="complaint", status="open", opened=f"2026-11-1{number}T11:00:00Z")
            for number in range(4)
        ),
    )


async def test_the_builder_is_told_whom_it_would_have_reached(gateway: Gateway) -> None:
    await _with_complaints(gateway)
    answer = await gateway.post(PATH, "supervisor", json={"automation": FORM, "days": 30})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["customers"], found["looked_at"], found["estimated"]) == (4, 4, False)
    assert (found["matched"], found["begun"], found["reached"], found["messages"]) == (4, 4, 4, 4)
    assert [step["do"] for step in found["steps"]] == ["send_email", "wait", "schedule_callback"]
    assert found["steps"][2]["refused"] == [{"reason": "no_address", "count": 4, "customers": 4}]
    assert {note["code"] for note in found["notes"]} >= {"no_source"}
    assert len(found["weeks"]) in (5, 6)
    assert [one["name"] for one in found["examples"]] == ["P 3", "P 2", "P 1", "P 0"]
    assert [(one["do"], one["result"], one["reason"]) for one in found["examples"][0]["steps"]] == [
        ("send_email", "done", ""),
        ("wait", "waits", ""),
        ("schedule_callback", "refused", "no_address"),
    ]
    assert found["spared"] == []


async def test_the_builder_is_told_by_name_whom_something_kept_it_from(gateway: Gateway) -> None:
    await _with_complaints(gateway)
    await gateway.know(
        person("9", name="P 9"),
        case("c9", "9", type="complaint", status="open", opened="2026-11-15T11:00:00Z"),
    )
    found = (await gateway.post(PATH, "supervisor", json={"automation": FORM, "days": 30})).json()
    assert len(found["examples"]) == found["reached"] == 4
    assert [(one["name"], one["state"], one["reason"]) for one in found["spared"]] == [("P 9", "refused", "no_address")]
    assert (await gateway.post(PATH, "supervisor", json={"automation": FORM, "days": 30})).status_code == 200
    await gateway.gate.flush()
    seen = await gateway.rows("audit", "subject", "action = 'automation.preview'")
    assert len(seen) == len(set(seen)) == 5, "once a day, however often the form is changed"
    await gateway.client.put("/v1/automations/draft", json={"automation": FORM}, headers=gateway.bearer("supervisor"))
    assert (await gateway.post(PATH, "viewer", json={"automation": FORM, "days": 30})).json()["spared"] == []


async def test_who_may_not_see_customers_gets_figures_without_examples(gateway: Gateway) -> None:
    await _with_complaints(gateway)
    draft = await gateway.post(PATH, "viewer", json={"automation": FORM, "days": 30})
    assert draft.status_code == 403
    kept = await gateway.client.put(
        "/v1/automations/draft", json={"automation": FORM}, headers=gateway.bearer("supervisor")
    )
    assert kept.status_code == 200, kept.text
    answer = await gateway.post(PATH, "viewer", json={"automation": FORM, "days": 30})
    assert answer.json()["reached"] == 4 and answer.json()["examples"] == []
    about_one = FORM | {"if": {"customer.owner": "Jana Brandt"}}
    answer = await gateway.post(PATH, "viewer", json={"automation": about_one, "days": 30})
    assert answer.json()["reached"] == 4, "nobody is found out about by conditions of one's own"
    assert (await gateway.post(PATH, "ivr", json={"automation": FORM})).status_code == 403


async def test_a_mistake_is_named_by_its_place_in_the_form(gateway: Gateway) -> None:
    wrong = FORM | {"do": [FORM["do"][1], {"send_email": {"message": "apologi"}}]}
    answer = await gateway.post(PATH, "supervisor", json={"automation": wrong})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("do[1].send_email.message: ")
    for body in ({"automation": FORM, "days": 0}, {"automation": FORM, "until": "2026-11-20T00:00:00"}):
        assert (await gateway.post(PATH, "supervisor", json=body)).status_code == 400
    ahead = {"automation": FORM, "until": "2027-11-20T00:00:00Z"}
    assert (await gateway.post(PATH, "supervisor", json=ahead)).status_code == 400


async def test_a_newer_question_of_the_same_caller_ends_the_older(gateway: Gateway) -> None:
    await _with_complaints(gateway)
    first = asyncio.create_task(gateway.post(PATH, "supervisor", json={"automation": FORM, "days": 700}))
    second = asyncio.create_task(gateway.post(PATH, "supervisor", json={"automation": FORM, "days": 30}))
    codes = sorted([(await first).status_code, (await second).status_code])
    assert codes in ([200, 200], [200, 409])
    third = await gateway.post(PATH, "supervisor", json={"automation": FORM, "days": 30})
    assert third.status_code == 200


async def test_who_leaves_is_not_worked_for_any_longer(gateway: Gateway) -> None:
    await _with_complaints(gateway)
    body = msgspec.json.encode({"automation": FORM, "days": 700, "seconds": 30})
    told: list[dict[str, Any]] = []
    inbox: list[dict[str, Any]] = [
        {"type": "http.request", "body": body, "more_body": False},
        {"type": "http.disconnect"},
    ]

    async def receive() -> dict[str, Any]:
        return inbox.pop(0)

    async def send(message: Any) -> None:
        told.append(message)

    headers = [(name.encode(), text.encode()) for name, text in gateway.bearer("supervisor").items()]
    scope = {"type": "http", "method": "POST", "path": PATH, "query_string": b"", "headers": headers}
    await gateway.app(scope, receive, send)
    assert told[0]["status"] == 409
    answer = await gateway.post(PATH, "supervisor", json={"automation": FORM, "days": 30})
    assert answer.status_code == 200, "and whoever comes next need not wait for it"
