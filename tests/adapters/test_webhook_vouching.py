"""How a sender vouches for itself: each way that a setting can choose, and what is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import pytest

from bridge.adapter.delivery import Request
from bridge.errors import ConfigError, NotAuthentic
from tests.adapters.webhook_sender import KEY, NOW, STAMP, make, request, signed

BODY = b'{"type":"nps","score":9}'


def mac(content: bytes, digest: str = "sha256") -> str:
    return hmac.new(b"a-shared-secret", content, digest).hexdigest()


WAYS: list[tuple[dict[str, Any], Request]] = [
    ({"webhook_secret": "whsec_" + base64.b64encode(KEY).decode()}, signed(BODY)),
    (
        {"webhook_secret": base64.b64encode(KEY).decode(), "signature_header": "Svix-Signature"},
        signed(BODY, family="svix"),
    ),
    (
        {"signature": "packed", "signature_header": "X-Sender-Signature"},
        request(BODY, {"x-sender-signature": f"t={STAMP},v1={mac(STAMP.encode() + b'.' + BODY)},v0=old"}),
    ),
    (
        {"signature": "packed", "signature_header": "X-Sender-Signature", "signature_digest": "sha512"},
        request(BODY, {"x-sender-signature": f"t={STAMP},v1={mac(STAMP.encode() + b'.' + BODY, 'sha512')}"}),
    ),
    (
        {"signature": "hmac", "signature_header": "X-Signature", "signature_digest": "sha1"},
        request(BODY, {"x-signature": mac(BODY, "sha1")}),
    ),
    (
        {
            "signature": "hmac",
            "signature_header": "X-Hub-Signature-256",
            "signature_prefix": "sha256=",
            "signature_encoding": "base64",
        },
        request(
            BODY,
            {
                "x-hub-signature-256": "sha256="
                + base64.b64encode(hmac.new(b"a-shared-secret", BODY, hashlib.sha256).digest()).decode()
            },
        ),
    ),
    (
        {"signature": "header", "signature_header": "Authorization", "signature_prefix": "Bearer "},
        request(BODY, {"authorization": "Bearer a-shared-secret"}),
    ),
    (
        {"signature": "basic", "webhook_secret": "acme:a-shared-secret"},
        request(BODY, {"authorization": "Basic " + base64.b64encode(b"acme:a-shared-secret").decode()}),
    ),
    (
        {"signature": "query", "signature_parameter": "key"},
        request(BODY, {}, url="https://bridge.example/webhooks/hook?key=a-shared-secret"),
    ),
]


@pytest.mark.parametrize(("settings", "delivery"), WAYS)
def test_each_way_that_a_setting_chooses_is_accepted(settings: dict[str, Any], delivery: Request) -> None:
    adapter = make(**{"webhook_secret": "a-shared-secret", **settings})
    adapter.verify(delivery, NOW)
    assert [item.object for item in adapter.open(delivery).items] == ["nps"]


@pytest.mark.parametrize(("settings", "delivery"), WAYS)
def test_no_way_accepts_another_secret_or_a_delivery_of_another_way(
    settings: dict[str, Any], delivery: Request
) -> None:
    other = {"webhook_secret": "whsec_" + base64.b64encode(b"some-other-key-of-thirty-bytes").decode()}
    with pytest.raises(NotAuthentic):
        make(**{**settings, **other}).verify(delivery, NOW)
    chosen = {"webhook_secret": "a-shared-secret", **settings}
    others = [one for _, one in WAYS if one is not delivery]
    accepted = 0
    for one in others:
        try:
            make(**chosen).verify(one, NOW)
            accepted += 1
        except NotAuthentic:
            pass
    assert accepted == 0


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"signature": "own"}, "signature"),
        ({"signature": "none"}, "signature"),
        ({"signature": "packed"}, "signature_header"),
        ({"signature": "hmac"}, "signature_header"),
        ({"signature": "header"}, "signature_header"),
        ({"signature": "query"}, "signature_parameter"),
        ({"signature_header": "X-Sign"}, "signature_header"),
        ({"signature_header": "signature"}, "signature_header"),
        ({"signature_digest": "md5"}, "signature_digest"),
        ({"signature_encoding": "base32"}, "signature_encoding"),
    ],
)
def test_a_way_that_could_check_nothing_is_named_at_the_start(settings: dict[str, str], name: str) -> None:
    with pytest.raises(ConfigError, match=rf"sources\.yaml: sources\.hook\.settings\.{name}: "):
        make(**settings)
