"""The older signatures, and the URL as HubSpot signs it.

https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from urllib.parse import unquote

from bridge.adapter.delivery import Request
from bridge.errors import NotAuthentic

VERSIONS = ("v3", "v2", "v1")
_ESCAPES = re.compile("%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)


def signed_urls(url: str) -> list[str]:
    """The forms in which the URL may have been signed: with HubSpot's twelve escapes decoded, as its page says, and as
    it is, as HubSpot's own libraries do."""
    return list(dict.fromkeys((_ESCAPES.sub(lambda found: unquote(found[0]), url), url)))


def check_older(request: Request, secrets: Iterable[str], versions: Iterable[str]) -> None:
    """Raise NotAuthentic unless a signature of version 2 or 1, of those in `versions`, is good.

    They are plain digests without a time: whoever holds an old delivery can send it again.
    """
    version = request.headers.get("x-hubspot-signature-version", "").strip().lower()
    given = request.headers.get("x-hubspot-signature", "").strip().lower().encode("utf-8", "surrogateescape")
    if version not in versions or version not in VERSIONS[1:] or not given:
        raise NotAuthentic("the delivery carries no signature of a version that the setting signature_versions allows")
    heads = [""] if version == "v1" else [request.method + url for url in signed_urls(request.url)]
    good = False
    for secret in secrets:
        for head in heads:
            signed = (secret + head).encode("utf-8", "surrogateescape") + request.body
            good |= hmac.compare_digest(given, hashlib.sha256(signed).hexdigest().encode())
    if not good:
        raise NotAuthentic("the signature does not match: wrong secret, or the body or URL was changed on its way")
