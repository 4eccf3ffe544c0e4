"""An Asterisk's traces for tests: its adapter on a folder of files, and what comes of all it tells of one call."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import httpx

from bridge.adapter import registry
from bridge.adapter.base import Adapter, Item, Request
from bridge.adapter.client import Client, open_client
from bridge.intake.records import decode, fold, version
from bridge.model import Entry, Interaction

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)
SECRET = "whsec_c2VjcmV0LW9mLXRoZS1mb3J3YXJkZXI="


def adapter(**settings: object) -> Adapter:
    """An adapter whose trunk is PJSIP/provider, with `settings` over that."""
    given = {"trunks": ["PJSIP/provider"], "webhook_secret": SECRET, "ari_password": "ari-password-55e1", **settings}
    form = {"adapter": "asterisk", "time_zone": "UTC", "settings": {n: v for n, v in given.items() if v is not None}}
    found = registry.load_registry(ROOT / "adapters", ROOT / "mappings", {"sources": {"pbx": form}}, {})
    return found.adapter("pbx")


def client(of: Adapter, transport: httpx.AsyncBaseTransport | None = None) -> Client:
    """Its client, whose clock stands at NOW."""
    return open_client(of, transport=transport, clock=NOW.timestamp)


async def read_all(of: Adapter, stream: str, cursor: str = "", now: datetime = NOW) -> tuple[list[Item], str]:
    """What is new in a file, and the cursor behind it."""
    items: list[Item] = []
    more = True
    while more:
        page = await of.page(client(of), stream, cursor, now)
        items += page.items
        cursor, more = page.cursor, page.more
    return items, cursor


def entries(of: Adapter, items: list[Item]) -> list[Entry]:
    return [one for item in items for one in of.read(item) if isinstance(one, Entry)]


def calls(of: Adapter, items: list[Item]) -> dict[str, Interaction]:
    """The interactions that all items make together, by id."""
    known = [version(one, "pbx", known_at=0, arrival=0, delivery=None) for one in entries(of, items)]
    found = {}
    for number in {one.source_id for one in known}:
        current = fold(one for one in known if one.source_id == number)
        assert current is not None
        found[number] = decode(current)
    return found


def event(body: bytes) -> Request:
    """A delivery as the forwarder makes it, not signed."""
    return Request(method="POST", url="https://bridge.example.org/webhooks/pbx", headers={}, body=body, received_at=NOW)


def record(
    *,
    call: str = "1772442000.40",
    src: str = "+493055501234",
    dst: str = "s",
    channel: str = "PJSIP/provider-00000028",
    other: str = "",
    app: str = "Playback",
    data: str = "",
    start: str = "2026-03-02 09:00:00",
    end: str = "2026-03-02 09:01:00",
    disposition: str = "ANSWERED",
    userfield: str = "",
    name: str = "",
) -> str:
    """A line of Master.csv, without its end."""
    values = ["", src, dst, "inbound", f'"{name}" <{src}>', channel, other, app, data, start, start, end]
    numbers = [60, 60]
    rest = [disposition, "DOCUMENTATION", call, userfield, "", call]
    quoted = ['"' + value.replace('"', '""') + '"' for value in values]
    return ",".join([*quoted, *map(str, numbers), *(f'"{value}"' for value in rest), "1"])
