"""A configured Twilio source for the tests beside this file, made as the bridge makes it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bridge.adapter.base import Adapter
from bridge.adapter.delivery import Item, Request
from bridge.adapter.registry import load_registry
from bridge.intake.records import fold, version
from bridge.model import Entry

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 5, 4, 12, 0, tzinfo=timezone.utc)
ACCOUNT = "AC0123456789abcdef0123456789abcdef"
TOKEN = "an-auth-token"
CALL = "CA0123456789abcdef0123456789abcdef"
URL = "https://bridge.example/webhooks/ivr"
FORM = {"content-type": "application/x-www-form-urlencoded"}


@cache
def _plain() -> Adapter:
    return make()


def make(**settings: Any) -> Adapter:
    """The adapter of a source `ivr` with `settings` over the usual ones."""
    given = {"account_sid": ACCOUNT, "auth_token": TOKEN} | settings
    sources = {"sources": {"ivr": {"adapter": "twilio", "settings": given}}}
    return load_registry(ROOT / "adapters", ROOT / "mappings", sources, {}).adapter("ivr")


def signed(url: str, form: Iterable[tuple[str, str]] = (), token: str = TOKEN) -> dict[str, str]:
    """The header as Twilio's documentation says it is made."""
    text = url + "".join(name + value for name, value in sorted(set(form)))
    digest = hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()
    return {"x-twilio-signature": base64.b64encode(digest).decode()}


def callback(query: str = "", *, url: str = URL, at: datetime = NOW, **said: str) -> Request:
    """A signed callback about CALL, as a form."""
    form = {"CallSid": CALL, "AccountSid": ACCOUNT, "CallStatus": "in-progress", "Direction": "inbound"} | said
    url = f"{url}?{query}" if query else url
    body = urlencode(form).encode()
    return Request(method="POST", url=url, headers=FORM | signed(url, form.items()), body=body, received_at=at)


def row(**fields: Any) -> dict[str, Any]:
    """A row of the calls list."""
    return {
        "sid": CALL,
        "date_created": "Mon, 04 May 2026 10:00:00 +0000",
        "date_updated": "Mon, 04 May 2026 10:05:01 +0000",
        "parent_call_sid": None,
        "from": "+493055501234",
        "to": "+4930555010",
        "status": "completed",
        "direction": "inbound",
        "start_time": "Mon, 04 May 2026 10:00:05 +0000",
        "end_time": "Mon, 04 May 2026 10:05:00 +0000",
        "queue_time": "0",
    } | fields


def items(told: Iterable[Item | Request], adapter: Adapter | None = None) -> list[Item]:
    """What the bridge would keep: requests are verified and opened first."""
    adapter = adapter or _plain()
    found: list[Item] = []
    for one in told:
        if isinstance(one, Request):
            adapter.verify(one, one.received_at)
            found += adapter.open(one).items
        else:
            found.append(one)
    return found


def entries(*told: Item | Request, adapter: Adapter | None = None) -> list[Entry]:
    """Everything that is said, in its order."""
    adapter = adapter or _plain()
    return [one for item in items(told, adapter) for one in adapter.read(item) if isinstance(one, Entry)]


def known(*told: Item | Request) -> str:
    """The body of the one interaction that all of it makes together, as it would be stored."""
    versions = [version(one, "ivr", known_at=1, arrival=1, delivery=None) for one in entries(*told)]
    current = fold(versions)
    assert current is not None
    return current.body
