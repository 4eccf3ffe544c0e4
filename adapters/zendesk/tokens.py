"""What authorises calls to Zendesk: an OAuth client's token, kept until it expires, or a legacy API token."""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from collections.abc import Callable

from bridge.adapter.client import Client
from bridge.adapter.source import Source
from bridge.errors import VendorRefused

_MARGIN = 60.0
"""Seconds before its end at which a token is no longer used."""
_JUST_NOW = 5.0
"""Seconds within which a renewed token is not renewed again: callers that were refused together share one."""


class Tokens:
    """One source's way to be let in, for what `scope` names. `clock` counts seconds, from any start."""

    def __init__(self, source: Source, *, scope: str = "read", clock: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._scope = scope
        self._clock = clock
        self._lock = asyncio.Lock()
        self._token = ""
        self._got = self._ends = float("-inf")

    async def headers(self, client: Client, *, renew: bool) -> dict[str, str]:
        """`Authorization` with a valid token; a new one when `renew` says that the last one was refused.

        Raises ConfigError where neither kind of credentials is set, VendorRefused where Zendesk does not give a token.
        """
        api_token = next(iter(self._source.secrets("api_token")), "")
        if api_token:
            # Legacy: Zendesk switches API tokens off on 30 April 2027.
            pair = f"{self._source.setting('email')}/token:{api_token}"
            return {"authorization": f"Basic {b64encode(pair.encode()).decode()}"}
        async with self._lock:
            now = self._clock()
            if now >= self._ends or (renew and now - self._got >= _JUST_NOW):
                await self._fetch(client)
            return {"authorization": f"Bearer {self._token}"}

    async def _fetch(self, client: Client) -> None:
        """https://developer.zendesk.com/documentation/authentication/"""
        answer = await client.call(
            "POST",
            "oauth/tokens",
            json={
                "grant_type": "client_credentials",
                "client_id": self._source.setting("client_id"),
                "client_secret": self._source.setting("client_secret"),
                "scope": self._scope,
            },
            authorise=False,
        )
        data = answer.data if isinstance(answer.data, dict) else {}
        token, lasts = data.get("access_token"), data.get("expires_in")
        if not isinstance(token, str) or not token:
            raise VendorRefused(self._source.name, "POST oauth/tokens was answered without a token")
        self._token, self._got = token, self._clock()
        self._ends = self._got + max(float(lasts) - _MARGIN, _JUST_NOW) if isinstance(lasts, int) else float("inf")
