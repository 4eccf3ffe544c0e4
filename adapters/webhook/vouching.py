"""How one source's sender vouches for its deliveries: the settings as the signature that a manifest would declare."""

from __future__ import annotations

import msgspec

from bridge.adapter.manifest import Signature
from bridge.adapter.signatures import check_signature
from bridge.adapter.source import Source
from bridge.errors import ConfigError

SCHEMES = ("standard_webhooks", "packed", "hmac", "header", "basic", "query")
_CHOICES = {
    "signature": SCHEMES,
    "signature_digest": ("sha256", "sha1", "sha512"),
    "signature_encoding": ("hex", "base64"),
}


def signature_of(source: Source) -> Signature:
    """The signature that the settings describe. Raises ConfigError naming the setting."""
    for name, words in _CHOICES.items():
        if source.setting(name, words[0]) not in words:
            raise ConfigError(_at(source, name), f"is none of {', '.join(words)}")
    scheme = source.setting("signature", SCHEMES[0])
    header = source.setting("signature_header", "").strip().lower()
    form = {
        "scheme": scheme,
        "header": header,
        "parameter": source.setting("signature_parameter", "").strip(),
        "prefix": source.setting("signature_prefix", ""),
        "digest": source.setting("signature_digest", "sha256"),
        "encoding": source.setting("signature_encoding", "hex"),
    }
    if scheme == "standard_webhooks" and header:
        family, dash, last = header.rpartition("-")
        if not dash or last != "signature":
            raise ConfigError(_at(source, "signature_header"), "ends in -signature, as svix-signature does")
        form |= {"id_header": f"{family}-id", "timestamp_header": f"{family}-timestamp"}
    signature = msgspec.convert(form, Signature)
    try:
        check_signature(signature, "")
    except ConfigError as problem:
        name = "signature_parameter" if scheme == "query" else "signature_header"
        raise ConfigError(_at(source, name), problem.what) from None
    return signature


def id_header(signature: Signature) -> str:
    """The header that holds the signed id of a delivery; "" where the scheme signs none."""
    return (signature.id_header or "webhook-id") if signature.scheme == "standard_webhooks" else ""


def timestamp_header(signature: Signature) -> str:
    """The header that holds the signed time of a delivery, in seconds since 1970, where the scheme has one."""
    return signature.timestamp_header or "webhook-timestamp"


def _at(source: Source, name: str) -> str:
    return f"sources.yaml: sources.{source.name}.settings.{name}"
