"""The three signatures: every published example, every way in which it can be wrong, and no way around the newest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone

import pytest
from msgspec.structs import replace

from bridge.adapter.delivery import Request
from bridge.errors import NotAuthentic
from tests.adapters.hubspot_account import NOW, SECRET, URL, account, event, signed

_SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
_BODY = b"{'example_field':'example_value'}"
_EVENT = (
    b'[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":'
    b'"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]'
)
_AT = datetime(1970, 1, 1, 4, 10, tzinfo=timezone.utc)
_HOOK = "https://www.example.com/webhook_uri"


def _request(version: str, signature: str, body: bytes = _BODY, method: str = "POST") -> Request:
    headers = {"x-hubspot-signature": signature, "x-hubspot-signature-version": version}
    if version == "v3":
        headers = {"x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": "15000000"}
    return Request(method=method, url=_HOOK, headers=headers, body=body, received_at=_AT)


# https://developers.hubspot.com/docs/faq/v1-request-validation and …/v2-request-validation;
# https://github.com/HubSpot/hubspot-api-python/blob/master/tests/spec/utils/test_signature.py
_V2, _V2_GET = (
    "4fe4e3a7d3cf09db53be39d0a58130e2aaba074ec123a9e355b876a689a1c383",
    "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e",
)
_V1, _V1_EVENT = (
    "69fc6631a867edd4f9e9e627fc5c1148e3fbdd8b21837b6d2b8901c1fa57f750",
    "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de",
)
PUBLISHED = {
    "v3": _request("v3", "HPW73RUtKmcYoEDADG0s6MmGFWUzWJKAW07r8RDgcQw="),
    "v2": _request("v2", _V2),
    "v2 of a GET": _request("v2", _V2_GET, b"", "GET"),
    "v1": _request("v1", _V1),
    "v1 of an event": _request("v1", _V1_EVENT, _EVENT),
}


def _changed(request: Request) -> Iterator[Request]:
    """The request with each of its signed bytes changed in turn, and one added or left out."""
    body = request.body
    for place in range(len(body)):
        yield replace(request, body=body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :])
        yield replace(request, body=body[:place] + body[place + 1 :])
    yield replace(request, body=body + b" ")
    for name, value in request.headers.items():
        if name == "x-hubspot-signature-version":
            continue
        for place in range(len(value)):
            other = chr(ord(value[place]) ^ 1)
            yield replace(request, headers=request.headers | {name: value[:place] + other + value[place + 1 :]})
    if request.headers.get("x-hubspot-signature-version") != "v1":
        for place in range(len(request.url)):
            other = chr(ord(request.url[place]) ^ 1)
            yield replace(request, url=request.url[:place] + other + request.url[place + 1 :])
        yield replace(request, method="PUT")


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_example_verifies_and_each_single_byte_change_fails(name: str) -> None:
    adapter = account(client_secret=_SECRET, signature_versions="v3, v2, v1")
    adapter.verify(PUBLISHED[name], _AT)
    tried = 0
    for changed in _changed(PUBLISHED[name]):
        tried += 1
        with pytest.raises(NotAuthentic):
            adapter.verify(changed, _AT)
    assert tried > 60


@pytest.mark.parametrize("name", [name for name in PUBLISHED if name != "v3"])
def test_an_older_signature_is_refused_unless_the_operator_allows_it(name: str) -> None:
    with pytest.raises(NotAuthentic, match="x-hubspot-signature-v3 is missing"):
        account(client_secret=_SECRET).verify(PUBLISHED[name], _AT)
    other = "v3, v1" if name.startswith("v2") else "v3, v2"
    with pytest.raises(NotAuthentic, match="signature_versions"):
        account(client_secret=_SECRET, signature_versions=other).verify(PUBLISHED[name], _AT)


def test_a_wrong_newest_signature_is_not_made_good_by_an_older_one() -> None:
    older, newest = PUBLISHED["v1"], PUBLISHED["v3"]
    both = replace(older, headers=older.headers | newest.headers | {"x-hubspot-signature-v3": "AAAA"})
    with pytest.raises(NotAuthentic):
        account(client_secret=_SECRET, signature_versions="v3, v1").verify(both, _AT)


def test_any_of_several_secrets_is_good_for_older_signatures_and_none_without_a_secret() -> None:
    account(client_secret=["another", _SECRET], signature_versions="v1").verify(PUBLISHED["v1"], _AT)
    with pytest.raises(NotAuthentic, match="client_secret is empty"):
        account(client_secret="", signature_versions="v1").verify(PUBLISHED["v1"], _AT)
    with pytest.raises(NotAuthentic, match="crm: .*signature_versions"):
        account(signature_versions="v2").verify(replace(PUBLISHED["v2"], headers={}), _AT)


def test_escapes_in_the_url_count_as_hubspot_decodes_them_and_as_its_libraries_leave_them() -> None:
    called = f"{URL}?next=https%3A%2F%2Fa.example%2f%C3%BC&b=%20"
    decoded = f"{URL}?next=https://a.example/%C3%BC&b=%20"
    body = [event("contact.creation")]
    for seen in (called, decoded):
        account().verify(replace(signed(body, url=seen), url=called), NOW)
    with pytest.raises(NotAuthentic, match="does not match"):
        account().verify(replace(signed(body, url=decoded.replace("%20", " ")), url=called), NOW)


def test_a_delivery_older_than_five_minutes_is_refused() -> None:
    fresh, old = (signed([event("contact.creation")], at=int(NOW.timestamp() - age) * 1000) for age in (299, 301))
    account(client_secret=[SECRET, "next"]).verify(fresh, NOW)
    with pytest.raises(NotAuthentic, match="older than 300 seconds"):
        account().verify(old, NOW)
