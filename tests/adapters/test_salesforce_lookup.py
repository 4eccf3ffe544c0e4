"""Asking live: the right words to the right index, and nothing that cannot be."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from bridge.adapter.base import Adapter
from bridge.adapter.delivery import Item, Refetch
from bridge.errors import ConfigError, VendorRefused, VendorRetryable
from bridge.model import Entry, Key, KeyKind
from tests.adapters.salesforce_org import Org, contacts, make


async def look_up(org: Org, kind: str, value: str, adapter: Adapter | None = None) -> list[Item]:
    adapter = adapter or make()
    client = org.client(adapter)
    try:
        return await adapter.lookup(client, Key(KeyKind(kind), value))
    finally:
        await client.close()


def ids(items: list[Item]) -> set[str]:
    return {item.raw["Id"] for item in items}


def person(org: Org, **fields: Any) -> str:
    given = {"phone": "030 23125 123", "email": "frieda@example.org", "external_id": "K-8"} | fields
    return org.fake.add_person(**given)


async def test_a_phone_is_searched_once_in_all_spellings() -> None:
    org = Org()
    wanted = person(org)
    person(org, phone="030 23125 124")
    assert ids(await look_up(org, "phone", "+493023125123")) == {wanted}
    [search] = org.queries()
    assert search.startswith("FIND {493023125123 OR ")
    assert " IN PHONE FIELDS RETURNING Contact(Id, SystemModstamp, " in search
    assert search.endswith(" LIMIT 20)")


async def test_an_email_with_signs_of_the_query_language_is_one_text() -> None:
    org = Org()
    wanted = person(org, email="o'hara@example.org")
    person(org)
    assert ids(await look_up(org, "email", "o'hara@example.org")) == {wanted}
    assert r"Email = 'o\'hara@example.org' LIMIT 20" in org.queries()[0]
    assert await look_up(org, "email", "' OR Id != '@example.org") == []


async def test_every_field_that_holds_an_email_is_asked() -> None:
    org = Org()
    field = {"name": "Privat__c", "type": "email"}
    described = [{"name": one, "type": "string"} for one in ("Id", "SystemModstamp", "Email")]
    org.instead["/describe"] = [httpx.Response(200, json={"fields": [*described, field]})]
    org.instead["/query"] = [httpx.Response(200, json={"records": []})]
    await look_up(org, "email", "a@example.org", make(contacts(emails=["Email", "Privat__c", "Nicht_da__c"])))
    assert "WHERE Email = 'a@example.org' OR Privat__c = 'a@example.org' LIMIT" in org.queries()[0]


async def test_nobody_is_asked_for_an_email_where_the_org_shows_none() -> None:
    org = Org()
    org.instead["/describe"] = [httpx.Response(200, json={"fields": [{"name": "Id", "type": "id"}]})]
    assert await look_up(org, "email", "a@example.org") == []
    assert org.queries() == []


async def test_an_own_id_is_found_in_either_length() -> None:
    org = Org()
    wanted = person(org)
    for written in (wanted, wanted[:15], wanted.upper()):
        assert ids(await look_up(org, "id", f"crm:{written}")) == {wanted}


@pytest.mark.parametrize(
    "value", ["crm:4711", "crm:001Aa0000000020IAA", "crm:' OR Id != '", "crm:", "other:003Aa0000004711"]
)
async def test_what_cannot_be_a_contact_is_not_asked_for(value: str) -> None:
    org = Org()
    assert await look_up(org, "id", value) == []
    assert org.asked == []


async def test_an_external_id_is_found_through_the_field_that_the_mapping_reads() -> None:
    org, adapter = Org(), make(contacts(**{"external_ids.erp": "Kundennummer__c"}))
    wanted = person(org, external_id="K-'9")
    assert ids(await look_up(org, "id", "erp:K-'9", adapter)) == {wanted}
    assert await look_up(org, "id", "erp:K-10", adapter) == []


@pytest.mark.parametrize(("value", "asked"), [("4711", "Nummer__c = 4711"), ("K-8", ""), ("1 OR Id != null", "")])
async def test_an_external_id_that_is_a_number_is_not_quoted(value: str, asked: str) -> None:
    org = Org()
    fields = [{"name": one, "type": "string"} for one in ("Id", "SystemModstamp")]
    described = {"fields": [*fields, {"name": "Nummer__c", "type": "double"}]}
    org.instead["/describe"] = [httpx.Response(200, json=described)]
    org.instead["/query"] = [httpx.Response(200, json={"records": []})]
    assert await look_up(org, "id", f"erp:{value}", make(contacts(**{"external_ids.erp": "Nummer__c"}))) == []
    assert [asked in query for query in org.queries()] == ([True] if asked else [])


async def test_a_relation_is_no_field_to_ask_by() -> None:
    org = Org()
    adapter = make(contacts(**{"external_ids.erp": "Account.AccountNumber"}))
    assert await look_up(org, "id", "erp:4711", adapter) == []
    assert org.queries() == []


async def test_deleted_contacts_are_fetched_but_not_looked_up() -> None:
    org, adapter = Org(), make()
    gone = person(org)
    org.fake.remove("contact", gone)
    assert await look_up(org, "email", "frieda@example.org") == []
    client = org.client(adapter)
    [item] = await adapter.fetch(client, Refetch(object="contact", id=gone[:15]))
    [entry] = adapter.read(item)
    assert isinstance(entry, Entry)
    assert (entry.kind, entry.source_id) == ("deleted", gone)
    org.fake.destroy("contact", person(org))
    assert await adapter.fetch(client, Refetch(object="contact", id=org.fake.nobody)) == []
    await client.close()


@pytest.mark.parametrize(
    ("object", "number"), [("lead", "00QAa0000000001"), ("contact", "4711"), ("contact", "' OR ''='")]
)
async def test_what_is_no_record_is_not_fetched(object: str, number: str) -> None:
    org, adapter = Org(), make()
    client = org.client(adapter)
    with pytest.raises(VendorRefused):
        await adapter.fetch(client, Refetch(object=object, id=number))
    await client.close()
    assert org.asked == []


async def test_a_refused_question_makes_the_fields_be_looked_at_again() -> None:
    org, adapter = Org(), make()
    org.instead["/search/"] = [httpx.Response(400, json=[{"errorCode": "INVALID_FIELD"}])]
    with pytest.raises(VendorRefused):
        await look_up(org, "phone", "+493023125123", adapter)
    await look_up(org, "phone", "+493023125123", adapter)
    await look_up(org, "phone", "+493023125123", adapter)
    assert org.paths().count("sobjects/Contact/describe") == 2


@pytest.mark.parametrize("answer", [{"searchRecords": None}, {}, [], {"records": []}])
async def test_an_answer_without_its_list_is_not_nobody(answer: Any) -> None:
    org = Org()
    org.instead["/search/"] = [httpx.Response(200, json=answer)]
    with pytest.raises(VendorRetryable):
        await look_up(org, "phone", "+493023125123")


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"objects": "contact, leads"}, "objects: 'leads' is none of account, contact"),
        ({"objects": " , "}, "objects: is empty"),
        ({"api_version": "v60"}, "api_version: is no version"),
        ({"key_field": "Bridge Key"}, "key_field: is no API name"),
        ({"organization_id": "acme"}, "organization_id: is no id"),
        ({"audience": "test"}, "audience: is no address"),
        ({"done_status": " "}, "done_status: is empty"),
    ],
)
def test_a_setting_that_cannot_be_right_is_named_at_the_start(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        make(**settings)


def test_the_objects_are_read_companies_first() -> None:
    assert make().streams() == ("account", "contact", "contract", "opportunity", "case", "task")
    assert make(objects="Case,contact").streams() == ("contact", "case")


async def test_a_stream_that_is_not_mapped_is_refused() -> None:
    org, adapter = Org(), make()
    client = org.client(adapter)
    with pytest.raises(VendorRefused, match="no such stream"):
        await adapter.page(client, "lead", "", org.now)
    await client.close()
