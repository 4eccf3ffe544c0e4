"""Takes live events from Asterisk's websocket and posts those that the bridge reads, signed, one a delivery.

    python -m adapters.asterisk.forwarder        all it needs comes from the environment, see README.md

It runs beside Asterisk or beside the bridge and goes on by itself when either of them was away. It keeps what the
bridge does not take yet, up to MOST events; what is lost beyond that, the call records still tell.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import logging
import os
import sys
import time
import uuid
from base64 import b64decode
from collections.abc import AsyncIterator, Mapping
from urllib.parse import quote, urlsplit

import httpx
import msgspec
import websockets
from msgspec import Struct

from .events import wanted

MOST = 10_000
LONGEST_WAIT = 60.0
_log = logging.getLogger("asterisk.forwarder")


class Settings(Struct, frozen=True):
    """Where events come from and go to."""

    ari_url: str
    ari_user: str
    ari_password: str
    bridge_url: str
    bridge_secret: str
    application: str = "bridge"

    @property
    def events_url(self) -> str:
        """The address of the websocket. Every event of every channel is asked for."""
        parts = urlsplit(self.ari_url)
        scheme = {"http": "ws", "https": "wss"}[parts.scheme]
        path = parts.path.rstrip("/")
        return f"{scheme}://{parts.netloc}{path}/ari/events?app={quote(self.application)}&subscribeAll=true"


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings. Raises ValueError naming what is missing or wrong, never its value."""
    names = ("ARI_URL", "ARI_USER", "ARI_PASSWORD", "BRIDGE_WEBHOOK_URL", "BRIDGE_WEBHOOK_SECRET")
    if missing := [name for name in names if not environment.get(name)]:
        raise ValueError(f"set {', '.join(missing)}")
    settings = Settings(*(environment[name] for name in names))
    if urlsplit(settings.ari_url).scheme not in ("http", "https"):
        raise ValueError("ARI_URL must begin with http:// or https://")
    try:
        b64decode(settings.bridge_secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        raise ValueError("BRIDGE_WEBHOOK_SECRET must be whsec_ and base64, as in the source's settings") from None
    return settings


def signed(secret: str, body: bytes, *, number: str, at: int) -> dict[str, str]:
    """The headers of one delivery, as https://www.standardwebhooks.com/ has it."""
    key = b64decode(secret.removeprefix("whsec_"))
    mac = base64.b64encode(hmac.digest(key, f"{number}.{at}.".encode() + body, "sha256")).decode()
    stamped = {"webhook-id": number, "webhook-timestamp": str(at), "webhook-signature": f"v1,{mac}"}
    return {"content-type": "application/json", **stamped}


async def listen(settings: Settings) -> AsyncIterator[bytes]:
    """The events the bridge reads, until the connection ends."""
    login = base64.b64encode(f"{settings.ari_user}:{settings.ari_password}".encode()).decode()
    headers = {"authorization": f"Basic {login}"}
    async with websockets.connect(settings.events_url, additional_headers=headers, proxy=None) as connection:
        _log.info("listening to Asterisk")
        async for message in connection:
            body = message.encode() if isinstance(message, str) else message
            if wanted(msgspec.json.decode(body)):
                yield body


async def post(settings: Settings, client: httpx.AsyncClient, body: bytes) -> bool:
    """Post one event. False where it has to be tried again; what the bridge refuses for good is logged and dropped."""
    headers = signed(settings.bridge_secret, body, number=f"msg_{uuid.uuid4().hex}", at=int(time.time()))
    try:
        answer = await client.post(settings.bridge_url, content=body, headers=headers)
    except httpx.HTTPError as problem:
        _log.warning("the bridge cannot be reached: %s", type(problem).__name__)
        return False
    if answer.is_success:
        return True
    _log.warning("the bridge answered %s", answer.status_code)
    return 400 <= answer.status_code < 500 and answer.status_code not in (401, 408, 429)


async def forward(settings: Settings, client: httpx.AsyncClient, *, pause: float = 1.0) -> None:
    """Listen and post for ever; after each failure wait `pause` seconds, then twice as long, up to LONGEST_WAIT."""
    waiting: asyncio.Queue[bytes] = asyncio.Queue(MOST)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_take(settings, waiting, pause))
        tasks.create_task(_give(settings, client, waiting, pause))


async def _take(settings: Settings, waiting: asyncio.Queue[bytes], pause: float) -> None:
    wait = pause
    while True:
        try:
            async for body in listen(settings):
                wait = pause
                if waiting.full():
                    waiting.get_nowait()
                    _log.error("more than %s events wait for the bridge: the oldest is dropped", MOST)
                waiting.put_nowait(body)
        except (OSError, TimeoutError, websockets.WebSocketException, msgspec.DecodeError) as problem:
            _log.warning("Asterisk cannot be listened to: %s", type(problem).__name__)
        await asyncio.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT)


async def _give(settings: Settings, client: httpx.AsyncClient, waiting: asyncio.Queue[bytes], pause: float) -> None:
    while True:
        body = await waiting.get()
        wait = pause
        while not await post(settings, client, body):
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)


async def main() -> int:
    """Forward until stopped. 2: something is missing in the environment."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        settings = read_settings(os.environ)
    except ValueError as problem:
        _log.error("%s", problem)
        return 2
    async with httpx.AsyncClient(timeout=10) as client:
        await forward(settings, client)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main()))
    except KeyboardInterrupt:
        sys.exit(0)
