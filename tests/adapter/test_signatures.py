"""Only the vendor's own deliveries are taken: published vectors, an independent judge, and every way to forge one."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from bridge.adapter.delivery import Request
from bridge.adapter.manifest import Manifest, Signature
from bridge.adapter.signatures import check_signature, sign, verify
from bridge.adapter.source import Source
from bridge.errors import ConfigError, NotAuthentic

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=timezone.utc)
URL = "https://bridge.example.org/webhooks/desk"
BODY = '{"name":"Jörg","n":1}'.encode()
STANDARD_SECRET = "whsec_" + base64.b64encode(b"twenty-four bytes secret").decode()

SCHEMES: dict[str, Signature] = {
    "hmac_iso": Signature(
        scheme="hmac",
        header="X-Signature",
        signed="{timestamp}{body}",
        timestamp_header="X-Timestamp",
        timestamp_unit="iso",
    ),
    "hmac_hex": Signature(scheme="hmac", header="x-hub-signature", prefix="sha1=", digest="sha1", encoding="hex"),
    "hmac_all": Signature(
        scheme="hmac",
        header="x-signature",
        signed="{method}.{url}.{id}.{timestamp}.{body}",
        digest="sha512",
        timestamp_header="x-timestamp",
        timestamp_unit="ms",
        id_header="x-id",
    ),
    "standard_webhooks": Signature(scheme="standard_webhooks"),
    "packed": Signature(scheme="packed", header="x-packed"),
    "header": Signature(scheme="header", header="x-shared", prefix="Token "),
    "basic": Signature(scheme="basic"),
}
TIMED = ["hmac_iso", "hmac_all", "standard_webhooks", "packed"]
OVER_THE_BODY = [*TIMED, "hmac_hex"]


def manifest(signature: Signature | None) -> Manifest:
    return Manifest(name="desk", title="Desk", kind="helpdesk", docs="", capabilities=("webhook",), signature=signature)


def source(*secrets: str, setting: str = "webhook_secret") -> Source:
    return Source(name="desk", adapter="desk", settings={setting: secrets})


def secret_of(name: str, word: str = "one") -> str:
    if name == "standard_webhooks":
        return "whsec_" + base64.b64encode(f"secret {word}".encode()).decode()
    return f"user:{word}" if name == "basic" else f"secret {word} ü"


def request(headers: dict[str, str], *, body: bytes = BODY, url: str = URL, method: str = "POST") -> Request:
    return Request(method=method, url=url, headers=headers, body=body, received_at=NOW)


def signed(name: str, word: str = "one", at: datetime = NOW) -> dict[str, str]:
    return sign(
        manifest(SCHEMES[name]), source(secret_of(name, word)), method="POST", url=URL, body=BODY, timestamp=at, id="e1"
    )


def check(name: str, headers: dict[str, str], *secrets: str, **changed: Any) -> None:
    verify(manifest(SCHEMES[name]), source(*(secrets or (secret_of(name),))), request(headers, **changed), NOW)


@pytest.mark.parametrize("name", SCHEMES)
def test_a_delivery_of_the_vendor_is_accepted(name: str) -> None:
    check(name, signed(name))


@pytest.mark.parametrize("name", SCHEMES)
def test_two_secrets_are_valid_while_one_is_replaced(name: str) -> None:
    check(name, signed(name, "old"), secret_of(name, "new"), secret_of(name, "old"))
    check(name, signed(name, "new"), secret_of(name, "new"), secret_of(name, "old"))


@pytest.mark.parametrize("name", SCHEMES)
def test_another_secret_is_refused(name: str) -> None:
    with pytest.raises(NotAuthentic, match="desk: the signature does not match"):
        check(name, signed(name, "forged"))


@pytest.mark.parametrize("name", OVER_THE_BODY)
@pytest.mark.parametrize("body", [BODY + b" ", b"", BODY[:-1]])
def test_a_changed_body_is_refused(name: str, body: bytes) -> None:
    with pytest.raises(NotAuthentic, match="does not match"):
        check(name, signed(name), body=body)


def test_a_changed_url_method_or_id_is_refused_where_it_is_signed() -> None:
    headers = signed("hmac_all")
    for changed in ({"url": URL + "?a=1"}, {"method": "PUT"}):
        with pytest.raises(NotAuthentic, match="does not match"):
            check("hmac_all", headers, **changed)
    with pytest.raises(NotAuthentic, match="does not match"):
        check("hmac_all", headers | {"x-id": "e2"})


@pytest.mark.parametrize("name", SCHEMES)
def test_a_missing_or_empty_header_is_refused(name: str) -> None:
    headers = signed(name)
    for header in headers:
        for broken in ({k: v for k, v in headers.items() if k != header}, headers | {header: " "}):
            with pytest.raises(NotAuthentic, match="missing or empty"):
                check(name, broken)


def test_a_secret_in_the_url_is_compared_as_it_is() -> None:
    rules = manifest(Signature(scheme="query", parameter="key"))
    both = source("first & one", "second")
    for url in (f"{URL}?key=first+%26+one", f"{URL}?a=1&key=second"):
        verify(rules, both, request({}, url=url), NOW)
    for url, reason in (
        (f"{URL}?key=third", "does not match"),
        (f"{URL}?key=third&key=second", "does not match"),
        (f"{URL}?key=%ff", "does not match"),
        (f"{URL}?key=", "missing or empty"),
        (f"{URL}?other=second", "missing or empty"),
        (URL, "missing or empty"),
    ):
        with pytest.raises(NotAuthentic, match=reason):
            verify(rules, both, request({}, url=url), NOW)
    with pytest.raises(ConfigError, match="no scheme to sign with"):
        sign(rules, both, method="POST", url=URL, body=b"", timestamp=NOW, id="1")
    with pytest.raises(ConfigError, match="parameter"):
        check_signature(Signature(scheme="query"), "adapters/desk/manifest.yaml")


@pytest.mark.parametrize("name", TIMED)
@pytest.mark.parametrize(("seconds", "reason"), [(-301, "older than 300"), (301, "ahead")])
def test_a_stale_or_future_delivery_is_refused(name: str, seconds: int, reason: str) -> None:
    with pytest.raises(NotAuthentic, match=reason):
        check(name, signed(name, at=NOW + timedelta(seconds=seconds)))
    check(name, signed(name, at=NOW + timedelta(seconds=seconds // 301 * 300)))


@pytest.mark.parametrize("name", TIMED)
@pytest.mark.parametrize("stamp", ["soon", "9" * 400, "2026-11-21", "-", "1e9", "٣"])
def test_a_timestamp_that_cannot_be_read_is_refused(name: str, stamp: str) -> None:
    headers = signed(name)
    header = next(h for h in headers if "timestamp" in h or h == "x-packed")
    with pytest.raises(NotAuthentic):
        check(name, headers | {header: f"t={stamp},v1=00" if name == "packed" else stamp})


@pytest.mark.parametrize("name", SCHEMES)
def test_without_a_secret_nothing_is_accepted_and_the_setting_is_named(name: str) -> None:
    for settings in ({}, {"webhook_secret": ""}, {"webhook_secret": ("", "")}):
        empty = Source(name="desk", adapter="desk", settings=settings)  # type: ignore[arg-type]  # a union of dicts
        with pytest.raises(NotAuthentic, match="desk: the setting webhook_secret is empty"):
            verify(manifest(SCHEMES[name]), empty, request(signed(name)), NOW)


@pytest.mark.parametrize("name", SCHEMES)
def test_bytes_that_are_no_text_are_refused_like_any_other(name: str) -> None:
    for header in signed(name):
        for odd in ("\udcff", "ü=,v1,é", "v1,", "t=,v1=", "Basic", "Basic ü", "sha1=", "Token"):
            with pytest.raises(NotAuthentic):
                check(name, signed(name) | {header: odd})


def test_a_signature_without_its_prefix_is_refused() -> None:
    headers = signed("hmac_hex")
    with pytest.raises(NotAuthentic, match="does not start with sha1="):
        check("hmac_hex", {"x-hub-signature": headers["x-hub-signature"].removeprefix("sha1=")})


def test_hex_is_read_in_either_case() -> None:
    name, value = next(iter(signed("hmac_hex").items()))
    check("hmac_hex", {name: "sha1=" + value.removeprefix("sha1=").upper()})


def test_an_adapter_that_checks_for_itself_or_declares_nothing_fails_closed() -> None:
    for signature, reason in ((None, "declares no signature"), (Signature(scheme="own"), "does not check")):
        with pytest.raises(NotAuthentic, match=reason):
            verify(manifest(signature), source("s"), request({}), NOW)
        with pytest.raises(ConfigError, match="no scheme to sign with"):
            sign(manifest(signature), source("s"), method="POST", url=URL, body=b"", timestamp=NOW, id="1")


def test_nothing_is_signed_without_a_secret() -> None:
    with pytest.raises(ConfigError, match="webhook_secret: is empty"):
        sign(manifest(SCHEMES["basic"]), source(), method="POST", url=URL, body=b"", timestamp=NOW, id="1")


def test_hubspots_published_v3_example_verifies() -> None:
    """hubspot-api-python, tests/spec/utils/test_signature.py."""
    hubspot = Signature(
        scheme="hmac",
        setting="client_secret",
        header="x-hubspot-signature-v3",
        signed="{method}{url}{body}{timestamp}",
        timestamp_header="x-hubspot-request-timestamp",
        timestamp_unit="ms",
    )
    headers = {
        "x-hubspot-signature-v3": "HPW73RUtKmcYoEDADG0s6MmGFWUzWJKAW07r8RDgcQw=",
        "x-hubspot-request-timestamp": "15000000",
    }
    example = request(headers, body=b"{'example_field':'example_value'}", url="https://www.example.com/webhook_uri")
    at = datetime(1970, 1, 1, 4, 10, 30, tzinfo=timezone.utc)
    hub = source("yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", setting="client_secret")
    verify(manifest(hubspot), hub, example, at)
    with pytest.raises(NotAuthentic, match="older than 300"):
        verify(manifest(hubspot), hub, example, at + timedelta(minutes=5))


def test_zendesk_as_documented_verifies() -> None:
    """base64(HMAC-SHA256(secret, timestamp + body)), computed here without the code under test.

    https://developer.zendesk.com/documentation/webhooks/verifying/
    """
    stamp, body = "2026-11-21T11:58:10Z", b'{"id":"35436"}'
    mac = hmac.new(b"zendesk secret", stamp.encode() + body, hashlib.sha256).digest()
    headers = {"x-signature": base64.b64encode(mac).decode(), "x-timestamp": stamp}
    verify(manifest(SCHEMES["hmac_iso"]), source("zendesk secret"), request(headers, body=body), NOW)


def test_the_packed_header_is_what_its_senders_document() -> None:
    """hex(HMAC-SHA256(secret, timestamp + "." + body)), several v1 while the sender rotates."""
    stamp = str(int(NOW.timestamp()))
    mac = hmac.new(b"key", f"{stamp}.".encode() + BODY, hashlib.sha256).hexdigest()
    verify(manifest(SCHEMES["packed"]), source("key"), request({"x-packed": f"t={stamp}, v1=00, v1={mac}, v0=1"}), NOW)


def test_standard_webhooks_agrees_with_the_reference_library() -> None:
    judge = Webhook(STANDARD_SECRET)
    at = datetime.now(timezone.utc)
    desk, desk_manifest = source(STANDARD_SECRET), manifest(SCHEMES["standard_webhooks"])
    ours = sign(desk_manifest, desk, method="POST", url=URL, body=BODY, timestamp=at, id="msg_1")
    assert judge.verify(BODY, ours) == {"name": "Jörg", "n": 1}
    theirs = {
        "webhook-id": "msg_2",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": "v1a,zzz " + judge.sign("msg_2", at, BODY.decode()),
    }
    verify(desk_manifest, desk, request(theirs), at)
    for broken in (theirs | {"webhook-id": "msg_3"}, theirs | {"webhook-signature": "v1,AAAA"}):
        with pytest.raises(WebhookVerificationError):
            judge.verify(BODY, broken)
        with pytest.raises(NotAuthentic):
            verify(desk_manifest, desk, request(broken), at)


@pytest.mark.parametrize("secret", ["whsec_", "whsec_!!!", "plain text!"])
def test_a_secret_that_is_no_standard_webhooks_secret_accepts_nothing(secret: str) -> None:
    with pytest.raises(NotAuthentic, match="must be whsec_ and base64"):
        check("standard_webhooks", signed("standard_webhooks"), secret)


@pytest.mark.parametrize(
    ("signature", "where"),
    [
        (Signature(scheme="hmac"), "signature.header"),
        (Signature(scheme="packed"), "signature.header"),
        (Signature(scheme="hmac", header="x", signed="{bodi}"), "signature.signed"),
        (Signature(scheme="hmac", header="x", signed="{url}"), "signature.signed"),
        (Signature(scheme="hmac", header="x", signed="{timestamp}{body}"), "signature.timestamp_header"),
        (Signature(scheme="hmac", header="x", signed="{id}{body}"), "signature.id_header"),
        (Signature(scheme="hmac", header="x", timestamp_header="t"), "signature.signed"),
    ],
)
def test_a_signature_that_could_protect_nothing_is_a_fault_in_the_manifest(signature: Signature, where: str) -> None:
    with pytest.raises(ConfigError) as problem:
        check_signature(signature, "manifest.yaml")
    assert problem.value.where == f"manifest.yaml: {where}"


@pytest.mark.parametrize("name", SCHEMES)
def test_the_schemes_of_these_tests_are_sound(name: str) -> None:
    check_signature(SCHEMES[name], "manifest.yaml")
