"""A customer's record and timeline, identity, and the rights of the person."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gateway.conftest import Gateway, case, person

ADA = person("1", name="Ada Kaya", phones=["+4930901820"], emails=["ada@kaya.example"], language="de")
BERT = person("2", name="Bert Kaya", phones=["+4930901821"])


async def customer(gateway: Gateway, phone: str = "+4930901820") -> str:
    return (await gateway.lookup(phone=phone))["customer_id"]


async def test_the_unified_record_holds_what_all_sources_say(gateway: Gateway) -> None:
    await gateway.know(ADA, case("7", "1", type="complaint", status="open", opened="2026-11-20T10:00:00Z"))
    id = await customer(gateway)
    record = (await gateway.get(f"/v1/customers/{id}", "agent")).json()
    assert (record["id"], record["profiles"]) == (id, ["crm:1"])
    assert record["keys"] == ["email:ada@kaya.example", "id:crm:1", "phone:+4930901820"]
    assert record["view"]["customer"]["name"] == "Ada Kaya"
    assert record["view"]["tickets"][0]["record"]["type"] == "complaint"


async def test_the_timeline_comes_in_pages_that_neither_repeat_nor_miss_anything(gateway: Gateway) -> None:
    opened = [f"2026-11-{day:02d}T10:00:00Z" for day in (1, 1, 1, 5, 9, 9, 20)]
    await gateway.know(ADA, *(case(str(n), "1", status="open", opened=at) for n, at in enumerate(opened)))
    id = await customer(gateway)
    whole = (await gateway.get(f"/v1/customers/{id}/timeline", "agent")).json()
    assert "next" in whole
    assert whole["next"] is None
    assert [one["object"] for one in whole["events"]].count("ticket") == 7
    assert whole["events"] == sorted(whole["events"], key=lambda one: one["at"], reverse=True)
    paged: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await gateway.get(f"/v1/customers/{id}/timeline", "supervisor", limit="3", **cursor)).json()
        paged += page["events"]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert paged == whole["events"]


@pytest.mark.parametrize(
    "cursor", ["x", "!!", "WzFd", "WzEsIjIiLCIzIiw0XQ", "é", "W10", "WzksIlx1MDAwMCIsIiIsIiJd", "x" * 601]
)
async def test_a_cursor_that_nobody_gave_out_is_refused(gateway: Gateway, cursor: str) -> None:
    await gateway.know(ADA)
    id = await customer(gateway)
    assert (await gateway.get(f"/v1/customers/{id}/timeline", "agent", cursor=cursor)).status_code == 400
    assert (await gateway.get(f"/v1/customers/{id}/timeline", "agent", limit="0")).status_code == 400
    assert (await gateway.get(f"/v1/customers/{id}/timeline", "agent", limit="x%00")).status_code == 400


async def test_whoever_is_not_there_is_not_found(gateway: Gateway) -> None:
    for path in ("", "/timeline"):
        assert (await gateway.get(f"/v1/customers/c_none{path}", "agent")).status_code == 404
    assert (await gateway.get("/v1/customers/c_none/export", "privacy")).status_code == 404
    assert (await gateway.get("/v1/identity/c_none", "supervisor")).status_code == 404
    erased = await gateway.client.delete("/v1/customers/c_none", headers=gateway.bearer("privacy"))
    assert erased.status_code == 404


async def test_reading_a_customer_leaves_a_trail(gateway: Gateway) -> None:
    await gateway.know(ADA)
    id = await customer(gateway)
    await gateway.get(f"/v1/customers/{id}", "agent")
    await gateway.get(f"/v1/customers/{id}/timeline", "agent")
    await gateway.get(f"/v1/customers/{id}/export", "privacy")
    await gateway.gate.flush()
    actions = {row[0] for row in await gateway.rows("audit", "action", f"subject = 'customer:{id}'")}
    assert {"customer", "timeline", "export"} <= actions


async def test_a_merge_is_taken_back_exactly(gateway: Gateway) -> None:
    await gateway.know(ADA, BERT)
    ada, bert = await customer(gateway), await customer(gateway, "+4930901821")
    merged = await gateway.post("/v1/identity/merge", "supervisor", json={"a": ada, "b": bert, "reason": "same"})
    assert merged.status_code == 200, merged.text
    assert await customer(gateway) == await customer(gateway, "+4930901821")
    seen = (await gateway.get(f"/v1/identity/{bert}", "supervisor")).json()
    assert seen["profiles"] == ["crm:1", "crm:2"]
    assert [one["id"] for one in seen["assertions"]] == merged.json()["ids"]
    assert [one["kind"] for one in seen["history"]] == ["merged"]
    again = await gateway.post("/v1/identity/merge", "supervisor", json={"a": ada, "b": bert, "reason": "same"})
    assert again.status_code == 400
    split = await gateway.post("/v1/identity/split", "supervisor", json={"id": merged.json()["ids"][0]})
    assert split.status_code == 200, split.text
    assert (await customer(gateway), await customer(gateway, "+4930901821")) == (ada, bert)
    after = (await gateway.get(f"/v1/identity/{ada}", "supervisor")).json()
    assert after["assertions"][0]["undone_at"] is not None
    twice = await gateway.post("/v1/identity/split", "supervisor", json={"id": merged.json()["ids"][0]})
    assert twice.status_code == 404


async def test_profiles_that_a_shared_mail_brought_together_are_separated(gateway: Gateway) -> None:
    await gateway.know(
        person("1", name="Ada Kaya", phones=["+4930901820"], emails=["a@kaya.example"]),
    )
    await gateway.know(person("2", name="Bert Kaya", phones=["+4930901821"]))
    ada, bert = await customer(gateway), await customer(gateway, "+4930901821")
    await gateway.post("/v1/identity/merge", "supervisor", json={"a": ada, "b": bert, "reason": "same"})
    one = await customer(gateway)
    body = {"customer": one, "profiles": ["crm:2"], "reason": "brothers"}
    separated = await gateway.post("/v1/identity/separate", "supervisor", json=body)
    assert separated.status_code == 200, separated.text
    assert await customer(gateway) != await customer(gateway, "+4930901821")
    nothing = await gateway.post("/v1/identity/separate", "supervisor", json=body | {"profiles": ["crm:9"]})
    assert nothing.status_code == 400


async def test_a_blocked_key_is_nobodys_until_it_is_unblocked(gateway: Gateway) -> None:
    await gateway.know(ADA)
    key = {"kind": "phone", "value": "030 901820"}
    blocked = await gateway.post("/v1/identity/block", "supervisor", json=key | {"reason": "switchboard"})
    assert blocked.json() == {"ids": ["phone:+4930901820"]}
    assert (await gateway.lookup(phone="+4930901820"))["match"] != "exact"
    assert (await gateway.lookup(email="ada@kaya.example"))["match"] == "exact"
    assert (await gateway.post("/v1/identity/unblock", "supervisor", json=key)).status_code == 200
    assert (await gateway.lookup(phone="+4930901820"))["match"] == "exact"
    wrong = await gateway.post(
        "/v1/identity/block", "supervisor", json={"kind": "email", "value": "nobody", "reason": "x"}
    )
    assert wrong.status_code == 400


async def test_an_erased_customer_is_gone_and_stays_gone(gateway: Gateway) -> None:
    await gateway.know(ADA, case("7", "1", type="complaint", status="open"))
    id = await customer(gateway)
    held = (await gateway.get(f"/v1/customers/{id}/export", "privacy")).json()
    assert "Ada Kaya" in str(held)
    receipt = await gateway.client.delete(f"/v1/customers/{id}", headers=gateway.bearer("privacy"))
    assert receipt.status_code == 200, receipt.text
    assert "Ada" not in receipt.text
    assert (await gateway.lookup(phone="+4930901820"))["match"] == "none"
    assert (await gateway.get(f"/v1/customers/{id}", "agent")).status_code == 404
    await gateway.know(person("1", version=2, name="Ada Kaya", phones=["+4930901820"]))
    assert (await gateway.lookup(phone="+4930901820"))["match"] == "none"


@pytest.mark.parametrize(
    ("method", "path", "scopes"),
    [
        ("GET", "/v1/customers/c", ("ivr", "admin", "privacy")),
        ("GET", "/v1/customers/c/export", ("ivr", "agent", "supervisor", "admin")),
        ("DELETE", "/v1/customers/c", ("ivr", "agent", "supervisor", "admin")),
        ("GET", "/v1/identity/c", ("ivr", "agent", "admin", "privacy")),
        ("POST", "/v1/identity/merge", ("ivr", "agent", "admin", "privacy")),
        ("GET", "/v1/sources", ("ivr", "agent", "privacy")),
        ("GET", "/v1/dead-letters", ("ivr", "agent", "privacy")),
        ("POST", "/v1/dead-letters/replay", ("ivr", "agent", "supervisor", "privacy")),
        ("GET", "/metrics", ("ivr", "agent", "supervisor", "privacy")),
    ],
)
async def test_every_view_is_for_its_purpose(gateway: Gateway, method: str, path: str, scopes: tuple[str, ...]) -> None:
    assert (await gateway.client.request(method, path)).status_code == 401
    for scope in scopes:
        assert (await gateway.client.request(method, path, headers=gateway.bearer(scope))).status_code == 403
