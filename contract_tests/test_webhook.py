"""Deliveries: only what the vendor vouches for comes in, and whatever comes in breaks nothing."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from bridge.adapter.base import Refetch, Request
from bridge.errors import BadRequest, NotAuthentic
from contract_tests.fixtures import SignedFixture, WebhookFixture
from contract_tests.vendors import NOW, Vendor, open_delivery, refused, said

OTHER = "another-secret-0123456789"

GARBAGE = {
    "nothing": b"",
    "noise": b"\x00\xff\xfe\x80",
    "half an object": b'{"id": ',
    "an empty object": b"{}",
    "a list": b"[]",
    "a text": b'"ok"',
    "null": b"null",
    "a number": b"1e999",
    "two objects": b"{}{}",
    "broken UTF-8": b'{"a": "\xff"}',
    "a deep nest": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "a deep list": b"[" * 100_000,
    "megabytes of blanks": b" " * 3_000_000,
    "a form": b"a=1&b=2",
    "XML with an entity": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
}


def _changed(request: Request, **headers: str | None) -> Request:
    kept = {**request.headers, **headers}
    return msgspec.structs.replace(request, headers={name: value for name, value in kept.items() if value is not None})


@pytest.mark.clause("signature_good", "webhook")
def test_a_signed_delivery_is_accepted(vendor: Vendor) -> None:
    for fixture in vendor.of(WebhookFixture):
        adapter = vendor.adapter(fixture.settings)
        assert open_delivery(adapter, vendor.request(fixture)).reply.status in range(200, 300)


@pytest.mark.clause("signature_forged", "webhook")
def test_a_forged_delivery_is_refused(vendor: Vendor) -> None:
    for fixture in vendor.of(WebhookFixture):
        adapter = vendor.adapter(fixture.settings)
        request = vendor.request(fixture)
        added = [name for name in request.headers if name not in {one.lower() for one in fixture.headers}]
        forged = {
            "a changed body": msgspec.structs.replace(request, body=request.body + b" "),
            "the wrong secret": vendor.request(fixture, OTHER),
            **{f"without {name}": _changed(request, **{name: None}) for name in added},
            **{f"empty {name}": _changed(request, **{name: ""}) for name in added},
            **{f"blank {name}": _changed(request, **{name: "  "}) for name in added},
            **{f"noise in {name}": _changed(request, **{name: "\x00ÿ,=,v1=,t=="}) for name in added},
        }
        accepted = [how for how, one in forged.items() if not isinstance(refused(adapter, one), NotAuthentic)]
        unsigned = {"a changed body"} if _only_a_shared_secret(vendor) else set()
        assert set(accepted) <= unsigned, fixture.name


@pytest.mark.clause("signature_stale", "webhook")
def test_a_stale_delivery_is_refused(vendor: Vendor) -> None:
    signature = vendor.manifest.signature
    if signature is None or not (signature.timestamp_header or signature.scheme in ("packed", "standard_webhooks")):
        pytest.skip(f"{vendor.name} signs no time, so that age cannot be told; duplicates are known by their ids")
    beyond = timedelta(seconds=signature.tolerance_seconds + 60)
    for fixture in vendor.of(WebhookFixture):
        adapter = vendor.adapter(fixture.settings)
        for sent in (NOW - beyond, NOW + beyond):
            request = msgspec.structs.replace(vendor.request(fixture, at=sent), received_at=NOW)
            assert isinstance(refused(adapter, request), NotAuthentic), fixture.name


@pytest.mark.clause("rotation", "webhook")
def test_two_secrets_are_valid_while_one_is_replaced(vendor: Vendor) -> None:
    old = vendor.source().setting(vendor.secret)
    new = old[:-4] + ("AAAA" if not old.endswith("AAAA") else "BBBB")
    for fixture in vendor.of(WebhookFixture):
        adapter = vendor.adapter({**fixture.settings, vendor.secret: (new, old)})
        assert refused(adapter, vendor.request(fixture, new)) is None
        assert refused(adapter, vendor.request(fixture, old)) is None
        assert isinstance(refused(adapter, vendor.request(fixture, OTHER)), NotAuthentic)


@pytest.mark.clause("no_secret", "webhook")
def test_without_a_secret_nothing_comes_in(vendor: Vendor) -> None:
    for fixture in vendor.of(WebhookFixture):
        for empty in ("", (), ("",)):
            adapter = vendor.adapter({**fixture.settings, vendor.secret: empty})
            assert isinstance(refused(adapter, vendor.request(fixture)), NotAuthentic)
            assert isinstance(refused(adapter, vendor.request(fixture, "")), NotAuthentic)


@pytest.mark.clause("published_example", "webhook")
def test_the_vendors_own_published_example_verifies(vendor: Vendor) -> None:
    """What the kit signs proves only that signer and checker agree: the vendor's own example proves both right."""
    examples: list[SignedFixture] = vendor.of(SignedFixture)
    assert examples, "add the vendor's published signed example, or say in `exempt` that there is none"
    for example in examples:
        adapter = vendor.adapter({**example.settings, vendor.secret: example.secret})
        headers = {name.lower(): value for name, value in example.headers.items()}
        request = Request(
            method=example.method,
            url=example.url,
            headers=headers,
            body=example.raw_body.encode(),
            received_at=example.at,
        )
        adapter.verify(request, example.at)
        with pytest.raises(NotAuthentic):
            adapter.verify(msgspec.structs.replace(request, body=request.body + b" "), example.at)


@pytest.mark.clause("garbage", "webhook")
@pytest.mark.parametrize("what", GARBAGE)
def test_a_body_that_is_not_the_vendors_is_refused(vendor: Vendor, what: str) -> None:
    fixture = vendor.of(WebhookFixture)[0]
    refusal = refused(vendor.adapter(fixture.settings), vendor.request(fixture, content=GARBAGE[what]))
    assert isinstance(refusal, BadRequest), what
    assert len(str(refusal)) < 300


@pytest.mark.clause("duplicates", "webhook")
def test_the_same_delivery_twice_is_known_as_one(vendor: Vendor) -> None:
    """Vendors send again what they think was lost, signed anew and later."""
    for fixture in vendor.of(WebhookFixture):
        adapter = vendor.adapter(fixture.settings)
        first, again = (
            list(open_delivery(adapter, vendor.request(fixture, at=sent)).items)
            for sent in (NOW, NOW + timedelta(seconds=40))
        )
        only_hints = all(isinstance(one, Refetch) for one in said(adapter, first))  # asking twice changes nothing
        assert only_hints or [item.dedupe_key for item in first] == [item.dedupe_key for item in again], fixture.name


def _only_a_shared_secret(vendor: Vendor) -> bool:
    return vendor.manifest.signature is not None and vendor.manifest.signature.scheme in ("header", "basic", "query")
