"""The wire between an adapter and its vendor's fake server, and everything that goes wrong on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TypeAlias

import httpx

from bridge.adapter import client

WAIT_SECONDS = 7
"""How long the vendor asks us to wait when it says 429."""

Answering: TypeAlias = Callable[[httpx.Request], httpx.Response]
_STRANGER = "stranger.example"


class Wire(httpx.AsyncBaseTransport):
    """Hands requests to `answer`; while a `fault` is set, to that, but for those that are `spared`."""

    def __init__(self, answer: Answering, spared: Callable[[httpx.Request], bool] | None = None) -> None:
        self._answer = answer
        self._spared = spared
        self.fault: Answering | None = None
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        if self.fault is None or (self._spared is not None and self._spared(request)):
            return self._answer(request)
        return self.fault(request)


class _Endless(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        part = b" " * 1_048_576
        for _ in range(client.MAX_ANSWER // len(part) + 2):
            yield part
        raise AssertionError("more was read than an answer may have")


def _elsewhere(request: httpx.Request) -> httpx.Response:
    if request.url.host == _STRANGER:
        raise AssertionError("a redirect to another host was followed")
    return httpx.Response(302, headers={"location": f"https://{_STRANGER}/api"})


def _broken(kind: type[httpx.TransportError]) -> Answering:
    def fault(request: httpx.Request) -> httpx.Response:
        raise kind("broken", request=request)

    return fault


def _says(status: int, content: bytes, **headers: str) -> Answering:
    return lambda request: httpx.Response(status, content=content, headers=headers)


_HTML = b"<!doctype html><html><title>Sign in</title><h1>We are down for maintenance</h1></html>"

PASSING: dict[str, Answering] = {
    "500": _says(500, b'{"error": "internal"}'),
    "503 with an HTML page": _says(503, _HTML, **{"content-type": "text/html"}),
    "time-out while connecting": _broken(httpx.ConnectTimeout),
    "time-out while reading": _broken(httpx.ReadTimeout),
    "no connection": _broken(httpx.ConnectError),
    "cut off": _broken(httpx.RemoteProtocolError),
}
"""Answerings that pass: worth asking again."""

REFUSALS: dict[str, Answering] = {
    "401 for good": _says(401, b'{"error": "invalid_token"}'),
    "403": _says(403, b'{"error": "forbidden"}'),
}
"""The vendor said no: asking again is no use."""

NONSENSE: dict[str, Answering] = {
    "garbage": _says(200, b"\x00\xff\xfe{", **{"content-type": "application/json"}),
    "an HTML page with 200": _says(200, _HTML, **{"content-type": "text/html"}),
    "nothing": _says(200, b""),
    "null": _says(200, b"null"),
    "a list": _says(200, b"[]"),
    "a text": _says(200, b'"ok"'),
    "an empty object": _says(200, b"{}"),
    "200 with an error inside": _says(200, b'{"error": {"code": 200, "message": "Server error"}}'),
    "an oversize answer": lambda request: httpx.Response(200, stream=_Endless()),
    "a redirect to another host": _elsewhere,
}
"""Answers that are none: an error of either kind, never an empty result."""


def too_many(header: str) -> Answering:
    """429, with `header` saying how long to wait."""
    return _says(429, b'{"error": "too many requests"}', **{header: str(WAIT_SECONDS)})
