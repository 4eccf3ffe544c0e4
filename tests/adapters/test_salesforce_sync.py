"""Reading what changed: in order, without loss, with what was deleted for good, and within the quota."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest

from bridge.adapter.client import MAX_ANSWER
from bridge.adapter.delivery import Item, Page
from bridge.errors import MappingError, VendorRefused, VendorRetryable
from bridge.model import EntryKind
from tests.adapters.salesforce_org import NOW, Org, contacts, entries, in_step, later, make, read_on


def limited(used: int, most: int = 100, **answer: Any) -> httpx.Response:
    data = {"totalSize": 0, "done": True, "records": []} | answer
    return httpx.Response(200, json=data, headers={"Sforce-Limit-Info": f"api-usage={used}/{most}"})


def error(status: int, code: str, message: str = "") -> httpx.Response:
    return httpx.Response(status, json=[{"errorCode": code, "message": message}])


async def one_page(org: Org, name: str = "contact", cursor: str = "", **settings: Any) -> Page:
    adapter = make(**settings)
    client = org.client(adapter)
    try:
        return await adapter.page(client, name, cursor, org.now)
    finally:
        await client.close()


async def test_a_later_round_asks_behind_the_last_row() -> None:
    org, adapter = Org(), make()
    made = org.fake.fill("contact", 7)
    items, cursor = await read_on(adapter, org, "contact")
    assert {one.source_id for one in entries(adapter, items)} == made
    assert len(items) == 7
    again, _ = await read_on(adapter, org, "contact", cursor)
    assert again == []
    assert f"Id > '{max(made)}'" in org.queries()[-1]
    org.fake.touch("contact", min(made))
    [changed], _ = await read_on(adapter, org, "contact", cursor)
    assert changed.raw["Id"] == min(made)


async def test_rows_that_become_visible_late_are_found_in_the_overlap() -> None:
    """A long transaction stamps its rows when it writes them, and shows them minutes later."""
    org, adapter = in_step(), make()
    early, late = sorted(org.fake.fill("contact", 2))
    hidden = org.fake.rows["Contact"].pop(early)
    later(org, minutes=1)
    _, cursor = await read_on(adapter, org, "contact")
    org.fake.rows["Contact"][early] = hidden
    later(org, minutes=6)
    items, cursor = await read_on(adapter, org, "contact", cursor)
    assert {one.source_id for one in entries(adapter, items)} == {early, late}
    later(org, hours=1)
    for expected in ({early, late}, set()):  # once more, until the round ends long enough behind them
        items, cursor = await read_on(adapter, org, "contact", cursor)
        assert {one.source_id for one in entries(adapter, items)} == expected


async def test_a_row_ahead_of_the_round_waits_for_the_next_one() -> None:
    org, adapter = Org(), make()
    org.fake.fill("contact", 2)
    later(org, hours=-4)
    org.fake.pass_time(timedelta(hours=4))
    items, cursor = await read_on(adapter, org, "contact")
    assert items == []
    org.now = NOW
    items, _ = await read_on(adapter, org, "contact", cursor)
    assert len(items) == 2


async def test_what_was_deleted_for_good_is_deleted_here() -> None:
    org, adapter = in_step(), make()
    stays, goes = sorted(org.fake.fill("contact", 2))
    _, cursor = await read_on(adapter, org, "contact")
    later(org, minutes=30)
    org.fake.destroy("contact", goes)
    later(org, minutes=30)
    items, cursor = await read_on(adapter, org, "contact", cursor)
    [gone] = [one for one in entries(adapter, items) if one.kind is EntryKind.deleted]
    assert (gone.object, gone.source_id) == ("customer", goes)
    later(org, minutes=30)
    items, _ = await read_on(adapter, org, "contact", cursor)
    assert [one.kind for one in entries(adapter, items)] == []
    assert stays in org.fake.rows["Contact"]


async def test_a_deletion_during_the_first_import_is_not_missed() -> None:
    org, adapter = in_step(), make()
    first, *_ = sorted(org.fake.fill("contact", 7))
    client = org.client(adapter)
    page = await adapter.page(client, "contact", "", org.now)
    org.fake.destroy("contact", first)
    later(org, hours=2)
    items, cursor = await read_on(adapter, org, "contact", page.cursor)
    again, _ = await read_on(adapter, org, "contact", cursor)
    await client.close()
    assert first in {one.source_id for one in entries(adapter, items + again) if one.kind is EntryKind.deleted}


async def test_the_list_of_deletions_is_asked_for_no_further_back_than_it_reaches() -> None:
    org, adapter = Org(), make()
    _, cursor = await read_on(adapter, org, "contact")
    later(org, days=40)
    await read_on(adapter, org, "contact", cursor)
    assert dict(org.asked[-1].url.params) == {"start": "2026-03-28T12:00:00Z", "end": "2026-04-11T12:00:00Z"}


async def test_two_rounds_within_a_minute_ask_for_deletions_once() -> None:
    org, adapter = Org(), make()
    _, cursor = await read_on(adapter, org, "contact")
    later(org, minutes=1)
    await read_on(adapter, org, "contact", cursor)
    assert len([path for path in org.paths() if "deleted" in path]) == 1


async def test_deletions_count_only_as_far_as_the_vendor_covered_them() -> None:
    org, adapter = Org(), make()
    _, cursor = await read_on(adapter, org, "contact")
    later(org, hours=1)
    org.instead["/deleted/"] = [
        httpx.Response(200, json={"deletedRecords": [], "latestDateCovered": "2026-03-02T12:20:00.000+0000"}),
        httpx.Response(200, json={"deletedRecords": [], "latestDateCovered": "2026-03-01T00:00:00.000+0000"}),
    ]
    _, cursor = await read_on(adapter, org, "contact", cursor)
    _, cursor = await read_on(adapter, org, "contact", cursor)
    assert msgspec.json.decode(cursor)["gone"] == "2026-03-02T12:20:00.000Z"


async def test_a_merged_contact_goes_over_and_its_deletion_changes_nothing() -> None:
    org, adapter = in_step(), make()
    loser, winner = sorted(org.fake.fill("contact", 2))
    _, cursor = await read_on(adapter, org, "contact")
    later(org, hours=1)
    assert org.fake.merge("contact", loser, winner)
    later(org, hours=1)
    items, _ = await read_on(adapter, org, "contact", cursor)
    said = {one.kind: one for one in entries(adapter, items) if one.source_id == loser}
    assert said[EntryKind.merged].into == winner
    assert said[EntryKind.deleted].order == said[EntryKind.merged].order


async def test_only_fields_that_the_org_shows_are_asked_for() -> None:
    org = Org()
    overlay = contacts(**{"external_ids.erp": "Kundennummer__c", "tags": "Nicht_da__c", "language": "Nirgends.Name"})
    await one_page(org, mapping=overlay)
    asked = org.queries()[0]
    assert "Kundennummer__c" in asked
    assert "Owner.Name" in asked
    assert "Individual.HasOptedOutProfiling" in asked
    for absent in ("Nicht_da__c", "Nirgends", "CurrencyIsoCode", "WhoId"):
        assert absent not in asked


async def test_a_relation_that_may_not_be_read_is_left_out() -> None:
    org = Org()
    org.instead["Individual/describe"] = [error(403, "INSUFFICIENT_ACCESS")] * 9
    await one_page(org)
    assert "Individual" not in org.queries()[0]


async def test_an_owner_that_is_a_user_or_a_queue_has_a_name() -> None:
    org = Org()
    await one_page(org, "task", mapping={"objects": {"task": {"fields": {"queue": "Owner.Title"}}}})
    assert "Owner.Name" in org.queries()[0]
    assert "Owner.Title" not in org.queries()[0]


async def test_fields_are_looked_at_again_after_an_hour_and_after_a_refusal() -> None:
    org, adapter = Org(), make()
    _, cursor = await read_on(adapter, org, "account")
    await read_on(adapter, org, "account", cursor)
    assert org.paths().count("sobjects/Account/describe") == 1
    later(org, minutes=61)
    await read_on(adapter, org, "account", cursor)
    assert org.paths().count("sobjects/Account/describe") == 2
    org.instead["/queryAll"] = [error(400, "INVALID_FIELD")]
    with pytest.raises(VendorRefused):
        await read_on(adapter, org, "account", cursor)
    await read_on(adapter, org, "account", cursor)
    assert org.paths().count("sobjects/Account/describe") == 3


@pytest.mark.parametrize("status", [403, 404])
async def test_an_object_that_may_not_be_read_says_what_to_do(status: int) -> None:
    org = Org()
    org.instead["/describe"] = [error(status, "NOT_FOUND")] * 2
    with pytest.raises(VendorRefused, match="may not read Contract: permit it, or take contract out of `objects`"):
        await one_page(org, "contract")


@pytest.mark.parametrize(("fields", "reason"), [([], "shows no Id"), (None, "nothing where the fields|null where")])
async def test_a_description_that_is_none_is_an_error(fields: Any, reason: str) -> None:
    org = Org()
    org.instead["/describe"] = [httpx.Response(200, json={"fields": fields})]
    with pytest.raises((VendorRefused, VendorRetryable)):
        await one_page(org)


async def test_an_object_of_the_overlay_is_a_stream_of_its_own() -> None:
    own = {
        "to": "contract",
        "id": "Id",
        "order": {"from": "SystemModstamp", "as": "instant"},
        "at": "SystemModstamp",
        "subject": {"account": "Firma__c"},
        "fields": {"product": "Tarif__c"},
    }
    adapter = make({"objects": {"Vertrag__c": own}}, objects="contact, Account")
    assert adapter.streams() == ("account", "contact", "Vertrag__c")
    org = Org()
    names = ["Id", "SystemModstamp", "IsDeleted", "Firma__c", "Tarif__c"]
    org.instead["/describe"] = [
        httpx.Response(200, json={"fields": [{"name": one, "type": "string"} for one in names]})
    ]
    row = {"Id": "a00D0000008pQRA", "SystemModstamp": "2026-03-02T09:00:00.000+0000", "Tarif__c": "Glas 500"}
    org.instead["/queryAll"] = [limited(1, records=[row | {"Firma__c": "001D000000JliST", "IsDeleted": False}])]
    org.instead["/deleted/"] = [httpx.Response(200, json={"deletedRecords": [], "latestDateCovered": STAMP})]
    items, _ = await read_on(adapter, org, "Vertrag__c")
    assert org.queries()[0].startswith("SELECT Id, SystemModstamp, IsDeleted, Firma__c, Tarif__c FROM Vertrag__c WHERE")
    assert "sobjects/Vertrag__c/deleted/" in org.paths()
    [found] = entries(adapter, items)
    assert (found.object, found.source_id, found.subject.account) == (
        "contract",
        "a00D0000008pQRAIA2",
        "001D000000JliSTIAZ",
    )


async def test_an_answer_that_is_too_long_is_asked_for_in_smaller_pages() -> None:
    org, adapter = Org(), make()
    org.fake.page_size = 1000
    org.fake.fill("case", 3)
    org.instead["/queryAll"] = [httpx.Response(200, content=b" " * (MAX_ANSWER + 1))]
    items, _ = await read_on(adapter, org, "case")
    assert len(items) == 3
    assert [query.rpartition(" ")[2] for query in org.queries()] == ["1000", "100"]


async def test_a_page_that_is_full_to_the_limit_is_not_taken_for_the_last() -> None:
    org, adapter = Org(), make()
    org.fake.page_size = 100_000
    made = org.fake.fill("account", 1001)
    items, _ = await read_on(adapter, org, "account")
    assert {one.source_id for one in entries(adapter, items)} == made


async def test_the_days_quota_that_is_used_up_is_waited_for() -> None:
    for code, message, seconds in (
        ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", 3600),
        ("REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded.", 60),
        ("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded.", 60),
    ):
        org = Org()
        org.instead["/queryAll"] = [error(403, code, message)]
        with pytest.raises(VendorRetryable) as problem:
            await one_page(org)
        assert problem.value.retry_after == seconds
        assert problem.value.undone


async def test_the_last_tenth_of_the_quota_is_kept_for_callers() -> None:
    org, adapter = Org(), make()
    org.instead["/queryAll"] = [limited(90), limited(91), limited(12)]
    client = org.client(adapter)
    await adapter.page(client, "account", "", NOW)
    with pytest.raises(VendorRetryable, match="kept for look-ups") as problem:
        await adapter.page(client, "contact", "", NOW)
    assert problem.value.retry_after == 1800
    await adapter.page(client, "contact", "", NOW)  # after the rest it looks again
    with pytest.raises(VendorRetryable):
        await adapter.page(client, "contact", "", NOW)
    await adapter.page(client, "contact", "", NOW)
    await adapter.page(client, "contact", "", NOW)
    await client.close()


async def test_an_org_that_says_nothing_of_its_quota_is_read() -> None:
    org, adapter = Org(), make()
    org.instead["/queryAll"] = [limited(5, most=0)]
    await read_on(adapter, org, "account")


STAMP = "2026-03-02T09:00:00.000+0000"


@pytest.mark.parametrize(
    "answer",
    [
        {"done": False, "records": []},
        {"done": "yes", "records": []},
        {"records": []},
        {"done": True, "records": {}},
        {"done": True, "records": ["a text"]},
        {"done": True, "records": [{"Id": "003Aa0000004711IAA"}]},
        {"done": True, "records": [{"Id": "003Aa0000004711IAA", "SystemModstamp": "yesterday"}]},
        {"done": True, "records": [{"SystemModstamp": STAMP}]},
        {"done": True, "records": [{"Id": 7, "SystemModstamp": STAMP}]},
        [],
    ],
)
async def test_an_answer_that_says_nothing_certain_is_asked_for_again(answer: Any) -> None:
    org = Org()
    org.instead["/queryAll"] = [httpx.Response(200, json=answer)]
    with pytest.raises(VendorRetryable):
        await one_page(org)


async def test_a_row_that_is_no_record_goes_to_dead_letters() -> None:
    org = Org()
    good = {"Id": "003Aa0000004711IAA", "SystemModstamp": STAMP}
    org.instead["/queryAll"] = [limited(1, records=["a text", good])]
    first, second = (await one_page(org)).items
    assert "a text" not in first.problem
    assert first.problem
    assert not second.problem


@pytest.mark.parametrize("answer", [{}, [], {"deletedRecords": []}, {"deletedRecords": {}, "latestDateCovered": STAMP}])
async def test_a_list_of_deletions_that_is_none_is_an_error(answer: Any) -> None:
    org = Org()
    page = await one_page(org)
    org.instead["/deleted/"] = [httpx.Response(200, json=answer)]
    with pytest.raises(VendorRetryable):
        await one_page(org, cursor=page.cursor)


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ({"object": "contact", "deletion": {"deletedDate": STAMP}}, "deletion.id"),
        ({"object": "contact", "deletion": "a text"}, "deletion.id"),
        ({"object": "contact", "deletion": {"id": "003Aa0000004711IAA"}}, "deletion.deletedDate"),
        (
            {"object": "contact", "deletion": {"id": "003Aa0000004711IAA", "deletedDate": "soon"}},
            "deletion.deletedDate",
        ),
        ({"object": "lead", "deletion": {"id": "00QAa0000004711IAA", "deletedDate": STAMP}}, "deletion.object"),
    ],
)
def test_a_deletion_that_cannot_be_read_is_a_named_error(raw: dict[str, Any], path: str) -> None:

    with pytest.raises(MappingError) as problem:
        make().read(Item(object="deleted", raw=raw))
    assert problem.value.path == path


@pytest.mark.parametrize("cursor", ["not json", '{"at": 7}', "[]"])
async def test_a_cursor_that_cannot_be_read_is_refused(cursor: str) -> None:
    with pytest.raises(VendorRefused, match="reset it"):
        await one_page(Org(), cursor=cursor)
