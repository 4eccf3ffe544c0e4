"""Outbound messages: only ids are taken, sessions and entities never."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from adapters.salesforce.messages import read_message
from bridge.adapter.base import Adapter
from bridge.adapter.delivery import Opened, Refetch, Request
from bridge.errors import BadRequest, MappingError, NotAuthentic
from tests.adapters.salesforce_org import NOW, SETTINGS, make

CONTACT = "003Aa0000004711IAA"
ORGANIZATION = "00DAa0000000000MAA"
SESSION = "00DAa0000000000!AQ4AQNotForUs"


def notification(number: int = 1, type: str = "sf:Contact", record: str = CONTACT) -> str:
    return (
        f"<Notification><Id>04lAa{number:010}AAA</Id>"
        f'<sObject xsi:type="{type}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">'
        f"<sf:Id>{record}</sf:Id><sf:Email>frieda@example.org</sf:Email></sObject></Notification>"
    )


def message(*notifications: str, organization: str = ORGANIZATION, head: str = '<?xml version="1.0"?>') -> bytes:
    return (
        f'{head}<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
        '<notifications xmlns="http://soap.sforce.com/2005/09/outbound">'
        f"<OrganizationId>{organization}</OrganizationId><SessionId>{SESSION}</SessionId>"
        f"{''.join(notifications)}</notifications></soapenv:Body></soapenv:Envelope>"
    ).encode()


def delivered(adapter: Adapter, body: bytes) -> Opened:
    url = "https://bridge.example/webhooks/crm?" + urlencode({"key": SETTINGS["webhook_secret"]})
    request = Request(method="POST", url=url, headers={}, body=body, received_at=NOW)
    adapter.verify(request, NOW)
    return adapter.open(request)


def test_each_notification_becomes_a_hint_to_fetch_its_record() -> None:
    adapter = make()
    opened = delivered(adapter, message(notification(1), notification(2, "sf:Case", "500Aa0000000088")))
    assert [adapter.read(item) for item in opened.items] == [
        [Refetch(object="contact", id=CONTACT)],
        [Refetch(object="case", id="500Aa0000000088IAA")],
    ]


def test_nothing_but_ids_is_kept() -> None:
    opened = delivered(make(), message(notification()))
    assert [item.raw for item in opened.items] == [
        {"notification": "04lAa0000000001AAA", "type": "Contact", "record": CONTACT}
    ]
    assert SESSION not in repr(opened)


def test_the_answer_is_the_acknowledgement_that_ends_the_repeats() -> None:
    reply = delivered(make(), message(notification())).reply
    assert (reply.status, reply.content_type) == (200, "text/xml; charset=utf-8")
    assert b"<Ack>true</Ack></notificationsResponse>" in reply.body


def test_the_same_notification_is_known_again() -> None:
    first, again = (delivered(make(), message(notification(7), organization=one)) for one in (ORGANIZATION, ""))
    assert first.items[0].dedupe_key == again.items[0].dedupe_key


def test_messages_of_another_organization_are_refused() -> None:
    adapter = make(organization_id=ORGANIZATION[:15])
    delivered(adapter, message(notification()))
    for other in ("00DAa0000000001MAA", ORGANIZATION[:14], ""):
        with pytest.raises(NotAuthentic, match="another organization"):
            delivered(adapter, message(notification(), organization=other))


def test_types_that_are_not_read_are_counted_and_acknowledged() -> None:
    opened = delivered(make(), message(notification(1, "sf:Lead"), notification(2, "sf:Campaign"), notification(3)))
    assert (len(opened.items), opened.ignored, opened.reply.status) == (1, 2, 200)


def test_an_object_that_the_source_does_not_read_is_left_alone() -> None:
    opened = delivered(make(objects="case"), message(notification()))
    assert (opened.items, opened.ignored) == ((), 1)


def test_an_object_of_the_overlay_is_fetched_too() -> None:
    own = {"to": "contract", "id": "Id", "order": {"from": "SystemModstamp", "as": "instant"}, "at": "SystemModstamp"}
    adapter = make({"objects": {"Vertrag__c": own}})
    [item] = delivered(adapter, message(notification(1, "sf:Vertrag__c", "a00D0000008pQRA"))).items
    assert adapter.read(item) == [Refetch(object="Vertrag__c", id="a00D0000008pQRAIA2")]


def test_a_notification_without_a_record_is_a_named_error() -> None:
    adapter = make()
    [item] = delivered(adapter, message(notification(record="frieda@example.org"))).items
    with pytest.raises(MappingError, match=r"notification\.record: found text") as problem:
        adapter.read(item)
    assert "frieda" not in str(problem.value)


@pytest.mark.parametrize(
    "declared",
    [
        '<!DOCTYPE a [<!ENTITY x "y">]>',
        '<!DOCTYPE a SYSTEM "https://attacker.example/a.dtd">',
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>',
        "<!DOCTYPE a>",
    ],
)
def test_a_document_type_is_refused_before_anything_is_expanded(declared: str) -> None:
    with pytest.raises(BadRequest, match="document type"):
        read_message(message(notification(), head=declared))


def test_an_entity_that_nobody_declared_is_no_message() -> None:
    with pytest.raises(BadRequest, match="not XML"):
        read_message(message(notification(record="&x;")))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (message(), "not an outbound message"),
        (b"<a/>", "not an outbound message"),
        (b"<a>" * 17, "nested too deep"),
        (message(*(notification(number) for number in range(101))), "more than 100"),
        (message(notification())[:-1], "not XML"),
        (message(notification(), head='<?xml version="1.0" encoding="zz-unheard-of"?>'), "not XML"),
        (message(notification(), head='<?xml version="1.0" encoding="utf-7"?>'), "not XML"),
    ],
)
def test_what_is_no_message_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(BadRequest, match=reason):
        read_message(body)


def test_a_hundred_notifications_are_one_message() -> None:
    assert len(read_message(message(*(notification(number) for number in range(100)))).notifications) == 100


def test_ids_are_read_from_their_own_places_only() -> None:
    """A field of the record may be called Id, too, and relations bring records of their own."""
    nested = '<sf:Account xsi:type="sf:Account"><sf:Id>001Aa0000000020IAA</sf:Id></sf:Account></sObject>'
    [found] = read_message(message(notification().replace("</sObject>", nested))).notifications
    assert (found.type, found.record) == ("Contact", CONTACT)
