"""AWS Signature Version 4: what proves to AWS who sends a request, and that nobody changed it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime, timezone
from urllib.parse import quote

from msgspec import Struct

_ALGORITHM = "AWS4-HMAC-SHA256"


class Signer(Struct, frozen=True):
    """Signs requests to one service in one region with one access key."""

    access_key_id: str
    secret_access_key: str
    region: str
    service: str

    def __repr__(self) -> str:
        return f"Signer({self.region}, {self.service})"

    def sign(
        self,
        method: str,
        host: str,
        path: str,
        *,
        at: datetime,
        query: Iterable[tuple[str, str]] = (),
        headers: dict[str, str] | None = None,
        body: bytes = b"",
    ) -> dict[str, str]:
        """`headers` with `x-amz-date` and `authorization`, which covers them all, the host and the body.

        `path` is the path as it is sent. `at` must be within five minutes of AWS' clock.
        """
        stamp = at.astimezone(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        given = {name.lower(): value for name, value in (headers or {}).items()} | {"x-amz-date": stamp}
        covered = dict(sorted({**given, "host": host}.items()))
        names = ";".join(covered)
        pairs = sorted((_encoded(name), _encoded(value)) for name, value in query)
        canonical = "\n".join(
            (
                method,
                quote(path, safe="/-_.~"),
                "&".join(f"{name}={value}" for name, value in pairs),
                *(f"{name}:{' '.join(value.split())}" for name, value in covered.items()),
                "",
                names,
                hashlib.sha256(body).hexdigest(),
            )
        )
        scope = f"{stamp[:8]}/{self.region}/{self.service}/aws4_request"
        signed = "\n".join((_ALGORITHM, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()))
        signature = _mac(self._key(stamp[:8]), signed).hex()
        credential = f"Credential={self.access_key_id}/{scope}"
        return {
            **given,
            "authorization": f"{_ALGORITHM} {credential}, SignedHeaders={names}, Signature={signature}",
        }

    def _key(self, day: str) -> bytes:
        key = f"AWS4{self.secret_access_key}".encode()
        for part in (day, self.region, self.service, "aws4_request"):
            key = _mac(key, part)
        return key


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def _encoded(text: str) -> str:
    return quote(text, safe="-_.~")
