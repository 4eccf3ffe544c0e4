"""What authorises calls to Genesys Cloud: an OAuth client's token, given by the login host and kept until it ends."""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from collections.abc import Callable

from bridge.adapter.client import Client
from bridge.adapter.source import Source
from bridge.errors import VendorRetryable

_MARGIN = 60.0
"""Seconds before its end at which a token is no longer used."""
_JUST_NOW = 5.0
"""Seconds within which a renewed token is not renewed again: callers that were refused together share one."""


class Tokens:
    """One source's tokens. `clock` counts seconds, from any start."""

    def __init__(self, source: Source, clock: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._clock = clock
        self._lock = asyncio.Lock()
        self._token = ""
        self._got = self._ends = float("-inf")

    async def headers(self, client: Client, *, renew: bool) -> dict[str, str]:
        """`Authorization` with a valid token; a new one when `renew` says that the last one was refused."""
        async with self._lock:
            now = self._clock()
            if now >= self._ends or (renew and now - self._got >= _JUST_NOW):
                await self._fetch(client)
            return {"authorization": f"Bearer {self._token}"}

    async def _fetch(self, client: Client) -> None:
        """https://developer.genesys.cloud/authorization/platform-auth/use-client-credentials"""
        pair = f"{self._source.setting('client_id').strip()}:{self._source.setting('client_secret').strip()}"
        answer = await client.call(
            "POST",
            f"https://login.{self._source.setting('region').strip()}/oauth/token",
            form={"grant_type": "client_credentials"},
            headers={"authorization": f"Basic {b64encode(pair.encode()).decode()}"},
            authorise=False,
        )
        data = answer.data if isinstance(answer.data, dict) else {}
        token, lasts = data.get("access_token"), data.get("expires_in")
        if not isinstance(token, str) or not token:
            raise VendorRetryable(self._source.name, "POST /oauth/token was answered without a token")
        self._token, self._got = token, self._clock()
        self._ends = self._got + (max(float(lasts) - _MARGIN, _JUST_NOW) if isinstance(lasts, int) else _MARGIN)
