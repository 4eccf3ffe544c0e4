"""Actions as signed webhooks: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from bridge.adapter.client import Client
from bridge.adapter.delivery import Receipt
from bridge.adapter.manifest import ACTIONS
from bridge.adapter.source import Source
from bridge.errors import ConfigError, VendorRetryable

from .address import problem_of, refuse_private

_KEY_BYTES = range(24, 65)


class Outgoing:
    """Sends the actions of one source. Making one raises ConfigError naming the setting to mend."""

    def __init__(self, source: Source) -> None:
        self._source = source.name
        self.url = source.setting("url", "").strip()
        self._allowed = frozenset(host.strip().lower().strip("[]") for host in source.secrets("private_hosts"))
        if self.url and (problem := problem_of(self.url, self._allowed)):
            raise self._wrong("url", problem)
        self._keys = [self._key(secret) for secret in source.secrets("outgoing_secret")]
        if self.url and not self._keys:
            raise self._wrong("outgoing_secret", "is empty, and what is sent to url is always signed")
        self.actions = frozenset(source.secrets("actions")) or ACTIONS
        if unknown := sorted(self.actions - ACTIONS):
            raise self._wrong("actions", f"{unknown[0]} is no action; actions are {', '.join(sorted(ACTIONS))}")
        if not self.url:
            self.actions = frozenset()

    @property
    def origin(self) -> str:
        """Scheme, host and port of the address; "" where nothing is sent."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}" if self.url else ""

    async def send(self, client: Client, do: str, arguments: msgspec.Struct, key: str) -> Receipt:
        """Post one action; the body is the same for every attempt. Any 2xx means that it is done.

        Raises VendorRefused where the address has become a private one, and what `Client.call` raises.
        """
        await refuse_private(self._source, self.url, self._allowed)
        body = msgspec.json.encode({"id": key, "type": f"action.{do}", "data": msgspec.to_builtins(arguments)})
        number = quote(key, safe=":@!*'(),;").replace(".", "%2E")  # plain ASCII, and no full stop, as the standard asks
        stamp = str(int(client.now().timestamp()))
        headers = {
            "webhook-id": number,
            "webhook-timestamp": stamp,
            "webhook-signature": self._signatures(f"{number}.{stamp}.".encode() + body),
        }
        try:
            answer = await client.call("POST", self.url, json=msgspec.Raw(body), headers=headers, named="to url")
        except VendorRetryable as problem:
            if problem.status is None or not 200 <= problem.status < 300:
                raise
            return Receipt()  # done, and answered with a plain "ok" or a page instead of JSON
        return Receipt(reference=_reference(answer.data))

    def _signatures(self, signed: bytes) -> str:
        macs = (hmac.digest(key, signed, "sha256") for key in self._keys)
        return " ".join(f"v1,{base64.b64encode(mac).decode()}" for mac in macs)

    def _key(self, secret: str) -> bytes:
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            key = b""
        if len(key) not in _KEY_BYTES:
            raise self._wrong("outgoing_secret", "is not whsec_ and 24 to 64 bytes in base64")
        return key

    def _wrong(self, name: str, what: str) -> ConfigError:
        return ConfigError(f"sources.yaml: sources.{self._source}.settings.{name}", what)


def _reference(answer: Any) -> str:
    """What the receiver calls it, where it says `{"reference": …}` or `{"id": …}`."""
    found = (answer.get("reference") or answer.get("id")) if isinstance(answer, dict) else None
    return str(found)[:255] if isinstance(found, str | int) else ""
