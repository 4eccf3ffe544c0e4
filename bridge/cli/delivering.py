"""A recorded delivery, posted to a running gateway as the vendor would post it."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import msgspec
from msgspec import Struct

from bridge.adapter.registry import load_registry
from bridge.adapter.signatures import sign
from bridge.errors import BadRequest
from bridge.sample import choose_sources
from bridge.settings import read_settings

SECONDS = 30


class Recorded(Struct, kw_only=True):
    """A delivery on disk, in the form of the contract's webhook fixtures."""

    body: Any = None
    raw_body: str | None = None
    headers: dict[str, str] = {}
    method: str = "POST"
    query: str = ""

    @property
    def content(self) -> bytes:
        """The bytes of the request."""
        return msgspec.json.encode(self.body) if self.raw_body is None else self.raw_body.encode()


def deliver(source: str, file: Path, url: str | None) -> tuple[int, str]:
    """Post the delivery in `file` for `source`; the gateway's status and words.

    It is signed anew with the source's first secret, or sent to the address that carries it. A vendor that signs in a
    way of its own cannot be imitated: then the headers of the file are sent as they are. Raises BadRequest for a file
    that is no delivery.
    """
    settings = read_settings()
    registry = load_registry(settings.adapters_dir, settings.mappings_dir, choose_sources(settings), os.environ)
    adapter = registry.adapter(source)
    try:
        recorded = msgspec.json.decode(file.read_bytes(), type=Recorded)
    except OSError as problem:
        raise BadRequest(f"{file}: {problem.strerror}") from None
    except msgspec.DecodeError as problem:
        raise BadRequest(f"{file}: is no recorded delivery: {problem}") from None
    signature = adapter.manifest.signature
    query = recorded.query
    if signature is not None and signature.scheme == "query":
        secret = urlencode({signature.parameter: adapter.source.setting(signature.setting)})
        query = "&".join(filter(None, (query, secret)))
    path = f"/webhooks/{source}" + (f"?{query}" if query else "")
    base = (url or f"http://127.0.0.1:{settings.port}").rstrip("/")
    headers = {"content-type": "application/json", **{name.lower(): one for name, one in recorded.headers.items()}}
    if signature is not None and signature.scheme not in ("own", "query"):
        headers |= sign(
            adapter.manifest,
            adapter.source,
            method=recorded.method,
            url=(settings.public_url or base).rstrip("/") + path,
            body=recorded.content,
            timestamp=datetime.now(timezone.utc),
            id=str(uuid4()),
        )
    try:
        answer = httpx.request(recorded.method, base + path, content=recorded.content, headers=headers, timeout=SECONDS)
    except httpx.HTTPError as problem:
        raise BadRequest(f"no gateway answers at {base} ({type(problem).__name__}); start it: `bridge run`") from None
    return answer.status_code, answer.text[:2000]
