"""Twilio: what it says of calls, the calls list, and messages and calls to be made. README.md tells what to click."""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import date, datetime

from bridge.adapter.actions import ScheduleCallback, SendSms
from bridge.adapter.base import Adapter
from bridge.adapter.client import Client
from bridge.adapter.delivery import Item, Opened, Page, Receipt, Refetch, Request
from bridge.adapter.manifest import Manifest
from bridge.adapter.mapping import Mapping
from bridge.adapter.source import Source
from bridge.errors import NotAuthentic, VendorRefused
from bridge.model import Entry

from .actions import Actions
from .callbacks import open_callback
from .calls import Calls
from .listing import Listing
from .signature import check


class TwilioAdapter(Adapter):
    """One Twilio account or subaccount."""

    def __init__(self, source: Source, manifest: Manifest, mapping: Mapping) -> None:
        super().__init__(source, manifest, mapping)
        self._account = source.setting("account_sid").strip()
        if not re.fullmatch("AC[0-9a-fA-F]{32}", self._account):
            raise self.source.wrong("account_sid", "is no account SID: AC and 32 hexadecimal digits")
        self._key = source.optional("api_key_sid")
        if self._key and not re.fullmatch("SK[0-9a-fA-F]{32}", self._key):
            raise self.source.wrong("api_key_sid", "is no SID of an API key: SK and 32 hexadecimal digits")
        if self._key and not source.secrets("api_key_secret"):
            raise self.source.wrong("api_key_secret", "is missing, but api_key_sid is there")
        self._token = 0
        self._calls = Calls(source, mapping)
        self._listing = Listing(source.name, self._account, self._first())
        self._actions = Actions(source, self._account)

    def verify(self, request: Request, now: datetime) -> None:
        try:
            check(request, self.source.secrets("auth_token"))
        except NotAuthentic as reason:
            raise NotAuthentic(f"{self.source.name}: {reason}") from None

    def open(self, request: Request) -> Opened:
        return open_callback(request)

    def read(self, item: Item) -> list[Entry | Refetch]:
        return list(self._calls.read(item))

    async def page(self, client: Client, stream: str, cursor: str, now: datetime) -> Page:
        if stream != "calls":
            raise VendorRefused(self.source.name, f"has no stream {stream}")
        return await self._listing.page(client, cursor, now)

    async def send_sms(self, client: Client, args: SendSms, key: str) -> Receipt:
        return await self._actions.send_sms(client, args, key)

    async def schedule_callback(self, client: Client, args: ScheduleCallback, key: str) -> Receipt:
        return await self._actions.schedule_callback(client, args, key)

    async def headers(self, client: Client, *, renew: bool) -> dict[str, str]:
        """HTTP Basic with the API key, else with the account's auth token: while one is replaced, the next one after a
        refusal. Raises ConfigError where neither is set."""
        if self._key:
            return _basic(self._key, self.source.setting("api_key_secret"))
        tokens = self.source.secrets("auth_token")
        if not tokens:
            raise self.source.wrong("auth_token", "is missing, and there is no api_key_sid to read calls with")
        self._token = (self._token + renew) % len(tokens)
        return _basic(self._account, tokens[self._token])

    def _first(self) -> date | None:
        since = self.source.optional("since")
        try:
            return date.fromisoformat(since) if since else None
        except ValueError:
            raise self.source.wrong("since", "is not a date as 2024-01-31") from None


def _basic(user: str, password: str) -> dict[str, str]:
    return {"authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}
