"""What authorises calls to Salesforce: a token by client credentials or by a signed JWT, kept until it is refused.

https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_flows.htm
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import jwt

from bridge.adapter.client import Client
from bridge.adapter.source import Source
from bridge.errors import ConfigError, VendorRefused

_PATH = "services/oauth2/token"
_JUST_NOW = 5.0
"""Seconds within which a renewed token is not renewed again: callers that were refused together share one."""
_ASSERTION_SECONDS = 120
"""Salesforce takes no assertion that ends more than three minutes ahead."""


class Tokens:
    """One source's way to be let in. Tokens name no end: a 401 tells. `clock` counts seconds, from any start."""

    def __init__(self, source: Source, *, audience: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._audience = audience
        self._clock = clock
        self._lock = asyncio.Lock()
        self._token = ""
        self._got = float("-inf")

    async def headers(self, client: Client, *, renew: bool) -> dict[str, str]:
        """`Authorization` with a token; a new one when `renew` says that the last one was refused.

        Raises ConfigError where credentials are missing or unusable, VendorRefused where Salesforce gives no token.
        """
        async with self._lock:
            if not self._token or (renew and self._clock() - self._got >= _JUST_NOW):
                await self._fetch(client)
            return {"authorization": f"Bearer {self._token}"}

    async def _fetch(self, client: Client) -> None:
        private_key = next(iter(self._source.secrets("private_key")), "")
        form = self._assertion(client, private_key) if private_key else self._credentials()
        answer = await client.call("POST", _PATH, form=form, authorise=False)
        token = answer.data.get("access_token") if isinstance(answer.data, dict) else None
        if not isinstance(token, str) or not token:
            raise VendorRefused(self._source.name, f"POST {_PATH} was answered without a token")
        self._token, self._got = token, self._clock()

    def _credentials(self) -> dict[str, str]:
        return {
            "grant_type": "client_credentials",
            "client_id": self._source.setting("client_id"),
            "client_secret": self._source.setting("client_secret"),
        }

    def _assertion(self, client: Client, private_key: str) -> dict[str, str]:
        claims = {
            "iss": self._source.setting("client_id"),
            "sub": self._source.setting("username"),
            "aud": self._audience,
            "exp": int(client.now().timestamp()) + _ASSERTION_SECONDS,
        }
        try:
            signed = jwt.encode(claims, private_key, algorithm="RS256")
        except (jwt.PyJWTError, ValueError, TypeError):
            where = f"sources.yaml: sources.{self._source.name}.settings.private_key"
            raise ConfigError(where, "is no RSA private key in PEM form") from None
        return {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": signed}
