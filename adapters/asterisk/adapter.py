"""Asterisk: call records and queue log as they grow, live events from a forwarder, callbacks over ARI."""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

import msgspec

from bridge.adapter.actions import ScheduleCallback, check_due
from bridge.adapter.base import Adapter
from bridge.adapter.client import Client
from bridge.adapter.delivery import Item, Opened, Page, Receipt, Refetch, Request
from bridge.adapter.manifest import Manifest
from bridge.adapter.mapping import Mapping
from bridge.adapter.source import Source
from bridge.errors import ConfigError, VendorRefused, VendorRetryable
from bridge.model import Entry

from .calls import OURS, Trunks, read_call
from .events import open_event
from .lines import Records, queue_item
from .logs import Line, Place, generations, read_on

PAGE_LINES = 500
SETTLED = 1.0
"""Seconds after which all records of a call have been written: Asterisk writes them together, when it ends."""
RING_SECONDS = 300
"""How long a callback waits for an employee."""


class Asterisk(Adapter):
    """One Asterisk server."""

    def __init__(self, source: Source, manifest: Manifest, mapping: Mapping) -> None:
        super().__init__(source, manifest, mapping)
        self._trunks = Trunks(source.secrets("trunks"))
        self._files = {
            "cdr": next(iter(source.secrets("cdr_file")), ""),
            "queue_log": next(iter(source.secrets("queue_log_file")), ""),
        }
        self._name_agents = not self._files["queue_log"]
        columns = [one.strip() for one in source.secrets("cdr_columns")]
        if columns and not {"channel", "dstchannel", "start", "end", "disposition"} <= {*columns}:
            where = f"sources.yaml: sources.{source.name}.settings.cdr_columns"
            raise ConfigError(where, "must name channel, dstchannel, start, end, disposition and uniqueid or linkedid")
        self._records = Records(
            self._trunks,
            columns,
            source.secrets("numbers"),
            source.setting("outside_prefix", ""),
            name_agents=self._name_agents,
        )

    def streams(self) -> tuple[str, ...]:
        """The files that are configured."""
        return tuple(name for name in self.manifest.streams if self._files[name])

    def open(self, request: Request) -> Opened:
        return open_event(request, self._trunks, name_agents=self._name_agents)

    def read(self, item: Item) -> list[Entry | Refetch]:
        return [read_call(self.mapping, item, self.source)]

    async def page(self, client: Client, stream: str, cursor: str, now: datetime) -> Page:
        """The next lines of a file. Raises VendorRetryable for one that is not there or cannot be read now."""
        if stream not in self.streams():
            raise VendorRefused(self.source.name, f"has no stream {stream}")
        return await asyncio.to_thread(self._page, stream, _place(cursor), now)

    def _page(self, stream: str, place: Place, now: datetime) -> Page:
        path = Path(self._files[stream])
        try:
            lines, more = read_on(path, place, PAGE_LINES)
            if not lines and not generations(path):
                raise self._missing(stream, path)
            if lines and stream == "cdr" and (more or _is_fresh(path, now)):
                lines = self._without_last_call(lines) or (lines if more else [])
        except OSError as problem:
            raise VendorRetryable(self.source.name, f"{stream}: {path} cannot be read: {problem.strerror}") from None
        items = [self._records.item(line) if stream == "cdr" else queue_item(line) for line in lines]
        place = lines[-1].after if lines else place
        text = msgspec.json.encode(place).decode()
        return Page(items=tuple(item for item in items if item is not None), cursor=text, more=more)

    def _missing(self, stream: str, path: Path) -> VendorRetryable:
        what = f"{stream}: {path} is not there; Asterisk makes it at the first call"
        return VendorRetryable(self.source.name, what)

    def _without_last_call(self, lines: list[Line]) -> list[Line]:
        """All lines but those of the last call, of which more may follow: what is said of a call is read at once."""
        last = self._records.call(lines[-1])
        while lines and self._records.call(lines[-1]) == last:
            lines = lines[:-1]
        return lines

    async def headers(self, client: Client, *, renew: bool) -> dict[str, str]:
        """HTTP Basic with the ARI user. Raises ConfigError without a password."""
        user, password = self.source.setting("ari_user"), self.source.setting("ari_password")
        return {"authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}

    async def schedule_callback(self, client: Client, args: ScheduleCallback, key: str) -> Receipt:
        """Offer the callback to an employee and, once one has picked up, dial the customer.

        Asterisk keeps nothing for later: before `at` this raises VendorRetryable with how long it
        still is, long after it VendorRefused.
        """
        check_due(self.source.name, args, client.now())
        queue = args.queue or next(iter(self.source.secrets("callback_queue")), "")
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,79}", queue):
            what = "schedule_callback: no queue is named that could be an extension"
            raise VendorRefused(self.source.name, what, about_us=True)
        channel = OURS + (key if re.fullmatch(r"[A-Za-z0-9_.:-]{1,100}", key) else _digest(key))
        call = {
            "endpoint": f"Local/{queue}@{self.source.setting('agent_context')}",
            "extension": args.phone,
            "context": self.source.setting("dial_context"),
            "priority": 1,
            "callerId": f'"{_plain(args.name)}" <{args.phone}>',
            "timeout": RING_SECONDS,
            "formats": "slin",
            "channelId": channel,
            "otherChannelId": f"{channel};2",
            "variables": {"BRIDGE_KEY": key, "BRIDGE_REASON": args.reason, "BRIDGE_CUSTOMER": args.customer},
        }
        try:
            await client.call("POST", "ari/channels", json=call)
        except VendorRefused as problem:
            if problem.status != 409:  # a channel of this id is there: an attempt before this one was heard after all
                raise
        return Receipt(reference=channel)


def _is_fresh(path: Path, now: datetime) -> bool:
    """Whether Asterisk may still be writing what it says of the last call."""
    return path.is_file() and 0 <= now.timestamp() - path.stat().st_mtime < SETTLED


def _place(cursor: str) -> Place:
    """The place that a cursor holds; the start for none, and for one that another version of this adapter wrote."""
    try:
        return msgspec.json.decode(cursor, type=Place) if cursor else Place()
    except msgspec.DecodeError:
        return Place()


def _digest(key: str) -> str:
    return blake2b(key.encode(), digest_size=16).hexdigest()


def _plain(name: str) -> str:
    """A name that breaks out of no caller id."""
    return re.sub(r'[\x00-\x1f"\\<>]', " ", name)[:79].strip()
