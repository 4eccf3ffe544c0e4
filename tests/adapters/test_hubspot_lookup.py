"""Live look-up: the right question for each kind of key, and what HubSpot can do for a person."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from bridge.adapter.base import Action
from bridge.adapter.delivery import Item, Receipt
from bridge.errors import VendorRefused
from bridge.model import Key, KeyKind
from tests.adapters.hubspot_account import NOW, Account, account, found, row

OVERLAY = {"objects": {"contact": {"fields": {"external_ids.erp": ["properties.kundennummer", "properties.debitor"]}}}}


async def ask(vendor: Account, key: Key, overlay: dict[str, Any] | None = None, **settings: Any) -> list[Item]:
    adapter = account(overlay, **settings)
    client = vendor.client(adapter)
    try:
        return await adapter.lookup(client, key)
    finally:
        await client.close()


async def test_a_phone_is_searched_in_both_fields_as_typed_and_as_indexed() -> None:
    vendor = Account().on("/contacts/search", found(row(1, phone="030 55501234"), "odd"))
    items = await ask(vendor, Key(KeyKind.phone, "+493055501234"))
    assert [item.raw["id"] for item in items] == ["1"]
    [asked] = vendor.asks("search")
    groups = {one["filters"][0]["propertyName"]: one["filters"][0]["values"] for one in asked["filterGroups"]}
    assert groups["hs_searchable_calculated_phone_number"] == ["3055501234", "03055501234", "493055501234"]
    assert {"+493055501234", "030 55501234", "03055501234", "00493055501234"} <= set(groups["phone"])
    assert groups["mobilephone"] == groups["phone"]
    assert len(asked["filterGroups"]) <= 5


async def test_a_number_that_no_plan_knows_is_searched_as_it_is() -> None:
    vendor = Account().on("/contacts/search", found())
    await ask(vendor, Key(KeyKind.phone, "4711"))
    assert vendor.asks("search")[0]["filterGroups"][0]["filters"][0]["values"] == ["4711", "04711"]


async def test_an_e_mail_is_searched_among_the_further_ones_too() -> None:
    vendor = Account().on("/contacts/search", found(row(1)))
    await ask(vendor, Key(KeyKind.email, "a@example.org"))
    groups = [one["filters"][0] for one in vendor.asks("search")[0]["filterGroups"]]
    assert [(one["propertyName"], one["operator"]) for one in groups] == [
        ("email", "EQ"),
        ("hs_additional_emails", "CONTAINS_TOKEN"),
    ]


async def test_an_id_of_its_own_is_fetched_and_one_of_another_system_is_searched_where_the_overlay_reads_it() -> None:
    vendor = Account().on("/contacts/51", row(51)).on("/contacts/search", found(row(52)))
    assert [one.raw["id"] for one in await ask(vendor, Key(KeyKind.id, "crm:51"))] == ["51"]
    assert [one.raw["id"] for one in await ask(vendor, Key(KeyKind.id, "erp:K-1"), OVERLAY)] == ["52"]
    groups = [one["filters"][0]["propertyName"] for one in vendor.asks("search")[0]["filterGroups"]]
    assert groups == ["kundennummer", "debitor"]


@pytest.mark.parametrize("key", ["erp:K-1", "crm:abc", "crm:²"])
async def test_an_id_that_nobody_here_can_have_is_not_asked_for(key: str) -> None:
    vendor = Account()
    assert await ask(vendor, Key(KeyKind.id, key)) == []
    assert vendor.asked == []


async def test_without_contacts_nobody_is_looked_up() -> None:
    assert await ask(Account(), Key(KeyKind.email, "a@example.org"), objects="tickets") == []


async def do(vendor: Account, do: str, **args: Any) -> Receipt:
    adapter = account()
    client = vendor.client(adapter)
    try:
        return await adapter.perform(client, Action(do=do, args=args, idempotency_key="key-1"))
    finally:
        await client.close()


async def test_a_note_stands_as_it_was_written_and_carries_its_key() -> None:
    vendor = Account().on("/notes", {"id": "9"})
    assert await do(vendor, "add_note", text="a < b\n& c", customer="51") == Receipt(reference="9")
    [asked] = vendor.asks("notes")
    assert asked["properties"]["hs_note_body"] == "a &lt; b<br>&amp; c<br><br><small>key-1</small>"
    assert asked["properties"]["hs_timestamp"] == "2026-05-04T12:00:00.000Z"
    assert vendor.asked[0].headers["idempotency-key"] == "key-1"
    assert NOW.isoformat().startswith("2026-05-04T12:00:00")


async def test_a_task_is_due_in_the_morning_at_the_place_of_the_source() -> None:
    vendor = Account().on("/tasks", ["odd"])
    assert await do(vendor, "create_task", subject="Call", due="2026-12-01", owner="71") == Receipt()
    [asked] = vendor.asks("tasks")
    assert asked["properties"]["hs_timestamp"] == "2026-12-01T08:00:00.000Z"
    assert (asked["properties"]["hubspot_owner_id"], asked["associations"]) == ("71", [])


async def test_an_erasure_is_a_permanent_deletion() -> None:
    vendor = Account().on("/contacts/gdpr-delete", httpx.Response(204))
    assert await do(vendor, "erase", customer="51") == Receipt(reference="51")
    assert vendor.asks("gdpr-delete") == [{"objectId": "51"}]


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("add_note", {"text": "a"}),
        ("add_note", {"text": "a", "ticket": "x", "customer": "51"}),
        ("create_task", {"subject": "a", "customer": "../5"}),
        ("create_task", {"subject": "a", "owner": "Anna"}),
        ("erase", {"customer": "anna@example.org"}),
    ],
)
async def test_whom_hubspot_cannot_know_is_refused_before_anybody_is_called(name: str, args: dict[str, Any]) -> None:
    vendor = Account()
    with pytest.raises(VendorRefused, match="no id of a HubSpot object"):
        await do(vendor, name, **args)
    assert vendor.asked == []
