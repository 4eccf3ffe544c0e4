"""The wire between an adapter and its vendor's fake server, and everything that goes wrong on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import httpx

from bridge.adapter.client import MAX_ANSWER

WAIT_SECONDS = 7
"""How long the vendor asks us to wait when it says 429."""

Fault = Callable[[httpx.Request], httpx.Response]


class Wire(httpx.AsyncBaseTransport):
    """Hands requests to `answer`, or to `fault` while one is set, and remembers what was asked."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self._answer = answer
        self.fault: Fault | None = None
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        return (self.fault or self._answer)(request)


class _Endless(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        part = b" " * 1_048_576
        for _ in range(MAX_ANSWER // len(part) + 2):
            yield part


def _broken(kind: type[httpx.TransportError]) -> Fault:
    def fault(request: httpx.Request) -> httpx.Response:
        raise kind("broken", request=request)

    return fault


def _says(status: int, content: bytes, **headers: str) -> Fault:
    return lambda request: httpx.Response(status, content=content, headers=headers)


_HTML = b"<!doctype html><html><title>Sign in</title><h1>We are down for maintenance</h1></html>"

PASSING: dict[str, Fault] = {
    "500": _says(500, b'{"error": "internal"}'),
    "503 with an HTML page": _says(503, _HTML, **{"content-type": "text/html"}),
    "time-out while connecting": _broken(httpx.ConnectTimeout),
    "time-out while reading": _broken(httpx.ReadTimeout),
    "no connection": _broken(httpx.ConnectError),
    "cut off": _broken(httpx.RemoteProtocolError),
}
"""Faults that pass: worth asking again."""

REFUSALS: dict[str, Fault] = {
    "401 for good": _says(401, b'{"error": "invalid_token"}'),
    "403": _says(403, b'{"error": "forbidden"}'),
}
"""The vendor said no: asking again is no use."""

NONSENSE: dict[str, Fault] = {
    "garbage": _says(200, b"\x00\xff\xfe{", **{"content-type": "application/json"}),
    "an HTML page with 200": _says(200, _HTML, **{"content-type": "text/html"}),
    "nothing": _says(200, b""),
    "null": _says(200, b"null"),
    "a list": _says(200, b"[]"),
    "a text": _says(200, b'"ok"'),
    "an empty object": _says(200, b"{}"),
    "200 with an error inside": _says(200, b'{"error": {"code": 200, "message": "Server error"}}'),
    "an oversize answer": lambda request: httpx.Response(200, stream=_Endless()),
    "a redirect to another host": _says(302, b"", location="https://attacker.example/api"),
}
"""Answers that are none: an error of either kind, never an empty result."""


def too_many(header: str) -> Fault:
    """429, with `header` saying how long to wait."""
    return _says(429, b'{"error": "too many requests"}', **{header: str(WAIT_SECONDS)})
