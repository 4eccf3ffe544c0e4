"""Webhooks: one item an object, one fetch however many properties changed, deletions and merges said at once."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from bridge.adapter.delivery import Item, Refetch
from bridge.errors import BadRequest, MappingError, VendorRefused
from bridge.model import Entry, EntryKind
from tests.adapters.hubspot_account import EVERYTHING, MS, Account, account, event, found, row, signed


def said(*events: dict[str, Any], **settings: Any) -> list[Entry | Refetch]:
    adapter = account(**settings)
    return [one for item in adapter.open(signed(list(events))).items for one in adapter.read(item)]


def told(*events: dict[str, Any], **settings: Any) -> list[tuple[str, str, str | None]]:
    return [
        ("fetch", f"{one.object} {one.id}", None)
        if isinstance(one, Refetch)
        else (one.kind.value, f"{one.object} {one.source_id}", one.into)
        for one in said(*events, **settings)
    ]


def test_a_hundred_changes_of_two_contacts_are_two_fetches() -> None:
    changes = [event("contact.propertyChange", 1 + n % 2, eventId=n, propertyName=f"p{n}") for n in range(100)]
    assert told(*changes) == [("fetch", "contact 1", None), ("fetch", "contact 2", None)]
    opened = account().open(signed(changes))
    assert (opened.reply.status, opened.ignored, len(opened.items)) == (200, 0, 2)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (event("company.creation", 7), "company 7"),
        (event("deal.propertyChange", 7), "deal 7"),
        (event("ticket.creation", 7), "ticket 7"),
        (event("object.creation", 7, objectTypeId="0-19"), "feedback_submission 7"),
        (event("contact.associationChange", None, associationType="CONTACT_TO_TICKET", fromObjectId=1, toObjectId=2),
         "ticket 2"),
        (event("deal.associationChange", None, associationType="DEAL_TO_CONTACT", fromObjectId=1, toObjectId=2),
         "deal 1"),
        (event("company.associationChange", None, associationType="COMPANY_TO_CONTACT", fromObjectId=1, toObjectId=2),
         "contact 2"),
        (event("object.associationChange", None, fromObjectTypeId="0-5", toObjectTypeId="0-1", fromObjectId=1,
               toObjectId=2), "ticket 1"),
    ],
)  # fmt: skip
def test_the_object_whose_record_changes_is_fetched(given: dict[str, Any], wanted: str) -> None:
    assert told(given, objects=EVERYTHING) == [("fetch", wanted, None)]


@pytest.mark.parametrize(
    "given",
    [
        event("line_item.creation"),
        event("contact.heardOf"),
        event("contact"),
        event("object.creation", objectTypeId="0-8"),
        event("object.creation"),
        event("contact.creation", None),
        event("contact.creation", "a-word"),  # type: ignore[arg-type]  # HubSpot sends numbers; anything may come
        event("object.creation", objectTypeId="0-19"),
        event("company.associationChange", None, associationType="COMPANY_TO_COMPANY", fromObjectId=1, toObjectId=2),
        event("contact.associationChange", None, associationType=None),
        {"odd": 1},
    ],
)
def test_what_is_none_of_ours_is_counted_and_left_alone(given: dict[str, Any]) -> None:
    opened = account().open(signed([given]))
    assert (opened.items, opened.ignored, opened.reply.status) == ((), 1, 200)


def test_deletions_for_privacy_or_not_are_said_at_once_and_restores_undo_them() -> None:
    assert told(event("contact.deletion"), event("contact.privacyDeletion")) == [("deleted", "customer 501", None)] * 2
    assert told(event("deal.deletion"), deals="contracts") == [("deleted", "contract 501", None)]
    assert told(event("deal.deletion")) == [("deleted", "purchase 501", None)]
    gone, back, fetch = said(event("contact.deletion"), event("contact.restore", occurredAt=MS + 1))
    assert isinstance(gone, Entry)
    assert isinstance(back, Entry)
    assert (back.kind, back.order > gone.order) == (EntryKind.restored, True)
    assert fetch == Refetch(object="contact", id="501")


def test_a_merge_says_who_went_into_whom_and_the_winner_is_fetched() -> None:
    merge: dict[str, Any] = {"primaryObjectId": 501, "mergedObjectIds": [7, 8, 7], "newObjectId": None}
    assert told(event("contact.merge", **merge)) == [
        ("merged", "customer 7", "501"),
        ("merged", "customer 8", "501"),
        ("fetch", "contact 501", None),
    ]
    assert told(event("contact.merge", None, **(merge | {"newObjectId": 900}))) == [
        ("merged", "customer 501", "900"),
        ("merged", "customer 7", "900"),
        ("merged", "customer 8", "900"),
        ("fetch", "contact 900", None),
    ]
    assert told(event("company.merge", **merge))[0] == ("deleted", "account 7", None)


def test_the_same_events_sent_again_are_the_same_item_and_other_events_are_not() -> None:
    adapter = account()
    first, again, other = (
        adapter.open(signed([event("contact.deletion", attemptNumber=attempt, eventId=number)])).items[0].dedupe_key
        for attempt, number in ((0, 1), (3, 1), (0, 2))
    )
    assert first == again != other


@pytest.mark.parametrize("body", [b"", b"[", b"{}", b"[]", b"[1]", b'[{"a":1},"b"]', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_batch_of_events_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        account().open(signed(body))


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ({"object": "contact", "id": "x", "events": []}, "id"),
        ({"object": "contact", "id": "1", "events": {}}, "events"),
        ({"object": "contact", "id": "1", "events": [event("contact.deletion", occurredAt=None)]}, "occurredAt"),
        ({"object": "contact", "id": "1", "events": [event("contact.deletion", occurredAt="soon")]}, "occurredAt"),
        ({"object": "contact", "id": "1", "events": [event("contact.merge")]}, "primaryObjectId"),
        ({"object": "contact", "id": "1", "events": [event("contact.merge", newObjectId="x")]}, "newObjectId"),
        ({"object": "contact", "id": "1", "events": [event("contact.merge", newObjectId=2)]}, "mergedObjectIds"),
        (
            {"object": "contact", "id": "1", "events": [event("contact.merge", newObjectId=2, mergedObjectIds=["x"])]},
            "mergedObjectIds",
        ),
    ],
)
def test_a_damaged_event_is_an_error_with_its_path(raw: dict[str, Any], path: str) -> None:
    with pytest.raises(MappingError, match=path):
        account().read(Item(object="change", raw=raw))


def test_changes_of_an_object_that_is_no_longer_configured_say_nothing() -> None:
    raw = {"object": "ticket", "id": "1", "events": [event("ticket.creation", 1), "odd"]}
    assert account(objects="contacts").read(Item(object="change", raw=raw)) == []
    assert account().read(Item(object="change", raw=raw)) == [Refetch(object="ticket", id="1")]


async def test_a_hint_is_followed_to_the_object_with_its_owner_and_people() -> None:
    vendor = Account().on("/tickets/6", row(6, subject="Router")).on("/tickets/contacts/batch/read", found())
    vendor.on("/tickets/companies/batch/read", found({"from": {"id": "6"}, "to": [{"toObjectId": 9}]}))
    adapter = account()
    client = vendor.client(adapter)
    [item] = await adapter.fetch(client, Refetch(object="ticket", id="6"))
    assert (item.object, item.raw["associated"]) == ("ticket", {"company": "9"})
    assert "hs_pipeline_stage" in vendor.asks("tickets/6")[0]["properties"].split(",")
    assert await adapter.fetch(client, Refetch(object="contact", id="404")) == []
    for wanted in (Refetch(object="lead", id="1"), Refetch(object="contact", id="../owners")):
        with pytest.raises(VendorRefused):
            await adapter.fetch(client, wanted)
    await client.close()


async def test_a_fetch_that_is_forbidden_is_an_error_and_not_a_deletion() -> None:
    vendor = Account().on("/contacts/1", httpx.Response(403, content=json.dumps({"category": "MISSING_SCOPES"})))
    adapter = account()
    client = vendor.client(adapter)
    with pytest.raises(VendorRefused):
        await adapter.fetch(client, Refetch(object="contact", id="1"))
    await client.close()
