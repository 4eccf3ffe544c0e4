"""Who vouches for a delivery: the signature schemes that a manifest can declare, checked over the raw bytes."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from urllib.parse import parse_qsl, urlsplit

from bridge.adapter.delivery import Request
from bridge.adapter.manifest import Manifest, Signature
from bridge.adapter.source import Source
from bridge.errors import ConfigError, NotAuthentic

_PLACES = ("method", "url", "timestamp", "id", "body")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def verify(manifest: Manifest, source: Source, request: Request, now: datetime) -> None:
    """Raise NotAuthentic, with a plain reason, unless one of the source's secrets vouches for `request`.

    Every secret of the signature's setting is valid, so that one can be rotated. Without a secret nothing is accepted.
    Where the scheme signs a timestamp, one older or further ahead of `now` than the tolerance is refused.
    """
    signature = manifest.signature
    if signature is None:
        raise NotAuthentic(f"{source.name}: {manifest.name} declares no signature, so no delivery can be checked")
    if signature.scheme == "own":
        raise NotAuthentic(f"{source.name}: the adapter {manifest.name} does not check its signature")
    secrets = source.secrets(signature.setting)
    if not secrets:
        raise NotAuthentic(f"{source.name}: the setting {signature.setting} is empty, so nothing can be checked")
    try:
        _SCHEMES[signature.scheme](signature, secrets, request, now)
    except NotAuthentic as reason:
        raise NotAuthentic(f"{source.name}: {reason}") from None


def sign(
    manifest: Manifest, source: Source, *, method: str, url: str, body: bytes, timestamp: datetime, id: str
) -> dict[str, str]:
    """The headers with which the vendor would send `body` at `timestamp`, signed with the source's first secret.

    For samples and tests. Raises ConfigError without a secret, and for the schemes `own` and `query` (no header).
    """
    signature = manifest.signature
    if signature is None or signature.scheme in ("own", "query"):
        raise ConfigError(f"adapters/{manifest.name}/manifest.yaml: signature", "declares no scheme to sign with")
    secrets = source.secrets(signature.setting)
    if not secrets:
        raise ConfigError(f"sources.yaml: {source.name}.settings.{signature.setting}", "is empty")
    secret = secrets[0]
    match signature.scheme:
        case "header":
            return {signature.header.lower(): signature.prefix + secret}
        case "basic":
            return {"authorization": "Basic " + base64.b64encode(secret.encode()).decode()}
        case "packed":
            stamp = _stamp(timestamp, "s")
            mac = hmac.new(secret.encode(), f"{stamp}.".encode() + body, signature.digest).hexdigest()
            return {signature.header.lower(): f"t={stamp},v1={mac}"}
        case "standard_webhooks":
            stamp = _stamp(timestamp, "s")
            mac64 = _encoded(_standard_key(secret), f"{id}.{stamp}.".encode() + body, "sha256", "base64")
            names = _standard_names(signature)
            return dict(zip(names, (id, stamp, f"v1,{mac64}"), strict=True))
    stamp = _stamp(timestamp, signature.timestamp_unit)
    signed = _signed(signature.signed, method=method, url=url, timestamp=stamp, id=id, body=body)
    value = signature.prefix + _encoded(secret.encode(), signed, signature.digest, signature.encoding)
    headers = {signature.header.lower(): value}
    if signature.timestamp_header:
        headers[signature.timestamp_header.lower()] = stamp
    if signature.id_header:
        headers[signature.id_header.lower()] = id
    return headers


def check_signature(signature: Signature, where: str) -> None:
    """Raise ConfigError naming `where` for a signature that could never be checked as it is declared."""
    if signature.scheme in ("hmac", "packed", "header") and not signature.header:
        raise ConfigError(f"{where}: signature.header", f"the scheme {signature.scheme} needs the header's name")
    if signature.scheme == "query" and not signature.parameter:
        raise ConfigError(f"{where}: signature.parameter", "the scheme query needs the parameter's name")
    if signature.scheme == "hmac":
        places = set(re.findall(r"\{([^{}]*)\}", signature.signed))
        if unknown := sorted(places - set(_PLACES)):
            raise ConfigError(f"{where}: signature.signed", f"{{{unknown[0]}}} is not one of {', '.join(_PLACES)}")
        if "body" not in places:
            raise ConfigError(f"{where}: signature.signed", "{body} is missing, so any body would be accepted")
        for place, header in (("timestamp", signature.timestamp_header), ("id", signature.id_header)):
            if place in places and not header:
                raise ConfigError(f"{where}: signature.{place}_header", f"is missing, but {{{place}}} is signed")
        if signature.timestamp_header and "timestamp" not in places:
            raise ConfigError(f"{where}: signature.signed", "{timestamp} is missing, so any time would be accepted")


def _hmac(signature: Signature, secrets: tuple[str, ...], request: Request, now: datetime) -> None:
    given = _header(request, signature.header)
    stamp = identity = ""
    if signature.timestamp_header:
        stamp = _header(request, signature.timestamp_header)
        _fresh(stamp, signature.timestamp_unit, signature.tolerance_seconds, now)
    if signature.id_header:
        identity = _header(request, signature.id_header)
    if not given.startswith(signature.prefix):
        raise NotAuthentic(f"the header {signature.header} does not start with {signature.prefix}")
    given = given[len(signature.prefix) :]
    signed = _signed(
        signature.signed, method=request.method, url=request.url, timestamp=stamp, id=identity, body=request.body
    )
    keys = [secret.encode() for secret in secrets]
    _compare([given], [_encoded(key, signed, signature.digest, signature.encoding) for key in keys], signature.encoding)


def _standard(signature: Signature, secrets: tuple[str, ...], request: Request, now: datetime) -> None:
    """https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"""
    id_name, stamp_name, signature_name = _standard_names(signature)
    identity, stamp = _header(request, id_name), _header(request, stamp_name)
    given = [one.removeprefix("v1,") for one in _header(request, signature_name).split() if one.startswith("v1,")]
    _fresh(stamp, "s", signature.tolerance_seconds, now)
    try:
        keys = [_standard_key(secret) for secret in secrets]
    except ValueError:
        raise NotAuthentic(f"the setting {signature.setting} must be whsec_ and base64 (Standard Webhooks)") from None
    signed = f"{identity}.{stamp}.".encode("utf-8", "surrogateescape") + request.body
    _compare(given, [_encoded(key, signed, "sha256", "base64") for key in keys], "base64")


def _packed(signature: Signature, secrets: tuple[str, ...], request: Request, now: datetime) -> None:
    parts = [part.strip().partition("=") for part in _header(request, signature.header).split(",")]
    stamp = next((value for name, _, value in parts if name == "t"), "")
    given = [value for name, _, value in parts if name == "v1" and value]
    if not stamp:
        raise NotAuthentic(f"the header {signature.header} carries no timestamp")
    _fresh(stamp, "s", signature.tolerance_seconds, now)
    signed = stamp.encode("utf-8", "surrogateescape") + b"." + request.body
    _compare(given, [_encoded(secret.encode(), signed, signature.digest, "hex") for secret in secrets], "hex")


def _shared(signature: Signature, secrets: tuple[str, ...], request: Request, now: datetime) -> None:
    given = _header(request, signature.header)
    _compare([given], [signature.prefix + secret for secret in secrets], "as it is")


def _query(signature: Signature, secrets: tuple[str, ...], request: Request, now: datetime) -> None:
    name = signature.parameter
    given = [value for key, value in parse_qsl(urlsplit(request.url).query, errors="surrogateescape") if key == name]
    if not given:
        raise NotAuthentic(f"the parameter {name} of the URL is missing or empty")
    _compare(given[:1], list(secrets), "as it is")


def _basic(signature: Signature, secrets: tuple[str, ...], request: Request, now: datetime) -> None:
    scheme, _, given = _header(request, "authorization").partition(" ")
    if scheme.lower() != "basic":
        raise NotAuthentic("the header authorization is not HTTP Basic")
    _compare([given.strip()], [base64.b64encode(secret.encode()).decode() for secret in secrets], "as it is")


_SCHEMES = {
    "hmac": _hmac,
    "standard_webhooks": _standard,
    "packed": _packed,
    "header": _shared,
    "basic": _basic,
    "query": _query,
}


def _header(request: Request, name: str) -> str:
    value = request.headers.get(name.lower(), "").strip()
    if not value:
        raise NotAuthentic(f"the header {name} is missing or empty")
    return value


def _compare(given: list[str], expected: list[str], encoding: str) -> None:
    """Compare each with each, all of them, in constant time."""
    good = False
    for one in given:
        said = (one.lower() if encoding == "hex" else one).encode("utf-8", "surrogateescape")
        for other in expected:
            good |= hmac.compare_digest(said, other.encode())
    if not good:
        raise NotAuthentic("the signature does not match: wrong secret, or the body or URL was changed on its way")


def _fresh(stamp: str, unit: str, tolerance: int, now: datetime) -> None:
    try:
        if unit == "iso":
            at = datetime.fromisoformat(stamp)
        else:
            at = _EPOCH + timedelta(seconds=int(stamp)) if unit == "s" else _EPOCH + timedelta(milliseconds=int(stamp))
        age = (now - at).total_seconds()
    except (ValueError, OverflowError, TypeError):
        raise NotAuthentic("the timestamp cannot be read") from None
    if age > tolerance:
        raise NotAuthentic(f"the timestamp is older than {tolerance} seconds")
    if age < -tolerance:
        raise NotAuthentic(f"the timestamp is more than {tolerance} seconds ahead: check the clock of this machine")


def _stamp(at: datetime, unit: str) -> str:
    if unit == "iso":
        return at.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str((at - _EPOCH) // timedelta(seconds=1) if unit == "s" else (at - _EPOCH) // timedelta(milliseconds=1))


def _encoded(key: bytes, signed: bytes, digest: str, encoding: str) -> str:
    mac = hmac.new(key, signed, getattr(hashlib, digest))
    return mac.hexdigest() if encoding == "hex" else base64.b64encode(mac.digest()).decode()


@lru_cache(maxsize=64)
def _pieces(template: str) -> tuple[str, ...]:
    return tuple(piece for piece in re.split(rf"(\{{(?:{'|'.join(_PLACES)})\}})", template) if piece)


def _signed(template: str, *, body: bytes, **places: str) -> bytes:
    """The bytes that are signed: the template with its places filled, the body as it came."""

    def fill() -> Iterator[bytes]:
        for piece in _pieces(template):
            name = piece[1:-1]
            if piece == "{body}":
                yield body
            elif piece[0] == "{" and name in places:
                yield places[name].encode("utf-8", "surrogateescape")
            else:
                yield piece.encode()

    return b"".join(fill())


def _standard_names(signature: Signature) -> tuple[str, str, str]:
    return (
        (signature.id_header or "webhook-id").lower(),
        (signature.timestamp_header or "webhook-timestamp").lower(),
        (signature.header or "webhook-signature").lower(),
    )


def _standard_key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error as problem:
        raise ValueError(str(problem)) from None
    if not key:
        raise ValueError("empty")
    return key
