"""X-Twilio-Signature: HMAC-SHA1 over the URL as Twilio called it, and the form's parameters in order.

https://www.twilio.com/docs/usage/security#validating-requests
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes, urlsplit, urlunsplit

from bridge.adapter.delivery import Request
from bridge.errors import BadRequest, NotAuthentic

HEADER = "x-twilio-signature"
MOST_PARAMETERS = 1000
_FORM = "application/x-www-form-urlencoded"
_DEFAULT_PORTS = {"https": "443", "http": "80"}

Pair = tuple[bytes, bytes]


def check(request: Request, tokens: Iterable[str]) -> None:
    """Raise NotAuthentic, with a plain reason, unless one of the account's auth `tokens` signed `request`.

    Raises BadRequest for a form of more parameters than anybody sends.
    """
    given = request.headers.get(HEADER, "").strip().encode("utf-8", "surrogateescape")
    if not given:
        raise NotAuthentic("the header X-Twilio-Signature is missing or empty")
    keys = [token.encode() for token in tokens]
    if not keys:
        raise NotAuthentic("the setting auth_token is empty, so nothing can be checked")
    parameters = _signed_parameters(request)
    good = False
    for url in _urls(request.url):
        signed = signed_bytes(url, parameters)
        for key in keys:
            good |= hmac.compare_digest(given, signature(key, signed))
    if not good:
        raise NotAuthentic(
            "the signature does not match: wrong auth token, or the address at Twilio is not exactly the public URL "
            "that is configured here"
        )


def signed_bytes(url: str, parameters: Iterable[Pair]) -> bytes:
    """What is signed: the URL, then each parameter's name and value, sorted by both, the same pair only once."""
    return url.encode("utf-8", "surrogateescape") + b"".join(name + value for name, value in sorted(set(parameters)))


def signature(token: bytes, signed: bytes) -> bytes:
    """The header's value."""
    return base64.b64encode(hmac.digest(token, signed, "sha1"))


def form_pairs(body: bytes) -> list[Pair]:
    """The parameters of a form or query, in their order, blank ones included. Raises BadRequest for too many."""
    parts = body.split(b"&", MOST_PARAMETERS)
    if len(parts) > MOST_PARAMETERS:
        raise BadRequest(f"the form has more than {MOST_PARAMETERS} parameters")
    cut = (part.partition(b"=") for part in parts if part)
    return [(_decoded(name), _decoded(value)) for name, _, value in cut]


def query_of(url: str) -> bytes:
    """The query of a URL, as it was sent."""
    return url.partition("?")[2].encode("utf-8", "surrogateescape")


def is_form(request: Request) -> bool:
    """Whether the body is a form; without any content type it is meant as one."""
    return request.headers.get("content-type", _FORM).partition(";")[0].strip().lower() == _FORM


def _decoded(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" "))


def _signed_parameters(request: Request) -> list[Pair]:
    """The form's parameters. Any other body must have its SHA-256 in the signed URL; none at all needs nothing."""
    if request.method != "GET" and is_form(request):
        return form_pairs(request.body)
    stated = [value for name, value in form_pairs(query_of(request.url)) if name == b"bodySHA256"]
    if stated or request.body:
        digest = hashlib.sha256(request.body).hexdigest().encode()
        if len(stated) != 1 or not hmac.compare_digest(digest, stated[0].lower()):
            raise NotAuthentic("the body is not the one whose bodySHA256 stands in the signed URL")
    return []


def _urls(url: str) -> list[str]:
    """The URL as it is, with its scheme's default port, and without a port: Twilio signs now one, now the other."""
    parts = urlsplit(url)
    host, _, port = parts.netloc.rpartition(":")
    if not (host and port.isdigit()):
        host, port = parts.netloc, _DEFAULT_PORTS.get(parts.scheme, "")
    return [url, *(urlunsplit(parts._replace(netloc=netloc)) for netloc in (f"{host}:{port}", host))]
