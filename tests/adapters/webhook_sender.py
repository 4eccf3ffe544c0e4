"""A configured webhook source for the tests beside this file, and who sends to it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from adapters.webhook.adapter import WebhookAdapter
from bridge.adapter.base import Adapter
from bridge.adapter.delivery import Item, Opened, Request
from bridge.adapter.manifest import load_manifest
from bridge.adapter.mapping import load_mapping
from bridge.adapter.source import Source
from bridge.model import Entry

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = load_manifest(ROOT / "adapters" / "webhook" / "manifest.yaml")
MAPPING = load_mapping(ROOT / "mappings" / "webhook.yaml")
DEFAULTS = {one.name: one.default for one in MANIFEST.settings if one.default is not None}
NOW = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)
STAMP = str(int(NOW.timestamp()))
KEY = b"an-inbound-key-of-thirty-bytes"
SECRET = "whsec_" + base64.b64encode(KEY).decode()


def make(mapping: Any = None, **settings: Any) -> Adapter:
    """The adapter of a source `hook` with `settings` over the manifest's defaults, and an overlay."""
    given = {name: tuple(one) if isinstance(one, list) else one for name, one in settings.items()}
    source = Source(name="hook", adapter="webhook", settings={"webhook_secret": SECRET, **DEFAULTS, **given})
    overlaid = load_mapping(ROOT / "mappings" / "webhook.yaml", mapping) if mapping else MAPPING
    return WebhookAdapter(source, MANIFEST, overlaid)


def request(body: Any, headers: dict[str, str], url: str = "https://bridge.example/webhooks/hook") -> Request:
    """A delivery with the given headers; `body` is bytes, or what is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Request(method="POST", url=url, headers=headers, body=content, received_at=NOW)


def signed(body: Any, number: str = "msg_1", family: str = "webhook") -> Request:
    """A delivery as a sender of Standard Webhooks signs it."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    mac = hmac.new(KEY, f"{number}.{STAMP}.".encode() + content, hashlib.sha256).digest()
    headers = {
        f"{family}-id": number,
        f"{family}-timestamp": STAMP,
        f"{family}-signature": f"v1,{base64.b64encode(mac).decode()}",
    }
    return request(content, headers)


def opened(adapter: Adapter, body: Any, number: str = "msg_1") -> Opened:
    """A signed delivery, verified and taken apart."""
    told = signed(body, number)
    adapter.verify(told, NOW)
    return adapter.open(told)


def entries(adapter: Adapter, *items: Item) -> list[Entry]:
    """Everything that items say."""
    return [one for item in items for one in adapter.read(item) if isinstance(one, Entry)]


def said(adapter: Adapter, body: Any) -> list[Entry]:
    """What a delivery says in all."""
    return entries(adapter, *opened(adapter, body).items)
