"""A configured Amazon Connect source for the tests beside this file, made as the bridge makes it."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import Any

from bridge.adapter.base import Adapter
from bridge.adapter.delivery import Item, Opened, Request
from bridge.adapter.registry import load_registry
from bridge.intake.records import fold, version
from bridge.model import Entry

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=timezone.utc)
SECRET = "an-access-key-of-firehose"
CONTACT = "5ca32fbd-8f92-4000-8000-000000000001"
SETTINGS: dict[str, Any] = {
    "webhook_secret": SECRET,
    "region": "eu-central-1",
    "instance_id": "9308c2a1-0000-4000-8000-00000000e001",
    "task_flow_id": "846ec553-0000-4000-8000-00000000f001",
    "access_key_id": "AKIDEXAMPLE",
    "secret_access_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
}


@cache
def _plain() -> Adapter:
    return make()


def make(mapping: dict[str, Any] | None = None, **settings: Any) -> Adapter:
    """The adapter of a source `ivr` with `settings` over the usual ones and `mapping` laid over its mapping."""
    given = {name: value for name, value in (SETTINGS | settings).items() if value is not None}
    form = {"adapter": "amazon_connect", "settings": given} | ({"mapping": mapping} if mapping else {})
    return load_registry(ROOT / "adapters", ROOT / "mappings", {"sources": {"ivr": form}}, {}).adapter("ivr")


def delivery(body: object, *, at: datetime = NOW) -> Request:
    """A delivery as AWS posts it."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"x-amz-firehose-access-key": SECRET, "content-type": "application/json"}
    return Request(method="POST", url="https://bridge.example/webhooks/ivr", headers=headers, body=raw, received_at=at)


def opened(body: object, adapter: Adapter | None = None) -> Opened:
    """What the bridge makes of a delivery before it keeps it."""
    adapter, request = adapter or _plain(), delivery(body)
    adapter.verify(request, NOW)
    return adapter.open(request)


def known(*bodies: object, adapter: Adapter | None = None) -> dict[str, Any]:
    """The one interaction that deliveries make together, as it would be stored."""
    adapter = adapter or _plain()
    items = [item for body in bodies for item in opened(body, adapter).items]
    entries = [one for item in items for one in adapter.read(item) if isinstance(one, Entry)]
    current = fold(version(one, "ivr", known_at=1, arrival=1, delivery=None) for one in entries)
    assert current is not None
    found: dict[str, Any] = json.loads(current.body)
    return found


def entries(*items: Item, adapter: Adapter | None = None) -> list[Entry]:
    """Everything that items say."""
    adapter = adapter or _plain()
    return [one for item in items for one in adapter.read(item) if isinstance(one, Entry)]


def in_base64(*objects: object, between: str = "") -> str:
    """The data of one Kinesis record."""
    return base64.b64encode(between.join(json.dumps(one) for one in objects).encode()).decode()


def record(**fields: Any) -> dict[str, Any]:
    """A contact record of a call that ended in the menu."""
    return {
        "AWSContactTraceRecordFormatVersion": "2017-03-10",
        "Agent": None,
        "Attributes": {},
        "Channel": "VOICE",
        "ContactId": CONTACT,
        "CustomerEndpoint": {"Address": "+493055501234", "Type": "TELEPHONE_NUMBER"},
        "DisconnectReason": "CUSTOMER_DISCONNECT",
        "DisconnectTimestamp": "2026-03-02T09:07:11Z",
        "InitiationMethod": "INBOUND",
        "InitiationTimestamp": "2026-03-02T09:00:00Z",
        "LastUpdateTimestamp": "2026-03-02T09:09:01Z",
        "Queue": None,
        "SystemEndpoint": {"Address": "+4930555010", "Type": "TELEPHONE_NUMBER"},
    } | fields


def event(kind: str, time: str, **detail: Any) -> dict[str, Any]:
    """A contact event in EventBridge's envelope."""
    told = {"contactId": CONTACT, "channel": "VOICE", "initiationMethod": "INBOUND", "eventType": kind}
    return {
        "id": f"event-{kind}",
        "detail-type": "Amazon Connect Contact Event",
        "source": "aws.connect",
        "time": time,
        "detail": told | {"initiationTimestamp": "2026-03-02T09:00:00Z"} | detail,
    }


def flow_event(**contact: Any) -> dict[str, Any]:
    """What a flow hands to a Lambda function."""
    data = {
        "Attributes": {},
        "Channel": "VOICE",
        "ContactId": CONTACT,
        "CustomerEndpoint": {"Address": "+493055501234", "Type": "TELEPHONE_NUMBER"},
        "InitiationMethod": "INBOUND",
        "Queue": None,
    }
    return {"Name": "ContactFlowEvent", "Details": {"ContactData": data | contact, "Parameters": {}}}
