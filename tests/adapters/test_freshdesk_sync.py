"""Reading Freshdesk's lists: past the last page it lists, while rows move, and never a page too few."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from bridge.adapter.client import open_client
from bridge.adapter.delivery import Item, Page
from bridge.errors import ConfigError, VendorError, VendorRefused, VendorRetryable
from contract_tests.fakes.freshdesk import CHANGED, Fake
from contract_tests.transports import NONSENSE
from tests.adapters.freshdesk_account import (
    COMPANIES,
    CONTACTS,
    NOW,
    RATINGS,
    TICKETS,
    Account,
    account,
    contact,
    listed,
    rating,
    ticket,
)

SECONDS = int(NOW.timestamp())


async def page(vendor: Account, stream: str, cursor: str = "", **settings: Any) -> Page:
    adapter = account(**settings)
    client = vendor.client(adapter)
    try:
        return await adapter.page(client, stream, cursor, NOW)
    finally:
        await client.close()


def cursor(**state: Any) -> str:
    return json.dumps(state)


def stamp(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


async def everything(fake: Fake, stream: str, answer: Any = None) -> tuple[list[Item], int]:
    """All items of a stream's first round, and how many pages the round had."""
    adapter = account(api_key="fd-api-key-61f2ac90")
    client = open_client(adapter, transport=httpx.MockTransport(answer or fake.answer))
    found: list[Item] = []
    at, more, pages = "", True, 0
    while more:
        got = await adapter.page(client, stream, at, NOW)
        found += got.items
        at, more, pages = got.cursor, got.more, pages + 1
    await client.close()
    return found, pages


async def test_tickets_are_asked_for_since_ever_in_the_order_of_their_changes_then_the_deleted_then_spam() -> None:
    vendor = Account().on(TICKETS, listed([ticket()]), listed([ticket(id=2, deleted=True)]), listed([]))
    found = await page(vendor, "tickets")
    for _ in range(2):
        assert found.more
        found = await page(vendor, "tickets", found.cursor)
    assert not found.more
    first, deleted, spam = vendor.asks(TICKETS)
    assert first["updated_since"] == "1970-01-01T00:00:00Z"
    assert (first["order_by"], first["order_type"], first["per_page"]) == ("updated_at", "asc", "100")
    assert first["include"] == "stats,description"
    assert (deleted["filter"], spam["filter"]) == ("deleted", "spam")
    assert (deleted["page"], spam["page"]) == ("1", "1")


async def test_the_next_round_reads_from_the_last_change_that_was_seen() -> None:
    vendor = Account().on(COMPANIES, listed([contact(updated_at="2026-05-01T08:00:00+02:00")]), listed([]))
    first = await page(vendor, "companies")
    second = await page(vendor, "companies", first.cursor)
    assert "updated_since" not in vendor.asks(COMPANIES)[0]
    assert vendor.asks(COMPANIES)[1]["updated_since"] == "2026-05-01T05:59:59Z"
    assert json.loads(second.cursor) == json.loads(first.cursor)


async def test_what_changed_while_a_round_was_read_is_read_by_the_next_one() -> None:
    """By the vendor's own clock: ours may be hours ahead."""
    late = contact(updated_at="2026-05-04T09:00:30Z")
    vendor = Account().on(COMPANIES, listed([late], date="Mon, 04 May 2026 09:00:00 GMT"))
    found = await page(vendor, "companies")
    assert json.loads(found.cursor)["base"] == stamp("2026-05-04T08:58:00Z")


@pytest.mark.parametrize("headers", [{}, {"date": "yesterday"}])
async def test_without_the_vendors_clock_ours_is_taken(headers: dict[str, str]) -> None:
    answer = httpx.Response(200, json=[contact(updated_at="2026-05-04T12:00:30Z")], headers=headers)
    found = await page(Account().on(COMPANIES, answer), "companies")
    assert json.loads(found.cursor)["base"] == SECONDS - 120


async def test_a_full_list_by_time_begins_again_at_the_last_change_instead_of_turning_pages() -> None:
    rows = [ticket(id=1, updated_at="2026-05-01T08:00:00Z"), ticket(id=2, updated_at="2026-05-02T08:00:00Z")]
    vendor = Account().on(TICKETS, listed(rows, 2), listed([rows[1], ticket(id=3)]))
    first = await page(vendor, "tickets")
    second = await page(vendor, "tickets", first.cursor)
    assert [one["page"] for one in vendor.asks(TICKETS)] == ["1", "1"]
    assert vendor.asks(TICKETS)[1]["updated_since"] == "2026-05-02T07:59:59Z"
    assert [item.raw["id"] for item in second.items] == [3], "what was read last comes only once"


async def test_thirty_thousand_tickets_and_more_are_read_although_no_page_is_listed_beyond_300() -> None:
    fake = Fake()
    fake.page_size = 1
    made: set[str] = set()
    for _ in range(350):
        made |= fake.fill("tickets", 1)
        fake.now += timedelta(seconds=2)
    items, _ = await everything(fake, "tickets")
    assert {str(item.raw["id"]) for item in items} == made
    assert len(items) == len(made)


async def test_more_tickets_of_one_second_than_are_listed_is_an_error_and_no_loss_unsaid() -> None:
    vendor = Account()
    with pytest.raises(VendorRefused, match="30000 changed in one second"):
        await page(vendor, "tickets", cursor(since=5, page=301, began=1))
    assert vendor.asked == []


async def test_what_moves_to_the_page_before_is_read_there() -> None:
    """The first row is deleted between two pages: the fourth is now the last of the first page."""
    fake = Fake()
    fake.fill("contacts", 9)
    order = sorted(fake.streams["contacts"], key=lambda one: one["name"])
    asked = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        said = fake.answer(request)
        if asked == 1:
            fake.remove("contacts", str(order[0]["id"]))
        return said

    items, _ = await everything(fake, "contacts", answer)
    alive = [item.raw["id"] for item in items if not item.raw.get("deleted")]
    assert sorted(alive) == sorted(one["id"] for one in order)
    assert [item.raw["id"] for item in items if item.raw.get("deleted")] == [order[0]["id"]]


async def test_tickets_of_one_second_that_are_touched_meanwhile_hide_no_other() -> None:
    fake = Fake()
    made = sorted(fake.fill("tickets", 9))
    touched: Iterator[str] = iter(made)
    asked = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        said = fake.answer(request)
        if asked % 2 and asked < 8:
            fake.touch("tickets", next(touched))
        return said

    items, _ = await everything(fake, "tickets", answer)
    assert {str(item.raw["id"]) for item in items} == set(made)
    latest = {item.raw["id"]: item.raw["updated_at"] for item in items}
    assert max(latest.values()) > CHANGED.strftime("%Y-%m-%dT%H:%M:%SZ")


async def test_a_page_that_is_full_is_followed_even_where_nothing_leads_on() -> None:
    """A proxy may take headers away."""
    rows = [contact(id=number) for number in range(1, 101)]
    vendor = Account().on(CONTACTS, listed(rows), listed([contact(id=101)]), listed(rows))
    first = await page(vendor, "contacts")
    second = await page(vendor, "contacts", first.cursor)
    assert [one["page"] for one in vendor.asks(CONTACTS)] == ["1", "2", "1"]
    assert [item.raw["id"] for item in second.items] == [101]


async def test_a_page_without_rows_is_the_end_whatever_it_leads_to() -> None:
    vendor = Account().on(COMPANIES, listed([], 2))
    assert not (await page(vendor, "companies")).more


async def test_an_old_answer_in_place_of_the_page_is_an_error_and_no_gap() -> None:
    rows = [contact(id=1)]
    vendor = Account().on(CONTACTS, listed(rows, 2))
    with pytest.raises(VendorRetryable, match="another page"):
        await page(vendor, "contacts", cursor(page=2, began=1))
    vendor = Account().on(CONTACTS, listed(rows), listed([contact(id=2)]))
    with pytest.raises(VendorRetryable, match="repeats a page"):
        await page(vendor, "contacts", cursor(page=2, began=1))
    same = json.loads((await page(Account().on(CONTACTS, listed(rows, 2)), "contacts")).cursor)
    assert same["page"] == 2
    vendor = Account().on(CONTACTS, listed(rows, 3), listed(rows, 2))
    with pytest.raises(VendorRetryable, match="repeats a page"):
        await page(vendor, "contacts", json.dumps(same))


async def test_a_list_that_begins_again_with_the_very_rows_that_were_read_last_is_read_on() -> None:
    rows = [ticket(id=1, updated_at="2026-05-01T08:00:00Z"), ticket(id=2, updated_at="2026-05-01T08:00:01Z")]
    vendor = Account().on(TICKETS, listed(rows, 2), listed(rows, 2), listed([ticket(id=3)]), listed(rows, 2))
    at, numbers = "", []
    for _ in range(3):
        found = await page(vendor, "tickets", at)
        at = found.cursor
        numbers += [item.raw["id"] for item in found.items]
    assert numbers == [1, 2, 3]


async def test_a_ticket_that_was_deleted_as_spam_may_stand_in_both_lists_but_a_copy_of_the_first_is_an_error() -> None:
    gone = listed([ticket(deleted=True, spam=True)])
    vendor = Account().on(TICKETS, listed([]), gone, gone)
    found = await page(vendor, "tickets")
    while found.more:
        found = await page(vendor, "tickets", found.cursor)
    assert len(vendor.asks(TICKETS)) == 3
    vendor = Account().on(TICKETS, listed([ticket()]))
    first = await page(vendor, "tickets")
    with pytest.raises(VendorRetryable, match="repeats a page"):
        await page(vendor, "tickets", first.cursor)


async def test_an_account_that_knows_the_filter_by_its_other_name_is_asked_by_that() -> None:
    unknown = httpx.Response(400, json={"description": "Validation failed"})
    vendor = Account().on(CONTACTS, unknown, listed([contact()]), listed([]))
    adapter = account()
    client = vendor.client(adapter)
    first = await adapter.page(client, "contacts", cursor(base=5, since=5), NOW)
    await adapter.page(client, "contacts", first.cursor, NOW)
    await client.close()
    names = [sorted(one) for one in vendor.asks(CONTACTS)]
    assert "_updated_since" in names[0]
    assert "updated_since" in names[1]
    assert "updated_since" in names[2], "and is remembered"


async def test_an_account_that_cannot_filter_companies_gives_all_of_them() -> None:
    vendor = Account().on(COMPANIES, httpx.Response(400), listed([contact()]))
    assert len((await page(vendor, "companies", cursor(base=5, since=5))).items) == 1
    assert "updated_since" not in vendor.asks(COMPANIES)[1]


async def test_a_refusal_that_is_not_about_the_filter_is_one() -> None:
    for answer, at in ((httpx.Response(400), ""), (httpx.Response(403), cursor(base=5, since=5))):
        with pytest.raises(VendorRefused):
            await page(Account().on(COMPANIES, answer), "companies", at)
    with pytest.raises(VendorRefused):
        await page(Account().on(TICKETS, httpx.Response(400)), "tickets")


async def test_ratings_are_read_a_while_back_for_their_comments_come_later() -> None:
    vendor = Account().on(RATINGS, listed([rating()]), listed([]))
    first = await page(vendor, "satisfaction_ratings")
    await page(vendor, "satisfaction_ratings", first.cursor)
    assert "created_since" not in vendor.asks(RATINGS)[0]
    assert vendor.asks(RATINGS)[1]["created_since"] == "2026-04-27T10:29:59Z"


async def test_the_first_import_begins_at_the_configured_day_and_nothing_goes_behind_it() -> None:
    vendor = Account().on(RATINGS, listed([rating()])).on(CONTACTS, listed([]))
    first = await page(vendor, "satisfaction_ratings", since="2026-05-01")
    await page(vendor, "satisfaction_ratings", first.cursor, since="2026-05-01")
    await page(vendor, "contacts", since="2026-05-01")
    asked = [*vendor.asks(RATINGS), *vendor.asks(CONTACTS)]
    assert [one.get("created_since", one.get("_updated_since")) for one in asked] == ["2026-04-30T22:00:00Z"] * 3


async def test_rows_that_are_no_objects_and_times_that_are_none_stop_nothing() -> None:
    rows = ["odd", contact(updated_at="some day"), contact(id=2, updated_at="2026-05-01T08:00:00"), contact(id=3)]
    found = await page(Account().on(COMPANIES, listed(rows)), "companies")
    assert [bool(item.problem) for item in found.items] == [True, False, False, False]
    assert json.loads(found.cursor)["base"] == stamp("2026-05-04T09:30:11Z")


async def test_a_stored_cursor_that_cannot_be_read_is_said() -> None:
    with pytest.raises(VendorRefused, match="no stream agents"):
        await page(Account(), "agents")
    for broken in ("{", cursor(page="x"), cursor(part=9)):
        with pytest.raises(VendorRefused, match="reset it"):
            await page(Account(), "contacts", broken)


@pytest.mark.parametrize("stream", ["companies", "contacts", "tickets", "satisfaction_ratings"])
@pytest.mark.parametrize("what", [name for name in NONSENSE if name != "a list"])
async def test_an_answer_that_is_none_is_an_error_and_never_an_empty_page(stream: str, what: str) -> None:
    adapter = account()
    client = open_client(adapter, transport=httpx.MockTransport(NONSENSE[what]))
    with pytest.raises(VendorError):
        await adapter.page(client, stream, "", NOW)
    await client.close()


async def test_ratings_can_be_left_out_and_settings_that_cannot_be_meant_are_said() -> None:
    assert "satisfaction_ratings" in account().streams()
    assert account(ratings="off").streams() == ("companies", "contacts", "tickets")
    for name, wrong in (
        ("ratings", "maybe"),
        ("ratings_lookback_days", "a week"),
        ("since", "last year"),
        ("domain", "acme.freshdesk.com"),
    ):
        with pytest.raises(ConfigError, match=name):
            account(None, **{name: wrong})


@pytest.mark.parametrize(("backwards", "goes_on"), [(False, {"since"}), (True, {"page"})])
async def test_a_list_in_another_order_is_gone_through_by_its_pages(backwards: bool, goes_on: set[str]) -> None:
    """To go on behind the latest change would leave out what is earlier and still to come."""
    rows = [ticket(id=number, updated_at=f"2026-02-{number % 28 + 1:02}T09:00:00Z") for number in range(1, 101)]
    rows.sort(key=lambda row: str(row["updated_at"]), reverse=backwards)
    found = await page(Account().on(TICKETS, listed(rows, 2)), "tickets")
    assert set(json.loads(found.cursor)) & {"since", "page"} == goes_on
