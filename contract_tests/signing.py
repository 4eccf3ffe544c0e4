"""Signs deliveries as vendors document it; shares nothing with `bridge.adapter.signatures`, which checks them."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime

from bridge.adapter.manifest import Manifest, Signature


def sign(
    manifest: Manifest, secret: str, *, method: str, url: str, body: bytes, at: datetime, id: str
) -> dict[str, str]:
    """The headers with which the vendor sends `body` at `at`: none where the secret stands in the URL.

    Raises LookupError for a scheme of its own.
    """
    signature = manifest.signature
    if signature is None or signature.scheme == "own":
        raise LookupError(f"{manifest.name} signs in a way of its own: contract_tests/fakes/{manifest.name}.py does it")
    stamp = _stamp(signature, at)
    match signature.scheme:
        case "header":
            return {signature.header.lower(): signature.prefix + secret}
        case "query":
            return {}
        case "basic":
            return {"authorization": "Basic " + base64.b64encode(secret.encode()).decode()}
        case "packed":
            mac = hmac.digest(secret.encode(), stamp.encode() + b"." + body, signature.digest).hex()
            return {signature.header.lower(): f"t={stamp},v1={mac}"}
        case "standard_webhooks":
            key = base64.b64decode(secret.removeprefix("whsec_") + "==")  # the padding may be left out
            mac64 = base64.b64encode(hmac.digest(key, f"{id}.{stamp}.".encode() + body, "sha256")).decode()
            names = (signature.id_header, signature.timestamp_header, signature.header)
            usual = ("webhook-id", "webhook-timestamp", "webhook-signature")
            return {
                name.lower() or other: said
                for name, other, said in zip(names, usual, (id, stamp, f"v1,{mac64}"), strict=True)
            }
    signed = b""
    for part in signature.signed.replace("}", "{").split("{"):
        signed += (
            body
            if part == "body"
            else {"method": method, "url": url, "timestamp": stamp, "id": id}.get(part, part).encode()
        )
    digest = hmac.new(secret.encode(), signed, getattr(hashlib, signature.digest)).digest()
    text = digest.hex() if signature.encoding == "hex" else base64.b64encode(digest).decode()
    headers = {signature.header: signature.prefix + text, signature.timestamp_header: stamp, signature.id_header: id}
    return {name.lower(): value for name, value in headers.items() if name}


def _stamp(signature: Signature, at: datetime) -> str:
    unit = signature.timestamp_unit if signature.scheme == "hmac" else "s"
    if unit == "iso":
        return at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(int(at.timestamp() * (1000 if unit == "ms" else 1)))
