"""Reading what changed and what is gone: past the cap, through one time for all rows, and to an end always."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from bridge.adapter.delivery import Item, Page
from bridge.errors import ConfigError, VendorRefused, VendorRetryable
from tests.adapters.hubspot_account import EVERYTHING, MS, NOW, Account, account, found, row

SEARCH = "/contacts/search"
ARCHIVE = "/contacts"
EARLIER = "2026-05-04T10:00:00.000Z"
EARLIER_MS = MS - 2 * 3600 * 1000


async def page(vendor: Account, cursor: str = "", stream: str = "contacts", now: Any = NOW, **settings: Any) -> Page:
    adapter = account(**settings)
    client = vendor.client(adapter)
    try:
        return await adapter.page(client, stream, cursor, now)
    finally:
        await client.close()


async def whole(vendor: Account, cursor: str = "", **settings: Any) -> tuple[list[Item], str]:
    """A round to its end."""
    items: list[Item] = []
    for _ in range(60):
        one = await page(vendor, cursor, **settings)
        items += one.items
        cursor = one.cursor
        if not one.more:
            return items, cursor
    raise AssertionError("no end")


def filters(asked: dict[str, Any]) -> list[tuple[str, str, str]]:
    [group] = asked["filterGroups"]
    return [(one["propertyName"], one["operator"], one["value"]) for one in group["filters"]]


async def test_pages_are_new_questions_for_higher_ids_in_a_bounded_window_of_time() -> None:
    vendor = Account().on(SEARCH, found(row(1), row(2), after="2", total=3), found(row(30), total=1))
    vendor.on(ARCHIVE, found())
    items, _ = await whole(vendor)
    assert [item.raw["id"] for item in items] == ["1", "2", "30"]
    first, second = vendor.asks("search")
    assert filters(first) == [("lastmodifieddate", "LTE", str(MS))]
    assert filters(second) == [("lastmodifieddate", "LTE", str(MS)), ("hs_object_id", "GT", "2")]
    assert all("after" not in one for one in (first, second))
    assert first["sorts"] == [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
    assert {"email", "phone", "hs_merged_object_ids", "lastmodifieddate"} <= set(first["properties"])


async def test_the_first_import_says_how_much_there_is_and_begins_at_the_configured_day() -> None:
    vendor = Account().on(SEARCH, found(row(1), row(2), after="2", total=3), found(row(3), total=1))
    first = await page(vendor, since="2026-01-01")
    second = await page(vendor, first.cursor)
    assert (first.total, second.total) == (3, 3)
    assert filters(vendor.asks("search")[0])[0] == ("lastmodifieddate", "GTE", "1767222000000")


async def test_the_next_round_begins_before_the_newest_change_that_was_seen_whatever_the_clocks_say() -> None:
    vendor = Account().on(SEARCH, found(row(1, EARLIER), row(2, "2026-05-04T09:00:00Z"))).on(ARCHIVE, found())
    _, cursor = await whole(vendor)
    await page(vendor, cursor, now=NOW + timedelta(minutes=30))
    await page(vendor, cursor, now=NOW + timedelta(hours=2))
    _, soon, later = vendor.asks("search")
    assert filters(soon)[0] == ("lastmodifieddate", "GTE", str(EARLIER_MS - 5 * 60_000))
    assert filters(later)[0] == ("lastmodifieddate", "GTE", str(EARLIER_MS - 120 * 60_000))
    assert filters(soon)[1][2] == str(MS + 30 * 60_000)


async def test_a_round_in_which_nothing_changed_forgets_nothing() -> None:
    vendor = Account().on(SEARCH, found(row(1, EARLIER)), found()).on(ARCHIVE, found())
    _, cursor = await whole(vendor)
    _, again = await whole(vendor, cursor)
    assert json.loads(again)["since"] == json.loads(cursor)["since"] == EARLIER_MS


@pytest.mark.parametrize("stream", ["companies", "deals", "tickets", "feedback_submissions"])
async def test_other_objects_are_asked_for_by_their_own_time_of_change(stream: str) -> None:
    vendor = Account().on("/search", found())
    await page(vendor, stream=stream, objects=EVERYTHING)
    [asked] = vendor.asks(f"{stream}/search")
    assert filters(asked)[0][0] == "hs_lastmodifieddate"


@pytest.mark.parametrize("rows", [[row(3), row(2)], [row(2), row(2)], [row(5)]])
async def test_rows_that_do_not_ascend_are_an_error_and_never_a_gap(rows: list[Any]) -> None:
    vendor = Account().on(SEARCH, found(row(1), row(5), after="2"), found(*rows, after="9"))
    first = await page(vendor)
    with pytest.raises(VendorRetryable, match="does not sort by id"):
        await page(vendor, first.cursor)


@pytest.mark.parametrize("rows", [[], ["odd"], [{"id": "x"}], [{"id": True}]])
async def test_a_page_without_ids_that_promises_more_is_an_error_and_no_endless_loop(rows: list[Any]) -> None:
    with pytest.raises(VendorRetryable, match="repeats a page|no object with an id"):
        await page(Account().on(SEARCH, found(*rows, after="1")))


async def test_a_row_that_is_no_object_is_kept_as_a_problem_and_stops_nothing() -> None:
    vendor = Account().on(SEARCH, found("odd", row(4, "no time"), {"id": "5", "properties": None}))
    one = await page(vendor)
    assert [item.problem != "" for item in one.items] == [True, False, False]
    assert "text where an object belongs" in one.items[0].problem


async def test_an_answer_that_is_too_long_is_asked_for_in_smaller_pages() -> None:
    long = httpx.Response(200, content=b"[" + b" " * 17_000_000 + b"]")
    vendor = Account().on(SEARCH, long, found(row(1)))
    assert len((await page(vendor)).items) == 1
    assert [one["limit"] for one in vendor.asks("search")] == [200, 20]
    with pytest.raises(VendorRefused):
        await page(Account().on(SEARCH, httpx.Response(403, json={"category": "MISSING_SCOPES"})))


async def test_archived_objects_are_listed_after_each_round_by_id_alone() -> None:
    gone = row(9) | {"archived": True, "archivedAt": "2026-05-03T10:00:00Z"}
    vendor = Account().on(SEARCH, found()).on(ARCHIVE, found(gone, after="10"), found(row(11) | {"archived": True}))
    items, cursor = await whole(vendor)
    assert [item.raw["id"] for item in items] == ["9", "11"]
    first, second = (asked for asked in vendor.asks("contacts") if "archived" in asked)
    assert (first["archived"], first["properties"]) == ("true", "hs_object_id,hs_merged_object_ids")
    assert ("after" in first, second["after"]) == (False, "10")
    assert "listing" not in json.loads(cursor)


async def test_of_the_archive_only_what_is_new_since_a_day_before_the_newest_is_kept() -> None:
    old, new = (row(number) | {"archivedAt": at} for number, at in ((1, "2026-05-01T00:00:00Z"), (2, EARLIER)))
    vendor = Account().on(SEARCH, found()).on(ARCHIVE, found(old, new))
    first, cursor = await whole(vendor)
    second, _ = await whole(vendor, cursor)
    assert [[item.raw["id"] for item in items] for items in (first, second)] == [["1", "2"], ["2"]]


@pytest.mark.parametrize("answer", [found(row(1), after="7"), found(after="7")])
async def test_an_archive_that_repeats_its_page_is_left(answer: dict[str, Any]) -> None:
    vendor = Account().on(SEARCH, found()).on(ARCHIVE, answer)
    with pytest.raises(VendorRetryable, match="repeats a page"):
        await whole(vendor)


async def test_a_long_archive_is_read_less_often() -> None:
    pages = [found(row(number), after=str(number + 1)) for number in range(1, 25)]
    vendor = Account().on(SEARCH, found()).on(ARCHIVE, *pages, found(row(25)))
    _, cursor = await whole(vendor)
    assert json.loads(cursor)["rests_until"] == MS + 5 * 30_000
    soon = await page(vendor, cursor)
    later = await page(vendor, cursor, now=NOW + timedelta(minutes=5))
    assert (soon.more, later.more) == (False, True)


async def test_whom_a_deal_or_ticket_is_about_is_asked_once_a_page() -> None:
    deals = [row(1, hs_is_closed_won="true"), row(2, hs_is_closed_won="true"), row(3), "odd"]
    primary = {"toObjectId": "81", "associationTypes": [{"typeId": 5, "label": "Primary"}]}
    companies = found({"from": {"id": "1"}, "to": [{"toObjectId": 80, "associationTypes": [{"label": None}]}, primary]})
    people = found(
        {"from": {"id": "2"}, "to": [{"toObjectId": 52}, {"toObjectId": 51}]}, {"from": {"id": "3"}, "to": []}
    )
    vendor = Account().on("/deals/search", found(*deals))
    vendor.on("/deals/companies/batch/read", companies).on("/deals/contacts/batch/read", people)
    one = await page(vendor, stream="deals")
    assert [item.raw.get("associated") for item in one.items] == [{"company": "81"}, {"contact": "51"}, None, None]
    assert vendor.asks("/companies/batch")[0]["inputs"] == [{"id": "1"}, {"id": "2"}, {"id": "3"}]
    assert vendor.asks("/contacts/batch")[0]["inputs"] == [{"id": "2"}, {"id": "3"}]


async def test_associations_of_other_objects_than_those_asked_for_are_an_error() -> None:
    vendor = Account().on("/tickets/search", found(row(1)))
    vendor.on("/tickets/contacts/batch/read", found({"from": {"id": "7"}, "to": [{"toObjectId": 1}]}))
    with pytest.raises(VendorRetryable, match="those of other objects"):
        await page(vendor, stream="tickets")


async def test_owners_are_read_once_an_hour_and_known_by_name() -> None:
    contacts = found(row(1, hubspot_owner_id="71"), row(2, hubspot_owner_id="72"), row(3))
    owners = [{"id": "71", "firstName": "Anna", "lastName": "Berg"}, "odd"], [{"id": 72, "lastName": ""}]
    vendor = Account().on(SEARCH, contacts).on("/owners/2026-03", found(*owners[0], after="x"), found(*owners[1]))
    adapter = account()
    client = vendor.client(adapter)
    for _ in range(2):
        one = await adapter.page(client, "contacts", "", NOW)
        assert [item.raw.get("owner") for item in one.items] == ["Anna Berg", None, None]
    await client.close()
    assert [asked.get("after") for asked in vendor.asks("owners")] == [None, "x"]


async def test_without_the_scope_for_owners_contacts_come_without_them() -> None:
    vendor = Account().on(SEARCH, found(row(1, hubspot_owner_id="71")))
    vendor.on("/owners/2026-03", httpx.Response(403, json={"category": "MISSING_SCOPES"}))
    assert "owner" not in (await page(vendor)).items[0].raw
    vendor.on("/owners/2026-03", httpx.Response(400, json={}))
    with pytest.raises(VendorRefused):
        await page(vendor)


@pytest.mark.parametrize(
    ("version", "paths"),
    [
        ("2026-09", ["/crm/objects/2026-09/tickets/search", "/crm/associations/2026-09/tickets/contacts/batch/read"]),
        ("v3", ["/crm/v3/objects/tickets/search", "/crm/v4/associations/tickets/contacts/batch/read"]),
    ],
)
async def test_the_version_stands_in_the_path_as_it_is_configured(version: str, paths: list[str]) -> None:
    vendor = Account().on("/search", found(row(1))).on("/batch/read", found())
    await page(vendor, stream="tickets", api_version=version)
    assert [request.url.path for request in vendor.asked][:2] == paths
    owners = Account().on(SEARCH, found(row(1, hubspot_owner_id="7"))).on("", found())
    await page(owners, api_version=version)
    assert owners.asked[1].url.path == {"2026-09": "/crm/owners/2026-09", "v3": "/crm/v3/owners"}[version]


def test_only_configured_objects_are_streams_companies_before_their_people() -> None:
    assert account().streams() == ("companies", "contacts", "deals", "tickets")
    assert account(objects="Tickets,contacts").streams() == ("contacts", "tickets")


async def test_what_is_not_configured_or_not_readable_is_refused() -> None:
    with pytest.raises(VendorRefused, match="no stream feedback_submissions"):
        await page(Account(), stream="feedback_submissions")
    with pytest.raises(VendorRefused, match="cursor cannot be read"):
        await page(Account(), "{odd")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("api_version", "3"),
        ("objects", "contacts, leads"),
        ("objects", " "),
        ("deals", "maybe"),
        ("since", "May"),
        ("signature_versions", "v4"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"crm.settings.{name}"):
        account(None, **{name: value})
